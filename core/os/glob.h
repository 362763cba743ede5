/*
** glob.h: the regular files that a shell pattern names.
**
**     *        any characters but /            ?       one
**     [a-c]    one of these, [!a-c] one of all others; [[:alpha:]_] one of a class or "_": alnum alpha
**              blank cntrl digit graph lower print punct space upper xdigit, of ASCII; [[.-.]] and
**              [[=a=]] are the one character
**     **       as a whole component: any number of directories, none included; at the end: of files
**     \        takes the next character as it is
**
** As in a shell, a wildcard matches no leading dot, and ** follows no symbolic link and enters no
** hidden directory. Directories that cannot be read are passed over. Characters are those of UTF-8;
** a byte that is none is a character of its own.
**
** Files come one by one, directory by directory, each in the order of its bytes. A file is reported
** once.
*/
#ifndef MM_GLOB_H
#define MM_GLOB_H

#include "core/common/watch.h"
#include "core/os/path.h"

typedef struct mm_glob mm_glob;

/* Begin. `root` must outlive it; the pattern is copied. MM_ERROR for a pattern of more than 60
** components and one with an unknown class, MM_NOMEM. */
int mm_glob_open(const mm_root *root, const char *pattern, mm_glob **out, mm_error *err);
void mm_glob_close(mm_glob *glob); /* NULL is allowed */

/* The next file: its path, valid until the next call, and its status; *path is NULL when there are no
** more. MM_PERM if the part of the pattern before the first wildcard leads outside the root,
** MM_INTERRUPT, MM_NOMEM. */
int mm_glob_next(mm_glob *glob, const mm_watch *watch, const char **path, mm_stat *stat,
                 mm_error *err);

/* Does a component of a pattern match a name? The rule for leading dots included. */
bool mm_glob_match(const char *pattern, const char *name);

#endif
