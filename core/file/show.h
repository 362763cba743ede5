/*
** show.h: an object's bytes in memory: its view, with the log shown over the file.
*/
#ifndef MM_SHOW_H
#define MM_SHOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/file/state.h"

/* The file as it is now: one system call. MM_IOERR "cannot look at 'x': …". */
int object_look(const mm_object *object, mm_stat *stat, mm_error *err);

/* They may be other bytes than they were when somebody looked last: see `look`. */
void object_look_new(mm_object *object);

/* After bytes were read: did a fault happen meanwhile, so that they are not the file's?
** MM_IOERR. */
int mm_object_faulted(const mm_object *object, mm_error *err);
/* The same after many bytes were read. A cut inside a page makes no fault there but gives zeros, so
** this looks at the file's size, too: one system call. */
int mm_object_whole(const mm_object *object, mm_error *err);

/* Build a new view and show the whole log in it; the old one, if any, is let go of only when the
** new one is ready. */
int object_remap(mm_object *object, mm_error *err);

/* Give the view up: the next refresh, or object_remap, maps the object anew. Nothing reads it. */
void object_drop_view(mm_object *object);

/* Show entries from `first` on in the view. */
int object_show(mm_object *object, size_t first, mm_error *err);

/* Show `size` bytes behind the object's end, which are not in the log yet. On failure the view cannot be
** trusted. */
int object_show_more(mm_object *object, const uint8_t *data, uint64_t size, mm_error *err);

/* Show again what the first `count` entries have in [low, high). */
int object_show_again(mm_object *object, size_t count, uint64_t low, uint64_t high, mm_error *err);

/* The bytes are about to be read: show the write of which nobody has seen anything so far
** (mm_object_write_unseen). A call that does nothing, as a rule. */
void mm_object_see(mm_object *object);

/* Make the view ready for storing, with room for `size` bytes; may build a new one. */
int object_ready(mm_object *object, uint64_t size, mm_error *err);

/* What the view shows cannot be trusted: reads fail until the next refresh has mapped the object
** anew. Pointers into it stay good till then; where there is no view, `data` leads to one of zeros. */
void object_spoil(mm_object *object);

/* Take over the file's status: size and times. Rebuilds what no longer shows the file. */
int object_adopt(mm_object *object, const mm_stat *stat, mm_error *err);

/* Before a look at the file: may the object be used, is there a handler of faults, and was the last
** commit written? Says once that it was not. */
int object_come(mm_object *object, mm_error *err);

/* A process that inherited the object by fork may not use it. */
int object_check_owner(const mm_object *object, mm_error *err);

#endif
