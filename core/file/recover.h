/*
** recover.h: what a crash left behind is finished by the next use of the file.
*/
#ifndef MM_RECOVER_H
#define MM_RECOVER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/file/state.h"

/* Open the file for writing, and stop having it open so, if it may be closed. */
int object_open_writer(mm_object *object, mm_error *err);
void object_close_writer(mm_object *object);

/* Has this process the file open as a database by now (1, 0, or a negated errno: it begins as one does, and
** the system does not tell; path.h)? Then to close any descriptor of it would drop SQLite's locks. */
int object_is_database(const mm_object *object);

/* Close one of its descriptors of the file, if that may be. */
void object_close_file(const mm_object *object, int fd);

/* Stop being the file's writer, or having tried to become it. */
void object_let_go(mm_object *object);

/* Finish what a crash left undone. Needs no transaction to be pending. MM_BUSY when a
** living writer does not end within busy_timeout. */
int object_recover(mm_object *object, mm_error *err);

/* The same. *none: there was nothing to be finished, nothing was waited for, and no journal that was shown
** over the file has been replayed by others. */
int object_recover_any(mm_object *object, bool *none, mm_error *err);

/* Make the journal of ours that is not to be replayed invalid, and the common record that it hangs
** on first. On failure it may still be there. */
int object_undo_journal(mm_object *object, bool durable, mm_error *err);

/* Close the descriptor of the journal that was made. */
void object_close_journal(mm_object *object);

/* … and forget what else is known of it. */
void object_forget_journal(mm_object *object);

/* Forget the entries that a journal put under the log. */
int object_drop_overlay(mm_object *object, mm_error *err);

#endif
