#include <string.h>

#include "core/bytes/expr_private.h"
#include "core/common/mem.h"

/* ---- operations ------------------------------------------------------------------------------ */

static void code_deepen(expr_writer *w, int change) {
  w->depth += change;
  if (w->depth > EXPR_STACK_MAX) expr_lex_fail(w->lexer, "too much is nested");
}

static void code_append(expr_writer *w, expr_op op) {
  mm_expr *expr = w->expr;
  if (w->lexer->rc) return;
  if (mm_grow((void **)&expr->ops, expr->count, &expr->capacity, sizeof op)) {
    w->lexer->rc = mm_fail_nomem(w->lexer->err);
    return;
  }
  expr->ops[expr->count++] = op;
}

void expr_write(expr_writer *w, int code, int change) {
  code_append(w, (expr_op){.code = (uint8_t)code});
  code_deepen(w, change);
}

/* The index of a constant that is added. */
static uint32_t code_add_constant(expr_writer *w, mm_value value) {
  mm_expr *expr = w->expr;
  if (w->lexer->rc) return 0;
  if (mm_grow((void **)&expr->constants, expr->count_of_constants, &expr->capacity_of_constants,
              sizeof value)) {
    w->lexer->rc = mm_fail_nomem(w->lexer->err);
    return 0;
  }
  expr->constants[expr->count_of_constants] = value;
  return (uint32_t)expr->count_of_constants++;
}

void expr_unwrite(expr_writer *w, expr_part part) {
  if (w->lexer->rc) return;
  w->expr->count = part.at;
  w->depth--;
}

const mm_value *expr_part_constant(const expr_writer *w, expr_part part) {
  return &w->expr->constants[w->expr->ops[part.at].argument];
}

void expr_write_with(expr_writer *w, int code, expr_part b, int affinity) {
  expr_op op = {.code = (uint8_t)code, .affinity = (uint8_t)affinity, .argument = EXPR_ON_STACK};
  if (w->lexer->rc) return;
  if (b.constant) {
    op.argument = w->expr->ops[b.at].argument;
    expr_unwrite(w, b);
  } else {
    w->depth--;
  }
  code_append(w, op);
}

void expr_chain(expr_writer *w, size_t *chain) {
  if (w->lexer->rc) return;
  size_t last = w->expr->count - 1;
  w->expr->ops[last].target = (uint32_t)*chain;
  *chain = last;
}

void expr_land(expr_writer *w, size_t chain, int depth) {
  if (w->lexer->rc) return;
  while (chain) {
    expr_op *jump = &w->expr->ops[chain];
    chain = jump->target;
    jump->target = (uint32_t)w->expr->count;
  }
  w->depth = depth;
}

/* ---- parts ----------------------------------------------------------------------------------- */

expr_part expr_write_constant(expr_writer *w, mm_value value) {
  expr_part part = {.at = w->expr->count, .kind = value.kind, .constant = true};
  code_append(w, (expr_op){.code = EXPR_PUSH, .argument = code_add_constant(w, value)});
  code_deepen(w, 1);
  return part;
}

/* Where `slot` is in the list, or would be. */
static size_t code_find_slot(const mm_expr *expr, int slot) {
  size_t at = 0;
  while (at < expr->count_of_slots && expr->slots[at] < slot) at++;
  return at;
}

static void code_note_slot(expr_writer *w, int slot) {
  mm_expr *expr = w->expr;
  size_t at = code_find_slot(expr, slot);
  if (at < expr->count_of_slots && expr->slots[at] == slot) return;
  if (mm_grow((void **)&expr->slots, expr->count_of_slots, &expr->capacity_of_slots, sizeof slot)) {
    w->lexer->rc = mm_fail_nomem(w->lexer->err);
    return;
  }
  memmove(expr->slots + at + 1, expr->slots + at, (expr->count_of_slots - at) * sizeof slot);
  expr->slots[at] = slot;
  expr->count_of_slots++;
}

static int code_affinity_of(int kind) {
  return kind == MM_VALUE_INTEGER ? EXPR_AFFINITY_NUMERIC
         : kind == MM_VALUE_TEXT  ? EXPR_AFFINITY_TEXT
                                  : EXPR_AFFINITY_BLOB;
}

expr_part expr_write_slot(expr_writer *w, const mm_expr_name *name) {
  expr_part part = {.at = w->expr->count, .kind = name->kind};
  part.affinity = code_affinity_of(name->kind);
  code_note_slot(w, name->slot);
  code_append(w, (expr_op){.code = EXPR_SLOT, .argument = (uint32_t)name->slot});
  code_deepen(w, 1);
  return part;
}

static bool code_is_one_constant(const expr_writer *w, expr_part part) {
  return w->expr->count == part.at + 1 && w->expr->ops[part.at].code == EXPR_PUSH;
}

/* Execute the part now, in the place of every time. */
static void code_fold(expr_writer *w, expr_part *part) {
  mm_value value;
  mm_error err;
  int rc = expr_run(w->expr, part->at, &w->expr->folded, &value, &err);
  if (rc == MM_NOMEM) {
    w->lexer->rc = mm_fail_nomem(w->lexer->err);
  } else if (rc) {
    expr_lex_fail(w->lexer, "%s", err.text);
  } else {
    expr_unwrite(w, *part);
    *part = expr_write_constant(w, value);
  }
}

