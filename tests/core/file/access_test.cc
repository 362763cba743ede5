// Who may read and write a journal, where lists say more than modes: of the file, and of the directory for
// what is made in it. Each case is tried by processes of other users.
#ifndef _WIN32

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/support/object_file.h"

extern "C" {
#include "core/common/mem.h"
#include "core/file/record.h"
#include "core/file/together.h"
}

namespace mm_test {
namespace {

struct Entry {
  uint16_t tag, may;
  uint32_t id;
};

constexpr uint32_t kNobody = 0xffffffff;
constexpr gid_t kGroups[] = {2000, 2001, 2002};
constexpr uid_t kUsers[] = {1000, 1001, 1002};

bool SetList(const std::string &path, const char *name, const std::vector<Entry> &entries) {
  std::string bytes(4 + 8 * entries.size(), '\0');
  bytes[0] = 2;
  for (size_t i = 0; i < entries.size(); i++) {
    for (size_t b = 0; b < 2; b++) {
      bytes[4 + 8 * i + b] = static_cast<char>(entries[i].tag >> 8 * b);
      bytes[6 + 8 * i + b] = static_cast<char>(entries[i].may >> 8 * b);
    }
    for (size_t b = 0; b < 4; b++) bytes[8 + 8 * i + b] = static_cast<char>(entries[i].id >> 8 * b);
  }
  return setxattr(path.c_str(), name, bytes.data(), bytes.size(), 0) == 0;
}

// The owner's rights are as usual; all else is at random.
std::vector<Entry> RandomList(std::mt19937 &random) {
  auto may = [&] { return static_cast<uint16_t>(random() % 4 * 2); };
  std::vector<Entry> list = {{1, 6, kNobody}};
  for (uid_t user : kUsers)
    if (random() % 2) list.push_back({2, may(), user});
  list.push_back({4, may(), kNobody});
  for (gid_t group : kGroups)
    if (random() % 2) list.push_back({8, may(), group});
  list.push_back({16, static_cast<uint16_t>(random() % 3 ? 6 : may()), kNobody});
  list.push_back({32, static_cast<uint16_t>(random() % 2 ? 0 : may()), kNobody});
  return list;
}

// 1: it may read; 2: write.
int Rights(const std::string &path) {
  int rights = 0;
  for (int i = 0; i < 2; i++) {
    int fd = open(path.c_str(), (i ? O_WRONLY : O_RDONLY) | O_CLOEXEC);
    if (fd >= 0) rights |= 1 << i;
    if (fd >= 0) close(fd);
  }
  return rights;
}

struct Who {
  uid_t user;
  std::vector<gid_t> groups;
};

// What a process of these may do with two files: the second's rights four times as high.
int RightsOf(const Who &who, const std::string &first, const std::string &second) {
  return InChild([&] {
    if (setgroups(who.groups.size(), who.groups.data()) || setgid(who.groups[0]) ||
        setuid(who.user)) {
      return 99;
    }
    return Rights(first) + 4 * Rights(second);
  });
}

class AccessTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    if (geteuid() != 0) GTEST_SKIP() << "only root can be others";
    if (!SetList(directory, "system.posix_acl_default",
                 {{1, 7, kNobody}, {4, 7, kNobody}, {32, 7, kNobody}})) {
      GTEST_SKIP() << "the file system knows no such lists";
    }
    removexattr(directory.c_str(), "system.posix_acl_default");
    chmod(directory.c_str(), 0777);
  }

  static bool Become(const Who &who) {
    return setgroups(who.groups.size(), who.groups.data()) == 0 && setegid(who.groups[0]) == 0 &&
           seteuid(who.user) == 0;
  }

  // Leaves the journal of a process that has died. False: it may not write the file.
  static bool Die(const Who &writer, const std::string &path) {
    return InChild([&] {
             if (!Become(writer)) return 99;
             mm_settings settings = Settings();
             mm_root root;
             mm_path resolved = {};
             mm_error err = {};
             mm_object *object = nullptr;
             mm_root_init(&root);
             if (mm_path_resolve(&root, path.c_str(), false, &resolved, &err)) return 1;
             if (mm_object_open(&resolved, "f", MM_OBJECT_FILE, &settings, &object, &err)) return 2;
             if (mm_object_begin(object, &err)) return 3;
             if (mm_object_write(object, 0, reinterpret_cast<const uint8_t *>("x"), 1, &err))
               return 4;
             return mm_object_prepare(object, &err) ? 5 : 0;
           }) == 0;
  }
};

