/*
** array.h: arrays as JSON, the kind MM_ARRAY of type.h.
**
** Integers are JSON integers, of a u64 those of mm_type_integer; floats are numbers that read back
** as the same double, infinities 1e999 and -1e999, which SQLite reads so, NaN null; text is a
** string, escaped as RFC 8259 wants it, U+FFFD for each byte that is not UTF-8; a blob is a string
** of its bytes in hexadecimal, as an SQL literal has them between its quotes.
**
** Read back, each item is what mm_type_encode takes: a number of JSON as one of its digits, not
** rounded before; true and false are 1 and 0; null is a NaN to a float, and fits nothing else; a
** blob's string has two digits a byte, and fewer bytes are padded.
*/
#ifndef MM_ARRAY_H
#define MM_ARRAY_H

#include "core/bytes/type.h"

/* Write type.size / type.item_size items as JSON into `out`, of mm_array_room(type) bytes; returns
** how many it has written. Bytes behind the last whole item are not read. */
uint64_t mm_array_decode(mm_type type, const uint8_t *bytes, uint8_t *out);
uint64_t mm_array_room(mm_type type);

/* mm_type_encode's part: besides its sentences MM_CONSTRAINT "2 items do not fit u8[3]", "item 1:
** 300 does not fit u8", "'[1,]' is no JSON array …". */
int mm_array_encode(mm_type type, const mm_value *value, uint8_t *out, mm_error *err);

#endif
