/*
** find.h: search over bytes in memory, as fast as the memory is read.
**
** Never reads outside data[0 .. size-1]. The worst case is linear. A long search asks its watch about
** every MM_PIECE bytes (it may be NULL) and ends with MM_FIND_STOPPED when that says so.
*/
#ifndef MM_FIND_H
#define MM_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/common/watch.h"
#include "core/search/kernel/find_heads.h"
#include "core/search/kernel/find_page.h"

enum { MM_FIND_NONE = -1, MM_FIND_STOPPED = -2 };

/* A needle made ready. It borrows the needle's bytes: they must outlive it. */
typedef struct mm_needle {
  const uint8_t *data;
  uint64_t size;
  uint64_t rare[2]; /* offsets in the needle of two of its rarest bytes, rare[0] < rare[1]; both 0
                    ** if it has less than two bytes */
} mm_needle;

/* Make `needle` ready; takes at most a few microseconds, allocates nothing. */
void mm_needle_prepare(mm_needle *needle, const uint8_t *data, uint64_t size);

/* Offset of the first (mm_find) or last (mm_rfind) occurrence, or MM_FIND_NONE, or MM_FIND_STOPPED.
** An empty needle is found at 0 (at `size`). */
int64_t mm_find(const mm_needle *needle, const uint8_t *data, uint64_t size, const mm_watch *watch);
int64_t mm_rfind(const mm_needle *needle, const uint8_t *data, uint64_t size,
                 const mm_watch *watch);

/* How many occurrences there are, overlapping ones included; MM_FIND_STOPPED. An empty needle has
** size+1. */
int64_t mm_count(const mm_needle *needle, const uint8_t *data, uint64_t size,
                 const mm_watch *watch);

/* First offset whose byte is set in `set` (bit b&7 of set[b>>3]), or MM_FIND_NONE. It runs at
** the speed of mm_find (where there are no vectors, only for a set of one byte). */
int64_t mm_find_set(const uint8_t set[32], const uint8_t *data, uint64_t size,
                    const mm_watch *watch);
int64_t mm_rfind_set(const uint8_t set[32], const uint8_t *data, uint64_t size,
                     const mm_watch *watch);
/* How many bytes of data are in the set. */
int64_t mm_count_set(const uint8_t set[32], const uint8_t *data, uint64_t size,
                     const mm_watch *watch);

/* The offsets of all bytes of data[0 .. MM_FIND_PAGE-1] that equal `byte`; returns how many. For
** bytes that are not rare: the ends of lines. */
unsigned mm_find_places(uint8_t byte, const uint8_t *data, uint16_t places[MM_FIND_PAGE]);
/* The same for those that are in the set. */
unsigned mm_find_set_places(const uint8_t set[32], const uint8_t *data,
                            uint16_t places[MM_FIND_PAGE]);

/* First offset at which `least` (1 or more) bytes begin that are all in the set; MM_FIND_NONE,
** MM_FIND_STOPPED. Most of the data is not even read where runs are much shorter than that. */
int64_t mm_find_run(const uint8_t set[32], uint64_t least, const uint8_t *data, uint64_t size,
                    const mm_watch *watch);

/* The offset of the first block of MM_FIND_BLOCK places, counted from data, in which a head may begin:
** *bits tells at which of them (bit 0 at the first), and buckets[] in which buckets it may be at each.
** There is none: *bits is 0, and the offset that of the rest, less than a block, which was not looked
** at. All of data[0 .. places-1 + MM_FIND_HEADS-1] is read. Asks no watch. */
uint64_t mm_find_heads(const mm_heads_table *heads, const uint8_t *data, uint64_t places,
                       uint64_t *bits, uint8_t buckets[MM_FIND_BLOCK]);

/* Add to counts[256] how often each byte occurs, by up to so many threads (parts.h). 0, or
** MM_FIND_STOPPED. */
int mm_histogram(const uint8_t *data, uint64_t size, uint64_t counts[256], unsigned threads,
                 const mm_watch *watch);

/* Length of the common prefix of a and b (size bytes each): the offset of the first difference, or
** `size`. And the first offset at which they agree again, or `size`. */
uint64_t mm_mismatch(const uint8_t *a, const uint8_t *b, uint64_t size);
uint64_t mm_match(const uint8_t *a, const uint8_t *b, uint64_t size);

/* The loops in use: "avx512", "avx2", "neon" or "portable", or "avx512+avx2", where those for needles are
** the latter's. And force some by their name, for tests and measurements (NULL: the best there are);
** false if this machine lacks them. */
const char *mm_find_path(void);
bool mm_find_use(const char *path);

#endif
