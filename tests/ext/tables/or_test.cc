// Conditions joined by OR on tables with arguments: SQLite plans each of them by itself, without
// the arguments. Each query gives what it gives where OR cannot be planned at all (a unary + on the
// columns).
#include "tests/support/sql.h"

#include <regex>

namespace mm_test {
namespace {

class Or : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789\nalpha beta\nbeta gamma\r\n\n3333 the end");
    Put("b", "0123x56789\nalpha beta\nBETA gamma\r\n\n3333 the End");
  }

  // `columns`, in `from` and after OR, are hidden from the planner in the second run.
  void ExpectTheSame(const std::string &query) {
    std::string plain = std::regex_replace(query, std::regex("@"), "");
    std::string hidden = std::regex_replace(query, std::regex("@"), "+");
    EXPECT_EQ(Rows(plain), Rows(hidden)) << plain;
    EXPECT_NE(Rows(plain), "") << plain;
  }
};

TEST_F(Or, OnEachTable) {
  for (const char *query : {
           "SELECT * FROM mmap('a') WHERE @offset < 2 OR @offset > 8",
           "SELECT * FROM mmap('a') WHERE @offset = 2 OR @byte = 51",
           "SELECT * FROM mmap('a') WHERE @byte = 51 OR @byte BETWEEN 97 AND 98",
           "SELECT * FROM mmap('a') WHERE @rowid = 3 OR @offset IN (5, 6)",
           "SELECT * FROM (SELECT offset, byte FROM mmap('a')) WHERE @offset < 2 OR @offset > 40",
           "SELECT * FROM mmap WHERE file = 'a' AND (@offset = 1 OR @byte = 51)",
           "SELECT * FROM mmap WHERE file = 'a' AND @offset = 1 OR file = 'b' AND @offset = 4",
           "SELECT count(*) FROM mmap('a') a LEFT JOIN mmap('b') b ON @a.offset = b.offset OR "
           "a.byte = @b.byte",
           "SELECT * FROM mmap_lines('a') WHERE @number = 2 OR @offset > 30",
           "SELECT * FROM mmap_lines('a') WHERE @text LIKE '%beta' OR @text LIKE '3%'",
           "SELECT * FROM mmap_find_all('a', '3') WHERE @offset < 5 OR @offset > 37",
           "SELECT * FROM mmap_search_all('a', '[a-z]+') WHERE @offset < 15 OR @length = 3",
           "SELECT * FROM mmap_strings('a', 2) WHERE @offset = 0 OR @text LIKE '%end'",
           "SELECT * FROM mmap_hexdump('a') WHERE @offset = 0 OR @offset >= 32",
           "SELECT * FROM mmap_histogram('a') WHERE @byte = 51 OR @count > 5",
           "SELECT * FROM mmap_diff('a', 'b') WHERE @offset = 4 OR @length = 1",
           "SELECT * FROM mmap_glob('*') WHERE @path = 'a' OR @size > 1000000",
       }) {
    ExpectTheSame(query);
  }
}

TEST_F(Or, InUpdates) {
  Run("UPDATE mmap SET byte = 120 WHERE file = 'a' AND (offset = 1 OR byte = 51)");
  EXPECT_EQ(Get("a"), "0x2x456789\nalpha beta\nbeta gamma\r\n\nxxxx the end");
}

TEST_F(Or, DoesNotHideThatTheFileIsMissing) {
  std::string missing = "ERROR mmap: the file is missing: mmap(file) or WHERE file = …";
  EXPECT_EQ(Error("SELECT * FROM mmap WHERE offset = 1 OR byte = 2"), missing);
  EXPECT_EQ(Error("UPDATE mmap SET byte = 0 WHERE offset = 1 OR byte = 2"), missing);
  EXPECT_EQ(Error("SELECT * FROM mmap WHERE file = 'a' OR byte = 2"), missing);
  EXPECT_EQ(Error("SELECT * FROM mmap_strings WHERE offset = 1 OR length = 2"),
            "ERROR mmap_strings: takes at least 1 argument");
}

// ---- RIGHT and FULL JOIN

class RightJoin : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    if (sqlite3_libversion_number() < 3039000) GTEST_SKIP() << "no RIGHT JOIN";
    Put("a", "0123\n");
    Run("CREATE TABLE t(n INTEGER); INSERT INTO t VALUES(1), (99)");
  }
  const std::string hint_ = ": beside a RIGHT or FULL JOIN arguments stand in parentheses, and the "
                            "table on its left; or use LEFT JOIN";
};

TEST_F(RightJoin, TakesTheArgumentsOfATableOnItsLeft) {
  for (const char *join : {"RIGHT", "FULL"}) {
    std::string on = std::string(" AS m ") + join + " JOIN t ON n = offset WHERE n ORDER BY n";
    EXPECT_EQ(Rows("SELECT offset, n FROM mmap_find_all('a', '1')" + on), "1|1\nNULL|99");
    EXPECT_EQ(Rows("SELECT byte, n FROM mmap('a')" + on), "49|1\nNULL|99");
    EXPECT_EQ(Rows("SELECT offset, n FROM mmap_lines('a')" + on), "NULL|1\nNULL|99");
    EXPECT_EQ(Rows("SELECT size, n FROM mmap_glob('a') AS g " + std::string(join) +
                   " JOIN t ON n = size WHERE n"),
              "NULL|1\nNULL|99");
  }
}

TEST_F(RightJoin, SaysWhatToWriteWhereSqliteKeepsArguments) {
  std::string needs_two = "ERROR mmap_find_all: takes at least 2 arguments" + hint_;
  std::string on = " AS m RIGHT JOIN t ON n = offset ";
  EXPECT_EQ(Error("SELECT * FROM mmap_find_all" + on + "WHERE file = 'a' AND needle = '1'"),
            needs_two);
  EXPECT_EQ(Error("SELECT * FROM mmap_find_all" + on + "AND file = 'a' AND needle = '1'"),
            needs_two);
  EXPECT_EQ(Error("SELECT * FROM mmap" + on + "AND file = 'a'"),
            "ERROR mmap: the file is missing" + hint_);
  EXPECT_EQ(Error("SELECT * FROM mmap_lines" + on + "AND file = 'a'"),
            "ERROR mmap_lines: the file is missing" + hint_);
  EXPECT_EQ(Error("SELECT * FROM mmap_glob RIGHT JOIN t ON pattern = 'a'"),
            "ERROR mmap_glob: takes at least 1 argument" + hint_);
}

TEST_F(RightJoin, HasATableWithArgumentsOnItsRight) {
  const char *query = "SELECT n, offset FROM t RIGHT JOIN mmap_find_all('a', '1') ON n = offset";
  if (sqlite3_libversion_number() < 3041002) {
    EXPECT_EQ(Error(query), "ERROR mmap_find_all: takes at least 2 arguments" + hint_);
  } else {
    EXPECT_EQ(Rows(query), "1|1");
  }
}

} // namespace
} // namespace mm_test
