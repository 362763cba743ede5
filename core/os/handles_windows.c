#include "core/os/handles_windows.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/os/mutex.h"

/* ---- descriptors ---------------------------------------------------------------------------- */

#define CHUNK 256
#define CHUNKS 256

static mm_mutex table_lock = MM_MUTEX_INIT;
static _Atomic(handle *)
    chunks[CHUNKS]; /* never freed: who has a descriptor finds it without the lock */
static int lowest;  /* below it there is none free */

static handle *entry_at(int fd) {
  handle *chunk = atomic_load(&chunks[fd / CHUNK]);
  return chunk ? &chunk[fd % CHUNK] : NULL;
}

/* The system's own memory, as it is not given back: a host's allocator may count what it gave. */
static handle *entry_make(int fd) {
  if (!atomic_load(&chunks[fd / CHUNK])) {
    atomic_store(&chunks[fd / CHUNK], calloc(CHUNK, sizeof(handle)));
  }
  return entry_at(fd);
}

int handle_keep(HANDLE file, bool writes) {
  int fd = -ENFILE;
  mm_mutex_lock(&table_lock);
  for (int i = lowest; i < CHUNKS * CHUNK && fd < 0; i++) {
    handle *entry = entry_make(i);
    if (!entry) break;
    if (entry->file) continue;
    *entry = (handle){.file = file, .writes = writes};
    fd = i;
    lowest = i + 1;
  }
  mm_mutex_unlock(&table_lock);
  if (fd < 0) (void)CloseHandle(file);
  return fd;
}

handle *handle_of(int fd) {
  if (fd < 0 || fd >= CHUNKS * CHUNK) return NULL;
  handle *entry = entry_at(fd);
  return entry && entry->file ? entry : NULL;
}

int handle_free(int fd) {
  handle *entry = handle_of(fd);
  if (!entry) return -EBADF;
  handle gone = *entry;
  mm_mutex_lock(&table_lock);
  *entry = (handle){.file = NULL};
  if (fd < lowest) lowest = fd;
  mm_mutex_unlock(&table_lock);
  if (gone.memory) (void)UnmapViewOfFile(gone.memory);
  if (gone.section) (void)CloseHandle(gone.section);
  return CloseHandle(gone.file) ? 0 : last_error();
}

/* ---- errors --------------------------------------------------------------------------------- */

static const struct {
  DWORD error;
  int value;
} errors[] = {
    {ERROR_FILE_NOT_FOUND, ENOENT},
    {ERROR_PATH_NOT_FOUND, ENOENT},
    {ERROR_BAD_NETPATH, ENOENT},
    {ERROR_BAD_NET_NAME, ENOENT},
    {ERROR_INVALID_DRIVE, ENOENT},
    {ERROR_INVALID_NAME, EINVAL},
    {ERROR_BAD_PATHNAME, EINVAL},
    {ERROR_DIRECTORY, ENOTDIR},
    {ERROR_TOO_MANY_OPEN_FILES, EMFILE},
    {ERROR_ACCESS_DENIED, EACCES},
    {ERROR_SHARING_VIOLATION, EACCES},
    {ERROR_CANNOT_MAKE, EACCES},
    {ERROR_PRIVILEGE_NOT_HELD, EPERM},
    {ERROR_INVALID_HANDLE, EBADF},
    {ERROR_NOT_ENOUGH_MEMORY, ENOMEM},
    {ERROR_OUTOFMEMORY, ENOMEM},
    {ERROR_COMMITMENT_LIMIT, ENOMEM},
    {ERROR_NO_SYSTEM_RESOURCES, ENOMEM},
    {ERROR_INVALID_ADDRESS, ENOMEM},
    {ERROR_NOT_SAME_DEVICE, EXDEV},
    {ERROR_WRITE_PROTECT, EROFS},
    {ERROR_LOCK_VIOLATION, EAGAIN},
    {ERROR_FILE_EXISTS, EEXIST},
    {ERROR_ALREADY_EXISTS, EEXIST},
    {ERROR_INVALID_PARAMETER, EINVAL},
    {ERROR_DISK_FULL, ENOSPC},
    {ERROR_HANDLE_DISK_FULL, ENOSPC},
    {1295 /* ERROR_DISK_QUOTA_EXCEEDED */, ENOSPC},
    {ERROR_FILE_TOO_LARGE, EFBIG},
    {ERROR_FILENAME_EXCED_RANGE, ENAMETOOLONG},
    {ERROR_MORE_DATA, ENAMETOOLONG},
    {ERROR_BUFFER_OVERFLOW, ENAMETOOLONG},
    {ERROR_INVALID_FUNCTION, EOPNOTSUPP},
    {ERROR_NOT_SUPPORTED, EOPNOTSUPP},
    {ERROR_CALL_NOT_IMPLEMENTED, ENOSYS},
    {ERROR_USER_MAPPED_FILE, EBUSY},
    {ERROR_BUSY, EBUSY},
    {ERROR_CANT_RESOLVE_FILENAME, ELOOP},
    {681 /* ERROR_STOPPED_ON_SYMLINK */, ELOOP},
    {ERROR_NOT_A_REPARSE_POINT, EINVAL},
    {ERROR_DELETE_PENDING, ENOENT},
};

int error_of(DWORD error) {
  if (error == ERROR_SUCCESS) return 0;
  for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
    if (errors[i].error == error) return -errors[i].value;
  }
  return -EIO;
}

int last_error(void) {
  return error_of(GetLastError());
}

bool system_is_wine(void) {
  return GetProcAddress(GetModuleHandleW(L"ntdll.dll"), "wine_get_version") != NULL;
}
