// The tables that scan: what they give, how they are bounded, that they can be stopped.
#include "tests/support/core_file.h"
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <sys/prctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <random>
#include <sstream>
#include <thread>

namespace mm_test {
namespace {

class Scans : public SqlTest {};

/* ---- find_all ------------------------------------------------------------------------------- */

TEST_F(Scans, FindAllGivesEveryOccurrence) {
  Put("a", "aaaa.aa");
  EXPECT_EQ(Rows("SELECT * FROM mmap_find_all('a', 'aa')"), "0\n1\n2\n5");
  EXPECT_EQ(Rows("SELECT * FROM mmap_find_all('a', x'2e')"), "4");
  EXPECT_EQ(Rows("SELECT * FROM mmap_find_all('a', 'aa', 1, 6)"), "1\n2");
  EXPECT_EQ(Rows("SELECT * FROM mmap_find_all('a', 'aa', -3)"), "5");
  EXPECT_EQ(Rows("SELECT * FROM mmap_find_all('a', 'b')"), "");
  EXPECT_EQ(Error("SELECT * FROM mmap_find_all('a', '')"),
            "ERROR mmap_find_all: the needle is empty");
  EXPECT_EQ(Error("SELECT * FROM mmap_find_all('a', 7)"),
            "ERROR mmap_find_all: needle 7 is neither a blob nor text");
}

// A long needle that lies over itself is not compared as a whole each time: but it is where the
// statement has written the file meanwhile.
TEST_F(Scans, FindAllSeesWhatItsStatementWrites) {
  Put("a", std::string(5000, 'a'));
  Run("BEGIN");
  EXPECT_EQ(One("SELECT count(*), max(offset) FROM mmap_find_all('a', '" + std::string(300, 'a') +
                "') WHERE coalesce(CASE offset WHEN 3 THEN mmap_patch('a', 100, 'b') END, 1)"),
            "4604|4700");
  Run("ROLLBACK");
}

TEST_F(Scans, FindAllSeesNeedlesAtEveryAlignment) {
  std::string text(9000, '.'), offsets;
  for (size_t at = 0, step = 3; at + 3 <= text.size(); at += step, step = step % 200 + 1) {
    if (at && text[at - 1] != '.') continue;
    text.replace(at, 3, "abc");
    at += 3;
  }
  for (size_t at = text.find("abc"); at != std::string::npos; at = text.find("abc", at + 1)) {
    offsets += (offsets.empty() ? "" : "\n") + std::to_string(at);
  }
  Put("a", text);
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_all('a', 'abc')"), offsets);
}

TEST_F(Scans, GlobKnowsTheClassesOfAShell) {
  Put("ab.bin", "1");
  Put("[1].bin", "1");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('[[:alpha:]]*.bin')"), "ab.bin");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('[[]1].bin')"), "[1].bin");
  EXPECT_EQ(Error("SELECT path FROM mmap_glob('[[:letter:]]*')"),
            "ERROR mmap_glob: '[:letter:]' in a pattern is none of alnum, alpha, blank, cntrl, "
            "digit, graph, lower, print, punct, space, upper, xdigit");
}

/* ---- strings, hexdump, histogram, diff ------------------------------------------------------ */

TEST_F(Scans, StringsAreRunsOfPrintableCharacters) {
  Put("a", std::string("\x01three\0ab\tc\x7f"
                       "abc\xff"
                       "end",
                       19));
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a')"), "1|5|three\n7|4|ab\tc");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_strings('a', 3)"), "1\n7\n12\n16");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_strings('a', 5)"), "1");
  EXPECT_EQ(Rows("SELECT typeof(text) FROM mmap_strings('a', 5)"), "text");
  EXPECT_EQ(Error("SELECT * FROM mmap_strings('a', 0)"),
            "ERROR mmap_strings: min 0 is less than 1");
}

