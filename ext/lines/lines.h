/*
** lines.h: what the files of the table `mmap_lines` share.
**
**     lines.c    the module: connecting, mmap_check
**     declare.c  the arguments of CREATE VIRTUAL TABLE, and the columns
**     text.c     lines and rows: where they begin and end, and which of them are none
**     count.c    numbers of lines, and lines by their numbers
**     value.c    what a field says
**     keys.c     binary search, and the order of the rows
**     plan.c     xBestIndex
**     cursor.c   the cursor
**     insert.c   INSERT
**
** A row is a line or, where quotes may hold ends of lines, some of them; the rows of a sorted table
** are lines. Offsets in here are of the window: the part of the file that is the table's.
*/
#ifndef EXT_LINES_H
#define EXT_LINES_H

#include "core/search/search.h"
#include "core/search/split.h"
#include "ext/tables/places.h"
#include "ext/tables/scan.h"
#include "ext/tables/seek.h"

enum lines_type { LINES_AS_TEXT, LINES_AS_INTEGER, LINES_AS_REAL, LINES_AS_IPV4, LINES_AS_BLOB };

typedef struct lines_column {
  char *name;
  int type;       /* enum lines_type */
  unsigned field; /* which one of a line, from 0; of match=: which group, from 1 */
} lines_column;

/* What CREATE VIRTUAL TABLE said. All zeros for the table-valued function. */
typedef struct lines_spec {
  char *path;              /* NULL: a table-valued function, of any file */
  uint64_t offset, length; /* the part of the file; length 0: to its end */
  uint64_t skip;           /* lines at its beginning that are no rows */
  bool header;             /* and the next one that is no comment */
  char *comment;           /* how a line begins that is none; NULL: any way */
  mm_split split;
  mm_pattern *pattern; /* of match=; NULL: none */
  char *null;          /* the field that is NULL; NULL: none is */
  lines_column *columns;
  size_t column_count, column_capacity; /* 0: number, offset, text */
  bool sorted;
  int key;         /* the column that it is sorted by; LINES_LINE: all of the line */
  bool descending; /* by it */
  char *sorts;     /* what sorted= says, till the header has named the columns */
} lines_spec;

/* What a column of the table is: one of the spec's, from 0, or one that every table has. */
enum lines_role {
  LINES_NUMBER = -1,
  LINES_OFFSET = -2,
  LINES_LENGTH = -3,
  LINES_LINE = -4,
  LINES_REST = -5,
  LINES_FILE = -6
};

typedef struct lines_table {
  ext_tab tab;    /* first */
  char *database; /* of a created table; NULL: the table-valued function */
  char *name;
  lines_spec spec;
  int *roles; /* of each column; owned */
  int role_count;
  bool text_order; /* text compares bytewise: the database is UTF-8 */
  ext_checked checked;
  ext_places places;   /* numbers of lines, counted before */
  mm_field *room;      /* for the fields of a line up to the key; owned */
  bool told;           /* it takes part in the transaction, and will be told of its end */
  bool made;           /* so it does, of whose beginning it was not told: it was made in it */
  ext_object *writing; /* in a transaction in which rows were inserted: held; else NULL */
  mm_version whole;    /* after INSERT: at this the file ends outside of quotes */
} lines_table;

/* Read the arguments (argv[3] and up of xCreate). MM_ERROR names the one that is wrong. Columns that
** the header names come by lines_take_header. */
int lines_spec_parse(int argc, const char *const *argv, lines_spec *spec, mm_error *err);
void lines_spec_clear(lines_spec *spec);

/* Does its header still have to name the columns? */
bool lines_spec_wants_header(const lines_spec *spec);
int lines_take_header(lines_table *table, const ext_source *file, mm_error *err);

/* Fill in the roles, and the declaration for sqlite3_declare_vtab; sqlite3_free it. MM_NOMEM. */
int lines_declare(lines_table *table, bool function, char **declaration, mm_error *err);

/* Is it a table of fields or groups? */
static inline bool lines_has_columns(const lines_spec *spec) {
  return spec->column_count > 0;
}

/* The role of a column; LINES_OFFSET for the rowid (-1). */
static inline int lines_role_of(const lines_table *table, int column) {
  return column < 0 ? LINES_OFFSET : table->roles[column];
}

/* What role the key has, if there is an order that SQL sees; INT_MIN: none. */
int lines_key_role(const lines_table *table);

/* The type of the key. */
static inline int lines_key_type(const lines_spec *spec) {
  return spec->key < 0 ? LINES_AS_TEXT : spec->columns[spec->key].type;
}

