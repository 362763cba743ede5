/*
** occur.h: all occurrences of a needle, one after the other.
**
** mm_find is made for needles that are rare. Where occurrences are close to each other, this looks
** at 64 places at once and hands out what it has found there, for a few cycles each.
*/
#ifndef MM_OCCUR_H
#define MM_OCCUR_H

#include "core/search/find.h"

/* Where such a scan stands. All zeros but for `next`: before the first place to be looked at. */
typedef struct mm_occur {
  uint64_t next;  /* the first place that was not looked at */
  uint64_t block; /* places from here … */
  uint64_t bits;  /* … where the needle is, and that were not handed out yet */
  unsigned dense; /* so many blocks are looked at before mm_find is asked again */
  uint64_t last;  /* of a long needle: 1 more than the last occurrence's place, 0: none yet; … */
  uint64_t step;  /* … and how far behind the one before it lay; 0: unknown */
  uint64_t sure;  /* likewise, as `last`: of the last one that was compared whole */
} mm_occur;

/* The next occurrence that is known already, without a look at the data: it may have changed
** since. */
static inline bool mm_occur_take(mm_occur *scan, int64_t *place) {
  if (!scan->bits) return false;
  *place = (int64_t)(scan->block + (uint64_t)__builtin_ctzll(scan->bits));
  scan->bits &= scan->bits - 1;
  return true;
}

/* When none is known: the next occurrence in data[0 .. size-1] of a needle of at least one byte, or
** MM_FIND_NONE, or MM_FIND_STOPPED. */
int64_t mm_occur_search(mm_occur *scan, const mm_needle *needle, const uint8_t *data, uint64_t size,
                        const mm_watch *watch);

#endif
