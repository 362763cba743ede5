// mmap_lines: a file as lines, from anywhere in it, in both directions; sorted lines by binary
// search.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <sys/resource.h>

#include <algorithm>
#include <cstdlib>
#include <random>
#include <thread>

namespace mm_test {
namespace {

class LinesTest : public SqlTest {
protected:
  std::string All(const std::string &bytes, const std::string &rest = "") {
    Put("l.txt", bytes);
    return Rows("SELECT number, offset, text FROM mmap_lines('l.txt')" + rest);
  }
};

TEST_F(LinesTest, EndsWithNewlinesOrTheFile) {
  EXPECT_EQ(All(""), "");
  EXPECT_EQ(All("\n"), "1|0|");
  EXPECT_EQ(All("one"), "1|0|one");
  EXPECT_EQ(All("one\n"), "1|0|one");
  EXPECT_EQ(All("one\n\ntwo"), "1|0|one\n2|4|\n3|5|two");
  EXPECT_EQ(All("one\r\ntwo\r\n\r\n"), "1|0|one\n2|5|two\n3|10|");
}

TEST_F(LinesTest, KeepsCarriageReturnsThatEndNoLine) {
  Put("l.txt", "a\rb\n\r\r\nlast\r");
  EXPECT_EQ(Rows("SELECT hex(text) FROM mmap_lines('l.txt')"), "610D62\n0D\n6C6173740D");
}

TEST_F(LinesTest, KeepsBytesAsTheyAre) {
  Put("l.txt", std::string("a\0b\n\xff\xfe\n", 7));
  EXPECT_EQ(Rows("SELECT hex(text), typeof(text) FROM mmap_lines('l.txt')"),
            "610062|text\nFFFE|text");
}

TEST_F(LinesTest, StartsAtTheFirstLineThatBeginsThereOrLater) {
  std::string bytes = "one\ntwo\nthree\n";
  EXPECT_EQ(All(bytes, " WHERE offset >= 0 LIMIT 1"), "1|0|one");
  EXPECT_EQ(All(bytes, " WHERE offset >= 1 LIMIT 1"), "2|4|two");
  EXPECT_EQ(All(bytes, " WHERE offset >= 4 LIMIT 1"), "2|4|two");
  EXPECT_EQ(All(bytes, " WHERE offset > 4 LIMIT 1"), "3|8|three");
  EXPECT_EQ(All(bytes, " WHERE offset >= 9"), "");
  EXPECT_EQ(All(bytes, " WHERE offset >= 14"), "");
  EXPECT_EQ(All(bytes, " WHERE offset >= 1e9"), "");
  EXPECT_EQ(All(bytes, " WHERE offset = 8"), "3|8|three");
  EXPECT_EQ(All(bytes, " WHERE offset = 7"), "");
  EXPECT_EQ(All(bytes, " WHERE offset < 8 AND offset > -5"), "1|0|one\n2|4|two");
  EXPECT_EQ(All(bytes, " WHERE offset <= 3.5"), "1|0|one");
  EXPECT_EQ(All(bytes, " WHERE offset >= NULL"), "");
}

TEST_F(LinesTest, ComesBackwardsToo) {
  EXPECT_EQ(All("one\ntwo\nthree\nend", " ORDER BY offset DESC"),
            "4|14|end\n3|8|three\n2|4|two\n1|0|one");
  EXPECT_EQ(All("one\ntwo\n", " ORDER BY number DESC LIMIT 1"), "2|4|two");
  EXPECT_EQ(All("one\ntwo\nthree\n", " WHERE offset < 8 ORDER BY offset DESC"), "2|4|two\n1|0|one");
}

TEST_F(LinesTest, NumbersAreTrueWhereverItStarts) {
  EXPECT_EQ(All("a\nb\nc\nd\n", " WHERE number = 3"), "3|4|c");
  EXPECT_EQ(All("a\nb\nc\nd\n", " WHERE number BETWEEN 2 AND 3"), "2|2|b\n3|4|c");
  EXPECT_EQ(All("a\nb\nc\nd\n", " WHERE number > 9"), "");
  EXPECT_EQ(All("a\nb\nc\nd\n", " WHERE number < 1"), "");
  EXPECT_EQ(All("a\nb\nc\nd\n", " WHERE offset > 3 AND number < 4"), "3|4|c");
}

TEST_F(LinesTest, NumbersAreCountedOnlyWhenAskedFor) {
  std::string bytes;
  for (int i = 0; i < 100000; i++) bytes += "line\n";
  Put("l.txt", bytes);
  EXPECT_EQ(One("SELECT number FROM mmap_lines('l.txt') WHERE offset >= 499990 LIMIT 1"), "99999");
  EXPECT_LT(db->Steps("SELECT text FROM mmap_lines('l.txt') WHERE offset >= 499990"), 100);
  EXPECT_LT(db->Steps("SELECT number FROM mmap_lines('l.txt') ORDER BY offset DESC LIMIT 2"), 100);
}

// What is read shows in faults.
TEST_F(LinesTest, NumbersAreCountedOnce) {
  std::string bytes;
  for (int i = 1; i <= 400000; i++)
    bytes += std::to_string(1000000 + i) + std::string(92, '.') + "\n";
  Put("l.txt", bytes);
  Run("CREATE VIRTUAL TABLE temp.q USING mmap_lines('l.txt', separator='.', quote='\"', n "
      "integer)");
  for (const std::string table : {"mmap_lines('l.txt')", "q"}) {
    std::string first = "SELECT number, offset FROM " + table + " WHERE number = 390000";
    EXPECT_EQ(Rows(first), "390000|38999900");
    const char *const lookups[][2] = {
        {"number = 389990", "389990|38998900"},
        {"number BETWEEN 200000 AND 200001", "200000|19999900\n200001|20000000"},
        {"number = 7", "7|600"},
        {"number > 389000 LIMIT 1", "389001|38900000"},
        {"offset > 30000000 LIMIT 1", "300002|30000100"}};
    for (const auto &lookup : lookups) {
      Run("SELECT mmap_madvise('l.txt', 'dontneed')");
      struct rusage before, after;
      getrusage(RUSAGE_SELF, &before);
      EXPECT_EQ(Rows("SELECT number, offset FROM " + table + " WHERE " + lookup[0]), lookup[1]);
      getrusage(RUSAGE_SELF, &after);
      EXPECT_LT(after.ru_minflt - before.ru_minflt, 60) << table << " " << lookup[0];
    }
  }
  Run("SELECT mmap_insert('l.txt', 0, 'new' || char(10))");
  EXPECT_EQ(Rows("SELECT number, offset FROM mmap_lines('l.txt') WHERE number = 390000"),
            "390000|38999804");
}

TEST_F(LinesTest, ReadsHandlesAndTheirWindows) {
  Put("l.txt", "xx\none\ntwo\n");
  EXPECT_EQ(Rows("SELECT number, offset, text FROM mmap_lines(mmap_open('l.txt', 'read', 5, 3))"),
            "1|0|one\n2|4|t");
}

TEST_F(LinesTest, NeedsAFileAndNullIsNone) {
  std::string missing = "ERROR mmap_lines: the file is missing: mmap_lines(file) or WHERE file = …";
  EXPECT_EQ(Error("SELECT * FROM mmap_lines"), missing);
  EXPECT_EQ(Rows("SELECT * FROM mmap_lines(NULL)"), "");
  EXPECT_EQ(Error("SELECT * FROM mmap_lines('none.txt')"),
            "CANTOPEN mmap_lines: cannot open 'none.txt': No such file or directory");
}

TEST_F(LinesTest, SeesWritesOfTheTransaction) {
  Put("l.txt", "one\ntwo\n");
  Run("BEGIN; SELECT mmap_insert('l.txt', 4, 'NEW' || char(10))");
  EXPECT_EQ(One("SELECT group_concat(text) FROM mmap_lines('l.txt')"), "one,NEW,two");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT group_concat(text) FROM mmap_lines('l.txt')"), "one,two");
}

TEST_F(LinesTest, SurvivesACutInTheSameStatement) {
  std::string bytes;
  for (int i = 0; i < 50; i++) bytes += "line " + std::to_string(i) + "\n";
  Put("l.txt", bytes);
  EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('l.txt')"
                " WHERE number <> 3 OR mmap_resize('l.txt', 30) = 30"),
            "5");
}

