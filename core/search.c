#include "core/search.h"

#include <string.h>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "core/literal.h"
#include "core/masked.h"
#include "core/mem.h"
#include "core/sys.h"

/*
** How a search stays interruptible, and why
**
** One call of pcre2_match cannot be interrupted, so each is kept short: it tries a limited number
** of starts (an offset limit, which grows and shrinks with the time that calls take), it sees the
** data only up to a little beyond them, and each start may do limited work. Where an attempt wants
** to see more (PCRE2 reports a partial match) it is made again with more, so that matches of any
** length are found. Where it wants to do more work, it is made again with the same pattern compiled
** with callouts, which is slow, but asks us at each step.
*/

#define LIGHT_MATCHES 250000u /* match limit of a call that cannot be interrupted: some 10 ms */
#define HARD_STEPS 20000000u  /* callouts for one start: more is too much work, a second or so */
#define STEPS_ASK 4096u       /* … and after so many `stop` is asked */
#define HEAP_KIB (256u << 10) /* for backtracking, without JIT */
#define JIT_STACK ((size_t)32 << 20)
#define SIGHT_NEAR ((uint64_t)256) /* bytes beyond the last start: around a literal */
#define SIGHT_FAR ((uint64_t)64 << 10)
#define STARTS_MOST ((uint64_t)1 << 20)
#define STARTS_FIRST ((uint64_t)4096)
#define BATCH_MOST 16u             /* so many calls between two looks at the clock */
#define ASK_NS 4000000             /* ask `stop` that often */
#define SLOW_NS 2000000            /* calls that take longer get less to do */
#define FAST_NS 500000             /* … shorter, more */
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
  uint64_t text_size;
  mm_literals known;
  mm_literal literal; /* what is looked for; size 0: nothing */
  bool exact;         /* … as `needle`, else as `masked` */
  mm_needle needle;
  mm_masked masked;
  unsigned groups;
  uint32_t careful;  /* an option that keeps PCRE2 from a wrong shortcut; 0 */
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
  bool advance;
  const mm_find_watch *watch;
  mm_error *err;
  unsigned calls;       /* until the next look at the clock */
  int64_t since, asked; /* the last look, and the last question */
  unsigned near;        /* literals tried since … */
  uint64_t near_from;   /* … here */
  uint64_t direct_to;   /* literals are too many: up to here all starts are tried */
  uint64_t steps;       /* callouts at this start */
  uint64_t step_start;
  int failed; /* why a callout ended the call */
} run;

/* What a step of a search came to, besides an enum mm_code. */
enum { FOUND = -1, NOTHING = -2 };

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

/* Before 10.45 PCRE2 takes a byte that a lookahead asks for at the start of a match and the same
** byte, which the match must contain, for two (its pull request 444): it then misses (?=a)0*a in
** "a". */
static bool is_mistaken(const mm_pattern *p) {
  uint32_t first = 0, last = 0, has_first = 0, has_last = 0;
  pcre2_pattern_info(p->light, PCRE2_INFO_FIRSTCODETYPE, &has_first);
  pcre2_pattern_info(p->light, PCRE2_INFO_FIRSTCODEUNIT, &first);
  pcre2_pattern_info(p->light, PCRE2_INFO_LASTCODETYPE, &has_last);
  pcre2_pattern_info(p->light, PCRE2_INFO_LASTCODEUNIT, &last);
  bool same = has_first == 1 && has_last == 1 && (first | 0x20) == (last | 0x20);
  return same && memmem(p->text, p->text_size, "(?=", 3) != NULL;
}

static int compile_light(mm_pattern *p, mm_error *err) {
  int rc = compile(p, 0, &p->light, err);
  if (rc || !is_mistaken(p)) return rc;
  pcre2_code_free(p->light);
  p->light = NULL;
  p->careful = PCRE2_NO_START_OPTIMIZE;
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
  pcre2_set_match_limit(p->light_match, LIGHT_MATCHES);
  pcre2_set_heap_limit(p->light_match, HEAP_KIB);
  pcre2_set_match_limit(p->hard_match, UINT32_MAX);
  pcre2_set_depth_limit(p->hard_match, UINT32_MAX);
  pcre2_set_heap_limit(p->hard_match, HEAP_KIB);
  return MM_OK;
}

static bool is_near(const mm_literal *l) {
  return l->size > 0 && l->most != MM_LITERAL_FAR && l->most - l->least <= MM_LITERAL_NEAR;
}

/* Two whole bytes at a known place are best; else a place that is known counts for more. */
static void choose_literal(mm_pattern *p) {
  const mm_literal *exact = &p->known.exact, *masked = &p->known.masked;
  bool good = is_near(exact) && exact->size > 1;
  p->exact = good || (exact->size > 0 && (!is_near(masked) || masked->size == 1));
  p->literal = p->exact ? *exact : *masked;
  if (p->exact) mm_needle_prepare(&p->needle, p->literal.value, p->literal.size);
  if (!p->exact && p->literal.size) mm_masked_prepare(&p->masked, &p->literal);
}

