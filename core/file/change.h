/*
** change.h: what one COMMIT does to one file: byte extents and a new size.
**
** Extents ascend by offset, do not overlap, and end at or before `new_size`; they may touch. Small ones
** may be packed. Only bytes that were really written are in them, never whole pages: the other bytes of a
** page may be somebody else's. Bytes between old_size and new_size that no extent covers are zero.
*/
#ifndef MM_CHANGE_H
#define MM_CHANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/common/watch.h"
#include "core/file/extent.h"

typedef struct mm_change_hole {
  uint64_t offset, size;
} mm_change_hole;

typedef struct mm_change {
  uint64_t old_size, new_size; /* of the file, in bytes */
  mm_extent *extents;          /* owned */
  size_t count, capacity;
  uint8_t **buffers; /* memory that extents point into and that the change owns */
  size_t buffer_count, buffer_capacity;
  mm_change_hole *holes; /* inside the file, where a reserve has made room; owned */
  size_t hole_count, hole_capacity;
  bool reserved;  /* a reserve has asked for room, which may have changed the file's times */
  uint64_t limit; /* the process's on the size of files, if a reserve has looked: 0: none has */
  mm_pace *pace;  /* asked before the commit point, while it is made and journalled; borrowed;
                 ** NULL: nobody is asked */
} mm_change;

/* Free what it owns; afterwards it is empty. A change of all zeros is an empty one. */
void mm_change_clear(mm_change *change);

/* What it writes, piece by piece, those of a pack one by one. `walk` begins as {.change = …}. False: that
** was all. */
typedef struct mm_change_walk {
  const mm_change *change;
  size_t next;
  mm_pieces pieces;
} mm_change_walk;
bool mm_change_next(mm_change_walk *walk, mm_extent *piece);

/* So many bytes more have been dealt with: asks the pace every few MiB. MM_INTERRUPT or MM_NOMEM:
** to give up. */
int mm_change_worked(const mm_change *change, uint64_t bytes, mm_error *err);

/* Make sure before the commit point that the bytes will find room: reserves what the extents write
** in holes and past the end, checks the process's file size limit (past it a write would raise
** SIGXFSZ) and the file system's. The file's size stays; its times may change. MM_FULL, MM_IOERR or
** MM_NOMEM, with `name` in the sentence, or MM_INTERRUPT if the pace said so, and nothing stays
** reserved; a file system that cannot promise room is no error. */
int mm_change_reserve(mm_change *change, int fd, const char *name, mm_error *err);

/* Give back what a reserve has reserved: after it, when nothing will be applied. Nothing happens if
** the file's size is not old_size any more; and a hole in which there is something now stays as it
** is. */
void mm_change_unreserve(mm_change *change, int fd);

/* Write it all into the file: sizes it, writes the extents, and with `durable` makes bytes and size
** durable. Doing it again, or after half of it, gives the same file. */
int mm_change_apply(const mm_change *change, int fd, bool durable, const char *name, mm_error *err);

/* MM_BUSY: the file cannot be cut to `size` bytes, as somebody has it mapped (sys.h). */
int mm_change_fail_mapped(const char *name, uint64_t size, mm_error *err);

/* The steps of apply, for whoever has the extents one by one. First begin, which grows the file;
** then each extent; then end, which shrinks it. */
int mm_change_begin(int fd, uint64_t new_size, const char *name, mm_error *err);
int mm_change_extent(int fd, uint64_t offset, const uint8_t *data, uint64_t size, const char *name,
                     mm_error *err);
int mm_change_end(int fd, uint64_t new_size, bool durable, const char *name, mm_error *err);

#endif
