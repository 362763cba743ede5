// Tables of records that say themselves how large they are: layouts as table-valued functions, tables of
// one file, and every way to write them, beside a plain model.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <numeric>
#include <random>
#include <regex>

namespace mm_test {
namespace {

using std::string;
using std::string_literals::operator""s;

class ChainTest : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "\1a\0\3bcd\2ee"s);
    Run("CREATE VIRTUAL TABLE temp.chain USING mmap(*, n u8, d text(n))");
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', delete=yes, n u8, d text(n))");
  }
  string Create(const string &arguments) {
    db->Error("DROP TABLE IF EXISTS temp.x");
    return Error("CREATE VIRTUAL TABLE temp.x USING mmap(" + arguments + ")");
  }
  void Make(const string &arguments) { EXPECT_EQ(Create(arguments), "ok") << arguments; }
  string All() { return One("SELECT group_concat(rowid || d, ' ') FROM t"); }
};

// ---- layouts ------------------------------------------------------------------------------------

TEST_F(ChainTest, ALayoutReadsAnyFile) {
  Put("b", "\1z");
  EXPECT_EQ(Rows("SELECT rowid, n, d, offset, next, error FROM chain('a')"),
            "0|1|a|0|2|NULL\n1|0||2|3|NULL\n2|3|bcd|3|7|NULL\n3|2|ee|7|10|NULL");
  EXPECT_EQ(Rows("SELECT * FROM chain('b')"), "1|z");
  EXPECT_EQ(Rows("SELECT * FROM chain WHERE file = 'b'"), "1|z");
  EXPECT_EQ(Rows("SELECT f, d FROM (SELECT 'a' AS f UNION SELECT 'b'), chain(f) WHERE n = 1"),
            "a|a\nb|z");
  EXPECT_EQ(Rows("SELECT file, start, stop, endian FROM chain('b')"), "b|NULL|NULL|NULL");
  EXPECT_EQ(Error("SELECT * FROM chain"), "ERROR chain: the file is missing: chain(file) or WHERE "
                                          "file = …");
  EXPECT_EQ(Error("SELECT * FROM chain('none')"),
            "CANTOPEN chain: cannot open 'none': No such file or directory");
}

TEST_F(ChainTest, StartAndStopSayWhere) {
  auto ds = [&](const string &arguments) {
    return Rows("SELECT group_concat(d, '-') FROM chain('a'" + arguments + ")");
  };
  EXPECT_EQ(ds(", 2"), "-bcd-ee");
  EXPECT_EQ(ds(", 3, 7"), "bcd");
  EXPECT_EQ(ds(", -3"), "ee");
  EXPECT_EQ(ds(", 0, -8"), "a");
  EXPECT_EQ(ds(", -100, 2"), "a");
  EXPECT_EQ(ds(", 7, 1000"), "ee");
  EXPECT_EQ(ds(", 10"), "NULL");
  EXPECT_EQ(ds(", 7, 3"), "NULL");
  for (const char *null : {"NULL", "'a', NULL", "'a', 0, NULL", "'a', 0, 5, NULL"}) {
    EXPECT_EQ(Rows("SELECT count(*) FROM chain(" + string(null) + ")"), "0") << null;
  }
  EXPECT_EQ(Error("SELECT * FROM chain('a', 11)"),
            "DAMAGED chain: start 11 is past the end (10 bytes)");
  EXPECT_EQ(Error("SELECT * FROM chain('a', 3, 5)"),
            "DAMAGED chain: record 0 at offset 3: column 'd': 3 bytes at 4 end past 5");
  EXPECT_EQ(ds(", '2', 3.0"), "");
  EXPECT_EQ(Error("SELECT * FROM chain('a', 'x')").substr(0, 11), "ERROR chain");
}

TEST_F(ChainTest, AHandlesWindowIsAFile) {
  string h = One("SELECT mmap_open('a', 'read', 5, 2)");
  EXPECT_EQ(Rows("SELECT offset, next, d FROM chain(" + h + ")"), "0|1|\n1|5|bcd");
  EXPECT_EQ(Rows("SELECT d FROM chain(" + h + ", -4)"), "bcd");
  EXPECT_EQ(Error("UPDATE chain SET d = 'xyz' WHERE file = " + h + " AND n = 3").substr(0, 8),
            "READONLY");
  string w = One("SELECT mmap_open('a', 'write', 5, 2)");
  Run("UPDATE chain SET d = 'xyz' WHERE file = " + w + " AND start = -4");
  EXPECT_EQ(Get("a"), "\1a\0\3xyz\2ee"s);
}

TEST_F(ChainTest, TheOrderOfBytesIsHandedDown) {
  Make("*, v u16");
  Put("w", "le\1\2be\1\2");
  EXPECT_EQ(Rows("SELECT v FROM x('w', 2, 4, 'be')"), "258");
  EXPECT_EQ(Rows("SELECT e, v FROM (SELECT 2 AS o, 'le' AS e UNION SELECT 6, 'be') "
                 "JOIN x('w', o, o + 2, e)"),
            "le|513\nbe|258");
  EXPECT_EQ(Error("SELECT * FROM x('w')"),
            "ERROR x: the order of bytes is open: endian= in CREATE VIRTUAL TABLE, or the fourth "
            "argument, says le or be");
  EXPECT_EQ(Error("SELECT * FROM x('w', 0, 2, 'middle')"),
            "ERROR x: endian 'middle' is neither le nor be");
  EXPECT_EQ(Create("'w', v u16"), "ERROR mmap: the order of bytes is open: endian= says le or be");
  Make("'w', v u16, endian=be, offset=2, count=(1)");
  EXPECT_EQ(Rows("SELECT * FROM x"), "258");
}

TEST_F(ChainTest, LayoutsNest) {
  Put("n", "\5\1a\2bc\3\2de"s);
  Run("CREATE VIRTUAL TABLE temp.box USING mmap(*, size u8, body blob(size))");
  const string inner = "chain('n', b.offset + 1, b.next)";
  EXPECT_EQ(Rows("SELECT b.rowid, c.d FROM box('n') b, " + inner + " c"), "0|a\n0|bc\n1|de");
  EXPECT_EQ(Rows("SELECT b.rowid, c.d FROM box('n') b LEFT JOIN " + inner + " c ON c.n = 2"),
            "0|bc\n1|de");
  EXPECT_EQ(Rows("SELECT (SELECT group_concat(d) FROM " + inner + ") FROM box('n') b"), "a,bc\nde");
  EXPECT_EQ(Rows("WITH k AS (SELECT * FROM box('n')) SELECT size FROM k"), "5\n3");
  Run("CREATE TEMP VIEW v AS SELECT b.rowid AS box, c.d FROM box('n') b, " + inner + " c");
  EXPECT_EQ(Rows("SELECT * FROM v WHERE d IN ('bc', 'de')"), "0|bc\n1|de");
  EXPECT_EQ(
      Rows("SELECT d FROM chain('a') WHERE EXISTS (SELECT 1 FROM box('n') b WHERE b.size = n)"),
      "bcd");
}

