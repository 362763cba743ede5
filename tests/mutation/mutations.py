"""What mutate.py takes away from core, one at a time.

Each is (what is gone, file, text, what stands there instead). The text must be in the file exactly
once, so a mutation that no longer fits its source is an error and not a silent success.

Not here, as no test can see it: the bound on a header's number of records. What it rejects early,
reading the records rejects as well.
"""

JOURNAL, CHANGE, COMMIT = "core/file/journal.c", "core/file/change.c", "core/file/commit.c"
RECOVER, LOCK, OBJECT = "core/file/recover.c", "core/os/lock.c", "core/file/object.c"
SHOW = "core/file/show.c"

FSYNCS = [
    ("fsync of the journal", JOURNAL,
     "if (out.rc == 0 && durable) out.rc = mm_os.sync(fd);", ""),
    ("fsync of the journal's directory", JOURNAL,
     "if (rc == MM_OK && durable) rc = mm_journal_sync_directory(journal, err);", ""),
    ("fdatasync of the file", CHANGE,
     "if (rc == MM_OK && durable) rc = make_durable(fd, name, err);", ""),
    ("fsync of the directory after the journal's removal", JOURNAL,
     "rc = durable ? sync_directory(journal) : 0;", "rc = 0;"),
    ("fsync of a journal that a rollback has emptied", JOURNAL,
     "return rc >= 0 && durable ? mm_os.sync(fd) : rc;", "return rc;"),
    ("fsync of what is no journal any more, at a rollback", JOURNAL,
     "return durable ? mm_os.sync(fd) : 0;", "return 0;"),
    ("fsync of the journal before its replay", JOURNAL,
     "int rc = mm_os.sync(journal->fd);", "int rc = 0;"),
    ("fsync of its directory before its replay", JOURNAL,
     "\"cannot sync the journal '%s'\", path);\n  return mm_journal_sync_directory(path, err);",
     "\"cannot sync the journal '%s'\", path);\n  return MM_OK;"),
    ("fsync of the file in a flush", OBJECT,
     "int failed = mm_os.sync(object->fd);", "int failed = 0;"),
    ("fsync of the directory in a flush", OBJECT,
     "return journalled ? mm_journal_sync_directory(object->journal, err) : MM_OK;",
     "return MM_OK;"),
    ("recovery is durable whatever the recoverer's synchronous", RECOVER,
     "return object->kind != MM_OBJECT_TAGGED;",
     "return object->kind != MM_OBJECT_TAGGED && object->settings->synchronous == MM_SYNC_FULL;"),
]

STEPS = [
    ("the journal is emptied before a rollback removes it", JOURNAL,
     "bool harmless = roll_back && empty_path(journal, durable) == 0;", "bool harmless = false;"),
    ("the journal is emptied when writing it has failed", JOURNAL,
     "bool harmless = empty(fd, durable) >= 0;", "bool harmless = true;"),
    ("the journal is removed after a commit", COMMIT,
     "if (rc == MM_OK && journalled) {", "if (0) {"),
    ("the journal is written at all", COMMIT,
     "if (!object_is_shared(object) || synchronous_of(object) == MM_SYNC_OFF) return MM_OK;\n"
     "  int rc = mm_journal_write", "return MM_OK;\n  int rc = mm_journal_write"),
    ("begin recovers", COMMIT,
     "rc = object_recover(object, err);\n  if (rc == MM_OK) {\n    int failed",
     "if (rc == MM_OK) {\n    int failed"),
    ("a COMMIT that is tried again looks at the file again", COMMIT,
     "return pace ? verify(object, err) : MM_OK;", "return MM_OK;"),
    ("a transaction that goes on makes its journal invalid", COMMIT,
     "if (rc || !(object->prepared || object->undo_journal || object->leftover)) return rc;\n"
     "  if (object->prepared)",
     "return rc;\n  if (object->prepared)"),
    ("others' changes are seen before room is given back", COMMIT,
     "if (failed || !object_same_file_state(&now, &object->seen)) "
     "object->changed_by_others = true;\n  mm_change_unreserve", "mm_change_unreserve"),
    ("an emptied journal that kept its name is removed before the next", COMMIT,
     "object->leftover = mm_journal_exists(object->journal);", "object->leftover = false;"),
    ("a copy that was written waits for others' commits", "core/file/state.h",
     "return object->begun && object->kind != MM_OBJECT_PRIVATE;", "return object->begun;"),
    ("the file system holds a file of the new size", CHANGE,
     "int rc = mm_os.can_hold(fd, change->new_size);", "int rc = 0;"),
    ("room is reserved before the commit point", CHANGE,
     "int rc = mm_os.reserve(fd, extent->offset, extent->size);", "int rc = 0;"),
    ("room past the end is given back", CHANGE,
     "(void)mm_os.resize(fd, change->old_size);", ""),
    ("room in holes is given back", CHANGE,
     "(void)mm_os.zero(fd, hole->offset, hole->size);", ""),
    ("what somebody has written into a hole meanwhile stays", CHANGE,
     "if (piece[i]) return false;", ""),
    ("room in a hole that was there before stays", CHANGE,
     "if (rc == MM_OK && room_of(fd) <= before) change->hole_count = count;", ""),
    ("the limit on the size of files, for the file", CHANGE,
     "if (end <= limit) return MM_OK;", "return MM_OK;"),
    ("the limit on the size of files, for the journal", JOURNAL,
     "if (length <= limit) return MM_OK;", "return MM_OK;"),
]

