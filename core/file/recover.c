/*
** recover.c: what a crash left behind is finished by the next use of the file.
**
** A journal beside the file means one of three things: a living writer is committing (it holds the
** file's lock: wait), a writer died (nobody holds it: replay), or a writer died and we may not
** write (show what the journal says over the file, in memory).
*/
#include <string.h>

#include "core/common/mem.h"
#include "core/file/cut.h"
#include "core/file/journal.h"
#include "core/file/record.h"
#include "core/file/recover.h"
#include "core/file/share.h"
#include "core/file/show.h"
#include "core/os/own.h"

/* ---- the file, open for writing -------------------------------------------------------------- */

int object_open_writer(mm_object *object, mm_error *err) {
  if (object->writer >= 0) return MM_OK;
  if (object->settings->read_only) {
    return mm_fail(err, MM_READONLY, "cannot write '%s': this connection only reads", object->name);
  }
  int fd = mm_os.reopen(object->fd, MM_OPEN_READ | MM_OPEN_WRITE);
  if (fd < 0) return mm_fail_errno(err, MM_READONLY, -fd, "cannot write '%s'", object->name);
  object->writer = fd;
  mm_own_add(fd);
  return MM_OK;
}

void object_close_file(const mm_object *object, int fd) {
  if (fd < 0) return;
  if (object->stays_open) {
    if (object->parking) mm_parked_put(object->parking, fd, fd != object->fd);
    return;
  }
  mm_own_remove(fd);
  (void)mm_os.close(fd);
}

/* The file is asked: of one that was cut since there are zeros in memory, and it may be a new database. */
int object_is_database(const mm_object *object) {
  char head[MM_DATABASE_HEAD];
  bool file = object->kind == MM_OBJECT_FILE || object->kind == MM_OBJECT_PRIVATE;
  if (!file || object->fd < 0) return 0;
  int64_t n = mm_os.read(object->fd, head, sizeof head, 0);
  if (n >= 0 && !mm_path_may_be_database(object->real, head, (uint64_t)n)) return 0;
  mm_path path = {.fd = object->fd, .real = object->real, .stat = object->seen};
  int is = mm_path_is_host_database(&path);
  return n < 0 ? is > 0 : is;
}

/* It may have been opened as a database since; then it is asked again the next time. */
void object_close_writer(mm_object *object) {
  if (object->writer < 0 || object->writer == object->fd) return;
  if (!object->stays_open && object_is_database(object) != 0) return;
  object_close_file(object, object->writer);
  object->writer = -1;
}

/* ---- our own journal ------------------------------------------------------------------------ */

void object_close_journal(mm_object *object) {
  if (object->made.fd >= 0) (void)mm_os.close(object->made.fd);
  object->made.fd = -1;
}

void object_forget_journal(mm_object *object) {
  object_close_journal(object);
  mm_free(object->record);
  object->record = NULL;
}

int object_undo_journal(mm_object *object, bool durable, mm_error *err) {
  int rc = object->record ? mm_record_remove(object->record, true, durable, err) : MM_OK;
  if (rc == MM_OK) {
    object_forget_journal(object);
    rc = mm_journal_remove(object->journal, true, durable, err);
  }
  if (rc) return rc;
  object->undo_journal = false;
  object->leftover = mm_journal_exists(object->journal);
  return MM_OK;
}

void object_let_go(mm_object *object) {
  if (object_is_shared(object)) object_unlock(object);
  object_close_writer(object);
  object_forget_journal(object);
  object->begun = object->stuck = false;
  object->asked = -1;
  object->relied_on = object->changed_by_others = object->leftover = false;
}

/* ---- the journal that is there -------------------------------------------------------------- */

/* What was found beside the file. */
typedef struct found {
  mm_stat stat; /* of the file */
  mm_journal journal;
  mm_record record; /* which has committed it, if it was in doubt */
  int state;        /* enum mm_journal_state; MM_JOURNAL_WHOLE: it is to be replayed */
} found;

static int decide(const mm_object *object, found *f, bool tidy, mm_error *err) {
  bool committed = true;
  const mm_root *root = object->settings->root;
  int rc = mm_record_open(object->journal, &f->journal, &f->stat, root, tidy, &f->record,
                          &committed, err);
  if (rc == MM_OK && committed) {
    rc = mm_journal_check_size(object->journal, &f->journal, &f->stat, err);
  }
  if (rc == MM_OK && !committed) f->state = MM_JOURNAL_TORN; /* it never was */
  return rc;
}

