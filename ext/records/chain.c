/*
** chain.c: the cursor of tables whose records say how large they are.
**
** Rows come in the order of the file. What bounds rowid or offset from above ends the walk: what
** lies behind is not read. From below, the walk begins at the last station before it; stations are
** left at every 1,024th record by whoever comes by.
*/
#include "ext/records/chain.h"

#include <string.h>

#include "core/bytes/walk.h"
#include "ext/connection/blob.h"
#include "ext/connection/stmt.h"
#include "ext/tables/scan.h"

typedef struct chain_cursor {
  mmap_scan scan;
  ext_given given;
  ext_source file;
  mm_walk walk;
  int64_t low_row, high_row, low_place, high_place; /* that WHERE leaves */
  bool damaged;         /* partial=yes: the row is a damaged one, and `error` says why */
  bool opened;          /* the walk is */
  int intent;           /* see ext_intent_reads */
  int64_t quick_row;    /* up to here the walk steps quickly, … */
  uint64_t edits, size; /* … as long as the object's are these */
  char error[MM_ERROR_TEXT];
} chain_cursor;

static mmap_table *chain_table(const chain_cursor *cursor) {
  return (mmap_table *)cursor->scan.base.pVtab;
}

static ext_conn *chain_conn(const chain_cursor *cursor) {
  return chain_table(cursor)->tab.conn;
}

static int chain_fail(chain_cursor *cursor) {
  return ext_cursor_error(&cursor->scan.base, chain_table(cursor)->name, &chain_conn(cursor)->err);
}

static bool is_layout(const mmap_table *table) {
  return table->spec.path == NULL;
}

/* ---- columns --------------------------------------------------------------------------------- */

static const char *type_declared(const mm_layout_column *column) {
  int kind = column->computed ? mm_expr_kind(column->value) : mm_type_gives(column->type);
  switch (kind) {
    case MM_VALUE_INTEGER:
      return "INTEGER";
    case MM_VALUE_REAL:
      return "REAL";
    case MM_VALUE_TEXT:
      return "TEXT";
    case MM_VALUE_BLOB:
      return "BLOB";
    default:
      return "";
  }
}

char *chain_declare(const mmap_spec *spec) {
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "CREATE TABLE x(");
  for (size_t i = 0; i < spec->layout.count; i++) {
    const mm_layout_column *column = &spec->layout.columns[i];
    sqlite3_str_appendf(text, "\"%w\" %s, ", column->name, type_declared(column));
  }
  if (!spec->path) {
    sqlite3_str_appendall(text, "file HIDDEN, start HIDDEN, stop HIDDEN, endian HIDDEN, ");
  }
  sqlite3_str_appendall(text, "offset INTEGER HIDDEN, next INTEGER HIDDEN, error TEXT HIDDEN)");
  return sqlite3_str_finish(text);
}

/* ---- planning -------------------------------------------------------------------------------- */

#define CHAIN_BOUNDS 32
#define CHAIN_ROWS 100000

/*
** idxNum: a bit for each argument that is given; they come first. idxStr: words for people and a
** colon; then for each further argument of xFilter two characters: 'r' or 'o', and its operator.
*/
static bool plan_chain_bounds(const mmap_table *table, sqlite3_index_info *info, int next,
                              char *text, ext_words *words) {
  int place = chain_hidden_at(&table->spec) + CHAIN_OFFSET;
  size_t n = 0;
  bool equal = false;
  for (int i = 0; i < info->nConstraint && n < (size_t)2 * CHAIN_BOUNDS; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    bool row = c->iColumn < 0;
    char op = c->usable && (row || c->iColumn == place) ? ext_tab_operator(c->op) : 0;
    if (!op) continue;
    text[n++] = row ? 'r' : 'o';
    text[n++] = op;
    ext_words_add(words, row ? "rowid" : "offset", op);
    equal |= op == '=';
    info->aConstraintUsage[i].argvIndex = next++;
    info->aConstraintUsage[i].omit = 1;
  }
  text[n] = 0;
  return equal;
}

