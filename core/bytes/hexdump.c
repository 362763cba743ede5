#include "core/bytes/hexdump.h"

size_t mm_hexdump_hex(const uint8_t *bytes, size_t count, char text[3 * MM_HEXDUMP_ROW]) {
  static const char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < count; i++) {
    text[3 * i] = digits[bytes[i] >> 4];
    text[3 * i + 1] = digits[bytes[i] & 15];
    text[3 * i + 2] = ' ';
  }
  return count ? 3 * count - 1 : 0;
}

size_t mm_hexdump_ascii(const uint8_t *bytes, size_t count, char text[MM_HEXDUMP_ROW]) {
  for (size_t i = 0; i < count; i++) {
    text[i] = bytes[i] >= 0x20 && bytes[i] <= 0x7e ? (char)bytes[i] : '.';
  }
  return count;
}
