#include "core/os/own.h"

#include <stdatomic.h>
#include <stdint.h>

#define KEPT 65536

static _Atomic uint64_t owned[KEPT / 64]; /* a bit for each descriptor */

static bool is_kept(int fd) {
  return fd >= 0 && fd < KEPT;
}

static uint64_t descriptor_bit(int fd) {
  return (uint64_t)1 << (fd % 64);
}

void mm_own_add(int fd) {
  if (is_kept(fd)) atomic_fetch_or(&owned[fd / 64], descriptor_bit(fd));
}

void mm_own_remove(int fd) {
  if (is_kept(fd)) atomic_fetch_and(&owned[fd / 64], ~descriptor_bit(fd));
}

bool mm_own_has(int fd) {
  return is_kept(fd) && (atomic_load(&owned[fd / 64]) & descriptor_bit(fd)) != 0;
}
