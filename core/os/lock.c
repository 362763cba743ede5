#include "core/os/lock.h"

#include <errno.h>
#include <pthread.h>
#include <stddef.h>

#include "core/common/mem.h"
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
};

#define BUCKET_BITS 10

static mm_inode *buckets[1 << BUCKET_BITS];
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static mm_once_flag mutex_once = MM_ONCE_INIT;

static void mutex_lock(void) {
  (void)pthread_mutex_lock(&mutex);
}

static void mutex_unlock(void) {
  (void)pthread_mutex_unlock(&mutex);
}

static void mutex_watch_forks(void) {
  (void)pthread_atfork(mutex_lock, mutex_unlock, mutex_unlock);
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

/* Sleep before try number `tries` (from 1), short waits first; false if the time is over. The
** longest also bounds how late an interrupt is seen. */
static bool wait_before(unsigned tries, int64_t deadline) {
  static const int64_t waits[] = {1, 2, 5, 10, 20, 50};
  const unsigned last = sizeof waits / sizeof *waits - 1;
  int64_t left = deadline - mm_os.clock();
  if (left <= 0) return false;
  int64_t wait = waits[tries - 1 < last ? tries - 1 : last] * MILLISECOND;
  mm_os.sleep(wait < left ? wait : left);
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
  int64_t deadline = 0;
  for (unsigned tries = 1;; tries++) {
    enum holder holder;
    int result = try_write(entry, fd, owner, &holder);
    if (result < 0) return mm_fail_errno(err, MM_IOERR, -result, "cannot lock '%s'", name);
    if (holder == MINE) return MM_OK;
    int stop = watch ? watch(context) : 0;
    if (stop) return mm_fail_stopped(err, stop);
    if (tries == 1) deadline = deadline_after(timeout);
    if (!wait_before(tries, deadline)) return fail_busy(holder, name, err);
  }
}

static const void *owner_of(mm_inode *entry) {
  mutex_lock();
  const void *owner = entry->owner;
  mutex_unlock();
  return owner;
}

/* The system's lock goes first: who finds the registry free then finds the file free as well. */
void mm_lock_unwrite(mm_inode *entry, int fd, const void *owner) {
  if (!entry || is_inherited(entry) || !owner || owner_of(entry) != owner) return;
  (void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_WRITER, 1);
  disclaim(entry);
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
