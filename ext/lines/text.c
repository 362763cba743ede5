/*
** text.c: lines and rows: where they begin and end, and which of them are none.
*/
#include "ext/lines/lines.h"

#include "core/common/mem.h"

int lines_stopped(const lines_text *t, mm_error *err) {
  return t->interrupted ? mm_fail(err, MM_INTERRUPT, "interrupted") : MM_OK;
}

/* A line of many megabytes is read in pieces, to be interrupted between them. */
#define LINES_PIECE MM_PIECE

static bool asks(lines_text *t) {
  t->interrupted = ext_conn_interrupted(t->table->tab.conn);
  return t->interrupted;
}

uint64_t lines_after(lines_text *t, uint64_t from, uint64_t end) {
  while (from < end && !t->interrupted) {
    uint64_t size = end - from < LINES_PIECE ? end - from : LINES_PIECE;
    const uint8_t *newline = memchr(t->data + from, '\n', (size_t)size);
    if (newline) return (uint64_t)(newline - t->data) + 1;
    from += size;
    if (size == LINES_PIECE) (void)asks(t);
  }
  return end;
}

uint64_t lines_after_last(lines_text *t, uint64_t from, uint64_t end) {
  while (from < end && !t->interrupted) {
    uint64_t size = end - from < LINES_PIECE ? end - from : LINES_PIECE;
    const uint8_t *newline = mm_mem_find_last(t->data + (end - size), (size_t)size, '\n');
    if (newline) return (uint64_t)(newline - t->data) + 1;
    end -= size;
    if (size == LINES_PIECE) (void)asks(t);
  }
  return from;
}

static lines_row make_open(uint64_t start, uint64_t next) {
  return (lines_row){start, next, next};
}

static const mm_split *quotes_of(const lines_text *t) {
  return &t->table->spec.split;
}

/* Where quotes may hold ends of lines. */
static lines_row wrapped_row(lines_text *t, uint64_t start, bool *open) {
  mm_watch watch;
  ext_conn_watch(t->table->tab.conn, &watch);
  uint64_t next = mm_split_row(quotes_of(t), t->data, t->size, start, &watch, open);
  t->interrupted |= next == UINT64_MAX;
  if (t->interrupted) next = t->size;
  return *open ? make_open(start, next) : lines_make(t->data, start, next);
}

lines_row lines_row_at(lines_text *t, uint64_t start, bool *open) {
  *open = false;
  if (lines_wrap(&t->table->spec)) return wrapped_row(t, start, open);
  return lines_make(t->data, start, lines_after(t, start, t->size));
}

/* ---- what is no row ------------------------------------------------------------------------- */

static bool is_comment(const lines_text *t, uint64_t start) {
  const char *comment = t->table->spec.comment;
  size_t size = comment ? strlen(comment) : 0;
  return comment && t->size - start >= size && memcmp(t->data + start, comment, size) == 0;
}

static int matches(lines_text *t, const lines_row *row, bool *found, mm_error *err) {
  mm_watch watch;
  mm_span match;
  mm_error inner;
  ext_conn_watch(t->table->tab.conn, &watch);
  uint64_t size = row->end - row->start;
  int rc = mm_pattern_search(t->table->spec.pattern, t->data + row->start, size, 0, size, false,
                             &watch, found, &match, &inner);
  if (rc == MM_INTERRUPT) t->interrupted = true;
  return rc ? mm_fail(err, inner.code, "the line at offset %llu: %s",
                      (unsigned long long)(t->at + row->start), inner.text)
            : MM_OK;
}

/* A row of a sorted table is a line. */
static int check_closed(lines_text *t, const lines_row *row, mm_error *err) {
  bool open = false;
  if (!t->table->spec.sorted || !quotes_of(t)->quotes) return MM_OK;
  if (!memchr(t->data + row->start, quotes_of(t)->quote, (size_t)(row->end - row->start))) {
    return MM_OK;
  }
  (void)mm_split_row(quotes_of(t), t->data, row->next, row->start, NULL, &open);
  if (!open) return MM_OK;
  return mm_fail(err, MM_DAMAGED,
                 "the line at offset %llu ends inside of quotes: rows of a sorted table are lines",
                 (unsigned long long)(t->at + row->start));
}

