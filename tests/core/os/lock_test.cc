// Who may write a file: one, in this process and among all.
extern "C" {
#include "core/os/lock.h"
#include "core/common/mem.h"
}

#include "tests/support/core_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <functional>
#include <string>
#include <thread>
#include <vector>

namespace {

// A connection's hold on a file: a descriptor of its own, the process's entry, and itself as owner.
class Holder {
public:
  explicit Holder(const std::string &path, int flags = MM_OPEN_READ | MM_OPEN_WRITE)
      : fd(mm_test::OpenForCore(path, flags)) {
    mm_stat status;
    if (mm_sys_default()->status(fd, &status) != 0) abort();
    entry = mm_inode_acquire(status.device, status.inode);
  }
  ~Holder() {
    Unlock();
    mm_inode_release(entry);
    mm_test::CloseForCore(fd);
  }
  Holder(const Holder &) = delete;

  int Lock(int64_t timeout = 0, mm_lock_watch *watch = nullptr, void *context = nullptr) {
    return mm_lock_write(entry, fd, this, timeout, watch, context, "a.bin", &err);
  }
  void Unlock() { mm_lock_unwrite(entry, fd, this, -1); }
  bool SeesAnother() { return mm_lock_writing(entry, fd, this); }

  int fd;
  mm_inode *entry;
  mm_error err = {};
};

// A forked child that does `before`, lets its parent go on, and ends, after `after`, when told to.
class Child {
public:
  explicit Child(
      const std::function<bool()> &before,
      const std::function<bool()> &after = [] { return true; }) {
    EXPECT_EQ(pipe(to_), 0);
    EXPECT_EQ(pipe(from_), 0);
    pid_ = fork();
    if (pid_ == 0) {
      alarm(20);
      char byte = before();
      if (write(from_[1], &byte, 1) != 1) _exit(2);
      close(to_[1]);
      (void)!read(to_[0], &byte, 1);
      _exit(byte && after() ? 0 : 1);
    }
    close(to_[0]);
    close(from_[1]);
    char byte = 0;
    EXPECT_EQ(read(from_[0], &byte, 1), 1);
    EXPECT_EQ(byte, 1);
  }
  ~Child() { End(); }

  void End() {
    if (pid_ == 0) return;
    EXPECT_EQ(write(to_[1], "x", 1), 1);
    int status = -1;
    EXPECT_EQ(waitpid(pid_, &status, 0), pid_);
    EXPECT_EQ(status, 0);
    close(to_[1]);
    close(from_[0]);
    pid_ = 0;
  }

private:
  int to_[2], from_[2];
  pid_t pid_;
};

// Time that passes only by sleeping.
int64_t now;
std::vector<int64_t> sleeps;

int64_t TestClock() {
  return now;
}
void TestSleep(int64_t duration) {
  now += duration;
  sleeps.push_back(duration / 1000000);
}

class Lock : public testing::Test {
protected:
  Lock() : path_(testing::TempDir() + "lockXXXXXX") { close(mkstemp(path_.data())); }
  ~Lock() override {
    mm_os = *mm_sys_default();
    unlink(path_.c_str());
  }

  static void UseTestTime() {
    now = 1;
    sleeps.clear();
    mm_os.clock = TestClock;
    mm_os.sleep = TestSleep;
  }

