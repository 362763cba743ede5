/*
** needles.h: a list of needles as one value, which mmap_needles makes and mmap_find_many takes.
**
** The value is a BLOB: the mark, then for each needle its id and its bytes. An id is a byte, SQLite's
** code of its type, and behind it 8 bytes of an integer or a real, or the size and the bytes of a text
** or a blob; sizes are of 4 bytes. All numbers are little-endian. Or it is a TEXT, a JSON array of
** texts.
*/
#ifndef EXT_NEEDLES_H
#define EXT_NEEDLES_H

#include "core/common/buffer.h"
#include "core/search/many.h"
#include "ext/connection/ext.h"

/* A list that is being made. All zeros: none yet. */
typedef struct ext_needles {
  mm_buffer bytes; /* the caller frees its data by mm_free */
  int64_t count;
  int rc; /* enum mm_code: once it is set nothing more is done */
} ext_needles;

/* Add one, of at least one byte. `id` NULL: its place, counted from 1. MM_NOMEM, MM_TOOBIG. */
int ext_needles_add(ext_needles *list, const uint8_t *data, uint64_t size, sqlite3_value *id,
                    mm_error *err);

/* Add nothing, so that an empty list is one, too. */
int ext_needles_begin(ext_needles *list, mm_error *err);

/* A list that was read. */
typedef struct ext_needle_set {
  mm_many *many;
  uint8_t *source; /* the bytes of the value that it was read from; owned */
  uint64_t source_size;
  int source_type;
  bool changed;  /* `source` is no longer what the value was: it was unescaped in place */
  uint64_t *ids; /* by number, where its id stands in `source`; NULL: they are counted from 1 */
} ext_needle_set;

/* Read the value, unless it is what the set was read from. MM_ERROR "needles are neither made by
** mmap_needles nor a JSON array of texts", "needle 3 is empty"; MM_NOMEM; MM_INTERRUPT. */
int ext_needle_set_use(ext_needle_set *set, sqlite3_value *value, const mm_watch *watch,
                       mm_error *err);
void ext_needle_set_clear(ext_needle_set *set);

/* Hand a needle's id to SQLite. */
void ext_needle_set_result_id(const ext_needle_set *set, sqlite3_context *context, size_t needle);

#endif
