// From a path to a file: what is let in, what is refused, and that nothing is touched on the way.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

extern "C" {
#include "core/common/mem.h"
#include "core/os/own.h"
#include "core/os/path.h"
}

namespace {

int refuse_to_confine(int, const char *, int, uint32_t) {
  return -ENOSYS;
}

class Path : public ::testing::Test {
protected:
  void SetUp() override {
    const char *base = getenv("TEST_TMPDIR");
    std::string name = std::string(base ? base : "/tmp") + "/path_test.XXXXXX";
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    char *real = realpath(name.c_str(), nullptr);
    directory = real;
    free(real);
    start = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    mm_root_init(&root);
    path.fd = -1;
    path.real = nullptr;
  }
  void TearDown() override {
    mm_path_clear(&path);
    mm_root_clear(&root);
    mm_os = *mm_sys_default();
    EXPECT_EQ(fchdir(start), 0);
    close(start);
    EXPECT_EQ(descriptors(), before);
    (void)!system(("chmod -R u+rwx '" + directory + "'; rm -rf '" + directory + "'").c_str());
  }
  static bool count_one(void *context, const char *, int) { return ++*static_cast<int *>(context); }
  static int descriptors() {
    int count = 0;
    EXPECT_EQ(mm_sys_default()->list(-1, "/proc/self/fd", count_one, &count), 0);
    return count;
  }

  std::string at(const std::string &name) const { return directory + "/" + name; }
  void make(const std::string &name, const std::string &content = "abc") {
    int fd = open(at(name).c_str(), O_RDWR | O_CREAT | O_EXCL, 0644);
    ASSERT_GE(fd, 0) << name;
    ASSERT_EQ(write(fd, content.data(), content.size()), static_cast<ssize_t>(content.size()));
    close(fd);
  }
  void make_directory(const std::string &name) { ASSERT_EQ(mkdir(at(name).c_str(), 0755), 0); }
  void make_link(const std::string &target, const std::string &name) {
    ASSERT_EQ(symlink(target.c_str(), at(name).c_str()), 0);
  }
  bool exists(const std::string &name) const {
    struct stat st;
    return lstat(at(name).c_str(), &st) == 0;
  }

  // Resolve; what was resolved before is let go.
  int resolve(const std::string &text, bool create = false) {
    mm_path_clear(&path);
    int rc = mm_path_resolve(&root, text.c_str(), create, &path, &err);
    EXPECT_EQ(rc == MM_OK, path.fd >= 0);
    EXPECT_EQ(rc == MM_OK, path.real != nullptr);
    EXPECT_TRUE(rc == MM_OK || rc == err.code) << rc;
    if (!create && looks) look(text, rc);
    return rc;
  }
  // Who only looks comes to the same.
  void look(const std::string &text, int resolved) {
    mm_error said;
    mm_stat stat;
    ASSERT_EQ(mm_path_look(&root, text.c_str(), &stat, &said), resolved) << text;
    if (resolved == MM_OK) {
      EXPECT_TRUE(mm_stat_same_file(&stat, &path.stat)) << text;
      EXPECT_EQ(stat.size, path.stat.size) << text;
    } else {
      EXPECT_STREQ(said.text, err.text) << text;
    }
  }
  int set(const std::string &text) { return mm_root_set(&root, text.c_str(), &err); }
  // The name of what was resolved, from the test's directory.
  std::string got() const {
    if (!path.real) return std::string("refused: ") + err.text;
    std::string real = path.real;
    return real.compare(0, directory.size() + 1, directory + "/") == 0
               ? real.substr(directory.size() + 1)
               : real;
  }
  bool says(const std::string &text) const { return strstr(err.text, text.c_str()) != nullptr; }

