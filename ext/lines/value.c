/*
** value.c: what a field says.
**
** A column has an affinity, as SQLite's have: a field that is no number stays the text that it is.
*/
#include "ext/lines/lines.h"

#include <math.h>

#include "core/bytes/decimal.h"
#include "core/common/mem.h"

/* ---- numbers -------------------------------------------------------------------------------- */

static bool is_digit_byte(uint8_t c) {
  return c >= '0' && c <= '9';
}

/* What SQLite takes for space around a number. */
static bool is_space_byte(uint8_t c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

/* More digits may be more than 64 bits. */
#define SURE_DIGITS 18

/* Digits alone, behind a sign; false: it is something else, or too much. */
static bool plain_integer(const uint8_t *text, uint64_t size, int64_t *out) {
  bool sign = size > 0 && (*text == '-' || *text == '+');
  const uint8_t *at = text + sign, *end = text + size;
  int64_t n = 0;
  if (at == end || end - at > SURE_DIGITS) return false;
  for (; at < end; at++) {
    if (!is_digit_byte(*at)) return false;
    n = n * 10 + (*at - '0');
  }
  *out = sign && *text == '-' ? -n : n;
  return true;
}

/* Without a point or exponent, of any length. */
static bool long_integer(const uint8_t *text, uint64_t size, int64_t *out) {
  mm_whole w;
  for (uint64_t i = *text == '-' || *text == '+'; i < size; i++) {
    if (!is_digit_byte(text[i])) return false;
  }
  if (!mm_text_whole(text, size, &w) || !mm_whole_fits(w, 64, true)) return false;
  *out = (int64_t)mm_whole_bits(w);
  return true;
}

int lines_number(const uint8_t *text, uint64_t size, int64_t *i, double *r) {
  if (plain_integer(text, size, i)) return SQLITE_INTEGER;
  while (size > 0 && is_space_byte(*text)) text++, size--;
  while (size > 0 && is_space_byte(text[size - 1])) size--;
  /* Most texts are none. */
  if (size == 0 || *text > '9' || *text < '+' || *text == '/' || *text == ',') return 0;
  if (long_integer(text, size, i)) return SQLITE_INTEGER;
  *r = 0;
  return mm_text_double(text, size, r) || isinf(*r) ? SQLITE_FLOAT : 0;
}

#define TWO_TO_63 9223372036854775808.0

/* A real that is an integer becomes one, as SQLite's do. */
static int integer_if_whole(int64_t *i, double real) {
  if (!(real > -TWO_TO_63 && real < TWO_TO_63)) return SQLITE_FLOAT;
  *i = (int64_t)real;
  bool whole = (double)*i >= real && (double)*i <= real && *i < INT64_MAX;
  return whole ? SQLITE_INTEGER : SQLITE_FLOAT;
}

int lines_number_as(int type, const uint8_t *text, uint64_t size, int64_t *i, double *r) {
  int is = lines_number(text, size, i, r);
  if (type == LINES_AS_INTEGER && is == SQLITE_FLOAT) return integer_if_whole(i, *r);
  if (type == LINES_AS_REAL && is == SQLITE_INTEGER) {
    *r = (double)*i;
    return SQLITE_FLOAT;
  }
  return is;
}

/* ---- fields --------------------------------------------------------------------------------- */

bool lines_is_null(const lines_spec *spec, const uint8_t *data, const mm_field *field) {
  if (!spec->null || field->quoted) return false;
  size_t size = strlen(spec->null);
  return field->end - field->start == size && memcmp(data + field->start, spec->null, size) == 0;
}

static bool result_number(sqlite3_context *context, int type, const uint8_t *text, uint64_t size) {
  int64_t i;
  double r;
  if (type != LINES_AS_INTEGER && type != LINES_AS_REAL) return false;
  int is = lines_number_as(type, text, size, &i, &r);
  if (is == SQLITE_INTEGER) sqlite3_result_int64(context, i);
  if (is == SQLITE_FLOAT) sqlite3_result_double(context, r);
  return is != 0;
}

static void result_piece(sqlite3_context *context, int type, const uint8_t *text, uint64_t size) {
  if (result_number(context, type, text, size)) return;
  if (type == LINES_AS_BLOB) {
    ext_result_blob(context, text, size);
  } else {
    sqlite3_result_text64(context, (const char *)text, size, SQLITE_TRANSIENT, SQLITE_UTF8);
  }
}

int lines_result(sqlite3_context *context, const lines_spec *spec, int type, const uint8_t *data,
                 const mm_field *field, mm_error *err) {
  const uint8_t *text;
  uint64_t size;
  if (lines_is_null(spec, data, field)) return MM_OK;
  if (mm_field_piece(&spec->split, data, field, &text, &size)) {
    result_piece(context, type, text, size);
    return MM_OK;
  }
  uint8_t *room = mm_alloc(field->end - field->start);
  if (!room) return mm_fail_nomem(err);
  result_piece(context, type, room, mm_field_join(&spec->split, data, field, room));
  mm_free(room);
  return MM_OK;
}
