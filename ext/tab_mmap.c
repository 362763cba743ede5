/*
** tab_mmap.c: the table `mmap`: a file as rows, a byte or a record each.
**
**     SELECT offset, byte FROM mmap('firmware.bin') WHERE offset < 4;
**     UPDATE mmap SET byte = 0x90 WHERE file = 'firmware.bin' AND offset = 0x1234;
**     CREATE VIRTUAL TABLE temp.t USING mmap('f.bin', offset=0x200, id u32le, name text(8));
**
** One module serves both forms: xCreate is xConnect, so SQLite also offers it as a table-valued
** function. Row i lies at start + i * record, so every constraint on rowid or offset is a bound on i.
**
** The plan that xBestIndex hands to xFilter:
**
**     idxNum   PLAN_FILE        argv[0] is the file (table-valued function)
**              PLAN_DESCENDING  rows come in descending order
**     idxStr   for each further argument two characters, what and how it is compared:
**              'o' offset  'r' rowid  'b' byte        '=' '<' 'l' (<=) '>' 'g' (>=)
**
** Only the file is omitted from SQLite's own checks: the others narrow the scan, and SQLite compares
** what is left once more, so that types and affinities are its own affair.
*/
#include "ext/tab_mmap.h"

#include <string.h>

#include "core/find.h"
#include "core/mem.h"
#include "ext/conn.h"

enum { PLAN_FILE = 1, PLAN_DESCENDING = 2 };

typedef struct mmap_cursor {
  sqlite3_vtab_cursor base;
  ext_object *object;  /* held; NULL: no rows */
  sqlite3_value *file; /* the table-valued function's argument, kept while it stays the same */
  sqlite3_int64 handle; /* … which handle it is; 0: a path */
  char *path;           /* … which path; owned */
  mmap_rows rows;
  int64_t low, high; /* rows still to come: low..high */
  int64_t at;        /* the row now */
  bool descending;
  bool filtered; /* only bytes in `set` are rows */
  bool done;
  uint8_t set[32];
} mmap_cursor;

/* ---- connecting ----------------------------------------------------------------------------- */

static void free_table(mmap_table *table) {
  mmap_spec_clear(&table->spec);
  mm_free(table->database);
  mm_free(table->name);
  ext_object_release(table->own);
  ext_tab_free(&table->tab);
}

/* Is a CREATE VIRTUAL TABLE running? xCreate and xConnect are one function, so the statement tells. */
static bool is_creating(sqlite3 *db) {
  for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
    const char *sql = sqlite3_stmt_busy(s) ? sqlite3_sql(s) : NULL;
    if (sql && ext_contains(sql, "create") && ext_contains(sql, "virtual")) return true;
  }
  return false;
}

static bool is_function(int argc, const char *const *argv) {
  return argc == 3 && sqlite3_stricmp(argv[0], argv[2]) == 0;
}

static void list_table(mmap_table *table) {
  table->next = table->tab.conn->tables;
  table->tab.conn->tables = table;
}

static void unlist_table(mmap_table *table) {
  mmap_table **link = &table->tab.conn->tables;
  while (*link && *link != table) link = &(*link)->next;
  if (*link) *link = table->next;
}

/* The file must be there and be long enough, or be made. */
static int check_file(mmap_table *table, mm_error *err) {
  ext_object *object;
  const mmap_spec *spec = &table->spec;
  int rc = MM_OK;
  if (spec->access == EXT_CREATE) {
    rc = ext_conn_open_path(table->tab.conn, spec->path, true, &object, err);
    if (rc) return rc;
    ext_object_release(object);
  }
  rc = mmap_table_open(table, &object, err);
  if (rc) return rc;
  uint64_t size = object->core->size;
  if (spec->offset > size) {
    rc = mm_fail(err, MM_ERROR, "offset %llu is outside '%s' (%llu bytes)",
                 (unsigned long long)spec->offset, spec->path, (unsigned long long)size);
  } else if (spec->length > size - spec->offset) {
    rc = mm_fail(err, MM_ERROR, "length %llu is more than '%s' has (%llu bytes)",
                 (unsigned long long)spec->length, spec->path,
                 (unsigned long long)(size - spec->offset));
  }
  if (rc == MM_OK && (spec->access == EXT_WRITE || spec->access == EXT_CREATE)) {
    rc = mm_object_check_writable(object->core, err);
  }
  ext_object_release(object);
  return rc;
}

