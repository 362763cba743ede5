/*
** writing.c: UPDATE, INSERT and DELETE of the table `mmap`.
**
** argv of xUpdate: [0] the old rowid (NULL: INSERT), [1] the new one, [2 …] the columns; for DELETE
** [0] alone. A column that an UPDATE does not set comes as "no change" (sqlite3_value_nochange), as
** xColumn left it out then; in an UPDATE … FROM it comes as its value, and so do rowid and offset.
** One that an INSERT leaves out comes as NULL, and is zero.
**
** All values of a row are encoded and all that can be refused is before the first byte is written:
** a statement of one row gets no savepoint from SQLite. What is refused for a value is a
** constraint's affair, so that OR IGNORE and the like see to it; SQLite does that by the code
** alone.
*/
#include "ext/records/chain.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/mem.h"

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
  char *text =
      path ? sqlite3_mprintf("%sp%s", prefix, path) : sqlite3_mprintf("%sh%lld", prefix, handle);
  if (text) {
    sqlite3_result_text(context, text, -1, sqlite3_free);
  } else {
    sqlite3_result_error_nomem(context);
  }
}

/* The cursor that left the mark has come to use the file in this statement. */
static int marked_file(ext_conn *conn, const char *mark, ext_file *file, mm_error *err) {
  ext_look look;
  memset(file, 0, sizeof *file);
  if (mark[0] == 'p') return ext_conn_open_path(conn, mark + 1, false, &look, &file->object, err);
  int rc = ext_conn_handle(conn, strtoll(mark + 1, NULL, 10), &file->handle, err);
  if (rc == MM_OK) ext_object_hold(file->object = file->handle->object);
  return rc;
}

/* `from`: it is an UPDATE … FROM, which brings the file as it is; or one that sets all columns. */
int mmap_function_file(mmap_table *table, sqlite3_value *value, bool from, ext_file *file,
                       mm_error *err) {
  ext_conn *conn = table->tab.conn;
  char prefix[64];
  int size = mark_prefix(prefix, sizeof prefix, conn);
  const char *text =
      sqlite3_value_type(value) == SQLITE_TEXT ? (const char *)sqlite3_value_text(value) : NULL;
  if (text && strncmp(text, prefix, (size_t)size) == 0) {
    return marked_file(conn, text + size, file, err);
  }
  if (from && sqlite3_value_type(value) != SQLITE_NULL &&
      !ext_running_sets(conn->db, mmap_table_label(table), "file")) {
    return ext_file_resolve(conn, value, NULL, file, err);
  }
  return mm_fail(err, MM_ERROR, "column 'file' cannot be set");
}

/* ---- a table that writes -------------------------------------------------------------------- */

static void end_table(void *context, bool committed) {
  mmap_table *table = context;
  (void)committed;
  ext_object_release(table->writing);
  table->writing = NULL;
}

bool mmap_table_has_pending(const mmap_table *table) {
  const mmap_table *writer = mmap_table_writer(table);
  return writer && (mm_object_pending(writer->writing->core) || writer->writing->leaving > 0);
}

void mmap_table_stop_writing(mmap_table *table) {
  for (mmap_table *t = mmap_table_writer(table); t; t = mmap_table_writer(table)) {
    ext_txn_forget(t->tab.conn, &t->deferred);
    end_table(t, false);
  }
}

static int check_access(const mmap_table *table, mm_error *err) {
  if (table->spec.access != EXT_READ) return MM_OK;
  return mm_fail(err, MM_READONLY, "the table has access=read");
}

int mmap_table_write(mmap_table *table, mm_error *err) {
  ext_conn *conn = table->tab.conn;
  int rc = check_access(table, err);
  if (rc == MM_OK && !table->writing) {
    rc = mmap_table_open(table, NULL, &table->writing, err);
    if (rc) return rc;
    table->deferred = (ext_txn_deferred){.end = end_table, .context = table};
    ext_txn_defer(conn, &table->deferred);
  }
  if (rc) return rc;
  int level = table->spec.synchronous < 0 ? conn->settings.synchronous : table->spec.synchronous;
  return ext_txn_write_as(conn, table->writing, level, err);
}

