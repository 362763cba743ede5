// sorted=COLUMN: every query gives the rows that an ordinary table with the same rows gives, by
// looking at few records; an order that is broken is refused, or reported.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>

namespace mm_test {
namespace {

using Random = std::mt19937_64;

// SQLite before 3.34 goes through all rows for the least value of a virtual table, not for the
// greatest.
const char *const kLeast = sqlite3_libversion_number() < 3034000
                               ? "SELECT k FROM t ORDER BY k LIMIT 1"
                               : "SELECT min(k) FROM t";

// Before 3.38 it compares the values of a list that it looks up one by one as if they were all
// texts.
const bool kListsAreOurs = sqlite3_libversion_number() >= 3038000;

/* ---- keys of every type --------------------------------------------------------------------- */

// A type of keys: how to make one up, and its own order, written down apart from the library's.
struct KeyType {
  std::string name;
  std::string affinity;
  size_t size;
  std::string (*make)(Random &random, size_t size, int spread);
  bool (*less)(const std::string &a, const std::string &b);
};

std::string Coded(uint64_t value, size_t size, bool big) {
  std::string bytes(size, 0);
  for (size_t i = 0; i < size; i++) {
    bytes[big ? size - 1 - i : i] = static_cast<char>(value >> 8 * i);
  }
  return bytes;
}

uint64_t Number(const std::string &bytes, bool big) {
  uint64_t value = 0;
  for (size_t i = 0; i < bytes.size(); i++) {
    uint64_t byte = static_cast<uint8_t>(bytes[i]);
    value |= byte << 8 * (big ? bytes.size() - 1 - i : i);
  }
  return value;
}

int64_t Signed(uint64_t value, size_t size) {
  unsigned shift = static_cast<unsigned>(64 - 8 * size);
  return static_cast<int64_t>(value << shift) >> shift;
}

// Few different values, values about zero and the ends of the type, or any.
uint64_t AnyInteger(Random &random, int spread) {
  static const uint64_t edges[] = {0,
                                   1,
                                   127,
                                   128,
                                   255,
                                   0x7fff,
                                   0x7fffffff,
                                   0x80000000,
                                   INT64_MAX,
                                   static_cast<uint64_t>(INT64_MAX) + 1,
                                   UINT64_MAX,
                                   UINT64_C(9007199254740993),
                                   UINT64_C(9000000000000000000)};
  if (spread == 0) return random() % 12 - 5;
  if (random() % 4 == 0) return edges[random() % 13] + random() % 3 - 1;
  return spread == 1 ? random() : random() % 100000;
}

template <bool big> std::string MakeInteger(Random &random, size_t size, int spread) {
  return Coded(AnyInteger(random, spread), size, big);
}

template <bool big> bool LessUnsigned(const std::string &a, const std::string &b) {
  return Number(a, big) < Number(b, big);
}

template <bool big> bool LessSigned(const std::string &a, const std::string &b) {
  return Signed(Number(a, big), a.size()) < Signed(Number(b, big), b.size());
}

double AnyReal(Random &random, int spread) {
  static const double edges[] = {0.0,
                                 -0.0,
                                 1.5,
                                 -1.5,
                                 1e300,
                                 -1e300,
                                 INFINITY,
                                 -INFINITY,
                                 NAN,
                                 5e-324,
                                 9007199254740992.0,
                                 9.2233720368547758e18,
                                 2.5};
  if (random() % 5 == 0) return edges[random() % 13];
  if (spread == 0) return static_cast<double>(random() % 10) / 2 - 2;
  return (static_cast<double>(random() % 2000000) - 1e6) * (spread == 1 ? 0.25 : 1e12);
}

double Real(const std::string &bytes, bool big) {
  uint64_t bits = Number(bytes, big);
  if (bytes.size() == 8) {
    double real;
    memcpy(&real, &bits, 8);
    return real;
  }
  auto low = static_cast<uint32_t>(bits);
  float real;
  memcpy(&real, &low, 4);
  return static_cast<double>(real);
}

template <bool big> std::string MakeReal(Random &random, size_t size, int spread) {
  double real = AnyReal(random, spread);
  auto single = static_cast<float>(real);
  uint64_t bits = 0;
  if (size == 8) {
    memcpy(&bits, &real, 8);
  } else {
    memcpy(&bits, &single, 4);
  }
  return Coded(bits, size, big);
}

template <bool big> bool LessReal(const std::string &a, const std::string &b) {
  double x = Real(a, big), y = Real(b, big);
  if (std::isnan(x) || std::isnan(y)) return std::isnan(x) && !std::isnan(y);
  return x < y;
}

// Bytes of a small alphabet with a common beginning, so that many share their first 8.
std::string MakeBlob(Random &random, size_t size, int spread) {
  std::string bytes(size, 0);
  size_t common = spread == 0 ? size - 1 : spread == 1 ? 0 : size / 2;
  for (size_t i = 0; i < size; i++) {
    bytes[i] = i < common ? 'p' : static_cast<char>(spread == 1 ? random() : random() % 3);
  }
  return bytes;
}

std::string MakeText(Random &random, size_t size, int spread) {
  static const char *const words[] = {"",          "a",     "ab",  "abc",      "7",
                                      "7.0",       "007",   "2.5", "-1",       "abcdefgh",
                                      "abcdefghi", "zebra", "Z",   "\xc3\xa9", "\xff"};
  std::string text = words[random() % 15];
  if (spread == 1) text = std::to_string(random() % 1000);
  if (spread == 2) text = "abcdefgh" + text;
  text.resize(std::min(text.size(), size));
  std::string bytes = text;
  if (bytes.size() < size) bytes += '\0';
  while (bytes.size() < size) bytes += static_cast<char>(random()); // past the NUL: nobody's
  return bytes;
}

bool LessText(const std::string &a, const std::string &b) {
  return std::string(a.c_str()) < std::string(b.c_str());
}

template <bool big> std::string MakeUtf16(Random &random, size_t size, int spread) {
  static const uint16_t units[] = {'a', 'b', '7', 0xe9, 0x20ac, 0xd7ff, 0xe000, 0xfffd, 0xffff};
  std::string bytes;
  size_t length = random() % (size / 2 + 1);
  while (bytes.size() < 2 * length) {
    if (random() % 5 == 0 &&
        2 * length - bytes.size() >= 4) { // a pair: after U+E000 in code points
      bytes += Coded(0xd800 + random() % 4, 2, big) + Coded(0xdc00 + random() % 4, 2, big);
    } else {
      bytes += Coded(units[random() % (spread ? 9 : 3)], 2, big);
    }
  }
  bytes.resize(size);
  return bytes;
}

template <bool big> std::u32string Points(const std::string &bytes) {
  std::u32string points;
  for (size_t i = 0; i + 1 < bytes.size(); i += 2) {
    auto unit = static_cast<char32_t>(Number(bytes.substr(i, 2), big));
    if (unit == 0) break;
    if (unit >= 0xd800 && unit < 0xdc00 && i + 3 < bytes.size()) {
      auto low = static_cast<char32_t>(Number(bytes.substr(i + 2, 2), big));
      unit = 0x10000 + ((unit - 0xd800) << 10) + (low - 0xdc00);
      i += 2;
    }
    points += unit;
  }
  return points;
}

template <bool big> bool LessUtf16(const std::string &a, const std::string &b) {
  return Points<big>(a) < Points<big>(b);
}

// A bf16 is the upper half of an f32.
template <bool big> std::string MakeBfloat(Random &random, size_t, int spread) {
  return Coded(Number(MakeReal<true>(random, 4, spread), true) >> 16, 2, big);
}

template <bool big> bool LessBfloat(const std::string &a, const std::string &b) {
  return LessReal<true>(Coded(Number(a, big) << 16, 4, true), Coded(Number(b, big) << 16, 4, true));
}

// Any bits, but few of the numbers beside others that are like them.
template <bool big> std::string MakeHalf(Random &random, size_t, int spread) {
  static const uint16_t edges[] = {0,      0x8000, 1,      0x8001, 0x3c00, 0xbc00, 0x7bff,
                                   0xfbff, 0x7c00, 0xfc00, 0x7e00, 0xffff, 0x4000, 0x4100};
  uint64_t any = spread == 0 ? 0x3c00 + (random() % 4 << 8) : random();
  return Coded(random() % 4 ? any : edges[random() % 14], 2, big);
}

// By IEEE 754: sign and magnitude, but that -0.0 is 0.0; NaN first.
template <bool big> bool LessHalf(const std::string &a, const std::string &b) {
  auto place = [](const std::string &bytes) {
    int bits = static_cast<int>(Number(bytes, big)), magnitude = bits & 0x7fff;
    if (magnitude > 0x7c00) return -0x10000;
    return bits & 0x8000 ? -magnitude : magnitude;
  };
  return place(a) < place(b);
}

// Latin1 that has high bytes, and then what is past the NUL.
std::string MakeLatin1(Random &random, size_t size, int spread) {
  std::string bytes = MakeText(random, size, spread);
  for (char &c : bytes) {
    if (c && random() % 4 == 0) c = static_cast<char>(c | 0x80);
  }
  return bytes;
}

// A guid's text goes through its bytes in this order.
bool LessGuid(const std::string &a, const std::string &b) {
  for (int i : {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15}) {
    auto x = static_cast<uint8_t>(a[i]), y = static_cast<uint8_t>(b[i]);
    if (x != y) return x < y;
  }
  return false;
}

bool LessBytes(const std::string &a, const std::string &b) {
  return memcmp(a.data(), b.data(), a.size()) < 0;
}

const std::vector<KeyType> &KeyTypes() {
  static const std::vector<KeyType> types = {
      {"u8", "INTEGER", 1, MakeInteger<false>, LessUnsigned<false>},
      {"i8", "INTEGER", 1, MakeInteger<false>, LessSigned<false>},
      {"u16be", "INTEGER", 2, MakeInteger<true>, LessUnsigned<true>},
      {"i16le", "INTEGER", 2, MakeInteger<false>, LessSigned<false>},
      {"u24le", "INTEGER", 3, MakeInteger<false>, LessUnsigned<false>},
      {"i24be", "INTEGER", 3, MakeInteger<true>, LessSigned<true>},
      {"u32le", "INTEGER", 4, MakeInteger<false>, LessUnsigned<false>},
      {"i32be", "INTEGER", 4, MakeInteger<true>, LessSigned<true>},
      {"u64le", "INTEGER", 8, MakeInteger<false>, LessUnsigned<false>},
      {"u64be", "INTEGER", 8, MakeInteger<true>, LessUnsigned<true>},
      {"i64le", "INTEGER", 8, MakeInteger<false>, LessSigned<false>},
      {"f32le", "REAL", 4, MakeReal<false>, LessReal<false>},
      {"f64be", "REAL", 8, MakeReal<true>, LessReal<true>},
      {"blob(4)", "BLOB", 4, MakeBlob, LessBytes},
      {"blob(12)", "BLOB", 12, MakeBlob, LessBytes},
      {"text(3)", "TEXT", 3, MakeText, LessText},
      {"text(14)", "TEXT", 14, MakeText, LessText},
      {"utf16le(10)", "TEXT", 10, MakeUtf16<false>, LessUtf16<false>},
      {"utf16be(6)", "TEXT", 6, MakeUtf16<true>, LessUtf16<true>},
      {"u40le", "INTEGER", 5, MakeInteger<false>, LessUnsigned<false>},
      {"i48be", "INTEGER", 6, MakeInteger<true>, LessSigned<true>},
      {"u56be", "INTEGER", 7, MakeInteger<true>, LessUnsigned<true>},
      {"i56le", "INTEGER", 7, MakeInteger<false>, LessSigned<false>},
      {"f16le", "REAL", 2, MakeHalf<false>, LessHalf<false>},
      {"f16be", "REAL", 2, MakeHalf<true>, LessHalf<true>},
      {"bf16be", "REAL", 2, MakeBfloat<true>, LessBfloat<true>},
      {"latin1(9)", "TEXT", 9, MakeLatin1, LessText},
      {"uuid", "TEXT", 16, MakeBlob, LessBytes},
      {"guid", "TEXT", 16, MakeBlob, LessGuid},
  };
  return types;
}

/* ---- every query, on both tables ------------------------------------------------------------ */

std::vector<std::string> Lines(const std::string &text) {
  std::vector<std::string> lines;
  size_t from = 0;
  for (size_t at; (at = text.find('\n', from)) != std::string::npos; from = at + 1) {
    lines.push_back(text.substr(from, at - from));
  }
  lines.push_back(text.substr(from));
  return lines;
}

std::string Sorted(const std::string &text) {
  std::vector<std::string> lines = Lines(text);
  std::sort(lines.begin(), lines.end());
  std::string sorted;
  for (const std::string &line : lines) sorted += line + "\n";
  return sorted;
}

// The tables t (sorted, on a file) and o (ordinary, the same rows), and random questions about
// them.
class Questions {
public:
  Questions(const KeyType &type, unsigned seed, size_t rows, Db *db) : random_(seed), db_(*db) {
    std::vector<std::string> keys;
    int spread = static_cast<int>(random_() % 3);
    for (size_t i = 0; i < rows; i++) keys.push_back(type.make(random_, type.size, spread));
    std::stable_sort(keys.begin(), keys.end(), type.less);
    std::string bytes = "head";
    for (size_t i = 0; i < rows; i++) bytes += Coded(i * 7919 % 1000, 2, false) + keys[i] + "-";
    FILE *file = fopen("k.bin", "wb");
    fwrite(bytes.data(), 1, bytes.size(), file);
    fclose(file);
    std::string columns = "v u16le, k " + type.name + ", end u8";
    db_.Run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS plain; DROP TABLE IF EXISTS o;"
            "DROP TABLE IF EXISTS vals;"
            "CREATE VIRTUAL TABLE temp.t USING mmap('k.bin', offset=4, " +
            columns +
            ", sorted=k);"
            "CREATE VIRTUAL TABLE temp.plain USING mmap('k.bin', offset=4, " +
            columns +
            ");"
            "CREATE TABLE temp.o(id INTEGER PRIMARY KEY, k " +
            type.affinity +
            ", v, offset);"
            "INSERT INTO o SELECT rowid, k, v, offset FROM plain;"
            "CREATE TABLE temp.vals(xi INTEGER, xt TEXT, xr REAL, xn, xb BLOB)");
    size_ = rows;
    for (int i = 0; i < 12; i++) {
      std::string x = Value();
      db_.Run("INSERT INTO vals VALUES(" + x + "," + x + "," + x + "," + x + "," + x + ")");
    }
    about_ = type.name + ", seed " + std::to_string(seed) + ", " + std::to_string(rows) + " rows";
  }

