// There are no children to wait for: see unistd.h.
#ifndef MM_TESTS_WINDOWS_SYS_WAIT_H
#define MM_TESTS_WINDOWS_SYS_WAIT_H

#include <sys/types.h>

#define WIFEXITED(status) ((status) == 0)
#define WIFSIGNALED(status) ((status) != 0)
#define WEXITSTATUS(status) (status)
#define WTERMSIG(status) (status)

inline pid_t waitpid(pid_t, int *, int) {
  return -1;
}

#endif
