/*
** position.c: the functions of a handle with a position, as file objects have them.
**
** The position is counted from the start of the handle's window. It is no part of a transaction; a
** call that fails leaves it where it was. One that lies past the end, as the file was cut, stays
** there, as in Python: there is nothing to read or to be written over, until the file has grown, or
** the cut was rolled back.
*/
#include "ext/functions/fn.h"
#include "ext/functions/writer.h"

#include "core/search/find.h"

/* Bytes from the position to the end. */
static uint64_t rest_of(const ext_file *file) {
  uint64_t p = file->handle->position;
  return p < file->length ? file->length - p : 0;
}

/* The position in the object; the end if it lies past that. */
static uint64_t place_of(const ext_file *file) {
  return file->start + file->length - rest_of(file);
}

static const uint8_t *here(const ext_file *file) {
  return file->object->core->data + place_of(file);
}

static void result_read(sqlite3_context *context, const char *name, ext_file *file, uint64_t n) {
  bool given = ext_result_bytes(context, file->object, place_of(file), n);
  if (fn_spoilt(context, name, file, n) == MM_OK && given) file->handle->position += n;
}

static void readFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_read";
  mm_error *err = &ext_conn_of(context)->err;
  ext_file file;
  mm_optional n;
  if (ext_any_null(argv, 1)) return;
  if (ext_handle_argument(context, name, argv[0], &file)) return;
  if (ext_value_optional(argc, argv, 1, "n", &n, err)) {
    fn_fail(context, name);
    return;
  }
  uint64_t rest = rest_of(&file);
  bool all = !n.given || n.value < 0 || (uint64_t)n.value > rest;
  result_read(context, name, &file, all ? rest : (uint64_t)n.value);
}

static void readByteFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_read_byte";
  ext_file file;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  if (ext_handle_argument(context, name, argv[0], &file)) return;
  if (rest_of(&file) == 0) {
    uint64_t p = file.handle->position;
    mm_fail(&ext_conn_of(context)->err, MM_ERROR, "position %llu is %s the end of '%s'",
            (unsigned long long)p, p > file.length ? "past" : "at", fn_name(&file));
    fn_fail(context, name);
    return;
  }
  sqlite3_result_int(context, *here(&file));
  if (fn_faulted(context, name, &file) == MM_OK) file.handle->position++;
}

static void readlineFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_readline";
  ext_conn *conn = ext_conn_of(context);
  ext_file file;
  mm_needle newline;
  mm_watch watch;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  if (ext_handle_argument(context, name, argv[0], &file)) return;
  uint64_t rest = rest_of(&file);
  mm_needle_prepare(&newline, (const uint8_t *)"\n", 1);
  ext_conn_watch(conn, &watch);
  int64_t found = mm_find(&newline, here(&file), rest, &watch);
  if (found == MM_FIND_STOPPED) {
    mm_fail(&conn->err, MM_INTERRUPT, "interrupted");
    fn_fail(context, name);
    return;
  }
  result_read(context, name, &file, found < 0 ? rest : (uint64_t)found + 1);
}

/* Do so many bytes fit behind the position? */
static int check_behind(const ext_file *file, uint64_t size, mm_error *err) {
  uint64_t p = file->handle->position;
  if (p <= file->length && size <= rest_of(file)) return MM_OK;
  return mm_fail(err, MM_ERROR,
                 "%llu bytes do not fit between position %llu and the end of '%s' "
                 "(%llu bytes)",
                 (unsigned long long)size, (unsigned long long)p, fn_name(file),
                 (unsigned long long)file->length);
}

static int write_here(ext_write *write, const uint8_t *data, uint64_t size, mm_error *err) {
  ext_file *file = &write->file;
  int rc = mm_object_write(file->object->core, place_of(file), data, size, err);
  if (rc == MM_OK) file->handle->position += size;
  write->result = (sqlite3_int64)size;
  return rc;
}

