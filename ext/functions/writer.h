/*
** writer.h: how a function writes.
*/
#ifndef EXT_WRITER_H
#define EXT_WRITER_H

#include "core/file/splice.h"
#include "ext/connection/ext.h"

/* Something that writes, as a function hands it over. `run` is called inside a statement of
** ours. */
typedef struct ext_write {
  const char *name; /* the SQL function's */
  ext_file file;
  int (*run)(ext_conn *conn, struct ext_write *write, mm_error *err);
  int argc;
  sqlite3_value **argv; /* the function's: `run` reads them, the file's handle is judged first */
  sqlite3_int64 result;
  bool ran;
} ext_write;

/* Run it; sets the function's result to write->result, or its error. Nonzero: it failed. */
int ext_write_call(sqlite3_context *context, ext_write *write);

/* In `run`: refuse a handle that only reads, become the writer, and set the window anew. */
int ext_write_begin(ext_conn *conn, ext_write *write, mm_error *err);

/* In `run`: put bytes in place of others. `data` may be the object's own. */
int ext_write_bytes(const ext_write *write, uint64_t place, const uint8_t *data, uint64_t size,
                    mm_error *err);

/* Resolve the file argument argv[0], then ext_write_call. */
void ext_write_argument(sqlite3_context *context, ext_write *write);

/* In `run`, of what moves the bytes behind its place, after ext_write_begin: MM_ERROR where they may
** not move, as the handle's window ends before its file, or rows are leaving. */
int ext_write_begin_shift(ext_write *write, mm_error *err);

/* A handle of fixed length grows and shrinks with its object. Two halves, before and after the
** object changes, so that nothing can fail after it: `rc` is what came of that, and is returned;
** `length` is the window's then, and the function's result. One that shows less than its length, as
** the file was cut, keeps what it does not show. */
int ext_write_prepare_follow(ext_conn *conn, ext_write *write, mm_error *err);
int ext_write_follow(ext_write *write, int rc, uint64_t length);

/* … has this length from now on, which was asked for. */
void ext_write_set_length(ext_write *write, uint64_t length);

/* All of it for places that are replaced at once, after ext_write_begin; their offsets are the
** object's. */
int ext_write_splice(ext_conn *conn, ext_write *write, const mm_splice *splices, size_t count,
                     mm_error *err);

#endif
