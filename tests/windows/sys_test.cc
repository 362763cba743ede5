// The table of system calls on Windows, where it is not as on POSIX systems.
#include <windows.h>

#include <aclapi.h>

#include <gtest/gtest.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "core/os/lock.h"
#include "core/os/path.h"
#include "core/os/sys.h"
}

namespace {

namespace fs = std::filesystem;

class Sys : public testing::Test {
protected:
  void SetUp() override {
    auto name = "mms" + std::to_string(GetCurrentProcessId());
    directory = (fs::temp_directory_path() / name).string();
    fs::remove_all(directory);
    fs::create_directory(directory);
  }
  void TearDown() override {
    for (int fd : open_) mm_os.close(fd);
    fs::remove_all(directory);
  }
  std::string At(const std::string &name) const { return directory + "\\" + name; }
  void Put(const std::string &name, const std::string &bytes) {
    std::ofstream(At(name), std::ios::binary) << bytes;
  }
  int Open(const std::string &name, int flags = MM_OPEN_READ) {
    int fd = mm_os.open(-1, At(name).c_str(), flags, 0600);
    if (fd >= 0) open_.insert(fd);
    return fd;
  }
  void Close(int fd) {
    open_.erase(fd);
    EXPECT_EQ(mm_os.close(fd), 0);
  }
  mm_stat Status(int fd) {
    mm_stat stat;
    EXPECT_EQ(mm_os.status(fd, &stat), 0);
    return stat;
  }
  std::string directory;

private:
  std::set<int> open_;
};

constexpr int kBoth = MM_OPEN_READ | MM_OPEN_WRITE;

TEST_F(Sys, NamesAFileWithoutReadingIt) {
  Put("a", "abc");
  int fd = Open("a", MM_OPEN_PATH);
  char bytes[3];
  ASSERT_GE(fd, 0);
  EXPECT_LT(mm_os.read(fd, bytes, 3, 0), 0);
  int reads = mm_os.reopen(fd, MM_OPEN_READ);
  EXPECT_EQ(mm_os.read(reads, bytes, 3, 0), 3);
  EXPECT_LT(mm_os.write(reads, bytes, 3, 0), 0);
  mm_stat one = Status(fd), two = Status(reads);
  EXPECT_TRUE(mm_stat_same_file(&one, &two));
  EXPECT_EQ(one.size, 3u);
  EXPECT_EQ(one.links, 1u);
  EXPECT_EQ(one.kind, MM_KIND_FILE);
  EXPECT_EQ(mm_os.read(reads, bytes, 3, 3), 0) << "the end is no error";
  mm_os.close(reads);
}

TEST_F(Sys, KnowsAFileByWhateverName) {
  Put("File.bin", "abc");
  char path[MM_PATH_MAX], other[MM_PATH_MAX];
  int fd = Open("File.bin"), same = Open("FILE.BIN");
  mm_stat one = Status(fd), two = Status(same);
  EXPECT_TRUE(mm_stat_same_file(&one, &two));
  ASSERT_EQ(mm_os.path_of(fd, path, sizeof path), 0);
  ASSERT_EQ(mm_os.path_of(same, other, sizeof other), 0);
  EXPECT_STREQ(path, other);
  EXPECT_EQ(strchr(path, '\\'), nullptr) << path;
  EXPECT_GT(mm_path_top(path), 0u) << path;
  EXPECT_EQ(std::string(path).substr(strlen(path) - 9), "/File.bin");
}

TEST_F(Sys, RefusesWhatIsNoFilesName) {
  for (const char *path : {"NUL", "C:\\nul.txt", "\\\\.\\pipe\\x", "com1", "\\\\?\\GLOBALROOT\\x"})
    EXPECT_EQ(mm_os.open(-1, path, MM_OPEN_PATH, 0), -ENODEV) << path;
  Put("a", "abc");
  for (const char *name : {"a.", "a ", "a:s", "a::$DATA", "a?"})
    EXPECT_EQ(Open(name), -EINVAL) << name;
}

TEST_F(Sys, OpensAndMakesAsItIsTold) {
  EXPECT_EQ(Open("none"), -ENOENT);
  EXPECT_EQ(Open("none\\deeper"), -ENOENT);
  int fd = Open("new", kBoth | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE);
  ASSERT_GE(fd, 0);
  EXPECT_EQ(Open("new", kBoth | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE), -EEXIST);
  EXPECT_GE(Open("new", kBoth | MM_OPEN_CREATE), 0);
  EXPECT_EQ(Open("new", MM_OPEN_READ | MM_OPEN_DIRECTORY), -ENOTDIR);
  EXPECT_EQ(Open("", kBoth), -EISDIR);
  EXPECT_EQ(Open("new", MM_OPEN_CREATE), -EINVAL);
  int place = Open("", MM_OPEN_PATH | MM_OPEN_DIRECTORY);
  ASSERT_GE(place, 0);
  int inside = mm_os.open(place, "new", MM_OPEN_READ | MM_OPEN_NOFOLLOW, 0);
  EXPECT_GE(inside, 0);
  mm_os.close(inside);
  EXPECT_EQ(mm_os.open(place, "none", MM_OPEN_PATH, 0), -ENOENT);
  EXPECT_EQ(mm_os.open(place, "..\\x", MM_OPEN_PATH, 0), -EINVAL);
  int itself = mm_os.open(place, ".", MM_OPEN_PATH | MM_OPEN_DIRECTORY, 0);
  EXPECT_EQ(Status(itself).inode, Status(place).inode);
  mm_os.close(itself);
}

bool IsWine() {
  return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != nullptr;
}

TEST_F(Sys, GoesWhereNamesAreLong) {
  std::vector<std::wstring> places;
  std::string path = directory;
  for (int i = 0; i < 8; i++) {
    path += "\\" + std::string(50, 'x');
    places.push_back(fs::path("\\\\?\\" + path).wstring());
    CreateDirectoryW(places.back().c_str(), nullptr);
  }
  path += "\\f";
  int fd = mm_os.open(-1, path.c_str(), kBoth | MM_OPEN_CREATE, 0600);
  EXPECT_GE(fd, 0) << path.size();
  char found[MM_PATH_MAX];
  int rc = mm_os.path_of(fd, found, sizeof found);
  if (IsWine()) {
    EXPECT_EQ(rc, -ENAMETOOLONG) << "it does not tell";
  } else {
    EXPECT_TRUE(rc == 0 && strlen(found) > 400) << rc;
  }
  mm_os.close(fd);
  EXPECT_EQ(mm_os.remove(path.c_str()), 0);
  for (auto place = places.rbegin(); place != places.rend(); ++place)
    EXPECT_TRUE(RemoveDirectoryW(place->c_str()));
}

TEST_F(Sys, IsNotCutWhileItIsMapped) {
  Put("a", std::string(200000, 'x'));
  int fd = Open("a", kBoth);
  void *address = nullptr;
  ASSERT_EQ(mm_os.map(&address, 200000, MM_PROT_READ, fd, 0, false), 0);
  EXPECT_EQ(mm_os.resize(fd, 100), -EBUSY);
  EXPECT_EQ(Status(fd).size, 200000u);
  EXPECT_EQ(mm_os.resize(fd, 200000), 0);
  EXPECT_EQ(mm_os.resize(fd, 300000), 0) << "it may grow";
  EXPECT_EQ(mm_os.unmap(address, 200000), 0);
  EXPECT_EQ(mm_os.resize(fd, 100), 0);
  EXPECT_EQ(Status(fd).size, 100u);
}

TEST_F(Sys, MapsAPrivateCopyAndWhatLiesBehind) {
  const size_t shared = 2 * MM_MAP_GRANULE, size = 5 * MM_MAP_GRANULE;
  Put("a", std::string(shared + 10, 'x'));
  int fd = Open("a", kBoth);
  for (int i = 0; i < 50; i++) {
    void *address = nullptr;
    ASSERT_EQ(mm_os.map_grown(&address, size, fd, shared), 0);
    auto *bytes = static_cast<unsigned char *>(address);
    EXPECT_EQ(bytes[shared - 1], 'x');
    EXPECT_EQ(bytes[shared], 0);
    bytes[0] = bytes[shared] = bytes[size - 1] = 'y';
    EXPECT_EQ(mm_os.unmap(address, size), 0);
    char byte;
    EXPECT_EQ(mm_os.read(fd, &byte, 1, 0), 1);
    EXPECT_EQ(byte, 'x');
  }
}

// ---- locks

TEST_F(Sys, LocksAreAHandlesOwn) {
  Put("a", "abc");
  int one = Open("a", kBoth), two = Open("a", kBoth);
  const uint64_t at = MM_LOCK_PENDING;
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_EXCLUSIVE, at, 3), 0);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_EXCLUSIVE, at, 3), 0) << "again";
  for (uint64_t i = 0; i < 3; i++) {
    EXPECT_EQ(mm_os.lock(two, MM_LOCK_SHARED, at + i, 1), -EAGAIN);
    EXPECT_EQ(mm_os.locked(two, MM_LOCK_SHARED, at + i, 1), 1);
  }
  EXPECT_EQ(mm_os.locked(one, MM_LOCK_SHARED, at, 3), 0) << "its own";
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_NONE, at + 1, 1), 0) << "one of the three";
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_SHARED, at + 1, 1), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_SHARED, at, 2), -EAGAIN);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_SHARED, at + 1, 2), -EAGAIN) << "all or none";
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_NONE, at, 3), 0);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_EXCLUSIVE, at + 1, 1), -EAGAIN) << "the other kept what it had";
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_EXCLUSIVE, at, 1), 0);
}

