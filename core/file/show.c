/*
** show.c: an object's bytes in memory: its view, with the log shown over the file.
**
** The lowest of the files that object.h is made of. Above it edit.c appends to the log, recover.c
** and commit.c write the file, object.c opens and closes.
*/
#include "core/file/show.h"

static void show_write(mm_object *object, const mm_log_entry *entry, uint64_t low, uint64_t high) {
  mm_extent extent = mm_log_extent(entry), piece;
  mm_pieces pieces = mm_extent_pieces(&extent);
  while (mm_pieces_next(&pieces, &piece)) {
    uint64_t from = mm_max(piece.offset, low), to = mm_min(piece.offset + piece.size, high);
    if (from < to) {
      mm_view_store(object->view, from, piece.data + (from - piece.offset), to - from);
    }
  }
}

/* New bytes are zero. Those that the view has never shown are zero already. */
static int show_growth(mm_object *object, const mm_log_entry *entry, uint64_t low, uint64_t high,
                       mm_error *err) {
  uint64_t from = mm_max(entry->offset, low);
  uint64_t to = mm_min(mm_min(entry->size, high), object->cleared);
  int rc = mm_view_make_room(object->view, object->seen.size, err);
  if (rc == MM_OK && from < to) rc = mm_view_zero(object->view, from, to - from, err);
  object->cleared = mm_max(object->cleared, entry->size);
  return rc;
}

/* Only a journal that is shown over its file changes its size. */
static uint64_t private_size(const mm_object *object) {
  return mm_log_size_at(&object->log, object->overlay, object->seen.size);
}

static int show_entry(mm_object *object, const mm_log_entry *entry, uint64_t low, uint64_t high,
                      mm_error *err) {
  if (!entry->data)
    return entry->size > entry->offset ? show_growth(object, entry, low, high, err) : MM_OK;
  show_write(object, entry, low, high);
  return MM_OK;
}

/* What a private object has written may lie past the end of a file that was cut since. */
static uint64_t shown_end(const mm_object *object) {
  return object->kind == MM_OBJECT_PRIVATE ? private_size(object) : UINT64_MAX;
}

static int check_shown(const mm_object *object, int rc, mm_error *err) {
  if (rc == MM_OK && mm_guard_hit(object->view->guard)) rc = mm_object_faulted(object, err);
  return rc;
}

int object_show(mm_object *object, size_t first, mm_error *err) {
  int rc = MM_OK;
  uint64_t end = shown_end(object);
  for (size_t i = first; i < object->log.count && rc == MM_OK; i++) {
    rc = show_entry(object, &object->log.entries[i], 0, end, err);
  }
  return check_shown(object, rc, err);
}

int object_show_more(mm_object *object, const uint8_t *data, uint64_t size, mm_error *err) {
  mm_log_entry growth = {object->size, object->size + size, NULL, 0, 0};
  int rc = show_growth(object, &growth, 0, UINT64_MAX, err);
  if (rc == MM_OK) mm_view_store(object->view, object->size, data, size);
  return check_shown(object, rc, err);
}

/* Nothing can fail: the view was made ready, and whoever reads asks whether there was a fault. */
void mm_object_see(mm_object *object) {
  mm_error ignored;
  if (!object->unseen) return;
  object->unseen = false;
  (void)object_show(object, object->log.count - 1, &ignored);
}

/* Entries `from` to `to`, which are a run or a part of one. */
static int show_run(mm_object *object, size_t from, size_t to, uint64_t low, uint64_t high,
                    mm_error *err) {
  const mm_log *log = &object->log;
  int rc = MM_OK;
  if (log->entries[from].data) from = mm_log_find(log, from, to, low);
  for (size_t i = from; i < to && rc == MM_OK; i++) {
    const mm_log_entry *entry = &log->entries[i];
    if (entry->data && entry->offset >= high) break;
    rc = show_entry(object, entry, low, high, err);
  }
  return rc;
}

