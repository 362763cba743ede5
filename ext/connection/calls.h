/*
** calls.h: what the texts of the connection's running statements say that they do.
*/
#ifndef EXT_CALLS_H
#define EXT_CALLS_H

#include <stdbool.h>

#include "ext/connection/sqlite.h"

/* Does a statement call the function, by its name in any case? Does one that is running? */
bool ext_calls(const char *sql, const char *function);
bool ext_running_calls(sqlite3 *db, const char *function);

/* Does one insert into a table of that name, update it or delete from it? Insert into it or update it?
** Insert into it? Not by a trigger. */
bool ext_running_writes(sqlite3 *db, const char *table);
bool ext_running_puts(sqlite3 *db, const char *table);
bool ext_running_inserts(sqlite3 *db, const char *table);

/* Is one an UPDATE of a table of that name which sets the column? */
bool ext_running_sets(sqlite3 *db, const char *table, const char *column);

/* Is one an UPDATE … FROM of a table of that name? */
bool ext_running_updates_from(sqlite3 *db, const char *table);

/* Has one a LEFT, RIGHT or FULL JOIN? A RIGHT or FULL JOIN? */
bool ext_running_joins_outer(sqlite3 *db);
bool ext_running_joins_right(sqlite3 *db);

/* Is one something else than a SELECT without another query in it, and without VALUES? */
bool ext_running_selects_more(sqlite3 *db);

/* Has one a row value in front of an IN? */
bool ext_running_lists_rows(sqlite3 *db);

/* Is one the CREATE VIRTUAL TABLE of a table of that name? Where xCreate and xConnect are one
** function, the statement tells them apart. */
bool ext_running_creates(sqlite3 *db, const char *table);

#endif
