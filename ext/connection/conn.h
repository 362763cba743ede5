/*
** conn.h: what a connection has: settings, objects, handles.
*/
#ifndef EXT_CONN_H
#define EXT_CONN_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "core/file/object.h"
#include "ext/connection/sqlite.h"

typedef struct ext_conn ext_conn;

/* One file, or piece of memory, on one connection. Freed when nobody holds it, it has nothing
** pending and the connection has others more recently used. */
typedef struct ext_object {
  mm_object *core; /* owned */
  ext_conn *conn;
  unsigned holds;      /* handles, cursors, tables and statements that use it */
  unsigned handles;    /* of them: what keeps it for later, and uses it in a statement alone */
  bool in_transaction; /* listed in the connection's transaction */
  size_t noted;        /* its newest record there, counted from 1; 0: none */
  unsigned reads;      /* lists of files read at one commit that it is in (reads.h) */
  /* Rows of a created table that are deleted and not closed up: what lies behind them, and the end,
  ** stays where it is till COMMIT. */
  int64_t leaving;
  bool idle;            /* neither held nor in a transaction: it may be closed */
  uint64_t used;        /* for least recently used */
  uint64_t no_database; /* it was none of the connection's, whose list had this number then; 0: not
                        ** asked */
  struct ext_object *next, **link;   /* in the connection's list; what leads to it there */
  struct ext_object *older, *newer;  /* while it is idle: among those */
  struct ext_object *next_in_bucket; /* of those that are found by their file */
} ext_object;

/* What a path was found to name just now. An object that was come to by it (mm_object_come) is not
** asked again. All zeros: it was not asked. */
typedef struct ext_look {
  bool taken;
  mm_stat stat;
} ext_look;

#define EXT_BUCKETS 512 /* a power of two */

/* Files that somebody keeps as they are; see reads.h. All zeros: none. */
typedef struct ext_reads {
  ext_object **objects; /* each held */
  size_t count, capacity;
} ext_reads;

/* How long what a statement sees of a file stays. */
enum ext_isolation { EXT_ISOLATION_NONE, EXT_ISOLATION_STATEMENT, EXT_ISOLATION_TRANSACTION };

/* One of their names, whatever the case; and back. */
int ext_isolation_parse(const char *text, int *isolation, mm_error *err);
const char *ext_isolation_name(int isolation);

/* A device is read, as a file is, and only by a handle. */
enum ext_access { EXT_READ, EXT_WRITE, EXT_COPY, EXT_CREATE, EXT_DEVICE };

/* One of their names, whatever the case; and back. `device`: is that one of them? */
int ext_access_parse(const char *text, bool device, int *access, mm_error *err);
const char *ext_access_name(int access);

/* The same for off, normal, full: an enum mm_synchronous. */
int ext_synchronous_parse(const char *text, int *synchronous, mm_error *err);
const char *ext_synchronous_name(int synchronous);

/* The length of a window that goes to the end of the object, wherever that is. */
#define EXT_TO_END UINT64_MAX

/* What mmap_open gave out. */
typedef struct ext_handle {
  sqlite3_int64 id;
  ext_object *object;      /* held; NULL: closed */
  int access;              /* enum ext_access */
  uint64_t offset, length; /* of the window; EXT_TO_END */
  uint64_t position;       /* from the start of the window */
  char *name;              /* the tag; NULL */
} ext_handle;

/* A file argument, resolved: an object and the window of it that counts. */
typedef struct ext_file {
  ext_object *object;
  ext_handle *handle; /* NULL: by path */
  uint64_t start;     /* of the window, in the object */
  uint64_t length;    /* of the window, in bytes, as of now: 0 if it lies past the end */
  ext_reads *reads;   /* the statement's, of a function's argument; NULL: none */
} ext_file;

struct ext_conn {
  sqlite3 *db;
  const char *version; /* of the library */
  unsigned holds;      /* registered functions and modules: the last one frees the connection */
  mm_settings settings;
  mm_root root;
  ext_object *objects;
  size_t object_count;
  ext_object *oldest_idle, *newest_idle;
  ext_object *buckets[EXT_BUCKETS]; /* by file */
  bool stuck;                       /* some object may have a journal that could not be removed */
  uint64_t clock;                   /* for ext_object.used */
  char *databases;           /* the list of the connection's, as it was last; NULL: not asked */
  uint64_t databases_number; /* counts its changes */
  struct ext_alias *aliases; /* paths that were resolved before (conn.c) */
  ext_handle **handles;      /* handles[i] has id i+1 */
  size_t handle_count, handle_capacity;
  struct ext_txn *txn;
  struct ext_copy *copies;     /* objects of tables with access=copy (copy.h) */
  struct ext_state *states;    /* what the rooms above keep, see ext_conn_state */
  sqlite3_stmt *writer;        /* cached; finalized by ext_conn_release_statements */
  sqlite3_stmt *interrupted;   /* likewise */
  sqlite3_stmt *listener;      /* likewise; see reads.h, as for the next ones */
  int isolation;               /* enum ext_isolation */
  unsigned threads;            /* that work on a whole file together, see core/os/parts.h */
  size_t reading;              /* objects that are in some list */
  ext_reads transaction_reads; /* the transaction's */
  bool hears;                  /* SQLite will tell of the transaction's end */
  bool makes_table;            /* the table that listens is being made */
  bool planned;           /* mmap_list or mmap_writer was asked for a plan: the name means ours */
  bool caches;            /* mmap_list is connected, and will finalize what is cached */
  uint64_t writes;        /* calls of functions that write, so far */
  uint64_t plans;         /* queries that were planned, so far (given.h) */
  atomic_uint pin_faults; /* how often a slice that SQLite holds was hit by SIGBUS */
  mm_error err;           /* scratch for callers on this connection */
};

