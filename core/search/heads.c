#include "core/search/heads.h"

#include <string.h>

#include "core/common/least.h"

#define BUCKETS 8

/* ---- buckets -------------------------------------------------------------------------------- */

/* Literals that share a bucket: at each place of the head, which low and which high halves of a byte
** they have. A byte fits the bucket if both of its halves do: so those go together that add little to
** what each other lets through. */
typedef struct head_group {
  uint64_t members;
  uint16_t low[MM_FIND_HEADS], high[MM_FIND_HEADS];
  uint64_t passes; /* of 256^MM_FIND_HEADS heads */
} head_group;

/* May byte k of the literal be c? Beyond its end it may be anything. */
static bool head_has(const mm_head *literal, unsigned k, unsigned c) {
  return k >= literal->size || (c & literal->mask[k]) == literal->value[k];
}

static void count_passes(head_group *g) {
  g->passes = 1;
  for (int k = 0; k < MM_FIND_HEADS; k++) {
    g->passes *= (uint64_t)__builtin_popcount(g->low[k]) * (uint64_t)__builtin_popcount(g->high[k]);
  }
}

static head_group group_of(const mm_head *literal, unsigned number) {
  head_group g = {.members = (uint64_t)1 << number};
  for (unsigned k = 0; k < MM_FIND_HEADS; k++) {
    for (unsigned c = 0; c < 256; c++) {
      if (!head_has(literal, k, c)) continue;
      g.low[k] |= (uint16_t)(1 << (c & 15));
      g.high[k] |= (uint16_t)(1 << (c >> 4));
    }
  }
  count_passes(&g);
  return g;
}

static head_group joined(const head_group *a, const head_group *b) {
  head_group g = {.members = a->members | b->members};
  for (int k = 0; k < MM_FIND_HEADS; k++) {
    g.low[k] = a->low[k] | b->low[k];
    g.high[k] = a->high[k] | b->high[k];
  }
  count_passes(&g);
  return g;
}

/* What group `i` would best be joined with, of those after it, and how many heads more that lets
** through. */
typedef struct match_of {
  unsigned with;
  int64_t more;
} match_of;

static match_of best_match(const head_group *groups, unsigned count, unsigned i) {
  match_of best = {count, INT64_MAX};
  for (unsigned j = i + 1; j < count; j++) {
    head_group both = joined(&groups[i], &groups[j]);
    int64_t more = (int64_t)both.passes - (int64_t)groups[i].passes - (int64_t)groups[j].passes;
    if (more < best.more) best = (match_of){j, more};
  }
  return best;
}

/* (A group may have a better match in the joined one: that is let pass.)
** Join the two groups that this costs the least, the second one's place being taken by the last. */
static void join_two(head_group *groups, match_of *matches, unsigned *count) {
  unsigned i = 0, last = *count - 1;
  for (unsigned k = 1; k < last; k++) {
    if (matches[k].more < matches[i].more) i = k;
  }
  unsigned j = matches[i].with;
  groups[i] = joined(&groups[i], &groups[j]);
  groups[j] = groups[last];
  *count = last;
  for (unsigned k = 0; k < last; k++) {
    unsigned with = matches[k].with;
    bool stays = k != i && k != j && with != i && with != j && with != last;
    if (!stays) matches[k] = best_match(groups, last, k);
  }
}

static unsigned make_groups(const mm_head *literals, unsigned count, head_group *groups) {
  match_of matches[MM_HEADS_MOST];
  for (unsigned i = 0; i < count; i++) groups[i] = group_of(&literals[i], i);
  for (unsigned i = 0; i < count; i++) matches[i] = best_match(groups, count, i);
  while (count > BUCKETS) join_two(groups, matches, &count);
  return count;
}

static void fill_bucket(mm_heads *heads, unsigned b, const head_group *g) {
  unsigned at = heads->bucket[b];
  uint8_t bit = (uint8_t)(1 << b);
  for (uint64_t left = g->members; left; left &= left - 1) {
    unsigned i = (unsigned)__builtin_ctzll(left);
    heads->order[at++] = (uint8_t)i;
    for (unsigned k = 0; k < MM_FIND_HEADS; k++) {
      for (unsigned c = 0; c < 256; c++) {
        if (head_has(&heads->literals[i], k, c)) heads->table.bytes[k][c] |= bit;
      }
    }
  }
  heads->bucket[b + 1] = (uint8_t)at;
  for (unsigned k = 0; k < MM_FIND_HEADS; k++) {
    for (unsigned n = 0; n < 16; n++) {
      if (g->low[k] >> n & 1) heads->table.low[k][n] |= bit;
      if (g->high[k] >> n & 1) heads->table.high[k][n] |= bit;
    }
  }
}

