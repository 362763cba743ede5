#include "core/search/literal.h"

#include <string.h>

#include "core/common/error.h"
#include "core/common/mem.h"
#include "core/search/choice.h"

#define DEPTH_MAX 32    /* of groups in groups */
#define WORTH_MOST 64u  /* a literal that tells more is no better */
#define WORTH_NEAR 8u   /* only there is the expression tried: this is worth so much */
#define WORTH_LEAD 5u   /* … and this, where one has to look back for it */
#define LEAST_MOST 4096 /* looking back so far for the start of a match does not cost much */

/* What is known of a piece of a pattern: how many bytes it matches, the best literals in it, and
** the run of single bytes that it ends with. */
typedef struct sequence {
  uint64_t least, most;
  mm_lead lead;   /* all of it */
  mm_charset any; /* all the bytes in it */
  mm_literal exact, masked;
  mm_some some;    /* or one of several literals */
  mm_literal run;  /* still growing */
  bool pure;       /* nothing but the run, and a byte that has the run's bits does match */
  bool begun;      /* not at its first element any more */
  bool head;       /* that is one of ... */
  mm_charset ones; /* ... these bytes, without a bound, and just these */
  /* It begins with at least so many bytes of a set, 0 if that is not known. */
  mm_charset first;
  uint64_t first_least;
  bool behind_first; /* no more of them can follow */
} sequence;

typedef enum item_kind { ITEM_NOTHING, ITEM_BYTE, ITEM_SPAN, ITEM_GROUP } item_kind;

/* One element of a sequence, before its quantifier is known. */
typedef struct item {
  item_kind kind;
  mm_charset set;       /* ITEM_BYTE and ITEM_SPAN: the bytes that match, and maybe others */
  bool exact;           /* … but no others (ITEM_BYTE) */
  uint64_t least, most; /* ITEM_SPAN */
  sequence group;       /* ITEM_GROUP */
} item;

typedef struct reader {
  const uint8_t *p, *end;
  unsigned depth;
  bool caseless, dotall;
  bool groups;         /* that a search reports */
  bool unknown;        /* met something that is not known here: all bets are off */
  bool single, uneven; /* as in mm_literals */
  bool shrinks;        /* had a group of which one alternative may be shorter than one before it */
  mm_choice_pool pool;
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

unsigned mm_literal_tells(uint8_t value, uint8_t mask) {
  unsigned bits = 2 * (unsigned)__builtin_popcount(mask);
  bool letter = value >= 'a' && value <= 'z';
  if (bits < 14) return bits;
  if (value == 0) return 4;
  if (value == 0xff || value == ' ') return 6;
  if (value != 0 && strchr("etaoinsr\n", value)) return 8;
  return letter ? bits - 5 : bits - 2;
}

bool mm_literal_far(const mm_literal *l) {
  return l->least > LEAST_MOST || mm_lead_open(&l->lead);
}

unsigned mm_literal_nearness(const mm_literal *l) {
  if (l->size == 0 || mm_literal_far(l)) return 0;
  return l->most - l->least <= MM_LITERAL_NEAR ? WORTH_NEAR : WORTH_LEAD;
}

unsigned mm_literal_worth(const mm_literal *l) {
  unsigned tells = 0;
  for (unsigned i = 0; i < l->size; i++) tells += mm_literal_tells(l->value[i], l->mask[i]);
  if (tells > WORTH_MOST) tells = WORTH_MOST;
  return tells + mm_literal_nearness(l);
}

static void consider(mm_literal *best, const mm_literal *literal) {
  if (mm_literal_worth(literal) > mm_literal_worth(best)) *best = *literal;
}

/* All bytes b of which (b & mask) == value. */
static mm_charset bytes_with(uint8_t value, uint8_t mask) {
  mm_charset set = {{0}};
  for (unsigned b = 0; b < 256; b++) {
    if ((b & mask) == value) mm_charset_add(&set, b, b);
  }
  return set;
}

mm_literal mm_literal_part(const mm_literal *l, unsigned from, unsigned to) {
  mm_literal out = {.size = to - from,
                    .least = plus(l->least, from),
                    .most = plus(l->most, from),
                    .lead = l->lead};
  for (unsigned i = 0; i < from; i++) {
    mm_charset set = bytes_with(l->value[i], l->mask[i]);
    mm_lead_add(&out.lead, &set, 1);
  }
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
    mm_literal exact = mm_literal_part(run, from, to);
    consider(&s->exact, &exact);
    from = to + 1;
  }
}

