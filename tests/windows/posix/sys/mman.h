// Memory of its own, page by page: the mmap of tests that look at borders. Files are not mapped by it.
#ifndef MM_TESTS_WINDOWS_SYS_MMAN_H
#define MM_TESTS_WINDOWS_SYS_MMAN_H

#include <cstddef>

enum { PROT_NONE = 0, PROT_READ = 1, PROT_WRITE = 2 };
enum { MAP_SHARED = 1, MAP_PRIVATE = 2, MAP_ANONYMOUS = 32, MAP_NORESERVE = 0x4000 };
enum { MADV_HUGEPAGE = 14 };
#define MAP_FAILED (reinterpret_cast<void *>(-1))

void *mmap(void *address, size_t size, int protection, int flags, int fd, long long offset);
int mprotect(void *address, size_t size, int protection);
int munmap(void *address, size_t size);

inline int madvise(void *, size_t, int) {
  return -1;
}
inline int mincore(void *, size_t, unsigned char *) {
  return -1;
}

#endif
