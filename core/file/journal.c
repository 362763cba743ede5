#include "core/file/journal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/file/beside.h"
#include "core/file/check.h"
#include "core/os/path.h"

/*
** The format. Numbers are little-endian; `check` is XXH64 of the bytes named, with the seed named.
**
**   header, 80 bytes, the same in every version
**      0  8  magic "mmapjrnl"; zeros: it is blank, there is nothing to be replayed
**      8  4  version: 1, or 2 if there are flags
**     12  4  flags: 1: in doubt, a common record decides; 2: bytes of no meaning may follow the end
**     16  8  salt, random
**     24  8  inode of the file
**     32  8  its birth time, ns since 1970; 0: not known
**     40  8  size of the file before
**     48  8  size of the file after
**     56  8  number of records
**     64  8  length of the journal, all of it
**     72  8  check of bytes 0..71, seed: salt
**
**   if it is in doubt, what names its common record (record.h), 40 bytes and the name
**      0  8  check of bytes 8 to the end of the name, seed: the header's check
**      8  8  the record's salt
**     16  8  length of the name, 1 to 12,288
**     24  8  inode of the record's directory
**     32  8  its birth time, ns since 1970; 0: not known
**     40  …  the name: a path from the journal's directory, no NUL behind it
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
#define VERSION_FLAGS 2
#define FLAG_IN_DOUBT 1u
#define FLAG_LONGER 2u
#define DOUBT_SIZE ((size_t)40)
#define HEADER_SIZE ((size_t)80)
#define HEADER_CHECKED ((size_t)72)
#define RECORD_SIZE ((size_t)32)
#define COMMIT_SIZE ((size_t)16)
#define CHECK_SIZE ((size_t)8)
#define DATA_MAX ((size_t)256 * 1024)
#define BUFFER_MAX ((size_t)1024 * 1024)
#define FLAG_ZEROS 1u

const mm_beside_kind mm_journal_kind = {
    .what = "journal",
    .magic = {'m', 'm', 'a', 'p', 'j', 'r', 'n', 'l'},
    .least = HEADER_SIZE + COMMIT_SIZE,
    .advice = "it was not applied; move it away or remove it",
};
static const uint8_t commit_magic[8] = {'m', 'm', 'a', 'p', 'd', 'o', 'n', 'e'};

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

bool mm_journal_exists(const char *journal) {
  mm_stat stat;
  return !mm_beside_none(mm_os.status_link(journal, &stat));
}

#define START_SIZE ((size_t)16) /* of a header: magic, version, flags */

/* Bytes of the magic that are blanked. A header that was blanked keeps its version; one of zeros alone
** was never written. */
static size_t count_blank(const uint8_t *header) {
  size_t n = 0;
  if (!mm_load32(header + MM_BESIDE_MAGIC)) return 0;
  while (n < MM_BESIDE_MAGIC && !header[n]) n++;
  return n;
}

/* Is it blank, and to stay so? One that was to be removed is blanked before. */
static bool has_kept_header(const uint8_t *header) {
  return count_blank(header) == MM_BESIDE_MAGIC && mm_load32(header + 12) & FLAG_LONGER;
}

/* Blank, or begun to be blanked: what it says is done. */
static bool is_blank(const uint8_t *header) {
  size_t n = count_blank(header);
  return n > 0 && !memcmp(header + n, mm_journal_kind.magic + n, MM_BESIDE_MAGIC - n);
}

static bool is_kept_at(int fd) {
  uint8_t start[START_SIZE];
  return mm_sys_read_all(fd, start, sizeof start, 0) == 0 && has_kept_header(start);
}

void mm_journal_forget(mm_journal_kept *kept) {
  if (kept->fd >= 0) (void)mm_os.close(kept->fd);
  kept->fd = -1;
}

static bool is_open_as(const mm_stat *stat, const mm_journal_kept *kept) {
  return kept->fd >= 0 && stat->device == kept->device && stat->inode == kept->inode;
}

