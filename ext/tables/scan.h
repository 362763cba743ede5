/*
** scan.h: what the tables that scan a file share: mmap_find_all and its like.
**
**     SELECT … FROM mmap_x(file [, …]) WHERE offset BETWEEN … AND …
**
** The arguments are hidden columns after the visible ones, the first of which is `offset`; rows
** come in its ascending order. A file that a cursor is given again and again, as in a join, is
** resolved and refreshed once.
*/
#ifndef EXT_SCAN_H
#define EXT_SCAN_H

#include "core/search/find.h"
#include "ext/tables/tab.h"

/* ---- a file argument of a cursor ------------------------------------------------------------ */

/* All zeros: none yet. */
typedef struct ext_source {
  ext_object *object;   /* held; NULL: none */
  sqlite3_int64 handle; /* which one it was given as; 0: as a path */
  char *path;           /* owned */
  uint64_t start;       /* of the window, in the object */
  uint64_t length;      /* of the window, when the scan began */
} ext_source;

/* Use the file that `value` names, which is not NULL: resolved and refreshed, unless it is in use
** already. Sets the window anew. `reads`: the cursor's; see use.h. */
int ext_source_use(ext_conn *conn, ext_source *source, ext_reads *reads, sqlite3_value *value,
                   mm_error *err);
void ext_source_clear(ext_source *source);

/* The bytes now: this very statement may write to them, and cut them. Never NULL. */
static inline const uint8_t *ext_source_data(const ext_source *source) {
  static const uint8_t nothing[1] = {0};
  const mm_object *core = source->object->core;
  return core->data ? core->data + source->start : nothing;
}

static inline uint64_t ext_source_length(const ext_source *source) {
  uint64_t size = source->object->core->size;
  uint64_t length = size > source->start ? size - source->start : 0;
  return length < source->length ? length : source->length;
}

/* When a file was looked at, for whoever finds ahead of his rows. Behind it the bytes that were looked at
** are still there to be read. */
typedef struct ext_stamp {
  uint64_t
      changes; /* of the object, and those of the connection: another object may be of that file */
  uint64_t size; /* the object's */
} ext_stamp;

static inline ext_stamp ext_stamp_now(const ext_object *object) {
  return (ext_stamp){object->core->edits + object->conn->writes, object->core->size};
}

/* Has the connection written nothing since? What others have written it does not tell: what was found
** is looked at again when its row comes. */
static inline bool ext_stamp_holds(const ext_stamp *stamp, const ext_object *object) {
  return stamp->changes == object->core->edits + object->conn->writes &&
         stamp->size == object->core->size;
}

/* ---- a scan --------------------------------------------------------------------------------- */

#define EXT_SCAN_ARGUMENTS 4

/* A table, as its module describes it. */
typedef struct ext_scan_table {
  const char *name;    /* for messages */
  const char *columns; /* for sqlite3_declare_vtab */
  int hidden;          /* index of the first argument's column */
  int least, most;     /* arguments; at most EXT_SCAN_ARGUMENTS */
  double rows;         /* a guess */
  bool unordered;      /* the first column is no offset: constraints on it are SQLite's affair */
  bool unsorted;       /* … and rows do not ascend by it */
} ext_scan_table;

/* A cursor starts with one. */
typedef struct ext_scan {
  sqlite3_vtab_cursor base;
  ext_given given;
  ext_source file;
  int64_t low, high; /* offsets that WHERE leaves */
  uint64_t from, to; /* the part of the window that start and stop leave */
  bool done;
} ext_scan;

/* The methods of a module, called with its table. */
int ext_scan_connect(const ext_scan_table *table, sqlite3 *db, void *conn, sqlite3_vtab **out,
                     char **error);
int ext_scan_best_index(const ext_scan_table *table, sqlite3_vtab *base, sqlite3_index_info *info);
int ext_scan_open(sqlite3_vtab *base, size_t size, sqlite3_vtab_cursor **out);
int ext_scan_eof(sqlite3_vtab_cursor *base);
int ext_scan_close(sqlite3_vtab_cursor *base); /* of a cursor that owns nothing else */

/* What the methods of all do before those of each. A plan without arguments; false: there is more to
** do. */
bool ext_scan_filtered(const ext_scan_table *table, ext_scan *scan, int plan, int *rc);

/* A column that is an argument, or any where none are given: ext_scan_tell_column is its xColumn. */
static inline bool ext_scan_is_told(const ext_scan_table *table, const ext_scan *scan, int column) {
  return (unsigned)(column - table->hidden) < (unsigned)table->most || scan->given.missing;
}
int ext_scan_tell_column(const ext_scan_table *table, ext_scan *scan, sqlite3_context *context,
                         int column);

