#include "core/file/view.h"

#include <errno.h>
#include <string.h>

#include "core/common/least.h"
#include "core/common/mem.h"
#include "core/os/mutex.h"
#include "core/os/once.h"
#include "core/os/sys.h"

/* Zeros over at least so many bytes are mapped, not stored. */
#define MAP_ZEROS ((uint64_t)1 << 20)
/* Each hole that is covered may be two mappings more, of the 65,530 that a process has. */
#define COVERED_MOST 1000
/* How much longer than the file a mapping is at most. */
#define SLACK_MIN ((uint64_t)64 << 10)
#define SLACK_MAX ((uint64_t)1 << 30)
/* No process has room for more; one of 32 bits has for much less. */
#define VIEW_MAX ((uint64_t)1 << 48)

/* All views that have pins, of all objects and threads. A fork takes the lock first, so that a
** child does not find it held by a thread that it does not have. */
static mm_mutex pins_lock = MM_MUTEX_INIT;
static mm_once_flag pins_once = MM_ONCE_INIT;
static mm_view *pinned_views;
static mm_view_writing *writings; /* on the stacks of the threads that write */

static void lock_pins(void) {
  mm_mutex_lock(&pins_lock);
}

static void unlock_pins(void) {
  mm_mutex_unlock(&pins_lock);
}

/* The threads that were writing are the parent's. */
static void forget_writings(void) {
  writings = NULL;
  unlock_pins();
}

static void pins_watch_forks(void) {
  mm_at_fork(lock_pins, unlock_pins, forget_writings);
}

static uint64_t with_slack(uint64_t size) {
  uint64_t slack = size / 8;
  if (slack < SLACK_MIN) slack = SLACK_MIN;
  if (slack > SLACK_MAX) slack = SLACK_MAX;
  return mm_sys_page_up(size + slack);
}

/* From the SIGBUS handler. */
static void on_fault(void *context) {
  const mm_view *view = context;
  bool pinned = __atomic_load_n(&view->pins, __ATOMIC_RELAXED) != 0;
  if (pinned && view->watch.notify) view->watch.notify(view->watch.context);
}

/* ---- rigid mappings --------------------------------------------------------------------------- */

/* What the file has behind the last granule, into memory. */
static int read_tail(mm_view *view, uint8_t *base, uint64_t shared) {
  if (view->shown == shared) return 0;
  return mm_sys_read_all(view->fd, base + shared, view->shown - shared, shared);
}

static int map_grown(mm_view *view, void **base) {
  uint64_t shared = view->shown & ~(MM_MAP_GRANULE - 1);
  int failed = mm_os.map_grown(base, (size_t)view->reserved, view->fd, (size_t)shared);
  if (failed) return failed;
  failed = read_tail(view, *base, shared);
  if (failed) (void)mm_os.unmap(*base, (size_t)view->reserved);
  return failed;
}

/* As much as the file has, or as `size` wants. Memory is there to be stored into. */
static int map_rigid(mm_view *view, uint64_t size, bool writable, void **base) {
  bool grown = size > mm_sys_page_up(view->shown) || view->shown == 0;
  int protection = MM_PROT_READ | (writable ? MM_PROT_WRITE : 0);
  view->anonymous = mm_sys_page_up(view->shown);
  view->reserved = grown ? mm_sys_page_up(size ? size : 1) : view->anonymous;
  int failed = grown ? map_grown(view, base)
                     : mm_os.map(base, (size_t)view->shown, protection, view->fd, 0, false);
  if (!failed) view->writable = grown || writable;
  return failed;
}

static int open_rigid(mm_view *view, int fd, uint64_t size, void **base) {
  mm_stat stat = {.size = 0};
  int failed = fd < 0 ? 0 : mm_os.status(fd, &stat);
  view->rigid = true;
  view->fd = fd;
  view->shown = stat.size;
  return failed ? failed : map_rigid(view, size, false, base);
}

/* ---- opening --------------------------------------------------------------------------------- */

static bool is_rigid(void) {
  return (mm_os.traits & MM_TRAIT_RIGID_MAPS) != 0;
}

