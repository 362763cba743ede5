/*
** order.c: records in the order of a column.
**
** Every key has a rank, 64 bits whose order as unsigned integers is that of the keys:
**
**     integers     the value, its sign bit flipped if it has one
**     floats       the bits, of negative ones all flipped, else the sign bit; NaN, which SQL sees
**                  as NULL, is 0, before all others, as NULL is in ORDER BY
**     blob, text   the first 8 bytes, as a big-endian number; keys of one rank are compared in full
**
** seek.h has the search.
*/

#include "core/search/find.h"
#include "core/common/mem.h"
#include "core/common/system.h"
#include "ext/records/chain.h"

/* ---- keys ----------------------------------------------------------------------------------- */

/* Blobs and texts, of the types that have an order. */
static bool is_bytewise(mm_type type) {
  return type.kind >= MM_BLOB;
}

static bool is_integer(mm_type type) {
  return type.kind == MM_UNSIGNED || type.kind == MM_SIGNED;
}

bool mmap_key_is_ordered(const mmap_table *table) {
  const mmap_column *column = mmap_sorted_column(table);
  if (!column) return false;
  return table->text_order || mm_type_gives(column->type) != MM_VALUE_TEXT;
}

mmap_keys mmap_table_keys(const mmap_table *table, const mm_object *object, const mmap_rows *rows,
                          const ext_rowset *deleted, int *luck) {
  const mmap_column *column = mmap_sorted_column(table);
  return (mmap_keys){.table = table,
                     .type = column->type,
                     .base = rows->count ? object->data + rows->start + column->at : NULL,
                     .stride = table->spec.record,
                     .count = rows->count,
                     .deleted = deleted,
                     .luck = luck};
}

static const uint8_t *key_at(const mmap_keys *keys, int64_t row) {
  return keys->base + (uint64_t)row * keys->stride;
}

int64_t mmap_keys_from(const mmap_keys *keys, int64_t row) {
  return keys->deleted ? ext_rowset_absent_from(keys->deleted, row) : row;
}

int64_t mmap_keys_to(const mmap_keys *keys, int64_t row) {
  return keys->deleted ? ext_rowset_absent_to(keys->deleted, row) : row;
}

/* The bytes that a text or blob key is compared by. */
static uint64_t key_bytes(const mmap_keys *keys, const uint8_t *key, const uint8_t **data) {
  if (keys->type.kind == MM_BLOB) {
    *data = key;
    return keys->type.size;
  }
  mm_value value = mm_type_decode(keys->type, key, keys->table->text);
  *data = value.data;
  return value.size;
}

static uint64_t rank_of_bytes(const uint8_t *data, uint64_t size) {
  uint64_t rank = 0;
  if (size >= sizeof rank) {
    memcpy(&rank, data, sizeof rank);
    return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? __builtin_bswap64(rank) : rank;
  }
  for (uint64_t i = 0; i < size; i++) rank |= (uint64_t)data[i] << (56 - 8 * i);
  return rank;
}

/* From the first NUL on all is zero. */
static uint64_t rank_of_text(const uint8_t *data, uint64_t size) {
  uint64_t rank = rank_of_bytes(data, size);
  for (int shift = 56; shift >= 0; shift -= 8) {
    if (!(rank >> shift & 0xff)) return shift == 56 ? 0 : rank & UINT64_MAX << (shift + 8);
  }
  return rank;
}

#define SIGN (UINT64_C(1) << 63)

static uint64_t rank_of_real(double real) {
  uint64_t bits;
  if (isnan(real)) return 0;
  if (real == 0) real = 0; /* -0.0 equals 0.0 */
  memcpy(&bits, &real, sizeof bits);
  return bits & SIGN ? ~bits : bits | SIGN;
}

static uint64_t rank_of_key(const mmap_keys *keys, const uint8_t *key) {
  const uint8_t *data;
  mm_value value;
  switch (keys->type.kind) {
    case MM_UNSIGNED:
      return (uint64_t)mm_type_integer(keys->type, key);
    case MM_SIGNED:
      return (uint64_t)mm_type_integer(keys->type, key) ^ SIGN;
    case MM_FLOAT:
    case MM_BFLOAT:
      value = mm_type_decode(keys->type, key, NULL);
      return value.kind == MM_VALUE_NULL ? 0 : rank_of_real(value.real);
    case MM_BLOB:
      return rank_of_bytes(key, keys->type.size);
    case MM_TEXT:
      return rank_of_text(key, keys->type.size);
    default: {
      uint64_t size = key_bytes(keys, key, &data);
      return rank_of_bytes(data, size);
    }
  }
}

