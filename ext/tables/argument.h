/*
** argument.h: the arguments of CREATE VIRTUAL TABLE, which SQLite hands over as they were written,
** split at commas outside parentheses and quotes.
*/
#ifndef EXT_ARGUMENT_H
#define EXT_ARGUMENT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"

/* The text of an argument: without the spaces around it, and unquoted if all of it is quoted.
** Allocated; NULL: no memory. */
char *ext_argument_text(const char *p);

/* `yes` or `no`, whatever the case, as the value of option `name`. */
int ext_argument_yes(const char *name, const char *text, bool *yes, mm_error *err);

/* A number of bytes, decimal or hexadecimal, likewise. */
int ext_argument_number(const char *name, const char *text, uint64_t *out, mm_error *err);

/* Does a file of so many bytes have the window? MM_ERROR, naming what is too much. */
int ext_argument_check_window(const char *path, uint64_t offset, uint64_t length, uint64_t size,
                              mm_error *err);

bool ext_argument_is_blank(char c);

/* Past blanks. */
const char *ext_argument_skip(const char *p);

/* A name, quoted or a word, and *p past it. Allocated; NULL: no memory, or, and *p is NULL then,
** there is none. */
char *ext_argument_name(const char **p);

/* One of `name = rest`, an option, or `name rest`, a column. A name that is quoted is a column's. All
** of it may stand in single quotes, `'id u32le'`, for programs that parse what they hand over and
** know no such column; a single word in them is a name. */
typedef struct ext_argument {
  char *name; /* owned */
  const char *rest;
  bool option, quoted;
  char *unquoted; /* owned; what stood in single quotes, NULL: it did not */
} ext_argument;

/* Take an argument apart. MM_ERROR "'…' is neither an option nor a column"; MM_NOMEM. */
int ext_argument_split(const char *text, ext_argument *out, mm_error *err);

void ext_argument_clear(ext_argument *argument);

/* The first argument: a path, allocated, or, *path being NULL, a star without quotes, which is a table
** of any file. NULL, or no text: MM_ERROR. */
int ext_argument_path(const char *text, char **path, mm_error *err);

/* Decimal or 0x hexadecimal, to the end of its digits, where *p is then; -1: no such number. */
int64_t ext_argument_digits(const char **p);

#endif
