#include "core/strings.h"

#include "core/lanes.h"

static mm_lane printable_lanes(const uint8_t *p) {
  mm_lane bytes = mm_lane_load(p);
  mm_lane graphic = mm_lane_between(bytes, mm_lane_splat(0x20), mm_lane_splat(0x7e));
  return mm_lane_either(graphic, mm_lane_test(bytes, mm_lane_splat(0xff), mm_lane_splat('\t')));
}

/* Which of the 64 bytes from i on are printable? None beyond the end. */
static uint64_t printable(const uint8_t *data, uint64_t size, uint64_t i) {
  if (i >= size) return 0;
  const uint8_t *p = data + i;
  if (size - i >= MM_LANES)
    return mm_lanes_bits(printable_lanes(p), printable_lanes(p + 16), printable_lanes(p + 32),
                         printable_lanes(p + 48));
  uint64_t bits = 0;
  for (uint64_t k = 0; k < size - i; k++) bits |= (uint64_t)mm_printable(p[k]) << k;
  return bits;
}

/* Where `depth` (1 to 4) printable characters in a row begin, the next 64 bytes taken into
** account. */
static uint64_t beginnings(uint64_t bits, uint64_t next, unsigned depth) {
  uint64_t all = bits;
  for (unsigned k = 1; k < depth; k++) all &= bits >> k | next << (64 - k);
  return all;
}

static bool stops(const mm_find_watch *watch, uint64_t i) {
  return watch && watch->stop && watch->stop(watch->context, i);
}

static bool watch_stops(const mm_find_watch *watch, uint64_t i) {
  return i % MM_FIND_PIECE < MM_LANES && stops(watch, i);
}

uint64_t mm_strings_end(const uint8_t *data, uint64_t size, uint64_t from,
                        const mm_find_watch *watch) {
  for (uint64_t i = from; i < size; i += MM_LANES) {
    uint64_t bits = ~printable(data, size, i);
    if (bits) {
      uint64_t end = i + mm_lanes_first(bits);
      return end < size ? end : size;
    }
    if (watch_stops(watch, i)) return UINT64_MAX;
  }
  return size;
}

/* The first place from `from` on where `depth` printable characters in a row begin; `size`:
** none. */
static uint64_t next_beginning(const uint8_t *data, uint64_t size, uint64_t from, unsigned depth,
                               const mm_find_watch *watch) {
  uint64_t bits = printable(data, size, from);
  for (uint64_t i = from; i < size; i += MM_LANES) {
    uint64_t next = printable(data, size, i + MM_LANES);
    uint64_t all = beginnings(bits, next, depth);
    if (all) return i + mm_lanes_first(all);
    if (watch_stops(watch, i)) return UINT64_MAX;
    bits = next;
  }
  return size;
}

int mm_strings_next(const uint8_t *data, uint64_t size, uint64_t from, uint64_t last,
                    uint64_t least, const mm_find_watch *watch, uint64_t *start, uint64_t *end) {
  unsigned depth = least < 4 ? (unsigned)least : 4;
  uint64_t limit = last < size && size - last > depth ? last + depth : size; /* for beginnings */
  uint64_t looked = from;
  for (*end = from; *end < limit;) {
    /* Runs that are too short end before a piece does, each of them. */
    if (*end - looked >= MM_FIND_PIECE) {
      if (stops(watch, *end)) return MM_FIND_STOPPED;
      looked = *end;
    }
    *start = next_beginning(data, limit, *end, depth, watch);
    if (*start == UINT64_MAX) return MM_FIND_STOPPED;
    if (*start == limit) break;
    *end = mm_strings_end(data, size, *start, watch);
    if (*end == UINT64_MAX) return MM_FIND_STOPPED;
    if (*end - *start >= least) return 0;
  }
  return MM_FIND_NONE;
}
