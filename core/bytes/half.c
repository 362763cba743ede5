#include "core/bytes/half.h"

#include <string.h>

#include "core/common/system.h"

static unsigned fraction_bits(int kind) {
  return kind == MM_HALF_F16 ? 10 : 7;
}

/* The exponent of the least normal number, which all that are smaller have too. */
static int least_exponent(int kind) {
  return kind == MM_HALF_F16 ? -14 : -126;
}

/* As the bits of a positive one. */
static uint16_t half_infinity(int kind) {
  return kind == MM_HALF_F16 ? 0x7c00 : 0x7f80;
}

#define DOUBLE_FRACTION 52
#define DOUBLE_BIAS 1023

static double double_of(uint64_t bits) {
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

/* 2 to the power of an exponent of normal doubles. */
static double power_of_two(int exponent) {
  return double_of((uint64_t)(exponent + DOUBLE_BIAS) << DOUBLE_FRACTION);
}

static double half_magnitude(int kind, uint16_t bits) {
  unsigned width = fraction_bits(kind);
  unsigned fraction = bits & ((1u << width) - 1), exponent = (unsigned)bits >> width;
  int least = least_exponent(kind);
  if (bits >= half_infinity(kind)) return bits > half_infinity(kind) ? NAN : INFINITY;
  if (exponent == 0) return fraction * power_of_two(least - (int)width);
  return ((1u << width) + fraction) * power_of_two(least - (int)width + (int)exponent - 1);
}

double mm_half_value(int kind, uint16_t bits) {
  double magnitude = half_magnitude(kind, bits & 0x7fff);
  return bits & 0x8000 ? -magnitude : magnitude;
}

/* `n` without its last bits, rounded to nearest, of two as near to the even one. */
static uint64_t drop_bits(uint64_t n, int bits) {
  if (bits > DOUBLE_FRACTION + 1) return 0; /* less than a half is left of it */
  uint64_t kept = n >> bits, rest = n - (kept << bits), half = UINT64_C(1) << (bits - 1);
  return kept + (rest > half || (rest == half && kept & 1));
}

/* A carry out of the fraction makes the exponent one more, as it must. */
static uint64_t round_magnitude(int kind, uint64_t bits) {
  int exponent = (int)(bits >> DOUBLE_FRACTION) - DOUBLE_BIAS, least = least_exponent(kind);
  int width = (int)fraction_bits(kind), drop = DOUBLE_FRACTION - width;
  uint64_t one = UINT64_C(1) << DOUBLE_FRACTION, n = one | (bits & (one - 1));
  if (exponent < least) return drop_bits(n, drop + least - exponent);
  return drop_bits(n, drop) + ((uint64_t)(exponent - least) << width);
}

bool mm_half_round(int kind, double real, uint16_t *bits) {
  uint64_t whole, infinity = half_infinity(kind);
  double size = fabs(real);
  if (isnan(real)) return false;
  memcpy(&whole, &size, sizeof whole);
  uint64_t magnitude = isinf(size) ? infinity : round_magnitude(kind, whole);
  if (magnitude >= infinity && isfinite(size)) return false;
  *bits = (uint16_t)(magnitude | (signbit(real) ? 0x8000u : 0));
  return true;
}
