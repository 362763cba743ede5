#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/expr_private.h"
#include "core/common/mem.h"

/* ---- the frame's memory ---------------------------------------------------------------------- */

/* What is in a block never moves. */
struct mm_expr_block {
  struct mm_expr_block *next;
  uint64_t capacity, used;
  uint8_t bytes[];
};

typedef struct mm_expr_block eval_block;

#define EVAL_BLOCK_LEAST 4000
/* The longest text, as in SQLite by default. */
#define EVAL_TEXT_MAX UINT64_C(1000000000)

static uint64_t eval_room(const eval_block *block) {
  return block ? block->capacity - block->used : 0;
}

/* Blocks that are left from before the last reset follow the one in use. */
static bool eval_use_next(mm_expr_frame *frame, uint64_t size) {
  eval_block *next = frame->now ? frame->now->next : NULL;
  if (!next || next->capacity < size) return false;
  next->used = 0;
  frame->now = next;
  return true;
}

/* Twice what is asked for: a || b || c grows in place. */
static bool eval_add_block(mm_expr_frame *frame, uint64_t size) {
  uint64_t capacity = size < EVAL_BLOCK_LEAST / 2 ? EVAL_BLOCK_LEAST : 2 * size;
  eval_block *block = mm_alloc(offsetof(eval_block, bytes) + capacity);
  if (!block) return false;
  eval_block **link = frame->now ? &frame->now->next : &frame->first;
  *block = (eval_block){.next = *link, .capacity = capacity};
  *link = frame->now = block;
  return true;
}

uint8_t *expr_frame_alloc(mm_expr_frame *frame, uint64_t size) {
  if (!frame->now || eval_room(frame->now) < size) {
    if (!eval_use_next(frame, size) && !eval_add_block(frame, size)) return NULL;
  }
  uint8_t *bytes = frame->now->bytes + frame->now->used;
  frame->now->used += size;
  return bytes;
}

void mm_expr_frame_reset(mm_expr_frame *frame) {
  frame->now = frame->first;
  if (frame->first) frame->first->used = 0;
}

void mm_expr_frame_free(mm_expr_frame *frame) {
  while (frame->first) {
    eval_block *next = frame->first->next;
    mm_free(frame->first);
    frame->first = next;
  }
  frame->now = NULL;
}

/* Has this evaluation made it, in the block in use? Values are made in the order of the stack: all
** that lies behind this one was made for what it is joined with now, and is no longer needed. */
static bool eval_is_last(const mm_expr_frame *frame, const mm_value *text) {
  const eval_block *now = frame->now;
  if (!now || text->size == 0) return false;
  uint64_t begin = now == frame->began_in ? frame->began_at : 0;
  uintptr_t at = (uintptr_t)text->data, bytes = (uintptr_t)now->bytes;
  return at >= bytes + begin && at < bytes + now->used;
}

/* Put b behind a, in place. False: that is not possible. */
static bool eval_extend(mm_expr_frame *frame, const mm_value *a, const mm_value *b) {
  if (!eval_is_last(frame, a)) return false;
  eval_block *now = frame->now;
  uint64_t end = (uint64_t)(a->data - now->bytes) + a->size;
  if (now->capacity - end < b->size) return false;
  if (b->size) memmove(now->bytes + end, b->data, (size_t)b->size);
  now->used = end + b->size;
  return true;
}

static const uint8_t *eval_put_together(mm_expr_frame *frame, const mm_value *a,
                                        const mm_value *b) {
  uint8_t *to = expr_frame_alloc(frame, a->size + b->size);
  if (to && a->size) memcpy(to, a->data, (size_t)a->size);
  if (to && b->size) memcpy(to + a->size, b->data, (size_t)b->size);
  return to;
}

/* a || b, not NULL. */
static int eval_join(mm_expr_frame *frame, mm_value *a, mm_value b, mm_error *err) {
  char digits[EXPR_DIGITS];
  mm_value text = expr_text(a, digits);
  uint64_t size = text.size + b.size;
  if (size > EVAL_TEXT_MAX) return mm_fail(err, MM_TOOBIG, "the result of || is too long");
  if (!eval_extend(frame, &text, &b)) text.data = eval_put_together(frame, &text, &b);
  if (!text.data) return mm_fail_nomem(err);
  text.size = size;
  *a = text;
  return MM_OK;
}

