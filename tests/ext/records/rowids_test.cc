// What the rows of each table-valued function are known by, and what else of their columns and
// arguments no other test has a reason to look at.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class Rowids : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "one two one\nthree\n");
    Put("b", "one TWO one\nthree\n");
  }

  // The rowids of a function's rows, and the expression that they are.
  void Are(const std::string &call, const std::string &expression, const std::string &rowids) {
    EXPECT_EQ(Rows("SELECT group_concat(rowid, ' ') FROM " + call), rowids) << call;
    EXPECT_EQ(One("SELECT sum(rowid <> " + expression + ") FROM " + call), "0") << call;
  }
};

TEST_F(Rowids, AreOffsetsWhereARowIsAPlaceInAFile) {
  Are("mmap_find_all('a', 'one')", "offset", "0 8");
  Are("mmap_lines('a')", "offset", "0 12");
  Are("mmap_hexdump('a')", "offset", "0 16");
  Are("mmap_strings('a')", "offset", "0 12");
  Are("mmap_diff('a', 'b')", "offset", "4");
  Are("mmap('a') WHERE offset > 15", "offset", "16 17");
}

TEST_F(Rowids, AreTheBytesOfAHistogram) {
  Are("mmap_histogram('a') WHERE byte BETWEEN 119 AND 120 OR byte = 10", "byte", "10 119 120");
}

TEST_F(Rowids, CountFromOneWhereARowIsNoPlace) {
  Run("SELECT mmap_open('a'), mmap_open('b'); BEGIN;"
      "SELECT mmap_patch('a', 0, 'O'), mmap_patch('b', 5, 'w'), mmap_patch('b', 0, 'O')");
  Are("mmap_list", "handle", "1 2");
  Are("mmap_changes", "rowid", "1 2 3");
  Run("ROLLBACK");
  EXPECT_EQ(Rows("SELECT rowid, path FROM mmap_glob('[ab]')"), "1|a\n2|b");
  EXPECT_EQ(Rows("SELECT rowid, offset FROM mmap_search_all('a', 'o.e')"), "1|0\n2|8");
}

TEST_F(Rowids, AreFoundAgain) {
  EXPECT_EQ(One("SELECT text FROM mmap_lines('a') WHERE rowid = 12"), "three");
  EXPECT_EQ(One("SELECT text FROM mmap_strings('a') WHERE rowid = 12"), "three");
  EXPECT_EQ(One("SELECT hex FROM mmap_hexdump('a') WHERE rowid = 16"), "65 0a");
  EXPECT_EQ(One("SELECT count FROM mmap_histogram('a') WHERE rowid = 10"), "2");
}

// Also where a constraint on the offset has the scan begin in the middle.
TEST_F(Rowids, OfARowAreTheSameInEveryQuery) {
  for (const char *table :
       {"mmap_find_many('a', '[\"e\", \"ee\", \"o\"]')", "mmap_search_all('a', '[eo]')",
        "mmap_strings('a')", "mmap_lines('a')", "mmap_find_all('a', 'e')", "mmap_blocks('a', 3)"}) {
    std::string all = "(SELECT rowid AS r, offset AS o FROM " + std::string(table) + " LIMIT -1)";
    std::string from = " FROM " + std::string(table) + " WHERE ";
    EXPECT_EQ(Rows("SELECT rowid, offset" + from + "offset > 3"),
              Rows("SELECT r, o FROM " + all + " WHERE o > 3"))
        << table;
    EXPECT_EQ(Rows("SELECT count(*), count(DISTINCT r) FROM " + all +
                   " WHERE r NOT IN (SELECT rowid" + from + "1)"),
              "0|0")
        << table;
    EXPECT_EQ(Int("SELECT count(*) FROM " + all + " a WHERE NOT EXISTS (SELECT 1" + from +
                  "offset >= o AND rowid = r)"),
              0)
        << table;
  }
}

TEST_F(Rowids, AFileInAColumnIsWhatWasGivenForIt) {
  Run("SELECT mmap_open('b')");
  EXPECT_EQ(Rows("SELECT file, typeof(file) FROM mmap_lines('a') LIMIT 1"), "a|text");
  EXPECT_EQ(Rows("SELECT file, typeof(file) FROM mmap_lines(1) LIMIT 1"), "1|integer");
  EXPECT_EQ(Rows("SELECT file, typeof(file) FROM mmap(1) LIMIT 1"), "1|integer");
}

TEST_F(Rowids, AFunctionThatIsJoinedTakesTheSameHandleAgain) {
  Run("SELECT mmap_open('a'), mmap_open('b'); CREATE TABLE h(n); INSERT INTO h VALUES(1), (1), "
      "(2), (1)");
  EXPECT_EQ(Rows("SELECT n, offset FROM h CROSS JOIN mmap_find_all(n, 'two')"), "1|4\n1|4\n1|4");
  EXPECT_EQ(Rows("SELECT n, byte FROM h CROSS JOIN mmap ON file = n AND offset = 4"),
            "1|116\n1|116\n2|84\n1|116");
  EXPECT_EQ(Rows("SELECT n, number FROM h CROSS JOIN mmap_lines(n) WHERE text = 'three'"),
            "1|2\n1|2\n2|2\n1|2");
}

TEST_F(Rowids, AFunctionWithoutItsArgumentsSaysHowManyItNeeds) {
  EXPECT_EQ(Error("SELECT * FROM mmap_glob"), "ERROR mmap_glob: takes at least 1 argument");
  EXPECT_EQ(Error("SELECT * FROM mmap_diff('a', 'none')").substr(0, 31),
            "CANTOPEN mmap_diff: cannot open");
}

TEST_F(Rowids, ARunOfManyWritesIsOneChange) {
  Put("long", std::string(2 << 20, '.'));
  Run("BEGIN; WITH RECURSIVE i(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM i WHERE n < 29)"
      "  SELECT count(mmap_patch('long', 7 + n * 50000, zeroblob(50000))) FROM i");
  EXPECT_EQ(Rows("SELECT offset, length, length(old), length(new), new = zeroblob(length)"
                 "  FROM mmap_changes"),
            "7|1500000|1500000|1500000|1");
}

} // namespace
} // namespace mm_test
