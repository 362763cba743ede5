#include "ext/connection/use.h"

#include "ext/connection/copy.h"
#include "ext/connection/reads.h"
#include "ext/connection/txn.h"

int ext_use_object(ext_object *object, const ext_look *look, ext_reads *reads, mm_error *err) {
  bool copy = object->core->kind == MM_OBJECT_PRIVATE;
  object->used = ++object->conn->clock;
  ext_txn_reopen(object->conn);
  int rc = copy ? ext_txn_go_on(object->conn, err) : MM_OK;
  return rc ? rc : ext_reads_use(reads, object, look, err);
}

/* What begins to be written is looked at then, but where others read it at one commit, and what
** nobody else writes. */
int ext_use_to_write(ext_object *object, const ext_look *look, mm_error *err) {
  const ext_conn *conn = object->conn;
  const mm_object *core = object->core;
  bool begins = core->kind == MM_OBJECT_FILE && !core->begun;
  if (!begins || conn->reading || ext_conn_isolates(conn)) {
    return ext_use_object(object, look, NULL, err);
  }
  object->used = ++object->conn->clock;
  ext_txn_reopen(object->conn);
  return MM_OK;
}

/* What was opened, if `rc` says that it was. */
static int use_opened(int rc, const ext_look *look, ext_object **object, ext_reads *reads,
                      mm_error *err) {
  if (rc == MM_OK && (rc = ext_use_object(*object, look, reads, err)) != MM_OK) {
    ext_object_release(*object);
  }
  if (rc) *object = NULL;
  return rc;
}

int ext_use_path(ext_conn *conn, const char *path, bool create, ext_reads *reads, ext_object **out,
                 mm_error *err) {
  ext_look look;
  int rc = ext_conn_open_path(conn, path, create, &look, out, err);
  return use_opened(rc, &look, out, reads, err);
}

int ext_use_copy(ext_conn *conn, const char *database, const char *name, const char *path,
                 ext_reads *reads, ext_object **out, mm_error *err) {
  int rc = ext_txn_go_on(conn, err);
  if (rc == MM_OK) rc = ext_copy_open(conn, database, name, path, out, err);
  return use_opened(rc, NULL, out, reads, err);
}

int ext_use_new_copy(ext_conn *conn, const char *path, ext_reads *reads, ext_object **out,
                     mm_error *err) {
  int rc = ext_txn_go_on(conn, err);
  if (rc == MM_OK) rc = ext_conn_open_copy(conn, path, out, err);
  return use_opened(rc, NULL, out, reads, err);
}

int ext_use_device(ext_conn *conn, const char *path, ext_reads *reads, ext_object **out,
                   mm_error *err) {
  return use_opened(ext_conn_open_device(conn, path, out, err), NULL, out, reads, err);
}