// A newline that a row's own statement writes, into bytes that newlines have been looked for in.
TEST_F(LinesTest, SeesANewlineThatTheSameStatementWrites) {
  Put("f", "a\nb\n" + std::string(5000, 'x') + "\n" + std::string(9000, 'y') + "\n");
  const char *query =
      "SELECT offset, length(text), CASE offset WHEN 2 THEN mmap_patch('f', 100, x'0a') END"
      " FROM mmap_lines('f')";
  const char *lines = "0|1|NULL\n2|1|1\n4|96|NULL\n101|4903|NULL\n5005|9000|NULL";
  Run("BEGIN");
  EXPECT_EQ(Rows(query), lines);
  Run("ROLLBACK");
  EXPECT_EQ(Rows(query), lines);
  EXPECT_EQ(Rows(query), lines);
}

TEST_F(LinesTest, MatchesASplitForEveryLength) {
  std::mt19937_64 random(3);
  int times = Rounds(300);
  for (int i = 0; i < times && !HasFailure(); i++) {
    std::string bytes, expected;
    std::vector<std::string> lines;
    for (size_t n = random() % 40; n > 0; n--) {
      lines.emplace_back(random() % 5 ? random() % 9 : random() % 200, 'a' + random() % 26);
    }
    for (size_t k = 0; k < lines.size(); k++) {
      expected += (k ? "\n" : "") + std::to_string(k + 1) + "|" + std::to_string(bytes.size()) +
                  "|" + lines[k];
      bytes += lines[k] + (random() % 3 ? "\n" : "\r\n");
    }
    if (!bytes.empty() && !lines.back().empty() && random() % 2) {
      bytes.resize(bytes.find_last_not_of("\r\n") + 1);
    }
    EXPECT_EQ(All(bytes), expected) << bytes;
    std::string at = std::to_string(random() % (bytes.size() + 2));
    std::string where = " WHERE offset >= " + at;
    std::string up = All(bytes, where), down = All(bytes, where + " ORDER BY offset DESC");
    EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('l.txt')" + where),
              One("SELECT count(*) FROM mmap_lines('l.txt') WHERE +offset >= " + at));
    EXPECT_EQ(std::count(up.begin(), up.end(), '\n'), std::count(down.begin(), down.end(), '\n'));
    EXPECT_EQ(Rows("SELECT number, offset, text FROM (SELECT * FROM mmap_lines('l.txt')" + where +
                   " ORDER BY offset DESC) ORDER BY +offset"),
              up);
  }
}

