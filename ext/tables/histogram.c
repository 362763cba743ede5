/*
** histogram.c: the table `mmap_histogram`: how often each byte occurs. 256 rows, always.
**
**     SELECT byte, count FROM mmap_histogram('a.bin') WHERE count > 0;
*/
#include "ext/tables/scan.h"

enum { HISTOGRAM_BYTE, HISTOGRAM_COUNT, HISTOGRAM_FILE };

static const ext_scan_table histogram_table = {
    .name = "mmap_histogram",
    .columns = "CREATE TABLE x(byte INTEGER, count INTEGER,"
               " file HIDDEN, start HIDDEN, stop HIDDEN)",
    .hidden = HISTOGRAM_FILE,
    .least = 1,
    .most = 3,
    .rows = 256,
    .unordered = true,
};

typedef struct histogram_cursor {
  ext_scan scan;
  int byte;
  uint64_t counts[256];
} histogram_cursor;

static int histogramNext(sqlite3_vtab_cursor *base) {
  histogram_cursor *cursor = (histogram_cursor *)base;
  cursor->scan.done = ++cursor->byte > 255;
  return SQLITE_OK;
}

static int count_all(histogram_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  ext_conn *conn = ext_scan_conn(scan);
  mm_watch watch;
  ext_conn_watch(conn, &watch);
  memset(cursor->counts, 0, sizeof cursor->counts);
  const uint8_t *data = ext_source_data(&scan->file) + scan->from;
  int rc = mm_histogram(data, scan->to - scan->from, cursor->counts, conn->threads, &watch);
  return rc ? SQLITE_INTERRUPT : ext_scan_check(&histogram_table, scan);
}

static int histogramFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                           sqlite3_value **argv) {
  histogram_cursor *cursor = (histogram_cursor *)base;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  bool past;
  ext_scan *scan = &cursor->scan;
  cursor->byte = 0;
  int rc = ext_scan_begin(&histogram_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  rc = ext_scan_bounds(&histogram_table, scan, args[1], args[2], &past);
  return rc ? rc : count_all(cursor);
}

static int histogramColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  const histogram_cursor *cursor = (const histogram_cursor *)base;
  if (column == HISTOGRAM_BYTE) sqlite3_result_int(context, cursor->byte);
  if (column == HISTOGRAM_COUNT) {
    sqlite3_result_int64(context, (sqlite3_int64)cursor->counts[cursor->byte]);
  }
  return SQLITE_OK;
}

static int histogramRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((histogram_cursor *)base)->byte;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(histogram, ext_scan_close);

const ext_module ext_module_histogram = {"mmap_histogram", &histogram_module, &histogram_module};
