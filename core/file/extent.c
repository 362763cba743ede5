#include "core/file/extent.h"

#include <string.h>

uint64_t mm_pack_put(uint8_t *to, uint64_t gap, uint64_t size, const uint8_t *data,
                     uint64_t bytes) {
  uint32_t head = mm_pack_head_size(gap);
  memmove(to + head, data, (size_t)bytes);
  if (gap >= 128) *to++ = (uint8_t)(gap | 128);
  *to++ = (uint8_t)(gap >= 128 ? gap >> 7 : gap);
  *to = (uint8_t)size;
  return head + bytes;
}

mm_pieces mm_extent_pieces(const mm_extent *extent) {
  mm_pieces pieces = {extent->offset, 0, extent->data, NULL};
  if (extent->packed) {
    pieces.end = extent->data + extent->packed;
  } else {
    pieces.whole = extent->size;
  }
  return pieces;
}

static void next_packed(mm_pieces *pieces, mm_extent *piece) {
  uint64_t gap = *pieces->next++;
  if (gap >= 128) gap = (gap & 127) | (uint64_t)*pieces->next++ << 7;
  uint64_t size = *pieces->next++;
  *piece = (mm_extent){pieces->offset + gap, size, pieces->next, 0};
  pieces->next += size;
  pieces->offset = piece->offset + size;
}

bool mm_pieces_next(mm_pieces *pieces, mm_extent *piece) {
  if (pieces->whole) {
    *piece = (mm_extent){pieces->offset, pieces->whole, pieces->next, 0};
    pieces->whole = 0;
    return true;
  }
  if (!pieces->end || pieces->next == pieces->end) return false;
  next_packed(pieces, piece);
  return true;
}
