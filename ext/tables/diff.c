/*
** diff.c: the table `mmap_diff`: where two files differ.
**
**     SELECT offset, length, hex(a), hex(b) FROM mmap_diff('old.bin', 'new.bin');
**
** Each row is a maximal run of bytes that differ, place by place. Where one file is longer, its
** tail is the last row, and NULL on the other side.
**
** After a run the next 64 bytes are looked at together: most runs are short, and near to each other.
*/
#include "core/common/least.h"
#include "core/os/parts.h"
#include "core/search/lanes.h"
#include "ext/tables/scan.h"

enum { DIFF_OFFSET, DIFF_LENGTH, DIFF_A, DIFF_B, DIFF_FILE_A, DIFF_FILE_B };

static const ext_scan_table diff_table = {
    .name = "mmap_diff",
    .columns = "CREATE TABLE x(offset INTEGER, length INTEGER, a BLOB, b BLOB,"
               " file_a HIDDEN, file_b HIDDEN)",
    .hidden = DIFF_FILE_A,
    .least = 2,
    .most = 2,
    .rows = 1e4,
};

typedef struct diff_cursor {
  ext_scan scan;    /* its file is a */
  ext_source other; /* b */
  mm_watch watch;
  uint64_t start, end; /* the run, where `bits` is 0 */
  /* Bytes that differ, a bit each, from offset `block` on: whole runs, this one and those after it. */
  uint64_t bits, block;
  uint64_t changes, a_size, b_size; /* when they were looked at: an ext_stamp of both */
} diff_cursor;

static uint64_t past_run(uint64_t bits) {
  return bits + (bits & (0 - bits)); /* its ones are none now, and the next bit is one */
}

/* The first run of ones: where it begins, and where it ends. */
static uint64_t bits_start(const diff_cursor *cursor, uint64_t bits) {
  return cursor->block + mm_lanes_first(bits);
}

static uint64_t bits_end(const diff_cursor *cursor, uint64_t bits) {
  return cursor->block + mm_lanes_first(past_run(bits));
}

static uint64_t run_start_of(const diff_cursor *cursor) {
  return cursor->bits ? bits_start(cursor, cursor->bits) : cursor->start;
}

static uint64_t run_end_of(const diff_cursor *cursor) {
  return cursor->bits ? bits_end(cursor, cursor->bits) : cursor->end;
}

static int diffClose(sqlite3_vtab_cursor *base) {
  ext_source_clear(&((diff_cursor *)base)->other);
  return ext_scan_close(base);
}

/* The files as they are now. */
typedef struct diff_pair {
  const uint8_t *a, *b;
  uint64_t a_size, b_size, common;
} diff_pair;

static diff_pair pair_of(const diff_cursor *cursor) {
  const ext_source *a = &cursor->scan.file, *b = &cursor->other;
  uint64_t a_size = ext_source_length(a), b_size = ext_source_length(b);
  return (diff_pair){ext_source_data(a), ext_source_data(b), a_size, b_size,
                     mm_min(a_size, b_size)};
}

typedef uint64_t diff_measure(const uint8_t *a, const uint8_t *b, uint64_t size);

/* A run, from where nobody has found its end yet. */
typedef struct diff_reach {
  const diff_pair *pair;
  diff_measure *measure;
  uint64_t from;
  uint64_t end; /* of it, as far as is known */
} diff_reach;

/* Parts are taken in order: where one holds the end, none behind it matters. */
static void reach_share(void *context, mm_share *share) {
  diff_reach *reach = context;
  const diff_pair *p = reach->pair;
  uint64_t from, to;
  while (mm_share_next(share, &from, &to)) {
    uint64_t at = reach->from + from, size = to - from;
    uint64_t run = reach->measure(p->a + at, p->b + at, size);
    if (run == size) continue;
    mm_share_end(share);
    mm_share_lock(share);
    reach->end = mm_min(reach->end, at + run);
    mm_share_unlock(share);
  }
}

/* What ends within it is not worth a thread. */
#define DIFF_NEAR ((uint64_t)1 << 20)

/* From `*at` on, to the end of a run that `measure` tells, or to `end`, which both have. False:
** stopped. */
static bool run_to_end(const diff_cursor *cursor, const diff_pair *p, diff_measure *measure,
                       uint64_t end, uint64_t *at) {
  uint64_t near = end > *at ? mm_min(end - *at, DIFF_NEAR) : 0;
  uint64_t run = near ? measure(p->a + *at, p->b + *at, near) : 0;
  *at += run;
  if (run < near || *at >= end) return true;
  diff_reach reach = {p, measure, *at, end};
  mm_parts parts = {.count = end - *at,
                    .unit = 1,
                    .threads = ext_scan_conn(&cursor->scan)->threads,
                    .watch = &cursor->watch};
  int stop = mm_parts_run(&parts, reach_share, &reach);
  *at = reach.end;
  return stop == 0;
}

/* Are the bytes just read those of the files? */
static int check_both(diff_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  mm_object *other = cursor->other.object->core;
  bool look = scan->done || mm_object_hit(other);
  if (look && mm_object_whole(other, ext_scan_error(scan))) return ext_scan_fail(&diff_table, scan);
  return ext_scan_check(&diff_table, scan);
}

static int next_diff_run(diff_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  const diff_pair p = pair_of(cursor);
  uint64_t longer = p.a_size > p.b_size ? p.a_size : p.b_size;
  uint64_t at = cursor->end;
  uint64_t last = (uint64_t)scan->high; /* no run that begins beyond it is wanted */
  uint64_t end = last < p.common ? last + 1 : p.common;
  if (!run_to_end(cursor, &p, mm_mismatch, end, &at)) return SQLITE_INTERRUPT;
  cursor->start = at;
  if (at <= last && !run_to_end(cursor, &p, mm_match, p.common, &at)) return SQLITE_INTERRUPT;
  cursor->end = cursor->start < p.common ? at : longer;
  scan->done = cursor->start >= cursor->end || cursor->start > last;
  return check_both(cursor);
}

