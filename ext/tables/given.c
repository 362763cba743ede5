#include "ext/tables/given.h"

#include <stdlib.h>
#include <string.h>

/* ---- arguments ------------------------------------------------------------------------------ */

static bool same_argument(sqlite3_value *a, sqlite3_value *b) {
  int type = a ? sqlite3_value_type(a) : 0;
  if (!a || !b || sqlite3_value_type(b) != type) return a == b;
  if (type == SQLITE_INTEGER) return sqlite3_value_int64(a) == sqlite3_value_int64(b);
  if (type == SQLITE_FLOAT) return sqlite3_value_double(a) == sqlite3_value_double(b);
  if (type == SQLITE_NULL) return true;
  const void *x = type == SQLITE_TEXT ? sqlite3_value_text(a) : sqlite3_value_blob(a);
  const void *y = type == SQLITE_TEXT ? sqlite3_value_text(b) : sqlite3_value_blob(b);
  int size = sqlite3_value_bytes(a);
  if (size != sqlite3_value_bytes(b)) return false;
  return size == 0 || (x && y && memcmp(x, y, (size_t)size) == 0);
}

static bool same_arguments(sqlite3_value *const *a, sqlite3_value *const *b) {
  for (int i = 0; i < EXT_GIVEN_MOST; i++) {
    if (!same_argument(a[i], b[i])) return false;
  }
  return true;
}

static void clear_told(ext_told *told) {
  for (int i = 0; i < EXT_GIVEN_MOST; i++) sqlite3_value_free(told->args[i]);
  memset(told, 0, sizeof *told);
}

static int keep_arguments(ext_told *told, sqlite3_value *const *args, mm_error *err) {
  for (int i = 0; i < EXT_GIVEN_MOST; i++) {
    sqlite3_value_free(told->args[i]);
    told->args[i] = args[i] ? sqlite3_value_dup(args[i]) : NULL;
    if (args[i] && !told->args[i]) return mm_fail_nomem(err);
  }
  return MM_OK;
}

/* ---- cursors that take each other's place ---------------------------------------------------- */

void ext_given_open(ext_opened *opened, ext_given *given) {
  opened->given = given;
}

static void widen_told(ext_told *told, sqlite3_int64 low, sqlite3_int64 high) {
  if (!told->any || low < told->low) told->low = low;
  if (!told->any || high > told->high) told->high = high;
  told->any = true;
}

/* Moves it all to `out`. */
static void join_told(ext_told *out, ext_told *before, ext_told *now) {
  ext_told *last = now->any ? now : before;
  *out = *last;
  if (before->any && now->any) {
    out->mixed |= before->mixed || !same_arguments(before->args, now->args);
    widen_told(out, before->low, before->high);
  }
  memset(last, 0, sizeof *last);
}

/* SQLite opens the new cursor first, and just then closes the one whose place it takes. */
void ext_given_close(ext_opened *opened, ext_given *given) {
  ext_given *heir = opened->given;
  opened->given = NULL;
  if (heir && heir != given) {
    join_told(&heir->before, &given->before, &given->now);
    heir->plan = given->plan;
    heir->heir = true;
    ext_reads_move(&given->reads, &heir->reads);
  }
  ext_reads_end(&given->reads);
  clear_told(&given->now);
  clear_told(&given->before);
}

static uint64_t plan_number(const char *plan) {
  const char *mark = plan ? strrchr(plan, '#') : NULL;
  return mark ? strtoull(mark + 1, NULL, 10) : 0;
}

/* The terms of an OR have ascending plans: with one that is not above the last a new turn
** begins. */
int ext_given_take(ext_opened *opened, ext_given *given, const char *plan, sqlite3_value **args,
                   int count, mm_error *err) {
  sqlite3_value *all[EXT_GIVEN_MOST] = {NULL};
  int rc = MM_OK;
  opened->given = NULL;
  given->missing = false;
  for (int i = 0; i < count; i++) all[i] = args[i];
  uint64_t number = plan == given->text ? given->plan : plan_number(plan);
  if (given->heir && number <= given->plan) clear_told(&given->before);
  given->heir = false;
  given->plan = number;
  given->text = plan;
  if (!same_arguments(given->now.args, all)) {
    given->now.mixed = given->now.any;
    rc = keep_arguments(&given->now, all, err);
  }
  const ext_told *before = &given->before;
  given->clashes = before->any && (before->mixed || !same_arguments(before->args, all));
  return rc;
}

int ext_given_tell(ext_given *given, sqlite3_int64 rowid, mm_error *err) {
  if (given->clashes && rowid >= given->before.low && rowid <= given->before.high) {
    return mm_fail(err, MM_ERROR,
                   "OR joins conditions with different arguments, and SQLite would lose rows: use "
                   "UNION ALL, or a statement for each");
  }
  widen_told(&given->now, rowid, rowid);
  return MM_OK;
}

void ext_given_result(const ext_given *given, sqlite3_context *context, int i) {
  if (given->now.args[i]) sqlite3_result_value(context, given->now.args[i]);
}

/* ---- plans ---------------------------------------------------------------------------------- */

bool ext_given_missing(ext_given *given, sqlite3 *db) {
  given->missing = ext_running_joins_outer(db);
  return given->missing;
}

int ext_given_plan(ext_conn *conn, sqlite3_index_info *info, const char *text) {
  info->idxStr = sqlite3_mprintf("%s#%llu", text, (unsigned long long)++conn->plans);
  info->needToFreeIdxStr = 1;
  return info->idxStr ? SQLITE_OK : SQLITE_NOMEM;
}

/* ---- words ---------------------------------------------------------------------------------- */

static const char *operator_in_words(char op) {
  switch (op) {
    case 'l':
      return "<=?";
    case 'g':
      return ">=?";
    case '<':
      return "<?";
    case '>':
      return ">?";
    case 'i':
      return " IN ?";
    default:
      return "=?";
  }
}

/* What finds no room is left out. */
void ext_words_add(ext_words *words, const char *column, char op) {
  const char *joint = *words->text ? " AND " : "", *how = operator_in_words(op);
  size_t size = strlen(words->text), room = sizeof words->text - size;
  if (strlen(joint) + strlen(column) + strlen(how) >= room) return;
  sqlite3_snprintf((int)room, words->text + size, "%s%s%s", joint, column, how);
}

int ext_words_plan(ext_conn *conn, sqlite3_index_info *info, const ext_words *words,
                   bool descending, const char *text) {
  const char *way = descending ? " DESC" : "";
  char *plan = *words->text ? sqlite3_mprintf("SEARCH (%s)%s: %s", words->text, way, text)
                            : sqlite3_mprintf("SCAN%s: %s", way, text);
  int rc = plan ? ext_given_plan(conn, info, plan) : SQLITE_NOMEM;
  sqlite3_free(plan);
  return rc;
}

/* There is no colon behind them. */
const char *ext_words_skip(const char *plan) {
  const char *colon = plan ? strrchr(plan, ':') : NULL;
  return colon ? colon + 2 : plan;
}
