/*
** edits.c: what stays is found by anchors, places that both files have.
**
** As long as both go on alike, nothing else is looked at. Where they part, an anchor is looked for: a
** window of bytes of b that a has, too, further on. Which windows of a are known is told by their own
** content, by a hash that rolls over it and is zero in some of its bits (as in LBFS, A. Muthitacharoen
** et al., 2001): so the same ones are chosen in b, whatever was inserted before them, and the others
** cost no look. From the anchor the files are compared backward to where they parted. What is left
** between is refined in the same way by short windows, all of which are known.
**
**     a  ....equal....|  gap  |anchor....equal....
**     b  ....equal....|    gap    |anchor....equal....
*/
#include "core/search/edits.h"

#include <string.h>

#include "core/common/least.h"
#include "core/common/mem.h"
#include "core/search/find.h"

#define WIDE_ANCHOR 32 /* bytes of a window, of the first look */
#define FINE_ANCHOR 8  /* and of the second */
#define ANCHORS_LOG 21
#define ANCHORS_MOST ((size_t)1 << ANCHORS_LOG)
#define FINE_ANCHOR_MOST ((uint64_t)1 << 20) /* bytes of a gap that is refined */
#define ANCHOR_LOOKS 16                      /* windows of one hash that are compared */
#define EDIT_STAYS 4                         /* fewer bytes that stay are no run */
#define ANCHOR_FAR ((uint64_t)4096)          /* so far a window may lead by itself */
#define CONVINCING ((uint64_t)65536)         /* so many bytes lead anywhere */
#define ANCHOR_FACTOR 0x9e3779b97f4a7c15u
#define NO_ANCHOR UINT32_MAX

/* Windows of a stretch of a, by their hashes. Lists of one bucket ascend; what lies before the place
** at hand is dropped from them as it is met. */
typedef struct anchors {
  uint64_t width;    /* bytes of a window */
  unsigned chosen;   /* so many bits of the hash of a known window are zero */
  uint64_t leaving;  /* ANCHOR_FACTOR^(width-1) */
  unsigned bits;     /* of the number of a bucket */
  uint32_t *buckets; /* owned; the first of its list */
  uint32_t *next;    /* owned; by number */
  uint64_t *places;  /* owned; by number, ascending */
  size_t count, capacity;
} anchors;

typedef struct edit_finder {
  const uint8_t *a, *b;
  uint64_t a_size, b_size;
  mm_edit *runs;
  size_t count, capacity;
  mm_pace pace;
  mm_error *err;
} edit_finder;

/* A stretch of both files. */
typedef struct edit_gap {
  uint64_t a, a_end, b, b_end;
} edit_gap;

static int edits_go_on(edit_finder *f, uint64_t bytes) {
  int stop = mm_pace_stops(&f->pace, bytes);
  return stop ? mm_fail_stopped(f->err, stop) : MM_OK;
}

/* ---- runs ----------------------------------------------------------------------------------- */

static int add_edit(edit_finder *f, mm_edit run) {
  mm_edit *last = f->count ? &f->runs[f->count - 1] : NULL;
  void *runs = f->runs;
  if (run.a_size == 0 && run.b_size == 0) return MM_OK;
  if (last && last->kind == MM_EDIT_EQUAL && run.kind == MM_EDIT_EQUAL) {
    last->a_size += run.a_size;
    last->b_size += run.b_size;
    return MM_OK;
  }
  if (mm_grow(&runs, f->count, &f->capacity, sizeof run)) return mm_fail_nomem(f->err);
  f->runs = runs;
  f->runs[f->count++] = run;
  return MM_OK;
}

static int add_equal(edit_finder *f, uint64_t a, uint64_t b, uint64_t size) {
  return add_edit(f, (mm_edit){MM_EDIT_EQUAL, a, size, b, size});
}