/* ---- naming keys ---------------------------------------------------------------------------- */

#define SHOWN 24 /* bytes of a text or blob */

/* A key as a message shows it; sqlite3_free it. */
static char *show_key(const mmap_keys *keys, const uint8_t *key) {
  mm_value v = mm_type_decode(keys->type, key, keys->table->text);
  const char *more = v.size > SHOWN ? "…" : "";
  int shown = v.size > SHOWN ? SHOWN : (int)v.size;
  char hex[2 * SHOWN + 1] = "";
  switch (v.kind) {
    case MM_VALUE_INTEGER:
      return sqlite3_mprintf("%lld", v.integer);
    case MM_VALUE_REAL:
      return sqlite3_mprintf("%!.15g", v.real);
    case MM_VALUE_TEXT:
      return sqlite3_mprintf("'%.*s%s'", shown, (const char *)v.data, more);
    case MM_VALUE_BLOB:
      for (int i = 0; i < shown; i++)
        sqlite3_snprintf(3, hex + (ptrdiff_t)2 * i, "%02x", v.data[i]);
      return sqlite3_mprintf("x'%s%s'", hex, more);
    default:
      return sqlite3_mprintf("NaN");
  }
}

static int fail_disorder(const mmap_keys *keys, int64_t row, int64_t later, mm_error *err) {
  const mmap_spec *spec = &keys->table->spec;
  char *first = show_key(keys, key_at(keys, row)), *second = show_key(keys, key_at(keys, later));
  int rc = first && second
               ? mm_fail(err, MM_DAMAGED,
                         "record %lld is out of order: its '%s' %s comes after %s of record %lld",
                         (long long)later, spec->columns[spec->sorted].name, second, first,
                         (long long)row)
               : mm_fail_nomem(err);
  sqlite3_free(first);
  sqlite3_free(second);
  return rc;
}

int mmap_keys_check(const mmap_keys *keys, int64_t row, int64_t next, mm_error *err) {
  const uint8_t *a = key_at(keys, row), *b = key_at(keys, next);
  return mm_type_compare(keys->type, a, b) <= 0 ? MM_OK : fail_disorder(keys, row, next, err);
}

static int refuse_key(const mmap_keys *keys, const uint8_t *key, const char *relation,
                      int64_t neighbour, mm_error *err) {
  char *first = show_key(keys, key), *second = show_key(keys, key_at(keys, neighbour));
  int rc = first && second ? mm_fail(err, MM_CONSTRAINT,
                                     "'%s' %s would break the order: it is %s %s of record %lld",
                                     mmap_sorted_column(keys->table)->name, first, relation, second,
                                     (long long)neighbour)
                           : mm_fail_nomem(err);
  sqlite3_free(first);
  sqlite3_free(second);
  return rc;
}

/* ---- searching ------------------------------------------------------------------------------ */

/* Rows as items: what was deleted is not there. */
EXT_SEEK void item_of_row(const mmap_keys *keys, int64_t from, int64_t row, ext_item *item) {
  const uint8_t *key = key_at(keys, row);
  *item = (ext_item){
      .from = from, .at = row, .next = row + 1, .rank = rank_of_key(keys, key), .data = key};
}

EXT_SEEK int look_at_row(const void *context, int64_t row, ext_item *item, mm_error *err) {
  const mmap_keys *keys = context;
  int64_t at = mmap_keys_from(keys, row);
  (void)err;
  if (at < keys->count) {
    item_of_row(keys, row, at, item);
  } else {
    *item = (ext_item){.from = row, .at = INT64_MAX};
  }
  return MM_OK;
}

static int look_back(const void *context, int64_t row, ext_item *item, mm_error *err) {
  const mmap_keys *keys = context;
  int64_t at = mmap_keys_to(keys, row - 1);
  (void)err;
  if (at >= 0) {
    item_of_row(keys, at, at, item);
  } else {
    *item = EXT_NO_ITEM;
  }
  return MM_OK;
}

static bool is_before_edge(const void *context, const ext_item *item, const ext_edge *edge) {
  const mmap_keys *keys = context;
  const uint8_t *data;
  if (!is_bytewise(keys->type)) return edge->after;
  uint64_t size = key_bytes(keys, item->data, &data);
  int order = mm_compare_bytes(data, size, edge->data, edge->size);
  return order ? order < 0 : edge->after;
}

