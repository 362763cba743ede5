#include "core/file/together.h"

#include <stdlib.h>
#include <string.h>

#include "core/common/mem.h"
#include "core/file/record.h"
#include "core/file/recover.h"
#include "core/file/share.h"

/* Is it one of those that are to be committed all or none? */
static bool takes_part(const mm_object *object) {
  return object->begun && mm_object_pending(object) && object_keeps_journal(object);
}

static size_t count_parts(mm_object *const *objects, size_t count) {
  size_t n = 0;
  for (size_t i = 0; i < count; i++) n += takes_part(objects[i]);
  return n;
}

static bool any_durable(mm_object *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (takes_part(objects[i]) && object_is_durable(objects[i])) return true;
  }
  return false;
}

/* The first error is the one to be told. */
static void keep_first(int *first, mm_error *err, int rc, const mm_error *told) {
  if (*first || !rc) return;
  *first = rc;
  *err = *told;
}

/* ---- prepare -------------------------------------------------------------------------------- */

static bool are_prepared(mm_object *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (takes_part(objects[i]) && !object_is_prepared(objects[i], true)) return false;
  }
  return true;
}

static int prepare_each(mm_object *const *objects, size_t count, const mm_doubt *doubt,
                        mm_error *err) {
  int rc = MM_OK;
  for (size_t i = 0; i < count && rc == MM_OK; i++) {
    rc = doubt && takes_part(objects[i]) ? object_prepare(objects[i], doubt, err)
                                         : mm_object_prepare(objects[i], err);
  }
  return rc;
}

/* What survives a loss of power must not hang on what does not. */
static void level_out(mm_object *const *objects, size_t count) {
  int level = MM_SYNC_OFF;
  for (size_t i = 0; i < count; i++) {
    if (takes_part(objects[i]))
      level = (int)mm_max((uint64_t)level, (uint64_t)object_synchronous(objects[i]));
  }
  for (size_t i = 0; i < count; i++) {
    if (takes_part(objects[i])) mm_object_ask(objects[i], level);
  }
}

/* Paths are compared by the directories that they lie in. */
static size_t directory_length(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? (size_t)(slash - path) : 0;
}

static int by_directory(const void *a, const void *b) {
  const char *x = *(const char *const *)a, *y = *(const char *const *)b;
  size_t m = directory_length(x), n = directory_length(y);
  int order = memcmp(x, y, m < n ? m : n);
  return order ? order : (m > n) - (m < n);
}

/* Each directory in which a journal was made, once. */
static int sync_directories(mm_object *const *objects, size_t count, mm_error *err) {
  size_t n = 0;
  int rc = MM_OK;
  const char **paths = mm_alloc(count * sizeof *paths);
  if (!paths) return mm_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    const mm_object *object = objects[i];
    if (takes_part(object) && object_is_durable(object) && !object->made.lasts) {
      paths[n++] = object->journal;
    }
  }
  qsort(paths, n, sizeof *paths, by_directory);
  for (size_t i = 0; i < n && rc == MM_OK; i++) {
    if (i && by_directory(&paths[i], &paths[i - 1]) == 0) continue;
    rc = mm_beside_make_name_durable(paths[i], err);
  }
  mm_free((void *)paths);
  return rc;
}

static mm_record_file describe_file(const mm_object *object) {
  return (mm_record_file){.real = object->real,
                          .inode = object->inode,
                          .birth = (uint64_t)object->birth,
                          .salt = object->made.salt,
                          .length = object->made.length,
                          .memory = object->kind == MM_OBJECT_TAGGED,
                          .mode = object->seen.mode,
                          .group = object->seen.group,
                          .file = &object->fd};
}

static int commit_record(mm_object *const *objects, size_t count, const mm_doubt *doubt,
                         bool durable, mm_error *err) {
  size_t n = 0;
  mm_record_file *files = mm_alloc(count * sizeof *files);
  if (!files) return mm_fail_nomem(err);
  for (size_t i = 0; i < count; i++) {
    if (takes_part(objects[i])) files[n++] = describe_file(objects[i]);
  }
  int rc = mm_record_write(doubt->path, doubt->salt, files, n, durable, err);
  mm_free(files);
  return rc;
}

/* In the directory of a file, if one of them is a file. */
static char *place_record(mm_object *const *objects, size_t count, uint64_t salt) {
  const mm_object *best = NULL;
  for (size_t i = 0; i < count; i++) {
    if (!takes_part(objects[i])) continue;
    if (!best || (best->kind != MM_OBJECT_FILE && objects[i]->kind == MM_OBJECT_FILE)) {
      best = objects[i];
    }
  }
  /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): two take part at least */
  return mm_record_path(best->real, salt); // cppcheck-suppress nullPointer
}

static int prepare_together(mm_object *const *objects, size_t count, mm_error *err) {
  mm_error ignored;
  mm_doubt doubt;
  level_out(objects, count);
  bool durable = any_durable(objects, count);
  mm_os.random(&doubt.salt, sizeof doubt.salt);
  char *path = place_record(objects, count, doubt.salt);
  if (!path) return mm_fail_nomem(err);
  doubt.path = path;
  int rc = MM_OK, failed = mm_beside_place_of(path, &doubt.place);
  if (failed < 0)
    rc = mm_fail_errno(err, MM_IOERR, -failed, "cannot open the directory of '%s'", path);
  if (rc == MM_OK) rc = prepare_each(objects, count, &doubt, err);
  if (rc == MM_OK && durable) rc = sync_directories(objects, count, err);
  if (rc == MM_OK) rc = commit_record(objects, count, &doubt, durable, err);
  if (rc) (void)mm_objects_unprepare(objects, count, &ignored);
  mm_free(path);
  return rc;
}

