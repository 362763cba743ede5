/*
** lock.c: one writer at a time for each file, and readers who keep its commit waiting.
**
** What a file may be in, seen by its users. Only the writer makes it pending or alone:
**
**     state     bytes held by the writer       new reader   one that started   another writer
**     free      none                           comes        comes              comes
**     written   WRITER                         comes        comes              waits
**     pending   WRITER, PENDING                waits        comes              waits
**     alone     WRITER, PENDING, READERS       waits        waits              waits
**
**     event                     from                becomes
**     mm_lock_write             free                written
**     mm_lock_alone             written, pending    alone if there are no readers, else pending
**     mm_lock_let_started_in    alone               pending
**     mm_lock_let_in            pending, alone      written
**     mm_lock_unwrite           any of them         free
**     its process dies          any of them         free
**
** A reader takes PENDING and READERS, both shared, in one call, and gives back PENDING: so it comes
** only where nobody has PENDING alone, and does not keep it from the next to ask. One that has
** started takes READERS alone. A writer reads without a lock, as nobody else can commit.
*/
#include "core/os/lock.h"

#include <errno.h>
#include <stddef.h>

#include "core/common/mem.h"
#include "core/os/mutex.h"
#include "core/os/once.h"

/*
** The registry: a hash table with chains. One mutex covers the chains and the owners; nothing else
** is done while it is held. A fork takes it first, so that a child finds the table whole and the
** mutex free.
*/
struct mm_inode {
  mm_inode *next; /* in its bucket */
  uint64_t device, inode;
  unsigned generation; /* the process that made it (mm_sys_generation) */
  unsigned users;
  const void *owner; /* who writes the file, or is just asking the system whether it may; or NULL */
  unsigned readers;  /* of this process, those who are just asking included */
  bool pending;      /* its writer keeps new readers out */
  bool alone;        /* … and all others */
  uint64_t writes;   /* atomic */
};

#define BUCKET_BITS 10

static mm_inode *buckets[1 << BUCKET_BITS];
static mm_mutex mutex = MM_MUTEX_INIT;
static mm_once_flag mutex_once = MM_ONCE_INIT;

static void mutex_lock(void) {
  mm_mutex_lock(&mutex);
}

static void mutex_unlock(void) {
  mm_mutex_unlock(&mutex);
}

static void mutex_watch_forks(void) {
  mm_at_fork(mutex_lock, mutex_unlock, mutex_unlock);
}

/* Multiplicative hashing: Knuth, "The Art of Computer Programming" 3, section 6.4. */
static mm_inode **bucket_of(uint64_t device, uint64_t inode) {
  uint64_t key = (inode ^ (device << 32 | device >> 32)) * UINT64_C(0x9e3779b97f4a7c15);
  return &buckets[key >> (64 - BUCKET_BITS)];
}

/* Where the pointer to the entry is, or the NULL at its chain's end. What the process before a fork
** made is not found: it stays its parent's. */
static mm_inode **find_inode(uint64_t device, uint64_t inode, unsigned generation) {
  mm_inode **at = bucket_of(device, inode);
  while (*at &&
         !((*at)->inode == inode && (*at)->device == device && (*at)->generation == generation)) {
    at = &(*at)->next;
  }
  return at;
}

static bool is_inherited(const mm_inode *entry) {
  return entry->generation != mm_sys_generation();
}

mm_inode *mm_inode_acquire(uint64_t device, uint64_t inode) {
  unsigned generation = mm_sys_generation();
  mm_once(&mutex_once, mutex_watch_forks);
  mm_inode *fresh = mm_alloc(sizeof *fresh); /* before the mutex: the allocator may be a host's */
  if (!fresh) return NULL;
  *fresh = (mm_inode){.device = device, .inode = inode, .generation = generation};
  mutex_lock();
  mm_inode **at = find_inode(device, inode, generation);
  mm_inode *entry = *at;
  if (!entry) *at = entry = fresh;
  entry->users++;
  mutex_unlock();
  if (entry != fresh) mm_free(fresh);
  return entry;
}

void mm_inode_release(mm_inode *entry) {
  if (!entry || is_inherited(entry)) return;
  mutex_lock();
  bool last = --entry->users == 0;
  if (last) *find_inode(entry->device, entry->inode, entry->generation) = entry->next;
  mutex_unlock();
  if (last) mm_free(entry);
}

uint64_t mm_inode_written(mm_inode *entry) {
  return __atomic_add_fetch(&entry->writes, 1, __ATOMIC_ACQ_REL);
}

uint64_t mm_inode_writes(const mm_inode *entry) {
  return __atomic_load_n(&entry->writes, __ATOMIC_ACQUIRE);
}

/* Who has the file, or that it is ours. */
enum holder { MINE, A_CONNECTION, A_PROCESS, NOBODY };

