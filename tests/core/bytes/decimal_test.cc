extern "C" {
#include "core/bytes/decimal.h"
}

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <string>

#include "tests/support/rounds.h"

namespace {

bool Double(const std::string &text, double *out) {
  return mm_text_double(reinterpret_cast<const uint8_t *>(text.data()), text.size(), out);
}

// Digits with a point among them, short ones and long ones: strtod has rounded them right.
TEST(Decimal, ADoubleIsTheNearestOne) {
  std::mt19937_64 random(9);
  for (int i = 0; i < mm_test::Rounds(100000) && !HasFailure(); i++) {
    std::string text = random() % 3 ? "" : random() % 2 ? "-" : "+";
    size_t digits = 1 + random() % 18, point = random() % (digits + 2);
    for (size_t k = 0; k < digits; k++) {
      if (k == point) text += '.';
      text += static_cast<char>('0' + random() % 10);
    }
    if (point == digits) text += '.';
    double ours = 1, libc = strtod(text.c_str(), nullptr);
    ASSERT_TRUE(Double(text, &ours)) << text;
    EXPECT_EQ(std::memcmp(&ours, &libc, sizeof ours), 0) << text;
  }
}

TEST(Decimal, WhatIsNoNumberIsNone) {
  double out;
  for (const char *text :
       {"", "+", ".", "-.", "1..2", "1.2.3", "1 ", " 1", "1e", "0x1", "1,5", "--1"}) {
    EXPECT_FALSE(Double(text, &out)) << text;
  }
}

} // namespace
