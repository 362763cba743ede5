/*
** txn.h: the connection's transaction.
*/
#ifndef EXT_TXN_H
#define EXT_TXN_H

#include "ext/connection/conn.h"

/* Become the writer of an object as a part of the connection's transaction, and note where it
** stands, so that savepoints can undo it. Call before every write; then refresh what you know of
** its size. Journals of a COMMIT that did not go through are made invalid first. */
int ext_txn_write(ext_conn *conn, ext_object *object, mm_error *err);

/* The same with a level of its own, an enum mm_synchronous; the strictest one of a transaction
** holds. */
int ext_txn_write_as(ext_conn *conn, ext_object *object, int synchronous, mm_error *err);

/* Have SQLite tell us of its transaction from now on, savepoints and end, also where nothing of ours
** takes part in it yet, or only a table that was made in it, of which SQLite does not speak to us
** before its next savepoint. Where nothing can be written: MM_OK, and nothing is told. */
int ext_txn_enlist(ext_conn *conn, mm_error *err);

/* Remember something else that a rollback has to undo: it calls undo(context, value). */
typedef void ext_undo(void *context, uint64_t value);
int ext_txn_undo(ext_conn *conn, ext_undo *undo, void *context, uint64_t value, mm_error *err);

/* A statement that changes many rows and has no savepoint of SQLite's (UPDATE … FROM of a virtual
** table): what is written from now on is a part that can be undone by itself, as a savepoint's. It
** lasts until the next one, or a savepoint that SQLite tells of; to undo it then does nothing. */
void ext_txn_begin_part(ext_conn *conn);
int ext_txn_undo_part(ext_conn *conn, mm_error *err);

/* It need be remembered only once between two savepoints: this number changes when one is made or
** rolled back to, and when the transaction ends. */
uint64_t ext_txn_epoch(const ext_conn *conn);

/* A COMMIT that did not go through (BUSY) may have left the work of ext_txn_deferred done: undo it,
** so that reads see the transaction as it is. Costs nothing else. Before whatever reads. */
void ext_txn_reopen(ext_conn *conn);

/* The same, and its journals are made invalid, as before a write. Before a copy is read or opened: it
** takes the file as others see it, who wait for them. */
int ext_txn_go_on(ext_conn *conn, mm_error *err);

/* Is there such work to do, or done already? */
bool ext_txn_defers(const ext_conn *conn);

/* Do the work of ext_txn_deferred as COMMIT would, to look at what it gives. Then
** ext_txn_reopen. */
int ext_txn_preview(ext_conn *conn, mm_error *err);

/* The transaction methods of every table that writes: they serve the whole connection. */
int ext_txn_begin(ext_conn *conn);
int ext_txn_sync(ext_conn *conn, sqlite3_vtab *table);
int ext_txn_commit(ext_conn *conn);
int ext_txn_rollback(ext_conn *conn);
int ext_txn_savepoint(ext_conn *conn, int level);
int ext_txn_release(ext_conn *conn, int level);
int ext_txn_rollback_to(ext_conn *conn, int level);
int ext_txn_create(ext_conn *conn);   /* with the connection */
void ext_txn_destroy(ext_conn *conn); /* likewise */

/* For a table that puts work off until COMMIT, or must know when the transaction ends.
** Registered once a transaction, by ext_txn_defer; forgotten when it ends. */
typedef struct ext_txn_deferred {
  int (*flush)(void *context, mm_error *err); /* before COMMIT prepares the objects; NULL: there
                                              ** is nothing to do */
  void (*end)(void *context, bool committed); /* once, at the end */
  void *context;
  struct ext_txn_deferred *next;
  void (*undo)(void *context); /* flush was called, but COMMIT did not go through and more writes
                               ** follow: take back what it did. NULL: it does nothing to take
                               ** back */
} ext_txn_deferred;

/* Work that a table puts off until COMMIT; see ext_txn_deferred. Unlisted when the transaction
** ends. */
void ext_txn_defer(ext_conn *conn, ext_txn_deferred *deferred);

/* Unlist it before. */
void ext_txn_forget(ext_conn *conn, ext_txn_deferred *deferred);

#endif
