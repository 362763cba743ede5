/*
** records.h: what the files of the table `mmap` share.
**
**     table.c      the module: connecting, dropping
**     args.c       the arguments of CREATE VIRTUAL TABLE
**     plan.c       xBestIndex
**     cursor.c     the cursor
**     order.c      binary search, and the order of the rows
**     writing.c    UPDATE, INSERT
**     deleting.c   DELETE: rows that are gone, and the closing up at COMMIT
**     chain*.c     tables whose records say how large they are: see chain.h
*/
#ifndef EXT_RECORDS_H
#define EXT_RECORDS_H

#include "core/bytes/layout.h"
#include "core/bytes/walk.h"
#include "ext/tables/rowset.h"
#include "ext/tables/intent.h"
#include "ext/tables/seek.h"
#include "ext/tables/tab.h"
#include "ext/connection/txn.h"

/* Columns of a table of bytes. Those of a table of records are its own, and then `offset`,
** hidden. */
enum { BYTES_OFFSET, BYTES_BYTE, BYTES_FILE };

typedef struct mmap_column {
  mm_type type;
  ext_result *result;
  uint64_t at; /* its place in the record, in bytes */
  char *name;
} mmap_column;

extern const mmap_column mmap_byte_column; /* BYTES_BYTE, at the start of each of its rows */

/* What CREATE VIRTUAL TABLE said. All zeros, but for the defaults, for the table-valued
** function. */
typedef struct mmap_spec {
  char *path;      /* NULL: the table-valued function */
  int access;      /* enum ext_access, or -1: not said */
  int synchronous; /* enum mm_synchronous, or -1 */
  uint64_t offset, length;
  uint64_t record; /* bytes from one record to the next; 1 for bytes */
  uint64_t used;   /* … and from its start to the furthest end of a column */
  mmap_column *columns;
  size_t column_count; /* 0: a table of bytes */
  int sorted;          /* index of a column, or -1 */
  bool deletes;        /* takes DELETE, which renumbers rows */
  bool chained;        /* records say how large they are: `layout` has the columns, see chain.h */
  bool partial;        /* … and a damaged one is a row */
  mm_layout layout;
} mmap_spec;

/* Read the arguments (argv[3] and up of xCreate). MM_ERROR names the one that is wrong. */
int mmap_spec_parse(int argc, const char *const *argv, mmap_spec *spec, mm_error *err);
void mmap_spec_clear(mmap_spec *spec);

/* The declaration of its columns, for sqlite3_declare_vtab; sqlite3_free it. NULL: no memory. */
char *mmap_spec_declare(const mmap_spec *spec);

/* The rows that a table's DELETEs have taken from an object and COMMIT will close up: it lasts
** until the transaction ends. All tables of the same offset and record on the object share it; what
** a chain has taken is that table's alone. */
typedef struct mmap_deleted mmap_deleted;

/* What the tables of a connection share. */
typedef struct mmap_shared {
  struct mmap_table *tables; /* all that are connected */
  mmap_deleted *deleted;     /* a list, one for each object */
} mmap_shared;

/* As SQLite connects it: anew whenever it has read the schema again, and one that has written stays
** beside the new one to the end of the transaction. */
typedef struct mmap_table {
  ext_tab tab; /* first */
  mmap_shared *shared;
  char *database; /* "main", "temp" … */
  char *name;
  struct mmap_name *names; /* that ALTER has given it since */
  mmap_spec spec;
  bool text_order;           /* text compares bytewise: the database is UTF-8 */
  int64_t known_rows;        /* as of the last use, for estimates; -1: not used yet */
  uint8_t *scratch;          /* for values on their way into a record; owned */
  uint8_t *text;             /* room for a decoded key, if its text has to be made; owned */
  ext_object *own;           /* access=copy: the table's own object; held */
  ext_object *writing;       /* in a transaction: held; NULL: not writing */
  ext_txn_deferred deferred; /* while writing */
  ext_checked checked;
  struct mmap_stations *stations; /* of chained ones; owned */
  bool in_update;                 /* rows of an UPDATE are being changed, of which … */
  bool is_part;                   /* … only we can undo those before one that fails */
  bool told;               /* it takes part in the transaction, and will be told of its end */
  bool made;               /* so it does, of whose beginning it was not told: it was made in it */
  bool gone;               /* dropped, or connected anew */
  struct mmap_table *next; /* in shared->tables */
} mmap_table;

static inline bool mmap_is_bytes(const mmap_table *table) {
  return table->spec.column_count == 0;
}

