// Linux's calls by number, which Windows has not.
#ifndef MM_TESTS_WINDOWS_SYS_SYSCALL_H
#define MM_TESTS_WINDOWS_SYS_SYSCALL_H

enum { SYS_gettid, SYS_rt_tgsigqueueinfo };

template <typename... Arguments> long syscall(Arguments...) {
  return -1;
}

#endif
