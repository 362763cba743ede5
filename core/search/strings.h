/*
** strings.h: the runs of printable characters in a file, as strings(1) finds them.
**
** A character is a byte, or one of UTF-16 the same byte with a zero behind (le) or before it (be).
** Such runs may begin at any offset, and no two of them have a byte in common.
*/
#ifndef MM_STRINGS_H
#define MM_STRINGS_H

#include "core/search/find.h"

enum mm_strings_encoding { MM_STRINGS_ASCII, MM_STRINGS_UTF16LE, MM_STRINGS_UTF16BE };

/* Bytes of a character. */
static inline unsigned mm_strings_step(int encoding) {
  return encoding == MM_STRINGS_ASCII ? 1 : 2;
}

/* Printable ASCII and TAB. */
static inline bool mm_printable(uint8_t byte) {
  return (byte >= 0x20 && byte <= 0x7e) || byte == '\t';
}

/* The first run of at least `least` (not 0) printable characters in data[0 .. size-1], of what
** begins at from .. last: *start .. *end-1. If a character of a run begins at `from`, what is left
** of the run counts as one. Beyond `last` only the run itself is read. 0, MM_FIND_NONE or
** MM_FIND_STOPPED. */
int mm_strings_next(int encoding, const uint8_t *data, uint64_t size, uint64_t from, uint64_t last,
                    uint64_t least, const mm_watch *watch, uint64_t *start, uint64_t *end);

/* The end of the run that begins before `at` and goes on there, or else `at`, which is at most
** `size`. UINT64_MAX: stopped. */
uint64_t mm_strings_pass(int encoding, const uint8_t *data, uint64_t size, uint64_t at,
                         const mm_watch *watch);

#endif
