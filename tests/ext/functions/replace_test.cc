// mmap_replace and mmap_search_replace through SQL.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class ReplaceSql : public SqlTest {
protected:
  std::string Text(const std::string &file = "a") {
    return One("SELECT CAST(mmap_slice('" + file + "') AS TEXT)");
  }
};

TEST_F(ReplaceSql, ReplacesByAnyLength) {
  Put("a", "one two one two one");
  EXPECT_EQ(One("SELECT mmap_replace('a', 'one', '1')"), "3");
  EXPECT_EQ(Text(), "1 two 1 two 1");
  EXPECT_EQ(One("SELECT mmap_replace('a', 'two', 'twenty', 0, NULL, 1)"), "1");
  EXPECT_EQ(Text(), "1 twenty 1 two 1");
  EXPECT_EQ(One("SELECT mmap_replace('a', x'20', '', -6)"), "2");
  EXPECT_EQ(Text(), "1 twenty 1two1");
  EXPECT_EQ(One("SELECT mmap_replace('a', 'nowhere', 'x'), mmap_replace('a', '1', '2', 0, -1, 0)"),
            "0|0");
  EXPECT_EQ(Get("a"), "1 twenty 1two1");
}

TEST_F(ReplaceSql, FromTheLeftAndNotOverlapping) {
  Put("a", "aaaaa");
  EXPECT_EQ(One("SELECT mmap_replace('a', 'aa', 'b')"), "2");
  EXPECT_EQ(Text(), "bba");
}

// They are replaced a million at a time, and take no memory of their own.
TEST_F(ReplaceSql, ManyOfTheSameLength) {
  const size_t size = 5 << 20;
  Put("a", std::string(size, 'a') + "-a");
  Run("BEGIN");
  EXPECT_EQ(Int("SELECT mmap_replace('a', 'aa', 'bc', 1, NULL, 1200000)"), 1200000);
  EXPECT_EQ(One("SELECT mmap_count('a', 'bc'), mmap_rfind('a', 'bca')"), "1200000|2399999");
  Run("ROLLBACK");
  sqlite3_memory_highwater(1);
  EXPECT_EQ(Int("SELECT mmap_replace('a', 'aa', 'bc')"), size / 2);
  EXPECT_LT(sqlite3_memory_highwater(0), 80 << 20);
  std::string wanted;
  for (size_t i = 0; i < size / 2; i++) wanted += "bc";
  EXPECT_TRUE(Get("a") == wanted + "-a");
}

TEST_F(ReplaceSql, ALongNeedleThatLiesOverItself) {
  Put("a", std::string(1000000, 'x') + "z");
  EXPECT_EQ(One("SELECT mmap_replace('a', CAST(zeroblob(0) || replace(hex(zeroblob(100000)), '00', "
                "'x') AS BLOB), 'y')"),
            "10");
  EXPECT_EQ(Get("a"), "yyyyyyyyyyz");
}

TEST_F(ReplaceSql, TheSameLengthWritesOnlyThoseBytes) {
  Put("a", "ab" + std::string(100, '.') + "ab");
  Run("BEGIN");
  EXPECT_EQ(One("SELECT mmap_replace('a', 'ab', 'xy')"), "2");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_changes"), "0|2\n102|2");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', 'x(y)', '$1$1')"), "2");
  EXPECT_EQ(Rows("SELECT offset, CAST(new AS TEXT) FROM mmap_changes"), "0|yy\n102|yy");
  Run("ROLLBACK");
  EXPECT_EQ(Text().substr(0, 3), "ab.");
}

TEST_F(ReplaceSql, RegexesRefer) {
  Put("a", "k1=v1;k2=;");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', '(k\\d)=(v\\d)?', '$2:$1 $$$0$x')"), "2");
  EXPECT_EQ(Text(), "v1:k1 $k1=v1$x;:k2 $k2=$x;");
}

TEST_F(ReplaceSql, EmptyMatchesMoveOn) {
  Put("a", "abc");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', 'x*', '-')"), "4");
  EXPECT_EQ(Text(), "-a-b-c-");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', '^', '>', 0, NULL, 1)"), "1");
  EXPECT_EQ(Text(), ">-a-b-c-");
}