/* Rows of one rank may still be out of order if they are texts or blobs. */
static int check_rows(const void *context, const ext_item *item, const ext_item *later,
                      mm_error *err) {
  const mmap_keys *keys = context;
  if (item->rank == later->rank && !is_bytewise(keys->type)) return MM_OK;
  return mmap_keys_check(keys, item->at, later->at, err);
}

static const ext_items row_items = {look_at_row, look_back, is_before_edge, check_rows, 1};

static ext_range range_of(const mmap_keys *keys) {
  return (ext_range){.keys = keys, .start = 0, .end = keys->count, .luck = keys->luck};
}

/* Not inlined: it is large. */
static __attribute__((noinline)) int find_run(const mmap_keys *keys, const ext_edge *first,
                                              const ext_edge *last, mmap_run *run, mm_error *err) {
  ext_range range = range_of(keys);
  bool equal = first->given && last->given && first->rank == last->rank;
  int64_t end;
  int rc = ext_seek_run(&row_items, &range, first, last, equal, &run->low, &end, err);
  run->high = end - 1;
  return rc;
}

static int check_ends(const mmap_keys *keys, mm_error *err) {
  ext_range range = range_of(keys);
  ext_item ends[2];
  return ext_seek_ends(&row_items, &range, ends, err);
}

/* ---- a row that is to come in ---------------------------------------------------------------- */

/* A neighbour that is out of order itself says nothing: a NaN behind numbers is less than any key.
** So each is held against the next one, and before a row is appended the last against the first. */
static int check_neighbours(const mmap_keys *keys, int64_t row, int64_t before, int64_t after,
                            mm_error *err) {
  int64_t first = before > 0 ? mmap_keys_to(keys, before - 1) : -1;
  int64_t last = after < keys->count ? mmap_keys_from(keys, after + 1) : keys->count;
  int rc = first >= 0 ? mmap_keys_check(keys, first, before, err) : MM_OK;
  if (rc == MM_OK && last < keys->count) rc = mmap_keys_check(keys, after, last, err);
  if (rc == MM_OK && row == keys->count) rc = check_ends(keys, err);
  if (rc) ext_tab_advise_check(err);
  return rc;
}

int mmap_keys_accept(const mmap_keys *keys, int64_t row, const uint8_t *key, mm_error *err) {
  int64_t before = mmap_keys_to(keys, row - 1), after = mmap_keys_from(keys, row + 1);
  int rc = check_neighbours(keys, row, before, after, err);
  if (rc) return rc;
  if (before >= 0 && mm_type_compare(keys->type, key_at(keys, before), key) > 0) {
    return refuse_key(keys, key, "less than", before, err);
  }
  if (after < keys->count && mm_type_compare(keys->type, key, key_at(keys, after)) > 0) {
    return refuse_key(keys, key, "more than", after, err);
  }
  return MM_OK;
}

/* ---- ranges of constraints ------------------------------------------------------------------ */

mmap_range mmap_range_all(void) {
  return (mmap_range){.low = INT64_MIN, .high = INT64_MAX};
}

static bool is_lower(int op) {
  return op != SQLITE_INDEX_CONSTRAINT_LT && op != SQLITE_INDEX_CONSTRAINT_LE;
}

static bool is_upper(int op) {
  return op != SQLITE_INDEX_CONSTRAINT_GT && op != SQLITE_INDEX_CONSTRAINT_GE;
}

static int compare_edges(const ext_edge *a, const ext_edge *b) {
  if (a->rank != b->rank) return a->rank < b->rank ? -1 : 1;
  int order = mm_compare_bytes(a->data, a->size, b->data, b->size);
  return order ? order : a->after - b->after;
}

static void raise_first(mmap_range *range, ext_edge edge) {
  edge.given = true;
  if (!range->first.given || compare_edges(&edge, &range->first) > 0) range->first = edge;
}

static void lower_last(mmap_range *range, ext_edge edge) {
  edge.given = true;
  if (!range->last.given || compare_edges(&edge, &range->last) < 0) range->last = edge;
}

static void narrow_by_edge(mmap_range *range, int op, ext_edge edge) {
  if (is_lower(op)) {
    edge.after = op == SQLITE_INDEX_CONSTRAINT_GT;
    raise_first(range, edge);
  }
  if (is_upper(op)) {
    edge.after = op != SQLITE_INDEX_CONSTRAINT_LT;
    lower_last(range, edge);
  }
}

