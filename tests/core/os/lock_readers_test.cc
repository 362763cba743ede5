// Readers of a file, and a writer that wants it alone.
extern "C" {
#include "core/os/lock.h"
}

#include "tests/support/core_file.h"

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace {

// A connection's part in a file: a descriptor that reads, one that writes, and the process's entry.
// With a `stranger` other than 0 the entry is its own, as if it were in another process.
class User {
public:
  explicit User(const std::string &path, uint64_t stranger = 0)
      : reader(mm_test::OpenForCore(path, MM_OPEN_READ)), writer(mm_test::OpenForCore(path)) {
    mm_stat status;
    if (mm_sys_default()->status(reader, &status) != 0) abort();
    entry = mm_inode_acquire(status.device + (stranger << 40), status.inode);
  }
  ~User() {
    if (reads) Unread();
    Unwrite();
    mm_inode_release(entry);
    mm_test::CloseForCore(reader);
    mm_test::CloseForCore(writer);
  }
  User(const User &) = delete;

  int Read(bool started = false) {
    int got = mm_lock_read(entry, reader, started);
    reads |= got > 0;
    return got;
  }
  void Unread() {
    mm_lock_unread(entry, reader);
    reads = false;
  }
  int Write() { return mm_lock_write(entry, writer, this, 0, nullptr, nullptr, "a.bin", &err); }
  int Alone() { return mm_lock_alone(entry, writer); }
  void LetIn() { mm_lock_let_in(entry, writer); }
  void LetStartedIn() { mm_lock_let_started_in(entry, writer); }
  void Unwrite() { mm_lock_unwrite(entry, writer, this, -1); }
  void UnwriteToRead() {
    mm_lock_unwrite(entry, writer, this, reader);
    reads = true;
  }
  bool Awaited() { return mm_lock_awaited(entry, reader, this); }

  int reader, writer;
  mm_inode *entry;
  bool reads = false;
  mm_error err = {};
};

// The same among connections of one process, and, by strangers, among processes.
class Readers : public testing::TestWithParam<bool> {
protected:
  Readers() : path_(testing::TempDir() + "readersXXXXXX") { close(mkstemp(path_.data())); }
  ~Readers() override {
    mm_os = *mm_sys_default();
    unlink(path_.c_str());
  }
  std::unique_ptr<User> New() {
    return std::make_unique<User>(path_, GetParam() ? ++strangers_ : 0);
  }

  std::string path_;
  uint64_t strangers_ = 0;
};

TEST_P(Readers, ShareTheFile) {
  auto one = New(), two = New();
  EXPECT_EQ(one->Read(), 1);
  EXPECT_EQ(two->Read(), 1);
}

TEST_P(Readers, AndAWriterAreThereTogether) {
  auto reader = New(), writer = New(), late = New();
  EXPECT_EQ(reader->Read(), 1);
  EXPECT_EQ(writer->Write(), MM_OK);
  EXPECT_EQ(late->Read(), 1);
  EXPECT_FALSE(reader->Awaited());
}

TEST_P(Readers, MakeTheWriterWait) {
  auto reader = New(), writer = New();
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(reader->Read(), 1);
  EXPECT_EQ(writer->Alone(), 0);
  EXPECT_TRUE(reader->Awaited());
  reader->Unread();
  EXPECT_EQ(writer->Alone(), 1);
}

TEST_P(Readers, ComeNoMoreWhileItWaits) {
  auto reader = New(), writer = New(), late = New();
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(reader->Read(), 1);
  ASSERT_EQ(writer->Alone(), 0);
  EXPECT_EQ(late->Read(), 0);
  EXPECT_EQ(late->Read(true), 1) << "it has started elsewhere";
  reader->Unread();
  EXPECT_EQ(writer->Alone(), 0) << "and is waited for, too";
  late->Unread();
  EXPECT_EQ(writer->Alone(), 1);
  EXPECT_EQ(late->Read(true), 0);
}

TEST_P(Readers, ComeAgainAfterItHasGivenUp) {
  auto reader = New(), writer = New(), late = New();
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(reader->Read(), 1);
  ASSERT_EQ(writer->Alone(), 0);
  writer->LetIn();
  EXPECT_FALSE(reader->Awaited());
  EXPECT_EQ(late->Read(), 1);
  EXPECT_EQ(New()->Write(), MM_BUSY) << "it is the writer still";
}

TEST_P(Readers, ComeAgainAfterIt) {
  auto writer = New(), reader = New();
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(writer->Alone(), 1);
  EXPECT_EQ(reader->Read(), 0);
  writer->Unwrite();
  EXPECT_EQ(reader->Read(), 1);
  EXPECT_EQ(New()->Write(), MM_OK);
}

TEST_P(Readers, ThatHaveStartedComeWhileItStepsBack) {
  auto writer = New(), started = New(), late = New();
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(writer->Alone(), 1);
  writer->LetStartedIn();
  EXPECT_EQ(late->Read(), 0);
  EXPECT_EQ(started->Read(true), 1);
}

TEST_P(Readers, AreJoinedByTheWriterAndNoCommitComesBetween) {
  auto writer = New(), other = New();
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(writer->Alone(), 1);
  writer->UnwriteToRead();
  ASSERT_EQ(other->Write(), MM_OK);
  EXPECT_EQ(other->Alone(), 0);
  EXPECT_TRUE(writer->Awaited());
  writer->Unread();
  EXPECT_EQ(other->Alone(), 1);
}

TEST_P(Readers, AreJoinedByTheWriterByOneDescriptor) {
  auto writer = New(), other = New();
  writer->reader = dup(writer->writer); // one description, and two numbers for its destructor
  int fd = writer->writer;
  ASSERT_EQ(writer->Write(), MM_OK);
  ASSERT_EQ(writer->Alone(), 1);
  mm_lock_unwrite(writer->entry, fd, writer.get(), fd);
  writer->reads = true;
  EXPECT_EQ(New()->Read(), 1);
  ASSERT_EQ(other->Write(), MM_OK);
  EXPECT_EQ(other->Alone(), 0);
  writer->Unread();
  EXPECT_EQ(other->Alone(), 1);
}

TEST_P(Readers, StayReadersWhenTheyCeaseToWrite) {
  auto both = New(), other = New();
  ASSERT_EQ(both->Read(), 1);
  ASSERT_EQ(both->Write(), MM_OK);
  both->Unwrite();
  ASSERT_EQ(other->Write(), MM_OK);
  EXPECT_EQ(other->Alone(), 0);
}

// Everything that may happen, in any order, against the table at the head of lock.c.
struct Seen {
  bool writes = false, pending = false, alone = false;
};

TEST_P(Readers, WalkAtRandomAsTheTableSays) {
  std::mt19937 random(20);
  std::vector<std::unique_ptr<User>> users;
  std::vector<Seen> seen(4);
  for (size_t i = 0; i < seen.size(); i++) users.push_back(New());
  for (int step = 0; step < 20000; step++) {
    size_t who = random() % users.size();
    User &user = *users[who];
    Seen &now = seen[who];
    bool written = false, pending = false, alone = false, read = false;
    for (size_t i = 0; i < seen.size(); i++) {
      if (i == who) continue;
      written |= seen[i].writes;
      pending |= seen[i].pending;
      alone |= seen[i].alone;
      read |= users[i]->reads;
    }
    SCOPED_TRACE(step);
    switch (random() % 8) {
      case 0:
        ASSERT_EQ(user.Write(), written ? MM_BUSY : MM_OK);
        now.writes |= !written;
        break;
      case 1:
      case 2:
        if (user.reads || now.writes) break;
        {
          bool started = random() % 2;
          ASSERT_EQ(user.Read(started), !alone && (started || !pending));
        }
        break;
      case 3:
        if (user.reads) user.Unread();
        break;
      case 4:
        if (!now.writes) break;
        if (user.reads) user.Unread();
        ASSERT_EQ(user.Alone(), !read);
        now.pending = true;
        now.alone = !read;
        break;
      case 5:
        if (!now.pending) break;
        user.LetStartedIn();
        now.alone = false;
        break;
      case 6:
        if (!now.writes) break;
        user.LetIn();
        now.pending = now.alone = false;
        break;
      case 7:
        if (now.writes && !user.reads && random() % 2) {
          user.UnwriteToRead();
        } else {
          user.Unwrite();
        }
        now = Seen();
        break;
    }
    if (!now.pending) ASSERT_EQ(user.Awaited(), pending);
  }
}

std::string Where(const testing::TestParamInfo<bool> &info) {
  return info.param ? "AmongProcesses" : "InAProcess";
}
INSTANTIATE_TEST_SUITE_P(Both, Readers, testing::Values(false, true), Where);

// ---------------------------------------------------------------------------- real processes

class ReadersOfProcesses : public Readers {};

TEST_P(ReadersOfProcesses, EndWithTheirProcess) {
  User writer(path_);
  ASSERT_EQ(writer.Write(), MM_OK);
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    User reader(path_);
    char got = reader.Read() == 1;
    if (write(ready[1], &got, 1) != 1) _exit(1);
    pause();
  }
  char got = 0;
  ASSERT_EQ(read(ready[0], &got, 1), 1);
  EXPECT_EQ(got, 1);
  EXPECT_EQ(writer.Alone(), 0);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(writer.Alone(), 1);
  close(ready[0]);
  close(ready[1]);
}

