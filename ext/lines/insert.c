/*
** insert.c: INSERT into a table of the module `mmap_lines`: a line more at the end of the file.
**
** The line is put together, appended and read back as a row of the table; what does not read back as
** it was given is taken away again, and refused. So whatever a comment, a header, quotes or the file's
** own end may make of it is seen.
*/
#include "ext/lines/lines.h"

#include <math.h>

#include "core/bytes/decimal.h"
#include "core/common/buffer.h"
#include "core/common/mem.h"

/* ---- what is given -------------------------------------------------------------------------- */

/* A value as its column's affinity makes it. */
typedef struct lines_value {
  int type; /* SQLITE_NULL … */
  int64_t integer;
  double real;
  const uint8_t *data; /* of a text or blob; borrowed */
  uint64_t size;
  char number[MM_NUMBER_TEXT]; /* of a number: its text */
} lines_value;

static void print_number(lines_value *v) {
  if (v->type == SQLITE_INTEGER) {
    sqlite3_snprintf(sizeof v->number, v->number, "%lld", (long long)v->integer);
  } else {
    mm_print_real_exactly(v->real, v->number);
  }
  v->data = (const uint8_t *)v->number;
  v->size = strlen(v->number);
}

static int take_text(sqlite3_value *value, lines_value *v, mm_error *err) {
  static const uint8_t nothing[1] = {0};
  const void *data = v->type == SQLITE_BLOB ? sqlite3_value_blob(value) : sqlite3_value_text(value);
  v->size = (uint64_t)sqlite3_value_bytes(value);
  v->data = data ? data : nothing;
  return data || (v->type == SQLITE_BLOB && v->size == 0) ? MM_OK : mm_fail_nomem(err);
}

static void take_line_number(sqlite3_value *value, int type, lines_value *v) {
  v->integer = sqlite3_value_int64(value);
  v->real = sqlite3_value_double(value);
  if (type == LINES_AS_REAL) v->type = SQLITE_FLOAT;
  print_number(v);
  /* What an infinity is printed as is no number: it stays a real, which then does not read back. */
  if (type == LINES_AS_INTEGER && v->type == SQLITE_FLOAT && isfinite(v->real)) {
    v->type = lines_number_as(type, v->data, v->size, &v->integer, &v->real);
    print_number(v);
  }
}

static int take_value(sqlite3_value *value, int type, lines_value *v, mm_error *err) {
  bool numeric = type == LINES_AS_INTEGER || type == LINES_AS_REAL;
  v->type = numeric ? sqlite3_value_numeric_type(value) : sqlite3_value_type(value);
  if (v->type == SQLITE_NULL) return MM_OK;
  if (numeric && (v->type == SQLITE_INTEGER || v->type == SQLITE_FLOAT)) {
    take_line_number(value, type, v);
    return MM_OK;
  }
  /* A number in a column of texts is one. */
  if (v->type != SQLITE_BLOB) v->type = SQLITE_TEXT;
  return take_text(value, v, err);
}

/* ---- the line ------------------------------------------------------------------------------- */

/* Bytes that are to be appended. */
typedef struct lines_new {
  lines_table *table;
  ext_object *object;  /* borrowed */
  lines_value *values; /* of the columns, or of all of the line */
  size_t count;
  mm_buffer bytes;
  uint64_t lead; /* bytes in front of the line: the end of one that had none */
  const char *end;
  mm_error *err;
} lines_new;

static int put_bytes(lines_new *n, const void *data, uint64_t size) {
  if (size) (void)mm_buffer_put(&n->bytes, data, size);
  return n->bytes.failed ? mm_fail_nomem(n->err) : MM_OK;
}

static bool has_any(const lines_value *v, const char *bytes) {
  for (; *bytes; bytes++) {
    if (v->size && memchr(v->data, *bytes, (size_t)v->size)) return true;
  }
  return false;
}

