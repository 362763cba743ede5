#include "core/common/buffer.h"

#include <string.h>

#include "core/common/mem.h"

#define LEAST_CAPACITY 64

static bool buffer_grow(mm_buffer *buffer, uint64_t size) {
  if (buffer->failed || size > UINT64_MAX / 4) return false;
  if (size <= buffer->capacity - buffer->size) return true;
  uint64_t capacity = buffer->capacity + buffer->capacity / 2 + size + LEAST_CAPACITY;
  uint8_t *data = mm_realloc(buffer->data, capacity);
  if (!data) return false;
  buffer->data = data;
  buffer->capacity = capacity;
  return true;
}

uint8_t *mm_buffer_room(mm_buffer *buffer, uint64_t size) {
  buffer->failed = !buffer_grow(buffer, size);
  if (buffer->failed) return NULL;
  uint8_t *room = buffer->data + buffer->size;
  buffer->size += size;
  return room;
}

bool mm_buffer_put(mm_buffer *buffer, const void *data, uint64_t size) {
  uint8_t *room = mm_buffer_room(buffer, size);
  if (room && size > 0) memcpy(room, data, (size_t)size);
  return room != NULL;
}

bool mm_buffer_put_byte(mm_buffer *buffer, uint8_t byte) {
  return mm_buffer_put(buffer, &byte, 1);
}

bool mm_buffer_put_le(mm_buffer *buffer, uint64_t value, unsigned size) {
  uint8_t *room = mm_buffer_room(buffer, size);
  for (unsigned i = 0; room && i < size; i++) room[i] = (uint8_t)(value >> 8 * i);
  return room != NULL;
}

bool mm_buffer_put_be(mm_buffer *buffer, uint64_t value, unsigned size) {
  uint8_t *room = mm_buffer_room(buffer, size);
  for (unsigned i = 0; room && i < size; i++) room[size - 1 - i] = (uint8_t)(value >> 8 * i);
  return room != NULL;
}
