// mmap_lines with sorted=COLUMN: binary search over typed keys, beside ordinary tables; and what it
// says of files that are not in order.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <random>

namespace mm_test {
namespace {

class SortedFieldsTest : public SqlTest {
protected:
  void Make(const std::string &bytes, const std::string &arguments) {
    Put("f", bytes);
    Run("DROP TABLE IF EXISTS temp.t; CREATE VIRTUAL TABLE temp.t USING mmap_lines('f', " +
        arguments + ")");
  }
};

const char kGeo[] = "first,last,country\n1.0.0.0,1.0.0.255,AU\n1.0.1.0,1.0.3.255,CN\n"
                    "8.8.0.0,8.8.255.255,\"US, \"\"the\"\"\"\n10.0.0.0,10.1.0.0,private\n";

TEST_F(SortedFieldsTest, AddressesAreFoundByTheirRange) {
  Make(kGeo, "separator=',', header=yes, first ipv4, last ipv4, country text, sorted=first");
  std::string floor = "SELECT country FROM t WHERE first <= ";
  std::string last = " ORDER BY first DESC LIMIT 1";
  EXPECT_EQ(Rows(floor + "'8.8.8.8'" + last), "US, \"the\"");
  EXPECT_EQ(Rows(floor + "'9.255.255.255'" + last), "US, \"the\"");
  EXPECT_EQ(Rows(floor + "'10.0.0.0'" + last), "private");
  EXPECT_EQ(Rows(floor + "'0.1.2.3'" + last), "");
  EXPECT_EQ(Rows("SELECT first FROM t WHERE first BETWEEN '1.0.1.0' AND '9.0.0.0'"),
            "1.0.1.0\n8.8.0.0");
  EXPECT_EQ(Rows("SELECT min(first), max(first) FROM t"), "1.0.0.0|10.0.0.0");
  EXPECT_EQ(Rows("SELECT first FROM t ORDER BY first DESC LIMIT 2"), "10.0.0.0\n8.8.0.0");
  EXPECT_EQ(Rows("SELECT country FROM t WHERE first IN ('10.0.0.0', '1.0.0.0', 'no', NULL)"),
            "AU\nprivate");
  EXPECT_EQ(Rows("SELECT a.ip, (SELECT country FROM t WHERE first <= a.ip ORDER BY first DESC "
                 "LIMIT 1) FROM (SELECT '1.0.2.2' AS ip UNION ALL SELECT '10.0.9.9') a"),
            "1.0.2.2|CN\n10.0.9.9|private");
  EXPECT_EQ(Rows("SELECT '9.0.0.0' < '10.0.0.0' COLLATE mmap_ipv4, '9.0.0.0' < '10.0.0.0'"), "1|0");
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
}

TEST_F(SortedFieldsTest, DisorderIsSeen) {
  Make("3\n2\n1\n", "k integer, sorted=k");
  std::string corrupt = "DAMAGED t: the line at offset 4 is out of order: its 'k' comes after that "
                        "of the one at 0: run mmap_check";
  EXPECT_EQ(Error("SELECT * FROM t WHERE k = 2"), corrupt);
  EXPECT_EQ(Error("SELECT max(k) FROM t"), corrupt);
  EXPECT_EQ(One("SELECT mmap_check('t')"),
            "the line at offset 2 is out of order: its 'k' comes after that of the one at 0");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "3");
  Make("3\n2\n1\n", "k integer, sorted=k desc");
  EXPECT_EQ(Rows("SELECT k FROM t WHERE k >= 2"), "3\n2");
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
  // The order of texts is not that of numbers.
  Make("10\n9\n", "k text, sorted=k");
  EXPECT_EQ(One("SELECT k FROM t WHERE k = '9'"), "9");
  Make("10\n9\n", "k integer, sorted=k");
  EXPECT_EQ(Error("SELECT k FROM t WHERE k = 9").substr(0, 7), "DAMAGED");
}

TEST_F(SortedFieldsTest, ALineWithoutTheKeyIsDamage) {
  Make("a,1\nb\nc,3\n", "separator=',', x, k integer, sorted=k");
  std::string none = "DAMAGED t: the line at offset 4 has no 'k', which rows are sorted by: run "
                     "mmap_check";
  EXPECT_EQ(Error("SELECT x FROM t WHERE k = 2"), none);
  EXPECT_EQ(Error("SELECT k FROM t"), none);
  EXPECT_EQ(Rows("SELECT x FROM t"), "a\nb\nc");
  Make("a,\nb,\nc,3\n", "separator=',', null='', x, k integer, sorted=k");
  EXPECT_EQ(Rows("SELECT x FROM t WHERE k < 9"), "c");
  EXPECT_EQ(Rows("SELECT x FROM t WHERE k IS NULL"), "a\nb");
  EXPECT_EQ(Rows("SELECT min(k), max(k) FROM t"), "3|3");
}

TEST_F(SortedFieldsTest, ALineAloneMustHaveItsKeyToo) {
  Make("#c\na\n", "separator=',', comment='#', v, k, sorted=k");
  EXPECT_EQ(One("SELECT mmap_check('t')"),
            "the line at offset 3 has no 'k', which rows are sorted by");
  Make("#c\n", "separator=',', comment='#', v, k, sorted=k");
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
}

TEST_F(SortedFieldsTest, ALineThatEndsInsideOfQuotesIsDamage) {
  Make("a,1\nb,\"2\n2\"\nc,3\n", "separator=',', k, v, sorted=k");
  std::string open =
      "DAMAGED t: the line at offset 4 ends inside of quotes: rows of a sorted table "
      "are lines: run mmap_check";
  EXPECT_EQ(Error("SELECT * FROM t WHERE k = 'b'"), open);
  EXPECT_EQ(Error("SELECT count(*) FROM t"), open);
  EXPECT_EQ(Rows("SELECT v FROM t WHERE offset < 4"), "1");
}

TEST_F(SortedFieldsTest, CommentsAndLinesWithoutAMatchAreNoRows) {
  std::string bytes = "# a\n1 x\n#\n#\n#\n3 y\n#\n4 z\n# end\n";
  for (const char *how : {"separator=' ', comment='#', k integer, v, sorted=k",
                          "match='^(\\d+) (.)', k integer, v, sorted=k"}) {
    Make(bytes, how);
    EXPECT_EQ(Rows("SELECT v FROM t WHERE k = 3"), "y") << how;
    EXPECT_EQ(Rows("SELECT v FROM t WHERE k >= 2"), "y\nz") << how;
    EXPECT_EQ(Rows("SELECT v FROM t WHERE k < 4 ORDER BY k DESC"), "y\nx") << how;
    EXPECT_EQ(Rows("SELECT v FROM t WHERE k = 2"), "") << how;
    EXPECT_EQ(Rows("SELECT max(k), min(k) FROM t"), "4|1") << how;
    EXPECT_EQ(One("SELECT mmap_check('t')"), "ok") << how;
  }
}

TEST_F(SortedFieldsTest, KeysMayShareALongBeginning) {
  std::string bytes;
  for (int i = 1000; i < 3000; i++) {
    bytes += "2026-11-30T00:00:" + std::to_string(i) + (i % 2 ? "\tx\n" : "\ty\n");
  }
  Make(bytes, "separator=tab, at, v, sorted=at");
  EXPECT_EQ(One("SELECT v FROM t WHERE at = '2026-11-30T00:00:1777'"), "x");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE at >= '2026-11-30T00:00:2990'"), "10");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE at < '2026-11'"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE at < '2027'"), "2000");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE at = '2026-11-30T00:00:'"), "0");
}