TEST_F(LinesTest, AVeryLongLineCanBeInterrupted) {
  MM_NEEDS_64_BITS();
  ASSERT_EQ(system("truncate -s 4G long.txt"), 0);
  std::thread stop([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    sqlite3_interrupt(*db);
  });
  EXPECT_EQ(Error("SELECT count(*) FROM mmap_lines('long.txt')").substr(0, 9), "INTERRUPT");
  stop.join();
}

TEST_F(LinesTest, ALineOf100MegabytesIsOne) {
  Put("l.txt", std::string(100000000, 'x') + "\nend\n");
  EXPECT_EQ(Rows("SELECT number, offset, text >= 'xxx' FROM mmap_lines('l.txt')"),
            "1|0|1\n2|100000001|0");
}

/* ---- sorted lines --------------------------------------------------------------------------- */

class SortedLinesTest : public LinesTest {
protected:
  void Make(const std::string &bytes) {
    Put("w.txt", bytes);
    Run("CREATE VIRTUAL TABLE temp.w USING mmap_lines('w.txt', sorted=yes)");
  }
};

TEST_F(SortedLinesTest, FindsByText) {
  Make("apple\nbee\nbee\ncat\n");
  EXPECT_EQ(Rows("SELECT number, offset FROM w WHERE text = 'bee'"), "2|6\n3|10");
  EXPECT_EQ(One("SELECT group_concat(text) FROM w WHERE text > 'b' AND text < 'cat'"), "bee,bee");
  EXPECT_EQ(One("SELECT text FROM w WHERE text >= 'bef' LIMIT 1"), "cat");
  EXPECT_EQ(One("SELECT text FROM w WHERE text <= 'bb' ORDER BY text DESC LIMIT 1"), "apple");
  EXPECT_EQ(One("SELECT min(text) || max(text) FROM w"), "applecat");
  EXPECT_EQ(One("SELECT count(*) FROM w WHERE text IN ('cat', 'bee', 'dog')"), "3");
  EXPECT_EQ(One("SELECT count(*) FROM w WHERE text GLOB 'be*'"), "2");
}