// As in a program for Windows, behind an odd number of bytes.
TEST_F(Scans, StringsMayBeUtf16AtAnyOffset) {
  std::string hello, all;
  for (char c : std::string("Hello World")) hello += std::string(1, c) + std::string(1, '\0');
  all = std::string(1, '\0') + hello + std::string(3, '\0') + hello;
  Put("a", all);
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 4, 'utf16le')"),
            "1|22|Hello World\n26|22|Hello World");
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 4, 'UTF16BE')"),
            "0|22|Hello World\n25|22|Hello World");
  EXPECT_EQ(Rows("SELECT typeof(text), hex(text) FROM mmap_strings('a', 11, 'utf16le') LIMIT 1"),
            "text|48656C6C6F20576F726C64");
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 4)"), "");
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 4, 'ascii')"), "");
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 4, NULL)"), "");
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 12, 'utf16le')"), "") << "min counts characters";
  EXPECT_EQ(Error("SELECT * FROM mmap_strings('a', 4, 'utf16')"),
            "ERROR mmap_strings: encoding 'utf16' is none of ascii, utf16le, utf16be");
  EXPECT_EQ(Error("SELECT * FROM mmap_strings('a', 4, 7)"),
            "ERROR mmap_strings: encoding 7 is not text");
}

// Each run by its definition: characters that follow each other, as many as there are.
std::string RunsOf(const std::string &bytes, size_t least, const std::string &encoding,
                   size_t from) {
  size_t step = encoding == "ascii" ? 1 : 2, behind = encoding == "utf16be" ? 1 : 0;
  auto is_character = [&](size_t i) {
    if (i + step > bytes.size()) return false;
    unsigned char c = static_cast<unsigned char>(bytes[i + behind]);
    return ((c >= 0x20 && c <= 0x7e) || c == '\t') && (step == 1 || !bytes[i + 1 - behind]);
  };
  std::string rows;
  for (size_t i = 0; i < bytes.size(); i++) {
    if (!is_character(i) || (i >= step && is_character(i - step))) continue;
    std::string text;
    for (size_t k = i; is_character(k); k += step) text += bytes[k + behind];
    if (text.size() < least || i < from) continue;
    if (!rows.empty()) rows += "\n";
    rows += std::to_string(i) + "|" + std::to_string(text.size() * step) + "|" + text;
  }
  return rows;
}

TEST_F(Scans, StringsAreThoseOfTheirDefinition) {
  std::minstd_rand random(11);
  auto pick = [&](size_t n) { return random() / 7 % n; };
  for (int round = 0; round < 150; round++) {
    std::string bytes;
    while (bytes.size() < 200 + pick(200)) {
      size_t run = pick(3) ? pick(6) : pick(80);
      bool wide = pick(2) == 0, big = pick(2) == 0;
      for (size_t k = 0; k < run; k++) {
        if (wide && big) bytes += '\0';
        bytes += "ab~\t"[pick(4)];
        if (wide && !big) bytes += '\0';
      }
      bytes += std::string(pick(3), "\0\1\xff"[pick(3)]);
    }
    Put("a", bytes);
    for (const char *encoding : {"ascii", "utf16le", "utf16be"}) {
      size_t least = pick(7) + 1, from = pick(3) ? pick(bytes.size() + 2) : 0;
      EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', " + std::to_string(least) + ", '" + encoding +
                     "') WHERE offset >= " + std::to_string(from)),
                RunsOf(bytes, least, encoding, from))
          << encoding << " " << least << " " << from << " " << Blob(bytes);
    }
  }
}

TEST_F(Scans, StringsMayBeLong) {
  Put("a", std::string("\0", 1) + std::string(10000000, 'x'));
  EXPECT_EQ(Rows("SELECT offset, length, length(text) FROM mmap_strings('a')"),
            "1|10000000|10000000");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_strings('a', 10000001)"), "");
}

TEST_F(Scans, HexdumpHas16BytesARow) {
  Put("a", std::string("\x7f"
                       "ELF\0\x01 ~\x80\xff"
                       "abcdefgh",
                       18));
  EXPECT_EQ(Rows("SELECT * FROM mmap_hexdump('a')"),
            "0|7f 45 4c 46 00 01 20 7e 80 ff 61 62 63 64 65 66|.ELF.. ~..abcdef\n16|67 68|gh");
  EXPECT_EQ(Rows("SELECT * FROM mmap_hexdump('a', 1, 4)"), "1|45 4c 46|ELF");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_hexdump('a', 1)"), "1\n17");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_hexdump('a', 1) WHERE offset > 1"), "17");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_hexdump('a', -2)"), "16");
}

