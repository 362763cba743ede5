// mmap_slice: Python's slices.
#include "tests/support/sql.h"

#include <random>

namespace mm_test {
namespace {

class Slice : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "abcdefghij");
  }
  std::string Of(const std::string &arguments) {
    return Bytes("SELECT mmap_slice(" + arguments + ")");
  }
};

TEST_F(Slice, BoundsLeftOutAreTheEnds) {
  EXPECT_EQ(Of("'a'"), "abcdefghij");
  EXPECT_EQ(Of("'a', 3"), "defghij");
  EXPECT_EQ(Of("'a', NULL, 3"), "abc");
  EXPECT_EQ(Of("'a', NULL, NULL, 3"), "adgj");
  EXPECT_EQ(Of("'a', NULL, NULL, NULL"), "abcdefghij");
  EXPECT_EQ(Of("'a', NULL, NULL, -1"), "jihgfedcba");
}

TEST_F(Slice, NegativeBoundsCountFromTheEnd) {
  EXPECT_EQ(Of("'a', -3"), "hij");
  EXPECT_EQ(Of("'a', -3, -1"), "hi");
  EXPECT_EQ(Of("'a', 0, -8"), "ab");
  EXPECT_EQ(Of("'a', -2, 1, -3"), "ifc");
}

TEST_F(Slice, BoundsOutOfRangeAreClamped) {
  EXPECT_EQ(Of("'a', -99, 99"), "abcdefghij");
  EXPECT_EQ(Of("'a', 99"), "");
  EXPECT_EQ(Of("'a', 5, 2"), "");
  EXPECT_EQ(Of("'a', 99, -99, -4"), "jfb");
  EXPECT_EQ(Of("'a', -9223372036854775807 - 1, 9223372036854775807, 9223372036854775807"), "a");
  EXPECT_EQ(Of("'a', 9223372036854775807, -9223372036854775807 - 1, -9223372036854775807 - 1"),
            "j");
}

TEST_F(Slice, IsABlobAlsoWhenItIsEmpty) {
  EXPECT_EQ(
      One("SELECT typeof(mmap_slice('a')), typeof(mmap_slice('a', 2, 2)), mmap_slice('a', 2, 2)"),
      "blob|blob|x''");
}

TEST_F(Slice, AStepOfZeroIsAnError) {
  EXPECT_EQ(Error("SELECT mmap_slice('a', 0, 1, 0)"), "ERROR mmap_slice: step is 0");
}

// As slice.indices() says it.
std::string Python(const std::string &bytes, bool has_start, int64_t start, bool has_stop,
                   int64_t stop, int64_t step) {
  auto n = static_cast<int64_t>(bytes.size());
  int64_t low = step > 0 ? 0 : -1, high = step > 0 ? n : n - 1;
  if (start < 0) start += n;
  if (stop < 0) stop += n;
  start = has_start ? std::min(std::max(start, low), high) : step > 0 ? low : high;
  stop = has_stop ? std::min(std::max(stop, low), high) : step > 0 ? high : low;
  std::string result;
  for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) {
    result += bytes[static_cast<size_t>(i)];
  }
  return result;
}

TEST_F(Slice, RandomSlicesArePythons) {
  std::mt19937 random(7);
  auto number = [&](int around) {
    return static_cast<int64_t>(random() % (2 * around + 1)) - around;
  };
  for (int i = 0; i < 3000; i++) {
    int64_t start = number(13), stop = number(13), step = number(4);
    bool has_start = random() % 4, has_stop = random() % 4;
    if (step == 0) step = 1;
    std::string sql = "'a', " + (has_start ? std::to_string(start) : "NULL") + ", " +
                      (has_stop ? std::to_string(stop) : "NULL") + ", " + std::to_string(step);
    ASSERT_EQ(Of(sql), Python("abcdefghij", has_start, start, has_stop, stop, step)) << sql;
  }
}

TEST_F(Slice, OfAWindow) {
  Run("SELECT mmap_open('a', 'read', 4, 3)");
  EXPECT_EQ(Of("1"), "defg");
  EXPECT_EQ(Of("1, -2"), "fg");
  EXPECT_EQ(Of("1, NULL, NULL, -1"), "gfed");
}

TEST_F(Slice, OfAnEmptyFileIsEmpty) {
  Put("a", "");
  EXPECT_EQ(One("SELECT mmap_slice('a'), mmap_slice('a', -1, 5, 2)"), "x''|x''");
}

TEST_F(Slice, LargerThanTheLengthLimitIsTooBig) {
  sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, 1000);
  Put("a", std::string(2001, 'x'));
  EXPECT_EQ(Error("SELECT length(mmap_slice('a'))"), "TOOBIG string or blob too big");
  EXPECT_EQ(Error("SELECT length(mmap_slice('a', 0, 2001, 2))"), "TOOBIG string or blob too big");
  EXPECT_EQ(One("SELECT length(mmap_slice('a', 0, 1000)), length(mmap_slice('a', 0, 2000, 2))"),
            "1000|1000");
}

// A large slice is handed over without a copy: it may not change while SQLite has it.
TEST_F(Slice, WhatSqliteHoldsStaysWhateverIsWritten) {
  std::string before(1 << 20, 'b');
  Put("big", before);
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(
      sqlite3_prepare_v2(*db, "SELECT mmap_slice('big') UNION ALL SELECT NULL", -1, &stmt, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  const void *held = sqlite3_column_blob(stmt, 0);
  Run("SELECT mmap_patch('big', 5, 'changed'); SELECT mmap_insert('big', 0, 'front');"
      "SELECT mmap_resize('big', 3)");
  std::string after(static_cast<const char *>(held), 1 << 20);
  EXPECT_TRUE(after == before);
  sqlite3_finalize(stmt);
  EXPECT_EQ(Get("big"), "fro");
}

TEST_F(Slice, WhatSqliteHoldsStaysWhenItsHandleIsClosed) {
  Put("big", std::string(1 << 20, 'b'));
  Run("SELECT mmap_open('big', 'copy')");
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT mmap_slice(1)", -1, &stmt, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  const void *held = sqlite3_column_blob(stmt, 0);
  Run("SELECT mmap_close(1)");
  EXPECT_TRUE(std::string(static_cast<const char *>(held), 1 << 20) == std::string(1 << 20, 'b'));
  sqlite3_finalize(stmt);
}

TEST_F(Slice, OneThatIsStoredInATableIsTheBytes) {
  Put("big", std::string(300000, 'b') + "end");
  Run("CREATE TABLE t AS SELECT mmap_slice('big') AS x; SELECT mmap_resize('big', 0)");
  EXPECT_EQ(One("SELECT length(x), CAST(substr(x, -4) AS TEXT) FROM t"), "300003|bend");
}

TEST_F(Slice, ALongOneWithAStepIsInterrupted) {
  Put("a", std::string(100000, 'x'));
  auto interrupt = [](sqlite3_context *context, int, sqlite3_value **) {
    sqlite3_interrupt(sqlite3_context_db_handle(context));
  };
  sqlite3_create_function(*db, "interrupt", 0, SQLITE_UTF8, nullptr, interrupt, nullptr, nullptr);
  for (const char *slice : {"0, NULL, 2", "NULL, NULL, -1", "5, 99999, 9"}) {
    std::string call = "mmap_slice('a', " + std::string(slice) + ")";
    EXPECT_EQ(Error("SELECT interrupt(), length(" + call + ")"),
              "INTERRUPT mmap_slice: interrupted")
        << slice;
    EXPECT_GT(Int("SELECT length(" + call + ")"), 4096 * 2) << slice;
  }
}

} // namespace
} // namespace mm_test
