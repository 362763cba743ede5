#include "core/os/parts.h"

#include <stdatomic.h>

#include "core/common/least.h"
#include "core/os/mutex.h"
#include "core/os/sys.h"

typedef struct parts_run {
  const mm_parts *parts;
  mm_share_work *work;
  void *context;
  uint64_t part;         /* how many of the count */
  _Atomic uint64_t next; /* the first that nobody has taken */
  atomic_bool ended;
  mm_mutex mutex;
  uint64_t asked; /* what was next when the watch was asked last */
  int stop;       /* what it said */
} parts_run;

struct mm_share {
  parts_run *run;
  bool own;
  mm_thread thread; /* of another */
};

/* ---- in any of the threads ------------------------------------------------------------------- */

/* In the caller's own: may it go on? */
static void ask_for_all(parts_run *run) {
  uint64_t next = mm_min(atomic_load(&run->next), run->parts->count);
  uint64_t since = (next - run->asked) * run->parts->unit;
  if (next == run->parts->count || since < MM_PIECE) return;
  run->asked = next;
  run->stop = mm_watch_stops(run->parts->watch, next * run->parts->unit);
  if (run->stop) atomic_store(&run->ended, true);
}

bool mm_share_next(mm_share *share, uint64_t *from, uint64_t *to) {
  parts_run *run = share->run;
  uint64_t count = run->parts->count;
  if (share->own) ask_for_all(run);
  if (atomic_load(&run->ended)) return false;
  *from = atomic_fetch_add(&run->next, run->part);
  if (*from >= count) return false;
  *to = *from + mm_min(count - *from, run->part);
  return true;
}

void mm_share_end(mm_share *share) {
  atomic_store(&share->run->ended, true);
}

bool mm_share_is_own(const mm_share *share) {
  return share->own;
}

void mm_share_lock(mm_share *share) {
  mm_mutex_lock(&share->run->mutex);
}

void mm_share_unlock(mm_share *share) {
  mm_mutex_unlock(&share->run->mutex);
}

static void work_on_share(void *context) {
  mm_share *share = context;
  share->run->work(share->run->context, share);
}

/* ---- in the caller's -------------------------------------------------------------------------- */

static unsigned threads_that_pay(const mm_parts *parts) {
  uint64_t most = mm_min(parts->threads, MM_THREADS_MAX);
  uint64_t pay = parts->count / mm_max(MM_PARTS_PAY / parts->unit, 1);
  uint64_t threads = mm_min(most, pay);
  return threads > 1 ? (unsigned)threads : 1;
}

/* Others than the caller's: as many as the system gives, and as long as there is something left for
** them. */
static unsigned start_others(parts_run *run, mm_share *shares, unsigned wanted) {
  unsigned started = 0;
  while (started < wanted && atomic_load(&run->next) < run->parts->count) {
    mm_share *share = &shares[started];
    *share = (mm_share){.run = run, .thread = {.work = work_on_share, .context = share}};
    if (mm_os.start_thread(&share->thread) < 0) break;
    started++;
  }
  return started;
}

/* In units; some parts for each thread. */
static uint64_t part_of(const mm_parts *parts, unsigned threads) {
  uint64_t share = parts->count / threads / 8 * parts->unit;
  uint64_t bytes = mm_min(mm_max(share - share % MM_PART, MM_PART), MM_PART_MOST);
  if (threads == 1) bytes = MM_PIECE;
  return mm_max(bytes / parts->unit, 1);
}

int mm_parts_run(const mm_parts *parts, mm_share_work *work, void *context) {
  mm_share own, others[MM_THREADS_MAX - 1];
  unsigned threads = threads_that_pay(parts);
  parts_run run = {.parts = parts, .work = work, .context = context, .mutex = MM_MUTEX_INIT};
  run.part = part_of(parts, threads);
  own = (mm_share){.run = &run, .own = true};
  unsigned started = start_others(&run, others, threads - 1);
  work(context, &own);
  while (started > 0) mm_os.join_thread(&others[--started].thread);
  return run.stop;
}
