/*
** sys.h: every call to the operating system that core makes, in one replaceable table.
**
** A test replaces entries to record, fail, cut short or crash at each call. There are two systems,
** sys_posix.c and sys_windows.c; outside of this folder nothing of core knows which it is.
**
** Calls return 0 or a count, or a negated errno value: there is no errno. They retry after EINTR.
** Paths are NUL-terminated bytes, on Windows UTF-8. The table takes them as the system's users write
** them, and gives them with '/' between names. A descriptor is an int, never negative, and closed on
** exec.
*/
#ifndef MM_SYS_H
#define MM_SYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a path names. MM_KIND_FILE alone is mapped, and a block device where one is asked for. */
enum mm_kind { MM_KIND_FILE, MM_KIND_DIRECTORY, MM_KIND_OTHER, MM_KIND_DEVICE };

typedef struct mm_stat {
  uint64_t device, inode;
  uint64_t size; /* bytes; of a block device only `status` of what is open for reading tells */
  uint64_t room; /* bytes that it takes on its disk */
  int64_t mtime, ctime; /* nanoseconds since 1970 */
  uint32_t mode;        /* permission bits, 07777 */
  uint32_t links, user, group;
  int kind; /* enum mm_kind */
} mm_stat;

static inline bool mm_stat_same_file(const mm_stat *a, const mm_stat *b) {
  return a->device == b->device && a->inode == b->inode;
}

/* How a path is opened. MM_OPEN_PATH gives a descriptor that names the file without opening it: no
** device is touched, no lock of the process is lost when it is closed, and `reopen` turns it into
** one that reads or writes. CREATE needs READ or WRITE. Opening never waits, not even for the other
** end of a FIFO. */
enum mm_open_flag {
  MM_OPEN_PATH = 0,
  MM_OPEN_READ = 1,
  MM_OPEN_WRITE = 2,     /* with READ: both */
  MM_OPEN_CREATE = 4,    /* make it if there is none */
  MM_OPEN_EXCLUSIVE = 8, /* with CREATE: there must be none */
  MM_OPEN_NOFOLLOW = 16, /* the last component must be no symbolic link; PATH names the link */
  MM_OPEN_DIRECTORY = 32 /* it must be a directory */
};

enum mm_protection { MM_PROT_NONE = 0, MM_PROT_READ = 1, MM_PROT_WRITE = 2 };

/* For `advise`. The values are this table's own. */
enum mm_advice {
  MM_ADVICE_NORMAL,
  MM_ADVICE_RANDOM,
  MM_ADVICE_SEQUENTIAL,
  MM_ADVICE_WILLNEED,
  MM_ADVICE_DONTNEED, /* private pages that were written show the file again, locked ones too */
  MM_ADVICE_COLD,
  MM_ADVICE_PAGEOUT,
  MM_ADVICE_POPULATE_READ,
  MM_ADVICE_HUGEPAGE,
  MM_ADVICE_NOHUGEPAGE,
  MM_ADVICE_MERGEABLE,
  MM_ADVICE_UNMERGEABLE,
  MM_ADVICE_DONTFORK,
  MM_ADVICE_DOFORK,
  MM_ADVICE_DONTDUMP,
  MM_ADVICE_DODUMP
};

enum mm_lock_kind { MM_LOCK_NONE, MM_LOCK_SHARED, MM_LOCK_EXCLUSIVE };

/* What a system cannot do, and core makes up for. */
enum mm_trait {
  /* A mapping is never longer than its file. As long as anybody has one, the file cannot be cut. A
  ** page that was stored into stays a copy, and no part of a mapping is replaced. */
  MM_TRAIT_RIGID_MAPS = 1,
  /* A directory is not synced: a name that was removed may be there again after a loss of power. */
  MM_TRAIT_NAMES_RETURN = 2,
  /* Memory that programs share has a name of its own (`share`). */
  MM_TRAIT_NAMED_MEMORY = 4
};

/* What follows the file's pages in a mapping (`map_grown`) begins at a multiple of this. */
#define MM_MAP_GRANULE ((uint64_t)64 << 10)

/* One entry of a directory, as `list` reports it, without "." and "..". `kind` is that of the entry
** itself, a symbolic link being MM_KIND_OTHER. Return false to stop. */
typedef bool mm_sys_entry(void *context, const char *name, int kind);

/* A thread, and what it does. Whoever starts it keeps it where it is till it has joined it. */
typedef struct mm_thread {
  void (*work)(void *context);
  void *context;
  uint64_t handle; /* the system's */
} mm_thread;