TEST_F(Scans, HistogramHas256RowsAlways) {
  Put("a", "aab");
  Put("e", "");
  EXPECT_EQ(Rows("SELECT * FROM mmap_histogram('a') WHERE count > 0"), "97|2\n98|1");
  EXPECT_EQ(One("SELECT count(*), min(byte), max(byte), sum(count) FROM mmap_histogram('e')"),
            "256|0|255|0");
  EXPECT_EQ(One("SELECT sum(count) FROM mmap_histogram('a', 1, -1)"), "1");
  EXPECT_EQ(One("SELECT count FROM mmap_histogram('a') WHERE byte = 98"), "1");
}

TEST_F(Scans, DiffGivesMaximalRuns) {
  Put("a", "hello world");
  Put("b", "hEllo WORld!!");
  EXPECT_EQ(Rows("SELECT * FROM mmap_diff('a', 'b')"),
            "1|1|x'65'|x'45'\n6|3|x'776f72'|x'574f52'\n11|2|NULL|x'2121'");
  EXPECT_EQ(Rows("SELECT offset, length, a, b FROM mmap_diff('b', 'a') WHERE offset > 6"),
            "11|2|x'2121'|NULL");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_diff('a', 'b') WHERE offset >= 7"), "11")
      << "not the rest of a run";
  EXPECT_EQ(Rows("SELECT * FROM mmap_diff('a', 'a')"), "");
  Put("x", "abc");
  Put("y", "xyzw");
  EXPECT_EQ(Rows("SELECT * FROM mmap_diff('x', 'y')"), "0|3|x'616263'|x'78797a'\n3|1|NULL|x'77'");
  Put("e", "");
  EXPECT_EQ(Rows("SELECT * FROM mmap_diff('e', 'x')"), "0|3|NULL|x'616263'");
  EXPECT_EQ(Rows("SELECT * FROM mmap_diff('e', 'e')"), "");
}

// Bytes behind a run are looked at 64 at a time.
TEST_F(Scans, DiffGivesTheRunsOfAnyBytes) {
  std::mt19937 random(5);
  auto naive = [](const std::string &a, const std::string &b, size_t low) {
    std::string rows;
    for (size_t i = 0, end; i < a.size(); i = end + 1) {
      for (end = i; end < a.size() && a[end] != b[end]; end++) continue;
      if (end == i || i < low) continue;
      rows += (rows.empty() ? "" : "\n") + std::to_string(i) + "|" + std::to_string(end - i);
    }
    return rows;
  };
  for (int round = 0; round < 60; round++) {
    size_t size = random() % 400, often = 1 + random() % 40;
    std::string a(size, 'a'), b = a;
    for (size_t i = 0; i < size;) {
      size_t run = random() % 5 ? random() % 4 : random() % 200;
      for (size_t end = std::min(size, i + run); i < end; i++) b[i] = 'b';
      i += 1 + random() % often;
    }
    Put("a", a);
    Put("b", b);
    EXPECT_EQ(Rows("SELECT offset, length FROM mmap_diff('a', 'b')"), naive(a, b, 0));
    std::string low = std::to_string(size / 3);
    EXPECT_EQ(Rows("SELECT offset, length FROM mmap_diff('a', 'b') WHERE offset >= " + low),
              naive(a, b, size / 3));
    std::string high = std::to_string(size / 2);
    EXPECT_EQ(One("SELECT count(*) FROM mmap_diff('a', 'b') WHERE offset <= " + high),
              One("SELECT count(*) FROM mmap_diff('a', 'b') WHERE +offset <= " + high));
  }
}

// What was seen ahead is looked at again where the statement itself has written.
TEST_F(Scans, DiffSeesWhatItsStatementWrites) {
  Put("a", std::string(100, 'a'));
  Put("b", "b" + std::string(99, 'a'));
  Run("BEGIN; SELECT mmap_set('b', 5, 98)");
  EXPECT_EQ(Rows("SELECT offset, mmap_set('b', offset + 10, 98) FROM mmap_diff('a', 'b')"
                 " WHERE offset < 30"),
            "0|1\n5|1\n10|1\n15|1\n20|1\n25|1");
  Run("ROLLBACK");
}

TEST_F(Scans, GlobGivesPathAndSize) {
  std::filesystem::create_directories("d/e");
  Put("d/x.bin", "123");
  Put("d/e/y.bin", "");
  Put("z.bin", "1");
  EXPECT_EQ(Rows("SELECT * FROM mmap_glob('**/*.bin')"), "d/e/y.bin|0\nd/x.bin|3\nz.bin|1");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('d/*')"), "d/x.bin");
  EXPECT_EQ(Rows("SELECT g.path, f.offset FROM mmap_glob('**/x*') g, mmap_find_all(g.path, '2') f"),
            "d/x.bin|1");
  Run("SELECT mmap_config('root', 'd')");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('d/*')"), "d/x.bin");
  EXPECT_EQ(Error("SELECT * FROM mmap_glob('*.bin')").substr(0, 5), "PERM ");
}

