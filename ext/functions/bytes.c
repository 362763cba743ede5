/*
** bytes.c: the functions on an object's bytes: looking at them, changing them, moving them
** about.
**
**     mmap_length mmap_size mmap_get mmap_slice                          read
**     mmap_set mmap_patch mmap_move mmap_resize mmap_insert mmap_delete  write
**     mmap_flush mmap_madvise                                            neither
**
** A function that writes hands a `run` over to writer.c, which becomes the file's writer first, so
** that nobody else can change its size any more; then it judges the place, then the value, as
** Python does.
*/
#include "ext/functions/fn.h"
#include "ext/functions/writer.h"

#include "core/bytes/varlen.h"
#include "core/common/mem.h"

/* The same for what Python's methods take, where a negative number means nothing: `what` names
** it. */
static int place_from_start(const ext_file *file, const char *what, int64_t offset, uint64_t size,
                            uint64_t *place, mm_error *err) {
  if (offset >= 0 && (uint64_t)offset <= file->length && size <= file->length - (uint64_t)offset) {
    *place = file->start + (uint64_t)offset;
    return MM_OK;
  }
  if (size <= 1 || offset < 0 || (uint64_t)offset >= file->length) {
    return mm_fail(err, MM_ERROR, "%s %lld is outside '%s' (%llu bytes)", what, (long long)offset,
                   fn_name(file), (unsigned long long)file->length);
  }
  return mm_fail(err, MM_ERROR, "%s %lld and %llu bytes are outside '%s' (%llu bytes)", what,
                 (long long)offset, (unsigned long long)size, fn_name(file),
                 (unsigned long long)file->length);
}

/* ---- reading -------------------------------------------------------------------------------- */

static void lengthFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_file file;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  if (ext_file_argument(context, "mmap_length", argv[0], &file)) return;
  sqlite3_result_int64(context, (sqlite3_int64)file.length);
}

static void sizeFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_file file;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  if (ext_file_argument(context, "mmap_size", argv[0], &file)) return;
  sqlite3_result_int64(context, (sqlite3_int64)file.object->core->size);
}

/* Bytes that must be there for a value at all. */
static uint64_t least_size(mm_type type) {
  return mm_type_is_variable(type) ? 1 : type.size;
}

/* Why there is no value at `place`, which may be that the file was cut meanwhile. */
static void fail_extent(sqlite3_context *context, const ext_file *file, mm_type type,
                        uint64_t place) {
  mm_error *err = &ext_conn_of(context)->err;
  char name[MM_TYPE_NAME];
  if (fn_cut(context, "mmap_get", file)) return;
  mm_type_name(type, name);
  mm_error inner = *err;
  mm_fail(err, inner.code, "%s at offset %llu of '%s' %s", name,
          (unsigned long long)(place - file->start), fn_name(file), inner.text);
  fn_fail(context, "mmap_get");
}

/* No text is longer than SQLite takes, so that nobody looks further for its end. */
static uint64_t readable(sqlite3_context *context, const ext_file *file, uint64_t place) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  uint64_t left = file->start + file->length - place;
  uint64_t most = (uint64_t)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1) + MM_TYPE_END + 1;
  return left < most ? left : most;
}

static void get_variable(sqlite3_context *context, const ext_file *file, mm_type type,
                         uint64_t place) {
  const uint8_t *bytes = file->object->core->data + place;
  uint64_t size, available = readable(context, file, place);
  mm_error *err = &ext_conn_of(context)->err;
  if (mm_type_extent(type, bytes, available, NULL, &size, err)) {
    fail_extent(context, file, type, place);
    return;
  }
  mm_value value = mm_varlen_decode(type, bytes, size);
  ext_result_value(context, &value);
  fn_spoilt(context, "mmap_get", file, size);
}

static void getFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_get";
  mm_error *err = &ext_conn_of(context)->err;
  ext_file file;
  mm_type type;
  int64_t offset;
  uint64_t place;
  if (ext_any_null(argv, 2)) return;
  if (ext_file_argument(context, name, argv[0], &file)) return;
  int rc = ext_value_integer(argv[1], "offset", &offset, err);
  if (rc == MM_OK) rc = ext_value_type(argc, argv, 2, MM_ALLOW_VARIABLE, &type, err);
  if (rc == MM_OK) rc = fn_place(&file, offset, least_size(type), &place, err);
  if (rc) {
    fn_fail(context, name);
  } else if (mm_type_is_variable(type)) {
    get_variable(context, &file, type, place);
  } else {
    ext_result_typed(context, type, file.object->core->data + place);
    fn_spoilt(context, name, &file, type.size);
  }
}

