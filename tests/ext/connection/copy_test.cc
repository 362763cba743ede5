// What a table with access=copy has written belongs to the table, and goes with the transaction: DROP
// and RENAME, too. And it never shows half of another's commit.
#include <fcntl.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

class Copy : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "abcdef");
    Run("CREATE VIRTUAL TABLE c USING mmap('a', access=copy, n text(1));"
        "UPDATE c SET n = 'X' WHERE rowid = 0");
  }
  std::string Seen(const std::string &table = "c") {
    return One("SELECT group_concat(n, '') FROM " + table);
  }
};

TEST_F(Copy, SurvivesADropThatIsRolledBack) {
  Run("BEGIN; DROP TABLE c; ROLLBACK");
  EXPECT_EQ(Seen(), "Xbcdef");
  Run("BEGIN; SAVEPOINT s; DROP TABLE c; ROLLBACK TO s; COMMIT");
  EXPECT_EQ(Seen(), "Xbcdef");
  Run("UPDATE c SET n = 'Y' WHERE rowid = 1");
  EXPECT_EQ(Seen(), "XYcdef");
  EXPECT_EQ(Get("a"), "abcdef");
}

TEST_F(Copy, GoesWithADropThatIsCommitted) {
  Run("BEGIN; DROP TABLE c; COMMIT; CREATE VIRTUAL TABLE c USING mmap('a', access=copy, n "
      "text(1))");
  EXPECT_EQ(Seen(), "abcdef");
  Run("UPDATE c SET n = 'Z'; DROP TABLE c;"
      "CREATE VIRTUAL TABLE c USING mmap('a', access=copy, n text(1))");
  EXPECT_EQ(Seen(), "abcdef");
}

TEST_F(Copy, OfADroppedTableIsNotTheNextOnesButComesBack) {
  Run("BEGIN; DROP TABLE c; CREATE VIRTUAL TABLE c USING mmap('a', access=copy, n text(1))");
  EXPECT_EQ(Seen(), "abcdef");
  Run("UPDATE c SET n = 'Z' WHERE rowid = 5");
  EXPECT_EQ(Seen(), "abcdeZ");
  Run("ROLLBACK");
  EXPECT_EQ(Seen(), "Xbcdef");
}

TEST_F(Copy, SurvivesARenameThatIsRolledBack) {
  Run("BEGIN; ALTER TABLE c RENAME TO d; ROLLBACK");
  EXPECT_EQ(Seen(), "Xbcdef");
  Run("BEGIN; UPDATE c SET n = 'Y' WHERE rowid = 1; SAVEPOINT s; ALTER TABLE c RENAME TO d;"
      "ALTER TABLE d RENAME TO e; ROLLBACK TO s");
  EXPECT_EQ(Seen(), "XYcdef");
  Run("COMMIT");
  EXPECT_EQ(Seen(), "XYcdef");
}

TEST_F(Copy, GoesAlongWithARename) {
  Run("ALTER TABLE c RENAME TO d");
  EXPECT_EQ(Seen("d"), "Xbcdef");
  Run("BEGIN; ALTER TABLE d RENAME TO e; UPDATE e SET n = 'Y' WHERE rowid = 1; COMMIT");
  EXPECT_EQ(Seen("e"), "XYcdef");
  Run("CREATE VIRTUAL TABLE c USING mmap('a', access=copy, n text(1))");
  EXPECT_EQ(Seen(), "abcdef");
}

TEST_F(Copy, OfATableThatIsRolledBackIsForgotten) {
  Run("BEGIN; CREATE VIRTUAL TABLE d USING mmap('a', access=copy, n text(1));"
      "UPDATE d SET n = 'Z'; ROLLBACK; CREATE VIRTUAL TABLE d USING mmap('a', access=copy, n "
      "text(1))");
  EXPECT_EQ(Seen("d"), "abcdef");
}

TEST_F(Copy, BelongsToOneDatabase) {
  for (const char *name : {"2.db", "3.db", ":memory:"}) {
    Run("ATTACH '" + std::string(name) +
        "' AS aux;"
        "CREATE VIRTUAL TABLE aux.t USING mmap('a', access=copy, n text(1)); DETACH aux");
  }
  Run("ATTACH '2.db' AS aux; UPDATE aux.t SET n = '2'; DETACH aux; ATTACH '3.db' AS aux");
  EXPECT_EQ(Seen("aux.t"), "abcdef");
  Run("UPDATE aux.t SET n = '3'; DETACH aux; ATTACH '2.db' AS aux");
  EXPECT_EQ(Seen("aux.t"), "abcdef");
  // Also where no other had the name meanwhile.
  Run("UPDATE aux.t SET n = '4'; DETACH aux; ATTACH '2.db' AS aux");
  EXPECT_EQ(Seen("aux.t"), "abcdef");
  Run("DETACH aux");
  for (int i = 0; i < 2; i++) {
    Run("ATTACH ':memory:' AS aux; CREATE VIRTUAL TABLE aux.t USING mmap('a', access=copy, n "
        "text(1))");
    EXPECT_EQ(Seen("aux.t"), "abcdef");
    Run("UPDATE aux.t SET n = 'm'; DETACH aux");
  }
  EXPECT_EQ(Seen(), "Xbcdef");
}

