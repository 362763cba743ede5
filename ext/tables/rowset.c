/*
** rowset.c: bitmaps of 512 rows in a hash table with open addressing.
**
** 72 bytes for the first row of 512 and none for the others: a million scattered rows take 100 MB,
** forty million in one run 6.
*/
#include "ext/tables/rowset.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/error.h"
#include "core/common/mem.h"

enum { WORDS = 8, ROWS = WORDS * 64 };

typedef struct ext_rowset_chunk {
  int64_t number; /* of its first row, by ROWS; -1: an empty slot */
  uint64_t bits[WORDS];
} chunk;

void ext_rowset_clear(ext_rowset *set) {
  mm_free(set->chunks);
  memset(set, 0, sizeof *set);
}

/* ---- the hash table ------------------------------------------------------------------------- */

/* D. E. Knuth, The Art of Computer Programming 3, 6.4: multiplicative hashing by the golden
** ratio. */
static size_t number_slot(int64_t number, size_t capacity) {
  uint64_t hash = (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15);
  return (size_t)(hash >> 32) & (capacity - 1);
}

/* The slot that has the chunk, or the empty one where it would go. */
static chunk *find_slot(chunk *chunks, size_t capacity, int64_t number) {
  size_t i = number_slot(number, capacity);
  while (chunks[i].number >= 0 && chunks[i].number != number) i = (i + 1) & (capacity - 1);
  return &chunks[i];
}

static const chunk *find_chunk(const ext_rowset *set, int64_t number) {
  if (set->count == 0) return NULL;
  const chunk *c = find_slot(set->chunks, set->capacity, number);
  return c->number >= 0 ? c : NULL;
}

static int grow(ext_rowset *set) {
  size_t capacity = set->capacity ? set->capacity * 2 : 16;
  chunk *chunks = mm_alloc(capacity * sizeof *chunks);
  if (!chunks) return MM_NOMEM;
  for (size_t i = 0; i < capacity; i++) chunks[i].number = -1;
  for (size_t i = 0; i < set->capacity; i++) {
    const chunk *c = &set->chunks[i];
    if (c->number >= 0) *find_slot(chunks, capacity, c->number) = *c;
  }
  mm_free(set->chunks);
  set->chunks = chunks;
  set->capacity = capacity;
  return MM_OK;
}

static uint64_t bit_of(int64_t row) {
  return UINT64_C(1) << (row & 63);
}

static size_t word_of(int64_t row) {
  return (size_t)(row % ROWS / 64);
}

int ext_rowset_add(ext_rowset *set, int64_t row) {
  if (set->used * 4 >= set->capacity * 3 && grow(set)) return MM_NOMEM;
  chunk *c = find_slot(set->chunks, set->capacity, row / ROWS);
  if (c->number < 0) {
    *c = (chunk){.number = row / ROWS};
    set->used++;
  }
  if (!(c->bits[word_of(row)] & bit_of(row))) set->count++;
  c->bits[word_of(row)] |= bit_of(row);
  return MM_OK;
}

/* As many rows from `row` on as lie in one word, of `count`; and their bits. */
static int64_t rows_of_word(int64_t row, int64_t count, uint64_t *bits) {
  int64_t n = 64 - (row & 63);
  if (n > count) n = count;
  *bits = (UINT64_MAX >> (64 - n)) << (row & 63);
  return n;
}

int ext_rowset_add_run(ext_rowset *set, int64_t first, int64_t count) {
  for (int64_t n; count > 0; first += n, count -= n) {
    uint64_t bits;
    n = rows_of_word(first, count, &bits);
    if (ext_rowset_add(set, first)) return MM_NOMEM;
    uint64_t *word = &find_slot(set->chunks, set->capacity, first / ROWS)->bits[word_of(first)];
    set->count += __builtin_popcountll(bits & ~*word);
    *word |= bits;
  }
  return MM_OK;
}

