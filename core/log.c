#include "core/log.h"

#include <string.h>

#include "core/mem.h"

/* Bytes are kept in chunks that never move, so that entries can point into them. A chunk takes many
** small writes or one large one. */
#define CHUNK_MIN ((uint64_t)64 << 10)
#define CHUNK_MAX ((uint64_t)8 << 20)

struct mm_log_chunk {
  struct mm_log_chunk *before;
  size_t first; /* index of the first entry whose bytes lie here */
  uint64_t size, used;
  uint8_t bytes[];
};

static bool is_write(const mm_log_entry *entry) {
  return entry->data != NULL;
}

void mm_log_clear(mm_log *log) {
  while (log->chunk) {
    struct mm_log_chunk *before = log->chunk->before;
    mm_free(log->chunk);
    log->chunk = before;
  }
  mm_free(log->entries);
  memset(log, 0, sizeof *log);
}

static int add_entry(mm_log *log, mm_log_entry entry, mm_error *err) {
  void *entries = log->entries;
  if (mm_grow(&entries, log->count, &log->capacity, sizeof entry)) return mm_fail_nomem(err);
  log->entries = entries;
  log->entries[log->count++] = entry;
  return MM_OK;
}

/* Chunks double in size, so that a long transaction has few of them. */
static uint64_t next_chunk_size(const mm_log *log, uint64_t wanted) {
  uint64_t size = log->chunk ? log->chunk->size * 2 : CHUNK_MIN;
  if (size > CHUNK_MAX) size = CHUNK_MAX;
  return wanted > size ? wanted : size;
}

static uint8_t *room(mm_log *log, uint64_t size) {
  struct mm_log_chunk *chunk = log->chunk;
  if (!chunk || chunk->size - chunk->used < size) {
    uint64_t capacity = next_chunk_size(log, size);
    if (capacity > SIZE_MAX - sizeof *chunk) return NULL;
    chunk = mm_alloc(sizeof *chunk + capacity);
    if (!chunk) return NULL;
    chunk->before = log->chunk;
    chunk->first = log->count;
    chunk->size = capacity;
    chunk->used = 0;
    log->chunk = chunk;
  }
  uint8_t *bytes = chunk->bytes + chunk->used;
  chunk->used += size;
  return bytes;
}

/* Forget chunks that no remaining entry points into, and the cut entries' bytes in the last one. */
static void cut_chunks(mm_log *log, size_t count) {
  while (log->chunk && log->chunk->first >= count) {
    struct mm_log_chunk *before = log->chunk->before;
    mm_free(log->chunk);
    log->chunk = before;
  }
  struct mm_log_chunk *chunk = log->chunk;
  for (size_t i = count; chunk && i < log->count; i++) {
    const uint8_t *data = log->entries[i].data;
    if (data && data >= chunk->bytes && data < chunk->bytes + chunk->size) {
      chunk->used = (uint64_t)(data - chunk->bytes);
      break;
    }
  }
}

void mm_log_cut(mm_log *log, size_t count) {
  if (count >= log->count) return;
  cut_chunks(log, count);
  for (size_t i = count; i < log->count; i++) {
    if (is_write(&log->entries[i])) log->bytes -= log->entries[i].size;
  }
  log->count = count;
  if (log->sized > count) {
    log->sized = count;
    while (log->sized && is_write(&log->entries[log->sized - 1])) log->sized--;
  }
}

int mm_log_write_room(mm_log *log, uint64_t offset, uint64_t size, uint8_t **data, mm_error *err) {
  uint8_t *bytes = room(log, size);
  if (!bytes) return mm_fail_nomem(err);
  int rc = add_entry(log, (mm_log_entry){offset, size, bytes}, err);
  if (rc) {
    log->chunk->used -= size;
    return rc;
  }
  log->bytes += size;
  *data = bytes;
  return MM_OK;
}

int mm_log_write(mm_log *log, uint64_t offset, const uint8_t *data, uint64_t size, mm_error *err) {
  uint8_t *bytes = NULL;
  int rc = mm_log_write_room(log, offset, size, &bytes, err);
  if (rc == MM_OK) memcpy(bytes, data, (size_t)size);
  return rc;
}

int mm_log_size(mm_log *log, uint64_t from, uint64_t to, mm_error *err) {
  int rc = add_entry(log, (mm_log_entry){from, to, NULL}, err);
  if (rc == MM_OK) log->sized = log->count;
  return rc;
}

int mm_log_copy(mm_log *log, const mm_log *from, size_t first, size_t end, mm_error *err) {
  int rc = MM_OK;
  for (size_t i = first; i < end && rc == MM_OK; i++) {
    const mm_log_entry *entry = &from->entries[i];
    rc = is_write(entry) ? mm_log_write(log, entry->offset, entry->data, entry->size, err)
                         : mm_log_size(log, entry->offset, entry->size, err);
  }
  return rc;
}

