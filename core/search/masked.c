#include "core/search/masked.h"

#include <string.h>

#include "core/search/lanes.h"

#define PATIENCE ((uint64_t)512)
#define PATIENCE_MOST ((uint64_t)1 << 32)
#define EXPECTED ((uint64_t)256) /* a place in so many may fit in vain, it costs next to nothing */
#define MASKED_SAMPLE ((uint64_t)2048)
#define PIECE (MM_PIECE / 4) /* the worst of data takes more time */

static bool fits_at(const mm_masked *masked, unsigned i, const uint8_t *place) {
  return (place[i] & masked->mask[i]) == masked->value[i];
}

/* ---- choosing the two bytes ----------------------------------------------------------------- */

static void use_pair(mm_masked *masked, unsigned a, unsigned b) {
  masked->at[0] = a < b ? a : b;
  masked->at[1] = a < b ? b : a;
  masked->wrong = 0;
}

static unsigned best_but(const mm_literal *l, unsigned but) {
  unsigned best = but == 0 && l->size > 1 ? 1 : 0, most = 0;
  for (unsigned i = 0; i < l->size; i++) {
    unsigned tells = i == but ? 0 : mm_literal_tells(l->value[i], l->mask[i]);
    if (tells <= most) continue;
    best = i;
    most = tells;
  }
  return best;
}

void mm_masked_prepare(mm_masked *masked, const mm_literal *literal) {
  memcpy(masked->value, literal->value, sizeof masked->value);
  memcpy(masked->mask, literal->mask, sizeof masked->mask);
  masked->size = literal->size;
  masked->patience = PATIENCE;
  unsigned a = best_but(literal, literal->size);
  use_pair(masked, a, best_but(literal, a));
}

/* Which byte of the literal fits at the fewest of the places, of those where byte `given` fits (all
** places if there is no such byte)? */
static unsigned rarest(const mm_masked *masked, const uint8_t *data, uint64_t places,
                       unsigned given) {
  uint64_t fit[MM_LITERAL_MAX] = {0};
  unsigned best = given == 0 && masked->size > 1 ? 1 : 0;
  for (uint64_t i = 0; i < places; i++) {
    if (given < masked->size && !fits_at(masked, given, data + i)) continue;
    for (unsigned k = 0; k < masked->size; k++) fit[k] += fits_at(masked, k, data + i);
  }
  for (unsigned k = 0; k < masked->size; k++) {
    if (k != given && fit[k] < fit[best]) best = k;
  }
  return best;
}

/* By what is rare in the next SAMPLE places, and then what is rare beside it. Each choice makes
** more patient: there are few of them. */
static void choose_again(mm_masked *masked, const uint8_t *data) {
  unsigned a = rarest(masked, data, MASKED_SAMPLE, masked->size);
  use_pair(masked, a, rarest(masked, data, MASKED_SAMPLE, a));
  if (masked->patience < PATIENCE_MOST) masked->patience *= 2;
}

/* ---- searching ------------------------------------------------------------------------------ */

static uint64_t word(const uint8_t *p) {
  uint64_t out;
  memcpy(&out, p, sizeof out);
  return out;
}

static bool fits_word(const mm_masked *masked, unsigned i, const uint8_t *place) {
  return ((word(place + i) ^ word(masked->value + i)) & word(masked->mask + i)) == 0;
}

static bool fits(const mm_masked *masked, const uint8_t *place) {
  unsigned i = 0;
  if (masked->size >= 8) {
    for (; i + 8 < masked->size; i += 8) {
      if (!fits_word(masked, i, place)) return false;
    }
    return fits_word(masked, masked->size - 8, place);
  }
  while (i < masked->size && fits_at(masked, i, place)) i++;
  return i == masked->size;
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
    f.mask[i] = mm_lane_splat(masked->mask[k]);
    f.value[i] = mm_lane_splat(masked->value[k]);
  }
  return f;
}

static inline mm_lane test(const filter *f, uint64_t i) {
  return mm_lane_both(mm_lane_test(mm_lane_load(f->text[0] + i), f->mask[0], f->value[0]),
                      mm_lane_test(mm_lane_load(f->text[1] + i), f->mask[1], f->value[1]));
}

/* Look at the 64 places from `block` on, where the filter says `bits`. The first that fits, or
** MM_LANES. */
static unsigned look(mm_masked *masked, const uint8_t *block, uint64_t bits) {
  for (; bits; bits &= bits - 1) {
    unsigned place = mm_lanes_first(bits);
    if (fits(masked, block + place)) return place;
    masked->wrong++;
  }
  return MM_LANES;
}

/* The first of `places` places where the literal fits, or `places`. */
static uint64_t find_piece(mm_masked *masked, const uint8_t *data, uint64_t places) {
  filter f = make_filter(masked, data);
  uint64_t i = 0, since = 0;
  for (; places - i >= MM_LANES; i += MM_LANES) {
    uint64_t bits =
        mm_lanes_bits(test(&f, i), test(&f, i + 16), test(&f, i + 32), test(&f, i + 48));
    if (!bits) continue;
    unsigned place = look(masked, data + i, bits);
    if (place < MM_LANES) return i + place;
    if (masked->wrong < masked->patience + (i - since) / EXPECTED) continue;
    if (places - i < MASKED_SAMPLE) continue;
    choose_again(masked, data + i);
    f = make_filter(masked, data);
    since = i;
  }
  while (i < places && !fits(masked, data + i)) i++;
  return i;
}

int64_t mm_masked_find(mm_masked *masked, const uint8_t *data, uint64_t size,
                       const mm_watch *watch) {
  if (size < masked->size) return MM_FIND_NONE;
  uint64_t places = size - masked->size + 1;
  for (uint64_t i = 0; i < places;) {
    uint64_t piece = places - i < PIECE ? places - i : PIECE;
    uint64_t found = find_piece(masked, data + i, piece);
    if (found < piece) return (int64_t)(i + found);
    i += piece;
    if (i < places && mm_watch_stops(watch, i)) {
      return MM_FIND_STOPPED;
    }
  }
  return MM_FIND_NONE;
}
