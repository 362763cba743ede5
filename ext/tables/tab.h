/*
** tab.h: what the virtual tables have in common.
**
** A table that reads has ext_tab as its sqlite3_vtab; one that also writes adds the transaction
** methods below to its module, all of them.
*/
#ifndef EXT_TAB_H
#define EXT_TAB_H

#include "ext/tables/given.h"

typedef struct ext_tab {
  sqlite3_vtab base; /* SQLite's; first */
  ext_conn *conn;    /* held */
  ext_opened opened; /* see given.h */
} ext_tab;

/* What mmap_list says of a created table. */
typedef struct ext_listed {
  const ext_object *object; /* borrowed */
  int access;               /* enum ext_access */
  uint64_t offset, length;  /* of the rows, in the object */
} ext_listed;

/* A created table, as mmap_check and mmap_list know it: embedded in it, and in a list of the
** connection's as long as it is connected. */
typedef struct ext_checked {
  const char *const *database, *const *name; /* where the table keeps its names */
  /* Read it all. *finding: sqlite3_malloc'ed, what is wrong; NULL: nothing. The arguments are those of
  ** a table that takes some, its file and so on. */
  int (*check)(struct ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
               char **finding, mm_error *err);
  /* False: it is not listed, or its file is not open yet. NULL: it never is. */
  bool (*list)(const struct ext_checked *checked, ext_listed *out);
  void *table;
  struct ext_checked *next;
} ext_checked;

/* For those that take none: MM_ERROR. */
int ext_tab_no_arguments(int argc, mm_error *err);

int ext_checked_add(ext_conn *conn, ext_checked *checked);     /* MM_OK, MM_NOMEM */
void ext_checked_remove(ext_conn *conn, ext_checked *checked); /* also if it is not listed */
ext_checked *ext_checked_first(const ext_conn *conn);

/* The start of every xConnect: declares the columns, makes a zeroed table of `size` bytes that
** begins with an ext_tab, and marks it as for direct use only. `conn` is the module's aux
** pointer. */
int ext_tab_connect(sqlite3 *db, void *conn, const char *columns, size_t size, sqlite3_vtab **out,
                    char **error);

/* Its second half, for a table that is to declare its columns later. */
int ext_tab_make(sqlite3 *db, void *conn, size_t size, sqlite3_vtab **out);

/* xDisconnect of eponymous tables. Also finalizes the connection's cached statements. */
int ext_tab_disconnect(sqlite3_vtab *table);
void ext_tab_free(ext_tab *tab); /* its second half, for tables that have more to free */

/* xOpen and xClose for a cursor that is a plain struct of `size` bytes, zeroed. */
int ext_tab_open(sqlite3_vtab *table, size_t size, sqlite3_vtab_cursor **out);
int ext_tab_open_plain(sqlite3_vtab *table, sqlite3_vtab_cursor **out);
int ext_tab_close_plain(sqlite3_vtab_cursor *cursor);

/* The cursors of a table that has no rows to read. */
int ext_tab_filter_none(sqlite3_vtab_cursor *cursor, int plan, const char *string, int argc,
                        sqlite3_value **argv);
int ext_tab_eof_none(sqlite3_vtab_cursor *cursor);
int ext_tab_next_none(sqlite3_vtab_cursor *cursor);
int ext_tab_column_none(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column);
int ext_tab_rowid_none(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid);
#define EXT_TAB_NO_ROWS                                                                            \
  .xOpen = ext_tab_open_plain, .xClose = ext_tab_close_plain, .xFilter = ext_tab_filter_none,      \
  .xNext = ext_tab_next_none, .xEof = ext_tab_eof_none, .xColumn = ext_tab_column_none,            \
  .xRowid = ext_tab_rowid_none

