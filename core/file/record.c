#include "core/file/record.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/file/beside.h"
#include "core/file/check.h"
#include "core/file/tag.h"

/*
** The format. Numbers are little-endian; `check` is XXH64 of the bytes named, with the seed named.
**
**   header, 48 bytes
**      0  8  magic "mmapcmit"
**      8  4  version, 1
**     12  4  zero
**     16  8  salt, random
**     24  8  number of files, at least 2
**     32  8  length of the record, all of it
**     40  8  check of bytes 0..39, seed: salt; and with that as the seed, of all bytes from 48 on
**
**   each file, 48 bytes and its name
**      0  8  salt of its journal
**      8  8  length of its journal
**     16  8  inode
**     24  8  birth time, ns since 1970; 0: not known
**     32  8  1: shared memory, which may be gone; else 0
**     40  8  length of the name, 1 to 12,288
**     48  …  the name: a path from the record's directory, no NUL behind it
*/
#define RECORD_VERSION 1
#define HEAD_SIZE ((size_t)48)
#define HEAD_CHECKED ((size_t)40)
#define FILE_SIZE ((size_t)48)
#define SIZE_LIMIT ((uint64_t)64 << 20)
#define FLAG_MEMORY 1u
#define DIGITS 16
#define NEW_SUFFIX ".new"

static const mm_beside_kind record_kind = {
    .what = "common record",
    .magic = {'m', 'm', 'a', 'p', 'c', 'm', 'i', 't'},
    .least = HEAD_SIZE,
    .advice = "the files that wait for it were not changed; do not remove it but with them",
};

/* ---- names ---------------------------------------------------------------------------------- */

/* Bytes of the directory that a path lies in, its '/' included. */
static size_t directory_size(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) + 1 : 0;
}

static char *concat(const char *start, size_t size, const char *end) {
  size_t more = strlen(end);
  char *text = mm_alloc(size + more + 1);
  if (!text) return NULL;
  memcpy(text, start, size);
  memcpy(text + size, end, more + 1);
  return text;
}

char *mm_record_path(const char *real, uint64_t salt) {
  char name[sizeof MM_RECORD_PREFIX + DIGITS];
  (void)snprintf(name, sizeof name, MM_RECORD_PREFIX "%016llx", (unsigned long long)salt);
  return concat(real, directory_size(real), name);
}

char *mm_record_relate(const char *from, const char *to) {
  size_t same = 0, up = 0, at = 0;
  for (size_t i = 0; from[i] && from[i] == to[i]; i++) {
    if (from[i] == '/') same = i + 1;
  }
  for (size_t i = same; from[i]; i++) up += from[i] == '/';
  char *path = mm_alloc(3 * up + strlen(to + same) + 1);
  if (!path) return NULL;
  if (same == 0) up = 0; /* no way leads from one top to another, but the whole path */
  /* NOLINTNEXTLINE(bugprone-not-null-terminated-result): what follows has an end */
  for (; up > 0; up--, at += 3) memcpy(path + at, "../", 3);
  memcpy(path + at, to + same, strlen(to + same) + 1);
  return path;
}

/* Is a name, of `size` bytes, below another top than `from`? Its top is taken then. */
static bool begins_elsewhere(const char *from, const char *name, size_t size, char *out,
                             size_t *top) {
  if (size >= MM_PATH_MAX) return false;
  memcpy(out, name, size);
  out[size] = 0;
  *top = mm_path_top(out);
  return *top && *top < size && (*top != mm_path_top(from) || memcmp(out, from, *top) != 0);
}

/* Where a path from the directory of `from` leads, into MM_PATH_MAX bytes. False: it is none that
** relate makes: absolute below the same top, empty, above the top, with a "." or an empty name in it,
** or too long. */
static bool lead_from(const char *from, const char *name, size_t size, char *out) {
  size_t at = directory_size(from), i = 0, top;
  if (at == 0 || at >= MM_PATH_MAX) return false;
  if (begins_elsewhere(from, name, size, out, &top)) {
    at = i = top;
  } else {
    memcpy(out, from, at);
    top = mm_path_top(from);
  }
  while (i < size) {
    const char *slash = memchr(name + i, '/', size - i);
    size_t length = slash ? (size_t)(slash - name) - i : size - i;
    bool up = length == 2 && !memcmp(name + i, "..", 2);
    if (length == 0 || (length == 1 && name[i] == '.')) return false;
    if (up && (at == top || !slash)) return false;
    if (up) {
      for (at--; out[at - 1] != '/'; at--) {}
    } else {
      if (at + length + 1 >= MM_PATH_MAX) return false;
      memcpy(out + at, name + i, length);
      at += length;
      if (slash) out[at++] = '/';
    }
    i += length + (slash ? 1 : 0);
    if (slash && i == size) return false;
  }
  out[at] = 0;
  return size > 0;
}