static int64_t find_literal(const mm_pattern *p, const uint8_t *data, uint64_t size,
                            const mm_find_watch *watch) {
  return p->exact ? mm_find(&p->needle, data, size, watch)
                  : mm_masked_find(&p->masked, data, size, watch);
}

static void learn(mm_pattern *p) {
  uint32_t value = 0;
  mm_literals_read(p->text, p->text_size, &p->known);
  choose_literal(p);
  pcre2_pattern_info(p->light, PCRE2_INFO_CAPTURECOUNT, &value);
  p->groups = value;
  pcre2_pattern_info(p->light, PCRE2_INFO_MINLENGTH, &value);
  p->shortest = p->known.single ? 0 : value;
  pcre2_pattern_info(p->light, PCRE2_INFO_ALLOPTIONS, &value);
  p->anchored = (value & PCRE2_ANCHORED) != 0;
  p->starts = STARTS_FIRST;
  p->batch = 1;
}

static int make(mm_pattern *p, const uint8_t *text, uint64_t size, mm_error *err) {
  p->text = mm_alloc(size + 1);
  if (!p->text) return mm_fail_nomem(err);
  if (size) memcpy(p->text, text, size);
  p->text_size = size;
  if (make_contexts(p)) return mm_fail_nomem(err);
  int rc = compile_light(p, err);
  if (rc) return rc;
  p->data = pcre2_match_data_create_from_pattern(p->light, p->general);
  if (!p->data) return mm_fail_nomem(err);
  learn(p);
  return MM_OK;
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
  return p->text_size == size && (size == 0 || memcmp(p->text, text, size) == 0);
}

unsigned mm_pattern_groups(const mm_pattern *p) {
  return p->groups;
}

/* ---- pace ----------------------------------------------------------------------------------- */

static int interrupted(run *r) {
  return mm_fail(r->err, MM_INTERRUPT, "interrupted");
}

