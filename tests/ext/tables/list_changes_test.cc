// The tables mmap_list and mmap_changes.
#include "tests/support/sql.h"

#include <unistd.h>

namespace mm_test {
namespace {

class ListChanges : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789");
    Put("b", "bb");
  }
  std::string Changes() {
    return Rows("SELECT replace(path, '" + directory +
                "/', ''), offset, length, CAST(old AS TEXT),"
                " CAST(new AS TEXT) FROM mmap_changes ORDER BY path, offset");
  }
  std::string List(const std::string &columns) {
    return Rows("SELECT " + columns + " FROM mmap_list ORDER BY handle IS NULL, handle, name");
  }
};

// ---- mmap_list

TEST_F(ListChanges, ListNamesEveryHandle) {
  EXPECT_EQ(List("*"), "");
  Run("SELECT mmap_open('a'), mmap_open('a', 'write', 4, 3), mmap_open('b', 'copy'), "
      "mmap_open(NULL, NULL, 7)");
  EXPECT_EQ(List("handle, name, replace(path, '" + directory +
                 "/', ''), access, offset, length, size, position, pending"),
            "1|NULL|a|read|0|10|10|0|0\n"
            "2|NULL|a|write|3|4|10|0|0\n"
            "3|NULL|b|copy|0|2|2|0|0\n"
            "4|NULL|NULL|write|0|7|7|0|0");
  Run("SELECT mmap_close(1), mmap_close(3), mmap_read(2, 2)");
  EXPECT_EQ(Rows("SELECT handle, position FROM mmap_list WHERE handle NOT NULL ORDER BY handle"),
            "2|2\n4|0");
}

TEST_F(ListChanges, ListNamesTagsAndTables) {
  std::string tag = "list" + std::to_string(getpid());
  Run("SELECT mmap_open(NULL, 'write', 5, 0, '" + tag +
      "');"
      "CREATE VIRTUAL TABLE temp.bytes USING mmap('a', offset=2)");
  Run("SELECT count(*) FROM bytes");
  EXPECT_EQ(List("handle, name, path IS NULL, offset, length, size"),
            "1|" + tag + "|1|0|5|5\nNULL|bytes|0|2|8|10");
}

TEST_F(ListChanges, ListNamesFilesThatAreReachedByPathAlone) {
  Run("SELECT mmap_get('a', 0), mmap_get('b', 0)");
  EXPECT_EQ(Rows("SELECT handle, name, path, length, size FROM mmap_list ORDER BY path"),
            "NULL|NULL|" + directory + "/a|10|10\nNULL|NULL|" + directory + "/b|2|2");
}

TEST_F(ListChanges, ListShowsWhatIsPending) {
  Run("SELECT mmap_open('a', 'write'); BEGIN; SELECT mmap_patch(1, 0, 'abc'); SELECT mmap_patch(1, "
      "1, 'xyz')");
  EXPECT_EQ(List("pending"), "4");
  Run("SELECT mmap_resize(1, 15)");
  EXPECT_EQ(List("pending, length, size"), "9|15|15");
  Run("ROLLBACK");
  EXPECT_EQ(List("pending, length, size"), "0|10|10");
}

TEST_F(ListChanges, ListSeesAFileGrow) {
  Run("SELECT mmap_open('a'), mmap_get('b', 0)");
  Put("a", "0123456789abc");
  Put("b", "bbbb");
  EXPECT_EQ(List("length, size"), "13|13\n4|4");
}

// ---- mmap_changes

TEST_F(ListChanges, ChangesAreEmptyWhenNothingIsPending) {
  EXPECT_EQ(Changes(), "");
  Run("SELECT mmap_patch('a', 0, 'xyz')");
  EXPECT_EQ(Changes(), "");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  EXPECT_EQ(Changes(), "");
  Run("COMMIT");
}

TEST_F(ListChanges, ChangesShowOldAndNew) {
  Run("BEGIN; SELECT mmap_patch('a', 1, 'XY'), mmap_patch('a', 7, 'Z'), mmap_patch('b', 0, 'cc')");
  EXPECT_EQ(Changes(), "a|1|2|12|XY\na|7|1|7|Z\nb|0|2|bb|cc");
  Run("SELECT mmap_patch('a', 3, 'W'), mmap_patch('a', 1, 'x')");
  EXPECT_EQ(Changes(), "a|1|3|123|xYW\na|7|1|7|Z\nb|0|2|bb|cc");
  Run("ROLLBACK");
  EXPECT_EQ(Changes(), "");
}

