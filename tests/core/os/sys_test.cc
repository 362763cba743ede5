// The system's table, call by call, against a real file system.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <utility>
#include <vector>

#ifndef SYS_openat2
#define SYS_openat2 437
#endif

extern "C" {
#include "core/os/sys.h"
}

namespace {

class Sys : public ::testing::Test {
protected:
  void SetUp() override {
    const char *base = getenv("TEST_TMPDIR");
    directory = std::string(base ? base : "/tmp") + "/sys_test.XXXXXX";
    ASSERT_NE(mkdtemp(directory.data()), nullptr);
  }
  void TearDown() override {
    mm_os = *mm_sys_default();
    for (int fd : open_ones) EXPECT_EQ(mm_os.close(fd), 0);
    (void)!system(("rm -rf '" + directory + "'").c_str());
  }
  std::string at(const std::string &name) const { return directory + "/" + name; }
  int keep(int fd) {
    if (fd >= 0) open_ones.push_back(fd);
    return fd;
  }
  // A new file of that content, open for both.
  int make(const std::string &name, const std::string &content = "") {
    int fd =
        keep(mm_os.open(-1, at(name).c_str(),
                        MM_OPEN_READ | MM_OPEN_WRITE | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE, 0644));
    EXPECT_GE(fd, 0);
    EXPECT_EQ(mm_sys_write_all(fd, content.data(), content.size(), 0), 0);
    return fd;
  }
  std::string directory;
  std::vector<int> open_ones;
};

std::string content_of(int fd) {
  mm_stat stat;
  EXPECT_EQ(mm_os.status(fd, &stat), 0);
  std::string content(stat.size, '?');
  EXPECT_EQ(mm_sys_read_all(fd, content.data(), content.size(), 0), 0);
  return content;
}

TEST_F(Sys, OpensWhatIsThereAndSaysWhatIsNot) {
  make("a", "abc");
  EXPECT_GE(keep(mm_os.open(-1, at("a").c_str(), MM_OPEN_READ, 0)), 0);
  EXPECT_EQ(mm_os.open(-1, at("b").c_str(), MM_OPEN_READ, 0), -ENOENT);
  EXPECT_EQ(mm_os.open(-1, at("a").c_str(), MM_OPEN_READ | MM_OPEN_DIRECTORY, 0), -ENOTDIR);
}

TEST_F(Sys, CreatesExclusivelyOrFails) {
  make("a");
  int flags = MM_OPEN_WRITE | MM_OPEN_CREATE;
  EXPECT_EQ(mm_os.open(-1, at("a").c_str(), flags | MM_OPEN_EXCLUSIVE, 0600), -EEXIST);
  EXPECT_GE(keep(mm_os.open(-1, at("a").c_str(), flags, 0600)), 0);
  int fd = keep(mm_os.open(-1, at("b").c_str(), flags | MM_OPEN_EXCLUSIVE, 0600));
  mm_stat stat;
  ASSERT_EQ(mm_os.status(fd, &stat), 0);
  EXPECT_EQ(stat.mode, 0600u);
}

TEST_F(Sys, CreatesNothingThroughAPathDescriptor) {
  EXPECT_EQ(mm_os.open(-1, at("a").c_str(), MM_OPEN_CREATE, 0600), -EINVAL);
  EXPECT_EQ(mm_os.open_beneath(-1, "a", MM_OPEN_CREATE, 0600), -EINVAL);
  EXPECT_NE(access(at("a").c_str(), F_OK), 0);
}

TEST_F(Sys, ClosesDescriptorsOnExec) {
  int file = make("a");
  int anew = keep(mm_os.reopen(file, MM_OPEN_READ));
  int path = keep(mm_os.open(-1, at("a").c_str(), MM_OPEN_PATH, 0));
  int memory = keep(mm_os.memory("m"));
  for (int fd : {file, anew, path, memory}) EXPECT_TRUE(fcntl(fd, F_GETFD) & FD_CLOEXEC) << fd;
}

TEST_F(Sys, OpensBelowADirectory) {
  make("a", "abc");
  int fd = keep(mm_os.open(-1, directory.c_str(), MM_OPEN_PATH | MM_OPEN_DIRECTORY, 0));
  ASSERT_GE(fd, 0);
  int below = keep(mm_os.open(fd, "a", MM_OPEN_READ, 0));
  ASSERT_GE(below, 0);
  EXPECT_EQ(content_of(below), "abc");
}

TEST_F(Sys, DoesNotFollowALinkWhereAskedNotTo) {
  make("a");
  ASSERT_EQ(symlink("a", at("link").c_str()), 0);
  EXPECT_EQ(mm_os.open(-1, at("link").c_str(), MM_OPEN_READ | MM_OPEN_NOFOLLOW, 0), -ELOOP);
  EXPECT_GE(keep(mm_os.open(-1, at("link").c_str(), MM_OPEN_READ, 0)), 0);
}

TEST_F(Sys, ReadsALinkAndNothingElse) {
  make("a");
  ASSERT_EQ(symlink("to/where", at("link").c_str()), 0);
  int flags = MM_OPEN_PATH | MM_OPEN_NOFOLLOW;
  int link = keep(mm_os.open(-1, at("link").c_str(), flags, 0));
  int file = keep(mm_os.open(-1, at("a").c_str(), flags, 0));
  char target[16];
  ASSERT_EQ(mm_os.read_link(link, target, sizeof target), 0);
  EXPECT_STREQ(target, "to/where");
  EXPECT_EQ(mm_os.read_link(link, target, 8), -ENAMETOOLONG);
  EXPECT_EQ(mm_os.read_link(file, target, sizeof target), -EINVAL);
}

TEST_F(Sys, DoesNotWaitForAFifosOtherEnd) {
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  alarm(20);
  EXPECT_GE(keep(mm_os.open(-1, at("fifo").c_str(), MM_OPEN_READ, 0)), 0);
  int path = keep(mm_os.open(-1, at("fifo").c_str(), MM_OPEN_PATH, 0));
  alarm(0);
  mm_stat stat;
  ASSERT_EQ(mm_os.status(path, &stat), 0);
  EXPECT_EQ(stat.kind, MM_KIND_OTHER);
}

TEST_F(Sys, StaysBeneathADirectoryOrCannotTell) {
  ASSERT_EQ(mkdir(at("in").c_str(), 0700), 0);
  make("out");
  make("in/a");
  ASSERT_EQ(symlink("../out", at("in/link").c_str()), 0);
  ASSERT_EQ(symlink(at("in/a").c_str(), at("in/absolute").c_str()), 0);
  int in = keep(mm_os.open(-1, at("in").c_str(), MM_OPEN_PATH | MM_OPEN_DIRECTORY, 0));
  int fd = mm_os.open_beneath(in, "a", MM_OPEN_READ, 0);
  if (fd == -ENOSYS) GTEST_SKIP() << "no openat2 here";
  EXPECT_GE(keep(fd), 0);
  EXPECT_EQ(mm_os.open_beneath(in, "../out", MM_OPEN_READ, 0), -EXDEV);
  EXPECT_EQ(mm_os.open_beneath(in, "link", MM_OPEN_READ, 0), -EXDEV);
  EXPECT_EQ(mm_os.open_beneath(in, "absolute", MM_OPEN_READ, 0), -EXDEV);
  EXPECT_EQ(mm_os.open_beneath(in, at("in/a").c_str(), MM_OPEN_READ, 0), -EXDEV);
  EXPECT_EQ(mm_os.open_beneath(in, "b", MM_OPEN_READ, 0), -ENOENT);
  EXPECT_GE(keep(mm_os.open_beneath(in, "new", MM_OPEN_WRITE | MM_OPEN_CREATE, 0640)), 0);
}

TEST_F(Sys, ReopensTheSameFileUnderAnotherName) {
  make("a", "abc");
  int path = keep(mm_os.open(-1, at("a").c_str(), MM_OPEN_PATH, 0));
  char byte;
  EXPECT_EQ(mm_os.read(path, &byte, 1, 0), -EBADF);
  ASSERT_EQ(mm_os.rename(at("a").c_str(), at("b").c_str()), 0);
  int reader = keep(mm_os.reopen(path, MM_OPEN_READ));
  ASSERT_GE(reader, 0);
  EXPECT_EQ(content_of(reader), "abc");
  EXPECT_EQ(mm_os.write(reader, "x", 1, 0), -EBADF);
  int both = keep(mm_os.reopen(path, MM_OPEN_READ | MM_OPEN_WRITE));
  EXPECT_EQ(mm_os.write(both, "x", 1, 0), 1);
  EXPECT_EQ(content_of(both), "xbc");
  EXPECT_EQ(mm_os.reopen(1 << 20, MM_OPEN_READ), -ENOENT);
}

TEST_F(Sys, TellsAFilesAttributes) {
  int fd = make("a", "abc");
  ASSERT_EQ(link(at("a").c_str(), at("b").c_str()), 0);
  ASSERT_EQ(mm_os.set_mode(fd, 0640), 0);
  mm_stat stat;
  struct stat native;
  ASSERT_EQ(mm_os.status(fd, &stat), 0);
  ASSERT_EQ(fstat(fd, &native), 0);
  EXPECT_EQ(stat.size, 3u);
  EXPECT_EQ(stat.mode, 0640u);
  EXPECT_EQ(stat.links, 2u);
  EXPECT_EQ(stat.kind, MM_KIND_FILE);
  EXPECT_EQ(stat.device, native.st_dev);
  EXPECT_EQ(stat.inode, native.st_ino);
  EXPECT_EQ(stat.user, native.st_uid);
  EXPECT_EQ(stat.group, native.st_gid);
  EXPECT_EQ(stat.mtime, native.st_mtim.tv_sec * INT64_C(1000000000) + native.st_mtim.tv_nsec);
  EXPECT_EQ(stat.ctime, native.st_ctim.tv_sec * INT64_C(1000000000) + native.st_ctim.tv_nsec);
  EXPECT_EQ(mm_os.status(1 << 20, &stat), -EBADF);
}

// Some file systems keep any 64 bits of seconds, the one in memory too.
TEST_F(Sys, BearsTimesThatNanosecondsDoNotReach) {
  int fd = keep(mm_os.memory("times"));
  ASSERT_GE(fd, 0);
  mm_stat far, farther;
  for (auto [seconds, stat] :
       {std::pair(INT64_C(99999999999), &far), {INT64_C(1) << 60, &farther}}) {
    struct timespec times[2] = {{0, 0}, {static_cast<time_t>(seconds), 5}};
    ASSERT_EQ(futimens(fd, times), 0);
    ASSERT_EQ(mm_os.status(fd, stat), 0);
  }
  EXPECT_NE(far.mtime, farther.mtime);
}

TEST_F(Sys, FollowsLinksToAPathsStatusOrNot) {
  make("a");
  ASSERT_EQ(symlink("a", at("link").c_str()), 0);
  ASSERT_EQ(symlink("gone", at("dangling").c_str()), 0);
  mm_stat stat;
  ASSERT_EQ(mm_os.status_path(at("link").c_str(), &stat), 0);
  EXPECT_EQ(stat.kind, MM_KIND_FILE);
  ASSERT_EQ(mm_os.status_link(at("link").c_str(), &stat), 0);
  EXPECT_EQ(stat.kind, MM_KIND_OTHER);
  EXPECT_EQ(mm_os.status_path(at("dangling").c_str(), &stat), -ENOENT);
  EXPECT_EQ(mm_os.status_link(at("dangling").c_str(), &stat), 0);
  ASSERT_EQ(mm_os.status_path(directory.c_str(), &stat), 0);
  EXPECT_EQ(stat.kind, MM_KIND_DIRECTORY);
}

TEST_F(Sys, KnowsABirthThatWritesDoNotMove) {
  int fd = make("a");
  int64_t birth = mm_os.birth(fd);
  if (birth == 0) GTEST_SKIP() << "no birth times on this file system";
  mm_os.sleep(20000000);
  ASSERT_EQ(mm_sys_write_all(fd, "abc", 3, 0), 0);
  EXPECT_EQ(mm_os.birth(fd), birth);
  EXPECT_EQ(mm_os.birth(1 << 20), 0);
}

TEST_F(Sys, KnowsTheRealPathOfADescriptor) {
  make("a");
  ASSERT_EQ(symlink("a", at("link").c_str()), 0);
  int fd = keep(mm_os.open(-1, at("link").c_str(), MM_OPEN_PATH, 0));
  char path[4096];
  ASSERT_EQ(mm_os.path_of(fd, path, sizeof path), 0);
  EXPECT_EQ(std::string(path).substr(strlen(path) - 2), "/a");
  EXPECT_EQ(mm_os.path_of(fd, path, strlen(path)), -ENAMETOOLONG);
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  EXPECT_EQ(mm_os.path_of(keep(ends[0]), path, sizeof path), -ENOENT);
  keep(ends[1]);
}

TEST_F(Sys, KnowsTheWorkingDirectory) {
  char path[4096], tiny[1];
  char *native = getcwd(nullptr, 0);
  ASSERT_EQ(mm_os.working_directory(path, sizeof path), 0);
  EXPECT_STREQ(path, native);
  EXPECT_EQ(mm_os.working_directory(tiny, sizeof tiny), -ERANGE);
  free(native);
}

TEST_F(Sys, ReadsAndWritesAtOffsets) {
  int fd = make("a", "abcdef");
  char data[4] = "";
  EXPECT_EQ(mm_os.read(fd, data, 3, 2), 3);
  EXPECT_STREQ(data, "cde");
  EXPECT_EQ(mm_os.read(fd, data, 3, 5), 1);
  EXPECT_EQ(mm_os.read(fd, data, 3, 6), 0);
  EXPECT_EQ(mm_os.write(fd, "XY", 2, 3), 2);
  EXPECT_EQ(content_of(fd), "abcXYf");
}

TEST_F(Sys, RefusesOffsetsThatNoFileHas) {
  int fd = make("a", "abc");
  char byte = 0;
  EXPECT_EQ(mm_os.read(fd, &byte, 1, UINT64_MAX), -EINVAL);
  EXPECT_EQ(mm_os.write(fd, &byte, 1, UINT64_MAX), -EINVAL);
  EXPECT_EQ(mm_os.resize(fd, UINT64_MAX), -EFBIG);
  EXPECT_EQ(mm_os.reserve(fd, INT64_MAX, 1), -EFBIG);
  EXPECT_EQ(mm_os.zero(fd, 1, UINT64_MAX), -EFBIG);
  EXPECT_EQ(mm_os.next_hole(fd, UINT64_MAX), 3);
  EXPECT_EQ(mm_os.next_data(fd, UINT64_MAX), -ENXIO);
  EXPECT_EQ(mm_os.lock(fd, MM_LOCK_SHARED, UINT64_MAX, 1), -EINVAL);
  EXPECT_EQ(mm_os.lock(fd, MM_LOCK_SHARED, INT64_MAX, 1), -EINVAL);
  void *memory = nullptr;
  EXPECT_EQ(mm_os.map(&memory, 4096, MM_PROT_READ, fd, UINT64_MAX - 4095, false), -EOVERFLOW);
  EXPECT_EQ(mm_sys_read_all(fd, &byte, 2, UINT64_MAX), -EOVERFLOW);
  EXPECT_EQ(mm_sys_write_all(fd, &byte, 2, UINT64_MAX), -EOVERFLOW);
  EXPECT_EQ(content_of(fd), "abc");
}

TEST_F(Sys, CanHoldWhatResizeWouldMake) {
  int fd = make("a", "abc");
  EXPECT_EQ(mm_os.can_hold(fd, UINT64_MAX), -EFBIG);
  EXPECT_EQ(mm_os.can_hold(-1, 3), -EBADF);
  EXPECT_EQ(mm_os.can_hold(fd, 0), 0);
  for (uint64_t size = 1; size < UINT64_MAX / 2; size *= 2) {
    for (uint64_t near : {size - 1, size, size + 1}) {
      int can = mm_os.can_hold(fd, near);
      EXPECT_EQ(can, mm_os.resize(fd, near)) << near;
    }
  }
  EXPECT_EQ(mm_os.resize(fd, 0), 0);
}

TEST_F(Sys, ResizesBothWays) {
  int fd = make("a", "abc");
  EXPECT_EQ(mm_os.resize(fd, 5), 0);
  EXPECT_EQ(content_of(fd), std::string("abc\0\0", 5));
  EXPECT_EQ(mm_os.resize(fd, 1), 0);
  EXPECT_EQ(content_of(fd), "a");
}

TEST_F(Sys, ReservesRoomPastTheEndAndKeepsTheSize) {
  int fd = make("a", "abc");
  int rc = mm_os.reserve(fd, 0, 1 << 20);
  if (rc == -EOPNOTSUPP) GTEST_SKIP() << "not on this file system";
  ASSERT_EQ(rc, 0);
  struct stat native;
  ASSERT_EQ(fstat(fd, &native), 0);
  EXPECT_EQ(native.st_size, 3);
  EXPECT_GE(native.st_blocks * 512, 1 << 20);
  EXPECT_EQ(mm_os.reserve(fd, 0, 0), 0);
}

TEST_F(Sys, PunchesHolesAndFindsThem) {
  int fd = make("a", std::string(65536, 'x'));
  EXPECT_EQ(mm_os.next_hole(fd, 0), 65536);
  EXPECT_EQ(mm_os.next_hole(fd, 65536), 65536);
  int rc = mm_os.zero(fd, 16384, 32768);
  if (rc == -EOPNOTSUPP) GTEST_SKIP() << "not on this file system";
  ASSERT_EQ(rc, 0);
  EXPECT_EQ(content_of(fd),
            std::string(16384, 'x') + std::string(32768, '\0') + std::string(16384, 'x'));
  EXPECT_EQ(mm_os.next_hole(fd, 0), 16384);
  EXPECT_EQ(mm_os.next_data(fd, 16384), 49152);
  EXPECT_EQ(mm_os.next_data(fd, 65536), -ENXIO);
  EXPECT_EQ(mm_os.zero(fd, 0, 0), 0);
}

TEST_F(Sys, SyncsWhatIsOpenAndNothingElse) {
  int fd = make("a", "abc");
  int path = keep(mm_os.open(-1, at("a").c_str(), MM_OPEN_PATH, 0));
  int folder = keep(mm_os.open(-1, directory.c_str(), MM_OPEN_READ | MM_OPEN_DIRECTORY, 0));
  EXPECT_EQ(mm_os.sync(fd), 0);
  EXPECT_EQ(mm_os.sync_data(fd), 0);
  EXPECT_EQ(mm_os.sync(folder), 0);
  EXPECT_EQ(mm_os.sync(path), -EBADF);
  EXPECT_EQ(mm_os.sync_data(path), -EBADF);
}

TEST_F(Sys, RemovesAndRenames) {
  make("a", "abc");
  EXPECT_EQ(mm_os.rename(at("a").c_str(), at("b").c_str()), 0);
  EXPECT_EQ(mm_os.rename(at("a").c_str(), at("c").c_str()), -ENOENT);
  EXPECT_EQ(mm_os.remove(at("b").c_str()), 0);
  EXPECT_EQ(mm_os.remove(at("b").c_str()), -ENOENT);
}

TEST_F(Sys, SetsAnOwner) {
  int fd = make("a");
  mm_stat stat;
  EXPECT_EQ(mm_os.set_owner(fd, geteuid(), getegid()), 0);
  ASSERT_EQ(mm_os.status(fd, &stat), 0);
  EXPECT_EQ(stat.user, geteuid());
  EXPECT_EQ(mm_os.set_owner(1 << 20, geteuid(), getegid()), -EBADF);
  EXPECT_EQ(mm_os.user(), geteuid());
}

bool remember(void *context, const char *name, int kind) {
  (*static_cast<std::map<std::string, int> *>(context))[name] = kind;
  return true;
}

bool stop_at_once(void *context, const char *, int) {
  ++*static_cast<int *>(context);
  return false;
}

TEST_F(Sys, ListsADirectory) {
  make("a");
  ASSERT_EQ(mkdir(at("d").c_str(), 0700), 0);
  ASSERT_EQ(symlink("d", at("link").c_str()), 0);
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  make("..a");
  std::map<std::string, int> found, expected = {{"..a", MM_KIND_FILE},
                                                {"a", MM_KIND_FILE},
                                                {"d", MM_KIND_DIRECTORY},
                                                {"fifo", MM_KIND_OTHER},
                                                {"link", MM_KIND_OTHER}};
  EXPECT_EQ(mm_os.list(-1, directory.c_str(), remember, &found), 0);
  EXPECT_EQ(found, expected);
  int calls = 0;
  EXPECT_EQ(mm_os.list(-1, directory.c_str(), stop_at_once, &calls), 0);
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(mm_os.list(-1, at("gone").c_str(), remember, &found), -ENOENT);
  EXPECT_EQ(mm_os.list(-1, at("a").c_str(), remember, &found), -ENOTDIR);
}

TEST_F(Sys, MakesFilesInMemory) {
  int fd = keep(mm_os.memory(std::string(1000, 'n').c_str()));
  ASSERT_GE(fd, 0);
  ASSERT_EQ(mm_sys_write_all(fd, "abc", 3, 0), 0);
  EXPECT_EQ(content_of(fd), "abc");
  mm_stat stat;
  ASSERT_EQ(mm_os.status(fd, &stat), 0);
  EXPECT_EQ(stat.kind, MM_KIND_FILE);
  EXPECT_EQ(stat.links, 0u);
}

TEST_F(Sys, LocksConflictBetweenDescriptions) {
  int one = make("a");
  int two = keep(mm_os.reopen(one, MM_OPEN_READ | MM_OPEN_WRITE));
  uint64_t far = UINT64_C(1) << 62;
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_SHARED, far, 2), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_SHARED, far, 2), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_EXCLUSIVE, far, 2), -EAGAIN);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_EXCLUSIVE, far + 2, 1), 0);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_NONE, far, 2), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_EXCLUSIVE, far, 2), 0);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_SHARED, far, 1), -EAGAIN);
  EXPECT_EQ(mm_os.lock(one, 3, far, 1), -EINVAL);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_SHARED, far, 0), -EINVAL);
}