static bool is_record_name(const char *path, uint64_t salt) {
  char name[sizeof MM_RECORD_PREFIX + DIGITS];
  (void)snprintf(name, sizeof name, MM_RECORD_PREFIX "%016llx", (unsigned long long)salt);
  return strcmp(path + directory_size(path), name) == 0;
}

/* Is the directory that a path lies in where it seems to be, so that what is below the root by its
** name is so indeed? 1, 0, or a negated errno. */
static int is_without_links(const char *path) {
  char directory[MM_PATH_MAX], real[MM_PATH_MAX];
  size_t size = mm_path_directory(path);
  memcpy(directory, path, size);
  directory[size] = 0;
  int fd = mm_os.open(-1, directory, MM_OPEN_PATH | MM_OPEN_DIRECTORY, 0);
  if (fd < 0) return fd;
  int rc = mm_os.path_of(fd, real, sizeof real);
  (void)mm_os.close(fd);
  return rc < 0 ? rc : strcmp(real, directory) == 0;
}

static bool in_root(const mm_root *root, const char *path) {
  size_t size = root && root->path ? strlen(root->path) : 0;
  if (size > 0 && root->path[size - 1] == '/') size--; /* it is a top */
  if (size == 0) return true;
  return strncmp(path, root->path, size) == 0 && path[size] == '/';
}

/* ---- write ---------------------------------------------------------------------------------- */

/* The bytes of a record, the caller's. `names`: of the files, as they stand in it. */
static uint8_t *compose(uint64_t salt, const mm_record_file *files, char *const *names,
                        size_t count, size_t *size) {
  *size = HEAD_SIZE;
  for (size_t i = 0; i < count; i++) *size += FILE_SIZE + strlen(names[i]);
  uint8_t *bytes = mm_alloc_zeroed(*size);
  if (!bytes) return NULL;
  uint8_t *at = bytes + HEAD_SIZE;
  for (size_t i = 0; i < count; i++) {
    const mm_record_file *file = &files[i];
    size_t name = strlen(names[i]);
    const uint64_t numbers[] = {
        file->salt, file->length, file->inode, file->birth, file->memory ? FLAG_MEMORY : 0, name};
    for (size_t k = 0; k < 6; k++) mm_store64(at + 8 * k, numbers[k]);
    memcpy(at + FILE_SIZE, names[i], name);
    at += FILE_SIZE + name;
  }
  memcpy(bytes, record_kind.magic, MM_BESIDE_MAGIC);
  const uint64_t numbers[] = {RECORD_VERSION, salt, count, *size};
  for (size_t k = 0; k < 4; k++) mm_store64(bytes + 8 + 8 * k, numbers[k]);
  return bytes;
}

static uint64_t seal_of(const uint8_t *bytes, size_t size) {
  uint64_t head = mm_check(mm_load64(bytes + 16), bytes, HEAD_CHECKED);
  return mm_check(head, bytes + HEAD_SIZE, size - HEAD_SIZE);
}

/* Who may read one of the files may read that the transaction was committed: their group, if all
** have the same and it can be given, and everybody. Where a list says more than the modes, who may
** read the first such file. Nobody else may write it, and whoever made it stays its owner. */
static int open_to_readers(int fd, const mm_record_file *files, size_t count) {
  uint32_t mode = 0600, group = files[0].group;
  const int *listed = NULL;
  bool same = true;
  for (size_t i = 0; i < count; i++) {
    mode |= files[i].mode & 0444;
    same = same && files[i].group == group;
    if (!listed && mm_beside_has_list(files[i].file)) listed = files[i].file;
  }
  same = same && mm_os.set_owner(fd, mm_os.user(), group) >= 0;
  if (listed) return mm_os.take_access(fd, *listed, true);
  if (!same) mode = 0600 | (mode & 04) * 011;
  return mm_os.set_mode(fd, mode);
}

/* What a record is to be written from. */
typedef struct sealed {
  const uint8_t *bytes;
  size_t size;
  const mm_record_file *files;
  size_t count;
} sealed;

