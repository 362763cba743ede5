// There are no children to wait for (see unistd.h): what waits for one finds that it ended with 127, as where a
// program cannot be started.
#ifndef MM_TESTS_WINDOWS_SYS_WAIT_H
#define MM_TESTS_WINDOWS_SYS_WAIT_H

#include <sys/types.h>

#define WIFEXITED(status) ((status) >= 0)
#define WIFSIGNALED(status) ((status) < 0)
#define WEXITSTATUS(status) (status)
#define WTERMSIG(status) (-(status))

inline pid_t waitpid(pid_t, int *status, int) {
  if (status) *status = 127;
  return -1;
}

#endif
