/*
** log_merge.c: what the entries of a log do in all.
**
** Every write becomes a piece, and so does each of a pack; a cut becomes the zeros that show where it
** cut, should the file grow again. What is seen at a byte is the newest piece over it. The pieces are
** swept by offset: a heap holds those that cover the point of the sweep, the newest on top, another
** the next piece of each pack that was begun. What is seen is handed on at once, to be joined and
** packed: so there are never more pieces in memory than lie over one another.
*/
#include <string.h>

#include "core/common/buffer.h"
#include "core/common/least.h"
#include "core/common/mem.h"
#include "core/file/log_private.h"

/* A step with a piece is as much work as so many bytes. */
#define PIECE_WORK ((uint64_t)64)

/* ---- what is seen, piece by piece --------------------------------------------------------------- */

/* Pieces that lie side by side and are small are one, up to this. */
#define JOIN_LIMIT ((uint64_t)1 << 20)

typedef struct seer {
  log_seen *seen;
  mm_extent run;    /* the last pieces, which lie side by side; size 0: none */
  bool copied;      /* … in `joined`: they come from several places */
  mm_buffer joined; /* room for JOIN_LIMIT and a piece, at most */
  uint8_t *pack;    /* room for one; of the last extent, … */
  uint64_t packed;  /* … bytes of it; 0: it is none that can grow */
} seer;

static mm_extent *last_seen(const seer *s) {
  return s->seen->count ? &s->seen->extents[s->seen->count - 1] : NULL;
}

static int add_extent(seer *s, mm_extent extent, mm_error *err) {
  log_seen *seen = s->seen;
  void *extents = seen->extents;
  if (mm_grow(&extents, seen->count, &seen->capacity, sizeof extent)) return mm_fail_nomem(err);
  seen->extents = extents;
  seen->extents[seen->count++] = extent;
  return MM_OK;
}

/* Bytes of the seer's own, to stay. */
static int keep_bytes(const seer *s, mm_extent *extent, const uint8_t *data, uint64_t size,
                      mm_error *err) {
  uint8_t *room = s->seen->room(s->seen->context, size);
  if (!room) return mm_fail_nomem(err);
  memcpy(room, data, (size_t)size);
  extent->data = room;
  return MM_OK;
}

static int see_pack_end(seer *s, mm_error *err) {
  mm_extent *last = last_seen(s);
  if (!last || !s->packed) return MM_OK;
  int rc = keep_bytes(s, last, s->pack, s->packed, err);
  last->packed = (uint32_t)s->packed;
  s->packed = 0;
  return rc;
}

static void put_in_pack(seer *s, const mm_extent *piece, uint64_t gap) {
  s->packed += mm_pack_put(s->pack + s->packed, gap, piece->size, piece->data, piece->size);
}

static bool is_packable(const mm_extent *extent) {
  return extent->data && !extent->packed && extent->size <= MM_PACK_PIECE;
}

/* Pack the run with the extent before it. */
static bool pack_run(seer *s) {
  mm_extent *last = last_seen(s);
  if (!last || !is_packable(&s->run) || !(s->packed || is_packable(last))) return false;
  uint64_t gap = s->run.offset - (last->offset + last->size);
  if (gap > MM_PACK_GAP || s->packed + MM_PACK_HEAD + s->run.size > MM_PACK_SIZE) return false;
  if (!s->packed) put_in_pack(s, last, 0);
  put_in_pack(s, &s->run, gap);
  last->size = s->run.offset + s->run.size - last->offset;
  return true;
}

static int see_run_end(seer *s, mm_error *err) {
  int rc = MM_OK;
  if (s->run.size == 0) return MM_OK;
  if (s->copied) s->run.data = s->joined.data;
  if (!pack_run(s)) {
    rc = see_pack_end(s, err);
    if (rc == MM_OK && s->copied) rc = keep_bytes(s, &s->run, s->run.data, s->run.size, err);
    if (rc == MM_OK) rc = add_extent(s, s->run, err);
  }
  s->run.size = 0;
  s->copied = false;
  return rc;
}

/* Does it lie beside the run, in memory too? */
static bool extends_run(const mm_extent *run, const mm_extent *piece) {
  if (piece->offset != run->offset + run->size) return false;
  return piece->data ? run->data && piece->data == run->data + run->size : !run->data;
}

static bool is_to_join(const seer *s, const mm_extent *piece) {
  uint64_t least = s->seen->copied;
  bool small = piece->size < least && (s->copied || s->run.size < least);
  return small && s->run.size < JOIN_LIMIT && piece->offset == s->run.offset + s->run.size;
}

static bool join_bytes(seer *s, const mm_extent *piece) {
  static const uint8_t zeros[256];
  uint64_t size = piece->size;
  if (piece->data) return mm_buffer_put(&s->joined, piece->data, size);
  for (uint64_t n; size > 0; size -= n) {
    n = mm_min(size, sizeof zeros);
    if (!mm_buffer_put(&s->joined, zeros, n)) return false;
  }
  return true;
}

