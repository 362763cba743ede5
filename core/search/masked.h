/*
** masked.h: search for bytes of which only some bits are known.
*/
#ifndef MM_MASKED_H
#define MM_MASKED_H

#include "core/search/find.h"
#include "core/search/literal.h"

/* A literal made ready: two of its bytes, at[0] < at[1] (the same if only one is known at all), are
** looked for by vectors, the others compared where these fit. Where they fit too often without the
** others, two are chosen anew by what is rare in the data at hand; so a search changes it. */
typedef struct mm_masked {
  uint8_t value[MM_LITERAL_MAX], mask[MM_LITERAL_MAX];
  unsigned size;
  unsigned at[2];
  uint64_t wrong;    /* places where the two fitted in vain, less those that are to be expected */
  uint64_t patience; /* so many are borne before the next choice */
} mm_masked;

/* Not for a literal of which nothing is known. */
void mm_masked_prepare(mm_masked *masked, const mm_literal *literal);

/* Offset of the first place in data[0 .. size-1] where it fits, MM_FIND_NONE, MM_FIND_STOPPED. */
int64_t mm_masked_find(mm_masked *masked, const uint8_t *data, uint64_t size,
                       const mm_watch *watch);

#endif
