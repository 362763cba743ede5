/*
** bits.h: fields of bits in a run of bytes.
**
** A run is counted in bits from its first byte on. With the most significant bit first, bit 0 is
** the upper bit of byte 0, and of a field the first bit counts most: as pictures of packets draw
** them, where a u16be is 16 bits. With the least significant first, bit 0 is the lowest bit of byte
** 0, and the first bit of a field counts 1: as C compilers lay out bit fields on little-endian
** machines, where a u16le is 16 bits.
**
**     bytes            4        5         e        2
**     b4, b12          0 1 0 0  0 1 0 1   1 1 1 0  0 0 1 0       0x4, 0x5e2
**     b4le, b12le      bits 7-4 bits 3-0  bits 15-12  bits 11-8  0x5, 0xe24
*/
#ifndef MM_BITS_H
#define MM_BITS_H

#include <stdbool.h>
#include <stdint.h>

#include "core/bytes/type.h"

/* The `width` (1 to 64) bits from `bit` on, unsigned. Only the bytes that have some of them are
** looked at. */
uint64_t mm_bits_get(const uint8_t *bytes, uint64_t bit, unsigned width, bool lsb_first);

/* Put the low `width` bits of `value` there, and change no other bit. */
void mm_bits_set(uint8_t *bytes, uint64_t bit, unsigned width, bool lsb_first, uint64_t value);

/* Bytes that a run of so many bits takes. */
uint64_t mm_bits_bytes(uint64_t bits);

/* The same by a type of MM_BITS. 64 bits are those of a signed integer. */
int64_t mm_bits_decode(mm_type type, const uint8_t *bytes, uint64_t bit);

/* The bits of a value, to be given to mm_bits_set: as for an unsigned integer of mm_type_encode.
** MM_CONSTRAINT "8 does not fit b3". */
int mm_bits_encode(mm_type type, const mm_value *value, uint64_t *bits, mm_error *err);

#endif
