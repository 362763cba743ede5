/*
** guard_posix.c: the handler of SIGBUS.
**
** The one file of core that deals with signals, and the one that makes system calls past the table
** of sys.h. What the handler calls must be async-signal-safe, which a replaceable entry, or a
** sanitizer's wrapper around mmap, cannot be trusted to be.
*/
#include "core/os/guard.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "core/os/guard_private.h"
#include "core/os/once.h"
#include "core/os/sys.h"

/*
** A fault of ours.
*/
static _Atomic uintptr_t page_mask; /* page size - 1; the handler asks nobody */

static bool put_zero_pages(uintptr_t low, uintptr_t high, int protection) {
  const int flags = MAP_FIXED | MAP_ANONYMOUS | MAP_PRIVATE | MAP_NORESERVE;
#if defined(__s390__) /* and of 64 bits: it takes its six arguments in memory */
  unsigned long arguments[6] = {
      low, high - low, (unsigned long)protection, (unsigned)flags, (unsigned long)-1L, 0};
  return syscall(SYS_mmap, arguments) != -1;
#elif defined(SYS_mmap2)
  return syscall(SYS_mmap2, low, high - low, protection, flags, -1, 0) != -1;
#else
  return syscall(SYS_mmap, low, high - low, protection, flags, -1, 0) != -1;
#endif
}

/* To the end in one go, or a big region would fault once a page. That fails if the process may have
** no more mappings (replacing all of the region needs none), or if no more memory is promised to it
** (vm.overcommit_memory=2), as for a region that is only read: zeros that cannot be written take
** none. Before Linux 6.12 what was to be replaced is gone by then, all of it. Or it locks all it
** maps: one page then. */
bool guard_bury(uintptr_t address, uintptr_t low, uintptr_t high) {
  const int both = PROT_READ | PROT_WRITE;
  uintptr_t page = address & ~atomic_load(&page_mask);
  return put_zero_pages(page, high, both) || put_zero_pages(low, high, both) ||
         put_zero_pages(low, high, PROT_READ) ||
         put_zero_pages(page, page + atomic_load(&page_mask) + 1, both);
}

/* The file has no such page or the disk failed; or the memory itself did, where zeros and the
** mark are the best answer too. */
static bool is_our_fault(const siginfo_t *info) {
  return (info->si_code == BUS_ADRERR || info->si_code == BUS_MCEERR_AR) &&
         guard_serve((uintptr_t)info->si_addr);
}

/*
** Anybody else's fault.
**
** A handler that displaces ours remembers ours as the one before it, to call it, to restore it or
** to raise the signal again for it. When ours is put back on top, the displacer becomes the one
** before ours: with a single function of ours, each would hand the signal to the other for ever. So
** we have several functions ("entries") and put another one on top each time:
**
**     entry 1 -> faulthandler -> entry 0 -> what was there when we came
**
** Each knows its own predecessor, and a handler is the predecessor of one entry at a time. Should a
** displacer get the entries into a circle all the same, visit() breaks it.
**
** An action is never changed once an entry points to it, as a handler may be reading it.
*/
#define ENTRIES 8
#define ACTIONS 33

static const struct sigaction default_action = {.sa_handler = SIG_DFL};
static struct sigaction actions[ACTIONS]; /* [0] is what was there when we came */
static int action_count;
static _Atomic(const struct sigaction *) before[ENTRIES];
static int below[ENTRIES]; /* the entry that was on top before this one */
static int top_entry;
static pthread_mutex_t install_mutex =
    PTHREAD_MUTEX_INITIALIZER; /* install's; the handler takes none */
static mm_once_flag install_mutex_once = MM_ONCE_INIT;

/* A stamp at the end of the siginfo, which is on the stack, ours to write on, and unused there for
** SIGBUS: it lives just as long as this delivery of this signal, whoever calls whom, and also when
** a handler leaves by siglongjmp. False if this entry has had the signal already. */
static bool visit(siginfo_t *info, unsigned entry) {
  struct {
    uint64_t magic, entries;
  } stamp;
  const uint64_t magic = UINT64_C(0x6d6d5f6775617264);
  char *at = (char *)info + sizeof *info - sizeof stamp;
  memcpy(&stamp, at, sizeof stamp);
  if (stamp.magic != magic) stamp.entries = 0;
  if (stamp.entries >> entry & 1) return false;
  stamp.magic = magic;
  stamp.entries |= UINT64_C(1) << entry;
  memcpy(at, &stamp, sizeof stamp);
  return true;
}

/* Did an instruction of this thread cause it? Then it repeats on return. */
static bool is_synchronous(const siginfo_t *info) {
  return info->si_code > 0 && info->si_code != BUS_MCEERR_AO;
}

/* The default is to die of it. A signal that was sent does not come back by itself. */
static void give_up(const siginfo_t *info) {
  (void)sigaction(SIGBUS, &default_action, NULL);
  if (!is_synchronous(info)) (void)raise(SIGBUS);
}

/* pthread_sigmask is a new symbol of glibc 2.32. On Linux sigprocmask is of the thread, too. */
static int thread_mask(int how, const sigset_t *mask, sigset_t *old) {
  return sigprocmask(how, mask, old) == 0 ? 0 : errno;
}

/* Call a handler as the system would: with its signals blocked. */
static void call_action(const struct sigaction *action, siginfo_t *info, void *context) {
  sigset_t mask = action->sa_mask, old;
  if (!(action->sa_flags & SA_NODEFER)) (void)sigaddset(&mask, SIGBUS);
  (void)thread_mask(SIG_BLOCK, &mask, &old);
  if (action->sa_flags & SA_SIGINFO) {
    action->sa_sigaction(SIGBUS, info, context);
  } else {
    action->sa_handler(SIGBUS);
  }
  (void)thread_mask(SIG_SETMASK, &old, NULL);
}