TEST_F(SortedLinesTest, LooksAtFewLines) {
  std::string bytes;
  char text[16];
  for (int i = 0; i < 200000; i++) {
    snprintf(text, sizeof text, "w%06d\n", i);
    bytes += text;
  }
  Make(bytes);
  for (const char *sql : {"SELECT number FROM w WHERE text = 'w150000'", "SELECT max(text) FROM w",
                          "SELECT text FROM w ORDER BY text DESC LIMIT 3",
                          "SELECT text FROM w WHERE text BETWEEN 'w1' AND 'w100003'"}) {
    EXPECT_LT(db->Steps(sql), 200) << sql;
  }
  EXPECT_EQ(One("SELECT number FROM w WHERE text = 'w150000'"), "150001");
}

TEST_F(SortedLinesTest, MatchesAnOrdinaryTable) {
  std::mt19937_64 random(5);
  int times = Rounds(40);
  const char *const values[] = {"'a'",       "''",
                                "'b7'",      "7",
                                "'7'",       "2.5",
                                "NULL",      "x'61'",
                                "'~'",       "' '",
                                "char(233)", "'aa' || char(0)",
                                "'10'",      "'a' COLLATE NOCASE"};
  const char *const operators[] = {"=", "<", "<=", ">", ">=", "IS", "<>"};
  Run("CREATE TABLE vals(xi INTEGER, xt TEXT, xn)");
  for (const char *v : values)
    Run("INSERT INTO vals VALUES(" + std::string(v) + "," + v + "," + v + ")");
  for (int i = 0; i < times && !HasFailure(); i++) {
    std::vector<std::string> lines;
    for (size_t n = random() % 60; n > 0; n--) {
      std::string line;
      for (size_t k = random() % 5; k > 0; k--) line += "ab17 ~\xc3\xa9"[random() % 8];
      lines.push_back(line);
    }
    std::sort(lines.begin(), lines.end());
    std::string bytes;
    for (const std::string &line : lines) bytes += line + "\n";
    Run("DROP TABLE IF EXISTS w; DROP TABLE IF EXISTS o");
    Make(bytes);
    Run("CREATE TABLE o(number INTEGER, offset INTEGER, text TEXT);"
        "INSERT INTO o SELECT * FROM mmap_lines('w.txt')");
    for (int q = 0; q < 30; q++) {
      std::string v = values[random() % 14], where = "text " + std::string(operators[random() % 7]);
      std::string join = " FROM vals JOIN % ON " + where + (random() % 2 ? " xi" : " xt");
      where += " " + v;
      if (random() % 3 == 0) {
        where += " AND text " + std::string(operators[random() % 7]) + " " + values[random() % 14];
      }
      std::string order = random() % 2 ? " ORDER BY text" : " ORDER BY text DESC";
      for (std::string sql :
           {"SELECT text FROM % WHERE " + where + order,
            "SELECT number, offset, text FROM % WHERE " + where + " ORDER BY offset",
            "SELECT vals.rowid, number" + join + " ORDER BY 1, 2"}) {
        std::string ordinary = sql;
        sql.replace(sql.find('%'), 1, "w");
        ordinary.replace(ordinary.find('%'), 1, "o");
        EXPECT_EQ(Rows(sql), Rows(ordinary)) << sql << "\n" << bytes;
      }
    }
  }
}

TEST_F(SortedLinesTest, ReportsDisorderByOffset) {
  Make("b\nc\na\nd\n");
  EXPECT_EQ(One("SELECT mmap_check('w')"),
            "the line at offset 4 is out of order: it comes after the one at 2");
  EXPECT_EQ(Error("SELECT text FROM w ORDER BY text"),
            "DAMAGED w: the line at offset 4 is out of order: it comes after the one at 2: run "
            "mmap_check");
  EXPECT_EQ(One("SELECT count(*) FROM w"), "4");
}

