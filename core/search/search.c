#include "core/search/search.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/search/heads.h"
#include "core/search/literal.h"
#include "core/search/many.h"
#include "core/search/masked.h"
#include "core/common/mem.h"
#include "core/search/occur.h"
#include "core/os/sys.h"

/*
** How a search stays interruptible, and why
**
** One call of pcre2_match cannot be interrupted, so each is kept short. It tries a limited number
** of starts (an offset limit, which grows and shrinks with the time that calls take), it sees the
** data only up to a little beyond them, and each start may do limited work, the less the more
** starts there are: what all of them may do together stays the same, also where the data turns bad
** all of a sudden. Where that was too little it is made again with half of the starts. What one
** start alone needs:
**
** - It wants to see more (PCRE2 reports a partial match): it is tried again with four times as
**   much, so that matches of any length are found.
** - It wants to do more work: it is tried again with a higher limit, as long as the call before was
**   quick. Then with the same pattern compiled with callouts, which is slow, but asks us at each
**   step; and a step is no longer than a look at all that the attempt sees.
**
** How starts are left out
**
** A match that starts at r->at or later contains the literal, `least` bytes after its start or
** farther on, so no nearer than the first occurrence there, at `place`. It starts at place - least
** at the latest, or it has another occurrence for its literal. In both cases it starts no earlier
** than mm_lead_first says of `place`. So: leave out the starts before that, try all from there to
** place - least, in order; then go on after these. PCRE2 gets all of the data before a start to
** see, so what it finds there is what it would have found in a search of its own. Of a choice the same
** is true, if `least` is the least of all of its literals, and mm_lead_first holds for each.
**
** Or each match begins with so many bytes of a set: then the starts are left out that are not followed
** by that many.
*/

#define LIGHT_WORK ((uint64_t)1 << 19) /* match limits of a call's starts together: some 10 ms */
#define ONE_WORK ((uint64_t)1 << 24)   /* match limit, times bytes seen, for one start at first */
#define ONE_WORK_MOST ((uint64_t)1 << 32) /* … and at last */
#define ONE_NS 1000000                    /* a call that was shorter may do more … */
#define ONE_MORE 8u                       /* … so many times as much */
#define HARD_STEPS                                                                                 \
  ((uint64_t)20000000)        /* callouts for one start: more is too much work, a second */
#define STEP_BYTES 64u        /* bytes that a step looks at count as a step */
#define STEPS_ASK 4096u       /* after so many `stop` is asked */
#define HEAP_KIB (256u << 10) /* for backtracking, without JIT */
#define JIT_STACK ((size_t)32 << 20)
#define SIGHT ((uint64_t)256)           /* bytes beyond the last start, or the literal */
#define SIGHT_ONE ((uint64_t)16 << 10)  /* one start sees four times that at least */
#define SIGHT_MOST ((uint64_t)16 << 10) /* from the first start to a literal: else not up to it */
#define ENOUGH ((uint64_t)64 << 10)     /* starts that are tried without a look for the literal */
#define STARTS_MOST ((uint64_t)4096)
#define STARTS_FIRST ((uint64_t)64)
#define BATCH_MOST 16u  /* so many calls between two looks at the clock */
#define GLANCES 256u    /* … and so many literals that were no match at first sight */
#define ASK_NS 4000000  /* ask `stop` that often */
#define SLOW_NS 2000000 /* calls that take longer get less to do */
#define FAST_NS 500000  /* … shorter, more */
#define WORTH_EXACT 16u /* see prefers_exact */
/* Shorter runs are not worth a look of their own; where the first start of a run decides, PCRE2 would
** go through each once for each start. Nor are runs of any bytes. */
#define RUN_LEAST ((uint64_t)12)
#define RUN_LEAST_ENDLESS ((uint64_t)6)
#define RUN_BYTES_MOST 255u
#define CROWD 64u                  /* literals in a row … */
#define CROWD_BYTES ((uint64_t)48) /* … that are nearer to each other than this: PCRE2 is faster */

struct mm_pattern {
  pcre2_general_context *general;
  pcre2_compile_context *compile;
  pcre2_match_context *light_match, *hard_match;
  pcre2_jit_stack *stack; /* NULL: no JIT */
  pcre2_code *light;
  pcre2_code *hard; /* with callouts; NULL: not needed yet */
  pcre2_match_data *data;
  uint8_t *text;
  size_t text_size;
  mm_literals known;
  mm_literal literal; /* what is looked for; size 0: nothing */
  bool far;           /* … and it does not tell where a match starts */
  bool choice;        /* … as `heads`, of which `literal` is what they have in common; else … */
  mm_many *many;      /* … or as this, where they are more; NULL: they are not */
  bool exact;         /* … as `needle`, else as `masked` */
  bool runs;          /* but rather than that, runs of known.first are looked for */
  mm_charset others;  /* … the bytes that end them */
  mm_heads heads;
  mm_needle needle;
  mm_masked masked;
  unsigned groups;
  uint32_t careful;  /* options that keep PCRE2 from wrong shortcuts; 0 */
  uint64_t shortest; /* no match has less bytes */
  bool anchored;     /* only the first start can match */
  bool matched;      /* `data` holds the last match */
  mm_span match;     /* … of a pattern that is a literal */
  /* What was learned of the pattern's speed. */
  uint64_t starts; /* per call */
  unsigned batch;  /* calls between two looks at the clock */
};

