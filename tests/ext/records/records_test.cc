// Tables on files: what CREATE VIRTUAL TABLE takes, records of all types, writing them, and real
// files.
#include "tests/support/sql.h"

#include <unistd.h>
#include <utmp.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <random>

namespace mm_test {
namespace {

class RecordsTest : public SqlTest {
protected:
  std::string Create(const std::string &arguments) {
    return Error("CREATE VIRTUAL TABLE temp.t USING mmap(" + arguments + ")");
  }
  void Make(const std::string &arguments) { EXPECT_EQ(Create(arguments), "ok") << arguments; }
};

/* ---- arguments ------------------------------------------------------------------------------ */

TEST_F(RecordsTest, ReadsFieldsOneAfterTheOther) {
  Put("a.bin", std::string("\1\2\0ab\xff\xff\3\4\0c\0\0\0", 14));
  Make("'a.bin', id u8, n u16le, name text(2), x i16be");
  EXPECT_EQ(Rows("SELECT rowid, offset, * FROM t"), "0|0|1|2|ab|-1\n1|7|3|4|c|0");
}

TEST_F(RecordsTest, PlacesFieldsAnywhereEvenOverlapping) {
  Put("a.bin", "0123456789abcdef");
  Make("a.bin, record=0x8, w blob(4) @0, c text(1) @2, d text(2), e text(1)@0x7");
  EXPECT_EQ(Rows("SELECT * FROM t"), "x'30313233'|2|34|7\nx'38396162'|a|bc|f");
}

TEST_F(RecordsTest, TakesQuotedNamesAndPaths) {
  Put("it's, a 'file' (1).bin", "xy");
  Make("'it''s, a ''file'' (1).bin', \"odd name\" u8, [another, one] u8, `third` u8 @0");
  EXPECT_EQ(One("SELECT \"odd name\" + [another, one] + third FROM t"), "361");
}

TEST_F(RecordsTest, StartsAndEndsWhereItIsTold) {
  Put("a.bin", "HEADabcdTAIL");
  Make("'a.bin', offset=4, length=0x4, x text(2)");
  EXPECT_EQ(Rows("SELECT rowid, offset, x FROM t"), "0|4|ab\n1|6|cd");
  EXPECT_EQ(One("SELECT group_concat(mmap_get('a.bin', offset, 'text(2)')) FROM t"), "ab,cd");
}

TEST_F(RecordsTest, LeavesOutTrailingBytes) {
  Put("a.bin", "abcde");
  Make("'a.bin', x text(2)");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  Run("CREATE VIRTUAL TABLE temp.e USING mmap('a.bin', offset=5, x u8)");
  EXPECT_EQ(One("SELECT count(*) FROM e"), "0");
}

// Fixed-width text whose last line has no newline: `record=` counts the line's end, no column does.
TEST_F(RecordsTest, ALastRecordThatHasItsColumnsIsARow) {
  Put("fw.txt", "DUPONT    0001\r\nDURAND    0002\r\nMARTIN    0003");
  Make("'fw.txt', record=16, name text(10), num text(4), sorted=num");
  EXPECT_EQ(Rows("SELECT rowid, offset, trim(name), num FROM t"),
            "0|0|DUPONT|0001\n1|16|DURAND|0002\n2|32|MARTIN|0003");
  EXPECT_EQ(Rows("SELECT rowid FROM t ORDER BY rowid DESC LIMIT 1"), "2");
  EXPECT_EQ(One("SELECT trim(name) FROM t WHERE offset = 32"), "MARTIN");
  EXPECT_EQ(One("SELECT trim(name) FROM t WHERE num = '0003'"), "MARTIN");
  EXPECT_EQ(One("SELECT trim(name) FROM t WHERE num > '0001' ORDER BY num DESC"), "MARTIN\nDURAND");
  EXPECT_EQ(One("SELECT length FROM mmap_list WHERE name = 't'"), "46");
  Put("fw.txt", "DUPONT    0001\r\nDURAND    0002\r\nMARTIN    000");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  Put("fw.txt", "DUPONT    0001\r\nDURAND    0002\r\nMARTIN    0003\r");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "3");
  Put("fw.txt", "DUPONT    0001\r\nDURAND    0002\r\nMARTIN    0000");
  EXPECT_EQ(One("SELECT mmap_check('t')"),
            "record 2 is out of order: its 'num' '0000' comes after '0002' of record 1");
}

TEST_F(RecordsTest, ALastRecordWithoutItsEndIsUpdatedInPlaceOnly) {
  std::string lines = "one  1\ntwo  2\nthree3";
  Put("fw.txt", lines);
  Make("'fw.txt', record=7, delete=yes, name text(5), n text(1)");
  std::string refused = "ERROR t: 'fw.txt' has 6 bytes past its last whole record";
  EXPECT_EQ(Error("INSERT INTO t VALUES('four ', '4')"), refused);
  EXPECT_EQ(Error("DELETE FROM t WHERE rowid = 0"), refused);
  EXPECT_EQ(Error("DELETE FROM t WHERE rowid = 2"), refused);
  EXPECT_EQ(Get("fw.txt"), lines);
  Run("UPDATE t SET n = '9' WHERE rowid = 2");
  EXPECT_EQ(Get("fw.txt"), "one  1\ntwo  2\nthree9");
  Run("REPLACE INTO t(rowid, n) VALUES(2, 'x')");
  EXPECT_EQ(Get("fw.txt"), std::string("one  1\ntwo  2\n\0\0\0\0\0x", 20));
  Run("SELECT mmap_insert('fw.txt', 20, char(10)); INSERT INTO t VALUES('four ', '4')");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "4");
}

