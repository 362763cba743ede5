#include "core/bytes/bits.h"

#include "core/bytes/type_private.h"
#include "core/bytes/whole.h"

/* A run of bits inside one byte: `width` of them, the lowest of which is at `shift`. */
typedef struct bit_piece {
  uint64_t byte;
  unsigned shift, width;
} bit_piece;

/* As many of `left` bits from `bit` on as their first byte has. */
static bit_piece bit_piece_at(uint64_t bit, unsigned left, bool lsb_first) {
  unsigned skip = (unsigned)(bit % 8);
  unsigned width = left < 8 - skip ? left : 8 - skip;
  return (bit_piece){bit / 8, lsb_first ? skip : 8 - skip - width, width};
}

static unsigned bit_mask(unsigned width) {
  return (1u << width) - 1;
}

uint64_t mm_bits_get(const uint8_t *bytes, uint64_t bit, unsigned width, bool lsb_first) {
  uint64_t value = 0;
  for (unsigned done = 0; done < width;) {
    bit_piece piece = bit_piece_at(bit + done, width - done, lsb_first);
    uint64_t bits = (unsigned)bytes[piece.byte] >> piece.shift & bit_mask(piece.width);
    value = lsb_first ? value | bits << done : value << piece.width | bits;
    done += piece.width;
  }
  return value;
}

void mm_bits_set(uint8_t *bytes, uint64_t bit, unsigned width, bool lsb_first, uint64_t value) {
  for (unsigned done = 0; done < width;) {
    bit_piece piece = bit_piece_at(bit + done, width - done, lsb_first);
    unsigned mask = bit_mask(piece.width) << piece.shift;
    uint64_t bits = value >> (lsb_first ? done : width - done - piece.width) << piece.shift;
    bytes[piece.byte] = (uint8_t)((bytes[piece.byte] & ~mask) | (bits & mask));
    done += piece.width;
  }
}

uint64_t mm_bits_bytes(uint64_t bits) {
  return bits / 8 + (bits % 8 != 0);
}

int64_t mm_bits_decode(mm_type type, const uint8_t *bytes, uint64_t bit) {
  return (int64_t)mm_bits_get(bytes, bit, type.bits, !type.big_endian);
}

int mm_bits_encode(mm_type type, const mm_value *value, uint64_t *bits, mm_error *err) {
  mm_whole w;
  bool fits = mm_whole_of(value, &w) && mm_whole_fits(w, type.bits, false);
  if (!fits) return mm_type_misfit(type, value, "", err);
  *bits = mm_whole_bits(w);
  return MM_OK;
}