/* Write the bytes under the name `fresh`, make them durable and call them `path`. *named: that may
** have been done. */
static int write_and_name(const char *fresh, const char *path, const sealed *record, bool durable,
                          bool *named, mm_error *err) {
  int fd, rc = mm_beside_create(&record_kind, fresh, NULL, &fd, err);
  if (rc) return rc;
  int failed = open_to_readers(fd, record->files, record->count);
  if (failed >= 0) failed = mm_sys_write_all(fd, record->bytes, record->size, 0);
  if (failed >= 0 && durable) failed = mm_os.sync(fd);
  (void)mm_os.close(fd);
  *named = failed >= 0;
  if (failed >= 0) failed = mm_os.rename(fresh, path);
  if (failed < 0) {
    mm_fail_errno(err, MM_IOERR, -failed, "cannot write the common record '%s'", path);
    (void)mm_os.remove(fresh);
    return err->code;
  }
  return durable ? mm_beside_make_name_durable(path, err) : MM_OK;
}

static int write_sealed(const char *path, const sealed *record, bool durable, mm_error *err) {
  mm_error worse;
  bool named = false;
  int rc = mm_beside_check_length(&record_kind, path, record->size, err);
  char *fresh = concat(path, strlen(path), NEW_SUFFIX);
  if (rc == MM_OK && !fresh) rc = mm_fail_nomem(err);
  if (rc == MM_OK) rc = write_and_name(fresh, path, record, durable, &named, err);
  mm_free(fresh);
  if (rc && named && mm_record_remove(path, true, durable, &worse)) {
    *err = worse;
    return worse.code;
  }
  return rc;
}

static int write_named(const char *path, uint64_t salt, const mm_record_file *files, size_t count,
                       char **names, bool durable, mm_error *err) {
  size_t size;
  for (size_t i = 0; i < count; i++) {
    names[i] = mm_record_relate(path, files[i].real);
    if (!names[i]) return mm_fail_nomem(err);
  }
  uint8_t *bytes = compose(salt, files, names, count, &size);
  if (!bytes) return mm_fail_nomem(err);
  mm_store64(bytes + HEAD_CHECKED, seal_of(bytes, size));
  const sealed record = {bytes, size, files, count};
  int rc = size <= SIZE_LIMIT ? write_sealed(path, &record, durable, err)
                              : mm_fail(err, MM_TOOBIG, "too many files for one transaction");
  mm_free(bytes);
  return rc;
}

int mm_record_write(const char *path, uint64_t salt, const mm_record_file *files, size_t count,
                    bool durable, mm_error *err) {
  char **names = mm_alloc_zeroed(count * sizeof *names);
  if (!names) return mm_fail_nomem(err);
  int rc = write_named(path, salt, files, count, names, durable, err);
  for (size_t i = 0; i < count; i++) mm_free(names[i]);
  mm_free(names);
  return rc;
}

int mm_record_remove(const char *path, bool roll_back, bool durable, mm_error *err) {
  bool harmless = roll_back && mm_beside_empty_path(&record_kind, path, durable) == 0;
  if (!roll_back && durable && mm_beside_names_return()) {
    /* Half of one would be damage to those that still hang on it. */
    int rc = mm_beside_cut_path(path);
    if (rc < 0) return mm_fail_errno(err, MM_IOERR, -rc, "cannot empty '%s'", path);
    harmless = true;
  }
  return mm_beside_remove(&record_kind, path, harmless, durable, err);
}

/* ---- read ----------------------------------------------------------------------------------- */

typedef struct listed {
  uint64_t salt, length, inode, birth, flags;
  const char *name;
  size_t name_size;
} listed;

/* The next file of a record; *at moves on. False: it breaks a rule. */
static bool next_listed(const uint8_t *bytes, size_t size, size_t *at, listed *out) {
  if (size - *at < FILE_SIZE) return false;
  const uint8_t *p = bytes + *at;
  *out = (listed){mm_load64(p),
                  mm_load64(p + 8),
                  mm_load64(p + 16),
                  mm_load64(p + 24),
                  mm_load64(p + 32),
                  (const char *)p + FILE_SIZE,
                  0};
  uint64_t name = mm_load64(p + 40);
  if (name < 1 || name > MM_JOURNAL_RECORD_MAX || name > size - *at - FILE_SIZE) return false;
  out->name_size = (size_t)name;
  *at += FILE_SIZE + out->name_size;
  return out->flags <= FLAG_MEMORY && !memchr(out->name, 0, out->name_size);
}

