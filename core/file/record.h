/*
** record.h: the common record of a transaction over several files: the one commit point of them all.
**
** Each file's journal is in doubt and names the record; the record names the files. It is written
** under another name first, made durable and renamed, when all the journals are durable: so under
** its own name it is whole. It lies in the directory of one of the files,
** `mmap-commit-<its salt in 16 hexadecimal digits>`, and all names are paths from one directory to
** another, so that a tree of directories which is moved whole recovers as well.
**
**     record    journal of a file   what that is                what the next use of the file does
**     none      in doubt, whole     never committed, undone     removes the journal
**     empty     in doubt, whole     undone                      removes the journal
**     whole     in doubt, whole     committed                   replays, removes the journal, and the
**                                                               record if it was the last
**     whole     in doubt, torn      damaged                     MM_CORRUPT
**     broken    in doubt            damaged                     MM_CORRUPT
**     whole     none, or another    this file is done           nothing
**
** A record is hostile until proven otherwise, as a journal is: it is read only if its name is a
** record's, with the salt that the journal says, inside the root, not through links, owned by whom
** the journal may be or by root, written by nobody else; and only what names the transaction by its
** salt is removed.
*/
#ifndef MM_RECORD_H
#define MM_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/file/journal.h"
#include "core/os/path.h"

#define MM_RECORD_PREFIX "mmap-commit-"

/* One of the files. */
typedef struct mm_record_file {
  const char *real;      /* absolute, no links in it */
  uint64_t inode, birth; /* birth 0: not known */
  uint64_t salt, length; /* of its journal */
  bool memory;           /* it is shared memory, which may be gone: nobody waits for it */
  uint32_t mode, group;  /* who may read it may read the record */
  const int *file;       /* its descriptor, for a list that says more; NULL: its mode says all */
} mm_record_file;

/* The path of a record in the directory of `real`: the caller's; NULL: no memory. */
char *mm_record_path(const char *real, uint64_t salt);

/* The path that leads from the directory of the first to the second, both absolute and without
** links: the caller's; NULL: no memory. */
char *mm_record_relate(const char *from, const char *to);

/* Write it: when this is MM_OK the transaction is committed. On any error it is not, and nothing is
** left under its name, unless the error says so. */
int mm_record_write(const char *path, uint64_t salt, const mm_record_file *files, size_t count,
                    bool durable, mm_error *err);

/* Take it away, since all is in the files, or (roll_back) because it is not to happen. With `durable`
** it does not come back. None there: MM_OK. */
int mm_record_remove(const char *path, bool roll_back, bool durable, mm_error *err);

/* One that was found. */
typedef struct mm_record {
  char *path; /* owned; NULL: none */
  uint64_t salt;
  uint8_t *bytes; /* owned */
  size_t size, count;
} mm_record;

/* What decides about a journal in doubt, whose path is `journal`, of the file with status `file`.
** *committed: there is a whole record, in `out`, that names the journal. Not so: with `tidy`, what is
** left of its making is removed, and it will not come back: the journal may go. MM_CORRUPT, MM_PERM
** "the common record 'x' is outside the root 'y'". */
int mm_record_open(const char *journal, const mm_journal *in_doubt, const mm_stat *file,
                   const mm_root *root, bool tidy, mm_record *out, bool *committed, mm_error *err);
void mm_record_clear(mm_record *record); /* idempotent */

/* Is a torn journal of the file one that a record beside it has committed? It was damaged then:
** MM_CORRUPT. MM_PERM: the one that it names cannot be looked at, as above. */
int mm_record_check_torn(const char *journal, const mm_journal *torn, const mm_stat *file,
                         const mm_root *root, mm_error *err);

/* Before a byte of it is replayed durably: the record, its name and all the journals that still
** wait, as their writer may have been killed before its own fsync. */
int mm_record_sync(const mm_record *record, const mm_root *root, mm_error *err);

/* Forget what this process has synced and seen, as if it had just begun: for tests of what others
** do. */
void mm_record_start_anew(void);

/* Remove it if all of its files are done; the one whose journal has the salt `replayed` is, though
** the journal may be there still. A file that is not at its place, is another one by now, or lies
** outside the root, keeps it. Before that journal is removed, lest nobody is left to do it; and once
** more after it, as two may be replayed at once. */
void mm_record_settle(const mm_record *record, uint64_t replayed, const mm_root *root);

#endif