TEST_F(Sys, TellsALockWithoutTakingIt) {
  int one = make("a");
  int two = keep(mm_os.reopen(one, MM_OPEN_READ | MM_OPEN_WRITE));
  EXPECT_EQ(mm_os.locked(two, MM_LOCK_EXCLUSIVE, 5, 1), 0);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_SHARED, 5, 1), 0);
  EXPECT_EQ(mm_os.locked(two, MM_LOCK_EXCLUSIVE, 5, 1), 1);
  EXPECT_EQ(mm_os.locked(two, MM_LOCK_SHARED, 5, 1), 0);
  EXPECT_EQ(mm_os.locked(two, MM_LOCK_EXCLUSIVE, 6, 1), 0);
  EXPECT_EQ(mm_os.locked(one, MM_LOCK_EXCLUSIVE, 5, 1), 0);
}

TEST_F(Sys, MapsAFilePrivately) {
  int fd = make("a", std::string(8192, 'x'));
  size_t page = mm_os.page_size();
  void *memory = nullptr;
  ASSERT_EQ(mm_os.map(&memory, 8192, MM_PROT_READ | MM_PROT_WRITE, fd, 0, false), 0);
  char *bytes = static_cast<char *>(memory);
  bytes[0] = 'y';
  EXPECT_EQ(content_of(fd)[0], 'x');
  ASSERT_EQ(mm_os.advise(memory, page, MM_ADVICE_DONTNEED), 0);
  EXPECT_EQ(bytes[0], 'x');
  EXPECT_EQ(mm_os.unmap(memory, 8192), 0);
  EXPECT_EQ(mm_os.map(&memory, 0, MM_PROT_READ, fd, 0, false), -EINVAL);
}

