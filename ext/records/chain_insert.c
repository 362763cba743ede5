/*
** chain_insert.c: INSERT and DELETE of tables whose records say how large they are, of one file.
**
** INSERT appends a record. It is laid out column by column, as what a column's place hangs on must be
** written before it; then it is read as any other record is, and what does not read as it was given is
** a constraint's affair. So sizes, presence, checks and overlapping columns are judged by the one walk
** that there is.
**
**     a size that is one bare column   is what the data need, if that column is left out: also
**                                      record=(column)
**     a column left out                zero bytes: as many as its size says
**     at_file(…), what follows it,     not written: left out, or what is there
**     AS (…)
**
** DELETE notes the bytes of a record: deleting.c takes them away at COMMIT. What lies behind the rows,
** behind an `until` or a `while`, moves down with them. An INSERT behind a record that is deleted notes
** the padding that it puts between them.
*/
#include "ext/records/chain_edit.h"

#include <string.h>

#include "core/bytes/json.h"
#include "core/bytes/utf.h"
#include "core/bytes/varlen.h"
#include "core/common/mem.h"

typedef struct chain_new {
  chain_edit edit;
  mm_value *given; /* owned; of each column: NULL is left out */
  int filled;      /* the column that is to be the record's size, as it was left out; else -1 */
  chain_end end;
  uint64_t offset; /* of the record */
} chain_new;

/* ---- sizes that are left out -------------------------------------------------------------------- */

static uint64_t count_points(const mm_value *text) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < text->size; count++) {
    uint32_t point;
    size_t n = mm_utf8_next(text->data + i, text->size - i, &point);
    i += n ? n : 1;
  }
  return count;
}

static uint64_t count_units(const mm_value *text) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < text->size; count++) {
    uint32_t point = 0;
    size_t n = mm_utf8_next(text->data + i, text->size - i, &point);
    i += n ? n : 1;
    count += point > 0xffff;
  }
  return count;
}

static uint64_t count_items(const mm_value *text) {
  mm_json json = {.at = text->data, .end = text->data + text->size};
  mm_json_item item;
  while (mm_json_next(&json, &item)) continue;
  return json.count; /* one that is no array will not fit */
}

/* What a size expression would have to give for this value. */
static uint64_t size_needed(const mm_layout_column *column, const mm_value *value) {
  switch (column->type.kind) {
    case MM_ARRAY:
      return value->kind == MM_VALUE_TEXT ? count_items(value) : 0;
    case MM_LATIN1:
      return count_points(value);
    case MM_UTF16:
      return 2 * count_units(value);
    default:
      return value->size;
  }
}

static bool has_bytes(const mm_value *value) {
  return value->kind == MM_VALUE_TEXT || value->kind == MM_VALUE_BLOB;
}

/* The column that an expression is nothing but, if it is left out; else -1. */
static int bare_left_out(const chain_new *n, const mm_expr *expr) {
  const mm_layout *layout = &n->edit.table->spec.layout;
  int slot = expr ? mm_expr_bare(expr) : -1;
  if (slot < 0 || (size_t)slot >= layout->count || n->given[slot].kind != MM_VALUE_NULL) return -1;
  return layout->columns[slot].computed ? -1 : slot;
}

/* The first that needs a size says which; others must agree. */
static void fill_sizes(chain_new *n) {
  const mm_layout *layout = &n->edit.table->spec.layout;
  for (size_t i = 0; i < layout->count; i++) {
    const mm_layout_column *column = &layout->columns[i];
    int slot = bare_left_out(n, column->size);
    if (slot < 0 || !has_bytes(&n->given[i])) continue;
    uint64_t size = size_needed(column, &n->given[i]);
    n->given[slot] = (mm_value){.kind = MM_VALUE_INTEGER, .integer = (int64_t)size};
  }
  n->filled = bare_left_out(n, layout->options[MM_LAYOUT_RECORD]);
}

static int take_values(chain_new *n) {
  size_t count = n->edit.table->spec.layout.count;
  int rc = MM_OK;
  n->given = mm_alloc_zeroed(count * sizeof *n->given);
  if (!n->given) return mm_fail_nomem(n->edit.err);
  for (size_t i = 0; rc == MM_OK && i < count; i++) {
    rc = chain_edit_given(&n->edit, i, &n->given[i]);
  }
  if (rc == MM_OK) fill_sizes(n);
  return rc;
}

/* ---- laying it out ------------------------------------------------------------------------------ */

static int make_file_room(chain_edit *e, uint64_t end) {
  int rc = end > e->core->size ? mm_object_resize(e->core, end, e->err) : MM_OK;
  chain_edit_look(e);
  return rc;
}

