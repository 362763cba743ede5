// mmap_open and mmap_close: paths, handles, windows, copies, memory, tags.
#include "tests/support/sql.h"

#include <sys/stat.h>
#include <unistd.h>

namespace mm_test {
namespace {

class Open : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789");
  }
};

TEST_F(Open, HandlesCountFromOneAndAreNeverReused) {
  EXPECT_EQ(One("SELECT mmap_open('a'), mmap_open('a', 'write'), typeof(mmap_open('a'))"),
            "1|2|integer");
  EXPECT_EQ(One("SELECT mmap_close(3), mmap_close(3), mmap_open('a')"), "1|0|4");
}

TEST_F(Open, CloseOfWhatNeverWasIsAnError) {
  Run("SELECT mmap_open('a')");
  for (const char *handle : {"0", "2", "-1", "9223372036854775807"}) {
    EXPECT_EQ(Error("SELECT mmap_close(" + std::string(handle) + ")"),
              "ERROR mmap_close: " + std::string(handle) + " is no handle");
  }
  EXPECT_EQ(Error("SELECT mmap_close('a')"), "ERROR mmap_close: handle 'a' is not an integer");
  EXPECT_EQ(One("SELECT mmap_close('1'), mmap_close(1.0), mmap_close(NULL)"), "1|0|NULL");
}

TEST_F(Open, EveryOtherUseOfAClosedHandleIsAnError) {
  Run("SELECT mmap_open('a', 'write'); SELECT mmap_close(1)");
  for (const char *call : {"mmap_length(1)", "mmap_get(1, 0)", "mmap_set(1, 0, 0)", "mmap_read(1)",
                           "mmap_tell(1)", "mmap_slice(1)", "mmap_flush(1)", "mmap_find(1, 'x')"}) {
    std::string name = std::string(call).substr(0, std::string(call).find('('));
    EXPECT_EQ(Error("SELECT " + std::string(call)), "ERROR " + name + ": handle 1 is closed");
  }
  EXPECT_EQ(Error("SELECT * FROM mmap(1)"), "ERROR mmap: handle 1 is closed");
  EXPECT_EQ(Error("UPDATE mmap SET byte = 0 WHERE file = 1"), "ERROR mmap: handle 1 is closed");
}

TEST_F(Open, AccessSaysWhatMayBeDone) {
  EXPECT_EQ(One("SELECT mmap_open('a', 'READ'), mmap_open('a', NULL), mmap_open('a', 'Write')"),
            "1|2|3");
  EXPECT_EQ(Error("SELECT mmap_set(1, 0, 65)"),
            "READONLY mmap_set: handle 1 is open for reading only");
  EXPECT_EQ(Error("SELECT mmap_set(2, 0, 65)"),
            "READONLY mmap_set: handle 2 is open for reading only");
  EXPECT_EQ(Error("UPDATE mmap SET byte = 65 WHERE file = 2"),
            "READONLY mmap: handle 2 is open for reading only");
  Run("SELECT mmap_set(3, 0, 65)");
  EXPECT_EQ(Get("a"), "A123456789");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'append')"),
            "ERROR mmap_open: access 'append' is none of read, write, copy, create, device");
  EXPECT_EQ(Error("SELECT mmap_open('a', 7)"), "ERROR mmap_open: access 7 is not text");
}

TEST_F(Open, AWindowMayStartAnywhereInTheFile) {
  EXPECT_EQ(One("SELECT mmap_open('a', 'read', 4, 3), mmap_open('a', 'read', 0, 10), "
                "mmap_open('a', 'read', NULL, 9),"
                " mmap_open('a', 'read', 10)"),
            "1|2|3|4");
  EXPECT_EQ(One("SELECT mmap_length(1), mmap_length(2), mmap_length(3), mmap_length(4)"),
            "4|0|1|10");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'read', 0, 11)"),
            "ERROR mmap_open: offset 11 is outside 'a' (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'read', 11)"),
            "ERROR mmap_open: length 11 is more than 'a' has (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'read', 5, 6)"),
            "ERROR mmap_open: length 5 is more than 'a' has (4 bytes)");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'read', -1)"), "ERROR mmap_open: length -1 is negative");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'read', 0, -1)"),
            "ERROR mmap_open: offset -1 is negative");
  EXPECT_NE(Error("SELECT mmap_open('a', 'read', 9223372036854775807, 9223372036854775807)"), "ok");
  EXPECT_EQ(One("SELECT mmap_open('a')"), "5"); // no number is lost
}

