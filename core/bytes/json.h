/*
** json.h: reading JSON arrays of scalars, as RFC 8259 defines them and nothing else.
*/
#ifndef MM_JSON_H
#define MM_JSON_H

#include <stdbool.h>
#include <stdint.h>

enum mm_json_kind { MM_JSON_NULL, MM_JSON_FALSE, MM_JSON_TRUE, MM_JSON_NUMBER, MM_JSON_STRING };

/* A scalar as it stands in the text; of a string what is between its quotes. */
typedef struct mm_json_item {
  int kind; /* enum mm_json_kind */
  const uint8_t *text;
  uint64_t size;
  bool escaped; /* a string with backslashes: mm_json_unescape it */
} mm_json_item;

/* All zeros but for `at` and `end`, the bounds of the text. */
typedef struct mm_json {
  const uint8_t *at, *end;
  uint64_t count; /* items read */
  bool bad;       /* not such an array: `at` is where */
} mm_json;

/* The next item; false behind the last one, or where `bad` is set. A text is sound only if it is
** read to its end, where what follows the array is looked at too. */
bool mm_json_next(mm_json *json, mm_json_item *item);

/* Write the string, its escapes resolved, into `out`, which has room for item->size bytes; returns
** its size. An unpaired surrogate becomes U+FFFD. */
uint64_t mm_json_unescape(const mm_json_item *item, uint8_t *out);

#endif
