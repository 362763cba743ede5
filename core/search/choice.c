#include "core/search/choice.h"

#include <string.h>

#define TELLS_LEAST 12u /* a place in 64 that is looked at for nothing */
#define MANY_HEADS 8u   /* many.c looks at so many bytes at once */

/* ---- how much literals tell ----------------------------------------------------------------- */

/* What is looked for first: `most` bytes. */
static unsigned head_tells(const uint8_t *value, const uint8_t *mask, unsigned size,
                           unsigned most) {
  unsigned tells = 0;
  for (unsigned i = 0; i < size && i < most; i++) {
    tells += mm_literal_tells(value[i], mask[i]);
  }
  return tells;
}

/* Two for each halving of the places where one of them fits. */
static unsigned heads_tell(const mm_head *heads, unsigned count) {
  unsigned most = count > MM_HEADS_MOST ? MANY_HEADS : MM_FIND_HEADS;
  uint64_t fit = 0; /* of 2^32 places */
  for (unsigned i = 0; i < count; i++) {
    unsigned halvings = head_tells(heads[i].value, heads[i].mask, heads[i].size, most) / 2;
    fit += (uint64_t)1 << (halvings < 32 ? 32 - halvings : 0);
  }
  if (fit == 0 || fit >> 32) return 0;
  return 2 * (unsigned)(__builtin_clzll(fit) - 31);
}

static unsigned choice_worth(const mm_literal *common, const mm_head *heads, unsigned count) {
  unsigned tells = heads_tell(heads, count);
  return tells < TELLS_LEAST ? 0 : tells + mm_literal_nearness(common);
}

/* A pool may have no room at all. */
static const mm_head *heads_of(const mm_choice_pool *pool, const mm_some *some) {
  return some->count ? pool->at + some->from : NULL;
}

unsigned mm_some_worth(const mm_choice_pool *pool, const mm_some *some) {
  return choice_worth(&some->common, heads_of(pool, some), some->count);
}

unsigned mm_choice_worth(const mm_choice *choice) {
  return choice_worth(&choice->common, choice->literals, choice->count);
}

/* ---- gathering ------------------------------------------------------------------------------ */

/* Where in it do the bytes begin that tell the most? */
static unsigned best_head(const mm_literal *l) {
  unsigned best = 0, most = 0;
  for (unsigned i = 0; i < l->size; i++) {
    unsigned tells = head_tells(l->value + i, l->mask + i, l->size - i, MM_FIND_HEADS);
    if (tells <= most) continue;
    most = tells;
    best = i;
  }
  return best;
}

static bool is_exact_head(const mm_head *head) {
  for (unsigned i = 0; i < head->size; i++) {
    if (head->mask[i] != 0xff) return false;
  }
  return true;
}

static mm_some some_of(mm_choice_pool *pool, unsigned at, const mm_literal *literal, bool exact) {
  mm_literal l = exact ? *literal : mm_literal_part(literal, best_head(literal), literal->size);
  unsigned size = l.size < MM_HEADS_LENGTH ? l.size : MM_HEADS_LENGTH;
  mm_head *head = &pool->at[at];
  *head = (mm_head){.size = size};
  memcpy(head->value, l.value, size);
  memcpy(head->mask, l.mask, size);
  mm_some some = {.common = l,
                  .from = at,
                  .count = 1,
                  .whole = exact && size == l.size,
                  .exact = is_exact_head(head)};
  some.common.size = size;
  return some;
}

static uint64_t lead_most(const mm_lead *lead) {
  uint64_t most = 0;
  for (unsigned i = 0; i < lead->count; i++) {
    uint64_t more = lead->at[i].most;
    most = more > MM_LEAD_ENDLESS - most ? MM_LEAD_ENDLESS : most + more;
  }
  return most;
}

/* What may stand before the one or the other literal: bytes of either. */
static void lead_either(mm_lead *lead, const mm_lead *other) {
  uint64_t most = lead_most(lead), others = lead_most(other);
  mm_charset set = {{0}};
  for (unsigned i = 0; i < lead->count; i++) mm_charset_unite(&set, &lead->at[i].set);
  for (unsigned i = 0; i < other->count; i++) mm_charset_unite(&set, &other->at[i].set);
  *lead = (mm_lead){.count = 0};
  mm_lead_add(lead, &set, most > others ? most : others);
}

static void common_either(mm_literal *common, const mm_literal *other) {
  if (other->least < common->least) common->least = other->least;
  if (other->most > common->most) common->most = other->most;
  if (other->size > common->size) common->size = other->size;
  lead_either(&common->lead, &other->lead);
}

bool mm_some_gather(mm_choice_pool *pool, unsigned base, mm_some *all, const mm_some *more,
                    const mm_literal *literal, bool exact) {
  unsigned to = base + all->count;
  unsigned single = head_tells(literal->value, literal->mask, literal->size, MM_FIND_HEADS);
  mm_some next = *more;
  if (exact || more->count == 0 || mm_some_worth(pool, more) < single) {
    if (pool->count >= pool->capacity || literal->size == 0) return false;
    next = some_of(pool, pool->count++, literal, exact);
  }
  bool exact_all = next.exact && (all->count == 0 || all->exact);
  if (all->count + next.count > (exact_all ? MM_CHOICE_MOST : MM_HEADS_MOST)) return false;
  memmove(pool->at + to, pool->at + next.from, next.count * sizeof *pool->at);
  pool->count = to + next.count;
  next.from = base;
  if (all->count == 0) {
    *all = next;
    return true;
  }
  common_either(&all->common, &next.common);
  all->count += next.count;
  all->whole = all->whole && next.whole;
  all->exact = exact_all;
  return true;
}

void mm_some_finish(const mm_choice_pool *pool, const mm_some *some, mm_choice *out) {
  out->common = some->common;
  out->count = some->count;
  out->whole = some->whole;
  out->literals = heads_of(pool, some);
}
