#include "core/file/log.h"

#include <string.h>

#include "core/file/log_private.h"
#include "core/common/mem.h"

#define CHUNK_MIN ((uint64_t)4 << 10)

/* ---- bytes ---------------------------------------------------------------------------------- */

static void free_newest(mm_log *log, struct mm_log_chunk **list) {
  struct mm_log_chunk *chunk = *list;
  *list = chunk->before;
  log->held -= chunk->used;
  mm_free(chunk);
}

void mm_log_clear(mm_log *log) {
  log_free_chunks(log, &log->shared, 0, NULL);
  log_free_chunks(log, &log->large, 0, NULL);
  mm_free(log->entries);
  mm_free(log->runs);
  memset(log, 0, sizeof *log);
}

struct mm_log_chunk *log_add_chunk(mm_log *log, struct mm_log_chunk **list, size_t first,
                                   uint64_t size) {
  struct mm_log_chunk *chunk = NULL;
  if (size <= SIZE_MAX - sizeof *chunk) chunk = mm_alloc(sizeof *chunk + size);
  if (!chunk) return NULL;
  chunk->before = *list;
  chunk->number = ++log->chunks;
  chunk->first = first;
  chunk->size = size;
  chunk->used = 0;
  *list = chunk;
  return chunk;
}

/* Chunks double in size, so that a long transaction has few of them, and a short one, or the bytes
** between two savepoints, leave little unused. */
static uint64_t next_chunk_size(mm_log *log, uint64_t wanted) {
  uint64_t size = log->grain > CHUNK_MIN ? log->grain : CHUNK_MIN;
  if (size > LOG_CHUNK_MAX) size = LOG_CHUNK_MAX;
  log->grain = size * 2;
  return wanted > size ? wanted : size;
}

uint8_t *log_room(mm_log *log, size_t first, uint64_t size) {
  struct mm_log_chunk *chunk = log->shared;
  if (size >= LOG_LARGE_MIN) {
    chunk = log_add_chunk(log, &log->large, first, size);
  } else if (!chunk || chunk->size - chunk->used < size) {
    chunk = log_add_chunk(log, &log->shared, first, next_chunk_size(log, size));
  }
  if (!chunk) return NULL;
  uint8_t *bytes = chunk->bytes + chunk->used;
  chunk->used += size;
  log->held += size;
  return bytes;
}

/* Bytes that were the last to find room need none any more. */
static void give_back_bytes(mm_log *log, const uint8_t *data, uint64_t size) {
  struct mm_log_chunk *chunk = log->shared;
  if (log->large && data == log->large->bytes && size == log->large->size) {
    free_newest(log, &log->large);
  } else if (chunk && data + size == chunk->bytes + chunk->used) {
    chunk->used -= size;
    log->held -= size;
  }
}

void log_free_chunks(mm_log *log, struct mm_log_chunk **list, size_t first,
                     const struct mm_log_chunk *last) {
  while (*list != last && (*list)->first >= first) free_newest(log, list);
}

void log_share_chunks(mm_log *log, size_t first) {
  struct mm_log_chunk *chunk = log->shared;
  for (; chunk && chunk->first > first; chunk = chunk->before) chunk->first = first;
  for (chunk = log->large; chunk && chunk->first > first; chunk = chunk->before) {
    chunk->first = first;
  }
}

/* Forget chunks that no remaining entry points into, and the cut entries' bytes in the last one:
** what of it lies behind the first of them is theirs. */
static void cut_chunks(mm_log *log, size_t count) {
  log_free_chunks(log, &log->shared, count, NULL);
  log_free_chunks(log, &log->large, count, NULL);
  struct mm_log_chunk *chunk = log->shared;
  if (!chunk) return;
  uint64_t used = chunk->used;
  for (size_t i = count; i < log->count; i++) {
    uintptr_t data = (uintptr_t)log->entries[i].data, bytes = (uintptr_t)chunk->bytes;
    if (data >= bytes && data - bytes < used) used = data - bytes;
  }
  log->held -= chunk->used - used;
  chunk->used = used;
}

/* ---- entries -------------------------------------------------------------------------------- */

