/*
** calls.c: does a statement call a function, or write a table?
**
** Only what the user has written may call one of ours (stmt.c), so this looks for a call as
** SQLite's own tokenizer would see it. The mere name is not enough: whoever made a database names
** its tables and columns, and so puts words into every statement on them, in quotes even text like
** "mmap_set(1)".
*/
#include "ext/connection/calls.h"

#include <string.h>

typedef struct token {
  const char *text; /* of a quoted name: what is inside; of a string: nothing */
  size_t size;
  bool name;   /* an identifier, a keyword or a number; else one other character, or a string */
  bool quoted; /* such a name is no keyword */
} token;

static bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || (unsigned char)c >= 0x80;
}

/* Past the text up to and with `end`, or to the end of all. */
static const char *skip_past(const char *text, const char *end) {
  const char *found = strstr(text, end);
  return found ? found + strlen(end) : text + strlen(text);
}

static const char *skip_comments(const char *sql) {
  for (;;) {
    if (is_space(*sql)) {
      sql++;
    } else if (sql[0] == '-' && sql[1] == '-') {
      sql = skip_past(sql, "\n");
    } else if (sql[0] == '/' && sql[1] == '*') {
      sql = skip_past(sql + 2, "*/");
    } else {
      return sql;
    }
  }
}

/* A quote inside is doubled; what is in brackets has none. */
static const char *next_quoted(const char *sql, token *t) {
  char end = *sql == '[' ? ']' : *sql;
  t->name = *sql != '\'';
  t->quoted = true;
  t->text = ++sql;
  while (*sql && (*sql != end || (end != ']' && sql[1] == end))) sql += *sql == end ? 2 : 1;
  t->size = t->name ? (size_t)(sql - t->text) : 0;
  return *sql ? sql + 1 : sql;
}

static const char *next_token(const char *sql, token *t) {
  sql = skip_comments(sql);
  if (*sql && strchr("'\"`[", *sql)) return next_quoted(sql, t);
  t->text = sql;
  t->quoted = false;
  t->name = is_word(*sql);
  while (is_word(*sql)) sql++;
  if (*sql && !t->name) sql++;
  t->size = (size_t)(sql - t->text);
  return sql;
}

/* Most are told from it by their first letter. */
static bool is(const token *t, const char *text) {
  if ((*t->text ^ *text) & ~0x20) return false;
  return t->size == strlen(text) && sqlite3_strnicmp(t->text, text, (int)t->size) == 0;
}

/* May what follows be the name of a table, with its columns in parentheses? */
static bool precedes_table(const token *t) {
  static const char *const words[] = {".", "INTO", "TABLE", "EXISTS", "VIEW", "REFERENCES"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (is(t, words[i])) return true;
  }
  return false;
}

/* What can be asked about a statement, with the names that it is asked about. */
typedef bool question(const char *sql, const char *const *names);

static bool any_running(sqlite3 *db, question *holds, const char *const *names) {
  for (sqlite3_stmt *s = sqlite3_next_stmt(db, NULL); s; s = sqlite3_next_stmt(db, s)) {
    const char *sql = sqlite3_stmt_busy(s) ? sqlite3_sql(s) : NULL;
    if (sql && holds(sql, names)) return true;
  }
  return false;
}

/* ---- calls and writes ----------------------------------------------------------------------- */

bool ext_calls(const char *sql, const char *function) {
  token t = {"", 0, false, false};
  bool table = false, named = false;
  do {
    bool was_named = named;
    sql = next_token(sql, &t);
    if (was_named && !t.name && is(&t, "(")) return true;
    named = t.name && !table && is(&t, function);
    table = precedes_table(&t);
  } while (*sql);
  return false;
}

static bool calls_function(const char *sql, const char *const *names) {
  return ext_calls(sql, names[0]);
}

bool ext_running_calls(sqlite3 *db, const char *function) {
  return any_running(db, calls_function, &function);
}

/* Is the table's name, its schema's in front or not, what follows INTO, UPDATE [OR …] or DELETE
** FROM? */
static bool is_target(const char *sql, const char *table) {
  token t, dot;
  sql = next_token(sql, &t);
  if (is(&t, "OR")) sql = next_token(next_token(sql, &t), &t);
  sql = next_token(sql, &dot);
  if (is(&dot, ".")) (void)next_token(sql, &t);
  return t.name && is(&t, table);
}

