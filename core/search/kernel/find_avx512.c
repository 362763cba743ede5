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

typedef struct set_vec {
  vec low, high, bit;
} set_vec;

INLINE vec table(const uint8_t bytes[16]) {
  return _mm512_broadcast_i32x4(_mm_loadu_si128((const __m128i *)(const void *)bytes));
}

INLINE set_vec set_load(const mm_byte_set *set) {
  static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return (set_vec){table(set->low), table(set->high), table(bit)};
}

/* As in find_avx2.c. */
INLINE mask set_test(const set_vec *set, vec v) {
  vec flipped = _mm512_xor_si512(v, splat((uint8_t)0x80));
  vec half = splat(0x8f);
  vec row = _mm512_or_si512(_mm512_shuffle_epi8(set->low, _mm512_and_si512(v, half)),
                            _mm512_shuffle_epi8(set->high, _mm512_and_si512(flipped, half)));
  vec bit = _mm512_shuffle_epi8(set->bit, _mm512_and_si512(_mm512_srli_epi16(v, 4), splat(0x0f)));
  return _mm512_test_epi8_mask(row, bit);
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
    vec low = _mm512_shuffle_epi8(h->low[k], _mm512_and_si512(v, half));
    vec high = _mm512_shuffle_epi8(h->high[k], _mm512_and_si512(_mm512_srli_epi16(v, 4), half));
    found = _mm512_and_si512(found, _mm512_and_si512(low, high));
  }
  return found;
}

static bool kernel_usable(void) {
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         mm_kernel_avx2.usable();
}
/* LCOV_EXCL_STOP */

#include "core/search/kernel/find_vector.h"

#endif
