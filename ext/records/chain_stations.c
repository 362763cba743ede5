/*
** chain_stations.c: where records of a chain are, so that a walk need not go there again.
*/
#include <string.h>

#include "ext/records/chain.h"

void mmap_stations_clear(mmap_stations *stations) {
  ext_places_clear(&stations->places);
  memset(stations, 0, sizeof *stations);
}

bool mmap_stations_are_good(const mmap_stations *s, const ext_object *object, const mm_walk *walk) {
  return s->big_endian == walk->big_endian &&
         ext_places_are_good(&s->places, object, walk->start, walk->stop);
}

mmap_stations *mmap_stations_of(const mmap_table *table, const ext_object *object,
                                const mm_walk *walk) {
  mmap_stations *s = table->stations;
  if (mmap_stations_are_good(s, object, walk)) return s;
  ext_places_begin(&s->places, object, walk->start, walk->stop);
  s->big_endian = walk->big_endian;
  s->hint_row = 0;
  s->has_end = false;
  return s;
}

void mmap_stations_keep(mmap_stations *s, const ext_object *object, uint64_t stop) {
  ext_places_keep(&s->places, object, stop);
}

void mmap_stations_leave(mmap_stations *s, const mm_walk *walk) {
  ext_places_leave(&s->places, walk->rowid, walk->offset);
}

void mmap_stations_jump(const mmap_stations *s, mm_walk *walk, int64_t row, int64_t place) {
  const ext_place none = {0, 0};
  ext_place at = ext_places_before(&s->places, row, UINT64_MAX, none);
  if (place > 0) {
    ext_place near = ext_places_before(&s->places, INT64_MAX, (uint64_t)place, none);
    if (near.number > at.number) at = near;
  }
  if (s->hint_row > at.number && s->hint_row <= row) {
    mm_walk_jump(walk, s->hint_row, s->hint_place);
  } else if (at.number > 0) {
    mm_walk_jump(walk, at.number, at.offset);
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
  uint64_t offset = walk->start, next = offset;
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
