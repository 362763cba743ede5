/*
** names_windows.h: paths on Windows: which names a file may have here, and how the system is told.
**
** Nothing here asks the system, so it is tested on any.
**
**     as users write them   C:\a\b  C:/a/b  a\b  \a  \\server\share\a  \\?\C:\a  \\?\UNC\server\share\a
**     as core has them      C:/a/b  //server/share/a  a/b
**     as the system is told \\?\C:\a\b  \\?\UNC\server\share\a     in UTF-16; so there is no limit of 260
**
** So told, the system takes each name as it is. That is why names that it would take for something
** else are refused here: NUL, COM1.txt, "a.", "a ", a.bin:stream, and the ways to what is no file
** (\\.\pipe\x, \\?\GLOBALROOT).
*/
#ifndef MM_NAMES_WINDOWS_H
#define MM_NAMES_WINDOWS_H

#include <stddef.h>
#include <stdint.h>

/* From a user's path to core's, which may still be relative and have "." and ".." in it. All give 0,
** or a negated errno: -EINVAL: it has a name that no file has; -ENODEV: one that is a device's;
** -ENAMETOOLONG. "C:a", from the working directory of that drive, is -EINVAL. `here`: the working
** directory as core has it, whose drive "\a" is on. */
int names_normalise(const char *path, const char *here, char *out, size_t size);

/* How much of `here` goes before a path: the drive or share that "\a" is on, without a slash; else nothing. */
size_t names_drive(const char *path, const char *here);

void names_turn_separators(char *path);

/* How many bytes lead to where a path of core's begins: "C:/", "//server/share/"; 0: it is relative. */
size_t names_top(const char *path);

/* A path of core's, from `here` if it is relative, made absolute; "." and ".." are gone from it. */
int names_absolute(const char *path, const char *here, char *out, size_t size);

/* An absolute path of core's as the system is told; `size` in units. -EINVAL: it is not UTF-8. */
int names_native(const char *path, uint16_t *out, size_t size);

/* Back: with or without the system's prefix, with its NUL. -EILSEQ: what no UTF-8 says (an unpaired
** surrogate). */
int names_from_native(const uint16_t *native, char *out, size_t size);

/* One name, without separators. */
int names_check(const char *name, size_t length);

/* UTF-8 and UTF-16, strict; sizes with the NUL. -EILSEQ, -ENAMETOOLONG. */
int names_to_utf16(const char *text, uint16_t *out, size_t size);
int names_to_utf8(const uint16_t *text, char *out, size_t size);

#endif
