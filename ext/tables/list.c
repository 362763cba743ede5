/*
** list.c: the table `mmap_list`: what this connection has open.
**
** A row for each open handle, then for each table that was created, then for each other file that
** is mapped. Made when the scan begins, so that it stays the same however long that takes.
*/
#include "ext/tables/tab.h"

#include <string.h>

#include "core/common/mem.h"

enum {
  LIST_HANDLE,
  LIST_NAME,
  LIST_PATH,
  LIST_ACCESS,
  LIST_OFFSET,
  LIST_LENGTH,
  LIST_SIZE,
  LIST_POSITION,
  LIST_PENDING,
  LIST_MTIME,
  LIST_INODE
};

static const char list_columns[] =
    "CREATE TABLE x(handle INTEGER, name TEXT, path TEXT, access TEXT, offset INTEGER,"
    " length INTEGER, size INTEGER, position INTEGER, pending INTEGER, mtime INTEGER HIDDEN,"
    " inode INTEGER HIDDEN)";

typedef struct list_row {
  const ext_handle *handle; /* NULL: a table, or a file without either */
  char *name, *path;        /* owned; NULL: none */
  const char *access;
  uint64_t offset, length, size, position, pending;
  bool has_file;
  mm_stat stat;
} list_row;

typedef struct list_cursor {
  sqlite3_vtab_cursor base;
  list_row *rows;
  size_t count, capacity, at;
} list_cursor;

static int listConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                       sqlite3_vtab **out, char **error) {
  (void)argc, (void)argv;
  return ext_tab_connect(db, conn, list_columns, sizeof(ext_tab), out, error);
}

static int listBestIndex(sqlite3_vtab *table, sqlite3_index_info *info) {
  ((ext_tab *)table)->conn->planned = true;
  info->estimatedCost = 10;
  info->estimatedRows = 10;
  return SQLITE_OK;
}

static int listOpen(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  return ext_tab_open(table, sizeof(list_cursor), out);
}

static void clear_list(list_cursor *cursor) {
  for (size_t i = 0; i < cursor->count; i++) {
    mm_free(cursor->rows[i].name);
    mm_free(cursor->rows[i].path);
  }
  mm_free(cursor->rows);
  cursor->rows = NULL;
  cursor->count = cursor->capacity = 0;
}

