/*
** search_all.c: the table `mmap_search_all`: every match of a regular expression.
**
**     SELECT offset, length, match, g1 FROM mmap_search_all('mail.txt', '^Subject: (.*)');
**
** Which matches there are depends on where the one before ended, so a lower bound on the offset
** saves nothing; an upper one ends the scan, and no match is looked for behind it.
*/
#include "core/search/search.h"
#include "ext/tables/scan.h"

enum {
  SEARCH_OFFSET,
  SEARCH_LENGTH,
  SEARCH_MATCH,
  SEARCH_FILE,
  SEARCH_REGEX,
  SEARCH_START,
  SEARCH_STOP,
  SEARCH_G1
};

static const ext_scan_table search_table = {
    .name = "mmap_search_all",
    .columns = "CREATE TABLE x(offset INTEGER, length INTEGER, match BLOB,"
               " file HIDDEN, regex HIDDEN, start HIDDEN, stop HIDDEN,"
               " g1 BLOB HIDDEN, g2 BLOB HIDDEN, g3 BLOB HIDDEN, g4 BLOB HIDDEN, g5 BLOB HIDDEN,"
               " g6 BLOB HIDDEN, g7 BLOB HIDDEN, g8 BLOB HIDDEN, g9 BLOB HIDDEN)",
    .hidden = SEARCH_FILE,
    .least = 2,
    .most = 4,
    .rows = 1e4,
};

typedef struct search_cursor {
  ext_scan scan;
  mm_pattern *pattern; /* kept as long as it stays the same; owned */
  mm_watch watch;
  mm_span match;
  uint64_t next; /* where the search goes on */
  sqlite3_int64 rowid;
} search_cursor;

static int searchClose(sqlite3_vtab_cursor *base) {
  mm_pattern_free(((search_cursor *)base)->pattern);
  return ext_scan_close(base);
}

/* As re.finditer: after an empty match the next one may begin at the same place, but not be
** empty. */
static int search_on(search_cursor *cursor, bool advance) {
  ext_scan *scan = &cursor->scan;
  uint64_t size = ext_source_length(&scan->file);
  bool found = false;
  if (size > scan->to) size = scan->to;
  if (cursor->next <= size) {
    int rc = mm_pattern_search(cursor->pattern, ext_source_data(&scan->file), size, cursor->next,
                               (uint64_t)scan->high, advance, &cursor->watch, &found,
                               &cursor->match, ext_scan_error(scan));
    if (rc == MM_INTERRUPT) return SQLITE_INTERRUPT;
    if (rc) return ext_scan_fail(&search_table, scan);
  }
  scan->done = !found || cursor->match.start > (uint64_t)scan->high;
  cursor->next = cursor->match.end;
  cursor->rowid++;
  return ext_scan_check(&search_table, scan);
}

static int searchNext(sqlite3_vtab_cursor *base) {
  search_cursor *cursor = (search_cursor *)base;
  return search_on(cursor, cursor->match.start == cursor->match.end);
}

static int take_pattern(search_cursor *cursor, sqlite3_value *value) {
  mm_error *err = ext_scan_error(&cursor->scan);
  const uint8_t *text;
  uint64_t size;
  int rc = ext_value_bytes(value, "regex", &text, &size, err);
  if (rc == MM_OK && !(cursor->pattern && mm_pattern_is(cursor->pattern, text, size))) {
    mm_pattern_free(cursor->pattern);
    rc = mm_pattern_compile(text, size, &cursor->pattern, err);
  }
  return rc ? ext_scan_fail(&search_table, &cursor->scan) : SQLITE_OK;
}

static int searchFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                        sqlite3_value **argv) {
  search_cursor *cursor = (search_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  bool past;
  int rc = ext_scan_begin(&search_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  rc = take_pattern(cursor, args[1]);
  if (rc == SQLITE_OK) rc = ext_scan_bounds(&search_table, scan, args[2], args[3], &past);
  if (rc) return rc;
  scan->done = past;
  cursor->next = scan->from;
  cursor->rowid = 0;
  ext_conn_watch(ext_scan_conn(scan), &cursor->watch);
  return past ? SQLITE_OK : search_on(cursor, false);
}

/* Bytes of the file, unless this very statement has cut it meanwhile. */
static void result_span(const search_cursor *cursor, sqlite3_context *context, mm_span span) {
  const ext_source *file = &cursor->scan.file;
  if (span.end > ext_source_length(file) || span.start > span.end) return;
  ext_result_bytes(context, file->object, file->start + span.start, span.end - span.start);
}

static void result_group(const search_cursor *cursor, sqlite3_context *context, int n) {
  mm_span group;
  if (mm_pattern_group(cursor->pattern, (unsigned)n, &group)) result_span(cursor, context, group);
}

static int searchColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  search_cursor *cursor = (search_cursor *)base;
  const mm_span *match = &cursor->match;
  switch (column) {
    case SEARCH_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)match->start);
      break;
    case SEARCH_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)(match->end - match->start));
      break;
    case SEARCH_MATCH:
      result_span(cursor, context, *match);
      break;
    default:
      if (column >= SEARCH_G1) result_group(cursor, context, column - SEARCH_G1 + 1);
  }
  return ext_scan_check(&search_table, &cursor->scan);
}

static int searchRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = ((search_cursor *)base)->rowid;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(search, searchClose);

const ext_module ext_module_search_all = {"mmap_search_all", &search_module, &search_module};