static int eval_concat(mm_expr_frame *frame, mm_value *a, const mm_value *b, mm_error *err) {
  char digits[EXPR_DIGITS];
  if (a->kind == MM_VALUE_NULL) return MM_OK;
  if (b->kind == MM_VALUE_NULL) {
    *a = expr_null();
    return MM_OK;
  }
  return eval_join(frame, a, expr_text(b, digits), err);
}

/* ---- damage ---------------------------------------------------------------------------------- */

#define EVAL_SHOWN 40

static int eval_no_integer(const mm_value *value, mm_error *err) {
  char shown[EVAL_SHOWN + 1];
  size_t size = value->size < EVAL_SHOWN ? (size_t)value->size : EVAL_SHOWN;
  for (size_t i = 0; i < size; i++) {
    uint8_t c = value->data[i];
    shown[i] = c >= ' ' && c < 0x7f ? (char)c : '?';
  }
  shown[size] = 0;
  return mm_fail(err, MM_DAMAGED, "'%s%s' is no integer", shown, value->size > size ? "…" : "");
}

static const char *eval_sign(int code) {
  static const char signs[] = "+-*/%";
  return &signs[code - EXPR_ADD];
}

static int eval_overflow(int code, int64_t x, int64_t y, mm_error *err) {
  if (code == EXPR_ALIGN) {
    return mm_fail(err, MM_DAMAGED, "align(%" PRId64 ", %" PRId64 ") overflows", x, y);
  }
  return mm_fail(err, MM_DAMAGED, "%" PRId64 " %.1s %" PRId64 " overflows", x, eval_sign(code), y);
}

/* ---- operations ------------------------------------------------------------------------------ */

/* Only what counts: a copy of all of it would have to wait until what was just written in parts has
** reached the cache. */
static inline void eval_copy(mm_value *to, const mm_value *from) {
  to->kind = from->kind;
  if (from->kind == MM_VALUE_INTEGER) {
    to->integer = from->integer;
  } else {
    to->data = from->data;
    to->size = from->size;
  }
}

/* The integer that arithmetic takes a value for, which is not NULL. */
static inline bool eval_number(const mm_value *value, int64_t *integer) {
  if (value->kind != MM_VALUE_INTEGER) return expr_number(value, integer);
  *integer = value->integer;
  return true;
}

static void eval_set_truth(mm_value *value, int truth) {
  if (truth == EXPR_NULL) {
    value->kind = MM_VALUE_NULL;
  } else {
    expr_set(value, truth);
  }
}

static inline int eval_truth(const mm_value *value) {
  return value->kind == MM_VALUE_INTEGER ? value->integer != 0 : expr_truth(value);
}

/* INT64_MIN / -1 overflows; of the remainder SQLite knows that it is 0. False: it overflows. */
static bool eval_divide(int code, mm_value *out, int64_t x, int64_t y) {
  if (y == 0) {
    out->kind = MM_VALUE_NULL;
  } else if (y == -1) {
    expr_set(out, code == EXPR_REMAINDER ? 0 : (int64_t)(0 - (uint64_t)x));
    return code == EXPR_REMAINDER || x != INT64_MIN;
  } else {
    expr_set(out, code == EXPR_REMAINDER ? x % y : x / y);
  }
  return true;
}

/* Up, also from below 0. */
static bool eval_align(mm_value *out, int64_t x, int64_t n) {
  int64_t over = x % n;
  int64_t more = over > 0 ? n - over : -over;
  out->kind = MM_VALUE_INTEGER;
  return !__builtin_add_overflow(x, more, &out->integer);
}

static bool eval_compute(int code, mm_value *out, int64_t x, int64_t y) {
  out->kind = MM_VALUE_INTEGER;
  switch (code) {
    case EXPR_ADD:
      return !__builtin_add_overflow(x, y, &out->integer);
    case EXPR_SUBTRACT:
      return !__builtin_sub_overflow(x, y, &out->integer);
    case EXPR_MULTIPLY:
      return !__builtin_mul_overflow(x, y, &out->integer);
    case EXPR_ALIGN:
      return eval_align(out, x, y);
    default:
      return eval_divide(code, out, x, y);
  }
}

