/*
** commit.h: a transaction on one object, from becoming the file's writer to letting go of it.
*/
#ifndef MM_COMMIT_H
#define MM_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/file/state.h"

/* Become the file's writer, for writes at any place. Waits up to busy_timeout. MM_READONLY if the
** file cannot be written, MM_BUSY, MM_IOERR. */
int mm_object_begin(mm_object *object, mm_error *err);

/* The same for whoever has come to use the object in this statement (mm_object_come). */
int mm_object_begin_on(mm_object *object, mm_error *err);

/* Can the file be opened for writing? MM_READONLY "cannot write 'x': …". */
int mm_object_check_writable(mm_object *object, mm_error *err);

/* What COMMIT would write now. `change` is empty before and the caller's afterwards; it points into
** the log, so it is good until the next write. */
int mm_object_change(const mm_object *object, mm_change *change, mm_error *err);

/* First half of a commit: everything that can fail. May be called again, also after further writes:
** it looks anew at whether another program has changed the file. Nothing pending: MM_OK. MM_CHANGED
** "… was changed by another program during this transaction", "… was opened as a database …"; and what mm_object_go_on says, which
** is asked all along. */
int mm_object_prepare(mm_object *object, mm_error *err);

/* The second half is not to come yet: the transaction goes on. Its journal, which a crash would
** replay, is made invalid, durably, before anything is written or undone. Not prepared: MM_OK. On
** failure the journal may still be there; the next call tries again. */
int mm_object_unprepare(mm_object *object, mm_error *err);

/* The common record that a journal is to hang on (record.h). */
typedef struct mm_doubt {
  const char *path; /* absolute */
  uint64_t salt;
  mm_beside_place place; /* its directory */
} mm_doubt;

/* The parts of a commit, for whoever commits several objects at once (together.h). Prepare, with the
** journal in doubt and its directory not synced (doubt NULL: as mm_object_prepare); whether that is
** done; whether others have written since, for its `look`; write the file; blank or remove the journal;
** let go of the file. */
int object_prepare(mm_object *object, const mm_doubt *doubt, mm_error *err);
int object_write_journal(mm_object *object, const mm_change *change, const mm_doubt *doubt,
                         mm_error *err); /* nothing to do: MM_OK; see undo_journal */
bool object_is_prepared(const mm_object *object, bool in_doubt);
void object_meet_others(mm_object *object);
int object_write(mm_object *object, mm_error *err);
int object_end_journal(mm_object *object, bool durable, mm_error *err);
void object_settle(mm_object *object, bool written);

/* Second half, which nothing stops. If it fails, reads fail too, until the journal has been
** replayed by the next use. */
int mm_object_commit(mm_object *object, mm_error *err);

/* Undo everything since begin, also after prepare, and stop being the writer. */
int mm_object_rollback(mm_object *object, mm_error *err);

#endif