TEST_F(RecordsTest, ALastRecordOfAWindowEndsWithIt) {
  Put("a.bin", "abcdefgh");
  Make("'a.bin', length=5, record=3, x text(2)");
  EXPECT_EQ(Rows("SELECT x FROM t"), "ab\nde");
  Run("REPLACE INTO t(rowid, x) VALUES(1, '')");
  EXPECT_EQ(Get("a.bin"), std::string("abc\0\0fgh", 8));
}

TEST_F(RecordsTest, WithoutColumnsHasARowAByte) {
  Put("a.bin", "abc");
  Make("'a.bin', offset=1");
  EXPECT_EQ(Rows("SELECT rowid, offset, byte FROM t"), "1|1|98\n2|2|99");
  EXPECT_EQ(One("SELECT rowid FROM t WHERE offset = 2"), "2");
}

TEST_F(RecordsTest, HidesOffset) {
  Put("a.bin", "abc");
  Make("'a.bin', x u8");
  EXPECT_EQ(One("SELECT group_concat(name) FROM pragma_table_info('t')"), "x");
  EXPECT_EQ(One("SELECT group_concat(name || hidden) FROM pragma_table_xinfo('t')"), "x0,offset1");
}

TEST_F(RecordsTest, SaysWhichArgumentIsWrong) {
  Put("a.bin", "0123456789");
  const std::string types =
      "there are u8 to u64 and i8 to i64 in steps of 8, f16, bf16, f32, f64, with le or be behind "
      "what has more than a byte; with a size blob(n), text(n), latin1(n), utf16le(n), utf16be(n); "
      "uuid, guid; uleb128, sleb128, varint, vlq, vlq1, cstr; and TYPE[n]";
  const std::vector<std::pair<std::string, std::string>> wrong = {
      {"", "a path is needed"},
      {"''", "a path is needed"},
      {"'a.bin', colour=red",
       "unknown option 'colour': there are access, delete, offset, length, record, sorted, "
       "synchronous, count, while, until, check, align, endian, partial"},
      {"'a.bin', offset=1, x u8, OFFSET=2", "option 'OFFSET' is given twice"},
      {"'a.bin', access=read, delete=yes",
       "delete=yes does not go with access=read: nothing is written"},
      {"'a.bin', delete=yes, x u8, access=copy",
       "delete=yes does not go with access=copy: the size stays"},
      {"'a.bin', access=rw", "access 'rw' is none of read, write, copy, create"},
      {"'a.bin', offset=-1", "offset '-1' is no number of bytes"},
      {"'a.bin', offset='0xg'", "offset '0xg' is no number of bytes"},
      {"'a.bin', length='1k'", "length '1k' is no number of bytes"},
      {"'a.bin', record=4", "option 'record' needs columns"},
      {"'a.bin', record=3, x u32le", "record 3 is less than the 4 bytes of its columns"},
      {"'a.bin', record=0, x u8", "record 0 is less than the 1 bytes of its columns"},
      {"'a.bin', x u33", "column 'x': 'u33' is no type: " + types},
      {"'a.bin', x", "column 'x': '' is no type: " + types},
      {"'a.bin', x u8 @y", "column 'x': '@y' is no place in a record"},
      {"'a.bin', x text(0)", "column 'x': 'text(0)' is no type: its size must be 1 to 2147483647"},
      {"'a.bin', x u8, X u16le", "column 'X' is there twice"},
      {"'a.bin', offset u8", "column 'offset' is there already: every record has one"},
      {"'a.bin', x u8, sorted=y", "sorted 'y' is no column"},
      {"'a.bin', sorted=byte", "option 'sorted' needs columns"},
      {"'a.bin', x uint32", "column 'x': 'uint32' is no type: say u32le or u32be"},
      {"'a.bin', x char(12)", "column 'x': 'char(12)' is no type: say text(12)"},
      {"'a.bin', 5", "column '5': '' is no type: " + types},
      {"'a.bin', +", "'+' is neither an option nor a column"},
      {"'a.bin', offset=11", "offset 11 is outside 'a.bin' (10 bytes)"},
      {"'a.bin', offset=4, length=7", "length 7 is more than 'a.bin' has (6 bytes)"},
      {"'a.bin', synchronous=maybe", "synchronous 'maybe' is none of off, normal, full"},
  };
  for (const auto &w : wrong) {
    EXPECT_EQ(Create(w.first), "ERROR mmap: " + w.second) << w.first;
  }
  EXPECT_EQ(Create("'none.bin', x u8"),
            "CANTOPEN mmap: cannot open 'none.bin': No such file or directory");
}