static void end_run(sequence *s) {
  consider_run(s);
  s->run.size = 0;
  s->pure = false;
}

/* Up to `most` bytes of a set. */
static void append_lead(sequence *s, const mm_charset *set, uint64_t most) {
  mm_lead_add(&s->lead, set, most);
  if (most > 0) mm_charset_unite(&s->any, set);
}

static void append_byte(sequence *s, const mm_charset *set, bool exact) {
  uint8_t value, mask;
  bool precise = mm_charset_mask(set, &value, &mask);
  mm_literal *run = &s->run;
  if (run->size == MM_LITERAL_MAX) end_run(s);
  if (run->size > 0 || mask != 0) {
    if (run->size == 0) {
      run->least = s->least;
      run->most = s->most;
      run->lead = s->lead;
    }
    run->value[run->size] = value;
    run->mask[run->size++] = mask;
  }
  if (!exact || !precise || run->size == 0) s->pure = false;
  append_lead(s, set, 1);
  s->least = plus(s->least, 1);
  s->most = plus(s->most, 1);
}

static void append_span(sequence *s, const mm_charset *set, uint64_t least, uint64_t most) {
  if (most > 0) end_run(s);
  s->pure = false;
  append_lead(s, set, most);
  s->least = plus(s->least, least);
  s->most = plus(s->most, most);
}

/* What is known of a group's literal, when the group stands behind `s`. */
static void move_behind(const sequence *s, mm_literal *inner) {
  inner->least = plus(inner->least, s->least);
  inner->most = plus(inner->most, s->most);
  mm_lead lead = s->lead;
  mm_lead_join(&lead, &inner->lead);
  inner->lead = lead;
}

/* A literal inside a group that must occur at least once. */
static void append_inner(const sequence *s, mm_literal *best, mm_literal inner) {
  move_behind(s, &inner);
  if (inner.size) consider(best, &inner);
}

static void append_some(const reader *r, sequence *s, const mm_some *some) {
  mm_some inner = *some;
  move_behind(s, &inner.common);
  if (mm_some_worth(&r->pool, &inner) > mm_some_worth(&r->pool, &s->some)) s->some = inner;
}

