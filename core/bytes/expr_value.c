#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/expr_private.h"
#include "core/common/system.h"

/* What SQLite 3.40 does with values, each rule named after where it stands there. */

size_t expr_print(int64_t integer, char out[EXPR_DIGITS]) {
  return (size_t)snprintf(out, EXPR_DIGITS, "%" PRId64, integer);
}

mm_value expr_text(const mm_value *value, char digits[EXPR_DIGITS]) {
  mm_value text = {.kind = MM_VALUE_TEXT, .data = value->data, .size = value->size};
  if (value->kind != MM_VALUE_INTEGER) return text;
  text.data = (const uint8_t *)digits;
  text.size = expr_print(value->integer, digits);
  return text;
}

/* ---- text that is a number, or begins with one ------------------------------------------------ */

/* The parts of sqlite3AtoF and sqlite3Atoi64 (util.c). */
typedef struct value_prefix {
  const uint8_t *start; /* the sign, if there is one */
  size_t size;          /* of the longest number there, with the sign */
  int digits;           /* 0: no number */
  bool real;            /* with a point or an exponent */
  bool whole;           /* nothing but spaces around it */
  bool overflow;        /* the integer before a point or an exponent does not fit */
  int64_t integer;      /* that integer, held at the ends of 64 bits */
} value_prefix;

