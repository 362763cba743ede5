#include "core/bytes/layout.h"

#include <string.h>

#include "core/common/mem.h"

static const char *const option_texts[MM_LAYOUT_OPTIONS] = {"record", "count", "while", "until",
                                                            "check"};
static const char *const name_texts[MM_NAMES] = {"offset", "pos", "start", "stop", "size", "rowid"};

/* ---- text ------------------------------------------------------------------------------------ */

static char layout_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool same_word(const char *a, size_t size, const char *b) {
  for (size_t i = 0; i < size; i++) {
    if (layout_lower(a[i]) != layout_lower(b[i])) return false; /* also at b's end */
  }
  return b[size] == 0;
}

static bool layout_blank(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static const char *layout_skip(const char *p) {
  while (layout_blank(*p)) p++;
  return p;
}

static bool in_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         (unsigned char)c >= 0x80;
}

/* Past a text or name in quotes, whose quotes inside are doubled; its end: it has none. */
static const char *skip_quoted(const char *p) {
  char quote = *p++;
  for (; *p; p++) {
    if (*p == quote && p[1] != quote) return p + 1;
    if (*p == quote) p++;
  }
  return p;
}

/* Past the bracket that closes the one at p; NULL: none does. */
static const char *skip_bracket(const char *p) {
  unsigned depth = 0;
  while (*p) {
    if (strchr("'\"`", *p)) {
      p = skip_quoted(p);
      continue;
    }
    depth += *p == '(' || *p == '[';
    if ((*p == ')' || *p == ']') && --depth == 0) return p + 1;
    p++;
  }
  return NULL;
}

/* ---- names in expressions -------------------------------------------------------------------- */

typedef struct binder {
  const mm_layout *layout;
  size_t seen; /* columns before */
  bool early;  /* of an option that is judged before any column is read */
} binder;

static int bind_column(const mm_layout_column *column, int slot, mm_expr_name *out, mm_error *err) {
  int kind = column->computed ? mm_expr_kind(column->value) : mm_type_gives(column->type);
  if (!column->computed && column->type.kind == MM_ARRAY) {
    return mm_fail(err, MM_ERROR, "'%s' is an array, which takes no part in expressions",
                   column->name);
  }
  if (kind == MM_VALUE_REAL) {
    return mm_fail(err, MM_ERROR, "'%s' is a real, which takes no part in expressions",
                   column->name);
  }
  *out = (mm_expr_name){slot, kind};
  return MM_OK;
}

static int bind_layout_name(void *context, const char *name, mm_expr_name *out, mm_error *err) {
  const binder *b = context;
  const mm_layout *layout = b->layout;
  size_t size = strlen(name);
  for (size_t i = 0; i < layout->count; i++) {
    if (!same_word(name, size, layout->columns[i].name)) continue;
    if (i < b->seen) return bind_column(&layout->columns[i], (int)i, out, err);
    return b->early ? mm_fail(err, MM_ERROR, "'%s' is a column, and no record is read yet", name)
                    : mm_fail(err, MM_ERROR, "'%s' comes later", name);
  }
  for (int i = 0; i < MM_NAMES; i++) {
    if (!same_word(name, size, name_texts[i])) continue;
    *out = (mm_expr_name){(int)layout->count + i, MM_VALUE_INTEGER};
    return MM_OK;
  }
  return mm_fail(err, MM_ERROR, "there is no column '%s'", name);
}

static int compile_for(binder b, const char *what, const char *text, size_t size, mm_expr **out,
                       mm_error *err) {
  mm_error inner;
  int rc = mm_expr_compile(text, size, bind_layout_name, &b, out, &inner);
  if (rc == MM_OK || rc == MM_NOMEM) return rc ? mm_fail_nomem(err) : MM_OK;
  return mm_fail(err, rc, "%s: %s", what, inner.text);
}

/* ---- a column -------------------------------------------------------------------------------- */

#define WHAT_MAX 300
#define PLACE_MAX ((int64_t)1 << 46) /* no file is longer */

typedef struct column_parser {
  mm_layout *layout;
  mm_layout_column *column;
  size_t index;
  char what[WHAT_MAX]; /* "column 'x'" */
  mm_error *err;
} column_parser;

