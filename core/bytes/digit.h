/*
** digit.h: hexadecimal digits.
*/
#ifndef MM_DIGIT_H
#define MM_DIGIT_H

#include <stdbool.h>
#include <stdint.h>

/* The value of a digit in either case, -1 if it is none. */
static inline int mm_digit_value(int c) {
  int lower = c | 0x20;
  if (c >= '0' && c <= '9') return c - '0';
  return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The byte that two digits name; false if they are not digits. */
static inline bool mm_digit_pair(const uint8_t *digits, uint8_t *byte) {
  int high = mm_digit_value(digits[0]), low = mm_digit_value(digits[1]);
  if (high < 0 || low < 0) return false;
  *byte = (uint8_t)(high << 4 | low);
  return true;
}

#endif
