/*
** stmt.c: what a running statement knows, so that a call in a loop costs no system call.
**
** SQLite keeps auxiliary data for a statement until it is reset; with a negative argument number it
** is the whole statement's, whichever function asks (so SQLite's own JSON functions have it). Ours
** holds the file arguments met so far, their objects refreshed once, and which functions may be
** called: what other programs do to a file shows in the next statement.
**
** A function may be called only if a call of it is written in a statement that is running, or in
** the temp schema. All functions are DIRECTONLY, but SQLite before 3.53 does not look at that in a
** CHECK constraint, and an INSERT into a table of a hostile database would write files. What the
** user has not written, and none of his TEMP views and triggers either, does not run. Likewise
** SQLite before 3.40 lets the triggers of a hostile database write to tables that are DIRECTONLY:
** what writes to one of ours must be a statement that names it.
*/
#include "ext/connection/stmt.h"

#include <string.h>

#include "core/common/mem.h"
#include "ext/connection/calls.h"
#include "ext/connection/open.h"
#include "ext/connection/reads.h"
#include "ext/connection/txn.h"
#include "ext/connection/use.h"
#include "ext/connection/value.h"

#define STATEMENT_DATA (-1836013945) /* any negative number that nobody else has */
#define RECENT 8

/* A file argument that was resolved in this statement. */
typedef struct argument {
  ext_object *object; /* held; NULL: empty */
  char *path;         /* NULL: not by path */
  size_t path_size;
} argument;

struct ext_stmt {
  ext_conn *conn;
  argument recent[RECENT];
  unsigned next;
  const char *allowed[RECENT]; /* names of functions, by address: they are literals */
  unsigned allowed_count;
  ext_reads reads;
};

/* ---- the statement's data ------------------------------------------------------------------- */

static void clear_argument(argument *a) {
  ext_object_release(a->object);
  mm_free(a->path);
  memset(a, 0, sizeof *a);
}

static void free_stmt(void *data) {
  ext_stmt *stmt = data;
  for (unsigned i = 0; i < RECENT; i++) clear_argument(&stmt->recent[i]);
  ext_reads_end(&stmt->reads);
  ext_conn_release(stmt->conn);
  mm_free(stmt);
}

static ext_stmt *stmt_of(sqlite3_context *context) {
  ext_stmt *stmt = sqlite3_get_auxdata(context, STATEMENT_DATA);
  if (stmt) return stmt;
  stmt = mm_alloc_zeroed(sizeof *stmt);
  if (!stmt) return NULL;
  stmt->conn = ext_conn_of(context);
  ext_conn_hold(stmt->conn);
  sqlite3_set_auxdata(context, STATEMENT_DATA, stmt, free_stmt);
  return sqlite3_get_auxdata(context, STATEMENT_DATA); /* NULL: no memory, and it was freed */
}

/* ---- may the function be called, the table be written? --------------------------------------- */

bool ext_table_allowed(sqlite3 *db, const char *table) {
  return sqlite3_libversion_number() >= 3040000 || ext_running_writes(db, table);
}

static int in_temp_schema(sqlite3 *db, const char *name, bool *found, mm_error *err) {
  sqlite3_stmt *schema = NULL;
  *found = false;
  int rc = sqlite3_prepare_v2(db, "SELECT sql FROM sqlite_temp_master", -1, &schema, NULL);
  while (schema && !*found && (rc = sqlite3_step(schema)) == SQLITE_ROW) {
    const char *sql = (const char *)sqlite3_column_text(schema, 0);
    *found = sql && ext_calls(sql, name);
    if (!sql && sqlite3_errcode(db) == SQLITE_NOMEM) rc = SQLITE_NOMEM;
    if (rc == SQLITE_NOMEM) break;
  }
  return ext_conn_end_query(schema, rc, err);
}

static bool was_allowed(const ext_stmt *stmt, const char *name) {
  for (unsigned i = 0; i < stmt->allowed_count; i++) {
    if (stmt->allowed[i] == name) return true;
  }
  return false;
}

static int check_allowed(ext_stmt *stmt, const char *name, mm_error *err) {
  if (was_allowed(stmt, name)) return MM_OK;
  sqlite3 *db = stmt->conn->db;
  bool allowed = ext_running_calls(db, name);
  int rc = allowed ? MM_OK : in_temp_schema(db, name, &allowed, err);
  if (rc) return rc;
  if (!allowed) {
    return mm_fail(err, MM_ERROR, "unsafe use in a schema: it runs only from SQL of your own");
  }
  if (stmt->allowed_count < RECENT) stmt->allowed[stmt->allowed_count++] = name;
  return MM_OK;
}

int ext_function_allowed(sqlite3_context *context, const char *name) {
  mm_error *err = &ext_conn_of(context)->err;
  ext_stmt *stmt = stmt_of(context);
  int rc = stmt ? check_allowed(stmt, name, err) : mm_fail_nomem(err);
  if (rc) ext_result_error(context, name, err);
  return rc;
}

ext_reads *ext_statement_reads(sqlite3_context *context) {
  ext_stmt *stmt = stmt_of(context);
  return stmt ? &stmt->reads : NULL;
}

/* ---- file arguments ------------------------------------------------------------------------- */

static argument *find_path(ext_stmt *stmt, const char *path, size_t size) {
  for (unsigned i = 0; i < RECENT; i++) {
    argument *a = &stmt->recent[i];
    if (a->path && a->path_size == size && memcmp(a->path, path, size) == 0) return a;
  }
  return NULL;
}

