// Nobody is another user: see unistd.h.
#ifndef MM_TESTS_WINDOWS_SYS_PRCTL_H
#define MM_TESTS_WINDOWS_SYS_PRCTL_H

enum { PR_SET_PDEATHSIG = 1, PR_SET_DUMPABLE = 4 };

inline int prctl(int, long) {
  return -1;
}

#endif
