/*
** parts.h: one piece of work, divided among threads.
**
**     static void sum_share(void *context, mm_share *share) {   called once in each thread
**       uint64_t from, to, sum = 0;
**       while (mm_share_next(share, &from, &to)) sum += …        its parts, each nobody else's
**       mm_share_lock(share);
**       ((summing *)context)->sum += sum;
**       mm_share_unlock(share);
**     }
**
**     mm_parts parts = {.count = size, .unit = 1, .threads = threads, .watch = watch};
**     int stop = mm_parts_run(&parts, sum_share, &summing);
**
** The caller's own thread is one of them, and the only one that the watch is asked in, or anything
** else that is the caller's. The others live no longer than the call; in them nothing is allocated,
** and no system call is made. They block all signals but those that an instruction of theirs raises,
** so a fault in a region of guard.h ends in its mark, whichever thread meets it.
**
** What comes out must not hang on who took which part: with one thread it is the same.
*/
#ifndef MM_PARTS_H
#define MM_PARTS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/watch.h"

#define MM_THREADS_MAX 64

/* Bytes of a part, where there are several threads, and of one where each of them has many: so few that
** all end at about the same time. Multiples of this, so parts of bytes begin at even places. */
#define MM_PART ((uint64_t)256 << 10)
#define MM_PART_MOST (4 * MM_PART)

/* A thread is made and ended in the time in which so many bytes are read at most: each has to have as
** many, so what is less than twice that stays in one. */
#define MM_PARTS_PAY ((uint64_t)2 << 20)

typedef struct mm_parts {
  uint64_t count;        /* what is divided: bytes, or blocks */
  uint64_t unit;         /* how many bytes each of it is, at least 1 */
  unsigned threads;      /* at most MM_THREADS_MAX; 0 is 1. Fewer where the system gives no more */
  const mm_watch *watch; /* asked about every MM_PIECE bytes that all threads together take; NULL */
} mm_parts;

/* What one thread has of it. */
typedef struct mm_share mm_share;
typedef void mm_share_work(void *context, mm_share *share);

/* Call `work` in each thread, and return when all have: 0, or what the watch said, which ended it. */
int mm_parts_run(const mm_parts *parts, mm_share_work *work, void *context);

/* The next part, [*from, *to) of the count; false: there is none, or the work was ended. Parts are
** given out in ascending order, without gaps. */
bool mm_share_next(mm_share *share, uint64_t *from, uint64_t *to);

/* No further parts are given out, but those that lie before any that was are all taken, and their
** threads complete them: for whoever looks for the first of something. */
void mm_share_end(mm_share *share);

/* Is it the caller's own thread? */
bool mm_share_is_own(const mm_share *share);

/* Around what all threads change: one at a time. */
void mm_share_lock(mm_share *share);
void mm_share_unlock(mm_share *share);

#endif