/* [a b] [a + b] and so on. */
static int eval_arithmetic(int code, mm_value *a, const mm_value *b, mm_error *err) {
  int64_t x, y;
  if (a->kind == MM_VALUE_NULL || b->kind == MM_VALUE_NULL) {
    a->kind = MM_VALUE_NULL;
    return MM_OK;
  }
  if (!eval_number(a, &x)) return eval_no_integer(a, err);
  if (!eval_number(b, &y)) return eval_no_integer(b, err);
  if (code == EXPR_ALIGN && y < 1) {
    return mm_fail(err, MM_DAMAGED, "an alignment of %" PRId64, y);
  }
  return eval_compute(code, a, x, y) ? MM_OK : eval_overflow(code, x, y, err);
}

/* A shift by less than 0 goes the other way, one by 64 or more leaves the sign's bits, or nothing
** (OP_ShiftLeft, vdbe.c). */
static int64_t eval_shift(bool left, int64_t x, int64_t by) {
  if (by < 0) {
    left = !left;
    by = by > -64 ? -by : 64;
  }
  if (by >= 64) return x >= 0 || left ? 0 : -1;
  if (left) return (int64_t)((uint64_t)x << by);
  return x < 0 ? (int64_t) ~(~(uint64_t)x >> by) : x >> by;
}

static void eval_bits(int code, mm_value *a, const mm_value *b) {
  if (a->kind == MM_VALUE_NULL || b->kind == MM_VALUE_NULL) {
    a->kind = MM_VALUE_NULL;
    return;
  }
  int64_t x = expr_bits(a), y = expr_bits(b);
  expr_set(a, code == EXPR_BITAND  ? x & y
              : code == EXPR_BITOR ? x | y
                                   : eval_shift(code == EXPR_LEFT, x, y));
}

/* Two of a kind are compared alike whatever the affinity: one of TEXT has a text on one side. */
static inline int eval_compare(const mm_value *a, const mm_value *b, int affinity) {
  if (a->kind == MM_VALUE_INTEGER && b->kind == MM_VALUE_INTEGER) {
    return a->integer < b->integer ? -1 : a->integer > b->integer;
  }
  if (a->kind == MM_VALUE_TEXT && b->kind == MM_VALUE_TEXT) {
    return mm_compare_bytes(a->data, a->size, b->data, b->size);
  }
  return expr_compare(a, b, affinity);
}

static bool eval_holds(int code, int order) {
  switch (code) {
    case EXPR_EQ:
      return order == 0;
    case EXPR_NE:
      return order != 0;
    case EXPR_LT:
      return order < 0;
    case EXPR_LE:
      return order <= 0;
    case EXPR_GT:
      return order > 0;
    default:
      return order >= 0;
  }
}

/* A comparison's EXPR_TRUE, EXPR_FALSE or EXPR_NULL. */
static inline int eval_compared(int code, const mm_value *a, const mm_value *b, int affinity) {
  if (a->kind == MM_VALUE_NULL || b->kind == MM_VALUE_NULL) return EXPR_NULL;
  return eval_holds(code, eval_compare(a, b, affinity));
}

/* To IS NULL is a value like others. */
static bool eval_same(const mm_value *a, const mm_value *b, int affinity) {
  if (a->kind == MM_VALUE_NULL || b->kind == MM_VALUE_NULL) return a->kind == b->kind;
  return eval_compare(a, b, affinity) == 0;
}

/* minmaxFunc (func.c). */
static void eval_extreme(bool most, mm_value *a, const mm_value *b) {
  if (a->kind == MM_VALUE_NULL) return;
  if (b->kind == MM_VALUE_NULL) {
    a->kind = MM_VALUE_NULL;
    return;
  }
  int order = eval_compare(a, b, EXPR_AFFINITY_NONE);
  if (most ? order < 0 : order > 0) eval_copy(a, b);
}

