/*
** databases.h: files that this process has open as databases.
**
** SQLite's locks belong to the process: to close any descriptor of a database drops them, behind its
** back. So such a file is refused, also one that was mapped first and is attached since.
*/
#ifndef EXT_DATABASES_H
#define EXT_DATABASES_H

#include "ext/connection/conn.h"

/* Open what a path leads to, as mm_object_open. MM_CANTOPEN, if it is open as a database, by this
** connection or by whoever else in the process, or if that cannot be told. */
int ext_databases_open(ext_conn *conn, const char *name, const mm_path *path, int kind,
                       mm_object **out, mm_error *err);

/* May what is open still be used? First comes to use the object (mm_object_come), as its first bytes
** are looked at. */
int ext_databases_check_object(ext_conn *conn, const char *name, ext_object *object, mm_error *err);

#endif
