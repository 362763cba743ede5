#include "core/common/mem.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "core/common/system.h"

static void *allocate_plain(uint64_t size) {
  return size > SIZE_MAX / 2 ? NULL : malloc((size_t)size);
}

static void *reallocate_plain(void *memory, uint64_t size) {
  return size > SIZE_MAX / 2 ? NULL : realloc(memory, (size_t)size);
}

static const mm_allocator plain = {allocate_plain, reallocate_plain, free};
static _Atomic(const mm_allocator *) current = &plain;

void mm_mem_use(const mm_allocator *allocator) {
  atomic_store(&current, allocator ? allocator : &plain);
}

static const mm_allocator *allocator_in_use(void) {
  return atomic_load_explicit(&current, memory_order_relaxed);
}

void *mm_alloc(uint64_t size) {
  return allocator_in_use()->allocate(size ? size : 1);
}

void *mm_alloc_zeroed(uint64_t size) {
  void *memory = mm_alloc(size);
  if (memory) memset(memory, 0, (size_t)size);
  return memory;
}

void *mm_realloc(void *memory, uint64_t size) {
  return allocator_in_use()->reallocate(memory, size ? size : 1);
}

void mm_free(void *memory) {
  allocator_in_use()->release(memory);
}

char *mm_strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = mm_alloc(size);
  if (copy) memcpy(copy, text, size);
  return copy;
}

const void *mm_mem_find(const void *in, size_t size, const void *what, size_t length) {
  const uint8_t *at = in;
  if (length == 0) return in;
  while (size >= length) {
    const uint8_t *first = memchr(at, *(const uint8_t *)what, size - length + 1);
    if (!first) return NULL;
    if (memcmp(first, what, length) == 0) return first;
    size -= (size_t)(first - at) + 1;
    at = first + 1;
  }
  return NULL;
}

const void *mm_mem_find_last(const void *in, size_t size, int byte) {
  return mm_system_find_last(in, size, byte);
}

int mm_grow(void **array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return 0;
  size_t more = *capacity ? *capacity * 2 : 8;
  if (more > SIZE_MAX / 2 / size) return -1;
  void *grown = mm_realloc(*array, (uint64_t)more * size);
  if (!grown) return -1;
  *array = grown;
  *capacity = more;
  return 0;
}
