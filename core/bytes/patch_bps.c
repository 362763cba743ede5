/*
** patch_bps.c: patches in the format BPS.
**
** Numbers are of 7 bits a byte, the lowest first, the last one marked by its top bit; each further
** byte counts on from where the shorter numbers end, so that there is one way to write each.
*/
#include <libdeflate.h>
#include <string.h>

#include "core/bytes/patch.h"

#include "core/common/least.h"

#define BPS_MAGIC_SIZE ((size_t)4)
#define BPS_CRC_SIZE ((size_t)4)
#define BPS_NEW_MOST ((uint64_t)INT32_MAX)
#define BPS_FOOT_SIZE (3 * BPS_CRC_SIZE) /* of the old file, the new one, and the patch before it */

enum bps_action { BPS_SOURCE_READ, BPS_TARGET_READ, BPS_SOURCE_COPY, BPS_TARGET_COPY };

static int bps_goes_on(mm_pace *pace, uint64_t bytes, mm_error *err) {
  int stop = mm_pace_stops(pace, bytes);
  return stop ? mm_fail_stopped(err, stop) : MM_OK;
}

static int put_bps_bytes(mm_buffer *out, const uint8_t *data, uint64_t size, mm_pace *pace,
                         mm_error *err) {
  int rc = MM_OK;
  for (uint64_t done = 0, piece; done < size && rc == MM_OK; done += piece) {
    piece = mm_min(size - done, MM_PIECE);
    rc =
        mm_buffer_put(out, data + done, piece) ? bps_goes_on(pace, piece, err) : mm_fail_nomem(err);
  }
  return rc;
}

