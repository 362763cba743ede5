/*
** cursor.c: the cursor of the table `mmap`.
**
** What xFilter finds is a list of runs of rows, ascending; mostly it is one run. Constraints on
** rowid and offset cut it at its ends, a lookup in a sorted table makes short runs, a byte filter
** jumps from hit to hit within a run. Rows are handed out run by run, upwards or, descending, all
** of it backwards.
*/
#include <stdlib.h>
#include <string.h>

#include "core/search/find.h"
#include "core/common/mem.h"
#include "ext/tables/scan.h"
#include "ext/records/chain.h"

/* The bytes of the set in a page, found ahead of their rows: `at` is the place of the next. */
typedef struct bytes_page {
  int64_t row; /* the page's first */
  unsigned at, found;
  ext_stamp stamp; /* at the time */
  uint16_t places[MM_FIND_PAGE];
} bytes_page;

typedef struct mmap_cursor {
  mmap_scan scan;
  ext_source file; /* the table-valued function's argument, or the table's object; none: no rows */
  const mm_object *core;     /* the object's */
  uint64_t size;             /* its, when runs were last clipped to it */
  uint64_t record;           /* from one row to the next */
  const mmap_column *fields; /* see mmap_field */
  mmap_rows rows;
  int64_t low, high; /* of the present run: rows still to come, low..high */
  int64_t last;      /* the row before it in this run; -1: none */
  ext_given given;   /* of the table-valued function */
  int intent;        /* see ext_intent_reads; asked for where files are read at one commit */
  bool written;      /* the statement may be one that writes the table */
  bool descending;
  bool plain;   /* nothing but the end of the run is to be looked at from row to row */
  bool ordered; /* the plan relies on the order of a sorted column: it is checked from row to row */
  bool filtered; /* only bytes in `set` are rows */
  bool several;  /* rows may be told, more than one of them */
  int luck;      /* see mmap_keys */
  mmap_run few[2];
  mmap_run *runs;                 /* `few`, or owned */
  size_t run_count, run_capacity; /* capacity 0: `few` */
  size_t run_at;                  /* runs taken */
  uint8_t set[32];
  unsigned near;     /* hits in a row that were near the one before */
  bytes_page *ahead; /* NULL: not needed yet; owned */
} mmap_cursor;

static mmap_table *cursor_table(const mmap_cursor *cursor) {
  return (mmap_table *)cursor->scan.base.pVtab;
}

static ext_conn *cursor_conn(const mmap_cursor *cursor) {
  return cursor_table(cursor)->tab.conn;
}

static int cursor_fail(mmap_cursor *cursor) {
  const mmap_table *table = cursor_table(cursor);
  return ext_cursor_error(&cursor->scan.base, mmap_table_label(table), &cursor_conn(cursor)->err);
}

static int fail_missing_file(mmap_cursor *cursor) {
  ext_tab_missing_file(cursor_conn(cursor), "mmap");
  return cursor_fail(cursor);
}

static EXT_APART int faulted(mmap_cursor *cursor) {
  mm_object_faulted(cursor->core, &cursor_conn(cursor)->err);
  return cursor_fail(cursor);
}

/* Rows that are out of order, or zeros where a file was cut inside a page: those are no reason to
** call it unsorted. */
static int disordered(mmap_cursor *cursor) {
  mm_error *err = &cursor_conn(cursor)->err;
  mm_error cut;
  if (err->code == MM_DAMAGED && mm_object_whole(cursor->core, &cut)) *err = cut;
  ext_tab_advise_check(err);
  return cursor_fail(cursor);
}

/* ---- opening -------------------------------------------------------------------------------- */

static bool is_chained(const sqlite3_vtab_cursor *base) {
  return ((const mmap_scan *)base)->chained;
}

int mmapOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  mmap_table *table = (mmap_table *)base;
  table->in_update = false; /* each UPDATE reads its table first */
  if (table->spec.chained) return chainOpen(base, out);
  int rc = ext_tab_open(base, sizeof(mmap_cursor), out);
  if (rc) return rc;
  mmap_cursor *cursor = (mmap_cursor *)*out;
  ext_given_open(&table->tab.opened, &cursor->given);
  cursor->written = mmap_may_be_written(table);
  cursor->record = table->spec.record;
  cursor->fields = mmap_field(table, 0);
  cursor->scan.first = mmap_is_bytes(table) ? BYTES_BYTE : 0;
  return SQLITE_OK;
}

