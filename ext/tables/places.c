#include "ext/tables/places.h"

#include "core/common/mem.h"

void ext_places_clear(ext_places *places) {
  mm_free(places->kept);
  memset(places, 0, sizeof *places);
}

bool ext_places_are_good(const ext_places *p, const ext_object *object, uint64_t start,
                         uint64_t stop) {
  return mm_object_is_at(object->core, &p->version) && p->start == start && p->stop == stop;
}

void ext_places_begin(ext_places *p, const ext_object *object, uint64_t start, uint64_t stop) {
  p->version = mm_object_version(object->core);
  p->start = start;
  p->stop = stop;
  p->count = 0;
}

void ext_places_keep(ext_places *p, const ext_object *object, uint64_t stop) {
  p->version.edits = object->core->edits;
  p->stop = stop;
}

/* Without memory for it there is one less: it is a help only. */
void ext_places_leave(ext_places *p, int64_t number, uint64_t offset) {
  void *kept = p->kept;
  if (!ext_places_want(p, number)) return;
  if (mm_grow(&kept, p->count, &p->capacity, sizeof *p->kept)) return;
  p->kept = kept;
  p->kept[p->count++] = (ext_place){number, offset};
}

ext_place ext_places_before(const ext_places *p, int64_t number, uint64_t offset, ext_place first) {
  size_t low = 0, high = p->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const ext_place *place = &p->kept[middle];
    if (place->number <= number && place->offset <= offset) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low ? p->kept[low - 1] : first;
}
