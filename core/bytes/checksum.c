#include "core/bytes/checksum.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* OpenSSL 3 would rather have everybody use EVP, which loads providers and allocates; these do
** neither, and are what lies below it. */
#define OPENSSL_SUPPRESS_DEPRECATED
#include <blake2.h>
#include <libdeflate.h>
#include <openssl/md5.h>
#include <openssl/sha.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "core/bytes/crc.h"
#include "core/common/least.h"
#include "core/common/mem.h"

typedef struct fletcher {
  uint32_t low, high; /* the sum, and the sum of sums */
} fletcher;

typedef struct checking {
  const mm_crc *tables;
  uint64_t value;
} checking;

typedef union checksum_state {
  uint32_t word;
  fletcher sums;
  checking crc;
  XXH32_state_t xxh32;
  XXH64_state_t xxh64;
  XXH3_state_t xxh3;
  MD5_CTX md5;
  SHA_CTX sha1;
  SHA256_CTX sha256;
  SHA512_CTX sha512;
  blake2b_state blake2b;
} checksum_state;

struct mm_checksum_kind {
  const struct mm_checksum_method *method;
  mm_crc crc[]; /* of a CRC */
};

struct mm_checksum_method {
  const char *name;
  unsigned size; /* bytes; 0: a number */
  void (*begin)(checksum_state *s, const mm_checksum_kind *kind);
  void (*update)(checksum_state *s, const uint8_t *data,
                 size_t size); /* of an even size but for the last */
  void (*end)(checksum_state *s, mm_checksum *out);
};

/* ---- sums ----------------------------------------------------------------------------------- */

static void begin_adler32(checksum_state *s, const mm_checksum_kind *kind) {
  (void)kind;
  s->word = 1;
}

static void update_adler32(checksum_state *s, const uint8_t *data, size_t size) {
  s->word = libdeflate_adler32(s->word, data, size);
}

static void end_word(checksum_state *s, mm_checksum *out) {
  out->number = s->word;
}

static void begin_fletcher(checksum_state *s, const mm_checksum_kind *kind) {
  (void)kind;
  s->sums = (fletcher){0, 0};
}

/* So many items that no sum of sums overflows: n*(n+1)/2 * 255 + (n+1) * 254 < 2^32, and the same of
** words with 65535. */
#define FLETCHER16_RUN 5800
#define FLETCHER32_RUN 359

static void update_fletcher16(checksum_state *s, const uint8_t *data, size_t size) {
  fletcher sums = s->sums;
  while (size > 0) {
    size_t run = size < FLETCHER16_RUN ? size : FLETCHER16_RUN;
    for (size_t i = 0; i < run; i++) sums.high += sums.low += data[i];
    sums = (fletcher){sums.low % 255, sums.high % 255};
    data += run;
    size -= run;
  }
  s->sums = sums;
}

static uint32_t word_at(const uint8_t *data, size_t left) {
  return data[0] | (left > 1 ? (uint32_t)data[1] << 8 : 0);
}

static void update_fletcher32(checksum_state *s, const uint8_t *data, size_t size) {
  fletcher sums = s->sums;
  for (size_t i = 0; i < size;) {
    for (int run = 0; run < FLETCHER32_RUN && i < size; run++, i += 2) {
      sums.high += sums.low += word_at(data + i, size - i);
    }
    sums = (fletcher){sums.low % 65535, sums.high % 65535};
  }
  s->sums = sums;
}

static void end_fletcher16(checksum_state *s, mm_checksum *out) {
  out->number = s->sums.high << 8 | s->sums.low;
}

static void end_fletcher32(checksum_state *s, mm_checksum *out) {
  out->number = s->sums.high << 16 | s->sums.low;
}

/* ---- checks --------------------------------------------------------------------------------- */

static void begin_crc(checksum_state *s, const mm_checksum_kind *kind) {
  s->crc = (checking){kind->crc, mm_crc_begin(kind->crc)};
}

static void update_crc(checksum_state *s, const uint8_t *data, size_t size) {
  s->crc.value = mm_crc_update(s->crc.tables, s->crc.value, data, size);
}

static void end_crc(checksum_state *s, mm_checksum *out) {
  out->number = mm_crc_end(s->crc.tables, s->crc.value);
}

static void begin_crc32(checksum_state *s, const mm_checksum_kind *kind) {
  (void)kind;
  s->word = 0;
}

static void update_crc32(checksum_state *s, const uint8_t *data, size_t size) {
  s->word = libdeflate_crc32(s->word, data, size);
}

/* ---- what other libraries compute ------------------------------------------------------------ */

/* Their states are all begun, fed and ended alike. */
#define XXH(name, bits)                                                                            \
  static void begin_##name(checksum_state *s, const mm_checksum_kind *kind) {                      \
    (void)kind;                                                                                    \
    bits##_reset(&s->name);                                                                        \
  }                                                                                                \
  static void update_##name(checksum_state *s, const uint8_t *data, size_t size) {                 \
    bits##_update(&s->name, data, size);                                                           \
  }                                                                                                \
  static void end_##name(checksum_state *s, mm_checksum *out) {                                    \
    out->number = bits##_digest(&s->name);                                                         \
  }

#define XXH32_seedless_reset(s) XXH32_reset(s, 0)
#define XXH64_seedless_reset(s) XXH64_reset(s, 0)
#define XXH32_seedless_update XXH32_update
#define XXH64_seedless_update XXH64_update
#define XXH32_seedless_digest XXH32_digest
#define XXH64_seedless_digest XXH64_digest

XXH(xxh32, XXH32_seedless)
XXH(xxh64, XXH64_seedless)
XXH(xxh3, XXH3_64bits)

