/*
** many.h: every occurrence of many needles in one pass over bytes in memory, overlapping ones
** included.
**
** Takes time linear in the bytes for needles as they are. At worst, where needles are made for it, each
** place costs as much as 256 bytes, and each longer needle a search of its own, which is linear, too; of
** more than 64 needles that are longer, each place as much as the longest.
*/
#ifndef MM_MANY_H
#define MM_MANY_H

#include "core/common/error.h"
#include "core/search/find.h"

typedef struct mm_many mm_many;

typedef struct mm_bytes {
  const uint8_t *data;
  uint64_t size; /* at least 1 */
} mm_bytes;

/* Make the needles ready: their bytes are copied. Several may be the same. MM_TOOBIG of more than
** 2^31; MM_NOMEM; MM_INTERRUPT where the watch (may be NULL) stops it. It serves one scan at a time. */
int mm_many_compile(const mm_bytes *needles, size_t count, const mm_watch *watch, mm_many **out,
                    mm_error *err);
void mm_many_free(mm_many *many); /* NULL is allowed */

/* A needle's bytes, by its number from 0. */
mm_bytes mm_many_needle(const mm_many *many, size_t needle);
size_t mm_many_count(const mm_many *many);

typedef struct mm_many_found {
  uint64_t place, size;
  size_t needle; /* its number */
} mm_many_found;

/* Where a scan stands. All zeros but for `next`: before the first place to be looked at. */
typedef struct mm_many_scan {
  uint64_t next;  /* the first place that was not looked at */
  uint64_t place; /* of those that are still to be handed out */
  size_t left;
  bool begun; /* false: nothing is known of what lies ahead, as where the bytes have changed */
} mm_many_scan;

/* The first needle of those at the next place, by number: then the others there are not told. Returns what
** mm_many_next does. */
int mm_many_first(mm_many *many, mm_many_scan *scan, const uint8_t *data, uint64_t size,
                  const mm_watch *watch, mm_many_found *found);

/* The next occurrence in data[0 .. size-1], by place, then size, then number. 1: *found is set; 0:
** there is none; MM_FIND_STOPPED: the watch (may be NULL) said so. */
int mm_many_next(mm_many *many, mm_many_scan *scan, const uint8_t *data, uint64_t size,
                 const mm_watch *watch, mm_many_found *found);

#endif