/* [text base] [number] */
static int eval_int(mm_value *a, const mm_value *b, mm_error *err) {
  int64_t base;
  mm_value text = *a;
  if (a->kind == MM_VALUE_NULL || b->kind == MM_VALUE_NULL) {
    a->kind = MM_VALUE_NULL;
    return MM_OK;
  }
  if (!eval_number(b, &base)) return eval_no_integer(b, err);
  if (base < EXPR_BASE_LEAST || base > EXPR_BASE_MOST) {
    return mm_fail(err, MM_DAMAGED, "a number in base %" PRId64, base);
  }
  if (expr_int(&text, base, a)) return MM_OK;
  return mm_fail(err, MM_DAMAGED, "a number in base %" PRId64 " of more than 63 bits", base);
}

/* What most operations are: of two integers, quickly. False: the others' way. */
static inline bool eval_integers(int code, mm_value *a, const mm_value *b) {
  if (a->kind != MM_VALUE_INTEGER || b->kind != MM_VALUE_INTEGER) return false;
  int64_t x = a->integer, y = b->integer, sum;
  switch (code) {
    case EXPR_ADD:
      if (__builtin_add_overflow(x, y, &sum)) return false;
      a->integer = sum;
      return true;
    case EXPR_SUBTRACT:
      if (__builtin_sub_overflow(x, y, &sum)) return false;
      a->integer = sum;
      return true;
    case EXPR_MULTIPLY:
      if (__builtin_mul_overflow(x, y, &sum)) return false;
      a->integer = sum;
      return true;
    case EXPR_BITAND:
      a->integer = x & y;
      return true;
    case EXPR_EQ:
      a->integer = x == y;
      return true;
    case EXPR_NE:
      a->integer = x != y;
      return true;
    case EXPR_LT:
      a->integer = x < y;
      return true;
    case EXPR_LE:
      a->integer = x <= y;
      return true;
    case EXPR_GT:
      a->integer = x > y;
      return true;
    case EXPR_GE:
      a->integer = x >= y;
      return true;
    default:
      return false;
  }
}

static int eval_binary(const expr_op *op, mm_expr_frame *frame, mm_value *a, const mm_value *b,
                       mm_error *err) {
  if (op->code <= EXPR_ALIGN) return eval_arithmetic(op->code, a, b, err);
  if (op->code <= EXPR_RIGHT) {
    eval_bits(op->code, a, b);
  } else if (op->code == EXPR_CONCAT) {
    return eval_concat(frame, a, b, err);
  } else if (op->code == EXPR_INT) {
    return eval_int(a, b, err);
  } else if (op->code <= EXPR_MAX) {
    eval_extreme(op->code == EXPR_MAX, a, b);
  } else if (op->code <= EXPR_GE) {
    eval_set_truth(a, eval_compared(op->code, a, b, op->affinity));
  } else {
    expr_set(a, eval_same(a, b, op->affinity) == (op->code == EXPR_IS));
  }
  return MM_OK;
}

/* x IS NOT FALSE, say: NULL is not either of them. */
static bool eval_is_truth(const mm_value *x, uint32_t how) {
  int wanted = how & EXPR_TRUTH_WANTED ? EXPR_TRUE : EXPR_FALSE;
  bool negated = how & EXPR_TRUTH_NEGATED;
  return (eval_truth(x) == wanted) != negated;
}

/* SQLite's is 0 - x. */
static int eval_negate(mm_value *x, mm_error *err) {
  int64_t n;
  if (!eval_number(x, &n)) return eval_no_integer(x, err);
  if (n == INT64_MIN) return mm_fail(err, MM_DAMAGED, "-(%" PRId64 ") overflows", n);
  expr_set(x, -n);
  return MM_OK;
}

/* Of what is no integer SQLite makes a real. */
static int eval_abs(mm_value *x, mm_error *err) {
  if (x->kind != MM_VALUE_INTEGER) return eval_no_integer(x, err);
  return x->integer < 0 ? eval_negate(x, err) : MM_OK;
}