TEST_F(SortedFieldsTest, ALayoutIsSortedToo) {
  Put("f", "1,a\n2,b\n");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines(*, separator=',', k integer, v, sorted=k)");
  EXPECT_EQ(Rows("SELECT v FROM t('f') WHERE k = 2"), "b");
  EXPECT_EQ(One("SELECT mmap_check('t', 'f')"), "ok");
  EXPECT_EQ(Error("SELECT mmap_check('t')"),
            "ERROR mmap_check: 't' is checked in a file: mmap_check('t', file)");
}

/* ---- beside an ordinary table ----------------------------------------------------------------- */

const char *const kValues[] = {
    "1",         "2",         "3.0",  "2.5",  "'2'",   "'3.0'",
    "'a'",       "''",        "'b'",  "NULL", "x'61'", "-1",
    "1e300",     "'1.2.3.4'", "'zz'", "' 2'", "'10'",  "9223372036854775807",
    "'9.9.9.9'", "'a\"b'",    "7",    "'7'",  "'~'",   "'/'"};
const char *const kOperators[] = {"=", "<", "<=", ">", ">=", "IS", "<>"};

struct Kind {
  const char *name, *declaration;
  std::vector<const char *> fields;
};

const Kind kKinds[] = {
    {"text",
     "TEXT",
     {"", "a", "ab", "b", "\"a\"\"b\"", "7", "1.0", "zz", "\"q,\"", "/", "10", "a\"b", "~"}},
    {"integer",
     "INTEGER",
     {"1", "2", "2.5", "3.0", "-1", "7", "a", "1e300", "9223372036854775807",
      "-9223372036854775808", "\"7\"", "", "10"}},
    {"real", "REAL", {"1", "2", "2.5", "3.0", "-1.5", "7", "a", "1e300", "-0.0", "", "10"}},
    {"ipv4",
     "TEXT COLLATE mmap_ipv4",
     {"1.2.3.4", "9.9.9.9", "10.0.0.1", "255.0.0.1", "a", "", "7", "\"1.2.3.4\"", "1.2.3.04", "~"}},
    {"blob", "BLOB", {"a", "ab", "", "7", "\"a\"\"b\"", "zz"}}};

