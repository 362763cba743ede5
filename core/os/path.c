#include "core/os/path.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/os/own.h"

#define NAME_MAX_BYTES 255 /* of one component, on every file system there is */
#define LINKS_MAX 40       /* the system's own limit */
#define CREATE_TRIES 8     /* others may make and remove the file while we look */
#define TEXT_MAX                                                                                   \
  ((size_t)2 * MM_PATH_MAX) /* a link's target and what follows the link; a place and a path */

/* Where a component ends. */
static size_t component(const char *path) {
  return strcspn(path, "/");
}

/* Past slashes and "." components. */
static const char *skip_nothing(const char *path) {
  for (;;) {
    path += strspn(path, "/");
    if (path[0] != '.' || (path[1] && path[1] != '/')) return path;
    path++;
  }
}

/* What follows `prefix` in `path`, both absolute, or NULL where it does not start with it. Compares
** names only: "/x/../r/a" does not start with "/r". */
static const char *strip(const char *path, const char *prefix) {
  for (;;) {
    path = skip_nothing(path);
    prefix = skip_nothing(prefix);
    size_t n = component(prefix);
    if (n == 0) return path;
    if (component(path) != n || memcmp(path, prefix, n) != 0) return NULL;
    path += n;
    prefix += n;
  }
}

/* Does `path` still name the file that is open as `fd`? 0, -EIO if the disk does not tell, and
** -ENOENT if it does not. */
static int names(const char *path, int fd) {
  mm_stat named, open;
  int rc = mm_os.status_path(path, &named);
  if (rc == 0) rc = mm_os.status(fd, &open);
  if (rc == -EIO) return rc;
  return rc == 0 && mm_stat_same_file(&named, &open) ? 0 : -ENOENT;
}

/* "place/path" in memory of its own; NULL: no memory. */
static char *join(const char *place, const char *path) {
  size_t a = strlen(place), b = strlen(path);
  char *text = mm_alloc((uint64_t)a + b + 2);
  if (!text) return NULL;
  memcpy(text, place, a);
  text[a] = '/';
  memcpy(text + a + 1, path, b);
  text[a + 1 + b] = 0;
  return text;
}

/* From an absolute path to one that starts at the root: 0, or -EXDEV if it lies outside. The root
*is
** a directory, not a name: renamed, it has the new one, and the one it was set by only counts while
** it leads there. */
static int strip_root(const mm_root *root, const char *path, const char **rest) {
  char real[MM_PATH_MAX];
  int rc = mm_os.path_of(root->fd, real, sizeof real);
  if (rc < 0) return rc;
  *rest = strip(path, real);
  if (*rest || !root->alias) return *rest ? 0 : -EXDEV;
  *rest = strip(path, root->alias);
  if (!*rest) return -EXDEV;
  rc = names(root->alias, root->fd);
  return rc == -ENOENT ? -EXDEV : rc;
}

/* Go up from `here`, which has no symbolic links in it, by each ".." that `path` starts with. Gives
** what is left of the path. */
static const char *climb(char *here, const char *path) {
  for (;;) {
    path = skip_nothing(path);
    if (component(path) != 2 || memcmp(path, "..", 2) != 0) return path;
    char *slash = strrchr(here, '/');
    if (slash) *slash = 0;
    path += 2;
  }
}

/* A relative path, from the working directory; the caller's to free. */
static int make_absolute(const char *path, char **out) {
  char here[MM_PATH_MAX];
  int rc = mm_os.working_directory(here, sizeof here);
  if (rc < 0) return rc;
  path = climb(here, path);
  *out = join(here, path);
  return *out ? 0 : -ENOMEM;
}

/* The same for any path; *rest is the caller's to free. */
static int relate(const mm_root *root, const char *path, char **rest) {
  char *absolute = NULL;
  const char *below;
  *rest = NULL;
  int rc = path[0] == '/' ? 0 : make_absolute(path, &absolute);
  if (rc == 0) rc = strip_root(root, absolute ? absolute : path, &below);
  if (rc == 0) *rest = mm_strdup(below);
  if (rc == 0 && !*rest) rc = -ENOMEM;
  mm_free(absolute);
  return rc;
}

/*
** A walk below the root, a component at a time, for systems that cannot confine a path by
*themselves
** and for links that they refuse although they lead back below the root. Nothing is followed but by
** this code: each component is opened as itself, links are read, and ".." goes back to where the
*walk
** came from, whatever was renamed meanwhile. So it cannot get out.
*/
typedef struct walk {
  const mm_root *root;
  int *stack; /* descriptors of what was entered, outermost first; owned */
  size_t depth, capacity;
  int links;
  char *rest; /* in text: what is still to be entered */
  char text[TEXT_MAX];
} walk;

