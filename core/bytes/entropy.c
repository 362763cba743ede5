#include "core/bytes/entropy.h"

#include <stdbool.h>

#include "core/common/least.h"

#define LN2 0.693147180559945309417
#define SQRT2 1.41421356237309504880

/* The logarithm of n > 0 to base 2. libm's has, since glibc 2.29, a version that an older one lacks,
** and the library is to be loaded there. n is m * 2^e with m from sqrt(1/2) to sqrt(2), and ln(m) is
** 2 artanh(z), z = (m-1)/(m+1), whose series ends below 1e-17 here, as z^2 < 0.03. */
static double log2_of(uint64_t n) {
  int exponent = 63 - __builtin_clzll(n);
  double m = (double)n / (double)((uint64_t)1 << exponent);
  if (m > SQRT2) {
    m /= 2;
    exponent++;
  }
  double z = (m - 1) / (m + 1), square = z * z, sum = 0;
  for (int k = 21; k >= 1; k -= 2) sum = sum * square + 1.0 / k;
  return exponent + 2 * z * sum / LN2;
}

/* Of n bytes, c of each kind: the sum of c/n * log2(n/c). */
double mm_entropy(const uint64_t counts[256]) {
  uint64_t all = 0;
  double sum = 0;
  for (int b = 0; b < 256; b++) all += counts[b];
  if (all == 0) return 0;
  double log_all = log2_of(all);
  for (int b = 0; b < 256; b++) {
    if (counts[b] > 0 && counts[b] < all) {
      sum += (double)counts[b] * (log_all - log2_of(counts[b]));
    }
  }
  return sum / (double)all;
}

/* From `end` back to `least`, as long as it is the byte there; a stop of the watch ends it, too. */
static uint64_t start_of_run(const uint8_t *data, uint64_t least, uint64_t end, mm_pace *pace,
                             int *stop) {
  uint64_t at = end;
  while (*stop == 0 && at > least && data[at - 1] == data[end]) {
    uint64_t from = at, most = at - least > MM_PIECE ? at - MM_PIECE : least;
    while (at > most && data[at - 1] == data[end]) at--;
    *stop = mm_pace_stops(pace, from - at);
  }
  return at;
}

/* From `start` on, likewise. */
static uint64_t end_of_run(const uint8_t *data, uint64_t start, uint64_t size, mm_pace *pace,
                           int *stop) {
  uint64_t at = start;
  while (*stop == 0 && at < size && data[at] == data[start]) {
    uint64_t from = at, most = size - at > MM_PIECE ? at + MM_PIECE : size;
    while (at < most && data[at] == data[start]) at++;
    *stop = mm_pace_stops(pace, at - from);
  }
  return at;
}

#define ALIKE_BLOCK 64

/* Do `count` bytes alike begin in a block? Without a branch, and with a count that the compiler knows, so
** that it takes many bytes at once. */
#define ALIKE static inline __attribute__((always_inline))

ALIKE bool has_alike(const uint8_t *data, int count) {
  uint8_t any = 0;
  for (int i = 0; i < ALIKE_BLOCK; i++) {
    uint8_t alike = data[i] == data[i + 1];
    if (count > 2) alike &= data[i] == data[i + 2];
    if (count > 3) alike &= data[i] == data[i + 3];
    any |= alike;
  }
  return any;
}

ALIKE uint64_t pass_blocks(const uint8_t *data, uint64_t at, uint64_t end, int count) {
  while (end - at >= ALIKE_BLOCK + 4 && !has_alike(data + at, count)) at += ALIKE_BLOCK;
  return at;
}

/* While runs are short, as in texts and in random bytes, blocks in which none is longer are passed over.
** Returns where the next may begin. */
static uint64_t pass_short_runs(const uint8_t *data, uint64_t at, uint64_t end, uint64_t longest) {
  if (longest < 1 || longest >= 12) return at;
  if (longest == 1) return pass_blocks(data, at, end, 2);
  return longest == 2 ? pass_blocks(data, at, end, 3) : pass_blocks(data, at, end, 4);
}

/* A longer run than the longest so far, from `at`, has also the byte that is as far behind: that is
** looked at first, then those before it, backward. What differs there is where the next may
** begin. */
int mm_longest_run(const uint8_t *data, uint64_t size, const mm_watch *watch, uint64_t *longest) {
  uint64_t at = 0, looked = 0; /* a block that was looked at in vain ends here */
  int stop = 0;
  mm_pace pace = {.unasked = 0};
  if (watch) pace.watch = *watch;
  *longest = 0;
  while (stop == 0 && *longest < size - at) {
    if (at >= looked) {
      uint64_t end = at + mm_min(size - at, MM_PIECE);
      uint64_t next = pass_short_runs(data, at, end, *longest);
      stop = mm_pace_stops(&pace, next - at);
      at = next;
      looked = at + ALIKE_BLOCK;
      if (stop || *longest >= size - at) break;
    }
    uint64_t end = at + *longest, start = start_of_run(data, at, end, &pace, &stop);
    if (stop == 0 && start == at) {
      start = end_of_run(data, end, size, &pace, &stop);
      *longest = start - at;
    }
    if (stop == 0) stop = mm_pace_stops(&pace, start - at);
    at = start;
  }
  return stop;
}