static bool asked_to_stop(const run *r) {
  return r->watch && r->watch->stop && r->watch->stop(r->watch->context, r->at - r->from);
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

/* After each call. */
static int tick(run *r) {
  if (--r->calls > 0) return MM_OK;
  int64_t now = mm_os.clock();
  adapt(r->pattern, now - r->since);
  r->calls = r->pattern->batch;
  r->since = now;
  if (now - r->asked < ASK_NS) return MM_OK;
  r->asked = now;
  return asked_to_stop(r) ? interrupted(r) : MM_OK;
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

/* At each step of the slow way. */
static int step(pcre2_callout_block *block, void *context) {
  run *r = context;
  if (block->start_match != r->step_start) {
    r->step_start = block->start_match;
    r->steps = 0;
  }
  if (++r->steps > HARD_STEPS) {
    r->at = block->start_match;
    r->failed = too_much(r);
  } else if (r->steps % STEPS_ASK == 0) {
    r->failed = tick(r);
  }
  return r->failed ? PCRE2_ERROR_CALLOUT : 0;
}

/* Try the starts from `first` to `last` with callouts. */
static int attempt_hard(run *r, uint64_t first, uint64_t last) {
  mm_pattern *p = r->pattern;
  if (!p->hard) {
    int rc = compile(p, PCRE2_AUTO_CALLOUT, &p->hard, r->err);
    if (rc) return rc;
  }
  r->failed = MM_OK;
  r->steps = 0;
  r->step_start = first;
  pcre2_set_callout(p->hard_match, step, r);
  pcre2_set_offset_limit(p->hard_match, last);
  uint32_t options = options_at(r, first);
  int code = pcre2_match(p->hard, r->data, r->size, first, options, p->data, p->hard_match);
  if (code == PCRE2_ERROR_JIT_STACKLIMIT) {
    options |= PCRE2_NO_JIT;
    code = pcre2_match(p->hard, r->data, r->size, first, options, p->data, p->hard_match);
  }
  if (r->failed) return r->failed;
  if (code > 0) return FOUND;
  if (code == PCRE2_ERROR_NOMATCH) return NOTHING;
  return is_limit(code) ? too_much(r) : fail_match(r, code);
}

/* Where an attempt gave up for want of data. */
static uint64_t partial_start(const mm_pattern *p, uint64_t first, uint64_t last) {
  uint64_t start = pcre2_get_ovector_pointer(p->data)[0];
  return start > first && start <= last ? start : first;
}

/* Try the starts from `first` to `last`, at first seeing `sight` bytes beyond them. */
static int attempt(run *r, uint64_t first, uint64_t last, uint64_t sight) {
  mm_pattern *p = r->pattern;
  for (;;) {
    uint64_t end = r->size - last > sight ? last + sight : r->size;
    uint32_t options = options_at(r, first) | (end < r->size ? PCRE2_PARTIAL_HARD : 0);
    pcre2_set_offset_limit(p->light_match, last);
    int code = pcre2_match(p->light, r->data, end, first, options, p->data, p->light_match);
    int rc = tick(r);
    if (rc) return rc;
    if (code > 0) return FOUND;
    if (code == PCRE2_ERROR_NOMATCH) return NOTHING;
    if (is_limit(code)) return attempt_hard(r, first, last);
    if (code != PCRE2_ERROR_PARTIAL) return fail_match(r, code);
    first = partial_start(p, first, last);
    sight = sight < r->size / 4 ? sight * 4 : r->size;
  }
}

/* Try all starts up to `last`. */
static int attempt_all(run *r, uint64_t last) {
  while (r->at <= last) {
    uint64_t starts = r->pattern->starts;
    uint64_t to = last - r->at >= starts ? r->at + starts - 1 : last;
    int rc = attempt(r, r->at, to, SIGHT_FAR);
    if (rc != NOTHING) return rc;
    r->at = to + 1;
  }
  return NOTHING;
}

/* ---- by the literal ------------------------------------------------------------------------- */

/* The literals come so thick that going from one to the next does not pay: try everything for a
** while. */
static void watch_crowd(run *r, uint64_t place) {
  if (++r->near < CROWD) return;
  if (place - r->near_from < CROWD * CROWD_BYTES) r->direct_to = place + SIGHT_FAR;
  r->near = 0;
  r->near_from = place;
}

/* All that may have the literal at `to` or later: at least so many that looking for it again
** pays. */
static int attempt_before(run *r, uint64_t to, uint64_t last) {
  uint64_t enough = last - r->at > SIGHT_FAR ? r->at + SIGHT_FAR : last;
  return attempt_all(r, to > enough ? to : enough);
}

/* The starts that have the literal at `place`, and whose turn it is. */
static int attempt_literal(run *r, uint64_t place, uint64_t last) {
  const mm_literal *l = &r->pattern->literal;
  uint64_t to = place - l->least < last ? place - l->least : last;
  if (!is_near(l)) return attempt_before(r, to, last);
  if (place > l->most && place - l->most > r->at) r->at = place - l->most;
  int rc = attempt(r, r->at, to, place + l->size - to + SIGHT_NEAR);
  r->at = to + 1;
  watch_crowd(r, place);
  return rc;
}

static int search_literals(run *r, uint64_t last) {
  const mm_literal *l = &r->pattern->literal;
  r->near_from = r->at;
  while (r->at <= last) {
    if (r->at < r->direct_to) {
      int rc = attempt_all(r, r->direct_to < last ? r->direct_to : last);
      if (rc != NOTHING) return rc;
      continue;
    }
    if (l->least > r->size - r->at) return NOTHING;
    uint64_t from = r->at + l->least;
    int64_t found = find_literal(r->pattern, r->data + from, r->size - from, r->watch);
    if (found == MM_FIND_STOPPED) return interrupted(r);
    if (found < 0) return NOTHING;
    int rc = attempt_literal(r, from + (uint64_t)found, last);
    if (rc != NOTHING) return rc;
  }
  return NOTHING;
}

/* The pattern is a literal. */
static int search_plain(run *r) {
  mm_pattern *p = r->pattern;
  if (r->size - r->from < p->needle.size) return NOTHING;
  int64_t found = find_literal(p, r->data + r->from, r->size - r->from, r->watch);
  if (found == MM_FIND_STOPPED) return interrupted(r);
  if (found < 0) return NOTHING;
  p->match.start = r->from + (uint64_t)found;
  p->match.end = p->match.start + p->needle.size;
  return FOUND;
}

static int search_starts(run *r, uint64_t last) {
  const mm_pattern *p = r->pattern;
  if (p->known.single) return attempt_hard(r, r->from, last);
  return p->literal.size && !p->anchored ? search_literals(r, last) : attempt_all(r, last);
}

static int search(run *r) {
  mm_pattern *p = r->pattern;
  if (p->known.whole) return search_plain(r);
  if (r->size < p->shortest || r->from > r->size - p->shortest) return NOTHING;
  uint64_t last = p->anchored ? r->from : r->size - p->shortest;
  r->since = r->asked = mm_os.clock();
  r->calls = 1;
  int rc = search_starts(r, last);
  if (rc != FOUND) return rc;
  const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(p->data);
  p->match = (mm_span){ovector[0], ovector[1]};
  return FOUND;
}

int mm_pattern_search(mm_pattern *p, const uint8_t *data, uint64_t size, uint64_t from,
                      bool advance, const mm_find_watch *watch, bool *found, mm_span *match,
                      mm_error *err) {
  static const uint8_t nothing[1] = {0};
  run r = {.pattern = p,
           .data = size ? data : nothing,
           .size = size,
           .from = from,
           .at = from,
           .advance = advance,
           .watch = watch,
           .err = err};
  int rc = search(&r);
  p->matched = *found = rc == FOUND;
  if (*found) *match = p->match;
  return rc == FOUND || rc == NOTHING ? MM_OK : rc;
}

bool mm_pattern_group(const mm_pattern *p, unsigned n, mm_span *group) {
  if (!p->matched || n == 0 || n > p->groups) return false;
  const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(p->data);
  if (ovector[2 * n] == PCRE2_UNSET) return false;
  *group = (mm_span){ovector[2 * n], ovector[2 * n + 1]};
  return true;
}