TEST_F(Sys, DropsLockedPagesToo) {
  int fd = make("a", std::string(4096, 'x'));
  void *memory = nullptr;
  ASSERT_EQ(mm_os.map(&memory, 4096, MM_PROT_READ | MM_PROT_WRITE, fd, 0, false), 0);
  char *bytes = static_cast<char *>(memory);
  bytes[0] = 'y';
  // Not mlock: sanitizers make that do nothing.
  if (syscall(SYS_mlock, memory, 4096) < 0) GTEST_SKIP() << "may not lock memory";
  ASSERT_LT(madvise(memory, 4096, MADV_DONTNEED), 0);
  int rc = mm_os.advise(memory, 4096, MM_ADVICE_DONTNEED);
  char shown = bytes[0];
  if (madvise(memory, 4096, 24) < 0) GTEST_SKIP() << "older than Linux 5.18";
  EXPECT_EQ(rc, 0);
  EXPECT_EQ(shown, 'x');
  EXPECT_EQ(mm_os.unmap(memory, 4096), 0);
}

TEST_F(Sys, MapsZerosAndReplacesThemInPlace) {
  int fd = make("a", std::string(4096, 'x'));
  size_t page = mm_os.page_size();
  void *memory = nullptr;
  ASSERT_EQ(mm_os.map(&memory, 2 * page, MM_PROT_READ, -1, 0, false), 0);
  char *bytes = static_cast<char *>(memory);
  EXPECT_EQ(bytes[0], 0);
  void *second = bytes + page;
  ASSERT_EQ(mm_os.map(&second, page, MM_PROT_READ, fd, 0, true), 0);
  EXPECT_EQ(second, bytes + page);
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[page], 'x');
  ASSERT_EQ(mm_os.move_map(second, page, memory), 0);
  EXPECT_EQ(bytes[0], 'x');
  EXPECT_EQ(mm_os.unmap(memory, page), 0);
}

