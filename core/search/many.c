/*
** many.c: many needles at once, by S. Wu and U. Manber, "A fast algorithm for multi-pattern searching"
** (1994).
**
** All needles have at least as many bytes as the shortest, their *window*. The block of up to three
** bytes at the end of the window that begins at a place tells how far the next place is at which some
** needle may begin: mostly by the whole window. Where that is nowhere, a hash of the window's first
** bytes is looked up, and only then are needles compared.
**
** They are sorted, and each knows the longest other one that it begins with. Of all that the text at a
** place begins with, the last one in that order is the longest, or is none of them and begins with the
** longest: so one binary search finds them all, however many begin alike.
**
** Of a long needle that is true of its first bytes, its *stem*. Where that is, the rest is compared; a needle
** of which much was compared, in a run of zeros for one, is from then on looked for by itself, in linear
** time, and where it is next is kept. That is for some long needles: of more, all are stem.
*/
#include "core/search/many.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/search/occur.h"

#define BLOCK_MOST 3
#define SHIFTS ((size_t)1 << 16)
#define WINDOW_MOST 128 /* a shift is a byte */
#define HEAD_MOST 8     /* bytes that are hashed */
#define HEADS_LOG 20
#define NO_NEEDLE SIZE_MAX
#define STEM_MOST 256
#define LONGS_MOST 64                     /* so many have stems */
#define COMPARED_MOST ((uint64_t)1 << 20) /* bytes, until a long needle is looked for by itself */

/* A needle that is longer than its stem, and what is known of it. */
typedef struct many_long {
  mm_needle needle;
  uint64_t compared; /* bytes */
  mm_occur occur;
  uint64_t from, next; /* in [from, next) it is nowhere; next: it is there, or UINT64_MAX */
  bool known;          /* … if that is known */
  uint64_t sure;       /* 1 more than the last place where all of it was compared again; 0: none */
} many_long;

typedef struct many_needle {
  mm_bytes bytes; /* its stem */
  uint64_t size;  /* of all of it */
  size_t number;
  size_t
      parent; /* the longest that it begins with, the one before of those that are equal; NO_NEEDLE */
} many_needle;

struct mm_many {
  many_needle *sorted;
  size_t *rank; /* by number: where it stands in `sorted` */
  size_t count;
  size_t *found;    /* of the place at hand, the shortest last; room for the longest chain */
  uint8_t *bytes;   /* all of them */
  many_long *longs; /* by place in `sorted`; NULL: none is longer than its stem */
  size_t window, block, head;
  size_t first[257]; /* the needles that begin with byte b are first[b] .. first[b+1]-1 */
  uint8_t shifts[SHIFTS];
  uint64_t heads[((size_t)1 << HEADS_LOG) / 64];
};

/* ---- compiling ------------------------------------------------------------------------------ */

