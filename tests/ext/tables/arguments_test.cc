// Arguments of tables: what their hidden columns read as, conditions on different files that OR
// joins, and joins in which they are nobody's.
#include "tests/support/sql.h"

#include <cstring>
#include <string>
#include <vector>

namespace mm_test {
namespace {

class Arguments : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aXa\nbb\n");
    Put("b", "bXa\nbb\n");
    Put("c", "long enough");
    Run("CREATE TABLE files(f); INSERT INTO files VALUES('a'), ('b')");
  }
};

struct Call {
  const char *table;
  const char *arguments; // as columns
};

// Each with all that it can be given.
const Call kCalls[] = {
    {"mmap", "file = 'a'"},
    {"mmap_lines", "file = 'a'"},
    {"mmap_find_all", "file = 'a' AND needle = 'a' AND start = 0 AND stop = 9"},
    {"mmap_search_all", "file = 'a' AND regex = 'a' AND start = 0 AND stop = 9"},
    {"mmap_strings", "file = 'a' AND min = 2"},
    {"mmap_hexdump", "file = 'a' AND start = 0 AND stop = 9"},
    {"mmap_histogram", "file = 'a' AND start = 0 AND stop = 9"},
    {"mmap_diff", "file_a = 'a' AND file_b = 'b'"},
    {"mmap_glob", "pattern = '[a]'"},
};

// Of CREATE VIRTUAL TABLE, as it takes them without quotes.
struct Created {
  const char *module;
  std::vector<std::string> arguments;
  const char *query;
};

const Created kCreated[] = {
    {"mmap('a'",
     {"id u8", "pair u16le", "\"odd, name\" u8 @0", "record=4"},
     "SELECT *, rowid FROM t"},
    {"mmap('a'", {"id u8 @2", "name text(2)", "sorted=id"}, "SELECT *, rowid FROM t ORDER BY id"},
    {"mmap(*", {"kind u8 AS (1)", "n u8"}, "SELECT * FROM t('a')"},
    {"mmap(*",
     {"size AS (2)", "data blob(size)", "check=(size = 2)", "partial=yes"},
     "SELECT *, error FROM t('a')"},
    {"mmap_lines('a'",
     {"separator='X'", "\"first field\" text", "n integer", "quote=none"},
     "SELECT * FROM t"},
    {"mmap_lines(*", {"match='(.)([a-z])'", "one", "two text"}, "SELECT * FROM t('a')"},
};

std::string Quoted(const std::string &text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

// Each of them, then all, in single quotes: columns and rows, or the error, are those without.
TEST_F(Arguments, OfCreateMayStandInSingleQuotes) {
  for (const Created &created : kCreated) {
    std::vector<std::string> answers;
    size_t count = created.arguments.size();
    for (size_t quoted = 0; quoted < count + 2; quoted++) {
      std::string sql = std::string("CREATE VIRTUAL TABLE temp.t USING ") + created.module;
      for (size_t i = 0; i < count; i++) {
        bool quote = (quoted == i + 1 || quoted > count) &&
                     created.arguments[i].find(' ') != std::string::npos;
        sql += ", " + (quote ? "  " + Quoted(created.arguments[i]) + " " : created.arguments[i]);
      }
      Run("DROP TABLE IF EXISTS temp.t");
      answers.push_back(db->Says(sql + ")") + "\n" + db->Says(created.query) + "\n" +
                        db->Says("SELECT name, type FROM pragma_table_xinfo('t')"));
    }
    for (const std::string &answer : answers) EXPECT_EQ(answer, answers[0]) << created.module;
  }
}

TEST_F(Arguments, AWordInSingleQuotesIsAName) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines('a', separator='X', 'sorted', '%2', \"n "
      "integer\")");
  EXPECT_EQ(Rows("SELECT name FROM pragma_table_info('t')"), "sorted\n%2\nn integer");
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.u USING mmap('a', 'id')"),
            Error("CREATE VIRTUAL TABLE temp.u USING mmap('a', \"id\")"));
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.u USING mmap('a', 'id u9le')"),
            Error("CREATE VIRTUAL TABLE temp.u USING mmap('a', id u9le)"));
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.u USING mmap('a', 'id u8' u8)"), "ok");
  EXPECT_EQ(Rows("SELECT name FROM pragma_table_info('u')"), "id u8");
}

