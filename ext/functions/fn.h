/*
** fn.h: what the families of functions share.
*/
#ifndef EXT_FN_H
#define EXT_FN_H

#include "ext/connection/ext.h"

/* In a function's body: end with the connection's error. */
void fn_fail(sqlite3_context *context, const char *name);

/* `offset` of a window, negative from its end, with `size` bytes wholly inside: its place in the
** object. MM_ERROR "offset 12 is outside 'a.bin' (10 bytes)". */
int fn_place(const ext_file *file, int64_t offset, uint64_t size, uint64_t *place, mm_error *err);

/* The part of a file that optional arguments start and stop leave, clamped to its window. */
typedef struct fn_range {
  ext_file file;
  const uint8_t *data; /* of the window; never NULL */
  uint64_t from, to;   /* in the window */
  bool none;           /* stop lies before start: not even nothing is there */
  bool past;           /* start lies past the end: likewise, where something is looked for */
} fn_range;

/* Of a file that is resolved: start and stop are argv[first] and argv[first + 1]. */
int fn_range_of(const ext_file *file, int argc, sqlite3_value **argv, int first, fn_range *range,
                mm_error *err);

/* The file argv[0], and start and stop as argv[first] and argv[first + 1]. Nonzero: the function's
** error is set. */
int fn_range_arguments(sqlite3_context *context, const char *name, int argc, sqlite3_value **argv,
                       int first, fn_range *range);

/* How a message calls the file. */
const char *fn_name(const ext_file *file);

/* Did a fault spoil what was just read? Then the function's error is set, and it is nonzero. */
int fn_faulted(sqlite3_context *context, const char *name, const ext_file *file);

/* The same for whoever has read many bytes: a cut inside a page, too. */
int fn_cut(sqlite3_context *context, const char *name, const ext_file *file);

/* One of the two, for `size` bytes. */
int fn_spoilt(sqlite3_context *context, const char *name, const ext_file *file, uint64_t size);

#endif
