/*
** hexdump.c: the table `mmap_hexdump`: 16 bytes a row, counted from start.
**
**     SELECT printf('%08x  %-47s  %s', offset, hex, ascii) FROM mmap_hexdump('a.bin', 0, 256);
*/
#include "core/bytes/hexdump.h"
#include "ext/tables/scan.h"

enum { HEXDUMP_OFFSET, HEXDUMP_HEX, HEXDUMP_ASCII, HEXDUMP_FILE };

static const ext_scan_table hexdump_table = {
    .name = "mmap_hexdump",
    .columns = "CREATE TABLE x(offset INTEGER, hex TEXT, ascii TEXT,"
               " file HIDDEN, start HIDDEN, stop HIDDEN)",
    .hidden = HEXDUMP_FILE,
    .least = 1,
    .most = 3,
    .rows = 1e5,
};

typedef struct hexdump_cursor {
  ext_scan scan;
  uint64_t at;
} hexdump_cursor;

static uint64_t end_of(const ext_scan *scan) {
  uint64_t length = ext_source_length(&scan->file);
  return scan->to < length ? scan->to : length;
}

static int hexdump_settle(hexdump_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  scan->done = cursor->at >= end_of(scan) || cursor->at > (uint64_t)scan->high;
  return ext_scan_check(&hexdump_table, scan);
}

static int hexdumpNext(sqlite3_vtab_cursor *base) {
  hexdump_cursor *cursor = (hexdump_cursor *)base;
  cursor->at += MM_HEXDUMP_ROW;
  return hexdump_settle(cursor);
}

/* The first row that begins at `low` or later. */
static uint64_t first_row(uint64_t start, uint64_t stop, int64_t low) {
  if (low <= (int64_t)start) return start;
  if (low >= (int64_t)stop) return stop;
  uint64_t skip = (uint64_t)low - start;
  return start + (skip + MM_HEXDUMP_ROW - 1) / MM_HEXDUMP_ROW * MM_HEXDUMP_ROW;
}

static int hexdumpFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                         sqlite3_value **argv) {
  hexdump_cursor *cursor = (hexdump_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  bool past;
  int rc = ext_scan_begin(&hexdump_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  rc = ext_scan_bounds(&hexdump_table, scan, args[1], args[2], &past);
  if (rc) return rc;
  cursor->at = first_row(scan->from, scan->to, scan->low);
  return hexdump_settle(cursor);
}

static int hexdumpColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  hexdump_cursor *cursor = (hexdump_cursor *)base;
  ext_scan *scan = &cursor->scan;
  char text[3 * MM_HEXDUMP_ROW];
  if (column == HEXDUMP_OFFSET) {
    sqlite3_result_int64(context, (sqlite3_int64)cursor->at);
  } else if (column == HEXDUMP_HEX || column == HEXDUMP_ASCII) {
    const uint8_t *bytes = ext_source_data(&scan->file) + cursor->at;
    uint64_t end = end_of(scan), left = end > cursor->at ? end - cursor->at : 0;
    size_t count = left < MM_HEXDUMP_ROW ? (size_t)left : MM_HEXDUMP_ROW;
    size_t size = column == HEXDUMP_HEX ? mm_hexdump_hex(bytes, count, text)
                                        : mm_hexdump_ascii(bytes, count, text);
    sqlite3_result_text(context, text, (int)size, SQLITE_TRANSIENT);
  }
  return ext_scan_check(&hexdump_table, scan);
}

static int hexdumpRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((hexdump_cursor *)base)->at;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(hexdump, ext_scan_close);

const ext_module ext_module_hexdump = {"mmap_hexdump", &hexdump_module, &hexdump_module};