/* ---- values --------------------------------------------------------------------------------- */

static int encode(sqlite3_value *value, mm_type type, const char *column, uint8_t *bytes,
                  mm_error *err) {
  mm_value v;
  mm_error inner;
  int rc = ext_value(value, &v, err);
  if (rc) return rc;
  rc = mm_type_encode(type, &v, bytes, &inner);
  return rc ? mm_fail(err, inner.code, "column '%s': %s", column, inner.text) : MM_OK;
}

const mmap_column mmap_byte_column = {.type = {.kind = MM_UNSIGNED, .size = 1},
                                      .result = ext_result_u8,
                                      .name = (char *)(uintptr_t) "byte"};

static sqlite3_value *field_value(const mmap_table *table, sqlite3_value **argv, size_t i) {
  return mmap_is_bytes(table) ? argv[2 + BYTES_BYTE] : argv[2 + i];
}

static int offset_column(const mmap_table *table) {
  return mmap_is_bytes(table) ? BYTES_OFFSET : (int)table->spec.column_count;
}

/* A row on its way. In the table's scratch: which fields are set, the key that the record will
** have, and the values encoded one behind the other. */
typedef struct edit {
  mmap_table *table;
  sqlite3_value **argv;
  mmap_rows rows;
  int64_t row;
  uint64_t place; /* of its record in the object */
  bool inserts;   /* what is not set is zero */
  uint8_t *set;   /* a flag for each field */
  uint8_t *key;   /* NULL: not sorted */
  uint8_t *values;
  uint8_t *record; /* room for one, if it is appended whole */
} edit;

static bool same_bytes(const mm_value *a, const mm_value *b) {
  return a->size == b->size && (a->size == 0 || memcmp(a->data, b->data, (size_t)a->size) == 0);
}

bool mmap_same_value(const mm_value *a, const mm_value *b) {
  if (a->kind != b->kind) return false;
  switch (a->kind) {
    case MM_VALUE_INTEGER:
      return a->integer == b->integer;
    case MM_VALUE_REAL:
      return a->real >= b->real && a->real <= b->real;
    case MM_VALUE_NULL:
      return true;
    default:
      return same_bytes(a, b);
  }
}

/* Is the value the one that the field reads as? Then its bytes stay, which may say more than it
** does: what follows a text's NUL, which NaN it is. */
static int is_unchanged(const edit *e, const mmap_column *column, sqlite3_value *value, bool *same,
                        mm_error *err) {
  const uint8_t *bytes = e->table->writing->core->data + e->place + column->at;
  uint64_t size = mm_type_buffer(column->type);
  uint8_t *buffer = size ? mm_alloc(size) : NULL;
  mm_value given;
  if (size && !buffer) return mm_fail_nomem(err);
  int rc = ext_value(value, &given, err);
  if (rc == MM_OK) {
    mm_value present = mm_type_decode(column->type, bytes, buffer);
    *same = mmap_same_value(&given, &present);
  }
  mm_free(buffer);
  return rc;
}

static int is_set(const edit *e, size_t i, bool *set, mm_error *err) {
  sqlite3_value *value = field_value(e->table, e->argv, i);
  bool same = false;
  if (e->inserts) {
    *set = sqlite3_value_type(value) != SQLITE_NULL;
    return MM_OK;
  }
  *set = false;
  if (sqlite3_value_nochange(value)) return MM_OK;
  int rc = is_unchanged(e, mmap_field(e->table, i), value, &same, err);
  if (rc == MM_OK) *set = !same;
  return rc;
}

/* A record of more bytes is not put together to be appended: most of it are zeros, which a file that grows
** has by itself. */
#define WHOLE_RECORD_MAX ((uint64_t)4096)

