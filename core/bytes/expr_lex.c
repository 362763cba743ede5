#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/expr_private.h"

/* As SQLite's tokenize.c reads them. */

#define LEX_SHOWN 60

int expr_shown(const char *text, size_t size) {
  if (size <= LEX_SHOWN) return (int)size;
  size = LEX_SHOWN;
  while (size > 0 && (text[size] & 0xc0) == 0x80) size--;
  return (int)size;
}

void expr_lex_fail(expr_lexer *lexer, const char *format, ...) {
  char what[200];
  va_list args;
  if (lexer->rc) return;
  va_start(args, format);
  (void)vsnprintf(what, sizeof what, format, args);
  va_end(args);
  lexer->rc =
      mm_fail(lexer->err, MM_ERROR, "%s in '%.*s%s'", what, expr_shown(lexer->text, lexer->size),
              lexer->text, lexer->size > LEX_SHOWN ? "…" : "");
}

/* The same about the part from `from` to here: it stands before the sentence, which begins with a
** blank. */
static void lex_fail_from(expr_lexer *lexer, size_t from, const char *what) {
  const char *part = lexer->text + from;
  expr_lex_fail(lexer, "%.*s%s", expr_shown(part, lexer->at - from), part, what);
}

/* ---- characters ------------------------------------------------------------------------------ */

/* The byte `ahead` of the place; 0 behind the end, as there is none in the text. */
static char lex_peek(const expr_lexer *lexer, size_t ahead) {
  return lexer->size - lexer->at > ahead ? lexer->text[lexer->at + ahead] : 0;
}

static bool lex_is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static bool lex_is_digit(char c) {
  return c >= '0' && c <= '9';
}

