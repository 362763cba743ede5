// What changes a file's size, and what moves its bytes: resize, insert, delete, move; and patch,
// which never does. In windows, too.
#include "tests/support/sql.h"

#include <filesystem>

namespace mm_test {
namespace {

class Size : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789");
  }
};

// ---- length and size

TEST_F(Size, LengthIsTheWindowsSizeTheFiles) {
  Run("SELECT mmap_open('a', 'read', 4, 3), mmap_open('a', 'read', 0, 10)");
  EXPECT_EQ(
      One("SELECT mmap_length('a'), mmap_size('a'), mmap_length(1), mmap_size(1), mmap_length(2)"),
      "10|10|4|10|0");
  Put("a", "01234");
  EXPECT_EQ(One("SELECT mmap_length('a'), mmap_length(1), mmap_size(1), mmap_length(2)"),
            "5|2|5|0");
  Put("a", "0123456789abcdef");
  EXPECT_EQ(One("SELECT mmap_length(1), mmap_length(2)"), "4|6");
}

TEST_F(Size, AFileIsAPathOrAHandle) {
  for (const char *file : {"x'61'", "1.5"}) {
    std::string what = *file == 'x' ? "(a blob of 1 bytes)" : file;
    EXPECT_EQ(Error("SELECT mmap_size(" + std::string(file) + ")"),
              "ERROR mmap_size: file " + what + " is neither a path (TEXT) nor a handle (INTEGER)");
    EXPECT_EQ(Error("SELECT * FROM mmap_lines(" + std::string(file) + ")"),
              "ERROR mmap_lines: file " + what +
                  " is neither a path (TEXT) nor a handle (INTEGER)");
  }
}

// A length that was given stays where the file is cut and grows again, whatever is written meanwhile.
TEST_F(Size, AWindowOfACutFileKeepsItsLengthWhereNothingGrows) {
  for (const char *access : {"write", "copy"}) {
    Put("a", "0123456789");
    std::string h = One("SELECT mmap_open('a', '" + std::string(access) + "', 6, 2)");
    Put("a", "0123");
    EXPECT_EQ(One("SELECT mmap_replace(" + h + ", '3', 'x'), mmap_length(" + h + ")"), "1|2");
    EXPECT_EQ(One("SELECT mmap_search_replace(" + h + ", 'none', '')"), "0");
    if (*access == 'w') {
      EXPECT_EQ(One("SELECT mmap_insert(" + h + ", 0, ''), mmap_delete(" + h + ", 0, 0)"), "2|2");
    }
    Put("a", "0123456789");
    EXPECT_EQ(One("SELECT mmap_length(" + h + ")"), "6") << access;
  }
  EXPECT_EQ(One("SELECT mmap_resize(h, 2), mmap_length(h) FROM (SELECT mmap_open('a', 'write', 6, "
                "2) AS h)"),
            "2|2");
}

// ---- resize

// Where a size is more than the file system allows, this is seen before anything is committed.
TEST_F(Size, ResizeTakesAnySizeOrLeavesTheFile) {
  for (int bits : {20, 33, 43, 44, 46}) {
    std::string wanted = std::to_string(int64_t{1} << bits);
    Run("BEGIN; CREATE TABLE IF NOT EXISTS t(x); INSERT INTO t VALUES(" + wanted + ")");
    Run("SELECT mmap_patch('a', 0, 'new'), mmap_resize('a', " + wanted + ")");
    std::string error = Error("COMMIT");
    bool done = error == "ok";
    if (!done) {
      EXPECT_EQ(error, "FULL mmap: cannot resize 'a' to " + wanted + " bytes: File too large");
      EXPECT_TRUE(sqlite3_get_autocommit(*db)) << "SQLite undoes all where nothing has room";
    }
    EXPECT_EQ(One("SELECT mmap_size('a'), CAST(mmap_slice('a', 0, 10) AS TEXT)"),
              done ? wanted + "|new3456789" : "10|0123456789");
    EXPECT_EQ(One("SELECT count(*) FROM t WHERE x = " + wanted), done ? "1" : "0");
    Run("SELECT mmap_resize('a', 10), mmap_patch('a', 0, '012')");
    EXPECT_FALSE(std::filesystem::exists("a-mmap-journal"));
  }
}