static bool asks_order(const mmap_table *table, const sqlite3_index_info *info) {
  int place = chain_hidden_at(&table->spec) + CHAIN_OFFSET;
  return info->nOrderBy == 1 && !info->aOrderBy[0].desc &&
         (info->aOrderBy[0].iColumn < 0 || info->aOrderBy[0].iColumn == place);
}

int chainBestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {
  const mmap_table *table = (const mmap_table *)base;
  char text[2 * CHAIN_BOUNDS + 1];
  ext_words words = {""};
  unsigned given = 0;
  int next = 1;
  if (is_layout(table)) {
    int file = (int)table->spec.layout.count + CHAIN_FILE;
    int rc = ext_tab_arguments(info, file, 1, CHAIN_ARGUMENTS, &given, &next);
    if (rc || info->idxNum == EXT_PLAN_MISSING) return rc;
  }
  bool one = plan_chain_bounds(table, info, next, text, &words);
  info->idxNum = (int)given;
  info->orderByConsumed = asks_order(table, info);
  info->estimatedRows = one ? 1 : text[0] ? CHAIN_ROWS / 4 : CHAIN_ROWS;
  info->estimatedCost = one ? 1000 : 10 + 3 * (double)info->estimatedRows;
  return ext_words_plan(table->tab.conn, info, &words, false, text);
}

/* ---- opening --------------------------------------------------------------------------------- */

int chainOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  int rc = ext_tab_open(base, sizeof(chain_cursor), out);
  if (rc) return rc;
  chain_cursor *cursor = (chain_cursor *)*out;
  cursor->scan.chained = true;
  ext_given_open(&((ext_tab *)base)->opened, &cursor->given);
  return SQLITE_OK;
}

