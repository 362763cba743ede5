/*
** watch.h: "shall I go on?", asked now and then in the course of long work.
*/
#ifndef MM_WATCH_H
#define MM_WATCH_H

#include <stdint.h>

/* About so many bytes are dealt with between two questions. */
#define MM_PIECE ((uint64_t)4 << 20)

/* Who is asked; NULL, or one of all zeros, stops nothing. `done`: bytes dealt with so far. */
typedef struct mm_watch {
  int (*stop)(void *context, uint64_t done); /* nonzero to stop */
  void *context;
} mm_watch;

static inline int mm_watch_stops(const mm_watch *watch, uint64_t done) {
  return watch && watch->stop ? watch->stop(watch->context, done) : 0;
}

/* Asked by work of many steps: `bytes` more have been dealt with. NULL is never asked. */
typedef struct mm_pace {
  mm_watch watch;
  uint64_t unasked; /* bytes since it was asked last */
} mm_pace;

static inline int mm_pace_stops(mm_pace *pace, uint64_t bytes) {
  if (!pace || (pace->unasked += bytes) < MM_PIECE) return 0;
  uint64_t done = pace->unasked;
  pace->unasked = 0;
  return mm_watch_stops(&pace->watch, done);
}

#endif
