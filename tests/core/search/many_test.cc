// Many needles at once against looking for each of them at each place.

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <cstring>
#include <random>
#include <string>
#include <tuple>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/search/many.h"
}

namespace {

using std::string;
using Found = std::tuple<uint64_t, uint64_t, size_t>;

class Many {
public:
  explicit Many(const std::vector<string> &needles) {
    std::vector<mm_bytes> bytes;
    for (const string &needle : needles) {
      bytes.push_back({reinterpret_cast<const uint8_t *>(needle.data()), needle.size()});
    }
    mm_error err;
    EXPECT_EQ(mm_many_compile(bytes.data(), bytes.size(), nullptr, &many_, &err), MM_OK);
  }
  ~Many() { mm_many_free(many_); }
  mm_many *operator*() { return many_; }

  std::vector<Found> All(const uint8_t *data, uint64_t size, uint64_t from = 0) {
    std::vector<Found> all;
    mm_many_scan scan = {};
    mm_many_found found;
    scan.next = from;
    while (mm_many_next(many_, &scan, data, size, nullptr, &found) == 1) {
      all.emplace_back(found.place, found.size, found.needle);
    }
    return all;
  }

private:
  mm_many *many_ = nullptr;
};

// Bytes that end where a page does that cannot be read.
class Guarded {
public:
  explicit Guarded(const string &bytes) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (bytes.size() / page + 2) * page;
    base_ = static_cast<uint8_t *>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    EXPECT_EQ(mprotect(base_ + size_ - page, page, PROT_NONE), 0);
    data_ = base_ + size_ - page - bytes.size();
    std::copy(bytes.begin(), bytes.end(), data_);
  }
  ~Guarded() { munmap(base_, size_); }
  const uint8_t *data() const { return data_; }

private:
  uint8_t *base_, *data_;
  size_t size_;
};

std::vector<Found> Looked(const std::vector<string> &needles, const string &data, size_t from = 0) {
  std::vector<Found> all;
  for (size_t at = from; at < data.size(); at++) {
    std::vector<Found> here;
    for (size_t i = 0; i < needles.size(); i++) {
      if (data.compare(at, needles[i].size(), needles[i]) == 0) {
        here.emplace_back(at, needles[i].size(), i);
      }
    }
    std::sort(here.begin(), here.end());
    all.insert(all.end(), here.begin(), here.end());
  }
  return all;
}

string Random(std::mt19937 &random, size_t size, unsigned kinds) {
  string text(size, '\0');
  for (char &c : text) c = static_cast<char>('a' + random() % kinds);
  return text;
}

TEST(Many, FindsWhatLookingFinds) {
  std::mt19937 random(1);
  for (int round = 0; round < 4000; round++) {
    unsigned kinds = round % 3 == 0 ? 2 : round % 3 == 1 ? 4 : 26;
    size_t least = 1 + random() % 12;
    std::vector<string> needles(random() % 30);
    for (string &needle : needles) needle = Random(random, least + random() % 6, kinds);
    string data = Random(random, random() % 300, kinds);
    for (int i = 0; i < 3 && !needles.empty() && !data.empty(); i++) { // so that some are there
      data.insert(random() % data.size(), needles[random() % needles.size()]);
    }
    size_t from = random() % (data.size() + 1);
    Guarded exact(data); // nothing outside of it is read
    Many many(needles);
    ASSERT_EQ(many.All(exact.data(), data.size(), from), Looked(needles, data, from)) << round;
  }
}

TEST(Many, OverlappingNestedAndEqualOnesByPlaceSizeAndOrder) {
  Many many({"bc", "abcd", "abc", "ab", "abc", "b"});
  const string data = "xabcd";
  EXPECT_EQ(many.All(reinterpret_cast<const uint8_t *>(data.data()), data.size()),
            (std::vector<Found>{{1, 2, 3}, {1, 3, 2}, {1, 3, 4}, {1, 4, 1}, {2, 1, 5}, {2, 2, 0}}));
  mm_bytes needle = mm_many_needle(*many, 4);
  EXPECT_EQ(string(needle.data, needle.data + needle.size), "abc");
}

TEST(Many, NoneAreNowhere) {
  Many many({});
  EXPECT_TRUE(many.All(reinterpret_cast<const uint8_t *>("abc"), 3).empty());
}

// Many that begin alike, and one within the other: each place costs what the longest does, not all.
TEST(Many, ManyThatBeginAlike) {
  std::vector<string> needles;
  for (size_t i = 1; i <= 500; i++) needles.push_back(string(i, 'a'));
  for (int i = 0; i < 20000; i++) needles.push_back("aaaaaaaa" + std::to_string(i));
  string data = string(600, 'a') + "12";
  Many many(needles);
  EXPECT_EQ(many.All(reinterpret_cast<const uint8_t *>(data.data()), data.size()).size(),
            Looked(needles, data).size());
}

