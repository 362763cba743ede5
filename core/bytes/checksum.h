/*
** checksum.h: checksums and digests by name.
**
** The cryptographic ones are OpenSSL's (libcrypto) and libb2's, xxHash is its own library's, Adler-32
** and the CRC-32 of zip are libdeflate's; the other CRCs are crc.h's.
*/
#ifndef MM_CHECKSUM_H
#define MM_CHECKSUM_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/common/watch.h"

/* An algorithm, with the tables that it needs: find it once for many sums. It is not changed by its
** use. */
typedef struct mm_checksum_kind mm_checksum_kind;

/* The CRC-32 of zip, gzip and PNG: "crc-32/iso-hdlc". */
const mm_checksum_kind *mm_checksum_crc32(void);

/* Find an algorithm by its name, whatever the case:
**
**     adler32 fletcher16 fletcher32 xxh32 xxh64 xxh3            numbers
**     crc-8/smbus and so on, as in the RevEng catalogue          likewise
**     md5 sha1 sha224 sha256 sha384 sha512 blake2b               bytes
**
** Fletcher's sums start at 0; fletcher32 takes words of 16 bits, little-endian, a last odd byte as a
** word of its own. xxHash's seed is 0, xxh3 has 64 bits. blake2b is of 64 bytes, without a key.
** The caller frees it. MM_ERROR "algorithm 'x' is none of …", which lists them; MM_NOMEM. */
int mm_checksum_find(const char *name, mm_checksum_kind **out, mm_error *err);
void mm_checksum_free(mm_checksum_kind *kind); /* NULL: nothing */

#define MM_CHECKSUM_MAX 64

typedef struct mm_checksum {
  uint64_t number;
  uint8_t bytes[MM_CHECKSUM_MAX];
  unsigned size; /* of the bytes; 0: it is a number */
} mm_checksum;

/* Of `size` bytes, by up to so many threads (parts.h): the CRCs, Adler's and Fletcher's; the others are
** chains, of which nobody knows a part without what comes before it. MM_INTERRUPT where the watch (may
** be NULL) stops it. */
int mm_checksum_of(const mm_checksum_kind *kind, const uint8_t *data, uint64_t size,
                   unsigned threads, const mm_watch *watch, mm_checksum *out, mm_error *err);

#endif
