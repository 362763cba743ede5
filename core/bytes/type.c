#include "core/bytes/type.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/bytes/type_hint.h"

/*
** UTF-8 and UTF-16
*/

#define REPLACEMENT 0xfffdu

static bool is_high_surrogate(uint32_t unit) {
  return (unit & 0xfc00u) == 0xd800u;
}

static bool is_low_surrogate(uint32_t unit) {
  return (unit & 0xfc00u) == 0xdc00u;
}

/* The bytes that a lead byte announces, 0 if it is none; `bits` are its share of the code point. */
static size_t utf8_length(uint8_t lead, uint32_t *bits) {
  /* By the upper five bits. */
  static const uint8_t lengths[32] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                      0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 2, 2, 3, 3, 4, 0};
  static const uint8_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
  size_t length = lengths[lead >> 3];
  *bits = lead & masks[length];
  return length;
}

/* The first code point of `size` (at least 1) bytes. Returns its length, or 0 where there is no
** well-formed one: cut short, overlong, a surrogate or above U+10FFFF (Unicode, table 3-7). */
static size_t utf8_next(const uint8_t *text, uint64_t size, uint32_t *point) {
  static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
  uint32_t code;
  size_t length = utf8_length(text[0], &code);
  if (length == 0 || length > size) return 0;
  for (size_t i = 1; i < length; i++) {
    if ((text[i] & 0xc0) != 0x80) return 0;
    code = code << 6 | (text[i] & 0x3fu);
  }
  bool surrogate = code >= 0xd800 && code <= 0xdfff;
  if (code < least[length] || code > 0x10ffff || surrogate) return 0;
  *point = code;
  return length;
}

static size_t utf8_put(uint32_t point, uint8_t *out) {
  if (point < 0x80) {
    out[0] = (uint8_t)point;
    return 1;
  }
  size_t length = point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--) {
    out[i] = (uint8_t)(0x80 | (point & 0x3f));
    point >>= 6;
  }
  static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = (uint8_t)(leads[length] | point);
  return length;
}

/* The unit at `at` (at most type.size), 0 where no whole one is left. */
static uint32_t utf16_unit(mm_type type, const uint8_t *bytes, uint32_t at) {
  if (type.size - at < 2) return 0;
  return type.big_endian ? (uint32_t)bytes[at] << 8 | bytes[at + 1]
                         : (uint32_t)bytes[at + 1] << 8 | bytes[at];
}

/* The code point at *at, which moves on; 0 at the first NUL or the end, where it stays. */
static uint32_t utf16_next(mm_type type, const uint8_t *bytes, uint32_t *at) {
  uint32_t unit = utf16_unit(type, bytes, *at);
  if (unit == 0) return 0;
  *at += 2;
  if (!is_high_surrogate(unit)) return is_low_surrogate(unit) ? REPLACEMENT : unit;
  uint32_t low = utf16_unit(type, bytes, *at);
  if (!is_low_surrogate(low)) return REPLACEMENT;
  *at += 2;
  return 0x10000 + ((unit & 0x3ffu) << 10 | (low & 0x3ffu));
}

/*
** Numbers as text. No function of the C library sees or makes a decimal point here, as what that
** is depends on the locale of the host.
*/

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

static bool text_double(const uint8_t *text, uint64_t size, double *out) {
  decimal d;
  char plain[DECIMAL_DIGITS + 32];
  if (!decimal_read(&d, text, size)) return false;
  decimal_print(&d, plain);
  *out = strtod(plain, NULL);
  return isfinite(*out);
}

/* Not by way of double, which would round twice. */
static bool text_float(const uint8_t *text, uint64_t size, float *out) {
  decimal d;
  char plain[DECIMAL_DIGITS + 32];
  if (!decimal_read(&d, text, size)) return false;
  decimal_print(&d, plain);
  *out = strtof(plain, NULL);
  return isfinite(*out);
}

