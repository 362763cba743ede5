extern "C" {
#include "core/os/own.h"
}

#include <gtest/gtest.h>

namespace {

TEST(Own, KnowsTheDescriptorsThatWereAddedAndNotRemoved) {
  EXPECT_FALSE(mm_own_has(100));
  mm_own_add(100);
  mm_own_add(164); // in another word, at the same bit
  EXPECT_TRUE(mm_own_has(100));
  EXPECT_FALSE(mm_own_has(101));
  mm_own_remove(100);
  EXPECT_FALSE(mm_own_has(100));
  EXPECT_TRUE(mm_own_has(164));
  mm_own_remove(164);
}

TEST(Own, KnowsNoneThatIsNegativeOrTooLarge) {
  for (int fd : {-1, -1000000, 65536, 1 << 30}) {
    mm_own_add(fd);
    EXPECT_FALSE(mm_own_has(fd)) << fd;
    mm_own_remove(fd);
  }
  mm_own_add(65535);
  EXPECT_TRUE(mm_own_has(65535));
  mm_own_remove(65535);
}

} // namespace