/* The transaction methods of every table that writes. */
int ext_tab_begin(sqlite3_vtab *table);
int ext_tab_sync(sqlite3_vtab *table);
int ext_tab_commit(sqlite3_vtab *table);
int ext_tab_rollback(sqlite3_vtab *table);
int ext_tab_savepoint(sqlite3_vtab *table, int level);
int ext_tab_release(sqlite3_vtab *table, int level);
int ext_tab_rollback_to(sqlite3_vtab *table, int level);

/* What xUpdate of a table says that takes no part in the transaction: a function in the statement
** has rolled it back, and SQLite goes on with the rows. In SQLite's own words and by its code, as a
** statement that writes an ordinary table ends then. */
int ext_tab_rolled_back(sqlite3_vtab *table);

/* In xConnect: is it the table-valued function, and not a created table? Where xCreate and xConnect
** are one function SQLite makes that one by itself, under the module's name. */
bool ext_tab_is_function(int argc, const char *const *argv);

/* Do texts compare bytewise, as UTF-8? Not in a database with another encoding. */
bool ext_tab_text_is_utf8(sqlite3 *db);

/* The operator of a constraint as one character for idxStr, '=' '<' 'l' '>' 'g'; 0: another one.
** And back. */
char ext_tab_operator(int op);
int ext_tab_operator_of(char c);

/* A text key compared with a value of a column that SQL sees as a number: then keys that look like
** numbers are numbers too, and less than all texts. Such keys are all before ':'. Does the
** constraint's value come from elsewhere, a literal (known to xBestIndex) or a parameter (known to
** xFilter, unless there are subqueries, whose columns may be parameters)? */
bool ext_tab_is_literal(sqlite3_index_info *info, int constraint);
bool ext_tab_is_parameter(ext_conn *conn, sqlite3_value *value);
#define EXT_AFTER_NUMBERS ":"

/* The equality of a constraint on a sorted text: '=' one value, 'i' the values of an IN, which then
** come all at once; 'v' one value, which may be of a row value's IN; 0: an IN that cannot come so,
** and is SQLite's affair. *listed: there is an 'i' already. Values that come one by one SQLite
** compares as texts, whatever they come from. */
char ext_tab_text_equality(sqlite3_index_info *info, int constraint, bool *listed);

/* In xFilter, for a 'v': MM_ERROR if it is a number, and a row value is looked for in a list. */
int ext_tab_check_row_value(ext_conn *conn, sqlite3_value *value, mm_error *err);

/* Take all values of an IN at once, if that can be: true. */
bool ext_tab_take_list(sqlite3_index_info *info, int constraint);

/* A search or a scan has met rows that are out of order: the sentence goes on with what to do. */
void ext_tab_advise_check(mm_error *err);

/* Put a sentence of mm_error into a cursor's table and return SQLite's code. */
int ext_cursor_error(sqlite3_vtab_cursor *cursor, const char *name, const mm_error *err);

/*
** xBestIndex of a table-valued function: `hidden` is the index of its first hidden column, `most`
** how many there are, `least` how many must be given. Gives the equality constraints on hidden
** columns argvIndex 1, 2 … in the order of the columns, sets omit, and returns in *given a bit for
** each (bit 0: the first). *next is the next free argvIndex. SQLITE_CONSTRAINT, or
** EXT_PLAN_MISSING, when one cannot be used in this plan.
**
** When one of the first `least` is missing, idxNum becomes EXT_PLAN_MISSING and there is no more to
** plan: a plan dearer than all others, whose xFilter says what is missing. It is no error yet,
** because SQLite plans the terms of an OR one by one, each without the arguments.
*/
#define EXT_PLAN_MISSING 0x40000000

int ext_tab_arguments(sqlite3_index_info *info, int hidden, int least, int most, unsigned *given,
                      int *next);

/* What that xFilter says, as the connection's error: of a function that takes at least so many
** arguments; of a table of one file. */
void ext_tab_missing(ext_conn *conn, int least);
void ext_tab_missing_file(ext_conn *conn, const char *module);

#endif