CHECKS = [
    ("check of the header", JOURNAL,
     "check_of(load64(bytes + 16), bytes, HEADER_CHECKED) == load64(bytes + HEADER_CHECKED);",
     "true;"),
    ("check of each record and of the commit record", JOURNAL,
     "return in->check == load64(bytes) ? 0 : BROKEN;",
     "in->check = load64(bytes);\n  return 0;"),
    ("the commit record is read", JOURNAL,
     "if (rc == MM_OK && got == 0) got = read_commit(&in);", ""),
    ("the commit record's magic", JOURNAL,
     "return memcmp(bytes + CHECK_SIZE, commit_magic, sizeof commit_magic) == 0 ? 0 : BROKEN;",
     "return 0;"),
    ("nothing follows the commit record", JOURNAL, "if (reader_left(in)) return BROKEN;", ""),
    ("the check that was seen at the opening, at the replay", JOURNAL,
     "(!broken && check == journal->check)", "!broken"),
    ("the header's magic", JOURNAL,
     "return !memcmp(bytes, header_magic, sizeof header_magic) &&", "return"),
    ("the length in the header", JOURNAL, "bool fits = head->length == journal->size &&",
     "bool fits ="),
    ("the salt", JOURNAL, "mm_os.random(&head.salt, sizeof head.salt);", ""),
    ("the chain: a record's check depends on the one before", JOURNAL,
     "in->check = check_of(in->check, bytes + CHECK_SIZE, size - CHECK_SIZE);",
     "in->check = check_of(in->journal->salt, bytes + CHECK_SIZE, size - CHECK_SIZE);"),
    ("records ascend", JOURNAL, "record->offset >= in->floor &&", ""),
    ("a record begins inside the file", JOURNAL, "record->offset <= end &&", ""),
    ("a record ends inside the file", JOURNAL, "record->size <= end - record->offset &&", ""),
    ("a record has bytes", JOURNAL, "record->size >= 1 &&", ""),
    ("a record's flags are known", JOURNAL, "return flags <= FLAG_ZEROS &&", "return"),
    ("a record's size is within what a buffer holds", JOURNAL,
     "(flags == FLAG_ZEROS || record->size <= DATA_MAX)", "true"),
    ("sizes are within what a file can have", JOURNAL,
     "head->old_size <= INT64_MAX && head->new_size <= INT64_MAX", "true"),
]