/* After xRowid. */
int ext_scan_tell(const ext_scan_table *table, ext_scan *scan, sqlite3_int64 rowid);

/* The start of xFilter: unpacks the plan. args[i] is the i-th argument, NULL if it was not given,
** and the file is the first. Sets low and high; from and to are all of the window. `done` if an
** argument is NULL, and so no row is to come. SQLite's code. */
int ext_scan_begin(const ext_scan_table *table, ext_scan *scan, int plan, const char *operators,
                   int argc, sqlite3_value **argv, sqlite3_value *args[EXT_SCAN_ARGUMENTS]);

/* Narrow from .. to by arguments start and stop, which are clamped to the window. *past: stop lies
** before start, and not even nothing is there. */
int ext_scan_bounds(const ext_scan_table *table, ext_scan *scan, sqlite3_value *start,
                    sqlite3_value *stop, bool *past);

/* The connection, its error, and a failure with the sentence that is in it: SQLite's code. */
static inline ext_conn *ext_scan_conn(const ext_scan *scan) {
  return ((ext_tab *)scan->base.pVtab)->conn;
}
static inline mm_error *ext_scan_error(const ext_scan *scan) {
  return &ext_scan_conn(scan)->err;
}
int ext_scan_fail(const ext_scan_table *table, ext_scan *scan);

/* After bytes were read: SQLITE_OK, or a failure if a fault has spoilt them. At the end of the scan
** also if the file was cut meanwhile inside a page, which is no fault: that costs a system call. */
int ext_scan_faulted(const ext_scan_table *table, ext_scan *scan);
static inline int ext_scan_check(const ext_scan_table *table, ext_scan *scan) {
  bool look = scan->done || mm_object_hit(scan->file.object->core);
  return look ? ext_scan_faulted(table, scan) : SQLITE_OK;
}

/* A module's methods, all but those that know its rows: define xOpen, xFilter, xNext, xColumn and
** xRowid as prefixOpen … and the table as prefix_table before. */
#define EXT_SCAN_MODULE(prefix, close)                                                             \
  static int prefix##Connect(sqlite3 *db, void *conn, int argc, const char *const *argv,           \
                             sqlite3_vtab **out, char **error) {                                   \
    (void)argc, (void)argv;                                                                        \
    return ext_scan_connect(&prefix##_table, db, conn, out, error);                                \
  }                                                                                                \
  static int prefix##BestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {                     \
    return ext_scan_best_index(&prefix##_table, base, info);                                       \
  }                                                                                                \
  static int prefix##Open(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {                         \
    return ext_scan_open(base, sizeof(prefix##_cursor), out);                                      \
  }                                                                                                \
  static int prefix##FilterOrFail(sqlite3_vtab_cursor *base, int plan, const char *operators,      \
                                  int argc, sqlite3_value **argv) {                                \
    int rc;                                                                                        \
    if (ext_scan_filtered(&prefix##_table, (ext_scan *)base, plan, &rc)) return rc;                \
    return prefix##Filter(base, plan, operators, argc, argv);                                      \
  }                                                                                                \
  static int prefix##NextOrEnd(sqlite3_vtab_cursor *base) {                                        \
    ext_scan *scan = (ext_scan *)base;                                                             \
    if (!scan->given.missing) return prefix##Next(base);                                           \
    scan->done = true;                                                                             \
    return SQLITE_OK;                                                                              \
  }                                                                                                \
  static int prefix##AnyColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {  \
    ext_scan *scan = (ext_scan *)base;                                                             \
    if (ext_scan_is_told(&prefix##_table, scan, column)) {                                         \
      return ext_scan_tell_column(&prefix##_table, scan, context, column);                         \
    }                                                                                              \
    return prefix##Column(base, context, column);                                                  \
  }                                                                                                \
  static int prefix##CheckedRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {               \
    int rc = prefix##Rowid(base, rowid);                                                           \
    return rc ? rc : ext_scan_tell(&prefix##_table, (ext_scan *)base, *rowid);                     \
  }                                                                                                \
  static const sqlite3_module prefix##_module = {                                                  \
      .iVersion = 0,                                                                               \
      .xConnect = prefix##Connect,                                                                 \
      .xBestIndex = prefix##BestIndex,                                                             \
      .xDisconnect = ext_tab_disconnect,                                                           \
      .xOpen = prefix##Open,                                                                       \
      .xClose = (close),                                                                           \
      .xFilter = prefix##FilterOrFail,                                                             \
      .xNext = prefix##NextOrEnd,                                                                  \
      .xEof = ext_scan_eof,                                                                        \
      .xColumn = prefix##AnyColumn,                                                                \
      .xRowid = prefix##CheckedRowid,                                                              \
  }

#endif