static int report(char **error, const mm_error *err) {
  *error = sqlite3_mprintf("mmap: %s", err->text);
  return ext_sqlite_code(err->code);
}

static int connect_spec(sqlite3 *db, void *conn, mmap_spec *spec, mmap_table **out) {
  sqlite3_vtab *base = NULL;
  char *declaration = mmap_spec_declare(spec);
  int rc = declaration ? ext_tab_connect(db, conn, declaration, sizeof **out, &base, NULL)
                       : SQLITE_NOMEM;
  sqlite3_free(declaration);
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  *out = (mmap_table *)base;
  return rc;
}

static int name_table(mmap_table *table, const char *const *argv) {
  table->database = mm_strdup(argv[1]);
  table->name = mm_strdup(argv[2]);
  return table->database && table->name ? SQLITE_OK : SQLITE_NOMEM;
}

static int mmapConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                       sqlite3_vtab **out, char **error) {
  mm_error *err = &((ext_conn *)conn)->err;
  mmap_spec spec = {.access = -1, .synchronous = -1, .sorted = -1, .record = 1};
  mmap_table *table = NULL;
  bool function = is_function(argc, argv);
  int rc = SQLITE_OK;
  if (!function && mmap_spec_parse(argc, argv, &spec, err)) rc = report(error, err);
  if (rc == SQLITE_OK) rc = connect_spec(db, conn, &spec, &table);
  if (table) {
    table->spec = spec;
    list_table(table);
    if (rc == SQLITE_OK) rc = name_table(table, argv);
  } else {
    mmap_spec_clear(&spec);
  }
  if (rc == SQLITE_OK && !function && is_creating(db) && check_file(table, err)) {
    rc = report(error, err);
  }
  if (rc && table) {
    unlist_table(table);
    free_table(table);
  } else if (table) {
    *out = &table->tab.base;
  }
  return rc;
}

static int mmapDisconnect(sqlite3_vtab *base) {
  mmap_table *table = (mmap_table *)base;
  unlist_table(table);
  free_table(table);
  return SQLITE_OK;
}

static int mmapDestroy(sqlite3_vtab *base) {
  mmap_table *table = (mmap_table *)base;
  mm_error *err = &table->tab.conn->err;
  if (mmap_table_has_pending(table)) {
    mm_fail(err, MM_ERROR, "table '%s' has writes that are not committed", table->name);
    return ext_table_error(base, "mmap", err);
  }
  return mmapDisconnect(base);
}

static int mmapRename(sqlite3_vtab *base, const char *name) {
  mmap_table *table = (mmap_table *)base;
  char *copy = mm_strdup(name);
  if (!copy) return SQLITE_NOMEM;
  mm_free(table->name);
  table->name = copy;
  return SQLITE_OK;
}

/* ---- rows ----------------------------------------------------------------------------------- */

const char *mmap_table_label(const mmap_table *table) {
  return table->spec.path ? table->name : "mmap";
}

mmap_rows mmap_table_rows(const mmap_table *table, const mm_object *object) {
  const mmap_spec *spec = &table->spec;
  uint64_t start = spec->offset < object->size ? spec->offset : object->size;
  uint64_t length = object->size - start;
  if (spec->length && spec->length < length) length = spec->length;
  mmap_rows rows = {.start = start,
                    .count = (int64_t)(length / spec->record),
                    .first = spec->column_count ? 0 : (int64_t)start};
  return rows;
}

