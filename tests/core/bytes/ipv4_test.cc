extern "C" {
#include "core/bytes/ipv4.h"
}

#include <gtest/gtest.h>

#include <string>

namespace {

const uint8_t *Bytes(const std::string &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

// The address in decimal, or "no".
std::string Parse(const std::string &text) {
  uint32_t address;
  return mm_ipv4_parse(Bytes(text), text.size(), &address) ? std::to_string(address) : "no";
}

int Compare(const std::string &a, const std::string &b) {
  return mm_ipv4_compare(Bytes(a), a.size(), Bytes(b), b.size());
}

TEST(Ipv4, ReadsFourNumbers) {
  EXPECT_EQ(Parse("0.0.0.0"), "0");
  EXPECT_EQ(Parse("8.8.4.4"), "134743044");
  EXPECT_EQ(Parse("255.255.255.255"), "4294967295");
}

TEST(Ipv4, TakesNothingElse) {
  for (const char *text : {"", "1", "1.2.3", "1.2.3.", "1.2.3.4.", "1.2.3.4.5", "256.0.0.0",
                           "1.2.3.04", "00.1.2.3", "1.2.3.1000", " 1.2.3.4", "1.2.3.4 ", "1..2.3",
                           "-1.2.3.4", "a.b.c.d", "1.2.3.4/8", "::1"}) {
    EXPECT_EQ(Parse(text), "no") << text;
  }
}

TEST(Ipv4, OrdersAddressesByValueBehindAllElse) {
  EXPECT_LT(Compare("9.0.0.0", "10.0.0.0"), 0);
  EXPECT_GT(Compare("10.0.0.10", "10.0.0.9"), 0);
  EXPECT_EQ(Compare("1.1.1.1", "1.1.1.1"), 0);
  EXPECT_LT(Compare("unknown", "0.0.0.0"), 0);
  EXPECT_GT(Compare("0.0.0.0", ""), 0);
  EXPECT_LT(Compare("a", "b"), 0);
}

} // namespace
