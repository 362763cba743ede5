/*
** patch_bps.c: patches in the format BPS.
**
** Numbers are of 7 bits a byte, the lowest first, the last one marked by its top bit; each further
** byte counts on from where the shorter numbers end, so that there is one way to write each.
*/
#include <libdeflate.h>
#include <string.h>

#include "core/bytes/patch.h"

#define BPS_MAGIC_SIZE 4
#define BPS_CRC_SIZE 4
#define BPS_FOOT_SIZE (3 * BPS_CRC_SIZE) /* of the old file, the new one, and the patch before it */

enum bps_action { BPS_SOURCE_READ, BPS_TARGET_READ, BPS_SOURCE_COPY, BPS_TARGET_COPY };

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

/* What lies between the runs is the same at the same place. */
static void put_bps_actions(const mm_patch_change *change, mm_buffer *out) {
  uint64_t at = 0;
  for (size_t i = 0; i < change->count; i++) {
    const mm_patch_run *run = &change->runs[i];
    put_bps_action(out, BPS_SOURCE_READ, run->offset - at);
    put_bps_action(out, BPS_TARGET_READ, run->size);
    mm_buffer_put(out, run->data, run->size);
    at = run->offset + run->size;
  }
  put_bps_action(out, BPS_SOURCE_READ, change->now_size - at);
}

/* Of the old file: the new one, but for the runs. */
static uint32_t crc_of_old(const mm_patch_change *change) {
  uint64_t at = 0;
  uint32_t crc = 0;
  for (size_t i = 0; i < change->count; i++) {
    const mm_patch_run *run = &change->runs[i];
    crc = libdeflate_crc32(crc, change->now + at, (size_t)(run->offset - at));
    if (run->old_size > 0) crc = libdeflate_crc32(crc, run->old, (size_t)run->old_size);
    at = run->offset + run->size;
  }
  return libdeflate_crc32(crc, change->now + at, (size_t)(change->now_size - at));
}

int mm_patch_write_bps(const mm_patch_change *change, mm_buffer *out, mm_error *err) {
  uint64_t start = out->size;
  mm_buffer_put(out, "BPS1", BPS_MAGIC_SIZE);
  put_bps_number(out, change->old_size);
  put_bps_number(out, change->now_size);
  put_bps_number(out, 0); /* no metadata */
  put_bps_actions(change, out);
  mm_buffer_put_le(out, crc_of_old(change), BPS_CRC_SIZE);
  mm_buffer_put_le(out, libdeflate_crc32(0, change->now, (size_t)change->now_size), BPS_CRC_SIZE);
  if (out->failed) return mm_fail_nomem(err);
  uint32_t crc = libdeflate_crc32(0, out->data + start, (size_t)(out->size - start));
  return mm_buffer_put_le(out, crc, BPS_CRC_SIZE) ? MM_OK : mm_fail_nomem(err);
}

/* ---- reading -------------------------------------------------------------------------------- */

typedef struct bps_reader {
  const uint8_t *at, *end; /* of what is before the foot */
  const uint8_t *old;
  uint64_t old_size, new_size;
  uint64_t old_at, new_at; /* where copies go on */
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
  return mm_buffer_put(out, r->old + out->size, size) ? MM_OK : mm_fail_nomem(err);
}

static int bps_target_read(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  if (size > (uint64_t)(r->end - r->at)) return fail_bps(err);
  const uint8_t *data = r->at;
  r->at += size;
  return mm_buffer_put(out, data, size) ? MM_OK : mm_fail_nomem(err);
}

static int bps_source_copy(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  int rc = move_bps_copy(r, &r->old_at, r->old_size, size, err);
  if (rc) return rc;
  uint64_t from = r->old_at;
  r->old_at += size;
  return mm_buffer_put(out, r->old + from, size) ? MM_OK : mm_fail_nomem(err);
}

/* Byte by byte: it may copy what it has just made. */
static int bps_target_copy(bps_reader *r, uint64_t size, mm_buffer *out, mm_error *err) {
  uint64_t made = out->size;
  int rc = move_bps_copy(r, &r->new_at, made, 0, err);
  if (rc) return rc;
  if (r->new_at >= made) return fail_bps(err);
  uint8_t *room = mm_buffer_room(out, size);
  if (!room) return mm_fail_nomem(err);
  for (uint64_t i = 0; i < size; i++) room[i] = out->data[r->new_at + i];
  r->new_at += size;
  return MM_OK;
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

/* The sizes, and metadata, which are nobody's concern. */
static int read_bps_head(bps_reader *r, uint64_t old_size, mm_error *err) {
  uint64_t expected, metadata;
  int rc = take_bps_number(r, &expected, err);
  if (rc == MM_OK) rc = take_bps_number(r, &r->new_size, err);
  if (rc == MM_OK) rc = take_bps_number(r, &metadata, err);
  if (rc) return rc;
  if (metadata > (uint64_t)(r->end - r->at)) return fail_bps(err);
  r->at += metadata;
  if (expected == old_size) return MM_OK;
  return mm_fail(err, MM_ERROR, "the patch is for a file of %llu bytes, not %llu",
                 (unsigned long long)expected, (unsigned long long)old_size);
}

static int check_bps(const uint8_t *patch, uint64_t size, const uint8_t *old, uint64_t old_size,
                     mm_error *err) {
  const uint8_t *foot = patch + size - BPS_FOOT_SIZE;
  if (libdeflate_crc32(0, patch, (size_t)(size - BPS_CRC_SIZE)) !=
      bps_crc_at(foot + 2 * BPS_CRC_SIZE)) {
    return fail_bps(err);
  }
  if (libdeflate_crc32(0, old, (size_t)old_size) == bps_crc_at(foot)) return MM_OK;
  return mm_fail(err, MM_ERROR,
                 "the file is not the one that the patch is for: its checksum differs");
}

int mm_bps_apply(const uint8_t *patch, uint64_t size, const uint8_t *old, uint64_t old_size,
                 mm_buffer *out, uint64_t *actions, mm_error *err) {
  *actions = 0;
  if (size < BPS_MAGIC_SIZE + 3 + BPS_FOOT_SIZE) return fail_bps(err);
  const uint8_t *foot = patch + size - BPS_FOOT_SIZE;
  bps_reader r = {.at = patch + BPS_MAGIC_SIZE, .end = foot, .old = old, .old_size = old_size};
  int rc = read_bps_head(&r, old_size, err);
  if (rc == MM_OK) rc = check_bps(patch, size, old, old_size, err);
  for (; rc == MM_OK && r.at < r.end; ++*actions) rc = take_bps_action(&r, out, err);
  if (rc) return rc;
  uint32_t crc = libdeflate_crc32(0, out->data ? out->data : old, (size_t)out->size);
  return out->size == r.new_size && crc == bps_crc_at(foot + BPS_CRC_SIZE) ? MM_OK : fail_bps(err);
}
