/*
** patch_ips.c: patches in the format IPS.
*/
#include <string.h>

#include "core/bytes/patch.h"

#define IPS_HEAD_SIZE 5
#define IPS_OFFSET_SIZE 3
#define IPS_LENGTH_SIZE 2
#define IPS_END ((uint64_t)1 << 24) /* offsets are below */
#define IPS_RECORD_MOST 0xffff
#define IPS_END_MARK 0x454f46 /* "EOF", which an offset must not look like */

/* ---- writing -------------------------------------------------------------------------------- */

/* An offset that looks like the end is avoided by the byte before it, which is what it is. */
static void put_ips_record(const mm_patch_change *change, uint64_t offset, uint64_t size,
                           mm_buffer *out) {
  if (offset == IPS_END_MARK) {
    offset--;
    size++;
  }
  mm_buffer_put_be(out, offset, IPS_OFFSET_SIZE);
  mm_buffer_put_be(out, size, IPS_LENGTH_SIZE);
  mm_buffer_put(out, change->now + offset, size);
}

/* Less than the most: one byte may come to it. */
static void put_ips_records(const mm_patch_change *change, const mm_patch_run *run,
                            mm_buffer *out) {
  for (uint64_t done = 0, piece; done < run->size; done += piece) {
    piece = run->size - done < IPS_RECORD_MOST ? run->size - done : IPS_RECORD_MOST - 1;
    put_ips_record(change, run->offset + done, piece, out);
  }
}

static int check_ips_reach(const mm_patch_change *change, mm_error *err) {
  for (size_t i = 0; i < change->count; i++) {
    const mm_patch_run *run = &change->runs[i];
    uint64_t end = run->offset + run->size;
    if (end > IPS_END || (run->size == 0 && run->offset >= IPS_END)) {
      return mm_fail(err, MM_TOOBIG, "offset %llu is changed: an IPS patch ends at %llu",
                     (unsigned long long)(end ? end - 1 : 0), (unsigned long long)IPS_END);
    }
  }
  return MM_OK;
}

/* It is so small that nobody is asked. */
int mm_patch_write_ips(const mm_patch_change *change, mm_pace *pace, mm_buffer *out,
                       mm_error *err) {
  (void)pace;
  int rc = check_ips_reach(change, err);
  if (rc) return rc;
  mm_buffer_put(out, "PATCH", IPS_HEAD_SIZE);
  for (size_t i = 0; i < change->count; i++) put_ips_records(change, &change->runs[i], out);
  mm_buffer_put_be(out, IPS_END_MARK, IPS_OFFSET_SIZE);
  if (change->now_size < change->old_size) mm_buffer_put_be(out, change->now_size, IPS_OFFSET_SIZE);
  return out->failed ? mm_fail_nomem(err) : MM_OK;
}

/* ---- reading -------------------------------------------------------------------------------- */

static uint64_t ips_number_at(const uint8_t *bytes, unsigned size) {
  uint64_t number = 0;
  for (unsigned i = 0; i < size; i++) number = number << 8 | bytes[i];
  return number;
}

static int end_ips(mm_ips *ips, const uint8_t *patch, uint64_t size, mm_error *err) {
  uint64_t left = size - ips->at - IPS_OFFSET_SIZE;
  ips->ended = true;
  ips->cuts = left == IPS_OFFSET_SIZE;
  if (ips->cuts) ips->cut = ips_number_at(patch + ips->at + IPS_OFFSET_SIZE, IPS_OFFSET_SIZE);
  if (left == 0 || ips->cuts) return MM_OK;
  return mm_fail(err, MM_ERROR, "%llu bytes stand behind the end of the patch",
                 (unsigned long long)left);
}

static int fail_ips_short(const mm_ips *ips, mm_error *err) {
  return mm_fail(err, MM_ERROR, "the record at %llu of the patch is cut short",
                 (unsigned long long)ips->at);
}

static int read_ips_record(mm_ips *ips, const uint8_t *patch, uint64_t size, mm_ips_record *record,
                           mm_error *err) {
  uint64_t head = IPS_OFFSET_SIZE + IPS_LENGTH_SIZE, left = size - ips->at;
  const uint8_t *at = patch + ips->at;
  if (left < head) return fail_ips_short(ips, err);
  *record = (mm_ips_record){ips_number_at(at, IPS_OFFSET_SIZE),
                            ips_number_at(at + IPS_OFFSET_SIZE, IPS_LENGTH_SIZE), at + head, 0};
  uint64_t data = record->size;
  if (record->size == 0) {
    data = IPS_LENGTH_SIZE + 1;
    if (left < head + data) return fail_ips_short(ips, err);
    record->size = ips_number_at(at + head, IPS_LENGTH_SIZE);
    record->fill = at[head + IPS_LENGTH_SIZE];
    record->data = NULL;
  }
  if (left < head + data) return fail_ips_short(ips, err);
  ips->at += head + data;
  return MM_OK;
}

int mm_ips_next(mm_ips *ips, const uint8_t *patch, uint64_t size, bool *more, mm_ips_record *record,
                mm_error *err) {
  *more = false;
  if (ips->at == 0) ips->at = IPS_HEAD_SIZE;
  if (ips->ended) return MM_OK;
  if (size - ips->at < IPS_OFFSET_SIZE) {
    return mm_fail(err, MM_ERROR, "the patch has no end");
  }
  if (ips_number_at(patch + ips->at, IPS_OFFSET_SIZE) == IPS_END_MARK)
    return end_ips(ips, patch, size, err);
  *more = true;
  return read_ips_record(ips, patch, size, record, err);
}
