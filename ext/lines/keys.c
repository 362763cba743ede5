/*
** keys.c: rows in the order of a column, or of all of the line.
**
** Every key has a rank, 64 bits whose order as unsigned integers is that of the keys; keys of one
** rank are compared in full:
**
**     integer      the value, what is behind the point cut off, its sign bit flipped
**     real         the bits, of negative ones all flipped, else the sign bit
**     ipv4         1 more than the address; 0 of what is none
**     text, blob   8 bytes behind those that all keys share, as a big-endian number
**
** What is no number in a column of numbers has the highest rank, and NULL the lowest. Where rows
** descend ranks are flipped, and so is the comparison.
*/
#include "ext/lines/lines.h"

#include <limits.h>
#include <math.h>

#include "core/bytes/ipv4.h"
#include "core/common/mem.h"
#include "core/search/find.h"
#include "ext/tables/argument.h"
#include "ext/tables/seek.h"

/* What is searched. */
typedef struct lines_keys {
  lines_text *t;
  int type;
  mm_split whole; /* of keys that are all of the line: no quotes */
  const mm_split *split;
  const uint8_t *prefix; /* what all texts begin with, if they are in order; borrowed */
  uint64_t prefix_size;
} lines_keys;

int lines_key_role(const lines_table *table) {
  const lines_spec *spec = &table->spec;
  if (!spec->sorted) return INT_MIN;
  /* Of whole lines the key is text, and no column. */
  bool address = spec->key >= 0 && lines_key_type(spec) == LINES_AS_IPV4;
  return table->text_order || address ? spec->key : INT_MIN;
}

