/*
** writer.c: how a function writes.
**
** A function cannot take part in a transaction, a virtual table can. So a function that writes runs
**
**     INSERT INTO temp.mmap_writer(write) VALUES(?1)
**
** with what it wants done behind ?1, as a pointer that SQL cannot forge. SQLite then does the rest:
** it refuses under query_only, enlists us in the transaction, tells us of its savepoints and its
** end, and commits by itself outside BEGIN. What the table is told to do, it does in xUpdate.
*/
#include "ext/functions/writer.h"

#include "ext/tables/tab.h"

#define POINTER_TYPE "mmap_write"

/* ---- the function's side -------------------------------------------------------------------- */

/* Take the cached statement, or a new one. A write inside a write, as from a trigger that calls a
** function in its arguments, finds the cached one in use. */
static int take_writer(ext_conn *conn, sqlite3_stmt **stmt) {
  *stmt = conn->writer;
  conn->writer = NULL;
  if (*stmt) return SQLITE_OK;
  if (!ext_conn_means_ours(conn, "SELECT 1 FROM temp.mmap_writer")) {
    int rc = sqlite3_errcode(conn->db);
    return rc == SQLITE_ERROR ? SQLITE_OK : rc; /* the table is a user's, or broken */
  }
  return sqlite3_prepare_v3(conn->db, "INSERT INTO temp.mmap_writer(write) VALUES(?1)", -1,
                            SQLITE_PREPARE_PERSISTENT, stmt, NULL);
}

static void give_back_writer(ext_conn *conn, sqlite3_stmt *stmt) {
  (void)sqlite3_clear_bindings(stmt);
  if (conn->writer || !ext_conn_may_cache(conn)) {
    sqlite3_finalize(stmt);
  } else {
    conn->writer = stmt;
  }
}

static int run_writer(ext_conn *conn, ext_write *write) {
  sqlite3_stmt *stmt;
  sqlite3_int64 rowid = sqlite3_last_insert_rowid(conn->db);
  int rc = take_writer(conn, &stmt);
  if (!stmt) return rc;
  if (rc == SQLITE_OK) rc = sqlite3_bind_pointer(stmt, 1, write, POINTER_TYPE, NULL);
  if (rc == SQLITE_OK) {
    (void)sqlite3_step(stmt);
    rc = sqlite3_reset(stmt);
  }
  give_back_writer(conn, stmt);
  sqlite3_set_last_insert_rowid(conn->db, rowid);
  return rc;
}

/* The error is core's if it came that far, else SQLite's. */
static void result_write_error(sqlite3_context *context, ext_write *write, int rc) {
  ext_conn *conn = ext_conn_of(context);
  if (write->ran && conn->err.code != MM_OK) {
    ext_result_error(context, write->name, &conn->err);
    return;
  }
  bool told = sqlite3_errcode(conn->db) != SQLITE_OK;
  char *text =
      sqlite3_mprintf("%s: %s", write->name, told ? sqlite3_errmsg(conn->db) : sqlite3_errstr(rc));
  if (!text || rc == SQLITE_NOMEM) {
    sqlite3_result_error_nomem(context);
  } else {
    ext_result_failure(context, text, rc);
  }
  sqlite3_free(text);
}

int ext_write_call(sqlite3_context *context, ext_write *write) {
  ext_conn *conn = ext_conn_of(context);
  conn->err.code = MM_OK;
  int rc = run_writer(conn, write);
  if (rc == SQLITE_OK && !write->ran) {
    mm_fail(&conn->err, MM_ERROR, "a table named mmap_writer stands in the way of all writes");
    ext_result_error(context, write->name, &conn->err);
    rc = SQLITE_ERROR;
  } else if (rc) {
    result_write_error(context, write, rc);
  } else {
    sqlite3_result_int64(context, write->result);
  }
  return rc;
}

int ext_write_begin(ext_conn *conn, ext_write *write, mm_error *err) {
  int rc = ext_handle_check_writes(write->file.handle, err);
  if (rc == MM_OK) rc = ext_txn_write(conn, write->file.object, err);
  /* The statement goes on with what it has written, which needs no lock before its COMMIT. */
  if (rc == MM_OK && ext_conn_isolates(conn)) {
    rc = ext_reads_use(write->file.reads, write->file.object, NULL, err);
  }
  ext_file_window(&write->file);
  return rc;
}

/* The one who holds a file by its path is this statement, which has what it reads resolved first. */
int ext_write_bytes(const ext_write *write, uint64_t place, const uint8_t *data, uint64_t size,
                    mm_error *err) {
  const ext_object *object = write->file.object;
  bool alone = object->holds == 1 && !write->file.handle;
  return (alone ? mm_object_write_unseen : mm_object_write)(object->core, place, data, size, err);
}

void ext_write_argument(sqlite3_context *context, ext_write *write) {
  if (ext_written_argument(context, write->name, write->argv[0], &write->file) == MM_OK) {
    ext_write_call(context, write);
  }
}

