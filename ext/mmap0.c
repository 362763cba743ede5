/*
** mmap0.c: the loadable extension: registers all functions and tables, and has the entry points.
**
**     sqlite> .load ./mmap0
**
** sqlite3_mmap_init registers everything; sqlite3_mmap0_init is the name that SQLite derives from
** the file name mmap0.so; sqlite3_mmap_readonly_init registers no way to write, and
** sqlite3_mmapro_init is the same by the file name mmapro.so.
*/
#include "sqlite3ext.h"
SQLITE_EXTENSION_INIT1

#include <stdatomic.h>

#include "core/bytes/ipv4.h"
#include "core/common/mem.h"
#include "core/os/once.h"
#include "ext/connection/ext.h"
#include "ext/connection/open.h"
#include "ext/mmap0.h"

/* All there is, in the order of registration. Each family is an array ext_functions_x in a file of
** ext/functions, ended by a NULL name; the last has mmap_version at its end, which tells that all
** the others are there: loading may fail halfway, and be tried again. Each table is an
** ext_module_x. */
/* clang-format off */
#define EXT_FUNCTIONS(X) \
  X(check) X(open) X(bytes) X(replace) X(patch) X(find) X(position) X(search) X(checksum) X(config)
#define EXT_MODULES(X) \
  X(writer) X(transaction) X(mmap) X(lines) X(list) X(changes) X(find_all) X(find_many) X(search_all) X(strings) X(hexdump) \
  X(histogram) X(blocks) X(diff) X(edits) X(glob)
/* clang-format on */

#define EXT_DECLARE(x) extern const ext_function ext_functions_##x[];
EXT_FUNCTIONS(EXT_DECLARE)
#undef EXT_DECLARE
#define EXT_DECLARE(x) extern const ext_module ext_module_##x;
EXT_MODULES(EXT_DECLARE)
#undef EXT_DECLARE

#define FUNCTIONS(x) ext_functions_##x,
static const ext_function *const all_functions[] = {EXT_FUNCTIONS(FUNCTIONS)};

#define MODULE(x) &ext_module_##x,
static const ext_module *const all_modules[] = {EXT_MODULES(MODULE)};

/* ---- memory --------------------------------------------------------------------------------- */

static void *sqlite_allocate(uint64_t size) {
  return sqlite3_malloc64(size);
}

static void *sqlite_reallocate(void *memory, uint64_t size) {
  return sqlite3_realloc64(memory, size);
}

static void sqlite_release(void *memory) {
  sqlite3_free(memory);
}

/* All memory comes from SQLite, so that its limits and counts hold. */
static void use_sqlite_memory(void) {
  static const mm_allocator allocator = {sqlite_allocate, sqlite_reallocate, sqlite_release};
  mm_mem_use(&allocator);
}

/* Connections are opened by threads that others run beside: what these read is set only once. */
static mm_once_flag set_up_once = MM_ONCE_INIT;

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

static int register_aggregate(ext_conn *conn, const ext_aggregate *aggregate) {
  int rc = SQLITE_OK;
  for (int n = aggregate->least; n <= aggregate->most && rc == SQLITE_OK; n++) {
    ext_conn_hold(conn);
    rc =
        sqlite3_create_function_v2(conn->db, aggregate->name, n, SQLITE_UTF8 | SQLITE_DETERMINISTIC,
                                   conn, NULL, aggregate->step, aggregate->final, ext_conn_release);
  }
  return rc;
}

