/*
** check.c: mmap_check(table): does a table keep what it promises?
**
**     sqlite> SELECT mmap_check('pw');
**     record 17 is out of order: its 'hash' x'00…' comes after x'01…' of record 16
**
** A layout is checked in a file: mmap_check('png_chunk', 'a.png', 8).
**
** The name may have its database in front: 'temp.pw'. Without, it is looked for as SQLite does.
*/
#include "ext/functions/fn.h"
#include "ext/tables/tab.h"

static const ext_checked *find_in(const ext_conn *conn, const char *database, const char *name) {
  for (const ext_checked *c = ext_checked_first(conn); c; c = c->next) {
    if (sqlite3_stricmp(*c->name, name) == 0 &&
        (!database || sqlite3_stricmp(*c->database, database) == 0)) {
      return c;
    }
  }
  return NULL;
}

/* temp first, then main, then what is attached. */
static const ext_checked *find_checked(const ext_conn *conn, const char *database,
                                       const char *name) {
  if (database) return find_in(conn, database, name);
  const ext_checked *c = find_in(conn, "temp", name);
  if (!c) c = find_in(conn, "main", name);
  return c ? c : find_in(conn, NULL, name);
}

/* A table of the database's schema is not connected before its first use: this is one. */
static int use_table(sqlite3 *db, const char *database, const char *name) {
  sqlite3_stmt *stmt = NULL;
  char *sql = database ? sqlite3_mprintf("SELECT 1 FROM \"%w\".\"%w\"", database, name)
                       : sqlite3_mprintf("SELECT 1 FROM \"%w\"", name);
  int rc = sql ? sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) : SQLITE_NOMEM;
  sqlite3_free(sql);
  sqlite3_finalize(stmt);
  return rc;
}

/* NULL if there is none, which is no failure. */
static int connect_checked(ext_conn *conn, const char *database, const char *name,
                           const ext_checked **out, mm_error *err) {
  int rc = use_table(conn->db, database, name);
  *out = rc == SQLITE_OK ? find_checked(conn, database, name) : NULL;
  return rc == SQLITE_NOMEM ? mm_fail_nomem(err) : MM_OK;
}

/* A dot may also be a part of the table's own name. */
static int find_table(ext_conn *conn, const char *text, const ext_checked **out, mm_error *err) {
  const char *dot = strchr(text, '.');
  int rc = connect_checked(conn, NULL, text, out, err);
  if (rc == MM_OK && !*out && dot) {
    char *database = sqlite3_mprintf("%.*s", (int)(dot - text), text);
    rc = database ? connect_checked(conn, database, dot + 1, out, err) : mm_fail_nomem(err);
    sqlite3_free(database);
  }
  if (rc || *out) return rc;
  return mm_fail(err, MM_ERROR, "'%s' is no table of the modules mmap and mmap_lines", text);
}

static void checkFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_check";
  ext_conn *conn = ext_conn_of(context);
  const ext_checked *checked;
  const char *text;
  char *finding = NULL;
  if (ext_any_null(argv, argc > 1 ? 2 : 1) || ext_function_allowed(context, name)) return;
  int rc = ext_value_text(argv[0], "table", &text, &conn->err);
  if (rc == MM_OK) rc = find_table(conn, text, &checked, &conn->err);
  if (rc == MM_OK) {
    rc = checked->check((ext_checked *)(uintptr_t)checked, ext_statement_reads(context), argc - 1,
                        argv + 1, &finding, &conn->err);
  }
  if (rc) {
    fn_fail(context, name);
  } else if (finding) {
    sqlite3_result_text(context, finding, -1, sqlite3_free);
  } else {
    sqlite3_result_text(context, "ok", -1, SQLITE_STATIC);
  }
}

const ext_function ext_functions_check[] = {
    {"mmap_check", 1, 5, checkFunc, false, false},
    {NULL, 0, 0, NULL, false, false},
};
