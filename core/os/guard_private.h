/*
** guard_private.h: between the regions of guard.c and what catches a fault on this system.
*/
#ifndef MM_GUARD_PRIVATE_H
#define MM_GUARD_PRIVATE_H

#include <stdbool.h>
#include <stdint.h>

/* Called where a fault is caught: is the address in a region? Then there are zeros by now and the
** region is marked. False: it is somebody else's fault. */
bool guard_serve(uintptr_t address);

/* The system's own: put zeros, that can be written if the region can, from the page of `address` to
** `high` at least; or over all of the region, [low, high). */
bool guard_bury(uintptr_t address, uintptr_t low, uintptr_t high);

#endif
