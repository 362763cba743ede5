// Signals that nobody sends.
#include_next <signal.h>

#ifndef MM_TESTS_WINDOWS_SIGNAL_H
#define MM_TESTS_WINDOWS_SIGNAL_H

#include <sys/types.h>

#define SIGKILL 9
#define SIGBUS 7
#define BUS_MCEERR_AR 4

#ifdef __cplusplus
struct siginfo_t {
  int si_signo, si_code;
  void *si_addr;
};

inline int kill(pid_t, int) {
  return -1;
}
#endif

#endif
