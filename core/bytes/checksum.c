#include "core/bytes/checksum.h"

#include <stdbool.h>
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
#include "core/common/mem.h"
#include "core/os/parts.h"

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

/* How several threads sum up one range: all but the first begin with a state to which zeros add nothing,
** and each takes what others do for zeros. Parts begin at even places. */
typedef struct checksum_division {
  void (*empty)(checksum_state *s, const mm_checksum_kind *kind);
  void (*skip)(checksum_state *s, uint64_t zeros);
  void (*join)(checksum_state *s, const checksum_state *other);
} checksum_division;

struct mm_checksum_method {
  const char *name;
  unsigned size;                   /* bytes; 0: a number */
  const checksum_division *divide; /* NULL: it cannot be */
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

#define ADLER 65521

static uint32_t adler_word(uint64_t low, uint64_t high) {
  return (uint32_t)(high % ADLER << 16 | low % ADLER);
}

static void empty_adler32(checksum_state *s, const mm_checksum_kind *kind) {
  (void)kind;
  s->word = 0;
}

static void skip_adler32(checksum_state *s, uint64_t zeros) {
  uint64_t low = s->word & 0xffff;
  s->word = adler_word(low, (s->word >> 16) + zeros % ADLER * low);
}

static void join_adler32(checksum_state *s, const checksum_state *other) {
  s->word = adler_word((uint64_t)(s->word & 0xffff) + (other->word & 0xffff),
                       (uint64_t)(s->word >> 16) + (other->word >> 16));
}

static const checksum_division adler32_division = {empty_adler32, skip_adler32, join_adler32};

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

static void skip_sums(fletcher *sums, uint64_t items, uint32_t modulus) {
  uint64_t more = items % modulus * sums->low;
  sums->high = (uint32_t)((sums->high + more) % modulus);
}

static void join_sums(fletcher *sums, const fletcher *other, uint32_t modulus) {
  sums->low = (sums->low + other->low) % modulus;
  sums->high = (sums->high + other->high) % modulus;
}

#define FLETCHER(bits, modulus, bytes)                                                             \
  static void skip_fletcher##bits(checksum_state *s, uint64_t zeros) {                             \
    skip_sums(&s->sums, (zeros + (bytes)-1) / (bytes), modulus);                                   \
  }                                                                                                \
  static void join_fletcher##bits(checksum_state *s, const checksum_state *other) {                \
    join_sums(&s->sums, &other->sums, modulus);                                                    \
  }                                                                                                \
  static const checksum_division fletcher##bits##_division = {begin_fletcher, skip_fletcher##bits, \
                                                              join_fletcher##bits}

FLETCHER(16, 255, 1);
FLETCHER(32, 65535, 2);

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

static void empty_crc(checksum_state *s, const mm_checksum_kind *kind) {
  s->crc = (checking){kind->crc, 0};
}

static void skip_crc(checksum_state *s, uint64_t zeros) {
  s->crc.value = mm_crc_skip(s->crc.tables->model, s->crc.value, zeros);
}

static void join_crc(checksum_state *s, const checksum_state *other) {
  s->crc.value ^= other->crc.value;
}

static const checksum_division crc_division = {empty_crc, skip_crc, join_crc};

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

/* Its word is the register's complement. */
static void empty_crc32(checksum_state *s, const mm_checksum_kind *kind) {
  (void)kind;
  s->word = UINT32_MAX;
}

static void skip_crc32(checksum_state *s, uint64_t zeros) {
  static const mm_crc_model model = {
      .width = 32, .refin = 1, .refout = 1, .poly = 0x04c11db7, .init = UINT32_MAX};
  s->word = ~(uint32_t)mm_crc_skip(&model, ~s->word, zeros);
}

static void join_crc32(checksum_state *s, const checksum_state *other) {
  s->word ^= ~other->word;
}

static const checksum_division crc32_division = {empty_crc32, skip_crc32, join_crc32};

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
  { #name, size, NULL, begin_##name, update_##name, end_##name }

static const struct mm_checksum_method methods[] = {
    {"adler32", 0, &adler32_division, begin_adler32, update_adler32, end_word},
    {"fletcher16", 0, &fletcher16_division, begin_fletcher, update_fletcher16, end_fletcher16},
    {"fletcher32", 0, &fletcher32_division, begin_fletcher, update_fletcher32, end_fletcher32},
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

static const struct mm_checksum_method crc_method = {"crc",     0,          &crc_division,
                                                     begin_crc, update_crc, end_crc};

/* libdeflate's own: it uses carry-less products. */
static const struct mm_checksum_method crc32_method = {
    "crc-32/iso-hdlc", 0, &crc32_division, begin_crc32, update_crc32, end_word};

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

typedef struct summing {
  const mm_checksum_kind *kind;
  const uint8_t *data;
  uint64_t size;
  checksum_state *sum; /* of those that have ended */
} summing;

/* The parts that this thread takes, zeros in place of the others; the caller's own goes on from what `s`
** has begun with. */
static void sum_parts(const summing *all, mm_share *share, checksum_state *s) {
  const struct mm_checksum_method *method = all->kind->method;
  uint64_t at = 0, from, to;
  while (mm_share_next(share, &from, &to)) {
    if (from > at) method->divide->skip(s, from - at);
    method->update(s, all->data + from, (size_t)(to - from));
    at = to;
  }
  if (at < all->size && method->divide) method->divide->skip(s, all->size - at);
}

static void sum_share(void *context, mm_share *share) {
  const summing *all = context;
  const struct mm_checksum_method *method = all->kind->method;
  _Alignas(64) checksum_state s;
  if (mm_share_is_own(share)) {
    method->begin(&s, all->kind);
  } else {
    method->divide->empty(&s, all->kind);
  }
  sum_parts(all, share, &s);
  mm_share_lock(share);
  method->divide->join(all->sum, &s);
  mm_share_unlock(share);
}

/* In one thread, all parts are its own, one behind the other. */
static void sum_alone(void *context, mm_share *share) {
  const summing *all = context;
  all->kind->method->begin(all->sum, all->kind);
  sum_parts(all, share, all->sum);
}

int mm_checksum_of(const mm_checksum_kind *kind, const uint8_t *data, uint64_t size,
                   unsigned threads, const mm_watch *watch, mm_checksum *out, mm_error *err) {
  const struct mm_checksum_method *method = kind->method;
  _Alignas(64) checksum_state s;
  summing all = {kind, data, size, &s};
  bool divided = threads > 1 && method->divide;
  mm_parts parts = {.count = size, .unit = 1, .threads = divided ? threads : 1, .watch = watch};
  *out = (mm_checksum){0};
  if (divided) method->divide->empty(&s, kind);
  int stop = mm_parts_run(&parts, divided ? sum_share : sum_alone, &all);
  if (stop) return mm_fail_stopped(err, stop);
  method->end(&s, out);
  out->size = method->size;
  return MM_OK;
}