static bool begins_run(const mm_log *log, const mm_log_entry *entry) {
  if (!log->count) return true;
  const mm_log_entry *last = &log->entries[log->count - 1];
  return !log_is_write(last) || !log_is_write(entry) || entry->offset < last->offset + last->size;
}

void log_place(mm_log *log, mm_log_entry entry) {
  if (begins_run(log, &entry)) {
    log->runs[log->run_count++] = (mm_log_run){log->count, log->bytes, log->sized};
  }
  log->entries[log->count++] = entry;
  log->bytes += log_held(&entry);
  if (!log_is_write(&entry)) log->sized = log->count;
}

/* A large array grows by a quarter, so that little of it is unused. */
static int reserve_array(void **array, size_t *capacity, size_t count, size_t size) {
  if (count <= *capacity) return MM_OK;
  size_t more = *capacity < 4096 ? *capacity * 2 + 8 : *capacity + *capacity / 4;
  if (more < count) more = count;
  void *grown = mm_realloc(*array, (uint64_t)more * size);
  if (!grown) return MM_NOMEM;
  *array = grown;
  *capacity = more;
  return MM_OK;
}

int log_reserve(mm_log *log, size_t entries, size_t runs) {
  void *array = log->entries;
  int rc = reserve_array(&array, &log->capacity, entries, sizeof *log->entries);
  log->entries = array;
  if (rc) return rc;
  array = log->runs;
  rc = reserve_array(&array, &log->run_capacity, runs, sizeof *log->runs);
  log->runs = array;
  return rc;
}

static int add_entry(mm_log *log, mm_log_entry entry, mm_error *err) {
  if (log_reserve(log, log->count + 1, log->run_count + 1)) return mm_fail_nomem(err);
  log_place(log, entry);
  return MM_OK;
}

/* Entries up to the newest change of size of the first `count`: it is a run of its own. */
static size_t sized_at(const mm_log *log, size_t count) {
  if (log->sized <= count) return log->sized;
  size_t r = mm_log_runs(log, count);
  const mm_log_run *last = r ? &log->runs[r - 1] : NULL;
  if (!last) return 0;
  return log_is_write(&log->entries[last->first]) ? last->sized : last->first + 1;
}

void log_drop(mm_log *log, size_t count) {
  for (size_t i = count; i < log->count; i++) log->bytes -= log_held(&log->entries[i]);
  log->sized = sized_at(log, count);
  log->run_count = mm_log_runs(log, count);
  log->count = count;
  if (log->tidied > count) log->tidied = count;
}

/* An entry with its run, and what it takes in a merge. */
#define ENTRY_WEIGHT ((uint64_t)96)

uint64_t mm_log_weight(const mm_log *log) {
  return log->held + log->count * ENTRY_WEIGHT;
}

/* The empty top above all that is there. */
static mm_log_top top_above(const mm_log *log, unsigned depth) {
  const struct mm_log_chunk *chunk = log->shared;
  mm_log_top top = {.fixed = log->count, .below = mm_log_weight(log), .depth = depth};
  if (chunk) {
    top.chunk = chunk->number;
    top.used = chunk->used;
  }
  return top;
}

static uint64_t top_weight(const mm_log *log) {
  uint64_t weight = mm_log_weight(log);
  return weight > log->top.below ? weight - log->top.below : 0;
}

void mm_log_cut(mm_log *log, size_t count) {
  if (count >= log->count) return;
  cut_chunks(log, count);
  log_drop(log, count);
  if (log->top.fixed > count) {
    log->top = top_above(log, log->top.depth);
  } else if (log->top.settled > top_weight(log)) {
    log->top.settled = top_weight(log);
  }
}

/* Append a write of which `data` is still to come. */
static int add_write(mm_log *log, mm_log_entry entry, uint64_t held, mm_error *err) {
  entry.data = log_room(log, log->count, held);
  if (!entry.data) return mm_fail_nomem(err);
  int rc = add_entry(log, entry, err);
  if (rc) give_back_bytes(log, entry.data, held);
  return rc;
}

int mm_log_write_room(mm_log *log, uint64_t offset, uint64_t size, uint8_t **data, mm_error *err) {
  int rc = add_write(log, (mm_log_entry){.offset = offset, .size = size}, size, err);
  if (rc == MM_OK) *data = log->entries[log->count - 1].data;
  return rc;
}

