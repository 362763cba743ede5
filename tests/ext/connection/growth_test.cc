// The memory of a transaction follows what is different, not what was done: as SQLite counts it,
// whose allocator the library uses.
#include "tests/support/sql.h"

#include <string>

namespace mm_test {
namespace {

class Growth : public SqlTest {
protected:
  // What `sql` takes at most, in bytes, besides what is there already.
  int64_t Peak(const std::string &sql) {
    int64_t before = sqlite3_memory_used();
    sqlite3_memory_highwater(1);
    Run(sql);
    return sqlite3_memory_highwater(0) - before;
  }
  // `count` times the expression, over numbers i from 0.
  static std::string Times(int count, const std::string &expression) {
    return "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < " +
           std::to_string(count - 1) + ") SELECT max(" + expression + ") FROM n";
  }
  static constexpr int64_t kMegabyte = 1 << 20;
};

TEST_F(Growth, OverwritingTheSameBytesTakesWhatTheyTake) {
  Put("f", std::string(100000, '.'));
  for (int n : {2000, 4000, 8000}) {
    SCOPED_TRACE(n);
    Run("BEGIN");
    EXPECT_LT(Peak(Times(n, "mmap_patch('f', i % 2 * 100, zeroblob(50000))")), 30 * kMegabyte);
    Run("COMMIT");
  }
  EXPECT_EQ(Get("f").substr(0, 50100), std::string(50100, '\0'));
}

TEST_F(Growth, DeletingAndInsertingTakesWhatTheFileTakes) {
  std::string old(167000, '.');
  Put("f", old);
  for (int n : {500, 1000, 2000}) {
    SCOPED_TRACE(n);
    Run("BEGIN");
    EXPECT_LT(Peak(Times(n, "mmap_delete('f', 100, 110) + mmap_insert('f', 50, '0123456789')")),
              30 * kMegabyte);
    Run("COMMIT");
  }
  std::string wanted = old.substr(0, 50);
  for (int i = 0; i < 5; i++) wanted += "0123456789";
  EXPECT_EQ(Get("f").substr(0, 100), wanted);
  EXPECT_EQ(Get("f").size(), old.size());
}

TEST_F(Growth, AHandleOfFixedLengthThatGrowsAndShrinksTakesNoMore) {
  Put("f", std::string(1000, '.'));
  std::string h = One("SELECT mmap_open('f', 'write', 1000)");
  Run("BEGIN");
  std::string both = "mmap_insert(" + h + ", 50, 'x') + mmap_delete(" + h + ", 50, 51)";
  EXPECT_LT(Peak(Times(50000, both)), 30 * kMegabyte);
  EXPECT_EQ(One("SELECT mmap_length(" + h + ")"), "1000");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_length(" + h + ")"), "1000");
}

TEST_F(Growth, InsertedRecordsTakeTwiceTheirBytesAtMost) {
  Put("f", "");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', a i64le, b i64le)");
  const std::string rows = "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE "
                           "i < 299999) INSERT INTO t SELECT i, -i FROM n";
  EXPECT_LT(Peak(rows), 2 * 300000 * 16 + 10 * kMegabyte);
  EXPECT_EQ(Get("f").size(), 300000u * 16);
  EXPECT_EQ(One("SELECT a || ' ' || b FROM t WHERE rowid = 277777"), "277777 -277777");
}

// The rest of each is a hole.
TEST_F(Growth, InsertedRecordsThatAreMostlyEmptyTakeWhatIsSet) {
  Put("f", "");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', n u32le, record=1048576)");
  EXPECT_LT(Peak("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
                 " INSERT INTO t SELECT i FROM n"),
            4 * kMegabyte);
  EXPECT_EQ(One("SELECT mmap_size('f')"), std::to_string(500 * 1048576));
  EXPECT_EQ(One("SELECT sum(n) FROM t"), "125250");
}

// The values, and two bytes for each: to the end of COMMIT.
TEST_F(Growth, UpdatingAColumnOfAllRowsTakesLittleMoreThanItsValues) {
  for (int n : {100000, 200000, 400000}) {
    SCOPED_TRACE(n);
    Put("f", std::string(static_cast<size_t>(n) * 16, '\0'));
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', a i64le, b i64le)");
    EXPECT_LT(Peak("UPDATE t SET b = rowid"), 11 * n + 4 * kMegabyte);
    EXPECT_EQ(One("SELECT sum(b) - count(*) * (count(*) - 1) / 2 FROM t"), "0");
    Run("DROP TABLE t");
  }
}

TEST_F(Growth, UpdatingTheSameRecordsAgainTakesNoMore) {
  Put("f", std::string(30000 * 16, '\0'));
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', a i64le, b i64le)");
  Run("BEGIN");
  Run("UPDATE t SET b = b + 1");
  EXPECT_LT(Peak("UPDATE t SET b = b + 1; UPDATE t SET b = b + 1; UPDATE t SET b = b + 1;"
                 "UPDATE t SET b = b + 1; UPDATE t SET b = b + 1; UPDATE t SET b = b + 1"),
            20 * kMegabyte);
  Run("COMMIT");
  EXPECT_EQ(One("SELECT sum(a), sum(b) FROM t"), "0|210000");
}

TEST_F(Growth, OpenSavepointsKeepAVersionEach) {
  Put("f", std::string(100000, '.'));
  Run("BEGIN");
  int64_t peak = 0;
  for (int i = 0; i < 400; i++) {
    std::string s = std::to_string(i);
    Run("SAVEPOINT s" + s);
    int64_t before = Peak(
        Times(100, "mmap_patch('f', i % 2 * 100, zeroblob(9990) || printf('%010d', " + s + "))"));
    peak = std::max(peak, before);
  }
  EXPECT_LT(peak, 20 * kMegabyte);
  EXPECT_LT(sqlite3_memory_used(), 400 * 20000 + 30 * kMegabyte);
  for (int i = 399; i > 0; i -= 7) {
    Run("ROLLBACK TO s" + std::to_string(i));
    char last[11];
    snprintf(last, sizeof last, "%010d", i - 1);
    ASSERT_EQ(Bytes("SELECT mmap_slice('f', 10090, 10100)"), last);
  }
  Run("ROLLBACK");
  EXPECT_EQ(Get("f"), std::string(100000, '.'));
}

TEST_F(Growth, SavepointsThatComeAndGoTakeNothing) {
  Put("f", std::string(100000, '.'));
  Run("BEGIN");
  Run(Times(3000, "mmap_patch('f', i * 7919 % 100000, 'x')"));
  int64_t before = sqlite3_memory_used();
  for (int i = 0; i < 5000; i++) {
    Run("SAVEPOINT s; SELECT mmap_patch('f', " + std::to_string(i * 13) + ", 'yy')");
    Run(i % 2 ? "ROLLBACK TO s; RELEASE s" : "RELEASE s");
  }
  EXPECT_LT(sqlite3_memory_used(), before + 2 * kMegabyte);
  Run("COMMIT");
  EXPECT_EQ(Get("f").substr(13 * 4000, 2), "yy");
  EXPECT_NE(Get("f").substr(13 * 4001, 2), "yy");
}

// Each statement writes one file more: what it takes to see which are noted does not grow.
TEST_F(Growth, ManyFilesInOneSavepoint) {
  for (int i = 0; i < 300; i++) Put("f" + std::to_string(i), "abc");
  Run("BEGIN; SAVEPOINT a");
  for (int i = 0; i < 300; i++)
    Run("UPDATE mmap SET byte = 65 WHERE file = 'f" + std::to_string(i) + "'");
  Run("SAVEPOINT b");
  for (int i = 0; i < 300; i += 2) Run("SELECT mmap_patch('f" + std::to_string(i) + "', 1, 'x')");
  Run("RELEASE b; SAVEPOINT c");
  for (int i = 0; i < 300; i += 3) Run("SELECT mmap_patch('f" + std::to_string(i) + "', 2, 'y')");
  Run("ROLLBACK TO c; RELEASE c");
  EXPECT_EQ(Bytes("SELECT mmap_slice('f6')"), "AxA");
  EXPECT_EQ(Bytes("SELECT mmap_slice('f9')"), "AAA");
  Run("ROLLBACK TO a");
  EXPECT_EQ(Bytes("SELECT mmap_slice('f6')"), "abc");
  Run("COMMIT");
  EXPECT_EQ(Get("f6"), "abc");
}

} // namespace
} // namespace mm_test