#define NUMBER_TEXT 40

/* SQLite's %!.*g, with a decimal point and a digit behind it always. */
static void print_finite(double real, int precision, char out[NUMBER_TEXT]) {
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

static void print_real(double real, int precision, char out[NUMBER_TEXT]) {
  if (isfinite(real)) {
    print_finite(real, precision, out);
  } else {
    (void)snprintf(out, NUMBER_TEXT, "%s", isnan(real) ? "NaN" : real < 0 ? "-Inf" : "Inf");
  }
}

/* With 15 digits, as SQLite prints it, if they name this number and no other; else with all 17. */
static void print_real_exactly(double real, char out[NUMBER_TEXT]) {
  double again;
  print_real(real, 15, out);
  if (!isfinite(real)) return;
  bool same = text_double((const uint8_t *)out, strlen(out), &again) && again == real;
  if (!same) print_real(real, 17, out);
}

/*
** Integers
*/

/* Room for all of u64 and all of i64. Zero is not negative. */
typedef struct whole {
  bool negative;
  uint64_t magnitude;
} whole;

static whole whole_from(int64_t integer) {
  bool negative = integer < 0;
  return (whole){negative, negative ? 0 - (uint64_t)integer : (uint64_t)integer};
}

static uint64_t whole_bits(whole w) {
  return w.negative ? 0 - w.magnitude : w.magnitude;
}

static bool whole_of_real(double real, whole *w) {
  double size = fabs(real);
  if (!(size < 0x1p64)) return false; /* nor NaN */
  w->magnitude = (uint64_t)size;
  w->negative = real < 0;
  return (double)w->magnitude == size;
}

static bool times_ten_plus(uint64_t *n, unsigned digit) {
  return !__builtin_mul_overflow(*n, (uint64_t)10, n) &&
         !__builtin_add_overflow(*n, (uint64_t)digit, n);
}

static bool whole_of_text(const uint8_t *text, uint64_t size, whole *w) {
  decimal d;
  if (!decimal_read(&d, text, size)) return false;
  *w = (whole){d.negative && d.count > 0, 0};
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

static bool whole_of(const mm_value *value, whole *w) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      *w = whole_from(value->integer);
      return true;
    case MM_VALUE_REAL:
      return whole_of_real(value->real, w);
    case MM_VALUE_TEXT:
      return whole_of_text(value->data, value->size, w);
    default:
      return false;
  }
}

/* `bits` wide, two's complement. */
static bool whole_fits_signed(whole w, unsigned bits) {
  uint64_t limit = UINT64_C(1) << (bits - 1);
  return w.magnitude < limit || (w.negative && w.magnitude == limit);
}

static bool whole_fits(whole w, mm_type type) {
  unsigned bits = 8 * type.size;
  if (type.kind == MM_SIGNED) return whole_fits_signed(w, bits);
  if (bits == 64) return !w.negative || whole_fits_signed(w, 64);
  return !w.negative && w.magnitude >> bits == 0;
}

bool mm_value_integer(const mm_value *value, int64_t *integer) {
  whole w;
  if (!whole_of(value, &w) || !whole_fits_signed(w, 64)) return false;
  *integer = (int64_t)whole_bits(w);
  return true;
}

/*
** Names
*/

