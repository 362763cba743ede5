/*
** patch.c: patches by their names and their looks, and those that are text.
*/
#include "core/bytes/patch.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/bytes/digit.h"
#include "core/common/least.h"
#include "core/common/mem.h"

int mm_patch_format(const char *name, mm_patch_writer **out, mm_error *err) {
  static const struct {
    const char *name;
    mm_patch_writer *writer;
  } formats[] = {
      {"text", mm_patch_write_text}, {"ips", mm_patch_write_ips}, {"bps", mm_patch_write_bps}};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    *out = formats[i].writer;
    if (strcasecmp(name, formats[i].name) == 0) return MM_OK;
  }
  return mm_fail(err, MM_ERROR, "format '%.100s' is none of text, ips, bps", name);
}

int mm_patch_kind_of(const uint8_t *patch, uint64_t size) {
  if (size >= 5 && memcmp(patch, "PATCH", 5) == 0) return MM_PATCH_IPS;
  if (size >= 4 && memcmp(patch, "BPS1", 4) == 0) return MM_PATCH_BPS;
  return MM_PATCH_TEXT;
}

/* ---- writing -------------------------------------------------------------------------------- */

static void put_digits(mm_buffer *out, const uint8_t *bytes, uint64_t size) {
  static const char digits[] = "0123456789abcdef";
  uint8_t *room = mm_buffer_room(out, 2 * size);
  for (uint64_t i = 0; room && i < size; i++) {
    room[2 * i] = (uint8_t)digits[bytes[i] >> 4];
    room[2 * i + 1] = (uint8_t)digits[bytes[i] & 15];
  }
}

/* In pieces. Nonzero: what the watch said, which stopped it. */
static int put_patch_hex(mm_buffer *out, const uint8_t *bytes, uint64_t size, mm_pace *pace) {
  int stop = 0;
  if (size == 0) mm_buffer_put_byte(out, '-');
  for (uint64_t done = 0, piece; done < size && stop == 0; done += piece) {
    piece = mm_min(size - done, MM_PIECE);
    put_digits(out, bytes + done, piece);
    stop = mm_pace_stops(pace, piece);
  }
  return stop;
}

static int put_text_run(const mm_patch_run *run, mm_pace *pace, mm_buffer *out, mm_error *err) {
  char offset[24];
  int length = snprintf(offset, sizeof offset, "%llu ", (unsigned long long)run->offset);
  mm_buffer_put(out, offset, (uint64_t)length);
  int stop = put_patch_hex(out, run->old, run->old_size, pace);
  mm_buffer_put_byte(out, ' ');
  if (stop == 0) stop = put_patch_hex(out, run->data, run->size, pace);
  mm_buffer_put_byte(out, '\n');
  if (stop) return mm_fail_stopped(err, stop);
  return out->failed ? mm_fail_nomem(err) : MM_OK;
}

int mm_patch_write_text(const mm_patch_change *change, mm_pace *pace, mm_buffer *out,
                        mm_error *err) {
  static const char head[] = "# mmap patch 1\n";
  int rc = mm_buffer_put(out, head, sizeof head - 1) ? MM_OK : mm_fail_nomem(err);
  for (size_t i = 0; i < change->count && rc == MM_OK; i++) {
    rc = put_text_run(&change->runs[i], pace, out, err);
  }
  return rc;
}

/* ---- reading -------------------------------------------------------------------------------- */

/* A line that is left to be read. */
typedef struct patch_line {
  const uint8_t *at, *end;
  unsigned long long number;
} patch_line;

