/*
** log_private.h: what log.c, log_merge.c and log_compact.c share of a log, and nobody else.
*/
#ifndef MM_LOG_PRIVATE_H
#define MM_LOG_PRIVATE_H

#include "core/file/log.h"

/* Bytes are kept in chunks that never move, so that entries can point into them. A chunk takes many
** small writes, or a large one. */
struct mm_log_chunk {
  struct mm_log_chunk *before;
  uint64_t number; /* from 1; none has it again */
  size_t first;    /* no entry below has bytes here */
  uint64_t size, used;
  uint8_t bytes[];
};

#define LOG_CHUNK_MAX ((uint64_t)8 << 20)
/* So large a write gets a chunk of its own, which leaves nothing unused. */
#define LOG_LARGE_MIN ((uint64_t)1 << 20)

static inline bool log_is_write(const mm_log_entry *entry) {
  return entry->data != NULL;
}

/* Bytes that it has in a chunk. */
static inline uint64_t log_held(const mm_log_entry *entry) {
  if (!log_is_write(entry)) return 0;
  return entry->packed ? entry->packed : entry->size;
}

/* ---- log.c ---------------------------------------------------------------------------------- */

/* Room for so many bytes, of the entry `first` or a later one. NULL: no memory. */
uint8_t *log_room(mm_log *log, size_t first, uint64_t size);

/* Add a chunk to a list, for the entry `first` and later ones. NULL: no memory. */
struct mm_log_chunk *log_add_chunk(mm_log *log, struct mm_log_chunk **list, size_t first,
                                   uint64_t size);

/* Room for so many in the arrays. MM_NOMEM. */
int log_reserve(mm_log *log, size_t entries, size_t runs);

/* Append an entry for which there is room in the arrays. */
void log_place(mm_log *log, mm_log_entry entry);

/* Forget the entries from `count` on, but not their bytes. */
void log_drop(mm_log *log, size_t count);

/* Chunks of the entries from `first` on may have bytes of any of them. */
void log_share_chunks(mm_log *log, size_t first);

/* Free the chunks of a list that only have bytes of entries from `first` on, down to `last`. */
void log_free_chunks(mm_log *log, struct mm_log_chunk **list, size_t first,
                     const struct mm_log_chunk *last);

/* Make each entry from `first` on that continues the one before it, writes again what that wrote, or
** can be packed with it, a part of it. Entries below `low` are fixed. */
void log_fold_all(mm_log *log, size_t first, size_t low);

/* ---- log_merge.c ---------------------------------------------------------------------------- */

/* What is seen of a log, as extents that ascend and do not overlap, small ones packed. */
typedef struct log_seen {
  mm_extent *extents; /* the caller frees them, whatever is returned */
  size_t count, capacity;
  uint64_t copied; /* smaller ones that lie side by side are copied together; larger ones are not */
  uint64_t zeros;  /* from here on nobody wants any */
  /* Memory for what was copied; NULL: there is none. */
  uint8_t *(*room)(void *context, uint64_t size);
  void *context;
  const mm_change *watched; /* is asked whether to go on */
} log_seen;

/* Below `end` of the file. Extents without data are zeros, which a cut has left. */
int log_see(const mm_log *log, uint64_t end, log_seen *seen, mm_error *err);

#endif
