#include "ext/connection/reads.h"

#include "core/common/mem.h"
#include "core/file/reading.h"

/* ---- lists ---------------------------------------------------------------------------------- */

static bool keeps(const ext_reads *reads, const ext_object *object) {
  for (size_t i = 0; i < reads->count; i++) {
    if (reads->objects[i] == object) return true;
  }
  return false;
}

/* The object is being read at one commit. */
static int keep(ext_reads *reads, ext_object *object, mm_error *err) {
  void *objects = reads->objects;
  if (keeps(reads, object)) return MM_OK;
  if (mm_grow(&objects, reads->count, &reads->capacity, sizeof *reads->objects)) {
    return mm_fail_nomem(err);
  }
  reads->objects = objects;
  reads->objects[reads->count++] = object;
  ext_object_hold(object);
  if (object->reads++ == 0) object->conn->reading++;
  return MM_OK;
}

static void end_read(ext_object *object) {
  if (--object->reads == 0) {
    object->conn->reading--;
    mm_object_read_done(object->core);
  }
  ext_object_release(object);
}

void ext_reads_end(ext_reads *reads) {
  ext_reads ended = *reads;
  *reads = (ext_reads){0};
  for (size_t i = 0; i < ended.count; i++) end_read(ended.objects[i]);
  mm_free(ended.objects);
}

/* Without memory for a longer list, what is left over ends too early. */
void ext_reads_move(ext_reads *from, ext_reads *to) {
  mm_error ignored;
  if (to->count == 0) {
    ext_reads_end(to);
    *to = *from;
    *from = (ext_reads){0};
  }
  for (size_t i = 0; i < from->count; i++) (void)keep(to, from->objects[i], &ignored);
  ext_reads_end(from);
}

/* ---- the transaction's ---------------------------------------------------------------------- */

void ext_reads_end_transaction(ext_conn *conn) {
  conn->hears = false;
  ext_reads_end(&conn->transaction_reads);
}

/* Of one whose end was not heard. */
static void end_unheard(ext_conn *conn) {
  if (conn->transaction_reads.count && !conn->hears && sqlite3_get_autocommit(conn->db)) {
    ext_reads_end_transaction(conn);
  }
}

/* It deletes nothing from any table: nothing equals NULL. */
static const char hear_sql[] =
    "DELETE FROM temp." EXT_TRANSACTION_TABLE " WHERE mmap_transaction_end = ?1";
static const char make_sql[] =
    "CREATE VIRTUAL TABLE temp." EXT_TRANSACTION_TABLE " USING " EXT_TRANSACTION_TABLE;

/* Take part in the transaction by the table, if it is there: then its xBegin says that it hears. */
static int take_part(ext_conn *conn) {
  sqlite3_stmt *stmt = conn->listener;
  int rc = SQLITE_OK;
  conn->listener = NULL;
  if (!stmt) {
    rc = sqlite3_prepare_v3(conn->db, hear_sql, -1, SQLITE_PREPARE_PERSISTENT, &stmt, NULL);
  }
  if (stmt) {
    (void)sqlite3_step(stmt);
    rc = sqlite3_reset(stmt);
  }
  if (rc == SQLITE_OK && ext_conn_may_cache(conn)) {
    conn->listener = stmt;
  } else {
    (void)sqlite3_finalize(stmt);
  }
  return rc;
}

static int make_table(ext_conn *conn) {
  conn->makes_table = true;
  int rc = sqlite3_exec(conn->db, make_sql, NULL, NULL, NULL);
  conn->makes_table = false;
  return rc;
}

/* That it cannot be is no failure; that there is no memory, or that the user has had enough, is. */
static int code_of(int rc, mm_error *err) {
  if (rc == SQLITE_NOMEM) return mm_fail_nomem(err);
  return rc == SQLITE_INTERRUPT ? mm_fail(err, MM_INTERRUPT, "interrupted") : MM_OK;
}

int ext_reads_prepare(ext_conn *conn, mm_error *err) {
  int rc = code_of(take_part(conn), err);
  if (rc == MM_OK && !conn->listener) rc = code_of(make_table(conn), err);
  return rc;
}

static int hear(ext_conn *conn, mm_error *err) {
  if (conn->hears) return MM_OK;
  int rc = code_of(take_part(conn), err);
  if (rc || conn->hears) return rc;
  return code_of(make_table(conn), err); /* and so takes part in it */
}

static int keep_in_transaction(ext_conn *conn, ext_object *object, mm_error *err) {
  bool in_one = conn->isolation == EXT_ISOLATION_TRANSACTION && !sqlite3_get_autocommit(conn->db);
  int rc = in_one ? hear(conn, err) : MM_OK;
  return rc == MM_OK && in_one ? keep(&conn->transaction_reads, object, err) : rc;
}

/* ---- using a file ---------------------------------------------------------------------------- */

int ext_reads_use(ext_reads *reads, ext_object *object, const ext_look *look, mm_error *err) {
  ext_conn *conn = object->conn;
  end_unheard(conn);
  if (look && look->taken && !ext_conn_isolates(conn)) {
    return mm_object_look_on(object->core, &look->stat, err);
  }
  if (!reads || !ext_conn_isolates(conn)) return mm_object_refresh(object->core, err);
  int rc = mm_object_read_at_commit(object->core, conn->reading > 0, err);
  if (rc) return rc;
  rc = keep(reads, object, err);
  if (rc == MM_OK) rc = keep_in_transaction(conn, object, err);
  if (object->reads == 0) mm_object_read_done(object->core);
  return rc;
}

int ext_reads_ask(void *context) {
  const ext_conn *conn = context;
  for (const ext_object *o = conn->objects; conn->reading && o; o = o->next) {
    if (mm_object_awaited(o->core)) return MM_BUSY;
  }
  return ext_conn_ask(context);
}