static int join_piece(seer *s, const mm_extent *piece, mm_error *err) {
  bool copied = true;
  if (!s->copied) {
    s->joined.size = 0;
    copied = join_bytes(s, &s->run);
    s->copied = true;
  }
  if (!copied || !join_bytes(s, piece)) return mm_fail_nomem(err);
  s->run.size += piece->size;
  return mm_change_worked(s->seen->watched, piece->size, err);
}

/* Zeros that nobody wants go. */
static bool is_wanted(const seer *s, mm_extent *piece) {
  uint64_t end = s->seen->zeros;
  if (piece->data) return true;
  if (piece->offset >= end) return false;
  piece->size = mm_min(piece->size, end - piece->offset);
  return true;
}

/* The next piece, no pack. */
static int see_piece(seer *s, mm_extent piece, mm_error *err) {
  int rc = mm_change_worked(s->seen->watched, PIECE_WORK, err);
  if (rc || !is_wanted(s, &piece)) return rc;
  if (s->run.size && !s->copied && extends_run(&s->run, &piece)) {
    s->run.size += piece.size;
    return MM_OK;
  }
  if (s->run.size && is_to_join(s, &piece)) return join_piece(s, &piece, err);
  rc = see_run_end(s, err);
  s->run = piece;
  return rc;
}

/* A pack as it is. */
static int see_pack(seer *s, const mm_extent *pack, mm_error *err) {
  int rc = mm_change_worked(s->seen->watched, pack->packed, err);
  if (rc == MM_OK) rc = see_run_end(s, err);
  if (rc == MM_OK) rc = see_pack_end(s, err);
  return rc == MM_OK ? add_extent(s, *pack, err) : rc;
}

/* ---- the sweep ---------------------------------------------------------------------------------- */

typedef struct log_piece {
  uint64_t start, end;
  const uint8_t *data; /* NULL: zeros */
  size_t age;
  mm_pieces rest; /* those of the same entry behind it */
} log_piece;

/* The first piece of an entry, to be sorted by where it begins. */
typedef struct log_key {
  uint64_t start;
  size_t age;
} log_key;

typedef struct log_heap {
  log_piece *list;
  size_t count, capacity;
  bool by_age; /* the newest on top; else the one that begins first */
} log_heap;

typedef struct merger {
  const mm_log *log;
  uint64_t end; /* pieces end here at the latest */
  seer seer;
  log_key *keys; /* ascending by start */
  size_t count, next;
  log_heap live;    /* which cover the point of the sweep, or did */
  log_heap waiting; /* of packs that were begun, the next */
} merger;

/* What an entry writes; it may be nothing. */
static mm_extent extent_of(const mm_log_entry *entry) {
  if (log_is_write(entry)) return mm_log_extent(entry);
  bool cuts = entry->size < entry->offset;
  return (mm_extent){entry->size, cuts ? entry->offset - entry->size : 0, NULL, 0};
}

/* On to the next piece of its entry that ends behind `at`. */
static bool go_behind(const merger *m, log_piece *p, uint64_t at) {
  mm_extent next;
  do {
    if (!mm_pieces_next(&p->rest, &next) || next.offset >= m->end) return false;
    p->start = next.offset;
    p->end = mm_min(next.offset + next.size, m->end);
    p->data = next.data;
  } while (p->end <= at);
  return true;
}

static bool goes_above(const log_heap *h, const log_piece *a, const log_piece *b) {
  return h->by_age ? a->age > b->age : a->start < b->start;
}

static void swap_pieces(log_heap *h, size_t a, size_t b) {
  log_piece t = h->list[a];
  h->list[a] = h->list[b];
  h->list[b] = t;
}

static int push(log_heap *h, const log_piece *p, mm_error *err) {
  void *list = h->list;
  if (mm_grow(&list, h->count, &h->capacity, sizeof *p)) return mm_fail_nomem(err);
  h->list = list;
  size_t i = h->count++;
  h->list[i] = *p;
  while (i > 0 && goes_above(h, &h->list[i], &h->list[(i - 1) / 2])) {
    swap_pieces(h, i, (i - 1) / 2);
    i = (i - 1) / 2;
  }
  return MM_OK;
}

static log_piece pop(log_heap *h) {
  log_piece top = h->list[0];
  h->list[0] = h->list[--h->count];
  for (size_t i = 0;;) {
    size_t above = i, left = 2 * i + 1, right = 2 * i + 2;
    if (left < h->count && goes_above(h, &h->list[left], &h->list[above])) above = left;
    if (right < h->count && goes_above(h, &h->list[right], &h->list[above])) above = right;
    if (above == i) return top;
    swap_pieces(h, i, above);
    i = above;
  }
}