int mm_log_write(mm_log *log, uint64_t offset, const uint8_t *data, uint64_t size, mm_error *err) {
  uint8_t *bytes = NULL;
  int rc = mm_log_write_room(log, offset, size, &bytes, err);
  if (rc == MM_OK) memcpy(bytes, data, (size_t)size);
  return rc;
}

int mm_log_size(mm_log *log, uint64_t from, uint64_t to, mm_error *err) {
  return add_entry(log, (mm_log_entry){from, to, NULL, 0, 0}, err);
}

uint8_t *mm_log_more_room(const mm_log *log, uint64_t end, uint64_t size) {
  const struct mm_log_chunk *chunk = log->shared;
  if (!chunk || log->sized <= log->top.fixed || log->tidied < log->count) return NULL;
  const mm_log_entry *last = &log->entries[log->count - 1], *sized = &log->entries[log->sized - 1];
  bool grows = sized->size == end && sized->size > sized->offset;
  bool ends = log_is_write(last) && !last->packed && last->offset + last->size == end;
  if (!grows || !ends || size > chunk->size - chunk->used) return NULL;
  return last->data + last->size == chunk->bytes + chunk->used ? last->data + last->size : NULL;
}

void mm_log_grow(mm_log *log, uint64_t size) {
  log->entries[log->count - 1].size += size;
  log->entries[log->sized - 1].size += size;
  log->shared->used += size;
  log->held += size;
  log->bytes += size;
}

static int copy_write(mm_log *log, const mm_log_entry *entry, mm_error *err) {
  int rc = add_write(log, *entry, log_held(entry), err);
  if (rc) return rc;
  memcpy(log->entries[log->count - 1].data, entry->data, (size_t)log_held(entry));
  return MM_OK;
}

int mm_log_copy(mm_log *log, const mm_log *from, size_t first, size_t end, mm_error *err) {
  int rc = MM_OK;
  for (size_t i = first; i < end && rc == MM_OK; i++) {
    const mm_log_entry *entry = &from->entries[i];
    rc = log_is_write(entry) ? copy_write(log, entry, err)
                             : mm_log_size(log, entry->offset, entry->size, err);
  }
  return rc;
}

/* ---- marks ---------------------------------------------------------------------------------- */

/* Below so many marks what may be loose gets less with each, so that it is not much in all. */
#define SPARE_MIN ((uint64_t)4 << 10)

mm_log_mark mm_log_set_mark(mm_log *log) {
  mm_log_mark mark = {log->count, log->top};
  log->top = top_above(log, log->top.depth + 1);
  return mark;
}

mm_log mm_log_successor(const mm_log *log) {
  return (mm_log){.spare = log->spare, .chunks = log->chunks};
}

void mm_log_take_top(mm_log *log, const mm_log *from, size_t old, size_t first) {
  log->top = from->top;
  log->top.fixed = from->top.fixed > old ? from->top.fixed - old + first : first;
  log->top.below = log->top.chunk = 0;
  for (size_t i = 0; i < log->top.fixed; i++) {
    log->top.below += ENTRY_WEIGHT + log_held(&log->entries[i]);
  }
}

/* So few entries are tidied again: the first of them may continue those below the mark. */
#define AGAIN_MOST 8

void mm_log_release(mm_log *log, const mm_log_mark *mark) {
  if (mark->before.fixed > log->top.fixed) return;
  uint64_t settled = log->top.settled;
  log->top = mark->before;
  if (log->top.settled < settled) log->top.settled = settled;
  bool few = mark->count < log->tidied && log->count - mark->count <= AGAIN_MOST;
  if (few) log->tidied = mark->count;
}

void mm_log_fix(mm_log *log) {
  log->top = top_above(log, 0);
}

static bool is_due(const mm_log *log) {
  uint64_t weight = top_weight(log), settled = log->top.settled, depth = log->top.depth + 1;
  uint64_t spare = (log->spare ? log->spare : MM_LOG_SPARE) / (depth * depth);
  if (spare < SPARE_MIN && !log->spare) spare = SPARE_MIN;
  return weight > settled + settled / 2 + spare;
}

/* ---- tidying -------------------------------------------------------------------------------- */

