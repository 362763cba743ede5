#include "core/file/object.h"
#include "core/file/recover.h"
#include "core/file/share.h"

#include <errno.h>
#include <string.h>

#include "core/file/journal.h"
#include "core/common/mem.h"
#include "core/os/own.h"
#include "core/file/tag.h"

/* ---- once a statement ----------------------------------------------------------------------- */

/* What a program that takes no lock does during our transaction cannot be undone by us, but it is
** not overwritten either: the commit will fail. */
static int refresh_pending(mm_object *object, const mm_stat *stat, mm_error *err) {
  if (!object_same_file_state(stat, &object->seen)) object->changed_by_others = true;
  if (stat->size < object->seen.size) {
    return mm_fail(err, MM_IOERR,
                   "'%s' was cut to %llu bytes by another program during this transaction",
                   object->name, (unsigned long long)stat->size);
  }
  return object_adopt(object, stat, err);
}

int mm_object_come(mm_object *object, mm_error *err) {
  return object_come(object, err);
}

/* Whoever has asked for the file before he looks for a journal need not ask again if there is none.
** A commit that ended before he asked is in the answer. One that was at work between the two, or
** came and went, is seen in part perhaps, as is one that is at work between this and the reading of
** the bytes: that is what isolation is for. It has changed the file's times or its size since, so
** the next look finds it; and the mapping shows its bytes by itself. A writer that died at it has
** left its journal, or another process has replayed that, which is a commit as any other. So only
** where a journal is there, or was and has been shown, can the answer be older than what was waited
** for, recovered or shown. */
int mm_object_look_on(mm_object *object, const mm_stat *seen, mm_error *err) {
  mm_stat stat;
  bool none = true;
  int rc = MM_OK;
  mm_object_see(object);
  if (!object_is_writer(object) || object->stuck) rc = object_recover_any(object, &none, err);
  if (rc == MM_OK && (!seen || !none)) {
    rc = object_look(object, &stat, err);
  } else if (rc == MM_OK) {
    stat = *seen;
  }
  if (rc) return rc;
  bool pending = object_is_writer(object) && (mm_object_pending(object) || object->relied_on);
  if (pending) return refresh_pending(object, &stat, err);
  return object_adopt(object, &stat, err);
}

int mm_object_refresh(mm_object *object, mm_error *err) {
  int rc = object_come(object, err);
  return rc ? rc : mm_object_look_on(object, NULL, err);
}

void mm_object_rest(mm_object *object) {
  if (object->view && object->view->rigid && object->log.count == 0) object_drop_view(object);
}

void mm_object_step_aside(mm_object *object, bool away) {
  mm_error ignored;
  if (away) {
    object->aside = object->view != NULL;
    object_drop_view(object);
  } else if (object->aside) {
    object->aside = false;
    if (object_remap(object, &ignored)) object_spoil(object);
  }
}

/* ---- opening and closing -------------------------------------------------------------------- */

