/*
** blocks.c: the table `mmap_blocks`: what the blocks of a file look like.
**
**     SELECT offset FROM mmap_blocks('disk.img', 4096) WHERE entropy > 7.9;
**
** A column costs only where it is asked for: most are read off one histogram of the block.
*/
#include "ext/tables/scan.h"

#include "core/bytes/entropy.h"

enum {
  BLOCKS_OFFSET,
  BLOCKS_LENGTH,
  BLOCKS_ENTROPY,
  BLOCKS_ZEROS,
  BLOCKS_PRINTABLE,
  BLOCKS_HIGH,
  BLOCKS_RUN,
  BLOCKS_FILE
};

static const ext_scan_table blocks_table = {
    .name = "mmap_blocks",
    .columns = "CREATE TABLE x(offset INTEGER, length INTEGER, entropy REAL, zeros INTEGER,"
               " printable INTEGER, high INTEGER, run INTEGER,"
               " file HIDDEN, size HIDDEN, start HIDDEN, stop HIDDEN)",
    .hidden = BLOCKS_FILE,
    .least = 1,
    .most = 4,
    .rows = 1e4,
};

#define BLOCKS_SIZE 65536

typedef struct blocks_cursor {
  ext_scan scan;
  uint64_t at, size;
  bool counted; /* `counts` are this block's */
  uint64_t counts[256];
} blocks_cursor;

/* The bytes of the block that are still there: the statement may cut the file itself. */
static uint64_t block_length(const blocks_cursor *cursor) {
  uint64_t end = ext_source_length(&cursor->scan.file);
  if (end > cursor->scan.to) end = cursor->scan.to;
  if (end <= cursor->at) return 0;
  return end - cursor->at < cursor->size ? end - cursor->at : cursor->size;
}

static int blocks_stand(blocks_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  cursor->counted = false;
  scan->done = block_length(cursor) == 0 || cursor->at > (uint64_t)scan->high;
  return ext_scan_check(&blocks_table, scan);
}

static int blocksNext(sqlite3_vtab_cursor *base) {
  blocks_cursor *cursor = (blocks_cursor *)base;
  uint64_t left = cursor->scan.to - cursor->at;
  cursor->at += cursor->size < left ? cursor->size : left;
  return blocks_stand(cursor);
}

static int take_block_size(blocks_cursor *cursor, sqlite3_value *value) {
  mm_error *err = ext_scan_error(&cursor->scan);
  mm_optional size;
  int rc = ext_value_optional(value != NULL, &value, 0, "size", &size, err);
  if (rc == MM_OK && size.given && size.value < 1) {
    rc = mm_fail(err, MM_ERROR, "size %lld is less than 1", (long long)size.value);
  }
  cursor->size = size.given ? (uint64_t)size.value : BLOCKS_SIZE;
  return rc ? ext_scan_fail(&blocks_table, &cursor->scan) : SQLITE_OK;
}

/* The first block that begins at `low` or later. */
static void skip_to_block(blocks_cursor *cursor, uint64_t low) {
  const ext_scan *scan = &cursor->scan;
  cursor->at = scan->from;
  if (low <= scan->from) return;
  uint64_t past = (low - scan->from) % cursor->size;
  uint64_t up = past ? cursor->size - past : 0;
  cursor->at = low >= scan->to || up >= scan->to - low ? scan->to : low + up;
}

static int blocksFilter(sqlite3_vtab_cursor *base, int plan, const char *operators, int argc,
                        sqlite3_value **argv) {
  blocks_cursor *cursor = (blocks_cursor *)base;
  ext_scan *scan = &cursor->scan;
  sqlite3_value *args[EXT_SCAN_ARGUMENTS];
  bool past;
  int rc = ext_scan_begin(&blocks_table, scan, plan, operators, argc, argv, args);
  if (rc || scan->done) return rc;
  rc = take_block_size(cursor, args[1]);
  if (rc == SQLITE_OK) rc = ext_scan_bounds(&blocks_table, scan, args[2], args[3], &past);
  if (rc) return rc;
  skip_to_block(cursor, scan->low > 0 ? (uint64_t)scan->low : 0);
  return blocks_stand(cursor);
}

static int count_one_block(blocks_cursor *cursor) {
  const ext_source *file = &cursor->scan.file;
  mm_watch watch;
  if (cursor->counted) return SQLITE_OK;
  ext_conn_watch(ext_scan_conn(&cursor->scan), &watch);
  memset(cursor->counts, 0, sizeof cursor->counts);
  if (mm_histogram(ext_source_data(file) + cursor->at, block_length(cursor), cursor->counts,
                   &watch)) {
    return SQLITE_INTERRUPT;
  }
  cursor->counted = true;
  return SQLITE_OK;
}

static int result_longest_run(const blocks_cursor *cursor, sqlite3_context *context) {
  mm_watch watch;
  uint64_t run;
  ext_conn_watch(ext_scan_conn(&cursor->scan), &watch);
  if (mm_longest_run(ext_source_data(&cursor->scan.file) + cursor->at, block_length(cursor), &watch,
                     &run)) {
    return SQLITE_INTERRUPT;
  }
  sqlite3_result_int64(context, (sqlite3_int64)run);
  return SQLITE_OK;
}

static sqlite3_int64 count_bytes(const blocks_cursor *cursor, int from, int to) {
  uint64_t sum = 0;
  for (int b = from; b <= to; b++) sum += cursor->counts[b];
  return (sqlite3_int64)sum;
}

static int result_counted(blocks_cursor *cursor, sqlite3_context *context, int column) {
  int rc = count_one_block(cursor);
  if (rc) return rc;
  switch (column) {
    case BLOCKS_ENTROPY:
      sqlite3_result_double(context, mm_entropy(cursor->counts));
      break;
    case BLOCKS_ZEROS:
      sqlite3_result_int64(context, count_bytes(cursor, 0, 0));
      break;
    case BLOCKS_PRINTABLE:
      sqlite3_result_int64(context,
                           count_bytes(cursor, 0x20, 0x7e) + count_bytes(cursor, '\t', '\t'));
      break;
    case BLOCKS_HIGH:
      sqlite3_result_int64(context, count_bytes(cursor, 0x80, 0xff));
      break;
  }
  return SQLITE_OK;
}

static int blocksColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column) {
  blocks_cursor *cursor = (blocks_cursor *)base;
  int rc = SQLITE_OK;
  switch (column) {
    case BLOCKS_OFFSET:
      sqlite3_result_int64(context, (sqlite3_int64)cursor->at);
      break;
    case BLOCKS_LENGTH:
      sqlite3_result_int64(context, (sqlite3_int64)block_length(cursor));
      break;
    case BLOCKS_RUN:
      rc = result_longest_run(cursor, context);
      break;
    default:
      rc = result_counted(cursor, context, column);
      break;
  }
  return rc ? rc : ext_scan_check(&blocks_table, &cursor->scan);
}

static int blocksRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((blocks_cursor *)base)->at;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(blocks, ext_scan_close);

const ext_module ext_module_blocks = {"mmap_blocks", &blocks_module, &blocks_module};