/* A size of 0: it stands in parentheses behind the word. */
static const struct {
  char word[8];
  mm_type type;
} words[] = {
    {"u8", {MM_UNSIGNED, false, 1}},    {"i8", {MM_SIGNED, false, 1}},
    {"u16le", {MM_UNSIGNED, false, 2}}, {"u16be", {MM_UNSIGNED, true, 2}},
    {"i16le", {MM_SIGNED, false, 2}},   {"i16be", {MM_SIGNED, true, 2}},
    {"u24le", {MM_UNSIGNED, false, 3}}, {"u24be", {MM_UNSIGNED, true, 3}},
    {"i24le", {MM_SIGNED, false, 3}},   {"i24be", {MM_SIGNED, true, 3}},
    {"u32le", {MM_UNSIGNED, false, 4}}, {"u32be", {MM_UNSIGNED, true, 4}},
    {"i32le", {MM_SIGNED, false, 4}},   {"i32be", {MM_SIGNED, true, 4}},
    {"u64le", {MM_UNSIGNED, false, 8}}, {"u64be", {MM_UNSIGNED, true, 8}},
    {"i64le", {MM_SIGNED, false, 8}},   {"i64be", {MM_SIGNED, true, 8}},
    {"f32le", {MM_FLOAT, false, 4}},    {"f32be", {MM_FLOAT, true, 4}},
    {"f64le", {MM_FLOAT, false, 8}},    {"f64be", {MM_FLOAT, true, 8}},
    {"blob", {MM_BLOB, false, 0}},      {"text", {MM_TEXT, false, 0}},
    {"utf16le", {MM_UTF16, false, 0}},  {"utf16be", {MM_UTF16, true, 0}},
};

#define TYPE_WORDS (sizeof words / sizeof words[0])

/* What is left to read of a name. */
typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static char peek_lower(const cursor *c) {
  if (c->at == c->end) return 0;
  return *c->at >= 'A' && *c->at <= 'Z' ? (char)(*c->at + ('a' - 'A')) : *c->at;
}

static void skip_spaces(cursor *c) {
  while (c->at < c->end && *c->at && strchr(" \t\n\f\r", *c->at)) c->at++;
}

static bool skip(cursor *c, char wanted) {
  if (peek_lower(c) != wanted) return false;
  c->at++;
  return true;
}

/* The letters and digits ahead; too many of them are no word at all. */
static void read_word(cursor *c, char word[8]) {
  size_t count = 0;
  for (char next = peek_lower(c); (next >= 'a' && next <= 'z') || is_decimal((uint8_t)next);
       next = peek_lower(c)) {
    if (count < 8) word[count] = next;
    count++;
    c->at++;
  }
  word[count < 8 ? count : 0] = 0;
}

static bool find_word(const char *word, mm_type *type) {
  for (size_t i = 0; i < TYPE_WORDS; i++) {
    if (strcmp(words[i].word, word) == 0) {
      *type = words[i].type;
      return true;
    }
  }
  return false;
}

static int digit_value(char c) {
  return is_decimal((uint8_t)c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* A number, held at MM_TYPE_MAX + 1 when it is above; false if there is none. */
static bool read_size(cursor *c, uint32_t *size) {
  uint64_t n = 0, base = 10;
  if (c->end - c->at >= 2 && c->at[0] == '0' && (c->at[1] | 0x20) == 'x') {
    c->at += 2;
    base = 16;
  }
  const char *first = c->at;
  for (; digit_value(peek_lower(c)) < (int)base; c->at++) {
    n = n * base + (uint64_t)digit_value(peek_lower(c));
    if (n > MM_TYPE_MAX) n = (uint64_t)MM_TYPE_MAX + 1;
  }
  *size = (uint32_t)n;
  return c->at > first;
}

static bool read_parentheses(cursor *c, uint32_t *size) {
  skip_spaces(c);
  if (!skip(c, '(')) return false;
  skip_spaces(c);
  if (!read_size(c, size)) return false;
  skip_spaces(c);
  return skip(c, ')');
}

/*
** Sentences
*/

#define QUOTED_MAX 40u
#define QUOTED (QUOTED_MAX + 8)

/* Text in quotes, of QUOTED_MAX bytes at most and of one line: what is not well-formed or not
** printable becomes a question mark. */
static void quote(const void *text, uint64_t size, char out[QUOTED]) {
  const uint8_t *at = text;
  uint64_t left = size;
  size_t used = 0;
  out[used++] = '\'';
  while (left > 0) {
    uint32_t point = 0;
    size_t length = utf8_next(at, left, &point);
    bool plain = length > 0 && point >= 0x20 && (point < 0x7f || point >= 0xa0);
    if (length == 0) length = 1;
    if (size - left + length > QUOTED_MAX) break;
    if (plain) {
      memcpy(out + used, at, length);
      used += length;
    } else {
      out[used++] = '?';
    }
    at += length;
    left -= length;
  }
  (void)snprintf(out + used, QUOTED - used, "%s'", left > 0 ? "…" : "");
}

static void describe_value(const mm_value *value, char out[QUOTED]) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      (void)snprintf(out, QUOTED, "%" PRId64, value->integer);
      break;
    case MM_VALUE_REAL:
      print_real_exactly(value->real, out);
      break;
    case MM_VALUE_TEXT:
      quote(value->data, value->size, out);
      break;
    default:
      (void)snprintf(out, QUOTED, "%s", value->kind == MM_VALUE_BLOB ? "a blob" : "NULL");
  }
}

