#include "core/search/strings.h"

#include "core/search/lanes.h"

static mm_lane printable_lanes(mm_lane bytes) {
  mm_lane graphic = mm_lane_between(bytes, mm_lane_splat(0x20), mm_lane_splat(0x7e));
  return mm_lane_either(graphic, mm_lane_test(bytes, mm_lane_splat(0xff), mm_lane_splat('\t')));
}

/* Which of the 64 bytes from i on are printable? None beyond the end. */
static uint64_t printable(const uint8_t *data, uint64_t size, uint64_t i) {
  if (i >= size) return 0;
  const uint8_t *p = data + i;
  if (size - i >= MM_LANES)
    return mm_lanes_bits(printable_lanes(mm_lane_load(p)), printable_lanes(mm_lane_load(p + 16)),
                         printable_lanes(mm_lane_load(p + 32)),
                         printable_lanes(mm_lane_load(p + 48)));
  uint64_t bits = 0;
  for (uint64_t k = 0; k < size - i; k++) bits |= (uint64_t)mm_printable(p[k]) << k;
  return bits;
}

static mm_lane zero_lanes(const uint8_t *p) {
  return mm_lane_test(mm_lane_load(p), mm_lane_splat(0xff), mm_lane_splat(0));
}

/* Which are zero? */
static uint64_t zeros(const uint8_t *data, uint64_t size, uint64_t i) {
  if (i >= size) return 0;
  const uint8_t *p = data + i;
  if (size - i >= MM_LANES)
    return mm_lanes_bits(zero_lanes(p), zero_lanes(p + 16), zero_lanes(p + 32), zero_lanes(p + 48));
  uint64_t bits = 0;
  for (uint64_t k = 0; k < size - i; k++) bits |= (uint64_t)(p[k] == 0) << k;
  return bits;
}

/* At which of the 64 places from i on does a printable character lie, all of it before the end? */
static uint64_t characters(int encoding, const uint8_t *data, uint64_t size, uint64_t i) {
  switch (encoding) {
    case MM_STRINGS_UTF16LE:
      return printable(data, size, i) & zeros(data, size, i + 1);
    case MM_STRINGS_UTF16BE:
      return zeros(data, size, i) & printable(data, size, i + 1);
    default:
      return printable(data, size, i);
  }
}

/* Where `depth` (1 to 4) characters in a row begin, the next 64 places taken into account. */
static uint64_t beginnings(uint64_t bits, uint64_t next, unsigned depth, unsigned step) {
  uint64_t all = bits;
  for (unsigned k = step; k < depth * step; k += step) all &= bits >> k | next << (64 - k);
  return all;
}

static bool stops(const mm_watch *watch, uint64_t i) {
  return mm_watch_stops(watch, i);
}

static bool watch_stops(const mm_watch *watch, uint64_t i) {
  return i % MM_PIECE < MM_LANES && stops(watch, i);
}

/* The first place, some characters from `from` on, where there is none. UINT64_MAX: stopped. */
static uint64_t run_end(int encoding, const uint8_t *data, uint64_t size, uint64_t from,
                        const mm_watch *watch) {
  uint64_t places =
      encoding == MM_STRINGS_ASCII ? UINT64_MAX : UINT64_MAX / 3; /* each; every 2nd */
  for (uint64_t i = from; i < size; i += MM_LANES) {
    uint64_t bits = ~characters(encoding, data, size, i) & places;
    if (bits) {
      uint64_t end = i + mm_lanes_first(bits);
      return end < size ? end : size;
    }
    if (watch_stops(watch, i)) return UINT64_MAX;
  }
  return size;
}

static bool is_character(int encoding, const uint8_t *data, uint64_t size, uint64_t i) {
  return characters(encoding, data, size, i) & 1;
}

uint64_t mm_strings_pass(int encoding, const uint8_t *data, uint64_t size, uint64_t at,
                         const mm_watch *watch) {
  for (unsigned back = 1; back <= mm_strings_step(encoding) && back <= at; back++) {
    if (is_character(encoding, data, size, at - back)) {
      return run_end(encoding, data, size, at - back, watch);
    }
  }
  return at;
}

/* The first place from `from` on where `depth` characters in a row begin; `size`: none. */
static uint64_t next_beginning(int encoding, const uint8_t *data, uint64_t size, uint64_t from,
                               unsigned depth, const mm_watch *watch) {
  uint64_t bits = characters(encoding, data, size, from);
  for (uint64_t i = from; i < size; i += MM_LANES) {
    uint64_t next = characters(encoding, data, size, i + MM_LANES);
    uint64_t all = beginnings(bits, next, depth, mm_strings_step(encoding));
    if (all) return i + mm_lanes_first(all);
    if (watch_stops(watch, i)) return UINT64_MAX;
    bits = next;
  }
  return size;
}

int mm_strings_next(int encoding, const uint8_t *data, uint64_t size, uint64_t from, uint64_t last,
                    uint64_t least, const mm_watch *watch, uint64_t *start, uint64_t *end) {
  unsigned depth = least < 4 ? (unsigned)least : 4, step = mm_strings_step(encoding);
  unsigned bytes = depth * step;
  uint64_t limit = last < size && size - last > bytes ? last + bytes : size; /* for beginnings */
  uint64_t looked = from;
  for (*end = from; *end < limit;) {
    /* Runs that are too short end before a piece does, each of them. */
    if (*end - looked >= MM_PIECE) {
      if (stops(watch, *end)) return MM_FIND_STOPPED;
      looked = *end;
    }
    *start = next_beginning(encoding, data, limit, *end, depth, watch);
    if (*start == UINT64_MAX) return MM_FIND_STOPPED;
    if (*start == limit) break;
    *end = run_end(encoding, data, size, *start, watch);
    if (*end == UINT64_MAX) return MM_FIND_STOPPED;
    if ((*end - *start) / step >= least) return 0;
  }
  return MM_FIND_NONE;
}