/* All numbers that are added only grow: the sum is the same as long as each is. */
static inline uint64_t changes_so_far(const diff_cursor *cursor) {
  const ext_object *a = cursor->scan.file.object, *b = cursor->other.object;
  return a->core->edits + b->core->edits + a->conn->writes;
}

/* Has the connection written nothing since? */
static inline bool diff_is_untouched(const diff_cursor *cursor) {
  return cursor->changes == changes_so_far(cursor) &&
         cursor->a_size == cursor->scan.file.object->core->size &&
         cursor->b_size == cursor->other.object->core->size;
}

/* What was looked at, of a file that has not been touched since: it is not empty. */
static inline const uint8_t *block_in(const diff_cursor *cursor, const ext_source *file) {
  return file->object->core->data + file->start + cursor->block;
}

/* Others may write, too: is the first of these runs, not of the block, still one, and no longer? */
static inline bool is_still_run(const diff_cursor *cursor, uint64_t bits) {
  const uint8_t *a = block_in(cursor, &cursor->scan.file), *b = block_in(cursor, &cursor->other);
  unsigned at = mm_lanes_first(bits), end = mm_lanes_first(past_run(bits));
  if (a[at - 1] != b[at - 1]) return false;
  do {
    if (a[at] == b[at]) return false;
  } while (++at < end);
  return a[at] == b[at];
}

/* The bits without a run that may go on after them. */
static uint64_t whole_runs(uint64_t bits) {
  uint64_t same = ~bits;
  return same ? bits & (UINT64_MAX >> __builtin_clzll(same)) : 0;
}

/* Look at the bytes behind the last run, if there are as many. False: nothing is known of them. */
static bool look_behind_run(diff_cursor *cursor) {
  const diff_pair p = pair_of(cursor);
  uint64_t at = cursor->end, last = (uint64_t)cursor->scan.high;
  mm_object *a = cursor->scan.file.object->core, *b = cursor->other.object->core;
  if (at > p.common || p.common - at < MM_LANES || last < at + MM_LANES) return false;
  cursor->bits = whole_runs(mm_lanes_differ(p.a + at, p.b + at));
  if (mm_object_hit(a) || mm_object_hit(b)) cursor->bits = 0;
  cursor->block = at;
  cursor->changes = changes_so_far(cursor);
  cursor->a_size = cursor->scan.file.object->core->size;
  cursor->b_size = cursor->other.object->core->size;
  return cursor->bits > 0;
}

/* Not inlined, so that a step along what is known is a few instructions. */
__attribute__((noinline)) static int look_for_run(diff_cursor *cursor) {
  cursor->end = run_end_of(cursor);
  cursor->bits = 0;
  return look_behind_run(cursor) ? SQLITE_OK : next_diff_run(cursor);
}

static int diffNext(sqlite3_vtab_cursor *base) {
  diff_cursor *cursor = (diff_cursor *)base;
  uint64_t left = cursor->bits & past_run(cursor->bits);
  if (!left || !diff_is_untouched(cursor) || !is_still_run(cursor, left)) {
    return look_for_run(cursor);
  }
  cursor->bits = left;
  return SQLITE_OK;
}

/* The first run that begins at `low` or later: not what is left of one that began before. */
static int diff_seek(diff_cursor *cursor, int64_t low) {
  const diff_pair p = pair_of(cursor);
  uint64_t longer = p.a_size > p.b_size ? p.a_size : p.b_size;
  uint64_t at = low > 0 ? (uint64_t)low : 0;
  cursor->end = at > p.common ? longer : at;
  if (at == 0 || at >= p.common || p.a[at - 1] == p.b[at - 1]) return SQLITE_OK;
  return run_to_end(cursor, &p, mm_match, p.common, &cursor->end) ? SQLITE_OK : SQLITE_INTERRUPT;
}

static int diffFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                      sqlite3_value **argv) {
  diff_cursor *cursor = (diff_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  int rc = ext_scan_begin(&diff_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  ext_conn *conn = ext_scan_conn(scan);
  if (ext_source_use(conn, &cursor->other, &scan->given.reads, args[1], &conn->err)) {
    return ext_scan_fail(&diff_table, scan);
  }
  ext_conn_watch(conn, &cursor->watch);
  cursor->bits = 0;
  rc = diff_seek(cursor, scan->low);
  return rc ? rc : diffNext(base);
}

/* A file's side of the run: NULL if it has not all of it. */
static void result_side(const diff_cursor *cursor, sqlite3_context *context,
                        const ext_source *file) {
  uint64_t start = run_start_of(cursor), end = run_end_of(cursor);
  if (end > ext_source_length(file)) return;
  ext_result_bytes(context, file->object, file->start + start, end - start);
}

static int diffColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  diff_cursor *cursor = (diff_cursor *)base;
  switch (column) {
    case DIFF_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)run_start_of(cursor));
      return SQLITE_OK;
    case DIFF_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)(run_end_of(cursor) - run_start_of(cursor)));
      return SQLITE_OK;
    case DIFF_A:
      result_side(cursor, context, &cursor->scan.file);
      break;
    case DIFF_B:
      result_side(cursor, context, &cursor->other);
      break;
  }
  return check_both(cursor);
}

static int diffRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)run_start_of((diff_cursor *)base);
  return SQLITE_OK;
}

EXT_SCAN_MODULE(diff, diffClose);

const ext_module ext_module_diff = {"mmap_diff", &diff_module, &diff_module};
