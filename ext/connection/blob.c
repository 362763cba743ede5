#include "ext/connection/blob.h"

#include <string.h>

#include "core/common/watch.h"
#include "core/file/view.h"
#include "ext/connection/value.h"

/* From so many bytes on a slice is handed over without a copy: below it a pin costs more. */
#define PIN_FROM ((uint64_t)256 << 10)

/* ---- errors --------------------------------------------------------------------------------- */

int ext_sqlite_code(int mm_code) {
  switch (mm_code) {
    case MM_OK:
      return SQLITE_OK;
    case MM_CANTOPEN:
      return SQLITE_CANTOPEN;
    case MM_READONLY:
      return SQLITE_READONLY;
    case MM_IOERR:
      return SQLITE_IOERR;
    case MM_BUSY:
      return SQLITE_BUSY;
    case MM_CHANGED:
      /* Not SQLITE_BUSY itself: COMMIT would leave the transaction open for another try. */
      return SQLITE_BUSY_SNAPSHOT;
    case MM_CORRUPT:
      return SQLITE_CORRUPT;
    case MM_TOOBIG:
      return SQLITE_TOOBIG;
    case MM_NOMEM:
      return SQLITE_NOMEM;
    case MM_CONSTRAINT:
      return SQLITE_CONSTRAINT;
    case MM_PERM:
      return SQLITE_PERM;
    case MM_FULL:
      return SQLITE_FULL;
    case MM_INTERRUPT:
      return SQLITE_INTERRUPT;
    default:
      return SQLITE_ERROR;
  }
}

void ext_result_failure(sqlite3_context *context, const char *text, int rc) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  bool told = sqlite3_errcode(db) == SQLITE_NOMEM; /* of an earlier statement of ours */
  sqlite3_result_error(context, text, -1);
  /* Without memory for the text that is the error, and is to stay it. */
  if (told || sqlite3_errcode(db) != SQLITE_NOMEM) sqlite3_result_error_code(context, rc);
}

void ext_result_error(sqlite3_context *context, const char *name, const mm_error *err) {
  if (err->code == MM_NOMEM) {
    sqlite3_result_error_nomem(context);
    return;
  }
  char *text = sqlite3_mprintf("%s: %s", name, err->text);
  if (!text) {
    sqlite3_result_error_nomem(context);
    return;
  }
  ext_result_failure(context, text, ext_sqlite_code(err->code));
  sqlite3_free(text);
}

int ext_table_error(sqlite3_vtab *table, const char *name, const mm_error *err) {
  if (err->code == MM_NOMEM) return SQLITE_NOMEM;
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("%s: %s", name, err->text);
  return table->zErrMsg ? ext_sqlite_code(err->code) : SQLITE_NOMEM;
}

/* ---- arguments ------------------------------------------------------------------------------ */

bool ext_any_null(sqlite3_value **argv, int required) {
  for (int i = 0; i < required; i++) {
    if (sqlite3_value_type(argv[i]) == SQLITE_NULL) return true;
  }
  return false;
}

static void blob_value(sqlite3_value *value, mm_value *out) {
  out->kind = MM_VALUE_BLOB;
  out->data = sqlite3_value_blob(value);
  out->size = (uint64_t)sqlite3_value_bytes(value);
}

static void text_value(sqlite3_value *value, mm_value *out) {
  out->kind = MM_VALUE_TEXT;
  out->data = sqlite3_value_text(value);
  out->size = (uint64_t)sqlite3_value_bytes(value);
}

int ext_value(sqlite3_value *value, mm_value *out, mm_error *err) {
  static const uint8_t nothing[1] = {0};
  memset(out, 0, sizeof *out);
  switch (sqlite3_value_type(value)) {
    case SQLITE_INTEGER:
      out->kind = MM_VALUE_INTEGER;
      out->integer = sqlite3_value_int64(value);
      break;
    case SQLITE_FLOAT:
      out->kind = MM_VALUE_REAL;
      out->real = sqlite3_value_double(value);
      break;
    case SQLITE_BLOB:
      blob_value(value, out);
      break;
    case SQLITE_TEXT:
      text_value(value, out);
      if (!out->data) return mm_fail_nomem(err);
      break;
    default:
      out->kind = MM_VALUE_NULL;
  }
  if (!out->data) {
    if (out->size) return mm_fail_nomem(err);
    out->data = nothing;
  }
  return MM_OK;
}

/* How much of a text a message shows: no character is cut in two. */
static int shown(const uint8_t *text, uint64_t size) {
  int n = size > 40 ? 40 : (int)size;
  while (n > 36 && (uint64_t)n < size && (text[n] & 0xc0) == 0x80) n--;
  return n;
}

/* A value as a message shows it. */
static void describe(const mm_value *value, char *text, size_t size) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      sqlite3_snprintf((int)size, text, "%lld", value->integer);
      break;
    case MM_VALUE_REAL:
      sqlite3_snprintf((int)size, text, "%!.15g", value->real);
      break;
    case MM_VALUE_TEXT:
      sqlite3_snprintf((int)size, text, "'%.*s%s'", shown(value->data, value->size),
                       (const char *)value->data, value->size > 40 ? "…" : "");
      break;
    case MM_VALUE_BLOB:
      sqlite3_snprintf((int)size, text, "(a blob of %llu bytes)", value->size);
      break;
    default:
      sqlite3_snprintf((int)size, text, "NULL");
  }
}