static argument *find_recent(ext_stmt *stmt, const ext_object *object) {
  for (unsigned i = 0; i < RECENT; i++) {
    if (stmt->recent[i].object == object) return &stmt->recent[i];
  }
  return NULL;
}

/* Takes over the hold on the object. Without memory for the path it is resolved again next time. */
static void remember(ext_stmt *stmt, ext_object *object, const char *path) {
  argument *a = &stmt->recent[stmt->next++ % RECENT];
  clear_argument(a);
  a->object = object;
  a->path = path ? mm_strdup(path) : NULL;
  a->path_size = a->path ? strlen(path) : 0;
}

static int use_once(ext_stmt *stmt, ext_object *object, const ext_look *look, bool written,
                    mm_error *err) {
  return written ? ext_use_to_write(object, look, err)
                 : ext_use_object(object, look, &stmt->reads, err);
}

static int open_path(ext_stmt *stmt, const char *path, bool written, ext_object **object,
                     mm_error *err) {
  argument *known = find_path(stmt, path, strlen(path));
  if (known) {
    *object = known->object;
    return MM_OK;
  }
  ext_look look;
  int rc = ext_conn_open_path(stmt->conn, path, false, &look, object, err);
  if (rc) return rc;
  rc = use_once(stmt, *object, &look, written, err);
  if (rc == MM_OK) {
    remember(stmt, *object, path);
  } else {
    ext_object_release(*object);
  }
  return rc;
}

static int use_handle(ext_stmt *stmt, sqlite3_int64 id, bool written, ext_file *file,
                      mm_error *err) {
  int rc = ext_conn_handle(stmt->conn, id, &file->handle, err);
  if (rc) return rc;
  file->object = file->handle->object;
  if (find_recent(stmt, file->object)) return MM_OK;
  rc = use_once(stmt, file->object, NULL, written, err);
  if (rc == MM_OK) {
    ext_object_hold(file->object);
    remember(stmt, file->object, NULL);
  }
  return rc;
}

static bool is_path(sqlite3_value *value) {
  return sqlite3_value_type(value) == SQLITE_TEXT;
}

/* `written`: it becomes the writer before anything is read. */
static int resolve(ext_stmt *stmt, sqlite3_value *value, bool written, ext_file *file,
                   mm_error *err) {
  const char *path = "";
  int64_t id = 0;
  memset(file, 0, sizeof *file);
  ext_txn_reopen(stmt->conn);
  int rc = is_path(value) ? ext_value_text(value, "path", &path, err)
                          : ext_value_handle(value, &id, err);
  if (rc) return rc;
  rc = is_path(value) ? open_path(stmt, path, written, &file->object, err)
                      : use_handle(stmt, id, written, file, err);
  if (rc == MM_OK && !written) {
    mm_object_see(file->object->core);
    rc = mm_object_faulted(file->object->core, err);
  }
  if (rc == MM_OK) ext_file_window(file);
  file->reads = &stmt->reads;
  return rc;
}

static int file_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                         bool written, ext_file *file) {
  mm_error *err = &ext_conn_of(context)->err;
  ext_stmt *stmt = stmt_of(context);
  int rc = stmt ? check_allowed(stmt, name, err) : mm_fail_nomem(err);
  if (rc == MM_OK) rc = resolve(stmt, value, written, file, err);
  if (rc) ext_result_error(context, name, err);
  return rc;
}

int ext_file_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                      ext_file *file) {
  return file_argument(context, name, value, false, file);
}

int ext_written_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                         ext_file *file) {
  return file_argument(context, name, value, true, file);
}

int ext_handle_check(sqlite3_context *context, const char *name, sqlite3_value *value) {
  mm_error *err = &ext_conn_of(context)->err;
  if (!is_path(value)) return MM_OK;
  mm_fail(err, MM_ERROR, "a position belongs to a handle from mmap_open, not to a path");
  ext_result_error(context, name, err);
  return MM_ERROR;
}

int ext_handle_argument(sqlite3_context *context, const char *name, sqlite3_value *value,
                        ext_file *file) {
  int rc = ext_handle_check(context, name, value);
  return rc ? rc : ext_file_argument(context, name, value, file);
}

static int resolve_path(ext_conn *conn, sqlite3_value *value, ext_reads *reads, ext_file *file,
                        mm_error *err) {
  const char *path;
  int rc = ext_value_text(value, "path", &path, err);
  return rc ? rc : ext_use_path(conn, path, false, reads, &file->object, err);
}

static int resolve_handle(ext_conn *conn, sqlite3_value *value, ext_reads *reads, ext_file *file,
                          mm_error *err) {
  int64_t id;
  int rc = ext_value_handle(value, &id, err);
  if (rc == MM_OK) rc = ext_conn_handle(conn, id, &file->handle, err);
  if (rc == MM_OK) rc = ext_use_object(file->handle->object, NULL, reads, err);
  if (rc == MM_OK) ext_object_hold(file->object = file->handle->object);
  return rc;
}

int ext_file_resolve(ext_conn *conn, sqlite3_value *value, ext_reads *reads, ext_file *file,
                     mm_error *err) {
  memset(file, 0, sizeof *file);
  int rc = is_path(value) ? resolve_path(conn, value, reads, file, err)
                          : resolve_handle(conn, value, reads, file, err);
  if (rc == MM_OK) ext_file_window(file);
  return rc;
}
