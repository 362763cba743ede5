/*
** txn.c: one transaction over all objects of a connection.
**
** SQLite tells every table that writes about its transaction: xBegin, xSavepoint(n), xRelease(n),
** xRollbackTo(n), xSync, xCommit, xRollback. Several tables of ours may be told the same thing, so
** each call serves the whole connection and the second one finds nothing left to do.
**
** Before a write, where the object stands is put on a stack of undo records:
**
**     undo:   [object A, mark 0] [object B, mark 0] [object A, mark 5] ...
**     levels:  ^ savepoint 0                         ^ savepoint 1
**
** A savepoint is a height of that stack. ROLLBACK TO takes records off it and cuts each object's
** log to the lowest mark met. RELEASE drops the records that an older one of the savepoint before
** makes needless, and releases their marks: what was written before and after may merge then. Each
** record of an object knows the one before it, and the object the newest.
**
** A table that joins late, under savepoints that are already open, is told of the innermost one
** alone; what lies below the first savepoint we hear of is the state at the beginning, if nothing
** was written before. A table that is made in the transaction joins without being told of any, and
** could write unheard: so whoever makes one enlists (ext_txn_enlist). If one table has told us of a
** level, the next one to do so is late, and is not listened to.
**
** What SQLite's transaction may go through, and what is done then:
**
**     state     event                          becomes   what is done
**     open      write, savepoint, rollback to  open      records pushed, taken off
**     open      xSync                          synced    deferred work, journals
**     synced    xCommit                        none      the files are written
**     synced    COMMIT failed: no event        synced    a kill here may still apply the journals
**     synced    write, savepoint, release,     open      first the journals are made invalid, then
**               rollback to                              the deferred work is taken back
**     synced    a read                         synced    the deferred work is taken back
**     synced    xSync again                    synced    deferred work; the files are looked at anew
**     any       xRollback                      none      all is undone
*/
#include "ext/connection/txn.h"

#include <string.h>

#include "core/common/mem.h"
#include "core/file/share.h"
#include "core/file/together.h"
#include "ext/connection/databases.h"
#include "ext/connection/reads.h"
#include "ext/connection/value.h"

typedef struct undo {
  ext_object *object; /* cut its log to `mark` … */
  mm_log_mark mark;
  size_t before;  /* the object's record before this one, as ext_object.noted */
  ext_undo *call; /* … or call this */
  void *context;
  uint64_t value;
} undo;

typedef struct ext_txn {
  undo *undos;
  size_t undo_count, undo_capacity;
  size_t *levels; /* levels[n]: undo_count when savepoint n was made */
  size_t part;    /* … and when a part of the innermost one began (ext_txn_begin_part) */
  bool in_part;
  size_t level_count, level_capacity;
  ext_object **objects; /* those we are the writer of */
  mm_object **cores;    /* the same, as core knows them */
  size_t object_count, object_capacity, core_capacity;
  ext_txn_deferred *deferred;
  bool flushed;   /* the deferred work is done, for COMMIT or for a look at what it gives */
  bool synced;    /* xSync has been here: there may be journals that a crash would replay */
  uint64_t epoch; /* changes when a savepoint is made or undone, and at the end */
} ext_txn;

int ext_txn_create(ext_conn *conn) {
  conn->txn = mm_alloc_zeroed(sizeof *conn->txn);
  return conn->txn ? SQLITE_OK : SQLITE_NOMEM;
}

void ext_txn_destroy(ext_conn *conn) {
  if (!conn->txn) return;
  mm_free(conn->txn->undos);
  mm_free(conn->txn->levels);
  mm_free(conn->txn->objects);
  mm_free(conn->txn->cores);
  mm_free(conn->txn);
  conn->txn = NULL;
}

/* ---- being told of it ----------------------------------------------------------------------- */

/* A statement that writes nothing is enough for SQLite to enlist the table. It is rare, and not
** cached. On a read-only database, of which the table is one, nothing of ours writes. */
int ext_txn_enlist(ext_conn *conn, mm_error *err) {
  sqlite3_stmt *stmt = NULL;
  if (conn->settings.read_only || sqlite3_db_readonly(conn->db, "main") == 1) return MM_OK;
  if (!ext_conn_means_ours(conn, "SELECT 1 FROM temp.mmap_writer")) {
    int rc = sqlite3_errcode(conn->db);
    if (rc == SQLITE_NOMEM) return mm_fail_nomem(err);
    if (rc == SQLITE_INTERRUPT) return mm_fail(err, MM_INTERRUPT, "interrupted");
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED) {
      return mm_fail(err, MM_BUSY, "%s", sqlite3_errmsg(conn->db));
    }
    if (rc == SQLITE_AUTH) return mm_fail(err, MM_ERROR, "%s", sqlite3_errmsg(conn->db));
    return mm_fail(err, MM_ERROR, "a table named mmap_writer stands in the way of all writes");
  }
  int rc = sqlite3_prepare_v2(conn->db, "DELETE FROM temp.mmap_writer", -1, &stmt, NULL);
  if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
  if (rc != SQLITE_DONE) mm_fail(err, MM_ERROR, "%s", sqlite3_errmsg(conn->db));
  if (rc == SQLITE_NOMEM) mm_fail_nomem(err);
  if (rc == SQLITE_INTERRUPT) mm_fail(err, MM_INTERRUPT, "interrupted");
  (void)sqlite3_finalize(stmt);
  return rc == SQLITE_DONE ? MM_OK : err->code;
}

