#include "core/bytes/varlen.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/decimal.h"
#include "core/bytes/type_private.h"
#include "core/bytes/whole.h"
#include "core/common/mem.h"

#define MORE 0x80u  /* in a byte of an integer: another follows */
#define GROUP 0x7fu /* its other bits */

/* ---- how long it is ------------------------------------------------------------------------- */

static int past_64_bits(mm_error *err) {
  return mm_fail(err, MM_DAMAGED, "is past 64 bits");
}

/* The bytes up to the first without MORE; 0: there is none among so many. */
static uint64_t group_count(const uint8_t *bytes, uint64_t available) {
  uint64_t n = 0;
  while (n < available && bytes[n] & MORE) n++;
  return n < available ? n + 1 : 0;
}

/* Of a tenth byte, which holds bit 63, only that may be set; of a signed one all or none. */
static bool leb128_is_past(mm_type type, uint8_t tenth) {
  return type.kind == MM_ULEB128 ? tenth > 1 : tenth != 0 && tenth != GROUP;
}

/* Do the groups, the most significant first, make more than 64 bits? */
static bool vlq_is_past(mm_type type, const uint8_t *bytes, uint64_t size) {
  uint64_t value = 0;
  for (uint64_t i = 0; i < size; i++) {
    if (i > 0 && type.kind == MM_VLQ1 && ++value == 0) return true;
    if (value >> 57) return true;
    value = value << 7 | (bytes[i] & GROUP);
  }
  return false;
}

static bool integer_is_past(mm_type type, const uint8_t *bytes, uint64_t size) {
  switch (type.kind) {
    case MM_ULEB128:
    case MM_SLEB128:
      return size == type.size && leb128_is_past(type, bytes[size - 1]);
    case MM_VARINT:
      return false;
    default:
      return vlq_is_past(type, bytes, size);
  }
}

static int integer_extent(mm_type type, const uint8_t *bytes, uint64_t available, uint64_t *size,
                          mm_error *err) {
  uint64_t most = available < type.size ? available : type.size;
  *size = group_count(bytes, most);
  if (*size == 0 && type.kind == MM_VARINT && most == type.size) *size = most;
  if (*size == 0 && most == type.size) return past_64_bits(err);
  if (*size == 0) {
    return mm_fail(err, MM_DAMAGED, "is cut off after %" PRIu64 " byte%s", most,
                   most == 1 ? "" : "s");
  }
  return integer_is_past(type, bytes, *size) ? past_64_bits(err) : MM_OK;
}

/* Where the end begins; `size` if it is not in so many bytes. */
static uint64_t find_end(mm_type type, const uint8_t *bytes, uint64_t size) {
  if (size == 0) return 0;
  const uint8_t *found = type.end_size == 1
                             ? memchr(bytes, type.end[0], (size_t)size)
                             : mm_mem_find(bytes, (size_t)size, type.end, type.end_size);
  return found ? (uint64_t)(found - bytes) : size;
}

/* The same piece by piece: a file may be long, and all one text. An end that lies across two pieces
** is found in the second. */
static int seek_end(mm_type type, const uint8_t *bytes, uint64_t size, const mm_watch *watch,
                    uint64_t *at, mm_error *err) {
  uint64_t from = 0;
  while (size - from > MM_PIECE) {
    *at = from + find_end(type, bytes + from, MM_PIECE);
    if (*at < from + MM_PIECE) return MM_OK;
    from += MM_PIECE - (type.end_size - 1u);
    if (mm_watch_stops(watch, from)) return mm_fail(err, MM_INTERRUPT, "interrupted");
  }
  *at = from + find_end(type, bytes + from, size - from);
  return MM_OK;
}

static int cstr_extent(mm_type type, const uint8_t *bytes, uint64_t available,
                       const mm_watch *watch, uint64_t *size, mm_error *err) {
  bool limited = type.size && type.size <= available;
  uint64_t most = limited ? type.size : available, at;
  int rc = seek_end(type, bytes, most, watch, &at, err);
  if (rc) return rc;
  *size = at + type.end_size;
  if (at < most) return MM_OK;
  return mm_fail(err, MM_DAMAGED, "has no end in %s%" PRIu64 " byte%s", limited ? "" : "the last ",
                 most, most == 1 ? "" : "s");
}

int mm_type_extent(mm_type type, const uint8_t *bytes, uint64_t available, const mm_watch *watch,
                   uint64_t *size, mm_error *err) {
  if (type.kind == MM_CSTR) return cstr_extent(type, bytes, available, watch, size, err);
  if (mm_type_is_variable(type)) return integer_extent(type, bytes, available, size, err);
  *size = type.size;
  if (*size <= available) return MM_OK;
  return mm_fail(err, MM_DAMAGED, "needs %" PRIu32 " bytes, and there are %" PRIu64, type.size,
                 available);
}

