/*
** entropy.h: how much bytes say.
*/
#ifndef MM_ENTROPY_H
#define MM_ENTROPY_H

#include <stddef.h>
#include <stdint.h>

#include "core/common/watch.h"

/* Shannon's entropy of bytes that occur so often: 0 (all are the same one, or there are none) to 8
** (all occur alike) bits a byte, to some 1e-14. */
double mm_entropy(const uint64_t counts[256]);

/* The length of the longest run of one byte; 0 of no bytes. Nonzero: what the watch (may be NULL) said,
** which stopped it. */
int mm_longest_run(const uint8_t *data, uint64_t size, const mm_watch *watch, uint64_t *longest);

#endif
