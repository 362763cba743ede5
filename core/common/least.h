/*
** least.h: the smaller of two numbers, and the larger.
*/
#ifndef MM_LEAST_H
#define MM_LEAST_H

#include <stdint.h>

static inline uint64_t mm_min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static inline uint64_t mm_max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

#endif