uint64_t mm_log_size_at(const mm_log *log, size_t count, uint64_t base) {
  size_t sized = log->sized;
  if (sized > count) {
    sized = count;
    while (sized && is_write(&log->entries[sized - 1])) sized--;
  }
  return sized ? log->entries[sized - 1].size : base;
}

mm_log mm_log_rest(const mm_log *log, size_t first) {
  mm_log rest = *log;
  rest.entries += first;
  rest.count -= first;
  rest.sized = log->sized > first ? log->sized - first : 0;
  return rest;
}

/*
** Merging. Every entry becomes a piece: a write the bytes it wrote; a cut the zeros that show where
** it cut, should the file grow again. What is seen at a byte is the newest piece over it. The
** pieces are swept by offset; a heap holds those that cover the point of the sweep, the newest on
** top.
*/
typedef struct piece {
  uint64_t start, end;
  const uint8_t *data; /* NULL: zeros */
  size_t age;          /* index in the log */
} piece;

typedef struct merger {
  mm_change *change;
  piece *pieces; /* ascending by start */
  size_t count;
  size_t *heap; /* indices of pieces */
  size_t live;
  piece *out; /* the visible parts, ascending */
  size_t out_count, out_capacity;
} merger;

/* A step with a piece is as much work as so many bytes. */
#define PIECE_WORK ((uint64_t)64)

static size_t collect(const mm_log *log, uint64_t end, piece *pieces) {
  size_t n = 0;
  for (size_t i = 0; i < log->count; i++) {
    const mm_log_entry *entry = &log->entries[i];
    piece p = {entry->offset, entry->offset + entry->size, entry->data, i};
    if (!is_write(entry)) {
      p.start = entry->size;
      p.end = entry->offset;
    }
    if (p.end > end) p.end = end;
    if (p.start < p.end) pieces[n++] = p;
  }
  return n;
}

/* Ascending and disjoint already, as an UPDATE in order leaves them: nothing to sort. */
static bool in_order(const piece *pieces, size_t count) {
  for (size_t i = 1; i < count; i++) {
    if (pieces[i].start < pieces[i - 1].end) return false;
  }
  return true;
}

/* Merge from[low .. middle-1] and from[middle .. high-1], both ascending. */
static void merge_runs(const piece *from, piece *to, size_t low, size_t middle, size_t high) {
  size_t i = low, j = middle;
  for (size_t k = low; k < high; k++) {
    bool left = i < middle && (j >= high || from[i].start <= from[j].start);
    to[k] = left ? from[i++] : from[j++];
  }
}

/* Bottom-up merge sort by start, stable; `spare` has room for as many. m->pieces becomes where the
** result is. */
static int sort_pieces(merger *m, piece *pieces, piece *spare, size_t count, mm_error *err) {
  int rc = MM_OK;
  for (size_t width = 1; width < count; width *= 2) {
    for (size_t low = 0; low < count && rc == MM_OK; low += 2 * width) {
      size_t middle = low + width < count ? low + width : count;
      size_t high = middle + width < count ? middle + width : count;
      merge_runs(pieces, spare, low, middle, high);
      rc = mm_change_worked(m->change, (high - low) * PIECE_WORK, err);
    }
    piece *swap = pieces;
    pieces = spare;
    spare = swap;
  }
  m->pieces = pieces;
  return rc;
}

static bool newer(const merger *m, size_t a, size_t b) {
  return m->pieces[m->heap[a]].age > m->pieces[m->heap[b]].age;
}

static void swap_heap(merger *m, size_t a, size_t b) {
  size_t t = m->heap[a];
  m->heap[a] = m->heap[b];
  m->heap[b] = t;
}

static void push(merger *m, size_t index) {
  size_t i = m->live++;
  m->heap[i] = index;
  while (i > 0 && newer(m, i, (i - 1) / 2)) {
    swap_heap(m, i, (i - 1) / 2);
    i = (i - 1) / 2;
  }
}

static void pop(merger *m) {
  m->heap[0] = m->heap[--m->live];
  for (size_t i = 0;;) {
    size_t top = i, left = 2 * i + 1, right = 2 * i + 2;
    if (left < m->live && newer(m, left, top)) top = left;
    if (right < m->live && newer(m, right, top)) top = right;
    if (top == i) return;
    swap_heap(m, i, top);
    i = top;
  }
}