// The system refuses to read into, or write from, what the process may not touch.
TEST_F(Sys, ProtectsMemory) {
  int fd = make("a", "abc");
  void *memory = nullptr;
  size_t page = mm_os.page_size();
  ASSERT_EQ(mm_os.map(&memory, page, MM_PROT_READ, -1, 0, false), 0);
  EXPECT_EQ(mm_os.read(fd, memory, 3, 0), -EFAULT);
  EXPECT_EQ(mm_os.write(fd, memory, 1, 0), 1);
  ASSERT_EQ(mm_os.protect(memory, page, MM_PROT_READ | MM_PROT_WRITE), 0);
  EXPECT_EQ(mm_os.read(fd, memory, 3, 0), 3);
  ASSERT_EQ(mm_os.protect(memory, page, MM_PROT_NONE), 0);
  EXPECT_EQ(mm_os.write(fd, memory, 1, 0), -EFAULT);
  EXPECT_EQ(mm_os.unmap(memory, page), 0);
}

TEST_F(Sys, KnowsEveryAdviceItNames) {
  int fd = make("a", std::string(4096, 'x'));
  void *memory = nullptr;
  ASSERT_EQ(mm_os.map(&memory, 4096, MM_PROT_READ, fd, 0, false), 0);
  for (int advice : {MM_ADVICE_NORMAL, MM_ADVICE_RANDOM, MM_ADVICE_SEQUENTIAL, MM_ADVICE_WILLNEED,
                     MM_ADVICE_DONTNEED, MM_ADVICE_DONTFORK, MM_ADVICE_DOFORK, MM_ADVICE_DONTDUMP,
                     MM_ADVICE_DODUMP})
    EXPECT_EQ(mm_os.advise(memory, 4096, advice), 0) << advice;
  for (int advice : {MM_ADVICE_COLD, MM_ADVICE_PAGEOUT, MM_ADVICE_POPULATE_READ, MM_ADVICE_HUGEPAGE,
                     MM_ADVICE_NOHUGEPAGE, MM_ADVICE_MERGEABLE,
                     MM_ADVICE_UNMERGEABLE}) { // newer kernels', or left out of some
    int rc = mm_os.advise(memory, 4096, advice);
    EXPECT_TRUE(rc == 0 || rc == -EINVAL) << advice << ": " << rc;
  }
  EXPECT_EQ(mm_os.advise(memory, 4096, -1), -EINVAL);
  EXPECT_EQ(mm_os.advise(memory, 4096, MM_ADVICE_DODUMP + 1), -EINVAL);
  EXPECT_EQ(mm_os.unmap(memory, 4096), 0);
}

