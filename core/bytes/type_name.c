#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "core/bytes/digit.h"
#include "core/bytes/type_hint.h"
#include "core/bytes/type_private.h"

/* ---- words ---------------------------------------------------------------------------------- */

/* What stands behind a word. */
enum { PLAIN, COUNTED, ENDED };

/* Those that are not integers or bits. A word that is `ordered` may have le or be at its end. */
static const struct {
  char word[8];
  bool ordered;
  uint8_t kind, behind;
  uint32_t size;
} words[] = {
    {"f16", true, MM_FLOAT, PLAIN, 2},         {"bf16", true, MM_BFLOAT, PLAIN, 2},
    {"f32", true, MM_FLOAT, PLAIN, 4},         {"f64", true, MM_FLOAT, PLAIN, 8},
    {"blob", false, MM_BLOB, COUNTED, 0},      {"text", false, MM_TEXT, COUNTED, 0},
    {"latin1", false, MM_LATIN1, COUNTED, 0},  {"utf16", true, MM_UTF16, COUNTED, 0},
    {"uuid", false, MM_UUID, PLAIN, 16},       {"guid", false, MM_GUID, PLAIN, 16},
    {"uleb128", false, MM_ULEB128, PLAIN, 10}, {"sleb128", false, MM_SLEB128, PLAIN, 10},
    {"varint", false, MM_VARINT, PLAIN, 9},    {"vlq", false, MM_VLQ, PLAIN, 10},
    {"vlq1", false, MM_VLQ1, PLAIN, 10},       {"cstr", false, MM_CSTR, ENDED, 0},
};
enum { TYPE_WORDS = sizeof words / sizeof words[0] };

#define WORD 8

/* What is left to read of a name. */
typedef struct cursor {
  const char *at;
  const char *end;
} cursor;

static char peek_lower(const cursor *c) {
  if (c->at == c->end) return 0;
  return *c->at >= 'A' && *c->at <= 'Z' ? (char)(*c->at + ('a' - 'A')) : *c->at;
}

static bool is_blank_char(char c) {
  return c && strchr(" \t\n\f\r", c);
}

static void skip_spaces(cursor *c) {
  while (c->at < c->end && is_blank_char(*c->at)) c->at++;
}

/* The character, and spaces on either side of it. */
static bool skip(cursor *c, char wanted) {
  skip_spaces(c);
  if (peek_lower(c) != wanted) return false;
  c->at++;
  skip_spaces(c);
  return true;
}

/* The letters and digits ahead; too many of them are no word at all. */
static void read_word(cursor *c, char word[WORD]) {
  size_t count = 0;
  for (char next = peek_lower(c); (next >= 'a' && next <= 'z') || (next >= '0' && next <= '9');
       next = peek_lower(c)) {
    if (count < WORD) word[count] = next;
    count++;
    c->at++;
  }
  word[count < WORD ? count : 0] = 0;
}

static bool cut_order(char *word, const char *order) {
  size_t size = strlen(word);
  if (size < 3 || strcmp(word + size - 2, order) != 0) return false;
  word[size - 2] = 0;
  return true;
}

/* The 1 .. 64 behind a letter, written as one writes it; 0: it is no such word. */
static unsigned width_of(const char *word) {
  const char *digit = word + 1;
  unsigned width = 0;
  if (!*word || *digit == '0') return 0;
  for (; *digit >= '0' && *digit <= '9' && width <= 64; digit++) {
    width = width * 10 + (unsigned)(*digit - '0');
  }
  return *digit || width > 64 ? 0 : width;
}

static bool find_bits(const char *word, bool le, bool be, mm_type *type) {
  unsigned width = width_of(word);
  if (word[0] != 'b' || width == 0 || be) return false;
  *type = (mm_type){.kind = MM_BITS, .big_endian = !le, .bits = (uint8_t)width};
  return true;
}

static bool find_integer(const char *word, mm_type *type) {
  unsigned width = width_of(word);
  if ((word[0] != 'u' && word[0] != 'i') || width == 0 || width % 8) return false;
  *type = (mm_type){.kind = word[0] == 'i' ? MM_SIGNED : MM_UNSIGNED, .size = width / 8};
  return true;
}

