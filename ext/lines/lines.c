/*
** lines.c: the table `mmap_lines`: a file as lines of text, or as fields of lines.
**
**     SELECT number, text FROM mmap_lines('access.log') WHERE text LIKE '%error%';
**     SELECT offset, text FROM mmap_lines('access.log') WHERE offset >= 1000000 LIMIT 10;
**     CREATE VIRTUAL TABLE temp.words USING mmap_lines('words.txt', sorted=yes);
**     SELECT text FROM words WHERE text >= 'bee' LIMIT 5;
**     CREATE VIRTUAL TABLE temp.geo USING mmap_lines('geo.csv', separator=',', header=yes,
**                                                    first ipv4, last ipv4, country, sorted=first);
**     SELECT country FROM geo WHERE first <= '8.8.8.8' ORDER BY first DESC LIMIT 1;
**
** A line ends with \n or \r\n, the last one also with the file; a UTF-8 byte order mark at the start
** of the file belongs to none. Numbers are counted only when they are asked for, from the nearest
** line whose number is known. Where rows are in the order of a column, a constraint on it is found by
** halving the file: the line that the middle byte lies in tells which half to go on with.
*/
#include "ext/lines/lines.h"

#include "core/common/mem.h"
#include "ext/tables/argument.h"

const char *lines_label(const lines_table *table) {
  return table->name ? table->name : "mmap_lines";
}

/* ---- the file ------------------------------------------------------------------------------- */

int lines_open_file(const lines_table *table, ext_reads *reads, ext_object **out, mm_error *err) {
  return ext_use_path(table->tab.conn, table->spec.path, false, reads, out, err);
}

void lines_use_window(const lines_table *table, ext_source *file) {
  const lines_spec *spec = &table->spec;
  uint64_t size = file->object->core->size;
  file->start = spec->offset < size ? spec->offset : size;
  file->length = size - file->start;
  if (spec->length && spec->length < file->length) file->length = spec->length;
}

static int check_lines_window(const lines_table *table, const ext_object *object, mm_error *err) {
  const lines_spec *spec = &table->spec;
  return ext_argument_check_window(spec->path, spec->offset, spec->length, object->core->size, err);
}

/* CREATE looks at the file, and so does whoever needs its header. */
static int look_at_file(lines_table *table, bool creates, mm_error *err) {
  ext_source file = {.object = NULL};
  bool header = lines_spec_wants_header(&table->spec);
  if (!table->spec.path || (!creates && !header)) return MM_OK;
  int rc = lines_open_file(table, NULL, &file.object, err);
  if (rc) return rc;
  if (creates) rc = check_lines_window(table, file.object, err);
  if (rc == MM_OK && header) {
    lines_use_window(table, &file);
    rc = lines_take_header(table, &file, err);
  }
  ext_source_clear(&file);
  return rc;
}

/* ---- connecting ----------------------------------------------------------------------------- */

static void free_lines(lines_table *table) {
  ext_checked_remove(table->tab.conn, &table->checked);
  ext_places_clear(&table->places);
  ext_object_release(table->writing);
  lines_spec_clear(&table->spec);
  mm_free(table->roles);
  mm_free(table->room);
  mm_free(table->name);
  mm_free(table->database);
}

/* The database's schema names the columns, but where a header does: with trusted_schema off no schema
** but TEMP's has a file read. */
static int check_trust(const lines_table *table, sqlite3 *db, mm_error *err) {
  int trusted = 1;
  if (!lines_spec_wants_header(&table->spec)) return MM_OK;
  if (sqlite3_stricmp(table->database, "temp") == 0) return MM_OK;
  if (sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, -1, &trusted) || trusted) return MM_OK;
  return mm_fail(err, MM_ERROR, "trusted_schema is off: name the columns that the header has");
}

static int list_lines(lines_table *table, mm_error *err) {
  table->checked = (ext_checked){.database = (const char *const *)&table->database,
                                 .name = (const char *const *)&table->name,
                                 .check = lines_check,
                                 .table = table};
  return ext_checked_add(table->tab.conn, &table->checked) ? mm_fail_nomem(err) : MM_OK;
}

static int set_up_created(lines_table *table, sqlite3 *db, int argc, const char *const *argv,
                          mm_error *err) {
  bool creates = ext_running_creates(db, argv[2]);
  table->made = creates;
  table->database = mm_strdup(argv[1]);
  table->name = mm_strdup(argv[2]);
  if (!table->database || !table->name) return mm_fail_nomem(err);
  int rc = lines_spec_parse(argc, argv, &table->spec, err);
  if (rc == MM_OK && !creates) rc = check_trust(table, db, err);
  if (rc == MM_OK) rc = look_at_file(table, creates, err);
  if (rc) return rc;
  size_t fields = table->spec.column_count ? table->spec.column_count : 1;
  table->room = mm_alloc(fields * sizeof *table->room);
  return table->room ? MM_OK : mm_fail_nomem(err);
}

