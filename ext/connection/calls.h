/*
** calls.h: what the text of a statement says that it does.
*/
#ifndef EXT_CALLS_H
#define EXT_CALLS_H

#include <stdbool.h>

#include "ext/connection/sqlite.h"

/* The SQL of the next running statement of the connection; *at is NULL before the first. NULL: no
** more. */
const char *ext_running(sqlite3 *db, sqlite3_stmt **at);

/* Does a statement call the function, by its name in any case? */
bool ext_calls(const char *sql, const char *function);

/* Does it insert into a table of that name, update it or delete from it? Not by a trigger.
** */
bool ext_writes(const char *sql, const char *table);

/* Is it an UPDATE of a table of that name which sets the column? */
bool ext_sets(const char *sql, const char *table, const char *column);

/* Has it a LEFT, RIGHT or FULL JOIN? */
bool ext_joins_outer(const char *sql);

/* Is it a SELECT without another query in it, and without VALUES? */
bool ext_selects_once(const char *sql);

/* Has it a row value in front of an IN? */
bool ext_lists_rows(const char *sql);

/* Is it the CREATE VIRTUAL TABLE of a table of that name? */
bool ext_creates_table(const char *sql, const char *table);

#endif
