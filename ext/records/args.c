/*
** args.c: the arguments of CREATE VIRTUAL TABLE … USING mmap(path [, option | column] …).
**
**     'firmware.bin', offset=0x200, record=16, id u32le, name text(8) @4, "odd name" u8 @15
**
** SQLite hands them over as they were written, split at commas outside parentheses and quotes.
*/
#include "ext/records/records.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/mem.h"
#include "ext/tables/argument.h"

/* ---- options -------------------------------------------------------------------------------- */

enum option {
  OPT_ACCESS,
  OPT_DELETE,
  OPT_OFFSET,
  OPT_LENGTH,
  OPT_RECORD,
  OPT_SORTED,
  OPT_SYNCHRONOUS,
  OPT_COUNT,
  OPT_WHILE,
  OPT_UNTIL,
  OPT_CHECK,
  OPT_ALIGN,
  OPT_ENDIAN,
  OPT_PARTIAL,
  OPT_MAX
};

static const char *const option_names[OPT_MAX] = {
    "access", "delete", "offset", "length", "record", "sorted", "synchronous",
    "count",  "while",  "until",  "check",  "align",  "endian", "partial"};

/* What a layout is made without: it is of no file, and is only updated. */
#define NOT_OF_LAYOUTS                                                                             \
  (1u << OPT_ACCESS | 1u << OPT_DELETE | 1u << OPT_LENGTH | 1u << OPT_SORTED |                     \
   1u << OPT_SYNCHRONOUS)

typedef struct parser {
  mmap_spec *spec;
  mm_error *err;
  unsigned seen;   /* a bit for each option */
  char *sorted;    /* the column's name: it may come later */
  bool big_endian; /* of option endian */
} parser;

static int option_of(const char *name) {
  for (int i = 0; i < OPT_MAX; i++) {
    if (sqlite3_stricmp(name, option_names[i]) == 0) return i;
  }
  return -1;
}

/* A size may be a number; all else is an expression in brackets. */
static int set_expression(parser *parse, int option, const char *text) {
  static const int of[OPT_MAX] = {[OPT_RECORD] = MM_LAYOUT_RECORD,
                                  [OPT_COUNT] = MM_LAYOUT_COUNT,
                                  [OPT_WHILE] = MM_LAYOUT_WHILE,
                                  [OPT_UNTIL] = MM_LAYOUT_UNTIL,
                                  [OPT_CHECK] = MM_LAYOUT_CHECK};
  uint64_t number;
  const char *p = ext_argument_skip(text);
  int rc = MM_OK;
  if (*p != '(' && option == OPT_RECORD) {
    rc = ext_argument_number("record", text, &number, parse->err);
  } else if (*p != '(') {
    rc = mm_fail(parse->err, MM_ERROR, "option '%s' takes an expression in brackets",
                 option_names[option]);
  }
  return rc ? rc : mm_layout_set(&parse->spec->layout, of[option], p, parse->err);
}

static int set_endian(parser *parse, const char *text) {
  parse->big_endian = sqlite3_stricmp(text, "be") == 0;
  if (parse->big_endian || sqlite3_stricmp(text, "le") == 0) return MM_OK;
  return mm_fail(parse->err, MM_ERROR, "endian '%s' is neither le nor be", text);
}

static int set_align(parser *parse, const char *text) {
  uint64_t *align = &parse->spec->layout.align;
  int rc = ext_argument_number("align", text, align, parse->err);
  return rc || *align ? rc : mm_fail(parse->err, MM_ERROR, "align 0 is less than 1");
}

static int set_option(parser *parse, int option, const char *text) {
  mmap_spec *spec = parse->spec;
  switch (option) {
    case OPT_ALIGN:
      return set_align(parse, text);
    case OPT_ENDIAN:
      return set_endian(parse, text);
    case OPT_PARTIAL:
      return ext_argument_yes("partial", text, &spec->partial, parse->err);
    case OPT_ACCESS:
      return ext_access_parse(text, false, &spec->access, parse->err);
    case OPT_DELETE:
      return ext_argument_yes("delete", text, &spec->deletes, parse->err);
    case OPT_OFFSET:
      return ext_argument_number("offset", text, &spec->offset, parse->err);
    case OPT_LENGTH:
      return ext_argument_number("length", text, &spec->length, parse->err);
    case OPT_SORTED:
      parse->sorted = mm_strdup(text);
      return parse->sorted ? MM_OK : mm_fail_nomem(parse->err);
    default:
      return ext_synchronous_parse(text, &spec->synchronous, parse->err);
  }
}

