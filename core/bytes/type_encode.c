#include <float.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/array.h"
#include "core/bytes/half.h"
#include "core/bytes/type_private.h"
#include "core/bytes/utf.h"
#include "core/bytes/whole.h"
#include "core/common/system.h"

static void store(mm_type type, uint64_t bits, uint8_t *out) {
  if (type.big_endian) bits = __builtin_bswap64(bits) >> (64 - 8 * type.size);
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
  if (type.size == 8) {
    memcpy(out, &bits, 8); /* one store, where the compiler knows the size */
    return;
  }
#endif
  for (uint32_t i = 0; i < type.size; i++) out[i] = (uint8_t)(bits >> 8 * i);
}

static void store_padded(mm_type type, const uint8_t *data, uint64_t size, uint8_t *out) {
  if (size > 0) memcpy(out, data, (size_t)size);
  memset(out + size, 0, (size_t)(type.size - size));
}

static int encode_integer(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  mm_whole w;
  bool fits = mm_whole_of(value, &w) && mm_whole_fits(w, 8 * type.size, type.kind == MM_SIGNED);
  if (!fits) return mm_type_misfit(type, value, "", err);
  store(type, mm_whole_bits(w), out);
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
      return mm_text_float(value->data, value->size, out);
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
      return mm_text_double(value->data, value->size, out);
    default:
      return false;
  }
}

static int encode_float(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  float single;
  uint32_t bits;
  if (!value_float(value, &single)) return mm_type_misfit(type, value, "", err);
  memcpy(&bits, &single, sizeof bits);
  store(type, bits, out);
  return MM_OK;
}

/* Rounded to odd, as it is to be rounded again. */
static bool value_odd(const mm_value *value, double *out) {
  char text[MM_NUMBER_TEXT];
  int size;
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      size = snprintf(text, sizeof text, "%" PRId64, value->integer);
      return mm_text_odd((const uint8_t *)text, (uint64_t)size, out);
    case MM_VALUE_TEXT:
      return mm_text_odd(value->data, value->size, out);
    default:
      *out = value->real;
      return value->kind == MM_VALUE_REAL;
  }
}

static int encode_half(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  int kind = type.kind == MM_BFLOAT ? MM_HALF_BF16 : MM_HALF_F16;
  double real;
  uint16_t bits;
  bool fits = value_odd(value, &real) && mm_half_round(kind, real, &bits);
  if (!fits) return mm_type_misfit(type, value, "", err);
  store(type, bits, out);
  return MM_OK;
}

static int encode_double(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  double real;
  uint64_t bits;
  if (!value_double(value, &real)) return mm_type_misfit(type, value, "", err);
  memcpy(&bits, &real, sizeof bits);
  store(type, bits, out);
  return MM_OK;
}

static int encode_blob(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  char name[MM_TYPE_NAME];
  if (value->kind != MM_VALUE_BLOB && value->kind != MM_VALUE_TEXT) {
    return mm_type_misfit(type, value, "", err);
  }
  if (value->size > type.size) {
    mm_type_name(type, name);
    return mm_fail(err, MM_CONSTRAINT, "%" PRIu64 " bytes do not fit %s", value->size, name);
  }
  store_padded(type, value->data, value->size, out);
  return MM_OK;
}