static int listClose(sqlite3_vtab_cursor *base) {
  clear_list((list_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* Bytes that COMMIT would write or add now. */
static int pending_bytes(const mm_object *core, uint64_t *out) {
  mm_change change = {0};
  mm_error ignored;
  uint64_t bytes = 0;
  *out = 0;
  if (!mm_object_pending(core)) return SQLITE_OK;
  int rc = mm_object_change(core, &change, &ignored);
  if (rc) return ext_sqlite_code(rc);
  uint64_t kept = change.new_size < change.old_size ? change.new_size : change.old_size;
  mm_change_walk walk = {.change = &change};
  mm_extent e;
  while (mm_change_next(&walk, &e)) {
    if (e.offset < kept) bytes += (e.offset + e.size < kept ? e.offset + e.size : kept) - e.offset;
  }
  bytes += change.new_size > change.old_size ? change.new_size - change.old_size
                                             : change.old_size - change.new_size;
  mm_change_clear(&change);
  *out = bytes;
  return SQLITE_OK;
}

static int add_list_row(list_cursor *cursor, const ext_object *object, list_row row,
                        const char *name) {
  void *rows = cursor->rows;
  const mm_object *core = object->core;
  if (mm_grow(&rows, cursor->count, &cursor->capacity, sizeof row)) return SQLITE_NOMEM;
  cursor->rows = rows;
  row.size = core->size;
  bool has_path =
      core->kind != MM_OBJECT_MEMORY && core->kind != MM_OBJECT_TAGGED && core->real != NULL;
  row.name = name ? mm_strdup(name) : NULL;
  row.has_file = has_path;
  row.stat = core->seen;
  row.path = has_path ? mm_strdup(core->real) : NULL;
  int rc = pending_bytes(core, &row.pending);
  cursor->rows[cursor->count++] = row;
  if ((name && !row.name) || (has_path && !row.path)) rc = SQLITE_NOMEM;
  return rc;
}

static int add_handle_row(list_cursor *cursor, ext_handle *handle) {
  ext_file file = {.object = handle->object, .handle = handle};
  ext_file_window(&file);
  list_row row = {.handle = handle,
                  .access = ext_access_name(handle->access),
                  .offset = handle->offset,
                  .length = file.length,
                  .position = handle->position};
  return add_list_row(cursor, handle->object, row, handle->name);
}

/* Of a table that was renamed, or whose making was undone, SQLite may keep what has written to the
** end of the transaction; and what it had of a database that was detached, till it prepares the
** next statement. */
static int is_in_schema(sqlite3 *db, const ext_checked *table, bool *found) {
  int rc = sqlite3_table_column_metadata(db, *table->database, *table->name, NULL, NULL, NULL, NULL,
                                         NULL, NULL);
  *found = rc == SQLITE_OK;
  return rc == SQLITE_NOMEM ? rc : SQLITE_OK;
}

static int add_table(list_cursor *cursor, sqlite3 *db, const ext_checked *table) {
  ext_listed listed;
  bool found;
  if (!table->list || !table->list(table, &listed)) return SQLITE_OK;
  int rc = is_in_schema(db, table, &found);
  if (rc || !found) return rc;
  list_row row = {
      .access = ext_access_name(listed.access), .offset = listed.offset, .length = listed.length};
  return add_list_row(cursor, listed.object, row, *table->name);
}

static bool is_listed(const list_cursor *cursor, const ext_object *object) {
  const char *real = object->core->real;
  for (size_t i = 0; i < cursor->count; i++) {
    if (real && cursor->rows[i].path && strcmp(cursor->rows[i].path, real) == 0) return true;
  }
  return false;
}

static int add_plain(list_cursor *cursor, const ext_object *object) {
  if (object->core->kind != MM_OBJECT_FILE || is_listed(cursor, object)) return SQLITE_OK;
  const mm_object *core = object->core;
  list_row row = {.access = ext_access_name(core->begun ? EXT_WRITE : EXT_READ),
                  .length = core->size};
  return add_list_row(cursor, object, row, NULL);
}

/* What others did to the files shows here, too. One that cannot be looked at is listed as it was,
** and so is one that was only partly written: that is said once, to the statement that reads it
** next. */
static void refresh_objects(ext_conn *conn) {
  mm_error ignored;
  ext_txn_reopen(conn);
  for (ext_object *o = conn->objects; o; o = o->next) {
    if (o->core->torn) continue;
    (void)mm_object_refresh(o->core, &ignored);
    ext_object_rest(o);
  }
}

static int listFilter(sqlite3_vtab_cursor *base, int plan, const char *string, int argc,
                      sqlite3_value **argv) {
  list_cursor *cursor = (list_cursor *)base;
  ext_conn *conn = ((ext_tab *)base->pVtab)->conn;
  int rc = SQLITE_OK;
  (void)plan, (void)string, (void)argc, (void)argv;
  clear_list(cursor);
  cursor->at = 0;
  refresh_objects(conn);
  for (size_t i = 0; i < conn->handle_count && rc == SQLITE_OK; i++) {
    if (conn->handles[i]->object) rc = add_handle_row(cursor, conn->handles[i]);
  }
  for (ext_checked *t = ext_checked_first(conn); t && rc == SQLITE_OK; t = t->next) {
    rc = add_table(cursor, conn->db, t);
  }
  for (ext_object *o = conn->objects; o && rc == SQLITE_OK; o = o->next) rc = add_plain(cursor, o);
  return rc;
}

static int listNext(sqlite3_vtab_cursor *base) {
  ((list_cursor *)base)->at++;
  return SQLITE_OK;
}

static int listEof(sqlite3_vtab_cursor *base) {
  const list_cursor *cursor = (const list_cursor *)base;
  return cursor->at >= cursor->count;
}

static void result_text(sqlite3_context *context, const char *text) {
  if (text) sqlite3_result_text(context, text, -1, SQLITE_TRANSIENT);
}

static int listColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const list_cursor *cursor = (const list_cursor *)base;
  const list_row *row = &cursor->rows[cursor->at];
  switch (column) {
    case LIST_HANDLE:
      if (row->handle) sqlite3_result_int64(context, row->handle->id);
      break;
    case LIST_NAME:
      result_text(context, row->name);
      break;
    case LIST_PATH:
      result_text(context, row->path);
      break;
    case LIST_ACCESS:
      result_text(context, row->access);
      break;
    case LIST_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)row->offset);
      break;
    case LIST_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)row->length);
      break;
    case LIST_SIZE:
      sqlite3_result_int64(context, (sqlite3_int64)row->size);
      break;
    case LIST_POSITION:
      if (row->handle) sqlite3_result_int64(context, (sqlite3_int64)row->position);
      break;
    case LIST_PENDING:
      sqlite3_result_int64(context, (sqlite3_int64)row->pending);
      break;
    case LIST_MTIME:
      if (row->has_file) sqlite3_result_int64(context, row->stat.mtime);
      break;
    case LIST_INODE:
      if (row->has_file) sqlite3_result_int64(context, (sqlite3_int64)row->stat.inode);
      break;
  }
  return SQLITE_OK;
}

static int listRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((const list_cursor *)base)->at + 1;
  return SQLITE_OK;
}

static const sqlite3_module list_module = {
    .iVersion = 0,
    .xConnect = listConnect,
    .xBestIndex = listBestIndex,
    .xDisconnect = ext_tab_disconnect,
    .xOpen = listOpen,
    .xClose = listClose,
    .xFilter = listFilter,
    .xNext = listNext,
    .xEof = listEof,
    .xColumn = listColumn,
    .xRowid = listRowid,
};

const ext_module ext_module_list = {"mmap_list", &list_module, &list_module};
