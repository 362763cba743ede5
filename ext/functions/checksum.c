/*
** checksum.c: what sums up the bytes of a file: mmap_checksum, mmap_crc32 and mmap_entropy.
*/
#include "core/bytes/checksum.h"

#include "core/bytes/entropy.h"
#include "core/search/find.h"
#include "ext/functions/fn.h"

static void result_checksum(sqlite3_context *context, const mm_checksum *sum) {
  if (sum->size > 0) {
    sqlite3_result_blob(context, sum->bytes, (int)sum->size, SQLITE_TRANSIENT);
  } else {
    sqlite3_result_int64(context, (sqlite3_int64)sum->number);
  }
}

static void sum_up(sqlite3_context *context, const char *name, const fn_range *r,
                   const mm_checksum_kind *kind) {
  ext_conn *conn = ext_conn_of(context);
  mm_checksum sum;
  mm_watch watch;
  ext_conn_watch(conn, &watch);
  if (mm_checksum_of(kind, r->data + r->from, r->to - r->from, conn->threads, &watch, &sum,
                     &conn->err)) {
    fn_fail(context, name);
  } else if (!fn_cut(context, name, &r->file)) {
    result_checksum(context, &sum);
  }
}

static void free_algorithm(void *kind) {
  mm_checksum_free(kind);
}

/* An algorithm whose name is constant is looked up once, and keeps its tables. */
static void checksumFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_checksum";
  mm_error *err = &ext_conn_of(context)->err;
  fn_range r;
  const char *algorithm;
  if (ext_any_null(argv, 2)) return;
  if (fn_range_arguments(context, name, argc, argv, 2, &r)) return;
  mm_checksum_kind *kind = sqlite3_get_auxdata(context, 1);
  bool kept = kind;
  int rc = kept ? MM_OK : ext_value_text(argv[1], "algorithm", &algorithm, err);
  if (rc == MM_OK && !kept) rc = mm_checksum_find(algorithm, &kind, err);
  if (rc) {
    fn_fail(context, name);
    return;
  }
  sum_up(context, name, &r, kind);
  if (!kept) sqlite3_set_auxdata(context, 1, kind, free_algorithm);
}

static void crc32Func(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_crc32";
  fn_range r;
  if (ext_any_null(argv, 1)) return;
  if (fn_range_arguments(context, name, argc, argv, 1, &r)) return;
  sum_up(context, name, &r, mm_checksum_crc32());
}

static void entropyFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_entropy";
  ext_conn *conn = ext_conn_of(context);
  uint64_t counts[256] = {0};
  mm_watch watch;
  fn_range r;
  if (ext_any_null(argv, 1)) return;
  if (fn_range_arguments(context, name, argc, argv, 1, &r)) return;
  ext_conn_watch(conn, &watch);
  if (mm_histogram(r.data + r.from, r.to - r.from, counts, conn->threads, &watch)) {
    mm_fail(&conn->err, MM_INTERRUPT, "interrupted");
    fn_fail(context, name);
  } else if (!fn_cut(context, name, &r.file) && r.from < r.to) {
    sqlite3_result_double(context, mm_entropy(counts));
  }
}

const ext_function ext_functions_checksum[] = {
    {"mmap_checksum", 2, 4, checksumFunc, false, false},
    {"mmap_crc32", 1, 3, crc32Func, false, false},
    {"mmap_entropy", 1, 3, entropyFunc, false, false},
    {0},
};
