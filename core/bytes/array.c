#include "core/bytes/array.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/digit.h"
#include "core/bytes/json.h"
#include "core/bytes/type_private.h"
#include "core/bytes/utf.h"
#include "core/common/mem.h"
#include "core/common/system.h"

/* ---- as JSON -------------------------------------------------------------------------------- */

#define REAL_ROOM 32

/* Bytes that an item takes at most, the comma behind it left out. */
static uint64_t item_room(mm_type item) {
  uint64_t size = item.size;
  switch (item.kind) {
    case MM_FLOAT:
    case MM_BFLOAT:
      return REAL_ROOM;
    case MM_BLOB:
      return 2 * size + 2;
    case MM_TEXT:
    case MM_LATIN1:
      return 6 * size + 2; /* \u0001 */
    case MM_UTF16:
      return 3 * size + 2; /* the same of two bytes */
    case MM_UUID:
    case MM_GUID:
      return MM_UUID_TEXT + 2;
    default:
      return size * 5 / 2 + 2; /* a sign, and 8 log10(2) digits a byte */
  }
}

uint64_t mm_array_room(mm_type type) {
  return 2 + type.size / type.item_size * (item_room(mm_type_item(type)) + 1);
}

static uint8_t *put_integer(int64_t integer, uint8_t *out) {
  uint8_t digits[20];
  uint64_t left = integer < 0 ? 0 - (uint64_t)integer : (uint64_t)integer;
  int n = 0;
  do {
    digits[n++] = (uint8_t)('0' + left % 10);
    left /= 10;
  } while (left > 0);
  if (integer < 0) *out++ = '-';
  while (n > 0) *out++ = digits[--n];
  return out;
}

static uint8_t *put_chars(const char *text, uint8_t *out) {
  size_t size = strlen(text);
  memcpy(out, text, size); /* NOLINT(bugprone-not-null-terminated-result): of many, without ends */
  return out + size;
}

static uint8_t *put_real(mm_value value, uint8_t *out) {
  char text[MM_NUMBER_TEXT];
  if (value.kind == MM_VALUE_NULL) return put_chars("null", out);
  if (isinf(value.real)) return put_chars(value.real < 0 ? "-1e999" : "1e999", out);
  if (value.real == 0 && signbit(value.real)) return put_chars("-0.0", out);
  mm_print_real_exactly(value.real, text);
  return put_chars(text, out);
}

static const char hex_digits[] = "0123456789abcdef";

static uint8_t *put_hex(const uint8_t *bytes, uint64_t size, uint8_t *out) {
  for (uint64_t i = 0; i < size; i++) {
    *out++ = (uint8_t)hex_digits[bytes[i] >> 4];
    *out++ = (uint8_t)hex_digits[bytes[i] & 15];
  }
  return out;
}

/* The short escapes that RFC 8259 has, \u of all other control characters. */
static uint8_t *put_control(uint8_t c, uint8_t *out) {
  static const char from[] = "\b\f\n\r\t", to[] = "bfnrt";
  const char *found = strchr(from, c);
  *out++ = '\\';
  if (found) {
    *out++ = (uint8_t)to[found - from];
    return out;
  }
  return put_hex(&c, 1, put_chars("u00", out));
}

static uint8_t *put_character(uint32_t point, uint8_t *out) {
  if (point < 0x20) return put_control((uint8_t)point, out);
  if (point == '"' || point == '\\') *out++ = '\\';
  return out + mm_utf8_put(point, out);
}

static uint8_t *put_utf8(const uint8_t *text, uint64_t size, uint8_t *out) {
  while (size > 0) {
    uint32_t point = MM_REPLACEMENT;
    size_t length = mm_utf8_next(text, size, &point);
    if (length == 0) length = 1;
    out = put_character(point, out);
    text += length;
    size -= length;
  }
  return out;
}

static uint8_t *put_latin1(const uint8_t *text, uint64_t size, uint8_t *out) {
  for (uint64_t i = 0; i < size && text[i]; i++) out = put_character(text[i], out);
  return out;
}

