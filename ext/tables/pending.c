#include "ext/tables/pending.h"

#include "core/common/mem.h"

/* Bytes of one run that COMMIT writes in several pieces are one. */
static int pending_add(ext_pending *out, ext_pending_run run, mm_error *err) {
  ext_pending_run *last = out->count ? &out->runs[out->count - 1] : NULL;
  void *runs = out->runs;
  if (run.length == 0) return MM_OK;
  if (last && last->has_old && run.has_old && run.has_new &&
      last->offset + last->length == run.offset) {
    last->length += run.length;
    return MM_OK;
  }
  if (mm_grow(&runs, out->count, &out->capacity, sizeof run)) return mm_fail_nomem(err);
  out->runs = runs;
  out->runs[out->count++] = run;
  return MM_OK;
}

static int add_extents(ext_pending *out, const mm_change *change, uint64_t kept, mm_error *err) {
  int rc = MM_OK;
  mm_change_walk walk = {.change = change};
  mm_extent extent;
  while (rc == MM_OK && mm_change_next(&walk, &extent)) {
    uint64_t from = extent.offset, to = from + extent.size;
    if (to > kept) to = kept;
    if (from < to) rc = pending_add(out, (ext_pending_run){from, to - from, true, true}, err);
  }
  return rc;
}

int ext_pending_of(const ext_object *object, ext_pending *out, mm_error *err) {
  mm_change change = {0};
  mm_object_see(object->core);
  int rc = mm_object_change(object->core, &change, err);
  uint64_t old_size = change.old_size, new_size = change.new_size;
  uint64_t kept = new_size < old_size ? new_size : old_size;
  out->old_size = old_size;
  out->new_size = new_size;
  if (rc == MM_OK) rc = add_extents(out, &change, kept, err);
  if (rc == MM_OK) {
    rc = pending_add(out, (ext_pending_run){kept, new_size - kept, false, true}, err);
  }
  if (rc == MM_OK) {
    rc = pending_add(out, (ext_pending_run){kept, old_size - kept, true, false}, err);
  }
  mm_change_clear(&change);
  return rc;
}
