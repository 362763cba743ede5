#include "core/bytes/type_hint.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* How a hint completes the name of a type: with le or be, with a size. */
enum { HINT_PLAIN, HINT_ORDERED, HINT_SIZED, HINT_BOTH };

/* As other languages and databases call them; a number of more than a byte is short of its order. */
static const struct {
  const char *type, *words;
  int how;
} type_hints[] = {
    {"u8", " u8 byte uint8 ubyte uchar bool boolean tinyint ", HINT_PLAIN},
    {"i8", " i8 int8 sbyte schar ", HINT_PLAIN},
    {"u16", " u16 uint16 ushort word ", HINT_ORDERED},
    {"i16", " i16 int16 short smallint ", HINT_ORDERED},
    {"u24", " u24 uint24 ", HINT_ORDERED},
    {"i24", " i24 int24 mediumint ", HINT_ORDERED},
    {"u32", " u32 uint32 uint unsigned dword ", HINT_ORDERED},
    {"i32", " i32 int32 int integer ", HINT_ORDERED},
    {"u40", " u40 uint40 ", HINT_ORDERED},
    {"i40", " i40 int40 ", HINT_ORDERED},
    {"u48", " u48 uint48 ", HINT_ORDERED},
    {"i48", " i48 int48 ", HINT_ORDERED},
    {"u56", " u56 uint56 ", HINT_ORDERED},
    {"i56", " i56 int56 ", HINT_ORDERED},
    {"u64", " u64 uint64 ulong qword ", HINT_ORDERED},
    {"i64", " i64 int64 long bigint ", HINT_ORDERED},
    {"f16", " f16 half float16 fp16 binary16 ", HINT_ORDERED},
    {"bf16", " bf16 bfloat16 bfloat ", HINT_ORDERED},
    {"f32", " f32 float float32 single ", HINT_ORDERED},
    {"f64", " f64 double float64 real numeric ", HINT_ORDERED},
    {"blob", " blob binary varbinary bytes bytea ", HINT_SIZED},
    {"text", " text string str char varchar ", HINT_SIZED},
    {"latin1", " latin1 latin iso88591 ", HINT_SIZED},
    {"utf16", " utf16 wchar wstring nchar nvarchar ", HINT_BOTH},
    {"uuid", " uuid ", HINT_PLAIN},
    {"guid", " guid uniqueidentifier clsid ", HINT_PLAIN},
    {"uleb128", " uleb128 uleb uvarint varuint ", HINT_PLAIN},
    {"sleb128", " sleb128 sleb ", HINT_PLAIN},
    {"uleb128 or sleb128", " leb128 leb ", HINT_PLAIN},
    {"varint", " varint ", HINT_PLAIN},
    {"vlq", " vlq ", HINT_PLAIN},
    {"vlq1", " vlq1 ", HINT_PLAIN},
    {"cstr", " cstr cstring asciz asciiz strz stringz ", HINT_PLAIN},
};
enum { TYPE_HINTS = sizeof type_hints / sizeof *type_hints };

#define HINT_WORD 24

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
  size_t digits = 0;
  while (digits + 1 < size && rest[digits + 1] >= '0' && rest[digits + 1] <= '9') digits++;
  bool good =
      digits > 0 && digits < 8 && digits + 2 == size && rest[0] == '(' && rest[digits + 1] == ')';
  (void)snprintf(out, HINT_WORD, "%.*s", good ? (int)size : 3, good ? rest : "(n)");
}

static void write_hint(const char *type, int how, const char *order, const char *size,
                       char hint[MM_TYPE_HINT]) {
  bool ordered = how == HINT_ORDERED || how == HINT_BOTH;
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
    (void)snprintf(
        hint, MM_TYPE_HINT,
        "there are u8 to u64 and i8 to i64 in steps of 8, f16, bf16, f32, f64, with le or be "
        "behind what has more than a byte; with a size blob(n), text(n), latin1(n), "
        "utf16le(n), utf16be(n); uuid, guid; uleb128, sleb128, varint, vlq, vlq1, cstr; "
        "and TYPE[n]");
    return;
  }
  int how = type_hints[i].how;
  if (how == HINT_SIZED || how == HINT_BOTH) size_given(name + length, size - length, given);
  write_hint(type_hints[i].type, how, order, given, hint);
}
