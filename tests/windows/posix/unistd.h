// What mingw-w64 lacks of the POSIX that the tests use. It is here so that they compile: where Windows has no
// such thing, such as fork, the call fails, and ../left_out.bzl names the tests that need it.
#ifndef MM_TESTS_WINDOWS_UNISTD_H
#define MM_TESTS_WINDOWS_UNISTD_H

#include_next <unistd.h>

#include <errno.h>
#include <fcntl.h>
#include <io.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <cstddef>

enum { _SC_PAGESIZE };

// mingw has that for ftruncate alone.
#define truncate truncate64

long sysconf(int name);
ssize_t pread(int fd, void *data, size_t size, long long offset);
ssize_t pwrite(int fd, const void *data, size_t size, long long offset);
int link(const char *from, const char *to);

inline int fsync(int fd) {
  return _commit(fd);
}
inline int pipe(int *ends) {
  return _pipe(ends, 4096, O_BINARY);
}

using uid_t = unsigned;
using gid_t = unsigned;

// No users, and nobody is the super-user.
inline unsigned geteuid() {
  return 1;
}
inline unsigned getegid() {
  return 1;
}

// How many handles the process has.
int mm_tests_open_files();

inline int mm_tests_no_such_call() {
  errno = ENOSYS;
  return -1;
}
inline pid_t fork() {
  return mm_tests_no_such_call();
}
inline int seteuid(unsigned) {
  return mm_tests_no_such_call();
}
inline int setegid(unsigned) {
  return mm_tests_no_such_call();
}
inline int setuid(unsigned) {
  return mm_tests_no_such_call();
}
inline int setgid(unsigned) {
  return mm_tests_no_such_call();
}
inline int fchown(int, unsigned, unsigned) {
  return mm_tests_no_such_call();
}
inline int chown(const char *, unsigned, unsigned) {
  return mm_tests_no_such_call();
}
inline int symlink(const char *, const char *) {
  return mm_tests_no_such_call();
}
inline int pause() {
  return mm_tests_no_such_call();
}
inline unsigned alarm(unsigned) {
  return 0;
}

#endif