TEST_F(Arguments, ReadAsWhatTheyWereGiven) {
  for (const Call &call : kCalls) {
    std::string from = std::string(" FROM ") + call.table + " WHERE " + call.arguments;
    std::string count = "SELECT count(*)" + from;
    EXPECT_NE(One(count), "0") << count;
    // SQLite looks at the second one itself.
    EXPECT_EQ(One(count + " AND " + call.arguments), One(count)) << call.table;
    std::string first(call.arguments, strcspn(call.arguments, " "));
    EXPECT_EQ(One("SELECT count(*) FROM (SELECT " + first + " AS x" + from +
                  ") WHERE x IS NOT NULL AND typeof(x) = 'text'"),
              One(count))
        << call.table;
  }
  EXPECT_EQ(Rows("SELECT h.start, h.stop, s.min FROM mmap_hexdump('a') h JOIN mmap_strings('c') s"),
            "NULL|NULL|NULL");
  EXPECT_EQ(Rows("SELECT file, count(*) FROM mmap_find_all WHERE file IN ('a', 'b') AND needle = "
                 "'a' GROUP BY file"),
            "a|2\nb|1");
  EXPECT_EQ(Rows("SELECT needle, count(*) FROM mmap_find_all('a') WHERE needle IN ('a', x'0a') "
                 "GROUP BY needle"),
            "a|2\nx'0a'|2");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('a') WHERE file = 'b'"), "0");
  EXPECT_EQ(Rows("SELECT file_a, file_b FROM mmap_diff('a', 'b')"), "a|b");
  EXPECT_EQ(One("SELECT typeof(file) FROM mmap_histogram(mmap_open('a')) LIMIT 1"), "integer");
}

const char kLosesRows[] = ": OR joins conditions with different arguments, and SQLite would lose "
                          "rows: use UNION ALL, or a statement for each";

// SQLite drops rowids that it has met under an earlier condition: the same place of another file.
TEST_F(Arguments, OrDoesNotLoseRowsOfOneFileForAnother) {
  const struct {
    const char *table, *first, *second;
  } queries[] = {
      {"mmap", "file = 'a' AND offset = 1", "file = 'b' AND offset = 1"},
      {"mmap", "file = 'a' AND byte > 3", "file = 'b' AND offset = 2"},
      {"mmap_lines", "file = 'a' AND number = 2", "file = 'b' AND offset < 6"},
      {"mmap_find_all", "file = 'a' AND needle = 'X'", "file = 'b' AND needle = 'X'"},
      {"mmap_find_all", "file = 'a' AND needle = 'X'", "file = 'a' AND needle = 'Xa'"},
      {"mmap_search_all", "file = 'a' AND regex = 'X'", "file = 'b' AND regex = 'b+'"},
      {"mmap_strings", "file = 'a' AND min = 2", "file = 'b' AND min = 3"},
      {"mmap_hexdump", "file = 'a' AND offset = 0", "file = 'b' AND offset = 0"},
      {"mmap_histogram", "file = 'a' AND count > 0", "file = 'b' AND byte = 10"},
      {"mmap_diff", "file_a = 'a' AND file_b = 'b'", "file_a = 'b' AND file_b = 'a'"},
      {"mmap_glob", "pattern = 'a' AND size > 0", "pattern = 'b' AND size < 99"},
  };
  for (const auto &q : queries) {
    std::string from = std::string("SELECT * FROM ") + q.table + " WHERE ";
    EXPECT_EQ(Error(from + q.first + " OR " + q.second),
              std::string("ERROR ") + q.table + kLosesRows);
    EXPECT_EQ(Error(from + q.first + " UNION ALL " + from + q.second), "ok") << q.table;
    EXPECT_EQ(Error(from + q.first + " OR " + q.first + " AND 1 < 2"), "ok") << q.table;
  }
}