static int slice_arguments(int argc, sqlite3_value **argv, int64_t length, mm_slice *slice,
                           mm_error *err) {
  mm_optional start, stop, step;
  int rc = ext_value_optional(argc, argv, 1, "start", &start, err);
  if (rc == MM_OK) rc = ext_value_optional(argc, argv, 2, "stop", &stop, err);
  if (rc == MM_OK) rc = ext_value_optional(argc, argv, 3, "step", &step, err);
  if (rc) return rc;
  if (step.given && step.value == 0) return mm_fail(err, MM_ERROR, "step is 0");
  *slice = mm_slice_resolve(length, start, stop, step);
  return MM_OK;
}

#define STEPPED_PIECE 4096 /* elements between two looks at whether to go on */

/* Each element may be on a page of its own, so that a few are long work. False: interrupted. */
static bool copy_stepped(ext_conn *conn, mm_slice slice, const uint8_t *data, uint8_t *out) {
  while (slice.count > 0) {
    mm_slice piece = slice;
    if (piece.count > STEPPED_PIECE) piece.count = STEPPED_PIECE;
    mm_slice_copy(piece, data, out);
    out += piece.count;
    slice.count -= piece.count;
    if (slice.count > 0) {
      slice.start += piece.count * slice.step;
      if (ext_conn_interrupted(conn)) return false;
    }
  }
  return true;
}

static void result_stepped(sqlite3_context *context, const ext_file *file, mm_slice slice) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  if (slice.count > sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1)) {
    sqlite3_result_error_toobig(context);
    return;
  }
  uint8_t *bytes = sqlite3_malloc64((sqlite3_uint64)slice.count);
  if (!bytes) {
    sqlite3_result_error_nomem(context);
    return;
  }
  ext_conn *conn = ext_conn_of(context);
  const uint8_t *data = file->object->core->data + file->start;
  if (copy_stepped(conn, slice, data, bytes)) {
    sqlite3_result_blob64(context, bytes, (sqlite3_uint64)slice.count, sqlite3_free);
  } else {
    sqlite3_free(bytes);
    mm_fail(&conn->err, MM_INTERRUPT, "interrupted");
    fn_fail(context, "mmap_slice");
  }
}

static void sliceFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_slice";
  ext_file file;
  mm_slice slice = {0, 1, 0};
  if (ext_any_null(argv, 1)) return;
  if (ext_file_argument(context, name, argv[0], &file)) return;
  if (slice_arguments(argc, argv, (int64_t)file.length, &slice, &ext_conn_of(context)->err)) {
    fn_fail(context, name);
    return;
  }
  if (slice.count == 0) {
    sqlite3_result_zeroblob(context, 0);
  } else if (slice.step == 1) {
    ext_result_bytes(context, file.object, file.start + (uint64_t)slice.start,
                     (uint64_t)slice.count);
  } else {
    result_stepped(context, &file, slice);
  }
  fn_spoilt(context, name, &file, (uint64_t)slice.count);
}

/* ---- writing in place ----------------------------------------------------------------------- */

static int set_at(ext_write *write, uint64_t place, mm_type type, mm_error *err) {
  mm_value value;
  uint8_t *bytes = mm_alloc(type.size);
  int rc = bytes ? ext_value(write->argv[2], &value, err) : mm_fail_nomem(err);
  if (rc == MM_OK) rc = mm_type_encode(type, &value, bytes, err);
  if (rc == MM_OK) rc = ext_write_bytes(write, place, bytes, type.size, err);
  mm_free(bytes);
  write->result = (sqlite3_int64)type.size;
  return rc;
}

static int run_set(ext_conn *conn, ext_write *write, mm_error *err) {
  int64_t offset;
  uint64_t place;
  mm_type type;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_value_integer(write->argv[1], "offset", &offset, err);
  if (rc == MM_OK) rc = ext_value_type(write->argc, write->argv, 3, 0, &type, err);
  if (rc == MM_OK) rc = fn_place(&write->file, offset, type.size, &place, err);
  return rc == MM_OK ? set_at(write, place, type, err) : rc;
}

static void setFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_set", .run = run_set, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 3)) ext_write_argument(context, &write);
}

static int run_patch(ext_conn *conn, ext_write *write, mm_error *err) {
  int64_t offset;
  uint64_t place, size;
  const uint8_t *data;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_value_integer(write->argv[1], "offset", &offset, err);
  if (rc == MM_OK) rc = fn_place(&write->file, offset, 0, &place, err);
  if (rc == MM_OK) rc = ext_value_bytes(write->argv[2], "data", &data, &size, err);
  if (rc == MM_OK) rc = fn_place(&write->file, offset, size, &place, err);
  if (rc) return rc;
  write->result = (sqlite3_int64)size;
  return ext_write_bytes(write, place, data, size, err);
}