int chainClose(sqlite3_vtab_cursor *base) {
  chain_cursor *cursor = (chain_cursor *)base;
  ext_given_close(&chain_table(cursor)->tab.opened, &cursor->given);
  ext_source_clear(&cursor->file);
  if (cursor->opened) mm_walk_close(&cursor->walk);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* ---- from record to record ------------------------------------------------------------------- */

/* The walk sees the file as it is now: this very statement may write to it, or cut it. */
static void look_at_bytes(chain_cursor *cursor) {
  cursor->walk.data = ext_source_data(&cursor->file);
  cursor->walk.size = ext_source_length(&cursor->file);
}

static int chain_faulted(chain_cursor *cursor) {
  mm_object_faulted(cursor->file.object->core, &chain_conn(cursor)->err);
  return chain_fail(cursor);
}

/* A record is damaged: the end of the rows, by an error or, with partial=yes, by a row of it. */
static int meet_damage(chain_cursor *cursor) {
  mm_error *err = &chain_conn(cursor)->err;
  mm_error cut;
  if (mm_object_hit(cursor->file.object->core)) return chain_faulted(cursor);
  if (err->code == MM_DAMAGED && mm_object_whole(cursor->file.object->core, &cut)) *err = cut;
  if (err->code != MM_DAMAGED || !chain_table(cursor)->spec.partial) {
    cursor->scan.done = true;
    return chain_fail(cursor);
  }
  cursor->damaged = true;
  memcpy(cursor->error, err->text, strlen(err->text) + 1);
  return SQLITE_OK;
}

static mmap_stations *stations_of(const chain_cursor *cursor) {
  return mmap_stations_of(chain_table(cursor), cursor->file.object, &cursor->walk);
}

static void leave_station(const chain_cursor *cursor) {
  mmap_stations_leave(stations_of(cursor), &cursor->walk);
}

/* Up to the next station, and to what bounds the rows: nothing else is to be looked at from row to
** row. */
static void quicken(chain_cursor *cursor) {
  mm_walk *walk = &cursor->walk;
  const mm_object *core = cursor->file.object->core;
  cursor->edits = core->edits;
  cursor->size = core->size;
  cursor->quick_row = walk->rowid | (MMAP_STATION - 1);
  if (cursor->quick_row > cursor->high_row) cursor->quick_row = cursor->high_row;
  if (cursor->high_place >= 0) mm_walk_quicken(walk, (uint64_t)cursor->high_place);
}

/* This very statement may have written since. */
static inline bool chain_step_quick(chain_cursor *cursor) {
  if (cursor->walk.rowid >= cursor->quick_row) return false; /* there may be no file, too */
  const ext_object *object = cursor->file.object;
  const mm_object *core = object->core;
  bool same = core->edits == cursor->edits && core->size == cursor->size && object->leaving == 0;
  if (!same) return false;
  cursor->walk.data = core->data + cursor->file.start;
  return mm_walk_step_quick(&cursor->walk);
}

static int chain_step(chain_cursor *cursor) {
  mm_walk *walk = &cursor->walk;
  if (chain_step_quick(cursor)) return SQLITE_OK;
  if (cursor->damaged || walk->rowid >= cursor->high_row ||
      (int64_t)walk->next > cursor->high_place) {
    cursor->scan.done = true; /* what lies behind is not read */
    return SQLITE_OK;
  }
  look_at_bytes(cursor);
  int rc = mm_walk_step(walk, &chain_conn(cursor)->err);
  if (rc) return meet_damage(cursor);
  cursor->scan.done = walk->done;
  if (walk->layout->steady) quicken(cursor);
  if (mm_object_hit(cursor->file.object->core)) return chain_faulted(cursor);
  if (!walk->done && (walk->rowid & (MMAP_STATION - 1)) == 0) leave_station(cursor);
  return SQLITE_OK;
}

/* The record is deleted, and there till COMMIT only for those who look at bytes. */
static bool is_record_gone(const chain_cursor *cursor) {
  const ext_object *object = cursor->file.object;
  if (object->leaving == 0 || cursor->damaged) return false;
  const ext_rowset *bytes = mmap_deleted_rows(chain_table(cursor), object);
  return bytes && ext_rowset_has(bytes, (int64_t)cursor->walk.offset);
}

/* The first row from here on that WHERE leaves. */
static int chain_settle(chain_cursor *cursor) {
  ext_conn *conn = chain_conn(cursor);
  for (unsigned steps = 0;; steps++) {
    int rc = chain_step(cursor);
    if (rc || cursor->scan.done) return rc;
    bool below =
        cursor->walk.rowid < cursor->low_row || (int64_t)cursor->walk.offset < cursor->low_place;
    if (!below && !is_record_gone(cursor)) return SQLITE_OK;
    if (steps % 1024 == 1023 && ext_conn_interrupted(conn)) return SQLITE_INTERRUPT;
  }
}

/* Apart, as below, so that what most rows are need not make room for what it needs. */
static EXT_APART int next_any(chain_cursor *cursor) {
  int rc = chain_step(cursor);
  if (rc || cursor->scan.done || cursor->file.object->leaving == 0) return rc;
  return is_record_gone(cursor) ? chain_settle(cursor) : SQLITE_OK;
}

static int fail_missing_layout(chain_cursor *cursor) {
  ext_tab_missing_file(chain_conn(cursor), chain_table(cursor)->name);
  return chain_fail(cursor);
}

/* Where no file was given there is one row, in which nothing may be asked for (ext_given_missing). */
int chainNext(sqlite3_vtab_cursor *base) {
  chain_cursor *cursor = (chain_cursor *)base;
  if (EXT_MOSTLY(chain_step_quick(cursor))) return SQLITE_OK;
  if (!cursor->given.missing) return next_any(cursor);
  cursor->scan.done = true;
  return SQLITE_OK;
}

/* ---- where the records lie ------------------------------------------------------------------- */

static int chain_bound(const mm_walk *walk, sqlite3_value *value, const char *what, uint64_t *place,
                       mm_error *err) {
  int64_t n;
  int rc = ext_value_integer(value, what, &n, err);
  if (rc) return rc;
  *place = n >= 0 ? (uint64_t)n : 0 - (uint64_t)n > walk->size ? 0 : walk->size + (uint64_t)n;
  return MM_OK;
}

static int chain_endian(sqlite3_value *value, bool *big_endian, mm_error *err) {
  const char *text;
  int rc = ext_value_text(value, "endian", &text, err);
  if (rc) return rc;
  *big_endian = sqlite3_stricmp(text, "be") == 0;
  if (*big_endian || sqlite3_stricmp(text, "le") == 0) return MM_OK;
  return mm_fail(err, MM_ERROR, "endian '%s' is neither le nor be", text);
}

int chain_begin(const mmap_table *table, mm_walk *walk, sqlite3_value *const args[CHAIN_ARGUMENTS],
                mm_error *err) {
  const mmap_spec *spec = &table->spec;
  uint64_t start = spec->offset, stop = UINT64_MAX;
  bool big_endian = false;
  int rc = MM_OK;
  if (args[CHAIN_START]) rc = chain_bound(walk, args[CHAIN_START], "start", &start, err);
  if (rc == MM_OK && args[CHAIN_STOP]) rc = chain_bound(walk, args[CHAIN_STOP], "stop", &stop, err);
  if (rc == MM_OK && args[CHAIN_ENDIAN]) rc = chain_endian(args[CHAIN_ENDIAN], &big_endian, err);
  if (rc == MM_OK && spec->layout.open && !args[CHAIN_ENDIAN]) {
    rc = mm_fail(err, MM_ERROR,
                 "the order of bytes is open: endian= in CREATE VIRTUAL TABLE, or the fourth "
                 "argument, says le or be");
  }
  if (rc) return rc;
  if (spec->length && spec->length < UINT64_MAX - start) stop = start + spec->length;
  return mm_walk_begin(walk, start, stop < start ? start : stop, big_endian, err);
}

static bool is_bounded_out(const chain_cursor *cursor) {
  int64_t row = cursor->walk.rowid, place = (int64_t)cursor->walk.offset;
  return row < cursor->low_row || row > cursor->high_row || place < cursor->low_place ||
         place > cursor->high_place;
}

/* Where the start itself is the damage, the row of it is where the first record would be. */
static int begin_walk(chain_cursor *cursor, sqlite3_value *args[CHAIN_ARGUMENTS]) {
  look_at_bytes(cursor);
  if (chain_begin(chain_table(cursor), &cursor->walk, args, &chain_conn(cursor)->err) == MM_OK) {
    return SQLITE_OK;
  }
  if (!cursor->walk.done) return chain_fail(cursor);
  cursor->walk.rowid = 0;
  int rc = meet_damage(cursor);
  if (rc == SQLITE_OK) cursor->scan.done = is_bounded_out(cursor);
  return rc;
}

/* ---- filtering ------------------------------------------------------------------------------- */

static int take_arguments(chain_cursor *cursor, int plan, const char *text, sqlite3_value **argv,
                          sqlite3_value *args[CHAIN_ARGUMENTS], int *taken) {
  mm_error *err = &chain_conn(cursor)->err;
  bool null = false;
  *taken = 0;
  for (int i = 0; i < CHAIN_ARGUMENTS; i++) {
    args[i] = plan & 1 << i ? argv[(*taken)++] : NULL;
    null |= args[i] && sqlite3_value_type(args[i]) == SQLITE_NULL;
  }
  if (ext_given_take(&chain_table(cursor)->tab.opened, &cursor->given, text, args, CHAIN_ARGUMENTS,
                     err)) {
    return chain_fail(cursor);
  }
  cursor->scan.done = null;
  if (null) return SQLITE_OK;
  mmap_table *table = chain_table(cursor);
  ext_reads *reads = mmap_reads_of(table, &cursor->given, &cursor->intent);
  if (ext_source_use(chain_conn(cursor), &cursor->file, reads, args[0], err) ||
      mmap_reads_begin(table, &cursor->given, cursor->file.object, reads, err)) {
    return chain_fail(cursor);
  }
  return SQLITE_OK;
}

static int open_own_file(chain_cursor *cursor) {
  mm_error *err = &chain_conn(cursor)->err;
  mmap_table *table = chain_table(cursor);
  ext_reads *reads = cursor->file.object ? &cursor->given.reads
                                         : mmap_reads_of(table, &cursor->given, &cursor->intent);
  if (!cursor->file.object &&
      (mmap_table_open(table, reads, &cursor->file.object, err) ||
       mmap_reads_begin(table, &cursor->given, cursor->file.object, reads, err))) {
    return chain_fail(cursor);
  }
  cursor->file.length = UINT64_MAX;
  cursor->scan.done = false;
  return SQLITE_OK;
}

static int open_walk(chain_cursor *cursor) {
  if (cursor->opened) return SQLITE_OK;
  if (mm_walk_open(&cursor->walk, &chain_table(cursor)->spec.layout, &chain_conn(cursor)->err)) {
    return chain_fail(cursor);
  }
  ext_conn_watch(chain_conn(cursor), &cursor->walk.watch);
  cursor->opened = true;
  return SQLITE_OK;
}

static void take_bounds(chain_cursor *cursor, const char *text, sqlite3_value **argv) {
  cursor->low_row = cursor->low_place = INT64_MIN;
  cursor->high_row = cursor->high_place = INT64_MAX;
  for (; *text && *text != '#'; text += 2, argv++) {
    bool row = text[0] == 'r';
    ext_bound_integer(ext_tab_operator_of(text[1]), *argv,
                      row ? &cursor->low_row : &cursor->low_place,
                      row ? &cursor->high_row : &cursor->high_place);
  }
  if (cursor->low_row > cursor->high_row || cursor->low_place > cursor->high_place) {
    cursor->scan.done = true;
  }
}

int chainFilter(sqlite3_vtab_cursor *base, int plan, const char *text, int argc,
                sqlite3_value **argv) {
  chain_cursor *cursor = (chain_cursor *)base;
  sqlite3_value *args[CHAIN_ARGUMENTS] = {NULL};
  int taken = 0, rc;
  (void)argc;
  cursor->damaged = false;
  cursor->scan.done = true;
  cursor->quick_row = INT64_MIN;
  cursor->walk.found = 0;
  if (plan == EXT_PLAN_MISSING) {
    cursor->scan.done = !ext_given_missing(&cursor->given, chain_conn(cursor)->db);
    return cursor->scan.done ? fail_missing_layout(cursor) : SQLITE_OK;
  }
  rc = is_layout(chain_table(cursor)) ? take_arguments(cursor, plan, text, argv, args, &taken)
                                      : open_own_file(cursor);
  if (rc || cursor->scan.done) return rc;
  take_bounds(cursor, ext_words_skip(text), argv + taken);
  if (cursor->scan.done) return SQLITE_OK;
  rc = open_walk(cursor);
  if (rc == SQLITE_OK) rc = begin_walk(cursor, args);
  if (rc || cursor->scan.done || cursor->damaged) return rc;
  mmap_stations_jump(stations_of(cursor), &cursor->walk, cursor->low_row, cursor->low_place);
  return chain_settle(cursor);
}

/* ---- values ---------------------------------------------------------------------------------- */

static void result_bytes_of(chain_cursor *cursor, sqlite3_context *context, size_t i) {
  const mm_walk_place *place = &cursor->walk.places[i];
  (void)ext_result_bytes(context, cursor->file.object, cursor->file.start + place->at, place->size);
}

static int chain_value(chain_cursor *cursor, sqlite3_context *context, size_t i) {
  mm_walk *walk = &cursor->walk;
  mm_error *err = &chain_conn(cursor)->err;
  mm_value value;
  look_at_bytes(cursor);
  int rc = mm_walk_value(walk, i, &value, err);
  if (rc == MM_DAMAGED && chain_table(cursor)->spec.partial) return SQLITE_OK;
  if (rc) return chain_fail(cursor);
  const mm_layout_column *column = &walk->layout->columns[i];
  if (value.kind == MM_VALUE_BLOB && !column->computed) {
    result_bytes_of(cursor, context, i);
  } else {
    ext_result_value(context, &value);
  }
  return SQLITE_OK;
}

/* Most columns of most scans: an integer that is always there. False: it is none. In an UPDATE, too:
** what is as it was is not written. */
static bool result_plain(const chain_cursor *cursor, sqlite3_context *context, int i) {
  const mm_walk *walk = &cursor->walk;
  if ((size_t)i >= walk->found || !walk->placed) return false;
  const mm_layout_column *column = &walk->layout->columns[i];
  uint64_t at = walk->places[i].at;
  if (!column->integer || at + column->type.size > ext_source_length(&cursor->file)) return false;
  const uint8_t *bytes = ext_source_data(&cursor->file) + at;
  sqlite3_result_int64(context, mm_type_integer(column->type, bytes));
  return true;
}

/* The same of a record that was come to quickly, in a file that has not been cut since. */
static inline bool result_quick(const chain_cursor *cursor, sqlite3_context *context, int i) {
  const mm_walk *walk = &cursor->walk;
  if (walk->placed || (size_t)i >= walk->found) return false;
  const mm_layout_column *column = &walk->layout->columns[i];
  const mm_object *core = cursor->file.object->core;
  if (!column->integer || column->lead == MM_LEAD_VARIES || core->size != cursor->size)
    return false;
  const uint8_t *bytes = core->data + cursor->file.start + walk->offset + column->lead;
  sqlite3_result_int64(context, mm_type_integer(column->type, bytes));
  return true;
}

static int chain_hidden(chain_cursor *cursor, sqlite3_context *context, int column) {
  switch (column - chain_hidden_at(&chain_table(cursor)->spec)) {
    case CHAIN_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)cursor->walk.offset);
      return SQLITE_OK;
    case CHAIN_NEXT:
      if (!cursor->damaged) sqlite3_result_int64(context, (sqlite3_int64)cursor->walk.next);
      return SQLITE_OK;
    case CHAIN_ERROR:
      if (cursor->damaged) sqlite3_result_text(context, cursor->error, -1, SQLITE_TRANSIENT);
      return SQLITE_OK;
    default:
      ext_given_result(&cursor->given, context,
                       column - (int)chain_table(cursor)->spec.layout.count);
      return SQLITE_OK;
  }
}

