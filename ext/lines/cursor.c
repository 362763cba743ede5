/*
** cursor.c: the cursor of the table `mmap_lines`.
**
** Constraints leave a part of the file, or one for each value of an IN, in which the rows are handed
** out, upwards or from the last to the first. Where all lines are rows a step is one from newline to
** newline of a page that was looked through ahead. A row is taken apart when a column of it is asked
** for, and no farther than to that.
*/
#include "ext/lines/lines.h"

#include <limits.h>
#include <stdlib.h>

#include "core/common/mem.h"
#include "core/search/find.h"
#include "ext/tables/intent.h"

/* Newlines of a page, found ahead of the lines that they end. */
typedef struct page {
  uint64_t start;   /* in the window */
  uint64_t scanned; /* there are no newlines to come before this but those of the page */
  uint64_t quoted;  /* a page that ends here has quotes: it is read from row to row */
  unsigned taken, found;
  ext_stamp stamp;    /* at the time */
  uint16_t *newlines; /* room for those of a page; owned; NULL: none yet */
} page;

/* Rows that begin in begin..end-1. */
typedef struct lines_part {
  uint64_t begin, end;
} lines_part;

typedef struct lines_cursor {
  sqlite3_vtab_cursor base;
  ext_given given; /* of the table-valued function */
  int intent;      /* see ext_intent_reads */
  ext_source file;
  /* Rows that begin in begin..end-1 are still to come, and then those of further parts. `begin`
  ** begins a row. */
  uint64_t begin, end;
  lines_part *parts; /* of an IN; owned; NULL: none */
  size_t part_count, part_capacity, part_at;
  lines_row now;
  lines_row last; /* the row before, if `has_last` */
  uint64_t first; /* the first row of all begins here, or behind */
  bool descending, ordered, has_last, done;
  bool stepping; /* ascending, all lines that do not wrap are rows, and their order is not checked:
                 ** steps from newline to newline of a page */
  bool reading;  /* … and their text is read */
  int64_t row;   /* rows before this one, in this part */
  bool numbered;
  int64_t first_number;   /* of row 0, if `numbered` and all lines are rows */
  ext_place known;        /* a line's number, if `numbered` and some are not */
  int luck;               /* see ext_range */
  mm_splitting splitting; /* of the row now; its `count` is good if `divided` */
  bool divided;
  mm_field *fields; /* room for all; owned; of match=: the groups */
  page ahead;
} lines_cursor;

static lines_table *table_of(const lines_cursor *cursor) {
  return (lines_table *)cursor->base.pVtab;
}

static const lines_spec *spec_of(const lines_cursor *cursor) {
  return &table_of(cursor)->spec;
}

static ext_conn *conn_of(const lines_cursor *cursor) {
  return table_of(cursor)->tab.conn;
}

static int fail(lines_cursor *cursor) {
  return ext_cursor_error(&cursor->base, lines_label(table_of(cursor)), &conn_of(cursor)->err);
}

static inline void look_at_text(const lines_cursor *cursor, lines_text *t) {
  lines_look(t, table_of(cursor), &cursor->file);
  t->first = cursor->first;
}

/* ---- bounds --------------------------------------------------------------------------------- */

static void raise_begin(lines_cursor *cursor, uint64_t offset) {
  if (offset > cursor->begin) cursor->begin = offset;
}

static void lower_end(lines_cursor *cursor, uint64_t offset) {
  if (offset < cursor->end) cursor->end = offset;
}

static void bound_offset(lines_cursor *cursor, lines_text *t, int op, sqlite3_value *value) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  ext_bound_integer(op, value, &low, &high);
  int64_t at = (int64_t)t->at;
  if (low > high || high < at) {
    cursor->end = 0;
    return;
  }
  raise_begin(cursor, lines_from(t, low < at ? 0 : (uint64_t)(low - at)));
  if (high < INT64_MAX) lower_end(cursor, lines_from(t, (uint64_t)(high - at) + 1));
}

