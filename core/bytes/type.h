/*
** type.h: the typed values that bytes are read and written as.
**
** Of a fixed size:
**
**   u8 … u64, i8 … i64     integers, in steps of 8 bits
**   f16 bf16 f32 f64       floats of IEEE 754; bf16 is the upper half of an f32
**   blob(n)                n bytes
**   text(n)                UTF-8 up to the first NUL, n bytes at most
**   latin1(n)              ISO 8859-1, likewise
**   utf16(n)               n bytes of UTF-16 up to the first NUL unit
**   uuid guid              16 bytes as TEXT; guid: as Microsoft stores them, the first three of the
**                          five fields little-endian
**   type[n]                n values of one of these, as a JSON array (array.h)
**
** What has an order of bytes says it behind the word: u32le, f64be, utf16le(20). Where it is left
** out the type is open, and mm_type_close says it later.
**
**   b1 … b64               so many bits of a run of bytes, the most significant first (bits.h)
**   b1le … b64le           likewise, the least significant first
**
** Of a size that is in their bytes (varlen.h):
**
**   uleb128 sleb128        of DWARF, protobuf and WebAssembly
**   varint                 SQLite's
**   vlq                    MIDI's and ASN.1's
**   vlq1                   git's offsets: as vlq, a byte that goes on counting one more
**   cstr                   text up to and with its NUL; cstr(n): of n bytes at most, the NUL among
**                          them; cstr(x'0d0a', n) has another end, of 1 to 4 bytes
**
** A u64 above 2^63-1 is the same 64 bits as a signed integer, here as everywhere.
*/
#ifndef MM_TYPE_H
#define MM_TYPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "core/common/error.h"

enum mm_type_kind {
  MM_UNSIGNED,
  MM_SIGNED,
  MM_FLOAT,  /* of 2, 4 or 8 bytes */
  MM_BFLOAT, /* of 2 */
  MM_BLOB,
  MM_TEXT,
  MM_LATIN1,
  MM_UTF16,
  MM_UUID,
  MM_GUID,
  MM_ARRAY,
  MM_BITS,
  MM_ULEB128, /* the first without a fixed size */
  MM_SLEB128,
  MM_VARINT,
  MM_VLQ,
  MM_VLQ1,
  MM_CSTR
};

#define MM_TYPE_END 4 /* bytes of the longest end of a cstr */

typedef struct mm_type {
  uint8_t kind;    /* enum mm_type_kind */
  bool big_endian; /* MM_BITS: the most significant first; where there is no order: false */
  bool open;       /* the order is still to be said; then big_endian is false */
  union {
    uint8_t item;     /* MM_ARRAY: the kind of its items */
    uint8_t bits;     /* MM_BITS: 1 .. 64 */
    uint8_t end_size; /* MM_CSTR: 1 .. MM_TYPE_END */
  };
  uint32_t size;            /* bytes that a value takes, up to MM_TYPE_MAX: may be set as it becomes
                            ** known, see mm_type_set_count. MM_BITS: 0. Of no fixed size: the most
                            ** that it may take; MM_CSTR: 0 for any number */
  uint32_t item_size;       /* MM_ARRAY: bytes of an item, else 0 */
  uint8_t end[MM_TYPE_END]; /* MM_CSTR */
} mm_type;

/* The longest blob(n), text(n), latin1(n), utf16(n), type[n], in bytes. */
#define MM_TYPE_MAX 0x7fffffffu

static inline bool mm_type_is_fixed(mm_type type) {
  return type.kind < MM_BITS;
}

static inline bool mm_type_is_variable(mm_type type) {
  return type.kind >= MM_ULEB128;
}

/* Has mm_type_compare an order for it? Whatever is fixed, and no array. */
static inline bool mm_type_is_ordered(mm_type type) {
  return type.kind < MM_ARRAY;
}

/* What an array is made of. */
static inline mm_type mm_type_item(mm_type type) {
  mm_type item = {0, type.big_endian, type.open, {0}, type.item_size, 0, {0}};
  item.kind = type.item;
  return item;
}

/* ---- names ---------------------------------------------------------------------------------- */

/* What a caller can do with besides what is fixed and closed. */
enum { MM_ALLOW_OPEN = 1, MM_ALLOW_BITS = 2, MM_ALLOW_VARIABLE = 4 };

/* Read the name of a type (`size` bytes, case does not matter, spaces around and inside the
** parentheses are allowed; n decimal or 0x hexadecimal). MM_ERROR, naming it and what was probably
** meant, if there is none such, or it is one that `allow` (a sum of MM_ALLOW_…) does not name. */
int mm_type_parse(const char *name, size_t size, unsigned allow, mm_type *type, mm_error *err);

/* The same where the n of blob text latin1 utf16 and of the last brackets may be anything at all,
** "length - 4": if it is no number it is handed out as it stands, a part of `name`, and type->size
** is 0 until mm_type_set_count; else *count_size is 0. */
int mm_type_parse_counted(const char *name, size_t size, unsigned allow, mm_type *type,
                          const char **count, size_t *count_size, mm_error *err);

/* Make it one of n bytes or, an array, items. False: that is more than MM_TYPE_MAX bytes. */
bool mm_type_set_count(mm_type *type, uint64_t n);

/* Say the order of an open type; any other stays as it is. */
void mm_type_close(mm_type *type, bool big_endian);

/* Write the canonical name ("u32le", "blob(20)", "cstr(x'0a', 20)") into `name`. */
#define MM_TYPE_NAME 40
void mm_type_name(mm_type type, char name[MM_TYPE_NAME]);

/* ---- values --------------------------------------------------------------------------------- */

