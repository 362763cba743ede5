/*
** mmap0.h: sqlite-mmap in a C or C++ program: files mapped into memory, as SQL functions and
** tables.
**
** There are two ways in.
**
** - mmap0.so, loaded at run time: sqlite3_load_extension(db, "mmap0", "sqlite3_mmap_init",
**   &error), or `.load mmap0` in the sqlite3 shell. mmapro.so beside it is the same for reading
**   only. This header is not needed for it, but has the names.
** - mmap0.c, compiled with -DSQLITE_CORE and linked with the program, SQLite, PCRE2, libdeflate,
**   libcrypto (OpenSSL) and libb2.
**   Then call an entry point for each connection, or have SQLite do so:
**
**       sqlite3_mmap_init(db, NULL, NULL);
**       sqlite3_auto_extension((void (*)(void))sqlite3_mmap_init);
**
** An entry point registers everything on one connection. It returns SQLITE_OK
** (SQLITE_OK_LOAD_PERMANENTLY when loaded at run time: the library never goes away again), or an
** error code with a sentence in *error, which the caller frees by sqlite3_free. `error` may be NULL
** without a loader, and so may `api`. Calling it again on the same connection does nothing; one
** that reads only beside one that writes is an error. Nothing has to be called at the end:
** sqlite3_close frees what a connection had.
**
** SQLite 3.31 or newer is needed. All of it may be used from several threads, as SQLite itself may.
*/
#ifndef MMAP0_H
#define MMAP0_H

#include "sqlite3.h"

#ifdef __cplusplus
extern "C" {
#endif

/* The version of this header; SELECT mmap_version() is that of the library. */
#define MMAP0_VERSION "0.1.0"

#ifdef _WIN32
#define MMAP0_EXPORT __declspec(dllexport)
#else
#define MMAP0_EXPORT __attribute__((visibility("default")))
#endif

struct sqlite3_api_routines;

/* Everything, for reading and writing. The two are one: sqlite3_mmap0_init is the name that SQLite
** derives from the file name mmap0.so. */
MMAP0_EXPORT int sqlite3_mmap_init(sqlite3 *db, char **error,
                                   const struct sqlite3_api_routines *api);
MMAP0_EXPORT int sqlite3_mmap0_init(sqlite3 *db, char **error,
                                    const struct sqlite3_api_routines *api);

/* What reads, and no way to write. The two are one: sqlite3_mmapro_init is the name that SQLite
** derives from the file name mmapro.so, for hosts that can name no entry point. */
MMAP0_EXPORT int sqlite3_mmap_readonly_init(sqlite3 *db, char **error,
                                            const struct sqlite3_api_routines *api);
MMAP0_EXPORT int sqlite3_mmapro_init(sqlite3 *db, char **error,
                                     const struct sqlite3_api_routines *api);

#ifdef __cplusplus
}
#endif

#endif