static void forget_runs(mmap_cursor *cursor) {
  if (cursor->run_capacity) mm_free(cursor->runs);
  cursor->runs = cursor->few;
  cursor->run_count = cursor->run_capacity = cursor->run_at = 0;
}

int mmapClose(sqlite3_vtab_cursor *base) {
  if (is_chained(base)) return chainClose(base);
  mmap_cursor *cursor = (mmap_cursor *)base;
  ext_given_close(&cursor_table(cursor)->tab.opened, &cursor->given);
  forget_runs(cursor);
  mm_free(cursor->ahead);
  ext_source_clear(&cursor->file);
  sqlite3_free(base);
  return SQLITE_OK;
}

static int open_function(mmap_cursor *cursor, const char *plan, sqlite3_value *value) {
  mm_error *err = &cursor_conn(cursor)->err;
  if (ext_given_take(&cursor_table(cursor)->tab.opened, &cursor->given, plan, &value, 1, err)) {
    return cursor_fail(cursor);
  }
  if (sqlite3_value_type(value) == SQLITE_NULL) {
    ext_source_clear(&cursor->file);
    return SQLITE_OK;
  }
  mmap_table *table = cursor_table(cursor);
  ext_reads *reads = mmap_reads_of(table, &cursor->given, &cursor->intent);
  if (ext_source_use(cursor_conn(cursor), &cursor->file, reads, value, err) ||
      mmap_reads_begin(table, &cursor->given, cursor->file.object, reads, err)) {
    return cursor_fail(cursor);
  }
  cursor->rows =
      (mmap_rows){.start = cursor->file.start, .count = (int64_t)cursor->file.length, .first = 0};
  return SQLITE_OK;
}

static int open_table(mmap_cursor *cursor) {
  mmap_table *table = cursor_table(cursor);
  mm_error *err = &cursor_conn(cursor)->err;
  ext_reads *reads = cursor->file.object ? &cursor->given.reads
                                         : mmap_reads_of(table, &cursor->given, &cursor->intent);
  if (!cursor->file.object &&
      (mmap_table_open(table, reads, &cursor->file.object, err) ||
       mmap_reads_begin(table, &cursor->given, cursor->file.object, reads, err))) {
    return cursor_fail(cursor);
  }
  cursor->rows = mmap_table_rows(table, cursor->file.object->core);
  table->known_rows = cursor->rows.count;
  return SQLITE_OK;
}

/* ---- bounds of rowid, offset and byte -------------------------------------------------------- */

/* The values [low, high] of a column that is `first` in row 0 and rises by `step` a row. */
static void bound_rows(mmap_run *bounds, int64_t first, int64_t step, int64_t low, int64_t high) {
  if (low > high || high < first) {
    bounds->high = -1;
    return;
  }
  if (low > first) {
    int64_t row = (low - first) / step + ((low - first) % step != 0);
    if (row > bounds->low) bounds->low = row;
  }
  int64_t row = (high - first) / step;
  if (row < bounds->high) bounds->high = row;
}

static void bound_place(const mmap_cursor *cursor, mmap_run *bounds, int op, sqlite3_value *value) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  const mmap_spec *spec = &cursor_table(cursor)->spec;
  ext_bound_integer(op, value, &low, &high);
  bound_rows(bounds, spec->path ? (int64_t)cursor->rows.start : 0, (int64_t)spec->record, low,
             high);
}

static void bound_rowid(const mmap_cursor *cursor, mmap_run *bounds, int op, sqlite3_value *value) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  ext_bound_integer(op, value, &low, &high);
  bound_rows(bounds, cursor->rows.first, 1, low, high);
}

static void bound_byte(mmap_cursor *cursor, int op, sqlite3_value *value) {
  int64_t low = 0, high = 255;
  ext_bound_integer(op, value, &low, &high);
  if (!cursor->filtered) memset(cursor->set, 0xff, sizeof cursor->set);
  cursor->filtered = true;
  for (int b = 0; b < 256; b++) {
    if (b < low || b > high) cursor->set[b >> 3] &= (uint8_t) ~(1u << (b & 7));
  }
}

/* ---- runs of a sorted column ----------------------------------------------------------------- */