TEST_F(Copy, OutlivesItsBeingConnectedAnew) {
  Run("CREATE VIRTUAL TABLE temp.d USING mmap('a', access=copy, n text(1)); UPDATE d SET n = 'Y'");
  Run("CREATE TABLE x(n); BEGIN; DROP TABLE x; ROLLBACK; VACUUM");
  EXPECT_EQ(Seen("d"), "YYYYYY");
  EXPECT_EQ(Seen(), "Xbcdef");
  // That a table is connected while another one is made does not make it new.
  Run("BEGIN; DROP TABLE x; ROLLBACK");
  Run("CREATE VIRTUAL TABLE f USING fts5(n, content='c')");
  EXPECT_EQ(Seen(), "Xbcdef");
}

TEST_F(Copy, OfATableWithAnOddName) {
  for (const char *name :
       {"\"a\"\"b\"", "[a b]", "'s'", "`x``y`", "main.\"IF\"", "\"main\" . 'z'"}) {
    std::string create = "CREATE VIRTUAL TABLE " + std::string(name) + " USING mmap(";
    EXPECT_NE(Error(create + "'none')").find("cannot open 'none'"), std::string::npos) << name;
    Run(create + "'a', access=copy, n text(1))");
    std::string table = name[0] == '\'' ? "s" : name;
    Run("UPDATE " + table + " SET n = 'Q'");
    EXPECT_EQ(Seen(table), "QQQQQQ") << name;
    Run("DROP TABLE " + table);
    Run("CREATE VIRTUAL TABLE IF NOT EXISTS " + std::string(name) +
        " USING mmap('a', access=copy, n text(1))");
    EXPECT_EQ(Seen(table), "abcdef") << name;
  }
}

TEST_F(Copy, IsDroppedWhereNothingIsPendingAnyMore) {
  Run("BEGIN; SAVEPOINT s; UPDATE c SET n = 'Z'; ROLLBACK TO s; DROP TABLE c; COMMIT");
  EXPECT_EQ(Get("a"), "abcdef");
}

// ---- others commit

// A commit by another connection: what it writes is half there, with its journal beside it.
class CopyBesideACrash : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", std::string(10000, 'a'));
    // The journal of a commit of other bytes at both ends, taken before it was removed.
    {
      Db("t.db").Run("CREATE TABLE t(n)");
      Db writer("t.db"), reader("t.db", nullptr, false);
      reader.Run("BEGIN; SELECT * FROM t");
      writer.Run("BEGIN; INSERT INTO t VALUES(1); SELECT mmap_patch('a', 0, 'N');"
                 "SELECT mmap_patch('a', 9999, 'N')");
      EXPECT_EQ(writer.Error("COMMIT"), "BUSY database is locked");
      std::filesystem::copy_file("a-mmap-journal", "saved");
      writer.Run("ROLLBACK");
    }
  }
  // As a process leaves it that was killed while it wrote the file.
  void Crash() {
    int fd = open("a", O_WRONLY);
    EXPECT_EQ(pwrite(fd, "N", 1, 0), 1);
    close(fd);
    std::filesystem::rename("saved", "a-mmap-journal");
  }
  std::string Ends(const std::string &file) {
    return Bytes("SELECT mmap_slice(" + file + ", 0, 1) || mmap_slice(" + file + ", -1)");
  }
};

TEST_F(CopyBesideACrash, NeverSeesHalfOfIt) {
  Run("SELECT mmap_open('a', 'copy'); BEGIN; SELECT mmap_patch(1, 5, 'mine')");
  EXPECT_EQ(Ends("1"), "aa");
  Crash();
  EXPECT_EQ(Ends("1"), "NN");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 5, 9)"), "mine");
  Run("ROLLBACK");
  EXPECT_EQ(Ends("1"), "NN");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 5, 9)"), "aaaa");
}

TEST_F(CopyBesideACrash, RollsBackToASavepointFromBefore) {
  db.reset();
  db = std::make_unique<Db>(":memory:", "sqlite3_mmap_init");
  Run("SELECT mmap_open('a', 'copy'); BEGIN; SELECT mmap_patch(1, 5, 'mine'); SAVEPOINT s;"
      "SELECT mmap_patch(1, 50, 'more')");
  Crash();
  // The journal cannot be replayed while somebody else writes the directory: it is shown over the
  // file instead where we may not write, as below.
  EXPECT_EQ(Ends("1"), "NN");
  Run("ROLLBACK TO s");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 5, 9)"), "mine");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 50, 54)"), "aaaa");
  Run("COMMIT");
  EXPECT_EQ(Ends("1"), "NN");
}

} // namespace
} // namespace mm_test