static int compare_needle_bytes(mm_bytes a, mm_bytes b) {
  size_t common = (size_t)(a.size < b.size ? a.size : b.size);
  int order = memcmp(a.data, b.data, common);
  return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_needles(const void *a, const void *b) {
  const many_needle *x = a, *y = b;
  int order = compare_needle_bytes(x->bytes, y->bytes);
  if (order == 0) order = (x->size > y->size) - (x->size < y->size);
  return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* ---- sorting -------------------------------------------------------------------------------- */

/* Stretches are sorted at once and then merged, with a look between at whether to go on. */
#define STRETCH ((size_t)8192)
#define WEIGHT 64 /* so many bytes read take as long as a comparison of needles, about */

static int many_goes_on(mm_pace *pace, uint64_t comparisons, mm_error *err) {
  int stop = mm_pace_stops(pace, comparisons * WEIGHT);
  return stop ? mm_fail_stopped(err, stop) : MM_OK;
}

static size_t least(size_t x, size_t y) {
  return x < y ? x : y;
}

static int sort_stretches(many_needle *needles, size_t count, mm_pace *pace, mm_error *err) {
  int rc = MM_OK;
  for (size_t from = 0, size; from < count && rc == MM_OK; from += size) {
    size = least(count - from, STRETCH);
    qsort(needles + from, size, sizeof *needles, compare_needles);
    rc = many_goes_on(pace, size * 8, err);
  }
  return rc;
}

/* Merge in[0 .. middle-1] and in[middle .. size-1]. */
static int merge(const many_needle *in, size_t middle, size_t size, many_needle *out, mm_pace *pace,
                 mm_error *err) {
  int rc = MM_OK;
  size_t a = 0, b = middle;
  for (size_t i = 0; i < size && rc == MM_OK; i++) {
    bool first = b == size || (a < middle && compare_needles(&in[a], &in[b]) < 0);
    out[i] = first ? in[a++] : in[b++];
    if (i % STRETCH == STRETCH - 1) rc = many_goes_on(pace, STRETCH, err);
  }
  return rc;
}

static int merge_pairs(const many_needle *in, size_t count, size_t width, many_needle *out,
                       mm_pace *pace, mm_error *err) {
  int rc = MM_OK;
  for (size_t from = 0, size; from < count && rc == MM_OK; from += size) {
    size = least(count - from, 2 * width);
    rc = merge(in + from, least(width, size), size, out + from, pace, err);
  }
  return rc;
}

static int sort_needles(mm_many *many, mm_pace *pace, mm_error *err) {
  int rc = sort_stretches(many->sorted, many->count, pace, err);
  if (rc || many->count <= STRETCH) return rc;
  many_needle *spare = mm_alloc(many->count * sizeof *spare);
  if (!spare) return mm_fail_nomem(err);
  for (size_t width = STRETCH; width < many->count && rc == MM_OK; width *= 2) {
    rc = merge_pairs(many->sorted, many->count, width, spare, pace, err);
    many_needle *merged = spare;
    spare = many->sorted;
    many->sorted = merged;
  }
  mm_free(spare);
  return rc;
}

/* ---- tables --------------------------------------------------------------------------------- */

static bool needle_begins_with(mm_bytes text, mm_bytes with) {
  return text.size >= with.size && memcmp(text.data, with.data, (size_t)with.size) == 0;
}

/* What a needle begins with stands before it, and so do those that begin with that. *longest: how many
** the longest chain has. */
static int find_parents(mm_many *many, size_t *longest, mm_pace *pace, mm_error *err) {
  size_t *depth = many->rank; /* not needed yet */
  int rc = MM_OK;
  *longest = 0;
  for (size_t i = 0; i < many->count && rc == MM_OK; i++) {
    size_t parent = i > 0 ? i - 1 : NO_NEEDLE;
    while (parent != NO_NEEDLE &&
           !needle_begins_with(many->sorted[i].bytes, many->sorted[parent].bytes)) {
      parent = many->sorted[parent].parent;
    }
    many->sorted[i].parent = parent;
    depth[i] = parent == NO_NEEDLE ? 1 : depth[parent] + 1;
    if (depth[i] > *longest) *longest = depth[i];
    rc = many_goes_on(pace, 1, err);
  }
  return rc;
}

static size_t block_hash(const mm_many *many, const uint8_t *at) {
  uint32_t block = at[0];
  if (many->block > 1) block |= (uint32_t)at[1] << 8;
  if (many->block < 3) return block;
  block |= (uint32_t)at[2] << 16;
  return block * 0x9e3779b1u >> 16; /* Fibonacci hashing, of D. Knuth */
}

static size_t head_hash(const mm_many *many, const uint8_t *at) {
  uint64_t head = 0;
  memcpy(&head, at, many->head);
  return head * 0x9e3779b97f4a7c15u >> (64 - HEADS_LOG);
}

static int fill_tables(mm_many *many, mm_pace *pace, mm_error *err) {
  int rc = MM_OK;
  size_t last = many->window - many->block; /* the block at the window's end */
  memset(many->shifts, (int)(last + 1), sizeof many->shifts);
  for (size_t i = 0; i < many->count && rc == MM_OK; i++) {
    const uint8_t *needle = many->sorted[i].bytes.data;
    for (size_t at = 0; at <= last; at++) {
      uint8_t *shift = &many->shifts[block_hash(many, needle + at)];
      if (last - at < *shift) *shift = (uint8_t)(last - at);
    }
    size_t head = head_hash(many, needle);
    many->heads[head / 64] |= (uint64_t)1 << head % 64;
    rc = many_goes_on(pace, 1 + last / 8, err);
  }
  return rc;
}

static void fill_index(mm_many *many) {
  size_t i = 0;
  for (size_t byte = 0; byte < 256; byte++) {
    many->first[byte] = i;
    while (i < many->count && many->sorted[i].bytes.data[0] == byte) i++;
  }
  many->first[256] = many->count;
  for (i = 0; i < many->count; i++) many->rank[many->sorted[i].number] = i;
}

static uint64_t longest_stem(const mm_bytes *needles, size_t count) {
  size_t longs = 0;
  for (size_t i = 0; i < count; i++) longs += needles[i].size > STEM_MOST;
  return longs <= LONGS_MOST ? STEM_MOST : UINT64_MAX;
}

static void copy_many(mm_many *many, const mm_bytes *needles) {
  uint8_t *out = many->bytes;
  uint64_t most = longest_stem(needles, many->count);
  many->window = WINDOW_MOST;
  for (size_t i = 0; i < many->count; i++) {
    memcpy(out, needles[i].data, (size_t)needles[i].size);
    uint64_t stem = needles[i].size < most ? needles[i].size : most;
    many->sorted[i] = (many_needle){{out, stem}, needles[i].size, i, NO_NEEDLE};
    out += needles[i].size;
    if (needles[i].size < many->window) many->window = (size_t)needles[i].size;
  }
  many->block = many->window < BLOCK_MOST ? many->window : BLOCK_MOST;
  many->head = many->window < HEAD_MOST ? many->window : HEAD_MOST;
}

static bool allocate_many(mm_many *many, const mm_bytes *needles) {
  uint64_t size = 0;
  for (size_t i = 0; i < many->count; i++) size += needles[i].size;
  many->bytes = mm_alloc(size + 1);
  many->sorted = mm_alloc((many->count + 1) * sizeof *many->sorted);
  many->rank = mm_alloc((many->count + 1) * sizeof *many->rank);
  return many->bytes && many->sorted && many->rank;
}

static int find_longs(mm_many *many, mm_error *err) {
  for (size_t i = 0; i < many->count; i++) {
    const many_needle *needle = &many->sorted[i];
    if (needle->size == needle->bytes.size) continue;
    if (!many->longs) many->longs = mm_alloc_zeroed(many->count * sizeof *many->longs);
    if (!many->longs) return mm_fail_nomem(err);
    mm_needle_prepare(&many->longs[i].needle, needle->bytes.data, needle->size);
  }
  return MM_OK;
}

static int compile_all(mm_many *many, const mm_bytes *needles, mm_pace *pace, mm_error *err) {
  if (!allocate_many(many, needles)) return mm_fail_nomem(err);
  copy_many(many, needles);
  size_t longest = 0;
  int rc = sort_needles(many, pace, err);
  if (rc == MM_OK) rc = find_parents(many, &longest, pace, err);
  if (rc == MM_OK) rc = find_longs(many, err);
  if (rc) return rc;
  many->found = mm_alloc((longest + 1) * sizeof *many->found);
  if (!many->found) return mm_fail_nomem(err);
  fill_index(many);
  return fill_tables(many, pace, err);
}

int mm_many_compile(const mm_bytes *needles, size_t count, const mm_watch *watch, mm_many **out,
                    mm_error *err) {
  if (count > (size_t)1 << 31 >> (sizeof(size_t) < 8 ? 4 : 0)) {
    return mm_fail(err, MM_TOOBIG, "%llu needles are too many", (unsigned long long)count);
  }
  mm_many *many = mm_alloc_zeroed(sizeof *many);
  if (!many) return mm_fail_nomem(err);
  mm_pace pace = {.unasked = 0};
  if (watch) pace.watch = *watch;
  many->count = count;
  int rc = compile_all(many, needles, &pace, err);
  if (rc) {
    mm_many_free(many);
  } else {
    *out = many;
  }
  return rc;
}

void mm_many_free(mm_many *many) {
  if (!many) return;
  mm_free(many->bytes);
  mm_free(many->sorted);
  mm_free(many->rank);
  mm_free(many->found);
  mm_free(many->longs);
  mm_free(many);
}

size_t mm_many_count(const mm_many *many) {
  return many->count;
}

mm_bytes mm_many_needle(const mm_many *many, size_t needle) {
  const many_needle *found = &many->sorted[many->rank[needle]];
  return (mm_bytes){found->bytes.data, found->size};
}

/* ---- scanning ------------------------------------------------------------------------------- */

/* May a needle begin at this place, which has a whole window? */
static bool may_begin(const mm_many *many, const uint8_t *at) {
  size_t head = head_hash(many, at);
  return many->heads[head / 64] >> head % 64 & 1;
}

/* The next place in [from, to) where one may; `to` if there is none. All of them have a window. */
static uint64_t next_many_place(const mm_many *many, const uint8_t *data, uint64_t from,
                                uint64_t to) {
  size_t last = many->window - many->block;
  for (uint64_t at = from; at < to;) {
    size_t shift = many->shifts[block_hash(many, data + at + last)];
    if (shift > 0) {
      at += shift;
    } else if (may_begin(many, data + at)) {
      return at;
    } else {
      at++;
    }
  }
  return to;
}

static uint64_t common_prefix(mm_bytes a, mm_bytes b) {
  uint64_t size = a.size < b.size ? a.size : b.size;
  return mm_mismatch(a.data, b.data, size);
}

static bool is_behind(mm_bytes needle, mm_bytes text, uint64_t common) {
  if (common == needle.size) return false;
  return common == text.size || needle.data[common] > text.data[common];
}

/* The last needle that is not behind `text`; NO_NEEDLE. *compared counts bytes. */
static size_t last_not_behind(const mm_many *many, mm_bytes text, uint64_t *compared) {
  size_t low = many->first[text.data[0]], high = many->first[text.data[0] + 1], start = low;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    mm_bytes needle = many->sorted[middle].bytes;
    uint64_t common = common_prefix(needle, text);
    *compared += common;
    if (is_behind(needle, text, common)) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low > start ? low - 1 : NO_NEEDLE;
}

/* What is looked at. */
typedef struct many_text {
  const uint8_t *data;
  uint64_t size;
  const mm_watch *watch;
} many_text;

/* Others may have overwritten what was found ahead. A needle that lies over itself is compared whole once
** in its own length: more often would take more than linear time. */
static bool holds_whole(many_long *l, const many_text *text, uint64_t place) {
  if (l->sure && place + 1 >= l->sure && place + 1 - l->sure < l->needle.size) return true;
  if (memcmp(text->data + place, l->needle.data, (size_t)l->needle.size) != 0) return false;
  l->sure = place + 1;
  return true;
}

/* The same for any that was found and not handed out yet. */
static bool is_still_at(mm_many *many, size_t at, const many_text *text, uint64_t place) {
  const many_needle *needle = &many->sorted[at];
  if (text->size < needle->size || place > text->size - needle->size) return false;
  if (memcmp(text->data + place, needle->bytes.data, (size_t)needle->bytes.size) != 0) return false;
  return needle->size == needle->bytes.size || holds_whole(&many->longs[at], text, place);
}

/* Is a long needle there? 1, 0 or MM_FIND_STOPPED. *compared counts bytes. */
static int is_long_at(many_long *l, const many_text *text, uint64_t place, uint64_t *compared) {
  if (l->compared < COMPARED_MOST) {
    uint64_t common = common_prefix((mm_bytes){l->needle.data, l->needle.size},
                                    (mm_bytes){text->data + place, text->size - place});
    l->compared += common;
    *compared += common;
    return common == l->needle.size;
  }
  bool ahead = l->known && l->next == place && l->from < place;
  if (ahead && !holds_whole(l, text, place)) l->known = false;
  if (!l->known || place < l->from || place > l->next) {
    l->occur.next = place;
    int64_t found = mm_occur_search(&l->occur, &l->needle, text->data, text->size, text->watch);
    if (found == MM_FIND_STOPPED) return MM_FIND_STOPPED;
    l->from = place;
    l->next = found < 0 ? UINT64_MAX : (uint64_t)found;
    l->known = true;
  }
  return l->next == place;
}

static void forget_longs(mm_many *many) {
  for (size_t i = 0; many->longs && i < many->count; i++) {
    many->longs[i].occur = (mm_occur){0};
    many->longs[i].known = false;
    many->longs[i].compared = 0;
    many->longs[i].sure = 0;
  }
}

/* All that begin at the scan's place, the longest first; *compared counts bytes. 0, or
** MM_FIND_STOPPED. */
static int find_many_at(mm_many *many, mm_many_scan *scan, const many_text *text,
                        uint64_t *compared) {
  mm_bytes rest = {text->data + scan->place, text->size - scan->place};
  size_t at = last_not_behind(many, rest, compared);
  uint64_t common = at == NO_NEEDLE ? 0 : common_prefix(many->sorted[at].bytes, rest);
  for (; at != NO_NEEDLE; at = many->sorted[at].parent) {
    const many_needle *needle = &many->sorted[at];
    int found = needle->bytes.size <= common;
    if (found && needle->size > needle->bytes.size) {
      found = is_long_at(&many->longs[at], text, scan->place, compared);
    }
    if (found == MM_FIND_STOPPED) return MM_FIND_STOPPED;
    if (found) many->found[scan->left++] = at;
  }
  return 0;
}

/* Where needles are, from scan->next on, which moves on. 0, or MM_FIND_STOPPED. A place may cost as
** much as a stem has bytes: those are counted, too. */
static int look_for_many(mm_many *many, mm_many_scan *scan, const many_text *text) {
  uint64_t places = text->size >= many->window ? text->size - many->window + 1 : 0;
  mm_pace pace = {.unasked = 0};
  if (text->watch) pace.watch = *text->watch;
  while (scan->left == 0 && scan->next < places) {
    uint64_t end = places - scan->next > MM_PIECE ? scan->next + MM_PIECE : places;
    uint64_t at = next_many_place(many, text->data, scan->next, end), compared = 0;
    if (at < end) {
      scan->place = at++;
      if (find_many_at(many, scan, text, &compared)) return MM_FIND_STOPPED;
    }
    compared += at - scan->next;
    scan->next = at;
    if (mm_pace_stops(&pace, compared)) return MM_FIND_STOPPED;
  }
  return 0;
}

int mm_many_next(mm_many *many, mm_many_scan *scan, const uint8_t *data, uint64_t size,
                 const mm_watch *watch, mm_many_found *found) {
  many_text text = {data, size, watch};
  bool looked = false, there = false;
  size_t at = NO_NEEDLE;
  if (!scan->begun) forget_longs(many);
  scan->begun = true;
  while (!there) {
    looked = scan->left == 0;
    if (looked && many->count > 0 && look_for_many(many, scan, &text)) return MM_FIND_STOPPED;
    if (scan->left == 0) return 0;
    at = many->found[--scan->left];
    there = looked || is_still_at(many, at, &text, scan->place);
  }
  const many_needle *needle = &many->sorted[at];
  *found = (mm_many_found){scan->place, needle->size, needle->number};
  return 1;
}

int mm_many_first(mm_many *many, mm_many_scan *scan, const uint8_t *data, uint64_t size,
                  const mm_watch *watch, mm_many_found *found) {
  many_text text = {data, size, watch};
  const many_needle *first = NULL;
  if (!scan->begun) forget_longs(many);
  scan->begun = true;
  scan->left = 0;
  if (many->count > 0 && look_for_many(many, scan, &text)) return MM_FIND_STOPPED;
  for (; scan->left > 0; scan->left--) {
    const many_needle *needle = &many->sorted[many->found[scan->left - 1]];
    if (!first || needle->number < first->number) first = needle;
  }
  if (first) *found = (mm_many_found){scan->place, first->size, first->number};
  return first != NULL;
}
