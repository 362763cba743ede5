/*
** explicit_bzero.c: libb2 wipes what it has hashed by a function that glibc has since 2.25. With this one
** in its place the library is loaded by older ones, too.
*/
#include <stddef.h>

void __explicit_bzero_chk(void *data, size_t size, size_t room);

void __explicit_bzero_chk(void *data, size_t size, size_t room) {
  volatile unsigned char *bytes = data;
  (void)room; /* which is known to be enough */
  while (size > 0) bytes[--size] = 0;
}
