/*
** blocks.c: the table `mmap_blocks`: what the blocks of a file look like.
**
**     SELECT offset FROM mmap_blocks('disk.img', 4096) WHERE entropy > 7.9;
**
** A column costs only where it is asked for: most are read off one histogram of the block.
**
** With several threads (mmap_config), once as many blocks as pay for them were asked for the same
** columns, those of as many more are worked out at once, a block in one thread, and kept for the rows to
** come.
*/
#include "ext/tables/scan.h"

#include "core/bytes/entropy.h"
#include "core/common/least.h"
#include "core/common/mem.h"
#include "core/os/parts.h"

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

/* What a block is like: `has` are bits of the columns that are known. */
typedef struct block_facts {
  unsigned has;
  double entropy;
  uint64_t zeros, printable, high, run;
} block_facts;

#define FACT(column) (1U << (column))
#define FACTS_COUNTED                                                                              \
  (FACT(BLOCKS_ENTROPY) | FACT(BLOCKS_ZEROS) | FACT(BLOCKS_PRINTABLE) | FACT(BLOCKS_HIGH))
#define FACTS_ALL (FACTS_COUNTED | FACT(BLOCKS_RUN))

/* The blocks that were worked out at once: so many at most, of so many bytes for each thread. */
#define AHEAD_BLOCKS 4096
#define AHEAD_BYTES ((uint64_t)8 << 20)

typedef struct blocks_ahead {
  block_facts *facts; /* AHEAD_BLOCKS of them; NULL: not needed so far */
  uint64_t from, to;  /* bytes that they are about */
  ext_stamp stamp;    /* … as they were when they were looked at, and where */
  const uint8_t *data;
} blocks_ahead;

/* How often each byte is in a block, if that was asked for. */
typedef struct block_counts {
  bool known;
  uint64_t of[256];
} block_counts;

typedef struct blocks_cursor {
  ext_scan scan;
  uint64_t at, size;
  block_counts counts; /* this block's */
  block_facts facts;   /* … and what was asked of it */
  uint64_t first;      /* the first block, or the one at which what was found ahead was of no use */
  unsigned asked;      /* bits of the columns that this block was asked for … */
  unsigned steady;     /* … and of those that each before it was */
  blocks_ahead ahead;
} blocks_cursor;

static int blocksClose(sqlite3_vtab_cursor *base) {
  mm_free(((blocks_cursor *)base)->ahead.facts);
  return ext_scan_close(base);
}

/* The bytes of the block that are still there: the statement may cut the file itself. */
static uint64_t block_length(const blocks_cursor *cursor) {
  uint64_t end = ext_source_length(&cursor->scan.file);
  if (end > cursor->scan.to) end = cursor->scan.to;
  if (end <= cursor->at) return 0;
  return end - cursor->at < cursor->size ? end - cursor->at : cursor->size;
}

static int blocks_stand(blocks_cursor *cursor) {
  ext_scan *scan = &cursor->scan;
  cursor->counts.known = false;
  scan->done = block_length(cursor) == 0 || cursor->at > (uint64_t)scan->high;
  return ext_scan_check(&blocks_table, scan);
}

