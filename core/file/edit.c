/*
** edit.c: the writes of object.h, and their undoing.
**
** Each appends to the log first and shows the new entries in the view after; if that fails, the log
** is cut again. Bytes that are appended to what was appended before make the last entry longer instead, once
** they are shown: it cannot be cut to what it was. All go back in one way, as a savepoint does. Before it
** appends it has the log tidied, unless what is prepared points into it: so the log is as small as what it
** does.
*/
#include <string.h>

#include "core/common/watch.h"
#include "core/file/edit.h"
#include "core/file/show.h"

/* Forget the entries from `first` on. The view must not show them. */
static void forget(mm_object *object, size_t first) {
  object->unseen = false;
  mm_log_cut(&object->log, first);
  /* What was prepared points into the log, and another log may become as long as that one. */
  if (first < object->prepared_count) object->prepared_count = SIZE_MAX;
}

/* Where the next entry begins in the log, without the overlay; it is tidied for it. */
static size_t begin_entry(mm_object *object) {
  mm_object_see(object);
  if (!object->prepared) mm_log_tidy(&object->log);
  return object->log.count - object->overlay;
}

static size_t begin_edit(mm_object *object) {
  object->edits++;
  return begin_entry(object);
}

mm_log_mark mm_object_mark(mm_object *object) {
  (void)begin_entry(object);
  mm_log_mark mark = mm_log_set_mark(&object->log);
  mark.count -= object->overlay;
  mark.before.fixed -= object->overlay;
  return mark;
}

void mm_object_release(mm_object *object, const mm_log_mark *mark) {
  mm_log_mark placed = *mark;
  placed.count += object->overlay;
  placed.before.fixed += object->overlay;
  mm_log_release(&object->log, &placed);
}

mm_log_mark mm_object_savepoint(mm_object *object) {
  (void)begin_entry(object);
  if (!object->prepared) mm_log_settle(&object->log);
  return mm_object_mark(object);
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
  rc = object_show(object, first, err);
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
  size_t mark = object->log.count - object->overlay;
  int rc = c->data ? mm_log_write(&object->log, c->to + place, c->data + place, size, err)
                   : log_copy(object, c->to + place, 0, c->from + place, size, &room, err);
  return finish_edit(object, mark, rc, err);
}

/* The end of an edit of several steps: those behind `mark` are undone if it failed. */
static int finish_steps(mm_object *object, const mm_log_mark *mark, int rc) {
  mm_error ignored; /* why it failed has been said */
  if (rc) (void)mm_object_rollback_to(object, mark->count, &ignored);
  mm_object_release(object, mark);
  return rc;
}

/* What is large is copied in pieces of MM_PIECE, with a look between them at whether to go on:
** from the end on backwards if the bytes move upwards, so that none is overwritten before it has
** moved. */
static int copy_all(mm_object *object, copy c, uint64_t size, mm_error *err) {
  (void)begin_edit(object);
  if (size <= MM_PIECE) { /* a step undoes itself */
    return size ? copy_piece(object, &c, 0, size, err) : MM_OK;
  }
  mm_log_mark mark = mm_object_mark(object);
  int rc = MM_OK;
  for (uint64_t done = 0, piece; done < size && rc == MM_OK; done += piece) {
    piece = mm_min(size - done, MM_PIECE);
    if (done) rc = mm_object_go_on(object, err);
    if (rc) break;
    rc = copy_piece(object, &c, c.to < c.from ? done : size - done - piece, piece, err);
  }
  return finish_steps(object, &mark, rc);
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
  if (size > MM_PIECE && lies_inside(object, data)) {
    c = (copy){.to = offset, .from = (uint64_t)(data - object->data)};
  }
  return copy_all(object, c, size, err);
}

/* What is large is shown by pieces, and what a private object writes stays. */
#define UNSEEN_MOST ((uint64_t)4096)

static int log_unseen(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                      mm_error *err) {
  size_t mark = begin_edit(object);
  int rc = mm_log_write(&object->log, offset, data, size, err);
  if (rc == MM_OK) rc = mm_object_faulted(object, err); /* `data` may be its own */
  if (rc == MM_OK) rc = object_ready(object, object->size, err);
  if (rc) {
    forget(object, object->overlay + mark);
  } else {
    object->unseen = true;
  }
  return rc;
}

int mm_object_write_unseen(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                           mm_error *err) {
  bool suits = object->kind == MM_OBJECT_FILE && size >= 1 && size <= UNSEEN_MOST;
  return suits ? log_unseen(object, offset, data, size, err)
               : mm_object_write(object, offset, data, size, err);
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
  size_t mark = begin_edit(object);
  rc = mm_log_size(&object->log, object->size, size, err);
  return finish_edit(object, mark, rc, err);
}

/* Into the log once they are shown; what is not shown is not written. */
static int append_to(mm_object *object, uint8_t *room, const uint8_t *data, uint64_t size,
                     mm_error *err) {
  mm_error ignored;
  memcpy(room, data, (size_t)size);
  int rc = mm_object_faulted(object, err); /* `data` may be its own */
  if (rc == MM_OK) rc = object_ready(object, object->size + size, err);
  if (rc) return rc;
  rc = object_show_more(object, room, size, err);
  if (rc) {
    if (object_remap(object, &ignored)) object_spoil(object);
    return rc;
  }
  mm_log_grow(&object->log, size);
  object->size += size;
  return MM_OK;
}