/* Does it keep all rules? */
static bool is_whole(const uint8_t *bytes, size_t size, uint64_t salt) {
  size_t at = HEAD_SIZE;
  listed m;
  if (size < HEAD_SIZE || memcmp(bytes, record_kind.magic, MM_BESIDE_MAGIC) != 0 ||
      mm_load64(bytes + 8) != RECORD_VERSION || mm_load64(bytes + 16) != salt ||
      mm_load64(bytes + 32) != size || mm_load64(bytes + HEAD_CHECKED) != seal_of(bytes, size)) {
    return false;
  }
  uint64_t count = mm_load64(bytes + 24), i = 0;
  while (i < count && next_listed(bytes, size, &at, &m)) i++;
  return count >= 2 && i == count && at == size;
}

static bool find_listed(const mm_record *record, uint64_t salt, listed *out) {
  size_t at = HEAD_SIZE;
  for (size_t i = 0; i < record->count; i++) {
    if (!next_listed(record->bytes, record->size, &at, out)) return false;
    if (out->salt == salt) return true;
  }
  return false;
}

static int read_bytes(const mm_beside *found, mm_record *out, mm_error *err) {
  out->size = (size_t)found->stat.size;
  out->bytes = mm_alloc(out->size);
  if (!out->bytes) return mm_fail_nomem(err);
  int rc = mm_sys_read_all(found->fd, out->bytes, out->size, 0);
  if (rc >= 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot read the common record '%s'", out->path);
}

/* Nobody but its maker may write it. */
static int check_found(const mm_record *record, const mm_beside *found, mm_error *err) {
  static const mm_stat nobody = {.mode = 0};
  if (!mm_beside_writable_by_more(&found->stat, &nobody)) return MM_OK;
  return mm_beside_refuse(&record_kind, record->path, "can be written by others", err);
}

/* Root's is good: who commits for others gives them the journals, but not what is all of
** theirs. */
#define ROOT ((uint32_t)0)

/* Read what is under out->path. *whole: it is there, and good. */
static int load(const mm_stat *file, mm_record *out, bool *whole, mm_error *err) {
  mm_beside found;
  mm_stat anybody = *file;
  *whole = false;
  anybody.mode |= 022; /* who may write it is asked more strictly below */
  int rc = mm_beside_open(&record_kind, out->path, &anybody, ROOT, &found, err);
  if (rc || !found.found || found.stat.size == 0) return rc;
  bool large = found.stat.size > SIZE_LIMIT;
  if (found.fd >= 0 && !large) {
    rc = check_found(out, &found, err);
    if (rc == MM_OK) rc = read_bytes(&found, out, err);
  }
  if (found.fd >= 0) (void)mm_os.close(found.fd);
  if (rc) return rc;
  if (!out->bytes || !is_whole(out->bytes, out->size, out->salt)) {
    return mm_beside_refuse(&record_kind, out->path, "is damaged", err);
  }
  out->count = (size_t)mm_load64(out->bytes + 24);
  *whole = true;
  return MM_OK;
}

void mm_record_clear(mm_record *record) {
  mm_free(record->path);
  mm_free(record->bytes);
  *record = (mm_record){.path = NULL};
}

/* Where the record of a journal is; MM_CORRUPT if that can be none. */
static int locate(const char *journal, const mm_journal *in_doubt, const mm_root *root,
                  mm_record *out, mm_error *err) {
  char path[MM_PATH_MAX];
  const char *name = in_doubt->record;
  out->salt = in_doubt->record_salt;
  if (!lead_from(journal, name, strlen(name), path) || !is_record_name(path, out->salt)) {
    return mm_beside_refuse(&mm_journal_kind, journal, "names no common record", err);
  }
  if (!in_root(root, path)) {
    return mm_fail(err, MM_PERM, "the common record '%s' is outside the root '%s'", path,
                   root->path);
  }
  int straight = is_without_links(path);
  if (straight == 0) return mm_beside_refuse(&record_kind, path, "lies behind a link", err);
  if (straight < 0 && !mm_beside_none(straight)) {
    return mm_fail_errno(err, MM_CANTOPEN, -straight, "cannot open the common record '%s'", path);
  }
  out->path = mm_strdup(path);
  return out->path ? MM_OK : mm_fail_nomem(err);
}

/* ---- what is left of one that was not made, or is undone ------------------------------------- */

/* Is it ours to remove: empty, or a record of that salt? */
static bool is_left_over(const char *path, uint64_t salt) {
  uint8_t start[24];
  mm_stat stat;
  if (mm_os.status_link(path, &stat) < 0 || stat.kind != MM_KIND_FILE || stat.links > 1)
    return false;
  if (stat.size == 0) return true;
  int fd = mm_os.open(-1, path, MM_OPEN_READ | MM_OPEN_NOFOLLOW, 0);
  if (fd < 0) return false;
  int rc = mm_sys_read_all(fd, start, sizeof start, 0);
  (void)mm_os.close(fd);
  return rc == 0 && !memcmp(start, record_kind.magic, MM_BESIDE_MAGIC) &&
         mm_load64(start + 16) == salt;
}

/* What was never made, or undone, is to stay so: an fsync may have failed, or not come, and a record
** that a loss of power brings back would find the journal gone. */
static int make_sure_it_is_gone(const mm_record *record, mm_error *err) {
  char *fresh = concat(record->path, strlen(record->path), NEW_SUFFIX);
  if (!fresh) return mm_fail_nomem(err);
  if (is_left_over(fresh, record->salt)) (void)mm_os.remove(fresh);
  mm_free(fresh);
  int failed = mm_beside_empty_path(&record_kind, record->path, true);
  if (failed >= 0 && is_left_over(record->path, record->salt)) (void)mm_os.remove(record->path);
  if (failed >= 0) failed = mm_beside_sync_directory(record->path);
  if (failed >= 0 || mm_beside_none(failed)) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -failed, "cannot sync the common record '%s'", record->path);
}

