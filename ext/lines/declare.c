/*
** declare.c: the arguments of CREATE VIRTUAL TABLE … USING mmap_lines(path | *, …), and the columns
** of the table.
**
**     'geo.csv', separator=',', header=yes, first ipv4, last ipv4, country text, sorted=first
*/
#include "ext/lines/lines.h"

#include <stdlib.h>

#include "core/common/mem.h"
#include "ext/tables/argument.h"

/* ---- options -------------------------------------------------------------------------------- */

enum {
  LINES_OPT_SORTED,
  LINES_OPT_SEPARATOR,
  LINES_OPT_QUOTE,
  LINES_OPT_HEADER,
  LINES_OPT_SKIP,
  LINES_OPT_COMMENT,
  LINES_OPT_OFFSET,
  LINES_OPT_LENGTH,
  LINES_OPT_NULL,
  LINES_OPT_MATCH,
  LINES_OPTIONS
};

static const char *const lines_options[LINES_OPTIONS] = {"sorted", "separator", "quote",  "header",
                                                         "skip",   "comment",   "offset", "length",
                                                         "null",   "match"};

typedef struct lines_parser {
  lines_spec *spec;
  mm_error *err;
  unsigned seen; /* a bit for each option */
  char *sorted;  /* its value: the column may come later */
} lines_parser;

static bool lines_said(const lines_parser *parse, int option) {
  return parse->seen & 1u << option;
}

static int lines_option_of(const char *name) {
  for (int i = 0; i < LINES_OPTIONS; i++) {
    if (sqlite3_stricmp(name, lines_options[i]) == 0) return i;
  }
  return -1;
}

/* One byte of ASCII that no line ends with; 0: it is not. */
static uint8_t one_character(const char *text) {
  bool one = text[0] && !text[1] && (unsigned char)text[0] < 0x80;
  return one && text[0] != '\n' && text[0] != '\r' ? (uint8_t)text[0] : 0;
}

static int set_separator(lines_parser *parse, const char *text) {
  mm_split *split = &parse->spec->split;
  bool blanks = sqlite3_stricmp(text, "blanks") == 0;
  split->kind = blanks ? MM_SPLIT_BLANKS : MM_SPLIT_AT;
  split->separator = sqlite3_stricmp(text, "tab") == 0 ? '\t' : one_character(text);
  if (blanks || split->separator) return MM_OK;
  return mm_fail(parse->err, MM_ERROR,
                 "separator '%s' is neither one character of ASCII nor tab nor blanks", text);
}

static int set_quote(lines_parser *parse, const char *text) {
  mm_split *split = &parse->spec->split;
  split->quote = one_character(text);
  split->quotes = split->quote != 0;
  if (split->quotes || sqlite3_stricmp(text, "none") == 0) return MM_OK;
  return mm_fail(parse->err, MM_ERROR, "quote '%s' is neither one character of ASCII nor none",
                 text);
}

static int set_skip(lines_parser *parse, const char *text) {
  const char *p = text;
  int64_t n = ext_argument_digits(&p);
  if (n < 0 || *ext_argument_skip(p)) {
    return mm_fail(parse->err, MM_ERROR, "skip '%s' is no number of lines", text);
  }
  parse->spec->skip = (uint64_t)n;
  return MM_OK;
}

static int keep_text(lines_parser *parse, char **out, const char *text) {
  *out = mm_strdup(text);
  return *out ? MM_OK : mm_fail_nomem(parse->err);
}

static int set_comment(lines_parser *parse, const char *text) {
  if (!*text) return mm_fail(parse->err, MM_ERROR, "comment '' is how every line begins");
  return keep_text(parse, &parse->spec->comment, text);
}

static int set_match(lines_parser *parse, const char *text) {
  mm_error inner;
  int rc = mm_pattern_compile((const uint8_t *)text, strlen(text), &parse->spec->pattern, &inner);
  return rc ? mm_fail(parse->err, inner.code, "match: %s", inner.text) : MM_OK;
}

