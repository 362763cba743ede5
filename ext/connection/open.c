#include "ext/connection/open.h"

#include "core/common/mem.h"
#include "core/os/park.h"
#include "ext/connection/copy.h"
#include "ext/connection/reads.h"
#include "ext/connection/txn.h"

void ext_conn_hold(ext_conn *conn) {
  conn->holds++;
}

void ext_conn_release(void *context) {
  ext_conn *conn = context;
  if (--conn->holds > 0) return;
  ext_conn_release_statements(conn);
  ext_reads_end_transaction(conn);
  ext_txn_destroy(conn);
  ext_copies_free(conn);
  ext_conn_close_objects(conn);
  mm_park_sweep();
  ext_conn_free_states(conn);
  mm_root_clear(&conn->root);
  mm_free(conn->databases);
  mm_free(conn);
}

/* From the SIGBUS handler, when a slice that SQLite holds was hit: nobody else can tell the
** statement that its bytes are gone. All that sqlite3_interrupt does is to set a flag. */
static void on_pin_fault(void *context) {
  ext_conn *conn = context;
  atomic_fetch_add(&conn->pin_faults, 1);
  sqlite3_interrupt(conn->db);
}

/* The file is open in other ways too, as a copy, each with an object of its own. */
static void on_cut(void *context, const mm_object *cut, bool away) {
  ext_conn *conn = context;
  for (ext_object *o = conn->objects; o; o = o->next) {
    bool same = o->core->device == cut->device && o->core->inode == cut->inode;
    if (same && o->core != cut) mm_object_step_aside(o->core, away);
  }
}

int ext_conn_create(sqlite3 *db, const char *version, ext_conn **out, mm_error *err) {
  ext_conn *conn = mm_alloc_zeroed(sizeof *conn);
  if (!conn) return mm_fail_nomem(err);
  conn->db = db;
  conn->version = version;
  conn->holds = 1;
  conn->threads = 1;
  conn->settings.synchronous = MM_SYNC_FULL;
  conn->settings.busy_timeout = 1000;
  conn->settings.watch = ext_conn_ask;
  conn->settings.lock_watch = ext_reads_ask;
  conn->settings.cutting = on_cut;
  conn->settings.watch_context = conn;
  conn->settings.on_fault.notify = on_pin_fault;
  conn->settings.on_fault.context = conn;
  mm_root_init(&conn->root);
  int rc = ext_txn_create(conn) ? mm_fail_nomem(err) : MM_OK;
  const char *root = mm_os.environment("SQLITE_MMAP_ROOT");
  if (rc == MM_OK && root && *root) rc = mm_root_set(&conn->root, root, err);
  if (rc) {
    ext_conn_release(conn);
  } else {
    *out = conn;
  }
  return rc;
}
