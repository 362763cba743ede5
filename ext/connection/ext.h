/*
** ext.h: the SQLite side's own header: what the files of ext/ share.
**
** ext/ knows SQLite and core/, and makes no system call. From the bottom up:
**
**     value.c     SQLite's values <-> core's; arguments that must be integers, offsets, paths
**     calls.c     which functions a statement calls
**     conn.c      what a connection has: settings, objects, handles
**     copy.c      what its tables with access=copy have written
**     stmt.c      what a running statement has: objects it has refreshed, functions it may call
**     txn.c       savepoints, commit and rollback over all objects of the connection
**     writer.c    how a function writes: a statement of our own, so that SQLite enlists us
**     fn_*.c      the functions, a family a file
**     tab_*.c     the virtual tables, one a file
**     mmap0.c     registration of all of them, and the entry points
*/
#ifndef EXT_H
#define EXT_H

#include "sqlite3ext.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/common/error.h"
#include "core/file/object.h"
#include "core/bytes/slice.h"
#include "core/bytes/type.h"

SQLITE_EXTENSION_INIT3

typedef struct ext_conn ext_conn;
typedef struct ext_stmt ext_stmt;

/* ---- objects and handles (conn.c) ----------------------------------------------------------- */

/* One file, or piece of memory, on one connection. Freed when nobody holds it, it has nothing
** pending and the connection has others more recently used. */
typedef struct ext_object {
  mm_object *core; /* owned */
  ext_conn *conn;
  unsigned holds;      /* handles, cursors, tables and statements that use it */
  bool in_transaction; /* listed in the connection's transaction */
  size_t noted;        /* its newest record there, counted from 1; 0: none */
  uint64_t used;       /* for least recently used */
  struct ext_object *next;
} ext_object;

enum ext_access { EXT_READ, EXT_WRITE, EXT_COPY, EXT_CREATE };

/* One of their names, whatever the case. */
int ext_access_parse(const char *text, int *access, mm_error *err);

/* One of off, normal, full: an enum mm_synchronous. */
int ext_synchronous_parse(const char *text, int *synchronous, mm_error *err);

/* The length of a window that goes to the end of the object, wherever that is. */
#define EXT_TO_END UINT64_MAX

/* What mmap_open gave out. */
typedef struct ext_handle {
  sqlite3_int64 id;
  ext_object *object;      /* held; NULL: closed */
  int access;              /* enum ext_access */
  uint64_t offset, length; /* of the window; EXT_TO_END */
  uint64_t position;       /* from the start of the window */
  char *name;              /* the tag; NULL */
} ext_handle;

/* A file argument, resolved: an object and the window of it that counts. */
typedef struct ext_file {
  ext_object *object;
  ext_handle *handle; /* NULL: by path */
  uint64_t start;     /* of the window, in the object */
  uint64_t length;    /* of the window, in bytes, as of now: 0 if it lies past the end */
} ext_file;

struct ext_conn {
  sqlite3 *db;
  unsigned holds; /* registered functions and modules: the last one frees the connection */
  mm_settings settings;
  mm_root root;
  ext_object *objects;
  size_t object_count;
  uint64_t clock;            /* for ext_object.used */
  struct ext_alias *aliases; /* paths that were resolved before (conn.c) */
  ext_handle **handles;      /* handles[i] has id i+1 */
  size_t handle_count, handle_capacity;
  struct ext_txn *txn;
  struct mmap_table *tables;    /* created tables that are connected, for mmap_list (tab_mmap.c) */
  struct ext_copy *copies;      /* objects of tables with access=copy (copy.h) */
  struct mmap_deleted *deleted; /* rows that COMMIT will close up (tab_mmap_delete.c) */
  struct ext_checked *checked;  /* created tables that mmap_check knows (tab.h) */
  sqlite3_stmt *writer;         /* cached; finalized by ext_conn_release_statements */
  sqlite3_stmt *interrupted;    /* likewise */
  bool planned;    /* mmap_list or mmap_writer was asked for a plan: the name means ours */
  bool caches;     /* mmap_list is connected, and will finalize what is cached */
  uint64_t writes; /* calls of functions that write, so far */
  uint64_t plans;  /* queries that were planned, so far (given.h) */
  volatile unsigned pin_faults; /* how often a slice that SQLite holds was hit by SIGBUS */
  mm_error err;                 /* scratch for callers on this connection */
};

