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

INLINE vec table(const uint8_t bytes[16]) {
  return _mm256_broadcastsi128_si256(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

INLINE vec pick(vec of, vec indices) {
  return _mm256_shuffle_epi8(of, indices);
}

INLINE vec high_halves(vec v) {
  return both(_mm256_srli_epi16(v, 4), splat(0x0f));
}

INLINE vec common(vec a, vec b) {
  return both(a, b);
}

#include "core/search/kernel/find_tables.h"

/* The low half of a byte picks a row, the high half a bit in it. Shuffling gives 0 where an index
** has its top bit set: for the bytes that belong to the other table. */
INLINE mask set_test(const set_vec *set, vec v) {
  vec flipped = _mm256_xor_si256(v, splat(0x80));
  vec half = splat(0x8f);
  vec row = either(pick(set->low, both(v, half)), pick(set->high, both(flipped, half)));
  vec bit = pick(set->bit, high_halves(v));
  return equal(both(row, bit), bit);
}

static bool kernel_usable(void) {
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") &&
         __builtin_cpu_supports("bmi2") && __builtin_cpu_supports("popcnt");
}

#include "core/search/kernel/find_vector.h"

#endif
