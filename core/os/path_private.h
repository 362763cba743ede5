/*
** path_private.h: what path.c and glob.c ask the system's own file about names.
*/
#ifndef MM_PATH_PRIVATE_H
#define MM_PATH_PRIVATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/os/path.h"

/* A path as its user wrote it, shorter than MM_PATH_MAX, as core has it: with '/' between names. *out is
** `path` itself or in `buffer`. A negated errno where a name is none that may be used. */
int path_normalise(const char *path, char buffer[MM_PATH_MAX], const char **out);

/* Are the first `n` bytes of `a` and the first `m` of `b` the same name to the system? */
bool path_same_name(const char *a, size_t n, const char *b, size_t m);

/* Characters that are the same in names have the same one here. */
uint32_t path_fold(uint32_t character);

/* A pattern as core has it; the caller frees it. NULL: no memory. Where '\\' is a separator it becomes '/', and
** no character is taken as it is by one before it. */
char *path_normalise_pattern(const char *pattern);

#endif
