/*
** log_merge.c: what the entries of a log do in all.
**
** Every entry becomes a piece: a write the bytes it wrote; a cut the zeros that show where it cut,
** should the file grow again. What is seen at a byte is the newest piece over it. The pieces are
** swept by offset; a heap holds those that cover the point of the sweep, the newest on top.
*/
#include <string.h>

#include "core/file/log_private.h"
#include "core/common/mem.h"

typedef struct piece {
  uint64_t start, end;
  uint8_t *data; /* NULL: zeros */
} piece;

/* A piece, to be sorted by where it begins. */
typedef struct log_key {
  uint64_t start;
  size_t age;
} log_key;

typedef struct merger {
  const mm_log *log;
  uint64_t end;             /* pieces end here at the latest */
  const mm_change *watched; /* is asked whether to go on */
  log_key *keys;            /* ascending by start */
  size_t count;
  size_t *heap; /* ages */
  size_t live, heap_capacity;
  mm_log_entry *out; /* the visible parts, ascending */
  size_t out_count, out_capacity;
  size_t last; /* the age of the last of them */
} merger;

/* A step with a piece is as much work as so many bytes. */
#define PIECE_WORK ((uint64_t)64)

/* The piece of an entry; it may be empty. */
static piece piece_of(const merger *m, size_t age) {
  const mm_log_entry *entry = &m->log->entries[age];
  piece p = {entry->offset, entry->offset + entry->size, entry->data};
  if (!log_is_write(entry)) {
    p.start = entry->size;
    p.end = entry->offset;
  }
  if (p.end > m->end) p.end = m->end;
  return p;
}

/* Ascending and disjoint already, as an UPDATE in order leaves them: nothing to sort. */
static bool in_order(const merger *m) {
  uint64_t end = 0;
  for (size_t i = 0; i < m->log->count; i++) {
    piece p = piece_of(m, i);
    if (p.start >= p.end) continue;
    if (p.start < end) return false;
    end = p.end;
  }
  return true;
}

static int take_all(merger *m, mm_error *err) {
  m->out = mm_alloc(m->log->count * sizeof *m->out);
  if (!m->out) return mm_fail_nomem(err);
  for (size_t i = 0; i < m->log->count; i++) {
    piece p = piece_of(m, i);
    if (p.start < p.end) m->out[m->out_count++] = (mm_log_entry){p.start, p.end - p.start, p.data};
  }
  return MM_OK;
}

static void collect(merger *m) {
  for (size_t i = 0; i < m->log->count; i++) {
    piece p = piece_of(m, i);
    if (p.start < p.end) m->keys[m->count++] = (log_key){p.start, i};
  }
}

/* Merge from[low .. middle-1] and from[middle .. high-1], both ascending. */
static void merge_runs(const log_key *from, log_key *to, size_t low, size_t middle, size_t high) {
  size_t i = low, j = middle;
  for (size_t k = low; k < high; k++) {
    bool left = i < middle && (j >= high || from[i].start <= from[j].start);
    to[k] = left ? from[i++] : from[j++];
  }
}

/* Bottom-up merge sort by start, stable; `spare` has room for as many. m->keys becomes where the
** result is. */
static int sort_keys(merger *m, log_key *spare, mm_error *err) {
  int rc = MM_OK;
  size_t count = m->count;
  for (size_t width = 1; width < count && rc == MM_OK; width *= 2) {
    for (size_t low = 0; low < count && rc == MM_OK; low += 2 * width) {
      size_t middle = low + width < count ? low + width : count;
      size_t high = middle + width < count ? middle + width : count;
      merge_runs(m->keys, spare, low, middle, high);
      rc = mm_change_worked(m->watched, (high - low) * PIECE_WORK, err);
    }
    log_key *swap = m->keys;
    m->keys = spare;
    spare = swap;
  }
  return rc;
}

