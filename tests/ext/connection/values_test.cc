// Values at the edge of what there is: offsets near 2^63, sizes near 2^31, names with whatever a
// name may have in it, results larger than SQLite's limit; and values of a type that nobody
// expects.
#include "tests/support/sql.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

namespace mm_test {
namespace {

class Values : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaa");
    Put("b", "bbbb");
  }
};

// ---- constraints: what a table answers is what SQLite would find itself

const char *const kOdd[] = {"0",
                            "1",
                            "3",
                            "-1",
                            "255",
                            "9223372036854775807",
                            "(-9223372036854775807 - 1)",
                            "9223372036854775806",
                            "4611686018427387904",
                            "2147483648",
                            "4294967297",
                            "1.5",
                            "-0.0",
                            "3.0",
                            "9223372036854775807.0",
                            "-9223372036854775808.0",
                            "1e300",
                            "-1e300",
                            "1e999",
                            "-1e999",
                            "'2'",
                            "' 2 '",
                            "'2x'",
                            "''",
                            "'9223372036854775808'",
                            "'1e2'",
                            "x'32'",
                            "x''",
                            "zeroblob(3)",
                            "NULL"};

class Constraints : public Values, public testing::WithParamInterface<const char *> {};

TEST_P(Constraints, FindTheRowsThatSqlFinds) {
  if (harness) GTEST_SKIP() << "too many statements that are all alike";
  Put("f", "ab\nabab\n\nzab\n" + std::string(40, 'y') + "ab");
  Run("CREATE VIRTUAL TABLE temp.bytes USING mmap('f', offset=2);"
      "CREATE VIRTUAL TABLE temp.part USING mmap('f', offset=1, length=7, c u8, d i16be);"
      "CREATE VIRTUAL TABLE temp.key USING mmap('k', access=create, k i64le, sorted=k);"
      "INSERT INTO key VALUES(-9223372036854775807 - 1), (-5), (0), (2), (3), "
      "(9223372036854775807);"
      "CREATE VIRTUAL TABLE temp.ukey USING mmap('k8', access=create, k u8, sorted=k);"
      "INSERT INTO ukey VALUES(0), (2), (3), (255)");
  std::string from = GetParam(), column = from.substr(0, from.find(' '));
  from = from.substr(from.find(' ') + 1);
  Run("CREATE TEMP TABLE plain AS SELECT " + column + " AS x FROM " + from);
  for (const char *value : kOdd) {
    for (const char *op : {"=", "<", "<=", ">", ">=", "IS", "<>"}) {
      std::string where = std::string(op) + " " + value;
      EXPECT_EQ(One("SELECT group_concat(" + column + ") FROM " + from + " WHERE " + column + " " +
                    where),
                One("SELECT group_concat(x) FROM plain WHERE x " + where))
          << from << " WHERE " << column << " " << where;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(All, Constraints,
                         testing::Values("offset mmap('f')", "byte mmap('f')", "offset bytes",
                                         "byte bytes", "offset part", "k key", "k ukey",
                                         "number mmap_lines('f')", "offset mmap_lines('f')",
                                         "offset mmap_find_all('f', 'ab')",
                                         "offset mmap_search_all('f', 'a?b')",
                                         "offset mmap_strings('f', 1)", "offset mmap_hexdump('f')",
                                         "byte mmap_histogram('f')", "offset mmap_diff('f', 'a')"));

// ---- rowids, offsets and files that are set

TEST_F(Values, ARowidIsNeverSetNotEvenToSomethingThatIsNoNumber) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', c u8)");
  for (const char *rowid : {"'abc'", "NULL", "x''", "0.5", "'0x'", "1"}) {
    EXPECT_EQ(Error("UPDATE t SET rowid = " + std::string(rowid) + ", c = 7 WHERE rowid = 0"),
              "ERROR t: rowid cannot be set")
        << rowid;
    EXPECT_EQ(Error("UPDATE mmap SET rowid = " + std::string(rowid) +
                    ", byte = 7 WHERE file = 'a' AND offset = 0"),
              "ERROR mmap: rowid cannot be set")
        << rowid;
  }
  EXPECT_EQ(Get("a"), "aaaa");
  Run("UPDATE t SET rowid = rowid, c = 98 WHERE rowid = 0");
  EXPECT_EQ(Get("a"), "baaa");
}

TEST_F(Values, AnInsertFarAwayIsRefused) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', offset=1)");
  EXPECT_EQ(Error("INSERT INTO t(rowid, byte) VALUES(-9223372036854775807 - 1, 1)"),
            "CONSTRAINT t: rowid -9223372036854775808 is before the first one, 1");
  EXPECT_EQ(Error("INSERT INTO t(rowid, byte) VALUES(9223372036854775807, 1)"),
            "CONSTRAINT t: rowid 9223372036854775807 would leave a gap: the next one is 4");
  EXPECT_EQ(Error("INSERT INTO t(offset, byte) VALUES(9223372036854775807, 1)"),
            "CONSTRAINT t: rowid 9223372036854775807 would leave a gap: the next one is 4");
  EXPECT_EQ(Error("INSERT INTO t(offset, byte) VALUES(-9223372036854775807 - 1, 1)"),
            "CONSTRAINT t: offset -9223372036854775808 is no record's");
  EXPECT_EQ(Get("a"), "aaaa");
}

TEST_F(Values, TheFileOfARowIsNeverSet) {
  Run("CREATE TEMP TABLE one(n); INSERT INTO one VALUES(1)");
  for (const char *set :
       {"offset = offset, file = 'b', byte = 66", "byte = 66, offset = offset, file = 'b'",
        "\"file\" = 'b', offset = offset, byte = 66", "[FILE]='b', offset=offset, byte=66",
        "(offset, byte, file) = (offset, 66, 'b')", "(offset, byte) = (offset, 66), file = 'b'",
        "(file) = 'b', offset = offset, byte = 66",
        "offset = (SELECT offset FROM one WHERE 1), file = 'b', byte = 66",
        "byte = 66 + (offset IS DISTINCT FROM offset), offset = offset, /* x */ file = 'b'",
        "file = 'b'", "file = file, byte = 66", "file = NULL, byte = 66, offset = offset"}) {
    EXPECT_NE(Error("UPDATE mmap SET " + std::string(set) + " WHERE file = 'a' AND offset = 0"),
              "ok")
        << set;
    EXPECT_NE(
        Error("UPDATE mmap SET " + std::string(set) + " FROM one WHERE file = 'a' AND offset = 0"),
        "ok")
        << set;
    EXPECT_EQ(Get("a") + Get("b"), "aaaabbbb") << set;
  }
  EXPECT_EQ(Error("UPDATE mmap SET offset = offset, file = 'b', byte = 66"
                  " WHERE file = 'a' AND offset = 0"),
            "ERROR mmap: column 'file' cannot be set");
}

TEST_F(Values, AnUpdateFromBringsTheFileOfItsRows) {
  if (sqlite3_libversion_number() < 3039000) GTEST_SKIP() << "no UPDATE … FROM, or no IS DISTINCT";
  Run("CREATE TEMP TABLE file(file, offset, byte);"
      "INSERT INTO file VALUES('a', 1, 65), ('b', 2, 66)");
  Run("UPDATE mmap SET byte = file.byte FROM file WHERE mmap.file = file.file"
      " AND mmap.offset = file.offset");
  EXPECT_EQ(Get("a") + Get("b"), "aAaabbBb");
  Run("UPDATE mmap SET offset = mmap.offset, byte = f.byte + (f.byte IS DISTINCT FROM 65)"
      " FROM (SELECT 1) AS n, file AS f WHERE mmap.file = f.file AND mmap.offset = f.offset + 1");
  EXPECT_EQ(Get("a") + Get("b"), "aAAabbBC");
}

// ---- sizes

TEST_F(Values, NumbersOfATableThatNoFileHas) {
  for (const char *option :
       {"offset=0x400000000001", "length=70368744177665", "record=18446744073709551617",
        "offset=99999999999999999999999", "offset=0x0x1", "offset=-1", "offset=+1", "offset=1.0",
        "offset=1e3", "length=0xffffffffffffffff", "record=''"}) {
    std::string name = std::string(option).substr(0, std::string(option).find('='));
    EXPECT_EQ(
        Error("CREATE VIRTUAL TABLE temp.t USING mmap('a', " + std::string(option) + ", c u8)")
            .substr(0, 12 + name.size()),
        "ERROR mmap: " + name)
        << option;
  }
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.t USING mmap('a', c u8 @0x400000000001)"),
            "ERROR mmap: column 'c': '@0x400000000001' is no place in a record");
  for (const char *type : {"blob(0)", "blob(2147483648)", "text(-1)", "text(99999999999999999999)",
                           "utf16le(0x80000000)", "blob(18446744073709551617)", "u64le(8)"}) {
    EXPECT_NE(Error("CREATE VIRTUAL TABLE temp.t USING mmap('a', c " + std::string(type) + ")"),
              "ok")
        << type;
    EXPECT_NE(Error("SELECT mmap_get('a', 0, '" + std::string(type) + "')"), "ok") << type;
    EXPECT_NE(Error("SELECT mmap_set('a', 0, 'x', '" + std::string(type) + "')"), "ok") << type;
  }
}