TEST_F(RecordsTest, TheFunctionFormNeedsItsFile) {
  std::string missing = "ERROR mmap: the file is missing: mmap(file) or WHERE file = …";
  EXPECT_EQ(Error("SELECT * FROM mmap"), missing);
  EXPECT_EQ(Error("UPDATE mmap SET byte = 1 WHERE offset = 0"), missing);
}

TEST_F(RecordsTest, ADatabaseOpensWithoutTheFilesOfItsTables) {
  Put("a.bin", "abc");
  {
    Db first("d.db");
    first.Run("CREATE VIRTUAL TABLE t USING mmap('a.bin', x u8)");
  }
  unlink("a.bin");
  Db second("d.db");
  EXPECT_EQ(second.One("SELECT count(*) FROM sqlite_master"), "1");
  EXPECT_EQ(second.Error("SELECT * FROM t"),
            "CANTOPEN t: cannot open 'a.bin': No such file or directory");
  Put("a.bin", "abcd");
  EXPECT_EQ(second.One("SELECT count(*) FROM t"), "4");
  unlink("a.bin");
  second.Run("DROP TABLE t");
}

/* ---- bounds --------------------------------------------------------------------------------- */

// SQLite before 3.34 goes through all rows for the least value of a virtual table.
const char *const kLeast = sqlite3_libversion_number() < 3034000
                               ? "SELECT offset FROM t ORDER BY offset LIMIT 1"
                               : "SELECT min(offset) FROM t";

TEST_F(RecordsTest, BoundsBecomePlacesInTheFile) {
  Put("a.bin", std::string(300000, 'x'));
  Make("'a.bin', x text(3)");
  for (const char *sql :
       {"SELECT x FROM t WHERE rowid = 99999", "SELECT x FROM t WHERE offset = 297",
        "SELECT x FROM t WHERE rowid >= 99990", "SELECT max(rowid) FROM t",
        "SELECT x FROM t WHERE offset < 20", kLeast, "SELECT x FROM t ORDER BY rowid DESC LIMIT 3",
        "SELECT x FROM t WHERE rowid IN (5, 50000, 7)", "SELECT x FROM t ORDER BY offset LIMIT 2",
        "SELECT byte FROM mmap('a.bin') WHERE offset BETWEEN 5 AND 8",
        "SELECT byte FROM mmap('a.bin') ORDER BY offset DESC LIMIT 5",
        "SELECT offset FROM mmap('a.bin') WHERE byte = 10"}) {
    EXPECT_LT(db->Steps(sql), 250) << sql;
  }
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE offset = 298"), "0");
  EXPECT_EQ(One("SELECT min(rowid) FROM t WHERE offset > 3.5"), "2");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid < '3'"), "3");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid < 'x'"), "100000");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid > NULL"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid > 9e99"), "0");
}

/* ---- writing -------------------------------------------------------------------------------- */

TEST_F(RecordsTest, UpdatesOnlyTheFieldsThatAreSet) {
  Put("a.bin", "aabbccdd");
  Make("'a.bin', x text(1), y text(1), record=4, z text(1) @3");
  Run("BEGIN; UPDATE t SET y = 'Y' WHERE rowid = 1");
  EXPECT_EQ(Rows("SELECT offset, length, old, new FROM mmap_changes"), "5|1|x'63'|x'59'");
  Run("COMMIT");
  EXPECT_EQ(Get("a.bin"), "aabbcYdd");
  Run("BEGIN; UPDATE t SET x = x, y = y");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_changes"), "0");
  Run("COMMIT");
}

