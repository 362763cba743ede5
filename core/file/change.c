#include "core/file/change.h"

#include <errno.h>
#include <string.h>

#include "core/common/least.h"
#include "core/common/mem.h"
#include "core/os/sys.h"

/* Fewer zeros than this are written: making a hole of them would cost more than it saves. */
#define HOLE_MIN 65536u

void mm_change_clear(mm_change *change) {
  for (size_t i = 0; i < change->buffer_count; i++) mm_free(change->buffers[i]);
  mm_free(change->buffers);
  mm_free(change->extents);
  mm_free(change->holes);
  memset(change, 0, sizeof *change);
}

bool mm_change_next(mm_change_walk *walk, mm_extent *piece) {
  while (!mm_pieces_next(&walk->pieces, piece)) {
    if (walk->next == walk->change->count) return false;
    walk->pieces = mm_extent_pieces(&walk->change->extents[walk->next++]);
  }
  return true;
}

int mm_change_worked(const mm_change *change, uint64_t bytes, mm_error *err) {
  int stop = mm_pace_stops(change->pace, bytes);
  return stop ? mm_fail_stopped(err, stop) : MM_OK;
}

/* The kernel sends SIGXFSZ, which kills the host, for a write or a growth that starts past the
** limit. */
static int check_limit_of(uint64_t limit, uint64_t end, const char *name, mm_error *err) {
  if (end <= limit) return MM_OK;
  return mm_fail(err, MM_FULL, "cannot write '%s' up to %llu: the file size limit is %llu bytes",
                 name, (unsigned long long)end, (unsigned long long)limit);
}

static int check_limit(uint64_t end, const char *name, mm_error *err) {
  return check_limit_of(mm_os.file_size_limit(), end, name, err);
}

/* One past the last byte that the change writes. */
static uint64_t end_of_extents(const mm_change *change) {
  if (!change->count) return 0;
  const mm_extent *last = &change->extents[change->count - 1];
  return last->offset + last->size;
}

static uint64_t furthest(const mm_change *change) {
  uint64_t end = end_of_extents(change);
  return change->new_size > change->old_size && change->new_size > end ? change->new_size : end;
}

/* What is known of the file's holes as its extents are gone along: from the one that was asked for
** last up to `next`, the first hole behind it or the file's end, all has room. */
typedef struct hole_walk {
  uint64_t next;
  bool untold; /* the system cannot tell */
} hole_walk;

static void find_hole(hole_walk *holes, const mm_change *change, uint64_t offset, int fd) {
  int64_t hole = offset < change->old_size ? mm_os.next_hole(fd, offset) : INT64_MAX;
  holes->untold = hole < 0;
  holes->next = holes->untold ? 0 : mm_min((uint64_t)hole, change->old_size);
}

/* Does an extent need no reservation? Each stretch of the file is asked for once: the way to the
** next hole may lead through all of it. */
static bool lies_before_hole(hole_walk *holes, const mm_change *change, const mm_extent *extent,
                             int fd) {
  uint64_t end = extent->offset + extent->size;
  if (end <= holes->next) return true;
  if (!holes->untold && extent->offset > holes->next) find_hole(holes, change, extent->offset, fd);
  return end <= holes->next;
}

/* Remember the holes of all pages that the extent touches: they are what its reservation fills. */
static int note_holes(mm_change *change, const mm_extent *extent, int fd, mm_error *err) {
  uint64_t end = extent->offset + extent->size;
  uint64_t at = mm_sys_page_down(extent->offset);
  uint64_t to = mm_sys_page_up(end < change->old_size ? end : change->old_size);
  for (uint64_t start; mm_sys_hole(fd, at, to, &start, &at);) {
    void *holes = change->holes;
    if (mm_grow(&holes, change->hole_count, &change->hole_capacity, sizeof *change->holes)) {
      return mm_fail_nomem(err);
    }
    change->holes = holes;
    change->holes[change->hole_count++] = (mm_change_hole){start, at - start};
  }
  return MM_OK;
}

static uint64_t room_of(int fd) {
  mm_stat stat;
  return mm_os.status(fd, &stat) < 0 ? 0 : stat.room;
}

static int reserve_bytes(const mm_extent *extent, int fd, bool *touched, const char *name,
                         mm_error *err) {
  int rc = mm_os.reserve(fd, extent->offset, extent->size);
  *touched = true;
  if (rc >= 0 || rc == -EOPNOTSUPP) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot reserve %llu bytes for '%s'",
                       (unsigned long long)extent->size, name);
}