TEST_F(Values, RecordsLargerThanAnyFile) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', record=0x400000000000, c u8);"
      "CREATE VIRTUAL TABLE temp.far USING mmap('a', c u8 @0x3fffffffffff);"
      "CREATE VIRTUAL TABLE temp.wide USING mmap('a', x blob(0x7fffffff), y blob(2147483647))");
  for (const char *table : {"t", "far", "wide"}) {
    std::string name = table, rows = name == "t" ? "1" : "0";
    EXPECT_EQ(One("SELECT count(*) FROM " + name), rows);
    EXPECT_EQ(One("SELECT count(*) FROM " + name + " WHERE rowid >= 0 AND offset < 1e30"), rows);
    EXPECT_EQ(Error("INSERT INTO " + name + " DEFAULT VALUES"),
              "ERROR " + name + ": 'a' has 4 bytes past its last whole record");
  }
  Put("empty", "");
  Run("CREATE VIRTUAL TABLE temp.e USING mmap('empty', c u8 @0x400000000000)");
  EXPECT_EQ(
      Error("INSERT INTO e VALUES(1)"),
      "TOOBIG e: 70368744177665 bytes are more than 70368744177664, the most a file may have");
  EXPECT_EQ(Get("empty"), "");
}

TEST_F(Values, MovesAndSizesAtTheirEnds) {
  EXPECT_EQ(One("SELECT mmap_move('a', 4, 0, 0), mmap_move('a', 0, 4, 0), mmap_move('a', 0, 0, 4)"),
            "0|0|4");
  Put("m", "0123456789");
  EXPECT_EQ(One("SELECT mmap_move('m', 1, 0, 9), mmap_slice('m')"), "9|x'"
                                                                    "30303132333435363738'");
  EXPECT_EQ(One("SELECT mmap_move('m', 0, 1, 9), mmap_slice('m')"), "9|x'"
                                                                    "30313233343536373838'");
  for (const char *call : {"mmap_move('m', 9223372036854775807, 0, 9223372036854775807)",
                           "mmap_move('m', 0, 9223372036854775807, 1)", "mmap_move('m', 10, 0, 1)",
                           "mmap_move('m', 1, 0, 9223372036854775807)", "mmap_move('m', -1, 0, 1)",
                           "mmap_flush('m', 9223372036854775807, 9223372036854775807)",
                           "mmap_madvise('m', 'normal', 9223372036854775807, 1)"}) {
    EXPECT_EQ(Error("SELECT " + std::string(call)).substr(0, 6), "ERROR ") << call;
  }
  EXPECT_EQ(One("SELECT mmap_madvise('m', 'normal', 0, 9223372036854775807)"), "0");
  for (const char *size : {"4611686018427387904", "9223372036854775807", "70368744177665"}) {
    EXPECT_EQ(Error("SELECT mmap_resize('m', " + std::string(size) + ")"),
              "TOOBIG mmap_resize: size " + std::string(size) + " is more than 70368744177664");
    EXPECT_EQ(Error("SELECT mmap_open(NULL, 'write', " + std::string(size) + ")"),
              "TOOBIG mmap_open: length " + std::string(size) + " is more than 70368744177664");
  }
  EXPECT_EQ(Error("SELECT mmap_open(NULL, 'write', 1, 9223372036854775807)"),
            "TOOBIG mmap_open: offset 9223372036854775807 is more than 70368744177664");
  EXPECT_EQ(One("SELECT mmap_size('m')"), "10");
}

