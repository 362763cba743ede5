/*
** commit.c: a transaction on one object, from becoming the file's writer to letting go of it.
**
**     begin     lock the file; recover it; this is what we begin with
**     prepare   nobody reads it at one commit; still what we began with?  room for all bytes?  journal, fsync
**     commit    write the file, fsync; remove the journal
**     rollback  empty and remove the journal; cut the log
*/
#include <errno.h>

#include "core/common/mem.h"
#include "core/file/commit.h"
#include "core/file/cut.h"
#include "core/file/edit.h"
#include "core/file/journal.h"
#include "core/file/record.h"
#include "core/file/recover.h"
#include "core/file/share.h"
#include "core/file/show.h"

/* A private object's log is not worth compacting below this. */
#define KEEP_MIN ((uint64_t)16 << 10)

/* ---- begin ---------------------------------------------------------------------------------- */

int mm_object_check_writable(mm_object *object, mm_error *err) {
  if (object->writer >= 0 || object->kind == MM_OBJECT_PRIVATE) return MM_OK;
  int rc = object_open_writer(object, err);
  object_close_writer(object);
  return rc;
}

/* Under another name the journal would not be found. */
static int check_links(const mm_object *object, const mm_stat *stat, mm_error *err) {
  if (object->kind != MM_OBJECT_FILE || object_synchronous(object) == MM_SYNC_OFF) return MM_OK;
  if (stat->links > 1) {
    return mm_fail(err, MM_READONLY,
                   "'%s' has %u hard links: a journal would not be found by the other names "
                   "(synchronous=off writes without one)",
                   object->name, stat->links);
  }
  if (stat->links == 0) {
    return mm_fail(err, MM_READONLY, "'%s' has been deleted", object->name);
  }
  return MM_OK;
}

static int lock_and_look(mm_object *object, mm_error *err) {
  mm_stat stat;
  int rc = object_lock(object, err);
  if (rc) return rc;
  object->begun = true;
  rc = object_recover(object, err);
  if (rc == MM_OK) rc = object_look(object, &stat, err);
  if (rc == MM_OK) rc = check_links(object, &stat, err);
  if (rc == MM_OK) rc = object_adopt(object, &stat, err);
  return rc;
}

/* A journal of ours that could not be removed must not be replayed by others: we stay the writer,
** and the next use tries again. */
static void let_go_if_clean(mm_object *object) {
  object->stuck = object->undo_journal;
  if (!object->stuck) object_let_go(object);
}

int mm_object_begin_on(mm_object *object, mm_error *err) {
  int rc = object->stuck ? object_recover(object, err) : MM_OK;
  if (rc || object->begun) return rc;
  if (!object_is_shared(object)) {
    object->begun = true;
  } else {
    rc = object_open_writer(object, err);
    if (rc == MM_OK) rc = lock_and_look(object, err);
    if (rc) object_let_go(object);
  }
  mm_log_fix(&object->log);
  return rc;
}

int mm_object_begin(mm_object *object, mm_error *err) {
  int rc =
      object->begun && !object->stuck ? object_check_owner(object, err) : object_come(object, err);
  return rc ? rc : mm_object_begin_on(object, err);
}

/* ---- prepare -------------------------------------------------------------------------------- */

static int changed(const mm_object *object, mm_error *err) {
  return mm_fail(err, MM_CHANGED, "'%s' was changed by another program during this transaction",
                 object->name);
}

/* Its name leads elsewhere. That is said of a file that is itself what it was. */
static int replaced(const mm_object *object, mm_error *err) {
  mm_stat now;
  int rc = object_look(object, &now, err);
  if (rc) return rc;
  if (!object_same_file_state(&now, &object->seen)) return changed(object, err);
  return mm_fail(err, MM_CHANGED, "'%s' was replaced by another file during this transaction",
                 object->name);
}

/* Nothing is written below SQLite. */
static int check_database(const mm_object *object, mm_error *err) {
  int is = object_is_database(object);
  if (is == 0) return MM_OK;
  if (is < 0) {
    return mm_fail_errno(err, MM_IOERR, -is, "cannot tell whether '%s' is open as a database",
                         object->name);
  }
  return mm_fail(err, MM_CHANGED, "'%s' was opened as a database during this transaction",
                 object->name);
}