typedef struct run {
  mm_pattern *pattern;
  const uint8_t *data;
  uint64_t size;
  uint64_t from, at; /* the first start, and the next to be tried */
  uint64_t last;     /* no start after this counts */
  uint64_t sought;   /* so far the literal is looked for */
  bool advance;
  const mm_watch *watch;
  mm_error *err;
  unsigned calls;       /* until the next look at the clock */
  int64_t since, asked; /* when the first of these began, and when `stop` was asked last */
  mm_occur occur;       /* the literals that are known already */
  mm_heads_scan heads;  /* likewise */
  mm_many_scan many;    /* likewise */
  unsigned glances;     /* literals that were not tried */
  unsigned near;        /* literals tried since … */
  uint64_t near_from;   /* … here */
  uint64_t direct_to;   /* literals are too many: up to here all starts are tried */
  uint64_t steps;       /* at this start */
  uint64_t steps_most;
  uint64_t steps_unasked;       /* at any, since `stop` was asked last */
  uint64_t step_start, step_at; /* where the attempt began, and has come to */
  int failed;                   /* why a callout ended the call */
} run;

/* What a step of a search came to, besides an enum mm_code. */
enum { FOUND = -1, NOTHING = -2, FARTHER = -3 }; /* the last: it wants to see more */

/* ---- compiling ------------------------------------------------------------------------------ */

static void *allocate(PCRE2_SIZE size, void *context) {
  (void)context;
  return mm_alloc(size);
}

static void release(void *memory, void *context) {
  (void)context;
  mm_free(memory);
}

/* What PCRE2 says, in this project's manner. */
static int fail_compile(int code, PCRE2_SIZE offset, mm_error *err) {
  PCRE2_UCHAR text[256];
  if (code == PCRE2_ERROR_NOMEMORY || code == PCRE2_ERROR_HEAP_FAILED) return mm_fail_nomem(err);
  if (pcre2_get_error_message(code, text, sizeof text) < 0) text[0] = 0;
  return mm_fail(err, MM_ERROR, "bad pattern at %llu: %s", (unsigned long long)offset,
                 (const char *)text);
}

static int compile(const mm_pattern *p, uint32_t options, pcre2_code **out, mm_error *err) {
  int code;
  PCRE2_SIZE offset;
  options |= p->careful | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_USE_OFFSET_LIMIT;
  options |= PCRE2_ALT_CIRCUMFLEX; /* (?m)^ after the last newline, as re has it */
  *out = pcre2_compile(p->text, p->text_size, options, &code, &offset, p->compile);
  if (!*out) return fail_compile(code, offset, err);
  /* Without JIT (a hardened system forbids it) the same runs more slowly. */
  if (p->stack) (void)pcre2_jit_compile(*out, PCRE2_JIT_COMPLETE | PCRE2_JIT_PARTIAL_HARD);
  return MM_OK;
}

static bool contains(const mm_pattern *p, const char *text) {
  return mm_mem_find(p->text, p->text_size, text, strlen(text)) != NULL;
}

static bool ends_quantifier(uint8_t c) {
  return c == '*' || c == '+' || c == '?' || c == '}';
}

/* Can a quantifier be lazy from offset `from` on, or one of several alternatives be chosen? A U is
** taken for an option that makes all of them lazy. */
static bool has_choice(const mm_pattern *p, size_t from) {
  if (memchr(p->text, 'U', p->text_size)) return true;
  for (size_t i = from; i < p->text_size; i++) {
    if (p->text[i] == '|') return true;
    if (p->text[i] == '?' && i > 0 && ends_quantifier(p->text[i - 1])) return true;
  }
  return false;
}

/* One of those that (?imn-s) and the like are made of, but for x. */
static bool is_option(uint8_t c) {
  bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return (letter && c != 'x') || c == '-' || c == '^';
}

/* May something stand inside of a quantifier, as in "+ ?"? A comment, the end of a quotation, or
** what the option x allows. */
static bool may_be_parted(const mm_pattern *p) {
  const uint8_t *at = p->text, *end = p->text + p->text_size;
  while ((at = mm_mem_find(at, (size_t)(end - at), "(?", 2)) != NULL) {
    at += 2;
    while (at < end && is_option(*at)) at++;
    if (at < end && (*at == '#' || *at == 'x')) return true;
  }
  return contains(p, "\\E");
}

/* Where a quantifier may be in parts: is there a + that may make one possessive, after it or after
** what may stand between? */
static bool may_be_possessive(const mm_pattern *p) {
  for (size_t i = 1; i < p->text_size; i++) {
    uint8_t before = p->text[i - 1];
    bool between = before <= ' ' || before == ')' || before == 'E';
    if (p->text[i] == '+' && (between || ends_quantifier(before))) return true;
  }
  return false;
}

/* The first atomic group, or NULL. */
static const uint8_t *find_atomic(const mm_pattern *p) {
  const uint8_t *group = mm_mem_find(p->text, p->text_size, "(?>", 3);
  return group || !contains(p, "(*atomic:") ? group : p->text;
}

