#include "core/masked.h"

#include <string.h>

#include "core/lanes.h"

/* How much a byte narrows the search: its bits, less for bytes that files are full of. */
static unsigned narrows(const mm_literal *l, unsigned i) {
  unsigned bits = (unsigned)__builtin_popcount(l->mask[i]);
  bool common = l->value[i] == 0 || l->value[i] == 0xff || l->value[i] == ' ';
  return 2 * bits - (common && bits > 4 ? 7 : 0);
}

static unsigned best_but(const mm_literal *l, unsigned but) {
  unsigned best = but == 0 && l->size > 1 ? 1 : 0;
  for (unsigned i = 0; i < l->size; i++) {
    if (i != but && narrows(l, i) > narrows(l, best)) best = i;
  }
  return best;
}

void mm_masked_prepare(mm_masked *masked, const mm_literal *literal) {
  masked->literal = *literal;
  unsigned a = best_but(literal, UINT32_MAX), b = best_but(literal, a);
  masked->at[0] = a < b ? a : b;
  masked->at[1] = a < b ? b : a;
}

static bool fits(const mm_literal *l, const uint8_t *place) {
  for (unsigned i = 0; i < l->size; i++) {
    if ((place[i] & l->mask[i]) != l->value[i]) return false;
  }
  return true;
}

typedef struct filter {
  const uint8_t *text[2]; /* where the two bytes of the first place are */
  mm_lane mask[2], value[2];
} filter;

static filter make_filter(const mm_masked *masked, const uint8_t *data) {
  filter f;
  for (int i = 0; i < 2; i++) {
    unsigned k = masked->at[i];
    f.text[i] = data + k;
    f.mask[i] = mm_lane_splat(masked->literal.mask[k]);
    f.value[i] = mm_lane_splat(masked->literal.value[k]);
  }
  return f;
}

static inline mm_lane test(const filter *f, uint64_t i) {
  return mm_lane_both(mm_lane_test(mm_lane_load(f->text[0] + i), f->mask[0], f->value[0]),
                      mm_lane_test(mm_lane_load(f->text[1] + i), f->mask[1], f->value[1]));
}

/* The first of `places` places where the literal fits, or `places`. */
static uint64_t find_piece(const mm_masked *masked, const uint8_t *data, uint64_t places) {
  const filter f = make_filter(masked, data);
  uint64_t i = 0;
  for (; places - i >= MM_LANES; i += MM_LANES) {
    uint64_t bits =
        mm_lanes_bits(test(&f, i), test(&f, i + 16), test(&f, i + 32), test(&f, i + 48));
    for (; bits; bits &= bits - 1) {
      uint64_t place = i + mm_lanes_first(bits);
      if (fits(&masked->literal, data + place)) return place;
    }
  }
  while (i < places && !fits(&masked->literal, data + i)) i++;
  return i;
}

int64_t mm_masked_find(const mm_masked *masked, const uint8_t *data, uint64_t size,
                       const mm_find_watch *watch) {
  if (size < masked->literal.size) return MM_FIND_NONE;
  uint64_t places = size - masked->literal.size + 1;
  for (uint64_t i = 0; i < places;) {
    uint64_t piece = places - i < MM_FIND_PIECE ? places - i : MM_FIND_PIECE;
    uint64_t found = find_piece(masked, data + i, piece);
    if (found < piece) return (int64_t)(i + found);
    i += piece;
    if (i < places && watch && watch->stop && watch->stop(watch->context, i)) {
      return MM_FIND_STOPPED;
    }
  }
  return MM_FIND_NONE;
}