TEST_F(Values, SeeksAtTheirEnds) {
  Run("SELECT mmap_open('a', 'read', 2, 1), mmap_seek(1, 1)");
  for (const char *to : {"(-9223372036854775807 - 1)", "9223372036854775807", "-4", "4"}) {
    for (const char *whence : {"0", "1", "2"}) {
      EXPECT_EQ(Error("SELECT mmap_seek(1, " + std::string(to) + ", " + whence + ")").substr(0, 25),
                "ERROR mmap_seek: position")
          << to << whence;
    }
  }
  EXPECT_NE(Error("SELECT mmap_seek(1, 0, 9223372036854775807)"), "ok");
  EXPECT_EQ(One("SELECT mmap_tell(1), mmap_seek(1, -2, 2), mmap_seek(1, 2, 1)"), "1|0|2");
}

TEST_F(Values, AWindowThatTheFileHasLeft) {
  Put("w", "0123456789");
  Run("SELECT mmap_open('w', 'write', 4, 6), mmap_open('w', 'write', 0, 6), mmap_seek(1, 3)");
  Put("w", "0123");
  EXPECT_EQ(One("SELECT mmap_length(1), mmap_length(2), mmap_size(1), mmap_slice(1), mmap_tell(1),"
                " mmap_read(1), mmap_find(1, ''), mmap_find(2, '3'), mmap_crc32(2)"),
            "0|0|4|x''|3|x''|0|-1|0");
  EXPECT_EQ(One("SELECT count(*) FROM mmap(1)"), "0");
  EXPECT_NE(Error("SELECT mmap_get(1, 0)"), "ok");
  EXPECT_NE(Error("SELECT mmap_get(1, -1)"), "ok");
  EXPECT_NE(Error("SELECT mmap_patch(1, 0, 'x')"), "ok");
  EXPECT_EQ(One("SELECT mmap_patch(1, 0, '')"), "0");
  EXPECT_EQ(One("SELECT mmap_resize(2, 1), mmap_size(2)"), "1|7");
  EXPECT_EQ(Get("w"), std::string("0123\0\0\0", 7));
}

