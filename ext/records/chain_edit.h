/*
** chain_edit.h: a record of a chain on its way into the file: what UPDATE and INSERT share.
**
** Values are encoded for the places that the walk has found for their columns, and kept, one behind the
** other, so that they can be written at once, and compared with what is read back.
*/
#ifndef EXT_CHAIN_EDIT_H
#define EXT_CHAIN_EDIT_H

#include "ext/records/chain.h"

typedef struct chain_edit {
  mmap_table *table;
  sqlite3_value **argv; /* of the columns */
  ext_object *object;
  mm_object *core;         /* … of it */
  uint64_t window, length; /* where the walk's file starts in the object; its bytes at most */
  mm_walk walk;
  uint8_t *bytes; /* owned: the encoded values one behind the other, as set */
  uint64_t used, room;
  bool *set; /* owned; one for each column */
  mm_error *err;
} chain_edit;

static inline const mm_layout_column *chain_edited(const chain_edit *e, size_t i) {
  return &e->table->spec.layout.columns[i];
}

/* Open the walk over the file as it is, and what is set: nothing. Clear it also if that fails. */
int chain_edit_open(chain_edit *e);
void chain_edit_clear(chain_edit *e);

/* The walk sees the file as it is now. */
void chain_edit_look(chain_edit *e);

/* The value that SQL gives for a column; where text is counted by an expression a number is the text
** that SQLite makes of it. */
int chain_edit_given(const chain_edit *e, size_t i, mm_value *value);

/* MM_CONSTRAINT "column 'x': why". */
int chain_edit_refuse(const chain_edit *e, size_t i, const char *why);

/* Encode a value for the column's place: it is set then. MM_CONSTRAINT if it does not fit. */
int chain_edit_set(chain_edit *e, size_t i, const mm_value *value);

/* Write the encoded bytes of a column, or of all that are set. */
int chain_edit_put(chain_edit *e, size_t i, const uint8_t *bytes);
int chain_edit_put_all(chain_edit *e);

/* Do the columns that are set read as they were encoded? *column is the first that does not. */
bool chain_edit_reads_back(const chain_edit *e, size_t *column);

#endif