static bool is_numeric(int type) {
  return type == LINES_AS_INTEGER || type == LINES_AS_REAL;
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void read_number(lines_key *key, int type, const uint8_t *text, uint64_t size) {
  int is = lines_number_as(type, text, size, &key->integer, &key->real);
  if (is) key->class = LINES_KEY_NUMBER;
  key->whole = is == SQLITE_INTEGER;
}

static void read_address(lines_key *key, const uint8_t *text, uint64_t size) {
  uint32_t address;
  key->address = mm_ipv4_parse(text, size, &address);
  key->integer = key->address ? address : 0;
}

static bool is_quoted(const mm_split *split, const uint8_t *data, uint64_t size) {
  return split->quotes && size > 0 && data[0] == split->quote;
}

/* What a field of so many bytes, quotes included, is as a key. */
static lines_key key_of_field(const lines_keys *keys, const uint8_t *data, uint64_t size) {
  const lines_spec *spec = &keys->t->table->spec;
  mm_field field = {0, size, is_quoted(keys->split, data, size)};
  lines_key key = {.class = keys->type == LINES_AS_BLOB ? LINES_KEY_BLOB : LINES_KEY_TEXT,
                   .data = data,
                   .size = size,
                   .raw = true};
  const uint8_t *text;
  uint64_t length;
  if (lines_is_null(spec, data, &field)) {
    key.class = LINES_KEY_NULL;
  } else if (mm_field_piece(keys->split, data, &field, &text, &length)) {
    if (is_numeric(keys->type)) read_number(&key, keys->type, text, length);
    if (keys->type == LINES_AS_IPV4) read_address(&key, text, length);
  }
  return key;
}

#define SIGN_BIT (UINT64_C(1) << 63)

/* The next lower integer that there is, without libm. */
static int64_t floor_clipped(double real) {
  if (real < -9223372036854775808.0) return INT64_MIN;
  if (real >= 9223372036854775808.0) return INT64_MAX;
  int64_t toward_0 = (int64_t)real;
  return toward_0 - ((double)toward_0 > real);
}

static uint64_t rank_of_number(const lines_key *key, int type) {
  uint64_t bits;
  if (type == LINES_AS_INTEGER) {
    if (key->whole) return (uint64_t)key->integer ^ SIGN_BIT;
    return (uint64_t)floor_clipped(key->real) ^ SIGN_BIT;
  }
  double real = key->whole ? (double)key->integer : key->real;
  if (real == 0) real = 0; /* -0.0 equals 0.0 */
  memcpy(&bits, &real, sizeof bits);
  return bits & SIGN_BIT ? ~bits : bits | SIGN_BIT;
}

/* The first eight bytes of a text. */
static uint64_t rank_of_eight(const uint8_t *text, uint64_t size) {
  uint64_t rank = 0;
  for (uint64_t i = 0; i < sizeof rank && i < size; i++) {
    rank |= (uint64_t)text[i] << (56 - 8 * i);
  }
  return rank;
}

static uint64_t rank_of_piece(const lines_keys *keys, const uint8_t *text, uint64_t size) {
  uint64_t skip = keys->prefix_size;
  if (skip) {
    int order = mm_compare_bytes(text, size < skip ? size : skip, keys->prefix, skip);
    if (order) return order < 0 ? 0 : UINT64_MAX;
  }
  return rank_of_eight(text + skip, size - skip);
}

/* The same for one that has to be put together, piece by piece. */
static uint64_t rank_of_joined(const lines_keys *keys, const uint8_t *data, const mm_field *field) {
  uint8_t room[64];
  uint64_t skip = keys->prefix_size;
  for (uint64_t at = 0; at < skip; at += sizeof room) {
    uint64_t size = skip - at < sizeof room ? skip - at : sizeof room;
    uint64_t got = mm_field_part(keys->split, data, field, at, room, size);
    int order = mm_compare_bytes(room, got, keys->prefix + at, size);
    if (order) return order < 0 ? 0 : UINT64_MAX;
  }
  return rank_of_eight(room, mm_field_part(keys->split, data, field, skip, room, 8));
}

static uint64_t rank_of_line_text(const lines_keys *keys, const lines_key *key) {
  const uint8_t *text;
  uint64_t size;
  bool quoted = key->raw && is_quoted(keys->split, key->data, key->size);
  mm_field field = {0, key->size, quoted};
  return mm_field_piece(keys->split, key->data, &field, &text, &size)
             ? rank_of_piece(keys, text, size)
             : rank_of_joined(keys, key->data, &field);
}

static uint64_t rank_of_line_key(const lines_keys *keys, const lines_key *key) {
  uint64_t rank = UINT64_MAX;
  bool bytes = key->class >= LINES_KEY_TEXT;
  if (key->class == LINES_KEY_NULL) {
    rank = 0;
  } else if (is_numeric(keys->type)) {
    if (!bytes) rank = rank_of_number(key, keys->type);
  } else if (keys->type == LINES_AS_IPV4) {
    rank = key->address ? (uint64_t)key->integer + 1 : 0;
  } else {
    rank = rank_of_line_text(keys, key);
  }
  return keys->t->table->spec.descending ? ~rank : rank;
}

/* ---- comparing ------------------------------------------------------------------------------ */

static int compare_integer_with(int64_t i, double r) {
  if (r < -9223372036854775808.0) return 1;
  if (r >= 9223372036854775808.0) return -1;
  int64_t whole = (int64_t)r;
  if (i != whole) return i < whole ? -1 : 1;
  double behind = r - (double)whole;
  return (behind < 0) - (behind > 0);
}

static int compare_key_numbers(const lines_key *a, const lines_key *b) {
  if (a->whole && b->whole) return (a->integer > b->integer) - (a->integer < b->integer);
  if (a->whole) return compare_integer_with(a->integer, b->real);
  if (b->whole) return -compare_integer_with(b->integer, a->real);
  return (a->real > b->real) - (a->real < b->real);
}

static int compare_key_bytes(const lines_keys *keys, const lines_key *a, const lines_key *b) {
  if (a->raw && b->raw) return mm_field_compare(keys->split, a->data, a->size, b->data, b->size);
  if (!a->raw) return -compare_key_bytes(keys, b, a);
  return mm_field_compare_text(keys->split, a->data, a->size, b->data, b->size);
}

/* As SQL orders them; the file may have them the other way round. */
static int compare_keys(const lines_keys *keys, const lines_key *a, const lines_key *b) {
  int order = 0;
  if (a->class != b->class) {
    order = a->class < b->class ? -1 : 1;
  } else if (a->class == LINES_KEY_NUMBER) {
    order = compare_key_numbers(a, b);
  } else if (a->class != LINES_KEY_NULL && a->address != b->address) {
    order = a->address ? 1 : -1;
  } else if (a->class != LINES_KEY_NULL && a->address) {
    order = (a->integer > b->integer) - (a->integer < b->integer);
  } else if (a->class != LINES_KEY_NULL) {
    order = compare_key_bytes(keys, a, b);
  }
  return keys->t->table->spec.descending ? -order : order;
}

/* ---- rows as items -------------------------------------------------------------------------- */

static int fail_no_key(const lines_text *t, const lines_row *row, mm_error *err) {
  const lines_spec *spec = &t->table->spec;
  return mm_fail(err, MM_DAMAGED, "the line at offset %llu has no '%s', which rows are sorted by",
                 (unsigned long long)(t->at + row->start), spec->columns[spec->key].name);
}

/* Where the key lies. Of match= the groups are those of this row. */
static int find_key(const lines_text *t, const lines_row *row, mm_field *field, mm_error *err) {
  const lines_spec *spec = &t->table->spec;
  *field = (mm_field){row->start, row->end, false};
  if (spec->key < 0) return MM_OK;
  unsigned n = spec->columns[spec->key].field;
  if (spec->pattern) {
    mm_span group;
    if (!mm_pattern_group(spec->pattern, n, &group)) return fail_no_key(t, row, err);
    *field = (mm_field){row->start + group.start, row->start + group.end, false};
    return MM_OK;
  }
  mm_splitting s = mm_split_begin(row->start, row->end);
  mm_split_on(&spec->split, t->data, t->size, &s, t->table->room, n + 1);
  if (s.count <= n) return fail_no_key(t, row, err);
  *field = t->table->room[n];
  return MM_OK;
}

static int item_of_line(const lines_keys *keys, uint64_t from, const lines_row *row, ext_item *item,
                        mm_error *err) {
  mm_field field;
  int rc = find_key(keys->t, row, &field, err);
  if (rc) return rc;
  const uint8_t *data = keys->t->data + field.start;
  lines_key key = key_of_field(keys, data, field.end - field.start);
  *item = (ext_item){.from = (int64_t)from,
                     .at = (int64_t)row->start,
                     .next = (int64_t)row->next,
                     .rank = rank_of_line_key(keys, &key),
                     .data = data,
                     .size = field.end - field.start};
  return MM_OK;
}

static int look_at_line(const void *context, int64_t place, ext_item *item, mm_error *err) {
  const lines_keys *keys = context;
  lines_row row;
  uint64_t start = lines_after_last(keys->t, keys->t->first, (uint64_t)place);
  int rc = lines_next(keys->t, start, keys->t->size, &row, err);
  if (rc) return rc;
  if (row.start < keys->t->size) return item_of_line(keys, start, &row, item, err);
  *item = (ext_item){.from = (int64_t)start, .at = INT64_MAX};
  return MM_OK;
}

static int look_at_line_before(const void *context, int64_t place, ext_item *item, mm_error *err) {
  const lines_keys *keys = context;
  lines_row row;
  int rc = lines_previous(keys->t, (uint64_t)place, keys->t->first, &row, err);
  if (rc) return rc;
  if (row.next) return item_of_line(keys, row.start, &row, item, err);
  *item = EXT_NO_ITEM;
  return MM_OK;
}

static bool line_is_before(const void *context, const ext_item *item, const ext_edge *edge) {
  const lines_keys *keys = context;
  lines_key key = key_of_field(keys, item->data, item->size);
  int order = compare_keys(keys, &key, (const lines_key *)(const void *)edge->data);
  return order ? order < 0 : edge->after;
}

static int out_of_order(const lines_text *t, int64_t earlier, int64_t later, mm_error *err) {
  const lines_spec *spec = &t->table->spec;
  char what[64] = "it comes";
  if (spec->key >= 0) {
    sqlite3_snprintf(sizeof what, what, "its '%.40s' comes", spec->columns[spec->key].name);
  }
  return mm_fail(err, MM_DAMAGED, "the line at offset %llu is out of order: %s %s %s at %llu",
                 (unsigned long long)t->at + (unsigned long long)later, what,
                 spec->descending ? "before" : "after",
                 spec->key >= 0 ? "that of the one" : "the one",
                 (unsigned long long)t->at + (unsigned long long)earlier);
}

static int check_lines(const void *context, const ext_item *item, const ext_item *later,
                       mm_error *err) {
  const lines_keys *keys = context;
  lines_key a = key_of_field(keys, item->data, item->size);
  lines_key b = key_of_field(keys, later->data, later->size);
  return compare_keys(keys, &a, &b) > 0 ? out_of_order(keys->t, item->at, later->at, err) : MM_OK;
}

/* Lines of text are about so long. */
static const ext_items line_items = {look_at_line, look_at_line_before, line_is_before, check_lines,
                                     64};

static lines_keys keys_of_text(lines_text *t) {
  const lines_spec *spec = &t->table->spec;
  lines_keys keys = {.t = t, .type = lines_key_type(spec), .split = &spec->split};
  if (t->ends) {
    keys.prefix = t->ends->prefix;
    keys.prefix_size = t->ends->prefix_size;
  }
  return keys;
}

/* Keys that are all of the line, or groups, have no quotes. */
static void use_split(lines_keys *keys) {
  const lines_spec *spec = &keys->t->table->spec;
  if (spec->key < 0 || spec->pattern) keys->split = &keys->whole;
}

static ext_range range_of_lines(const lines_keys *keys, int *luck) {
  const lines_text *t = keys->t;
  return (ext_range){.keys = keys,
                     .start = (int64_t)t->first,
                     .end = (int64_t)(t->size > t->first ? t->size : t->first),
                     .ends = t->ends ? t->ends->items : NULL,
                     .luck = luck};
}

/* What the first key and the last have in common all between them have, too. */
static void find_prefix(lines_keys *keys, const ext_item *first, const ext_item *last) {
  const uint8_t *a, *b;
  uint64_t m, n;
  if (keys->type != LINES_AS_TEXT && keys->type != LINES_AS_BLOB) return;
  if (first->at >= last->at || !first->size || !last->size) return;
  mm_field x = {0, first->size, is_quoted(keys->split, first->data, first->size)};
  mm_field y = {0, last->size, is_quoted(keys->split, last->data, last->size)};
  if (mm_field_piece(keys->split, first->data, &x, &a, &m) &&
      mm_field_piece(keys->split, last->data, &y, &b, &n)) {
    keys->prefix = a;
    keys->prefix_size = mm_mismatch(a, b, m < n ? m : n);
  }
}

/* By what follows the prefix. */
static void rank_again(const lines_keys *keys, ext_item *item) {
  lines_key key = key_of_field(keys, item->data, item->size);
  item->rank = rank_of_line_key(keys, &key);
}

int lines_look_at_ends(lines_text *t, lines_ends *ends, mm_error *err) {
  lines_keys keys = keys_of_text(t);
  use_split(&keys);
  ext_range range = range_of_lines(&keys, NULL);
  int rc = ext_seek_ends(&line_items, &range, ends->items, err);
  if (rc) return rc;
  find_prefix(&keys, &ends->items[0], &ends->items[1]);
  ends->prefix = keys.prefix;
  ends->prefix_size = keys.prefix_size;
  if (ends->prefix_size) {
    rank_again(&keys, &ends->items[0]);
    rank_again(&keys, &ends->items[1]);
  }
  t->ends = ends;
  return MM_OK;
}

/* ---- searching ------------------------------------------------------------------------------ */

/* The other way round, where rows descend. */
static int flip(int op) {
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_LT:
      return SQLITE_INDEX_CONSTRAINT_GT;
    case SQLITE_INDEX_CONSTRAINT_LE:
      return SQLITE_INDEX_CONSTRAINT_GE;
    case SQLITE_INDEX_CONSTRAINT_GT:
      return SQLITE_INDEX_CONSTRAINT_LT;
    case SQLITE_INDEX_CONSTRAINT_GE:
      return SQLITE_INDEX_CONSTRAINT_LE;
    default:
      return op;
  }
}

