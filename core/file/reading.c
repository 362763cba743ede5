#include "core/file/reading.h"

/*
** A commit has the file alone from before its journal is there until that is gone. So what a reader
** finds beside its file, behind the lock, a crash has left: refreshing replays it, or waits for
** another reader who does, and whoever has the lock for longer found none, or has seen what it says.
** Replaying keeps no reader out.
*/
int mm_object_read_at_commit(mm_object *object, bool started, mm_error *err) {
  int rc = object_check_owner(object, err);
  bool began = !object->reads;
  if (rc == MM_OK) rc = object_start_reading(object, started, err);
  if (rc == MM_OK) rc = mm_object_refresh(object, err);
  if (rc && began) object_stop_reading(object);
  return rc;
}

void mm_object_read_done(mm_object *object) {
  object_stop_reading(object);
}
