/*
** lead.h: how far before a place in the data a match can begin that has a literal there.
**
** What a pattern matches before a literal is known as stretches: first some bytes of one set, then
** some bytes of another, and so on up to the literal; of each at most so many.
*/
#ifndef MM_LEAD_H
#define MM_LEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "core/search/charset.h"
#include "core/search/find.h"

#define MM_LEAD_MAX 4                  /* stretches; where a pattern has more, some are united */
#define MM_LEAD_ENDLESS ((uint64_t)-1) /* there is no bound */

typedef struct mm_stretch {
  mm_charset set;
  uint64_t most;
} mm_stretch;

/* All zeros: no stretch, the literal is where the match begins. */
typedef struct mm_lead {
  mm_stretch at[MM_LEAD_MAX];
  unsigned count;
} mm_lead;

/* One more stretch behind the others; and several. */
void mm_lead_add(mm_lead *lead, const mm_charset *set, uint64_t most);
void mm_lead_join(mm_lead *lead, const mm_lead *more);

/* Can any bytes stand before the literal, however many? */
bool mm_lead_open(const mm_lead *lead);

/* A lower bound, at least `from`, for where in `data` a match can begin that begins at `from` or
** later and has the literal at `place`. It never falls when `place` grows: so it also holds for a
** match that has the literal farther on. MM_FIND_STOPPED. */
int64_t mm_lead_first(const mm_lead *lead, const uint8_t *data, uint64_t from, uint64_t place,
                      const mm_watch *watch);

#endif
