/*
** edit.c: the writes of object.h, and their undoing.
**
** Each appends to the log first and shows the new entries in the view after; if that fails, the log
** is cut again. So there is one way in for every change, and one way back.
*/
#include <string.h>

#include "core/find.h"
#include "core/object.h"
#include "core/object_private.h"

/* Forget the entries from `first` on. The view must not show them. */
static void forget(mm_object *object, size_t first) {
  mm_log_cut(&object->log, first);
  /* What was prepared points into the log, and another log may become as long as that one. */
  if (first < object->prepared_count) object->prepared_count = SIZE_MAX;
}

/* Show the entries from `mark` on, or undo them. `rc` is what came before. */
static int finish_edit(mm_object *object, size_t mark, int rc, mm_error *err) {
  mm_error ignored;
  size_t first = object->overlay + mark;
  uint64_t size = mm_log_size_at(&object->log, object->log.count, object->seen.size);
  if (rc == MM_OK) rc = object_ready(object, size, err);
  if (rc) {
    forget(object, first);
    return rc;
  }
  /* A view built anew has shown the whole log already; once more does no harm. */
  rc = object_show(object, first, 0, UINT64_MAX, err);
  if (rc) {
    (void)mm_object_rollback_to(object, mark, &ignored);
  } else {
    object->size = size;
    object->data = object->view->base;
  }
  return rc;
}

/* Append a write of `size` bytes that are now at `from`, after `lead` bytes for the caller to
** fill. */
static int log_copy(mm_object *object, uint64_t to, uint64_t lead, uint64_t from, uint64_t size,
                    uint8_t **room, mm_error *err) {
  int rc = mm_log_write_room(&object->log, to, lead + size, room, err);
  if (rc) return rc;
  if (size) memcpy(*room + lead, object->data + from, (size_t)size);
  return mm_object_faulted(object, err);
}

/* Copy bytes as one step. `data`: where they are, NULL for those of the object at `from`. */
typedef struct copy {
  uint64_t to, from;
  const uint8_t *data;
} copy;

static int copy_piece(mm_object *object, const copy *c, uint64_t place, uint64_t size,
                      mm_error *err) {
  uint8_t *room;
  size_t mark = mm_object_mark(object);
  int rc = c->data ? mm_log_write(&object->log, c->to + place, c->data + place, size, err)
                   : log_copy(object, c->to + place, 0, c->from + place, size, &room, err);
  return finish_edit(object, mark, rc, err);
}

/* The end of an edit of several steps: those behind `mark` are undone if it failed. */
static int finish_steps(mm_object *object, size_t mark, int rc) {
  mm_error ignored; /* why it failed has been said */
  if (rc) (void)mm_object_rollback_to(object, mark, &ignored);
  return rc;
}

/* What is large is copied in pieces of MM_FIND_PIECE, with a look between them at whether to go on:
** from the end on backwards if the bytes move upwards, so that none is overwritten before it has
** moved. */
static int copy_all(mm_object *object, copy c, uint64_t size, mm_error *err) {
  size_t mark = mm_object_mark(object);
  int rc = MM_OK;
  for (uint64_t done = 0, piece; done < size && rc == MM_OK; done += piece) {
    piece = object_min(size - done, MM_FIND_PIECE);
    if (done) rc = mm_object_go_on(object, err);
    if (rc) break;
    rc = copy_piece(object, &c, c.to < c.from ? done : size - done - piece, piece, err);
  }
  return finish_steps(object, mark, rc);
}

/* Are they bytes of the object itself? With the first piece that is shown they change, or go: what
** is large is a move then. */
static bool lies_inside(const mm_object *object, const uint8_t *data) {
  uintptr_t at = (uintptr_t)data, base = (uintptr_t)object->data;
  return at >= base && at - base < object->size;
}

int mm_object_write(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                    mm_error *err) {
  copy c = {.to = offset, .data = data};
  if (size > MM_FIND_PIECE && lies_inside(object, data)) {
    c = (copy){.to = offset, .from = (uint64_t)(data - object->data)};
  }
  return copy_all(object, c, size, err);
}

int mm_object_move(mm_object *object, uint64_t to, uint64_t from, uint64_t size, mm_error *err) {
  if (to == from) return MM_OK;
  return copy_all(object, (copy){.to = to, .from = from}, size, err);
}

static int check_size(const mm_object *object, uint64_t size, mm_error *err) {
  if (object->fixed) {
    return mm_fail(err, MM_READONLY, "'%s' is open with access=copy: its size stays", object->name);
  }
  if (size > MM_OBJECT_MAX) {
    return mm_fail(err, MM_TOOBIG, "%llu bytes are more than %llu, the most a file may have",
                   (unsigned long long)size, (unsigned long long)MM_OBJECT_MAX);
  }
  return MM_OK;
}

int mm_object_resize(mm_object *object, uint64_t size, mm_error *err) {
  int rc = check_size(object, size, err);
  if (rc || size == object->size) return rc;
  size_t mark = mm_object_mark(object);
  rc = mm_log_size(&object->log, object->size, size, err);
  return finish_edit(object, mark, rc, err);
}

/* Make room and fill it: the size, then the bytes behind together with the new ones before them. */
static int insert_at_once(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                          mm_error *err) {
  uint8_t *room;
  size_t mark = mm_object_mark(object);
  int rc = mm_log_size(&object->log, object->size, object->size + size, err);
  if (rc == MM_OK) {
    rc = log_copy(object, offset, size, offset, object->size - offset, &room, err);
  }
  if (rc == MM_OK) memcpy(room, data, (size_t)size);
  return finish_edit(object, mark, rc, err);
}

