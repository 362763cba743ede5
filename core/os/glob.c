#include "core/os/glob.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/os/path_private.h"

#define PARTS_MAX 60
#define ENTRIES_ASK 4096 /* between two looks at the watch */

/* ---- one component -------------------------------------------------------------------------- */

/* The character at *p, which moves on: a code point, or beyond those a byte that is no UTF-8. */
static uint32_t next_character(const char **p) {
  const uint8_t *s = (const uint8_t *)*p;
  unsigned more = s[0] >= 0xf8 ? 0 : s[0] >= 0xf0 ? 3 : s[0] >= 0xe0 ? 2 : s[0] >= 0xc0 ? 1 : 0;
  uint32_t c = more ? s[0] & (0x3fu >> more) : s[0];
  for (unsigned i = 1; i <= more; i++) {
    if ((s[i] & 0xc0) != 0x80) more = 0;
    if (more) c = c << 6 | (s[i] & 0x3f);
  }
  *p += 1 + more;
  return !more && s[0] >= 0x80 ? 0x110000u + s[0] : c;
}

/* [:alpha:] and the others, as they are in the POSIX locale: ASCII, whatever the locale of the
** host. A pair of ends for each range. */
static const struct {
  char name[8], ranges[10];
} class_names[] = {
    {"alnum", "09AZaz"},   {"alpha", "AZaz"},   {"blank", "\t\t  "}, {"cntrl", "\1\37\177\177"},
    {"digit", "09"},       {"graph", "!~"},     {"lower", "az"},     {"print", " ~"},
    {"punct", "!/:@[`{~"}, {"space", "\t\r  "}, {"upper", "AZ"},     {"xdigit", "09AFaf"}};
enum { CLASS_NAMES = sizeof class_names / sizeof *class_names };

/* One of what stands between the brackets: a range of characters, or a name of them. */
typedef struct member {
  uint32_t low, high;
  const char *name; /* NULL: a range */
  size_t name_size;
} member;

/* All names of classes are in small letters; others are to be called unknown, and not to be taken for
** a set of their characters. */
static bool is_class_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* What stands at `p` as [:alpha:] does, of `kind`: its end; NULL if it is something else. */
static const char *named_end(const char *p, char kind) {
  if (p[0] != '[' || p[1] != kind || !p[2]) return NULL;
  p += 2;
  if (kind == ':') {
    while (is_class_letter(*p)) p++;
  } else {
    (void)next_character(&p);
  }
  return p[0] == kind && p[1] == ']' ? p + 2 : NULL;
}

/* [.x.] is x, \x too. */
static uint32_t member_character(const char **p) {
  const char *end = named_end(*p, '.');
  if (end) *p += 2;
  if (!end && **p == '\\' && (*p)[1]) (*p)++;
  uint32_t c = next_character(p);
  if (end) *p = end;
  return c;
}

/* Reads the member at `p`, which is not the end of the text; returns what follows it. */
static const char *next_member(const char *p, member *m) {
  const char *end = named_end(p, ':');
  *m = (member){.low = 1, .high = 0};
  if (end) {
    m->name = p + 2;
    m->name_size = (size_t)(end - p) - 4;
    return end;
  }
  end = named_end(p, '=');
  if (end) {
    p += 2;
    m->low = m->high = next_character(&p);
    return end;
  }
  m->low = m->high = member_character(&p);
  if (p[0] == '-' && p[1] && p[1] != ']') {
    p++;
    m->high = member_character(&p);
  }
  return p;
}

static const char *skip_negation(const char *p, bool *negated) {
  *negated = *p == '!' || *p == '^';
  return p + *negated;
}

/* The "]" of a class that begins at `p`, after its "["; NULL: it is no class. A "]" that comes first
** is a member. */
static const char *class_end(const char *p) {
  bool negated;
  member m;
  p = skip_negation(p, &negated);
  if (*p) p = next_member(p, &m);
  while (*p && *p != ']') p = next_member(p, &m);
  return *p ? p : NULL;
}

