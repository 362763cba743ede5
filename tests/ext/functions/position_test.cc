// The functions of a handle with a position, as file objects have them.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class Position : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "first\nsecond\nlast");
    Run("SELECT mmap_open('a', 'write')");
  }
};

TEST_F(Position, ReadMovesOn) {
  EXPECT_EQ(Bytes("SELECT mmap_read(1, 5)"), "first");
  EXPECT_EQ(One("SELECT mmap_tell(1)"), "5");
  EXPECT_EQ(Bytes("SELECT mmap_read(1, 0)"), "");
  EXPECT_EQ(Bytes("SELECT mmap_read(1)"), "\nsecond\nlast");
  EXPECT_EQ(One("SELECT mmap_read(1), typeof(mmap_read(1, 3)), mmap_tell(1)"), "x''|blob|17");
}

TEST_F(Position, ReadOfANegativeOrNoNumberIsAllTheRest) {
  EXPECT_EQ(Bytes("SELECT mmap_read(1, -1)"), "first\nsecond\nlast");
  Run("SELECT mmap_seek(1, 13)");
  EXPECT_EQ(Bytes("SELECT mmap_read(1, NULL)"), "last");
  Run("SELECT mmap_seek(1, 13)");
  EXPECT_EQ(Bytes("SELECT mmap_read(1, 99)"), "last");
}

TEST_F(Position, ReadByte) {
  EXPECT_EQ(One("SELECT mmap_read_byte(1), mmap_read_byte(1), mmap_tell(1)"), "102|105|2");
  Run("SELECT mmap_seek(1, 0, 2)");
  EXPECT_EQ(Error("SELECT mmap_read_byte(1)"),
            "ERROR mmap_read_byte: position 17 is at the end of 'a'");
  EXPECT_EQ(One("SELECT mmap_tell(1)"), "17");
}

TEST_F(Position, ReadlineGivesTheNewlineToo) {
  EXPECT_EQ(Bytes("SELECT mmap_readline(1)"), "first\n");
  EXPECT_EQ(Bytes("SELECT mmap_readline(1)"), "second\n");
  EXPECT_EQ(Bytes("SELECT mmap_readline(1)"), "last");
  EXPECT_EQ(One("SELECT mmap_readline(1), mmap_tell(1)"), "x''|17");
}

TEST_F(Position, WriteMovesOnAndNeverGrows) {
  EXPECT_EQ(
      One("SELECT mmap_write(1, 'FIR'), mmap_write(1, x'5354'), mmap_write(1, ''), mmap_tell(1)"),
      "3|2|0|5");
  EXPECT_EQ(Get("a"), "FIRST\nsecond\nlast");
  Run("SELECT mmap_seek(1, -2, 2)");
  EXPECT_EQ(
      Error("SELECT mmap_write(1, 'xyz')"),
      "ERROR mmap_write: 3 bytes do not fit between position 15 and the end of 'a' (17 bytes)");
  EXPECT_EQ(One("SELECT mmap_tell(1), mmap_write(1, 'ST'), mmap_tell(1), mmap_write(1, '')"),
            "15|2|17|0");
  EXPECT_EQ(Get("a"), "FIRST\nsecond\nlaST");
}

TEST_F(Position, WriteByte) {
  EXPECT_EQ(One("SELECT mmap_write_byte(1, 70), mmap_write_byte(1, 255), mmap_tell(1)"), "1|1|2");
  for (const char *byte : {"256", "-1", "1.5", "'x'", "x'41'"}) {
    EXPECT_NE(Error("SELECT mmap_write_byte(1, " + std::string(byte) + ")"), "ok") << byte;
  }
  EXPECT_EQ(Error("SELECT mmap_write_byte(1, 256)"),
            "ERROR mmap_write_byte: byte 256 is not in 0..255");
  EXPECT_EQ(One("SELECT mmap_tell(1), mmap_seek(1, 0, 2)"), "2|17");
  EXPECT_NE(Error("SELECT mmap_write_byte(1, 1)"), "ok");
  EXPECT_EQ(Get("a"), "F\xffrst\nsecond\nlast");
}