/* JIT remembers where a repetition has failed, and does not go through it there again (its "early
** fail"). In 10.42 it does so too where not all of it was gone through, as an atomic group was
** left: it misses (?>a+?)ba(?!a) and finds (?>[ab]*+|a)a in "baa".
** https://github.com/PCRE2Project/pcre2/issues/347
** Where one of several alternatives of such a group matches nothing, 10.42 takes the end of the group
** for that of the pattern, and makes the repetition before it possessive: it misses x?(?>|b)x in "x". */
static bool forgets_choices(const mm_pattern *p) {
  const uint8_t *atomic = find_atomic(p);
  bool possessive =
      contains(p, ")++") || contains(p, ")*+") || contains(p, ")?+") || contains(p, "}+");
  if (may_be_parted(p)) return atomic || may_be_possessive(p);
  if (possessive) return has_choice(p, 0);
  return atomic && has_choice(p, (size_t)(atomic - p->text));
}

/* Before 10.45 PCRE2 takes a byte that a lookahead asks for at the start of a match and the same
** byte, which the match must contain, for two: it then misses (?=a)0*a in "a"; (?* and (*pla: are
** lookaheads too. And 10.42 with JIT takes a repetition for one that failed there where a longer
** alternative had led beyond: it misses (?:.ab|.)[ab]*(?=b) in "aab".
** https://github.com/PCRE2Project/pcre2/pull/444,
** https://github.com/PCRE2Project/pcre2/issues/336 */
static bool is_mistaken(const mm_pattern *p) {
  uint32_t first = 0, last = 0, has_first = 0, has_last = 0;
  pcre2_pattern_info(p->light, PCRE2_INFO_FIRSTCODETYPE, &has_first);
  pcre2_pattern_info(p->light, PCRE2_INFO_FIRSTCODEUNIT, &first);
  pcre2_pattern_info(p->light, PCRE2_INFO_LASTCODETYPE, &has_last);
  pcre2_pattern_info(p->light, PCRE2_INFO_LASTCODEUNIT, &last);
  bool same = has_first == 1 && has_last == 1 && (first | 0x20) == (last | 0x20);
  bool ahead = contains(p, "(?=") || contains(p, "(?*") || contains(p, "(*");
  return (same && ahead) || p->known.uneven || forgets_choices(p);
}

/* Where JIT looks for the first bytes of a match it loads 16 bytes at once. On x86 these are aligned
** and never leave a page. On arm64 they are those from a byte on, maybe past the end: there a file
** of whole pages was "cut" (10.42, by ab\N(*ACCEPT)?[[:^lower:]c]*? in 4096 bytes), and that look is
** slow, too. As no start is looked for by JIT then, none is beyond the data. No version is known to
** be without.
** https://github.com/PCRE2Project/pcre2/issues/86, https://github.com/PCRE2Project/pcre2/pull/175,
** https://github.com/PCRE2Project/pcre2/issues/257 */
static bool reads_past_end(const mm_pattern *p) {
#if defined(__aarch64__)
  return p->stack != NULL;
#else
  (void)p;
  return false;
#endif
}

static uint32_t options_against_mistakes(const mm_pattern *p) {
  uint32_t start = is_mistaken(p) || reads_past_end(p) ? PCRE2_NO_START_OPTIMIZE : 0;
  return start | (forgets_choices(p) ? PCRE2_NO_AUTO_POSSESS : 0);
}

static int compile_light(mm_pattern *p, mm_error *err) {
  int rc = compile(p, 0, &p->light, err);
  if (rc == MM_OK) p->careful = options_against_mistakes(p);
  if (rc || !p->careful) return rc;
  pcre2_code_free(p->light);
  p->light = NULL;
  return compile(p, 0, &p->light, err);
}

static bool has_jit(void) {
  uint32_t jit = 0;
  return pcre2_config(PCRE2_CONFIG_JIT, &jit) >= 0 && jit;
}

static int make_contexts(mm_pattern *p) {
  p->general = pcre2_general_context_create(allocate, release, NULL);
  if (!p->general) return MM_NOMEM;
  p->compile = pcre2_compile_context_create(p->general);
  p->light_match = pcre2_match_context_create(p->general);
  p->hard_match = pcre2_match_context_create(p->general);
  if (!p->compile || !p->light_match || !p->hard_match) return MM_NOMEM;
  if (has_jit()) p->stack = pcre2_jit_stack_create(32 << 10, JIT_STACK, p->general);
  if (p->stack) pcre2_jit_stack_assign(p->light_match, NULL, p->stack);
  if (p->stack) pcre2_jit_stack_assign(p->hard_match, NULL, p->stack);
  pcre2_set_newline(p->compile, PCRE2_NEWLINE_LF);
  pcre2_set_heap_limit(p->light_match, HEAP_KIB);
  pcre2_set_match_limit(p->hard_match, UINT32_MAX);
  pcre2_set_depth_limit(p->hard_match, UINT32_MAX);
  pcre2_set_heap_limit(p->hard_match, HEAP_KIB);
  return MM_OK;
}

static bool is_exact(const mm_literal *l) {
  for (unsigned i = 0; i < l->size; i++) {
    if (l->mask[i] != 0xff) return false;
  }
  return true;
}