/* Those of NULL are NULL. */
static int eval_unary_of(int code, mm_value *x, mm_error *err) {
  switch (code) {
    case EXPR_NEGATE:
      return eval_negate(x, err);
    case EXPR_BITNOT:
      expr_set(x, ~expr_bits(x));
      return MM_OK;
    case EXPR_NOT:
      expr_set(x, eval_truth(x) == EXPR_FALSE);
      return MM_OK;
    case EXPR_ABS:
      return eval_abs(x, err);
    default:
      expr_set(x, expr_length(x));
      return MM_OK;
  }
}

static int eval_unary(const expr_op *op, mm_value *x, mm_error *err) {
  bool null = x->kind == MM_VALUE_NULL;
  if (op->code == EXPR_ISNULL || op->code == EXPR_NOTNULL) {
    expr_set(x, null == (op->code == EXPR_ISNULL));
  } else if (op->code == EXPR_TRUTH) {
    expr_set(x, eval_is_truth(x, op->argument));
  } else if (!null) {
    return eval_unary_of(op->code, x, err);
  }
  return MM_OK;
}

static int eval_slot(mm_expr_frame *frame, int slot, mm_value *out, mm_error *err) {
  int rc = frame->get(frame->context, slot, out, err);
  if (!rc && out->kind == MM_VALUE_REAL) {
    return mm_fail(err, MM_DAMAGED, "a real takes part in an expression");
  }
  return rc;
}

/* ---- operations that jump: they return whether ------------------------------------------------ */

/* [x] [r] */
static bool eval_decide(mm_value *x, int enough) {
  int truth = eval_truth(x);
  eval_set_truth(x, truth);
  return truth == enough;
}

/* [r b] [r AND b]: r is true or NULL here; with `enough` EXPR_TRUE [r OR b], r being false or NULL. */
static void eval_combine(mm_value *r, int b, int enough) {
  if (b == enough || r->kind != MM_VALUE_NULL) eval_set_truth(r, b);
}

/* [x a] [x r], or [0] */
static bool eval_low(const expr_op *op, mm_value *x, const mm_value *a, mm_value *r) {
  int truth = eval_compared(EXPR_GE, x, a, op->affinity);
  eval_set_truth(truth == EXPR_FALSE ? x : r, truth);
  return truth == EXPR_FALSE;
}

/* [x r b] [x r] */
static bool eval_in_item(const expr_op *op, const mm_value *x, mm_value *r, const mm_value *b) {
  int truth = eval_compared(EXPR_EQ, x, b, op->affinity);
  if (truth != EXPR_FALSE) eval_set_truth(r, truth);
  return truth == EXPR_TRUE || x->kind == MM_VALUE_NULL;
}

/* ---- the machine ----------------------------------------------------------------------------- */

/* The second operand: `top` is above the first then. */
static inline const mm_value *eval_operand(const mm_expr *expr, const expr_op *op, mm_value **top) {
  if (op->argument != EXPR_ON_STACK) return &expr->constants[op->argument];
  return (*top)--;
}

/* An operation of BETWEEN, IN or CASE. Returns whether it jumps. */
static bool eval_item(const mm_expr *expr, const expr_op *op, mm_value **top) {
  const mm_value *b = eval_operand(expr, op, top);
  mm_value *x = *top;
  switch (op->code) {
    case EXPR_BETWEEN_LOW:
      if (eval_low(op, x, b, x + 1)) return true;
      *top = x + 1;
      return false;
    case EXPR_BETWEEN_HIGH:
      eval_combine(x, eval_compared(EXPR_LE, x - 1, b, op->affinity), EXPR_FALSE);
      eval_copy(x - 1, x);
      *top = x - 1;
      return false;
    case EXPR_IN_ITEM:
      return eval_in_item(op, x - 1, x, b);
    default:
      return eval_compared(EXPR_EQ, x, b, op->affinity) != EXPR_TRUE;
  }
}