TEST_F(Sys, KnowsTheLimitOfAFilesSize) {
  struct rlimit old;
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &old), 0);
  struct rlimit lower = {1 << 20, old.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &lower), 0);
  EXPECT_EQ(mm_os.file_size_limit(), 1u << 20);
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &old), 0);
  uint64_t expected = old.rlim_cur == RLIM_INFINITY ? UINT64_MAX : old.rlim_cur;
  EXPECT_EQ(mm_os.file_size_limit(), expected);
}

void nothing(int) {}

TEST_F(Sys, SleepsThroughSignals) {
  struct sigaction action = {}, old;
  action.sa_handler = nothing;
  ASSERT_EQ(sigaction(SIGALRM, &action, &old), 0);
  struct itimerval soon = {{0, 0}, {0, 5000}};
  int64_t start = mm_os.clock();
  ASSERT_EQ(setitimer(ITIMER_REAL, &soon, nullptr), 0);
  mm_os.sleep(40000000);
  EXPECT_GE(mm_os.clock() - start, 40000000);
  EXPECT_LT(mm_os.clock() - start, INT64_C(20000000000));
  ASSERT_EQ(sigaction(SIGALRM, &old, nullptr), 0);
  mm_os.sleep(0);
  mm_os.sleep(-1);
}

TEST_F(Sys, FillsMemoryWithRandomBytes) {
  std::vector<unsigned char> one(1001, 7), two(1001, 7);
  mm_os.random(one.data(), 1000);
  mm_os.random(two.data(), 1000);
  EXPECT_NE(one, two);
  EXPECT_GT(std::count_if(one.begin(), one.end() - 1, [](int byte) { return byte != 7; }), 900);
  EXPECT_EQ(one[1000], 7);
}

