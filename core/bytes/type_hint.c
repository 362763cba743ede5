#include "core/bytes/type_hint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* As other languages and databases call them; a number of more than a byte is short of its order. */
static const struct {
  const char *type, *words;
} type_hints[] = {
    {"u8", " u8 byte uint8 ubyte uchar bool boolean tinyint "},
    {"i8", " i8 int8 sbyte schar "},
    {"u16", " u16 uint16 ushort word "},
    {"i16", " i16 int16 short smallint "},
    {"u24", " u24 uint24 "},
    {"i24", " i24 int24 mediumint "},
    {"u32", " u32 uint32 uint unsigned dword "},
    {"i32", " i32 int32 int integer "},
    {"u64", " u64 uint64 ulong qword "},
    {"i64", " i64 int64 long bigint "},
    {"f32", " f32 float float32 single "},
    {"f64", " f64 double float64 real numeric "},
    {"blob", " blob binary varbinary bytes bytea "},
    {"text", " text string str char varchar "},
    {"utf16", " utf16 wchar wstring nchar nvarchar "},
};
enum { TYPE_HINTS = sizeof type_hints / sizeof *type_hints };

#define HINT_WORD 16

/* The word that the name begins with, in small letters; its length, 0: none, or too long a one. */
static size_t first_word(const char *name, size_t size, char word[HINT_WORD]) {
  size_t n = 0;
  for (; n < size; n++) {
    char c = name[n] >= 'A' && name[n] <= 'Z' ? (char)(name[n] | 0x20) : name[n];
    bool part = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
    if (!part) break;
    if (n + 1 == HINT_WORD) return 0;
    word[n] = c;
  }
  word[n] = 0;
  return n;
}

static bool ends_in(const char *word, const char *end) {
  size_t n = strlen(word), m = strlen(end);
  return n > m && strcmp(word + n - m, end) == 0;
}

/* Cut off an end of the word if it has that. */
static bool cut_end(char *word, const char *end) {
  if (!ends_in(word, end)) return false;
  word[strlen(word) - strlen(end)] = 0;
  return true;
}

static int find_hint(const char *word) {
  char spaced[HINT_WORD + 3];
  (void)snprintf(spaced, sizeof spaced, " %s ", word);
  int i = 0;
  while (i < TYPE_HINTS && !strstr(type_hints[i].words, spaced)) i++;
  return i;
}

/* "(12)", if the name goes on with just that, else "(n)". */
static void size_given(const char *rest, size_t size, char out[HINT_WORD]) {
  size_t digits = size > 2 && rest[0] == '(' ? strspn(rest + 1, "0123456789") : 0;
  bool good = digits > 0 && digits + 2 == size && digits < 8 && rest[digits + 1] == ')';
  (void)snprintf(out, HINT_WORD, "%.*s", good ? (int)size : 3, good ? rest : "(n)");
}

static void write_hint(const char *type, const char *order, const char *size,
                       char hint[MM_TYPE_HINT]) {
  bool ordered = type[1] != '8' && strcmp(type, "text") != 0 && strcmp(type, "blob") != 0;
  if (!ordered) {
    (void)snprintf(hint, MM_TYPE_HINT, "say %s%s", type, size);
  } else if (*order) {
    (void)snprintf(hint, MM_TYPE_HINT, "say %s%s%s", type, order, size);
  } else {
    (void)snprintf(hint, MM_TYPE_HINT, "say %sle%s or %sbe%s", type, size, type, size);
  }
}

void mm_type_hint(const char *name, size_t size, char hint[MM_TYPE_HINT]) {
  char word[HINT_WORD], given[HINT_WORD] = "";
  const char *order = "";
  size_t length = first_word(name, size, word);
  (void)cut_end(word, "_t");
  int i = length ? find_hint(word) : TYPE_HINTS;
  if (i == TYPE_HINTS && length) {
    order = cut_end(word, "le") ? "le" : cut_end(word, "be") ? "be" : "";
    (void)cut_end(word, "_");
    if (*order) i = find_hint(word);
  }
  if (i == TYPE_HINTS) {
    (void)snprintf(hint, MM_TYPE_HINT,
                   "there are u8, i8, with le or be behind u16, i16, u24, i24, u32, i32, u64, i64, "
                   "f32, f64, and with a size blob(n), text(n), utf16le(n), utf16be(n)");
    return;
  }
  const char *type = type_hints[i].type;
  bool sized = !strcmp(type, "blob") || !strcmp(type, "text") || !strcmp(type, "utf16");
  if (sized) size_given(name + length, size - length, given);
  write_hint(type, order, given, hint);
}
