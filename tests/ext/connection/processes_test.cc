// Two processes, each with a connection of its own, on any system: what one shows the other, and when.
#include "tests/support/again.h"
#include "tests/support/sql.h"

#include <filesystem>
#include <fstream>

namespace {

using namespace mm_test;

class ProcessesTest : public SqlTest {
protected:
  // What another process says of `sql`, in this one's directory: "ok", the rows, or the error.
  std::string Other(const std::string &sql) {
    Again other("Other.DISABLED_Runs", {{"DIRECTORY", directory}, {"SQL", sql}, {"END", "close"}});
    EXPECT_EQ(other.Wait(), 0) << sql;
    return Get("said");
  }
  void OtherDiesAfter(const std::string &sql) {
    Again other("Other.DISABLED_Runs", {{"DIRECTORY", directory}, {"SQL", sql}, {"END", "die"}});
    EXPECT_EQ(other.Wait(), Again::kKilled) << sql;
  }
};

TEST_F(ProcessesTest, ShareATag) {
  std::string tag = "mmap-test-" + directory.substr(directory.size() - 6);
  std::string open = "SELECT mmap_open(NULL, 'write', 1000, 0, '" + tag + "')";
  Run("CREATE TEMP TABLE h AS " + open + " AS h");
  Run("SELECT mmap_patch(h, 10, 'from here') FROM h");
  EXPECT_EQ(Other("CREATE TEMP TABLE h AS " + open +
                  " AS h;"
                  " SELECT CAST(mmap_slice(h, 10, 19) AS TEXT) FROM h"),
            "from here");
  EXPECT_EQ(Other("CREATE TEMP TABLE h AS " + open +
                  " AS h;"
                  " SELECT mmap_patch(h, 500, 'from there') FROM h"),
            "10");
  EXPECT_EQ(One("SELECT CAST(mmap_slice(h, 500, 510) AS TEXT) FROM h"), "from there");
}

TEST_F(ProcessesTest, WhatIsCommittedIsSeen) {
  Put("f", "before");
  EXPECT_EQ(One("SELECT CAST(mmap_slice('f') AS TEXT)"), "before");
  EXPECT_EQ(Other("SELECT mmap_patch('f', 0, 'AFTER')"), "5");
  EXPECT_EQ(One("SELECT CAST(mmap_slice('f') AS TEXT)"), "AFTERe");
  EXPECT_EQ(Other("SELECT mmap_resize('f', 100000)"), "100000");
  EXPECT_EQ(Int("SELECT mmap_size('f')"), 100000);
}

TEST_F(ProcessesTest, OneWritesAtATime) {
  Put("f", "before");
  Run("BEGIN; SELECT mmap_patch('f', 0, 'mine')");
  EXPECT_EQ(Other("SELECT CAST(mmap_slice('f') AS TEXT)"), "before");
  EXPECT_EQ(Other("SELECT mmap_patch('f', 0, 'other')").substr(0, 5), "BUSY ");
  Run("COMMIT");
  EXPECT_EQ(Other("SELECT CAST(mmap_slice('f') AS TEXT)"), "minere");
}

TEST_F(ProcessesTest, WhoDiesInATransactionHasChangedNothing) {
  Put("f", "before");
  OtherDiesAfter("BEGIN; SELECT mmap_patch('f', 0, 'AFTER'), mmap_resize('f', 9000)");
  EXPECT_EQ(One("SELECT CAST(mmap_slice('f') AS TEXT)"), "before");
  EXPECT_EQ(One("SELECT mmap_patch('f', 0, 'again')"), "5");
  EXPECT_EQ(Get("f"), "againe");
}

TEST_F(ProcessesTest, WhoDiesAfterACommitHasChangedAllOfIt) {
  Put("f", "before");
  OtherDiesAfter("BEGIN; SELECT mmap_patch('f', 0, 'AFTER'), mmap_resize('f', 5); COMMIT");
  EXPECT_EQ(Get("f"), "AFTER");
}

// Not by another process, nor by another connection of this one, where a system lets nobody cut what is mapped.
TEST_F(ProcessesTest, WhatNoStatementUsesIsCut) {
  Put("f", std::string(100000, 'x'));
  Run("SELECT mmap_open('f', 'write')");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', delete=yes)");
  Run("CREATE VIRTUAL TABLE temp.l USING mmap_lines('f')");
  Run("SELECT mmap_length(1), (SELECT count(*) FROM t), (SELECT count(*) FROM l)");
  Run("BEGIN; SELECT mmap_patch(1, 0, 'mine'); DELETE FROM t WHERE rowid > 90000; COMMIT");
  Run("BEGIN; SELECT mmap_patch('f', 0, 'none'); ROLLBACK");
  EXPECT_EQ(Other("SELECT mmap_resize('f', 80000)"), "80000");
  EXPECT_EQ(One("SELECT mmap_length(1), count(*) FROM t"), "80000|80000");
  Run("UPDATE t SET byte = 65 WHERE rowid = 0");
  Db second;
  EXPECT_EQ(second.Says("SELECT mmap_resize('f', 5)"), "5");
  EXPECT_EQ(One("SELECT mmap_length(1), count(*), CAST(mmap_slice(1) AS TEXT) FROM t"),
            "5|5|Ainex");
}

/* ---- the other process ---------------------------------------------------------------------- */

TEST(Other, DISABLED_Runs) {
  std::filesystem::current_path(Again::Told("DIRECTORY"));
  Db db;
  std::ofstream("said", std::ios::binary) << db.Says(Again::Told("SQL"));
  if (Again::Told("END") == "die") Again::Die();
}

} // namespace
