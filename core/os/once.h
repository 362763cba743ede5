/*
** once.h: what a process does once, whichever thread comes first.
**
** pthread_once is a symbol of its own in each generation of C libraries: what was linked with a new
** one does not load in an old one.
*/
#ifndef MM_ONCE_H
#define MM_ONCE_H

#include <stdatomic.h>

/* Of static storage. 0: nobody has begun; the process that is at it; or it is done. */
typedef atomic_int mm_once_flag;
#define MM_ONCE_INIT 0

/* Call `what` unless it was called for this flag. When this returns it has been, and all threads
** see what it did. It may not come back here with the same flag. After a fork in the middle of it
** the child calls it anew. The system's file defines it, as it waits and asks who this is. */
void mm_once(mm_once_flag *flag, void (*what)(void));

#endif