TEST_F(RecordsTest, UpdateFromKeepsTheOtherFieldsToTheLastBit) {
  // Text with something behind its NUL, and a NaN of its own kind.
  std::string nan("\x01\x00\xc0\x7f", 4);
  if (sqlite3_libversion_number() < 3033000) GTEST_SKIP() << "it came with SQLite 3.33";
  Put("a.bin", std::string("1a\0b", 4) + nan + std::string("2c\0d", 4) + nan);
  Make("'a.bin', n text(1), s text(3), f f32le");
  Run("CREATE TABLE new(r, n); INSERT INTO new VALUES(0, 'x'), (1, 'y')");
  Run("UPDATE t SET n = new.n FROM new WHERE t.rowid = new.r");
  EXPECT_EQ(Get("a.bin"), std::string("xa\0b", 4) + nan + std::string("yc\0d", 4) + nan);
}

TEST_F(RecordsTest, AnUpdateThatDoesNotFitChangesNothing) {
  Put("a.bin", "abcd");
  Make("'a.bin', x u8, y u8");
  EXPECT_EQ(Error("UPDATE t SET x = 1, y = 256"), "CONSTRAINT t: column 'y': 256 does not fit u8");
  Run("BEGIN");
  EXPECT_EQ(Error("UPDATE t SET x = 1, y = NULL WHERE rowid = 0"),
            "CONSTRAINT t: column 'y': NULL does not fit u8");
  Run("COMMIT");
  EXPECT_EQ(Get("a.bin"), "abcd");
}

TEST_F(RecordsTest, OnConflictDoesAsSqliteSays) {
  Put("a.bin", "abcd");
  Make("'a.bin', x u8");
  Run("UPDATE OR IGNORE t SET x = CASE rowid WHEN 1 THEN 999 ELSE 48 + rowid END");
  EXPECT_EQ(Get("a.bin"), "0b23");
  EXPECT_NE(Error("UPDATE OR FAIL t SET x = CASE rowid WHEN 2 THEN 999 ELSE 65 END"), "ok");
  EXPECT_EQ(Get("a.bin"), "AA23");
  EXPECT_NE(Error("UPDATE OR ABORT t SET x = CASE rowid WHEN 2 THEN 999 ELSE 66 END"), "ok");
  EXPECT_EQ(Get("a.bin"), "AA23");
  Run("BEGIN; UPDATE t SET x = 67 WHERE rowid = 3");
  EXPECT_NE(Error("UPDATE OR ROLLBACK t SET x = 999"), "ok");
  EXPECT_EQ(sqlite3_get_autocommit(*db), 1);
  EXPECT_EQ(Get("a.bin"), "AA23");
}

TEST_F(RecordsTest, InsertsAtTheEndOnly) {
  Put("a.bin", "ab");
  Make("'a.bin', x text(1)");
  Run("INSERT INTO t VALUES('c'); INSERT INTO t(rowid, x) VALUES(3, 'd');"
      "INSERT INTO t(offset, x) VALUES(4, 'e'); INSERT INTO t(rowid, offset, x) VALUES(5, 5, 'f')");
  EXPECT_EQ(Get("a.bin"), "abcdef");
  EXPECT_EQ(Int("SELECT last_insert_rowid()"), 5);
  EXPECT_EQ(Error("INSERT INTO t(rowid, x) VALUES(9, 'x')"),
            "CONSTRAINT t: rowid 9 would leave a gap: the next one is 6");
  EXPECT_EQ(Error("INSERT INTO t(rowid, x) VALUES(2, 'x')"),
            "CONSTRAINT t: rowid 2 is taken: the next one is 6");
  EXPECT_EQ(Error("INSERT INTO t(rowid, offset, x) VALUES(6, 5, 'x')"),
            "CONSTRAINT t: rowid 6 and offset 5 are not of one record");
  Run("INSERT OR IGNORE INTO t(rowid, x) VALUES(2, 'x')");
  EXPECT_EQ(Get("a.bin"), "abcdef");
}

TEST_F(RecordsTest, ReplaceWritesTheWholeRow) {
  Put("a.bin", "abcdefghi");
  Make("'a.bin', x text(1), y text(1), record=3");
  Run("INSERT OR REPLACE INTO t(rowid, x) VALUES(1, 'X'); REPLACE INTO t(rowid, y) VALUES(3, 'Y')");
  EXPECT_EQ(Get("a.bin"), std::string("abcX\0\0ghi\0Y\0", 12));
}

TEST_F(RecordsTest, LeavesOutIsZero) {
  Make("'n.bin', access=create, record=8, x u16le @1, y f32le, z text(1)");
  Run("INSERT INTO t(y) VALUES(1.0); INSERT INTO t(x, z) VALUES(0x201, 'z')");
  EXPECT_EQ(Get("n.bin"), std::string("\0\0\0\0\0\x80?\0\0\1\2\0\0\0\0z", 16));
}

