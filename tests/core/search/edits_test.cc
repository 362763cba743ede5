// What makes one file of another: played back it gives the other, and edits that were made are found.

#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/counting.h"

extern "C" {
#include "core/common/mem.h"
#include "core/search/edits.h"
}

namespace {

using std::string;

std::vector<mm_edit> Edits(const string &a, const string &b) {
  mm_edit *runs = nullptr;
  size_t count = 0;
  mm_error err;
  EXPECT_EQ(mm_edits_find(reinterpret_cast<const uint8_t *>(a.data()), a.size(),
                          reinterpret_cast<const uint8_t *>(b.data()), b.size(), nullptr, &runs,
                          &count, &err),
            MM_OK);
  std::vector<mm_edit> all(runs, runs + count);
  mm_free(runs);
  return all;
}

// In order, without a gap, of the kinds that they say, no two of a kind that could be one.
void Check(const string &a, const string &b, const std::vector<mm_edit> &runs) {
  uint64_t at_a = 0, at_b = 0;
  int last = -1;
  for (const mm_edit &run : runs) {
    ASSERT_EQ(run.a_offset, at_a);
    ASSERT_EQ(run.b_offset, at_b);
    at_a += run.a_size;
    at_b += run.b_size;
    bool equal = run.kind == MM_EDIT_EQUAL;
    ASSERT_TRUE(equal != (last == MM_EDIT_EQUAL) || last < 0) << "runs take turns";
    last = run.kind;
    if (equal) {
      ASSERT_EQ(run.a_size, run.b_size);
      ASSERT_EQ(a.compare(run.a_offset, run.a_size, b, run.b_offset, run.b_size), 0);
    } else {
      ASSERT_EQ(run.kind == MM_EDIT_INSERT, run.a_size == 0);
      ASSERT_EQ(run.kind == MM_EDIT_DELETE, run.b_size == 0);
    }
  }
  ASSERT_EQ(at_a, a.size());
  ASSERT_EQ(at_b, b.size());
}

string Random(std::mt19937 &random, size_t size, unsigned kinds) {
  string text(size, '\0');
  for (char &c : text) c = static_cast<char>(random() % kinds);
  return text;
}

uint64_t Changed(const std::vector<mm_edit> &runs) {
  uint64_t bytes = 0;
  for (const mm_edit &run : runs) {
    if (run.kind != MM_EDIT_EQUAL) bytes += std::max(run.a_size, run.b_size);
  }
  return bytes;
}

TEST(Edits, OfTheSameAndOfNothing) {
  EXPECT_TRUE(Edits("", "").empty());
  for (const auto &[a, b] : {std::pair<string, string>{"abc", "abc"}, {"abc", ""}, {"", "abc"}}) {
    auto runs = Edits(a, b);
    ASSERT_EQ(runs.size(), 1u);
    Check(a, b, runs);
  }
}

TEST(Edits, ShowWhatWasDone) {
  std::mt19937 random(1);
  string a = Random(random, 20000, 256), b = a;
  b.insert(15000, "inserted");
  b.erase(9000, 700);
  b.replace(3000, 5, "fives");
  auto runs = Edits(a, b);
  Check(a, b, runs);
  std::vector<int> kinds;
  for (const mm_edit &run : runs) kinds.push_back(run.kind);
  EXPECT_EQ(kinds, (std::vector<int>{MM_EDIT_EQUAL, MM_EDIT_REPLACE, MM_EDIT_EQUAL, MM_EDIT_DELETE,
                                     MM_EDIT_EQUAL, MM_EDIT_INSERT, MM_EDIT_EQUAL}));
  EXPECT_EQ(runs[1].a_offset, 3000u);
  EXPECT_EQ(runs[3].a_size, 700u);
  EXPECT_EQ(runs[5].b_size, 8u);
}

// Whatever the files are, what comes out makes b of a.
TEST(Edits, AlwaysMakeTheOther) {
  std::mt19937 random(2);
  for (int round = 0; round < 3000; round++) {
    unsigned kinds = round % 4 == 0 ? 1 : round % 4 == 1 ? 2 : round % 4 == 2 ? 10 : 256;
    string a = Random(random, random() % (round % 50 == 0 ? 50000 : 600), kinds), b = a;
    for (unsigned i = random() % 8; i > 0; i--) {
      size_t at = b.empty() ? 0 : random() % b.size();
      switch (random() % 5) {
        case 0:
          b.insert(at, Random(random, random() % 60, kinds));
          break;
        case 1:
          b.erase(at, random() % 60);
          break;
        case 2:
          b.replace(at, random() % 20, Random(random, random() % 20, kinds));
          break;
        case 3: // something of it comes to lie elsewhere
          b.insert(at, b.substr(b.empty() ? 0 : random() % b.size(), 100));
          break;
        case 4:
          if (random() % 10 == 0) b = Random(random, random() % 600, kinds);
          break;
      }
    }
    Check(a, b, Edits(a, b));
    if (HasFatalFailure()) return;
  }
}

// About as many bytes as were changed are said to be.
TEST(Edits, AreFewWhereFewWereMade) {
  std::mt19937 random(3);
  string a = Random(random, 4 << 20, 256), b = a;
  uint64_t made = 0;
  for (int i = 0; i < 200; i++) {
    size_t at = random() % b.size(), size = 1 + random() % 50;
    if (i % 3 == 0) b.insert(at, Random(random, size, 256));
    if (i % 3 == 1) b.erase(at, size);
    if (i % 3 == 2) b.replace(at, size, Random(random, size, 256));
    made += size;
  }
  auto runs = Edits(a, b);
  Check(a, b, runs);
  EXPECT_LE(Changed(runs), made * 2);
  EXPECT_LE(runs.size(), 200u * 6);
}

// Long runs of one byte have no window that is their own, and a window of them must not lead astray.
TEST(Edits, AcrossLongRunsOfOneByte) {
  std::mt19937 random(4);
  string a, b;
  for (int i = 0; i < 40; i++) {
    string part = Random(random, 5000, 256), zeros(3000 + random() % 20000, '\0');
    a += part + zeros;
    b += (i % 5 == 2 ? Random(random, 300, 256) : "") + part + zeros + (i % 7 == 3 ? "x" : "");
  }
  auto runs = Edits(a, b);
  Check(a, b, runs);
  EXPECT_LE(Changed(runs), 60000u);
}

// Of bytes that repeat themselves after three, a third may be windows that are known.
TEST(Edits, TakeNoMoreMemoryWhereBytesRepeatThemselves) {
  for (int kind = 6; kind < 10; kind++) { // of 8 it is so
    const char pattern[] = {0, static_cast<char>(kind), static_cast<char>(17 * kind)};
    string repeated;
    for (int i = 0; i < 5 << 20; i++) repeated.append(pattern, sizeof pattern);
    string a = "head" + repeated, b = "another" + repeated;
    mm_test::Counting::Use();
    auto runs = Edits(a, b);
    mm_mem_use(nullptr);
    EXPECT_LE(mm_test::Counting::peak, uint64_t{64} << 20) << kind;
    Check(a, b, runs);
    EXPECT_EQ(Changed(runs), 7u) << kind;
  }
}

TEST(Edits, AskWhetherToGoOn) {
  string a(static_cast<size_t>(20) << 20, 'a');
  mm_watch watch = {[](void *, uint64_t) -> int { return MM_INTERRUPT; }, nullptr};
  mm_edit *runs = nullptr;
  size_t count;
  mm_error err;
  const auto *data = reinterpret_cast<const uint8_t *>(a.data());
  EXPECT_EQ(mm_edits_find(data, a.size(), data, a.size(), &watch, &runs, &count, &err),
            MM_INTERRUPT);
  mm_free(runs);
}

} // namespace