TEST_F(ChainTest, ConditionsByOrGiveTheSameRows) {
  for (const char *query :
       {"SELECT * FROM chain('a') WHERE @offset < 3 OR @offset > 6",
        "SELECT * FROM chain('a') WHERE @rowid = 1 OR @n = 3",
        "SELECT * FROM chain('a') WHERE @rowid IN (0, 2, 9) OR @d = 'ee'",
        "SELECT * FROM t WHERE @offset < 3 OR @rowid > 2", "SELECT * FROM t WHERE @rowid IN (3, 0)",
        "SELECT * FROM chain WHERE file = 'a' AND (@rowid = 1 OR @d = 'a')",
        "SELECT count(*) FROM t LEFT JOIN chain('a') c ON @c.offset = t.offset OR c.n = @t.n"}) {
    string plain = std::regex_replace(query, std::regex("@"), "");
    EXPECT_EQ(Rows(plain), Rows(std::regex_replace(query, std::regex("@"), "+"))) << plain;
    EXPECT_NE(Rows(plain), "") << plain;
  }
}

TEST_F(ChainTest, RecordsOfOneSizeAreALayoutToo) {
  Make("*, k u16be, v u8");
  Put("f", "\0\1\2\0\3\4"s);
  EXPECT_EQ(Rows("SELECT rowid, * FROM x('f')"), "0|1|2\n1|3|4");
  Put("f", "\0\1\2\0"s);
  EXPECT_EQ(Error("SELECT * FROM x('f')"),
            "DAMAGED x: record 1 at offset 3: column 'k': 2 bytes at 3 end past 4");
}

TEST_F(ChainTest, SaysWhichArgumentIsWrong) {
  for (const auto &[arguments, why] : std::vector<std::pair<string, string>>{
           {"*", "a layout needs columns"},
           {"*, x u8, access=read", "option 'access' is not for a layout"},
           {"*, x u8, delete=yes", "option 'delete' is not for a layout"},
           {"*, x u8, length=5", "option 'length' is not for a layout"},
           {"*, x u8, sorted=x", "option 'sorted' is not for a layout"},
           {"'a', x cstr, sorted=x", "option 'sorted' needs records of one size"},
           {"'a', x u8, until=x", "option 'until' takes an expression in brackets"},
           {"'a', x u8, until=(y)", "until: there is no column 'y'"},
           {"'a', x u8, align=0", "align 0 is less than 1"},
           {"'a', x u8, endian=big", "endian 'big' is neither le nor be"},
           {"'a', x u8, partial=maybe", "partial 'maybe' is neither yes nor no"},
           {"'a', count=(1)", "option 'count' needs columns"},
           {"'a', next cstr", "column 'next' is there already, hidden"},
           {"*, file u8", "column 'file' is there already, hidden"},
           {"*, Start u8", "column 'start' is there already, hidden"},
           {"*, error u8", "column 'error' is there already, hidden"},
           {"*, offset u8", "column 'offset' is there already: every record has one"},
           {"'a', x u8, y blob(z), z u8", "column 'y': 'z' comes later"}}) {
    EXPECT_EQ(Create(arguments), "ERROR mmap: " + why) << arguments;
  }
}

TEST_F(ChainTest, HidesWhatIsNoColumn) {
  EXPECT_EQ(One("SELECT group_concat(name || type || hidden) FROM pragma_table_xinfo('chain')"),
            "nINTEGER0,dTEXT0,file1,start1,stop1,endian1,offsetINTEGER1,nextINTEGER1,errorTEXT1");
  EXPECT_EQ(One("SELECT group_concat(name || hidden) FROM pragma_table_xinfo('t')"),
            "n0,d0,offset1,next1,error1");
}

// ---- what is read ---------------------------------------------------------------------------------

// The third record is damaged.
TEST_F(ChainTest, WhatLiesBehindABoundIsNotRead) {
  Put("a", "\1a\1b\7c"s);
  const string damage = "DAMAGED t: record 2 at offset 4: column 'd': 7 bytes at 5 end past 6";
  EXPECT_EQ(Error("SELECT count(*) FROM t"), damage);
  for (const char *bound : {"WHERE rowid < 2", "WHERE rowid <= 1", "WHERE rowid = 1",
                            "WHERE offset < 4", "WHERE offset <= 3", "WHERE offset = 2",
                            "WHERE rowid BETWEEN 0 AND 1", "WHERE rowid IN (0, 1)", "LIMIT 2",
                            "ORDER BY rowid LIMIT 2", "WHERE rowid < 1.5", "WHERE rowid = 'x'"}) {
    EXPECT_EQ(Error(string("SELECT d FROM t ") + bound), "ok") << bound;
    EXPECT_EQ(Error(string("SELECT d FROM chain('a') ") + bound), "ok") << bound;
  }
  EXPECT_EQ(Error("SELECT d FROM t WHERE rowid = 2"), damage);
  EXPECT_EQ(Error("SELECT d FROM t LIMIT 3"), damage);
  EXPECT_EQ(Error("SELECT d FROM t ORDER BY rowid DESC LIMIT 1"), damage);
  EXPECT_EQ(Rows("SELECT d FROM t WHERE rowid > 0 AND rowid < 2"), "b");
}

TEST_F(ChainTest, TextsOfNoBytesAreNoNulls) {
  for (const char *type : {"latin1(n)", "text(n)", "utf16le(n * 2)", "utf16be(2 * n)", "cstr(1)"}) {
    Put("b", type[0] == 'c' ? "\0\0"s : "\0\1ab"s);
    Make(string("*, n u8, d ") + type);
    EXPECT_EQ(One("SELECT typeof(d) || length(d) FROM x('b') LIMIT 1"), "text0") << type;
  }
}

TEST_F(ChainTest, PartialMakesDamageARow) {
  Put("a", "\1a\7c"s);
  Make("'a', n u8, m AS (n * 2), d text(n), e u8 if(0), partial=yes");
  const string why = "record 1 at offset 2: column 'd': 7 bytes at 3 end past 4";
  EXPECT_EQ(Rows("SELECT rowid, offset, next, n, m, d, error FROM x"),
            "0|0|2|1|2|a|NULL\n1|2|NULL|7|14|NULL|" + why);
  EXPECT_EQ(Rows("SELECT count(*) FROM x WHERE error IS NULL"), "1");
  EXPECT_EQ(One("SELECT mmap_check('x')"), why);
  Make("*, n u64le, m AS (n + 1), partial=yes");
  Put("b", string(7, '\xff') + "\x7f");
  EXPECT_EQ(Rows("SELECT n, m, error FROM x('b')"),
            "9223372036854775807|NULL|record 0 at offset 0: column 'm': 9223372036854775807 + 1 "
            "overflows");
  EXPECT_EQ(Rows("SELECT n, error FROM x('b', 9)"), "NULL|start 9 is past the end (8 bytes)");
}

