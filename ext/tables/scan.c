#include "ext/tables/scan.h"

#include "core/common/mem.h"

/* ---- a file argument of a cursor ------------------------------------------------------------ */

void ext_source_clear(ext_source *source) {
  ext_object_release(source->object);
  mm_free(source->path);
  memset(source, 0, sizeof *source);
}

static bool is_same_path(const ext_source *source, sqlite3_value *value) {
  const char *path = source->path ? (const char *)sqlite3_value_text(value) : NULL;
  return path && strcmp(path, source->path) == 0 &&
         strlen(path) == (size_t)sqlite3_value_bytes(value);
}

/* The handle, if it still is the object's. */
static ext_handle *handle_of(ext_conn *conn, const ext_source *source) {
  ext_handle *handle = source->handle ? conn->handles[source->handle - 1] : NULL;
  return handle && handle->object == source->object ? handle : NULL;
}

static bool is_same(ext_conn *conn, const ext_source *source, sqlite3_value *value) {
  if (!source->object) return false;
  if (sqlite3_value_type(value) == SQLITE_TEXT) return is_same_path(source, value);
  return sqlite3_value_type(value) == SQLITE_INTEGER && source->handle &&
         sqlite3_value_int64(value) == source->handle && handle_of(conn, source);
}

static int open_source(ext_conn *conn, ext_source *source, ext_reads *reads, sqlite3_value *value,
                       mm_error *err) {
  ext_file file;
  int rc = ext_file_resolve(conn, value, reads, &file, err);
  if (rc) return rc;
  source->object = file.object;
  source->handle = file.handle ? file.handle->id : 0;
  source->path = file.handle ? NULL : mm_strdup((const char *)sqlite3_value_text(value));
  return file.handle || source->path ? MM_OK : mm_fail_nomem(err);
}

int ext_source_use(ext_conn *conn, ext_source *source, ext_reads *reads, sqlite3_value *value,
                   mm_error *err) {
  if (!is_same(conn, source, value)) {
    ext_source_clear(source);
    int rc = open_source(conn, source, reads, value, err);
    if (rc) return rc;
  }
  ext_file file = {.object = source->object, .handle = handle_of(conn, source)};
  ext_file_window(&file);
  source->start = file.start;
  source->length = file.length;
  return MM_OK;
}

/* ---- planning ------------------------------------------------------------------------------- */

/*
** The plan that xBestIndex hands to xFilter:
**
**     idxNum   a bit for each argument that is given, which come first in argv
**     idxStr   words for people and a colon; then for each further one, which bounds the offset, its
**              operator (ext_tab_operator)
*/

int ext_scan_connect(const ext_scan_table *table, sqlite3 *db, void *conn, sqlite3_vtab **out,
                     char **error) {
  return ext_tab_connect(db, conn, table->columns, sizeof(ext_tab), out, error);
}

#define BOUNDS_MOST 32

/* Whether the column is compared as a number is the same for SQLite: it has INTEGER affinity. */
static void plan_bounds(sqlite3_index_info *info, int next, char operators[BOUNDS_MOST + 1],
                        ext_words *words) {
  size_t n = 0;
  for (int i = 0; i < info->nConstraint && n < BOUNDS_MOST; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    char op = c->usable && c->iColumn == 0 ? ext_tab_operator(c->op) : 0;
    if (!op) continue;
    operators[n++] = op;
    ext_words_add(words, "offset", op);
    info->aConstraintUsage[i].argvIndex = next++;
  }
  operators[n] = 0;
}

static double share_of(const char *operators) {
  double share = 1;
  for (; *operators; operators++) share *= *operators == '=' ? 1e-4 : 0.25;
  return share;
}

int ext_scan_best_index(const ext_scan_table *table, sqlite3_vtab *base, sqlite3_index_info *info) {
  char operators[BOUNDS_MOST + 1] = "";
  ext_words words = {""};
  unsigned given;
  int next;
  int rc = ext_tab_arguments(info, table->hidden, table->least, table->most, &given, &next);
  if (rc || info->idxNum == EXT_PLAN_MISSING) return rc;
  if (!table->unordered) plan_bounds(info, next, operators, &words);
  info->idxNum = (int)given;
  if (info->nOrderBy == 1 && info->aOrderBy[0].iColumn == 0 && !info->aOrderBy[0].desc) {
    info->orderByConsumed = !table->unsorted;
  }
  double rows = table->rows * share_of(operators);
  info->estimatedCost = 1000 + rows;
  info->estimatedRows = (sqlite3_int64)rows + 1;
  return ext_words_plan(((ext_tab *)base)->conn, info, &words, false, operators);
}

/* ---- scanning ------------------------------------------------------------------------------- */

int ext_scan_eof(sqlite3_vtab_cursor *base) {
  return ((ext_scan *)base)->done;
}

static ext_opened *opened_of(const ext_scan *scan) {
  return &((ext_tab *)scan->base.pVtab)->opened;
}