/* Room that somebody else has reserved in a hole is his: it looks like a hole all the same. */
static int reserve_inside(mm_change *change, const mm_extent *extent, int fd, const char *name,
                          mm_error *err) {
  size_t count = change->hole_count;
  int rc = note_holes(change, extent, fd, err);
  if (rc != MM_OK) return rc;
  uint64_t before = room_of(fd);
  rc = reserve_bytes(extent, fd, &change->reserved, name, err);
  if (rc == MM_OK && room_of(fd) <= before) change->hole_count = count;
  return rc;
}

/* The calls for an extent take as long as so many bytes. */
#define RESERVE_WORK ((uint64_t)16 << 10)

static int reserve_extent(mm_change *change, const mm_extent *extent, hole_walk *holes, int fd,
                          const char *name, mm_error *err) {
  bool written = extent->data || extent->size < HOLE_MIN;
  if (!written || lies_before_hole(holes, change, extent, fd)) return MM_OK;
  int rc = mm_change_worked(change, RESERVE_WORK, err);
  if (rc != MM_OK) return rc;
  return extent->offset < change->old_size
             ? reserve_inside(change, extent, fd, name, err)
             : reserve_bytes(extent, fd, &change->reserved, name, err);
}

/* Growth without bytes is a hole, and nothing is reserved that could fail. */
static int check_growth(const mm_change *change, int fd, const char *name, mm_error *err) {
  if (change->new_size <= change->old_size) return MM_OK;
  int rc = mm_os.can_hold(fd, change->new_size);
  if (rc >= 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot resize '%s' to %llu bytes", name,
                       (unsigned long long)change->new_size);
}

/* Blocks are of this many bytes at least. */
#define BLOCK_MIN 512u
#define FEW_EXTENTS 4u

/* Has each byte of an extent of BLOCK_MIN bytes at most room? It lies in two blocks at most. */
static bool has_room(const mm_extent *extent, int fd) {
  uint64_t last = extent->offset + extent->size - 1;
  if (mm_os.next_data(fd, extent->offset) != (int64_t)extent->offset) return false;
  return extent->offset / BLOCK_MIN == last / BLOCK_MIN ||
         mm_os.next_data(fd, last) == (int64_t)last;
}

/* A few small ones are asked for one by one: the way to the next hole may lead through the whole
** file, which a file system in memory goes page by page. */
static bool few_have_room(const mm_change *change, int fd) {
  mm_change_walk walk = {.change = change};
  mm_extent extents[FEW_EXTENTS + 1];
  size_t count = 0;
  while (count <= FEW_EXTENTS && mm_change_next(&walk, &extents[count])) count++;
  if (count > FEW_EXTENTS) return false;
  for (size_t i = 0; i < count; i++) {
    bool small =
        extents[i].size <= BLOCK_MIN && extents[i].offset + extents[i].size <= change->old_size;
    if (!small || !has_room(&extents[i], fd)) return false;
  }
  return true;
}

/* Only bytes that will be written are reserved. Growth that no extent covers stays a hole: a file
** may be made sparse and larger than its disk. (Reading a hole through a mapping takes room where
** files lie in memory: mm_view_cover is for that.) */
int mm_change_reserve(mm_change *change, int fd, const char *name, mm_error *err) {
  change->limit = mm_os.file_size_limit();
  int rc = check_limit_of(change->limit, furthest(change), name, err);
  if (rc == MM_OK) rc = check_growth(change, fd, name, err);
  if (rc != MM_OK || few_have_room(change, fd)) return rc;
  hole_walk holes;
  find_hole(&holes, change, change->extents[0].offset, fd);
  mm_change_walk walk = {.change = change};
  mm_extent extent;
  while (rc == MM_OK && mm_change_next(&walk, &extent)) {
    rc = reserve_extent(change, &extent, &holes, fd, name, err);
  }
  if (rc != MM_OK) mm_change_unreserve(change, fd);
  return rc;
}

static bool is_zero(int fd, uint64_t offset, uint64_t size) {
  uint8_t piece[4096];
  for (uint64_t done = 0, n; done < size; done += n) {
    n = size - done < sizeof piece ? size - done : sizeof piece;
    int rc = mm_sys_read_all(fd, piece, n, offset + done);
    if (rc) return false;
    for (uint64_t i = 0; i < n; i++) {
      if (piece[i]) return false;
    }
  }
  return true;
}

/* Zeros become a hole again, so that whoever has written something else there since, without a
** lock, keeps it. */
static void make_hole_again(const mm_change *change, const mm_change_hole *hole, int fd) {
  uint64_t end = hole->offset + hole->size;
  uint64_t inside = end < change->old_size ? end : change->old_size;
  if (hole->offset < inside && !is_zero(fd, hole->offset, inside - hole->offset)) return;
  (void)mm_os.zero(fd, hole->offset, hole->size);
}