static bool bounds_below(int op) {
  return op != SQLITE_INDEX_CONSTRAINT_LT && op != SQLITE_INDEX_CONSTRAINT_LE;
}

static bool bounds_above(int op) {
  return op != SQLITE_INDEX_CONSTRAINT_GT && op != SQLITE_INDEX_CONSTRAINT_GE;
}

/* Not inlined: it is large. */
static __attribute__((noinline)) int find_lines_run(const lines_keys *keys, int *luck,
                                                    const ext_edge *first, const ext_edge *last,
                                                    bool equal, int64_t *low, int64_t *high,
                                                    mm_error *err) {
  ext_range range = range_of_lines(keys, luck);
  return ext_seek_run(&line_items, &range, first, last, equal, low, high, err);
}

int lines_find(lines_text *t, int op, const lines_key *key, int *luck, uint64_t *begin,
               uint64_t *end, mm_error *err) {
  lines_keys keys = keys_of_text(t);
  int64_t low, high;
  use_split(&keys);
  if (t->table->spec.descending) op = flip(op);
  ext_edge edge = {.rank = rank_of_line_key(&keys, key),
                   .data = (const uint8_t *)(const void *)key};
  ext_edge first = edge, last = edge;
  first.given = bounds_below(op);
  first.after = op == SQLITE_INDEX_CONSTRAINT_GT;
  last.given = bounds_above(op);
  last.after = op != SQLITE_INDEX_CONSTRAINT_LT;
  int rc = find_lines_run(&keys, luck, &first, &last, op == SQLITE_INDEX_CONSTRAINT_EQ, &low, &high,
                          err);
  *begin = (uint64_t)low;
  *end = (uint64_t)high;
  return rc;
}

