/*
** maps_windows.c: files in memory.
**
** A view is of a section, which is closed at once: it lives as long as its views. There are no
** placeholders (VirtualAlloc2), which systems before Windows 10 1803, and wine 8, do not have: where
** two pieces are to lie one behind the other, their place is found by reserving it, and taken after
** it is free again; if another thread was quicker, elsewhere.
*/
#include "core/os/handles_windows.h"
#include "core/os/sys.h"
#include "core/os/system_windows.h"

#define GROWN_TRIES 100

/* ---- a view --------------------------------------------------------------------------------- */

static DWORD low_half(uint64_t value) {
  return (DWORD)value;
}

static DWORD high_half(uint64_t value) {
  return (DWORD)(value >> 32);
}

/* The section of a file's first `end` bytes, or of a tag; the caller closes it. Only what is to be
** stored into is a copy on write, as the system sets memory aside for all of that. */
static HANDLE open_section(const handle *h, bool writes, uint64_t end) {
  if (h->section) {
    HANDLE self = GetCurrentProcess(), section = NULL;
    return DuplicateHandle(self, h->section, self, &section, 0, FALSE, DUPLICATE_SAME_ACCESS)
               ? section
               : NULL;
  }
  return CreateFileMappingW(h->file, NULL, writes ? PAGE_WRITECOPY : PAGE_READONLY, high_half(end),
                            low_half(end), NULL);
}

static int map_view(void **address, void *place, size_t size, bool writes, int fd,
                    uint64_t offset) {
  const handle *h = handle_of(fd);
  if (!h) return -EBADF;
  HANDLE section = open_section(h, writes, offset + size);
  if (!section) return last_error();
  void *view = MapViewOfFileEx(section, writes ? FILE_MAP_COPY : FILE_MAP_READ, high_half(offset),
                               low_half(offset), size, place);
  int rc = view ? 0 : last_error();
  (void)CloseHandle(section);
  if (view) *address = view;
  return rc;
}

/* What nobody may touch takes no memory: guard_windows.c commits the pages that are touched all the same. */
static int map_memory(void **address, void *place, size_t size, DWORD protection) {
  DWORD how = MEM_RESERVE | (protection == PAGE_NOACCESS ? 0 : MEM_COMMIT);
  void *memory = VirtualAlloc(place, size, how, protection);
  if (!memory) return last_error();
  *address = memory;
  return 0;
}

static DWORD protection_of(int protection) {
  if (protection & MM_PROT_WRITE) return PAGE_READWRITE;
  return protection & MM_PROT_READ ? PAGE_READONLY : PAGE_NOACCESS;
}

int windows_map(void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed) {
  if (fixed) return -EINVAL;
  if (fd < 0) return map_memory(address, NULL, size, protection_of(protection));
  return map_view(address, NULL, size, (protection & MM_PROT_WRITE) != 0, fd, offset);
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* A place for `size` bytes that was free just now. */
static void *find_place(size_t size) {
  void *place = VirtualAlloc(NULL, size, MEM_RESERVE, PAGE_NOACCESS);
  if (place) (void)VirtualFree(place, 0, MEM_RELEASE);
  return place;
}

static int map_pieces(uint8_t *place, size_t size, int fd, size_t shared) {
  void *at = NULL;
  int rc = map_view(&at, place, shared, true, fd, 0);
  if (rc == 0 && size > shared) {
    rc = map_memory(&at, place + shared, size - shared, PAGE_READWRITE);
    if (rc < 0) (void)UnmapViewOfFile(place);
  }
  return rc;
}

/* Which error says that a place was taken meanwhile, the documentation does not tell: any does, but
** what another place would not mend. */
int windows_map_grown(void **address, size_t size, int fd, size_t shared) {
  int rc = -ENOMEM;
  if (shared == 0) return map_memory(address, NULL, size, PAGE_READWRITE);
  for (int i = 0; i < GROWN_TRIES; i++) {
    void *place = find_place(size);
    if (!place) return last_error();
    rc = map_pieces(place, size, fd, shared);
    if (rc == 0) *address = place;
    if (rc == 0 || rc == -EBADF || rc == -EACCES || rc == -EBUSY) break;
  }
  return rc;
}

/* One piece of what was mapped, whatever it is by now (guard_windows.c puts zeros in the place of a
** view): where it ends. */
static uint8_t *unmap_piece(uint8_t *at) {
  MEMORY_BASIC_INFORMATION piece;
  if (!VirtualQuery(at, &piece, sizeof piece)) return NULL;
  uint8_t *end = (uint8_t *)piece.BaseAddress + piece.RegionSize;
  void *base = piece.AllocationBase;
  while (VirtualQuery(end, &piece, sizeof piece) && piece.AllocationBase == base &&
         piece.State != MEM_FREE) {
    end += piece.RegionSize;
  }
  (void)VirtualQuery(at, &piece, sizeof piece);
  if (piece.State == MEM_FREE) return end;
  bool gone = piece.Type == MEM_MAPPED ? UnmapViewOfFile(base) : VirtualFree(base, 0, MEM_RELEASE);
  return gone ? end : NULL;
}

int windows_unmap(void *address, size_t size) {
  uint8_t *at = address, *end = at + size;
  while (at && at < end) at = unmap_piece(at);
  return at ? 0 : last_error();
}

/* ---- the rest -------------------------------------------------------------------------------- */

int windows_protect(void *address, size_t size, int protection) {
  MEMORY_BASIC_INFORMATION piece;
  DWORD before, now = protection_of(protection);
  if (!VirtualQuery(address, &piece, sizeof piece)) return last_error();
  if (piece.Type == MEM_MAPPED && now == PAGE_READWRITE) now = PAGE_WRITECOPY;
  return VirtualProtect(address, size, now, &before) ? 0 : last_error();
}

static int prefetch(void *address, size_t size) {
  WIN32_MEMORY_RANGE_ENTRY range = {address, size};
  return PrefetchVirtualMemory(GetCurrentProcess(), 1, &range, 0) ? 0 : last_error();
}

/* The system has no other advice to be given. Those that a page shows the file again by, or is read
** in another order, change nothing that is seen: they are taken, and nothing is done. */
int windows_advise(void *address, size_t size, int advice) {
  switch (advice) {
    case MM_ADVICE_NORMAL:
    case MM_ADVICE_RANDOM:
    case MM_ADVICE_SEQUENTIAL:
    case MM_ADVICE_DONTNEED:
      return 0;
    case MM_ADVICE_WILLNEED:
    case MM_ADVICE_POPULATE_READ:
      return prefetch(address, size);
    default:
      return -EINVAL;
  }
}

int windows_move_map(void *from, size_t size, void *to) {
  (void)from, (void)size, (void)to;
  return -ENOSYS;
}