TEST_F(Sys, ALockOfOnesOwnBecomesShared) {
  Put("a", "abc");
  int one = Open("a", kBoth), two = Open("a", kBoth);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_EXCLUSIVE, MM_LOCK_READERS, 1), 0);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_SHARED, MM_LOCK_READERS, 1), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_SHARED, MM_LOCK_READERS, 1), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_EXCLUSIVE, MM_LOCK_READERS, 1), -EAGAIN);
  EXPECT_EQ(mm_os.locked(one, MM_LOCK_EXCLUSIVE, MM_LOCK_READERS, 1), 1) << "the other's is back";
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_NONE, MM_LOCK_READERS, 1), 0);
  EXPECT_EQ(mm_os.lock(two, MM_LOCK_EXCLUSIVE, MM_LOCK_READERS, 1), 0);
  Close(two);
  EXPECT_EQ(mm_os.lock(one, MM_LOCK_EXCLUSIVE, MM_LOCK_READERS, 1), 0) << "gone with its handle";
}

// ---- names

TEST_F(Sys, ANameThatIsRemovedIsFree) {
  Put("a", "abc");
  int fd = Open("a", kBoth);
  EXPECT_EQ(mm_os.remove(At("a").c_str()), 0);
  char bytes[3];
  EXPECT_EQ(mm_os.read(fd, bytes, 3, 0), 3) << "who has it open keeps it";
  if (IsWine()) Close(fd); // which takes the name away with the last handle
  mm_stat stat;
  EXPECT_EQ(mm_os.status_link(At("a").c_str(), &stat), -ENOENT);
  EXPECT_EQ(mm_os.remove(At("a").c_str()), -ENOENT);
  int again = Open("a", kBoth | MM_OPEN_CREATE | MM_OPEN_EXCLUSIVE);
  EXPECT_GE(again, 0) << again;
}

