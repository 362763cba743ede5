/*
** txn.h: the connection's transaction; the functions are in ext.h, where tables and functions see
** them.
*/
#ifndef EXT_TXN_H
#define EXT_TXN_H

#include "ext/connection/ext.h"

/* Work that a table puts off until COMMIT; see ext_txn_deferred. Unlisted when the transaction
** ends. */
void ext_txn_defer(ext_conn *conn, ext_txn_deferred *deferred);

/* Unlist it before. */
void ext_txn_forget(ext_conn *conn, ext_txn_deferred *deferred);

#endif