/* What a match begins with. An element that may be left out tells nothing. */
static void append_first(sequence *s, const mm_charset *set, uint64_t least) {
  bool more = s->first_least == 0 || mm_charset_same(&s->first, set);
  if (least == 0 || !more) s->behind_first = true;
  if (s->behind_first) return;
  s->first = *set;
  s->first_least = plus(s->first_least, least);
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

/* Between so many bytes, of any kind. */
static item span(uint64_t least, uint64_t most) {
  item out = {.kind = ITEM_SPAN, .least = least, .most = most};
  mm_charset_invert(&out.set);
  return out;
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
  item out = {.kind = ITEM_BYTE, .exact = true};
  mm_charset_add(&out.set, c, c);
  if (r->caseless) mm_charset_fold(&out.set);
  return out;
}

/* One byte of the ranges, which are pairs of their ends, or of none of them. */
static item one_of(const char *ranges, size_t size, bool negated) {
  item out = {.kind = ITEM_BYTE, .exact = true};
  for (size_t i = 0; i + 1 < size; i += 2) {
    mm_charset_add(&out.set, (uint8_t)ranges[i], (uint8_t)ranges[i + 1]);
  }
  if (negated) mm_charset_invert(&out.set);
  return out;
}

/* \d and the like, as they are over bytes without a locale; the great letter is all others. `.` is
** the same as \N or \C. */
static bool read_type(uint8_t c, item *out) {
  static const struct type {
    char letter, size;
    char ranges[9];
  } types[] = {{'d', 2, "09"},
               {'w', 8, "09AZ__az"},
               {'s', 4, "\t\r  "},
               {'h', 6, "\t\t  \xa0\xa0"},
               {'v', 4, "\n\r\x85\x85"}};
  bool negated = c >= 'A' && c <= 'Z';
  bool none = c == 'N' || c == 'C';
  if (none) *out = one_of("\n\n", c == 'N' ? 2 : 0, true);
  for (size_t i = 0; i < sizeof types / sizeof *types && !none; i++) {
    if ((c | 0x20) != types[i].letter) continue;
    *out = one_of(types[i].ranges, (size_t)types[i].size, negated);
    return true;
  }
  return none;
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
  item out;
  if (read_type(c, &out)) return out;
  return c == 'R' ? span(1, 2) : unknown(r);
}

/* A class while it is read. */
typedef struct members {
  mm_charset set;
  bool open; /* there may be others */
  int last;  /* the byte before, which a "-" may make a range of; -1: none */
} members;

/* Inside a class, after "[": a name as in [:alpha:]. Anything near to that is not known here. */
static bool read_posix(reader *r, members *m) {
  bool name = take(r, ':');
  if (!name && !at(r, '.') && !at(r, '=')) return false;
  (void)take(r, '^');
  while (r->p < r->end && is_letter(*r->p)) r->p++;
  if (!name || r->end - r->p < 2 || r->p[0] != ':' || r->p[1] != ']') r->unknown = true;
  r->p += r->unknown ? 0 : 2;
  m->open = true;
  return true;
}

/* After a backslash in a class: a byte, or -1 for a type as \w, which is added. */
static int read_member_escape(reader *r, members *m) {
  item type;
  if (r->p < r->end && *r->p == 'b') return r->p++, '\b';
  if (r->p == r->end || strchr("QEcNBRXC", *r->p)) r->unknown = true;
  if (r->unknown) return -1;
  if (read_type(*r->p, &type)) {
    r->p++;
    mm_charset_unite(&m->set, &type.set);
    return -1;
  }
  reader plain = *r;
  plain.caseless = false;
  type = read_escape(&plain);
  r->p = plain.p;
  if (type.kind != ITEM_BYTE || plain.unknown) r->unknown = true;
  for (int b = 0; b < 256 && !r->unknown; b++) {
    if (mm_charset_has(&type.set, (uint8_t)b)) return b;
  }
  return -1;
}

/* A byte of a class; -1: something else, which is dealt with. */
static int read_member(reader *r, members *m) {
  uint8_t c = *r->p++;
  if (c == '[') return read_posix(r, m) ? -1 : c;
  return c == '\\' ? read_member_escape(r, m) : c;
}

static void read_members(reader *r, members *m) {
  (void)take(r, '^');
  for (bool first = true; !r->unknown; first = false) {
    if (r->p == r->end) r->unknown = true;
    if (r->unknown || (!first && take(r, ']'))) return;
    bool range = m->last >= 0 && r->end - r->p >= 2 && r->p[0] == '-' && r->p[1] != ']';
    if (range) r->p++;
    int c = read_member(r, m);
    if (c < 0 && range) r->unknown = true;
    if (c >= 0) mm_charset_add(&m->set, (unsigned)(range ? m->last : c), (unsigned)c);
    m->last = range ? -1 : c;
  }
}

/* A class, after its "[". */
static item read_class(reader *r) {
  members m = {.last = -1};
  bool negated = at(r, '^');
  read_members(r, &m);
  if (r->unknown) return unknown(r);
  item out = {.kind = ITEM_BYTE, .set = m.set, .exact = !m.open};
  if (r->caseless) mm_charset_fold(&out.set);
  if (negated) mm_charset_invert(&out.set);
  if (m.open) out.set = span(1, 1).set;
  return out;
}

static void read_alternatives(reader *r, sequence *out);

/* The rest of a group, up to and with its ")". */
static item read_group_body(reader *r) {
  item group = {.kind = ITEM_GROUP};
  bool caseless = r->caseless, dotall = r->dotall;
  if (++r->depth > DEPTH_MAX) return unknown(r);
  read_alternatives(r, &group.group);
  r->depth--;
  r->caseless = caseless;
  r->dotall = dotall;
  return take(r, ')') ? group : unknown(r);
}

static item read_lookaround(reader *r) {
  (void)read_group_body(r);
  return span(0, 0);
}

static item read_named_group(reader *r, uint8_t closing) {
  while (r->p < r->end && (is_letter(*r->p) || is_digit(*r->p) || *r->p == '_')) r->p++;
  r->groups = true;
  return take(r, closing) ? read_group_body(r) : unknown(r);
}

/* (?i) sets options up to the end of the group around it, (?i:…) for a group of its own. */
static item read_options(reader *r) {
  bool on = true, caseless = r->caseless, dotall = r->dotall;
  const bool caseless_before = caseless, dotall_before = dotall;
  for (; r->p < r->end; r->p++) {
    uint8_t c = *r->p;
    if (c == '-') {
      on = false;
    } else if (c == 'i') {
      caseless = on;
    } else if (c == 's') {
      dotall = on;
    } else if (!strchr("mnJU", c) && (on || c != 'x')) {
      break;
    }
  }
  r->caseless = caseless;
  r->dotall = dotall;
  if (take(r, ')')) return (item){.kind = ITEM_NOTHING};
  if (!take(r, ':')) return unknown(r);
  item group = read_group_body(r);
  r->caseless = caseless_before;
  r->dotall = dotall_before;
  return group;
}

/* After "(". */
static item read_group(reader *r) {
  if (at(r, '*')) {
    r->single = true;
    return unknown(r);
  }
  if (!take(r, '?')) {
    r->groups = true;
    return read_group_body(r);
  }
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
  item any;
  switch (c) {
    case '\\':
      return read_escape(r);
    case '[':
      return read_class(r);
    case '(':
      return read_group(r);
    case '.':
      (void)read_type(r->dotall ? 'C' : 'N', &any);
      return any;
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
  for (uint64_t i = 0; i < n; i++) append_byte(s, &b->set, b->exact);
  if (least != most || least > n) {
    append_span(s, &b->set, least - n, most == MM_LITERAL_FAR ? MM_LITERAL_FAR : most - n);
  }
}

static void append_group(const reader *r, sequence *s, const sequence *group, uint64_t least,
                         uint64_t most) {
  if (group->pure && least == 1 && most == 1) {
    for (unsigned i = 0; i < group->run.size; i++) {
      mm_charset set = bytes_with(group->run.value[i], group->run.mask[i]);
      append_byte(s, &set, true);
    }
    return;
  }
  end_run(s);
  if (least > 0) append_inner(s, &s->exact, group->exact);
  if (least > 0) append_inner(s, &s->masked, group->masked);
  if (least > 0) append_some(r, s, &group->some);
  append_span(s, &group->any, times(group->least, least), times(group->most, most));
}

/* What `next` says of the bytes that a sequence begins with. */
static void append_beginning(sequence *s, const item *next, uint64_t least, uint64_t most) {
  if (!s->begun && next->kind == ITEM_BYTE && next->exact && most == MM_LITERAL_FAR) {
    s->head = true;
    s->ones = next->set;
  }
  s->begun = true;
  if (next->kind == ITEM_BYTE) {
    append_first(s, &next->set, least);
  } else if (next->kind == ITEM_GROUP && s->first_least == 0) {
    append_first(s, &next->group.first, least ? next->group.first_least : 0);
    s->behind_first = true;
  } else if (next->kind == ITEM_GROUP || next->most > 0) {
    s->behind_first = true;
  }
}

static void append(reader *r, sequence *s, const item *next, uint64_t least, uint64_t most) {
  if (next->kind == ITEM_NOTHING) {
    if (least != 1 || most != 1) r->unknown = true;
    return;
  }
  bool whole = !s->begun && next->kind == ITEM_GROUP && least == 1 && most == 1;
  append_beginning(s, next, least, most);
  if (r->shrinks && least != most) r->uneven = true;
  if (next->kind == ITEM_BYTE) {
    append_bytes(s, next, least, most);
  } else if (next->kind == ITEM_SPAN) {
    append_span(s, &next->set, times(next->least, least), times(next->most, most));
  } else {
    append_group(r, s, &next->group, least, most);
  }
  s->some.whole = whole && next->group.some.whole;
}

/* ---- the pattern ---------------------------------------------------------------------------- */

static void read_sequence(reader *r, sequence *s) {
  *s = (sequence){.pure = true};
  while (r->p < r->end && *r->p != '|' && *r->p != ')' && !r->unknown) {
    uint64_t least, most;
    item next = read_item(r);
    read_quantifier(r, &least, &most);
    if (least > most) r->unknown = true;
    if (!r->unknown) append(r, s, &next, least, most);
  }
}

/* The literals of one more alternative. */
static bool gather(reader *r, unsigned base, mm_some *all, sequence *s) {
  consider_run(s);
  bool exact = s->pure && s->run.size > 0;
  return mm_some_gather(&r->pool, base, all, &s->some, exact ? &s->run : &s->masked, exact);
}

/* Of several alternatives are known the lengths, what they begin with, and a literal of each. */
static void either_of(reader *r, sequence *out, const sequence *other) {
  if (r->depth > 0 && other->least < out->most) r->shrinks = true;
  sequence all = {.least = out->least < other->least ? out->least : other->least,
                  .most = out->most > other->most ? out->most : other->most,
                  .any = other->any,
                  .first = other->first};
  mm_charset_unite(&all.any, &out->any);
  mm_charset_unite(&all.first, &out->first);
  all.first_least = out->first_least;
  if (other->first_least < all.first_least) all.first_least = other->first_least;
  mm_lead_add(&all.lead, &all.any, all.most);
  *out = all;
}

static void read_alternatives(reader *r, sequence *out) {
  unsigned base = r->pool.count;
  mm_some all = {.count = 0};
  read_sequence(r, out);
  bool several = at(r, '|'), known = several && gather(r, base, &all, out);
  while (!r->unknown && take(r, '|')) {
    sequence other;
    read_sequence(r, &other);
    known = known && gather(r, base, &all, &other);
    either_of(r, out, &other);
  }
  if (known) out->some = all;
  consider_run(out);
}

/* What the reader did not get to may hold a verb or a \G still. */
static bool may_be_single(const uint8_t *pattern, uint64_t size) {
  for (uint64_t i = 0; i + 1 < size; i++) {
    if (pattern[i] == '(' && pattern[i + 1] == '*') return true;
    if (pattern[i] == '\\' && pattern[i + 1] == 'G') return true;
  }
  return false;
}

/* A repetition without a bound that the pattern starts with may as well take one byte more, if
** there is one: what follows it begins at the same place. (There is nothing here that would know
** the difference: references to groups, verbs and the like are not read.) */
static mm_literal finished(const mm_literal *literal, const sequence *all) {
  mm_literal out = *literal;
  const mm_lead *lead = &out.lead;
  out.run = all->head && lead->count == 1 && mm_charset_same(&lead->at[0].set, &all->ones);
  return out;
}

/* For a literal of each alternative. */
static bool make_pool(const uint8_t *pattern, uint64_t size, mm_choice_pool *pool) {
  const unsigned most = MM_CHOICE_MOST + MM_HEADS_MOST;
  unsigned count = 1, several = 0;
  for (uint64_t i = 0; i < size && count < most; i++) {
    if (pattern[i] == '|') several = 1;
    if (pattern[i] == '|' || pattern[i] == '(') count++;
  }
  if (several) pool->at = mm_alloc(count * sizeof *pool->at);
  pool->capacity = pool->at ? count : 0;
  return pool->at || !several;
}

void mm_literals_clear(mm_literals *literals) {
  mm_free(literals->heads);
  literals->heads = NULL;
}

int mm_literals_read(const uint8_t *pattern, uint64_t size, mm_literals *out) {
  reader r = {.p = pattern, .end = pattern + size};
  sequence all;
  *out = (mm_literals){.whole = false};
  if (!make_pool(pattern, size, &r.pool)) return MM_NOMEM;
  out->heads = r.pool.at;
  read_alternatives(&r, &all);
  bool known = !r.unknown && r.p == r.end;
  out->single = r.single || (!known && may_be_single(pattern, size));
  out->uneven = known ? r.uneven : size > 0 && memchr(pattern, '|', (size_t)size) != NULL;
  if (!known || out->single) return MM_OK;
  out->exact = finished(&all.exact, &all);
  out->masked = finished(&all.masked, &all);
  all.some.common = finished(&all.some.common, &all);
  mm_some_finish(&r.pool, &all.some, &out->choice);
  out->choice.whole = out->choice.whole && !r.groups;
  out->first = all.first;
  out->first_least = all.first_least;
  out->first_run = all.head && mm_charset_same(&all.first, &all.ones);
  out->whole = all.pure && all.run.size > 0 && !r.groups;
  if (out->whole) out->masked = all.run;
  return MM_OK;
}
