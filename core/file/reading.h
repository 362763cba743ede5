/*
** reading.h: reading an object at one commit.
**
**     read_at_commit ── in place of refresh: what it sees stays until
**     read_done
**
** A commit by anyone else waits meanwhile; our own does not.
*/
#ifndef MM_READING_H
#define MM_READING_H

#include "core/file/object.h"
#include "core/file/share.h"

/* mm_object_refresh, after which nobody commits until mm_object_read_done. `started`: the connection
** reads some file so already. Also where it does so already: refreshes again. Waits up to
** busy_timeout; MM_BUSY. */
int mm_object_read_at_commit(mm_object *object, bool started, mm_error *err);

/* Not being read so: nothing happens. */
void mm_object_read_done(mm_object *object);

#endif
