// mmap_export and mmap_apply through SQL.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class PatchSql : public SqlTest {};

TEST_F(PatchSql, TextTellsOldAndNew) {
  Put("a", "hello world");
  Run("BEGIN");
  EXPECT_EQ(One("SELECT CAST(mmap_export('a', 'text') AS TEXT)"), "# mmap patch 1\n")
      << "nothing has changed";
  Run("SELECT mmap_patch('a', 0, 'J'), mmap_patch('a', 4, 'o'), mmap_patch('a', 11 - 5, 'W'), "
      "mmap_resize('a', 13)");
  EXPECT_EQ(One("SELECT CAST(mmap_export('a', 'TEXT') AS TEXT)"),
            "# mmap patch 1\n0 68 4a\n6 77 57\n11 - 0000\n")
      << "what was written anew is not there";
  Run("SELECT mmap_resize('a', 10)");
  EXPECT_EQ(One("SELECT CAST(mmap_export('a', 'text') AS TEXT)"),
            "# mmap patch 1\n0 68 4a\n6 77 57\n10 64 -\n");
  Run("ROLLBACK");
}

TEST_F(PatchSql, TextIsApplied) {
  Put("a", "hello world");
  EXPECT_EQ(One("SELECT mmap_apply('a', '# a patch by hand\n"
                "0x0 68 4A   # J\r\n\n"
                "5 20 2c20\n"
                "10 64 -\n"
                "11 - 2121\n')"),
            "4");
  EXPECT_EQ(Get("a"), "Jello, worl!!");
  Put("empty", "");
  EXPECT_EQ(One("SELECT mmap_apply('empty', '0 - 6162')"), "1");
  EXPECT_EQ(Get("empty"), "ab");
  EXPECT_EQ(One("SELECT mmap_apply('a', ''), mmap_apply('a', x'')"), "0|0");
}

TEST_F(PatchSql, WhatDoesNotFitIsRefusedAndNothingIsWritten) {
  Put("a", "hello");
  EXPECT_EQ(Error("SELECT mmap_apply('a', '0 68 48' || char(10) || '3 6c6d 0000')"),
            "ERROR mmap_apply: at offset 4 'a' has 6f, not 6d as the patch says");
  EXPECT_EQ(Error("SELECT mmap_apply('a', '4 6f6f 00')"),
            "ERROR mmap_apply: offset 4 and 2 bytes are outside 'a' (5 bytes)");
  EXPECT_EQ(Error("SELECT mmap_apply('a', '2 6c 00' || char(10) || '2 - 00')"),
            "ERROR mmap_apply: line 2: offset 2 is not behind the run before it");
  EXPECT_EQ(Error("SELECT mmap_apply('a', 'hello')"),
            "ERROR mmap_apply: line 1 does not begin with an offset");
  EXPECT_EQ(Error("SELECT mmap_apply('a', '1 6 7')"),
            "ERROR mmap_apply: line 1: the old bytes are neither hexadecimal digits nor -");
  EXPECT_EQ(Error("SELECT mmap_apply('a', '1 65 zz')"),
            "ERROR mmap_apply: line 1: the new bytes are neither hexadecimal digits nor -");
  EXPECT_EQ(Error("SELECT mmap_apply('a', '1 65 66 67')"),
            "ERROR mmap_apply: line 1: there are more than three words");
  EXPECT_EQ(Error("SELECT mmap_apply('a', 'PATCH')"), "ERROR mmap_apply: the patch has no end");
  EXPECT_EQ(Error("SELECT mmap_apply('a', 'PATCH' || x'000001' || x'0004' || 'ab')"),
            "ERROR mmap_apply: the record at 5 of the patch is cut short");
  EXPECT_EQ(Error("SELECT mmap_apply('a', 'BPS1')"), "ERROR mmap_apply: the patch is damaged");
  EXPECT_EQ(Error("SELECT mmap_apply('a', 7)"),
            "ERROR mmap_apply: patch 7 is neither a blob nor text");
  EXPECT_EQ(Error("SELECT mmap_export('a', 'zip')"),
            "ERROR mmap_export: format 'zip' is none of text, ips, bps");
  EXPECT_EQ(Get("a"), "hello");
}

