/*
** sys_windows.c: the table of system calls on Windows 10 and later.
**
** Every handle shares reading, writing and deleting, so that nobody is kept from what POSIX lets him
** do. Paths go to the system whole, in its own words (names_windows.h). What only says where a file is
** (MM_OPEN_PATH) is a handle that may read its attributes.
**
** Wine is asked for by name in two places: there a file's birth time moves with each write, and a name
** that was removed and is still open is there like any other.
*/
#include "core/os/handles_windows.h"

#include <stdlib.h>
#include <string.h>
#include <winioctl.h>
#include <winternl.h>

/* Behind <windows.h>, which it is a part of. */
#include <bcrypt.h>

#include "core/os/mutex.h"
#include "core/os/names_windows.h"
#include "core/os/once.h"
#include "core/os/path.h"
#include "core/os/sys.h"
#include "core/os/system_windows.h"

_Static_assert(sizeof(WCHAR) == sizeof(uint16_t), "names_windows.h gives what the system takes");

#define CALL_MAX ((size_t)1 << 30) /* the most that one read or write moves */
#define SHARE_ALL (FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
#define NANO INT64_C(1000000000)

typedef struct native_path {
  WCHAR text[MM_PATH_MAX + 16];
} native_path;

/* ---- paths ---------------------------------------------------------------------------------- */

/* From what the system says, with its prefix, to core's words. */
static int take_path(const WCHAR *native, char *path, size_t size) {
  return names_from_native((const uint16_t *)native, path, size);
}

static int windows_working_directory(char *path, size_t size) {
  WCHAR text[MM_PATH_MAX];
  DWORD n = GetCurrentDirectoryW(MM_PATH_MAX, text);
  if (n == 0) return last_error();
  return n < MM_PATH_MAX ? take_path(text, path, size) : -ENAMETOOLONG;
}

/* A path as anybody wrote it, in the system's words. */
static int go_native(const char *path, native_path *out) {
  char here[MM_PATH_MAX], own[MM_PATH_MAX], whole[MM_PATH_MAX];
  int rc = windows_working_directory(here, sizeof here);
  if (rc == 0) rc = names_normalise(path, here, own, sizeof own);
  if (rc == 0) rc = names_absolute(own, here, whole, sizeof whole);
  if (rc < 0) return rc;
  return names_native(whole, (uint16_t *)out->text, sizeof out->text / sizeof *out->text);
}

/* ---- opening --------------------------------------------------------------------------------- */

/* Others have a file open for a moment that shares nothing: scanners for viruses and for search. What
** SQLite waits in such a case, too. */
#define TRIES 10
#define PAUSE_MS 25

static bool is_for_a_moment(DWORD error) {
  return error == ERROR_SHARING_VIOLATION || error == ERROR_LOCK_VIOLATION;
}

NTSYSAPI NTSTATUS NTAPI RtlGetLastNtStatus(VOID); /* in no header */

/* A name that was removed and is still open by somebody. */
static bool is_going(void) {
  return RtlGetLastNtStatus() == (NTSTATUS)0xC0000056; /* STATUS_DELETE_PENDING */
}

/* Of a name that is being made or taken the system says that access is denied where it only has to be
** tried later; wine, of one that is going, no more than that it exists. */
static bool may_be_going(DWORD error) {
  return is_going() || error == ERROR_ACCESS_DENIED ||
         (error == ERROR_FILE_EXISTS && system_is_wine());
}

/* Waits, if it is worth another try. `changes`: a name is being made or taken. */
static bool try_again(int tries, bool changes) {
  DWORD error = GetLastError();
  bool worth = is_for_a_moment(error) || (changes && may_be_going(error));
  if (!worth || tries >= TRIES) return false;
  Sleep((DWORD)tries < 3 ? 1 : PAUSE_MS);
  SetLastError(error);
  return true;
}

static DWORD access_of(int flags) {
  DWORD access = FILE_READ_ATTRIBUTES | SYNCHRONIZE;
  if (flags & MM_OPEN_READ) access |= GENERIC_READ;
  if (flags & MM_OPEN_WRITE) access |= GENERIC_WRITE;
  return access;
}

