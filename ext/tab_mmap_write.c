/*
** tab_mmap_write.c: UPDATE and INSERT of the table `mmap`.
**
** argv of xUpdate: [0] the old rowid (NULL: INSERT), [1] the new one, [2 …] the columns. A column that
** an UPDATE does not set comes as "no change" (sqlite3_value_nochange), as xColumn left it out then.
*/
#include "ext/tab_mmap.h"

#include <stdlib.h>
#include <string.h>

#include "core/mem.h"

/* ---- which file, for the table-valued function ----------------------------------------------- */

/* In front of what xColumn says of the file during an UPDATE. The connection's address makes it
** something that a value set by SQL is not. */
static int mark_prefix(char *text, size_t size, const ext_conn *conn) {
  sqlite3_snprintf((int)size, text, "\001mmap %p ", (const void *)conn);
  return (int)strlen(text);
}

void mmap_result_file_mark(sqlite3_context *context, ext_conn *conn, const char *path,
                           sqlite3_int64 handle) {
  char prefix[64];
  (void)mark_prefix(prefix, sizeof prefix, conn);
  char *text = path ? sqlite3_mprintf("%sp%s", prefix, path)
                    : sqlite3_mprintf("%sh%lld", prefix, handle);
  if (text) {
    sqlite3_result_text(context, text, -1, sqlite3_free);
  } else {
    sqlite3_result_error_nomem(context);
  }
}

static int function_file(ext_conn *conn, sqlite3_value *mark, ext_file *file, mm_error *err) {
  char prefix[64];
  int size = mark_prefix(prefix, sizeof prefix, conn);
  const char *text = (const char *)sqlite3_value_text(mark);
  memset(file, 0, sizeof *file);
  if (!text || strncmp(text, prefix, (size_t)size) != 0) {
    return mm_fail(err, MM_ERROR, "column 'file' cannot be set");
  }
  if (text[size] == 'p') return ext_conn_open_path(conn, text + size + 1, false, &file->object, err);
  int rc = ext_conn_handle(conn, strtoll(text + size + 1, NULL, 10), &file->handle, err);
  if (rc == MM_OK) ext_object_hold(file->object = file->handle->object);
  return rc;
}

/* ---- a table that writes -------------------------------------------------------------------- */

static int flush_table(void *context, mm_error *err) {
  (void)context, (void)err;
  return MM_OK;
}

static void end_table(void *context, bool committed) {
  mmap_table *table = context;
  (void)committed;
  ext_object_release(table->writing);
  table->writing = NULL;
}

bool mmap_table_has_pending(const mmap_table *table) {
  return table->writing && mm_object_pending(table->writing->core);
}

static int check_access(const mmap_table *table, mm_error *err) {
  if (table->spec.access != EXT_READ) return MM_OK;
  return mm_fail(err, MM_READONLY, "the table has access=read");
}

/* The table's object, as its writer; held by the table until the transaction ends. */
static int write_table(mmap_table *table, mm_error *err) {
  int rc = check_access(table, err);
  if (rc == MM_OK && !table->writing) {
    rc = mmap_table_open(table, &table->writing, err);
    if (rc) {
      table->writing = NULL;
      return rc;
    }
    table->deferred = (ext_txn_deferred){flush_table, end_table, table, NULL};
    ext_txn_defer(table->tab.conn, &table->deferred);
  }
  return rc ? rc : ext_txn_write(table->tab.conn, table->writing, err);
}

/* ---- UPDATE --------------------------------------------------------------------------------- */

/* A byte that does not fit its column is a constraint's affair: OR IGNORE and the like see to it. */
static int encode(sqlite3_value *value, mm_type type, const char *column, uint8_t *bytes,
                  mm_error *err) {
  mm_value v;
  mm_error inner;
  int rc = ext_value(value, &v, err);
  if (rc) return rc;
  rc = mm_type_encode(type, &v, bytes, &inner);
  return rc ? mm_fail(err, inner.code, "column '%s': %s", column, inner.text) : MM_OK;
}