/* The object that a path names, opened if need be: held for the caller, who releases it. `create`:
** make an empty file where there is none. Refuses what core/os/path.h refuses and databases that this
** process has open. Not refreshed. */
int ext_conn_open_path(ext_conn *conn, const char *path, bool create, ext_object **out,
                       mm_error *err);
/* A new object that no path leads to: access=copy, memory, tag. Held likewise. */
int ext_conn_add_object(ext_conn *conn, mm_object *core, ext_object **out, mm_error *err);
void ext_object_hold(ext_object *object);
void ext_object_release(ext_object *object); /* NULL is allowed */

/* The handle with that id: MM_ERROR "handle 7 is closed" or "7 is no handle". */
int ext_conn_handle(ext_conn *conn, sqlite3_int64 id, ext_handle **out, mm_error *err);
int ext_conn_add_handle(ext_conn *conn, ext_handle handle, ext_handle **out, mm_error *err);

/* The window of a handle (NULL: all) of the object as it is now, clipped to it. */
void ext_file_window(ext_file *file);

/* Finalize the cached statements: they would keep sqlite3_close from closing. Called when an
** eponymous table is disconnected, which sqlite3_close does first. */
void ext_conn_release_statements(ext_conn *conn);

/* The end of a query of our own: finalizes it. `rc` is what came last; one that was cut short has
** given no answer: MM_NOMEM, MM_INTERRUPT. One that an authorizer denies has no other answer than
** none. */
int ext_conn_end_query(sqlite3_stmt *stmt, int rc, mm_error *err);

/* May the connection write at all? MM_READONLY under PRAGMA query_only or on a read-only database.
** For what happens outside a transaction: making a file. */
int ext_conn_check_writes(ext_conn *conn, mm_error *err);

/* Has sqlite3_interrupt been called, or a progress handler said stop? For long loops that only read
** (whoever writes asks mm_object_go_on): some µs. */
int ext_conn_interrupted(ext_conn *conn);

/* An mm_watch that stops when ext_conn_interrupted says so. */
struct mm_watch;
void ext_conn_watch(ext_conn *conn, struct mm_watch *watch);

/* ---- values (value.c) ----------------------------------------------------------------------- */

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

/* A type by its name; the default if not given. */
int ext_value_type(int argc, sqlite3_value **argv, int i, mm_type *type, mm_error *err);

/* Hand a decoded value to SQLite. */
void ext_result_value(sqlite3_context *context, const mm_value *value);

/* The value of a type at `bytes`. */
void ext_result_typed(sqlite3_context *context, mm_type type, const uint8_t *bytes);

/* A copy of bytes as a BLOB; SQLITE_TOOBIG if there are too many. Never NULL, an empty one too. */
void ext_result_blob(sqlite3_context *context, const uint8_t *data, uint64_t size);

/* Bytes [offset, +size) of the object as a BLOB: large ones, where nothing is pending and no
** statement runs that writes, without a copy. The range must be inside. False: too big, interrupted
** or no memory, which is the function's error then. */
bool ext_result_bytes(sqlite3_context *context, ext_object *object, uint64_t offset, uint64_t size);

/* Is the value NULL among argv[0 .. required-1]? Then the function returns NULL and does
** nothing. */
bool ext_any_null(sqlite3_value **argv, int required);