static mm_object *new_object(int kind, const char *name, const mm_settings *settings) {
  mm_object *object = mm_alloc_zeroed(sizeof *object);
  if (!object) return NULL;
  object->kind = kind;
  object->fixed = kind == MM_OBJECT_PRIVATE || kind == MM_OBJECT_DEVICE;
  object->settings = settings;
  object->fd = object->writer = object->asked = object->made.fd = object->staying.fd = -1;
  object->generation = mm_sys_generation();
  object_look_new(object);
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
  object->birth = mm_os.birth(object->fd);
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

/* What may not be closed since is taken over. */
static int open_file(mm_object *object, const mm_path *path, mm_error *err) {
  object->parking = mm_parked_new();
  if (!object->parking) return mm_fail_nomem(err);
  int fd = mm_park_take(&path->stat);
  if (fd < 0) {
    fd = mm_os.reopen(path->fd, MM_OPEN_READ);
    if (fd < 0) return mm_fail_errno(err, MM_CANTOPEN, -fd, "cannot open '%s'", object->name);
    mm_own_add(fd);
  }
  object->fd = fd;
  object->seen = path->stat;
  object->stays_open = true; /* nobody has looked yet whether it may be closed */
  return MM_OK;
}

int mm_object_open_only(const mm_path *path, const char *name, int kind,
                        const mm_settings *settings, mm_object **out, mm_error *err) {
  mm_object *object = new_object(kind, name, settings);
  if (!object) return mm_fail_nomem(err);
  object->real = mm_strdup(path->real);
  bool journalled = kind != MM_OBJECT_DEVICE;
  if (journalled) object->journal = mm_journal_path(path->real);
  int rc = object->real && (object->journal || !journalled) ? MM_OK : mm_fail_nomem(err);
  if (rc == MM_OK) rc = open_file(object, path, err);
  if (rc == MM_OK) rc = identify(object, err);
  if (rc == MM_OK) object->stays_open = false;
  return finish(object, rc, out);
}

int mm_object_open(const mm_path *path, const char *name, int kind, const mm_settings *settings,
                   mm_object **out, mm_error *err) {
  mm_object *object;
  int rc = mm_object_open_only(path, name, kind, settings, &object, err);
  return rc ? rc : finish(object, mm_object_refresh(object, err), out);
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

/* The memory itself. One that was there keeps its size. */
static int open_memory_of(mm_object *object, const char *tag, bool made, uint64_t size,
                          mm_error *err) {
  mm_stat stat = {.size = size};
  int failed = made ? 0 : mm_os.status(object->fd, &stat);
  if (!failed) failed = mm_os.share(object->fd, tag, stat.size);
  if (failed == -ENOSYS) return made ? resize_memory(object, size, err) : MM_OK;
  return failed ? mm_fail_errno(err, MM_CANTOPEN, -failed, "cannot open tag '%s'", tag) : MM_OK;
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
  if (rc == MM_OK) rc = open_memory_of(object, tag, made, size, err);
  if (rc == MM_OK && made) rc = mm_tag_share(object->fd, tag, err);
  if (rc == MM_OK) rc = identify(object, err);
  if (rc == MM_OK) rc = mm_object_refresh(object, err);
  return finish(object, rc, out);
}

void mm_object_stay_open(mm_object *object) {
  object->stays_open = true;
}

void mm_object_spare_journal(mm_object *object) {
  mm_journal_forget(&object->staying);
}

void mm_object_close(mm_object *object) {
  mm_error ignored;
  if (!object) return;
  bool ours = object->generation == mm_sys_generation();
  object->stays_open = object->stays_open || object_is_database(object) != 0;
  if (ours && object->begun) (void)mm_object_rollback(object, &ignored);
  mm_view_close(object->view);
  if (object->fd >= 0 && object->kind == MM_OBJECT_TAGGED && ours) {
    mm_tag_leave(object->fd, object->real);
  }
  /* Still the writer if the journal could not be removed: that is nobody's any more to try. */
  object_stop_reading(object);
  if (object->entry) object_unlock(object);
  object_close_writer(object);
  object_close_file(object, object->fd);
  if (object->entry) mm_inode_release(object->entry);
  mm_log_clear(&object->log);
  mm_change_clear(&object->change);
  object_forget_journal(object);
  mm_journal_forget(&object->staying);
  mm_free(object->journal);
  mm_park(object->parking, &object->real, &object->seen);
  mm_free(object->real);
  mm_free(object->name);
  mm_free(object);
}

/* ---- reading -------------------------------------------------------------------------------- */

int mm_object_read_file(const mm_object *object, uint64_t offset, uint8_t *data, uint64_t size,
                        uint64_t *got, mm_error *err) {
  *got = 0;
  while (*got < size) {
    size_t piece = (size_t)mm_min(size - *got, (uint64_t)1 << 30);
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
  if (advice == MM_ADVICE_DONTNEED && (object->log.count || mm_view_pinned(object->view))) {
    return MM_OK;
  }
  uint64_t end = mm_min(object->size, object->seen.size);
  uint64_t from = mm_sys_page_down(offset);
  if (offset >= end || size == 0) return MM_OK;
  if (size < end - offset) end = offset + size;
  int failed =
      mm_os.advise(object->view->base + from, (size_t)(mm_sys_page_up(end) - from), advice);
  return failed ? mm_fail_errno(err, MM_ERROR, -failed, "the system refuses this advice") : MM_OK;
}

/* The directory as well: a journal whose removal was lost would be replayed over what came
** later. */
int mm_object_sync(mm_object *object, mm_error *err) {
  int failed = mm_os.sync(object->fd);
  if (failed) return mm_fail_errno(err, MM_IOERR, -failed, "cannot flush '%s'", object->name);
  bool journalled = object->kind == MM_OBJECT_FILE;
  return journalled ? mm_beside_make_name_durable(object->journal, err) : MM_OK;
}

bool mm_object_can_pin(const mm_object *object) {
  return object->log.count == 0 && !object->view->rigid && !mm_view_frozen(object->view);
}

bool mm_object_pin(mm_object *object, uint64_t offset, uint64_t size) {
  return mm_view_pin(object->view, offset, size);
}
