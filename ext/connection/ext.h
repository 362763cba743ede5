/*
** ext.h: what the SQLite side has in common; ext/ makes no system call. From the bottom up:
**
**     calls.h, value.h   what a statement's text says; SQLite's values <-> core's
**     conn.h             what a connection has: settings, objects, handles
**     blob.h             bytes of an object on their way to SQLite
**     reads.h            files that are read at one commit
**     txn.h              savepoints, commit and rollback over all objects of the connection
**     copy.h             what tables with access=copy have written
**     use.h              a statement comes to use a file
**     open.h             the connection is made and freed
**     stmt.h             what a running statement has: objects it has refreshed, functions it may call
**
** The other rooms include this, and copy.h, open.h or module.h where they need them.
*/
#ifndef EXT_H
#define EXT_H

#include "ext/connection/blob.h"
#include "ext/connection/calls.h"
#include "ext/connection/conn.h"
#include "ext/connection/module.h"
#include "ext/connection/reads.h"
#include "ext/connection/stmt.h"
#include "ext/connection/txn.h"
#include "ext/connection/use.h"
#include "ext/connection/value.h"

#endif
