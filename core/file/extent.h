/*
** extent.h: bytes of a file that lie side by side; or small pieces of it that lie close to each other,
** packed:
**
**     offset 1000, 1 byte: 7f    ...->  00 01 7f          gap (0: the first), bytes, the bytes
**     offset 1100, 1 byte: 45           63 01 45          99 behind the end of the one before
**     offset 1401, 2 bytes: 0d 0a       ac 02 02 0d 0a    300: seven bits a byte, the lowest first
**
** So a scattered byte takes three or four, where an extent of its own takes the tenfold. No gap is as
** large as a page: what touches the pages of a pack's pieces touches all pages that it spans.
*/
#ifndef MM_EXTENT_H
#define MM_EXTENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct mm_extent {
  uint64_t offset;     /* from the start of the file */
  uint64_t size;       /* bytes, at least 1; of a pack from its first byte to its last */
  const uint8_t *data; /* NULL: zeros */
  uint32_t packed;     /* bytes of the pack at `data`; 0: it is none */
} mm_extent;

#define MM_PACK_PIECE 255u /* bytes of a piece at most */
#define MM_PACK_GAP 4095u  /* bytes between two */
#define MM_PACK_HEAD 3u    /* bytes before those of a piece, at most */
#define MM_PACK_SIZE 4096u /* bytes of a pack, as long as someone adds to it */

/* Bytes before those of a piece. */
static inline uint32_t mm_pack_head_size(uint64_t gap) {
  return gap < 128 ? 2 : 3;
}

/* Put a piece of `size` bytes behind a gap into a pack, and what follows it there: `bytes` in all
** at `data`, which may overlap with where they go. Returns how many bytes of the pack that is. */
uint64_t mm_pack_put(uint8_t *to, uint64_t gap, uint64_t size, const uint8_t *data, uint64_t bytes);

/* The pieces of an extent, one after the other; of one that is no pack that is itself. All zeros: there
** are none left. */
typedef struct mm_pieces {
  uint64_t offset; /* where the last one ended */
  uint64_t whole;  /* bytes of what is no pack, still to come */
  const uint8_t *next, *end;
} mm_pieces;

mm_pieces mm_extent_pieces(const mm_extent *extent);
bool mm_pieces_next(mm_pieces *pieces, mm_extent *piece); /* false: there are none left */

#endif
