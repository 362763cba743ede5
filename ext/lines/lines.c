/*
** lines.c: the table `mmap_lines`: a file as lines of text.
**
**     SELECT number, text FROM mmap_lines('access.log') WHERE text LIKE '%error%';
**     SELECT offset, text FROM mmap_lines('access.log') WHERE offset >= 1000000 LIMIT 10;
**     CREATE VIRTUAL TABLE temp.words USING mmap_lines('words.txt', sorted=yes);
**     SELECT text FROM words WHERE text >= 'bee' LIMIT 5;
**
** A line ends with \n or \r\n, the last one also with the file; a UTF-8 byte order mark at the start
** of the file belongs to none. Numbers are counted only when they
** are asked for, from the nearest line whose number is known. Where the lines ascend, a constraint
** on `text` is found by halving the file: the line that the middle byte lies in tells which half to
** go on with.
**
**     idxNum   PLAN_FILE        argv[0] is the file (table-valued function)
**              PLAN_DESCENDING  rows come from the last to the first
**              PLAN_ORDERED     the plan relies on the order of `text`
**     idxStr   for each further argument what and how:
**              'o' offset, rowid  'n' number  't' text  'T' … compared to a literal
**              and as in records.h
*/
#include <stdlib.h>

#include "core/search/find.h"
#include "core/common/mem.h"
#include "ext/tables/scan.h"
#include "ext/tables/argument.h"

enum { LINES_NUMBER, LINES_OFFSET, LINES_TEXT, LINES_FILE };

enum { PLAN_FILE = 1, PLAN_DESCENDING = 2, PLAN_ORDERED = 4 };

typedef struct lines_table {
  ext_tab tab;    /* first */
  char *database; /* of a created table; all NULL: the table-valued function */
  char *name;
  char *path;
  uint64_t offset, length; /* the part of the file that is the table's; length 0: to its end */
  bool sorted;
  bool text_order; /* text compares bytewise: the database is UTF-8 */
  ext_checked checked;
} lines_table;

/* A line: its text is start..end-1, the next one begins at `next`. Offsets in the window. An `end`
** of 0 with a `next` is not known yet. */
typedef struct line {
  uint64_t start, end, next;
} line;

/* Newlines of a page, found ahead of the lines that they end. */
typedef struct page {
  uint64_t start;   /* in the window */
  uint64_t scanned; /* there are no newlines to come before this but those of the page */
  unsigned taken, found;
  /* At the time, as the statement may write itself: the object's edits and the connection's
  ** writes. */
  uint64_t edits;
  uint64_t writes;
  uint16_t newlines[MM_FIND_PAGE];
} page;

/* Lines that begin in begin..end-1. */
typedef struct lines_part {
  uint64_t begin, end;
} lines_part;

typedef struct lines_cursor {
  sqlite3_vtab_cursor base;
  ext_given given; /* of the table-valued function */
  ext_source file;
  /* Lines that begin in begin..end-1 are rows still to come, and then those of further parts. Both
  ** begin a line. */
  uint64_t begin, end;
  lines_part *parts; /* of an IN; owned; NULL: none */
  size_t part_count, part_capacity, part_at;
  line now;
  line last;      /* the row before, if `has_last` */
  uint64_t first; /* the first line of all begins here */
  bool descending, ordered, has_last, done;
  bool stepping; /* ascending and not checking the order: steps from newline to newline of a page */
  int64_t row;   /* rows before this one, in this part */
  bool numbered;
  int64_t first_number; /* of row 0, if `numbered` */
  page ahead;
} lines_cursor;

/* ---- connecting ----------------------------------------------------------------------------- */

/* Options of CREATE VIRTUAL TABLE. */
enum { LINES_SORTED, LINES_FROM, LINES_SIZE, LINES_OPTIONS };

static const char *const lines_options[LINES_OPTIONS] = {"sorted", "offset", "length"};

static int unknown_lines_option(const char *key, mm_error *err) {
  return mm_fail(err, MM_ERROR,
                 "unknown option '%s': there are sorted=yes, offset= and length=", key);
}

static int set_lines_option(lines_table *table, int option, const char *value, mm_error *err) {
  if (option == LINES_SORTED) return ext_argument_yes("sorted", value, &table->sorted, err);
  return ext_argument_number(lines_options[option], value,
                             option == LINES_FROM ? &table->offset : &table->length, err);
}

static int apply_option(lines_table *table, const char *key, const char *text, unsigned *seen,
                        mm_error *err) {
  int option = 0;
  while (option < LINES_OPTIONS && sqlite3_stricmp(key, lines_options[option]) != 0) option++;
  if (option == LINES_OPTIONS) return unknown_lines_option(key, err);
  if (*seen & 1u << option) {
    return mm_fail(err, MM_ERROR, "option '%s' is given twice", lines_options[option]);
  }
  *seen |= 1u << option;
  char *value = ext_argument_text(text);
  int rc = value ? set_lines_option(table, option, value, err) : mm_fail_nomem(err);
  mm_free(value);
  return rc;
}

