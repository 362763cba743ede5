/*
** newlines.h: where lines end, 64 bytes at a time.
**
** memchr is as fast as memory for long lines; for lines of some tens of bytes a call a line is most
** of the work. A mask of the newlines in 64 bytes finds several lines at once.
*/
#ifndef MM_NEWLINES_H
#define MM_NEWLINES_H

#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define MM_NEWLINES 64 /* bytes of a mask */

#ifdef __SSE2__

static inline uint64_t mm_newlines_16(const uint8_t *bytes) {
  __m128i v = _mm_loadu_si128((const __m128i *)(const void *)bytes);
  return (uint32_t)_mm_movemask_epi8(_mm_cmpeq_epi8(v, _mm_set1_epi8('\n')));
}

/* Bit i is set if bytes[i] is a newline; 64 bytes are read. */
static inline uint64_t mm_newlines(const uint8_t *bytes) {
  return mm_newlines_16(bytes) | mm_newlines_16(bytes + 16) << 16 |
         mm_newlines_16(bytes + 32) << 32 | mm_newlines_16(bytes + 48) << 48;
}

#else

/* A byte that is zero gets its top bit, exactly (H. S. Warren, Hacker's Delight, 6-1); a product
** then brings the eight top bits together. */
static inline uint64_t mm_newlines_8(const uint8_t *bytes) {
  uint64_t v;
  memcpy(&v, bytes, sizeof v);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  v = __builtin_bswap64(v);
#endif
  v ^= UINT64_C(0x0a0a0a0a0a0a0a0a);
  uint64_t rest = ((v & UINT64_C(0x7f7f7f7f7f7f7f7f)) + UINT64_C(0x7f7f7f7f7f7f7f7f)) | v;
  return ((~rest & UINT64_C(0x8080808080808080)) >> 7) * UINT64_C(0x0102040810204080) >> 56;
}

static inline uint64_t mm_newlines(const uint8_t *bytes) {
  uint64_t mask = 0;
  for (int i = 0; i < 8; i++) mask |= mm_newlines_8(bytes + 8 * i) << 8 * i;
  return mask;
}

#endif

#endif
