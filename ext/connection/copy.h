/*
** copy.h: what tables with access=copy have written, which no file has.
**
** It belongs to the table, not to its being connected: SQLite connects a table anew whenever a
** schema has changed. So the connection keeps an object for each such table, by the names of
** database and table. CREATE, DROP and RENAME are a part of the transaction, as the table's rows
** are: rolled back, the table has what it had. A DETACH is the end of the copies of those of the
** database's tables that are connected; of the others SQLite does not tell, and an ATTACH of the same
** file under the same name may find them again.
*/
#ifndef EXT_COPY_H
#define EXT_COPY_H

#include "ext/connection/conn.h"

/* A table of that name is made: one that was there before is no more. With `path` the new one has
** access=copy. In xCreate. */
int ext_copy_create(ext_conn *conn, const char *database, const char *name, const char *path,
                    mm_error *err);

/* The object of a table, held for the caller; opened at the first call. */
int ext_copy_open(ext_conn *conn, const char *database, const char *name, const char *path,
                  ext_object **out, mm_error *err);

/* In xDestroy and xRename. A table without a copy yet is no error. */
int ext_copy_drop(ext_conn *conn, const char *database, const char *name, mm_error *err);
int ext_copy_rename(ext_conn *conn, const char *database, const char *name, const char *new_name,
                    mm_error *err);

/* In xDisconnect: has the table's database been detached? SQLite disconnects its tables when the
** next statement is prepared, before that can attach another one under the name. */
void ext_copies_forget_detached(ext_conn *conn, const char *database);

void ext_copies_free(ext_conn *conn);

#endif