static bool appends_whole(const mmap_table *table) {
  return table->spec.record <= WHOLE_RECORD_MAX;
}

static int make_scratch(mmap_table *table, mm_error *err) {
  if (table->scratch) return MM_OK;
  uint64_t size = mmap_field_count(table);
  if (mmap_sorted_column(table)) size += mmap_sorted_column(table)->type.size;
  for (size_t i = 0; i < mmap_field_count(table); i++) size += mmap_field(table, i)->type.size;
  if (appends_whole(table)) size += table->spec.record;
  table->scratch = mm_alloc(size);
  return table->scratch ? MM_OK : mm_fail_nomem(err);
}

/* Lay a field's bytes over the key, where they overlap. */
static void lay_over_key(edit *e, const mmap_column *column, const uint8_t *bytes) {
  const mmap_column *key = mmap_sorted_column(e->table);
  uint64_t low = column->at > key->at ? column->at : key->at;
  uint64_t column_end = column->at + column->type.size, key_end = key->at + key->type.size;
  uint64_t high = column_end < key_end ? column_end : key_end;
  if (low < high)
    memcpy(e->key + (low - key->at), bytes + (low - column->at), (size_t)(high - low));
}

static void begin_key(edit *e, uint8_t *room) {
  const mmap_column *key = mmap_sorted_column(e->table);
  const mm_object *core = e->table->writing->core;
  e->key = key ? room : NULL;
  if (!key) return;
  if (e->inserts) {
    memset(e->key, 0, key->type.size);
  } else {
    memcpy(e->key, core->data + e->place + key->at, key->type.size);
  }
}

static int encode_field(edit *e, size_t i, uint8_t **at, mm_error *err) {
  const mmap_column *column = mmap_field(e->table, i);
  bool set;
  int rc = is_set(e, i, &set, err);
  e->set[i] = rc == MM_OK && set;
  if (!e->set[i]) return rc;
  rc = encode(field_value(e->table, e->argv, i), column->type, column->name, *at, err);
  if (rc == MM_OK && e->key) lay_over_key(e, column, *at);
  *at += column->type.size;
  return rc;
}

static int encode_fields(edit *e, mm_error *err) {
  int rc = make_scratch(e->table, err);
  if (rc) return rc;
  size_t count = mmap_field_count(e->table);
  e->set = e->table->scratch;
  begin_key(e, e->set + count);
  e->values = e->set + count + (e->key ? mmap_sorted_column(e->table)->type.size : 0);
  uint8_t *at = e->values;
  for (size_t i = 0; i < count && rc == MM_OK; i++) rc = encode_field(e, i, &at, err);
  e->record = at;
  return rc;
}

/* The row has the key that it had. */
static bool keeps_key(const edit *e) {
  const mmap_column *key = mmap_sorted_column(e->table);
  const uint8_t *data = e->table->writing->core->data;
  return !e->inserts && memcmp(data + e->place + key->at, e->key, (size_t)key->type.size) == 0;
}

static int check_edit_order(const edit *e, mm_error *err) {
  mm_object *core = e->table->writing->core;
  const ext_rowset *deleted = mmap_deleted_rows(e->table, e->table->writing);
  int luck = 0;
  if (!e->key || keeps_key(e)) return MM_OK;
  mmap_keys keys = mmap_table_keys(e->table, core, &e->rows, deleted, &luck);
  int rc = mmap_keys_accept(&keys, e->row, e->key, err);
  mm_error cut;
  if (rc && mm_object_whole(core, &cut)) *err = cut; /* zeros are no reason to call it unsorted */
  return rc ? err->code : MM_OK;
}

int mmap_write_bytes(mm_object *core, uint64_t offset, const uint8_t *bytes, uint64_t size,
                     mm_error *err) {
  if (memcmp(core->data + offset, bytes, (size_t)size) == 0) return MM_OK;
  return mm_object_write(core, offset, bytes, size, err);
}

