#include "core/literal.h"

#include <string.h>

#define DEPTH_MAX 64 /* of groups in groups */

/* What is known of a piece of a pattern: how many bytes it matches, the best literal in it, and the run
** of literal bytes that it ends with. */
typedef struct sequence {
  uint64_t least, most;
  mm_literal best;
  mm_literal run; /* still growing */
  bool pure;      /* nothing but the run */
} sequence;

typedef enum item_kind { ITEM_BYTE, ITEM_SPAN, ITEM_GROUP } item_kind;

/* One element of a sequence, before its quantifier is known. */
typedef struct item {
  item_kind kind;
  uint8_t byte;
  uint64_t least, most; /* ITEM_SPAN */
  sequence group;       /* ITEM_GROUP */
} item;

typedef struct reader {
  const uint8_t *p, *end;
  unsigned depth;
  bool caseless;
  bool unknown; /* met something that is not known here: all bets are off */
  bool single;
} reader;

/* ---- arithmetic ----------------------------------------------------------------------------- */

static uint64_t plus(uint64_t a, uint64_t b) {
  return a > MM_LITERAL_FAR - b ? MM_LITERAL_FAR : a + b;
}

static uint64_t times(uint64_t a, uint64_t b) {
  if (a == 0 || b == 0) return 0;
  return a > MM_LITERAL_FAR / b ? MM_LITERAL_FAR : a * b;
}

/* ---- literals ------------------------------------------------------------------------------- */

/* Bytes at a known place are worth more: only there is the expression tried. */
static unsigned worth(const mm_literal *l) {
  if (l->size == 0) return 0;
  unsigned size = l->size < 16 ? l->size : 16;
  bool near = l->most != MM_LITERAL_FAR && l->most - l->least <= 1024;
  return near && l->size > 1 ? 100 + size : near ? 2 + size : size;
}

static void consider(sequence *s, const mm_literal *literal) {
  if (worth(literal) > worth(&s->best)) s->best = *literal;
}

static void end_run(sequence *s) {
  consider(s, &s->run);
  s->run.size = 0;
  s->pure = false;
}

static void append_byte(sequence *s, uint8_t byte) {
  if (s->run.size == MM_LITERAL_MAX) end_run(s);
  if (s->run.size == 0) {
    s->run.least = s->least;
    s->run.most = s->most;
  }
  s->run.bytes[s->run.size++] = byte;
  s->least = plus(s->least, 1);
  s->most = plus(s->most, 1);
}

static void append_span(sequence *s, uint64_t least, uint64_t most) {
  end_run(s);
  s->least = plus(s->least, least);
  s->most = plus(s->most, most);
}

/* A literal inside a group that must occur at least once. */
static void append_inner(sequence *s, const sequence *group) {
  mm_literal inner = group->best;
  inner.least = plus(inner.least, s->least);
  inner.most = plus(inner.most, s->most);
  if (inner.size) consider(s, &inner);
}

/* ---- elements ------------------------------------------------------------------------------- */

static bool at(const reader *r, uint8_t c) {
  return r->p < r->end && *r->p == c;
}

static bool take(reader *r, uint8_t c) {
  bool there = at(r, c);
  if (there) r->p++;
  return there;
}

static item span(uint64_t least, uint64_t most) {
  return (item){.kind = ITEM_SPAN, .least = least, .most = most};
}

static item unknown(reader *r) {
  r->unknown = true;
  return span(0, MM_LITERAL_FAR);
}

