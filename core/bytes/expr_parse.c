#include <string.h>

#include "core/bytes/expr_private.h"

/* By precedence climbing (Richards' BCPL compiler; Norvell, "Parsing Expressions by Recursive
** Descent"), with the levels of SQLite's parse.y. Its recursion is bounded: what nests is counted, and
** between two nestings there are at most as many calls as levels. */

/* Stops once lexer->rc is set. */
typedef struct expr_parser {
  expr_lexer lexer;
  expr_writer writer;
  mm_expr_bind *bind;
  void *context;
  int nesting;
} expr_parser;

static expr_part parse_expression(expr_parser *p, int least);
static expr_part parse_operand(expr_parser *p);

/* ---- tokens ---------------------------------------------------------------------------------- */

/* The token ahead cannot be: `wanted` is what could, or NULL. */
static void parse_unexpected(expr_parser *p, const char *wanted) {
  const expr_token *token = &p->lexer.token;
  if (wanted) {
    expr_lex_fail(&p->lexer, "%s is missing", wanted);
  } else if (token->kind == EXPR_T_END) {
    expr_lex_fail(&p->lexer, "something is missing at the end");
  } else {
    expr_lex_fail(&p->lexer, "%.*s is unexpected", expr_shown(token->text, token->size),
                  token->text);
  }
}

static bool parse_take(expr_parser *p, int kind) {
  if (p->lexer.rc || p->lexer.token.kind != kind) return false;
  expr_lex_next(&p->lexer);
  return true;
}

static void parse_need(expr_parser *p, int kind, const char *what) {
  if (!parse_take(p, kind)) parse_unexpected(p, what);
}

static bool parse_take_word(expr_parser *p, const char *word) {
  if (p->lexer.rc || !expr_lex_is(&p->lexer, word)) return false;
  expr_lex_next(&p->lexer);
  return true;
}

/* Such a list as "(a, b": is there another? Else it has ended. */
static bool parse_more(expr_parser *p) {
  if (parse_take(p, EXPR_T_COMMA)) return true;
  parse_need(p, EXPR_T_CLOSE, "')'");
  return false;
}

/* ---- literals and names ---------------------------------------------------------------------- */

static expr_part parse_integer(expr_parser *p, int64_t integer) {
  mm_value value = expr_null();
  expr_set(&value, integer);
  return expr_write_constant(&p->writer, value);
}

/* The magnitude of a token; false if it is above 2^64. */
static bool parse_decimal(const expr_token *token, uint64_t *n) {
  *n = 0;
  for (size_t i = 0; i < token->size; i++) {
    uint64_t digit = (uint64_t)(token->text[i] - '0');
    if (__builtin_mul_overflow(*n, (uint64_t)10, n)) return false;
    if (__builtin_add_overflow(*n, digit, n)) return false;
  }
  return true;
}

/* SQLite makes a real of what does not fit. */
static expr_part parse_decimal_literal(expr_parser *p) {
  expr_token token = p->lexer.token;
  uint64_t n;
  if (!parse_decimal(&token, &n) || n >> 63) {
    expr_lex_fail(&p->lexer, "%.*s is too large", expr_shown(token.text, token.size), token.text);
  }
  expr_lex_next(&p->lexer);
  return parse_integer(p, (int64_t)n);
}

