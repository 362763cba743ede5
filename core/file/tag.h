/*
** tag.h: memory shared under a name, as CreateFileMapping's on Windows and Python's tagname.
**
** A tag is a file in the system's shared memory directory, named after the user and the tag.
** Everyone who has it open holds a shared lock on one byte; who finds nobody there starts it
** afresh, and the last to leave removes it, also after a crash.
*/
#ifndef MM_TAG_H
#define MM_TAG_H

#include <stdbool.h>

#include "core/common/error.h"

#define MM_TAG_MAX 200 /* bytes */

/* Open, or make, the memory under `tag`. *fd is open for both and the caller's; *path is the
** caller's (mm_free). *made: it is new and empty, locked alone: give it its size, then
** mm_tag_share(). */
int mm_tag_open(const char *tag, int *fd, char **path, bool *made, mm_error *err);
int mm_tag_share(int fd, const char *tag, mm_error *err);

/* Before the descriptor is closed: the last one removes the tag. */
void mm_tag_leave(int fd, const char *path);

/* Is that the path of some tag's memory? */
bool mm_tag_is_path(const char *path);

#endif