/* `why` is empty or " (…)". */
static int misfit(mm_type type, const mm_value *value, const char *why, mm_error *err) {
  char what[QUOTED], name[MM_TYPE_NAME];
  describe_value(value, what);
  mm_type_name(type, name);
  return mm_fail(err, MM_CONSTRAINT, "%s%s does not fit %s", what, why, name);
}

static int misfit_length(mm_type type, const mm_value *value, uint64_t bytes, mm_error *err) {
  char why[40];
  (void)snprintf(why, sizeof why, " (%" PRIu64 " bytes)", bytes);
  return misfit(type, value, why, err);
}

static int no_type(const char *name, size_t size, mm_error *err) {
  char quoted[QUOTED];
  char hint[MM_TYPE_HINT];
  quote(name, size, quoted);
  mm_type_hint(name, size, hint);
  return mm_fail(err, MM_ERROR, "%s is no type: %s", quoted, hint);
}

static int no_size(const char *name, size_t size, mm_error *err) {
  char quoted[QUOTED];
  quote(name, size, quoted);
  return mm_fail(err, MM_ERROR, "%s is no type: its size must be 1 to %u", quoted, MM_TYPE_MAX);
}

int mm_type_parse(const char *name, size_t size, mm_type *type, mm_error *err) {
  if (size == 0) return no_type("", 0, err);
  cursor c = {name, name + size};
  char word[8];
  mm_type found;
  skip_spaces(&c);
  read_word(&c, word);
  if (!find_word(word, &found)) return no_type(name, size, err);
  bool sized = found.size == 0;
  if (sized && !read_parentheses(&c, &found.size)) return no_type(name, size, err);
  skip_spaces(&c);
  if (c.at < c.end) return no_type(name, size, err);
  if (found.size < 1 || found.size > MM_TYPE_MAX) return no_size(name, size, err);
  *type = found;
  return MM_OK;
}

static bool is_word_of(size_t i, mm_type type) {
  mm_type other = words[i].type;
  return other.kind == type.kind && other.big_endian == type.big_endian &&
         (other.size == 0 || other.size == type.size);
}

void mm_type_name(mm_type type, char name[MM_TYPE_NAME]) {
  size_t i = 0;
  while (i + 1 < TYPE_WORDS && !is_word_of(i, type)) i++;
  if (words[i].type.size == 0) {
    (void)snprintf(name, MM_TYPE_NAME, "%s(%" PRIu32 ")", words[i].word, type.size);
  } else {
    (void)snprintf(name, MM_TYPE_NAME, "%s", words[i].word);
  }
}

/*
** Decoding
*/

#define HOST_IS_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