static int sort(merger *m, mm_error *err) {
  log_key *keys = mm_alloc(m->log->count * sizeof *keys);
  log_key *spare = mm_alloc(m->log->count * sizeof *spare);
  m->keys = keys;
  int rc = keys && spare ? MM_OK : mm_fail_nomem(err);
  if (rc == MM_OK) {
    collect(m);
    rc = sort_keys(m, spare, err);
  }
  mm_free(m->keys == keys ? spare : keys);
  return rc;
}

static void swap_heap(merger *m, size_t a, size_t b) {
  size_t t = m->heap[a];
  m->heap[a] = m->heap[b];
  m->heap[b] = t;
}

static int push(merger *m, size_t age, mm_error *err) {
  void *heap = m->heap;
  if (mm_grow(&heap, m->live, &m->heap_capacity, sizeof age)) return mm_fail_nomem(err);
  m->heap = heap;
  size_t i = m->live++;
  m->heap[i] = age;
  while (i > 0 && m->heap[i] > m->heap[(i - 1) / 2]) {
    swap_heap(m, i, (i - 1) / 2);
    i = (i - 1) / 2;
  }
  return MM_OK;
}

static void pop(merger *m) {
  m->heap[0] = m->heap[--m->live];
  for (size_t i = 0;;) {
    size_t top = i, left = 2 * i + 1, right = 2 * i + 2;
    if (left < m->live && m->heap[left] > m->heap[top]) top = left;
    if (right < m->live && m->heap[right] > m->heap[top]) top = right;
    if (top == i) return;
    swap_heap(m, i, top);
    i = top;
  }
}

/* The visible part [start, end) of the newest piece there; the rest of a part that was only split
** goes on: nothing else came between. */
static int emit(merger *m, uint64_t start, uint64_t end, mm_error *err) {
  size_t age = m->heap[0];
  if (m->out_count && m->last == age) {
    m->out[m->out_count - 1].size += end - start;
    return MM_OK;
  }
  void *out = m->out;
  if (mm_grow(&out, m->out_count, &m->out_capacity, sizeof *m->out)) return mm_fail_nomem(err);
  m->out = out;
  m->last = age;
  piece p = piece_of(m, age);
  uint8_t *data = p.data ? p.data + (start - p.start) : NULL;
  m->out[m->out_count++] = (mm_log_entry){start, end - start, data};
  return MM_OK;
}

/* Most entries are seen in one piece. */
static int reserve_out(merger *m, mm_error *err) {
  m->out = mm_alloc(m->count * sizeof *m->out);
  if (!m->out) return mm_fail_nomem(err);
  m->out_capacity = m->count;
  return MM_OK;
}

static int sweep(merger *m, mm_error *err) {
  int rc = MM_OK;
  uint64_t at = 0;
  size_t next = 0;
  while (rc == MM_OK) {
    while (m->live && piece_of(m, m->heap[0]).end <= at) pop(m);
    if (!m->live) {
      if (next == m->count) break;
      at = m->keys[next].start;
    }
    while (rc == MM_OK && next < m->count && m->keys[next].start <= at) {
      rc = push(m, m->keys[next++].age, err);
    }
    if (rc) break;
    uint64_t end = piece_of(m, m->heap[0]).end;
    if (next < m->count && m->keys[next].start < end) end = m->keys[next].start;
    rc = emit(m, at, end, err);
    if (rc == MM_OK) rc = mm_change_worked(m->watched, PIECE_WORK, err);
    at = end;
  }
  return rc;
}

static int add_extent(mm_change *change, mm_extent extent, mm_error *err) {
  void *extents = change->extents;
  if (mm_grow(&extents, change->count, &change->capacity, sizeof extent)) return mm_fail_nomem(err);
  change->extents = extents;
  change->extents[change->count++] = extent;
  return MM_OK;
}

static uint8_t *add_buffer(mm_change *change, uint64_t size) {
  void *buffers = change->buffers;
  if (mm_grow(&buffers, change->buffer_count, &change->buffer_capacity, sizeof(uint8_t *))) {
    return NULL;
  }
  change->buffers = buffers;
  uint8_t *buffer = mm_alloc(size);
  if (buffer) change->buffers[change->buffer_count++] = buffer;
  return buffer;
}

