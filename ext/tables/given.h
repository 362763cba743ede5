/*
** given.h: what a cursor of a table with arguments was given.
**
** Its hidden columns read as that. And it tells when SQLite is about to lose rows: conditions that
** OR joins are run one after the other on cursors that take each other's place, and of what they
** find SQLite drops each rowid that it has met before, though it may be of another file:
**
**     SELECT … FROM mmap WHERE file = 'a' AND offset = 0 OR file = 'b' AND offset = 0
*/
#ifndef EXT_GIVEN_H
#define EXT_GIVEN_H

#include "ext/connection/ext.h"

#define EXT_GIVEN_MOST 4

/* Rows that were told under the same arguments, or under several. */
typedef struct ext_told {
  sqlite3_value *args[EXT_GIVEN_MOST]; /* owned; NULL: not given */
  bool any;                            /* there are rows: */
  sqlite3_int64 low, high;             /* their rowids lie between these */
  bool mixed;                          /* … under several arguments */
} ext_told;

/* Part of a cursor; all zeros: nothing given yet. */
typedef struct ext_given {
  ext_reads reads;  /* what the cursor reads at one commit; an heir takes it over */
  ext_told now;     /* the arguments now, and what was told under them */
  ext_told before;  /* by the cursors whose place this one has taken */
  const char *text; /* idxStr of the plan that gave them; borrowed, for comparing alone */
  uint64_t plan;    /* its number */
  bool heir;        /* it has taken another's place, and was not filtered yet */
  bool clashes;     /* the arguments differ from those of `before` */
  bool missing;     /* none were given: see ext_given_missing */
} ext_given;

/* Of a table: the cursor that was opened last, if nothing else has happened since. */
typedef struct ext_opened {
  ext_given *given; /* borrowed; NULL: none */
} ext_opened;

/* In xOpen, and in xClose, which frees what it holds. */
void ext_given_open(ext_opened *opened, ext_given *given);
void ext_given_close(ext_opened *opened, ext_given *given);

/* In xFilter, by the plan of that idxStr: the arguments, NULL where none is given. MM_NOMEM. */
int ext_given_take(ext_opened *opened, ext_given *given, const char *plan, sqlite3_value **args,
                   int count, mm_error *err);

/* In xRowid: MM_ERROR if SQLite may lose that row. */
int ext_given_tell(ext_given *given, sqlite3_int64 rowid, mm_error *err);

/* In xColumn, for argument i. */
void ext_given_result(const ext_given *given, sqlite3_context *context, int i);

/* In xFilter, by a plan without the arguments. Is that no error yet? Of LEFT JOIN … ON file = 'a'
** AND 0 SQLite leaves the 0 alone, and looks at it for each row: then there is one, whose columns
** and rowid are the error. */
bool ext_given_missing(ext_given *given, sqlite3 *db);

/* For xBestIndex: hand over `text` as idxStr, with a number that is higher than that of all plans
** before. SQLITE_NOMEM. */
int ext_given_plan(ext_conn *conn, sqlite3_index_info *info, const char *text);

/* What a plan does in words, for EXPLAIN QUERY PLAN: SEARCH (first<=?) DESC. They are in front of the
** idxStr that ext_words_plan hands over; its xFilter begins with ext_words_skip. All zeros: SCAN. */
typedef struct ext_words {
  char text[200];
} ext_words;

void ext_words_add(ext_words *words, const char *column, char op);
int ext_words_plan(ext_conn *conn, sqlite3_index_info *info, const ext_words *words,
                   bool descending, const char *text);
const char *ext_words_skip(const char *plan);

#endif
