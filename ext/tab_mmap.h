/*
** tab_mmap.h: what the files of the table `mmap` share.
**
**     tab_mmap.c        the module: connecting, planning, scanning
**     tab_mmap_args.c   the arguments of CREATE VIRTUAL TABLE
**     tab_mmap_write.c  UPDATE, INSERT, DELETE
*/
#ifndef EXT_TAB_MMAP_H
#define EXT_TAB_MMAP_H

#include "ext/tab.h"
#include "ext/txn.h"

/* Columns of a table of bytes. Those of a table of records are its own, and then `offset`, hidden. */
enum { BYTES_OFFSET, BYTES_BYTE, BYTES_FILE };

typedef struct mmap_column {
  char *name;
  mm_type type;
  uint64_t at; /* its place in the record, in bytes */
} mmap_column;

/* What CREATE VIRTUAL TABLE said. All zeros, but for the defaults, for the table-valued function. */
typedef struct mmap_spec {
  char *path;      /* NULL: the table-valued function */
  int access;      /* enum ext_access, or -1: not said */
  int synchronous; /* enum mm_synchronous, or -1 */
  uint64_t offset, length;
  uint64_t record; /* bytes from one record to the next; 1 for bytes */
  mmap_column *columns;
  size_t column_count; /* 0: a table of bytes */
  int sorted;          /* index of a column, or -1 */
} mmap_spec;

/* Read the arguments (argv[3] and up of xCreate). MM_ERROR names the one that is wrong. */
int mmap_spec_parse(int argc, const char *const *argv, mmap_spec *spec, mm_error *err);
void mmap_spec_clear(mmap_spec *spec);

/* The declaration of its columns, for sqlite3_declare_vtab; sqlite3_free it. NULL: no memory. */
char *mmap_spec_declare(const mmap_spec *spec);

typedef struct mmap_table {
  ext_tab tab;    /* first */
  char *database; /* "main", "temp" … */
  char *name;
  mmap_spec spec;
  ext_object *own;           /* access=copy: the table's own object; held */
  ext_object *writing;       /* in a transaction: held; NULL: not writing */
  ext_txn_deferred deferred; /* while writing */
  struct mmap_table *next;   /* in ext_conn.tables */
} mmap_table;

/* Rows as they lie in an object: row i has its bytes at start + i * record. */
typedef struct mmap_rows {
  uint64_t start;
  int64_t count;
  int64_t first; /* rowid of row 0 */
} mmap_rows;

/* The rows of the table in an object as it is now. */
mmap_rows mmap_table_rows(const mmap_table *table, const mm_object *object);

/* The object of a created table, refreshed, and held for the caller. */
int mmap_table_open(mmap_table *table, ext_object **out, mm_error *err);

/* The name that messages of the table start with. */
const char *mmap_table_label(const mmap_table *table);

/* xUpdate and xDestroy's question (tab_mmap_write.c). */
int mmapUpdate(sqlite3_vtab *base, int argc, sqlite3_value **argv, sqlite3_int64 *rowid);
bool mmap_table_has_pending(const mmap_table *table);

/* The column `file` during an UPDATE of the table-valued function tells xUpdate which file it is, in
** a form that no SQL can make. */
void mmap_result_file_mark(sqlite3_context *context, ext_conn *conn, const char *path,
                           sqlite3_int64 handle);

#endif