static void patchFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_patch", .run = run_patch, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 3)) ext_write_argument(context, &write);
}

static int run_move(ext_conn *conn, ext_write *write, mm_error *err) {
  sqlite3_value **argv = write->argv;
  int64_t dest, src, count;
  uint64_t to, from;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_value_integer(argv[1], "dest", &dest, err);
  if (rc == MM_OK) rc = ext_value_integer(argv[2], "src", &src, err);
  if (rc == MM_OK) rc = ext_value_integer(argv[3], "count", &count, err);
  if (rc == MM_OK && count < 0) {
    rc = mm_fail(err, MM_ERROR, "count %lld is negative", (long long)count);
  }
  if (rc == MM_OK) rc = place_from_start(&write->file, "dest", dest, (uint64_t)count, &to, err);
  if (rc == MM_OK) rc = place_from_start(&write->file, "src", src, (uint64_t)count, &from, err);
  if (rc) return rc;
  write->result = count;
  return mm_object_move(write->file.object->core, to, from, (uint64_t)count, err);
}

static void moveFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_move", .run = run_move, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 4)) ext_write_argument(context, &write);
}

/* ---- changing the size ---------------------------------------------------------------------- */

static int run_resize(ext_conn *conn, ext_write *write, mm_error *err) {
  int64_t size;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_value_integer(write->argv[1], "size", &size, err);
  if (rc) return rc;
  if (size < 0) return mm_fail(err, MM_ERROR, "size %lld is negative", (long long)size);
  uint64_t start = write->file.handle ? write->file.handle->offset : 0;
  if ((uint64_t)size > MM_OBJECT_MAX - start) {
    return mm_fail(err, MM_TOOBIG, "size %lld is more than %llu", (long long)size,
                   (unsigned long long)(MM_OBJECT_MAX - start));
  }
  uint64_t end = start + (uint64_t)size;
  if (end != write->file.object->core->size) {
    rc = ext_object_check_places(write->file.object, err);
  }
  if (rc == MM_OK) rc = ext_write_prepare_follow(conn, write, err);
  if (rc == MM_OK) rc = mm_object_resize(write->file.object->core, end, err);
  if (rc == MM_OK) ext_write_set_length(write, (uint64_t)size);
  write->result = (sqlite3_int64)size;
  return rc;
}

static void resizeFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_resize", .run = run_resize, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 2)) ext_write_argument(context, &write);
}

static int run_insert(ext_conn *conn, ext_write *write, mm_error *err) {
  int64_t offset;
  uint64_t place, size;
  const uint8_t *data;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_write_begin_shift(write, err);
  if (rc == MM_OK) rc = ext_value_integer(write->argv[1], "offset", &offset, err);
  if (rc == MM_OK) rc = fn_place(&write->file, offset, 0, &place, err);
  if (rc == MM_OK) rc = ext_value_bytes(write->argv[2], "data", &data, &size, err);
  if (rc == MM_OK) rc = ext_write_prepare_follow(conn, write, err);
  if (rc) return rc;
  rc = mm_object_insert(write->file.object->core, place, data, size, err);
  return ext_write_follow(write, rc, write->file.length + size);
}

static void insertFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_insert", .run = run_insert, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 3)) ext_write_argument(context, &write);
}

static int run_delete(ext_conn *conn, ext_write *write, mm_error *err) {
  mm_optional start, stop;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_write_begin_shift(write, err);
  if (rc == MM_OK) rc = ext_value_optional(write->argc, write->argv, 1, "start", &start, err);
  if (rc == MM_OK) rc = ext_value_optional(write->argc, write->argv, 2, "stop", &stop, err);
  if (rc == MM_OK) rc = ext_write_prepare_follow(conn, write, err);
  if (rc) return rc;
  mm_slice slice =
      mm_slice_resolve((int64_t)write->file.length, start, stop, (mm_optional){false, 0});
  rc = mm_object_erase(write->file.object->core, write->file.start + (uint64_t)slice.start,
                       (uint64_t)slice.count, err);
  return ext_write_follow(write, rc, write->file.length - (uint64_t)slice.count);
}

static void deleteFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_delete", .run = run_delete, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 3)) ext_write_argument(context, &write);
}

/* ---- neither -------------------------------------------------------------------------------- */

/* An optional range: the first argument defaults to 0, the second, a number of bytes, to the
** rest. */
static int optional_range(int argc, sqlite3_value **argv, int first, const char *const what[2],
                          mm_optional *offset, mm_optional *length, mm_error *err) {
  int rc = ext_value_optional(argc, argv, first, what[0], offset, err);
  if (rc == MM_OK) rc = ext_value_optional(argc, argv, first + 1, what[1], length, err);
  if (rc == MM_OK && length->given && length->value < 0) {
    rc = mm_fail(err, MM_ERROR, "%s %lld is negative", what[1], (long long)length->value);
  }
  return rc;
}

