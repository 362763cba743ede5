#include "core/bytes/ipv4.h"

#include "core/bytes/type.h"

/* A number up to a dot or the end. -1: it is none. */
static int read_octet(const uint8_t **at, const uint8_t *end) {
  const uint8_t *from = *at;
  int n = 0;
  while (*at < end && **at >= '0' && **at <= '9' && *at - from < 3) n = n * 10 + (*(*at)++ - '0');
  bool zero = *at - from > 1 && *from == '0';
  return *at == from || zero || n > 255 ? -1 : n;
}

bool mm_ipv4_parse(const uint8_t *text, uint64_t size, uint32_t *address) {
  const uint8_t *at = text, *end = text + size;
  *address = 0;
  for (int i = 0; i < 4; i++) {
    if (i > 0 && (at == end || *at++ != '.')) return false;
    int octet = read_octet(&at, end);
    if (octet < 0) return false;
    *address = *address << 8 | (uint32_t)octet;
  }
  return at == end;
}

int mm_ipv4_compare(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n) {
  uint32_t x, y;
  bool is_a = mm_ipv4_parse(a, m, &x), is_b = mm_ipv4_parse(b, n, &y);
  if (is_a != is_b) return is_a ? 1 : -1;
  return is_a ? (x > y) - (x < y) : mm_compare_bytes(a, m, b, n);
}