/* The index of its name; -1: there is none such. */
static int class_of_name(const member *m) {
  for (int i = 0; i < CLASS_NAMES; i++) {
    const char *name = class_names[i].name;
    if (strlen(name) == m->name_size && memcmp(name, m->name, m->name_size) == 0) return i;
  }
  return -1;
}

static bool member_has(const member *m, uint32_t c) {
  int named = m->name ? class_of_name(m) : -1;
  uint32_t same = path_fold(c);
  if (named < 0) {
    return (c >= m->low && c <= m->high) ||
           (same >= path_fold(m->low) && same <= path_fold(m->high));
  }
  const char *range = class_names[named].ranges;
  while (*range && !(c >= (uint8_t)range[0] && c <= (uint8_t)range[1])) range += 2;
  return *range != 0;
}

static bool class_has(const char *p, const char *end, uint32_t c) {
  bool negated, found = false;
  p = skip_negation(p, &negated);
  while (p < end) {
    member m;
    p = next_member(p, &m);
    if (member_has(&m, c)) found = true;
  }
  return found != negated;
}

/* Does the element at *p match the character at *name? Both move on, past it. */
static bool match_one(const char **p, const char **name) {
  const char *end = **p == '[' ? class_end(*p + 1) : NULL;
  uint32_t c = next_character(name);
  if (end) {
    bool has = class_has(*p + 1, end, c);
    *p = end + 1;
    return has;
  }
  if (**p == '?') return (*p)++, true;
  if (**p == '\\' && (*p)[1]) (*p)++;
  return path_fold(next_character(p)) == path_fold(c);
}

/* A star that was passed is gone back to with one character more; an earlier one need not be. */
static bool match_all(const char *p, const char *name) {
  const char *star = NULL, *from = NULL;
  for (;;) {
    if (*p == '*') {
      star = ++p;
      from = name;
      continue;
    }
    if (!*p && !*name) return true;
    if (*p && *name && match_one(&p, &name)) continue;
    if (!star || !*from) return false;
    (void)next_character(&from);
    name = from;
    p = star;
  }
}

bool mm_glob_match(const char *pattern, const char *name) {
  if (name[0] == '.' && pattern[0] != '.' && !(pattern[0] == '\\' && pattern[1] == '.')) {
    return false;
  }
  return match_all(pattern, name);
}

/* ---- the pattern ---------------------------------------------------------------------------- */

typedef enum part_kind { PART_LITERAL, PART_WILD, PART_DEEP } part_kind;

typedef struct glob_part {
  part_kind kind;
  char *text; /* of a literal: the name; in mm_glob.text */
} glob_part;

/* A directory whose entries are being gone through. */
typedef struct level {
  char *bytes;  /* the names, each after its kind; owned */
  char **names; /* sorted; into bytes; owned */
  size_t size, capacity, count, at;
  size_t prefix;   /* length of the directory's path, its slash included */
  uint64_t states; /* bit i: what is left to match here is parts[i] and what follows it */
  bool literal;    /* no wildcard led here */
} level;

struct mm_glob {
  const mm_root *root;
  char *text; /* the components, each with its NUL; owned */
  glob_part parts[PARTS_MAX + 2];
  unsigned count;
  level *levels;
  size_t depth, capacity;
  bool begun;
  bool nothing;           /* it names directories only */
  char path[MM_PATH_MAX]; /* the directory's path, with a slash, and then an entry's name */
  const mm_watch *watch;
  size_t entries; /* until the watch is asked again */
  int rc;         /* of collecting entries */
};

static uint64_t bit(unsigned i) {
  return (uint64_t)1 << i;
}

/* Take the backslashes out of a name, up to `end`, where its NUL goes. */
static void unescape(char *from, const char *end) {
  char *to = from;
  while (from < end) {
    if (*from == '\\' && from + 1 < end) from++;
    *to++ = *from++;
  }
  *to = 0;
}

