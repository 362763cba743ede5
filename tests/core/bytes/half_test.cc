// Floats of 16 bits against their definition.

#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/half.h"
#include "core/bytes/type.h"
}

namespace {

using std::string;

constexpr double kInf = std::numeric_limits<double>::infinity();

struct Format {
  const char *name;
  int kind;
  int exponent_bits, fraction_bits, bias;
};

const Format kFormats[] = {{"f16", MM_HALF_F16, 5, 10, 15}, {"bf16", MM_HALF_BF16, 8, 7, 127}};

// IEEE 754, 3.4: (-1)^s * 2^(e - bias) * 1.fraction, and so on.
double Defined(const Format &f, unsigned bits) {
  int exponent = static_cast<int>(bits >> f.fraction_bits) & ((1 << f.exponent_bits) - 1);
  int fraction = static_cast<int>(bits) & ((1 << f.fraction_bits) - 1);
  double sign = bits & 0x8000 ? -1.0 : 1.0;
  double part = std::ldexp(fraction, -f.fraction_bits);
  if (exponent == (1 << f.exponent_bits) - 1) return fraction ? std::nan("") : sign * kInf;
  if (exponent == 0) return sign * std::ldexp(part, 1 - f.bias);
  return sign * std::ldexp(1 + part, exponent - f.bias);
}

unsigned Infinity(const Format &f) {
  return static_cast<unsigned>((1 << f.exponent_bits) - 1) << f.fraction_bits;
}

bool Encode(const string &name, mm_value value, uint8_t out[2]) {
  mm_type type;
  mm_error err;
  EXPECT_EQ(mm_type_parse(name.data(), name.size(), 0, &type, &err), MM_OK);
  return mm_type_encode(type, &value, out, &err) == MM_OK;
}

// As bits, -1 where it does not fit.
int Stored(const Format &f, const string &text) {
  uint8_t out[2];
  mm_value value = {MM_VALUE_TEXT, 0, 0, reinterpret_cast<const uint8_t *>(text.data()),
                    text.size()};
  return Encode(f.name + string("be"), value, out) ? out[0] << 8 | out[1] : -1;
}
int Stored(const Format &f, double real) {
  uint8_t out[2];
  return Encode(f.name + string("le"), {MM_VALUE_REAL, 0, real, nullptr, 0}, out)
             ? out[1] << 8 | out[0]
             : -1;
}
int Stored(const Format &f, int64_t integer) {
  uint8_t out[2];
  return Encode(f.name + string("be"), {MM_VALUE_INTEGER, integer, 0, nullptr, 0}, out)
             ? out[0] << 8 | out[1]
             : -1;
}

TEST(Half, HasTheValueOfItsDefinition) {
  for (const Format &f : kFormats) {
    for (unsigned bits = 0; bits < 0x10000; bits++) {
      double value = mm_half_value(f.kind, static_cast<uint16_t>(bits));
      double defined = Defined(f, bits);
      if (std::isnan(defined)) {
        ASSERT_TRUE(std::isnan(value)) << f.name << " " << bits;
      } else {
        ASSERT_EQ(memcmp(&value, &defined, sizeof value), 0) << f.name << " " << bits;
      }
    }
  }
}

TEST(Half, ComesBackWhole) {
  for (const Format &f : kFormats) {
    for (unsigned bits = 0; bits < 0x10000; bits++) {
      double value = Defined(f, bits);
      uint16_t again = 0;
      ASSERT_EQ(mm_half_round(f.kind, value, &again), !std::isnan(value));
      if (!std::isnan(value)) ASSERT_EQ(again, bits) << f.name;
    }
  }
}

// Between each two neighbours: what is nearer to which, and the middle to the even one.
TEST(Half, IsRoundedToNearestAndToEven) {
  for (const Format &f : kFormats) {
    for (unsigned bits = 0; bits + 1 <= Infinity(f); bits++) {
      double low = Defined(f, bits);
      // What would follow the largest one.
      double high = bits + 1 == Infinity(f) ? std::ldexp(1.0, (1 << f.exponent_bits) - 1 - f.bias)
                                            : Defined(f, bits + 1);
      double middle = low + (high - low) / 2;
      int below = static_cast<int>(bits), above = static_cast<int>(bits + 1);
      if (bits + 1 == Infinity(f)) above = -1;
      ASSERT_EQ(Stored(f, std::nextafter(middle, 0.0)), below) << f.name;
      ASSERT_EQ(Stored(f, middle), bits & 1 ? above : below) << f.name;
      ASSERT_EQ(Stored(f, std::nextafter(middle, kInf)), above) << f.name;
      if (above > 0) ASSERT_EQ(Stored(f, -std::nextafter(middle, kInf)), above | 0x8000) << f.name;
    }
  }
}

// As text the middle may be missed by less than a double can tell.
TEST(Half, IsRoundedOnceFromText) {
  for (const Format &f : kFormats) {
    for (unsigned bits = 0; bits + 2 <= Infinity(f); bits += 1 + bits / 64) {
      double middle = Defined(f, bits) + (Defined(f, bits + 1) - Defined(f, bits)) / 2;
      char exact[400];
      snprintf(exact, sizeof exact, "%.250f", middle);
      string text = exact, less = text, more = text + string(60, '0') + "1";
      size_t last = less.find_last_not_of("0.");
      less = less.substr(0, last) + static_cast<char>(less[last] - 1) +
             (text.find('.') > last ? string(text.find('.') - last - 1, '9') + "." : "") +
             string(300, '9');
      int below = static_cast<int>(bits), above = below + 1;
      ASSERT_EQ(Stored(f, text), bits & 1 ? above : below) << f.name << " " << text;
      ASSERT_EQ(Stored(f, less), below) << f.name << " " << less;
      ASSERT_EQ(Stored(f, more), above) << f.name << " " << more;
      ASSERT_EQ(Stored(f, "-" + more), above | 0x8000) << f.name << " " << more;
    }
  }
  EXPECT_EQ(Stored(kFormats[0], string("1e-400")), 0);
  EXPECT_EQ(Stored(kFormats[0], string("-0.0")), 0x8000);
}

TEST(Half, IsRoundedOnceFromIntegers) {
  const Format &bf16 = kFormats[1];
  // 2^62 + 2^54 is the middle of two; one more is not, but is the same double.
  const int64_t middle = (int64_t{1} << 62) + (int64_t{1} << 54);
  EXPECT_EQ(Stored(bf16, middle - 1), 0x5e80);
  EXPECT_EQ(Stored(bf16, middle), 0x5e80);
  EXPECT_EQ(Stored(bf16, middle + 1), 0x5e81);
  EXPECT_EQ(Stored(bf16, std::numeric_limits<int64_t>::min()), 0xdf00);
  EXPECT_EQ(Stored(bf16, std::numeric_limits<int64_t>::max()), 0x5f00);
  EXPECT_EQ(Stored(kFormats[0], int64_t{2049}), 0x6800);
  EXPECT_EQ(Stored(kFormats[0], int64_t{65519}), 0x7bff);
  EXPECT_EQ(Stored(kFormats[0], int64_t{65520}), -1);
}

TEST(Half, RefusesWhatIsBeyondItsRange) {
  EXPECT_EQ(Stored(kFormats[0], 65519.999), 0x7bff);
  EXPECT_EQ(Stored(kFormats[0], 65520.0), -1);
  EXPECT_EQ(Stored(kFormats[0], string("65519.99999999999999999999999")), 0x7bff);
  EXPECT_EQ(Stored(kFormats[0], string("65520")), -1);
  EXPECT_EQ(Stored(kFormats[1], 3.4e38), -1);
  EXPECT_EQ(Stored(kFormats[1], 3.39e38), 0x7f7f);
  for (const Format &f : kFormats) {
    EXPECT_EQ(Stored(f, kInf), static_cast<int>(Infinity(f)));
    EXPECT_EQ(Stored(f, -kInf), static_cast<int>(Infinity(f) | 0x8000));
    EXPECT_EQ(Stored(f, std::nan("")), -1);
    EXPECT_EQ(Stored(f, 1e300), -1);
    EXPECT_EQ(Stored(f, string("1e400")), -1);
    EXPECT_EQ(Stored(f, string("x")), -1);
  }
}

TEST(Half, OfBf16IsTheUpperHalfOfAnF32) {
  std::mt19937 random(1);
  for (int i = 0; i < 100000; i++) {
    uint32_t bits = static_cast<uint32_t>(random());
    float single;
    memcpy(&single, &bits, sizeof single);
    if (!std::isfinite(single)) continue;
    uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16;
    int expected = (rounded & 0x7fff) == 0x7f80 ? -1 : static_cast<int>(rounded);
    ASSERT_EQ(Stored(kFormats[1], static_cast<double>(single)), expected) << single;
  }
}

} // namespace