static DWORD attributes_of(int flags) {
  DWORD attributes = FILE_FLAG_BACKUP_SEMANTICS; /* directories, too */
  if (flags & MM_OPEN_NOFOLLOW) attributes |= FILE_FLAG_OPEN_REPARSE_POINT;
  return attributes;
}

static DWORD disposition_of(int flags) {
  if (!(flags & MM_OPEN_CREATE)) return OPEN_EXISTING;
  return flags & MM_OPEN_EXCLUSIVE ? CREATE_NEW : OPEN_ALWAYS;
}

/* Is it a link, rather than a file whose bytes lie elsewhere? */
static bool is_link_tag(DWORD tag) {
  return tag == IO_REPARSE_TAG_SYMLINK || tag == IO_REPARSE_TAG_MOUNT_POINT;
}

static bool is_link(HANDLE file, DWORD attributes) {
  FILE_ATTRIBUTE_TAG_INFO tag;
  if (!(attributes & FILE_ATTRIBUTE_REPARSE_POINT)) return false;
  if (!GetFileInformationByHandleEx(file, FileAttributeTagInfo, &tag, sizeof tag)) return true;
  return is_link_tag(tag.ReparseTag);
}

static int check_opened(HANDLE file, int flags) {
  FILE_BASIC_INFO basic;
  bool asks = flags & (MM_OPEN_DIRECTORY | MM_OPEN_WRITE | MM_OPEN_NOFOLLOW);
  if (!asks) return 0;
  if (!GetFileInformationByHandleEx(file, FileBasicInfo, &basic, sizeof basic)) return 0;
  bool directory = basic.FileAttributes & FILE_ATTRIBUTE_DIRECTORY;
  if ((flags & MM_OPEN_DIRECTORY) && !directory) return -ENOTDIR;
  if ((flags & MM_OPEN_WRITE) && directory) return -EISDIR;
  bool reads = flags & (MM_OPEN_READ | MM_OPEN_WRITE);
  return reads && (flags & MM_OPEN_NOFOLLOW) && is_link(file, basic.FileAttributes) ? -ELOOP : 0;
}

static int keep_opened(HANDLE file, int flags) {
  int rc = check_opened(file, flags);
  if (rc == 0) return handle_keep(file, (flags & MM_OPEN_WRITE) != 0);
  (void)CloseHandle(file);
  return rc;
}

static int open_path(const char *path, int flags) {
  native_path native;
  HANDLE file;
  int rc = go_native(path, &native), tries = 0;
  bool makes = (flags & MM_OPEN_CREATE) != 0;
  if (rc < 0) return rc;
  do {
    file = CreateFileW(native.text, access_of(flags), SHARE_ALL, NULL, disposition_of(flags),
                       attributes_of(flags), NULL);
  } while (file == INVALID_HANDLE_VALUE && try_again(tries++, makes));
  if (file != INVALID_HANDLE_VALUE) return keep_opened(file, flags);
  return is_going() ? -ENOENT : last_error();
}

static ULONG create_of(int flags) {
  if (!(flags & MM_OPEN_CREATE)) return FILE_OPEN;
  return flags & MM_OPEN_EXCLUSIVE ? FILE_CREATE : FILE_OPEN_IF;
}

/* Win32 has no way to open a name in a directory that is open. */
static int open_in(int directory, const char *name, int flags) {
  uint16_t text[MM_PATH_MAX];
  handle *h = handle_of(directory);
  if (!h) return -EBADF;
  bool itself = strcmp(name, ".") == 0;
  int rc = itself ? 0 : names_check(name, strlen(name));
  if (rc == 0) rc = names_to_utf16(itself ? "" : name, text, MM_PATH_MAX);
  if (rc < 0) return rc;
  UNICODE_STRING string;
  RtlInitUnicodeString(&string, (PCWSTR)text);
  OBJECT_ATTRIBUTES object = {.Length = sizeof object,
                              .RootDirectory = h->file,
                              .ObjectName = &string,
                              .Attributes = OBJ_CASE_INSENSITIVE};
  ULONG options = FILE_SYNCHRONOUS_IO_NONALERT | FILE_OPEN_FOR_BACKUP_INTENT;
  if (flags & MM_OPEN_NOFOLLOW) options |= FILE_OPEN_REPARSE_POINT;
  IO_STATUS_BLOCK status;
  HANDLE file;
  NTSTATUS result =
      NtCreateFile(&file, access_of(flags), &object, &status, NULL, FILE_ATTRIBUTE_NORMAL,
                   SHARE_ALL, create_of(flags), options, NULL, 0);
  return result < 0 ? error_of(RtlNtStatusToDosError(result)) : keep_opened(file, flags);
}