  std::string path_;
};

// ---------------------------------------------------------------------------- in one process

TEST_F(Lock, GivesAFileToOneOwner) {
  Holder one(path_), two(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  EXPECT_EQ(two.Lock(), MM_BUSY);
  EXPECT_STREQ(two.err.text, "'a.bin' is being written by another connection");
}

TEST_F(Lock, GivesItToTheNextAfterTheFirst) {
  Holder one(path_), two(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  one.Unlock();
  EXPECT_EQ(two.Lock(), MM_OK);
  EXPECT_EQ(one.Lock(), MM_BUSY);
}

TEST_F(Lock, GivesItAgainToWhoHasIt) {
  Holder one(path_), two(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  EXPECT_EQ(one.Lock(), MM_OK);
  one.Unlock();
  EXPECT_EQ(two.Lock(), MM_OK);
}

TEST_F(Lock, IsNotLostByAnothersUnlock) {
  Holder one(path_), two(path_), three(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  two.Unlock();
  mm_lock_unwrite(nullptr, two.fd, &two, -1);
  EXPECT_EQ(three.Lock(), MM_BUSY);
  EXPECT_STREQ(three.err.text, "'a.bin' is being written by another connection");
}

TEST_F(Lock, IsNotLostByClosingAnotherDescriptor) {
  Holder one(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  close(open(path_.c_str(), O_RDWR));
  Child([&] { return Holder(path_).Lock() == MM_BUSY; });
}

TEST_F(Lock, OfDifferentFilesAreDifferent) {
  std::string other = path_ + "b";
  close(open(other.c_str(), O_CREAT | O_RDWR, 0600));
  Holder one(path_), two(other);
  EXPECT_EQ(one.Lock(), MM_OK);
  EXPECT_EQ(two.Lock(), MM_OK);
  unlink(other.c_str());
}

TEST_F(Lock, IsKnownByInodeWhateverTheName) {
  std::string other = path_ + "b";
  ASSERT_EQ(link(path_.c_str(), other.c_str()), 0);
  Holder one(path_), two(other);
  EXPECT_EQ(one.Lock(), MM_OK);
  EXPECT_EQ(two.Lock(), MM_BUSY);
  unlink(other.c_str());
}

TEST_F(Lock, LetsOneThreadInAtATime) {
  int count = 0; // no atomic: the lock is what protects it
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++) {
    threads.emplace_back([&] {
      Holder holder(path_);
      for (int i = 0; i < 10; i++) {
        EXPECT_EQ(holder.Lock(20000), MM_OK);
        count++;
        holder.Unlock();
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(count, 40);
}

// ---------------------------------------------------------------------------- among processes

TEST_F(Lock, GivesAFileToOneProcess) {
  Holder holder(path_);
  Child child([&] { return (new Holder(path_))->Lock() == MM_OK; });
  EXPECT_EQ(holder.Lock(), MM_BUSY);
  EXPECT_STREQ(holder.err.text, "'a.bin' is being written by another process");
}

TEST_F(Lock, EndsWithTheProcess) {
  Holder holder(path_);
  Child child([&] { return (new Holder(path_))->Lock() == MM_OK; });
  EXPECT_EQ(holder.Lock(), MM_BUSY);
  child.End();
  EXPECT_EQ(holder.Lock(), MM_OK);
}

TEST_F(Lock, IsNotKeptByOneWhoDidNotGetIt) {
  Holder one(path_), two(path_);
  {
    Child child([&] { return (new Holder(path_))->Lock() == MM_OK; });
    EXPECT_EQ(one.Lock(), MM_BUSY);
  }
  EXPECT_EQ(two.Lock(), MM_OK);
}

// ---------------------------------------------------------------------------- waiting

TEST_F(Lock, TriesOnceWithoutATimeout) {
  Holder one(path_), two(path_);
  UseTestTime();
  EXPECT_EQ(one.Lock(), MM_OK);
  EXPECT_EQ(two.Lock(0), MM_BUSY);
  EXPECT_EQ(two.Lock(-5), MM_BUSY);
  EXPECT_TRUE(sleeps.empty());
}

TEST_F(Lock, WaitsLongerAndLongerUntilTheTimeout) {
  Holder one(path_), two(path_);
  UseTestTime();
  EXPECT_EQ(one.Lock(), MM_OK);
  EXPECT_EQ(two.Lock(200), MM_BUSY);
  EXPECT_EQ(sleeps, (std::vector<int64_t>{1, 2, 5, 10, 20, 50, 50, 50, 12}));
}

TEST_F(Lock, GivesUpAfterAboutTheTimeout) {
  Holder one(path_), two(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(two.Lock(100), MM_BUSY);
  auto took = std::chrono::steady_clock::now() - start;
  EXPECT_GE(took, std::chrono::milliseconds(100));
  EXPECT_LT(took, std::chrono::seconds(10));
}

TEST_F(Lock, GetsTheFileInTheMiddleOfTheWait) {
  Holder one(path_), two(path_);
  EXPECT_EQ(one.Lock(), MM_OK);
  std::thread ends([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    one.Unlock();
  });
  EXPECT_EQ(two.Lock(60000), MM_OK);
  ends.join();
}

int StopAtThird(void *context) {
  return ++*static_cast<int *>(context) == 3;
}

TEST_F(Lock, StopsWaitingWhenInterrupted) {
  Holder one(path_), two(path_);
  UseTestTime();
  EXPECT_EQ(one.Lock(), MM_OK);
  int calls = 0;
  EXPECT_EQ(two.Lock(INT64_MAX, StopAtThird, &calls), MM_INTERRUPT);
  EXPECT_EQ(calls, 3);
  EXPECT_EQ(sleeps.size(), 2u);
}

TEST_F(Lock, AsksNobodyWhenTheFileIsFree) {
  Holder one(path_);
  int calls = 0;
  EXPECT_EQ(one.Lock(1000, StopAtThird, &calls), MM_OK);
  EXPECT_EQ(calls, 0);
}

// ---------------------------------------------------------------------------- forks

TEST_F(Lock, StaysTheParentsWhateverTheChildDoes) {
  Holder holder(path_), other(path_);
  ASSERT_EQ(holder.Lock(), MM_OK);
  Child child([&] {
    holder.Unlock();
    mm_inode_release(holder.entry);
    mm_test::CloseForCore(holder.fd);
    return true;
  });
  EXPECT_EQ(other.Lock(), MM_BUSY);
  EXPECT_FALSE(holder.SeesAnother());
  Child another([&] { return Holder(path_).Lock() == MM_BUSY; });
}

TEST_F(Lock, RefusesWhatAChildInherited) {
  Holder holder(path_);
  Child child([&] {
    return holder.Lock() == MM_ERROR &&
           std::string(holder.err.text) == "'a.bin' was opened before a fork";
  });
}

TEST_F(Lock, OfTheParentIsAnotherProcesssToTheChild) {
  Holder holder(path_);
  ASSERT_EQ(holder.Lock(), MM_OK);
  Child child([&] {
    Holder mine(path_);
    return mine.SeesAnother() && mine.Lock() == MM_BUSY &&
           std::string(mine.err.text) == "'a.bin' is being written by another process";
  });
}

TEST_F(Lock, IsFreeForTheChildOnceTheParentIsDone) {
  Holder holder(path_);
  ASSERT_EQ(holder.Lock(), MM_OK);
  Child child([] { return true; },
              [&] {
                Holder mine(path_);
                return mine.Lock() == MM_OK;
              });
  holder.Unlock();
}

TEST_F(Lock, IsUsableInAChildThatWasForkedInTheMiddle) {
  Holder keep(path_);
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    Holder holder(path_);
    while (!stop) {
      holder.Lock();
      holder.Unlock();
      mm_inode_release(mm_inode_acquire(1, 2));
    }
  });
  for (int i = 0; i < 30; i++) {
    Child child([&] {
      Holder mine(path_);
      return mine.Lock(10000) == MM_OK;
    });
  }
  stop = true;
  busy.join();
}

// ---------------------------------------------------------------------------- file systems

int failure;
int calls_of_lock;

int FailingLock(int, int, uint64_t, uint64_t) {
  calls_of_lock++;
  return failure;
}

TEST_F(Lock, IsTheProcesssOwnWhereTheFileSystemHasNone) {
  for (int error : {ENOLCK, EOPNOTSUPP, EINVAL, ENOSYS}) {
    Holder one(path_), two(path_);
    failure = -error;
    mm_os.lock = FailingLock;
    EXPECT_EQ(one.Lock(), MM_OK);
    EXPECT_EQ(two.Lock(), MM_BUSY);
    EXPECT_TRUE(two.SeesAnother());
    one.Unlock();
    EXPECT_EQ(two.Lock(), MM_OK);
  }
}

TEST_F(Lock, FailsWithTheFileSystemAndLeavesTheFileFree) {
  Holder one(path_), two(path_);
  failure = -EIO;
  mm_os.lock = FailingLock;
  calls_of_lock = 0;
  EXPECT_EQ(one.Lock(1000), MM_IOERR);
  EXPECT_STREQ(one.err.text, "cannot lock 'a.bin': Input/output error");
  EXPECT_EQ(calls_of_lock, 1);
  mm_os = *mm_sys_default();
  EXPECT_EQ(two.Lock(), MM_OK);
}

TEST_F(Lock, WantsADescriptorOpenForWriting) {
  Holder reader(path_, MM_OPEN_READ);
  EXPECT_EQ(reader.Lock(), MM_IOERR);
}

// ---------------------------------------------------------------------------- asking

TEST_F(Lock, ShowsToOthersButNotToTheWriter) {
  Holder one(path_), two(path_, MM_OPEN_READ);
  EXPECT_FALSE(two.SeesAnother());
  ASSERT_EQ(one.Lock(), MM_OK);
  EXPECT_TRUE(two.SeesAnother());
  EXPECT_FALSE(one.SeesAnother());
  one.Unlock();
  EXPECT_FALSE(two.SeesAnother());
}

TEST_F(Lock, ShowsToOtherProcesses) {
  Holder reader(path_, MM_OPEN_READ);
  Child child([&] { return (new Holder(path_))->Lock() == MM_OK; });
  EXPECT_TRUE(reader.SeesAnother());
  child.End();
  EXPECT_FALSE(reader.SeesAnother());
}

TEST_F(Lock, AskingTakesNothing) {
  Holder one(path_), two(path_);
  EXPECT_FALSE(one.SeesAnother());
  EXPECT_EQ(two.Lock(), MM_OK);
}

int FailingLocked(int, int, uint64_t, uint64_t) {
  return -ENOLCK;
}

TEST_F(Lock, ShowsNoOtherProcessWhereTheFileSystemHasNone) {
  Holder one(path_);
  mm_os.locked = FailingLocked;
  EXPECT_FALSE(one.SeesAnother());
}

// ---------------------------------------------------------------------------- alive

TEST_F(Lock, AliveIsSharedUntilTheLastOneTakesItAlone) {
  Holder one(path_), two(path_);
  EXPECT_TRUE(mm_lock_alive(one.fd, MM_LOCK_SHARED));
  EXPECT_TRUE(mm_lock_alive(two.fd, MM_LOCK_SHARED));
  EXPECT_FALSE(mm_lock_alive(one.fd, MM_LOCK_EXCLUSIVE));
  EXPECT_TRUE(mm_lock_alive(two.fd, MM_LOCK_NONE));
  EXPECT_TRUE(mm_lock_alive(one.fd, MM_LOCK_EXCLUSIVE));
  EXPECT_FALSE(mm_lock_alive(two.fd, MM_LOCK_SHARED));
}

TEST_F(Lock, AliveAndWriterAreNothingToEachOther) {
  Holder one(path_), two(path_);
  EXPECT_TRUE(mm_lock_alive(one.fd, MM_LOCK_EXCLUSIVE));
  EXPECT_EQ(two.Lock(), MM_OK);
}

// ---------------------------------------------------------------------------- entries

TEST(Inode, IsOneForEachDeviceAndInode) {
  std::vector<mm_inode *> entries;
  for (uint64_t i = 0; i < 5000; i++) entries.push_back(mm_inode_acquire(i % 7, i));
  for (uint64_t i = 0; i < 5000; i++) {
    EXPECT_EQ(mm_inode_acquire(i % 7, i), entries[i]);
    mm_inode_release(entries[i]);
  }
  mm_inode *other = mm_inode_acquire(8, 3);
  EXPECT_NE(other, entries[3]);
  mm_inode_release(other);
  for (mm_inode *entry : entries) mm_inode_release(entry);
  mm_inode_release(nullptr);
}

void *NoMemory(uint64_t) {
  return nullptr;
}

TEST(Inode, IsNullWithoutMemory) {
  const mm_allocator none = {NoMemory, [](void *, uint64_t) -> void * { return nullptr; }, free};
  mm_mem_use(&none);
  EXPECT_EQ(mm_inode_acquire(1, 1), nullptr);
  mm_mem_use(nullptr);
}

std::atomic<int> allocated;

void *CountedAllocate(uint64_t size) {
  allocated++;
  return malloc(size);
}
void CountedRelease(void *memory) {
  if (memory) allocated--;
  free(memory);
}

TEST(Inode, IsFreedWithItsLastUser) {
  const mm_allocator counted = {CountedAllocate, [](void *, uint64_t) -> void * { return nullptr; },
                                CountedRelease};
  mm_mem_use(&counted);
  mm_inode *one = mm_inode_acquire(1, 1), *two = mm_inode_acquire(1, 1);
  EXPECT_EQ(one, two);
  EXPECT_EQ(allocated, 1);
  mm_inode_release(one);
  EXPECT_EQ(allocated, 1);
  mm_inode_release(two);
  EXPECT_EQ(allocated, 0);
  mm_mem_use(nullptr);
}

// More than the registry has chains, so that some share one.
TEST(Inode, OfManyDevicesWithOneNumberAreTold) {
  std::vector<mm_inode *> entries;
  for (uint64_t device = 1; device <= 5000; device++) {
    entries.push_back(mm_inode_acquire(device, 77));
  }
  for (uint64_t device = 1; device <= 5000; device++) {
    mm_inode *again = mm_inode_acquire(device, 77);
    EXPECT_EQ(again, entries[device - 1]);
    mm_inode_release(again);
  }
  for (mm_inode *entry : entries) mm_inode_release(entry);
}

TEST(Inode, IsNotGivenBackByNobody) {
  mm_inode *entry = mm_inode_acquire(5, 5);
  mm_lock_unwrite(entry, -1, nullptr, -1);
  mm_lock_unwrite(nullptr, -1, &entry, -1);
  mm_inode_release(entry);
}

TEST(Inode, AfterAForkTheParentsOwnerSaysNothing) {
  mm_inode *entry = mm_inode_acquire(6, 6);
  FILE *file = tmpfile();
  mm_error err;
  int owner;
  ASSERT_EQ(mm_lock_write(entry, fileno(file), &owner, 0, nullptr, nullptr, "f", &err), MM_OK);
  pid_t pid = fork();
  if (pid == 0) {
    // The descriptor is the parent's own too, so its lock is in nobody's way.
    _exit(mm_lock_writing(entry, fileno(file), &err) ? 1 : 0);
  }
  int status = -1;
  ASSERT_EQ(waitpid(pid, &status, 0), pid);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(mm_lock_writing(entry, fileno(file), &err));
  mm_lock_unwrite(entry, fileno(file), &owner, -1);
  mm_inode_release(entry);
  fclose(file);
}

} // namespace