static int add_crc(uint32_t *crc, const uint8_t *data, uint64_t size, mm_pace *pace,
                   mm_error *err) {
  int rc = MM_OK;
  for (uint64_t done = 0, piece; done < size && rc == MM_OK; done += piece) {
    piece = mm_min(size - done, MM_PIECE);
    *crc = libdeflate_crc32(*crc, data + done, (size_t)piece);
    rc = bps_goes_on(pace, piece, err);
  }
  return rc;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_bps_number(mm_buffer *out, uint64_t number) {
  while (number > 0x7f) {
    mm_buffer_put_byte(out, number & 0x7f);
    number = (number >> 7) - 1;
  }
  mm_buffer_put_byte(out, (uint8_t)(0x80 | number));
}

static void put_bps_action(mm_buffer *out, enum bps_action action, uint64_t size) {
  if (size > 0) put_bps_number(out, (size - 1) << 2 | (uint64_t)action);
}

/* Where both files stand, and the old one's copies. */
typedef struct bps_places {
  uint64_t old, now, copied;
} bps_places;

/* What stayed, up to `offset` of the old file. */
static void put_bps_stayed(mm_buffer *out, bps_places *at, uint64_t offset) {
  uint64_t size = offset - at->old;
  if (size > 0 && at->old != at->now) {
    bool back = at->old < at->copied;
    put_bps_action(out, BPS_SOURCE_COPY, size);
    put_bps_number(out, (back ? at->copied - at->old : at->old - at->copied) << 1 | back);
    at->copied = offset;
  } else {
    put_bps_action(out, BPS_SOURCE_READ, size);
  }
  at->old = offset;
  at->now += size;
}

static int put_bps_actions(const mm_patch_change *change, mm_pace *pace, mm_buffer *out,
                           mm_error *err) {
  bps_places at = {0};
  int rc = MM_OK;
  for (size_t i = 0; i < change->count && rc == MM_OK; i++) {
    const mm_patch_run *run = &change->runs[i];
    put_bps_stayed(out, &at, run->offset);
    put_bps_action(out, BPS_TARGET_READ, run->size);
    rc = put_bps_bytes(out, run->data, run->size, pace, err);
    at.old += run->old_size;
    at.now += run->size;
  }
  put_bps_stayed(out, &at, change->old_size);
  return rc;
}

/* Of the old file: the new one, but for the runs. */
static int add_crc_of_old(uint32_t *crc, const mm_patch_change *change, mm_pace *pace,
                          mm_error *err) {
  uint64_t old = 0, now = 0;
  int rc = MM_OK;
  for (size_t i = 0; i < change->count && rc == MM_OK; i++) {
    const mm_patch_run *run = &change->runs[i];
    uint64_t stayed = run->offset - old;
    rc = add_crc(crc, change->now + now, stayed, pace, err);
    if (rc == MM_OK) rc = add_crc(crc, run->old, run->old_size, pace, err);
    old = run->offset + run->old_size;
    now += stayed + run->size;
  }
  return rc == MM_OK ? add_crc(crc, change->now + now, change->now_size - now, pace, err) : rc;
}

int mm_patch_write_bps(const mm_patch_change *change, mm_pace *pace, mm_buffer *out,
                       mm_error *err) {
  uint64_t start = out->size;
  uint32_t old_crc = 0, now_crc = 0, crc = 0;
  mm_buffer_put(out, "BPS1", BPS_MAGIC_SIZE);
  put_bps_number(out, change->old_size);
  put_bps_number(out, change->now_size);
  put_bps_number(out, 0); /* no metadata */
  int rc = put_bps_actions(change, pace, out, err);
  if (rc == MM_OK) rc = add_crc_of_old(&old_crc, change, pace, err);
  if (rc == MM_OK) rc = add_crc(&now_crc, change->now, change->now_size, pace, err);
  if (rc) return rc;
  mm_buffer_put_le(out, old_crc, BPS_CRC_SIZE);
  mm_buffer_put_le(out, now_crc, BPS_CRC_SIZE);
  if (out->failed) return mm_fail_nomem(err);
  rc = add_crc(&crc, out->data + start, out->size - start, pace, err);
  if (rc) return rc;
  return mm_buffer_put_le(out, crc, BPS_CRC_SIZE) ? MM_OK : mm_fail_nomem(err);
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct bps_reader {
  const uint8_t *at, *end; /* of what is before the foot */
  const uint8_t *old;
  uint64_t old_size, new_size;
  uint64_t old_at, new_at; /* where copies go on */
  mm_pace *pace;
} bps_reader;

static int fail_bps(mm_error *err) {
  return mm_fail(err, MM_ERROR, "the patch is damaged");
}

static int take_bps_number(bps_reader *r, uint64_t *number, mm_error *err) {
  uint64_t sum = 0;
  for (unsigned shift = 0; r->at < r->end && shift < 63; shift += 7) {
    uint8_t byte = *r->at++;
    sum += (uint64_t)(byte & 0x7f) << shift;
    *number = sum;
    if (byte & 0x80) return sum > INT64_MAX ? fail_bps(err) : MM_OK;
    sum += (uint64_t)1 << (shift + 7);
  }
  return fail_bps(err);
}

static uint32_t bps_crc_at(const uint8_t *bytes) {
  return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
         (uint32_t)bytes[3] << 24;
}

/* A copy's place is told from where the one before ended: the lowest bit is the sign. */
static int move_bps_copy(bps_reader *r, uint64_t *at, uint64_t most, uint64_t size, mm_error *err) {
  uint64_t number;
  int rc = take_bps_number(r, &number, err);
  if (rc) return rc;
  uint64_t distance = number >> 1;
  bool back = number & 1;
  if (back ? distance > *at : distance > most - *at) return fail_bps(err);
  *at = back ? *at - distance : *at + distance;
  return size > most - *at ? fail_bps(err) : MM_OK;
}

static int bps_source_read(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  if (out->size > r->old_size || size > r->old_size - out->size) return fail_bps(err);
  return put_bps_bytes(out, r->old + out->size, size, r->pace, err);
}

static int bps_target_read(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  if (size > (uint64_t)(r->end - r->at)) return fail_bps(err);
  const uint8_t *data = r->at;
  r->at += size;
  return put_bps_bytes(out, data, size, r->pace, err);
}

static int bps_source_copy(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  int rc = move_bps_copy(r, &r->old_at, r->old_size, size, err);
  if (rc) return rc;
  uint64_t from = r->old_at;
  r->old_at += size;
  return put_bps_bytes(out, r->old + from, size, r->pace, err);
}

/* Byte by byte: it may copy what it has just made. */
static int bps_target_copy(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  uint64_t made = out->size;
  int rc = move_bps_copy(r, &r->new_at, made, 0, err);
  if (rc) return rc;
  if (r->new_at >= made) return fail_bps(err);
  for (uint64_t done = 0, piece; done < size && rc == MM_OK; done += piece) {
    piece = mm_min(size - done, MM_PIECE);
    uint8_t *room = mm_buffer_room(out, piece);
    if (!room) return mm_fail_nomem(err);
    for (uint64_t i = 0; i < piece; i++) room[i] = out->data[r->new_at + i];
    r->new_at += piece;
    rc = bps_goes_on(r->pace, piece, err);
  }
  return rc;
}

static int take_bps_action(bps_reader *r, mm_buffer *out, mm_error *err) {
  uint64_t number;
  int rc = take_bps_number(r, &number, err);
  if (rc) return rc;
  uint64_t size = (number >> 2) + 1;
  if (size > r->new_size - out->size) return fail_bps(err);
  switch (number & 3) {
    case BPS_SOURCE_READ:
      return bps_source_read(r, size, out, err);
    case BPS_TARGET_READ:
      return bps_target_read(r, size, out, err);
    case BPS_SOURCE_COPY:
      return bps_source_copy(r, size, out, err);
    default:
      return bps_target_copy(r, size, out, err);
  }
}

/* The new file is put together in memory. A few bytes of patch may make any number: what there is no room
** for is not begun. */
static int check_new_size(uint64_t size, mm_error *err) {
  if (size <= BPS_NEW_MOST) return MM_OK;
  return mm_fail(err, MM_TOOBIG, "the patch makes a file of %llu bytes, and %llu are the most",
                 (unsigned long long)size, (unsigned long long)BPS_NEW_MOST);
}

/* The sizes, and metadata, which are nobody's concern. */
static int read_bps_head(bps_reader *r, uint64_t old_size, mm_error *err) {
  uint64_t expected, metadata;
  int rc = take_bps_number(r, &expected, err);
  if (rc == MM_OK) rc = take_bps_number(r, &r->new_size, err);
  if (rc == MM_OK) rc = take_bps_number(r, &metadata, err);
  if (rc) return rc;
  if (metadata > (uint64_t)(r->end - r->at)) return fail_bps(err);
  r->at += metadata;
  if (expected == old_size) return check_new_size(r->new_size, err);
  return mm_fail(err, MM_ERROR, "the patch is for a file of %llu bytes, not %llu",
                 (unsigned long long)expected, (unsigned long long)old_size);
}

static int check_bps(const bps_reader *r, const uint8_t *patch, mm_error *err) {
  uint32_t crc = 0, old_crc = 0;
  uint64_t size = (uint64_t)(r->end - patch) + 2 * BPS_CRC_SIZE;
  int rc = add_crc(&crc, patch, size, r->pace, err);
  if (rc == MM_OK && crc != bps_crc_at(patch + size)) rc = fail_bps(err);
  if (rc == MM_OK) rc = add_crc(&old_crc, r->old, r->old_size, r->pace, err);
  if (rc || old_crc == bps_crc_at(r->end)) return rc;
  return mm_fail(err, MM_ERROR,
                 "the file is not the one that the patch is for: its checksum differs");
}

int mm_bps_apply(const uint8_t *patch, uint64_t size, const uint8_t *old, uint64_t old_size,
                 mm_pace *pace, mm_buffer *out, uint64_t *actions, mm_error *err) {
  *actions = 0;
  if (size < BPS_MAGIC_SIZE + 3 + BPS_FOOT_SIZE) return fail_bps(err);
  const uint8_t *foot = patch + size - BPS_FOOT_SIZE;
  bps_reader r = {
      .at = patch + BPS_MAGIC_SIZE, .end = foot, .old = old, .old_size = old_size, .pace = pace};
  int rc = read_bps_head(&r, old_size, err);
  if (rc == MM_OK) rc = check_bps(&r, patch, err);
  for (; rc == MM_OK && r.at < r.end; ++*actions) rc = take_bps_action(&r, out, err);
  uint32_t crc = 0;
  if (rc == MM_OK) rc = add_crc(&crc, out->data, out->size, pace, err);
  if (rc) return rc;
  return out->size == r.new_size && crc == bps_crc_at(foot + BPS_CRC_SIZE) ? MM_OK : fail_bps(err);
}