// Sorted in stretches that are merged: of so many needles each is found, and each but once.
TEST(Many, TensOfThousandsAreAllFound) {
  std::mt19937 random(4);
  std::vector<string> needles;
  string data;
  for (int i = 0; i < 40000; i++) {
    needles.push_back(std::to_string(random() % 30000) + ";");
    data += needles.back();
  }
  std::vector<Found> all =
      Many(needles).All(reinterpret_cast<const uint8_t *>(data.data()), data.size());
  std::vector<bool> found(needles.size());
  for (const auto &[place, size, needle] : all) {
    ASSERT_EQ(data.compare(place, size, needles[needle]), 0);
    found[needle] = true;
  }
  EXPECT_EQ(std::count(found.begin(), found.end(), true), 40000);
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
}

TEST(Many, ToMakeThemReadyAsksWhetherToGoOn) {
  std::vector<string> needles;
  for (int i = 0; i < 200000; i++) needles.push_back(std::to_string(i));
  std::vector<mm_bytes> bytes;
  for (const string &needle : needles) {
    bytes.push_back({reinterpret_cast<const uint8_t *>(needle.data()), needle.size()});
  }
  int all = 0;
  for (int left = 1 << 20; left > 0; left = left > all ? all : left / 2) {
    int asked = left;
    mm_watch watch = {[](void *n, uint64_t) { return int{--*static_cast<int *>(n) == 0}; }, &asked};
    mm_many *many = nullptr;
    mm_error err;
    int rc = mm_many_compile(bytes.data(), bytes.size(), &watch, &many, &err);
    if (all == 0) {
      all = left - asked;
      EXPECT_GT(all, 20);
    }
    EXPECT_EQ(rc, asked == 0 ? MM_INTERRUPT : MM_OK) << left;
    mm_many_free(many);
  }
}

TEST(Many, LongNeedles) {
  std::mt19937 random(2);
  std::vector<string> needles;
  for (int i = 0; i < 20; i++) needles.push_back(Random(random, 100 + random() % 400, 2));
  string data;
  for (int i = 0; i < 50; i++) {
    data += needles[random() % needles.size()].substr(random() % 3) + Random(random, 9, 2);
  }
  Many many(needles);
  EXPECT_EQ(many.All(reinterpret_cast<const uint8_t *>(data.data()), data.size()),
            Looked(needles, data));
}

// Long needles that are nearly everywhere, or really, in texts that repeat themselves.
TEST(Many, LongNeedlesInTextsThatRepeatThemselves) {
  std::mt19937 random(3);
  for (int round = 0; round < 20; round++) {
    string part = Random(random, 1 + random() % 5, 2), data;
    while (data.size() < 20000) data += part;
    for (int i = 0; i < 5; i++) data[random() % data.size()] = 'c';
    std::vector<string> needles;
    for (int i = 0; i < 12; i++) {
      needles.push_back(data.substr(random() % 9999, 1 + random() % (i % 2 ? 9000 : 600)));
      if (i % 3 == 0) needles.back().back() = 'c';
    }
    needles.push_back(needles[0]);
    Many many(needles);
    for (size_t from : {size_t{0}, random() % data.size()}) {
      ASSERT_EQ(many.All(reinterpret_cast<const uint8_t *>(data.data()), data.size(), from),
                Looked(needles, data, from))
          << round;
    }
  }
}

TEST(Many, LongNeedlesTakeLinearTime) {
  string x(300000, 'x'), data = x + "z" + x + x;
  Many many({x, x.substr(1) + "z", x + "y", "x" + x + "y"});
  clock_t before = clock();
  EXPECT_EQ(many.All(reinterpret_cast<const uint8_t *>(data.data()), data.size()).size(),
            300001u + 1 + 1);
  EXPECT_LT(clock() - before, CLOCKS_PER_SEC);
}

TEST(Many, ALongScanAsksWhetherToGoOn) {
  string data(static_cast<size_t>(20) << 20, '.');
  Many many({"needle", "other"});
  int asked = 0;
  mm_watch watch = {
      [](void *context, uint64_t) -> int { return ++*static_cast<int *>(context) > 2; }, &asked};
  mm_many_scan scan = {};
  mm_many_found found;
  EXPECT_EQ(mm_many_next(*many, &scan, reinterpret_cast<const uint8_t *>(data.data()), data.size(),
                         &watch, &found),
            MM_FIND_STOPPED);
  EXPECT_EQ(asked, 3);
}

} // namespace