static bool value_is_space(uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static const uint8_t *value_skip_spaces(const uint8_t *at, const uint8_t *end) {
  while (at < end && value_is_space(*at)) at++;
  return at;
}

static const uint8_t *value_skip_digits(const uint8_t *at, const uint8_t *end) {
  while (at < end && *at >= '0' && *at <= '9') at++;
  return at;
}

static void value_add_digit(value_prefix *p, bool negative, int digit) {
  int64_t signed_digit = negative ? -digit : digit;
  if (p->overflow) return;
  if (__builtin_mul_overflow(p->integer, (int64_t)10, &p->integer) ||
      __builtin_add_overflow(p->integer, signed_digit, &p->integer)) {
    p->overflow = true;
    p->integer = negative ? INT64_MIN : INT64_MAX;
  }
}

/* A point and digits; `at` if there is none, or no digit on either side of it. */
static const uint8_t *value_fraction(value_prefix *p, const uint8_t *at, const uint8_t *end) {
  if (at == end || *at != '.') return at;
  const uint8_t *stop = value_skip_digits(at + 1, end);
  if (p->digits == 0 && stop == at + 1) return at;
  p->digits = 1;
  p->real = true;
  return stop;
}

/* `at` if there is no whole exponent. One that is broken off behind a point is a mistake anyway. */
static const uint8_t *value_exponent(value_prefix *p, const uint8_t *at, const uint8_t *end) {
  if (p->digits == 0 || at == end || (*at | 0x20) != 'e') return at;
  const uint8_t *digits = at + 1;
  if (digits < end && (*digits == '+' || *digits == '-')) digits++;
  const uint8_t *stop = value_skip_digits(digits, end);
  if (stop == digits) return at;
  p->real = true;
  return stop;
}

static value_prefix value_read(const mm_value *value) {
  value_prefix p = {0};
  if (value->size == 0) return p;
  const uint8_t *at = value->data, *end = at + value->size;
  at = p.start = value_skip_spaces(at, end);
  bool negative = at < end && *at == '-';
  if (at < end && (*at == '-' || *at == '+')) at++;
  const uint8_t *stop = value_skip_digits(at, end);
  p.digits = stop > at;
  for (; at < stop; at++) value_add_digit(&p, negative, *at - '0');
  at = value_exponent(&p, value_fraction(&p, at, end), end);
  p.size = (size_t)(at - p.start);
  p.whole = p.digits && value_skip_spaces(at, end) == end;
  return p;
}

/* type.h reads all that there is to read of a number, but refuses infinities. */
static double value_to_double(const value_prefix *p) {
  static const mm_type f64 = {.kind = MM_FLOAT, .size = 8};
  mm_value text = {.kind = MM_VALUE_TEXT, .data = p->start, .size = p->size};
  uint8_t bytes[8];
  mm_error err;
  if (!p->digits) return 0;
  if (mm_type_encode(f64, &text, bytes, &err)) return *p->start == '-' ? -INFINITY : INFINITY;
  return mm_type_decode(f64, bytes, NULL).real;
}

/* computeNumericType (vdbe.c). */
bool expr_number(const mm_value *value, int64_t *integer) {
  if (value->kind == MM_VALUE_INTEGER) {
    *integer = value->integer;
    return true;
  }
  value_prefix p = value_read(value);
  *integer = p.integer;
  return !p.real && !p.overflow;
}

/* sqlite3VdbeIntValue (vdbemem.c). */
int64_t expr_bits(const mm_value *value) {
  return value->kind == MM_VALUE_INTEGER ? value->integer : value_read(value).integer;
}

/* sqlite3VdbeBooleanValue (vdbemem.c). */
int expr_truth(const mm_value *value) {
  if (value->kind == MM_VALUE_INTEGER) return value->integer != 0;
  if (value->kind == MM_VALUE_NULL) return EXPR_NULL;
  if (value->kind == MM_VALUE_REAL) return value->real != 0;
  value_prefix p = value_read(value);
  return p.real ? value_to_double(&p) != 0 : p.integer != 0;
}

bool mm_expr_true(const mm_value *value) {
  return expr_truth(value) == EXPR_TRUE;
}

/* ---- order ----------------------------------------------------------------------------------- */

static int value_order(int64_t a, int64_t b) {
  return a < b ? -1 : a > b;
}

/* sqlite3IntFloatCompare (vdbeaux.c). */
static int value_order_real(int64_t a, double b) {
  if (b < -0x1p63) return 1;
  if (b >= 0x1p63) return -1;
  int whole = value_order(a, (int64_t)b);
  if (whole) return whole;
  return (double)a < b ? -1 : (double)a > b;
}

/* Numbers before texts before blobs (sqlite3MemCompare, vdbeaux.c). */
static int value_compare(const mm_value *a, const mm_value *b) {
  if (a->kind == MM_VALUE_INTEGER && b->kind == MM_VALUE_INTEGER) {
    return value_order(a->integer, b->integer);
  }
  bool ranked = a->kind == MM_VALUE_INTEGER || b->kind == MM_VALUE_INTEGER || a->kind != b->kind;
  if (!ranked) return mm_compare_bytes(a->data, a->size, b->data, b->size);
  int rank_a = a->kind == MM_VALUE_INTEGER ? 0 : a->kind == MM_VALUE_TEXT ? 1 : 2;
  int rank_b = b->kind == MM_VALUE_INTEGER ? 0 : b->kind == MM_VALUE_TEXT ? 1 : 2;
  return value_order(rank_a, rank_b);
}

/* A text beside an integer: a number if it is wholly one (applyNumericAffinity, vdbe.c). */
static int value_compare_text(const mm_value *integer, const mm_value *text) {
  value_prefix p = value_read(text);
  if (!p.whole) return -1;
  if (!p.real && !p.overflow) return value_order(integer->integer, p.integer);
  return value_order_real(integer->integer, value_to_double(&p));
}

/* Two texts that become numbers: with an integer column on one side one of them is none. */
static int value_compare_numeric(const mm_value *a, const mm_value *b) {
  if (a->kind == MM_VALUE_INTEGER && b->kind == MM_VALUE_TEXT) return value_compare_text(a, b);
  if (a->kind == MM_VALUE_TEXT && b->kind == MM_VALUE_INTEGER) return -value_compare_text(b, a);
  return value_compare(a, b);
}

/* OP_Eq leaves a blob a blob. */
static mm_value value_as_text(const mm_value *value, char digits[EXPR_DIGITS]) {
  return value->kind == MM_VALUE_INTEGER ? expr_text(value, digits) : *value;
}

static int value_compare_as_texts(const mm_value *a, const mm_value *b) {
  char digits_a[EXPR_DIGITS], digits_b[EXPR_DIGITS];
  mm_value text_a = value_as_text(a, digits_a), text_b = value_as_text(b, digits_b);
  return value_compare(&text_a, &text_b);
}

/* OP_Eq and its like (vdbe.c). */
int expr_compare(const mm_value *a, const mm_value *b, int affinity) {
  if (affinity == EXPR_AFFINITY_NUMERIC) return value_compare_numeric(a, b);
  if (affinity == EXPR_AFFINITY_TEXT) return value_compare_as_texts(a, b);
  return value_compare(a, b);
}

/* ---- functions ------------------------------------------------------------------------------- */

/* Characters up to the first NUL. A byte that only goes on with one, and does not, counts. */
static int64_t value_characters(const uint8_t *at, uint64_t size) {
  const uint8_t *end = at + size;
  int64_t count = 0;
  while (at < end && *at) {
    count++;
    if (*at++ < 0xc0) continue;
    while (at < end && (*at & 0xc0) == 0x80) at++;
  }
  return count;
}

/* lengthFunc (func.c). */
int64_t expr_length(const mm_value *value) {
  char digits[EXPR_DIGITS];
  if (value->kind == MM_VALUE_INTEGER) return (int64_t)expr_print(value->integer, digits);
  if (value->kind == MM_VALUE_BLOB || value->size == 0) return (int64_t)value->size;
  return value_characters(value->data, value->size);
}

/* Tar fills its fields with either, in front or behind. */
static const uint8_t *value_skip_padding(const uint8_t *at, const uint8_t *end) {
  while (at < end && (*at == ' ' || *at == 0)) at++;
  return at;
}

/* What a character stands for; EXPR_BASE_MOST: nothing. */
static int value_digit(uint8_t c) {
  uint8_t letter = c | 0x20;
  if (c >= '0' && c <= '9') return c - '0';
  return letter >= 'a' && letter <= 'z' ? letter - 'a' + 10 : EXPR_BASE_MOST;
}

bool expr_int(const mm_value *value, int64_t base, mm_value *out) {
  char digits[EXPR_DIGITS];
  mm_value text = expr_text(value, digits);
  const uint8_t *end = text.size ? text.data + text.size : text.data;
  const uint8_t *at = value_skip_padding(text.data, end);
  int64_t n = 0;
  bool fits = true;
  for (; at < end && value_digit(*at) < base; at++) {
    fits = fits && !__builtin_mul_overflow(n, base, &n) &&
           !__builtin_add_overflow(n, value_digit(*at), &n);
  }
  *out = expr_null();
  if (value_skip_padding(at, end) != end) return true;
  expr_set(out, n);
  return fits;
}