static unsigned parse_hex_digit(char c) {
  return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

/* 64 bits, of which the first is the sign. */
static expr_part parse_hex_literal(expr_parser *p) {
  expr_token token = p->lexer.token;
  uint64_t n = 0;
  bool fits = true;
  for (size_t i = 2; i < token.size; i++) {
    fits = fits && n >> 60 == 0;
    n = n << 4 | parse_hex_digit(token.text[i]);
  }
  if (!fits) {
    expr_lex_fail(&p->lexer, "%.*s is too large", expr_shown(token.text, token.size), token.text);
  }
  expr_lex_next(&p->lexer);
  return parse_integer(p, (int64_t)n);
}

/* Memory for a literal of which `size` bytes are written. */
static uint8_t *parse_allocate(expr_parser *p, size_t size) {
  uint8_t *bytes = p->lexer.rc ? NULL : expr_frame_alloc(&p->writer.expr->written, size);
  if (!bytes && !p->lexer.rc) p->lexer.rc = mm_fail_nomem(p->lexer.err);
  return bytes;
}

/* What stands between quotes, a doubled one being one. Returns its length. */
static size_t parse_unquote(const expr_token *token, uint8_t *out) {
  char quote = token->text[0];
  size_t size = 0;
  for (size_t i = 1; i + 1 < token->size; i++) {
    out[size++] = (uint8_t)token->text[i];
    if (token->text[i] == quote && quote != '[') i++;
  }
  return size;
}

static expr_part parse_text_literal(expr_parser *p) {
  mm_value value = {.kind = MM_VALUE_TEXT};
  uint8_t *bytes = parse_allocate(p, p->lexer.token.size);
  if (bytes) value.size = parse_unquote(&p->lexer.token, bytes);
  value.data = bytes;
  expr_lex_next(&p->lexer);
  return expr_write_constant(&p->writer, value);
}

static expr_part parse_blob_literal(expr_parser *p) {
  const char *digits = p->lexer.token.text + 2;
  mm_value value = {.kind = MM_VALUE_BLOB, .size = p->lexer.token.size / 2 - 1};
  uint8_t *bytes = parse_allocate(p, value.size);
  for (size_t i = 0; bytes && i < value.size; i++) {
    unsigned high = parse_hex_digit(digits[2 * i]), low = parse_hex_digit(digits[2 * i + 1]);
    bytes[i] = (uint8_t)(high << 4 | low);
  }
  value.data = bytes;
  expr_lex_next(&p->lexer);
  return expr_write_constant(&p->writer, value);
}

static expr_part parse_truth_literal(expr_parser *p, int64_t truth) {
  expr_part part = parse_integer(p, truth);
  part.literal = true;
  return part;
}

#define PARSE_NAME_MAX 255

/* Find the name; `name` has room for it. */
static expr_part parse_bound(expr_parser *p, const char *name) {
  mm_expr_name bound = {0};
  if (!p->lexer.rc && !p->bind) expr_lex_fail(&p->lexer, "there are no names, so no '%s'", name);
  if (!p->lexer.rc) p->lexer.rc = p->bind(p->context, name, &bound, p->lexer.err);
  return expr_write_slot(&p->writer, &bound);
}

static expr_part parse_expr_name(expr_parser *p, const expr_token *token) {
  char name[PARSE_NAME_MAX + 1];
  size_t size = token->size;
  if (size > PARSE_NAME_MAX) {
    expr_lex_fail(&p->lexer, "the name %.*s… is too long", expr_shown(token->text, size),
                  token->text);
    size = 0;
  }
  if (token->kind == EXPR_T_QUOTED && size) {
    size = parse_unquote(token, (uint8_t *)name);
  } else {
    memcpy(name, token->text, size);
  }
  name[size] = 0;
  return parse_bound(p, name);
}

/* ---- what jumps ------------------------------------------------------------------------------ */

/* One value is left, where several ways have led. */
static expr_part parse_joined(expr_parser *p, expr_part part, size_t chain, bool constant) {
  expr_land(&p->writer, chain, p->writer.depth);
  return expr_write_end(&p->writer, part, constant);
}

/* a AND b, a OR b. */
static expr_part parse_logic(expr_parser *p, expr_part a, bool is_and) {
  size_t end = 0;
  expr_write(&p->writer, is_and ? EXPR_AND_JUMP : EXPR_OR_JUMP, 0);
  expr_chain(&p->writer, &end);
  expr_part b = parse_expression(p, (is_and ? EXPR_LEVEL_AND : EXPR_LEVEL_OR) + 1);
  expr_write(&p->writer, is_and ? EXPR_AND : EXPR_OR, -1);
  a.kind = MM_VALUE_INTEGER;
  return parse_joined(p, a, end, a.constant && b.constant);
}

/* After BETWEEN. The middle reaches to the next AND. */
static expr_part parse_between(expr_parser *p, expr_part x) {
  size_t end = 0;
  expr_part low = parse_expression(p, EXPR_LEVEL_NOT);
  int affinity = expr_compare_affinity(x, low);
  expr_write_with(&p->writer, EXPR_BETWEEN_LOW, low, affinity);
  expr_chain(&p->writer, &end);
  p->writer.depth++;
  parse_need(p, EXPR_T_AND, "AND behind BETWEEN");
  expr_part high = parse_expression(p, EXPR_LEVEL_EQUAL + 1);
  affinity = expr_compare_affinity(x, high);
  expr_write_with(&p->writer, EXPR_BETWEEN_HIGH, high, affinity);
  p->writer.depth--;
  x.kind = MM_VALUE_INTEGER;
  return parse_joined(p, x, end, x.constant && low.constant && high.constant);
}

/* x IN (): never, even for NULL. SQLite forgets x and makes the literal FALSE of it (parse.y); NOT IN
** () is TRUE. */
static expr_part parse_in_nothing(expr_parser *p, expr_part x, bool negated) {
  expr_unwrite(&p->writer, x);
  return parse_truth_literal(p, negated);
}

/* After IN. Of the affinities that of the left side counts alone. */
static expr_part parse_in(expr_parser *p, expr_part x, bool negated) {
  size_t end = 0;
  bool constant = x.constant;
  parse_need(p, EXPR_T_OPEN, "'(' behind IN");
  if (parse_take(p, EXPR_T_CLOSE)) return parse_in_nothing(p, x, negated);
  parse_integer(p, 0);
  do {
    expr_part item = parse_expression(p, EXPR_LEVEL_OR);
    constant = constant && item.constant;
    expr_write_with(&p->writer, EXPR_IN_ITEM, item, x.affinity);
    expr_chain(&p->writer, &end);
  } while (parse_more(p));
  expr_land(&p->writer, end, p->writer.depth);
  expr_write(&p->writer, EXPR_NIP, -1);
  if (negated) expr_write(&p->writer, EXPR_NOT, 0);
  x.kind = MM_VALUE_INTEGER;
  return expr_write_end(&p->writer, x, constant);
}

/* After CASE. A value of the cases: `kind` and `constant` are those of all so far. */
typedef struct expr_cases {
  expr_part part;
  size_t end; /* the chain of jumps there */
  bool constant;
} expr_cases;

static void parse_result(expr_parser *p, expr_cases *cases) {
  expr_part value = parse_expression(p, EXPR_LEVEL_OR);
  cases->part.kind = expr_either(cases->part.kind, value.kind);
  cases->constant = cases->constant && value.constant;
}

/* The condition of CASE WHEN, or of CASE x WHEN with `x`, which then is on the stack. */
static void parse_condition(expr_parser *p, expr_cases *cases, const expr_part *x, size_t *next) {
  expr_part y = parse_expression(p, EXPR_LEVEL_OR);
  cases->constant = cases->constant && y.constant;
  if (x) {
    expr_write_with(&p->writer, EXPR_CASE_ITEM, y, expr_compare_affinity(*x, y));
  } else {
    expr_write(&p->writer, EXPR_JUMP_UNLESS, -1);
  }
  expr_chain(&p->writer, next);
  if (x) expr_write(&p->writer, EXPR_DROP, -1);
}

/* After a result: to the end; what follows is the next case, with what was there before it. */
static void parse_end_case(expr_parser *p, expr_cases *cases, size_t next, int depth) {
  expr_write(&p->writer, EXPR_JUMP, 0);
  expr_chain(&p->writer, &cases->end);
  expr_land(&p->writer, next, depth);
}

static void parse_when(expr_parser *p, expr_cases *cases, const expr_part *x) {
  size_t next = 0;
  int depth = p->writer.depth;
  parse_condition(p, cases, x, &next);
  parse_need(p, EXPR_T_THEN, "THEN");
  parse_result(p, cases);
  parse_end_case(p, cases, next, depth);
}

static void parse_else(expr_parser *p, expr_cases *cases, const expr_part *x) {
  if (x) expr_write(&p->writer, EXPR_DROP, -1);
  if (parse_take(p, EXPR_T_ELSE)) {
    parse_result(p, cases);
  } else {
    (void)expr_write_constant(&p->writer, expr_null());
  }
}

static expr_part parse_case(expr_parser *p) {
  expr_cases cases = {.part = {.at = p->writer.expr->count, .kind = MM_VALUE_NULL},
                      .constant = true};
  expr_part x = {0};
  bool given = p->lexer.token.kind != EXPR_T_WHEN;
  if (given) {
    x = parse_expression(p, EXPR_LEVEL_OR);
    cases.constant = x.constant;
  }
  parse_need(p, EXPR_T_WHEN, "WHEN behind CASE");
  do {
    parse_when(p, &cases, given ? &x : NULL);
  } while (parse_take(p, EXPR_T_WHEN));
  parse_else(p, &cases, given ? &x : NULL);
  parse_need(p, EXPR_T_ENDS, "END behind CASE");
  return parse_joined(p, cases.part, cases.end, cases.constant);
}

/* ---- functions ------------------------------------------------------------------------------- */

typedef struct expr_function {
  const char *name;
  int least, most;   /* arguments */
  const char *takes; /* in a sentence */
  int code;          /* of one argument, or of two: then each further one is taken with it */
} expr_function;

#define PARSE_ANY 1000000

/* iif, coalesce and ifnull have no code: they jump. */
static const expr_function parse_functions[] = {
    {"abs", 1, 1, "1 argument", EXPR_ABS},
    {"align", 2, 2, "2 arguments", EXPR_ALIGN},
    {"coalesce", 2, PARSE_ANY, "2 arguments or more", 0},
    {"ifnull", 2, 2, "2 arguments", 0},
    {"iif", 3, 3, "3 arguments", 0},
    {"int", 2, 2, "2 arguments", EXPR_INT},
    {"length", 1, 1, "1 argument", EXPR_LENGTH},
    {"max", 2, PARSE_ANY, "2 arguments or more", EXPR_MAX},
    {"min", 2, PARSE_ANY, "2 arguments or more", EXPR_MIN},
    {"oct", 1, 1, "1 argument", EXPR_INT},
};

#define PARSE_FUNCTIONS (sizeof parse_functions / sizeof parse_functions[0])

static const expr_function *parse_find_function(expr_parser *p) {
  const expr_token *token = &p->lexer.token;
  for (size_t i = 0; i < PARSE_FUNCTIONS; i++) {
    if (expr_lex_is(&p->lexer, parse_functions[i].name)) return &parse_functions[i];
  }
  expr_lex_fail(&p->lexer, "there is no function %.*s()", expr_shown(token->text, token->size),
                token->text);
  return NULL;
}

/* After an argument, the `count`th: is there another? */
static bool parse_next_argument(expr_parser *p, const expr_function *f, int count) {
  bool more = p->lexer.token.kind == EXPR_T_COMMA;
  bool good = more ? count < f->most : count >= f->least;
  if (!more && p->lexer.token.kind != EXPR_T_CLOSE) {
    parse_unexpected(p, "')'");
  } else if (!good) {
    expr_lex_fail(&p->lexer, "%s() takes %s", f->name, f->takes);
  }
  return parse_more(p);
}

/* The only argument; oct() is int() with 8 as the second. */
static expr_part parse_only(expr_parser *p, const expr_function *f, expr_part a) {
  if (f->code != EXPR_INT) return expr_write_unary(&p->writer, f->code, a, 0);
  return expr_write_binary(&p->writer, EXPR_INT, a, parse_integer(p, 8));
}

/* The second argument and those behind. */
static expr_part parse_fold(expr_parser *p, const expr_function *f, expr_part a) {
  for (int count = 1; parse_next_argument(p, f, count); count++) {
    a = expr_write_binary(&p->writer, f->code, a, parse_expression(p, EXPR_LEVEL_OR));
  }
  return f->most == 1 ? parse_only(p, f, a) : a;
}

static expr_part parse_coalesce(expr_parser *p, const expr_function *f, expr_part a) {
  size_t end = 0;
  bool constant = a.constant;
  for (int count = 1; parse_next_argument(p, f, count); count++) {
    expr_write(&p->writer, EXPR_JUMP_VALUE, -1);
    expr_chain(&p->writer, &end);
    expr_part b = parse_expression(p, EXPR_LEVEL_OR);
    a.kind = expr_either(a.kind, b.kind);
    constant = constant && b.constant;
  }
  return parse_joined(p, a, end, constant);
}

static expr_part parse_iif(expr_parser *p, const expr_function *f, expr_part condition) {
  expr_cases cases = {.part = condition, .constant = condition.constant};
  size_t next = 0;
  cases.part.kind = MM_VALUE_NULL;
  expr_write(&p->writer, EXPR_JUMP_UNLESS, -1);
  expr_chain(&p->writer, &next);
  int depth = p->writer.depth;
  if (parse_next_argument(p, f, 1)) parse_result(p, &cases);
  parse_end_case(p, &cases, next, depth);
  if (parse_next_argument(p, f, 2)) parse_result(p, &cases);
  (void)parse_next_argument(p, f, 3);
  return parse_joined(p, cases.part, cases.end, cases.constant);
}

/* Between its brackets. */
static expr_part parse_function(expr_parser *p, const expr_function *f) {
  bool none = p->lexer.token.kind == EXPR_T_CLOSE;
  if (none) expr_lex_fail(&p->lexer, "%s() takes %s", f->name, f->takes);
  expr_part a = parse_expression(p, EXPR_LEVEL_OR);
  if (f->code) return parse_fold(p, f, a);
  return f->most == 3 ? parse_iif(p, f, a) : parse_coalesce(p, f, a);
}

/* ---- operands -------------------------------------------------------------------------------- */

/* A name, or a function if a bracket follows. */
static expr_part parse_word(expr_parser *p) {
  expr_lexer before = p->lexer;
  expr_part nothing = {0};
  expr_lex_next(&p->lexer);
  bool call = before.token.kind != EXPR_T_QUOTED && p->lexer.token.kind == EXPR_T_OPEN;
  if (!call) return parse_expr_name(p, &before.token);
  p->lexer = before;
  const expr_function *f = parse_find_function(p);
  expr_lex_next(&p->lexer);
  expr_lex_next(&p->lexer);
  return f ? parse_function(p, f) : nothing;
}

/* SQLite reads -9223372036854775808 as one literal. */
static expr_part parse_minus(expr_parser *p) {
  uint64_t n;
  bool decimal = p->lexer.token.kind == EXPR_T_INTEGER;
  if (decimal && parse_decimal(&p->lexer.token, &n) && n == UINT64_C(1) << 63) {
    expr_lex_next(&p->lexer);
    return parse_integer(p, INT64_MIN);
  }
  return expr_write_unary(&p->writer, EXPR_NEGATE, parse_operand(p), 0);
}

/* An operand with + in front is a value, not a column. */
static expr_part parse_plus(expr_parser *p) {
  expr_part x = parse_operand(p);
  x.affinity = EXPR_AFFINITY_NONE;
  x.literal = false;
  return x;
}

static expr_part parse_signed(expr_parser *p) {
  int operation = p->lexer.token.operation;
  if (operation != EXPR_ADD && operation != EXPR_SUBTRACT) parse_unexpected(p, NULL);
  expr_lex_next(&p->lexer);
  return operation == EXPR_ADD ? parse_plus(p) : parse_minus(p);
}

static expr_part parse_brackets(expr_parser *p) {
  expr_part x = parse_expression(p, EXPR_LEVEL_OR);
  parse_need(p, EXPR_T_CLOSE, "')'");
  return x;
}

/* NOT takes all that binds more tightly, wherever it stands itself: 1 + NOT 2 = 3. */
static expr_part parse_not(expr_parser *p) {
  return expr_write_unary(&p->writer, EXPR_NOT, parse_expression(p, EXPR_LEVEL_NOT), 0);
}

/* An operand that begins with a token which has been taken; others are left for the caller. */
static expr_part parse_begun(expr_parser *p, int kind) {
  switch (kind) {
    case EXPR_T_NULL:
      return expr_write_constant(&p->writer, expr_null());
    case EXPR_T_TRUE:
      return parse_truth_literal(p, 1);
    case EXPR_T_FALSE:
      return parse_truth_literal(p, 0);
    case EXPR_T_OPEN:
      return parse_brackets(p);
    case EXPR_T_TILDE:
      return expr_write_unary(&p->writer, EXPR_BITNOT, parse_operand(p), 0);
    case EXPR_T_NOT:
      return parse_not(p);
    default:
      return parse_case(p);
  }
}

static expr_part parse_any_operand(expr_parser *p) {
  expr_part nothing = {0};
  int kind = p->lexer.token.kind;
  switch (kind) {
    case EXPR_T_NAME:
    case EXPR_T_QUOTED:
    case EXPR_T_ENDS: /* a good name for a column, and END cannot stand here */
      return parse_word(p);
    case EXPR_T_INTEGER:
      return parse_decimal_literal(p);
    case EXPR_T_HEX:
      return parse_hex_literal(p);
    case EXPR_T_TEXT:
      return parse_text_literal(p);
    case EXPR_T_BLOB:
      return parse_blob_literal(p);
    case EXPR_T_OPERATOR:
      return parse_signed(p);
    case EXPR_T_NULL:
    case EXPR_T_TRUE:
    case EXPR_T_FALSE:
    case EXPR_T_OPEN:
    case EXPR_T_TILDE:
    case EXPR_T_NOT:
    case EXPR_T_CASE:
      expr_lex_next(&p->lexer);
      return parse_begun(p, kind);
    default:
      parse_unexpected(p, NULL);
      return nothing;
  }
}

static expr_part parse_operand(expr_parser *p) {
  expr_part part = {0};
  if (++p->nesting > EXPR_NESTING_MAX) {
    expr_lex_fail(&p->lexer, "more than %d levels are nested", EXPR_NESTING_MAX);
  }
  if (!p->lexer.rc) part = parse_any_operand(p);
  p->nesting--;
  return part;
}

/* ---- operators ------------------------------------------------------------------------------- */

/* x IS TRUE asks for the truth of x. */
static expr_part parse_is_truth(expr_parser *p, expr_part x, expr_part b, bool negated) {
  bool wanted = !p->lexer.rc && expr_part_constant(&p->writer, b)->integer;
  expr_unwrite(&p->writer, b);
  uint32_t how = (wanted ? EXPR_TRUTH_WANTED : 0u) | (negated ? EXPR_TRUTH_NEGATED : 0u);
  return expr_write_unary(&p->writer, EXPR_TRUTH, x, how);
}

/* After IS. IS NOT DISTINCT FROM is IS. */
static expr_part parse_is(expr_parser *p, expr_part x) {
  bool negated = parse_take(p, EXPR_T_NOT);
  if (parse_take_word(p, "distinct")) {
    if (!parse_take_word(p, "from")) parse_unexpected(p, "FROM behind DISTINCT");
    negated = !negated;
  }
  expr_part b = parse_expression(p, EXPR_LEVEL_EQUAL + 1);
  if (b.literal && b.constant) return parse_is_truth(p, x, b, negated);
  return expr_write_binary(&p->writer, negated ? EXPR_ISNOT : EXPR_IS, x, b);
}

/* After NOT. */
static expr_part parse_negated(expr_parser *p, expr_part x) {
  if (parse_take(p, EXPR_T_IN)) return parse_in(p, x, true);
  if (parse_take(p, EXPR_T_NULL)) return expr_write_unary(&p->writer, EXPR_NOTNULL, x, 0);
  parse_need(p, EXPR_T_BETWEEN, "IN, BETWEEN or NULL behind NOT");
  return expr_write_unary(&p->writer, EXPR_NOT, parse_between(p, x), 0);
}

static expr_part parse_operator(expr_parser *p, const expr_token *token, expr_part x) {
  switch (token->kind) {
    case EXPR_T_AND:
    case EXPR_T_OR:
      return parse_logic(p, x, token->kind == EXPR_T_AND);
    case EXPR_T_IS:
      return parse_is(p, x);
    case EXPR_T_IN:
      return parse_in(p, x, false);
    case EXPR_T_BETWEEN:
      return parse_between(p, x);
    case EXPR_T_NOT:
      return parse_negated(p, x);
    case EXPR_T_ISNULL:
    case EXPR_T_NOTNULL:
      return expr_write_unary(&p->writer, token->operation, x, 0);
    default:
      return expr_write_binary(&p->writer, token->operation, x,
                               parse_expression(p, token->level + 1));
  }
}

/* Operands and what binds them by `least` or more tightly. */
static expr_part parse_expression(expr_parser *p, int least) {
  expr_part x = parse_operand(p);
  while (!p->lexer.rc && p->lexer.token.level >= least) {
    expr_token token = p->lexer.token;
    expr_lex_next(&p->lexer);
    x = parse_operator(p, &token, x);
  }
  return x;
}

/* Indices are of 32 bits, and SQLite takes no longer statement by default. */
#define PARSE_SIZE_MAX 1000000

int expr_parse(mm_expr *expr, const char *text, size_t size, mm_expr_bind *bind, void *context,
               mm_error *err) {
  expr_parser p = {.writer = {.expr = expr}, .bind = bind, .context = context};
  if (size > PARSE_SIZE_MAX) return mm_fail(err, MM_ERROR, "an expression is too long");
  if (size && memchr(text, 0, size)) return mm_fail(err, MM_ERROR, "a NUL in an expression");
  p.writer.lexer = &p.lexer;
  expr_lex_begin(&p.lexer, size ? text : "", size, err);
  expr_part all = parse_expression(&p, EXPR_LEVEL_OR);
  if (!p.lexer.rc && p.lexer.token.kind != EXPR_T_END) parse_unexpected(&p, NULL);
  if (!p.lexer.rc) expr_finish(expr, all);
  return p.lexer.rc;
}