static bool is_wild(const char *text) {
  for (; *text; text++) {
    if (*text == '\\' && text[1]) {
      text++;
    } else if (*text == '*' || *text == '?' || (*text == '[' && class_end(text + 1))) {
      return true;
    }
  }
  return false;
}

static int fail_class(const member *m, mm_error *err) {
  return mm_fail(err, MM_ERROR,
                 "'[:%.*s:]' in a pattern is none of alnum, alpha, blank, cntrl, digit, graph, "
                 "lower, print, punct, space, upper, xdigit",
                 (int)m->name_size, m->name);
}

static int check_class(const char *p, const char *end, mm_error *err) {
  bool negated;
  p = skip_negation(p, &negated);
  while (p < end) {
    member m;
    p = next_member(p, &m);
    if (m.name && class_of_name(&m) < 0) return fail_class(&m, err);
  }
  return MM_OK;
}

/* A name of a class that is none would match nothing, and nobody would know why. */
static int check_classes(const char *p, mm_error *err) {
  int rc = MM_OK;
  while (*p && rc == MM_OK) {
    const char *end = *p == '[' ? class_end(p + 1) : NULL;
    if (end) {
      rc = check_class(p + 1, end, err);
      p = end;
    }
    if (*p == '\\' && p[1]) p++;
    p++;
  }
  return rc;
}

static int add_part(mm_glob *g, char *text, mm_error *err) {
  glob_part p = {strcmp(text, "**") == 0 ? PART_DEEP
                 : is_wild(text)         ? PART_WILD
                                         : PART_LITERAL,
                 text};
  bool again = p.kind == PART_DEEP && g->count > 0 && g->parts[g->count - 1].kind == PART_DEEP;
  if (again) return MM_OK;
  if (g->count == PARTS_MAX) {
    return mm_fail(err, MM_ERROR, "a pattern must not have more than %d components", PARTS_MAX);
  }
  if (p.kind == PART_WILD && check_classes(text, err)) return MM_ERROR;
  if (p.kind == PART_LITERAL) unescape(text, text + strlen(text));
  g->parts[g->count++] = p;
  return MM_OK;
}

static int split(mm_glob *g, mm_error *err) {
  static char any[] = "*";
  char *p = g->text + mm_path_top(g->text);
  int rc = MM_OK;
  if (p - g->text >= MM_PATH_MAX) return mm_fail(err, MM_ERROR, "a pattern is too long");
  memcpy(g->path, g->text, (size_t)(p - g->text));
  while (rc == MM_OK && *p) {
    size_t n = strcspn(p, "/");
    bool last = !p[n];
    p[n] = 0;
    if (n) rc = add_part(g, p, err);
    if (!last && !p[n + 1]) g->nothing = true;
    p += last ? n : n + 1;
  }
  if (rc == MM_OK && g->count > 0 && g->parts[g->count - 1].kind == PART_DEEP) {
    g->parts[g->count++] = (glob_part){PART_WILD, any};
  }
  if (g->count == 0) g->nothing = true;
  return rc;
}

int mm_glob_open(const mm_root *root, const char *pattern, mm_glob **out, mm_error *err) {
  mm_glob *g = mm_alloc_zeroed(sizeof *g);
  int rc = g ? MM_OK : mm_fail_nomem(err);
  if (rc == MM_OK && !(g->text = path_normalise_pattern(pattern))) rc = mm_fail_nomem(err);
  if (rc == MM_OK) {
    g->root = root;
    rc = split(g, err);
  }
  if (rc) {
    mm_glob_close(g);
    g = NULL;
  }
  *out = g;
  return rc;
}

static void leave(mm_glob *g) {
  level *l = &g->levels[--g->depth];
  mm_free(l->bytes);
  mm_free(l->names);
}

void mm_glob_close(mm_glob *g) {
  if (!g) return;
  while (g->depth > 0) leave(g);
  mm_free(g->levels);
  mm_free(g->text);
  mm_free(g);
}

/* ---- entries -------------------------------------------------------------------------------- */

enum { KIND_UNKNOWN = MM_KIND_OTHER }; /* a symbolic link may lead to anything */