/* ---- values of constraints ------------------------------------------------------------------ */

/* Of k GLOB 'Inf*' SQLite makes k >= 'Inf' AND k < 'Ing', as if k were text, and looks at the GLOB
** itself after. */
static int bound_number_key(int op, sqlite3_value *value, lines_key *key) {
  int type = sqlite3_value_numeric_type(value);
  if (type == SQLITE_INTEGER || type == SQLITE_FLOAT) {
    key->class = LINES_KEY_NUMBER;
    key->whole = type == SQLITE_INTEGER;
    key->integer = sqlite3_value_int64(value);
    key->real = sqlite3_value_double(value);
    return LINES_BOUND;
  }
  key->class = type == SQLITE_TEXT ? LINES_KEY_TEXT : LINES_KEY_BLOB;
  bool glob = type == SQLITE_TEXT && op == SQLITE_INDEX_CONSTRAINT_GE;
  return glob ? LINES_ANY : LINES_BOUND;
}

/* A number is left to SQLite: it compares it as text or as a number, by where it comes from. Unless
** the value is `plain`, or a parameter, a text may be compared so too: see EXT_AFTER_NUMBERS. (All that could be a
** number is in front of all addresses.) */
static int bound_text_key(ext_conn *conn, int op, sqlite3_value *value, bool plain,
                          lines_key *key) {
  int type = sqlite3_value_type(value);
  key->class = LINES_KEY_TEXT;
  if (type == SQLITE_BLOB) return bounds_below(op) ? LINES_NOTHING : LINES_ANY;
  if (type != SQLITE_TEXT) return LINES_ANY;
  if (bounds_below(op) || plain || key->address) return LINES_BOUND;
  if (mm_compare_bytes(key->data, key->size, (const uint8_t *)EXT_AFTER_NUMBERS, 1) < 0 &&
      !ext_tab_is_parameter(conn, value)) {
    key->data = (const uint8_t *)EXT_AFTER_NUMBERS;
    key->size = 1;
  }
  return LINES_BOUND;
}

