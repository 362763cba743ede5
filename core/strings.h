/*
** strings.h: the runs of printable characters in a file, as strings(1) finds them.
*/
#ifndef MM_STRINGS_H
#define MM_STRINGS_H

#include "core/find.h"

/* Printable ASCII and TAB. */
static inline bool mm_printable(uint8_t byte) {
  return (byte >= 0x20 && byte <= 0x7e) || byte == '\t';
}

/* The first run of at least `least` (not 0) printable characters in data[0 .. size-1], of what
** begins at from .. last: *start .. *end-1. If `from` is inside a run, what is left of it counts as
** one. Beyond `last` only the run itself is read. 0, MM_FIND_NONE or MM_FIND_STOPPED. */
int mm_strings_next(const uint8_t *data, uint64_t size, uint64_t from, uint64_t last,
                    uint64_t least, const mm_find_watch *watch, uint64_t *start, uint64_t *end);

/* The first byte from `from` on that is not printable, or `size`. UINT64_MAX: stopped. */
uint64_t mm_strings_end(const uint8_t *data, uint64_t size, uint64_t from,
                        const mm_find_watch *watch);

#endif