// A file that no process can map, where the file system takes so large a one.
TEST_F(Values, AFileOfAllBytesThereCanBeIsTooBig) {
  std::string name = "/dev/shm/values_test." + std::to_string(getpid());
  int fd = open(name.c_str(), O_RDWR | O_CREAT | O_EXCL, 0600);
  bool made = fd >= 0 && ftruncate(fd, int64_t{1} << 62) == 0;
  if (made) {
    EXPECT_EQ(Error("SELECT mmap_size('" + name + "')"),
              "TOOBIG mmap_size: 4611686018427387904 bytes are more than can be mapped");
    EXPECT_EQ(One("SELECT mmap_size('a')"), "4");
  }
  if (fd >= 0) close(fd);
  unlink(name.c_str());
  if (!made) GTEST_SKIP() << "no file system here takes 4 EiB";
}

TEST_F(Values, ResultsAboveSqlitesLimitAreTooBig) {
  Put("big", std::string(3000, 'x'));
  Run("SELECT mmap_open('big'); CREATE VIRTUAL TABLE temp.t USING mmap('big', c text(1500), d "
      "blob(1500))");
  sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, 1000);
  for (const char *sql :
       {"SELECT mmap_slice('big')", "SELECT mmap_slice('big', 0, 2500, 2)",
        "SELECT mmap_slice('big', NULL, NULL, -1)", "SELECT mmap_get('big', 0, 'blob(1001)')",
        "SELECT mmap_get('big', 0, 'text(1001)')", "SELECT mmap_get('big', 0, 'utf16le(2002)')",
        "SELECT mmap_read(1)", "SELECT mmap_read(1, 1001)", "SELECT mmap_readline(1)",
        "SELECT text FROM mmap_lines('big')", "SELECT text FROM mmap_strings('big')",
        "SELECT match FROM mmap_search_all('big', 'x+')",
        "SELECT g1 FROM mmap_search_all('big', '(x+)')", "SELECT a FROM mmap_diff('big', 'a')",
        "SELECT c FROM t", "SELECT d FROM t"}) {
    EXPECT_EQ(Error(sql), "TOOBIG string or blob too big") << sql;
  }
  EXPECT_EQ(One("SELECT length(mmap_slice('big', 0, 1000)), mmap_tell(1), length(mmap_read(1, 9))"),
            "1000|0|9");
  Run("BEGIN; SELECT mmap_move('big', 0, 1, 2000), mmap_patch('big', 0, zeroblob(900)),"
      " mmap_patch('big', 900, zeroblob(900))");
  EXPECT_EQ(Error("SELECT old FROM mmap_changes"), "TOOBIG string or blob too big");
  EXPECT_EQ(Error("SELECT new FROM mmap_changes"), "TOOBIG string or blob too big");
  Run("ROLLBACK");
  sqlite3_limit(*db, SQLITE_LIMIT_LENGTH, 1000000000);
}

// ---- bytes