TEST_F(Scans, GlobAndListTellWhetherAFileIsStillTheSame) {
  Put("a", "123");
  std::string columns = "SELECT size, mtime, inode FROM ", list = columns + "mmap_list";
  auto expected = [&] {
    mm_stat stat = StatusOf("a");
    return std::to_string(stat.size) + "|" + std::to_string(stat.mtime) + "|" +
           std::to_string(static_cast<int64_t>(stat.inode));
  };
  Run("SELECT mmap_get('a', 0)");
  EXPECT_EQ(Rows(columns + "mmap_glob('a')"), expected());
  EXPECT_EQ(Rows(list), expected());
  Put("b", "1234");
  std::filesystem::rename("b", "a");
  EXPECT_EQ(Rows(columns + "mmap_glob('a')"), expected());
  Run("SELECT mmap_get('a', 0); SELECT mmap_open(NULL, 'write', 5)");
  EXPECT_EQ(Rows(list + " WHERE path IS NULL"), "5|NULL|NULL");
  EXPECT_EQ(Rows(list + " WHERE size = 4"), expected());
}

TEST_F(Scans, GlobTellsWhichFilesCannotBeOpened) {
  Put("a", "123");
  Put("b", "");
  Db host("host.db");
  host.Run("CREATE TABLE t(x)");
  EXPECT_EQ(Rows("SELECT *, error FROM mmap_glob('?')"), "a|3|NULL\nb|0|NULL");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('*') WHERE error IS NULL"), "a\nb");
  EXPECT_EQ(Rows("SELECT path, error FROM mmap_glob('*') WHERE error NOT NULL"),
            "host.db|'host.db' is open as a database");
  EXPECT_EQ(host.Rows("SELECT path, error FROM mmap_glob('*.db')"),
            "host.db|'host.db' is open as a database")
      << "its own one";
  EXPECT_EQ(Error("SELECT mmap_open('host.db')"),
            "CANTOPEN mmap_open: " + One("SELECT error FROM mmap_glob('*.db')"));
  // What is left out costs nothing, and ends nothing.
  EXPECT_EQ(Rows("SELECT g.path, f.offset FROM mmap_glob('*') g, mmap_find_all(g.path, '2') f"
                 " WHERE g.error IS NULL"),
            "a|1");
  host.Run("INSERT INTO t VALUES (1)");
}

TEST_F(Scans, GlobOpensNothingUnlessErrorIsAskedFor) {
  Put("a", "123");
  EXPECT_EQ(Rows("SELECT path, size FROM mmap_glob('*')"), "a|3");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_list"), "0");
  EXPECT_EQ(Rows("SELECT error FROM mmap_glob('*')"), "NULL");
}

// Somebody who owns nothing here, as long as it lives; of no use to who is not root.
class Nobody {
public:
  Nobody() {
    if (geteuid() != 0 || seteuid(65534) != 0) return;
    changed_ = true;
    prctl(PR_SET_DUMPABLE, 1); // else /proc/self is root's
  }
  ~Nobody() {
    if (changed_) EXPECT_EQ(seteuid(0), 0);
  }
  bool IsNotRoot() const { return geteuid() != 0; }

private:
  bool changed_ = false;
};

// In /tmp, which others can reach: the test's own directory may lie where they cannot.
TEST_F(Scans, GlobTellsThatAFileMayNotBeRead) {
  char place[] = "/tmp/scans_test.XXXXXX";
  ASSERT_NE(mkdtemp(place), nullptr);
  std::string below = std::string(place) + "/";
  Put(below + "a", "123");
  Put(below + "secret", "123");
  std::filesystem::permissions(place, std::filesystem::perms(0755));
  std::filesystem::permissions(below + "secret", std::filesystem::perms::none);
  std::string files, sums;
  {
    Nobody nobody;
    if (nobody.IsNotRoot()) {
      files = Rows("SELECT path, error FROM mmap_glob('" + below + "*')");
      sums = Rows("SELECT path, mmap_crc32(path) FROM mmap_glob('" + below +
                  "*') WHERE error IS NULL");
    }
  }
  std::filesystem::remove_all(place);
  if (files.empty()) GTEST_SKIP() << "root may read everything";
  EXPECT_EQ(files, below + "a|NULL\n" + below + "secret|cannot open '" + below +
                       "secret': Permission denied");
  EXPECT_EQ(sums, below + "a|2286445522");
}

