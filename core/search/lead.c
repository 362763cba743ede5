#include "core/search/lead.h"

#include <string.h>

#define ALL_BYTES 256u
#define FEW ((uint64_t)64) /* bytes that are looked at one by one before mm_rfind_set is asked */

static uint64_t lead_plus(uint64_t a, uint64_t b) {
  return a > MM_LEAD_ENDLESS - b ? MM_LEAD_ENDLESS : a + b;
}

/* "Some of a, then some of b" is within "some of either". */
static void unite(mm_stretch *a, const mm_stretch *b) {
  mm_charset_unite(&a->set, &b->set);
  a->most = lead_plus(a->most, b->most);
}

/* The first two, which are the farthest from the literal, become one. */
static void make_room(mm_lead *lead) {
  unite(&lead->at[0], &lead->at[1]);
  lead->count--;
  memmove(lead->at + 1, lead->at + 2, (lead->count - 1) * sizeof *lead->at);
}

void mm_lead_add(mm_lead *lead, const mm_charset *set, uint64_t most) {
  const mm_stretch more = {*set, most};
  mm_stretch *last = lead->count ? &lead->at[lead->count - 1] : NULL;
  if (most == 0) return;
  if (last && mm_charset_same(&last->set, set)) {
    unite(last, &more);
    return;
  }
  if (lead->count == MM_LEAD_MAX) make_room(lead);
  lead->at[lead->count++] = more;
}

void mm_lead_join(mm_lead *lead, const mm_lead *more) {
  for (unsigned i = 0; i < more->count; i++) mm_lead_add(lead, &more->at[i].set, more->at[i].most);
}

bool mm_lead_open(const mm_lead *lead) {
  for (unsigned i = 0; i < lead->count; i++) {
    const mm_stretch *s = &lead->at[i];
    if (s->most == MM_LEAD_ENDLESS && mm_charset_count(&s->set) == ALL_BYTES) return true;
  }
  return false;
}

/* Where the run of the set's bytes begins that ends at `end`, if that is after `from`. */
static int64_t run_start(const mm_charset *set, const uint8_t *data, uint64_t from, uint64_t end,
                         const mm_watch *watch) {
  uint64_t few = end - from > FEW ? end - FEW : from;
  while (end > few && mm_charset_has(set, data[end - 1])) end--;
  if (end > few || end == from) return (int64_t)end;
  mm_charset others = *set;
  mm_charset_invert(&others);
  int64_t other = mm_rfind_set(others.bits, data + from, end - from, watch);
  if (other == MM_FIND_STOPPED) return other;
  return other == MM_FIND_NONE ? (int64_t)from : (int64_t)from + other + 1;
}

/*
** Why this is right: let f(e) = max(e - most, start of the run of the set's bytes that ends at e)
** for a stretch. Bytes of the stretch that end at e begin at f(e) or later. And f never falls:
** f(e+1) is e+1 if byte e is not in the set; else the run's start is the same as for e.
** So if all that follows a stretch begins at `low` or later, the stretch, which ends there, begins
** at f(low) or later. From the last stretch to the first, this leads from the literal to the start
** of the match; and being made of functions that never fall, so is the whole. What is cut at `from`
** are starts that are not asked for.
*/
int64_t mm_lead_first(const mm_lead *lead, const uint8_t *data, uint64_t from, uint64_t place,
                      const mm_watch *watch) {
  uint64_t low = place;
  for (unsigned i = lead->count; i > 0 && low > from; i--) {
    const mm_stretch *s = &lead->at[i - 1];
    uint64_t bound = low - from > s->most ? low - s->most : from;
    int64_t start = run_start(&s->set, data, bound, low, watch);
    if (start < 0) return start;
    low = (uint64_t)start;
  }
  return (int64_t)low;
}
