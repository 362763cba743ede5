/*
** expr_private.h: what the files expr*.c share.
**
**     expr_lex.c     text to tokens
**     expr_parse.c   tokens to operations, in the order in which they are executed
**     expr_code.c    the operations being written: constants are folded, depths counted
**     expr_eval.c    the operations executed, on a stack of values
**     expr_value.c   what SQLite makes of values: casts, order, truth
**
** There is no tree: an expression in postfix order is its own program. AND, OR, CASE and the like
** jump over what they do not need, always forward.
*/
#ifndef MM_EXPR_PRIVATE_H
#define MM_EXPR_PRIVATE_H

#include "core/bytes/expr.h"

/* ---- values ---------------------------------------------------------------------------------- */

/* As SQLite orders them: what is above NONE belongs to a column. */
enum expr_affinity {
  EXPR_AFFINITY_NONE,
  EXPR_AFFINITY_BLOB,
  EXPR_AFFINITY_TEXT,
  EXPR_AFFINITY_NUMERIC
};

/* The integer that arithmetic makes of anything but NULL; false where it makes a real. */
bool expr_number(const mm_value *value, int64_t *integer);

/* The integer that & and its like make of it, held at the ends of 64 bits. */
int64_t expr_bits(const mm_value *value);

enum { EXPR_FALSE, EXPR_TRUE, EXPR_NULL };
int expr_truth(const mm_value *value);

/* Below, equal or above (-1, 0, 1); neither may be NULL. */
int expr_compare(const mm_value *a, const mm_value *b, int affinity);

/* Room for any integer as text. Returns the number of characters. */
#define EXPR_DIGITS 24
size_t expr_print(int64_t integer, char out[EXPR_DIGITS]);

/* An integer as the text that SQLite makes of it, in `digits`; what is none as TEXT, too. */
mm_value expr_text(const mm_value *value, char digits[EXPR_DIGITS]);

int64_t expr_length(const mm_value *value);
/* A text of digits in base 2 to 36. False: too large. NULL is a result. */
#define EXPR_BASE_LEAST 2
#define EXPR_BASE_MOST 36
bool expr_int(const mm_value *value, int64_t base, mm_value *out);

static inline mm_value expr_null(void) {
  return (mm_value){.kind = MM_VALUE_NULL};
}

/* Only what an integer has is written: this is the hot path. */
static inline void expr_set(mm_value *value, int64_t integer) {
  value->kind = MM_VALUE_INTEGER;
  value->integer = integer;
}

/* ---- operations ------------------------------------------------------------------------------ */

/* In brackets: the values on the top of the stack, before and after. */
enum expr_code_name {
  EXPR_PUSH, /* [] [x]     constants[argument] */
  EXPR_SLOT, /* [] [x]     the value of slot `argument` */

  EXPR_NEGATE, /* [x] [-x] and so on */
  EXPR_BITNOT,
  EXPR_NOT,
  EXPR_ISNULL,
  EXPR_NOTNULL,
  EXPR_TRUTH, /* IS [NOT] TRUE or FALSE: EXPR_TRUTH_… in `argument` */
  EXPR_ABS,
  EXPR_LENGTH,

  /* [a b] [a + b] and so on. Here and below b is constants[argument] and not on the stack, unless
  ** `argument` is EXPR_ON_STACK. */
  EXPR_ADD,
  EXPR_SUBTRACT,
  EXPR_MULTIPLY,
  EXPR_DIVIDE,
  EXPR_REMAINDER,
  EXPR_ALIGN,
  EXPR_BITAND,
  EXPR_BITOR,
  EXPR_LEFT,
  EXPR_RIGHT,
  EXPR_CONCAT,
  EXPR_INT,
  EXPR_MIN,
  EXPR_MAX,
  EXPR_EQ,
  EXPR_NE,
  EXPR_LT,
  EXPR_LE,
  EXPR_GT,
  EXPR_GE,
  EXPR_IS,
  EXPR_ISNOT,

  EXPR_BETWEEN_LOW,  /* [x a] [x r]     r: x >= a; if that is false [0], and jump */
  EXPR_BETWEEN_HIGH, /* [x r b] [y]     y: r AND x <= b */
  EXPR_IN_ITEM,      /* [x r b] [x r]   if x = b: r is 1, jump; if x is NULL: r is NULL, jump;
                     **                 if b is NULL: r is NULL */
  EXPR_CASE_ITEM,    /* [x b] [x]       jump unless x = b */

  EXPR_AND_JUMP, /* [x] [r]         r: is x true? If it is false, jump */
  EXPR_AND,      /* [r b] [r AND b] */
  EXPR_OR_JUMP,
  EXPR_OR,
  EXPR_JUMP,
  EXPR_JUMP_UNLESS, /* [x] []          jump unless x is true */
  EXPR_JUMP_VALUE,  /* [x] [x] and jump, or [] if x is NULL */
  EXPR_DROP,        /* [x] [] */
  EXPR_NIP          /* [x y] [y] */
};

#define EXPR_ON_STACK UINT32_MAX
enum { EXPR_TRUTH_WANTED = 1, EXPR_TRUTH_NEGATED = 2 };

typedef struct expr_op {
  uint8_t code;      /* enum expr_code_name */
  uint8_t affinity;  /* of a comparison */
  uint32_t argument; /* a constant's index, a slot, flags */
  uint32_t target;   /* of a jump: the index of an operation */
} expr_op;

/* So many values an evaluation has at a time, so many levels of brackets and the like a text. */
#define EXPR_STACK_MAX 200
#define EXPR_NESTING_MAX 100

/* What most expressions are is evaluated without the stack. */
enum expr_shape { EXPR_ANY, EXPR_CONSTANT, EXPR_BARE, EXPR_SUM };