/* The object that a path names, opened if need be: held for the caller, who releases it. `create`:
** make an empty file where there is none. Refuses what core/os/path.h refuses and databases that this
** process has open. Not refreshed: whoever does that at once can do it by `look`. */
int ext_conn_open_path(ext_conn *conn, const char *path, bool create, ext_look *look,
                       ext_object **out, mm_error *err);
/* A new object that no path leads to: access=copy, memory, tag. Held likewise. */
int ext_conn_add_object(ext_conn *conn, mm_object *core, ext_object **out, mm_error *err);
/* It becomes one of the connection's transaction, or is no more: it stays open meanwhile. */
void ext_object_enlist(ext_object *object, bool in_transaction);
void ext_object_hold(ext_object *object);
void ext_object_release(ext_object *object); /* NULL is allowed */
/* After it was refreshed for nobody who holds it: unless a statement does, it need not stay mapped. */
void ext_object_rest(ext_object *object);

/* The handle with that id: MM_ERROR "handle 7 is closed" or "7 is no handle". */
int ext_conn_handle(ext_conn *conn, sqlite3_int64 id, ext_handle **out, mm_error *err);
/* MM_READONLY "handle 7 is open for reading only". NULL: it is a path, which may be written. */
int ext_handle_check_writes(const ext_handle *handle, mm_error *err);
int ext_conn_add_handle(ext_conn *conn, ext_handle handle, ext_handle **out, mm_error *err);

/* The window of a handle (NULL: all) of the object as it is now, clipped to it. */
void ext_file_window(ext_file *file);

/* Finalize the cached statements: they would keep sqlite3_close from closing. Called when an
** eponymous table is disconnected, which sqlite3_close does first. */
void ext_conn_release_statements(ext_conn *conn);

/* The end of a query of our own: finalizes it. `rc` is what came last; one that was cut short has
** given no answer: MM_NOMEM, MM_INTERRUPT. One that an authorizer denies has no other answer than
** none. */
int ext_conn_end_query(sqlite3_stmt *stmt, int rc, mm_error *err);

/* May the connection write at all? MM_READONLY under PRAGMA query_only or on a read-only database.
** For what happens outside a transaction: making a file. */
int ext_conn_check_writes(ext_conn *conn, mm_error *err);

/* Has sqlite3_interrupt been called, has a progress handler said stop, or is there no memory to ask
** (SQLite makes SQLITE_NOMEM of the error that follows)? For long loops that only read (whoever
** writes asks mm_object_go_on): some µs. */
int ext_conn_interrupted(ext_conn *conn);

/* The same for whoever writes, as mm_settings.watch: MM_OK, MM_INTERRUPT or MM_NOMEM. */
int ext_conn_ask(void *conn);

/* An mm_watch that stops when ext_conn_interrupted says so. */
struct mm_watch;
void ext_conn_watch(ext_conn *conn, struct mm_watch *watch);

/* While rows are leaving: MM_ERROR. For what makes room, closes it up or resizes. */
int ext_object_check_places(const ext_object *object, mm_error *err);

/* Close all of them, at the end of the connection. */
void ext_conn_close_objects(ext_conn *conn);

/* A new private object of the file (access=copy), held for the caller. */
int ext_conn_open_copy(ext_conn *conn, const char *path, ext_object **out, mm_error *err);

/* The same of a block device (access=device). */
int ext_conn_open_device(ext_conn *conn, const char *path, ext_object **out, mm_error *err);

/* Set or narrow the root of all paths. */
int ext_conn_set_root(ext_conn *conn, const char *path, mm_error *err);

/* Does a table's name lead to ours, and not to a table or view of the same name in some database?
** `sql` selects from it. */
bool ext_conn_means_ours(ext_conn *conn, const char *sql);

/* May a statement be cached? Connects the eponymous table mmap_list: when SQLite closes the
** connection it disconnects that table first, which finalizes the cached statements, which else
** would keep the connection open (ext_conn_release_statements). */
bool ext_conn_may_cache(ext_conn *conn);

/* Close what nobody holds and no path leads to, and journals that are kept open beyond a number; let
** the rest rest that no statement uses; after a transaction has ended. */
void ext_conn_collect(ext_conn *conn);

/* The process may have run out of descriptors or of address space: objects that are only kept for
** their next use give theirs back. False: there are none. */
bool ext_conn_spare(ext_conn *conn);

/* What a room above keeps for the connection: `size` bytes, zeros at first, the same ones for the
** same key, which is the address of something of that room's. They go with the connection, when
** nothing of the room is left that could own something in them. NULL: no memory. */
void *ext_conn_state(ext_conn *conn, const void *key, size_t size);

/* The same, if it has been asked for before; else NULL. */
void *ext_conn_known_state(const ext_conn *conn, const void *key);
void ext_conn_free_states(ext_conn *conn);

/* The connection that a function belongs to. */
static inline ext_conn *ext_conn_of(sqlite3_context *context) {
  return sqlite3_user_data(context);
}

#endif
