/*
** guard_windows.c: the handler of exceptions.
**
** A page of a view that its file cannot give is EXCEPTION_IN_PAGE_ERROR. Windows itself refuses to cut
** a file that is mapped; wine lets other programs do so, and gives a plain access violation.
**
** Handlers are called first to last until one says that it has dealt with it, so nobody is displaced,
** and ours asks only for addresses in its regions.
*/
#include "core/os/handles_windows.h"

#include "core/os/guard.h"
#include "core/os/guard_private.h"
#include "core/os/mutex.h"
#include "core/os/once.h"

/* A view cannot be replaced in part, nor in one step: all of it goes, and zeros come in its place. The
** bytes before the fault are lost, too, but nobody gets any of them who looks at the mark. Other threads
** that read the region (parts.h) may find nothing at all in between: that is a fault of theirs, which
** waits for the lock and finds the zeros. Should a stranger be given the place in between, there are no
** zeros to be had, and the fault is nobody's. */
static bool replace_view(uint8_t *base, size_t size) {
  return UnmapViewOfFile(base) &&
         VirtualAlloc(base, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) == base;
}

static mm_mutex bury_lock = MM_MUTEX_INIT;
static uintptr_t buried_low, buried_high; /* the last view that was */

static bool is_buried(uintptr_t address) {
  return buried_low <= address && address < buried_high;
}

static bool bury_piece(uintptr_t address) {
  MEMORY_BASIC_INFORMATION piece;
  if (!VirtualQuery((void *)address, &piece, sizeof piece)) return false;
  if (piece.State == MEM_RESERVE) {
    return VirtualAlloc((void *)address, 1, MEM_COMMIT, PAGE_READWRITE) != NULL;
  }
  if (piece.Type != MEM_MAPPED) return piece.State == MEM_COMMIT && is_buried(address);
  uint8_t *base = piece.AllocationBase, *end = base;
  while (VirtualQuery(end, &piece, sizeof piece) && piece.State != MEM_FREE &&
         piece.AllocationBase == base) {
    end += piece.RegionSize;
  }
  if (!replace_view(base, (size_t)(end - base))) return false;
  buried_low = (uintptr_t)base;
  buried_high = (uintptr_t)end;
  return true;
}

bool guard_bury(uintptr_t address, uintptr_t low, uintptr_t high) {
  (void)low, (void)high; /* of which a view is a part */
  mm_mutex_lock(&bury_lock);
  bool buried = bury_piece(address);
  mm_mutex_unlock(&bury_lock);
  return buried;
}

/* Of a view that could not be mapped. */
static bool is_reserved(ULONG_PTR address) {
  MEMORY_BASIC_INFORMATION piece;
  return VirtualQuery((void *)address, &piece, sizeof piece) && piece.State == MEM_RESERVE;
}

/* Of a view that another thread was just replacing. ExceptionInformation[0]: 0 is reading. */
static bool was_replaced(const ULONG_PTR *information) {
  mm_mutex_lock(&bury_lock);
  bool replaced = information[0] == 0 && is_buried(information[1]);
  mm_mutex_unlock(&bury_lock);
  return replaced;
}

/* Storing where nothing may be stored is a fault of ours, and to be seen. */
static bool is_missing_page(const EXCEPTION_RECORD *record) {
  if (record->NumberParameters < 2) return false;
  if (record->ExceptionCode == EXCEPTION_IN_PAGE_ERROR) return true;
  return record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION &&
         (system_is_wine() || is_reserved(record->ExceptionInformation[1]) ||
          was_replaced(record->ExceptionInformation));
}

static LONG CALLBACK on_exception(EXCEPTION_POINTERS *pointers) {
  const EXCEPTION_RECORD *record = pointers->ExceptionRecord;
  if (!is_missing_page(record)) return EXCEPTION_CONTINUE_SEARCH;
  DWORD error = GetLastError();
  bool served = guard_serve(record->ExceptionInformation[1]);
  SetLastError(error);
  return served ? EXCEPTION_CONTINUE_EXECUTION : EXCEPTION_CONTINUE_SEARCH;
}

static mm_once_flag installed = MM_ONCE_INIT;
static void *handler;

/* The library, which the handler is in, is never unloaded from now on. */
static void install(void) {
  HMODULE self;
  (void)GetModuleHandleExW(GET_MODULE_HANDLE_EX_FLAG_PIN | GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS,
                           (LPCWSTR)(void *)&installed, &self);
  handler = AddVectoredExceptionHandler(1, on_exception);
}

int mm_guard_install(mm_error *err) {
  mm_once(&installed, install);
  if (handler) return MM_OK;
  return mm_fail(err, MM_ERROR, "cannot handle exceptions in this process");
}