static int write_fields(const edit *e, mm_error *err) {
  const uint8_t *at = e->values;
  int rc = MM_OK;
  for (size_t i = 0; i < mmap_field_count(e->table) && rc == MM_OK; i++) {
    const mmap_column *column = mmap_field(e->table, i);
    if (!e->set[i]) continue;
    rc = mmap_write_bytes(e->table->writing->core, e->place + column->at, at, column->type.size,
                          err);
    at += column->type.size;
  }
  return rc;
}

/* The last one may be short. */
static int zero_record(const edit *e, mm_error *err) {
  uint64_t size = e->table->spec.record, left = e->rows.start + e->rows.size - e->place;
  if (size > left) size = left;
  uint8_t *zeros = mm_alloc_zeroed(size);
  if (!zeros) return mm_fail_nomem(err);
  int rc = mmap_write_bytes(e->table->writing->core, e->place, zeros, size, err);
  mm_free(zeros);
  return rc;
}

/* A record more, as one step. */
static int append_row(const edit *e, mm_error *err) {
  const uint8_t *at = e->values;
  uint64_t record = e->table->spec.record;
  memset(e->record, 0, (size_t)record);
  for (size_t i = 0; i < mmap_field_count(e->table); i++) {
    const mmap_column *column = mmap_field(e->table, i);
    if (!e->set[i]) continue;
    memcpy(e->record + column->at, at, column->type.size);
    at += column->type.size;
  }
  return mm_object_insert(e->table->writing->core, e->place, e->record, record, err);
}

/* Write the row, or nothing. */
static int write_row(const edit *e, mm_error *err) {
  mm_object *core = e->table->writing->core;
  mm_log_mark mark = mm_object_mark(core);
  int rc = MM_OK;
  if (e->row == e->rows.count) {
    rc = mm_object_resize(core, e->place + e->table->spec.record, err);
  } else if (e->inserts) {
    rc = zero_record(e, err);
  }
  if (rc == MM_OK) rc = write_fields(e, err);
  if (rc == MM_OK) rc = mm_object_faulted(core, err);
  if (rc) {
    mm_error ignored;
    (void)mm_object_rollback_to(core, mark.count, &ignored);
  }
  mm_object_release(core, &mark);
  return rc;
}

static int edit_row(edit *e, mm_error *err) {
  e->place = e->rows.start + (uint64_t)e->row * e->table->spec.record;
  int rc = encode_fields(e, err);
  if (rc == MM_OK) rc = check_edit_order(e, err);
  if (rc) return rc;
  bool whole = e->row == e->rows.count && appends_whole(e->table);
  return whole ? append_row(e, err) : write_row(e, err);
}

/* ---- UPDATE --------------------------------------------------------------------------------- */

/* Rowid and offset must be the row's own. */
static int check_place(sqlite3_value **argv, int column, sqlite3_int64 offset, mm_error *err) {
  sqlite3_value *value = argv[2 + column];
  if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER ||
      sqlite3_value_int64(argv[0]) != sqlite3_value_int64(argv[1])) {
    return mm_fail(err, MM_ERROR, "rowid cannot be set");
  }
  bool same = sqlite3_value_nochange(value) ||
              (sqlite3_value_type(value) == SQLITE_INTEGER && sqlite3_value_int64(value) == offset);
  return same ? MM_OK : mm_fail(err, MM_ERROR, "column 'offset' cannot be set");
}

int mmap_write_file(ext_conn *conn, ext_file *file, mm_error *err) {
  int rc = ext_handle_check_writes(file->handle, err);
  if (rc == MM_OK) rc = ext_txn_write(conn, file->object, err);
  if (rc == MM_OK) ext_file_window(file);
  return rc;
}

