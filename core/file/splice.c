#include "core/file/splice.h"

#include <string.h>

#include "core/common/mem.h"
#include "core/common/watch.h"
#include "core/file/show.h"

int64_t mm_splice_growth(const mm_splice *splices, size_t count) {
  int64_t growth = 0;
  for (size_t i = 0; i < count; i++) {
    growth += (int64_t)splices[i].data_size - (int64_t)splices[i].size;
  }
  return growth;
}

static bool keeps_length(const mm_splice *splice) {
  return splice->size == splice->data_size;
}

/* How many there are before the first that has another length. */
static size_t count_in_place(const mm_splice *splices, size_t count) {
  size_t n = 0;
  while (n < count && keeps_length(&splices[n])) n++;
  return n;
}

bool mm_splice_shifts(const mm_splice *splices, size_t count) {
  return count_in_place(splices, count) < count;
}

/* Writes are small: whether to go on is asked once in so many. */
#define ASKED_EVERY 4096

static int write_in_place(mm_object *object, const mm_splice *splices, size_t count,
                          mm_error *err) {
  int rc = MM_OK;
  for (size_t i = 0; i < count && rc == MM_OK; i++) {
    if (i % ASKED_EVERY == ASKED_EVERY - 1) rc = mm_object_go_on(object, err);
    if (rc == MM_OK) {
      rc = mm_object_write(object, splices[i].offset, splices[i].data, splices[i].size, err);
    }
  }
  return rc;
}

/* How far the new bytes get ahead of the old ones they are made of, at most. */
static uint64_t most_ahead(const mm_splice *splices, size_t count) {
  int64_t ahead = 0, most = 0;
  for (size_t i = 0; i < count; i++) {
    ahead += (int64_t)splices[i].data_size - (int64_t)splices[i].size;
    if (ahead > most) most = ahead;
  }
  return (uint64_t)most;
}

/* New bytes that are put together, piece by piece. */
typedef struct assembly {
  const mm_splice *splices; /* those still to come */
  size_t count;
  uint64_t lead;   /* so far ahead of where they were the old bytes lie */
  uint64_t source; /* where the next old byte was */
  uint64_t used;   /* bytes of the first splice's data that are in place */
} assembly;

/* The next bytes that lie side by side, `room` at most. Returns how many. */
static uint64_t put_run(assembly *a, const mm_object *object, uint8_t *out, uint64_t room) {
  const mm_splice *next = a->splices;
  if (a->source < next->offset) {
    uint64_t size = mm_min(room, next->offset - a->source);
    memcpy(out, object->data + a->source + a->lead, (size_t)size);
    a->source += size;
    return size;
  }
  uint64_t size = mm_min(room, next->data_size - a->used);
  if (size > 0) memcpy(out, next->data + a->used, (size_t)size);
  a->used += size;
  if (a->used == next->data_size) {
    a->source = next->offset + next->size;
    a->used = 0;
    a->splices++;
    a->count--;
  }
  return size;
}

static uint64_t put_together(assembly *a, const mm_object *object, uint8_t *out, uint64_t room) {
  uint64_t size = 0;
  while (a->count > 0 && size < room) size += put_run(a, object, out + size, room - size);
  return size;
}

/* Write the new bytes, from `*at` on, which moves behind them. */
static int write_pieces(mm_object *object, assembly *a, uint64_t *at, mm_error *err) {
  uint8_t *piece = mm_alloc(MM_PIECE);
  int rc = piece ? MM_OK : mm_fail_nomem(err);
  while (rc == MM_OK && a->count > 0) {
    uint64_t size = put_together(a, object, piece, MM_PIECE);
    rc = mm_object_faulted(object, err);
    if (rc == MM_OK) rc = mm_object_go_on(object, err);
    if (rc == MM_OK) rc = mm_object_write(object, *at, piece, size, err);
    *at += size;
  }
  mm_free(piece);
  return rc;
}

/* Bytes move up first, so far that no new one is written over an old one that is still needed. */
static int shift(mm_object *object, const mm_splice *splices, size_t count, mm_error *err) {
  const mm_splice *last = &splices[count - 1];
  uint64_t at = splices[0].offset, size = object->size;
  assembly a = {splices, count, most_ahead(splices, count), at, 0};
  uint64_t end = last->offset + last->size + a.lead;
  int rc = mm_object_resize(object, size + a.lead, err);
  if (rc == MM_OK) rc = mm_object_move(object, at + a.lead, at, size - at, err);
  if (rc == MM_OK) rc = write_pieces(object, &a, &at, err);
  return rc == MM_OK && at < end ? mm_object_erase(object, at, end - at, err) : rc;
}

int mm_object_splice(mm_object *object, const mm_splice *splices, size_t count, mm_error *err) {
  size_t in_place = count_in_place(splices, count);
  mm_error ignored; /* why it failed has been said */
  mm_log_mark mark = mm_object_mark(object);
  int rc = write_in_place(object, splices, in_place, err);
  if (rc == MM_OK && in_place < count) {
    rc = shift(object, splices + in_place, count - in_place, err);
  }
  if (rc) (void)mm_object_rollback_to(object, mark.count, &ignored);
  mm_object_release(object, &mark);
  return rc;
}