/* What a column that is left out is, where zero bytes are not it. */
static mm_value zero_of(mm_type type) {
  static const uint8_t none[1];
  if (type.kind == MM_CSTR) return (mm_value){.kind = MM_VALUE_TEXT, .data = none};
  return (mm_value){.kind = MM_VALUE_INTEGER};
}

/* Bytes of a value whose type has no fixed size: it takes as few as it can. */
static int measure_value(chain_new *n, size_t i, uint64_t *size) {
  chain_edit *e = &n->edit;
  mm_error inner;
  mm_type type = mm_walk_type(&e->walk, i);
  *size = 0;
  if (!mm_type_is_variable(type) || chain_edited(e, i)->computed) return MM_OK;
  if (n->given[i].kind == MM_VALUE_NULL) n->given[i] = zero_of(type);
  int rc = mm_varlen_measure(type, &n->given[i], size, &inner);
  return rc ? mm_fail(e->err, inner.code, "column '%s': %s", chain_edited(e, i)->name, inner.text)
            : MM_OK;
}

/* What cannot be laid out is for the values that are given. */
static int refuse_layout(const chain_new *n, int rc, const mm_error *inner) {
  if (rc == MM_DAMAGED) rc = MM_CONSTRAINT;
  return mm_fail(n->edit.err, rc, "%s", inner->text);
}

/* By at_file, or behind such a column. */
static bool lies_elsewhere(const chain_edit *e, size_t i) {
  while (i > 0 && (chain_edited(e, i)->computed || chain_edited(e, i)->place == MM_PLACE_AFTER))
    i--;
  return chain_edited(e, i)->place == MM_PLACE_FILE;
}

static bool is_written(const chain_edit *e, size_t i) {
  return !chain_edited(e, i)->computed && e->walk.places[i].present && !lies_elsewhere(e, i);
}

/* Its bytes are in the file, and what is given for it among those that are set. */
static int write_new_column(chain_new *n, size_t i) {
  chain_edit *e = &n->edit;
  const mm_walk_place *place = &e->walk.places[i];
  uint64_t before = e->used;
  if (!is_written(e, i)) return MM_OK;
  int rc = make_file_room(e, e->window + place->at + place->size);
  if (rc || n->given[i].kind == MM_VALUE_NULL) return rc;
  rc = chain_edit_set(e, i, &n->given[i]);
  return rc ? rc : chain_edit_put(e, i, e->bytes + before);
}

static int lay_column(chain_new *n, size_t i) {
  chain_edit *e = &n->edit;
  mm_error inner;
  uint64_t extent;
  bool left_out = n->given[i].kind == MM_VALUE_NULL;
  if ((int)i == n->filled) n->given[i] = (mm_value){.kind = MM_VALUE_INTEGER};
  int rc = measure_value(n, i, &extent);
  if (rc) return rc;
  rc = mm_walk_build_column(&e->walk, extent, &inner);
  if (rc) return refuse_layout(n, rc, &inner);
  if (!left_out && !e->walk.places[i].present) {
    return chain_edit_refuse(e, i, "it has no bytes in this record");
  }
  return write_new_column(n, i);
}

/* The record's size, if it is a column that was left out: only now it is known. */
static int fill_record_size(chain_new *n) {
  chain_edit *e = &n->edit;
  mm_value size = {.kind = MM_VALUE_INTEGER, .integer = (int64_t)(e->walk.end - n->offset)};
  uint64_t at = 0, used = e->used;
  if (n->filled < 0 || !e->set[n->filled]) return MM_OK;
  for (int i = 0; i < n->filled; i++) at += e->set[i] ? e->walk.places[i].size : 0;
  e->used = at;
  int rc = chain_edit_set(e, (size_t)n->filled, &size);
  e->used = used;
  return rc ? rc : chain_edit_put(e, (size_t)n->filled, e->bytes + at);
}

/* Some of it is known before, and mostly all: the file grows once. */
static uint64_t expected_size(const chain_new *n) {
  const mm_layout *layout = &n->edit.table->spec.layout;
  uint64_t size = 0;
  for (size_t i = 0; i < layout->count; i++) {
    const mm_layout_column *column = &layout->columns[i];
    if (column->computed || column->place != MM_PLACE_AFTER) continue;
    if (has_bytes(&n->given[i]) && (column->size || column->type.kind == MM_CSTR)) {
      size += n->given[i].size;
    } else if (mm_type_is_fixed(column->type) && !column->present && !column->size) {
      size += column->type.size;
    }
  }
  return size;
}