/* Is what begins there a row? A comment is a line whatever quotes are in it. */
static int judge(lines_text *t, const lines_row *row, bool *is_row, mm_error *err) {
  *is_row = !is_comment(t, row->start);
  if (!*is_row) return MM_OK;
  int rc = check_closed(t, row, err);
  return rc == MM_OK && t->table->spec.pattern ? matches(t, row, is_row, err) : rc;
}

lines_row lines_row_or_comment(lines_text *t, uint64_t start, bool *open) {
  *open = false;
  if (is_comment(t, start)) return lines_make(t->data, start, lines_after(t, start, t->size));
  return lines_row_at(t, start, open);
}

/* ---- from row to row ------------------------------------------------------------------------ */

/* For a walk from line to line: a look at whether to go on whenever it has come a piece farther. */
static bool goes_on(lines_text *t, uint64_t at, uint64_t *looked) {
  uint64_t far = at > *looked ? at - *looked : *looked - at;
  if (!t->interrupted && far >= LINES_PIECE) {
    *looked = at;
    (void)asks(t);
  }
  return !t->interrupted;
}

int lines_next(lines_text *t, uint64_t from, uint64_t end, lines_row *row, mm_error *err) {
  uint64_t looked = from;
  bool found = false;
  int rc = MM_OK;
  *row = (lines_row){t->size, t->size, t->size};
  for (uint64_t at = from; at < end && rc == MM_OK && !found && goes_on(t, at, &looked);) {
    bool open;
    lines_row now = lines_row_or_comment(t, at, &open);
    if (!t->interrupted) rc = judge(t, &now, &found, err);
    if (found) *row = now;
    at = now.next;
  }
  return rc ? rc : lines_stopped(t, err);
}

int lines_previous(lines_text *t, uint64_t place, uint64_t low, lines_row *row, mm_error *err) {
  uint64_t looked = place;
  bool found = false;
  int rc = MM_OK;
  *row = (lines_row){0, 0, 0};
  for (uint64_t at = place; at > low && rc == MM_OK && !found && goes_on(t, at, &looked);) {
    uint64_t start = lines_after_last(t, t->first, at - 1);
    lines_row now = lines_make(t->data, start, at);
    if (!t->interrupted) rc = judge(t, &now, &found, err);
    if (found) *row = now;
    at = start;
  }
  return rc ? rc : lines_stopped(t, err);
}

/* ---- the beginning -------------------------------------------------------------------------- */

/* In the middle of a file the mark is a character. */
uint64_t lines_behind_mark(const lines_text *t) {
  bool marked = t->start == 0 && t->size >= 3 && memcmp(t->data, "\xef\xbb\xbf", 3) == 0;
  return marked ? 3 : 0;
}

static uint64_t behind_skipped(lines_text *t) {
  uint64_t at = lines_behind_mark(t), looked = at;
  for (uint64_t n = 0; n < t->table->spec.skip && at < t->size && goes_on(t, at, &looked); n++) {
    at = lines_after(t, at, t->size);
  }
  return at;
}

int lines_begin_header(lines_text *t, uint64_t *at, lines_row *row, mm_error *err) {
  uint64_t looked = 0;
  *at = behind_skipped(t);
  while (*at < t->size && is_comment(t, *at) && goes_on(t, *at, &looked)) {
    *at = lines_after(t, *at, t->size);
  }
  bool open;
  *row = (lines_row){t->size, t->size, t->size};
  if (*at < t->size) *row = lines_row_or_comment(t, *at, &open);
  return lines_stopped(t, err);
}

int lines_begin(lines_text *t, mm_error *err) {
  const lines_spec *spec = &t->table->spec;
  uint64_t at;
  lines_row row;
  if (!spec->header) {
    t->first = spec->skip ? behind_skipped(t) : lines_behind_mark(t);
    return lines_stopped(t, err);
  }
  int rc = lines_begin_header(t, &at, &row, err);
  t->first = row.next;
  return rc;
}
