/*
** varlen.h: values whose bytes say how many they are (mm_type_is_variable).
**
**     uleb128 sleb128   7 bits a byte, the least significant first; 0x80: there is more. At most 10
**                       bytes, whose value may end in bytes that add nothing (DWARF 5, 7.6)
**     varint            SQLite's: 7 bits a byte, the most significant first, 0x80: there is more;
**                       all 8 bits of a ninth (Database File Format, 1.6)
**     vlq               the same without an end at nine: at most 10 bytes
**     vlq1              the same, each byte that is followed by another counting one more, so that
**                       no value has two forms (git, the offset of OBJ_OFS_DELTA)
**     cstr              see type.h
**
** Unsigned values above 2^63-1 are the same 64 bits as a signed integer.
*/
#ifndef MM_VARLEN_H
#define MM_VARLEN_H

#include <stdint.h>

#include "core/bytes/type.h"
#include "core/common/watch.h"

/* How many bytes the value at `bytes` takes, of which `available` are there. Fixed types take
** type.size. MM_DAMAGED "cut off: …", "has no end …", "is past 64 bits" when it takes none: the
** caller says before it what and where. MM_INTERRUPT: the watch, which may be NULL, stops the search for
** the end of a long cstr. */
int mm_type_extent(mm_type type, const uint8_t *bytes, uint64_t available, const mm_watch *watch,
                   uint64_t *size, mm_error *err);

/* The value of `size` bytes that mm_type_extent found. A text is a part of them. */
mm_value mm_varlen_decode(mm_type type, const uint8_t *bytes, uint64_t size);

/* The fewest bytes that the value takes. MM_CONSTRAINT if the type cannot have it at all: a cstr
** with its end inside, or longer than its type allows; integers as for mm_type_encode. */
int mm_varlen_measure(mm_type type, const mm_value *value, uint64_t *size, mm_error *err);

/* Encode the value in exactly `size` bytes, which are written only on MM_OK. LEB128 is filled up
** with bytes that add nothing; the others have one form a value, and MM_CONSTRAINT "300 needs 2
** bytes, and has 1" if that is of another size. */
int mm_varlen_encode(mm_type type, const mm_value *value, uint64_t size, uint8_t *out,
                     mm_error *err);

#endif