/* Is the file still what we began with, and still the one its name means? If it is that one, what is
** said of the name is said of the file. */
static int verify(const mm_object *object, mm_error *err) {
  mm_stat now;
  if (!object_is_shared(object)) return MM_OK;
  if (object->changed_by_others) return changed(object, err);
  int failed = mm_os.status_path(object->real, &now);
  if (failed && failed != -ENOENT && failed != -ENOTDIR) {
    return mm_fail_errno(err, MM_IOERR, -failed, "cannot look at '%s'", object->name);
  }
  if (failed || now.device != object->device || now.inode != object->inode) {
    return replaced(object, err);
  }
  if (!object_same_file_state(&now, &object->seen)) return changed(object, err);
  int rc = check_database(object, err);
  /* Begun without a journal, it may have been asked for one since. */
  return rc ? rc : check_links(object, &now, err);
}

/* What we do to the file changes its times: what it looks like now is what we go on from. */
static int look_again(mm_object *object, mm_error *err) {
  return object_look(object, &object->seen, err);
}

static int reserve(mm_object *object, mm_error *err) {
  int rc = mm_change_reserve(&object->change, object->writer, object->name, err);
  if (rc) return rc;
  if (object->change.reserved) rc = look_again(object, err);
  if (rc == MM_OK && object->seen.size != object->change.old_size) rc = changed(object, err);
  if (rc) mm_change_unreserve(&object->change, object->writer);
  return rc;
}

/* A journal that was written is to be as if it never had been. */
static int unprepare(mm_object *object, mm_error *err) {
  int rc = MM_OK;
  if (object->undo_journal || object->leftover) {
    rc = object_undo_journal(object, object_is_durable(object), err);
  }
  mm_change_clear(&object->change);
  object->prepared = false;
  return rc;
}

/* In doubt: the journal names the record that is to come. */
static int name_record(mm_object *object, const mm_doubt *doubt, mm_journal_plan *plan, char **name,
                       mm_error *err) {
  object->record = mm_strdup(doubt->path);
  *name = mm_record_relate(object->journal, doubt->path);
  plan->record = *name;
  plan->record_salt = doubt->salt;
  plan->place = doubt->place;
  return object->record && *name ? MM_OK : mm_fail_nomem(err);
}

/* Random numbers cost a call each: one is drawn, and those that follow are its successors in
** splitmix64 (Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014). */
static uint64_t next_salt(mm_object *object) {
  if (!object->salt) mm_os.random(&object->salt, sizeof object->salt);
  object->salt += 0x9e3779b97f4a7c15u;
  uint64_t salt = object->salt;
  salt = (salt ^ salt >> 30) * 0xbf58476d1ce4e5b9u;
  salt = (salt ^ salt >> 27) * 0x94d049bb133111ebu;
  return salt ^ salt >> 31;
}

int object_write_journal(mm_object *object, const mm_change *change, const mm_doubt *doubt,
                         mm_error *err) {
  char *name = NULL;
  int rc = MM_OK;
  if (!object_keeps_journal(object)) return MM_OK;
  mm_journal_plan plan = {.path = object->journal,
                          .file = &object->fd,
                          .salt = next_salt(object),
                          .birth = object->birth,
                          .durable = object_is_durable(object),
                          .name_too = !doubt,
                          .keep = object->settings->keep_journal,
                          .kept = &object->staying};
  if (doubt) rc = name_record(object, doubt, &plan, &name, err);
  if (rc == MM_OK) {
    rc = mm_journal_write(&plan, &object->seen, change, &object->made, err);
    /* On a failing disk all or a part of it may still be there; MM_CORRUPT: what is there is not
    ** ours. */
    object->undo_journal =
        rc == MM_OK || (rc != MM_CORRUPT && mm_journal_waits(object->journal, &object->staying));
  }
  mm_free(name);
  if (doubt && !plan.keep) object_close_journal(object); /* it is removed with no more ado */
  if (!object->undo_journal) object_forget_journal(object);
  return rc;
}

static int save_change(mm_object *object, const mm_doubt *doubt, mm_error *err) {
  int rc = mm_view_freeze(object->device, object->inode, &object->change, err);
  if (rc == MM_OK) rc = object_write_journal(object, &object->change, doubt, err);
  if (rc) mm_change_unreserve(&object->change, object->writer);
  return rc;
}