static const mm_type u8 = {MM_UNSIGNED, false, 1};

static int check_unchanged(sqlite3_value **argv, int offset_column, mm_error *err) {
  if (sqlite3_value_int64(argv[0]) != sqlite3_value_int64(argv[1])) {
    return mm_fail(err, MM_ERROR, "rowid cannot be set");
  }
  if (!sqlite3_value_nochange(argv[2 + offset_column])) {
    return mm_fail(err, MM_ERROR, "column 'offset' cannot be set");
  }
  return MM_OK;
}

static int update_function(mmap_table *table, sqlite3_value **argv, mm_error *err) {
  ext_conn *conn = table->tab.conn;
  ext_file file;
  uint8_t byte;
  int rc = check_unchanged(argv, BYTES_OFFSET, err);
  if (rc == MM_OK) rc = function_file(conn, argv[2 + BYTES_FILE], &file, err);
  if (rc) return rc;
  if (file.handle && file.handle->access == EXT_READ) {
    rc = mm_fail(err, MM_READONLY, "handle %lld is open for reading only",
                 (long long)file.handle->id);
  }
  if (rc == MM_OK && !sqlite3_value_nochange(argv[2 + BYTES_BYTE])) {
    rc = encode(argv[2 + BYTES_BYTE], u8, "byte", &byte, err);
    if (rc == MM_OK) rc = ext_txn_write(conn, file.object, err);
    if (rc == MM_OK) {
      ext_file_window(&file);
      uint64_t offset = (uint64_t)sqlite3_value_int64(argv[0]);
      rc = offset < file.length
               ? mm_object_write(file.object->core, file.start + offset, &byte, 1, err)
               : mm_fail(err, MM_ERROR, "offset %llu is not there any more",
                         (unsigned long long)offset);
    }
  }
  ext_object_release(file.object);
  return rc;
}

/* Write one field of a row whose record begins at `place`. */
static int write_field(mmap_table *table, const mmap_column *column, uint64_t place,
                       sqlite3_value *value, mm_error *err) {
  uint8_t small[64];
  uint8_t *bytes = column->type.size > sizeof small ? mm_alloc(column->type.size) : small;
  if (!bytes) return mm_fail_nomem(err);
  int rc = encode(value, column->type, column->name, bytes, err);
  if (rc == MM_OK) {
    rc = mm_object_write(table->writing->core, place + column->at, bytes, column->type.size, err);
  }
  if (bytes != small) mm_free(bytes);
  return rc;
}

/* The columns of a table of bytes as one record's. */
static const mmap_column byte_column = {(char *)(uintptr_t) "byte", {MM_UNSIGNED, false, 1}, 0};

static size_t field_count(const mmap_table *table) {
  return table->spec.column_count ? table->spec.column_count : 1;
}

static const mmap_column *field(const mmap_table *table, size_t i) {
  return table->spec.column_count ? &table->spec.columns[i] : &byte_column;
}

static sqlite3_value *field_value(const mmap_table *table, sqlite3_value **argv, size_t i) {
  return table->spec.column_count ? argv[2 + i] : argv[2 + BYTES_BYTE];
}

static int offset_column(const mmap_table *table) {
  return table->spec.column_count ? (int)table->spec.column_count : BYTES_OFFSET;
}

static int update_table(mmap_table *table, sqlite3_value **argv, mm_error *err) {
  int rc = check_unchanged(argv, offset_column(table), err);
  if (rc == MM_OK) rc = write_table(table, err);
  if (rc) return rc;
  mm_object *core = table->writing->core;
  mmap_rows rows = mmap_table_rows(table, core);
  int64_t row = sqlite3_value_int64(argv[0]) - rows.first;
  if (row < 0 || row >= rows.count) return mm_fail(err, MM_ERROR, "the row is not there any more");
  size_t mark = mm_object_mark(core);
  uint64_t place = rows.start + (uint64_t)row * table->spec.record;
  for (size_t i = 0; i < field_count(table) && rc == MM_OK; i++) {
    sqlite3_value *value = field_value(table, argv, i);
    if (!sqlite3_value_nochange(value)) {
      rc = write_field(table, field(table, i), place, value, err);
    }
  }
  if (rc) {
    mm_error ignored;
    (void)mm_object_rollback_to(core, mark, &ignored);
  }
  return rc;
}