  void Ask(int times) {
    for (int i = 0; i < times && !testing::Test::HasFailure(); i++) {
      switch (random_() % 8) {
        case 0:
          Same("SELECT count(*), min(v), max(rowid) FROM % WHERE " + Where(), false);
          break;
        case 1:
          Same("SELECT min(k) FROM %" + MaybeWhere(), false);
          Same("SELECT max(k) FROM %" + MaybeWhere(), false);
          break;
        case 2:
          Same("SELECT k FROM %" + MaybeWhere() + " ORDER BY k" + Direction() + Limit(), true);
          break;
        case 3: {
          std::string down = Direction();
          Same("SELECT k, rowid, v FROM %" + MaybeWhere() + " ORDER BY k" + down + ", rowid" +
                   down + Limit(),
               true);
          break;
        }
        case 4:
          Same("SELECT rowid, k FROM %" + MaybeWhere() + " ORDER BY rowid" + Direction() + Limit(),
               true);
          break;
        case 5:
          Same("SELECT k, count(*) FROM %" + MaybeWhere() + " GROUP BY k", false);
          break;
        case 6:
          Same("SELECT xi, xt, %.rowid, k FROM vals " + std::string(random_() % 4 ? "" : "LEFT ") +
                   "JOIN % ON k " + Operator() + " " + ValColumn(),
               false);
          break;
        default:
          Same("SELECT rowid, k, v, offset FROM % WHERE " + Where(), false);
      }
    }
  }

private:
  std::string Pick(std::initializer_list<const char *> list) {
    return *(list.begin() + random_() % list.size());
  }
  std::string Direction() { return Pick({"", " DESC", " ASC"}); }
  std::string Operator() { return Pick({"=", "=", "<", "<=", ">", ">=", "IS"}); }
  std::string ValColumn() { return Pick({"xi", "xt", "xr", "xn", "xb"}); }
  std::string Limit() {
    if (random_() % 2) return "";
    std::string limit = " LIMIT " + std::to_string(random_() % 5);
    return random_() % 3 ? limit : limit + " OFFSET " + std::to_string(random_() % 4);
  }

