/*
** search.c: mmap_search and mmap_hex.
*/
#include "core/search/hex.h"
#include "core/common/mem.h"
#include "core/search/search.h"
#include "ext/functions/fn.h"

/* ---- mmap_search ---------------------------------------------------------------------------- */

static void free_pattern(void *pattern) {
  mm_pattern_free(pattern);
}

/* The pattern, compiled once as long as the argument is constant; *fresh: it was compiled now, and
** is the caller's. */
static mm_pattern *pattern_argument(sqlite3_context *context, sqlite3_value *value, bool *fresh) {
  mm_error *err = &ext_conn_of(context)->err;
  const uint8_t *text;
  uint64_t size;
  mm_pattern *pattern = sqlite3_get_auxdata(context, 1);
  *fresh = !pattern;
  if (pattern) return pattern;
  int rc = ext_value_bytes(value, "regex", &text, &size, err);
  if (rc == MM_OK) rc = mm_pattern_compile(text, size, &pattern, err);
  if (rc) fn_fail(context, "mmap_search");
  return rc ? NULL : pattern;
}

static void search_range(sqlite3_context *context, mm_pattern *pattern, const fn_range *r) {
  ext_conn *conn = ext_conn_of(context);
  mm_watch watch;
  mm_span match = {0};
  bool found = false;
  ext_conn_watch(conn, &watch);
  if (!r->none && mm_pattern_search(pattern, r->data, r->to, r->from, r->to, false, &watch, &found,
                                    &match, &conn->err)) {
    fn_fail(context, "mmap_search");
  } else if (!fn_cut(context, "mmap_search", &r->file)) {
    sqlite3_result_int64(context, found ? (sqlite3_int64)match.start : -1);
  }
}

static void searchFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  fn_range r;
  bool fresh;
  if (ext_any_null(argv, 2)) return;
  if (fn_range_arguments(context, "mmap_search", argc, argv, 2, &r)) return;
  mm_pattern *pattern = pattern_argument(context, argv[1], &fresh);
  if (!pattern) return;
  search_range(context, pattern, &r);
  if (fresh) sqlite3_set_auxdata(context, 1, pattern, free_pattern);
}

/* ---- mmap_hex ------------------------------------------------------------------------------- */

static void hexFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  mm_error *err = &ext_conn_of(context)->err;
  const uint8_t *text;
  uint64_t size;
  char *regex = NULL;
  (void)argc;
  if (ext_any_null(argv, 1)) return;
  int rc = ext_value_bytes(argv[0], "pattern", &text, &size, err);
  if (rc == MM_OK) rc = mm_hex_regex((const char *)text, size, &regex, err);
  if (rc) {
    fn_fail(context, "mmap_hex");
  } else {
    sqlite3_result_text64(context, regex, strlen(regex), SQLITE_TRANSIENT, SQLITE_UTF8);
  }
  mm_free(regex);
}

const ext_function ext_functions_search[] = {
    {"mmap_search", 2, 4, searchFunc, false, false},
    {"mmap_hex", 1, 1, hexFunc, false, true},
    {0},
};
