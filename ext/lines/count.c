/*
** count.c: numbers of lines, and lines by their numbers.
**
** A line's number is 1 more than there are newlines before it. What has been counted once is kept
** (places.h): where lines begin and, where quotes may hold ends of lines, rows.
*/
#include "ext/lines/lines.h"

#include "core/search/find.h"

static ext_places *places_of(const lines_text *t) {
  ext_places *places = (ext_places *)(uintptr_t)&t->table->places;
  uint64_t stop = t->start + t->size;
  if (!ext_places_are_good(places, t->object, t->start, stop)) {
    ext_places_begin(places, t->object, t->start, stop);
  }
  return places;
}

static ext_place last_place(const lines_text *t, int64_t number, uint64_t offset) {
  const ext_place first = {1, 0};
  return ext_places_before(places_of(t), number, offset, first);
}

/* ---- lines ---------------------------------------------------------------------------------- */

/* So many bytes are counted at once. */
#define COUNT_BLOCK ((uint64_t)4 * MM_FIND_PAGE)

/* A walk over the newlines of a text: so many lines have begun up to `at`, and it ends behind the
** newline before line `number`. */
typedef struct line_walk {
  lines_text *t;
  ext_places *places;
  ext_place now;
  int64_t number;
} line_walk;

/* The newline before `offset` ends a line. */
static bool pass_newline(line_walk *w, uint64_t offset) {
  w->now = (ext_place){w->now.number + 1, offset};
  if (ext_places_want(w->places, w->now.number)) {
    ext_places_leave(w->places, w->now.number, offset);
  }
  return w->now.number >= w->number;
}

/* One by one; true: it ends. */
static bool walk_page(line_walk *w, uint64_t at) {
  uint16_t places[MM_FIND_PAGE];
  unsigned count = mm_find_places('\n', w->t->data + at, places);
  for (unsigned i = 0; i < count; i++) {
    if (pass_newline(w, at + places[i] + 1)) return true;
  }
  w->now.offset = at + MM_FIND_PAGE;
  return false;
}

static bool walk_bytes(line_walk *w, uint64_t end) {
  for (uint64_t at = w->now.offset; at < end;) {
    const uint8_t *newline = memchr(w->t->data + at, '\n', (size_t)(end - at));
    if (!newline) break;
    at = (uint64_t)(newline - w->t->data) + 1;
    if (pass_newline(w, at)) return true;
  }
  w->now.offset = end;
  return false;
}

static int64_t newlines_in(const lines_text *t, uint64_t at, uint64_t size) {
  mm_needle newline;
  mm_needle_prepare(&newline, (const uint8_t *)"\n", 1);
  return mm_count(&newline, t->data + at, size, NULL);
}

/* A block in which no line is to be found and no place to be left is only counted. */
static bool walk_block(line_walk *w) {
  uint64_t at = w->now.offset;
  int64_t passed = w->now.number + newlines_in(w->t, at, COUNT_BLOCK);
  if (passed < w->number && !ext_places_want(w->places, passed)) {
    w->now = (ext_place){passed, at + COUNT_BLOCK};
    return false;
  }
  for (uint64_t page = at; page < at + COUNT_BLOCK; page += MM_FIND_PAGE) {
    if (walk_page(w, page)) return true;
  }
  return false;
}

/* On to the line of that number, but not farther than `end`. */
static ext_place walk_lines(lines_text *t, int64_t number, uint64_t end) {
  line_walk w = {t, places_of(t), last_place(t, number, end), number};
  uint64_t looked = w.now.offset;
  bool done = w.now.number >= number;
  while (!done && end - w.now.offset >= COUNT_BLOCK && !t->interrupted) {
    done = walk_block(&w);
    if (w.now.offset - looked < MM_PIECE) continue;
    looked = w.now.offset;
    t->interrupted = ext_conn_interrupted(t->table->tab.conn);
  }
  if (!done) (void)walk_bytes(&w, end);
  return w.now;
}

int64_t lines_number_at(lines_text *t, uint64_t offset) {
  int64_t number;
  if (lines_wrap(&t->table->spec)) {
    ext_place near = last_place(t, INT64_MAX, offset);
    mm_needle newline;
    mm_watch watch;
    ext_conn_watch(t->table->tab.conn, &watch);
    mm_needle_prepare(&newline, (const uint8_t *)"\n", 1);
    number = mm_count(&newline, t->data + near.offset, offset - near.offset, &watch);
    t->interrupted |= number < 0;
    number += near.number;
  } else {
    number = walk_lines(t, INT64_MAX, offset).number;
  }
  return t->interrupted ? 0 : number;
}

/* ---- rows that may be more than a line ------------------------------------------------------- */

/* From row to row, comments included, till one has the number or is at the offset. */
static uint64_t walk_rows(lines_text *t, int64_t number, uint64_t offset, bool *open) {
  ext_places *places = places_of(t);
  ext_place now = last_place(t, number, offset);
  uint64_t looked = now.offset;
  if (now.offset < t->first) now = (ext_place){1 + newlines_in(t, 0, t->first), t->first};
  *open = false;
  while (now.offset < t->size && now.offset < offset && now.number < number && !t->interrupted) {
    lines_row row = lines_row_or_comment(t, now.offset, open);
    now.number += newlines_in(t, now.offset, row.next - now.offset);
    now.offset = row.next;
    /* Where the text ends there may be no newline, and the number is that of the last line. */
    if (!*open && now.offset < t->size && ext_places_want(places, now.number)) {
      ext_places_leave(places, now.number, now.offset);
    }
    if (now.offset - looked < MM_PIECE) continue;
    looked = now.offset;
    t->interrupted = ext_conn_interrupted(t->table->tab.conn);
  }
  return now.offset;
}

uint64_t lines_numbered(lines_text *t, int64_t number) {
  bool open;
  if (lines_wrap(&t->table->spec)) return walk_rows(t, number, UINT64_MAX, &open);
  ext_place found = walk_lines(t, number, t->size);
  return found.number < number ? t->size : found.offset;
}

uint64_t lines_from(lines_text *t, uint64_t offset) {
  bool open;
  if (offset <= t->first) return t->first;
  if (offset > t->size) return t->size;
  if (lines_wrap(&t->table->spec)) return walk_rows(t, INT64_MAX, offset, &open);
  return lines_after(t, offset - 1, t->size);
}

bool lines_end_open(lines_text *t) {
  bool open = false;
  if (lines_wrap(&t->table->spec)) (void)walk_rows(t, INT64_MAX, UINT64_MAX, &open);
  return open;
}
