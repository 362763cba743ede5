#include "ext/tables/tab.h"

#include <string.h>

#include "ext/connection/open.h"

int ext_tab_make(sqlite3 *db, void *conn, size_t size, sqlite3_vtab **out) {
  int rc = sqlite3_libversion_number() >= 3031000 ? sqlite3_vtab_config(db, SQLITE_VTAB_DIRECTONLY)
                                                  : SQLITE_OK;
  if (rc) return rc;
  ext_tab *tab = sqlite3_malloc64(size);
  if (!tab) return SQLITE_NOMEM;
  memset(tab, 0, size);
  tab->conn = conn;
  ext_conn_hold(conn);
  *out = &tab->base;
  return SQLITE_OK;
}

int ext_tab_connect(sqlite3 *db, void *conn, const char *columns, size_t size, sqlite3_vtab **out,
                    char **error) {
  (void)error;
  int rc = sqlite3_declare_vtab(db, columns);
  return rc ? rc : ext_tab_make(db, conn, size, out);
}

void ext_tab_free(ext_tab *tab) {
  ext_conn_release(tab->conn);
  sqlite3_free(tab);
}

int ext_tab_disconnect(sqlite3_vtab *table) {
  ext_tab *tab = (ext_tab *)table;
  ext_conn_release_statements(tab->conn);
  ext_tab_free(tab);
  return SQLITE_OK;
}

int ext_tab_open(sqlite3_vtab *table, size_t size, sqlite3_vtab_cursor **out) {
  (void)table;
  sqlite3_vtab_cursor *cursor = sqlite3_malloc64(size);
  if (!cursor) return SQLITE_NOMEM;
  memset(cursor, 0, size);
  *out = cursor;
  return SQLITE_OK;
}

int ext_tab_open_plain(sqlite3_vtab *table, sqlite3_vtab_cursor **out) {
  return ext_tab_open(table, sizeof(sqlite3_vtab_cursor), out);
}

int ext_tab_close_plain(sqlite3_vtab_cursor *cursor) {
  sqlite3_free(cursor);
  return SQLITE_OK;
}

int ext_tab_filter_none(sqlite3_vtab_cursor *cursor, int plan, const char *string, int argc,
                        sqlite3_value **argv) {
  (void)cursor, (void)plan, (void)string, (void)argc, (void)argv;
  return SQLITE_OK;
}

int ext_tab_eof_none(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return 1;
}

/* LCOV_EXCL_START: SQLite wants them to be there, and calls them for a row, which there never
** is. */
int ext_tab_next_none(sqlite3_vtab_cursor *cursor) {
  (void)cursor;
  return SQLITE_OK;
}

int ext_tab_column_none(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column) {
  (void)cursor, (void)context, (void)column;
  return SQLITE_OK;
}

int ext_tab_rowid_none(sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
  (void)cursor;
  *rowid = 0;
  return SQLITE_OK;
}
/* LCOV_EXCL_STOP */

static ext_conn *tab_conn(sqlite3_vtab *table) {
  return ((ext_tab *)table)->conn;
}

int ext_tab_begin(sqlite3_vtab *table) {
  return ext_txn_begin(tab_conn(table));
}

int ext_tab_sync(sqlite3_vtab *table) {
  return ext_txn_sync(tab_conn(table), table);
}

int ext_tab_commit(sqlite3_vtab *table) {
  return ext_txn_commit(tab_conn(table));
}

int ext_tab_rollback(sqlite3_vtab *table) {
  return ext_txn_rollback(tab_conn(table));
}

int ext_tab_savepoint(sqlite3_vtab *table, int level) {
  return ext_txn_savepoint(tab_conn(table), level);
}

int ext_tab_release(sqlite3_vtab *table, int level) {
  return ext_txn_release(tab_conn(table), level);
}

int ext_tab_rollback_to(sqlite3_vtab *table, int level) {
  return ext_txn_rollback_to(tab_conn(table), level);
}

int ext_tab_rolled_back(sqlite3_vtab *table) {
  sqlite3_free(table->zErrMsg);
  table->zErrMsg = sqlite3_mprintf("abort due to ROLLBACK");
  return table->zErrMsg ? SQLITE_ABORT_ROLLBACK : SQLITE_NOMEM;
}