/* ---- writing -------------------------------------------------------------------------------- */

static int push_undo(ext_txn *txn, undo u, mm_error *err) {
  void *undos = txn->undos;
  if (mm_grow(&undos, txn->undo_count, &txn->undo_capacity, sizeof u)) return mm_fail_nomem(err);
  txn->undos = undos;
  txn->undos[txn->undo_count++] = u;
  return MM_OK;
}

static int list_object(ext_txn *txn, ext_object *object, mm_error *err) {
  if (object->in_transaction) return MM_OK;
  void *objects = txn->objects, *cores = txn->cores;
  if (mm_grow(&objects, txn->object_count, &txn->object_capacity, sizeof *txn->objects)) {
    return mm_fail_nomem(err);
  }
  txn->objects = objects;
  if (mm_grow(&cores, txn->object_count, &txn->core_capacity, sizeof *txn->cores)) {
    return mm_fail_nomem(err);
  }
  txn->cores = cores;
  txn->cores[txn->object_count] = object->core;
  txn->objects[txn->object_count++] = object;
  ext_object_enlist(object, true);
  return MM_OK;
}

/* The first record of the innermost savepoint, or of the part of it. */
static size_t innermost(const ext_txn *txn) {
  if (txn->in_part) return txn->part;
  return txn->level_count ? txn->levels[txn->level_count - 1] : 0;
}

/* Note where the object stands, unless it has a record since the innermost savepoint already. */
static int note_object(ext_txn *txn, ext_object *object, mm_error *err) {
  if (object->noted > innermost(txn)) return MM_OK;
  int rc = push_undo(txn, (undo){.object = object, .before = object->noted}, err);
  if (rc) return rc;
  txn->undos[txn->undo_count - 1].mark = mm_object_savepoint(object->core);
  object->noted = txn->undo_count;
  return MM_OK;
}

static void take_back_deferred(ext_txn *txn) {
  if (!txn->flushed) return;
  for (ext_txn_deferred *d = txn->deferred; d; d = d->next) {
    if (d->undo) d->undo(d->context);
  }
  txn->flushed = false;
}

/* COMMIT got as far as xSync and no further, and the transaction goes on: its journals are not to
** be replayed any more. One that cannot be removed does not keep the others. */
static int unprepare_objects(ext_txn *txn, mm_error *err) {
  int rc = txn->synced ? mm_objects_unprepare(txn->cores, txn->object_count, err) : MM_OK;
  if (rc == MM_OK) txn->synced = false;
  return rc;
}

/* Before anything of the transaction changes. */
static int go_on(ext_txn *txn, mm_error *err) {
  int rc = unprepare_objects(txn, err);
  take_back_deferred(txn);
  return rc;
}

static int begin_object(ext_object *object, mm_error *err) {
  mm_object *core = object->core;
  if (core->stuck) return mm_object_begin(core, err);
  return core->begun ? MM_OK : mm_object_begin_on(core, err);
}

int ext_txn_write(ext_conn *conn, ext_object *object, mm_error *err) {
  return ext_txn_write_as(conn, object, conn->settings.synchronous, err);
}

int ext_txn_write_as(ext_conn *conn, ext_object *object, int synchronous, mm_error *err) {
  ext_txn *txn = conn->txn;
  bool known = object->in_transaction && object->core->begun;
  if (!known && sqlite3_db_readonly(conn->db, "main") == 1) {
    return mm_fail(err, MM_READONLY,
                   "the database is read-only, and so is what is reached from it");
  }
  int rc = go_on(txn, err);
  if (rc == MM_OK) rc = list_object(txn, object, err);
  const mm_object *core = object->core;
  mm_object_see(object->core);
  if (rc == MM_OK && !core->begun) rc = ext_databases_check_object(conn, core->name, object, err);
  if (rc) return rc;
  mm_object_ask(object->core, synchronous);
  rc = begin_object(object, err);
  if (rc == MM_CANTOPEN && ext_conn_spare(conn)) rc = begin_object(object, err);
  return rc == MM_OK ? note_object(txn, object, err) : rc;
}