static int keep_name(level *l, const char *name, int kind) {
  size_t n = strlen(name) + 2;
  while (l->capacity - l->size < n) {
    size_t capacity = 2 * l->capacity + 4096;
    char *more = mm_realloc(l->bytes, capacity);
    if (!more) return MM_NOMEM;
    l->bytes = more;
    l->capacity = capacity;
  }
  l->bytes[l->size] = (char)kind;
  memcpy(l->bytes + l->size + 1, name, n - 1);
  l->size += n;
  l->count++;
  return MM_OK;
}

static bool same_names(const char *a, const char *b) {
  return path_same_name(a, strlen(a), b, strlen(b));
}

/* What is left to match below an entry, and whether the entry itself may be the file. */
static uint64_t advance(const mm_glob *g, uint64_t states, const char *name, int kind,
                        bool *is_file) {
  uint64_t below = 0;
  *is_file = false;
  for (unsigned i = 0; i < g->count; i++) {
    const glob_part *p = &g->parts[i];
    if (!(states & bit(i))) continue;
    if (p->kind == PART_DEEP) {
      if (kind == MM_KIND_DIRECTORY && name[0] != '.') below |= bit(i);
    } else if (p->kind == PART_WILD ? mm_glob_match(p->text, name) : same_names(p->text, name)) {
      if (i + 1 == g->count) *is_file = true;
      if (i + 1 < g->count) below |= bit(i + 1);
    }
  }
  for (unsigned i = 0; i < g->count; i++) {
    if (below & bit(i) && g->parts[i].kind == PART_DEEP) below |= bit(i + 1);
  }
  return below;
}

static bool glob_stopped(mm_glob *g) {
  if (++g->entries % ENTRIES_ASK != 0 || !g->watch || !g->watch->stop) return false;
  return mm_watch_stops(g->watch, g->entries) != 0;
}

static bool collect_name(void *context, const char *name, int kind) {
  mm_glob *g = context;
  level *l = &g->levels[g->depth - 1];
  bool is_file;
  uint64_t below = advance(g, l->states, name, kind, &is_file);
  if (glob_stopped(g)) g->rc = MM_INTERRUPT;
  if (g->rc == MM_OK && (is_file || below)) g->rc = keep_name(l, name, kind);
  return g->rc == MM_OK;
}