static bool find_other(const char *word, mm_type *type, int *behind, bool *ordered) {
  size_t i = 0;
  while (i < TYPE_WORDS && strcmp(words[i].word, word) != 0) i++;
  if (i == TYPE_WORDS) return false;
  *type = (mm_type){.kind = words[i].kind, .size = words[i].size};
  *behind = words[i].behind;
  *ordered = words[i].ordered;
  return true;
}

/* The type that a word names, but for what stands behind it. */
static bool find_word(char word[WORD], mm_type *type, int *behind) {
  bool le = cut_order(word, "le"), be = !le && cut_order(word, "be"), ordered = false;
  *behind = PLAIN;
  if (find_bits(word, le, be, type)) return true;
  if (find_integer(word, type)) {
    ordered = type->size > 1;
  } else if (!find_other(word, type, behind, &ordered)) {
    return false;
  }
  type->big_endian = be;
  type->open = ordered && !le && !be;
  return ordered || (!le && !be);
}

/* ---- what stands behind --------------------------------------------------------------------- */

static int next_digit(const cursor *c) {
  return mm_digit_value(peek_lower(c));
}

/* A number, held at MM_TYPE_MAX + 1 when it is above; false if there is none. */
static bool read_size(cursor *c, uint64_t *size) {
  uint64_t n = 0;
  int base = 10;
  if (c->end - c->at >= 2 && c->at[0] == '0' && (c->at[1] | 0x20) == 'x') {
    c->at += 2;
    base = 16;
  }
  const char *first = c->at;
  for (int digit = next_digit(c); digit >= 0 && digit < base; c->at++, digit = next_digit(c)) {
    n = n * (uint64_t)base + (uint64_t)digit;
    if (n > MM_TYPE_MAX) n = (uint64_t)MM_TYPE_MAX + 1;
  }
  *size = n;
  return c->at > first;
}

/* What is being read of a name. */
typedef struct parse {
  cursor c;
  mm_type type;
  bool missized;     /* a size is out of range */
  bool free_count;   /* a count that is no number is taken as it is */
  const char *count; /* … this one */
  size_t count_size;
} parse;

static void take_size(parse *p, uint64_t n) {
  p->missized = p->missized || n < 1 || !mm_type_set_count(&p->type, n);
}

/* All up to the last character, which closes it, without the spaces around. */
static bool read_free_count(parse *p, char closing) {
  const char *end = p->c.end;
  while (end > p->c.at && is_blank_char(end[-1])) end--;
  if (!p->free_count || end == p->c.at || end[-1] != closing) return false;
  p->count = p->c.at;
  p->c.at = p->c.end;
  for (end--; end > p->count && is_blank_char(end[-1]);) end--;
  p->count_size = (size_t)(end - p->count);
  return p->count_size > 0;
}

static bool read_n(parse *p, char opening, char closing) {
  uint64_t n;
  if (!skip(&p->c, opening)) return false;
  cursor before = p->c;
  if (read_size(&p->c, &n) && skip(&p->c, closing)) {
    take_size(p, n);
    return true;
  }
  p->c = before;
  return read_free_count(p, closing);
}

/* Digits in pairs. */
static bool read_end_bytes(cursor *c, mm_type *type) {
  type->end_size = 0;
  for (int high = next_digit(c); high >= 0; high = next_digit(c)) {
    c->at++;
    int low = next_digit(c);
    if (low < 0 || type->end_size == MM_TYPE_END) return false;
    type->end[type->end_size++] = (uint8_t)(high << 4 | low);
    c->at++;
  }
  return type->end_size > 0;
}

static bool is_at_literal(const cursor *c) {
  return c->end - c->at >= 2 && (c->at[0] | 0x20) == 'x' && c->at[1] == '\'';
}

/* x'0d0a' */
static bool read_end(parse *p) {
  p->c.at += 2;
  return read_end_bytes(&p->c, &p->type) && skip(&p->c, '\'');
}

