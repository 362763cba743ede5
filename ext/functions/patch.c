/*
** patch.c: mmap_export and mmap_apply: what was changed, as a patch, and patches applied
** (core/bytes/patch.h).
*/
#include "core/bytes/patch.h"

#include "core/common/least.h"
#include "core/common/mem.h"
#include "core/search/edits.h"
#include "core/search/find.h"
#include "ext/functions/fn.h"
#include "ext/functions/writer.h"
#include "ext/tables/pending.h"

/* A patch's offsets are the file's. */
static int check_whole_file(const ext_file *file, mm_error *err) {
  const ext_handle *handle = file->handle;
  if (!handle || (handle->offset == 0 && file->length == file->object->core->size)) return MM_OK;
  return mm_fail(err, MM_ERROR, "handle %lld is a part of its file: a patch is of all of it",
                 (long long)handle->id);
}

/* ---- mmap_export ---------------------------------------------------------------------------- */

/* What a patch is made of: the old bytes of all runs, and the runs cut into what really differs. */
typedef struct exporting {
  const mm_object *core;
  ext_pending pending;
  uint8_t *old;       /* owned */
  mm_patch_run *runs; /* owned */
  size_t count, capacity;
  uint64_t bytes; /* of the runs, old and new */
  mm_pace pace;
} exporting;

static void clear_exporting(exporting *x) {
  mm_free(x->pending.runs);
  mm_free(x->old);
  mm_free(x->runs);
}

static int add_patch_run(exporting *x, mm_patch_run run, mm_error *err) {
  void *runs = x->runs;
  if (mm_grow(&runs, x->count, &x->capacity, sizeof run)) return mm_fail_nomem(err);
  x->runs = runs;
  x->runs[x->count++] = run;
  x->bytes += run.old_size + run.size;
  return MM_OK;
}

/* Written anew is not changed: only bytes that differ are. */
static int add_differences(exporting *x, uint64_t offset, const uint8_t *old, uint64_t size,
                           mm_error *err) {
  const uint8_t *now = x->core->data + offset;
  int rc = MM_OK;
  for (uint64_t at = 0; rc == MM_OK;) {
    at += mm_mismatch(old + at, now + at, size - at);
    if (at == size) break;
    uint64_t run = mm_match(old + at, now + at, size - at);
    rc = add_patch_run(x, (mm_patch_run){offset + at, run, run, old + at, now + at}, err);
    at += run;
  }
  return rc;
}

static int patch_goes_on(mm_pace *pace, uint64_t bytes, mm_error *err) {
  int stop = mm_pace_stops(pace, bytes);
  return stop ? mm_fail_stopped(err, stop) : MM_OK;
}

static int read_export_old(exporting *x, uint64_t offset, uint64_t size, uint8_t *old,
                           mm_error *err) {
  int rc = MM_OK;
  for (uint64_t done = 0, piece, got; done < size && rc == MM_OK; done += piece) {
    piece = mm_min(size - done, MM_PIECE);
    rc = mm_object_read_file(x->core, offset + done, old + done, piece, &got, err);
    if (rc == MM_OK && got < piece) {
      rc = mm_fail(err, MM_CHANGED, "'%s' was cut by another program", x->core->name);
    }
    if (rc == MM_OK) rc = patch_goes_on(&x->pace, piece, err);
  }
  return rc;
}

static int add_pending_run(exporting *x, const ext_pending_run *run, uint8_t **old, mm_error *err) {
  if (!run->has_old) {
    const uint8_t *now = x->core->data + run->offset;
    return add_patch_run(x, (mm_patch_run){run->offset, 0, run->length, now, now}, err);
  }
  const uint8_t *bytes = *old;
  int rc = read_export_old(x, run->offset, run->length, *old, err);
  *old += run->length;
  if (rc) return rc;
  if (run->has_new) return add_differences(x, run->offset, bytes, run->length, err);
  return add_patch_run(x, (mm_patch_run){run->offset, run->length, 0, bytes, bytes}, err);
}

static int find_export_runs(exporting *x, const ext_object *object, mm_error *err) {
  uint64_t size = 0;
  int rc = ext_pending_of(object, &x->pending, err);
  if (rc) return rc;
  for (size_t i = 0; i < x->pending.count; i++) {
    if (x->pending.runs[i].has_old) size += x->pending.runs[i].length;
  }
  uint8_t *old = x->old = mm_alloc(size + 1);
  if (!old) return mm_fail_nomem(err);
  for (size_t i = 0; i < x->pending.count && rc == MM_OK; i++) {
    rc = add_pending_run(x, &x->pending.runs[i], &old, err);
  }
  return rc;
}

/* ---- what has moved */

