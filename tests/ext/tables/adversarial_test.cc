// Searches and lines on input that is made to go wrong, beside a plain search of the same bytes:
// overlapping needles, edges of pages and pieces, lines that never end, bytes that are no text.
#include "tests/support/sql.h"

#include <sys/resource.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <random>

namespace mm_test {
namespace {

constexpr size_t kPage = 4096, kPiece = 4 << 20;

std::string N(size_t number) {
  return std::to_string(number);
}

std::string Place(size_t at, size_t base = 0) {
  return at == std::string::npos ? "-1" : N(base + at);
}

size_t Overlapping(const std::string &text, const std::string &needle) {
  size_t count = 0;
  for (size_t at = text.find(needle); at != text.npos; at = text.find(needle, at + 1)) count++;
  return count;
}

// The first occurrence by the C library, where it has that.
size_t Memmem(const std::string &text, const std::string &needle) {
#ifdef _WIN32
  return text.find(needle);
#else
  const void *found = memmem(text.data(), text.size(), needle.data(), needle.size());
  return found ? static_cast<size_t>(static_cast<const char *>(found) - text.data()) : text.npos;
#endif
}

std::string Repeat(const std::string &part, size_t size) {
  std::string text;
  while (text.size() < size) text += part;
  text.resize(size);
  return text;
}

class Adversarial : public SqlTest {
protected:
  // All that searches for a needle, in text[from .. to-1] of file 'a'.
  void ExpectAll(const std::string &text, const std::string &needle, size_t from, size_t to) {
    std::string part = text.substr(from, to - from);
    std::string arguments = "('a', " + Blob(needle) + ", " + N(from) + ", " + N(to) + ")";
    EXPECT_EQ(One("SELECT mmap_find" + arguments + ", mmap_rfind" + arguments + ", mmap_count" +
                  arguments + ", (SELECT count(*) FROM mmap_find_all" + arguments + ")"),
              Place(Memmem(part, needle), from) + "|" + Place(part.rfind(needle), from) + "|" +
                  N(Overlapping(part, needle)) + "|" + N(Overlapping(part, needle)))
        << arguments;
  }
  void ExpectAll(const std::string &text, const std::string &needle) {
    ExpectAll(text, needle, 0, text.size());
  }
};

TEST_F(Adversarial, NeedlesThatOverlapThemselves) {
  for (const char *part : {"a", "ab", "aab", "abaab", "aaaaaaaaaaaaaaab"}) {
    std::string text = Repeat(part, 3000);
    Put("a", text);
    for (size_t length : {1, 2, 3, 5, 16, 31, 32, 33, 64, 100, 1000, 3000}) {
      ExpectAll(text, Repeat(part, length));
      ExpectAll(text, Repeat(part, length - 1) + "b", 7, 2990);
      ExpectAll(text, "b" + Repeat(part, length - 1), 1, 2999);
    }
  }
}

TEST_F(Adversarial, NeedlesAcrossPagesAtEveryAlignment) {
  for (size_t length : {1, 2, 7, 32, 65}) {
    std::string needle = Repeat("needle that lies across", length);
    for (size_t back = 0; back <= length; back++) {
      std::string text(3 * kPage, '.');
      text.replace(kPage - back, length, needle);
      text.replace(2 * kPage - back, length, needle);
      text.replace(text.size() - length, length, needle);
      Put("a", text);
      ExpectAll(text, needle);
      ExpectAll(text, needle, kPage - back, 2 * kPage - back + length);
      ExpectAll(text, needle, kPage - back + 1, 2 * kPage - back + length - 1);
    }
  }
}

TEST_F(Adversarial, NeedlesAcrossPieces) {
  std::string text(2 * kPiece + 3 * kPage, ' ');
  for (size_t length : {1, 3, 40}) {
    std::string needle = Repeat("across", length);
    for (size_t at : {kPiece - length, kPiece - length / 2, kPiece, kPiece + 65536 - length / 2,
                      2 * kPiece - 1, 2 * kPiece, text.size() - length}) {
      text.replace(at, length, needle);
      Put("a", text);
      std::string arguments = "('a', '" + needle + "')";
      EXPECT_EQ(One("SELECT mmap_find" + arguments + ", mmap_rfind" + arguments + ", mmap_count" +
                    arguments + ", (SELECT group_concat(offset) FROM mmap_find_all" + arguments +
                    "), (SELECT group_concat(offset) FROM mmap_search_all" + arguments +
                    "), (SELECT group_concat(offset) FROM mmap_strings('a') WHERE offset > 0)"),
                N(at) + "|" + N(at) + "|1|" + N(at) + "|" + N(at) + "|NULL");
      text.replace(at, length, length, ' ');
    }
  }
}

// The mapping of a file of whole pages ends where the file does: to look further would be a fault.
TEST_F(Adversarial, FilesThatFillTheirLastPage) {
  for (size_t size : {kPage, 16 * kPage, 64 * kPage, kPiece, kPiece + kPage}) {
    std::string text(size, 'x');
    text[size - 1] = 'y';
    Put("a", text);
    EXPECT_EQ(One("SELECT mmap_find('a', 'y'), mmap_find('a', 'xy'), mmap_find('a', 'yx'),"
                  " mmap_rfind('a', 'z'), mmap_count('a', 'y'), mmap_search('a', 'x(?=y)'),"
                  " mmap_search('a', 'y.'), (SELECT count(*) FROM mmap_lines('a'))"),
              N(size - 1) + "|" + N(size - 2) + "|-1|-1|1|" + N(size - 2) + "|-1|1");
    EXPECT_EQ(One("SELECT offset, length FROM mmap_strings('a')"), "0|" + N(size));
    EXPECT_EQ(One("SELECT ascii FROM mmap_hexdump('a', -16)"), "xxxxxxxxxxxxxxxy");
  }
}

TEST_F(Adversarial, RandomSearchesAreThoseOfMemmem) {
  std::mt19937 random(11);
  for (unsigned letters : {2, 4, 256}) {
    for (int i = 0; i < 60; i++) {
      std::string text(random() % 20000, 0);
      for (char &c : text) c = static_cast<char>(random() % letters);
      Put("a", text);
      for (int k = 0; k < 5; k++) {
        size_t from = random() % (text.size() + 1);
        size_t to = from + random() % (text.size() + 1 - from);
        std::string needle = text.substr(random() % (text.size() + 1), 1 + random() % 40);
        if (random() % 3 == 0) needle += static_cast<char>(random() % letters);
        if (!needle.empty()) ExpectAll(text, needle, from, to);
      }
      if (HasFailure()) return;
    }
  }
}

TEST_F(Adversarial, HolesAreZeros) {
  Put("a", "start");
  std::filesystem::resize_file("a", 3 << 20);
  Run("SELECT mmap_patch('a', 1048570, 'in the middle\n'), mmap_patch('a', -3, 'end')");
  EXPECT_EQ(
      One("SELECT mmap_find('a', 'middle'), mmap_rfind('a', x'0000'), mmap_count('a', x'00'),"
          " mmap_find('a', x'00656e64'), mmap_search('a', '\\x00in'), mmap_find('a', x'0073')"),
      "1048577|3145723|" + N((3 << 20) - 22) + "|3145724|1048569|-1");
  EXPECT_EQ(Rows("SELECT number, offset, hex(substr(CAST(text AS BLOB), -3)) FROM mmap_lines('a')"),
            "1|0|646C65\n2|1048584|656E64");
  EXPECT_EQ(Rows("SELECT offset, text FROM mmap_strings('a', 3)"),
            "0|start\n1048570|in the middle\n3145725|end");
}

/* ---- lines ---------------------------------------------------------------------------------- */

class AdversarialLines : public SqlTest {
protected:
  // Lines as they should be, and in both directions, from anywhere.
  void ExpectLines(const std::string &bytes) {
    Put("a", bytes);
    std::vector<std::string> rows;
    for (size_t at = 0, number = 1; at < bytes.size(); number++) {
      size_t newline = bytes.find('\n', at);
      size_t next = newline == bytes.npos ? bytes.size() : newline + 1;
      size_t end = newline == bytes.npos ? next : newline;
      if (newline != bytes.npos && end > at && bytes[end - 1] == '\r') end--;
      rows.push_back(N(number) + "|" + N(at) + "|" + Hex(bytes.substr(at, end - at)));
      at = next;
    }
    std::string up, down;
    for (const std::string &row : rows) {
      up += (up.empty() ? "" : "\n") + row;
      down = row + (down.empty() ? "" : "\n") + down;
    }
    const std::string lines = "SELECT number, offset, hex(text) FROM mmap_lines('a')";
    EXPECT_EQ(Rows(lines), up);
    EXPECT_EQ(Rows(lines + " ORDER BY offset DESC"), down);
    EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('a')"), N(rows.size()));
    EXPECT_EQ(One("SELECT count(*), max(number) FROM mmap_lines('a')"),
              N(rows.size()) + "|" + (rows.empty() ? "NULL" : N(rows.size())));
  }
  static std::string Hex(const std::string &bytes) {
    static const char digits[] = "0123456789ABCDEF";
    std::string hex;
    for (unsigned char byte : bytes) hex += {digits[byte >> 4], digits[byte & 15]};
    return hex;
  }
};

TEST_F(AdversarialLines, EndsAtAndAroundPages) {
  for (size_t at : {kPage - 2, kPage - 1, kPage, kPage + 1, 2 * kPage - 1, 2 * kPage}) {
    for (const char *end : {"\n", "\r\n", "\n\n", "\r\r\n", "\n\r\n", "\r"}) {
      std::string bytes(3 * kPage - 5, 'x');
      bytes.replace(at, strlen(end), end);
      ExpectLines(bytes);
      ExpectLines(bytes.substr(0, at + strlen(end)));
      if (HasFailure()) return;
    }
  }
}

TEST_F(AdversarialLines, ManyShortOnesAndNone) {
  ExpectLines("");
  ExpectLines(std::string(10000, '\n'));
  ExpectLines(Repeat("\r\n", 10000));
  ExpectLines(Repeat("\r\n", 9999));
  ExpectLines(Repeat("a\n", 8193));
  ExpectLines(std::string(300000, 'x'));
  ExpectLines(std::string(300000, 'x') + "\n" + std::string(300000, 'y') + "\nz");
  ExpectLines(Repeat(std::string(63, 'x') + "\n", 12288));
  ExpectLines(std::string(9000, '\0') + "\n" + std::string(9000, '\0'));
}

TEST_F(AdversarialLines, OfRandomLengthsAndBytes) {
  std::mt19937 random(17);
  for (unsigned longest : {3, 90, 1000, 9000}) {
    for (int i = 0; i < 8; i++) {
      std::string bytes;
      while (bytes.size() < 30000) {
        for (size_t n = random() % longest; n > 0; n--) {
          bytes += static_cast<char>(random() % 256); // newlines among them
        }
        bytes += random() % 2 ? "\n" : "\r\n";
      }
      bytes.resize(bytes.size() - random() % 3);
      ExpectLines(bytes);
      if (HasFailure()) return;
    }
  }
}

TEST_F(AdversarialLines, BytesThatAreNoUtf8StayAsTheyAre) {
  const std::string bad("\xff\xfe\n\xc3\n\xe2\x82\n\xed\xa0\x80\n\xf4\x90\x80\x80\n\x80\0\x80\n",
                        18);
  ExpectLines(bad);
  EXPECT_EQ(Rows("SELECT typeof(text) FROM mmap_lines('a') WHERE number = 1"), "text");
  EXPECT_EQ(One("SELECT mmap_find('a', x'80'), mmap_search('a', '\\xa0'),"
                " (SELECT count(*) FROM mmap_search_all('a', '[\\x80-\\xff]'))"),
            "10|9|13");
  EXPECT_EQ(Rows("SELECT * FROM mmap_strings('a', 1)"), "");
}

// What a statement itself writes, it sees in the lines that are still to come.
TEST_F(AdversarialLines, SeeWhatTheirStatementWrites) {
  for (const char *transaction : {"SELECT 1", "BEGIN"}) {
    Put("a", Repeat("line\n", 10000)); // 2000 lines
    Run(transaction);
    EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('a') WHERE offset <> 5 OR"
                  " mmap_patch('a', 10, replace(hex(zeroblob(500)), '00', '-')) = 500"),
              "1900")
        << "100 newlines less";
    EXPECT_EQ(One("SELECT count(*) FROM mmap_lines('a') WHERE offset <> 0 OR"
                  " mmap_patch('a', 20, replace(hex(zeroblob(5)), '0', char(10))) = 10"),
              "1910");
    Run(*transaction == 'B' ? "COMMIT" : "SELECT 1");
  }
}

