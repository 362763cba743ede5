/*
** share.h: an object's locks on its file: the writer's, and those of readers.
**
** Who reads an object at one commit (reading.h) shares a lock. A commit waits until nobody does, and
** goes on only where it has all its files alone, so that what it waits for is never one who waits
** for it: those who have started come in as long as one of its files is still read.
*/
#ifndef MM_SHARE_H
#define MM_SHARE_H

#include <stdbool.h>
#include <stddef.h>

#include "core/file/state.h"

/* Be one of the file's readers. `started`: the connection reads some file at one commit already.
** Waits up to busy_timeout for a commit. MM_BUSY, MM_IOERR, MM_INTERRUPT. */
int object_start_reading(mm_object *object, bool started, mm_error *err);
/* Not one of them: nothing happens. */
void object_stop_reading(mm_object *object);

/* Become the file's writer, by the descriptor that object_open_writer has opened, and stop being
** it; then readers are let in. Waits likewise. */
int object_lock(mm_object *object, mm_error *err);
void object_unlock(mm_object *object);

/* Before a commit: have all those alone that have something pending. Waits up to busy_timeout, and
** keeps out new readers meanwhile; on failure all are as before. MM_BUSY, with the name of one that
** is still read. */
int mm_objects_keep_out(mm_object *const *objects, size_t count, mm_error *err);

/* Before that, for a copy that the connection reads at one commit: its own commit does not wait for
** it. The share is had again when readers are let in, and no commit of others comes between. */
void mm_object_lend(mm_object *copy, mm_object *const *objects, size_t count);

/* The commit is not to come yet. */
void object_let_in(mm_object *object);

/* Does somebody wait until the object is no longer read? */
bool mm_object_awaited(const mm_object *object);

#endif