static void walk_leave(walk *w) {
  mm_os.close(w->stack[--w->depth]);
}

static int walk_enter(walk *w, int fd) {
  void *stack = w->stack;
  if (mm_grow(&stack, w->depth, &w->capacity, sizeof *w->stack)) {
    mm_os.close(fd);
    return -ENOMEM;
  }
  w->stack = stack;
  w->stack[w->depth++] = fd;
  return 0;
}

/* Put a link's target in front of what is left. */
static int walk_follow(walk *w, const char *target) {
  if (++w->links > LINKS_MAX) return -ELOOP;
  if (target[0] == '/') {
    int rc = strip_root(w->root, target, &target);
    if (rc < 0) return rc;
    while (w->depth > 0) walk_leave(w);
  }
  size_t before = strlen(target), after = strlen(w->rest);
  if (before + after >= sizeof w->text) return -ENAMETOOLONG;
  memmove(w->text + before, w->rest, after + 1);
  memcpy(w->text, target, before);
  w->rest = w->text;
  return 0;
}

/* Enter what `fd` names, or go where it leads; it is closed or kept here. */
static int walk_take(walk *w, int fd, int flags) {
  char target[MM_PATH_MAX];
  mm_stat stat;
  int rc = mm_os.status(fd, &stat);
  if (rc == 0 && stat.kind == MM_KIND_OTHER) {
    rc = mm_os.read_link(fd, target, sizeof target);
    if (rc == 0) {
      mm_os.close(fd);
      return walk_follow(w, target);
    }
    if (rc == -EINVAL) rc = 0;
  }
  if (rc == 0 && stat.kind != MM_KIND_DIRECTORY && (*w->rest || flags & MM_OPEN_DIRECTORY))
    rc = -ENOTDIR;
  if (rc == 0) return walk_enter(w, fd);
  mm_os.close(fd);
  return rc;
}

