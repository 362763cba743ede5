/*
** splice.h: many places of an object replaced at once, by bytes of other lengths.
*/
#ifndef MM_SPLICE_H
#define MM_SPLICE_H

#include "core/file/edit.h"

/* One place: `size` bytes at `offset` become `data_size` others. */
typedef struct mm_splice {
  uint64_t offset, size;
  const uint8_t *data; /* not inside the object; of no bytes: any */
  uint64_t data_size;
} mm_splice;

/* How much larger the object becomes; negative: smaller. */
int64_t mm_splice_growth(const mm_splice *splices, size_t count);

/* Does any of them change what lies behind it? Not, if all have the length that they had. */
bool mm_splice_shifts(const mm_splice *splices, size_t count);

/* Replace them, as one step: begin has been called, they ascend, do not overlap and lie inside 0..size.
** Places before the first that has another length are written alone; from there to the last one's
** end all bytes are written, and those behind them move. On failure nothing has changed. */
int mm_object_splice(mm_object *object, const mm_splice *splices, size_t count, mm_error *err);

#endif
