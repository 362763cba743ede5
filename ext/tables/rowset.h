/*
** rowset.h: a set of row numbers, for rows by the million, scattered or in long runs.
**
** Numbers are not negative. A set of all zeros is an empty one.
*/
#ifndef EXT_ROWSET_H
#define EXT_ROWSET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct ext_rowset_chunk;

typedef struct ext_rowset {
  struct ext_rowset_chunk *chunks; /* a hash table */
  size_t used, capacity;           /* of it, in chunks; the capacity is 0 or a power of two */
  int64_t count;                   /* rows in the set */
} ext_rowset;

void ext_rowset_clear(ext_rowset *set); /* frees everything; afterwards it is empty */

/* MM_OK, also if it was there, or MM_NOMEM. */
int ext_rowset_add(ext_rowset *set, int64_t row);
bool ext_rowset_has(const ext_rowset *set, int64_t row);

/* The same for `count` rows from `first` on, in steps of 64. Of an ext_rowset_add_run that fails some may
** be there. */
int ext_rowset_add_run(ext_rowset *set, int64_t first, int64_t count);
void ext_rowset_remove_run(ext_rowset *set, int64_t first, int64_t count);

/* The nearest row that is not in the set, at `row` or after it (before it: may be -1). In steps of
** hundreds of rows. */
int64_t ext_rowset_absent_from(const ext_rowset *set, int64_t row);
int64_t ext_rowset_absent_to(const ext_rowset *set, int64_t row);

/* Every longest run first..last of rows of the set, ascending; a nonzero result of `run` ends it
** and is returned. MM_NOMEM. */
typedef int ext_rowset_run(void *context, int64_t first, int64_t last);
int ext_rowset_each(const ext_rowset *set, ext_rowset_run *run, void *context);

#endif
