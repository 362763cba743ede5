#include "core/bytes/decimal.h"

#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/common/system.h"

/* Digits behind so many decide how a double is rounded only by not being all zero. (The longest
** midpoint of two doubles has 768.) */
#define DECIMAL_DIGITS 800

/* The magnitude is the digits, read as an integer, times 10 to the power of exponent. There are no
** leading and no trailing zeros among them: 0 has no digits. */
typedef struct decimal {
  bool negative;
  bool inexact; /* digits that are not all zero were dropped behind the last one kept */
  int count;
  int64_t exponent;
  int64_t zeros; /* seen behind the last digit, and not yet known to be trailing ones */
  char digits[DECIMAL_DIGITS];
} decimal;

static bool is_decimal(uint8_t c) {
  return c >= '0' && c <= '9';
}

static void decimal_keep(decimal *d, char digit) {
  if (d->count < DECIMAL_DIGITS) {
    d->digits[d->count++] = digit;
  } else {
    d->exponent++;
    if (digit != '0') d->inexact = true;
  }
}

static void decimal_add(decimal *d, char digit) {
  if (digit == '0') {
    if (d->count > 0) d->zeros++;
    return;
  }
  for (; d->zeros > 0; d->zeros--) decimal_keep(d, '0');
  decimal_keep(d, digit);
}

static const uint8_t *decimal_sign(const uint8_t *at, const uint8_t *end, bool *negative) {
  *negative = at < end && *at == '-';
  return at < end && (*at == '-' || *at == '+') ? at + 1 : at;
}

static const uint8_t *decimal_digits(decimal *d, const uint8_t *at, const uint8_t *end) {
  for (; at < end && is_decimal(*at); at++) decimal_add(d, (char)*at);
  return at;
}

/* Digits with at most one point among them, and one digit at least; NULL if there are none. */
static const uint8_t *decimal_mantissa(decimal *d, const uint8_t *at, const uint8_t *end) {
  const uint8_t *point = decimal_digits(d, at, end);
  bool any = point > at;
  if (point == end || *point != '.') return any ? point : NULL;
  const uint8_t *fraction = point + 1;
  const uint8_t *stop = decimal_digits(d, fraction, end);
  d->exponent -= stop - fraction;
  return any || stop > fraction ? stop : NULL;
}

/* Exponents stop growing far beyond what any number of digits in memory could make up for. */
#define EXPONENT_MAX INT64_C(100000000000000000)

/* "e" and an integer; NULL if it is something else. */
static const uint8_t *decimal_power(decimal *d, const uint8_t *at, const uint8_t *end) {
  bool negative;
  if (*at != 'e' && *at != 'E') return NULL;
  at = decimal_sign(at + 1, end, &negative);
  if (at == end) return NULL;
  int64_t power = 0;
  for (; at < end && is_decimal(*at); at++) {
    if (power < EXPONENT_MAX) power = power * 10 + (*at - '0');
  }
  d->exponent += negative ? -power : power;
  return at;
}

/* Read text that is a number from its first byte to its last; false if it is not. */
static bool decimal_read(decimal *d, const uint8_t *text, uint64_t size) {
  if (size == 0) return false;
  const uint8_t *end = text + size;
  d->inexact = false;
  d->count = 0;
  d->exponent = 0;
  d->zeros = 0;
  const uint8_t *at = decimal_mantissa(d, decimal_sign(text, end, &d->negative), end);
  if (at && at < end) at = decimal_power(d, at, end);
  d->exponent += d->zeros;
  return at == end;
}

/* Integers and an exponent, which strtod reads alike in every locale. One more digit stands for all
** that were dropped. */
static void decimal_print(const decimal *d, char out[DECIMAL_DIGITS + 32]) {
  const char *sign = d->negative ? "-" : "";
  if (d->count == 0) {
    (void)snprintf(out, DECIMAL_DIGITS + 32, "%s0", sign);
  } else {
    (void)snprintf(out, DECIMAL_DIGITS + 32, "%s%.*s%se%" PRId64, sign, d->count, d->digits,
                   d->inexact ? "1" : "", d->exponent - d->inexact);
  }
}

/* So many digits are an integer that a double holds exactly, and so is the power of ten for as many
** behind the point: their quotient is rounded once. (W. D. Clinger, How to read floating point numbers
** accurately, PLDI 1990.) Not where intermediate results have more bits than a double. */
#define EXACT_DIGITS 15

static bool short_double(const uint8_t *text, uint64_t size, double *out) {
  static const double powers[EXACT_DIGITS + 1] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                                  1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  bool negative, point = false;
  const uint8_t *end = text + size, *at = decimal_sign(text, end, &negative);
  int digits = 0, behind = 0;
  int64_t n = 0;
  if (FLT_EVAL_METHOD != 0 || end - at > EXACT_DIGITS + 1) return false;
  for (; at < end; at++) {
    if (*at == '.' && !point) {
      point = true;
    } else if (is_decimal(*at)) {
      n = n * 10 + (*at - '0');
      digits++;
      behind += point;
    } else {
      return false;
    }
  }
  if (digits == 0 || digits > EXACT_DIGITS) return false;
  double real = (double)n / powers[behind];
  *out = negative ? -real : real;
  return true;
}