/* Where bytes are appended one after the other, the entries of the first grow. */
static uint8_t *room_to_append(mm_object *object, uint64_t offset, uint64_t size) {
  if (offset < object->size || object->prepared || object->kind == MM_OBJECT_PRIVATE) return NULL;
  (void)begin_edit(object);
  return mm_log_more_room(&object->log, offset, size);
}

/* Make room and fill it: the size, then the bytes behind together with the new ones before them. */
static int insert_at_once(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                          mm_error *err) {
  uint8_t *room;
  size_t mark = begin_edit(object);
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
  uint64_t before = from < offset ? mm_min(offset - from, size) : 0;
  int rc = mm_object_move(object, offset, from, before, err);
  if (rc) return rc;
  return mm_object_move(object, offset + before, from + before + size, size - before, err);
}

static int insert_in_pieces(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                            mm_error *err) {
  bool inside = lies_inside(object, data);
  uint64_t behind = object->size - offset, from = inside ? (uint64_t)(data - object->data) : 0;
  mm_log_mark mark = mm_object_mark(object);
  int rc = mm_object_resize(object, object->size + size, err);
  if (rc == MM_OK) rc = mm_object_move(object, offset + size, offset, behind, err);
  if (rc == MM_OK) {
    rc = inside ? fill_from_inside(object, offset, from, size, err)
                : mm_object_write(object, offset, data, size, err);
  }
  return finish_steps(object, &mark, rc);
}

int mm_object_insert(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                     mm_error *err) {
  if (size == 0) return MM_OK;
  int rc = check_size(object, size > MM_OBJECT_MAX ? size : object->size + size, err);
  if (rc) return rc;
  uint8_t *room = room_to_append(object, offset, size);
  if (room) return append_to(object, room, data, size, err);
  bool large = size > MM_PIECE || object->size - offset > MM_PIECE;
  return (large ? insert_in_pieces : insert_at_once)(object, offset, data, size, err);
}

/* Move what is behind to where it begins, then cut. */
static int erase_at_once(mm_object *object, uint64_t offset, uint64_t size, mm_error *err) {
  uint8_t *room;
  size_t mark = begin_edit(object);
  uint64_t end = offset + size;
  int rc = MM_OK;
  if (end < object->size) rc = log_copy(object, offset, 0, end, object->size - end, &room, err);
  if (rc == MM_OK) rc = mm_log_size(&object->log, object->size, object->size - size, err);
  return finish_edit(object, mark, rc, err);
}

static int erase_in_pieces(mm_object *object, uint64_t offset, uint64_t size, mm_error *err) {
  uint64_t end = offset + size;
  mm_log_mark mark = mm_object_mark(object);
  int rc = mm_object_move(object, offset, end, object->size - end, err);
  if (rc == MM_OK) rc = mm_object_resize(object, object->size - size, err);
  return finish_steps(object, &mark, rc);
}

int mm_object_erase(mm_object *object, uint64_t offset, uint64_t size, mm_error *err) {
  if (size == 0) return MM_OK;
  int rc = check_size(object, object->size - size, err);
  if (rc) return rc;
  bool large = object->size - offset - size > MM_PIECE;
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

/* The pages of entries from *at on, as long as each touches those before it; *at moves on. False:
** there are none left. */
static bool next_span(const mm_object *object, size_t *at, page_span *span) {
  size_t i = *at;
  for (; i < object->log.count; i++) {
    page_span bytes = touched(&object->log.entries[i]);
    page_span pages = {mm_sys_page_down(bytes.low), mm_sys_page_up(bytes.high)};
    if (i == *at) *span = pages;
    if (pages.low < span->low || pages.low > span->high) break;
    span->high = mm_max(span->high, pages.high);
  }
  bool any = i > *at;
  *at = i;
  return any;
}

/* How many they are from `first` on; *hull: all of them and more. */
static size_t count_spans(const mm_object *object, size_t first, page_span *hull) {
  size_t n = 0;
  page_span span;
  *hull = (page_span){UINT64_MAX, 0};
  while (next_span(object, &first, &span)) {
    hull->low = mm_min(hull->low, span.low);
    hull->high = mm_max(hull->high, span.high);
    n++;
  }
  return n;
}

/* Give the pages of the entries from `first` on back, and show there what lies below: of few pages
** each, else all of the log at once. */
static int unshow(mm_object *object, size_t first, mm_error *err) {
  page_span span, hull;
  size_t spans = count_spans(object, first, &hull), at = first;
  bool each = spans <= first / (mm_log_runs(&object->log, first) + 1);
  int rc = MM_OK;
  while (rc == MM_OK && next_span(object, &at, &span)) {
    rc = mm_view_clean(object->view, span.low, span.high - span.low, err);
    if (rc == MM_OK && each) rc = object_show_again(object, first, span.low, span.high, err);
  }
  if (rc == MM_OK && !each) rc = object_show_again(object, first, hull.low, hull.high, err);
  return rc;
}

int mm_object_rollback_to(mm_object *object, size_t mark, mm_error *err) {
  size_t first = object->overlay + mark;
  if (first >= object->log.count) return MM_OK;
  object->edits++;
  if (!object->view) {
    forget(object, first);
    return MM_OK;
  }
  bool rebuild = object->view->patched || mm_view_pinned(object->view) ||
                 mm_view_frozen(object->view) || mm_guard_hit(object->view->guard) ||
                 (first == 0 && mm_view_keeps_copies(object->view));
  int rc = rebuild ? MM_OK : unshow(object, first, err);
  forget(object, first);
  if (rebuild) rc = object_remap(object, err);
  if (rc) {
    object_spoil(object);
  } else {
    object->size = mm_log_size_at(&object->log, object->log.count, object->seen.size);
  }
  return rc;
}