/* Addresses that nobody can read, which take no memory. But a process may be allowed only so many
** (RLIMIT_AS): they are taken where there are as many more for others. */
static int take_addresses(size_t size, void **base) {
  void *others;
  int failed = mm_os.map(&others, size, MM_PROT_NONE, -1, 0, false);
  if (failed) return failed;
  failed = mm_os.map(base, size, MM_PROT_NONE, -1, 0, false);
  (void)mm_os.unmap(others, size);
  return failed;
}

static int map_with_room(mm_view *view, int fd, void **base) {
  int failed = take_addresses((size_t)view->room, base);
  if (failed) return failed;
  failed = mm_os.map(base, (size_t)view->reserved, MM_PROT_READ, fd, 0, true);
  if (failed) (void)mm_os.unmap(*base, (size_t)view->room);
  return failed;
}

static int open_mapping(mm_view *view, int fd, uint64_t size, uint64_t room, void **base) {
  if (is_rigid()) return open_rigid(view, fd, size, base);
  view->reserved = view->anonymous = with_slack(size);
  view->room = mm_sys_page_up(room);
  bool roomy = view->room > view->reserved && (size_t)view->room == view->room;
  if (roomy && map_with_room(view, fd, base) == 0) return 0;
  view->room = view->reserved;
  return mm_os.map(base, (size_t)view->reserved, MM_PROT_READ, fd, 0, false);
}

/* All that it has taken. */
static size_t mapped_size(const mm_view *view) {
  return (size_t)mm_max(view->room, view->reserved);
}

/* Behind the mapping comes its guard; neither is there without the other. */
static int finish_open(mm_view *view, void *base, mm_view **out, mm_error *err) {
  view->base = base;
  view->guard = mm_guard_add(base, (size_t)view->reserved, on_fault, view);
  if (view->guard) {
    *out = view;
    return MM_OK;
  }
  (void)mm_os.unmap(base, mapped_size(view));
  mm_free(view);
  return mm_fail(err, MM_CANTOPEN, "too many files are mapped");
}

int mm_view_open(int fd, const char *name, uint64_t size, uint64_t room, uint64_t device,
                 uint64_t inode, mm_view_watch watch, mm_view **out, mm_error *err) {
  if (size > VIEW_MAX || (size_t)with_slack(size) != with_slack(size)) {
    return mm_fail(err, MM_TOOBIG, "%llu bytes are more than can be mapped",
                   (unsigned long long)size);
  }
  mm_once(&pins_once, pins_watch_forks);
  mm_view *view = mm_alloc_zeroed(sizeof *view);
  if (!view) return mm_fail_nomem(err);
  view->device = device;
  view->inode = inode;
  view->watch = watch;
  void *base = NULL;
  int failed = open_mapping(view, fd, size, room, &base);
  if (failed) {
    mm_free(view);
    /* No disk has failed where the kernel has no pages of a file: it is of a kind that is refused. */
    int code = failed == -ENODEV ? MM_CANTOPEN : MM_IOERR;
    return mm_fail_errno(err, code, -failed, "cannot map %s%s%s", name ? "'" : "",
                         name ? name : "memory", name ? "'" : "");
  }
  return finish_open(view, base, out, err);
}

int mm_view_open_absent(uint64_t size, mm_view **out, mm_error *err) {
  void *base = NULL;
  mm_view *view = mm_alloc_zeroed(sizeof *view);
  if (!view) return mm_fail_nomem(err);
  view->rigid = view->absent = true;
  view->fd = -1;
  view->reserved = view->anonymous = mm_sys_page_up(size ? size : 1);
  int failed = mm_os.map(&base, (size_t)view->reserved, MM_PROT_NONE, -1, 0, false);
  if (!failed) return finish_open(view, base, out, err);
  mm_free(view);
  return mm_fail_errno(err, MM_NOMEM, -failed, "cannot reserve addresses");
}

static void destroy(mm_view *view) {
  mm_guard_remove(view->guard);
  (void)mm_os.unmap(view->base, mapped_size(view));
  mm_free(view);
}