TEST_F(ListChanges, ChangesFollowSavepoints) {
  Run("BEGIN; SELECT mmap_patch('a', 1, 'X'); SAVEPOINT s; SELECT mmap_patch('a', 5, 'Y')");
  EXPECT_EQ(Changes(), "a|1|1|1|X\na|5|1|5|Y");
  Run("ROLLBACK TO s");
  EXPECT_EQ(Changes(), "a|1|1|1|X");
  Run("COMMIT");
}

TEST_F(ListChanges, GrowthIsARowWithoutOld) {
  Run("BEGIN; SELECT mmap_resize('a', 13), mmap_patch('a', 9, 'XYZ!')");
  EXPECT_EQ(Changes(), "a|9|1|9|X\na|10|3|NULL|YZ!");
  Run("ROLLBACK");
}

TEST_F(ListChanges, ACutIsARowWithoutNew) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'X'), mmap_resize('a', 6)");
  EXPECT_EQ(Changes(), "a|0|1|0|X\na|6|4|6789|NULL");
  Run("ROLLBACK");
}

TEST_F(ListChanges, AFileCutAndGrownAgainIsOverwritten) {
  Run("BEGIN; SELECT mmap_resize('a', 7), mmap_resize('a', 10), mmap_patch('a', 8, '!')");
  EXPECT_EQ(Rows("SELECT offset, length, old, new FROM mmap_changes"), "7|3|x'373839'|x'002100'");
  Run("ROLLBACK");
}

TEST_F(ListChanges, ApplyingTheChangesGivesTheNewFile) {
  Run("BEGIN; SELECT mmap_insert('a', 3, 'insert'); SELECT mmap_delete('a', 0, 2); SELECT "
      "mmap_patch('a', -1, '!')");
  std::string bytes = Get("a"), seen = Bytes("SELECT mmap_slice('a')");
  int64_t count = Int("SELECT count(*) FROM mmap_changes");
  for (int64_t i = 0; i < count; i++) {
    std::string row = " FROM mmap_changes ORDER BY offset LIMIT 1 OFFSET " + std::to_string(i);
    auto offset = static_cast<size_t>(Int("SELECT offset" + row));
    std::string change = Bytes("SELECT new" + row);
    if (offset + change.size() > bytes.size()) bytes.resize(offset + change.size());
    bytes.replace(offset, change.size(), change);
  }
  EXPECT_EQ(bytes, seen);
  Run("COMMIT");
  EXPECT_EQ(Get("a"), seen);
}

TEST_F(ListChanges, ChangesOfAFileThatIsCommittedAlreadyAreGone) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'X'); COMMIT; BEGIN; SELECT mmap_patch('b', 0, 'Y')");
  EXPECT_EQ(Changes(), "b|0|1|b|Y");
  Run("ROLLBACK");
}

// No COMMIT writes it.
TEST_F(ListChanges, ChangesLeavesOutWhatIsWrittenToACopy) {
  Put("a", "0123");
  Run("SELECT mmap_open('a', 'copy'); BEGIN; SELECT mmap_patch(1, 0, 'xx')");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_changes"), "0");
  Run("SELECT mmap_patch('a', 3, 'y')");
  EXPECT_EQ(Changes(), "a|3|1|3|y");
  Run("ROLLBACK");
}

TEST_F(ListChanges, NeitherCanBeWritten) {
  Run("SELECT mmap_open('a')");
  for (const char *sql : {"UPDATE mmap_list SET size = 1", "DELETE FROM mmap_list",
                          "INSERT INTO mmap_changes DEFAULT VALUES", "DELETE FROM mmap_changes"}) {
    EXPECT_NE(Error(sql), "ok") << sql;
  }
}