static void bound_number(lines_cursor *cursor, lines_text *t, int op, sqlite3_value *value) {
  int64_t low = 1, high = INT64_MAX;
  ext_bound_integer(op, value, &low, &high);
  if (low > high || high < 1) {
    cursor->end = 0;
    return;
  }
  if (low > 1) raise_begin(cursor, lines_numbered(t, low));
  if (high < INT64_MAX) lower_end(cursor, lines_numbered(t, high + 1));
}

/* The part that a value leaves of the keys. LINES_BOUND: that one; else as lines_key_of_value. */
static int find_part(lines_cursor *cursor, lines_text *t, int op, sqlite3_value *value, bool plain,
                     lines_part *part, int *rc) {
  mm_error *err = &conn_of(cursor)->err;
  lines_key key;
  int bound = lines_key_of_value(table_of(cursor), op, value, plain, &key, rc, err);
  if (*rc || bound != LINES_BOUND) return bound;
  *rc = lines_find(t, op, &key, &cursor->luck, &part->begin, &part->end, err);
  return LINES_BOUND;
}

static int bound_key(lines_cursor *cursor, lines_text *t, int op, sqlite3_value *value,
                     bool plain) {
  lines_part part;
  int rc;
  int bound = find_part(cursor, t, op, value, plain, &part, &rc);
  if (rc) return rc;
  if (bound == LINES_NOTHING) cursor->end = 0;
  if (bound != LINES_BOUND) return MM_OK;
  raise_begin(cursor, part.begin);
  lower_end(cursor, part.end);
  return MM_OK;
}

/* ---- the values of an IN --------------------------------------------------------------------- */

static void forget_parts(lines_cursor *cursor) {
  mm_free(cursor->parts);
  cursor->parts = NULL;
  cursor->part_count = cursor->part_capacity = cursor->part_at = 0;
}

static int add_lines_part(lines_cursor *cursor, lines_part part) {
  if (part.begin < cursor->begin) part.begin = cursor->begin;
  if (part.end > cursor->end) part.end = cursor->end;
  if (part.begin >= part.end) return MM_OK;
  void *parts = cursor->parts;
  if (mm_grow(&parts, cursor->part_count, &cursor->part_capacity, sizeof part)) {
    return mm_fail_nomem(&conn_of(cursor)->err);
  }
  cursor->parts = parts;
  cursor->parts[cursor->part_count++] = part;
  return MM_OK;
}

#if SQLITE_VERSION_NUMBER >= 3038000
/* *all: one cannot be looked up, and all rows are to be looked at. */
static int add_values(lines_cursor *cursor, lines_text *t, sqlite3_value *list, bool *all) {
  sqlite3_value *value;
  lines_part part;
  int rc = MM_OK, more = sqlite3_vtab_in_first(list, &value);
  *all = false;
  for (; more == SQLITE_OK && rc == MM_OK; more = sqlite3_vtab_in_next(list, &value)) {
    int bound = find_part(cursor, t, SQLITE_INDEX_CONSTRAINT_EQ, value, true, &part, &rc);
    *all |= bound == LINES_ANY;
    if (rc == MM_OK && bound == LINES_BOUND && !*all) rc = add_lines_part(cursor, part);
  }
  return rc || more == SQLITE_OK || more == SQLITE_DONE ? rc : mm_fail_nomem(&conn_of(cursor)->err);
}
#else
static int add_values(lines_cursor *cursor, lines_text *t, sqlite3_value *list, bool *all) {
  (void)cursor, (void)t, (void)list;
  *all = true;
  return MM_OK;
}
#endif

static int compare_parts(const void *a, const void *b) {
  uint64_t x = ((const lines_part *)a)->begin, y = ((const lines_part *)b)->begin;
  return (x > y) - (x < y);
}