static bool is_next(const mm_log_entry *last, const mm_log_entry *entry) {
  return !last->packed && !entry->packed && entry->offset == last->offset + last->size &&
         entry->data == last->data + last->size;
}

/* The last bytes of a write that lie side by side, in the file and in memory. */
static mm_log_entry tail_of(const mm_log_entry *last) {
  if (!last->packed) return *last;
  uint64_t before = last->size - last->tail;
  return (mm_log_entry){last->offset + before, last->tail, last->data + last->packed - last->tail,
                        0, 0};
}

static bool lies_in(const mm_log_entry *last, const mm_log_entry *entry) {
  return !entry->packed && entry->offset >= last->offset &&
         entry->offset - last->offset <= last->size &&
         entry->size <= last->size - (entry->offset - last->offset);
}

/* Write again what the end of the last one wrote. */
static bool fold_again(mm_log *log, mm_log_entry *last, const mm_log_entry *entry) {
  mm_log_entry tail = tail_of(last);
  if (!lies_in(&tail, entry)) return false;
  memcpy(tail.data + (entry->offset - tail.offset), entry->data, (size_t)entry->size);
  give_back_bytes(log, entry->data, entry->size);
  return true;
}

/* What a small write, or a pack, takes in a pack behind a gap. */
static uint64_t packed_size(const mm_log_entry *entry, uint64_t gap) {
  uint64_t head = mm_pack_head_size(gap);
  return entry->packed ? entry->packed - mm_pack_head_size(0) + head : head + entry->size;
}

static bool may_pack(const mm_log_entry *entry) {
  return entry->packed ? entry->tail > 0 : entry->size <= MM_PACK_PIECE;
}

/* Its bytes are the last in the chunk, those of `last` the ones before. */
static bool lies_on_top(const mm_log *log, const mm_log_entry *last, const mm_log_entry *entry) {
  const struct mm_log_chunk *chunk = log->shared;
  return chunk && entry->data == last->data + log_held(last) &&
         entry->data + log_held(entry) == chunk->bytes + chunk->used;
}

/* Move what it has to `to`, which is at or behind where that is now, behind a gap. */
static void move_into_pack(const mm_log_entry *entry, uint8_t *to, uint64_t gap) {
  uint32_t begins = entry->packed ? mm_pack_head_size(0) : 0;
  uint64_t first = entry->packed ? entry->data[begins - 1] : entry->size;
  (void)mm_pack_put(to, gap, first, entry->data + begins, log_held(entry) - begins);
}

static void set_packed(mm_log *log, mm_log_entry *last, uint64_t held, uint64_t tail) {
  log->bytes += held - log_held(last);
  last->packed = (uint32_t)held;
  last->tail = (uint32_t)tail;
}

/* The next bytes of the last piece of a pack: they are where they belong. */
static bool extend_tail(mm_log *log, mm_log_entry *last, const mm_log_entry *entry) {
  bool extends = last->packed && !entry->packed && entry->offset == last->offset + last->size &&
                 last->tail + entry->size <= MM_PACK_PIECE &&
                 last->packed + entry->size <= MM_PACK_SIZE;
  if (!extends) return false;
  last->data[last->packed - last->tail - 1] = (uint8_t)(last->tail + entry->size);
  set_packed(log, last, last->packed + entry->size, last->tail + entry->size);
  last->size += entry->size;
  return true;
}

/* Behind a gap, if there is room for what that takes. */
static bool pack_both(mm_log *log, mm_log_entry *last, const mm_log_entry *entry, uint64_t gap) {
  struct mm_log_chunk *chunk = log->shared;
  uint64_t before = last->packed ? last->packed : packed_size(last, 0);
  uint64_t held = before + packed_size(entry, gap);
  uint64_t more = held - log_held(last) - log_held(entry);
  if (held > MM_PACK_SIZE || more > chunk->size - chunk->used) return false;
  move_into_pack(entry, last->data + before, gap);
  if (!last->packed) move_into_pack(last, last->data, 0);
  chunk->used += more;
  log->held += more;
  set_packed(log, last, held, entry->packed ? entry->tail : entry->size);
  last->size = entry->offset + entry->size - last->offset;
  return true;
}