TEST_F(Position, SeekFromStartHereAndEnd) {
  EXPECT_EQ(
      One("SELECT mmap_seek(1, 5), mmap_seek(1, 2, 1), mmap_seek(1, -3, 1), mmap_seek(1, -1, 2),"
          " mmap_seek(1, 0, NULL), mmap_seek(1, 17, 0), mmap_seek(1, -17, 2)"),
      "5|7|4|16|0|17|0");
}

TEST_F(Position, SeekOutsideLeavesThePosition) {
  Run("SELECT mmap_seek(1, 4)");
  for (const char *to :
       {"-1", "18", "-5, 1", "14, 1", "1, 2", "-18, 2", "0, 3", "0, -1", "1.5",
        "9223372036854775807", "-9223372036854775807 - 1", "9223372036854775807, 1",
        "-9223372036854775807 - 1, 2", "9223372036854775807, 2"}) {
    EXPECT_NE(Error("SELECT mmap_seek(1, " + std::string(to) + ")"), "ok") << to;
  }
  EXPECT_EQ(Error("SELECT mmap_seek(1, 18)"),
            "ERROR mmap_seek: position 18, whence 0, is outside 'a' (17 bytes)");
  EXPECT_EQ(Error("SELECT mmap_seek(1, 1, 7)"), "ERROR mmap_seek: whence 7 is none of 0, 1, 2");
  EXPECT_EQ(One("SELECT mmap_tell(1)"), "4");
}

TEST_F(Position, EachHandleHasItsOwn) {
  Run("SELECT mmap_open('a'), mmap_read(1, 3)");
  EXPECT_EQ(One("SELECT mmap_tell(1), mmap_tell(2)"), "3|0");
}

TEST_F(Position, CountsFromTheStartOfTheWindow) {
  Run("SELECT mmap_open('a', 'write', 6, 6)"); // "second"
  EXPECT_EQ(Bytes("SELECT mmap_read(2)"), "second");
  EXPECT_EQ(One("SELECT mmap_tell(2), mmap_seek(2, 0), mmap_write(2, 'SEC')"), "6|0|3");
  EXPECT_EQ(Bytes("SELECT mmap_readline(2)"), "ond");
  EXPECT_NE(Error("SELECT mmap_seek(2, 7)"), "ok");
  EXPECT_EQ(Get("a"), "first\nSECond\nlast");
}

// As in Python.
TEST_F(Position, PastTheEndOfAFileThatWasCutItStays) {
  Run("SELECT mmap_seek(1, 10), mmap_resize('a', 4)");
  EXPECT_EQ(
      One("SELECT mmap_tell(1), mmap_read(1), mmap_read(1, 2), mmap_readline(1), mmap_tell(1)"),
      "10|x''|x''|x''|10");
  EXPECT_EQ(One("SELECT position FROM mmap_list"), "10");
  EXPECT_EQ(Error("SELECT mmap_read_byte(1)"),
            "ERROR mmap_read_byte: position 10 is past the end of 'a'");
  EXPECT_EQ(
      Error("SELECT mmap_write(1, '')"),
      "ERROR mmap_write: 0 bytes do not fit between position 10 and the end of 'a' (4 bytes)");
  EXPECT_NE(Error("SELECT mmap_write_byte(1, 1)"), "ok");
  EXPECT_NE(Error("SELECT mmap_seek(1, 0, 1)"), "ok");
  EXPECT_NE(Error("SELECT mmap_seek(1, -5, 1)"), "ok");
  EXPECT_EQ(One("SELECT mmap_tell(1), mmap_resize('a', 12)"), "10|12");
  EXPECT_EQ(One("SELECT hex(mmap_read(1)), mmap_seek(1, 10), mmap_resize('a', 4)"), "0000|10|4");
  EXPECT_EQ(One("SELECT mmap_seek(1, -6, 1), mmap_tell(1), mmap_write(1, '')"), "4|4|0");
  Put("a", "ab");
  EXPECT_EQ(One("SELECT mmap_tell(1), mmap_readline(1), mmap_tell(1)"), "4|x''|4");
}

