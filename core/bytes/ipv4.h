/*
** ipv4.h: addresses of IPv4 as text: four numbers from 0 to 255 with dots between, none of them
** with a leading zero.
*/
#ifndef MM_IPV4_H
#define MM_IPV4_H

#include <stdbool.h>
#include <stdint.h>

/* False: the text is no address. */
bool mm_ipv4_parse(const uint8_t *text, uint64_t size, uint32_t *address);

/* Order two texts as memcmp does: addresses by value, behind all that are none, which are ordered
** bytewise. */
int mm_ipv4_compare(const uint8_t *a, uint64_t m, const uint8_t *b, uint64_t n);

#endif
