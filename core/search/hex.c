#include "core/search/hex.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "core/common/mem.h"

#define JUMP_MOST ((uint64_t)1 << 24)
#define REPEAT_MOST ((uint64_t)65535) /* PCRE2's own limit */
#define GROUP_DEPTH_MAX 100

/* Once `rc` is set every function does nothing. */
typedef struct translator {
  const char *pattern;
  uint64_t size, at;
  char *text;
  uint64_t length, capacity;
  unsigned depth;
  bool jump;  /* the last element was a jump */
  bool empty; /* nothing stands before, in this alternative */
  int rc;
  mm_error *err;
} translator;

static void translator_fail(translator *t, uint64_t at, const char *what) {
  if (t->rc) return;
  t->rc = mm_fail(t->err, MM_ERROR, "bad hex pattern at %llu: %s", (unsigned long long)at, what);
}

static void put(translator *t, const char *text) {
  size_t n = strlen(text);
  if (t->rc) return;
  if (t->capacity - t->length <= n) {
    uint64_t capacity = 2 * (t->capacity + n) + 64;
    char *more = mm_realloc(t->text, capacity);
    if (!more) {
      t->rc = mm_fail_nomem(t->err);
      return;
    }
    t->text = more;
    t->capacity = capacity;
  }
  memcpy(t->text + t->length, text, n + 1);
  t->length += n;
}

/* ---- scanning ------------------------------------------------------------------------------- */

