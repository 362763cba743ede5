/*
** sys_posix.c: the table of system calls on Linux.
**
** Measured facts that shaped it stand beside the call they concern. Anything newer than Linux 3.15
** (open file description locks) has a fallback here or is reported as missing.
**
** A library that is built on a new system must load on an old one: what the C library has had only
** since glibc 2.18, or in another shape elsewhere, is not called here but the kernel itself
** (tests/clients/symbols.sh looks).
*/
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "core/os/access_posix.h"
#include "core/os/once.h"
#include "core/os/sys.h"

_Static_assert(sizeof(off_t) == 8, "build with -D_FILE_OFFSET_BITS=64");

/* Names that older headers lack. The numbers are Linux's, the same on all machines but Alpha. */
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef TMPFS_MAGIC
#define TMPFS_MAGIC 0x01021994
#endif
#ifndef F_OFD_SETLK
#define F_OFD_GETLK 36
#define F_OFD_SETLK 37
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#define MADV_PAGEOUT 21
#endif
#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22
#endif
#ifndef MADV_DONTNEED_LOCKED
#define MADV_DONTNEED_LOCKED 24
#endif
#ifndef MFD_CLOEXEC
#define MFD_CLOEXEC 1U
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 8U
#endif

#define POSIX_CALL_MAX ((size_t)1 << 30) /* the most that one read or write moves */
#define NANO INT64_C(1000000000)

static bool again(int64_t result) {
  return result < 0 && errno == EINTR;
}

static int done(int result) {
  return result < 0 ? -errno : result;
}

static int64_t done64(int64_t result) {
  return result < 0 ? -errno : result;
}

/* Where headers are older than a call, it is one that the system does not know. */
#ifndef SYS_statx
#define SYS_statx (-1)
#endif
#ifndef SYS_getrandom
#define SYS_getrandom (-1)
#endif
#ifndef SYS_memfd_create
#define SYS_memfd_create (-1)
#endif

/* fstat, stat and lstat are new symbols of glibc 2.33. On these machines what the kernel fills in
** is the C library's struct stat. */
#if defined(__LP64__) && (defined(__x86_64__) || defined(__aarch64__) || defined(__s390x__) ||     \
                          defined(__powerpc64__) || (defined(__riscv) && defined(SYS_newfstatat)))
#define KERNEL_FSTAT SYS_fstat
#define KERNEL_FSTATAT SYS_newfstatat
#elif defined(__GLIBC__) && (defined(__i386__) || defined(__ARM_EABI__))
_Static_assert(sizeof(time_t) == 4, "with _TIME_BITS=64 the kernel's structure is another");
#define KERNEL_FSTAT SYS_fstat64
#define KERNEL_FSTATAT SYS_fstatat64
#endif

static int stat_descriptor(int fd, struct stat *st) {
#ifdef KERNEL_FSTAT
  return (int)syscall(KERNEL_FSTAT, fd, st);
#else
  return fstat(fd, st);
#endif
}

static int stat_name(int directory, const char *path, struct stat *st, int flags) {
#ifdef KERNEL_FSTATAT
  return (int)syscall(KERNEL_FSTATAT, directory, path, st, flags);
#else
  return fstatat(directory, path, st, flags);
#endif
}

/* Does a range lie where an off_t can reach it? */
static bool in_range(uint64_t offset, uint64_t size) {
  return offset <= INT64_MAX && size <= INT64_MAX - offset;
}

/* Files may bear any time, and 2^63 ns reach to the year 2262: what is beyond wraps around. */
static int64_t time_of(int64_t seconds, int64_t nano) {
  return (int64_t)((uint64_t)seconds * (uint64_t)NANO + (uint64_t)nano);
}

static int64_t nanoseconds(const struct timespec *t) {
  return time_of(t->tv_sec, t->tv_nsec);
}