/* So many bytes that differ may well be others that have moved. A longer stretch is only looked at where
** a good part of it differs: to do so takes as much memory. */
#define MOVED_LEAST 128
#define MOVED_STRETCH ((uint64_t)16 << 20)
#define MOVED_PART 8

/* The new file from an offset on; of nothing there need be no address. */
static const uint8_t *export_now(const exporting *x, uint64_t from) {
  static const uint8_t nothing[1] = {0};
  return x->core->data ? x->core->data + from : nothing;
}

/* In place of the runs so far, from the first of them on: what mm_edits_find finds. */
static int take_edits(exporting *x, uint64_t from, const uint8_t *old, const mm_edit *edits,
                      size_t count, mm_error *err) {
  const uint8_t *now = export_now(x, from);
  int rc = MM_OK;
  x->count = 0;
  for (size_t i = 0; i < count && rc == MM_OK; i++) {
    const mm_edit *e = &edits[i];
    if (e->kind == MM_EDIT_EQUAL) continue;
    mm_patch_run run = {from + e->a_offset, e->a_size, e->b_size, old + e->a_offset,
                        now + e->b_offset};
    rc = add_patch_run(x, run, err);
  }
  return rc;
}

static uint64_t bytes_of_edits(const mm_edit *edits, size_t count) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < count; i++) {
    if (edits[i].kind != MM_EDIT_EQUAL) bytes += edits[i].a_size + edits[i].b_size;
  }
  return bytes;
}

static bool may_have_moved(const exporting *x, uint64_t stretch) {
  if (x->bytes < MOVED_LEAST) return false;
  return stretch <= MOVED_STRETCH || x->bytes >= stretch / MOVED_PART;
}

/* After an insertion all that lies behind it differs from what was there. Behind the last run nothing
** does, and before it every byte that stays has kept its place. */
static int find_moved(exporting *x, mm_error *err) {
  if (x->count == 0) return MM_OK;
  const mm_patch_run *last = &x->runs[x->count - 1];
  uint64_t from = x->runs[0].offset, old_size = last->offset + last->old_size - from;
  uint64_t size = last->offset + last->size - from;
  if (!may_have_moved(x, old_size > size ? old_size : size)) return MM_OK;
  mm_edit *edits = NULL;
  size_t count = 0;
  uint8_t *old = mm_alloc(old_size + 1);
  if (!old) return mm_fail_nomem(err);
  int rc = read_export_old(x, from, old_size, old, err);
  if (rc == MM_OK) {
    rc = mm_edits_find(old, old_size, export_now(x, from), size, &x->pace.watch, &edits, &count,
                       err);
  }
  if (rc == MM_OK && bytes_of_edits(edits, count) < x->bytes) {
    rc = take_edits(x, from, old, edits, count, err);
    mm_free(x->old);
    x->old = old;
    old = NULL;
  }
  mm_free(edits);
  mm_free(old);
  return rc;
}

static int export_object(ext_conn *conn, const ext_object *object, mm_patch_writer *write,
                         mm_buffer *out, mm_error *err) {
  exporting x = {.core = object->core};
  ext_conn_watch(conn, &x.pace.watch);
  int rc = find_export_runs(&x, object, err);
  if (rc == MM_OK && write != mm_patch_write_ips) rc = find_moved(&x, err);
  mm_patch_change change = {.runs = x.runs,
                            .count = x.count,
                            .old_size = x.pending.old_size,
                            .now = export_now(&x, 0),
                            .now_size = x.core->size};
  if (rc == MM_OK) rc = write(&change, &x.pace, out, err);
  if (rc == MM_OK) rc = mm_object_whole(x.core, err);
  clear_exporting(&x);
  return rc;
}

/* Rows that were deleted are closed up for it, as COMMIT does, and left open again. */
static int export_file(ext_conn *conn, const ext_file *file, mm_patch_writer *write, mm_buffer *out,
                       mm_error *err) {
  const ext_object *object = file->object;
  if (object->core->kind == MM_OBJECT_PRIVATE) {
    return mm_fail(err, MM_ERROR, "'%s' is open with access=copy: nothing of it will be written",
                   fn_name(file));
  }
  if (!ext_txn_defers(conn)) return export_object(conn, object, write, out, err);
  int rc = ext_txn_preview(conn, err);
  if (rc == MM_OK) rc = export_object(conn, object, write, out, err);
  ext_txn_reopen(conn);
  return rc;
}