  // A key that is there, something near it, or anything at all.
  std::string Value() {
    std::string key =
        size_ ? db_.One("SELECT quote(k) FROM o WHERE id = " + std::to_string(random_() % size_))
              : "NULL";
    if (key == "Inf") key = "9e999";
    if (key == "-Inf") key = "-9e999";
    switch (random_() % 8) {
      case 0:
      case 1:
      case 2:
        return key;
      case 3:
        return "(" + key + Pick({" + 1", " - 1", " || 'a'", " + 0.5", " * 1.0", " || ''"}) + ")";
      case 4:
        return "CAST(" + key + Pick({" AS TEXT)", " AS BLOB)", " AS REAL)", " AS INTEGER)"});
      default:
        return Pick({"NULL",
                     "0",
                     "-1",
                     "2.5",
                     "'7'",
                     "' 7 '",
                     "'7.0'",
                     "9e18",
                     "1e300",
                     "-1e300",
                     "9e999",
                     "-9e999",
                     "9223372036854775807",
                     "-9223372036854775808",
                     "x''",
                     "''",
                     "x'70'",
                     "'abc'",
                     "9007199254740993",
                     "9223372036854775808.0",
                     "'zz'",
                     "255",
                     "256",
                     "-128",
                     "65536",
                     "'0x10'",
                     "x'6162'",
                     "'a' || char(0) || 'b'"});
    }
  }

