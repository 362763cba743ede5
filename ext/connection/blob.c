#include "ext/connection/blob.h"

#include <string.h>

#include "core/common/least.h"
#include "core/common/watch.h"
#include "core/file/view.h"
#include "ext/connection/value.h"

/* From so many bytes on a slice is handed over without a copy: below it a pin costs more. */
#define PIN_FROM ((uint64_t)256 << 10)

static void unpin(void *data) {
  mm_view_unpin(data);
}

static bool too_big(sqlite3_context *context, uint64_t size) {
  sqlite3 *db = sqlite3_context_db_handle(context);
  if (size <= (uint64_t)sqlite3_limit(db, SQLITE_LIMIT_LENGTH, -1)) return false;
  sqlite3_result_error_toobig(context);
  return true;
}

/* If pinned bytes go, SQLite learns it by an interrupt, which it looks for in loops only. A
** statement that writes could come to its end, and keep zeros. */
static bool is_writing(sqlite3 *db) {
  for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
    if (sqlite3_stmt_busy(s) && !sqlite3_stmt_readonly(s)) return true;
  }
  return false;
}

/* A copy of much, with looks in between at whether to go on. */
static bool result_copy(sqlite3_context *context, ext_conn *conn, const uint8_t *data,
                        uint64_t size) {
  uint8_t *copy = sqlite3_malloc64(size);
  bool go_on = copy != NULL;
  for (uint64_t i = 0, piece; go_on && i < size; i += piece) {
    piece = mm_min(size - i, MM_PIECE);
    go_on = i == 0 || !ext_conn_interrupted(conn);
    if (go_on) memcpy(copy + i, data + i, (size_t)piece);
  }
  if (go_on) {
    sqlite3_result_blob64(context, copy, size, sqlite3_free);
  } else {
    sqlite3_result_error_code(context, copy ? SQLITE_INTERRUPT : SQLITE_NOMEM);
    sqlite3_free(copy);
  }
  return go_on;
}

bool ext_result_bytes(sqlite3_context *context, ext_object *object, uint64_t offset,
                      uint64_t size) {
  mm_object *core = object->core;
  if (too_big(context, size)) return false;
  if (size >= PIN_FROM && mm_object_can_pin(core) && !is_writing(object->conn->db) &&
      mm_object_pin(core, offset, size)) {
    sqlite3_result_blob64(context, core->data + offset, size, unpin);
  } else if (size > MM_PIECE) {
    return result_copy(context, object->conn, core->data + offset, size);
  } else {
    ext_result_blob(context, core->data + offset, size);
  }
  return true;
}
