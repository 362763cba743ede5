/*
** diff.c: the table `mmap_diff`: where two files differ.
**
**     SELECT offset, length, hex(a), hex(b) FROM mmap_diff('old.bin', 'new.bin');
**
** Each row is a maximal run of bytes that differ, place by place. Where one file is longer, its
** tail is the last row, and NULL on the other side.
*/
#include "core/common/least.h"
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
  uint64_t start, end; /* the run */
} diff_cursor;

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

/* From `*at` on, to the end of a run that `measure` tells, or to `end`, which both have. False:
** stopped. */
static bool run_to_end(const diff_cursor *cursor, const diff_pair *p, diff_measure *measure,
                       uint64_t end, uint64_t *at) {
  while (*at < end) {
    uint64_t piece = mm_min(end - *at, MM_PIECE);
    uint64_t run = measure(p->a + *at, p->b + *at, piece);
    *at += run;
    if (run < piece) break;
    if (mm_watch_stops(&cursor->watch, *at)) return false;
  }
  return true;
}

/* Are the bytes just read those of the files? */
static int check_both(diff_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  mm_object *other = cursor->other.object->core;
  bool look = scan->done || mm_object_hit(other);
  if (look && mm_object_whole(other, ext_scan_error(scan))) return ext_scan_fail(&diff_table, scan);
  return ext_scan_check(&diff_table, scan);
}

static int diffNext(sqlite3_vtab_cursor *base) {
  diff_cursor *cursor = (diff_cursor *)base;
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
  rc = diff_seek(cursor, scan->low);
  return rc ? rc : diffNext(base);
}

/* A file's side of the run: NULL if it has not all of it. */
static void result_side(const diff_cursor *cursor, sqlite3_context *context,
                        const ext_source *file) {
  if (cursor->end > ext_source_length(file)) return;
  ext_result_bytes(context, file->object, file->start + cursor->start, cursor->end - cursor->start);
}

static int diffColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  diff_cursor *cursor = (diff_cursor *)base;
  switch (column) {
    case DIFF_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)cursor->start);
      break;
    case DIFF_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)(cursor->end - cursor->start));
      break;
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
  *rowid = (sqlite3_int64)((diff_cursor *)base)->start;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(diff, diffClose);

const ext_module ext_module_diff = {"mmap_diff", &diff_module, &diff_module};