bool mm_journal_waits(const char *journal, mm_journal_kept *kept) {
  mm_stat stat;
  int rc = mm_os.status_link(journal, &stat);
  if (rc < 0) return !mm_beside_none(rc);
  if (is_open_as(&stat, kept)) return !is_kept_at(kept->fd);
  mm_journal_forget(kept);
  if (stat.kind != MM_KIND_FILE || stat.size < START_SIZE) return true;
  int fd = mm_os.open(-1, journal, MM_OPEN_READ | MM_OPEN_NOFOLLOW, 0);
  if (fd < 0) return !mm_beside_none(fd);
  bool waits = !is_kept_at(fd);
  (void)mm_os.close(fd);
  return waits;
}

/* Remove. */

int mm_journal_remove(const char *journal, bool roll_back, bool durable, mm_error *err) {
  bool empty = roll_back || (durable && mm_beside_names_return());
  bool harmless = empty && mm_beside_empty_path(&mm_journal_kind, journal, durable) == 0;
  return mm_beside_remove(&mm_journal_kind, journal, harmless, durable, err);
}

int mm_journal_blank(int fd, bool durable, const char *journal, mm_error *err) {
  static const uint8_t blank[MM_BESIDE_MAGIC];
  int rc = mm_sys_write_all(fd, blank, sizeof blank, 0);
  if (rc >= 0 && durable) rc = mm_os.sync_data(fd);
  return rc >= 0 ? MM_OK : mm_fail_errno(err, MM_IOERR, -rc, "cannot blank '%s'", journal);
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
  out->check = mm_check(out->check, bytes + CHECK_SIZE, size - CHECK_SIZE);
  mm_store64(bytes, out->check);
}

static void write_record(writer *out, uint64_t offset, const uint8_t *data, uint64_t size) {
  size_t bytes = RECORD_SIZE + (data ? (size_t)size : 0);
  uint8_t *record = writer_room(out, bytes);
  mm_store64(record + 8, offset);
  mm_store64(record + 16, size);
  mm_store64(record + 24, data ? 0 : FLAG_ZEROS);
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
  uint32_t version, flags;
  uint64_t salt, inode, birth, old_size, new_size, count, length, check;
} header;

static header plan_header(const mm_journal_plan *plan, const mm_stat *stat,
                          const mm_change *change) {
  header head = {.salt = plan->salt, .inode = stat->inode, .birth = (uint64_t)plan->birth};
  head.flags = (plan->record ? FLAG_IN_DOUBT : 0) | (plan->keep ? FLAG_LONGER : 0);
  head.version = head.flags ? VERSION_FLAGS : VERSION;
  head.old_size = change->old_size;
  head.new_size = change->new_size;
  head.length = HEADER_SIZE + COMMIT_SIZE;
  if (plan->record) head.length += DOUBT_SIZE + strlen(plan->record);
  mm_change_walk walk = {.change = change};
  mm_extent extent;
  while (mm_change_next(&walk, &extent)) {
    uint64_t records = extent.data ? (extent.size + DATA_MAX - 1) / DATA_MAX : 1;
    head.count += records;
    head.length += records * RECORD_SIZE + (extent.data ? extent.size : 0);
  }
  return head;
}

static void write_header(writer *out, const header *head) {
  uint8_t *bytes = writer_room(out, HEADER_SIZE);
  memcpy(bytes, mm_journal_kind.magic, MM_BESIDE_MAGIC);
  mm_store64(bytes + 8, head->version | (uint64_t)head->flags << 32);
  mm_store64(bytes + 16, head->salt);
  mm_store64(bytes + 24, head->inode);
  mm_store64(bytes + 32, head->birth);
  mm_store64(bytes + 40, head->old_size);
  mm_store64(bytes + 48, head->new_size);
  mm_store64(bytes + 56, head->count);
  mm_store64(bytes + 64, head->length);
  out->check = mm_check(head->salt, bytes, HEADER_CHECKED);
  mm_store64(bytes + HEADER_CHECKED, out->check);
}