static int compile_part(column_parser *parse, const char *text, size_t size, mm_expr **out) {
  binder b = {parse->layout, parse->index, false};
  return compile_for(b, parse->what, text, size, out, parse->err);
}

static bool gives_bytes(const mm_expr *expr) {
  return mm_expr_kind(expr) == MM_VALUE_TEXT || mm_expr_kind(expr) == MM_VALUE_BLOB;
}

/* A size that is known now is a part of the type; else it is to be a number. */
static int settle_size(column_parser *parse) {
  mm_layout_column *column = parse->column;
  mm_value value;
  if (gives_bytes(column->size)) {
    return mm_fail(parse->err, MM_ERROR, "%s: its size is a text, not a number", parse->what);
  }
  if (!mm_expr_constant(column->size, &value)) return MM_OK;
  if (value.kind != MM_VALUE_INTEGER || value.integer < 1 ||
      !mm_type_set_count(&column->type, (uint64_t)value.integer)) {
    return mm_fail(parse->err, MM_ERROR, "%s: its size is not in 1..%u", parse->what, MM_TYPE_MAX);
  }
  mm_expr_free(column->size);
  column->size = NULL;
  return MM_OK;
}

static int parse_layout_type(column_parser *parse, const char *text, size_t size) {
  mm_error inner;
  const char *count = NULL;
  size_t count_size = 0;
  unsigned allow = MM_ALLOW_OPEN | MM_ALLOW_BITS | MM_ALLOW_VARIABLE;
  if (mm_type_parse_counted(text, size, allow, &parse->column->type, &count, &count_size, &inner)) {
    return mm_fail(parse->err, MM_ERROR, "%s: %s", parse->what, inner.text);
  }
  if (count_size == 0) return MM_OK;
  int rc = compile_part(parse, count, count_size, &parse->column->size);
  return rc ? rc : settle_size(parse);
}

static int refuse_part(const column_parser *parse, const char *text) {
  return mm_fail(parse->err, MM_ERROR, "%s: '%s' is no at(…), at_file(…), @N or if(…)", parse->what,
                 text);
}

static int twice(const column_parser *parse, const char *what) {
  return mm_fail(parse->err, MM_ERROR, "%s has two %s", parse->what, what);
}

static int parse_number_place(column_parser *parse, const char **p) {
  mm_layout_column *column = parse->column;
  mm_expr *number = NULL;
  mm_value value;
  const char *text = layout_skip(*p + 1), *end = text;
  while (in_word(*end)) end++;
  if (column->place != MM_PLACE_AFTER) return twice(parse, "places");
  int rc = end > text ? mm_expr_compile(text, (size_t)(end - text), NULL, NULL, &number, parse->err)
                      : MM_ERROR;
  bool good = rc == MM_OK && mm_expr_constant(number, &value) && value.kind == MM_VALUE_INTEGER &&
              value.integer >= 0 && value.integer <= PLACE_MAX;
  if (good) column->at = (uint64_t)value.integer;
  mm_expr_free(number);
  if (rc == MM_NOMEM) return rc;
  if (!good) {
    return mm_fail(parse->err, MM_ERROR, "%s: '%s' is no place in a record", parse->what, *p);
  }
  column->place = MM_PLACE_RECORD;
  *p = end;
  return MM_OK;
}

/* at(e), at_file(e), if(e): `word` is which, and *p its bracket. */
static int parse_modifier(column_parser *parse, const char *word, size_t size, const char **p) {
  mm_layout_column *column = parse->column;
  const char *end = skip_bracket(*p);
  bool condition = same_word(word, size, "if");
  mm_expr **out = condition ? &column->present : &column->where;
  if (!end) return mm_fail(parse->err, MM_ERROR, "%s: ')' is missing in '%s'", parse->what, word);
  if (condition ? column->present != NULL : column->place != MM_PLACE_AFTER) {
    return twice(parse, condition ? "conditions" : "places");
  }
  if (!condition) {
    column->place = same_word(word, size, "at") ? MM_PLACE_RECORD : MM_PLACE_FILE;
  }
  int rc = compile_part(parse, *p + 1, (size_t)(end - *p) - 2, out);
  if (rc == MM_OK && !condition && gives_bytes(*out)) {
    rc = mm_fail(parse->err, MM_ERROR, "%s: its place is a text, not a number", parse->what);
  }
  *p = end;
  return rc;
}

