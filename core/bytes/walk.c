#include "core/bytes/walk.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/bits.h"
#include "core/bytes/varlen.h"
#include "core/common/mem.h"

/* Room for a text that is made, one for each column, as an expression may read several. */
struct mm_walk_text {
  uint8_t *bytes;
  uint64_t size;
};

/* ---- damage ---------------------------------------------------------------------------------- */

#define SENTENCE_MAX 600

static int walk_damage(const mm_walk *walk, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static int walk_damage(const mm_walk *walk, const char *format, ...) {
  char text[SENTENCE_MAX];
  va_list arguments;
  va_start(arguments, format);
  (void)vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return mm_fail(walk->err, MM_DAMAGED, "record %lld at offset %llu: %s", (long long)walk->rowid,
                 (unsigned long long)walk->offset, text);
}

static const char *column_name(const mm_walk *walk, size_t i) {
  return walk->layout->columns[i].name;
}

/* What an expression of a column could not be evaluated for, if that is damage. */
static int column_damage(const mm_walk *walk, size_t i, int rc, const mm_error *inner) {
  if (rc != MM_DAMAGED) {
    *walk->err = *inner;
    return rc;
  }
  return walk_damage(walk, "column '%s': %s", column_name(walk, i), inner->text);
}

/* ---- values ---------------------------------------------------------------------------------- */

mm_type mm_walk_type(const mm_walk *walk, size_t column) {
  mm_type type = walk->layout->columns[column].type;
  if (walk->layout->columns[column].size) type.size = (uint32_t)walk->places[column].size;
  mm_type_close(&type, walk->big_endian);
  return type;
}

static int make_text(const mm_walk *walk, size_t i, mm_type type, const uint8_t *bytes,
                     mm_value *value, mm_error *err) {
  struct mm_walk_text *text = &walk->texts[i];
  uint64_t size = mm_type_buffer(type);
  if (size > text->size) {
    uint8_t *more = mm_realloc(text->bytes, size);
    if (!more) return mm_fail_nomem(err);
    text->bytes = more;
    text->size = size;
  }
  *value = mm_type_decode(type, bytes, text->bytes);
  return MM_OK;
}

/* What was computed with the record may point into the file, which may have moved since, or have
** become shorter. */
static void follow_file(const mm_walk *walk, mm_value *value) {
  uintptr_t base = (uintptr_t)walk->found_in, data = (uintptr_t)value->data;
  bool bytes = value->kind == MM_VALUE_TEXT || value->kind == MM_VALUE_BLOB;
  if (!bytes || data < base || data - base >= walk->found_size) return;
  uint64_t at = data - base;
  if (at > walk->size || value->size > walk->size - at) {
    *value = (mm_value){.kind = MM_VALUE_NULL};
  } else {
    value->data = walk->data + at;
  }
}

static int walk_compute(mm_walk *walk, size_t i, mm_value *value, mm_error *err) {
  const mm_layout_column *column = &walk->layout->columns[i];
  if (column->needed) {
    *value = walk->computed[i];
    if (walk->data != walk->found_in || walk->size < walk->found_size) follow_file(walk, value);
    return MM_OK;
  }
  walk->pos = walk->places[i].at;
  return mm_expr_eval(column->value, &walk->frame, value, err);
}

static int read_column(mm_walk *walk, size_t i, mm_value *value, mm_error *err) {
  const mm_layout_column *column = &walk->layout->columns[i];
  const mm_walk_place *place = &walk->places[i];
  if (column->computed) return walk_compute(walk, i, value, err);
  *value = (mm_value){.kind = MM_VALUE_NULL};
  if (!place->present || place->at + place->size > walk->size) return MM_OK; /* cut meanwhile */
  mm_type type = mm_walk_type(walk, i);
  const uint8_t *bytes = walk->data + place->at;
  if (type.kind == MM_BLOB) { /* of more than a type can say, too */
    *value = (mm_value){.kind = MM_VALUE_BLOB, .data = bytes, .size = place->size};
  } else if (type.kind <= MM_SIGNED) {
    *value = (mm_value){.kind = MM_VALUE_INTEGER, .integer = mm_type_integer(type, bytes)};
  } else if (type.kind == MM_BITS) {
    *value =
        (mm_value){.kind = MM_VALUE_INTEGER, .integer = mm_bits_decode(type, bytes, place->bit)};
  } else if (mm_type_is_variable(type)) {
    *value = mm_varlen_decode(type, bytes, place->size);
  } else {
    return make_text(walk, i, type, bytes, value, err);
  }
  return MM_OK;
}

int mm_walk_value(mm_walk *walk, size_t column, mm_value *value, mm_error *err) {
  *value = (mm_value){.kind = MM_VALUE_NULL};
  mm_walk_find_places(walk);
  if (column >= walk->found) return MM_OK;
  mm_error inner;
  int rc = read_column(walk, column, value, &inner);
  walk->err = err;
  return rc ? column_damage(walk, column, rc, &inner) : MM_OK;
}

static int get_slot(void *context, int slot, mm_value *value, mm_error *err) {
  mm_walk *walk = context;
  size_t i = (size_t)slot, count = walk->layout->count;
  if (i < count) return read_column(walk, i, value, err);
  const uint64_t numbers[MM_NAMES] = {walk->offset, walk->pos,  walk->start,
                                      walk->stop,   walk->size, (uint64_t)walk->rowid};
  *value = (mm_value){.kind = MM_VALUE_INTEGER, .integer = (int64_t)numbers[i - count]};
  return MM_OK;
}

/* ---- opening --------------------------------------------------------------------------------- */

int mm_walk_open(mm_walk *walk, const mm_layout *layout, mm_error *err) {
  *walk = (mm_walk){.layout = layout, .rowid = -1};
  walk->places = mm_alloc_zeroed((layout->count + 1) * sizeof *walk->places);
  walk->texts = mm_alloc_zeroed((layout->count + 1) * sizeof *walk->texts);
  walk->computed = mm_alloc_zeroed((layout->count + 1) * sizeof *walk->computed);
  if (walk->places && walk->texts && walk->computed) return MM_OK;
  mm_walk_close(walk);
  return mm_fail_nomem(err);
}

void mm_walk_close(mm_walk *walk) {
  for (size_t i = 0; walk->texts && i < walk->layout->count; i++) mm_free(walk->texts[i].bytes);
  mm_free(walk->places);
  mm_free(walk->texts);
  mm_free(walk->computed);
  mm_expr_frame_free(&walk->frame);
  *walk = (mm_walk){.rowid = -1};
}

int mm_walk_begin(mm_walk *walk, uint64_t start, uint64_t stop, bool big_endian, mm_error *err) {
  if (stop > walk->size) stop = walk->size;
  walk->start = start;
  walk->stop = stop;
  walk->big_endian = big_endian;
  mm_walk_jump(walk, 0, start);
  if (start <= walk->size) return MM_OK;
  walk->done = true;
  return mm_fail(err, MM_DAMAGED, "start %llu is past the end (%llu bytes)",
                 (unsigned long long)start, (unsigned long long)walk->size);
}

void mm_walk_jump(mm_walk *walk, int64_t rowid, uint64_t offset) {
  walk->rowid = rowid - 1;
  walk->offset = walk->next = offset;
  walk->done = walk->ended = walk->builds = false;
  walk->found = 0;
  walk->placed = true;
  walk->near = 0;
}

/* ---- finding the columns --------------------------------------------------------------------- */

/* An expression of a column that is to be a number, 0 or more. */
static int eval_size(mm_walk *walk, size_t i, const mm_expr *expr, const char *what,
                     uint64_t *number) {
  mm_error inner;
  mm_value value;
  int rc = mm_expr_eval(expr, &walk->frame, &value, &inner);
  if (rc) return column_damage(walk, i, rc, &inner);
  int64_t n = value.integer;
  if (value.kind == MM_VALUE_NULL) {
    return walk_damage(walk, "column '%s': its %s is NULL", column_name(walk, i), what);
  }
  if (value.kind != MM_VALUE_INTEGER && !mm_value_integer(&value, &n)) {
    return walk_damage(walk, "column '%s': its %s is no integer", column_name(walk, i), what);
  }
  if (n < 0) {
    return walk_damage(walk, "column '%s': its %s is %lld", column_name(walk, i), what,
                       (long long)n);
  }
  *number = (uint64_t)n;
  return MM_OK;
}

/* The bytes from `at` on that the column may take. */
static uint64_t room_from(const mm_walk *walk, const mm_layout_column *column, uint64_t at) {
  uint64_t limit = column->place == MM_PLACE_FILE ? walk->size : walk->stop;
  return at < limit ? limit - at : 0;
}

static int check_room(const mm_walk *walk, size_t i, uint64_t at, uint64_t size) {
  const mm_layout_column *column = &walk->layout->columns[i];
  uint64_t limit = column->place == MM_PLACE_FILE ? walk->size : walk->stop;
  if (at <= limit && size <= limit - at) return MM_OK;
  if (walk->builds && at <= INT64_MAX && size <= INT64_MAX - at) return MM_OK;
  if (at > limit) {
    return walk_damage(walk, "column '%s': its place, %llu, is past the end at %llu", column->name,
                       (unsigned long long)at, (unsigned long long)limit);
  }
  return walk_damage(walk, "column '%s': %llu bytes at %llu end past %llu", column->name,
                     (unsigned long long)size, (unsigned long long)at, (unsigned long long)limit);
}

static int find_start(mm_walk *walk, size_t i, uint64_t *at) {
  const mm_layout_column *column = &walk->layout->columns[i];
  uint64_t base = column->place == MM_PLACE_RECORD ? walk->offset : 0, n = column->at;
  if (column->place == MM_PLACE_AFTER) return MM_OK; /* it is there already */
  int rc = column->where ? eval_size(walk, i, column->where, "place", &n) : MM_OK;
  if (rc) return rc;
  if (n > UINT64_MAX / 2) return check_room(walk, i, n, 0);
  *at = base + n;
  return MM_OK;
}

/* The b-column before, counted from 1, whatever is without bytes between; 0: there is none. */
static size_t bits_before(const mm_walk *walk, size_t i) {
  const mm_layout_column *columns = walk->layout->columns;
  while (i > 0) {
    bool bits = !columns[i - 1].computed && columns[i - 1].type.kind == MM_BITS;
    if (!bits && !columns[i - 1].computed) return 0;
    if (bits && walk->places[i - 1].present) return i;
    i--;
  }
  return 0;
}

/* Bits go on where the b-column before has ended, if it was one of the same order. */
static void find_bit_field(const mm_walk *walk, size_t i, uint64_t *at, mm_walk_place *place) {
  mm_type type = mm_walk_type(walk, i);
  bool after = walk->layout->columns[i].place == MM_PLACE_AFTER;
  size_t n = after ? bits_before(walk, i) : 0;
  place->bit = 0;
  if (n && mm_walk_type(walk, n - 1).big_endian == type.big_endian) {
    place->bit = walk->places[n - 1].bit + walk->layout->columns[n - 1].type.bits;
    *at = walk->places[n - 1].at;
  }
  *at += place->bit / 8;
  place->bit %= 8;
  place->size = mm_bits_bytes(place->bit + type.bits);
}

static int find_bytes(mm_walk *walk, size_t i, uint64_t at, uint64_t *size) {
  const mm_layout_column *column = &walk->layout->columns[i];
  mm_error inner;
  *size = column->type.size;
  if (column->size) {
    int rc = eval_size(walk, i, column->size, "size", size);
    mm_type type = column->type;
    bool fits = rc == MM_OK && mm_type_set_count(&type, *size);
    if (rc == MM_OK && !fits && column->type.kind != MM_BLOB) {
      rc = walk_damage(walk, "column '%s': its size is %llu", column->name,
                       (unsigned long long)*size);
    }
    if (rc) return rc;
    if (column->type.kind == MM_ARRAY) *size = type.size;
  } else if (mm_type_is_variable(column->type) && walk->builds) {
    *size = walk->extent;
  } else if (mm_type_is_variable(column->type)) {
    int rc = mm_type_extent(mm_walk_type(walk, i), walk->data + at, room_from(walk, column, at),
                            &walk->watch, size, &inner);
    if (rc) return column_damage(walk, i, rc, &inner);
  }
  return MM_OK;
}

static int find_present(mm_walk *walk, size_t i, bool *present) {
  const mm_layout_column *column = &walk->layout->columns[i];
  mm_error inner;
  mm_value value;
  *present = true;
  if (!column->present) return MM_OK;
  int rc = mm_expr_eval(column->present, &walk->frame, &value, &inner);
  if (rc) return column_damage(walk, i, rc, &inner);
  *present = mm_expr_true(&value);
  return MM_OK;
}

static int find_placed(mm_walk *walk, size_t i) {
  const mm_layout_column *column = &walk->layout->columns[i];
  mm_walk_place *place = &walk->places[i];
  uint64_t at = walk->pos;
  int rc = find_present(walk, i, &place->present);
  *place = (mm_walk_place){.at = at, .present = place->present};
  if (rc || !place->present) return rc;
  rc = find_start(walk, i, &at);
  if (rc) return rc;
  walk->pos = at;
  if (column->type.kind == MM_BITS) {
    find_bit_field(walk, i, &at, place);
  } else {
    rc = check_room(walk, i, at, 0);
    if (rc == MM_OK) rc = find_bytes(walk, i, at, &place->size);
  }
  if (rc == MM_OK) rc = check_room(walk, i, at, place->size);
  place->at = at;
  walk->pos = at + place->size;
  if (rc == MM_OK && column->place != MM_PLACE_FILE && walk->pos > walk->end) walk->end = walk->pos;
  return rc;
}

/* A computed column that others need is computed here, once. */
static int find_computed(mm_walk *walk, size_t i) {
  const mm_layout_column *column = &walk->layout->columns[i];
  mm_error inner;
  walk->places[i] = (mm_walk_place){.at = walk->pos, .present = true};
  if (!column->needed) return MM_OK;
  int rc = mm_expr_eval(column->value, &walk->frame, &walk->computed[i], &inner);
  return rc ? column_damage(walk, i, rc, &inner) : MM_OK;
}

/* Bytes of a column that follows the one before, as most do. False: it is found the long way, which
** also says what is wrong with it. */
static inline bool measure_simple(const mm_walk *walk, const mm_layout_column *column,
                                  uint64_t *size) {
  *size = column->type.size;
  if (column->plain) return true;
  if (column->counter < 0) return false;
  const mm_layout_column *counter = &walk->layout->columns[column->counter];
  *size = (uint64_t)mm_type_integer(counter->type, walk->data + walk->places[column->counter].at);
  return *size <= MM_TYPE_MAX;
}

static int find_walk_column(mm_walk *walk, size_t i) {
  const mm_layout_column *column = &walk->layout->columns[i];
  uint64_t at = walk->pos, size;
  if (!measure_simple(walk, column, &size) || at > walk->stop || size > walk->stop - at) {
    return column->computed ? find_computed(walk, i) : find_placed(walk, i);
  }
  walk->places[i] = (mm_walk_place){at, size, 0, true};
  walk->pos = at + size;
  if (walk->pos > walk->end) walk->end = walk->pos;
  return MM_OK;
}

/* ---- options --------------------------------------------------------------------------------- */

static int eval_option(mm_walk *walk, int option, const char *name, mm_value *value) {
  mm_error inner;
  int rc = mm_expr_eval(walk->layout->options[option], &walk->frame, value, &inner);
  if (rc == MM_DAMAGED) return walk_damage(walk, "%s: %s", name, inner.text);
  if (rc) *walk->err = inner;
  return rc;
}

/* Is the record there at all? Asked as soon as the columns that `while` reads are found. */
static int judge_while(mm_walk *walk, size_t found) {
  mm_value value;
  if (!walk->layout->options[MM_LAYOUT_WHILE] || walk->layout->judged[MM_LAYOUT_WHILE] != found) {
    return MM_OK;
  }
  int rc = eval_option(walk, MM_LAYOUT_WHILE, "while", &value);
  if (rc == MM_OK) walk->done = !mm_expr_true(&value);
  return rc;
}

static int is_counted_out(mm_walk *walk) {
  mm_value value;
  if (!walk->layout->options[MM_LAYOUT_COUNT]) return MM_OK;
  int rc = eval_option(walk, MM_LAYOUT_COUNT, "count", &value);
  int64_t n = 0;
  if (rc || value.kind == MM_VALUE_NULL) return rc; /* it says nothing */
  if (!mm_value_integer(&value, &n)) return walk_damage(walk, "count is no integer");
  walk->done = walk->rowid >= n;
  return MM_OK;
}

/* Bytes of the record. */
static inline int measure(mm_walk *walk, uint64_t *size) {
  mm_value value;
  uint64_t used = walk->end - walk->offset;
  *size = used;
  if (walk->layout->options[MM_LAYOUT_RECORD]) {
    int rc = eval_option(walk, MM_LAYOUT_RECORD, "record", &value);
    if (rc) return rc;
    int64_t n = 0;
    if (value.kind == MM_VALUE_NULL || !mm_value_integer(&value, &n)) {
      return walk_damage(walk, "its size is %s",
                         value.kind == MM_VALUE_NULL ? "NULL" : "no integer");
    }
    if (n < 0 || (uint64_t)n < used) {
      return walk_damage(walk, "its size is %lld, and its columns take %llu bytes", (long long)n,
                         (unsigned long long)used);
    }
    *size = (uint64_t)n;
  }
  if (*size == 0) return walk_damage(walk, "it takes no bytes");
  if (walk->builds) return MM_OK;
  uint64_t left = walk->stop - walk->offset;
  if (*size <= left) return MM_OK;
  return walk_damage(walk, "its %llu bytes end past %llu", (unsigned long long)*size,
                     (unsigned long long)walk->stop);
}

/* Padding that the end cuts off is no damage. */
static void find_next(mm_walk *walk, uint64_t size) {
  uint64_t align = walk->layout->align, left = walk->stop - walk->offset;
  if (!align) {
    walk->next = walk->offset + size;
    return;
  }
  uint64_t padding = align > 1 ? (align - size % align) % align : 0;
  walk->next = walk->offset + (padding > left - size ? left : size + padding);
}

static int judge_record(mm_walk *walk) {
  mm_value value;
  if (walk->layout->options[MM_LAYOUT_CHECK]) {
    int rc = eval_option(walk, MM_LAYOUT_CHECK, "check", &value);
    if (rc) return rc;
    if (value.kind != MM_VALUE_NULL && !mm_expr_true(&value)) {
      return walk_damage(walk, "its check fails");
    }
  }
  if (walk->layout->options[MM_LAYOUT_UNTIL]) {
    int rc = eval_option(walk, MM_LAYOUT_UNTIL, "until", &value);
    if (rc) return rc;
    walk->ended = mm_expr_true(&value);
  }
  return MM_OK;
}

/* ---- from record to record ------------------------------------------------------------------- */

static int find_record(mm_walk *walk) {
  const mm_layout *layout = walk->layout;
  bool judged = layout->options[MM_LAYOUT_WHILE] != NULL;
  uint64_t size = 0;
  walk->found = 0;
  int rc = judged ? judge_while(walk, 0) : MM_OK;
  while (rc == MM_OK && !walk->done && walk->found < layout->count) {
    rc = find_walk_column(walk, walk->found);
    if (rc == MM_OK) walk->found++;
    if (rc == MM_OK && judged) rc = judge_while(walk, walk->found);
  }
  if (rc || walk->done) return rc;
  rc = measure(walk, &size);
  if (rc) return rc;
  find_next(walk, size);
  return judge_record(walk);
}

static inline void begin_record(mm_walk *walk, mm_error *err) {
  walk->frame.get = get_slot;
  walk->frame.context = walk;
  walk->err = err;
  if (walk->frame.first) mm_expr_frame_reset(&walk->frame);
  walk->found_in = walk->data;
  walk->found_size = walk->size;
  walk->rowid++;
  walk->offset = walk->pos = walk->end = walk->next;
}

/* The places of a record of a simple layout at `at`. What one record waits for from the one before
** stays in registers, as far as it can: a size is mostly the column before. Returns how many there
** are, *end being behind the last. */
static inline size_t place_simple(mm_walk *walk, uint64_t at, uint64_t *end) {
  const mm_layout *layout = walk->layout;
  const mm_layout_column *column = layout->columns;
  mm_walk_place *places = walk->places;
  uint64_t before = at, stop = walk->stop, size;
  int i = 0;
  for (int n = (int)layout->count; i < n; i++, column++) {
    size = column->type.size;
    if (!column->plain) {
      const mm_type type = layout->columns[column->counter].type;
      uint64_t counter = column->counter == i - 1 ? before : places[column->counter].at;
      size = (uint64_t)mm_type_integer(type, walk->data + counter);
      if (size > MM_TYPE_MAX) break;
    }
    if (size > stop - at) break;
    places[i] = (mm_walk_place){at, size, 0, true};
    before = at;
    at += size;
  }
  *end = at;
  return (size_t)i;
}

/* Most records of most files. False: this is another one, or what is wrong with it is to be said. */
static inline bool step_simple(mm_walk *walk) {
  uint64_t stop = walk->stop, end;
  if (!walk->layout->simple || walk->ended || walk->next >= stop || stop > walk->size) return false;
  if (place_simple(walk, walk->next, &end) < walk->layout->count || end == walk->next) return false;
  walk->rowid++;
  walk->offset = walk->next;
  walk->next = end;
  walk->found = walk->layout->count;
  return true;
}

void mm_walk_find_places(mm_walk *walk) {
  uint64_t end;
  if (walk->placed) return;
  walk->placed = true;
  walk->found = 0;
  if (walk->stop <= walk->size) walk->found = place_simple(walk, walk->offset, &end);
}

/* No page is smaller. */
#define PAGE_LEAST 4096

void mm_walk_quicken(mm_walk *walk, uint64_t last_place) {
  const mm_layout *layout = walk->layout;
  walk->near = 0;
  if (!layout->steady || walk->done || walk->stop > walk->size) return;
  uint64_t page = PAGE_LEAST - ((uintptr_t)(walk->data + walk->offset) & (PAGE_LEAST - 1));
  uint64_t left = walk->stop - walk->offset, end = walk->offset + (left < page ? left : page);
  uint64_t counts = layout->count_at + layout->counter.size;
  if (end < counts) return;
  walk->near = end - counts + 1;
  if (last_place < walk->near) walk->near = last_place + 1;
}

/* Apart, so that the simple ones need not make room for what it needs. */
static __attribute__((noinline)) int step_any(mm_walk *walk, mm_error *err) {
  if (walk->stop > walk->size) walk->stop = walk->size;
  begin_record(walk, err);
  walk->done = walk->ended || walk->offset >= walk->stop;
  int rc = walk->done ? MM_OK : is_counted_out(walk);
  if (rc == MM_OK && !walk->done) rc = find_record(walk);
  if (rc == MM_DAMAGED) walk->ended = true; /* there is no way on from it */
  return rc;
}

int mm_walk_step(mm_walk *walk, mm_error *err) {
  walk->near = 0;
  walk->placed = true;
  if (walk->done || step_simple(walk)) return MM_OK;
  return step_any(walk, err);
}

/* ---- a record that is not there yet ---------------------------------------------------------- */

void mm_walk_build(mm_walk *walk) {
  mm_error ignored;
  begin_record(walk, &ignored);
  walk->err = NULL;
  walk->done = walk->ended = false;
  walk->builds = walk->placed = true;
  walk->found = 0;
}

int mm_walk_build_column(mm_walk *walk, uint64_t extent, mm_error *err) {
  walk->err = err;
  walk->extent = extent;
  walk->found_in = walk->data;
  walk->found_size = walk->size;
  size_t i = walk->found;
  int rc = walk->layout->columns[i].computed ? find_computed(walk, i) : find_placed(walk, i);
  if (rc == MM_OK) walk->found++;
  return rc;
}

int mm_walk_build_end(mm_walk *walk, uint64_t *size, mm_error *err) {
  walk->err = err;
  walk->done = true;
  return measure(walk, size);
}