TEST_F(SortedLinesTest, WhatIsNotThereIsNotSaidOfAFileInDisorder) {
  Make("4\n3\n2\n1\n");
  for (const char *sql :
       {"SELECT * FROM w WHERE text = '2'", "SELECT * FROM w WHERE text = '0'",
        "SELECT * FROM w WHERE text > '9'", "SELECT * FROM w WHERE text IN ('2', '7')",
        "SELECT text FROM w WHERE text <= '2' ORDER BY text DESC LIMIT 1",
        "SELECT max(text) FROM w", "SELECT text FROM w ORDER BY text LIMIT 1"}) {
    EXPECT_EQ(Error(sql), "DAMAGED w: the line at offset 6 is out of order: it comes after the one "
                          "at 0: run mmap_check")
        << sql;
  }
  EXPECT_EQ(One("SELECT text FROM w WHERE offset = 4"), "2");
}

// As `sort -f` leaves them.
TEST_F(SortedLinesTest, LinesInAnotherOrderAreSeen) {
  Make("Anna\nbenched\nBob\ncat\nDora\n");
  EXPECT_EQ(Error("SELECT * FROM w WHERE text = 'benched'").substr(0, 7), "DAMAGED");
  EXPECT_EQ(Error("SELECT * FROM w WHERE text = 'bent'").substr(0, 7), "DAMAGED");
}

// Lines of a page each: those that are looked at are faults.
TEST_F(SortedLinesTest, LooksAtFewLinesForWhatIsNotThere) {
  std::string bytes;
  char text[16];
  for (int i = 0; i < 1024; i++) {
    snprintf(text, sizeof text, "w%06d", i * 2);
    bytes += text + std::string((64 << 10) - 8, '.') + "\n";
  }
  Make(bytes);
  for (const char *sql : {"SELECT offset FROM w WHERE text = 'w001001'",
                          "SELECT offset FROM w WHERE text > 'w001001' LIMIT 1"}) {
    db->Run("SELECT mmap_madvise('w.txt', 'dontneed')");
    db->Run(sql);
    db->Run("SELECT mmap_madvise('w.txt', 'dontneed')");
    struct rusage before, after;
    getrusage(RUSAGE_SELF, &before);
    db->Run(sql);
    getrusage(RUSAGE_SELF, &after);
    // A line is read through for its ends: a fault a line, or two.
    EXPECT_LT(after.ru_minflt - before.ru_minflt, 2 * (10 + 6) + 20) << sql;
  }
}

TEST_F(SortedLinesTest, AnInGivesEachLineOnce) {
  Make("1\n1.0\na\nb\nb\nc\n");
  Run("CREATE TABLE v(x); INSERT INTO v VALUES('b'), ('a'), ('zz'), ('b'), (NULL), (x'62')");
  EXPECT_EQ(Rows("SELECT number, text FROM w WHERE text IN (SELECT x FROM v)"), "3|a\n4|b\n5|b");
  EXPECT_EQ(Rows("SELECT number, text FROM w WHERE text IN (SELECT x FROM v) ORDER BY text DESC"),
            "5|b\n4|b\n3|a");
  EXPECT_EQ(Rows("SELECT number FROM w WHERE text IN ('a', 'b') AND text IN ('b', 'c')"), "4\n5");
  EXPECT_EQ(Rows("SELECT number FROM w WHERE text IN ('a', 'c') AND text > 'b'"), "6");
  EXPECT_EQ(Rows("SELECT number FROM w WHERE text IN ('zz')"), "");
}

