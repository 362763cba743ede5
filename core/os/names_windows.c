#include "core/os/names_windows.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

/* ---- UTF ------------------------------------------------------------------------------------ */

/* The code point at *p, which moves on; -1: it is not UTF-8, in its one way to say it. */
static int32_t read_utf8(const uint8_t **p) {
  static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
  uint32_t first = **p;
  unsigned more = first < 0x80 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
  if ((first >= 0x80 && first < 0xc2) || first > 0xf4) return -1;
  uint32_t c = more ? first & (0x3fu >> more) : first;
  for (unsigned i = 1; i <= more; i++) {
    if (((*p)[i] & 0xc0) != 0x80) return -1;
    c = c << 6 | ((*p)[i] & 0x3fu);
  }
  if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000)) return -1;
  *p += 1 + more;
  return (int32_t)c;
}

static size_t write_utf16(int32_t c, uint16_t out[2]) {
  if (c < 0x10000) {
    out[0] = (uint16_t)c;
    return 1;
  }
  out[0] = (uint16_t)(0xd800 + ((c - 0x10000) >> 10));
  out[1] = (uint16_t)(0xdc00 + ((c - 0x10000) & 0x3ff));
  return 2;
}

int names_to_utf16(const char *text, uint16_t *out, size_t size) {
  size_t at = 0;
  for (const uint8_t *p = (const uint8_t *)text; *p;) {
    uint16_t units[2];
    int32_t c = read_utf8(&p);
    if (c < 0) return -EILSEQ;
    size_t n = write_utf16(c, units);
    if (at + n >= size) return -ENAMETOOLONG;
    memcpy(out + at, units, n * sizeof *units);
    at += n;
  }
  if (at >= size) return -ENAMETOOLONG;
  out[at] = 0;
  return 0;
}

static int32_t read_utf16(const uint16_t **p) {
  uint16_t unit = *(*p)++;
  if (unit < 0xd800 || unit >= 0xe000) return unit;
  if (unit >= 0xdc00 || **p < 0xdc00 || **p >= 0xe000) return -1;
  return 0x10000 + ((unit - 0xd800) << 10) + (*(*p)++ - 0xdc00);
}

static size_t write_utf8(int32_t code, char out[4]) {
  uint32_t c = (uint32_t)code;
  size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  static const uint8_t heads[] = {0, 0, 0xc0, 0xe0, 0xf0};
  for (size_t i = n; i-- > 1; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)(heads[n] | c);
  return n;
}

int names_to_utf8(const uint16_t *text, char *out, size_t size) {
  size_t at = 0;
  while (*text) {
    char bytes[4];
    int32_t c = read_utf16(&text);
    if (c < 0) return -EILSEQ;
    size_t n = write_utf8(c, bytes);
    if (at + n >= size) return -ENAMETOOLONG;
    memcpy(out + at, bytes, n);
    at += n;
  }
  if (at >= size) return -ENAMETOOLONG;
  out[at] = 0;
  return 0;
}

/* ---- names ---------------------------------------------------------------------------------- */

static char small_letter(char c) {
  return c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
}

static bool is_word(const char *name, size_t length, const char *word) {
  size_t i = 0;
  while (i < length && word[i] && small_letter(name[i]) == word[i]) i++;
  return i == length && !word[i];
}

/* 1 to 9, and the raised 1, 2 and 3 that count as those. */
static bool is_port_number(const char *at, size_t length) {
  if (length == 1) return *at >= '1' && *at <= '9';
  return length == 2 && at[0] == '\xc2' && (at[1] == '\xb9' || at[1] == '\xb2' || at[1] == '\xb3');
}

/* With whatever ending, as the system has it. */
static bool is_device(const char *name, size_t length) {
  static const char *const words[] = {"con", "prn", "aux", "nul", "conin$", "conout$"};
  size_t stem = 0;
  while (stem < length && name[stem] != '.') stem++;
  while (stem > 0 && name[stem - 1] == ' ') stem--;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
    if (is_word(name, stem, words[i])) return true;
  }
  bool port = stem > 3 && (is_word(name, 3, "com") || is_word(name, 3, "lpt"));
  return port && is_port_number(name + 3, stem - 3);
}

static bool is_dots(const char *name, size_t length) {
  return (length == 1 || length == 2) && memcmp(name, "..", length) == 0;
}

int names_check(const char *name, size_t length) {
  if (is_dots(name, length)) return 0;
  for (size_t i = 0; i < length; i++) {
    if ((uint8_t)name[i] < 0x20 || strchr("<>:\"|?*\\/", name[i])) return -EINVAL;
  }
  if (length == 0 || name[length - 1] == '.' || name[length - 1] == ' ') return -EINVAL;
  return is_device(name, length) ? -ENODEV : 0;
}

