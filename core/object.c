#include "core/object.h"

#include <errno.h>
#include <string.h>

#include "core/journal.h"
#include "core/mem.h"
#include "core/object_private.h"
#include "core/tag.h"

/* ---- showing the log in the view ------------------------------------------------------------ */

static uint64_t min64(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static uint64_t max64(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static uint64_t page_up(uint64_t offset) {
  uint64_t mask = (uint64_t)mm_os.page_size() - 1;
  return (offset + mask) & ~mask;
}

static void show_write(mm_object *object, const mm_log_entry *entry, uint64_t low, uint64_t high) {
  uint64_t from = max64(entry->offset, low);
  uint64_t to = min64(entry->offset + entry->size, high);
  if (from < to) {
    mm_view_store(object->view, from, entry->data + (from - entry->offset), to - from);
  }
}

/* New bytes are zero. Those that the view has never shown are zero already. */
static int show_growth(mm_object *object, const mm_log_entry *entry, uint64_t low, uint64_t high,
                       mm_error *err) {
  uint64_t from = max64(entry->offset, low);
  uint64_t to = min64(min64(entry->size, high), object->cleared);
  int rc = mm_view_make_room(object->view, object->seen.size, err);
  if (rc == MM_OK && from < to) rc = mm_view_zero(object->view, from, to - from, err);
  object->cleared = max64(object->cleared, entry->size);
  return rc;
}

/* Only a journal that is shown over its file changes its size. */
static uint64_t private_size(const mm_object *object) {
  return mm_log_size_at(&object->log, object->overlay, object->seen.size);
}

int object_show(mm_object *object, size_t first, uint64_t low, uint64_t high, mm_error *err) {
  int rc = MM_OK;
  /* What a private object has written may lie past the end of a file that was cut since. */
  if (object->kind == MM_OBJECT_PRIVATE) high = min64(high, private_size(object));
  for (size_t i = first; i < object->log.count && rc == MM_OK; i++) {
    const mm_log_entry *entry = &object->log.entries[i];
    if (entry->data) {
      show_write(object, entry, low, high);
    } else if (entry->size > entry->offset) {
      rc = show_growth(object, entry, low, high, err);
    }
  }
  if (rc == MM_OK && mm_guard_hit(object->view->guard)) rc = mm_object_faulted(object, err);
  return rc;
}

/* The largest size that the object has had in the course of its log. */
static uint64_t largest_size(const mm_object *object) {
  uint64_t size = object->seen.size;
  for (size_t i = 0; i < object->log.count; i++) {
    if (!object->log.entries[i].data) size = max64(size, object->log.entries[i].size);
  }
  return size;
}

static void show_size(mm_object *object) {
  object->size = mm_log_size_at(&object->log, object->log.count, object->seen.size);
  object->data = object->view ? object->view->base : NULL;
}

/* A view that grows in a transaction doubles, so that appending costs no more than writing; but there
** is not address space for ever. */
#define DOUBLE_BELOW ((uint64_t)1 << 42)

static uint64_t wanted_size(const mm_object *object, uint64_t size) {
  uint64_t largest = max64(size, largest_size(object));
  return largest > object->seen.size && largest < DOUBLE_BELOW ? largest * 2 : largest;
}

static int remap_for(mm_object *object, uint64_t size, mm_error *err) {
  mm_view *old = object->view, *view = NULL;
  uint64_t cleared = object->cleared;
  int rc = mm_view_open(object->fd, wanted_size(object, size), object->device, object->inode,
                        object->settings->on_fault, &view, err);
  if (rc) return rc;
  object->view = view;
  object->cleared = page_up(object->seen.size);
  if (object->log.count) {
    rc = mm_view_make_writable(view, err);
    if (rc == MM_OK) rc = object_show(object, 0, 0, UINT64_MAX, err);
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

int object_ready(mm_object *object, uint64_t size, mm_error *err) {
  mm_view *view = object->view;
  if (!view || view->reserved < size || mm_view_pinned(view) || mm_view_frozen(view)) {
    int rc = remap_for(object, size, err);
    if (rc) return rc;
  }
  return mm_view_make_writable(object->view, err);
}

void object_unmap(mm_object *object) {
  mm_view_close(object->view);
  object->view = NULL;
  object->data = NULL;
  object->size = 0;
  object->failed = true;
}

int mm_object_map(mm_object *object, mm_error *err) {
  bool fits = object->view && object->view->reserved >= object->size;
  return fits ? MM_OK : object_remap(object, err);
}

int mm_object_faulted(const mm_object *object, mm_error *err) {
  if (object->failed) {
    return mm_fail(err, MM_IOERR, "'%s' cannot be read: its last commit or rollback was not finished",
                   object->name);
  }
  if (object->view && mm_guard_hit(object->view->guard)) {
    return mm_fail(err, MM_IOERR, "'%s' was cut, or cannot be read from its disk", object->name);
  }
  return MM_OK;
}

int mm_object_whole(const mm_object *object, mm_error *err) {
  mm_stat stat;
  int rc = mm_object_faulted(object, err);
  if (rc) return rc;
  int failed = mm_os.status(object->fd, &stat);
  if (failed) {
    return mm_fail_errno(err, MM_IOERR, -failed, "cannot look at '%s'", object->name);
  }
  if (stat.size >= object->seen.size) return MM_OK;
  return mm_fail(err, MM_IOERR, "'%s' was cut to %llu bytes while it was read", object->name,
                 (unsigned long long)stat.size);
}

/* ---- once a statement ----------------------------------------------------------------------- */

int object_check_owner(const mm_object *object, mm_error *err) {
  if (object->generation == mm_sys_generation()) return MM_OK;
  return mm_fail(err, MM_ERROR, "'%s' was opened before a fork: open a new connection",
                 object->name);
}

int object_adopt(mm_object *object, const mm_stat *stat, mm_error *err) {
  bool same = object_same_file_state(stat, &object->seen);
  bool damaged = object->view && (mm_guard_hit(object->view->guard) ||
                                  mm_view_frozen(object->view));
  bool stale = !same && object->log.count > 0;
  bool hidden = object->view && stat->size > object->view->anonymous;
  object->seen = *stat;
  uint64_t size = mm_log_size_at(&object->log, object->log.count, stat->size);
  bool small = !object->view || object->view->reserved < size;
  int rc = MM_OK;
  if (damaged || stale || hidden || small || object->failed) rc = object_remap(object, err);
  if (rc) {
    object_unmap(object);
  } else {
    object->failed = false;
    show_size(object);
  }
  return rc;
}

/* What a program that takes no lock does during our transaction cannot be undone by us, but it is not
** overwritten either: the commit will fail. */
static int refresh_pending(mm_object *object, const mm_stat *stat, mm_error *err) {
  if (!object_same_file_state(stat, &object->seen)) object->changed_by_others = true;
  if (stat->size < object->seen.size) {
    return mm_fail(err, MM_IOERR,
                   "'%s' was cut to %llu bytes by another program during this transaction",
                   object->name, (unsigned long long)stat->size);
  }
  return object_adopt(object, stat, err);
}

static int report_torn(mm_object *object, mm_error *err) {
  object->torn = false;
  return mm_fail(err, MM_IOERR, "the last commit of '%s' was only partly written (synchronous=off)",
                 object->name);
}

int mm_object_refresh(mm_object *object, mm_error *err) {
  mm_stat stat;
  int rc = object_check_owner(object, err);
  if (rc == MM_OK) rc = mm_guard_install(err);
  if (rc == MM_OK && object->torn) rc = report_torn(object, err);
  if (rc == MM_OK && (!object->begun || object->stuck)) rc = object_recover(object, err);
  if (rc) return rc;
  int failed = mm_os.status(object->fd, &stat);
  if (failed) {
    return mm_fail_errno(err, MM_IOERR, -failed, "cannot look at '%s'", object->name);
  }
  bool pending = object->begun && mm_object_pending(object);
  if (pending && object->kind != MM_OBJECT_PRIVATE) return refresh_pending(object, &stat, err);
  return object_adopt(object, &stat, err);
}

/* ---- opening and closing -------------------------------------------------------------------- */

static mm_object *new_object(int kind, const char *name, const mm_settings *settings) {
  mm_object *object = mm_alloc_zeroed(sizeof *object);
  if (!object) return NULL;
  object->kind = kind;
  object->settings = settings;
  object->fd = object->writer = object->asked = -1;
  object->generation = mm_sys_generation();
  object->name = mm_strdup(name);
  if (!object->name) {
    mm_free(object);
    return NULL;
  }
  return object;
}

/* What is known once there is a descriptor. */
static int identify(mm_object *object, mm_error *err) {
  int failed = mm_os.status(object->fd, &object->seen);
  if (failed) {
    return mm_fail_errno(err, MM_CANTOPEN, -failed, "cannot look at '%s'", object->name);
  }
  object->device = object->seen.device;
  object->inode = object->seen.inode;
  object->entry = mm_inode_acquire(object->device, object->inode);
  return object->entry ? MM_OK : mm_fail_nomem(err);
}

static int finish(mm_object *object, int rc, mm_object **out) {
  if (rc) {
    mm_object_close(object);
  } else {
    *out = object;
  }
  return rc;
}

int mm_object_open(const mm_path *path, const char *name, int kind, const mm_settings *settings,
                   mm_object **out, mm_error *err) {
  mm_object *object = new_object(kind, name, settings);
  if (!object) return mm_fail_nomem(err);
  object->real = mm_strdup(path->real);
  object->journal = mm_journal_path(path->real);
  int rc = object->real && object->journal ? MM_OK : mm_fail_nomem(err);
  if (rc == MM_OK) {
    int fd = mm_os.reopen(path->fd, MM_OPEN_READ);
    if (fd < 0) rc = mm_fail_errno(err, MM_CANTOPEN, -fd, "cannot open '%s'", name);
    if (fd >= 0) object->fd = fd;
  }
  if (rc == MM_OK) rc = identify(object, err);
  if (rc == MM_OK) rc = mm_object_refresh(object, err);
  return finish(object, rc, out);
}

static int resize_memory(mm_object *object, uint64_t size, mm_error *err) {
  int failed = mm_os.resize(object->fd, size);
  if (failed) {
    return mm_fail_errno(err, MM_NOMEM, -failed, "cannot make %llu bytes of memory",
                         (unsigned long long)size);
  }
  return MM_OK;
}

int mm_object_open_memory(uint64_t size, const mm_settings *settings, mm_object **out,
                          mm_error *err) {
  mm_object *object = new_object(MM_OBJECT_MEMORY, "memory", settings);
  if (!object) return mm_fail_nomem(err);
  int rc = MM_OK;
  int fd = mm_os.memory("sqlite-mmap");
  if (fd < 0) {
    rc = mm_fail_errno(err, MM_NOMEM, -fd, "cannot make memory");
  } else {
    object->fd = object->writer = fd;
    rc = resize_memory(object, size, err);
  }
  if (rc == MM_OK) rc = identify(object, err);
  if (rc == MM_OK) rc = mm_object_refresh(object, err);
  return finish(object, rc, out);
}

int mm_object_open_tag(const char *tag, uint64_t size, const mm_settings *settings, mm_object **out,
                       mm_error *err) {
  mm_object *object = new_object(MM_OBJECT_TAGGED, tag, settings);
  if (!object) return mm_fail_nomem(err);
  bool made = false;
  int rc = mm_tag_open(tag, &object->fd, &object->real, &made, err);
  if (rc == MM_OK) {
    object->writer = object->fd;
    object->journal = mm_journal_path(object->real);
    if (!object->journal) rc = mm_fail_nomem(err);
  }
  if (rc == MM_OK && made) rc = resize_memory(object, size, err);
  if (rc == MM_OK && made) rc = mm_tag_share(object->fd, tag, err);
  if (rc == MM_OK) rc = identify(object, err);
  if (rc == MM_OK) rc = mm_object_refresh(object, err);
  return finish(object, rc, out);
}

void mm_object_close(mm_object *object) {
  mm_error ignored;
  if (!object) return;
  bool ours = object->generation == mm_sys_generation();
  if (ours && object->begun) (void)mm_object_rollback(object, &ignored);
  mm_view_close(object->view);
  if (object->fd >= 0 && object->kind == MM_OBJECT_TAGGED && ours) {
    mm_tag_leave(object->fd, object->real);
  }
  /* Still the writer if the journal could not be removed: that is nobody's any more to try. */
  if (object->entry) mm_lock_unwrite(object->entry, object->writer, object);
  object_close_writer(object);
  if (object->fd >= 0) (void)mm_os.close(object->fd);
  if (object->entry) mm_inode_release(object->entry);
  mm_log_clear(&object->log);
  mm_change_clear(&object->change);
  mm_free(object->journal);
  mm_free(object->real);
  mm_free(object->name);
  mm_free(object);
}

/* ---- reading -------------------------------------------------------------------------------- */

int mm_object_read_file(const mm_object *object, uint64_t offset, uint8_t *data, uint64_t size,
                        uint64_t *got, mm_error *err) {
  *got = 0;
  while (*got < size) {
    size_t piece = (size_t)min64(size - *got, (uint64_t)1 << 30);
    int64_t n = mm_os.read(object->fd, data + *got, piece, offset + *got);
    if (n < 0) {
      return mm_fail_errno(err, MM_IOERR, (int)-n, "cannot read '%s'", object->name);
    }
    if (n == 0) break;
    *got += (uint64_t)n;
  }
  return MM_OK;
}

/* Pages that were written are the log's to show: they are not given back. */
int mm_object_advise(mm_object *object, int advice, uint64_t offset, uint64_t size, mm_error *err) {
  if (!object->view) return mm_object_faulted(object, err);
  if (advice == MM_ADVICE_DONTNEED && (object->log.count || mm_view_pinned(object->view))) {
    return MM_OK;
  }
  uint64_t end = min64(object->size, object->seen.size);
  uint64_t from = offset - offset % mm_os.page_size();
  if (offset >= end || size == 0) return MM_OK;
  if (size < end - offset) end = offset + size;
  int failed = mm_os.advise(object->view->base + from, (size_t)(page_up(end) - from), advice);
  return failed ? mm_fail_errno(err, MM_ERROR, -failed, "the system refuses this advice") : MM_OK;
}

/* The directory as well: a journal whose removal was lost would be replayed over what came later. */
int mm_object_sync(mm_object *object, mm_error *err) {
  int failed = mm_os.sync(object->fd);
  if (failed) return mm_fail_errno(err, MM_IOERR, -failed, "cannot flush '%s'", object->name);
  bool journalled = object->kind == MM_OBJECT_FILE;
  return journalled ? mm_journal_sync_directory(object->journal, err) : MM_OK;
}

bool mm_object_can_pin(const mm_object *object) {
  return object->view && object->log.count == 0 && !mm_view_frozen(object->view);
}

void mm_object_pin(mm_object *object, uint64_t offset, uint64_t size) {
  mm_view_pin(object->view, offset, size);
}