  std::string Condition() {
    switch (random_() % 12) {
      case 0:
        return "k BETWEEN " + Value() + " AND " + Value();
      case 1:
        return "k IN (" + Value() + ", " + Value() + ", " + Value() + ", " + Value() + ")";
      case 2:
        return "k IN (SELECT " + (kListsAreOurs ? ValColumn() : "xt") + " FROM vals)";
      case 3:
        return "k > " + Value() + " AND k <= " + Value();
      case 4:
        return "rowid " + Pick({"<", ">=", "=", "<>"}) + " " +
               std::to_string(random_() % (size_ + 2));
      case 5:
        return "offset " + Pick({"<", ">=", "=", ">"}) + " " + std::to_string(random_() % 300);
      case 6:
        return "(k, rowid) " + Pick({"<", ">", ">=", "<="}) + " (" + Value() + ", " +
               std::to_string(random_() % (size_ + 1)) + ")";
      case 7:
        return "k " +
               Pick({"IS NULL", "IS NOT NULL", "<> 5", "NOT IN (1, 'a', x'70')", "GLOB 'ab*'",
                     "LIKE 'AB%'", "= '7' COLLATE NOCASE", "> 'AB' COLLATE NOCASE"});
      default:
        return "k " + Operator() + " " + Value();
    }
  }

  std::string Where() {
    std::string where = Condition();
    if (random_() % 3 == 0) where += " AND " + Condition();
    if (random_() % 8 == 0) where = "(" + where + ") OR " + Condition();
    return where;
  }

  std::string MaybeWhere() { return random_() % 4 ? " WHERE " + Where() : ""; }

  static std::string On(std::string sql, const std::string &table) {
    for (size_t at; (at = sql.find('%')) != std::string::npos;) sql.replace(at, 1, table);
    return sql;
  }

  void Same(std::string sql, bool ordered) {
    size_t like = sql.find("AB%"); // not a table
    if (like != std::string::npos) sql.replace(like, 3, "AB_");
    std::string mine = db_.Rows(On(sql, "t")), ordinary = db_.Rows(On(sql, "o"));
    if (!ordered) {
      mine = Sorted(mine);
      ordinary = Sorted(ordinary);
    }
    EXPECT_EQ(mine, ordinary) << On(sql, "t") << "\n" << about_;
  }

