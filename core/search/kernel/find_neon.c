/*
** The loops of find for NEON on 64-bit ARM, 16 bytes at a time.
*/
#include "core/search/kernel/find_kernel.h"

#if defined(MM_FIND_NEON)

#include <arm_neon.h>

#define KERNEL mm_kernel_neon
#define TARGET
#define WIDTH ((size_t)16)
#define LANE_LOG 2
#define FULL ((uint64_t)0x8888888888888888)
#define NARROWER(name) mm_kernel_portable.name
#define INLINE static inline __attribute__((always_inline))

#include "core/search/kernel/find_names.h"

typedef uint8x16_t vec;
typedef uint8x16_t mask; /* 0 or 0xff in each byte */

INLINE vec load(const uint8_t *p) {
  return vld1q_u8(p);
}

INLINE void store(uint8_t *p, vec v) {
  vst1q_u8(p, v);
}

INLINE vec splat(uint8_t byte) {
  return vdupq_n_u8(byte);
}

INLINE mask equal(vec a, vec b) {
  return vceqq_u8(a, b);
}

INLINE mask both(mask a, mask b) {
  return vandq_u8(a, b);
}

INLINE mask either(mask a, mask b) {
  return vorrq_u8(a, b);
}

INLINE bool any(mask m) {
  return vmaxvq_u32(vreinterpretq_u32_u8(m)) != 0;
}

/* There is no movemask: shifting each pair of bytes right by four and narrowing it leaves four bits
** of each byte, of which one is kept. */
INLINE uint64_t lanes(mask m) {
  uint8x8_t halves = vshrn_n_u16(vreinterpretq_u16_u8(m), 4);
  return vget_lane_u64(vreinterpret_u64_u8(halves), 0) & FULL;
}

INLINE uint64_t population(mask m) {
  return vaddvq_u8(vshrq_n_u8(m, 7));
}

typedef struct set_vec {
  vec low, high, bit;
} set_vec;

INLINE set_vec set_load(const mm_byte_set *set) {
  static const uint8_t bit[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  return (set_vec){load(set->low), load(set->high), load(bit)};
}

/* As in find_avx2.c; looking up gives 0 for an index of 16 or more. */
INLINE mask set_test(const set_vec *set, vec v) {
  vec half = splat(0x8f);
  vec row = either(vqtbl1q_u8(set->low, both(v, half)),
                   vqtbl1q_u8(set->high, both(veorq_u8(v, splat(0x80)), half)));
  return vtstq_u8(row, vqtbl1q_u8(set->bit, vshrq_n_u8(v, 4)));
}

typedef struct head_vecs {
  vec low[MM_FIND_HEADS], high[MM_FIND_HEADS];
} head_vecs;

INLINE head_vecs heads_load(const mm_heads_table *heads) {
  head_vecs h;
  for (int k = 0; k < MM_FIND_HEADS; k++) {
    h.low[k] = load(heads->low[k]);
    h.high[k] = load(heads->high[k]);
  }
  return h;
}

INLINE vec heads_test(const head_vecs *h, const uint8_t *p) {
  vec half = splat(0x0f), found = splat(0xff);
  for (int k = 0; k < MM_FIND_HEADS; k++) {
    vec v = load(p + k);
    vec low = vqtbl1q_u8(h->low[k], both(v, half));
    vec high = vqtbl1q_u8(h->high[k], vshrq_n_u8(v, 4));
    found = both(found, both(low, high));
  }
  return found;
}

static bool kernel_usable(void) {
  return true;
}

#include "core/search/kernel/find_vector.h"

#endif
