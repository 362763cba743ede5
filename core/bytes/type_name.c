#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/type_hint.h"
#include "core/bytes/type_private.h"

/* A size of 0: it stands in parentheses behind the word. */
static const struct {
  char word[8];
  mm_type type;
} words[] = {
    {"u8", {MM_UNSIGNED, false, 1}},    {"i8", {MM_SIGNED, false, 1}},
    {"u16le", {MM_UNSIGNED, false, 2}}, {"u16be", {MM_UNSIGNED, true, 2}},
    {"i16le", {MM_SIGNED, false, 2}},   {"i16be", {MM_SIGNED, true, 2}},
    {"u24le", {MM_UNSIGNED, false, 3}}, {"u24be", {MM_UNSIGNED, true, 3}},
    {"i24le", {MM_SIGNED, false, 3}},   {"i24be", {MM_SIGNED, true, 3}},
    {"u32le", {MM_UNSIGNED, false, 4}}, {"u32be", {MM_UNSIGNED, true, 4}},
    {"i32le", {MM_SIGNED, false, 4}},   {"i32be", {MM_SIGNED, true, 4}},
    {"u64le", {MM_UNSIGNED, false, 8}}, {"u64be", {MM_UNSIGNED, true, 8}},
    {"i64le", {MM_SIGNED, false, 8}},   {"i64be", {MM_SIGNED, true, 8}},
    {"f32le", {MM_FLOAT, false, 4}},    {"f32be", {MM_FLOAT, true, 4}},
    {"f64le", {MM_FLOAT, false, 8}},    {"f64be", {MM_FLOAT, true, 8}},
    {"blob", {MM_BLOB, false, 0}},      {"text", {MM_TEXT, false, 0}},
    {"utf16le", {MM_UTF16, false, 0}},  {"utf16be", {MM_UTF16, true, 0}},
};

#define TYPE_WORDS (sizeof words / sizeof words[0])

/* What is left to read of a name. */
typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static char peek_lower(const cursor *c) {
  if (c->at == c->end) return 0;
  return *c->at >= 'A' && *c->at <= 'Z' ? (char)(*c->at + ('a' - 'A')) : *c->at;
}

static void skip_spaces(cursor *c) {
  while (c->at < c->end && *c->at && strchr(" \t\n\f\r", *c->at)) c->at++;
}

static bool skip(cursor *c, char wanted) {
  if (peek_lower(c) != wanted) return false;
  c->at++;
  return true;
}

/* The letters and digits ahead; too many of them are no word at all. */
static void read_word(cursor *c, char word[8]) {
  size_t count = 0;
  for (char next = peek_lower(c); (next >= 'a' && next <= 'z') || (next >= '0' && next <= '9');
       next = peek_lower(c)) {
    if (count < 8) word[count] = next;
    count++;
    c->at++;
  }
  word[count < 8 ? count : 0] = 0;
}

static bool find_word(const char *word, mm_type *type) {
  for (size_t i = 0; i < TYPE_WORDS; i++) {
    if (strcmp(words[i].word, word) == 0) {
      *type = words[i].type;
      return true;
    }
  }
  return false;
}

static int digit_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* A number, held at MM_TYPE_MAX + 1 when it is above; false if there is none. */
static bool read_size(cursor *c, uint32_t *size) {
  uint64_t n = 0, base = 10;
  if (c->end - c->at >= 2 && c->at[0] == '0' && (c->at[1] | 0x20) == 'x') {
    c->at += 2;
    base = 16;
  }
  const char *first = c->at;
  for (; digit_value(peek_lower(c)) < (int)base; c->at++) {
    n = n * base + (uint64_t)digit_value(peek_lower(c));
    if (n > MM_TYPE_MAX) n = (uint64_t)MM_TYPE_MAX + 1;
  }
  *size = (uint32_t)n;
  return c->at > first;
}

static bool read_parentheses(cursor *c, uint32_t *size) {
  skip_spaces(c);
  if (!skip(c, '(')) return false;
  skip_spaces(c);
  if (!read_size(c, size)) return false;
  skip_spaces(c);
  return skip(c, ')');
}

static int no_type(const char *name, size_t size, mm_error *err) {
  char quoted[MM_QUOTED];
  char hint[MM_TYPE_HINT];
  mm_quote(name, size, quoted);
  mm_type_hint(name, size, hint);
  return mm_fail(err, MM_ERROR, "%s is no type: %s", quoted, hint);
}

static int no_size(const char *name, size_t size, mm_error *err) {
  char quoted[MM_QUOTED];
  mm_quote(name, size, quoted);
  return mm_fail(err, MM_ERROR, "%s is no type: its size must be 1 to %u", quoted, MM_TYPE_MAX);
}

int mm_type_parse(const char *name, size_t size, mm_type *type, mm_error *err) {
  if (size == 0) return no_type("", 0, err);
  cursor c = {name, name + size};
  char word[8];
  mm_type found;
  skip_spaces(&c);
  read_word(&c, word);
  if (!find_word(word, &found)) return no_type(name, size, err);
  bool sized = found.size == 0;
  if (sized && !read_parentheses(&c, &found.size)) return no_type(name, size, err);
  skip_spaces(&c);
  if (c.at < c.end) return no_type(name, size, err);
  if (found.size < 1 || found.size > MM_TYPE_MAX) return no_size(name, size, err);
  *type = found;
  return MM_OK;
}

static bool is_word_of(size_t i, mm_type type) {
  mm_type other = words[i].type;
  return other.kind == type.kind && other.big_endian == type.big_endian &&
         (other.size == 0 || other.size == type.size);
}

void mm_type_name(mm_type type, char name[MM_TYPE_NAME]) {
  size_t i = 0;
  while (i + 1 < TYPE_WORDS && !is_word_of(i, type)) i++;
  if (words[i].type.size == 0) {
    (void)snprintf(name, MM_TYPE_NAME, "%s(%" PRIu32 ")", words[i].word, type.size);
  } else {
    (void)snprintf(name, MM_TYPE_NAME, "%s", words[i].word);
  }
}