/* The columns that are bytes of the file, those of a table of bytes as one record's. */
static inline const mmap_column *mmap_field(const mmap_table *table, size_t i) {
  return mmap_is_bytes(table) ? &mmap_byte_column : &table->spec.columns[i];
}
static inline size_t mmap_field_count(const mmap_table *table) {
  return mmap_is_bytes(table) ? 1 : table->spec.column_count;
}

/* The column that the rows are sorted by; NULL: none. */
static inline const mmap_column *mmap_sorted_column(const mmap_table *table) {
  return table->spec.sorted < 0 ? NULL : &table->spec.columns[table->spec.sorted];
}

/* Rows as they lie in an object: row i has its bytes at start + i * record. */
typedef struct mmap_rows {
  uint64_t start;
  int64_t count;
  int64_t first; /* rowid of row 0 */
  uint64_t size; /* bytes that they take: the last may end after its columns */
} mmap_rows;

/* The rows of the table in an object as it is now, deleted ones included. */
mmap_rows mmap_table_rows(const mmap_table *table, const mm_object *object);

/* The rows that so many bytes hold: a last record that has all its columns is one. */
int64_t mmap_spec_rows(const mmap_spec *spec, uint64_t bytes);

/* The object of a created table, as ext_use_path: held for the caller; NULL on failure. */
int mmap_table_open(mmap_table *table, ext_reads *reads, ext_object **out, mm_error *err);

/* The name that messages of the table start with. */
const char *mmap_table_label(const mmap_table *table);

/* ---- planning and scanning ------------------------------------------------------------------ */

/*
** The plan that xBestIndex hands to xFilter:
**
**     idxNum   MMAP_PLAN_FILE        argv[0] is the file (table-valued function)
**              MMAP_PLAN_DESCENDING  rows come in descending order
**              MMAP_PLAN_KEYED       … of the sorted column, else of rowid
**     idxStr   words for people and a colon; then for each further argument two characters, what and
**              how it is compared:
**              'o' offset  'r' rowid  'b' byte  'k' the sorted column  'K' … to a literal
**              '=' '<' 'l' (<=) '>' 'g' (>=)  'i' (= one of a list, which sqlite3_vtab_in gives)
**              'v' (= a value that may be of a row value's list)
**     and then '#' and the plan's number, see given.h
*/
enum { MMAP_PLAN_FILE = 1, MMAP_PLAN_DESCENDING = 2, MMAP_PLAN_KEYED = 4 };

/* A function that stays one: its callers are short because it is apart. */
#define EXT_APART __attribute__((noinline))

/* A condition that holds for most rows of most scans: what follows lies next. */
#define EXT_MOSTLY(condition) __builtin_expect((condition), 1)

/* What the module's cursors begin with, whatever their table is. */
typedef struct mmap_scan {
  sqlite3_vtab_cursor base;
  bool chained; /* see chain.h */
  bool done;
  /* What most rows of most scans need, and nothing else; a chain's cursor leaves it as it is, zeros: */
  unsigned first, fields; /* columns whose values may be read at once: from here on, so many */
  int64_t at, to;         /* the row now; up to here the next one is the one behind it */
} mmap_scan;

int mmapBestIndex(sqlite3_vtab *base, sqlite3_index_info *info);

int mmapOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int mmapClose(sqlite3_vtab_cursor *base);
int mmapFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
               sqlite3_value **argv);
int mmapNext(sqlite3_vtab_cursor *base);
int mmapEof(sqlite3_vtab_cursor *base);
int mmapColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int mmapRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);

/* As ext_intent_reads and ext_intent_begin. */
ext_reads *mmap_reads_of(const mmap_table *table, ext_given *given, int *intent);
int mmap_reads_begin(const mmap_table *table, ext_given *given, ext_object *object,
                     const ext_reads *reads, mm_error *err);

/* As ext_may_be_written. */
bool mmap_may_be_written(const mmap_table *table);

/* ---- sorted tables (order.c) ------------------------------------------------------ */

/* Rows low..high, none if low > high. */
typedef struct mmap_run {
  int64_t low, high;
} mmap_run;

/* What is searched: the records of a sorted table as they are now. */
typedef struct mmap_keys {
  const mmap_table *table;
  mm_type type;
  const uint8_t *base;       /* the key of row 0 */
  uint64_t stride;           /* from one to the next */
  int64_t count;             /* rows */
  const ext_rowset *deleted; /* rows that are not there; NULL: none */
  int *luck;                 /* does interpolation pay here? kept from one search to the next */
} mmap_keys;

/* What the constraints on a key leave. */
typedef struct mmap_range {
  bool none;            /* nothing can match */
  int64_t low, high;    /* of integer keys: the values, inclusive */
  ext_edge first, last; /* of all others: from, up to */
} mmap_range;

