/*
** chain_writing.c: UPDATE of tables whose records say how large they are.
**
** argv of xUpdate: [0] the old rowid, [1] the new one, [2 …] the columns, then the hidden ones. Bytes
** change in place: what another column's size, place or presence hangs on stays, and so does the size
** of everything. What is written is read back: a record that is another then, as columns may overlap,
** is not written.
*/
#include "ext/records/chain_edit.h"

#include <string.h>

#include "core/bytes/bits.h"
#include "core/bytes/varlen.h"
#include "core/common/mem.h"

/* ---- values ---------------------------------------------------------------------------------- */

int chain_edit_refuse(const chain_edit *e, size_t i, const char *why) {
  return mm_fail(e->err, MM_CONSTRAINT, "column '%s': %s", chain_edited(e, i)->name, why);
}

/* Is it text whose bytes an expression counts? */
static bool is_counted_text(const mm_layout_column *column) {
  uint8_t kind = column->type.kind;
  return column->size && (kind == MM_TEXT || kind == MM_LATIN1 || kind == MM_UTF16);
}

int chain_edit_given(const chain_edit *e, size_t i, mm_value *value) {
  int type = sqlite3_value_type(e->argv[i]);
  bool number = type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  if (!number || !is_counted_text(chain_edited(e, i))) return ext_value(e->argv[i], value, e->err);
  const uint8_t *text = sqlite3_value_text(e->argv[i]);
  if (!text) return mm_fail_nomem(e->err);
  *value = (mm_value){
      .kind = MM_VALUE_TEXT, .data = text, .size = (uint64_t)sqlite3_value_bytes(e->argv[i])};
  return MM_OK;
}

static int make_value_room(chain_edit *e, uint64_t more) {
  if (e->bytes && more <= e->room - e->used) return MM_OK;
  uint64_t room = 2 * e->room + more + 1; /* an address also for no bytes */
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
      chain_edited(e, i)->size && (value->kind == MM_VALUE_BLOB || value->kind == MM_VALUE_TEXT);
  bool raw = chain_edited(e, i)->type.kind == MM_BLOB || chain_edited(e, i)->type.kind == MM_TEXT;
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
  return rc ? mm_fail(e->err, inner.code, "column '%s': %s", chain_edited(e, i)->name, inner.text)
            : MM_OK;
}

int chain_edit_set(chain_edit *e, size_t i, const mm_value *value) {
  uint64_t size = e->walk.places[i].size;
  int rc = make_value_room(e, size);
  if (rc == MM_OK) rc = encode_value(e, i, value, e->bytes + e->used);
  if (rc) return rc;
  e->set[i] = true;
  e->used += size;
  return MM_OK;
}

/* Why a column that is given another value cannot have it; NULL: it can. */
static const char *why_not(const chain_edit *e, size_t i) {
  if (chain_edited(e, i)->computed) return "it is computed from others";
  if (i >= e->walk.found) return "the record is damaged before it";
  if (!e->walk.places[i].present) return "it has no bytes in this record";
  if (chain_edited(e, i)->rules) return "the layout of its record hangs on it";
  return NULL;
}