void mm_view_close(mm_view *view) {
  if (!view) return;
  lock_pins();
  view->orphan = true;
  bool last = view->pins == 0;
  unlock_pins();
  if (last) destroy(view);
}

/* Some pages that are zeros. */
static int cover_hole(const mm_view *view, uint64_t start, uint64_t end) {
  uint64_t from = mm_sys_page_up(start), to = mm_sys_page_down(end);
  if (from >= to) return 0;
  void *at = view->base + from;
  return mm_os.map(&at, (size_t)(to - from), MM_PROT_READ, -1, 0, true);
}

/* Where there are no mappings left (or no memory) it is the file again, all of it: that needs fewer
** of them than there are. */
int mm_view_cover(mm_view *view, int fd, uint64_t size, mm_error *err) {
  uint64_t at = 0, to = mm_sys_page_up(size);
  int failed = 0;
  view->covered = true;
  for (int i = 0; i < COVERED_MOST && !failed; i++) {
    uint64_t start;
    if (!mm_sys_hole(fd, at, to, &start, &at)) break;
    failed = cover_hole(view, start, at);
  }
  if (!failed) return MM_OK;
  void *base = view->base;
  failed = mm_os.map(&base, (size_t)view->reserved, MM_PROT_READ, fd, 0, true);
  return failed ? mm_fail_errno(err, MM_IOERR, -failed, "cannot map the file") : MM_OK;
}

/* Mapped anew, where its pages are copied when they are stored into. */
static int map_writable(mm_view *view, mm_error *err) {
  uint64_t before = view->reserved;
  void *base = NULL;
  int failed = map_rigid(view, 0, true, &base);
  if (failed) return mm_fail_errno(err, MM_NOMEM, -failed, "cannot make pages writable");
  mm_guard *guard = mm_guard_add(base, (size_t)view->reserved, on_fault, view);
  if (!guard) {
    (void)mm_os.unmap(base, (size_t)view->reserved);
    view->writable = false;
    return mm_fail(err, MM_CANTOPEN, "too many files are mapped");
  }
  mm_guard_remove(view->guard);
  (void)mm_os.unmap(view->base, (size_t)before);
  view->base = base;
  view->guard = guard;
  return MM_OK;
}

int mm_view_make_writable(mm_view *view, mm_error *err) {
  if (view->writable) return MM_OK;
  if (view->rigid) return map_writable(view, err);
  int failed = mm_os.protect(view->base, (size_t)view->reserved, MM_PROT_READ | MM_PROT_WRITE);
  if (failed) return mm_fail_errno(err, MM_NOMEM, -failed, "cannot make pages writable");
  view->writable = true;
  return MM_OK;
}

/* What it was to replace may be gone where it fails (guard_posix.c). Zeros that cannot be stored
** into take no memory: whoever has still to be told does not fall into a gap. */
static int map_zeros(mm_view *view, uint64_t from, uint64_t to, mm_error *err) {
  void *at = view->base + from;
  int failed = mm_os.map(&at, (size_t)(to - from), MM_PROT_READ | MM_PROT_WRITE, -1, 0, true);
  if (!failed) return MM_OK;
  (void)mm_os.map(&at, (size_t)(to - from), MM_PROT_READ, -1, 0, true);
  view->patched = view->absent = true;
  return mm_fail_errno(err, MM_NOMEM, -failed, "cannot map zeros");
}

int mm_view_make_room(mm_view *view, uint64_t file_size, mm_error *err) {
  uint64_t from = file_size < view->anonymous ? mm_sys_page_up(file_size) : view->anonymous;
  if (view->rigid || from >= view->anonymous) return MM_OK;
  int rc = map_zeros(view, from, view->anonymous, err);
  if (rc == MM_OK) view->anonymous = from;
  return rc;
}

/* It doubles, so that there is little to ask for. The addresses are zeros already that nobody may
** touch. The guard need not know of it: memory has no faults that it is for. */
bool mm_view_extend(mm_view *view, uint64_t size) {
  const int both = MM_PROT_READ | MM_PROT_WRITE;
  uint64_t to = mm_min(mm_sys_page_up(mm_max(size, 2 * view->reserved)), view->room);
  if (size > view->room) return false;
  if (mm_os.protect(view->base + view->reserved, (size_t)(to - view->reserved), both)) return false;
  view->reserved = to;
  return true;
}

