/*
** path.h: from a path to a file that may be mapped, without opening anything else.
**
** The path is first resolved to a descriptor that only names the file (MM_OPEN_PATH). What is no
** regular file is refused before it is opened, so that no FIFO blocks and no device is touched but a
** block device that is asked for as one.
** With a root, nothing outside that directory is reached, by "..", symbolic links or a race.
*/
#ifndef MM_PATH_H
#define MM_PATH_H

#include <stdbool.h>

#include "core/common/error.h"
#include "core/os/sys.h"

#define MM_PATH_MAX 4096 /* bytes, the NUL included */

/* A directory that paths must stay below. path NULL: no root, everything is allowed.
**
** A path, relative ones from the working directory, is below it if it starts with the directory's
** real path, or with the one it was set by. From there no "..", and no symbolic link, may
** lead above it, though an absolute link back into it may. What does not stay is refused without
** a look at it: nobody learns whether it exists. */
typedef struct mm_root {
  int fd;      /* -1: none */
  char *path;  /* absolute, no symbolic links in it; owned */
  char *alias; /* the path it was set by, made absolute; owned */
} mm_root;

/* No root. */
void mm_root_init(mm_root *root);
/* Set the root, or narrow it: a path, relative ones from the working directory. MM_PERM if it lies
** outside the one in force, MM_CANTOPEN if it is no directory; the old one stays then. The same
** directory again is allowed. */
int mm_root_set(mm_root *root, const char *path, mm_error *err);
void mm_root_clear(mm_root *root); /* frees; afterwards there is none */

/* What a path named when it was resolved: a regular file, or a block device. */
typedef struct mm_path {
  int fd;     /* MM_OPEN_PATH; owned; -1: none */
  char *real; /* absolute path, symbolic links resolved; owned */
  mm_stat stat;
} mm_path;

/* Resolve `path`. With `create`, an empty file (mode 0666 less the umask) is made where there is
** none; a symbolic link whose target does not exist is not followed for that: MM_CANTOPEN "cannot
** make 'x': it is a symbolic link that leads nowhere". Errors: MM_CANTOPEN
** "cannot open 'x': No such file or directory", "'x' is a directory", "'x' is not a regular file"
** (FIFO, socket, device), MM_PERM "'x' is outside the root '/r'"; an empty path, one longer than
** MM_PATH_MAX-1. On failure nothing is open and `out->fd` is -1. */
int mm_path_resolve(const mm_root *root, const char *path, bool create, mm_path *out,
                    mm_error *err);
/* The same for a block device, and for nothing else: "'x' is not a block device". */
int mm_path_resolve_device(const mm_root *root, const char *path, mm_path *out, mm_error *err);
void mm_path_clear(mm_path *path); /* closes and frees; idempotent */

/* What mm_path_resolve would find, with the same errors, for whoever does not open it: one system
** call; four below a root, where `path` is absolute. */
int mm_path_look(const mm_root *root, const char *path, mm_stat *stat, mm_error *err);

/* How much of a path leads to where it begins, whatever lies below: "/", or on Windows "C:/" and
** "//server/share/". 0: it is relative. And to the directory that a path lies in, without a '/' at its
** end but where that is the top; 0: the working directory. The path is as the table gives it. */
size_t mm_path_top(const char *path);
size_t mm_path_directory(const char *path);

/* Report the entries of a directory, which is confined to the root as a file is ("" is the working
** directory): see mm_os.list. MM_CANTOPEN, MM_PERM. */
int mm_path_list(const mm_root *root, const char *path, mm_sys_entry *entry, void *context,
                 mm_error *err);

/* May the file be opened without harm to POSIX locks that this process holds on it? Closing any
** descriptor of a file drops them. True: some readable descriptor of this process, other than
** `path->fd` and those of own.h, has the file open, and it is an SQLite database (it
** starts with SQLite's header), one about to be made (it is empty, and has locks), or a database's
** shared memory (it begins as that does, or its name ends in "-shm"). Never opens the file. 1, 0, or a
** negated errno: the system does not tell. */
int mm_path_is_host_database(const mm_path *path);

/* … or is there no need to ask? By its real path and its first bytes: `size` of them, which are
** MM_DATABASE_HEAD or all that it has. */
#define MM_DATABASE_HEAD 16
bool mm_path_may_be_database(const char *real, const void *head, uint64_t size);

#endif
