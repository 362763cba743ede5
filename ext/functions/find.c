/*
** find.c: mmap_find, mmap_rfind and mmap_count: search for bytes.
*/
#include "ext/functions/fn.h"

#include "core/search/find.h"

typedef struct needle_search {
  fn_range range;
  const uint8_t *data; /* of the range */
  uint64_t size;
  bool nothing; /* start lies past stop or the end: not even an empty needle is found */
  mm_needle needle;
  mm_watch watch;
} needle_search;

static int search_arguments(sqlite3_context *context, const char *name, int argc,
                            sqlite3_value **argv, needle_search *s) {
  ext_conn *conn = ext_conn_of(context);
  mm_error *err = &conn->err;
  ext_file file;
  const uint8_t *needle;
  uint64_t needle_size;
  int rc = ext_file_argument(context, name, argv[0], &file);
  if (rc) return rc;
  rc = ext_value_bytes(argv[1], "needle", &needle, &needle_size, err);
  if (rc == MM_OK) rc = fn_range_of(&file, argc, argv, 2, &s->range, err);
  if (rc) {
    fn_fail(context, name);
    return rc;
  }
  s->nothing = s->range.past || s->range.none;
  s->data = s->range.data + s->range.from;
  s->size = s->range.to - s->range.from;
  mm_needle_prepare(&s->needle, needle, needle_size);
  ext_conn_watch(conn, &s->watch);
  return MM_OK;
}

static void result_found(sqlite3_context *context, const char *name, const needle_search *s,
                         int64_t found, int64_t base) {
  if (fn_cut(context, name, &s->range.file)) return;
  if (found == MM_FIND_STOPPED) {
    mm_fail(&ext_conn_of(context)->err, MM_INTERRUPT, "interrupted");
    fn_fail(context, name);
  } else {
    sqlite3_result_int64(context, found < 0 ? -1 : base + found);
  }
}

static void findFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  needle_search s;
  if (ext_any_null(argv, 2)) return;
  if (search_arguments(context, "mmap_find", argc, argv, &s)) return;
  int64_t found = s.nothing ? MM_FIND_NONE : mm_find(&s.needle, s.data, s.size, &s.watch);
  result_found(context, "mmap_find", &s, found, (int64_t)s.range.from);
}

static void rfindFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  needle_search s;
  if (ext_any_null(argv, 2)) return;
  if (search_arguments(context, "mmap_rfind", argc, argv, &s)) return;
  int64_t found = s.nothing ? MM_FIND_NONE : mm_rfind(&s.needle, s.data, s.size, &s.watch);
  result_found(context, "mmap_rfind", &s, found, (int64_t)s.range.from);
}

static void countFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  needle_search s;
  if (ext_any_null(argv, 2)) return;
  if (search_arguments(context, "mmap_count", argc, argv, &s)) return;
  if (s.needle.size == 0) {
    mm_fail(&ext_conn_of(context)->err, MM_ERROR, "the needle is empty");
    fn_fail(context, "mmap_count");
    return;
  }
  int64_t count = s.nothing ? 0 : mm_count(&s.needle, s.data, s.size, &s.watch);
  result_found(context, "mmap_count", &s, count, 0);
}

const ext_function ext_functions_find[] = {
    {"mmap_find", 2, 4, findFunc, false, false},
    {"mmap_rfind", 2, 4, rfindFunc, false, false},
    {"mmap_count", 2, 4, countFunc, false, false},
    {0},
};
