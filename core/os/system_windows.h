/*
** system_windows.h: those entries of the table that have files of their own: sys.h says what they do.
*/
#ifndef MM_SYSTEM_WINDOWS_H
#define MM_SYSTEM_WINDOWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

int windows_lock(int fd, int kind, uint64_t offset, uint64_t size);
int windows_locked(int fd, int kind, uint64_t offset, uint64_t size);

int windows_take_access(int fd, int file, bool read_only);

int windows_map(void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed);
int windows_map_grown(void **address, size_t size, int fd, size_t shared);
int windows_unmap(void *address, size_t size);
int windows_protect(void *address, size_t size, int protection);
int windows_advise(void *address, size_t size, int advice);
int windows_move_map(void *from, size_t size, void *to);

#endif