/* Bounds that a constraint sets on an integer column, exactly as SQLite compares: op is one of
** SQLITE_INDEX_CONSTRAINT_EQ, GT, GE, LT, LE; [*low, *high] is narrowed, to low > high if nothing
** can match. A TEXT that looks like a number is one, as with INTEGER affinity. */
void ext_bound_integer(int op, sqlite3_value *value, int64_t *low, int64_t *high);

/* The SQL of the next running statement of the connection; *at is NULL before the first. NULL: no
** more. (calls.c) */
const char *ext_running(sqlite3 *db, sqlite3_stmt **at);

/* Does a statement call the function, by its name in any case? (calls.c) */
bool ext_calls(const char *sql, const char *function);

/* Does it insert into a table of that name, update it or delete from it? Not by a trigger.
** (calls.c) */
bool ext_writes(const char *sql, const char *table);

/* Is it an UPDATE of a table of that name which sets the column? (calls.c) */
bool ext_sets(const char *sql, const char *table, const char *column);

/* Has it a LEFT, RIGHT or FULL JOIN? (calls.c) */
bool ext_joins_outer(const char *sql);

/* Is it a SELECT without another query in it, and without VALUES? (calls.c) */
bool ext_selects_once(const char *sql);

/* Has it a row value in front of an IN? (calls.c) */
bool ext_lists_rows(const char *sql);

/* Is it the CREATE VIRTUAL TABLE of a table of that name? A DETACH? (calls.c) */
bool ext_creates_table(const char *sql, const char *table);
bool ext_detaches(const char *sql);

/* ---- a running statement (stmt.c) ----------------------------------------------------------- */

/* Every function that touches a file starts with one of these two. They resolve argv[0], refresh
** the object once a statement, and set `file` for as long as the call lasts. On failure they have
** set the function's error and return nonzero. `name` is the SQL function's. They also refuse a
** call that comes neither from a running statement nor from the temp schema (a CHECK of an
** untrusted database). */
int ext_file_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                      ext_file *file);
int ext_handle_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                        ext_file *file);

/* The same check for a function that has no file argument (mmap_open). Nonzero: refused, error
** set. */
int ext_function_allowed(sqlite3_context *context, const char *name);

/* May a table of that name be written now? Not by a trigger, which SQLite itself refuses from 3.40
** on. */
bool ext_table_allowed(sqlite3 *db, const char *table);

/* Does a running UPDATE of a table of that name set the column? */
bool ext_column_is_set(sqlite3 *db, const char *table, const char *column);

/* For tables: resolve a file argument given as a value; the object is refreshed and held for the
** caller. MM_ERROR for a value that is neither. */
int ext_file_resolve(ext_conn *conn, sqlite3_value *value, ext_file *file, mm_error *err);

/* ---- writing (txn.c, writer.c) -------------------------------------------------------------- */

/* Become the writer of an object as a part of the connection's transaction, and note where it
** stands, so that savepoints can undo it. Call before every write; then refresh what you know of
** its size. Journals of a COMMIT that did not go through are made invalid first. */
int ext_txn_write(ext_conn *conn, ext_object *object, mm_error *err);

/* The same with a level of its own, an enum mm_synchronous; the strictest one of a transaction
** holds. */
int ext_txn_write_as(ext_conn *conn, ext_object *object, int synchronous, mm_error *err);

/* Have SQLite tell us of its transaction from now on, savepoints and end, also where nothing of ours
** takes part in it yet, or only a table that was made in it, of which SQLite does not speak to us
** before its next savepoint. Where nothing can be written: MM_OK, and nothing is told. (writer.c) */
int ext_txn_enlist(ext_conn *conn, mm_error *err);

/* Remember something else that a rollback has to undo: it calls undo(context, value). */
typedef void ext_undo(void *context, uint64_t value);
int ext_txn_undo(ext_conn *conn, ext_undo *undo, void *context, uint64_t value, mm_error *err);

/* It need be remembered only once between two savepoints: this number changes when one is made or
** rolled back to, and when the transaction ends. */
uint64_t ext_txn_epoch(const ext_conn *conn);

