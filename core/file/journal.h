/*
** journal.h: the redo journal, `<path>-mmap-journal`, beside the real file.
**
** It holds everything that a COMMIT is about to write. It is complete on the disk before the first
** byte of the file changes and removed after the last one is durable, so that whoever finds it can
** finish the work: replaying it twice, or after half of it, gives the same file.
**
** A journal found is hostile until proven otherwise. All of it is checked before the first byte is
** applied: magic, version, salt, the file's identity (inode and birth time; the device's number may
** change at a reboot), sizes, every offset and length, a checksum of each record, and a commit
** record over everything.
**
** The format is written down above the code that writes it. All numbers are little-endian.
*/
#ifndef MM_JOURNAL_H
#define MM_JOURNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/file/beside.h"
#include "core/file/change.h"
#include "core/os/sys.h"

#define MM_JOURNAL_SUFFIX "-mmap-journal"

/* The journal's path for a file's real path: allocated, NULL when there is no memory. */
char *mm_journal_path(const char *real);

extern const mm_beside_kind mm_journal_kind;

/* A journal that stays, blanked, and is open for writing. */
typedef struct mm_journal_kept {
  int fd; /* owned; -1: none is */
  uint64_t device, inode;
  bool lasts; /* its name is known to be durable: who made it may not have synced its directory */
} mm_journal_kept;

void mm_journal_forget(mm_journal_kept *kept); /* close it; idempotent */

/* Is something there under the journal's name? One system call. */
bool mm_journal_exists(const char *journal);

/* … and is it more than a blank one that is kept? One system call if nothing is there, two if it is
** `kept`, which is forgotten if it is another one by now. */
bool mm_journal_waits(const char *journal, mm_journal_kept *kept);

/* How a journal is to be made. */
typedef struct mm_journal_plan {
  const char *path;
  const int *file;       /* its descriptor, to say who may read it; NULL: its status says all */
  bool durable;          /* fsync it … */
  bool name_too;         /* … and its directory, if it was made anew */
  uint64_t salt;         /* random: no other journal has it */
  int64_t birth;         /* of the file, as mm_os.birth */
  bool keep;             /* it will stay, blanked: one that is there is written again */
  mm_journal_kept *kept; /* that one, if it is open already, taken over; never NULL */
  const char *record;    /* it is in doubt: the path of its common record from its own directory, at
                        ** most MM_JOURNAL_RECORD_MAX bytes; NULL: it decides by itself */
  uint64_t record_salt;  /* … and that record's salt */
  mm_beside_place place; /* … and its directory */
} mm_journal_plan;

#define MM_JOURNAL_RECORD_MAX 12288

/* What was made. */
typedef struct mm_journal_made {
  int fd;                /* open for writing, the caller's; -1: it was not made */
  bool created;          /* the name is new */
  bool lasts;            /* … and otherwise known to be durable */
  uint64_t salt, length; /* the journal's */
} mm_journal_made;

/* Write the journal of `change` to the file with status `stat`. It is made
** exclusively, never through a link, and never more readable than the file (0600, then the file's
** mode without execute bits, and its owner if that is allowed); with `keep` a blank one of the same
** kind is written again. On any error, MM_INTERRUPT and MM_NOMEM if the change's pace says so among
** them, nothing is left under that name, durably if a part of it might be complete. */
int mm_journal_write(const mm_journal_plan *plan, const mm_stat *stat, const mm_change *change,
                     mm_journal_made *made, mm_error *err);

/* The commit is done: blank the journal open as `fd`, so that it is not replayed. */
int mm_journal_blank(int fd, bool durable, const char *journal, mm_error *err);

/* The commit is done, or is rolled back: remove it; with `durable`, fsync the directory. A journal
** that must not be replayed (roll back after write) is first emptied durably when `durable`, so
** that a crash does not bring it back. No journal there: MM_OK. */
int mm_journal_remove(const char *journal, bool roll_back, bool durable, mm_error *err);

/* A journal that was found and checked. */
typedef struct mm_journal {
  int fd;                      /* its own; -1: none open */
  uint64_t size;               /* of the journal, bytes */
  uint64_t old_size, new_size; /* of the file */
  uint64_t count;              /* records: an extent takes one or several */
  uint64_t salt;               /* tells one journal from another */
  uint64_t start;              /* of the first record, in the journal */
  uint64_t head_check, check;  /* before the first record, and of all: is it still the same? */
  bool blank, kept;            /* it is blank, or about to be; it is, and stays */
  bool sealed;                 /* its header is whole, so `salt` is its own */
  char *record; /* in doubt: the path of its common record from its directory; NULL: it is not.
                ** Owned; of a torn one it is what stands there, checked if `record_sealed` */
  bool record_sealed;
  mm_beside_place place; /* of the record: its directory */
  uint64_t record_salt;
} mm_journal;

enum mm_journal_state {
  MM_JOURNAL_NONE,  /* there is none, or it is blank */
  MM_JOURNAL_TORN,  /* it was never completed: the transaction never was; to be removed */
  MM_JOURNAL_WHOLE, /* checked, this file's, to be replayed, if it is not in doubt (record.h);
                    ** `journal` is open */
  MM_JOURNAL_OTHERS /* with MM_CORRUPT: it is whole and another file's, by inode or birth time */
};

/* Open and check the journal of the file open as `fd` (reading is enough) with status `stat`. On
** MM_OK *state tells what was found. MM_CORRUPT, naming the journal and what to do about it: it
** belongs to another file (another inode or birth time, or a size that is neither the old nor the
** new one; *state tells of the first two), is a link, no regular file, has several links, is owned
** by neither the file's owner nor us, may be written by others than the file may, or has a version
** from the future. Of one in doubt the size is not looked at: if it is decided, mm_journal_check_size
** does. Close it in any case. */
int mm_journal_open(const char *journal, int fd, const mm_stat *stat, mm_journal *out, int *state,
                    mm_error *err);
void mm_journal_close(mm_journal *journal); /* idempotent */

/* Whose transaction is the journal open as `fd`, of `size` bytes? 1: that of *salt; 0: nobody's any
** more, it was blanked or emptied; -EBADMSG: it cannot be told, its header is damaged; or what
** reading it gives. */
int mm_journal_salt_of(int fd, uint64_t size, uint64_t *salt);

/* Has the file a size that the journal can be replayed into? MM_CORRUPT. */
int mm_journal_check_size(const char *path, const mm_journal *journal, const mm_stat *stat,
                          mm_error *err);

/* The extents of a whole journal in order, data in pieces of at most 1 MiB; data NULL: zeros, in
** one piece. Nonzero from `extent` ends it and is returned. Checks again what it reads: MM_CORRUPT
** if the journal has changed since it was opened. */
typedef int mm_journal_extent(void *context, uint64_t offset, const uint8_t *data, uint64_t size,
                              mm_error *err);
int mm_journal_each(mm_journal *journal, mm_journal_extent *extent, void *context, mm_error *err);

/* Make a whole journal and its name durable, before a byte of it is replayed durably: its writer
** may have been killed before its own fsync, and then it is whole only as long as the system
** runs. */
int mm_journal_sync(const mm_journal *journal, const char *path, mm_error *err);

/* Replay into the file open for writing as `fd`; with `durable`, make it durable. The journal
** stays: remove it afterwards. The caller is the file's writer (lock.h). */
int mm_journal_replay(mm_journal *journal, int fd, bool durable, const char *name, mm_error *err);

#endif
