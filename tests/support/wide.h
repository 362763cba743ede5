// Tests that map more than a machine of 32 bits has addresses for.
#ifndef MM_TESTS_SUPPORT_WIDE_H
#define MM_TESTS_SUPPORT_WIDE_H

#include <gtest/gtest.h>

// First in such a test: passes over it there, and says so.
#define MM_NEEDS_64_BITS()                                                                         \
  if (sizeof(void *) < 8) GTEST_SKIP() << "a machine of 32 bits has no addresses for this"

#endif