/* What was reserved changes the file's times when it is given back: whether somebody else has
** changed them is asked before. If so, or if that cannot be told, the file is not what has been seen,
** which the next look finds. */
static int give_back_room(mm_object *object, mm_error *err) {
  mm_stat now;
  int rc = object_look(object, &now, err);
  bool ours = rc == MM_OK && object_same_file_state(&now, &object->seen);
  mm_change_unreserve(&object->change, object->writer);
  return ours ? look_again(object, err) : rc;
}

/* `removed`: no journal of it is left. */
static int take_back(mm_object *object, bool *removed, mm_error *err) {
  mm_error later;
  int rc = MM_OK, undone = MM_OK;
  if (object->prepared) rc = give_back_room(object, err);
  if (object->prepared || object->undo_journal || object->leftover) {
    undone = unprepare(object, rc ? &later : err);
  }
  *removed = undone == MM_OK;
  return rc ? rc : undone;
}

/* Readers were kept out for it, whether it got so far or not. */
int mm_object_unprepare(mm_object *object, mm_error *err) {
  bool removed;
  int rc = object_check_owner(object, err);
  if (rc) return rc;
  rc = take_back(object, &removed, err);
  if (removed) object_let_in(object);
  return rc;
}

bool object_is_prepared(const mm_object *object, bool in_doubt) {
  return object->prepared && object->prepared_count == object->log.count &&
         (object->record != NULL) == in_doubt;
}

/* `pace`: asked whether to go on; NULL: it is to be done, and what was made ready before is good. A
** COMMIT that is tried again after others have had their turn looks anew at the file. */
static int prepare_change(mm_object *object, mm_pace *pace, const mm_doubt *doubt, mm_error *err) {
  int rc = object_check_owner(object, err);
  if (rc) return rc;
  if (object->kind == MM_OBJECT_PRIVATE) return MM_OK;
  if (!mm_object_pending(object)) return mm_object_unprepare(object, err);
  if (object_is_prepared(object, doubt != NULL)) return pace ? verify(object, err) : MM_OK;
  bool removed;
  rc = take_back(object, &removed, err);
  if (rc == MM_OK) rc = mm_objects_keep_out(&object, 1, err);
  if (rc == MM_OK) rc = verify(object, err);
  object->change.pace = pace;
  if (rc == MM_OK) rc = mm_object_change(object, &object->change, err);
  if (rc == MM_OK) rc = reserve(object, err);
  if (rc == MM_OK) rc = object_try_cut(object, err);
  if (rc == MM_OK) rc = save_change(object, doubt, err);
  if (rc) {
    mm_change_clear(&object->change);
  } else {
    object->prepared = true;
    object->prepared_count = object->log.count;
    object->change.pace = NULL;
  }
  return rc;
}

static int stop_prepare(void *context, uint64_t done) {
  const mm_settings *settings = context;
  (void)done;
  return settings->watch ? settings->watch(settings->watch_context) : 0;
}

int object_prepare(mm_object *object, const mm_doubt *doubt, mm_error *err) {
  mm_pace pace = {{stop_prepare, (void *)(uintptr_t)object->settings}, 0};
  return prepare_change(object, &pace, doubt, err);
}

int mm_object_prepare(mm_object *object, mm_error *err) {
  return object_prepare(object, NULL, err);
}

int mm_object_change(const mm_object *object, mm_change *change, mm_error *err) {
  mm_log pending = mm_log_rest(&object->log, object->base);
  uint64_t size = mm_log_size_at(&object->log, object->base, object->seen.size);
  return mm_log_merge(&pending, size, change, err);
}

/* ---- commit --------------------------------------------------------------------------------- */

/* The view's own copies are not needed any more: the file has the bytes. It has no pins:
** object_ready has made one of its own for the writes. `seen`: there are such copies. */
static int show_file(mm_object *object, bool seen, mm_error *err) {
  const mm_change *change = &object->change;
  const mm_view *view = object->view;
  bool rebuild = !view || change->old_size != change->new_size || !mm_view_is_plain(view) ||
                 mm_guard_hit(view->guard);
  int rc = look_again(object, err);
  if (rc == MM_OK && object->seen.size != change->new_size) object_look_new(object); /* others' */
  if (rc == MM_OK && rebuild) rc = object_remap(object, err);
  for (size_t i = 0; rc == MM_OK && !rebuild && seen && i < change->count; i++) {
    rc = mm_view_clean(object->view, change->extents[i].offset, change->extents[i].size, err);
  }
  return rc;
}