static int open_flags(int flags) {
  static const int access[] = {O_PATH, O_RDONLY, O_WRONLY, O_RDWR};
  int native = access[flags & (MM_OPEN_READ | MM_OPEN_WRITE)] | O_CLOEXEC;
  /* Of what is not known to be a regular file: a FIFO would make open wait for its other end. The
  ** flag says nothing to the reads and writes of a regular file. O_PATH tolerates neither flag. */
  if (!(native & O_PATH)) native |= O_NOCTTY | O_NONBLOCK;
  if (flags & MM_OPEN_CREATE) native |= O_CREAT;
  if (flags & MM_OPEN_EXCLUSIVE) native |= O_EXCL;
  if (flags & MM_OPEN_NOFOLLOW) native |= O_NOFOLLOW;
  if (flags & MM_OPEN_DIRECTORY) native |= O_DIRECTORY;
  return native;
}

/* O_PATH ignores O_CREAT in open and is an error with it in openat2: neither was asked for. */
static bool open_makes_sense(int flags) {
  return !(flags & MM_OPEN_CREATE) || (flags & (MM_OPEN_READ | MM_OPEN_WRITE));
}

static int posix_open(int directory, const char *path, int flags, uint32_t mode) {
  if (!open_makes_sense(flags)) return -EINVAL;
  int at = directory < 0 ? AT_FDCWD : directory;
  int fd;
  do fd = openat(at, path, open_flags(flags), (mode_t)mode);
  while (again(fd));
  return done(fd);
}

/* linux/openat2.h, which is newer than many systems. */
struct how {
  uint64_t flags, mode, resolve;
};
#define HOW_NO_MAGICLINKS 0x02u
#define HOW_BENEATH 0x08u

/* Filters of system calls (containers' of before 2020) answer EPERM to a call they do not know; the
** file system does so to a write of an immutable file. Only the kernel finds size 0 wrong. */
static bool openat2_is_filtered(void) {
  return syscall(SYS_openat2, -1, NULL, NULL, (size_t)0) < 0 && errno == EPERM;
}

static int posix_open_beneath(int directory, const char *path, int flags, uint32_t mode) {
  if (!open_makes_sense(flags)) return -EINVAL;
  int at = directory < 0 ? AT_FDCWD : directory;
  struct how how = {.flags = (unsigned)open_flags(flags),
                    .mode = flags & MM_OPEN_CREATE ? mode & 07777 : 0,
                    .resolve = HOW_BENEATH | HOW_NO_MAGICLINKS};
  long fd;
  int tries = 0;
  /* EAGAIN: something was renamed while a ".." was resolved; openat2(2) says to try again. */
  do fd = syscall(SYS_openat2, at, path, &how, sizeof how);
  while (again(fd) || (fd < 0 && errno == EAGAIN && tries++ < 100));
  if (fd >= 0) return (int)fd;
  int error = errno;
  return error == EPERM && openat2_is_filtered() ? -ENOSYS : -error;
}

static void name_descriptor(char name[static 32], int fd) {
  (void)snprintf(name, 32, "/proc/self/fd/%d", fd);
}

static int posix_reopen(int fd, int flags) {
  static const int access[] = {O_PATH, O_RDONLY, O_WRONLY, O_RDWR};
  char name[32];
  name_descriptor(name, fd);
  int native = access[flags & (MM_OPEN_READ | MM_OPEN_WRITE)] | O_CLOEXEC;
  if (!(native & O_PATH)) native |= O_NOCTTY;
  int opened;
  do opened = open(name, native);
  while (again(opened));
  return done(opened);
}