static int compare(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static int sort_names(level *l) {
  if (l->count == 0) return MM_OK;
  l->names = mm_alloc(l->count * sizeof *l->names);
  if (!l->names) return MM_NOMEM;
  char *p = l->bytes;
  for (size_t i = 0; i < l->count; i++) {
    l->names[i] = p + 1;
    p += strlen(p + 1) + 2;
  }
  qsort(l->names, l->count, sizeof *l->names, compare);
  return MM_OK;
}

static bool all_literal(const mm_glob *g, uint64_t states) {
  for (unsigned i = 0; i < g->count; i++) {
    if (states & bit(i) && g->parts[i].kind != PART_LITERAL) return false;
  }
  return true;
}

static bool has_name(const level *l, const char *name) {
  const char *p = l->bytes;
  for (size_t i = 0; i < l->count; i++, p += strlen(p + 1) + 2) {
    if (same_names(p + 1, name)) return true;
  }
  return false;
}

/* Names that the pattern spells out: nothing need be listed for them. Where something is, they are
** in the list, but for "." and "..". */
static int add_literals(mm_glob *g, level *l, bool all) {
  for (unsigned i = 0; i < g->count; i++) {
    const glob_part *p = &g->parts[i];
    if (!(l->states & bit(i)) || p->kind != PART_LITERAL) continue;
    bool dots = !strcmp(p->text, ".") || !strcmp(p->text, "..");
    if ((!all && !dots) || has_name(l, p->text)) continue;
    if (keep_name(l, p->text, KIND_UNKNOWN)) return MM_NOMEM;
  }
  return MM_OK;
}

/* What cannot be reached is not there, but a failing disk is an error, and where the pattern itself
** says to leave the root, that is one, too. */
static bool counts_as_error(int rc, bool literal) {
  return rc == MM_NOMEM || rc == MM_IOERR || (rc == MM_PERM && literal);
}

/* A directory that cannot be read has no entries. */
static int list(mm_glob *g, level *l, mm_error *err) {
  mm_error reason;
  int rc = mm_path_list(g->root, g->path, collect_name, g, &reason);
  if (g->rc == MM_INTERRUPT) return mm_fail(err, MM_INTERRUPT, "interrupted");
  if (g->rc) return mm_fail_nomem(err);
  if (!counts_as_error(rc, l->literal)) return MM_OK;
  *err = reason;
  return rc;
}

/* Go into the directory g->path, which ends with a slash. */
static int enter(mm_glob *g, uint64_t states, bool literal, mm_error *err) {
  void *levels = g->levels;
  if (mm_grow(&levels, g->depth, &g->capacity, sizeof *g->levels)) return mm_fail_nomem(err);
  g->levels = levels;
  level *l = &g->levels[g->depth++];
  *l = (level){.prefix = strlen(g->path), .states = states, .literal = literal};
  bool all = all_literal(g, states);
  int rc = all ? MM_OK : list(g, l, err);
  if (rc) return rc;
  return add_literals(g, l, all) || sort_names(l) ? mm_fail_nomem(err) : MM_OK;
}

/* ---- the walk ------------------------------------------------------------------------------- */

/* Put the name after the directory's path; false: too long. */
static bool set_path(mm_glob *g, const level *l, const char *name) {
  size_t n = strlen(name);
  if (l->prefix + n + 2 > sizeof g->path) return false;
  memcpy(g->path + l->prefix, name, n + 1);
  return true;
}

/* A regular file, or a link to one, that may be reached? */
static int glob_look(mm_glob *g, bool literal, bool *found, mm_stat *stat, mm_error *err) {
  mm_error reason;
  int rc = mm_path_look(g->root, g->path, stat, &reason);
  *found = rc == MM_OK;
  if (!counts_as_error(rc, literal)) return MM_OK;
  *err = reason;
  return rc;
}

/* The next entry of the innermost directory: *found if it is a file; one that may be a directory is
** entered. */
static int glob_step(mm_glob *g, bool *found, mm_stat *stat, mm_error *err) {
  level *l = &g->levels[g->depth - 1];
  const char *name = l->names[l->at++];
  int kind = (unsigned char)name[-1];
  bool literal = l->literal && all_literal(g, l->states), is_file;
  uint64_t below = advance(g, l->states, name, kind, &is_file);
  if (!set_path(g, l, name)) return MM_OK;
  if (is_file && kind != MM_KIND_DIRECTORY) {
    int rc = glob_look(g, literal, found, stat, err);
    if (rc || *found) return rc;
  }
  if (!below || kind == MM_KIND_FILE) return MM_OK;
  memcpy(g->path + strlen(g->path), "/", 2);
  return enter(g, below, literal, err);
}

static int glob_begin(mm_glob *g, mm_error *err) {
  g->begun = true;
  if (g->nothing) return MM_OK;
  return enter(g, g->parts[0].kind == PART_DEEP ? bit(0) | bit(1) : bit(0), true, err);
}

int mm_glob_next(mm_glob *g, const mm_watch *watch, const char **path, mm_stat *stat,
                 mm_error *err) {
  bool found = false;
  *path = NULL;
  g->watch = watch;
  int rc = g->begun ? MM_OK : glob_begin(g, err);
  while (rc == MM_OK && !found && g->depth > 0) {
    level *l = &g->levels[g->depth - 1];
    if (glob_stopped(g)) return mm_fail(err, MM_INTERRUPT, "interrupted");
    if (l->at < l->count) {
      rc = glob_step(g, &found, stat, err);
    } else {
      leave(g);
    }
  }
  if (rc == MM_OK && found) *path = g->path;
  return rc;
}
