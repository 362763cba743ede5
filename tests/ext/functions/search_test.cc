// mmap_search, mmap_search_all, mmap_hex and mmap_crc32 through SQL.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class SearchSql : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "one two\nthree\xff\x00 four");
  }
};

TEST_F(SearchSql, GivesTheFirstMatch) {
  Put("a", "one two\nthree");
  EXPECT_EQ(
      One("SELECT mmap_search('a', 't\\w+'), mmap_search('a', 't\\w+', 5), mmap_search('a', 'x')"),
      "4|8|-1");
  EXPECT_EQ(One("SELECT mmap_search('a', x'6f6e65')"), "0");
}

TEST_F(SearchSql, BoundsAreThoseOfASlice) {
  Put("a", "aXbXc");
  EXPECT_EQ(
      One("SELECT mmap_search('a', 'X', 2), mmap_search('a', 'X', -2), mmap_search('a', 'X', 2, 3),"
          " mmap_search('a', 'X', NULL, NULL), mmap_search('a', 'X', -99, 99)"),
      "3|3|-1|1|1");
  EXPECT_EQ(One("SELECT mmap_search('a', '', 3, 2), mmap_search('a', '', 99), mmap_search('a', "
                "'c$', 0, 4)"),
            "-1|5|-1");
  EXPECT_EQ(One("SELECT mmap_search('a', 'b$', 0, 3)"), "2");
}

TEST_F(SearchSql, CircumflexAndLookbehindKnowTheObject) {
  Put("a", "abab");
  EXPECT_EQ(One("SELECT mmap_search('a', '^a', 2), mmap_search('a', '(?<=b)a', 2), "
                "mmap_search('a', '\\bb', 1)"),
            "-1|2|-1");
  EXPECT_EQ(One("SELECT mmap_search(mmap_open('a', 'read', 2, 2), '^a')"), "0")
      << "a window is an object";
}

TEST_F(SearchSql, NullGivesNull) {
  EXPECT_EQ(One("SELECT mmap_search(NULL, 'a'), mmap_search('a', NULL), mmap_hex(NULL), "
                "mmap_crc32(NULL)"),
            "NULL|NULL|NULL|NULL");
}

TEST_F(SearchSql, SaysWhatIsWrong) {
  EXPECT_EQ(Error("SELECT mmap_search('a', 'x(y')"),
            "ERROR mmap_search: bad pattern at 3: missing closing parenthesis");
  EXPECT_EQ(Error("SELECT mmap_search('a', 7)"),
            "ERROR mmap_search: regex 7 is neither a blob nor text");
  EXPECT_EQ(Error("SELECT * FROM mmap_search_all('a', '[')"),
            "ERROR mmap_search_all: bad pattern at 1: missing terminating ] for character class");
  EXPECT_EQ(Error("SELECT mmap_search('a', 'x', 1.5)"),
            "ERROR mmap_search: start 1.5 is not an integer");
  EXPECT_EQ(Error("SELECT mmap_search('no', 'x')"),
            "CANTOPEN mmap_search: cannot open 'no': No such file or directory");
  EXPECT_EQ(Error("SELECT mmap_hex('7')"),
            "ERROR mmap_hex: bad hex pattern at 1: a hexadecimal digit or ? is missing");
}

TEST_F(SearchSql, ABadPatternEndsWithAnError) {
  Put("a", std::string(50, 'a') + "!");
  EXPECT_EQ(Error("SELECT mmap_search('a', '(a+)+$')"),
            "ERROR mmap_search: the pattern needs too much work at offset 0");
  EXPECT_EQ(Error("SELECT * FROM mmap_search_all('a', '(a+)+$')"),
            "ERROR mmap_search_all: the pattern needs too much work at offset 0");
  EXPECT_EQ(One("SELECT mmap_search('a', '!')"), "50") << "the connection goes on";
}

TEST_F(SearchSql, AllGivesMatchesAndGroups) {
  Put("a", "k1=v1;k2=;k3=v3;");
  EXPECT_EQ(Rows("SELECT offset, length, CAST(match AS TEXT), g1, g2, g3, g9 FROM "
                 "mmap_search_all('a', '(k\\d)=(v\\d)?(;)')"),
            "0|6|k1=v1;|x'6b31'|x'7631'|x'3b'|NULL\n"
            "6|4|k2=;|x'6b32'|NULL|x'3b'|NULL\n"
            "10|6|k3=v3;|x'6b33'|x'7633'|x'3b'|NULL");
  EXPECT_EQ(Rows("SELECT * FROM mmap_search_all('a', 'k3')"), "10|2|x'6b33'")
      << "groups are hidden";
}