TEST_F(Size, ResizeGrowsWithZerosAndCuts) {
  EXPECT_EQ(One("SELECT mmap_resize('a', 13)"), "13");
  EXPECT_EQ(Get("a"), std::string("0123456789\0\0\0", 13));
  EXPECT_EQ(One("SELECT mmap_resize('a', 3), mmap_resize('a', 5), mmap_slice('a')"),
            "3|5|x'3031320000'");
  EXPECT_EQ(One("SELECT mmap_resize('a', 0), mmap_length('a')"), "0|0");
  EXPECT_EQ(Get("a"), "");
  EXPECT_EQ(One("SELECT mmap_resize('a', 5000), mmap_get('a', 4999)"), "5000|0");
  EXPECT_EQ(Get("a"), std::string(5000, '\0'));
}

TEST_F(Size, WhatWasCutInATransactionDoesNotComeBack) {
  Run("BEGIN; SELECT mmap_resize('a', 2); SELECT mmap_resize('a', 10)");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), std::string("01\0\0\0\0\0\0\0\0", 10));
  Run("COMMIT");
  EXPECT_EQ(Get("a"), std::string("01\0\0\0\0\0\0\0\0", 10));
}

TEST_F(Size, ASizeThatCannotBeIsRefused) {
  EXPECT_EQ(Error("SELECT mmap_resize('a', -1)"), "ERROR mmap_resize: size -1 is negative");
  EXPECT_EQ(Error("SELECT mmap_resize('a', 9223372036854775807)").substr(0, 19),
            "TOOBIG mmap_resize:");
  EXPECT_EQ(Error("SELECT mmap_resize('a', 1.5)"), "ERROR mmap_resize: size 1.5 is not an integer");
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(Size, ResizeOfAWindowMakesTheFileItsStartAndThat) {
  Run("SELECT mmap_open('a', 'write', 0, 4), mmap_open('a', 'write', 3, 4)");
  EXPECT_EQ(One("SELECT mmap_resize(1, 8), mmap_length(1), mmap_size(1), mmap_length(2)"),
            "8|8|12|3");
  EXPECT_EQ(Get("a"), std::string("0123456789\0\0", 12));
  EXPECT_EQ(One("SELECT mmap_resize(2, 2), mmap_length(2), mmap_length(1), mmap_size('a')"),
            "2|2|2|6");
  EXPECT_EQ(Get("a"), "012345");
  EXPECT_EQ(One("SELECT mmap_resize(2, 0), mmap_size('a')"), "0|4");
}

TEST_F(Size, AWindowOfALengthGivenStaysThatLong) {
  Run("SELECT mmap_open('a', 'write', 3, 4); SELECT mmap_resize(1, 0); SELECT mmap_resize('a', "
      "10)");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "0");
  EXPECT_EQ(One("SELECT mmap_resize(1, 2), mmap_length(1), mmap_size(1)"), "2|2|6");
  Put("a", "0123456789");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "2");
}

TEST_F(Size, ACopyCannotBeResized) {
  Run("SELECT mmap_open('a', 'copy')");
  for (const char *call : {"mmap_resize(1, 5)", "mmap_resize(1, 20)", "mmap_insert(1, 0, 'x')",
                           "mmap_delete(1, 0, 1)"}) {
    EXPECT_NE(Error("SELECT " + std::string(call)), "ok") << call;
  }
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "0123456789");
  EXPECT_EQ(Get("a"), "0123456789");
}

// ---- insert and delete

TEST_F(Size, InsertMakesRoom) {
  EXPECT_EQ(One("SELECT mmap_insert('a', 0, 'start'), mmap_insert('a', 15, x'656e64'), "
                "mmap_insert('a', -3, '-')"),
            "15|18|19");
  EXPECT_EQ(Get("a"), "start0123456789-end");
  EXPECT_EQ(One("SELECT mmap_insert('a', 5, '')"), "19");
  EXPECT_EQ(Error("SELECT mmap_insert('a', 20, 'x')"),
            "ERROR mmap_insert: offset 20 is outside 'a' (19 bytes)");
  EXPECT_NE(Error("SELECT mmap_insert('a', -20, 'x')"), "ok");
}