/* Ascending, and no row twice. */
static void sort_parts(lines_cursor *cursor) {
  size_t n = 0;
  if (!cursor->part_count) return;
  qsort(cursor->parts, cursor->part_count, sizeof *cursor->parts, compare_parts);
  for (size_t i = 0; i < cursor->part_count; i++) {
    lines_part part = cursor->parts[i];
    if (n && part.begin < cursor->parts[n - 1].end) part.begin = cursor->parts[n - 1].end;
    if (part.begin < part.end) cursor->parts[n++] = part;
  }
  cursor->part_count = n;
}

static bool next_part(lines_cursor *cursor) {
  if (cursor->part_at == cursor->part_count) return false;
  size_t i = cursor->part_at++;
  const lines_part *part = &cursor->parts[cursor->descending ? cursor->part_count - 1 - i : i];
  cursor->begin = part->begin;
  cursor->end = part->end;
  cursor->row = 0;
  cursor->numbered = false;
  return true;
}

static int bound_list(lines_cursor *cursor, lines_text *t, sqlite3_value *list) {
  bool all;
  int rc = add_values(cursor, t, list, &all);
  if (rc || all) {
    forget_parts(cursor);
    return rc;
  }
  sort_parts(cursor);
  cursor->end = cursor->begin;
  (void)next_part(cursor);
  return MM_OK;
}

/* ---- opening -------------------------------------------------------------------------------- */

int linesOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  int rc = ext_tab_open(base, sizeof(lines_cursor), out);
  if (rc == SQLITE_OK) ext_given_open(&((ext_tab *)base)->opened, &((lines_cursor *)*out)->given);
  return rc;
}