/* A cstr's end or its most bytes, once each. */
static bool read_limit(parse *p, bool *ended, bool *limited) {
  uint64_t n;
  bool *seen = is_at_literal(&p->c) ? ended : limited;
  if (*seen) return false;
  *seen = true;
  if (seen == ended) return read_end(p);
  if (!read_size(&p->c, &n)) return false;
  take_size(p, n);
  return true;
}

/* Nothing, or in parentheses one or both, in either order. */
static bool read_limits(parse *p) {
  bool ended = false, limited = false;
  p->type.end_size = 1;
  if (!skip(&p->c, '(')) return true;
  if (!read_limit(p, &ended, &limited)) return false;
  if (skip(&p->c, ',') && !read_limit(p, &ended, &limited)) return false;
  if (limited && p->type.size < p->type.end_size) p->missized = true;
  return skip(&p->c, ')');
}

static bool read_behind(parse *p, int behind) {
  switch (behind) {
    case COUNTED:
      return read_n(p, '(', ')');
    case ENDED:
      return read_limits(p);
    default:
      return true;
  }
}

/* [n] makes an array of it. */
static bool read_items(parse *p) {
  skip_spaces(&p->c);
  if (peek_lower(&p->c) != '[') return true;
  mm_type *type = &p->type;
  if (!mm_type_is_fixed(*type) || p->count_size) return false;
  type->item = type->kind;
  type->item_size = type->size;
  type->kind = MM_ARRAY;
  type->size = 0;
  return read_n(p, '[', ']');
}

static bool read_name(parse *p) {
  char word[WORD];
  int behind;
  skip_spaces(&p->c);
  read_word(&p->c, word);
  bool read = find_word(word, &p->type, &behind) && read_behind(p, behind) && read_items(p);
  skip_spaces(&p->c);
  return read && p->c.at == p->c.end;
}

/* ---- parsing -------------------------------------------------------------------------------- */

static int no_type(const char *name, size_t size, mm_error *err) {
  char quoted[MM_QUOTED];
  char hint[MM_TYPE_HINT];
  mm_quote(name, size, quoted);
  mm_type_hint(name, size, hint);
  return mm_fail(err, MM_ERROR, "%s is no type: %s", quoted, hint);
}

static int no_size(const char *name, size_t size, mm_type type, mm_error *err) {
  char quoted[MM_QUOTED];
  mm_quote(name, size, quoted);
  return mm_fail(err, MM_ERROR, "%s is no type: its size must be %u to %u", quoted,
                 type.kind == MM_CSTR ? type.end_size : 1u, MM_TYPE_MAX);
}

/* A type, and one that has no place here. */
static int not_here(mm_type type, mm_error *err) {
  char name[MM_TYPE_NAME];
  mm_type_name(type, name);
  if (type.kind == MM_BITS) {
    return mm_fail(err, MM_ERROR,
                   "%s is a part of some byte: read an integer, and use >> and & on it", name);
  }
  return mm_fail(err, MM_ERROR, "%s has no fixed size", name);
}

static int check_use(const parse *p, const char *name, size_t size, unsigned allow, mm_error *err) {
  mm_type type = p->type;
  if (type.open && !(allow & MM_ALLOW_OPEN)) return no_type(name, size, err);
  if (type.kind == MM_BITS && !(allow & MM_ALLOW_BITS)) return not_here(type, err);
  bool out = mm_type_is_variable(type) && !(allow & MM_ALLOW_VARIABLE);
  return out ? not_here(type, err) : MM_OK;
}

static int parse_name(parse *p, unsigned allow, mm_type *type, mm_error *err) {
  const char *name = p->c.at;
  size_t size = (size_t)(p->c.end - name);
  if (!read_name(p)) return no_type(name, size, err);
  int rc = p->missized ? no_size(name, size, p->type, err) : MM_OK;
  if (rc == MM_OK) rc = check_use(p, name, size, allow, err);
  if (rc == MM_OK) *type = p->type;
  return rc;
}

