// How often a test does what it does at random.
#ifndef MM_TESTS_SUPPORT_ROUNDS_H
#define MM_TESTS_SUPPORT_ROUNDS_H

#include <algorithm>
#include <cstdlib>

namespace mm_test {

// `usual` times; twenty times as often by MMAP_TEST_SEEDS=20 in the environment, a tenth of it by 0.1, but
// once at least.
template <class Number> Number Rounds(Number usual) {
  const char *times = getenv("MMAP_TEST_SEEDS");
  if (!times) return usual;
  return std::max(Number{1}, static_cast<Number>(static_cast<double>(usual) * atof(times)));
}

} // namespace mm_test

#endif