static uint8_t *put_utf16(mm_type item, const uint8_t *bytes, uint8_t *out) {
  mm_utf16 text = {bytes, item.size, 0, item.big_endian};
  for (uint32_t point = mm_utf16_next(&text); point; point = mm_utf16_next(&text)) {
    out = put_character(point, out);
  }
  return out;
}

/* What stands between the quotes. */
static uint8_t *put_text(mm_type item, const uint8_t *bytes, uint8_t *out) {
  mm_value value;
  switch (item.kind) {
    case MM_BLOB:
      return put_hex(bytes, item.size, out);
    case MM_LATIN1:
      return put_latin1(bytes, item.size, out);
    case MM_UTF16:
      return put_utf16(item, bytes, out);
    case MM_TEXT:
      value = mm_type_decode(item, bytes, NULL);
      return put_utf8(value.data, value.size, out);
    default:
      mm_uuid_print(item.kind == MM_GUID, bytes, out);
      return out + MM_UUID_TEXT;
  }
}

static uint8_t *put_item(mm_type item, const uint8_t *bytes, uint8_t *out) {
  switch (mm_type_gives(item)) {
    case MM_VALUE_INTEGER:
      return put_integer(mm_type_integer(item, bytes), out);
    case MM_VALUE_REAL:
      return put_real(mm_type_decode(item, bytes, NULL), out);
    default:
      *out++ = '"';
      out = put_text(item, bytes, out);
      *out++ = '"';
      return out;
  }
}

uint64_t mm_array_decode(mm_type type, const uint8_t *bytes, uint8_t *out) {
  mm_type item = mm_type_item(type);
  uint8_t *at = out;
  *at++ = '[';
  for (uint32_t i = 0; i < type.size / item.size; i++) {
    if (i > 0) *at++ = ',';
    at = put_item(item, bytes + (size_t)i * item.size, at);
  }
  *at++ = ']';
  return (uint64_t)(at - out);
}

/* ---- from JSON ------------------------------------------------------------------------------ */

/* What json_each would say a number is, to a type that takes texts. */
static mm_value plain_number(const mm_json_item *json) {
  mm_value text = {.kind = MM_VALUE_TEXT, .data = json->text, .size = json->size};
  mm_value value = {.kind = MM_VALUE_INTEGER};
  bool whole = !memchr(json->text, '.', (size_t)json->size) &&
               !memchr(json->text, 'e', (size_t)json->size) &&
               !memchr(json->text, 'E', (size_t)json->size);
  if (whole && mm_value_integer(&text, &value.integer)) return value;
  value.kind = MM_VALUE_REAL;
  if (!mm_text_double(json->text, json->size, &value.real)) {
    value.real = json->text[0] == '-' ? -INFINITY : INFINITY;
  }
  return value;
}

/* A real for a number keeps all its digits, unless it is beyond all of them: then it is SQLite's
** infinity. */
static mm_value number_for(mm_type item, const mm_json_item *json) {
  mm_value plain = plain_number(json);
  bool number = mm_type_gives(item) == MM_VALUE_INTEGER || mm_type_gives(item) == MM_VALUE_REAL;
  if (!number || plain.kind == MM_VALUE_INTEGER || isinf(plain.real)) return plain;
  return (mm_value){.kind = MM_VALUE_TEXT, .data = json->text, .size = json->size};
}

/* What a float is that is not a number. */
static void store_nan(mm_type item, uint8_t *out) {
  uint8_t first = item.kind == MM_FLOAT && item.size == 2 ? 0x7e : 0x7f;
  uint8_t second = item.size == 8 ? 0xf8 : first == 0x7e ? 0 : 0xc0;
  memset(out, 0, item.size);
  out[item.big_endian ? 0 : item.size - 1] = first;
  out[item.big_endian ? 1 : item.size - 2] = second;
}