/* Blocks past the end belong to the file until it is cut, if only to the size that it has: without
** this a full disk would stay full after the commit that found it so was undone. */
void mm_change_unreserve(mm_change *change, int fd) {
  mm_stat stat;
  bool past = end_of_extents(change) > change->old_size;
  if (!past && change->hole_count == 0) return;
  if (mm_os.status(fd, &stat) < 0 || stat.size != change->old_size) return;
  if (past) (void)mm_os.resize(fd, change->old_size);
  for (size_t i = 0; i < change->hole_count; i++) make_hole_again(change, &change->holes[i], fd);
  change->hole_count = 0;
}

int mm_change_fail_mapped(const char *name, uint64_t size, mm_error *err) {
  return mm_fail(err, MM_BUSY,
                 "'%s' cannot be cut to %llu bytes: another connection or program has it mapped",
                 name, (unsigned long long)size);
}

static int resize(int fd, uint64_t size, const char *name, mm_error *err) {
  int rc = mm_os.resize(fd, size);
  if (rc >= 0) return MM_OK;
  if (rc == -EBUSY) return mm_change_fail_mapped(name, size, err);
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot resize '%s' to %llu bytes", name,
                       (unsigned long long)size);
}

static int size_now(int fd, uint64_t *size, const char *name, mm_error *err) {
  mm_stat stat;
  int rc = mm_os.status(fd, &stat);
  if (rc < 0) return mm_fail_errno(err, MM_IOERR, -rc, "cannot read the size of '%s'", name);
  *size = stat.size;
  return MM_OK;
}

int mm_change_begin(int fd, uint64_t new_size, const char *name, mm_error *err) {
  uint64_t size = 0;
  int rc = size_now(fd, &size, name, err);
  if (rc != MM_OK || size >= new_size) return rc;
  rc = check_limit(new_size, name, err);
  return rc == MM_OK ? resize(fd, new_size, name, err) : rc;
}

static int write_zeros(int fd, uint64_t offset, uint64_t size) {
  static uint8_t zeros[HOLE_MIN]; /* never written; not const, so that it takes no room on disk */
  int rc = 0;
  while (rc == 0 && size > 0) {
    uint64_t n = size < sizeof zeros ? size : sizeof zeros;
    rc = mm_sys_write_all(fd, zeros, n, offset);
    offset += n;
    size -= n;
  }
  return rc;
}

/* A hole inside the file leaves its size as it is. Where none can be made, for whatever reason,
** writing zeros does the same. */
static int put_zeros(int fd, uint64_t offset, uint64_t size) {
  if (size >= HOLE_MIN && mm_os.zero(fd, offset, size) >= 0) return 0;
  return write_zeros(fd, offset, size);
}

static int put_extent(int fd, uint64_t offset, const uint8_t *data, uint64_t size, const char *name,
                      mm_error *err) {
  int rc = data ? mm_sys_write_all(fd, data, size, offset) : put_zeros(fd, offset, size);
  if (rc == 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot write %llu bytes at %llu of '%s'",
                       (unsigned long long)size, (unsigned long long)offset, name);
}

int mm_change_extent(int fd, uint64_t offset, const uint8_t *data, uint64_t size, const char *name,
                     mm_error *err) {
  int rc = check_limit(offset + size, name, err);
  return rc == MM_OK ? put_extent(fd, offset, data, size, name, err) : rc;
}

static int make_durable(int fd, const char *name, mm_error *err) {
  int rc = mm_os.sync_data(fd);
  if (rc >= 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot make '%s' durable", name);
}

int mm_change_end(int fd, uint64_t new_size, bool durable, const char *name, mm_error *err) {
  uint64_t size = 0;
  int rc = size_now(fd, &size, name, err);
  if (rc == MM_OK && size > new_size) rc = resize(fd, new_size, name, err);
  if (rc == MM_OK && durable) rc = make_durable(fd, name, err);
  return rc;
}

static int apply_sized(const mm_change *change, int fd, const char *name, mm_error *err) {
  int rc = change->limit ? MM_OK : check_limit(furthest(change), name, err);
  mm_change_walk walk = {.change = change};
  mm_extent extent;
  while (rc == MM_OK && mm_change_next(&walk, &extent)) {
    rc = put_extent(fd, extent.offset, extent.data, extent.size, name, err);
  }
  return rc;
}

/* Of a change that leaves the size as it is, the size is not asked for. */
int mm_change_apply(const mm_change *change, int fd, bool durable, const char *name,
                    mm_error *err) {
  bool sized = change->old_size != change->new_size;
  int rc = sized ? mm_change_begin(fd, change->new_size, name, err) : MM_OK;
  if (rc == MM_OK) rc = apply_sized(change, fd, name, err);
  if (rc != MM_OK) return rc;
  if (sized) return mm_change_end(fd, change->new_size, durable, name, err);
  return durable ? make_durable(fd, name, err) : MM_OK;
}