/* With bytes of the object itself, at `from` before there was room: those behind have moved by
** now. */
static int fill_from_inside(mm_object *object, uint64_t offset, uint64_t from, uint64_t size,
                            mm_error *err) {
  uint64_t before = from < offset ? object_min(offset - from, size) : 0;
  int rc = mm_object_move(object, offset, from, before, err);
  if (rc) return rc;
  return mm_object_move(object, offset + before, from + before + size, size - before, err);
}

static int insert_in_pieces(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                            mm_error *err) {
  bool inside = lies_inside(object, data);
  uint64_t behind = object->size - offset, from = inside ? (uint64_t)(data - object->data) : 0;
  size_t mark = mm_object_mark(object);
  int rc = mm_object_resize(object, object->size + size, err);
  if (rc == MM_OK) rc = mm_object_move(object, offset + size, offset, behind, err);
  if (rc == MM_OK) {
    rc = inside ? fill_from_inside(object, offset, from, size, err)
                : mm_object_write(object, offset, data, size, err);
  }
  return finish_steps(object, mark, rc);
}

int mm_object_insert(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                     mm_error *err) {
  if (size == 0) return MM_OK;
  int rc = check_size(object, size > MM_OBJECT_MAX ? size : object->size + size, err);
  if (rc) return rc;
  bool large = size > MM_FIND_PIECE || object->size - offset > MM_FIND_PIECE;
  return (large ? insert_in_pieces : insert_at_once)(object, offset, data, size, err);
}

/* Move what is behind to where it begins, then cut. */
static int erase_at_once(mm_object *object, uint64_t offset, uint64_t size, mm_error *err) {
  uint8_t *room;
  size_t mark = mm_object_mark(object);
  uint64_t end = offset + size;
  int rc = MM_OK;
  if (end < object->size) rc = log_copy(object, offset, 0, end, object->size - end, &room, err);
  if (rc == MM_OK) rc = mm_log_size(&object->log, object->size, object->size - size, err);
  return finish_edit(object, mark, rc, err);
}

static int erase_in_pieces(mm_object *object, uint64_t offset, uint64_t size, mm_error *err) {
  uint64_t end = offset + size;
  size_t mark = mm_object_mark(object);
  int rc = mm_object_move(object, offset, end, object->size - end, err);
  if (rc == MM_OK) rc = mm_object_resize(object, object->size - size, err);
  return finish_steps(object, mark, rc);
}

int mm_object_erase(mm_object *object, uint64_t offset, uint64_t size, mm_error *err) {
  if (size == 0) return MM_OK;
  int rc = check_size(object, object->size - size, err);
  if (rc) return rc;
  bool large = object->size - offset - size > MM_FIND_PIECE;
  return (large ? erase_in_pieces : erase_at_once)(object, offset, size, err);
}

/* ---- undoing -------------------------------------------------------------------------------- */

typedef struct page_span {
  uint64_t low, high;
} page_span;

/* The bytes whose look an entry changed. */
static page_span touched(const mm_log_entry *entry) {
  if (entry->data) return (page_span){entry->offset, entry->offset + entry->size};
  if (entry->offset < entry->size) return (page_span){entry->offset, entry->size};
  return (page_span){entry->size, entry->offset};
}

/* Give the pages of the cut entries back, neighbours in one step. *hull: all of them and more. */
static int clean_entries(mm_object *object, size_t first, page_span *hull, mm_error *err) {
  page_span run = {0, 0};
  int rc = MM_OK;
  *hull = (page_span){UINT64_MAX, 0};
  for (size_t i = first; i < object->log.count && rc == MM_OK; i++) {
    page_span pages = touched(&object->log.entries[i]);
    pages = (page_span){mm_sys_page_down(pages.low), mm_sys_page_up(pages.high)};
    if (pages.low < hull->low) hull->low = pages.low;
    if (pages.high > hull->high) hull->high = pages.high;
    if (pages.low >= run.low && pages.low <= run.high) {
      if (pages.high > run.high) run.high = pages.high;
    } else {
      rc = mm_view_clean(object->view, run.low, run.high - run.low, err);
      run = pages;
    }
  }
  if (rc == MM_OK) rc = mm_view_clean(object->view, run.low, run.high - run.low, err);
  return rc;
}

int mm_object_rollback_to(mm_object *object, size_t mark, mm_error *err) {
  page_span hull;
  size_t first = object->overlay + mark;
  if (first >= object->log.count) return MM_OK;
  if (!object->view) {
    forget(object, first);
    return MM_OK;
  }
  bool rebuild = object->view->patched || mm_view_pinned(object->view) ||
                 mm_view_frozen(object->view) || mm_guard_hit(object->view->guard);
  int rc = rebuild ? MM_OK : clean_entries(object, first, &hull, err);
  forget(object, first);
  if (rc == MM_OK && rebuild) {
    rc = object_remap(object, err);
  } else if (rc == MM_OK) {
    rc = object_show(object, 0, hull.low, hull.high, err);
  }
  if (rc) {
    object_spoil(object);
  } else {
    object->size = mm_log_size_at(&object->log, object->log.count, object->seen.size);
  }
  return rc;
}