TEST_F(Size, InsertIntoAnEmptyFile) {
  Put("a", "");
  EXPECT_EQ(One("SELECT mmap_insert('a', 0, 'new')"), "3");
  EXPECT_EQ(Get("a"), "new");
}

TEST_F(Size, DeleteClosesUp) {
  EXPECT_EQ(One("SELECT mmap_delete('a', 2, 4)"), "8");
  EXPECT_EQ(Get("a"), "01456789");
  EXPECT_EQ(One("SELECT mmap_delete('a', -2, 99)"), "6");
  EXPECT_EQ(Get("a"), "014567");
  EXPECT_EQ(One("SELECT mmap_delete('a', 4, 1), mmap_delete('a', 99, 100)"), "6|6");
  EXPECT_EQ(One("SELECT mmap_delete('a', -99, 99)"), "0");
  EXPECT_EQ(Get("a"), "");
}

TEST_F(Size, InsertAndDeleteAcrossPages) {
  std::string text;
  for (int i = 0; i < 3000; i++) text += std::to_string(i) + ",";
  Put("a", text);
  Run("BEGIN; SELECT mmap_insert('a', 4090, '" + std::string(5000, 'x') + "')");
  text.insert(4090, std::string(5000, 'x'));
  EXPECT_TRUE(Bytes("SELECT mmap_slice('a')") == text);
  Run("SELECT mmap_delete('a', 10, 8200)");
  text.erase(10, 8190);
  EXPECT_TRUE(Bytes("SELECT mmap_slice('a')") == text);
  Run("COMMIT");
  EXPECT_TRUE(Get("a") == text);
}

TEST_F(Size, InsertAndDeleteInAWindowThatEndsWithItsFile) {
  Run("SELECT mmap_open('a', 'write', 5, 5), mmap_open('a', 'write', 0, 5)");
  EXPECT_EQ(One("SELECT mmap_insert(1, 1, 'xy'), mmap_length(1), mmap_length(2)"), "7|7|7");
  EXPECT_EQ(Get("a"), "012345xy6789");
  EXPECT_EQ(One("SELECT mmap_delete(2, 0, 3), mmap_length(2)"), "4|4");
  EXPECT_EQ(Get("a"), "012346789");
}

// … and grows by what is inserted, or is less by what is deleted.
TEST_F(Size, AWindowOfACutFileGrowsByWhatIsInserted) {
  std::string h = One("SELECT mmap_open('a', 'write', 6, 2)");
  Put("a", "0123");
  EXPECT_EQ(One("SELECT mmap_insert(" + h + ", 1, 'xyz'), mmap_length(" + h + ")"), "5|5");
  EXPECT_EQ(Get("a"), "012xyz3");
  EXPECT_EQ(One("SELECT mmap_delete(" + h + ", 0, 1)"), "4");
  EXPECT_EQ(One("SELECT mmap_replace(" + h + ", 'z', '')"), "1");
  Put("a", "0123456789abcdef");
  EXPECT_EQ(One("SELECT CAST(mmap_slice(" + h + ") AS TEXT)"), "2345678");
  Run("BEGIN; SELECT mmap_delete('a', 5, 99), mmap_insert(" + h + ", 0, 'xy'); ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_length(" + h + ")"), "7");
}

TEST_F(Size, InsertAndDeleteNotInAWindowThatEndsBefore) {
  Run("SELECT mmap_open('a', 'write', 4, 3)");
  EXPECT_EQ(Error("SELECT mmap_insert(1, 0, 'x')"),
            "ERROR mmap_insert: handle 1 ends at 7, before its file does (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_delete(1, 0, 1)"),
            "ERROR mmap_delete: handle 1 ends at 7, before its file does (10 bytes)");
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(Size, InsertAndDeleteNotInAWindowBeforeWhichTheFileWasCut) {
  Run("SELECT mmap_open('a', 'write', 0, 6), mmap_open('a', 'write', 0, 2), mmap_resize('a', 2)");
  EXPECT_EQ(Error("SELECT mmap_insert(1, 0, 'xyz')"),
            "ERROR mmap_insert: handle 1 begins at 6, behind the end of its file (2 bytes)");
  EXPECT_EQ(Error("SELECT mmap_delete(1, 0, 0)"),
            "ERROR mmap_delete: handle 1 begins at 6, behind the end of its file (2 bytes)");
  EXPECT_EQ(One("SELECT mmap_insert(2, 0, 'at the end')"), "10");
  EXPECT_EQ(Get("a"), "01at the end");
}