static void collect(merger *m) {
  for (size_t i = 0; i < m->log->count; i++) {
    mm_extent extent = extent_of(&m->log->entries[i]);
    if (extent.size && extent.offset < m->end) m->keys[m->count++] = (log_key){extent.offset, i};
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
      rc = mm_change_worked(m->seer.seen->watched, (high - low) * PIECE_WORK, err);
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

/* Where the next piece begins; UINT64_MAX: there is none. */
static uint64_t next_start(const merger *m) {
  uint64_t start = m->next < m->count ? m->keys[m->next].start : UINT64_MAX;
  return m->waiting.count ? mm_min(start, m->waiting.list[0].start) : start;
}

/* The next piece to begin: it covers the point of the sweep now, or has been passed. */
static int admit(merger *m, uint64_t at, mm_error *err) {
  log_piece p = {.end = 0};
  if (m->waiting.count && m->waiting.list[0].start == next_start(m)) {
    p = pop(&m->waiting);
  } else {
    p.age = m->keys[m->next++].age;
    mm_extent extent = extent_of(&m->log->entries[p.age]);
    p.rest = mm_extent_pieces(&extent);
  }
  if (p.end <= at && !go_behind(m, &p, at)) return MM_OK;
  return push(p.start > at ? &m->waiting : &m->live, &p, err);
}

/* The newest piece has been passed: its entry may have more of them. */
static int retire(merger *m, uint64_t at, mm_error *err) {
  log_piece p = pop(&m->live);
  return go_behind(m, &p, at) ? push(&m->waiting, &p, err) : MM_OK;
}

static int sweep(merger *m, mm_error *err) {
  int rc = MM_OK;
  uint64_t at = 0;
  while (rc == MM_OK) {
    uint64_t start = next_start(m);
    const log_piece *top = m->live.count ? m->live.list : NULL;
    if (!top && start == UINT64_MAX) break;
    if (!top) at = mm_max(at, start);
    if (top && top->end <= at) {
      rc = retire(m, at, err);
    } else if (start <= at) {
      rc = admit(m, at, err);
    } else {
      uint64_t end = mm_min(top->end, start);
      const uint8_t *data = top->data ? top->data + (at - top->start) : NULL;
      rc = see_piece(&m->seer, (mm_extent){at, end - at, data, 0}, err);
      at = end;
    }
  }
  return rc;
}

/* ---- what ascends already ----------------------------------------------------------------------- */

/* As an UPDATE in order leaves them: nothing to sort. */
static bool in_order(const merger *m) {
  uint64_t end = 0;
  for (size_t i = 0; i < m->log->count; i++) {
    mm_extent extent = extent_of(&m->log->entries[i]);
    if (!extent.size || extent.offset >= m->end) continue;
    if (extent.offset < end) return false;
    end = extent.offset + extent.size;
  }
  return true;
}

static int take_pieces(merger *m, const mm_extent *extent, mm_error *err) {
  log_piece p = {.rest = mm_extent_pieces(extent)};
  int rc = MM_OK;
  while (rc == MM_OK && go_behind(m, &p, 0)) {
    rc = see_piece(&m->seer, (mm_extent){p.start, p.end - p.start, p.data, 0}, err);
  }
  return rc;
}

static int take_all(merger *m, mm_error *err) {
  int rc = MM_OK;
  for (size_t i = 0; rc == MM_OK && i < m->log->count; i++) {
    mm_extent extent = extent_of(&m->log->entries[i]);
    bool whole = extent.packed && extent.offset + extent.size <= m->end;
    rc = whole ? see_pack(&m->seer, &extent, err) : take_pieces(m, &extent, err);
  }
  return rc;
}

/* ---- */

int log_see(const mm_log *log, uint64_t end, log_seen *seen, mm_error *err) {
  uint8_t pack[MM_PACK_SIZE];
  merger m = {.log = log, .end = end, .seer = {.seen = seen, .pack = pack}};
  m.live.by_age = true;
  int rc;
  if (in_order(&m)) {
    rc = take_all(&m, err);
  } else {
    rc = sort(&m, err);
    if (rc == MM_OK) rc = sweep(&m, err);
  }
  if (rc == MM_OK) rc = see_run_end(&m.seer, err);
  if (rc == MM_OK) rc = see_pack_end(&m.seer, err);
  mm_free(m.seer.joined.data);
  mm_free(m.keys);
  mm_free(m.live.list);
  mm_free(m.waiting.list);
  return rc;
}

/* Bytes of the change's own. */
static uint8_t *add_buffer(void *context, uint64_t size) {
  mm_change *change = context;
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

/* Zeros past the old end need no writing: the file grows with zeros. */
int mm_log_merge(const mm_log *log, uint64_t base, mm_change *change, mm_error *err) {
  log_seen seen = {.copied = JOIN_BELOW,
                   .zeros = base,
                   .room = add_buffer,
                   .context = change,
                   .watched = change};
  change->old_size = base;
  change->new_size = mm_log_size_at(log, log->count, base);
  int rc = log_see(log, change->new_size, &seen, err);
  change->extents = seen.extents;
  change->count = seen.count;
  change->capacity = seen.capacity;
  if (rc) mm_change_clear(change);
  return rc;
}
