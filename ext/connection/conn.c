/*
** conn.c: what a connection has: its settings, its objects, its handles.
**
** An object is found by (device, inode), so that all names of a file lead to the same one. A path
** that was resolved before is remembered as an alias; one stat tells whether it still means the
** same file. Objects that nobody holds stay open for the next use, up to a number; then the least
** recently used one that has nothing pending is closed.
*/
#include "ext/connection/conn.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "core/common/watch.h"
#include "core/common/mem.h"
#include "ext/connection/databases.h"

/* So many unheld objects are kept open. */
#define KEEP_OBJECTS 256
/* … and so many journals that stay after a commit. */
#define KEEP_JOURNALS 64
#define ALIAS_SLOTS 1024 /* a power of two */

/* A path and what it named when it was resolved. */
typedef struct ext_alias {
  char *path; /* NULL: empty slot */
  ext_object *object;
} ext_alias;

/* ---- words ---------------------------------------------------------------------------------- */

static const char *const access_names[] = {"read", "write", "copy", "create", "device"};
static const char *const synchronous_names[] = {"off", "normal", "full"};
static const char *const isolation_names[] = {"none", "statement", "transaction"};

/* Which of the names it is; -1: none. */
static int which_name(const char *const *names, int count, const char *text) {
  for (int i = 0; i < count; i++) {
    if (sqlite3_stricmp(text, names[i]) == 0) return i;
  }
  return -1;
}

int ext_access_parse(const char *text, bool device, int *access, mm_error *err) {
  int found = which_name(access_names, device ? EXT_DEVICE + 1 : EXT_DEVICE, text);
  if (found < 0) {
    return mm_fail(err, MM_ERROR, "access '%s' is none of read, write, copy, create%s", text,
                   device ? ", device" : "");
  }
  *access = found;
  return MM_OK;
}

const char *ext_access_name(int access) {
  return access_names[access];
}

int ext_synchronous_parse(const char *text, int *synchronous, mm_error *err) {
  int found = which_name(synchronous_names, MM_SYNC_FULL + 1, text);
  if (found < 0) {
    return mm_fail(err, MM_ERROR, "synchronous '%s' is none of off, normal, full", text);
  }
  *synchronous = found;
  return MM_OK;
}

const char *ext_synchronous_name(int synchronous) {
  return synchronous_names[synchronous];
}

int ext_isolation_parse(const char *text, int *isolation, mm_error *err) {
  int found = which_name(isolation_names, EXT_ISOLATION_TRANSACTION + 1, text);
  if (found < 0) {
    return mm_fail(err, MM_ERROR, "isolation '%s' is none of none, statement, transaction", text);
  }
  *isolation = found;
  return MM_OK;
}

const char *ext_isolation_name(int isolation) {
  return isolation_names[isolation];
}

/* ---- interruption --------------------------------------------------------------------------- */

/* A statement of our own is interrupted when the user's is, by sqlite3_interrupt or by a progress
** handler, on every version of SQLite. It takes nearly two hundred steps of SQLite's machine, five for
** each WHEN, so that a progress handler is called in the course of a long scan as it is in a long
** query: at the jump from its last WHEN, which holds. Once it is prepared it allocates nothing. */
#define FIVE_STEPS " WHEN ?1 OR ?1 OR ?1 OR ?1 OR ?1 THEN 1"
#define FIFTY_STEPS                                                                                \
  FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS          \
      FIVE_STEPS FIVE_STEPS
static const char interrupted_sql[] = "SELECT CASE" FIFTY_STEPS FIFTY_STEPS FIFTY_STEPS FIVE_STEPS
    FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS FIVE_STEPS " WHEN ?1 IS NULL THEN 1 END";

bool ext_conn_means_ours(ext_conn *conn, const char *sql) {
  sqlite3_stmt *stmt = NULL;
  conn->planned = false;
  int rc = sqlite3_prepare_v2(conn->db, sql, -1, &stmt, NULL);
  sqlite3_finalize(stmt);
  return rc == SQLITE_OK && conn->planned;
}