typedef struct mm_sys {
  /* Files. `directory` is a descriptor or -1 for the working directory. */
  int (*open)(int directory, const char *path, int flags, uint32_t mode);
  /* As open, but the path may not leave `directory`, by no "..", symbolic link or magic link
  ** (openat2's RESOLVE_BENEATH): -EXDEV if it would, -ENOSYS if the system cannot tell. */
  int (*open_beneath)(int directory, const char *path, int flags, uint32_t mode);
  int (*reopen)(int fd, int flags); /* the same file, opened anew; flags READ, WRITE */
  int (*close)(int fd);
  int (*status)(int fd, mm_stat *stat);                /* of any descriptor, MM_OPEN_PATH's too */
  int (*status_path)(const char *path, mm_stat *stat); /* follows symbolic links */
  int (*status_link)(const char *path, mm_stat *stat); /* does not: a link is MM_KIND_OTHER */
  int64_t (*birth)(int fd);                            /* birth time in ns since 1970; 0: unknown */
  int (*path_of)(int fd, char *path, size_t size); /* its absolute path without symbolic links */
  /* Where a symbolic link leads; fd: of MM_OPEN_PATH | MM_OPEN_NOFOLLOW. -EINVAL: it is no link. */
  int (*read_link)(int fd, char *target, size_t size);
  int (*working_directory)(char *path, size_t size);
  int64_t (*read)(int fd, void *data, size_t size, uint64_t offset);        /* pread */
  int64_t (*write)(int fd, const void *data, size_t size, uint64_t offset); /* pwrite */
  int (*resize)(int fd, uint64_t size);                                     /* ftruncate */
  /* May the file become so long, as far as its file system is concerned? 0, or -EFBIG: no. */
  int (*can_hold)(int fd, uint64_t size);
  /* Make sure that writes to these bytes, past the end too, find room; the size stays. -EOPNOTSUPP
  ** where the file system cannot promise it. */
  int (*reserve)(int fd, uint64_t offset, uint64_t size);
  int (*zero)(int fd, uint64_t offset, uint64_t size); /* make a hole; -EOPNOTSUPP: cannot */
  int64_t (*next_hole)(int fd, uint64_t offset); /* first hole at or after; the size if none */
  int64_t (*next_data)(int fd, uint64_t offset); /* first data at or after; -ENXIO if none */
  /* Does reading a hole of the file through a mapping take room, as the file lies in memory? 1: yes,
  ** 0: no. (Reading it by `read` does not.) */
  int (*holes_take_room)(int fd);
  int (*sync)(int fd);      /* fsync: bytes, size and all else */
  int (*sync_data)(int fd); /* fdatasync: bytes and size */
  int (*remove)(const char *path);
  int (*rename)(const char *from, const char *to);
  int (*set_mode)(int fd, uint32_t mode); /* what a list says beyond it goes */
  int (*set_owner)(int fd, uint32_t user, uint32_t group);
  /* Does more than its mode say who may do what with a file? 1 or 0. Then one that was made with
  ** mode 0600 may get what `file` has, as far as its own owner and group allow: nobody reads it who
  ** may not read `file`, or writes it; with `read_only` its owner alone writes it. And has it that,
  ** or neither of them anything? 1 or 0. */
  int (*has_access)(int file);
  int (*take_access)(int fd, int file, bool read_only);
  int (*same_access)(int fd, int file);
  int (*list)(int directory, const char *path, mm_sys_entry *entry, void *context);
  int (*memory)(const char *name); /* a new file in memory, open for both, that no path names */
  /* Memory that programs share by name: where the files of it lie, with the '/' behind it. */
  int (*shared_place)(char *path, size_t size);
  /* Where memory has names of its own, which no path is: `fd` becomes that of `name`, opened or made
  ** with `size` bytes; the file that it was keeps its locks and its name. What is there keeps its size.
  ** -ENOSYS: such a file is the memory itself. */
  int (*share)(int fd, const char *name, uint64_t size);
  /* Open file description locks. Never waits: -EAGAIN if another description holds it. */
  int (*lock)(int fd, int kind, uint64_t offset, uint64_t size);
  /* Would a lock of that kind meet another description's? 1: yes, 0: no. Takes nothing. */
  int (*locked)(int fd, int kind, uint64_t offset, uint64_t size);

  /* Memory. */
  int (*map)(void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed);
  /* ^ private; fd -1: zeros. fixed: exactly at *address, replacing what is there. No swap space is
  **   reserved. */
  int (*unmap)(void *address, size_t size); /* all of what map, map_grown gave */
  /* `size` bytes, to be stored into: the first `shared`, a multiple of MM_MAP_GRANULE that the file
  ** has, are the file's as `map` gives them, and zeros follow. */
  int (*map_grown)(void **address, size_t size, int fd, size_t shared);
  int (*protect)(void *address, size_t size, int protection);
  int (*advise)(void *address, size_t size, int advice);
  int (*move_map)(void *from, size_t size, void *to); /* replaces what is at `to`, in one step */
  size_t (*page_size)(void);

  /* The process. */
  uint64_t (*file_size_limit)(void); /* RLIMIT_FSIZE in bytes; UINT64_MAX: none */
  uint32_t (*user)(void);            /* effective */
  int64_t (*clock)(void);            /* monotonic, in ns */
  void (*sleep)(int64_t nanoseconds);
  void (*random)(void *data, size_t size);
  /* A thread with a small stack, in which all signals are blocked but those that an instruction of its
  ** own raises. Another error than 0: there is none. To join waits for its end. */
  int (*start_thread)(mm_thread *thread);
  void (*join_thread)(mm_thread *thread);
  const char *(*environment)(const char *name); /* NULL: not set, or not to be trusted (setuid) */

  unsigned traits; /* of enum mm_trait */
} mm_sys;

/* The table in use. */
extern mm_sys mm_os;

/* The start of the page that an offset lies in; the next start of a page, or the offset itself. */
static inline uint64_t mm_sys_page_down(uint64_t offset) {
  return offset & ~((uint64_t)mm_os.page_size() - 1);
}

static inline uint64_t mm_sys_page_up(uint64_t offset) {
  return mm_sys_page_down(offset + mm_os.page_size() - 1);
}

/* The system's own table, to restore or to wrap. */
const mm_sys *mm_sys_default(void);

/* Read or write exactly `size` bytes, going on after short counts. 0, or a negated errno; a read
** that meets the end of the file is -ENODATA. */
int mm_sys_read_all(int fd, void *data, uint64_t size, uint64_t offset);
int mm_sys_write_all(int fd, const void *data, uint64_t size, uint64_t offset);

/* The next hole in [from, to) of the file. False: there is none, or nobody can tell. */
bool mm_sys_hole(int fd, uint64_t from, uint64_t to, uint64_t *start, uint64_t *end);

/* Counts forks: a child sees a value other than its parent's. What was opened under another value
** is the parent's: its descriptors may be closed, and nothing else done with them. */
unsigned mm_sys_generation(void);

#endif
