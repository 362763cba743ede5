/*
** use.h: a statement comes to use a file.
**
** Every look that a statement takes at a file begins here, whichever way it has come by it: by a
** path, a handle or a table, in a function, a cursor or xCreate. The object is as the file is then:
** what other programs did shows, what a crash left is recovered, and work that a failed COMMIT left
** done is taken back. Once a statement is enough.
*/
#ifndef EXT_USE_H
#define EXT_USE_H

#include "ext/connection/conn.h"

/* An object that the caller holds, or keeps from going away otherwise. Here and below, `reads` is
** where it is noted, if the connection reads at one commit; NULL: the look is not the statement's.
** `look`: as ext_conn_open_path gave it; NULL: it is a handle's, or a table's own. */
int ext_use_object(ext_object *object, const ext_look *look, ext_reads *reads, mm_error *err);

/* The same for whoever becomes its writer next, which is a look of its own (ext_txn_write). */
int ext_use_to_write(ext_object *object, const ext_look *look, mm_error *err);

/* The object that a path names, as ext_conn_open_path: held for the caller; NULL on failure. */
int ext_use_path(ext_conn *conn, const char *path, bool create, ext_reads *reads, ext_object **out,
                 mm_error *err);

/* The object of a table with access=copy, as ext_copy_open: likewise. */
int ext_use_copy(ext_conn *conn, const char *database, const char *name, const char *path,
                 ext_reads *reads, ext_object **out, mm_error *err);

/* A new one for a handle with access=copy, as ext_conn_open_copy: likewise. */
int ext_use_new_copy(ext_conn *conn, const char *path, ext_reads *reads, ext_object **out,
                     mm_error *err);

/* A block device for a handle, as ext_conn_open_device: likewise. */
int ext_use_device(ext_conn *conn, const char *path, ext_reads *reads, ext_object **out,
                   mm_error *err);

#endif