static int set_lines_option(lines_parser *parse, int option, const char *text) {
  lines_spec *spec = parse->spec;
  switch (option) {
    case LINES_OPT_SORTED:
      return keep_text(parse, &parse->sorted, text);
    case LINES_OPT_SEPARATOR:
      return set_separator(parse, text);
    case LINES_OPT_QUOTE:
      return set_quote(parse, text);
    case LINES_OPT_HEADER:
      return ext_argument_yes("header", text, &spec->header, parse->err);
    case LINES_OPT_SKIP:
      return set_skip(parse, text);
    case LINES_OPT_COMMENT:
      return set_comment(parse, text);
    case LINES_OPT_NULL:
      return keep_text(parse, &spec->null, text);
    case LINES_OPT_MATCH:
      return set_match(parse, text);
    default:
      return ext_argument_number(lines_options[option], text,
                                 option == LINES_OPT_OFFSET ? &spec->offset : &spec->length,
                                 parse->err);
  }
}

static int parse_lines_option(lines_parser *parse, const char *name, const char *rest) {
  int option = lines_option_of(name);
  if (option < 0) {
    return mm_fail(parse->err, MM_ERROR,
                   "unknown option '%s': there are sorted, separator, quote, header, skip, "
                   "comment, offset, length, null, match",
                   name);
  }
  if (lines_said(parse, option)) {
    return mm_fail(parse->err, MM_ERROR, "option '%s' is given twice", lines_options[option]);
  }
  parse->seen |= 1u << option;
  char *text = ext_argument_text(rest);
  int rc = text ? set_lines_option(parse, option, text) : mm_fail_nomem(parse->err);
  mm_free(text);
  return rc;
}

/* ---- columns -------------------------------------------------------------------------------- */

static const struct {
  const char *word, *declaration;
} lines_types[] = {[LINES_AS_TEXT] = {"text", "TEXT"},
                   [LINES_AS_INTEGER] = {"integer", "INTEGER"},
                   [LINES_AS_REAL] = {"real", "REAL"},
                   [LINES_AS_IPV4] = {"ipv4", "TEXT COLLATE mmap_ipv4"},
                   [LINES_AS_BLOB] = {"blob", "BLOB"}};

static int find_lines_type(const char *text, int *type, mm_error *err) {
  *type = LINES_AS_TEXT;
  if (!*text) return MM_OK;
  for (int i = 0; i < (int)(sizeof lines_types / sizeof *lines_types); i++) {
    *type = i;
    if (sqlite3_stricmp(text, lines_types[i].word) == 0) return MM_OK;
  }
  return mm_fail(err, MM_ERROR, "unknown type '%s': there are text, integer, real, ipv4, blob",
                 text);
}

static int find_lines_column(const lines_spec *spec, const char *name) {
  for (size_t i = 0; i < spec->column_count; i++) {
    if (sqlite3_stricmp(spec->columns[i].name, name) == 0) return (int)i;
  }
  return -1;
}

static int add_lines_column(lines_spec *spec, const char *name, int type, mm_error *err) {
  void *columns = spec->columns;
  if (find_lines_column(spec, name) >= 0) {
    return mm_fail(err, MM_ERROR, "column '%s' is there twice", name);
  }
  if (mm_grow(&columns, spec->column_count, &spec->column_capacity, sizeof *spec->columns)) {
    return mm_fail_nomem(err);
  }
  spec->columns = columns;
  lines_column column = {mm_strdup(name), type, (unsigned)spec->column_count};
  if (!column.name) return mm_fail_nomem(err);
  spec->columns[spec->column_count++] = column;
  return MM_OK;
}

static int parse_lines_column(lines_parser *parse, const char *name, const char *rest,
                              bool quoted) {
  int type;
  char *text = ext_argument_text(rest);
  if (!text) return mm_fail_nomem(parse->err);
  int rc = find_lines_type(text, &type, parse->err);
  if (rc == MM_OK && !quoted && !*text && lines_option_of(name) >= 0) {
    rc = mm_fail(parse->err, MM_ERROR, "option '%s' is without a value", name);
  }
  mm_free(text);
  if (rc == MM_OK && !*name) rc = mm_fail(parse->err, MM_ERROR, "a column has no name");
  return rc ? rc : add_lines_column(parse->spec, name, type, parse->err);
}

static int parse_lines_argument(lines_parser *parse, const char *text) {
  ext_argument a;
  int rc = ext_argument_split(text, &a, parse->err);
  if (rc) return rc;
  rc = a.option ? parse_lines_option(parse, a.name, a.rest)
                : parse_lines_column(parse, a.name, a.rest, a.quoted);
  ext_argument_clear(&a);
  return rc;
}

/* ---- groups --------------------------------------------------------------------------------- */