/* What the constraints of one xFilter say about the sorted column. */
typedef struct lookup {
  mmap_keys keys;
  mmap_range range;
  sqlite3_value *list; /* the values of an IN; NULL: none */
  bool given;          /* there are constraints, or the order is asked for */
} lookup;

static const ext_rowset *deleted_rows(const mmap_cursor *cursor) {
  if (!cursor_table(cursor)->shared->deleted) return NULL;
  return mmap_deleted_rows(cursor_table(cursor), cursor->file.object);
}

static mmap_keys keys_of(mmap_cursor *cursor) {
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): rows have an object */
  return mmap_table_keys(cursor_table(cursor), cursor->core, &cursor->rows, deleted_rows(cursor),
                         &cursor->luck);
}

static int cursor_add_run(mmap_cursor *cursor, mmap_run run, const mmap_run *bounds) {
  if (run.low < bounds->low) run.low = bounds->low;
  if (run.high > bounds->high) run.high = bounds->high;
  if (run.low > run.high) return SQLITE_OK;
  if (!cursor->run_capacity && cursor->run_count < 2) {
    cursor->few[cursor->run_count++] = run;
    return SQLITE_OK;
  }
  void *runs = cursor->run_capacity ? cursor->runs : NULL;
  if (mm_grow(&runs, cursor->run_count, &cursor->run_capacity, sizeof run)) return SQLITE_NOMEM;
  if (cursor->runs == cursor->few) memcpy(runs, cursor->few, sizeof cursor->few);
  cursor->runs = runs;
  cursor->runs[cursor->run_count++] = run;
  return SQLITE_OK;
}

static int add_range(mmap_cursor *cursor, const lookup *look, const mmap_range *range,
                     const mmap_run *bounds) {
  mmap_run runs[2];
  int count, rc = SQLITE_OK;
  int found = mmap_range_runs(&look->keys, range, runs, &count, &cursor_conn(cursor)->err);
  if (mm_object_hit(cursor->core)) return faulted(cursor);
  if (found) return disordered(cursor);
  for (int i = 0; i < count && rc == SQLITE_OK; i++) rc = cursor_add_run(cursor, runs[i], bounds);
  return rc;
}

#if SQLITE_VERSION_NUMBER >= 3038000
/* A run for each value. *all: one of them cannot be looked up, so that all rows are to be looked
** at. */
static int add_list(mmap_cursor *cursor, lookup *look, const mmap_run *bounds, bool *all) {
  sqlite3_value *value;
  int rc = SQLITE_OK;
  int more = sqlite3_vtab_in_first(look->list, &value);
  for (; more == SQLITE_OK && rc == SQLITE_OK; more = sqlite3_vtab_in_next(look->list, &value)) {
    mmap_range range = look->range;
    *all |= !mmap_range_narrow(&look->keys, &range, SQLITE_INDEX_CONSTRAINT_EQ, value, true);
    if (!*all) rc = add_range(cursor, look, &range, bounds);
  }
  return rc == SQLITE_OK && more != SQLITE_DONE ? more : rc;
}
#else
static int add_list(mmap_cursor *cursor, lookup *look, const mmap_run *bounds, bool *all) {
  (void)cursor, (void)look, (void)bounds;
  *all = true;
  return SQLITE_OK;
}
#endif

static int compare_runs(const void *a, const void *b) {
  int64_t x = ((const mmap_run *)a)->low, y = ((const mmap_run *)b)->low;
  return (x > y) - (x < y);
}

/* Ascending by row, and no row twice. */
static void sort_runs(mmap_cursor *cursor) {
  if (cursor->run_count < 2) return;
  qsort(cursor->runs, cursor->run_count, sizeof *cursor->runs, compare_runs);
  size_t n = 1;
  for (size_t i = 1; i < cursor->run_count; i++) {
    mmap_run run = cursor->runs[i];
    int64_t taken = cursor->runs[n - 1].high;
    if (run.low <= taken) run.low = taken + 1;
    if (run.low <= run.high) cursor->runs[n++] = run;
  }
  cursor->run_count = n;
}

static void reverse_runs(mmap_run *runs, size_t count) {
  for (size_t i = 0; i < count / 2; i++) {
    mmap_run swap = runs[i];
    runs[i] = runs[count - 1 - i];
    runs[count - 1 - i] = swap;
  }
}

