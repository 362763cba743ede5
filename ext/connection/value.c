#include "ext/connection/value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

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
    case MM_DAMAGED:
      /* Not SQLITE_CORRUPT itself, after which SQLite makes a ROLLBACK of the transaction's COMMIT. */
      return SQLITE_CORRUPT_VTAB;
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

int ext_value_type(int argc, sqlite3_value **argv, int i, unsigned allow, mm_type *type,
                   mm_error *err) {
  const char *name = "u8";
  if (i < argc && sqlite3_value_type(argv[i]) != SQLITE_NULL) {
    int rc = ext_value_text(argv[i], "type", &name, err);
    if (rc) return rc;
  }
  return mm_type_parse(name, strlen(name), allow, type, err);
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
    case MM_VALUE_TEXT: /* of no bytes there may be no address, which SQLite takes for NULL */
      sqlite3_result_text64(context, value->size ? (const char *)value->data : "", value->size,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
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

/* Room for a text that is made, on the stack: a uuid, a short array. */
#define SHORT_TEXT 256

/* What sqlite3_malloc64 gives at most (SQLITE_MAX_ALLOCATION_SIZE). */
#define MOST_ROOM 2147483391

/* A text that is made of the bytes, in memory that SQLite frees. */
static void result_made(sqlite3_context *context, mm_type type, const uint8_t *bytes,
                        uint64_t room) {
  if (room > MOST_ROOM) {
    sqlite3_result_error_toobig(context);
    return;
  }
  uint8_t *buffer = sqlite3_malloc64(room);
  if (!buffer) {
    sqlite3_result_error_nomem(context);
    return;
  }
  mm_value value = mm_type_decode(type, bytes, buffer);
  sqlite3_result_text64(context, (const char *)buffer, value.size, sqlite3_free, SQLITE_UTF8);
}

static void result_decoded(sqlite3_context *context, const uint8_t *bytes, const mm_type *type) {
  uint8_t buffer[SHORT_TEXT];
  uint64_t room = mm_type_buffer(*type);
  if (room > sizeof buffer) {
    result_made(context, *type, bytes, room);
  } else {
    mm_value value = mm_type_decode(*type, bytes, buffer);
    ext_result_value(context, &value);
  }
}

static void result_integer(sqlite3_context *context, const uint8_t *bytes, const mm_type *type) {
  sqlite3_result_int64(context, mm_type_integer(*type, bytes));
}

/* The same of one type each: most columns of most scans. The compiler knows what to leave out. */
#define RESULT_INTEGER(name, its_kind, big, its_size)                                              \
  void name(sqlite3_context *context, const uint8_t *bytes, const mm_type *type) {                 \
    const mm_type known = {.kind = (its_kind), .big_endian = (big), .size = (its_size)};           \
    (void)type;                                                                                    \
    sqlite3_result_int64(context, mm_type_integer(known, bytes));                                  \
  }
#define RESULT_INTEGERS(bits)                                                                      \
  static RESULT_INTEGER(result_u##bits##le, MM_UNSIGNED, false, (bits) / 8);                       \
  static RESULT_INTEGER(result_u##bits##be, MM_UNSIGNED, true, (bits) / 8);                        \
  static RESULT_INTEGER(result_i##bits##le, MM_SIGNED, false, (bits) / 8);                         \
  static RESULT_INTEGER(result_i##bits##be, MM_SIGNED, true, (bits) / 8)
#define RESULTS(bits)                                                                              \
  {                                                                                                \
    {result_u##bits##le, result_i##bits##le}, {                                                    \
      result_u##bits##be, result_i##bits##be                                                       \
    }                                                                                              \
  }

RESULT_INTEGER(ext_result_u8, MM_UNSIGNED, false, 1)
static RESULT_INTEGER(result_i8, MM_SIGNED, false, 1);
RESULT_INTEGERS(16);
RESULT_INTEGERS(32);
RESULT_INTEGERS(64);

static void result_real(sqlite3_context *context, const uint8_t *bytes, const mm_type *type) {
  sqlite3_result_double(context, mm_type_real(*type, bytes)); /* of a NaN SQLite makes NULL */
}

ext_result *ext_result_of(mm_type type) {
  static ext_result *const bytes[] = {ext_result_u8, result_i8};
  static ext_result *const words[][2][2] = {
      [2] = RESULTS(16), [4] = RESULTS(32), [8] = RESULTS(64)};
  if (type.kind > MM_SIGNED) {
    return mm_type_gives(type) == MM_VALUE_REAL ? result_real : result_decoded;
  }
  if (type.size == 1) return bytes[type.kind];
  ext_result *known = words[type.size][type.big_endian][type.kind];
  return known ? known : result_integer;
}

/* ---- constraints ---------------------------------------------------------------------------- */

static void bound_by_integer(int op, int64_t v, int64_t *low, int64_t *high) {
  bool none = (op == SQLITE_INDEX_CONSTRAINT_GT && v == INT64_MAX) ||
              (op == SQLITE_INDEX_CONSTRAINT_LT && v == INT64_MIN);
  if (none) {
    *low = 1;
    *high = 0;
    return;
  }
  int64_t from = op == SQLITE_INDEX_CONSTRAINT_GT ? v + 1 : v;
  int64_t to = op == SQLITE_INDEX_CONSTRAINT_LT ? v - 1 : v;
  bool above = op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
  bool below = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
  if (!below && from > *low) *low = from;
  if (!above && to < *high) *high = to;
}

/* 2^63 as a double. */
#define TWO_63 9223372036854775808.0

/* x op 2.5 over the integers: the same as with 2 or 3, or never for =. */
static void bound_by_real(int op, double v, int64_t *low, int64_t *high) {
  bool upward = op == SQLITE_INDEX_CONSTRAINT_GT || op == SQLITE_INDEX_CONSTRAINT_GE;
  bool downward = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
  if (v >= -TWO_63 && v < TWO_63) {
    int64_t whole = (int64_t)v; /* towards zero */
    if ((double)whole == v) {
      bound_by_integer(op, whole, low, high);
      return;
    }
    int64_t below = v < 0 ? whole - 1 : whole;
    if (upward && below + 1 > *low) *low = below + 1;
    if (downward && below < *high) *high = below;
    if (upward || downward) return;
  } else if ((upward && v < 0) || (downward && v > 0)) {
    return; /* all integers match */
  }
  *low = 1;
  *high = 0;
}

void ext_bound_integer(int op, sqlite3_value *value, int64_t *low, int64_t *high) {
  bool below = op == SQLITE_INDEX_CONSTRAINT_LT || op == SQLITE_INDEX_CONSTRAINT_LE;
  if (op == SQLITE_INDEX_CONSTRAINT_IS) op = SQLITE_INDEX_CONSTRAINT_EQ;
  switch (sqlite3_value_numeric_type(value)) {
    case SQLITE_INTEGER:
      bound_by_integer(op, sqlite3_value_int64(value), low, high);
      break;
    case SQLITE_FLOAT:
      bound_by_real(op, sqlite3_value_double(value), low, high);
      break;
    case SQLITE_NULL:
      *low = 1;
      *high = 0;
      break;
    default: /* every number is less than every text and blob */
      if (!below) {
        *low = 1;
        *high = 0;
      }
  }
}