static bool has_named_groups(const mm_pattern *pattern) {
  unsigned n = 1, count = mm_pattern_groups(pattern);
  while (n <= count && !*mm_pattern_group_name(pattern, n)) n++;
  return n <= count;
}

/* The first of that name; 0: none. */
static unsigned group_named(const mm_pattern *pattern, const char *name) {
  unsigned n = mm_pattern_groups(pattern);
  while (n > 0 && sqlite3_stricmp(mm_pattern_group_name(pattern, n), name) != 0) n--;
  return n;
}

/* Columns that are declared are the groups of their names or, where none has a name, one after the
** other. */
static int find_groups(lines_spec *spec, mm_error *err) {
  unsigned groups = mm_pattern_groups(spec->pattern);
  bool named = has_named_groups(spec->pattern);
  for (size_t i = 0; i < spec->column_count; i++) {
    lines_column *column = &spec->columns[i];
    column->field = named ? group_named(spec->pattern, column->name) : (unsigned)i + 1;
    if (column->field == 0) {
      return mm_fail(err, MM_ERROR, "column '%s' is no group of match", column->name);
    }
    if (column->field > groups) {
      return mm_fail(err, MM_ERROR, "column '%s' is one more than match has groups, %u",
                     column->name, groups);
    }
  }
  return MM_OK;
}

/* All groups that have a name, or else all, as g1, g2 … */
static int add_groups(lines_spec *spec, mm_error *err) {
  char number[16];
  int rc = MM_OK;
  bool named = has_named_groups(spec->pattern);
  unsigned groups = mm_pattern_groups(spec->pattern);
  for (unsigned n = 1; n <= groups && rc == MM_OK; n++) {
    const char *name = mm_pattern_group_name(spec->pattern, n);
    sqlite3_snprintf(sizeof number, number, "g%u", n);
    if (named && !*name) continue;
    rc = add_lines_column(spec, named ? name : number, LINES_AS_TEXT, err);
    if (rc == MM_OK) spec->columns[spec->column_count - 1].field = n;
  }
  return rc;
}