/* In SQL's order the large half of u64, which it sees as negative, comes first. */
static void rotate_runs(mmap_cursor *cursor, const mmap_keys *keys) {
  size_t n = cursor->run_count, first = 0;
  if (keys->type.kind != MM_UNSIGNED || keys->type.size != 8) return;
  while (first < n) {
    /* The row that counts is one that is there. */
    int64_t row = mmap_keys_from(keys, cursor->runs[first].low);
    if (row >= keys->count ||
        mm_type_integer(keys->type, keys->base + (uint64_t)row * keys->stride) < 0) {
      break;
    }
    first++;
  }
  if (first == 0 || first == n) return;
  reverse_runs(cursor->runs, first);
  reverse_runs(cursor->runs + first, n - first);
  reverse_runs(cursor->runs, n);
}

static int find_runs(mmap_cursor *cursor, lookup *look, const mmap_run *bounds, bool keyed) {
  bool all = look->list == NULL;
  int rc = SQLITE_OK;
  if (!look->given) return cursor_add_run(cursor, *bounds, bounds);
  if (look->list) rc = add_list(cursor, look, bounds, &all);
  if (rc == SQLITE_OK && all) {
    forget_runs(cursor);
    rc = add_range(cursor, look, &look->range, bounds);
  }
  if (rc == SQLITE_OK) {
    sort_runs(cursor);
    if (keyed) rotate_runs(cursor, &look->keys);
  }
  return rc;
}

/* ---- from row to row ------------------------------------------------------------------------- */

static const uint8_t *row_data(const mmap_cursor *cursor, int64_t row) {
  return cursor->core->data + cursor->rows.start + (uint64_t)row * cursor->record;
}

/* Has the file the size that runs were clipped to? */
static inline bool is_as_long(const mmap_cursor *cursor) {
  return cursor->size == cursor->core->size;
}

/* Rows that a rollback or a cut in this very statement has taken away are not there any more. */
static void clip(mmap_cursor *cursor) {
  const mm_object *core = cursor->core;
  uint64_t size = core->size > cursor->rows.start ? core->size - cursor->rows.start : 0;
  int64_t count = mmap_spec_rows(&cursor_table(cursor)->spec, size);
  if (cursor->rows.count > count) cursor->rows.count = count;
  if (cursor->high >= count) cursor->high = count - 1;
  if (cursor->scan.to >= count) cursor->scan.to = count - 1;
  cursor->size = core->size;
}

static bool next_run(mmap_cursor *cursor) {
  if (cursor->run_at == cursor->run_count) return false;
  size_t i = cursor->run_at++;
  const mmap_run *run = &cursor->runs[cursor->descending ? cursor->run_count - 1 - i : i];
  cursor->low = run->low;
  cursor->high = run->high < cursor->rows.count ? run->high : cursor->rows.count - 1;
  cursor->last = -1;
  return true;
}

/* Where hits are near each other, those of a page are found together. */
#define NEAR_BYTES 1024
#define NEAR_HITS 4

static void forget_page(mmap_cursor *cursor) {
  if (cursor->ahead) cursor->ahead->found = 0;
}

static bool is_filtered(const mmap_cursor *cursor, uint8_t byte) {
  return cursor->set[byte >> 3] >> (byte & 7) & 1;
}

/* Look at the page at the beginning of low..high, descending at its end. False: there is none, no
** byte of the set is in it, or there is no memory: it is a help only. */
static EXT_APART bool look_at_page(mmap_cursor *cursor) {
  const mm_object *core = cursor->core;
  if (cursor->high - cursor->low < MM_FIND_PAGE) return false;
  if (!cursor->ahead) cursor->ahead = mm_alloc(sizeof *cursor->ahead);
  bytes_page *page = cursor->ahead;
  if (!page) return false;
  page->row = cursor->descending ? cursor->high - (MM_FIND_PAGE - 1) : cursor->low;
  page->found = mm_find_set_places(cursor->set, row_data(cursor, page->row), page->places);
  page->at = 0;
  page->stamp = ext_stamp_now(cursor->file.object);
  return page->found > 0 && !mm_object_hit(core);
}

/* The next row of the page. */
static void take_from_page(mmap_cursor *cursor) {
  bytes_page *page = cursor->ahead;
  unsigned i = page->at++;
  cursor->scan.at = page->row + page->places[cursor->descending ? page->found - 1 - i : i];
}