/* A byte at its offset in the window of a file argument: the handle is judged, then the place,
** then the value. */
static int write_function_byte(ext_conn *conn, ext_file *file, uint64_t offset,
                               sqlite3_value *value, mm_error *err) {
  uint8_t byte;
  int rc = mmap_write_file(conn, file, err);
  if (rc) return rc;
  if (offset >= file->length) {
    return mm_fail(err, MM_ERROR, "offset %llu is not there any more", (unsigned long long)offset);
  }
  rc = encode(value, mmap_byte_column.type, mmap_byte_column.name, &byte, err);
  if (rc) return rc;
  return mm_object_write(file->object->core, file->start + offset, &byte, 1, err);
}

static int update_function(mmap_table *table, sqlite3_value **argv, mm_error *err) {
  ext_conn *conn = table->tab.conn;
  ext_file file;
  bool from = !sqlite3_value_nochange(argv[2 + BYTES_OFFSET]) &&
              !sqlite3_value_nochange(argv[2 + BYTES_BYTE]);
  int rc = check_place(argv, BYTES_OFFSET, sqlite3_value_int64(argv[0]), err);
  if (rc == MM_OK) rc = mmap_function_file(table, argv[2 + BYTES_FILE], from, &file, err);
  if (rc) return rc;
  if (!sqlite3_value_nochange(argv[2 + BYTES_BYTE])) {
    uint64_t offset = (uint64_t)sqlite3_value_int64(argv[0]);
    rc = write_function_byte(conn, &file, offset, argv[2 + BYTES_BYTE], err);
  }
  ext_object_release(file.object);
  return rc;
}

static bool is_deleted(const mmap_table *table, int64_t row) {
  const ext_rowset *deleted = mmap_deleted_rows(table, table->writing);
  return deleted && ext_rowset_has(deleted, row);
}

/* The row of a rowid that SQLite has read from the table. */
static int find_row(const mmap_table *table, sqlite3_value *rowid, const mmap_rows *rows,
                    int64_t *row, mm_error *err) {
  *row = sqlite3_value_int64(rowid) - rows->first;
  if (*row >= 0 && *row < rows->count && !is_deleted(table, *row)) return MM_OK;
  return mm_fail(err, MM_ERROR, "row %lld is not there any more",
                 (long long)sqlite3_value_int64(rowid));
}

static int update_table(mmap_table *table, sqlite3_value **argv, mm_error *err) {
  int rc = mmap_table_write(table, err);
  if (rc) return rc;
  edit e = {.table = table, .argv = argv};
  e.rows = mmap_table_rows(table, table->writing->core);
  rc = find_row(table, argv[0], &e.rows, &e.row, err);
  if (rc == MM_OK) {
    uint64_t offset = e.rows.start + (uint64_t)e.row * table->spec.record;
    rc = check_place(argv, offset_column(table), (sqlite3_int64)offset, err);
  }
  return rc == MM_OK ? edit_row(&e, err) : rc;
}

/* ---- INSERT --------------------------------------------------------------------------------- */

static int refuse_resize(const char *name, mm_error *err) {
  return mm_fail(err, MM_READONLY, "'%s' is open with access=copy: its size stays", name);
}

int mmap_check_sizes(const mmap_table *table, mm_error *err) {
  const mm_object *core = table->writing->core;
  if (core->fixed) return refuse_resize(core->name, err);
  if (table->spec.length) {
    return mm_fail(err, MM_ERROR, "a table of fixed length neither grows nor shrinks");
  }
  if (table->spec.offset > core->size) {
    return mm_fail(err, MM_ERROR, "'%s' ends before offset %llu, where the table begins",
                   core->name, (unsigned long long)table->spec.offset);
  }
  return MM_OK;
}

