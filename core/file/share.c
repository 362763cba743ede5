/*
** share.c: an object's locks on its file: the writer's, and those of readers.
**
**     reads  shares  begun  keeps_out  alone
**       -      -       -        -        -     nobody asks
**       x      x       -        -        -     one of the file's readers
**       x      x       x        -        -     … that has become its writer
**       x      -       x        -        -     the writer, that began to read: nobody else commits
**       .      -       x        x        -     the writer waits: its own lock is not in its way
**       .      -       x        x        x     the writer commits
**
** When it stops being the writer and still reads, it gets a lock of its own before anybody else can
** commit (mm_lock_unwrite).
*/
#include "core/file/share.h"

#include "core/file/show.h"

/* Memory that only we have is nobody else's to change, and who writes a device takes no locks. */
static bool has_readers(const mm_object *object) {
  return object->kind != MM_OBJECT_MEMORY && object->kind != MM_OBJECT_DEVICE;
}

static mm_lock_watch *watch_of(const mm_settings *settings) {
  return settings->lock_watch ? settings->lock_watch : settings->watch;
}

static int fail_lock(const mm_object *object, int failed, mm_error *err) {
  int rc = object_check_owner(object, err); /* what a fork inherited is not ours to lock */
  if (rc) return rc;
  return mm_fail_errno(err, MM_IOERR, -failed, "cannot lock '%s'", object->name);
}

/* ---- reading -------------------------------------------------------------------------------- */

static int fail_committed(const mm_object *object, mm_error *err) {
  return mm_fail(err, MM_BUSY, "'%s' is being committed by another connection or process",
                 object->name);
}

static int share_lock(mm_object *object, bool started, mm_error *err) {
  const mm_settings *settings = object->settings;
  mm_lock_wait wait = {0};
  for (;;) {
    int got = mm_lock_read(object->entry, object->fd, started);
    if (got < 0) return fail_lock(object, got, err);
    object->shares = got > 0;
    if (object->shares) return MM_OK;
    int rc = mm_object_go_on(object, err);
    if (rc) return rc;
    if (!mm_lock_wait_more(&wait, settings->busy_timeout)) return fail_committed(object, err);
  }
}

int object_start_reading(mm_object *object, bool started, mm_error *err) {
  int rc = MM_OK;
  if (object->reads) return MM_OK;
  if (has_readers(object) && !object_is_writer(object)) rc = share_lock(object, started, err);
  object->reads = rc == MM_OK;
  return rc;
}

static void give_back_share(mm_object *object) {
  if (object->shares) mm_lock_unread(object->entry, object->fd);
  object->shares = false;
}

static void end_loan(mm_object *copy) {
  if (!copy->lent_to) return;
  mm_object **link = &copy->lent_to->lent;
  while (*link != copy) link = &(*link)->next_lent;
  *link = copy->next_lent;
  copy->lent_to = copy->next_lent = NULL;
}

/* Nobody is in the way of one who has started: we are the file's writer, and let readers in. Where the
** system refuses, what is read from now on may be of another commit, and is not told. */
static void give_back_lent(mm_object *object) {
  while (object->lent) {
    mm_object *copy = object->lent;
    end_loan(copy);
    copy->shares = mm_lock_read(copy->entry, copy->fd, true) > 0;
    if (!copy->shares) object_spoil(copy);
  }
}

void object_stop_reading(mm_object *object) {
  end_loan(object);
  give_back_share(object);
  object->reads = false;
}

bool mm_object_awaited(const mm_object *object) {
  return object->shares && mm_lock_awaited(object->entry, object->fd, object);
}

/* ---- writing -------------------------------------------------------------------------------- */

int object_lock(mm_object *object, mm_error *err) {
  const mm_settings *settings = object->settings;
  return mm_lock_write(object->entry, object->writer, object, settings->busy_timeout,
                       watch_of(settings), settings->watch_context, object->name, err);
}

void object_unlock(mm_object *object) {
  if (object->lent) object_let_in(object);
  give_back_lent(object);
  bool goes_on = object->reads && !object->shares && has_readers(object);
  mm_lock_unwrite(object->entry, object->writer, object, goes_on ? object->fd : -1);
  object->shares |= goes_on;
  object->keeps_out = object->alone = false;
}

/* ---- committing ------------------------------------------------------------------------------ */

static bool wants_alone(const mm_object *object) {
  return object->begun && object_is_shared(object) && !object->alone && mm_object_pending(object);
}

void object_let_in(mm_object *object) {
  if (!object->keeps_out) return;
  mm_lock_let_in(object->entry, object->writer);
  object->keeps_out = object->alone = false;
  give_back_lent(object);
}

void mm_object_lend(mm_object *copy, mm_object *const *objects, size_t count) {
  size_t i = 0;
  while (i < count && (objects[i]->entry != copy->entry || !wants_alone(objects[i]))) i++;
  if (i == count || objects[i] == copy || !copy->shares) return;
  give_back_share(copy);
  copy->lent_to = objects[i];
  copy->next_lent = objects[i]->lent;
  objects[i]->lent = copy;
}

static int try_alone(mm_object *object) {
  give_back_share(object);
  object->keeps_out = true;
  int got = mm_lock_alone(object->entry, object->writer);
  if (got < 0) object->keeps_out = false;
  return got;
}

/* One try for all. Not all: those who read one of them may come to read the others, and who is new
** comes to none. */
static int try_all(mm_object *const *objects, size_t count, const mm_object **read) {
  int all = 1;
  for (size_t i = 0; i < count && all >= 0; i++) {
    int got = wants_alone(objects[i]) ? try_alone(objects[i]) : 1;
    if (got <= 0) *read = objects[i];
    if (got < all) all = got;
  }
  for (size_t i = 0; i < count && all == 0; i++) {
    if (wants_alone(objects[i])) mm_lock_let_started_in(objects[i]->entry, objects[i]->writer);
  }
  return all;
}

static void settle_tries(mm_object *const *objects, size_t count, bool alone) {
  for (size_t i = 0; i < count; i++) {
    if (!wants_alone(objects[i])) continue;
    if (alone) {
      objects[i]->alone = true;
    } else {
      object_let_in(objects[i]);
    }
  }
}

/* After a try that has not got it: MM_OK: try again. */
static int wait_to_be_alone(const mm_object *object, mm_lock_wait *wait, mm_error *err) {
  const mm_settings *settings = object->settings;
  mm_lock_watch *watch = watch_of(settings);
  int stop = watch ? watch(settings->watch_context) : 0;
  if (stop && stop != MM_BUSY) return mm_fail_stopped(err, stop);
  if (!stop && mm_lock_wait_more(wait, settings->busy_timeout)) return MM_OK;
  return mm_fail(err, MM_BUSY, "'%s' is being read by another connection or process", object->name);
}

int mm_objects_keep_out(mm_object *const *objects, size_t count, mm_error *err) {
  const mm_object *read = NULL;
  mm_lock_wait wait = {0};
  int rc = MM_OK, got = 0;
  while (rc == MM_OK && got == 0) {
    got = try_all(objects, count, &read);
    if (got < 0) rc = fail_lock(read, got, err);
    if (got == 0) rc = wait_to_be_alone(read, &wait, err);
  }
  settle_tries(objects, count, rc == MM_OK);
  return rc;
}
