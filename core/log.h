/*
** log.h: the pending writes of a transaction, in the order they were made.
**
** The log is the authority for what has been written and not committed: the pages that show it to
** readers (view.h) are rebuilt from it. It only grows; a savepoint is its length, and ROLLBACK TO
** cuts it. Two kinds of entry are enough for everything that can be done to a file:
**
**     entry 0   write   offset 16, 4 bytes  ----> 7f 45 4c 46
**     entry 1   size    from 100 to 40              (bytes 40..99 are gone: they read as zero if
**     entry 2   size    from 40 to 120               the file grows again)
**     entry 3   write   offset 40, 2 bytes  ----> 0d 0a
**
** COMMIT merges it into the extents of a change (change.h): for each byte the last entry that wrote
** it.
*/
#ifndef MM_LOG_H
#define MM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/change.h"
#include "core/error.h"

typedef struct mm_log_entry {
  uint64_t offset;     /* write: first byte. size: the size before */
  uint64_t size;       /* write: bytes. size: the size after */
  const uint8_t *data; /* the log's own copy; NULL: the entry is a change of size */
} mm_log_entry;

struct mm_log_chunk;

typedef struct mm_log {
  mm_log_entry *entries;
  size_t count, capacity;
  size_t sized; /* entries up to the newest change of size, that one included; 0: none */
  struct mm_log_chunk *chunk; /* the newest chunk of bytes; each points to the one before */
  uint64_t bytes;             /* bytes of all write entries */
} mm_log;

/* A log of all zeros is an empty one. */
void mm_log_clear(mm_log *log); /* frees everything; afterwards it is empty */

/* Append a write of `size` bytes (at least 1), which are copied. */
int mm_log_write(mm_log *log, uint64_t offset, const uint8_t *data, uint64_t size, mm_error *err);

/* Append a write whose bytes the caller fills in: room for `size` bytes at *data, before anything
** else is done with the log. */
int mm_log_write_room(mm_log *log, uint64_t offset, uint64_t size, uint8_t **data, mm_error *err);

/* Append copies of the entries of `from` between `first` and `end`; on failure some may be
** there. */
int mm_log_copy(mm_log *log, const mm_log *from, size_t first, size_t end, mm_error *err);

/* Append a change of size. */
int mm_log_size(mm_log *log, uint64_t from, uint64_t to, mm_error *err);

/* Cut the log to its first `count` entries, a value that log->count had. */
void mm_log_cut(mm_log *log, size_t count);

/* The size of the object after the first `count` entries, `base` being that before the first. */
uint64_t mm_log_size_at(const mm_log *log, size_t count, uint64_t base);

/* The entries from `first` on as a log of their own, borrowed: only to be read. */
mm_log mm_log_rest(const mm_log *log, size_t first);

/* Merge: add to `change`, which is empty but for its watch, what a file of `base` bytes needs to
** become what the log says. Extents point into the log where one entry covers them, else into
** memory of the change. In O(n log n) of the entries and linear in the bytes. MM_NOMEM;
** MM_INTERRUPT if the watch said so. */
int mm_log_merge(const mm_log *log, uint64_t base, mm_change *change, mm_error *err);

#endif
