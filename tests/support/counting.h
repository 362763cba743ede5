// An allocator for core that counts, and fails when told to.
#ifndef MM_TESTS_COUNTING_H
#define MM_TESTS_COUNTING_H

extern "C" {
#include "core/common/mem.h"
}

#include <stdlib.h>

#include <algorithm>

namespace mm_test {

struct Counting {
  static inline uint64_t live = 0, peak = 0, total = 0, calls = 0, fail_at = 0; // bytes; calls

  // Puts it in place; mm_mem_use(nullptr) ends it.
  static void Use() {
    static const mm_allocator counting = {Allocate, Reallocate, Release};
    live = peak = total = calls = fail_at = 0;
    mm_mem_use(&counting);
  }

private:
  static bool Fails() { return ++calls == fail_at; }
  static void Grew(uint64_t by) {
    live += by;
    total += by;
    peak = std::max(peak, live);
  }
  static void *Allocate(uint64_t size) {
    if (Fails()) return nullptr;
    auto *memory = static_cast<uint64_t *>(malloc(size + 16));
    memory[0] = size;
    Grew(size);
    return memory + 2;
  }
  static void Release(void *memory) {
    if (!memory) return;
    auto *block = static_cast<uint64_t *>(memory) - 2;
    live -= block[0];
    free(block);
  }
  static void *Reallocate(void *memory, uint64_t size) {
    if (!memory) return Allocate(size);
    if (Fails()) return nullptr;
    auto *block = static_cast<uint64_t *>(memory) - 2;
    live -= block[0]; // what is large is moved by the page tables
    Grew(size);
    block = static_cast<uint64_t *>(realloc(block, size + 16));
    block[0] = size;
    return block + 2;
  }
};

} // namespace mm_test

#endif