bool ext_conn_may_cache(ext_conn *conn) {
  if (!conn->caches) conn->caches = ext_conn_means_ours(conn, "SELECT 1 FROM temp.mmap_list");
  return conn->caches;
}

static int answer_of(int rc) {
  if (rc == SQLITE_NOMEM) return MM_NOMEM;
  return rc == SQLITE_INTERRUPT ? MM_INTERRUPT : MM_OK;
}

/* What a host may have lowered for the SQL of others. Not for that statement, which SQLite may have to
** prepare anew at any step. */
static const int lowered_limits[] = {SQLITE_LIMIT_SQL_LENGTH, SQLITE_LIMIT_EXPR_DEPTH,
                                     SQLITE_LIMIT_VDBE_OP, SQLITE_LIMIT_VARIABLE_NUMBER};
#define LOWERED_LIMITS (sizeof lowered_limits / sizeof *lowered_limits)

static void set_limits(sqlite3 *db, int values[LOWERED_LIMITS]) {
  for (size_t i = 0; i < LOWERED_LIMITS; i++) {
    values[i] = sqlite3_limit(db, lowered_limits[i], values[i]);
  }
}

static int ask_within_limits(ext_conn *conn) {
  sqlite3_stmt *stmt = conn->interrupted;
  if (!stmt) {
    bool cache = ext_conn_may_cache(conn);
    int rc = sqlite3_prepare_v3(conn->db, interrupted_sql, -1,
                                cache ? SQLITE_PREPARE_PERSISTENT : 0, &stmt, NULL);
    if (!stmt) return answer_of(rc); /* preparing is interrupted, too */
    if (cache) conn->interrupted = stmt;
  }
  int rc = sqlite3_step(stmt);
  (void)sqlite3_reset(stmt);
  if (stmt != conn->interrupted) sqlite3_finalize(stmt);
  return answer_of(rc);
}

/* MM_OK: go on. Where there is no memory to ask, SQLite ends the statement that is running with that
** error whatever follows: to read on is in vain, and nothing may have been written by then. */
int ext_conn_ask(void *context) {
  ext_conn *conn = context;
  int limits[LOWERED_LIMITS] = {INT_MAX, INT_MAX, INT_MAX, INT_MAX};
  set_limits(conn->db, limits);
  int rc = ask_within_limits(conn);
  set_limits(conn->db, limits);
  return rc;
}

int ext_conn_interrupted(ext_conn *conn) {
  return ext_conn_ask(conn) != MM_OK;
}

static int stop_find(void *context, uint64_t done) {
  (void)done;
  return ext_conn_ask(context);
}

void ext_conn_watch(ext_conn *conn, struct mm_watch *watch) {
  watch->stop = stop_find;
  watch->context = conn;
}

void ext_conn_release_statements(ext_conn *conn) {
  sqlite3_finalize(conn->writer);
  sqlite3_finalize(conn->interrupted);
  sqlite3_finalize(conn->listener);
  conn->writer = conn->interrupted = conn->listener = NULL;
  conn->caches = false;
}

/* ---- may it write? -------------------------------------------------------------------------- */

int ext_conn_end_query(sqlite3_stmt *stmt, int rc, mm_error *err) {
  (void)sqlite3_finalize(stmt);
  if (rc == SQLITE_NOMEM) return mm_fail_nomem(err);
  return rc == SQLITE_INTERRUPT ? mm_fail(err, MM_INTERRUPT, "interrupted") : MM_OK;
}

static int get_query_only(sqlite3 *db, bool *only, mm_error *err) {
  sqlite3_stmt *pragma = NULL;
  int rc = sqlite3_prepare_v2(db, "PRAGMA query_only", -1, &pragma, NULL);
  *only = false;
  if (rc == SQLITE_OK) {
    while ((rc = sqlite3_step(pragma)) == SQLITE_ROW) *only = sqlite3_column_int(pragma, 0) != 0;
  }
  return ext_conn_end_query(pragma, rc, err);
}

