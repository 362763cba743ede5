/*
** state.h: what an object is: its state, which the files below object.h share, and the small
** questions about it.
**
**     state.h ← share.h, show.h ← edit.h, recover.h ← commit.h ← object.h ← reading.h
**
** Whoever uses objects includes object.h, and calls what begins with mm_object_; the state itself is
** to be read by others, data and size above all, and not to be changed.
*/
#ifndef MM_STATE_H
#define MM_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/common/least.h"
#include "core/file/journal.h"
#include "core/file/log.h"
#include "core/file/view.h"
#include "core/os/lock.h"
#include "core/os/park.h"
#include "core/os/path.h"
#include "core/os/sys.h"

enum mm_synchronous {
  MM_SYNC_OFF,    /* no journal */
  MM_SYNC_NORMAL, /* a journal, no fsync: survives a killed process */
  MM_SYNC_FULL    /* a journal and fsync: survives a lost machine */
};

struct mm_object;

/* What a connection has set, and what its objects ask it. Outlives them. */
typedef struct mm_settings {
  int synchronous;      /* enum mm_synchronous */
  bool read_only;       /* no file is ever written, not even to recover it */
  bool keep_journal;    /* a journal stays after a commit, blanked */
  const mm_root *root;  /* what recovery must stay below; NULL: anything */
  int64_t busy_timeout; /* milliseconds */
  /* Asked while waiting for a lock, between the pieces of a large write, and before the commit
  ** point: nonzero to give up, as mm_fail_stopped says. May be NULL. */
  mm_lock_watch *watch;
  /* Asked in its place by whoever waits to become a file's writer, or to have it alone: also MM_BUSY,
  ** where others wait for what the connection itself reads. NULL: `watch` is. */
  mm_lock_watch *lock_watch;
  /* A file is about to be cut where nobody may have it mapped (`away`), or that is over: for whoever
  ** has other objects of it in the same thread, to be given up and mapped again
  ** (mm_object_step_aside). NULL: nobody has. */
  void (*cutting)(void *context, const struct mm_object *object, bool away);
  void *watch_context;
  mm_view_watch on_fault; /* from the SIGBUS handler */
} mm_settings;

enum mm_object_kind {
  MM_OBJECT_FILE,    /* a file by its path */
  MM_OBJECT_PRIVATE, /* a file that is only read: commits stay in memory */
  MM_OBJECT_MEMORY,  /* anonymous */
  MM_OBJECT_TAGGED,  /* shared under a name */
  MM_OBJECT_DEVICE   /* a block device: read only, and nobody's to commit */
};

/* Of the file system that the file is on: see mm_os.holes_take_room. */
enum mm_holes { MM_HOLES_UNKNOWN, MM_HOLES_FREE, MM_HOLES_TAKE_ROOM };

/* What remembers something of an object's bytes remembers this with it: as long as the object is at it, the
** bytes are the same. No two objects are at the same. */
typedef struct mm_version {
  uint64_t look, edits;
} mm_version;