#define DIGEST(name, state_of, prefix)                                                             \
  static void begin_##name(checksum_state *s, const mm_checksum_kind *kind) {                      \
    (void)kind;                                                                                    \
    prefix##_Init(&s->state_of);                                                                   \
  }                                                                                                \
  static void update_##name(checksum_state *s, const uint8_t *data, size_t size) {                 \
    prefix##_Update(&s->state_of, data, size);                                                     \
  }                                                                                                \
  static void end_##name(checksum_state *s, mm_checksum *out) {                                    \
    prefix##_Final(out->bytes, &s->state_of);                                                      \
  }

DIGEST(md5, md5, MD5)
DIGEST(sha1, sha1, SHA1)
DIGEST(sha224, sha256, SHA224)
DIGEST(sha256, sha256, SHA256)
DIGEST(sha384, sha512, SHA384)
DIGEST(sha512, sha512, SHA512)

#define BLAKE2B_BYTES 64
#define BLAKE2B_Init(s) blake2b_init(s, BLAKE2B_BYTES)
#define BLAKE2B_Update blake2b_update
#define BLAKE2B_Final(out, s) blake2b_final(s, out, BLAKE2B_BYTES)

DIGEST(blake2b, blake2b, BLAKE2B)

/* ---- by name -------------------------------------------------------------------------------- */

#define METHOD(name, size)                                                                         \
  { #name, size, begin_##name, update_##name, end_##name }

static const struct mm_checksum_method methods[] = {
    {"adler32", 0, begin_adler32, update_adler32, end_word},
    {"fletcher16", 0, begin_fletcher, update_fletcher16, end_fletcher16},
    {"fletcher32", 0, begin_fletcher, update_fletcher32, end_fletcher32},
    METHOD(xxh32, 0),
    METHOD(xxh64, 0),
    METHOD(xxh3, 0),
    METHOD(md5, MD5_DIGEST_LENGTH),
    METHOD(sha1, SHA_DIGEST_LENGTH),
    METHOD(sha224, SHA224_DIGEST_LENGTH),
    METHOD(sha256, SHA256_DIGEST_LENGTH),
    METHOD(sha384, SHA384_DIGEST_LENGTH),
    METHOD(sha512, SHA512_DIGEST_LENGTH),
    METHOD(blake2b, BLAKE2B_BYTES),
};

#define METHODS (sizeof methods / sizeof *methods)

static const struct mm_checksum_method crc_method = METHOD(crc, 0);

/* libdeflate's own: it uses carry-less products. */
static const struct mm_checksum_method crc32_method = {"crc-32/iso-hdlc", 0, begin_crc32,
                                                       update_crc32, end_word};

const mm_checksum_kind *mm_checksum_crc32(void) {
  static const mm_checksum_kind kind = {&crc32_method};
  return &kind;
}

static int fail_unknown(const char *name, mm_error *err) {
  char list[MM_ERROR_TEXT] = "";
  size_t used = 0;
  for (size_t i = 0; i < METHODS; i++) {
    used += (size_t)snprintf(list + used, sizeof list - used, ", %s", methods[i].name);
  }
  for (size_t i = 0; i < mm_crc_model_count; i++) {
    used += (size_t)snprintf(list + used, sizeof list - used, ", %s", mm_crc_models[i].name);
  }
  return mm_fail(err, MM_ERROR, "algorithm '%.100s' is none of %s", name, list + 2);
}

static const struct mm_checksum_method *method_named(const char *name) {
  for (size_t i = 0; i < METHODS; i++) {
    if (strcasecmp(name, methods[i].name) == 0) return &methods[i];
  }
  return strcasecmp(name, crc32_method.name) == 0 ? &crc32_method : NULL;
}

static const mm_crc_model *model_named(const char *name) {
  for (size_t i = 0; i < mm_crc_model_count; i++) {
    if (strcasecmp(name, mm_crc_models[i].name) == 0) return &mm_crc_models[i];
  }
  return NULL;
}

int mm_checksum_find(const char *name, mm_checksum_kind **out, mm_error *err) {
  const struct mm_checksum_method *method = method_named(name);
  const mm_crc_model *model = method ? NULL : model_named(name);
  *out = NULL;
  if (!method && !model) return fail_unknown(name, err);
  mm_checksum_kind *kind = mm_alloc(sizeof *kind + (model ? sizeof *kind->crc : 0));
  if (!kind) return mm_fail_nomem(err);
  kind->method = model ? &crc_method : method;
  if (model) mm_crc_prepare(kind->crc, model);
  *out = kind;
  return MM_OK;
}

void mm_checksum_free(mm_checksum_kind *kind) {
  mm_free(kind);
}

/* ---- computing ------------------------------------------------------------------------------ */

static int feed_checksum(const mm_checksum_kind *kind, checksum_state *s, const uint8_t *data,
                         uint64_t size, const mm_watch *watch, mm_error *err) {
  for (uint64_t i = 0; i < size;) {
    uint64_t piece = mm_min(size - i, MM_PIECE);
    kind->method->update(s, data + i, (size_t)piece);
    i += piece;
    int stop = i < size ? mm_watch_stops(watch, i) : 0;
    if (stop) return mm_fail_stopped(err, stop);
  }
  return MM_OK;
}

int mm_checksum_of(const mm_checksum_kind *kind, const uint8_t *data, uint64_t size,
                   const mm_watch *watch, mm_checksum *out, mm_error *err) {
  _Alignas(64) checksum_state s;
  *out = (mm_checksum){0};
  kind->method->begin(&s, kind);
  int rc = feed_checksum(kind, &s, data, size, watch, err);
  if (rc) return rc;
  kind->method->end(&s, out);
  out->size = kind->method->size;
  return MM_OK;
}