void ext_txn_reopen(ext_conn *conn) {
  take_back_deferred(conn->txn);
}

int ext_txn_go_on(ext_conn *conn, mm_error *err) {
  return go_on(conn->txn, err);
}

uint64_t ext_txn_epoch(const ext_conn *conn) {
  return conn->txn->epoch;
}

/* Is it the last call once more? That one is undone later, and its value is the one that counts. */
static bool repeats_last(const ext_txn *txn, size_t low, const undo *u) {
  const undo *last = txn->undo_count > low ? &txn->undos[txn->undo_count - 1] : NULL;
  return last && u->call && last->call == u->call && last->context == u->context;
}

int ext_txn_undo(ext_conn *conn, ext_undo *call, void *context, uint64_t value, mm_error *err) {
  ext_txn *txn = conn->txn;
  undo u = {.call = call, .context = context, .value = value};
  return repeats_last(txn, innermost(txn), &u) ? MM_OK : push_undo(txn, u, err);
}

void ext_txn_defer(ext_conn *conn, ext_txn_deferred *deferred) {
  deferred->next = conn->txn->deferred;
  conn->txn->deferred = deferred;
}

void ext_txn_forget(ext_conn *conn, ext_txn_deferred *deferred) {
  ext_txn_deferred **link = &conn->txn->deferred;
  while (*link && *link != deferred) link = &(*link)->next;
  if (*link) *link = deferred->next;
}

/* ---- savepoints ----------------------------------------------------------------------------- */

/* The object's newest record has done its part. */
static void forget_mark(const undo *u) {
  u->object->noted = u->before;
  mm_object_release(u->object->core, &u->mark);
}

/* The records from `height` on are the savepoint's before now, which may have older ones: those
** make them needless. Marks go from the newest on. */
static void drop_needless(ext_txn *txn, size_t height) {
  size_t low = innermost(txn), end = txn->undo_count;
  for (size_t i = end; i-- > height;) {
    undo *u = &txn->undos[i];
    if (!u->object || u->before <= low) continue;
    forget_mark(u);
    u->object = NULL;
  }
  txn->undo_count = height;
  for (size_t i = height; i < end; i++) {
    undo u = txn->undos[i];
    if (!u.object && (!u.call || repeats_last(txn, low, &u))) continue;
    txn->undos[txn->undo_count++] = u;
    if (u.object) u.object->noted = txn->undo_count;
  }
}

static void end_part(ext_txn *txn) {
  if (!txn->in_part) return;
  txn->in_part = false;
  drop_needless(txn, txn->part);
}

int ext_txn_savepoint(ext_conn *conn, int level) {
  ext_txn *txn = conn->txn;
  int rc = go_on(txn, &conn->err);
  if (rc) return ext_sqlite_code(rc);
  end_part(txn);
  txn->epoch++;
  while (txn->level_count <= (size_t)level) {
    void *levels = txn->levels;
    if (mm_grow(&levels, txn->level_count, &txn->level_capacity, sizeof *txn->levels)) {
      return SQLITE_NOMEM;
    }
    txn->levels = levels;
    txn->levels[txn->level_count++] = txn->undo_count;
  }
  return SQLITE_OK;
}

int ext_txn_release(ext_conn *conn, int level) {
  ext_txn *txn = conn->txn;
  size_t n = level < 0 ? 0 : (size_t)level;
  int rc = go_on(txn, &conn->err);
  end_part(txn);
  if (txn->level_count <= n) return ext_sqlite_code(rc);
  size_t height = txn->levels[n];
  txn->level_count = n;
  drop_needless(txn, height);
  return ext_sqlite_code(rc);
}

/* All that a record says, but what it says of an object's bytes. */
static void take_undo(const undo *u) {
  if (u->call) {
    u->call(u->context, u->value);
  } else {
    forget_mark(u);
  }
}

/* Take records off the stack; each object's lowest mark is the last one met. */
static int undo_to(ext_txn *txn, size_t height, mm_error *err) {
  int rc = MM_OK;
  while (txn->undo_count > height) {
    const undo *u = &txn->undos[--txn->undo_count];
    if (!u->call && rc == MM_OK) rc = mm_object_rollback_to(u->object->core, u->mark.count, err);
    take_undo(u);
  }
  return rc;
}

int ext_txn_rollback_to(ext_conn *conn, int level) {
  ext_txn *txn = conn->txn;
  size_t height = 0;
  txn->epoch++;
  end_part(txn);
  if (level >= 0 && (size_t)level < txn->level_count) {
    height = txn->levels[level];
    txn->level_count = (size_t)level + 1;
  } else if (level >= 0) {
    height =
        txn->undo_count; /* a savepoint made when nothing of ours was enlisted yet: none later */
  } else {
    txn->level_count = 0;
  }
  mm_error later;
  int rc = go_on(txn, &conn->err);
  int undone = undo_to(txn, height, rc ? &later : &conn->err);
  if (rc == MM_OK) rc = undone;
  /* After a failure SQLite does not release the savepoint, but makes the next one in its place. */
  if (rc && level >= 0 && txn->level_count > (size_t)level) txn->level_count = (size_t)level;
  return ext_sqlite_code(rc);
}

