/*
** find_all.c: the table `mmap_find_all`: every occurrence of some bytes.
**
**     SELECT offset FROM mmap_find_all('firmware.bin', x'7f454c46');
*/
#include "core/common/mem.h"
#include "core/search/occur.h"
#include "ext/tables/scan.h"

enum { FIND_ALL_OFFSET, FIND_ALL_FILE };

static const ext_scan_table find_all_table = {
    .name = "mmap_find_all",
    .columns = "CREATE TABLE x(offset INTEGER,"
               " file HIDDEN, needle HIDDEN, start HIDDEN, stop HIDDEN)",
    .hidden = FIND_ALL_FILE,
    .least = 2,
    .most = 4,
    .rows = 1e5,
};

typedef struct find_all_cursor {
  ext_scan scan;
  uint8_t *bytes; /* the needle's; owned */
  uint64_t capacity;
  mm_needle needle;
  mm_occur occur;
  mm_watch watch;
  ext_stamp stamp; /* when it was searched last */
  int64_t at;
} find_all_cursor;

static int find_allClose(sqlite3_vtab_cursor *base) {
  mm_free(((find_all_cursor *)base)->bytes);
  return ext_scan_close(base);
}

/* What the statement has written since may make occurrences of the places just ahead. */
static void forget_ahead(find_all_cursor *cursor, uint64_t next) {
  cursor->occur = (mm_occur){.next = next};
  cursor->stamp = ext_stamp_now(cursor->scan.file.object);
}

static int find_on(find_all_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  uint64_t size = ext_source_length(&scan->file);
  if (size > scan->to) size = scan->to;
  cursor->at = mm_occur_search(&cursor->occur, &cursor->needle, ext_source_data(&scan->file), size,
                               &cursor->watch);
  if (cursor->at == MM_FIND_STOPPED) return SQLITE_INTERRUPT;
  scan->done = cursor->at < 0;
  return ext_scan_check(&find_all_table, scan);
}

/* Others may have overwritten what was found ahead. */
static bool is_still_there(const find_all_cursor *cursor) {
  const mm_needle *needle = &cursor->needle;
  const uint8_t *place = ext_source_data(&cursor->scan.file) + cursor->at;
  if (*place != *needle->data) return false;
  return needle->size == 1 || memcmp(place, needle->data, (size_t)needle->size) == 0;
}

static int find_allNext(sqlite3_vtab_cursor *base) {
  find_all_cursor *cursor = (find_all_cursor *)base;
  if (!ext_stamp_holds(&cursor->stamp, cursor->scan.file.object)) {
    forget_ahead(cursor, (uint64_t)cursor->at + 1);
  }
  while (mm_occur_take(&cursor->occur, &cursor->at)) {
    if (is_still_there(cursor)) return SQLITE_OK;
  }
  return find_on(cursor);
}

static int keep_needle(find_all_cursor *cursor, const uint8_t *data, uint64_t size, mm_error *err) {
  if (size == 0) return mm_fail(err, MM_ERROR, "the needle is empty");
  if (size > cursor->capacity) {
    uint8_t *more = mm_realloc(cursor->bytes, size);
    if (!more) return mm_fail_nomem(err);
    cursor->bytes = more;
    cursor->capacity = size;
  }
  memcpy(cursor->bytes, data, (size_t)size);
  mm_needle_prepare(&cursor->needle, cursor->bytes, size);
  return MM_OK;
}

static int take_needle(find_all_cursor *cursor, sqlite3_value *value) {
  mm_error *err = ext_scan_error(&cursor->scan);
  const uint8_t *data;
  uint64_t size;
  int rc = ext_value_bytes(value, "needle", &data, &size, err);
  if (rc == MM_OK) rc = keep_needle(cursor, data, size, err);
  return rc ? ext_scan_fail(&find_all_table, &cursor->scan) : SQLITE_OK;
}

static int find_allFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                          sqlite3_value **argv) {
  find_all_cursor *cursor = (find_all_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  bool past;
  int rc = ext_scan_begin(&find_all_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  rc = take_needle(cursor, args[1]);
  if (rc == SQLITE_OK) rc = ext_scan_bounds(&find_all_table, scan, args[2], args[3], &past);
  if (rc) return rc;
  if (scan->low > (int64_t)scan->from) scan->from = (uint64_t)scan->low;
  forget_ahead(cursor, scan->from);
  /* Nothing beyond the last offset that may be told needs to be looked at. */
  uint64_t reach = (uint64_t)scan->high + cursor->needle.size;
  if (reach < scan->to) scan->to = reach;
  ext_conn_watch(ext_scan_conn(scan), &cursor->watch);
  return find_on(cursor);
}

static int find_allColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  if (column == FIND_ALL_OFFSET) sqlite3_result_int64(context, ((find_all_cursor *)base)->at);
  return SQLITE_OK;
}

static int find_allRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((find_all_cursor *)base)->at;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(find_all, find_allClose);

const ext_module ext_module_find_all = {"mmap_find_all", &find_all_module, &find_all_module};