TEST_F(ChainTest, TheRowOfAStartThatIsDamageIsTheFirstAndHeldToBounds) {
  Make("*, n u8, d blob(n), partial=yes");
  Put("b", "12345678");
  const string at = "SELECT rowid, offset FROM x('b', 9) WHERE ";
  for (const char *bounds : {"1", "rowid = 0", "rowid < 1", "offset = 9", "offset >= 9"}) {
    EXPECT_EQ(Rows(at + bounds), "0|9") << bounds;
  }
  for (const char *bounds : {"rowid = 1", "rowid < 0", "rowid > 0", "offset = 5", "offset > 9",
                             "offset < 9 AND rowid = 0"}) {
    EXPECT_EQ(Rows(at + bounds), "") << bounds;
  }
}

TEST_F(ChainTest, MmapCheckReadsAllOfIt) {
  EXPECT_EQ(Rows("SELECT mmap_check('chain', NULL), mmap_check(NULL, 'a')"), "NULL|NULL");
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
  EXPECT_EQ(One("SELECT mmap_check('chain', 'a')"), "ok");
  EXPECT_EQ(One("SELECT mmap_check('chain', 'a', 3, 5)"),
            "record 0 at offset 3: column 'd': 3 bytes at 4 end past 5");
  EXPECT_EQ(One("SELECT mmap_check('chain', 'a', 3, 7)"), "ok");
  EXPECT_EQ(Error("SELECT mmap_check('chain')").substr(0, 5), "ERROR");
  EXPECT_EQ(Error("SELECT mmap_check('t', 'a')").substr(0, 5), "ERROR");
  Make("*, n u64le, m AS (n + 1)");
  Put("b", string(7, '\xff') + "\x7f");
  EXPECT_EQ(One("SELECT mmap_check('x', 'b')"),
            "record 0 at offset 0: column 'm': 9223372036854775807 + 1 overflows");
}

// ---- stations -------------------------------------------------------------------------------------

// Pokes into the file's pages, which changes no time that a program could see: so a test sees which
// records a walk reads.
class Poke {
public:
  Poke(const string &path, size_t size) : size_(size) {
    int fd = open(path.c_str(), O_RDWR);
    map_ = static_cast<char *>(mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
    close(fd);
    volatile char *map = map_;
    for (size_t i = 0; i < size; i += 4096) map[i] = map[i]; // the times change now, and not later
  }
  ~Poke() { munmap(map_, size_); }
  char &operator[](size_t i) { return map_[i]; }

private:
  size_t size_;
  char *map_;
};

TEST_F(ChainTest, ReadsAtMost1024RecordsToOneFarBehind) {
  string bytes;
  for (int i = 0; i < 5000; i++) bytes += "\1a";
  Put("a", bytes);
  Poke poke("a", bytes.size());
  EXPECT_EQ(One("SELECT count(*) FROM t"), "5000");
  poke[size_t{4000} * 2] = '\377';
  for (int n : {4096, 4100, 4999}) {
    EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = " + std::to_string(n)),
              std::to_string(2 * n));
    EXPECT_EQ(One("SELECT rowid FROM t WHERE offset = " + std::to_string(2 * n)),
              std::to_string(n));
  }
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid >= 4096"), "904");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid BETWEEN 4096 AND 99999"), "904");
  EXPECT_EQ(One("SELECT d FROM t WHERE rowid = 99999"), "");
  EXPECT_EQ(One("SELECT d FROM t WHERE rowid = 3999"), "a");
  EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = 4001"), "8256") << "what was poked";
}

TEST_F(ChainTest, ForgetsStationsWhereTheFileChanges) {
  string bytes;
  for (int i = 0; i < 3000; i++) bytes += "\1a";
  Put("a", bytes);
  EXPECT_EQ(One("SELECT count(*) FROM t"), "3000");
  Put("a", "\0"s + bytes);
  EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = 2500"), "4999");
  Run("BEGIN; SELECT mmap_set('a', 0, 2, 'u8')");
  EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = 2500"), "5001");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = 2500"), "4999");
  Run("SELECT mmap_insert('a', 0, x'00')");
  EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = 2500"), "4998");
}

TEST_F(ChainTest, WritesOfItsOwnKeepStations) {
  string bytes;
  for (int i = 0; i < 5000; i++) bytes += "\1a";
  Put("a", bytes);
  Run("BEGIN; INSERT INTO t(d) VALUES('x')");
  EXPECT_EQ(One("SELECT offset FROM t WHERE rowid = 5000"), "10000");
  Run("UPDATE t SET d = 'y' WHERE rowid = 4000; DELETE FROM t WHERE rowid = 4998; COMMIT");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "5000");
  EXPECT_EQ(One("SELECT group_concat(d, '') FROM t WHERE rowid IN (4000, 4996, 4997, 4998, 4999)"),
            "yaaax");
}

// ---- from record to record ------------------------------------------------------------------------

// Long enough for many pages and stations, whose ends fall anywhere in a record.
TEST_F(ChainTest, EveryKindOfSizeIsSteppedOver) {
  struct Kind {
    const char *type;
    size_t size;
    bool big;
  };
  for (Kind kind : {Kind{"u8", 1, false},
                    {"i8", 1, false},
                    {"u16le", 2, false},
                    {"u16be", 2, true},
                    {"u24be", 3, true},
                    {"u32le", 4, false},
                    {"u32be", 4, true},
                    {"u64le", 8, false}}) {
    string bytes;
    std::vector<size_t> places, sizes;
    for (size_t i = 0; i < 3000; i++) {
      size_t n = i % 700 == 699 ? 120 : i * i % 11;
      places.push_back(bytes.size());
      sizes.push_back(n);
      string number(kind.size, '\0');
      number[kind.big ? kind.size - 1 : 0] = static_cast<char>(n);
      bytes += "k" + number + string(n, 'x') + "!";
    }
    Put("q", bytes);
    Make("'q', k u8, n "s + kind.type + ", d text(n), e u8");
    string sum = std::to_string(std::accumulate(sizes.begin(), sizes.end(), size_t{0}));
    EXPECT_EQ(Rows("SELECT count(*), sum(k), sum(n), sum(length(d)), sum(e), max(next) FROM x"),
              "3000|" + std::to_string(3000 * 'k') + "|" + sum + "|" + sum + "|" +
                  std::to_string(3000 * '!') + "|" + std::to_string(bytes.size()))
        << kind.type;
    for (size_t row : {0u, 1u, 500u, 1022u, 1023u, 1024u, 1025u, 2047u, 2048u, 2998u, 2999u}) {
      string n = std::to_string(row), place = std::to_string(places[row]);
      string all = place + "|107|" + std::to_string(sizes[row]) + "|33";
      EXPECT_EQ(Rows("SELECT offset, k, n, e FROM x WHERE rowid = " + n), all);
      EXPECT_EQ(Rows("SELECT offset, k, n, e FROM x WHERE offset = " + place), all);
      EXPECT_EQ(One("SELECT count(*) FROM x WHERE rowid <= " + n), std::to_string(row + 1));
      EXPECT_EQ(One("SELECT count(*) FROM x WHERE offset < " + place), n);
      EXPECT_EQ(One("SELECT count(*) FROM x WHERE offset <= " + place), std::to_string(row + 1));
      EXPECT_EQ(One("SELECT count(*) FROM x WHERE offset > " + place), std::to_string(2999 - row));
    }
    for (size_t cut : {1u, 2u, 3u}) {
      Put("q", bytes.substr(0, bytes.size() - cut));
      EXPECT_EQ(Error("SELECT sum(n) FROM x").substr(0, 28), "DAMAGED x: record 2999 at of") << cut;
      EXPECT_EQ(One("SELECT count(*) FROM x WHERE rowid < 2999"), "2999");
    }
  }
}