/* There is no record. That says that the transaction was never committed only if we have looked where
** it would be: not where another file system is mounted now, or the file was moved away from it. */
static int check_directory(const char *journal, const mm_journal *in_doubt, const mm_record *record,
                           mm_error *err) {
  mm_beside_place now;
  int rc = mm_beside_place_of(record->path, &now);
  if (rc < 0 && !mm_beside_none(rc)) {
    return mm_fail_errno(err, MM_CANTOPEN, -rc, "cannot open the directory of '%s'", record->path);
  }
  uint64_t birth = in_doubt->place.birth;
  bool same = !in_doubt->place.inode || (rc >= 0 && now.inode == in_doubt->place.inode &&
                                         (now.birth == birth || !now.birth || !birth));
  if (same) return MM_OK;
  return mm_fail(err, MM_CORRUPT,
                 "the journal '%s' hangs on the common record '%s', whose directory is not there: "
                 "put the files back as they lay, or move the journal away",
                 journal, record->path);
}

int mm_record_open(const char *journal, const mm_journal *in_doubt, const mm_stat *file,
                   const mm_root *root, bool tidy, mm_record *out, bool *committed, mm_error *err) {
  listed own;
  *out = (mm_record){.path = NULL};
  *committed = false;
  int rc = locate(journal, in_doubt, root, out, err);
  if (rc == MM_OK) rc = load(file, out, committed, err);
  if (rc == MM_OK && *committed && !find_listed(out, in_doubt->salt, &own)) {
    rc = mm_beside_refuse(&record_kind, out->path, "does not name a journal that names it", err);
  }
  if (rc == MM_OK && !*committed) rc = check_directory(journal, in_doubt, out, err);
  if (rc == MM_OK && !*committed && tidy) rc = make_sure_it_is_gone(out, err);
  if (rc || !*committed) mm_record_clear(out);
  return rc;
}

/* ---- torn journals -------------------------------------------------------------------------- */

typedef struct torn_search {
  const char *journal;
  const mm_journal *torn;
  const mm_stat *file;
  const mm_root *root;
  bool found;
} torn_search;

/* Does a record speak of the torn journal? By its salt; by its file and length, if not even its
** header is whole: it may be longer, if it had stayed from before. */
static bool speaks_of(const mm_record *record, const torn_search *s) {
  size_t at = HEAD_SIZE;
  listed m;
  for (size_t i = 0; i < record->count && next_listed(record->bytes, record->size, &at, &m); i++) {
    if (m.salt == s->torn->salt) return true;
    bool cut = s->torn->size < mm_journal_kind.least; /* no writer leaves it so */
    bool may_be = m.length <= s->torn->size || cut;
    if (!s->torn->sealed && m.inode == s->file->inode && may_be) return true;
  }
  return false;
}

