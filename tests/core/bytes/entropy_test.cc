// Entropy and longest runs against their definitions.

#include <cmath>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/entropy.h"
}

namespace {

using std::string;

double Defined(const uint64_t counts[256]) {
  double all = 0, sum = 0;
  for (int b = 0; b < 256; b++) all += static_cast<double>(counts[b]);
  for (int b = 0; b < 256; b++) {
    double p = static_cast<double>(counts[b]) / all;
    if (p > 0) sum -= p * std::log2(p);
  }
  return sum;
}

TEST(Entropy, IsShannons) {
  std::mt19937_64 random(1);
  for (int round = 0; round < 2000; round++) {
    uint64_t counts[256] = {0};
    int kinds = 1 + static_cast<int>(random() % 256);
    for (int b = 0; b < kinds; b++) counts[b] = random() >> (8 + random() % 56);
    counts[0]++;
    EXPECT_NEAR(mm_entropy(counts), Defined(counts), 1e-12);
  }
}

TEST(Entropy, OfTheExtremes) {
  uint64_t none[256] = {0}, one[256] = {0}, all[256];
  one[7] = uint64_t{1} << 62;
  for (uint64_t &count : all) count = 123456789;
  EXPECT_EQ(mm_entropy(none), 0);
  EXPECT_EQ(mm_entropy(one), 0);
  EXPECT_NEAR(mm_entropy(all), 8, 1e-14);
}

size_t CountedRun(const string &data) {
  size_t longest = 0, run = 0;
  for (size_t i = 0; i < data.size(); i++) {
    run = i > 0 && data[i] == data[i - 1] ? run + 1 : 1;
    longest = std::max(longest, run);
  }
  return longest;
}

TEST(LongestRun, IsWhatCountingGives) {
  std::mt19937 random(2);
  for (int round = 0; round < 20000; round++) {
    string data;
    size_t size = random() % (round % 4 ? 60 : 400);
    unsigned kinds = round % 3 ? 2 : 20, rare = round % 5 ? 8 : 100;
    while (data.size() < size) {
      data.append(1 + random() % (random() % rare == 0 ? 20 : 3),
                  "abcdefghijklmnopqrst"[random() % kinds]);
    }
    // Nothing is read behind the end.
    std::vector<uint8_t> exact(data.begin(), data.end());
    uint64_t longest;
    ASSERT_EQ(mm_longest_run(exact.data(), exact.size(), nullptr, &longest), 0);
    ASSERT_EQ(longest, CountedRun(data)) << data;
  }
}

} // namespace
