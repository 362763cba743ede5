/*
** whole.h: integers, as wide as the widest that a type has, signed or not.
*/
#ifndef MM_WHOLE_H
#define MM_WHOLE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes/type.h"

/* Room for all of u64 and all of i64. Zero is not negative. */
typedef struct mm_whole {
  bool negative;
  uint64_t magnitude;
} mm_whole;

/* An INTEGER, or a REAL or TEXT that is exactly one; false for anything else. */
bool mm_whole_of(const mm_value *value, mm_whole *w);

/* Is it one of the values of a signed or unsigned integer of 1 to 64 bits? One that is 64 bits wide
** and unsigned also takes what is negative and fits a signed one: the same bits. */
bool mm_whole_fits(mm_whole w, unsigned bits, bool is_signed);

/* In two's complement. */
uint64_t mm_whole_bits(mm_whole w);

#endif
