/*
** find_many.c: the table `mmap_find_many`: every occurrence of many needles, in one pass.
**
**     SELECT offset, id FROM mmap_find_many('firmware.bin', (SELECT mmap_needles(magic, name) FROM magics));
**     SELECT offset, id FROM mmap_find_many('app.log', '["ERROR", "WARNING", "FATAL"]');
**
** Rows come by offset, then length, then the needles' order.
*/
#include "ext/tables/needles.h"
#include "ext/tables/scan.h"

enum {
  MANY_OFFSET,
  MANY_LENGTH,
  MANY_ID,
  MANY_FILE,
  MANY_NEEDLES,
  MANY_START,
  MANY_STOP,
  MANY_NEEDLE
};

static const ext_scan_table find_many_table = {
    .name = "mmap_find_many",
    .columns = "CREATE TABLE x(offset INTEGER, length INTEGER, id,"
               " file HIDDEN, needles HIDDEN, start HIDDEN, stop HIDDEN, needle BLOB HIDDEN)",
    .hidden = MANY_FILE,
    .least = 2,
    .most = 4,
    .rows = 1e5,
};

typedef struct find_many_cursor {
  ext_scan scan;
  ext_needle_set set; /* kept as long as the value stays the same */
  mm_many_scan at;
  mm_many_found found;
  mm_watch watch;
  ext_stamp stamp; /* when the file was looked at last: what is known of it */
} find_many_cursor;

static int find_manyClose(sqlite3_vtab_cursor *base) {
  ext_needle_set_clear(&((find_many_cursor *)base)->set);
  return ext_scan_close(base);
}

static int find_manyNext(sqlite3_vtab_cursor *base) {
  find_many_cursor *cursor = (find_many_cursor *)base;
  ext_scan *scan = &cursor->scan;
  uint64_t size = ext_source_length(&scan->file);
  if (size > scan->to) size = scan->to;
  if (!ext_stamp_holds(&cursor->stamp, scan->file.object)) cursor->at.begun = false;
  cursor->stamp = ext_stamp_now(scan->file.object);
  int found = mm_many_next(cursor->set.many, &cursor->at, ext_source_data(&scan->file), size,
                           &cursor->watch, &cursor->found);
  if (found == MM_FIND_STOPPED) return SQLITE_INTERRUPT;
  scan->done = found == 0 || cursor->found.place > (uint64_t)scan->high;
  return ext_scan_check(&find_many_table, scan);
}

static int find_manyFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                           sqlite3_value **argv) {
  find_many_cursor *cursor = (find_many_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  bool past;
  int rc = ext_scan_begin(&find_many_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  ext_conn_watch(ext_scan_conn(scan), &cursor->watch);
  rc = ext_needle_set_use(&cursor->set, args[1], &cursor->watch, ext_scan_error(scan));
  if (rc == MM_INTERRUPT) return SQLITE_INTERRUPT;
  if (rc) return ext_scan_fail(&find_many_table, scan);
  rc = ext_scan_bounds(&find_many_table, scan, args[2], args[3], &past);
  if (rc) return rc;
  uint64_t low = scan->low > 0 ? (uint64_t)scan->low : 0;
  cursor->at = (mm_many_scan){.next = low > scan->from ? low : scan->from};
  return find_manyNext(base);
}

static int find_manyColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  find_many_cursor *cursor = (find_many_cursor *)base;
  const mm_many_found *found = &cursor->found;
  switch (column) {
    case MANY_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)found->place);
      break;
    case MANY_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)found->size);
      break;
    case MANY_ID:
      ext_needle_set_result_id(&cursor->set, context, found->needle);
      break;
    case MANY_NEEDLE: {
      mm_bytes needle = mm_many_needle(cursor->set.many, found->needle);
      ext_result_blob(context, needle.data, needle.size);
      break;
    }
  }
  return SQLITE_OK;
}

/* The same wherever the scan began; several needles may be at one place. A row of a join that has no
** arguments has no needles either. */
static int find_manyRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  const find_many_cursor *cursor = (const find_many_cursor *)base;
  uint64_t count = cursor->set.many ? mm_many_count(cursor->set.many) : 0;
  *rowid = (sqlite3_int64)(cursor->found.place * count + cursor->found.needle);
  return SQLITE_OK;
}

EXT_SCAN_MODULE(find_many, find_manyClose);

const ext_module ext_module_find_many = {"mmap_find_many", &find_many_module, &find_many_module};
