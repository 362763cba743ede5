/*
** entropy.h: how much bytes say.
*/
#ifndef MM_ENTROPY_H
#define MM_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

/* Shannon's entropy of bytes that occur so often: 0 (all are the same one, or there are none) to 8
** (all occur alike) bits a byte, to some 1e-14. */
double mm_entropy(const uint64_t counts[256]);

/* The length of the longest run of one byte; 0 of no bytes. */
size_t mm_longest_run(const uint8_t *data, size_t size);

#endif
