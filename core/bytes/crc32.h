/*
** crc32.h: the CRC-32 of zip, gzip and PNG.
*/
#ifndef MM_CRC32_H
#define MM_CRC32_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/watch.h"

/* The CRC-32 of the bytes, 0 for none. False: `stop` said so (watch may be NULL). */
bool mm_crc32(const uint8_t *data, uint64_t size, const mm_watch *watch, uint32_t *crc);

#endif
