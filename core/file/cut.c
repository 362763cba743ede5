#include "core/file/cut.h"

#include <errno.h>

#include "core/file/commit.h"
#include "core/file/journal.h"
#include "core/file/recover.h"
#include "core/file/show.h"

bool object_begin_cut(mm_object *object, uint64_t from, uint64_t to) {
  const mm_settings *settings = object->settings;
  if (to >= from || !(mm_os.traits & MM_TRAIT_RIGID_MAPS)) return false;
  object_drop_view(object);
  if (settings->cutting) settings->cutting(settings->watch_context, object, true);
  return true;
}

void object_end_cut(mm_object *object) {
  const mm_settings *settings = object->settings;
  if (settings->cutting) settings->cutting(settings->watch_context, object, false);
}

/* What gives the last byte back. */
typedef struct last_byte {
  uint8_t byte;
  mm_extent extent;
  mm_change change;
} last_byte;

static int read_last(const mm_object *object, last_byte *u, mm_error *err) {
  uint64_t size = object->change.old_size;
  int failed = mm_sys_read_all(object->fd, &u->byte, 1, size - 1);
  if (failed) return mm_fail_errno(err, MM_IOERR, -failed, "cannot read '%s'", object->name);
  u->extent = (mm_extent){.offset = size - 1, .size = 1, .data = &u->byte};
  u->change =
      (mm_change){.old_size = size - 1, .new_size = size, .extents = &u->extent, .count = 1};
  return MM_OK;
}

static int cut_last(mm_object *object, uint64_t size, mm_error *err) {
  int failed = mm_os.resize(object->writer, size);
  if (!failed) return MM_OK;
  if (failed == -EBUSY) return mm_change_fail_mapped(object->name, object->change.new_size, err);
  return mm_fail_errno(err, MM_IOERR, -failed, "cannot cut '%s'", object->name);
}

/* If the byte cannot be given back, its journal stays, and the next use of the file does it. */
static int cut_and_undo(mm_object *object, const last_byte *u, bool *undone, mm_error *err) {
  int rc = cut_last(object, u->change.old_size, err);
  *undone = true;
  if (rc) return rc;
  rc = mm_change_apply(&u->change, object->writer, object_is_durable(object), object->name, err);
  *undone = rc == MM_OK;
  return rc;
}

static int try_journalled(mm_object *object, const last_byte *u, mm_error *err) {
  mm_error told;
  bool undone;
  int rc = object_write_journal(object, &u->change, NULL, err);
  if (rc) return rc;
  object->undo_journal = false; /* it gives back, and takes nothing away */
  rc = cut_and_undo(object, u, &undone, err);
  int ended = undone ? object_end_journal(object, object_is_durable(object), &told) : MM_OK;
  if (!undone) object_forget_journal(object);
  if (rc || !ended) return rc;
  *err = told;
  return ended;
}

static int try_it(mm_object *object, mm_error *err) {
  bool undone;
  last_byte u;
  int rc = read_last(object, &u, err);
  if (rc) return rc;
  return object_keeps_journal(object) ? try_journalled(object, &u, err)
                                      : cut_and_undo(object, &u, &undone, err);
}

/* Between two tries there is no journal: who reads does not wait for us, and has the file mapped no
** longer than it uses it. */
static int try_until_late(mm_object *object, mm_error *err) {
  mm_lock_wait wait = {0};
  for (;;) {
    mm_error stopped;
    int rc = try_it(object, err);
    if (rc != MM_BUSY) return rc;
    int stop = mm_object_go_on(object, &stopped);
    if (stop) *err = stopped;
    if (stop || !mm_lock_wait_more(&wait, object->settings->busy_timeout)) return stop ? stop : rc;
  }
}

int object_try_cut(mm_object *object, mm_error *err) {
  mm_error told;
  const mm_change *change = &object->change;
  if (!object_is_shared(object) || !object_begin_cut(object, change->old_size, change->new_size)) {
    return MM_OK;
  }
  int rc = try_until_late(object, err);
  int looked = object_look(object, &object->seen, &told);
  if (looked == MM_OK) looked = object_remap(object, &told);
  if (looked) object_spoil(object);
  object_end_cut(object);
  if (rc || !looked) return rc;
  *err = told;
  return looked;
}
