/*
** type.h: the typed values that bytes are read and written as.
**
**   u8 i8                                      one byte
**   u16 i16 u24 i24 u32 i32 u64 i64 f32 f64    with le or be behind: u32le, f64be
**   blob(n)                                    n bytes
**   text(n)                                    UTF-8 up to the first NUL, n bytes at most
**   utf16le(n) utf16be(n)                      n bytes of UTF-16 up to the first NUL unit
**
** A u64 above 2^63-1 is the same 64 bits as a signed integer, here as everywhere.
*/
#ifndef MM_TYPE_H
#define MM_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/common/error.h"

enum mm_type_kind { MM_UNSIGNED, MM_SIGNED, MM_FLOAT, MM_BLOB, MM_TEXT, MM_UTF16 };

typedef struct mm_type {
  uint8_t kind;    /* enum mm_type_kind */
  bool big_endian; /* for one byte: false */
  uint32_t size;   /* bytes that a value takes, 1 .. MM_TYPE_MAX */
} mm_type;

/* The longest blob(n), text(n), utf16xx(n), in bytes. */
#define MM_TYPE_MAX 0x7fffffffu

/* Read the name of a type (`size` bytes, case does not matter, spaces around and inside the
** parentheses are allowed; n decimal or 0x hexadecimal). MM_ERROR, naming it and what was
** probably meant, if there is none such. */
int mm_type_parse(const char *name, size_t size, mm_type *type, mm_error *err);

/* Write the canonical name ("u32le", "blob(20)") into `name`. */
#define MM_TYPE_NAME 24
void mm_type_name(mm_type type, char name[MM_TYPE_NAME]);

/* A value on its way in or out. `data` is borrowed: of a decoded MM_VALUE_BLOB or MM_VALUE_TEXT it
** points into the bytes decoded, except for UTF-16, where it points into the caller's buffer. */
enum mm_value_kind { MM_VALUE_NULL, MM_VALUE_INTEGER, MM_VALUE_REAL, MM_VALUE_BLOB, MM_VALUE_TEXT };

typedef struct mm_value {
  int kind; /* enum mm_value_kind */
  int64_t integer;
  double real;
  const uint8_t *data;
  uint64_t size; /* bytes at data */
} mm_value;

/* Integers of 1 to 8 bytes, unaligned. `type` must be MM_UNSIGNED or MM_SIGNED. The hot path. */
int64_t mm_type_integer(mm_type type, const uint8_t *bytes);

/* Decode `type.size` bytes. For UTF-16 `buffer` must have room for mm_type_buffer(type) bytes and
** is filled with UTF-8, an unpaired surrogate becoming U+FFFD; else it may be NULL. A NaN decodes
** as MM_VALUE_NULL, as SQLite has none. Never fails. */
mm_value mm_type_decode(mm_type type, const uint8_t *bytes, uint8_t *buffer);
uint64_t mm_type_buffer(mm_type type); /* 0 unless UTF-16 */

/* Encode `value` into `type.size` bytes at `out`, which are written only on MM_OK; a shorter blob
** or text is padded with zeros. MM_CONSTRAINT, naming the value and the type ("300 does not fit
** u8"), when the value does not fit:
** - integers take INTEGER in range (u64: any, the same 64 bits), and REAL or TEXT that is exactly
**   such an integer (3.0, '7', '1e3'; not ' 7 '); u64 then also 2^63 to 2^64-1;
** - floats take INTEGER, REAL and TEXT that is wholly a number; f32 refuses what is finite and
**   beyond its range; infinities are stored, no NaN; an f32 is rounded to nearest;
** - blob(n) takes BLOB and TEXT (its bytes), no number;
** - text(n) and utf16 take TEXT, and INTEGER and REAL as SQLite prints them (%lld, %!.15g); not a
**   TEXT with a NUL inside, as it would not be read back; utf16 not a TEXT that is not UTF-8.
** MM_VALUE_NULL never fits. */
int mm_type_encode(mm_type type, const mm_value *value, uint8_t *out, mm_error *err);

/* An integer from INTEGER, or REAL or TEXT that is exactly one; false for anything else. */
bool mm_value_integer(const mm_value *value, int64_t *integer);

/* Order two runs of bytes as memcmp does, the shorter first where one begins the other. No bytes
** need no address. */
int mm_compare_bytes(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n);

/* Order two encoded values of `type`, as memcmp does, by the type's own order: u64 unsigned, floats
** by value with NaN first, blob and text bytewise (text up to its NUL), UTF-16 by code points. */
int mm_type_compare(mm_type type, const uint8_t *a, const uint8_t *b);

#endif