static int parse_option(lines_table *table, const char *text, unsigned *seen, mm_error *err) {
  const char *equals = strchr(text, '=');
  if (!equals) return unknown_lines_option(text, err);
  char *name = sqlite3_mprintf("%.*s", (int)(equals - text), text);
  char *key = name ? ext_argument_text(name) : NULL;
  int rc = key ? apply_option(table, key, equals + 1, seen, err) : mm_fail_nomem(err);
  sqlite3_free(name);
  mm_free(key);
  return rc;
}

static int parse_arguments(lines_table *table, int argc, const char *const *argv, mm_error *err) {
  unsigned seen = 0;
  table->path = argc > 3 ? ext_argument_text(argv[3]) : NULL;
  if (argc <= 3 || (table->path && !*table->path))
    return mm_fail(err, MM_ERROR, "a path is needed");
  table->database = mm_strdup(argv[1]);
  table->name = mm_strdup(argv[2]);
  if (!table->path || !table->database || !table->name) return mm_fail_nomem(err);
  int rc = MM_OK;
  for (int i = 4; i < argc && rc == MM_OK; i++) rc = parse_option(table, argv[i], &seen, err);
  return rc;
}

static int open_file(const lines_table *table, ext_reads *reads, ext_object **out, mm_error *err) {
  return ext_use_path(table->tab.conn, table->path, false, reads, out, err);
}

static int check_file(const lines_table *table, mm_error *err) {
  ext_object *object;
  int rc = open_file(table, NULL, &object, err);
  if (rc) return rc;
  rc =
      ext_argument_check_window(table->path, table->offset, table->length, object->core->size, err);
  ext_object_release(object);
  return rc;
}

static int linesDisconnect(sqlite3_vtab *base) {
  lines_table *table = (lines_table *)base;
  ext_checked_remove(table->tab.conn, &table->checked);
  mm_free(table->path);
  mm_free(table->name);
  mm_free(table->database);
  ext_tab_free(&table->tab);
  return SQLITE_OK;
}

static int linesCheck(ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
                      char **finding, mm_error *err);

static int set_up(lines_table *table, sqlite3 *db, int argc, const char *const *argv,
                  mm_error *err) {
  if (ext_tab_is_function(argc, argv)) return MM_OK;
  int rc = parse_arguments(table, argc, argv, err);
  if (rc) return rc;
  table->text_order = ext_tab_text_is_utf8(db);
  table->checked = (ext_checked){.database = (const char *const *)&table->database,
                                 .name = (const char *const *)&table->name,
                                 .check = linesCheck,
                                 .table = table};
  if (ext_checked_add(table->tab.conn, &table->checked)) return mm_fail_nomem(err);
  return ext_running_creates(db, argv[2]) ? check_file(table, err) : MM_OK;
}

static int linesConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                        sqlite3_vtab **out, char **error) {
  mm_error *err = &((ext_conn *)conn)->err;
  bool function = ext_tab_is_function(argc, argv);
  const char *columns = function
                            ? "CREATE TABLE x(number INTEGER NOT NULL, offset INTEGER NOT NULL,"
                              " text TEXT NOT NULL, file HIDDEN)"
                            : "CREATE TABLE x(number INTEGER NOT NULL, offset INTEGER NOT NULL,"
                              " text TEXT NOT NULL)";
  int rc = ext_tab_connect(db, conn, columns, sizeof(lines_table), out, error);
  if (rc) return rc;
  if (set_up((lines_table *)*out, db, argc, argv, err)) {
    *error = sqlite3_mprintf("mmap_lines: %s", err->text);
    rc = *error ? ext_sqlite_code(err->code) : SQLITE_NOMEM;
    linesDisconnect(*out);
    *out = NULL;
  }
  return rc;
}

/* SQLite reads the schema anew then, and connects the table under its new name. */
static int linesRename(sqlite3_vtab *base, const char *name) {
  (void)base, (void)name;
  return SQLITE_OK;
}

/* ---- planning ------------------------------------------------------------------------------- */

static char target_of(const lines_table *table, int column) {
  if (column < 0 || column == LINES_OFFSET) return 'o';
  if (column == LINES_NUMBER) return 'n';
  return column == LINES_TEXT && table->sorted && table->text_order ? 't' : 0;
}

typedef struct lines_plan {
  char text[2 * 64 + 1];
  size_t size;
  int next;
  bool listed;
  double share;
} lines_plan;

static void plan_constraint(const lines_table *table, sqlite3_index_info *info, int i,
                            lines_plan *p) {
  const struct sqlite3_index_constraint *c = &info->aConstraint[i];
  char how = ext_tab_operator(c->op), what = target_of(table, c->iColumn);
  if (!c->usable || !how || !what || p->size + 2 >= sizeof p->text) return;
  if (what == 't' && sqlite3_stricmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) return;
  if (what == 't' && how == '=') how = ext_tab_text_equality(info, i, &p->listed);
  if (!how) return;
  if (what == 't') info->idxNum |= PLAN_ORDERED;
  info->aConstraintUsage[i].argvIndex = p->next++;
  info->aConstraintUsage[i].omit = what != 't';
  p->text[p->size++] = what == 't' && ext_tab_is_literal(info, i) ? 'T' : what;
  p->text[p->size++] = how;
  p->share *= how == '=' || how == 'v' || how == 'i' ? 1e-5 : 0.25;
}

