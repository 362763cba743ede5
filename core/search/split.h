/*
** split.h: lines that are divided into fields: CSV, TSV, and what awk takes apart.
**
** A field that begins with the quote goes on to the next one that is not doubled, over separators
** and ends of lines. It is read as Python's csv reads it: what follows the closing quote is part of
** the field, a quote anywhere else is a character as any other, and a quote that is not closed goes
** on to the end of the file. A line ends with \n or \r\n, the last one also with the file; any other
** \r is a character.
**
** All places are offsets in `data`, of which nothing outside data[0 .. size-1] is read.
*/
#ifndef MM_SPLIT_H
#define MM_SPLIT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/watch.h"

/* What stands between fields. */
enum mm_split_kind {
  MM_SPLIT_WHOLE, /* nothing: a line is one field */
  MM_SPLIT_AT,    /* `separator`, each time */
  MM_SPLIT_BLANKS /* spaces and tabs, any number of them; those at both ends of a line are of no field */
};

typedef struct mm_split {
  int kind; /* enum mm_split_kind */
  uint8_t separator;
  bool quotes;
  uint8_t quote; /* not the separator, a blank, \n or \r */
} mm_split;

/* A field as it lies, with its quotes. */
typedef struct mm_field {
  uint64_t start, end;
  bool quoted; /* begins with the quote */
} mm_field;

/* Where the row that begins at `start` ends: just after its \n, or `size`. *open: the end has come
** before the closing quote. UINT64_MAX: the watch (may be NULL) has stopped it. */
uint64_t mm_split_row(const mm_split *split, const uint8_t *data, uint64_t size, uint64_t start,
                      const mm_watch *watch, bool *open);

/* Where the line that begins at `start` ends, just after its \n. 0: there is a quote in it, the end of the
** data, or that is far, and mm_split_row tells. */
uint64_t mm_split_line(const mm_split *split, const uint8_t *data, uint64_t size, uint64_t start);

/* How far the division of one row has come. (`at` and `end` apart: a row's two ends, just written, are
** not to be copied as one, for which the processor would wait.) */
typedef struct mm_splitting {
  uint64_t at;    /* the next field begins here */
  unsigned count; /* fields so far */
  bool ended;     /* there are no more */
  uint64_t end;   /* of the row, before its \n or \r\n */
} mm_splitting;

static inline mm_splitting mm_split_begin(uint64_t start, uint64_t end) {
  mm_splitting s = {.at = start, .count = 0, .ended = false, .end = end};
  return s;
}

/* Go on until `wanted` fields are known or all are; they are put at fields[0], fields[1] … An empty
** row has one field, which is empty. */
void mm_split_on(const mm_split *split, const uint8_t *data, uint64_t size, mm_splitting *s,
                 mm_field *fields, unsigned wanted);

/* What follows the fields that are known, as it lies up to the row's end. False: nothing does. */
bool mm_split_rest(const mm_split *split, const uint8_t *data, const mm_splitting *s,
                   uint64_t *start);

/* The bytes of a field, if they lie in one piece; else false, and they are to be put together: in
** `room`, of at least end - start bytes. The latter returns how many they are. */
bool mm_field_piece(const mm_split *split, const uint8_t *data, const mm_field *field,
                    const uint8_t **text, uint64_t *length);
uint64_t mm_field_join(const mm_split *split, const uint8_t *data, const mm_field *field,
                       uint8_t *room);

/* Of what a field says the bytes from `from` on, `most` at most; returns how many there are. */
uint64_t mm_field_part(const mm_split *split, const uint8_t *data, const mm_field *field,
                       uint64_t from, uint8_t *room, uint64_t most);

/* Order what two fields say as memcmp does, the shorter first where one begins the other. They are
** at `a` and `b` themselves, so many bytes with their quotes; one that begins with the quote is
** quoted. */
int mm_field_compare(const mm_split *split, const uint8_t *a, uint64_t m, const uint8_t *b,
                     uint64_t n);

/* The same where b is no field, but what one may say. */
int mm_field_compare_text(const mm_split *split, const uint8_t *a, uint64_t m, const uint8_t *b,
                          uint64_t n);

#endif