TEST_F(Sys, ReadsTheEnvironment) {
  ASSERT_EQ(setenv("MM_SYS_TEST", "abc", 1), 0);
  EXPECT_STREQ(mm_os.environment("MM_SYS_TEST"), "abc");
  ASSERT_EQ(unsetenv("MM_SYS_TEST"), 0);
  EXPECT_EQ(mm_os.environment("MM_SYS_TEST"), nullptr);
}

TEST_F(Sys, ClosesOnce) {
  int fd = mm_os.open(-1, directory.c_str(), MM_OPEN_READ, 0);
  EXPECT_EQ(mm_os.close(fd), 0);
  EXPECT_EQ(mm_os.close(fd), -EBADF);
}

size_t largest;

int64_t read_a_little(int fd, void *data, size_t size, uint64_t offset) {
  return mm_sys_default()->read(fd, data, size < 2 ? size : 2, offset);
}

int64_t write_a_little(int fd, const void *data, size_t size, uint64_t offset) {
  return mm_sys_default()->write(fd, data, size < 2 ? size : 2, offset);
}

int64_t write_nothing(int, const void *, size_t, uint64_t) {
  return 0;
}
int64_t write_and_fail(int, const void *, size_t, uint64_t) {
  return -ENOSPC;
}
int64_t read_and_fail(int, void *, size_t, uint64_t) {
  return -EIO;
}