static int take_integer(sqlite3_value *value, const char *what, const char *refused, int64_t *out,
                        mm_error *err) {
  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    *out = sqlite3_value_int64(value);
    return MM_OK;
  }
  mm_value v;
  int rc = ext_value(value, &v, err);
  if (rc) return rc;
  if (mm_value_integer(&v, out)) return MM_OK;
  char text[128];
  describe(&v, text, sizeof text);
  return mm_fail(err, MM_ERROR, "%s %s is %s", what, text, refused);
}

int ext_value_integer(sqlite3_value *value, const char *what, int64_t *out, mm_error *err) {
  return take_integer(value, what, "not an integer", out, err);
}

int ext_value_handle(sqlite3_value *value, int64_t *out, mm_error *err) {
  return take_integer(value, "file", "neither a path (TEXT) nor a handle (INTEGER)", out, err);
}

int ext_value_optional(int argc, sqlite3_value **argv, int i, const char *what, mm_optional *out,
                       mm_error *err) {
  out->given = i < argc && sqlite3_value_type(argv[i]) != SQLITE_NULL;
  out->value = 0;
  return out->given ? ext_value_integer(argv[i], what, &out->value, err) : MM_OK;
}

int ext_value_bytes(sqlite3_value *value, const char *what, const uint8_t **data, uint64_t *size,
                    mm_error *err) {
  mm_value v;
  int rc = ext_value(value, &v, err);
  if (rc) return rc;
  if (v.kind != MM_VALUE_BLOB && v.kind != MM_VALUE_TEXT) {
    char text[128];
    describe(&v, text, sizeof text);
    return mm_fail(err, MM_ERROR, "%s %s is neither a blob nor text", what, text);
  }
  *data = v.data;
  *size = v.size;
  return MM_OK;
}

int ext_value_text(sqlite3_value *value, const char *what, const char **out, mm_error *err) {
  mm_value v;
  int rc = ext_value(value, &v, err);
  if (rc) return rc;
  if (v.kind != MM_VALUE_TEXT) {
    char text[128];
    describe(&v, text, sizeof text);
    return mm_fail(err, MM_ERROR, "%s %s is not text", what, text);
  }
  if (memchr(v.data, 0, (size_t)v.size)) {
    return mm_fail(err, MM_ERROR, "%s '%s' goes on after a NUL", what, (const char *)v.data);
  }
  *out = (const char *)v.data;
  return MM_OK;
}

int ext_value_type(int argc, sqlite3_value **argv, int i, mm_type *type, mm_error *err) {
  const char *name = "u8";
  if (i < argc && sqlite3_value_type(argv[i]) != SQLITE_NULL) {
    int rc = ext_value_text(argv[i], "type", &name, err);
    if (rc) return rc;
  }
  return mm_type_parse(name, strlen(name), type, err);
}

/* ---- results -------------------------------------------------------------------------------- */

void ext_result_value(sqlite3_context *context, const mm_value *value) {
  switch (value->kind) {
    case MM_VALUE_INTEGER:
      sqlite3_result_int64(context, value->integer);
      break;
    case MM_VALUE_REAL:
      sqlite3_result_double(context, value->real);
      break;
    case MM_VALUE_BLOB:
      ext_result_blob(context, value->data, value->size);
      break;
    case MM_VALUE_TEXT:
      sqlite3_result_text64(context, (const char *)value->data, value->size, SQLITE_TRANSIENT,
                            SQLITE_UTF8);
      break;
    default:
      sqlite3_result_null(context);
  }
}

void ext_result_blob(sqlite3_context *context, const uint8_t *data, uint64_t size) {
  if (size == 0) {
    sqlite3_result_zeroblob(context, 0);
  } else {
    sqlite3_result_blob64(context, data, size, SQLITE_TRANSIENT);
  }
}

static void unpin(void *data) {
  mm_view_unpin(data);
}

static bool too_big(sqlite3_context *context, uint64_t size) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  if (size <= (uint64_t)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1)) return false;
  sqlite3_result_error_toobig(context);
  return true;
}

/* If pinned bytes go, SQLite learns it by an interrupt, which it looks for in loops only. A
** statement that writes could come to its end, and keep zeros. */
static bool is_writing(sqlite3 *db) {
  for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
    if (sqlite3_stmt_busy(s) && !sqlite3_stmt_readonly(s)) return true;
  }
  return false;
}

/* A copy of much, with looks in between at whether to go on. */
static bool result_copy(sqlite3_context *context, ext_conn *conn, const uint8_t *data,
                        uint64_t size) {
  uint8_t *copy = sqlite3_malloc64(size);
  bool go_on = copy != NULL;
  for (uint64_t i = 0, piece; go_on && i < size; i += piece) {
    piece = size - i < MM_PIECE ? size - i : MM_PIECE;
    go_on = i == 0 || !ext_conn_interrupted(conn);
    if (go_on) memcpy(copy + i, data + i, (size_t)piece);
  }
  if (go_on) {
    sqlite3_result_blob64(context, copy, size, sqlite3_free);
  } else {
    sqlite3_result_error_code(context, copy ? SQLITE_INTERRUPT : SQLITE_NOMEM);
    sqlite3_free(copy);
  }
  return go_on;
}

bool ext_result_bytes(sqlite3_context *context, ext_object *object, uint64_t offset,
                      uint64_t size) {
  mm_object *core = object->core;
  if (too_big(context, size)) return false;
  if (size >= PIN_FROM && mm_object_can_pin(core) && !is_writing(object->conn->db) &&
      mm_object_pin(core, offset, size)) {
    sqlite3_result_blob64(context, core->data + offset, size, unpin);
  } else if (size > MM_PIECE) {
    return result_copy(context, object->conn, core->data + offset, size);
  } else {
    ext_result_blob(context, core->data + offset, size);
  }
  return true;
}
