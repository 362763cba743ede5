/*
** chain_stations.c: where records of a chain are, so that a walk need not go there again.
*/
#include <string.h>

#include "core/common/mem.h"
#include "ext/records/chain.h"

void mmap_stations_clear(mmap_stations *stations) {
  mm_free(stations->places);
  memset(stations, 0, sizeof *stations);
}

static bool same_times(const mm_stat *a, const mm_stat *b) {
  return a->size == b->size && a->mtime == b->mtime && a->ctime == b->ctime;
}

bool mmap_stations_are_good(const mmap_stations *s, const ext_object *object, const mm_walk *walk) {
  return s->object == object && s->start == walk->start && s->stop == walk->stop &&
         s->big_endian == walk->big_endian && s->edits == object->core->edits &&
         same_times(&s->seen, &object->core->seen);
}

mmap_stations *mmap_stations_of(const mmap_table *table, const ext_object *object,
                                const mm_walk *walk) {
  mmap_stations *s = table->stations;
  if (mmap_stations_are_good(s, object, walk)) return s;
  s->object = object;
  s->start = walk->start;
  s->stop = walk->stop;
  s->big_endian = walk->big_endian;
  s->edits = object->core->edits;
  s->seen = object->core->seen;
  s->count = 0;
  s->hint_row = 0;
  s->has_end = false;
  return s;
}

void mmap_stations_keep(mmap_stations *s, const ext_object *object, uint64_t stop) {
  s->edits = object->core->edits;
  s->stop = stop;
}

void mmap_stations_leave(mmap_stations *s, const mm_walk *walk) {
  void *places = s->places;
  if ((uint64_t)walk->rowid / (uint64_t)MMAP_STATION != s->count) return;
  if (mm_grow(&places, s->count, &s->capacity, sizeof *s->places)) return; /* it is a help only */
  s->places = places;
  s->places[s->count++] = walk->offset;
}

/* The last station, from `low` on, at or before a place. */
static size_t last_before(const mmap_stations *s, size_t low, uint64_t place) {
  size_t high = s->count;
  while (high - low > 1) {
    size_t middle = low + (high - low) / 2;
    if (s->places[middle] <= place) {
      low = middle;
    } else {
      high = middle;
    }
  }
  return low;
}

void mmap_stations_jump(const mmap_stations *s, mm_walk *walk, int64_t row, int64_t place) {
  size_t i = row > 0 ? (size_t)(row / MMAP_STATION) : 0;
  if (i >= s->count) i = s->count ? s->count - 1 : 0;
  if (s->count && place > 0) i = last_before(s, i, (uint64_t)place);
  int64_t at = (int64_t)i * MMAP_STATION;
  if (s->hint_row > at && s->hint_row <= row) {
    mm_walk_jump(walk, s->hint_row, s->hint_place);
  } else if (i > 0) {
    mm_walk_jump(walk, at, s->places[i]);
  }
}

/* ---- rows of a table's own file ---------------------------------------------------------------- */

/* The next record of a walk through the file, which leaves stations. */
static int step_along(const mmap_table *table, mmap_stations *s, mm_walk *walk, mm_error *err) {
  int rc = mm_walk_step(walk, err);
  if (rc || walk->done || walk->rowid % MMAP_STATION) return rc;
  mmap_stations_leave(s, walk);
  if (!ext_conn_interrupted(table->tab.conn)) return MM_OK;
  return mm_fail(err, MM_INTERRUPT, "interrupted");
}

int chain_find_row(const mmap_table *table, const ext_object *object, mm_walk *walk, int64_t row,
                   mm_error *err) {
  mmap_stations *s = mmap_stations_of(table, object, walk);
  mmap_stations_jump(s, walk, row, 0);
  int rc = MM_OK;
  do {
    rc = step_along(table, s, walk, err);
  } while (rc == MM_OK && !walk->done && walk->rowid < row);
  if (rc == MM_OK && walk->done) {
    rc = mm_fail(err, MM_ERROR, "row %lld is not there any more", (long long)row);
  }
  if (rc) return rc;
  s->hint_row = row;
  s->hint_place = walk->offset;
  return MM_OK;
}

/* What `align` would add behind the last record, but for the file's end. */
static uint64_t cut_padding(const mm_walk *walk, uint64_t offset, uint64_t next) {
  uint64_t align = walk->layout->align, size = next - offset;
  return align > 1 && size % align ? align - size % align : 0;
}

int chain_find_end(const mmap_table *table, const ext_object *object, mm_walk *walk, chain_end *end,
                   mm_error *err) {
  mmap_stations *s = mmap_stations_of(table, object, walk);
  uint64_t offset = walk->start, next = walk->start;
  int rc = MM_OK;
  if (!s->has_end) {
    mmap_stations_jump(s, walk, INT64_MAX, 0);
    while (rc == MM_OK && !walk->done) {
      offset = walk->offset;
      next = walk->next;
      rc = step_along(table, s, walk, err);
    }
    if (rc) return rc;
    s->end = (chain_end){walk->rowid, next, cut_padding(walk, offset, next), walk->ended};
    s->has_end = true;
  }
  *end = s->end;
  return MM_OK;
}