  bool looks = true; // nothing is put in the place of what the system says
  int before = descriptors();
  std::string directory;
  int start = -1;
  mm_root root;
  mm_path path;
  mm_error err;
};

TEST_F(Path, NamesAFileWithoutOpeningIt) {
  make("a");
  ASSERT_EQ(resolve(at("a")), MM_OK) << err.text;
  EXPECT_EQ(got(), "a");
  EXPECT_EQ(path.stat.size, 3u);
  EXPECT_EQ(path.stat.kind, MM_KIND_FILE);
  EXPECT_TRUE(fcntl(path.fd, F_GETFL) & O_PATH);
  char byte;
  EXPECT_EQ(mm_os.read(path.fd, &byte, 1, 0), -EBADF);
}

TEST_F(Path, DevicesAreOnlyWhatIsAskedForAsOne) {
  make("a");
  mm_error failed;
  for (const char *other : {"a", "/dev/null", "."}) {
    std::string name = other[0] == '/' || other[0] == '.' ? other : at(other);
    EXPECT_EQ(mm_path_resolve_device(&root, name.c_str(), &path, &failed), MM_CANTOPEN);
    EXPECT_EQ(failed.text, "'" + name + "' is not a block device");
    EXPECT_EQ(path.fd, -1);
  }
  mm_os.status = [](int fd, mm_stat *stat) {
    int rc = mm_sys_default()->status(fd, stat);
    stat->kind = MM_KIND_DEVICE;
    return rc;
  };
  looks = false;
  EXPECT_EQ(resolve(at("a")), MM_CANTOPEN);
  EXPECT_TRUE(says("' is not a regular file"));
  EXPECT_EQ(mm_path_resolve_device(&root, at("a").c_str(), &path, &failed), MM_OK);
  mm_os = *mm_sys_default();
  EXPECT_EQ(path.real, at("a"));
  mm_path_clear(&path);
  ASSERT_EQ(set(at("")), MM_OK);
  EXPECT_EQ(mm_path_resolve_device(&root, "/dev/null", &path, &failed), MM_PERM);
}

TEST_F(Path, TakesRelativePathsFromTheWorkingDirectory) {
  make("a");
  make_directory("d");
  ASSERT_EQ(chdir(at("d").c_str()), 0);
  ASSERT_EQ(resolve("../a"), MM_OK) << err.text;
  EXPECT_EQ(got(), "a");
  EXPECT_EQ(resolve("a"), MM_CANTOPEN);
}

TEST_F(Path, ResolvesLinksToTheRealFile) {
  make("a");
  make_link("a", "one");
  make_link("one", "two");
  ASSERT_EQ(resolve(at("two")), MM_OK) << err.text;
  EXPECT_EQ(got(), "a");
}

TEST_F(Path, SaysWhatIsNotThere) {
  EXPECT_EQ(resolve(at("a")), MM_CANTOPEN);
  EXPECT_EQ(std::string(err.text), "cannot open '" + at("a") + "': No such file or directory");
  make("f");
  EXPECT_EQ(resolve(at("f/a")), MM_CANTOPEN);
  EXPECT_TRUE(says("Not a directory")) << err.text;
  EXPECT_EQ(resolve(at("f/")), MM_CANTOPEN);
}

TEST_F(Path, RefusesADanglingLinkAndALoop) {
  make_link("gone", "dangling");
  make_link("loop2", "loop1");
  make_link("loop1", "loop2");
  EXPECT_EQ(resolve(at("dangling")), MM_CANTOPEN);
  EXPECT_TRUE(says("No such file")) << err.text;
  EXPECT_EQ(resolve(at("dangling"), true), MM_CANTOPEN);
  EXPECT_TRUE(says("is a symbolic link that leads nowhere")) << err.text;
  EXPECT_FALSE(exists("gone"));
  EXPECT_EQ(resolve(at("loop1")), MM_CANTOPEN);
  EXPECT_TRUE(says("symbolic links")) << err.text;
}

TEST_F(Path, RefusesAFifoWithoutWaitingForIt) {
  ASSERT_EQ(mkfifo(at("fifo").c_str(), 0600), 0);
  make_link("fifo", "link");
  alarm(20);
  for (const char *name : {"fifo", "link"}) {
    EXPECT_EQ(resolve(at(name)), MM_CANTOPEN);
    EXPECT_TRUE(says("is not a regular file")) << err.text;
    EXPECT_EQ(resolve(at(name), true), MM_CANTOPEN);
  }
  alarm(0);
}

TEST_F(Path, RefusesWhatIsNoRegularFile) {
  make_directory("d");
  EXPECT_EQ(resolve(at("d")), MM_CANTOPEN);
  EXPECT_EQ(std::string(err.text), "'" + at("d") + "' is a directory");
  EXPECT_EQ(resolve(at("d"), true), MM_CANTOPEN);
  EXPECT_EQ(resolve("/"), MM_CANTOPEN);
  EXPECT_EQ(resolve("/dev/null"), MM_CANTOPEN);
  EXPECT_EQ(std::string(err.text), "'/dev/null' is not a regular file");
}

TEST_F(Path, RefusesASocket) {
  ASSERT_EQ(chdir(directory.c_str()), 0);
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  struct sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, "socket");
  ASSERT_EQ(bind(fd, reinterpret_cast<struct sockaddr *>(&address), sizeof address), 0);
  close(fd);
  EXPECT_EQ(resolve("socket"), MM_CANTOPEN);
  EXPECT_TRUE(says("is not a regular file")) << err.text;
}

TEST_F(Path, RefusesAPathThatIsEmptyOrTooLong) {
  make("a");
  EXPECT_EQ(resolve(""), MM_CANTOPEN);
  EXPECT_EQ(resolve(std::string(5000, 'x')), MM_CANTOPEN);
  EXPECT_EQ(resolve(std::string(256, 'x'), true), MM_CANTOPEN);
  EXPECT_TRUE(says("File name too long")) << err.text;
  std::string slashes(MM_PATH_MAX - 1 - at("a").size(), '/');
  EXPECT_EQ(resolve(slashes + at("a")), MM_OK) << err.text;
  EXPECT_EQ(resolve("/" + slashes + at("a")), MM_CANTOPEN);
  EXPECT_TRUE(says("longer than 4095 bytes")) << err.text;
}

TEST_F(Path, CreatesAnEmptyFileOnce) {
  mode_t old = umask(027);
  ASSERT_EQ(resolve(at("a"), true), MM_OK) << err.text;
  umask(old);
  EXPECT_EQ(got(), "a");
  EXPECT_EQ(path.stat.size, 0u);
  EXPECT_EQ(path.stat.mode, 0640u);
  uint64_t inode = path.stat.inode;
  ASSERT_EQ(resolve(at("a"), true), MM_OK) << err.text;
  EXPECT_EQ(path.stat.inode, inode);
}

