/*
** object_private.h: what show.c, edit.c, recover.c, commit.c and object.c share of an object, and
** nobody else. Each uses those named before it.
*/
#ifndef MM_OBJECT_PRIVATE_H
#define MM_OBJECT_PRIVATE_H

#include "core/file/object.h"

static inline uint64_t object_min(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static inline uint64_t object_max(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

/* show.c: the view of the object's bytes. */

/* Build a new view and show the whole log in it; the old one, if any, is let go of only when the
** new one is ready. */
int object_remap(mm_object *object, mm_error *err);

/* Show entries from `first` on in the view. */
int object_show(mm_object *object, size_t first, mm_error *err);

/* Show again what the first `count` entries have in [low, high). */
int object_show_again(mm_object *object, size_t count, uint64_t low, uint64_t high, mm_error *err);

/* Make the view ready for storing, with room for `size` bytes; may build a new one. */
int object_ready(mm_object *object, uint64_t size, mm_error *err);

/* What the view shows cannot be trusted: reads fail until the next refresh has mapped the object
** anew. Pointers into it stay good till then. */
void object_spoil(mm_object *object);

/* Take over the file's status: size and times. Rebuilds what no longer shows the file. */
int object_adopt(mm_object *object, const mm_stat *stat, mm_error *err);

/* Is it the file's writer, whom nobody else's commit can meet? A private object writes nothing, so
** it never is: others go on committing while it is written. */
static inline bool object_is_writer(const mm_object *object) {
  return object->begun && object->kind != MM_OBJECT_PRIVATE;
}

/* A process that inherited the object by fork may not use it. */
int object_check_owner(const mm_object *object, mm_error *err);

static inline bool object_same_file_state(const mm_stat *a, const mm_stat *b) {
  return a->size == b->size && a->ctime == b->ctime && a->mtime == b->mtime;
}

/* recover.c: open the file for writing, and stop having it open so. */
int object_open_writer(mm_object *object, mm_error *err);
void object_close_writer(mm_object *object);

/* Finish what a crash left undone. Needs no transaction to be pending. MM_BUSY when a
** living writer does not end within busy_timeout. */
int object_recover(mm_object *object, mm_error *err);

/* Forget the entries that a journal put under the log. */
int object_drop_overlay(mm_object *object, mm_error *err);

#endif
