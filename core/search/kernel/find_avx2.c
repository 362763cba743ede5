/*
** The loops of find for AVX2, 32 bytes at a time.
*/
#include "core/search/kernel/find_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define KERNEL mm_kernel_avx2
#define TARGET __attribute__((target("avx2,bmi,bmi2,popcnt")))
#define WIDTH ((size_t)32)
#define LANE_LOG 0
#define FULL ((uint64_t)0xffffffff)
#define NARROWER(name) mm_kernel_portable.name
#define INLINE static inline __attribute__((always_inline)) TARGET

#include "core/search/kernel/find_names.h"

typedef __m256i vec;
typedef __m256i mask; /* 0 or 0xff in each byte */

INLINE vec load(const uint8_t *p) {
  return _mm256_loadu_si256((const __m256i *)(const void *)p);
}

INLINE void store(uint8_t *p, vec v) {
  _mm256_storeu_si256((__m256i *)(void *)p, v);
}

INLINE vec splat(uint8_t byte) {
  return _mm256_set1_epi8((char)byte);
}

INLINE mask equal(vec a, vec b) {
  return _mm256_cmpeq_epi8(a, b);
}

INLINE mask both(mask a, mask b) {
  return _mm256_and_si256(a, b);
}

INLINE mask either(mask a, mask b) {
  return _mm256_or_si256(a, b);
}

INLINE bool any(mask m) {
  return !_mm256_testz_si256(m, m);
}

INLINE uint64_t lanes(mask m) {
  return (uint32_t)_mm256_movemask_epi8(m);
}

INLINE uint64_t population(mask m) {
  return (uint64_t)__builtin_popcountll(lanes(m));
}

typedef struct set_vec {
  vec low, high, bit;
} set_vec;

INLINE vec table(const uint8_t bytes[16]) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

INLINE set_vec set_load(const mm_byte_set *set) {
  static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return (set_vec){table(set->low), table(set->high), table(bit)};
}

/* The low half of a byte picks a row, the high half a bit in it. Shuffling gives 0 where an index
** has its top bit set: for the bytes that belong to the other table. */
INLINE mask set_test(const set_vec *set, vec v) {
  vec flipped = _mm256_xor_si256(v, splat(0x80));
  vec half = splat(0x8f);
  vec row = either(_mm256_shuffle_epi8(set->low, both(v, half)),
                   _mm256_shuffle_epi8(set->high, both(flipped, half)));
  vec bit = _mm256_shuffle_epi8(set->bit, both(_mm256_srli_epi16(v, 4), splat(0x0f)));
  return equal(both(row, bit), bit);
}

typedef struct head_vecs {
  vec low[MM_FIND_HEADS], high[MM_FIND_HEADS];
} head_vecs;

INLINE head_vecs heads_load(const mm_heads_table *heads) {
  head_vecs h;
  for (int k = 0; k < MM_FIND_HEADS; k++) {
    h.low[k] = table(heads->low[k]);
    h.high[k] = table(heads->high[k]);
  }
  return h;
}

INLINE vec heads_test(const head_vecs *h, const uint8_t *p) {
  vec half = splat(0x0f), found = splat(0xff);
  for (int k = 0; k < MM_FIND_HEADS; k++) {
    vec v = load(p + k);
    vec low = _mm256_shuffle_epi8(h->low[k], both(v, half));
    vec high = _mm256_shuffle_epi8(h->high[k], both(_mm256_srli_epi16(v, 4), half));
    found = both(found, both(low, high));
  }
  return found;
}

static bool kernel_usable(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

#include "core/search/kernel/find_vector.h"

#endif