int linesClose(sqlite3_vtab_cursor *base) {
  lines_cursor *cursor = (lines_cursor *)base;
  ext_given_close(&table_of(cursor)->tab.opened, &cursor->given);
  forget_parts(cursor);
  mm_free(cursor->fields);
  mm_free(cursor->ahead.newlines);
  ext_source_clear(&cursor->file);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* A layout, and what match= takes apart, nobody writes by a table. */
static ext_written_table as_written_lines(const lines_table *table) {
  bool written = table->spec.path && !table->spec.pattern;
  return (ext_written_table){.conn = table->tab.conn,
                             .label = lines_label(table),
                             .by = written ? EXT_WRITTEN_INSERT : EXT_WRITTEN_NEVER,
                             .told = table->told,
                             .synchronous = -1};
}

static int open_own(lines_cursor *cursor) {
  const lines_table *table = table_of(cursor);
  mm_error *err = &conn_of(cursor)->err;
  ext_written_table written = as_written_lines(table);
  ext_reads *reads = ext_intent_reads(&written, &cursor->given, &cursor->intent);
  int rc = lines_open_file(table, reads, &cursor->file.object, err);
  return rc ? rc : ext_intent_begin(&written, &cursor->given, cursor->file.object, reads, err);
}

static int use_file(lines_cursor *cursor, sqlite3_value *value) {
  int rc = MM_OK;
  if (value) {
    return ext_source_use(conn_of(cursor), &cursor->file, &cursor->given.reads, value,
                          &conn_of(cursor)->err);
  }
  if (!cursor->file.object) rc = open_own(cursor);
  if (rc == MM_OK) lines_use_window(table_of(cursor), &cursor->file);
  return rc;
}

/* Room for the fields of a row. */
static int make_fields(lines_cursor *cursor) {
  size_t count = spec_of(cursor)->column_count;
  if (cursor->fields || count == 0) return MM_OK;
  cursor->fields = mm_alloc(count * sizeof *cursor->fields);
  return cursor->fields ? MM_OK : mm_fail_nomem(&conn_of(cursor)->err);
}

/* ---- from row to row ------------------------------------------------------------------------ */

/* Lines that are out of order, or zeros where a file was cut inside a page: those are no reason to
** call it unsorted. */
static int disordered_lines(lines_cursor *cursor) {
  mm_error *err = &conn_of(cursor)->err;
  mm_error cut;
  if (err->code == MM_INTERRUPT) return SQLITE_INTERRUPT;
  if (err->code == MM_DAMAGED && mm_object_whole(cursor->file.object->core, &cut)) *err = cut;
  ext_tab_advise_check(err);
  return fail(cursor);
}

static int check_order(lines_cursor *cursor, lines_text *t) {
  int rc = MM_OK;
  if (cursor->has_last && cursor->last.next <= t->size) {
    const lines_row *a = cursor->descending ? &cursor->now : &cursor->last;
    const lines_row *b = cursor->descending ? &cursor->last : &cursor->now;
    rc = lines_check_pair(t, a, b, &conn_of(cursor)->err);
  }
  cursor->last = cursor->now;
  cursor->has_last = true;
  return rc ? disordered_lines(cursor) : SQLITE_OK;
}

/* What was read may have been cut inside a page meanwhile, which is no fault. To look costs a
** system call: not for a single line. */
static int check_lines_whole(lines_cursor *cursor) {
  if (cursor->row < 2 && cursor->part_count < 2) return SQLITE_OK;
  return mm_object_whole(cursor->file.object->core, &conn_of(cursor)->err) ? fail(cursor)
                                                                           : SQLITE_OK;
}

/* The groups of the match that has just been made; one that took no part has no end. */
static void keep_groups(lines_cursor *cursor) {
  const lines_spec *spec = spec_of(cursor);
  for (size_t i = 0; i < spec->column_count; i++) {
    mm_span group = {UINT64_MAX, 0};
    (void)mm_pattern_group(spec->pattern, spec->columns[i].field, &group);
    cursor->fields[i] = (mm_field){group.start, group.end, false};
    if (group.start == UINT64_MAX) continue;
    cursor->fields[i].start += cursor->now.start;
    cursor->fields[i].end += cursor->now.start;
  }
}

/* The next row of this part. */
static int find_next_row(lines_cursor *cursor, lines_text *t, bool *found) {
  mm_error *err = &conn_of(cursor)->err;
  lines_row row;
  int rc = cursor->descending ? lines_previous(t, cursor->end, cursor->begin, &row, err)
                              : lines_next(t, cursor->begin, cursor->end, &row, err);
  *found = rc == MM_OK && (cursor->descending ? row.next > 0 : row.start < t->size);
  if (*found) cursor->now = row;
  return rc;
}

static int settle(lines_cursor *cursor) {
  lines_text t;
  look_at_text(cursor, &t);
  bool found = false;
  int rc = MM_OK;
  do {
    if (cursor->end > t.size) cursor->end = t.size;
    if (cursor->begin < cursor->end) rc = find_next_row(cursor, &t, &found);
  } while (rc == MM_OK && !found && next_part(cursor));
  cursor->done = !found;
  if (mm_object_hit(cursor->file.object->core)) {
    mm_object_faulted(cursor->file.object->core, &conn_of(cursor)->err);
    return fail(cursor);
  }
  if (rc) return disordered_lines(cursor);
  if (!found) return check_lines_whole(cursor);
  if (spec_of(cursor)->pattern) keep_groups(cursor);
  return cursor->ordered ? check_order(cursor, &t) : SQLITE_OK;
}

/* What was found ahead is not to be told: it is looked for again, from the next row on. */
static void forget_newlines(lines_cursor *cursor) {
  cursor->ahead.taken = cursor->ahead.found = 0;
  cursor->ahead.scanned = cursor->now.next;
}

static int settle_anew(lines_cursor *cursor) {
  int rc = settle(cursor);
  cursor->divided = false;
  forget_newlines(cursor);
  return rc;
}

/* So many pages without a newline, and the line is one to be read with an eye on interruption. */
#define PAGES_MOST 64

/* Are there newlines left of the page? */
static inline bool has_ahead(const lines_cursor *cursor) {
  return cursor->ahead.taken < cursor->ahead.found;
}

static bool is_untouched(const lines_cursor *cursor) {
  return ext_stamp_holds(&cursor->ahead.stamp, cursor->file.object);
}

/* Where there are none every newline ends a row. */
static bool has_quotes(const lines_cursor *cursor, const uint8_t *bytes) {
  const mm_split *split = &spec_of(cursor)->split;
  return split->quotes && memchr(bytes, split->quote, MM_FIND_PAGE);
}

/* Find the newlines of the next page that has any. False if none is near, or the file's end is.
** (Not inlined, so that a step is a few instructions.) */
__attribute__((noinline)) static bool look_ahead(lines_cursor *cursor, const uint8_t *data,
                                                 uint64_t size) {
  page *ahead = &cursor->ahead;
  const mm_object *core = cursor->file.object->core;
  if (has_ahead(cursor) || !is_untouched(cursor)) forget_newlines(cursor);
  ahead->taken = ahead->found = 0;
  if (cursor->now.next < ahead->quoted) return false;
  if (!ahead->newlines) ahead->newlines = mm_alloc(MM_FIND_PAGE * sizeof *ahead->newlines);
  if (!ahead->newlines) return false; /* then from row to row */
  for (int i = 0; i < PAGES_MOST && !ahead->found; i++) {
    ahead->start = ahead->scanned;
    if (ahead->start > size || size - ahead->start < MM_FIND_PAGE) return false;
    ahead->scanned += MM_FIND_PAGE;
    if (has_quotes(cursor, data + ahead->start)) {
      ahead->quoted = ahead->scanned;
      return false;
    }
    ahead->found = mm_find_places('\n', data + ahead->start, ahead->newlines);
  }
  ahead->stamp = ext_stamp_now(cursor->file.object);
  return ahead->found && !mm_object_hit(core);
}

/* Is the end of the next line known, and still there? Others may write, too. */
static bool is_known(const lines_cursor *cursor, const uint8_t *data) {
  const page *ahead = &cursor->ahead;
  return has_ahead(cursor) && is_untouched(cursor) &&
         data[ahead->start + ahead->newlines[ahead->taken]] == '\n';
}

/* Step to the next line, if it ends well before the file does. */
static bool step_ahead(lines_cursor *cursor) {
  page *ahead = &cursor->ahead;
  uint64_t start = cursor->now.next, size = ext_source_length(&cursor->file);
  if (start >= cursor->end || cursor->end > size) return false;
  const uint8_t *data = ext_source_data(&cursor->file);
  if (!is_known(cursor, data) && !look_ahead(cursor, data, size)) return false;
  cursor->now = (lines_row){start, 0, ahead->start + ahead->newlines[ahead->taken++] + 1};
  cursor->begin = start;
  cursor->divided = false;
  return true;
}

/* The same where the text of rows is read: a row is what lies there now, and ends before a quote and not
** far on. */
static bool step_line(lines_cursor *cursor) {
  uint64_t start = cursor->now.next, size = ext_source_length(&cursor->file);
  const uint8_t *data = ext_source_data(&cursor->file);
  if (start >= cursor->end || cursor->end > size) return false;
  uint64_t next = mm_split_line(&spec_of(cursor)->split, data, size, start);
  if (!next) return false;
  cursor->now = lines_make(data, start, next);
  cursor->begin = start;
  cursor->divided = false;
  return true;
}

int linesNext(sqlite3_vtab_cursor *base) {
  lines_cursor *cursor = (lines_cursor *)base;
  if (cursor->given.missing) {
    cursor->done = true;
    return SQLITE_OK;
  }
  cursor->row++;
  if (cursor->stepping && (cursor->reading ? step_line(cursor) : step_ahead(cursor))) {
    return SQLITE_OK;
  }
  if (cursor->descending) {
    cursor->end = cursor->now.start;
  } else {
    cursor->begin = cursor->now.next;
  }
  return settle_anew(cursor);
}

int linesEof(sqlite3_vtab_cursor *base) {
  return ((lines_cursor *)base)->done;
}

/* ---- xFilter -------------------------------------------------------------------------------- */

static int fail_missing_lines(lines_cursor *cursor) {
  const lines_table *table = table_of(cursor);
  ext_tab_missing_file(conn_of(cursor), lines_label(table));
  return fail(cursor);
}

/* A plan that relies on the order without a constraint on the key tells the rows of one end
** first. */
static int check_order_at_ends(lines_text *t, lines_ends *ends, const char *constraints, int count,
                               mm_error *err) {
  int rc = lines_look_at_ends(t, ends, err);
  for (int i = 0; i < count; i++) {
    if ((constraints[(ptrdiff_t)2 * i] | 0x20) == 'k') return rc;
  }
  if (rc == MM_OK) rc = lines_check_place(t, t->first, err);
  return rc == MM_OK ? lines_check_place(t, t->size, err) : rc;
}

static int bound(lines_cursor *cursor, lines_text *t, const char *constraint,
                 sqlite3_value *value) {
  ext_conn *conn = conn_of(cursor);
  int op = ext_tab_operator_of(constraint[1]);
  if (constraint[0] == 'o') bound_offset(cursor, t, op, value);
  if (constraint[0] == 'n') bound_number(cursor, t, op, value);
  if ((constraint[0] | 0x20) != 'k') return lines_stopped(t, &conn->err);
  if (constraint[1] == 'v' && ext_tab_check_row_value(conn, value, &conn->err)) {
    return conn->err.code;
  }
  return bound_key(cursor, t, op, value, constraint[0] == 'K');
}

static int bound_all(lines_cursor *cursor, lines_text *t, const char *constraints, int argc,
                     sqlite3_value **argv) {
  mm_error *err = &conn_of(cursor)->err;
  sqlite3_value *list = NULL;
  lines_ends ends;
  int rc = cursor->ordered ? check_order_at_ends(t, &ends, constraints, argc, err) : MM_OK;
  for (int arg = 0; arg < argc && rc == MM_OK; arg++, constraints += 2) {
    if (constraints[1] == 'i') {
      list = argv[arg];
    } else {
      rc = bound(cursor, t, constraints, argv[arg]);
    }
  }
  if (rc == MM_OK && list) rc = bound_list(cursor, t, list);
  t->ends = NULL;
  return rc;
}

static void begin_scan(lines_cursor *cursor, int plan) {
  cursor->descending = (plan & LINES_PLAN_DESCENDING) != 0;
  cursor->ordered = (plan & LINES_PLAN_ORDERED) != 0;
  cursor->stepping = !cursor->descending && !cursor->ordered && !spec_of(cursor)->comment &&
                     !spec_of(cursor)->pattern;
  cursor->ahead.quoted = 0;
  cursor->reading = false;
  cursor->has_last = cursor->numbered = false;
  cursor->row = 0;
  forget_parts(cursor);
}

static int start_filter(lines_cursor *cursor, const char *plan, sqlite3_value *value) {
  ext_conn *conn = conn_of(cursor);
  int rc = value ? ext_given_take(&table_of(cursor)->tab.opened, &cursor->given, plan, &value, 1,
                                  &conn->err)
                 : MM_OK;
  if (rc || (value && sqlite3_value_type(value) == SQLITE_NULL)) return rc;
  rc = use_file(cursor, value);
  if (rc == MM_OK) rc = make_fields(cursor);
  cursor->done = false;
  return rc;
}

int linesFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
                sqlite3_value **argv) {
  lines_cursor *cursor = (lines_cursor *)base;
  int arg = plan & LINES_PLAN_FILE ? 1 : 0;
  ext_conn *conn = conn_of(cursor);
  cursor->done = true;
  if (plan == EXT_PLAN_MISSING) {
    cursor->done = !ext_given_missing(&cursor->given, conn->db);
    return cursor->done ? fail_missing_lines(cursor) : SQLITE_OK;
  }
  if (start_filter(cursor, constraints, arg ? argv[0] : NULL)) return fail(cursor);
  if (cursor->done) return SQLITE_OK;
  begin_scan(cursor, plan);
  lines_text t;
  look_at_text(cursor, &t);
  int rc = lines_begin(&t, &conn->err);
  cursor->first = cursor->begin = t.first;
  cursor->end = t.size;
  if (rc == MM_OK) {
    rc = bound_all(cursor, &t, ext_words_skip(constraints), argc - arg, argv + arg);
  }
  if (mm_object_hit(cursor->file.object->core)) {
    rc = mm_object_faulted(cursor->file.object->core, &conn->err);
  }
  return rc == MM_OK ? settle_anew(cursor) : disordered_lines(cursor);
}