TEST_F(Path, CreatesNothingOverWhatIsThere) {
  make("a", "kept");
  ASSERT_EQ(resolve(at("a"), true), MM_OK) << err.text;
  EXPECT_EQ(path.stat.size, 4u);
}

TEST_F(Path, CreatesNothingWhereItCannot) {
  EXPECT_EQ(resolve(at("gone/a"), true), MM_CANTOPEN);
  EXPECT_TRUE(says("No such file")) << err.text;
  EXPECT_EQ(resolve(at("new/"), true), MM_CANTOPEN);
  EXPECT_FALSE(exists("new"));
  EXPECT_EQ(resolve(at("new")), MM_CANTOPEN);
  EXPECT_FALSE(exists("new"));
}

TEST_F(Path, CreatesNothingBehindADanglingLink) {
  make_link("target", "link");
  EXPECT_EQ(resolve(at("link"), true), MM_CANTOPEN);
  EXPECT_TRUE(says("leads nowhere")) << err.text;
  EXPECT_FALSE(exists("target"));
}

int opens;

// Somebody else makes the file between the look and the try.
int open_after_another(int at, const char *name, int flags, uint32_t mode) {
  if (flags & MM_OPEN_EXCLUSIVE && opens++ == 0)
    mm_sys_default()->close(mm_sys_default()->open(at, name, flags, 0600));
  return mm_sys_default()->open(at, name, flags, mode);
}

TEST_F(Path, UsesTheFileThatSomebodyElseMadeFirst) {
  for (bool rooted : {false, true}) {
    opens = 0;
    mm_os.open = open_after_another;
    std::string name = rooted ? "b" : "a";
    ASSERT_EQ(rooted ? set(directory) : MM_OK, MM_OK);
    ASSERT_EQ(resolve(at(name), true), MM_OK) << err.text;
    EXPECT_EQ(opens, 1);
    EXPECT_EQ(path.stat.mode, 0600u);
  }
}

// Somebody else makes the file and takes it away, for ever.
int open_that_exists(int at, const char *name, int flags, uint32_t mode) {
  return flags & MM_OPEN_EXCLUSIVE ? -EEXIST : mm_sys_default()->open(at, name, flags, mode);
}

TEST_F(Path, GivesUpOnAFileThatComesAndGoes) {
  mm_os.open = open_that_exists;
  EXPECT_EQ(resolve(at("a"), true), MM_CANTOPEN);
}