int mm_objects_prepare(mm_object *const *objects, size_t count, mm_error *err) {
  if (count_parts(objects, count) < 2) {
    int rc = mm_objects_keep_out(objects, count, err);
    return rc ? rc : prepare_each(objects, count, NULL, err);
  }
  if (are_prepared(objects, count)) {
    const mm_doubt same = {.path = NULL};
    return prepare_each(objects, count, &same, err);
  }
  int rc = mm_objects_unprepare(objects, count, err);
  if (rc == MM_OK) rc = mm_objects_keep_out(objects, count, err);
  return rc ? rc : prepare_together(objects, count, err);
}

/* ---- not yet -------------------------------------------------------------------------------- */

static bool hangs_durably(mm_object *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (objects[i]->record && object_is_durable(objects[i])) return true;
  }
  return false;
}

/* Once for all: a crash must find either the record, and all journals, or no record. */
static int take_back_record(mm_object *const *objects, size_t count, mm_error *err) {
  const char *done = NULL;
  bool durable = hangs_durably(objects, count);
  int rc = MM_OK;
  for (size_t i = 0; i < count && rc == MM_OK; i++) {
    const char *record = objects[i]->record;
    if (!record || (done && strcmp(record, done) == 0)) continue;
    rc = mm_record_remove(record, true, durable, err);
    done = record;
  }
  return rc;
}

static void forget_record(mm_object *const *objects, size_t count) {
  for (size_t i = 0; i < count; i++) {
    mm_free(objects[i]->record);
    objects[i]->record = NULL;
  }
}

/* The record first, and then each by itself. The journals are removed by their names, which takes
** descriptors, of which there may be none left: so theirs are closed before. */
static int undo_parts(mm_object *const *objects, size_t count,
                      int (*undo)(mm_object *object, mm_error *err), mm_error *err) {
  mm_error told;
  for (size_t i = 0; i < count; i++) object_close_journal(objects[i]);
  int first = take_back_record(objects, count, err);
  if (first == MM_OK) forget_record(objects, count);
  for (size_t i = 0; i < count; i++) keep_first(&first, err, undo(objects[i], &told), &told);
  return first;
}

int mm_objects_unprepare(mm_object *const *objects, size_t count, mm_error *err) {
  return undo_parts(objects, count, mm_object_unprepare, err);
}

/* ---- commit --------------------------------------------------------------------------------- */

/* What is written no longer needs its journal; with what is not, the record stays. */
static int end_journals(mm_object *const *objects, size_t count, bool durable, mm_error *err) {
  mm_error told;
  int first = MM_OK;
  for (size_t i = 0; i < count; i++) {
    if (!takes_part(objects[i]) || !objects[i]->written) continue;
    bool lasting = durable && object_is_durable(objects[i]);
    keep_first(&first, err, object_end_journal(objects[i], lasting, &told), &told);
  }
  return first;
}

static int write_each(mm_object *const *objects, size_t count, mm_error *err) {
  mm_error told;
  int first = MM_OK;
  for (size_t i = 0; i < count; i++) {
    if (!takes_part(objects[i])) continue;
    object_meet_others(objects[i]);
    int rc = object_write(objects[i], &told);
    objects[i]->written = rc == MM_OK;
    keep_first(&first, err, rc, &told);
  }
  return first;
}

static const char *record_of(mm_object *const *objects, size_t count) {
  size_t i = 0;
  while (i < count && !objects[i]->record) i++;
  return i < count ? objects[i]->record : NULL;
}

static int commit_together(mm_object *const *objects, size_t count, mm_error *err) {
  mm_error told;
  bool durable = any_durable(objects, count);
  int first = write_each(objects, count, err);
  bool all = first == MM_OK;
  if (all) {
    int rc = mm_record_remove(record_of(objects, count), false, durable, &told);
    keep_first(&first, err, rc, &told);
    all = rc == MM_OK;
  }
  int ended = end_journals(objects, count, durable && !all, &told);
  keep_first(&first, err, ended, &told);
  for (size_t i = 0; i < count; i++) {
    if (takes_part(objects[i])) object_settle(objects[i], objects[i]->written);
  }
  return first;
}

/* SQLite has committed by now, and says so before it asks whether all is ready: if it is not, and
** cannot be made so, none of them changes. */
static int commit_parts(mm_object *const *objects, size_t count, mm_error *err) {
  mm_error told;
  int rc = are_prepared(objects, count) ? MM_OK : mm_objects_prepare(objects, count, err);
  if (rc == MM_OK) return commit_together(objects, count, err);
  (void)mm_objects_rollback(objects, count, &told);
  return rc;
}

int mm_objects_commit(mm_object *const *objects, size_t count, mm_error *err) {
  mm_error told;
  int first = count_parts(objects, count) < 2 ? MM_OK : commit_parts(objects, count, err);
  for (size_t i = 0; i < count; i++) {
    keep_first(&first, err, mm_object_commit(objects[i], &told), &told);
  }
  return first;
}

int mm_objects_rollback(mm_object *const *objects, size_t count, mm_error *err) {
  return undo_parts(objects, count, mm_object_rollback, err);
}
