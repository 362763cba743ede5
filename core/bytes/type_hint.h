/*
** type_hint.h: what was probably meant by a name that is no type.
*/
#ifndef MM_TYPE_HINT_H
#define MM_TYPE_HINT_H

#include <stddef.h>

/* "say u32le or u32be" for u32, uint32, DWORD …, "say text(12)" for char(12); for all else what
** types there are. */
#define MM_TYPE_HINT 320
void mm_type_hint(const char *name, size_t size, char hint[MM_TYPE_HINT]);

#endif
