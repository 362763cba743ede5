// What state.h promises of `look` and `edits`: as long as both are the same, so are the bytes. What is counted of a
// file is kept by them.
#include "tests/support/core_file.h"
#include "tests/support/object_file.h"
#include "tests/support/rounds.h"

#include "tests/support/fault_sys.h"

#include <map>
#include <memory>
#include <random>

namespace {

using namespace mm_test;

// All that an object has shown, by its two numbers.
class Shown {
public:
  // At the start of a statement; where that fails, or the bytes are not to be relied on, nobody counts them.
  void Look(mm_object *object, const std::string &after) {
    mm_error err;
    if (mm_object_refresh(object, &err) != MM_OK || mm_object_hit(object)) return;
    Bytes now(object->data, object->data + object->size);
    auto [at, fresh] = shown_.emplace(std::make_pair(object->look, object->edits), now);
    EXPECT_TRUE(fresh || at->second == now)
        << after << ": " << std::string(at->second.begin(), at->second.end()) << " was, "
        << std::string(now.begin(), now.end()) << " is";
  }

private:
  std::map<std::pair<uint64_t, uint64_t>, Bytes> shown_;
};

class LookTest : public FileTest {
protected:
  // It has written, is prepared, and another program writes then.
  Object PreparedAndMet(const std::string &path) {
    Object object = Open(path);
    object.Begin();
    object.Write(0, "X");
    shown.Look(object, "write");
    object.Prepare();
    Outside(path, 4, Text("?"));
    return object;
  }
  Shown shown;
};

// ---- what changes them, and what does not

TEST_F(LookTest, StaysOverMarksAndCommitsOfItsOwn) {
  for (int synchronous : {MM_SYNC_OFF, MM_SYNC_NORMAL, MM_SYNC_FULL}) {
    settings = Settings(synchronous);
    Object object = Open(Put("a", Text("abc\n")));
    object.Begin();
    object.Insert(4, Text("d\n"));
    uint64_t edits = object->edits, look = object->look;
    mm_log_mark mark = mm_object_savepoint(object);
    object.RollbackTo(mark);
    mm_object_release(object, &mark);
    object.Commit();
    object.Refresh();
    object.Begin();
    object.Refresh();
    EXPECT_EQ(object->edits, edits);
    EXPECT_EQ(object->look, look);
    object.Rollback();
  }
}

static mm_sys clear_sys;

static int TimelessStatus(int fd, mm_stat *out) {
  int result = clear_sys.status(fd, out);
  out->mtime = out->ctime = 0;
  return result;
}

static int TimelessStatusPath(const char *path, mm_stat *out) {
  int result = clear_sys.status_path(path, out);
  out->mtime = out->ctime = 0;
  return result;
}

// Two changes in one tick of the system's clock leave the same times.
TEST_F(LookTest, ChangesWhereAnotherObjectOfTheProcessCommitsInTheSameTick) {
  clear_sys = mm_os;
  mm_os.status = TimelessStatus;
  mm_os.status_path = TimelessStatusPath;
  std::string path = Put("a", Text("abcdef"));
  {
    Object one = Open(path), other = Open(path);
    for (int round = 0; round < 3; round++) {
      for (Object *object : {&one, &other}) {
        object->Begin();
        object->Write(static_cast<uint64_t>(round), object == &one ? "1" : "2");
        shown.Look(one, "write");
        shown.Look(other, "write");
        object->Commit();
        shown.Look(one, "commit");
        shown.Look(other, "commit");
      }
    }
    EXPECT_EQ(one.Seen(), Text("222def"));
    uint64_t look = other->look;
    other.Begin();
    other.Write(0, "3");
    other.Commit();
    other.Refresh();
    EXPECT_EQ(other->look, look) << "its own";
  }
  mm_os = clear_sys;
}

// The journal is written, and the host has its own commit before the file is.
TEST_F(LookTest, ChangesWhereOthersWriteBetweenPrepareAndCommit) {
  for (int synchronous : {MM_SYNC_OFF, MM_SYNC_NORMAL}) {
    settings = Settings(synchronous);
    std::string path = Put("a", Text("abcdef"));
    Object object = PreparedAndMet(path);
    object.Commit();
    EXPECT_EQ(Contents(path), Text("Xbcd?f"));
    shown.Look(object, "commit");
  }
}

static std::string appended_to;

static void AppendOutside() {
  std::ofstream(appended_to, std::ios::app | std::ios::binary) << '"';
}

TEST_F(LookTest, ChangesWhereOthersAppendWhileTheFileIsSynced) {
  settings = Settings(MM_SYNC_FULL);
  appended_to = Put("a", Text("abcdef"));
  Object object = Open(appended_to);
  object.Begin();
  object.Write(0, "X");
  object.Prepare();
  uint64_t look = object->look;
  {
    FaultSys sys;
    sys.CountOnly({Call::kSyncData});
    sys.OnCall(AppendOutside);
    object.Commit();
  }
  EXPECT_EQ(Contents(appended_to), Text("Xbcdef\"\"")) << "the journal is synced, too";
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(appended_to));
  EXPECT_NE(object->look, look);
}