static void exportFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_export";
  ext_conn *conn = ext_conn_of(context);
  mm_error *err = &conn->err;
  mm_patch_writer *write;
  mm_buffer out = {0};
  ext_file file;
  const char *format;
  (void)argc;
  if (ext_any_null(argv, 2)) return;
  if (ext_file_argument(context, name, argv[0], &file)) return;
  int rc = check_whole_file(&file, err);
  if (rc == MM_OK) rc = ext_value_text(argv[1], "format", &format, err);
  if (rc == MM_OK) rc = mm_patch_format(format, &write, err);
  if (rc == MM_OK) rc = export_file(conn, &file, write, &out, err);
  if (rc) {
    fn_fail(context, name);
  } else {
    ext_result_blob(context, out.data, out.size);
  }
  mm_free(out.data);
}

/* ---- mmap_apply ----------------------------------------------------------------------------- */

/* Are the old bytes there? */
static int check_text_run(const mm_object *core, const mm_patch_run *run, mm_error *err) {
  if (run->offset > core->size || run->old_size > core->size - run->offset) {
    return mm_fail(err, MM_ERROR, "offset %llu and %llu bytes are outside '%s' (%llu bytes)",
                   (unsigned long long)run->offset, (unsigned long long)run->old_size, core->name,
                   (unsigned long long)core->size);
  }
  if (run->old_size == 0) return MM_OK; /* there may be no bytes at all */
  uint64_t same = mm_mismatch(core->data + run->offset, run->old, run->old_size);
  if (same == run->old_size) return MM_OK;
  return mm_fail(err, MM_ERROR, "at offset %llu '%s' has %02x, not %02x as the patch says",
                 (unsigned long long)(run->offset + same), core->name,
                 core->data[run->offset + same], run->old[same]);
}

static int apply_text_runs(ext_conn *conn, ext_write *write, const mm_patch_runs *runs,
                           mm_error *err) {
  const mm_object *core = write->file.object->core;
  mm_splice *splices = mm_alloc((runs->count + 1) * sizeof *splices);
  int rc = splices ? MM_OK : mm_fail_nomem(err);
  for (size_t i = 0; i < runs->count && rc == MM_OK; i++) {
    const mm_patch_run *run = &runs->runs[i];
    splices[i] = (mm_splice){run->offset, run->old_size, run->data, run->size};
    rc = check_text_run(core, run, err);
  }
  if (rc == MM_OK) rc = mm_object_whole(core, err);
  if (rc == MM_OK) rc = ext_write_splice(conn, write, splices, runs->count, err);
  mm_free(splices);
  write->result = (sqlite3_int64)runs->count;
  return rc;
}

static int apply_text(ext_conn *conn, ext_write *write, const uint8_t *patch, uint64_t size,
                      mm_error *err) {
  mm_patch_runs runs = {0};
  mm_pace pace = {.unasked = 0};
  ext_conn_watch(conn, &pace.watch);
  int rc = mm_patch_read_text(patch, size, &pace, &runs, err);
  if (rc == MM_OK) rc = apply_text_runs(conn, write, &runs, err);
  mm_patch_clear(&runs);
  return rc;
}

/* The size of a file of `size` bytes that the record has been written to; one of no bytes is nowhere. */
static uint64_t grown_by(const mm_ips_record *record, uint64_t size) {
  uint64_t end = record->offset + record->size;
  return record->size > 0 && end > size ? end : size;
}

/* The size that the file will have: also looks whether the patch is whole. */
static int measure_ips(const uint8_t *patch, uint64_t size, uint64_t *length, mm_error *err) {
  mm_ips ips = {0};
  mm_ips_record record;
  bool more = true;
  int rc = MM_OK;
  while (rc == MM_OK && more) {
    rc = mm_ips_next(&ips, patch, size, &more, &record, err);
    if (rc == MM_OK && more) *length = grown_by(&record, *length);
  }
  if (rc == MM_OK && ips.cuts && ips.cut < *length) *length = ips.cut;
  return rc;
}

static int write_ips_record(mm_object *core, const mm_ips_record *record, mm_error *err) {
  uint8_t filled[0x10000];
  const uint8_t *data = record->data;
  if (!data) {
    memset(filled, record->fill, (size_t)record->size);
    data = filled;
  }
  return mm_object_write(core, record->offset, data, record->size, err);
}

/* Records are small: whether to go on is asked once in so many. */
#define ASKED_EVERY 4096

static int write_ips_records(mm_object *core, const uint8_t *patch, uint64_t size,
                             sqlite3_int64 *count, mm_error *err) {
  mm_ips ips = {0};
  mm_ips_record record;
  bool more = true;
  int rc = MM_OK;
  while (rc == MM_OK && more) {
    if (*count % ASKED_EVERY == ASKED_EVERY - 1) rc = mm_object_go_on(core, err);
    if (rc == MM_OK) rc = mm_ips_next(&ips, patch, size, &more, &record, err);
    if (rc || !more) break;
    uint64_t length = grown_by(&record, core->size);
    if (length > core->size) rc = mm_object_resize(core, length, err);
    if (rc == MM_OK && record.size > 0) rc = write_ips_record(core, &record, err);
    ++*count;
  }
  return rc;
}