TEST_F(RecordsTest, FailedInsertLeavesNoRow) {
  Put("a.bin", "ab");
  Make("'a.bin', x u8");
  Run("BEGIN");
  EXPECT_NE(Error("INSERT INTO t VALUES(1000)"), "ok");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  EXPECT_NE(Error("INSERT INTO t VALUES(1), (2), (1000)"), "ok");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  Run("COMMIT");
  EXPECT_EQ(Get("a.bin"), "ab");
}

TEST_F(RecordsTest, AnInsertFromItselfEnds) {
  Put("a.bin", "abc");
  Make("'a.bin', x u8");
  Run("INSERT INTO t SELECT x + 1 FROM t");
  EXPECT_EQ(Get("a.bin"), "abcbcd");
}

TEST_F(RecordsTest, TheFunctionFormIsUpdatedInPlaceOnly) {
  Put("a.bin", "abc");
  Run("UPDATE mmap SET byte = 66 WHERE file = 'a.bin' AND offset = 1");
  EXPECT_EQ(Get("a.bin"), "aBc");
  std::string only = "ERROR mmap: the table-valued form can only be updated; CREATE VIRTUAL TABLE"
                     " makes one that takes rows";
  EXPECT_EQ(Error("DELETE FROM mmap WHERE file = 'a.bin'"), only);
  EXPECT_EQ(Error("INSERT INTO mmap(file, byte) VALUES('a.bin', 1)"), only);
  EXPECT_EQ(Error("UPDATE mmap SET offset = 1 WHERE file = 'a.bin' AND offset = 0"),
            "ERROR mmap: column 'offset' cannot be set");
  EXPECT_EQ(Error("UPDATE mmap SET file = 'b' WHERE file = 'a.bin' AND offset = 0"),
            "ERROR mmap: column 'file' cannot be set");
}

TEST_F(RecordsTest, AccessDecidesWhatIsWritten) {
  Put("a.bin", "abc");
  Run("CREATE VIRTUAL TABLE temp.r USING mmap('a.bin', access=read, x u8)");
  EXPECT_EQ(Error("UPDATE r SET x = 1"), "READONLY r: the table has access=read");
  Run("CREATE VIRTUAL TABLE temp.c USING mmap('a.bin', access=copy, x u8)");
  Run("UPDATE c SET x = 65");
  EXPECT_EQ(One("SELECT group_concat(x) FROM c"), "65,65,65");
  EXPECT_EQ(One("SELECT group_concat(x) FROM r"), "97,98,99");
  EXPECT_EQ(Get("a.bin"), "abc");
  EXPECT_EQ(Error("INSERT INTO c VALUES(1)"),
            "READONLY c: 'a.bin' is open with access=copy: its size stays");
  Run("CREATE VIRTUAL TABLE temp.w USING mmap('a.bin', access=write, x u8); UPDATE w SET x = 66");
  EXPECT_EQ(Get("a.bin"), "BBB");
}

TEST_F(RecordsTest, ATableOfACopyKeepsItToItself) {
  Put("a.bin", "abc");
  Run("CREATE VIRTUAL TABLE temp.c USING mmap('a.bin', access=copy, x text(1))");
  Run("CREATE VIRTUAL TABLE temp.d USING mmap('a.bin', access=copy, x text(1))");
  Run("BEGIN; UPDATE c SET x = 'X' WHERE rowid = 0; SAVEPOINT s; UPDATE c SET x = 'Y'; ROLLBACK TO "
      "s;"
      "COMMIT");
  EXPECT_EQ(One("SELECT group_concat(x, '') FROM c"), "Xbc");
  EXPECT_EQ(One("SELECT group_concat(x, '') FROM d"), "abc");
  // SQLite connects tables anew when a change of the schema is rolled back.
  Run("BEGIN; CREATE TEMP TABLE q(a); ROLLBACK");
  EXPECT_EQ(One("SELECT group_concat(x, '') FROM c"), "Xbc");
  Run("ALTER TABLE c RENAME TO e; BEGIN; CREATE TEMP TABLE q(a); ROLLBACK");
  EXPECT_EQ(One("SELECT group_concat(x, '') FROM e"), "Xbc");
  Run("DROP TABLE e; CREATE VIRTUAL TABLE temp.e USING mmap('a.bin', access=copy, x text(1))");
  EXPECT_EQ(One("SELECT group_concat(x, '') FROM e"), "abc");
}