int ext_scan_open(sqlite3_vtab *base, size_t size, sqlite3_vtab_cursor **out) {
  int rc = ext_tab_open(base, size, out);
  if (rc == SQLITE_OK) ext_given_open(&((ext_tab *)base)->opened, &((ext_scan *)*out)->given);
  return rc;
}

int ext_scan_close(sqlite3_vtab_cursor *base) {
  ext_given_close(opened_of((ext_scan *)base), &((ext_scan *)base)->given);
  ext_source_clear(&((ext_scan *)base)->file);
  sqlite3_free(base);
  return SQLITE_OK;
}

int ext_scan_fail(const ext_scan_table *table, ext_scan *scan) {
  return ext_cursor_error(&scan->base, table->name, ext_scan_error(scan));
}

int ext_scan_faulted(const ext_scan_table *table, ext_scan *scan) {
  int rc =
      scan->file.object ? mm_object_whole(scan->file.object->core, ext_scan_error(scan)) : MM_OK;
  return rc ? ext_scan_fail(table, scan) : SQLITE_OK;
}

static int fail_missing(const ext_scan_table *table, ext_scan *scan) {
  ext_tab_missing(ext_scan_conn(scan), table->least);
  return ext_scan_fail(table, scan);
}

bool ext_scan_filtered(const ext_scan_table *table, ext_scan *scan, int plan, int *rc) {
  if (plan != EXT_PLAN_MISSING) return false;
  scan->done = false;
  bool later = ext_given_missing(&scan->given, ext_scan_conn(scan)->db);
  *rc = later ? SQLITE_OK : fail_missing(table, scan);
  return true;
}

int ext_scan_tell_column(const ext_scan_table *table, ext_scan *scan, sqlite3_context *context,
                         int column) {
  if (scan->given.missing) return fail_missing(table, scan);
  ext_given_result(&scan->given, context, column - table->hidden);
  return SQLITE_OK;
}

int ext_scan_tell(const ext_scan_table *table, ext_scan *scan, sqlite3_int64 rowid) {
  if (scan->given.missing) return fail_missing(table, scan);
  return ext_given_tell(&scan->given, rowid, ext_scan_error(scan)) ? ext_scan_fail(table, scan)
                                                                   : SQLITE_OK;
}

/* Each argument to its place; the number of those that are given. */
static int unpack(ext_scan *scan, int plan, sqlite3_value **argv,
                  sqlite3_value *args[EXT_SCAN_ARGUMENTS]) {
  int n = 0;
  scan->done = false;
  for (int i = 0; i < EXT_SCAN_ARGUMENTS; i++) {
    args[i] = plan & 1 << i ? argv[n++] : NULL;
    if (args[i] && sqlite3_value_type(args[i]) == SQLITE_NULL) scan->done = true;
  }
  return n;
}

int ext_scan_begin(const ext_scan_table *table, ext_scan *scan, int plan, const char *operators,
                   int argc, sqlite3_value **argv, sqlite3_value *args[EXT_SCAN_ARGUMENTS]) {
  int n = unpack(scan, plan, argv, args);
  if (ext_given_take(opened_of(scan), &scan->given, operators, args, EXT_SCAN_ARGUMENTS,
                     ext_scan_error(scan))) {
    return ext_scan_fail(table, scan);
  }
  scan->low = INT64_MIN;
  scan->high = INT64_MAX;
  operators = ext_words_skip(operators);
  for (; n < argc; n++) {
    ext_bound_integer(ext_tab_operator_of(*operators++), argv[n], &scan->low, &scan->high);
  }
  if (scan->done) return SQLITE_OK;
  if (ext_source_use(ext_scan_conn(scan), &scan->file, &scan->given.reads, args[0],
                     ext_scan_error(scan))) {
    return ext_scan_fail(table, scan);
  }
  scan->from = 0;
  scan->to = scan->file.length;
  if (scan->low > scan->high || scan->high < 0) scan->done = true;
  return SQLITE_OK;
}

static int optional(sqlite3_value *value, const char *what, mm_optional *out, mm_error *err) {
  return ext_value_optional(value ? 1 : 0, &value, 0, what, out, err);
}

int ext_scan_bounds(const ext_scan_table *table, ext_scan *scan, sqlite3_value *start,
                    sqlite3_value *stop, bool *past) {
  mm_optional first, last;
  int64_t from, to;
  bool beyond;
  int rc = optional(start, "start", &first, ext_scan_error(scan));
  if (rc == MM_OK) rc = optional(stop, "stop", &last, ext_scan_error(scan));
  if (rc) return ext_scan_fail(table, scan);
  mm_slice_bounds((int64_t)scan->file.length, first, last, &from, &to, &beyond);
  *past = to < from;
  scan->from = (uint64_t)from;
  scan->to = (uint64_t)(*past ? from : to);
  return SQLITE_OK;
}
