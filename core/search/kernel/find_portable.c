/*
** The loops of find in plain C: a vector is the eight bytes of a 64-bit word.
*/
#include "core/search/kernel/find_kernel.h"

#include <string.h>

#define KERNEL mm_kernel_portable
#define TARGET
#define WIDTH ((size_t)8)
#define LANE_LOG 3
#define FULL ((uint64_t)0x8080808080808080)
#define NARROWER(name) scalar_##name

#include "core/search/kernel/find_names.h"

typedef uint64_t vec;
typedef uint64_t mask; /* the top bit of each byte */

static inline vec load(const uint8_t *p) {
  uint64_t word;
  memcpy(&word, p, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  word = __builtin_bswap64(word);
#endif
  return word;
}

static inline void store(uint8_t *p, vec v) {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  memcpy(p, &v, sizeof v);
}

static inline vec splat(uint8_t byte) {
  return byte * (uint64_t)0x0101010101010101;
}

/* A byte of `differ` is zero exactly if neither its top bit nor, by the carry, any other is set. */
static inline mask equal(vec a, vec b) {
  uint64_t differ = a ^ b;
  return ~(((differ & ~FULL) + ~FULL) | differ) & FULL;
}

static inline mask both(mask a, mask b) {
  return a & b;
}

static inline mask either(mask a, mask b) {
  return a | b;
}

static inline bool any(mask m) {
  return m != 0;
}

static inline uint64_t lanes(mask m) {
  return m;
}

/* Multiplying adds the eight bits up in the top byte. */
static inline uint64_t population(mask m) {
  return ((m >> 7) * (uint64_t)0x0101010101010101) >> 56;
}

typedef struct set_vec {
  const uint8_t *bits;
} set_vec;

static inline set_vec set_load(const mm_byte_set *set) {
  return (set_vec){set->bits};
}

static inline mask set_test(const set_vec *set, vec v) {
  mask m = 0;
  for (int lane = 0; lane < 8; lane++) {
    m |= (uint64_t)mm_byte_in(set->bits, (uint8_t)(v >> (8 * lane))) << (8 * lane + 7);
  }
  return m;
}

typedef struct head_vecs {
  const mm_heads_table *table;
} head_vecs;

static inline head_vecs heads_load(const mm_heads_table *heads) {
  return (head_vecs){heads};
}

static inline vec heads_test(const head_vecs *h, const uint8_t *p) {
  const mm_heads_table *t = h->table;
  vec found = 0;
  for (int lane = 0; lane < 8; lane++, p++) {
    uint8_t buckets = 0xff;
    for (int k = 0; k < MM_FIND_HEADS; k++) buckets &= t->bytes[k][p[k]];
    found |= (uint64_t)buckets << (8 * lane);
  }
  return found;
}

/* Less than eight bytes, or places. */

static uint64_t scalar_same(const uint8_t *a, const uint8_t *b, uint64_t size) {
  uint64_t i = 0;
  while (i < size && a[i] == b[i]) i++;
  return i;
}

static uint64_t scalar_same_back(const uint8_t *a, const uint8_t *b, uint64_t size) {
  uint64_t i = 0;
  while (i < size && a[size - 1 - i] == b[size - 1 - i]) i++;
  return i;
}

static uint64_t scalar_differ(const uint8_t *a, const uint8_t *b, uint64_t size) {
  uint64_t i = 0;
  while (i < size && a[i] != b[i]) i++;
  return i;
}

static uint64_t kernel_same(const uint8_t *a, const uint8_t *b, uint64_t size);

static bool scalar_fits(const mm_scan *scan, const uint8_t *place) {
  return place[scan->at[0]] == scan->needle[scan->at[0]] &&
         kernel_same(place, scan->needle, scan->head) == scan->head;
}

static mm_outcome scalar_find(mm_scan *scan, const uint8_t *text, uint64_t places) {
  for (uint64_t i = 0; i < places; i++) {
    if (!scalar_fits(scan, text + i)) continue;
    scan->place = i;
    return MM_SCAN_HIT;
  }
  return MM_SCAN_MISS;
}

static mm_outcome scalar_rfind(mm_scan *scan, const uint8_t *text, uint64_t places) {
  for (uint64_t i = places; i > 0; i--) {
    if (!scalar_fits(scan, text + (i - 1))) continue;
    scan->place = i - 1;
    return MM_SCAN_HIT;
  }
  return MM_SCAN_MISS;
}

static mm_outcome scalar_count(mm_scan *scan, const uint8_t *text, uint64_t places) {
  for (uint64_t i = 0; i < places; i++) scan->count += scalar_fits(scan, text + i);
  return MM_SCAN_MISS;
}

static uint64_t scalar_find_set(const mm_byte_set *set, const uint8_t *text, uint64_t size) {
  uint64_t i = 0;
  while (i < size && !mm_byte_in(set->bits, text[i])) i++;
  return i;
}

static uint64_t scalar_rfind_set(const mm_byte_set *set, const uint8_t *text, uint64_t size) {
  uint64_t i = size;
  while (i > 0 && !mm_byte_in(set->bits, text[i - 1])) i--;
  return i ? i - 1 : size;
}

static uint64_t scalar_count_set(const mm_byte_set *set, const uint8_t *text, uint64_t size) {
  uint64_t count = 0;
  for (uint64_t i = 0; i < size; i++) count += mm_byte_in(set->bits, text[i]);
  return count;
}

static bool kernel_usable(void) {
  return true;
}

#include "core/search/kernel/find_vector.h"