static int parse_modifiers(column_parser *parse, const char *p) {
  int rc = MM_OK;
  for (p = layout_skip(p); rc == MM_OK && *p; p = layout_skip(p)) {
    const char *word = p;
    if (*p == '@') {
      rc = parse_number_place(parse, &p);
      continue;
    }
    while (in_word(*p)) p++;
    size_t size = (size_t)(p - word);
    p = layout_skip(p);
    bool known = same_word(word, size, "at") || same_word(word, size, "at_file") ||
                 same_word(word, size, "if");
    rc = known && *p == '(' ? parse_modifier(parse, word, size, &p) : refuse_part(parse, word);
  }
  return rc;
}

/* The type is a word, perhaps with brackets behind it. */
static const char *end_of_type(const char *text) {
  const char *p = text;
  while (in_word(*p)) p++;
  for (;;) {
    const char *next = layout_skip(p);
    if (*next != '(' && *next != '[') return p;
    p = skip_bracket(next);
    if (!p) return NULL;
  }
}

static int parse_computed(column_parser *parse, const char *p) {
  const char *end = *p == '(' ? skip_bracket(p) : NULL;
  if (!end || *layout_skip(end)) {
    return mm_fail(parse->err, MM_ERROR, "%s: AS is followed by an expression in brackets",
                   parse->what);
  }
  parse->column->computed = true;
  return compile_part(parse, p + 1, (size_t)(end - p) - 2, &parse->column->value);
}

static int parse_definition(column_parser *parse) {
  const char *text = layout_skip(parse->column->definition);
  const char *end = text;
  while (in_word(*end)) end++;
  if (same_word(text, (size_t)(end - text), "as")) return parse_computed(parse, layout_skip(end));
  end = end_of_type(text);
  if (!end) return mm_fail(parse->err, MM_ERROR, "%s: a bracket is missing", parse->what);
  int rc = parse_layout_type(parse, text, (size_t)(end - text));
  return rc ? rc : parse_modifiers(parse, end);
}

static int finish_column(mm_layout *layout, size_t index, mm_error *err) {
  mm_layout_column *column = &layout->columns[index];
  column_parser parse = {.layout = layout, .column = column, .index = index, .err = err};
  size_t size = strlen(column->name);
  memcpy(parse.what, "column '", 8);
  if (size > WHAT_MAX - 10) size = WHAT_MAX - 10;
  memcpy(parse.what + 8, column->name, size);
  memcpy(parse.what + 8 + size, "'", 2);
  int rc = parse_definition(&parse);
  column->counter = -1;
  column->plain = !column->computed && column->place == MM_PLACE_AFTER && !column->size &&
                  !column->present && mm_type_is_fixed(column->type);
  return rc;
}

/* ---- all of it ------------------------------------------------------------------------------- */

int mm_layout_add(mm_layout *layout, const char *name, const char *definition, mm_error *err) {
  void *columns = layout->columns;
  mm_layout_column column = {.name = mm_strdup(name), .definition = mm_strdup(definition)};
  bool room = mm_grow(&columns, layout->count, &layout->capacity, sizeof column) == 0;
  if (room) layout->columns = columns;
  if (!room || !column.name || !column.definition) {
    mm_free(column.name);
    mm_free(column.definition);
    return mm_fail_nomem(err);
  }
  layout->columns[layout->count++] = column;
  return MM_OK;
}

int mm_layout_set(mm_layout *layout, int option, const char *text, mm_error *err) {
  mm_free(layout->texts[option]);
  layout->texts[option] = mm_strdup(text);
  return layout->texts[option] ? MM_OK : mm_fail_nomem(err);
}