static int lay_record(chain_new *n) {
  chain_edit *e = &n->edit;
  mm_error inner;
  uint64_t size;
  int rc = make_file_room(e, e->window + n->offset + expected_size(n));
  if (rc) return rc;
  mm_walk_jump(&e->walk, n->end.rows, n->offset);
  mm_walk_build(&e->walk);
  for (size_t i = 0; rc == MM_OK && i < e->walk.layout->count; i++) rc = lay_column(n, i);
  if (rc == MM_OK) rc = fill_record_size(n);
  if (rc) return rc;
  rc = mm_walk_build_end(&e->walk, &size, &inner);
  if (rc) return refuse_layout(n, rc, &inner);
  uint64_t end = e->window + n->offset + size;
  if (end != e->core->size) rc = mm_object_resize(e->core, end, e->err);
  chain_edit_look(e);
  return rc;
}

/* ---- reading it back ---------------------------------------------------------------------------- */

/* What is not written must be left out, or be what is there. */
static int compare_unwritten(chain_new *n, size_t i) {
  chain_edit *e = &n->edit;
  mm_value now;
  if (n->given[i].kind == MM_VALUE_NULL || is_written(e, i)) return MM_OK;
  int rc = mm_walk_value(&e->walk, i, &now, e->err);
  if (rc) return rc == MM_DAMAGED ? (e->err->code = MM_CONSTRAINT) : rc;
  if (mmap_same_value(&n->given[i], &now)) return MM_OK;
  return chain_edit_refuse(e, i,
                           chain_edited(e, i)->computed ? "it is computed from others"
                                                        : "it lies elsewhere in the file");
}

static int read_back(chain_new *n) {
  chain_edit *e = &n->edit;
  mm_error inner;
  size_t column;
  int rc = chain_begin(e->table, &e->walk, (sqlite3_value *[CHAIN_ARGUMENTS]){NULL}, e->err);
  if (rc) return rc;
  mm_walk_jump(&e->walk, n->end.rows, n->offset);
  rc = mm_walk_step(&e->walk, &inner);
  if (rc) return refuse_layout(n, rc, &inner);
  if (e->walk.done) {
    return mm_fail(e->err, MM_CONSTRAINT,
                   "it would be no row: count or while ends the rows before");
  }
  if (e->walk.next != e->core->size - e->window) {
    return mm_fail(e->err, MM_CONSTRAINT, "its size does not agree with its columns");
  }
  if (!chain_edit_reads_back(e, &column)) {
    return chain_edit_refuse(e, column, "another column that is given lies over it");
  }
  for (size_t i = 0; rc == MM_OK && i < e->walk.layout->count; i++) rc = compare_unwritten(n, i);
  return rc;
}

/* The walk to where the rows end goes on from here the next time. */
static void move_end(const chain_new *n, mmap_stations *s) {
  const mm_walk *walk = &n->edit.walk;
  uint64_t align = walk->layout->align, size = walk->next - walk->offset;
  mmap_stations_keep(s, n->edit.object, walk->stop);
  if (walk->rowid % MMAP_STATION == 0) mmap_stations_leave(s, walk);
  s->end = (chain_end){walk->rowid + 1, walk->next,
                       align > 1 && size % align ? align - size % align : 0, walk->ended};
}

/* The padding that the last record gets goes with it, if it is deleted. Whether another table has deleted it
** nobody can say: that is an error. */
static int delete_padding(const chain_new *n) {
  const chain_edit *e = &n->edit;
  if (!n->end.padding || e->object->leaving == 0) return MM_OK;
  const ext_rowset *bytes = mmap_deleted_rows(e->table, e->object);
  if (bytes && !ext_rowset_has(bytes, (int64_t)n->end.next - 1)) return MM_OK;
  return mmap_deleted_add_bytes(e->table, e->object, n->end.next, n->end.padding, e->err);
}

static int append_record(chain_new *n) {
  chain_edit *e = &n->edit;
  mm_error ignored;
  mm_log_mark mark = mm_object_mark(e->core);
  int rc = lay_record(n);
  if (rc == MM_OK) rc = mm_object_faulted(e->core, e->err);
  if (rc == MM_OK) rc = read_back(n);
  if (rc == MM_OK) rc = delete_padding(n);
  if (rc) (void)mm_object_rollback_to(e->core, mark.count, &ignored);
  mm_object_release(e->core, &mark);
  return rc;
}

/* ---- where it goes ------------------------------------------------------------------------------ */

/* Can anything be appended so that all other rows stay as they are? */
static int check_rows_end(const chain_new *n) {
  const chain_edit *e = &n->edit;
  const char *name = e->core->name;
  if (n->end.ended) {
    return mm_fail(e->err, MM_ERROR, "until says that the last record of '%s' is the last", name);
  }
  if (n->end.next != e->core->size) {
    return mm_fail(e->err, MM_ERROR, "'%s' has %llu bytes past its last record", name,
                   (unsigned long long)(e->core->size - n->end.next));
  }
  return MM_OK;
}