TEST_F(RecordsTest, TheStrictestSynchronousOfATransactionHolds) {
  Put("a.bin", "abc");
  Put("b.bin", "abc");
  // A second name makes a journal impossible: only synchronous=off writes without one.
  ASSERT_EQ(link("a.bin", "a2.bin"), 0);
  Run("CREATE VIRTUAL TABLE temp.off USING mmap('a.bin', synchronous=off, x u8)");
  Run("CREATE VIRTUAL TABLE temp.full USING mmap('a.bin', synchronous=full, x u8)");
  EXPECT_EQ(Error("UPDATE off SET x = 65"), "ok");
  EXPECT_EQ(Error("UPDATE full SET x = 66").substr(0, 8), "READONLY");
  Run("SELECT mmap_config('synchronous', 'off')");
  EXPECT_EQ(Error("SELECT mmap_set('a.bin', 0, 67)"), "ok");
  EXPECT_EQ(Error("UPDATE full SET x = 66").substr(0, 8), "READONLY");
  EXPECT_EQ(Error("BEGIN; UPDATE off SET x = 68; UPDATE full SET x = 69; COMMIT").substr(0, 8),
            "READONLY");
  EXPECT_EQ(Get("a.bin"), "CAA");
}

TEST_F(RecordsTest, ExportsAQuery) {
  Run("CREATE TABLE cities(name, people); INSERT INTO cities VALUES('Rome', 2800000), ('Bern', "
      "134000)");
  Make("'cities.bin', access=create, name text(8), people u32be");
  Run("INSERT INTO t SELECT name, people FROM cities ORDER BY name");
  EXPECT_EQ(Get("cities.bin"), std::string("Bern\0\0\0\0\0\2\x0bpRome\0\0\0\0\0*\xb9\x80", 24));
}

TEST_F(RecordsTest, ExportsManyRows) {
  Make("'m.bin', access=create, delete=yes, synchronous=off, i u32le, sorted=i");
  Run("INSERT INTO t WITH RECURSIVE c(i) AS (VALUES(0) UNION ALL SELECT i + 1 FROM c"
      " WHERE i < 299999) SELECT i FROM c");
  EXPECT_EQ(One("SELECT count(*) || ' ' || sum(i) FROM t"), "300000 44999850000");
  Run("DELETE FROM t WHERE i % 2");
  EXPECT_EQ(One("SELECT count(*) || ' ' || mmap_check('t') FROM t"), "150000 ok");
}

/* ---- all types, beside an ordinary table ----------------------------------------------------- */

// Values for a column of each type: mostly such as fit.
std::string Any(const std::string &type, std::mt19937_64 &random, bool small) {
  auto n = static_cast<int64_t>(random() >> random() % 60);
  if (small) n %= 128;
  if (type[0] == 'f') return std::to_string(n % 100000) + ".5";
  if (type[0] == 'b')
    return Blob(std::string(small || random() % 4 ? 5 : random() % 7, static_cast<char>(n)));
  if (type[0] == 't' || type.substr(0, 3) == "utf")
    return Quote(std::string(random() % 4, 'a' + n % 26));
  if (!small && random() % 10 == 0) return std::to_string(-n);
  return std::to_string(n % (random() % 2 ? 128 : 70000));
}

TEST_F(RecordsTest, WritesOfEveryTypeMatchAnOrdinaryTable) {
  const std::vector<std::string> types = {
      "u8",    "i8",    "u16le", "i16be", "u24be",   "i24le",   "u32le",      "i32be",
      "u64le", "i64be", "f32le", "f64be", "blob(5)", "text(3)", "utf16le(6)", "utf16be(6)"};
  std::mt19937_64 random(7);
  std::string columns, names, ordinary;
  for (size_t i = 0; i < types.size(); i++) {
    std::string name = "c" + std::to_string(i);
    char kind = types[i][0];
    columns += ", " + name + " " + types[i];
    names += (i ? ", " : "") + name;
    ordinary += ", " + name +
                (kind == 'f'                          ? " REAL"
                 : kind == 'b'                        ? " BLOB"
                 : kind == 't' || types[i].size() > 9 ? " TEXT"
                                                      : " INTEGER");
  }
  Make("'a.bin', access=create, synchronous=off" + columns);
  Run("CREATE TABLE o(id INTEGER PRIMARY KEY" + ordinary + ")");
  int64_t rows = 0, taken = 0;
  for (int i = 0; i < 1500; i++) {
    size_t c = random() % types.size();
    std::string row = std::to_string(rows ? random() % static_cast<uint64_t>(rows) : 0);
    std::string t, o;
    if (random() % 10 == 0) {
      std::string values;
      for (size_t k = 0; k < types.size(); k++)
        values += (k ? ", " : "") + Any(types[k], random, random() % 40 != 0);
      t = "INSERT INTO t(" + names + ") VALUES(" + values + ")";
      o = "INSERT INTO o(id, " + names + ") VALUES(" + std::to_string(rows) + ", " + values + ")";
    } else {
      std::string set = "c" + std::to_string(c) + " = " + Any(types[c], random, false);
      t = "UPDATE t SET " + set + " WHERE rowid = " + row;
      o = "UPDATE o SET " + set + " WHERE id = " + row;
    }
    std::string error = Error(t);
    if (error == "ok") {
      Run(o);
      taken++;
      rows += t[0] == 'I';
    } else {
      EXPECT_EQ(error.substr(0, 10), "CONSTRAINT") << t;
    }
  }
  EXPECT_GT(rows, 20);
  EXPECT_GT(taken, 500);
  // A shorter blob reads padded.
  Run("UPDATE o SET c12 = CAST(c12 || zeroblob(5 - length(c12)) AS BLOB) WHERE length(c12) < 5");
  for (size_t i = 0; i < types.size(); i++) {
    std::string name = "c" + std::to_string(i);
    std::string same = types[i] == "blob(5)"
                           ? "substr(hex(o." + name + "), 1, 10) = hex(t." + name + ")"
                       : types[i] == "f32le" ? "abs(o." + name + " - t." + name + ") < 0.01"
                                             : "o." + name + " IS t." + name;
    EXPECT_EQ(One("SELECT count(*) FROM o JOIN t ON o.id = t.rowid WHERE NOT (" + same + ")"), "0")
        << types[i];
  }
  EXPECT_EQ(One("SELECT count(*) FROM t"), std::to_string(rows));
}

