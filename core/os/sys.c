#include "core/os/sys.h"

#include <errno.h>

/* One call moves no more than this: Linux cuts longer ones short anyway, and a size_t holds it
** everywhere. */
#define CALL_MAX ((uint64_t)1 << 30)

static size_t call_size(uint64_t left) {
  return (size_t)(left < CALL_MAX ? left : CALL_MAX);
}

int mm_sys_read_all(int fd, void *data, uint64_t size, uint64_t offset) {
  unsigned char *to = data;
  if (size > UINT64_MAX - offset) return -EOVERFLOW;
  while (size > 0) {
    int64_t n = mm_os.read(fd, to, call_size(size), offset);
    if (n < 0) return (int)n;
    if (n == 0) return -ENODATA;
    to += n;
    size -= (uint64_t)n;
    offset += (uint64_t)n;
  }
  return 0;
}

int mm_sys_write_all(int fd, const void *data, uint64_t size, uint64_t offset) {
  const unsigned char *from = data;
  if (size > UINT64_MAX - offset) return -EOVERFLOW;
  while (size > 0) {
    int64_t n = mm_os.write(fd, from, call_size(size), offset);
    if (n < 0) return (int)n;
    /* A write of nothing is no error to the system, and would be tried for ever. */
    if (n == 0) return -EIO;
    from += n;
    size -= (uint64_t)n;
    offset += (uint64_t)n;
  }
  return 0;
}

bool mm_sys_hole(int fd, uint64_t from, uint64_t to, uint64_t *start, uint64_t *end) {
  int64_t hole = mm_os.next_hole(fd, from);
  if (hole < 0 || (uint64_t)hole < from || (uint64_t)hole >= to) return false;
  int64_t data = mm_os.next_data(fd, (uint64_t)hole);
  if (data < 0 && data != -ENXIO) return false;
  *start = (uint64_t)hole;
  *end = data < 0 || (uint64_t)data > to ? to : (uint64_t)data;
  return *end > *start;
}
