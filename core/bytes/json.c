#include "core/bytes/json.h"

#include <string.h>

#include "core/bytes/digit.h"
#include "core/bytes/utf.h"

/* ---- the grammar ---------------------------------------------------------------------------- */

static int json_peek(const mm_json *json) {
  return json->at < json->end ? *json->at : -1;
}

static void json_blanks(mm_json *json) {
  while (json->at < json->end && *json->at && strchr(" \t\n\r", *json->at)) json->at++;
}

/* The character, and blanks on either side. */
static bool json_skip(mm_json *json, char wanted) {
  json_blanks(json);
  if (json_peek(json) != wanted) return false;
  json->at++;
  json_blanks(json);
  return true;
}

static bool json_word(mm_json *json, const char *word) {
  size_t size = strlen(word);
  if ((size_t)(json->end - json->at) < size || memcmp(json->at, word, size) != 0) return false;
  json->at += size;
  return true;
}

static bool json_digits(mm_json *json) {
  const uint8_t *first = json->at;
  while (json_peek(json) >= '0' && json_peek(json) <= '9') json->at++;
  return json->at > first;
}

/* No 0 before other digits, and digits on both sides of a point. */
static bool json_number(mm_json *json) {
  (void)json_word(json, "-");
  if (!json_word(json, "0") && !json_digits(json)) return false;
  if (json_word(json, ".") && !json_digits(json)) return false;
  if (!json_word(json, "e") && !json_word(json, "E")) return true;
  if (!json_word(json, "-")) (void)json_word(json, "+");
  return json_digits(json);
}

/* Four digits; -1: they are not. */
static int32_t hex_unit(const uint8_t *at, const uint8_t *end) {
  int32_t unit = 0;
  if (end - at < 4) return -1;
  for (int i = 0; i < 4; i++) {
    if (mm_digit_value(at[i]) < 0) return -1;
    unit = unit << 4 | mm_digit_value(at[i]);
  }
  return unit;
}

static bool json_escape(mm_json *json) {
  int c = json_peek(json);
  if (c <= 0 || !strchr("\"\\/bfnrtu", c)) return false;
  json->at++;
  if (c != 'u') return true;
  if (hex_unit(json->at, json->end) < 0) return false;
  json->at += 4;
  return true;
}

/* Up to the quote that ends it, on which `at` is left. */
static bool json_characters(mm_json *json, mm_json_item *item) {
  for (int c = json_peek(json); c != '"'; c = json_peek(json)) {
    if (c < 0x20) return false; /* -1, the end, too */
    json->at++;
    if (c != '\\') continue;
    item->escaped = true;
    if (!json_escape(json)) return false;
  }
  return true;
}

static bool json_string(mm_json *json, mm_json_item *item) {
  json->at++;
  item->kind = MM_JSON_STRING;
  item->text = json->at;
  if (!json_characters(json, item)) return false;
  item->size = (uint64_t)(json->at - item->text);
  json->at++;
  return true;
}

static bool json_plain(mm_json *json, mm_json_item *item) {
  item->text = json->at;
  if (json_word(json, "null")) {
    item->kind = MM_JSON_NULL;
  } else if (json_word(json, "false")) {
    item->kind = MM_JSON_FALSE;
  } else if (json_word(json, "true")) {
    item->kind = MM_JSON_TRUE;
  } else {
    item->kind = MM_JSON_NUMBER;
    if (!json_number(json)) return false;
  }
  item->size = (uint64_t)(json->at - item->text);
  return true;
}

static bool json_scalar(mm_json *json, mm_json_item *item) {
  *item = (mm_json_item){0};
  return json_peek(json) == '"' ? json_string(json, item) : json_plain(json, item);
}

/* Behind the last item the text ends. */
static bool json_ends(mm_json *json) {
  if (!json_skip(json, ']')) return false;
  if (json->at < json->end) json->bad = true;
  return true;
}

bool mm_json_next(mm_json *json, mm_json_item *item) {
  bool first = json->count == 0;
  if (json->bad) return false;
  if (first && !json_skip(json, '[')) json->bad = true;
  if (json->bad || json_ends(json)) return false;
  if ((!first && !json_skip(json, ',')) || !json_scalar(json, item)) {
    json->bad = true;
    return false;
  }
  json->count++;
  return true;
}

/* ---- strings -------------------------------------------------------------------------------- */

/* Behind \u; a high surrogate takes the \u of its low one along. */
static uint32_t unescape_unit(const uint8_t **at, const uint8_t *end) {
  uint32_t unit = (uint32_t)hex_unit(*at, end);
  *at += 4;
  if ((unit & 0xf800u) != 0xd800u) return unit;
  if (unit >= 0xdc00 || end - *at < 6 || (*at)[0] != '\\' || (*at)[1] != 'u') return MM_REPLACEMENT;
  uint32_t low = (uint32_t)hex_unit(*at + 2, end);
  if ((low & 0xfc00u) != 0xdc00u) return MM_REPLACEMENT;
  *at += 6;
  return 0x10000 + ((unit & 0x3ffu) << 10 | (low & 0x3ffu));
}

static uint8_t unescaped(uint8_t c) {
  static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
  const char *found = strchr(from, c);
  return found ? (uint8_t)to[found - from] : c;
}

uint64_t mm_json_unescape(const mm_json_item *item, uint8_t *out) {
  const uint8_t *at = item->text, *end = at + item->size;
  uint64_t used = 0;
  while (at < end) {
    uint8_t c = *at++;
    if (c != '\\') {
      out[used++] = c;
    } else if (*at++ == 'u') {
      used += mm_utf8_put(unescape_unit(&at, end), out + used);
    } else {
      out[used++] = unescaped(at[-1]);
    }
  }
  return used;
}
