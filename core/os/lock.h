/*
** lock.h: one writer at a time for each file, and readers who keep its commit waiting; in this
** process and among all.
**
** Between processes the locks are open file description locks on a few bytes near 2^62, far past any
** byte of a file. They survive the closing of other descriptors, which POSIX locks do not. Inside
** the process a registry by (device, inode) decides first, so that connections and threads exclude
** each other also where the file system has no locks. Nothing here waits in the kernel: it polls.
**
** Who reads at one commit shares a byte until it is done. The writer needs it alone to change the
** file; while it waits for that, it holds another one, by which who comes new is kept out.
**
** After a fork the child holds nothing, whatever it inherited, and frees nothing of its parent's.
*/
#ifndef MM_LOCK_H
#define MM_LOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/os/sys.h"

/* The byte that whoever writes a file, or replays its journal, holds alone. */
#define MM_LOCK_WRITER ((uint64_t)0x3fffffffffffff00)
/* The byte that readers of one commit share, and a writer that changes the file holds alone. */
#define MM_LOCK_READERS (MM_LOCK_WRITER - 1)
/* The byte that the writer holds alone as long as it keeps out new readers. These two are just
** before the writer's own, so that one call lets go of all three. */
#define MM_LOCK_PENDING (MM_LOCK_WRITER - 2)
/* The byte that users of a tagged memory share, so that the last one is known. */
#define MM_LOCK_ALIVE ((uint64_t)0x3fffffffffffff01)

/* What the process knows of one file: one for each (device, inode) in use, shared by its users. */
typedef struct mm_inode mm_inode;

/* Find or make the entry; each acquire wants a release, by the last user after mm_lock_unwrite.
** NULL when there is no memory. */
mm_inode *mm_inode_acquire(uint64_t device, uint64_t inode);
void mm_inode_release(mm_inode *entry);

/* How often its users have written the file: its times may not tell, as they go in ticks of some ms before
** Linux 6.13. To be counted behind the bytes; the count with this one. */
uint64_t mm_inode_written(mm_inode *entry);
uint64_t mm_inode_writes(const mm_inode *entry);

/* While polling: nonzero to give up, as mm_fail_stopped says, or MM_BUSY: as if the time was over.
** May be NULL. */
typedef int mm_lock_watch(void *context);

/* Waiting for a lock, all zeros at first: one more try after a pause, or is the time over? It was
** that from the first failure on. Pauses are short first; the longest also bounds how late an
** interrupt is seen. */
typedef struct mm_lock_wait {
  unsigned tries;
  int64_t deadline;
} mm_lock_wait;
bool mm_lock_wait_more(mm_lock_wait *wait, int64_t timeout);

/* Become the file's writer through `fd`, which must be open for writing; `owner` stands for the
** caller. Already the writer: MM_OK at once. Polls with back-off for up to `timeout` milliseconds
** (0: tries once). MM_BUSY, with `name` in the sentence, if another has it still; MM_IOERR if the
** file system fails; MM_INTERRUPT; MM_ERROR in a forked child, if `entry` is its parent's. A file
** system without locks (ENOLCK, EOPNOTSUPP, EINVAL, ENOSYS) leaves the process's own. */
int mm_lock_write(mm_inode *entry, int fd, const void *owner, int64_t timeout, mm_lock_watch *watch,
                  void *context, const char *name, mm_error *err);

/* Stop being the writer, and let readers in. Nothing happens if `owner` is not, or in a forked
** child. With a `reader`, a descriptor of the same file, the one who was the writer is one of its
** readers from then on, and no commit comes between; `reader` may be `fd`. Else it is -1. */
void mm_lock_unwrite(mm_inode *entry, int fd, const void *owner, int reader);

/*
** One try each, of a lock of readers: 1: it is got; 0: another has it still; or a negated errno,
** the file system's.
**
** Be one of the file's readers, by `fd`. `started`: whoever asks is one of some file's readers
** already, and the writer may be waiting for it: it is not kept out before all readers have gone.
** Nobody asks who is the file's writer, which needs no lock to read.
*/
int mm_lock_read(mm_inode *entry, int fd, bool started);
void mm_lock_unread(mm_inode *entry, int fd);

/* Have the file alone, being its writer by `fd` and none of its readers. 0: new readers are kept
** out, if only one that has just come lets it, until the next try or mm_lock_let_in. */
int mm_lock_alone(mm_inode *entry, int fd);
/* Let those in who have started; new ones are still kept out. */
void mm_lock_let_started_in(mm_inode *entry, int fd);
void mm_lock_let_in(mm_inode *entry, int fd);

/* Does the file's writer, who is somebody else, keep readers out? Asked by one of its readers, by
** `fd`. */
bool mm_lock_awaited(mm_inode *entry, int fd, const void *owner);

/* Is somebody else, in this process or another, the file's writer right now? `fd` needs reading
** only. Takes nothing. */
bool mm_lock_writing(mm_inode *entry, int fd, const void *owner);

/* Shared or exclusive on MM_LOCK_ALIVE, or none: true if it was got. Never waits. */
bool mm_lock_alive(int fd, int kind);

#endif