static bool is_one_shot(const struct sigaction *action) {
  return (action->sa_flags & (int)SA_RESETHAND) != 0;
}

static void pass_on(unsigned entry, siginfo_t *info, void *context) {
  const struct sigaction *action = atomic_load(&before[entry]);
  /* NOLINTNEXTLINE(bugprone-branch-clone): the order counts */
  if (action->sa_handler == SIG_DFL || !visit(info, entry)) {
    give_up(info);
  } else if (action->sa_handler != SIG_IGN) {
    if (is_one_shot(action)) atomic_store(&before[entry], &default_action);
    call_action(action, info, context);
  } else if (is_synchronous(info)) {
    give_up(info); /* as the system does: a fault cannot be ignored */
  }
}

static void handle(unsigned entry, siginfo_t *info, void *context) {
  int error = errno;
  if (!is_our_fault(info)) pass_on(entry, info, context);
  errno = error;
}

#define ENTRY(n)                                                                                   \
  static void entry_##n(int number, siginfo_t *info, void *context) {                              \
    (void)number;                                                                                  \
    handle(n, info, context);                                                                      \
  }
ENTRY(0)
ENTRY(1)
ENTRY(2)
ENTRY(3)
ENTRY(4)
ENTRY(5)
ENTRY(6)
ENTRY(7)

static void (*const entries[ENTRIES])(int, siginfo_t *, void *) = {
    entry_0, entry_1, entry_2, entry_3, entry_4, entry_5, entry_6, entry_7};

/*
** Installing.
*/
static bool is_entry(const struct sigaction *action) {
  if (!(action->sa_flags & SA_SIGINFO)) return false;
  for (int i = 0; i < ENTRIES; i++) {
    if (action->sa_sigaction == entries[i]) return true;
  }
  return false;
}

static bool same_action(const struct sigaction *a, const struct sigaction *b) {
  return a->sa_handler == b->sa_handler && a->sa_flags == b->sa_flags;
}

/* Our copy of it, which nobody changes. NULL: too many different ones. */
static const struct sigaction *action_keep(const struct sigaction *action) {
  for (int i = 0; i < action_count; i++) {
    if (same_action(&actions[i], action)) return &actions[i];
  }
  if (action_count == ACTIONS) return NULL;
  actions[action_count] = *action;
  return &actions[action_count++];
}

/* `action` came to the top again: where it was before, the one under it takes its place. */
static void take_out(const struct sigaction *action) {
  for (int i = 0; i < ENTRIES; i++) {
    if (atomic_load(&before[i]) != action) continue;
    atomic_store(&before[i], i == 0 ? &default_action : atomic_load(&before[below[i]]));
  }
}

/* The entry to put on top of `action`. Never the one on top before, which `action` knows as its own
** predecessor; and never 0, which leads to what was there when we came. The oldest of the rest. */
static int entry_above(const struct sigaction *action) {
  int entry = top_entry + 1 < ENTRIES ? top_entry + 1 : 1;
  take_out(action);
  below[entry] = top_entry;
  atomic_store(&before[entry], action);
  return entry;
}

/* `now` is on top, and not ours. A handler that comes between the question and the answer is
** displaced unseen; the system has no call that does both. */
static int take_over(const struct sigaction *now, mm_error *err) {
  bool first = action_count == 0;
  const struct sigaction *kept = action_keep(now);
  if (!kept) return mm_fail(err, MM_ERROR, "too many different handlers of SIGBUS in this process");
  if (first) atomic_store(&before[0], kept);
  int entry = first ? 0 : entry_above(kept);
  struct sigaction action = {.sa_sigaction = entries[entry],
                             .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER | SA_RESTART};
  (void)sigemptyset(&action.sa_mask);
  if (sigaction(SIGBUS, &action, NULL) != 0) {
    return mm_fail_errno(err, MM_ERROR, errno, "cannot handle SIGBUS");
  }
  top_entry = entry;
  return MM_OK;
}

static void install_mutex_lock(void) {
  (void)pthread_mutex_lock(&install_mutex);
}

static void install_mutex_unlock(void) {
  (void)pthread_mutex_unlock(&install_mutex);
}

static void prepare(void) {
  (void)pthread_atfork(install_mutex_lock, install_mutex_unlock, install_mutex_unlock);
  atomic_store(&page_mask, mm_os.page_size() - 1);
}

/* Looks again: another thread may have done it. */
static int put_on_top(mm_error *err) {
  struct sigaction now;
  int rc = MM_OK;
  mm_once(&install_mutex_once, prepare);
  install_mutex_lock();
  if (sigaction(SIGBUS, NULL, &now) != 0) {
    rc = mm_fail_errno(err, MM_ERROR, errno, "cannot handle SIGBUS");
  } else if (!is_entry(&now)) {
    rc = take_over(&now, err);
  }
  install_mutex_unlock();
  return rc;
}

static int unblock(mm_error *err) {
  sigset_t set;
  (void)sigemptyset(&set);
  (void)sigaddset(&set, SIGBUS);
  int error = thread_mask(SIG_UNBLOCK, &set, NULL);
  return error ? mm_fail_errno(err, MM_ERROR, error, "cannot unblock SIGBUS") : MM_OK;
}

int mm_guard_install(mm_error *err) {
  struct sigaction now;
  if (sigaction(SIGBUS, NULL, &now) != 0 || !is_entry(&now)) {
    int rc = put_on_top(err);
    if (rc != MM_OK) return rc;
  }
  return unblock(err);
}
