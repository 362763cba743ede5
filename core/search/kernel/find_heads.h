/*
** find_heads.h: what is looked for where several literals may begin.
*/
#ifndef MM_FIND_HEADS_H
#define MM_FIND_HEADS_H

#include <stdint.h>

#define MM_FIND_HEADS 4  /* bytes of a head, the first of a literal */
#define MM_FIND_BLOCK 64 /* places that are told together */

/* The heads are in up to eight *buckets*: bit b of bytes[k][c] tells whether a head of bucket b may
** have the byte c, k bytes on. low[k][c & 15] and high[k][c >> 4] both have the bit then, and maybe
** for other bytes too. */
typedef struct mm_heads_table {
  uint8_t low[MM_FIND_HEADS][16];
  uint8_t high[MM_FIND_HEADS][16];
  uint8_t bytes[MM_FIND_HEADS][256];
} mm_heads_table;

#endif
