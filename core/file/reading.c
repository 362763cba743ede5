#include "core/file/reading.h"

#include "core/file/journal.h"

/* A living writer's journal is there only while nobody reads. */
static bool is_left_by_a_crash(const mm_object *object) {
  return object->shares && object->journal && mm_journal_exists(object->journal);
}

/* What a crash left is recovered before: it may take waiting, for another reader who does the
** same. A journal that is still there then is one that we may not replay, or another file's. */
static int start_anew(mm_object *object, bool started, mm_error *err) {
  object_stop_reading(object);
  int rc = mm_object_refresh(object, err);
  return rc ? rc : object_start_reading(object, started, err);
}

int mm_object_read_at_commit(mm_object *object, bool started, mm_error *err) {
  int rc = object_check_owner(object, err);
  if (rc) return rc;
  if (object->reads) return mm_object_refresh(object, err);
  rc = object_start_reading(object, started, err);
  if (rc == MM_OK && is_left_by_a_crash(object)) rc = start_anew(object, started, err);
  if (rc == MM_OK) rc = mm_object_refresh(object, err);
  if (rc) object_stop_reading(object);
  return rc;
}

void mm_object_read_done(mm_object *object) {
  object_stop_reading(object);
}
