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
#include "core/os/once.h"

/* A view cannot be replaced in part, nor in one step: all of it goes, and zeros come in its place. The
** bytes before the fault are lost, too, but nobody gets any of them who looks at the mark. The thread
** that faults is the only one that uses the region; should another one be given its place in between,
** there are no zeros to be had, and the fault is nobody's. */
static bool replace_view(uint8_t *base, size_t size) {
  return UnmapViewOfFile(base) &&
         VirtualAlloc(base, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE) == base;
}

bool guard_bury(uintptr_t address, uintptr_t low, uintptr_t high) {
  MEMORY_BASIC_INFORMATION piece;
  (void)low, (void)high; /* of which a view is a part */
  if (!VirtualQuery((void *)address, &piece, sizeof piece)) return false;
  if (piece.State == MEM_RESERVE) {
    return VirtualAlloc((void *)address, 1, MEM_COMMIT, PAGE_READWRITE) != NULL;
  }
  if (piece.Type != MEM_MAPPED) return false;
  uint8_t *base = piece.AllocationBase, *end = base;
  while (VirtualQuery(end, &piece, sizeof piece) && piece.State != MEM_FREE &&
         piece.AllocationBase == base) {
    end += piece.RegionSize;
  }
  return replace_view(base, (size_t)(end - base));
}

/* Of a view that could not be mapped. */
static bool is_reserved(ULONG_PTR address) {
  MEMORY_BASIC_INFORMATION piece;
  return VirtualQuery((void *)address, &piece, sizeof piece) && piece.State == MEM_RESERVE;
}

/* Storing where nothing may be stored is a fault of ours, and to be seen. */
static bool is_missing_page(const EXCEPTION_RECORD *record) {
  if (record->NumberParameters < 2) return false;
  if (record->ExceptionCode == EXCEPTION_IN_PAGE_ERROR) return true;
  return record->ExceptionCode == EXCEPTION_ACCESS_VIOLATION &&
         (system_is_wine() || is_reserved(record->ExceptionInformation[1]));
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
