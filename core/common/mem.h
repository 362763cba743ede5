/*
** mem.h: the allocator behind core.
**
** All of core's heap memory comes from one table, malloc's by default. A host that counts or limits
** memory (SQLite does) puts its own in place once, before anything else of core is used.
*/
#ifndef MM_MEM_H
#define MM_MEM_H

#include <stddef.h>
#include <stdint.h>

typedef struct mm_allocator {
  void *(*allocate)(uint64_t size);                 /* NULL when there is no memory */
  void *(*reallocate)(void *memory, uint64_t size); /* likewise; `memory` is then unchanged */
  void (*release)(void *memory);                    /* NULL is allowed */
} mm_allocator;

/* Put `allocator` in place; it is not copied, and must stay as long as it is. NULL: malloc's again.
** Nothing may be allocated still by another one. May be called by several threads for the same. */
void mm_mem_use(const mm_allocator *allocator);

void *mm_alloc(uint64_t size);                 /* uninitialised; NULL when there is no memory */
void *mm_alloc_zeroed(uint64_t size);          /* likewise, filled with zeros */
void *mm_realloc(void *memory, uint64_t size); /* NULL: failed, and `memory` is still valid */
void mm_free(void *memory);                    /* NULL is allowed */
char *mm_strdup(const char *text);             /* NULL when there is no memory */

/* The first place of `what` in the first `size` bytes at `in`; NULL if there is none. For what is
** short: find.h searches files. */
const void *mm_mem_find(const void *in, size_t size, const void *what, size_t length);

/* The last place of a byte; NULL if there is none. */
const void *mm_mem_find_last(const void *in, size_t size, int byte);

/* Make room for one more element in an array that grows: `*array` has `count` elements of `size`
** bytes in use and `*capacity` allocated. Returns 0, or -1 when there is no memory (nothing is
** changed then). */
int mm_grow(void **array, size_t count, size_t *capacity, size_t size);

#endif
