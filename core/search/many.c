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
*/
#include "core/search/many.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/mem.h"

#define BLOCK_MOST 3
#define SHIFTS ((size_t)1 << 16)
#define WINDOW_MOST 128 /* a shift is a byte */
#define HEAD_MOST 8     /* bytes that are hashed */
#define HEADS_LOG 20
#define NO_NEEDLE SIZE_MAX

typedef struct many_needle {
  mm_bytes bytes;
  size_t number;
  size_t
      parent; /* the longest that it begins with, the one before of those that are equal; NO_NEEDLE */
} many_needle;

struct mm_many {
  many_needle *sorted;
  size_t *rank; /* by number: where it stands in `sorted` */
  size_t count;
  size_t *found;  /* of the place at hand, the shortest last; room for the longest chain */
  uint8_t *bytes; /* all of them */
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
  return order ? order : (x->number > y->number) - (x->number < y->number);
}

static bool needle_begins_with(mm_bytes text, mm_bytes with) {
  return text.size >= with.size && memcmp(text.data, with.data, (size_t)with.size) == 0;
}

/* What a needle begins with stands before it, and so do those that begin with that. Returns how many
** the longest chain has. */
static size_t find_parents(mm_many *many) {
  size_t *depth = many->rank; /* not needed yet */
  size_t longest = 0;
  for (size_t i = 0; i < many->count; i++) {
    size_t parent = i > 0 ? i - 1 : NO_NEEDLE;
    while (parent != NO_NEEDLE &&
           !needle_begins_with(many->sorted[i].bytes, many->sorted[parent].bytes)) {
      parent = many->sorted[parent].parent;
    }
    many->sorted[i].parent = parent;
    depth[i] = parent == NO_NEEDLE ? 1 : depth[parent] + 1;
    if (depth[i] > longest) longest = depth[i];
  }
  return longest;
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

static void fill_tables(mm_many *many) {
  size_t last = many->window - many->block; /* the block at the window's end */
  memset(many->shifts, (int)(last + 1), sizeof many->shifts);
  for (size_t i = 0; i < many->count; i++) {
    const uint8_t *needle = many->sorted[i].bytes.data;
    for (size_t at = 0; at <= last; at++) {
      uint8_t *shift = &many->shifts[block_hash(many, needle + at)];
      if (last - at < *shift) *shift = (uint8_t)(last - at);
    }
    size_t head = head_hash(many, needle);
    many->heads[head / 64] |= (uint64_t)1 << head % 64;
  }
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

static void copy_many(mm_many *many, const mm_bytes *needles) {
  uint8_t *out = many->bytes;
  many->window = WINDOW_MOST;
  for (size_t i = 0; i < many->count; i++) {
    memcpy(out, needles[i].data, (size_t)needles[i].size);
    many->sorted[i] = (many_needle){{out, needles[i].size}, i, NO_NEEDLE};
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

int mm_many_compile(const mm_bytes *needles, size_t count, mm_many **out, mm_error *err) {
  if (count > (size_t)1 << 31 >> (sizeof(size_t) < 8 ? 4 : 0)) {
    return mm_fail(err, MM_TOOBIG, "%llu needles are too many", (unsigned long long)count);
  }
  mm_many *many = mm_alloc_zeroed(sizeof *many);
  if (!many) return mm_fail_nomem(err);
  many->count = count;
  if (allocate_many(many, needles)) {
    copy_many(many, needles);
    qsort(many->sorted, count, sizeof *many->sorted, compare_needles);
    many->found = mm_alloc((find_parents(many) + 1) * sizeof *many->found);
  }
  if (!many->found) {
    mm_many_free(many);
    return mm_fail_nomem(err);
  }
  fill_index(many);
  fill_tables(many);
  *out = many;
  return MM_OK;
}

void mm_many_free(mm_many *many) {
  if (!many) return;
  mm_free(many->bytes);
  mm_free(many->sorted);
  mm_free(many->rank);
  mm_free(many->found);
  mm_free(many);
}

mm_bytes mm_many_needle(const mm_many *many, size_t needle) {
  return many->sorted[many->rank[needle]].bytes;
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

/* The last needle that is not behind `text`; NO_NEEDLE. */
static size_t last_not_behind(const mm_many *many, mm_bytes text) {
  size_t low = many->first[text.data[0]], high = many->first[text.data[0] + 1], start = low;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (compare_needle_bytes(many->sorted[middle].bytes, text) <= 0) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low > start ? low - 1 : NO_NEEDLE;
}

/* All that `text` begins with, the longest first. Returns how many. */
static size_t find_many_at(mm_many *many, mm_bytes text) {
  size_t count = 0, at = last_not_behind(many, text);
  uint64_t common = at == NO_NEEDLE ? 0 : common_prefix(many->sorted[at].bytes, text);
  for (; at != NO_NEEDLE; at = many->sorted[at].parent) {
    if (many->sorted[at].bytes.size <= common) many->found[count++] = at;
  }
  return count;
}

/* Where needles are, from scan->next on, which moves on. 0, or MM_FIND_STOPPED. */
static int look_for_many(mm_many *many, mm_many_scan *scan, const uint8_t *data, uint64_t size,
                         const mm_watch *watch) {
  uint64_t places = size >= many->window ? size - many->window + 1 : 0;
  uint64_t asked = scan->next;
  while (scan->left == 0 && scan->next < places) {
    uint64_t end = places - scan->next > MM_PIECE ? scan->next + MM_PIECE : places;
    uint64_t at = next_many_place(many, data, scan->next, end);
    if (at < end) {
      scan->left = find_many_at(many, (mm_bytes){data + at, size - at});
      scan->place = at++;
    }
    scan->next = at;
    if (at - asked < MM_PIECE) continue;
    asked = at;
    if (mm_watch_stops(watch, at)) return MM_FIND_STOPPED;
  }
  return 0;
}

int mm_many_next(mm_many *many, mm_many_scan *scan, const uint8_t *data, uint64_t size,
                 const mm_watch *watch, mm_many_found *found) {
  if (scan->left == 0 && many->count > 0 && look_for_many(many, scan, data, size, watch)) {
    return MM_FIND_STOPPED;
  }
  if (scan->left == 0) return 0;
  const many_needle *needle = &many->sorted[many->found[--scan->left]];
  *found = (mm_many_found){scan->place, needle->bytes.size, needle->number};
  return 1;
}