/* Can the file grow and shrink by whole records? */
static int check_resizable(const mmap_table *table, const mmap_rows *rows, mm_error *err) {
  const mm_object *core = table->writing->core;
  uint64_t whole = rows->size - rows->size % table->spec.record;
  int rc = mmap_check_sizes(table, err);
  if (rc) return rc;
  if (rows->start + whole != core->size) {
    return mm_fail(err, MM_ERROR, "'%s' has %llu bytes past its last whole record", core->name,
                   (unsigned long long)(core->size - rows->start - whole));
  }
  return MM_OK;
}

/* Offset `offset`, exactly a record's. */
static int row_of_offset(const edit *e, int64_t offset, int64_t *row, mm_error *err) {
  int64_t start = (int64_t)e->rows.start, record = (int64_t)e->table->spec.record;
  if (offset < start || (offset - start) % record) {
    return mm_fail(err, MM_CONSTRAINT, "offset %lld is no record's", (long long)offset);
  }
  *row = (offset - start) / record;
  return MM_OK;
}

/* Which row an INSERT asks for, by rowid, offset or both; -1: the next one. */
static int asked_row(const edit *e, int64_t *row, mm_error *err) {
  sqlite3_value *rowid = e->argv[1], *place = e->argv[2 + offset_column(e->table)];
  int64_t offset, by_offset = -1;
  int rc = MM_OK;
  *row = -1;
  if (sqlite3_value_type(rowid) != SQLITE_NULL) {
    int64_t asked = sqlite3_value_int64(rowid);
    if (asked < e->rows.first) { /* looked at first: the difference may be no int64_t */
      return mm_fail(err, MM_CONSTRAINT, "rowid %lld is before the first one, %lld",
                     (long long)asked, (long long)e->rows.first);
    }
    *row = asked - e->rows.first;
  }
  if (sqlite3_value_type(place) == SQLITE_NULL) return rc;
  rc = ext_value_integer(place, "offset", &offset, err);
  if (rc) return mm_fail(err, MM_CONSTRAINT, "offset is no integer");
  rc = row_of_offset(e, offset, &by_offset, err);
  if (rc == MM_OK && *row >= 0 && *row != by_offset) {
    rc = mm_fail(err, MM_CONSTRAINT, "rowid %lld and offset %lld are not of one record",
                 (long long)(*row + e->rows.first), (long long)offset);
  }
  *row = by_offset;
  return rc;
}

static int refuse_row(const edit *e, int64_t row, const char *why, mm_error *err) {
  return mm_fail(err, MM_CONSTRAINT, "rowid %lld %s: the next one is %lld",
                 (long long)(row + e->rows.first), why, (long long)(e->rows.count + e->rows.first));
}

/* The row that is appended; with OR REPLACE one that is there may be written anew. */
static int choose_row(edit *e, mm_error *err) {
  bool replaces = sqlite3_vtab_on_conflict(e->table->tab.conn->db) == SQLITE_REPLACE;
  int64_t row;
  int rc = asked_row(e, &row, err);
  if (rc) return rc;
  e->row = row < 0 ? e->rows.count : row;
  if (is_deleted(e->table, e->row)) {
    return refuse_row(e, e->row, "was deleted in this transaction", err);
  }
  if (e->row > e->rows.count) return refuse_row(e, e->row, "would leave a gap", err);
  if (e->row < e->rows.count && !replaces) return refuse_row(e, e->row, "is taken", err);
  return MM_OK;
}

static int insert_row(mmap_table *table, sqlite3_value **argv, sqlite3_int64 *rowid,
                      mm_error *err) {
  int rc = mmap_table_write(table, err);
  if (rc) return rc;
  edit e = {.table = table, .argv = argv, .inserts = true};
  e.rows = mmap_table_rows(table, table->writing->core);
  rc = choose_row(&e, err);
  if (rc == MM_OK && e.row == e.rows.count) rc = check_resizable(table, &e.rows, err);
  if (rc == MM_OK) rc = edit_row(&e, err);
  *rowid = e.rows.first + e.row;
  return rc;
}

/* ---- DELETE --------------------------------------------------------------------------------- */

