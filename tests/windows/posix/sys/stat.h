// Modes are given and passed over, and nothing is a link.
#ifndef MM_TESTS_WINDOWS_SYS_STAT_H
#define MM_TESTS_WINDOWS_SYS_STAT_H

#include_next <sys/stat.h>

#include <io.h>

#define S_ISLNK(mode) ((mode) < 0)
#define S_ISSOCK(mode) ((mode) < 0)

#ifdef __cplusplus
inline int mkdir(const char *path, int) {
  return mkdir(path);
}
inline int mkfifo(const char *, int) {
  return -1;
}
inline int fchmod(int, int) {
  return 0;
}
inline int lstat(const char *path, struct stat *out) {
  return stat(path, out);
}
#endif

#endif
