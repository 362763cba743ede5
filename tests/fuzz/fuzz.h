// What the fuzzers share: CHECK, and a reader that turns the bytes of an input into choices.
#ifndef MM_TESTS_FUZZ_FUZZ_H
#define MM_TESTS_FUZZ_FUZZ_H

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#define CHECK(condition)                                                                           \
  do {                                                                                             \
    if (!(condition)) {                                                                            \
      fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);                              \
      abort();                                                                                     \
    }                                                                                              \
  } while (0)

namespace mm_fuzz {

// At the end of the input all choices are 0.
class Reader {
public:
  Reader(const uint8_t *data, size_t size) : at_(data), end_(data + size) {}

  bool Empty() const { return at_ == end_; }
  unsigned Byte() { return at_ < end_ ? *at_++ : 0u; }
  // Of 0 .. n-1; n up to 2^16.
  size_t Below(size_t n) {
    if (n <= 1) return 0;
    size_t value = Byte();
    if (n > 256) value = value << 8 | Byte();
    return value % n;
  }
  bool OneIn(size_t n) { return Below(n) == n - 1; }
  std::string Bytes(size_t n) {
    n = std::min(n, static_cast<size_t>(end_ - at_));
    std::string bytes(reinterpret_cast<const char *>(at_), n);
    at_ += n;
    return bytes;
  }
  std::string Rest() { return Bytes(static_cast<size_t>(end_ - at_)); }

private:
  const uint8_t *at_, *end_;
};

// Pieces of a language, a byte a piece: what is put together of them is nearer to being right than
// random bytes are.
template <size_t N> std::string Spell(const char *const (&pieces)[N], const std::string &bytes) {
  std::string text;
  for (unsigned char byte : bytes) text += pieces[byte % N];
  return text;
}

} // namespace mm_fuzz

#endif
