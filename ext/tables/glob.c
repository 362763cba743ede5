/*
** glob.c: the table `mmap_glob`: the regular files that a shell pattern names.
**
**     SELECT path, size FROM mmap_glob('core.????') ORDER BY size DESC;
**     SELECT path, mmap_count(path, x'00') FROM mmap_glob('*.bin') WHERE error IS NULL;
**
** A file that cannot be opened would end the whole statement. `error` tells beforehand: the file is
** opened for it, and stays open for its next use. `mtime`, in nanoseconds since 1970, and `inode` tell
** whether what was read before is still what the file has.
*/
#include "core/os/glob.h"
#include "ext/tables/tab.h"

enum { GLOB_PATH, GLOB_SIZE, GLOB_PATTERN, GLOB_ERROR, GLOB_MTIME, GLOB_INODE };

static const char glob_columns[] =
    "CREATE TABLE x(path TEXT, size INTEGER, pattern HIDDEN, error TEXT HIDDEN,"
    " mtime INTEGER HIDDEN, inode INTEGER HIDDEN)";

typedef struct glob_cursor {
  sqlite3_vtab_cursor base;
  ext_given given;
  mm_glob *glob; /* owned; NULL: no rows */
  mm_watch watch;
  const char *path; /* NULL: no more */
  mm_stat stat;
  sqlite3_int64 rowid;
} glob_cursor;

static int globConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                       sqlite3_vtab **out, char **error) {
  (void)argc, (void)argv;
  return ext_tab_connect(db, conn, glob_columns, sizeof(ext_tab), out, error);
}

static int globBestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {
  unsigned given;
  int next;
  info->estimatedCost = 1e5;
  info->estimatedRows = 1000;
  int rc = ext_tab_arguments(info, GLOB_PATTERN, 1, 1, &given, &next);
  if (rc || info->idxNum == EXT_PLAN_MISSING) return rc;
  return ext_given_plan(((ext_tab *)base)->conn, info, "");
}

static int globOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  int rc = ext_tab_open(base, sizeof(glob_cursor), out);
  if (rc == SQLITE_OK) ext_given_open(&((ext_tab *)base)->opened, &((glob_cursor *)*out)->given);
  return rc;
}

static ext_tab *glob_tab(const glob_cursor *cursor) {
  return (ext_tab *)cursor->base.pVtab;
}

static int globClose(sqlite3_vtab_cursor *base) {
  glob_cursor *cursor = (glob_cursor *)base;
  ext_given_close(&glob_tab(cursor)->opened, &cursor->given);
  mm_glob_close(cursor->glob);
  sqlite3_free(base);
  return SQLITE_OK;
}

static ext_conn *glob_conn(const glob_cursor *cursor) {
  return glob_tab(cursor)->conn;
}

static int glob_fail(glob_cursor *cursor) {
  return ext_cursor_error(&cursor->base, "mmap_glob", &glob_conn(cursor)->err);
}

static int glob_missing(glob_cursor *cursor) {
  ext_tab_missing(glob_conn(cursor), 1);
  return glob_fail(cursor);
}

static int globNext(sqlite3_vtab_cursor *base) {
  glob_cursor *cursor = (glob_cursor *)base;
  mm_error *err = &glob_conn(cursor)->err;
  if (cursor->given.missing) {
    cursor->given.missing = false;
    return SQLITE_OK;
  }
  int rc = mm_glob_next(cursor->glob, &cursor->watch, &cursor->path, &cursor->stat, err);
  cursor->rowid++;
  if (rc == MM_INTERRUPT) return SQLITE_INTERRUPT;
  return rc ? glob_fail(cursor) : SQLITE_OK;
}

static int globFilter(sqlite3_vtab_cursor *base, int plan, const char *string, int argc,
                      sqlite3_value **argv) {
  glob_cursor *cursor = (glob_cursor *)base;
  ext_conn *conn = glob_conn(cursor);
  const char *pattern;
  (void)argc;
  mm_glob_close(cursor->glob);
  cursor->glob = NULL;
  cursor->path = NULL;
  cursor->rowid = 0;
  if (plan == EXT_PLAN_MISSING) {
    return ext_given_missing(&cursor->given, conn->db) ? SQLITE_OK : glob_missing(cursor);
  }
  if (ext_given_take(&glob_tab(cursor)->opened, &cursor->given, string, argv, 1, &conn->err)) {
    return glob_fail(cursor);
  }
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL) return SQLITE_OK;
  if (ext_value_text(argv[0], "pattern", &pattern, &conn->err)) return glob_fail(cursor);
  if (mm_glob_open(&conn->root, pattern, &cursor->glob, &conn->err)) return glob_fail(cursor);
  ext_conn_watch(conn, &cursor->watch);
  return globNext(base);
}

static int globEof(sqlite3_vtab_cursor *base) {
  const glob_cursor *cursor = (const glob_cursor *)base;
  return !cursor->path && !cursor->given.missing;
}

/* What mmap_open does to read it. */
static int try_to_open(ext_conn *conn, const char *path, mm_error *err) {
  ext_object *object;
  int rc = ext_use_path(conn, path, false, NULL, &object, err);
  ext_object_release(object);
  return rc;
}

/* NULL, or what it says. That there is no memory, or that the user has had enough, says nothing
** about the file. */
static int result_try(glob_cursor *cursor, sqlite3_context *context) {
  mm_error *err = &glob_conn(cursor)->err;
  int rc = try_to_open(glob_conn(cursor), cursor->path, err);
  if (rc == MM_NOMEM || rc == MM_INTERRUPT) return glob_fail(cursor);
  if (rc) sqlite3_result_text(context, err->text, -1, SQLITE_TRANSIENT);
  return SQLITE_OK;
}

static int globColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  glob_cursor *cursor = (glob_cursor *)base;
  if (cursor->given.missing) return glob_missing(cursor);
  if (column == GLOB_PATTERN) ext_given_result(&cursor->given, context, 0);
  if (column == GLOB_PATH) sqlite3_result_text(context, cursor->path, -1, SQLITE_TRANSIENT);
  if (column == GLOB_SIZE) sqlite3_result_int64(context, (sqlite3_int64)cursor->stat.size);
  if (column == GLOB_MTIME) sqlite3_result_int64(context, cursor->stat.mtime);
  if (column == GLOB_INODE) sqlite3_result_int64(context, (sqlite3_int64)cursor->stat.inode);
  return column == GLOB_ERROR ? result_try(cursor, context) : SQLITE_OK;
}

static int globRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  glob_cursor *cursor = (glob_cursor *)base;
  *rowid = cursor->rowid;
  if (cursor->given.missing) return glob_missing(cursor);
  return ext_given_tell(&cursor->given, *rowid, &glob_conn(cursor)->err) ? glob_fail(cursor)
                                                                         : SQLITE_OK;
}

static const sqlite3_module glob_module = {
    .iVersion = 0,
    .xConnect = globConnect,
    .xBestIndex = globBestIndex,
    .xDisconnect = ext_tab_disconnect,
    .xOpen = globOpen,
    .xClose = globClose,
    .xFilter = globFilter,
    .xNext = globNext,
    .xEof = globEof,
    .xColumn = globColumn,
    .xRowid = globRowid,
};

const ext_module ext_module_glob = {"mmap_glob", &glob_module, &glob_module};