typedef struct mm_object {
  /* The bytes as this connection sees them. Valid until the next call of an
  ** mm_object_ function that takes one that is not const. */
  const uint8_t *data; /* NULL or any address when size is 0 */
  uint64_t size;
  uint32_t whole; /* mm_guard_count() when they were as they should be; 0: unknown */

  int kind;
  bool fixed; /* access=copy: its size stays; whoever opens memory so says it */
  char *name; /* as the user wrote it, for messages */
  char *real; /* absolute path; NULL for memory */
  uint64_t device, inode;
  int64_t birth; /* as mm_os.birth */
  uint64_t salt; /* the next journal's is made of it */
  const mm_settings *settings;
  unsigned generation; /* mm_sys_generation() when it was opened */

  int fd;        /* of the file */
  int writer;    /* the same file open for writing, while we are its writer, and longer where it has
                 ** become a database; -1: it is not open so. Of memory always `fd`. A program whose
                 ** file is open for writing cannot be run. */
  char *journal; /* path; NULL: has none, as memory and devices have not */
  mm_inode *entry;
  mm_stat seen;  /* the file at the last refresh, or when we last wrote it */
  mm_view *view; /* NULL: not mapped yet */
  int holes;     /* enum mm_holes */

  mm_log log;
  uint64_t edits; /* changes with each write, and with each rollback of one */
  uint64_t look;  /* another for each state that others have left the file in, and of each object */
  uint64_t writes; /* mm_inode_writes() as of that look */
  size_t base;     /* entries below are committed but not in the file; from here on they are the
                        ** transaction's */
  uint64_t kept;   /* of a private object: what its log weighed when it was last merged */
  size_t overlay;  /* of those below `base`, so many are of a journal that we may not replay … */
  uint64_t overlay_salt; /* … this one */
  bool unseen;           /* the log's last entry is not shown in the view yet: see mm_object_see */
  uint64_t cleared; /* bytes of the view from here on have never shown anything, nor the file: they
                    ** are zero */

  int asked;              /* enum mm_synchronous: the strictest that the transaction's writers have
                          ** asked for; -1: none has, the settings hold */
  bool stays_open;        /* see mm_object_stay_open */
  mm_parked *parking;     /* where its descriptors go then, at the end; NULL: it has no path */
  bool begun;             /* we are the file's writer */
  bool prepared;          /* `change` is journalled */
  bool written;           /* … and in the file, in a commit of several */
  bool relied_on;         /* see mm_object_rely */
  bool changed_by_others; /* during the transaction, by someone who takes no lock */
  bool failed;            /* the last commit was not finished, or the view could not be rebuilt */
  bool aside;             /* its view was given up for another's cut, and is wanted again */
  bool torn;              /* … and there was no journal of it (synchronous=off) */
  bool reads;             /* it is read at one commit (reading.h) … */
  bool shares;            /* … by a lock, which the file's writer does not need */
  bool keeps_out;         /* we let nobody new read the file at one commit … */
  bool alone;             /* … and nobody does any more */
  bool undo_journal;      /* a journal of ours is there, to be removed if this is not committed */
  bool stuck;             /* … and could not be removed: we stay the writer until it is */
  bool leftover;         /* one that was emptied has its name still: it is in the way of the next */
  size_t prepared_count; /* log entries in `change` */
  mm_journal_made made;  /* that journal; its descriptor is ours */
  mm_journal_kept staying; /* one that is blank and stays */
  /* Copies of the file whose share is given up while we keep readers out, … */
  struct mm_object *lent, *next_lent; /* … one after the other, … */
  struct mm_object *lent_to;          /* … each to us */
  char *record; /* it is in doubt, and this common record, of that path, may decide it; owned;
                          ** NULL: it is not */
  mm_change change;
} mm_object;

static inline mm_version mm_object_version(const mm_object *object) {
  return (mm_version){object->look, object->edits};
}

static inline bool mm_object_is_at(const mm_object *object, const mm_version *version) {
  return object->look == version->look && object->edits == version->edits;
}

/* Is what was read not to be relied on? mm_object_faulted says why. A look at one number, as a rule. */
bool object_hit(const mm_object *object);
static inline bool mm_object_hit(const mm_object *object) {
  return __builtin_expect(object->whole != mm_guard_count(), 0) && object_hit(object);
}

static inline bool mm_object_pending(const mm_object *object) {
  return object->log.count > object->base;
}

/* What COMMIT will write is not there yet, and hangs on the file as it is now (rows to be closed
** up): from now on no other program may have changed it, as if something was pending. `on` false:
** it does so no more. */
static inline void mm_object_rely(mm_object *object, bool on) {
  object->relied_on = on;
}

/* The transaction on it, begun or about to begin, is to be as safe as `synchronous` at least. */
static inline void mm_object_ask(mm_object *object, int synchronous) {
  if (synchronous > object->asked) object->asked = synchronous;
}

/* Whether to go on with what takes long: asks the settings' watch. MM_OK, MM_INTERRUPT, or MM_NOMEM
** where there was no memory to ask. */
static inline int mm_object_go_on(const mm_object *object, mm_error *err) {
  const mm_settings *settings = object->settings;
  int stop = settings->watch ? settings->watch(settings->watch_context) : 0;
  return stop ? mm_fail_stopped(err, stop) : MM_OK;
}

/* Private and anonymous objects are nobody else's: no lock, no journal. */
static inline bool object_is_shared(const mm_object *object) {
  return object->kind == MM_OBJECT_FILE || object->kind == MM_OBJECT_TAGGED;
}

/* Is it the file's writer, whom nobody else's commit can meet? A private object writes nothing, so
** it never is: others go on committing while it is written. */
static inline bool object_is_writer(const mm_object *object) {
  return object->begun && object->kind != MM_OBJECT_PRIVATE;
}

static inline int object_synchronous(const mm_object *object) {
  return object->asked < 0 ? object->settings->synchronous : object->asked;
}

/* Is what is committed to survive a lost machine? */
static inline bool object_is_durable(const mm_object *object) {
  return object_synchronous(object) == MM_SYNC_FULL && object->kind == MM_OBJECT_FILE;
}

/* Does a commit of it write a journal? */
static inline bool object_keeps_journal(const mm_object *object) {
  return object_is_shared(object) && object_synchronous(object) != MM_SYNC_OFF;
}

static inline bool object_same_file_state(const mm_stat *a, const mm_stat *b) {
  return a->size == b->size && a->ctime == b->ctime && a->mtime == b->mtime;
}

#endif