void ext_txn_begin_part(ext_conn *conn) {
  ext_txn *txn = conn->txn;
  end_part(txn);
  txn->epoch++;
  txn->part = txn->undo_count;
  txn->in_part = true;
}

int ext_txn_undo_part(ext_conn *conn, mm_error *err) {
  ext_txn *txn = conn->txn;
  if (!txn->in_part) return MM_OK;
  txn->epoch++;
  int rc = undo_to(txn, txn->part, err);
  txn->in_part = false;
  return rc;
}

/* ---- the end -------------------------------------------------------------------------------- */

int ext_txn_begin(ext_conn *conn) {
  (void)conn;
  return SQLITE_OK;
}

static int flush_deferred(ext_txn *txn, mm_error *err) {
  int rc = MM_OK;
  for (size_t i = 0; txn->deferred && i < txn->object_count; i++) mm_object_see(txn->cores[i]);
  for (ext_txn_deferred *d = txn->deferred; d && rc == MM_OK; d = d->next) {
    if (d->flush) rc = d->flush(d->context, err);
  }
  return rc;
}

bool ext_txn_defers(const ext_conn *conn) {
  const ext_txn_deferred *d = conn->txn->deferred;
  while (d && !d->flush) d = d->next;
  return d != NULL;
}

int ext_txn_preview(ext_conn *conn, mm_error *err) {
  ext_txn *txn = conn->txn;
  int rc = txn->flushed ? MM_OK : flush_deferred(txn, err);
  txn->flushed = true;
  return rc;
}

/* What the connection itself reads of a file by handles and tables of copies is not in its way. */
static void lend_copies(ext_conn *conn) {
  ext_txn *txn = conn->txn;
  for (ext_object *o = conn->objects; conn->reading && o; o = o->next) {
    if (o->reads) mm_object_lend(o->core, txn->cores, txn->object_count);
  }
}

/* Journals and directories want descriptors, too. */
static int prepare_objects(ext_conn *conn, mm_error *err) {
  ext_txn *txn = conn->txn;
  lend_copies(conn);
  int rc = mm_objects_prepare(txn->cores, txn->object_count, err);
  if (rc != MM_CANTOPEN || !ext_conn_spare(conn)) return rc;
  return mm_objects_prepare(txn->cores, txn->object_count, err);
}

int ext_txn_sync(ext_conn *conn, sqlite3_vtab *table) {
  ext_txn *txn = conn->txn;
  mm_error *err = &conn->err;
  int rc = ext_txn_preview(conn, err);
  txn->synced = true;
  if (rc == MM_OK) rc = prepare_objects(conn, err);
  return rc ? ext_table_error(table, "mmap", err) : SQLITE_OK;
}

static void end(ext_conn *conn, bool committed) {
  ext_txn *txn = conn->txn;
  while (txn->deferred) {
    ext_txn_deferred *d = txn->deferred;
    txn->deferred = d->next;
    d->end(d->context, committed);
  }
  for (size_t i = 0; i < txn->object_count; i++) {
    conn->stuck |= txn->objects[i]->core->stuck;
    ext_object_enlist(txn->objects[i], false);
    txn->objects[i]->noted = 0;
  }
  txn->object_count = txn->undo_count = txn->level_count = 0;
  txn->flushed = txn->synced = txn->in_part = false;
  txn->epoch++;
  ext_conn_collect(conn);
}

/* SQLite does not look at what xCommit returns: what went wrong is in its log, and the object
** itself gives an error, not old bytes, until its journal has been replayed. */
int ext_txn_commit(ext_conn *conn) {
  ext_txn *txn = conn->txn;
  ext_reads_end_transaction(conn);
  int rc = mm_objects_commit(txn->cores, txn->object_count, &conn->err);
  if (rc) sqlite3_log(ext_sqlite_code(rc), "mmap: %s", conn->err.text);
  end(conn, true);
  return SQLITE_OK;
}

int ext_txn_rollback(ext_conn *conn) {
  ext_txn *txn = conn->txn;
  ext_reads_end_transaction(conn);
  /* Objects all at once, not from savepoint to savepoint. */
  while (txn->undo_count) take_undo(&txn->undos[--txn->undo_count]);
  int rc = mm_objects_rollback(txn->cores, txn->object_count, &conn->err);
  if (rc) sqlite3_log(ext_sqlite_code(rc), "mmap: %s", conn->err.text);
  end(conn, false);
  return SQLITE_OK;
}