static bool fold_into_pack(mm_log *log, mm_log_entry *last, const mm_log_entry *entry) {
  uint64_t end = last->offset + last->size, gap = entry->offset - end;
  bool near = entry->offset >= end && gap <= MM_PACK_GAP;
  if (!near || !may_pack(last) || !may_pack(entry) || !lies_on_top(log, last, entry)) return false;
  return extend_tail(log, last, entry) || pack_both(log, last, entry, gap);
}

static bool fold_write(mm_log *log, size_t low, const mm_log_entry *entry) {
  mm_log_entry *last = log->count > low ? &log->entries[log->count - 1] : NULL;
  if (!last || !log_is_write(last)) return false;
  if (is_next(last, entry)) {
    last->size += entry->size;
    log->bytes += entry->size;
    return true;
  }
  return fold_again(log, last, entry) || fold_into_pack(log, last, entry);
}

/* The writes since a growth lie below the size that it grew to: a further growth does not touch
** them. */
static bool fold_growth(mm_log *log, size_t low, const mm_log_entry *entry) {
  mm_log_entry *last = log->sized > low ? &log->entries[log->sized - 1] : NULL;
  if (!last || last->size < last->offset || entry->size < entry->offset) return false;
  last->size = entry->size;
  return true;
}

/* What is dropped here leaves no more runs than there were. */
void log_fold_all(mm_log *log, size_t first, size_t low) {
  size_t end = log->count;
  log_share_chunks(log, first);
  log_drop(log, first);
  for (size_t i = first; i < end; i++) {
    mm_log_entry entry = log->entries[i];
    bool folded =
        log_is_write(&entry) ? fold_write(log, low, &entry) : fold_growth(log, low, &entry);
    if (!folded) log_place(log, entry);
  }
}

void mm_log_tidy(mm_log *log) {
  size_t fixed = log->top.fixed;
  if (log->tidied < fixed) log->tidied = fixed;
  if (log->tidied < log->count) log_fold_all(log, log->tidied, fixed);
  log->tidied = log->count;
  if (!is_due(log)) return;
  (void)mm_log_compact(log, fixed);
  log->grain = log->top.settled = top_weight(log); /* in vain: again when it has grown by as much */
}

/* So few runs are searched as they are. */
#define RUNS_FEW 64

/* What the entries of runs weigh that begin before this one. */
static uint64_t weight_before(const mm_log *log, size_t r) {
  if (r == log->run_count) return log->bytes + log->count * ENTRY_WEIGHT;
  return log->runs[r].held + log->runs[r].first * ENTRY_WEIGHT;
}

/* Each run that weighs more than twice all behind it is let be, the others become one: a write is in
** no more compactions than its run can grow by half. */
void mm_log_settle(mm_log *log) {
  size_t r = mm_log_runs(log, log->top.fixed), end = log->run_count;
  uint64_t all = weight_before(log, end);
  log->grain = 0;
  if (end - r <= RUNS_FEW) return;
  while (r + 1 < end && weight_before(log, r + 1) - weight_before(log, r) >
                            2 * (all - weight_before(log, r + 1))) {
    r++;
  }
  (void)mm_log_compact(log, log->runs[r].first);
}

/* ---- reading -------------------------------------------------------------------------------- */

uint64_t mm_log_size_at(const mm_log *log, size_t count, uint64_t base) {
  size_t sized = sized_at(log, count);
  return sized ? log->entries[sized - 1].size : base;
}

size_t mm_log_runs(const mm_log *log, size_t count) {
  size_t low = 0, high = log->run_count;
  if (count >= log->count) return high;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (log->runs[middle].first < count) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

size_t mm_log_find(const mm_log *log, size_t from, size_t to, uint64_t offset) {
  while (from < to) {
    size_t middle = from + (to - from) / 2;
    if (log->entries[middle].offset + log->entries[middle].size <= offset) {
      from = middle + 1;
    } else {
      to = middle;
    }
  }
  return from;
}

mm_log mm_log_rest(const mm_log *log, size_t first) {
  mm_log rest = *log;
  rest.entries += first;
  rest.count -= first;
  rest.sized = log->sized > first ? log->sized - first : 0;
  rest.runs = NULL;
  rest.run_count = 0;
  return rest;
}
