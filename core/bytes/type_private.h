/*
** type_private.h: what the files of type.h share.
**
**     type.c          decoding and order
**     type_encode.c   encoding
**     type_name.c     names
**     type_misfit.c   the sentences
**     uuid.c          uuid and guid
*/
#ifndef MM_TYPE_PRIVATE_H
#define MM_TYPE_PRIVATE_H

#include "core/bytes/decimal.h"
#include "core/bytes/type.h"

/* Text in quotes, of 40 bytes at most and of one line: what is not well-formed or not printable
** becomes a question mark. */
#define MM_QUOTED_MAX 40u
#define MM_QUOTED (MM_QUOTED_MAX + 8)
void mm_quote(const void *text, uint64_t size, char out[MM_QUOTED]);

/* A value as a sentence shows it: a number, a text in quotes, "a blob", "NULL". */
void mm_describe(const mm_value *value, char out[MM_QUOTED]);

/* MM_CONSTRAINT "300 does not fit u8"; `why` is empty or " (…)". */
int mm_type_misfit(mm_type type, const mm_value *value, const char *why, mm_error *err);

/* The same, the value taking so many bytes. */
int mm_type_misfit_length(mm_type type, const mm_value *value, uint64_t bytes, mm_error *err);

/* Why a text does not fit that would end there when it is read back. */
#define MM_NUL_INSIDE " (with a NUL inside)"

/* The bytes of a TEXT, or of a number, which are then put into `buffer`; false for all else. */
bool mm_value_text(const mm_value *value, char buffer[MM_NUMBER_TEXT], const uint8_t **data,
                   uint64_t *size);

/* The 16 bytes of a uuid or guid as 36 characters. */
#define MM_UUID_BYTES 16
#define MM_UUID_TEXT 36
void mm_uuid_print(bool is_guid, const uint8_t bytes[MM_UUID_BYTES], uint8_t out[MM_UUID_TEXT]);

/* Back; false if the text is none. */
bool mm_uuid_read(bool is_guid, const uint8_t *text, uint64_t size, uint8_t out[MM_UUID_BYTES]);

/* By the order of their texts. */
int mm_uuid_compare(bool is_guid, const uint8_t *a, const uint8_t *b);

#endif