void RemoveFile(sqlite3_context *context, int, sqlite3_value **argv) {
  auto *path = reinterpret_cast<const char *>(sqlite3_value_text(argv[0]));
  sqlite3_result_int(context, unlink(path) == 0);
}

TEST_F(Scans, GlobTellsThatAFileHasGone) {
  sqlite3_create_function(*db, "remove_file", 1, SQLITE_UTF8, nullptr, RemoveFile, nullptr,
                          nullptr);
  Put("a", "123");
  Put("b", "123");
  EXPECT_EQ(
      Rows("SELECT CASE WHEN path = 'b' OR remove_file(path) THEN error END FROM mmap_glob('*')"),
      "cannot open 'a': No such file or directory\nNULL");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('*')"), "b");
}

/* ---- what all have in common ---------------------------------------------------------------- */

TEST_F(Scans, AnEmptyFileHasNoRows) {
  Put("e", "");
  for (const char *from : {"mmap_find_all('e', 'a')", "mmap_search_all('e', 'a')",
                           "mmap_strings('e')", "mmap_hexdump('e')", "mmap_diff('e', 'e')"}) {
    EXPECT_EQ(Rows(std::string("SELECT * FROM ") + from), "") << from;
  }
}

TEST_F(Scans, ANullArgumentGivesNoRows) {
  Put("a", "text");
  for (const char *from :
       {"mmap_find_all(NULL, 't')", "mmap_find_all('a', NULL)", "mmap_find_all('a', 't', NULL)",
        "mmap_search_all('a', NULL)", "mmap_search_all(NULL, 'a')", "mmap_strings(NULL)",
        "mmap_strings('a', NULL)", "mmap_hexdump(NULL)", "mmap_histogram(NULL)",
        "mmap_diff('a', NULL)", "mmap_diff(NULL, 'a')", "mmap_glob(NULL)"}) {
    EXPECT_EQ(Rows(std::string("SELECT * FROM ") + from), "") << from;
  }
}

TEST_F(Scans, AMissingArgumentIsAnError) {
  Put("a", "text");
  EXPECT_EQ(Error("SELECT * FROM mmap_find_all('a')"),
            "ERROR mmap_find_all: takes at least 2 arguments");
  EXPECT_EQ(Error("SELECT * FROM mmap_strings"), "ERROR mmap_strings: takes at least 1 argument");
  EXPECT_EQ(Error("SELECT * FROM mmap_strings('no')"),
            "CANTOPEN mmap_strings: cannot open 'no': No such file or directory");
  EXPECT_EQ(Error("SELECT * FROM mmap_hexdump('a', 'x')"),
            "ERROR mmap_hexdump: start 'x' is not an integer");
}

TEST_F(Scans, AreReadOnly) {
  Put("a", "text");
  EXPECT_FALSE(db->Succeeds("DELETE FROM mmap_strings WHERE file = 'a'"));
  EXPECT_FALSE(db->Succeeds("INSERT INTO mmap_find_all(offset) VALUES (1)"));
}

TEST_F(Scans, OffsetsCompareAsSqlDoes) {
  Put("a", std::string(100, 'x'));
  EXPECT_EQ(
      One("SELECT count(*) FROM mmap_find_all('a', 'x') WHERE offset > 9.5 AND offset <= '20'"),
      "11");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_all('a', 'x') WHERE offset < 'text'"), "100");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_all('a', 'x') WHERE offset > NULL"), "0");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_all('a', 'x') WHERE offset IN (3, 5, 3, 200)"),
            "3\n5");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_all('a', 'x') WHERE offset > 9223372036854775807"),
            "0");
  EXPECT_EQ(
      One("SELECT count(*) FROM mmap_find_all('a', 'x') WHERE offset >= -9223372036854775808"),
      "100");
}

