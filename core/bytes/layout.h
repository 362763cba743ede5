/*
** layout.h: records whose bytes say how large they are.
**
** A layout is a list of columns, each with a type, a place and perhaps a condition, and what ends a
** record and the chain of records. Sizes, places and conditions are expressions (expr.h) over the
** columns before. It is compiled once and then only read; a walk (walk.h) goes from record to record
** by it.
**
**     definition of a column, behind its name
**         TYPE                   u32be, text(4), cstr, b3
**         TYPE(e)                blob, text, utf16le, utf16be, latin1 of e bytes
**         TYPE[e]                an array of e items
**         … @N, at(e)            its place, from the start of the record
**         … at_file(e)           from the start of the file
**         … if(e)                where that is false or NULL it has no bytes and is NULL
**         AS (e)                 a value without bytes
**
** A column without a place follows the one before. Bits go on in the byte where the b-column before
** has ended, if theirs is the same order; columns without bytes between the two, computed ones and
** b-columns that are not there, do not part them.
*/
#ifndef MM_LAYOUT_H
#define MM_LAYOUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes/expr.h"
#include "core/bytes/type.h"
#include "core/common/error.h"

enum mm_layout_option {
  MM_LAYOUT_RECORD, /* bytes of a record */
  MM_LAYOUT_COUNT,  /* records at most; sees no columns */
  MM_LAYOUT_WHILE,  /* false: the record is not there, and the rows end */
  MM_LAYOUT_UNTIL,  /* true: it is the last */
  MM_LAYOUT_CHECK,  /* false: damage */
  MM_LAYOUT_OPTIONS
};

enum mm_layout_place { MM_PLACE_AFTER, MM_PLACE_RECORD, MM_PLACE_FILE };

/* Names that expressions see besides the columns: slots behind those of the columns. */
enum mm_layout_name {
  MM_NAME_OFFSET, /* of the record */
  MM_NAME_POS,    /* where the column starts */
  MM_NAME_START,
  MM_NAME_STOP,
  MM_NAME_SIZE, /* of the file */
  MM_NAME_ROWID,
  MM_NAMES
};

#define MM_LEAD_VARIES UINT64_MAX

typedef struct mm_layout_column {
  char *name;
  char *definition; /* as it was given */
  mm_type type;     /* with a `size` its own is none */
  bool computed;    /* AS: `value` is it, and it has no bytes */
  bool plain;       /* follows the one before, always, with bytes of one number */
  bool integer;     /* … that are an integer, whose order of bytes is known */
  bool needed;      /* an expression reads it, also one of a computed column */
  bool rules;    /* … that says a size, a place or whether a column is there: with another value
                    ** the record would be another */
  uint8_t place; /* enum mm_layout_place */
  uint64_t at;   /* of MM_PLACE_RECORD without an expression */
  mm_expr *size; /* bytes, or items of an array; NULL: the type's own */
  int counter;   /* … if that is nothing but a plain integer of the record, and the column follows
                    ** the one before and is always there: which; else -1 */
  uint64_t lead; /* of one that follows the one before: from the start of the record to it, if that
                    ** is the same in all; else MM_LEAD_VARIES */
  mm_expr *where;   /* NULL: none */
  mm_expr *present; /* NULL: always */
  mm_expr *value;
} mm_layout_column;

typedef struct mm_layout {
  mm_layout_column *columns; /* owned */
  size_t count, capacity;
  char *texts[MM_LAYOUT_OPTIONS];
  mm_expr *options[MM_LAYOUT_OPTIONS];
  size_t judged[MM_LAYOUT_OPTIONS]; /* when so many columns have been found it can be judged */
  uint64_t used;     /* if all records are alike: to the furthest end of a column … */
  uint64_t record;   /* … and bytes of each, else 0 */
  uint64_t align;    /* sizes are rounded up to a multiple of it; 0: they are not */
  bool eager;        /* the caller's to set before finish: what computed columns give is found with
                    ** the record, so that damage in them is the record's */
  bool open;         /* some byte order is the argument's */
  bool expressions;  /* there are any, or a type without a fixed size */
  bool simple;       /* there is nothing but columns that are plain or have a counter */
  bool steady;       /* it is simple, and what its size hangs on is one integer: */
  mm_type counter;   /* … of this type … */
  uint64_t count_at; /* … so far from the start of the record … */
  uint64_t fixed;    /* … which has so many bytes more than that says */
  bool far;          /* some column lies at a place in the file: outside its record, perhaps */
  bool sees_end;     /* an expression reads `stop` or `size`: with another end of the file a record
                    ** may be another */
} mm_layout;

/* A layout of all zeros is an empty one. Add a column; set an option to an expression, with or without
** its parentheses. They are only kept: what is wrong with them finish says. The texts are copied.
** MM_NOMEM. */
int mm_layout_add(mm_layout *layout, const char *name, const char *definition, mm_error *err);
int mm_layout_set(mm_layout *layout, int option, const char *text, mm_error *err);

/* Compile all of it. MM_ERROR names the part that is wrong. Byte orders that no type says are
** `big_endian` if `given`, else the argument's, which is then `open`. */
int mm_layout_finish(mm_layout *layout, bool given, bool big_endian, mm_error *err);

void mm_layout_clear(mm_layout *layout); /* afterwards it is empty */

#endif