// ---- patch

TEST_F(Size, PatchOverwritesAndNeverGrows) {
  EXPECT_EQ(One("SELECT mmap_patch('a', 0, 'ab'), mmap_patch('a', -2, x'7879'), mmap_patch('a', "
                "10, ''), mmap_patch('a', 3, '')"),
            "2|2|0|0");
  EXPECT_EQ(Get("a"), "ab234567xy");
  EXPECT_EQ(Error("SELECT mmap_patch('a', 8, 'abc')"),
            "ERROR mmap_patch: offset 8 and 3 bytes are outside 'a' (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_patch('a', 11, '')"),
            "ERROR mmap_patch: offset 11 is outside 'a' (10 bytes)");
  EXPECT_NE(Error("SELECT mmap_patch('a', -1, 'ab')"), "ok");
  EXPECT_EQ(Error("SELECT mmap_patch('a', 0, 5)"),
            "ERROR mmap_patch: data 5 is neither a blob nor text");
  EXPECT_EQ(Get("a"), "ab234567xy");
}

TEST_F(Size, PatchStaysInItsWindow) {
  Run("SELECT mmap_open('a', 'write', 4, 3)");
  EXPECT_EQ(One("SELECT mmap_patch(1, 0, 'wxyz')"), "4");
  EXPECT_NE(Error("SELECT mmap_patch(1, 1, 'wxyz')"), "ok");
  EXPECT_EQ(Get("a"), "012wxyz789");
}

TEST_F(Size, PatchWithASliceOfTheSameFile) {
  Run("SELECT mmap_patch('a', 2, mmap_slice('a', 0, 8))");
  EXPECT_EQ(Get("a"), "0101234567");
  Put("big", std::string(1 << 20, 'a') + std::string(1 << 20, 'b'));
  Run("SELECT mmap_patch('big', 1 << 19, mmap_slice('big', 1 << 20, (1 << 20) + (1 << 19)))");
  EXPECT_TRUE(Get("big") == std::string(1 << 19, 'a') + std::string((1 << 20) + (1 << 19), 'b'));
  Run("SELECT mmap_insert('big', 1, mmap_slice('big'))");
  EXPECT_EQ(Get("big").size(), size_t{4 << 20});
}

// ---- move

TEST_F(Size, MoveIsMemmove) {
  EXPECT_EQ(One("SELECT mmap_move('a', 2, 0, 5)"), "5");
  EXPECT_EQ(Get("a"), "0101234789");
  EXPECT_EQ(
      One("SELECT mmap_move('a', 0, 5, 5), mmap_move('a', 3, 3, 2), mmap_move('a', 10, 0, 0)"),
      "5|2|0");
  EXPECT_EQ(Get("a"), "3478934789");
}

TEST_F(Size, MoveOnlyInside) {
  EXPECT_EQ(Error("SELECT mmap_move('a', 0, 0, -1)"), "ERROR mmap_move: count -1 is negative");
  for (const char *call : {"6, 0, 5", "0, 6, 5", "0, 0, 11", "11, 0, 0", "0, -1, 1", "-1, 0, 0",
                           "0, 0, 9223372036854775807", "9223372036854775807, 0, 1",
                           "0, -9223372036854775807 - 1, 1"}) {
    EXPECT_EQ(Error("SELECT mmap_move('a', " + std::string(call) + ")").substr(0, 16),
              "ERROR mmap_move:")
        << call;
  }
  EXPECT_EQ(Error("SELECT mmap_move('a', 6, 0, 5)"),
            "ERROR mmap_move: dest 6 and 5 bytes are outside 'a' (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_move('a', 0, -1, 0)"),
            "ERROR mmap_move: src -1 is outside 'a' (10 bytes)");
  EXPECT_EQ(Get("a"), "0123456789");
}

} // namespace
} // namespace mm_test