// What the statement itself writes between two rows counts for the next one.
TEST_F(ChainTest, AScanSeesWhatItsOwnStatementWrites) {
  Put("a", "\1a\2\1x\1c\1d"s);
  auto with = [&](const string &write) {
    Run("BEGIN");
    string rows = Rows("SELECT offset, d, iif(offset = 0, " + write + ", 0) IS NULL FROM t");
    Run("ROLLBACK");
    return rows;
  };
  EXPECT_EQ(with("0"), "0|a|0\n2|\1x|0\n5|c|0\n7|d|0");
  EXPECT_EQ(with("mmap_set('a', 2, 0)"), "0|a|0\n2||0\n3|x|0\n5|c|0\n7|d|0");
  EXPECT_EQ(with("mmap_resize('a', 5)"), "0|a|0\n2|\1x|0");
  EXPECT_EQ(with("mmap_insert('a', 9, x'0165')"), "0|a|0\n2|\1x|0\n5|c|0\n7|d|0");
  EXPECT_EQ(Error("SELECT n FROM t WHERE iif(offset = 0, mmap_resize('a', 3), 1)"),
            "DAMAGED t: record 1 at offset 2: column 'd': 2 bytes at 3 end past 3");
  EXPECT_EQ(Get("a"), "\1a\2"s);
}

TEST_F(ChainTest, AScanDoesNotSeeWhatItDeletes) {
  string bytes;
  for (int i = 0; i < 50; i++) bytes += "\1a";
  Put("a", bytes);
  Run("BEGIN");
  sqlite3_stmt *scan = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT rowid FROM t", -1, &scan, nullptr), SQLITE_OK);
  int rows = 0;
  while (sqlite3_step(scan) == SQLITE_ROW) {
    if (rows++ == 3) Run("DELETE FROM t WHERE rowid > 9");
  }
  EXPECT_EQ(sqlite3_finalize(scan), SQLITE_OK);
  EXPECT_EQ(rows, 10);
  Run("ROLLBACK");
}

// Files that say of themselves that they never end: whoever waits can stop it.
TEST_F(ChainTest, AnEndlessChainIsInterrupted) {
  MM_NEEDS_64_BITS();
  Put("endless", "");
  std::filesystem::resize_file("endless", UINT64_C(1) << 40);
  using Clock = std::chrono::steady_clock;
  const string file = "SELECT count(*) FROM x('endless')", far = " WHERE rowid = 1000000000000";
  for (auto [layout, query] : std::vector<std::pair<string, string>>{
           {"n u8", file},
           {"n u8, d blob(n)", file},
           {"n u8, d blob(n)", file + far},
           {"n u8, d blob(n), while=(n = 0)", file},
           {"n u8, d blob(n), until=(n)", file + far},
           {"n u8, d blob(n), until=(n)", "SELECT n FROM x('endless') ORDER BY rowid DESC LIMIT 1"},
           {"n u8, d blob(n), partial=yes", "SELECT mmap_check('x', 'endless')"},
           {"n u8, d blob(n)",
            "UPDATE x SET d = '' WHERE file = 'endless' AND rowid = 1000000000000"},
           {"s cstr(x'0a')", file},
           {"s cstr(x'0d0a'), partial=yes", file},
           {"s cstr(x'0a'), partial=yes", "SELECT mmap_check('x', 'endless')"}}) {
    Make("*, " + layout);
    auto end = Clock::now() + std::chrono::milliseconds(100);
    auto late = [](void *context) {
      return static_cast<int>(Clock::now() > *static_cast<Clock::time_point *>(context));
    };
    sqlite3_progress_handler(*db, 1000, late, &end);
    string error = Error(query);
    sqlite3_progress_handler(*db, 0, nullptr, nullptr);
    EXPECT_EQ(error.substr(0, 9), "INTERRUPT") << layout << "; " << query;
    EXPECT_LT(Clock::now() - end, std::chrono::seconds(5)) << layout << "; " << query;
  }
}

// ---- UPDATE ---------------------------------------------------------------------------------------

TEST_F(ChainTest, UpdatesInPlace) {
  Run("UPDATE t SET d = 'XYZ' WHERE n = 3");
  EXPECT_EQ(Get("a"), "\1a\0\3XYZ\2ee"s);
  Run("UPDATE chain SET d = upper(d) WHERE file = 'a' AND start = 7");
  EXPECT_EQ(Get("a"), "\1a\0\3XYZ\2EE"s);
  Run("UPDATE chain SET n = n, d = d WHERE file = 'a'");
  Run("UPDATE t SET d = q.d FROM (SELECT 'zz' AS d, 2 AS n) q WHERE q.n = t.n");
  EXPECT_EQ(Get("a"), "\1a\0\3XYZ\2zz"s);
}

TEST_F(ChainTest, RefusesWhatWouldMoveARecord) {
  const string before = Get("a");
  for (const auto &[set, why] : std::vector<std::pair<string, string>>{
           {"n = 1", "column 'n': the layout of its record hangs on it"},
           {"d = 'xy'", "column 'd': 2 bytes do not fit 3"},
           {"d = 12", "column 'd': 2 bytes do not fit 3"},
           {"d = NULL", "column 'd': NULL does not fit text(3)"}}) {
    EXPECT_EQ(Error("UPDATE t SET " + set + " WHERE n = 3"), "CONSTRAINT t: " + why);
    EXPECT_EQ(Error("UPDATE OR IGNORE t SET " + set + " WHERE n = 3"), "ok");
    EXPECT_EQ(Error("UPDATE OR REPLACE t SET " + set + " WHERE n = 3").substr(0, 10), "CONSTRAINT");
    EXPECT_EQ(Get("a"), before);
  }
  for (const char *name : {"offset", "next", "error", "rowid"}) {
    EXPECT_EQ(Error("UPDATE t SET " + string(name) + " = 5 WHERE n = 3").substr(0, 5), "ERROR")
        << name;
  }
  for (const char *name : {"file", "start", "stop", "endian"}) {
    EXPECT_NE(Error("UPDATE chain SET " + string(name) + " = 5 WHERE file = 'a'"), "ok") << name;
  }
  EXPECT_EQ(Get("a"), before);
  Run("UPDATE t SET d = 123 WHERE n = 3");
  EXPECT_EQ(Get("a"), "\1a\0\003123\2ee"s);
}

