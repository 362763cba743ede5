extern "C" {
#include "core/os/sys.h"
#include "core/search/find.h"
#include "core/search/kernel/find_kernel.h"
}

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/support/wide.h"

namespace {

using Text = std::string;

const int64_t kNone = MM_FIND_NONE;

// Where every instruction is watched this takes minutes: then one in so many of what is tried must
// do. Odd, so that no pattern of bits is left out. For valgrind and wine, which nobody sees while
// compiling, $MM_THIN.
unsigned Thin() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  const char *usual = "11";
#else
  const char *usual = "1";
#endif
  static const char *const given = getenv("MM_THIN");
  return static_cast<unsigned>(std::max(1, atoi(given ? given : usual)));
}

// What the functions must say, the slow way.

int64_t SlowFind(const Text &text, const Text &needle) {
  size_t at = text.find(needle);
  return at == Text::npos ? kNone : static_cast<int64_t>(at);
}

int64_t SlowRfind(const Text &text, const Text &needle) {
  size_t at = text.rfind(needle);
  return at == Text::npos ? kNone : static_cast<int64_t>(at);
}

int64_t SlowCount(const Text &text, const Text &needle) {
  int64_t count = 0;
  for (size_t at = text.find(needle); at != Text::npos; at = text.find(needle, at + 1)) count++;
  return count;
}

const uint8_t *Bytes(const Text &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

// The needle keeps its own bytes.
class Needle {
public:
  explicit Needle(Text text) : text_(std::move(text)) {
    mm_needle_prepare(&ready_, Bytes(text_), text_.size());
  }
  Needle(const Needle &) = delete;
  const mm_needle *operator*() const { return &ready_; }

private:
  Text text_;
  mm_needle ready_;
};

int64_t Find(const Text &text, const Text &needle) {
  return mm_find(*Needle(needle), Bytes(text), text.size(), nullptr);
}

int64_t Rfind(const Text &text, const Text &needle) {
  return mm_rfind(*Needle(needle), Bytes(text), text.size(), nullptr);
}

int64_t Count(const Text &text, const Text &needle) {
  return mm_count(*Needle(needle), Bytes(text), text.size(), nullptr);
}

Text Brief(const Text &text) {
  return text.size() <= 80 ? text : text.substr(0, 77) + "... of " + std::to_string(text.size());
}

void ExpectAllRight(const Text &text, const Text &needle) {
  Needle ready(needle);
  const uint8_t *data = Bytes(text);
  ASSERT_EQ(mm_find(*ready, data, text.size(), nullptr), SlowFind(text, needle))
      << Brief(needle) << " in " << Brief(text);
  ASSERT_EQ(mm_rfind(*ready, data, text.size(), nullptr), SlowRfind(text, needle))
      << Brief(needle) << " in " << Brief(text);
  ASSERT_EQ(mm_count(*ready, data, text.size(), nullptr), SlowCount(text, needle))
      << Brief(needle) << " in " << Brief(text);
}

Text Repeat(const Text &part, size_t size) {
  Text text;
  while (text.size() < size) text += part;
  text.resize(size);
  return text;
}

Text Fibonacci(size_t size) {
  Text a = "b", b = "a";
  while (b.size() < size) {
    Text next = b + a;
    a = b;
    b = next;
  }
  b.resize(size);
  return b;
}

Text RandomText(std::mt19937 &random, size_t size, unsigned letters) {
  Text text(size, 0);
  for (char &c : text) c = static_cast<char>((letters > 26 ? 0 : 'a') + random() % letters);
  return text;
}

// The same tests for each implementation that this machine has.
class FindEverywhere : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override { ASSERT_TRUE(mm_find_use(GetParam().c_str())); }
  void TearDown() override { mm_find_use(nullptr); }
};

std::vector<std::string> UsablePaths() {
  std::vector<std::string> paths = {"portable", "avx2", "avx512", "avx512+avx2", "neon"};
  auto missing = [](const std::string &path) { return !mm_find_use(path.c_str()); };
  paths.erase(std::remove_if(paths.begin(), paths.end(), missing), paths.end());
  mm_find_use(nullptr);
  return paths;
}

INSTANTIATE_TEST_SUITE_P(Paths, FindEverywhere, testing::ValuesIn(UsablePaths()),
                         [](const auto &info) {
                           std::string name = info.param;
                           std::replace(name.begin(), name.end(), '+', '_');
                           return name;
                         });

// Bytes between two pages that may not be touched, at the very end or the very start.
class GuardedBytes {
public:
  GuardedBytes() : page_(static_cast<size_t>(sysconf(_SC_PAGESIZE))) {
    void *memory = mmap(nullptr, 3 * page_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) abort();
    base_ = static_cast<uint8_t *>(memory);
    if (mprotect(base_ + page_, page_, PROT_READ | PROT_WRITE) != 0) abort();
  }
  ~GuardedBytes() { munmap(base_, 3 * page_); }
  GuardedBytes(const GuardedBytes &) = delete;
  uint8_t *AtEnd(const Text &text) { return Put(base_ + 2 * page_ - text.size(), text); }
  uint8_t *AtStart(const Text &text) { return Put(base_ + page_, text); }

private:
  uint8_t *Put(uint8_t *at, const Text &text) {
    std::memset(base_ + page_, 'x', page_);
    std::memcpy(at, text.data(), text.size());
    return at;
  }
  size_t page_;
  uint8_t *base_;
};