int mmap_table_open(mmap_table *table, ext_object **out, mm_error *err) {
  ext_conn *conn = table->tab.conn;
  int rc = MM_OK;
  if (table->spec.access == EXT_COPY) {
    if (!table->own) rc = ext_conn_open_copy(conn, table->spec.path, &table->own, err);
    *out = table->own;
    if (rc == MM_OK) ext_object_hold(table->own);
  } else {
    rc = ext_conn_open_path(conn, table->spec.path, false, out, err);
  }
  if (rc) return rc;
  rc = mm_object_refresh((*out)->core, err);
  if (rc) ext_object_release(*out);
  return rc;
}

/* ---- planning ------------------------------------------------------------------------------- */

static char compared(int op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      return '=';
    case SQLITE_INDEX_CONSTRAINT_LT:
      return '<';
    case SQLITE_INDEX_CONSTRAINT_LE:
      return 'l';
    case SQLITE_INDEX_CONSTRAINT_GT:
      return '>';
    case SQLITE_INDEX_CONSTRAINT_GE:
      return 'g';
    default:
      return 0;
  }
}

static int operator_of(char c) {
  switch (c) {
    case '=':
      return SQLITE_INDEX_CONSTRAINT_EQ;
    case '<':
      return SQLITE_INDEX_CONSTRAINT_LT;
    case 'l':
      return SQLITE_INDEX_CONSTRAINT_LE;
    case '>':
      return SQLITE_INDEX_CONSTRAINT_GT;
    default:
      return SQLITE_INDEX_CONSTRAINT_GE;
  }
}

static bool is_bytes(const mmap_table *table) {
  return table->spec.column_count == 0;
}

/* What a column is to the plan; 0: nothing that narrows a scan. */
static char target_of(const mmap_table *table, int column) {
  if (column < 0) return 'r';
  if (is_bytes(table)) return column == BYTES_OFFSET ? 'o' : column == BYTES_BYTE ? 'b' : 0;
  return column == (int)table->spec.column_count ? 'o' : 0;
}

typedef struct planned {
  char text[2 * 64 + 1];
  size_t size;
  bool one;     /* one row at most */
  double share; /* of all rows */
} planned;

static void plan_constraint(const mmap_table *table, sqlite3_index_info *info, int i, int *next,
                            planned *plan) {
  const struct sqlite3_index_constraint *c = &info->aConstraint[i];
  char how = compared(c->op), what = target_of(table, c->iColumn);
  if (!c->usable || !how || !what || plan->size + 2 >= sizeof plan->text) return;
  plan->text[plan->size++] = what;
  plan->text[plan->size++] = how;
  info->aConstraintUsage[i].argvIndex = (*next)++;
  if (how == '=' && what != 'b') plan->one = true;
  plan->share *= what != 'b' ? 0.25 : how == '=' ? 1.0 / 64 : 0.5;
}

static bool is_row_order(const mmap_table *table, const sqlite3_index_info *info) {
  if (info->nOrderBy != 1) return false;
  char what = target_of(table, info->aOrderBy[0].iColumn);
  return what == 'r' || what == 'o';
}