static void flushFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char *const what[2] = {"offset", "size"};
  static const char name[] = "mmap_flush";
  mm_error *err = &ext_conn_of(context)->err;
  ext_file file;
  mm_optional offset, size;
  uint64_t place;
  if (ext_any_null(argv, 1)) return;
  if (ext_file_argument(context, name, argv[0], &file)) return;
  int rc = optional_range(argc, argv, 1, what, &offset, &size, err);
  if (rc == MM_OK) {
    rc = place_from_start(&file, what[0], offset.value, (uint64_t)size.value, &place, err);
  }
  if (rc == MM_OK) rc = mm_object_sync(file.object->core, err);
  if (rc) {
    fn_fail(context, name);
  } else {
    sqlite3_result_int(context, 0);
  }
}

static int advice_of(const char *name, mm_error *err) {
  static const struct {
    const char *name;
    int advice;
  } advices[] = {
      {"normal", MM_ADVICE_NORMAL},         {"random", MM_ADVICE_RANDOM},
      {"sequential", MM_ADVICE_SEQUENTIAL}, {"willneed", MM_ADVICE_WILLNEED},
      {"dontneed", MM_ADVICE_DONTNEED},     {"cold", MM_ADVICE_COLD},
      {"pageout", MM_ADVICE_PAGEOUT},       {"populate_read", MM_ADVICE_POPULATE_READ},
      {"hugepage", MM_ADVICE_HUGEPAGE},     {"nohugepage", MM_ADVICE_NOHUGEPAGE},
      {"mergeable", MM_ADVICE_MERGEABLE},   {"unmergeable", MM_ADVICE_UNMERGEABLE},
      {"dontfork", MM_ADVICE_DONTFORK},     {"dofork", MM_ADVICE_DOFORK},
      {"dontdump", MM_ADVICE_DONTDUMP},     {"dodump", MM_ADVICE_DODUMP},
  };
  for (size_t i = 0; i < sizeof advices / sizeof *advices; i++) {
    if (sqlite3_stricmp(name, advices[i].name) == 0) return advices[i].advice;
  }
  mm_fail(
      err, MM_ERROR,
      "advice '%s' is none of normal, random, sequential, willneed, dontneed, cold, pageout, "
      "populate_read, hugepage, nohugepage, mergeable, unmergeable, dontfork, dofork, dontdump, "
      "dodump",
      name);
  return -1;
}

/* As Python has it: a start that is given must be a byte's, a length is clipped. */
static int advise(const ext_file *file, int advice, mm_optional start, mm_optional length,
                  mm_error *err) {
  uint64_t place, rest;
  int rc = place_from_start(file, "start", start.value, start.given ? 1 : 0, &place, err);
  if (rc) return rc;
  rest = file->start + file->length - place;
  bool cut = length.given && (uint64_t)length.value < rest;
  return mm_object_advise(file->object->core, advice, place, cut ? (uint64_t)length.value : rest,
                          err);
}

static void madviseFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char *const what[2] = {"start", "length"};
  static const char name[] = "mmap_madvise";
  mm_error *err = &ext_conn_of(context)->err;
  ext_file file;
  mm_optional start, length;
  const char *text;
  if (ext_any_null(argv, 2)) return;
  if (ext_file_argument(context, name, argv[0], &file)) return;
  int rc = ext_value_text(argv[1], "advice", &text, err);
  int advice = rc ? -1 : advice_of(text, err);
  if (advice < 0) rc = MM_ERROR;
  if (rc == MM_OK) rc = optional_range(argc, argv, 2, what, &start, &length, err);
  if (rc == MM_OK) rc = advise(&file, advice, start, length, err);
  if (rc) {
    fn_fail(context, name);
  } else {
    sqlite3_result_int(context, 0);
  }
}

const ext_function ext_functions_bytes[] = {
    {"mmap_length", 1, 1, lengthFunc, false, false},
    {"mmap_size", 1, 1, sizeFunc, false, false},
    {"mmap_get", 2, 3, getFunc, false, false},
    {"mmap_set", 3, 4, setFunc, true, false},
    {"mmap_slice", 1, 4, sliceFunc, false, false},
    {"mmap_patch", 3, 3, patchFunc, true, false},
    {"mmap_move", 4, 4, moveFunc, true, false},
    {"mmap_resize", 2, 2, resizeFunc, true, false},
    {"mmap_insert", 3, 3, insertFunc, true, false},
    {"mmap_delete", 3, 3, deleteFunc, true, false},
    {"mmap_flush", 1, 3, flushFunc, false, false},
    {"mmap_madvise", 2, 4, madviseFunc, false, false},
    {0},
};