TEST_F(Open, CreateMakesAnEmptyFileWhereThereIsNone) {
  EXPECT_EQ(One("SELECT mmap_open('new', 'create'), mmap_length(1)"), "1|0");
  EXPECT_EQ(Get("new"), "");
  Run("SELECT mmap_resize(1, 3), mmap_patch(1, 0, 'abc')");
  EXPECT_EQ(Get("new"), "abc");
  EXPECT_EQ(One("SELECT mmap_open('a', 'create'), mmap_length(2)"), "2|10");
  EXPECT_EQ(Get("a"), "0123456789");
  EXPECT_EQ(Error("SELECT mmap_open('no/such/new', 'create')").substr(0, 18), "CANTOPEN mmap_open");
}

// ---- access=copy

TEST_F(Open, ACopysWritesNeverReachTheFile) {
  Run("SELECT mmap_open('a', 'copy'), mmap_open('a', 'copy'); SELECT mmap_patch(1, 2, 'XY')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "01XY456789");
  EXPECT_EQ(Bytes("SELECT mmap_slice(2)"), "0123456789");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), "0123456789");
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(Open, BytesThatACopyHasNotWrittenAreTheFiles) {
  Run("SELECT mmap_open('a', 'copy'); SELECT mmap_patch(1, 2, 'XY'); SELECT mmap_patch('a', 0, "
      "'abcdefghij')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "abXYefghij");
}

TEST_F(Open, ACopyOfAWindow) {
  Run("SELECT mmap_open('a', 'copy', 4, 3); SELECT mmap_patch(1, 0, 'XY')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "XY56");
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(Open, ACopyOfAFileThatCannotBeWritten) {
  chmod("a", 0444);
  Run("SELECT mmap_open('a', 'copy'); SELECT mmap_set(1, 0, 65)");
  EXPECT_EQ(One("SELECT mmap_get(1, 0), mmap_get('a', 0)"), "65|48");
}

// ---- memory

TEST_F(Open, NullIsAnonymousMemory) {
  EXPECT_EQ(One("SELECT mmap_open(NULL, NULL, 100), mmap_open(NULL, 'write', 100), mmap_length(1)"),
            "1|2|100");
  Run("SELECT mmap_patch(1, 0, 'mine')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 4)"), "mine");
  EXPECT_EQ(Bytes("SELECT mmap_slice(2, 0, 4)"), std::string(4, '\0'));
  EXPECT_EQ(
      One("SELECT mmap_resize(1, 5000), mmap_get(1, 4999), mmap_insert(1, 0, 'x'), mmap_size(1)"),
      "5000|0|5001|5001");
  EXPECT_NE(Error("SELECT mmap_open(NULL, 'write', 9000000000000000000)"), "ok");
}

TEST_F(Open, ACopyOfMemoryKeepsItsSizeToo) {
  const char *refused = "'memory' is open with access=copy: its size stays";
  Run("SELECT mmap_open(NULL, 'copy', 10), mmap_set(1, 0, 65)");
  for (const char *call :
       {"mmap_resize(1, 20)", "mmap_insert(1, 0, 'x')", "mmap_delete(1, 0, 1)"}) {
    std::string name = std::string(call).substr(0, std::string(call).find('('));
    EXPECT_EQ(Error(std::string("SELECT ") + call), "READONLY " + name + ": " + refused);
  }
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "A" + std::string(9, '\0'));
  EXPECT_EQ(Error("SELECT mmap_resize(mmap_open(NULL, 'write', 10), 20)"), "ok");
}

TEST_F(Open, ATagIsSharedByConnections) {
  Db other;
  std::string tag = "test" + std::to_string(getpid());
  Run("SELECT mmap_open(NULL, 'write', 10, 0, '" + tag + "'); SELECT mmap_patch(1, 0, 'shared')");
  EXPECT_EQ(other.One("SELECT mmap_open(NULL, 'write', 10, 0, '" + tag + "')"), "1");
  EXPECT_EQ(other.Bytes("SELECT mmap_slice(1, 0, 6)"), "shared");
  other.Run("BEGIN; SELECT mmap_patch(1, 0, 'SH')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 6)"), "shared");
  other.Run("COMMIT");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 6)"), "SHared");
  Run("SELECT mmap_open(NULL, 'read', 4, 2, '" + tag + "')"); // a second handle, a window
  EXPECT_EQ(Bytes("SELECT mmap_slice(2)"), "ared");
  EXPECT_NE(Error("SELECT mmap_set(2, 0, 1)"), "ok");
}

