// Several literals at once, beside a loop over all places and all of them: by each kernel, at each
// alignment, up to bytes that cannot be read.
extern "C" {
#include "core/search/heads.h"
}

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstring>
#include <random>
#include <string>
#include <vector>

namespace {

using Text = std::string;

std::vector<std::string> UsablePaths() {
  std::vector<std::string> usable;
  for (const char *path : {"portable", "avx2", "avx512", "avx512+avx2", "neon"}) {
    if (mm_find_use(path)) usable.push_back(path);
  }
  mm_find_use(nullptr);
  return usable;
}

class Heads : public testing::TestWithParam<std::string> {
protected:
  void SetUp() override { ASSERT_TRUE(mm_find_use(GetParam().c_str())); }
  void TearDown() override { mm_find_use(nullptr); }
};

INSTANTIATE_TEST_SUITE_P(Paths, Heads, testing::ValuesIn(UsablePaths()), [](const auto &info) {
  std::string name = info.param;
  std::replace(name.begin(), name.end(), '+', '_');
  return name;
});

// Some pages between two that cannot be read; the text ends where the last of them does.
class Guarded {
public:
  explicit Guarded(const Text &text) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (text.size() / page + 3) * page;
    base_ = static_cast<uint8_t *>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + size_ - page, page, PROT_NONE);
    data = base_ + size_ - page - text.size();
    std::memcpy(base_ + size_ - page - text.size(), text.data(), text.size());
  }
  ~Guarded() { munmap(base_, size_); }
  Guarded(const Guarded &) = delete;
  const uint8_t *data;

private:
  uint8_t *base_;
  size_t size_;
};

mm_head Literal(const Text &text, bool caseless = false) {
  mm_head head = {};
  head.size = static_cast<unsigned>(text.size());
  for (size_t i = 0; i < text.size(); i++) {
    bool folds = caseless && isalpha(static_cast<unsigned char>(text[i]));
    head.mask[i] = text[i] == '.' ? 0 : folds ? 0xdf : 0xff;
    head.value[i] = static_cast<uint8_t>(text[i]) & head.mask[i];
  }
  return head;
}

bool IsAt(const mm_head &head, const Text &text, size_t at) {
  if (head.size > text.size() - at) return false;
  for (size_t i = 0; i < head.size; i++) {
    if ((static_cast<uint8_t>(text[at + i]) & head.mask[i]) != head.value[i]) return false;
  }
  return true;
}

// "place:literal" of each place.
Text Slowly(const std::vector<mm_head> &literals, const Text &text, size_t from) {
  Text all;
  for (size_t at = from; at < text.size(); at++) {
    for (size_t i = 0; i < literals.size(); i++) {
      if (!IsAt(literals[i], text, at)) continue;
      all += std::to_string(at) + ":" + std::to_string(i) + " ";
      break;
    }
  }
  return all;
}

Text Found(const std::vector<mm_head> &literals, const Text &text, size_t from) {
  static mm_heads heads;
  Guarded memory(text);
  mm_heads_scan scan = {};
  unsigned literal = 0;
  Text all;
  scan.next = from;
  mm_heads_prepare(&heads, literals.data(), static_cast<unsigned>(literals.size()));
  for (;;) {
    int64_t at = mm_heads_find(&heads, &scan, memory.data, text.size(), nullptr, &literal);
    if (at < 0) break;
    all += std::to_string(at) + ":" + std::to_string(literal) + " ";
  }
  return all;
}

void Compare(const std::vector<mm_head> &literals, const Text &text, size_t from = 0) {
  ASSERT_EQ(Found(literals, text, from), Slowly(literals, text, from))
      << literals.size() << " literals from " << from << " in " << text.substr(0, 400);
}

TEST_P(Heads, FindsALiteralWhereverItStands) {
  std::vector<mm_head> literals = {Literal("error"), Literal("warning"), Literal("in"),
                                   Literal("x")};
  for (const char *word : {"error", "warning", "in", "x"}) {
    for (size_t size = 0; size < 200; size += size < 140 ? 1 : 7) {
      for (size_t at = 0; at + strlen(word) <= size; at += 1 + size / 20) {
        Text text(size, '.');
        text.replace(at, strlen(word), word);
        Compare(literals, text);
        Compare(literals, text.substr(0, at + strlen(word) - 1)); // it is cut off
      }
    }
  }
}

