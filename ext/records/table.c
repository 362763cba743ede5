/*
** table.c: the table `mmap`: a file as rows, a byte or a record each.
**
**     SELECT offset, byte FROM mmap('firmware.bin') WHERE offset < 4;
**     UPDATE mmap SET byte = 0x90 WHERE file = 'firmware.bin' AND offset = 0x1234;
**     CREATE VIRTUAL TABLE temp.t USING mmap('f.bin', offset=0x200, id u32le, name text(8));
**     CREATE VIRTUAL TABLE temp.pw USING mmap('hibp.bin', hash blob(20), n i32le, sorted=hash);
**
** One module serves both forms: xCreate is xConnect, so SQLite also offers it as a table-valued
** function. Row i lies at start + i * record, so every constraint on rowid or offset is a bound on
** i; what else there is to it is in the files that records.h lists.
*/
#include "ext/records/chain.h"

#include <string.h>

#include "core/common/mem.h"
#include "ext/connection/copy.h"
#include "ext/tables/argument.h"

/* ---- connecting ----------------------------------------------------------------------------- */

typedef struct mmap_name {
  struct mmap_name *next;
  char text[];
} mmap_name;

static void free_table(mmap_table *table) {
  for (mmap_name *name = table->names, *next; name; name = next) {
    next = name->next;
    mm_free(name);
  }
  mmap_spec_clear(&table->spec);
  if (table->stations) mmap_stations_clear(table->stations);
  mm_free(table->stations);
  mm_free(table->database);
  mm_free(table->name);
  mm_free(table->scratch);
  mm_free(table->text);
  ext_object_release(table->own);
  ext_tab_free(&table->tab);
}

/* ---- names ---------------------------------------------------------------------------------- */

static bool is_called(const mmap_table *table, const char *database, const char *text) {
  if (!table->name || !table->database) return false; /* without memory for them */
  if (sqlite3_stricmp(table->database, database) != 0) return false;
  const mmap_name *name = table->names;
  while (name && sqlite3_stricmp(name->text, text) != 0) name = name->next;
  return name || sqlite3_stricmp(table->name, text) == 0;
}

mmap_table *mmap_table_writer(const mmap_table *table) {
  mmap_table *t = table->shared->tables;
  while (t && !(t->writing && is_called(t, table->database, table->name))) t = t->next;
  return t;
}

bool mmap_table_is_called(const mmap_table *table, const mmap_table *other) {
  return other->name && other->database && is_called(table, other->database, other->name);
}

static int add_table_name(mmap_table *table, const char *text) {
  size_t size = strlen(text) + 1;
  mmap_name *name = mm_alloc(sizeof *name + size);
  if (!name) return SQLITE_NOMEM;
  memcpy(name->text, text, size);
  name->next = table->names;
  table->names = name;
  return SQLITE_OK;
}

/* ---- mmap_check and mmap_list --------------------------------------------------------------- */

/* Only tables whose file is open already: listing opens nothing. */
static ext_object *object_of(const mmap_table *table) {
  const mmap_table *writer = mmap_table_writer(table);
  if (table->own) return table->own;
  if (writer) return writer->writing;
  for (ext_object *o = table->tab.conn->objects; o; o = o->next) {
    const char *path = table->spec.path;
    bool by_path = o->core->kind == MM_OBJECT_FILE;
    if (by_path && (strcmp(o->core->real, path) == 0 || strcmp(o->core->name, path) == 0)) {
      return o;
    }
  }
  return NULL;
}

static int access_now(const mmap_table *table) {
  if (table->spec.access >= 0) return table->spec.access;
  return mmap_table_writer(table) ? EXT_WRITE : EXT_READ;
}

/* Bytes of the table's rows. */
static uint64_t mmap_table_size(const mmap_table *table, const mm_object *core) {
  const mmap_spec *spec = &table->spec;
  if (!spec->chained) return mmap_table_rows(table, core).size;
  uint64_t left = core->size > spec->offset ? core->size - spec->offset : 0;
  return spec->length && spec->length < left ? spec->length : left;
}