struct mm_expr {
  int shape;
  int kind;
  expr_op *ops;
  mm_value *constants;
  int *slots;
  size_t count, count_of_constants, count_of_slots;
  size_t capacity, capacity_of_constants, capacity_of_slots;
  /* The bytes of constants: as written; and as folded, apart from those, so that a long a || b || c
  ** is folded in place. */
  mm_expr_frame written, folded;
};

/* Execute the operations from `from` to the last. */
int expr_run(const mm_expr *expr, size_t from, mm_expr_frame *frame, mm_value *out, mm_error *err);

/* `size` bytes from the frame's memory; NULL when there is none. */
uint8_t *expr_frame_alloc(mm_expr_frame *frame, uint64_t size);

/* The number of bytes of a text that a sentence shows: whole characters, not too many. */
int expr_shown(const char *text, size_t size);

/* ---- tokens ---------------------------------------------------------------------------------- */

enum expr_token_kind {
  EXPR_T_END,
  EXPR_T_NAME,    /* plain */
  EXPR_T_QUOTED,  /* a name in quotes of some kind */
  EXPR_T_INTEGER, /* decimal */
  EXPR_T_HEX,     /* 0x… */
  EXPR_T_TEXT,
  EXPR_T_BLOB,
  EXPR_T_OPEN,
  EXPR_T_CLOSE,
  EXPR_T_COMMA,
  EXPR_T_TILDE,
  EXPR_T_OPERATOR, /* with two operands: `operation` and `level` say which */
  EXPR_T_OR,       /* words, from here on */
  EXPR_T_AND,
  EXPR_T_NOT,
  EXPR_T_IS,
  EXPR_T_IN,
  EXPR_T_BETWEEN,
  EXPR_T_ISNULL,
  EXPR_T_NOTNULL,
  EXPR_T_CASE,
  EXPR_T_WHEN,
  EXPR_T_THEN,
  EXPR_T_ELSE,
  EXPR_T_ENDS, /* END */
  EXPR_T_NULL,
  EXPR_T_TRUE,
  EXPR_T_FALSE
};

/* How tightly what stands between two operands binds. */
enum {
  EXPR_LEVEL_NONE,
  EXPR_LEVEL_OR,
  EXPR_LEVEL_AND,
  EXPR_LEVEL_NOT,
  EXPR_LEVEL_EQUAL,
  EXPR_LEVEL_LESS,
  EXPR_LEVEL_BITS,
  EXPR_LEVEL_SUM,
  EXPR_LEVEL_PRODUCT,
  EXPR_LEVEL_CONCAT,
  EXPR_LEVEL_UNARY
};

typedef struct expr_token {
  int kind; /* enum expr_token_kind */
  int operation, level;
  const char *text; /* with its quotes */
  size_t size;
} expr_token;

/* Once `rc` is set everything that takes it does nothing, and there are no more tokens. */
typedef struct expr_lexer {
  const char *text;
  size_t size, at;
  expr_token token; /* the one ahead */
  int rc;
  mm_error *err;
} expr_lexer;

/* `text` must have no NULs. */
void expr_lex_begin(expr_lexer *lexer, const char *text, size_t size, mm_error *err);
void expr_lex_next(expr_lexer *lexer);

/* Is the token ahead this word, plainly written? `word` is in lower case. */
bool expr_lex_is(const expr_lexer *lexer, const char *word);

/* MM_ERROR: the sentence, and "in" what. */
void expr_lex_fail(expr_lexer *lexer, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* ---- code ------------------------------------------------------------------------------------ */

/* A part of an expression that has been written: the operations from `at` on, which leave one
** value. */
typedef struct expr_part {
  size_t at;
  int affinity;
  int kind;
  bool constant; /* then it is one PUSH */
  bool literal;  /* TRUE or FALSE itself, which IS treats in its own way */
} expr_part;

typedef struct expr_writer {
  mm_expr *expr;
  expr_lexer *lexer; /* whose `rc` stops the writing, too */
  int depth;         /* values on the stack here */
} expr_writer;

expr_part expr_write_constant(expr_writer *w, mm_value value);
expr_part expr_write_slot(expr_writer *w, const mm_expr_name *name);
expr_part expr_write_unary(expr_writer *w, int code, expr_part a, uint32_t argument);
expr_part expr_write_binary(expr_writer *w, int code, expr_part a, expr_part b);

/* An operation that takes a second operand, with the affinity of its comparison. */
void expr_write_with(expr_writer *w, int code, expr_part b, int affinity);

/* Any other; `change` is what it does to the depth. */
void expr_write(expr_writer *w, int code, int change);

/* The jump just written does not know its target yet: it becomes one of a chain, `*chain` being the
** last of it, 0 if there is none (no program begins with a jump). All of it lands here, with so
** many values. */
void expr_chain(expr_writer *w, size_t *chain);
void expr_land(expr_writer *w, size_t chain, int depth);

/* Everything since `part.at` is one value: fold it if it is constant. */
expr_part expr_write_end(expr_writer *w, expr_part part, bool constant);

/* Take back the part that was written last. */
void expr_unwrite(expr_writer *w, expr_part part);

/* The value of a part that is constant. */
const mm_value *expr_part_constant(const expr_writer *w, expr_part part);

/* With which affinity the two are compared. */
int expr_compare_affinity(expr_part a, expr_part b);

/* Know what kind of program it is, once it is all written. */
void expr_finish(mm_expr *expr, expr_part all);

/* The kind of what is either the one or the other. */
int expr_either(int a, int b);

/* ---- parsing --------------------------------------------------------------------------------- */

/* Write the expression that all of the text is. */
int expr_parse(mm_expr *expr, const char *text, size_t size, mm_expr_bind *bind, void *context,
               mm_error *err);

#endif