expr_part expr_write_end(expr_writer *w, expr_part part, bool constant) {
  part.literal = false;
  part.affinity = EXPR_AFFINITY_NONE;
  part.constant = false;
  if (w->lexer->rc || !constant) return part;
  if (!code_is_one_constant(w, part)) code_fold(w, &part);
  part.constant = true;
  return part;
}

int expr_either(int a, int b) {
  if (a == b || b == MM_VALUE_NULL) return a;
  return a == MM_VALUE_NULL ? b : MM_EXPR_UNKNOWN;
}

/* sqlite3CompareAffinity (expr.c). */
int expr_compare_affinity(expr_part a, expr_part b) {
  if (a.affinity == EXPR_AFFINITY_NONE) return b.affinity;
  if (b.affinity == EXPR_AFFINITY_NONE) return a.affinity;
  bool numeric = a.affinity == EXPR_AFFINITY_NUMERIC || b.affinity == EXPR_AFFINITY_NUMERIC;
  return numeric ? EXPR_AFFINITY_NUMERIC : EXPR_AFFINITY_BLOB;
}

expr_part expr_write_unary(expr_writer *w, int code, expr_part a, uint32_t argument) {
  code_append(w, (expr_op){.code = (uint8_t)code, .argument = argument});
  a.kind = MM_VALUE_INTEGER;
  return expr_write_end(w, a, a.constant);
}

static int code_binary_kind(int code, expr_part a, expr_part b) {
  if (code == EXPR_MIN || code == EXPR_MAX) return expr_either(a.kind, b.kind);
  return code == EXPR_CONCAT ? MM_VALUE_TEXT : MM_VALUE_INTEGER;
}

/* Would it be damage, or NULL, each time? */
static void code_check_divisor(expr_writer *w, int code, expr_part b) {
  int64_t n;
  if (w->lexer->rc || !b.constant) return;
  const mm_value *value = expr_part_constant(w, b);
  if (value->kind == MM_VALUE_NULL || !expr_number(value, &n)) return;
  bool base = n >= EXPR_BASE_LEAST && n <= EXPR_BASE_MOST;
  if (code == EXPR_INT && !base) expr_lex_fail(w->lexer, "a base that is not 2 to 36");
  if (code == EXPR_ALIGN && n < 1) expr_lex_fail(w->lexer, "an alignment below 1");
  if ((code == EXPR_DIVIDE || code == EXPR_REMAINDER) && n == 0) {
    expr_lex_fail(w->lexer, "division by zero");
  }
}

static bool code_is_comparison(int code) {
  return code >= EXPR_EQ && code <= EXPR_ISNOT;
}

expr_part expr_write_binary(expr_writer *w, int code, expr_part a, expr_part b) {
  int affinity = code_is_comparison(code) ? expr_compare_affinity(a, b) : EXPR_AFFINITY_NONE;
  code_check_divisor(w, code, b);
  expr_write_with(w, code, b, affinity);
  a.kind = code_binary_kind(code, a, b);
  return expr_write_end(w, a, a.constant && b.constant);
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Recognise slot + constant and slot - constant. */
static bool code_find_sum(mm_expr *expr) {
  const expr_op *first = expr->ops, *second = expr->ops + 1;
  if (expr->count != 2 || first->code != EXPR_SLOT || second->argument == EXPR_ON_STACK)
    return false;
  if (second->code != EXPR_ADD && second->code != EXPR_SUBTRACT) return false;
  return expr->constants[second->argument].kind == MM_VALUE_INTEGER;
}

void expr_finish(mm_expr *expr, expr_part all) {
  expr->kind = all.kind;
  if (expr->count == 1) {
    expr->shape = expr->ops[0].code == EXPR_PUSH ? EXPR_CONSTANT : EXPR_BARE;
  } else if (code_find_sum(expr)) {
    expr->shape = EXPR_SUM;
  }
}

bool mm_expr_constant(const mm_expr *expr, mm_value *value) {
  if (expr->shape != EXPR_CONSTANT) return false;
  *value = expr->constants[expr->ops[0].argument];
  return true;
}

int mm_expr_kind(const mm_expr *expr) {
  return expr->kind;
}

int mm_expr_bare(const mm_expr *expr) {
  return expr->shape == EXPR_BARE ? (int)expr->ops[0].argument : -1;
}

const int *mm_expr_slots(const mm_expr *expr, size_t *count) {
  *count = expr->count_of_slots;
  return expr->slots;
}

int mm_expr_compile(const char *text, size_t size, mm_expr_bind *bind, void *context, mm_expr **out,
                    mm_error *err) {
  mm_expr *expr = mm_alloc_zeroed(sizeof *expr);
  *out = NULL;
  if (!expr) return mm_fail_nomem(err);
  int rc = expr_parse(expr, text, size, bind, context, err);
  if (rc) {
    mm_expr_free(expr);
  } else {
    *out = expr;
  }
  return rc;
}

void mm_expr_free(mm_expr *expr) {
  if (!expr) return;
  mm_expr_frame_free(&expr->written);
  mm_expr_frame_free(&expr->folded);
  mm_free(expr->ops);
  mm_free(expr->constants);
  mm_free(expr->slots);
  mm_free(expr);
}
