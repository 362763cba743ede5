/*
** seek.h: binary search over places with keys: records by their numbers, lines by their offsets.
**
** An item takes the places at .. next-1, and has a key. Keys have ranks, 64 bits that are in the
** order of the keys; those of one rank are compared in full. Items ascend by their keys, or should.
**
** A search guesses by interpolation where a rank lies, as long as each guess lands much nearer than
** the one before (Y. Perl, A. Itai, H. Avni, Interpolation Search, CACM 21, 1978: log log n probes
** for uniform keys), gallops from there until the place is between two items (J. L. Bentley, A. C.
** Yao, An almost optimal algorithm for unbounded searching, 1976) and halves what is left. Where
** guesses turn out bad it only halves. In all cases O(log n) items are looked at, and each of them
** is compared with those seen on either side. So are the first item and the last, and the two items
** before and after a place from which all that follows is told, or nothing: a file out of order
** does not go unseen where a probe comes by.
**
** All of it is compiled into its callers, which name their items' methods in a constant.
*/
#ifndef EXT_SEEK_H
#define EXT_SEEK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"

typedef struct ext_item {
  int64_t from; /* the places from here on lead to it; at most `at` */
  int64_t at, next;
  uint64_t rank;
  const uint8_t *data; /* the key's bytes, or what its methods make of it; borrowed */
  uint64_t size;
} ext_item;

#define EXT_NO_ITEM ((ext_item){.at = -1})

/* One end of a range of keys: from the first item on that is not below it; with `after`, from the
** first that is above it. */
typedef struct ext_edge {
  bool given;
  bool after;
  uint64_t rank;
  const uint8_t *data; /* of a key of bytes; borrowed */
  uint64_t size;
} ext_edge;

/* What a kind of items can do. `keys` is the caller's. */
typedef struct ext_items {
  /* The item that `place` lies in, or else the first one behind it; `at` is INT64_MAX if there is
  ** none, and `from` is set. */
  int (*look)(const void *keys, int64_t place, ext_item *item, mm_error *err);
  /* The last item that ends at `place` or before it; `at` is -1 if there is none. */
  int (*back)(const void *keys, int64_t place, ext_item *item, mm_error *err);
  /* Is the item, of the edge's rank, before the edge? */
  bool (*before)(const void *keys, const ext_item *item, const ext_edge *edge);
  /* Two items, the first not of a lesser rank: MM_DAMAGED, naming them, if they are out of order. */
  int (*check)(const void *keys, const ext_item *item, const ext_item *later, mm_error *err);
  int64_t unit; /* places that an item takes, about */
} ext_items;

/* What is searched: the items of places start .. end-1. */
typedef struct ext_range {
  const void *keys;
  int64_t start, end;
  const ext_item *ends; /* the first item and the last, from ext_seek_ends; NULL: to be looked at */
  int *luck;            /* does interpolation pay here? kept from one search to the next */
} ext_range;

#define EXT_SEEK static inline __attribute__((always_inline))

/* Every item below `low` is before the edge, every one from `high` on is not. */
typedef struct ext_seek {
  const ext_items *items;
  const void *keys;
  const ext_edge *edge;
  int64_t low, high;
  ext_item below, above; /* looked at last on either side; `at` is -1: none */
  mm_error *err;
} ext_seek;

EXT_SEEK int ext_seek_check(const ext_items *items, const void *keys, const ext_item *item,
                            const ext_item *later, mm_error *err) {
  return item->rank < later->rank ? MM_OK : items->check(keys, item, later, err);
}

/* Go on behind an item, or before it. */
EXT_SEEK int ext_seek_take(ext_seek *s, const ext_item *item) {
  int rc = MM_OK;
  if (s->below.at >= 0) rc = ext_seek_check(s->items, s->keys, &s->below, item, s->err);
  if (rc == MM_OK && s->above.at >= 0) {
    rc = ext_seek_check(s->items, s->keys, item, &s->above, s->err);
  }
  if (rc) return rc;
  uint64_t rank = s->edge->rank;
  bool before = item->rank == rank ? s->items->before(s->keys, item, s->edge) : item->rank < rank;
  if (before) {
    s->low = item->next;
    s->below = *item;
  } else {
    s->high = item->from;
    s->above = *item;
  }
  return MM_OK;
}