/* All blobs are above a text; of k GLOB 'a*' SQLite makes bounds all the same. */
static int bound_blob_key(int op, sqlite3_value *value, lines_key *key) {
  key->class = LINES_KEY_BLOB;
  if (sqlite3_value_type(value) == SQLITE_BLOB) return LINES_BOUND;
  return op == SQLITE_INDEX_CONSTRAINT_EQ ? LINES_NOTHING : LINES_ANY;
}

static int take_bytes(sqlite3_value *value, lines_key *key, mm_error *err) {
  static const uint8_t nothing[1] = {0};
  int type = sqlite3_value_type(value);
  if (type != SQLITE_TEXT && type != SQLITE_BLOB) return MM_OK;
  const void *data = type == SQLITE_TEXT ? sqlite3_value_text(value) : sqlite3_value_blob(value);
  int size = sqlite3_value_bytes(value);
  if (!data && (size || type == SQLITE_TEXT)) return mm_fail_nomem(err);
  key->data = data ? data : nothing;
  key->size = (uint64_t)size;
  return MM_OK;
}

int lines_key_of_value(const lines_table *table, int op, sqlite3_value *value, bool plain,
                       lines_key *key, int *rc, mm_error *err) {
  int type = lines_key_type(&table->spec);
  *key = (lines_key){.raw = false};
  *rc = MM_OK;
  if (sqlite3_value_type(value) == SQLITE_NULL) return LINES_NOTHING;
  if (is_numeric(type)) {
    int bound = bound_number_key(op, value, key);
    if (key->class != LINES_KEY_NUMBER) *rc = take_bytes(value, key, err);
    return bound;
  }
  *rc = take_bytes(value, key, err);
  if (*rc) return LINES_ANY;
  if (type == LINES_AS_BLOB) return bound_blob_key(op, value, key);
  if (type == LINES_AS_IPV4) read_address(key, key->data, key->size);
  return bound_text_key(table->tab.conn, op, value, plain, key);
}

/* ---- checking ------------------------------------------------------------------------------- */

