/*
** intent.h: a statement that is going to write a table's file becomes its writer before it reads.
**
** So does SQLite: of what it has read nobody changes anything before it writes, and two that would
** first read do not wait for each other to end. What cannot be written only reads.
*/
#ifndef EXT_INTENT_H
#define EXT_INTENT_H

#include "ext/tables/given.h"

/* The statements that write a table; others are refused, and only read. */
enum ext_written { EXT_WRITTEN_NEVER, EXT_WRITTEN_INSERT, EXT_WRITTEN_PUT, EXT_WRITTEN_ALL };

typedef struct ext_written_table {
  ext_conn *conn;
  const char *label; /* the name by which statements call it */
  int by;            /* enum ext_written */
  bool told;         /* SQLite has told it of the transaction */
  int synchronous;   /* enum mm_synchronous; negative: the connection's */
} ext_written_table;

/* May any statement that runs now write the table? Of what is written SQLite tells its table before,
** except of one that was made in this transaction. */
bool ext_may_be_written(const ext_written_table *table);

/* Does a cursor's statement write the table? It is asked once. */
enum { EXT_INTENT_UNKNOWN, EXT_INTENT_READ, EXT_INTENT_WRITE };

/* Where a cursor keeps what it reads, for whoever opens its file. NULL: its statement writes the file
** first. */
ext_reads *ext_intent_reads(const ext_written_table *table, ext_given *given, int *intent);

/* When the file has been opened so. */
int ext_intent_begin(const ext_written_table *table, ext_given *given, ext_object *object,
                     const ext_reads *reads, mm_error *err);

#endif