void mm_heads_prepare(mm_heads *heads, const mm_head *literals, unsigned count) {
  head_group groups[MM_HEADS_MOST];
  memset(heads, 0, sizeof *heads);
  heads->literals = literals;
  heads->least = MM_HEADS_LENGTH;
  for (unsigned i = 0; i < count; i++) {
    unsigned size = literals[i].size < 8 ? literals[i].size : 8;
    memcpy(&heads->value[i], literals[i].value, size);
    memcpy(&heads->mask[i], literals[i].mask, size);
    if (literals[i].size < heads->least) heads->least = literals[i].size;
  }
  unsigned buckets = make_groups(literals, count, groups);
  for (unsigned b = 0; b < buckets; b++) fill_bucket(heads, b, &groups[b]);
  for (unsigned b = buckets; b < BUCKETS; b++) heads->bucket[b + 1] = heads->bucket[b];
}

/* ---- searching ------------------------------------------------------------------------------ */

/* Its bytes from `from` on. */
static bool head_rest_fits(const mm_head *literal, unsigned from, const uint8_t *place) {
  for (unsigned i = from; i < literal->size; i++) {
    if ((place[i] & literal->mask[i]) != literal->value[i]) return false;
  }
  return true;
}

/* Is literal i at `place`, where there are `left` bytes? */
static bool head_fits(const mm_heads *heads, unsigned i, const uint8_t *place, uint64_t left) {
  const mm_head *literal = &heads->literals[i];
  if (literal->size > left) return false;
  if (left < 8) return head_rest_fits(literal, 0, place);
  uint64_t word;
  memcpy(&word, place, sizeof word);
  if (((word ^ heads->value[i]) & heads->mask[i]) != 0) return false;
  return literal->size <= 8 || head_rest_fits(literal, 8, place);
}

/* The first literal of these buckets that is there, or MM_HEADS_MOST. */
static unsigned first_head(const mm_heads *heads, unsigned buckets, const uint8_t *place,
                           uint64_t left) {
  unsigned first = MM_HEADS_MOST;
  for (; buckets; buckets &= buckets - 1) {
    unsigned b = (unsigned)__builtin_ctz(buckets);
    for (unsigned k = heads->bucket[b]; k < heads->bucket[b + 1]; k++) {
      unsigned i = heads->order[k];
      if (i >= first || !head_fits(heads, i, place, left)) continue;
      first = i;
      break;
    }
  }
  return first;
}

/* The same for the last places: bytes that are not there may be anything. */
static uint64_t heads_look_slowly(const mm_heads *heads, mm_heads_scan *scan, const uint8_t *data,
                                  uint64_t size, uint64_t places) {
  uint64_t bits = 0;
  for (uint64_t i = 0; i < places; i++) {
    unsigned buckets = 0xff;
    for (uint64_t k = 0; k < MM_FIND_HEADS && i + k < size; k++) {
      buckets &= heads->table.bytes[k][data[i + k]];
    }
    scan->buckets[i] = (uint8_t)buckets;
    if (buckets) bits |= (uint64_t)1 << i;
  }
  return bits;
}

/* Look at the next block with candidates, of `places` places from scan->next on, at least one. */
static void heads_look(const mm_heads *heads, mm_heads_scan *scan, const uint8_t *data,
                       uint64_t size, uint64_t places) {
  const uint8_t *text = data + scan->next;
  uint64_t left = size - scan->next, whole = left - mm_min(left, MM_FIND_HEADS - 1);
  if (whole > places) whole = places;
  if (whole >= MM_FIND_BLOCK) {
    uint64_t passed = mm_find_heads(&heads->table, text, whole, &scan->bits, scan->buckets);
    scan->block = scan->next + passed;
    scan->next = scan->bits ? scan->block + MM_FIND_BLOCK : scan->block;
  } else {
    if (places > MM_FIND_BLOCK) places = MM_FIND_BLOCK;
    scan->block = scan->next;
    scan->bits = heads_look_slowly(heads, scan, text, left, places);
    scan->next += places;
  }
}

int64_t mm_heads_find(const mm_heads *heads, mm_heads_scan *scan, const uint8_t *data,
                      uint64_t size, const mm_watch *watch, unsigned *literal) {
  uint64_t end = size < heads->least ? 0 : size - heads->least + 1;
  uint64_t asked = scan->next;
  for (;;) {
    for (; scan->bits; scan->bits &= scan->bits - 1) {
      unsigned lane = (unsigned)__builtin_ctzll(scan->bits);
      uint64_t place = scan->block + lane;
      *literal = first_head(heads, scan->buckets[lane], data + place, size - place);
      if (*literal == MM_HEADS_MOST) continue;
      scan->bits &= scan->bits - 1;
      return (int64_t)place;
    }
    if (scan->next >= end) return MM_FIND_NONE;
    if (scan->next - asked >= MM_PIECE) {
      if (mm_watch_stops(watch, scan->next)) return MM_FIND_STOPPED;
      asked = scan->next;
    }
    heads_look(heads, scan, data, size, mm_min(end - scan->next, MM_PIECE));
  }
}