/* ---- columns -------------------------------------------------------------------------------- */

/* Counted once; rows are neighbouring lines. */
static int64_t number_of_neighbour(lines_cursor *cursor, lines_text *t) {
  int64_t steps = cursor->descending ? -cursor->row : cursor->row;
  if (!cursor->numbered) {
    cursor->first_number = lines_number_at(t, cursor->now.start) - steps;
    cursor->numbered = !t->interrupted;
  }
  return cursor->first_number + steps;
}

static int64_t newlines_between(const lines_text *t, uint64_t from, uint64_t to) {
  mm_needle newline;
  mm_needle_prepare(&newline, (const uint8_t *)"\n", 1);
  return mm_count(&newline, t->data + from, to - from, NULL);
}

/* From there on only what lies between two rows is counted. */
static int64_t number_of_row(lines_cursor *cursor, lines_text *t) {
  uint64_t at = cursor->now.start;
  ext_place *known = &cursor->known;
  bool near = cursor->numbered && known->offset <= t->size &&
              (at > known->offset ? at - known->offset : known->offset - at) < MM_PIECE;
  if (!near) {
    known->number = lines_number_at(t, at);
  } else if (at >= known->offset) {
    known->number += newlines_between(t, known->offset, at);
  } else {
    known->number -= newlines_between(t, at, known->offset);
  }
  known->offset = at;
  cursor->numbered = !t->interrupted;
  return known->number;
}