TEST_F(Path, SaysThatNothingMayBeReached) {
  make_directory("closed");
  make("closed/a");
  make_directory("readonly");
  ASSERT_EQ(chmod(at("closed").c_str(), 0), 0);
  ASSERT_EQ(chmod(at("readonly").c_str(), 0555), 0);
  ASSERT_EQ(chmod(directory.c_str(), 0755), 0);
  pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    if (geteuid() == 0 && seteuid(65534) != 0) _exit(77);
    struct stat st; // the directory above may be closed to that user
    if (stat(at("readonly").c_str(), &st) != 0) _exit(77);
    bool right = resolve(at("closed/a")) == MM_CANTOPEN && says("Permission denied") &&
                 resolve(at("readonly/a"), true) == MM_CANTOPEN && says("Permission denied");
    _exit(right ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "cannot drop privileges";
  EXPECT_EQ(status, 0);
}

TEST_F(Path, RefusesAFileThatHasNoNameAnyMore) {
  make("a");
  int fd = open(at("a").c_str(), O_RDONLY);
  std::string name = "/proc/self/fd/" + std::to_string(fd);
  EXPECT_EQ(resolve(name), MM_OK) << err.text;
  EXPECT_EQ(got(), "a");
  ASSERT_EQ(unlink(at("a").c_str()), 0);
  EXPECT_EQ(resolve(name), MM_CANTOPEN);
  EXPECT_TRUE(says("no name any more")) << err.text;
  make("a (deleted)");
  EXPECT_EQ(resolve(name), MM_CANTOPEN);
  EXPECT_EQ(resolve(at("a (deleted)")), MM_OK) << err.text;
  EXPECT_EQ(got(), "a (deleted)");
  close(fd);
}

TEST_F(Path, ClearsTwice) {
  make("a");
  ASSERT_EQ(resolve(at("a")), MM_OK);
  mm_path_clear(&path);
  mm_path_clear(&path);
  EXPECT_EQ(path.fd, -1);
  EXPECT_EQ(path.real, nullptr);
}

int allocations_left;

void *allocate_some(uint64_t size) {
  return allocations_left-- > 0 ? malloc(size) : nullptr;
}
void *reallocate_some(void *memory, uint64_t size) {
  return allocations_left-- > 0 ? realloc(memory, size) : nullptr;
}

// A root, as the system confines it and as the walk does.
class Rooted : public Path, public ::testing::WithParamInterface<bool> {
protected:
  void SetUp() override {
    Path::SetUp();
    if (GetParam()) mm_os.open_beneath = refuse_to_confine;
    make_directory("root");
    make_directory("root/sub");
    make("root/a");
    make("root/sub/b");
    make("secret");
    make_directory("rooted");
    make("rooted/c");
    ASSERT_EQ(set(at("root")), MM_OK) << err.text;
    EXPECT_EQ(std::string(root.path), at("root"));
  }
  // Both what is there and what is not are refused in the same words.
  void expect_hidden(const std::string &there, const std::string &not_there) {
    EXPECT_EQ(resolve(there), MM_PERM) << there;
    EXPECT_EQ(std::string(err.text), "'" + there + "' is outside the root '" + root.path + "'");
    EXPECT_EQ(resolve(not_there), MM_PERM) << not_there;
    EXPECT_EQ(std::string(err.text), "'" + not_there + "' is outside the root '" + root.path + "'");
    EXPECT_EQ(resolve(not_there, true), MM_PERM) << not_there;
  }
};

INSTANTIATE_TEST_SUITE_P(By, Rooted, ::testing::Bool(),
                         [](const ::testing::TestParamInfo<bool> &info) {
                           return info.param ? "TheWalk" : "TheSystem";
                         });

TEST_P(Rooted, OpensWhatIsBelow) {
  for (std::string name : {"a", "sub/b", "sub/../a", "./sub//b", "sub/../sub/./b", "sub/./../a"}) {
    EXPECT_EQ(resolve(at("root/" + name)), MM_OK) << name << ": " << err.text;
    EXPECT_EQ(got(), name.back() == 'a' ? "root/a" : "root/sub/b");
  }
  EXPECT_EQ(resolve(directory + "//./root/.//a"), MM_OK) << err.text;
}

TEST_P(Rooted, SaysWhatIsNotThereBelow) {
  EXPECT_EQ(resolve(at("root/x")), MM_CANTOPEN);
  EXPECT_EQ(std::string(err.text), "cannot open '" + at("root/x") + "': No such file or directory");
  EXPECT_EQ(resolve(at("root/x/../a")), MM_CANTOPEN);
  EXPECT_EQ(resolve(at("root/a/")), MM_CANTOPEN);
  EXPECT_EQ(resolve(at("root/a/.")), MM_CANTOPEN);
  EXPECT_EQ(resolve(at("root/a/../a")), MM_CANTOPEN);
  EXPECT_TRUE(says("Not a directory")) << err.text;
  EXPECT_EQ(resolve(at("root/" + std::string(300, 'x'))), MM_CANTOPEN);
  EXPECT_TRUE(says("File name too long")) << err.text;
}

TEST_P(Rooted, RefusesWhatIsNoRegularFileBelow) {
  for (const char *name : {"root", "root/", "root/.", "root/sub", "root/sub/..", "root/sub/."}) {
    EXPECT_EQ(resolve(at(name)), MM_CANTOPEN) << name;
    EXPECT_TRUE(says("is a directory")) << err.text;
  }
  ASSERT_EQ(mkfifo(at("root/fifo").c_str(), 0600), 0);
  alarm(20);
  EXPECT_EQ(resolve(at("root/fifo")), MM_CANTOPEN);
  alarm(0);
  EXPECT_TRUE(says("is not a regular file")) << err.text;
}

TEST_P(Rooted, RefusesAbsolutePathsOutsideUnseen) {
  expect_hidden(at("secret"), at("nothing"));
  expect_hidden(at("rooted/c"), at("rooted/d"));
  expect_hidden("/etc/passwd", "/etc/nothing of the kind");
  expect_hidden("/", "/nothing of the kind/");
}

TEST_P(Rooted, RefusesDotsThatLeaveUnseen) {
  expect_hidden(at("root/../secret"), at("root/../nothing"));
  expect_hidden(at("root/sub/../../secret"), at("root/sub/../../nothing"));
  expect_hidden(at("root/.."), at("root/../.."));
  expect_hidden(at("root/../root/a"), at("root/../root/x"));
  expect_hidden(at("rooted/../root/a"), at("nothing/../root/a"));
  ASSERT_EQ(chdir(at("root/sub").c_str()), 0);
  expect_hidden("../../secret", "../../nothing");
}

TEST_P(Rooted, RefusesLinksThatLeaveUnseen) {
  make_link("../secret", "root/relative");
  make_link("../nothing", "root/relative_not");
  expect_hidden(at("root/relative"), at("root/relative_not"));
  make_link(at("secret"), "root/absolute");
  make_link(at("nothing"), "root/absolute_not");
  expect_hidden(at("root/absolute"), at("root/absolute_not"));
  make_link("..", "root/sub/up");
  make_link("../..", "root/sub/out");
  expect_hidden(at("root/sub/out/secret"), at("root/sub/out/nothing"));
  EXPECT_EQ(resolve(at("root/sub/up/a")), MM_OK) << err.text;
  EXPECT_FALSE(exists("nothing"));
}

TEST_P(Rooted, FollowsLinksThatStay) {
  make_link("../a", "root/sub/relative");
  make_link(at("root/sub/b"), "root/absolute");
  make_link(at("root/sub"), "root/directory");
  make_link(at("root"), "root/sub/top");
  make_link("absolute", "root/twice");
  for (const char *name : {"sub/relative", "directory/../a", "sub/top/a", "sub/top/sub/../a"}) {
    EXPECT_EQ(resolve(at("root/") + name), MM_OK) << name << ": " << err.text;
    EXPECT_EQ(got(), "root/a") << name;
  }
  for (const char *name : {"absolute", "directory/b", "twice", "directory//b"}) {
    EXPECT_EQ(resolve(at("root/") + name), MM_OK) << name << ": " << err.text;
    EXPECT_EQ(got(), "root/sub/b") << name;
  }
  EXPECT_EQ(resolve(at("root/absolute/")), MM_CANTOPEN);
  EXPECT_EQ(resolve(at("root/directory")), MM_CANTOPEN);
}

TEST_P(Rooted, RefusesLoops) {
  make_link("loop", "root/loop");
  make_link(at("root/one"), "root/two");
  make_link(at("root/two"), "root/one");
  make_link("grow/grow", "root/grow");
  for (const char *name : {"root/loop", "root/one", "root/grow"}) {
    EXPECT_EQ(resolve(at(name)), MM_CANTOPEN) << name;
    EXPECT_TRUE(says("symbolic links")) << err.text;
  }
}

TEST_P(Rooted, TakesRelativePathsFromAWorkingDirectoryBelow) {
  ASSERT_EQ(chdir(at("root").c_str()), 0);
  EXPECT_EQ(resolve("a"), MM_OK) << err.text;
  ASSERT_EQ(chdir(at("root/sub").c_str()), 0);
  EXPECT_EQ(resolve("../a"), MM_OK) << err.text;
  EXPECT_EQ(got(), "root/a");
  EXPECT_EQ(resolve("b"), MM_OK) << err.text;
  EXPECT_EQ(resolve("a"), MM_CANTOPEN);
}

TEST_P(Rooted, TakesRelativePathsFromElsewhereThatLeadIntoIt) {
  ASSERT_EQ(chdir(directory.c_str()), 0);
  EXPECT_EQ(resolve("root/a"), MM_OK) << err.text;
  EXPECT_EQ(resolve("./root//sub/../a"), MM_OK) << err.text;
  EXPECT_EQ(got(), "root/a");
  ASSERT_EQ(mkdir("elsewhere", 0755), 0);
  ASSERT_EQ(chdir("elsewhere"), 0);
  EXPECT_EQ(resolve("../root/a"), MM_OK) << err.text;
  EXPECT_EQ(resolve("./../elsewhere/../root/a"), MM_PERM); // leaves what it came into
}

TEST_P(Rooted, RefusesRelativePathsFromElsewhereUnseen) {
  ASSERT_EQ(chdir(directory.c_str()), 0);
  expect_hidden("secret", "nothing");
  expect_hidden("root/../secret", "root/../nothing");
  expect_hidden("rooted", "rooted/nothing");
}

TEST_P(Rooted, CreatesBelowOnly) {
  ASSERT_EQ(chdir(at("root/sub").c_str()), 0);
  make_link(at("root/sub"), "root/inside");
  make_link("../rooted", "root/outside");
  make_link("../../made", "root/sub/dangling");
  make_link("made", "root/sub/within");
  EXPECT_EQ(resolve("new1", true), MM_OK) << err.text;
  EXPECT_EQ(resolve("../new2", true), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("root/inside/new3"), true), MM_OK) << err.text;
  for (const char *name : {"root/sub/new1", "root/new2", "root/sub/new3"})
    EXPECT_TRUE(exists(name));
  EXPECT_EQ(resolve("../../new", true), MM_PERM);
  EXPECT_EQ(resolve(at("root/outside/new"), true), MM_PERM);
  EXPECT_EQ(resolve(at("new"), true), MM_PERM);
  EXPECT_EQ(resolve("dangling", true), MM_PERM);
  EXPECT_EQ(resolve("within", true), MM_CANTOPEN);
  EXPECT_EQ(resolve("gone/new", true), MM_CANTOPEN);
  EXPECT_EQ(resolve("new/", true), MM_CANTOPEN);
  for (const char *name : {"new", "made", "rooted/new", "root/sub/made", "root/sub/new"})
    EXPECT_FALSE(exists(name)) << name;
}

