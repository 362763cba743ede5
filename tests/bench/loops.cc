#include "tests/bench/loops.h"

#include <blake2.h>

#include <cstring>

namespace mm_bench {

#if defined(__x86_64__)
__attribute__((target("avx2")))
#endif
static uint64_t
ReadVectors(const uint8_t *data, size_t size) {
  typedef uint64_t Vector __attribute__((vector_size(32), aligned(32)));
  const auto *p = reinterpret_cast<const Vector *>(data);
  Vector a = {}, b = {}, c = {}, d = {};
  for (const Vector *end = p + size / 128 * 4; p < end; p += 4) {
    a ^= p[0];
    b ^= p[1];
    c ^= p[2];
    d ^= p[3];
  }
  a ^= b ^ c ^ d;
  return a[0] ^ a[1] ^ a[2] ^ a[3];
}

uint64_t PlainRead(const uint8_t *data, size_t size) {
  return ReadVectors(data, size);
}

int64_t LibcFind(const uint8_t *data, size_t size, const std::string &needle) {
  auto *found = static_cast<const uint8_t *>(memmem(data, size, needle.data(), needle.size()));
  return found ? found - data : -1;
}

int64_t LibcCount(const uint8_t *data, size_t size, const std::string &needle) {
  int64_t count = -1;
  const uint8_t *at = data - 1, *end = data + size;
  do {
    at++;
    at = static_cast<const uint8_t *>(
        memmem(at, static_cast<size_t>(end - at), needle.data(), needle.size()));
    count++;
  } while (at);
  return count;
}

uint64_t LoopCount(const uint8_t *data, size_t size, uint8_t byte) {
  uint64_t count = 0;
  for (size_t i = 0; i < size; i++) count += data[i] == byte;
  return count;
}

void LoopHistogram(const uint8_t *data, size_t size, uint64_t counts[256]) {
  for (size_t i = 0; i < size; i++) counts[data[i]]++;
}

uint64_t LibcLines(const uint8_t *data, size_t size) {
  uint64_t lines = 0;
  const uint8_t *at = data, *end = data + size;
  while (at < end) {
    auto *newline = static_cast<const uint8_t *>(memchr(at, '\n', static_cast<size_t>(end - at)));
    at = newline ? newline + 1 : end;
    lines++;
  }
  return lines;
}

std::string LibraryBlake2b(const uint8_t *data, size_t size) {
  static const char digits[] = "0123456789abcdef";
  uint8_t digest[BLAKE2B_OUTBYTES];
  std::string hex;
  blake2b(digest, data, nullptr, sizeof digest, size, 0);
  for (uint8_t byte : digest) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex;
}

} // namespace mm_bench
