#include "core/literal.h"

#include <string.h>

#define DEPTH_MAX 64 /* of groups in groups */

/* What is known of a piece of a pattern: how many bytes it matches, the best literals in it, and
** the run of single bytes that it ends with. */
typedef struct sequence {
  uint64_t least, most;
  mm_literal exact, masked;
  mm_literal run; /* still growing */
  bool pure;      /* nothing but the run, and all of it whole bytes */
} sequence;

typedef enum item_kind { ITEM_BYTE, ITEM_SPAN, ITEM_GROUP } item_kind;

/* One element of a sequence, before its quantifier is known. */
typedef struct item {
  item_kind kind;
  uint8_t value, mask;  /* ITEM_BYTE */
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

/* How much a literal tells: its bits, and more if its place is known, as only there is the
** expression tried. */
static unsigned worth(const mm_literal *l) {
  unsigned bits = 0;
  for (unsigned i = 0; i < l->size; i++) bits += (unsigned)__builtin_popcount(l->mask[i]);
  bool near = l->most != MM_LITERAL_FAR && l->most - l->least <= MM_LITERAL_NEAR;
  if (bits > 128) bits = 128;
  return near && bits > 8 ? 1000 + bits : near ? 8 + bits : bits;
}

static void consider(mm_literal *best, const mm_literal *literal) {
  if (worth(literal) > worth(best)) *best = *literal;
}

/* Bytes from .. to-1 of a literal. */
static mm_literal part(const mm_literal *l, unsigned from, unsigned to) {
  mm_literal out = {.size = to - from, .least = plus(l->least, from), .most = plus(l->most, from)};
  memcpy(out.value, l->value + from, to - from);
  memcpy(out.mask, l->mask + from, to - from);
  return out;
}

/* The run, and each stretch of whole bytes in it. */
static void consider_run(sequence *s) {
  const mm_literal *run = &s->run;
  consider(&s->masked, run);
  for (unsigned from = 0; from < run->size;) {
    unsigned to = from;
    while (to < run->size && run->mask[to] == 0xff) to++;
    mm_literal exact = part(run, from, to);
    consider(&s->exact, &exact);
    from = to + 1;
  }
}

static void end_run(sequence *s) {
  consider_run(s);
  s->run.size = 0;
  s->pure = false;
}

static void append_byte(sequence *s, uint8_t value, uint8_t mask) {
  mm_literal *run = &s->run;
  if (run->size == MM_LITERAL_MAX) end_run(s);
  if (mask != 0xff) s->pure = false;
  if (run->size > 0 || mask != 0) {
    if (run->size == 0) {
      run->least = s->least;
      run->most = s->most;
    }
    run->value[run->size] = value;
    run->mask[run->size++] = mask;
  }
  s->least = plus(s->least, 1);
  s->most = plus(s->most, 1);
}

static void append_span(sequence *s, uint64_t least, uint64_t most) {
  end_run(s);
  s->least = plus(s->least, least);
  s->most = plus(s->most, most);
}

/* A literal inside a group that must occur at least once. */
static void append_inner(const sequence *s, mm_literal *best, mm_literal inner) {
  inner.least = plus(inner.least, s->least);
  inner.most = plus(inner.most, s->most);
  if (inner.size) consider(best, &inner);
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

static item masked(uint8_t value, uint8_t mask) {
  return (item){.kind = ITEM_BYTE, .value = value & mask, .mask = mask};
}

static item byte(const reader *r, uint8_t c) {
  return masked(c, r->caseless && is_letter(c) ? 0xdf : 0xff);
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
  if (c == 'd') return masked('0', 0xf0);
  if (strchr("DwWsShHvVNC", c)) return masked(0, 0);
  return c == 'R' ? span(1, 2) : unknown(r);
}

/* Inside a class, after "[": a name as in [:alpha:]. Anything near to that is not known here. */
static bool read_posix(reader *r) {
  if (r->p == r->end || !strchr(":.=", *r->p)) return false;
  r->p++;
  (void)take(r, '^');
  while (r->p < r->end && is_letter(*r->p)) r->p++;
  if (r->end - r->p < 2 || r->p[0] != ':' || r->p[1] != ']') r->unknown = true;
  r->p += r->unknown ? 0 : 2;
  return true;
}

/* The bytes of a class, as far as they are known: the bits that all of them have, and that any
** has. */
typedef struct members {
  uint8_t all, any;
  bool open; /* there are others */
  int last;  /* the byte before, which a "-" may make a range of; -1: none */
} members;

static void add_member(const reader *r, members *m, int from, int to) {
  for (int b = from; b <= to; b++) {
    int other = r->caseless && is_letter((uint8_t)b) ? b ^ 0x20 : b;
    m->all &= (uint8_t)(b & other);
    m->any |= (uint8_t)(b | other);
  }
}

/* A byte of a class; -1: a type of byte, as \w, which may be anything here. */
static int read_member(reader *r) {
  uint8_t c = *r->p++;
  if (c == '[') return read_posix(r) ? -1 : c;
  if (c != '\\') return c;
  if (r->p < r->end && *r->p == 'b') return r->p++, '\b';
  if (r->p == r->end || strchr("QEcNBRX", *r->p)) r->unknown = true;
  if (r->unknown) return -1;
  item escape = read_escape(r);
  return escape.kind == ITEM_BYTE && escape.mask == 0xff ? escape.value : -1;
}

static void read_members(reader *r, members *m) {
  (void)take(r, '^');
  for (bool first = true; !r->unknown; first = false) {
    if (r->p == r->end) r->unknown = true;
    if (r->unknown || (!first && take(r, ']'))) return;
    bool range = m->last >= 0 && r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']';
    if (range) r->p++;
    int c = read_member(r);
    if (c < 0) m->open = true;
    if (c >= 0) add_member(r, m, range ? m->last : c, c);
    m->last = range ? -1 : c;
  }
}

/* A class, after its "[". */
static item read_class(reader *r) {
  members m = {.all = 0xff, .last = -1};
  bool negated = at(r, '^');
  read_members(r, &m);
  if (r->unknown) return unknown(r);
  if (negated || m.open || m.all & (uint8_t)~m.any) return masked(0, 0);
  return masked(m.all, (uint8_t)(m.all | ~m.any));
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
      return masked(0, 0);
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

static void append_bytes(sequence *s, const item *b, uint64_t least, uint64_t most) {
  uint64_t n = least < MM_LITERAL_MAX ? least : MM_LITERAL_MAX;
  for (uint64_t i = 0; i < n; i++) append_byte(s, b->value, b->mask);
  if (least != most || least > n) {
    append_span(s, least - n, most == MM_LITERAL_FAR ? MM_LITERAL_FAR : most - n);
  }
}

static void append_group(sequence *s, const sequence *group, uint64_t least, uint64_t most) {
  if (group->pure && least == 1 && most == 1) {
    for (unsigned i = 0; i < group->run.size; i++) append_byte(s, group->run.value[i], 0xff);
    return;
  }
  end_run(s);
  if (least > 0) append_inner(s, &s->exact, group->exact);
  if (least > 0) append_inner(s, &s->masked, group->masked);
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
      append_bytes(s, &next, least, most);
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
  consider_run(out);
}

static bool has_group(const uint8_t *pattern, uint64_t size) {
  return size > 0 && memchr(pattern, '(', size) != NULL;
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
  out->exact = all.exact;
  out->masked = all.masked;
  out->whole = all.pure && all.run.size > 0 && !has_group(pattern, size);
}
