/*
** object.h: a file as an object: its bytes in memory, and every change to them a transaction.
**
** This is the face of core. An object is one file (or one piece of memory) as one connection sees
** it: its own uncommitted writes included, and everything else as it is in the file.
**
**     refresh ── once a statement: sees what others did, recovers a journal
**     data, size ── the bytes, contiguous
**     begin ── become the file's writer
**     write, move, insert, erase, resize ── append to the log and show it in the view
**     rollback_to ── cut the log
**     prepare ── all that can fail: check, reserve, journal        or        unprepare
**     commit ── into the file        or        rollback ── nothing happened
**
** An object is used by one thread at a time. Two objects of one file, on two connections, are kept
** apart by the file's lock. Memory objects (anonymous, tagged) are files that no path names, or
** that lie in the shared memory file system; the same code serves them.
**
** A private object (access=copy) keeps its commits to itself: they stay in the log, below the
** transaction's own entries, and the file is only read.
*/
#ifndef MM_OBJECT_H
#define MM_OBJECT_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/os/lock.h"
#include "core/file/log.h"
#include "core/os/path.h"
#include "core/os/sys.h"
#include "core/file/view.h"

enum mm_synchronous {
  MM_SYNC_OFF,    /* no journal */
  MM_SYNC_NORMAL, /* a journal, no fsync: survives a killed process */
  MM_SYNC_FULL    /* a journal and fsync: survives a lost machine */
};

/* What a connection has set, and what its objects ask it. Outlives them. */
typedef struct mm_settings {
  int synchronous;      /* enum mm_synchronous */
  bool read_only;       /* no file is ever written, not even to recover it */
  int64_t busy_timeout; /* milliseconds */
  /* Asked while waiting for a lock, between the pieces of a large write, and before the commit
  ** point: nonzero to give up, as mm_fail_stopped says. May be NULL. */
  mm_lock_watch *watch;
  void *watch_context;
  mm_view_watch on_fault; /* from the SIGBUS handler */
} mm_settings;

enum mm_object_kind {
  MM_OBJECT_FILE,    /* a file by its path */
  MM_OBJECT_PRIVATE, /* a file that is only read: commits stay in memory */
  MM_OBJECT_MEMORY,  /* anonymous */
  MM_OBJECT_TAGGED   /* shared under a name */
};

/* Of the file system that the file is on: see mm_os.holes_take_room. */
enum mm_holes { MM_HOLES_UNKNOWN, MM_HOLES_FREE, MM_HOLES_TAKE_ROOM };

typedef struct mm_object {
  /* The bytes as this connection sees them. Valid until the next call below that is not const. */
  const uint8_t *data; /* NULL or any address when size is 0 */
  uint64_t size;

  int kind;
  bool fixed; /* access=copy: its size stays; whoever opens memory so says it */
  char *name; /* as the user wrote it, for messages */
  char *real; /* absolute path; NULL for memory */
  uint64_t device, inode;
  const mm_settings *settings;
  unsigned generation; /* mm_sys_generation() when it was opened */

  int fd;        /* of the file */
  int writer;    /* the same file open for writing, while we are its writer; -1: it is not open so.
                 ** Of memory always `fd`. A program whose file is open for writing cannot be
                 ** run. */
  char *journal; /* path; NULL: has none */
  mm_inode *entry;
  mm_stat seen;  /* the file at the last refresh, or when we last wrote it */
  mm_view *view; /* NULL: not mapped yet */
  int holes;     /* enum mm_holes */

  mm_log log;
  uint64_t edits; /* changes with each write and each rollback */
  size_t base;    /* entries below are committed but not in the file; from here on they are the
                        ** transaction's */
  uint64_t kept;  /* of a private object: what its log weighed when it was last merged */
  size_t overlay; /* of those below `base`, so many are of a journal that we may not replay … */
  uint64_t overlay_salt; /* … this one */
  uint64_t cleared; /* bytes of the view from here on have never shown anything: they are zero */

  int asked;              /* enum mm_synchronous: the strictest that the transaction's writers have
                          ** asked for; -1: none has, the settings hold */
  bool begun;             /* we are the file's writer */
  bool prepared;          /* `change` is journalled */
  bool changed_by_others; /* during the transaction, by someone who takes no lock */
  bool failed;            /* the last commit was not finished, or the view could not be rebuilt */
  bool torn;              /* … and there was no journal of it (synchronous=off) */
  bool undo_journal;      /* a journal of ours is there, to be removed if this is not committed */
  bool stuck;             /* … and could not be removed: we stay the writer until it is */
  size_t prepared_count;  /* log entries in `change` */
  mm_change change;
} mm_object;

/* Open the resolved file for reading; `name` is copied. MM_CANTOPEN "cannot open 'x': …". The
** object owns nothing of `path` afterwards. `kind` is MM_OBJECT_FILE or MM_OBJECT_PRIVATE. */
int mm_object_open(const mm_path *path, const char *name, int kind, const mm_settings *settings,
                   mm_object **out, mm_error *err);

/* `size` bytes of zeros that only this object has. */
int mm_object_open_memory(uint64_t size, const mm_settings *settings, mm_object **out,
                          mm_error *err);

/* Shared memory under `tag`: 1 to 200 bytes, no '/'. Made with `size` zeros if nobody has it open,
** else opened as it is; it goes when the last object of it, in any process, is closed. */
int mm_object_open_tag(const char *tag, uint64_t size, const mm_settings *settings, mm_object **out,
                       mm_error *err);

