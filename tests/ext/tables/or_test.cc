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

} // namespace
} // namespace mm_test