TEST_F(SortedFieldsTest, MatchesAnOrdinaryTable) {
  std::mt19937_64 random(11);
  Run("CREATE TABLE vals(xi INTEGER, xt TEXT, xn)");
  for (const char *v : kValues)
    Run("INSERT INTO vals VALUES(" + std::string(v) + "," + v + "," + v + ")");
  auto value = [&] { return std::string(kValues[random() % 24]); };
  for (int i = 0; i < Rounds(60) && !HasFailure(); i++) {
    const Kind &kind = kKinds[random() % 5];
    bool descending = random() % 3 == 0, null = random() % 4 == 0;
    std::string bytes;
    size_t count = random() % 3 ? random() % 12 : random() % 90;
    for (size_t n = 0; n < count; n++) {
      bytes +=
          std::to_string(random() % 5) + "," + kind.fields[random() % kind.fields.size()] + "\n";
    }
    // The ordinary table sorts them.
    std::string options =
        std::string("separator=',', ") + (null ? "null='', " : "") + "v integer, k " + kind.name;
    Make(bytes, options);
    Run(std::string("DROP TABLE IF EXISTS o; CREATE TABLE o(v INTEGER, k ") + kind.declaration +
        "); CREATE TEMP TABLE IF NOT EXISTS x(line TEXT); DELETE FROM x");
    Run(std::string("INSERT INTO x SELECT line FROM t ORDER BY k ") + (descending ? "DESC" : ""));
    bytes.clear();
    int64_t lines = Int("SELECT count(*) FROM x");
    for (int64_t n = 0; n < lines; n++) {
      if (random() % 8 == 0) bytes += "#\n";
      bytes += Bytes("SELECT line FROM x LIMIT 1 OFFSET " + std::to_string(n)) + "\n";
    }
    Make(bytes, options + ", comment='#', sorted=k" + (descending ? " desc" : ""));
    Run("INSERT INTO o SELECT v, k FROM t");
    EXPECT_EQ(One("SELECT mmap_check('t')"), "ok") << bytes;
    for (int q = 0; q < 25; q++) {
      std::string where = "k " + std::string(kOperators[random() % 7]);
      std::string join = " FROM vals JOIN % ON " + where;
      join += random() % 3 ? random() % 2 ? " xi" : " xt" : " xn";
      where += " " + value();
      if (random() % 3 == 0)
        where += " AND k " + std::string(kOperators[random() % 7]) + " " + value();
      if (random() % 4 == 0) where = "k IN (" + value() + ", " + value() + ", " + value() + ")";
      if (random() % 6 == 0)
        where = "k IN (SELECT " + std::string(random() % 2 ? "xi" : "xt") + " FROM vals)";
      if (random() % 8 == 0) where = "k GLOB '" + std::string(random() % 2 ? "a*'" : "1*'");
      if (random() % 8 == 0) where = "k LIKE '" + std::string(random() % 2 ? "a%'" : "I%'");
      std::string order = random() % 2 ? " ORDER BY k, v" : " ORDER BY k DESC, v";
      std::string by = random() % 2 ? " ORDER BY k" : " ORDER BY k DESC";
      for (std::string sql : {"SELECT k, v FROM % WHERE " + where + order,
                              "SELECT k FROM % WHERE " + where + by + " LIMIT 3",
                              "SELECT min(k), max(k) FROM % WHERE " + where,
                              "SELECT vals.rowid, k, v" + join + " ORDER BY 1, 2, 3"}) {
        std::string ordinary = sql;
        sql.replace(sql.find('%'), 1, "t");
        ordinary.replace(ordinary.find('%'), 1, "o");
        EXPECT_EQ(Rows(sql), Rows(ordinary)) << kind.name << " " << sql << "\n" << bytes;
      }
    }
  }
}

