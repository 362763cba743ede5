// mmap_needles and mmap_find_many through SQL.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class FindManySql : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "an error, no Warning, ERROR: warn");
  }
};

TEST_F(FindManySql, FindsAJsonArrayOfTexts) {
  EXPECT_EQ(
      Rows("SELECT offset, length, id, CAST(needle AS TEXT) "
           "FROM mmap_find_many('a', '[\"ERROR\", \"error\", \"r\", \"\\u0057arn\"]')"),
      "3|5|2|error\n4|1|3|r\n5|1|3|r\n7|1|3|r\n13|4|4|Warn\n15|1|3|r\n22|5|1|ERROR\n31|1|3|r");
}

TEST_F(FindManySql, FindsTheNeedlesOfAColumn) {
  Run("CREATE TABLE words(word, id)");
  Run("INSERT INTO words VALUES('ERROR', 'loud'), (x'77', x'0001'), (NULL, 3), ('no', 2.5), "
      "('an', NULL)");
  EXPECT_EQ(Rows("SELECT offset, id FROM mmap_find_many('a', "
                 "(SELECT mmap_needles(word, id) FROM words))"),
            "0|4\n10|2.5\n22|loud\n29|x'0001'")
      << "an id of NULL is as if it were left out";
  EXPECT_EQ(Rows("SELECT offset, id FROM mmap_find_many('a', "
                 "(SELECT mmap_needles(word) FROM words), 5)"),
            "10|3\n22|1\n29|2")
      << "NULL has no number";
}

TEST_F(FindManySql, BoundsAndConstraints) {
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_many('a', '[\"r\"]', 5, 16)"), "5\n7\n15");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_many('a', '[\"warn\"]', -4)"), "29");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_many('a', '[\"warn\"]', 0, -1)"), "");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_many('a', '[\"r\"]') "
                 "WHERE offset BETWEEN 5 AND 15"),
            "5\n7\n15");
}

TEST_F(FindManySql, NoNeedlesAndNullsAreNoRows) {
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_many('a', '[]')"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_many('a', NULL)"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_many('a', (SELECT mmap_needles(1) WHERE 0))"), "0");
  EXPECT_EQ(One("SELECT typeof(mmap_needles(NULL))"), "blob");
}

TEST_F(FindManySql, SaysWhatIsWrong) {
  EXPECT_EQ(Error("SELECT mmap_needles('')"), "ERROR mmap_needles: the needle is empty");
  EXPECT_EQ(Error("SELECT mmap_needles(7)"),
            "ERROR mmap_needles: needle 7 is neither a blob nor text");
  EXPECT_EQ(Error("SELECT * FROM mmap_find_many('a', '[\"a\", \"\"]')"),
            "ERROR mmap_find_many: needle 2 is empty");
  const std::string neither = "ERROR mmap_find_many: needles are neither made by mmap_needles nor "
                              "a JSON array of texts";
  for (const char *needles : {"'[1]'", "'ERROR'", "'[\"a\"'", "x'00'", "x''", "''"}) {
    EXPECT_EQ(Error(std::string("SELECT * FROM mmap_find_many('a', ") + needles + ")"), neither);
  }
  EXPECT_EQ(Error("SELECT * FROM mmap_find_many('a', 7)"),
            "ERROR mmap_find_many: needles 7 is neither a blob nor text");
}

// A blob that was cut or changed is refused or read, and never more than that.
TEST_F(FindManySql, HostileListsAreRefused) {
  Run("CREATE TABLE lists AS SELECT mmap_needles(w, i) AS list FROM "
      "(SELECT 'error' AS w, 'text' AS i UNION ALL SELECT 'no', 2.5 UNION ALL SELECT 'W', x'aa')");
  int64_t size = Int("SELECT length(list) FROM lists"), read = 0;
  for (int64_t k = 0; k <= size; k++) {
    std::string cut = "(SELECT substr(list, 1, " + std::to_string(k) + ") FROM lists)";
    read += db->Succeeds("SELECT count(*) FROM mmap_find_many('a', " + cut + ")");
  }
  EXPECT_EQ(read, 4) << "none, one, two and all three";
}

// SQLite asks for the rowid of its row that stands for the missing arguments.
TEST_F(FindManySql, OnTheRightOfARightJoinItsArgumentsAreMissing) {
  if (sqlite3_libversion_number() < 3039000) GTEST_SKIP() << "it came with SQLite 3.39";
  Error("SELECT b.offset FROM mmap_strings('a', 1) a RIGHT JOIN mmap_find_many b ON 1 WHERE b.file "
        "= 'a' "
        "AND b.needles = '[\"a\"]' AND a.file IS 'a'");
  EXPECT_EQ(Int("SELECT count(*) FROM mmap_find_many('a', '[\"ERROR\"]')"), 1);
}

TEST_F(FindManySql, OfManyFilesInAJoin) {
  Put("b", "warn ERROR");
  EXPECT_EQ(Rows("SELECT f.value, m.offset, m.id FROM json_each('[\"a\",\"b\"]') AS f, "
                 "mmap_find_many(f.value, '[\"ERROR\",\"warn\"]') AS m"),
            "a|22|1\na|29|2\nb|0|2\nb|5|1");
}

// Escapes are resolved where the text stands: what comes of it may be another list, of as many bytes.
TEST_F(FindManySql, AListIsTheOneThatItIsGiven) {
  Put("a", "ab abu0062");
  EXPECT_EQ(
      Rows("SELECT v.column1, offset FROM (VALUES ('[\"a\\u0062\"]'), ('[\"abu0062\"]')) AS v,"
           " mmap_find_many('a', v.column1)"),
      "[\"a\\u0062\"]|0\n[\"a\\u0062\"]|3\n[\"abu0062\"]|3");
}

} // namespace
} // namespace mm_test