TEST_F(PatchSql, ABpsIsForOneFile) {
  Put("a", "hello");
  Put("b", "hallo");
  Put("c", "hello!");
  Run("CREATE TABLE p(patch)");
  Run("BEGIN");
  Run("SELECT mmap_patch('a', 4, 'O')");
  Run("INSERT INTO p VALUES(mmap_export('a', 'bps'))");
  Run("COMMIT");
  EXPECT_EQ(
      Error("SELECT mmap_apply('b', patch) FROM p"),
      "ERROR mmap_apply: the file is not the one that the patch is for: its checksum differs");
  EXPECT_EQ(Error("SELECT mmap_apply('c', patch) FROM p"),
            "ERROR mmap_apply: the patch is for a file of 5 bytes, not 6");
  Put("b", "hello");
  EXPECT_EQ(One("SELECT mmap_apply('b', patch) FROM p"), "2")
      << "a run that stays, and one that is new";
  EXPECT_EQ(Get("b"), "hellO");
}

TEST_F(PatchSql, IpsEndsAt16Megabytes) {
  Put("a", "");
  Run("BEGIN");
  Run("SELECT mmap_resize('a', 1 << 24)");
  EXPECT_EQ(One("SELECT length(mmap_export('a', 'ips')) > 1 << 24"), "1");
  Run("SELECT mmap_resize('a', (1 << 24) + 1)");
  EXPECT_EQ(Error("SELECT mmap_export('a', 'ips')"),
            "TOOBIG mmap_export: offset 16777216 is changed: an IPS patch ends at 16777216");
  Run("ROLLBACK");
}

// A run of no bytes writes nothing: not even up to where it would stand.
TEST_F(PatchSql, AnIpsGrowsByBytes) {
  Put("a", "hello");
  EXPECT_EQ(One("SELECT mmap_apply('a', 'PATCH' || x'000007' || x'0000' || x'0000' || '!EOF')"),
            "1");
  EXPECT_EQ(Get("a"), "hello");
  EXPECT_EQ(One("SELECT mmap_apply('a', 'PATCH' || x'000006' || x'0000' || x'0002' || '!EOF')"),
            "1");
  EXPECT_EQ(Get("a"), std::string("hello\0!!", 8));
}

// A change is as dear as it is long, whatever the file's size.
TEST_F(PatchSql, AChangeOfALargeFileIsAsSmallAsInASmallOne) {
  Put("a", "");
  Run("SELECT mmap_resize(mmap_open('a', 'write'), 1 << 40)");
  Run("BEGIN");
  Run("SELECT mmap_patch('a', 10, CAST(replace(hex(zeroblob(100)), '00', 'xy') AS BLOB)), "
      "mmap_patch('a', (1 << 40) - 2, 'z')");
  EXPECT_EQ(One("SELECT length(mmap_export('a', 'text'))"), "840");
  Run("ROLLBACK");
}

TEST_F(PatchSql, NullsWindowsAndCopies) {
  Put("a", "hello");
  EXPECT_EQ(One("SELECT mmap_export(NULL, 'text'), mmap_export('a', NULL), mmap_apply('a', NULL)"),
            "NULL|NULL|NULL");
  EXPECT_EQ(Error("SELECT mmap_export(mmap_open('a', 'read', 1), 'text')"),
            "ERROR mmap_export: handle 1 is a part of its file: a patch is of all of it");
  EXPECT_EQ(Error("SELECT mmap_apply(mmap_open('a', 'write', 0, 3), '')"),
            "ERROR mmap_apply: handle 2 is a part of its file: a patch is of all of it");
  EXPECT_EQ(Error("SELECT mmap_export(mmap_open('a', 'copy'), 'text')"),
            "ERROR mmap_export: 'a' is open with access=copy: nothing of it will be written");
  EXPECT_EQ(Error("SELECT mmap_apply(mmap_open('a', 'read'), '')"),
            "READONLY mmap_apply: handle 4 is open for reading only");
  EXPECT_EQ(One("SELECT mmap_apply(mmap_open('a', 'copy'), '0 68 48')"), "1");
}

// As COMMIT will write them.
TEST_F(PatchSql, RowsThatWereDeletedAreClosedUp) {
  Put("a", "112233");
  Run("CREATE VIRTUAL TABLE t USING mmap(a, v u16be, delete=yes)");
  Run("BEGIN");
  Run("DELETE FROM t WHERE rowid = 1");
  EXPECT_EQ(One("SELECT CAST(mmap_export('a', 'text') AS TEXT)"),
            "# mmap patch 1\n2 3232 3333\n4 3333 -\n");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  Run("ROLLBACK");
}

} // namespace
} // namespace mm_test