TEST_P(Rooted, StaysWithTheDirectoryThatWasRenamed) {
  ASSERT_EQ(chdir(at("root/sub").c_str()), 0);
  ASSERT_EQ(rename(at("root").c_str(), at("moved").c_str()), 0);
  make_directory("root");
  make("root/a", "another");
  EXPECT_EQ(resolve("../a"), MM_OK) << err.text;
  EXPECT_EQ(got(), "moved/a");
  EXPECT_EQ(resolve(at("moved/a")), MM_OK) << err.text;
  EXPECT_EQ(path.stat.size, 3u);
  EXPECT_EQ(resolve(at("root/a")), MM_PERM);
}

TEST_P(Rooted, RefusesADirectoryThatWasMovedOut) {
  ASSERT_EQ(chdir(at("root/sub").c_str()), 0);
  ASSERT_EQ(resolve("b"), MM_OK) << err.text;
  ASSERT_EQ(rename(at("root/sub").c_str(), at("sub").c_str()), 0);
  expect_hidden("b", "x");
  EXPECT_EQ(resolve(at("root/sub/b")), MM_CANTOPEN);
}

TEST_P(Rooted, AcceptsTheNameItWasSetByWhileThatLeadsThere) {
  make_link("root", "link");
  mm_root_clear(&root);
  ASSERT_EQ(set(at("link")), MM_OK) << err.text;
  EXPECT_EQ(std::string(root.path), at("root"));
  EXPECT_EQ(resolve(at("link/sub/b")), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("root/a")), MM_OK) << err.text;
  ASSERT_EQ(unlink(at("link").c_str()), 0);
  make_link("rooted", "link");
  EXPECT_EQ(resolve(at("link/a")), MM_PERM);
  EXPECT_EQ(resolve(at("link/c")), MM_PERM);
  EXPECT_EQ(resolve(at("root/a")), MM_OK) << err.text;
  mm_root_clear(&root);
  ASSERT_EQ(set(at("rooted/../root")), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("rooted/../root/a")), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("rooted/../secret")), MM_PERM);
}

