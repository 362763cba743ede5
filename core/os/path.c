#include "core/os/path.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/os/path_private.h"

#define NAME_MAX_BYTES 765 /* of one component: 255 units of UTF-16 are the most there is */
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
    size_t m = component(path);
    if (!path_same_name(path, m, prefix, n)) return NULL;
    path += m;
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
  int rc = mm_path_top(path) ? 0 : make_absolute(path, &absolute);
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
  if (mm_path_top(target)) {
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
  char buffer[MM_PATH_MAX], *below = NULL;
  int fd = path_normalise(path, buffer, &path);
  if (fd == 0 && root->path) fd = relate(root, path, &below);
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

static int fail_nameless(const char *path, mm_error *err) {
  return mm_fail(err, MM_CANTOPEN, "cannot open '%s': it has no name any more", path);
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
  if (rc < 0) return fail_nameless(path, err);
  *out = mm_strdup(real);
  return *out ? MM_OK : mm_fail_nomem(err);
}

static int check_kind(const char *path, int kind, int wanted, mm_error *err) {
  if (kind == wanted) return MM_OK;
  if (wanted == MM_KIND_DEVICE)
    return mm_fail(err, MM_CANTOPEN, "'%s' is not a block device", path);
  if (kind == MM_KIND_DIRECTORY) return mm_fail(err, MM_CANTOPEN, "'%s' is a directory", path);
  return mm_fail(err, MM_CANTOPEN, "'%s' is not a regular file", path);
}

static int resolve_kind(const mm_root *root, const char *path, bool create, int kind, mm_path *out,
                        mm_error *err) {
  *out = (mm_path){.fd = -1};
  int rc = check_text(path, err);
  if (rc != MM_OK) return rc;
  int fd = find_file(root, path, create, 0);
  if (fd < 0) return fail_open(root, path, fd, err);
  out->fd = fd;
  int failed = mm_os.status(fd, &out->stat);
  rc =
      failed < 0 ? fail_open(root, path, failed, err) : check_kind(path, out->stat.kind, kind, err);
  if (rc == MM_OK) rc = real_of(root, path, fd, &out->real, err);
  if (rc != MM_OK) mm_path_clear(out);
  return rc;
}

int mm_path_resolve(const mm_root *root, const char *path, bool create, mm_path *out,
                    mm_error *err) {
  return resolve_kind(root, path, create, MM_KIND_FILE, out, err);
}

int mm_path_resolve_device(const mm_root *root, const char *path, mm_path *out, mm_error *err) {
  return resolve_kind(root, path, false, MM_KIND_DEVICE, out, err);
}

/* Where nothing is to be stayed below, its name is asked. Else it is found as it would be opened. */
static int status_of(const mm_root *root, const char *path, mm_stat *stat) {
  char buffer[MM_PATH_MAX];
  if (!root->path) {
    int rc = path_normalise(path, buffer, &path);
    return rc < 0 ? rc : mm_os.status_path(path, stat);
  }
  int fd = find_file(root, path, false, 0);
  int rc = fd < 0 ? fd : mm_os.status(fd, stat);
  if (fd >= 0) mm_os.close(fd);
  return rc;
}

int mm_path_look(const mm_root *root, const char *path, mm_stat *stat, mm_error *err) {
  int rc = check_text(path, err);
  if (rc != MM_OK) return rc;
  int failed = status_of(root, path, stat);
  if (failed < 0) return fail_open(root, path, failed, err);
  rc = check_kind(path, stat->kind, MM_KIND_FILE, err);
  return rc == MM_OK && stat->links == 0 ? fail_nameless(path, err) : rc;
}

void mm_path_clear(mm_path *path) {
  if (path->fd >= 0) mm_os.close(path->fd);
  mm_free(path->real);
  *path = (mm_path){.fd = -1};
}

int mm_path_list(const mm_root *root, const char *path, mm_sys_entry *entry, void *context,
                 mm_error *err) {
  if (!*path) path = ".";
  int rc = check_text(path, err);
  if (rc != MM_OK) return rc;
  int fd = find_file(root, path, false, MM_OPEN_DIRECTORY);
  if (fd < 0) return fail_open(root, path, fd, err);
  /* By the descriptor: the path may lead elsewhere by now. */
  int failed = mm_os.list(fd, ".", entry, context);
  mm_os.close(fd);
  return failed < 0 ? fail_open(root, path, failed, err) : MM_OK;
}

size_t mm_path_directory(const char *path) {
  const char *slash = strrchr(path, '/');
  size_t size = slash ? (size_t)(slash - path) : 0, top = mm_path_top(path);
  return size < top ? top : size;
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
  char here[MM_PATH_MAX], buffer[MM_PATH_MAX];
  int rc = path_normalise(path, buffer, &path);
  if (rc < 0) return rc;
  if (mm_path_top(path)) {
    *out = mm_strdup(path);
  } else {
    rc = mm_os.working_directory(here, sizeof here);
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