/* Put `owner` in the registry if there is nobody: MINE means that it was there before. */
static enum holder claim(mm_inode *entry, const void *owner) {
  enum holder holder = A_CONNECTION;
  mutex_lock();
  if (!entry->owner) {
    entry->owner = owner;
    holder = NOBODY;
  } else if (entry->owner == owner) {
    holder = MINE;
  }
  mutex_unlock();
  return holder;
}

static void disclaim(mm_inode *entry) {
  mutex_lock();
  entry->owner = NULL;
  mutex_unlock();
}

static bool has_no_locks(int error) {
  return error == -ENOLCK || error == -EOPNOTSUPP || error == -EINVAL || error == -ENOSYS;
}

/* One try. 0, with *holder; or a negated errno, the file system's. */
static int try_write(mm_inode *entry, int fd, const void *owner, enum holder *holder) {
  *holder = claim(entry, owner);
  if (*holder != NOBODY) return 0;
  int result = mm_os.lock(fd, MM_LOCK_EXCLUSIVE, MM_LOCK_WRITER, 1);
  if (result == 0 || has_no_locks(result)) {
    *holder = MINE;
    return 0;
  }
  disclaim(entry);
  *holder = A_PROCESS;
  return result == -EAGAIN ? 0 : result;
}

#define MILLISECOND ((int64_t)1000000)

static int64_t deadline_after(int64_t timeout) {
  int64_t now = mm_os.clock();
  if (timeout <= 0) return now;
  return timeout < (INT64_MAX - now) / MILLISECOND ? now + timeout * MILLISECOND : INT64_MAX;
}

bool mm_lock_wait_more(mm_lock_wait *wait, int64_t timeout) {
  static const int64_t waits[] = {1, 2, 5, 10, 20, 50};
  const unsigned last = sizeof waits / sizeof *waits - 1;
  if (wait->tries == 0) wait->deadline = deadline_after(timeout);
  int64_t left = wait->deadline - mm_os.clock();
  if (left <= 0) return false;
  int64_t pause = waits[wait->tries < last ? wait->tries : last] * MILLISECOND;
  wait->tries++;
  mm_os.sleep(pause < left ? pause : left);
  return true;
}

static int fail_busy(enum holder holder, const char *name, mm_error *err) {
  return mm_fail(err, MM_BUSY, "'%s' is being written by another %s", name,
                 holder == A_CONNECTION ? "connection" : "process");
}

int mm_lock_write(mm_inode *entry, int fd, const void *owner, int64_t timeout, mm_lock_watch *watch,
                  void *context, const char *name, mm_error *err) {
  if (is_inherited(entry)) {
    return mm_fail(err, MM_ERROR, "'%s' was opened before a fork", name);
  }
  mm_lock_wait wait = {0};
  for (;;) {
    enum holder holder;
    int result = try_write(entry, fd, owner, &holder);
    if (result < 0) return mm_fail_errno(err, MM_IOERR, -result, "cannot lock '%s'", name);
    if (holder == MINE) return MM_OK;
    int stop = watch ? watch(context) : 0;
    if (stop && stop != MM_BUSY) return mm_fail_stopped(err, stop);
    if (stop || !mm_lock_wait_more(&wait, timeout)) return fail_busy(holder, name, err);
  }
}

static const void *owner_of(mm_inode *entry) {
  mutex_lock();
  const void *owner = entry->owner;
  mutex_unlock();
  return owner;
}

/* ---- readers -------------------------------------------------------------------------------- */

/* Put the reader in the registry, if it may come. */
static bool claim_reading(mm_inode *entry, bool started) {
  mutex_lock();
  bool comes = !entry->alone && (started || !entry->pending);
  if (comes) entry->readers++;
  mutex_unlock();
  return comes;
}

static void disclaim_reading(mm_inode *entry) {
  mutex_lock();
  entry->readers--;
  mutex_unlock();
}

/* 1, 0 or a negated errno, as the tries of lock.h give it. */
static int outcome(int result) {
  if (result == 0 || has_no_locks(result)) return 1;
  return result == -EAGAIN ? 0 : result;
}

/* A lock of the reading descriptor, which stays open: it is worth another try. */
static void give_back(int fd, uint64_t offset, uint64_t size) {
  if (mm_os.lock(fd, MM_LOCK_NONE, offset, size)) (void)mm_os.lock(fd, MM_LOCK_NONE, offset, size);
}

static int share_byte(int fd, bool started) {
  if (started) return mm_os.lock(fd, MM_LOCK_SHARED, MM_LOCK_READERS, 1);
  int result = mm_os.lock(fd, MM_LOCK_SHARED, MM_LOCK_PENDING, 2);
  if (result == 0) give_back(fd, MM_LOCK_PENDING, 1);
  return result;
}

int mm_lock_read(mm_inode *entry, int fd, bool started) {
  if (is_inherited(entry)) return -ECHILD;
  if (!claim_reading(entry, started)) return 0;
  int got = outcome(share_byte(fd, started));
  if (got <= 0) disclaim_reading(entry);
  return got;
}

