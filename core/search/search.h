/*
** search.h: search for a regular expression over bytes in memory.
**
** The expressions are PCRE2's, over bytes (not UTF), without options: `.` is any byte but a
** newline. One thing is as in Python's re: (?m)^ is also found after a newline at the very end.
** Where a match must contain certain bytes (literal.h), only starts from which these can be reached
** are tried (lead.h), and none at all where the pattern is nothing but such bytes: so the search
** runs at the speed of find.h. What it finds is what PCRE2 finds that tries all starts.
**
** An attempt at one place that needs too much work is an error, and a long search asks `stop` every
** few milliseconds. Only an element that repeats itself over very many bytes at once, as \x00+ does
** in a file of zeros, is not interrupted: that takes about 50 ms for 50 MB, some of it twice.
**
** A pattern remembers its last match, so it serves one search at a time.
*/
#ifndef MM_SEARCH_H
#define MM_SEARCH_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/search/find.h"

typedef struct mm_pattern mm_pattern;

/* A match or a group of it: bytes start .. end-1. */
typedef struct mm_span {
  uint64_t start, end;
} mm_span;

/* Compile `size` bytes of pattern; they are copied. MM_ERROR "bad pattern at 3: …", where 3 counts
** bytes from 0; MM_NOMEM. */
int mm_pattern_compile(const uint8_t *text, uint64_t size, mm_pattern **out, mm_error *err);
void mm_pattern_free(mm_pattern *pattern); /* NULL is allowed */

/* Was it compiled from these bytes? */
bool mm_pattern_is(const mm_pattern *pattern, const uint8_t *text, uint64_t size);

/* How many groups it has. */
unsigned mm_pattern_groups(const mm_pattern *pattern);

/* The name of group n, from 1; "" if it has none. It lives as long as the pattern. */
const char *mm_pattern_group_name(const mm_pattern *pattern, unsigned n);

/* The first match in data[0 .. size-1] that starts at `from` (at most size) or later, and not after
** `last`, though it may end there; farther on no more is looked at than that takes. `^` is at 0,
** and lookbehind sees what lies before `from`. With `advance`, an empty match at `from` itself does
** not count: it is how a search goes on after an empty match. *found tells; *match is set if so.
** MM_ERROR "the pattern needs too much work at offset 7"; MM_INTERRUPT when `stop` said so (watch
** may be NULL). */
int mm_pattern_search(mm_pattern *pattern, const uint8_t *data, uint64_t size, uint64_t from,
                      uint64_t last, bool advance, const mm_watch *watch, bool *found,
                      mm_span *match, mm_error *err);

/* Group n, from 1, of the last match. False: it took no part in it, or there is no such group. */
bool mm_pattern_group(const mm_pattern *pattern, unsigned n, mm_span *group);

#endif