/* The name that messages of the table start with. */
const char *lines_label(const lines_table *table);

/* ---- text ----------------------------------------------------------------------------------- */

/* The first row and the last one, as seek.h has them, and what all keys begin with that are texts, if
** they are in order. */
typedef struct lines_ends {
  ext_item items[2];
  const uint8_t *prefix; /* borrowed */
  uint64_t prefix_size;
} lines_ends;

/* What is looked at: the window's bytes, as they are now. */
typedef struct lines_text {
  const lines_table *table;
  const ext_object *object;
  const uint8_t *data;
  uint64_t size;
  uint64_t start;         /* of the window, in the object */
  uint64_t at;            /* what offsets that SQL sees count from: the window in the file, or 0 */
  uint64_t first;         /* the first row begins here, or behind a comment */
  bool interrupted;       /* what was found is not to be relied on */
  const lines_ends *ends; /* of a sorted table; borrowed; NULL: not looked at */
} lines_text;

/* A row: its text is start .. end-1, the next one begins at `next`. An `end` of 0 with a `next` is
** not known yet. */
typedef struct lines_row {
  uint64_t start, end, next;
} lines_row;

/* Can a row be more than a line? */
static inline bool lines_wrap(const lines_spec *spec) {
  return spec->split.quotes && !spec->sorted;
}

/* Are all lines from the first on rows? */
static inline bool lines_are_rows(const lines_spec *spec) {
  return !lines_wrap(spec) && !spec->comment && !spec->pattern;
}

/* In place: a row's columns each look at it, and to copy what was just written in smaller pieces makes
** the processor wait. */
static inline void lines_look(lines_text *t, const lines_table *table, const ext_source *file) {
  t->table = table;
  t->object = file->object;
  t->data = ext_source_data(file);
  t->size = ext_source_length(file);
  t->start = file->start;
  t->at = table->spec.path ? file->start : 0;
  t->first = 0;
  t->interrupted = false;
  t->ends = NULL;
}

/* Where the text begins: behind a byte order mark. */
uint64_t lines_behind_mark(const lines_text *t);

/* Find `first`. MM_INTERRUPT. */
int lines_begin(lines_text *t, mm_error *err);

/* The same without the header, which begins at `at`, or is not there: then that is the text's
** size. */
int lines_begin_header(lines_text *t, uint64_t *at, lines_row *row, mm_error *err);

/* MM_INTERRUPT if it was interrupted. */
int lines_stopped(const lines_text *t, mm_error *err);

/* Just after the first \n in from..end-1, `end` if there is none; just after the last one, `from` if
** there is none. */
uint64_t lines_after(lines_text *t, uint64_t from, uint64_t end);
uint64_t lines_after_last(lines_text *t, uint64_t from, uint64_t end);

/* The row that begins at `start` and whose next one is at `next`. */
static inline lines_row lines_make(const uint8_t *data, uint64_t start, uint64_t next) {
  uint64_t end = next;
  if (end > start && data[end - 1] == '\n') {
    end--;
    if (end > start && data[end - 1] == '\r') end--;
  }
  return (lines_row){start, end, next};
}

/* The row or, without regard to quotes, the line, that begins at `start`. *open: it ends inside of
** quotes. */
lines_row lines_row_at(lines_text *t, uint64_t start, bool *open);

/* The same, or a comment, which is a line whatever quotes are in it. */
lines_row lines_row_or_comment(lines_text *t, uint64_t start, bool *open);

/* The first row that begins at `from`, where a row or comment begins, or behind it, but before `end`,
** which is at most the text's size; none: its start is that size. Of match= the pattern then has its groups. Other errors than MM_INTERRUPT are
** the pattern's, and, of a sorted table, quotes that are not closed in their line. */
int lines_next(lines_text *t, uint64_t from, uint64_t end, lines_row *row, mm_error *err);

/* The last row that ends at `place` or before it, but behind `low`, which is at least `first`; none:
** its `next` is 0. Not where rows are more than lines. */
int lines_previous(lines_text *t, uint64_t place, uint64_t low, lines_row *row, mm_error *err);

/* ---- numbers (count.c) ---------------------------------------------------------------------- */

/* The number of the line that begins at `offset`; 0: interrupted. */
int64_t lines_number_at(lines_text *t, uint64_t offset);

/* Where the first row, or line that is none, begins whose number is not below `number`, or that is
** not before `offset`; the text's size if there is none. */
uint64_t lines_numbered(lines_text *t, int64_t number);
uint64_t lines_from(lines_text *t, uint64_t offset);