TEST_F(ChainTest, OrFailKeepsWhatWasDoneBefore) {
  EXPECT_EQ(
      Error("UPDATE OR FAIL t SET d = CASE rowid WHEN 0 THEN 'z' WHEN 3 THEN 'toolong' ELSE d END")
          .substr(0, 10),
      "CONSTRAINT");
  EXPECT_EQ(All(), "0z 1 2bcd 3ee");
  EXPECT_EQ(Error("UPDATE t SET d = CASE rowid WHEN 0 THEN 'y' WHEN 3 THEN 'toolong' ELSE d END")
                .substr(0, 10),
            "CONSTRAINT");
  EXPECT_EQ(All(), "0z 1 2bcd 3ee");
}

TEST_F(ChainTest, BitsVarintsAndTextsKeepTheirSize) {
  Put("b", "\xab\x80\1ab\0\7"s);
  Make("'b', hi b4, lo b4, v uleb128, s cstr, q u8, c AS (q + 1), z u8 if(q = 0)");
  Run("UPDATE x SET lo = 1");
  EXPECT_EQ(Get("b"), "\xa1\x80\1ab\0\7"s);
  Run("UPDATE x SET v = 5, hi = 2, lo = 3, s = 'xy'");
  EXPECT_EQ(Get("b"), "\x23\x85\0xy\0\7"s);
  for (const auto &[set, why] : std::vector<std::pair<string, string>>{
           {"lo = 16", "column 'lo': 16 does not fit b4"},
           {"c = 1", "column 'c': it is computed from others"},
           {"z = 1", "column 'z': it has no bytes in this record"},
           {"q = 0", "column 'q': the layout of its record hangs on it"}}) {
    EXPECT_EQ(Error("UPDATE x SET " + set), "CONSTRAINT x: " + why);
  }
  EXPECT_EQ(Error("UPDATE x SET v = 1000000").substr(0, 10), "CONSTRAINT");
  EXPECT_EQ(Error("UPDATE x SET s = 'xyz'").substr(0, 10), "CONSTRAINT");
  EXPECT_EQ(Error("UPDATE x SET s = 'x'").substr(0, 10), "CONSTRAINT");
}

TEST_F(ChainTest, AChangeThroughAnOverlapIsSeen) {
  Put("b", "\1ab\1c"s);
  Make("'b', n u8, d text(n), raw u8 @0");
  EXPECT_EQ(Error("UPDATE x SET raw = 2 WHERE rowid = 0").substr(0, 10), "CONSTRAINT");
  EXPECT_EQ(Get("b"), "\1ab\1c"s);
  Put("b", "\1\2");
  Make("'b', a u8, b u8 @0, check=(a < 5)");
  EXPECT_EQ(Error("UPDATE x SET a = 3, b = 4 WHERE a = 1"),
            "CONSTRAINT x: column 'a': another column that is set lies over it");
  EXPECT_EQ(Error("UPDATE x SET b = 9 WHERE a = 1"),
            "CONSTRAINT x: record 0 at offset 0: its check fails");
  Run("UPDATE x SET b = 4 WHERE a = 1");
  EXPECT_EQ(Get("b"), "\4\2");
}

// ---- INSERT ---------------------------------------------------------------------------------------

TEST_F(ChainTest, AppendsARecord) {
  Run("INSERT INTO t(d) VALUES('new'), ('')");
  EXPECT_EQ(Get("a"), "\1a\0\3bcd\2ee\3new\0"s);
  EXPECT_EQ(One("SELECT last_insert_rowid()"), "5");
  Run("INSERT INTO t(n, d) VALUES(2, 'ab')");
  Run("INSERT INTO t(n) VALUES(1)");
  Run("INSERT INTO t DEFAULT VALUES");
  Run("INSERT INTO t(rowid, d) VALUES(9, 7)");
  EXPECT_EQ(Get("a").substr(15), "\2ab\1\0\0\0017"s);
  Run("INSERT INTO t(d) SELECT d FROM t WHERE n = 3");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "12");
}

TEST_F(ChainTest, WhatDoesNotAgreeIsRefused) {
  const string before = Get("a");
  for (const auto &[insert, why] : std::vector<std::pair<string, string>>{
           {"(n, d) VALUES(3, 'ab')", "column 'd': 2 bytes do not fit 3"},
           {"(n, d) VALUES(1, 'ab')", "column 'd': 2 bytes do not fit 1"},
           {"(n) VALUES(300)", "column 'n': 300 does not fit u8"},
           {"(d) VALUES(replace(hex(zeroblob(200)), '0', 'x'))", "column 'n': 400 does not fit u8"},
           {"(rowid, d) VALUES(9, 'a')", "rowid 9 cannot be inserted: the next one is 4"},
           {"(rowid, d) VALUES(0, 'a')", "rowid 0 cannot be inserted: the next one is 4"},
           {"(offset, d) VALUES(3, 'a')", "offset is not 10, where the next record is"},
           {"(next, d) VALUES(3, 'a')", "column 'next' cannot be set"}}) {
    EXPECT_EQ(Error("INSERT INTO t" + insert), "CONSTRAINT t: " + why);
    EXPECT_EQ(Error("INSERT OR IGNORE INTO t" + insert), "ok");
    EXPECT_EQ(Error("REPLACE INTO t" + insert).substr(0, 10), "CONSTRAINT");
    EXPECT_EQ(Get("a"), before);
  }
  EXPECT_EQ(Error("INSERT INTO chain(file, d) VALUES('a', 'x')"),
            "ERROR chain: a layout can only be updated");
  EXPECT_EQ(Error("DELETE FROM chain WHERE file = 'a'"),
            "ERROR chain: a layout can only be updated");
  Run("INSERT INTO t(offset, d) VALUES(10, 'x')");
  EXPECT_EQ(Error("INSERT OR FAIL INTO t(n, d) VALUES(1, 'a'), (9, 'b'), (1, 'c')").substr(0, 10),
            "CONSTRAINT");
  EXPECT_EQ(Get("a"), before + "\1x\1a");
  EXPECT_EQ(Error("INSERT INTO t(n, d) VALUES(1, 'a'), (9, 'b')").substr(0, 10), "CONSTRAINT");
  EXPECT_EQ(Get("a"), before + "\1x\1a");
}