/* ---- real files ----------------------------------------------------------------------------- */

TEST_F(RecordsTest, ReadsUtmp) {
  struct utmp entry = {};
  entry.ut_type = USER_PROCESS;
  entry.ut_pid = 4711;
  strcpy(entry.ut_line, "pts/3");
  strcpy(entry.ut_user, "ada");
  strcpy(entry.ut_host, "example.org");
  entry.ut_tv.tv_sec = 1700000000;
  utmpname((directory + "/wtmp").c_str());
  Put("wtmp", "");
  setutent();
  pututline(&entry); // glibc itself writes it
  endutent();
  // 384 bytes and a time of 4, or, on arm64 and others, 400 and 8.
  std::string seconds = sizeof entry.ut_tv.tv_sec == 8 ? "i64le" : "i32le";
  Make(
      "wtmp, record=" + std::to_string(sizeof entry) +
      ", type i16le, pid i32le @4, line text(32), id text(4), user text(32), host text(256), sec " +
      seconds + " @" + std::to_string(offsetof(struct utmp, ut_tv)));
  EXPECT_EQ(Rows("SELECT type, pid, line, user, host, datetime(sec, 'unixepoch') FROM t"),
            "7|4711|pts/3|ada|example.org|2023-11-14 22:13:20");
}

TEST_F(RecordsTest, ReadsElfSections) {
  std::string elf = Quote(Library());
  std::string at = "SELECT mmap_get(" + elf + ", 40, 'u64le')"; // e_shoff
  int64_t offset = Int(at), count = Int("SELECT mmap_get(" + elf + ", 60, 'u16le')");
  Make(elf + ", access=read, offset=" + std::to_string(offset) +
       ", length=" + std::to_string(64 * count) +
       ", record=64, name u32le, type u32le, addr u64le @16, start u64le,"
       " size u64le");
  EXPECT_EQ(Int("SELECT count(*) FROM t"), count);
  EXPECT_EQ(One("SELECT type FROM t WHERE rowid = 0"), "0");
  std::string names = One("SELECT start FROM t WHERE rowid = mmap_get(" + elf + ", 62, 'u16le')");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE mmap_get(" + elf + ", " + names +
                " + name, 'text(6)') = '.text'"),
            "1");
}

TEST_F(RecordsTest, ReadsABmpHeader) {
  Put("a.bmp",
      std::string("BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0\2\0\0\0\2\0\0\0\1\0\x18\0", 30) +
          std::string(40, '\0'));
  Make(
      "a.bmp, length=30, magic text(2), size u32le, start u32le @10, width i32le @18, height i32le,"
      " bits u16le @28");
  EXPECT_EQ(Rows("SELECT * FROM t"), "BM|70|54|2|2|24");
}

TEST_F(RecordsTest, ReadsAWavHeaderAndItsSamples) {
  std::string header(
      "RIFF\x2c\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data\x08\0\0\0",
      44);
  Put("a.wav", header + std::string("\1\0\xff\xff\0\x80\xff\x7f", 8));
  Run("CREATE VIRTUAL TABLE temp.h USING mmap('a.wav', length=44, tag text(4), channels u16le @22,"
      " rate u32le @24, bits u16le @34)");
  EXPECT_EQ(Rows("SELECT * FROM h"), "RIFF|1|44100|16");
  Make("a.wav, offset=44, sample i16le");
  EXPECT_EQ(One("SELECT group_concat(sample) FROM t"), "1,-1,-32768,32767");
}