static int result_line_number(lines_cursor *cursor, lines_text *t, sqlite3_context *context) {
  int64_t number =
      lines_are_rows(spec_of(cursor)) ? number_of_neighbour(cursor, t) : number_of_row(cursor, t);
  sqlite3_result_int64(context, number);
  return t->interrupted ? SQLITE_INTERRUPT : SQLITE_OK;
}

/* Others have written since: the row ends elsewhere. */
static int end_anew(lines_cursor *cursor) {
  lines_text t;
  bool open;
  look_at_text(cursor, &t);
  cursor->now = lines_row_at(&t, cursor->now.start, &open);
  forget_newlines(cursor);
  return t.interrupted ? SQLITE_INTERRUPT : SQLITE_OK;
}

/* Of a row from a page. Whoever asks for the text of one will ask for that of the next. */
static int know_end(lines_cursor *cursor) {
  const uint8_t *data = ext_source_data(&cursor->file);
  uint64_t start = cursor->now.start, next = cursor->now.next;
  if (cursor->now.end) return SQLITE_OK;
  cursor->reading = true;
  uint64_t end =
      mm_split_line(&spec_of(cursor)->split, data, ext_source_length(&cursor->file), start);
  if (end != next) return end_anew(cursor);
  cursor->now = lines_make(data, start, next);
  return SQLITE_OK;
}