static int parse_table_option(parser *parse, const char *name, const char *rest) {
  int option = option_of(name);
  if (option < 0) {
    return mm_fail(parse->err, MM_ERROR,
                   "unknown option '%s': there are access, delete, offset, length, record, sorted, "
                   "synchronous, count, while, until, check, align, endian, partial",
                   name);
  }
  if (parse->seen & 1u << option) {
    return mm_fail(parse->err, MM_ERROR, "option '%s' is given twice", name);
  }
  parse->seen |= 1u << option;
  if (option == OPT_RECORD || (option >= OPT_COUNT && option <= OPT_CHECK)) {
    return set_expression(parse, option, rest);
  }
  char *text = ext_argument_text(rest);
  int rc = text ? set_option(parse, option, text) : mm_fail_nomem(parse->err);
  mm_free(text);
  return rc;
}

/* ---- columns -------------------------------------------------------------------------------- */

static int check_column_name(const mmap_spec *spec, const char *name, mm_error *err) {
  if (sqlite3_stricmp(name, "offset") == 0) {
    return mm_fail(err, MM_ERROR, "column 'offset' is there already: every record has one");
  }
  for (size_t i = 0; i < spec->layout.count; i++) {
    if (sqlite3_stricmp(spec->layout.columns[i].name, name) == 0) {
      return mm_fail(err, MM_ERROR, "column '%s' is there twice", name);
    }
  }
  return MM_OK;
}