TEST(Find, NamesItsPath) {
  EXPECT_TRUE(mm_find_use("portable"));
  EXPECT_STREQ(mm_find_path(), "portable");
  EXPECT_FALSE(mm_find_use("abacus"));
  EXPECT_STREQ(mm_find_path(), "portable");
  EXPECT_TRUE(mm_find_use(nullptr));
}

TEST_P(FindEverywhere, IsTheOneAskedFor) {
  EXPECT_EQ(mm_find_path(), GetParam());
}

TEST_P(FindEverywhere, FindsAnEmptyNeedleAtBothEnds) {
  EXPECT_EQ(Find("abc", ""), 0);
  EXPECT_EQ(Rfind("abc", ""), 3);
  EXPECT_EQ(Count("abc", ""), 4);
  EXPECT_EQ(Find("", ""), 0);
  EXPECT_EQ(Rfind("", ""), 0);
  EXPECT_EQ(Count("", ""), 1);
}

TEST_P(FindEverywhere, FindsNothingLongerThanTheText) {
  for (const char *needle : {"a", "ab", "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabcabc"}) {
    EXPECT_EQ(Find("", needle), MM_FIND_NONE);
    EXPECT_EQ(Rfind("", needle), MM_FIND_NONE);
    EXPECT_EQ(Count("", needle), 0);
    Text most(needle, strlen(needle) - 1);
    EXPECT_EQ(Find(most, needle), MM_FIND_NONE);
    EXPECT_EQ(Rfind(most, needle), MM_FIND_NONE);
    EXPECT_EQ(Count(most, needle), 0);
  }
}