static bool is_file(const chain_cursor *cursor, int column) {
  const mmap_spec *spec = &chain_table(cursor)->spec;
  return !spec->path && column == (int)spec->layout.count + CHAIN_FILE;
}

/* In an UPDATE xUpdate learns of what is not set only where the record is: its offset and the
** arguments. False: the column is left out. */
static bool is_kept_for_update(const chain_cursor *cursor, int column) {
  const mmap_spec *spec = &chain_table(cursor)->spec;
  int argument = column - (int)spec->layout.count;
  if (column == chain_hidden_at(spec) + CHAIN_OFFSET) return true;
  if (spec->path || argument < 0 || argument >= CHAIN_ARGUMENTS) return false;
  return argument > CHAIN_FILE;
}

static EXT_APART int column_any(chain_cursor *cursor, sqlite3_context *context, int column) {
  int count = (int)chain_table(cursor)->spec.layout.count;
  if (result_plain(cursor, context, column)) {
    return mm_object_hit(cursor->file.object->core) ? chain_faulted(cursor) : SQLITE_OK;
  }
  if (cursor->given.missing) return fail_missing_layout(cursor);
  if (sqlite3_vtab_nochange(context) && is_file(cursor, column)) {
    mmap_result_file_mark(context, chain_conn(cursor), cursor->file.path, cursor->file.handle);
    return SQLITE_OK;
  }
  if (sqlite3_vtab_nochange(context) && !is_kept_for_update(cursor, column)) {
    return SQLITE_OK;
  }
  int rc = column < count ? chain_value(cursor, context, (size_t)column)
                          : chain_hidden(cursor, context, column);
  return rc == SQLITE_OK && mm_object_hit(cursor->file.object->core) ? chain_faulted(cursor) : rc;
}

int chainColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  chain_cursor *cursor = (chain_cursor *)base;
  if (!result_quick(cursor, context, column)) return column_any(cursor, context, column);
  return mm_object_hit(cursor->file.object->core) ? chain_faulted(cursor) : SQLITE_OK;
}

int chainRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  chain_cursor *cursor = (chain_cursor *)base;
  *rowid = cursor->walk.rowid;
  if (cursor->given.missing) return fail_missing_layout(cursor);
  int rc = ext_given_tell(&cursor->given, *rowid, &chain_conn(cursor)->err);
  return rc ? chain_fail(cursor) : SQLITE_OK;
}

/* ---- mmap_check ------------------------------------------------------------------------------ */

/* What no other column needs has not been computed yet. */
static int check_computed(mm_walk *walk, mm_error *err) {
  const mm_layout *layout = walk->layout;
  mm_value value;
  int rc = MM_OK;
  for (size_t i = 0; i < layout->count && rc == MM_OK; i++) {
    const mm_layout_column *column = &layout->columns[i];
    if (column->computed && !column->needed) rc = mm_walk_value(walk, i, &value, err);
  }
  return rc;
}

static int check_walk(const mmap_table *table, mm_walk *walk, const ext_file *file, mm_error *err) {
  const mm_object *core = file->object->core;
  int rc = MM_OK;
  for (unsigned steps = 1; rc == MM_OK && !walk->done; steps++) {
    walk->data = core->data + file->start;
    rc = mm_walk_step(walk, err);
    if (rc == MM_OK && !walk->done) rc = check_computed(walk, err);
    if (rc == MM_OK && steps % 1024 == 0 && ext_conn_interrupted(table->tab.conn)) {
      return mm_fail(err, MM_INTERRUPT, "interrupted");
    }
  }
  mm_error fault;
  int faulted = mm_object_faulted(core, &fault);
  if (faulted) *err = fault;
  return faulted ? faulted : rc;
}

