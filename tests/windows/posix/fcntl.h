// Files are opened as bytes, and closed on exec.
#include_next <fcntl.h>

#ifndef MM_TESTS_WINDOWS_FCNTL_H
#define MM_TESTS_WINDOWS_FCNTL_H

#define O_CLOEXEC (O_NOINHERIT | O_BINARY)

// Locks, by processes that nobody forks.
enum { F_GETFL = 3, F_SETLK = 6, F_WRLCK = 1 };
#define O_PATH 010000000

struct flock {
  short l_type;
  long long l_start, l_len;
};

#ifdef __cplusplus
inline int fcntl(int, int, struct flock * = nullptr) {
  return -1;
}
#endif

#endif