/* Offsets and numbers rise together, and no two lines share one. */
static void plan_order(const lines_table *table, sqlite3_index_info *info) {
  if (info->nOrderBy == 0) return;
  char what = target_of(table, info->aOrderBy[0].iColumn);
  if (!what || (what == 't' && info->nOrderBy > 1)) return;
  info->orderByConsumed = 1;
  if (info->aOrderBy[0].desc) info->idxNum |= PLAN_DESCENDING;
  if (what == 't') info->idxNum |= PLAN_ORDERED;
}

#define GUESSED_LINES 1e6

static int plan_file(sqlite3_index_info *info, lines_plan *p) {
  unsigned given;
  info->idxNum = PLAN_FILE;
  return ext_tab_arguments(info, LINES_FILE, 1, 1, &given, &p->next);
}

static int linesBestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {
  const lines_table *table = (const lines_table *)base;
  lines_plan p = {.next = 1, .share = 1};
  int rc = table->path ? SQLITE_OK : plan_file(info, &p);
  if (rc || info->idxNum == EXT_PLAN_MISSING) return rc;
  for (int i = 0; i < info->nConstraint; i++) plan_constraint(table, info, i, &p);
  plan_order(table, info);
  info->estimatedRows = (sqlite3_int64)(GUESSED_LINES * p.share) + 1;
  info->estimatedCost = 10 + GUESSED_LINES * p.share;
  return ext_given_plan(table->tab.conn, info, p.text);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static lines_table *table_of(const lines_cursor *cursor) {
  return (lines_table *)cursor->base.pVtab;
}

static ext_conn *conn_of(const lines_cursor *cursor) {
  return table_of(cursor)->tab.conn;
}

static int fail(lines_cursor *cursor) {
  const lines_table *table = table_of(cursor);
  const char *label = table->name ? table->name : "mmap_lines";
  return ext_cursor_error(&cursor->base, label, &conn_of(cursor)->err);
}

/* What is looked at: the window's bytes, and whom to ask whether to go on. */
typedef struct text {
  const uint8_t *data;
  uint64_t size;
  ext_conn *conn;
  bool interrupted;
  uint64_t at;    /* of the window, in the file: what a created table counts offsets from */
  uint64_t first; /* the first line begins here */
} text;

/* Where the first line of a window begins. In the middle of a file the mark is a character. */
static uint64_t first_line(const ext_source *file) {
  bool marked = file->start == 0 && ext_source_length(file) >= 3 &&
                memcmp(ext_source_data(file), "\xef\xbb\xbf", 3) == 0;
  return marked ? 3 : 0;
}

static text text_of(const lines_cursor *cursor) {
  const lines_table *table = table_of(cursor);
  return (text){.data = ext_source_data(&cursor->file),
                .size = ext_source_length(&cursor->file),
                .conn = conn_of(cursor),
                .at = table->path ? cursor->file.start : 0,
                .first = cursor->first};
}

/* A line of many megabytes is read in pieces, to be interrupted between them. */
#define LINES_PIECE MM_PIECE

/* For a walk from line to line: a look at whether to go on whenever it has come a piece farther
** than at the last look, `*looked`. False: interrupted. */
static bool goes_on(text *t, uint64_t at, uint64_t *looked) {
  if (!t->interrupted && at - *looked >= LINES_PIECE) {
    *looked = at;
    t->interrupted = ext_conn_interrupted(t->conn);
  }
  return !t->interrupted;
}

/* Just after the first \n in from..end-1; `end` if there is none. */
static uint64_t after_newline(text *t, uint64_t from, uint64_t end) {
  while (from < end && !t->interrupted) {
    uint64_t size = end - from < LINES_PIECE ? end - from : LINES_PIECE;
    const uint8_t *newline = memchr(t->data + from, '\n', (size_t)size);
    if (newline) return (uint64_t)(newline - t->data) + 1;
    from += size;
    t->interrupted = size == LINES_PIECE && ext_conn_interrupted(t->conn);
  }
  return end;
}

/* Just after the last \n in from..end-1; `from` if there is none. */
static uint64_t after_last_newline(text *t, uint64_t from, uint64_t end) {
  while (from < end && !t->interrupted) {
    uint64_t size = end - from < LINES_PIECE ? end - from : LINES_PIECE;
    const uint8_t *newline = mm_mem_find_last(t->data + (end - size), (size_t)size, '\n');
    if (newline) return (uint64_t)(newline - t->data) + 1;
    end -= size;
    t->interrupted = size == LINES_PIECE && ext_conn_interrupted(t->conn);
  }
  return from;
}

/* The line that begins at `start` and whose next one is at `next`. */
static line make_line(const text *t, uint64_t start, uint64_t next) {
  uint64_t end = next;
  if (end > start && t->data[end - 1] == '\n') {
    end--;
    if (end > start && t->data[end - 1] == '\r') end--;
  }
  return (line){start, end, next};
}

static int compare_lines(const text *t, const line *a, const line *b) {
  return mm_compare_bytes(t->data + a->start, a->end - a->start, t->data + b->start,
                          b->end - b->start);
}

static int out_of_order(const text *t, const line *earlier, const line *later, mm_error *err) {
  return mm_fail(
      err, MM_DAMAGED, "the line at offset %llu is out of order: it comes after the one at %llu",
      (unsigned long long)(t->at + later->start), (unsigned long long)(t->at + earlier->start));
}

static int check_pair(const text *t, const line *earlier, const line *later, mm_error *err) {
  return compare_lines(t, earlier, later) > 0 ? out_of_order(t, earlier, later, err) : MM_OK;
}

/* ---- binary search -------------------------------------------------------------------------- */

/* Lines below `low` are before the edge, those from `high` on are not; both begin a line. */
typedef struct line_search {
  text *t;
  const uint8_t *key;
  uint64_t size;
  bool after; /* a line that equals the key is before the edge */
  uint64_t low, high;
  line low_line, high_line; /* looked at last on either side */
  bool low_seen, high_seen;
  mm_error *err;
} line_search;

static int check_line(const line_search *s, const line *l) {
  int rc = s->low_seen ? check_pair(s->t, &s->low_line, l, s->err) : MM_OK;
  return rc == MM_OK && s->high_seen ? check_pair(s->t, l, &s->high_line, s->err) : rc;
}

/* Look at the line that the byte at `middle` lies in. */
static int probe(line_search *s, uint64_t middle) {
  text *t = s->t;
  uint64_t start = after_last_newline(t, s->low, middle);
  line l = make_line(t, start, after_newline(t, middle, s->high));
  if (t->interrupted) return mm_fail(s->err, MM_INTERRUPT, "interrupted");
  int rc = check_line(s, &l);
  int order = mm_compare_bytes(t->data + l.start, l.end - l.start, s->key, s->size);
  if (order < 0 || (order == 0 && s->after)) {
    s->low = l.next;
    s->low_line = l;
    s->low_seen = true;
  } else {
    s->high = l.start;
    s->high_line = l;
    s->high_seen = true;
  }
  return rc;
}

#define NEAR_LINES 2
#define NEAR_BYTES 64

/* The next lines, and then ever farther, until one that is not before the edge. */
static int probe_near(line_search *s) {
  int rc = MM_OK;
  uint64_t high = s->high, step = 0;
  for (int i = 0; rc == MM_OK && s->high == high && s->low < high && step < high - s->low; i++) {
    rc = probe(s, s->low + step);
    step = i + 1 < NEAR_LINES ? 0 : step ? 2 * step : NEAR_BYTES;
  }
  return rc;
}

/* Where the first line of `from` or later begins that is not before the edge. `near`: it is
** probably close to `from`. */
static int find_edge(text *t, const uint8_t *key, uint64_t size, bool after, uint64_t from,
                     bool near, uint64_t *offset, mm_error *err) {
  line_search s = {
      .t = t, .key = key, .size = size, .after = after, .low = from, .high = t->size, .err = err};
  int rc = near ? probe_near(&s) : MM_OK;
  while (rc == MM_OK && s.low < s.high) rc = probe(&s, s.low + (s.high - s.low) / 2);
  *offset = s.low;
  return rc;
}

static line line_at(text *t, uint64_t start) {
  return make_line(t, start, after_newline(t, start, t->size));
}

static line line_before(text *t, uint64_t next) {
  return make_line(t, after_last_newline(t, t->first, next - 1), next);
}

/* The first line and the last one. */
static int check_text_ends(text *t, mm_error *err) {
  if (t->size <= t->first) return MM_OK;
  line first = line_at(t, t->first), last = line_before(t, t->size);
  return t->interrupted ? mm_fail(err, MM_INTERRUPT, "interrupted")
                        : check_pair(t, &first, &last, err);
}

/* Two lines before `place`, which begins a line, and two after it. */
static int check_text_place(text *t, uint64_t place, mm_error *err) {
  uint64_t from = place;
  for (int i = 0; i < 2 && from > t->first; i++) from = line_before(t, from).start;
  int rc = MM_OK;
  line last = {0, 0, from};
  for (int after = 0; rc == MM_OK && after < 2 && last.next < t->size && !t->interrupted;) {
    line now = line_at(t, last.next);
    if (now.start > from && !t->interrupted) rc = check_pair(t, &last, &now, err);
    after += now.start >= place;
    last = now;
  }
  return t->interrupted ? mm_fail(err, MM_INTERRUPT, "interrupted") : rc;
}

/* ---- bounds --------------------------------------------------------------------------------- */

static void raise_begin(lines_cursor *cursor, uint64_t offset) {
  if (offset > cursor->begin) cursor->begin = offset;
}

static void lower_end(lines_cursor *cursor, uint64_t offset) {
  if (offset < cursor->end) cursor->end = offset;
}

/* The first line that begins at `offset` or later. */
static uint64_t line_from(text *t, int64_t offset) {
  if (offset <= (int64_t)t->first) return t->first;
  return (uint64_t)offset > t->size ? t->size : after_newline(t, (uint64_t)offset - 1, t->size);
}

static void bound_offset(lines_cursor *cursor, text *t, int op, sqlite3_value *value) {
  int64_t low = INT64_MIN, high = INT64_MAX;
  ext_bound_integer(op, value, &low, &high);
  if (low > high) {
    cursor->end = 0;
    return;
  }
  int64_t at = (int64_t)t->at;
  raise_begin(cursor, line_from(t, low < at ? 0 : low - at));
  if (high < at) {
    cursor->end = 0;
  } else if (high < INT64_MAX) {
    lower_end(cursor, line_from(t, high - at + 1));
  }
}

/* Where line number `number` begins; the end, if there are not so many. */
static uint64_t line_numbered(text *t, int64_t number) {
  uint64_t at = t->first, looked = at;
  for (int64_t n = 1; n < number && at < t->size && goes_on(t, at, &looked); n++) {
    at = after_newline(t, at, t->size);
  }
  return at;
}

static void bound_number(lines_cursor *cursor, text *t, int op, sqlite3_value *value) {
  int64_t low = 1, high = INT64_MAX;
  ext_bound_integer(op, value, &low, &high);
  if (low > high || high < 1) {
    cursor->end = 0;
    return;
  }
  if (low > 1) raise_begin(cursor, line_numbered(t, low));
  if (high < INT64_MAX) lower_end(cursor, line_numbered(t, high + 1));
}

static bool is_lower_bound(int op) {
  return op != SQLITE_INDEX_CONSTRAINT_LT && op != SQLITE_INDEX_CONSTRAINT_LE;
}

static bool is_upper_bound(int op) {
  return op != SQLITE_INDEX_CONSTRAINT_GT && op != SQLITE_INDEX_CONSTRAINT_GE;
}

/* The lines that compare so to a text. */
static int find_part(text *t, int op, const uint8_t *key, uint64_t size, lines_part *part,
                     mm_error *err) {
  bool lower = is_lower_bound(op), upper = is_upper_bound(op);
  int rc = MM_OK;
  *part = (lines_part){t->first, t->size};
  if (lower) {
    rc = find_edge(t, key, size, op == SQLITE_INDEX_CONSTRAINT_GT, t->first, false, &part->begin,
                   err);
  }
  if (upper && rc == MM_OK) {
    bool after = op != SQLITE_INDEX_CONSTRAINT_LT;
    rc = find_edge(t, key, size, after, part->begin, lower, &part->end, err);
  }
  /* A line that was found speaks for itself. */
  if (rc || (lower && upper && part->begin < part->end)) return rc;
  rc = check_text_place(t, part->begin, err);
  return rc || part->begin == part->end ? rc : check_text_place(t, part->end, err);
}

/* A number is left to SQLite: it compares it as text or as a number, by where it comes from. Unless
** the value is `plain` a text may be compared so too: see EXT_AFTER_NUMBERS. */
static int bound_text(lines_cursor *cursor, text *t, int op, sqlite3_value *value, bool plain) {
  mm_error *err = &conn_of(cursor)->err;
  lines_part part;
  bool lower = is_lower_bound(op);
  int type = sqlite3_value_type(value);
  if (type == SQLITE_NULL || (type == SQLITE_BLOB && lower)) cursor->end = 0;
  if (type != SQLITE_TEXT) return MM_OK;
  const uint8_t *key = sqlite3_value_text(value);
  uint64_t size = (uint64_t)sqlite3_value_bytes(value);
  if (!key) return mm_fail_nomem(err);
  if (!lower && !plain && mm_compare_bytes(key, size, (const uint8_t *)EXT_AFTER_NUMBERS, 1) < 0) {
    key = (const uint8_t *)EXT_AFTER_NUMBERS;
    size = 1;
  }
  int rc = find_part(t, op, key, size, &part, err);
  if (rc == MM_OK) {
    raise_begin(cursor, part.begin);
    lower_end(cursor, part.end);
  }
  return rc;
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

/* *all: it cannot be looked up, and all lines are to be looked at. */
static int add_value(lines_cursor *cursor, text *t, sqlite3_value *value, bool *all) {
  mm_error *err = &conn_of(cursor)->err;
  lines_part part;
  int type = sqlite3_value_type(value);
  *all |= type == SQLITE_INTEGER || type == SQLITE_FLOAT;
  if (*all || type != SQLITE_TEXT) return MM_OK;
  const uint8_t *key = sqlite3_value_text(value);
  if (!key) return mm_fail_nomem(err);
  uint64_t size = (uint64_t)sqlite3_value_bytes(value);
  int rc = find_part(t, SQLITE_INDEX_CONSTRAINT_EQ, key, size, &part, err);
  return rc ? rc : add_lines_part(cursor, part);
}

static int add_values(lines_cursor *cursor, text *t, sqlite3_value *list, bool *all) {
  *all = true;
#if SQLITE_VERSION_NUMBER >= 3038000
  sqlite3_value *value;
  int rc = MM_OK, more = sqlite3_vtab_in_first(list, &value);
  *all = false;
  for (; more == SQLITE_OK && rc == MM_OK; more = sqlite3_vtab_in_next(list, &value)) {
    rc = add_value(cursor, t, value, all);
  }
  return rc || more == SQLITE_OK || more == SQLITE_DONE ? rc : mm_fail_nomem(&conn_of(cursor)->err);
#else
  (void)cursor, (void)t, (void)list;
  return MM_OK;
#endif
}

static int compare_parts(const void *a, const void *b) {
  uint64_t x = ((const lines_part *)a)->begin, y = ((const lines_part *)b)->begin;
  return (x > y) - (x < y);
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

/* The lines that are one of the list. Equal lines are neighbours, and equal values SQLite gives
** once. */
static int bound_list(lines_cursor *cursor, text *t, sqlite3_value *list) {
  bool all;
  int rc = add_values(cursor, t, list, &all);
  if (rc || all) {
    forget_parts(cursor);
    return rc;
  }
  if (cursor->part_count) {
    qsort(cursor->parts, cursor->part_count, sizeof *cursor->parts, compare_parts);
  }
  cursor->end = cursor->begin;
  (void)next_part(cursor);
  return MM_OK;
}

/* ---- the cursor ----------------------------------------------------------------------------- */

static int linesOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out) {
  int rc = ext_tab_open(base, sizeof(lines_cursor), out);
  if (rc == SQLITE_OK) ext_given_open(&((ext_tab *)base)->opened, &((lines_cursor *)*out)->given);
  return rc;
}

static int linesClose(sqlite3_vtab_cursor *base) {
  lines_cursor *cursor = (lines_cursor *)base;
  ext_given_close(&table_of(cursor)->tab.opened, &cursor->given);
  forget_parts(cursor);
  ext_source_clear(&cursor->file);
  sqlite3_free(base);
  return SQLITE_OK;
}

/* The table's part of the file, as it is now. */
static void use_window(const lines_table *table, ext_source *file) {
  uint64_t size = file->object->core->size;
  file->start = table->offset < size ? table->offset : size;
  file->length = size - file->start;
  if (table->length && table->length < file->length) file->length = table->length;
}

static int use_file(lines_cursor *cursor, sqlite3_value *value) {
  const lines_table *table = table_of(cursor);
  mm_error *err = &conn_of(cursor)->err;
  int rc = MM_OK;
  if (value) {
    rc = ext_source_use(conn_of(cursor), &cursor->file, &cursor->given.reads, value, err);
  } else {
    if (!cursor->file.object)
      rc = open_file(table, &cursor->given.reads, &cursor->file.object, err);
    if (rc == MM_OK) use_window(table, &cursor->file);
  }
  return rc;
}

/* Lines that are out of order, or zeros where a file was cut inside a page: those are no reason to
** call it unsorted. */
static int disordered_lines(lines_cursor *cursor) {
  mm_error *err = &conn_of(cursor)->err;
  mm_error cut;
  if (err->code == MM_DAMAGED && mm_object_whole(cursor->file.object->core, &cut)) *err = cut;
  ext_tab_advise_check(err);
  return fail(cursor);
}

static int check_order(lines_cursor *cursor, const text *t) {
  int rc = MM_OK;
  if (cursor->has_last && cursor->last.next <= t->size) {
    const line *a = cursor->descending ? &cursor->now : &cursor->last;
    const line *b = cursor->descending ? &cursor->last : &cursor->now;
    rc = check_pair(t, a, b, &conn_of(cursor)->err);
  }
  cursor->last = cursor->now;
  cursor->has_last = true;
  return rc ? disordered_lines(cursor) : SQLITE_OK;
}

/* What was read may have been cut inside a page meanwhile, which is no fault. To look costs a
** system call: not for a single line. */
static int check_whole(lines_cursor *cursor) {
  if (cursor->row < 2 && cursor->part_count < 2) return SQLITE_OK;
  return mm_object_whole(cursor->file.object->core, &conn_of(cursor)->err) ? fail(cursor)
                                                                           : SQLITE_OK;
}

static int settle(lines_cursor *cursor) {
  text t = text_of(cursor);
  if (cursor->end > t.size) cursor->end = t.size;
  while (cursor->begin >= cursor->end && next_part(cursor)) {
    if (cursor->end > t.size) cursor->end = t.size;
  }
  cursor->done = cursor->begin >= cursor->end;
  if (cursor->done) return check_whole(cursor);
  if (cursor->descending) {
    uint64_t start = after_last_newline(&t, cursor->begin, cursor->end - 1);
    cursor->now = make_line(&t, start, cursor->end);
  } else {
    uint64_t next = after_newline(&t, cursor->begin, t.size);
    cursor->now = make_line(&t, cursor->begin, next);
  }
  if (mm_object_hit(cursor->file.object->core)) {
    mm_object_faulted(cursor->file.object->core, &conn_of(cursor)->err);
    return fail(cursor);
  }
  if (t.interrupted) return SQLITE_INTERRUPT;
  return cursor->ordered ? check_order(cursor, &t) : SQLITE_OK;
}

static int settle_anew(lines_cursor *cursor) {
  int rc = settle(cursor);
  cursor->ahead.taken = cursor->ahead.found = 0;
  cursor->ahead.scanned = cursor->now.next;
  return rc;
}

/* A plan that relies on the order without a constraint on the text tells the lines of one end
** first. */
static int check_order_at_ends(text *t, const char *constraints, int count, mm_error *err) {
  int rc = check_text_ends(t, err);
  for (int i = 0; i < count; i++) {
    if ((constraints[(ptrdiff_t)2 * i] | 0x20) == 't') return rc;
  }
  if (rc == MM_OK) rc = check_text_place(t, t->first, err);
  return rc == MM_OK ? check_text_place(t, t->size, err) : rc;
}

static int bound(lines_cursor *cursor, text *t, const char *constraint, sqlite3_value *value) {
  ext_conn *conn = conn_of(cursor);
  int op = ext_tab_operator_of(constraint[1]);
  if (constraint[0] == 't' && constraint[1] == 'v' &&
      ext_tab_check_row_value(conn, value, &conn->err)) {
    return conn->err.code;
  }
  bool is_text = (constraint[0] | 0x20) == 't';
  bool plain = is_text && (constraint[0] == 'T' || ext_tab_is_parameter(conn, value));
  if (is_text) return bound_text(cursor, t, op, value, plain);
  if (constraint[0] == 'o') bound_offset(cursor, t, op, value);
  if (constraint[0] == 'n') bound_number(cursor, t, op, value);
  return t->interrupted ? mm_fail(&conn_of(cursor)->err, MM_INTERRUPT, "interrupted") : MM_OK;
}

static int fail_missing_lines(lines_cursor *cursor) {
  ext_tab_missing_file(conn_of(cursor), "mmap_lines");
  return fail(cursor);
}

static int linesFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
                       sqlite3_value **argv) {
  lines_cursor *cursor = (lines_cursor *)base;
  int arg = plan & PLAN_FILE ? 1 : 0;
  ext_conn *conn = conn_of(cursor);
  cursor->done = true;
  if (plan == EXT_PLAN_MISSING) {
    cursor->done = !ext_given_missing(&cursor->given, conn->db);
    return cursor->done ? fail_missing_lines(cursor) : SQLITE_OK;
  }
  if (arg && ext_given_take(&table_of(cursor)->tab.opened, &cursor->given, constraints, argv, 1,
                            &conn->err)) {
    return fail(cursor);
  }
  if (arg && sqlite3_value_type(argv[0]) == SQLITE_NULL) return SQLITE_OK;
  if (use_file(cursor, arg ? argv[0] : NULL)) return fail(cursor);
  cursor->first = first_line(&cursor->file);
  text t = text_of(cursor);
  cursor->descending = (plan & PLAN_DESCENDING) != 0;
  cursor->ordered = (plan & PLAN_ORDERED) != 0;
  cursor->stepping = !cursor->descending && !cursor->ordered;
  cursor->has_last = cursor->numbered = false;
  cursor->row = 0;
  forget_parts(cursor);
  cursor->begin = t.first;
  cursor->end = t.size;
  sqlite3_value *list = NULL;
  int rc = cursor->ordered ? check_order_at_ends(&t, constraints, argc - arg, &conn->err) : MM_OK;
  for (; arg < argc && rc == MM_OK; arg++, constraints += 2) {
    if (constraints[1] == 'i') {
      list = argv[arg];
    } else {
      rc = bound(cursor, &t, constraints, argv[arg]);
    }
  }
  if (rc == MM_OK && list) rc = bound_list(cursor, &t, list);
  if (mm_object_hit(cursor->file.object->core)) {
    rc = mm_object_faulted(cursor->file.object->core, &conn_of(cursor)->err);
  }
  return rc == MM_OK ? settle_anew(cursor) : disordered_lines(cursor);
}

/* So many pages without a newline, and the line is one to be read with an eye on interruption. */
#define PAGES_MOST 64

/* Is what was found ahead still as it was? */
static bool is_untouched(const lines_cursor *cursor) {
  const page *ahead = &cursor->ahead;
  return ahead->edits == cursor->file.object->core->edits &&
         ahead->writes == conn_of(cursor)->writes;
}

/* Find the newlines of the next page that has any. False if none is near, or the file's end is.
** (Not inlined, so that a step is a few instructions.) */
__attribute__((noinline)) static bool look_ahead(lines_cursor *cursor, const uint8_t *data,
                                                 uint64_t size) {
  page *ahead = &cursor->ahead;
  const mm_object *core = cursor->file.object->core;
  if (!is_untouched(cursor)) ahead->scanned = cursor->now.next;
  ahead->taken = ahead->found = 0;
  for (int i = 0; i < PAGES_MOST && !ahead->found; i++) {
    ahead->start = ahead->scanned;
    if (ahead->start > size || size - ahead->start < MM_FIND_PAGE) return false;
    ahead->found = mm_find_places('\n', data + ahead->start, ahead->newlines);
    ahead->scanned += MM_FIND_PAGE;
  }
  ahead->edits = core->edits;
  ahead->writes = conn_of(cursor)->writes;
  return ahead->found && !mm_object_hit(core);
}

/* Are there newlines left of the page, and are they still there? */
static bool is_known(const lines_cursor *cursor) {
  return cursor->ahead.taken < cursor->ahead.found && is_untouched(cursor);
}

/* Step to the next line, if it ends well before the file does. */
static bool step_ahead(lines_cursor *cursor) {
  page *ahead = &cursor->ahead;
  uint64_t start = cursor->now.next, size = ext_source_length(&cursor->file);
  if (start >= cursor->end || cursor->end > size) return false;
  if (!is_known(cursor) && !look_ahead(cursor, ext_source_data(&cursor->file), size)) return false;
  cursor->now = (line){start, 0, ahead->start + ahead->newlines[ahead->taken++] + 1};
  cursor->begin = start;
  return true;
}

static int linesNext(sqlite3_vtab_cursor *base) {
  lines_cursor *cursor = (lines_cursor *)base;
  if (cursor->given.missing) {
    cursor->done = true;
    return SQLITE_OK;
  }
  cursor->row++;
  if (cursor->stepping && step_ahead(cursor)) return SQLITE_OK;
  if (cursor->descending) {
    cursor->end = cursor->now.start;
  } else {
    cursor->begin = cursor->now.next;
  }
  return settle_anew(cursor);
}

static int linesEof(sqlite3_vtab_cursor *base) {
  return ((lines_cursor *)base)->done;
}

/* Lines that begin before `end`, where one does. -1: interrupted. */
static int64_t count_lines(const text *t, uint64_t end) {
  mm_watch watch;
  mm_needle newline;
  mm_needle_prepare(&newline, (const uint8_t *)"\n", 1);
  ext_conn_watch(t->conn, &watch);
  int64_t count = mm_count(&newline, t->data, end, &watch);
  return count < 0 ? -1 : count;
}

/* Counted once; rows are neighbouring lines. */
static int find_number(lines_cursor *cursor, const text *t, int64_t *number) {
  int64_t steps = cursor->descending ? -cursor->row : cursor->row;
  if (!cursor->numbered) {
    int64_t before = count_lines(t, cursor->now.start);
    if (before < 0) return SQLITE_INTERRUPT;
    cursor->first_number = before + 1 - steps;
    cursor->numbered = true;
  }
  *number = cursor->first_number + steps;
  return SQLITE_OK;
}

static int linesColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  lines_cursor *cursor = (lines_cursor *)base;
  if (cursor->given.missing) return fail_missing_lines(cursor);
  text t = text_of(cursor);
  const line *now = &cursor->now;
  int64_t number = 0;
  int rc = SQLITE_OK;
  if (now->next > t.size) return rc; /* cut by a function in this very statement */
  switch (column) {
    case LINES_NUMBER:
      rc = find_number(cursor, &t, &number);
      sqlite3_result_int64(context, number);
      break;
    case LINES_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)(t.at + now->start));
      break;
    case LINES_TEXT:
      if (!now->end) cursor->now = make_line(&t, now->start, now->next);
      sqlite3_result_text64(context, (const char *)t.data + now->start, now->end - now->start,
                            SQLITE_TRANSIENT, SQLITE_UTF8);
      break;
    default:
      ext_given_result(&cursor->given, context, 0);
  }
  if (rc == SQLITE_OK && mm_object_hit(cursor->file.object->core)) {
    mm_object_faulted(cursor->file.object->core, &conn_of(cursor)->err);
    rc = fail(cursor);
  }
  return rc;
}