/* Close: what is pending is rolled back; pinned bytes stay until they are unpinned. NULL is
** allowed. */
void mm_object_close(mm_object *object);

/* Before a statement uses the object: sees what others have done to the file since, recovers a
** journal that a crash left behind, repairs what a fault damaged. Pointers into `data` may
** change. */
int mm_object_refresh(mm_object *object, mm_error *err);

/* After bytes were read: did a fault happen meanwhile, so that they are not the file's?
** MM_IOERR. */
int mm_object_faulted(const mm_object *object, mm_error *err);
/* The same after many bytes were read. A cut inside a page makes no fault there but gives zeros, so
** this looks at the file's size, too: one system call. */
int mm_object_whole(const mm_object *object, mm_error *err);
static inline bool mm_object_hit(const mm_object *object) {
  return (object->view && mm_guard_hit(object->view->guard)) || object->failed;
}

/* Become the file's writer, for writes at any place. Waits up to busy_timeout. MM_READONLY if the
** file cannot be written, MM_BUSY, MM_IOERR. */
int mm_object_begin(mm_object *object, mm_error *err);

/* The transaction on it, begun or about to begin, is to be as safe as `synchronous` at least. */
static inline void mm_object_ask(mm_object *object, int synchronous) {
  if (synchronous > object->asked) object->asked = synchronous;
}

/* Can the file be opened for writing? MM_READONLY "cannot write 'x': …". */
int mm_object_check_writable(mm_object *object, mm_error *err);

/* Whether to go on with what takes long: asks the settings' watch. MM_OK, MM_INTERRUPT, or MM_NOMEM
** where there was no memory to ask. */
static inline int mm_object_go_on(const mm_object *object, mm_error *err) {
  const mm_settings *settings = object->settings;
  int stop = settings->watch ? settings->watch(settings->watch_context) : 0;
  return stop ? mm_fail_stopped(err, stop) : MM_OK;
}

/* The writes. begin has been called; ranges lie inside 0..size (the caller checks, and says it in
** its own words). `data` may point into the object. On failure nothing has changed. Between the
** pieces of large ones they ask mm_object_go_on. */
int mm_object_write(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                    mm_error *err);
int mm_object_move(mm_object *object, uint64_t to, uint64_t from, uint64_t size, mm_error *err);
int mm_object_insert(mm_object *object, uint64_t offset, const uint8_t *data, uint64_t size,
                     mm_error *err);
int mm_object_erase(mm_object *object, uint64_t offset, uint64_t size, mm_error *err);
int mm_object_resize(mm_object *object, uint64_t size, mm_error *err);

/* The largest size an object can have. */
#define MM_OBJECT_MAX ((uint64_t)1 << 46)

/* A mark is a length of the log, without the overlay, which may come and go meanwhile. The log may be
** cut there until the mark is released. Marks are released in the opposite order of their making. What was written between marks that live is kept apart, so
** each may cost as much memory as was written since the one before. For the steps of a write. */
mm_log_mark mm_object_mark(mm_object *object);
void mm_object_release(mm_object *object, const mm_log_mark *mark);

/* The same for a savepoint, to which there may be many rollbacks. */
mm_log_mark mm_object_savepoint(mm_object *object);

/* Cut the log to a mark's count. The mark lives on. */
int mm_object_rollback_to(mm_object *object, size_t count, mm_error *err);

static inline bool mm_object_pending(const mm_object *object) {
  return object->log.count > object->base;
}

/* What COMMIT would write now. `change` is empty before and the caller's afterwards; it points into
** the log, so it is good until the next write. */
int mm_object_change(const mm_object *object, mm_change *change, mm_error *err);

/* Read the bytes of the file, without what is pending. Short at its end: *got tells. */
int mm_object_read_file(const mm_object *object, uint64_t offset, uint8_t *data, uint64_t size,
                        uint64_t *got, mm_error *err);

/* First half of a commit: everything that can fail. May be called again, also after further writes:
** it looks anew at whether another program has changed the file. Nothing pending: MM_OK. MM_CHANGED
** "… was changed by another program during this transaction"; and what mm_object_go_on says, which
** is asked all along. */
int mm_object_prepare(mm_object *object, mm_error *err);

/* The second half is not to come yet: the transaction goes on. Its journal, which a crash would
** replay, is made invalid, durably, before anything is written or undone. Not prepared: MM_OK. On
** failure the journal may still be there; the next call tries again. */
int mm_object_unprepare(mm_object *object, mm_error *err);

/* Second half, which nothing stops. If it fails, reads fail too, until the journal has been
** replayed by the next use. */
int mm_object_commit(mm_object *object, mm_error *err);

/* Undo everything since begin, also after prepare, and stop being the writer. */
int mm_object_rollback(mm_object *object, mm_error *err);

/* Make what was committed durable. */
int mm_object_sync(mm_object *object, mm_error *err);

/* Tell the system how a range will be used (enum mm_advice); clipped to what is mapped. Never loses
** a write. */
int mm_object_advise(mm_object *object, int advice, uint64_t offset, uint64_t size, mm_error *err);

/* May a range be handed out without a copy? Then pin it, and mm_view_unpin() it later. False as
** well if another connection of this process is just writing the file. */
bool mm_object_can_pin(const mm_object *object);
bool mm_object_pin(mm_object *object, uint64_t offset, uint64_t size);

#endif
