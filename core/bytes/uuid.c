#include <string.h>

#include "core/bytes/digit.h"
#include "core/bytes/type_private.h"

/* The text goes through the 16 bytes in the order that RFC 4122 stores them in. Microsoft stores
** the first three fields, of 4, 2 and 2 bytes, as little-endian numbers. */
static const uint8_t uuid_order[MM_UUID_BYTES] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                  8, 9, 10, 11, 12, 13, 14, 15};
static const uint8_t guid_order[MM_UUID_BYTES] = {3, 2, 1,  0,  5,  4,  7,  6,
                                                  8, 9, 10, 11, 12, 13, 14, 15};

static const uint8_t *uuid_order_of(bool is_guid) {
  return is_guid ? guid_order : uuid_order;
}

static bool has_hyphen_before(int byte) {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void mm_uuid_print(bool is_guid, const uint8_t bytes[MM_UUID_BYTES], uint8_t out[MM_UUID_TEXT]) {
  static const char digits[] = "0123456789abcdef";
  const uint8_t *order = uuid_order_of(is_guid);
  for (int i = 0; i < MM_UUID_BYTES; i++) {
    uint8_t byte = bytes[order[i]];
    if (has_hyphen_before(i)) *out++ = '-';
    *out++ = (uint8_t)digits[byte >> 4];
    *out++ = (uint8_t)digits[byte & 15];
  }
}

/* The text without its braces; NULL if it is of another size than a uuid then. */
static const uint8_t *uuid_within_braces(const uint8_t *text, uint64_t size) {
  if (size == MM_UUID_TEXT) return text;
  bool braces = size == MM_UUID_TEXT + 2 && text[0] == '{' && text[size - 1] == '}';
  return braces ? text + 1 : NULL;
}

bool mm_uuid_read(bool is_guid, const uint8_t *text, uint64_t size, uint8_t out[MM_UUID_BYTES]) {
  const uint8_t *order = uuid_order_of(is_guid), *at = uuid_within_braces(text, size);
  for (int i = 0; at && i < MM_UUID_BYTES; i++) {
    if (has_hyphen_before(i) && *at++ != '-') return false;
    if (!mm_digit_pair(at, &out[order[i]])) return false;
    at += 2;
  }
  return at != NULL;
}

int mm_uuid_compare(bool is_guid, const uint8_t *a, const uint8_t *b) {
  const uint8_t *order = uuid_order_of(is_guid);
  for (int i = 0; i < MM_UUID_BYTES; i++) {
    if (a[order[i]] != b[order[i]]) return a[order[i]] < b[order[i]] ? -1 : 1;
  }
  return 0;
}