// What lies elsewhere in the file is no part of a new record.
TEST_F(ChainTest, AnInsertWritesNothingElsewhere) {
  Put("f", "\1\2\3\4"s);
  Make("'f', a u8, head u8 at_file(0), more u8");
  Run("INSERT INTO x(a) VALUES (9)");
  EXPECT_EQ(Get("f"), "\1\2\3\4\x9"s);
  EXPECT_EQ(Error("INSERT INTO x(a, more) VALUES (9, 7)"),
            "CONSTRAINT x: column 'more': it lies elsewhere in the file");
  Run("INSERT INTO x(a, head, more) VALUES (8, 1, 2)");
  EXPECT_EQ(Get("f"), "\1\2\3\4\x9\x8"s);
  Put("g", "");
  Make("'g', a u8, far u16le at_file(5)");
  EXPECT_EQ(Error("INSERT INTO x(a) VALUES (1)"),
            "CONSTRAINT x: record 0 at offset 0: column 'far': its place, 5, is past the end at 1");
  EXPECT_EQ(Get("g"), "");
}

TEST_F(ChainTest, FillsInEachKindOfSize) {
  Put("b", "");
  Make("'b', a u8, b u8, c u8, d u8, l latin1(a), u utf16le(b), i u16be[c], t text(d), z cstr, v "
       "vlq");
  Run("INSERT INTO x(l, u, i, t, z, v) VALUES('é', 'a😀', '[1, 2]', 'ü', 'end', 200)");
  EXPECT_EQ(Rows("SELECT * FROM x"), "1|6|2|2|é|a😀|[1,2]|ü|end|200");
  EXPECT_EQ(Get("b"),
            "\1\6\2\2\xe9"s + "a\0\x3d\xd8\0\xde"s + "\0\1\0\2"s + "ü" + "end\0"s + "\x81\x48");
  Run("INSERT INTO x DEFAULT VALUES");
  EXPECT_EQ(Get("b").substr(23), "\0\0\0\0\0\0"s);
  Make("'b', access=write, a u8, p blob(a), q blob(a)");
  Put("b", "");
  EXPECT_EQ(Error("INSERT INTO x(p, q) VALUES('ab', 'c')"),
            "CONSTRAINT x: column 'q': 1 bytes do not fit 2");
  Run("INSERT INTO x(p, q) VALUES('ab', 'cd'); INSERT INTO x(q) VALUES('z')");
  EXPECT_EQ(Get("b"), "\2abcd\1\0z"s);
}

TEST_F(ChainTest, LaysOutEveryForm) {
  Put("b", "");
  Make("'b', kind u8, hi b3, lo b5, len u16be, x u32le if(kind = 1), at8 u8 @8, s cstr(x'0a'), "
       "twice AS (kind * 2), record=(len), align=4");
  Run("INSERT INTO x(kind, hi, lo, at8, s) VALUES(2, 5, 17, 9, 'abcde')");
  EXPECT_EQ(Get("b"), "\2\xb1\0\x0f\0\0\0\0\tabcde\n"s);
  Run("INSERT INTO x(kind, x, at8, s) VALUES(1, 1, 0, '')");
  EXPECT_EQ(Get("b").substr(15), "\0"s + "\1\0\0\x0a\1\0\0\0\0\n"s) << "padded first";
  EXPECT_EQ(Rows("SELECT kind, hi, lo, len, x, at8, s, twice, offset, next FROM x"),
            "2|5|17|15|NULL|9|abcde|4|0|16\n1|0|0|10|1|0||2|16|26");
}

TEST_F(ChainTest, TakesNothingWhereNothingCanFollow) {
  Put("b", "\0\1E"s);
  Make("'b', n u8, d text(n), until=(d = 'E')");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('a')"),
            "ERROR x: until says that the last record of 'b' is the last");
  Put("b", "\0"s);
  Run("INSERT INTO x(d) VALUES('a'), ('E')");
  EXPECT_EQ(Get("b"), "\0\1a\1E"s);
  Put("b", "\1a\0\0"s);
  Make("'b', n u8, while=(n), d text(n)");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('a')"), "ERROR x: 'b' has 2 bytes past its last record");
  Put("b", "\1a");
  EXPECT_EQ(Error("INSERT INTO x(n) VALUES(0)"),
            "CONSTRAINT x: it would be no row: count or while ends the rows before");
  Make("'b', n u8, d text(n), count=(1)");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('')").substr(0, 10), "CONSTRAINT");
  Make("'b', n u8, d text(n), length=2");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('')").substr(0, 5), "ERROR");
  Make("'b', n u8, d text(stop - pos)");
  EXPECT_EQ(Error("INSERT INTO x(n) VALUES(0)").substr(0, 15), "ERROR x: INSERT");
  Make("'b', n u8, d text(n), access=read");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('')"), "READONLY x: the table has access=read");
  Make("'b', n u8, d text(n), access=copy");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('')").substr(0, 8), "READONLY");
  Make("'c', n u8, d text(n), access=create");
  Run("INSERT INTO x(d) VALUES('hi')");
  EXPECT_EQ(Get("c"), "\2hi");
  Put("b", "\5");
  Make("'b', n u8, d text(n)");
  EXPECT_EQ(Error("INSERT INTO x(d) VALUES('')").substr(0, 7), "DAMAGED");
  EXPECT_EQ(Get("b"), "\5");
}

// ---- DELETE ---------------------------------------------------------------------------------------

TEST_F(ChainTest, DeleteClosesUpAtCommit) {
  Run("BEGIN; DELETE FROM t WHERE n IN (1, 3)");
  EXPECT_EQ(All(), "1 3ee");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), "\1a\0\3bcd\2ee"s);
  EXPECT_EQ(One("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid = 2"), "0");
  EXPECT_EQ(One("SELECT count(*) FROM chain('a')"), "4");
  Run("INSERT INTO t(d) VALUES('new'); UPDATE t SET d = 'ff' WHERE rowid = 3");
  EXPECT_EQ(All(), "1 3ff 4new");
  Run("DELETE FROM t WHERE rowid = 4; INSERT INTO t(d) VALUES('end')");
  EXPECT_EQ(All(), "1 3ff 5end");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "\0\2ff\3end"s);
  EXPECT_EQ(All(), "0 1ff 2end");
  Run("DELETE FROM t");
  EXPECT_EQ(Get("a"), "");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
}

