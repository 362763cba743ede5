/*
** stmt.h: what a running statement has: file arguments, and functions that it may call.
*/
#ifndef EXT_STMT_H
#define EXT_STMT_H

#include "ext/connection/conn.h"

typedef struct ext_stmt ext_stmt;

/* Every function that touches a file starts with one of these two. They resolve argv[0], refresh
** the object once a statement, and set `file` for as long as the call lasts. On failure they have
** set the function's error and return nonzero. `name` is the SQL function's. They also refuse a
** call that comes neither from a running statement nor from the temp schema (a CHECK of an
** untrusted database). */
int ext_file_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                      ext_file *file);
int ext_handle_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                        ext_file *file);

/* The same for a function that writes. Where files are read at one commit, it is to become the
** writer before it reads: else two of them would wait for each other. Nonzero from the second, with
** the function's error: it wants a handle. */
int ext_written_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                         ext_file *file);
int ext_handle_check(sqlite3_context *context, const char *name, sqlite3_value *value);

/* Where the statement keeps what it reads at one commit. NULL: no memory. */
ext_reads *ext_statement_reads(sqlite3_context *context);

/* The same check for a function that has no file argument (mmap_open). Nonzero: refused, error
** set. */
int ext_function_allowed(sqlite3_context *context, const char *name);

/* May a table of that name be written now? Not by a trigger, which SQLite itself refuses from 3.40
** on. */
bool ext_table_allowed(sqlite3 *db, const char *table);

/* For tables: resolve a file argument given as a value; the object is used, as use.h says, and held
** for the caller. MM_ERROR for a value that is neither. */
int ext_file_resolve(ext_conn *conn, sqlite3_value *value, ext_reads *reads, ext_file *file,
                     mm_error *err);

#endif