static inline uint64_t load_bits(mm_type type, const uint8_t *bytes) {
  bool swap = type.big_endian != HOST_IS_BIG_ENDIAN;
  switch (type.size) {
    case 1:
      return bytes[0];
    case 2: {
      uint16_t v;
      memcpy(&v, bytes, sizeof v);
      return swap ? __builtin_bswap16(v) : v;
    }
    case 4: {
      uint32_t v;
      memcpy(&v, bytes, sizeof v);
      return swap ? __builtin_bswap32(v) : v;
    }
    case 8: {
      uint64_t v;
      memcpy(&v, bytes, sizeof v);
      return swap ? __builtin_bswap64(v) : v;
    }
    default: {
      uint64_t v = 0;
      for (uint32_t i = 0; i < type.size; i++) {
        v = v << 8 | bytes[type.big_endian ? i : type.size - 1 - i];
      }
      return v;
    }
  }
}

_Static_assert(MM_UNSIGNED == 0 && MM_SIGNED == 1, "the kind is the sign bit below");

/* Flipping the sign bit and taking it away again extends it; for unsigned types it is 0. (H. S.
** Warren, Hacker's Delight, 2-6.) */
int64_t mm_type_integer(mm_type type, const uint8_t *bytes) {
  uint64_t sign = (uint64_t)type.kind << (8 * type.size - 1);
  return (int64_t)((load_bits(type, bytes) ^ sign) - sign);
}

static double load_real(mm_type type, const uint8_t *bytes) {
  uint64_t bits = load_bits(type, bytes);
  if (type.size == 4) {
    uint32_t low = (uint32_t)bits;
    float single;
    memcpy(&single, &low, sizeof single);
    return single;
  }
  double real;
  memcpy(&real, &bits, sizeof real);
  return real;
}

static uint64_t text_length(mm_type type, const uint8_t *bytes) {
  const uint8_t *nul = memchr(bytes, 0, type.size);
  return nul ? (uint64_t)(nul - bytes) : type.size;
}

/* Three bytes of UTF-8 for a unit of UTF-16 at most: a pair makes four. */
uint64_t mm_type_buffer(mm_type type) {
  return type.kind == MM_UTF16 ? (uint64_t)(type.size / 2) * 3 : 0;
}

static uint64_t decode_utf16(mm_type type, const uint8_t *bytes, uint8_t *buffer) {
  uint64_t used = 0;
  uint32_t at = 0;
  for (uint32_t point = utf16_next(type, bytes, &at); point; point = utf16_next(type, bytes, &at)) {
    used += utf8_put(point, buffer + used);
  }
  return used;
}

static mm_value decode_real(double real) {
  return (mm_value){.kind = isnan(real) ? MM_VALUE_NULL : MM_VALUE_REAL, .real = real};
}

mm_value mm_type_decode(mm_type type, const uint8_t *bytes, uint8_t *buffer) {
  switch (type.kind) {
    case MM_FLOAT:
      return decode_real(load_real(type, bytes));
    case MM_BLOB:
      return (mm_value){.kind = MM_VALUE_BLOB, .data = bytes, .size = type.size};
    case MM_TEXT:
      return (mm_value){.kind = MM_VALUE_TEXT, .data = bytes, .size = text_length(type, bytes)};
    case MM_UTF16:
      return (mm_value){
          .kind = MM_VALUE_TEXT, .data = buffer, .size = decode_utf16(type, bytes, buffer)};
    default:
      return (mm_value){.kind = MM_VALUE_INTEGER, .integer = mm_type_integer(type, bytes)};
  }
}

/*
** Encoding
*/

static void store(mm_type type, uint64_t bits, uint8_t *out) {
  for (uint32_t i = 0; i < type.size; i++) {
    out[type.big_endian ? type.size - 1 - i : i] = (uint8_t)(bits >> 8 * i);
  }
}

static void store_padded(mm_type type, const uint8_t *data, uint64_t size, uint8_t *out) {
  if (size > 0) memcpy(out, data, (size_t)size);
  memset(out + size, 0, (size_t)(type.size - size));
}

