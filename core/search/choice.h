/*
** choice.h: several literals of which a match contains one, while its pattern is read (literal.c).
*/
#ifndef MM_CHOICE_H
#define MM_CHOICE_H

#include "core/search/literal.h"

/* All the literals that are known so far, of any part of a pattern. There is room for one of each
** alternative, but not for more than a choice may have, and a few. */
typedef struct mm_choice_pool {
  mm_head *at;
  unsigned count, capacity;
} mm_choice_pool;

/* Some of them, neighbours: what mm_choice says, but its literals are at[from .. from+count-1] of the
** pool. */
typedef struct mm_some {
  mm_literal common;
  unsigned from, count;
  bool whole; /* what was read is their alternation, in this order */
  bool exact; /* of all of their bytes everything is known */
} mm_some;

/* The literals of an alternation are gathered at `base` of the pool: those of `more`, or, where it
** tells more, the one of `literal` (size 0: none). `exact`: the alternative is that literal. What lies
** behind them in the pool is given up. False, if there are too many or nothing is known. */
bool mm_some_gather(mm_choice_pool *pool, unsigned base, mm_some *all, const mm_some *more,
                    const mm_literal *literal, bool exact);

/* How much it tells, as mm_literal_worth; 0: too little. */
unsigned mm_some_worth(const mm_choice_pool *pool, const mm_some *some);

void mm_some_finish(const mm_choice_pool *pool, const mm_some *some, mm_choice *out);

#endif