/* The highest column that an expression reads, counted from 1. */
static size_t last_column(const mm_layout *layout, const mm_expr *expr) {
  size_t count, last = 0;
  const int *slots = mm_expr_slots(expr, &count);
  for (size_t i = 0; i < count; i++) {
    if ((size_t)slots[i] < layout->count) last = (size_t)slots[i] + 1;
  }
  return last;
}

static int finish_option(mm_layout *layout, int option, mm_error *err) {
  const char *text = layout->texts[option];
  mm_expr **expr = &layout->options[option];
  bool early = option == MM_LAYOUT_COUNT, number = early || option == MM_LAYOUT_RECORD;
  if (!text) return MM_OK;
  binder b = {layout, early ? 0 : layout->count, early};
  int rc = compile_for(b, option_texts[option], text, strlen(text), expr, err);
  if (rc == MM_OK && number && gives_bytes(*expr)) {
    return mm_fail(err, MM_ERROR, "%s is a text, not a number", option_texts[option]);
  }
  if (rc == MM_OK) layout->judged[option] = last_column(layout, *expr);
  return rc;
}

static void mark_columns(mm_layout *layout, const mm_expr *expr, bool rules) {
  size_t count = 0;
  const int *slots = expr ? mm_expr_slots(expr, &count) : NULL;
  for (size_t i = 0; i < count; i++) {
    size_t name = (size_t)slots[i] - layout->count; /* if it is one */
    layout->sees_end |=
        (size_t)slots[i] >= layout->count && (name == MM_NAME_STOP || name == MM_NAME_SIZE);
    if ((size_t)slots[i] >= layout->count) continue;
    layout->columns[slots[i]].needed = true;
    layout->columns[slots[i]].rules |= rules;
  }
}

/* What a column that is needed is computed from is so as well; it comes before. Also if none needs
** it: computed columns of computed columns would else be computed again and again, each twice as
** often as the one behind it. */
static void find_rules(mm_layout *layout) {
  for (int i = 0; i < MM_LAYOUT_OPTIONS; i++) {
    mark_columns(layout, layout->options[i], i == MM_LAYOUT_RECORD);
  }
  for (size_t i = layout->count; i-- > 0;) {
    mm_layout_column *column = &layout->columns[i];
    column->needed |= column->computed && layout->eager;
    layout->far |= column->place == MM_PLACE_FILE;
    mark_columns(layout, column->size, true);
    mark_columns(layout, column->where, true);
    mark_columns(layout, column->present, true);
    mark_columns(layout, column->value, column->rules);
  }
}

static bool has_one_size(const mm_layout_column *column) {
  return column->computed ||
         (mm_type_is_fixed(column->type) && !column->size && !column->where && !column->present);
}

/* Are all records of one size? Then that is known now. */
static int find_size(mm_layout *layout, mm_error *err) {
  uint64_t end = 0, used = 0;
  mm_value value;
  const mm_expr *record = layout->options[MM_LAYOUT_RECORD];
  for (size_t i = 0; i < layout->count; i++) {
    const mm_layout_column *column = &layout->columns[i];
    if (!has_one_size(column)) return MM_OK;
    if (column->computed) continue;
    if (column->place == MM_PLACE_RECORD) end = column->at;
    end += column->type.size;
    if (end > used) used = end;
  }
  if (record && !mm_expr_constant(record, &value)) return MM_OK;
  if (record &&
      (value.kind != MM_VALUE_INTEGER || value.integer < 1 || (uint64_t)value.integer < used)) {
    return mm_fail(err, MM_ERROR, "record %lld is less than the %llu bytes of its columns",
                   (long long)value.integer, (unsigned long long)used);
  }
  layout->used = used;
  layout->record = record ? (uint64_t)value.integer : used;
  if (layout->align > 1 && layout->record) {
    layout->record += (layout->align - layout->record % layout->align) % layout->align;
  }
  return MM_OK;
}

static void find_integers(mm_layout *layout) {
  for (size_t i = 0; i < layout->count; i++) {
    mm_layout_column *column = &layout->columns[i];
    column->integer = column->plain && column->type.kind <= MM_SIGNED && !column->type.open;
  }
}

