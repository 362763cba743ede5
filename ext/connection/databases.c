#include "ext/connection/databases.h"

#include "core/common/mem.h"

/* ---- anybody's in the process ---------------------------------------------------------------- */

/* Only what begins as a database does, is empty, or is named as the memory of one, can be one: the rest
** costs no further look. */
static bool file_may_be_database(const mm_object *core) {
  char head[MM_DATABASE_HEAD];
  int64_t n = mm_os.read(core->fd, head, sizeof head, 0);
  return n < 0 || mm_path_may_be_database(core->real, head, (uint64_t)n);
}

/* The same by what is mapped, if that is the file's. Where there is a byte in memory there is a page,
** whose end is zeros. */
static bool may_be_database(const mm_object *core) {
  if (!core->data || core->log.count) return file_may_be_database(core);
  uint64_t size = core->size ? MM_DATABASE_HEAD : 0;
  return mm_path_may_be_database(core->real, core->data, size);
}

static mm_path path_of(const mm_object *core) {
  return (mm_path){.fd = core->fd, .real = core->real, .stat = core->seen};
}

/* As mm_path_is_host_database. */
static int is_host_database_now(const mm_object *core) {
  mm_path path = path_of(core);
  return may_be_database(core) ? mm_path_is_host_database(&path) : 0;
}

/* ---- the connection's own -------------------------------------------------------------------- */

/* Where the system does not tell, the names do. */
static bool names_file(const char *name, const mm_path *path) {
  mm_stat other;
  if (mm_os.status_path(name, &other)) return strcmp(name, path->real) == 0;
  return mm_stat_same_file(&other, &path->stat);
}

/* Is it the database file itself, or what SQLite keeps beside it? */
static int look_beside(const char *database, const mm_path *path, bool *found) {
  static const char *const suffixes[] = {"", "-wal", "-shm", "-journal"};
  for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes && !*found; i++) {
    char *name = sqlite3_mprintf("%s%s", database, suffixes[i]);
    if (!name) return SQLITE_NOMEM;
    *found = names_file(name, path);
    sqlite3_free(name);
  }
  return SQLITE_ROW;
}

/* On an SQLite that is older than sqlite3_db_name. */
static int query_own_database(ext_conn *conn, const mm_path *path, bool *found, mm_error *err) {
  sqlite3_stmt *list = NULL;
  int rc = sqlite3_prepare_v2(conn->db, "PRAGMA database_list", -1, &list, NULL);
  *found = false;
  if (rc == SQLITE_OK) {
    while (rc != SQLITE_NOMEM && (rc = sqlite3_step(list)) == SQLITE_ROW) {
      const char *database = (const char *)sqlite3_column_text(list, 2);
      if (database && *database) rc = look_beside(database, path, found);
      if (!database && sqlite3_errcode(conn->db) == SQLITE_NOMEM) rc = SQLITE_NOMEM;
    }
  }
  return ext_conn_end_query(list, rc, err);
}

#if SQLITE_VERSION_NUMBER >= 3039000
/* The file of the connection's next database that has one; NULL: there are no more. */
static const char *next_database(const ext_conn *conn, int *i) {
  const char *schema;
  while ((schema = sqlite3_db_name(conn->db, (*i)++)) != NULL) {
    const char *database = sqlite3_db_filename(conn->db, schema);
    if (database && *database) return database;
  }
  return NULL;
}

static int list_own_database(const ext_conn *conn, const mm_path *path, bool *found,
                             mm_error *err) {
  int rc = SQLITE_ROW;
  const char *database;
  *found = false;
  for (int i = 0; rc == SQLITE_ROW && (database = next_database(conn, &i)) != NULL;) {
    rc = look_beside(database, path, found);
  }
  return rc == SQLITE_NOMEM ? mm_fail_nomem(err) : MM_OK;
}
#endif

static int find_own_database(ext_conn *conn, const mm_path *path, bool *found, mm_error *err) {
#if SQLITE_VERSION_NUMBER >= 3039000
  if (sqlite3_libversion_number() >= 3039000) return list_own_database(conn, path, found, err);
#endif
  return query_own_database(conn, path, found, err);
}