TEST_F(Position, AReadBetweenACutAndItsRollbackLeavesIt) {
  Run("SELECT mmap_seek(1, 6); BEGIN; SELECT mmap_resize('a', 4)");
  EXPECT_EQ(One("SELECT mmap_read(1), mmap_readline(1), mmap_tell(1)"), "x''|x''|6");
  Run("ROLLBACK");
  EXPECT_EQ(Bytes("SELECT mmap_readline(1)"), "second\n");
}

TEST_F(Position, BelongsToAHandle) {
  for (const char *call :
       {"mmap_read('a')", "mmap_read_byte('a')", "mmap_readline('a')", "mmap_write('a', 'x')",
        "mmap_write_byte('a', 1)", "mmap_seek('a', 0)", "mmap_tell('a')"}) {
    std::string name = std::string(call).substr(0, std::string(call).find('('));
    EXPECT_EQ(Error("SELECT " + std::string(call)),
              "ERROR " + name + ": a position belongs to a handle from mmap_open, not to a path");
  }
}

TEST_F(Position, AReadThatIsTooBigLeavesIt) {
  sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, 100);
  Put("a", std::string(101, 'x'));
  EXPECT_EQ(Error("SELECT length(mmap_read(1))"), "TOOBIG string or blob too big");
  EXPECT_EQ(One("SELECT mmap_tell(1)"), "0");
}

TEST_F(Position, AFailedWriteInATransactionLeavesIt) {
  Run("SELECT mmap_open('a')");
  EXPECT_EQ(Error("SELECT mmap_write(2, 'x')"),
            "READONLY mmap_write: handle 2 is open for reading only");
  EXPECT_EQ(One("SELECT mmap_tell(2)"), "0");
}

// Outside a transaction a write may come to nothing as late as in its own commit.
TEST_F(Position, AWriteWhoseCommitFailsLeavesIt) {
  int refuse = 1;
  auto hook = [](void *context) { return *static_cast<int *>(context); };
  Run("SELECT mmap_seek(1, 6)");
  sqlite3_commit_hook(*db, hook, &refuse);
  EXPECT_NE(Error("SELECT mmap_write(1, 'SECOND')"), "ok");
  EXPECT_NE(Error("SELECT mmap_write_byte(1, 33)"), "ok");
  EXPECT_EQ(One("SELECT mmap_tell(1)"), "6");
  EXPECT_EQ(Get("a"), "first\nsecond\nlast");
  refuse = 0;
  EXPECT_EQ(One("SELECT mmap_write(1, 'SECOND'), mmap_tell(1)"), "6|12");
  EXPECT_EQ(Get("a"), "first\nSECOND\nlast");
}

TEST_F(Position, AReadThatIsInterruptedLeavesIt) {
  Put("a", std::string(5 << 20, 'x'));
  auto interrupt = [](sqlite3_context *context, int, sqlite3_value **) {
    sqlite3_interrupt(sqlite3_context_db_handle(context));
  };
  sqlite3_create_function(*db, "interrupt", 0, SQLITE_UTF8, nullptr, interrupt, nullptr, nullptr);
  Run("BEGIN; SELECT mmap_patch('a', 0, 'y'), mmap_seek(1, 7)"); /* so that it is copied */
  EXPECT_EQ(Error("SELECT interrupt(), length(mmap_read(1))").substr(0, 9), "INTERRUPT");
  Run("COMMIT");
  EXPECT_EQ(One("SELECT mmap_tell(1), length(mmap_read(1)), mmap_tell(1)"), "7|5242873|5242880");
}

} // namespace
} // namespace mm_test
