/*
** together.h: several objects in one transaction, which changes all of their files or none.
**
**     files that get a journal   what is done
**     none, or one               what object.h does for each
**     two or more                journals in doubt, made durable; the common record, which is the
**                                commit point (record.h); the files; the record is removed, and
**                                then the journals, of which nothing has to be durable any more
**
** The level of all is the strictest of any. An object without a journal (synchronous=off, memory,
** access=copy) is committed beside them and promises nothing.
*/
#ifndef MM_TOGETHER_H
#define MM_TOGETHER_H

#include <stddef.h>

#include "core/common/error.h"
#include "core/file/object.h"

/* As mm_object_prepare, of all. MM_OK: they are committed if the machine dies now. */
int mm_objects_prepare(mm_object *const *objects, size_t count, mm_error *err);

/* As mm_object_unprepare. On failure a crash may still commit them; the next call tries again. */
int mm_objects_unprepare(mm_object *const *objects, size_t count, mm_error *err);

/* As mm_object_commit. The first error is returned, and the others go on. */
int mm_objects_commit(mm_object *const *objects, size_t count, mm_error *err);

/* As mm_object_rollback, likewise. */
int mm_objects_rollback(mm_object *const *objects, size_t count, mm_error *err);

#endif
