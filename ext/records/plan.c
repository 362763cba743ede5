/*
** plan.c: how a query of the table `mmap` will run; the plan's format is in records.h.
**
** Constraints on rowid, offset, byte and the sorted column bound the scan exactly as SQL compares,
** so SQLite need not look again; but for text, whose comparison with a number depends on what the
** number comes from, which only SQLite knows, and for k >= x of a float, which may be part of a
** LIKE.
*/
#include "ext/records/chain.h"

/* What a column is to the plan; 0: nothing that narrows a scan. */
static char plan_target(const mmap_table *table, int column) {
  if (column < 0) return 'r';
  if (mmap_is_bytes(table)) return column == BYTES_OFFSET ? 'o' : column == BYTES_BYTE ? 'b' : 0;
  if (column == table->spec.sorted && mmap_key_is_ordered(table)) return 'k';
  return column == (int)table->spec.column_count ? 'o' : 0;
}

static bool is_text(const mmap_column *column) {
  return column && mm_type_gives(column->type) == MM_VALUE_TEXT;
}

typedef struct plan {
  const mmap_table *table;
  sqlite3_index_info *info;
  int next; /* the next argument of xFilter */
  char text[2 * 64 + 1];
  size_t size;
  bool one;      /* one row at most */
  bool found;    /* an equality on the sorted column */
  bool searched; /* any constraint on it */
  bool listed;   /* … one of them an IN whose values come all at once */
  double share;  /* of all rows */
  double scan;   /* work for a row of the scan, a row handed out being 1 */
  ext_words words;
} plan;

/* All values of an IN at once: one search a value, and the rows still come in order. Of one IN
** only. 0: one that is left to SQLite. */
static char plan_equality(plan *p, int i) {
  if (is_text(mmap_sorted_column(p->table))) {
    return ext_tab_text_equality(p->info, i, &p->listed);
  }
  if (p->listed || !ext_tab_take_list(p->info, i)) return '=';
  p->listed = true;
  return 'i';
}

static bool compares_bytes(const plan *p, int i) {
  const mmap_column *column = mmap_sorted_column(p->table);
  return !is_text(column) || sqlite3_stricmp(sqlite3_vtab_collation(p->info, i), "BINARY") == 0;
}

/* Is what the scan finds all that the constraint asks for? */
static bool answers(const plan *p, char what, char how) {
  const mmap_column *column = mmap_sorted_column(p->table);
  return what != 'k' ||
         !(is_text(column) || (how == 'g' && mm_type_gives(column->type) == MM_VALUE_REAL));
}

static void plan_share(plan *p, char what, char how) {
  bool equal = how == '=' || how == 'i' || how == 'v';
  if (what == 'k') p->searched = true;
  if (what == 'k' && equal) p->found = true;
  if (what != 'k' && what != 'b' && equal) p->one = true;
  if (what == 'b') p->scan = 0.05;
  p->share *= what == 'b' ? (equal ? 1.0 / 64 : 0.5) : 0.25;
}

static const char *plan_name(const plan *p, char what) {
  switch (what) {
    case 'r':
      return "rowid";
    case 'o':
      return "offset";
    case 'b':
      return "byte";
    default:
      return mmap_sorted_column(p->table)->name;
  }
}

static void plan_column(plan *p, int i) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  struct sqlite3_index_constraint_usage *usage = &p->info->aConstraintUsage[i];
  char how = ext_tab_operator(c->op), what = plan_target(p->table, c->iColumn);
  if (!c->usable || !how || !what || p->size + 2 >= sizeof p->text) return;
  if (what == 'k' && !compares_bytes(p, i)) return;
  if (what == 'k' && how == '=') how = plan_equality(p, i);
  if (!how) return;
  usage->argvIndex = p->next++;
  usage->omit = answers(p, what, how);
  p->text[p->size++] = what == 'k' && ext_tab_is_literal(p->info, i) ? 'K' : what;
  p->text[p->size++] = how;
  ext_words_add(&p->words, plan_name(p, what), how);
  plan_share(p, what, how);
}

static bool is_row_target(char what) {
  return what == 'r' || what == 'o';
}

/* ORDER BY rowid, whatever follows; ORDER BY the sorted column, which rowid may follow. */
static void plan_direction(plan *p) {
  const sqlite3_index_info *info = p->info;
  int n = info->nOrderBy;
  if (n == 0) return;
  unsigned char down = info->aOrderBy[0].desc;
  char what = plan_target(p->table, info->aOrderBy[0].iColumn);
  bool keyed =
      what == 'k' && (n == 1 || (is_row_target(plan_target(p->table, info->aOrderBy[1].iColumn)) &&
                                 info->aOrderBy[1].desc == down));
  if (!keyed && !is_row_target(what)) return;
  p->info->orderByConsumed = 1;
  if (down) p->info->idxNum |= MMAP_PLAN_DESCENDING;
  if (keyed) p->info->idxNum |= MMAP_PLAN_KEYED;
}

#define UNKNOWN_ROWS 1000000

/* How many rows there are: the file is there, or the query will say why not. */
static double count_rows(mmap_table *table) {
  ext_object *object;
  mm_error ignored;
  if (!table->spec.path) return UNKNOWN_ROWS;
  if (table->known_rows < 0 && mmap_table_open(table, NULL, &object, &ignored) == MM_OK) {
    table->known_rows = mmap_table_rows(table, object->core).count;
    ext_object_release(object);
  }
  return table->known_rows < 0 ? UNKNOWN_ROWS : (double)table->known_rows;
}

static int bits_of(double count) {
  int bits = 1;
  for (int64_t n = (int64_t)count; n >= 2; n /= 2) bits++;
  return bits;
}

static void plan_cost(const plan *p, double count) {
  sqlite3_index_info *info = p->info;
  double search = p->searched ? 1 + 0.1 * bits_of(count) : 0;
  double rows = p->one ? 1 : p->found ? 2 : count * p->share;
  /* What is found by rowid or key is read and nothing else. */
  double read = p->scan < 1 ? count * p->scan + rows : rows;
  if (rows < 1) rows = 1;
  info->estimatedRows = (sqlite3_int64)rows;
  info->estimatedCost = 1 + search + read;
  if (p->one) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
}

static int plan_argument(plan *p) {
  unsigned given;
  p->info->idxNum = MMAP_PLAN_FILE;
  return ext_tab_arguments(p->info, BYTES_FILE, 1, 1, &given, &p->next);
}

int mmapBestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {
  mmap_table *table = (mmap_table *)base;
  if (table->spec.chained) return chainBestIndex(base, info);
  plan p = {.table = table, .info = info, .next = 1, .share = 1, .scan = 1};
  int rc = table->spec.path ? SQLITE_OK : plan_argument(&p);
  if (rc || info->idxNum == EXT_PLAN_MISSING) return rc;
  for (int i = 0; i < info->nConstraint; i++) plan_column(&p, i);
  plan_direction(&p);
  plan_cost(&p, count_rows(table));
  return ext_words_plan(table->tab.conn, info, &p.words, (info->idxNum & MMAP_PLAN_DESCENDING) != 0,
                        p.text);
}