TEST_F(Arguments, OrInAnUpdateLeavesNoFileOut) {
  EXPECT_EQ(Error("UPDATE mmap SET byte = 0 WHERE file = 'a' AND offset = 1 OR file = 'b' AND "
                  "offset = 1"),
            std::string("ERROR mmap") + kLosesRows);
  EXPECT_EQ(Get("a") + Get("b"), "aXa\nbb\nbXa\nbb\n");
  Run("UPDATE mmap SET byte = 43 WHERE file IN ('a', 'b') AND offset = 1");
  EXPECT_EQ(Get("a") + Get("b"), "a+a\nbb\nb+a\nbb\n");
  Run("UPDATE mmap SET byte = 45 WHERE file = 'a' AND offset = 1 OR file = 'b' AND offset = 2");
  EXPECT_EQ(Get("a") + Get("b"), "a-a\nbb\nb+-\nbb\n");
}

// What is told of different files has other rowids here, or is asked for by a join and not by OR.
TEST_F(Arguments, OrThatLosesNothingIsNoError) {
  EXPECT_EQ(Rows("SELECT file, offset FROM mmap WHERE file = 'a' AND offset = 1 OR file = 'b' AND "
                 "offset = 2"),
            "a|1\nb|2");
  EXPECT_EQ(Rows("SELECT f, m.offset FROM files JOIN mmap m ON m.file = f AND m.offset = 1 OR "
                 "m.file = f AND m.byte = 98 ORDER BY 1, 2"),
            "a|1\na|4\na|5\nb|0\nb|1\nb|4\nb|5");
  EXPECT_EQ(Rows("SELECT f, (SELECT count(*) FROM mmap WHERE file = f AND byte = 97 OR file = f "
                 "AND offset = 0) FROM files"),
            "a|2\nb|2");
  EXPECT_EQ(Rows("SELECT (SELECT max(offset) FROM mmap_lines(s.p)) FROM (SELECT 'a' p UNION ALL "
                 "SELECT 'b' UNION ALL SELECT 'a') s"),
            "4\n4\n4");
  EXPECT_EQ(Rows("SELECT count(m.rowid) FROM (SELECT 'a' p UNION ALL SELECT 'b') s JOIN mmap m ON "
                 "m.file = s.p"),
            "14");
  EXPECT_EQ(Rows("SELECT rowid FROM mmap('a') WHERE byte = 88 UNION ALL SELECT rowid FROM "
                 "mmap('b') WHERE byte = 88"),
            "1\n1");
  EXPECT_EQ(Rows("SELECT f, m.rowid FROM files CROSS JOIN mmap m WHERE m.file = f AND m.rowid IN "
                 "(1, 2) ORDER BY 1, 2"),
            "a|1\na|2\nb|1\nb|2");
}

TEST_F(Arguments, OrOfSeveralInAJoin) {
  std::string lost = std::string("ERROR mmap") + kLosesRows;
  Run("CREATE TABLE pairs(x, y); INSERT INTO pairs VALUES('a', 'a'), ('b', 'b')");
  std::string query = "SELECT x, y, m.offset FROM pairs JOIN mmap m ON m.file = x AND m.offset = 1 "
                      "OR m.file = y AND m.offset = 1";
  EXPECT_EQ(Rows(query), "a|a|1\nb|b|1");
  Run("INSERT INTO pairs VALUES('a', 'b')");
  EXPECT_EQ(Error(query), lost);
  EXPECT_EQ(Error("SELECT * FROM mmap WHERE file = 'a' AND offset = 1 OR file IN ('a', 'b') AND "
                  "offset = 1"),
            lost);
  EXPECT_EQ(Error("SELECT * FROM mmap WHERE file = 'a' AND offset = 1 OR file = NULL AND offset = "
                  "1 OR file = 'b' AND offset = 1"),
            lost);
}

// A condition on our table that stands in the ON of another, beside an IN.
TEST_F(Arguments, AreFoundBesideAnIn) {
  for (const char *on : {"m.offset = 0", "m.offset = f", "m.offset > 0"}) {
    std::string query = "SELECT m.offset, f FROM mmap_hexdump m LEFT JOIN files ON f <> 'b' AND " +
                        std::string(on) + " WHERE m.file IN ('a', 'b') ORDER BY 1, 2";
    std::string plain = "SELECT m.offset, f FROM (SELECT +offset AS offset FROM mmap_hexdump('a') "
                        "UNION ALL SELECT +offset FROM mmap_hexdump('b')) m LEFT JOIN files ON f "
                        "<> 'b' AND " +
                        std::string(on) + " ORDER BY 1, 2";
    EXPECT_EQ(Rows(query), Rows(plain)) << on;
  }
}

