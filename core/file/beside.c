#include "core/file/beside.h"

#include <errno.h>
#include <string.h>

#include "core/file/check.h"
#include "core/os/path.h"

bool mm_beside_none(int rc) {
  return rc == -ENOENT || rc == -ENOTDIR || rc == -ENAMETOOLONG;
}

/* ---- the directory -------------------------------------------------------------------------- */

static int directory_of(const char *path, char *directory, size_t size) {
  size_t length = mm_path_directory(path);
  if (length >= size) return -ENAMETOOLONG;
  memcpy(directory, length ? path : ".", length ? length : 1);
  directory[length ? length : 1] = 0;
  return 0;
}

static int open_directory(const char *path) {
  char directory[MM_PATH_MAX + 1];
  int rc = directory_of(path, directory, sizeof directory);
  return rc < 0 ? rc : mm_os.open(-1, directory, MM_OPEN_READ | MM_OPEN_DIRECTORY, 0);
}

/* EINVAL, EOPNOTSUPP: a file system whose directories need or know no fsync. */
int mm_beside_sync_directory(const char *path) {
  int fd = open_directory(path);
  if (fd < 0) return fd;
  int rc = mm_os.sync(fd);
  (void)mm_os.close(fd);
  return rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;
}

static int fail_directory(const char *path, int rc, mm_error *err) {
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot sync the directory of '%s'", path);
}

int mm_beside_make_name_durable(const char *path, mm_error *err) {
  int rc = mm_beside_sync_directory(path);
  return rc < 0 ? fail_directory(path, rc, err) : MM_OK;
}

int mm_beside_place_of(const char *path, mm_beside_place *place) {
  mm_stat stat;
  int fd = open_directory(path);
  if (fd < 0) return fd;
  int rc = mm_os.status(fd, &stat);
  *place = (mm_beside_place){stat.inode, (uint64_t)mm_os.birth(fd)};
  (void)mm_os.close(fd);
  return rc;
}

/* ---- make ----------------------------------------------------------------------------------- */

/* The file's own mode, as a rule: where all who are not its owner may do the same, and he may do that,
** too, it opens what is made to nobody else, whoever that will belong to at first. */
static uint32_t first_mode(const mm_stat *file) {
  uint32_t mode = file ? file->mode & 0666 : 0600;
  uint32_t group = mode >> 3 & 07, others = mode & 07, owner = mode >> 6;
  return group == others && (owner & others) == others ? mode : 0600;
}

int mm_beside_create(const mm_beside_kind *kind, const char *path, const mm_stat *file, int *fd,
                     mm_error *err) {
  int flags = MM_OPEN_READ | MM_OPEN_WRITE | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE | MM_OPEN_NOFOLLOW;
  *fd = mm_os.open(-1, path, flags, first_mode(file));
  if (*fd >= 0) return MM_OK;
  if (*fd == -EEXIST) return mm_fail(err, MM_CORRUPT, "'%s' is in the way", path);
  return mm_fail_errno(err, MM_CANTOPEN, -*fd, "cannot make the %s '%s'", kind->what, path);
}

bool mm_beside_has_list(const int *file) {
  return file && mm_os.has_access(*file) != 0;
}

/* If the group stays ours, its members and all others get what the file grants to both its group
** and to others; an owner who is not the file's keeps reading and writing. */
void mm_beside_take_after(int fd, const mm_stat *file, bool listed) {
  mm_stat own;
  uint32_t mode = file->mode & 0666;
  bool known = mm_os.status(fd, &own) >= 0;
  bool owner = known && own.user == file->user && own.group == file->group;
  if (owner && own.mode == mode && !listed) return;
  owner = owner || mm_os.set_owner(fd, file->user, file->group) >= 0;
  bool group = owner || mm_os.set_owner(fd, mm_os.user(), file->group) >= 0;
  if (listed) return;
  uint32_t shared = mode >> 3 & mode & 06;
  if (!group) mode = (mode & 0600) | shared << 3 | shared;
  if (!owner && file->user != mm_os.user()) mode |= 0600;
  (void)mm_os.set_mode(fd, mode); /* a failure leaves what it was made with, which is safe */
}

int mm_beside_check_length(const mm_beside_kind *kind, const char *path, uint64_t length,
                           mm_error *err) {
  uint64_t limit = mm_os.file_size_limit();
  if (length <= limit) return MM_OK;
  return mm_fail(err, MM_FULL, "the %s '%s' of %llu bytes passes the file size limit of %llu",
                 kind->what, path, (unsigned long long)length, (unsigned long long)limit);
}

/* ---- take away ------------------------------------------------------------------------------ */

int mm_beside_empty(int fd, bool durable) {
  static const uint8_t nothing[64];
  int rc = mm_os.resize(fd, 0);
  if (rc < 0) rc = mm_sys_write_all(fd, nothing, sizeof nothing, 0);
  return rc >= 0 && durable ? mm_os.sync(fd) : rc;
}