static void write_doubt(writer *out, const mm_journal_plan *plan) {
  size_t name = strlen(plan->record);
  uint8_t *bytes = writer_room(out, DOUBT_SIZE + name);
  mm_store64(bytes + 8, plan->record_salt);
  mm_store64(bytes + 16, name);
  mm_store64(bytes + 24, plan->place.inode);
  mm_store64(bytes + 32, plan->place.birth);
  memcpy(bytes + DOUBT_SIZE, plan->record, name);
  writer_seal(out, bytes, DOUBT_SIZE + name);
}

static int write_all(int fd, bool created, const header *head, const mm_change *change,
                     const mm_journal_plan *plan, mm_error *err) {
  writer out = {.fd = fd, .change = change, .err = err};
  out.capacity = head->length < BUFFER_MAX ? (size_t)head->length : BUFFER_MAX;
  out.buffer = mm_alloc(out.capacity);
  if (!out.buffer) return mm_fail_nomem(err);
  write_header(&out, head);
  if (plan->record) write_doubt(&out, plan);
  mm_change_walk walk = {.change = change};
  mm_extent extent;
  while (out.rc == 0 && mm_change_next(&walk, &extent)) write_extent(&out, &extent);
  write_commit(&out);
  writer_flush(&out);
  mm_free(out.buffer);
  if (out.rc == STOPPED) return err->code;
  if (out.rc == 0 && plan->durable) out.rc = created ? mm_os.sync(fd) : mm_os.sync_data(fd);
  if (out.rc >= 0) return MM_OK;
  return mm_fail_errno(err, MM_IOERR, -out.rc, "cannot write the journal '%s'", plan->path);
}

/* All of it may be on the disk already, a failed fsync says nothing: it must not come back. */
static int abandon(int fd, const mm_journal_plan *plan, int rc, mm_error *err) {
  bool harmless = mm_beside_empty(fd, plan->durable) >= 0;
  int worse = mm_beside_remove(&mm_journal_kind, plan->path, harmless, plan->durable, err);
  return worse ? worse : rc;
}

/* Is what lies there blank, and may those use it who may use the file, and no more, so that it can
** be written again? */
static bool is_reusable(const mm_journal_plan *plan, int fd, const mm_stat *own,
                        const mm_stat *file) {
  if (own->kind != MM_KIND_FILE || own->links > 1) return false;
  if (own->user != file->user && own->user != mm_os.user()) return false;
  if (own->group != file->group) return false;
  if (own->mode & ~(file->mode & 0666) & ~(uint32_t)0600) return false;
  bool lacks = (file->mode & ~own->mode & 066) != 0; /* which the mode of a file with a list may */
  if (lacks && !mm_beside_has_list(plan->file)) return false;
  if (plan->file && mm_os.same_access(fd, *plan->file) != 1) return false;
  return is_kept_at(fd);
}

/* One that is there, open for writing; a negated errno. */
static int open_present(const char *journal, mm_stat *own) {
  int handle = mm_os.open(-1, journal, MM_OPEN_PATH | MM_OPEN_NOFOLLOW, 0);
  if (handle < 0) return handle;
  int rc = mm_os.status(handle, own);
  if (rc >= 0 && own->kind != MM_KIND_FILE) rc = -EPERM;
  if (rc >= 0) rc = mm_os.reopen(handle, MM_OPEN_READ | MM_OPEN_WRITE);
  (void)mm_os.close(handle);
  return rc;
}

/* A blank one that is there: *fd is -1 if there is none, or not such a one. */
static void open_blank(const mm_journal_plan *plan, const mm_stat *file, int *fd) {
  mm_stat own;
  bool known = plan->kept->fd >= 0 && mm_os.status_link(plan->path, &own) == 0 &&
               is_open_as(&own, plan->kept);
  int opened = known ? plan->kept->fd : open_present(plan->path, &own);
  if (known) {
    plan->kept->fd = -1;
  } else {
    plan->kept->lasts = false;
  }
  *fd = -1;
  if (opened < 0) return;
  if (is_reusable(plan, opened, &own, file)) {
    *fd = opened;
  } else {
    (void)mm_os.close(opened);
  }
}

/* A blank one that may not be written again: one of another user's, or one that more may write. It
** is nobody's loss. */
static void remove_blank(const mm_journal_plan *plan) {
  if (mm_journal_waits(plan->path, plan->kept)) return;
  mm_journal_forget(plan->kept); /* as long as it is open, its name may not be free */
  (void)mm_os.remove(plan->path);
}

