/*
** open.c: mmap_open and mmap_close.
*/
#include "ext/functions/fn.h"

#include <string.h>

#include "core/common/mem.h"

typedef struct opening {
  const char *path; /* NULL: memory */
  const char *tag;  /* NULL: none */
  int access;
  bool access_given;
  int64_t length, offset;
} opening;

static int access_argument(int argc, sqlite3_value **argv, opening *o, mm_error *err) {
  const char *text;
  o->access = EXT_READ;
  o->access_given = argc > 1 && sqlite3_value_type(argv[1]) != SQLITE_NULL;
  if (!o->access_given) return MM_OK;
  int rc = ext_value_text(argv[1], "access", &text, err);
  return rc ? rc : ext_access_parse(text, true, &o->access, err);
}

static int size_argument(int argc, sqlite3_value **argv, int i, const char *what, int64_t *out,
                         mm_error *err) {
  mm_optional given;
  int rc = ext_value_optional(argc, argv, i, what, &given, err);
  *out = given.value;
  if (rc == MM_OK && given.value < 0) {
    rc = mm_fail(err, MM_ERROR, "%s %lld is negative", what, (long long)given.value);
  }
  return rc;
}

static int open_arguments(int argc, sqlite3_value **argv, opening *o, mm_error *err) {
  memset(o, 0, sizeof *o);
  int rc = MM_OK;
  if (sqlite3_value_type(argv[0]) != SQLITE_NULL)
    rc = ext_value_text(argv[0], "path", &o->path, err);
  if (rc == MM_OK) rc = access_argument(argc, argv, o, err);
  if (rc == MM_OK) rc = size_argument(argc, argv, 2, "length", &o->length, err);
  if (rc == MM_OK) rc = size_argument(argc, argv, 3, "offset", &o->offset, err);
  if (rc == MM_OK && argc > 4 && sqlite3_value_type(argv[4]) != SQLITE_NULL) {
    rc = ext_value_text(argv[4], "tag", &o->tag, err);
  }
  if (rc == MM_OK && o->tag && o->path) {
    rc = mm_fail(err, MM_ERROR, "tag '%s' is for memory: the path must be NULL", o->tag);
  }
  if (rc == MM_OK && o->tag && o->access == EXT_COPY) {
    rc = mm_fail(err, MM_ERROR, "tag '%s' cannot be opened with access 'copy'", o->tag);
  }
  if (rc == MM_OK && !o->path && o->access == EXT_DEVICE) {
    rc = mm_fail(err, MM_ERROR, "access 'device' needs a path");
  }
  if (rc == MM_OK && !o->path && o->length > (int64_t)MM_OBJECT_MAX) {
    rc = mm_fail(err, MM_TOOBIG, "length %lld is more than %llu", (long long)o->length,
                 (unsigned long long)MM_OBJECT_MAX);
  }
  return rc;
}

/* A piece of memory has its length from the start of the window on, so it is that much longer. */
static int open_memory(ext_conn *conn, const opening *o, ext_object **object, mm_error *err) {
  mm_object *core = NULL;
  uint64_t size = (uint64_t)o->length + (uint64_t)o->offset;
  if (o->offset > (int64_t)MM_OBJECT_MAX) {
    return mm_fail(err, MM_TOOBIG, "offset %lld is more than %llu", (long long)o->offset,
                   (unsigned long long)MM_OBJECT_MAX);
  }
  int rc = o->tag ? mm_object_open_tag(o->tag, size, &conn->settings, &core, err)
                  : mm_object_open_memory(size, &conn->settings, &core, err);
  if (rc) return rc;
  core->fixed = o->access == EXT_COPY;
  return ext_conn_add_object(conn, core, object, err);
}