static bool list_created(const ext_checked *checked, ext_listed *out) {
  const mmap_table *table = checked->table;
  if (!table->spec.path) return false; /* a layout is of no file */
  const ext_object *object = table->gone ? NULL : object_of(table);
  if (!object) return false;
  *out = (ext_listed){.object = object,
                      .access = access_now(table),
                      .offset = table->spec.offset,
                      .length = mmap_table_size(table, object->core)};
  return true;
}

/* Of the connection's mmap_shared. */
static const char shared_key;

static int list_table(mmap_table *table) {
  ext_conn *conn = table->tab.conn;
  table->shared = ext_conn_state(conn, &shared_key, sizeof *table->shared);
  if (!table->shared) return SQLITE_NOMEM;
  table->next = table->shared->tables;
  table->shared->tables = table;
  table->checked.database = (const char *const *)&table->database;
  table->checked.name = (const char *const *)&table->name;
  table->checked.check = mmap_table_check;
  table->checked.list = list_created;
  table->checked.table = table;
  bool created = table->spec.path || table->spec.chained;
  if (created && ext_checked_add(conn, &table->checked)) return SQLITE_NOMEM;
  return SQLITE_OK;
}

static void unlist_table(mmap_table *table) {
  if (!table->shared) return;
  mmap_table **link = &table->shared->tables;
  while (*link && *link != table) link = &(*link)->next;
  if (*link) *link = table->next;
  ext_checked_remove(table->tab.conn, &table->checked);
}

/* The file must be there and be long enough, or be made. */
static int check_table_file(mmap_table *table, mm_error *err) {
  ext_object *object;
  const mmap_spec *spec = &table->spec;
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): connect_spec gave a table, or failed */
  int rc = ext_txn_enlist(table->tab.conn, err);
  if (rc == MM_OK) {
    rc = ext_copy_create(table->tab.conn, table->database, table->name,
                         spec->access == EXT_COPY ? spec->path : NULL, err);
  }
  if (rc) return rc;
  bool writes = spec->access == EXT_WRITE || spec->access == EXT_CREATE;
  if (writes) rc = ext_conn_check_writes(table->tab.conn, err);
  if (rc == MM_OK && spec->access == EXT_CREATE) {
    rc = ext_use_path(table->tab.conn, spec->path, true, NULL, &object, err);
    if (rc == MM_OK) ext_object_release(object);
  }
  if (rc == MM_OK) rc = mmap_table_open(table, NULL, &object, err);
  if (rc) return rc;
  rc = ext_argument_check_window(spec->path, spec->offset, spec->length, object->core->size, err);
  if (rc == MM_OK && writes) {
    rc = mm_object_check_writable(object->core, err);
  }
  ext_object_release(object);
  return rc;
}

static int report(char **error, const mm_error *err) {
  *error = sqlite3_mprintf("mmap: %s", err->text);
  return *error ? ext_sqlite_code(err->code) : SQLITE_NOMEM;
}

/* SQLite says what is wrong with a declaration: too many columns, say. */
static int connect_spec(sqlite3 *db, void *conn, mmap_spec *spec, mmap_table **out, char **error) {
  sqlite3_vtab *base = NULL;
  char *declaration = spec->chained ? chain_declare(spec) : mmap_spec_declare(spec);
  int rc = declaration ? ext_tab_connect(db, conn, declaration, sizeof **out, &base, NULL)
                       : SQLITE_NOMEM;
  sqlite3_free(declaration);
  if (rc == SQLITE_OK) rc = sqlite3_vtab_config(db, SQLITE_VTAB_CONSTRAINT_SUPPORT, 1);
  if (rc == SQLITE_ERROR) {
    *error = sqlite3_mprintf("mmap: %s", sqlite3_errmsg(db));
    if (!*error) rc = SQLITE_NOMEM;
  }
  *out = (mmap_table *)base;
  return rc;
}

/* All others of that name: SQLite lets go of them when the transaction ends. */
static void supersede(mmap_table *table) {
  for (mmap_table *t = table->shared->tables; t; t = t->next) {
    bool same = t != table && t->name && t->database &&
                sqlite3_stricmp(t->name, table->name) == 0 &&
                sqlite3_stricmp(t->database, table->database) == 0;
    if (same) t->gone = true;
  }
}