static bool text_begins_with(const lines_value *v, const char *text) {
  size_t size = text ? strlen(text) : 0;
  return text && v->size >= size && (size == 0 || memcmp(v->data, text, size) == 0);
}

static bool is_null_text(const lines_spec *spec, const lines_value *v) {
  return text_begins_with(v, spec->null) && strlen(spec->null) == v->size;
}

/* A text that a quote makes read back. */
static bool wants_quotes(const lines_spec *spec, const lines_value *v, bool first) {
  const mm_split *split = &spec->split;
  const char bytes[] = {(char)split->quote, '\n', '\r', (char)split->separator, 0};
  if (!split->quotes) return false;
  if (has_any(v, bytes) || is_null_text(spec, v)) return true;
  if (split->kind == MM_SPLIT_BLANKS && (v->size == 0 || has_any(v, " \t"))) return true;
  return first && (text_begins_with(v, spec->comment) || text_begins_with(v, "\xef\xbb\xbf"));
}

static int put_quoted(lines_new *n, const lines_value *v) {
  uint8_t quote = n->table->spec.split.quote;
  int rc = put_bytes(n, &quote, 1);
  for (uint64_t at = 0; rc == MM_OK && at < v->size;) {
    const uint8_t *from = v->data + at;
    const uint8_t *next = memchr(from, quote, (size_t)(v->size - at));
    uint64_t size = next ? (uint64_t)(next - from) + 1 : v->size - at;
    rc = put_bytes(n, from, size);
    if (rc == MM_OK && next) rc = put_bytes(n, &quote, 1);
    at += size;
  }
  return rc ? rc : put_bytes(n, &quote, 1);
}

static int put_field(lines_new *n, size_t i) {
  const lines_spec *spec = &n->table->spec;
  const lines_value *v = &n->values[i];
  char separator = spec->split.kind == MM_SPLIT_BLANKS ? ' ' : (char)spec->split.separator;
  int rc = i > 0 ? put_bytes(n, &separator, 1) : MM_OK;
  if (rc) return rc;
  if (v->type == SQLITE_NULL) {
    return spec->null ? put_bytes(n, spec->null, strlen(spec->null)) : MM_OK;
  }
  return wants_quotes(spec, v, i == 0) ? put_quoted(n, v) : put_bytes(n, v->data, v->size);
}

/* Without null= only a field that is not there is NULL. */
static size_t fields_to_write(const lines_new *n) {
  size_t count = n->count;
  while (!n->table->spec.null && count > 0 && n->values[count - 1].type == SQLITE_NULL) count--;
  return count;
}

/* The end of the last line that has one. */
static const char *end_of_lines(const lines_text *t) {
  const uint8_t *newline = mm_mem_find_last(t->data, (size_t)t->size, '\n');
  return newline && newline > t->data && newline[-1] == '\r' ? "\r\n" : "\n";
}

/* The last line may be no row: a header, or skipped. */
static bool is_ended(const lines_text *t) {
  return t->size <= lines_behind_mark(t) || t->data[t->size - 1] == '\n';
}

static int put_line(lines_new *n, const lines_text *t) {
  size_t count = fields_to_write(n);
  int rc = MM_OK;
  n->end = end_of_lines(t);
  if (!is_ended(t)) rc = put_bytes(n, n->end, strlen(n->end));
  n->lead = n->bytes.size;
  for (size_t i = 0; i < count && rc == MM_OK; i++) rc = put_field(n, i);
  return rc ? rc : put_bytes(n, n->end, strlen(n->end));
}

/* ---- reading it back ------------------------------------------------------------------------ */

static int refuse_line(const lines_new *n, const char *why) {
  return mm_fail(n->err, MM_CONSTRAINT, "the line would not read back as it is: %s", why);
}

static const char *new_column_name(const lines_new *n, size_t i) {
  const lines_spec *spec = &n->table->spec;
  return lines_has_columns(spec) ? spec->columns[i].name : "text";
}