double PeakMebibytes() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<double>(usage.ru_maxrss) / 1024;
}

// Bytes of the file itself are in the peak, too: there is one copy of the line, or two for a while.
TEST_F(AdversarialLines, OneOf100Megabytes) {
  const size_t size = 100000000;
  Put("a", std::string(size, 'x') + "\nend");
  double before = PeakMebibytes();
  EXPECT_EQ(Rows("SELECT number, offset FROM mmap_lines('a')"), "1|0\n2|" + N(size + 1));
  EXPECT_EQ(One("SELECT max(length(text)) FROM mmap_lines('a')"), N(size));
  Run("SELECT mmap_open('a')");
  EXPECT_EQ(One("SELECT length(mmap_readline(1)), mmap_readline(1), mmap_tell(1)"),
            N(size + 1) + "|x'656e64'|" + N(size + 4));
  EXPECT_EQ(One("SELECT mmap_search('a', 'x\\n'), mmap_search('a', '^e', 1), mmap_find('a', 'xe'),"
                " mmap_search('a', '(?m)^e'), mmap_rfind('a', 'xx')"),
            N(size - 1) + "|-1|-1|" + N(size + 1) + "|" + N(size - 2));
  EXPECT_EQ(One("SELECT offset, length FROM mmap_strings('a')"), "0|" + N(size));
  EXPECT_LT(PeakMebibytes() - before, 4 * static_cast<double>(size) / 1048576);
}

} // namespace
} // namespace mm_test
