/*
** hex.h: YARA's hex strings as regular expressions.
**
**     F4 ?? A? ?A      bytes; ? is any digit
**     ~00 ~?0          any byte but these
**     [4] [4-6] [4-]   so many bytes of any kind; not first or last
**     ( 62 B4 | 56 )   one or the other; | only inside brackets
**
** Digits in either case; white space, comments as in C++, and a { } around it all are skipped.
*/
#ifndef MM_HEX_H
#define MM_HEX_H

#include <stdint.h>

#include "core/common/error.h"

/* The expression, for mm_pattern_compile: text that ends with a NUL, the caller's to mm_free.
** MM_ERROR "bad hex pattern at 3: a digit is missing", where 3 counts bytes from 0; MM_NOMEM. */
int mm_hex_regex(const char *pattern, uint64_t size, char **out, mm_error *err);

/* The value of a hexadecimal digit in either case; -1: it is none. */
int mm_hex_digit(char c);

#endif