// A number is compared as one where it comes from a column of numbers.
TEST_F(SortedLinesTest, AnInOfNumbersIsSqlitesAffair) {
  if (sqlite3_libversion_number() < 3038000) return; // its values come one by one, as texts
  Make("1\n1.0\n2\na\n");
  Run("CREATE TABLE v(x INTEGER, y); INSERT INTO v VALUES(1, 1)");
  EXPECT_EQ(Rows("SELECT text FROM w WHERE text IN (SELECT x FROM v)"), "1\n1.0");
  EXPECT_EQ(Rows("SELECT text FROM w WHERE text IN ('1', '1.0') AND text IN (SELECT x FROM v)"),
            "1\n1.0");
  EXPECT_EQ(Rows("SELECT text FROM w WHERE (text, offset) IN (SELECT 'a', 8)"), "a");
  EXPECT_EQ(Error("SELECT text FROM w WHERE (text, offset) IN (SELECT x, 2 FROM v)"),
            "ERROR w: a row value with a text key cannot be looked for among numbers: CAST them AS "
            "TEXT");
  EXPECT_EQ(Rows("SELECT text FROM w WHERE (text, offset) IN (SELECT CAST(x AS TEXT), 0 FROM v)"),
            "1");
  EXPECT_EQ(Rows("SELECT w.text FROM v JOIN w ON w.text = v.x WHERE trim(w.text) IN ('1.0')"),
            "1.0");
}

// Of (SELECT x …) the column is a number, though one row of it comes from a parameter.
TEST_F(SortedLinesTest, AParameterInASubqueryIsNoPlainOne) {
  Make("/\n1\n7\na\n");
  Run("CREATE TABLE o(n INTEGER)");
  sqlite3_stmt *stmt;
  ASSERT_EQ(sqlite3_prepare_v2(*db,
                               "SELECT count(*) FROM (SELECT n FROM o UNION ALL SELECT ?1) s "
                               "CROSS JOIN w ON w.text < s.n",
                               -1, &stmt, nullptr),
            SQLITE_OK);
  sqlite3_bind_text(stmt, 1, "/x", -1, SQLITE_STATIC);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(stmt, 0), 3);
  sqlite3_finalize(stmt);
}

/* ---- a byte order mark, and a part of a file -------------------------------------------------- */

const char kMark[] = "\xef\xbb\xbf";

TEST_F(SortedLinesTest, AByteOrderMarkIsNoPartOfTheFirstLine) {
  Make(std::string(kMark) + "aaa\nbbb\nccc\n");
  EXPECT_EQ(Rows("SELECT number, offset, text FROM w"), "1|3|aaa\n2|7|bbb\n3|11|ccc");
  for (const char *text : {"aaa", "bbb", "ccc"}) {
    EXPECT_EQ(One("SELECT text FROM w WHERE text = '" + std::string(text) + "'"), text);
  }
  EXPECT_EQ(One("SELECT min(text) || max(text) FROM w"), "aaaccc");
  EXPECT_EQ(One("SELECT mmap_check('w')"), "ok");
  EXPECT_EQ(Rows("SELECT offset, text FROM mmap_lines('w.txt') ORDER BY offset DESC"),
            "11|ccc\n7|bbb\n3|aaa");
  EXPECT_EQ(One("SELECT text FROM mmap_lines('w.txt') WHERE offset >= 0 LIMIT 1"), "aaa");
  EXPECT_EQ(One("SELECT text FROM mmap_lines('w.txt') WHERE offset = 3"), "aaa");
  EXPECT_EQ(One("SELECT text FROM mmap_lines('w.txt') WHERE number = 2"), "bbb");
  Put("m", kMark);
  EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('m')"), "0");
  Put("m", std::string(kMark) + "\n" + kMark);
  EXPECT_EQ(Rows("SELECT offset, hex(text) FROM mmap_lines('m')"), "3|\n4|EFBBBF");
}

TEST_F(SortedLinesTest, InTheMiddleOfAFileAByteOrderMarkIsACharacter) {
  Put("m", "a\n" + std::string(kMark) + "b\nc\n");
  Run("CREATE VIRTUAL TABLE temp.p USING mmap_lines('m', sorted=yes, offset=2)");
  EXPECT_EQ(Rows("SELECT number, offset, hex(text) FROM p"), "1|2|EFBBBF62\n2|7|63");
  EXPECT_EQ(One("SELECT mmap_check('p')"),
            "the line at offset 7 is out of order: it comes after the one at 2");
  EXPECT_EQ(Rows("SELECT offset, hex(text) FROM mmap_lines(mmap_open('m', 'read', 0, 2))"),
            "0|EFBBBF62\n5|63");
  Put("m", std::string(kMark) + "b\nc\n");
  Run("CREATE VIRTUAL TABLE temp.q USING mmap_lines('m', sorted=yes, offset=0)");
  EXPECT_EQ(Rows("SELECT number, offset, text FROM q"), "1|3|b\n2|5|c");
  EXPECT_EQ(Rows("SELECT offset, text FROM mmap_lines(mmap_open('m'))"), "3|b\n5|c");
}