/* Look at the item of a place of low .. high-1; if there is none before `high`, the search goes on
** below. */
EXT_SEEK int ext_seek_probe(ext_seek *s, int64_t place) {
  ext_item item;
  int rc = s->items->look(s->keys, place, &item, s->err);
  if (rc) return rc;
  if (item.at < s->high) return ext_seek_take(s, &item);
  s->high = item.from;
  return MM_OK;
}

EXT_SEEK int ext_seek_halve(ext_seek *s) {
  int rc = MM_OK;
  while (rc == MM_OK && s->low < s->high) {
    rc = ext_seek_probe(s, s->low + (s->high - s->low) / 2);
  }
  return rc;
}

/* Look 1, 2, 4 … units further, up from `low` or down from `high`, until the place has been
** passed. */
EXT_SEEK int ext_seek_gallop(ext_seek *s, bool up, int *steps) {
  int rc = MM_OK;
  *steps = 0;
  for (int64_t step = 0; rc == MM_OK && s->low < s->high; ++*steps) {
    int64_t low = s->low, high = s->high;
    int64_t place = up ? low + step : high - 1 - step;
    if (place < low || place >= high) break;
    rc = ext_seek_probe(s, place);
    if (up ? s->low == low : s->high == high) break;
    step = 2 * step + s->items->unit;
  }
  return rc;
}

/* Where the edge's rank would lie if ranks rose evenly between the items seen. */
EXT_SEEK int64_t ext_seek_guess(const ext_seek *s) {
  double part = (double)(s->edge->rank - s->below.rank) / (double)(s->above.rank - s->below.rank);
  int64_t place = s->below.at + (int64_t)(part * (double)(s->above.at - s->below.at));
  return place < s->low ? s->low : place >= s->high ? s->high - 1 : place;
}

enum { EXT_SEEK_GUESSES = 8, EXT_SEEK_NEAR = 8, EXT_SEEK_FAR_STEPS = 6, EXT_SEEK_LUCK = 4 };

/* Guess as long as that brings us nearer by more than halving would. *up: which way to go on.
** *guessed: at all. */
EXT_SEEK int ext_seek_interpolate(ext_seek *s, bool *up, bool *guessed) {
  int64_t last = s->high - s->low, at = -1;
  int rc = MM_OK;
  for (int i = 0; i < EXT_SEEK_GUESSES && rc == MM_OK && s->low < s->high; i++) {
    bool inside = s->below.at >= 0 && s->above.at >= 0 && s->below.rank < s->above.rank &&
                  s->edge->rank >= s->below.rank && s->edge->rank <= s->above.rank;
    if (!inside) break;
    int64_t place = ext_seek_guess(s), low = s->low;
    int64_t move = at < 0 ? last / 4 : place > at ? place - at : at - place;
    if (move < EXT_SEEK_NEAR * s->items->unit || move > last / 2) break;
    rc = ext_seek_probe(s, place);
    *up = s->low > low;
    *guessed = true;
    last = move;
    at = place;
  }
  return rc;
}

/* A guess that was followed by a long gallop was none. */
EXT_SEEK void ext_seek_learn(int *luck, int steps) {
  if (steps > EXT_SEEK_FAR_STEPS) {
    *luck -= 1;
  } else if (*luck < EXT_SEEK_LUCK) {
    *luck += 1;
  }
}

/* The first item and the last. */
EXT_SEEK int ext_seek_begin(ext_seek *s, const ext_item *ends) {
  bool known = ends && ends[0].at < s->high && ends[1].at >= 0;
  int rc = known ? ext_seek_take(s, &ends[0]) : ext_seek_probe(s, s->low);
  if (rc || s->low >= s->high) return rc;
  return known ? ext_seek_take(s, &ends[1]) : ext_seek_probe(s, s->high - 1);
}

EXT_SEEK int ext_seek_all(ext_seek *s, const ext_item *ends, int *luck) {
  bool up = true, guessed = false;
  int steps;
  int rc = ext_seek_begin(s, ends);
  if (rc || s->high - s->low <= EXT_SEEK_NEAR * s->items->unit || *luck < -EXT_SEEK_LUCK) {
    return rc ? rc : ext_seek_halve(s);
  }
  rc = ext_seek_interpolate(s, &up, &guessed);
  if (rc == MM_OK && guessed) {
    rc = ext_seek_gallop(s, up, &steps);
    if (rc == MM_OK) ext_seek_learn(luck, steps);
  }
  return rc ? rc : ext_seek_halve(s);
}

