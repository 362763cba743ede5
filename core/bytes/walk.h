/*
** walk.h: from record to record, as a layout says.
**
** A walk stands on one record, or before the first. It reads memory that is handed in anew before
** each step, as it may move or shrink meanwhile, and never leaves start..stop, nor the file. Nothing is
** allocated from record to record once the longest text is known.
*/
#ifndef MM_WALK_H
#define MM_WALK_H

#include "core/bytes/layout.h"
#include "core/common/watch.h"

/* Where a column is in the record. */
typedef struct mm_walk_place {
  uint64_t at, size; /* bytes, in the file */
  uint32_t bit;      /* of a bit field: from the first bit of `at` on */
  bool present;
} mm_walk_place;

typedef struct mm_walk {
  const mm_layout *layout;
  const uint8_t *data; /* of the file … */
  uint64_t size;       /* … bytes: the caller's to set before each call */
  uint64_t start, stop;
  bool big_endian; /* what no type says */

  int64_t rowid;         /* of the record; -1: before the first */
  uint64_t offset, next; /* its start; where the following one starts */
  bool done;             /* there are no more */
  bool placed;           /* `places` are those of the record */
  uint64_t near;         /* records that start before this are come to quickly; 0: none */
  bool ended;            /* … because `until` said so */
  size_t found;          /* columns that can be read: all but for a damaged record */

  mm_walk_place *places;      /* owned; one for each column */
  struct mm_walk_text *texts; /* owned; likewise */
  mm_value *computed;         /* owned; of those that are needed */
  const uint8_t *found_in; /* `data` when the record was found, to which texts in them point … */
  uint64_t found_size;     /* … and `size` */
  uint64_t end;            /* behind the furthest column so far */
  uint64_t pos;            /* where the column starts that is being found */
  mm_error *err;           /* of the step */
  bool builds;             /* see mm_walk_build */
  uint64_t extent;         /* … the size of the column that is being found */
  mm_expr_frame frame;
  mm_watch watch; /* the caller's to set: asked in the course of a step that reads much */
} mm_walk;

/* The layout stays as long as the walk. MM_NOMEM. Closing one of all zeros is allowed. */
int mm_walk_open(mm_walk *walk, const mm_layout *layout, mm_error *err);
void mm_walk_close(mm_walk *walk);

/* Before the first record of start..stop; a stop past the end is the end. MM_DAMAGED: the start is. */
int mm_walk_begin(mm_walk *walk, uint64_t start, uint64_t stop, bool big_endian, mm_error *err);

/* Before record `rowid`, which starts at `offset`. */
void mm_walk_jump(mm_walk *walk, int64_t rowid, uint64_t offset);

/* On to the next record, or `done`. MM_DAMAGED: it is damaged: `found` columns of it can be read, and
** there is none behind it. MM_INTERRUPT: the watch stops it. */
int mm_walk_step(mm_walk *walk, mm_error *err);

/* Where the layout is steady, let mm_walk_step_quick go on to records that start at `last_place` or
** before, as far as that is possible without reading another page than that of this record. */
void mm_walk_quicken(mm_walk *walk, uint64_t last_place);

/* Of the sizes that a steady layout has: fewer cases than mm_type_integer deals with. */
static inline uint64_t mm_walk_counter(mm_type type, const uint8_t *bytes) {
  if (type.size == 1) return *bytes;
  bool swap = type.big_endian != MM_HOST_IS_BIG_ENDIAN;
  if (type.size == 2) {
    uint16_t v;
    memcpy(&v, bytes, sizeof v);
    return swap ? __builtin_bswap16(v) : v;
  }
  uint32_t v;
  memcpy(&v, bytes, sizeof v);
  return swap ? __builtin_bswap32(v) : v;
}

/* On to the next record; false: that takes an mm_walk_step. It is for the caller to know that since
** mm_walk_quicken no byte has been written, nor the file cut. Here, as all of a scan may be this. */
static inline bool mm_walk_step_quick(mm_walk *walk) {
  const mm_layout *layout = walk->layout;
  uint64_t at = walk->next;
  if (at >= walk->near) return false;
  uint64_t n = mm_walk_counter(layout->counter, walk->data + at + layout->count_at);
  if (n > MM_TYPE_MAX || layout->fixed + n > walk->stop - at) return false;
  walk->rowid++;
  walk->offset = at;
  walk->next = at + layout->fixed + n;
  walk->found = layout->count;
  walk->placed = false;
  return true;
}

/* Find `places`, if the record was come to quickly. */
void mm_walk_find_places(mm_walk *walk);

/* The value of a column of the record: good until the next call. Of a text that is not UTF-8 in the
** file, a number that is no integer, an array it is made anew. NULL of what is cut off since.
** MM_NOMEM; MM_DAMAGED: what it is computed from gives no value. */
int mm_walk_value(mm_walk *walk, size_t column, mm_value *value, mm_error *err);

/* A record that is not there yet, behind the one that the walk is on or, after a jump, where that
** leads to: mm_walk_build_column says of one column after the other where it goes, by those before
** it, whose bytes must be there by then. It may end past `stop` and past the file. `extent`: bytes
** of it, if its type has no fixed size. MM_DAMAGED: it can be nowhere. mm_walk_build_end gives the
** size of all of it, without what `align` adds; then the walk can only jump. */
void mm_walk_build(mm_walk *walk);
int mm_walk_build_column(mm_walk *walk, uint64_t extent, mm_error *err);
int mm_walk_build_end(mm_walk *walk, uint64_t *size, mm_error *err);

/* The type of a column in this record, its size and byte order closed. */
mm_type mm_walk_type(const mm_walk *walk, size_t column);

#endif