bool mm_text_double(const uint8_t *text, uint64_t size, double *out) {
  decimal d;
  if (short_double(text, size, out)) return true;
  char plain[DECIMAL_DIGITS + 32];
  if (!decimal_read(&d, text, size)) return false;
  decimal_print(&d, plain);
  *out = strtod(plain, NULL);
  return isfinite(*out);
}

/* More digits than any double has. */
#define DOUBLE_DIGITS 770

/* A finite number as it is. */
static void decimal_of_double(decimal *d, double real) {
  char raw[DOUBLE_DIGITS + 32];
  (void)snprintf(raw, sizeof raw, "%.*e", DOUBLE_DIGITS - 1, fabs(real));
  *d = (decimal){.negative = false};
  const char *at = raw;
  for (; *at != 'e'; at++) {
    if (is_decimal((uint8_t)*at)) decimal_add(d, *at);
  }
  d->exponent = strtol(at + 1, NULL, 10) - (DOUBLE_DIGITS - 1) + d->zeros;
}

/* Without their signs. */
static int decimal_compare(const decimal *a, const decimal *b) {
  int64_t x = a->count + a->exponent, y = b->count + b->exponent;
  int least = a->count < b->count ? a->count : b->count;
  if (a->count == 0 || b->count == 0) return a->count - b->count;
  if (x != y) return x < y ? -1 : 1;
  int order = memcmp(a->digits, b->digits, (size_t)least);
  if (order || a->count != b->count) return order ? order : a->count - b->count;
  return a->inexact - b->inexact;
}

/* To the odd one of two doubles, if `real` is the even one and `d` between the two. */
static double round_to_odd(double real, const decimal *d) {
  decimal exact;
  uint64_t bits;
  memcpy(&bits, &real, sizeof bits);
  if (bits & 1) return real;
  decimal_of_double(&exact, real);
  int order = decimal_compare(d, &exact);
  if (order) bits = order > 0 ? bits + 1 : bits - 1;
  memcpy(&real, &bits, sizeof real);
  return real;
}

bool mm_text_odd(const uint8_t *text, uint64_t size, double *out) {
  decimal d;
  char plain[DECIMAL_DIGITS + 32];
  if (!decimal_read(&d, text, size)) return false;
  decimal_print(&d, plain);
  *out = strtod(plain, NULL);
  if (!isfinite(*out)) return false;
  *out = round_to_odd(*out, &d);
  return true;
}

/* Not by way of double, which would round twice. */
bool mm_text_float(const uint8_t *text, uint64_t size, float *out) {
  decimal d;
  char plain[DECIMAL_DIGITS + 32];
  if (!decimal_read(&d, text, size)) return false;
  decimal_print(&d, plain);
  *out = strtof(plain, NULL);
  return isfinite(*out);
}

static bool times_ten_plus(uint64_t *n, unsigned digit) {
  return !__builtin_mul_overflow(*n, (uint64_t)10, n) &&
         !__builtin_add_overflow(*n, (uint64_t)digit, n);
}

bool mm_text_whole(const uint8_t *text, uint64_t size, mm_whole *w) {
  decimal d;
  if (!decimal_read(&d, text, size)) return false;
  *w = (mm_whole){d.negative && d.count > 0, 0};
  if (d.count == 0) return true;
  /* The last digit is not 0, so below an exponent of 0 there is a fraction. */
  if (d.inexact || d.exponent < 0) return false;
  bool fits = true;
  for (int i = 0; fits && i < d.count; i++) {
    fits = times_ten_plus(&w->magnitude, (unsigned)(d.digits[i] - '0'));
  }
  for (int64_t i = 0; fits && i < d.exponent; i++) fits = times_ten_plus(&w->magnitude, 0);
  return fits;
}

static void print_finite(double real, int precision, char out[MM_NUMBER_TEXT]) {
  char raw[64], digits[24] = "0";
  int count = 0;
  (void)snprintf(raw, sizeof raw, "%.*e", precision - 1, fabs(real));
  const char *at = raw;
  for (; *at != 'e'; at++) {
    if (is_decimal((uint8_t)*at)) digits[count++] = *at;
  }
  int exponent = (int)strtol(at + 1, NULL, 10);
  while (count > 1 && digits[count - 1] == '0') count--;
  bool scientific = exponent < -4 || exponent >= precision;
  int point = scientific ? 1 : exponent + 1; /* digits before the point; below 1: zeros behind it */
  int last = count > point ? count : point + 1;
  if (real < 0) *out++ = '-';
  for (int i = point < 1 ? point - 1 : 0; i < last; i++) {
    *out++ = i >= 0 && i < count ? digits[i] : '0';
    if (i == point - 1) *out++ = '.';
  }
  *out = 0;
  if (scientific) (void)snprintf(out, 8, "e%+03d", exponent);
}

void mm_print_real(double real, int precision, char out[MM_NUMBER_TEXT]) {
  if (isfinite(real)) {
    print_finite(real, precision, out);
  } else {
    (void)snprintf(out, MM_NUMBER_TEXT, "%s", isnan(real) ? "NaN" : real < 0 ? "-Inf" : "Inf");
  }
}

void mm_print_real_exactly(double real, char out[MM_NUMBER_TEXT]) {
  double again;
  mm_print_real(real, 15, out);
  if (!isfinite(real)) return;
  bool same = mm_text_double((const uint8_t *)out, strlen(out), &again) && again == real;
  if (!same) mm_print_real(real, 17, out);
}
