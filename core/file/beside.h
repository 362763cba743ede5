/*
** beside.h: the small files that a transaction keeps beside a file, journals and common records: how
** they are made, looked at and taken away, so that nobody is led to what is another's.
*/
#ifndef MM_BESIDE_H
#define MM_BESIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "core/common/error.h"
#include "core/os/sys.h"

#define MM_BESIDE_MAGIC 8 /* bytes that each begins with */

typedef struct mm_beside_kind {
  const char *what; /* for sentences: "journal" */
  uint8_t magic[MM_BESIDE_MAGIC];
  uint64_t least;     /* bytes of the shortest whole one */
  const char *advice; /* what to do about one that is refused */
} mm_beside_kind;

/* Does an error say that there is nothing under a name, rather than that it cannot be told? */
bool mm_beside_none(int rc);

/* fsync the directory that `path` lies in. The first gives a negated errno. */
int mm_beside_sync_directory(const char *path);
int mm_beside_make_name_durable(const char *path, mm_error *err);

/* Which directory a path lies in, so that it is known again: by inode and birth time (0: not known). A
** negated errno. */
typedef struct mm_beside_place {
  uint64_t inode, birth;
} mm_beside_place;
int mm_beside_place_of(const char *path, mm_beside_place *place);

/* Make it exclusively, never through a link, open for reading and writing, and open to nobody who
** cannot open `file`; NULL: with mode 0600. MM_CORRUPT "'x' is in the way", MM_CANTOPEN. */
int mm_beside_create(const mm_beside_kind *kind, const char *path, const mm_stat *file, int *fd,
                     mm_error *err);

/* Does more than its mode say who may use the file open as *file, or may it (mm_os.has_access)?
** NULL: no. */
bool mm_beside_has_list(const int *file);

/* Give it the file's owner, group and mode, without opening it to anybody who cannot open the file.
** `listed`: not the mode, as more than that says who may do what. */
void mm_beside_take_after(int fd, const mm_stat *file, bool listed);

/* Past the process's limit a write would raise SIGXFSZ: MM_FULL. */
int mm_beside_check_length(const mm_beside_kind *kind, const char *path, uint64_t length,
                           mm_error *err);

/* Make sure that it is never believed, whoever finds it. Both give a negated errno: by descriptor;
** by name, where it may be anything: only what begins with the kind's magic and has no other name
** is emptied. */
int mm_beside_empty(int fd, bool durable);
int mm_beside_empty_path(const mm_beside_kind *kind, const char *path, bool durable);

/* Durably, and at once or not at all: what cannot be made empty stays as it is. */
int mm_beside_cut_path(const char *path);

/* May a name that was taken away be there again after a loss of power? Then what it names is emptied
** before, durably. */
bool mm_beside_names_return(void);

/* Take the name away, durably with `durable`; none there: MM_OK. `harmless`: what it names is not
** believed any more, so no failure matters. Else what cannot be removed is emptied. */
int mm_beside_remove(const mm_beside_kind *kind, const char *path, bool harmless, bool durable,
                     mm_error *err);

/* "the journal 'x' <why>: <the kind's advice>", MM_CORRUPT. */
int mm_beside_refuse(const mm_beside_kind *kind, const char *path, const char *why, mm_error *err);

/* May somebody write it, `own`, who cannot write the file? */
bool mm_beside_writable_by_more(const mm_stat *own, const mm_stat *file);

/* What was found under a name. */
typedef struct mm_beside {
  int fd;       /* open for reading; -1: there is none, or it is too short to be whole */
  bool found;   /* something is there */
  mm_stat stat; /* its own */
} mm_beside;

/* Open it, if it is worth reading; never blocks, whatever it is. MM_CORRUPT, naming it and what to do
** about it, if it is a link or no regular file, has several links, belongs to none of the file's
** owner, `owner` and this user, or can be written by more than the file can: `file` says who may.
** What is too short to be whole is only found. */
int mm_beside_open(const mm_beside_kind *kind, const char *path, const mm_stat *file,
                   uint32_t owner, mm_beside *out, mm_error *err);

#endif