/* The chunks stay, empty. */
void ext_rowset_remove_run(ext_rowset *set, int64_t first, int64_t count) {
  for (int64_t n; count > 0 && set->count > 0; first += n, count -= n) {
    uint64_t bits;
    n = rows_of_word(first, count, &bits);
    chunk *c = find_slot(set->chunks, set->capacity, first / ROWS);
    if (c->number < 0) continue;
    uint64_t *word = &c->bits[word_of(first)];
    set->count -= __builtin_popcountll(bits & *word);
    *word &= ~bits;
  }
}

bool ext_rowset_has(const ext_rowset *set, int64_t row) {
  const chunk *c = find_chunk(set, row / ROWS);
  return c && c->bits[word_of(row)] & bit_of(row);
}

/* ---- the nearest row that is not there ------------------------------------------------------ */

int64_t ext_rowset_absent_from(const ext_rowset *set, int64_t row) {
  for (;;) {
    const chunk *c = find_chunk(set, row / ROWS);
    if (!c) return row;
    uint64_t free = ~c->bits[word_of(row)] & (UINT64_MAX << (row & 63));
    if (free) return row / 64 * 64 + __builtin_ctzll(free);
    row = row / 64 * 64 + 64;
  }
}

int64_t ext_rowset_absent_to(const ext_rowset *set, int64_t row) {
  while (row >= 0) {
    const chunk *c = find_chunk(set, row / ROWS);
    if (!c) return row;
    uint64_t free = ~c->bits[word_of(row)] & (UINT64_MAX >> (63 - (row & 63)));
    if (free) return row / 64 * 64 + 63 - __builtin_clzll(free);
    row = row / 64 * 64 - 1;
  }
  return row;
}

/* ---- all of them ---------------------------------------------------------------------------- */

static int compare_chunks(const void *a, const void *b) {
  int64_t x = (*(const chunk *const *)a)->number, y = (*(const chunk *const *)b)->number;
  return (x > y) - (x < y);
}

static const chunk **sort_chunks(const ext_rowset *set, size_t *count) {
  const chunk **list = mm_alloc((set->used + 1) * sizeof *list);
  *count = 0;
  for (size_t i = 0; list && i < set->capacity; i++) {
    if (set->chunks[i].number >= 0) list[(*count)++] = &set->chunks[i];
  }
  if (list) qsort(list, *count, sizeof *list, compare_chunks);
  return list;
}

/* The run first..last, to which rows are added as they come. */
typedef struct runner {
  int64_t first, last; /* first > last: none yet */
  ext_rowset_run *run;
  void *context;
} runner;

static int add_rows(runner *r, int64_t first, int64_t last) {
  int rc = MM_OK;
  if (r->first <= r->last && first == r->last + 1) {
    r->last = last;
    return rc;
  }
  if (r->first <= r->last) rc = r->run(r->context, r->first, r->last);
  r->first = first;
  r->last = last;
  return rc;
}

/* The runs of ones in a word, whose lowest bit is row `base`. */
static int add_word(runner *r, int64_t base, uint64_t bits) {
  int rc = MM_OK;
  while (bits && rc == MM_OK) {
    int from = __builtin_ctzll(bits);
    uint64_t gap = ~(bits >> from);
    int size = gap ? __builtin_ctzll(gap) : 64;
    if (size > 64 - from) size = 64 - from;
    rc = add_rows(r, base + from, base + from + size - 1);
    bits &= from + size < 64 ? UINT64_MAX << (from + size) : 0;
  }
  return rc;
}

int ext_rowset_each(const ext_rowset *set, ext_rowset_run *run, void *context) {
  size_t count;
  runner r = {0, -1, run, context};
  const chunk **list = sort_chunks(set, &count);
  if (!list) return MM_NOMEM;
  int rc = MM_OK;
  for (size_t i = 0; i < count; i++) {
    for (int w = 0; w < WORDS && rc == MM_OK; w++) {
      rc = add_word(&r, list[i]->number * ROWS + (int64_t)64 * w, list[i]->bits[w]);
    }
  }
  if (rc == MM_OK && r.first <= r.last) rc = run(context, r.first, r.last);
  mm_free(list);
  return rc;
}