/* What does not begin so any more may still do so on the disk: an fsync may have failed before. */
static int empty_if_of(const mm_beside_kind *kind, int fd, bool durable) {
  uint8_t magic[MM_BESIDE_MAGIC];
  int rc = mm_sys_read_all(fd, magic, sizeof magic, 0);
  if (rc < 0 && rc != -ENODATA) return rc;
  if (rc == 0 && !memcmp(magic, kind->magic, sizeof magic)) return mm_beside_empty(fd, durable);
  return durable ? mm_os.sync(fd) : 0;
}

/* What lies under a name, for writing, if it has no other name; *handle is to be closed after it. */
static int open_to_empty(const char *path, int *handle) {
  mm_stat stat;
  *handle = mm_os.open(-1, path, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  if (*handle < 0) return *handle;
  int rc = mm_os.status(*handle, &stat);
  if (rc >= 0 && (stat.kind != MM_KIND_FILE || stat.links > 1)) rc = -EPERM;
  return rc < 0 ? rc : mm_os.reopen(*handle, MM_OPEN_READ | MM_OPEN_WRITE);
}

static int cut_durably(int fd) {
  int rc = mm_os.resize(fd, 0);
  return rc < 0 ? rc : mm_os.sync(fd);
}

/* `kind` NULL: it is cut. */
static int empty_under(const mm_beside_kind *kind, const char *path, bool durable) {
  int handle, fd = open_to_empty(path, &handle), rc = fd;
  if (handle < 0) return mm_beside_none(handle) ? 0 : handle;
  if (fd >= 0) {
    rc = kind ? empty_if_of(kind, fd, durable) : cut_durably(fd);
    (void)mm_os.close(fd);
  }
  (void)mm_os.close(handle);
  return rc;
}

int mm_beside_empty_path(const mm_beside_kind *kind, const char *path, bool durable) {
  return empty_under(kind, path, durable);
}

int mm_beside_cut_path(const char *path) {
  return empty_under(NULL, path, true);
}

bool mm_beside_names_return(void) {
  return (mm_os.traits & MM_TRAIT_NAMES_RETURN) != 0;
}

int mm_beside_remove(const mm_beside_kind *kind, const char *path, bool harmless, bool durable,
                     mm_error *err) {
  int rc = mm_os.remove(path);
  if (rc < 0 && !mm_beside_none(rc)) {
    harmless = harmless || mm_beside_empty_path(kind, path, durable) == 0;
    int again = mm_os.remove(path); /* emptied it is in nobody's way, but it is litter */
    if (again < 0 && !mm_beside_none(again)) {
      if (harmless) return MM_OK;
      return mm_fail_errno(err, MM_IOERR, -rc, "cannot remove '%s', which may be replayed", path);
    }
  }
  rc = durable ? mm_beside_sync_directory(path) : 0;
  return rc >= 0 || harmless || mm_beside_none(rc) ? MM_OK : fail_directory(path, rc, err);
}

/* ---- look ----------------------------------------------------------------------------------- */

int mm_beside_refuse(const mm_beside_kind *kind, const char *path, const char *why, mm_error *err) {
  return mm_fail(err, MM_CORRUPT, "the %s '%s' %s: %s", kind->what, path, why, kind->advice);
}

bool mm_beside_writable_by_more(const mm_stat *own, const mm_stat *file) {
  bool others = file->mode & 02;
  bool group = own->group == file->group ? file->mode & 020 : others && (file->mode & 020);
  return ((own->mode & 02) && !others) || ((own->mode & 020) && !group);
}

/* What can be told without opening it. One that is too short to be whole is nobody's business,
** whoever owns it: its maker may have died before giving it away. */
static int inspect(const mm_beside_kind *kind, const char *path, const mm_stat *file,
                   uint32_t owner, const mm_stat *own, mm_error *err) {
  if (own->kind != MM_KIND_FILE) {
    return mm_beside_refuse(kind, path, "is a link or not a regular file", err);
  }
  if (own->links > 1) return mm_beside_refuse(kind, path, "has more than one hard link", err);
  if (own->size < kind->least) return MM_OK;
  if (own->user != file->user && own->user != owner && own->user != mm_os.user()) {
    return mm_beside_refuse(kind, path, "belongs to neither the file's owner nor this user", err);
  }
  if (mm_beside_writable_by_more(own, file)) {
    return mm_beside_refuse(kind, path, "can be written by more users than the file", err);
  }
  return MM_OK;
}

int mm_beside_open(const mm_beside_kind *kind, const char *path, const mm_stat *file,
                   uint32_t owner, mm_beside *out, mm_error *err) {
  *out = (mm_beside){.fd = -1};
  int handle = mm_os.open(-1, path, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  if (mm_beside_none(handle)) return MM_OK;
  out->found = handle >= 0;
  int rc = handle < 0 ? handle : mm_os.status(handle, &out->stat);
  int code = rc < 0 ? MM_OK : inspect(kind, path, file, owner, &out->stat, err);
  if (rc >= 0 && code == MM_OK && out->stat.size >= kind->least) {
    rc = mm_os.reopen(handle, MM_OPEN_READ);
    out->fd = rc < 0 ? -1 : rc;
  }
  if (handle >= 0) (void)mm_os.close(handle);
  if (rc >= 0) return code;
  return mm_fail_errno(err, MM_CANTOPEN, -rc, "cannot open the %s '%s'", kind->what, path);
}
