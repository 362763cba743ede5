/*
** open.h: a connection is made and freed.
*/
#ifndef EXT_OPEN_H
#define EXT_OPEN_H

#include "ext/connection/conn.h"

/* A connection's state, with one hold on it. MM_PERM and the like if SQLITE_MMAP_ROOT is bad. */
int ext_conn_create(sqlite3 *db, const char *version, ext_conn **out, mm_error *err);
void ext_conn_hold(ext_conn *conn);
void ext_conn_release(void *conn); /* a destructor for sqlite3_create_function_v2 and _module_v2 */

#endif
