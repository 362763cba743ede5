#include "core/bytes/slice.h"

#include <string.h>

/* The rule is that of CPython's PySlice_AdjustIndices (Objects/sliceobject.c). */

static int64_t clamp(int64_t bound, int64_t length, int64_t lower, int64_t upper) {
  if (bound < 0) bound += length; /* of opposite signs: no overflow */
  if (bound < lower) return lower;
  return bound > upper ? upper : bound;
}

static int64_t bound_or(mm_optional bound, int64_t otherwise, int64_t length, int64_t lower,
                        int64_t upper) {
  return bound.given ? clamp(bound.value, length, lower, upper) : otherwise;
}

static int64_t count_up(int64_t start, int64_t stop, int64_t step) {
  return start < stop ? (stop - start - 1) / step + 1 : 0;
}

/* -INT64_MIN is only a number when unsigned. stop is -1 at least, so start - stop - 1 is start at
** most. */
static int64_t count_down(int64_t start, int64_t stop, int64_t step) {
  if (stop >= start) return 0;
  uint64_t stride = 0 - (uint64_t)step;
  return (int64_t)((uint64_t)(start - stop - 1) / stride) + 1;
}

mm_slice mm_slice_resolve(int64_t length, mm_optional start, mm_optional stop, mm_optional step) {
  mm_slice slice = {.step = step.given ? step.value : 1};
  bool down = slice.step < 0;
  int64_t lower = down ? -1 : 0;
  int64_t upper = down ? length - 1 : length;
  int64_t end = bound_or(stop, down ? lower : upper, length, lower, upper);
  slice.start = bound_or(start, down ? upper : lower, length, lower, upper);
  slice.count =
      down ? count_down(slice.start, end, slice.step) : count_up(slice.start, end, slice.step);
  return slice;
}

void mm_slice_bounds(int64_t length, mm_optional start, mm_optional stop, int64_t *from,
                     int64_t *to, bool *past) {
  *from = bound_or(start, 0, length, 0, length);
  *to = bound_or(stop, length, length, 0, length);
  *past = start.given && start.value > length;
}

void mm_slice_copy(mm_slice slice, const uint8_t *data, uint8_t *out) {
  if (slice.count <= 0) return;
  if (slice.step == 1) {
    memcpy(out, data + slice.start, (size_t)slice.count);
    return;
  }
  /* Unsigned, because the step behind the last element may leave the range of int64_t. */
  uint64_t at = (uint64_t)slice.start;
  for (int64_t i = 0; i < slice.count; i++) {
    out[i] = data[at];
    at += (uint64_t)slice.step;
  }
}