TEST_F(SortedLinesTest, APartOfAFile) {
  Put("p.txt", "# made by\n# a tool\nant\nbee\ncat\nzz\nend\n");
  Run("CREATE VIRTUAL TABLE temp.p USING mmap_lines('p.txt', sorted=yes, offset=0x13, length=15)");
  EXPECT_EQ(Rows("SELECT number, offset, rowid, text FROM p"),
            "1|19|19|ant\n2|23|23|bee\n3|27|27|cat\n4|31|31|zz");
  EXPECT_EQ(Rows("SELECT offset FROM p WHERE text = 'cat'"), "27");
  EXPECT_EQ(Rows("SELECT text FROM p WHERE offset >= 24"), "cat\nzz");
  EXPECT_EQ(Rows("SELECT text FROM p WHERE offset < 23"), "ant");
  EXPECT_EQ(Rows("SELECT text FROM p WHERE rowid = 23"), "bee");
  EXPECT_EQ(Rows("SELECT text FROM p WHERE offset IN (0, 19, 35) OR number = 3"), "ant\ncat");
  EXPECT_EQ(One("SELECT mmap_slice('p.txt', offset, offset + 3) = CAST(text AS BLOB) FROM p WHERE "
                "number = 2"),
            "1");
  EXPECT_EQ(One("SELECT mmap_check('p')"), "ok");
  Run("CREATE VIRTUAL TABLE temp.q USING mmap_lines('p.txt', offset=19, sorted=yes)");
  EXPECT_EQ(One("SELECT mmap_check('q')"),
            "the line at offset 34 is out of order: it comes after the one at 31");
  Run("SELECT mmap_resize('p.txt', 25)");
  EXPECT_EQ(Rows("SELECT text FROM p"), "ant\nbe");
  Run("SELECT mmap_resize('p.txt', 5)");
  EXPECT_EQ(Rows("SELECT text FROM p"), "");
}

TEST_F(SortedLinesTest, SaysWhichArgumentIsWrong) {
  Put("w.txt", "a\n");
  const char *const wrong[][2] = {
      {"", "a path is needed"},
      {"w.txt, sort=yes",
       "unknown option 'sort': there are sorted, separator, quote, header, skip, "
       "comment, offset, length, null, match"},
      {"w.txt, sorted", "option 'sorted' is without a value"},
      {"w.txt, sorted=maybe", "sorted 'maybe' is neither yes nor no"},
      {"w.txt, offset=x", "offset 'x' is no number of bytes"},
      {"w.txt, offset=3", "offset 3 is outside 'w.txt' (2 bytes)"},
      {"w.txt, offset=1, length=2", "length 2 is more than 'w.txt' has (1 bytes)"},
      {"w.txt, length=1, length=1", "option 'length' is given twice"},
      {"w.txt, sorted=yes, SORTED=no", "option 'sorted' is given twice"},
  };
  for (const auto &w : wrong) {
    EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.x USING mmap_lines(" + std::string(w[0]) + ")"),
              "ERROR mmap_lines: " + std::string(w[1]));
  }
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.x USING mmap_lines('no.txt')"),
            "CANTOPEN mmap_lines: cannot open 'no.txt': No such file or directory");
  Run("CREATE VIRTUAL TABLE temp.x USING mmap_lines(w.txt, sorted = 'no')");
  EXPECT_EQ(Error("INSERT INTO x VALUES(1, 2, 'c')"),
            "CONSTRAINT x: a line that is appended has its number and offset by its place, and its "
            "fields by their columns");
  EXPECT_EQ(One("SELECT mmap_check('x')"), "ok");
  Run("ALTER TABLE x RENAME TO y");
  EXPECT_EQ(One("SELECT mmap_check('y')"), "ok");
}

} // namespace
} // namespace mm_test