static bool same_number(const lines_value *v, int type, const uint8_t *text, uint64_t size) {
  int64_t i = 0;
  double r = 0;
  int is = lines_number_as(type, text, size, &i, &r);
  if (v->type == SQLITE_INTEGER) return is == SQLITE_INTEGER && i == v->integer;
  if (v->type == SQLITE_FLOAT) return is == SQLITE_FLOAT && r >= v->real && r <= v->real;
  return is == 0 || (type != LINES_AS_INTEGER && type != LINES_AS_REAL);
}

/* Does a field say the value, and of the same type? */
static bool same_field(const lines_new *n, int type, const lines_value *v, const uint8_t *data,
                       const mm_field *field, uint8_t *room) {
  const lines_spec *spec = &n->table->spec;
  if (!field) return v->type == SQLITE_NULL;
  if (lines_is_null(spec, data, field)) return v->type == SQLITE_NULL;
  if (v->type == SQLITE_NULL || (v->type == SQLITE_BLOB) != (type == LINES_AS_BLOB)) return false;
  uint64_t size = mm_field_join(&spec->split, data, field, room);
  return size == v->size && (size == 0 || memcmp(room, v->data, (size_t)size) == 0) &&
         same_number(v, type, room, size);
}

/* A line without its key is none that can be searched. */
static bool is_missing_key(const lines_new *n, size_t i, const mm_field *field) {
  const lines_spec *spec = &n->table->spec;
  return !field && spec->sorted && spec->key == (int)i;
}

static int compare_read_back(const lines_new *n, const lines_text *t, const lines_row *row) {
  const lines_spec *spec = &n->table->spec;
  uint64_t rest, most = row->end - row->start;
  uint8_t *room = mm_alloc(most + 1);
  mm_field *fields = mm_alloc(n->count * sizeof *fields);
  mm_splitting s = mm_split_begin(row->start, row->end);
  int rc = room && fields ? MM_OK : mm_fail_nomem(n->err);
  if (rc == MM_OK) mm_split_on(&spec->split, t->data, t->size, &s, fields, (unsigned)n->count);
  for (size_t i = 0; i < n->count && rc == MM_OK; i++) {
    int type = lines_has_columns(spec) ? spec->columns[i].type : LINES_AS_TEXT;
    const mm_field *field = i < s.count ? &fields[i] : NULL;
    if (!same_field(n, type, &n->values[i], t->data, field, room) || is_missing_key(n, i, field)) {
      rc = mm_fail(n->err, MM_CONSTRAINT, "column '%s' would not read back as it is",
                   new_column_name(n, i));
    }
  }
  if (rc == MM_OK && mm_split_rest(&spec->split, t->data, &s, &rest)) {
    rc = refuse_line(n, "it has more fields");
  }
  mm_free(room);
  mm_free(fields);
  return rc;
}

static int check_key_order(lines_text *t, uint64_t start, const lines_row *row, mm_error *err) {
  lines_row last;
  lines_ends ends;
  lines_text before = *t;
  before.size = start;
  int rc = lines_look_at_ends(&before, &ends, err);
  if (rc == MM_OK) rc = lines_check_place(&before, start, err);
  if (rc) {
    ext_tab_advise_check(err);
    return rc;
  }
  rc = lines_previous(t, start, t->first, &last, err);
  return rc == MM_OK && last.next ? lines_accept(t, &last, row, err) : rc;
}

static int read_line_back(const lines_new *n, lines_text *t, uint64_t start) {
  lines_row row;
  if (start < t->first) return refuse_line(n, "it would be a header, or skipped");
  int rc = lines_next(t, start, t->size, &row, n->err);
  if (rc == MM_DAMAGED) return refuse_line(n, "rows of a sorted table are lines");
  if (rc) return rc;
  if (row.start != start) return refuse_line(n, "it would be a comment");
  if (row.next != t->size) return refuse_line(n, "it would be more than one");
  rc = compare_read_back(n, t, &row);
  return rc == MM_OK && n->table->spec.sorted ? check_key_order(t, start, &row, n->err) : rc;
}