static int windows_open(int directory, const char *path, int flags, uint32_t mode) {
  (void)mode;
  bool makes = (flags & MM_OPEN_CREATE) != 0;
  if (makes && !(flags & (MM_OPEN_READ | MM_OPEN_WRITE))) return -EINVAL;
  return directory < 0 ? open_path(path, flags) : open_in(directory, path, flags);
}

/* path.c walks. */
static int windows_open_beneath(int directory, const char *path, int flags, uint32_t mode) {
  (void)directory, (void)path, (void)flags, (void)mode;
  return -ENOSYS;
}

static HANDLE reopen_handle(HANDLE file, DWORD access) {
  HANDLE opened;
  int tries = 0;
  do opened = ReOpenFile(file, access, SHARE_ALL, FILE_FLAG_BACKUP_SEMANTICS);
  while (opened == INVALID_HANDLE_VALUE && try_again(tries++, false));
  return opened;
}

static int windows_reopen(int fd, int flags) {
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  HANDLE file = reopen_handle(h->file, access_of(flags));
  return file == INVALID_HANDLE_VALUE ? last_error() : keep_opened(file, flags);
}

/* ---- what a file is -------------------------------------------------------------------------- */

/* From 100 ns since 1601 to ns since 1970. */
static int64_t time_of(int64_t ticks) {
  return (int64_t)(((uint64_t)ticks - UINT64_C(116444736000000000)) * 100);
}

/* A file system without identities of 128 bits has those of 64. */
static int identify(handle *h) {
  FILE_ID_INFO id;
  BY_HANDLE_FILE_INFORMATION old;
  uint64_t halves[2];
  if (h->known) return 0;
  if (GetFileInformationByHandleEx(h->file, FileIdInfo, &id, sizeof id)) {
    memcpy(halves, &id.FileId, sizeof halves);
    h->device = id.VolumeSerialNumber;
    h->inode = halves[0] ^ (halves[1] << 32 | halves[1] >> 32);
  } else if (GetFileInformationByHandle(h->file, &old)) {
    h->device = old.dwVolumeSerialNumber;
    h->inode = (uint64_t)old.nFileIndexHigh << 32 | old.nFileIndexLow;
  } else {
    return last_error();
  }
  h->known = true;
  return 0;
}

static int kind_of(HANDLE file, DWORD attributes) {
  if (is_link(file, attributes)) return MM_KIND_OTHER;
  return attributes & FILE_ATTRIBUTE_DIRECTORY ? MM_KIND_DIRECTORY : MM_KIND_FILE;
}

/* There are no modes: who may do what is in lists that a file takes from its directory. */
static int windows_status(int fd, mm_stat *out) {
  FILE_BASIC_INFO basic;
  FILE_STANDARD_INFO standard;
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  int rc = identify(h);
  if (rc < 0) return rc;
  if (!GetFileInformationByHandleEx(h->file, FileBasicInfo, &basic, sizeof basic) ||
      !GetFileInformationByHandleEx(h->file, FileStandardInfo, &standard, sizeof standard)) {
    return last_error();
  }
  bool fixed = basic.FileAttributes & FILE_ATTRIBUTE_READONLY;
  *out = (mm_stat){.device = h->device,
                   .inode = h->inode,
                   .size = h->section ? h->size : (uint64_t)standard.EndOfFile.QuadPart,
                   .room = (uint64_t)standard.AllocationSize.QuadPart,
                   .mtime = time_of(basic.LastWriteTime.QuadPart),
                   .ctime = time_of(basic.ChangeTime.QuadPart),
                   .mode = fixed ? 0400 : 0600,
                   .links = standard.DeletePending ? 0 : standard.NumberOfLinks,
                   .kind = kind_of(h->file, basic.FileAttributes)};
  return 0;
}

static int status_of_path(const char *path, int flags, mm_stat *out) {
  int fd = open_path(path, flags);
  if (fd < 0) return fd;
  int rc = windows_status(fd, out);
  (void)handle_free(fd);
  return rc;
}