/* ---- how much is read ------------------------------------------------------------------------- */

// How many pages of a file are in memory.
int64_t PagesOf(int fd, size_t size) {
  void *map = mmap(nullptr, size, PROT_READ, MAP_SHARED, fd, 0);
  EXPECT_NE(map, MAP_FAILED);
  std::vector<unsigned char> there(size / static_cast<size_t>(sysconf(_SC_PAGESIZE)));
  EXPECT_EQ(mincore(map, size, there.data()), 0);
  munmap(map, size);
  return std::count_if(there.begin(), there.end(), [](unsigned char c) { return c & 1; });
}

// Ten GiB, most of which are holes: each line is one of a megabyte. A line that is looked at is read
// through for its end: 256 pages.
TEST_F(SortedFieldsTest, ALookupTouchesFewPagesOfTenGibibytes) {
  MM_NEEDS_64_BITS();
  const int64_t kLines = 10240, kLine = 1 << 20;
  int fd = open("big.csv", O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(ftruncate(fd, kLines * kLine), 0);
  for (int64_t i = 0; i < kLines; i++) {
    char begin[32];
    int size = snprintf(begin, sizeof begin, "\n%010d,x,", static_cast<int>(3 * i));
    int skip = i == 0;
    ASSERT_EQ(pwrite(fd, begin + skip, static_cast<size_t>(size - skip), i * kLine - 1 + skip),
              size - skip);
  }
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines('big.csv', separator=',', quote=none, "
      "k integer, v, sorted=k)");
  const char *const lookups[][2] = {
      {"SELECT v FROM t WHERE k = 15360", "x"},
      {"SELECT v FROM t WHERE k = 7001", ""},
      {"SELECT k FROM t WHERE k <= 23000 ORDER BY k DESC LIMIT 1", "22998"}};
  for (const auto &lookup : lookups) {
    int64_t before = PagesOf(fd, kLines * kLine);
    EXPECT_EQ(Rows(lookup[0]), lookup[1]);
    EXPECT_LT(PagesOf(fd, kLines * kLine) - before, 30 * 257) << lookup[0];
  }
  close(fd);
}

} // namespace
} // namespace mm_test