/* All names of a path from `p` on; separators may follow one another. */
static int check_names(const char *p) {
  int rc = 0;
  while (rc == 0 && *p) {
    size_t n = strcspn(p, "/");
    if (n) rc = names_check(p, n);
    p += n + (p[n] == '/');
  }
  return rc;
}

/* ---- paths ---------------------------------------------------------------------------------- */

static bool has_drive(const char *p) {
  char letter = small_letter(p[0]);
  return letter >= 'a' && letter <= 'z' && p[1] == ':';
}

size_t names_top(const char *path) {
  if (has_drive(path)) return path[2] == '/' ? 3 : 0;
  if (path[0] != '/' || path[1] != '/') return 0;
  size_t server = strcspn(path + 2, "/");
  size_t share = path[2 + server] ? strcspn(path + 3 + server, "/") : 0;
  if (!server || !share) return 0;
  size_t end = 3 + server + share;
  return end + (path[end] == '/');
}

/* Take off the system's prefix, of which only these two are ways to files. */
static int strip_prefix(char *path) {
  if (strncmp(path, "//./", 4) == 0) return -ENODEV;
  if (strncmp(path, "//?/", 4) != 0) return 0;
  char *rest = path + 4;
  if (is_word(rest, strnlen(rest, 4), "unc/")) {
    rest += 2; /* the last letter becomes a separator */
    rest[0] = '/';
  } else if (!has_drive(rest) || rest[2] != '/') {
    return -ENODEV;
  }
  memmove(path, rest, strlen(rest) + 1);
  return 0;
}

void names_turn_separators(char *path) {
  for (; *path; path++) {
    if (*path == '\\') *path = '/';
  }
}

static bool is_separator(char c) {
  return c == '/' || c == '\\';
}

size_t names_drive(const char *path, const char *here) {
  size_t top = is_separator(path[0]) && !is_separator(path[1]) ? names_top(here) : 0;
  return top > 0 && here[top - 1] == '/' ? top - 1 : top;
}

int names_normalise(const char *path, const char *here, char *out, size_t size) {
  size_t length = strlen(path), drive = names_drive(path, here);
  if (drive + length >= size) return -ENAMETOOLONG;
  memcpy(out, here, drive);
  memcpy(out + drive, path, length + 1);
  names_turn_separators(out);
  int rc = strip_prefix(out);
  if (rc) return rc;
  size_t top = names_top(out);
  if (top == 0 && (has_drive(out) || (out[0] == '/' && out[1] == '/'))) return -EINVAL;
  if (out[0] == '/') return check_names(out + 2);
  return check_names(out + (top ? 3 : 0));
}

/* Put one name behind the path that ends at *at, never above `top`. */
static int put_name(const char *name, size_t length, char *out, size_t size, size_t top,
                    size_t *at) {
  if (length == 0 || (length == 1 && name[0] == '.')) return 0;
  if (length == 2 && is_dots(name, 2)) {
    while (*at > top && out[*at - 1] != '/') --*at;
    if (*at > top) --*at;
    return 0;
  }
  bool apart = out[*at - 1] != '/';
  if (*at + apart + length >= size) return -ENAMETOOLONG;
  if (apart) out[(*at)++] = '/';
  memcpy(out + *at, name, length);
  *at += length;
  return 0;
}

static int put_names(const char *p, char *out, size_t size, size_t top, size_t *at) {
  int rc = 0;
  while (rc == 0 && *p) {
    size_t n = strcspn(p, "/");
    rc = put_name(p, n, out, size, top, at);
    p += n + (p[n] == '/');
  }
  return rc;
}

int names_absolute(const char *path, const char *here, char *out, size_t size) {
  size_t own = names_top(path), top = own ? own : names_top(here), at = top;
  if (top == 0) return -EINVAL;
  if (top >= size) return -ENAMETOOLONG;
  memcpy(out, own ? path : here, top);
  int rc = own ? 0 : put_names(here + top, out, size, top, &at);
  if (rc == 0) rc = put_names(path + own, out, size, top, &at);
  out[at] = 0;
  return rc;
}

int names_native(const char *path, uint16_t *out, size_t size) {
  bool share = path[0] == '/';
  const char *prefix = share ? "\\\\?\\UNC" : "\\\\?\\";
  size_t n = strlen(prefix);
  if (n >= size) return -ENAMETOOLONG;
  for (size_t i = 0; i < n; i++) out[i] = (uint8_t)prefix[i];
  int rc = names_to_utf16(path + share, out + n, size - n);
  if (rc) return rc == -EILSEQ ? -EINVAL : rc;
  for (uint16_t *p = out + n; *p; p++) {
    if (*p == '/') *p = '\\';
  }
  return 0;
}

int names_from_native(const uint16_t *native, char *out, size_t size) {
  int rc = names_to_utf8(native, out, size);
  if (rc) return rc;
  names_turn_separators(out);
  /* What a junction says. */
  if (strncmp(out, "/\?\?/", 4) == 0) out[1] = '/', out[2] = '?';
  return strip_prefix(out);
}