mmap_keys mmap_table_keys(const mmap_table *table, const mm_object *object, const mmap_rows *rows,
                          const ext_rowset *deleted, int *luck);

/* Narrow a range by `key op value`, exactly as SQLite compares; for a text key by less where only
** SQLite can tell, unless `plain` says that the value comes from no column. False: this value
** cannot be looked up in the order of the keys (a number against text): the range stays, and SQLite
** checks. MM_NOMEM is not told apart: then too the range stays. */
mmap_range mmap_range_all(void);
bool mmap_range_narrow(const mmap_keys *keys, mmap_range *range, int op, sqlite3_value *value,
                       bool plain);

/* The rows of a range, as one run or, of unsigned 64-bit keys that SQL sees as negative, two:
** runs[0] has SQL's smaller keys. The number of runs. MM_DAMAGED when rows are met that are not in
** order. */
int mmap_range_runs(const mmap_keys *keys, const mmap_range *range, mmap_run runs[2], int *count,
                    mm_error *err);

/* Are the keys of two rows that follow each other in order? MM_DAMAGED, naming them. */
int mmap_keys_check(const mmap_keys *keys, int64_t row, int64_t next, mm_error *err);

/* Would a row with this key (encoded) be in order at `row`? MM_CONSTRAINT, naming both keys;
** MM_DAMAGED if its neighbours are not in order themselves. */
int mmap_keys_accept(const mmap_keys *keys, int64_t row, const uint8_t *key, mm_error *err);

/* Rows that are there, at `row` or after (before) it. */
int64_t mmap_keys_from(const mmap_keys *keys, int64_t row);
int64_t mmap_keys_to(const mmap_keys *keys, int64_t row);

/* Are the keys ordered as SQL orders them? Integer, real and blob keys always, text where the
** database is UTF-8. */
bool mmap_key_is_ordered(const mmap_table *table);

/* mmap_check's part. */
int mmap_table_check(ext_checked *checked, ext_reads *reads, int argc, sqlite3_value **argv,
                     char **finding, mm_error *err);

/* ---- writing -------------------------------------------------------------------------------- */

int mmapUpdate(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);

/* The table's object, as its writer; held by the table until the transaction ends. */
int mmap_table_write(mmap_table *table, mm_error *err);

/* The file that xColumn has marked for an UPDATE of a table-valued function; held. `from`: it may come
** as it was given, if the statement sets no column `file` of the table. */
int mmap_function_file(mmap_table *table, sqlite3_value *value, bool from, ext_file *file,
                       mm_error *err);

/* Become the writer of such a file. */
int mmap_write_file(ext_conn *conn, ext_file *file, mm_error *err);

/* Write bytes that are not there already. */
int mmap_write_bytes(mm_object *core, uint64_t offset, const uint8_t *bytes, uint64_t size,
                     mm_error *err);

/* Are two values the same? */
bool mmap_same_value(const mm_value *a, const mm_value *b);

/* The table as it was connected when it became the writer of its object in this transaction; NULL:
** it has not. */
mmap_table *mmap_table_writer(const mmap_table *table);

/* Has a table had the name of another one in this transaction? Then it is that, connected before. */
bool mmap_table_is_called(const mmap_table *table, const mmap_table *other);

/* Has it written in this transaction, or somebody else what it has written? */
bool mmap_table_has_pending(const mmap_table *table);

/* It is dropped: it is nobody's to tell of the transaction's end any more. */
void mmap_table_stop_writing(mmap_table *table);

/* The rows of an object that are deleted; NULL: none. Of a chain: bytes. */
const ext_rowset *mmap_deleted_rows(const mmap_table *table, const ext_object *object);

/* Delete a row that is there: the caller is the object's writer and has checked that it can
** shrink. */
int mmap_deleted_add(mmap_table *table, ext_object *object, int64_t row, mm_error *err);

/* The same for a record of a chain, by its bytes, of which none is deleted yet. What
** mmap_deleted_rows then gives are bytes, counted from the start of the file. */
int mmap_deleted_add_bytes(mmap_table *table, ext_object *object, uint64_t offset, uint64_t size,
                           mm_error *err);

/* Can the table's rows be deleted at all? MM_READONLY, and why not. */
int mmap_check_deletes(const mmap_table *table, mm_error *err);

/* Does the table allow that its file becomes longer or shorter? */
int mmap_check_sizes(const mmap_table *table, mm_error *err);

/* The column `file` during an UPDATE of the table-valued function tells xUpdate which file it is,
** in a form that no SQL can make. */
void mmap_result_file_mark(sqlite3_context *context, ext_conn *conn, const char *path,
                           sqlite3_int64 handle);

#endif
