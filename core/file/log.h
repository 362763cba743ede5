/*
** log.h: the pending writes of a transaction, in the order they were made.
**
** The log is the authority for what has been written and not committed: the pages that show it to
** readers (view.h) are rebuilt from it. Two kinds of entry are enough for everything that can be
** done to a file:
**
**     entry 0   write   offset 16, 4 bytes  ----> 7f 45 4c 46
**     entry 1   size    from 100 to 40              (bytes 40..99 are gone: they read as zero if
**     entry 2   size    from 40 to 120               the file grows again)
**     entry 3   write   offset 40, 2 bytes  ----> 0d 0a
**
** COMMIT merges it into the extents of a change (change.h): for each byte the last entry that wrote
** it.
**
** A savepoint is a length of the log, its mark: ROLLBACK TO cuts the log there. So what lies below
** the newest mark is fixed. What lies above it, the top, can only be cut as a whole, so that only
** what it does in all counts, and it is kept as small as that is:
**
**     |  savepoint a  |  savepoint b  |  the top: cut, growth, writes that ascend | later ones … |
**     0               mark            mark = fixed                                           count
**
**   tidied     an entry that only continues the one before it (the next bytes, more of a growth),
**              or writes again what that wrote, becomes a part of it; and a small one that lies a
**              little behind it is packed with it (extent.h). O(1), before the next write
**   compacted  when the loose entries of the top, those behind its last compaction, weigh more than
**              half of the others and some megabytes: then the top becomes at most one cut, one
**              growth, and writes that ascend and do not overlap, small ones packed; memory of which
**              little is used any more is given back. O(n log n) of the top: its cost is that of the
**              loose
**   settled    for a savepoint, which may be rolled back to again and again: where the top has many
**              runs, its last ones are compacted until each weighs more than all behind it
**
** A run is a stretch of writes that ascend and do not overlap. Every entry is in one (a change of
** size is one of its own), so that what lies at a place is found by a binary search in each run.
**
** What holds at any time:
**   1. Entries below top.fixed, and their bytes, never change while their mark lives.
**   2. In a shared chunk, the bytes of entries below a mark lie before those of entries above it;
**      chunk.first is at most the index of the first entry that has bytes in the chunk.
**   3. A top that was cut to `least` bytes and is `size` bytes long now begins, once compacted, with
**      the changes from its first size to `least` and from there to `size`: all that was cut and
**      not written since reads as zero.
**   4. Marks end in the opposite order of their making, or with a cut below them.
**   5. What a merge gave out points into the log and is good until the next tidy, compact or cut.
*/
#ifndef MM_LOG_H
#define MM_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/file/change.h"
#include "core/common/error.h"

typedef struct mm_log_entry {
  uint64_t offset; /* write: first byte. size: the size before */
  uint64_t size;   /* write: bytes. size: the size after */
  uint8_t *data;   /* the log's own copy; NULL: the entry is a change of size */
  uint32_t packed; /* as an extent's: it is several small writes, and `size` spans them */
  uint32_t tail; /* … bytes of the last of them, which are the last at `data`; 0: it is complete */
} mm_log_entry;

typedef struct mm_log_run {
  size_t first;  /* its first entry */
  uint64_t held; /* bytes of all before it */
  size_t sized;  /* entries before it up to the newest change of size, that one included; 0: none */
} mm_log_run;

struct mm_log_chunk;

/* What lies above the newest mark. */
typedef struct mm_log_top {
  size_t fixed;         /* entries below it */
  uint64_t below;       /* what they weigh */
  uint64_t settled;     /* what the top weighed when it was last compacted */
  unsigned depth;       /* marks that live */
  uint64_t chunk, used; /* which chunk had room when the mark was made, and what was in use of it */
} mm_log_top;

/* A length of the log to which it may be cut. */
typedef struct mm_log_mark {
  size_t count;
  mm_log_top before; /* the top that it ended */
} mm_log_mark;

typedef struct mm_log {
  mm_log_entry *entries;
  size_t count, capacity;
  mm_log_run *runs;
  size_t run_count, run_capacity;
  size_t sized;  /* entries up to the newest change of size, that one included; 0: none */
  size_t tidied; /* entries from here on have not been tidied */
  struct mm_log_chunk
      *shared; /* chunks of small writes, the newest; each points to the one before */
  struct mm_log_chunk *large; /* likewise chunks of one large write each */
  uint64_t bytes;             /* that all write entries have at `data` */
  uint64_t held;              /* memory in use for bytes, those included that are covered */
  uint64_t chunks;            /* that there have been: each has a number */
  uint64_t grain;             /* the size of the next shared chunk, about */
  uint64_t spare;             /* so much of loose entries is let be; 0: MM_LOG_SPARE */
  mm_log_top top;
} mm_log;

