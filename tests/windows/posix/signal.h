// Signals that nobody sends.
#include_next <signal.h>

#ifndef MM_TESTS_WINDOWS_SIGNAL_H
#define MM_TESTS_WINDOWS_SIGNAL_H

#include <sys/types.h>

#define SIGKILL 9
#define SIGBUS 7

#ifdef __cplusplus
inline int kill(pid_t, int) {
  return -1;
}
#endif

#endif
