/*
** literal.h: the bytes that every match of a regular expression must contain.
**
** A reader of the pattern's syntax, so that a search can go from one occurrence of these bytes to
** the next at the speed of find.h, and try the expression only there. It knows what is common;
** where it meets something else it says that it knows nothing, never something that might be wrong.
*/
#ifndef MM_LITERAL_H
#define MM_LITERAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/search/heads.h"
#include "core/search/lead.h"

#define MM_LITERAL_MAX 64                /* bytes; of a longer one only so many are used */
#define MM_LITERAL_NEAR ((uint64_t)1024) /* a place that is known to so many bytes is near */
#define MM_LITERAL_FAR ((uint64_t)-1)    /* there is no bound */
#define MM_CHOICE_MOST 4096              /* literals */

/* Neighbouring bytes of a match. What is known of byte i is that (byte & mask[i]) == value[i]: all
** of it where the mask is 0xff, nothing where it is 0. */
typedef struct mm_literal {
  uint8_t value[MM_LITERAL_MAX], mask[MM_LITERAL_MAX];
  unsigned size;        /* 0: nothing is known */
  uint64_t least, most; /* so many bytes after the start of a match the literal begins */
  mm_lead lead;         /* … and what these bytes are */
  /* What stands before it is a run of lead.at[0]'s bytes, as in [a-z]+foo: if a match starts in
  ** such a run, others start at each earlier byte of it. */
  bool run;
} mm_literal;

/* Several literals, of which every match contains one: those of alternatives. `common` is what is known
** of all of them: the least and the most of each, and what may stand before any of them; its bytes are
** not used, and its size is that of the longest. */
typedef struct mm_choice {
  mm_literal common;
  const mm_head *literals; /* among mm_literals.heads */
  unsigned count;          /* 0: nothing is known; more than MM_HEADS_MOST: all are whole bytes */
  bool whole; /* the pattern is their alternation, in this order, and has no groups to report */
} mm_choice;

typedef struct mm_literals {
  mm_literal exact;  /* the best one of whole bytes */
  mm_literal masked; /* the best one of any; its first mask is not 0 */
  mm_choice choice;  /* the best one of these */
  /* Every match begins with at least so many bytes of a set; 0: nothing is known. And, if first_run,
  ** where one starts in a run of such bytes, others start at each earlier byte of it. */
  mm_charset first;
  uint64_t first_least;
  bool first_run;
  bool whole;     /* the pattern is `masked` and nothing else, and has no groups to report */
  bool single;    /* has verbs or \G: what it matches depends on where the attempt began */
  bool uneven;    /* may have a group of which one alternative is shorter than one before it, and
                     ** then something that is repeated */
  mm_head *heads; /* owned */
} mm_literals;

/* Read a pattern in PCRE2's syntax, without options, not UTF. Any bytes will do: whether the
** pattern is right is PCRE2's to say. MM_NOMEM: `out` owns nothing. */
int mm_literals_read(const uint8_t *pattern, uint64_t size, mm_literals *out);
void mm_literals_clear(mm_literals *literals); /* frees what it owns */

/* How much it helps to know of a byte that (byte & mask) == value: about two for each bit, less
** where files are full of such bytes. */
unsigned mm_literal_tells(uint8_t value, uint8_t mask);

/* The same of all of a literal, and more if it is known where a match with it starts. 0:
** nothing. */
unsigned mm_literal_worth(const mm_literal *literal);

/* The same of a choice; 0: too little to look for it. */
unsigned mm_choice_worth(const mm_choice *choice);

/* What of a literal's worth is due to where it stands in a match. */
unsigned mm_literal_nearness(const mm_literal *literal);

/* Bytes from .. to-1 of a literal, as a literal. */
mm_literal mm_literal_part(const mm_literal *literal, unsigned from, unsigned to);

/* Does the literal tell nothing about where a match with it starts? */
bool mm_literal_far(const mm_literal *literal);

#endif
