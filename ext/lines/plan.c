/*
** plan.c: how a query of the table `mmap_lines` will run; the plan's format is in lines.h.
**
** What bounds the offset or the number bounds it exactly as SQL compares. What bounds the key leaves
** rows that SQLite looks at once more.
*/
#include "ext/lines/lines.h"

/* What a column is to the plan; 0: nothing that narrows a scan. */
static char lines_target(const lines_table *table, int column) {
  int role = lines_role_of(table, column);
  if (role == lines_key_role(table)) return 'k';
  if (role == LINES_OFFSET) return 'o';
  return role == LINES_NUMBER ? 'n' : 0;
}

typedef struct lines_plan {
  const lines_table *table;
  sqlite3_index_info *info;
  int next;
  char text[2 * 64 + 1];
  size_t size;
  bool listed;
  double share;
  ext_words words;
} lines_plan;

static bool is_texts(const lines_table *table) {
  int type = lines_key_type(&table->spec);
  return type == LINES_AS_TEXT || type == LINES_AS_IPV4;
}

/* Of k LIKE 'a%' SQLite makes bounds by another collation. */
static bool collates(const lines_plan *p, int i) {
  bool address = lines_key_type(&p->table->spec) == LINES_AS_IPV4;
  const char *name = sqlite3_vtab_collation(p->info, i);
  return sqlite3_stricmp(name, address ? "mmap_ipv4" : "BINARY") == 0;
}

/* All values of an IN at once, of one IN only; 0: one that is left to SQLite. */
static char lines_equality(lines_plan *p, int i) {
  if (is_texts(p->table)) return ext_tab_text_equality(p->info, i, &p->listed);
  if (p->listed || !ext_tab_take_list(p->info, i)) return '=';
  p->listed = true;
  return 'i';
}

/* The name of the column, as the query may have it. */
static const char *name_of_target(const lines_table *table, char what) {
  if (what == 'o') return "offset";
  if (what == 'n') return "number";
  int key = table->spec.key;
  return key < 0 ? "text" : table->spec.columns[key].name;
}

static void plan_lines_constraint(lines_plan *p, int i) {
  const struct sqlite3_index_constraint *c = &p->info->aConstraint[i];
  struct sqlite3_index_constraint_usage *usage = &p->info->aConstraintUsage[i];
  char how = ext_tab_operator(c->op), what = lines_target(p->table, c->iColumn);
  if (!c->usable || !how || !what || p->size + 2 >= sizeof p->text) return;
  if (what == 'k' && !collates(p, i)) return;
  if (what == 'k' && how == '=') how = lines_equality(p, i);
  if (!how) return;
  if (what == 'k') p->info->idxNum |= LINES_PLAN_ORDERED;
  usage->argvIndex = p->next++;
  usage->omit = what != 'k';
  ext_words_add(&p->words, name_of_target(p->table, what), how);
  p->text[p->size++] = what == 'k' && ext_tab_is_literal(p->info, i) ? 'K' : what;
  p->text[p->size++] = how;
  p->share *= how == '=' || how == 'v' || how == 'i' ? 1e-5 : 0.25;
}

/* Offsets and numbers rise together, and no two rows share one. Rows that may be more than a line are
** not found backwards. */
static void plan_lines_order(lines_plan *p) {
  sqlite3_index_info *info = p->info;
  const lines_spec *spec = &p->table->spec;
  if (info->nOrderBy == 0) return;
  bool down = info->aOrderBy[0].desc;
  char what = lines_target(p->table, info->aOrderBy[0].iColumn);
  if (!what || (what == 'k' && info->nOrderBy > 1)) return;
  if (what == 'k') down ^= spec->descending;
  if (down && lines_wrap(spec)) return;
  info->orderByConsumed = 1;
  if (down) info->idxNum |= LINES_PLAN_DESCENDING;
  if (what == 'k') info->idxNum |= LINES_PLAN_ORDERED;
}

#define GUESSED_LINES 1e6

static int plan_lines_file(lines_plan *p) {
  unsigned given;
  int column = 0;
  while (p->table->roles[column] != LINES_FILE) column++;
  p->info->idxNum = LINES_PLAN_FILE;
  return ext_tab_arguments(p->info, column, 1, 1, &given, &p->next);
}

int linesBestIndex(sqlite3_vtab *base, sqlite3_index_info *info) {
  lines_table *table = (lines_table *)base;
  lines_plan p = {.table = table, .info = info, .next = 1, .share = 1};
  int rc = table->spec.path ? SQLITE_OK : plan_lines_file(&p);
  if (rc || info->idxNum == EXT_PLAN_MISSING) return rc;
  for (int i = 0; i < info->nConstraint; i++) plan_lines_constraint(&p, i);
  plan_lines_order(&p);
  info->estimatedRows = (sqlite3_int64)(GUESSED_LINES * p.share) + 1;
  info->estimatedCost = 10 + GUESSED_LINES * p.share;
  return ext_words_plan(table->tab.conn, info, &p.words,
                        (info->idxNum & LINES_PLAN_DESCENDING) != 0, p.text);
}
