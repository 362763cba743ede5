// What a process has taken so far. (wine counts no faults.)
#ifndef MM_TESTS_WINDOWS_SYS_RESOURCE_H
#define MM_TESTS_WINDOWS_SYS_RESOURCE_H

enum { RUSAGE_SELF };

struct rusage {
  long ru_maxrss; // KiB
  long ru_minflt, ru_majflt;
};

int getrusage(int who, struct rusage *usage);

#endif