/* After EINTR the descriptor is gone on Linux; a second close could hit another thread's. */
static int posix_close_fd(int fd) {
  return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

static int kind_of(mode_t mode) {
  if (S_ISREG(mode)) return MM_KIND_FILE;
  if (S_ISDIR(mode)) return MM_KIND_DIRECTORY;
  return S_ISBLK(mode) ? MM_KIND_DEVICE : MM_KIND_OTHER;
}

static int take_stat(int result, const struct stat *from, mm_stat *to) {
  if (result < 0) return -errno;
  *to = (mm_stat){.device = from->st_dev,
                  .inode = from->st_ino,
                  .size = (uint64_t)from->st_size,
                  .room = (uint64_t)from->st_blocks * 512, /* whatever the block size is */
                  .mtime = nanoseconds(&from->st_mtim),
                  .ctime = nanoseconds(&from->st_ctim),
                  .mode = from->st_mode & 07777,
                  .links = (uint32_t)from->st_nlink,
                  .user = from->st_uid,
                  .group = from->st_gid,
                  .kind = kind_of(from->st_mode)};
  return 0;
}

/* A descriptor that only names it, with which nothing can be sought, tells no size. */
static void take_device_size(int fd, mm_stat *out) {
  off_t size = lseek(fd, 0, SEEK_END);
  if (size > 0) out->size = (uint64_t)size;
}

/* Every statement asks this of every object: plain fstat is the fastest there is. */
static int posix_status(int fd, mm_stat *out) {
  struct stat st;
  int result;
  do result = stat_descriptor(fd, &st);
  while (again(result));
  int rc = take_stat(result, &st, out);
  if (rc == 0 && out->kind == MM_KIND_DEVICE) take_device_size(fd, out);
  return rc;
}

static int posix_status_path(const char *path, mm_stat *out) {
  struct stat st;
  int result;
  do result = stat_name(AT_FDCWD, path, &st, 0);
  while (again(result));
  return take_stat(result, &st, out);
}

static int posix_status_link(const char *path, mm_stat *out) {
  struct stat st;
  int result;
  do result = stat_name(AT_FDCWD, path, &st, AT_SYMLINK_NOFOLLOW);
  while (again(result));
  return take_stat(result, &st, out);
}

/* linux/stat.h's struct statx, which is newer than many systems. */
struct birth {
  uint32_t mask;
  uint32_t unused[19];
  int64_t seconds;
  uint32_t nano;
  uint32_t unused_too[41];
};
_Static_assert(offsetof(struct birth, seconds) == 80 && sizeof(struct birth) == 256, "statx(2)");
#define BIRTH_TIME 0x800u

static int64_t posix_birth(int fd) {
  struct birth birth = {.mask = 0};
  long result;
  do result = syscall(SYS_statx, fd, "", AT_EMPTY_PATH, BIRTH_TIME, &birth);
  while (again(result));
  if (result < 0 || !(birth.mask & BIRTH_TIME)) return 0;
  return time_of(birth.seconds, birth.nano);
}

static int posix_path_of(int fd, char *path, size_t size) {
  char name[32];
  name_descriptor(name, fd);
  ssize_t n;
  do n = readlink(name, path, size);
  while (again(n));
  if (n < 0) return -errno;
  if ((size_t)n >= size) return -ENAMETOOLONG;
  path[n] = 0;
  /* "socket:[7]" of what no path names, "(unreachable)/x" of what lies outside a chroot. */
  return path[0] == '/' ? 0 : -ENOENT;
}

/* An empty name stands for the link that `fd` names itself (Linux 2.6.39). */
static int posix_read_link(int fd, char *target, size_t size) {
  ssize_t n;
  do n = readlinkat(fd, "", target, size);
  while (again(n));
  if (n < 0) return errno == ENOENT ? -EINVAL : -errno;
  if ((size_t)n >= size) return -ENAMETOOLONG;
  target[n] = 0;
  return 0;
}

static int posix_working_directory(char *path, size_t size) {
  return getcwd(path, size) ? 0 : -errno;
}

static int64_t posix_read(int fd, void *data, size_t size, uint64_t offset) {
  if (offset > INT64_MAX) return -EINVAL;
  ssize_t n;
  do n = pread(fd, data, size < POSIX_CALL_MAX ? size : POSIX_CALL_MAX, (off_t)offset);
  while (again(n));
  return done64(n);
}

static int64_t posix_write(int fd, const void *data, size_t size, uint64_t offset) {
  if (offset > INT64_MAX) return -EINVAL;
  ssize_t n;
  do n = pwrite(fd, data, size < POSIX_CALL_MAX ? size : POSIX_CALL_MAX, (off_t)offset);
  while (again(n));
  return done64(n);
}

static int posix_resize(int fd, uint64_t size) {
  if (size > INT64_MAX) return -EFBIG;
  int result;
  do result = ftruncate(fd, (off_t)size);
  while (again(result));
  return done(result);
}

static int posix_allocate(int fd, int how, uint64_t offset, uint64_t size) {
  if (size == 0) return 0;
  if (!in_range(offset, size)) return -EFBIG;
  int result;
  do result = fallocate(fd, how, (off_t)offset, (off_t)size);
  while (again(result));
  if (result < 0) return errno == ENOSYS ? -EOPNOTSUPP : -errno;
  return 0;
}

/* Not posix_fallocate: where the file system cannot, glibc's writes a byte to every block. */
static int posix_reserve(int fd, uint64_t offset, uint64_t size) {
  return posix_allocate(fd, FALLOC_FL_KEEP_SIZE, offset, size);
}

static int posix_zero(int fd, uint64_t offset, uint64_t size) {
  return posix_allocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset, size);
}