static bool is_white(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool starts(const translator *t, const char *word) {
  size_t n = strlen(word);
  return t->size - t->at >= n && memcmp(t->pattern + t->at, word, n) == 0;
}

static void skip_comment(translator *t, const char *end) {
  uint64_t from = t->at;
  t->at += 2;
  while (t->at < t->size && !starts(t, end)) t->at++;
  if (t->at < t->size) {
    t->at += strlen(end);
  } else if (end[0] == '*') {
    translator_fail(t, from, "the comment does not end");
  }
}

static void skip_space(translator *t) {
  while (t->at < t->size && !t->rc) {
    if (is_white(t->pattern[t->at])) {
      t->at++;
    } else if (starts(t, "/*")) {
      skip_comment(t, "*/");
    } else if (starts(t, "//")) {
      skip_comment(t, "\n");
    } else {
      return;
    }
  }
}

/* The next character that means something; 0: none. */
static char peek(translator *t) {
  skip_space(t);
  return t->at < t->size && !t->rc ? t->pattern[t->at] : 0;
}

static bool translator_take(translator *t, char c) {
  bool there = peek(t) == c && c;
  if (there) t->at++;
  return there;
}

/* ---- bytes ---------------------------------------------------------------------------------- */

int mm_hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  c = (char)(c | 0x20);
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* A digit, or ANY. */
enum { ANY = 16 };

static int read_digit(translator *t) {
  char c = t->at < t->size ? t->pattern[t->at] : 0;
  int digit = c == '?' ? ANY : mm_hex_digit(c);
  if (digit < 0) translator_fail(t, t->at, "a hexadecimal digit or ? is missing");
  if (digit >= 0) t->at++;
  return digit;
}

static void put_byte(translator *t, int byte) {
  char text[8];
  (void)snprintf(text, sizeof text, "\\x%02X", (unsigned)byte & 0xff);
  put(t, text);
}

/* All bytes with this low digit. */
static void put_low(translator *t, int low) {
  for (int high = 0; high < 16; high++) put_byte(t, high << 4 | low);
}

static void put_class(translator *t, int high, int low, bool negated) {
  put(t, negated ? "[^" : "[");
  if (high == ANY) {
    put_low(t, low);
  } else if (low == ANY) {
    put_byte(t, high << 4);
    put(t, "-");
    put_byte(t, high << 4 | 15);
  } else {
    put_byte(t, high << 4 | low);
  }
  put(t, "]");
}

static void read_byte(translator *t) {
  bool negated = translator_take(t, '~');
  skip_space(t);
  uint64_t from = t->at;
  int high = read_digit(t), low = t->rc ? 0 : read_digit(t);
  if (t->rc) return;
  if (high == ANY && low == ANY) {
    if (negated) translator_fail(t, from, "no byte is other than ??");
    put(t, ".");
  } else if (negated || high == ANY || low == ANY) {
    put_class(t, high, low, negated);
  } else {
    put_byte(t, high << 4 | low);
  }
}

/* ---- jumps ---------------------------------------------------------------------------------- */

static bool translator_number(translator *t, uint64_t *n) {
  (void)peek(t);
  uint64_t from = t->at;
  *n = 0;
  while (t->at < t->size && t->pattern[t->at] >= '0' && t->pattern[t->at] <= '9') {
    *n = *n * 10 + (uint64_t)(t->pattern[t->at++] - '0');
    if (*n > JUMP_MOST) translator_fail(t, from, "a jump is longer than 16777216 bytes");
    if (t->rc) return false;
  }
  return t->at > from;
}

/* A number of any bytes, as many repeats as that needs. */
static void put_repeats(translator *t, uint64_t n, const char *format) {
  char text[32];
  while (n > 0) {
    uint64_t part = n < REPEAT_MOST ? n : REPEAT_MOST;
    (void)snprintf(text, sizeof text, format, (unsigned)part);
    put(t, text);
    n -= part;
  }
}

/* From `least` to `most` bytes, as few as will do. */
static void put_range(translator *t, uint64_t least, uint64_t most) {
  char text[48];
  if (least < most && most <= REPEAT_MOST) {
    (void)snprintf(text, sizeof text, ".{%u,%u}?", (unsigned)least, (unsigned)most);
    put(t, text);
  } else {
    put_repeats(t, least, ".{%u}");
    put_repeats(t, most - least, ".{0,%u}?");
  }
}

/* After "[". */
static void read_jump(translator *t) {
  uint64_t from = t->at - 1, least = 0, most = 0;
  bool given = translator_number(t, &least), range = translator_take(t, '-');
  bool bounded = range && translator_number(t, &most);
  if (!range) most = least;
  if (!given && !range) translator_fail(t, from, "a jump needs a number");
  if (!translator_take(t, ']')) translator_fail(t, t->at, "missing ]");
  if ((bounded || !range) && most < least)
    translator_fail(t, from, "a jump to less than it starts with");
  if (range && !bounded && t->depth > 0)
    translator_fail(t, from, "a jump inside brackets needs an end");
  put_range(t, least, most < least ? least : most);
  if (range && !bounded) put(t, ".*?");
}

/* ---- all of it ------------------------------------------------------------------------------ */

static void read_all(translator *t);

/* After "(". */
static void read_brackets(translator *t) {
  uint64_t from = t->at - 1;
  if (++t->depth > GROUP_DEPTH_MAX) translator_fail(t, from, "brackets are too deep");
  put(t, "(?:");
  read_all(t);
  if (!translator_take(t, ')')) translator_fail(t, from, "missing )");
  put(t, ")");
  t->depth--;
  t->empty = t->jump = false;
}

static void read_element(translator *t, uint64_t at) {
  if (translator_take(t, '(')) {
    read_brackets(t);
  } else if (translator_take(t, '[')) {
    if (t->empty) translator_fail(t, at, "a jump needs a byte before it");
    read_jump(t);
    t->jump = true;
  } else {
    read_byte(t);
    t->jump = false;
  }
  t->empty = false;
}

static void end_alternative(translator *t) {
  if (t->empty) translator_fail(t, t->at, "a byte is missing");
  if (t->jump) translator_fail(t, t->at, "a jump needs a byte after it");
  t->empty = true;
  t->jump = false;
}

/* Elements, and alternatives of them where that is allowed, to a closing bracket or the end. */
static void read_all(translator *t) {
  t->empty = true;
  t->jump = false;
  for (char c; (c = peek(t)) != 0 && c != ')' && c != '}';) {
    if (c != '|') {
      read_element(t, t->at);
    } else if (t->depth > 0) {
      end_alternative(t);
      t->at++;
      put(t, "|");
    } else {
      translator_fail(t, t->at, "| outside brackets");
    }
  }
  end_alternative(t);
}

int mm_hex_regex(const char *pattern, uint64_t size, char **out, mm_error *err) {
  translator t = {.pattern = pattern, .size = size, .err = err};
  bool braces = translator_take(&t, '{');
  put(&t, "(?s)");
  read_all(&t);
  if (braces && !translator_take(&t, '}')) translator_fail(&t, t.at, "missing }");
  skip_space(&t);
  if (t.at < t.size) translator_fail(&t, t.at, "unexpected character");
  if (t.rc) {
    mm_free(t.text);
    t.text = NULL;
  }
  *out = t.text;
  return t.rc;
}