TEST_F(AccessTest, AJournalIsReadAndWrittenByNobodyWhoMayNotReadAndWriteItsFile) {
  const std::vector<Who> people = {{1000, {2000}},       {1001, {2001}},       {1002, {2002}},
                                   {1003, {2000, 2001}}, {1003, {2001, 2002}}, {1003, {2003}}};
  const mode_t modes[] = {0600, 0640, 0644, 0660, 0664, 0604, 0666, 0620};
  int journals = 0, theirs = 0;
  for (unsigned seed = 0; seed < 120; seed++) {
    std::mt19937 random(seed);
    std::string path = Put("f" + std::to_string(seed), Text("bytes")), journal = path;
    char *name = mm_journal_path(path.c_str());
    journal = name;
    mm_free(name);
    ASSERT_EQ(chown(path.c_str(), kUsers[random() % 3], kGroups[random() % 3]), 0);
    ASSERT_EQ(chmod(path.c_str(), modes[random() % 8]), 0);
    if (random() % 3) ASSERT_TRUE(SetList(path, "system.posix_acl_access", RandomList(random)));
    removexattr(directory.c_str(), "system.posix_acl_default");
    if (random() % 2)
      ASSERT_TRUE(SetList(directory, "system.posix_acl_default", RandomList(random)));
    bool root = random() % 2;
    Who writer = root ? Who{0, {0}} : people[random() % people.size()];
    if (!Die(writer, path)) continue;
    journals++;
    struct stat file = {}, made = {};
    ASSERT_EQ(stat(path.c_str(), &file), 0);
    ASSERT_EQ(stat(journal.c_str(), &made), 0) << seed;
    for (const Who &who : people) {
      if (who.user == writer.user) continue;
      int both = RightsOf(who, path, journal), of_file = both & 3, of_journal = both >> 2;
      EXPECT_LT(both, 16);
      EXPECT_EQ(of_journal & ~of_file, 0)
          << "user " << who.user << " may do " << of_journal << " with the journal and " << of_file
          << " with the file, seed " << seed;
      // Recovery is for all who may read.
      bool alike = file.st_uid == made.st_uid && file.st_gid == made.st_gid;
      if (alike) {
        EXPECT_EQ(of_journal & 1, of_file & 1) << "user " << who.user << ", seed " << seed;
      }
      if (!alike) theirs++;
    }
    unlink(journal.c_str());
  }
  EXPECT_GT(journals, 50);
  EXPECT_GT(theirs, 20);
}

class RecordAccessTest : public AccessTest {
protected:
  // Leaves the common record of a process that has died, and the journals.
  bool DieOfTwo(const Who &writer, const std::string &a, const std::string &b) {
    return InChild([&] {
             if (!Become(writer)) return 99;
             mm_settings settings = Settings();
             mm_root root;
             mm_error err = {};
             mm_object *objects[2] = {};
             mm_root_init(&root);
             for (int i = 0; i < 2; i++) {
               mm_path resolved = {};
               const char *path = (i ? b : a).c_str();
               if (mm_path_resolve(&root, path, false, &resolved, &err)) return 1;
               if (mm_object_open(&resolved, "f", MM_OBJECT_FILE, &settings, &objects[i], &err))
                 return 2;
               if (mm_object_begin(objects[i], &err)) return 3;
               const uint8_t x = 'x';
               if (mm_object_write(objects[i], 0, &x, 1, &err)) return 4;
             }
             return mm_objects_prepare(objects, 2, &err) ? 5 : 0;
           }) == 0;
  }

  std::string TakeRecord() {
    std::string found;
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
      std::string name = entry.path().filename().string();
      if (name.rfind(MM_RECORD_PREFIX, 0) == 0) found = entry.path().string();
    }
    return found;
  }
};

TEST_F(RecordAccessTest, ARecordIsReadByNobodyWhoMayReadNoneOfItsFiles) {
  const std::vector<Who> people = {{1000, {2000}},       {1001, {2001}},       {1002, {2002}},
                                   {1003, {2000, 2001}}, {1003, {2001, 2002}}, {1003, {2003}}};
  const mode_t modes[] = {0660, 0664, 0600, 0640, 0644, 0604};
  int records = 0, likes = 0;
  for (unsigned seed = 0; seed < 120; seed++) {
    std::mt19937 random(seed);
    std::string name = std::to_string(seed), a = Put("a" + name, Text("bytes")),
                b = Put("b" + name, Text("bytes"));
    bool alike = random() % 2, listed = random() % 3;
    uid_t user = kUsers[random() % 3];
    gid_t group = kGroups[random() % 3];
    mode_t mode = modes[random() % 6];
    std::vector<Entry> list = RandomList(random);
    for (const std::string &path : {a, b}) {
      ASSERT_EQ(chown(path.c_str(), user, group), 0);
      ASSERT_EQ(chmod(path.c_str(), mode), 0);
      if (listed) ASSERT_TRUE(SetList(path, "system.posix_acl_access", list));
      if (alike) continue;
      user = kUsers[random() % 3];
      group = kGroups[random() % 3];
      mode = modes[random() % 6];
      list = RandomList(random);
      listed = random() % 2;
    }
    removexattr(directory.c_str(), "system.posix_acl_default");
    if (random() % 2)
      ASSERT_TRUE(SetList(directory, "system.posix_acl_default", RandomList(random)));
    Who writer = random() % 2 ? Who{0, {0}} : people[random() % people.size()];
    if (!DieOfTwo(writer, a, b)) continue;
    std::string record = TakeRecord();
    ASSERT_NE(record, "") << seed;
    records++;
    struct stat made = {}, file = {};
    ASSERT_EQ(stat(record.c_str(), &made), 0);
    ASSERT_EQ(stat(a.c_str(), &file), 0);
    EXPECT_EQ(made.st_mode & 022, 0u) << "recovery would refuse it, seed " << seed;
    for (const Who &who : people) {
      if (who.user == writer.user) continue;
      int of_a = RightsOf(who, a, record), of_b = RightsOf(who, b, record), of_record = of_a >> 2;
      int of_files = (of_a | of_b) & 1;
      EXPECT_EQ(of_record & ~of_files, 0)
          << "user " << who.user << " may do " << of_record << " with the record, seed " << seed;
      // Of a list whose mask is empty Linux asks nobody, but the mode.
      bool asked = listed && (file.st_mode & 070);
      if (!alike || !asked || made.st_gid != file.st_gid) continue;
      likes++;
      EXPECT_EQ(of_record, of_files) << "user " << who.user << " cannot recover, seed " << seed;
    }
    unlink(record.c_str());
    for (const std::string &path : {a, b}) unlink((path + MM_JOURNAL_SUFFIX).c_str());
  }
  EXPECT_GT(records, 40);
  EXPECT_GT(likes, 40);
}

} // namespace
} // namespace mm_test

#endif