TEST_F(LookTest, ChangesWhereOthersWriteBeforeAPrepareIsTakenBack) {
  std::string path = Put("a", Text("abcdef"));
  Object object = PreparedAndMet(path);
  object.Unprepare();
  object.Refresh();
  EXPECT_EQ(object.Seen(), Text("Xbcd?f"));
  shown.Look(object, "unprepare");
}

// Nothing of it is in the file then, whose times are what they were.
TEST_F(LookTest, ChangesWithACommitThatFailsWithoutAJournal) {
  settings = Settings(MM_SYNC_OFF);
  Object object = Open(Put("a", Text("abcdef")));
  object.Begin();
  object.Write(0, "X");
  shown.Look(object, "write");
  {
    FaultSys sys;
    sys.CountOnly({Call::kWrite});
    sys.FailAt(0, EIO, true);
    EXPECT_EQ(mm_object_commit(object, &object.err), MM_IOERR);
  }
  EXPECT_EQ(mm_object_refresh(object, &object.err), MM_IOERR) << "it is told";
  object.Refresh();
  EXPECT_EQ(object.Seen(), Text("abcdef"));
  shown.Look(object, "commit");
}

// ---- at random

// An object, another of the same process, a copy and one that only reads, on one file that other programs write;
// system calls fail now and then.
class LookWalk : public LookTest {
protected:
  size_t Below(size_t n) { return random_() % n; }
  size_t Choose(const char *what, size_t n) {
    size_t chosen = Below(n);
    said_ += " " + std::string(what) + std::to_string(chosen);
    return chosen;
  }
  std::string Letters() { return std::string(1 + Below(3), static_cast<char>('a' + Below(26))); }

