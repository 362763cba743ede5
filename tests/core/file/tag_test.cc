// Memory under a name: shared by whoever has it open, in any process; gone with the last of them.
extern "C" {
#include "core/common/mem.h"
#include "core/file/tag.h"
}

#include "tests/support/object_file.h"

#include "tests/support/fault_sys.h"

namespace {

using namespace mm_test;

class TagTest : public FileTest {
protected:
  void TearDown() override {
    EXPECT_FALSE(Exists()) << "left behind";
    unlink(File().c_str());
    FileTest::TearDown();
  }
  int Try(const std::string &name, uint64_t size, mm_object **out) {
    *out = nullptr;
    return mm_object_open_tag(name.c_str(), size, &settings, out, &err);
  }
  Object Tagged(uint64_t size = 0) {
    mm_object *object;
    EXPECT_EQ(Try(tag, size, &object), MM_OK) << err.text;
    if (!object) throw std::runtime_error(err.text);
    return Object(object);
  }
  std::string File() const {
    return "/dev/shm/sqlite-mmap-" + std::to_string(geteuid()) + "-" + tag;
  }
  bool Exists() const { return access(File().c_str(), F_OK) == 0; }

  std::string tag = "test " + std::to_string(getpid()); // a space is as good as anything
  mm_error err;
};

TEST_F(TagTest, IsMadeOnceAndThenOpened) {
  Object one = Tagged(100);
  EXPECT_EQ(one.Seen(), Bytes(100, 0));
  one.Begin();
  one.Write(5, "shared");
  one.Commit();
  Object two = Tagged(7);
  EXPECT_EQ(two.Seen(), one.Seen()) << "opened as it is, whatever size was asked for";
}

TEST_F(TagTest, GoesWithItsLastUser) {
  {
    Object one = Tagged(100);
    {
      Object two = Tagged(100);
      one.Close();
      EXPECT_TRUE(Exists());
      two.Begin();
      two.Write(0, "x");
      two.Commit();
      EXPECT_EQ(two.Seen()[0], 'x');
    }
    EXPECT_FALSE(Exists());
  }
  EXPECT_EQ(Tagged(10).Seen(), Bytes(10, 0)) << "it begins anew";
}

TEST_F(TagTest, TakesTransactions) {
  Object one = Tagged(100), two = Tagged(100);
  one.Begin();
  one.Write(0, "pending");
  EXPECT_EQ(mm_object_begin(two, &two.err), MM_BUSY);
  two.Refresh();
  EXPECT_EQ(two.Seen(), Bytes(100, 0));
  one.Rollback();
  two.Begin();
  two.Write(3, "abc");
  two.Resize(3 * Page());
  two.Prepare();
  two.Commit();
  one.Refresh();
  EXPECT_EQ(one.Seen(), two.Seen());
  EXPECT_EQ(one->size, 3 * Page());
  EXPECT_FALSE(HasJournal(File()));
}

TEST_F(TagTest, IsSharedAmongProcesses) {
  Object object = Tagged(100);
  EXPECT_EQ(InChild([&] {
              Object own = Tagged(1);
              own.Begin();
              own.Write(0, "child");
              own.Commit();
              return own->size == 100 ? 0 : 1;
            }),
            0);
  object.Refresh();
  EXPECT_EQ(memcmp(object->data, "child", 5), 0);
  EXPECT_TRUE(Exists()) << "the child was not the last";
}

TEST_F(TagTest, AForkedChildThatClosesItTakesNothingFromItsParent) {
  Object object = Tagged(100);
  EXPECT_EQ(InChild([&] {
              mm_object_close(object);
              return 0;
            }),
            0);
  EXPECT_TRUE(Exists());
  EXPECT_EQ(InChild([&] { return Tagged(1)->size == 100 ? 0 : 1; }), 0)
      << "the parent is still a user";
}

TEST_F(TagTest, ThatACrashLeftBeginsAnew) {
  ASSERT_EQ(InChild([&] {
              Object object = Tagged(100);
              object.Begin();
              object.Write(0, "dead");
              object.Commit();
              _exit(0);
              return 0;
            }),
            0);
  EXPECT_TRUE(Exists());
  EXPECT_EQ(Tagged(20).Seen(), Bytes(20, 0));
}

TEST_F(TagTest, ADeadUsersJournalIsNotReplayedIntoWhatBeginsAnew) {
  for (uint64_t size : {uint64_t{100}, uint64_t{20}}) {
    ASSERT_EQ(InChild([&] {
                Object object = Tagged(100);
                object.Begin();
                object.Write(0, "dead");
                object.Prepare();
                _exit(0);
                return 0;
              }),
              0);
    EXPECT_TRUE(HasJournal(File()));
    EXPECT_EQ(Tagged(size).Seen(), Bytes(size, 0));
    EXPECT_FALSE(HasJournal(File()));
  }
}

TEST_F(TagTest, ACrashOfOneUserIsRecoveredByTheOthers) {
  Object object = Tagged(100);
  ASSERT_EQ(InChild([&] {
              Object own = Tagged();
              own.Begin();
              own.Write(0, "dead");
              own.Prepare();
              _exit(0);
              return 0;
            }),
            0);
  object.Refresh();
  EXPECT_EQ(memcmp(object->data, "dead", 4), 0);
  EXPECT_FALSE(HasJournal(File()));
}

TEST_F(TagTest, HasANameOfOneTo200BytesWithoutASlash) {
  mm_object *object;
  for (const std::string &bad : {std::string(), std::string(201, 'x'), std::string("a/b")}) {
    EXPECT_EQ(Try(bad, 10, &object), MM_ERROR) << bad;
    EXPECT_NE(err.text[0], 0);
  }
  ASSERT_EQ(Try(std::string(200, 'x'), 10, &object), MM_OK) << err.text;
  mm_object_close(object);
  ASSERT_EQ(Try("..", 10, &object), MM_OK) << "it is a name, not a path";
  mm_object_close(object);
}

TEST_F(TagTest, IsNothingThatIsNotAFileOfOurs) {
  mm_object *object;
  ASSERT_EQ(mkfifo(File().c_str(), 0600), 0);
  EXPECT_EQ(Try(tag, 10, &object), MM_CANTOPEN);
  unlink(File().c_str());
  ASSERT_EQ(symlink(Put("a", Text("abc")).c_str(), File().c_str()), 0);
  EXPECT_EQ(Try(tag, 10, &object), MM_CANTOPEN);
  EXPECT_EQ(Contents(Path("a")), Text("abc"));
  unlink(File().c_str());
  if (geteuid() != 0) return;
  Outside(File(), 0, Text("somebody's"));
  ASSERT_EQ(chown(File().c_str(), 65534, 65534), 0);
  EXPECT_EQ(Try(tag, 10, &object), MM_CANTOPEN);
  EXPECT_EQ(Contents(File()), Text("somebody's"));
  unlink(File().c_str());
}

// Between another's opening of the file and its locking it, the last user may take the name away.
TEST_F(TagTest, IsNeverAFileThatHasLostItsName) {
  static std::string victim;
  victim = File();
  mm_os.lock = [](int fd, int kind, uint64_t offset, uint64_t size) {
    if (!victim.empty()) {
      unlink(victim.c_str());
      victim.clear();
    }
    return mm_sys_default()->lock(fd, kind, offset, size);
  };
  Object object = Tagged(10);
  mm_os = *mm_sys_default();
  struct stat named;
  ASSERT_EQ(stat(File().c_str(), &named), 0);
  EXPECT_EQ(named.st_ino, object->inode);
}

TEST_F(TagTest, ManyProcessesThatComeAndGoNeverSeeItHalfMade) {
  EXPECT_EQ(InChild([&] {
              int failed = 0;
              std::vector<pid_t> children;
              for (int i = 0; i < 6; i++) {
                pid_t pid = fork();
                if (pid > 0) {
                  children.push_back(pid);
                  continue;
                }
                for (int round = 0; round < 100; round++) {
                  mm_object *object;
                  if (Try(tag, 64, &object) || object->size != 64) _exit(1);
                  mm_object_close(object);
                }
                _exit(0);
              }
              for (pid_t pid : children) {
                int status;
                waitpid(pid, &status, 0);
                if (status) failed++;
              }
              return failed;
            }),
            0);
}

TEST_F(TagTest, FailsCleanlyAtEveryCall) {
  for (int error : {EIO, ENOMEM, EAGAIN}) {
    for (int n = 0;; n++) {
      SCOPED_TRACE("call " + std::to_string(n));
      FaultSys sys; // a lock that is refused means that another has it, so all calls but that
      sys.CountOnly({Call::kOpen, Call::kStatus, Call::kStatusLink, Call::kResize, Call::kRemove,
                     Call::kMap, Call::kBirth});
      sys.FailAt(n, error);
      mm_object *object;
      int rc = Try(tag, 100, &object);
      EXPECT_EQ(rc == MM_OK, object != nullptr);
      EXPECT_TRUE(!object || object->size == 100);
      bool fired = sys.Fired();
      mm_object_close(object);
      sys.NoFault();
      unlink(
          File()
              .c_str()); // who fails to lock or to remove it leaves it, for the next to begin anew
      if (!fired) break;
      ASSERT_LT(n, 200);
    }
  }
}

} // namespace