/* As long as it is empty it tells nobody anything. */
static int take_access(const mm_journal_plan *plan, int fd, mm_error *err) {
  int rc = mm_os.take_access(fd, *plan->file, false);
  if (rc >= 0) return MM_OK;
  mm_fail_errno(err, MM_CANTOPEN, -rc, "cannot make the journal '%s' as its file", plan->path);
  (void)mm_os.close(fd);
  (void)mm_os.remove(plan->path);
  return err->code;
}

static int make_journal(const mm_journal_plan *plan, const mm_stat *file, int *fd, mm_error *err) {
  mm_error first; /* what a second try mends is not to be told */
  bool listed = mm_beside_has_list(plan->file);
  const mm_stat *like = listed ? NULL : file;
  int rc = mm_beside_create(&mm_journal_kind, plan->path, like, fd, &first);
  if (rc && *fd != -EEXIST) *err = first;
  if (*fd == -EEXIST) {
    remove_blank(plan);
    rc = mm_beside_create(&mm_journal_kind, plan->path, like, fd, err);
  }
  if (rc == MM_OK) mm_beside_take_after(*fd, file, listed);
  if (rc == MM_OK && listed) rc = take_access(plan, *fd, err);
  return rc;
}

/* The limit on the size of files was asked for with the change's own room, as a rule. */
static int check_length(const mm_journal_plan *plan, const mm_change *change, uint64_t length,
                        mm_error *err) {
  if (change->limit && length <= change->limit) return MM_OK;
  return mm_beside_check_length(&mm_journal_kind, plan->path, length, err);
}