TEST_F(Sys, RenamesOverAFileThatIsOpen) {
  Put("a", "one");
  Put("b", "two");
  EXPECT_EQ(mm_os.rename(At("a").c_str(), At("b").c_str()), 0);
  EXPECT_EQ(Open("a"), -ENOENT);
  EXPECT_EQ(fs::file_size(At("b")), 3u);
}

TEST_F(Sys, ListsADirectoryByItsHandle) {
  Put("a", "");
  Put("b", "");
  fs::create_directory(At("d"));
  int fd = Open("", MM_OPEN_PATH | MM_OPEN_DIRECTORY);
  std::set<std::string> found;
  auto note = [](void *context, const char *name, int kind) {
    static_cast<std::set<std::string> *>(context)->insert(name + std::to_string(kind));
    return true;
  };
  EXPECT_EQ(mm_os.list(fd, ".", note, &found), 0);
  EXPECT_EQ(mm_os.list(-1, directory.c_str(), note, &found), 0);
  EXPECT_EQ(found, (std::set<std::string>{"a" + std::to_string(MM_KIND_FILE),
                                          "b" + std::to_string(MM_KIND_FILE),
                                          "d" + std::to_string(MM_KIND_DIRECTORY)}));
}

TEST_F(Sys, FlushesWhatItOnlyReads) {
  Put("a", "abc");
  EXPECT_EQ(mm_os.sync(Open("a")), 0);
  EXPECT_EQ(mm_os.sync(Open("a", kBoth)), 0);
  EXPECT_EQ(mm_os.sync(Open("", MM_OPEN_READ | MM_OPEN_DIRECTORY)), -EOPNOTSUPP);
}