/* The visible part [start, end) of piece `p`; the rest of a part that was only split goes on. */
static int emit(merger *m, const piece *p, uint64_t start, uint64_t end, mm_error *err) {
  piece *last = m->out_count ? &m->out[m->out_count - 1] : NULL;
  if (last && last->age == p->age) { /* then it ends at `start`: nothing else came between */
    last->end = end;
    return MM_OK;
  }
  void *out = m->out;
  if (mm_grow(&out, m->out_count, &m->out_capacity, sizeof *p)) return mm_fail_nomem(err);
  m->out = out;
  const uint8_t *data = p->data ? p->data + (start - p->start) : NULL;
  m->out[m->out_count++] = (piece){start, end, data, p->age};
  return MM_OK;
}

static int sweep(merger *m, mm_error *err) {
  int rc = MM_OK;
  uint64_t at = 0;
  size_t next = 0;
  while (rc == MM_OK) {
    while (m->live && m->pieces[m->heap[0]].end <= at) pop(m);
    if (!m->live) {
      if (next == m->count) break;
      at = m->pieces[next].start;
    }
    while (next < m->count && m->pieces[next].start <= at) push(m, next++);
    const piece *top = &m->pieces[m->heap[0]];
    uint64_t end = top->end;
    if (next < m->count && m->pieces[next].start < end) end = m->pieces[next].start;
    rc = emit(m, top, at, end, err);
    if (rc == MM_OK) rc = mm_change_worked(m->change, PIECE_WORK, err);
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

static bool joins(const piece *p) {
  return p->end - p->start < JOIN_BELOW;
}

/* How many pieces from `first` on make one extent. */
static size_t run_length(const piece *pieces, size_t count, size_t first) {
  size_t n = 1;
  if (!joins(&pieces[first])) return n;
  uint64_t size = pieces[first].end - pieces[first].start;
  while (first + n < count && joins(&pieces[first + n]) &&
         pieces[first + n].start == pieces[first + n - 1].end && size < JOIN_LIMIT) {
    size += pieces[first + n].end - pieces[first + n].start;
    n++;
  }
  return n;
}

static int add_run(mm_change *change, const piece *pieces, size_t n, mm_error *err) {
  uint64_t start = pieces[0].start, size = pieces[n - 1].end - start;
  if (n == 1) return add_extent(change, (mm_extent){start, size, pieces[0].data}, err);
  uint8_t *buffer = add_buffer(change, size);
  if (!buffer) return mm_fail_nomem(err);
  for (size_t i = 0; i < n; i++) {
    uint8_t *to = buffer + (pieces[i].start - start);
    size_t bytes = (size_t)(pieces[i].end - pieces[i].start);
    if (pieces[i].data) {
      memcpy(to, pieces[i].data, bytes);
    } else {
      memset(to, 0, bytes);
    }
  }
  return add_extent(change, (mm_extent){start, size, buffer}, err);
}

/* Zeros past the old end need no writing: the file grows with zeros. */
static size_t drop_needless_zeros(piece *pieces, size_t count, uint64_t base) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) {
    piece p = pieces[i];
    if (!p.data && p.end > base) p.end = base;
    if (p.start < p.end) pieces[n++] = p;
  }
  return n;
}

static int build(mm_change *change, piece *pieces, size_t count, mm_error *err) {
  int rc = MM_OK;
  count = drop_needless_zeros(pieces, count, change->old_size);
  for (size_t i = 0, n; i < count && rc == MM_OK; i += n) {
    n = run_length(pieces, count, i);
    rc = add_run(change, pieces + i, n, err);
    uint64_t copied = n > 1 ? pieces[i + n - 1].end - pieces[i].start : 0;
    if (rc == MM_OK) rc = mm_change_worked(change, n * PIECE_WORK + copied, err);
  }
  return rc;
}

static int merge_pieces(merger *m, piece *pieces, piece *spare, size_t count, mm_error *err) {
  if (in_order(pieces, count)) return build(m->change, pieces, count, err);
  int rc = sort_pieces(m, pieces, spare, count, err);
  if (rc) return rc;
  m->count = count;
  m->heap = mm_alloc(count * sizeof *m->heap);
  rc = m->heap ? sweep(m, err) : mm_fail_nomem(err);
  if (rc == MM_OK) rc = build(m->change, m->out, m->out_count, err);
  mm_free(m->heap);
  mm_free(m->out);
  return rc;
}

int mm_log_merge(const mm_log *log, uint64_t base, mm_change *change, mm_error *err) {
  merger m = {.change = change};
  change->old_size = base;
  change->new_size = mm_log_size_at(log, log->count, base);
  piece *pieces = mm_alloc(log->count * sizeof *pieces);
  piece *spare = mm_alloc(log->count * sizeof *spare);
  int rc = MM_OK;
  if (!pieces || !spare) {
    rc = mm_fail_nomem(err);
  } else {
    size_t count = collect(log, change->new_size, pieces);
    rc = merge_pieces(&m, pieces, spare, count, err);
  }
  mm_free(pieces);
  mm_free(spare);
  if (rc) mm_change_clear(change);
  return rc;
}