/* The next byte of the set in low..high; at -1: none. */
static int search_set(mmap_cursor *cursor) {
  mm_watch watch;
  uint64_t size = (uint64_t)(cursor->high - cursor->low + 1);
  ext_conn_watch(cursor_conn(cursor), &watch);
  const uint8_t *data = row_data(cursor, cursor->low);
  int64_t found = cursor->descending ? mm_rfind_set(cursor->set, data, size, &watch)
                                     : mm_find_set(cursor->set, data, size, &watch);
  if (found == MM_FIND_STOPPED) return SQLITE_INTERRUPT;
  cursor->scan.at = found < 0 ? -1 : cursor->low + found;
  int64_t passed = cursor->descending ? cursor->high - cursor->scan.at : found;
  cursor->near = passed < NEAR_BYTES ? cursor->near + 1 : 0;
  return mm_object_hit(cursor->core) ? faulted(cursor) : SQLITE_OK;
}

/* The same, from a page where that pays. */
static int seek_set(mmap_cursor *cursor) {
  if (cursor->near >= NEAR_HITS && look_at_page(cursor)) {
    take_from_page(cursor);
    return SQLITE_OK;
  }
  forget_page(cursor);
  return search_set(cursor);
}

/* Row `at` was deleted: on to the next one that was not. -1: none in this run. */
static void skip_deleted(mmap_cursor *cursor, const ext_rowset *deleted) {
  int64_t row = cursor->descending ? ext_rowset_absent_to(deleted, cursor->scan.at)
                                   : ext_rowset_absent_from(deleted, cursor->scan.at);
  cursor->scan.at = row < cursor->low || row > cursor->high ? -1 : row;
}

/* Find `at` in low..high; -1: there is none. */
static int cursor_seek(mmap_cursor *cursor) {
  const ext_rowset *deleted = deleted_rows(cursor);
  int rc = SQLITE_OK;
  cursor->scan.at = cursor->descending ? cursor->high : cursor->low;
  for (;;) {
    if (cursor->filtered) rc = seek_set(cursor);
    if (rc || cursor->scan.at < 0 || !deleted || !ext_rowset_has(deleted, cursor->scan.at))
      return rc;
    skip_deleted(cursor, deleted);
    if (cursor->scan.at < 0 || !cursor->filtered) return rc;
    if (cursor->descending) {
      cursor->high = cursor->scan.at;
    } else {
      cursor->low = cursor->scan.at;
    }
  }
}

/* The plan promised an order: rows that are handed out one after the other show whether it
** holds. */
static int check_row_order(mmap_cursor *cursor) {
  int rc = MM_OK;
  if (cursor->last >= 0) {
    mmap_keys keys = keys_of(cursor);
    int64_t a = cursor->descending ? cursor->scan.at : cursor->last;
    int64_t b = cursor->descending ? cursor->last : cursor->scan.at;
    rc = mmap_keys_check(&keys, a, b, &cursor_conn(cursor)->err);
    if (mm_object_hit(cursor->core)) return faulted(cursor);
  }
  cursor->last = cursor->scan.at;
  return rc ? disordered(cursor) : SQLITE_OK;
}

/* What was read may have been cut inside a page meanwhile, which is no fault. To look costs a
** system call: not for a single row. */
static int check_end(mmap_cursor *cursor) {
  if (!cursor->several || !cursor->file.object) return SQLITE_OK;
  int rc = mm_object_whole(cursor->core, &cursor_conn(cursor)->err);
  return rc ? cursor_fail(cursor) : SQLITE_OK;
}

/* Stand on the first row that is still to come. */
static int cursor_settle(mmap_cursor *cursor) {
  int rc = SQLITE_OK;
  cursor->scan.to = -1;
  do {
    if (cursor->file.object && !is_as_long(cursor)) clip(cursor);
    while (cursor->low > cursor->high) {
      cursor->scan.done = !next_run(cursor);
      if (cursor->scan.done) return check_end(cursor);
    }
    rc = cursor_seek(cursor);
    if (rc == SQLITE_OK && cursor->scan.at < 0) cursor->high = cursor->low - 1;
  } while (rc == SQLITE_OK && cursor->scan.at < 0);
  if (cursor->plain) cursor->scan.to = cursor->high;
  return rc == SQLITE_OK && cursor->ordered ? check_row_order(cursor) : rc;
}