TEST_F(Open, ATagGoesWithItsLastHandle) {
  std::string tag = "gone" + std::to_string(getpid());
  Run("SELECT mmap_open(NULL, 'write', 4, 0, '" + tag +
      "'); SELECT mmap_patch(1, 0, 'mark'); SELECT mmap_close(1);"
      "SELECT mmap_open(NULL, 'write', 4, 0, '" +
      tag + "')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(2)"), std::string(4, '\0'));
}

TEST_F(Open, ATagIsForMemory) {
  EXPECT_EQ(Error("SELECT mmap_open('a', 'read', 0, 0, 'tag')"),
            "ERROR mmap_open: tag 'tag' is for memory: the path must be NULL");
  EXPECT_NE(Error("SELECT mmap_open(NULL, 'write', 4, 0, 'a/b')"), "ok");
  EXPECT_NE(Error("SELECT mmap_open(NULL, 'write', 4, 0, '')"), "ok");
}

// ---- what is refused

TEST_F(Open, WhatCannotBeOpened) {
  EXPECT_EQ(Error("SELECT mmap_open('x')"),
            "CANTOPEN mmap_open: cannot open 'x': No such file or directory");
  EXPECT_EQ(Error("SELECT mmap_get('x', 0)"),
            "CANTOPEN mmap_get: cannot open 'x': No such file or directory");
  EXPECT_EQ(Error("SELECT * FROM mmap('x')"),
            "CANTOPEN mmap: cannot open 'x': No such file or directory");
  EXPECT_EQ(Error("SELECT mmap_open('.')").substr(0, 20), "CANTOPEN mmap_open: ");
  EXPECT_EQ(Error("SELECT mmap_open('')").substr(0, 6), "CANTOP");
  EXPECT_EQ(Error("SELECT mmap_open('a/b')").substr(0, 20), "CANTOPEN mmap_open: ");
  EXPECT_EQ(Error("SELECT mmap_open(x'61')"),
            "ERROR mmap_open: path (a blob of 1 bytes) is not text");
  EXPECT_EQ(Error("SELECT mmap_open(5)"), "ERROR mmap_open: path 5 is not text");
  EXPECT_EQ(Error("SELECT mmap_open('a' || char(0) || 'b')"),
            "ERROR mmap_open: path 'a' goes on after a NUL");
}

TEST_F(Open, WhatWouldBlockIsRefusedBeforeItIsOpened) {
  mkfifo("fifo", 0600);
  EXPECT_EQ(Error("SELECT mmap_open('fifo')").substr(0, 20), "CANTOPEN mmap_open: ");
  EXPECT_EQ(Error("SELECT mmap_open('/dev/zero')").substr(0, 20), "CANTOPEN mmap_open: ");
  EXPECT_EQ(Error("SELECT mmap_length('fifo')").substr(0, 22), "CANTOPEN mmap_length: ");
}