/* Other objects of the file learn of it; we, of what they have written since we looked. */
static void count_write(mm_object *object) {
  if (!object->entry) return;
  uint64_t writes = mm_inode_written(object->entry);
  if (writes != object->writes + 1) object_look_new(object);
  object->writes = writes;
}

void object_settle(mm_object *object, bool written) {
  mm_error ignored;
  count_write(object);
  bool seen = !object->unseen || object->log.count - object->base > 1;
  object->unseen = false;
  mm_log_cut(&object->log, object->base);
  if (!written || show_file(object, seen, &ignored) != MM_OK) object_spoil(object);
  mm_change_clear(&object->change);
  object->prepared = false;
  object_let_go(object);
}

/* Nobody can refuse it any more: they are not to be taken for us when the file is looked at again. */
void object_meet_others(mm_object *object) {
  mm_error ignored;
  mm_stat now;
  bool others = object->changed_by_others || object_look(object, &now, &ignored) != MM_OK;
  if (others || !object_same_file_state(&now, &object->seen)) object_look_new(object);
}

int object_write(mm_object *object, mm_error *err) {
  bool journalled = object->undo_journal;
  mm_view_writing writing;
  bool cuts = object_begin_cut(object, object->change.old_size, object->change.new_size);
  int rc = mm_view_write_begin(&writing, object->device, object->inode, &object->change, err);
  if (rc == MM_OK) {
    rc = mm_change_apply(&object->change, object->writer, object_is_durable(object), object->name,
                         err);
    mm_view_write_end(&writing);
  }
  if (cuts) object_end_cut(object);
  object->undo_journal = false;
  object->torn = rc != MM_OK && !journalled;
  return rc;
}

/* The journal stays, blank, and its descriptor with it. */
static void keep_journal(mm_object *object) {
  mm_stat own;
  mm_journal_forget(&object->staying);
  if (mm_os.status(object->made.fd, &own) < 0) return;
  bool lasts = object->made.lasts || object_is_durable(object);
  object->staying = (mm_journal_kept){object->made.fd, own.device, own.inode, lasts};
  object->made.fd = -1;
}

/* A journal that came back would be replayed over what others have written since. Its first sector
** blanked and synced is less for the disk to do than its directory's. */
int object_end_journal(mm_object *object, bool durable, mm_error *err) {
  mm_error ignored;
  bool keep = object->settings->keep_journal;
  bool blank = (keep || durable) && object->made.fd >= 0 &&
               mm_journal_blank(object->made.fd, durable, object->journal, &ignored) == MM_OK;
  int rc = MM_OK;
  if (blank && keep) {
    keep_journal(object);
  } else {
    rc = mm_journal_remove(object->journal, false, durable && !blank, err);
  }
  object_forget_journal(object);
  return rc;
}

/* What a private object commits stays in its log; compacted whenever that has doubled, so that
** neither the log nor the work grows without end. If there is no memory for it, it stays as it
** is. */
static void keep_private(mm_object *object) {
  mm_log *log = &object->log;
  bool large = mm_log_weight(log) > 2 * object->kept + KEEP_MIN;
  if (large && mm_log_compact(log, object->overlay) == MM_OK) object->kept = mm_log_weight(log);
  mm_log_fix(log);
  object->base = log->count;
  object->begun = false;
}

int mm_object_commit(mm_object *object, mm_error *err) {
  int rc = object_check_owner(object, err);
  if (rc || !object->begun) return rc;
  if (object->kind == MM_OBJECT_PRIVATE) {
    keep_private(object);
    return MM_OK;
  }
  if (object_is_prepared(object, false)) object_meet_others(object);
  rc = prepare_change(object, NULL, NULL, err);
  if (!mm_object_pending(object)) {
    let_go_if_clean(object);
    return rc;
  }
  if (rc) return rc;
  bool journalled = object->undo_journal;
  rc = object_write(object, err);
  if (rc == MM_OK && journalled) rc = object_end_journal(object, object_is_durable(object), err);
  object_settle(object, rc == MM_OK);
  return rc;
}

/* ---- rollback ------------------------------------------------------------------------------- */

int mm_object_rollback(mm_object *object, mm_error *err) {
  int rc = object_check_owner(object, err);
  if (rc || !object->begun) return rc;
  if (object->prepared) mm_change_unreserve(&object->change, object->writer);
  rc = unprepare(object, err);
  mm_error later;
  int shown = mm_object_rollback_to(object, object->base - object->overlay, rc ? &later : err);
  let_go_if_clean(object);
  return rc ? rc : shown;
}
