/*
** utf.h: code points in UTF-8 and UTF-16.
*/
#ifndef MM_UTF_H
#define MM_UTF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What stands for bytes that are no code point. */
#define MM_REPLACEMENT 0xfffdu

/* The first code point of `size` (at least 1) bytes. Returns its length, or 0 where there is no
** well-formed one: cut short, overlong, a surrogate or above U+10FFFF (Unicode, table 3-7). */
size_t mm_utf8_next(const uint8_t *text, uint64_t size, uint32_t *point);

/* Write a code point, of 1 to 4 bytes; returns how many. */
size_t mm_utf8_put(uint32_t point, uint8_t *out);

/* UTF-16 of `size` bytes. */
typedef struct mm_utf16 {
  const uint8_t *bytes;
  uint32_t size;
  uint32_t at; /* bytes read */
  bool big_endian;
} mm_utf16;

/* The next code point, U+FFFD for an unpaired surrogate; 0 at the first NUL unit or where no whole
** unit is left, and the text stays there. */
uint32_t mm_utf16_next(mm_utf16 *text);

#endif
