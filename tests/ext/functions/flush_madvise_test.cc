// mmap_flush and mmap_madvise.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class FlushMadvise : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", std::string(10000, 'a'));
    Put("empty", "");
  }
};

TEST_F(FlushMadvise, FlushGivesZero) {
  Run("SELECT mmap_open('a', 'write', 10, 5), mmap_open(NULL, 'write', 10), mmap_open('a', "
      "'copy')");
  EXPECT_EQ(One("SELECT mmap_flush('a'), mmap_flush('a', 5), mmap_flush('a', 5, 10), "
                "mmap_flush('a', NULL, NULL),"
                " mmap_flush('a', 10000), mmap_flush('a', 0, 10000), mmap_flush('empty'),"
                " mmap_flush('empty', 0, 0), mmap_flush(1), mmap_flush(2), mmap_flush(3), "
                "mmap_flush(1, 10, 0)"),
            "0|0|0|0|0|0|0|0|0|0|0|0");
}

TEST_F(FlushMadvise, FlushOutOfRangeIsAnError) {
  for (const char *range : {"10001", "0, 10001", "9999, 2", "-1", "0, -1", "9223372036854775807",
                            "1, 9223372036854775807", "-1, 2", "1.5", "0, 'x'"}) {
    EXPECT_EQ(Error("SELECT mmap_flush('a', " + std::string(range) + ")").substr(0, 17),
              "ERROR mmap_flush:")
        << range;
  }
  EXPECT_EQ(Error("SELECT mmap_flush('a', 0, 10001)"),
            "ERROR mmap_flush: offset 0 and 10001 bytes are outside 'a' (10000 bytes)");
}

TEST_F(FlushMadvise, FlushDoesNotCommit) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'new'); SELECT mmap_flush('a')");
  EXPECT_EQ(Get("a"), std::string(10000, 'a'));
  Run("ROLLBACK");
  EXPECT_EQ(Get("a"), std::string(10000, 'a'));
}

TEST_F(FlushMadvise, FlushAfterCommitsWithoutSync) {
  Run("SELECT mmap_config('synchronous', 'off'); SELECT mmap_patch('a', 0, 'new'), "
      "mmap_flush('a')");
  EXPECT_EQ(Get("a").substr(0, 4), "newa");
}

TEST_F(FlushMadvise, EveryAdvice) {
  for (const char *advice : {"normal", "random", "sequential", "willneed", "dontneed", "RANDOM"}) {
    EXPECT_EQ(One("SELECT mmap_madvise('a', '" + std::string(advice) + "'), mmap_madvise('a', '" +
                  advice + "', 5000, 10), mmap_madvise('a', '" + advice +
                  "', 1), mmap_madvise('empty', '" + advice + "')"),
              "0|0|0|0")
        << advice;
  }
}

TEST_F(FlushMadvise, ARangeThatGoesPastTheEndIsClipped) {
  EXPECT_EQ(One("SELECT mmap_madvise('a', 'willneed', 0, 99999), mmap_madvise('a', 'random', 4096, "
                "9223372036854775807)"),
            "0|0");
}

TEST_F(FlushMadvise, WhatIsRefused) {
  EXPECT_EQ(Error("SELECT mmap_madvise('a', 'hurry')"),
            "ERROR mmap_madvise: advice 'hurry' is none of normal, random, sequential, willneed, "
            "dontneed, cold, pageout, populate_read, hugepage, nohugepage, mergeable, unmergeable, "
            "dontfork, dofork, dontdump, dodump");
  EXPECT_EQ(Error("SELECT mmap_madvise('a', 3)"), "ERROR mmap_madvise: advice 3 is not text");
  EXPECT_EQ(Error("SELECT mmap_madvise('a', 'random', 10001)"),
            "ERROR mmap_madvise: start 10001 is outside 'a' (10000 bytes)");
  EXPECT_NE(Error("SELECT mmap_madvise('a', 'random', 10000)"), "ok");
  EXPECT_NE(Error("SELECT mmap_madvise('a', 'random', -1)"), "ok");
  EXPECT_EQ(Error("SELECT mmap_madvise('a', 'random', 0, -1)"),
            "ERROR mmap_madvise: length -1 is negative");
}

TEST_F(FlushMadvise, DontneedNeverLosesAWrite) {
  Run("SELECT mmap_open('a', 'copy'), mmap_open(NULL, 'write', 10);"
      "BEGIN; SELECT mmap_patch('a', 5000, 'pending'); SELECT mmap_patch(1, 0, 'copied');"
      "SELECT mmap_patch(2, 0, 'memory'); SELECT mmap_resize('a', 20000);"
      "SELECT mmap_madvise('a', 'dontneed'), mmap_madvise(1, 'dontneed'), mmap_madvise(2, "
      "'dontneed')");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a', 5000, 5007)"), "pending");
  Run("COMMIT; SELECT mmap_madvise('a', 'dontneed'), mmap_madvise(1, 'dontneed'), mmap_madvise(2, "
      "'dontneed')");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a', 5000, 5007)"), "pending");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 6)"), "copied");
  EXPECT_EQ(Bytes("SELECT mmap_slice(2, 0, 6)"), "memory");
}

} // namespace
} // namespace mm_test
