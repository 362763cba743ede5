// Peers that are a few lines of C: what one would write oneself.
#ifndef MM_TESTS_BENCH_LOOPS_H
#define MM_TESTS_BENCH_LOOPS_H

#include <cstddef>
#include <cstdint>
#include <string>

namespace mm_bench {

// Read all bytes as fast as the memory gives them: load and xor.
uint64_t PlainRead(const uint8_t *data, size_t size);

// glibc's memmem: the offset of the first occurrence, or -1; and how many there are, overlapping
// ones too.
int64_t LibcFind(const uint8_t *data, size_t size, const std::string &needle);
int64_t LibcCount(const uint8_t *data, size_t size, const std::string &needle);

// A byte after the other.
uint64_t LoopCount(const uint8_t *data, size_t size, uint8_t byte);
void LoopHistogram(const uint8_t *data, size_t size, uint64_t counts[256]);

// The digest as libb2 computes it, in hexadecimal.
std::string LibraryBlake2b(const uint8_t *data, size_t size);

// Lines, from one newline to the next by memchr.
uint64_t LibcLines(const uint8_t *data, size_t size);

} // namespace mm_bench

#endif