static int blocksNext(sqlite3_vtab_cursor *base) {
  blocks_cursor *cursor = (blocks_cursor *)base;
  uint64_t left = cursor->scan.to - cursor->at;
  cursor->at += cursor->size < left ? cursor->size : left;
  cursor->steady &= cursor->asked;
  cursor->asked = 0;
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

/* The first block: nothing is known of those to come. */
static void start_steady(blocks_cursor *cursor) {
  cursor->asked = 0;
  cursor->steady = FACTS_ALL;
  cursor->first = cursor->at;
  cursor->ahead.to = 0;
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
  start_steady(cursor);
  return blocks_stand(cursor);
}

/* ---- what a block is like -------------------------------------------------------------------- */

static uint64_t count_bytes(const uint64_t counts[256], int from, int to) {
  uint64_t sum = 0;
  for (int b = from; b <= to; b++) sum += counts[b];
  return sum;
}

static void take_facts(const uint64_t counts[256], unsigned facts, block_facts *out) {
  if (facts & FACT(BLOCKS_ENTROPY)) out->entropy = mm_entropy(counts);
  if (facts & FACT(BLOCKS_ZEROS)) out->zeros = counts[0];
  if (facts & FACT(BLOCKS_PRINTABLE)) {
    out->printable = count_bytes(counts, 0x20, 0x7e) + counts['\t'];
  }
  if (facts & FACT(BLOCKS_HIGH)) out->high = count_bytes(counts, 0x80, 0xff);
}

/* A block to be looked at, and who does it. */
typedef struct block_look {
  const uint8_t *data;
  uint64_t size;
  unsigned threads;
  const mm_watch *watch; /* NULL: a block so small that nobody is asked */
} block_look;

/* Some facts of a block; nonzero: stopped. */
static int look_at(const block_look *look, unsigned facts, block_counts *counts, block_facts *out) {
  const uint8_t *data = look->data;
  int rc = 0;
  if (facts & FACTS_COUNTED && !counts->known) {
    memset(counts->of, 0, sizeof counts->of);
    rc = mm_histogram(data, look->size, counts->of, look->threads, look->watch);
    counts->known = rc == 0;
  }
  if (facts & FACTS_COUNTED && rc == 0) take_facts(counts->of, facts, out);
  if (facts & FACT(BLOCKS_RUN) && rc == 0) {
    rc = mm_longest_run(data, look->size, look->watch, &out->run);
  }
  return rc;
}

static int look_alone(blocks_cursor *cursor, unsigned fact) {
  ext_conn *conn = ext_scan_conn(&cursor->scan);
  mm_watch watch;
  ext_conn_watch(conn, &watch);
  const block_look look = {ext_source_data(&cursor->scan.file) + cursor->at, block_length(cursor),
                           conn->threads, &watch};
  return look_at(&look, fact, &cursor->counts, &cursor->facts);
}

/* ---- ahead ----------------------------------------------------------------------------------- */

static bool is_ahead(const blocks_cursor *cursor) {
  const blocks_ahead *ahead = &cursor->ahead;
  const ext_object *object = cursor->scan.file.object;
  return cursor->at < ahead->to && ext_stamp_holds(&ahead->stamp, object) &&
         ahead->data == object->core->data;
}

typedef struct looking {
  const blocks_cursor *cursor;
  const uint8_t *data; /* of the first block */
  uint64_t size;       /* of all */
} looking;

static void look_share(void *context, mm_share *share) {
  const looking *all = context;
  uint64_t size = all->cursor->size, block, to;
  block_counts counts;
  while (mm_share_next(share, &block, &to)) {
    for (; block < to; block++) {
      block_facts *facts = &all->cursor->ahead.facts[block];
      uint64_t at = block * size;
      const block_look look = {all->data + at, mm_min(all->size - at, size), 1, NULL};
      counts.known = false;
      facts->has = all->cursor->steady;
      (void)look_at(&look, facts->has, &counts, facts);
    }
  }
}

/* How many bytes from this block on: at most as many as were asked for alike so far, so that who wants few
** rows does not wait for many. 0: one block after the other. */
static uint64_t bytes_ahead(const blocks_cursor *cursor) {
  uint64_t end = mm_min(ext_source_length(&cursor->scan.file), cursor->scan.to);
  uint64_t wanted = (uint64_t)cursor->scan.high - cursor->at; /* may begin so far on */
  uint64_t most =
      mm_min(AHEAD_BYTES * ext_scan_conn(&cursor->scan)->threads, cursor->at - cursor->first);
  if (end <= cursor->at || most / 2 < cursor->size || cursor->size > MM_PIECE) return 0;
  most = mm_min(most, AHEAD_BLOCKS * cursor->size);
  most = mm_min(most - most % cursor->size, end - cursor->at);
  most = mm_min(most, wanted + cursor->size);
  return most / 2 < MM_PARTS_PAY ? 0 : most;
}

/* A statement that writes as it reads is not to look at the same bytes anew for each row. */
static void forget_blocks_written(blocks_cursor *cursor) {
  if (cursor->at >= cursor->ahead.to) return;
  cursor->ahead.to = 0;
  cursor->first = cursor->at;
}

/* MM_OK: perhaps. Without memory, rows come as with one thread. */
static int blocks_look_ahead(blocks_cursor *cursor) {
  const ext_source *file = &cursor->scan.file;
  blocks_ahead *ahead = &cursor->ahead;
  ext_conn *conn = ext_scan_conn(&cursor->scan);
  mm_watch watch;
  forget_blocks_written(cursor);
  looking all = {cursor, ext_source_data(file) + cursor->at, bytes_ahead(cursor)};
  mm_parts parts = {.count = (all.size + cursor->size - 1) / cursor->size,
                    .unit = cursor->size,
                    .threads = conn->threads,
                    .watch = &watch};
  if (all.size == 0) return MM_OK;
  if (!ahead->facts) ahead->facts = mm_alloc(AHEAD_BLOCKS * sizeof *ahead->facts);
  if (!ahead->facts) return MM_OK;
  ext_conn_watch(conn, &watch);
  int stop = mm_parts_run(&parts, look_share, &all);
  *ahead = (blocks_ahead){ahead->facts, cursor->at, stop ? 0 : cursor->at + all.size,
                          ext_stamp_now(file->object), file->object->core->data};
  return stop;
}

/* The facts of this block, with the one that is asked for. */
static int facts_of(blocks_cursor *cursor, unsigned fact, const block_facts **out) {
  blocks_ahead *ahead = &cursor->ahead;
  int stop = 0;
  bool steady = cursor->steady & fact && ext_scan_conn(&cursor->scan)->threads > 1;
  cursor->asked |= fact;
  if (steady && !is_ahead(cursor)) stop = blocks_look_ahead(cursor);
  if (stop == 0 && is_ahead(cursor)) {
    *out = &ahead->facts[(cursor->at - ahead->from) / cursor->size];
    if ((*out)->has & fact) return SQLITE_OK;
  }
  *out = &cursor->facts;
  if (stop == 0) stop = look_alone(cursor, fact);
  return stop ? SQLITE_INTERRUPT : SQLITE_OK;
}

static int result_fact(blocks_cursor *cursor, sqlite3_context *context, int column) {
  const block_facts *facts;
  int rc = facts_of(cursor, FACT(column), &facts);
  if (rc) return rc;
  switch (column) {
    case BLOCKS_ENTROPY:
      sqlite3_result_double(context, facts->entropy);
      break;
    case BLOCKS_ZEROS:
      sqlite3_result_int64(context, (sqlite3_int64)facts->zeros);
      break;
    case BLOCKS_PRINTABLE:
      sqlite3_result_int64(context, (sqlite3_int64)facts->printable);
      break;
    case BLOCKS_HIGH:
      sqlite3_result_int64(context, (sqlite3_int64)facts->high);
      break;
    case BLOCKS_RUN:
      sqlite3_result_int64(context, (sqlite3_int64)facts->run);
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
    default:
      rc = result_fact(cursor, context, column);
      break;
  }
  return rc ? rc : ext_scan_check(&blocks_table, &cursor->scan);
}

static int blocksRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid) {
  *rowid = (sqlite3_int64)((blocks_cursor *)base)->at;
  return SQLITE_OK;
}

EXT_SCAN_MODULE(blocks, blocksClose);

const ext_module ext_module_blocks = {"mmap_blocks", &blocks_module, &blocks_module};