static int reset(mmap_cursor *cursor, int plan, const char *text, sqlite3_value **argv) {
  forget_runs(cursor);
  forget_page(cursor);
  cursor->near = 0;
  cursor->filtered = cursor->ordered = false;
  cursor->descending = (plan & MMAP_PLAN_DESCENDING) != 0;
  cursor->low = 0;
  cursor->high = -1;
  cursor->scan.done = true;
  cursor->scan.fields = 0;
  cursor->scan.to = -1;
  if (plan == EXT_PLAN_MISSING) {
    cursor->scan.done = !ext_given_missing(&cursor->given, cursor_conn(cursor)->db);
    return cursor->scan.done ? fail_missing_file(cursor) : SQLITE_OK;
  }
  int rc = plan & MMAP_PLAN_FILE ? open_function(cursor, text, argv[0]) : open_table(cursor);
  if (rc || !cursor->file.object) return rc;
  cursor->core = cursor->file.object->core;
  cursor->size = cursor->core->size;
  if (!cursor->written) cursor->scan.fields = (unsigned)mmap_field_count(cursor_table(cursor));
  return SQLITE_OK;
}

static int narrow_key(mmap_cursor *cursor, lookup *look, const char *constraint,
                      sqlite3_value *value) {
  ext_conn *conn = cursor_conn(cursor);
  look->given = true;
  if (constraint[1] == 'i') {
    look->list = value;
    return SQLITE_OK;
  }
  bool plain = constraint[0] == 'K' || ext_tab_is_parameter(conn, value);
  int op = ext_tab_operator_of(constraint[1]);
  (void)mmap_range_narrow(&look->keys, &look->range, op, value, plain);
  bool apart = constraint[1] == 'v' && ext_tab_check_row_value(conn, value, &conn->err);
  return apart ? cursor_fail(cursor) : SQLITE_OK;
}

int mmapFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
               sqlite3_value **argv) {
  if (is_chained(base)) return chainFilter(base, plan, constraints, argc, argv);
  mmap_cursor *cursor = (mmap_cursor *)base;
  int rc = reset(cursor, plan, constraints, argv);
  if (rc || !cursor->file.object) return rc;
  constraints = ext_words_skip(constraints);
  mmap_run bounds = {0, cursor->rows.count - 1};
  lookup look = {.range = mmap_range_all(), .given = (plan & MMAP_PLAN_KEYED) != 0};
  if (mmap_sorted_column(cursor_table(cursor))) look.keys = keys_of(cursor);
  for (int arg = plan & MMAP_PLAN_FILE ? 1 : 0; rc == SQLITE_OK && arg < argc;
       arg++, constraints += 2) {
    int op = ext_tab_operator_of(constraints[1]);
    if (constraints[0] == 'o') bound_place(cursor, &bounds, op, argv[arg]);
    if (constraints[0] == 'r') bound_rowid(cursor, &bounds, op, argv[arg]);
    if (constraints[0] == 'b') bound_byte(cursor, op, argv[arg]);
    if ((constraints[0] | 0x20) == 'k') rc = narrow_key(cursor, &look, constraints, argv[arg]);
  }
  if (rc) return rc;
  cursor->ordered = look.given;
  cursor->plain = !cursor->ordered && !cursor->filtered && !cursor->descending;
  rc = find_runs(cursor, &look, &bounds, (plan & MMAP_PLAN_KEYED) != 0);
  cursor->several = cursor->run_count > 1 ||
                    (cursor->run_count == 1 && cursor->runs[0].low < cursor->runs[0].high);
  return rc ? rc : cursor_settle(cursor);
}

/* The next row is in the page: a byte filter's, where no table has deleted rows. `low` or `high`
** has moved behind the one before. Where it is no such byte any more, others have written. */
static bool step_in_page(mmap_cursor *cursor) {
  const bytes_page *page = cursor->ahead;
  if (!page || page->at >= page->found) return false;
  if (!ext_stamp_holds(&page->stamp, cursor->file.object)) return false;
  if (cursor_table(cursor)->shared->deleted) return false;
  take_from_page(cursor);
  return is_filtered(cursor, *row_data(cursor, cursor->scan.at));
}

