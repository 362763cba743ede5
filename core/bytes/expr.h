/*
** expr.h: the expressions that stand in the description of a structure.
**
**     length - 4        align(length, 2) + 8        CASE kind WHEN 'I' THEN 4 ELSE size END
**
** They are SQLite's, and what they give is what SQLite gives for columns of an ordinary table:
**
**     12  0x1f  'it''s'  x'00ff'  NULL  TRUE  FALSE       names  "names"  `names`  [names]
**     ~  unary - and +
**     ||
**     *  /  %
**     +  -
**     &  |  <<  >>
**     <  <=  >  >=
**     =  ==  <>  !=  IS [NOT] [DISTINCT FROM]  [NOT] IN (…)  [NOT] BETWEEN … AND …
**        ISNULL  NOTNULL  NOT NULL
**     NOT
**     AND
**     OR
**     (…)  CASE  iif  min  max  abs  length  coalesce  ifnull
**
** with comments, NULLs and affinities as there. Three functions are not SQLite's:
**
**     align(x, n)       x rounded up to a multiple of n; an n below 1 is damage
**     int(text, base)   a number in base 2 to 36, with spaces and NULs around it, as in the headers of
**                       tar and cpio; nothing but those is 0, any other byte makes it NULL; one of
**                       more than 63 bits is damage, and so is another base
**     oct(text)         int(text, 8)
**
** What differs: there are no reals. Where SQLite's result is one the answer is damage: an overflow
** of 64 bits, arithmetic on a text that begins like a real ('1.5' + 1; '12 bytes' + 1 is 13), abs of
** a text or a blob. A text that is compared with an integer may be a real, and the text of a
** condition: '0.5' is true. "x" is always a name, and TRUE and FALSE never are.
**
** What can be seen at once is refused at once: a constant that would be damage, a constant divisor
** that is 0, a constant base that is none.
*/
#ifndef MM_EXPR_H
#define MM_EXPR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/bytes/type.h"
#include "core/common/error.h"

/* What an expression or a name gives besides NULL: one of enum mm_value_kind, MM_VALUE_NULL being
** NULL always, or this. Never MM_VALUE_REAL. */
#define MM_EXPR_UNKNOWN (-1)

/* What a name stands for: a value that the frame is asked for by its slot. It is compared as a
** column of SQLite is that was declared INTEGER, TEXT or BLOB; without a type for UNKNOWN. */
typedef struct mm_expr_name {
  int slot; /* 0 or more */
  int kind; /* MM_VALUE_INTEGER, MM_VALUE_TEXT, MM_VALUE_BLOB or MM_EXPR_UNKNOWN */
} mm_expr_name;

/* Asked for each name, as it is written but without its quotes. Anything but MM_OK, with a sentence
** that says why ("'x' comes later"), ends the compilation and is its result. */
typedef int mm_expr_bind(void *context, const char *name, mm_expr_name *out, mm_error *err);

/* A compiled expression. It does not change, so threads may share it. */
typedef struct mm_expr mm_expr;

/* Compile `size` bytes of text, which need not stay. `bind` may be NULL: there are no names then.
** MM_ERROR, naming the part at fault ("')' is missing in '(a + b'"): what is no expression, an
** unknown function or a wrong number of arguments, a real, more than 100 levels of nesting; what
** `bind` says; MM_NOMEM. */
int mm_expr_compile(const char *text, size_t size, mm_expr_bind *bind, void *context, mm_expr **out,
                    mm_error *err);
void mm_expr_free(mm_expr *expr); /* NULL is allowed */

/* Is it the same always? Then that, which stays as long as `expr` does. */
bool mm_expr_constant(const mm_expr *expr, mm_value *value);

/* What it gives, if not NULL: see MM_EXPR_UNKNOWN. */
int mm_expr_kind(const mm_expr *expr);

/* The slot of an expression that is nothing but a name (brackets and a plus are allowed); else -1. */
int mm_expr_bare(const mm_expr *expr);

/* The slots that it uses, each once, ascending: the highest is the last. */
const int *mm_expr_slots(const mm_expr *expr, size_t *count);

/* Where expressions get their values from, and the memory for those they make. Begin with zeros
** and the two first members. One thread at a time. */
typedef struct mm_expr_frame {
  /* The value of a slot: asked for once for each time that an evaluation comes to its name, and
  ** not where AND, OR, CASE, IN, iif, coalesce or ifnull have no need of it. NULL, or of the kind
  ** that was bound. Its data must stay until what is made of it is no longer used. It may
  ** evaluate others with this frame. */
  int (*get)(void *context, int slot, mm_value *value, mm_error *err);
  void *context;
  struct mm_expr_block *first, *now, *began_in; /* private, as is all below */
  uint64_t began_at;
} mm_expr_frame;

/* Forget what `||` has made since the last time, all values in it: once a record, say. The memory
** is used again. */
void mm_expr_frame_reset(mm_expr_frame *frame);
void mm_expr_frame_free(mm_expr_frame *frame); /* gives it back; the frame can still be used */

/* Evaluate. The value's data is the frame's, the slot's or the expression's own. MM_DAMAGED for
** damage, naming the values ("9223372036854775807 + 1 overflows"); what `get` returns; MM_TOOBIG and
** MM_NOMEM for what `||` makes. It allocates nothing but for that. */
int mm_expr_eval(const mm_expr *expr, mm_expr_frame *frame, mm_value *out, mm_error *err);

/* SQL's truth: a number that is not 0, a text or a blob that begins with one. NULL is not true. */
bool mm_expr_true(const mm_value *value);

#endif
