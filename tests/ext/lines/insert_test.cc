// INSERT into mmap_lines: what is appended reads back, or is refused; in the transaction.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <cstdlib>
#include <random>

namespace mm_test {
namespace {

class InsertLinesTest : public SqlTest {
protected:
  void Make(const std::string &bytes, const std::string &arguments) {
    Put("f", bytes);
    Run("DROP TABLE IF EXISTS temp.t");
    Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines('f', " + arguments + ")");
  }
  // The file after an INSERT, or the error.
  std::string After(const std::string &bytes, const std::string &arguments,
                    const std::string &values) {
    Make(bytes, arguments);
    std::string error = Error("INSERT INTO t VALUES" + values);
    EXPECT_TRUE(error == "ok" || Get("f") == bytes);
    return error == "ok" ? Get("f") : error;
  }
};

TEST_F(InsertLinesTest, AppendsWithTheEndsThatTheFileHas) {
  EXPECT_EQ(After("", "separator=',', x, y", "('a', 'b')"), "a,b\n");
  EXPECT_EQ(After("a,b\r\n", "separator=',', x, y", "('c', 'd')"), "a,b\r\nc,d\r\n");
  EXPECT_EQ(After("a,b", "separator=',', x, y", "('c', 'd'), ('e', 'f')"), "a,b\nc,d\ne,f\n");
  EXPECT_EQ(After("a,b\r\nc,d", "separator=',', x, y", "('e', 'f')"), "a,b\r\nc,d\r\ne,f\r\n");
  EXPECT_EQ(After("one\n", "sorted=no", "(NULL, NULL, 'two')"), "one\ntwo\n");
  // So is one that is no row.
  EXPECT_EQ(After("x,y", "separator=',', header=yes", "('c', 'd')"), "x,y\nc,d\n");
  EXPECT_EQ(After("x,y\r\n", "separator=',', header=yes", "('c', 'd')"), "x,y\r\nc,d\r\n");
  EXPECT_EQ(After("1\n2", "separator=',', skip=2, x, y", "('c', 'd')"), "1\n2\nc,d\n");
  EXPECT_EQ(After("# c", "separator=',', comment='#', x, y", "('c', 'd')"), "# c\nc,d\n");
  EXPECT_EQ(After("\xef\xbb\xbf", "separator=',', x, y", "('c', 'd')"), "\xef\xbb\xbf"
                                                                        "c,d\n");
}

TEST_F(InsertLinesTest, QuotesWhatNeedsIt) {
  EXPECT_EQ(After("", "separator=',', x, y", "('a,b', 'c\"d'), ('e\nf', ''), ('g\r', 'h')"),
            "\"a,b\",\"c\"\"d\"\n\"e\nf\",\n\"g\r\",h\n");
  EXPECT_EQ(After("", "separator=',', null='', x, y", "('', NULL), (NULL, 'b')"), "\"\",\n,b\n");
  EXPECT_EQ(After("", "separator=',', comment='#', x, y", "('#a', '#b')"), "\"#a\",#b\n");
  EXPECT_EQ(After("", "separator=blanks, quote='\"', x, y", "('a b', ''), (' ', 'c')"),
            "\"a b\" \"\"\n\" \" c\n");
  EXPECT_EQ(After("", "separator=',', x", "('\xef\xbb\xbf')"), "\"\xef\xbb\xbf\"\n");
}

TEST_F(InsertLinesTest, ValuesHaveTheAffinityOfTheirColumns) {
  EXPECT_EQ(After("", "separator=',', i integer, r real, x, b blob",
                  "('007', 5, 1.50, x'6162'), (2.0, '1e3', 7, x''), (1.5, 0.1, 'x', x'00')"),
            std::string("7,5.0,1.5,ab\n2,1000.0,7,\n1.5,0.1,x,\0\n", 37));
  EXPECT_EQ(One("SELECT group_concat(typeof(i) || typeof(r) || typeof(x) || typeof(b)) FROM t"),
            "integerrealtextblob,integerrealtextblob,realrealtextblob");
}

TEST_F(InsertLinesTest, RefusesWhatWouldNotReadBack) {
  std::string column = "CONSTRAINT t: column 'x' would not read back as it is";
  EXPECT_EQ(After("", "separator=tab, x, y", "('a' || char(9), 'b')"), column);
  EXPECT_EQ(After("", "separator=tab, x, y", "(NULL, 'b')"), column);
  EXPECT_EQ(After("", "separator=tab, null='-', x, y", "('-', 'b')"), column);
  EXPECT_EQ(After("", "separator=tab, x, y", "(x'61', 'b')"), column);
  EXPECT_EQ(After("", "separator=tab, y, x", "('a', 'b' || char(13))"), column);
  EXPECT_EQ(After("", "separator=tab, y, x", "('a', 'b' || char(10))"),
            "CONSTRAINT t: the line would not read back as it is: it would be more than one");
  EXPECT_EQ(After("", "separator=tab, comment='#', x, y", "('#', 'b')"),
            "CONSTRAINT t: the line would not read back as it is: it would be a comment");
  EXPECT_EQ(
      After("", "separator=',', header=yes, x, y", "('a', 'b')"),
      "CONSTRAINT t: the line would not read back as it is: it would be a header, or skipped");
  EXPECT_EQ(
      After("a\n", "separator=',', skip=2, x, y", "('a', 'b')"),
      "CONSTRAINT t: the line would not read back as it is: it would be a header, or skipped");
  EXPECT_EQ(After("a,\"b\n", "separator=',', x, y", "('a', 'b')"),
            "CONSTRAINT t: 'f' ends inside of quotes");
  EXPECT_EQ(After("a\tb\r", "separator=tab, x, y", "('a', 'b')"),
            "CONSTRAINT t: the last line of 'f' ends with a carriage return, which would be lost");
  EXPECT_EQ(After("", "separator=blanks, x, y", "('', 'b')"), column);
  EXPECT_EQ(After("", "separator=',', i integer, x blob", "(1, 'text')"), column);
  EXPECT_EQ(After("", "separator=tab, x real, y", "(9e999, 'b')"), column);
  EXPECT_EQ(After("", "separator=tab, x integer, y", "(9e999, 'b')"), column);
  EXPECT_EQ(After("", "separator=tab, x integer, y", "('-1e999', 'b')"), column);
}

TEST_F(InsertLinesTest, TrailingNullsAreFieldsThatAreMissing) {
  EXPECT_EQ(After("", "separator=',', x, y, z", "('a', NULL, NULL), ('b', 'c', NULL)"), "a\nb,c\n");
  EXPECT_EQ(Rows("SELECT * FROM t"), "a|NULL|NULL\nb|c|NULL");
}

TEST_F(InsertLinesTest, KeepsTheOrder) {
  Make("a,1\nb,5\n", "separator=',', x, k integer, sorted=k");
  EXPECT_EQ(Error("INSERT INTO t VALUES('c', 4)"),
            "CONSTRAINT t: 'k' would break the order: the last line, at offset 4, comes behind it");
  Run("INSERT INTO t VALUES('c', 5), ('d', 7)");
  EXPECT_EQ(Rows("SELECT x FROM t WHERE k >= 5"), "b\nc\nd");
  Run("INSERT OR IGNORE INTO t VALUES('e', 1), ('f', 8)");
  EXPECT_EQ(One("SELECT group_concat(x, '') FROM t"), "abcdf");
  EXPECT_EQ(
      Error("INSERT INTO t VALUES('g' || char(10), 9)"),
      "CONSTRAINT t: the line would not read back as it is: rows of a sorted table are lines");
  Make("9\n3\n", "k integer, sorted=k desc");
  Run("INSERT INTO t VALUES(2)");
  EXPECT_FALSE(db->Succeeds("INSERT INTO t VALUES(3)"));
  Make("9\n3\n", "k integer, sorted=k");
  EXPECT_EQ(
      Error("INSERT INTO t VALUES(11)"),
      "DAMAGED t: the line at offset 2 is out of order: its 'k' comes after that of the one at "
      "0: run mmap_check");
}

TEST_F(InsertLinesTest, ARowThatIsSortedHasItsKey) {
  for (const char *sorted : {"sorted=k", "sorted=k desc"}) {
    for (const char *lines : {"", "a,5\n"}) {
      Make(lines, std::string("separator=',', x, k, ") + sorted);
      EXPECT_EQ(Error("INSERT INTO t(x) VALUES('b')"),
                "CONSTRAINT t: column 'k' would not read back as it is");
      EXPECT_EQ(Get("f"), lines);
    }
  }
  Make("", "separator=',', null='', x, k, sorted=k");
  Run("INSERT INTO t(x) VALUES('b')");
  EXPECT_EQ(Rows("SELECT x FROM t ORDER BY k"), "b");
}

TEST_F(InsertLinesTest, BelongsToTheTransaction) {
  Make("a,1\n", "separator=',', x, n integer");
  Run("BEGIN; INSERT INTO t VALUES('b', 2); SAVEPOINT s; INSERT INTO t VALUES('c', 3)");
  EXPECT_EQ(Rows("SELECT * FROM t"), "a|1\nb|2\nc|3");
  EXPECT_EQ(Get("f"), "a,1\n");
  Run("ROLLBACK TO s; INSERT INTO t VALUES('d', 4)");
  EXPECT_EQ(Rows("SELECT number, offset, x FROM t WHERE number > 1"), "2|4|b\n3|8|d");
  EXPECT_EQ(Error("DROP TABLE t").substr(0, 6), "LOCKED");
  Run("COMMIT");
  EXPECT_EQ(Get("f"), "a,1\nb,2\nd,4\n");
  Run("BEGIN; INSERT INTO t SELECT x || '2', n FROM t");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "6");
  Run("ROLLBACK");
  EXPECT_EQ(Get("f"), "a,1\nb,2\nd,4\n");
  EXPECT_EQ(Error("INSERT INTO t VALUES('e', 5), (NULL, 6)"),
            "CONSTRAINT t: column 'x' would not read back as it is");
  EXPECT_EQ(Get("f"), "a,1\nb,2\nd,4\n");
  EXPECT_FALSE(HasJournal("f"));
  Run("INSERT INTO t(x) VALUES('e')");
  EXPECT_EQ(Rows("SELECT last_insert_rowid()"), "12");
  Run("DROP TABLE t");
}

TEST_F(InsertLinesTest, NothingElseIsWritten) {
  Make("a,1\n", "separator=',', x, n");
  std::string stays = "READONLY t: a line that is there is not changed: UPDATE and DELETE are for "
                      "tables of the module mmap";
  EXPECT_EQ(Error("UPDATE t SET x = 'b'"), stays);
  EXPECT_EQ(Error("DELETE FROM t"), stays);
  EXPECT_EQ(Error("INSERT INTO t(rowid, x) VALUES(4, 'b')"),
            "CONSTRAINT t: the rowid of a line is its offset");
  EXPECT_EQ(Error("INSERT INTO t(x, rest) VALUES('b', 'c')").substr(0, 10), "CONSTRAINT");
  Run("CREATE VIRTUAL TABLE temp.l USING mmap_lines(*, separator=',', x, y)");
  EXPECT_EQ(Error("INSERT INTO l(file, x) VALUES('f', 'b')"),
            "READONLY l: a table of any file is only read: CREATE VIRTUAL TABLE … USING "
            "mmap_lines(path, …) makes one that takes lines");
  EXPECT_EQ(Error("INSERT INTO mmap_lines(text) VALUES('b')").substr(0, 20),
            "READONLY mmap_lines:");
  Run("CREATE VIRTUAL TABLE temp.m USING mmap_lines('f', match='(.)')");
  EXPECT_EQ(Error("INSERT INTO m VALUES('b')"),
            "READONLY m: match= takes lines apart, and cannot make one");
  Run("CREATE VIRTUAL TABLE temp.p USING mmap_lines('f', length=2, separator=',', x)");
  EXPECT_EQ(Error("INSERT INTO p VALUES('b')"), "ERROR p: a table of fixed length does not grow");
  EXPECT_EQ(Get("f"), "a,1\n");
}

TEST_F(InsertLinesTest, ManyLinesAreAppendedInOneTransaction) {
  Make("", "separator=',', n integer, x");
  Run("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000) "
      "INSERT INTO t SELECT i, CASE i % 3 WHEN 0 THEN 'two' || char(10) || 'lines' ELSE 'x' END "
      "FROM c");
  EXPECT_EQ(Rows("SELECT count(*), sum(n), max(number) FROM t"), "5000|12502500|6666");
  EXPECT_EQ(One("SELECT n FROM t WHERE number = 3999"), "3000");
}

// Whatever is accepted reads back, in its type, behind what was there.
TEST_F(InsertLinesTest, RandomValuesReadBackOrAreRefused) {
  std::mt19937_64 random(17);
  const char *const how[] = {"separator=','",
                             "separator=tab",
                             "separator=blanks",
                             "separator=';', null=''",
                             "separator=',', null='NA', comment='#'",
                             "separator=blanks, quote='\"', comment='a'"};
  const char *const types[] = {"text", "integer", "real", "ipv4", "blob"};
  Run("SELECT mmap_config('synchronous', 'off')");
  for (int i = 0; i < Rounds(40) && !HasFailure(); i++) {
    std::string declared, kinds[3];
    for (int k = 0; k < 3; k++) {
      kinds[k] = types[random() % 5];
      declared += std::string(", c") + static_cast<char>('0' + k) + " " + kinds[k];
    }
    Make(random() % 2 ? "" : "q,\"r\"", how[random() % 6] + declared);
    Run("DROP TABLE IF EXISTS o; CREATE TABLE o AS SELECT * FROM t LIMIT 0; DROP TABLE o");
    std::string columns;
    for (int k = 0; k < 3; k++) {
      columns += std::string(k ? ", c" : "c") + static_cast<char>('0' + k) + " " +
                 (kinds[k] == "ipv4" ? "TEXT" : kinds[k]);
    }
    Run("CREATE TABLE o(" + columns + "); INSERT INTO o SELECT * FROM t");
    for (int n = 0; n < 40; n++) {
      std::string values;
      for (int k = 0; k < 3; k++) {
        std::string text;
        for (size_t m = random() % 4; m > 0; m--) text += "a7,;\t \"\n\r#.N"[random() % 12];
        const std::string made[] = {"NULL",      std::to_string(static_cast<int>(random() % 9)),
                                    "1.5",       "0.1",
                                    Quote(text), Quote(text),
                                    Blob(text)};
        values += (k ? ", " : "") + made[random() % 7];
      }
      if (db->Succeeds("INSERT INTO t VALUES(" + values + ")")) {
        Run("INSERT INTO o VALUES(" + values + ")");
      }
    }
    std::string all = "SELECT quote(c0), typeof(c0), quote(c1), typeof(c1), quote(c2), typeof(c2) "
                      "FROM ";
    EXPECT_EQ(Rows(all + "t"), Rows(all + "o")) << declared << "\n" << Get("f");
  }
}

} // namespace
} // namespace mm_test