/* Mostly asked of a journal that is not there, which this question answers faster. */
static int windows_status_link(const char *path, mm_stat *out) {
  native_path native;
  int rc = go_native(path, &native);
  if (rc < 0) return rc;
  if (GetFileAttributesW(native.text) == INVALID_FILE_ATTRIBUTES &&
      GetLastError() == ERROR_FILE_NOT_FOUND) {
    return -ENOENT;
  }
  return status_of_path(path, MM_OPEN_NOFOLLOW, out);
}

static int windows_status_path(const char *path, mm_stat *out) {
  return status_of_path(path, MM_OPEN_PATH, out);
}

static int64_t windows_birth(int fd) {
  FILE_BASIC_INFO basic;
  handle *h = handle_of(fd);
  if (!h || system_is_wine()) return 0;
  if (!GetFileInformationByHandleEx(h->file, FileBasicInfo, &basic, sizeof basic)) return 0;
  return time_of(basic.CreationTime.QuadPart);
}

static int windows_path_of(int fd, char *path, size_t size) {
  WCHAR text[MM_PATH_MAX];
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  DWORD n = GetFinalPathNameByHandleW(h->file, text, MM_PATH_MAX, FILE_NAME_NORMALIZED);
  if (n == 0) return is_going() ? -ENOENT : last_error();
  return n < MM_PATH_MAX ? take_path(text, path, size) : -ENAMETOOLONG;
}

/* REPARSE_DATA_BUFFER, which is in a header for drivers. Both kinds begin alike; a symbolic link has a
** word of flags before its names. */
typedef struct reparse_data {
  ULONG tag;
  USHORT length, reserved;
  USHORT substitute, substitute_size, print, print_size;
  WCHAR rest[MAXIMUM_REPARSE_DATA_BUFFER_SIZE / sizeof(WCHAR)];
} reparse_data;

static int take_target(const reparse_data *data, DWORD size, char *target, size_t room) {
  WCHAR text[MM_PATH_MAX];
  size_t skip = data->tag == IO_REPARSE_TAG_SYMLINK ? sizeof(ULONG) : 0;
  const uint8_t *from = (const uint8_t *)data->rest + skip + data->substitute;
  if (offsetof(reparse_data, rest) + skip + data->substitute + data->substitute_size > size) {
    return -EIO;
  }
  if (data->substitute_size + sizeof(WCHAR) > sizeof text) return -ENAMETOOLONG;
  memcpy(text, from, data->substitute_size);
  text[data->substitute_size / sizeof(WCHAR)] = 0;
  return take_path(text, target, room);
}

static int windows_read_link(int fd, char *target, size_t size) {
  reparse_data data;
  DWORD n;
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (!DeviceIoControl(h->file, FSCTL_GET_REPARSE_POINT, NULL, 0, &data, sizeof data, &n, NULL)) {
    return last_error();
  }
  return is_link_tag(data.tag) ? take_target(&data, n, target, size) : -EINVAL;
}

/* ---- bytes ----------------------------------------------------------------------------------- */

static DWORD piece_of(size_t size) {
  return (DWORD)(size < CALL_MAX ? size : CALL_MAX);
}

static OVERLAPPED place_of(uint64_t offset) {
  OVERLAPPED place = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
  return place;
}

/* How much of a tag's memory a range has. */
static size_t inside(const handle *h, size_t size, uint64_t offset) {
  uint64_t left = offset < h->size ? h->size - offset : 0;
  return size < left ? size : (size_t)left;
}

static int64_t windows_read(int fd, void *data, size_t size, uint64_t offset) {
  DWORD n = 0;
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (offset > INT64_MAX) return -EINVAL;
  if (h->memory) {
    size = inside(h, size, offset);
    memcpy(data, h->memory + offset, size);
    return (int64_t)size;
  }
  OVERLAPPED place = place_of(offset);
  if (ReadFile(h->file, data, piece_of(size), &n, &place)) return n;
  return GetLastError() == ERROR_HANDLE_EOF ? 0 : last_error();
}