int mm_type_parse(const char *name, size_t size, unsigned allow, mm_type *type, mm_error *err) {
  if (size == 0) return no_type("", 0, err);
  parse p = {.c = {name, name + size}};
  return parse_name(&p, allow, type, err);
}

int mm_type_parse_counted(const char *name, size_t size, unsigned allow, mm_type *type,
                          const char **count, size_t *count_size, mm_error *err) {
  if (size == 0) return no_type("", 0, err);
  parse p = {.c = {name, name + size}, .free_count = true};
  int rc = parse_name(&p, allow, type, err);
  *count = p.count;
  *count_size = rc == MM_OK ? p.count_size : 0;
  return rc;
}

bool mm_type_set_count(mm_type *type, uint64_t n) {
  uint64_t size = type->kind == MM_ARRAY ? type->item_size : 1;
  if (n > MM_TYPE_MAX / size) return false;
  type->size = (uint32_t)(n * size);
  return true;
}

void mm_type_close(mm_type *type, bool big_endian) {
  if (!type->open) return;
  type->open = false;
  type->big_endian = big_endian;
}

/* ---- naming --------------------------------------------------------------------------------- */

static void name_bits(mm_type type, char name[MM_TYPE_NAME]) {
  (void)snprintf(name, MM_TYPE_NAME, "b%u%s", type.bits, type.big_endian ? "" : "le");
}

static const char *order_of(mm_type type, bool ordered) {
  return !ordered || type.open ? "" : type.big_endian ? "be" : "le";
}

static void name_integer(mm_type type, char name[MM_TYPE_NAME]) {
  (void)snprintf(name, MM_TYPE_NAME, "%c%" PRIu32 "%s", type.kind == MM_SIGNED ? 'i' : 'u',
                 8 * type.size, order_of(type, type.size > 1));
}

static void name_end(mm_type type, char name[MM_TYPE_NAME]) {
  int used = snprintf(name, MM_TYPE_NAME, "(x'");
  for (int i = 0; i < type.end_size; i++, used += 2) {
    (void)snprintf(name + used, 3, "%02x", type.end[i]);
  }
  (void)snprintf(name + used, MM_TYPE_NAME - (size_t)used, "'");
}

static void name_limits(mm_type type, char name[MM_TYPE_NAME]) {
  char end[MM_TYPE_NAME] = "", limit[16] = "";
  bool other = type.end_size > 1 || type.end[0] != 0;
  if (other) name_end(type, end);
  if (type.size) (void)snprintf(limit, sizeof limit, "%s%" PRIu32, other ? ", " : "(", type.size);
  (void)snprintf(name, MM_TYPE_NAME, "cstr%.13s%s%s", end, limit, *end || *limit ? ")" : "");
}

static void name_word(mm_type type, char name[MM_TYPE_NAME]) {
  size_t i = 0;
  while (i + 1 < TYPE_WORDS &&
         (words[i].kind != type.kind || (words[i].behind == PLAIN && words[i].size != type.size))) {
    i++;
  }
  int used = snprintf(name, MM_TYPE_NAME, "%s%s", words[i].word, order_of(type, words[i].ordered));
  if (words[i].behind == COUNTED) {
    (void)snprintf(name + used, MM_TYPE_NAME - (size_t)used, "(%" PRIu32 ")", type.size);
  }
}

static void name_array(mm_type type, char name[MM_TYPE_NAME]) {
  mm_type_name(mm_type_item(type), name);
  size_t used = strlen(name);
  /* NOLINTNEXTLINE(clang-analyzer-core.DivideZero): items of an array have a size */
  (void)snprintf(name + used, MM_TYPE_NAME - used, "[%" PRIu32 "]", type.size / type.item_size);
}

void mm_type_name(mm_type type, char name[MM_TYPE_NAME]) {
  switch (type.kind) {
    case MM_UNSIGNED:
    case MM_SIGNED:
      name_integer(type, name);
      break;
    case MM_BITS:
      name_bits(type, name);
      break;
    case MM_CSTR:
      name_limits(type, name);
      break;
    case MM_ARRAY:
      name_array(type, name);
      break;
    default:
      name_word(type, name);
  }
}