/* Take the row apart up to a field, if it has it. */
static void divide(lines_cursor *cursor, const lines_text *t, unsigned wanted) {
  if (!cursor->divided) {
    cursor->splitting = mm_split_begin(cursor->now.start, cursor->now.end);
    cursor->divided = true;
  }
  mm_split_on(&spec_of(cursor)->split, t->data, t->size, &cursor->splitting, cursor->fields,
              wanted);
}

static bool find_field(lines_cursor *cursor, const lines_text *t, int column,
                       const mm_field **field) {
  const lines_spec *spec = spec_of(cursor);
  *field = &cursor->fields[column];
  if (spec->pattern) return (*field)->start != UINT64_MAX;
  divide(cursor, t, (unsigned)column + 1);
  return cursor->splitting.count > (unsigned)column;
}

static int fail_missing_key(lines_cursor *cursor, const lines_text *t, int column) {
  mm_fail(&conn_of(cursor)->err, MM_DAMAGED,
          "the line at offset %llu has no '%s', which rows are sorted by",
          (unsigned long long)(t->at + cursor->now.start), spec_of(cursor)->columns[column].name);
  return disordered_lines(cursor);
}

static int result_field(lines_cursor *cursor, const lines_text *t, sqlite3_context *context,
                        int column) {
  const lines_spec *spec = spec_of(cursor);
  const mm_field *field;
  if (find_field(cursor, t, column, &field)) {
    int rc = lines_result(context, spec, spec->columns[column].type, t->data, field,
                          &conn_of(cursor)->err);
    return rc ? fail(cursor) : SQLITE_OK;
  }
  bool key = spec->sorted && spec->key == column;
  return key ? fail_missing_key(cursor, t, column) : SQLITE_OK;
}

