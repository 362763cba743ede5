// mkdtemp, the environment.
#include_next <stdlib.h>

#ifndef MM_TESTS_WINDOWS_STDLIB_H
#define MM_TESTS_WINDOWS_STDLIB_H
#ifdef __cplusplus

char *mkdtemp(char *name);
int setenv(const char *name, const char *value, int replace);
int unsetenv(const char *name);

#endif
#endif