// As json_each does it.
TEST_F(Arguments, AJoinThatNeverMatchesNeedsNoFile) {
  for (const Call &call : kCalls) {
    std::string join = std::string(" FROM files LEFT JOIN ") + call.table + " m ON ";
    EXPECT_EQ(Rows("SELECT f, m.rowid" + join + call.arguments + " AND 0"), "a|NULL\nb|NULL")
        << call.table;
    EXPECT_EQ(Rows("SELECT count(*)" + join + call.arguments + " AND 0"), "2") << call.table;
    EXPECT_EQ(Error("SELECT m.rowid" + join + "m.rowid > 0").substr(0, 6), "ERROR ") << call.table;
    EXPECT_EQ(Error(std::string("SELECT * FROM files LEFT JOIN ") + call.table).substr(0, 6),
              "ERROR ");
    EXPECT_EQ(Error(std::string("SELECT count(*) FROM ") + call.table).substr(0, 6), "ERROR ");
  }
}

// One behaviour of all tables that take arguments, in an outer join. A NULL among them is no row of theirs,
// so one of NULLs. Where none are given there is one row, of which nothing but that it is there can be asked:
// SQLite drops it by an ON that is never true.
TEST_F(Arguments, InAnOuterJoinAllTablesDoTheSame) {
  Put("a", "a,b\n");
  Run("CREATE VIRTUAL TABLE temp.layout USING mmap(*, v u8)");
  Run("CREATE VIRTUAL TABLE temp.chained USING mmap(*, n u8, d blob(n), partial=yes)");
  Run("CREATE VIRTUAL TABLE temp.csv USING mmap_lines(*, separator=',', x, y)");
  Run("CREATE VIRTUAL TABLE temp.matched USING mmap_lines(*, match='(a)', x)");
  const char *const tables[][2] = {{"mmap", "p"},
                                   {"layout", "p"},
                                   {"chained", "p"},
                                   {"mmap_lines", "p"},
                                   {"csv", "p"},
                                   {"matched", "p"},
                                   {"mmap_strings", "p"},
                                   {"mmap_hexdump", "p"},
                                   {"mmap_histogram", "p"},
                                   {"mmap_blocks", "p"},
                                   {"mmap_glob", "p"},
                                   {"mmap_find_all", "p, 'a'"},
                                   {"mmap_diff", "p, 'a'"},
                                   {"mmap_search_all", "p, 'a'"},
                                   {"mmap_edits", "p, 'a'"},
                                   {"mmap_find_many", "p, '[\"a\"]'"}};
  for (const auto &table : tables) {
    std::string name = table[0], call = name + "(" + table[1] + ")";
    EXPECT_EQ(
        One("SELECT count(*), count(x.rowid) FROM (SELECT NULL AS p) LEFT JOIN " + call + " AS x"),
        "1|0")
        << call;
    EXPECT_EQ(One("SELECT count(*) FROM (SELECT NULL AS p), " + call), "0") << call;
    EXPECT_EQ(One("SELECT count(*) FROM (SELECT 1) LEFT JOIN " + name), "1") << name;
    EXPECT_EQ(
        One("SELECT count(*), count(x.rowid) FROM (SELECT 1) LEFT JOIN " + name + " AS x ON 0"),
        "1|0")
        << name;
    for (const char *asked : {"x.rowid", "x.*"}) {
      EXPECT_EQ(
          Error(std::string("SELECT ") + asked + " FROM (SELECT 1) LEFT JOIN " + name + " AS x")
              .substr(0, 5),
          "ERROR")
          << name << " " << asked;
    }
    EXPECT_EQ(Error("SELECT count(*) FROM (SELECT 1) JOIN " + name).substr(0, 5), "ERROR") << name;
  }
}

} // namespace
} // namespace mm_test