TEST_P(ReadersOfProcesses, AreNotTheChildsAfterAFork) {
  User reader(path_), writer(path_);
  ASSERT_EQ(reader.Read(), 1);
  ASSERT_EQ(writer.Write(), MM_OK);
  pid_t child = fork();
  if (child == 0) {
    mm_lock_unread(reader.entry, reader.reader);
    mm_lock_let_in(writer.entry, writer.writer);
    bool refused = mm_lock_read(reader.entry, reader.reader, false) < 0 &&
                   mm_lock_alone(writer.entry, writer.writer) < 0;
    _exit(refused && !reader.Awaited() ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(writer.Alone(), 0);
}

// A stream of readers, each of which comes before the last has gone, does not keep the writer out.
TEST_P(ReadersOfProcesses, DoNotStarveAWriter) {
  std::atomic<bool> stop{false};
  std::atomic<int> read{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++) {
    threads.emplace_back([&, i] {
      User reader(path_, static_cast<uint64_t>(i) + 1);
      while (!stop) {
        if (reader.Read() != 1) continue;
        read++;
        usleep(500);
        reader.Unread();
      }
    });
  }
  User writer(path_);
  while (read < 10) usleep(100);
  for (int i = 0; i < 10; i++) {
    ASSERT_EQ(writer.Write(), MM_OK);
    int got = 0, tries = 0;
    for (; got == 0 && tries < 1000; tries++) {
      got = writer.Alone();
      if (got == 0) usleep(1000);
    }
    EXPECT_EQ(got, 1) << tries;
    int before = read;
    writer.Unwrite();
    while (read == before) usleep(100);
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
}

INSTANTIATE_TEST_SUITE_P(One, ReadersOfProcesses, testing::Values(false), Where);

// ---------------------------------------------------------------------------- file systems

int failure;
std::vector<std::string> calls;

int FailingLock(int, int, uint64_t, uint64_t) {
  return failure;
}

int CountingLock(int fd, int kind, uint64_t offset, uint64_t size) {
  static const char *const kinds[] = {"none", "shared", "alone"};
  calls.push_back(std::string(kinds[kind]) + " " +
                  std::to_string(static_cast<int64_t>(offset - MM_LOCK_WRITER)) + "+" +
                  std::to_string(size));
  return mm_sys_default()->lock(fd, kind, offset, size);
}

TEST_P(ReadersOfProcesses, AreTheProcesssOwnWhereTheFileSystemHasNoLocks) {
  for (int error : {ENOLCK, EOPNOTSUPP, EINVAL, ENOSYS}) {
    User reader(path_), writer(path_);
    failure = -error;
    mm_os.lock = FailingLock;
    EXPECT_EQ(reader.Read(), 1);
    EXPECT_EQ(writer.Write(), MM_OK);
    EXPECT_EQ(writer.Alone(), 0);
    EXPECT_EQ(User(path_).Read(), 0);
    reader.Unread();
    EXPECT_EQ(writer.Alone(), 1);
    EXPECT_EQ(reader.Read(), 0);
    mm_os = *mm_sys_default();
  }
}

TEST_P(ReadersOfProcesses, FailWithTheFileSystemAndLeaveTheFileFree) {
  User reader(path_), writer(path_);
  ASSERT_EQ(writer.Write(), MM_OK);
  failure = -EIO;
  mm_os.lock = FailingLock;
  EXPECT_EQ(reader.Read(), -EIO);
  EXPECT_EQ(writer.Alone(), -EIO);
  mm_os = *mm_sys_default();
  EXPECT_EQ(reader.Read(), 1);
  EXPECT_EQ(writer.Alone(), 0);
}

int LockThatIsNotGivenBackAtOnce(int fd, int kind, uint64_t offset, uint64_t size) {
  if (kind == MM_LOCK_NONE && failure++ % 2 == 0) return -EIO;
  return mm_sys_default()->lock(fd, kind, offset, size);
}

TEST_P(ReadersOfProcesses, GiveBackWhatTheFileSystemDidNotTakeBackAtFirst) {
  User reader(path_, 1), writer(path_);
  failure = 0;
  mm_os.lock = LockThatIsNotGivenBackAtOnce;
  EXPECT_EQ(reader.Read(), 1);
  reader.Unread();
  mm_os = *mm_sys_default();
  EXPECT_EQ(writer.Write(), MM_OK);
  EXPECT_EQ(writer.Alone(), 1);
}

// What it costs: two calls to come and one to go; a commit that meets nobody makes one more.
TEST_P(ReadersOfProcesses, CostFewCalls) {
  User reader(path_), writer(path_);
  mm_os.lock = CountingLock;
  calls.clear();
  reader.Read();
  reader.Unread();
  EXPECT_EQ(calls, (std::vector<std::string>{"shared -2+2", "none -2+1", "none -2+2"}));
  calls.clear();
  writer.Write();
  writer.Alone();
  writer.Unwrite();
  EXPECT_EQ(calls, (std::vector<std::string>{"alone 0+1", "alone -2+2", "none -2+3"}));
}

} // namespace
