/*
** log_compact.c: a part of a log, as little as does the same.
**
** First the entries: what is seen of them, small ones joined and packed. All that can fail for want of
** memory comes before the log is changed. Then the bytes: a chunk of which much is covered is
** copied and freed, one at a time, so that there is never more than one of them twice. That can end
** anywhere: what has not been copied stays where it is.
*/
#include <string.h>

#include "core/file/log_private.h"
#include "core/common/mem.h"

/* ---- entries -------------------------------------------------------------------------------- */

/* At most one cut, one growth, and one run of writes: nothing to do. */
static bool is_compact(const mm_log *log, size_t first) {
  const mm_log_entry *entries = log->entries;
  size_t i = first;
  if (i < log->count && !log_is_write(&entries[i]) && entries[i].size < entries[i].offset) i++;
  if (i < log->count && !log_is_write(&entries[i]) && entries[i].size > entries[i].offset) i++;
  return i == log->count ||
         (log_is_write(&entries[i]) && mm_log_runs(log, i + 1) == log->run_count);
}

/* The size at the beginning of the part, the least and the last; all UINT64_MAX if it stays. */
typedef struct log_sizes {
  uint64_t before, least, after;
} log_sizes;

static log_sizes sizes_of(const mm_log *log, size_t first) {
  log_sizes sizes = {UINT64_MAX, UINT64_MAX, UINT64_MAX};
  for (size_t r = mm_log_runs(log, first); r < log->run_count; r++) {
    const mm_log_entry *entry = &log->entries[log->runs[r].first];
    if (log_is_write(entry)) continue;
    if (sizes.before == UINT64_MAX) sizes.before = sizes.least = entry->offset;
    if (entry->size < sizes.least) sizes.least = entry->size;
    sizes.after = entry->size;
  }
  return sizes;
}

/* Where the log's memory ended. */
typedef struct log_end {
  struct mm_log_chunk *shared, *large;
  uint64_t used;
} log_end;

/* The memory for joined bytes is as it was. */
static void undo_room(mm_log *log, const log_end *end) {
  log_free_chunks(log, &log->shared, 0, end->shared);
  log_free_chunks(log, &log->large, 0, end->large);
  if (!log->shared) return;
  log->held -= log->shared->used - end->used;
  log->shared->used = end->used;
}

static void place_all(mm_log *log, size_t first, const log_seen *seen) {
  log_sizes sizes = sizes_of(log, first);
  log_drop(log, first);
  if (sizes.least < sizes.before) {
    log_place(log, (mm_log_entry){sizes.before, sizes.least, NULL, 0, 0});
  }
  if (sizes.least < sizes.after) {
    log_place(log, (mm_log_entry){sizes.least, sizes.after, NULL, 0, 0});
  }
  for (size_t i = 0; i < seen->count; i++) {
    const mm_extent *e = &seen->extents[i];
    uint8_t *data = (uint8_t *)(uintptr_t)e->data; /* the log's own, as all of it is */
    log_place(log, (mm_log_entry){e->offset, e->size, data, e->packed, 0});
  }
}

typedef struct log_part {
  mm_log *log;
  size_t first;
} log_part;

static uint8_t *part_room(void *context, uint64_t size) {
  const log_part *part = context;
  return log_room(part->log, part->first, size);
}