static void result_lines_text(sqlite3_context *context, const uint8_t *data, uint64_t start,
                              uint64_t end) {
  sqlite3_result_text64(context, (const char *)data + start, end - start, SQLITE_TRANSIENT,
                        SQLITE_UTF8);
}

/* The column that is asked for most. */
static void result_line(lines_cursor *cursor, sqlite3_context *context) {
  const uint8_t *data = ext_source_data(&cursor->file);
  result_lines_text(context, data, cursor->now.start, cursor->now.end);
}

static void result_rest(lines_cursor *cursor, const lines_text *t, sqlite3_context *context) {
  const lines_spec *spec = spec_of(cursor);
  uint64_t start;
  divide(cursor, t, (unsigned)spec->column_count);
  if (mm_split_rest(&spec->split, t->data, &cursor->splitting, &start)) {
    result_lines_text(context, t->data, start, cursor->now.end);
  }
}

static int result_column(lines_cursor *cursor, lines_text *t, sqlite3_context *context, int role) {
  const lines_row *now = &cursor->now;
  switch (role) {
    case LINES_NUMBER:
      return result_line_number(cursor, t, context);
    case LINES_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)t->at + (sqlite3_int64)now->start);
      break;
    case LINES_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)(now->end - now->start));
      break;
    case LINES_REST:
      result_rest(cursor, t, context);
      break;
    case LINES_FILE:
      ext_given_result(&cursor->given, context, 0);
      break;
    default:
      return result_field(cursor, t, context, role);
  }
  return SQLITE_OK;
}

/* Those that are of its text, not of its place. */
static bool needs_end(int role) {
  return role != LINES_NUMBER && role != LINES_OFFSET && role != LINES_FILE;
}

int linesColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  lines_cursor *cursor = (lines_cursor *)base;
  if (cursor->given.missing) return fail_missing_lines(cursor);
  int rc = SQLITE_OK, role = lines_role_of(table_of(cursor), column);
  /* Cut by a function in this very statement. */
  if (cursor->now.next > ext_source_length(&cursor->file)) return SQLITE_OK;
  if (needs_end(role)) rc = know_end(cursor);
  if (rc == SQLITE_OK && role == LINES_LINE) {
    result_line(cursor, context);
  } else if (rc == SQLITE_OK) {
    lines_text t;
    look_at_text(cursor, &t);
    rc = result_column(cursor, &t, context, role);
  }
  if (rc == SQLITE_OK && mm_object_hit(cursor->file.object->core)) {
    mm_object_faulted(cursor->file.object->core, &conn_of(cursor)->err);
    rc = fail(cursor);
  }
  return rc;
}

int linesRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  lines_cursor *cursor = (lines_cursor *)base;
  if (cursor->given.missing) return fail_missing_lines(cursor);
  lines_text t;
  look_at_text(cursor, &t);
  *rowid = (sqlite3_int64)t.at + (sqlite3_int64)cursor->now.start;
  int rc = ext_given_tell(&cursor->given, *rowid, &conn_of(cursor)->err);
  return rc ? fail(cursor) : SQLITE_OK;
}