TEST_F(ChainTest, DeleteIsUndone) {
  const string before = Get("a");
  Run("BEGIN; DELETE FROM t WHERE rowid = 0; SAVEPOINT s; DELETE FROM t WHERE rowid > 1");
  EXPECT_EQ(All(), "1");
  Run("ROLLBACK TO s");
  EXPECT_EQ(All(), "1 2bcd 3ee");
  Run("DELETE FROM t WHERE rowid = 2; ROLLBACK TO s; INSERT INTO t(d) VALUES('x'); ROLLBACK TO s");
  EXPECT_EQ(All(), "1 2bcd 3ee");
  Run("ROLLBACK");
  EXPECT_EQ(All(), "0a 1 2bcd 3ee");
  EXPECT_EQ(Get("a"), before);
  Run("BEGIN; DELETE FROM t WHERE rowid = 0; SAVEPOINT s; DELETE FROM t WHERE rowid = 1; ROLLBACK "
      "TO s; "
      "COMMIT");
  EXPECT_EQ(Get("a"), before.substr(2));
}

TEST_F(ChainTest, PaddingThatARecordThatIsDeletedGetsGoesWithIt) {
  Put("b", "\1a\0\0\2cd"s);
  Make("'b', n u8, d text(n), align=4, delete=yes");
  Run("BEGIN; DELETE FROM x WHERE rowid = 1; SAVEPOINT s; INSERT INTO x(d) VALUES('e')");
  EXPECT_EQ(Rows("SELECT rowid, offset, d FROM x"), "0|0|a\n2|8|e");
  Run("ROLLBACK TO s; INSERT INTO x(d) VALUES('fg'); DELETE FROM x WHERE rowid = 2");
  Run("INSERT INTO x(d) VALUES('h'); COMMIT");
  EXPECT_EQ(Get("b"), "\1a\0\0\1h"s);
  EXPECT_EQ(Rows("SELECT rowid, offset, d FROM x"), "0|0|a\n1|4|h");
  Run("BEGIN; DELETE FROM x; SAVEPOINT s; INSERT INTO x(d) VALUES('i'); ROLLBACK TO s; COMMIT");
  EXPECT_EQ(Get("b"), "");
}

TEST_F(ChainTest, PaddingIsNotPutBehindWhatAnotherTableMayHaveDeleted) {
  Put("b", "\1a\0\0\2cd"s);
  Make("'b', n u8, d text(n), align=4, delete=yes");
  Run("CREATE VIRTUAL TABLE y USING mmap('b', n u8, d text(n), align=4)");
  Run("BEGIN; DELETE FROM x WHERE rowid = 1");
  EXPECT_EQ(Error("INSERT INTO y(d) VALUES('e')"),
            "ERROR y: another table has deleted rows of 'b': COMMIT closes them up first");
  EXPECT_EQ(Bytes("SELECT mmap_slice('b')"), "\1a\0\0\2cd"s);
  Run("INSERT INTO x(d) VALUES('efg'); INSERT INTO y(d) VALUES('h'); COMMIT");
  EXPECT_EQ(Get("b"), "\1a\0\0\3efg\1h"s);
}

TEST_F(ChainTest, WhatIsResizedMeanwhileIsRefused) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 0");
  const string why = ": rows of 'a' were deleted: COMMIT closes them up first";
  EXPECT_EQ(Error("SELECT mmap_resize('a', 3)"), "ERROR mmap_resize" + why);
  EXPECT_EQ(Error("SELECT mmap_insert('a', 0, 'x')"), "ERROR mmap_insert" + why);
  EXPECT_EQ(Error("DROP TABLE temp.t").substr(0, 6), "LOCKED");
  EXPECT_EQ(Error("DELETE FROM x").substr(0, 5), "ERROR");
  Run("ROLLBACK; SELECT mmap_resize('a', 3)");
  EXPECT_EQ(All(), "0a 1");
}

TEST_F(ChainTest, OnlyOneTableDeletesAtATime) {
  Make("'a', delete=yes, n u8, d text(n)");
  Run("CREATE VIRTUAL TABLE temp.b USING mmap('a', delete=yes, byte1 u8)");
  Run("BEGIN; DELETE FROM t WHERE rowid = 0");
  const string why = "another table has deleted rows of 'a': COMMIT closes them up first";
  EXPECT_EQ(Error("DELETE FROM x WHERE rowid = 1"), "ERROR x: " + why);
  EXPECT_EQ(Error("DELETE FROM b WHERE rowid = 1"), "ERROR b: " + why);
  EXPECT_EQ(One("SELECT count(*) FROM x"), "4") << "it sees the bytes";
  Run("INSERT INTO x(d) VALUES('x')");
  Run("COMMIT");
  EXPECT_EQ(All(), "0 1bcd 2ee 3x");
  Run("BEGIN; DELETE FROM b WHERE rowid = 0");
  EXPECT_EQ(Error("DELETE FROM t WHERE rowid = 1"), "ERROR t: " + why);
  Run("ROLLBACK; BEGIN; DELETE FROM x WHERE rowid = 0; ROLLBACK; DELETE FROM t WHERE rowid = 0");
  EXPECT_EQ(All(), "0bcd 1ee 2x");
}

TEST_F(ChainTest, DeleteAsksForDeleteYes) {
  Make("'a', n u8, d text(n)");
  EXPECT_EQ(Error("DELETE FROM x"), "READONLY x: DELETE renumbers the rows behind: delete=yes in "
                                    "CREATE VIRTUAL TABLE allows it");
  Make("'a', n u8, d text(n), delete=yes, length=10");
  EXPECT_EQ(Error("DELETE FROM x").substr(0, 5), "ERROR");
}

TEST_F(ChainTest, WhatFollowsTheRowsMovesDown) {
  Put("b", "\1a\1E.more."s);
  Make("'b', delete=yes, n u8, d text(n), until=(d = 'E')");
  Run("DELETE FROM x WHERE d = 'a'");
  EXPECT_EQ(Get("b"), "\1E.more.");
}

TEST_F(ChainTest, ATableRenamedInBetweenStaysTheSame) {
  Run("CREATE VIRTUAL TABLE main.m USING mmap('a', delete=yes, n u8, d text(n))");
  Run("BEGIN; DELETE FROM m WHERE rowid = 0; ALTER TABLE m RENAME TO k");
  EXPECT_EQ(One("SELECT group_concat(d, '-') FROM k"), "-bcd-ee");
  Run("DELETE FROM k WHERE rowid = 1; INSERT INTO k(d) VALUES('z'); COMMIT");
  EXPECT_EQ(Get("a"), "\3bcd\2ee\1z");
  Run("DROP TABLE k");
}

TEST_F(ChainTest, DoesNotCloseUpWhatAnotherProgramHasWritten) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 0");
  Put("a", "\0\1a"s);
  EXPECT_EQ(Error("COMMIT").substr(0, 13), "BUSY_SNAPSHOT");
  EXPECT_EQ(Get("a"), "\0\1a"s);
}