/* What a table needs to know once of its sorted column. */
static int prepare_keys(mmap_table *table, sqlite3 *db) {
  const mmap_column *column = mmap_sorted_column(table);
  table->known_rows = -1;
  if (table->spec.chained) {
    table->stations = mm_alloc_zeroed(sizeof *table->stations);
    return table->stations ? SQLITE_OK : SQLITE_NOMEM;
  }
  if (!column) return SQLITE_OK;
  table->text_order = ext_tab_text_is_utf8(db);
  uint64_t size = mm_type_buffer(column->type);
  if (size) table->text = mm_alloc(size);
  return size && !table->text ? SQLITE_NOMEM : SQLITE_OK;
}

static int name_table(mmap_table *table, const char *const *argv) {
  table->database = mm_strdup(argv[1]);
  table->name = mm_strdup(argv[2]);
  if (!table->database || !table->name) return SQLITE_NOMEM;
  supersede(table);
  return SQLITE_OK;
}

static int mmapConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                       sqlite3_vtab **out, char **error) {
  mm_error *err = &((ext_conn *)conn)->err;
  mmap_spec spec = {.access = -1, .synchronous = -1, .sorted = -1, .record = 1, .used = 1};
  mmap_table *table = NULL;
  bool function = ext_tab_is_function(argc, argv);
  int rc = SQLITE_OK;
  if (!function && mmap_spec_parse(argc, argv, &spec, err)) rc = report(error, err);
  if (rc == SQLITE_OK) rc = connect_spec(db, conn, &spec, &table, error);
  if (table) {
    table->spec = spec;
    if (rc == SQLITE_OK) rc = list_table(table);
    if (rc == SQLITE_OK) rc = name_table(table, argv);
    if (rc == SQLITE_OK) rc = prepare_keys(table, db);
  } else {
    mmap_spec_clear(&spec);
  }
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): connect_spec gave a table, or failed */
  if (rc == SQLITE_OK) table->made = !function && ext_running_creates(db, argv[2]);
  if (rc == SQLITE_OK && table->made && table->spec.path && check_table_file(table, err)) {
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
  if (table->spec.access == EXT_COPY) {
    ext_copies_forget_detached(table->tab.conn, table->database);
  }
  unlist_table(table);
  free_table(table);
  return SQLITE_OK;
}

/* What it has written must not lose its table. If that is undone again by now, COMMIT is still to be
** heard of, which SQLite would not tell this table any more. There is no place for a sentence
** here. */
static int mmapDestroy(sqlite3_vtab *base) {
  mmap_table *table = (mmap_table *)base;
  ext_conn *conn = table->tab.conn;
  int rc = MM_OK;
  if (mmap_table_has_pending(table)) return SQLITE_LOCKED;
  if (mmap_table_writer(table)) rc = ext_txn_enlist(conn, &conn->err);
  if (rc == MM_OK && table->spec.access == EXT_COPY) {
    rc = ext_copy_drop(conn, table->database, table->name, &conn->err);
  }
  if (rc) return ext_sqlite_code(rc);
  mmap_table_stop_writing(table);
  supersede(table);
  return mmapDisconnect(base);
}

/* SQLite reads the schema anew then, and connects the table under its new name. This one keeps the
** name that it has, which is its own again after a rollback. */
static int mmapRename(sqlite3_vtab *base, const char *name) {
  mmap_table *table = (mmap_table *)base;
  mm_error *err = &table->tab.conn->err;
  int rc = SQLITE_OK;
  for (mmap_table *t = table->shared->tables; t && rc == SQLITE_OK; t = t->next) {
    if (is_called(t, table->database, table->name)) rc = add_table_name(t, name);
  }
  if (rc || table->spec.access != EXT_COPY) return rc;
  return ext_sqlite_code(ext_copy_rename(table->tab.conn, table->database, table->name, name, err));
}

/* ---- rows ----------------------------------------------------------------------------------- */

const char *mmap_table_label(const mmap_table *table) {
  return table->spec.path || table->spec.chained ? table->name : "mmap";
}