TEST_P(Rooted, NarrowsAndNeverWidens) {
  EXPECT_EQ(set(at("root")), MM_OK) << err.text;
  EXPECT_EQ(set(at("root/sub/..")), MM_OK) << err.text;
  EXPECT_EQ(set(directory), MM_PERM);
  EXPECT_EQ(set("/"), MM_PERM);
  EXPECT_EQ(set(at("rooted")), MM_PERM);
  EXPECT_EQ(set(at("nothing")), MM_PERM);
  EXPECT_EQ(set(at("root/..")), MM_PERM);
  EXPECT_EQ(set(at("root/a")), MM_CANTOPEN);
  EXPECT_TRUE(says("Not a directory")) << err.text;
  EXPECT_EQ(set(at("root/x")), MM_CANTOPEN);
  EXPECT_EQ(set(""), MM_CANTOPEN);
  EXPECT_EQ(std::string(root.path), at("root"));
  EXPECT_EQ(resolve(at("root/a")), MM_OK) << err.text;
  ASSERT_EQ(chdir(at("root").c_str()), 0);
  EXPECT_EQ(set("sub"), MM_OK) << err.text;
  EXPECT_EQ(std::string(root.path), at("root/sub"));
  EXPECT_EQ(resolve(at("root/sub/b")), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("root/a")), MM_PERM);
  EXPECT_EQ(resolve("sub/b"), MM_OK) << err.text;
  EXPECT_EQ(resolve("a"), MM_PERM);
  EXPECT_EQ(set(at("root")), MM_PERM);
}

TEST_P(Rooted, DoesNotNarrowThroughALinkThatLeaves) {
  make_link("../rooted", "root/out");
  make_link("sub", "root/in");
  EXPECT_EQ(set(at("root/out")), MM_PERM);
  EXPECT_EQ(set(at("root/in")), MM_OK) << err.text;
  EXPECT_EQ(std::string(root.path), at("root/sub"));
}

TEST_P(Rooted, TakesAllOfTheSystemAsARoot) {
  mm_root_clear(&root);
  ASSERT_EQ(set("/"), MM_OK) << err.text;
  EXPECT_EQ(std::string(root.path), "/");
  EXPECT_EQ(resolve(at("secret")), MM_OK) << err.text;
  EXPECT_EQ(resolve("/.." + at("secret")), MM_PERM);
  ASSERT_EQ(chdir(at("root").c_str()), 0);
  EXPECT_EQ(resolve("../secret"), MM_OK) << err.text;
}

TEST_P(Rooted, HasNoRootOnceCleared) {
  EXPECT_EQ(resolve(at("secret")), MM_PERM);
  mm_root_clear(&root);
  mm_root_clear(&root);
  EXPECT_EQ(root.path, nullptr);
  EXPECT_EQ(resolve(at("secret")), MM_OK) << err.text;
}

TEST_P(Rooted, HoldsAPathOfFullLength) {
  std::string name(200, 'd'), deep = "root";
  ASSERT_EQ(chdir(at("root").c_str()), 0);
  for (int i = 0; i < 15; i++) {
    ASSERT_EQ(mkdir(name.c_str(), 0755), 0);
    ASSERT_EQ(chdir(name.c_str()), 0);
    deep += "/" + name;
  }
  ASSERT_EQ(symlink("f", "link"), 0);
  EXPECT_EQ(resolve("f", true), MM_OK) << err.text;
  EXPECT_EQ(got(), deep + "/f");
  std::string dots; // with the place, longer than one path may be
  while (dots.size() < 2000) dots += "../" + name + "/";
  EXPECT_EQ(resolve(dots + "f"), MM_OK) << err.text;
  EXPECT_EQ(resolve(dots + "link"), MM_OK) << err.text;
  EXPECT_EQ(got(), deep + "/f");
}

TEST_P(Rooted, SaysSoWhenMemoryRunsOut) {
  mm_root_clear(&root);
  make_link(at("root/sub"), "root/link");
  mm_allocator some = {allocate_some, reallocate_some, free};
  mm_mem_use(&some);
  int failures = 0;
  for (int n = 0;; n++) {
    allocations_left = n;
    int rc = set(at("root"));
    if (rc == MM_OK) rc = resolve(at("root/link/new"), true);
    if (rc == MM_OK) break;
    failures++;
    EXPECT_EQ(rc, MM_NOMEM) << err.text;
    mm_root_clear(&root);
    ASSERT_LT(n, 100);
  }
  EXPECT_GE(failures, 4);
  mm_path_clear(&path);
  mm_root_clear(&root);
  mm_mem_use(nullptr);
}

// What a thief does while a path is being resolved: swap a directory for a link that leads out.
std::string swapped, swap_target;

int open_after_a_swap(int at, const char *name, int flags, uint32_t mode) {
  if (strcmp(name, "sub") == 0) {
    (void)!rename(swapped.c_str(), (swapped + ".old").c_str());
    (void)!symlink(swap_target.c_str(), swapped.c_str());
  }
  return mm_sys_default()->open(at, name, flags, mode);
}