static bool is_letter(uint8_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(uint8_t c) {
  return c >= '0' && c <= '9';
}

static item byte(const reader *r, uint8_t c) {
  if (r->caseless && is_letter(c)) return span(1, 1);
  return (item){.kind = ITEM_BYTE, .byte = c};
}

static int hex_digit(uint8_t c) {
  if (is_digit(c)) return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* After \x: two hexadecimal digits, with or without braces. */
static item read_hex(reader *r) {
  bool braces = take(r, '{');
  int high = r->end - r->p >= 2 ? hex_digit(r->p[0]) : -1;
  int low = high < 0 ? -1 : hex_digit(r->p[1]);
  if (low < 0) return unknown(r);
  r->p += 2;
  if (braces && !take(r, '}')) return unknown(r);
  return byte(r, (uint8_t)(high << 4 | low));
}

static item read_nul(reader *r) {
  if (r->p < r->end && is_digit(*r->p)) return unknown(r);
  return byte(r, 0);
}

static item read_escape(reader *r) {
  static const char escapes[] = "t\tn\nr\rf\fe\033a\a";
  if (r->p == r->end) return unknown(r);
  uint8_t c = *r->p++;
  if (!is_letter(c) && !is_digit(c)) return byte(r, c);
  for (const char *e = escapes; *e; e += 2) {
    if (c == (uint8_t)*e) return byte(r, (uint8_t)e[1]);
  }
  if (c == 'x') return read_hex(r);
  if (c == '0') return read_nul(r);
  if (c == 'G') r->single = true;
  if (strchr("bBAzZGK", c)) return span(0, 0);
  if (c == 'N' && at(r, '{')) return unknown(r);
  if (strchr("dDwWsShHvVNC", c)) return span(1, 1);
  return c == 'R' ? span(1, 2) : unknown(r);
}

/* Inside a class, after "[": a name as in [:alpha:]. Anything near to that is not known here. */
static void read_posix(reader *r) {
  if (r->p == r->end || !strchr(":.=", *r->p)) return;
  r->p++;
  (void)take(r, '^');
  while (r->p < r->end && is_letter(*r->p)) r->p++;
  if (r->end - r->p < 2 || r->p[0] != ':' || r->p[1] != ']') r->unknown = true;
  r->p += r->unknown ? 0 : 2;
}

/* A class, after its "[". Which bytes it has does not matter. */
static item read_class(reader *r) {
  (void)take(r, '^');
  (void)take(r, ']');
  while (!r->unknown) {
    if (r->p == r->end) return unknown(r);
    uint8_t c = *r->p++;
    if (c == ']') return span(1, 1);
    if (c == '[') read_posix(r);
    if (c == '\\' && (r->p == r->end || strchr("QEcN", *r->p++))) return unknown(r);
  }
  return unknown(r);
}

static void read_alternatives(reader *r, sequence *out);

/* The rest of a group, up to and with its ")". */
static item read_group_body(reader *r) {
  item group = {.kind = ITEM_GROUP};
  bool caseless = r->caseless;
  if (++r->depth > DEPTH_MAX) return unknown(r);
  read_alternatives(r, &group.group);
  r->depth--;
  r->caseless = caseless;
  return take(r, ')') ? group : unknown(r);
}

static item read_lookaround(reader *r) {
  (void)read_group_body(r);
  return span(0, 0);
}

static item read_named_group(reader *r, uint8_t closing) {
  while (r->p < r->end && (is_letter(*r->p) || is_digit(*r->p) || *r->p == '_')) r->p++;
  return take(r, closing) ? read_group_body(r) : unknown(r);
}

/* (?i) sets options up to the end of the group around it, (?i:…) for a group of its own. */
static item read_options(reader *r) {
  bool on = true, caseless = r->caseless;
  for (; r->p < r->end; r->p++) {
    uint8_t c = *r->p;
    if (c == '-') {
      on = false;
    } else if (c == 'i') {
      caseless = on;
    } else if (!strchr("smnJU", c) && (on || c != 'x')) {
      break;
    }
  }
  bool before = r->caseless;
  r->caseless = caseless;
  if (take(r, ')')) return span(0, 0);
  if (!take(r, ':')) return unknown(r);
  item group = read_group_body(r);
  r->caseless = before;
  return group;
}

/* After "(". */
static item read_group(reader *r) {
  if (at(r, '*')) {
    r->single = true;
    return unknown(r);
  }
  if (!take(r, '?')) return read_group_body(r);
  if (take(r, ':') || take(r, '>')) return read_group_body(r);
  if (take(r, '=') || take(r, '!')) return read_lookaround(r);
  if (take(r, '\'')) return read_named_group(r, '\'');
  (void)take(r, 'P');
  if (take(r, '<')) {
    if (take(r, '=') || take(r, '!')) return read_lookaround(r);
    return read_named_group(r, '>');
  }
  return r->p[-1] == 'P' ? unknown(r) : read_options(r);
}

static item read_item(reader *r) {
  uint8_t c = *r->p++;
  switch (c) {
    case '\\':
      return read_escape(r);
    case '[':
      return read_class(r);
    case '(':
      return read_group(r);
    case '.':
      return span(1, 1);
    case '^':
    case '$':
      return span(0, 0);
    case '*':
    case '+':
    case '?':
    case '{':
      return unknown(r); /* nothing to repeat; and later versions read more as a quantifier */
    default:
      return byte(r, c);
  }
}

/* ---- quantifiers ---------------------------------------------------------------------------- */

static bool read_count(reader *r, uint64_t *n) {
  const uint8_t *from = r->p;
  *n = 0;
  while (r->p < r->end && is_digit(*r->p) && r->p - from < 9) {
    *n = *n * 10 + (uint64_t)(*r->p++ - '0');
  }
  return r->p > from;
}

/* After "{". */
static void read_counts(reader *r, uint64_t *least, uint64_t *most) {
  bool good = read_count(r, least);
  *most = *least;
  if (good && take(r, ',') && !read_count(r, most)) *most = MM_LITERAL_FAR;
  if (!good || !take(r, '}')) r->unknown = true;
}

static void read_quantifier(reader *r, uint64_t *least, uint64_t *most) {
  *least = *most = 1;
  if (take(r, '*')) {
    *least = 0;
    *most = MM_LITERAL_FAR;
  } else if (take(r, '+')) {
    *most = MM_LITERAL_FAR;
  } else if (take(r, '?')) {
    *least = 0;
  } else if (take(r, '{')) {
    read_counts(r, least, most);
  } else {
    return;
  }
  if (!take(r, '?')) (void)take(r, '+');
}

static void append_bytes(sequence *s, uint8_t c, uint64_t least, uint64_t most) {
  uint64_t n = least < MM_LITERAL_MAX ? least : MM_LITERAL_MAX;
  for (uint64_t i = 0; i < n; i++) append_byte(s, c);
  if (least != most || least > n) {
    append_span(s, least - n, most == MM_LITERAL_FAR ? MM_LITERAL_FAR : most - n);
  }
}

static void append_group(sequence *s, const sequence *group, uint64_t least, uint64_t most) {
  if (group->pure && least == 1 && most == 1) {
    for (unsigned i = 0; i < group->run.size; i++) append_byte(s, group->run.bytes[i]);
    return;
  }
  end_run(s);
  if (least > 0) append_inner(s, group);
  append_span(s, times(group->least, least), times(group->most, most));
}

/* ---- the pattern ---------------------------------------------------------------------------- */

static void read_sequence(reader *r, sequence *s) {
  *s = (sequence){.pure = true};
  while (r->p < r->end && *r->p != '|' && *r->p != ')' && !r->unknown) {
    uint64_t least, most;
    item next = read_item(r);
    read_quantifier(r, &least, &most);
    if (least > most) r->unknown = true;
    if (r->unknown) return;
    if (next.kind == ITEM_BYTE) {
      append_bytes(s, next.byte, least, most);
    } else if (next.kind == ITEM_SPAN) {
      append_span(s, times(next.least, least), times(next.most, most));
    } else {
      append_group(s, &next.group, least, most);
    }
  }
}

/* Of several alternatives only the lengths are known. */
static void read_alternatives(reader *r, sequence *out) {
  read_sequence(r, out);
  while (!r->unknown && take(r, '|')) {
    sequence other;
    read_sequence(r, &other);
    uint64_t least = out->least < other.least ? out->least : other.least;
    uint64_t most = out->most > other.most ? out->most : other.most;
    *out = (sequence){.least = least, .most = most};
  }
  consider(out, &out->run);
}

static bool has_group(const uint8_t *pattern, uint64_t size) {
  return memchr(pattern, '(', size) != NULL;
}

/* What the reader did not get to may hold a verb or a \G still. */
static bool may_be_single(const uint8_t *pattern, uint64_t size) {
  for (uint64_t i = 0; i + 1 < size; i++) {
    if (pattern[i] == '(' && pattern[i + 1] == '*') return true;
    if (pattern[i] == '\\' && pattern[i + 1] == 'G') return true;
  }
  return false;
}

void mm_literals_read(const uint8_t *pattern, uint64_t size, mm_literals *out) {
  reader r = {.p = pattern, .end = pattern + size};
  sequence all;
  *out = (mm_literals){.whole = false};
  read_alternatives(&r, &all);
  bool known = !r.unknown && r.p == r.end;
  out->single = r.single || (!known && may_be_single(pattern, size));
  if (!known || out->single) return;
  out->literal = all.best;
  out->whole = all.pure && all.run.size > 0 && !has_group(pattern, size);
}
