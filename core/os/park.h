/*
** park.h: descriptors that must not be closed.
**
** Closing any descriptor of a file drops the POSIX locks that this process holds on it. So where a
** file turns out to be open as a database (path.h) after it was opened, its descriptor is left here:
** until the file is opened again, which takes it over, or is no such file any more. There is one to
** read by for each such file, whoever asks for it how often. Process-wide, safe from any thread.
*/
#ifndef MM_PARK_H
#define MM_PARK_H

#include <stdbool.h>

#include "core/os/path.h"

/* Take `fd` over, which is one of own.h. `path` says of which file; its descriptor is not looked at.
** `writes`: it is open for writing, and nobody takes it over. Without memory it is lost, and stays
** open. */
void mm_park(int fd, const mm_path *path, bool writes);

/* One that was left of that file, the caller's from now on; -1: there is none. */
int mm_park_take(const mm_stat *stat);

/* Close those whose files are no databases any more. */
void mm_park_sweep(void);

#endif