static int64_t windows_write(int fd, const void *data, size_t size, uint64_t offset) {
  DWORD n = 0;
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (offset > INT64_MAX) return -EINVAL;
  if (h->memory) {
    size = inside(h, size, offset);
    memcpy(h->memory + offset, data, size);
    return size ? (int64_t)size : -EFBIG;
  }
  OVERLAPPED place = place_of(offset);
  if (!WriteFile(h->file, data, piece_of(size), &n, &place)) return last_error();
  return n;
}

/* -EBUSY: it would be cut, and somebody has it mapped. */
static int windows_resize(int fd, uint64_t size) {
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (size > INT64_MAX) return -EFBIG;
  if (h->section) return size == h->size ? 0 : -EOPNOTSUPP;
  FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = (LONGLONG)size};
  return SetFileInformationByHandle(h->file, FileEndOfFileInfo, &end, sizeof end) ? 0
                                                                                  : last_error();
}

static int windows_can_hold(int fd, uint64_t size) {
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (h->section && size > h->size) return -EOPNOTSUPP;
  return size > INT64_MAX ? -EFBIG : 0;
}

/* What could set room aside past the end would cut what another program appends meanwhile. */
static int windows_reserve(int fd, uint64_t offset, uint64_t size) {
  (void)fd, (void)offset, (void)size;
  return -EOPNOTSUPP;
}

static int windows_zero(int fd, uint64_t offset, uint64_t size) {
  FILE_ZERO_DATA_INFORMATION range;
  DWORD n;
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (offset > INT64_MAX || size > INT64_MAX - offset) return -EFBIG;
  range.FileOffset.QuadPart = (LONGLONG)offset;
  range.BeyondFinalZero.QuadPart = (LONGLONG)(offset + size);
  if (h->section ||
      !DeviceIoControl(h->file, FSCTL_SET_ZERO_DATA, &range, sizeof range, NULL, 0, &n, NULL)) {
    return -EOPNOTSUPP;
  }
  return 0;
}

/* Nobody asks for holes but who reserves room or covers them: there are none to be seen. */
static int64_t windows_next_hole(int fd, uint64_t offset) {
  mm_stat stat = {.size = 0};
  (void)offset;
  int rc = windows_status(fd, &stat);
  return rc < 0 ? rc : (int64_t)stat.size;
}

static int64_t windows_next_data(int fd, uint64_t offset) {
  int64_t size = windows_next_hole(fd, offset);
  if (size < 0) return size;
  return offset < (uint64_t)size ? (int64_t)offset : -ENXIO;
}

static int windows_holes_take_room(int fd) {
  (void)fd;
  return 0;
}

static bool is_directory(HANDLE file) {
  FILE_STANDARD_INFO standard;
  return GetFileInformationByHandleEx(file, FileStandardInfo, &standard, sizeof standard) &&
         standard.Directory;
}

/* Only who may write may flush: a handle that reads is opened anew for it. */
static int windows_sync(int fd) {
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (h->section) return 0;
  if (h->writes) return FlushFileBuffers(h->file) ? 0 : last_error();
  if (is_directory(h->file)) return -EOPNOTSUPP;
  HANDLE file = reopen_handle(h->file, GENERIC_WRITE);
  if (file == INVALID_HANDLE_VALUE) return last_error();
  int rc = FlushFileBuffers(file) ? 0 : last_error();
  (void)CloseHandle(file);
  return rc;
}

/* ---- names ----------------------------------------------------------------------------------- */

/* FILE_DISPOSITION_INFO_EX, which not every header has. The name goes at once, and whoever has the file
** open keeps it. */
static bool dispose(HANDLE file) {
  ULONG flags = 1 | 2 | 16; /* delete, POSIX semantics, also what is read-only */
  if (SetFileInformationByHandle(file, (FILE_INFO_BY_HANDLE_CLASS)21, &flags, sizeof flags)) {
    return true;
  }
  /* An older system, or a file system that has only the other way: the name goes with the last handle. */
  FILE_DISPOSITION_INFO old = {.DeleteFile = TRUE};
  return SetFileInformationByHandle(file, FileDispositionInfo, &old, sizeof old);
}

