#include "core/search/charset.h"

#include <string.h>

void mm_charset_add(mm_charset *set, unsigned low, unsigned high) {
  for (unsigned b = low; b <= high && b < 256; b++) set->bits[b >> 3] |= (uint8_t)(1 << (b & 7));
}

void mm_charset_unite(mm_charset *set, const mm_charset *other) {
  for (int i = 0; i < 32; i++) set->bits[i] |= other->bits[i];
}

void mm_charset_invert(mm_charset *set) {
  for (int i = 0; i < 32; i++) set->bits[i] = (uint8_t)~set->bits[i];
}

void mm_charset_fold(mm_charset *set) {
  for (unsigned b = 'A'; b <= 'Z'; b++) {
    bool either = mm_charset_has(set, (uint8_t)b) || mm_charset_has(set, (uint8_t)(b | 0x20));
    if (!either) continue;
    mm_charset_add(set, b, b);
    mm_charset_add(set, b | 0x20, b | 0x20);
  }
}

unsigned mm_charset_count(const mm_charset *set) {
  unsigned count = 0;
  for (int i = 0; i < 32; i++) count += (unsigned)__builtin_popcount(set->bits[i]);
  return count;
}

bool mm_charset_same(const mm_charset *a, const mm_charset *b) {
  return memcmp(a->bits, b->bits, sizeof a->bits) == 0;
}

bool mm_charset_mask(const mm_charset *set, uint8_t *value, uint8_t *mask) {
  uint8_t all = 0xff, any = 0;
  for (unsigned b = 0; b < 256; b++) {
    if (!mm_charset_has(set, (uint8_t)b)) continue;
    all &= (uint8_t)b;
    any |= (uint8_t)b;
  }
  bool empty = (all & (uint8_t)~any) != 0;
  *mask = empty ? 0 : (uint8_t) ~(all ^ any);
  *value = all & *mask;
  return mm_charset_count(set) == 1u << (8 - __builtin_popcount(*mask));
}