/* Record by record: one may write over another. */
static int apply_ips(ext_conn *conn, ext_write *write, const uint8_t *patch, uint64_t size,
                     mm_error *err) {
  mm_object *core = write->file.object->core;
  uint64_t length = core->size;
  sqlite3_int64 count = 0;
  mm_error ignored;
  int rc = measure_ips(patch, size, &length, err);
  if (rc == MM_OK && length != core->size) rc = ext_write_begin_shift(write, err);
  if (rc == MM_OK) rc = ext_write_prepare_follow(conn, write, err);
  if (rc) return rc;
  mm_log_mark mark = mm_object_mark(core);
  rc = write_ips_records(core, patch, size, &count, err);
  if (rc == MM_OK && length != core->size) rc = mm_object_resize(core, length, err);
  if (rc) (void)mm_object_rollback_to(core, mark.count, &ignored);
  mm_object_release(core, &mark);
  rc = ext_write_follow(write, rc, length);
  write->result = count;
  return rc;
}

/* The next bytes before `common` that differ, from *at on, which moves there; of none: at its end. */
static int find_difference(const mm_object *core, const mm_buffer *now, uint64_t common,
                           mm_pace *pace, uint64_t *at, uint64_t *run, mm_error *err) {
  int rc = MM_OK;
  *run = 0;
  while (rc == MM_OK && *run == 0 && *at < common) {
    uint64_t piece = mm_min(common - *at, MM_PIECE);
    uint64_t same = mm_mismatch(core->data + *at, now->data + *at, piece);
    *at += same;
    if (same < piece) *run = mm_match(core->data + *at, now->data + *at, common - *at);
    rc = patch_goes_on(pace, same + *run, err);
  }
  return rc;
}

/* Only what differs is written. */
static int write_differences(ext_conn *conn, ext_write *write, const mm_buffer *now, mm_pace *pace,
                             mm_error *err) {
  mm_object *core = write->file.object->core;
  uint64_t common = core->size < now->size ? core->size : now->size, at = 0, run = 0;
  mm_splice *splices = NULL;
  size_t count = 0, capacity = 0;
  int rc;
  do {
    void *grown = splices;
    at += run;
    rc = find_difference(core, now, common, pace, &at, &run, err);
    if (rc == MM_OK && mm_grow(&grown, count, &capacity, sizeof *splices)) rc = mm_fail_nomem(err);
    if (rc) break;
    splices = grown;
    splices[count++] = run ? (mm_splice){at, run, now->data + at, run}
                           : (mm_splice){at, core->size - at, now->data + at, now->size - at};
  } while (run > 0);
  if (rc == MM_OK) rc = ext_write_splice(conn, write, splices, count, err);
  mm_free(splices);
  return rc;
}

static int apply_bps(ext_conn *conn, ext_write *write, const uint8_t *patch, uint64_t size,
                     mm_error *err) {
  const mm_object *core = write->file.object->core;
  mm_buffer now = {0};
  uint64_t actions;
  const uint8_t *old = core->data ? core->data : (const uint8_t *)"";
  mm_pace pace = {.unasked = 0};
  ext_conn_watch(conn, &pace.watch);
  int rc = mm_bps_apply(patch, size, old, core->size, &pace, &now, &actions, err);
  if (rc == MM_OK) rc = mm_object_whole(core, err);
  if (rc == MM_OK && !mm_buffer_put_byte(&now, 0))
    rc = mm_fail_nomem(err); /* so there is an address */
  if (rc == MM_OK) {
    now.size--;
    rc = write_differences(conn, write, &now, &pace, err);
  }
  mm_free(now.data);
  write->result = (sqlite3_int64)actions;
  return rc;
}

static int run_apply(ext_conn *conn, ext_write *write, mm_error *err) {
  const uint8_t *patch;
  uint64_t size;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = check_whole_file(&write->file, err);
  if (rc == MM_OK) rc = ext_value_bytes(write->argv[1], "patch", &patch, &size, err);
  if (rc) return rc;
  switch (mm_patch_kind_of(patch, size)) {
    case MM_PATCH_IPS:
      return apply_ips(conn, write, patch, size, err);
    case MM_PATCH_BPS:
      return apply_bps(conn, write, patch, size, err);
    default:
      return apply_text(conn, write, patch, size, err);
  }
}

static void applyFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_apply", .run = run_apply, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 2)) ext_write_argument(context, &write);
}

const ext_function ext_functions_patch[] = {
    {"mmap_export", 2, 2, exportFunc, false, false},
    {"mmap_apply", 2, 2, applyFunc, true, false},
    {0},
};
