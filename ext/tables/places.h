/*
** places.h: where some of a file's records or lines are, so that nobody need count his way there
** again.
**
** About every 1,024th is kept: its number and its offset. They are good for one file and one part of
** it, as long as no byte of it changes.
*/
#ifndef EXT_PLACES_H
#define EXT_PLACES_H

#include "ext/connection/ext.h"

#define EXT_PLACES_APART ((int64_t)1024)

typedef struct ext_place {
  int64_t number;
  uint64_t offset;
} ext_place;

/* All zeros: none. */
typedef struct ext_places {
  mm_version version;   /* of the object, no other's */
  uint64_t start, stop; /* the part of it */
  ext_place *kept;      /* owned; ascending */
  size_t count, capacity;
} ext_places;

void ext_places_clear(ext_places *places);

/* Are they those of this part of the object as it is now? */
bool ext_places_are_good(const ext_places *places, const ext_object *object, uint64_t start,
                         uint64_t stop);

/* Make them so: none are kept then. */
void ext_places_begin(ext_places *places, const ext_object *object, uint64_t start, uint64_t stop);

/* Their owner has written what moves none of them, and the part may go on to `stop` now. */
void ext_places_keep(ext_places *places, const ext_object *object, uint64_t stop);

/* Is it time to leave the place of so high a number? And leave it, for a number above all others. */
static inline bool ext_places_want(const ext_places *places, int64_t number) {
  return places->count == 0 || number - places->kept[places->count - 1].number >= EXT_PLACES_APART;
}
void ext_places_leave(ext_places *places, int64_t number, uint64_t offset);

/* The last place that is neither above `number` nor behind `offset`; `first` if there is none. */
ext_place ext_places_before(const ext_places *places, int64_t number, uint64_t offset,
                            ext_place first);

#endif