  void Edit(mm_object *object) {
    mm_error err;
    std::string bytes = Letters();
    auto data = reinterpret_cast<const uint8_t *>(bytes.data());
    uint64_t size = object->size, at = Below(size + 1), n = std::min<uint64_t>(3, size - at);
    uint64_t over = std::min<uint64_t>(n, bytes.size());
    switch (Choose("edit", 6)) {
      case 0:
        (void)mm_object_write(object, at, data, over, &err);
        break;
      case 1:
        (void)mm_object_insert(object, at, data, bytes.size(), &err);
        break;
      case 2:
        (void)mm_object_insert(object, size, data, bytes.size(), &err);
        break;
      case 3:
        (void)mm_object_erase(object, at, n, &err);
        break;
      case 4:
        (void)mm_object_resize(object, Below(40), &err);
        break;
      default:
        (void)mm_object_write_unseen(object, at, data, over, &err);
    }
  }
  void Release(mm_object *object, std::vector<mm_log_mark> *marks) {
    mm_object_release(object, &marks->back());
    marks->pop_back();
  }
  void GoOn(mm_object *object, std::vector<mm_log_mark> *marks) {
    mm_error err;
    size_t what = Choose("go", 5);
    if (what == 0) marks->push_back(mm_object_savepoint(object));
    if (what == 1 && !marks->empty())
      (void)mm_object_rollback_to(object, marks->back().count, &err);
    if (what == 2 && !marks->empty()) Release(object, marks);
    if (what == 3) (void)mm_object_prepare(object, &err);
    if (what == 4) (void)mm_object_unprepare(object, &err);
  }
  void End(mm_object *object, std::vector<mm_log_mark> *marks) {
    mm_error err;
    while (!marks->empty()) Release(object, marks);
    bool undone = Choose("end", 3) == 0;
    if (undone || mm_object_commit(object, &err)) (void)mm_object_rollback(object, &err);
  }
  void Use(mm_object *object, std::vector<mm_log_mark> *marks) {
    mm_error err;
    if (mm_object_refresh(object, &err) || mm_object_begin(object, &err)) return;
    size_t what = Below(12);
    if (what < 6) {
      Edit(object);
    } else if (what < 10) {
      GoOn(object, marks);
    } else {
      End(object, marks);
    }
  }
  // Another process, in its COMMIT, if it gets so far.
  static void Die(const std::string &path, uint64_t at) {
    mm_settings with = Settings(MM_SYNC_NORMAL);
    (void)InChild([&] {
      mm_error err;
      mm_object *object;
      const uint8_t bytes[] = "DEAD";
      if (TryOpen(path, MM_OBJECT_FILE, &with, &object, &err)) return 1;
      if (mm_object_begin(object, &err)) return 1;
      (void)mm_object_insert(object, std::min(at, object->size), bytes, 4, &err);
      return mm_object_prepare(object, &err);
    });
  }
  void Others(const std::string &path) {
    size_t what = Choose("others", 8), at = Below(20);
    if (what < 3) {
      Outside(path, at, Text(Letters()));
    } else if (what < 6) {
      OutsideResize(path, Below(40));
    } else {
      Die(path, at);
    }
  }
  void UseFailing(mm_object *object, std::vector<mm_log_mark> *marks) {
    FaultSys sys;
    sys.FailAt(static_cast<int>(Choose("fail", 25)), EIO, Below(2) == 0);
    Use(object, marks);
  }
  void Walk(unsigned seed) {
    mm_settings reads = settings;
    random_.seed(seed);
    reads.read_only = true;
    settings = Settings(static_cast<int>(Below(3)));
    said_ = "seed " + std::to_string(seed) + ":";
    std::string path = Put(std::to_string(seed), Text("abcdefghij"));
    Object objects[] = {Open(path), Open(path), Open(path, MM_OBJECT_PRIVATE),
                        Open(path, MM_OBJECT_FILE, reads)};
    Shown all[4];
    std::vector<mm_log_mark> marks[3];
    for (int step = 0; step < 150 && !HasFailure(); step++) {
      size_t who = Choose("", 3), how = Below(20);
      if (how < 2) {
        Others(path);
      } else if (how < 5) {
        UseFailing(objects[who], &marks[who]);
      } else {
        Use(objects[who], &marks[who]);
      }
      for (size_t i = 0; i < 4; i++) all[i].Look(objects[i], said_ + " for " + std::to_string(i));
    }
    for (size_t i = 0; i < 3; i++) End(objects[i], &marks[i]);
  }

private:
  std::mt19937 random_;
  std::string said_;
};

TEST_F(LookWalk, IsAnotherWhereverTheBytesAreOthers) {
  for (unsigned seed = 1; seed <= Rounds(100u) && !HasFailure(); seed++) Walk(seed);
}

} // namespace