/* SQLite says what is wrong with a declaration: too many columns, say. */
static int declare_lines(lines_table *table, sqlite3 *db, char **error) {
  char *declaration = NULL;
  mm_error *err = &table->tab.conn->err;
  int rc = lines_declare(table, !table->spec.path, &declaration, err) ? SQLITE_NOMEM : SQLITE_OK;
  if (rc == SQLITE_OK) rc = sqlite3_declare_vtab(db, declaration);
  sqlite3_free(declaration);
  if (rc == SQLITE_ERROR) *error = sqlite3_mprintf("mmap_lines: %s", sqlite3_errmsg(db));
  return rc == SQLITE_ERROR && !*error ? SQLITE_NOMEM : rc;
}

static int report_lines(char **error, const mm_error *err) {
  *error = sqlite3_mprintf("mmap_lines: %s", err->text);
  return *error ? ext_sqlite_code(err->code) : SQLITE_NOMEM;
}

static int linesConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **error) {
  mm_error *err = &((ext_conn *)conn)->err;
  bool function = ext_tab_is_function(argc, argv);
  sqlite3_vtab *base = NULL;
  int rc = ext_tab_make(db, conn, sizeof(lines_table), &base);
  if (rc) return rc;
  lines_table *table = (lines_table *)base;
  table->text_order = ext_tab_text_is_utf8(db);
  if (!function && set_up_created(table, db, argc, argv, err)) rc = report_lines(error, err);
  if (rc == SQLITE_OK) rc = declare_lines(table, db, error);
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  if (rc == SQLITE_OK && !function && list_lines(table, err)) rc = SQLITE_NOMEM;
  if (rc) {
    free_lines(table);
    ext_tab_free(&table->tab);
  } else {
    *out = base;
  }
  return rc;
}

static int linesDisconnect(sqlite3_vtab *base) {
  free_lines((lines_table *)base);
  ext_tab_free((ext_tab *)base);
  return SQLITE_OK;
}

/* What it has written must not lose its table. There is no place for a sentence here. */
static int linesDestroy(sqlite3_vtab *base) {
  const ext_object *object = ((const lines_table *)base)->writing;
  bool pending = object && mm_object_pending(object->core);
  return pending ? SQLITE_LOCKED : linesDisconnect(base);
}

/* SQLite reads the schema anew then, and connects the table under its new name. */
static int linesRename(sqlite3_vtab *base, const char *name) {
  (void)base, (void)name;
  return SQLITE_OK;
}

/* ---- the transaction ------------------------------------------------------------------------ */

static int linesBegin(sqlite3_vtab *base) {
  ((lines_table *)base)->told = true;
  return ext_tab_begin(base);
}

static void end_lines(sqlite3_vtab *base) {
  lines_table *table = (lines_table *)base;
  table->told = table->made = false;
  ext_object_release(table->writing);
  table->writing = NULL;
}

static int linesCommit(sqlite3_vtab *base) {
  int rc = ext_tab_commit(base);
  end_lines(base);
  return rc;
}

static int linesRollback(sqlite3_vtab *base) {
  int rc = ext_tab_rollback(base);
  end_lines(base);
  return rc;
}

#define LINES_READ_METHODS                                                                         \
  .iVersion = 2, .xCreate = linesConnect, .xConnect = linesConnect, .xBestIndex = linesBestIndex,  \
  .xDisconnect = linesDisconnect, .xDestroy = linesDestroy, .xOpen = linesOpen,                    \
  .xClose = linesClose, .xFilter = linesFilter, .xNext = linesNext, .xEof = linesEof,              \
  .xColumn = linesColumn, .xRowid = linesRowid, .xRename = linesRename

static const sqlite3_module lines_module = {
    LINES_READ_METHODS,
    .xUpdate = linesUpdate,
    .xBegin = linesBegin,
    .xSync = ext_tab_sync,
    .xCommit = linesCommit,
    .xRollback = linesRollback,
    .xSavepoint = ext_tab_savepoint,
    .xRelease = ext_tab_release,
    .xRollbackTo = ext_tab_rollback_to,
};

static const sqlite3_module lines_read_module = {LINES_READ_METHODS};

const ext_module ext_module_lines = {"mmap_lines", &lines_module, &lines_read_module};
