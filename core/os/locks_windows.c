/*
** locks_windows.c: locks of a file's bytes, as lock.h wants them of the system.
**
** LockFileEx knows no change of a lock and gives back what was locked in one call only as a whole. So
** each byte is locked by itself, and what a descriptor has is written down. A lock alone becomes a shared
** one in one step, as a handle may share what it has alone already, and the first to go is the one
** alone. The other way there is a moment between.
*/
#include "core/os/handles_windows.h"
#include "core/os/sys.h"
#include "core/os/system_windows.h"

static OVERLAPPED place_of(uint64_t offset) {
  OVERLAPPED place = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
  return place;
}

static int take(const handle *h, int kind, uint64_t offset) {
  OVERLAPPED place = place_of(offset);
  DWORD how = LOCKFILE_FAIL_IMMEDIATELY | (kind == MM_LOCK_EXCLUSIVE ? LOCKFILE_EXCLUSIVE_LOCK : 0);
  return LockFileEx(h->file, how, 0, 1, 0, &place) ? 0 : last_error();
}

static int give(const handle *h, uint64_t offset) {
  OVERLAPPED place = place_of(offset);
  return UnlockFileEx(h->file, 0, 1, 0, &place) ? 0 : last_error();
}

/* Where the byte is written down; a free place if it is not; NULL: there is none. */
static handle_lock *note_of(handle *h, uint64_t offset) {
  handle_lock *empty = NULL;
  for (int i = 0; i < HANDLE_LOCKS; i++) {
    handle_lock *lock = &h->locks[i];
    if (lock->kind != MM_LOCK_NONE && lock->offset == offset) return lock;
    if (lock->kind == MM_LOCK_NONE && !empty) empty = lock;
  }
  return empty;
}

/* What was shared is shared again if it cannot be had alone: unless somebody came between. */
static int upgrade(handle *h, handle_lock *lock) {
  int rc = give(h, lock->offset);
  if (rc == 0) rc = take(h, MM_LOCK_EXCLUSIVE, lock->offset);
  if (rc == 0) {
    lock->kind = MM_LOCK_EXCLUSIVE;
  } else if (take(h, MM_LOCK_SHARED, lock->offset) < 0) {
    lock->kind = MM_LOCK_NONE;
  }
  return rc;
}

static int downgrade(handle *h, handle_lock *lock) {
  int rc = take(h, MM_LOCK_SHARED, lock->offset);
  if (rc == 0) rc = give(h, lock->offset);
  if (rc == 0) lock->kind = MM_LOCK_SHARED;
  return rc;
}

static int lock_byte(handle *h, int kind, uint64_t offset) {
  handle_lock *lock = note_of(h, offset);
  if (!lock) return -ENOLCK;
  if (lock->kind == kind) return 0;
  if (lock->kind != MM_LOCK_NONE) {
    return kind == MM_LOCK_SHARED ? downgrade(h, lock) : upgrade(h, lock);
  }
  int rc = take(h, kind, offset);
  if (rc == 0) *lock = (handle_lock){offset, kind};
  return rc;
}

static void unlock_byte(handle *h, uint64_t offset) {
  handle_lock *lock = note_of(h, offset);
  if (!lock || lock->kind == MM_LOCK_NONE) return;
  (void)give(h, offset);
  lock->kind = MM_LOCK_NONE;
}

static int kind_held(handle *h, uint64_t offset) {
  const handle_lock *lock = note_of(h, offset);
  return lock ? lock->kind : MM_LOCK_NONE;
}

/* All of them or none. */
static int lock_all(handle *h, int kind, uint64_t offset, uint64_t size) {
  int before[HANDLE_LOCKS], rc = 0;
  uint64_t i = 0;
  for (; i < size && rc == 0; i++) {
    before[i] = kind_held(h, offset + i);
    rc = lock_byte(h, kind, offset + i);
  }
  if (rc == 0) return 0;
  for (i--; i-- > 0;) {
    if (before[i] == MM_LOCK_NONE) {
      unlock_byte(h, offset + i);
    } else {
      (void)lock_byte(h, before[i], offset + i);
    }
  }
  return rc;
}

int windows_lock(int fd, int kind, uint64_t offset, uint64_t size) {
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (kind < MM_LOCK_NONE || kind > MM_LOCK_EXCLUSIVE || size == 0 || size > HANDLE_LOCKS ||
      offset > INT64_MAX - size) {
    return -EINVAL;
  }
  if (kind != MM_LOCK_NONE) return lock_all(h, kind, offset, size);
  for (uint64_t i = 0; i < size; i++) unlock_byte(h, offset + i);
  return 0;
}

/* Only taking it tells. What this descriptor has itself is in nobody's way, and says that no other has
** it alone. */
int windows_locked(int fd, int kind, uint64_t offset, uint64_t size) {
  handle *h = handle_of(fd);
  if (!h) return -EBADF;
  if (kind != MM_LOCK_SHARED && kind != MM_LOCK_EXCLUSIVE) return -EINVAL;
  for (uint64_t i = 0; i < size; i++) {
    int held = kind_held(h, offset + i);
    if (held == MM_LOCK_EXCLUSIVE || (held == MM_LOCK_SHARED && kind == MM_LOCK_SHARED)) continue;
    int rc = windows_lock(fd, kind, offset + i, 1);
    if (rc < 0) return rc == -EAGAIN ? 1 : rc;
    (void)windows_lock(fd, held, offset + i, 1);
  }
  return 0;
}
