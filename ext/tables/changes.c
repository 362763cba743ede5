/*
** changes.c: the table `mmap_changes`: what COMMIT is about to write.
**
** A row for each run of bytes that will be overwritten, with those in the file now and those to
** come; and one for a change of size:
**
**     growth   (path, old size, bytes added, NULL, the new bytes)
**     a cut    (path, new size, bytes removed, the old bytes, NULL)
**
** The rows are of the moment when the scan begins. Where rows of a table have been deleted they
** show the file closing up, which is done for this and undone again.
*/
#include "ext/tables/pending.h"
#include "ext/tables/tab.h"

#include "core/common/mem.h"

enum { CHANGES_PATH, CHANGES_OFFSET, CHANGES_LENGTH, CHANGES_OLD, CHANGES_NEW };

static const char changes_columns[] =
    "CREATE TABLE x(path TEXT, offset INTEGER, length INTEGER, old BLOB, new BLOB)";

typedef struct changes_row {
  ext_object *object; /* held */
  uint64_t offset, length;
  bool has_old, has_new;
  uint8_t *copy; /* owned: the new bytes, where they are not in the object yet; NULL: they are */
} changes_row;

typedef struct changes_cursor {
  sqlite3_vtab_cursor base;
  changes_row *rows;
  size_t count, capacity, at;
} changes_cursor;

static int changesConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                          sqlite3_vtab **out, char **error) {
  (void)argc, (void)argv;
  return ext_tab_connect(db, conn, changes_columns, sizeof(ext_tab), out, error);
}

static int changesBestIndex(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  info->estimatedCost = 100;
  info->estimatedRows = 10;
  return SQLITE_OK;
}

static int changesOpen(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  return ext_tab_open(table, sizeof(changes_cursor), out);
}

static void clear_rows(changes_cursor *cursor) {
  for (size_t i = 0; i < cursor->count; i++) {
    ext_object_release(cursor->rows[i].object);
    mm_free(cursor->rows[i].copy);
  }
  mm_free(cursor->rows);
  cursor->rows = NULL;
  cursor->count = cursor->capacity = 0;
}

