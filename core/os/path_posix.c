/*
** path_posix.c: names on POSIX systems, and files that this process has locks on.
*/
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/os/own.h"
#include "core/os/path_private.h"

size_t mm_path_top(const char *path) {
  return path[0] == '/';
}

int path_normalise(const char *path, char buffer[MM_PATH_MAX], const char **out) {
  (void)buffer;
  *out = path;
  return 0;
}

bool path_same_name(const char *a, size_t n, const char *b, size_t m) {
  return n == m && memcmp(a, b, n) == 0;
}

uint32_t path_fold(uint32_t character) {
  return character;
}

char *path_normalise_pattern(const char *pattern) {
  return mm_strdup(pattern);
}

/* The search of the process's descriptors for one of a host's database. */
typedef struct host_search {
  const mm_path *path;
  bool found;
  int unknown; /* of some descriptor it cannot be known: a negated errno */
} host_search;

static bool is_ours(const host_search *search, int fd) {
  return fd == search->path->fd || mm_own_has(fd);
}

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && memcmp(text + n - m, end, m) == 0;
}

#define LOCKS_MAX ((size_t)1 << 20) /* bytes of /proc/locks that are read */

/* One line of /proc/locks: "1: POSIX  ADVISORY  WRITE 1234 fe:00:5678 0 EOF". */
static bool is_posix_lock_on(const char *line, uint64_t inode) {
  char kind[16];
  unsigned long long at;
  /* An inode that is no number is not ours. */
  int n = sscanf(line, /* NOLINT(cert-err34-c) */
                 "%*s %15s %*s %*s %*d %*x:%*x:%llu", kind, &at);
  return n == 2 && strcmp(kind, "POSIX") == 0 && at == inode;
}

static bool any_line(char *text, uint64_t inode) {
  for (char *line = text, *end; *line; line = end) {
    end = line + strcspn(line, "\n");
    if (*end) *end++ = 0;
    if (is_posix_lock_on(line, inode)) return true;
  }
  return false;
}

/* Does anybody hold POSIX locks on the file? A negated errno: that cannot be known. */
static int is_locked(const mm_stat *stat) {
  int fd = mm_os.open(-1, "/proc/locks", MM_OPEN_READ, 0);
  char *text = fd >= 0 ? mm_alloc(LOCKS_MAX) : NULL;
  size_t size = 0;
  int64_t n = text ? 1 : fd < 0 ? fd : -ENOMEM;
  while (n > 0 && size < LOCKS_MAX - 1) {
    n = mm_os.read(fd, text + size, LOCKS_MAX - 1 - size, size);
    if (n > 0) size += (size_t)n;
  }
  int locked = n > 0 ? -EOVERFLOW : (int)n;
  if (text && n == 0) {
    text[size] = 0;
    locked = any_line(text, stat->inode);
  }
  mm_free(text);
  if (fd >= 0) (void)mm_os.close(fd);
  return locked;
}

static bool begins_as_database(const void *head, uint64_t size) {
  static const char header[MM_DATABASE_HEAD] = "SQLite format 3"; /* with its NUL */
  return size >= sizeof header && memcmp(head, header, sizeof header) == 0;
}

/* A database's shared memory begins with its version, in the machine's order
** (https://www.sqlite.org/walformat.html, "The WAL-Index Header"), by whatever name it is met. */
static bool begins_as_memory(const void *head, uint64_t size) {
  const uint32_t version = 3007000;
  return size >= sizeof version && memcmp(head, &version, sizeof version) == 0;
}

/* Under its own name it is it before that is written, too. */
static bool is_memory(const char *real, const void *head, uint64_t size) {
  return ends_with(real, "-shm") || begins_as_memory(head, size);
}

bool mm_path_may_be_database(const char *real, const void *head, uint64_t size) {
  return size == 0 || is_memory(real, head, size) || begins_as_database(head, size);
}

/* Reads by the host's own descriptor: opening one of ours, and closing it, is what does the harm.
** One that cannot be read is no database connection's (and one of MM_OPEN_PATH holds no locks). An
** empty file may be anything, a new database too: it is one if there are locks to lose. 1, 0, or a negated
** errno. */
static int is_database(int fd, const mm_path *path) {
  char head[MM_DATABASE_HEAD];
  int64_t n = mm_os.read(fd, head, sizeof head, 0);
  if (n == -EBADF || n == -ESPIPE) return 0;
  if (n == 0) return is_locked(&path->stat);
  if (n < 0) return (int)n;
  return is_memory(path->real, head, (uint64_t)n) || begins_as_database(head, (uint64_t)n);
}

/* -1: not a number. */
static int descriptor_of(const char *name) {
  int fd = 0;
  for (const char *p = name; *p; p++) {
    if (*p < '0' || *p > '9' || fd > (INT_MAX - 9) / 10) return -1;
    fd = fd * 10 + (*p - '0');
  }
  return *name ? fd : -1;
}

/* Is the file open there? Where the system does not tell (the descriptor's file system may be
** gone), its name does. 1, 0, or a negated errno. */
static int is_open_at(int fd, const mm_path *path) {
  char name[MM_PATH_MAX];
  mm_stat stat;
  int rc = mm_os.status(fd, &stat);
  if (rc == 0) return mm_stat_same_file(&stat, &path->stat);
  if (rc == -EBADF) return 0; /* it was closed meanwhile */
  rc = mm_os.path_of(fd, name, sizeof name);
  if (rc < 0) return rc == -ENOENT ? 0 : rc;
  return strcmp(name, path->real) == 0;
}

static bool look_at_descriptor(void *context, const char *name, int kind) {
  host_search *search = context;
  (void)kind;
  int fd = descriptor_of(name);
  if (fd < 0 || is_ours(search, fd)) return true;
  int is = is_open_at(fd, search->path);
  if (is > 0) is = is_database(fd, search->path);
  if (is < 0) search->unknown = is;
  search->found = is > 0;
  return !search->found;
}

int mm_path_is_host_database(const mm_path *path) {
  host_search search = {.path = path};
  int rc = mm_os.list(-1, "/proc/self/fd", look_at_descriptor, &search);
  if (search.found) return 1;
  return rc < 0 ? rc : search.unknown;
}
