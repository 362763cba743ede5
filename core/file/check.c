/*
** check.c: XXH64, written from Yann Collet's specification, "xxHash fast digest algorithm", version 0.2.0:
** https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
*/
#include "core/file/check.h"

#define PRIME1 0x9e3779b185ebca87u
#define PRIME2 0xc2b2ae3d27d4eb4fu
#define PRIME3 0x165667b19e3779f9u
#define PRIME4 0x85ebca77c2b2ae63u
#define PRIME5 0x27d4eb2f165667c5u

static inline uint64_t rotate(uint64_t value, unsigned bits) {
  return value << bits | value >> (64 - bits);
}

static inline uint64_t lane_round(uint64_t sum, uint64_t lane) {
  return rotate(sum + lane * PRIME2, 31) * PRIME1;
}

static inline uint64_t lane_merge(uint64_t sum, uint64_t lane_sum) {
  return (sum ^ lane_round(0, lane_sum)) * PRIME1 + PRIME4;
}

/* The stripes of 32 bytes; moves *data past them. */
static uint64_t check_stripes(uint64_t seed, const uint8_t **data, size_t stripes) {
  uint64_t a = seed + PRIME1 + PRIME2, b = seed + PRIME2, c = seed, d = seed - PRIME1;
  const uint8_t *p = *data;
  for (; stripes > 0; stripes--, p += 32) {
    a = lane_round(a, mm_load64(p));
    b = lane_round(b, mm_load64(p + 8));
    c = lane_round(c, mm_load64(p + 16));
    d = lane_round(d, mm_load64(p + 24));
  }
  *data = p;
  uint64_t sum = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  return lane_merge(lane_merge(lane_merge(lane_merge(sum, a), b), c), d);
}

/* The last 0 to 31 bytes. */
static uint64_t check_rest(uint64_t sum, const uint8_t *p, size_t size) {
  for (; size >= 8; size -= 8, p += 8) {
    sum = rotate(sum ^ lane_round(0, mm_load64(p)), 27) * PRIME1 + PRIME4;
  }
  for (; size >= 4; size -= 4, p += 4) {
    sum = rotate(sum ^ mm_load32(p) * PRIME1, 23) * PRIME2 + PRIME3;
  }
  for (; size > 0; size--, p++) sum = rotate(sum ^ *p * PRIME5, 11) * PRIME1;
  return sum;
}

uint64_t mm_check(uint64_t seed, const uint8_t *data, size_t size) {
  uint64_t sum = size >= 32 ? check_stripes(seed, &data, size / 32) : seed + PRIME5;
  sum = check_rest(sum + size, data, size % 32);
  sum = (sum ^ sum >> 33) * PRIME2;
  sum = (sum ^ sum >> 29) * PRIME3;
  return sum ^ sum >> 32;
}