static bool has_target(const char *sql, const char *table, bool updates, bool deletes) {
  token t = {"", 0, false, false};
  do {
    bool deleted = deletes && is(&t, "DELETE");
    sql = next_token(sql, &t);
    bool updated = updates && is(&t, "UPDATE");
    bool writes = is(&t, "INTO") || updated || (deleted && is(&t, "FROM"));
    if (writes && is_target(sql, table)) return true;
  } while (*sql);
  return false;
}

static bool inserts_rows(const char *sql, const char *const *names) {
  return has_target(sql, names[0], false, false);
}

static bool puts_rows(const char *sql, const char *const *names) {
  return has_target(sql, names[0], true, false);
}

static bool writes_table(const char *sql, const char *const *names) {
  return has_target(sql, names[0], true, true);
}

bool ext_running_writes(sqlite3 *db, const char *table) {
  return any_running(db, writes_table, &table);
}

bool ext_running_puts(sqlite3 *db, const char *table) {
  return any_running(db, puts_rows, &table);
}

bool ext_running_inserts(sqlite3 *db, const char *table) {
  return any_running(db, inserts_rows, &table);
}

static bool ends_list(const token *t, const token *before) {
  static const char *const words[] = {"FROM", "WHERE", "RETURNING", "ORDER", "LIMIT"};
  if (t->quoted || is(before, "DISTINCT")) return false; /* IS DISTINCT FROM */
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (is(t, words[i])) return true;
  }
  return false;
}

/* In the list that follows SET, columns stand at its start and behind its commas, one or, in
** parentheses, several. */
static bool is_in_list(const char *sql, const char *column) {
  token t = {"", 0, false, false}, before;
  int depth = 0;
  int columns_at = 0; /* the depth at which a comma is followed by a column */
  bool wanted = true;
  do {
    before = t;
    sql = next_token(sql, &t);
    if (depth == 0 && ends_list(&t, &before)) return false;
    if (wanted && t.name && is(&t, column)) return true;
    if (!t.name && is(&t, "(")) {
      depth++;
      if (wanted) columns_at = depth;
    } else if (!t.name && is(&t, ")")) {
      depth--;
      wanted = false;
      if (depth == 0) columns_at = 0;
    } else {
      wanted = !t.name && is(&t, ",") && depth == columns_at;
    }
  } while (*sql);
  return false;
}

/* What follows SET in the next UPDATE of the table; NULL: there is none. */
static const char *next_set_list(const char *sql, const char *table) {
  token t = {"", 0, false, false};
  do {
    sql = next_token(sql, &t);
    if (t.quoted || !is(&t, "UPDATE") || !is_target(sql, table)) continue;
    while (*sql && (t.quoted || !is(&t, "SET"))) sql = next_token(sql, &t);
    return sql;
  } while (*sql);
  return NULL;
}

static bool sets_column(const char *sql, const char *const *names) {
  while ((sql = next_set_list(sql, names[0]))) {
    if (is_in_list(sql, names[1])) return true;
  }
  return false;
}

bool ext_running_sets(sqlite3 *db, const char *table, const char *column) {
  const char *const names[] = {table, column};
  return any_running(db, sets_column, names);
}

/* FROM is what ends the list that follows SET. */
static bool goes_on_from(const char *sql) {
  token t = {"", 0, false, false}, before;
  int depth = 0;
  do {
    before = t;
    sql = next_token(sql, &t);
    if (depth == 0 && ends_list(&t, &before)) return is(&t, "FROM");
    if (!t.name && !t.quoted) depth += is(&t, "(") - is(&t, ")");
  } while (*sql);
  return false;
}

static bool updates_from(const char *sql, const char *const *names) {
  while ((sql = next_set_list(sql, names[0]))) {
    if (goes_on_from(sql)) return true;
  }
  return false;
}

bool ext_running_updates_from(sqlite3 *db, const char *table) {
  return any_running(db, updates_from, &table);
}

/* ---- queries -------------------------------------------------------------------------------- */

