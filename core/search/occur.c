#include "core/search/occur.h"

#include <string.h>

#include "core/search/lanes.h"

static bool is_at(const mm_needle *needle, const uint8_t *place) {
  return memcmp(place, needle->data, (size_t)needle->size) == 0;
}

static uint64_t equal(const uint8_t *p, uint8_t byte) {
  mm_lane all = mm_lane_splat(0xff), value = mm_lane_splat(byte);
  return mm_lanes_bits(mm_lane_test(mm_lane_load(p), all, value),
                       mm_lane_test(mm_lane_load(p + 16), all, value),
                       mm_lane_test(mm_lane_load(p + 32), all, value),
                       mm_lane_test(mm_lane_load(p + 48), all, value));
}

/* At which of the 64 places from `text` on is the needle? All of it can be read at each. */
static uint64_t occur_look(const mm_needle *needle, const uint8_t *text) {
  uint64_t a = needle->rare[0], b = needle->rare[1], hits = 0;
  uint64_t bits = equal(text + a, needle->data[a]);
  if (needle->size == 1) return bits;
  bits &= equal(text + b, needle->data[b]);
  if (needle->size == 2) return bits;
  for (; bits; bits &= bits - 1) {
    if (is_at(needle, text + mm_lanes_first(bits))) hits |= bits & (0 - bits);
  }
  return hits;
}

/* The same for the last, fewer places. */
static uint64_t look_slowly(const mm_needle *needle, const uint8_t *text, uint64_t places) {
  uint64_t hits = 0;
  for (uint64_t i = 0; i < places; i++) {
    if (is_at(needle, text + i)) hits |= (uint64_t)1 << i;
  }
  return hits;
}

/* A long needle is dear to compare at each of many places: mm_find does it in linear time. */
#define LOOK_MOST 256

/* A long needle that lies over itself repeats what it lay further on by. So as long as the text goes on
** in the same way, the next occurrence is as far on, and none lies between; all of it need not be
** compared for that, which would be as many bytes at each of as many places. Once in its own length it
** is: others may write the text meanwhile. */
static bool recurs(const mm_occur *scan, const mm_needle *needle, const uint8_t *data,
                   uint64_t size) {
  uint64_t step = scan->step, end = scan->last - 1 + needle->size;
  if (scan->last == 0 || step == 0 || step > needle->size / 2) return false;
  if (scan->last - scan->sure + step > needle->size) return false;
  return scan->next == scan->last && end <= size && step <= size - end &&
         memcmp(data + end - step, data + end, (size_t)step) == 0;
}

static int64_t next_long(mm_occur *scan, const mm_needle *needle, const uint8_t *data,
                         uint64_t size, const mm_watch *watch) {
  int64_t place = MM_FIND_NONE;
  bool goes_on = scan->last > 0 && scan->next == scan->last;
  if (recurs(scan, needle, data, size)) {
    place = (int64_t)(scan->last - 1 + scan->step);
  } else if (scan->next <= size) {
    place = mm_find(needle, data + scan->next, size - scan->next, watch);
    if (place < 0) return place;
    place += (int64_t)scan->next;
    scan->sure = (uint64_t)place + 1;
    scan->step = goes_on ? (uint64_t)place + 1 - scan->last : 0;
  }
  if (place >= 0) scan->next = scan->last = (uint64_t)place + 1;
  return place;
}

/* So many blocks without an occurrence cost no more than a call of mm_find. */
#define DENSE 8

int64_t mm_occur_search(mm_occur *scan, const mm_needle *needle, const uint8_t *data, uint64_t size,
                        const mm_watch *watch) {
  uint64_t places = size < needle->size ? 0 : size - needle->size + 1;
  if (needle->size > LOOK_MOST) return next_long(scan, needle, data, size, watch);
  while (scan->next < places) {
    if (scan->dense == 0) {
      int64_t found = mm_find(needle, data + scan->next, size - scan->next, watch);
      if (found < 0) return found;
      scan->next += (uint64_t)found;
    }
    uint64_t left = places - scan->next < MM_LANES ? places - scan->next : MM_LANES;
    scan->block = scan->next;
    scan->bits = left == MM_LANES ? occur_look(needle, data + scan->block)
                                  : look_slowly(needle, data + scan->block, left);
    scan->next += left;
    scan->dense = scan->bits ? DENSE : scan->dense ? scan->dense - 1 : 0;
    int64_t place;
    if (mm_occur_take(scan, &place)) return place;
  }
  return MM_FIND_NONE;
}
