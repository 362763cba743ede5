/*
** pending.h: what a COMMIT is about to change in a file, as runs of bytes.
*/
#ifndef EXT_PENDING_H
#define EXT_PENDING_H

#include "ext/connection/ext.h"

/* Bytes that are overwritten have old and new ones; a growth has only new ones, and a cut only old. */
typedef struct ext_pending_run {
  uint64_t offset, length;
  bool has_old, has_new;
} ext_pending_run;

/* All zeros: none. */
typedef struct ext_pending {
  ext_pending_run *runs; /* owned: mm_free */
  size_t count, capacity;
  uint64_t old_size, new_size; /* of the file */
} ext_pending;

/* Those of the object, which is no private one, in ascending order. MM_NOMEM, or why the object cannot
** tell. What rows that were deleted leave is in them while it is done (ext_txn_preview). */
int ext_pending_of(const ext_object *object, ext_pending *out, mm_error *err);

#endif