static int add_changed(edit_finder *f, uint64_t a, uint64_t a_size, uint64_t b, uint64_t b_size) {
  int kind = a_size == 0 ? MM_EDIT_INSERT : b_size == 0 ? MM_EDIT_DELETE : MM_EDIT_REPLACE;
  return add_edit(f, (mm_edit){kind, a, a_size, b, b_size});
}

/* Where as many bytes came as went they are compared in place. */
static int add_in_place(edit_finder *f, const edit_gap *g) {
  uint64_t size = g->a_end - g->a, from = 0, at = 0;
  int rc = MM_OK;
  while (at < size && rc == MM_OK) {
    at += mm_match(f->a + g->a + at, f->b + g->b + at, size - at);
    uint64_t same = mm_mismatch(f->a + g->a + at, f->b + g->b + at, size - at);
    if (same >= EDIT_STAYS) {
      rc = add_changed(f, g->a + from, at - from, g->b + from, at - from);
      if (rc == MM_OK) rc = add_equal(f, g->a + at, g->b + at, same);
      from = at + same;
    }
    at += same;
    if (rc == MM_OK) rc = edits_go_on(f, same + 1);
  }
  return rc == MM_OK ? add_changed(f, g->a + from, size - from, g->b + from, size - from) : rc;
}

static int add_gap(edit_finder *f, const edit_gap *g) {
  uint64_t a_size = g->a_end - g->a, b_size = g->b_end - g->b;
  if (a_size == b_size) return add_in_place(f, g);
  return add_changed(f, g->a, a_size, g->b, b_size);
}

/* ---- anchors -------------------------------------------------------------------------------- */

static uint64_t anchor_hash(const anchors *known, const uint8_t *at) {
  uint64_t hash = 0;
  for (uint64_t i = 0; i < known->width; i++) hash = hash * ANCHOR_FACTOR + at[i];
  return hash;
}

/* The hash of the window one byte on. */
static uint64_t roll_anchor(const anchors *known, uint64_t hash, const uint8_t *at) {
  return (hash - at[0] * known->leaving) * ANCHOR_FACTOR + at[known->width];
}

static bool is_anchor(const anchors *known, uint64_t hash) {
  return known->chosen == 0 || (hash ^ hash >> 29) * ANCHOR_FACTOR >> (64 - known->chosen) == 0;
}

static uint32_t *anchor_bucket(const anchors *known, uint64_t hash) {
  return &known->buckets[(hash ^ hash >> 31) * 0xff51afd7ed558ccdu >> (64 - known->bits)];
}

static void clear_anchors(anchors *known) {
  mm_free(known->buckets);
  mm_free(known->next);
  mm_free(known->places);
  *known = (anchors){0};
}

/* A window that was chosen. */
typedef struct recent {
  uint64_t hash, end; /* no other one of this hash is chosen before */
} recent;

#define EDIT_RECENT 16

/* In bytes that repeat themselves after a few, all windows of a hash may be chosen, or none: so that
** there are no more of them than elsewhere, they keep a distance. */
static bool is_repeated(const anchors *known, recent *chosen, uint64_t hash, uint64_t at) {
  recent *last = &chosen[hash % EDIT_RECENT];
  if (last->hash == hash && at < last->end) return true;
  *last = (recent){hash, at + ((uint64_t)2 << known->chosen)};
  return false;
}

/* Of neighbours with the same hash, as in a run of one byte, the first is enough. */
static int choose_places(anchors *known, edit_finder *f, uint64_t from, uint64_t to) {
  uint64_t hash = anchor_hash(known, f->a + from), before = ~hash;
  recent chosen[EDIT_RECENT] = {{0}};
  for (uint64_t at = from; known->count < ANCHORS_MOST; at++) {
    if (hash != before && is_anchor(known, hash) && !is_repeated(known, chosen, hash, at)) {
      void *places = known->places;
      if (mm_grow(&places, known->count, &known->capacity, sizeof at)) return mm_fail_nomem(f->err);
      known->places = places;
      known->places[known->count++] = at;
    }
    if (at + known->width >= to) return MM_OK;
    if (at % MM_PIECE == 0 && edits_go_on(f, MM_PIECE)) return f->err->code;
    before = hash;
    hash = roll_anchor(known, hash, f->a + at);
  }
  return MM_OK;
}

