#include "core/os/guard.h"

#include <stdatomic.h>
#include <stdint.h>

#include "core/os/guard_private.h"

/*
** Slots. All accesses are sequentially consistent; they are rare, and the proofs below need it.
**
** A slot is published by `low`, the last field written, and withdrawn by `low` too, the first one
** cleared. Between two uses `version` changes, so that a handler in the middle of reading a
** slot that another thread frees and fills anew does not put the bounds of two regions together: if
** `version` is the same before and after, `low` and `high` are of one use.
*/
struct mm_guard {
  _Atomic uintptr_t low;  /* first byte; 0: free or not yet published */
  _Atomic uintptr_t high; /* one past the last byte */
  _Atomic uint32_t version;
  _Atomic uint32_t faults;
  _Atomic uint32_t next; /* while free: the free slot below it, plus 1; 0: none */
  _Atomic(void (*)(void *)) notify;
  _Atomic(void *) context;
};

static mm_guard slots[MM_GUARD_SLOTS];
static _Atomic uint32_t slots_used; /* those from here on were never in use: the handler's bound */

/* The free slots that were in use before: a stack without a lock (Treiber, "Systems Programming:
** Coping with Parallelism", 1986), which a fork cannot leave locked. The low half is the top slot
** plus 1; the high half counts changes, as a slot that was taken and put back must not be mistaken
** for one that never moved. */
static _Atomic uint64_t slots_free;

static uint64_t stack_head(uint64_t before, uint32_t top) {
  return ((before >> 32) + 1) << 32 | top;
}

static mm_guard *slot_pop(void) {
  uint64_t head = atomic_load(&slots_free);
  uint32_t top;
  bool done;
  do {
    top = (uint32_t)head;
    if (!top) return NULL;
    uint64_t rest = stack_head(head, atomic_load(&slots[top - 1].next));
    done = atomic_compare_exchange_weak(&slots_free, &head, rest);
  } while (!done); /* LCOV_EXCL_BR_LINE: only if a thread comes between: nobody can time that */
  return &slots[top - 1];
}

static void slot_push(mm_guard *slot) {
  uint64_t head = atomic_load(&slots_free);
  bool done;
  do {
    atomic_store(&slot->next, (uint32_t)head);
    uint64_t more = stack_head(head, (uint32_t)(slot - slots) + 1);
    done = atomic_compare_exchange_weak(&slots_free, &head, more);
  } while (!done); /* LCOV_EXCL_BR_LINE: as in slot_pop */
}

static mm_guard *slot_fresh(void) {
  uint32_t used = atomic_load(&slots_used);
  bool done;
  do {
    if (used == MM_GUARD_SLOTS) return NULL;
    done = atomic_compare_exchange_weak(&slots_used, &used, used + 1);
  } while (!done); /* LCOV_EXCL_BR_LINE: as in slot_pop */
  return &slots[used];
}

mm_guard *mm_guard_add(void *base, size_t size, void (*notify)(void *), void *context) {
  uintptr_t low = (uintptr_t)base;
  if (low == 0 || size == 0 || size > UINTPTR_MAX - low) return NULL;
  mm_guard *slot = slot_pop();
  if (!slot) slot = slot_fresh();
  if (!slot) return NULL;
  atomic_store(&slot->faults, 0);
  atomic_store(&slot->notify, notify);
  atomic_store(&slot->context, context);
  atomic_store(&slot->high, low + size);
  atomic_store(&slot->low, low);
  return slot;
}

void mm_guard_remove(mm_guard *guard) {
  if (!guard) return;
  atomic_store(&guard->low, 0);
  atomic_fetch_add(&guard->version, 1);
  slot_push(guard);
}

bool mm_guard_hit(const mm_guard *guard) {
  return atomic_load_explicit(&guard->faults, memory_order_acquire) != 0;
}

/*
** A fault of ours.
*/
uint32_t mm_guard_faults = 1;

/* The faulting thread is reading the region that it faults in, so that one stays; all others may
** come and go meanwhile. */
static mm_guard *slot_at(uintptr_t address, uintptr_t *low, uintptr_t *high) {
  uint32_t used = atomic_load(&slots_used);
  for (mm_guard *slot = slots; slot < slots + used; slot++) {
    uint32_t version = atomic_load(&slot->version);
    *low = atomic_load(&slot->low);
    *high = atomic_load(&slot->high);
    bool inside = *low != 0 && *low <= address && address < *high;
    /* Of another version only if a thread comes between, as in slot_pop. */
    if (inside && atomic_load(&slot->version) == version) return slot; /* LCOV_EXCL_BR_LINE */
  }
  return NULL;
}

/* Marked and then counted first: nobody sees a zero of ours without. */
bool guard_serve(uintptr_t address) {
  uintptr_t low, high;
  mm_guard *slot = slot_at(address, &low, &high);
  if (!slot) return false;
  atomic_store(&slot->faults, 1);
  (void)__atomic_add_fetch(&mm_guard_faults, 1, __ATOMIC_SEQ_CST);
  if (!guard_bury(address, low, high)) return false;
  void (*notify)(void *) = atomic_load(&slot->notify);
  if (notify) notify(atomic_load(&slot->context));
  return true;
}