/* `tidy`: what is left of a record that was never made may be removed. */
static int find_journal(const mm_object *object, bool tidy, found *f, mm_error *err) {
  *f = (found){.journal = {.fd = -1}};
  int rc = object_look(object, &f->stat, err);
  if (rc == MM_OK) {
    rc = mm_journal_open(object->journal, object->fd, &f->stat, &f->journal, &f->state, err);
  }
  if (rc == MM_OK && f->state == MM_JOURNAL_WHOLE && f->journal.record) {
    rc = decide(object, f, tidy, err);
  } else if (rc == MM_OK && f->state == MM_JOURNAL_TORN && !f->journal.blank) {
    rc = mm_record_check_torn(object->journal, &f->journal, &f->stat, object->settings->root, err);
  }
  return rc;
}

static void forget_found(found *f) {
  mm_journal_close(&f->journal);
  mm_record_clear(&f->record);
}

/* ---- showing a journal without writing ------------------------------------------------------ */

/* Put other entries under the log in place of the overlay. Marks count from above it. */
static int replace_overlay(mm_object *object, mm_log *under, uint64_t salt, const mm_stat *stat,
                           mm_error *err) {
  size_t overlay = under->count;
  int rc = mm_log_copy(under, &object->log, object->overlay, object->log.count, err);
  if (rc) return rc;
  object->seen = *stat;
  mm_log_take_top(under, &object->log, object->overlay, overlay);
  object->base = object->base - object->overlay + overlay;
  object->overlay = overlay;
  object->overlay_salt = salt;
  object->edits++;
  mm_log old = object->log;
  object->log = *under;
  *under = old;
  rc = object->view ? object_remap(object, err) : MM_OK;
  if (rc) object_spoil(object);
  return rc;
}

int object_drop_overlay(mm_object *object, mm_error *err) {
  if (object->overlay == 0) return MM_OK;
  mm_log none = mm_log_successor(&object->log);
  int rc = replace_overlay(object, &none, 0, &object->seen, err);
  mm_log_clear(&none);
  return rc;
}

static int collect_extent(void *context, uint64_t offset, const uint8_t *data, uint64_t size,
                          mm_error *err) {
  mm_log *log = context;
  if (data) return mm_log_write(log, offset, data, size, err);
  uint8_t *room;
  int rc = mm_log_write_room(log, offset, size, &room, err);
  if (rc == MM_OK) memset(room, 0, (size_t)size);
  return rc;
}

static int show_journal(mm_object *object, mm_journal *journal, const mm_stat *stat,
                        mm_error *err) {
  mm_log under = mm_log_successor(&object->log);
  if (object->overlay && object->overlay_salt == journal->salt) return MM_OK;
  int rc = MM_OK;
  if (stat->size != journal->new_size) {
    rc = mm_log_size(&under, stat->size, journal->new_size, err);
  }
  if (rc == MM_OK) rc = mm_journal_each(journal, collect_extent, &under, err);
  if (rc == MM_OK) rc = replace_overlay(object, &under, journal->salt, stat, err);
  mm_log_clear(&under);
  return rc;
}

/* ---- replaying ------------------------------------------------------------------------------ */

/* Whatever our own synchronous is: the journal's writer may have been promised more than we
** want. */
static bool durable(const mm_object *object) {
  return object->kind != MM_OBJECT_TAGGED;
}

/* Into the file, of which nothing is lost by a loss of power from its first byte on. */
static int replay_found(mm_object *object, found *f, mm_error *err) {
  int rc = MM_OK;
  if (durable(object)) rc = mm_journal_sync(&f->journal, object->journal, err);
  if (rc == MM_OK && durable(object) && f->record.path) {
    rc = mm_record_sync(&f->record, object->settings->root, err);
  }
  if (rc) return rc;
  bool cuts = object_begin_cut(object, f->stat.size, f->journal.new_size);
  rc = mm_journal_replay(&f->journal, object->writer, durable(object), object->name, err);
  if (cuts) object_end_cut(object);
  if (object->entry) (void)mm_inode_written(object->entry);
  return rc;
}

/* We are the file's writer, so the journal is a dead one's. */
static int replay(mm_object *object, mm_error *err) {
  found f;
  int rc = find_journal(object, true, &f, err);
  const mm_root *root = object->settings->root;
  if (rc == MM_OK && f.state == MM_JOURNAL_WHOLE) rc = replay_found(object, &f, err);
  bool decided = rc == MM_OK && f.record.path;
  if (decided) mm_record_settle(&f.record, f.journal.salt, root);
  if (rc == MM_OK && f.state != MM_JOURNAL_NONE) {
    rc = mm_journal_remove(object->journal, false, durable(object), err);
  }
  if (decided) mm_record_settle(&f.record, f.journal.salt, root);
  forget_found(&f);
  if (rc == MM_OK) rc = object_drop_overlay(object, err);
  return rc;
}