TEST_P(FindEverywhere, AgreesOnAllShortWordsOfTwoLetters) {
  auto word = [](unsigned bits, unsigned size) {
    Text text(size, 'a');
    for (unsigned i = 0; i < size; i++) text[i] = bits >> i & 1 ? 'b' : 'a';
    return text;
  };
  for (unsigned n = 1; n <= 6; n++) {
    for (unsigned needle = 0; needle < 1u << n; needle++) {
      for (unsigned size = 0; size <= 12; size++) {
        for (unsigned text = 0; text < 1u << size; text += size < 8 ? 1 : Thin()) {
          ExpectAllRight(word(text, size), word(needle, n));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST_P(FindEverywhere, AgreesOnRandomWordsOfManySizes) {
  std::mt19937 random(1);
  for (unsigned i = 0; i < 20000 / Thin(); i++) {
    unsigned letters = "\1\2\2\3\4\32"[random() % 6];
    size_t size = random() % (i % 10 ? 300 : 5000);
    Text text = RandomText(random, size, letters);
    size_t length = 1 + random() % (i % 3 ? 12 : 120);
    Text needle = RandomText(random, length, letters);
    bool there = size >= length && random() % 2;
    if (there) needle = text.substr(random() % (size - length + 1), length);
    ExpectAllRight(text, needle);
    if (HasFatalFailure()) return;
  }
}

TEST_P(FindEverywhere, SeesAMatchAtEveryPlaceOfManySizes) {
  for (size_t length : {1, 2, 3, 7, 8, 9, 31, 32, 33, 64, 65}) {
    Text needle = Repeat("needle", length);
    for (size_t size = length; size < 330; size += size < 140 ? 1 : 23) {
      for (size_t at = size % Thin(); at + length <= size; at += Thin()) {
        Text text(size, '.');
        text.replace(at, length, needle);
        ASSERT_EQ(Find(text, needle), static_cast<int64_t>(at)) << length << " in " << size;
        ASSERT_EQ(Rfind(text, needle), SlowRfind(text, needle)) << length << " in " << size;
        ASSERT_EQ(Count(text, needle), SlowCount(text, needle)) << length << " in " << size;
      }
    }
  }
}

TEST_P(FindEverywhere, SeesAMatchAcrossTwoPieces) {
  const size_t piece = MM_PIECE;
  Text text(3 * piece + 77, ' ');
  for (size_t length : {1, 2, 40, 1000}) {
    Text needle = Repeat("edge of a piece", length);
    for (size_t at : {piece - length, piece - length / 2 - 1, piece - 1, piece, 2 * piece - 1,
                      2 * piece + 77 - length / 2, 2 * piece + 77, text.size() - length}) {
      text.replace(at, length, needle);
      EXPECT_EQ(Find(text, needle), static_cast<int64_t>(at));
      EXPECT_EQ(Count(text, needle), 1);
      EXPECT_EQ(Rfind(text, needle), static_cast<int64_t>(at));
      text.replace(at, length, Text(length, ' '));
    }
  }
}

// Where nothing was found for a piece, blocks are looked at in several places in turn, in no order.
const size_t kBlock = MM_FIND_SWEEP, kStream = kBlock / 4;

TEST_P(FindEverywhere, SeesAMatchAtTheEdgesOfASweep) {
  Text text(MM_PIECE + 2 * kBlock + 777, ' ');
  for (size_t length : {1, 2, 40, 1000}) {
    Text needle = Repeat("edge of a stream", length);
    Needle ready(needle);
    auto expect_only = [&](size_t at) {
      text.replace(at, length, needle);
      auto place = static_cast<int64_t>(at);
      EXPECT_EQ(mm_find(*ready, Bytes(text), text.size(), nullptr), place) << length;
      EXPECT_EQ(mm_rfind(*ready, Bytes(text), text.size(), nullptr), place) << length;
      EXPECT_EQ(mm_count(*ready, Bytes(text), text.size(), nullptr), 1) << length << " " << at;
      text.replace(at, length, Text(length, ' '));
    };
    for (size_t edge = 0; edge <= 2 * kBlock; edge += kStream) {
      // Blocks are counted from where the search begins: the first byte, or the last place.
      expect_only(MM_PIECE + edge - 1);
      expect_only(MM_PIECE + edge);
      expect_only(text.size() - MM_PIECE - edge - length);
      expect_only(text.size() - MM_PIECE - edge - length + 1);
    }
  }
}

// A sweep goes by lines of the cache, wherever the text and the needle's bytes lie in them: what is before
// the first is looked at, too.
TEST_P(FindEverywhere, SeesAMatchBeforeTheFirstLineOfASweep) {
  const Text needle = "a line's edge";
  Text text(MM_PIECE + kBlock + 300, ' ');
  for (size_t shift : {0, 1, 31, 32, 63}) {
    const uint8_t *data = Bytes(text) + shift;
    size_t size = text.size() - shift;
    Needle ready(needle);
    for (size_t near : {0, 1, 30, 62, 63, 64, 65, 127}) {
      for (size_t at : {MM_PIECE + near, size - MM_PIECE - near - needle.size()}) {
        text.replace(shift + at, needle.size(), needle);
        EXPECT_EQ(mm_find(*ready, data, size, nullptr), static_cast<int64_t>(at)) << shift;
        EXPECT_EQ(mm_rfind(*ready, data, size, nullptr), static_cast<int64_t>(at)) << shift;
        EXPECT_EQ(mm_count(*ready, data, size, nullptr), 1) << shift << " " << at;
        text.replace(shift + at, needle.size(), Text(needle.size(), ' '));
      }
    }
  }
}

TEST_P(FindEverywhere, TellsTheFirstOfASweepFromTheLast) {
  Text text(2 * MM_PIECE + 2 * kBlock, ' ');
  const size_t places[] = {MM_PIECE + 3 * kStream + 5, MM_PIECE + kStream + 64,
                           MM_PIECE + kBlock - 70, MM_PIECE + kBlock + 2 * kStream};
  for (const Text &needle : {Text("!"), Text("first, or last?")}) {
    for (size_t at : places) text.replace(at, needle.size(), needle);
    EXPECT_EQ(Find(text, needle), static_cast<int64_t>(places[1]));
    EXPECT_EQ(Rfind(text, needle), static_cast<int64_t>(places[3]));
    EXPECT_EQ(Count(text, needle), 4);
    text.assign(text.size(), ' ');
  }
}

// All of a block's candidates are false ones but for the last, or the first.
TEST_P(FindEverywhere, SweepsOverWhatNearlyFits) {
  const Text needle = "this needle nearly fits";
  for (size_t changed : {size_t{0}, size_t{11}, needle.size() - 1}) {
    Text near = needle;
    near[changed] = '.';
    for (size_t every : {40000, 4000, 100, 23}) {
      Text text(2 * MM_PIECE, ' ');
      for (size_t at = MM_PIECE; at + near.size() < text.size(); at += every) {
        text.replace(at, near.size(), near);
      }
      EXPECT_EQ(Count(text, needle), 0);
      const size_t low = MM_PIECE / 2 * 3 - 9, high = low + 100;
      text.replace(high, needle.size(), needle);
      text.replace(low, needle.size(), needle);
      EXPECT_EQ(Find(text, needle), static_cast<int64_t>(low)) << changed << " " << every;
      EXPECT_EQ(Rfind(text, needle), static_cast<int64_t>(high)) << changed << " " << every;
      EXPECT_EQ(Count(text, needle), 2) << changed << " " << every;
    }
  }
}

// Zeros that no memory stands behind, if the system has large pages of them.
TEST(Find, SeesAMatchBeyond4GiB) {
  MM_NEEDS_64_BITS();
  const uint64_t size = (uint64_t{1} << 32) + 3000, at = (uint64_t{1} << 32) - 3;
  void *memory = mmap(nullptr, size, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) GTEST_SKIP() << "no room for 4 GiB of addresses";
  (void)madvise(memory, size, MADV_HUGEPAGE);
  auto *data = static_cast<uint8_t *>(memory);
  std::memcpy(data + at, "needle", 6);
  Needle needle("needle"), zeros(Text(7, 0));
  EXPECT_EQ(mm_find(*needle, data, size, nullptr), static_cast<int64_t>(at));
  EXPECT_EQ(mm_rfind(*needle, data, size, nullptr), static_cast<int64_t>(at));
  EXPECT_EQ(mm_find(*Needle("n"), data, size, nullptr), static_cast<int64_t>(at));
  EXPECT_EQ(mm_count(*needle, data, size, nullptr), 1);
  EXPECT_EQ(mm_count(*Needle(Text(1, 0)), data, size, nullptr), static_cast<int64_t>(size) - 6);
  EXPECT_EQ(mm_rfind(*zeros, data, at + 6, nullptr), static_cast<int64_t>(at) - 7);
  munmap(memory, size);
}

TEST_P(FindEverywhere, CountsWhatOverlaps) {
  EXPECT_EQ(Count("aaaa", "aa"), 3);
  EXPECT_EQ(Count("abababa", "aba"), 3);
  for (size_t length : {2, 31, 32, 33, 34, 100, 1000}) {
    Text text(5000, 'a');
    EXPECT_EQ(Count(text, Text(length, 'a')), static_cast<int64_t>(5000 - length + 1));
    Text needle = Repeat("abc", length);
    EXPECT_EQ(Count(Repeat("abc", 5000), needle), SlowCount(Repeat("abc", 5000), needle));
  }
}

TEST_P(FindEverywhere, AgreesOnPeriodicAndFibonacciWords) {
  std::mt19937 random(2);
  std::vector<Text> parts = {"a", "ab", "aab", "abcab", Fibonacci(300), Text(40, 'a') + "b"};
  for (const Text &part : parts) {
    Text text = Repeat(part, 20000);
    for (int i = 0; i < 4; i++) text[random() % text.size()] = 'c';
    for (size_t length : {3, 20, 33, 50, 257, 1000, 9000}) {
      for (int i = 0; i < 6; i++) {
        Text needle = text.substr(random() % (text.size() - length), length);
        if (i & 1) needle[random() % length] = 'a';
        if (i & 2) needle[random() % length] = 'b';
        ExpectAllRight(text, needle);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Each place fits nearly to the end, in either direction: the filter has to be given up.
TEST_P(FindEverywhere, AgreesWhereEveryPlaceNearlyFits) {
  for (size_t length : {8, 30, 40, 300, 3000}) {
    for (const Text &part : {Text("a"), Text("ab"), Text("aaaaaaab"), Fibonacci(length / 2)}) {
      const size_t size = 60000 / Thin();
      Text text = Repeat(part, size) + "b" + Repeat(part, size) + "a" + Repeat(part, size);
      Text whole = Repeat(part, length);
      std::vector<Text> needles = {whole + "b",         whole + "a",         "b" + whole,
                                   "a" + whole,         whole + "b" + whole, whole + "a" + whole,
                                   whole + "bb" + whole};
      for (const Text &needle : needles) {
        ExpectAllRight(text, needle);
        if (HasFatalFailure()) return;
      }
    }
  }
}

// The right part of a periodic needle fits, the left does not, and the next period breaks at once.
TEST_P(FindEverywhere, RemembersNoMoreThanItCompared) {
  for (size_t pairs : {10, 16, 20, 40}) {
    for (const Text &pair : {Text("ba"), Text("ab")}) {
      Text odd = pair == "ba" ? "ca" : "ac";
      Text text = Repeat(odd + Repeat(pair, 2 * (pairs - 1)), 300000);
      ExpectAllRight(text, Repeat(pair, 2 * pairs));
      ExpectAllRight(text + Repeat(pair, 2 * pairs) + text, Repeat(pair, 2 * pairs));
      if (HasFatalFailure()) return;
    }
  }
}

TEST_P(FindEverywhere, ComparesANeedleOfMegabytesToItsEnd) {
  std::mt19937 random(3);
  Text needle = RandomText(random, (5 << 20) + 3, 2);
  Text text = RandomText(random, 1 << 20, 2) + needle + RandomText(random, 1 << 20, 2);
  int64_t at = 1 << 20;
  EXPECT_EQ(Find(text, needle), at);
  EXPECT_EQ(Rfind(text, needle), at);
  EXPECT_EQ(Count(text, needle), 1);
  text[static_cast<size_t>(at) + needle.size() - 1] ^= 1;
  EXPECT_EQ(Find(text, needle), MM_FIND_NONE);
  EXPECT_EQ(Rfind(text, needle), MM_FIND_NONE);
  text[static_cast<size_t>(at) + needle.size() - 1] ^= 1;
  text[static_cast<size_t>(at)] ^= 1;
  EXPECT_EQ(Rfind(text, needle), MM_FIND_NONE);
  EXPECT_EQ(Count(text, needle), 0);
}

TEST_P(FindEverywhere, CountsALongNeedleOfOneByteInLinearTime) {
  Text text(8 << 20, 'a');
  EXPECT_EQ(Count(text, Text(1 << 20, 'a')), (7 << 20) + 1);
  EXPECT_EQ(Count(text, Text(1 << 20, 'a') + "b"), 0);
  EXPECT_EQ(Count(text, Text(1 << 19, 'a') + "b" + Text(1 << 19, 'a')), 0);
}

// Longer than what the filter compares, and different only behind that, or before it.
TEST_P(FindEverywhere, LongNeedlesThatDifferLateTakeLinearTime) {
  Text text(5 << 20, 'a'), most(2 << 20, 'a');
  for (const Text &needle :
       {most + "b", Text(1 << 20, 'a') + "b" + most, "b" + most, most + "b" + Text(1 << 20, 'a')}) {
    EXPECT_EQ(Find(text, needle), kNone);
    EXPECT_EQ(Rfind(text, needle), kNone);
    EXPECT_EQ(Count(text, needle), 0);
    EXPECT_EQ(Find(text + needle, needle), 5 << 20);
    EXPECT_EQ(Rfind(needle + text, needle), 0);
  }
}

TEST_P(FindEverywhere, TouchesNothingOutside) {
  GuardedBytes guarded;
  std::mt19937 random(4);
  for (size_t size = 0; size <= 200; size++) {
    Text text = RandomText(random, size, 2);
    for (size_t length : {1, 2, 3, 5, 9, 17, 33, 65}) {
      Needle present(length <= size ? text.substr(random() % (size - length + 1), length)
                                    : Text(length, 'a'));
      Needle absent(Text(length - 1, 'a') + "z");
      for (bool at_end : {false, true}) {
        const uint8_t *data = at_end ? guarded.AtEnd(text) : guarded.AtStart(text);
        for (const Needle *needle : {&present, &absent}) {
          bool there = needle == &present && length <= size;
          EXPECT_EQ(mm_find(**needle, data, size, nullptr) >= 0, there);
          EXPECT_EQ(mm_rfind(**needle, data, size, nullptr) >= 0, there);
          EXPECT_EQ(mm_count(**needle, data, size, nullptr) > 0, there);
        }
      }
    }
  }
}

TEST_P(FindEverywhere, TouchesNothingOutsideOfMegabytes) {
  const size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE)), size = 5 << 20;
  void *memory = mmap(nullptr, size + 2 * page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  ASSERT_NE(memory, MAP_FAILED);
  uint8_t *data = static_cast<uint8_t *>(memory) + page;
  ASSERT_EQ(mprotect(data, size, PROT_READ | PROT_WRITE), 0);
  for (const Text &absent : {Text("x"), Text("yx"), Text(64, 'x'), Text(3000, 'x') + "y"}) {
    Needle needle(absent);
    for (size_t less : {0, 1, 31, 33, 4096}) {
      EXPECT_EQ(mm_find(*needle, data + less, size - less, nullptr), MM_FIND_NONE);
      EXPECT_EQ(mm_rfind(*needle, data, size - less, nullptr), MM_FIND_NONE);
      EXPECT_EQ(mm_count(*needle, data + less, size - less, nullptr), 0);
    }
  }
  munmap(memory, size + 2 * page);
}

TEST_P(FindEverywhere, IsRightAtEveryAlignment) {
  alignas(64) static uint8_t room[64 + 200 + 64];
  for (size_t shift = 0; shift <= 64; shift++) {
    for (size_t size = 0; size <= 200; size++) {
      std::memset(room, 'n', sizeof room); // what is outside would be found
      std::memset(room + shift, '.', size);
      Needle one("n"), two("nn");
      uint8_t *data = room + shift;
      ASSERT_EQ(mm_find(*one, data, size, nullptr), MM_FIND_NONE);
      ASSERT_EQ(mm_rfind(*one, data, size, nullptr), MM_FIND_NONE);
      ASSERT_EQ(mm_count(*one, data, size, nullptr), 0);
      if (size < 2) continue;
      data[0] = data[size - 1] = 'n';
      ASSERT_EQ(mm_find(*two, data, size, nullptr), size == 2 ? 0 : kNone);
      ASSERT_EQ(mm_rfind(*two, data, size, nullptr), size == 2 ? 0 : kNone);
      ASSERT_EQ(mm_count(*two, data, size, nullptr), size == 2 ? 1 : 0);
      ASSERT_EQ(mm_count(*one, data, size, nullptr), 2);
    }
  }
}

// Sets.

struct Set {
  uint8_t bits[32] = {};
  void Add(unsigned byte) {
    bits[byte / 8] = static_cast<uint8_t>(bits[byte / 8] | 1u << byte % 8);
  }
  bool Has(uint8_t byte) const { return bits[byte / 8] >> byte % 8 & 1; }
};

void ExpectSetRight(const Set &set, const uint8_t *data, size_t size) {
  int64_t first = MM_FIND_NONE, last = MM_FIND_NONE, count = 0;
  for (size_t i = 0; i < size; i++) {
    if (!set.Has(data[i])) continue;
    if (first < 0) first = static_cast<int64_t>(i);
    last = static_cast<int64_t>(i);
    count++;
  }
  ASSERT_EQ(mm_find_set(set.bits, data, size, nullptr), first) << size;
  ASSERT_EQ(mm_rfind_set(set.bits, data, size, nullptr), last) << size;
  ASSERT_EQ(mm_count_set(set.bits, data, size, nullptr), count) << size;
}

TEST_P(FindEverywhere, KnowsEachByteAsASetOfItsOwn) {
  Text all(256 * 3, 0);
  for (size_t i = 0; i < all.size(); i++) all[i] = static_cast<char>(i * 7);
  for (unsigned byte = 0; byte < 256; byte++) {
    Set set, others, with_next;
    set.Add(byte);
    with_next.Add(byte);
    with_next.Add((byte + 1) % 256);
    for (unsigned other = 0; other < 256; other++) {
      if (other != byte) others.Add(other);
    }
    ExpectSetRight(set, Bytes(all), all.size());
    ExpectSetRight(with_next, Bytes(all), all.size());
    ExpectSetRight(others, Bytes(all), all.size());
    if (HasFatalFailure()) return;
  }
}

TEST_P(FindEverywhere, AgreesOnRandomSetsAndRanges) {
  GuardedBytes guarded;
  std::mt19937 random(5);
  for (size_t i = 0; i < 6000 / Thin(); i++) {
    Set set;
    if (i % 3 == 0) {
      unsigned low = random() % 256, high = random() % 256;
      for (unsigned byte = low; byte <= high; byte++) set.Add(byte);
    } else {
      for (unsigned n = random() % (i % 3 == 1 ? 4 : 200); n > 0; n--) set.Add(random() % 256);
    }
    size_t size = i % 5 ? random() % 201 : random() % 2000;
    Text text = RandomText(random, size, i % 2 ? 256 : 3);
    ExpectSetRight(set, guarded.AtEnd(text), size);
    ExpectSetRight(set, guarded.AtStart(text), size);
    if (HasFatalFailure()) return;
  }
}

TEST_P(FindEverywhere, SeesAByteAtEveryPlace) {
  for (size_t size = 1; size < 400; size += size < 140 ? 1 : 17) {
    Text text(size, '.');
    Set one, two;
    one.Add('x');
    two.Add('x');
    two.Add('y');
    for (size_t at = 0; at < size; at++) {
      text[at] = 'x';
      ExpectSetRight(one, Bytes(text), size);
      ExpectSetRight(two, Bytes(text), size);
      if (HasFatalFailure()) return;
      text[at] = '.';
    }
  }
}

TEST_P(FindEverywhere, CountsSetsOverManyPieces) {
  std::mt19937 random(6);
  Text text = RandomText(random, (9 << 20) + 5, 256);
  Set set;
  for (unsigned byte = 0x30; byte < 0x3a; byte++) set.Add(byte);
  ExpectSetRight(set, Bytes(text), text.size());
  std::replace_if(
      text.begin(), text.end(), [](char c) { return c >= 0x30 && c < 0x3a; }, ' ');
  ExpectSetRight(set, Bytes(text), text.size());
  text[(4 << 20) + 1] = '5';
  ExpectSetRight(set, Bytes(text), text.size());
}

TEST_P(FindEverywhere, ListsThePlacesOfAByteInAPage) {
  GuardedBytes guarded;
  std::mt19937 random(12);
  uint16_t places[MM_FIND_PAGE];
  for (unsigned rarity : {1, 2, 3, 10, 80, 5000, 1000000}) {
    Text page(MM_FIND_PAGE, 0);
    std::vector<uint16_t> expected;
    for (size_t i = 0; i < page.size(); i++) {
      bool is = random() % rarity == 0;
      page[i] = is ? '\n' : static_cast<char>('\n' + 1 + random() % 255);
      if (is) expected.push_back(static_cast<uint16_t>(i));
    }
    unsigned count = mm_find_places('\n', guarded.AtEnd(page), places);
    EXPECT_EQ(std::vector<uint16_t>(places, places + count), expected) << "one in " << rarity;
  }
}

TEST_P(FindEverywhere, ListsThePlacesOfASetInAPage) {
  GuardedBytes guarded;
  std::mt19937 random(13);
  uint16_t places[MM_FIND_PAGE];
  for (unsigned members : {0, 1, 2, 7, 100, 255, 256}) {
    for (unsigned rarity : {1, 3, 100, 5000}) {
      Set set;
      for (unsigned i = 0; i < members; i++) set.Add(members < 256 ? random() % 256 : i);
      Text page(MM_FIND_PAGE, 0);
      std::vector<uint16_t> expected;
      for (size_t i = 0; i < page.size(); i++) {
        page[i] = static_cast<char>(random() % rarity ? 0 : random() % 256);
        if (set.Has(static_cast<uint8_t>(page[i]))) expected.push_back(static_cast<uint16_t>(i));
      }
      unsigned count = mm_find_set_places(set.bits, guarded.AtEnd(page), places);
      EXPECT_EQ(std::vector<uint16_t>(places, places + count), expected) << members;
    }
  }
}

// Runs.

int64_t SlowRun(const Text &text, char member, size_t least) {
  size_t run = 0;
  for (size_t i = 0; i < text.size(); i++) {
    run = text[i] == member ? run + 1 : 0;
    if (run == least) return static_cast<int64_t>(i + 1 - least);
  }
  return kNone;
}

TEST_P(FindEverywhere, FindsRunsOfAllSizesEverywhere) {
  GuardedBytes guarded;
  Set set;
  set.Add('a');
  set.Add(0xe5);
  for (size_t size = 0; size < 240; size += size < 140 ? 1 : 9) {
    for (size_t least = 1; least <= size + 1; least += 1 + least / 3) {
      Text text(size, '.'), tight(size, '.'), all(size, 'a');
      for (size_t i = 0; i < size; i++) tight[i] = (i + 1) % least ? 'a' : '.';
      for (size_t at = 0; at + least <= size; at += 1 + size / 15) {
        Text one = tight;
        one.replace(at, least, least, 'a');
        text = Text(at, '.') + Text(least, 'a') + Text(size - at - least, '.');
        for (const Text &t : {text, one}) {
          ASSERT_EQ(mm_find_run(set.bits, least, guarded.AtEnd(t), size, nullptr),
                    SlowRun(t, 'a', least))
              << Brief(t) << least;
          ASSERT_EQ(mm_find_run(set.bits, least, guarded.AtStart(t), size, nullptr),
                    SlowRun(t, 'a', least))
              << Brief(t) << least;
        }
      }
      for (const Text &t : {tight, all}) {
        ASSERT_EQ(mm_find_run(set.bits, least, guarded.AtEnd(t), size, nullptr),
                  SlowRun(t, 'a', least))
            << Brief(t) << least;
      }
    }
  }
}

TEST_P(FindEverywhere, FindsRandomRuns) {
  std::mt19937 random(14);
  Set set;
  set.Add('a');
  for (unsigned round = 0; round < 3000 / Thin(); round++) {
    Text text;
    size_t size = random() % 3000, longest = 1 + random() % 300;
    while (text.size() < size) text += Text(random() % longest, 'a') + Text(random() % 3, '.');
    for (size_t least : {size_t{1}, longest / 2 + 1, longest, longest + 5, 2 * longest}) {
      ASSERT_EQ(mm_find_run(set.bits, least, Bytes(text), text.size(), nullptr),
                SlowRun(text, 'a', least))
          << Brief(text) << " of " << least;
    }
  }
}

TEST_P(FindEverywhere, FindsARunAcrossPieces) {
  Set set;
  set.Add('a');
  for (uint64_t least : {uint64_t{100}, MM_PIECE - 1, MM_PIECE, MM_PIECE + 1, 2 * MM_PIECE}) {
    Text text(7 * MM_PIECE, 'a');
    for (uint64_t i = 0; i < 4 * MM_PIECE; i += least) text[i] = '.';
    EXPECT_EQ(mm_find_run(set.bits, least, Bytes(text), text.size(), nullptr),
              SlowRun(text, 'a', least))
        << least;
    EXPECT_EQ(mm_find_run(set.bits, text.size(), Bytes(text), text.size(), nullptr), kNone);
  }
}

TEST(Find, AddsUpAHistogram) {
  std::mt19937 random(7);
  for (size_t size : {size_t{0}, size_t{1}, size_t{7}, size_t{8}, size_t{1001}, size_t{9} << 20}) {
    Text text = RandomText(random, size, 256);
    std::vector<uint64_t> counts(256, 5), expected(256, 5);
    for (char c : text) expected[static_cast<uint8_t>(c)]++;
    for (unsigned threads : {1U, 2U, 5U}) {
      std::vector<uint64_t> counted = counts;
      EXPECT_EQ(mm_histogram(Bytes(text), size, counted.data(), threads, nullptr), 0);
      EXPECT_EQ(counted, expected);
    }
  }
}

// Two runs of bytes.

TEST_P(FindEverywhere, SeesTheFirstDifferenceAndTheFirstAgreement) {
  GuardedBytes left, right;
  for (size_t size = 0; size < 300; size += size < 140 ? 1 : 13) {
    Text a(size, 'a'), b(size, 'b');
    uint8_t *data = left.AtEnd(a);
    EXPECT_EQ(mm_mismatch(data, right.AtEnd(a), size), size);
    EXPECT_EQ(mm_mismatch(data, right.AtStart(a), size), size);
    EXPECT_EQ(mm_match(data, right.AtEnd(b), size), size);
    for (size_t at = 0; at < size; at++) {
      Text odd = a, even = b;
      odd[at] = even[size - 1] = 'c';
      even[at] = 'a';
      if (at < size / 2) odd[size - 1] = 'c';
      ASSERT_EQ(mm_mismatch(data, right.AtEnd(odd), size), at);
      ASSERT_EQ(mm_match(data, right.AtEnd(even), size), at);
    }
  }
}

// Being stopped.

struct Patience {
  uint64_t questions = 0;
  uint64_t allowed = 0;
  uint64_t last = 0;
  bool ordered = true;
  mm_watch watch{&Patience::Ask, this};
  static int Ask(void *context, uint64_t done) {
    auto *self = static_cast<Patience *>(context);
    if (done < self->last) self->ordered = false;
    self->last = done;
    return ++self->questions > self->allowed;
  }
};

TEST_P(FindEverywhere, StopsWhenAsked) {
  Text text(5 * MM_PIECE, 'a');
  Set set;
  set.Add('x');
  std::vector<uint64_t> counts(256);
  for (const Text &absent : {Text("x"), Text("xyz"), Text(100, 'x')}) {
    Needle needle(absent);
    auto stopped = [&](auto search) {
      Patience patience;
      patience.allowed = 1;
      EXPECT_EQ(search(&patience.watch), MM_FIND_STOPPED);
      EXPECT_EQ(patience.questions, 2u);
      EXPECT_LE(patience.last, 3 * MM_PIECE);
    };
    const uint8_t *data = Bytes(text);
    stopped([&](auto *w) { return mm_find(*needle, data, text.size(), w); });
    stopped([&](auto *w) { return mm_rfind(*needle, data, text.size(), w); });
    stopped([&](auto *w) { return mm_count(*needle, data, text.size(), w); });
    stopped([&](auto *w) { return mm_find_set(set.bits, data, text.size(), w); });
    stopped([&](auto *w) { return mm_rfind_set(set.bits, data, text.size(), w); });
    stopped([&](auto *w) { return mm_count_set(set.bits, data, text.size(), w); });
    if (absent.size() == 3) {
      stopped([&](auto *w) { return mm_find_run(set.bits, 30, data, text.size(), w); });
    }
    stopped([&](auto *w) { return mm_histogram(data, text.size(), counts.data(), 1, w); });
  }
}

// Where memory comes as from a disk, it is read in order.
TEST_P(FindEverywhere, FindsTheSameWhereMemoryComesSlowly) {
  static int64_t now;
  Text text(6 * MM_PIECE, 'a');
  for (uint64_t at : {uint64_t{5}, 3 * MM_PIECE - 1, 5 * MM_PIECE + 77}) text.replace(at, 3, "xyz");
  Set set;
  set.Add('z');
  Needle needle("xyz"), absent("xyzz");
  const mm_sys usual = mm_os;
  for (int64_t step : {int64_t{1}, int64_t{1} << 40}) {
    if (step > 1) mm_os.clock = [] { return now += int64_t{1} << 40; };
    const uint8_t *data = Bytes(text);
    EXPECT_EQ(mm_find(*needle, data + 9, text.size() - 9, nullptr),
              static_cast<int64_t>(3 * MM_PIECE - 10));
    EXPECT_EQ(mm_rfind(*needle, data, 5 * MM_PIECE, nullptr),
              static_cast<int64_t>(3 * MM_PIECE - 1));
    EXPECT_EQ(mm_count(*needle, data, text.size(), nullptr), 3);
    EXPECT_EQ(mm_find(*absent, data, text.size(), nullptr), kNone);
    EXPECT_EQ(mm_count_set(set.bits, data, text.size(), nullptr), 3);
    EXPECT_EQ(mm_find_set(set.bits, data + 9, text.size() - 9, nullptr),
              static_cast<int64_t>(3 * MM_PIECE - 8));
    EXPECT_EQ(mm_rfind_set(set.bits, data, 5 * MM_PIECE, nullptr),
              static_cast<int64_t>(3 * MM_PIECE + 1));
  }
  mm_os = usual;
}

TEST_P(FindEverywhere, GoesOnWhenNotStopped) {
  Text text(5 * MM_PIECE, 'a');
  text.replace(text.size() - 3, 3, "xyz");
  Needle needle("xyz");
  Patience patience;
  patience.allowed = 100;
  EXPECT_EQ(mm_find(*needle, Bytes(text), text.size(), &patience.watch),
            static_cast<int64_t>(text.size() - 3));
  EXPECT_GE(patience.questions, 4u);
  EXPECT_TRUE(patience.ordered);
  EXPECT_LE(patience.last, text.size());
}

// Also where only the linear algorithm helps, and where a single comparison is long.
TEST_P(FindEverywhere, StopsInHardWork) {
  const size_t size = 12 * MM_PIECE;
  Text part = Text(40, 'a') + "b";
  Text text = Repeat(part, size);
  for (size_t length : {size_t{400}, size_t{4} << 20, size_t{20} << 20}) {
    Text needle = Repeat(part, length) + "aa" + Repeat(part, length);
    for (uint64_t allowed : {0, 1, 2}) {
      Patience find, rfind, count;
      find.allowed = rfind.allowed = count.allowed = allowed;
      Needle ready(needle);
      EXPECT_EQ(mm_find(*ready, Bytes(text), size, &find.watch), MM_FIND_STOPPED);
      EXPECT_EQ(mm_rfind(*ready, Bytes(text), size, &rfind.watch), MM_FIND_STOPPED);
      EXPECT_EQ(mm_count(*ready, Bytes(text), size, &count.watch), MM_FIND_STOPPED);
      EXPECT_EQ(find.questions, allowed + 1);
      EXPECT_EQ(rfind.questions, allowed + 1);
      EXPECT_EQ(count.questions, allowed + 1);
    }
  }
}

TEST_P(FindEverywhere, StopsWhileItCountsARun) {
  Text text(12 * MM_PIECE, 'a');
  Needle needle(Text(1000, 'a'));
  Patience patience;
  patience.allowed = 3;
  EXPECT_EQ(mm_count(*needle, Bytes(text), text.size(), &patience.watch), MM_FIND_STOPPED);
  EXPECT_LE(patience.last, 5 * MM_PIECE);
}

} // namespace
