/*
** park.h: descriptors that must not be closed.
**
** Closing any descriptor of a file drops the POSIX locks that this process holds on it. So where a
** file turns out to be open as a database (path.h) after it was opened, its descriptors are left here:
** until the file is opened again, which takes over the one to read by, or is no such file any more.
** There is one of that kind for each such file, whoever asks for it how often. Process-wide, safe from
** any thread.
*/
#ifndef MM_PARK_H
#define MM_PARK_H

#include <stdbool.h>

#include "core/os/path.h"

/* A place for the descriptors of one file. Made before it is opened, as there may be no memory when it
** is needed; NULL: there is none now. */
typedef struct mm_parked mm_parked;
mm_parked *mm_parked_new(void);

/* Put one that is of own.h into the place. One that is open for writing is taken over by nobody. */
void mm_parked_put(mm_parked *place, int fd, bool writes);

/* Leave the place, which is NULL or has what was put in; one where nothing is, is freed. `real` and
** `stat` say of which file; `real` goes with it, and is NULL then. */
void mm_park(mm_parked *place, char **real, const mm_stat *stat);

/* One to read by that was left of that file, the caller's from now on; -1: there is none, or only from
** before a fork. */
int mm_park_take(const mm_stat *stat);

/* Close those whose files are no databases any more. */
void mm_park_sweep(void);

#endif