static int mmapBestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {
  const mmap_table *table = (mmap_table *)base;
  planned plan = {.share = 1};
  int next = 1;
  if (!table->spec.path) {
    unsigned given;
    int rc = ext_tab_arguments(base, info, "mmap", BYTES_FILE, 1, 1, &given, &next);
    if (rc) return rc;
    info->idxNum = PLAN_FILE;
  }
  for (int i = 0; i < info->nConstraint; i++) plan_constraint(table, info, i, &next, &plan);
  if (is_row_order(table, info)) {
    info->orderByConsumed = 1;
    if (info->aOrderBy[0].desc) info->idxNum |= PLAN_DESCENDING;
  }
  double rows = plan.one ? 1 : 1e6 * plan.share;
  info->estimatedRows = (sqlite3_int64)rows;
  info->estimatedCost = plan.one ? 1 : rows;
  if (plan.one) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  info->idxStr = sqlite3_mprintf("%s", plan.text);
  info->needToFreeIdxStr = 1;
  return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- scanning ------------------------------------------------------------------------------- */

static mmap_table *table_of(const mmap_cursor *cursor) {
  return (mmap_table *)cursor->base.pVtab;
}

static ext_conn *conn_of(const mmap_cursor *cursor) {
  return table_of(cursor)->tab.conn;
}

static int fail(mmap_cursor *cursor) {
  const mmap_table *table = table_of(cursor);
  return ext_cursor_error(&cursor->base, mmap_table_label(table), &conn_of(cursor)->err);
}

static int mmapOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  return ext_tab_open(base, sizeof(mmap_cursor), out);
}

static void let_go(mmap_cursor *cursor) {
  ext_object_release(cursor->object);
  mm_free(cursor->path);
  cursor->object = NULL;
  cursor->path = NULL;
  cursor->handle = 0;
}

static int mmapClose(sqlite3_vtab_cursor *base) {
  let_go((mmap_cursor *)base);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* A join asks for the same file again and again: it is resolved and refreshed once. */
static bool is_same_file(const mmap_cursor *cursor, sqlite3_value *file) {
  if (!cursor->object) return false;
  if (sqlite3_value_type(file) == SQLITE_TEXT) {
    const char *path = (const char *)sqlite3_value_text(file);
    return path && cursor->path && strcmp(path, cursor->path) == 0 &&
           strlen(path) == (size_t)sqlite3_value_bytes(file);
  }
  const ext_handle *handle;
  return sqlite3_value_type(file) == SQLITE_INTEGER && cursor->handle &&
         cursor->handle == sqlite3_value_int64(file) &&
         (handle = conn_of(cursor)->handles[cursor->handle - 1])->object == cursor->object;
}

/* Rows of a handle are those of its window. */
static mmap_rows function_rows(const mmap_cursor *cursor) {
  ext_file file = {.object = cursor->object};
  if (cursor->handle) file.handle = conn_of(cursor)->handles[cursor->handle - 1];
  ext_file_window(&file);
  return (mmap_rows){.start = file.start, .count = (int64_t)file.length, .first = 0};
}

static int open_function(mmap_cursor *cursor, sqlite3_value *value) {
  mm_error *err = &conn_of(cursor)->err;
  ext_file file;
  if (!is_same_file(cursor, value)) {
    let_go(cursor);
    if (sqlite3_value_type(value) == SQLITE_NULL) return SQLITE_OK;
    if (ext_file_resolve(conn_of(cursor), value, &file, err)) return fail(cursor);
    cursor->object = file.object;
    cursor->handle = file.handle ? file.handle->id : 0;
    if (!file.handle) {
      cursor->path = mm_strdup((const char *)sqlite3_value_text(value));
      if (!cursor->path) return SQLITE_NOMEM;
    }
  }
  cursor->rows = function_rows(cursor);
  return SQLITE_OK;
}

static int open_table(mmap_cursor *cursor) {
  if (!cursor->object && mmap_table_open(table_of(cursor), &cursor->object, &conn_of(cursor)->err)) {
    return fail(cursor);
  }
  cursor->rows = mmap_table_rows(table_of(cursor), cursor->object->core);
  return SQLITE_OK;
}

/* Bounds on the offset are bounds on the row: the first row that begins at or after the lower one, the
** last that begins at or before the upper one. */
static void bound_offset(mmap_cursor *cursor, int op, sqlite3_value *value) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  int64_t record = (int64_t)table_of(cursor)->spec.record;
  int64_t start = table_of(cursor)->spec.path ? (int64_t)cursor->rows.start : 0;
  ext_bound_integer(op, value, &low, &high);
  if (low > high || high < start) {
    cursor->high = -1;
    return;
  }
  if (low > start) {
    int64_t row = (low - start) / record + ((low - start) % record != 0);
    if (row > cursor->low) cursor->low = row;
  }
  int64_t row = (high - start) / record;
  if (row < cursor->high) cursor->high = row;
}

