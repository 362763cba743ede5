/*
** guard.h: a mapped file that shrinks, or a disk that fails, must not kill the process.
**
** Reading a mapped page that the file no longer has raises SIGBUS. One process-wide handler acts on
** faults inside regions that were registered here, and only those: it maps zeros from the faulting
** page to the region's end and marks the region. Whoever reads a region looks at the mark before
** handing out what it read. Any other SIGBUS goes to the handler that was there before, and where
** there was none it ends the process, as it would have without us.
**
** The zeros stay, even if the file grows again: whoever owns the region maps the file anew, between
** mm_guard_remove and another mm_guard_add. Nobody may be reading a region while it is removed.
**
** The regions are static slots with atomic bounds, as the handler may take no lock, use no thread
** local storage and allocate nothing. It costs nothing until a fault. Handler and regions outlive
** their owners, so the library that contains them must never be unloaded.
*/
#ifndef MM_GUARD_H
#define MM_GUARD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/common/error.h"

/* One watched region. */
typedef struct mm_guard mm_guard;

/* Install the handler, or put it back on top if another has taken its place (Python's faulthandler
** does; it is then the one that other faults go to). Also unblock SIGBUS in this thread, and leave
** it so: a thread that blocks it is killed by a fault whatever the handler. Two system calls when
** there is nothing to do: call it once a statement, in the thread that will read. MM_ERROR if the
** system refuses, or if more than 32 different handlers have taken its place. */
int mm_guard_install(mm_error *err);

/* Watch `size` bytes at `base`, both multiples of the page size. NULL when all MM_GUARD_SLOTS slots
** are taken, or the range is empty or not one. Regions do not overlap. `notify`, which may be NULL,
** is called with `context` from the handler at each fault in the region, after the zeros are in: it
** must be async-signal-safe. In constant time. */
#define MM_GUARD_SLOTS 65536 /* as many mappings has a process of Linux */
mm_guard *mm_guard_add(void *base, size_t size, void (*notify)(void *), void *context);

/* Stop watching: before the memory is unmapped. NULL is allowed. In constant time. */
void mm_guard_remove(mm_guard *guard);

/* Has the region been hit since it was added? */
bool mm_guard_hit(const mm_guard *guard);

/* Faults in all regions so far, and 1: never 0. It changes before anybody sees a zero, so a region that
** was not hit when it was this number has not been hit as long as it still is: a look for each value of
** each row, here for that. The bytes have been read before it is looked at. */
extern uint32_t mm_guard_faults;
static inline uint32_t mm_guard_count(void) {
  __atomic_thread_fence(__ATOMIC_ACQUIRE);
  return __atomic_load_n(&mm_guard_faults, __ATOMIC_RELAXED);
}

#endif