int ext_conn_check_writes(ext_conn *conn, mm_error *err) {
  if (conn->settings.read_only) return mm_fail(err, MM_READONLY, "this connection only reads");
  if (sqlite3_db_readonly(conn->db, "main") == 1) {
    return mm_fail(err, MM_READONLY,
                   "the database is read-only, and so is what is reached from it");
  }
  bool only;
  int rc = get_query_only(conn->db, &only, err);
  return rc == MM_OK && only ? mm_fail(err, MM_READONLY, "PRAGMA query_only is set") : rc;
}

/* ---- aliases -------------------------------------------------------------------------------- */

static size_t slot_of(const char *path) {
  uint64_t hash = 14695981039346656037u; /* FNV-1a */
  for (; *path; path++) hash = (hash ^ (uint8_t)*path) * 1099511628211u;
  return (size_t)(hash % ALIAS_SLOTS);
}

static void forget_alias(ext_alias *alias) {
  mm_free(alias->path);
  alias->path = NULL;
  alias->object = NULL;
}

static void forget_aliases_of(ext_conn *conn, const ext_object *object) {
  for (size_t i = 0; conn->aliases && i < ALIAS_SLOTS; i++) {
    if (!object || conn->aliases[i].object == object) forget_alias(&conn->aliases[i]);
  }
}

/* Without memory nothing is remembered, which is no error. */
static void remember_alias(ext_conn *conn, const char *path, ext_object *object) {
  if (!conn->aliases) conn->aliases = mm_alloc_zeroed(ALIAS_SLOTS * sizeof *conn->aliases);
  if (!conn->aliases) return;
  ext_alias *alias = &conn->aliases[slot_of(path)];
  forget_alias(alias);
  alias->path = mm_strdup(path);
  alias->object = alias->path ? object : NULL;
}

static ext_object *find_alias(ext_conn *conn, const char *path, ext_look *look) {
  mm_stat *stat = &look->stat;
  if (!conn->aliases) return NULL;
  ext_alias *alias = &conn->aliases[slot_of(path)];
  if (!alias->path || strcmp(alias->path, path) != 0) return NULL;
  const mm_object *core = alias->object->core;
  look->taken = mm_os.status_path(path, stat) == 0 && stat->device == core->device &&
                stat->inode == core->inode;
  if (look->taken) return alias->object;
  forget_alias(alias);
  return NULL;
}

/* ---- objects -------------------------------------------------------------------------------- */

/* A list of its own, so that what is done to one object does not hang on how many there are. */
static void link_idle(ext_conn *conn, ext_object *object) {
  object->older = conn->newest_idle;
  object->newer = NULL;
  *(object->older ? &object->older->newer : &conn->oldest_idle) = object;
  conn->newest_idle = object;
}

static void unlink_idle(ext_conn *conn, ext_object *object) {
  *(object->older ? &object->older->newer : &conn->oldest_idle) = object->newer;
  *(object->newer ? &object->newer->older : &conn->newest_idle) = object->older;
}

/* After a change of what keeps it open. */
static void settle_idle(ext_object *object) {
  bool idle = object->holds == 0 && !object->in_transaction;
  if (idle == object->idle) return;
  object->idle = idle;
  (idle ? link_idle : unlink_idle)(object->conn, object);
}

static ext_object **bucket_of_file(ext_conn *conn, uint64_t device, uint64_t inode) {
  uint64_t key = (inode ^ device << 32) * UINT64_C(0x9e3779b97f4a7c15); /* as in lock.c */
  return &conn->buckets[key >> 32 & (EXT_BUCKETS - 1)];
}

static void link_object(ext_conn *conn, ext_object *object) {
  ext_object **bucket = bucket_of_file(conn, object->core->device, object->core->inode);
  object->next_in_bucket = *bucket;
  *bucket = object;
  object->next = conn->objects;
  if (object->next) object->next->link = &object->next;
  object->link = &conn->objects;
  conn->objects = object;
  conn->object_count++;
}