bool mm_value_text(const mm_value *value, char buffer[MM_NUMBER_TEXT], const uint8_t **data,
                   uint64_t *size) {
  *data = (const uint8_t *)buffer;
  switch (value->kind) {
    case MM_VALUE_TEXT:
      *data = value->data;
      *size = value->size;
      return true;
    case MM_VALUE_INTEGER:
      (void)snprintf(buffer, MM_NUMBER_TEXT, "%" PRId64, value->integer);
      break;
    case MM_VALUE_REAL:
      if (isnan(value->real)) return false;
      mm_print_real(value->real, 15, buffer);
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

static int encode_text(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  char buffer[MM_NUMBER_TEXT];
  const uint8_t *data;
  uint64_t size;
  if (!mm_value_text(value, buffer, &data, &size)) return mm_type_misfit(type, value, "", err);
  if (has_nul(data, size)) return mm_type_misfit(type, value, MM_NUL_INSIDE, err);
  if (size > type.size) return mm_type_misfit_length(type, value, size, err);
  store_padded(type, data, size, out);
  return MM_OK;
}

/* The bytes that UTF-8 takes in UTF-16; false if it is not UTF-8. */
static bool utf16_size(const uint8_t *text, uint64_t size, uint64_t *bytes) {
  uint64_t total = 0;
  while (size > 0) {
    uint32_t point;
    size_t length = mm_utf8_next(text, size, &point);
    if (length == 0) return false;
    total += point < 0x10000 ? 2 : 4;
    text += length;
    size -= length;
  }
  *bytes = total;
  return true;
}

static uint8_t *utf16_put(mm_type type, uint32_t unit, uint8_t *out) {
  store((mm_type){.kind = MM_UNSIGNED, .big_endian = type.big_endian, .size = 2}, unit, out);
  return out + 2;
}

static void store_utf16(mm_type type, const uint8_t *text, uint64_t size, uint8_t *out) {
  uint8_t *end = out + type.size;
  while (size > 0) {
    uint32_t point = MM_REPLACEMENT;
    size_t length = mm_utf8_next(text, size, &point);
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
  char buffer[MM_NUMBER_TEXT];
  const uint8_t *data;
  uint64_t size, bytes;
  if (!mm_value_text(value, buffer, &data, &size)) return mm_type_misfit(type, value, "", err);
  if (has_nul(data, size)) return mm_type_misfit(type, value, MM_NUL_INSIDE, err);
  if (!utf16_size(data, size, &bytes)) return mm_type_misfit(type, value, " (not UTF-8)", err);
  if (bytes > type.size) return mm_type_misfit_length(type, value, bytes, err);
  store_utf16(type, data, size, out);
  return MM_OK;
}

/* The bytes that UTF-8 takes in latin1; false if it is not UTF-8, or above U+00FF. */
static bool latin1_size(const uint8_t *text, uint64_t size, uint64_t *bytes) {
  *bytes = 0;
  for (uint64_t at = 0; at < size; ++*bytes) {
    uint32_t point;
    size_t length = mm_utf8_next(text + at, size - at, &point);
    if (length == 0 || point > 0xff) return false;
    at += length;
  }
  return true;
}

static void store_latin1(mm_type type, const uint8_t *text, uint64_t size, uint8_t *out) {
  uint8_t *end = out + type.size;
  for (uint64_t at = 0; at < size;) {
    uint32_t point = 0;
    at += mm_utf8_next(text + at, size - at, &point);
    *out++ = (uint8_t)point;
  }
  memset(out, 0, (size_t)(end - out));
}

static int encode_latin1(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  char buffer[MM_NUMBER_TEXT];
  const uint8_t *data;
  uint64_t size, bytes;
  if (!mm_value_text(value, buffer, &data, &size)) return mm_type_misfit(type, value, "", err);
  if (has_nul(data, size)) return mm_type_misfit(type, value, MM_NUL_INSIDE, err);
  if (!latin1_size(data, size, &bytes)) {
    return mm_type_misfit(type, value, " (not all of it in latin1)", err);
  }
  if (bytes > type.size) return mm_type_misfit_length(type, value, bytes, err);
  store_latin1(type, data, size, out);
  return MM_OK;
}

static int encode_uuid(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  uint8_t bytes[MM_UUID_BYTES];
  if (value->kind == MM_VALUE_BLOB && value->size == MM_UUID_BYTES) {
    memcpy(out, value->data, MM_UUID_BYTES);
    return MM_OK;
  }
  if (value->kind == MM_VALUE_BLOB) return mm_type_misfit_length(type, value, value->size, err);
  bool good = value->kind == MM_VALUE_TEXT &&
              mm_uuid_read(type.kind == MM_GUID, value->data, value->size, bytes);
  if (!good) return mm_type_misfit(type, value, "", err);
  memcpy(out, bytes, MM_UUID_BYTES);
  return MM_OK;
}

static int encode_real(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  if (type.size == 2) return encode_half(type, value, out, err);
  return type.size == 4 ? encode_float(type, value, out, err)
                        : encode_double(type, value, out, err);
}

int mm_type_encode(mm_type type, const mm_value *value, uint8_t *out, mm_error *err) {
  switch (type.kind) {
    case MM_FLOAT:
    case MM_BFLOAT:
      return encode_real(type, value, out, err);
    case MM_BLOB:
      return encode_blob(type, value, out, err);
    case MM_TEXT:
      return encode_text(type, value, out, err);
    case MM_LATIN1:
      return encode_latin1(type, value, out, err);
    case MM_UTF16:
      return encode_utf16(type, value, out, err);
    case MM_UUID:
    case MM_GUID:
      return encode_uuid(type, value, out, err);
    case MM_ARRAY:
      return mm_array_encode(type, value, out, err);
    default:
      return encode_integer(type, value, out, err);
  }
}
