/*
** view.h: a file's bytes in memory, contiguous, with pending writes shown over them.
**
**     base                      file's end      anonymous            reserved
**      | pages of the file ........ |.. zeros ..|.. grown here ........ |
**
** The mapping is private: nothing stored in it ever reaches the file. A page that was written is a
** copy of its own and stays one until it is cleaned; all other pages are the file's, and show what
** others write to it. The mapping is longer than the file, so that a file that grows is seen
** without a new one. Reading past the file's end is a fault (guard.h).
**
** Where the system's mappings are rigid (sys.h), they end with the file, and a view that is to be
** longer has its pages up to a multiple of MM_MAP_GRANULE, and memory behind that:
**
**     base             shared      file's end              reserved
**      | pages of the file | copies .. |.. grown here ........ |
**
** There a view is stored into only where it is mapped anew for it, so its address changes; its copies
** are cleaned by reading the file, and from then on show it as it was read; and there are no pins: who
** wants bytes copies them.
**
** A pin promises that a range keeps its bytes and its address: a view that has pins is never
** cleaned or stored into, and whoever lets go of it leaves it to its pins. Before a commit changes
** the file, mm_view_freeze gives pinned pages copies of their own; while it does, no other thread
** gets a pin.
*/
#ifndef MM_VIEW_H
#define MM_VIEW_H

#include <stdbool.h>
#include <stdint.h>

#include "core/file/change.h"
#include "core/common/error.h"
#include "core/os/guard.h"

/* Called from the SIGBUS handler when a view that has pins is hit: whoever reads pinned bytes does
** not look at the mark. Async-signal-safe; notify may be NULL. */
typedef struct mm_view_watch {
  void (*notify)(void *context);
  void *context;
} mm_view_watch;

typedef struct mm_view {
  uint8_t *base;
  uint64_t reserved;  /* bytes of address space; a multiple of the page size */
  uint64_t room;      /* … with those that it can grow into */
  uint64_t anonymous; /* from here on pages are zeros, not the file's; reserved: there are none */
  bool writable;
  bool rigid;
  int fd;         /* of a rigid one: the file's, as long as the view is used */
  uint64_t shown; /* … and its size */
  bool absent;    /* nothing can be stored into it: addresses alone, as the file could not be mapped
                  ** (mm_view_open_absent), or there was no memory for zeros */
  bool patched;   /* zeros were mapped over pages of the file: cleaning needs a new view */
  bool covered;   /* … over its holes (mm_view_cover) */
  mm_guard *guard;
  mm_view_watch watch;
  /* For pins; behind the one lock of view.c, but that `pins` and `frozen` may be read without. */
  uint64_t device, inode;
  size_t pins;                      /* a word: also read by the handler, so changed atomically */
  uint64_t pinned_low, pinned_high; /* a range that holds all pins */
  bool orphan;                      /* nobody's but its pins' */
  bool frozen;          /* pages were frozen: they no longer show the file; atomic, too */
  struct mm_view *next; /* in the list of pinned views */
} mm_view;

/* Map the file open as `fd` (-1: none), which is not closed before the view, from its start, with
** room for at least `size` bytes; and with addresses for it to grow to `room` bytes
** (mm_view_extend), if there are plenty. MM_NOMEM if there is no address space, MM_IOERR if the
** file cannot be mapped. `name` is for the errors, NULL: none. */
int mm_view_open(int fd, const char *name, uint64_t size, uint64_t room, uint64_t device,
                 uint64_t inode, mm_view_watch watch, mm_view **out, mm_error *err);

/* In place of a rigid view that is gone and cannot be mapped again: its addresses alone, for those who
** read before they ask. They see zeros, and the guard has been hit then. */
int mm_view_open_absent(uint64_t size, mm_view **out, mm_error *err);

/* Let go of a view: unmapped now, or when its last pin goes. NULL is allowed. */
void mm_view_close(mm_view *view);

/* Map zeros over the holes of the file, which has `size` bytes, so that reading them makes no pages
** of it: where mm_os.holes_take_room. What fills a hole later does not show. Of a file of more than
** 1,000 holes it covers the first ones. Once, of a new view. MM_IOERR: the view is of no use. */
int mm_view_cover(mm_view *view, int fd, uint64_t size, mm_error *err);

/* Make it possible to store. No pins may be on it. `base` may change. */
int mm_view_make_writable(mm_view *view, mm_error *err);

/* Have zeros, not the file, from the page after `file_size` on. The view must be writable. */
int mm_view_make_room(mm_view *view, uint64_t file_size, mm_error *err);

/* Have zeros behind all that it has, and `size` bytes at least. False: it cannot; it is as it was. */
bool mm_view_extend(mm_view *view, uint64_t size);

/* Store bytes, or zeros. Inside `reserved`; the view must be writable. */
void mm_view_store(mm_view *view, uint64_t offset, const uint8_t *data, uint64_t size);
int mm_view_zero(mm_view *view, uint64_t offset, uint64_t size, mm_error *err);

/* Drop the copies of all pages that the range touches: they show the file again (past `anonymous`:
** zeros). Not for a patched view. */
int mm_view_clean(mm_view *view, uint64_t offset, uint64_t size, mm_error *err);

/* Does it show the file's pages as they are, once what was stored is cleaned? */
bool mm_view_is_plain(const mm_view *view);

/* Pages that were stored into stay copies, though they are cleaned. */
static inline bool mm_view_keeps_copies(const mm_view *view) {
  return view->rigid && view->writable;
}

/* Pin a range of at least one byte; false if the file is just being written (mm_view_write_begin), or
** the view is rigid.
** `mm_view_unpin` takes any address inside it, from any thread. */
bool mm_view_pin(mm_view *view, uint64_t offset, uint64_t size);
void mm_view_unpin(const void *address);
bool mm_view_pinned(const mm_view *view);

/* Does it hold pages that mm_view_freeze froze? They no longer show the file. */
bool mm_view_frozen(const mm_view *view);

/* Before `change` is applied to the file: give pinned pages of all views of it in this process that
** the change touches copies of their own. */
int mm_view_freeze(uint64_t device, uint64_t inode, const mm_change *change, mm_error *err);

/* A file that this process is writing now. */
typedef struct mm_view_writing {
  uint64_t device, inode;
  struct mm_view_writing *next;
} mm_view_writing;

/* mm_view_freeze, and from then on no new pins, until the end; which is due if this succeeds. The
** caller owns `writing`. */
int mm_view_write_begin(mm_view_writing *writing, uint64_t device, uint64_t inode,
                        const mm_change *change, mm_error *err);
void mm_view_write_end(mm_view_writing *writing);

#endif
