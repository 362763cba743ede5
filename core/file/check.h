/*
** check.h: the checksum of what lies beside a file, and the numbers in it, which are little-endian.
*/
#ifndef MM_CHECK_H
#define MM_CHECK_H

#include <stddef.h>
#include <stdint.h>

/* XXH64 of `size` bytes with that seed. */
uint64_t mm_check(uint64_t seed, const uint8_t *data, size_t size);

static inline uint32_t mm_load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static inline uint64_t mm_load64(const uint8_t *p) {
  return (uint64_t)mm_load32(p) | (uint64_t)mm_load32(p + 4) << 32;
}

static inline void mm_store64(uint8_t *p, uint64_t value) {
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(value >> (8 * i));
}

#endif