TEST_P(Rooted, IsNotFooledByASwapMidway) {
  make("rooted/b", "not this");
  swapped = at("root/sub");
  swap_target = at("rooted");
  mm_os.open_beneath = refuse_to_confine;
  mm_os.open = open_after_a_swap;
  EXPECT_EQ(resolve(at("root/sub/b")), MM_PERM);
  EXPECT_TRUE(exists("root/sub.old"));
}

// The same between the look for a file and its making.
int open_then_swap(int at, const char *name, int flags, uint32_t mode) {
  int fd = mm_sys_default()->open(at, name, flags, mode);
  if (fd == -ENOENT && !(flags & MM_OPEN_CREATE)) {
    (void)!rename(swapped.c_str(), (swapped + ".old").c_str());
    (void)!symlink(swap_target.c_str(), swapped.c_str());
  }
  return fd;
}

int open_beneath_then_swap(int at, const char *name, int flags, uint32_t mode) {
  int fd = mm_sys_default()->open_beneath(at, name, flags, mode);
  if (fd == -ENOENT) {
    (void)!rename(swapped.c_str(), (swapped + ".old").c_str());
    (void)!symlink(swap_target.c_str(), swapped.c_str());
  }
  return fd;
}

TEST_P(Rooted, MakesNothingOutsideAfterASwap) {
  swapped = at("root/sub");
  swap_target = at("rooted");
  mm_os.open = open_then_swap;
  if (!GetParam()) mm_os.open_beneath = open_beneath_then_swap;
  EXPECT_EQ(resolve(at("root/sub/new"), true), MM_PERM);
  EXPECT_TRUE(exists("root/sub.old"));
  EXPECT_FALSE(exists("rooted/new"));
}

TEST_P(Rooted, RefusesLinksThatTogetherAreTooLong) {
  std::string dots;
  while (dots.size() < 3800) dots += "./";
  make_link("./" + dots + "a", "root/last");
  make_link("./" + dots + "sub", "root/one");
  make_link("one/" + dots, "root/two");
  mm_os.open_beneath = refuse_to_confine;
  EXPECT_EQ(resolve(at("root/last")), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("root/two/" + dots.substr(0, 200) + "b")), MM_OK) << err.text;
  EXPECT_EQ(resolve(at("root/two/" + dots + "b")), MM_CANTOPEN);
  EXPECT_TRUE(says("File name too long")) << err.text;
}

// A file that is moved out between the look and the answer.
std::string moved_from, moved_to;

int status_after_a_move(int fd, mm_stat *stat) {
  (void)!rename(moved_from.c_str(), moved_to.c_str());
  return mm_sys_default()->status(fd, stat);
}

TEST_P(Rooted, RefusesAFileMovedOutMidway) {
  moved_from = at("root/a");
  moved_to = at("rooted/a");
  mm_os.status = status_after_a_move;
  looks = false;
  EXPECT_EQ(resolve(at("root/a")), MM_PERM);
}

const std::string header("SQLite format 3\0and the rest of a page", 38);

class HostDatabase : public Path {
protected:
  bool is_host(std::vector<int> ours = {}) {
    for (int fd : ours) mm_own_add(fd);
    bool is = mm_path_is_host_database(&path);
    for (int fd : ours) mm_own_remove(fd);
    return is;
  }
  // Is it one while the process has the file open that way?
  bool is_host_while(const std::string &name, int flags) {
    int fd = open(at(name).c_str(), flags | O_CLOEXEC);
    EXPECT_GE(fd, 0);
    EXPECT_EQ(resolve(at(name)), MM_OK) << err.text;
    bool is = is_host();
    close(fd);
    return is;
  }
};

TEST_F(HostDatabase, IsOneOnlyWhileItIsOpenElsewhere) {
  make("db", header);
  ASSERT_EQ(resolve(at("db")), MM_OK);
  EXPECT_FALSE(is_host());
  EXPECT_TRUE(is_host_while("db", O_RDWR));
  EXPECT_TRUE(is_host_while("db", O_RDONLY));
  ASSERT_EQ(resolve(at("db")), MM_OK);
  EXPECT_FALSE(is_host());
}

TEST_F(HostDatabase, IsOneUnderEveryNameOfIt) {
  make("db", header);
  ASSERT_EQ(link(at("db").c_str(), at("other").c_str()), 0);
  int fd = open(at("db").c_str(), O_RDWR);
  ASSERT_EQ(resolve(at("other")), MM_OK);
  EXPECT_TRUE(is_host());
  close(fd);
}

TEST_F(HostDatabase, IsNoneWhereTheDescriptorIsOurs) {
  make("db", header);
  int one = open(at("db").c_str(), O_RDWR), two = open(at("db").c_str(), O_RDWR);
  ASSERT_EQ(resolve(at("db")), MM_OK);
  EXPECT_FALSE(is_host({one, two}));
  EXPECT_TRUE(is_host({one}));
  EXPECT_TRUE(is_host({two}));
  close(one);
  close(two);
}

TEST_F(HostDatabase, IsOneByItsHeader) {
  make("text", "SQLite format 3 is the header of a database");
  make("short", header.substr(0, 15));
  make("exact", header.substr(0, 16));
  EXPECT_FALSE(is_host_while("text", O_RDWR));
  EXPECT_FALSE(is_host_while("short", O_RDWR));
  EXPECT_TRUE(is_host_while("exact", O_RDWR));
}