/* Whole bytes are found a little faster, but others may tell much more. */
static bool prefers_exact(const mm_literals *known) {
  unsigned exact = mm_literal_worth(&known->exact), masked = mm_literal_worth(&known->masked);
  if (known->whole) return is_exact(&known->masked);
  return exact > 0 && exact + (known->exact.size > 1 ? WORTH_EXACT : 0) >= masked;
}

static bool prefers_choice(const mm_literals *known, const mm_literal *literal) {
  unsigned worth = mm_choice_worth(&known->choice);
  return !known->whole && worth > 0 && worth > mm_literal_worth(literal);
}

/* Runs tell more than a literal that is but a part of one. */
static bool prefers_runs(const mm_literals *known, const mm_literal *literal) {
  bool within =
      literal->least == literal->most && literal->most + literal->size <= known->first_least;
  return !known->whole &&
         known->first_least >= (known->first_run ? RUN_LEAST_ENDLESS : RUN_LEAST) &&
         mm_charset_count(&known->first) <= RUN_BYTES_MOST && (within || literal->size == 0);
}

/* All of them at once: by vectors, or, where they are too many for these, by a hash. */
static int prepare_choice(mm_pattern *p, mm_error *err) {
  const mm_choice *choice = &p->known.choice;
  if (choice->count <= MM_HEADS_MOST) {
    mm_heads_prepare(&p->heads, choice->literals, choice->count);
    return MM_OK;
  }
  mm_bytes *needles = mm_alloc(choice->count * sizeof *needles);
  if (!needles) return mm_fail_nomem(err);
  for (unsigned i = 0; i < choice->count; i++) {
    needles[i] = (mm_bytes){choice->literals[i].value, choice->literals[i].size};
  }
  int rc = mm_many_compile(needles, choice->count, NULL, &p->many, err);
  mm_free(needles);
  return rc;
}

static int choose_literal(mm_pattern *p, mm_error *err) {
  int rc = MM_OK;
  p->exact = prefers_exact(&p->known);
  p->literal = p->exact && !p->known.whole ? p->known.exact : p->known.masked;
  p->choice = prefers_choice(&p->known, &p->literal);
  if (p->choice) {
    p->exact = false;
    p->literal = p->known.choice.common;
    rc = prepare_choice(p, err);
  }
  p->runs = !p->choice && prefers_runs(&p->known, &p->literal);
  p->others = p->known.first;
  mm_charset_invert(&p->others);
  p->far = mm_literal_far(&p->literal);
  if (p->exact) mm_needle_prepare(&p->needle, p->literal.value, p->literal.size);
  if (!p->exact && !p->choice && p->literal.size) mm_masked_prepare(&p->masked, &p->literal);
  return rc;
}

static int64_t find_literal(mm_pattern *p, const uint8_t *data, uint64_t size,
                            const mm_watch *watch) {
  return p->exact ? mm_find(&p->needle, data, size, watch)
                  : mm_masked_find(&p->masked, data, size, watch);
}

static int learn(mm_pattern *p, mm_error *err) {
  uint32_t value = 0;
  pcre2_pattern_info(p->light, PCRE2_INFO_CAPTURECOUNT, &value);
  p->groups = value;
  pcre2_pattern_info(p->light, PCRE2_INFO_MINLENGTH, &value);
  p->shortest = p->known.single ? 0 : value;
  pcre2_pattern_info(p->light, PCRE2_INFO_ALLOPTIONS, &value);
  p->anchored = (value & PCRE2_ANCHORED) != 0;
  p->starts = STARTS_FIRST;
  p->batch = 1;
  return choose_literal(p, err);
}

static int make(mm_pattern *p, const uint8_t *text, uint64_t size, mm_error *err) {
  p->text = mm_alloc(size + 1);
  if (!p->text) return mm_fail_nomem(err);
  if (size) memcpy(p->text, text, (size_t)size);
  p->text_size = (size_t)size; /* it is in memory */
  if (make_contexts(p)) return mm_fail_nomem(err);
  if (mm_literals_read(p->text, p->text_size, &p->known)) return mm_fail_nomem(err);
  int rc = compile_light(p, err);
  if (rc) return rc;
  p->data = pcre2_match_data_create_from_pattern(p->light, p->general);
  if (!p->data) return mm_fail_nomem(err);
  return learn(p, err);
}

int mm_pattern_compile(const uint8_t *text, uint64_t size, mm_pattern **out, mm_error *err) {
  mm_pattern *p = mm_alloc_zeroed(sizeof *p);
  int rc = p ? make(p, text, size, err) : mm_fail_nomem(err);
  *out = rc ? NULL : p;
  if (rc) mm_pattern_free(p);
  return rc;
}

void mm_pattern_free(mm_pattern *p) {
  if (!p) return;
  mm_many_free(p->many);
  mm_literals_clear(&p->known);
  pcre2_match_data_free(p->data);
  pcre2_code_free(p->hard);
  pcre2_code_free(p->light);
  pcre2_jit_stack_free(p->stack);
  pcre2_match_context_free(p->hard_match);
  pcre2_match_context_free(p->light_match);
  pcre2_compile_context_free(p->compile);
  pcre2_general_context_free(p->general);
  mm_free(p->text);
  mm_free(p);
}