TEST_F(RecordsTest, ReadsPartitionsThatSfdiskMade) {
  if (system("PATH=$PATH:/sbin:/usr/sbin command -v sfdisk >/dev/null"))
    GTEST_SKIP() << "no sfdisk";
  ASSERT_EQ(
      system("truncate -s 8M disk.img && printf 'label: gpt\\nstart=2048, size=4096, name=boot\\n"
             "start=6144, size=8192, name=\"données\"\\n' | PATH=$PATH:/sbin:/usr/sbin sfdisk -q"
             " disk.img >/dev/null"),
      0);
  Run("CREATE VIRTUAL TABLE temp.gpt USING mmap('disk.img', offset=512, length=512, magic text(8),"
      " entries u64le @72, count u32le, size u32le, record=512)");
  EXPECT_EQ(Rows("SELECT magic, entries, count, size FROM gpt"), "EFI PART|2|128|128");
  Make("disk.img, offset=1024, length=0x4000, record=128, kind blob(16), first u64le @32, last "
       "u64le,"
       " name utf16le(72) @56");
  EXPECT_EQ(Rows("SELECT rowid, first, last - first + 1, name FROM t WHERE kind <> zeroblob(16)"),
            "0|2048|4096|boot\n1|6144|8192|données");
}

TEST_F(RecordsTest, LooksUpAHashAndAnAddress) {
  Run("CREATE VIRTUAL TABLE temp.make USING mmap('pw.bin', access=create, hash blob(20), n u32le,"
      " sorted=hash);"
      "CREATE TABLE raw AS WITH RECURSIVE c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i "
      "< 999)"
      " SELECT CAST(printf('%020d', (i * 7919) % 1000) AS BLOB) AS hash, i FROM c;"
      "INSERT INTO make SELECT hash, i FROM raw ORDER BY hash");
  EXPECT_EQ(One("SELECT n FROM make WHERE hash = CAST('00000000000000000919' AS BLOB)"), "1");
  EXPECT_EQ(One("SELECT count(*) FROM raw JOIN make USING (hash) WHERE n = i"), "999");
  Make("'ip.bin', access=create, lo u32be, hi u32be, country text(2), sorted=lo");
  Run("INSERT INTO t VALUES(0x01000000, 0x010000ff, 'AU'), (0x01000100, 0x010003ff, 'CN'),"
      " (0x08080000, 0x0808ffff, 'US')");
  std::string lookup =
      "SELECT country FROM (SELECT * FROM t WHERE lo <= @ ORDER BY lo DESC LIMIT 1)"
      " WHERE hi >= @";
  auto find = [&](const std::string &address) {
    std::string sql = lookup;
    for (size_t at; (at = sql.find('@')) != std::string::npos;) sql.replace(at, 1, address);
    return One(sql);
  };
  EXPECT_EQ(find("0x01000210"), "CN");
  EXPECT_EQ(find("0x08080808"), "US");
  EXPECT_EQ(find("0x02000000"), "");
  EXPECT_EQ(find("0x00000001"), "");
}

// A plain SELECT does not look at the other statements of its connection, of which a program may keep
// thousands.
TEST_F(RecordsTest, StatementsThatAreKeptCostALookupNothing) {
  Put("many", std::string(4000, 'x'));
  Run("CREATE VIRTUAL TABLE temp.many USING mmap('many', x u32le)");
  sqlite3_stmt *lookup = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT x FROM many WHERE rowid = 7", -1, &lookup, nullptr),
            SQLITE_OK);
  auto measure = [&] {
    clock_t before = clock();
    for (int i = 0; i < 2000; i++) {
      EXPECT_EQ(sqlite3_step(lookup), SQLITE_ROW);
      EXPECT_EQ(sqlite3_reset(lookup), SQLITE_OK);
    }
    return double(clock() - before) / CLOCKS_PER_SEC;
  };
  double alone = measure();
  std::vector<sqlite3_stmt *> kept(16000);
  for (sqlite3_stmt *&stmt : kept) {
    ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT 1", -1, &stmt, nullptr), SQLITE_OK);
  }
  EXPECT_LT(measure(), 5 * alone + 0.02);
  for (sqlite3_stmt *stmt : kept) sqlite3_finalize(stmt);
  sqlite3_finalize(lookup);
}

} // namespace
} // namespace mm_test