/* A value on its way in or out. `data` is borrowed: of a decoded MM_VALUE_BLOB or MM_VALUE_TEXT it
** points into the bytes decoded, or into the caller's buffer if the type needs one. */
enum mm_value_kind { MM_VALUE_NULL, MM_VALUE_INTEGER, MM_VALUE_REAL, MM_VALUE_BLOB, MM_VALUE_TEXT };

typedef struct mm_value {
  int kind; /* enum mm_value_kind */
  int64_t integer;
  double real;
  const uint8_t *data;
  uint64_t size; /* bytes at data */
} mm_value;

/* What the type's values are: MM_VALUE_INTEGER, MM_VALUE_REAL (which may be NULL), MM_VALUE_BLOB or
** MM_VALUE_TEXT. */
static inline int mm_type_gives(mm_type type) {
  if (type.kind < MM_FLOAT) return MM_VALUE_INTEGER;
  if (type.kind < MM_BLOB) return MM_VALUE_REAL;
  if (type.kind == MM_BLOB) return MM_VALUE_BLOB;
  return type.kind < MM_BITS || type.kind == MM_CSTR ? MM_VALUE_TEXT : MM_VALUE_INTEGER;
}

#define MM_HOST_IS_BIG_ENDIAN (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__)

/* `type.size` bytes, 1 to 8, unaligned, as a number. */
static inline uint64_t mm_type_bits(mm_type type, const uint8_t *bytes) {
  bool swap = type.big_endian != MM_HOST_IS_BIG_ENDIAN;
  switch (type.size) {
    case 1:
      return bytes[0];
    case 2: {
      uint16_t v;
      memcpy(&v, bytes, sizeof v);
      return swap ? __builtin_bswap16(v) : v;
    }
    case 4: {
      uint32_t v;
      memcpy(&v, bytes, sizeof v);
      return swap ? __builtin_bswap32(v) : v;
    }
    case 8: {
      uint64_t v;
      memcpy(&v, bytes, sizeof v);
      return swap ? __builtin_bswap64(v) : v;
    }
    default: {
      uint64_t v = 0;
      for (uint32_t i = 0; i < type.size; i++) {
        v = v << 8 | bytes[type.big_endian ? i : type.size - 1 - i];
      }
      return v;
    }
  }
}

/* An integer. `type` must be MM_UNSIGNED or MM_SIGNED. Here, as it is the hot path. Flipping the sign
** bit and taking it away again extends it; for unsigned types it is 0. (H. S. Warren, Hacker's
** Delight, 2-6.) */
static inline int64_t mm_type_integer(mm_type type, const uint8_t *bytes) {
  uint64_t sign = (uint64_t)type.kind << (8 * type.size - 1);
  return (int64_t)((mm_type_bits(type, bytes) ^ sign) - sign);
}

/* A float. `type` must be MM_FLOAT or MM_BFLOAT. */
double mm_type_real(mm_type type, const uint8_t *bytes);

/* Decode `type.size` bytes (0 too) of a fixed and closed type. If mm_type_buffer(type) is not 0
** `buffer` must have room for so many bytes, and the text is made there; else it may be NULL. An
** unpaired surrogate of UTF-16 becomes U+FFFD. A NaN decodes as MM_VALUE_NULL, as SQLite has none.
** Never fails. */
mm_value mm_type_decode(mm_type type, const uint8_t *bytes, uint8_t *buffer);
uint64_t mm_type_buffer(mm_type type);

/* Encode `value` into `type.size` bytes at `out`, which are written only on MM_OK; a shorter blob
** or text is padded with zeros. The type is fixed and closed. MM_CONSTRAINT, naming the value and
** the type ("300 does not fit u8"), when the value does not fit:
** - integers take INTEGER in range (u64: any, the same 64 bits), and REAL or TEXT that is exactly
**   such an integer (3.0, '7', '1e3'; not ' 7 '); u64 then also 2^63 to 2^64-1;
** - floats take INTEGER, REAL and TEXT that is wholly a number; those below f64 refuse what is
**   finite and beyond their range; infinities are stored, no NaN; rounded once, to nearest, of two
**   as near to the even one;
** - blob(n) takes BLOB and TEXT (its bytes), no number;
** - text(n), latin1 and utf16 take TEXT, and INTEGER and REAL as SQLite prints them (%lld,
**   %!.15g); not a TEXT with a NUL inside, as it would not be read back; latin1 and utf16 not a
**   TEXT that is not UTF-8, latin1 nothing above U+00FF;
** - uuid and guid take a BLOB of 16 bytes, as they are, and TEXT of 8-4-4-4-12 hexadecimal digits,
**   in any case, in braces or not;
** - arrays take TEXT that is a JSON array of exactly so many items: see array.h. MM_NOMEM, too.
** MM_VALUE_NULL never fits. */
int mm_type_encode(mm_type type, const mm_value *value, uint8_t *out, mm_error *err);

/* An integer from INTEGER, or REAL or TEXT that is exactly one; false for anything else. */
bool mm_value_integer(const mm_value *value, int64_t *integer);

/* ---- order ---------------------------------------------------------------------------------- */

/* Order two runs of bytes as memcmp does, the shorter first where one begins the other. No bytes
** need no address. */
int mm_compare_bytes(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n);

/* Order two encoded values of an ordered and closed `type`, as memcmp does, by the type's own
** order: u64 unsigned, floats by value with NaN first, blob and text bytewise (text up to its NUL),
** latin1 and UTF-16 by code points, uuid and guid as their texts. */
int mm_type_compare(mm_type type, const uint8_t *a, const uint8_t *b);

#endif