bool mm_pattern_is(const mm_pattern *p, const uint8_t *text, uint64_t size) {
  return p->text_size == size && (size == 0 || memcmp(p->text, text, p->text_size) == 0);
}

unsigned mm_pattern_groups(const mm_pattern *p) {
  return p->groups;
}

/* PCRE2 lists them as the group's number, two bytes, and the name up to a NUL. */
const char *mm_pattern_group_name(const mm_pattern *p, unsigned n) {
  uint32_t count = 0, size = 0;
  PCRE2_SPTR entry = NULL;
  pcre2_pattern_info(p->light, PCRE2_INFO_NAMECOUNT, &count);
  pcre2_pattern_info(p->light, PCRE2_INFO_NAMEENTRYSIZE, &size);
  pcre2_pattern_info(p->light, PCRE2_INFO_NAMETABLE, &entry);
  for (; count > 0; count--, entry += size) {
    if (((unsigned)entry[0] << 8 | entry[1]) == n) return (const char *)entry + 2;
  }
  return "";
}

/* ---- pace ----------------------------------------------------------------------------------- */

static int interrupted(run *r) {
  return mm_fail(r->err, MM_INTERRUPT, "interrupted");
}

static bool asked_to_stop(const run *r) {
  return mm_watch_stops(r->watch, r->at - r->from);
}

/* Calls that took long get fewer starts, others more. */
static void adapt(mm_pattern *p, int64_t took) {
  if (took > SLOW_NS) {
    if (p->batch == 1) p->starts = p->starts > 4 ? p->starts / 4 : 1;
    p->batch = 1;
  } else if (took < FAST_NS) {
    p->starts = p->starts < STARTS_MOST / 2 ? p->starts * 2 : STARTS_MOST;
    p->batch = p->batch < BATCH_MOST / 2 ? p->batch * 2 : BATCH_MOST;
  }
}

/* Now and then. */
static int ask(run *r, int64_t now) {
  if (now - r->asked < ASK_NS) return MM_OK;
  r->asked = now;
  return asked_to_stop(r) ? interrupted(r) : MM_OK;
}

/* Before each call, and after it. */
static void tick(run *r) {
  if (r->calls > 0) return;
  r->calls = r->pattern->batch;
  r->since = mm_os.clock();
}

static int tock(run *r) {
  if (--r->calls > 0) return MM_OK;
  int64_t now = mm_os.clock();
  adapt(r->pattern, now - r->since);
  return ask(r, now);
}

/* After each literal that was not tried. */
static int glance(run *r) {
  return ++r->glances % GLANCES ? MM_OK : ask(r, mm_os.clock());
}

/* ---- the attempts --------------------------------------------------------------------------- */

static int too_much(run *r) {
  return mm_fail(r->err, MM_ERROR, "the pattern needs too much work at offset %llu",
                 (unsigned long long)r->at);
}

static int fail_match(run *r, int code) {
  PCRE2_UCHAR text[256];
  if (code == PCRE2_ERROR_NOMEMORY) return mm_fail_nomem(r->err);
  if (pcre2_get_error_message(code, text, sizeof text) < 0) text[0] = 0;
  return mm_fail(r->err, MM_ERROR, "the pattern fails at offset %llu: %s",
                 (unsigned long long)r->at, (const char *)text);
}

static bool is_limit(int code) {
  return code == PCRE2_ERROR_MATCHLIMIT || code == PCRE2_ERROR_DEPTHLIMIT ||
         code == PCRE2_ERROR_HEAPLIMIT || code == PCRE2_ERROR_JIT_STACKLIMIT;
}

/* An empty match at the very start does not count after another one. */
static uint32_t options_at(const run *r, uint64_t first) {
  return r->advance && first == r->from ? PCRE2_NOTEMPTY_ATSTART : 0;
}

/* At each step of the slow way. Going back is free: what is gone through again is counted then. */
static int step(pcre2_callout_block *block, void *context) {
  run *r = context;
  if (block->start_match != r->step_start) {
    r->step_start = r->step_at = block->start_match;
    r->steps = 0;
  }
  uint64_t here = block->current_position;
  uint64_t steps = 1 + (here > r->step_at ? (here - r->step_at) / STEP_BYTES : 0);
  r->steps += steps;
  r->steps_unasked += steps;
  r->step_at = here;
  if (r->steps > r->steps_most) {
    r->at = block->start_match;
    r->failed = too_much(r);
  } else if (r->steps_unasked >= STEPS_ASK) {
    r->steps_unasked = 0;
    r->failed = ask(r, mm_os.clock());
  }
  return r->failed ? PCRE2_ERROR_CALLOUT : 0;
}

static int match_hard(run *r, uint64_t last, uint64_t end) {
  mm_pattern *p = r->pattern;
  uint32_t options = options_at(r, r->at) | (end < r->size ? PCRE2_PARTIAL_HARD : 0);
  pcre2_set_callout(p->hard_match, step, r);
  pcre2_set_offset_limit(p->hard_match, last);
  int code = pcre2_match(p->hard, r->data, end, r->at, options, p->data, p->hard_match);
  if (code != PCRE2_ERROR_JIT_STACKLIMIT) return code;
  options |= PCRE2_NO_JIT;
  return pcre2_match(p->hard, r->data, end, r->at, options, p->data, p->hard_match);
}