  Random random_;
  Db &db_;
  size_t size_ = 0;
  std::string about_;
};

class SortedTest : public SqlTest {
protected:
  // A table t(k, v) of 32-bit integers, big-endian, from these keys.
  void Keys(const std::vector<int> &keys, const std::string &options = "") {
    std::string bytes;
    for (int key : keys) bytes += Coded(static_cast<uint32_t>(key), 4, true) + "vv";
    Put("k.bin", bytes);
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('k.bin', k i32be, v u16le, sorted=k" + options +
        ")");
  }
};

TEST_F(SortedTest, AnswersAsAnOrdinaryTableForEveryType) {
  unsigned seed = 1;
  for (unsigned n = 0; n < Rounds(1u); n++) {
    for (const KeyType &type : KeyTypes()) {
      for (size_t rows : {0, 1, 2, 9, 40, 300}) {
        Questions questions(type, seed++, rows, db.get());
        questions.Ask(rows < 3 ? 20 : 60);
        if (HasFailure()) return;
      }
    }
  }
}

TEST_F(SortedTest, AnswersForTextInAnUtf16DatabaseToo) {
  Run("PRAGMA encoding = 'UTF-16le'");
  unsigned seed = 1000;
  for (const KeyType &type : KeyTypes()) {
    // Bytes that are no UTF-8 are lost on the way into such a database.
    if (type.affinity == "TEXT" && type.name[0] == 't') continue;
    Questions questions(type, seed++, 40, db.get());
    questions.Ask(40);
    if (HasFailure()) return;
  }
}

/* ---- finding -------------------------------------------------------------------------------- */

TEST_F(SortedTest, FindsOneKeyAndAllItsDuplicates) {
  Keys({1, 3, 3, 3, 7});
  EXPECT_EQ(One("SELECT group_concat(rowid) FROM t WHERE k = 3"), "1,2,3");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE k = 4"), "0");
}

TEST_F(SortedTest, FindsFloorAndCeilingInOneProbe) {
  Keys({10, 20, 30, 40});
  EXPECT_EQ(One("SELECT k FROM t WHERE k <= 25 ORDER BY k DESC LIMIT 1"), "20");
  EXPECT_EQ(One("SELECT k FROM t WHERE k >= 25 ORDER BY k LIMIT 1"), "30");
  EXPECT_EQ(One("SELECT k FROM t WHERE k <= 5 ORDER BY k DESC LIMIT 1"), "");
}

TEST_F(SortedTest, FindsUnsignedNumbersByTheirSignedValue) {
  std::string bytes;
  for (uint64_t key : {UINT64_C(5), UINT64_C(1) << 63, UINT64_MAX}) bytes += Coded(key, 8, false);
  Put("u.bin", bytes);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('u.bin', k u64le, sorted=k)");
  EXPECT_EQ(One("SELECT rowid FROM t WHERE k = -1"), "2");
  EXPECT_EQ(Rows("SELECT k FROM t ORDER BY k"), "-9223372036854775808\n-1\n5");
  EXPECT_EQ(Rows("SELECT k FROM t WHERE k < 6 ORDER BY k DESC"), "5\n-1\n-9223372036854775808");
  EXPECT_EQ(Rows("SELECT k FROM t ORDER BY rowid"), "5\n-9223372036854775808\n-1");
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
}

TEST_F(SortedTest, SearchesInsteadOfScanning) {
  std::vector<int> keys;
  for (int i = 0; i < 100000; i++) keys.push_back(i * 3);
  Keys(keys);
  for (const char *sql : {"SELECT v FROM t WHERE k = 150000", kLeast, "SELECT max(k) FROM t",
                          "SELECT k FROM t ORDER BY k DESC LIMIT 1",
                          "SELECT k FROM t WHERE k <= 77777 ORDER BY k DESC LIMIT 1",
                          "SELECT k FROM t WHERE k IN (9, 900, 90000)",
                          "SELECT k FROM t WHERE k BETWEEN 600 AND 620 ORDER BY k"}) {
    EXPECT_LT(db->Steps(sql), 200) << sql;
  }
}

TEST_F(SortedTest, AJoinStartsFromTheSmallSide) {
  std::vector<int> keys;
  for (int i = 0; i < 10000; i++) keys.push_back(i);
  Keys(keys);
  Run("CREATE TABLE few(x); INSERT INTO few VALUES(5), (50), (500)");
  for (const char *sql :
       {"SELECT * FROM few JOIN t ON k = x", "SELECT * FROM t JOIN few ON k = x"}) {
    std::string plan = db->Plan(sql);
    EXPECT_LT(plan.find(" few"), plan.find(" t VIRTUAL TABLE")) << plan;
    EXPECT_LT(db->Steps(sql), 200) << sql;
  }
}

TEST_F(SortedTest, AJoinOfTwoStartsFromTheSmallFile) {
  std::vector<int> keys;
  for (int i = 0; i < 10000; i++) keys.push_back(i);
  Keys(keys);
  Put("s.bin", Coded(7, 4, true) + Coded(70, 4, true));
  Run("CREATE VIRTUAL TABLE temp.s USING mmap('s.bin', k i32be, sorted=k)");
  EXPECT_EQ(One("SELECT count(*) FROM t JOIN s ON t.k = s.k"), "2");
  EXPECT_LT(db->Steps("SELECT count(*) FROM t JOIN s ON t.k = s.k"), 200);
}

// Pages of a file that have been brought into this process's mapping since it was opened.
long Faults() {
  struct rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

TEST_F(SortedTest, ALookupInATebibyteTouchesFewPages) {
  MM_NEEDS_64_BITS();
  int fd = open("huge.bin", O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(ftruncate(fd, INT64_C(1) << 40), 0);
  std::string last = Coded(77, 8, true) + Coded(1, 8, true);
  ASSERT_EQ(pwrite(fd, last.data(), last.size(), (INT64_C(1) << 40) - 16), 16);
  close(fd);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('huge.bin', k u64be, v u64be, sorted=k)");
  EXPECT_EQ(One("SELECT v FROM t WHERE k = 77"), "1");
  Run("SELECT v FROM t WHERE k = 12");
  for (const char *sql :
       {"SELECT v FROM t WHERE k = 77", "SELECT count(*) FROM t WHERE k = 5",
        "SELECT max(k) FROM t", kLeast, "SELECT k FROM t WHERE k >= 1 ORDER BY k LIMIT 1"}) {
    db->Run("SELECT mmap_madvise('huge.bin', 'dontneed')");
    db->Run(sql);
    db->Run("SELECT mmap_madvise('huge.bin', 'dontneed')");
    long before = Faults();
    db->Run(sql);
    EXPECT_LT(Faults() - before, 150) << sql;
  }
}

/* ---- keeping the order ---------------------------------------------------------------------- */

TEST_F(SortedTest, RefusesAnUpdateThatWouldBreakTheOrder) {
  Keys({10, 20, 30});
  EXPECT_EQ(Error("UPDATE t SET k = 31 WHERE k = 20"),
            "CONSTRAINT t: 'k' 31 would break the order: it is more than 30 of record 2");
  EXPECT_EQ(Error("UPDATE t SET k = 9 WHERE k = 20"),
            "CONSTRAINT t: 'k' 9 would break the order: it is less than 10 of record 0");
  EXPECT_EQ(Error("UPDATE t SET k = 30 WHERE k = 20"), "ok");
  EXPECT_EQ(Error("UPDATE t SET k = -5 WHERE rowid = 0"), "ok");
  EXPECT_EQ(One("SELECT group_concat(k) FROM t"), "-5,30,30");
}

TEST_F(SortedTest, RefusesAnInsertThatWouldBreakTheOrder) {
  Keys({10, 20});
  EXPECT_EQ(Error("INSERT INTO t VALUES(19, 1)"),
            "CONSTRAINT t: 'k' 19 would break the order: it is less than 20 of record 1");
  Run("INSERT OR IGNORE INTO t VALUES(19, 1), (20, 2), (25, 3), (24, 4)");
  EXPECT_EQ(One("SELECT group_concat(k) FROM t"), "10,20,20,25");
}

TEST_F(SortedTest, RefusesAFieldThatOverlapsTheKeyAndBreaksTheOrder) {
  Put("k.bin", std::string("\1\1\2\2\3\3", 6));
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('k.bin', k u16be, low u8 @1, sorted=k)");
  EXPECT_EQ(Error("UPDATE t SET low = 255 WHERE rowid = 1"), "ok");
  EXPECT_EQ(One("SELECT k FROM t WHERE rowid = 1"), "767");
  Run("CREATE VIRTUAL TABLE temp.h USING mmap('k.bin', k u16be, high u8 @0, sorted=k)");
  EXPECT_EQ(Error("UPDATE h SET high = 9 WHERE rowid = 1"),
            "CONSTRAINT h: 'k' 2559 would break the order: it is more than 771 of record 2");
}

TEST_F(SortedTest, OrderIsThatOfTheRowsThatAreLeft) {
  Keys({10, 20, 30, 40}, ", delete=yes");
  Run("BEGIN; DELETE FROM t WHERE k = 30");
  EXPECT_EQ(Error("UPDATE t SET k = 35 WHERE k = 20"), "ok");
  EXPECT_EQ(One("SELECT group_concat(k) FROM t WHERE k >= 30"), "35,40");
  EXPECT_EQ(One("SELECT rowid FROM t WHERE k = 35"), "1");
  Run("COMMIT");
  EXPECT_EQ(One("SELECT group_concat(k) FROM t"), "10,35,40");
}

TEST_F(SortedTest, NamesKeysOfEveryKind) {
  Put("b.bin", "aaaabbbb");
  Run("CREATE VIRTUAL TABLE temp.b USING mmap('b.bin', k blob(4), sorted=k)");
  Run("CREATE VIRTUAL TABLE temp.s USING mmap('b.bin', k text(4), sorted=k)");
  EXPECT_EQ(Error("UPDATE b SET k = x'63' WHERE rowid = 0"),
            "CONSTRAINT b: 'k' x'63000000' would break the order: it is more than x'62626262' of "
            "record 1");
  EXPECT_EQ(Error("UPDATE s SET k = 'c' WHERE rowid = 0"),
            "CONSTRAINT s: 'k' 'c' would break the order: it is more than 'bbbb' of record 1");
}

/* ---- a broken promise ----------------------------------------------------------------------- */

TEST_F(SortedTest, AProbeThatSeesDisorderSaysSo) {
  Keys({10, 20, 90, 40, 50});
  EXPECT_EQ(One("SELECT mmap_check('t')"),
            "record 3 is out of order: its 'k' 40 comes after 90 of record 2");
  EXPECT_EQ(Error("SELECT * FROM t WHERE k = 45").substr(0, 7), "DAMAGED");
  EXPECT_EQ(Error("SELECT k FROM t ORDER BY k"),
            "DAMAGED t: record 3 is out of order: its 'k' 40 comes after 90 of record 2: run "
            "mmap_check");
}

// A search that looks at few rows must not call a key missing where the rows that it has looked at,
// and the ends, say that nothing is where it should be.
TEST_F(SortedTest, WhatIsNotThereIsNotSaidOfAFileInDisorder) {
  for (const std::vector<int> &keys : std::vector<std::vector<int>>{
           {4, 3, 2, 1}, {20, 10, 30}, {10, 30, 20}, {1, 2, 9, 3}, {2, 1}}) {
    Run("DROP TABLE IF EXISTS t");
    Keys(keys);
    int absent = 0;
    for (int key = 0; key <= 31; key++) {
      std::string k = std::to_string(key);
      bool there = std::find(keys.begin(), keys.end(), key) != keys.end();
      std::string rows = "SELECT k FROM t WHERE k = " + k;
      bool fails = !db->Succeeds(rows);
      if (!fails) EXPECT_EQ(Rows(rows), there ? k : "") << keys[0] << " " << k;
      absent += !there && fails;
    }
    EXPECT_GT(absent, 0) << keys[0];
  }
}

TEST_F(SortedTest, EveryKindOfSearchSeesADescendingFile) {
  std::vector<int> keys;
  for (int i = 1000; i > 0; i--) keys.push_back(i);
  Keys(keys);
  for (const char *sql :
       {"SELECT * FROM t WHERE k = 2", "SELECT * FROM t WHERE k = 999",
        "SELECT * FROM t WHERE k = 0", "SELECT * FROM t WHERE k > 500",
        "SELECT * FROM t WHERE k <= 1 LIMIT 1", "SELECT * FROM t WHERE k BETWEEN 7 AND 9",
        "SELECT * FROM t WHERE k IN (5, 6)", kLeast, "SELECT max(k) FROM t",
        "SELECT k FROM t WHERE k <= 70 ORDER BY k DESC LIMIT 1",
        "SELECT k FROM t WHERE k >= 70 ORDER BY k LIMIT 1", "SELECT k FROM t ORDER BY k LIMIT 1",
        "SELECT k FROM t ORDER BY k DESC LIMIT 1", "SELECT x.k FROM t x JOIN t y ON y.k = x.v"}) {
    EXPECT_EQ(Error(sql), "DAMAGED t: record 999 is out of order: its 'k' 1 comes after 1000 of "
                          "record 0: run mmap_check")
        << sql;
  }
  EXPECT_EQ(One("SELECT count(*) FROM t"), "1000");
  EXPECT_EQ(One("SELECT k FROM t WHERE rowid = 998"), "2");
}

// As `sort -f` leaves them.
TEST_F(SortedTest, TextsInAnotherOrderAreSeen) {
  Put("w", "Anna ant  bee  Bob  cat  Dora dove ");
  Run("CREATE VIRTUAL TABLE temp.w USING mmap('w', k text(5), sorted=k)");
  for (const char *sql : {"SELECT * FROM w WHERE k = 'bee  '", "SELECT * FROM w WHERE k = 'Bob  '",
                          "SELECT * FROM w WHERE k = 'car  '"}) {
    EXPECT_EQ(Error(sql).substr(0, 12), "DAMAGED w: r") << sql;
  }
}

TEST_F(SortedTest, DeletedRowsAreNoDisorder) {
  Keys({90, 10, 20, 5, 30, 95, 1}, ", delete=yes");
  Run("BEGIN; DELETE FROM t WHERE rowid IN (0, 3, 5, 6)");
  EXPECT_EQ(One("SELECT group_concat(k) FROM t WHERE k > 0"), "10,20,30");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE k IN (5, 90, 15, 25)"), "0");
  EXPECT_EQ(One("SELECT max(k) FROM t"), "30");
}

// Records of 64 KiB on a file without pages in memory: each that is looked at is a fault.
TEST_F(SortedTest, LooksAtFewRowsForWhatIsNotThere) {
  constexpr int kRows = 4096;
  int fd = open("wide.bin", O_RDWR | O_CREAT, 0600);
  ASSERT_EQ(ftruncate(fd, int64_t{kRows} << 16), 0);
  Random random(7);
  uint64_t key = 0;
  for (int i = 0; i < kRows; i++) {
    std::string bytes = Coded(key += 2 * (1 + random() % 9), 4, true);
    ASSERT_EQ(pwrite(fd, bytes.data(), 4, int64_t{i} << 16), 4);
  }
  close(fd);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('wide.bin', k u32be, record=65536, sorted=k)");
  for (const char *sql : {"SELECT k FROM t WHERE k = 20001", "SELECT k FROM t WHERE k = 1",
                          "SELECT k FROM t WHERE k <= 30001 ORDER BY k DESC LIMIT 1",
                          "SELECT max(k) FROM t", "SELECT k FROM t WHERE k > 4000000"}) {
    db->Run("SELECT mmap_madvise('wide.bin', 'dontneed')");
    db->Run(sql);
    db->Run("SELECT mmap_madvise('wide.bin', 'dontneed')");
    long before = Faults();
    db->Run(sql);
    EXPECT_LT(Faults() - before, 12 + 8 + 10) << sql; // halving, ends and neighbours, SQLite
  }
}

// The half of a u64 that a run lies in is told by a row that is there.
TEST_F(SortedTest, UnsignedNumbersKeepTheirOrderWhileRowsAreDeleted) {
  const uint64_t keys[] = {17, 20, (UINT64_C(1) << 63) + 5, UINT64_MAX};
  std::string bytes;
  for (uint64_t key : keys) bytes += Coded(key, 8, false);
  for (int gone = 0; gone < 16; gone++) {
    Put("u.bin", bytes);
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('u.bin', v u64le, sorted=v, delete=yes); BEGIN");
    std::vector<int64_t> left;
    for (int i = 0; i < 4; i++) {
      if (gone >> i & 1) Run("DELETE FROM t WHERE rowid = " + std::to_string(i));
      if (!(gone >> i & 1)) left.push_back(static_cast<int64_t>(keys[i]));
    }
    std::sort(left.begin(), left.end());
    std::string up, down;
    for (int64_t v : left) {
      up += (up.empty() ? "" : "\n") + std::to_string(v);
      down = std::to_string(v) + (down.empty() ? "" : "\n") + down;
    }
    EXPECT_EQ(Rows("SELECT v FROM t ORDER BY v"), up) << gone;
    EXPECT_EQ(Rows("SELECT v FROM t ORDER BY v DESC"), down) << gone;
    EXPECT_EQ(Rows("SELECT v FROM t ORDER BY v LIMIT 1"), up.substr(0, up.find('\n'))) << gone;
    if (!left.empty()) {
      EXPECT_EQ(Int("SELECT min(v) FROM t"), left.front()) << gone;
      EXPECT_EQ(Int("SELECT max(v) FROM t"), left.back()) << gone;
    }
    Run("ROLLBACK; DROP TABLE t");
  }
}

TEST_F(SortedTest, CheckFindsTheFirstOffender) {
  Keys({1, 2, 3});
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
  EXPECT_EQ(One("SELECT mmap_check('temp.t')"), "ok");
  EXPECT_EQ(One("SELECT mmap_check(NULL)"), "NULL");
  EXPECT_EQ(Error("SELECT mmap_check('x')"),
            "ERROR mmap_check: 'x' is no table of the modules mmap and mmap_lines");
  EXPECT_EQ(Error("SELECT mmap_check('main.t')"),
            "ERROR mmap_check: 'main.t' is no table of the modules mmap and mmap_lines");
}

TEST_F(SortedTest, CheckUsesATableThatWasNotUsedYet) {
  Put("k.bin", std::string("\2\1", 2));
  {
    Db other("d.db");
    other.Run("CREATE VIRTUAL TABLE t USING mmap('k.bin', k u8, sorted=k)");
  }
  Db other("d.db");
  EXPECT_EQ(other.One("SELECT mmap_check('t')"),
            "record 1 is out of order: its 'k' 1 comes after 2 of record 0");
}

TEST_F(SortedTest, PlainSqlFindsTheSame) {
  std::string root = std::filesystem::path(Library()).parent_path().parent_path().string();
  std::ifstream file(root + "/sql/binary_search.sql");
  std::string sql((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  ASSERT_NE(sql, "") << root;
  EXPECT_EQ(Rows(sql), "0|0|3|3\n10|3|6|3\n15|6|6|0\n5000|1500|1503|3\n9989|2997|2997|0\n"
                       "9990|2997|3000|3\n9991|3000|3000|0\n123456|3000|3000|0\nboth agree\n"
                       "1500,1501,1502\n5550");
}

// SQLite makes comparisons with texts of them, which numbers that are written as texts do not meet.
TEST_F(SortedTest, NumbersWithAFractionAreLikeAPattern) {
  std::string bytes;
  for (double key : {-HUGE_VAL, 1.0, 1e300, HUGE_VAL}) {
    uint64_t bits;
    memcpy(&bits, &key, 8);
    bytes += Coded(bits, 8, false);
  }
  Put("f.bin", bytes);
  Run("CREATE VIRTUAL TABLE temp.s USING mmap('f.bin', k f64le, sorted=k);"
      "CREATE VIRTUAL TABLE temp.p USING mmap('f.bin', k f64le)");
  for (const char *where : {"k LIKE '1.0e%'", "k LIKE 'inf'", "k LIKE '-inf'", "k GLOB 'I*'",
                            "k GLOB '-I*'", "k LIKE '1%'", "k >= 'a'", "k < 'a'", "k = 'Inf'"}) {
    std::string s = "SELECT k FROM s WHERE ", p = "SELECT k FROM p WHERE ";
    EXPECT_EQ(Rows(s + where), Rows(p + where)) << where;
  }
  EXPECT_EQ(One("SELECT count(*) FROM s WHERE k LIKE 'inf'"), "1");
}

TEST_F(SortedTest, NaNsComeFirstAndAreNull) {
  std::string bytes;
  for (double key : {std::nan(""), -1.0, 2.5}) {
    uint64_t bits;
    memcpy(&bits, &key, 8);
    bytes += Coded(bits, 8, false);
  }
  Put("f.bin", bytes);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f.bin', k f64le, sorted=k)");
  EXPECT_EQ(Rows("SELECT k FROM t ORDER BY k"), "NULL\n-1.0\n2.5");
  EXPECT_EQ(One("SELECT min(k) FROM t"), "-1.0");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE k < 0"), "1");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE k IS NULL"), "1");
}

// A NaN behind numbers is less than whatever comes behind it, and no neighbour to be judged by.
TEST_F(SortedTest, NothingIsWrittenBesideANaNThatIsOutOfOrder) {
  auto put = [](std::initializer_list<double> keys) {
    std::string bytes;
    for (double key : keys) {
      uint64_t bits;
      memcpy(&bits, &key, 8);
      bytes += Coded(bits, 8, false) + 'x';
    }
    Put("f.bin", bytes);
  };
  double nan = std::nan("");
  put({1, 2, nan});
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f.bin', k f64le, n text(1), sorted=k);"
      "CREATE VIRTUAL TABLE temp.bits USING mmap('f.bin', record=9, n text(1) @8, k u64le @0)");
  const char *corrupt = "DAMAGED t: record 2 is out of order: its 'k' NaN comes after 2.0 of "
                        "record 1: run mmap_check";
  EXPECT_EQ(Error("INSERT INTO t(k) VALUES(3)"), corrupt);
  EXPECT_EQ(Error("INSERT OR IGNORE INTO t(k) VALUES(0)"), corrupt);
  Run("UPDATE t SET n = 'y'"); // which has nothing to do with the order
  EXPECT_EQ(Error("UPDATE t SET k = NULL WHERE rowid = 1"),
            "CONSTRAINT t: column 'k': NULL does not fit f64le");
  Run("UPDATE t SET k = 3 WHERE rowid = 2; INSERT INTO t(k) VALUES(4)"); // mended
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
  put({1, nan, nan});
  EXPECT_EQ(Error("INSERT INTO t(k) VALUES(3)"),
            "DAMAGED t: record 2 is out of order: its 'k' NaN comes after 1.0 of record 0: run "
            "mmap_check");
  put({1, nan, 3, 4});
  EXPECT_EQ(Error("UPDATE t SET k = 0 WHERE rowid = 2"),
            "DAMAGED t: record 1 is out of order: its 'k' NaN comes after 1.0 of record 0: run "
            "mmap_check");
  put({nan, nan});
  Run("INSERT INTO t(k) VALUES(3); UPDATE t SET k = 2 WHERE rowid = 1");
  EXPECT_EQ(Rows("SELECT k FROM t ORDER BY k"), "NULL\n2.0\n3.0");
  EXPECT_EQ(One("SELECT mmap_check('t')"), "ok");
}

// Bytes that another column writes make the key a NaN.
TEST_F(SortedTest, AKeyThatBecomesANaNIsHeldAgainstTheOrder) {
  Put("f.bin", Coded(0x3ff0000000000000, 8, false) + Coded(0x4000000000000000, 8, false));
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f.bin', k f64le, bits u64le @0, sorted=k)");
  EXPECT_EQ(Error("UPDATE t SET bits = 0x7ff8000000000000 WHERE rowid = 1"),
            "CONSTRAINT t: 'k' NaN would break the order: it is less than 1.0 of record 0");
  Run("UPDATE t SET bits = 0x7ff8000000000000 WHERE rowid = 0");
  EXPECT_EQ(Rows("SELECT k FROM t ORDER BY k"), "NULL\n2.0");
}

} // namespace
} // namespace mm_test