// SQLite keeps a table that was renamed or dropped in a transaction to the end of it.
TEST_F(ListChanges, ListForgetsTablesThatAreRenamedOrDroppedInATransaction) {
  Run("CREATE VIRTUAL TABLE keep USING mmap('b')");
  for (const char *schema : {"main", "temp"}) {
    Run("BEGIN; CREATE VIRTUAL TABLE " + std::string(schema) +
        ".t USING mmap('a');"
        "SELECT count(*) FROM t, keep");
    EXPECT_EQ(List("name"), "keep\nt");
    Run("ALTER TABLE t RENAME TO u; SELECT count(*) FROM u, keep");
    EXPECT_EQ(List("name"), "keep\nu");
    Run("ALTER TABLE u RENAME TO v; SELECT count(*) FROM v, keep");
    EXPECT_EQ(List("name"), "keep\nv");
    Run("SAVEPOINT s; DROP TABLE v; SELECT count(*) FROM keep");
    EXPECT_EQ(Rows("SELECT name FROM mmap_list WHERE name IS NOT NULL"), "keep");
    Run("ROLLBACK TO s; SELECT count(*) FROM v, keep");
    EXPECT_EQ(List("name"), "keep\nv");
    Run("DROP TABLE v; CREATE VIRTUAL TABLE v USING mmap('a', offset=1)");
    EXPECT_EQ(List("name || ' ' || offset"), "keep 0\nv 1");
    Run("ROLLBACK");
    EXPECT_EQ(Rows("SELECT name FROM mmap_list WHERE name = 't' OR name = 'u' OR name = 'v'"), "");
  }
}

// What SQLite has connected, but is no more, or has another name again.
TEST_F(ListChanges, ListKnowsRollbacksOfNames) {
  Run("CREATE VIRTUAL TABLE v USING mmap('a'); BEGIN; UPDATE v SET byte = 65 WHERE offset = 0;"
      "SAVEPOINT s; ALTER TABLE v RENAME TO w");
  EXPECT_EQ(Rows("SELECT name FROM mmap_list WHERE name = 'v'"), "");
  Run("SELECT count(*) FROM w");
  EXPECT_EQ(List("name"), "w");
  Run("ROLLBACK TO s");
  EXPECT_EQ(List("name"), "v");
  Run("SELECT count(*) FROM v");
  EXPECT_EQ(List("name"), "v");
  Run("UPDATE v SET byte = 66 WHERE offset = 0; ROLLBACK; SELECT count(*) FROM v");
  EXPECT_EQ(List("name"), "v");
  Run("BEGIN; SAVEPOINT s; CREATE VIRTUAL TABLE n USING mmap('b');"
      "UPDATE n SET byte = 66 WHERE offset = 0; ROLLBACK TO s");
  EXPECT_EQ(Rows("SELECT name FROM mmap_list WHERE name = 'n'"), "");
}

// A statement that was prepared before does not make SQLite let go of what the database had.
TEST_F(ListChanges, ListForgetsTablesOfADetachedDatabase) {
  Run("ATTACH 'x.db' AS x; CREATE VIRTUAL TABLE x.v USING mmap('a'); SELECT count(*) FROM x.v");
  sqlite3_stmt *stmt = nullptr;
  const char *query = "SELECT count(*) FROM mmap_list WHERE name = 'v'";
  ASSERT_EQ(sqlite3_prepare_v2(*db, query, -1, &stmt, nullptr), SQLITE_OK);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(stmt, 0), 1);
  sqlite3_reset(stmt);
  Run("DETACH x");
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(stmt, 0), 0);
  sqlite3_finalize(stmt);
}

TEST_F(ListChanges, ListSaysWhatATableMayDoNow) {
  Run("CREATE VIRTUAL TABLE v USING mmap('a'); CREATE VIRTUAL TABLE r USING mmap('a', access=read);"
      "CREATE VIRTUAL TABLE w USING mmap('a', access=write);"
      "CREATE VIRTUAL TABLE other USING mmap('a')");
  EXPECT_EQ(List("name, access"), "other|read\nr|read\nv|read\nw|write");
  Run("BEGIN; UPDATE v SET byte = 65 WHERE offset = 0; CREATE TABLE t(x); SELECT count(*) FROM v");
  EXPECT_EQ(List("name, access"), "other|read\nr|read\nv|write\nw|write");
  Run("COMMIT");
  EXPECT_EQ(List("name, access"), "other|read\nr|read\nv|read\nw|write");
}

} // namespace
} // namespace mm_test
