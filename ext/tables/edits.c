/*
** edits.c: the table `mmap_edits`: what makes one file of another, insertions and deletions found.
**
**     SELECT * FROM mmap_edits('old.bin', 'new.bin') WHERE kind <> 'equal';
**
** The rows are of the moment when the scan begins. mmap_diff compares place by place.
*/
#include "ext/tables/scan.h"

#include "core/common/mem.h"
#include "core/search/edits.h"

enum { EDITS_KIND, EDITS_A, EDITS_A_LENGTH, EDITS_B, EDITS_B_LENGTH, EDITS_FILE_A };

static const ext_scan_table edits_table = {
    .name = "mmap_edits",
    .columns = "CREATE TABLE x(kind TEXT, a_offset INTEGER, a_length INTEGER, b_offset INTEGER,"
               " b_length INTEGER, a HIDDEN, b HIDDEN)",
    .hidden = EDITS_FILE_A,
    .least = 2,
    .most = 2,
    .rows = 1000,
    .unordered = true,
    .unsorted = true,
};

typedef struct edits_cursor {
  ext_scan scan;    /* its file is a */
  ext_source other; /* b */
  mm_edit *runs;    /* owned */
  size_t count, at;
} edits_cursor;

static int editsClose(sqlite3_vtab_cursor *base) {
  edits_cursor *cursor = (edits_cursor *)base;
  mm_free(cursor->runs);
  ext_source_clear(&cursor->other);
  return ext_scan_close(base);
}

static int editsNext(sqlite3_vtab_cursor *base) {
  edits_cursor *cursor = (edits_cursor *)base;
  cursor->scan.done = ++cursor->at >= cursor->count;
  return SQLITE_OK;
}

static int find_all_edits(edits_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  mm_error *err = ext_scan_error(scan);
  mm_watch watch;
  mm_free(cursor->runs);
  cursor->runs = NULL;
  cursor->at = 0;
  ext_conn_watch(ext_scan_conn(scan), &watch);
  int rc = mm_edits_find(ext_source_data(&scan->file), ext_source_length(&scan->file),
                         ext_source_data(&cursor->other), ext_source_length(&cursor->other), &watch,
                         &cursor->runs, &cursor->count, err);
  if (rc == MM_INTERRUPT) return SQLITE_INTERRUPT;
  if (rc == MM_OK) rc = mm_object_whole(scan->file.object->core, err);
  if (rc == MM_OK) rc = mm_object_whole(cursor->other.object->core, err);
  scan->done = cursor->count == 0;
  return rc ? ext_scan_fail(&edits_table, scan) : SQLITE_OK;
}

static int editsFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                       sqlite3_value **argv) {
  edits_cursor *cursor = (edits_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  int rc = ext_scan_begin(&edits_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  ext_conn *conn = ext_scan_conn(scan);
  if (ext_source_use(conn, &cursor->other, &scan->given.reads, args[1], &conn->err)) {
    return ext_scan_fail(&edits_table, scan);
  }
  return find_all_edits(cursor);
}

static int editsColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  static const char *const kinds[] = {"equal", "replace", "insert", "delete"};
  const edits_cursor *cursor = (const edits_cursor *)base;
  const mm_edit *run = &cursor->runs[cursor->at];
  switch (column) {
    case EDITS_KIND:
      sqlite3_result_text(context, kinds[run->kind], -1, SQLITE_STATIC);
      break;
    case EDITS_A:
      sqlite3_result_int64(context, (sqlite3_int64)run->a_offset);
      break;
    case EDITS_A_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)run->a_size);
      break;
    case EDITS_B:
      sqlite3_result_int64(context, (sqlite3_int64)run->b_offset);
      break;
    case EDITS_B_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)run->b_size);
      break;
  }
  return SQLITE_OK;
}

static int editsRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((edits_cursor *)base)->at + 1;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(edits, editsClose);

const ext_module ext_module_edits = {"mmap_edits", &edits_module, &edits_module};