static int parse_column(parser *parse, const char *name, const char *rest) {
  int rc = check_column_name(parse->spec, name, parse->err);
  return rc ? rc : mm_layout_add(&parse->spec->layout, name, rest, parse->err);
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int parse_argument(parser *parse, const char *text) {
  ext_argument a;
  int rc = ext_argument_split(text, &a, parse->err);
  if (rc) return rc;
  rc = a.option ? parse_table_option(parse, a.name, a.rest) : parse_column(parse, a.name, a.rest);
  ext_argument_clear(&a);
  return rc;
}

static int check_sortable(const parser *parse, mm_type type) {
  char name[MM_TYPE_NAME];
  if (mm_type_is_ordered(type)) return MM_OK;
  mm_type_name(type, name);
  return mm_fail(parse->err, MM_ERROR, "sorted '%s' is %s, which has no order", parse->sorted,
                 name);
}

static int find_sorted(parser *parse) {
  mmap_spec *spec = parse->spec;
  for (size_t i = 0; i < spec->column_count; i++) {
    if (sqlite3_stricmp(spec->columns[i].name, parse->sorted) == 0) {
      spec->sorted = (int)i;
      return check_sortable(parse, spec->columns[i].type);
    }
  }
  return mm_fail(parse->err, MM_ERROR, "sorted '%s' is no column", parse->sorted);
}

/* DELETE makes the file shorter. */
static int check_delete(const mmap_spec *spec, mm_error *err) {
  if (!spec->deletes || (spec->access != EXT_READ && spec->access != EXT_COPY)) return MM_OK;
  return mm_fail(err, MM_ERROR, "delete=yes does not go with access=%s: %s",
                 ext_access_name(spec->access),
                 spec->access == EXT_READ ? "nothing is written" : "the size stays");
}

/* The columns of a table whose records are all of one size. */
static int fix_columns(parser *parse) {
  mmap_spec *spec = parse->spec;
  const mm_layout *layout = &spec->layout;
  uint64_t at = 0;
  spec->columns = mm_alloc_zeroed(layout->count * sizeof *spec->columns);
  if (!spec->columns) return mm_fail_nomem(parse->err);
  for (size_t i = 0; i < layout->count; i++) {
    const mm_layout_column *from = &layout->columns[i];
    mmap_column *column = &spec->columns[spec->column_count++];
    column->name = mm_strdup(from->name);
    if (!column->name) return mm_fail_nomem(parse->err);
    column->type = from->type;
    column->result = ext_result_of(from->type);
    column->at = from->place == MM_PLACE_RECORD ? from->at : at;
    at = column->at + column->type.size;
  }
  spec->used = layout->used;
  spec->record = layout->record;
  return MM_OK;
}

/* Names of the hidden columns. */
static int check_chain_names(const mmap_spec *spec, mm_error *err) {
  static const char *const taken[] = {"next", "error", "file", "start", "stop", "endian"};
  for (size_t i = 0; i < spec->layout.count; i++) {
    for (size_t k = 0; k < sizeof taken / sizeof *taken; k++) {
      if (sqlite3_stricmp(spec->layout.columns[i].name, taken[k]) == 0) {
        return mm_fail(err, MM_ERROR, "column '%s' is there already, hidden", taken[k]);
      }
    }
  }
  return MM_OK;
}

static int refuse_option(const parser *parse, unsigned options, const char *why) {
  int i = 0;
  while (!(parse->seen & options & 1u << i)) i++;
  return mm_fail(parse->err, MM_ERROR, "option '%s' %s", option_names[i], why);
}

static int check_chain(parser *parse) {
  mmap_spec *spec = parse->spec;
  spec->chained = true;
  if (!spec->path && parse->seen & NOT_OF_LAYOUTS) {
    return refuse_option(parse, NOT_OF_LAYOUTS, "is not for a layout");
  }
  if (parse->sorted) return refuse_option(parse, 1u << OPT_SORTED, "needs records of one size");
  if (spec->path && spec->layout.open) {
    return mm_fail(parse->err, MM_ERROR, "the order of bytes is open: endian= says le or be");
  }
  return check_chain_names(spec, parse->err);
}

static int check_no_columns(parser *parse) {
  unsigned needs = 1u << OPT_RECORD | 1u << OPT_SORTED | 1u << OPT_ALIGN | 1u << OPT_ENDIAN |
                   1u << OPT_PARTIAL | 1u << OPT_COUNT | 1u << OPT_WHILE | 1u << OPT_UNTIL |
                   1u << OPT_CHECK;
  if (!parse->spec->path) return mm_fail(parse->err, MM_ERROR, "a layout needs columns");
  return parse->seen & needs ? refuse_option(parse, needs, "needs columns") : MM_OK;
}

static int check_spec(parser *parse) {
  mmap_spec *spec = parse->spec;
  int rc = check_delete(spec, parse->err);
  if (rc == MM_OK && spec->layout.count == 0) return check_no_columns(parse);
  spec->layout.eager = spec->partial;
  if (rc == MM_OK) {
    rc = mm_layout_finish(&spec->layout, parse->seen & 1u << OPT_ENDIAN, parse->big_endian,
                          parse->err);
  }
  if (rc) return rc;
  if (!spec->path || spec->layout.expressions || spec->partial) return check_chain(parse);
  rc = fix_columns(parse);
  if (rc == MM_OK) mm_layout_clear(&spec->layout);
  return rc == MM_OK && parse->sorted ? find_sorted(parse) : rc;
}

int mmap_spec_parse(int argc, const char *const *argv, mmap_spec *spec, mm_error *err) {
  parser parse = {.spec = spec, .err = err};
  int rc = ext_argument_path(argc > 3 ? argv[3] : NULL, &spec->path, err);
  for (int i = 4; i < argc && rc == MM_OK; i++) rc = parse_argument(&parse, argv[i]);
  if (rc == MM_OK) rc = check_spec(&parse);
  mm_free(parse.sorted);
  return rc;
}

void mmap_spec_clear(mmap_spec *spec) {
  for (size_t i = 0; i < spec->column_count; i++) mm_free(spec->columns[i].name);
  mm_free(spec->columns);
  mm_layout_clear(&spec->layout);
  mm_free(spec->path);
  memset(spec, 0, sizeof *spec);
}

/* NOT NULL lets SQLite take the first row in order for min(); floats may be NaN, which is NULL. */
static const char *declaration_of(mm_type type) {
  switch (mm_type_gives(type)) {
    case MM_VALUE_REAL:
      return "REAL";
    case MM_VALUE_BLOB:
      return "BLOB NOT NULL";
    case MM_VALUE_TEXT:
      return "TEXT NOT NULL";
    default:
      return "INTEGER NOT NULL";
  }
}

char *mmap_spec_declare(const mmap_spec *spec) {
  if (spec->column_count == 0) {
    return sqlite3_mprintf("CREATE TABLE x(offset INTEGER NOT NULL, byte INTEGER NOT NULL%s)",
                           spec->path ? "" : ", file HIDDEN");
  }
  sqlite3_str *text = sqlite3_str_new(NULL);
  sqlite3_str_appendall(text, "CREATE TABLE x(");
  for (size_t i = 0; i < spec->column_count; i++) {
    sqlite3_str_appendf(text, "\"%w\" %s, ", spec->columns[i].name,
                        declaration_of(spec->columns[i].type));
  }
  sqlite3_str_appendall(text, "offset INTEGER HIDDEN NOT NULL)");
  return sqlite3_str_finish(text);
}