TEST_F(Scans, NeedNoSorting) {
  Put("a", "text");
  EXPECT_EQ(db->Plan("SELECT * FROM mmap_find_all('a', 't') ORDER BY offset").find("B-TREE"),
            std::string::npos);
  EXPECT_NE(db->Plan("SELECT * FROM mmap_find_all('a', 't') ORDER BY offset DESC").find("B-TREE"),
            std::string::npos);
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_all('a', 't') ORDER BY offset DESC"), "3\n0");
}

// Each column of each table, as of a copy of its rows.
TEST_F(Scans, AreInOrderOfEveryColumn) {
  Put("a", "one two\nthree one\n\n0,0");
  Put("b", "one tvo\nthree\none,two one\n0.0");
  Run("BEGIN; SELECT mmap_patch('b', 3, 'Z'), mmap_patch('a', 7, 'Z'), mmap_open('b'), "
      "mmap_open('a')");
  for (const char *table :
       {"mmap('a')", "mmap_lines('a')", "mmap_find_all('a', 'o')",
        "mmap_find_many('a', '[\"t\", \"o\", \"e\"]')", "mmap_search_all('a', '(o|t)(.)')",
        "mmap_strings('a', 1)", "mmap_hexdump('a', 1)", "mmap_histogram('a')",
        "mmap_diff('a', 'b')", "mmap_edits('a', 'b')", "mmap_blocks('a', 3)", "mmap_glob('*')",
        "mmap_list", "mmap_changes"}) {
    std::string name = std::string(table).substr(0, std::string(table).find('('));
    Run("DROP TABLE IF EXISTS temp.o; CREATE TEMP TABLE o AS SELECT * FROM " + std::string(table));
    std::istringstream columns(Rows("SELECT name FROM pragma_table_info('o')"));
    for (std::string column; std::getline(columns, column);) {
      for (std::string sql :
           {"SELECT % FROM @ ORDER BY %", "SELECT % FROM @ ORDER BY % DESC",
            "SELECT %, count(*) FROM @ GROUP BY %", "SELECT min(%), max(%) FROM @",
            "SELECT DISTINCT % FROM @ ORDER BY % LIMIT 2"}) {
        for (size_t at; (at = sql.find('%')) != std::string::npos;) sql.replace(at, 1, column);
        size_t at = sql.find('@');
        std::string ours = sql, copy = sql;
        EXPECT_EQ(Rows(ours.replace(at, 1, table)), Rows(copy.replace(at, 1, "o")))
            << name << ": " << sql;
      }
    }
  }
  Run("ROLLBACK");
}

TEST_F(Scans, KnowWindowsAndHandles) {
  Put("a", "0123456789");
  Run("CREATE TEMP TABLE h AS SELECT mmap_open('a', 'read', 4, 3) AS h");
  EXPECT_EQ(Rows("SELECT offset FROM h, mmap_find_all(h, '5')"), "2");
  EXPECT_EQ(Rows("SELECT ascii FROM h, mmap_hexdump(h)"), "3456");
  EXPECT_EQ(Rows("SELECT text FROM h, mmap_strings(h)"), "3456");
  EXPECT_EQ(Rows("SELECT offset, length FROM h, mmap_diff(h, 'a')"), "0|4\n4|6");
  Run("SELECT mmap_close(h) FROM h");
  EXPECT_EQ(Error("SELECT * FROM h, mmap_hexdump(h)"), "ERROR mmap_hexdump: handle 1 is closed");
}

TEST_F(Scans, SeeWritesOfTheirOwnStatement) {
  Put("a", "aaaaaaaaaa");
  EXPECT_EQ(One("SELECT sum(mmap_set('a', offset, 66)) FROM mmap_find_all('a', 'a')"), "10");
  EXPECT_EQ(Get("a"), "BBBBBBBBBB");
  Put("b", std::string(200000, 'b'));
  EXPECT_EQ(One("SELECT count(*) FROM mmap_find_all('b', 'b') WHERE mmap_resize('b', 100) = 100") <
                "200000",
            true);
  EXPECT_EQ(One("SELECT mmap_length('b')"), "100");
  Put("c", std::string(100000, 'c'));
  EXPECT_EQ(Error("SELECT length(match), mmap_resize('c', 10) FROM mmap_search_all('c', 'c{5}')"),
            "ok");
  EXPECT_EQ(Error("SELECT mmap_resize('c', 0), hex, ascii FROM mmap_hexdump('c')"), "ok");
  Put("c", std::string(100000, 'c'));
  EXPECT_EQ(Error("SELECT mmap_resize('c', 5), length(text) FROM mmap_strings('c')"), "ok");
  Put("c", std::string(100000, 'c'));
  EXPECT_EQ(Error("SELECT mmap_resize('c', 5), length(a), length(b) FROM mmap_diff('c', 'a')"),
            "ok");
}