TEST_F(ReplaceSql, AStartPastTheEndIsTheEndAsForAllMatches) {
  Put("a", "abc");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_search_all('a', '$', 4)"), "1");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', '$', '.', 4)"), "1");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', 'x*', '-', 9, 2)"), "0");
  EXPECT_EQ(One("SELECT mmap_replace('a', '.', '-', 9)"), "0");
  EXPECT_EQ(Get("a"), "abc.");
}

TEST_F(ReplaceSql, LooksBehindAtTheBytesAsTheyWere) {
  Put("a", "aaaa");
  EXPECT_EQ(One("SELECT mmap_search_replace('a', '(?<=a)a', 'b')"), "3");
  EXPECT_EQ(Text(), "abbb");
}

TEST_F(ReplaceSql, NullsAndErrors) {
  Put("a", "abc");
  EXPECT_EQ(One("SELECT mmap_replace(NULL, 'a', 'b'), mmap_replace('a', NULL, 'b'), "
                "mmap_replace('a', 'b', NULL), mmap_search_replace('a', 'a', NULL)"),
            "NULL|NULL|NULL|NULL");
  EXPECT_EQ(Error("SELECT mmap_replace('a', '', 'b')"), "ERROR mmap_replace: the needle is empty");
  EXPECT_EQ(Error("SELECT mmap_replace('a', 'a', 'b', 0, 3, -1)"),
            "ERROR mmap_replace: most -1 is negative");
  EXPECT_EQ(Error("SELECT mmap_replace('a', 'a', 7)"),
            "ERROR mmap_replace: data 7 is neither a blob nor text");
  EXPECT_EQ(Error("SELECT mmap_search_replace('a', '(', 'b')"),
            "ERROR mmap_search_replace: bad pattern at 1: missing closing parenthesis");
  EXPECT_EQ(Get("a"), "abc");
}

TEST_F(ReplaceSql, OfHandles) {
  Put("a", "abcabcabc");
  EXPECT_EQ(Error("SELECT mmap_replace(mmap_open('a', 'read'), 'a', 'b')"),
            "READONLY mmap_replace: handle 1 is open for reading only");
  Run("SELECT mmap_open('a', 'write', 3, 3), mmap_open('a', 'write', 0, 3)");
  EXPECT_EQ(One("SELECT mmap_replace(2, 'a', 'A')"), "1") << "the same length may be anywhere";
  EXPECT_EQ(Error("SELECT mmap_replace(2, 'A', 'AA')"),
            "ERROR mmap_replace: handle 2 ends at 6, before its file does (9 bytes)");
  EXPECT_EQ(Get("a"), "abcAbcabc");
  Put("b", "abcabc");
  Run("SELECT mmap_open('b', 'write', 3, 3)");
  EXPECT_EQ(One("SELECT mmap_replace(4, 'a', 'xyz'), mmap_length(4)"), "1|5")
      << "a window of fixed length grows along";
  EXPECT_EQ(Get("b"), "abcxyzbc");
}

TEST_F(ReplaceSql, ByASliceOfTheFileItself) {
  Put("a", "abc-abc");
  EXPECT_EQ(One("SELECT mmap_replace('a', mmap_slice('a', 0, 1), mmap_slice('a', 1, 4))"), "2");
  EXPECT_EQ(Get("a"), "bc-bc-bc-bc");
}

TEST_F(ReplaceSql, IsUndoneByASavepoint) {
  Put("a", "abcabc");
  Run("BEGIN");
  Run("SELECT mmap_replace('a', 'a', 'AAA')");
  Run("SAVEPOINT s");
  Run("SELECT mmap_replace('a', 'b', '')");
  EXPECT_EQ(Text(), "AAAcAAAc");
  Run("ROLLBACK TO s");
  EXPECT_EQ(Text(), "AAAbcAAAbc");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "AAAbcAAAbc");
}

} // namespace
} // namespace mm_test