static void bound_rowid(mmap_cursor *cursor, int op, sqlite3_value *value) {
  int64_t low = INT64_MIN, high = INT64_MAX, first = cursor->rows.first;
  ext_bound_integer(op, value, &low, &high);
  if (low > high || high < first) {
    cursor->high = -1;
    return;
  }
  if (low > first && low - first > cursor->low) cursor->low = low - first;
  if (high - first < cursor->high) cursor->high = high - first;
}

static void bound_byte(mmap_cursor *cursor, int op, sqlite3_value *value) {
  int64_t low = 0, high = 255;
  ext_bound_integer(op, value, &low, &high);
  if (!cursor->filtered) memset(cursor->set, 0xff, sizeof cursor->set);
  cursor->filtered = true;
  for (int b = 0; b < 256; b++) {
    if (b < low || b > high) cursor->set[b >> 3] &= (uint8_t)~(1u << (b & 7));
  }
}

static const uint8_t *row_data(const mmap_cursor *cursor, int64_t row) {
  uint64_t record = table_of(cursor)->spec.record;
  return cursor->object->core->data + cursor->rows.start + (uint64_t)row * record;
}

static int faulted(mmap_cursor *cursor) {
  mm_object_faulted(cursor->object->core, &conn_of(cursor)->err);
  return fail(cursor);
}

/* Rows that a rollback or a cut in this very statement has taken away are not there any more. */
static void clip(mmap_cursor *cursor) {
  const mm_object *core = cursor->object->core;
  uint64_t record = table_of(cursor)->spec.record;
  uint64_t size = core->size > cursor->rows.start ? core->size - cursor->rows.start : 0;
  int64_t last = (int64_t)(size / record) - 1;
  if (cursor->high > last) cursor->high = last;
}

/* Go to the next byte of the set, from `at` on. */
static int seek_set(mmap_cursor *cursor) {
  mm_find_watch watch;
  uint64_t size = (uint64_t)(cursor->high - cursor->low + 1);
  ext_conn_watch(conn_of(cursor), &watch);
  const uint8_t *data = row_data(cursor, cursor->low);
  int64_t found = cursor->descending ? mm_rfind_set(cursor->set, data, size, &watch)
                                     : mm_find_set(cursor->set, data, size, &watch);
  if (found == MM_FIND_STOPPED) return SQLITE_INTERRUPT;
  cursor->done = found < 0;
  cursor->at = cursor->low + found;
  return mm_object_hit(cursor->object->core) ? faulted(cursor) : SQLITE_OK;
}

/* Stand on the first row of low..high, in the order of the scan. */
static int settle(mmap_cursor *cursor) {
  if (cursor->object) clip(cursor);
  cursor->done = cursor->low > cursor->high;
  if (cursor->done) return SQLITE_OK;
  if (cursor->filtered) return seek_set(cursor);
  cursor->at = cursor->descending ? cursor->high : cursor->low;
  return SQLITE_OK;
}

static int mmapFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
                      sqlite3_value **argv) {
  mmap_cursor *cursor = (mmap_cursor *)base;
  int arg = 0;
  int rc = plan & PLAN_FILE ? open_function(cursor, argv[arg++]) : open_table(cursor);
  cursor->filtered = false;
  cursor->descending = (plan & PLAN_DESCENDING) != 0;
  cursor->low = 0;
  cursor->high = cursor->object ? cursor->rows.count - 1 : -1;
  for (; rc == SQLITE_OK && arg < argc; arg++, constraints += 2) {
    int op = operator_of(constraints[1]);
    if (constraints[0] == 'o') bound_offset(cursor, op, argv[arg]);
    if (constraints[0] == 'r') bound_rowid(cursor, op, argv[arg]);
    if (constraints[0] == 'b') bound_byte(cursor, op, argv[arg]);
  }
  return rc ? rc : settle(cursor);
}