TEST_F(SearchSql, AllGoesOnAsReFinditer) {
  Put("a", "baac");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_search_all('a', 'a*')"), "0|0\n1|2\n3|0\n4|0");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_search_all('a', 'a*', 2, 3)"), "2|1\n3|0");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_search_all('a', '', 3, 2)"), "");
  EXPECT_EQ(Rows("SELECT typeof(match), length(match) FROM mmap_search_all('a', '^')"), "blob|0");
  Put("e", "");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_search_all('e', 'a*')"), "0|0");
}

TEST_F(SearchSql, ALiteralAtTheEndOfThePatternFindsTheFirstStart) {
  Put("a", "x-y abc-def ab12-def\nzz-def");
  EXPECT_EQ(Rows("SELECT offset, length, g1 FROM mmap_search_all('a', '([a-z])+-def')"),
            "4|7|x'63'\n21|6|x'7a'");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_search_all('a', '\\w+-def')"), "4|7\n12|8\n21|6");
  EXPECT_EQ(One("SELECT mmap_search('a', '[a-z]+-def', 5), mmap_search('a', '[a-z]+-def', 7),"
                " mmap_search('a', '.*zz-', 3), mmap_search('a', '.*12', 3)"),
            "5|21|21|3");
}

TEST_F(SearchSql, AnOffsetBoundsAllWithoutChangingTheMatches) {
  Put("a", "aaaaaa");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_search_all('a', 'aa') WHERE offset >= 1"), "2\n4");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_search_all('a', 'aa') WHERE offset < 3"), "0\n2");
}

TEST_F(SearchSql, AJoinGivesEachRowItsPattern) {
  Put("a", "cat dog cat");
  EXPECT_EQ(Rows("WITH p(re) AS (VALUES ('cat'), ('dog'), (NULL), ('c.')) "
                 "SELECT re, count(offset) FROM p LEFT JOIN mmap_search_all('a', re) GROUP BY re"),
            "NULL|0\nc.|2\ncat|2\ndog|1");
  EXPECT_EQ(Rows("WITH p(re) AS (VALUES ('cat'), ('dog'), ('(')) SELECT mmap_search('a', re) FROM "
                 "p LIMIT 2"),
            "0\n4");
}

TEST_F(SearchSql, SeesWhatIsNotCommitted) {
  Put("a", "hello");
  Run("BEGIN; SELECT mmap_patch('a', 1, 'EL')");
  EXPECT_EQ(One("SELECT mmap_search('a', 'E[L]'), mmap_crc32('a') = mmap_crc32('b') FROM (SELECT 1)"
                " WHERE (SELECT mmap_length(mmap_open('b', 'create'))) = 0"),
            "1|0");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_search('a', 'E[L]')"), "-1");
}

TEST_F(SearchSql, HexIsARegexForSearch) {
  Put("a", std::string("\x00\xf4\x01\xa5zzzz\x62\xb4\x07", 11));
  EXPECT_EQ(One("SELECT mmap_search('a', mmap_hex('F4 ?? A? [4-6] (62 B4 | 56) ~00'))"), "1");
  EXPECT_EQ(One("SELECT mmap_search('a', mmap_hex('F4 ?? A? [5-6] (62 B4 | 56) ~00'))"), "-1");
  EXPECT_EQ(One("SELECT mmap_hex('4D 5A')"), "(?s)\\x4D\\x5A");
  EXPECT_EQ(
      One("SELECT mmap_search('a', mmap_hex('62 ?? 07')), mmap_search('a', mmap_hex('?? F4')),"
          " mmap_search('a', mmap_hex('6? ?4 07')), mmap_search('a', mmap_hex('07 ?? '))"),
      "8|0|8|-1");
  EXPECT_EQ(Rows("SELECT offset, length, hex(match), g1 FROM mmap_search_all('a', "
                 "mmap_hex('7A ?A'))"),
            "4|2|7A7A|NULL\n6|2|7A7A|NULL");
  Run("CREATE TABLE t(x, y AS (mmap_hex(x))); INSERT INTO t VALUES ('41')");
  EXPECT_EQ(One("SELECT y FROM t"), "(?s)\\x41") << "pure: a schema may use it";
}

TEST_F(SearchSql, Crc32IsThatOfZip) {
  Put("a", "123456789");
  EXPECT_EQ(One("SELECT mmap_crc32('a'), mmap_crc32('a', 0, 0), mmap_crc32('a', 5, 2)"),
            "3421780262|0|0");
  EXPECT_EQ(One("SELECT mmap_crc32('a', -1) = mmap_crc32('a', 8, 9), printf('%08x', "
                "mmap_crc32('a', 0, 1))"),
            "1|83dcefb7");
  Put("e", "");
  EXPECT_EQ(One("SELECT mmap_crc32('e')"), "0");
}

} // namespace
} // namespace mm_test