/* ---- decoding ------------------------------------------------------------------------------- */

static uint64_t leb128_bits(mm_type type, const uint8_t *bytes, uint64_t size) {
  uint64_t value = 0;
  unsigned shift = 0;
  for (uint64_t i = 0; i < size; i++, shift += 7) value |= (uint64_t)(bytes[i] & GROUP) << shift;
  bool negative = type.kind == MM_SLEB128 && bytes[size - 1] & 0x40;
  return negative && shift < 64 ? value | UINT64_MAX << shift : value;
}

static uint64_t vlq_bits(mm_type type, const uint8_t *bytes, uint64_t size) {
  uint64_t value = 0;
  for (uint64_t i = 0; i < size; i++) {
    if (i > 0 && type.kind == MM_VLQ1) value++;
    bool ninth = i == 8 && type.kind == MM_VARINT;
    value = ninth ? value << 8 | bytes[i] : value << 7 | (bytes[i] & GROUP);
  }
  return value;
}

mm_value mm_varlen_decode(mm_type type, const uint8_t *bytes, uint64_t size) {
  if (type.kind == MM_CSTR) {
    return (mm_value){.kind = MM_VALUE_TEXT, .data = bytes, .size = size - type.end_size};
  }
  bool leb128 = type.kind == MM_ULEB128 || type.kind == MM_SLEB128;
  uint64_t bits = leb128 ? leb128_bits(type, bytes, size) : vlq_bits(type, bytes, size);
  return (mm_value){.kind = MM_VALUE_INTEGER, .integer = (int64_t)bits};
}

/* ---- encoding ------------------------------------------------------------------------------- */

/* The longest form of an integer. */
#define INTEGER_BYTES 10

/* The groups of `bits` into the end of `out`; returns how many. */
static uint64_t put_vlq(mm_type type, uint64_t bits, uint8_t out[INTEGER_BYTES]) {
  uint64_t n = 1;
  out[INTEGER_BYTES - 1] = bits & GROUP;
  for (bits >>= 7; bits > 0; bits >>= 7, n++) {
    if (type.kind == MM_VLQ1) bits--;
    out[INTEGER_BYTES - 1 - n] = (uint8_t)(MORE | (bits & GROUP));
  }
  return n;
}

/* Above 56 bits nine bytes, the last of 8 bits. */
static uint64_t put_varint(mm_type type, uint64_t bits, uint8_t out[INTEGER_BYTES]) {
  if (bits >> 56 == 0) return put_vlq(type, bits, out);
  out[INTEGER_BYTES - 1] = (uint8_t)bits;
  bits >>= 8;
  for (int i = INTEGER_BYTES - 2; i > 0; i--, bits >>= 7) out[i] = (uint8_t)(MORE | (bits & GROUP));
  return 9;
}

/* As they stand behind the last group: 0, or all ones of what is negative. */
static uint64_t leb128_rest(mm_type type, uint64_t bits) {
  return type.kind == MM_SLEB128 && bits >> 63 ? UINT64_MAX : 0;
}

/* `bits` without its lowest group. */
static uint64_t leb128_shift(mm_type type, uint64_t bits) {
  return bits >> 7 | (leb128_rest(type, bits) & ~(UINT64_MAX >> 7));
}

static uint64_t leb128_size(mm_type type, uint64_t bits) {
  uint64_t n = 1, rest = leb128_rest(type, bits), sign = type.kind == MM_SLEB128 ? 0x40 : 0;
  while (leb128_shift(type, bits) != rest || (bits & sign) != (rest & sign)) {
    bits = leb128_shift(type, bits);
    n++;
  }
  return n;
}

static void put_leb128(mm_type type, uint64_t bits, uint64_t size, uint8_t *out) {
  for (uint64_t i = 0; i < size; i++, bits = leb128_shift(type, bits)) {
    out[i] = (uint8_t)((bits & GROUP) | (i + 1 < size ? MORE : 0));
  }
}

static int integer_of(mm_type type, const mm_value *value, uint64_t *bits, mm_error *err) {
  mm_whole w;
  bool is_signed = type.kind == MM_SLEB128 || type.kind == MM_VARINT;
  bool fits = mm_whole_of(value, &w) && mm_whole_fits(w, 64, is_signed);
  if (!fits) return mm_type_misfit(type, value, "", err);
  *bits = mm_whole_bits(w);
  return MM_OK;
}