/* ---- what is known ---------------------------------------------------------------------------- */

#if SQLITE_VERSION_NUMBER >= 3039000
/* The list is the names, each with its NUL, and an empty one. */
static bool is_database_list(const ext_conn *conn, const char *list) {
  const char *database;
  for (int i = 0; list && (database = next_database(conn, &i)) != NULL; list += strlen(list) + 1) {
    if (strcmp(list, database) != 0) return false;
  }
  return list && !*list;
}

/* Without memory the list is not known, which is no error. */
static void list_databases(ext_conn *conn) {
  size_t size = 1;
  const char *database;
  for (int i = 0; (database = next_database(conn, &i)) != NULL;) size += strlen(database) + 1;
  mm_free(conn->databases);
  char *at = conn->databases = mm_alloc_zeroed(size);
  for (int i = 0; at && (database = next_database(conn, &i)) != NULL; at += strlen(at) + 1) {
    memcpy(at, database, strlen(database) + 1);
  }
  conn->databases_number++;
}

/* The number of the list as it is now. 0: not known. */
static uint64_t number_databases(ext_conn *conn) {
  if (sqlite3_libversion_number() < 3039000) return 0;
  if (!is_database_list(conn, conn->databases)) list_databases(conn);
  return conn->databases ? conn->databases_number : 0;
}
#else
static uint64_t number_databases(ext_conn *conn) {
  (void)conn;
  return 0;
}
#endif

/* An object is not asked about again as long as the connection has the same databases: it is open, and
** which files those are does not change. (What a program might rename to the name of a journal that
** SQLite opens later is not seen before it is opened anew: SQLite has no locks on journals.) */
static int is_own_database(ext_conn *conn, ext_object *object, const mm_path *path, bool *found,
                           mm_error *err) {
  uint64_t number = number_databases(conn);
  *found = false;
  if (number && object->no_database == number) return MM_OK;
  int rc = find_own_database(conn, path, found, err);
  if (rc == MM_OK && !*found) object->no_database = number;
  return rc;
}

/* ---- refusing --------------------------------------------------------------------------------- */

/* `is`: as mm_path_is_host_database gave it. */
static int refuse_database(const char *name, int is, mm_error *err) {
  if (is == 0) return MM_OK;
  if (is < 0) {
    return mm_fail_errno(err, MM_CANTOPEN, -is, "cannot tell whether '%s' is open as a database",
                         name);
  }
  return mm_fail(err, MM_CANTOPEN, "'%s' is open as a database", name);
}

int ext_databases_check_object(ext_conn *conn, const char *name, ext_object *object,
                               mm_error *err) {
  bool own;
  mm_object *core = object->core;
  int rc = mm_object_come(core, err);
  if (rc || core->kind != MM_OBJECT_FILE) return rc;
  mm_path path = path_of(core);
  rc = is_own_database(conn, object, &path, &own, err);
  return rc ? rc : refuse_database(name, own ? 1 : is_host_database_now(core), err);
}

/* The connection's own are not even opened. Another's is found by its first bytes, for which it has to
** be open; but then it stays so. */
static int open_unless_database(const char *name, const mm_path *path, int kind,
                                const mm_settings *settings, mm_object **out, mm_error *err) {
  mm_object *core;
  int rc = mm_object_open_only(path, name, kind, settings, &core, err);
  if (rc) return rc;
  int is = is_host_database_now(core);
  if (is) mm_object_stay_open(core);
  rc = refuse_database(name, is, err);
  if (rc == MM_OK) rc = mm_object_refresh(core, err);
  if (rc) {
    mm_object_close(core);
  } else {
    *out = core;
  }
  return rc;
}

int ext_databases_open(ext_conn *conn, const char *name, const mm_path *path, int kind,
                       mm_object **out, mm_error *err) {
  bool own;
  int rc = find_own_database(conn, path, &own, err);
  if (rc == MM_OK && own) rc = refuse_database(name, 1, err);
  return rc ? rc : open_unless_database(name, path, kind, &conn->settings, out, err);
}