IDENTITY = [
    ("the journal's file: inode", JOURNAL, "head->inode == stat->inode &&", ""),
    ("the journal's file: birth time", JOURNAL,
     "(head->birth == birth || !head->birth || !birth)", "(birth || !birth)"),
    ("the journal's file: size", JOURNAL,
     "if (stat->size == head->old_size || stat->size == head->new_size) return MM_OK;",
     "return MM_OK;"),
    ("the journal's version", JOURNAL, "if (rc == MM_OK && !broken && head.version != VERSION) {",
     "if (0) {"),
    ("the journal's kind", JOURNAL, "if (own->kind != MM_KIND_FILE)\n", "if (0)\n"),
    ("the journal's links", JOURNAL, "if (own->links > 1) return refuse_journal(",
     "if (0) return refuse_journal("),
    ("the journal's owner", JOURNAL,
     "if (own->user != stat->user && own->user != mm_os.user()) {", "if (0) {"),
    ("the journal's mode", JOURNAL, "if (writable_by_more(own, stat)) {", "if (0) {"),
    ("the journal is made exclusively", JOURNAL, "| MM_OPEN_EXCLUSIVE", ""),
    ("the journal is made private", JOURNAL, "mm_os.open(-1, journal, flags, 0600)",
     "mm_os.open(-1, journal, flags, 0666)"),
    ("the journal takes the file's mode", JOURNAL, "(void)mm_os.set_mode(fd, mode);", ""),
    ("what is emptied at a rollback is a file with one name", JOURNAL,
     "if (rc >= 0 && (stat.kind != MM_KIND_FILE || stat.links > 1)) rc = -EPERM;", ""),
    ("what is emptied at a rollback is a journal", JOURNAL,
     "if (rc == 0 && !memcmp(magic, header_magic, sizeof magic)) return", "return"),
    ("the file is what the transaction began with: size and times", COMMIT,
     "if (!object_same_file_state(&now, &object->seen)) return changed(object, err);", ""),
    ("… also when a statement in between has seen the change", COMMIT,
     "if (object->changed_by_others) return changed(object, err);", ""),
    ("the file is the one that its name means", COMMIT,
     "if (failed || named.device != object->device || named.inode != object->inode) {", "if (0) {"),
    ("… by its inode", COMMIT, "|| named.inode != object->inode", ""),
    ("the file has no other names", COMMIT, "if (stat->links > 1) {", "if (0) {"),
    ("the file has a name", COMMIT, "if (stat->links == 0) {", "if (0) {"),
    ("the size, after room was reserved", COMMIT,
     "if (rc == MM_OK && object->seen.size != object->change.old_size) rc = changed(object, err);",
     ""),
]

LOCKS = [
    ("the lock between processes", LOCK,
     "int result = mm_os.lock(fd, MM_LOCK_EXCLUSIVE, MM_LOCK_WRITER, 1);", "int result = 0;"),
    ("the lock between connections", LOCK, "*holder = claim(entry, owner);",
     "*holder = NOBODY;"),
    ("the lock is given back", LOCK,
     "(void)mm_os.lock(fd, MM_LOCK_NONE, MM_LOCK_WRITER, 1);", ""),
    ("a rejected try leaves the registry free", LOCK,
     "  disclaim(entry);\n  *holder = A_PROCESS;", "  *holder = A_PROCESS;"),
    ("what a fork inherited is not locked", LOCK,
     "int mm_lock_write(mm_inode *entry, int fd, const void *owner, int64_t timeout, "
     "mm_lock_watch *watch,\n                  void *context, const char *name, mm_error *err) {\n"
     "  if (is_inherited(entry)) {",
     "int mm_lock_write(mm_inode *entry, int fd, const void *owner, int64_t timeout, "
     "mm_lock_watch *watch,\n                  void *context, const char *name, mm_error *err) {\n"
     "  if (0) {"),
    ("what a fork inherited is not unlocked", LOCK,
     "if (!entry || is_inherited(entry) || !owner", "if (!entry || !owner"),
    ("an object that a fork inherited is not used", SHOW,
     "if (object->generation == mm_sys_generation()) return MM_OK;", "return MM_OK;"),
    ("begin takes the lock", COMMIT,
     "int rc = mm_lock_write(object->entry, object->writer, object, settings->busy_timeout,\n"
     "                         settings->watch, settings->watch_context, object->name, err);",
     "int rc = MM_OK;\n  (void)settings;"),
    ("recovery takes the lock", RECOVER,
     "int rc = mm_lock_write(object->entry, object->writer, object, settings->busy_timeout,\n"
     "                         settings->watch, settings->watch_context, object->name, err);",
     "int rc = MM_OK;\n  (void)settings;"),
    ("a reader waits for a writer that is about to finish", RECOVER,
     "while (mm_journal_exists(object->journal) && mm_lock_writing(object->entry, object->fd, "
     "object)) {", "while (false) {"),
    ("the writer stays the writer while its rolled back journal is there", COMMIT,
     "object->stuck = object->undo_journal;", "object->stuck = false;"),
]

GROUPS = [("fsync", FSYNCS), ("steps", STEPS), ("checks of a journal", CHECKS),
          ("identity", IDENTITY), ("locks", LOCKS)]