/* Rowid, offset: left out, or what they will be. What they only can be is not said. */
static int check_asked(const chain_new *n, sqlite3_value **argv) {
  const chain_edit *e = &n->edit;
  sqlite3_value **hidden = e->argv + chain_hidden_at(&e->table->spec);
  int64_t row = n->end.rows, offset;
  if (sqlite3_value_type(argv[1]) != SQLITE_NULL && sqlite3_value_int64(argv[1]) != row) {
    return mm_fail(e->err, MM_CONSTRAINT, "rowid %lld cannot be inserted: the next one is %lld",
                   (long long)sqlite3_value_int64(argv[1]), (long long)row);
  }
  for (int i = CHAIN_NEXT; i <= CHAIN_ERROR; i++) {
    if (sqlite3_value_type(hidden[i]) == SQLITE_NULL) continue;
    return mm_fail(e->err, MM_CONSTRAINT, "column '%s' cannot be set",
                   i == CHAIN_NEXT ? "next" : "error");
  }
  if (sqlite3_value_type(hidden[CHAIN_OFFSET]) == SQLITE_NULL) return MM_OK;
  int rc = ext_value_integer(hidden[CHAIN_OFFSET], "offset", &offset, e->err);
  if (rc == MM_OK && offset == (int64_t)n->offset) return MM_OK;
  return mm_fail(e->err, MM_CONSTRAINT, "offset is not %llu, where the next record is",
                 (unsigned long long)n->offset);
}

static int find_place(chain_new *n, sqlite3_value **argv) {
  chain_edit *e = &n->edit;
  sqlite3_value *args[CHAIN_ARGUMENTS] = {NULL};
  int rc = chain_begin(e->table, &e->walk, args, e->err);
  if (rc == MM_OK) rc = chain_find_end(e->table, e->object, &e->walk, &n->end, e->err);
  if (rc == MM_OK) rc = check_rows_end(n);
  n->offset = n->end.next + n->end.padding;
  return rc ? rc : check_asked(n, argv);
}

static int insert_record(chain_new *n, sqlite3_value **argv) {
  chain_edit *e = &n->edit;
  int rc = chain_edit_open(e);
  if (rc == MM_OK) rc = find_place(n, argv);
  if (rc == MM_OK) rc = take_values(n);
  bool keeps = rc == MM_OK && mmap_stations_are_good(e->table->stations, e->object, &e->walk);
  if (rc == MM_OK) rc = append_record(n);
  if (rc == MM_OK && keeps) move_end(n, e->table->stations);
  if (rc && keeps) mmap_stations_keep(e->table->stations, e->object, e->core->size);
  mm_free(n->given);
  chain_edit_clear(e);
  return rc;
}

int chain_insert(mmap_table *table, sqlite3_value **argv, sqlite3_int64 *rowid, mm_error *err) {
  int rc = mmap_table_write(table, err);
  if (rc == MM_OK) rc = mmap_check_sizes(table, err);
  if (rc == MM_OK && table->spec.layout.sees_end) {
    rc = mm_fail(err, MM_ERROR,
                 "INSERT would change other rows: their expressions read where the "
                 "file ends");
  }
  if (rc) return rc;
  ext_object *object = table->writing;
  chain_new n = {.edit = {.table = table,
                          .argv = argv + 2,
                          .object = object,
                          .core = object->core,
                          .length = UINT64_MAX,
                          .err = err}};
  rc = insert_record(&n, argv);
  *rowid = n.end.rows;
  return rc;
}

/* ---- DELETE ------------------------------------------------------------------------------------- */

static int delete_record(chain_edit *e, int64_t row) {
  sqlite3_value *args[CHAIN_ARGUMENTS] = {NULL};
  int rc = chain_edit_open(e);
  if (rc == MM_OK) rc = chain_begin(e->table, &e->walk, args, e->err);
  if (rc == MM_OK) rc = chain_find_row(e->table, e->object, &e->walk, row, e->err);
  if (rc) return rc;
  return mmap_deleted_add_bytes(e->table, e->object, e->walk.offset, e->walk.next - e->walk.offset,
                                e->err);
}

int chain_delete(mmap_table *table, int64_t row, mm_error *err) {
  int rc = mmap_check_deletes(table, err);
  if (rc == MM_OK) rc = mmap_table_write(table, err);
  if (rc == MM_OK) rc = mmap_check_sizes(table, err);
  if (rc) return rc;
  ext_object *object = table->writing;
  chain_edit e = {
      .table = table, .object = object, .core = object->core, .length = UINT64_MAX, .err = err};
  rc = delete_record(&e, row);
  chain_edit_clear(&e);
  return rc;
}
