// Files are opened as bytes, and closed on exec.
#include_next <fcntl.h>

#ifndef MM_TESTS_WINDOWS_FCNTL_H
#define MM_TESTS_WINDOWS_FCNTL_H

#define O_CLOEXEC (O_NOINHERIT | O_BINARY)

#endif
