/*
** value.h: SQLite's values and core's: arguments, results, errors.
*/
#ifndef EXT_VALUE_H
#define EXT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes/slice.h"
#include "core/bytes/type.h"
#include "core/common/error.h"
#include "ext/connection/sqlite.h"

/* SQLite's result code for an enum mm_code. */
int ext_sqlite_code(int mm_code);

/* End a function with an error: the sentence gets `name` and ": " in front. */
void ext_result_error(sqlite3_context *context, const char *name, const mm_error *err);

/* End a function with SQLite's code and a text, which is copied. */
void ext_result_failure(sqlite3_context *context, const char *text, int rc);

/* Put an error into a virtual table, "name: sentence", and return SQLite's code. */
int ext_table_error(sqlite3_vtab *table, const char *name, const mm_error *err);

/* A value on its way to core; borrows from `value`. TEXT comes as UTF-8. MM_NOMEM only. */
int ext_value(sqlite3_value *value, mm_value *out, mm_error *err);

/* An integer, or REAL or TEXT that is exactly one: else MM_ERROR "offset 1.5 is not an integer",
** with `what` in front. NULL is for the caller to look at first. */
int ext_value_integer(sqlite3_value *value, const char *what, int64_t *out, mm_error *err);

/* The handle that a file argument is, if it is no TEXT: else MM_ERROR. */
int ext_value_handle(sqlite3_value *value, int64_t *out, mm_error *err);

/* An optional argument: NULL, or argc too small, is not given. */
int ext_value_optional(int argc, sqlite3_value **argv, int i, const char *what, mm_optional *out,
                       mm_error *err);

/* BLOB or TEXT (its UTF-8 bytes): else MM_ERROR "data 7 is neither a blob nor text". */
int ext_value_bytes(sqlite3_value *value, const char *what, const uint8_t **data, uint64_t *size,
                    mm_error *err);

/* TEXT without a NUL inside; borrowed. */
int ext_value_text(sqlite3_value *value, const char *what, const char **out, mm_error *err);

/* A type by its name, as mm_type_parse with `allow`; the default if not given. */
int ext_value_type(int argc, sqlite3_value **argv, int i, unsigned allow, mm_type *type,
                   mm_error *err);

/* Hand a decoded value to SQLite. */
void ext_result_value(sqlite3_context *context, const mm_value *value);

/* Hands the value of a type at `bytes` to SQLite. */
typedef void ext_result(sqlite3_context *context, const uint8_t *bytes, const mm_type *type);

/* The one for values of a fixed and closed type: asked for once where there are many of them. */
ext_result *ext_result_of(mm_type type);
ext_result ext_result_u8;

/* The value of a fixed type at `bytes`. */
static inline void ext_result_typed(sqlite3_context *context, mm_type type, const uint8_t *bytes) {
  ext_result_of(type)(context, bytes, &type);
}

/* A copy of bytes as a BLOB; SQLITE_TOOBIG if there are too many. Never NULL, an empty one too. */
void ext_result_blob(sqlite3_context *context, const uint8_t *data, uint64_t size);

/* Is the value NULL among argv[0 .. required-1]? Then the function returns NULL and does
** nothing. */
bool ext_any_null(sqlite3_value **argv, int required);

/* Bounds that a constraint sets on an integer column, exactly as SQLite compares: op is one of
** SQLITE_INDEX_CONSTRAINT_EQ, GT, GE, LT, LE; [*low, *high] is narrowed, to low > high if nothing
** can match. A TEXT that looks like a number is one, as with INTEGER affinity. */
void ext_bound_integer(int op, sqlite3_value *value, int64_t *low, int64_t *high);

#endif
