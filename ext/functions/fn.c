#include "ext/functions/fn.h"

void fn_fail(sqlite3_context *context, const char *name) {
  ext_result_error(context, name, &ext_conn_of(context)->err);
}

const char *fn_name(const ext_file *file) {
  return file->object->core->name;
}

int fn_place(const ext_file *file, int64_t offset, uint64_t size, uint64_t *place, mm_error *err) {
  int64_t length = (int64_t)file->length;
  int64_t from = offset < 0 ? offset + length : offset;
  if (from < 0 || from > length || size > (uint64_t)(length - from)) {
    if (size == 1 || from < 0 || from >= length) {
      return mm_fail(err, MM_ERROR, "offset %lld is outside '%s' (%lld bytes)", (long long)offset,
                     fn_name(file), (long long)length);
    }
    return mm_fail(err, MM_ERROR, "offset %lld and %llu bytes are outside '%s' (%lld bytes)",
                   (long long)offset, (unsigned long long)size, fn_name(file), (long long)length);
  }
  *place = file->start + (uint64_t)from;
  return MM_OK;
}

int fn_faulted(sqlite3_context *context, const char *name, const ext_file *file) {
  if (!mm_object_hit(file->object->core)) return MM_OK;
  mm_object_faulted(file->object->core, &ext_conn_of(context)->err);
  fn_fail(context, name);
  return MM_IOERR;
}

int fn_cut(sqlite3_context *context, const char *name, const ext_file *file) {
  int rc = mm_object_whole(file->object->core, &ext_conn_of(context)->err);
  if (rc) fn_fail(context, name);
  return rc;
}

/* From so many bytes on a system call is nothing beside reading them. */
#define MANY ((uint64_t)64 << 10)

int fn_spoilt(sqlite3_context *context, const char *name, const ext_file *file, uint64_t size) {
  return size < MANY ? fn_faulted(context, name, file) : fn_cut(context, name, file);
}

int fn_range_of(const ext_file *file, int argc, sqlite3_value **argv, int first, fn_range *range,
                mm_error *err) {
  static const uint8_t nothing[1] = {0};
  const mm_object *core = file->object->core;
  mm_optional start, stop;
  int64_t from, to;
  int rc = ext_value_optional(argc, argv, first, "start", &start, err);
  if (rc == MM_OK) rc = ext_value_optional(argc, argv, first + 1, "stop", &stop, err);
  if (rc) return rc;
  range->file = *file;
  range->data = core->data ? core->data + file->start : nothing;
  mm_slice_bounds((int64_t)file->length, start, stop, &from, &to, &range->past);
  range->none = to < from;
  range->from = (uint64_t)from;
  range->to = (uint64_t)(range->none ? from : to);
  return MM_OK;
}

int fn_range_arguments(sqlite3_context *context, const char *name, int argc, sqlite3_value **argv,
                       int first, fn_range *range) {
  ext_file file;
  int rc = ext_file_argument(context, name, argv[0], &file);
  if (rc) return rc;
  rc = fn_range_of(&file, argc, argv, first, range, &ext_conn_of(context)->err);
  if (rc) fn_fail(context, name);
  return rc;
}