/* ---- appending ------------------------------------------------------------------------------ */

static void look_now(const lines_new *n, ext_source *file, lines_text *t) {
  lines_use_window(n->table, file);
  lines_look(t, n->table, file);
}

/* Append the bytes and look at them; where that fails all is as it was. */
static int append_line(lines_new *n, ext_source *file, uint64_t first) {
  mm_object *core = n->object->core;
  mm_log_mark mark = mm_object_mark(core);
  int rc = mm_object_insert(core, core->size, n->bytes.data, n->bytes.size, n->err);
  if (rc == MM_OK) {
    lines_text t;
    look_now(n, file, &t);
    t.first = first;
    rc = lines_begin(&t, n->err);
    if (rc == MM_OK) rc = read_line_back(n, &t, t.size - n->bytes.size + n->lead);
  }
  if (rc == MM_OK) rc = mm_object_faulted(core, n->err);
  if (rc) {
    mm_error ignored;
    (void)mm_object_rollback_to(core, mark.count, &ignored);
  }
  mm_object_release(core, &mark);
  return rc;
}

/* A \r at the end of the last line would become a part of its end. */
static int check_last(const lines_new *n, const lines_text *t) {
  bool open = !is_ended(t), swallows = n->end[0] == '\n';
  if (!open || !swallows || t->data[t->size - 1] != '\r') return MM_OK;
  return mm_fail(n->err, MM_CONSTRAINT,
                 "the last line of '%s' ends with a carriage return, which would be lost",
                 n->object->core->name);
}

/* Of a table in which this has been asked already, only what has been written since. */
static int check_closed_end(const lines_new *n, lines_text *t) {
  lines_table *table = n->table;
  if (!lines_wrap(&table->spec)) return MM_OK;
  if (mm_object_is_at(n->object->core, &table->whole)) return MM_OK;
  bool open = lines_end_open(t);
  int rc = lines_stopped(t, n->err);
  if (rc || !open) return rc;
  return mm_fail(n->err, MM_CONSTRAINT, "'%s' ends inside of quotes", n->object->core->name);
}

static int append_new(lines_new *n, ext_source *file) {
  lines_text t;
  look_now(n, file, &t);
  int rc = lines_begin(&t, n->err);
  bool good = ext_places_are_good(&n->table->places, n->object, t.start, t.start + t.size);
  if (rc == MM_OK) rc = check_closed_end(n, &t);
  if (rc == MM_OK) rc = put_line(n, &t);
  if (rc == MM_OK) rc = check_last(n, &t);
  if (rc == MM_OK) rc = append_line(n, file, t.first);
  if (good) ext_places_keep(&n->table->places, n->object, n->object->core->size);
  if (rc) return rc;
  n->table->whole = mm_object_version(n->object->core);
  return MM_OK;
}

static int check_lines_growth(const lines_table *table, const mm_object *core, mm_error *err) {
  if (table->spec.length) {
    return mm_fail(err, MM_ERROR, "a table of fixed length does not grow");
  }
  if (table->spec.offset > core->size) {
    return mm_fail(err, MM_ERROR, "'%s' ends before offset %llu, where the table begins",
                   core->name, (unsigned long long)table->spec.offset);
  }
  return MM_OK;
}

/* ---- xUpdate -------------------------------------------------------------------------------- */