static int register_aggregates(ext_conn *conn) {
  int rc = SQLITE_OK;
  for (const ext_aggregate *a = ext_aggregates; a->name && rc == SQLITE_OK; a++) {
    rc = register_aggregate(conn, a);
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

/* The order of addresses, for columns that have it. */
static int collate_ipv4(void *context, int m, const void *a, int n, const void *b) {
  (void)context;
  return mm_ipv4_compare(a, (uint64_t)m, b, (uint64_t)n);
}

static int register_collation(sqlite3 *db) {
  return sqlite3_create_collation_v2(db, "mmap_ipv4", SQLITE_UTF8, NULL, collate_ipv4, NULL);
}

/* ---- the entry points ------------------------------------------------------------------------ */

#define OLDEST 3031000

/* Who links the library may call an entry point without a place for a message. */
static void say(char **error, char *message) {
  if (error) {
    *error = message;
  } else {
    sqlite3_free(message);
  }
}

#ifdef SQLITE_CORE

/* Linked into the program: there is one SQLite, and nothing that could be unloaded. */
#define LOADED SQLITE_OK

static bool is_accepted(const sqlite3_api_routines *api, char **error) {
  (void)api;
  mm_once(&set_up_once, use_sqlite_memory);
  if (sqlite3_libversion_number() >= OLDEST) return true;
  say(error,
      sqlite3_mprintf("mmap: SQLite %s is too old: 3.31 or newer is needed", sqlite3_libversion()));
  return false;
}

#else

/* The SIGBUS handler points into this library: it stays loaded. */
#define LOADED SQLITE_OK_LOAD_PERMANENTLY

/* The SQLite that the library works for. A process may have several, a program's own beside the
** system's: memory and statements of one must not come into the hands of another, so the first
** keeps it. */
static _Atomic(const sqlite3_api_routines *) owner;

static void set_up_process(void) {
  SQLITE_EXTENSION_INIT2(atomic_load(&owner));
  use_sqlite_memory();
}

/* Nothing of ours calls a SQLite that is refused here, nor notices it. */
static bool is_accepted(const sqlite3_api_routines *api, char **error) {
  const sqlite3_api_routines *first = NULL;
  if (api->libversion_number() < OLDEST) {
    *error = api->mprintf("mmap: SQLite %s is too old: 3.31 or newer is needed", api->libversion());
    return false;
  }
  if (!atomic_compare_exchange_strong(&owner, &first, api) && first != api) {
    *error = api->mprintf("mmap: another SQLite of this process, %s, has loaded it already",
                          first->libversion());
    return false;
  }
  mm_once(&set_up_once, set_up_process);
  return true;
}

#endif

static bool is_callable(sqlite3 *db, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK;
}

/* The end of what went well. The connection's error code is that of the last question here, and
** where it is not SQLITE_OK, sqlite3_open fails if it was SQLite that called us from there. */
static int loaded(sqlite3 *db) {
  return is_callable(db, "SELECT mmap_version()") ? LOADED : sqlite3_errcode(db);
}

/* A connection loads it once: a second set of functions would have transactions of its own beside
** the tables of the first. Loading it in the same way again does nothing. */
static int init_again(sqlite3 *db, char **error, bool read_only) {
  bool writes = is_callable(db, "SELECT mmap_set(NULL, NULL, NULL)");
  if (sqlite3_errcode(db) == SQLITE_NOMEM) return SQLITE_NOMEM;
  if (writes != read_only) return loaded(db);
  say(error, sqlite3_mprintf("mmap: is loaded already, %s",
                             read_only ? "for writing too" : "for reading only"));
  return SQLITE_ERROR;
}

static int init(sqlite3 *db, char **error, const sqlite3_api_routines *api, bool read_only) {
  mm_error err;
  ext_conn *conn = NULL;
  if (!is_accepted(api, error)) return SQLITE_ERROR;
  if (is_callable(db, "SELECT mmap_version()")) return init_again(db, error, read_only);
  if (sqlite3_errcode(db) == SQLITE_NOMEM) return SQLITE_NOMEM;
  int rc = ext_conn_create(db, MMAP0_VERSION, &conn, &err);
  if (rc) {
    say(error, sqlite3_mprintf("mmap: %s", err.text));
    return ext_sqlite_code(rc);
  }
  conn->settings.read_only = read_only;
  conn->settings.root = &conn->root;
  rc = register_collation(db);
  if (rc == SQLITE_OK) rc = register_modules(conn);
  if (rc == SQLITE_OK) rc = register_aggregates(conn);
  if (rc == SQLITE_OK) rc = register_functions(conn);
  ext_conn_release(conn);
  return rc == SQLITE_OK ? loaded(db) : rc;
}

int sqlite3_mmap_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return init(db, error, api, false);
}

/* Not by calling the one above: a process may have loaded two copies of the library, and then that
** name is the first one's. */
int sqlite3_mmap0_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return init(db, error, api, false);
}

int sqlite3_mmap_readonly_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return init(db, error, api, true);
}

int sqlite3_mmapro_init(sqlite3 *db, char **error, const sqlite3_api_routines *api) {
  return init(db, error, api, true);
}