static void unlink_object(ext_conn *conn, ext_object *object) {
  ext_object **at = bucket_of_file(conn, object->core->device, object->core->inode);
  while (*at != object) at = &(*at)->next_in_bucket;
  *at = object->next_in_bucket;
  *object->link = object->next;
  if (object->next) object->next->link = object->link;
  conn->object_count--;
  if (object->idle) unlink_idle(conn, object);
}

static ext_object *find_object(ext_conn *conn, int kind, uint64_t device, uint64_t inode) {
  ext_object *o = *bucket_of_file(conn, device, inode);
  while (o && !(o->core->kind == kind && o->core->inode == inode && o->core->device == device)) {
    o = o->next_in_bucket;
  }
  return o;
}

static void close_object(ext_conn *conn, ext_object *object) {
  unlink_object(conn, object);
  forget_aliases_of(conn, object);
  mm_object_close(object->core);
  mm_free(object);
}

static void evict(ext_conn *conn) {
  while (conn->object_count > KEEP_OBJECTS && conn->oldest_idle) {
    close_object(conn, conn->oldest_idle);
  }
}

void ext_object_enlist(ext_object *object, bool in_transaction) {
  object->in_transaction = in_transaction;
  settle_idle(object);
}

void ext_object_hold(ext_object *object) {
  object->holds++;
  object->used = ++object->conn->clock;
  settle_idle(object);
}

/* What no path leads to is of no use when nobody holds it. */
static bool is_nameless(const ext_object *object) {
  return object->core->kind != MM_OBJECT_FILE;
}

static bool has_journal_open(const ext_object *object) {
  return object->core->staying.fd >= 0;
}

/* No more of them come to stay open where none is kept. */
static void spare_journals(ext_conn *conn) {
  size_t count = 0;
  if (!conn->settings.keep_journal) return;
  for (const ext_object *o = conn->objects; o; o = o->next) count += has_journal_open(o);
  for (; count > KEEP_JOURNALS; count--) {
    ext_object *oldest = NULL;
    for (ext_object *o = conn->objects; o; o = o->next) {
      if (has_journal_open(o) && (!oldest || o->used < oldest->used)) oldest = o;
    }
    if (oldest) mm_object_spare_journal(oldest->core);
  }
}

void ext_object_rest(ext_object *object) {
  if (object->holds <= object->handles) mm_object_rest(object->core);
}

void ext_conn_collect(ext_conn *conn) {
  spare_journals(conn);
  for (ext_object *o = conn->oldest_idle, *newer; o; o = newer) {
    newer = o->newer;
    if (is_nameless(o)) close_object(conn, o);
  }
  if (mm_os.traits & MM_TRAIT_RIGID_MAPS) {
    for (ext_object *o = conn->objects; o; o = o->next) ext_object_rest(o);
  }
}

void ext_object_release(ext_object *object) {
  if (!object) return;
  object->holds--;
  settle_idle(object);
  if (object->holds == 0 && is_nameless(object)) {
    ext_conn_collect(object->conn);
  } else {
    ext_object_rest(object);
  }
}

static int add_object(ext_conn *conn, mm_object *core, ext_object **out, mm_error *err) {
  ext_object *object = mm_alloc_zeroed(sizeof *object);
  if (!object) {
    mm_object_close(core);
    return mm_fail_nomem(err);
  }
  object->core = core;
  object->conn = conn;
  link_object(conn, object);
  ext_object_hold(object);
  evict(conn);
  *out = object;
  return MM_OK;
}

/* Two handles of one tag share its object, as two names of one file do. */
int ext_conn_add_object(ext_conn *conn, mm_object *core, ext_object **out, mm_error *err) {
  ext_object *known = core->kind == MM_OBJECT_TAGGED
                          ? find_object(conn, core->kind, core->device, core->inode)
                          : NULL;
  if (!known) return add_object(conn, core, out, err);
  mm_object_close(core);
  ext_object_hold(known);
  *out = known;
  return MM_OK;
}

