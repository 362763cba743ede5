#include "ext/connection/copy.h"

#include "core/common/mem.h"
#include "ext/connection/conn.h"
#include "ext/connection/txn.h"

typedef struct ext_copy {
  char *database;
  char *file;   /* the database's: another one may be attached under its name */
  char *path;   /* of what it is a copy of */
  char **names; /* of the table: the newest last, the others for a rollback */
  size_t name_count, name_capacity;
  ext_object *object; /* held */
  bool gone;          /* dropped, or its making was undone: freed when the transaction ends */
  bool listed;        /* the transaction will tell its end, by this: */
  ext_txn_deferred deferred;
  struct ext_copy *next;
} ext_copy;

static const char *name_of(const ext_copy *copy) {
  return copy->names[copy->name_count - 1];
}

static const char *database_file(ext_conn *conn, const char *database) {
  const char *file = sqlite3_db_filename(conn->db, database);
  return file ? file : "";
}

/* NULL: it has none. */
static ext_copy *find_copy(ext_conn *conn, const char *database, const char *name) {
  ext_copy *copy = conn->copies;
  while (copy && (copy->gone || sqlite3_stricmp(copy->database, database) != 0 ||
                  sqlite3_stricmp(name_of(copy), name) != 0)) {
    copy = copy->next;
  }
  return copy;
}

static void drop_names(ext_copy *copy, size_t first, size_t end) {
  for (size_t i = first; i < end; i++) mm_free(copy->names[i]);
}

static void free_copy(ext_copy *copy) {
  ext_object_release(copy->object);
  drop_names(copy, 0, copy->name_count);
  mm_free(copy->names);
  mm_free(copy->database);
  mm_free(copy->file);
  mm_free(copy->path);
  mm_free(copy);
}

/* One that a rollback may bring back goes when the transaction ends. */
static void let_go_of(ext_copy *copy) {
  copy->gone = true;
  if (copy->listed) return;
  ext_copy **link = &copy->object->conn->copies;
  while (*link != copy) link = &(*link)->next;
  *link = copy->next;
  free_copy(copy);
}

static int add_name(ext_copy *copy, const char *name, mm_error *err) {
  void *names = copy->names;
  char *added = mm_strdup(name);
  if (!added || mm_grow(&names, copy->name_count, &copy->name_capacity, sizeof *copy->names)) {
    mm_free(added);
    return mm_fail_nomem(err);
  }
  copy->names = names;
  copy->names[copy->name_count++] = added;
  return MM_OK;
}

static int add_copy(ext_conn *conn, const char *database, const char *name, const char *path,
                    ext_copy **out, mm_error *err) {
  ext_copy *copy = mm_alloc_zeroed(sizeof *copy);
  if (!copy) return mm_fail_nomem(err);
  copy->database = mm_strdup(database);
  copy->file = mm_strdup(database_file(conn, database));
  copy->path = mm_strdup(path);
  int rc = copy->database && copy->file && copy->path ? MM_OK : mm_fail_nomem(err);
  if (rc == MM_OK) rc = add_name(copy, name, err);
  if (rc == MM_OK && (rc = ext_conn_open_copy(conn, path, &copy->object, err)) != MM_OK) {
    copy->object = NULL;
  }
  if (rc) {
    free_copy(copy);
    return rc;
  }
  copy->next = conn->copies;
  conn->copies = *out = copy;
  return MM_OK;
}

/* Of a database that was detached, or of a table that was not dropped but taken out of the schema
** by other means. */
static bool copy_is_stale(ext_conn *conn, const ext_copy *copy, const char *path) {
  return strcmp(copy->path, path) != 0 ||
         strcmp(copy->file, database_file(conn, copy->database)) != 0;
}

int ext_copy_open(ext_conn *conn, const char *database, const char *name, const char *path,
                  ext_object **out, mm_error *err) {
  ext_copy *copy = find_copy(conn, database, name);
  int rc = MM_OK;
  if (copy && copy_is_stale(conn, copy, path)) {
    let_go_of(copy);
    copy = NULL;
  }
  if (!copy) rc = add_copy(conn, database, name, path, &copy, err);
  if (rc) return rc;
  *out = copy->object;
  ext_object_hold(*out);
  return MM_OK;
}

/* ---- with the transaction ------------------------------------------------------------------- */

static void set_gone(void *context, uint64_t gone) {
  ((ext_copy *)context)->gone = gone != 0;
}

static void rename_back(void *context, uint64_t name_count) {
  ext_copy *copy = context;
  drop_names(copy, (size_t)name_count, copy->name_count);
  copy->name_count = (size_t)name_count;
}

/* What the transaction dropped, or made and rolled back, goes, and the names before the last. */
static void end_copy(void *context, bool committed) {
  ext_copy *copy = context;
  size_t last = copy->name_count - 1;
  (void)committed;
  copy->listed = false;
  if (copy->gone) {
    let_go_of(copy);
    return;
  }
  drop_names(copy, 0, last);
  copy->names[0] = copy->names[last];
  copy->name_count = 1;
}

/* Something of it changes in the transaction, and undo(copy, value) takes it back. */
static int note_change(ext_conn *conn, ext_copy *copy, ext_undo *undo, uint64_t value,
                       mm_error *err) {
  int rc = ext_txn_enlist(conn, err);
  if (rc == MM_OK) rc = ext_txn_undo(conn, undo, copy, value, err);
  if (rc || copy->listed) return rc;
  copy->deferred = (ext_txn_deferred){.end = end_copy, .context = copy};
  ext_txn_defer(conn, &copy->deferred);
  copy->listed = true;
  return MM_OK;
}

int ext_copy_drop(ext_conn *conn, const char *database, const char *name, mm_error *err) {
  ext_copy *copy = find_copy(conn, database, name);
  if (!copy) return MM_OK;
  int rc = note_change(conn, copy, set_gone, 0, err);
  if (rc == MM_OK) copy->gone = true;
  return rc;
}

int ext_copy_rename(ext_conn *conn, const char *database, const char *name, const char *new_name,
                    mm_error *err) {
  ext_copy *copy = find_copy(conn, database, name);
  if (!copy) return MM_OK;
  int rc = note_change(conn, copy, rename_back, copy->name_count, err);
  return rc == MM_OK ? add_name(copy, new_name, err) : rc;
}

int ext_copy_create(ext_conn *conn, const char *database, const char *name, const char *path,
                    mm_error *err) {
  ext_copy *copy;
  int rc = ext_copy_drop(conn, database, name, err);
  if (rc || !path) return rc;
  rc = add_copy(conn, database, name, path, &copy, err);
  if (rc) return rc;
  rc = note_change(conn, copy, set_gone, 1, err);
  if (rc) let_go_of(copy);
  return rc;
}

void ext_copies_forget_detached(ext_conn *conn, const char *database) {
  if (sqlite3_db_filename(conn->db, database)) return;
  for (ext_copy *copy = conn->copies, *next; copy; copy = next) {
    next = copy->next;
    if (sqlite3_stricmp(copy->database, database) == 0) let_go_of(copy);
  }
}

void ext_copies_free(ext_conn *conn) {
  while (conn->copies) {
    ext_copy *copy = conn->copies;
    conn->copies = copy->next;
    free_copy(copy);
  }
}
