/*
** find_kernel.h: between find.c, which plans a search, and the loops that run it, one set of them
** for each instruction set. Internal to find.
**
** A search for a needle is a scan over *places*, the offsets at which it could start. A kernel
** looks at a block of neighbouring places at once: it keeps those where two chosen bytes of the
** needle fit (the filter), and compares the rest of the needle only at these. It counts what the
** comparing costs in steps, one step being about one vector compared, and gives up when that is
** more than it may spend, so that find.c can choose better bytes or another algorithm.
*/
#ifndef MM_FIND_KERNEL_H
#define MM_FIND_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/search/kernel/find_heads.h"
#include "core/search/kernel/find_page.h"

/* A kernel compares at most so many bytes of a needle at a place; find.c compares the rest. */
#define MM_FIND_HEAD ((uint64_t)1 << 20)

/* Needles of up to so many bytes are compared at all places of a block together. */
#define MM_FIND_SHORT 32

/* A sweep goes over so many places at once, in no order. */
#define MM_FIND_SWEEP ((uint64_t)1 << 20)

/* The most credit (see mm_scan) that a search saves up. */
#define MM_FIND_CREDIT ((int64_t)4096)

/* The steps that it costs to leave the loop for a candidate that soon turns out to be none. */
#define MM_FIND_LOOK ((uint64_t)6)

typedef enum mm_outcome {
  MM_SCAN_MISS, /* all places were looked at, none fits */
  MM_SCAN_HIT,  /* the head of the needle is at `place` */
  MM_SCAN_HARD  /* gave up before `place` (going backward: all from `place` on were looked at) */
} mm_outcome;

typedef struct mm_scan {
  const uint8_t *needle;
  uint64_t head;     /* bytes of the needle to compare, 2..MM_FIND_HEAD */
  uint64_t at[2];    /* the filter: two different offsets in the needle (in all of it) */
  uint64_t culprit;  /* the offset in the needle that told the last false candidate apart */
  uint64_t patience; /* steps that may be spent for every four blocks of places */
  int64_t credit;    /* steps that may be spent beyond that */
  bool asks;         /* it helps to ask for memory before it is read */
  uint64_t place;    /* see mm_outcome */
  uint64_t count;    /* `count` adds its hits here */
} mm_scan;

/* A set of bytes, as a bitmap and made ready for vectors: bit h of low[l] tells whether byte 16*h+l
** is in it, bit h of high[l] the same for byte 128+16*h+l. */
typedef struct mm_byte_set {
  const uint8_t *bits;
  uint8_t low[16];
  uint8_t high[16];
  bool single; /* only `byte` is in it */
  uint8_t byte;
  bool asks;   /* it helps to ask for memory before it is read */
  bool sweeps; /* count_set may go over the text in no order */
} mm_byte_set;

typedef struct mm_kernel {
  uint64_t width; /* places in a block */
  bool (*usable)(void);
  /* Look at the `places` places from text on. All of text[0 .. places-1 + needle's size - 1] may be
  ** read. `count` needs a needle of at most MM_FIND_SHORT bytes and never says MM_SCAN_HIT. */
  mm_outcome (*find)(mm_scan *scan, const uint8_t *text, uint64_t places);
  mm_outcome (*rfind)(mm_scan *scan, const uint8_t *text, uint64_t places);
  mm_outcome (*count)(mm_scan *scan, const uint8_t *text, uint64_t places);
  /* How many places at the start (going backward: at the end) hold no needle, as far as whole
  ** blocks of MM_FIND_SWEEP show it at little cost, before the first of which some may lie that are
  ** less than one. Faster than the above where nothing is found for long. */
  uint64_t (*sweep)(mm_scan *scan, const uint8_t *text, uint64_t places, bool backward);
  /* The first, the last (`size` if none), and how many bytes of text are in the set. */
  uint64_t (*find_set)(const mm_byte_set *set, const uint8_t *text, uint64_t size);
  uint64_t (*rfind_set)(const mm_byte_set *set, const uint8_t *text, uint64_t size);
  uint64_t (*count_set)(const mm_byte_set *set, const uint8_t *text, uint64_t size);
  uint64_t (*sweep_set)(const mm_byte_set *set, const uint8_t *text, uint64_t size, bool backward);
  /* mm_find_places. */
  unsigned (*places)(const mm_byte_set *set, const uint8_t *text, uint16_t *places);
  /* The first place where `least` bytes begin that are all in the set. Where it leaves less than that
  ** up to the end there is none, and none begins before it. `least` is 1 or more. */
  uint64_t (*find_run)(const mm_byte_set *set, const uint8_t *text, uint64_t size, uint64_t least);
  /* mm_find_heads. */
  uint64_t (*heads)(const mm_heads_table *heads, const uint8_t *text, uint64_t places,
                    uint64_t *bits, uint8_t buckets[MM_FIND_BLOCK]);
  /* How many bytes are the same at the start, the same at the end, and different at the start. */
  uint64_t (*same)(const uint8_t *a, const uint8_t *b, uint64_t size);
  uint64_t (*same_back)(const uint8_t *a, const uint8_t *b, uint64_t size);
  uint64_t (*differ)(const uint8_t *a, const uint8_t *b, uint64_t size);
} mm_kernel;

extern const mm_kernel mm_kernel_portable;
#if defined(__x86_64__)
extern const mm_kernel mm_kernel_avx2;
extern const mm_kernel mm_kernel_avx512;
#elif defined(__aarch64__) && defined(__ARM_NEON) && defined(__AARCH64EL__)
#define MM_FIND_NEON 1
extern const mm_kernel mm_kernel_neon;
#endif

static inline bool mm_byte_in(const uint8_t bits[32], uint8_t byte) {
  return (bits[byte >> 3] >> (byte & 7)) & 1;
}

#endif