/* ---- what moves bytes ------------------------------------------------------------------------ */

static void give_back_length(void *handle, uint64_t length) {
  ((ext_handle *)handle)->length = length;
}

int ext_write_prepare_follow(ext_conn *conn, ext_write *write, mm_error *err) {
  ext_handle *handle = write->file.handle;
  if (!handle || handle->length == EXT_TO_END) return MM_OK;
  return ext_txn_undo(conn, give_back_length, handle, handle->length, err);
}

void ext_write_set_length(ext_write *write, uint64_t length) {
  ext_handle *handle = write->file.handle;
  if (handle && handle->length != EXT_TO_END) handle->length = length;
}

int ext_write_follow(ext_write *write, int rc, uint64_t length) {
  const ext_handle *handle = write->file.handle;
  write->result = (sqlite3_int64)length;
  if (rc == MM_OK && handle) {
    ext_write_set_length(write, handle->length + (length - write->file.length));
  }
  return rc;
}

/* Bytes behind the window would have to move with those inside, or be lost. And where a file has
** been cut before its window, nothing can be put into that. */
static int check_tail(const ext_file *file, mm_error *err) {
  uint64_t size = file->object->core->size;
  if (!file->handle) return MM_OK;
  if (file->handle->offset > size) {
    return mm_fail(err, MM_ERROR,
                   "handle %lld begins at %llu, behind the end of its file (%llu bytes)",
                   (long long)file->handle->id, (unsigned long long)file->handle->offset,
                   (unsigned long long)size);
  }
  if (file->start + file->length == size) return MM_OK;
  return mm_fail(err, MM_ERROR, "handle %lld ends at %llu, before its file does (%llu bytes)",
                 (long long)file->handle->id, (unsigned long long)(file->start + file->length),
                 (unsigned long long)size);
}

int ext_write_begin_shift(ext_write *write, mm_error *err) {
  int rc = ext_object_check_places(write->file.object, err);
  return rc == MM_OK ? check_tail(&write->file, err) : rc;
}

int ext_write_splice(ext_conn *conn, ext_write *write, const mm_splice *splices, size_t count,
                     mm_error *err) {
  uint64_t length = write->file.length + (uint64_t)mm_splice_growth(splices, count);
  int rc = MM_OK;
  if (mm_splice_shifts(splices, count)) rc = ext_write_begin_shift(write, err);
  if (rc == MM_OK) rc = ext_write_prepare_follow(conn, write, err);
  if (rc) return rc;
  rc = mm_object_splice(write->file.object->core, splices, count, err);
  return ext_write_follow(write, rc, length);
}

/* ---- the table's side ----------------------------------------------------------------------- */

static int writerConnect(sqlite3 *db, void *aux, int argc, const char *const *argv,
                         sqlite3_vtab **out, char **error) {
  (void)argc, (void)argv;
  return ext_tab_connect(db, aux, "CREATE TABLE x(write)", sizeof(ext_tab), out, error);
}

static int writerBestIndex(sqlite3_vtab *table, sqlite3_index_info *info) {
  ((ext_tab *)table)->conn->planned = true;
  info->estimatedCost = 1;
  info->estimatedRows = 0;
  return SQLITE_OK;
}

static int writerUpdate(sqlite3_vtab *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid) {
  ext_conn *conn = ((ext_tab *)table)->conn;
  ext_write *write = argc > 2 ? sqlite3_value_pointer(argv[2], POINTER_TYPE) : NULL;
  *rowid = 0;
  if (!write) {
    mm_fail(&conn->err, MM_ERROR, "this table is for the functions that write");
    return ext_table_error(table, "mmap_writer", &conn->err);
  }
  write->ran = true;
  unsigned faults = atomic_load(&conn->pin_faults);
  conn->writes++;
  int rc = write->run(conn, write, &conn->err);
  if (rc == MM_OK && atomic_load(&conn->pin_faults) != faults) {
    rc = mm_fail(&conn->err, MM_IOERR,
                 "the file that the data is a slice of was cut, or cannot be read");
  }
  return rc ? ext_table_error(table, write->name, &conn->err) : SQLITE_OK;
}

static const sqlite3_module writer_module = {
    .iVersion = 2,
    .xConnect = writerConnect,
    .xBestIndex = writerBestIndex,
    .xDisconnect = ext_tab_disconnect,
    EXT_TAB_NO_ROWS,
    .xUpdate = writerUpdate,
    .xBegin = ext_tab_begin,
    .xSync = ext_tab_sync,
    .xCommit = ext_tab_commit,
    .xRollback = ext_tab_rollback,
    .xSavepoint = ext_tab_savepoint,
    .xRelease = ext_tab_release,
    .xRollbackTo = ext_tab_rollback_to,
};

const ext_module ext_module_writer = {"mmap_writer", &writer_module, NULL};