static int replay_as_writer(mm_object *object, mm_error *err) {
  if (object_is_writer(object)) return replay(object, err);
  int rc = object_lock(object, err);
  if (rc) return rc;
  rc = replay(object, err);
  object_unlock(object);
  return rc;
}

/* ---- without the right to write ------------------------------------------------------------- */

#define RECOVER_PAUSE ((int64_t)500000) /* ns */

/* A living writer is about to finish: what it writes is to be seen whole. It has no journal while it
** waits for readers, of whom we may be one. */
static int await_writer(mm_object *object, mm_error *err) {
  int64_t now = mm_os.clock(), timeout = object->settings->busy_timeout;
  int64_t end = timeout < (INT64_MAX - now) / 1000000 ? now + timeout * 1000000 : INT64_MAX;
  while (mm_journal_waits(object->journal, &object->staying) &&
         mm_lock_writing(object->entry, object->fd, object)) {
    if (mm_os.clock() >= end) {
      return mm_fail(err, MM_BUSY, "'%s' is being committed by another connection or process",
                     object->name);
    }
    int rc = mm_object_go_on(object, err);
    if (rc) return rc;
    mm_os.sleep(RECOVER_PAUSE);
  }
  return MM_OK;
}

static int show_without_writing(mm_object *object, mm_error *err) {
  found f;
  int rc = await_writer(object, err);
  if (rc) return rc;
  rc = find_journal(object, false, &f, err);
  if (rc == MM_OK && f.state == MM_JOURNAL_WHOLE) {
    rc = show_journal(object, &f.journal, &f.stat, err);
  } else if (rc == MM_OK) {
    rc = object_drop_overlay(object, err);
  }
  forget_found(&f);
  return rc;
}

/* ---- */

/* A journal of our own that was rolled back and could not be removed then. */
static int finish_rollback(mm_object *object, mm_error *err) {
  int rc = object_undo_journal(object, durable(object), err);
  if (rc == MM_OK) object_let_go(object);
  return rc;
}

static int recover_now(mm_object *object, mm_error *err) {
  mm_error ignored;
  bool had_writer = object->writer >= 0;
  bool can_write = object_open_writer(object, &ignored) == MM_OK;
  int rc = can_write ? replay_as_writer(object, err) : show_without_writing(object, err);
  if (!had_writer) object_close_writer(object);
  return rc;
}

/* A busy writer leaves the file again and again for a moment: that is enough for a reader. */
static int await_and_recover(mm_object *object, mm_error *err) {
  int rc = await_writer(object, err);
  if (rc) return rc;
  if (!mm_journal_waits(object->journal, &object->staying)) return object_drop_overlay(object, err);
  return recover_now(object, err);
}

static int recover_found(mm_object *object, mm_error *err) {
  return object_is_writer(object) ? recover_now(object, err) : await_and_recover(object, err);
}

/* The file has lost its name to another one. What lies there is the other's, whose writer may just
** be at it, but for a whole journal of ours from before. */
static int recover_replaced(mm_object *object, mm_error *err) {
  found f;
  int rc = find_journal(object, false, &f, err);
  forget_found(&f);
  if (rc == MM_OK && f.state == MM_JOURNAL_WHOLE) return recover_found(object, err);
  bool others = rc == MM_OK || f.state == MM_JOURNAL_OTHERS;
  return others ? object_drop_overlay(object, err) : rc;
}

static bool is_replaced(const mm_object *object) {
  mm_stat named;
  return mm_os.status_path(object->real, &named) == 0 &&
         (named.device != object->device || named.inode != object->inode);
}

int object_recover_any(mm_object *object, bool *none, mm_error *err) {
  *none = !object->stuck;
  if (!object->journal) return MM_OK;
  if (object->stuck) {
    int rc = finish_rollback(object, err);
    if (rc) return rc;
  }
  if (!mm_journal_waits(object->journal, &object->staying)) {
    if (object->overlay) *none = false;
    return object_drop_overlay(object, err);
  }
  *none = false;
  return is_replaced(object) ? recover_replaced(object, err) : recover_found(object, err);
}

int object_recover(mm_object *object, mm_error *err) {
  bool none;
  return object_recover_any(object, &none, err);
}
