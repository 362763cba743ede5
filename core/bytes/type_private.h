/*
** type_private.h: what the files of type.h share.
**
**     type.c          decoding and order
**     type_encode.c   encoding
**     type_name.c     names
**     type_misfit.c   the sentences
*/
#ifndef MM_TYPE_PRIVATE_H
#define MM_TYPE_PRIVATE_H

#include "core/bytes/type.h"

/* Text in quotes, of 40 bytes at most and of one line: what is not well-formed or not printable
** becomes a question mark. */
#define MM_QUOTED_MAX 40u
#define MM_QUOTED (MM_QUOTED_MAX + 8)
void mm_quote(const void *text, uint64_t size, char out[MM_QUOTED]);

/* MM_CONSTRAINT "300 does not fit u8"; `why` is empty or " (…)". */
int mm_type_misfit(mm_type type, const mm_value *value, const char *why, mm_error *err);

/* The same, the value taking so many bytes. */
int mm_type_misfit_length(mm_type type, const mm_value *value, uint64_t bytes, mm_error *err);

#endif
