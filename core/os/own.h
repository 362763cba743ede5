/*
** own.h: which descriptors of the process are core's own.
**
** Whether a file may be opened can depend on who else in the process has it open (path.h): another
** connection of this library does no harm, a database does. Process-wide, safe from any thread.
*/
#ifndef MM_OWN_H
#define MM_OWN_H

#include <stdbool.h>

void mm_own_add(int fd);    /* after it was opened */
void mm_own_remove(int fd); /* before it is closed */
bool mm_own_has(int fd);    /* false also for descriptors past the number that is kept, 65,535 */

#endif