/* ---- large and sparse ----------------------------------------------------------------------- */

class Sparse : public Scans {
protected:
  static constexpr int64_t kSize = 5LL << 30;

  void SetUp() override {
    SqlTest::SetUp();
    MM_NEEDS_64_BITS();
    Put("s", "");
    std::filesystem::resize_file("s", kSize);
    Run("SELECT mmap_patch('s', " + std::to_string(kSize - 100) + ", 'needle 42')");
    Put("t", "");
    std::filesystem::resize_file("t", kSize);
  }

  // Interrupted from another thread after `delay`: how long it took to end, in ms; -1: it did not
  // end so.
  double EndsAfterInterrupt(const std::string &sql, std::chrono::milliseconds delay) {
    std::chrono::steady_clock::time_point asked;
    std::thread other([&] {
      std::this_thread::sleep_for(delay);
      asked = std::chrono::steady_clock::now();
      sqlite3_interrupt(*db);
    });
    std::string error = Error(sql);
    auto ended = std::chrono::steady_clock::now();
    other.join();
    EXPECT_EQ(error.substr(0, 9), "INTERRUPT") << sql << ": " << error;
    return std::chrono::duration<double, std::milli>(ended - asked).count();
  }
};

TEST_F(Sparse, WhatLiesBeyond4GiBIsFound) {
  std::string at = std::to_string(kSize - 100);
  EXPECT_EQ(One("SELECT mmap_search('s', 'n\\w+e \\d+', 5000000000)"), at);
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_all('s', 'needle') WHERE offset > 4294967296"), at);
  EXPECT_EQ(Rows("SELECT offset, text FROM mmap_strings('s') WHERE offset > 5300000000"),
            at + "|needle 42");
  EXPECT_EQ(Rows("SELECT ascii FROM mmap_hexdump('s', " + at + ") LIMIT 1"), "needle 42.......");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_diff('s', 't') WHERE offset > 5300000000"),
            at + "|9");
}

TEST_F(Sparse, LimitStopsTheWork) {
  Run("SELECT mmap_patch('s', 100, 'needle')");
  auto begin = std::chrono::steady_clock::now();
  for (const char *from :
       {"mmap_find_all('s', 'needle')", "mmap_search_all('s', 'n[e]+dle')", "mmap_strings('s')",
        "mmap_diff('s', 't')", "mmap_find_all('s', 'needle') WHERE offset < 1000",
        "mmap_search_all('s', 'needle', 0, 1000)"}) {
    EXPECT_EQ(Rows(std::string("SELECT offset FROM ") + from + " LIMIT 1"), "100") << from;
  }
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::milliseconds(500));
}

// The promise is 50 ms. A machine that tests in parallel may keep a thread waiting longer than
// that.
TEST_F(Sparse, EveryScanCanBeInterrupted) {
  for (const char *sql : {
           "SELECT count(*) FROM mmap_find_all('s', 'absent')",
           "SELECT mmap_search('s', 'absent')",
           "SELECT mmap_search('s', 'a[bs]sent')",
           "SELECT mmap_search('s', '\\d{3}')",
           "SELECT mmap_search('s', '[a-z]+[0-9]+x')",
           "SELECT mmap_search('s', '(?i)abs.nt')",
           "SELECT mmap_search('s', '\\w+absent')",
           "SELECT mmap_search('s', '\\x00\\x01|\\x00\\x02')",
           "SELECT count(*) FROM mmap_search_all('s', '(\\x00{3}){1,100}[a-m]')",
           "SELECT count(*) FROM mmap_search_all('s', '\\x00')",
           "SELECT count(*) FROM mmap_strings('s', 1000)",
           "SELECT count(*) FROM mmap_hexdump('s')",
           "SELECT count(*) FROM mmap_histogram('s')",
           "SELECT mmap_crc32('s')",
           "SELECT max(offset) FROM mmap_diff('s', 't')",
       }) {
    EXPECT_LT(EndsAfterInterrupt(sql, std::chrono::milliseconds(60)), 500) << sql;
  }
}

} // namespace
} // namespace mm_test
