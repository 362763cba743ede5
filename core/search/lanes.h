/*
** lanes.h: tests on 64 neighbouring bytes at once, as 64 bits, the first byte lowest.
**
** By the vectors that every machine of an architecture has, or by words: not the fastest that there
** is, but as fast as memory for one or two tests. (find.h has the fastest, for what it does.)
*/
#ifndef MM_LANES_H
#define MM_LANES_H

#include <stdint.h>
#include <string.h>

#define MM_LANES 64

#if defined(__SSE2__)

#include <emmintrin.h>

typedef __m128i mm_lane;

static inline mm_lane mm_lane_load(const uint8_t *p) {
  return _mm_loadu_si128((const __m128i *)(const void *)p);
}

static inline mm_lane mm_lane_splat(uint8_t byte) {
  return _mm_set1_epi8((char)byte);
}

/* Which bytes have value `v` in the bits of `m`? */
static inline mm_lane mm_lane_test(mm_lane bytes, mm_lane m, mm_lane v) {
  return _mm_cmpeq_epi8(_mm_and_si128(bytes, m), v);
}

static inline mm_lane mm_lane_both(mm_lane a, mm_lane b) {
  return _mm_and_si128(a, b);
}

/* Which bytes are in low .. high? */
static inline mm_lane mm_lane_between(mm_lane bytes, mm_lane low, mm_lane high) {
  mm_lane clipped = _mm_min_epu8(_mm_max_epu8(bytes, low), high);
  return _mm_cmpeq_epi8(clipped, bytes);
}

static inline mm_lane mm_lane_either(mm_lane a, mm_lane b) {
  return _mm_or_si128(a, b);
}

static inline uint64_t mm_lanes_bits(mm_lane a, mm_lane b, mm_lane c, mm_lane d) {
  uint64_t low = (uint32_t)_mm_movemask_epi8(a) | (uint32_t)_mm_movemask_epi8(b) << 16;
  uint64_t high = (uint32_t)_mm_movemask_epi8(c) | (uint32_t)_mm_movemask_epi8(d) << 16;
  return low | high << 32;
}

#elif defined(__aarch64__) && defined(__ARM_NEON)

#include <arm_neon.h>

typedef uint8x16_t mm_lane;

static inline mm_lane mm_lane_load(const uint8_t *p) {
  return vld1q_u8(p);
}

static inline mm_lane mm_lane_splat(uint8_t byte) {
  return vdupq_n_u8(byte);
}

static inline mm_lane mm_lane_test(mm_lane bytes, mm_lane m, mm_lane v) {
  return vceqq_u8(vandq_u8(bytes, m), v);
}

static inline mm_lane mm_lane_both(mm_lane a, mm_lane b) {
  return vandq_u8(a, b);
}

static inline mm_lane mm_lane_between(mm_lane bytes, mm_lane low, mm_lane high) {
  return vandq_u8(vcgeq_u8(bytes, low), vcleq_u8(bytes, high));
}

static inline mm_lane mm_lane_either(mm_lane a, mm_lane b) {
  return vorrq_u8(a, b);
}

/* NEON has no movemask: pairwise sums of one bit for each byte. */
static inline uint64_t mm_lanes_bits(mm_lane a, mm_lane b, mm_lane c, mm_lane d) {
  static const uint8_t weights[16] = {1, 2, 4, 8, 16, 32, 64, 128, 1, 2, 4, 8, 16, 32, 64, 128};
  mm_lane weight = vld1q_u8(weights);
  mm_lane ab = vpaddq_u8(vandq_u8(a, weight), vandq_u8(b, weight));
  mm_lane cd = vpaddq_u8(vandq_u8(c, weight), vandq_u8(d, weight));
  mm_lane all = vpaddq_u8(ab, cd);
  all = vpaddq_u8(all, all);
  uint64_t bits = vgetq_lane_u64(vreinterpretq_u64_u8(all), 0);
#if defined(__AARCH64EB__)
  bits = __builtin_bswap64(bits);
#endif
  return bits;
}

#else

/* 16 bytes as a plain array: the compiler makes of it what the machine has. */
typedef struct mm_lane {
  uint8_t b[16];
} mm_lane;

static inline mm_lane mm_lane_load(const uint8_t *p) {
  mm_lane out;
  memcpy(out.b, p, 16);
  return out;
}

static inline mm_lane mm_lane_splat(uint8_t byte) {
  mm_lane out;
  memset(out.b, byte, 16);
  return out;
}

static inline mm_lane mm_lane_test(mm_lane bytes, mm_lane m, mm_lane v) {
  for (int i = 0; i < 16; i++) bytes.b[i] = (bytes.b[i] & m.b[i]) == v.b[i] ? 0xff : 0;
  return bytes;
}

static inline mm_lane mm_lane_both(mm_lane a, mm_lane b) {
  for (int i = 0; i < 16; i++) a.b[i] &= b.b[i];
  return a;
}

static inline mm_lane mm_lane_between(mm_lane bytes, mm_lane low, mm_lane high) {
  for (int i = 0; i < 16; i++) {
    bytes.b[i] = bytes.b[i] >= low.b[i] && bytes.b[i] <= high.b[i] ? 0xff : 0;
  }
  return bytes;
}

static inline mm_lane mm_lane_either(mm_lane a, mm_lane b) {
  for (int i = 0; i < 16; i++) a.b[i] |= b.b[i];
  return a;
}

static inline uint64_t mm_lanes_bits(mm_lane a, mm_lane b, mm_lane c, mm_lane d) {
  const mm_lane *all[4] = {&a, &b, &c, &d};
  uint64_t bits = 0;
  for (int i = 0; i < 64; i++) bits |= (uint64_t)(all[i / 16]->b[i % 16] & 1) << i;
  return bits;
}

#endif

/* Which of 64 bytes differ? */
static inline uint64_t mm_lanes_differ(const uint8_t *a, const uint8_t *b) {
  mm_lane all = mm_lane_splat(0xff), same[4];
  for (size_t i = 0; i < 4; i++) {
    same[i] = mm_lane_test(mm_lane_load(a + 16 * i), all, mm_lane_load(b + 16 * i));
  }
  return ~mm_lanes_bits(same[0], same[1], same[2], same[3]);
}

static inline unsigned mm_lanes_first(uint64_t bits) {
  return (unsigned)__builtin_ctzll(bits);
}

#endif
