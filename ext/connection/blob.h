/*
** blob.h: bytes of an object on their way to SQLite.
*/
#ifndef EXT_BLOB_H
#define EXT_BLOB_H

#include "ext/connection/conn.h"

/* Bytes [offset, +size) of the object as a BLOB: large ones, where nothing is pending and no
** statement runs that writes, without a copy. The range must be inside. False: too big, interrupted
** or no memory, which is the function's error then. */
bool ext_result_bytes(sqlite3_context *context, ext_object *object, uint64_t offset, uint64_t size);

#endif