static int64_t posix_seek(int fd, uint64_t offset, int whence) {
  if (offset > INT64_MAX) return -ENXIO;
  off_t found;
  do {
    found = lseek(fd, (off_t)offset, whence);
  } while (again(found));
  return done64(found);
}

/* Seeking asks for no more than the size that ftruncate would accept, and changes nothing: where a
** descriptor stands is of no use to pread. */
static int posix_can_hold(int fd, uint64_t size) {
  int64_t place = size > INT64_MAX ? -EINVAL : posix_seek(fd, size, SEEK_SET);
  if (place == -EINVAL || place == -EOVERFLOW) return -EFBIG;
  return place < 0 ? (int)place : 0;
}

static int64_t posix_next_hole(int fd, uint64_t offset) {
  int64_t found = posix_seek(fd, offset, SEEK_HOLE);
  if (found != -ENXIO) return found;
  /* At or past the end there is no hole, says lseek; the end itself is one, say we. */
  mm_stat stat = {.size = 0};
  int rc = posix_status(fd, &stat);
  return rc < 0 ? rc : (int64_t)stat.size;
}

static int64_t posix_next_data(int fd, uint64_t offset) {
  return posix_seek(fd, offset, SEEK_DATA);
}

/* On tmpfs (and in a memfd, which lies there too) a page fault in a hole makes a page of the file, of
** those that the mount may have; a read does not. (Linux 6.18, as 5.10 did.) */
static int posix_holes_take_room(int fd) {
  struct statfs fs;
  int result;
  do result = fstatfs(fd, &fs);
  while (again(result));
  if (result < 0) return -errno;
  return fs.f_type == TMPFS_MAGIC;
}

static int posix_sync(int fd) {
  int result;
  do result = fsync(fd);
  while (again(result));
  return done(result);
}

static int posix_sync_data(int fd) {
  int result;
  do result = fdatasync(fd);
  while (again(result));
  return done(result);
}

static int posix_remove(const char *path) {
  int result;
  do result = unlink(path);
  while (again(result));
  return done(result);
}

static int posix_rename(const char *from, const char *to) {
  int result;
  do result = rename(from, to);
  while (again(result));
  return done(result);
}

/* A list that the directory gave would be widened by the mode's group. */
static int posix_set_mode(int fd, uint32_t mode) {
  int result = posix_drop_access(fd);
  if (result < 0) return result;
  do result = fchmod(fd, (mode_t)(mode & 07777));
  while (again(result));
  return done(result);
}

static int posix_set_owner(int fd, uint32_t user, uint32_t group) {
  int result;
  do result = fchown(fd, user, group);
  while (again(result));
  return done(result);
}