void mm_view_store(mm_view *view, uint64_t offset, const uint8_t *data, uint64_t size) {
  memcpy(view->base + offset, data, (size_t)size);
}

int mm_view_zero(mm_view *view, uint64_t offset, uint64_t size, mm_error *err) {
  uint64_t from = mm_sys_page_up(offset), to = mm_sys_page_down(offset + size);
  if (view->rigid || size < MAP_ZEROS) {
    memset(view->base + offset, 0, (size_t)size);
    return MM_OK;
  }
  int rc = map_zeros(view, from, to, err);
  if (rc) return rc;
  if (from < view->anonymous) view->patched = true;
  memset(view->base + offset, 0, (size_t)(from - offset));
  memset(view->base + to, 0, (size_t)(offset + size - to));
  return MM_OK;
}

/* The pages stay copies, of what the file has now. */
static int read_pages_back(mm_view *view, uint64_t from, uint64_t to, mm_error *err) {
  uint64_t end = to < view->shown ? to : view->shown;
  int failed = 0;
  if (!view->writable) return MM_OK;
  if (from < end) failed = mm_sys_read_all(view->fd, view->base + from, end - from, from);
  if (failed) return mm_fail_errno(err, MM_IOERR, -failed, "cannot read pages back");
  if (from > end) end = from;
  memset(view->base + end, 0, (size_t)(to - end));
  return MM_OK;
}

bool mm_view_is_plain(const mm_view *view) {
  return !view->patched && !view->covered && !mm_view_keeps_copies(view) &&
         (view->rigid || view->anonymous >= view->reserved);
}

int mm_view_clean(mm_view *view, uint64_t offset, uint64_t size, mm_error *err) {
  uint64_t from = mm_sys_page_down(offset), to = mm_sys_page_up(offset + size);
  if (to > view->reserved) to = view->reserved;
  if (from >= to) return MM_OK;
  if (view->rigid) return read_pages_back(view, from, to, err);
  int failed = mm_os.advise(view->base + from, (size_t)(to - from), MM_ADVICE_DONTNEED);
  return failed ? mm_fail_errno(err, MM_IOERR, -failed, "cannot drop pages") : MM_OK;
}

static bool is_being_written(const mm_view *view) {
  const mm_view_writing *w = writings;
  while (w && !(w->device == view->device && w->inode == view->inode)) w = w->next;
  return w != NULL;
}

static void add_pin(mm_view *view, uint64_t offset, uint64_t size) {
  if (__atomic_fetch_add(&view->pins, 1, __ATOMIC_RELAXED) == 0) {
    view->pinned_low = offset;
    view->pinned_high = offset + size;
    view->next = pinned_views;
    pinned_views = view;
  }
  if (offset < view->pinned_low) view->pinned_low = offset;
  if (offset + size > view->pinned_high) view->pinned_high = offset + size;
}

bool mm_view_pin(mm_view *view, uint64_t offset, uint64_t size) {
  if (view->rigid) return false;
  lock_pins();
  bool free = !is_being_written(view);
  if (free) add_pin(view, offset, size);
  unlock_pins();
  return free;
}

static bool holds(const mm_view *view, const uint8_t *address) {
  uintptr_t at = (uintptr_t)address, base = (uintptr_t)view->base;
  return at >= base && at - base < view->reserved;
}

void mm_view_unpin(const void *address) {
  mm_view *gone = NULL;
  lock_pins();
  mm_view **link = &pinned_views;
  while (*link && !holds(*link, address)) link = &(*link)->next;
  mm_view *view = *link;
  if (view && __atomic_sub_fetch(&view->pins, 1, __ATOMIC_RELEASE) == 0) {
    *link = view->next;
    if (view->orphan) gone = view;
  }
  unlock_pins();
  if (gone) destroy(gone);
}

bool mm_view_pinned(const mm_view *view) {
  return __atomic_load_n(&view->pins, __ATOMIC_ACQUIRE) != 0;
}