/* Try the starts up to `last` with callouts, seeing the data up to `end`. */
static int attempt_hard(run *r, uint64_t last, uint64_t end) {
  mm_pattern *p = r->pattern;
  if (!p->hard) {
    int rc = compile(p, PCRE2_AUTO_CALLOUT, &p->hard, r->err);
    if (rc) return rc;
  }
  r->failed = MM_OK;
  r->steps = 0;
  r->steps_most = HARD_STEPS + (end - r->at) / 4;
  r->step_start = r->step_at = r->at;
  int code = match_hard(r, last, end);
  if (r->failed) return r->failed;
  if (code > 0) return FOUND;
  if (code == PCRE2_ERROR_PARTIAL) return FARTHER;
  if (code == PCRE2_ERROR_NOMATCH) return NOTHING;
  return is_limit(code) ? too_much(r) : fail_match(r, code);
}

/* Try the starts up to `last` without: what PCRE2 says. */
static int match_light(run *r, uint64_t last, uint64_t end, uint64_t limit) {
  mm_pattern *p = r->pattern;
  uint32_t options = options_at(r, r->at) | (end < r->size ? PCRE2_PARTIAL_HARD : 0);
  pcre2_set_match_limit(p->light_match, limit < UINT32_MAX ? (uint32_t)limit : UINT32_MAX);
  pcre2_set_offset_limit(p->light_match, last);
  return pcre2_match(p->light, r->data, end, r->at, options, p->data, p->light_match);
}

static uint64_t farther(const run *r, uint64_t end) {
  uint64_t seen = end - r->at > SIGHT_ONE ? end - r->at : SIGHT_ONE;
  return seen < (r->size - r->at) / 4 ? r->at + 4 * seen : r->size;
}

/* One start, seeing the data up to `end` and maybe `work`, without callouts. FARTHER, and how much
** it may do next time if it came to that limit. */
static int attempt_lightly(run *r, uint64_t end, uint64_t *limit) {
  int64_t since = mm_os.clock();
  int code = match_light(r, r->at, end, *limit);
  int64_t now = mm_os.clock();
  int rc = ask(r, now);
  if (rc) return rc;
  if (code > 0) return FOUND;
  if (code == PCRE2_ERROR_PARTIAL) return FARTHER;
  if (code == PCRE2_ERROR_NOMATCH) return NOTHING;
  if (!is_limit(code)) return fail_match(r, code);
  bool more = code == PCRE2_ERROR_MATCHLIMIT && now - since < ONE_NS;
  *limit = more && *limit < ONE_WORK_MOST / (end - r->at + 1) ? *limit * ONE_MORE : 0;
  return *limit ? MM_OK : attempt_hard(r, r->at, end);
}

/* The one start at r->at, whatever it needs; it has seen the data up to `end`. */
static int attempt_one(run *r, uint64_t end) {
  int rc = FARTHER;
  for (uint64_t limit = 0; rc == FARTHER || rc == MM_OK;) {
    if (rc == FARTHER) limit = ONE_WORK / (end - r->at + 1) + 1;
    rc = attempt_lightly(r, end, &limit);
    if (rc == FARTHER) end = farther(r, end);
  }
  if (rc == NOTHING) r->at++;
  return rc;
}

/* Where an attempt gave up for want of data. */
static uint64_t partial_start(const run *r, uint64_t last) {
  uint64_t start = pcre2_get_ovector_pointer(r->pattern->data)[0];
  return start > r->at && start <= last ? start : r->at;
}

/* Data to see for the starts up to `last`: up to `wanted` if that is not much. */
static uint64_t sight(const run *r, uint64_t last, uint64_t wanted) {
  uint64_t end = r->size - last > SIGHT ? last + SIGHT : r->size;
  if (wanted <= end || wanted - r->at > SIGHT_MOST) return end;
  return wanted < r->size ? wanted : r->size;
}

/* Try some of the starts up to `last`; r->at moves past them. */
static int attempt_some(run *r, uint64_t last, uint64_t wanted) {
  mm_pattern *p = r->pattern;
  if (last - r->at > p->starts - 1) last = r->at + p->starts - 1;
  uint64_t end = sight(r, last, wanted), count = last - r->at + 1;
  tick(r);
  int code = match_light(r, last, end, LIGHT_WORK / count);
  int rc = tock(r);
  if (rc) return rc;
  if (code > 0) return FOUND;
  if (code != PCRE2_ERROR_NOMATCH && code != PCRE2_ERROR_PARTIAL && !is_limit(code)) {
    return fail_match(r, code);
  }
  if (is_limit(code) && count > 1) {
    p->starts = count / 2;
    return NOTHING;
  }
  if (code == PCRE2_ERROR_NOMATCH) {
    r->at = last + 1;
    return NOTHING;
  }
  if (code == PCRE2_ERROR_PARTIAL) r->at = partial_start(r, last);
  return attempt_one(r, end);
}

/* Try all starts up to `last`, seeing the data up to `wanted` at once if that is not much. */
static int attempt_all(run *r, uint64_t last, uint64_t wanted) {
  int rc = NOTHING;
  while (r->at <= last && rc == NOTHING) rc = attempt_some(r, last, wanted);
  return rc;
}