TEST_P(Heads, TellsTheFirstOfThoseThatAreThere) {
  Text text = "abcdefabcab a ABCDE xabcdefg";
  Compare({Literal("ab"), Literal("abc"), Literal("abcdef")}, text);
  Compare({Literal("abcdef"), Literal("abc"), Literal("ab")}, text);
  Compare({Literal("a"), Literal("bc"), Literal("cde"), Literal("b")}, text);
  Compare({Literal("abc", true), Literal("abc")}, text);
  Compare({Literal("abc"), Literal("abc")}, text);
  Compare({Literal("b.d"), Literal("c...a"), Literal("g")}, text);
}

TEST_P(Heads, FindsOverlappingOnes) {
  Compare({Literal("aa"), Literal("aaaa"), Literal("aaab")}, Text(100, 'a') + "b" + Text(70, 'a'));
}

TEST_P(Heads, AgreesOnRandomWords) {
  std::mt19937 random(5);
  auto below = [&](size_t n) { return static_cast<size_t>(random() % n); };
  for (int round = 0; round < 3000; round++) {
    Text alphabet = below(3) ? "abAB" : Text("aA\xe1\xc1\0z", 6);
    auto word = [&](size_t size) {
      Text text;
      while (text.size() < size) text += alphabet[below(alphabet.size())];
      return text;
    };
    std::vector<mm_head> literals;
    for (size_t n = 1 + below(below(4) ? 5 : MM_HEADS_MOST); n > 0; n--) {
      Text literal = word(1 + below(below(5) ? 6 : MM_HEADS_LENGTH));
      if (literal.size() > 1 && below(4) == 0) literal[1] = '.';
      literals.push_back(Literal(literal, below(2)));
    }
    Text text = word(below(below(4) ? 90 : 700));
    if (below(3) == 0) text.insert(below(text.size() + 1), Text(below(300), 'q'));
    ASSERT_NO_FATAL_FAILURE(Compare(literals, text, below(4) ? 0 : below(text.size() + 1)));
  }
}

TEST_P(Heads, ManyOfThemShareBuckets) {
  std::mt19937 random(6);
  std::vector<mm_head> literals;
  Text text;
  for (int i = 0; i < MM_HEADS_MOST; i++) {
    Text word;
    for (int k = 0; k < 3 + i % 9; k++) word += static_cast<char>(random() % 256);
    literals.push_back(Literal(word, i % 2));
    for (int k = 0; k < 40; k++) text += static_cast<char>(random() % 256);
    text += word;
  }
  Compare(literals, text);
}

TEST_P(Heads, SkipsPlaces) {
  std::vector<mm_head> literals = {Literal("ab"), Literal("b")};
  Text text;
  for (int i = 0; i < 100; i++) text += "ab.";
  mm_heads heads;
  mm_heads_prepare(&heads, literals.data(), 2);
  for (size_t first : {0, 30, 63, 64, 65, 200}) {
    for (size_t from = first; from <= text.size(); from += 7) {
      mm_heads_scan scan = {};
      unsigned literal;
      auto find = [&] {
        return mm_heads_find(&heads, &scan, reinterpret_cast<const uint8_t *>(text.data()),
                             text.size(), nullptr, &literal);
      };
      scan.next = first;
      int64_t found = find();
      if (found > static_cast<int64_t>(from)) continue;
      ASSERT_GE(found, 0);
      mm_heads_skip(&scan, from + 1);
      Text rest = Slowly(literals, text, from + 1);
      int64_t want = rest.empty() ? MM_FIND_NONE : std::stoi(rest);
      ASSERT_EQ(find(), want) << first << " and then from " << from + 1;
    }
  }
}

TEST_P(Heads, StopsWhenAsked) {
  Text text(3 * MM_PIECE, 'a');
  std::vector<mm_head> literals = {Literal("xyz"), Literal("aaab")};
  mm_heads heads;
  mm_heads_prepare(&heads, literals.data(), 2);
  int questions = 0;
  auto stop = [](void *context, uint64_t) { return ++*static_cast<int *>(context) >= 2 ? 1 : 0; };
  mm_watch watch = {stop, &questions};
  mm_heads_scan scan = {};
  unsigned literal;
  EXPECT_EQ(mm_heads_find(&heads, &scan, reinterpret_cast<const uint8_t *>(text.data()),
                          text.size(), &watch, &literal),
            MM_FIND_STOPPED);
  EXPECT_EQ(questions, 2);
}

} // namespace
