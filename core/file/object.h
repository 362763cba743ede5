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
#include "core/file/commit.h"
#include "core/file/edit.h"
#include "core/file/show.h"
#include "core/file/state.h"
#include "core/os/path.h"

/* Open the resolved file for reading; `name` is copied. MM_CANTOPEN "cannot open 'x': …". The
** object owns nothing of `path` afterwards. `kind` is MM_OBJECT_FILE, MM_OBJECT_PRIVATE or, of what
** mm_path_resolve_device gave, MM_OBJECT_DEVICE, which is never begun. */
int mm_object_open(const mm_path *path, const char *name, int kind, const mm_settings *settings,
                   mm_object **out, mm_error *err);

/* The same, but nothing is read and no journal is looked for: the object is to be refreshed before
** its bytes are used. */
int mm_object_open_only(const mm_path *path, const char *name, int kind,
                        const mm_settings *settings, mm_object **out, mm_error *err);

/* `size` bytes of zeros that only this object has. */
int mm_object_open_memory(uint64_t size, const mm_settings *settings, mm_object **out,
                          mm_error *err);

/* Shared memory under `tag`: 1 to 200 bytes, no '/'. Made with `size` zeros if nobody has it open,
** else opened as it is; it goes when the last object of it, in any process, is closed. */
int mm_object_open_tag(const char *tag, uint64_t size, const mm_settings *settings, mm_object **out,
                       mm_error *err);

/* Close: what is pending is rolled back; pinned bytes stay until they are unpinned. The descriptors of a
** file that is open as a database by now are not closed, but parked (park.h). NULL is allowed. */
void mm_object_close(mm_object *object);

/* Its descriptors are not to be closed, not even by mm_object_close, which parks them (park.h): this
** process has locks on the file by other ones, which closing any would drop. */
void mm_object_stay_open(mm_object *object);

/* Before a statement uses the object: sees what others have done to the file since, recovers a
** journal that a crash left behind, repairs what a fault damaged. Pointers into `data` may
** change. */
int mm_object_refresh(mm_object *object, mm_error *err);

/* The first part of that, which a caller may have done before who goes on with the second: the
** object may be used, faults of its bytes are caught, and a last commit that was not written has
** been told of, once. */
int mm_object_come(mm_object *object, mm_error *err);

/* The second part. `seen`: what the file's name, asked for just now, has said of it; two system calls
** fewer. NULL: it is to be asked. Not by whoever reads at one commit, who has to ask behind the
** lock. */
int mm_object_look_on(mm_object *object, const mm_stat *seen, mm_error *err);

/* Nobody uses the object for a while: where a file that is mapped cannot be cut by others, it no
** longer is, unless there are writes to be shown. The next refresh maps it again. */
void mm_object_rest(mm_object *object);

/* Its view is given up, `away`, or there again, its address being another. */
void mm_object_step_aside(mm_object *object, bool away);

/* Read the bytes of the file, without what is pending. Short at its end: *got tells. */
int mm_object_read_file(const mm_object *object, uint64_t offset, uint8_t *data, uint64_t size,
                        uint64_t *got, mm_error *err);

/* The journal that stays is opened anew when it is needed next: its descriptor is given back. */
void mm_object_spare_journal(mm_object *object);

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