static int walk_step(walk *w, int flags) {
  char name[NAME_MAX_BYTES + 1];
  size_t n = component(w->rest);
  if (n > NAME_MAX_BYTES) return -ENAMETOOLONG;
  memcpy(name, w->rest, n);
  name[n] = 0;
  w->rest += n;
  if (strcmp(name, "..") == 0) {
    if (w->depth == 0) return -EXDEV;
    walk_leave(w);
    return 0;
  }
  int at = w->depth > 0 ? w->stack[w->depth - 1] : w->root->fd;
  int fd = mm_os.open(at, name, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  return fd < 0 ? fd : walk_take(w, fd, flags);
}

static int walk_all(walk *w, int flags) {
  for (;;) {
    /* Slashes alone stay until here: what comes before them must be a directory. */
    w->rest = w->text + (skip_nothing(w->rest) - w->text);
    if (!*w->rest) break;
    int rc = walk_step(w, flags);
    if (rc < 0) return rc;
  }
  if (w->depth > 0) return w->stack[--w->depth];
  return mm_os.open(w->root->fd, ".", MM_OPEN_PATH | MM_OPEN_DIRECTORY, 0);
}

static int walk_open(const mm_root *root, const char *path, int flags) {
  size_t size = strlen(path) + 1;
  if (size > TEXT_MAX) return -ENAMETOOLONG;
  walk *w = mm_alloc_zeroed(sizeof *w);
  if (!w) return -ENOMEM;
  w->root = root;
  w->rest = w->text;
  memcpy(w->text, path, size);
  int fd = walk_all(w, flags);
  while (w->depth > 0) walk_leave(w);
  mm_free(w->stack);
  mm_free(w);
  return fd;
}

/* A descriptor that names what `path`, as `relate` gave it, leads to. -EXDEV: outside. */
static int open_below(const mm_root *root, const char *path, int flags) {
  int fd = mm_os.open_beneath(root->fd, *path ? path : ".", MM_OPEN_PATH | flags, 0);
  switch (fd) {
    case -ENOSYS:       /* cannot */
    case -EXDEV:        /* leaves, or is an absolute link back into the root */
    case -ELOOP:        /* too many links, or one of /proc */
    case -EAGAIN:       /* renames all the time */
    case -ENAMETOOLONG: /* a long place and a long path, perhaps */
      return walk_open(root, path, flags);
    default:
      return fd;
  }
}

/* The same without a root. */
static int open_any(const mm_root *root, const char *path, int flags) {
  return root->path ? open_below(root, path, flags) : mm_os.open(-1, path, MM_OPEN_PATH | flags, 0);
}

static int make_in(int directory, const char *name) {
  int fd = mm_os.open(directory, name,
                      MM_OPEN_READ | MM_OPEN_WRITE | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE, 0666);
  return fd < 0 ? fd : mm_os.close(fd);
}

static int make_below(const mm_root *root, const char *path) {
  const char *slash = strrchr(path, '/');
  const char *name = slash ? slash + 1 : path;
  char *parent = mm_strdup(path);
  if (!parent) return -ENOMEM;
  parent[name - path] = 0;
  int fd = open_below(root, parent, MM_OPEN_DIRECTORY);
  mm_free(parent);
  if (fd < 0) return fd;
  int rc = make_in(fd, name);
  mm_os.close(fd);
  return rc;
}

/* Whoever makes the file between our look and our try is as welcome as we are. A link that leads
** nowhere is there for the one and not for the other, each time: -EEXIST. It is not followed:
** whoever made it, and not who asked for the file, would say where one is made. */
static int open_or_make(const mm_root *root, const char *path) {
  for (int tries = 0; tries < CREATE_TRIES; tries++) {
    int fd = open_any(root, path, 0);
    if (fd != -ENOENT) return fd;
    int rc = root->path ? make_below(root, path) : make_in(-1, path);
    if (rc < 0 && rc != -EEXIST) return rc;
  }
  int fd = open_any(root, path, 0);
  return fd == -ENOENT ? -EEXIST : fd;
}

/* Open `path` with MM_OPEN_PATH, below the root if there is one. */
static int find_file(const mm_root *root, const char *path, bool create, int flags) {
  char *below = NULL;
  int fd = root->path ? relate(root, path, &below) : 0;
  if (fd == 0) {
    const char *from = root->path ? below : path;
    fd = create ? open_or_make(root, from) : open_any(root, from, flags);
  }
  mm_free(below);
  return fd;
}

static int fail_open(const mm_root *root, const char *path, int rc, mm_error *err) {
  if (rc == -EXDEV && root->path)
    return mm_fail(err, MM_PERM, "'%s' is outside the root '%s'", path, root->path);
  if (rc == -EEXIST) {
    return mm_fail(err, MM_CANTOPEN, "cannot make '%s': it is a symbolic link that leads nowhere",
                   path);
  }
  return mm_fail_errno(err, MM_CANTOPEN, -rc, "cannot open '%s'", path);
}

/* A length that every sentence about the path has room for. */
static int check_text(const char *path, mm_error *err) {
  if (!*path) return mm_fail(err, MM_CANTOPEN, "a path must not be empty");
  if (strnlen(path, MM_PATH_MAX) == MM_PATH_MAX)
    return mm_fail(err, MM_CANTOPEN, "a path must not be longer than %d bytes", MM_PATH_MAX - 1);
  return MM_OK;
}

/* The real path of `fd`, the caller's to free. The system says "x (deleted)" of what has no name
*any
** more, and says it too of a file that is called so: only asking for that name tells. */
static int real_of(const mm_root *root, const char *path, int fd, char **out, mm_error *err) {
  char real[MM_PATH_MAX];
  const char *rest;
  int rc = mm_os.path_of(fd, real, sizeof real);
  if (rc == 0 && root->path) rc = strip_root(root, real, &rest);
  if (rc < 0) return fail_open(root, path, rc, err);
  rc = names(real, fd);
  if (rc == -EIO) return fail_open(root, path, rc, err);
  if (rc < 0) return mm_fail(err, MM_CANTOPEN, "cannot open '%s': it has no name any more", path);
  *out = mm_strdup(real);
  return *out ? MM_OK : mm_fail_nomem(err);
}

static int check_kind(const char *path, int kind, mm_error *err) {
  if (kind == MM_KIND_FILE) return MM_OK;
  if (kind == MM_KIND_DIRECTORY) return mm_fail(err, MM_CANTOPEN, "'%s' is a directory", path);
  return mm_fail(err, MM_CANTOPEN, "'%s' is not a regular file", path);
}

int mm_path_resolve(const mm_root *root, const char *path, bool create, mm_path *out,
                    mm_error *err) {
  *out = (mm_path){.fd = -1};
  int rc = check_text(path, err);
  if (rc != MM_OK) return rc;
  int fd = find_file(root, path, create, 0);
  if (fd < 0) return fail_open(root, path, fd, err);
  out->fd = fd;
  int failed = mm_os.status(fd, &out->stat);
  rc = failed < 0 ? fail_open(root, path, failed, err) : check_kind(path, out->stat.kind, err);
  if (rc == MM_OK) rc = real_of(root, path, fd, &out->real, err);
  if (rc != MM_OK) mm_path_clear(out);
  return rc;
}

void mm_path_clear(mm_path *path) {
  if (path->fd >= 0) mm_os.close(path->fd);
  mm_free(path->real);
  *path = (mm_path){.fd = -1};
}

int mm_path_list(const mm_root *root, const char *path, mm_sys_entry *entry, void *context,
                 mm_error *err) {
  char opened[64];
  if (!*path) path = ".";
  int rc = check_text(path, err);
  if (rc != MM_OK) return rc;
  int fd = find_file(root, path, false, MM_OPEN_DIRECTORY);
  if (fd < 0) return fail_open(root, path, fd, err);
  /* By the descriptor: the path may lead elsewhere by now. */
  (void)snprintf(opened, sizeof opened, "/proc/self/fd/%d", fd);
  int failed = mm_os.list(opened, entry, context);
  mm_os.close(fd);
  return failed < 0 ? fail_open(root, path, failed, err) : MM_OK;
}

void mm_root_init(mm_root *root) {
  *root = (mm_root){.fd = -1};
}

void mm_root_clear(mm_root *root) {
  if (root->path) mm_os.close(root->fd);
  mm_free(root->path);
  mm_free(root->alias);
  mm_root_init(root);
}

/* `path` made absolute; *out is the caller's to free. */
static int absolute(const char *path, char **out) {
  char here[MM_PATH_MAX];
  if (path[0] == '/') {
    *out = mm_strdup(path);
  } else {
    int rc = mm_os.working_directory(here, sizeof here);
    if (rc < 0) return rc;
    *out = join(here, path);
  }
  return *out ? 0 : -ENOMEM;
}

int mm_root_set(mm_root *root, const char *path, mm_error *err) {
  mm_root fresh;
  mm_root_init(&fresh);
  int rc = check_text(path, err);
  if (rc != MM_OK) return rc;
  int fd = find_file(root, path, false, MM_OPEN_DIRECTORY);
  if (fd < 0) return fail_open(root, path, fd, err);
  fresh.fd = fd;
  rc = real_of(root, path, fd, &fresh.path, err);
  if (rc != MM_OK) {
    mm_os.close(fd);
    return rc;
  }
  int failed = absolute(path, &fresh.alias);
  if (failed < 0) {
    mm_root_clear(&fresh);
    return fail_open(root, path, failed, err);
  }
  mm_root_clear(root);
  *root = fresh;
  return MM_OK;
}

/* The search of the process's descriptors for one of a host's database. */
typedef struct host_search {
  const mm_path *path;
  bool found;
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

/* Does anybody hold POSIX locks on the file? True also if that cannot be known. */
static bool is_locked(const mm_stat *stat) {
  int fd = mm_os.open(-1, "/proc/locks", MM_OPEN_READ, 0);
  char *text = fd >= 0 ? mm_alloc(LOCKS_MAX) : NULL;
  size_t size = 0;
  int64_t n = text ? 1 : -1;
  while (n > 0 && size < LOCKS_MAX - 1) {
    n = mm_os.read(fd, text + size, LOCKS_MAX - 1 - size, size);
    if (n > 0) size += (size_t)n;
  }
  bool locked = n != 0;
  if (n == 0) {
    text[size] = 0;
    locked = any_line(text, stat->inode);
  }
  mm_free(text);
  if (fd >= 0) (void)mm_os.close(fd);
  return locked;
}

/* Reads by the host's own descriptor: opening one of ours, and closing it, is what does the harm.
** One that cannot be read is no database connection's (and one of MM_OPEN_PATH holds no locks). An
** empty file may be anything, a new database too: it is one if there are locks to lose. */
static bool is_database(int fd, const mm_path *path) {
  static const char header[16] = "SQLite format 3"; /* with its NUL */
  char head[sizeof header];
  int64_t n = mm_os.read(fd, head, sizeof head, 0);
  if (n == -EBADF || n == -ESPIPE) return false;
  if (n == 0) return is_locked(&path->stat);
  if (n < 0 || ends_with(path->real, "-shm")) return true;
  return (size_t)n == sizeof head && memcmp(head, header, sizeof head) == 0;
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
** gone), its name does. */
static bool is_open_at(int fd, const mm_path *path) {
  char name[MM_PATH_MAX];
  mm_stat stat;
  int rc = mm_os.status(fd, &stat);
  if (rc == 0) return mm_stat_same_file(&stat, &path->stat);
  if (rc == -EBADF) return false; /* it was closed meanwhile */
  rc = mm_os.path_of(fd, name, sizeof name);
  return rc < 0 ? rc != -ENOENT : strcmp(name, path->real) == 0;
}

static bool look_at_descriptor(void *context, const char *name, int kind) {
  host_search *search = context;
  (void)kind;
  int fd = descriptor_of(name);
  if (fd < 0 || is_ours(search, fd) || !is_open_at(fd, search->path)) return true;
  search->found = is_database(fd, search->path);
  return !search->found;
}

int mm_path_is_host_database(const mm_path *path) {
  host_search search = {.path = path, .found = false};
  int rc = mm_os.list("/proc/self/fd", look_at_descriptor, &search);
  if (search.found) return 1;
  return rc < 0 ? rc : 0;
}
