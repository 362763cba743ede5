#include "core/file/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/os/path.h"

/*
** The format. Numbers are little-endian; `check` is XXH64 of the bytes named, with the seed named.
**
**   header, 80 bytes, the same in every version
**      0  8  magic "mmapjrnl"
**      8  4  version, 1
**     12  4  zero
**     16  8  salt, random
**     24  8  inode of the file
**     32  8  its birth time, ns since 1970; 0: not known
**     40  8  size of the file before
**     48  8  size of the file after
**     56  8  number of records
**     64  8  length of the journal, all of it
**     72  8  check of bytes 0..71, seed: salt
**
**   each record, 32 bytes and its data
**      0  8  check of bytes 8 to the end of its data, seed: the check before in the journal
**      8  8  offset in the file, not before the end of the record before
**     16  8  length, at least 1; offset + length is at most the size after
**     24  8  1: zeros, no data follows; 0: `length` bytes follow, at most 256 KiB
**
**   commit record, 16 bytes
**      0  8  check of bytes 8..15, seed: the check before
**      8  8  magic "mmapdone"
**
** The checks are a chain from the salt to the commit record, so that each of them covers everything
** before it and no sector left over from another journal fits in. An extent longer than a record
** takes several: each is checked as a whole, in memory, before a byte of it is applied.
*/
#define VERSION 1
#define HEADER_SIZE ((size_t)80)
#define HEADER_CHECKED ((size_t)72)
#define RECORD_SIZE ((size_t)32)
#define COMMIT_SIZE ((size_t)16)
#define CHECK_SIZE ((size_t)8)
#define DATA_MAX ((size_t)256 * 1024)
#define BUFFER_MAX ((size_t)1024 * 1024)
#define FLAG_ZEROS 1u

static const uint8_t header_magic[8] = {'m', 'm', 'a', 'p', 'j', 'r', 'n', 'l'};
static const uint8_t commit_magic[8] = {'m', 'm', 'a', 'p', 'd', 'o', 'n', 'e'};