int ext_cursor_error(sqlite3_vtab_cursor *cursor, const char *name, const mm_error *err) {
  return ext_table_error(cursor->pVtab, name, err);
}

/* ---- created tables ------------------------------------------------------------------------- */

/* The list's first is the connection's state by this key. */
static const char checked_key;

int ext_tab_no_arguments(int argc, mm_error *err) {
  return argc ? mm_fail(err, MM_ERROR, "a table of one file takes no further arguments") : MM_OK;
}

int ext_checked_add(ext_conn *conn, ext_checked *checked) {
  ext_checked **first = ext_conn_state(conn, &checked_key, sizeof(ext_checked *));
  if (!first) return MM_NOMEM;
  checked->next = *first;
  *first = checked;
  return MM_OK;
}

void ext_checked_remove(ext_conn *conn, ext_checked *checked) {
  ext_checked **link = ext_conn_known_state(conn, &checked_key);
  if (!link) return;
  while (*link && *link != checked) link = &(*link)->next;
  if (*link) *link = checked->next;
}

ext_checked *ext_checked_first(const ext_conn *conn) {
  ext_checked **first = ext_conn_known_state(conn, &checked_key);
  return first ? *first : NULL;
}

bool ext_tab_is_function(int argc, const char *const *argv) {
  return argc == 3 && sqlite3_stricmp(argv[0], argv[2]) == 0;
}

bool ext_tab_text_is_utf8(sqlite3 *db) {
  sqlite3_stmt *pragma = NULL;
  bool utf8 = false;
  if (sqlite3_prepare_v2(db, "PRAGMA encoding", -1, &pragma, NULL) == SQLITE_OK) {
    const char *name =
        sqlite3_step(pragma) == SQLITE_ROW ? (const char *)sqlite3_column_text(pragma, 0) : NULL;
    utf8 = name && strcmp(name, "UTF-8") == 0;
  }
  sqlite3_finalize(pragma);
  return utf8;
}

/* ---- planning ------------------------------------------------------------------------------- */

static const struct {
  int op;
  char letter;
} operators[] = {{SQLITE_INDEX_CONSTRAINT_EQ, '='},
                 {SQLITE_INDEX_CONSTRAINT_EQ, 'v'}, /* see ext_tab_text_equality */
                 {SQLITE_INDEX_CONSTRAINT_LT, '<'},
                 {SQLITE_INDEX_CONSTRAINT_LE, 'l'},
                 {SQLITE_INDEX_CONSTRAINT_GT, '>'},
                 {SQLITE_INDEX_CONSTRAINT_GE, 'g'}};

enum { OPERATORS = sizeof operators / sizeof *operators };

char ext_tab_operator(int op) {
  for (int i = 0; i < OPERATORS; i++) {
    if (operators[i].op == op) return operators[i].letter;
  }
  return 0;
}

int ext_tab_operator_of(char c) {
  for (int i = 0; i < OPERATORS; i++) {
    if (operators[i].letter == c) return operators[i].op;
  }
  return 0;
}

bool ext_tab_is_literal(sqlite3_index_info *info, int constraint) {
#if SQLITE_VERSION_NUMBER >= 3038000
  sqlite3_value *value;
  if (sqlite3_libversion_number() >= 3038000) {
    return sqlite3_vtab_rhs_value(info, constraint, &value) == SQLITE_OK;
  }
#endif
  (void)info, (void)constraint;
  return false;
}

bool ext_tab_is_parameter(ext_conn *conn, sqlite3_value *value) {
  return sqlite3_value_frombind(value) && !ext_running_selects_more(conn->db);
}

/* `handle` as sqlite3_vtab_in has it. */
static bool is_list(sqlite3_index_info *info, int constraint, int handle) {
#if SQLITE_VERSION_NUMBER >= 3038000
  if (sqlite3_libversion_number() >= 3038000) {
    return sqlite3_vtab_in(info, constraint, handle) != 0;
  }
#endif
  (void)info, (void)constraint, (void)handle;
  return false;
}

bool ext_tab_take_list(sqlite3_index_info *info, int constraint) {
  return is_list(info, constraint, 1);
}

