/*
** needles.c: mmap_needles, the aggregate that makes a list of needles of a column.
**
**     SELECT mmap_needles(pattern, name) FROM patterns
*/
#include "ext/tables/needles.h"

#include "core/common/mem.h"
#include "ext/functions/fn.h"

static const char needles_name[] = "mmap_needles";

static int needles_add(ext_needles *list, int argc, sqlite3_value **argv, mm_error *err) {
  const uint8_t *data;
  uint64_t size;
  int rc = ext_value_bytes(argv[0], "needle", &data, &size, err);
  if (rc == MM_OK && size == 0) rc = mm_fail(err, MM_ERROR, "the needle is empty");
  bool named = argc > 1 && sqlite3_value_type(argv[1]) != SQLITE_NULL;
  return rc ? rc : ext_needles_add(list, data, size, named ? argv[1] : NULL, err);
}

static void needlesStep(sqlite3_context *context, int argc, sqlite3_value **argv) {
  ext_needles *list = sqlite3_aggregate_context(context, sizeof *list);
  if (!list) {
    sqlite3_result_error_nomem(context);
  } else if (list->rc == MM_OK && !ext_any_null(argv, 1)) {
    list->rc = needles_add(list, argc, argv, &ext_conn_of(context)->err);
    if (list->rc) fn_fail(context, needles_name);
  }
}

/* Also called for no rows at all, and after a step that failed. */
static void needlesFinal(sqlite3_context *context) {
  ext_needles none = {0};
  ext_needles *list = sqlite3_aggregate_context(context, 0);
  if (!list) list = &none;
  if (list->rc == MM_OK && ext_needles_begin(list, &ext_conn_of(context)->err)) {
    fn_fail(context, needles_name);
  } else if (list->rc == MM_OK) {
    ext_result_blob(context, list->bytes.data, list->bytes.size);
  }
  mm_free(list->bytes.data);
  list->bytes = (mm_buffer){0};
}

const ext_aggregate ext_aggregates[] = {
    {needles_name, 1, 2, needlesStep, needlesFinal},
    {0},
};
