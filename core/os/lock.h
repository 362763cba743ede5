/*
** lock.h: one writer at a time for each file, in this process and among all.
**
** Between processes the locks are open file description locks on two bytes near 2^62, far past any
** byte of a file. They survive the closing of other descriptors, which POSIX locks do not. Inside
** the process a registry by (device, inode) decides first, so that connections and threads exclude
** each other also where the file system has no locks. Nothing here waits in the kernel: it polls.
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
/* The byte that users of a tagged memory share, so that the last one is known. */
#define MM_LOCK_ALIVE ((uint64_t)0x3fffffffffffff01)

/* What the process knows of one file: one for each (device, inode) in use, shared by its users. */
typedef struct mm_inode mm_inode;

/* Find or make the entry; each acquire wants a release, by the last user after mm_lock_unwrite.
** NULL when there is no memory. */
mm_inode *mm_inode_acquire(uint64_t device, uint64_t inode);
void mm_inode_release(mm_inode *entry);

/* While polling: nonzero to give up, as mm_fail_stopped says. May be NULL. */
typedef int mm_lock_watch(void *context);

/* Become the file's writer through `fd`, which must be open for writing; `owner` stands for the
** caller. Already the writer: MM_OK at once. Polls with back-off for up to `timeout` milliseconds
** (0: tries once). MM_BUSY, with `name` in the sentence, if another has it still; MM_IOERR if the
** file system fails; MM_INTERRUPT; MM_ERROR in a forked child, if `entry` is its parent's. A file
** system without locks (ENOLCK, EOPNOTSUPP, EINVAL, ENOSYS) leaves the process's own. */
int mm_lock_write(mm_inode *entry, int fd, const void *owner, int64_t timeout, mm_lock_watch *watch,
                  void *context, const char *name, mm_error *err);

/* Stop being the writer. Nothing happens if `owner` is not, or in a forked child. */
void mm_lock_unwrite(mm_inode *entry, int fd, const void *owner);

/* Is somebody else, in this process or another, the file's writer right now? `fd` needs reading
** only. Takes nothing. */
bool mm_lock_writing(mm_inode *entry, int fd, const void *owner);

/* Shared or exclusive on MM_LOCK_ALIVE, or none: true if it was got. Never waits. */
bool mm_lock_alive(int fd, int kind);

#endif
