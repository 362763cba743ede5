/*
** chain_writing.c: UPDATE of tables whose records say how large they are.
**
** argv of xUpdate: [0] the old rowid, [1] the new one, [2 …] the columns, then the hidden ones. Bytes
** change in place: what another column's size, place or presence hangs on stays, and so does the size
** of everything. All that can be refused is before the first byte is written.
*/
#include "ext/records/chain.h"

#include <string.h>

#include "core/bytes/bits.h"
#include "core/bytes/varlen.h"
#include "core/common/mem.h"

/* A row on its way. */
typedef struct chain_edit {
  mmap_table *table;
  sqlite3_value **argv; /* of the columns */
  mm_object *core;
  uint64_t window; /* where the walk's file starts in the object */
  mm_walk walk;
  uint8_t *bytes; /* owned: the encoded values one behind the other, as set */
  uint64_t used, room;
  bool *set; /* owned; one for each column */
  mm_error *err;
} chain_edit;

static const mm_layout_column *edited(const chain_edit *e, size_t i) {
  return &e->table->spec.layout.columns[i];
}

static int refuse_value(const chain_edit *e, size_t i, const char *why) {
  return mm_fail(e->err, MM_CONSTRAINT, "column '%s': %s", edited(e, i)->name, why);
}

/* ---- values ---------------------------------------------------------------------------------- */

static int make_value_room(chain_edit *e, uint64_t more) {
  if (more <= e->room - e->used) return MM_OK;
  uint64_t room = 2 * e->room + more;
  uint8_t *bytes = mm_realloc(e->bytes, room);
  if (!bytes) return mm_fail_nomem(e->err);
  e->bytes = bytes;
  e->room = room;
  return MM_OK;
}

static int encode_bits(chain_edit *e, size_t i, const mm_value *value, uint8_t *out,
                       mm_error *err) {
  const mm_walk_place *place = &e->walk.places[i];
  mm_type type = mm_walk_type(&e->walk, i);
  uint64_t bits = 0;
  int rc = mm_bits_encode(type, value, &bits, err);
  if (rc) return rc;
  memcpy(out, e->walk.data + place->at, (size_t)place->size);
  mm_bits_set(out, place->bit, type.bits, !type.big_endian, bits);
  return MM_OK;
}

/* Bytes whose number an expression says are not padded. */
static int check_value_length(const chain_edit *e, size_t i, const mm_value *value, mm_error *err) {
  uint64_t size = e->walk.places[i].size;
  bool counted =
      edited(e, i)->size && (value->kind == MM_VALUE_BLOB || value->kind == MM_VALUE_TEXT);
  bool raw = edited(e, i)->type.kind == MM_BLOB || edited(e, i)->type.kind == MM_TEXT;
  if (!counted || !raw || value->size == size) return MM_OK;
  return mm_fail(err, MM_CONSTRAINT, "%llu bytes do not fit %llu", (unsigned long long)value->size,
                 (unsigned long long)size);
}

static int encode_value(chain_edit *e, size_t i, const mm_value *value, uint8_t *out) {
  mm_error inner;
  mm_type type = mm_walk_type(&e->walk, i);
  int rc = check_value_length(e, i, value, &inner);
  if (rc == MM_OK && type.kind == MM_BITS) {
    rc = encode_bits(e, i, value, out, &inner);
  } else if (rc == MM_OK && mm_type_is_variable(type)) {
    rc = mm_varlen_encode(type, value, e->walk.places[i].size, out, &inner);
  } else if (rc == MM_OK) {
    rc = mm_type_encode(type, value, out, &inner);
  }
  return rc ? mm_fail(e->err, inner.code, "column '%s': %s", edited(e, i)->name, inner.text)
            : MM_OK;
}

/* Why a column that is given another value cannot have it; NULL: it can. */
static const char *why_not(const chain_edit *e, size_t i) {
  if (edited(e, i)->computed) return "it is computed from others";
  if (i >= e->walk.found) return "the record is damaged before it";
  if (!e->walk.places[i].present) return "it has no bytes in this record";
  if (edited(e, i)->rules) return "the layout of its record hangs on it";
  return NULL;
}

static int edit_column(chain_edit *e, size_t i) {
  mm_value given, present;
  e->set[i] = false;
  if (sqlite3_value_nochange(e->argv[i])) return MM_OK;
  int rc = ext_value(e->argv[i], &given, e->err);
  if (rc == MM_OK) rc = mm_walk_value(&e->walk, i, &present, e->err);
  if (rc || mmap_same_value(&given, &present)) return rc;
  const char *why = why_not(e, i);
  if (why) return refuse_value(e, i, why);
  uint64_t size = e->walk.places[i].size;
  rc = make_value_room(e, size);
  if (rc == MM_OK) rc = encode_value(e, i, &given, e->bytes + e->used);
  if (rc) return rc;
  e->set[i] = true;
  e->used += size;
  return MM_OK;
}

/* ---- writing --------------------------------------------------------------------------------- */

/* A bit field's neighbours may have been set before it. */
static int write_bits(chain_edit *e, size_t i, const uint8_t *bytes) {
  const mm_walk_place *place = &e->walk.places[i];
  mm_type type = mm_walk_type(&e->walk, i);
  uint8_t now[16];
  memcpy(now, e->core->data + e->window + place->at, (size_t)place->size);
  mm_bits_set(now, place->bit, type.bits, !type.big_endian,
              mm_bits_get(bytes, place->bit, type.bits, !type.big_endian));
  return mmap_write_bytes(e->core, e->window + place->at, now, place->size, e->err);
}