TEST_F(Open, ADatabaseThatIsOpenIsRefused) {
  Db file("t.db");
  file.Run("PRAGMA journal_mode = wal; CREATE TABLE t(n); INSERT INTO t VALUES(1)");
  for (const char *name : {"t.db", "t.db-wal", "t.db-shm"}) {
    EXPECT_EQ(file.Error("SELECT mmap_open(" + Quote(name) + ")"),
              "CANTOPEN mmap_open: '" + std::string(name) + "' is open as a database");
  }
  for (const char *name : {"t.db", "t.db-shm"}) { // what has locks; of another connection
    EXPECT_EQ(Error("SELECT mmap_get(" + Quote(name) + ", 0)"),
              "CANTOPEN mmap_get: '" + std::string(name) + "' is open as a database");
  }
  file.Run("ATTACH 'u.db' AS u; CREATE TABLE u.t(n)");
  EXPECT_EQ(file.Error("SELECT mmap_size('u.db')"),
            "CANTOPEN mmap_size: 'u.db' is open as a database");
}

TEST_F(Open, ADatabaseThatIsClosedIsAFile) {
  Db("t.db", nullptr, false).Run("CREATE TABLE t(n)");
  EXPECT_EQ(Bytes("SELECT mmap_slice('t.db', 0, 15)"), "SQLite format 3");
}

TEST_F(Open, NamesOfOneFileAreOneObject) {
  ASSERT_EQ(symlink("a", "link"), 0);
  Run("BEGIN; SELECT mmap_set('link', 0, 65)");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), mmap_get('./a', 0), mmap_get('" + directory + "/a', 0)"),
            "65|65|65");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "A123456789");
}

TEST_F(Open, ManyFilesOneAfterTheOther) {
  for (int i = 0; i < 600; i++) Put("f" + std::to_string(i), std::to_string(i));
  Run("BEGIN; SELECT mmap_patch('f0', 0, 'x')");
  for (int i = 0; i < 600; i++) {
    EXPECT_EQ(Bytes("SELECT mmap_slice('f" + std::to_string(i) + "')"),
              i ? std::to_string(i) : "x");
  }
  EXPECT_EQ(Bytes("SELECT mmap_slice('f0')"), "x");
  Run("COMMIT");
  EXPECT_EQ(Get("f0"), "x");
  EXPECT_EQ(One("WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k LIMIT 600)"
                " SELECT sum(mmap_length('f' || i)) FROM k"),
            "1690");
}

// The kernel's own files have no pages.
TEST_F(Open, NamesTheFileThatCannotBeMapped) {
  std::string error = Error("SELECT mmap_size('/proc/self/maps')");
  EXPECT_EQ(error.rfind("CANTOPEN mmap_size: cannot map '/proc/self/maps': ", 0), 0U) << error;
}

// An error of a disk would end the transaction.
TEST_F(Open, AFileThatCannotBeMappedDoesNotEndTheTransaction) {
  Put("x", "0123456789");
  Run("BEGIN; SELECT mmap_patch('x', 0, 'X')");
  for (const char *read :
       {"SELECT mmap_size('/proc/self/maps')", "SELECT count(*) FROM mmap('/proc/self/maps')",
        "SELECT count(*) FROM mmap_lines('/proc/self/maps')",
        "CREATE VIRTUAL TABLE temp.maps USING mmap('/proc/self/maps')"}) {
    EXPECT_EQ(Error(read).substr(0, 8), "CANTOPEN") << read;
    EXPECT_EQ(Bytes("SELECT mmap_slice('x', 0, 2)"), "X1") << read;
  }
  Run("COMMIT");
  EXPECT_EQ(Get("x"), "X123456789");
}

// A COMMIT that fails in SQLite's last step has closed the file up already: what comes next sees
// the transaction as it is.
TEST_F(Open, SeesTheWindowAsItIsAfterARefusedCommit) {
  Put("x", "0123456789");
  Db file("t.db"), reader("t.db", nullptr, false);
  file.Run("CREATE TABLE t(n); CREATE VIRTUAL TABLE temp.v USING mmap('x', delete=yes)");
  file.Run("BEGIN; INSERT INTO t VALUES(1); DELETE FROM v WHERE offset < 2");
  reader.Run("BEGIN; SELECT * FROM t");
  EXPECT_EQ(file.Error("COMMIT"), "BUSY database is locked");
  EXPECT_EQ(file.One("SELECT mmap_open('x', 'read', 10)"), "1");
  reader.Run("COMMIT");
  file.Run("COMMIT");
  EXPECT_EQ(Get("x"), "23456789");
}

} // namespace
} // namespace mm_test