/* ---- opening a path ------------------------------------------------------------------------- */

int ext_conn_open_copy(ext_conn *conn, const char *path, ext_object **out, mm_error *err) {
  mm_path resolved;
  mm_object *core = NULL;
  int rc = mm_path_resolve(&conn->root, path, false, &resolved, err);
  if (rc) return rc;
  rc = ext_databases_open(conn, path, &resolved, MM_OBJECT_PRIVATE, &core, err);
  mm_path_clear(&resolved);
  return rc ? rc : add_object(conn, core, out, err);
}

int ext_conn_open_device(ext_conn *conn, const char *path, ext_object **out, mm_error *err) {
  mm_path resolved;
  mm_object *core = NULL;
  int rc = mm_path_resolve_device(&conn->root, path, &resolved, err);
  if (rc) return rc;
  rc = mm_object_open(&resolved, path, MM_OBJECT_DEVICE, &conn->settings, &core, err);
  mm_path_clear(&resolved);
  return rc ? rc : add_object(conn, core, out, err);
}

/* A file that was mapped first and attached as a database since is refused from then on. */
static int reuse(ext_conn *conn, const char *name, ext_object *object, ext_object **out,
                 mm_error *err) {
  int rc = ext_databases_check_object(conn, name, object, err);
  if (rc) return rc;
  ext_object_hold(object);
  *out = object;
  return MM_OK;
}

static int open_resolved(ext_conn *conn, const char *name, const mm_path *path, ext_object **out,
                         mm_error *err) {
  mm_object *core = NULL;
  ext_object *object = find_object(conn, MM_OBJECT_FILE, path->stat.device, path->stat.inode);
  if (object) return reuse(conn, name, object, out, err);
  int rc = ext_databases_open(conn, name, path, MM_OBJECT_FILE, &core, err);
  return rc ? rc : add_object(conn, core, out, err);
}

static int open_new(ext_conn *conn, const char *path, bool create, ext_object **out,
                    mm_error *err) {
  mm_path resolved;
  int rc = create ? ext_conn_check_writes(conn, err) : MM_OK;
  if (rc == MM_OK) rc = mm_path_resolve(&conn->root, path, create, &resolved, err);
  if (rc) return rc;
  rc = open_resolved(conn, path, &resolved, out, err);
  mm_path_clear(&resolved);
  return rc;
}

bool ext_conn_spare(ext_conn *conn) {
  if (!conn->oldest_idle) return false;
  while (conn->oldest_idle) close_object(conn, conn->oldest_idle);
  return true;
}

/* A file that is there and cannot be opened. False: nothing could be given back. */
static bool make_object_room(ext_conn *conn, const char *path) {
  mm_stat stat;
  bool file = mm_os.status_path(path, &stat) == 0 && stat.kind == MM_KIND_FILE;
  return file && ext_conn_spare(conn);
}

/* A journal that could not be removed at a rollback is so by the file's next use. Where the path
** leads to another file now, or to none, there is no next use, and the journal would be in the way
** of that file's. */
static void retry_rollbacks(ext_conn *conn) {
  mm_error ignored;
  if (!conn->stuck) return;
  conn->stuck = false;
  for (ext_object *o = conn->objects; o; o = o->next) {
    if (!o->core->stuck) continue;
    (void)mm_object_refresh(o->core, &ignored);
    conn->stuck |= o->core->stuck;
    ext_object_rest(o);
  }
}

int ext_conn_open_path(ext_conn *conn, const char *path, bool create, ext_look *look,
                       ext_object **out, mm_error *err) {
  look->taken = false;
  ext_object *known = find_alias(conn, path, look);
  if (known) return reuse(conn, path, known, out, err);
  retry_rollbacks(conn);
  int rc = open_new(conn, path, create, out, err);
  bool full = rc == MM_CANTOPEN || rc == MM_IOERR || rc == MM_NOMEM;
  if (full && make_object_room(conn, path)) rc = open_new(conn, path, create, out, err);
  if (rc == MM_OK) remember_alias(conn, path, *out);
  return rc;
}

