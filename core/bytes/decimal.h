/*
** decimal.h: numbers as text.
**
** No function of the C library sees or makes a decimal point here, as what that is depends on the
** locale of the host. A text is a number if it is one from its first byte to its last: a sign,
** digits with at most one point among them, "e" and an integer.
*/
#ifndef MM_DECIMAL_H
#define MM_DECIMAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes/whole.h"

/* Rounded once, to nearest. False: no number, or one that is not finite then. */
bool mm_text_double(const uint8_t *text, uint64_t size, double *out);
bool mm_text_float(const uint8_t *text, uint64_t size, float *out);

/* The double nearest to it or, if it is between two, the one of them whose last bit is odd: what is
** then rounded to fewer than 51 bits is rounded as if from the text itself (S. Boldo, G. Melquiond,
** Emulation of FMA and correctly rounded sums: proved algorithms using rounding to odd, 2008). */
bool mm_text_odd(const uint8_t *text, uint64_t size, double *out);

/* False: no number, no integer, or one of more than 64 bits. */
bool mm_text_whole(const uint8_t *text, uint64_t size, mm_whole *w);

#define MM_NUMBER_TEXT 40

/* SQLite's %!.*g, with a decimal point and a digit behind it always; NaN, Inf, -Inf. */
void mm_print_real(double real, int precision, char out[MM_NUMBER_TEXT]);

/* With 15 digits, as SQLite prints it, if they name this number and no other; else with all 17. */
void mm_print_real_exactly(double real, char out[MM_NUMBER_TEXT]);

#endif
