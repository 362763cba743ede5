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

/* Does a write go on where another ends, in the file and in memory? */
bool log_continues(const mm_log_entry *last, const mm_log_entry *entry);

/* Make each entry from `first` on that continues the one before it, or writes again what that wrote,
** a part of it. Entries below `low` are fixed. */
void log_fold_all(mm_log *log, size_t first, size_t low);

/* ---- log_merge.c ---------------------------------------------------------------------------- */

/* What is seen below `end` of the log's entries, as writes that ascend and do not overlap; data NULL:
** zeros, which a cut has left. The caller frees *out, whatever is returned. */
int log_visible(const mm_log *log, uint64_t end, const mm_change *watched, mm_log_entry **out,
                size_t *count, mm_error *err);

/* How many of these parts from `first` on lie side by side and are small enough to be worth
** joining; the bytes of so many; and a copy of those. */
size_t log_run_length(const mm_log_entry *parts, size_t count, size_t first);
uint64_t log_run_size(const mm_log_entry *parts, size_t count);
void log_join(const mm_log_entry *parts, size_t count, uint8_t *to);

#endif