/* ---- by the literal ------------------------------------------------------------------------- */

/* The literals come so thick that going from one to the next does not pay: try everything for a
** while. */
static void watch_crowd(run *r, uint64_t place) {
  if (++r->near < CROWD) return;
  if (place - r->near_from < CROWD * CROWD_BYTES) r->direct_to = place + ENOUGH;
  r->near = 0;
  r->near_from = place;
}

/* All that may have the literal at `to` or later: at least so many that looking for it again
** pays. */
static int attempt_before(run *r, uint64_t to, uint64_t last) {
  uint64_t enough = last - r->at > ENOUGH ? r->at + ENOUGH : last;
  return attempt_all(r, to > enough ? to : enough, 0);
}

/* The starts from `first` to `to` have the literal at `place`; those before were left out. Of a run
** of bytes that it starts with (mm_literal.run) only the first start is tried: if that does not
** match, no other does. And not even that if its run began before it, so that it was tried. */
static int attempt_window(run *r, uint64_t first, uint64_t to, uint64_t place) {
  const mm_literal *l = &r->pattern->literal;
  bool none = first > to;
  if (!none && l->run)
    none = first > r->from && mm_charset_has(&l->lead.at[0].set, r->data[first - 1]);
  int rc = NOTHING;
  if (none) {
    rc = glance(r);
    if (rc == MM_OK) rc = NOTHING;
  } else {
    r->at = first;
    rc = attempt_all(r, l->run ? first : to, place + l->size + SIGHT);
    watch_crowd(r, place);
  }
  if (rc == NOTHING) r->at = to + 1;
  return rc;
}

/* The starts that have the literal at `place`, and whose turn it is. */
static int attempt_literal(run *r, uint64_t place, uint64_t last) {
  const mm_literal *l = &r->pattern->literal;
  uint64_t to = place - l->least < last ? place - l->least : last;
  if (r->pattern->far) return attempt_before(r, to, last);
  int64_t first = mm_lead_first(&l->lead, r->data, r->at, place, r->watch);
  return first < 0 ? interrupted(r) : attempt_window(r, (uint64_t)first, to, place);
}

/* Where the literals end that a match can have which starts at `last` or before. */
static uint64_t past_literals(const run *r, uint64_t last) {
  const mm_literal *l = &r->pattern->literal;
  uint64_t rest = last < r->size ? r->size - last : 0;
  return l->most < rest && l->size < rest - l->most ? last + l->most + l->size : r->size;
}

/* The first place from `from` on in data[0 .. size-1] that has one of several, and the first of them, as
** they were given, that is there. */
static int64_t next_of_many(run *r, uint64_t from, uint64_t size, unsigned *which) {
  mm_many_found found;
  if (r->many.next < from) r->many.next = from;
  int there = mm_many_first(r->pattern->many, &r->many, r->data, size, r->watch, &found);
  if (there <= 0) return there == 0 ? MM_FIND_NONE : MM_FIND_STOPPED;
  *which = (unsigned)found.needle;
  return (int64_t)found.place;
}

static int64_t next_of_choice(run *r, uint64_t from, uint64_t size, unsigned *which) {
  if (r->pattern->many) return next_of_many(r, from, size, which);
  mm_heads_skip(&r->heads, from);
  return mm_heads_find(&r->pattern->heads, &r->heads, r->data, size, r->watch, which);
}

/* The first occurrence of the literal, or of one of several, at `from` or later. */
static int64_t next_literal(run *r, uint64_t from) {
  mm_pattern *p = r->pattern;
  int64_t place;
  unsigned which;
  if (p->choice) return next_of_choice(r, from, r->sought, &which);
  if (!p->exact) {
    place = mm_masked_find(&p->masked, r->data + from, r->sought - from, r->watch);
    return place < 0 ? place : (int64_t)from + place;
  }
  while (mm_occur_take(&r->occur, &place)) {
    if ((uint64_t)place >= from) return place;
  }
  if (r->occur.next < from) r->occur.next = from;
  return mm_occur_search(&r->occur, &p->needle, r->data, r->sought, r->watch);
}

static int search_literals(run *r, uint64_t last) {
  const mm_literal *l = &r->pattern->literal;
  int rc = NOTHING;
  r->near_from = r->at;
  r->sought = past_literals(r, last);
  while (r->at <= last && rc == NOTHING) {
    if (r->at < r->direct_to) {
      rc = attempt_all(r, r->direct_to < last ? r->direct_to : last, 0);
      continue;
    }
    if (l->least > r->sought - r->at) return NOTHING;
    int64_t place = next_literal(r, r->at + l->least);
    if (place == MM_FIND_STOPPED) return interrupted(r);
    if (place < 0) return NOTHING;
    rc = attempt_literal(r, (uint64_t)place, last);
  }
  return rc;
}

/* The pattern is a literal, maybe with bytes that vary. */
static int search_plain(run *r) {
  mm_pattern *p = r->pattern;
  uint64_t end = r->size - r->from < p->literal.size ? 0 : past_literals(r, r->last);
  if (end == 0) return NOTHING;
  int64_t found = find_literal(p, r->data + r->from, end - r->from, r->watch);
  if (found == MM_FIND_STOPPED) return interrupted(r);
  if (found < 0) return NOTHING;
  p->match.start = r->from + (uint64_t)found;
  p->match.end = p->match.start + p->literal.size;
  return FOUND;
}

