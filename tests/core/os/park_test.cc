// Descriptors that are left because they may not be closed, and who takes them over.
extern "C" {
#include "core/common/mem.h"
#include "core/os/own.h"
#include "core/os/park.h"
#include "core/os/sys.h"
}

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/scratch.h"

namespace mm_test {
namespace {

class Park : public ::testing::Test {
protected:
  void SetUp() override {
    Put(scratch_ / "a", "x");
    fd_ = open((scratch_ / "a").c_str(), O_RDONLY | O_CLOEXEC);
    ASSERT_EQ(mm_os.status(fd_, &stat_), 0);
    mm_own_add(fd_);
  }
  void TearDown() override {
    mm_park_sweep(); // it is no database
    EXPECT_EQ(fcntl(fd_, F_GETFD), -1);
  }

  void Leave(bool writes) {
    mm_parked *place = mm_parked_new();
    char *real = mm_strdup("a");
    mm_parked_put(place, fd_, writes);
    mm_park(place, &real, &stat_);
    EXPECT_EQ(real, nullptr);
  }

  Scratch scratch_;
  mm_stat stat_ = {};
  int fd_ = -1;
};

TEST_F(Park, WhatIsReadByIsTakenOverOnce) {
  Leave(false);
  EXPECT_EQ(mm_park_take(&stat_), fd_);
  EXPECT_EQ(mm_park_take(&stat_), -1);
  Leave(false);
}

TEST_F(Park, WhatIsWrittenByIsNot) {
  Leave(true);
  EXPECT_EQ(mm_park_take(&stat_), -1);
}

// A lock by it would be the parent's, too.
TEST_F(Park, AForkedChildTakesNothingOver) {
  Leave(false);
  pid_t child = fork();
  if (child == 0) _exit(mm_park_take(&stat_) == -1 ? 0 : 1);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_EQ(mm_park_take(&stat_), fd_);
  Leave(false);
}

} // namespace
} // namespace mm_test
