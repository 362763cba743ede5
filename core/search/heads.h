/*
** heads.h: where one of several literals is: the alternatives of a regular expression.
**
** Of each literal the first bytes are looked for, all of them at once, by vectors; literals are
** compared where these fit. Bytes of which only some bits are known will do as well.
*/
#ifndef MM_HEADS_H
#define MM_HEADS_H

#include "core/search/find.h"

#define MM_HEADS_MOST 64    /* literals */
#define MM_HEADS_LENGTH 32u /* bytes of each */

/* Of byte i is known that (byte & mask[i]) == value[i]. */
typedef struct mm_head {
  uint8_t value[MM_HEADS_LENGTH], mask[MM_HEADS_LENGTH];
  unsigned size; /* 1..MM_HEADS_LENGTH */
} mm_head;

/* Literals made ready. They are borrowed. */
typedef struct mm_heads {
  const mm_head *literals;
  unsigned least; /* bytes of the shortest */
  mm_heads_table table;
  uint8_t bucket[9];            /* bucket b has order[bucket[b]] .. order[bucket[b+1]-1] */
  uint8_t order[MM_HEADS_MOST]; /* literals; ascending within a bucket */
  /* By literal: its first eight bytes, as they are loaded; what it has not got is masked out. */
  uint64_t value[MM_HEADS_MOST], mask[MM_HEADS_MOST];
} mm_heads;

/* 1 to MM_HEADS_MOST literals. */
void mm_heads_prepare(mm_heads *heads, const mm_head *literals, unsigned count);

/* Where a search stands. All zeros but for `next`: before the first place to be looked at. */
typedef struct mm_heads_scan {
  uint64_t next;                  /* the first place that was not looked at */
  uint64_t block;                 /* places from here … */
  uint64_t bits;                  /* … where a literal may be … */
  uint8_t buckets[MM_FIND_BLOCK]; /* … of these buckets */
} mm_heads_scan;

/* Leave out the places before `from` that were not handed out yet. */
static inline void mm_heads_skip(mm_heads_scan *scan, uint64_t from) {
  uint64_t lanes = from > scan->block ? from - scan->block : 0;
  scan->bits = lanes < MM_FIND_BLOCK ? scan->bits & (~(uint64_t)0 << lanes) : 0;
  if (scan->next < from) scan->next = from;
}

/* The next place in data[0 .. size-1] where a literal is, and the first one, as they were given, that
** is there. MM_FIND_NONE, MM_FIND_STOPPED. */
int64_t mm_heads_find(const mm_heads *heads, mm_heads_scan *scan, const uint8_t *data,
                      uint64_t size, const mm_watch *watch, unsigned *literal);

#endif
