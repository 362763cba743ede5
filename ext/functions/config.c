/*
** config.c: mmap_config, and what the library says of itself.
*/
#include "ext/functions/fn.h"

#include "core/os/parts.h"
#include "core/search/find.h"

static int set_synchronous(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  const char *text;
  int rc = ext_value_text(value, "synchronous", &text, err);
  return rc ? rc : ext_synchronous_parse(text, &conn->settings.synchronous, err);
}

static int set_busy_timeout(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  int64_t ms;
  int rc = ext_value_integer(value, "busy_timeout", &ms, err);
  if (rc) return rc;
  if (ms < 0 || ms > INT32_MAX) {
    return mm_fail(err, MM_ERROR, "busy_timeout %lld is not in 0..%d", (long long)ms, INT32_MAX);
  }
  conn->settings.busy_timeout = ms;
  return MM_OK;
}

/* delete, persist: as SQLite's journal_mode. */
static int set_journal(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  const char *text;
  int rc = ext_value_text(value, "journal", &text, err);
  if (rc) return rc;
  bool keep = sqlite3_stricmp(text, "persist") == 0;
  if (!keep && sqlite3_stricmp(text, "delete") != 0) {
    return mm_fail(err, MM_ERROR, "journal '%s' is none of delete, persist", text);
  }
  conn->settings.keep_journal = keep;
  return MM_OK;
}

static int set_root(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  const char *path;
  int rc = ext_value_text(value, "root", &path, err);
  return rc ? rc : ext_conn_set_root(conn, path, err);
}

/* The table that 'transaction' needs is made now rather than in a transaction, which may roll back. */
static int set_isolation(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  const char *text;
  int isolation = EXT_ISOLATION_NONE;
  int rc = ext_value_text(value, "isolation", &text, err);
  if (rc == MM_OK) rc = ext_isolation_parse(text, &isolation, err);
  if (rc == MM_OK && isolation == EXT_ISOLATION_TRANSACTION && sqlite3_get_autocommit(conn->db)) {
    rc = ext_reads_prepare(conn, err);
  }
  if (rc == MM_OK) conn->isolation = isolation;
  return rc;
}

static int set_threads(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  int64_t threads;
  int rc = ext_value_integer(value, "threads", &threads, err);
  if (rc) return rc;
  if (threads < 1 || threads > MM_THREADS_MAX) {
    return mm_fail(err, MM_ERROR, "threads %lld is not in 1..%d", (long long)threads,
                   MM_THREADS_MAX);
  }
  conn->threads = (unsigned)threads;
  return MM_OK;
}

static void result_threads(sqlite3_context *context, const ext_conn *conn) {
  sqlite3_result_int64(context, conn->threads);
}

static void result_isolation(sqlite3_context *context, const ext_conn *conn) {
  sqlite3_result_text(context, ext_isolation_name(conn->isolation), -1, SQLITE_STATIC);
}

static void result_synchronous(sqlite3_context *context, const ext_conn *conn) {
  sqlite3_result_text(context, ext_synchronous_name(conn->settings.synchronous), -1, SQLITE_STATIC);
}

static void result_busy_timeout(sqlite3_context *context, const ext_conn *conn) {
  sqlite3_result_int64(context, conn->settings.busy_timeout);
}

static void result_journal(sqlite3_context *context, const ext_conn *conn) {
  sqlite3_result_text(context, conn->settings.keep_journal ? "persist" : "delete", -1,
                      SQLITE_STATIC);
}

static void result_root(sqlite3_context *context, const ext_conn *conn) {
  if (conn->root.path) sqlite3_result_text(context, conn->root.path, -1, SQLITE_TRANSIENT);
}

typedef struct setting {
  const char *name;
  int (*set)(ext_conn *conn, sqlite3_value *value, mm_error *err);
  void (*result)(sqlite3_context *context, const ext_conn *conn);
} setting;

static const setting settings[] = {
    {"synchronous", set_synchronous, result_synchronous},
    {"busy_timeout", set_busy_timeout, result_busy_timeout},
    {"journal", set_journal, result_journal},
    {"root", set_root, result_root},
    {"isolation", set_isolation, result_isolation},
    {"threads", set_threads, result_threads},
};

static const setting *find_setting(const char *name) {
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    if (sqlite3_stricmp(name, settings[i].name) == 0) return &settings[i];
  }
  return NULL;
}

static void configFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  static const char name[] = "mmap_config";
  ext_conn *conn = ext_conn_of(context);
  const char *text;
  if (ext_any_null(argv, 1)) return;
  if (ext_function_allowed(context, name)) return;
  int rc = ext_value_text(argv[0], "name", &text, &conn->err);
  const setting *s = rc ? NULL : find_setting(text);
  if (rc == MM_OK && !s) {
    rc = mm_fail(&conn->err, MM_ERROR,
                 "'%s' is none of synchronous, busy_timeout, journal, root, isolation, threads",
                 text);
  }
  if (rc == MM_OK && argc > 1 && sqlite3_value_type(argv[1]) != SQLITE_NULL) {
    rc = s->set(conn, argv[1], &conn->err);
  }
  if (rc) {
    fn_fail(context, name);
  } else {
    s->result(context, conn);
  }
}

static void versionFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc, (void)argv;
  sqlite3_result_text(context, ext_conn_of(context)->version, -1, SQLITE_STATIC);
}

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

static void debugFunc(sqlite3_context *context, int argc, sqlite3_value **argv) {
  (void)argc, (void)argv;
  char *text =
      sqlite3_mprintf("sqlite-mmap %s; compiler %s; sqlite headers %s, running %s; find %s",
                      ext_conn_of(context)->version, COMPILER, SQLITE_VERSION, sqlite3_libversion(),
                      mm_find_path());
  if (text) {
    sqlite3_result_text(context, text, -1, sqlite3_free);
  } else {
    sqlite3_result_error_nomem(context);
  }
}

const ext_function ext_functions_config[] = {
    {"mmap_config", 1, 2, configFunc, false, false},
    {"mmap_debug", 0, 0, debugFunc, false, true},
    {"mmap_version", 0, 0, versionFunc, false, true}, /* the last of all: see mmap0.c */
    {0},
};