int mm_journal_write(const mm_journal_plan *plan, const mm_stat *stat, const mm_change *change,
                     mm_journal_made *made, mm_error *err) {
  header head = plan_header(plan, stat, change);
  *made = (mm_journal_made){.fd = -1, .salt = head.salt, .length = head.length};
  int own = -1, rc = check_length(plan, change, head.length, err);
  if (rc != MM_OK) return rc;
  if (plan->keep) open_blank(plan, stat, &own);
  made->created = own < 0;
  made->lasts = own >= 0 && plan->kept->lasts;
  if (made->created) rc = make_journal(plan, stat, &own, err);
  if (rc != MM_OK) return rc;
  rc = write_all(own, made->created, &head, change, plan, err);
  if (rc == MM_OK && plan->durable && !made->lasts && plan->name_too) {
    rc = mm_beside_make_name_durable(plan->path, err);
  }
  if (rc != MM_OK) rc = abandon(own, plan, rc, err);
  if (rc == MM_OK) {
    made->fd = own;
  } else {
    (void)mm_os.close(own);
  }
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
  in->check = mm_check(in->check, bytes + CHECK_SIZE, size - CHECK_SIZE);
  in->start += size;
  return in->check == mm_load64(bytes) ? 0 : BROKEN;
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
  uint64_t flags = mm_load64(bytes + 24);
  *record = (mm_extent){.offset = mm_load64(bytes + 8), .size = mm_load64(bytes + 16)};
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
  *in =
      (journal_reader){.journal = journal, .offset = journal->start, .check = journal->head_check};
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

static void parse_header(const uint8_t *bytes, header *head) {
  head->version = mm_load32(bytes + 8);
  head->flags = mm_load32(bytes + 12);
  head->salt = mm_load64(bytes + 16);
  head->inode = mm_load64(bytes + 24);
  head->birth = mm_load64(bytes + 32);
  head->old_size = mm_load64(bytes + 40);
  head->new_size = mm_load64(bytes + 48);
  head->count = mm_load64(bytes + 56);
  head->length = mm_load64(bytes + 64);
  head->check = mm_load64(bytes + HEADER_CHECKED);
}

static bool header_is_ours(const uint8_t *bytes) {
  return !memcmp(bytes, mm_journal_kind.magic, MM_BESIDE_MAGIC) &&
         mm_check(mm_load64(bytes + 16), bytes, HEADER_CHECKED) ==
             mm_load64(bytes + HEADER_CHECKED);
}

int mm_journal_salt_of(int fd, uint64_t size, uint64_t *salt) {
  uint8_t bytes[HEADER_SIZE];
  if (size < mm_journal_kind.least) return 0;
  int rc = mm_sys_read_all(fd, bytes, sizeof bytes, 0);
  if (rc < 0) return rc == -ENODATA ? 0 : rc;
  if (is_blank(bytes)) return 0;
  *salt = mm_load64(bytes + 16);
  return header_is_ours(bytes) ? 1 : -EBADMSG;
}

static bool knows_version(const header *head) {
  return head->version == VERSION || head->version == VERSION_FLAGS;
}

/* The numbers of a header against each other, and against what is there. */
static bool header_fits(const header *head, uint64_t size) {
  bool flags = head->version == VERSION
                   ? head->flags == 0
                   : head->flags && head->flags <= (FLAG_IN_DOUBT | FLAG_LONGER);
  bool length = head->flags & FLAG_LONGER ? head->length <= size : head->length == size;
  if (!flags || !length || head->length < HEADER_SIZE + COMMIT_SIZE) return false;
  uint64_t most = (head->length - HEADER_SIZE - COMMIT_SIZE) / RECORD_SIZE;
  return head->count <= most && head->old_size <= INT64_MAX && head->new_size <= INT64_MAX;
}

/* The header alone: magic and check, then the numbers. */
static int read_header(mm_journal *journal, header *head) {
  uint8_t bytes[HEADER_SIZE];
  int rc = mm_sys_read_all(journal->fd, bytes, sizeof bytes, 0);
  if (rc < 0) return rc == -ENODATA ? BROKEN : rc;
  journal->salt = mm_load64(bytes + 16);
  journal->blank = is_blank(bytes);
  journal->kept = has_kept_header(bytes);
  if (!header_is_ours(bytes)) return BROKEN;
  journal->sealed = true;
  parse_header(bytes, head);
  if (!knows_version(head)) return 0;
  if (!header_fits(head, journal->size)) return BROKEN;
  journal->size = head->length;
  journal->old_size = head->old_size;
  journal->new_size = head->new_size;
  journal->count = head->count;
  journal->start = HEADER_SIZE;
  journal->head_check = head->check;
  return 0;
}

/* The name of the common record, into memory of its own; it is checked with what stands before
** it. */
static int read_doubt(mm_journal *journal, const uint8_t *start, uint64_t name) {
  uint8_t *bytes = mm_alloc(DOUBT_SIZE + name + 1);
  if (!bytes) return -ENOMEM;
  memcpy(bytes, start, DOUBT_SIZE);
  int rc = mm_sys_read_all(journal->fd, bytes + DOUBT_SIZE, name, HEADER_SIZE + DOUBT_SIZE);
  if (rc < 0 || memchr(bytes + DOUBT_SIZE, 0, (size_t)name)) {
    mm_free(bytes);
    return rc == 0 || rc == -ENODATA ? BROKEN : rc;
  }
  uint64_t check =
      mm_check(journal->head_check, bytes + CHECK_SIZE, DOUBT_SIZE - CHECK_SIZE + (size_t)name);
  memmove(bytes, bytes + DOUBT_SIZE, (size_t)name);
  bytes[name] = 0;
  journal->record = (char *)bytes;
  journal->record_salt = mm_load64(start + 8);
  journal->place = (mm_beside_place){mm_load64(start + 24), mm_load64(start + 32)};
  journal->record_sealed = journal->sealed && check == mm_load64(start);
  journal->start = HEADER_SIZE + DOUBT_SIZE + name;
  journal->head_check = check;
  return journal->record_sealed ? 0 : BROKEN;
}

/* What names the common record, also behind a header that is damaged: it is to be asked then
** whether that journal was committed. */
static int find_doubt(mm_journal *journal) {
  uint8_t start[DOUBT_SIZE];
  int rc = mm_sys_read_all(journal->fd, start, sizeof start, HEADER_SIZE);
  if (rc < 0) return rc == -ENODATA ? BROKEN : rc;
  uint64_t name = mm_load64(start + 16);
  uint64_t room = journal->size - HEADER_SIZE;
  if (name < 1 || name > MM_JOURNAL_RECORD_MAX || DOUBT_SIZE + name > room) return BROKEN;
  return read_doubt(journal, start, name);
}

static int read_front(mm_journal *journal, header *head) {
  int rc = read_header(journal, head);
  if (rc == 0 && (!knows_version(head) || !(head->flags & FLAG_IN_DOUBT))) return 0;
  if (rc < 0 || journal->blank) return rc;
  int found = find_doubt(journal);
  return rc == 0 || found < 0 ? found : rc;
}

static int check_owner(const char *journal, const header *head, int fd, const mm_stat *stat,
                       int *state, mm_error *err) {
  uint64_t birth = (uint64_t)mm_os.birth(fd);
  bool same = head->inode == stat->inode && (head->birth == birth || !head->birth || !birth);
  if (same) return MM_OK;
  *state = MM_JOURNAL_OTHERS;
  return mm_beside_refuse(&mm_journal_kind, journal, "belongs to another file", err);
}

int mm_journal_check_size(const char *path, const mm_journal *journal, const mm_stat *stat,
                          mm_error *err) {
  if (stat->size == journal->old_size || stat->size == journal->new_size) return MM_OK;
  return mm_beside_refuse(&mm_journal_kind, path, "was made when the file had another size", err);
}

/* All of it, once: *state is whole or torn. The identity comes last: of one that is torn it says
** nothing; and of one in doubt the size says nothing yet. */
static int check_all(const char *journal, int fd, const mm_stat *stat, mm_journal *out, int *state,
                     mm_error *err) {
  header head = {0};
  bool broken;
  int got = read_front(out, &head);
  if (got == -ENOMEM) return mm_fail_nomem(err);
  int rc = settle_reading(journal, got, &broken, err);
  if (rc == MM_OK && !broken && !knows_version(&head)) {
    return mm_beside_refuse(&mm_journal_kind, journal, "was made by another version", err);
  }
  if (rc == MM_OK && !broken) {
    rc = walk_records(journal, out, NULL, NULL, &broken, &out->check, err);
  }
  if (rc != MM_OK) return rc;
  *state = !broken ? MM_JOURNAL_WHOLE : out->kept ? MM_JOURNAL_NONE : MM_JOURNAL_TORN;
  if (broken) return MM_OK;
  rc = check_owner(journal, &head, fd, stat, state, err);
  return rc || out->record ? rc : mm_journal_check_size(journal, out, stat, err);
}

int mm_journal_open(const char *journal, int fd, const mm_stat *stat, mm_journal *out, int *state,
                    mm_error *err) {
  mm_beside found;
  *out = (mm_journal){.fd = -1};
  *state = MM_JOURNAL_NONE;
  int rc = mm_beside_open(&mm_journal_kind, journal, stat, stat->user, &found, err);
  *out = (mm_journal){.fd = found.fd, .size = found.stat.size};
  if (rc == MM_OK && found.found) *state = MM_JOURNAL_TORN;
  if (rc == MM_OK && out->fd >= 0) rc = check_all(journal, fd, stat, out, state, err);
  if (rc != MM_OK && *state != MM_JOURNAL_OTHERS) *state = MM_JOURNAL_NONE;
  if (*state != MM_JOURNAL_WHOLE && out->fd >= 0) {
    (void)mm_os.close(out->fd);
    out->fd = -1;
  }
  if (rc != MM_OK) mm_journal_close(out);
  return rc;
}

void mm_journal_close(mm_journal *journal) {
  if (journal->fd >= 0) (void)mm_os.close(journal->fd);
  mm_free(journal->record);
  journal->fd = -1;
  journal->record = NULL;
}

/* Replay. */

int mm_journal_sync(const mm_journal *journal, const char *path, mm_error *err) {
  int rc = mm_os.sync(journal->fd);
  if (rc < 0) return mm_fail_errno(err, MM_IOERR, -rc, "cannot sync the journal '%s'", path);
  return mm_beside_make_name_durable(path, err);
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