/* Small neighbours become one extent, so that a byte at a time does not become a write a byte;
** large ones are not worth a copy. */
#define JOIN_BELOW ((uint64_t)64 << 10)
#define JOIN_LIMIT ((uint64_t)1 << 20)

static bool follows(const mm_log_entry *entry, const mm_log_entry *last) {
  return entry->offset == last->offset + last->size;
}

size_t log_run_length(const mm_log_entry *parts, size_t count, size_t first) {
  size_t n = 1;
  uint64_t size = parts[first].size;
  if (size >= JOIN_BELOW) return n;
  while (first + n < count && parts[first + n].size < JOIN_BELOW &&
         follows(&parts[first + n], &parts[first + n - 1]) && size < JOIN_LIMIT) {
    size += parts[first + n].size;
    n++;
  }
  return n;
}

uint64_t log_run_size(const mm_log_entry *parts, size_t count) {
  return parts[count - 1].offset + parts[count - 1].size - parts[0].offset;
}

void log_join(const mm_log_entry *parts, size_t count, uint8_t *to) {
  for (size_t i = 0; i < count; i++) {
    if (parts[i].data) {
      memcpy(to, parts[i].data, (size_t)parts[i].size);
    } else {
      memset(to, 0, (size_t)parts[i].size);
    }
    to += parts[i].size;
  }
}

static int add_run(mm_change *change, const mm_log_entry *parts, size_t n, mm_error *err) {
  uint64_t size = log_run_size(parts, n);
  if (n == 1) return add_extent(change, (mm_extent){parts->offset, size, parts->data}, err);
  uint8_t *buffer = add_buffer(change, size);
  if (!buffer) return mm_fail_nomem(err);
  log_join(parts, n, buffer);
  return add_extent(change, (mm_extent){parts->offset, size, buffer}, err);
}

/* Zeros past the old end need no writing: the file grows with zeros. */
static size_t drop_needless_zeros(mm_log_entry *parts, size_t count, uint64_t base) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    mm_log_entry part = parts[i];
    if (!part.data && part.offset >= base) continue;
    if (!part.data && part.size > base - part.offset) part.size = base - part.offset;
    parts[n++] = part;
  }
  return n;
}

static int build(mm_change *change, mm_log_entry *parts, size_t count, mm_error *err) {
  int rc = MM_OK;
  count = drop_needless_zeros(parts, count, change->old_size);
  for (size_t i = 0, n; i < count && rc == MM_OK; i += n) {
    n = log_run_length(parts, count, i);
    rc = add_run(change, parts + i, n, err);
    uint64_t copied = n > 1 ? log_run_size(parts + i, n) : 0;
    if (rc == MM_OK) rc = mm_change_worked(change, n * PIECE_WORK + copied, err);
  }
  return rc;
}

int log_visible(const mm_log *log, uint64_t end, const mm_change *watched, mm_log_entry **out,
                size_t *count, mm_error *err) {
  merger m = {.log = log, .end = end, .watched = watched};
  int rc;
  if (in_order(&m)) {
    rc = take_all(&m, err);
  } else {
    rc = sort(&m, err);
    if (rc == MM_OK) rc = reserve_out(&m, err);
    if (rc == MM_OK) rc = sweep(&m, err);
  }
  mm_free(m.keys);
  mm_free(m.heap);
  *out = m.out;
  *count = m.out_count;
  return rc;
}

int mm_log_merge(const mm_log *log, uint64_t base, mm_change *change, mm_error *err) {
  mm_log_entry *parts = NULL;
  size_t count = 0;
  change->old_size = base;
  change->new_size = mm_log_size_at(log, log->count, base);
  int rc = log_visible(log, change->new_size, change, &parts, &count, err);
  if (rc == MM_OK) rc = build(change, parts, count, err);
  mm_free(parts);
  if (rc) mm_change_clear(change);
  return rc;
}
