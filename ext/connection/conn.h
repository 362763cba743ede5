/*
** conn.h: making and freeing connections, and what only conn.c's neighbours ask of it.
*/
#ifndef EXT_CONN_H
#define EXT_CONN_H

#include "ext/connection/ext.h"

/* A connection's state, with one hold on it. MM_PERM and the like if SQLITE_MMAP_ROOT is bad. */
int ext_conn_create(sqlite3 *db, ext_conn **out, mm_error *err);
void ext_conn_hold(ext_conn *conn);
void ext_conn_release(void *conn); /* a destructor for sqlite3_create_function_v2 and _module_v2 */

/* A new private object of the file (access=copy), held for the caller. */
int ext_conn_open_copy(ext_conn *conn, const char *path, ext_object **out, mm_error *err);

/* Has the connection the object's file open as a database by now? MM_CANTOPEN. */
int ext_conn_check_database(ext_conn *conn, const char *name, const ext_object *object,
                            mm_error *err);

/* Set or narrow the root of all paths. */
int ext_conn_set_root(ext_conn *conn, const char *path, mm_error *err);

/* Does a table's name lead to ours, and not to a table or view of the same name in some database?
** `sql` selects from it. */
bool ext_conn_means_ours(ext_conn *conn, const char *sql);

/* May a statement be cached? Connects the eponymous table mmap_list: when SQLite closes the
** connection it disconnects that table first, which finalizes the cached statements, which else
** would keep the connection open (ext_conn_release_statements). */
bool ext_conn_may_cache(ext_conn *conn);

/* Close what nobody holds and no path leads to; after a transaction has ended. */
void ext_conn_collect(ext_conn *conn);

#endif
