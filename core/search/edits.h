/*
** edits.h: what makes one file of another: which bytes stay, which are replaced, inserted and deleted.
*/
#ifndef MM_EDITS_H
#define MM_EDITS_H

#include <stddef.h>

#include "core/common/error.h"
#include "core/common/watch.h"

enum mm_edit_kind { MM_EDIT_EQUAL, MM_EDIT_REPLACE, MM_EDIT_INSERT, MM_EDIT_DELETE };

/* a_size bytes of a at a_offset become b_size bytes of b at b_offset. */
typedef struct mm_edit {
  int kind; /* enum mm_edit_kind */
  uint64_t a_offset, a_size, b_offset, b_size;
} mm_edit;

/* Runs that make b of a, in order; together they are all of both. Found are stretches of some hundred
** bytes that stay, wherever they come to lie behind each other, and shorter ones between them; it is
** not always the fewest edits. In time linear in the bytes, and memory that follows the number of runs
** and is else at most 64 MB. *runs is the caller's to mm_free, also on failure. MM_NOMEM; MM_INTERRUPT
** where the watch (may be NULL) stops it. */
int mm_edits_find(const uint8_t *a, uint64_t a_size, const uint8_t *b, uint64_t b_size,
                  const mm_watch *watch, mm_edit **runs, size_t *count, mm_error *err);

#endif