TEST_F(Values, NeedlesAndDataAreBytesOfTextOrBlobAndNothingElse) {
  Put("n", std::string("a\0b\0c12", 7));
  EXPECT_EQ(One("SELECT mmap_find('n', 'a' || char(0) || 'b'), mmap_find('n', x'610062'),"
                " mmap_count('n', char(0)), mmap_rfind('n', zeroblob(1)), mmap_find('n', '12')"),
            "0|0|2|3|5");
  for (const char *call : {"mmap_find('n', 12)", "mmap_count('n', 1.5)", "mmap_patch('n', 0, 12)",
                           "mmap_insert('n', 0, 1.5)", "mmap_search('n', 12)", "mmap_hex(12)"}) {
    EXPECT_NE(Error("SELECT " + std::string(call)).find("is neither a blob nor text"),
              std::string::npos)
        << call;
  }
  EXPECT_EQ(One("SELECT mmap_patch('n', 0, zeroblob(2)), mmap_patch('n', 2, json('[1]')),"
                " mmap_slice('n')"),
            "2|3|x'00005b315d3132'");
  EXPECT_EQ(One("SELECT mmap_insert('n', 0, zeroblob(0)), mmap_find('n', zeroblob(0), 2)"), "7|2");
  EXPECT_EQ(One("SELECT mmap_search('n', '\\x00' || char(0)), mmap_search('n', x'5b5d5d')"), "0|4");
}

TEST_F(Values, OneValueServesAsNumberTextAndBytes) {
  Run("CREATE TEMP TABLE v(x); INSERT INTO v VALUES('1'), (1), (1.0)");
  Put("1", "0123456789");
  Run("SELECT mmap_open('a')");
  EXPECT_EQ(Rows("SELECT mmap_length(x), mmap_get('1', x), mmap_slice('1', x, x + 1), typeof(x)"
                 " FROM v WHERE typeof(x) <> 'real'"),
            "10|49|x'31'|text\n4|49|x'31'|integer");
  EXPECT_EQ(One("SELECT mmap_length(x) || mmap_get('1', x) || typeof(x) FROM v WHERE x = 1.0"
                " AND typeof(x) = 'real'"),
            "449real");
  EXPECT_EQ(Rows("SELECT v.x, typeof(v.x), (SELECT count(*) FROM mmap('1') WHERE offset < v.x),"
                 " typeof(v.x) FROM v"),
            "1|text|1|text\n1|integer|1|integer\n1.0|real|1|real");
}

// ---- names

TEST_F(Values, NamesWithWhateverANameMayHave) {
  const std::string names[] = {"new\nline",   "tab\t\x1b[31m", "quote'\"`",
                               "back\\slash", "\xff\xfe",      " space ",
                               "-dash",       "%s%n",          std::string(242, 'n')};
  for (const std::string &name : names) {
    Put(name, "bytes");
    std::string quoted = Quote(name);
    EXPECT_EQ(One("SELECT mmap_length(" + quoted + "), mmap_patch(" + quoted + ", 0, 'B')"), "5|1")
        << name;
    EXPECT_EQ(Get(name), "Bytes") << name;
    EXPECT_EQ(One("SELECT count(*) FROM mmap(" + quoted + ")"), "5") << name;
    EXPECT_EQ(One("SELECT count(*) FROM mmap_glob('*') WHERE path = " + quoted), "1") << name;
    EXPECT_EQ(One("SELECT count(*) FROM mmap_list WHERE path = " + Quote(directory + "/" + name)),
              "1")
        << name;
    Run("CREATE VIRTUAL TABLE temp.t USING mmap(" + quoted + ", c text(5))");
    EXPECT_EQ(One("SELECT c FROM t"), "Bytes") << name;
    Run("DROP TABLE t");
  }
}

TEST_F(Values, AMessageIsOneLineWhateverItQuotes) {
  EXPECT_EQ(Error("SELECT mmap_size('no' || char(10, 13, 27, 127) || 'file')"),
            "CANTOPEN mmap_size: cannot open 'no????file': No such file or directory");
  EXPECT_EQ(Error("SELECT mmap_get('a', 'x' || char(10) || 'y')"),
            "ERROR mmap_get: offset 'x?y' is not an integer");
  EXPECT_EQ(Error("SELECT mmap_get('a', '" + std::string(39, 'x') + "ÄÖ')"),
            "ERROR mmap_get: offset '" + std::string(39, 'x') + "…' is not an integer");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'w' || char(10) || 'x')"),
            "ERROR mmap_open: access 'w?x' is none of read, write, copy, create, device");
}