char ext_tab_text_equality(sqlite3_index_info *info, int constraint, bool *listed) {
  if (!is_list(info, constraint, -1)) return ext_tab_is_literal(info, constraint) ? '=' : 'v';
  if (*listed) return 0;
  *listed = ext_tab_take_list(info, constraint);
  return *listed ? 'i' : 0;
}

int ext_tab_check_row_value(ext_conn *conn, sqlite3_value *value, mm_error *err) {
  int type = sqlite3_value_type(value);
  if (type != SQLITE_INTEGER && type != SQLITE_FLOAT) return MM_OK;
  if (!ext_running_lists_rows(conn->db)) return MM_OK;
  return mm_fail(
      err, MM_ERROR,
      "a row value with a text key cannot be looked for among numbers: CAST them AS TEXT");
}

void ext_tab_advise_check(mm_error *err) {
  size_t size = strlen(err->text);
  if (err->code == MM_DAMAGED) {
    sqlite3_snprintf((int)(sizeof err->text - size), err->text + size, ": run mmap_check");
  }
}

/* Which hidden column a constraint gives a value to; -1: none. */
static int argument_of(const struct sqlite3_index_constraint *c, int hidden, int most) {
  bool is_argument =
      c->op == SQLITE_INDEX_CONSTRAINT_EQ && c->iColumn >= hidden && c->iColumn < hidden + most;
  return is_argument ? c->iColumn - hidden : -1;
}

static void plan_missing(sqlite3_index_info *info) {
  info->idxNum = EXT_PLAN_MISSING;
  info->estimatedCost = 1e99;
  info->estimatedRows = INT64_MAX / 2;
}

/* SQLite asks again without an IN, and takes a refusal for a plan that needs no other table: then
** it does not ask for what it has not seen, arguments without what else the first plan used, which
** it may not use here (LEFT JOIN … ON ours.offset = 0). So a plan that uses that, and is worse than
** all. */
static int plan_unusable(sqlite3_index_info *info) {
  int next = 1;
  for (int i = 0; i < info->nConstraint; i++) {
    const struct sqlite3_index_constraint *c = &info->aConstraint[i];
    if (c->usable && ext_tab_operator(c->op)) info->aConstraintUsage[i].argvIndex = next++;
  }
  if (next == 1) return SQLITE_CONSTRAINT;
  plan_missing(info);
  return SQLITE_OK;
}

int ext_tab_arguments(sqlite3_index_info *info, int hidden, int least, int most, unsigned *given,
                      int *next) {
  int place[16];
  unsigned unusable = 0;
  *given = 0;
  *next = 1;
  for (int i = 0; i < info->nConstraint; i++) {
    int argument = argument_of(&info->aConstraint[i], hidden, most);
    if (argument < 0) continue;
    if (!info->aConstraint[i].usable) {
      unusable |= 1u << argument;
    } else if (!(*given & 1u << argument)) {
      *given |= 1u << argument;
      place[argument] = i;
    }
  }
  if (unusable & ~*given) return plan_unusable(info);
  if ((*given & ((1u << least) - 1)) != (1u << least) - 1) {
    plan_missing(info);
    return SQLITE_OK;
  }
  for (int i = 0; i < most; i++) {
    if (!(*given & 1u << i)) continue;
    info->aConstraintUsage[place[i]].argvIndex = (*next)++;
    info->aConstraintUsage[place[i]].omit = 1;
  }
  return SQLITE_OK;
}

/* There SQLite takes no arguments from WHERE and ON and, before 3.41.2, on the right none at all. */
static const char beside_right_join[] =
    ": beside a RIGHT or FULL JOIN arguments stand in parentheses, and the table on its left; or "
    "use LEFT JOIN";

void ext_tab_missing(ext_conn *conn, int least) {
  bool right = ext_running_joins_right(conn->db);
  mm_fail(&conn->err, MM_ERROR, "takes at least %d argument%s%s", least, least == 1 ? "" : "s",
          right ? beside_right_join : "");
}

void ext_tab_missing_file(ext_conn *conn, const char *module) {
  if (ext_running_joins_right(conn->db)) {
    mm_fail(&conn->err, MM_ERROR, "the file is missing%s", beside_right_join);
  } else {
    mm_fail(&conn->err, MM_ERROR, "the file is missing: %s(file) or WHERE file = …", module);
  }
}