int64_t swallow(int, const void *, size_t size, uint64_t) {
  largest = std::max(largest, size);
  return static_cast<int64_t>(size);
}

TEST_F(Sys, GoesOnAfterShortCounts) {
  int fd = make("a");
  mm_os.write = write_a_little;
  mm_os.read = read_a_little;
  EXPECT_EQ(mm_sys_write_all(fd, "abcdefg", 7, 1), 0);
  char data[8] = "";
  EXPECT_EQ(mm_sys_read_all(fd, data, 7, 1), 0);
  EXPECT_STREQ(data, "abcdefg");
}

TEST_F(Sys, SaysThatAFileEndedEarly) {
  int fd = make("a", "abc");
  char data[4];
  EXPECT_EQ(mm_sys_read_all(fd, data, 4, 0), -ENODATA);
  EXPECT_EQ(mm_sys_read_all(fd, data, 3, 0), 0);
  EXPECT_EQ(mm_sys_read_all(fd, data, 0, 100), 0);
}

TEST_F(Sys, PassesOnWhatFailed) {
  int fd = make("a", "abc");
  char data[3];
  mm_os.read = read_and_fail;
  EXPECT_EQ(mm_sys_read_all(fd, data, 3, 0), -EIO);
  mm_os.write = write_and_fail;
  EXPECT_EQ(mm_sys_write_all(fd, data, 3, 0), -ENOSPC);
  mm_os.write = write_nothing;
  EXPECT_EQ(mm_sys_write_all(fd, data, 3, 0), -EIO);
}

TEST_F(Sys, WritesNoMoreThanAGibibyteAtOnce) {
  mm_os.write = swallow;
  largest = 0;
  EXPECT_EQ(mm_sys_write_all(0, nullptr, (UINT64_C(3) << 30) + 5, 0), 0);
  EXPECT_EQ(largest, size_t{1} << 30);
}

