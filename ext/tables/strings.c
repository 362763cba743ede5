/*
** strings.c: the table `mmap_strings`: runs of printable characters, as strings(1).
**
**     SELECT offset, text FROM mmap_strings('firmware.bin', 8);
**     SELECT offset, text FROM mmap_strings('setup.exe', 4, 'utf16le');
*/
#include "core/search/strings.h"
#include "ext/tables/scan.h"

enum { STRINGS_OFFSET, STRINGS_LENGTH, STRINGS_TEXT, STRINGS_FILE };

static const ext_scan_table strings_table = {
    .name = "mmap_strings",
    .columns = "CREATE TABLE x(offset INTEGER, length INTEGER, text TEXT, file HIDDEN, min HIDDEN,"
               " encoding HIDDEN)",
    .hidden = STRINGS_FILE,
    .least = 1,
    .most = 3,
    .rows = 1e5,
};

typedef struct strings_cursor {
  ext_scan scan;
  mm_watch watch;
  uint64_t least;
  int encoding;        /* enum mm_strings_encoding */
  uint64_t start, end; /* the run */
} strings_cursor;

static int stringsNext(sqlite3_vtab_cursor *base) {
  strings_cursor *cursor = (strings_cursor *)base;
  ext_scan *scan = &cursor->scan;
  uint64_t size = ext_source_length(&scan->file);
  int rc = mm_strings_next(cursor->encoding, ext_source_data(&scan->file), size, cursor->end,
                           (uint64_t)scan->high, cursor->least, &cursor->watch, &cursor->start,
                           &cursor->end);
  if (rc == MM_FIND_STOPPED) return SQLITE_INTERRUPT;
  scan->done = rc == MM_FIND_NONE;
  return ext_scan_check(&strings_table, scan);
}

static int take_least(strings_cursor *cursor, sqlite3_value *value) {
  mm_error *err = ext_scan_error(&cursor->scan);
  int64_t least = 4;
  int rc = value ? ext_value_integer(value, "min", &least, err) : MM_OK;
  if (rc == MM_OK && least < 1) {
    rc = mm_fail(err, MM_ERROR, "min %lld is less than 1", (long long)least);
  }
  cursor->least = (uint64_t)least;
  return rc ? ext_scan_fail(&strings_table, &cursor->scan) : SQLITE_OK;
}

static int encoding_of(const char *text, int *encoding, mm_error *err) {
  static const char *const names[] = {"ascii", "utf16le", "utf16be"};
  for (int i = MM_STRINGS_ASCII; i <= MM_STRINGS_UTF16BE; i++) {
    if (sqlite3_stricmp(text, names[i]) == 0) {
      *encoding = i;
      return MM_OK;
    }
  }
  return mm_fail(err, MM_ERROR, "encoding '%s' is none of ascii, utf16le, utf16be", text);
}

static int take_encoding(strings_cursor *cursor, sqlite3_value *value) {
  mm_error *err = ext_scan_error(&cursor->scan);
  const char *text = "ascii";
  int rc = value ? ext_value_text(value, "encoding", &text, err) : MM_OK;
  if (rc == MM_OK) rc = encoding_of(text, &cursor->encoding, err);
  return rc ? ext_scan_fail(&strings_table, &cursor->scan) : SQLITE_OK;
}

/* The first run that begins at `low` or later: not what is left of one that began before. */
static int strings_seek(strings_cursor *cursor, int64_t low) {
  const ext_source *file = &cursor->scan.file;
  uint64_t at = low > 0 ? (uint64_t)low : 0;
  if (at > file->length) at = file->length;
  cursor->end =
      mm_strings_pass(cursor->encoding, ext_source_data(file), file->length, at, &cursor->watch);
  return cursor->end == UINT64_MAX ? SQLITE_INTERRUPT : SQLITE_OK;
}

static int stringsFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                         sqlite3_value **argv) {
  strings_cursor *cursor = (strings_cursor *)base;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  int rc = ext_scan_begin(&strings_table, &cursor->scan, plan, operators, argc, argv, args);
  if (rc || cursor->scan.done) return rc;
  ext_conn_watch(ext_scan_conn(&cursor->scan), &cursor->watch);
  rc = take_least(cursor, args[1]);
  if (rc == SQLITE_OK) rc = take_encoding(cursor, args[2]);
  if (rc == SQLITE_OK) rc = strings_seek(cursor, cursor->scan.low);
  return rc ? rc : stringsNext(base);
}

/* SQLite makes UTF-8 of it, or what the database is. */
static void result_run(const strings_cursor *cursor, sqlite3_context *context) {
  static const unsigned char encodings[] = {SQLITE_UTF8, SQLITE_UTF16LE, SQLITE_UTF16BE};
  const uint8_t *data = ext_source_data(&cursor->scan.file);
  sqlite3_result_text64(context, (const char *)data + cursor->start, cursor->end - cursor->start,
                        SQLITE_TRANSIENT, encodings[cursor->encoding]);
}

static int stringsColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  strings_cursor *cursor = (strings_cursor *)base;
  const ext_source *file = &cursor->scan.file;
  uint64_t length = cursor->end - cursor->start;
  if (column == STRINGS_OFFSET) {
    sqlite3_result_int64(context, (sqlite3_int64)cursor->start);
  } else if (column == STRINGS_LENGTH) {
    sqlite3_result_int64(context, (sqlite3_int64)length);
  } else if (column == STRINGS_TEXT && cursor->end <= ext_source_length(file)) {
    result_run(cursor, context);
  }
  return ext_scan_check(&strings_table, &cursor->scan);
}

static int stringsRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((strings_cursor *)base)->start;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(strings, ext_scan_close);

const ext_module ext_module_strings = {"mmap_strings", &strings_module, &strings_module};
