/*
** access_posix.h: lists of who may do what with a file, for sys_posix.c: see mm_sys. All give a negated
** errno when they fail.
*/
#ifndef MM_ACCESS_POSIX_H
#define MM_ACCESS_POSIX_H

#include <stdbool.h>

int posix_has_access(int file);
int posix_take_access(int fd, int file, bool read_only);
int posix_same_access(int fd, int file);

/* From now on its mode says all. */
int posix_drop_access(int fd);

#endif