bool mm_view_frozen(const mm_view *view) {
  return __atomic_load_n(&view->frozen, __ATOMIC_ACQUIRE);
}

/* Storing a byte over itself makes a page a copy of its own. It must be a store that no compiler
** takes away and that loses nothing another thread reads: a compare-and-swap is both. Who has the
** pin reads the page meanwhile, always the same bytes: no race, which ThreadSanitizer cannot
** know. */
__attribute__((no_sanitize("thread"))) static void freeze_page(uint8_t *page) {
  uint8_t byte = __atomic_load_n(page, __ATOMIC_RELAXED);
  (void)__atomic_compare_exchange_n(page, &byte, byte, false, __ATOMIC_SEQ_CST, __ATOMIC_RELAXED);
}

static void freeze_range(mm_view *view, uint64_t low, uint64_t high) {
  uint64_t step = mm_os.page_size();
  for (uint64_t at = mm_sys_page_down(low); at < high; at += step) freeze_page(view->base + at);
}

/* A cut takes even copied pages away, so those past the new end move to memory of their own. */
static int save_cut(mm_view *view, uint64_t new_size, mm_error *err) {
  uint64_t from = mm_sys_page_down(view->pinned_low), high = view->pinned_high;
  if (from < mm_sys_page_up(new_size)) from = mm_sys_page_up(new_size);
  if (from >= high) return MM_OK;
  size_t size = (size_t)(mm_sys_page_up(high) - from);
  void *copy = NULL;
  int failed = mm_os.map(&copy, size, MM_PROT_READ | MM_PROT_WRITE, -1, 0, false);
  if (failed) return mm_fail_errno(err, MM_NOMEM, -failed, "cannot keep a blob that is in use");
  memcpy(copy, view->base + from, (size_t)(high - from));
  failed = mm_os.move_map(copy, size, view->base + from);
  if (failed) {
    (void)mm_os.unmap(copy, size);
    return mm_fail_errno(err, MM_NOMEM, -failed, "cannot keep a blob that is in use");
  }
  return MM_OK;
}

static int freeze_view(mm_view *view, const mm_change *change, mm_error *err) {
  uint64_t low = view->pinned_low, high = view->pinned_high;
  int rc = mm_view_make_writable(view, err);
  __atomic_store_n(&view->frozen, true, __ATOMIC_RELEASE);
  mm_change_walk walk = {.change = change};
  mm_extent extent;
  while (rc == MM_OK && mm_change_next(&walk, &extent)) {
    uint64_t from = mm_max(extent.offset, low), to = mm_min(extent.offset + extent.size, high);
    if (from < to) freeze_range(view, from, to);
  }
  if (rc == MM_OK && change->new_size < high && change->new_size < change->old_size) {
    /* The last page stays, but what it has past the end becomes zeros. */
    if (mm_sys_page_up(change->new_size) > low)
      freeze_range(view, change->new_size, change->new_size + 1);
    rc = save_cut(view, change->new_size, err);
  }
  return rc;
}

static int freeze(uint64_t device, uint64_t inode, const mm_change *change, mm_error *err) {
  int rc = MM_OK;
  for (mm_view *view = pinned_views; view && rc == MM_OK; view = view->next) {
    if (view->device == device && view->inode == inode) rc = freeze_view(view, change, err);
  }
  return rc;
}

int mm_view_freeze(uint64_t device, uint64_t inode, const mm_change *change, mm_error *err) {
  lock_pins();
  int rc = freeze(device, inode, change, err);
  unlock_pins();
  return rc;
}

int mm_view_write_begin(mm_view_writing *writing, uint64_t device, uint64_t inode,
                        const mm_change *change, mm_error *err) {
  lock_pins();
  int rc = freeze(device, inode, change, err);
  if (rc == MM_OK) {
    *writing = (mm_view_writing){device, inode, writings};
    writings = writing;
  }
  unlock_pins();
  return rc;
}

void mm_view_write_end(mm_view_writing *writing) {
  lock_pins();
  mm_view_writing **link = &writings;
  while (*link && *link != writing) link = &(*link)->next;
  if (*link) *link = writing->next;
  unlock_pins();
}
