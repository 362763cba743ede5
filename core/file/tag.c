#include "core/file/tag.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/file/check.h"
#include "core/file/journal.h"
#include "core/os/lock.h"
#include "core/common/mem.h"
#include "core/os/path.h"
#include "core/os/sys.h"

#define PREFIX "sqlite-mmap-"
#define TRIES 1000
#define TAG_PAUSE ((int64_t)1000000) /* ns */

static int check_name(const char *tag, mm_error *err) {
  size_t size = strlen(tag);
  if (size == 0 || size > MM_TAG_MAX) {
    return mm_fail(err, MM_ERROR, "tag '%s' is not of 1 to %d bytes", tag, MM_TAG_MAX);
  }
  if (strchr(tag, '/')) return mm_fail(err, MM_ERROR, "tag '%s' has a '/' in it", tag);
  return MM_OK;
}

/* What all their files begin with, and its length. */
static int start_of_paths(char start[MM_PATH_MAX], size_t *size) {
  int rc = mm_os.shared_place(start, MM_PATH_MAX - sizeof PREFIX);
  if (rc) return rc;
  memcpy(start + strlen(start), PREFIX, sizeof PREFIX);
  *size = strlen(start);
  return 0;
}

/* Where memory has a name of its own, no file needs the tag's, which may be none for a file: its check
** will do. */
static int tag_file(const char *tag, char path[MM_PATH_MAX]) {
  size_t at;
  const uint8_t *bytes = (const uint8_t *)tag;
  int n, rc = start_of_paths(path, &at);
  if (rc) return rc;
  if (mm_os.traits & MM_TRAIT_NAMED_MEMORY) {
    n = snprintf(path + at, MM_PATH_MAX - at, "%016llx%016llx",
                 (unsigned long long)mm_check(1, bytes, strlen(tag)),
                 (unsigned long long)mm_check(2, bytes, strlen(tag)));
  } else {
    n = snprintf(path + at, MM_PATH_MAX - at, "%u-%s", mm_os.user(), tag);
  }
  return (size_t)n < MM_PATH_MAX - at ? 0 : -ENAMETOOLONG;
}

/* The descriptor may be of a file that its last user has just removed. */
static bool still_named(int fd, const char *path) {
  mm_stat open_file, named;
  return mm_os.status(fd, &open_file) == 0 && mm_os.status_link(path, &named) == 0 &&
         mm_stat_same_file(&open_file, &named);
}

/* A dead user's journal is not to be replayed into what begins anew. */
static int start_afresh(int fd, const char *path) {
  mm_error ignored;
  char *journal = mm_journal_path(path);
  if (!journal) return -ENOMEM;
  int rc = mm_journal_remove(journal, false, false, &ignored) ? -EIO : mm_os.resize(fd, 0);
  mm_free(journal);
  return rc;
}

/* One try. 1: joined; 2: alone; 0: somebody was just coming or going; or a negated errno. */
static int try_join(const char *path, int *fd) {
  int flags = MM_OPEN_READ | MM_OPEN_WRITE | MM_OPEN_CREATE | MM_OPEN_NOFOLLOW;
  int opened = mm_os.open(-1, path, flags, 0600);
  if (opened < 0) return opened;
  bool alone = mm_lock_alive(opened, MM_LOCK_EXCLUSIVE);
  bool joined = alone || mm_lock_alive(opened, MM_LOCK_SHARED);
  mm_stat stat;
  int failed = mm_os.status(opened, &stat);
  bool foreign = failed == 0 && (stat.kind != MM_KIND_FILE || stat.user != mm_os.user());
  if (foreign) failed = -EPERM;
  if (failed == 0 && joined && still_named(opened, path)) {
    if (alone) failed = start_afresh(opened, path);
    if (failed == 0) {
      *fd = opened;
      return alone ? 2 : 1;
    }
  }
  (void)mm_os.close(opened);
  return failed;
}

int mm_tag_open(const char *tag, int *fd, char **path, bool *made, mm_error *err) {
  char name[MM_PATH_MAX];
  int rc = check_name(tag, err);
  if (rc) return rc;
  int failed = tag_file(tag, name);
  if (failed) return mm_fail_errno(err, MM_CANTOPEN, -failed, "cannot open tag '%s'", tag);
  int state = 0;
  for (int i = 0; i < TRIES && state == 0; i++) {
    if (i > 0) mm_os.sleep(TAG_PAUSE);
    state = try_join(name, fd);
  }
  if (state <= 0) {
    return mm_fail_errno(err, MM_CANTOPEN, state ? -state : EAGAIN, "cannot open tag '%s'", tag);
  }
  *made = state == 2;
  *path = mm_strdup(name);
  return *path ? MM_OK : mm_fail_nomem(err);
}

int mm_tag_share(int fd, const char *tag, mm_error *err) {
  if (mm_lock_alive(fd, MM_LOCK_SHARED)) return MM_OK;
  return mm_fail(err, MM_IOERR, "cannot share tag '%s'", tag);
}

void mm_tag_leave(int fd, const char *path) {
  mm_error ignored;
  if (!path || !mm_lock_alive(fd, MM_LOCK_EXCLUSIVE)) return;
  char *journal = mm_journal_path(path);
  if (journal) (void)mm_journal_remove(journal, false, false, &ignored);
  mm_free(journal);
  if (still_named(fd, path)) (void)mm_os.remove(path);
}

bool mm_tag_is_path(const char *path) {
  char start[MM_PATH_MAX];
  size_t size;
  if (start_of_paths(start, &size)) return false;
  return strncmp(path, start, size) == 0 && path[size] && !strchr(path + size, '/');
}
