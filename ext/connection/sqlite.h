/*
** sqlite.h: SQLite, as a loaded library calls it.
*/
#ifndef EXT_SQLITE_H
#define EXT_SQLITE_H

#include "sqlite3ext.h"

SQLITE_EXTENSION_INIT3

#endif