static int list_places(anchors *known, const edit_finder *f) {
  size_t buckets;
  known->bits = 8;
  while (known->bits < 24 && (size_t)1 << known->bits < known->count * 2) known->bits++;
  buckets = (size_t)1 << known->bits;
  known->buckets = mm_alloc(buckets * sizeof *known->buckets);
  known->next = mm_alloc((known->count + 1) * sizeof *known->next);
  if (!known->buckets || !known->next) return mm_fail_nomem(f->err);
  memset(known->buckets, 0xff, buckets * sizeof *known->buckets);
  for (size_t i = known->count; i-- > 0;) {
    uint32_t *bucket = anchor_bucket(known, anchor_hash(known, f->a + known->places[i]));
    known->next[i] = *bucket;
    *bucket = (uint32_t)i;
  }
  return MM_OK;
}

/* Know the windows of a from `from` to `to`: about one in 2^chosen. */
static int know_anchors(anchors *known, edit_finder *f, uint64_t width, unsigned chosen,
                        uint64_t from, uint64_t to) {
  *known = (anchors){.width = width, .chosen = chosen, .leaving = 1};
  for (uint64_t i = 1; i < width; i++) known->leaving *= ANCHOR_FACTOR;
  int rc = to - from >= width ? choose_places(known, f, from, to) : MM_OK;
  return rc == MM_OK ? list_places(known, f) : rc;
}

/* The nearest known window in a from `from` on that is the one at `window`; UINT64_MAX. */
static uint64_t look_up_anchor(anchors *known, const edit_finder *f, uint64_t hash,
                               const uint8_t *window, uint64_t from) {
  uint32_t *bucket = anchor_bucket(known, hash);
  while (*bucket != NO_ANCHOR && known->places[*bucket] < from) *bucket = known->next[*bucket];
  int looks = ANCHOR_LOOKS;
  for (uint32_t i = *bucket; i != NO_ANCHOR && looks > 0; i = known->next[i], looks--) {
    if (memcmp(f->a + known->places[i], window, (size_t)known->width) == 0) {
      return known->places[i];
    }
  }
  return UINT64_MAX;
}

/* The further it leads, the more must follow: a window of common bytes is not to skip half of a. */
static bool convinces(const edit_finder *f, const edit_gap *g, uint64_t a, uint64_t b) {
  uint64_t distance = a - g->a;
  if (distance <= ANCHOR_FAR) return true;
  uint64_t wanted = mm_min(mm_min(distance / 16, CONVINCING), mm_min(g->a_end - a, g->b_end - b));
  return mm_mismatch(f->a + a, f->b + b, wanted) == wanted;
}

/* The next anchor in a gap: *a and *b, or its ends. */
static int find_anchor(edit_finder *f, anchors *known, const edit_gap *g, uint64_t *a,
                       uint64_t *b) {
  *a = g->a_end;
  *b = g->b_end;
  if (g->b_end - g->b < known->width || known->count == 0) return MM_OK;
  uint64_t hash = anchor_hash(known, f->b + g->b);
  for (uint64_t at = g->b;; at++) {
    uint64_t place =
        is_anchor(known, hash) ? look_up_anchor(known, f, hash, f->b + at, g->a) : UINT64_MAX;
    if (place != UINT64_MAX && place + known->width <= g->a_end) {
      if (convinces(f, g, place, at)) {
        *a = place;
        *b = at;
        return MM_OK;
      }
      if (edits_go_on(f, CONVINCING)) return f->err->code;
    }
    if (at + known->width >= g->b_end) return MM_OK;
    if (at % MM_PIECE == 0 && edits_go_on(f, MM_PIECE)) return f->err->code;
    hash = roll_anchor(known, hash, f->b + at);
  }
}

