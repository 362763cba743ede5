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

static uint8_t *append(uint8_t *out, const uint8_t *data, uint64_t size) {
  if (size > 0) memcpy(out, data, (size_t)size);
  return out + size;
}

/* The new bytes from the first place to the end of the last one. */
static void put_together(const mm_object *object, const mm_splice *splices, size_t count,
                         uint8_t *out) {
  uint64_t at = splices[0].offset;
  for (size_t i = 0; i < count; i++) {
    out = append(out, object->data + at, splices[i].offset - at);
    out = append(out, splices[i].data, splices[i].data_size);
    at = splices[i].offset + splices[i].size;
  }
}

/* `size` bytes at `offset` become `new_size` others. */
static int replace_run(mm_object *object, uint64_t offset, uint64_t size, const uint8_t *data,
                       uint64_t new_size, mm_error *err) {
  uint64_t both = object_min(size, new_size);
  int rc = MM_OK;
  if (new_size > size) {
    rc = mm_object_insert(object, offset + size, data + size, new_size - size, err);
  } else {
    rc = mm_object_erase(object, offset + new_size, size - new_size, err);
  }
  return rc == MM_OK ? mm_object_write(object, offset, data, both, err) : rc;
}

static int shift(mm_object *object, const mm_splice *splices, size_t count, mm_error *err) {
  const mm_splice *last = &splices[count - 1];
  uint64_t from = splices[0].offset, size = last->offset + last->size - from;
  uint64_t new_size = size + (uint64_t)mm_splice_growth(splices, count);
  uint8_t *bytes = mm_alloc(new_size ? new_size : 1);
  if (!bytes) return mm_fail_nomem(err);
  put_together(object, splices, count, bytes);
  int rc = mm_object_faulted(object, err);
  if (rc == MM_OK) rc = replace_run(object, from, size, bytes, new_size, err);
  mm_free(bytes);
  return rc;
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