/* What a line is made of; all that tells where it lies is not for anybody to choose. */
static int take_line_values(lines_new *n, sqlite3_value **argv) {
  const lines_table *table = n->table;
  bool fields = lines_has_columns(&table->spec);
  int rc = MM_OK;
  for (int i = 0; i < table->role_count && rc == MM_OK; i++) {
    int role = table->roles[i];
    sqlite3_value *value = argv[2 + i];
    if (role >= 0) {
      rc = take_value(value, table->spec.columns[role].type, &n->values[role], n->err);
    } else if (role == LINES_LINE && !fields) {
      rc = take_value(value, LINES_AS_TEXT, &n->values[0], n->err);
    } else if (sqlite3_value_type(value) != SQLITE_NULL) {
      rc = mm_fail(n->err, MM_CONSTRAINT,
                   "a line that is appended has its number and offset by "
                   "its place, and its fields by their columns");
    }
  }
  return rc;
}

static int begin_writing(lines_new *n) {
  ext_conn *conn = n->table->tab.conn;
  int rc = n->table->told ? MM_OK : ext_txn_enlist(conn, n->err);
  if (rc == MM_OK && !n->table->writing) {
    rc = lines_open_file(n->table, NULL, &n->table->writing, n->err);
  }
  n->object = n->table->writing;
  if (rc == MM_OK) rc = ext_txn_write(conn, n->object, n->err);
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): what is written has an object */
  return rc ? rc : check_lines_growth(n->table, n->object->core, n->err);
}

static int insert_line(lines_new *n, sqlite3_value **argv, sqlite3_int64 *rowid) {
  ext_source file = {.object = NULL};
  n->count = lines_has_columns(&n->table->spec) ? n->table->spec.column_count : 1;
  n->values = mm_alloc_zeroed(n->count * sizeof *n->values);
  int rc = n->values ? take_line_values(n, argv) : mm_fail_nomem(n->err);
  if (rc == MM_OK && sqlite3_value_type(argv[1]) != SQLITE_NULL) {
    rc = mm_fail(n->err, MM_CONSTRAINT, "the rowid of a line is its offset");
  }
  if (rc == MM_OK) rc = begin_writing(n);
  if (rc == MM_OK) {
    file.object = n->object;
    rc = append_new(n, &file);
    *rowid = (sqlite3_int64)(n->object->core->size - n->bytes.size) + (sqlite3_int64)n->lead;
  }
  mm_free(n->values);
  mm_free(n->bytes.data);
  return rc;
}

static int refuse_update(const lines_table *table, bool inserts, mm_error *err) {
  if (!inserts) {
    return mm_fail(err, MM_READONLY,
                   "a line that is there is not changed: UPDATE and DELETE are for tables of the "
                   "module mmap");
  }
  if (!table->spec.path) {
    return mm_fail(err, MM_READONLY,
                   "a table of any file is only read: CREATE VIRTUAL TABLE … USING "
                   "mmap_lines(path, …) makes one that takes lines");
  }
  if (!table->spec.pattern) return MM_OK;
  return mm_fail(err, MM_READONLY, "match= takes lines apart, and cannot make one");
}

/* In SQLite's own words. */
static int refuse_lines_trigger(sqlite3_vtab *base, const char *name) {
  sqlite3_free(base->zErrMsg);
  base->zErrMsg = sqlite3_mprintf("unsafe use of virtual table \"%s\"", name);
  return base->zErrMsg ? SQLITE_ERROR : SQLITE_NOMEM;
}

int linesUpdate(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  lines_table *table = (lines_table *)base;
  mm_error *err = &table->tab.conn->err;
  bool inserts = argc > 1 && sqlite3_value_type(argv[0]) == SQLITE_NULL;
  if (!ext_table_allowed(table->tab.conn->db, lines_label(table))) {
    return refuse_lines_trigger(base, lines_label(table));
  }
  if (!table->told && !table->made) return ext_tab_rolled_back(base);
  lines_new n = {.table = table, .err = err};
  int rc = refuse_update(table, inserts, err);
  if (rc == MM_OK) rc = insert_line(&n, argv, rowid);
  return rc ? ext_table_error(base, lines_label(table), err) : SQLITE_OK;
}