/* Does the text end inside of quotes? */
bool lines_end_open(lines_text *t);

/* ---- values --------------------------------------------------------------------------------- */

/* SQLITE_INTEGER or SQLITE_FLOAT, if a text is a number for SQLite, as *i or *r; else 0. */
int lines_number(const uint8_t *text, uint64_t size, int64_t *i, double *r);

/* The same for a column that wants integers, or reals. */
int lines_number_as(int type, const uint8_t *text, uint64_t size, int64_t *i, double *r);

/* Is a field the one that is NULL? */
bool lines_is_null(const lines_spec *spec, const uint8_t *data, const mm_field *field);

/* Hand a field to SQLite. MM_NOMEM. */
int lines_result(sqlite3_context *context, const lines_spec *spec, int type, const uint8_t *data,
                 const mm_field *field, mm_error *err);

/* ---- order (keys.c) ------------------------------------------------------------------------- */

/* A key, or a value that keys are compared with: first NULL, then numbers, texts, blobs, as SQL
** orders them. */
enum lines_class { LINES_KEY_NULL, LINES_KEY_NUMBER, LINES_KEY_TEXT, LINES_KEY_BLOB };

typedef struct lines_key {
  int class;    /* enum lines_class */
  bool whole;   /* a number is `integer`, else `real` */
  bool address; /* of ipv4: the text is one, which is `integer` */
  int64_t integer;
  double real;
  const uint8_t *data; /* a text or blob, with its quotes; borrowed */
  uint64_t size;
  bool raw; /* `data` is a field as it lies, else what it says */
} lines_key;

/* Look at the first row and the last one, where every search of the text then begins; `ends` has to
** stay. MM_DAMAGED if they are not in order. */
int lines_look_at_ends(lines_text *t, lines_ends *ends, mm_error *err);

/* Where rows begin that the constraint `key op value` may leave: *begin .. *end-1, or nowhere. The
** value is as lines_key_of_value says. MM_DAMAGED when rows are met that are not in order. */
int lines_find(lines_text *t, int op, const lines_key *key, int *luck, uint64_t *begin,
               uint64_t *end, mm_error *err);

/* A value of a constraint; `plain`: a literal, or of a list. LINES_NOTHING: no row can match;
** LINES_ANY: it cannot be looked up, and SQLite checks all. MM_NOMEM in *rc. */
enum lines_bound { LINES_BOUND, LINES_NOTHING, LINES_ANY };
int lines_key_of_value(const lines_table *table, int op, sqlite3_value *value, bool plain,
                       lines_key *key, int *rc, mm_error *err);

/* The rows before and after a place; two rows. MM_DAMAGED. */
int lines_check_place(lines_text *t, uint64_t place, mm_error *err);
int lines_check_pair(lines_text *t, const lines_row *row, const lines_row *later, mm_error *err);

/* The key of a row that is about to be appended behind another: MM_CONSTRAINT. */
int lines_accept(lines_text *t, const lines_row *last, const lines_row *row, mm_error *err);

/* mmap_check's part. */
int lines_check(ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
                char **finding, mm_error *err);

/* ---- the module ----------------------------------------------------------------------------- */

/*
** The plan that xBestIndex hands to xFilter:
**
**     idxNum   LINES_PLAN_FILE        argv[0] is the file (table-valued function)
**              LINES_PLAN_DESCENDING  rows come from the last to the first
**              LINES_PLAN_ORDERED     the plan relies on the order of the key
**     idxStr   words for people and a colon; then for each further argument what and how:
**              'o' offset, rowid  'n' number  'k' the key  'K' … compared to a literal
**              and as in records.h
*/
enum { LINES_PLAN_FILE = 1, LINES_PLAN_DESCENDING = 2, LINES_PLAN_ORDERED = 4 };

int linesBestIndex(sqlite3_vtab *base, sqlite3_index_info *info);
int linesOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int linesClose(sqlite3_vtab_cursor *base);
int linesFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
                sqlite3_value **argv);
int linesNext(sqlite3_vtab_cursor *base);
int linesEof(sqlite3_vtab_cursor *base);
int linesColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int linesRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);
int linesUpdate(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);

/* The file of a created table: held for the caller; and the table's part of it, as it is now. */
int lines_open_file(const lines_table *table, ext_reads *reads, ext_object **out, mm_error *err);
void lines_use_window(const lines_table *table, ext_source *file);

#endif
