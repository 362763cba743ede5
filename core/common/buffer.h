/*
** buffer.h: bytes that grow at their end.
*/
#ifndef MM_BUFFER_H
#define MM_BUFFER_H

#include <stdbool.h>
#include <stdint.h>

/* All zeros: empty. Whoever has it frees `data` by mm_free. */
typedef struct mm_buffer {
  uint8_t *data;
  uint64_t size, capacity;
  bool failed; /* there was no memory: what is put after that is dropped */
} mm_buffer;

/* Room for `size` more bytes at the end, which count as put; the caller fills it. NULL: no memory. */
uint8_t *mm_buffer_room(mm_buffer *buffer, uint64_t size);

/* Append bytes, which do not lie in it. False if there is, or was, no memory. */
bool mm_buffer_put(mm_buffer *buffer, const void *data, uint64_t size);
bool mm_buffer_put_byte(mm_buffer *buffer, uint8_t byte);

/* An integer in so many bytes, the lowest first; the highest first. */
bool mm_buffer_put_le(mm_buffer *buffer, uint64_t value, unsigned size);
bool mm_buffer_put_be(mm_buffer *buffer, uint64_t value, unsigned size);

#endif
