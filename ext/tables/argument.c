#include "ext/tables/argument.h"

#include <string.h>

#include "core/common/mem.h"
#include "core/search/hex.h"
#include "ext/connection/ext.h"

bool ext_argument_is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

const char *ext_argument_skip(const char *p) {
  while (ext_argument_is_blank(*p)) p++;
  return p;
}

static bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
         c == '$' || (unsigned char)c >= 0x80;
}

static char closing_quote(char open) {
  switch (open) {
    case '\'':
    case '"':
    case '`':
      return open;
    case '[':
      return ']';
    default:
      return 0;
  }
}

/* A quoted piece of text; a doubled quote stands for one. Allocated; NULL: no memory, or, and `p`
** is NULL then, it is not closed. */
static char *read_quoted(const char **p) {
  char close = closing_quote(**p);
  const char *from = *p + 1;
  char *text = mm_alloc(strlen(from) + 1), *to = text;
  if (!text) return NULL;
  while (*from && !(*from == close && (close == ']' || from[1] != close))) {
    if (*from == close) from++;
    *to++ = *from++;
  }
  if (!*from) {
    mm_free(text);
    *p = NULL;
    return NULL;
  }
  *to = 0;
  *p = from + 1;
  return text;
}

static char *copy_range(const char *from, const char *to) {
  size_t size = (size_t)(to - from);
  char *text = mm_alloc(size + 1);
  if (!text) return NULL;
  memcpy(text, from, size);
  text[size] = 0;
  return text;
}

char *ext_argument_name(const char **p) {
  if (closing_quote(**p)) return read_quoted(p);
  const char *from = *p;
  while (is_name_character(**p)) (*p)++;
  if (*p > from) return copy_range(from, *p);
  *p = NULL;
  return NULL;
}

char *ext_argument_text(const char *p) {
  p = ext_argument_skip(p);
  if (closing_quote(*p)) {
    const char *q = p;
    char *text = read_quoted(&q);
    if (q && (!text || !*ext_argument_skip(q))) return text;
    mm_free(text);
  }
  const char *end = p + strlen(p);
  while (end > p && ext_argument_is_blank(end[-1])) end--;
  return copy_range(p, end);
}

int ext_argument_yes(const char *name, const char *text, bool *yes, mm_error *err) {
  *yes = sqlite3_stricmp(text, "yes") == 0;
  if (*yes || sqlite3_stricmp(text, "no") == 0) return MM_OK;
  return mm_fail(err, MM_ERROR, "%s '%s' is neither yes nor no", name, text);
}

/* As split, of what does not stand in quotes as a whole. */
static int split_argument(const char *text, ext_argument *out, mm_error *err) {
  const char *p = ext_argument_skip(text);
  out->quoted = closing_quote(*p) != 0;
  out->name = ext_argument_name(&p);
  if (!p) return mm_fail(err, MM_ERROR, "'%s' is neither an option nor a column", text);
  if (!out->name) return mm_fail_nomem(err);
  p = ext_argument_skip(p);
  out->option = *p == '=' && !out->quoted;
  out->rest = out->option ? p + 1 : p;
  return MM_OK;
}

/* Does a name begin it, and something follow? */
static bool is_more_than_a_name(const char *text) {
  const char *p = ext_argument_skip(text), *from = p;
  if (closing_quote(*p)) return true;
  while (is_name_character(*p)) p++;
  return p > from && *ext_argument_skip(p);
}

int ext_argument_split(const char *text, ext_argument *out, mm_error *err) {
  bool single = *ext_argument_skip(text) == '\'';
  out->unquoted = NULL;
  int rc = split_argument(text, out, err);
  if (rc || !single || *out->rest || !is_more_than_a_name(out->name)) return rc;
  out->unquoted = out->name;
  rc = split_argument(out->unquoted, out, err);
  if (rc) mm_free(out->unquoted);
  return rc;
}

void ext_argument_clear(ext_argument *argument) {
  mm_free(argument->name);
  mm_free(argument->unquoted);
}

static bool is_star(const char *text) {
  const char *p = ext_argument_skip(text);
  return *p == '*' && !*ext_argument_skip(p + 1);
}

int ext_argument_path(const char *text, char **path, mm_error *err) {
  *path = NULL;
  if (!text) return mm_fail(err, MM_ERROR, "a path is needed");
  if (is_star(text)) return MM_OK;
  *path = ext_argument_text(text);
  if (!*path) return mm_fail_nomem(err);
  return **path ? MM_OK : mm_fail(err, MM_ERROR, "a path is needed");
}

/* strtoull takes "0x" twice. */
int64_t ext_argument_digits(const char **p) {
  bool hex = (*p)[0] == '0' && ((*p)[1] == 'x' || (*p)[1] == 'X');
  const char *digits = hex ? *p + 2 : *p, *end = digits;
  uint64_t n = 0;
  int base = hex ? 16 : 10;
  for (int digit; (digit = mm_hex_digit(*end)) >= 0 && digit < base; end++) {
    n = n * (uint64_t)base + (uint64_t)digit;
    if (n > MM_OBJECT_MAX) return -1;
  }
  if (end == digits) return -1;
  *p = end;
  return (int64_t)n;
}

int ext_argument_number(const char *name, const char *text, uint64_t *out, mm_error *err) {
  const char *p = text;
  int64_t n = ext_argument_digits(&p);
  if (n < 0 || *ext_argument_skip(p)) {
    return mm_fail(err, MM_ERROR, "%s '%s' is no number of bytes", name, text);
  }
  *out = (uint64_t)n;
  return MM_OK;
}

int ext_argument_check_window(const char *path, uint64_t offset, uint64_t length, uint64_t size,
                              mm_error *err) {
  if (offset > size) {
    return mm_fail(err, MM_ERROR, "offset %llu is outside '%s' (%llu bytes)",
                   (unsigned long long)offset, path, (unsigned long long)size);
  }
  if (length > size - offset) {
    return mm_fail(err, MM_ERROR, "length %llu is more than '%s' has (%llu bytes)",
                   (unsigned long long)length, path, (unsigned long long)(size - offset));
  }
  return MM_OK;
}
