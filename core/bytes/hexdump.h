/*
** hexdump.h: bytes as people read them.
*/
#ifndef MM_HEXDUMP_H
#define MM_HEXDUMP_H

#include <stddef.h>
#include <stdint.h>

#define MM_HEXDUMP_ROW 16 /* bytes in a row */

/* "7f 45 4c 46": 3 * count - 1 characters, no NUL (none for 0 bytes). Returns how many. */
size_t mm_hexdump_hex(const uint8_t *bytes, size_t count, char text[3 * MM_HEXDUMP_ROW]);

/* ".ELF": a character a byte, a dot for all but printable ASCII. */
size_t mm_hexdump_ascii(const uint8_t *bytes, size_t count, char text[MM_HEXDUMP_ROW]);

#endif