static int encode_integer(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  whole w;
  if (!whole_of(value, &w) || !whole_fits(w, type)) return misfit(type, value, "", err);
  store(type, whole_bits(w), out);
  return MM_OK;
}

/* Halfway from the largest float to what would be the next one: from there on it is none. */
#define FLOAT_LIMIT 0x1.ffffffp127

static bool narrow(double real, float *out) {
  double size = fabs(real);
  if (isnan(real) || (size >= FLOAT_LIMIT && isfinite(real))) return false;
  /* C leaves it open to which side a number beyond the largest is rounded. */
  if (size > (double)FLT_MAX && isfinite(real)) {
    *out = real < 0 ? -FLT_MAX : FLT_MAX;
  } else {
    *out = (float)real;
  }
  return true;
}

static bool value_float(const mm_value *value, float *out) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      *out = (float)value->integer;
      return true;
    case MM_VALUE_REAL:
      return narrow(value->real, out);
    case MM_VALUE_TEXT:
      return text_float(value->data, value->size, out);
    default:
      return false;
  }
}

static bool value_double(const mm_value *value, double *out) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      *out = (double)value->integer;
      return true;
    case MM_VALUE_REAL:
      *out = value->real;
      return !isnan(value->real);
    case MM_VALUE_TEXT:
      return text_double(value->data, value->size, out);
    default:
      return false;
  }
}

static int encode_float(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  float single;
  uint32_t bits;
  if (!value_float(value, &single)) return misfit(type, value, "", err);
  memcpy(&bits, &single, sizeof bits);
  store(type, bits, out);
  return MM_OK;
}

static int encode_double(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  double real;
  uint64_t bits;
  if (!value_double(value, &real)) return misfit(type, value, "", err);
  memcpy(&bits, &real, sizeof bits);
  store(type, bits, out);
  return MM_OK;
}

static int encode_blob(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  char name[MM_TYPE_NAME];
  if (value->kind != MM_VALUE_BLOB && value->kind != MM_VALUE_TEXT) {
    return misfit(type, value, "", err);
  }
  if (value->size > type.size) {
    mm_type_name(type, name);
    return mm_fail(err, MM_CONSTRAINT, "%" PRIu64 " bytes do not fit %s", value->size, name);
  }
  store_padded(type, value->data, value->size, out);
  return MM_OK;
}

/* The bytes of a TEXT, or of a number, which are then put into `buffer`; false for all else. */
static bool value_text(const mm_value *value, char buffer[NUMBER_TEXT], const uint8_t **data,
                       uint64_t *size) {
  *data = (const uint8_t *)buffer;
  switch (value->kind) {
    case MM_VALUE_TEXT:
      *data = value->data;
      *size = value->size;
      return true;
    case MM_VALUE_INTEGER:
      (void)snprintf(buffer, NUMBER_TEXT, "%" PRId64, value->integer);
      break;
    case MM_VALUE_REAL:
      if (isnan(value->real)) return false;
      print_real(value->real, 15, buffer);
      break;
    default:
      return false;
  }
  *size = strlen(buffer);
  return true;
}

static bool has_nul(const uint8_t *data, uint64_t size) {
  return size > 0 && memchr(data, 0, (size_t)size);
}

#define NUL_INSIDE " (with a NUL inside)"

static int encode_text(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  char buffer[NUMBER_TEXT];
  const uint8_t *data;
  uint64_t size;
  if (!value_text(value, buffer, &data, &size)) return misfit(type, value, "", err);
  if (has_nul(data, size)) return misfit(type, value, NUL_INSIDE, err);
  if (size > type.size) return misfit_length(type, value, size, err);
  store_padded(type, data, size, out);
  return MM_OK;
}