/* May a row value follow? Not the arguments of a function of that name. */
static bool precedes_row(const token *t) {
  static const char *const words[] = {"WHERE", "AND",  "OR",   "NOT", "ON",     "HAVING",
                                      "WHEN",  "THEN", "ELSE", "BY",  "SELECT", "SET"};
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (is(t, words[i])) return true;
  }
  return false;
}

static bool has_keyword(const char *sql, const char *const *names) {
  token t = {"", 0, false, false};
  do {
    sql = next_token(sql, &t);
    if (!t.quoted && is(&t, names[0])) return true;
  } while (*sql);
  return false;
}

static bool any_has_keyword(sqlite3 *db, const char *keyword) {
  return any_running(db, has_keyword, &keyword);
}

bool ext_running_joins_outer(sqlite3 *db) {
  return any_has_keyword(db, "LEFT") || ext_running_joins_right(db);
}

bool ext_running_joins_right(sqlite3 *db) {
  return any_has_keyword(db, "RIGHT") || any_has_keyword(db, "FULL");
}

static bool selects_more(const char *sql, const char *const *none) {
  token t = {"", 0, false, false};
  (void)none;
  sql = next_token(sql, &t);
  if (!is(&t, "SELECT")) return true;
  do {
    sql = next_token(sql, &t);
    if (!t.quoted && (is(&t, "SELECT") || is(&t, "VALUES"))) return true;
  } while (*sql);
  return false;
}

bool ext_running_selects_more(sqlite3 *db) {
  return any_running(db, selects_more, NULL);
}

#define PARENTHESES 256 /* deeper ones are not told apart */

static bool lists_rows(const char *sql, const char *const *none) {
  token t = {"", 0, false, false}, before;
  bool row[PARENTHESES] = {false}; /* has a comma, and is no call */
  bool call[PARENTHESES] = {false};
  bool closed = false; /* a row value has just ended; NOT may follow */
  unsigned depth = 0;
  (void)none;
  do {
    before = t;
    sql = next_token(sql, &t);
    unsigned at = depth % PARENTHESES;
    if (!t.quoted && closed && is(&t, "IN")) return true;
    if (t.name || t.quoted) {
      closed = closed && is(&t, "NOT");
    } else if (is(&t, "(")) {
      at = ++depth % PARENTHESES;
      row[at] = false;
      call[at] = before.quoted || (before.name && !precedes_row(&before));
      closed = false;
    } else if (is(&t, ")")) {
      closed = row[at];
      depth -= depth > 0;
    } else {
      row[at] |= is(&t, ",") && !call[at];
      closed = false;
    }
  } while (*sql);
  return false;
}

bool ext_running_lists_rows(sqlite3 *db) {
  return any_running(db, lists_rows, NULL);
}

/* ---- CREATE VIRTUAL TABLE ------------------------------------------------------------------- */

/* In a name in quotes those inside are doubled. */
static bool is_spelt(const char *text, const char *end, char quote, const char *name) {
  while (text < end && *name && sqlite3_strnicmp(text, name, 1) == 0) {
    text += *text == quote ? 2 : 1;
    name++;
  }
  return text == end && !*name;
}

/* The next token as the name of a table, which may be in any quotes, a string's too. Is it this
** one? */
static const char *next_table(const char *sql, const char *table, bool *same) {
  token t = {"", 0, false, false};
  sql = next_token(sql, &t);
  *same = t.quoted ? is_spelt(t.text, sql - 1, t.text[-1], table)
                   : is_spelt(t.text, t.text + t.size, 0, table);
  return sql;
}

static bool creates_table(const char *sql, const char *const *names) {
  static const char *const words[] = {"CREATE", "VIRTUAL", "TABLE"};
  token t = {"", 0, false, false};
  bool same;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    sql = next_token(sql, &t);
    if (!is(&t, words[i])) return false;
  }
  const char *name = sql;
  sql = next_token(sql, &t);
  if (!t.quoted && is(&t, "IF")) name = next_token(next_token(sql, &t), &t); /* NOT EXISTS */
  sql = next_table(name, names[0], &same);
  name = next_token(sql, &t);
  if (is(&t, ".")) (void)next_table(name, names[0], &same);
  return same;
}

bool ext_running_creates(sqlite3 *db, const char *table) {
  return any_running(db, creates_table, &table);
}
