/*
** charset.h: sets of bytes.
*/
#ifndef MM_CHARSET_H
#define MM_CHARSET_H

#include <stdbool.h>
#include <stdint.h>

/* Byte b is in it if bit b&7 of bits[b>>3] is set. All zeros: the empty set. */
typedef struct mm_charset {
  uint8_t bits[32];
} mm_charset;

static inline bool mm_charset_has(const mm_charset *set, uint8_t byte) {
  return (set->bits[byte >> 3] >> (byte & 7)) & 1;
}

/* Add low .. high; nothing if high is less. */
void mm_charset_add(mm_charset *set, unsigned low, unsigned high);
void mm_charset_unite(mm_charset *set, const mm_charset *other);
/* Make it the set of all bytes that are not in it. */
void mm_charset_invert(mm_charset *set);
/* Add the other case of each ASCII letter in it. */
void mm_charset_fold(mm_charset *set);

unsigned mm_charset_count(const mm_charset *set);
bool mm_charset_same(const mm_charset *a, const mm_charset *b);

/* The bits that all members have in common: (byte & *mask) == *value for each of them. A mask of 0
** if there are none. Returns whether no other byte has these bits. */
bool mm_charset_mask(const mm_charset *set, uint8_t *value, uint8_t *mask);

#endif