TEST_F(Sys, RestoresItsOwnTable) {
  int fd = make("a", "abc");
  char byte;
  mm_os.read = read_and_fail;
  EXPECT_EQ(mm_os.read(fd, &byte, 1, 0), -EIO);
  mm_os = *mm_sys_default();
  EXPECT_EQ(mm_os.read(fd, &byte, 1, 0), 1);
}

// The file's pages to a multiple of the granule, and zeros; none of it is the file's to be changed.
TEST_F(Sys, MapsMoreThanAFileHas) {
  const size_t shared = MM_MAP_GRANULE, size = 3 * shared;
  int fd = open(at("grown").c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  ASSERT_EQ(ftruncate(fd, static_cast<off_t>(shared + 100)), 0);
  ASSERT_EQ(pwrite(fd, "at the end", 10, static_cast<off_t>(shared - 10)), 10);
  for (size_t part : {shared, static_cast<size_t>(0)}) {
    void *address = nullptr;
    ASSERT_EQ(mm_os.map_grown(&address, size, fd, part), 0);
    auto *bytes = static_cast<unsigned char *>(address);
    EXPECT_EQ(memcmp(bytes + shared - 10, part ? "at the end" : "\0\0\0\0\0\0\0\0\0\0", 10), 0);
    for (size_t i = shared; i < size; i += 1000) EXPECT_EQ(bytes[i], 0) << i;
    for (size_t i = 0; i < size; i += 1000) bytes[i] = 7;
    EXPECT_EQ(mm_os.unmap(address, size), 0);
    char now = 1;
    EXPECT_EQ(pread(fd, &now, 1, 0), 1);
    EXPECT_EQ(now, 0);
  }
  close(fd);
}

TEST_F(Sys, HasNoEntryMissing) {
  void *entries[offsetof(mm_sys, traits) / sizeof(void *)];
  memcpy(entries, mm_sys_default(), sizeof entries);
  for (void *entry : entries) EXPECT_NE(entry, nullptr);
  EXPECT_EQ(memcmp(&mm_os, mm_sys_default(), sizeof mm_os), 0);
}

TEST_F(Sys, AChildKnowsThatItIsOne) {
  unsigned before = mm_sys_generation();
  EXPECT_EQ(mm_sys_generation(), before);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    unsigned mine = mm_sys_generation();
    pid_t grandchild = fork();
    if (grandchild == 0)
      _exit(mm_sys_generation() != mine && mm_sys_generation() != before ? 0 : 1);
    int status = 1;
    (void)waitpid(grandchild, &status, 0);
    _exit(mine != before && status == 0 ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(mm_sys_generation(), before);
}

// From now on that system call fails as under a filter of a container's. For a child only.
bool forbid(uint32_t call) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {sizeof filter / sizeof *filter, filter};
  return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What `check` says where `call` is forbidden: 0 is right, 77 that filters are not to be had.
template <typename Check> int under_a_filter(uint32_t call, Check check) {
  pid_t child = fork();
  if (child == 0) _exit(!forbid(call) ? 77 : check() ? 0 : 1);
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST_F(Sys, TakesAFilteredCallForAMissingOne) {
  make("a");
  int fd = keep(mm_os.open(-1, directory.c_str(), MM_OPEN_PATH | MM_OPEN_DIRECTORY, 0));
  int result = under_a_filter(SYS_openat2, [&] {
    return mm_os.open_beneath(fd, "a", MM_OPEN_READ, 0) == -ENOSYS &&
           mm_os.open_beneath(fd, "b", MM_OPEN_READ, 0) == -ENOSYS;
  });
  if (result == 77) GTEST_SKIP() << "no filters here";
  EXPECT_EQ(result, 0);
}

TEST_F(Sys, MakesFilesInMemoryWithoutTheCallForIt) {
  int result = under_a_filter(SYS_memfd_create, [&] {
    char data[4] = "";
    int fd = mm_os.memory("m");
    return fd >= 0 && mm_sys_write_all(fd, "abc", 3, 0) == 0 &&
           mm_sys_read_all(fd, data, 3, 0) == 0 && strcmp(data, "abc") == 0;
  });
  if (result == 77) GTEST_SKIP() << "no filters here";
  EXPECT_EQ(result, 0);
}

TEST_F(Sys, FindsNumbersWithoutTheCallForThem) {
  int result = under_a_filter(SYS_getrandom, [&] {
    unsigned char one[100] = {}, two[100] = {};
    mm_os.random(one, sizeof one);
    mm_os.random(two, sizeof two);
    return memcmp(one, two, sizeof one) != 0 && std::count(one, one + sizeof one, 0) < 20;
  });
  if (result == 77) GTEST_SKIP() << "no filters here";
  EXPECT_EQ(result, 0);
}

} // namespace