static int run_write(ext_conn *conn, ext_write *write, mm_error *err) {
  const uint8_t *data = NULL;
  uint64_t size = 0;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = ext_value_bytes(write->argv[1], "data", &data, &size, err);
  if (rc == MM_OK) rc = check_behind(&write->file, size, err);
  return rc == MM_OK ? write_here(write, data, size, err) : rc;
}

static int run_write_byte(ext_conn *conn, ext_write *write, mm_error *err) {
  int64_t value;
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = check_behind(&write->file, 1, err);
  if (rc == MM_OK) rc = ext_value_integer(write->argv[1], "byte", &value, err);
  if (rc) return rc;
  if (value < 0 || value > 255) {
    return mm_fail(err, MM_ERROR, "byte %lld is not in 0..255", (long long)value);
  }
  uint8_t byte = (uint8_t)value;
  return write_here(write, &byte, 1, err);
}

/* Outside a transaction the write may fail as late as in its own commit. */
static void write_at_position(sqlite3_context *context, ext_write *write) {
  if (ext_handle_check(context, write->name, write->argv[0])) return;
  if (ext_written_argument(context, write->name, write->argv[0], &write->file)) return;
  ext_handle *handle = write->file.handle;
  uint64_t before = handle->position;
  if (ext_write_call(context, write)) handle->position = before;
}

static void writeFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_write", .run = run_write, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 2)) write_at_position(context, &write);
}

static void writeByteFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_write_byte", .run = run_write_byte, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 2)) write_at_position(context, &write);
}

/* The place that `pos` and `whence` mean; false if it lies outside 0..length. */
static bool seek_target(const ext_file *file, int64_t pos, int64_t whence, int64_t *target) {
  int64_t length = (int64_t)file->length;
  int64_t from = whence == 0 ? 0 : whence == 1 ? (int64_t)file->handle->position : length;
  if (pos < -from || pos > length - from) return false;
  *target = from + pos;
  return true;
}

static void seekFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_seek";
  mm_error *err = &ext_conn_of(context)->err;
  ext_file file;
  mm_optional whence;
  int64_t pos, target = 0;
  if (ext_any_null(argv, 2)) return;
  if (ext_handle_argument(context, name, argv[0], &file)) return;
  int rc = ext_value_integer(argv[1], "position", &pos, err);
  if (rc == MM_OK) rc = ext_value_optional(argc, argv, 2, "whence", &whence, err);
  if (rc == MM_OK && (whence.value < 0 || whence.value > 2)) {
    rc = mm_fail(err, MM_ERROR, "whence %lld is none of 0, 1, 2", (long long)whence.value);
  }
  if (rc == MM_OK && !seek_target(&file, pos, whence.value, &target)) {
    rc = mm_fail(err, MM_ERROR, "position %lld, whence %lld, is outside '%s' (%llu bytes)",
                 (long long)pos, (long long)whence.value, fn_name(&file),
                 (unsigned long long)file.length);
  }
  if (rc) {
    fn_fail(context, name);
    return;
  }
  file.handle->position = (uint64_t)target;
  sqlite3_result_int64(context, target);
}

static void tellFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_file file;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  if (ext_handle_argument(context, "mmap_tell", argv[0], &file)) return;
  sqlite3_result_int64(context, (sqlite3_int64)file.handle->position);
}

const ext_function ext_functions_position[] = {
    {"mmap_read", 1, 2, readFunc, false, false},
    {"mmap_read_byte", 1, 1, readByteFunc, false, false},
    {"mmap_readline", 1, 1, readlineFunc, false, false},
    {"mmap_write", 2, 2, writeFunc, true, false},
    {"mmap_write_byte", 2, 2, writeByteFunc, true, false},
    {"mmap_seek", 2, 3, seekFunc, false, false},
    {"mmap_tell", 1, 1, tellFunc, false, false},
    {0},
};
