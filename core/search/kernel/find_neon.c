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

INLINE vec table(const uint8_t bytes[16]) {
  return load(bytes);
}

INLINE vec pick(vec of, vec indices) {
  return vqtbl1q_u8(of, indices);
}

INLINE vec high_halves(vec v) {
  return vshrq_n_u8(v, 4);
}

INLINE vec common(vec a, vec b) {
  return both(a, b);
}

#include "core/search/kernel/find_tables.h"

/* As in find_avx2.c; looking up gives 0 for an index of 16 or more. */
INLINE mask set_test(const set_vec *set, vec v) {
  vec half = splat(0x8f);
  vec row =
      either(pick(set->low, both(v, half)), pick(set->high, both(veorq_u8(v, splat(0x80)), half)));
  return vtstq_u8(row, pick(set->bit, high_halves(v)));
}

static bool kernel_usable(void) {
  return true;
}

#include "core/search/kernel/find_vector.h"

#endif
