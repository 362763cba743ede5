/*
** reads.h: files that are read at one commit (mmap_config('isolation', …)).
**
** A statement's functions keep such files in the statement's data (stmt.h), a table's cursor keeps
** its own, and under 'transaction' the connection keeps them all until its transaction ends. A file
** that is kept by any of them is not committed to by others. All are released together by whoever
** kept them: a file that a cursor has left for another one stays as it was, should it come back.
**
** What SQLite tells of a statement is that its cursors are closed and its data freed. Of a
** transaction that reads it tells only those tables that take part in it, and the eponymous ones
** are in main, where to take part is to write. So there is a table in TEMP, temp.mmap_transaction,
** from which a statement deletes nothing; it is made when isolation becomes 'transaction', and made
** again when it is gone. Where it cannot be, as under PRAGMA query_only, the end is seen at the next
** use of a file.
*/
#ifndef EXT_READS_H
#define EXT_READS_H

#include "ext/connection/conn.h"

/* Refresh the object, as mm_object_refresh; and where the connection's isolation says so, have it
** stay so until ext_reads_end. `reads` NULL: now alone. `look`: what its path has just been found to
** name; NULL: it was not asked. MM_BUSY. */
int ext_reads_use(ext_reads *reads, ext_object *object, const ext_look *look, mm_error *err);

/* Release all that is kept. */
void ext_reads_end(ext_reads *reads);

/* Let another one keep all of it, which may keep some already. */
void ext_reads_move(ext_reads *from, ext_reads *to);

/* Has anybody kept a file as it is? */
static inline bool ext_conn_isolates(const ext_conn *conn) {
  return conn->isolation != EXT_ISOLATION_NONE;
}

/* The connection's transaction has ended. */
void ext_reads_end_transaction(ext_conn *conn);

/* Have the table in TEMP, if that is possible. MM_NOMEM, MM_INTERRUPT. */
int ext_reads_prepare(ext_conn *conn, mm_error *err);

/* The name of that table and its module. */
#define EXT_TRANSACTION_TABLE "mmap_transaction"

/* As mm_settings.lock_watch. */
int ext_reads_ask(void *conn);

#endif