/* A COMMIT that did not go through (BUSY) may have left the work of ext_txn_deferred done: undo it,
** so that reads see the transaction as it is. Costs nothing else. Before whatever reads. */
void ext_txn_reopen(ext_conn *conn);

/* Do the work of ext_txn_deferred as COMMIT would, to look at what it gives. Then
** ext_txn_reopen. */
int ext_txn_preview(ext_conn *conn, mm_error *err);

/* The transaction methods of every table that writes: they serve the whole connection. */
int ext_txn_begin(ext_conn *conn);
int ext_txn_sync(ext_conn *conn, sqlite3_vtab *table);
int ext_txn_commit(ext_conn *conn);
int ext_txn_rollback(ext_conn *conn);
int ext_txn_savepoint(ext_conn *conn, int level);
int ext_txn_release(ext_conn *conn, int level);
int ext_txn_rollback_to(ext_conn *conn, int level);
int ext_txn_create(ext_conn *conn);   /* with the connection */
void ext_txn_destroy(ext_conn *conn); /* likewise */

/* For a table that puts work off until COMMIT, or must know when the transaction ends (tab_mmap.c).
** Registered once a transaction, by ext_txn_defer; forgotten when it ends. */
typedef struct ext_txn_deferred {
  int (*flush)(void *context, mm_error *err); /* before COMMIT prepares the objects */
  void (*end)(void *context, bool committed); /* once, at the end */
  void *context;
  struct ext_txn_deferred *next;
  void (*undo)(void *context); /* flush was called, but COMMIT did not go through and more writes
                               ** follow: take back what it did. NULL: it does nothing to take
                               ** back */
} ext_txn_deferred;

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

/* Are rows of a table over the object deleted and not closed up? (tab_mmap_delete.c) */
bool ext_deleted_has(const ext_conn *conn, const ext_object *object);

/* Then what lies behind them must stay where it is, and the end, too: MM_ERROR. For functions that
** make room, close it up or resize. */
int ext_deleted_check(const ext_conn *conn, const ext_object *object, mm_error *err);

/* ---- registration --------------------------------------------------------------------------- */

typedef void ext_function_body(sqlite3_context *, int, sqlite3_value **);

typedef struct ext_function {
  const char *name;
  int least, most; /* arguments */
  ext_function_body *body;
  bool writes; /* left out of sqlite3_mmap_readonly_init */
  bool pure;   /* touches no file: deterministic */
} ext_function;

typedef struct ext_module {
  const char *name;
  const sqlite3_module *module; /* NULL: none of this kind */
  const sqlite3_module
      *read_module; /* in its place in sqlite3_mmap_readonly_init; may be the same */
} ext_module;

/* All there is, in the order of registration. Each family is an array ext_functions_x in an fn_*.c,
** ended by a NULL name; the last has mmap_version at its end, which tells that all the others are
** there: loading may fail halfway, and be tried again. Each table is an ext_module_x in a
** tab_*.c. */
/* clang-format off */
#define EXT_FUNCTIONS(X) \
  X(check) X(open) X(bytes) X(find) X(position) X(search) X(config)
#define EXT_MODULES(X) \
  X(writer) X(mmap) X(lines) X(list) X(changes) X(find_all) X(search_all) X(strings) X(hexdump) \
  X(histogram) X(diff) X(glob)
/* clang-format on */

#define EXT_DECLARE(x) extern const ext_function ext_functions_##x[];
EXT_FUNCTIONS(EXT_DECLARE)
#undef EXT_DECLARE
#define EXT_DECLARE(x) extern const ext_module ext_module_##x;
EXT_MODULES(EXT_DECLARE)
#undef EXT_DECLARE

/* The connection that a function belongs to. */
static inline ext_conn *ext_conn_of(sqlite3_context *context) {
  return sqlite3_user_data(context);
}

#endif
