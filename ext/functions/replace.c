/*
** replace.c: mmap_replace and mmap_search_replace: every occurrence, by bytes of any length.
**
** All are found first, in one pass over the bytes as they were, and then replaced as one step
** (core/file/splice.h). Where the bytes of a needle become as many others, nothing moves, and what is
** behind an occurrence stays as it is: so there they are found and replaced in batches, and take no more
** memory than one.
*/
#include "core/common/buffer.h"
#include "core/common/mem.h"
#include "core/search/occur.h"
#include "core/search/search.h"
#include "ext/functions/fn.h"
#include "ext/functions/writer.h"

/* What is to be replaced where, and by what. */
typedef struct replacing {
  mm_splice *splices; /* owned; offsets are the window's, till they are applied */
  size_t count, capacity;
  uint64_t most, done; /* … and how many there are already, in the batches before */
  fn_range range;
  mm_occur occur; /* of a needle: where its occurrences are looked for, … */
  uint64_t end;   /* … where the last one ends, … */
  bool more;      /* … and may there be more, in the next batch? */
  mm_watch watch;
  /* Of a template each place has bytes of its own: they stand here one behind the other, and the
  ** splices' `data` are set when all are there. */
  mm_buffer bytes;
} replacing;

static void clear_replacing(replacing *r) {
  mm_free(r->splices);
  mm_free(r->bytes.data);
}

static int add_replaced(replacing *r, mm_splice splice, mm_error *err) {
  void *splices = r->splices;
  if (mm_grow(&splices, r->count, &r->capacity, sizeof splice)) return mm_fail_nomem(err);
  r->splices = splices;
  r->splices[r->count++] = splice;
  return MM_OK;
}

/* The optional arguments: start, stop, most. */
static int replace_arguments(const ext_write *write, replacing *r, mm_error *err) {
  mm_optional most;
  int rc = fn_range_of(&write->file, write->argc, write->argv, 3, &r->range, err);
  if (rc == MM_OK) rc = ext_value_optional(write->argc, write->argv, 5, "most", &most, err);
  if (rc) return rc;
  if (most.given && most.value < 0) {
    return mm_fail(err, MM_ERROR, "most %lld is negative", (long long)most.value);
  }
  r->most = most.given ? (uint64_t)most.value : UINT64_MAX;
  if (r->range.none) r->most = 0;
  r->occur = (mm_occur){.next = r->range.from};
  r->end = r->range.from;
  return MM_OK;
}

/* ---- mmap_replace --------------------------------------------------------------------------- */

#define REPLACE_BATCH ((size_t)1 << 20)

static int find_places(replacing *r, const mm_needle *needle, const uint8_t *data, uint64_t size,
                       mm_error *err) {
  size_t batch = size == needle->size ? REPLACE_BATCH : SIZE_MAX;
  int64_t at = MM_FIND_NONE;
  r->more = false;
  while (r->done + r->count < r->most) {
    r->more = r->count >= batch;
    if (r->more) break;
    if (!mm_occur_take(&r->occur, &at))
      at = mm_occur_search(&r->occur, needle, r->range.data, r->range.to, &r->watch);
    if (at == MM_FIND_STOPPED) return mm_fail(err, MM_INTERRUPT, "interrupted");
    if (at < 0) break;
    if ((uint64_t)at < r->end) continue; /* it overlaps */
    r->end = (uint64_t)at + needle->size;
    if (r->occur.next < r->end) r->occur.next = r->end;
    int rc = add_replaced(r, (mm_splice){(uint64_t)at, needle->size, data, size}, err);
    if (rc) return rc;
  }
  return MM_OK;
}

static int find_replaced_needles(const ext_write *write, replacing *r, mm_error *err) {
  const uint8_t *bytes, *data;
  uint64_t size, data_size;
  mm_needle needle;
  int rc = ext_value_bytes(write->argv[1], "needle", &bytes, &size, err);
  if (rc == MM_OK && size == 0) rc = mm_fail(err, MM_ERROR, "the needle is empty");
  if (rc == MM_OK) rc = ext_value_bytes(write->argv[2], "data", &data, &data_size, err);
  if (rc) return rc;
  mm_needle_prepare(&needle, bytes, size);
  return find_places(r, &needle, data, data_size, err);
}

/* ---- mmap_search_replace -------------------------------------------------------------------- */

static int add_replacing_bytes(replacing *r, const uint8_t *data, uint64_t size, mm_error *err) {
  return mm_buffer_put(&r->bytes, data, size) ? MM_OK : mm_fail_nomem(err);
}

/* `$0` to `$9` are the match and its groups, one that took no part being nothing; `$$` is a dollar,
** and a dollar before anything else is itself. */
static int add_reference(replacing *r, mm_pattern *pattern, mm_span match, uint8_t name,
                         mm_error *err) {
  mm_span span = match;
  if (name == '$') return add_replacing_bytes(r, &name, 1, err);
  if (name != '0' && !mm_pattern_group(pattern, (unsigned)name - '0', &span)) return MM_OK;
  return span.end > span.start
             ? add_replacing_bytes(r, r->range.data + span.start, span.end - span.start, err)
             : MM_OK;
}

static bool is_reference(const uint8_t *data, uint64_t left) {
  return left > 1 && data[0] == '$' && (data[1] == '$' || (data[1] >= '0' && data[1] <= '9'));
}