TEST_F(Sys, GivesAFileTheRightsOfAnother) {
  Put("secret", "abc");
  Put("journal", "");
  int from = Open("secret"), to = Open("journal", kBoth);
  EXPECT_EQ(mm_os.take_access(to, from, false), 0) << "the same already";
  // Nobody but its owner, and he reads only.
  SID_IDENTIFIER_AUTHORITY authority = SECURITY_CREATOR_SID_AUTHORITY;
  PSID owner;
  alignas(8) char bytes[200];
  auto *list = reinterpret_cast<PACL>(bytes);
  std::wstring secret = fs::path(At("secret")).wstring(),
               journal = fs::path(At("journal")).wstring();
  ASSERT_TRUE(AllocateAndInitializeSid(&authority, 1, SECURITY_CREATOR_OWNER_RID, 0, 0, 0, 0, 0, 0,
                                       0, &owner));
  ASSERT_TRUE(InitializeAcl(list, sizeof bytes, ACL_REVISION));
  ASSERT_TRUE(AddAccessAllowedAce(list, ACL_REVISION, GENERIC_READ, owner));
  const DWORD what = DACL_SECURITY_INFORMATION;
  ASSERT_EQ(SetNamedSecurityInfoW(secret.data(), SE_FILE_OBJECT,
                                  what | PROTECTED_DACL_SECURITY_INFORMATION, nullptr, nullptr,
                                  list, nullptr),
            0u);
  ASSERT_EQ(mm_os.take_access(to, from, false), 0);
  PACL wanted, got;
  PSECURITY_DESCRIPTOR one, two;
  ASSERT_EQ(GetNamedSecurityInfoW(secret.data(), SE_FILE_OBJECT, what, nullptr, nullptr, &wanted,
                                  nullptr, &one),
            0u);
  ASSERT_EQ(GetNamedSecurityInfoW(journal.data(), SE_FILE_OBJECT, what, nullptr, nullptr, &got,
                                  nullptr, &two),
            0u);
  ASSERT_EQ(wanted->AclSize, got->AclSize);
  EXPECT_EQ(memcmp(wanted, got, got->AclSize), 0);
  FreeSid(owner);
  LocalFree(one);
  LocalFree(two);
}

// ---- memory

TEST_F(Sys, MemoryUnderANameIsOne) {
  Put("one", "");
  Put("two", "");
  const std::string name = "mm sys test " + std::to_string(GetCurrentProcessId());
  int one = Open("one", kBoth), two = Open("two", kBoth);
  ASSERT_EQ(mm_os.share(one, name.c_str(), 5000), 0);
  ASSERT_EQ(mm_os.share(two, name.c_str(), 5000), 0);
  EXPECT_EQ(Status(two).size, 5000u);
  EXPECT_EQ(mm_os.write(one, "abc", 3, 4997), 3);
  char bytes[10];
  EXPECT_EQ(mm_os.read(two, bytes, 10, 4997), 3) << "and no further";
  EXPECT_EQ(memcmp(bytes, "abc", 3), 0);
  EXPECT_LT(mm_os.write(two, "abc", 3, 5000), 0);
  EXPECT_EQ(mm_os.resize(two, 6000), -EOPNOTSUPP);
  void *address = nullptr;
  ASSERT_EQ(mm_os.map(&address, 5000, MM_PROT_READ | MM_PROT_WRITE, two, 0, false), 0);
  auto *mapped = static_cast<char *>(address);
  EXPECT_EQ(mapped[4997], 'a');
  mapped[4997] = 'z';
  EXPECT_EQ(mm_os.read(one, bytes, 1, 4997), 1);
  EXPECT_EQ(bytes[0], 'a') << "a copy";
  mm_os.unmap(address, 5000);
}

// As Python's mmap.mmap(-1, 100, tagname=…) makes it.
TEST_F(Sys, MemoryOfAnotherProgramIsOpenedAsItIs) {
  Put("one", "");
  const std::string name = "mm sys other " + std::to_string(GetCurrentProcessId());
  HANDLE section =
      CreateFileMappingA(INVALID_HANDLE_VALUE, nullptr, PAGE_READWRITE, 0, 100, name.c_str());
  auto *bytes = static_cast<char *>(MapViewOfFile(section, FILE_MAP_WRITE, 0, 0, 0));
  memcpy(bytes, "python", 6);
  int one = Open("one", kBoth);
  ASSERT_EQ(mm_os.share(one, name.c_str(), 100000), 0);
  EXPECT_EQ(Status(one).size, 4096u) << "the system knows its pages";
  EXPECT_EQ(mm_os.write(one, "SQL", 3, 0), 3);
  EXPECT_EQ(memcmp(bytes, "SQLhon", 6), 0);
  UnmapViewOfFile(bytes);
  CloseHandle(section);
}

TEST_F(Sys, MemoryWithoutANameGoesWithItsHandle) {
  int fd = mm_os.memory("x");
  ASSERT_GE(fd, 0);
  char path[MM_PATH_MAX];
  ASSERT_EQ(mm_os.path_of(fd, path, sizeof path), 0);
  EXPECT_EQ(mm_os.resize(fd, 100), 0);
  EXPECT_EQ(mm_os.write(fd, "abc", 3, 97), 3);
  EXPECT_EQ(mm_os.close(fd), 0);
  EXPECT_FALSE(fs::exists(path)) << path;
}

} // namespace