static int mmapNext(sqlite3_vtab_cursor *base) {
  mmap_cursor *cursor = (mmap_cursor *)base;
  if (cursor->descending) {
    cursor->high = cursor->at - 1;
  } else {
    cursor->low = cursor->at + 1;
  }
  return settle(cursor);
}

static int mmapEof(sqlite3_vtab_cursor *base) {
  return ((mmap_cursor *)base)->done;
}

static sqlite3_int64 offset_of(const mmap_cursor *cursor) {
  int64_t offset = cursor->at * (int64_t)table_of(cursor)->spec.record;
  return table_of(cursor)->spec.path ? (int64_t)cursor->rows.start + offset : offset;
}

static void result_file(const mmap_cursor *cursor, sqlite3_context *context) {
  if (sqlite3_vtab_nochange(context)) {
    mmap_result_file_mark(context, conn_of(cursor), cursor->path, cursor->handle);
  } else if (cursor->path) {
    sqlite3_result_text(context, cursor->path, -1, SQLITE_TRANSIENT);
  } else {
    sqlite3_result_int64(context, cursor->handle);
  }
}

static void bytes_column(const mmap_cursor *cursor, sqlite3_context *context, int column) {
  if (column == BYTES_FILE) {
    result_file(cursor, context);
  } else if (sqlite3_vtab_nochange(context)) {
    return; /* xUpdate learns that it is not set */
  } else if (column == BYTES_OFFSET) {
    sqlite3_result_int64(context, offset_of(cursor));
  } else {
    sqlite3_result_int(context, *row_data(cursor, cursor->at));
  }
}

static void record_column(const mmap_cursor *cursor, sqlite3_context *context, int column) {
  const mmap_spec *spec = &table_of(cursor)->spec;
  if (sqlite3_vtab_nochange(context)) return;
  if (column == (int)spec->column_count) {
    sqlite3_result_int64(context, offset_of(cursor));
  } else {
    const mmap_column *c = &spec->columns[column];
    ext_result_typed(context, c->type, row_data(cursor, cursor->at) + c->at);
  }
}

static int mmapColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  mmap_cursor *cursor = (mmap_cursor *)base;
  if (is_bytes(table_of(cursor))) {
    bytes_column(cursor, context, column);
  } else {
    record_column(cursor, context, column);
  }
  return mm_object_hit(cursor->object->core) ? faulted(cursor) : SQLITE_OK;
}

static int mmapRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  const mmap_cursor *cursor = (const mmap_cursor *)base;
  *rowid = cursor->rows.first + cursor->at;
  return SQLITE_OK;
}

#define READ_METHODS                                                                        \
  .iVersion = 2, .xCreate = mmapConnect, .xConnect = mmapConnect, .xBestIndex = mmapBestIndex, \
  .xDisconnect = mmapDisconnect, .xDestroy = mmapDestroy, .xOpen = mmapOpen,                  \
  .xClose = mmapClose, .xFilter = mmapFilter, .xNext = mmapNext, .xEof = mmapEof,             \
  .xColumn = mmapColumn, .xRowid = mmapRowid, .xRename = mmapRename

static const sqlite3_module mmap_module = {
    READ_METHODS,
    .xUpdate = mmapUpdate,
    .xBegin = ext_tab_begin,
    .xSync = ext_tab_sync,
    .xCommit = ext_tab_commit,
    .xRollback = ext_tab_rollback,
    .xSavepoint = ext_tab_savepoint,
    .xRelease = ext_tab_release,
    .xRollbackTo = ext_tab_rollback_to,
};

static const sqlite3_module mmap_read_module = {READ_METHODS};

const ext_module ext_module_mmap = {"mmap", &mmap_module, &mmap_read_module};