static int check_match(lines_parser *parse) {
  lines_spec *spec = parse->spec;
  for (int option = LINES_OPT_SEPARATOR; option <= LINES_OPT_QUOTE; option++) {
    if (lines_said(parse, option)) {
      return mm_fail(parse->err, MM_ERROR, "match= does not go with %s=", lines_options[option]);
    }
  }
  if (mm_pattern_groups(spec->pattern) == 0) {
    return mm_fail(parse->err, MM_ERROR, "match has no groups, which would be the columns");
  }
  return spec->column_count ? find_groups(spec, parse->err) : add_groups(spec, parse->err);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int check_split(lines_parser *parse) {
  mm_split *split = &parse->spec->split;
  bool separated = split->kind == MM_SPLIT_AT;
  if (!lines_said(parse, LINES_OPT_QUOTE) && separated &&
      (split->separator == ',' || split->separator == ';')) {
    split->quotes = true;
    split->quote = '"';
  }
  bool blank = split->quote == ' ' || split->quote == '\t';
  bool same =
      separated ? split->quote == split->separator : split->kind == MM_SPLIT_BLANKS && blank;
  if (split->quotes && same) {
    return mm_fail(parse->err, MM_ERROR, "quote '%c' is the separator", split->quote);
  }
  if (split->kind == MM_SPLIT_WHOLE && parse->spec->column_count > 1) {
    return mm_fail(parse->err, MM_ERROR, "more than one column needs separator= or match=");
  }
  return MM_OK;
}

/* What says something about fields needs some. */
static int check_no_fields(const lines_parser *parse) {
  static const int needs[] = {LINES_OPT_SEPARATOR, LINES_OPT_QUOTE, LINES_OPT_NULL};
  for (size_t i = 0; i < sizeof needs / sizeof *needs; i++) {
    if (lines_said(parse, needs[i])) {
      return mm_fail(parse->err, MM_ERROR, "option '%s' needs columns, or header=yes",
                     lines_options[needs[i]]);
    }
  }
  return MM_OK;
}

static int set_sorted_column(lines_parser *parse) {
  lines_spec *spec = parse->spec;
  const char *p = parse->sorted;
  char *name = ext_argument_name(&p);
  if (!name && p) return mm_fail_nomem(parse->err);
  const char *rest = name ? ext_argument_skip(p) : "";
  spec->key = name ? find_lines_column(spec, name) : -1;
  spec->descending = sqlite3_stricmp(rest, "desc") == 0;
  mm_free(name);
  if (spec->key < 0 || (*rest && !spec->descending)) {
    return mm_fail(parse->err, MM_ERROR, "sorted '%s' is no column, nor one and desc",
                   parse->sorted);
  }
  spec->sorted = true;
  return MM_OK;
}

/* Without columns: all of the line. The columns of a header are known later. */
static int set_sorted(lines_parser *parse) {
  lines_spec *spec = parse->spec;
  spec->key = LINES_LINE;
  if (!parse->sorted) return MM_OK;
  if (lines_has_columns(spec)) return set_sorted_column(parse);
  return ext_argument_yes("sorted", parse->sorted, &spec->sorted, parse->err);
}

static int check_lines_spec(lines_parser *parse) {
  lines_spec *spec = parse->spec;
  if (lines_spec_wants_header(spec) && !spec->path) {
    return mm_fail(parse->err, MM_ERROR,
                   "a header is of one file: a table of any file needs columns");
  }
  if (!spec->path && find_lines_column(spec, "file") >= 0) {
    return mm_fail(parse->err, MM_ERROR, "column 'file' is there already, hidden");
  }
  if (spec->pattern) return check_match(parse);
  if (!spec->header && spec->column_count == 0) return check_no_fields(parse);
  return check_split(parse);
}

bool lines_spec_wants_header(const lines_spec *spec) {
  return spec->header && !spec->pattern && !lines_has_columns(spec);
}

int lines_spec_parse(int argc, const char *const *argv, lines_spec *spec, mm_error *err) {
  lines_parser parse = {.spec = spec, .err = err};
  int rc = ext_argument_path(argc > 3 ? argv[3] : NULL, &spec->path, err);
  for (int i = 4; i < argc && rc == MM_OK; i++) rc = parse_lines_argument(&parse, argv[i]);
  if (rc == MM_OK) rc = check_lines_spec(&parse);
  if (rc == MM_OK && lines_spec_wants_header(spec)) {
    spec->sorts = parse.sorted;
    return MM_OK;
  }
  if (rc == MM_OK) rc = set_sorted(&parse);
  mm_free(parse.sorted);
  return rc;
}

void lines_spec_clear(lines_spec *spec) {
  for (size_t i = 0; i < spec->column_count; i++) mm_free(spec->columns[i].name);
  mm_free(spec->columns);
  mm_free(spec->comment);
  mm_free(spec->null);
  mm_free(spec->path);
  mm_free(spec->sorts);
  mm_pattern_free(spec->pattern);
  memset(spec, 0, sizeof *spec);
}

/* ---- a header ------------------------------------------------------------------------------- */

static int add_header_column(lines_spec *spec, const lines_text *t, const mm_field *field,
                             mm_error *err) {
  char *name = mm_alloc(field->end - field->start + 1);
  if (!name) return mm_fail_nomem(err);
  name[mm_field_join(&spec->split, t->data, field, (uint8_t *)name)] = 0;
  int rc = MM_OK;
  if (!*name) {
    rc = mm_fail(err, MM_ERROR, "the header of '%s' has no name for column %llu", spec->path,
                 (unsigned long long)spec->column_count + 1);
  } else if (find_lines_column(spec, name) >= 0) {
    rc = mm_fail(err, MM_ERROR, "the header of '%s' names '%s' twice", spec->path, name);
  }
  if (rc == MM_OK) rc = add_lines_column(spec, name, LINES_AS_TEXT, err);
  mm_free(name);
  return rc;
}

/* More columns than SQLite takes. */
#define HEADER_FIELDS ((uint64_t)0x8000)

static int add_header_columns(lines_spec *spec, const lines_text *t, const lines_row *row,
                              mm_error *err) {
  uint64_t most = row->end - row->start + 1;
  mm_splitting s = mm_split_begin(row->start, row->end);
  if (most > HEADER_FIELDS) most = HEADER_FIELDS;
  mm_field *fields = mm_alloc(most * sizeof *fields);
  int rc = fields ? MM_OK : mm_fail_nomem(err);
  if (fields) mm_split_on(&spec->split, t->data, t->size, &s, fields, (unsigned)most);
  for (unsigned i = 0; rc == MM_OK && i < s.count; i++) {
    rc = add_header_column(spec, t, &fields[i], err);
  }
  mm_free(fields);
  return rc;
}

static int read_lines_header(lines_spec *spec, lines_text *t, mm_error *err) {
  uint64_t at;
  lines_row row;
  int rc = lines_begin_header(t, &at, &row, err);
  if (rc == MM_OK && at == t->size) {
    rc = mm_fail(err, MM_ERROR, "'%s' has no header", spec->path);
  }
  return rc ? rc : add_header_columns(spec, t, &row, err);
}

int lines_take_header(lines_table *table, const ext_source *file, mm_error *err) {
  lines_spec *spec = &table->spec;
  lines_parser parse = {.spec = spec, .err = err, .sorted = spec->sorts};
  lines_text t;
  lines_look(&t, table, file);
  int rc = read_lines_header(spec, &t, err);
  if (mm_object_faulted(file->object->core, err)) rc = err->code;
  return rc ? rc : set_sorted(&parse);
}

/* ---- the declaration ------------------------------------------------------------------------ */

static const struct {
  int role;
  const char *name, *declaration;
} lines_hidden[] = {{LINES_NUMBER, "number", "INTEGER HIDDEN NOT NULL"},
                    {LINES_OFFSET, "offset", "INTEGER HIDDEN NOT NULL"},
                    {LINES_LENGTH, "length", "INTEGER HIDDEN NOT NULL"},
                    {LINES_LINE, "line", "TEXT HIDDEN NOT NULL"},
                    {LINES_REST, "rest", "TEXT HIDDEN"}};

enum { LINES_HIDDEN = sizeof lines_hidden / sizeof *lines_hidden };

static const char *role_separator(const lines_table *table) {
  return table->role_count ? ", " : "";
}

static void declare_column(lines_table *table, sqlite3_str *text, int role, const char *name,
                           const char *declaration) {
  sqlite3_str_appendf(text, "%s\"%w\" %s", role_separator(table), name, declaration);
  table->roles[table->role_count++] = role;
}

/* NOT NULL lets SQLite take the first row in order for min(): a key is there, or an error. */
static void declare_fields(lines_table *table, sqlite3_str *text) {
  const lines_spec *spec = &table->spec;
  for (size_t i = 0; i < spec->column_count; i++) {
    const lines_column *column = &spec->columns[i];
    declare_column(table, text, (int)i, column->name, lines_types[column->type].declaration);
    if (spec->sorted && spec->key == (int)i && !spec->null) {
      sqlite3_str_appendall(text, " NOT NULL");
    }
  }
}

static void declare_line(lines_table *table, sqlite3_str *text) {
  declare_column(table, text, LINES_NUMBER, "number", "INTEGER NOT NULL");
  declare_column(table, text, LINES_OFFSET, "offset", "INTEGER NOT NULL");
  declare_column(table, text, LINES_LINE, "text", "TEXT NOT NULL");
}

/* A column of such a name wins. */
static void declare_hidden(lines_table *table, sqlite3_str *text) {
  for (int i = 0; i < LINES_HIDDEN; i++) {
    bool match = table->spec.pattern && lines_hidden[i].role == LINES_REST;
    if (match || find_lines_column(&table->spec, lines_hidden[i].name) >= 0) continue;
    declare_column(table, text, lines_hidden[i].role, lines_hidden[i].name,
                   lines_hidden[i].declaration);
  }
}

/* The file, as a table-valued function's argument, is the first of the hidden columns. */
int lines_declare(lines_table *table, bool function, char **declaration, mm_error *err) {
  const lines_spec *spec = &table->spec;
  sqlite3_str *text = sqlite3_str_new(NULL);
  table->roles = mm_alloc((spec->column_count + LINES_HIDDEN + 1) * sizeof *table->roles);
  sqlite3_str_appendall(text, "CREATE TABLE x(");
  if (table->roles) {
    bool fields = lines_has_columns(spec);
    if (fields) declare_fields(table, text);
    if (!fields) declare_line(table, text);
    if (function) declare_column(table, text, LINES_FILE, "file", "HIDDEN");
    if (fields) declare_hidden(table, text);
  }
  sqlite3_str_appendall(text, ")");
  *declaration = sqlite3_str_finish(text);
  return *declaration && table->roles ? MM_OK : mm_fail_nomem(err);
}