static int windows_remove(const char *path) {
  native_path native;
  HANDLE file;
  int rc = go_native(path, &native), tries = 0;
  if (rc < 0) return rc;
  do {
    file = CreateFileW(native.text, DELETE, SHARE_ALL, NULL, OPEN_EXISTING,
                       FILE_FLAG_OPEN_REPARSE_POINT, NULL);
  } while (file == INVALID_HANDLE_VALUE && !is_going() && try_again(tries++, true));
  if (file == INVALID_HANDLE_VALUE) return is_going() ? -ENOENT : last_error();
  rc = dispose(file) ? 0 : last_error();
  (void)CloseHandle(file);
  return rc;
}

static int windows_rename(const char *from, const char *to) {
  native_path native_from, native_to;
  int rc = go_native(from, &native_from), tries = 0;
  if (rc == 0) rc = go_native(to, &native_to);
  if (rc < 0) return rc;
  while (!MoveFileExW(native_from.text, native_to.text,
                      MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) {
    if (!try_again(tries++, true)) return last_error();
  }
  return 0;
}

/* It has a list, as all have; that of a journal which stays does not change. */
static int windows_has_access(int file) {
  (void)file;
  return 1;
}

static int windows_same_access(int fd, int file) {
  (void)fd, (void)file;
  return 1;
}

static int windows_set_mode(int fd, uint32_t mode) {
  (void)mode;
  return handle_of(fd) ? 0 : -EBADF;
}

static int windows_set_owner(int fd, uint32_t user, uint32_t group) {
  (void)user, (void)group;
  return handle_of(fd) ? 0 : -EBADF;
}

/* Of a link, the room for extended attributes holds its tag. */
static int kind_of_entry(const FILE_FULL_DIR_INFO *entry) {
  DWORD attributes = entry->FileAttributes;
  bool link = (attributes & FILE_ATTRIBUTE_REPARSE_POINT) && is_link_tag(entry->EaSize);
  if (link) return MM_KIND_OTHER;
  return attributes & FILE_ATTRIBUTE_DIRECTORY ? MM_KIND_DIRECTORY : MM_KIND_FILE;
}

static bool is_dots(const char *name) {
  return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* A name that no path can have here (an unpaired surrogate, a trailing dot) is passed over. */
static bool report(const FILE_FULL_DIR_INFO *entry, mm_sys_entry *report_to, void *context) {
  uint16_t text[MM_PATH_MAX];
  char name[MM_PATH_MAX];
  size_t units = entry->FileNameLength / sizeof(WCHAR);
  if (units >= MM_PATH_MAX) return true;
  memcpy(text, entry->FileName, entry->FileNameLength);
  text[units] = 0;
  if (names_to_utf8(text, name, sizeof name) < 0 || is_dots(name)) return true;
  if (names_check(name, strlen(name)) < 0) return true;
  return report_to(context, name, kind_of_entry(entry));
}

static bool report_all(const uint8_t *buffer, mm_sys_entry *entry, void *context) {
  for (;;) {
    const FILE_FULL_DIR_INFO *info = (const FILE_FULL_DIR_INFO *)(const void *)buffer;
    if (!report(info, entry, context)) return false;
    if (!info->NextEntryOffset) return true;
    buffer += info->NextEntryOffset;
  }
}

static int list_handle(HANDLE directory, mm_sys_entry *entry, void *context) {
  _Alignas(8) uint8_t buffer[16 << 10];
  FILE_INFO_BY_HANDLE_CLASS what = FileFullDirectoryRestartInfo;
  for (;;) {
    if (!GetFileInformationByHandleEx(directory, what, buffer, sizeof buffer)) {
      return GetLastError() == ERROR_NO_MORE_FILES ? 0 : last_error();
    }
    if (!report_all(buffer, entry, context)) return 0;
    what = FileFullDirectoryInfo;
  }
}

static int windows_list(int directory, const char *path, mm_sys_entry *entry, void *context) {
  int fd = windows_open(directory, path, MM_OPEN_READ | MM_OPEN_DIRECTORY, 0);
  if (fd < 0) return fd;
  int rc = list_handle(handle_of(fd)->file, entry, context);
  (void)handle_free(fd);
  return rc;
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* A file that the system keeps in memory as long as there is room, and that goes with its handle. What
** it has not been given is a hole. */
static int windows_memory(const char *name) {
  WCHAR directory[MAX_PATH + 2], path[MAX_PATH + 2];
  DWORD n;
  (void)name;
  if (!GetTempPathW(MAX_PATH + 1, directory) || !GetTempFileNameW(directory, L"mmp", 0, path)) {
    return last_error();
  }
  HANDLE file =
      CreateFileW(path, GENERIC_READ | GENERIC_WRITE | DELETE, SHARE_ALL, NULL, CREATE_ALWAYS,
                  FILE_ATTRIBUTE_TEMPORARY | FILE_FLAG_DELETE_ON_CLOSE, NULL);
  if (file == INVALID_HANDLE_VALUE) return last_error();
  (void)DeviceIoControl(file, FSCTL_SET_SPARSE, NULL, 0, NULL, 0, &n, NULL);
  return handle_keep(file, true);
}

static int windows_shared_place(char *path, size_t size) {
  WCHAR directory[MAX_PATH + 2];
  HANDLE file;
  if (!GetTempPathW(MAX_PATH + 1, directory)) return last_error();
  file = CreateFileW(directory, FILE_READ_ATTRIBUTES, SHARE_ALL, NULL, OPEN_EXISTING,
                     FILE_FLAG_BACKUP_SEMANTICS, NULL);
  if (file == INVALID_HANDLE_VALUE) return last_error();
  int fd = handle_keep(file, false), rc = fd < 0 ? fd : windows_path_of(fd, path, size);
  if (fd >= 0) (void)handle_free(fd);
  size_t length = rc < 0 ? 0 : strlen(path);
  if (rc == 0 && length + 2 > size) rc = -ENAMETOOLONG;
  if (rc == 0 && path[length - 1] != '/') memcpy(path + length, "/", 2);
  return rc;
}

/* Where it is told already, the file's times stay: they say that others have changed the memory. */
static int tell_size(const handle *h) {
  LARGE_INTEGER told;
  FILE_END_OF_FILE_INFO end = {.EndOfFile.QuadPart = (LONGLONG)h->size};
  if (GetFileSizeEx(h->file, &told) && told.QuadPart == end.EndOfFile.QuadPart) return 0;
  return SetFileInformationByHandle(h->file, FileEndOfFileInfo, &end, sizeof end) ? 0
                                                                                  : last_error();
}

/* A section knows its size in pages. The file beside it tells it in bytes, to who comes later; that
** of another program's section has none. */
static int take_section(handle *h, uint64_t size, bool existed) {
  MEMORY_BASIC_INFORMATION pages;
  h->memory = MapViewOfFile(h->section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
  if (!h->memory || !VirtualQuery(h->memory, &pages, sizeof pages)) return last_error();
  bool others = existed && mm_sys_page_up(size) != pages.RegionSize;
  h->size = others ? pages.RegionSize : size;
  return tell_size(h);
}

static int windows_share(int fd, const char *name, uint64_t size) {
  uint16_t wide[MAX_PATH];
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  int rc = names_to_utf16(name, wide, MAX_PATH);
  if (rc < 0) return -EINVAL;
  h->section = CreateFileMappingW(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE, (DWORD)(size >> 32),
                                  (DWORD)size, (PCWSTR)wide);
  DWORD error = GetLastError();
  return h->section ? take_section(h, size, error == ERROR_ALREADY_EXISTS) : error_of(error);
}

static size_t windows_page_size(void) {
  static size_t size;
  if (!size) {
    SYSTEM_INFO info;
    GetSystemInfo(&info);
    size = info.dwPageSize;
  }
  return size;
}

/* ---- the process ----------------------------------------------------------------------------- */

static uint64_t windows_file_size_limit(void) {
  return UINT64_MAX;
}

static uint32_t windows_user(void) {
  return 0;
}

static int64_t windows_clock(void) {
  LARGE_INTEGER now, second;
  (void)QueryPerformanceCounter(&now);
  (void)QueryPerformanceFrequency(&second);
  int64_t whole = now.QuadPart / second.QuadPart, rest = now.QuadPart % second.QuadPart;
  return whole * NANO + rest * NANO / second.QuadPart;
}

static void windows_sleep(int64_t duration) {
  if (duration > 0) Sleep((DWORD)((duration + 999999) / 1000000));
}

static void windows_random(void *data, size_t size) {
  (void)BCryptGenRandom(NULL, data, (ULONG)size, BCRYPT_USE_SYSTEM_PREFERRED_RNG);
}

/* The last answer stays, as getenv's does. */
static const char *windows_environment(const char *name) {
  static mm_mutex lock = MM_MUTEX_INIT;
  static char answer[MM_PATH_MAX];
  WCHAR text[MM_PATH_MAX];
  uint16_t wide[256];
  if (names_to_utf16(name, wide, 256) < 0) return NULL;
  DWORD n = GetEnvironmentVariableW((PCWSTR)wide, text, MM_PATH_MAX);
  if (n == 0 || n >= MM_PATH_MAX) return NULL;
  mm_mutex_lock(&lock);
  int rc = names_to_utf8((const uint16_t *)text, answer, sizeof answer);
  mm_mutex_unlock(&lock);
  return rc < 0 ? NULL : answer;
}

#define WINDOWS_STACK ((size_t)256 << 10)

static DWORD WINAPI windows_run_thread(void *context) {
  mm_thread *thread = context;
  thread->work(thread->context);
  return 0;
}

static int windows_start_thread(mm_thread *thread) {
  HANDLE made = CreateThread(NULL, WINDOWS_STACK, windows_run_thread, thread,
                             STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  if (!made) return -EAGAIN;
  thread->handle = (uint64_t)(uintptr_t)made;
  return 0;
}

static void windows_join_thread(mm_thread *thread) {
  HANDLE made = (HANDLE)(uintptr_t)thread->handle;
  (void)WaitForSingleObject(made, INFINITE);
  (void)CloseHandle(made);
}

void mm_mutex_lock(mm_mutex *mutex) {
  AcquireSRWLockExclusive((PSRWLOCK)mutex);
}

void mm_mutex_unlock(mm_mutex *mutex) {
  ReleaseSRWLockExclusive((PSRWLOCK)mutex);
}

void mm_once(mm_once_flag *flag, void (*what)(void)) {
  int state = MM_ONCE_INIT;
  if (atomic_load(flag) < 0) return;
  if (atomic_compare_exchange_strong(flag, &state, 1)) {
    what();
    atomic_store(flag, -1);
  }
  while (atomic_load(flag) > 0) (void)SwitchToThread();
}

unsigned mm_sys_generation(void) {
  return 1;
}

#define WINDOWS_TABLE                                                                              \
  {                                                                                                \
    .open = windows_open, .open_beneath = windows_open_beneath, .reopen = windows_reopen,          \
    .close = handle_free, .status = windows_status, .status_path = windows_status_path,            \
    .status_link = windows_status_link, .birth = windows_birth, .path_of = windows_path_of,        \
    .read_link = windows_read_link, .working_directory = windows_working_directory,                \
    .read = windows_read, .write = windows_write, .resize = windows_resize,                        \
    .can_hold = windows_can_hold, .reserve = windows_reserve, .zero = windows_zero,                \
    .next_hole = windows_next_hole, .next_data = windows_next_data,                                \
    .holes_take_room = windows_holes_take_room, .sync = windows_sync, .sync_data = windows_sync,   \
    .remove = windows_remove, .rename = windows_rename, .set_mode = windows_set_mode,              \
    .set_owner = windows_set_owner, .has_access = windows_has_access,                              \
    .take_access = windows_take_access, .same_access = windows_same_access, .list = windows_list,  \
    .memory = windows_memory, .shared_place = windows_shared_place, .share = windows_share,        \
    .lock = windows_lock, .locked = windows_locked, .map = windows_map, .unmap = windows_unmap,    \
    .map_grown = windows_map_grown, .protect = windows_protect, .advise = windows_advise,          \
    .move_map = windows_move_map, .page_size = windows_page_size,                                  \
    .file_size_limit = windows_file_size_limit, .user = windows_user, .clock = windows_clock,      \
    .sleep = windows_sleep, .random = windows_random, .start_thread = windows_start_thread,        \
    .join_thread = windows_join_thread, .environment = windows_environment,                        \
    .traits = MM_TRAIT_RIGID_MAPS | MM_TRAIT_NAMES_RETURN | MM_TRAIT_NAMED_MEMORY                  \
  }

mm_sys mm_os = WINDOWS_TABLE;
static const mm_sys windows_table = WINDOWS_TABLE;

const mm_sys *mm_sys_default(void) {
  return &windows_table;
}