static bool look_at_record(torn_search *s, mm_record *record) {
  mm_error ignored;
  bool whole = false;
  if (load(s->file, record, &whole, &ignored) == MM_OK && whole) s->found = speaks_of(record, s);
  return !s->found;
}

static bool look_at_entry(void *context, const char *name, int kind) {
  torn_search *s = context;
  unsigned long long salt;
  char end;
  size_t prefix = sizeof MM_RECORD_PREFIX - 1;
  /* NOLINTNEXTLINE(cert-err34-c): so many digits fit */
  int found = sscanf(name, MM_RECORD_PREFIX "%16llx%c", &salt, &end);
  if (kind != MM_KIND_FILE || strlen(name) != prefix + DIGITS || found != 1) {
    return true;
  }
  mm_record record = {.path = concat(s->journal, directory_size(s->journal), name), .salt = salt};
  bool more = !record.path || look_at_record(s, &record);
  mm_record_clear(&record);
  return more;
}

int mm_record_check_torn(const char *journal, const mm_journal *torn, const mm_stat *file,
                         const mm_root *root, mm_error *err) {
  char directory[MM_PATH_MAX];
  mm_record record = {.path = NULL};
  torn_search s = {journal, torn, file, root, false};
  size_t size = mm_path_directory(journal);
  if (torn->size == 0) return MM_OK; /* it was emptied, or never got so far */
  int rc = torn->record ? locate(journal, torn, root, &record, err) : MM_CORRUPT;
  if (rc == MM_OK) (void)look_at_record(&s, &record);
  mm_record_clear(&record);
  if (rc == MM_PERM && torn->record_sealed) return rc;
  if (!s.found && size > 0 && size < sizeof directory) {
    memcpy(directory, journal, size);
    directory[size] = 0;
    (void)mm_os.list(-1, directory, look_at_entry, &s);
  }
  if (!s.found) return MM_OK;
  return mm_beside_refuse(&mm_journal_kind, journal, "was committed and is damaged", err);
}

/* ---- the other files ------------------------------------------------------------------------ */

enum listed_state { LISTED_DONE, LISTED_WAITS, LISTED_AWAY };

/* The path of the journal of one of the files, the caller's; NULL: it has no place that may be looked at, or
** there is no memory. */
static char *journal_of(const mm_record *record, const mm_root *root, const listed *m) {
  char path[MM_PATH_MAX];
  if (!lead_from(record->path, m->name, m->name_size, path)) return NULL;
  bool allowed = m->flags & FLAG_MEMORY ? mm_tag_is_path(path)
                                        : in_root(root, path) && is_without_links(path) == 1;
  return allowed ? mm_journal_path(path) : NULL;
}

/* Is the file still where the record says? */
static bool is_at_place(const char *journal, const listed *m) {
  mm_stat stat;
  char *path = concat(journal, strlen(journal) - (sizeof MM_JOURNAL_SUFFIX - 1), "");
  int fd = path ? mm_os.open(-1, path, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0) : -ENOMEM;
  mm_free(path);
  if (fd < 0) return false;
  uint64_t birth = (uint64_t)mm_os.birth(fd);
  bool same = mm_os.status(fd, &stat) == 0 && stat.inode == m->inode &&
              (birth == m->birth || !birth || !m->birth);
  (void)mm_os.close(fd);
  return same;
}