static int add_expanded(replacing *r, mm_pattern *pattern, mm_span match, const uint8_t *data,
                        uint64_t size, mm_error *err) {
  int rc = MM_OK;
  for (uint64_t i = 0, run; i < size && rc == MM_OK; i += run) {
    if (is_reference(data + i, size - i)) {
      rc = add_reference(r, pattern, match, data[i + 1], err);
      run = 2;
    } else {
      for (run = 1; i + run < size && data[i + run] != '$';) run++;
      rc = add_replacing_bytes(r, data + i, run, err);
    }
  }
  return rc;
}

static int add_replaced_match(replacing *r, mm_pattern *pattern, mm_span match, const uint8_t *data,
                              uint64_t size, mm_error *err) {
  uint64_t before = r->bytes.size;
  int rc = add_expanded(r, pattern, match, data, size, err);
  if (rc) return rc;
  mm_splice splice = {match.start, match.end - match.start, NULL, r->bytes.size - before};
  return add_replaced(r, splice, err);
}

static int find_matches(replacing *r, mm_pattern *pattern, const uint8_t *data, uint64_t size,
                        mm_error *err) {
  mm_span match = {r->range.from, r->range.from};
  bool advance = false;
  int rc = MM_OK;
  while (rc == MM_OK && r->count < r->most && match.end <= r->range.to) {
    bool found = false;
    rc = mm_pattern_search(pattern, r->range.data, r->range.to, match.end, r->range.to, advance,
                           &r->watch, &found, &match, err);
    if (rc || !found) break;
    advance = match.start == match.end;
    rc = add_replaced_match(r, pattern, match, data, size, err);
  }
  return rc;
}

static void point_at_bytes(replacing *r) {
  const uint8_t *data = r->bytes.data;
  for (size_t i = 0; i < r->count; i++) {
    r->splices[i].data = data;
    data += r->splices[i].data_size;
  }
}

static int find_replaced_matches(const ext_write *write, replacing *r, mm_error *err) {
  const uint8_t *text, *data;
  uint64_t size, data_size;
  mm_pattern *pattern = NULL;
  int rc = ext_value_bytes(write->argv[1], "regex", &text, &size, err);
  if (rc == MM_OK) rc = mm_pattern_compile(text, size, &pattern, err);
  if (rc == MM_OK) rc = ext_value_bytes(write->argv[2], "data", &data, &data_size, err);
  if (rc == MM_OK) rc = find_matches(r, pattern, data, data_size, err);
  if (rc == MM_OK && r->bytes.data) point_at_bytes(r);
  mm_pattern_free(pattern);
  return rc;
}

/* ---- both ----------------------------------------------------------------------------------- */

typedef int find_replaced(const ext_write *write, replacing *r, mm_error *err);

static int replace_batch(ext_conn *conn, ext_write *write, replacing *r, find_replaced *find,
                         mm_error *err) {
  r->count = 0;
  int rc = find(write, r, err);
  if (rc == MM_OK) rc = mm_object_whole(write->file.object->core, err);
  for (size_t i = 0; i < r->count; i++) r->splices[i].offset += write->file.start;
  if (rc == MM_OK) rc = ext_write_splice(conn, write, r->splices, r->count, err);
  r->done += r->count;
  return rc;
}

/* All of them or none. What was written may have given the bytes another address. */
static int replace_all(ext_conn *conn, ext_write *write, replacing *r, find_replaced *find,
                       mm_error *err) {
  mm_object *core = write->file.object->core;
  mm_error ignored;
  mm_log_mark mark = mm_object_mark(core);
  int rc = replace_batch(conn, write, r, find, err);
  while (rc == MM_OK && r->more) {
    r->range.data = core->data + write->file.start;
    rc = replace_batch(conn, write, r, find, err);
  }
  if (rc) (void)mm_object_rollback_to(core, mark.count, &ignored);
  mm_object_release(core, &mark);
  return rc;
}

static int run_replacing(ext_conn *conn, ext_write *write, find_replaced *find, mm_error *err) {
  replacing r = {0};
  ext_conn_watch(conn, &r.watch);
  int rc = ext_write_begin(conn, write, err);
  if (rc == MM_OK) rc = replace_arguments(write, &r, err);
  if (rc == MM_OK) rc = replace_all(conn, write, &r, find, err);
  write->result = (sqlite3_int64)r.done;
  clear_replacing(&r);
  return rc;
}

static int run_replace(ext_conn *conn, ext_write *write, mm_error *err) {
  return run_replacing(conn, write, find_replaced_needles, err);
}

static int run_search_replace(ext_conn *conn, ext_write *write, mm_error *err) {
  return run_replacing(conn, write, find_replaced_matches, err);
}

static void replaceFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {.name = "mmap_replace", .run = run_replace, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 3)) ext_write_argument(context, &write);
}

static void search_replaceFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_write write = {
      .name = "mmap_search_replace", .run = run_search_replace, .argc = argc, .argv = argv};
  if (!ext_any_null(argv, 3)) ext_write_argument(context, &write);
}

const ext_function ext_functions_replace[] = {
    {"mmap_replace", 3, 6, replaceFunc, true, false},
    {"mmap_search_replace", 3, 6, search_replaceFunc, true, false},
    {0},
};
