/*
** chain.h: tables whose records say themselves how large they are.
**
** They are tables of the module mmap, connected, renamed and dropped as all are; but what reads and
** writes rows is here: each row is found from the one before, by a walk (core/bytes/walk.h). There
** are two forms: a table of one file, and a layout, which takes the file, and where in it the records
** lie, as arguments:
**
**     CREATE VIRTUAL TABLE temp.t USING mmap('a.png', offset=8, length u32be, data blob(length) …);
**     CREATE VIRTUAL TABLE temp.png_chunk USING mmap(*, length u32be, data blob(length) …);
**     SELECT … FROM png_chunk('a.png', 8);
**
** Behind the columns there are hidden ones: of a layout its arguments, and offset, next, error.
*/
#ifndef EXT_CHAIN_H
#define EXT_CHAIN_H

#include "ext/records/records.h"
#include "ext/tables/places.h"

/* Hidden columns, counted from chain_hidden_at: a layout's arguments come before, as SQLite gives the
** arguments of a table-valued function to its first hidden columns. */
enum { CHAIN_OFFSET, CHAIN_NEXT, CHAIN_ERROR };
enum { CHAIN_FILE, CHAIN_START, CHAIN_STOP, CHAIN_ENDIAN, CHAIN_ARGUMENTS };

static inline int chain_hidden_at(const mmap_spec *spec) {
  return (int)spec->layout.count + (spec->path ? 0 : CHAIN_ARGUMENTS);
}

/* Where the rows of a file end. */
typedef struct chain_end {
  int64_t rows;
  uint64_t next;    /* behind the last one */
  uint64_t padding; /* that `align` would have put behind it: the file ends before */
  bool ended;       /* `until` says that it is the last */
} chain_end;

/* Places of records that a walk has been at, so that it need not go there again: see places.h. They
** are good for one order of bytes. */
#define MMAP_STATION EXT_PLACES_APART
typedef struct mmap_stations {
  ext_places places;
  bool big_endian;
  int64_t hint_row; /* where chain_find_row has been last; 0: nowhere */
  uint64_t hint_place;
  bool has_end;
  chain_end end;
} mmap_stations;
void mmap_stations_clear(mmap_stations *stations);

/* The table's, for a walk that has begun in the object; forgotten, if they are not good for it. */
mmap_stations *mmap_stations_of(const mmap_table *table, const ext_object *object,
                                const mm_walk *walk);
bool mmap_stations_are_good(const mmap_stations *stations, const ext_object *object,
                            const mm_walk *walk);

/* The table itself has written what moves no record, and the rows may go on to `stop` now: stations
** that were good are so still. */
void mmap_stations_keep(mmap_stations *stations, const ext_object *object, uint64_t stop);

/* The walk is on a record whose rowid is a multiple of MMAP_STATION: leave a station, if it is the
** next one. */
void mmap_stations_leave(mmap_stations *stations, const mm_walk *walk);

/* Go as near as there are stations before record `row`, or the first that starts at `place` (not
** above 0: any). */
void mmap_stations_jump(const mmap_stations *stations, mm_walk *walk, int64_t row, int64_t place);

/* From a walk that has just begun on to a record, or behind the last one. MM_ERROR: it is not there;
** MM_DAMAGED; MM_INTERRUPT. */
int chain_find_row(const mmap_table *table, const ext_object *object, mm_walk *walk, int64_t row,
                   mm_error *err);
int chain_find_end(const mmap_table *table, const ext_object *object, mm_walk *walk, chain_end *end,
                   mm_error *err);

int chainBestIndex(sqlite3_vtab *base, sqlite3_index_info *info);
int chainOpen(sqlite3_vtab *base, sqlite3_vtab_cursor **out);
int chainClose(sqlite3_vtab_cursor *base);
int chainFilter(sqlite3_vtab_cursor *base, int plan, const char *constraints, int argc,
                sqlite3_value **argv);
int chainNext(sqlite3_vtab_cursor *base);
int chainColumn(sqlite3_vtab_cursor *base, sqlite3_context *context, int column);
int chainRowid(sqlite3_vtab_cursor *base, sqlite3_int64 *rowid);

/* xUpdate, behind what is asked of all tables. MM_OK or an error. UPDATE writes in place, INSERT
** appends to a table's own file, DELETE takes records of it away at COMMIT (deleting.c). */
int chain_update(mmap_table *table, int argc, sqlite3_value **argv, sqlite3_int64 *rowid,
                 mm_error *err);

int chain_insert(mmap_table *table, sqlite3_value **argv, sqlite3_int64 *rowid, mm_error *err);
int chain_delete(mmap_table *table, int64_t row, mm_error *err);

/* A walk of the table over an object's window, before its first record, as the arguments say (NULL: not
** given). The walk is open, or of all zeros. */
int chain_begin(const mmap_table *table, mm_walk *walk, sqlite3_value *const args[CHAIN_ARGUMENTS],
                mm_error *err);

/* mmap_check's part. */
int chain_check(mmap_table *table, ext_reads *reads, int argc, sqlite3_value **argv, char **finding,
                mm_error *err);

/* The declaration of its columns, as mmap_spec_declare. */
char *chain_declare(const mmap_spec *spec);

#endif