int64_t mmap_spec_rows(const mmap_spec *spec, uint64_t bytes) {
  return (int64_t)(bytes / spec->record + (bytes % spec->record >= spec->used));
}

mmap_rows mmap_table_rows(const mmap_table *table, const mm_object *object) {
  const mmap_spec *spec = &table->spec;
  uint64_t start = spec->offset < object->size ? spec->offset : object->size;
  uint64_t length = object->size - start;
  if (spec->length && spec->length < length) length = spec->length;
  mmap_rows rows = {.start = start,
                    .count = mmap_spec_rows(spec, length),
                    .first = spec->column_count ? 0 : (int64_t)start};
  uint64_t whole = (uint64_t)rows.count * spec->record;
  rows.size = whole < length ? whole : length;
  return rows;
}

int mmap_table_open(mmap_table *table, ext_reads *reads, ext_object **out, mm_error *err) {
  ext_conn *conn = table->tab.conn;
  const char *path = table->spec.path;
  *out = NULL;
  if (table->spec.access != EXT_COPY) return ext_use_path(conn, path, false, reads, out, err);
  int rc = table->own
               ? ext_use_object(table->own, NULL, reads, err)
               : ext_use_copy(conn, table->database, table->name, path, reads, &table->own, err);
  if (rc == MM_OK) ext_object_hold(*out = table->own);
  return rc;
}

/* ---- the transaction ------------------------------------------------------------------------ */

static int mmapBegin(sqlite3_vtab *base) {
  ((mmap_table *)base)->told = true;
  return ext_tab_begin(base);
}

static void end_part_in_it(sqlite3_vtab *base) {
  mmap_table *table = (mmap_table *)base;
  table->told = table->made = false;
}

static int mmapCommit(sqlite3_vtab *base) {
  end_part_in_it(base);
  return ext_tab_commit(base);
}

static int mmapRollback(sqlite3_vtab *base) {
  end_part_in_it(base);
  return ext_tab_rollback(base);
}

/* ---- reading at one commit ------------------------------------------------------------------- */

static ext_written_table as_written(const mmap_table *table) {
  const mmap_spec *spec = &table->spec;
  int by = spec->deletes ? EXT_WRITTEN_ALL : EXT_WRITTEN_PUT;
  return (ext_written_table){.conn = table->tab.conn,
                             .label = mmap_table_label(table),
                             .by = spec->access == EXT_READ ? EXT_WRITTEN_NEVER : by,
                             .told = table->told,
                             .synchronous = spec->synchronous};
}

ext_reads *mmap_reads_of(const mmap_table *table, ext_given *given, int *intent) {
  ext_written_table written = as_written(table);
  return ext_intent_reads(&written, given, intent);
}

int mmap_reads_begin(const mmap_table *table, ext_given *given, ext_object *object,
                     const ext_reads *reads, mm_error *err) {
  ext_written_table written = as_written(table);
  return ext_intent_begin(&written, given, object, reads, err);
}

bool mmap_may_be_written(const mmap_table *table) {
  ext_written_table written = as_written(table);
  return ext_may_be_written(&written);
}

#define READ_METHODS                                                                               \
  .iVersion = 2, .xCreate = mmapConnect, .xConnect = mmapConnect, .xBestIndex = mmapBestIndex,     \
  .xDisconnect = mmapDisconnect, .xDestroy = mmapDestroy, .xOpen = mmapOpen, .xClose = mmapClose,  \
  .xFilter = mmapFilter, .xNext = mmapNext, .xEof = mmapEof, .xColumn = mmapColumn,                \
  .xRowid = mmapRowid, .xRename = mmapRename

static const sqlite3_module mmap_module = {
    READ_METHODS,
    .xUpdate = mmapUpdate,
    .xBegin = mmapBegin,
    .xSync = ext_tab_sync,
    .xCommit = mmapCommit,
    .xRollback = mmapRollback,
    .xSavepoint = ext_tab_savepoint,
    .xRelease = ext_tab_release,
    .xRollbackTo = ext_tab_rollback_to,
};

static const sqlite3_module mmap_read_module = {READ_METHODS};

const ext_module ext_module_mmap = {"mmap", &mmap_module, &mmap_read_module};
