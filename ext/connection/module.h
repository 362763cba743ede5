/*
** module.h: how a family of functions and a table present themselves.
*/
#ifndef EXT_MODULE_H
#define EXT_MODULE_H

#include <stdbool.h>

#include "ext/connection/sqlite.h"

typedef void ext_function_body(sqlite3_context *, int, sqlite3_value **);

typedef struct ext_function {
  const char *name;
  int least, most; /* arguments */
  ext_function_body *body;
  bool writes; /* left out of sqlite3_mmap_readonly_init */
  bool pure;   /* touches no file: deterministic */
} ext_function;

/* One that sums up the values of a column; it touches no file. */
typedef struct ext_aggregate {
  const char *name;
  int least, most; /* arguments */
  ext_function_body *step;
  void (*final)(sqlite3_context *);
} ext_aggregate;

/* All of them, ended by a NULL name. */
extern const ext_aggregate ext_aggregates[];

typedef struct ext_module {
  const char *name;
  const sqlite3_module *module; /* NULL: none of this kind */
  const sqlite3_module
      *read_module; /* in its place in sqlite3_mmap_readonly_init; may be the same */
} ext_module;

#endif