/* An operation from AND_JUMP on. Returns whether it jumps. */
static bool eval_flow(int code, mm_value **top) {
  mm_value *x = *top;
  switch (code) {
    case EXPR_AND_JUMP:
      return eval_decide(x, EXPR_FALSE);
    case EXPR_OR_JUMP:
      return eval_decide(x, EXPR_TRUE);
    case EXPR_AND:
    case EXPR_OR:
      eval_combine(x - 1, eval_truth(x), code == EXPR_AND ? EXPR_FALSE : EXPR_TRUE);
      *top = x - 1;
      return false;
    case EXPR_JUMP:
      return true;
    case EXPR_JUMP_UNLESS:
      *top = x - 1;
      return eval_truth(x) != EXPR_TRUE;
    case EXPR_JUMP_VALUE:
      if (x->kind != MM_VALUE_NULL) return true;
      *top = x - 1;
      return false;
    case EXPR_NIP:
      eval_copy(x - 1, x);
      *top = x - 1;
      return false;
    default: /* EXPR_DROP */
      *top = x - 1;
      return false;
  }
}

/* Two operands: integers are dealt with here. */
static inline int eval_two(const mm_expr *expr, const expr_op *op, mm_expr_frame *frame,
                           mm_value **top, mm_error *err) {
  const mm_value *b = eval_operand(expr, op, top);
  if (eval_integers(op->code, *top, b)) return MM_OK;
  return eval_binary(op, frame, *top, b, err);
}

/* Static analysers do not know that a program pushes first what it takes then. */
#if defined __clang_analyzer__ || defined MM_ANALYZER
#define EVAL_CLEAR(stack) memset((stack), 0, sizeof(stack))
#else
#define EVAL_CLEAR(stack) (void)0
#endif

int expr_run(const mm_expr *expr, size_t from, mm_expr_frame *frame, mm_value *out, mm_error *err) {
  mm_value stack[EXPR_STACK_MAX + 2]; /* one below the first; one that BETWEEN_LOW passes */
  EVAL_CLEAR(stack);
  mm_value *top = stack;
  const expr_op *op = expr->ops + from, *end = expr->ops + expr->count;
  int rc = MM_OK;
  top->kind = MM_VALUE_NULL; /* what no operations would give */
  while (!rc && op < end) {
    const expr_op *now = op++;
    if (now->code == EXPR_PUSH) {
      eval_copy(++top, &expr->constants[now->argument]);
    } else if (now->code == EXPR_SLOT) {
      rc = eval_slot(frame, (int)now->argument, ++top, err);
    } else if (now->code < EXPR_ADD) {
      rc = eval_unary(now, top, err);
    } else if (now->code < EXPR_BETWEEN_LOW) {
      rc = eval_two(expr, now, frame, &top, err);
    } else if (now->code < EXPR_AND_JUMP ? eval_item(expr, now, &top)
                                         : eval_flow(now->code, &top)) {
      op = expr->ops + now->target;
    }
  }
  if (!rc) eval_copy(out, top);
  return rc;
}

/* slot + constant: of integers, without the machine. */
static int eval_sum(const mm_expr *expr, mm_expr_frame *frame, mm_value *out, mm_error *err) {
  const expr_op *op = &expr->ops[1];
  int rc = eval_slot(frame, (int)expr->ops[0].argument, out, err);
  return rc ? rc : eval_arithmetic(op->code, out, &expr->constants[op->argument], err);
}

/* What has been made until now belongs to others. */
static void eval_seal(mm_expr_frame *frame) {
  frame->began_in = frame->now;
  frame->began_at = frame->now ? frame->now->used : 0;
}

/* Sealed before, for what earlier evaluations have made, and behind: this may be one that another's
** `get` began. */
static int eval_all(const mm_expr *expr, mm_expr_frame *frame, mm_value *out, mm_error *err) {
  eval_seal(frame);
  int rc = expr_run(expr, 0, frame, out, err);
  eval_seal(frame);
  return rc;
}

int mm_expr_eval(const mm_expr *expr, mm_expr_frame *frame, mm_value *out, mm_error *err) {
  switch (expr->shape) {
    case EXPR_CONSTANT:
      *out = expr->constants[expr->ops[0].argument];
      return MM_OK;
    case EXPR_BARE:
      return eval_slot(frame, (int)expr->ops[0].argument, out, err);
    case EXPR_SUM:
      return eval_sum(expr, frame, out, err);
    default:
      return eval_all(expr, frame, out, err);
  }
}
