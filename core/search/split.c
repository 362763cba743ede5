#include "core/search/split.h"

#include <string.h>

#include "core/search/lanes.h"

/* Up to three bytes that are looked for; those that are not needed are one of the others. */
typedef struct marks {
  uint8_t bytes[3];
} marks;

/* Separators and quotes: what stands between the parts of a row. */
static marks marks_of_fields(const mm_split *split) {
  uint8_t first = split->kind == MM_SPLIT_BLANKS ? ' '
                  : split->kind == MM_SPLIT_AT   ? split->separator
                                                 : split->quote;
  uint8_t second = split->kind == MM_SPLIT_BLANKS ? '\t' : first;
  return (marks){{first, second, split->quotes ? split->quote : first}};
}

static mm_lane marked(const uint8_t *p, mm_lane a, mm_lane b, mm_lane c) {
  mm_lane bytes = mm_lane_load(p), all = mm_lane_splat(0xff);
  mm_lane two = mm_lane_either(mm_lane_test(bytes, all, a), mm_lane_test(bytes, all, b));
  return mm_lane_either(two, mm_lane_test(bytes, all, c));
}

/* Which of the 64 bytes from p on, of which `left` are there, are marks? */
static uint64_t marks_in(const marks *m, const uint8_t *p, uint64_t left) {
  if (left < MM_LANES) {
    uint64_t bits = 0;
    for (uint64_t k = 0; k < left; k++) {
      uint8_t b = p[k];
      bits |= (uint64_t)(b == m->bytes[0] || b == m->bytes[1] || b == m->bytes[2]) << k;
    }
    return bits;
  }
  mm_lane a = mm_lane_splat(m->bytes[0]), b = mm_lane_splat(m->bytes[1]);
  mm_lane c = mm_lane_splat(m->bytes[2]);
  return mm_lanes_bits(marked(p, a, b, c), marked(p + 16, a, b, c), marked(p + 32, a, b, c),
                       marked(p + 48, a, b, c));
}

static bool separates(const mm_split *split, uint8_t byte) {
  if (split->kind == MM_SPLIT_BLANKS) return byte == ' ' || byte == '\t';
  return split->kind == MM_SPLIT_AT && byte == split->separator;
}

/* ---- rows ----------------------------------------------------------------------------------- */

/* Inside of quotes, or not. */
typedef struct quoting {
  bool open;
  uint64_t second; /* the second one of two quotes that stand for one is here */
} quoting;

/* The quote at `i`, before which there is the field's beginning or not. `end`: no byte is looked at
** from there on. */
static void take_quote(quoting *q, const uint8_t *data, uint64_t i, uint64_t end, bool begins) {
  if (!q->open) {
    q->open = begins;
  } else if (i != q->second) {
    if (i + 1 < end && data[i + 1] == data[i]) {
      q->second = i + 1;
    } else {
      q->open = false;
    }
  }
}

uint64_t mm_split_row(const mm_split *split, const uint8_t *data, uint64_t size, uint64_t start,
                      const mm_watch *watch, bool *open) {
  const marks m = {{'\n', '\n', split->quotes ? split->quote : '\n'}};
  quoting q = {false, UINT64_MAX};
  for (uint64_t base = start; base < size; base += MM_LANES) {
    uint64_t bits = marks_in(&m, data + base, size - base);
    for (; bits; bits &= bits - 1) {
      uint64_t i = base + mm_lanes_first(bits);
      if (data[i] != '\n') {
        take_quote(&q, data, i, size, i == start || separates(split, data[i - 1]));
      } else if (!q.open) {
        *open = false;
        return i + 1;
      }
    }
    uint64_t done = base - start;
    if (done % MM_PIECE == MM_PIECE - MM_LANES && mm_watch_stops(watch, done)) return UINT64_MAX;
  }
  *open = q.open;
  return size;
}

#define NEAR_LANES ((uint64_t)64 * MM_LANES)

static inline mm_lane is_either(const uint8_t *p, mm_lane a, mm_lane b) {
  mm_lane bytes = mm_lane_load(p), all = mm_lane_splat(0xff);
  return mm_lane_either(mm_lane_test(bytes, all, a), mm_lane_test(bytes, all, b));
}

/* Whole blocks alone: who has none left is near the end. */
uint64_t mm_split_line(const mm_split *split, const uint8_t *data, uint64_t size, uint64_t start) {
  mm_lane a = mm_lane_splat('\n'), b = mm_lane_splat(split->quotes ? split->quote : '\n');
  uint64_t end = size - start > NEAR_LANES ? start + NEAR_LANES : size;
  for (uint64_t at = start; end - at >= MM_LANES; at += MM_LANES) {
    const uint8_t *p = data + at;
    uint64_t bits = mm_lanes_bits(is_either(p, a, b), is_either(p + 16, a, b),
                                  is_either(p + 32, a, b), is_either(p + 48, a, b));
    if (!bits) continue;
    at += mm_lanes_first(bits);
    return data[at] == '\n' ? at + 1 : 0;
  }
  return 0;
}

/* ---- fields --------------------------------------------------------------------------------- */

static bool is_last_blank(const mm_split *split, const mm_splitting *s, uint64_t field) {
  return split->kind == MM_SPLIT_BLANKS && field == s->end && s->count > 0;
}

/* The row's last field, and its end. */
static void split_last(const mm_split *split, mm_splitting *s, mm_field *fields, bool quoted) {
  if (!is_last_blank(split, s, s->at)) fields[s->count++] = (mm_field){s->at, s->end, quoted};
  s->ended = true;
}