int ext_conn_set_root(ext_conn *conn, const char *path, mm_error *err) {
  int rc = mm_root_set(&conn->root, path, err);
  /* What was reached before may lie outside now: every path is to be resolved again. */
  if (rc == MM_OK) forget_aliases_of(conn, NULL);
  return rc;
}

/* ---- handles -------------------------------------------------------------------------------- */

int ext_conn_handle(ext_conn *conn, sqlite3_int64 id, ext_handle **out, mm_error *err) {
  if (id < 1 || (uint64_t)id > conn->handle_count) {
    return mm_fail(err, MM_ERROR, "%lld is no handle", (long long)id);
  }
  *out = conn->handles[id - 1];
  if ((*out)->object) return MM_OK;
  return mm_fail(err, MM_ERROR, "handle %lld is closed", (long long)id);
}

int ext_handle_check_writes(const ext_handle *handle, mm_error *err) {
  if (!handle || (handle->access != EXT_READ && handle->access != EXT_DEVICE)) return MM_OK;
  return mm_fail(err, MM_READONLY, "handle %lld is open for reading only", (long long)handle->id);
}

int ext_conn_add_handle(ext_conn *conn, ext_handle handle, ext_handle **out, mm_error *err) {
  void *handles = conn->handles;
  if (mm_grow(&handles, conn->handle_count, &conn->handle_capacity, sizeof *conn->handles)) {
    return mm_fail_nomem(err);
  }
  conn->handles = handles;
  ext_handle *added = mm_alloc(sizeof *added);
  if (!added) return mm_fail_nomem(err);
  handle.id = (sqlite3_int64)conn->handle_count + 1;
  *added = handle;
  conn->handles[conn->handle_count++] = added;
  added->object->handles++;
  *out = added;
  return MM_OK;
}

void ext_file_window(ext_file *file) {
  uint64_t size = file->object->core->size;
  uint64_t start = file->handle ? file->handle->offset : 0;
  uint64_t length = file->handle ? file->handle->length : EXT_TO_END;
  file->start = start < size ? start : size;
  file->length = size - file->start;
  if (length < file->length) file->length = length;
}

int ext_object_check_places(const ext_object *object, mm_error *err) {
  if (object->leaving == 0) return MM_OK;
  return mm_fail(err, MM_ERROR, "rows of '%s' were deleted: COMMIT closes them up first",
                 object->core->name);
}

/* ---- what the rooms above keep --------------------------------------------------------------- */

typedef struct ext_state {
  const void *key;
  struct ext_state *next;
  uint64_t data[];
} ext_state;

void *ext_conn_known_state(const ext_conn *conn, const void *key) {
  ext_state *state = conn->states;
  while (state && state->key != key) state = state->next;
  return state ? state->data : NULL;
}

void *ext_conn_state(ext_conn *conn, const void *key, size_t size) {
  void *known = ext_conn_known_state(conn, key);
  if (known) return known;
  ext_state *state = mm_alloc_zeroed(sizeof *state + size);
  if (!state) return NULL;
  state->key = key;
  state->next = conn->states;
  conn->states = state;
  return state->data;
}

void ext_conn_free_states(ext_conn *conn) {
  while (conn->states) {
    ext_state *state = conn->states;
    conn->states = state->next;
    mm_free(state);
  }
}

/* ---- the end -------------------------------------------------------------------------------- */

static void free_handles(ext_conn *conn) {
  for (size_t i = 0; i < conn->handle_count; i++) {
    mm_free(conn->handles[i]->name);
    mm_free(conn->handles[i]);
  }
  mm_free(conn->handles);
}

void ext_conn_close_objects(ext_conn *conn) {
  free_handles(conn);
  while (conn->objects) close_object(conn, conn->objects);
  forget_aliases_of(conn, NULL);
  mm_free(conn->aliases);
}
