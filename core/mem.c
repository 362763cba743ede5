#include "core/mem.h"

#include <stdlib.h>
#include <string.h>

static void *allocate_plain(uint64_t size) {
  return malloc((size_t)size);
}

static void *reallocate_plain(void *memory, uint64_t size) {
  return realloc(memory, (size_t)size);
}

static const mm_allocator plain = {allocate_plain, reallocate_plain, free};
static mm_allocator current = {allocate_plain, reallocate_plain, free};

void mm_mem_use(const mm_allocator *allocator) {
  current = allocator ? *allocator : plain;
}

void *mm_alloc(uint64_t size) {
  return current.allocate(size ? size : 1);
}

void *mm_alloc_zeroed(uint64_t size) {
  void *memory = mm_alloc(size);
  if (memory) memset(memory, 0, (size_t)size);
  return memory;
}

void *mm_realloc(void *memory, uint64_t size) {
  return current.reallocate(memory, size ? size : 1);
}

void mm_free(void *memory) {
  current.release(memory);
}

char *mm_strdup(const char *text) {
  size_t size = strlen(text) + 1;
  char *copy = mm_alloc(size);
  if (copy) memcpy(copy, text, size);
  return copy;
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