/* Whoever keeps rowids, as grids of programs do, would go on to write to the wrong rows. */
int mmap_check_deletes(const mmap_table *table, mm_error *err) {
  int rc = check_access(table, err);
  if (rc == MM_OK && table->spec.access == EXT_COPY) rc = refuse_resize(table->spec.path, err);
  if (rc || table->spec.deletes) return rc;
  return mm_fail(err, MM_READONLY,
                 "DELETE renumbers the rows behind: delete=yes in CREATE VIRTUAL TABLE allows it");
}

static int delete_row(mmap_table *table, sqlite3_value **argv, mm_error *err) {
  int64_t row;
  int rc = mmap_check_deletes(table, err);
  if (rc == MM_OK) rc = mmap_table_write(table, err);
  if (rc) return rc;
  mmap_rows rows = mmap_table_rows(table, table->writing->core);
  rc = check_resizable(table, &rows, err);
  if (rc == MM_OK) rc = find_row(table, argv[0], &rows, &row, err);
  return rc == MM_OK ? mmap_deleted_add(table, table->writing, row, err) : rc;
}

/* ---- xUpdate -------------------------------------------------------------------------------- */

static int refuse_function(mm_error *err) {
  return mm_fail(err, MM_ERROR,
                 "the table-valued form can only be updated; "
                 "CREATE VIRTUAL TABLE makes one that takes rows");
}

/* In SQLite's own words. */
static int refuse_trigger(sqlite3_vtab *base, const char *name) {
  sqlite3_free(base->zErrMsg);
  base->zErrMsg = sqlite3_mprintf("unsafe use of virtual table \"%s\"", name);
  return base->zErrMsg ? SQLITE_ERROR : SQLITE_NOMEM;
}

/* SQLite makes a savepoint for an UPDATE of many rows, but not for UPDATE … FROM of a virtual table. */
static void begin_update(mmap_table *table) {
  ext_conn *conn = table->tab.conn;
  if (table->in_update) return;
  table->in_update = true;
  table->is_part = !sqlite3_get_autocommit(conn->db) &&
                   ext_running_updates_from(conn->db, mmap_table_label(table));
  if (table->is_part) ext_txn_begin_part(conn);
}

/* What a row that fails means for those before it: OR FAIL keeps them, OR IGNORE goes on. */
static void end_update(mmap_table *table, mm_error *err) {
  sqlite3 *db = table->tab.conn->db;
  int on_conflict = sqlite3_vtab_on_conflict(db);
  bool keeps = on_conflict == SQLITE_FAIL || on_conflict == SQLITE_IGNORE;
  mm_error later;
  if (!table->is_part || (keeps && err->code == MM_CONSTRAINT)) return;
  if (ext_txn_undo_part(table->tab.conn, &later)) *err = later;
}

int mmapUpdate(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  mmap_table *table = (mmap_table *)base;
  mm_error *err = &table->tab.conn->err;
  bool function = table->spec.path == NULL;
  bool updates = argc > 1 && sqlite3_value_type(argv[0]) != SQLITE_NULL;
  int rc;
  if (!ext_table_allowed(table->tab.conn->db, mmap_table_label(table))) {
    return refuse_trigger(base, mmap_table_label(table));
  }
  if (!table->told && !table->made) return ext_tab_rolled_back(base);
  if (updates) {
    begin_update(table);
  } else {
    table->in_update = false;
  }
  if (table->spec.chained) {
    rc = chain_update(table, argc, argv, rowid, err);
  } else if (function) {
    rc = updates ? update_function(table, argv, err) : refuse_function(err);
  } else if (argc == 1) {
    rc = delete_row(table, argv, err);
  } else {
    rc = updates ? update_table(table, argv, err) : insert_row(table, argv, rowid, err);
  }
  if (rc && updates) end_update(table, err);
  return rc ? ext_table_error(base, mmap_table_label(table), err) : SQLITE_OK;
}