static char lex_lower(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

static bool lex_is_hex(char c) {
  return lex_is_digit(c) || (lex_lower(c) >= 'a' && lex_lower(c) <= 'f');
}

static bool lex_begins_name(char c) {
  return (lex_lower(c) >= 'a' && lex_lower(c) <= 'z') || c == '_' || (c & 0x80);
}

static bool lex_goes_on(char c) {
  return lex_begins_name(c) || lex_is_digit(c) || c == '$';
}

static void lex_skip_digits(expr_lexer *lexer) {
  while (lex_is_digit(lex_peek(lexer, 0))) lexer->at++;
}

static void lex_skip_word(expr_lexer *lexer) {
  while (lex_goes_on(lex_peek(lexer, 0))) lexer->at++;
}

/* ---- what lies between ----------------------------------------------------------------------- */

static void lex_skip_line(expr_lexer *lexer) {
  while (lexer->at < lexer->size && lexer->text[lexer->at] != '\n') lexer->at++;
}

static void lex_skip_comment(expr_lexer *lexer) {
  lexer->at += 2;
  while (lexer->at < lexer->size) {
    if (lex_peek(lexer, 0) == '*' && lex_peek(lexer, 1) == '/') {
      lexer->at += 2;
      return;
    }
    lexer->at++;
  }
  expr_lex_fail(lexer, "a comment does not end");
}

static void lex_skip(expr_lexer *lexer) {
  while (!lexer->rc) {
    if (lex_is_space(lex_peek(lexer, 0))) {
      lexer->at++;
    } else if (lex_peek(lexer, 0) == '-' && lex_peek(lexer, 1) == '-') {
      lex_skip_line(lexer);
    } else if (lex_peek(lexer, 0) == '/' && lex_peek(lexer, 1) == '*') {
      lex_skip_comment(lexer);
    } else {
      return;
    }
  }
}

/* ---- tokens ---------------------------------------------------------------------------------- */

/* Up to a closing quote; a doubled one is a part of what is quoted, but not of [ ]. */
static int lex_quoted(expr_lexer *lexer, int kind) {
  char open = lex_peek(lexer, 0), close = (char)(open == '[' ? ']' : open);
  size_t from = lexer->at++;
  while (lexer->at < lexer->size) {
    if (lexer->text[lexer->at++] != close) continue;
    if (open == '[' || lex_peek(lexer, 0) != close) return kind;
    lexer->at++;
  }
  lex_fail_from(lexer, from, " has no closing quote");
  return EXPR_T_END;
}

static int lex_blob(expr_lexer *lexer) {
  size_t from = lexer->at++;
  int kind = lex_quoted(lexer, EXPR_T_BLOB);
  size_t size = lexer->at - from;
  bool good = size % 2 == 1; /* x, two quotes and pairs of digits */
  for (size_t i = from + 2; i + 1 < lexer->at; i++) good = good && lex_is_hex(lexer->text[i]);
  if (!good) lex_fail_from(lexer, from, " has not pairs of hexadecimal digits");
  return kind;
}

static void lex_skip_exponent(expr_lexer *lexer) {
  if (lex_lower(lex_peek(lexer, 0)) != 'e') return;
  char sign = lex_peek(lexer, 1);
  bool is_signed = sign == '+' || sign == '-';
  if (!lex_is_digit(lex_peek(lexer, is_signed ? 2 : 1))) return;
  lexer->at += is_signed ? 2 : 1;
  lex_skip_digits(lexer);
}

/* Digits, and what would make a real of them. */
static int lex_decimal(expr_lexer *lexer) {
  size_t from = lexer->at;
  lex_skip_digits(lexer);
  size_t whole = lexer->at;
  if (lex_peek(lexer, 0) == '.') {
    lexer->at++;
    lex_skip_digits(lexer);
  }
  lex_skip_exponent(lexer);
  if (lexer->at > whole && !lex_goes_on(lex_peek(lexer, 0))) {
    lex_fail_from(lexer, from, " is a real number, and there are none");
  }
  return EXPR_T_INTEGER;
}

static int lex_number(expr_lexer *lexer) {
  size_t from = lexer->at;
  int kind = EXPR_T_INTEGER;
  bool hex = lex_peek(lexer, 0) == '0' && lex_lower(lex_peek(lexer, 1)) == 'x';
  if (hex && lex_is_hex(lex_peek(lexer, 2))) {
    for (lexer->at += 2; lex_is_hex(lex_peek(lexer, 0));) lexer->at++;
    kind = EXPR_T_HEX;
  } else {
    (void)lex_decimal(lexer);
  }
  if (!lex_goes_on(lex_peek(lexer, 0))) return kind;
  lex_skip_word(lexer);
  lex_fail_from(lexer, from, " is no number");
  return kind;
}

static const struct {
  char word[8];
  uint8_t kind, operation, level;
} lex_words[] = {
    {"or", EXPR_T_OR, 0, EXPR_LEVEL_OR},
    {"and", EXPR_T_AND, 0, EXPR_LEVEL_AND},
    {"not", EXPR_T_NOT, 0, EXPR_LEVEL_EQUAL},
    {"is", EXPR_T_IS, 0, EXPR_LEVEL_EQUAL},
    {"in", EXPR_T_IN, 0, EXPR_LEVEL_EQUAL},
    {"between", EXPR_T_BETWEEN, 0, EXPR_LEVEL_EQUAL},
    {"isnull", EXPR_T_ISNULL, EXPR_ISNULL, EXPR_LEVEL_EQUAL},
    {"notnull", EXPR_T_NOTNULL, EXPR_NOTNULL, EXPR_LEVEL_EQUAL},
    {"case", EXPR_T_CASE, 0, 0},
    {"when", EXPR_T_WHEN, 0, 0},
    {"then", EXPR_T_THEN, 0, 0},
    {"else", EXPR_T_ELSE, 0, 0},
    {"end", EXPR_T_ENDS, 0, 0},
    {"null", EXPR_T_NULL, 0, 0},
    {"true", EXPR_T_TRUE, 0, 0},
    {"false", EXPR_T_FALSE, 0, 0},
};

/* The longer before what begins them. */
static const struct {
  char sign[3];
  uint8_t kind, operation, level;
} lex_signs[] = {
    {"||", EXPR_T_OPERATOR, EXPR_CONCAT, EXPR_LEVEL_CONCAT},
    {"<<", EXPR_T_OPERATOR, EXPR_LEFT, EXPR_LEVEL_BITS},
    {">>", EXPR_T_OPERATOR, EXPR_RIGHT, EXPR_LEVEL_BITS},
    {"<=", EXPR_T_OPERATOR, EXPR_LE, EXPR_LEVEL_LESS},
    {">=", EXPR_T_OPERATOR, EXPR_GE, EXPR_LEVEL_LESS},
    {"<>", EXPR_T_OPERATOR, EXPR_NE, EXPR_LEVEL_EQUAL},
    {"!=", EXPR_T_OPERATOR, EXPR_NE, EXPR_LEVEL_EQUAL},
    {"==", EXPR_T_OPERATOR, EXPR_EQ, EXPR_LEVEL_EQUAL},
    {"=", EXPR_T_OPERATOR, EXPR_EQ, EXPR_LEVEL_EQUAL},
    {"<", EXPR_T_OPERATOR, EXPR_LT, EXPR_LEVEL_LESS},
    {">", EXPR_T_OPERATOR, EXPR_GT, EXPR_LEVEL_LESS},
    {"&", EXPR_T_OPERATOR, EXPR_BITAND, EXPR_LEVEL_BITS},
    {"|", EXPR_T_OPERATOR, EXPR_BITOR, EXPR_LEVEL_BITS},
    {"+", EXPR_T_OPERATOR, EXPR_ADD, EXPR_LEVEL_SUM},
    {"-", EXPR_T_OPERATOR, EXPR_SUBTRACT, EXPR_LEVEL_SUM},
    {"*", EXPR_T_OPERATOR, EXPR_MULTIPLY, EXPR_LEVEL_PRODUCT},
    {"/", EXPR_T_OPERATOR, EXPR_DIVIDE, EXPR_LEVEL_PRODUCT},
    {"%", EXPR_T_OPERATOR, EXPR_REMAINDER, EXPR_LEVEL_PRODUCT},
    {"~", EXPR_T_TILDE, 0, 0},
    {"(", EXPR_T_OPEN, 0, 0},
    {")", EXPR_T_CLOSE, 0, 0},
    {",", EXPR_T_COMMA, 0, 0},
};

#define LEX_WORDS (sizeof lex_words / sizeof lex_words[0])
#define LEX_SIGNS (sizeof lex_signs / sizeof lex_signs[0])

bool expr_lex_is(const expr_lexer *lexer, const char *word) {
  const expr_token *token = &lexer->token;
  size_t size = strlen(word);
  if (token->kind == EXPR_T_QUOTED || token->size != size) return false;
  for (size_t i = 0; i < size; i++) {
    if (lex_lower(token->text[i]) != word[i]) return false;
  }
  return true;
}

static int lex_word(expr_lexer *lexer) {
  expr_token *token = &lexer->token;
  lex_skip_word(lexer);
  token->size = lexer->at - (size_t)(token->text - lexer->text);
  token->kind = EXPR_T_NAME;
  for (size_t i = 0; i < LEX_WORDS; i++) {
    if (!expr_lex_is(lexer, lex_words[i].word)) continue;
    token->operation = lex_words[i].operation;
    token->level = lex_words[i].level;
    return lex_words[i].kind;
  }
  return EXPR_T_NAME;
}

static int lex_sign(expr_lexer *lexer) {
  for (size_t i = 0; i < LEX_SIGNS; i++) {
    size_t size = strlen(lex_signs[i].sign);
    if (lexer->size - lexer->at < size) continue;
    if (memcmp(lexer->text + lexer->at, lex_signs[i].sign, size) != 0) continue;
    lexer->at += size;
    lexer->token.operation = lex_signs[i].operation;
    lexer->token.level = lex_signs[i].level;
    return lex_signs[i].kind;
  }
  size_t from = lexer->at++;
  lex_fail_from(lexer, from, " is unexpected");
  return EXPR_T_END;
}

static int lex_read(expr_lexer *lexer) {
  char c = lex_peek(lexer, 0);
  if (lexer->rc || lexer->at == lexer->size) return EXPR_T_END;
  if (lex_lower(c) == 'x' && lex_peek(lexer, 1) == '\'') return lex_blob(lexer);
  if (lex_begins_name(c)) return lex_word(lexer);
  if (lex_is_digit(c)) return lex_number(lexer);
  if (c == '.' && lex_is_digit(lex_peek(lexer, 1))) return lex_number(lexer);
  if (c == '\'') return lex_quoted(lexer, EXPR_T_TEXT);
  if (c == '"' || c == '`' || c == '[') return lex_quoted(lexer, EXPR_T_QUOTED);
  return lex_sign(lexer);
}

void expr_lex_next(expr_lexer *lexer) {
  lex_skip(lexer);
  lexer->token = (expr_token){.text = lexer->text + lexer->at};
  int kind = lex_read(lexer);
  lexer->token.kind = lexer->rc ? EXPR_T_END : kind;
  lexer->token.size = lexer->at - (size_t)(lexer->token.text - lexer->text);
}

void expr_lex_begin(expr_lexer *lexer, const char *text, size_t size, mm_error *err) {
  *lexer = (expr_lexer){.text = text, .size = size, .err = err};
  expr_lex_next(lexer);
}