static bool is_between_words(uint8_t c) {
  return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of a line; of no bytes if there is none. */
static uint64_t next_patch_word(patch_line *line, const uint8_t **word) {
  while (line->at < line->end && is_between_words(*line->at)) line->at++;
  *word = line->at;
  while (line->at < line->end && !is_between_words(*line->at)) line->at++;
  return (uint64_t)(line->at - *word);
}

/* Decimal, or hexadecimal behind 0x. */
static int read_patch_offset(const patch_line *line, const uint8_t *word, uint64_t size,
                             uint64_t *offset, mm_error *err) {
  bool hex = size > 2 && word[0] == '0' && (word[1] | 0x20) == 'x';
  unsigned base = hex ? 16 : 10;
  *offset = 0;
  for (uint64_t i = hex ? 2 : 0; i < size; i++) {
    int digit = mm_digit_value(word[i]);
    if (digit < 0 || (unsigned)digit >= base ||
        *offset > ((uint64_t)INT64_MAX - (unsigned)digit) / base) {
      return mm_fail(err, MM_ERROR, "line %llu does not begin with an offset", line->number);
    }
    *offset = *offset * base + (unsigned)digit;
  }
  return MM_OK;
}

/* Bytes, at the end of `out`: `*size` of them. */
static int read_patch_hex(patch_line *line, const char *what, mm_buffer *out, uint64_t *size,
                          mm_error *err) {
  const uint8_t *word;
  uint64_t length = next_patch_word(line, &word);
  *size = 0;
  if (length == 1 && *word == '-') return MM_OK;
  uint8_t *room = length > 0 && length % 2 == 0 ? mm_buffer_room(out, length / 2) : NULL;
  if (out->failed) return mm_fail_nomem(err);
  for (uint64_t i = 0; room && i < length / 2; i++) {
    if (!mm_digit_pair(word + 2 * i, &room[i])) room = NULL;
  }
  if (!room) {
    return mm_fail(err, MM_ERROR, "line %llu: the %s bytes are neither hexadecimal digits nor -",
                   line->number, what);
  }
  *size = length / 2;
  return MM_OK;
}

/* The bytes may move till all are there: their places are counted. */
static int add_text_run(mm_patch_runs *out, const patch_line *line, mm_patch_run run,
                        mm_error *err) {
  const mm_patch_run *last = out->count ? &out->runs[out->count - 1] : NULL;
  void *runs = out->runs;
  if (last && run.offset < last->offset + last->old_size) {
    return mm_fail(err, MM_ERROR, "line %llu: offset %llu is not behind the run before it",
                   line->number, (unsigned long long)run.offset);
  }
  if (mm_grow(&runs, out->count, &out->capacity, sizeof run)) return mm_fail_nomem(err);
  out->runs = runs;
  out->runs[out->count++] = run;
  return MM_OK;
}

static int read_text_run(patch_line *line, mm_patch_runs *out, mm_error *err) {
  const uint8_t *word;
  mm_patch_run run = {0};
  uint64_t length = next_patch_word(line, &word);
  if (length == 0) return MM_OK;
  int rc = read_patch_offset(line, word, length, &run.offset, err);
  if (rc == MM_OK) rc = read_patch_hex(line, "old", &out->bytes, &run.old_size, err);
  if (rc == MM_OK) rc = read_patch_hex(line, "new", &out->bytes, &run.size, err);
  if (rc == MM_OK && next_patch_word(line, &word) > 0) {
    rc = mm_fail(err, MM_ERROR, "line %llu: there are more than three words", line->number);
  }
  return rc == MM_OK ? add_text_run(out, line, run, err) : rc;
}

/* Up to its end, or to the comment in it; `*at` moves on. */
static patch_line next_patch_line(const uint8_t **at, const uint8_t *end,
                                  unsigned long long number) {
  const uint8_t *newline = memchr(*at, '\n', (size_t)(end - *at));
  patch_line line = {*at, newline ? newline : end, number};
  const uint8_t *comment = memchr(line.at, '#', (size_t)(line.end - line.at));
  if (comment) line.end = comment;
  *at = newline ? newline + 1 : end;
  return line;
}

static void point_at_run_bytes(mm_patch_runs *out) {
  const uint8_t *at = out->bytes.data;
  for (size_t i = 0; at && i < out->count; i++) {
    out->runs[i].old = at;
    out->runs[i].data = at + out->runs[i].old_size;
    at += out->runs[i].old_size + out->runs[i].size;
  }
}

int mm_patch_read_text(const uint8_t *patch, uint64_t size, mm_pace *pace, mm_patch_runs *out,
                       mm_error *err) {
  const uint8_t *at = patch, *end = size ? patch + size : patch;
  int rc = MM_OK;
  for (unsigned long long number = 1; at < end && rc == MM_OK; number++) {
    const uint8_t *start = at;
    patch_line line = next_patch_line(&at, end, number);
    rc = read_text_run(&line, out, err);
    int stop = rc == MM_OK ? mm_pace_stops(pace, (uint64_t)(at - start)) : 0;
    if (stop) rc = mm_fail_stopped(err, stop);
  }
  point_at_run_bytes(out);
  return rc;
}

void mm_patch_clear(mm_patch_runs *runs) {
  mm_free(runs->runs);
  mm_free(runs->bytes.data);
  *runs = (mm_patch_runs){0};
}