static int edit_column(chain_edit *e, size_t i) {
  mm_value given, present;
  e->set[i] = false;
  if (sqlite3_value_nochange(e->argv[i])) return MM_OK;
  int rc = chain_edit_given(e, i, &given);
  if (rc == MM_OK) rc = mm_walk_value(&e->walk, i, &present, e->err);
  if (rc || mmap_same_value(&given, &present)) return rc;
  const char *why = why_not(e, i);
  return why ? chain_edit_refuse(e, i, why) : chain_edit_set(e, i, &given);
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

int chain_edit_put(chain_edit *e, size_t i, const uint8_t *bytes) {
  const mm_walk_place *place = &e->walk.places[i];
  if (chain_edited(e, i)->type.kind == MM_BITS) return write_bits(e, i, bytes);
  if (place->size == 0) return MM_OK;
  return mmap_write_bytes(e->core, e->window + place->at, bytes, place->size, e->err);
}

int chain_edit_put_all(chain_edit *e) {
  const uint8_t *at = e->bytes;
  int rc = MM_OK;
  for (size_t i = 0; rc == MM_OK && i < e->walk.layout->count; i++) {
    const mm_walk_place *place = &e->walk.places[i];
    if (!e->set[i]) continue;
    rc = chain_edit_put(e, i, at);
    at += place->size;
  }
  return rc;
}

static bool reads_as(const chain_edit *e, size_t i, const uint8_t *bytes) {
  const mm_walk_place *place = &e->walk.places[i];
  const uint8_t *now = e->core->data + e->window + place->at;
  mm_type type = mm_walk_type(&e->walk, i);
  if (type.kind != MM_BITS) return place->size == 0 || !memcmp(now, bytes, (size_t)place->size);
  return mm_bits_get(now, place->bit, type.bits, !type.big_endian) ==
         mm_bits_get(bytes, place->bit, type.bits, !type.big_endian);
}

bool chain_edit_reads_back(const chain_edit *e, size_t *column) {
  const uint8_t *at = e->bytes;
  for (size_t i = 0; i < e->walk.layout->count; i++) {
    if (!e->set[i]) continue;
    *column = i;
    if (!reads_as(e, i, at)) return false;
    at += e->walk.places[i].size;
  }
  return true;
}

static bool same_place(const mm_walk_place *a, const mm_walk_place *b) {
  return a->at == b->at && a->size == b->size && a->bit == b->bit && a->present == b->present;
}

/* Are the columns where they were, and the next record? */
static int compare_places(const chain_edit *e, const mm_walk_place *before, uint64_t next) {
  size_t i = 0, count = e->walk.layout->count;
  while (i < count && same_place(&before[i], &e->walk.places[i])) i++;
  if (i < count) return chain_edit_refuse(e, i, "it would be elsewhere, or of another size");
  if (e->walk.next == next) return MM_OK;
  return mm_fail(e->err, MM_CONSTRAINT, "the record would be of another size");
}

static int step_again(chain_edit *e) {
  mm_error inner;
  size_t column;
  chain_edit_look(e);
  mm_walk_jump(&e->walk, e->walk.rowid, e->walk.offset);
  int rc = mm_walk_step(&e->walk, &inner);
  if (rc == MM_DAMAGED) return mm_fail(e->err, MM_CONSTRAINT, "%s", inner.text);
  if (rc) return mm_fail(e->err, rc, "%s", inner.text);
  if (e->walk.done) return mm_fail(e->err, MM_CONSTRAINT, "while says that it would be no row");
  if (chain_edit_reads_back(e, &column)) return MM_OK;
  return chain_edit_refuse(e, column, "another column that is set lies over it");
}

/* A record that is another one now, or that its check finds damaged, is not written. */
static int check_written(chain_edit *e) {
  size_t count = e->walk.layout->count;
  uint64_t next = e->walk.next;
  if (e->walk.found < count) return MM_OK; /* it was damaged before */
  mm_walk_place *before = mm_alloc(count * sizeof *before);
  if (!before) return mm_fail_nomem(e->err);
  memcpy(before, e->walk.places, count * sizeof *before);
  int rc = step_again(e);
  if (rc == MM_OK) rc = compare_places(e, before, next);
  mm_free(before);
  return rc;
}

static int write_all_columns(chain_edit *e) {
  mm_error ignored;
  mm_log_mark mark = mm_object_mark(e->core);
  int rc = chain_edit_put_all(e);
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
  if (rc == MM_DAMAGED && spec->partial) return MM_OK;
  if (rc == MM_OK && e->walk.done) {
    return mm_fail(e->err, MM_ERROR, "row %lld is not there any more", (long long)rowid);
  }
  return rc;
}

void chain_edit_look(chain_edit *e) {
  e->walk.data = e->core->data + e->window;
  e->walk.size = e->core->size > e->window ? e->core->size - e->window : 0;
  if (e->walk.size > e->length) e->walk.size = e->length;
}

int chain_edit_open(chain_edit *e) {
  const mm_layout *layout = &e->table->spec.layout;
  int rc = mm_walk_open(&e->walk, layout, e->err);
  if (rc) return rc;
  ext_conn_watch(e->table->tab.conn, &e->walk.watch);
  chain_edit_look(e);
  e->set = mm_alloc_zeroed(layout->count * sizeof *e->set);
  return e->set ? MM_OK : mm_fail_nomem(e->err);
}

void chain_edit_clear(chain_edit *e) {
  mm_free(e->set);
  mm_free(e->bytes);
  if (e->walk.layout) mm_walk_close(&e->walk);
}

/* Has nothing been set on which it hangs where, or whether, other records are? */
static bool moves_nothing(const chain_edit *e) {
  const mm_layout *layout = &e->table->spec.layout;
  bool moves = layout->far; /* bytes of another record, perhaps */
  for (size_t i = 0; i < layout->count; i++) moves |= e->set[i] && layout->columns[i].needed;
  return !moves;
}

static int edit_record(chain_edit *e, int64_t rowid) {
  size_t count = e->table->spec.layout.count;
  int rc = chain_edit_open(e);
  if (rc == MM_OK) rc = find_edited(e, rowid);
  for (size_t i = 0; rc == MM_OK && i < count; i++) rc = edit_column(e, i);
  mmap_stations *stations = e->table->stations;
  bool keeps = rc == MM_OK && e->object && moves_nothing(e) &&
               mmap_stations_are_good(stations, e->object, &e->walk);
  if (rc == MM_OK) rc = write_all_columns(e);
  if (rc == MM_OK && keeps) mmap_stations_keep(stations, e->object, e->walk.stop);
  chain_edit_clear(e);
  return rc;
}

static int update_own(chain_edit *e, int64_t rowid) {
  int rc = mmap_table_write(e->table, e->err);
  if (rc) return rc;
  e->object = e->table->writing;
  e->length = UINT64_MAX;
  e->core = e->object->core;
  return edit_record(e, rowid);
}

static int update_given(chain_edit *e, int64_t rowid) {
  ext_file file;
  sqlite3_value *value = e->argv[e->table->spec.layout.count + CHAIN_FILE];
  int rc = mmap_function_file(e->table, value, true, &file, e->err);
  if (rc) return rc;
  rc = mmap_write_file(e->table->tab.conn, &file, e->err);
  e->object = file.object;
  e->core = file.object->core;
  e->window = file.start;
  e->length = file.handle ? file.handle->length : UINT64_MAX;
  if (rc == MM_OK) rc = edit_record(e, rowid);
  ext_object_release(file.object);
  return rc;
}

int chain_update(mmap_table *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid,
                 mm_error *err) {
  if (argc == 1 || sqlite3_value_type(argv[0]) == SQLITE_NULL) {
    if (!table->spec.path) return mm_fail(err, MM_ERROR, "a layout can only be updated");
    return argc == 1 ? chain_delete(table, sqlite3_value_int64(argv[0]), err)
                     : chain_insert(table, argv, rowid, err);
  }
  int rc = refuse_place(table, argv, err);
  if (rc) return rc;
  chain_edit e = {.table = table, .argv = argv + 2, .err = err};
  int64_t row = sqlite3_value_int64(argv[0]);
  return table->spec.path ? update_own(&e, row) : update_given(&e, row);
}