int object_show_again(mm_object *object, size_t count, uint64_t low, uint64_t high, mm_error *err) {
  const mm_log *log = &object->log;
  size_t runs = mm_log_runs(log, count);
  int rc = MM_OK;
  high = mm_min(high, shown_end(object));
  for (size_t r = 0; r < runs && rc == MM_OK; r++) {
    size_t to = r + 1 < runs ? log->runs[r + 1].first : count;
    rc = show_run(object, log->runs[r].first, to, low, high, err);
  }
  return check_shown(object, rc, err);
}

/* The largest size that the object has had in the course of its log. */
static uint64_t largest_size(const mm_object *object) {
  uint64_t size = object->seen.size;
  const mm_log *log = &object->log;
  for (size_t r = 0; r < log->run_count; r++) {
    const mm_log_entry *entry = &log->entries[log->runs[r].first];
    if (!entry->data) size = mm_max(size, entry->size);
  }
  return size;
}

static void show_size(mm_object *object) {
  object->size = mm_log_size_at(&object->log, object->log.count, object->seen.size);
  object->data = object->view ? object->view->base : NULL;
}

/* A view that grows in a transaction doubles, so that appending costs no more than writing; but
** there is not address space for ever. */
#define DOUBLE_BELOW ((uint64_t)1 << 42)

static uint64_t wanted_size(const mm_object *object, uint64_t size) {
  uint64_t largest = mm_max(size, largest_size(object));
  return largest > object->seen.size && largest < DOUBLE_BELOW ? largest * 2 : largest;
}

/* A new view has to show all that was written once more. So one that grows takes addresses to grow into,
** where they cost nothing. */
#define ROOM_MIN ((uint64_t)64 << 20)
#define ROOM_BELOW ((uint64_t)1 << 36)

static uint64_t wanted_room(const mm_object *object, uint64_t size) {
  if (sizeof(size_t) < sizeof size || size <= object->seen.size || size >= ROOM_BELOW) return 0;
  return mm_max(8 * size, ROOM_MIN);
}

/* Are the holes of the file to be covered? Memory that a user asked for is there to be taken. */
static bool covers_holes(mm_object *object) {
  bool named = object->kind == MM_OBJECT_FILE || object->kind == MM_OBJECT_PRIVATE;
  if (!named || object->seen.room >= object->seen.size) return false;
  if (object->holes == MM_HOLES_UNKNOWN) {
    bool takes = mm_os.holes_take_room(object->fd) > 0;
    object->holes = takes ? MM_HOLES_TAKE_ROOM : MM_HOLES_FREE;
  }
  return object->holes == MM_HOLES_TAKE_ROOM;
}

static int open_view(mm_object *object, uint64_t size, mm_view **view, mm_error *err) {
  uint64_t wanted = wanted_size(object, size);
  int rc = mm_view_open(object->fd, object->name, wanted, wanted_room(object, wanted),
                        object->device, object->inode, object->settings->on_fault, view, err);
  if (rc || !covers_holes(object)) return rc;
  rc = mm_view_cover(*view, object->fd, object->seen.size, err);
  if (rc) mm_view_close(*view);
  return rc;
}

static int remap_for(mm_object *object, uint64_t size, mm_error *err) {
  mm_view *old = object->view, *view = NULL;
  uint64_t cleared = object->cleared;
  int rc = open_view(object, size, &view, err);
  if (rc) return rc;
  object->view = view;
  object->cleared = mm_sys_page_up(object->seen.size);
  if (object->log.count) {
    rc = mm_view_make_writable(view, err);
    if (rc == MM_OK) rc = object_show(object, 0, err);
  }
  if (rc) {
    object->view = old;
    object->cleared = cleared;
    mm_view_close(view);
  } else {
    mm_view_close(old);
    show_size(object);
  }
  return rc;
}

int object_remap(mm_object *object, mm_error *err) {
  return remap_for(object, 0, err);
}

void object_drop_view(mm_object *object) {
  mm_view_close(object->view);
  object->view = NULL;
  object->data = NULL;
  object->unseen = false; /* a new one shows all */
}

int object_ready(mm_object *object, uint64_t size, mm_error *err) {
  mm_view *view = object->view;
  bool usable = view && !view->absent && !mm_view_pinned(view) && !mm_view_frozen(view);
  if (!usable || (view->reserved < size && !mm_view_extend(view, size))) {
    int rc = remap_for(object, size, err);
    if (rc) return rc;
  }
  int rc = mm_view_make_writable(object->view, err);
  object->data = object->view->base;
  return rc;
}

