// Occurrences one after the other, beside a look at each place.

#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/search/occur.h"
}

namespace {

using std::string;

const uint8_t *Bytes(const string &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

// All of them; after each one the next `jump` places are left out.
std::vector<int64_t> Found(const string &text, const string &needle, uint64_t jump) {
  std::vector<int64_t> places;
  mm_occur scan = {};
  mm_needle prepared;
  mm_needle_prepare(&prepared, Bytes(needle), needle.size());
  for (int64_t at = 0;;) {
    if (!mm_occur_take(&scan, &at))
      at = mm_occur_search(&scan, &prepared, Bytes(text), text.size(), nullptr);
    if (at < 0) return places;
    if (!places.empty() && at <= places.back() + static_cast<int64_t>(jump)) continue;
    places.push_back(at);
    if (scan.next < static_cast<uint64_t>(at) + 1 + jump)
      scan.next = static_cast<uint64_t>(at) + 1 + jump;
  }
}

std::vector<int64_t> Looked(const string &text, const string &needle, uint64_t jump) {
  std::vector<int64_t> places;
  for (size_t at = text.find(needle); at != string::npos; at = text.find(needle, at + 1 + jump))
    places.push_back(static_cast<int64_t>(at));
  return places;
}

// Texts that repeat themselves, with a fault here and there.
string Repeating(std::mt19937 &random, size_t size) {
  string part, text;
  for (size_t n = 1 + random() % (random() % 3 ? 4 : 400); n > 0; n--) part += "ab"[random() % 2];
  while (text.size() < size) text += part;
  for (size_t n = random() % 4; n > 0; n--) text[random() % text.size()] = "abc"[random() % 3];
  return text;
}

TEST(Occur, FindsWhatLookingFinds) {
  std::mt19937 random(1);
  for (int round = 0; round < 4000; round++) {
    string text = Repeating(random, 1 + random() % 3000);
    if (random() % 2) text += Repeating(random, 1 + random() % 1000);
    size_t from = random() % text.size(), size = 1 + random() % (random() % 3 ? 900 : 10);
    string needle = text.substr(from, size);
    for (uint64_t jump : {uint64_t{0}, uint64_t{1}, uint64_t{7}, uint64_t{needle.size() - 1}}) {
      ASSERT_EQ(Found(text, needle, jump), Looked(text, needle, jump))
          << text << " " << needle << " " << jump;
    }
  }
}

// A long needle that lies over itself at every place is not compared at each of them.
TEST(Occur, LongNeedlesTakeLinearTime) {
  string text(600000, 'x'), needle(300000, 'x');
  clock_t before = clock();
  EXPECT_EQ(Found(text, needle, 0).size(), 300001u);
  EXPECT_LT(clock() - before, CLOCKS_PER_SEC);
}

// The text may change at any time, by others: what is no longer there is told for the length of the
// needle at most.
TEST(Occur, ALongNeedleThatIsGoneIsNotFoundForLong) {
  string text(600000, 'x'), needle(1000, 'x');
  mm_occur scan = {};
  mm_needle prepared;
  mm_needle_prepare(&prepared, Bytes(needle), needle.size());
  int64_t last = 0;
  for (int i = 0; i < 5000; i++)
    last = mm_occur_search(&scan, &prepared, Bytes(text), text.size(), nullptr);
  EXPECT_EQ(last, 4999);
  text.assign(text.size(), 'y');
  int more = 0;
  while (more < 100000 && mm_occur_search(&scan, &prepared, Bytes(text), text.size(), nullptr) >= 0)
    more++;
  EXPECT_LT(more, 1000);
}

} // namespace
