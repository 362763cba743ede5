/*
** The loops of find for AVX-512 (F and BW), 64 bytes at a time.
*/
#include "core/search/kernel/find_kernel.h"

#if defined(__x86_64__)

#include <immintrin.h>

#define KERNEL mm_kernel_avx512
#define TARGET __attribute__((target("avx512f,avx512bw,bmi,bmi2,popcnt")))
#define WIDTH ((size_t)64)
#define LANE_LOG 0
#define FULL (~(uint64_t)0)
#define NARROWER(name) mm_kernel_avx2.name
#define INLINE static inline __attribute__((always_inline)) TARGET

#include "core/search/kernel/find_names.h"

/* LCOV_EXCL_START: only a processor that has AVX-512 runs all of this. */
typedef __m512i vec;
typedef __mmask64 mask;

INLINE vec load(const uint8_t *p) {
  return _mm512_loadu_si512((const void *)p);
}

INLINE void store(uint8_t *p, vec v) {
  _mm512_storeu_si512((void *)p, v);
}

INLINE vec splat(uint8_t byte) {
  return _mm512_set1_epi8((char)byte);
}

INLINE mask equal(vec a, vec b) {
  return _mm512_cmpeq_epi8_mask(a, b);
}

INLINE mask both(mask a, mask b) {
  return a & b;
}

INLINE mask either(mask a, mask b) {
  return a | b;
}

INLINE bool any(mask m) {
  return m != 0;
}

INLINE uint64_t lanes(mask m) {
  return m;
}

INLINE uint64_t population(mask m) {
  return (uint64_t)__builtin_popcountll(m);
}

INLINE vec table(const uint8_t bytes[16]) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

INLINE vec pick(vec of, vec indices) {
  return _mm512_shuffle_epi8(of, indices);
}

INLINE vec common(vec a, vec b) {
  return _mm512_and_si512(a, b);
}

INLINE vec high_halves(vec v) {
  return common(_mm512_srli_epi16(v, 4), splat(0x0f));
}

#include "core/search/kernel/find_tables.h"

/* As in find_avx2.c. */
INLINE mask set_test(const set_vec *set, vec v) {
  vec flipped = _mm512_xor_si512(v, splat((uint8_t)0x80));
  vec half = splat(0x8f);
  vec row =
      _mm512_or_si512(pick(set->low, common(v, half)), pick(set->high, common(flipped, half)));
  return _mm512_test_epi8_mask(row, pick(set->bit, high_halves(v)));
}

static bool kernel_usable(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         mm_kernel_avx2.usable();
}
/* LCOV_EXCL_STOP */

#include "core/search/kernel/find_vector.h"

#endif
