/*
** system.h: what a C library lacks, or says in another way.
*/
#ifndef MM_SYSTEM_H
#define MM_SYSTEM_H

#include <errno.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

/* The text of an errno value, perhaps in the buffer. */
static inline const char *mm_system_text(int error, char *buffer, size_t size);

/* The last place of a byte; NULL if there is none. */
static inline const void *mm_system_find_last(const void *in, size_t size, int byte);

#ifdef _WIN32

/* Its own look at the size of what they are given, and convert it to each that it may be of. */
#undef isnan
#undef isinf
#undef isfinite
#undef signbit
#define isnan(x) __builtin_isnan(x)
#define isinf(x) __builtin_isinf(x)
#define isfinite(x) __builtin_isfinite(x)
#define signbit(x) __builtin_signbit(x)

#define EDQUOT 10069 /* as <winsock2.h> has it: nobody gives it */

/* Its strerror knows the values of old only. */
static inline const char *mm_system_text(int error, char *buffer, size_t size) {
  switch (error) {
    case ELOOP:
      return "Too many levels of symbolic links";
    case EOPNOTSUPP:
      return "Operation not supported";
    case EOVERFLOW:
      return "Value too large for defined data type";
    case ETXTBSY:
      return "Text file busy";
    case EBUSY:
      return "Device or resource busy";
    case EXDEV:
      return "Invalid cross-device link";
    default:
      return strerror_s(buffer, size, error) == 0 ? buffer : "an error without a name";
  }
}

static inline const void *mm_system_find_last(const void *in, size_t size, int byte) {
  const uint8_t *bytes = in;
  while (size > 0 && bytes[size - 1] != (uint8_t)byte) size--;
  return size > 0 ? bytes + size - 1 : NULL;
}

#else

/* Under _GNU_SOURCE, which the build defines, glibc's returns the text; others fill the buffer. */
static inline const char *mm_system_text(int error, char *buffer, size_t size) {
#ifdef __GLIBC__
  return strerror_r(error, buffer, size);
#else
  return strerror_r(error, buffer, size) == 0 ? buffer : "an error without a name";
#endif
}

/* Not a standard's, but all C libraries of Linux have it. */
static inline const void *mm_system_find_last(const void *in, size_t size, int byte) {
  return memrchr(in, byte, size);
}

#endif

#endif