static uint32_t load32(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint64_t load64(const uint8_t *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
         (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

static void store64(uint8_t *p, uint64_t value) {
  for (int i = 0; i < 8; i++) p[i] = (uint8_t)(value >> (8 * i));
}

/*
** XXH64, written from Yann Collet's specification, "xxHash fast digest algorithm", version 0.2.0:
** https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
*/
#define PRIME1 0x9e3779b185ebca87u
#define PRIME2 0xc2b2ae3d27d4eb4fu
#define PRIME3 0x165667b19e3779f9u
#define PRIME4 0x85ebca77c2b2ae63u
#define PRIME5 0x27d4eb2f165667c5u

static inline uint64_t rotate(uint64_t value, unsigned bits) {
  return value << bits | value >> (64 - bits);
}

static inline uint64_t lane_round(uint64_t sum, uint64_t lane) {
  return rotate(sum + lane * PRIME2, 31) * PRIME1;
}

static inline uint64_t lane_merge(uint64_t sum, uint64_t lane_sum) {
  return (sum ^ lane_round(0, lane_sum)) * PRIME1 + PRIME4;
}

/* The stripes of 32 bytes; moves *data past them. */
static uint64_t check_stripes(uint64_t seed, const uint8_t **data, size_t stripes) {
  uint64_t a = seed + PRIME1 + PRIME2, b = seed + PRIME2, c = seed, d = seed - PRIME1;
  const uint8_t *p = *data;
  for (; stripes > 0; stripes--, p += 32) {
    a = lane_round(a, load64(p));
    b = lane_round(b, load64(p + 8));
    c = lane_round(c, load64(p + 16));
    d = lane_round(d, load64(p + 24));
  }
  *data = p;
  uint64_t sum = rotate(a, 1) + rotate(b, 7) + rotate(c, 12) + rotate(d, 18);
  return lane_merge(lane_merge(lane_merge(lane_merge(sum, a), b), c), d);
}

/* The last 0 to 31 bytes. */
static uint64_t check_rest(uint64_t sum, const uint8_t *p, size_t size) {
  for (; size >= 8; size -= 8, p += 8) {
    sum = rotate(sum ^ lane_round(0, load64(p)), 27) * PRIME1 + PRIME4;
  }
  for (; size >= 4; size -= 4, p += 4) {
    sum = rotate(sum ^ load32(p) * PRIME1, 23) * PRIME2 + PRIME3;
  }
  for (; size > 0; size--, p++) sum = rotate(sum ^ *p * PRIME5, 11) * PRIME1;
  return sum;
}

static uint64_t check_of(uint64_t seed, const uint8_t *data, size_t size) {
  uint64_t sum = size >= 32 ? check_stripes(seed, &data, size / 32) : seed + PRIME5;
  sum = check_rest(sum + size, data, size % 32);
  sum = (sum ^ sum >> 33) * PRIME2;
  sum = (sum ^ sum >> 29) * PRIME3;
  return sum ^ sum >> 32;
}

/* Names. */

char *mm_journal_path(const char *real) {
  size_t size = strlen(real);
  char *path = mm_alloc(size + sizeof MM_JOURNAL_SUFFIX);
  if (!path) return NULL;
  memcpy(path, real, size);
  path[size] = 0;
  memcpy(path + size, MM_JOURNAL_SUFFIX, sizeof MM_JOURNAL_SUFFIX);
  return path;
}

/* Errors that say that there is nothing under a name, rather than that it cannot be told. */
static bool means_none(int rc) {
  return rc == -ENOENT || rc == -ENOTDIR || rc == -ENAMETOOLONG;
}

bool mm_journal_exists(const char *journal) {
  mm_stat stat;
  return !means_none(mm_os.status_link(journal, &stat));
}

static int directory_of(const char *path, char *directory, size_t size) {
  const char *slash = strrchr(path, '/');
  size_t length = slash ? (size_t)(slash - path) : 1;
  if (length >= size) return -ENAMETOOLONG;
  memcpy(directory, slash ? path : ".", length);
  if (slash == path) directory[length++] = '/';
  directory[length] = 0;
  return 0;
}

/* EINVAL, EOPNOTSUPP: a file system whose directories need or know no fsync. */
static int sync_directory(const char *path) {
  char directory[MM_PATH_MAX + 1];
  int rc = directory_of(path, directory, sizeof directory);
  if (rc < 0) return rc;
  int fd = mm_os.open(-1, directory, MM_OPEN_READ | MM_OPEN_DIRECTORY, 0);
  if (fd < 0) return fd;
  rc = mm_os.sync(fd);
  (void)mm_os.close(fd);
  return rc == -EINVAL || rc == -EOPNOTSUPP ? 0 : rc;
}

static int fail_directory(const char *path, int rc, mm_error *err) {
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot sync the directory of '%s'", path);
}

int mm_journal_sync_directory(const char *path, mm_error *err) {
  int rc = sync_directory(path);
  return rc < 0 ? fail_directory(path, rc, err) : MM_OK;
}

/* Remove. */

/* Make sure that what is open as `fd` cannot be replayed, whoever finds it. */
static int empty(int fd, bool durable) {
  static const uint8_t nothing[HEADER_SIZE];
  int rc = mm_os.resize(fd, 0);
  if (rc < 0) rc = mm_sys_write_all(fd, nothing, sizeof nothing, 0);
  return rc >= 0 && durable ? mm_os.sync(fd) : rc;
}

/* What is no journal any more may be one still on the disk: an fsync may have failed before. */
static int empty_if_journal(int fd, bool durable) {
  uint8_t magic[sizeof header_magic];
  int rc = mm_sys_read_all(fd, magic, sizeof magic, 0);
  if (rc < 0 && rc != -ENODATA) return rc;
  if (rc == 0 && !memcmp(magic, header_magic, sizeof magic)) return empty(fd, durable);
  return durable ? mm_os.sync(fd) : 0;
}

/* The same by name. In a directory that others can write it may be anything: only a file that
** begins as a journal and has no other name is emptied. 0 if it can no longer be replayed. */
static int empty_path(const char *journal, bool durable) {
  mm_stat stat;
  int handle = mm_os.open(-1, journal, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  if (handle < 0) return means_none(handle) ? 0 : handle;
  int rc = mm_os.status(handle, &stat);
  if (rc >= 0 && (stat.kind != MM_KIND_FILE || stat.links > 1)) rc = -EPERM;
  int fd = rc < 0 ? rc : mm_os.reopen(handle, MM_OPEN_READ | MM_OPEN_WRITE);
  if (fd >= 0) {
    rc = empty_if_journal(fd, durable);
    (void)mm_os.close(fd);
  }
  (void)mm_os.close(handle);
  return fd < 0 ? fd : rc;
}

/* Take the name away. `harmless`: what it names cannot be replayed any more, so no failure
** matters. */
static int remove_name(const char *journal, bool harmless, bool durable, mm_error *err) {
  int rc = mm_os.remove(journal);
  if (rc < 0 && !means_none(rc)) {
    if (harmless || empty_path(journal, durable) == 0) return MM_OK;
    return mm_fail_errno(err, MM_IOERR, -rc, "cannot remove '%s', which may be replayed", journal);
  }
  rc = durable ? sync_directory(journal) : 0;
  return rc >= 0 || harmless || means_none(rc) ? MM_OK : fail_directory(journal, rc, err);
}

int mm_journal_remove(const char *journal, bool roll_back, bool durable, mm_error *err) {
  bool harmless = roll_back && empty_path(journal, durable) == 0;
  return remove_name(journal, harmless, durable, err);
}

/* Write. */

#define STOPPED 1

typedef struct writer {
  int fd;
  int rc; /* 0, or the negated errno of the first write that failed, or STOPPED: nothing is written
          ** after it */
  const mm_change *change;
  mm_error *err; /* set if STOPPED */
  uint8_t *buffer;
  size_t used, capacity;
  uint64_t offset; /* in the journal, of the buffer's first byte */
  uint64_t check;  /* the last one: seeds the next */
} writer;

static void writer_flush(writer *out) {
  if (out->rc == 0) out->rc = mm_sys_write_all(out->fd, out->buffer, out->used, out->offset);
  out->offset += out->used;
  out->used = 0;
}

/* The next `size` bytes of the journal, in the buffer; never more than fit in it. */
static uint8_t *writer_room(writer *out, size_t size) {
  if (size > out->capacity - out->used) writer_flush(out);
  uint8_t *room = out->buffer + out->used;
  out->used += size;
  return room;
}

/* Put the chain's next check in front of `size` bytes, its own included. */
static void writer_seal(writer *out, uint8_t *bytes, size_t size) {
  out->check = check_of(out->check, bytes + CHECK_SIZE, size - CHECK_SIZE);
  store64(bytes, out->check);
}

static void write_record(writer *out, uint64_t offset, const uint8_t *data, uint64_t size) {
  size_t bytes = RECORD_SIZE + (data ? (size_t)size : 0);
  uint8_t *record = writer_room(out, bytes);
  store64(record + 8, offset);
  store64(record + 16, size);
  store64(record + 24, data ? 0 : FLAG_ZEROS);
  if (data) memcpy(record + RECORD_SIZE, data, (size_t)size);
  writer_seal(out, record, bytes);
  if (out->rc == 0 && mm_change_worked(out->change, bytes, out->err)) out->rc = STOPPED;
}

static void write_extent(writer *out, const mm_extent *extent) {
  if (!extent->data) {
    write_record(out, extent->offset, NULL, extent->size);
    return;
  }
  for (uint64_t done = 0; done < extent->size && out->rc == 0; done += DATA_MAX) {
    uint64_t left = extent->size - done;
    uint64_t size = left < DATA_MAX ? left : DATA_MAX;
    write_record(out, extent->offset + done, extent->data + done, size);
  }
}

static void write_commit(writer *out) {
  uint8_t *commit = writer_room(out, COMMIT_SIZE);
  memcpy(commit + CHECK_SIZE, commit_magic, sizeof commit_magic);
  writer_seal(out, commit, COMMIT_SIZE);
}

/* What the header says of a journal and its file, and what is known only once it has been read. */
typedef struct header {
  uint32_t version;
  uint64_t salt, inode, birth, old_size, new_size, count, length, check;
} header;

static header plan_header(int fd, const mm_stat *stat, const mm_change *change) {
  header head = {.version = VERSION, .inode = stat->inode, .birth = (uint64_t)mm_os.birth(fd)};
  mm_os.random(&head.salt, sizeof head.salt);
  head.old_size = change->old_size;
  head.new_size = change->new_size;
  head.length = HEADER_SIZE + COMMIT_SIZE;
  for (size_t i = 0; i < change->count; i++) {
    const mm_extent *extent = &change->extents[i];
    uint64_t records = extent->data ? (extent->size + DATA_MAX - 1) / DATA_MAX : 1;
    head.count += records;
    head.length += records * RECORD_SIZE + (extent->data ? extent->size : 0);
  }
  return head;
}

static void write_header(writer *out, const header *head) {
  uint8_t *bytes = writer_room(out, HEADER_SIZE);
  memcpy(bytes, header_magic, sizeof header_magic);
  store64(bytes + 8, head->version);
  store64(bytes + 16, head->salt);
  store64(bytes + 24, head->inode);
  store64(bytes + 32, head->birth);
  store64(bytes + 40, head->old_size);
  store64(bytes + 48, head->new_size);
  store64(bytes + 56, head->count);
  store64(bytes + 64, head->length);
  out->check = check_of(head->salt, bytes, HEADER_CHECKED);
  store64(bytes + HEADER_CHECKED, out->check);
}

static int write_all(int fd, const header *head, const mm_change *change, bool durable,
                     const char *journal, mm_error *err) {
  writer out = {.fd = fd, .change = change, .err = err};
  out.capacity = head->length < BUFFER_MAX ? (size_t)head->length : BUFFER_MAX;
  out.buffer = mm_alloc(out.capacity);
  if (!out.buffer) return mm_fail_nomem(err);
  write_header(&out, head);
  for (size_t i = 0; out.rc == 0 && i < change->count; i++) write_extent(&out, &change->extents[i]);
  write_commit(&out);
  writer_flush(&out);
  mm_free(out.buffer);
  if (out.rc == STOPPED) return err->code;
  if (out.rc == 0 && durable) out.rc = mm_os.sync(fd);
  if (out.rc >= 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -out.rc, "cannot write the journal '%s'", journal);
}

/* Give it the file's owner, group and mode, without opening it to anybody who cannot open the file.
** If the group stays ours, its members and all others get what the file grants to both its group
** and to others; an owner who is not the file's keeps reading and writing. */
static void take_after(int fd, const mm_stat *stat) {
  bool owner = mm_os.set_owner(fd, stat->user, stat->group) >= 0;
  bool group = owner || mm_os.set_owner(fd, mm_os.user(), stat->group) >= 0;
  uint32_t mode = stat->mode & 0666;
  uint32_t shared = mode >> 3 & mode & 06;
  if (!group) mode = (mode & 0600) | shared << 3 | shared;
  if (!owner && stat->user != mm_os.user()) mode |= 0600;
  (void)mm_os.set_mode(fd, mode); /* a failure leaves 0600, which is safe */
}

/* Past the limit a write would raise SIGXFSZ. */
static int check_length(const char *journal, uint64_t length, mm_error *err) {
  uint64_t limit = mm_os.file_size_limit();
  if (length <= limit) return MM_OK;
  return mm_fail(err, MM_FULL, "the journal '%s' of %llu bytes passes the file size limit of %llu",
                 journal, (unsigned long long)length, (unsigned long long)limit);
}

static int create_journal(const char *journal, mm_error *err, int *fd) {
  int flags = MM_OPEN_WRITE | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE | MM_OPEN_NOFOLLOW;
  *fd = mm_os.open(-1, journal, flags, 0600);
  if (*fd >= 0) return MM_OK;
  if (*fd == -EEXIST) return mm_fail(err, MM_CORRUPT, "'%s' is in the way", journal);
  return mm_fail_errno(err, MM_CANTOPEN, -*fd, "cannot make the journal '%s'", journal);
}

/* All of it may be on the disk already, a failed fsync says nothing: it must not come back. */
static int abandon(int fd, const char *journal, bool durable, int rc, mm_error *err) {
  bool harmless = empty(fd, durable) >= 0;
  int worse = remove_name(journal, harmless, durable, err);
  return worse ? worse : rc;
}

int mm_journal_write(const char *journal, int fd, const mm_stat *stat, const mm_change *change,
                     bool durable, mm_error *err) {
  int own;
  header head = plan_header(fd, stat, change);
  int rc = check_length(journal, head.length, err);
  if (rc == MM_OK) rc = create_journal(journal, err, &own);
  if (rc != MM_OK) return rc;
  take_after(own, stat);
  rc = write_all(own, &head, change, durable, journal, err);
  if (rc == MM_OK && durable) rc = mm_journal_sync_directory(journal, err);
  if (rc != MM_OK) rc = abandon(own, journal, durable, rc, err);
  (void)mm_os.close(own);
  return rc;
}

/* Read. The functions below give 0, a negated errno, or BROKEN: not a whole journal. */

#define BROKEN 1

typedef struct journal_reader {
  const mm_journal *journal;
  uint8_t *buffer;
  size_t start, end, capacity; /* bytes start..end-1 of the buffer are read and not used */
  uint64_t offset;             /* in the journal, of what is read next */
  uint64_t check;              /* the last one: seeds the next */
  uint64_t floor;              /* in the file: the next record may not begin before */
} journal_reader;

static uint64_t reader_left(const journal_reader *in) {
  return in->journal->size - in->offset + (in->end - in->start);
}

static int reader_fill(journal_reader *in) {
  memmove(in->buffer, in->buffer + in->start, in->end - in->start);
  in->end -= in->start;
  in->start = 0;
  uint64_t size = in->journal->size - in->offset;
  if (size > in->capacity - in->end) size = in->capacity - in->end;
  int rc = mm_sys_read_all(in->journal->fd, in->buffer + in->end, size, in->offset);
  in->end += (size_t)size;
  in->offset += size;
  return rc == -ENODATA ? BROKEN : rc;
}

/* The next `size` bytes, together; `size` is at most the buffer's. They are not used up yet. */
static int reader_peek(journal_reader *in, size_t size, const uint8_t **bytes) {
  if (size > reader_left(in)) return BROKEN;
  int rc = size > in->end - in->start ? reader_fill(in) : 0;
  *bytes = in->buffer + in->start;
  return rc;
}

/* Use up `size` bytes that begin with the chain's next check, if it is theirs. */
static int reader_take(journal_reader *in, const uint8_t *bytes, size_t size) {
  in->check = check_of(in->check, bytes + CHECK_SIZE, size - CHECK_SIZE);
  in->start += size;
  return in->check == load64(bytes) ? 0 : BROKEN;
}

/* Does a record's head keep all rules, before any of it is used? */
static bool plausible(const journal_reader *in, const mm_extent *record, uint64_t flags) {
  uint64_t end = in->journal->new_size;
  return flags <= FLAG_ZEROS && record->size >= 1 && record->offset >= in->floor &&
         record->offset <= end && record->size <= end - record->offset &&
         (flags == FLAG_ZEROS || record->size <= DATA_MAX);
}

static int read_record(journal_reader *in, mm_extent *record) {
  const uint8_t *bytes;
  int rc = reader_peek(in, RECORD_SIZE, &bytes);
  if (rc != 0) return rc;
  uint64_t flags = load64(bytes + 24);
  *record = (mm_extent){.offset = load64(bytes + 8), .size = load64(bytes + 16)};
  if (!plausible(in, record, flags)) return BROKEN;
  size_t size = RECORD_SIZE + (flags & FLAG_ZEROS ? 0 : (size_t)record->size);
  rc = reader_peek(in, size, &bytes);
  if (rc == 0) rc = reader_take(in, bytes, size);
  if (!(flags & FLAG_ZEROS)) record->data = bytes + RECORD_SIZE;
  in->floor = record->offset + record->size;
  return rc;
}

static int read_commit(journal_reader *in) {
  const uint8_t *bytes;
  int rc = reader_peek(in, COMMIT_SIZE, &bytes);
  if (rc == 0) rc = reader_take(in, bytes, COMMIT_SIZE);
  if (rc != 0) return rc;
  if (reader_left(in)) return BROKEN;
  return memcmp(bytes + CHECK_SIZE, commit_magic, sizeof commit_magic) == 0 ? 0 : BROKEN;
}

/* An error of the system: of ours, MM_OK with *broken for a journal that is not whole. */
static int settle_reading(const char *journal, int rc, bool *broken, mm_error *err) {
  *broken = rc == BROKEN;
  if (rc >= 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -rc, "cannot read the journal%s%s%s", journal ? " '" : "",
                       journal ? journal : "", journal ? "'" : "");
}

static int reader_init(journal_reader *in, const mm_journal *journal, mm_error *err) {
  *in = (journal_reader){.journal = journal, .offset = HEADER_SIZE, .check = journal->head_check};
  in->capacity = journal->size < BUFFER_MAX ? (size_t)journal->size : BUFFER_MAX;
  in->buffer = mm_alloc(in->capacity);
  return in->buffer ? MM_OK : mm_fail_nomem(err);
}

/* Read all records and the commit record, handing each record to `extent` (NULL: nobody) once it
** has been checked. `check` becomes the commit record's. */
static int walk_records(const char *name, const mm_journal *journal, mm_journal_extent *extent,
                        void *context, bool *broken, uint64_t *check, mm_error *err) {
  journal_reader in;
  int got = 0, rc = reader_init(&in, journal, err);
  if (rc != MM_OK) return rc;
  for (uint64_t i = 0; rc == MM_OK && got == 0 && i < journal->count; i++) {
    mm_extent record;
    got = read_record(&in, &record);
    if (got == 0 && extent) rc = extent(context, record.offset, record.data, record.size, err);
  }
  if (rc == MM_OK && got == 0) got = read_commit(&in);
  if (rc == MM_OK) rc = settle_reading(name, got, broken, err);
  *check = in.check;
  mm_free(in.buffer);
  return rc;
}

/* Open. */

static int refuse_journal(const char *journal, const char *what, mm_error *err) {
  return mm_fail(err, MM_CORRUPT,
                 "the journal '%s' %s: it was not applied; move it away or remove it", journal,
                 what);
}

/* May somebody write the journal who cannot write the file? */
static bool writable_by_more(const mm_stat *own, const mm_stat *stat) {
  bool others = stat->mode & 02;
  bool group = own->group == stat->group ? stat->mode & 020 : others && (stat->mode & 020);
  return ((own->mode & 02) && !others) || ((own->mode & 020) && !group);
}

/* What can be told without opening it. *state becomes MM_JOURNAL_TORN, or MM_JOURNAL_WHOLE for one
** that is worth reading. One that is too short to be whole is torn whoever owns it: its maker may
** have died before giving it away. */
static int inspect(const char *journal, const mm_stat *own, const mm_stat *stat, int *state,
                   mm_error *err) {
  if (own->kind != MM_KIND_FILE)
    return refuse_journal(journal, "is a link or not a regular file", err);
  if (own->links > 1) return refuse_journal(journal, "has more than one hard link", err);
  *state = own->size < HEADER_SIZE + COMMIT_SIZE ? MM_JOURNAL_TORN : MM_JOURNAL_WHOLE;
  if (*state == MM_JOURNAL_TORN) return MM_OK;
  if (own->user != stat->user && own->user != mm_os.user()) {
    return refuse_journal(journal, "belongs to neither the file's owner nor this user", err);
  }
  if (writable_by_more(own, stat)) {
    return refuse_journal(journal, "can be written by more users than the file", err);
  }
  return MM_OK;
}

/* Open what is under the name for reading, if it is worth it. Never blocks, whatever it is. */
static int open_checked(const char *journal, const mm_stat *stat, mm_journal *out, int *state,
                        mm_error *err) {
  mm_stat own;
  int handle = mm_os.open(-1, journal, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  if (means_none(handle)) return MM_OK;
  int rc = handle < 0 ? handle : mm_os.status(handle, &own);
  int code = rc < 0 ? MM_OK : inspect(journal, &own, stat, state, err);
  if (rc >= 0 && code == MM_OK && *state == MM_JOURNAL_WHOLE) {
    rc = mm_os.reopen(handle, MM_OPEN_READ);
    *out = (mm_journal){.fd = rc < 0 ? -1 : rc, .size = own.size};
  }
  if (handle >= 0) (void)mm_os.close(handle);
  if (rc >= 0) return code;
  return mm_fail_errno(err, MM_CANTOPEN, -rc, "cannot open the journal '%s'", journal);
}

static void parse_header(const uint8_t *bytes, header *head) {
  head->version = load32(bytes + 8);
  head->salt = load64(bytes + 16);
  head->inode = load64(bytes + 24);
  head->birth = load64(bytes + 32);
  head->old_size = load64(bytes + 40);
  head->new_size = load64(bytes + 48);
  head->count = load64(bytes + 56);
  head->length = load64(bytes + 64);
  head->check = load64(bytes + HEADER_CHECKED);
}

static bool header_is_ours(const uint8_t *bytes) {
  return !memcmp(bytes, header_magic, sizeof header_magic) &&
         check_of(load64(bytes + 16), bytes, HEADER_CHECKED) == load64(bytes + HEADER_CHECKED);
}

/* The header alone: magic and check, then the numbers against each other. */
static int read_header(mm_journal *journal, header *head) {
  uint8_t bytes[HEADER_SIZE];
  int rc = mm_sys_read_all(journal->fd, bytes, sizeof bytes, 0);
  if (rc < 0) return rc == -ENODATA ? BROKEN : rc;
  if (!header_is_ours(bytes)) return BROKEN;
  parse_header(bytes, head);
  if (head->version != VERSION) return 0;
  uint64_t most = (journal->size - HEADER_SIZE - COMMIT_SIZE) / RECORD_SIZE;
  bool fits = head->length == journal->size && head->count <= most && !load32(bytes + 12) &&
              head->old_size <= INT64_MAX && head->new_size <= INT64_MAX;
  journal->old_size = head->old_size;
  journal->new_size = head->new_size;
  journal->count = head->count;
  journal->salt = head->salt;
  journal->head_check = head->check;
  return fits ? 0 : BROKEN;
}

static int check_identity(const char *journal, const header *head, int fd, const mm_stat *stat,
                          int *state, mm_error *err) {
  uint64_t birth = (uint64_t)mm_os.birth(fd);
  bool same = head->inode == stat->inode && (head->birth == birth || !head->birth || !birth);
  if (!same) {
    *state = MM_JOURNAL_OTHERS;
    return refuse_journal(journal, "belongs to another file", err);
  }
  if (stat->size == head->old_size || stat->size == head->new_size) return MM_OK;
  return refuse_journal(journal, "was made when the file had another size", err);
}

/* All of it, once: *state is whole or torn. The identity comes last: of one that is torn it says
** nothing. */
static int check_all(const char *journal, int fd, const mm_stat *stat, mm_journal *out, int *state,
                     mm_error *err) {
  header head = {0};
  bool broken;
  int rc = settle_reading(journal, read_header(out, &head), &broken, err);
  if (rc == MM_OK && !broken && head.version != VERSION) {
    return refuse_journal(journal, "was made by another version", err);
  }
  if (rc == MM_OK && !broken)
    rc = walk_records(journal, out, NULL, NULL, &broken, &out->check, err);
  if (rc != MM_OK) return rc;
  *state = broken ? MM_JOURNAL_TORN : MM_JOURNAL_WHOLE;
  return broken ? MM_OK : check_identity(journal, &head, fd, stat, state, err);
}

int mm_journal_open(const char *journal, int fd, const mm_stat *stat, mm_journal *out, int *state,
                    mm_error *err) {
  *out = (mm_journal){.fd = -1};
  *state = MM_JOURNAL_NONE;
  int rc = open_checked(journal, stat, out, state, err);
  if (rc == MM_OK && out->fd >= 0) rc = check_all(journal, fd, stat, out, state, err);
  if (rc != MM_OK && *state != MM_JOURNAL_OTHERS) *state = MM_JOURNAL_NONE;
  if (*state != MM_JOURNAL_WHOLE) mm_journal_close(out);
  return rc;
}

void mm_journal_close(mm_journal *journal) {
  if (journal->fd >= 0) (void)mm_os.close(journal->fd);
  journal->fd = -1;
}

/* Replay. */

int mm_journal_sync(const mm_journal *journal, const char *path, mm_error *err) {
  int rc = mm_os.sync(journal->fd);
  if (rc < 0) return mm_fail_errno(err, MM_IOERR, -rc, "cannot sync the journal '%s'", path);
  return mm_journal_sync_directory(path, err);
}

int mm_journal_each(mm_journal *journal, mm_journal_extent *extent, void *context, mm_error *err) {
  bool broken;
  uint64_t check;
  int rc = walk_records(NULL, journal, extent, context, &broken, &check, err);
  if (rc != MM_OK || (!broken && check == journal->check)) return rc;
  return mm_fail(err, MM_CORRUPT, "the journal changed while it was read");
}

typedef struct target {
  int fd;
  const char *name;
} target;

static int replay_extent(void *context, uint64_t offset, const uint8_t *data, uint64_t size,
                         mm_error *err) {
  const target *file = context;
  return mm_change_extent(file->fd, offset, data, size, file->name, err);
}

int mm_journal_replay(mm_journal *journal, int fd, bool durable, const char *name, mm_error *err) {
  target file = {fd, name};
  int rc = mm_change_begin(fd, journal->new_size, name, err);
  if (rc == MM_OK) rc = mm_journal_each(journal, replay_extent, &file, err);
  if (rc == MM_OK) rc = mm_change_end(fd, journal->new_size, durable, name, err);
  return rc;
}
