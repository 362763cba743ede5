/*
** mmap0.c: the loadable extension: the list of all that it registers, and its entry points.
**
**     sqlite> .load ./mmap0
**
** sqlite3_mmap_init registers everything; sqlite3_mmap0_init is the name that SQLite derives from the
** file name mmap0.so; sqlite3_mmap_readonly_init registers no way to write.
*/
#include "ext/ext.h"
SQLITE_EXTENSION_INIT1

#include "core/mem.h"
#include "ext/conn.h"

static const ext_function *const all_functions[] = {
    ext_functions_check,    ext_functions_open,   ext_functions_bytes,  ext_functions_find,
    ext_functions_position, ext_functions_config, ext_functions_search,
};

static const ext_module *const all_modules[] = {
    &ext_module_writer,  &ext_module_mmap,      &ext_module_lines,      &ext_module_list,
    &ext_module_changes, &ext_module_find_all,  &ext_module_search_all, &ext_module_strings,
    &ext_module_hexdump, &ext_module_histogram, &ext_module_diff,       &ext_module_glob,
};

/* ---- memory --------------------------------------------------------------------------------- */

static void *allocate(uint64_t size) {
  return sqlite3_malloc64(size);
}

static void *reallocate(void *memory, uint64_t size) {
  return sqlite3_realloc64(memory, size);
}

static void release(void *memory) {
  sqlite3_free(memory);
}

/* All memory comes from SQLite, so that its limits and counts hold. */
static void use_sqlite_memory(void) {
  static const mm_allocator allocator = {allocate, reallocate, release};
  mm_mem_use(&allocator);
}

/* ---- registration --------------------------------------------------------------------------- */

static int flags_of(const ext_function *function) {
  int flags = SQLITE_UTF8;
  if (function->pure) flags |= SQLITE_DETERMINISTIC;
  if (!function->pure && sqlite3_libversion_number() >= 3031000) flags |= SQLITE_DIRECTONLY;
  return flags;
}

static int register_function(ext_conn *conn, const ext_function *function) {
  int rc = SQLITE_OK;
  for (int n = function->least; n <= function->most && rc == SQLITE_OK; n++) {
    ext_conn_hold(conn);
    rc = sqlite3_create_function_v2(conn->db, function->name, n, flags_of(function), conn,
                                    function->body, NULL, NULL, ext_conn_release);
  }
  return rc;
}

static int register_functions(ext_conn *conn) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < sizeof all_functions / sizeof *all_functions; i++) {
    for (const ext_function *f = all_functions[i]; f->name && rc == SQLITE_OK; f++) {
      if (!f->writes || !conn->settings.read_only) rc = register_function(conn, f);
    }
  }
  return rc;
}

static int register_modules(ext_conn *conn) {
  int rc = SQLITE_OK;
  for (size_t i = 0; i < sizeof all_modules / sizeof *all_modules && rc == SQLITE_OK; i++) {
    const ext_module *m = all_modules[i];
    const sqlite3_module *module = conn->settings.read_only ? m->read_module : m->module;
    if (!module) continue;
    ext_conn_hold(conn);
    rc = sqlite3_create_module_v2(conn->db, m->name, module, conn, ext_conn_release);
  }
  return rc;
}

/* ---- the entry points ------------------------------------------------------------------------ */

#define OLDEST 3031000

static bool is_callable(sqlite3 *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK;
}

/* A connection loads it once: a second set of functions would have transactions of its own beside the
** tables of the first. Loading it in the same way again does nothing. */
static int init_again(sqlite3 *db, char **error, bool read_only) {
  if (is_callable(db, "SELECT mmap_set(NULL, NULL, NULL)") != read_only) {
    return SQLITE_OK_LOAD_PERMANENTLY;
  }
  *error = sqlite3_mprintf("mmap: is loaded already, %s",
                           read_only ? "for writing too" : "for reading only");
  return SQLITE_ERROR;
}

static int init(sqlite3 *db, char **error, bool read_only) {
  mm_error err;
  ext_conn *conn = NULL;
  if (sqlite3_libversion_number() < OLDEST) {
    *error = sqlite3_mprintf("mmap: SQLite %s is too old: 3.31 or newer is needed",
                             sqlite3_libversion());
    return SQLITE_ERROR;
  }
  if (is_callable(db, "SELECT mmap_version()")) return init_again(db, error, read_only);
  use_sqlite_memory();
  int rc = ext_conn_create(db, &conn, &err);
  if (rc) {
    *error = sqlite3_mprintf("mmap: %s", err.text);
    return ext_sqlite_code(rc);
  }
  conn->settings.read_only = read_only;
  rc = register_functions(conn);
  if (rc == SQLITE_OK) rc = register_modules(conn);
  ext_conn_release(conn);
  /* The SIGBUS handler points into this library: it stays loaded. */
  return rc == SQLITE_OK ? SQLITE_OK_LOAD_PERMANENTLY : rc;
}

#ifdef _WIN32
#define EXPORT __declspec(dllexport)
#else
#define EXPORT __attribute__((visibility("default")))
#endif

EXPORT int sqlite3_mmap_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);
EXPORT int sqlite3_mmap0_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);
EXPORT int sqlite3_mmap_readonly_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);

int sqlite3_mmap_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)api;
  return init(db, error, false);
}

int sqlite3_mmap0_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return sqlite3_mmap_init(db, error, api);
}

int sqlite3_mmap_readonly_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  SQLITE_EXTENSION_INIT2(api);
  (void)api;
  return init(db, error, true);
}