static int linesRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  lines_cursor *cursor = (lines_cursor *)base;
  if (cursor->given.missing) return fail_missing_lines(cursor);
  *rowid = (sqlite3_int64)(text_of(cursor).at + cursor->now.start);
  int rc = ext_given_tell(&cursor->given, *rowid, &conn_of(cursor)->err);
  return rc ? fail(cursor) : SQLITE_OK;
}

/* ---- mmap_check ----------------------------------------------------------------------------- */

static int check_lines(text *t, mm_error *err) {
  line last = line_at(t, t->first);
  uint64_t looked = 0;
  int rc = MM_OK;
  while (last.next < t->size && rc == MM_OK && goes_on(t, last.next, &looked)) {
    line now = line_at(t, last.next);
    if (!t->interrupted) rc = check_pair(t, &last, &now, err);
    last = now;
  }
  return t->interrupted ? mm_fail(err, MM_INTERRUPT, "interrupted") : rc;
}

static int linesCheck(ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
                      char **finding, mm_error *err) {
  const lines_table *table = checked->table;
  ext_object *object;
  mm_error fault;
  *finding = NULL;
  (void)argv;
  int rc = ext_tab_no_arguments(argc, err);
  if (rc == MM_OK) rc = open_file(table, reads, &object, err);
  if (rc) return rc;
  ext_source file = {.object = object};
  use_window(table, &file);
  text t = {.data = ext_source_data(&file),
            .size = file.length,
            .conn = table->tab.conn,
            .at = file.start,
            .first = first_line(&file)};
  if (table->sorted && t.size > t.first) rc = check_lines(&t, err);
  if (mm_object_faulted(object->core, &fault)) {
    *err = fault;
    rc = fault.code;
  } else if (rc == MM_DAMAGED) {
    *finding = sqlite3_mprintf("%s", err->text);
    rc = *finding ? MM_OK : mm_fail_nomem(err);
  }
  ext_object_release(object);
  return rc;
}

static const sqlite3_module lines_module = {
    .iVersion = 0,
    .xCreate = linesConnect,
    .xConnect = linesConnect,
    .xBestIndex = linesBestIndex,
    .xDisconnect = linesDisconnect,
    .xDestroy = linesDisconnect,
    .xOpen = linesOpen,
    .xClose = linesClose,
    .xFilter = linesFilter,
    .xNext = linesNext,
    .xEof = linesEof,
    .xColumn = linesColumn,
    .xRowid = linesRowid,
    .xRename = linesRename,
};

const ext_module ext_module_lines = {"mmap_lines", &lines_module, &lines_module};