TEST_F(ChainTest, UntrustedSchemasDoNotReachIt) {
  Run("CREATE VIRTUAL TABLE main.m USING mmap('a', n u8, d text(n)); CREATE VIEW v AS SELECT * "
      "FROM m; "
      "PRAGMA trusted_schema = OFF");
  EXPECT_EQ(Error("SELECT * FROM v").substr(0, 33), "ERROR unsafe use of virtual table");
  Run("PRAGMA trusted_schema = ON; PRAGMA query_only = ON");
  EXPECT_EQ(Error("INSERT INTO t(d) VALUES('x')").substr(0, 8), "READONLY");
  EXPECT_EQ(Error("UPDATE t SET d = d").substr(0, 8), "READONLY");
}

TEST_F(ChainTest, IsolationHoldsForItsReadersAndWriters) {
  Run("SELECT mmap_config('isolation', 'transaction'), mmap_config('busy_timeout', 0)");
  Db other;
  other.Run("SELECT mmap_config('busy_timeout', 0)");
  Run("BEGIN");
  EXPECT_EQ(One("SELECT count(*) FROM chain('a')"), "4");
  EXPECT_EQ(other.Error("SELECT mmap_insert('a', 0, x'00')").substr(0, 4), "BUSY");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "4");
  Run("COMMIT");
  other.Run("SELECT mmap_insert('a', 0, x'00')");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "5");
}

// ---- beside a model -------------------------------------------------------------------------------

// Random statements, savepoints and rollbacks; the model has the records, with deleted ones.
TEST_F(ChainTest, RandomWritesGiveWhatAModelGives) {
  struct Row {
    string d;
    int k;
    bool gone;
  };
  using Rows_ = std::vector<Row>;
  Make("'b', delete=yes, access=create, n u8, k b3, j b5, d text(n), e u8 if(n > 3)");
  for (int seed = 0; seed < Rounds(40); seed++) {
    std::mt19937 random(static_cast<unsigned>(seed));
    auto pick = [&](size_t n) { return static_cast<size_t>(random() % n); };
    Put("b", "");
    Rows_ rows;
    std::vector<Rows_> saved;
    bool open = false;
    auto shown = [&] {
      string text;
      for (size_t i = 0; i < rows.size(); i++) {
        if (!rows[i].gone) {
          text += std::to_string(i) + rows[i].d + std::to_string(rows[i].k) + " ";
        }
      }
      return text;
    };
    auto bytes = [&] {
      string text;
      for (const Row &r : rows) {
        if (r.gone) continue;
        text += static_cast<char>(r.d.size());
        text += static_cast<char>(r.k << 5);
        text += r.d + (r.d.size() > 3 ? "\0"s : "");
      }
      return text;
    };
    auto close_up = [&] {
      Rows_ left;
      for (const Row &r : rows) {
        if (!r.gone) left.push_back(r);
      }
      rows = left;
    };
    for (int step = 0; step < 60; step++) {
      string sql;
      size_t what = pick(12), row = pick(rows.size() + 1);
      bool there = row < rows.size() && !rows[row].gone;
      if (what < 4) {
        Row r = {string(pick(7), static_cast<char>('a' + pick(26))), static_cast<int>(pick(8)),
                 false};
        sql = "INSERT INTO x(d, k) VALUES('" + r.d + "', " + std::to_string(r.k) + ")";
        rows.push_back(r);
      } else if (what < 6) {
        sql = "DELETE FROM x WHERE rowid = " + std::to_string(row);
        if (there) rows[row].gone = true;
      } else if (what < 7) {
        sql = "DELETE FROM x WHERE k = " + std::to_string(row % 8);
        for (Row &r : rows) r.gone |= r.k == static_cast<int>(row % 8);
      } else if (what < 9) {
        sql = "UPDATE x SET d = upper(d), k = 7 - k WHERE rowid = " + std::to_string(row);
        if (there) {
          for (char &c : rows[row].d) c = static_cast<char>(toupper(c));
          rows[row].k = 7 - rows[row].k;
        }
      } else if (!open) {
        sql = "BEGIN";
        saved = {rows};
        open = true;
      } else if (what == 9) {
        sql = "SAVEPOINT s" + std::to_string(saved.size());
        saved.push_back(rows);
      } else if (what == 10 && saved.size() > 1) {
        size_t to = 1 + pick(saved.size() - 1);
        sql = "ROLLBACK TO s" + std::to_string(to);
        rows = saved[to];
        saved.resize(to + 1);
      } else {
        sql = pick(3) ? "COMMIT" : "ROLLBACK";
        if (sql == "ROLLBACK") rows = saved[0];
        open = false;
      }
      Run(sql);
      if (!open) close_up();
      ASSERT_EQ(One("SELECT ifnull(group_concat(rowid || d || k || ' ', ''), '') FROM x"), shown())
          << seed << ": " << sql;
      if (!open) ASSERT_EQ(Get("b"), bytes()) << seed << ": " << sql;
    }
    if (open) Run("ROLLBACK");
  }
}

// n, 2n, 4n: the work is as much as there is to do. By steps of SQLite's machine nothing of ours would be
// seen, so it is by time, which would be 16 times as long where it was as the square.
TEST_F(ChainTest, WorkGrowsWithTheRows) {
  std::vector<double> seconds;
  for (int n : {20000, 40000, 80000}) {
    Put("a", "");
    string rows = "WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < " +
                  std::to_string(n) + ") ";
    clock_t before = clock();
    Run("BEGIN; " + rows + "INSERT INTO t(d) SELECT i FROM s");
    Run("UPDATE t SET d = reverse FROM (SELECT rowid AS r, substr('xxxxxx', 1, n) AS reverse FROM "
        "t) q "
        "WHERE q.r = t.rowid");
    Run("DELETE FROM t WHERE rowid % 3 = 0; COMMIT");
    seconds.push_back(double(clock() - before) / CLOCKS_PER_SEC);
    EXPECT_EQ(One("SELECT count(*) FROM t"), std::to_string(n - (n + 2) / 3));
  }
  EXPECT_LT(seconds[2], 10 * seconds[0] + 0.5);
}

// A row that stands for a file still to come has nothing, and no other behind it.
TEST_F(ChainTest, InAnOuterJoinWithoutAFile) {
  Put("f", "ab");
  Run("CREATE VIRTUAL TABLE temp.nofile USING mmap(*, a u8)");
  EXPECT_EQ(One("SELECT count(*) FROM (SELECT 1) LEFT JOIN nofile"), "1");
  EXPECT_EQ(Error("SELECT * FROM (SELECT 1 AS x) AS t LEFT JOIN nofile AS l ON l.rowid = t.x")
                .substr(0, 5),
            "ERROR");
  EXPECT_EQ(One("SELECT count(*) FROM (SELECT 1) LEFT JOIN nofile('f')"), "2");
}

} // namespace
} // namespace mm_test