/* Where the old view had to go before there was a new one. */
static void stand_in(mm_object *object) {
  mm_error ignored;
  mm_view *view = NULL;
  if (mm_view_open_absent(object->size, &view, &ignored) != MM_OK) return;
  object->view = view;
  object->data = view->base;
}

void object_spoil(mm_object *object) {
  object->failed = true;
  object->whole = 0;
  if (!object->view && (mm_os.traits & MM_TRAIT_RIGID_MAPS)) stand_in(object);
}

bool object_hit(const mm_object *object) {
  return (object->view && mm_guard_hit(object->view->guard)) || object->failed;
}

int mm_object_faulted(const mm_object *object, mm_error *err) {
  if (object->failed) {
    return mm_fail(err, MM_IOERR,
                   "'%s' cannot be read: its last commit or rollback was not finished",
                   object->name);
  }
  if (object->view && mm_guard_hit(object->view->guard)) {
    return mm_fail(err, MM_IOERR, "'%s' was cut, or cannot be read from its disk", object->name);
  }
  return MM_OK;
}

int object_look(const mm_object *object, mm_stat *stat, mm_error *err) {
  int failed = mm_os.status(object->fd, stat);
  if (!failed) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -failed, "cannot look at '%s'", object->name);
}

int mm_object_whole(const mm_object *object, mm_error *err) {
  mm_stat stat;
  int rc = mm_object_faulted(object, err);
  if (rc == MM_OK) rc = object_look(object, &stat, err);
  if (rc) return rc;
  if (stat.size >= object->seen.size) return MM_OK;
  return mm_fail(err, MM_IOERR, "'%s' was cut to %llu bytes while it was read", object->name,
                 (unsigned long long)stat.size);
}

/* ---- the file as it is now ------------------------------------------------------------------ */

int object_check_owner(const mm_object *object, mm_error *err) {
  if (object->generation == mm_sys_generation()) return MM_OK;
  return mm_fail(err, MM_ERROR, "'%s' was opened before a fork: open a new connection",
                 object->name);
}

static int report_torn(mm_object *object, mm_error *err) {
  object->torn = false;
  return mm_fail(err, MM_IOERR, "the last commit of '%s' was only partly written (synchronous=off)",
                 object->name);
}

int object_come(mm_object *object, mm_error *err) {
  int rc = object_check_owner(object, err);
  if (rc == MM_OK) rc = mm_guard_install(err);
  return rc == MM_OK && object->torn ? report_torn(object, err) : rc;
}

/* Of all objects: what is remembered of one that is gone is not taken for another's. */
void object_look_new(mm_object *object) {
  static uint64_t looks;
  object->look = __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
}

int object_adopt(mm_object *object, const mm_stat *stat, mm_error *err) {
  bool same = object_same_file_state(stat, &object->seen);
  bool filled = !same || stat->room != object->seen.room; /* stores to a mapping change no time */
  bool damaged =
      object->view && (mm_guard_hit(object->view->guard) || mm_view_frozen(object->view));
  bool stale = !same && object->log.count > 0;
  bool hidden = object->view && stat->size > object->view->anonymous;
  object->seen = *stat;
  uint64_t writes = object->entry ? mm_inode_writes(object->entry) : 0;
  if (!same || damaged || object->failed || writes != object->writes) object_look_new(object);
  object->writes = writes;
  object->cleared = mm_max(object->cleared, mm_sys_page_up(stat->size));
  bool covered = object->view && object->view->covered;
  bool holes = object->view && (covers_holes(object) != covered || (covered && filled));
  uint64_t size = mm_log_size_at(&object->log, object->log.count, stat->size);
  bool small = !object->view || object->view->reserved < size;
  uint32_t faults = mm_guard_count(); /* as of before the look at the mark */
  int rc = MM_OK;
  if (damaged || stale || hidden || small || holes || object->failed)
    rc = object_remap(object, err);
  if (rc) {
    object_spoil(object);
  } else {
    object->failed = false;
    object->whole = object_hit(object) ? 0 : faults;
    show_size(object);
  }
  return rc;
}
