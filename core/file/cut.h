/*
** cut.h: whether a file can be cut, where the system refuses that as long as anybody has it mapped.
**
** SQLite has said OK by the time that a COMMIT writes its files. So a COMMIT that is to make a file
** shorter tries it before there is its journal. Nothing asks the system but cutting: the last byte goes,
** which is to go anyway, and comes again. A journal that gives it back is there meanwhile, so that a
** crash in between leaves the file as it was.
*/
#ifndef MM_CUT_H
#define MM_CUT_H

#include <stdbool.h>

#include "core/file/state.h"

/* The file is about to be cut, if `to` is less than `from`, its size: where its views are in the way, the
** object's goes, and all of the connection. True: they have, and object_end_cut is due, after which
** they are there again, but for the object's own. */
bool object_begin_cut(mm_object *object, uint64_t from, uint64_t to);
void object_end_cut(mm_object *object);

/* Can that change's cut be made? Its own view is given up for it and mapped anew. It tries for up to
** busy_timeout; MM_BUSY: another connection or program has the file mapped, and nothing has changed.
** What is no such cut: MM_OK. */
int object_try_cut(mm_object *object, mm_error *err);

#endif