/* Its journal open for reading, if that still is the transaction's: *fd, else -1. False: it cannot be
** told. */
static bool open_journal_of(const char *journal, const listed *m, int *fd) {
  uint64_t salt;
  mm_stat stat;
  *fd = -1;
  int handle = mm_os.open(-1, journal, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  if (handle < 0) return mm_beside_none(handle);
  bool seen = mm_os.status(handle, &stat) == 0, regular = seen && stat.kind == MM_KIND_FILE;
  bool cut = regular && stat.size > 0 && stat.size < mm_journal_kind.least;
  int opened = regular ? mm_os.reopen(handle, MM_OPEN_READ) : -1;
  (void)mm_os.close(handle);
  if (opened < 0) return seen && !regular;
  int rc = cut ? -1 : mm_journal_salt_of(opened, stat.size, &salt);
  if (rc == 1 && salt == m->salt) {
    *fd = opened;
  } else {
    (void)mm_os.close(opened);
  }
  return rc >= 0;
}

static int state_of(const mm_record *record, const mm_root *root, const listed *m) {
  char *journal = journal_of(record, root, m);
  if (!journal) return LISTED_AWAY;
  int state = LISTED_AWAY;
  if (is_at_place(journal, m)) {
    int fd;
    bool told = open_journal_of(journal, m, &fd);
    state = told && fd < 0 ? LISTED_DONE : LISTED_WAITS;
    if (fd >= 0) (void)mm_os.close(fd);
  } else if ((m->flags & FLAG_MEMORY) && !mm_journal_exists(journal)) {
    state = LISTED_DONE;
  }
  mm_free(journal);
  return state;
}

static int sync_listed(const mm_record *record, const mm_root *root, const listed *m,
                       mm_error *err) {
  char *journal = journal_of(record, root, m);
  int rc = MM_OK, fd = -1;
  if (journal) (void)open_journal_of(journal, m, &fd);
  if (fd >= 0) {
    int failed = mm_os.sync(fd);
    (void)mm_os.close(fd);
    if (failed < 0) {
      rc = mm_fail_errno(err, MM_IOERR, -failed, "cannot sync the journal '%s'", journal);
    }
    if (rc == MM_OK) rc = mm_beside_make_name_durable(journal, err);
  }
  mm_free(journal);
  return rc;
}

static int sync_record(const mm_record *record, mm_error *err) {
  int fd = mm_os.open(-1, record->path, MM_OPEN_READ | MM_OPEN_NOFOLLOW, 0);
  int failed = fd < 0 ? fd : mm_os.sync(fd);
  if (fd >= 0) (void)mm_os.close(fd);
  if (failed < 0) {
    return mm_fail_errno(err, MM_IOERR, -failed, "cannot sync the common record '%s'",
                         record->path);
  }
  return mm_beside_make_name_durable(record->path, err);
}

/* Who recovers many files of one transaction, one after the other, is not to sync all of them for
** each, nor to look at all of them: what the process knows of the last record. */
static _Atomic uint64_t record_synced;  /* its check: it and its journals are durable */
static _Atomic uint64_t record_waiting; /* salt of the journal that was seen last to wait */

void mm_record_start_anew(void) {
  atomic_store(&record_synced, 0);
  atomic_store(&record_waiting, 0);
}

int mm_record_sync(const mm_record *record, const mm_root *root, mm_error *err) {
  size_t at = HEAD_SIZE;
  listed m;
  int rc = MM_OK;
  uint64_t check = mm_load64(record->bytes + HEAD_CHECKED);
  if (atomic_load(&record_synced) == check) return MM_OK;
  for (size_t i = 0; rc == MM_OK && i < record->count; i++) {
    if (!next_listed(record->bytes, record->size, &at, &m)) break;
    if (!(m.flags & FLAG_MEMORY)) rc = sync_listed(record, root, &m, err);
  }
  if (rc == MM_OK) rc = sync_record(record, err);
  if (rc == MM_OK) atomic_store(&record_synced, check);
  return rc;
}

static bool still_waits(const mm_record *record, const mm_root *root, uint64_t salt) {
  listed m;
  return find_listed(record, salt, &m) && state_of(record, root, &m) != LISTED_DONE;
}

/* Does another file wait? They are looked at from the one on that follows `replayed`, as files are
** often used in the order of their transaction. */
static bool any_waits(const mm_record *record, uint64_t replayed, const mm_root *root) {
  size_t at = HEAD_SIZE, i = 0;
  listed m = {.salt = 0};
  uint64_t last = atomic_load(&record_waiting);
  if (last != replayed && still_waits(record, root, last)) return true;
  while (i++ < record->count && next_listed(record->bytes, record->size, &at, &m)) {
    if (m.salt == replayed) break;
  }
  for (i = 0; i < record->count; i++) {
    if (at == record->size) at = HEAD_SIZE;
    if (!next_listed(record->bytes, record->size, &at, &m)) return true;
    if (m.salt == replayed || state_of(record, root, &m) == LISTED_DONE) continue;
    atomic_store(&record_waiting, m.salt);
    return true;
  }
  return false;
}

void mm_record_settle(const mm_record *record, uint64_t replayed, const mm_root *root) {
  mm_error ignored;
  if (!any_waits(record, replayed, root)) {
    (void)mm_record_remove(record->path, false, true, &ignored);
  }
}
