// mmap_lines with columns: fields of delimited lines, groups of a pattern, and what CREATE says.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <cstdlib>
#include <random>

namespace mm_test {
namespace {

class FieldsTest : public SqlTest {
protected:
  void Make(const std::string &bytes, const std::string &arguments) {
    Put("f", bytes);
    Run("DROP TABLE IF EXISTS temp.t; CREATE VIRTUAL TABLE temp.t USING mmap_lines('f', " +
        arguments + ")");
  }
  std::string All(const std::string &bytes, const std::string &arguments) {
    Make(bytes, arguments);
    return Rows("SELECT * FROM t");
  }
  std::string Refused(const std::string &arguments) {
    std::string error = Error("CREATE VIRTUAL TABLE temp.x USING mmap_lines(" + arguments + ")");
    std::string begin = "ERROR mmap_lines: ";
    return error.compare(0, begin.size(), begin) == 0 ? error.substr(begin.size()) : error;
  }
};

TEST_F(FieldsTest, AreDividedAtASeparator) {
  EXPECT_EQ(All("a,b\n,\nlast", "separator=',', x, y"), "a|b\n|\nlast|NULL");
  EXPECT_EQ(All("a\tb\tc\n", "separator=tab, x, y"), "a|b");
  EXPECT_EQ(All("a\tb,\"c\n", "separator=tab, x, y"), "a|b,\"c");
  EXPECT_EQ(All("  a \t b \n\n", "separator=blanks, x, y, z"), "a|b|NULL\n|NULL|NULL");
  EXPECT_EQ(All("a:b\n", "separator=':', x, y"), "a|b");
  EXPECT_EQ(All("a:b\n", "word"), "a:b");
}

TEST_F(FieldsTest, QuotesHoldSeparatorsAndLineEnds) {
  std::string bytes = "\"a,b\",\"c\nd\"\r\n\"x\"\"y\"z,q\"\n";
  EXPECT_EQ(All(bytes, "separator=',', x, y"), "a,b|c\nd\nx\"yz|q\"");
  EXPECT_EQ(Rows("SELECT number, offset, length, hex(line) FROM t"),
            "1|0|11|22612C62222C22630A6422\n3|13|10|227822227922"
            "7A2C7122");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(All(bytes, "separator=',', quote=none, x"), "\"a\nd\"\n\"x\"\"y\"z");
  EXPECT_EQ(All("'a;b';c", "separator=';', quote='''', x, y"), "a;b|c");
  EXPECT_EQ(All("\"never closed,\nb\n", "separator=',', x, y"), "never closed,\nb\n|NULL");
}

TEST_F(FieldsTest, RowsThatAreMoreThanALineAreFoundByNumberAndOffset) {
  std::string bytes;
  for (int i = 0; i < 5000; i++) {
    bytes += std::to_string(i) + (i % 3 ? ",plain\n" : ",\"two\nlines, \"\"3\n\"\n");
  }
  Make(bytes, "separator=',', x integer, y");
  Run("CREATE TABLE o AS SELECT number, offset, x FROM t");
  EXPECT_EQ(One("SELECT count(*) || ' ' || max(number) FROM o"), "5000 8334");
  for (const char *where : {"number = 4097", "number = 4098", "number = 4099", "number > 8330",
                            "number BETWEEN 2000 AND 2004", "number <= 3", "offset = 10",
                            "offset >= 60000 AND offset < 60100", "offset > 1000000"}) {
    EXPECT_EQ(Rows(std::string("SELECT number, offset, x FROM t WHERE ") + where),
              Rows(std::string("SELECT * FROM o WHERE ") + where))
        << where;
  }
  EXPECT_EQ(Rows("SELECT x FROM t ORDER BY offset DESC LIMIT 2"), "4999\n4998");
}

TEST_F(FieldsTest, ALastLineThatIsNotEndedIsFoundByNumberAgainAndAgain) {
  const std::pair<const char *, const char *> files[] = {
      {"1", ""}, {"h\n2", "skip=1, "}, {"h\n#\n3", "skip=1, comment='#', "}, {"1\n2", ""}};
  for (const auto &file : files) {
    Make(file.first, std::string(file.second) + "separator=',', k integer");
    for (int i = 0; i < 3; i++) {
      EXPECT_EQ(Rows("SELECT k FROM t WHERE number > (SELECT max(k) FROM t)"), "") << file.first;
      EXPECT_EQ(One("SELECT k = number FROM t WHERE number = (SELECT max(k) FROM t)"), "1");
    }
  }
}

TEST_F(FieldsTest, TypesAreAffinities) {
  Make("1,1,1,1\n1.0,2,x,x\n 7 ,-0x1,1e3,\n9223372036854775808,1e999,.5,256.1.1.1\n,-,+3,1.2.3.4\n"
       "-0.0,9007199254740993,12345678901234567890,0.0.0.0\n1e2x,1.,1_0,1 \n",
       "separator=',', i integer, r real, b blob, a ipv4");
  Run("CREATE TABLE o(i INTEGER, r REAL, b BLOB, a TEXT)");
  Put("g", Get("f"));
  Run("CREATE VIRTUAL TABLE temp.s USING mmap_lines('g', separator=',', i, r, b blob, a);"
      "INSERT INTO o SELECT * FROM s");
  std::string columns = "SELECT i, typeof(i), r, typeof(r), b, typeof(b), a, typeof(a) FROM ";
  EXPECT_EQ(Rows(columns + "t"), Rows(columns + "o"));
}

TEST_F(FieldsTest, NumbersAreThoseOfSqlite) {
  std::mt19937_64 random(7);
  std::string bytes;
  for (int i = 0; i < Rounds(3000); i++) {
    for (size_t n = random() % 22; n > 0; n--) bytes += "0123456789.+-eE 17 "[random() % 19];
    bytes += '\n';
  }
  Make(bytes, "i integer");
  Run("CREATE TABLE o(i INTEGER, r REAL); CREATE VIRTUAL TABLE temp.w USING mmap_lines('f', x "
      "text);"
      "INSERT INTO o SELECT x, x FROM w");
  EXPECT_EQ(One("SELECT group_concat(quote(i), ' ') FROM t"),
            One("SELECT group_concat(quote(i), ' ') FROM o"));
  Make(bytes, "r real");
  EXPECT_EQ(One("SELECT group_concat(typeof(r) || round(r, 3), ' ') FROM t"),
            One("SELECT group_concat(typeof(r) || round(r, 3), ' ') FROM o"));
}

TEST_F(FieldsTest, NullIsWhatIsMissingAndWhatSaysSo) {
  EXPECT_EQ(All("a,\n,b\n\"\",x\nNA,\n", "separator=',', null='', x, y"),
            "a|NULL\nNULL|b\n|x\nNA|NULL");
  EXPECT_EQ(All("NA,\"NA\"\nx\n", "separator=',', null='NA', x, y"), "NULL|NA\nx|NULL");
  EXPECT_EQ(All("a,\nb\n", "separator=',', x, y"), "a|\nb|NULL");
}

TEST_F(FieldsTest, WhatIsMoreThanDeclaredIsTheRest) {
  Make("a,b,\"c\",d\na,b\na,b,\n", "separator=',', x, y");
  EXPECT_EQ(Rows("SELECT rest FROM t"), "\"c\",d\nNULL\n");
  Make(" a  b \n a b  c d \n", "separator=blanks, x, y");
  EXPECT_EQ(Rows("SELECT rest FROM t"), "NULL\nc d ");
}

TEST_F(FieldsTest, AHeaderNamesTheColumnsOrIsSkipped) {
  EXPECT_EQ(All("\xef\xbb\xbfid,the name\r\n1,one\n", "separator=',', header=yes"), "1|one");
  EXPECT_EQ(One("SELECT \"the name\" FROM t WHERE id = '1'"), "one");
  EXPECT_EQ(One("SELECT number FROM t"), "2");
  EXPECT_EQ(All("id,n\n1,one\n", "separator=',', header=yes, k integer, v"), "1|one");
  EXPECT_EQ(All("# c\n\"a\nb\",c\n1,2\n", "separator=',', comment='#', header=yes"), "1|2");
  EXPECT_EQ(One("SELECT \"a\nb\" FROM t"), "1");
  EXPECT_EQ(All("a b\n1 2\n", "separator=blanks, header=yes"), "1|2");
  EXPECT_EQ(All("a b\n1 2\n", "header=yes"), "1 2");
  EXPECT_EQ(All("id,n\n2,b\n10,a\n", "separator=',', header=yes, sorted=n desc"), "2|b\n10|a");
}

TEST_F(FieldsTest, LinesAreSkippedAndCommentsAreNoRows) {
  std::string bytes = "made by\na tool\n# x\na\n#b\nc\n";
  EXPECT_EQ(All(bytes, "skip=2, comment='#'"), "4|19|a\n6|24|c");
  EXPECT_EQ(Rows("SELECT text FROM t ORDER BY offset DESC"), "c\na");
  EXPECT_EQ(Rows("SELECT text FROM t WHERE number BETWEEN 3 AND 5"), "a");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(All(bytes, "skip=99"), "");
  EXPECT_EQ(All("a,b\n", "separator=',', skip=0, x"), "a");
}

TEST_F(FieldsTest, HiddenColumnsGiveWay) {
  Make("7,8\n", "separator=',', number, line");
  EXPECT_EQ(Rows("SELECT number, line, offset, length FROM t"), "7|8|0|3");
}

TEST_F(FieldsTest, OnePartOfAFile) {
  Make("xx\na,b\nc,d\ne,f\n", "separator=',', offset=3, length=8, x, y");
  EXPECT_EQ(Rows("SELECT number, offset, x, y FROM t"), "1|3|a|b\n2|7|c|d");
}

TEST_F(FieldsTest, GroupsOfAPatternAreColumns) {
  std::string bytes = "h1 - [a b] 200\nnothing\nh2 - [c] -\n";
  Make(bytes, "match='^(\\S+) - \\[(.*?)\\] (\\d+|-)', host, what, status integer");
  EXPECT_EQ(Rows("SELECT number, * FROM t"), "1|h1|a b|200\n3|h2|c|-");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(One("SELECT host FROM t WHERE offset >= 5 AND offset < 30"), "h2");
  EXPECT_EQ(Rows("SELECT host FROM t ORDER BY number DESC"), "h2\nh1");
  EXPECT_EQ(All("ab=1;c\n", "match='(?<k>\\w+)=(?<v>\\d)'"), "ab|1");
  EXPECT_EQ(One("SELECT v FROM t WHERE k = 'ab'"), "1");
  EXPECT_EQ(All("ab=1;c\n", "match='(?<k>\\w+)=(?<v>\\d)', v integer"), "1");
  EXPECT_EQ(All("ab\n", "match='(a)(x)?(b)'"), "a|NULL|b");
  EXPECT_EQ(One("SELECT g3 FROM t"), "b");
}

TEST_F(FieldsTest, ATableOfAnyFile) {
  Put("a", "1,x\n");
  Put("b", "2,y\n3,z\n");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines(*, separator=',', k integer, v)");
  EXPECT_EQ(Rows("SELECT * FROM t('b')"), "2|y\n3|z");
  EXPECT_EQ(Rows("SELECT f.column1, k FROM (VALUES ('a'), ('b')) f JOIN t ON file = f.column1"),
            "a|1\nb|2\nb|3");
  EXPECT_EQ(Rows("SELECT v FROM t(mmap_open('b')) WHERE k = 3"), "z");
  EXPECT_EQ(Rows("SELECT * FROM t(NULL)"), "");
  EXPECT_EQ(Error("SELECT * FROM t"), "ERROR t: the file is missing: t(file) or WHERE file = …");
}

TEST_F(FieldsTest, SaysWhatIsWrong) {
  Put("h", "a,,b\n");
  Put("twice", "a,B,b\n");
  Put("e", "");
  EXPECT_EQ(Refused("h, separator='ab', x"),
            "separator 'ab' is neither one character of ASCII nor tab nor blanks");
  EXPECT_EQ(Refused("h, separator=',', quote='no', x"),
            "quote 'no' is neither one character of ASCII nor none");
  EXPECT_EQ(Refused("h, separator=',', quote=',', x"), "quote ',' is the separator");
  EXPECT_EQ(Refused("h, separator=','"), "option 'separator' needs columns, or header=yes");
  EXPECT_EQ(Refused("h, null=''"), "option 'null' needs columns, or header=yes");
  EXPECT_EQ(Refused("h, x, y"), "more than one column needs separator= or match=");
  EXPECT_EQ(Refused("h, separator=',', x, X"), "column 'X' is there twice");
  EXPECT_EQ(Refused("h, x decimal"),
            "unknown type 'decimal': there are text, integer, real, ipv4, blob");
  EXPECT_EQ(Refused("h, separator=',', header=yes"), "the header of 'h' has no name for column 2");
  EXPECT_EQ(Refused("twice, separator=',', header=yes"), "the header of 'twice' names 'b' twice");
  EXPECT_EQ(Refused("e, separator=',', header=yes"), "'e' has no header");
  EXPECT_EQ(Refused("*, separator=',', header=yes"),
            "a header is of one file: a table of any file needs columns");
  EXPECT_EQ(Refused("*, file"), "column 'file' is there already, hidden");
  EXPECT_EQ(Refused("h, header=maybe"), "header 'maybe' is neither yes nor no");
  EXPECT_EQ(Refused("h, skip=x"), "skip 'x' is no number of lines");
  EXPECT_EQ(Refused("h, comment=''"), "comment '' is how every line begins");
  EXPECT_EQ(Refused("h, x, sorted=y"), "sorted 'y' is no column, nor one and desc");
  EXPECT_EQ(Refused("h, x, sorted=x up"), "sorted 'x up' is no column, nor one and desc");
  EXPECT_EQ(Refused("h, match='(', x"), "match: bad pattern at 1: missing closing parenthesis");
  EXPECT_EQ(Refused("h, match='a'"), "match has no groups, which would be the columns");
  EXPECT_EQ(Refused("h, match='(a)', x, y"), "column 'y' is one more than match has groups, 1");
  EXPECT_EQ(Refused("h, match='(?<a>a)', y"), "column 'y' is no group of match");
  EXPECT_EQ(Refused("h, match='(a)', separator=','"), "match= does not go with separator=");
  EXPECT_EQ(Refused("h, match='(a)', quote=none"), "match= does not go with quote=");
}

TEST_F(FieldsTest, APatternThatNeedsTooMuchWorkNamesTheLine) {
  Make("ok\n" + std::string(60, 'a') + "\n", "match='^((?:a+)+)$|(ok)', x, y");
  EXPECT_EQ(One("SELECT y FROM t LIMIT 1"), "ok");
  Make("ok\n" + std::string(200, 'a') + "b\n", "match='^((?:a|a?)+)$|(ok)', x, y");
  EXPECT_EQ(Error("SELECT count(*) FROM t"),
            "ERROR t: the line at offset 3: the pattern needs too much work at offset 0");
}

// What the schema of a database says is not reason enough to read a file.
TEST_F(FieldsTest, AHeaderIsNotReadForASchemaThatIsNotTrusted) {
  Put("f", "a,b\n1,2\n");
  Db file("d.db");
  file.Run("CREATE VIRTUAL TABLE t USING mmap_lines('f', separator=',', header=yes)");
  file.Run("CREATE VIRTUAL TABLE u USING mmap_lines('f', separator=',', header=yes, x, y)");
  Db again("d.db");
  EXPECT_EQ(again.Rows("SELECT a, b FROM t"), "1|2");
  Db wary("d.db");
  wary.Run("PRAGMA trusted_schema = off");
  EXPECT_EQ(wary.Error("SELECT * FROM t"),
            "ERROR mmap_lines: trusted_schema is off: name the columns that the header has");
  EXPECT_EQ(wary.Rows("SELECT x, y FROM u"), "1|2");
}

// What stands behind the number in EXPLAIN QUERY PLAN, up to what is not for people.
std::string PlanWords(const std::string &plan) {
  size_t from = plan.find(':', plan.find("INDEX ")) + 1;
  return plan.substr(from, plan.find(": ", from) - from);
}

TEST_F(FieldsTest, PlansSayWhatTheyDo) {
  Make("1,a\n2,b\n", "separator=',', k integer, v, sorted=k");
  auto plan = [this](const std::string &rest) {
    return PlanWords(db->Plan("SELECT * FROM t " + rest));
  };
  EXPECT_EQ(plan(""), "SCAN");
  EXPECT_EQ(plan("WHERE v = 'a'"), "SCAN");
  EXPECT_EQ(plan("WHERE k = 1"), "SEARCH (k=?)");
  EXPECT_EQ(plan("WHERE k <= 1 ORDER BY k DESC LIMIT 1"), "SEARCH (k<=?) DESC");
  EXPECT_EQ(plan("WHERE k > 1 AND number < 7"), "SEARCH (k>? AND number<?)");
  EXPECT_EQ(plan("ORDER BY k DESC"), "SCAN DESC");
  Make("a\n", "sorted=yes");
  EXPECT_EQ(plan("WHERE text >= 'b'"), "SEARCH (text>=?)");
}

TEST_F(FieldsTest, PlansOfAllTablesSayWhatTheyDo) {
  Put("f", std::string(4, 0));
  Run("CREATE VIRTUAL TABLE temp.r USING mmap('f', k u8, sorted=k);"
      "CREATE VIRTUAL TABLE temp.c USING mmap('f', k u8, d blob(k));"
      "CREATE VIRTUAL TABLE temp.l USING mmap(*, k u8, d blob(k), \"a:b#c\" u8)");
  const std::pair<const char *, const char *> plans[] = {
      {"r WHERE k = 1", "SEARCH (k=?)"},
      {"r WHERE rowid < 3", "SEARCH (rowid<?)"},
      {"mmap('f')", "SCAN"},
      {"mmap('f') WHERE offset >= 2", "SEARCH (offset>=?)"},
      {"mmap('f') WHERE byte = 2", "SEARCH (byte=?)"},
      {"c", "SCAN"},
      {"c WHERE k = 1", "SCAN"},
      {"c WHERE rowid = 1", "SEARCH (rowid=?)"},
      {"c WHERE offset BETWEEN 1 AND 2", "SEARCH (offset>=? AND offset<=?)"},
      {"l('f')", "SCAN"},
      {"l('f') WHERE \"a:b#c\" = 1", "SCAN"},
      {"l('f', 2) WHERE offset < 3 AND rowid >= 0", "SEARCH (offset<? AND rowid>=?)"},
      {"mmap_find_all('f', 'b')", "SCAN"},
      {"mmap_find_all('f', 'b') WHERE offset > 1", "SEARCH (offset>?)"},
      {"mmap_lines('f') WHERE number = 1", "SEARCH (number=?)"}};
  for (const auto &p : plans) {
    EXPECT_EQ(PlanWords(db->Plan("SELECT * FROM " + std::string(p.first))), p.second) << p.first;
    EXPECT_EQ(One("SELECT count(*) > 0 FROM " + std::string(p.first)).size(), 1U) << p.first;
  }
  Put("f", "1,2\n3,4\n");
  Make("1,2\n3,4\n", "separator=',', \"a: b#1\" integer, v integer, sorted='\"a: b#1\"'");
  EXPECT_EQ(One("SELECT v FROM t WHERE \"a: b#1\" = 3"), "4");
}

} // namespace
} // namespace mm_test