static int entry_kind(DIR *directory, const struct dirent *entry) {
  struct stat st;
  switch (entry->d_type) {
    case DT_REG:
      return MM_KIND_FILE;
    case DT_DIR:
      return MM_KIND_DIRECTORY;
    case DT_UNKNOWN: /* not every file system tells */
      if (stat_name(dirfd(directory), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
        return MM_KIND_OTHER;
      return kind_of(st.st_mode);
    default:
      return MM_KIND_OTHER;
  }
}

static bool is_dots(const char *name) {
  return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

/* Of a descriptor of MM_OPEN_PATH, too, which "." opens anew. */
static DIR *open_list(int directory, const char *path) {
  int fd;
  do
    fd = openat(directory < 0 ? AT_FDCWD : directory, path,
                O_RDONLY | O_NONBLOCK | O_DIRECTORY | O_CLOEXEC);
  while (again(fd));
  DIR *list = fd < 0 ? NULL : fdopendir(fd);
  if (fd >= 0 && !list) {
    int error = errno;
    (void)close(fd);
    errno = error;
  }
  return list;
}

static int posix_list(int at, const char *path, mm_sys_entry *entry, void *context) {
  DIR *directory = open_list(at, path);
  if (!directory) return -errno;
  bool more = true;
  int error = 0;
  while (more) {
    errno = 0;
    const struct dirent *next = readdir(directory);
    if (!next) {
      error = errno;
      break;
    }
    if (!is_dots(next->d_name)) more = entry(context, next->d_name, entry_kind(directory, next));
  }
  closedir(directory);
  return -error;
}

/* Where there is no memfd_create: an unnamed file on a file system in memory. */
static int memory_in(const char *directory) {
  int fd;
  do fd = open(directory, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
  while (again(fd));
  return done(fd);
}

static int memory_native(const char *name, unsigned flags) {
  return (int)syscall(SYS_memfd_create, name, flags);
}

static int posix_memory(const char *name) {
  char cut[200]; /* the system takes 249 bytes */
  (void)snprintf(cut, sizeof cut, "%s", name ? name : "");
  /* Some systems insist on the flag (vm.memfd_noexec), older ones do not know it. */
  int fd = memory_native(cut, MFD_CLOEXEC | MFD_NOEXEC_SEAL);
  if (fd < 0 && errno == EINVAL) fd = memory_native(cut, MFD_CLOEXEC);
  if (fd >= 0) return fd;
  int error = errno;
  if (error != ENOSYS && error != EPERM) return -error;
  fd = memory_in("/dev/shm");
  return fd >= 0 ? fd : memory_in("/tmp");
}

static int posix_shared_place(char *path, size_t size) {
  return snprintf(path, size, "/dev/shm/") < (int)size ? 0 : -ENAMETOOLONG;
}

static int posix_share(int fd, const char *name, uint64_t size) {
  (void)fd, (void)name, (void)size;
  return -ENOSYS;
}

/* False if the numbers make no lock. */
static bool lock_of(int kind, uint64_t offset, uint64_t size, struct flock *lock) {
  static const short types[] = {F_UNLCK, F_RDLCK, F_WRLCK};
  if (kind < MM_LOCK_NONE || kind > MM_LOCK_EXCLUSIVE) return false;
  /* Size 0 would mean "to the end" to the system. */
  if (size == 0 || !in_range(offset, size)) return false;
  *lock = (struct flock){.l_type = types[kind],
                         .l_whence = SEEK_SET,
                         .l_start = (off_t)offset,
                         .l_len = (off_t)size,
                         .l_pid = 0};
  return true;
}

/* fcntl is a new symbol of glibc 2.28 where an off_t is made one of 64 bits. */
static int lock_native(int fd, int command, struct flock *lock) {
#ifdef SYS_fcntl64
  return (int)syscall(SYS_fcntl64, fd, command, lock);
#else
  return (int)syscall(SYS_fcntl, fd, command, lock);
#endif
}

static int posix_lock(int fd, int kind, uint64_t offset, uint64_t size) {
  struct flock lock;
  if (!lock_of(kind, offset, size, &lock)) return -EINVAL;
  int result;
  do result = lock_native(fd, F_OFD_SETLK, &lock);
  while (again(result));
  if (result < 0) return errno == EACCES ? -EAGAIN : -errno;
  return 0;
}

static int posix_locked(int fd, int kind, uint64_t offset, uint64_t size) {
  struct flock lock;
  if (kind == MM_LOCK_NONE || !lock_of(kind, offset, size, &lock)) return -EINVAL;
  int result;
  do result = lock_native(fd, F_OFD_GETLK, &lock);
  while (again(result));
  if (result < 0) return -errno;
  return lock.l_type != F_UNLCK;
}

static int protection_of(int protection) {
  return (protection & MM_PROT_READ ? PROT_READ : 0) |
         (protection & MM_PROT_WRITE ? PROT_WRITE : 0);
}

static int posix_map(void **address, size_t size, int protection, int fd, uint64_t offset,
                     bool fixed) {
  if (offset > INT64_MAX) return -EOVERFLOW;
  int flags = MAP_PRIVATE | MAP_NORESERVE;
  if (fd < 0) flags |= MAP_ANONYMOUS;
  if (fixed) flags |= MAP_FIXED;
  void *at = mmap(fixed ? *address : NULL, size, protection_of(protection), flags, fd < 0 ? -1 : fd,
                  fd < 0 ? 0 : (off_t)offset);
  if (at == MAP_FAILED) return -errno;
  *address = at;
  return 0;
}

static int posix_unmap(void *address, size_t size) {
  return done(munmap(address, size));
}

static int posix_map_grown(void **address, size_t size, int fd, size_t shared) {
  void *at = NULL;
  int rc = posix_map(&at, size, MM_PROT_READ | MM_PROT_WRITE, -1, 0, false);
  if (rc == 0 && shared) rc = posix_map(&at, shared, MM_PROT_READ | MM_PROT_WRITE, fd, 0, true);
  if (rc < 0 && at) (void)posix_unmap(at, size);
  if (rc == 0) *address = at;
  return rc;
}

static int posix_protect(void *address, size_t size, int protection) {
  return done(mprotect(address, size, protection_of(protection)));
}

static int advise_native(void *address, size_t size, int advice) {
  int result;
  do result = madvise(address, size, advice);
  while (again(result));
  return done(result);
}

static int posix_advise(void *address, size_t size, int advice) {
  static const int native[] = {
      [MM_ADVICE_NORMAL] = MADV_NORMAL,         [MM_ADVICE_RANDOM] = MADV_RANDOM,
      [MM_ADVICE_SEQUENTIAL] = MADV_SEQUENTIAL, [MM_ADVICE_WILLNEED] = MADV_WILLNEED,
      [MM_ADVICE_DONTNEED] = MADV_DONTNEED,     [MM_ADVICE_COLD] = MADV_COLD,
      [MM_ADVICE_PAGEOUT] = MADV_PAGEOUT,       [MM_ADVICE_POPULATE_READ] = MADV_POPULATE_READ,
      [MM_ADVICE_HUGEPAGE] = MADV_HUGEPAGE,     [MM_ADVICE_NOHUGEPAGE] = MADV_NOHUGEPAGE,
      [MM_ADVICE_MERGEABLE] = MADV_MERGEABLE,   [MM_ADVICE_UNMERGEABLE] = MADV_UNMERGEABLE,
      [MM_ADVICE_DONTFORK] = MADV_DONTFORK,     [MM_ADVICE_DOFORK] = MADV_DOFORK,
      [MM_ADVICE_DONTDUMP] = MADV_DONTDUMP,     [MM_ADVICE_DODUMP] = MADV_DODUMP,
  };
  if (advice < 0 || (size_t)advice >= sizeof native / sizeof *native) return -EINVAL;
  int rc = advise_native(address, size, native[advice]);
  /* A host that called mlockall: plain DONTNEED refuses locked pages. */
  if (rc == -EINVAL && advice == MM_ADVICE_DONTNEED)
    rc = advise_native(address, size, MADV_DONTNEED_LOCKED);
  return rc;
}

static int posix_move_map(void *from, size_t size, void *to) {
  void *at = mremap(from, size, size, MREMAP_MAYMOVE | MREMAP_FIXED, to);
  return at == MAP_FAILED ? -errno : 0;
}

static size_t posix_page_size(void) {
  return (size_t)sysconf(_SC_PAGESIZE);
}

static uint64_t posix_file_size_limit(void) {
  struct rlimit limit;
  if (getrlimit(RLIMIT_FSIZE, &limit) < 0 || limit.rlim_cur == RLIM_INFINITY) return UINT64_MAX;
  return limit.rlim_cur;
}

static uint32_t posix_user(void) {
  return geteuid();
}

static int64_t posix_clock(void) {
  struct timespec now;
  return clock_gettime(CLOCK_MONOTONIC, &now) < 0 ? 0 : nanoseconds(&now);
}

static void posix_sleep(int64_t duration) {
  if (duration <= 0) return;
  struct timespec left = {.tv_sec = (time_t)(duration / NANO), .tv_nsec = (long)(duration % NANO)};
  while (again(nanosleep(&left, &left))) {}
}

/* What is asked for here are salts and names, no keys: on a system without getrandom, numbers that
** differ between processes and calls will do. The mixing is splitmix64's (Steele, Lea and Flood,
** "Fast Splittable Pseudorandom Number Generators", 2014). */
static void random_weak(unsigned char *to, size_t size) {
  static _Atomic uint64_t calls;
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_REALTIME, &now);
  uint64_t state = (uint64_t)nanoseconds(&now) ^ ((uint64_t)getpid() << 40) ^
                   (atomic_fetch_add(&calls, 1) << 56);
  for (size_t i = 0; i < size; i++) {
    state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t z = (state ^ (state >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    to[i] = (unsigned char)(z >> 56);
  }
}

static void posix_random(void *data, size_t size) {
  unsigned char *to = data;
  while (size > 0) {
    long n = syscall(SYS_getrandom, to, size < 256 ? size : 256, 0);
    if (again(n)) continue;
    if (n <= 0) {
      random_weak(to, size);
      return;
    }
    to += n;
    size -= (size_t)n;
  }
}

/* What makes threads has moved into the C library itself with glibc 2.34, under new versions. Here are
** those that it has had all along, and NULL where a system has them in a library that nobody has
** loaded. (Sanitizers put their own in place of the new ones.) */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED
#endif
#endif

#if defined(__GLIBC__) && !defined(SANITIZED)
#if defined(__x86_64__) && defined(__LP64__)
#define OLD_CREATE "GLIBC_2.2.5"
#define OLD_JOIN "GLIBC_2.2.5"
#define OLD_STACK "GLIBC_2.2.5"
#elif defined(__i386__)
#define OLD_CREATE "GLIBC_2.1"
#define OLD_JOIN "GLIBC_2.0"
#define OLD_STACK "GLIBC_2.1"
#elif defined(__s390x__)
#define OLD_CREATE "GLIBC_2.2"
#define OLD_JOIN "GLIBC_2.2"
#define OLD_STACK "GLIBC_2.2"
#elif defined(__ARM_EABI__)
#define OLD_CREATE "GLIBC_2.4"
#define OLD_JOIN "GLIBC_2.4"
#define OLD_STACK "GLIBC_2.4"
#elif defined(__aarch64__) || (defined(__powerpc64__) && defined(__LITTLE_ENDIAN__))
#define OLD_CREATE "GLIBC_2.17"
#define OLD_JOIN "GLIBC_2.17"
#define OLD_STACK "GLIBC_2.17"
#endif
#endif

#ifdef OLD_CREATE
#define OLD_NAME(ours, theirs, version)                                                            \
  /* NOLINTNEXTLINE(bugprone-macro-parentheses): a name that is declared */                        \
  extern __typeof__(theirs) ours __attribute__((weak));                                            \
  __asm__(".symver " #ours ", " #theirs "@" version)
OLD_NAME(thread_create, pthread_create, OLD_CREATE);
OLD_NAME(thread_join, pthread_join, OLD_JOIN);
OLD_NAME(thread_stack, pthread_attr_setstacksize, OLD_STACK);
#define HAS_THREADS (thread_create && thread_join && thread_stack)
#else
#define thread_create pthread_create
#define thread_join pthread_join
#define thread_stack pthread_attr_setstacksize
#define HAS_THREADS true
#endif

/* For the deepest calls of core, a handler of signals, and what others keep for each thread. */
#define POSIX_STACK ((size_t)256 << 10)

static void *posix_run_thread(void *context) {
  mm_thread *thread = context;
  thread->work(thread->context);
  return NULL;
}

static int posix_create_thread(mm_thread *thread) {
  pthread_attr_t attributes;
  pthread_t made;
  int error = pthread_attr_init(&attributes);
  if (error) return -error;
  (void)thread_stack(&attributes, POSIX_STACK);
  error = thread_create(&made, &attributes, posix_run_thread, thread);
  (void)pthread_attr_destroy(&attributes);
  if (error == 0) thread->handle = (uint64_t)(uintptr_t)made;
  return -error;
}

/* A new thread blocks what the one blocks that makes it. (sigprocmask: see guard_posix.c.) */
static int posix_start_thread(mm_thread *thread) {
  static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP};
  sigset_t all, old;
  if (!HAS_THREADS) return -ENOSYS;
  (void)sigfillset(&all);
  for (size_t i = 0; i < sizeof own / sizeof *own; i++) (void)sigdelset(&all, own[i]);
  if (sigprocmask(SIG_SETMASK, &all, &old) < 0) return -errno;
  int rc = posix_create_thread(thread);
  (void)sigprocmask(SIG_SETMASK, &old, NULL);
  return rc;
}

static void posix_join_thread(mm_thread *thread) {
  (void)thread_join((pthread_t)(uintptr_t)thread->handle, NULL);
}

static const char *posix_environment(const char *name) {
  return secure_getenv(name);
}

#define ONCE_DONE (-1)

/* Waiting is for the length of a few instructions. A child whose parent was doing it does it anew:
** the thread that was at it is not there. */
void mm_once(mm_once_flag *flag, void (*what)(void)) {
  int state = atomic_load(flag);
  int self = state == ONCE_DONE ? 0 : getpid();
  while (state != ONCE_DONE) {
    if (state == self) {
      (void)sched_yield();
      state = atomic_load(flag);
    } else if (atomic_compare_exchange_weak(flag, &state, self)) {
      what();
      atomic_store(flag, ONCE_DONE);
      return;
    }
  }
}

static atomic_uint forks;
static bool forks_are_counted;
static mm_once_flag forks_once = MM_ONCE_INIT;

static void count_fork(void) {
  atomic_fetch_add(&forks, 1);
}

static void watch_forks(void) {
  forks_are_counted = pthread_atfork(NULL, NULL, count_fork) == 0;
}

/* Registered at the first question: who never asked has nothing to compare with. */
unsigned mm_sys_generation(void) {
  mm_once(&forks_once, watch_forks);
  return forks_are_counted ? atomic_load(&forks) : (unsigned)getpid();
}

#define POSIX_TABLE                                                                                \
  {                                                                                                \
    .open = posix_open, .open_beneath = posix_open_beneath, .reopen = posix_reopen,                \
    .close = posix_close_fd, .status = posix_status, .status_path = posix_status_path,             \
    .status_link = posix_status_link, .birth = posix_birth, .path_of = posix_path_of,              \
    .read_link = posix_read_link, .working_directory = posix_working_directory,                    \
    .read = posix_read, .write = posix_write, .resize = posix_resize, .can_hold = posix_can_hold,  \
    .reserve = posix_reserve, .zero = posix_zero, .next_hole = posix_next_hole,                    \
    .next_data = posix_next_data, .holes_take_room = posix_holes_take_room, .sync = posix_sync,    \
    .sync_data = posix_sync_data, .remove = posix_remove, .rename = posix_rename,                  \
    .set_mode = posix_set_mode, .set_owner = posix_set_owner, .has_access = posix_has_access,      \
    .take_access = posix_take_access, .same_access = posix_same_access, .list = posix_list,        \
    .memory = posix_memory, .shared_place = posix_shared_place, .share = posix_share,              \
    .lock = posix_lock, .locked = posix_locked, .map = posix_map, .unmap = posix_unmap,            \
    .map_grown = posix_map_grown, .protect = posix_protect, .advise = posix_advise,                \
    .move_map = posix_move_map, .page_size = posix_page_size,                                      \
    .file_size_limit = posix_file_size_limit, .user = posix_user, .clock = posix_clock,            \
    .sleep = posix_sleep, .random = posix_random, .start_thread = posix_start_thread,              \
    .join_thread = posix_join_thread, .environment = posix_environment, .traits = 0                \
  }

mm_sys mm_os = POSIX_TABLE;
static const mm_sys posix_table = POSIX_TABLE;

const mm_sys *mm_sys_default(void) {
  return &posix_table;
}