/* A blob's text. */
static int encode_hex(mm_type item, const mm_value *text, uint8_t *out, mm_error *err) {
  uint64_t size = text->size / 2;
  if (size > item.size) return mm_type_misfit_length(item, text, size, err);
  memset(out, 0, item.size);
  bool good = text->size % 2 == 0;
  for (uint64_t i = 0; good && i < size; i++) good = mm_digit_pair(text->data + 2 * i, out + i);
  return good ? MM_OK : mm_type_misfit(item, text, " (not hexadecimal)", err);
}

static int encode_text_item(mm_type item, const uint8_t *data, uint64_t size, uint8_t *out,
                            mm_error *err) {
  mm_value text = {.kind = MM_VALUE_TEXT, .data = data, .size = size};
  return item.kind == MM_BLOB ? encode_hex(item, &text, out, err)
                              : mm_type_encode(item, &text, out, err);
}

static int encode_string(mm_type item, const mm_json_item *json, uint8_t *out, mm_error *err) {
  if (!json->escaped) return encode_text_item(item, json->text, json->size, out, err);
  uint8_t *plain = mm_alloc(json->size);
  if (!plain) return mm_fail_nomem(err);
  int rc = encode_text_item(item, plain, mm_json_unescape(json, plain), out, err);
  mm_free(plain);
  return rc;
}

static int encode_item(mm_type item, const mm_json_item *json, uint8_t *out, mm_error *err) {
  mm_value value = {.kind = MM_VALUE_NULL};
  if (json->kind == MM_JSON_STRING) return encode_string(item, json, out, err);
  if (json->kind == MM_JSON_NULL && mm_type_gives(item) == MM_VALUE_REAL) {
    store_nan(item, out);
    return MM_OK;
  }
  if (json->kind == MM_JSON_NUMBER) value = number_for(item, json);
  if (json->kind == MM_JSON_TRUE || json->kind == MM_JSON_FALSE) {
    value = (mm_value){.kind = MM_VALUE_INTEGER, .integer = json->kind == MM_JSON_TRUE};
  }
  return mm_type_encode(item, &value, out, err);
}

static int encode_place(mm_type type, const mm_json_item *json, uint64_t i, uint8_t *out,
                        mm_error *err) {
  mm_error inner;
  int rc = encode_item(mm_type_item(type), json, out + i * type.item_size, &inner);
  return rc ? mm_fail(err, rc, "$[%" PRIu64 "]: %s", i, inner.text) : MM_OK;
}

static int bad_json(mm_type type, const mm_value *value, const mm_json *json, mm_error *err) {
  char why[80];
  (void)snprintf(why, sizeof why, " (no JSON array of scalars from byte %" PRIu64 " on)",
                 (uint64_t)(json->at - value->data));
  return mm_type_misfit(type, value, why, err);
}

static int other_count(mm_type type, uint64_t count, mm_error *err) {
  char name[MM_TYPE_NAME];
  mm_type_name(type, name);
  return mm_fail(err, MM_CONSTRAINT, "%" PRIu64 " item%s not fit %s", count,
                 count == 1 ? " does" : "s do", name);
}

/* Into `out`, a part of which is written even if that fails. */
static int encode_items(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  mm_json json = {.at = value->data, .end = value->data + value->size};
  mm_json_item item;
  uint64_t wanted = type.size / type.item_size;
  int rc = MM_OK;
  while (rc == MM_OK && mm_json_next(&json, &item)) {
    if (json.count <= wanted) rc = encode_place(type, &item, json.count - 1, out, err);
  }
  if (rc) return rc;
  if (json.bad) return bad_json(type, value, &json, err);
  return json.count == wanted ? MM_OK : other_count(type, json.count, err);
}

int mm_array_encode(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  if (value->kind != MM_VALUE_TEXT) return mm_type_misfit(type, value, "", err);
  uint8_t *bytes = mm_alloc((uint64_t)type.size + 1);
  int rc = bytes ? encode_items(type, value, bytes, err) : mm_fail_nomem(err);
  if (rc == MM_OK && type.size) memcpy(out, bytes, type.size);
  mm_free(bytes);
  return rc;
}