static int check_chain_file(const mmap_table *table, const ext_file *file,
                            sqlite3_value *const args[CHAIN_ARGUMENTS], char **finding,
                            mm_error *err) {
  mm_walk walk;
  int rc = mm_walk_open(&walk, &table->spec.layout, err);
  if (rc) return rc;
  ext_conn_watch(table->tab.conn, &walk.watch);
  walk.data = file->object->core->data + file->start;
  walk.size = file->length;
  rc = chain_begin(table, &walk, args, err);
  if (rc == MM_OK) rc = check_walk(table, &walk, file, err);
  mm_walk_close(&walk);
  if (rc != MM_DAMAGED) return rc;
  *finding = sqlite3_mprintf("%s", err->text);
  return *finding ? MM_OK : mm_fail_nomem(err);
}

static int checked_file(mmap_table *table, ext_reads *reads, int argc, sqlite3_value **argv,
                        ext_file *file, mm_error *err) {
  memset(file, 0, sizeof *file);
  if (!is_layout(table)) {
    int rc = ext_tab_no_arguments(argc, err);
    if (rc == MM_OK) rc = mmap_table_open(table, reads, &file->object, err);
    if (rc == MM_OK) ext_file_window(file);
    return rc;
  }
  if (argc < 1) return mm_fail(err, MM_ERROR, "a layout is checked in a file, the second argument");
  return ext_file_resolve(table->tab.conn, argv[0], reads, file, err);
}

int chain_check(mmap_table *table, ext_reads *reads, int argc, sqlite3_value **argv, char **finding,
                mm_error *err) {
  sqlite3_value *args[CHAIN_ARGUMENTS] = {NULL};
  ext_file file;
  for (int i = 1; i < argc && i < CHAIN_ARGUMENTS; i++) {
    if (sqlite3_value_type(argv[i]) != SQLITE_NULL) args[i] = argv[i];
  }
  int rc = checked_file(table, reads, argc, argv, &file, err);
  if (rc) return rc;
  rc = check_chain_file(table, &file, args, finding, err);
  ext_object_release(file.object);
  return rc;
}
