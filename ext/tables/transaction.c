/*
** transaction.c: the table `temp.mmap_transaction`, which hears of the end of transactions that only
** read (reads.h). It has no rows and takes none, and only we make it.
*/
#include "ext/connection/reads.h"
#include "ext/tables/tab.h"

static ext_conn *transaction_conn(sqlite3_vtab *table) {
  return ((ext_tab *)table)->conn;
}

static int refuse_table(char **error) {
  *error = sqlite3_mprintf(EXT_TRANSACTION_TABLE ": mmap_config('isolation', 'transaction') makes "
                                                 "this table");
  return *error ? SQLITE_ERROR : SQLITE_NOMEM;
}

/* In a database a schema could name it that somebody else has written. */
static int transactionConnect(sqlite3 *db, void *conn, int argc, const char *const *argv,
                              sqlite3_vtab **out, char **error) {
  (void)argc;
  if (sqlite3_stricmp(argv[1], "temp") != 0) return refuse_table(error);
  return ext_tab_connect(db, conn, "CREATE TABLE x(mmap_transaction_end)", sizeof(ext_tab), out,
                         error);
}

/* What is made in a transaction takes part in it, and is not told of its beginning. */
static int transactionCreate(sqlite3 *db, void *context, int argc, const char *const *argv,
                             sqlite3_vtab **out, char **error) {
  ext_conn *conn = context;
  if (!conn->makes_table) return refuse_table(error);
  int rc = transactionConnect(db, context, argc, argv, out, error);
  if (rc == SQLITE_OK) conn->hears = true;
  return rc;
}

static int transactionDisconnect(sqlite3_vtab *table) {
  ext_tab_free((ext_tab *)table);
  return SQLITE_OK;
}

/* Dropped, it would not hear of the end. */
static int transactionDestroy(sqlite3_vtab *table) {
  if (transaction_conn(table)->hears) return SQLITE_LOCKED;
  return transactionDisconnect(table);
}

static int transactionBestIndex(sqlite3_vtab *table, sqlite3_index_info *info) {
  (void)table;
  info->estimatedCost = 1;
  info->estimatedRows = 0;
  return SQLITE_OK;
}

static int transactionUpdate(sqlite3_vtab *table, int argc, sqlite3_value **argv,
                             sqlite3_int64 *rowid) {
  (void)table, (void)argc, (void)argv, (void)rowid;
  return SQLITE_READONLY;
}

static int transactionBegin(sqlite3_vtab *table) {
  transaction_conn(table)->hears = true;
  return ext_tab_begin(table);
}

static const sqlite3_module transaction_module = {
    .iVersion = 2,
    .xCreate = transactionCreate,
    .xConnect = transactionConnect,
    .xBestIndex = transactionBestIndex,
    .xDisconnect = transactionDisconnect,
    .xDestroy = transactionDestroy,
    EXT_TAB_NO_ROWS,
    .xUpdate = transactionUpdate,
    .xBegin = transactionBegin,
    .xSync = ext_tab_sync,
    .xCommit = ext_tab_commit,
    .xRollback = ext_tab_rollback,
    .xSavepoint = ext_tab_savepoint,
    .xRelease = ext_tab_release,
    .xRollbackTo = ext_tab_rollback_to,
};

const ext_module ext_module_transaction = {EXT_TRANSACTION_TABLE, &transaction_module,
                                           &transaction_module};
