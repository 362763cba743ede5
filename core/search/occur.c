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

/* So many blocks without an occurrence cost no more than a call of mm_find. */
#define DENSE 8

int64_t mm_occur_search(mm_occur *scan, const mm_needle *needle, const uint8_t *data, uint64_t size,
                        const mm_watch *watch) {
  uint64_t places = size < needle->size ? 0 : size - needle->size + 1;
  while (scan->next < places) {
    if (scan->dense == 0) {
      int64_t found = mm_find(needle, data + scan->next, size - scan->next, watch);
      if (found < 0) return found;
      scan->next += (uint64_t)found;
    }
    uint64_t left = places - scan->next < MM_LANES ? places - scan->next : MM_LANES;
    if (needle->size > LOOK_MOST) left = 1;
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
