/*
** patch.h: patches as bytes: what was changed in a file, to be carried to another copy of it.
**
**     text   "# mmap patch 1", then a line a run: offset, old bytes, new bytes, in hexadecimal, `-`
**            for none; offsets are decimal or 0x…, of the file as it was; `#` begins a comment
**     IPS    "PATCH", records of offset (3 bytes), size (2) and bytes, or size 0, a count (2) and a
**            byte to be repeated; "EOF", and 3 bytes to which the file is cut (Z. Lim's addition).
**            All numbers big-endian.
**     BPS    "BPS1" (byuu, 2012): the new file as copies of the old and of itself and bytes of the
**            patch, with the CRC-32 of both and of the patch
*/
#ifndef MM_PATCH_H
#define MM_PATCH_H

#include <stddef.h>

#include "core/common/buffer.h"
#include "core/common/error.h"
#include "core/common/watch.h"

/* `old_size` bytes at `offset` of the old file became `size` others. */
typedef struct mm_patch_run {
  uint64_t offset, old_size, size;
  const uint8_t *old, *data;
} mm_patch_run;

/* What was changed: runs that ascend and do not overlap, and between them the bytes that stayed, in
** order, wherever they have moved to. An IPS knows no moves: those of its runs before the end of the
** shorter file keep their length, and one at its end may be the bytes that were added, or cut off. */
typedef struct mm_patch_change {
  const mm_patch_run *runs;
  size_t count;
  uint64_t old_size;
  const uint8_t *now; /* the new file */
  uint64_t now_size;
} mm_patch_change;

/* All that follows asks `pace` (may be NULL) whether to go on: MM_INTERRUPT. */

/* Append it to `out` in a format. MM_NOMEM; MM_TOOBIG "… an IPS patch ends at 16 MB". */
int mm_patch_write_text(const mm_patch_change *change, mm_pace *pace, mm_buffer *out,
                        mm_error *err);
int mm_patch_write_ips(const mm_patch_change *change, mm_pace *pace, mm_buffer *out, mm_error *err);
int mm_patch_write_bps(const mm_patch_change *change, mm_pace *pace, mm_buffer *out, mm_error *err);

/* By one of their names, whatever the case: MM_ERROR "format 'x' is none of text, ips, bps". */
typedef int mm_patch_writer(const mm_patch_change *change, mm_pace *pace, mm_buffer *out,
                            mm_error *err);
int mm_patch_format(const char *name, mm_patch_writer **out, mm_error *err);

enum mm_patch_kind { MM_PATCH_TEXT, MM_PATCH_IPS, MM_PATCH_BPS };

/* What a patch is, by how it begins. */
int mm_patch_kind_of(const uint8_t *patch, uint64_t size);

/* Runs of a text, ascending and not overlapping; all zeros: none. */
typedef struct mm_patch_runs {
  mm_patch_run *runs;
  size_t count, capacity;
  mm_buffer bytes; /* the runs point into it */
} mm_patch_runs;

/* MM_ERROR "line 3: …"; MM_NOMEM. The caller clears it in any case. */
int mm_patch_read_text(const uint8_t *patch, uint64_t size, mm_pace *pace, mm_patch_runs *out,
                       mm_error *err);
void mm_patch_clear(mm_patch_runs *runs);

/* A record of an IPS. */
typedef struct mm_ips_record {
  uint64_t offset, size;
  const uint8_t *data; /* NULL: `fill`, repeated */
  uint8_t fill;
} mm_ips_record;

/* Where the reading of one stands. All zeros: before the first record. */
typedef struct mm_ips {
  uint64_t at;
  bool ended;
  bool cuts; /* … and the file is cut to `cut` bytes */
  uint64_t cut;
} mm_ips;

/* The next record; *more false: there is none, as `ended` says. MM_ERROR "record at 12 …". */
int mm_ips_next(mm_ips *ips, const uint8_t *patch, uint64_t size, bool *more, mm_ips_record *record,
                mm_error *err);

/* Make the new file of the old one, in `out`. MM_ERROR, naming what does not fit: the patch's own
** checksum, the old file's size or checksum, an action that leads outside, the new file's checksum.
** *actions: how many it has. MM_NOMEM, MM_TOOBIG. */
int mm_bps_apply(const uint8_t *patch, uint64_t size, const uint8_t *old, uint64_t old_size,
                 mm_pace *pace, mm_buffer *out, uint64_t *actions, mm_error *err);

#endif
