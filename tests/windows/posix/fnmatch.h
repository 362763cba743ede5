// A second opinion on patterns, which Windows has not: ../left_out.bzl names the tests that ask for it.
#ifndef MM_TESTS_WINDOWS_FNMATCH_H
#define MM_TESTS_WINDOWS_FNMATCH_H

inline int fnmatch(const char *, const char *, int) {
  return -1;
}

#endif