/* Where an integer lies among the ranks of doubles: on one if *exact, else just above it. */
static uint64_t rank_below(int64_t v, bool *exact) {
  double d = (double)v;
  bool above = d >= 9223372036854775808.0 || (int64_t)d > v;
  *exact = !above && (int64_t)d == v;
  return above ? rank_of_real(d) - 1 : rank_of_real(d);
}

/* NaN is NULL, which no comparison finds. */
static void narrow_real(mmap_range *range, int op, sqlite3_value *value) {
  bool exact = true;
  ext_edge edge = {.rank = 0};
  if (sqlite3_value_type(value) == SQLITE_INTEGER) {
    edge.rank = rank_below(sqlite3_value_int64(value), &exact);
  } else {
    edge.rank = rank_of_real(sqlite3_value_double(value));
  }
  if (exact) {
    narrow_by_edge(range, op, edge);
  } else if (op == SQLITE_INDEX_CONSTRAINT_EQ) {
    range->none = true;
  } else {
    /* Between this double and the next. */
    bool lower = is_lower(op);
    narrow_by_edge(range, lower ? SQLITE_INDEX_CONSTRAINT_GT : SQLITE_INDEX_CONSTRAINT_LE, edge);
  }
}

static ext_edge edge_of_bytes(const void *data, int size) {
  static const uint8_t nothing[1] = {0};
  ext_edge edge = {.data = data ? data : nothing, .size = (uint64_t)size};
  edge.rank = rank_of_bytes(edge.data, edge.size);
  return edge;
}

/* All keys are on one side of the value: `below` says that they are less than it. */
static void narrow_by_kind(mmap_range *range, int op, bool below) {
  if (op == SQLITE_INDEX_CONSTRAINT_EQ || is_upper(op) != below) range->none = true;
}

static bool narrow_blob(mmap_range *range, int op, sqlite3_value *value) {
  if (sqlite3_value_type(value) != SQLITE_BLOB) {
    narrow_by_kind(range, op, false);
  } else {
    const void *data = sqlite3_value_blob(value);
    int size = sqlite3_value_bytes(value);
    if (!data && size) return false; /* zeroblob(n), and no memory to write it out */
    narrow_by_edge(range, op, edge_of_bytes(data, size));
  }
  return true;
}

/* A number is compared as a number if it comes from a column that is one, else as text. A text may
** come from such a column too: see EXT_AFTER_NUMBERS. */
static bool narrow_text(mmap_range *range, int op, sqlite3_value *value, bool plain) {
  if (sqlite3_value_type(value) == SQLITE_BLOB) {
    narrow_by_kind(range, op, true);
    return true;
  }
  if (sqlite3_value_type(value) != SQLITE_TEXT) return false;
  const void *data = sqlite3_value_text(value);
  if (!data) return false;
  ext_edge edge = edge_of_bytes(data, sqlite3_value_bytes(value));
  ext_edge numbers = edge_of_bytes(EXT_AFTER_NUMBERS, 1);
  if (!plain && !is_lower(op) && compare_edges(&edge, &numbers) < 0) edge = numbers;
  narrow_by_edge(range, op, edge);
  return true;
}

/* Of k LIKE 'inf' SQLite makes k >= 'INF' AND k < 'ing', as if k were text, and looks at the LIKE
** itself after. */
static bool narrow_float(mmap_range *range, int op, sqlite3_value *value) {
  int type = sqlite3_value_numeric_type(value);
  narrow_by_edge(range, SQLITE_INDEX_CONSTRAINT_GT, (ext_edge){.rank = 0});
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
    narrow_real(range, op, value);
  } else if (op == SQLITE_INDEX_CONSTRAINT_GE && type == SQLITE_TEXT) {
    return false;
  } else {
    narrow_by_kind(range, op, true);
  }
  return true;
}

bool mmap_range_narrow(const mmap_keys *keys, mmap_range *range, int op, sqlite3_value *value,
                       bool plain) {
  if (sqlite3_value_type(value) == SQLITE_NULL) {
    range->none = true;
    return true;
  }
  switch (mm_type_gives(keys->type)) {
    case MM_VALUE_REAL:
      return narrow_float(range, op, value);
    case MM_VALUE_BLOB:
      return narrow_blob(range, op, value);
    case MM_VALUE_TEXT:
      return narrow_text(range, op, value, plain);
    default:
      ext_bound_integer(op, value, &range->low, &range->high);
      return true;
  }
}

/* ---- the rows of a range -------------------------------------------------------------------- */