/* ---- INSERT --------------------------------------------------------------------------------- */

static int check_appendable(const mmap_table *table, const mm_object *core, const mmap_rows *rows,
                            mm_error *err) {
  uint64_t end = rows->start + (uint64_t)rows->count * table->spec.record;
  if (table->spec.offset > core->size) {
    return mm_fail(err, MM_ERROR, "the file ends before offset %llu, where the table begins",
                   (unsigned long long)table->spec.offset);
  }
  if (table->spec.length) return mm_fail(err, MM_ERROR, "a table of fixed length cannot grow");
  if (end != core->size) {
    return mm_fail(err, MM_ERROR, "'%s' has %llu bytes past its last whole record", core->name,
                   (unsigned long long)(core->size - end));
  }
  return MM_OK;
}

/* A rowid or an offset may be given if it is the one that the row will have. */
static int check_next(sqlite3_value *value, const char *what, int64_t next, mm_error *err) {
  if (sqlite3_value_type(value) == SQLITE_NULL) return MM_OK;
  if (sqlite3_value_type(value) == SQLITE_INTEGER && sqlite3_value_int64(value) == next) {
    return MM_OK;
  }
  return mm_fail(err, MM_CONSTRAINT, "%s %s is not the next one, %lld", what,
                 (const char *)sqlite3_value_text(value), (long long)next);
}

static int append(mmap_table *table, uint64_t place, sqlite3_value **argv, mm_error *err) {
  mm_object *core = table->writing->core;
  size_t mark = mm_object_mark(core);
  int rc = mm_object_resize(core, place + table->spec.record, err);
  for (size_t i = 0; i < field_count(table) && rc == MM_OK; i++) {
    sqlite3_value *value = field_value(table, argv, i);
    if (sqlite3_value_type(value) == SQLITE_NULL) continue; /* left out: zero */
    rc = write_field(table, field(table, i), place, value, err);
  }
  if (rc) {
    mm_error ignored;
    (void)mm_object_rollback_to(core, mark, &ignored);
  }
  return rc;
}

static int insert_row(mmap_table *table, sqlite3_value **argv, sqlite3_int64 *rowid,
                      mm_error *err) {
  int rc = write_table(table, err);
  if (rc) return rc;
  mmap_rows rows = mmap_table_rows(table, table->writing->core);
  uint64_t place = rows.start + (uint64_t)rows.count * table->spec.record;
  rc = check_appendable(table, table->writing->core, &rows, err);
  if (rc == MM_OK) rc = check_next(argv[1], "rowid", rows.first + rows.count, err);
  if (rc == MM_OK) {
    rc = check_next(argv[2 + offset_column(table)], "offset", (int64_t)place, err);
  }
  if (rc == MM_OK) rc = append(table, place, argv, err);
  *rowid = rows.first + rows.count;
  return rc;
}

/* ---- xUpdate -------------------------------------------------------------------------------- */

static int refuse_function(mm_error *err) {
  return mm_fail(err, MM_ERROR,
                 "the table-valued form can only be updated; "
                 "CREATE VIRTUAL TABLE makes one that takes rows");
}

int mmapUpdate(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  mmap_table *table = (mmap_table *)base;
  mm_error *err = &table->tab.conn->err;
  bool function = table->spec.path == NULL;
  int rc;
  if (argc == 1) {
    rc = function ? refuse_function(err) : mm_fail(err, MM_ERROR, "rows cannot be deleted yet");
  } else if (sqlite3_value_type(argv[0]) != SQLITE_NULL) {
    rc = function ? update_function(table, argv, err) : update_table(table, argv, err);
  } else {
    rc = function ? refuse_function(err) : insert_row(table, argv, rowid, err);
  }
  return rc ? ext_table_error(base, mmap_table_label(table), err) : SQLITE_OK;
}