static int write_columns(chain_edit *e) {
  const uint8_t *at = e->bytes;
  int rc = MM_OK;
  for (size_t i = 0; rc == MM_OK && i < e->walk.layout->count; i++) {
    const mm_walk_place *place = &e->walk.places[i];
    if (!e->set[i]) continue;
    rc = edited(e, i)->type.kind == MM_BITS
             ? write_bits(e, i, at)
             : mmap_write_bytes(e->core, e->window + place->at, at, place->size, e->err);
    at += place->size;
  }
  return rc;
}

/* A record that its check, or the order of its bytes, now finds damaged is not written. */
static int check_written(chain_edit *e) {
  mm_error inner;
  bool was_damaged = e->walk.found < e->walk.layout->count;
  if (was_damaged) return MM_OK;
  e->walk.data = e->core->data + e->window;
  mm_walk_jump(&e->walk, e->walk.rowid, e->walk.offset);
  int rc = mm_walk_step(&e->walk, &inner);
  if (rc != MM_CORRUPT) return rc ? (*e->err = inner, rc) : MM_OK;
  return mm_fail(e->err, MM_CONSTRAINT, "%s", inner.text);
}

static int write_all_columns(chain_edit *e) {
  mm_error ignored;
  mm_log_mark mark = mm_object_mark(e->core);
  int rc = write_columns(e);
  if (rc == MM_OK) rc = mm_object_faulted(e->core, e->err);
  if (rc == MM_OK) rc = check_written(e);
  if (rc) (void)mm_object_rollback_to(e->core, mark.count, &ignored);
  mm_object_release(e->core, &mark);
  return rc;
}

/* ---- the record ------------------------------------------------------------------------------ */

static int refuse_place(const mmap_table *table, sqlite3_value **argv, mm_error *err) {
  static const char *const names[] = {"offset", "next", "error", "start", "stop", "endian"};
  if (sqlite3_value_type(argv[1]) != SQLITE_INTEGER ||
      sqlite3_value_int64(argv[0]) != sqlite3_value_int64(argv[1])) {
    return mm_fail(err, MM_ERROR, "rowid cannot be set");
  }
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    if (ext_running_sets(table->tab.conn->db, table->name, names[i])) {
      return mm_fail(err, MM_ERROR, "column '%s' cannot be set", names[i]);
    }
  }
  return MM_OK;
}

static void find_arguments(const chain_edit *e, sqlite3_value *args[CHAIN_ARGUMENTS]) {
  const mmap_spec *spec = &e->table->spec;
  for (int i = 0; i < CHAIN_ARGUMENTS; i++) {
    sqlite3_value *value = spec->path ? NULL : e->argv[spec->layout.count + (size_t)i];
    bool given = value && i != CHAIN_FILE && sqlite3_value_type(value) != SQLITE_NULL;
    args[i] = given ? value : NULL;
  }
}

/* Stand on the record that the cursor has read. */
static int find_edited(chain_edit *e, int64_t rowid) {
  const mmap_spec *spec = &e->table->spec;
  sqlite3_value *args[CHAIN_ARGUMENTS];
  int64_t offset = sqlite3_value_int64(e->argv[chain_hidden_at(spec) + CHAIN_OFFSET]);
  find_arguments(e, args);
  int rc = chain_begin(e->table, &e->walk, args, e->err);
  if (rc) return rc;
  mm_walk_jump(&e->walk, rowid, (uint64_t)offset);
  rc = mm_walk_step(&e->walk, e->err);
  if (rc == MM_CORRUPT && spec->partial) return MM_OK;
  if (rc == MM_OK && e->walk.done) {
    return mm_fail(e->err, MM_ERROR, "row %lld is not there any more", (long long)rowid);
  }
  return rc;
}

static int edit_record(chain_edit *e, int64_t rowid) {
  size_t count = e->table->spec.layout.count;
  int rc = mm_walk_open(&e->walk, &e->table->spec.layout, e->err);
  if (rc) return rc;
  e->walk.data = e->core->data + e->window;
  e->walk.size = e->core->size > e->window ? e->core->size - e->window : 0;
  e->set = mm_alloc_zeroed(count * sizeof *e->set);
  rc = e->set ? find_edited(e, rowid) : mm_fail_nomem(e->err);
  for (size_t i = 0; rc == MM_OK && i < count; i++) rc = edit_column(e, i);
  if (rc == MM_OK) rc = write_all_columns(e);
  mm_free(e->set);
  mm_free(e->bytes);
  mm_walk_close(&e->walk);
  return rc;
}

static int update_own(chain_edit *e, int64_t rowid) {
  int rc = mmap_table_write(e->table, e->err);
  if (rc) return rc;
  e->core = e->table->writing->core;
  return edit_record(e, rowid);
}

static int update_given(chain_edit *e, int64_t rowid) {
  ext_file file;
  sqlite3_value *value = e->argv[e->table->spec.layout.count + CHAIN_FILE];
  int rc = mmap_function_file(e->table, value, true, &file, e->err);
  if (rc) return rc;
  rc = mmap_write_file(e->table->tab.conn, &file, e->err);
  e->core = file.object->core;
  e->window = file.start;
  if (rc == MM_OK) rc = edit_record(e, rowid);
  ext_object_release(file.object);
  return rc;
}

int chain_update(mmap_table *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid,
                 mm_error *err) {
  (void)rowid;
  bool updates = argc > 1 && sqlite3_value_type(argv[0]) != SQLITE_NULL;
  if (!updates) {
    return mm_fail(err, MM_ERROR, "a table of records that say their size takes UPDATE alone");
  }
  int rc = refuse_place(table, argv, err);
  if (rc) return rc;
  chain_edit e = {.table = table, .argv = argv + 2, .err = err};
  int64_t row = sqlite3_value_int64(argv[0]);
  return table->spec.path ? update_own(&e, row) : update_given(&e, row);
}