/* The bytes that UTF-8 takes in UTF-16; false if it is not UTF-8. */
static bool utf16_size(const uint8_t *text, uint64_t size, uint64_t *bytes) {
  uint64_t total = 0;
  while (size > 0) {
    uint32_t point;
    size_t length = utf8_next(text, size, &point);
    if (length == 0) return false;
    total += point < 0x10000 ? 2 : 4;
    text += length;
    size -= length;
  }
  *bytes = total;
  return true;
}

static uint8_t *utf16_put(mm_type type, uint32_t unit, uint8_t *out) {
  store((mm_type){MM_UNSIGNED, type.big_endian, 2}, unit, out);
  return out + 2;
}

static void store_utf16(mm_type type, const uint8_t *text, uint64_t size, uint8_t *out) {
  uint8_t *end = out + type.size;
  while (size > 0) {
    uint32_t point = REPLACEMENT;
    size_t length = utf8_next(text, size, &point);
    if (point >= 0x10000) {
      out = utf16_put(type, 0xd800 | (point - 0x10000) >> 10, out);
      point = 0xdc00 | (point & 0x3ff);
    }
    out = utf16_put(type, point, out);
    text += length;
    size -= length;
  }
  memset(out, 0, (size_t)(end - out));
}

static int encode_utf16(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  char buffer[NUMBER_TEXT];
  const uint8_t *data;
  uint64_t size, bytes;
  if (!value_text(value, buffer, &data, &size)) return misfit(type, value, "", err);
  if (has_nul(data, size)) return misfit(type, value, NUL_INSIDE, err);
  if (!utf16_size(data, size, &bytes)) return misfit(type, value, " (not UTF-8)", err);
  if (bytes > type.size) return misfit_length(type, value, bytes, err);
  store_utf16(type, data, size, out);
  return MM_OK;
}

int mm_type_encode(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  switch (type.kind) {
    case MM_FLOAT:
      return type.size == 4 ? encode_float(type, value, out, err)
                            : encode_double(type, value, out, err);
    case MM_BLOB:
      return encode_blob(type, value, out, err);
    case MM_TEXT:
      return encode_text(type, value, out, err);
    case MM_UTF16:
      return encode_utf16(type, value, out, err);
    default:
      return encode_integer(type, value, out, err);
  }
}

/*
** Comparing
*/

static int compare_integers(mm_type type, const uint8_t *a, const uint8_t *b) {
  if (type.kind == MM_UNSIGNED) {
    uint64_t x = load_bits(type, a), y = load_bits(type, b);
    return (x > y) - (x < y);
  }
  int64_t x = mm_type_integer(type, a), y = mm_type_integer(type, b);
  return (x > y) - (x < y);
}

static int compare_reals(double x, double y) {
  bool no_x = isnan(x), no_y = isnan(y);
  if (no_x || no_y) return no_y - no_x;
  return (x > y) - (x < y);
}

int mm_compare_bytes(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n) {
  uint64_t least = m < n ? m : n;
  int order = a && b ? memcmp(a, b, (size_t)least) : 0;
  return order ? order : (m > n) - (m < n);
}

static int compare_texts(mm_type type, const uint8_t *a, const uint8_t *b) {
  return mm_compare_bytes(a, text_length(type, a), b, text_length(type, b));
}

static int compare_utf16(mm_type type, const uint8_t *a, const uint8_t *b) {
  uint32_t i = 0, j = 0, x, y;
  do {
    x = utf16_next(type, a, &i);
    y = utf16_next(type, b, &j);
  } while (x == y && x != 0);
  return (x > y) - (x < y);
}

int mm_type_compare(mm_type type, const uint8_t *a, const uint8_t *b) {
  switch (type.kind) {
    case MM_FLOAT:
      return compare_reals(load_real(type, a), load_real(type, b));
    case MM_BLOB:
      return memcmp(a, b, type.size);
    case MM_TEXT:
      return compare_texts(type, a, b);
    case MM_UTF16:
      return compare_utf16(type, a, b);
    default:
      return compare_integers(type, a, b);
  }
}
