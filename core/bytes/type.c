#include <string.h>

#include "core/bytes/array.h"
#include "core/bytes/half.h"
#include "core/bytes/type_private.h"
#include "core/bytes/utf.h"
#include "core/common/system.h"

_Static_assert(MM_UNSIGNED == 0 && MM_SIGNED == 1, "mm_type_integer takes the kind for a sign bit");

static double load_single(uint64_t bits) {
  uint32_t low = (uint32_t)bits;
  float single;
  memcpy(&single, &low, sizeof single);
  return single;
}

double mm_type_real(mm_type type, const uint8_t *bytes) {
  uint64_t bits = mm_type_bits(type, bytes);
  double real;
  if (type.kind == MM_BFLOAT) return mm_half_value(MM_HALF_BF16, (uint16_t)bits);
  if (type.size == 2) return mm_half_value(MM_HALF_F16, (uint16_t)bits);
  if (type.size == 4) return load_single(bits);
  memcpy(&real, &bits, sizeof real);
  return real;
}

static uint64_t text_length(mm_type type, const uint8_t *bytes) {
  const uint8_t *nul = type.size ? memchr(bytes, 0, type.size) : NULL;
  return nul ? (uint64_t)(nul - bytes) : type.size;
}

/* Three bytes of UTF-8 for a unit of UTF-16 at most: a pair makes four. */
uint64_t mm_type_buffer(mm_type type) {
  switch (type.kind) {
    case MM_LATIN1:
      return (uint64_t)type.size * 2;
    case MM_UTF16:
      return (uint64_t)(type.size / 2) * 3;
    case MM_UUID:
    case MM_GUID:
      return MM_UUID_TEXT;
    case MM_ARRAY:
      return mm_array_room(type);
    default:
      return 0;
  }
}

static uint64_t decode_latin1(mm_type type, const uint8_t *bytes, uint8_t *buffer) {
  uint64_t used = 0, size = text_length(type, bytes);
  for (uint64_t i = 0; i < size; i++) used += mm_utf8_put(bytes[i], buffer + used);
  return used;
}

static uint64_t decode_utf16(mm_type type, const uint8_t *bytes, uint8_t *buffer) {
  uint64_t used = 0;
  mm_utf16 text = {bytes, type.size, 0, type.big_endian};
  for (uint32_t point = mm_utf16_next(&text); point; point = mm_utf16_next(&text)) {
    used += mm_utf8_put(point, buffer + used);
  }
  return used;
}

static uint64_t decode_uuid(mm_type type, const uint8_t *bytes, uint8_t *buffer) {
  mm_uuid_print(type.kind == MM_GUID, bytes, buffer);
  return MM_UUID_TEXT;
}

static mm_value made_text(const uint8_t *buffer, uint64_t size) {
  return (mm_value){.kind = MM_VALUE_TEXT, .data = buffer, .size = size};
}

static mm_value decode_real(double real) {
  return (mm_value){.kind = isnan(real) ? MM_VALUE_NULL : MM_VALUE_REAL, .real = real};
}

mm_value mm_type_decode(mm_type type, const uint8_t *bytes, uint8_t *buffer) {
  switch (type.kind) {
    case MM_FLOAT:
    case MM_BFLOAT:
      return decode_real(mm_type_real(type, bytes));
    case MM_BLOB:
      return (mm_value){.kind = MM_VALUE_BLOB, .data = bytes, .size = type.size};
    case MM_TEXT:
      return made_text(bytes, text_length(type, bytes));
    case MM_LATIN1:
      return made_text(buffer, decode_latin1(type, bytes, buffer));
    case MM_UTF16:
      return made_text(buffer, decode_utf16(type, bytes, buffer));
    case MM_UUID:
    case MM_GUID:
      return made_text(buffer, decode_uuid(type, bytes, buffer));
    case MM_ARRAY:
      return made_text(buffer, mm_array_decode(type, bytes, buffer));
    default:
      return (mm_value){.kind = MM_VALUE_INTEGER, .integer = mm_type_integer(type, bytes)};
  }
}

/*
** Comparing
*/

static int compare_integers(mm_type type, const uint8_t *a, const uint8_t *b) {
  if (type.kind == MM_UNSIGNED) {
    uint64_t x = mm_type_bits(type, a), y = mm_type_bits(type, b);
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
  mm_utf16 first = {a, type.size, 0, type.big_endian}, second = {b, type.size, 0, type.big_endian};
  uint32_t x, y;
  do {
    x = mm_utf16_next(&first);
    y = mm_utf16_next(&second);
  } while (x == y && x != 0);
  return (x > y) - (x < y);
}

int mm_type_compare(mm_type type, const uint8_t *a, const uint8_t *b) {
  switch (type.kind) {
    case MM_FLOAT:
    case MM_BFLOAT:
      return compare_reals(mm_type_real(type, a), mm_type_real(type, b));
    case MM_BLOB:
      return memcmp(a, b, type.size);
    case MM_TEXT:
    case MM_LATIN1:
      return compare_texts(type, a, b);
    case MM_UTF16:
      return compare_utf16(type, a, b);
    case MM_UUID:
    case MM_GUID:
      return mm_uuid_compare(type.kind == MM_GUID, a, b);
    default:
      return compare_integers(type, a, b);
  }
}