void mm_split_on(const mm_split *split, const uint8_t *data, uint64_t size, mm_splitting *s,
                 mm_field *fields, unsigned wanted) {
  const marks m = marks_of_fields(split);
  quoting q = {false, UINT64_MAX};
  bool quoted = false, one = split->kind == MM_SPLIT_WHOLE && !split->quotes;
  if (s->ended || s->count >= wanted) return;
  for (uint64_t base = s->at; !one && base < s->end; base += MM_LANES) {
    uint64_t bits = marks_in(&m, data + base, size - base);
    if (s->end - base < MM_LANES) bits &= ((uint64_t)1 << (s->end - base)) - 1;
    for (; bits; bits &= bits - 1) {
      uint64_t i = base + mm_lanes_first(bits);
      if (split->quotes && data[i] == split->quote) {
        if (i == s->at) quoted = true;
        take_quote(&q, data, i, s->end, i == s->at);
      } else if (!q.open && split->kind == MM_SPLIT_BLANKS && i == s->at) {
        s->at = i + 1;
      } else if (!q.open) {
        fields[s->count++] = (mm_field){s->at, i, quoted};
        s->at = i + 1;
        quoted = false;
        if (s->count == wanted) return;
      }
    }
  }
  split_last(split, s, fields, quoted);
}

bool mm_split_rest(const mm_split *split, const uint8_t *data, const mm_splitting *s,
                   uint64_t *start) {
  *start = s->at;
  if (s->ended) return false;
  if (split->kind != MM_SPLIT_BLANKS) return true;
  while (*start < s->end && separates(split, data[*start])) ++*start;
  return *start < s->end;
}

/* ---- what a field says ---------------------------------------------------------------------- */

bool mm_field_piece(const mm_split *split, const uint8_t *data, const mm_field *field,
                    const uint8_t **text, uint64_t *length) {
  *text = data + field->start;
  *length = field->end - field->start;
  if (!field->quoted) return true;
  const uint8_t *inside = data + field->start + 1;
  size_t left = (size_t)(field->end - field->start - 1);
  const uint8_t *close = left ? memchr(inside, split->quote, left) : NULL;
  *text = inside;
  *length = close ? (uint64_t)(close - inside) : left;
  return !close || *length == left - 1;
}

/* The characters that a field says, one by one. */
typedef struct field_walk {
  const uint8_t *data;
  mm_field field;
  uint64_t at;
  quoting q;
} field_walk;

static field_walk walk_of(const uint8_t *data, mm_field field) {
  return (field_walk){data, field, field.start, {false, UINT64_MAX}};
}

/* -1: no more. */
static int next_byte(const mm_split *split, field_walk *w) {
  while (w->at < w->field.end) {
    uint64_t i = w->at++;
    bool quote = w->field.quoted && w->data[i] == split->quote;
    bool first = i == w->field.start, inside = w->q.open, second = i == w->q.second;
    if (quote) take_quote(&w->q, w->data, i, w->field.end, first);
    bool mark = quote && (inside ? !second : first);
    if (!mark) return w->data[i];
  }
  return -1;
}

uint64_t mm_field_join(const mm_split *split, const uint8_t *data, const mm_field *field,
                       uint8_t *room) {
  field_walk w = walk_of(data, *field);
  uint64_t size = 0;
  for (int byte; (byte = next_byte(split, &w)) >= 0;) room[size++] = (uint8_t)byte;
  return size;
}

uint64_t mm_field_part(const mm_split *split, const uint8_t *data, const mm_field *field,
                       uint64_t from, uint8_t *room, uint64_t most) {
  field_walk w = walk_of(data, *field);
  uint64_t size = 0;
  for (int byte; size < most && (byte = next_byte(split, &w)) >= 0;) {
    if (from == 0) room[size++] = (uint8_t)byte;
    if (from > 0) from--;
  }
  return size;
}

static mm_field whole_field(const mm_split *split, const uint8_t *data, uint64_t size) {
  return (mm_field){0, size, split->quotes && size > 0 && data[0] == split->quote};
}

static int compare_pieces(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n) {
  size_t least = (size_t)(m < n ? m : n);
  int order = least ? memcmp(a, b, least) : 0;
  return order ? order : (m > n) - (m < n);
}

static int compare_fields(const mm_split *split, const uint8_t *a, const mm_field *x,
                          const uint8_t *b, const mm_field *y) {
  const uint8_t *p, *q;
  uint64_t k, l;
  if (mm_field_piece(split, a, x, &p, &k) && mm_field_piece(split, b, y, &q, &l)) {
    return compare_pieces(p, k, q, l);
  }
  field_walk v = walk_of(a, *x), w = walk_of(b, *y);
  int left, right;
  do {
    left = next_byte(split, &v);
    right = next_byte(split, &w);
  } while (left == right && left >= 0);
  return left - right;
}

int mm_field_compare(const mm_split *split, const uint8_t *a, uint64_t m, const uint8_t *b,
                     uint64_t n) {
  mm_field x = whole_field(split, a, m), y = whole_field(split, b, n);
  return compare_fields(split, a, &x, b, &y);
}

int mm_field_compare_text(const mm_split *split, const uint8_t *a, uint64_t m, const uint8_t *b,
                          uint64_t n) {
  mm_field x = whole_field(split, a, m), y = {0, n, false};
  return compare_fields(split, a, &x, b, &y);
}
