/*
** edit.h: the writes of an object, and their undoing.
*/
#ifndef MM_EDIT_H
#define MM_EDIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/file/state.h"

/* The writes. begin has been called; ranges lie inside 0..size (the caller checks, and says it in
** its own words). `data` may point into the object. On failure nothing has changed. Between the
** pieces of large ones they ask mm_object_go_on. */
int mm_object_write(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                    mm_error *err);
/* The same where nobody reads the object's bytes before the next call of mm_object_refresh, of
** mm_object_see or of a function here: a page that was never shown does not have to be taken back
** after COMMIT. */
int mm_object_write_unseen(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                           mm_error *err);
int mm_object_move(mm_object *object, uint64_t to, uint64_t from, uint64_t size, mm_error *err);
int mm_object_insert(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                     mm_error *err);
int mm_object_erase(mm_object *object, uint64_t offset, uint64_t size, mm_error *err);
int mm_object_resize(mm_object *object, uint64_t size, mm_error *err);

/* The largest size an object can have. */
#define MM_OBJECT_MAX ((uint64_t)1 << 46)

/* A mark is a length of the log, without the overlay, which may come and go meanwhile. The log may be
** cut there until the mark is released. Marks are released in the opposite order of their making.
** What was written between marks that live is kept apart, so each may cost as much memory as was
** written since the one before. For the steps of a write. */
mm_log_mark mm_object_mark(mm_object *object);
void mm_object_release(mm_object *object, const mm_log_mark *mark);

/* The same for a savepoint, to which there may be many rollbacks. */
mm_log_mark mm_object_savepoint(mm_object *object);

/* Cut the log to a mark's count. The mark lives on. */
int mm_object_rollback_to(mm_object *object, size_t count, mm_error *err);

#endif