/* Integer keys low..high, all of one sign. */
static int integer_run(const mmap_keys *keys, int64_t low, int64_t high, mmap_run *run,
                       mm_error *err) {
  uint64_t flip = keys->type.kind == MM_SIGNED ? SIGN : 0;
  ext_edge first = {.given = true, .rank = (uint64_t)low ^ flip};
  ext_edge last = {.given = true, .after = true, .rank = (uint64_t)high ^ flip};
  if (low > high) {
    *run = (mmap_run){0, -1};
    return MM_OK;
  }
  return find_run(keys, &first, &last, run, err);
}

static int64_t least_of(mm_type type) {
  return type.kind == MM_UNSIGNED ? 0
         : type.size < 8          ? -(INT64_C(1) << (8 * type.size - 1))
                                  : INT64_MIN;
}

static int64_t most_of(mm_type type) {
  if (type.size == 8) return INT64_MAX;
  return (INT64_C(1) << (8 * type.size - (type.kind == MM_SIGNED))) - 1;
}

static int64_t min64(int64_t a, int64_t b) {
  return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b) {
  return a > b ? a : b;
}

/* No key is outside the type: bounds there need no search. */
static int integer_runs(const mmap_keys *keys, const mmap_range *range, mmap_run runs[2],
                        int *count, mm_error *err) {
  mm_type type = keys->type;
  int64_t low = max64(range->low, least_of(type)), high = min64(range->high, most_of(type));
  int rc = MM_OK;
  bool wide = type.kind == MM_UNSIGNED && type.size == 8;
  if (wide && range->low < 0) {
    rc = integer_run(keys, range->low, min64(range->high, -1), &runs[(*count)++], err);
    if (rc) return rc;
  }
  if (!wide && low == least_of(type) && high == most_of(type)) {
    const ext_edge open = {.given = false};
    return find_run(keys, &open, &open, &runs[(*count)++], err);
  }
  return integer_run(keys, low, high, &runs[(*count)++], err);
}

int mmap_range_runs(const mmap_keys *keys, const mmap_range *range, mmap_run runs[2], int *count,
                    mm_error *err) {
  *count = 0;
  if (range->none || keys->count == 0) return MM_OK;
  int rc = check_ends(keys, err);
  if (rc) return rc;
  if (is_integer(keys->type)) return integer_runs(keys, range, runs, count, err);
  return find_run(keys, &range->first, &range->last, &runs[(*count)++], err);
}

/* ---- mmap_check ----------------------------------------------------------------------------- */

/* MM_DAMAGED at the first pair out of order. It looks at whether to go on as often as a search
** does, by the bytes that it has passed. */
static int check_keys(const mmap_keys *keys, ext_conn *conn, mm_error *err) {
  int64_t row = mmap_keys_from(keys, 0);
  int64_t between = (int64_t)(MM_PIECE / keys->stride) + 1, look = between;
  int rc = MM_OK;
  while (rc == MM_OK) {
    int64_t next = mmap_keys_from(keys, row + 1);
    if (next >= keys->count) break;
    rc = mmap_keys_check(keys, row, next, err);
    if (rc == MM_OK && next >= look) {
      look = next + between;
      if (ext_conn_interrupted(conn)) rc = mm_fail(err, MM_INTERRUPT, "interrupted");
    }
    row = next;
  }
  return rc;
}

int mmap_table_check(ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
                     char **finding, mm_error *err) {
  mmap_table *table = checked->table;
  ext_object *object;
  int luck = 0;
  *finding = NULL;
  if (table->spec.chained) return chain_check(table, reads, argc, argv, finding, err);
  int rc = ext_tab_no_arguments(argc, err);
  if (rc) return rc;
  rc = mmap_table_open(table, reads, &object, err);
  if (rc || !mmap_sorted_column(table)) {
    if (rc == MM_OK) ext_object_release(object);
    return rc;
  }
  mmap_rows rows = mmap_table_rows(table, object->core);
  mmap_keys keys =
      mmap_table_keys(table, object->core, &rows, mmap_deleted_rows(table, object), &luck);
  if (rows.count) rc = check_keys(&keys, table->tab.conn, err);
  if (rc == MM_OK || rc == MM_DAMAGED) {
    mm_error fault;
    int faulted = mm_object_faulted(object->core, &fault);
    if (faulted) {
      *err = fault;
      rc = faulted;
    }
  }
  if (rc == MM_DAMAGED) {
    *finding = sqlite3_mprintf("%s", err->text);
    rc = *finding ? MM_OK : mm_fail_nomem(err);
  }
  ext_object_release(object);
  return rc;
}
