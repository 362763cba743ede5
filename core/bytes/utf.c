#include "core/bytes/utf.h"

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

size_t mm_utf8_next(const uint8_t *text, uint64_t size, uint32_t *point) {
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

size_t mm_utf8_put(uint32_t point, uint8_t *out) {
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

/* The unit ahead, 0 where no whole one is left. */
static uint32_t utf16_unit(const mm_utf16 *text) {
  if (text->size - text->at < 2) return 0;
  const uint8_t *unit = text->bytes + text->at;
  return text->big_endian ? (uint32_t)unit[0] << 8 | unit[1] : (uint32_t)unit[1] << 8 | unit[0];
}

uint32_t mm_utf16_next(mm_utf16 *text) {
  uint32_t unit = utf16_unit(text);
  if (unit == 0) return 0;
  text->at += 2;
  if (!is_high_surrogate(unit)) return is_low_surrogate(unit) ? MM_REPLACEMENT : unit;
  uint32_t low = utf16_unit(text);
  if (!is_low_surrogate(low)) return MM_REPLACEMENT;
  text->at += 2;
  return 0x10000 + ((unit & 0x3ffu) << 10 | (low & 0x3ffu));
}