int lines_check_place(lines_text *t, uint64_t place, mm_error *err) {
  lines_keys keys = keys_of_text(t);
  use_split(&keys);
  ext_range range = range_of_lines(&keys, NULL);
  return ext_seek_check_place(&line_items, &range, (int64_t)place, err);
}

/* The row's key again: of match= by another match. */
static int item_again(const lines_keys *keys, const lines_row *row, ext_item *item, mm_error *err) {
  if (!keys->t->table->spec.pattern) return item_of_line(keys, row->start, row, item, err);
  return look_at_line(keys, (int64_t)row->start, item, err);
}

int lines_check_pair(lines_text *t, const lines_row *row, const lines_row *later, mm_error *err) {
  lines_keys keys = keys_of_text(t);
  ext_item a, b;
  use_split(&keys);
  int rc = item_again(&keys, row, &a, err);
  if (rc == MM_OK) rc = item_again(&keys, later, &b, err);
  return rc ? rc : ext_seek_check(&line_items, &keys, &a, &b, err);
}

int lines_accept(lines_text *t, const lines_row *last, const lines_row *row, mm_error *err) {
  const lines_spec *spec = &t->table->spec;
  mm_error inner;
  int rc = lines_check_pair(t, last, row, &inner);
  if (rc != MM_DAMAGED) return rc ? mm_fail(err, rc, "%s", inner.text) : MM_OK;
  return mm_fail(err, MM_CONSTRAINT,
                 "'%s' would break the order: the last line, at offset %llu, "
                 "comes behind it",
                 spec->key >= 0 ? spec->columns[spec->key].name : "text",
                 (unsigned long long)(t->at + last->start));
}

/* ---- mmap_check ----------------------------------------------------------------------------- */

/* Between two looks at whether to go on there are so many bytes, of many lines or of few. */
static int check_goes_on(const lines_text *t, uint64_t size, uint64_t *unasked, mm_error *err) {
  *unasked += size;
  if (*unasked < MM_PIECE) return MM_OK;
  *unasked = 0;
  bool stopped = ext_conn_interrupted(t->table->tab.conn);
  return stopped ? mm_fail(err, MM_INTERRUPT, "interrupted") : MM_OK;
}

static int check_all_lines(lines_text *t, mm_error *err) {
  lines_row last = {0}, now;
  uint64_t unasked = 0;
  int rc = lines_begin(t, err);
  if (rc == MM_OK) rc = lines_next(t, t->first, t->size, &last, err);
  /* A row alone must have its key, too. */
  if (rc == MM_OK && last.start < t->size) rc = lines_check_pair(t, &last, &last, err);
  while (rc == MM_OK && last.next < t->size) {
    rc = lines_next(t, last.next, t->size, &now, err);
    if (rc || now.start == t->size) break;
    rc = lines_check_pair(t, &last, &now, err);
    if (rc == MM_OK) rc = check_goes_on(t, now.next - last.next, &unasked, err);
    last = now;
  }
  return rc;
}

static int open_checked(const lines_table *table, ext_reads *reads, int argc, sqlite3_value **argv,
                        ext_source *file, mm_error *err) {
  if (table->spec.path) {
    int rc = ext_tab_no_arguments(argc, err);
    if (rc == MM_OK) rc = lines_open_file(table, reads, &file->object, err);
    if (rc == MM_OK) lines_use_window(table, file);
    return rc;
  }
  if (argc != 1 || sqlite3_value_type(argv[0]) == SQLITE_NULL) {
    return mm_fail(err, MM_ERROR, "'%s' is checked in a file: mmap_check('%s', file)", table->name,
                   table->name);
  }
  return ext_source_use(table->tab.conn, file, reads, argv[0], err);
}

int lines_check(ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
                char **finding, mm_error *err) {
  const lines_table *table = checked->table;
  ext_source file = {.object = NULL};
  mm_error fault;
  *finding = NULL;
  int rc = open_checked(table, reads, argc, argv, &file, err);
  if (rc) {
    ext_source_clear(&file);
    return rc;
  }
  lines_text t;
  lines_look(&t, table, &file);
  if (table->spec.sorted) rc = check_all_lines(&t, err);
  if (mm_object_faulted(file.object->core, &fault)) {
    *err = fault;
    rc = fault.code;
  } else if (rc == MM_DAMAGED) {
    *finding = sqlite3_mprintf("%s", err->text);
    rc = *finding ? MM_OK : mm_fail_nomem(err);
  }
  ext_source_clear(&file);
  return rc;
}