TEST_F(Values, PathsThatAreTooLongOrEmptyOrEndEarly) {
  for (size_t size : {4096, 5000, 1000000}) {
    EXPECT_EQ(Error("SELECT mmap_size(" + Quote(std::string(size, 'p')) + ")"),
              "CANTOPEN mmap_size: a path must not be longer than 4095 bytes");
  }
  EXPECT_EQ(Error("SELECT mmap_size(" + Quote(std::string(256, 'p')) + ")").substr(0, 8),
            "CANTOPEN");
  std::string deep = "a";
  while (deep.size() + 2 <= 4095) deep.insert(0, "./");
  EXPECT_EQ(One("SELECT mmap_size(" + Quote(deep) + ")"), "4");
  EXPECT_EQ(Error("SELECT mmap_size('')"), "CANTOPEN mmap_size: a path must not be empty");
  for (const char *sql :
       {"SELECT mmap_size('a' || char(0))", "SELECT mmap_open('a' || char(0) || 'b')",
        "SELECT count(*) FROM mmap('a' || char(0))",
        "SELECT count(*) FROM mmap_lines('a' || char(0))",
        "SELECT * FROM mmap_glob('*' || char(0))", "SELECT mmap_config('root', 'a' || char(0))",
        "SELECT mmap_open(NULL, 'write', 1, 0, 'tag' || char(0) || 'x')",
        "SELECT mmap_check('a' || char(0))", "SELECT mmap_get('a', 0, 'u8' || char(0))",
        "SELECT mmap_madvise('a', 'normal' || char(0))"}) {
    EXPECT_NE(Error(sql).find("' goes on after a NUL"), std::string::npos) << sql << Error(sql);
  }
}

TEST_F(Values, TagsAreNamesToo) {
  EXPECT_EQ(Error("SELECT mmap_open(NULL, 'write', 1, 0, '')").substr(0, 40),
            "ERROR mmap_open: tag '' is not of 1 to 2");
  EXPECT_NE(Error("SELECT mmap_open(NULL, 'write', 1, 0, '" + std::string(201, 't') + "')"), "ok");
  EXPECT_EQ(Error("SELECT mmap_open(NULL, 'write', 1, 0, '../x')"),
            "ERROR mmap_open: tag '../x' has a '/' in it");
  std::string tag = "'..\n\xff" + std::to_string(getpid()) + "'";
  EXPECT_EQ(One("SELECT mmap_length(mmap_open(NULL, 'write', 7, 0, " + tag + "))"), "7");
  EXPECT_EQ(One("SELECT mmap_length(mmap_open(NULL, 'read', 0, 0, " + tag + "))"), "7");
}

TEST_F(Values, PatternsGoWhereTheySay) {
  std::filesystem::create_directory("d");
  Put("d/x[1]", "");
  Put("d/new\nline", "");
  EXPECT_EQ(One("SELECT group_concat(path) FROM mmap_glob('d/../?')"), "d/../a,d/../b");
  EXPECT_EQ(One("SELECT group_concat(path) FROM mmap_glob('d/x\\[1\\]')"), "d/x[1]");
  EXPECT_EQ(One("SELECT group_concat(path) FROM mmap_glob('**/new?line')"), "d/new\nline");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_glob('')"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_glob(" + Quote(std::string(100000, '?')) + ")"), "0");
  Run("SELECT mmap_config('root', 'd')");
  for (const char *pattern : {"d/../?", "../*", "/etc/*", "d/../../*"}) {
    EXPECT_EQ(Error("SELECT * FROM mmap_glob('" + std::string(pattern) + "')").substr(0, 4), "PERM")
        << pattern;
  }
  EXPECT_EQ(One("SELECT count(*) FROM mmap_glob('d/*/../../*')"), "0");
}

// open(2) with O_CREAT would make the file where the link says, which is for its maker to know.
TEST_F(Values, ALinkThatLeadsNowhereIsNotFollowedToMakeAFile) {
  ASSERT_EQ(symlink("made", "link"), 0);
  std::string error = ": cannot make 'link': it is a symbolic link that leads nowhere";
  EXPECT_EQ(Error("SELECT mmap_open('link', 'create')"), "CANTOPEN mmap_open" + error);
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.t USING mmap('link', access=create)"),
            "CANTOPEN mmap" + error);
  EXPECT_FALSE(Exists("made"));
  Put("made", "12");
  EXPECT_EQ(One("SELECT mmap_length(mmap_open('link', 'create'))"), "2");
}

} // namespace
} // namespace mm_test