/* ---- from one anchor to the next ------------------------------------------------------------- */

/* How many bytes go on alike, at most `most`. */
static int measure_equal(edit_finder *f, uint64_t a, uint64_t b, uint64_t most, uint64_t *size) {
  *size = 0;
  while (*size < most) {
    uint64_t piece = mm_min(most - *size, MM_PIECE);
    uint64_t same = mm_mismatch(f->a + a + *size, f->b + b + *size, piece);
    *size += same;
    if (same < piece) break;
    if (edits_go_on(f, piece)) return f->err->code;
  }
  return MM_OK;
}

/* What is before the end of a gap and alike belongs to what follows. */
static void give_to_anchor(const edit_finder *f, edit_gap *g) {
  while (g->a_end > g->a && g->b_end > g->b && f->a[g->a_end - 1] == f->b[g->b_end - 1]) {
    g->a_end--;
    g->b_end--;
  }
}

typedef int deal_with_gap(edit_finder *f, const edit_gap *g);

/* All of a stretch: what goes on alike, then a gap, which `deal` deals with, and again. */
static int walk_stretch(edit_finder *f, anchors *known, edit_gap whole, deal_with_gap *deal) {
  uint64_t same;
  int rc = MM_OK;
  while (rc == MM_OK) {
    rc = measure_equal(f, whole.a, whole.b, mm_min(whole.a_end - whole.a, whole.b_end - whole.b),
                       &same);
    if (rc == MM_OK) rc = add_equal(f, whole.a, whole.b, same);
    whole.a += same;
    whole.b += same;
    if (rc || (whole.a == whole.a_end && whole.b == whole.b_end)) break;
    edit_gap g = whole;
    rc = find_anchor(f, known, &whole, &g.a_end, &g.b_end);
    if (rc == MM_OK) give_to_anchor(f, &g);
    if (rc == MM_OK) rc = deal(f, &g);
    whole.a = g.a_end;
    whole.b = g.b_end;
  }
  return rc;
}

static int refine_gap(edit_finder *f, const edit_gap *g) {
  uint64_t a_size = g->a_end - g->a, b_size = g->b_end - g->b;
  anchors known;
  if (a_size < FINE_ANCHOR || b_size < FINE_ANCHOR || a_size > FINE_ANCHOR_MOST ||
      b_size > FINE_ANCHOR_MOST) {
    return add_gap(f, g);
  }
  int rc = know_anchors(&known, f, FINE_ANCHOR, 0, g->a, g->a_end);
  if (rc == MM_OK) rc = walk_stretch(f, &known, *g, add_gap);
  clear_anchors(&known);
  return rc;
}

/* So that there are at most some 2^ANCHORS_LOG. */
static unsigned chosen_bits(uint64_t size) {
  unsigned bits = 4;
  while (size >> bits >> ANCHORS_LOG) bits++;
  return bits;
}

int mm_edits_find(const uint8_t *a, uint64_t a_size, const uint8_t *b, uint64_t b_size,
                  const mm_watch *watch, mm_edit **runs, size_t *count, mm_error *err) {
  edit_finder f = {.a = a, .b = b, .a_size = a_size, .b_size = b_size, .err = err};
  anchors known = {0};
  uint64_t same;
  if (watch) f.pace.watch = *watch;
  int rc = measure_equal(&f, 0, 0, mm_min(a_size, b_size), &same);
  if (rc == MM_OK) rc = add_equal(&f, 0, 0, same);
  edit_gap rest = {same, a_size, same, b_size};
  if (rc == MM_OK && same < a_size && same < b_size) {
    rc = know_anchors(&known, &f, WIDE_ANCHOR, chosen_bits(a_size - same), same, a_size);
  }
  if (rc == MM_OK) rc = walk_stretch(&f, &known, rest, refine_gap);
  clear_anchors(&known);
  *runs = f.runs;
  *count = f.count;
  return rc;
}