// A database is empty until its first transaction has ended; so is many a file that is none.
TEST_F(HostDatabase, IsOneWhileItIsEmptyAndLocked) {
  make("empty", "");
  ASSERT_EQ(resolve(at("empty")), MM_OK);
  EXPECT_FALSE(is_host());
  EXPECT_FALSE(is_host_while("empty", O_RDWR));
  int fd = open(at("empty").c_str(), O_RDWR);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_start = 0x40000001;
  lock.l_len = 1;
  ASSERT_EQ(fcntl(fd, F_SETLK, &lock), 0);
  EXPECT_TRUE(is_host());
  close(fd);
}

TEST_F(HostDatabase, IsSharedMemoryToo) {
  make("db-shm", "something else");
  make("db-shm2", "something else");
  EXPECT_TRUE(is_host_while("db-shm", O_RDWR));
  EXPECT_FALSE(is_host_while("db-shm2", O_RDWR));
}

// A hard link to it has another name.
TEST_F(HostDatabase, IsSharedMemoryUnderAnyName) {
  uint32_t version = 3007000;
  std::string begin(reinterpret_cast<const char *>(&version), sizeof version);
  make("linked", begin + std::string(100, '\0'));
  make("four", begin);
  make("three", begin.substr(0, 3));
  EXPECT_TRUE(is_host_while("linked", O_RDWR));
  EXPECT_TRUE(is_host_while("four", O_RDWR));
  EXPECT_FALSE(is_host_while("three", O_RDWR));
}

TEST_F(HostDatabase, IsNoneThroughADescriptorThatOnlyNames) {
  make("db", header);
  make("empty", "");
  EXPECT_FALSE(is_host_while("db", O_PATH));
  EXPECT_FALSE(is_host_while("empty", O_PATH));
}

TEST_F(HostDatabase, IsFoundBehindOneThatCannotBeRead) {
  make("db", header);
  int writer = open(at("db").c_str(), O_WRONLY), reader = open(at("db").c_str(), O_RDONLY);
  ASSERT_EQ(resolve(at("db")), MM_OK);
  EXPECT_TRUE(is_host());
  close(reader);
  EXPECT_FALSE(is_host());
  close(writer);
}

// What all of this is for: closing any descriptor of the file would drop the lock.
TEST_F(HostDatabase, KeepsItsLocksWhileWeAsk) {
  make("db", header);
  int fd = open(at("db").c_str(), O_RDWR);
  struct flock lock = {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  ASSERT_EQ(fcntl(fd, F_SETLK, &lock), 0);
  ASSERT_EQ(resolve(at("db"), true), MM_OK);
  EXPECT_TRUE(is_host());
  mm_path_clear(&path);
  pid_t child = fork();
  if (child == 0) {
    struct flock asked = lock;
    _exit(fcntl(fd, F_GETLK, &asked) == 0 && asked.l_type == F_WRLCK ? 0 : 1);
  }
  int status = 1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  close(fd);
}

int list_nothing(int, const char *, mm_sys_entry *, void *) {
  return -ENOENT;
}
int64_t read_and_fail(int, void *, size_t, uint64_t) {
  return -EIO;
}
int status_and_fail(int, mm_stat *) {
  return -EIO;
}
int closed_meanwhile(int, mm_stat *) {
  return -EBADF;
}
int name_and_fail(int, char *, size_t) {
  return -EIO;
}

TEST_F(HostDatabase, IsAssumedWhereNobodyCanTell) {
  make("a", "neither");
  EXPECT_FALSE(is_host_while("a", O_RDWR));
  mm_os.read = read_and_fail;
  EXPECT_TRUE(is_host_while("a", O_RDWR));
  mm_os = *mm_sys_default();
  mm_os.list = list_nothing;
  EXPECT_TRUE(is_host_while("a", O_RDWR));
}

// What is assumed is not said to be known.
TEST_F(HostDatabase, IsInDoubtWhereADescriptorTellsNothing) {
  make("db", header);
  int fd = open(at("db").c_str(), O_RDWR);
  ASSERT_EQ(resolve(at("db")), MM_OK);
  EXPECT_EQ(mm_path_is_host_database(&path), 1);
  mm_os.read = read_and_fail;
  EXPECT_EQ(mm_path_is_host_database(&path), -EIO);
  mm_os.status = status_and_fail;
  mm_os.path_of = name_and_fail;
  EXPECT_EQ(mm_path_is_host_database(&path), -EIO);
  mm_os = *mm_sys_default();
  close(fd);
}

// As of a descriptor whose file system is gone.
TEST_F(HostDatabase, IsFoundByItsNameWhereADescriptorTellsNothingElse) {
  make("db", header);
  make("other", header);
  for (const char *name : {"db", "other"}) {
    int fd = open(at(name).c_str(), O_RDWR);
    ASSERT_EQ(resolve(at("db")), MM_OK);
    mm_os.status = status_and_fail;
    EXPECT_EQ(is_host(), std::string(name) == "db") << name;
    mm_os.path_of = name_and_fail;
    EXPECT_TRUE(is_host()) << name;
    mm_os.status = closed_meanwhile;
    EXPECT_FALSE(is_host()) << name;
    mm_os = *mm_sys_default();
    close(fd);
  }
}

} // namespace