/* The first place from `from` on where no item is before the edge. `near`: it is probably close to
** `from`. *there: in, the item at `from`, out, that at the place, if they are known; `at` is -1:
** they are not. */
EXT_SEEK int ext_seek_edge(const ext_items *items, const ext_range *range, const ext_edge *edge,
                           int64_t from, bool near, ext_item *there, int64_t *place,
                           mm_error *err) {
  ext_seek s = {.items = items,
                .keys = range->keys,
                .edge = edge,
                .low = from,
                .high = range->end,
                .below = EXT_NO_ITEM,
                .above = EXT_NO_ITEM,
                .err = err};
  int steps;
  int rc = MM_OK;
  if (s.low < s.high && near) {
    if (there->at >= 0) rc = ext_seek_take(&s, there);
    if (rc == MM_OK) rc = ext_seek_gallop(&s, true, &steps);
    if (rc == MM_OK) rc = ext_seek_halve(&s);
  } else if (s.low < s.high) {
    rc = ext_seek_all(&s, range->ends, range->luck);
  }
  *place = s.low;
  *there = s.above.at >= 0 && s.above.from == s.low ? s.above : EXT_NO_ITEM;
  return rc;
}

/* Two neighbours, either of which may be none. */
EXT_SEEK int ext_seek_check_pair(const ext_items *items, const ext_range *range,
                                 const ext_item *item, const ext_item *later, mm_error *err) {
  if (item->at < 0 || later->at < 0 || later->at >= range->end) return MM_OK;
  return ext_seek_check(items, range->keys, item, later, err);
}

/* The first item, whose `at` is not before the end if there is none, and the last one, likewise -1;
** and whether they are in order. */
EXT_SEEK int ext_seek_ends(const ext_items *items, const ext_range *range, ext_item ends[2],
                           mm_error *err) {
  ends[0] = (ext_item){.at = INT64_MAX};
  ends[1] = EXT_NO_ITEM;
  if (range->start >= range->end) return MM_OK;
  int rc = items->look(range->keys, range->start, &ends[0], err);
  if (rc == MM_OK) rc = items->back(range->keys, range->end, &ends[1], err);
  if (rc || ends[0].at >= ends[1].at) return rc;
  return ext_seek_check_pair(items, range, &ends[0], &ends[1], err);
}

/* Is it so far in order that nothing stands against `place` as one where a run may begin or end? */
EXT_SEEK int ext_seek_check_place(const ext_items *items, const ext_range *range, int64_t place,
                                  mm_error *err) {
  ext_item first = EXT_NO_ITEM, before = EXT_NO_ITEM, after = EXT_NO_ITEM, last = EXT_NO_ITEM;
  int rc = items->back(range->keys, place, &before, err);
  if (rc == MM_OK && before.at > range->start) {
    rc = items->back(range->keys, before.at, &first, err);
  }
  if (rc == MM_OK && place < range->end) rc = items->look(range->keys, place, &after, err);
  bool more = after.at >= 0 && after.at < range->end && after.next < range->end;
  if (rc == MM_OK && more) rc = items->look(range->keys, after.next, &last, err);
  if (rc == MM_OK) rc = ext_seek_check_pair(items, range, &first, &before, err);
  if (rc == MM_OK) rc = ext_seek_check_pair(items, range, &before, &after, err);
  return rc ? rc : ext_seek_check_pair(items, range, &after, &last, err);
}

/* The places *low .. *high-1 between two edges; one that is not given leaves its side open. `equal`:
** both are at one key, which few items share; one that was found then speaks for itself. */
EXT_SEEK int ext_seek_run(const ext_items *items, const ext_range *range, const ext_edge *first,
                          const ext_edge *last, bool equal, int64_t *low, int64_t *high,
                          mm_error *err) {
  ext_item there = EXT_NO_ITEM;
  int rc = MM_OK;
  *low = range->start;
  *high = range->end;
  if (first->given) rc = ext_seek_edge(items, range, first, *low, false, &there, low, err);
  if (rc == MM_OK && last->given) {
    rc = ext_seek_edge(items, range, last, *low, equal, &there, high, err);
  }
  if (rc || (equal && *low < *high)) return rc;
  rc = ext_seek_check_place(items, range, *low, err);
  return rc || *low >= *high ? rc : ext_seek_check_place(items, range, *high, err);
}

#endif
