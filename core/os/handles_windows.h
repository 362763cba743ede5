/*
** handles_windows.h: descriptors, which are ints, and the handles behind them; and what the system's
** errors are in errno's words. For the files of this folder that end in _windows.c.
*/
#ifndef MM_HANDLES_WINDOWS_H
#define MM_HANDLES_WINDOWS_H

#ifndef _WIN32_WINNT
#define _WIN32_WINNT 0x0A00 /* Windows 10 */
#endif
#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <windows.h>

#define HANDLE_LOCKS 4 /* bytes of a file that one descriptor has locked at a time */

typedef struct handle_lock {
  uint64_t offset;
  int kind; /* enum mm_lock_kind; MM_LOCK_NONE: the place is free */
} handle_lock;

/* Stays where it is as long as the descriptor is open. */
typedef struct handle {
  HANDLE file;
  bool writes;
  bool known; /* device and inode have been asked for: they never change */
  uint64_t device, inode;
  handle_lock locks[HANDLE_LOCKS];
  /* A tag's memory (mm_sys.share_memory): reading and writing go there, and the file is only for
  ** locks. NULL: there is none. */
  HANDLE section;
  uint8_t *memory;
  uint64_t size;
} handle;

/* A descriptor for it, which owns the file from then on; closed if there is none left: -EMFILE. */
int handle_keep(HANDLE file, bool writes);
handle *handle_of(int fd); /* NULL: it is none */
int handle_free(int fd);   /* closes; -EBADF */

int error_of(DWORD error); /* a negated errno; 0: success */
int last_error(void);      /* of GetLastError */
bool system_is_wine(void);

#endif