/* The system's lock goes first, here and below: who finds the registry free then finds the file
** free as well. */
void mm_lock_unread(mm_inode *entry, int fd) {
  if (is_inherited(entry)) return;
  give_back(fd, MM_LOCK_PENDING, 2);
  disclaim_reading(entry);
}

/* ---- the writer, alone ---------------------------------------------------------------------- */

static void set_kept_out(mm_inode *entry, bool pending, bool alone) {
  mutex_lock();
  entry->pending = pending;
  entry->alone = alone;
  mutex_unlock();
}

/* None of this process comes in from now on. False: some are in. */
static bool claim_alone(mm_inode *entry) {
  mutex_lock();
  entry->pending = true;
  entry->alone = entry->readers == 0;
  bool alone = entry->alone;
  mutex_unlock();
  return alone;
}

/* Readers that just come hold the byte for a moment, in which it cannot be had: so it is asked for
** more than once. */
#define PENDING_TRIES 20

static int keep_out_new(int fd) {
  int result = -EAGAIN;
  for (int i = 0; i < PENDING_TRIES && result == -EAGAIN; i++) {
    result = mm_os.lock(fd, MM_LOCK_EXCLUSIVE, MM_LOCK_PENDING, 1);
  }
  return result;
}

int mm_lock_alone(mm_inode *entry, int fd) {
  if (is_inherited(entry)) return -ECHILD;
  if (claim_alone(entry)) {
    int got = outcome(mm_os.lock(fd, MM_LOCK_EXCLUSIVE, MM_LOCK_PENDING, 2));
    if (got != 0) {
      if (got < 0) mm_lock_let_in(entry, fd);
      return got;
    }
    set_kept_out(entry, true, false);
  }
  int kept = outcome(keep_out_new(fd));
  if (kept < 0) mm_lock_let_in(entry, fd);
  return kept < 0 ? kept : 0;
}

void mm_lock_let_started_in(mm_inode *entry, int fd) {
  if (is_inherited(entry)) return;
  (void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_READERS, 1);
  set_kept_out(entry, true, false);
}

void mm_lock_let_in(mm_inode *entry, int fd) {
  if (is_inherited(entry)) return;
  (void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_PENDING, 2);
  set_kept_out(entry, false, false);
}

bool mm_lock_awaited(mm_inode *entry, int fd, const void *owner) {
  if (is_inherited(entry)) return false;
  mutex_lock();
  bool awaited = entry->pending && entry->owner != owner;
  mutex_unlock();
  /* Asking for a shared lock, which only one that is held alone is in the way of. */
  return awaited || mm_os.locked(fd, MM_LOCK_SHARED, MM_LOCK_PENDING, 1) == 1;
}

/* ---- the end of writing ---------------------------------------------------------------------- */

static bool is_keeping_out(mm_inode *entry) {
  mutex_lock();
  bool pending = entry->pending;
  mutex_unlock();
  return pending;
}

/* One call, but where somebody goes on reading by the same descriptor. */
static void unlock_writer(int fd, bool keeps_out, bool reads) {
  if (keeps_out && !reads) {
    (void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_PENDING, 3);
    return;
  }
  if (keeps_out) (void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_PENDING, 1);
  (void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_WRITER, 1);
}

static void leave_file(mm_inode *entry, bool reads) {
  mutex_lock();
  entry->owner = NULL;
  entry->pending = entry->alone = false;
  entry->readers += reads;
  mutex_unlock();
}

/* What was held alone becomes shared first: only then can another descriptor share it. */
static void go_on_reading(int fd, int reader) {
  (void)mm_os.lock(fd, MM_LOCK_SHARED, MM_LOCK_READERS, 1);
  if (reader != fd) (void)mm_os.lock(reader, MM_LOCK_SHARED, MM_LOCK_READERS, 1);
}

void mm_lock_unwrite(mm_inode *entry, int fd, const void *owner, int reader) {
  if (!entry || is_inherited(entry) || !owner || owner_of(entry) != owner) return;
  if (reader >= 0) go_on_reading(fd, reader);
  unlock_writer(fd, is_keeping_out(entry) || (reader >= 0 && reader != fd), reader == fd);
  leave_file(entry, reader >= 0);
}

bool mm_lock_writing(mm_inode *entry, int fd, const void *owner) {
  const void *writer = is_inherited(entry) ? NULL : owner_of(entry);
  if (writer) return writer != owner;
  /* Asking for a shared lock, which only a writer's own is in the way of. */
  return mm_os.locked(fd, MM_LOCK_SHARED, MM_LOCK_WRITER, 1) == 1;
}

bool mm_lock_alive(int fd, int kind) {
  return mm_os.lock(fd, kind, MM_LOCK_ALIVE, 1) == 0;
}