/* Copying saves an entry for each piece that is joined or packed: where that is little beside the
** bytes, it is not worth it. Zeros go: the change of size in front of all makes them. */
static int replace_entries(mm_log *log, size_t first) {
  mm_error ignored;
  mm_change unwatched = {0};
  log_part part = {log, first};
  log_end end = {log->shared, log->large, log->shared ? log->shared->used : 0};
  log_seen seen = {.copied = MM_PACK_PIECE + 1, .room = part_room, .context = &part};
  seen.watched = &unwatched;
  mm_log rest = mm_log_rest(log, first);
  /* Before chunks of the part come on top of the others. */
  log_share_chunks(log, first);
  int rc = log_see(&rest, mm_log_size_at(&rest, rest.count, UINT64_MAX), &seen, &ignored);
  /* A cut, a growth, and a run of writes. */
  if (rc == MM_OK) rc = log_reserve(log, first + seen.count + 2, log->run_count + 3);
  if (rc) {
    undo_room(log, &end);
  } else {
    place_all(log, first, &seen);
  }
  mm_free(seen.extents);
  return rc;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

/* A chunk of the part, or what the part has of one that it shares with entries below. */
typedef struct log_holding {
  struct mm_log_chunk *chunk;
  uint64_t from; /* bytes before are not the part's */
  uint64_t live; /* bytes that entries point to */
  size_t count;  /* of these entries */
  size_t at;     /* in `moving`, past those of the chunks before */
} log_holding;

typedef struct log_holdings {
  mm_log *log;
  size_t first;
  log_holding *list; /* ascending by address */
  size_t count;
  size_t *moving; /* entries, those of one chunk after those of another */
  uint64_t bytes; /* of them that are still to move to a shared chunk */
  struct mm_log_chunk *stale;
  struct mm_log_chunk *split; /* the chunk that is shared with entries below; NULL */
} log_holdings;

static size_t count_chunks(const struct mm_log_chunk *chunk, size_t first) {
  size_t n = 0;
  for (; chunk && chunk->first >= first; chunk = chunk->before) n++;
  return n;
}

static struct mm_log_chunk *list_chunks(log_holdings *h, struct mm_log_chunk *chunk) {
  for (; chunk && chunk->first >= h->first; chunk = chunk->before) {
    h->list[h->count++] = (log_holding){.chunk = chunk};
  }
  return chunk;
}

/* Of the chunk in which the mark below was made, all behind it is the part's. */
static void list_split(log_holdings *h, struct mm_log_chunk *chunk) {
  const mm_log_top *top = &h->log->top;
  if (!chunk || chunk->number != top->chunk) return;
  if (h->first != top->fixed || chunk->used <= top->used) return;
  h->split = chunk;
  h->list[h->count++] = (log_holding){.chunk = chunk, .from = top->used};
}

/* Down the heap, the highest address on top. */
static void sift(log_holding *list, size_t i, size_t count) {
  for (size_t child; (child = 2 * i + 1) < count; i = child) {
    if (child + 1 < count && (uintptr_t)list[child].chunk < (uintptr_t)list[child + 1].chunk)
      child++;
    if ((uintptr_t)list[i].chunk >= (uintptr_t)list[child].chunk) return;
    log_holding t = list[i];
    list[i] = list[child];
    list[child] = t;
  }
}

static void sort_list(log_holding *list, size_t count) {
  for (size_t i = count / 2; i-- > 0;) sift(list, i, count);
  for (size_t end = count; end-- > 1;) {
    log_holding t = list[0];
    list[0] = list[end];
    list[end] = t;
    sift(list, 0, end);
  }
}

static void list_all(log_holdings *h) {
  struct mm_log_chunk *last = list_chunks(h, h->log->shared);
  (void)list_chunks(h, h->log->large);
  list_split(h, last);
  sort_list(h->list, h->count);
}

/* How many begin at or before the address. */
static size_t rank_of(const log_holdings *h, const void *address) {
  size_t low = 0, high = h->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if ((uintptr_t)h->list[middle].chunk <= (uintptr_t)address) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

/* The chunk of the part that has the bytes; NULL: it is shared with entries below. */
static log_holding *holding_of(const log_holdings *h, const uint8_t *data) {
  size_t rank = data ? rank_of(h, data) : 0;
  log_holding *holding = rank ? &h->list[rank - 1] : NULL;
  bool here =
      holding && (uintptr_t)data < (uintptr_t)(holding->chunk->bytes + holding->chunk->size);
  return here ? holding : NULL;
}

/* Less than three quarters are seen: what all hold is never much more than what is seen. */
static bool is_stale_holding(const log_holding *holding) {
  const struct mm_log_chunk *chunk = holding->chunk;
  uint64_t held = holding->from ? chunk->used - holding->from : chunk->size;
  return holding->live < held - held / 4;
}

static void count_live(log_holdings *h) {
  for (size_t i = h->first; i < h->log->count; i++) {
    log_holding *holding = holding_of(h, h->log->entries[i].data);
    if (!holding) continue;
    holding->live += log_held(&h->log->entries[i]);
    holding->count++;
  }
}

static void take_stale(log_holdings *h, struct mm_log_chunk **link) {
  while (*link && (*link)->first >= h->first) {
    struct mm_log_chunk *chunk = *link;
    if (is_stale_holding(holding_of(h, chunk->bytes))) {
      *link = chunk->before;
      chunk->before = h->stale;
      h->stale = chunk;
    } else {
      link = &chunk->before;
    }
  }
}

/* Entries of stale chunks, by chunk and ascending. */
static int list_moving(log_holdings *h) {
  size_t n = 0;
  for (size_t i = 0; i < h->count; i++) {
    h->list[i].at = n;
    if (!is_stale_holding(&h->list[i])) continue;
    n += h->list[i].count;
    h->bytes += h->list[i].live;
  }
  h->moving = mm_alloc(n * sizeof *h->moving);
  if (!h->moving) return MM_NOMEM;
  for (size_t i = h->first; i < h->log->count; i++) {
    log_holding *holding = holding_of(h, h->log->entries[i].data);
    if (holding && is_stale_holding(holding)) h->moving[holding->at++] = i;
  }
  return MM_OK;
}

/* Where bytes are moved to is a chunk of the part that has room for just those. */
static uint8_t *room_for_moved(log_holdings *h, uint64_t size) {
  mm_log *log = h->log;
  struct mm_log_chunk *chunk = log->shared;
  bool fits = chunk && chunk->first >= h->first && chunk->size - chunk->used >= size;
  if (!fits && size < LOG_LARGE_MIN) {
    uint64_t wanted = h->bytes < LOG_CHUNK_MAX ? h->bytes : LOG_CHUNK_MAX;
    if (wanted < size) wanted = size;
    if (!log_add_chunk(log, &log->shared, h->first, wanted)) return NULL;
  }
  h->bytes -= size;
  return log_room(log, h->first, size);
}

static int move_bytes(log_holdings *h, const log_holding *holding) {
  for (size_t i = holding->at - holding->count; i < holding->at; i++) {
    mm_log_entry *entry = &h->log->entries[h->moving[i]];
    uint8_t *to = room_for_moved(h, log_held(entry));
    if (!to) return MM_NOMEM;
    memcpy(to, entry->data, (size_t)log_held(entry));
    entry->data = to;
  }
  return MM_OK;
}

/* What lies behind the mark in the chunk that is shared moves, and the room is free again. */
static int empty_split(log_holdings *h) {
  const log_holding *holding = h->split ? holding_of(h, h->split->bytes + h->log->top.used) : NULL;
  if (!holding || !is_stale_holding(holding)) return MM_OK;
  int rc = move_bytes(h, holding);
  if (rc) return rc;
  h->log->held -= h->split->used - holding->from;
  h->split->used = holding->from;
  return MM_OK;
}

/* Those that cannot be copied go back to where they were: to the newest. */
static void free_stale(log_holdings *h) {
  int rc = empty_split(h);
  while (h->stale) {
    struct mm_log_chunk *chunk = h->stale;
    h->stale = chunk->before;
    if (rc == MM_OK) rc = move_bytes(h, holding_of(h, chunk->bytes));
    if (rc) {
      chunk->before = h->log->shared;
      h->log->shared = chunk;
    } else {
      h->log->held -= chunk->used;
      mm_free(chunk);
    }
  }
}

static void reclaim(mm_log *log, size_t first) {
  log_holdings h = {.log = log, .first = first};
  size_t chunks = count_chunks(log->shared, first) + count_chunks(log->large, first);
  h.list = mm_alloc((chunks + 1) * sizeof *h.list);
  if (h.list) {
    list_all(&h);
    count_live(&h);
    if (list_moving(&h) == MM_OK) {
      take_stale(&h, &log->shared);
      take_stale(&h, &log->large);
      free_stale(&h);
      log_fold_all(log, first, first);
    }
  }
  mm_free(h.moving);
  mm_free(h.list);
}

/* ---- */

/* Arrays that are much too large get smaller; if they cannot, they stay. */
static void shrink_array(void **array, size_t *capacity, size_t count, size_t size) {
  size_t enough = count + count / 4 + 1024;
  if (*capacity / 2 <= enough) return;
  void *less = mm_realloc(*array, (uint64_t)enough * size);
  if (!less) return;
  *array = less;
  *capacity = enough;
}

static void shrink(mm_log *log) {
  void *entries = log->entries, *runs = log->runs;
  shrink_array(&entries, &log->capacity, log->count, sizeof *log->entries);
  shrink_array(&runs, &log->run_capacity, log->run_count, sizeof *log->runs);
  log->entries = entries;
  log->runs = runs;
}

int mm_log_compact(mm_log *log, size_t first) {
  if (is_compact(log, first)) return MM_OK;
  int rc = replace_entries(log, first);
  if (rc) return rc;
  reclaim(log, first);
  shrink(log);
  log->tidied = log->count;
  return MM_OK;
}
