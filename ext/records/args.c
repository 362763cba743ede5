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
  OPT_MAX
};

static const char *const option_names[OPT_MAX] = {"access", "delete", "offset",     "length",
                                                  "record", "sorted", "synchronous"};

typedef struct parser {
  mmap_spec *spec;
  mm_error *err;
  unsigned seen;   /* a bit for each option */
  char *sorted;    /* the column's name: it may come later */
  size_t capacity; /* of spec->columns */
} parser;

static int option_of(const char *name) {
  for (int i = 0; i < OPT_MAX; i++) {
    if (sqlite3_stricmp(name, option_names[i]) == 0) return i;
  }
  return -1;
}

static int set_option(parser *parse, int option, const char *text) {
  mmap_spec *spec = parse->spec;
  switch (option) {
    case OPT_ACCESS:
      return ext_access_parse(text, &spec->access, parse->err);
    case OPT_DELETE:
      return ext_argument_yes("delete", text, &spec->deletes, parse->err);
    case OPT_OFFSET:
      return ext_argument_number("offset", text, &spec->offset, parse->err);
    case OPT_LENGTH:
      return ext_argument_number("length", text, &spec->length, parse->err);
    case OPT_RECORD:
      return ext_argument_number("record", text, &spec->record, parse->err);
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
                   "synchronous",
                   name);
  }
  if (parse->seen & 1u << option) {
    return mm_fail(parse->err, MM_ERROR, "option '%s' is given twice", name);
  }
  parse->seen |= 1u << option;
  char *text = ext_argument_text(rest);
  int rc = text ? set_option(parse, option, text) : mm_fail_nomem(parse->err);
  mm_free(text);
  return rc;
}

/* ---- columns -------------------------------------------------------------------------------- */

static uint64_t end_of_columns(const mmap_spec *spec) {
  uint64_t end = 0;
  for (size_t i = 0; i < spec->column_count; i++) {
    uint64_t e = spec->columns[i].at + spec->columns[i].type.size;
    if (e > end) end = e;
  }
  return end;
}

static uint64_t after_last_column(const mmap_spec *spec) {
  if (spec->column_count == 0) return 0;
  const mmap_column *last = &spec->columns[spec->column_count - 1];
  return last->at + last->type.size;
}

/* `type [@N]`: the @ is looked for from the end, the type is what stands before it. */
static int parse_type_and_place(parser *parse, const char *text, mmap_column *column) {
  const char *at = strrchr(text, '@');
  const char *end = at ? at : text + strlen(text);
  column->at = after_last_column(parse->spec);
  if (at) {
    const char *p = ext_argument_skip(at + 1);
    int64_t n = ext_argument_digits(&p);
    if (n < 0 || *ext_argument_skip(p)) {
      return mm_fail(parse->err, MM_ERROR, "column '%s': '%s' is no place in a record",
                     column->name, at);
    }
    column->at = (uint64_t)n;
  }
  while (end > text && ext_argument_is_blank(end[-1])) end--;
  mm_error inner;
  if (mm_type_parse(text, (size_t)(end - text), &column->type, &inner)) {
    return mm_fail(parse->err, MM_ERROR, "column '%s': %s", column->name, inner.text);
  }
  return MM_OK;
}

static int check_column_name(const mmap_spec *spec, const char *name, mm_error *err) {
  if (sqlite3_stricmp(name, "offset") == 0) {
    return mm_fail(err, MM_ERROR, "column 'offset' is there already: every record has one");
  }
  for (size_t i = 0; i < spec->column_count; i++) {
    if (sqlite3_stricmp(spec->columns[i].name, name) == 0) {
      return mm_fail(err, MM_ERROR, "column '%s' is there twice", name);
    }
  }
  return MM_OK;
}

/* Takes the name over. */
static int parse_column(parser *parse, char *name, const char *rest) {
  mmap_spec *spec = parse->spec;
  mmap_column column = {.name = name};
  void *columns = spec->columns;
  int rc = parse_type_and_place(parse, rest, &column);
  if (rc == MM_OK) rc = check_column_name(spec, name, parse->err);
  if (rc == MM_OK && mm_grow(&columns, spec->column_count, &parse->capacity, sizeof column)) {
    rc = mm_fail_nomem(parse->err);
  }
  if (rc) {
    mm_free(name);
    return rc;
  }
  spec->columns = columns;
  spec->columns[spec->column_count++] = column;
  return MM_OK;
}

/* ---- all of it ------------------------------------------------------------------------------ */

static int parse_argument(parser *parse, const char *text) {
  const char *p = ext_argument_skip(text);
  bool quoted = *p && strchr("'\"`[", *p);
  char *name = ext_argument_name(&p);
  if (!p) return mm_fail(parse->err, MM_ERROR, "'%s' is neither an option nor a column", text);
  if (!name) return mm_fail_nomem(parse->err);
  p = ext_argument_skip(p);
  if (*p == '=' && !quoted) {
    int rc = parse_table_option(parse, name, p + 1);
    mm_free(name);
    return rc;
  }
  return parse_column(parse, name, p);
}

static int find_sorted(parser *parse) {
  mmap_spec *spec = parse->spec;
  for (size_t i = 0; i < spec->column_count; i++) {
    if (sqlite3_stricmp(spec->columns[i].name, parse->sorted) == 0) {
      spec->sorted = (int)i;
      return MM_OK;
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

static int check_spec(parser *parse) {
  mmap_spec *spec = parse->spec;
  uint64_t end = end_of_columns(spec);
  if (check_delete(spec, parse->err)) return MM_ERROR;
  if (spec->column_count == 0) {
    unsigned needs = parse->seen & (1u << OPT_RECORD | 1u << OPT_SORTED);
    if (needs) {
      return mm_fail(parse->err, MM_ERROR, "option '%s' needs columns",
                     needs & 1u << OPT_RECORD ? "record" : "sorted");
    }
    end = 1;
  }
  spec->used = end;
  if (!(parse->seen & 1u << OPT_RECORD)) spec->record = end;
  if (spec->record < end) {
    return mm_fail(parse->err, MM_ERROR, "record %llu is less than the %llu bytes of its columns",
                   (unsigned long long)spec->record, (unsigned long long)end);
  }
  return parse->sorted ? find_sorted(parse) : MM_OK;
}

int mmap_spec_parse(int argc, const char *const *argv, mmap_spec *spec, mm_error *err) {
  parser parse = {.spec = spec, .err = err};
  int rc = MM_OK;
  spec->path = argc > 3 ? ext_argument_text(argv[3]) : NULL;
  if (argc <= 3 || (spec->path && !*spec->path)) rc = mm_fail(err, MM_ERROR, "a path is needed");
  if (rc == MM_OK && !spec->path) rc = mm_fail_nomem(err);
  for (int i = 4; i < argc && rc == MM_OK; i++) rc = parse_argument(&parse, argv[i]);
  if (rc == MM_OK) rc = check_spec(&parse);
  mm_free(parse.sorted);
  return rc;
}

void mmap_spec_clear(mmap_spec *spec) {
  for (size_t i = 0; i < spec->column_count; i++) mm_free(spec->columns[i].name);
  mm_free(spec->columns);
  mm_free(spec->path);
  memset(spec, 0, sizeof *spec);
}

/* NOT NULL lets SQLite take the first row in order for min(); floats may be NaN, which is NULL. */
static const char *declaration_of(mm_type type) {
  switch (type.kind) {
    case MM_FLOAT:
      return "REAL";
    case MM_BLOB:
      return "BLOB NOT NULL";
    case MM_TEXT:
    case MM_UTF16:
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