/* The pattern is one literal or another. */
static int search_choice(run *r) {
  mm_pattern *p = r->pattern;
  unsigned which;
  int64_t found = next_of_choice(r, r->from, past_literals(r, r->last), &which);
  if (found == MM_FIND_STOPPED) return interrupted(r);
  if (found < 0 || (uint64_t)found > r->last) return NOTHING;
  p->match.start = (uint64_t)found;
  p->match.end = p->match.start + p->known.choice.literals[which].size;
  return FOUND;
}

/* ---- by runs -------------------------------------------------------------------------------- */

/* Where the run ends that goes on at `at`, but not beyond `limit`. */
static int64_t set_run_end(const run *r, uint64_t at, uint64_t limit) {
  int64_t end = mm_find_set(r->pattern->others.bits, r->data + at, limit - at, r->watch);
  if (end == MM_FIND_STOPPED) return end;
  return end < 0 ? (int64_t)limit : (int64_t)at + end;
}

/* A run that is long enough begins at r->at. Try what starts in it, the first one alone: mostly it
** matches, or none does (known.first_run). Nothing before `limit` starts at `last` or before and goes
** beyond it. */
static int attempt_run(run *r, uint64_t last, uint64_t limit) {
  const mm_literals *known = &r->pattern->known;
  uint64_t first = r->at, past = first + known->first_least;
  watch_crowd(r, first);
  int rc = attempt_all(r, first, past + SIGHT);
  if (rc != NOTHING) return rc;
  if (!known->first_run && limit - past > STARTS_MOST) limit = past + STARTS_MOST;
  int64_t end = set_run_end(r, past, limit);
  if (end < 0) return interrupted(r);
  if (known->first_run) r->at = (uint64_t)end;
  uint64_t to = (uint64_t)end - known->first_least;
  return attempt_all(r, to < last ? to : last, (uint64_t)end + SIGHT);
}

static int search_runs(run *r, uint64_t last) {
  const mm_pattern *p = r->pattern;
  uint64_t least = p->known.first_least;
  uint64_t limit = r->size - last > least ? last + least : r->size;
  int rc = NOTHING;
  r->near_from = r->at;
  while (r->at <= last && rc == NOTHING) {
    if (r->at < r->direct_to) {
      rc = attempt_all(r, r->direct_to < last ? r->direct_to : last, 0);
      continue;
    }
    int64_t found =
        mm_find_run(p->known.first.bits, least, r->data + r->at, limit - r->at, r->watch);
    if (found == MM_FIND_STOPPED) return interrupted(r);
    if (found < 0) return NOTHING;
    r->at += (uint64_t)found;
    rc = attempt_run(r, last, limit);
  }
  return rc;
}

static int search_starts(run *r, uint64_t last) {
  const mm_pattern *p = r->pattern;
  if (p->known.single) return attempt_hard(r, last, r->size);
  /* For a few starts it is not worth the way to a literal that may lie anywhere. */
  bool few = r->last - r->at < ENOUGH && p->literal.most == MM_LITERAL_FAR;
  bool by_literal = p->literal.size && !p->anchored && !few;
  if (p->runs && !p->anchored) return search_runs(r, last);
  return by_literal ? search_literals(r, last) : attempt_all(r, last, 0);
}

static int search_pieces(run *r) {
  mm_pattern *p = r->pattern;
  if (p->known.whole) return search_plain(r);
  if (p->choice && p->known.choice.whole) return search_choice(r);
  if (r->size < p->shortest || r->from > r->size - p->shortest) return NOTHING;
  uint64_t last = p->anchored ? r->from : r->size - p->shortest;
  if (last > r->last) last = r->last;
  r->asked = r->since = mm_os.clock();
  if (p->batch > 1) r->calls = p->batch;
  int rc = search_starts(r, last);
  if (rc != FOUND) return rc;
  const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(p->data);
  p->match = (mm_span){ovector[0], ovector[1]};
  return FOUND;
}

int mm_pattern_search(mm_pattern *p, const uint8_t *data, uint64_t size, uint64_t from,
                      uint64_t last, bool advance, const mm_watch *watch, bool *found,
                      mm_span *match, mm_error *err) {
  static const uint8_t nothing[1] = {0};
  run r = {.pattern = p,
           .data = size ? data : nothing,
           .size = size,
           .from = from,
           .at = from,
           .last = last,
           .advance = advance,
           .watch = watch,
           .err = err};
  int rc = from <= last ? search_pieces(&r) : NOTHING;
  p->matched = *found = rc == FOUND;
  if (*found) *match = p->match;
  return rc == FOUND || rc == NOTHING ? MM_OK : rc;
}

bool mm_pattern_group(const mm_pattern *p, unsigned n, mm_span *group) {
  if (!p->matched || n == 0 || n > p->groups) return false;
  const PCRE2_SIZE *bounds = pcre2_get_ovector_pointer(p->data) + 2 * (size_t)n;
  if (bounds[0] == PCRE2_UNSET) return false;
  *group = (mm_span){bounds[0], bounds[1]};
  return true;
}