static int open_by_path(ext_conn *conn, const opening *o, ext_reads *reads, ext_object **object,
                        mm_error *err) {
  if (o->access == EXT_COPY) return ext_use_new_copy(conn, o->path, reads, object, err);
  if (o->access == EXT_DEVICE) return ext_use_device(conn, o->path, reads, object, err);
  int rc = ext_use_path(conn, o->path, o->access == EXT_CREATE, reads, object, err);
  if (rc || o->access == EXT_READ) return rc;
  rc = mm_object_check_writable((*object)->core, err);
  if (rc) ext_object_release(*object);
  return rc;
}

static int check_window(const opening *o, const ext_object *object, mm_error *err) {
  int64_t size = (int64_t)object->core->size;
  const char *name = object->core->name;
  if (o->offset > size) {
    return mm_fail(err, MM_ERROR, "offset %lld is outside '%s' (%lld bytes)", (long long)o->offset,
                   name, (long long)size);
  }
  if (o->length > size - o->offset) {
    return mm_fail(err, MM_ERROR, "length %lld is more than '%s' has (%lld bytes)",
                   (long long)o->length, name, (long long)(size - o->offset));
  }
  return MM_OK;
}

/* The length of a piece of memory is its size, not a window of it. */
static ext_handle describe_handle(const opening *o, ext_object *object) {
  bool window = o->length && (o->path || o->tag);
  ext_handle handle = {.object = object,
                       .access = o->path || o->access_given ? o->access : EXT_WRITE,
                       .offset = (uint64_t)o->offset,
                       .length = window ? (uint64_t)o->length : EXT_TO_END};
  return handle;
}

static int add_handle(ext_conn *conn, const opening *o, ext_object *object, ext_handle **out,
                      mm_error *err) {
  ext_handle handle = describe_handle(o, object);
  int rc = check_window(o, object, err);
  if (rc == MM_OK && o->tag) {
    handle.name = mm_strdup(o->tag);
    if (!handle.name) rc = mm_fail_nomem(err);
  }
  if (rc == MM_OK) rc = ext_conn_add_handle(conn, handle, out, err);
  if (rc) mm_free(handle.name);
  return rc;
}

static void openFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_open";
  ext_conn *conn = ext_conn_of(context);
  mm_error *err = &conn->err;
  ext_object *object = NULL;
  ext_handle *handle = NULL;
  opening o;
  if (ext_function_allowed(context, name)) return;
  int rc = open_arguments(argc, argv, &o, err);
  bool writes = o.access == EXT_WRITE || o.access == EXT_CREATE;
  if (rc == MM_OK && writes) rc = ext_conn_check_writes(conn, err);
  if (rc == MM_OK) {
    rc = o.path ? open_by_path(conn, &o, ext_statement_reads(context), &object, err)
                : open_memory(conn, &o, &object, err);
  }
  if (rc == MM_OK) {
    rc = add_handle(conn, &o, object, &handle, err);
    if (rc) ext_object_release(object);
  }
  if (rc) {
    fn_fail(context, name);
  } else {
    sqlite3_result_int64(context, handle->id);
  }
}

static void closeFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_close";
  ext_conn *conn = ext_conn_of(context);
  ext_handle *handle;
  int64_t id;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  if (ext_function_allowed(context, name)) return;
  int rc = ext_value_integer(argv[0], "handle", &id, &conn->err);
  if (rc == MM_OK && id >= 1 && (uint64_t)id <= conn->handle_count &&
      !conn->handles[id - 1]->object) {
    sqlite3_result_int(context, 0);
    return;
  }
  if (rc == MM_OK) rc = ext_conn_handle(conn, id, &handle, &conn->err);
  if (rc) {
    fn_fail(context, name);
    return;
  }
  ext_object *object = handle->object;
  handle->object = NULL;
  object->handles--;
  ext_object_release(object);
  sqlite3_result_int(context, 1);
}

const ext_function ext_functions_open[] = {
    {"mmap_open", 1, 5, openFunc, false, false},
    {"mmap_close", 1, 1, closeFunc, false, false},
    {0},
};
