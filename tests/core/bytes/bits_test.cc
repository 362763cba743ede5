// Fields of bits against a string of 0 and 1.

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/bits.h"
}

namespace {

using std::string;

// The bits of a run in the order in which it is counted.
string Drawn(const std::vector<uint8_t> &bytes, bool lsb_first) {
  string bits;
  for (uint8_t byte : bytes) {
    for (int i = 0; i < 8; i++) bits += byte >> (lsb_first ? i : 7 - i) & 1 ? '1' : '0';
  }
  return bits;
}

uint64_t Value(const string &bits, bool lsb_first) {
  uint64_t value = 0;
  for (size_t i = 0; i < bits.size(); i++) {
    value = value << 1 | (bits[lsb_first ? bits.size() - 1 - i : i] == '1');
  }
  return value;
}

// Exactly so many bytes, so that a sanitizer sees one too many.
std::unique_ptr<uint8_t[]> Copy(const std::vector<uint8_t> &bytes) {
  std::unique_ptr<uint8_t[]> copy(new uint8_t[bytes.size()]);
  memcpy(copy.get(), bytes.data(), bytes.size());
  return copy;
}

std::vector<uint8_t> Random(std::mt19937_64 &random, uint64_t bits) {
  std::vector<uint8_t> bytes(mm_bits_bytes(bits));
  for (uint8_t &byte : bytes) byte = static_cast<uint8_t>(random());
  return bytes;
}

mm_type Type(const string &name) {
  mm_type type = {};
  mm_error err;
  EXPECT_EQ(mm_type_parse(name.data(), name.size(), MM_ALLOW_BITS, &type, &err), MM_OK) << name;
  return type;
}

TEST(Bits, AreThoseOfThePictureInTheHeader) {
  const uint8_t bytes[] = {0x45, 0xe2};
  EXPECT_EQ(mm_bits_get(bytes, 0, 4, false), 0x4u);
  EXPECT_EQ(mm_bits_get(bytes, 4, 12, false), 0x5e2u);
  EXPECT_EQ(mm_bits_get(bytes, 0, 4, true), 0x5u);
  EXPECT_EQ(mm_bits_get(bytes, 4, 12, true), 0xe24u);
}

TEST(Bits, AreReadAtEveryPlaceAndWidth) {
  std::mt19937_64 random(1);
  for (unsigned width = 1; width <= 64; width++) {
    for (unsigned bit = 0; bit < 24; bit++) {
      for (bool lsb_first : {false, true}) {
        std::vector<uint8_t> bytes = Random(random, bit + width);
        auto exact = Copy(bytes);
        uint64_t expected = Value(Drawn(bytes, lsb_first).substr(bit, width), lsb_first);
        ASSERT_EQ(mm_bits_get(exact.get(), bit, width, lsb_first), expected)
            << width << " at " << bit;
      }
    }
  }
}

TEST(Bits, AreWrittenAndNoOthersWithThem) {
  std::mt19937_64 random(2);
  for (unsigned width = 1; width <= 64; width++) {
    for (unsigned bit = 0; bit < 24; bit++) {
      for (bool lsb_first : {false, true}) {
        std::vector<uint8_t> bytes = Random(random, bit + width);
        auto exact = Copy(bytes);
        uint64_t value = random();
        mm_bits_set(exact.get(), bit, width, lsb_first, value);
        string before = Drawn(bytes, lsb_first);
        string after =
            Drawn(std::vector<uint8_t>(exact.get(), exact.get() + bytes.size()), lsb_first);
        uint64_t low = width == 64 ? value : value & ((uint64_t{1} << width) - 1);
        ASSERT_EQ(Value(after.substr(bit, width), lsb_first), low) << width << " at " << bit;
        ASSERT_EQ(after.substr(0, bit), before.substr(0, bit));
        ASSERT_EQ(after.substr(bit + width), before.substr(bit + width));
      }
    }
  }
}

TEST(Bits, HaveNamesForEveryWidth) {
  for (unsigned width = 1; width <= 64; width++) {
    for (const string order : {"", "le"}) {
      string name = "b" + std::to_string(width) + order;
      char canonical[MM_TYPE_NAME];
      mm_type type = Type(name);
      mm_type_name(type, canonical);
      EXPECT_EQ(canonical, name);
      EXPECT_EQ(type.bits, width);
      EXPECT_EQ(type.big_endian, order.empty());
      EXPECT_FALSE(mm_type_is_fixed(type) || mm_type_is_variable(type) || mm_type_is_ordered(type));
    }
  }
}

TEST(Bits, TakeWhatFitsTheirWidth) {
  mm_error err;
  uint64_t bits = 0;
  for (unsigned width = 1; width < 64; width++) {
    mm_type type = Type("b" + std::to_string(width));
    int64_t high = static_cast<int64_t>((uint64_t{1} << width) - 1);
    mm_value value = {MM_VALUE_INTEGER, high, 0, nullptr, 0};
    EXPECT_EQ(mm_bits_encode(type, &value, &bits, &err), MM_OK);
    EXPECT_EQ(bits, static_cast<uint64_t>(high));
    value.integer = width == 63 ? -1 : high + 1;
    EXPECT_EQ(mm_bits_encode(type, &value, &bits, &err), MM_CONSTRAINT);
    value.integer = -1;
    EXPECT_EQ(mm_bits_encode(type, &value, &bits, &err), MM_CONSTRAINT);
  }
  mm_value value = {MM_VALUE_INTEGER, 8, 0, nullptr, 0};
  EXPECT_EQ(mm_bits_encode(Type("b3"), &value, &bits, &err), MM_CONSTRAINT);
  EXPECT_STREQ(err.text, "8 does not fit b3");
}

TEST(Bits, Of64AreThoseOfASignedInteger) {
  const uint8_t bytes[9] = {0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x80};
  EXPECT_EQ(mm_bits_decode(Type("b64"), bytes, 1), -1);
  EXPECT_EQ(mm_bits_decode(Type("b63"), bytes, 1), INT64_MAX);
  mm_error err;
  uint64_t bits = 0;
  mm_value value = {MM_VALUE_INTEGER, -2, 0, nullptr, 0};
  EXPECT_EQ(mm_bits_encode(Type("b64le"), &value, &bits, &err), MM_OK);
  EXPECT_EQ(bits, ~uint64_t{1});
}

} // namespace