/* The sizes of most chains: `data blob(length)`. */
static int find_counter(const mm_layout *layout, const mm_layout_column *column) {
  int slot = column->size ? mm_expr_bare(column->size) : -1;
  bool simple = column->place == MM_PLACE_AFTER && !column->present &&
                (column->type.kind == MM_BLOB || column->type.kind == MM_TEXT);
  if (slot < 0 || (size_t)slot >= layout->count || !simple) return -1;
  return layout->columns[slot].integer ? slot : -1;
}

static void find_counters(mm_layout *layout) {
  for (size_t i = 0; i < layout->count; i++) {
    layout->columns[i].counter = find_counter(layout, &layout->columns[i]);
  }
}

static bool is_simple(const mm_layout *layout) {
  bool simple = !layout->align;
  for (int i = 0; i < MM_LAYOUT_OPTIONS; i++) simple &= !layout->options[i];
  for (size_t i = 0; i < layout->count; i++) {
    simple &= layout->columns[i].plain || layout->columns[i].counter >= 0;
  }
  return simple;
}

/* What is known beforehand of where columns are. */
static void find_leads(mm_layout *layout) {
  uint64_t lead = 0;
  for (size_t i = 0; i < layout->count; i++) {
    mm_layout_column *column = &layout->columns[i];
    column->lead = lead;
    if (!column->plain) lead = MM_LEAD_VARIES;
    if (lead != MM_LEAD_VARIES) lead += column->type.size;
  }
}

static void find_steady(mm_layout *layout) {
  size_t counted = 0;
  for (size_t i = 0; i < layout->count; i++) {
    const mm_layout_column *column = &layout->columns[i];
    if (column->plain) layout->fixed += column->type.size;
    if (column->counter < 0) continue;
    const mm_layout_column *counter = &layout->columns[column->counter];
    layout->counter = counter->type;
    layout->count_at = counter->lead;
    counted++;
  }
  bool short_one = layout->counter.kind == MM_UNSIGNED && layout->counter.size <= 4;
  layout->steady = layout->simple && counted == 1 && short_one && layout->counter.size != 3;
}

static void find_orders(mm_layout *layout, bool given, bool big_endian) {
  for (size_t i = 0; i < layout->count; i++) {
    mm_layout_column *column = &layout->columns[i];
    if (given) mm_type_close(&column->type, big_endian);
    if (!column->computed && column->type.open) layout->open = true;
  }
}

/* Is there anything that a table of fixed columns does not have? */
static bool has_expressions(const mm_layout *layout) {
  for (int i = 0; i < MM_LAYOUT_OPTIONS; i++) {
    if (layout->options[i] && i != MM_LAYOUT_RECORD) return true;
  }
  for (size_t i = 0; i < layout->count; i++) {
    if (layout->columns[i].computed || !has_one_size(&layout->columns[i])) return true;
  }
  return layout->align || !layout->record || layout->open;
}

int mm_layout_finish(mm_layout *layout, bool given, bool big_endian, mm_error *err) {
  int rc = MM_OK;
  for (size_t i = 0; rc == MM_OK && i < layout->count; i++) rc = finish_column(layout, i, err);
  for (int i = 0; rc == MM_OK && i < MM_LAYOUT_OPTIONS; i++) rc = finish_option(layout, i, err);
  if (rc) return rc;
  find_rules(layout);
  find_orders(layout, given, big_endian);
  find_integers(layout);
  find_counters(layout);
  rc = find_size(layout, err);
  layout->expressions = has_expressions(layout);
  layout->simple = is_simple(layout);
  find_leads(layout);
  find_steady(layout);
  return rc;
}

static void clear_column(mm_layout_column *column) {
  mm_free(column->name);
  mm_free(column->definition);
  mm_expr_free(column->size);
  mm_expr_free(column->where);
  mm_expr_free(column->present);
  mm_expr_free(column->value);
}

void mm_layout_clear(mm_layout *layout) {
  for (size_t i = 0; i < layout->count; i++) clear_column(&layout->columns[i]);
  for (int i = 0; i < MM_LAYOUT_OPTIONS; i++) {
    mm_free(layout->texts[i]);
    mm_expr_free(layout->options[i]);
  }
  mm_free(layout->columns);
  memset(layout, 0, sizeof *layout);
}
