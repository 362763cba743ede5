/*
** slice.h: Python's slices.
**
** Negative bounds count from the end, bounds out of range are clamped, the step may be negative:
** exactly slice.indices() of Python, over lengths of up to 2^63-1.
*/
#ifndef MM_SLICE_H
#define MM_SLICE_H

#include <stdbool.h>
#include <stdint.h>

/* A bound or step that may have been left out. */
typedef struct mm_optional {
  bool given;
  int64_t value;
} mm_optional;

/* `count` elements at start, start+step, start+2*step … all of them inside 0..length-1. With a
** count of 0 start is Python's still, and no element: -1 to length. */
typedef struct mm_slice {
  int64_t start;
  int64_t step;
  int64_t count;
} mm_slice;

/* The elements that `[start:stop:step]` picks of `length` (not negative). `step` must not be 0;
** left out it is 1. Any other values are allowed, INT64_MIN and INT64_MAX included. */
mm_slice mm_slice_resolve(int64_t length, mm_optional start, mm_optional stop, mm_optional step);

/* The bounds of a search: start defaults to 0, stop to length, both clamped to 0..length as above,
** so that *stop may be below *start. `past` tells that start, before it was clamped, lay beyond the
** end: nothing is found there, not even an empty needle. */
void mm_slice_bounds(int64_t length, mm_optional start, mm_optional stop, int64_t *from,
                     int64_t *to, bool *past);

/* The elements of a slice of `data`, copied in order into `out` (count bytes). */
void mm_slice_copy(mm_slice slice, const uint8_t *data, uint8_t *out);

#endif