static EXT_APART int cursor_next(mmap_cursor *cursor) {
  if (cursor->descending) {
    cursor->high = cursor->scan.at - 1;
  } else {
    cursor->low = cursor->scan.at + 1;
  }
  return step_in_page(cursor) ? SQLITE_OK : cursor_settle(cursor);
}

/* Most rows of most scans: `low` stays behind. */
int mmapNext(sqlite3_vtab_cursor *base) {
  mmap_cursor *cursor = (mmap_cursor *)base;
  if (EXT_MOSTLY(cursor->scan.at < cursor->scan.to && cursor->file.object->leaving == 0 &&
                 is_as_long(cursor))) {
    cursor->scan.at++;
    return SQLITE_OK;
  }
  return is_chained(base) ? chainNext(base) : cursor_next(cursor);
}

int mmapEof(sqlite3_vtab_cursor *base) {
  return ((const mmap_scan *)base)->done;
}

/* ---- columns --------------------------------------------------------------------------------- */

static sqlite3_int64 offset_of(const mmap_cursor *cursor) {
  int64_t offset = cursor->scan.at * (int64_t)cursor->record;
  return cursor_table(cursor)->spec.path ? (int64_t)cursor->rows.start + offset : offset;
}

static void cursor_result_file(const mmap_cursor *cursor, sqlite3_context *context) {
  if (sqlite3_vtab_nochange(context)) {
    mmap_result_file_mark(context, cursor_conn(cursor), cursor->file.path, cursor->file.handle);
  } else {
    ext_given_result(&cursor->given, context, 0);
  }
}

static inline void row_result(const mmap_cursor *cursor, sqlite3_context *context, size_t i) {
  const mmap_column *field = &cursor->fields[i];
  field->result(context, row_data(cursor, cursor->scan.at) + field->at, &field->type);
}

/* Whatever is neither a field nor the table-valued function's file is the offset. */
static void cursor_result(const mmap_cursor *cursor, sqlite3_context *context, int column) {
  bool bytes = mmap_is_bytes(cursor_table(cursor));
  size_t i = (size_t)(bytes ? column - BYTES_BYTE : column);
  if (bytes && column == BYTES_FILE) {
    cursor_result_file(cursor, context);
  } else if (sqlite3_vtab_nochange(context)) {
    return; /* xUpdate learns that it is not set */
  } else if (i < mmap_field_count(cursor_table(cursor))) {
    row_result(cursor, context, i);
  } else {
    sqlite3_result_int64(context, offset_of(cursor));
  }
}

/* A function that the same statement calls may have cut the file under the row, which stays gone. */
static bool is_gone(mmap_cursor *cursor) {
  if (!is_as_long(cursor)) clip(cursor);
  if (cursor->scan.at < cursor->rows.count) return false;
  cursor->scan.fields = 0;
  return true;
}

static EXT_APART int cursor_column(mmap_cursor *cursor, sqlite3_context *context, int column) {
  if (cursor->given.missing) return fail_missing_file(cursor);
  if (is_gone(cursor)) return SQLITE_OK;
  cursor_result(cursor, context, column);
  return mm_object_hit(cursor->core) ? faulted(cursor) : SQLITE_OK;
}

/* Apart, so that whatever is none of those need not save registers. */
static EXT_APART int field_column(mmap_cursor *cursor, sqlite3_context *context, size_t i) {
  row_result(cursor, context, i);
  return mm_object_hit(cursor->core) ? faulted(cursor) : SQLITE_OK;
}

/* Most columns of most scans: a row that is there, in a statement that does not write the table. */
int mmapColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  mmap_cursor *cursor = (mmap_cursor *)base;
  unsigned i = (unsigned)column - cursor->scan.first;
  if (EXT_MOSTLY(i < cursor->scan.fields && is_as_long(cursor))) {
    return field_column(cursor, context, i);
  }
  return is_chained(base) ? chainColumn(base, context, column)
                          : cursor_column(cursor, context, column);
}

int mmapRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  if (is_chained(base)) return chainRowid(base, rowid);
  mmap_cursor *cursor = (mmap_cursor *)base;
  *rowid = cursor->rows.first + cursor->scan.at;
  if (cursor->given.missing) return fail_missing_file(cursor);
  int rc = ext_given_tell(&cursor->given, *rowid, &cursor_conn(cursor)->err);
  return rc ? cursor_fail(cursor) : SQLITE_OK;
}
