/*
** half.h: floats of 16 bits.
**
**     f16     1 sign, 5 exponent (bias 15), 10 fraction bits: IEEE 754's binary16
**     bf16    1 sign, 8 exponent (bias 127), 7 fraction bits: the upper half of an f32
**
** Both have subnormal numbers, infinities and NaNs, as IEEE 754 has them.
*/
#ifndef MM_HALF_H
#define MM_HALF_H

#include <stdbool.h>
#include <stdint.h>

enum mm_half_kind { MM_HALF_F16, MM_HALF_BF16 };

/* Its value; exact, as a double holds all of them. */
double mm_half_value(int kind, uint16_t bits);

/* The nearest one, of two as near the even one. False: a NaN, or finite and beyond their range. */
bool mm_half_round(int kind, double real, uint16_t *bits);

#endif