/* The form of an integer that has only one, at the end of `form`; its size. */
static uint64_t put_only_form(mm_type type, uint64_t bits, uint8_t form[INTEGER_BYTES]) {
  return type.kind == MM_VARINT ? put_varint(type, bits, form) : put_vlq(type, bits, form);
}

static bool is_leb128(mm_type type) {
  return type.kind == MM_ULEB128 || type.kind == MM_SLEB128;
}

static uint64_t integer_size(mm_type type, uint64_t bits) {
  uint8_t form[INTEGER_BYTES];
  return is_leb128(type) ? leb128_size(type, bits) : put_only_form(type, bits, form);
}

/* Is an end in the text, or would there be one before the text's own? */
static bool has_end(mm_type type, const uint8_t *text, uint64_t size) {
  uint8_t last[2 * MM_TYPE_END];
  uint64_t tail = (uint64_t)type.end_size - 1 < size ? (uint64_t)type.end_size - 1 : size;
  if (find_end(type, text, size) < size) return true;
  if (tail == 0) return false;
  memcpy(last, text + size - tail, (size_t)tail);
  memcpy(last + tail, type.end, type.end_size);
  return find_end(type, last, tail + type.end_size) < tail;
}

static int cstr_of(mm_type type, const mm_value *value, char buffer[MM_NUMBER_TEXT],
                   const uint8_t **text, uint64_t *size, mm_error *err) {
  if (!mm_value_text(value, buffer, text, size)) return mm_type_misfit(type, value, "", err);
  if (has_end(type, *text, *size)) {
    bool nul = type.end_size == 1 && type.end[0] == 0;
    return mm_type_misfit(type, value, nul ? MM_NUL_INSIDE : " (with its end inside)", err);
  }
  uint64_t whole = *size + type.end_size;
  bool fits = type.size == 0 || whole <= type.size;
  return fits ? MM_OK : mm_type_misfit_length(type, value, whole, err);
}

int mm_varlen_measure(mm_type type, const mm_value *value, uint64_t *size, mm_error *err) {
  char buffer[MM_NUMBER_TEXT];
  const uint8_t *text;
  uint64_t bits = 0;
  if (type.kind == MM_CSTR) {
    int rc = cstr_of(type, value, buffer, &text, size, err);
    if (rc == MM_OK) *size += type.end_size;
    return rc;
  }
  int rc = integer_of(type, value, &bits, err);
  if (rc == MM_OK) *size = integer_size(type, bits);
  return rc;
}

/* "300 needs 2 bytes, and has 1" */
static int other_size(const mm_value *value, uint64_t needs, uint64_t has, mm_error *err) {
  char what[MM_QUOTED];
  mm_describe(value, what);
  return mm_fail(err, MM_CONSTRAINT, "%s needs %" PRIu64 " byte%s, and has %" PRIu64, what, needs,
                 needs == 1 ? "" : "s", has);
}

static int encode_cstr(mm_type type, const mm_value *value, uint64_t size, uint8_t *out,
                       mm_error *err) {
  char buffer[MM_NUMBER_TEXT];
  const uint8_t *text;
  uint64_t length;
  int rc = cstr_of(type, value, buffer, &text, &length, err);
  if (rc) return rc;
  if (length + type.end_size != size) {
    return other_size(value, length + type.end_size, size, err);
  }
  if (length > 0) memcpy(out, text, (size_t)length);
  memcpy(out + length, type.end, type.end_size);
  return MM_OK;
}

static int encode_leb128(mm_type type, const mm_value *value, uint64_t size, uint8_t *out,
                         mm_error *err) {
  uint64_t bits = 0;
  int rc = integer_of(type, value, &bits, err);
  if (rc) return rc;
  uint64_t needs = leb128_size(type, bits);
  if (needs > size || size > type.size) return other_size(value, needs, size, err);
  put_leb128(type, bits, size, out);
  return MM_OK;
}

static int encode_only_form(mm_type type, const mm_value *value, uint64_t size, uint8_t *out,
                            mm_error *err) {
  uint8_t form[INTEGER_BYTES];
  uint64_t bits = 0;
  int rc = integer_of(type, value, &bits, err);
  if (rc) return rc;
  uint64_t needs = put_only_form(type, bits, form);
  if (needs != size) return other_size(value, needs, size, err);
  memcpy(out, form + INTEGER_BYTES - needs, (size_t)needs);
  return MM_OK;
}

int mm_varlen_encode(mm_type type, const mm_value *value, uint64_t size, uint8_t *out,
                     mm_error *err) {
  if (type.kind == MM_CSTR) return encode_cstr(type, value, size, out, err);
  if (is_leb128(type)) return encode_leb128(type, value, size, out, err);
  return encode_only_form(type, value, size, out, err);
}