static int changesClose(sqlite3_vtab_cursor *base) {
  clear_rows((changes_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int add_row(changes_cursor *cursor, changes_row row, mm_error *err) {
  void *rows = cursor->rows;
  if (mm_grow(&rows, cursor->count, &cursor->capacity, sizeof row)) return mm_fail_nomem(err);
  cursor->rows = rows;
  ext_object_hold(row.object);
  cursor->rows[cursor->count++] = row;
  return MM_OK;
}

static int add_changes(changes_cursor *cursor, ext_object *object, mm_error *err) {
  ext_pending pending = {0};
  int rc = ext_pending_of(object, &pending, err);
  for (size_t i = 0; i < pending.count && rc == MM_OK; i++) {
    const ext_pending_run *run = &pending.runs[i];
    rc = add_row(cursor,
                 (changes_row){object, run->offset, run->length, run->has_old, run->has_new, NULL},
                 err);
  }
  mm_free(pending.runs);
  return rc;
}

/* The closing up after a DELETE is undone again before the rows are read. */
static int copy_new(changes_cursor *cursor, mm_error *err) {
  for (size_t i = 0; i < cursor->count; i++) {
    changes_row *row = &cursor->rows[i];
    if (!row->has_new) continue;
    row->copy = mm_alloc(row->length);
    if (!row->copy) return mm_fail_nomem(err);
    memcpy(row->copy, row->object->core->data + row->offset, (size_t)row->length);
    int rc = mm_object_whole(row->object->core, err);
    if (rc) return rc;
  }
  return MM_OK;
}

static int add_objects(changes_cursor *cursor, ext_conn *conn) {
  int rc = MM_OK;
  for (ext_object *o = conn->objects; o && rc == MM_OK; o = o->next) {
    bool written = mm_object_pending(o->core) && o->core->kind != MM_OBJECT_PRIVATE;
    if (written) rc = add_changes(cursor, o, &conn->err);
  }
  return rc;
}

static int add_closing_up(changes_cursor *cursor, ext_conn *conn) {
  int rc = ext_txn_preview(conn, &conn->err);
  if (rc == MM_OK) rc = add_objects(cursor, conn);
  if (rc == MM_OK) rc = copy_new(cursor, &conn->err);
  ext_txn_reopen(conn);
  return rc;
}

static int changesFilter(sqlite3_vtab_cursor *base, int plan, const char *string, int argc,
                         sqlite3_value **argv) {
  changes_cursor *cursor = (changes_cursor *)base;
  ext_conn *conn = ((ext_tab *)base->pVtab)->conn;
  (void)plan, (void)string, (void)argc, (void)argv;
  clear_rows(cursor);
  cursor->at = 0;
  int rc = ext_txn_defers(conn) ? add_closing_up(cursor, conn) : add_objects(cursor, conn);
  return rc ? ext_cursor_error(base, "mmap_changes", &conn->err) : SQLITE_OK;
}

static int changesNext(sqlite3_vtab_cursor *base) {
  ((changes_cursor *)base)->at++;
  return SQLITE_OK;
}

static int changesEof(sqlite3_vtab_cursor *base) {
  const changes_cursor *cursor = (const changes_cursor *)base;
  return cursor->at >= cursor->count;
}

/* The bytes that are in the file now. */
static int result_old(sqlite3_context *context, const changes_row *row, mm_error *err) {
  uint64_t got;
  uint64_t most =
      (uint64_t)sqlite3_limit(sqlite3_context_db_handle(context), SQLITE_LIMIT_LENGTH, -1);
  if (row->length > most) {
    sqlite3_result_error_toobig(context);
    return MM_OK;
  }
  uint8_t *bytes = sqlite3_malloc64(row->length);
  if (!bytes) return mm_fail_nomem(err);
  int rc = mm_object_read_file(row->object->core, row->offset, bytes, row->length, &got, err);
  if (rc) {
    sqlite3_free(bytes);
  } else {
    sqlite3_result_blob64(context, bytes, got, sqlite3_free);
  }
  return rc;
}

static int result_new(sqlite3_context *context, const changes_row *row, mm_error *err) {
  if (row->copy) {
    sqlite3_result_blob64(context, row->copy, row->length, SQLITE_TRANSIENT);
    return MM_OK;
  }
  const mm_object *core = row->object->core;
  uint64_t end = row->offset + row->length;
  if (end > core->size) end = core->size; /* rolled back meanwhile */
  if (row->offset < end) ext_result_bytes(context, row->object, row->offset, end - row->offset);
  return mm_object_whole(core, err);
}

static int changesColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const changes_cursor *cursor = (const changes_cursor *)base;
  const changes_row *row = &cursor->rows[cursor->at];
  ext_conn *conn = ((ext_tab *)base->pVtab)->conn;
  int rc = MM_OK;
  switch (column) {
    case CHANGES_PATH:
      if (row->object->core->real && row->object->core->kind != MM_OBJECT_TAGGED) {
        sqlite3_result_text(context, row->object->core->real, -1, SQLITE_TRANSIENT);
      }
      break;
    case CHANGES_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)row->offset);
      break;
    case CHANGES_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)row->length);
      break;
    case CHANGES_OLD:
      if (row->has_old) rc = result_old(context, row, &conn->err);
      break;
    case CHANGES_NEW:
      if (row->has_new) rc = result_new(context, row, &conn->err);
      break;
  }
  return rc ? ext_cursor_error(base, "mmap_changes", &conn->err) : SQLITE_OK;
}

static int changesRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((const changes_cursor *)base)->at + 1;
  return SQLITE_OK;
}

static const sqlite3_module changes_module = {
    .iVersion = 0,
    .xConnect = changesConnect,
    .xBestIndex = changesBestIndex,
    .xDisconnect = ext_tab_disconnect,
    .xOpen = changesOpen,
    .xClose = changesClose,
    .xFilter = changesFilter,
    .xNext = changesNext,
    .xEof = changesEof,
    .xColumn = changesColumn,
    .xRowid = changesRowid,
};

const ext_module ext_module_changes = {"mmap_changes", &changes_module, &changes_module};