#define MM_LOG_SPARE ((uint64_t)16 << 20)

/* A log of all zeros is an empty one. */
void mm_log_clear(mm_log *log); /* frees everything; afterwards it is empty */

/* Append a write of `size` bytes (at least 1), which are copied. */
int mm_log_write(mm_log *log, uint64_t offset, const uint8_t *data, uint64_t size, mm_error *err);

/* Append a write whose bytes the caller fills in: room for `size` bytes at *data, before anything
** else is done with the log. */
int mm_log_write_room(mm_log *log, uint64_t offset, uint64_t size, uint8_t **data, mm_error *err);

/* Room for `size` bytes at the end of the object, which is at `end`, where the log's last entry can grow
** by them, and by as much the growth before it; NULL: it cannot. Fill it and say that it has grown, or
** leave it: the log is as it was. */
uint8_t *mm_log_more_room(const mm_log *log, uint64_t end, uint64_t size);
void mm_log_grow(mm_log *log, uint64_t size);

/* An empty log that is to take the place of another. When it has other entries in place of the first
** `old` of that one, `first` of them, and copies of the rest, it takes over its marks. */
mm_log mm_log_successor(const mm_log *log);
void mm_log_take_top(mm_log *log, const mm_log *from, size_t old, size_t first);

/* Append copies of the entries of `from` between `first` and `end`; on failure some may be
** there. */
int mm_log_copy(mm_log *log, const mm_log *from, size_t first, size_t end, mm_error *err);

/* Append a change of size. */
int mm_log_size(mm_log *log, uint64_t from, uint64_t to, mm_error *err);

/* Cut the log to its first `count` entries: the count of a mark that lives, or a count that it has
** had since it was last tidied or compacted. */
void mm_log_cut(mm_log *log, size_t count);

/* ---- marks ---------------------------------------------------------------------------------- */

/* Fix what is there. Cut the log to mark.count, or not, and then release the mark: what was compacted
** on either side of it counts as compacted, the larger of the two. */
mm_log_mark mm_log_set_mark(mm_log *log);
void mm_log_release(mm_log *log, const mm_log_mark *mark);

/* Fix what is there for ever; no other mark lives. */
void mm_log_fix(mm_log *log);

/* Memory that the log takes, and for a moment more when it is merged. */
uint64_t mm_log_weight(const mm_log *log);

/* Tidy the entries that were added since; compact the top if it is due. Without memory the log
** stays as it is. */
void mm_log_tidy(mm_log *log);

/* For a savepoint: see to it that the top has few runs, and that what comes after it starts with
** little memory. */
void mm_log_settle(mm_log *log);

/* Compact the entries from `first` on: nothing may be cut between them any more. MM_NOMEM: the log
** is as it was. */
int mm_log_compact(mm_log *log, size_t first);

/* ---- reading -------------------------------------------------------------------------------- */

/* A write as an extent. */
static inline mm_extent mm_log_extent(const mm_log_entry *entry) {
  return (mm_extent){entry->offset, entry->size, entry->data, entry->packed};
}

/* The size of the object after the first `count` entries, `base` being that before the first. */
uint64_t mm_log_size_at(const mm_log *log, size_t count, uint64_t base);

/* Runs that begin in the first `count` entries. */
size_t mm_log_runs(const mm_log *log, size_t count);

/* Of the writes `from` to `to`, all of one run, the first that ends behind `offset`; `to`: none. */
size_t mm_log_find(const mm_log *log, size_t from, size_t to, uint64_t offset);

/* The entries from `first` on as a log of their own, borrowed: only to be merged. */
mm_log mm_log_rest(const mm_log *log, size_t first);

/* Merge: add to `change`, which is empty but for its pace, what a file of `base` bytes needs to
** become what the log says. Extents point into the log where one entry covers them, else into
** memory of the change; what is small is packed. In O(n log n) of the writes and linear in the bytes.
** The writes of a log that ascend take no memory but their packs' entries. MM_NOMEM;
** MM_INTERRUPT if the pace said so. */
int mm_log_merge(const mm_log *log, uint64_t base, mm_change *change, mm_error *err);

#endif
