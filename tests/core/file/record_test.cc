// The common record of several files: what is written, what is believed, and what is left alone.
// Records and journals are made by hand, by another implementation of their formats, beside real
// files; and the next use of a file looks at them.
#include <random>
#include <set>

#include "tests/support/core_file.h"
#include "tests/support/fault_sys.h"
#include "tests/support/object_file.h"
#include "tests/support/record_bytes.h"
#include "tests/support/rounds.h"

extern "C" {
#include "core/common/mem.h"
#include "core/file/record.h"
#include "core/file/tag.h"
#include "core/file/together.h"
#include "core/os/path.h"
}

namespace {

using namespace mm_test;

constexpr uint64_t kSalt = 0xfedcba9876543210; // of the record
const std::string kOld = "0123456789", kNew = "0NEW456789";

std::string StringOf(const Bytes &bytes) {
  return std::string(bytes.begin(), bytes.end());
}

// Everything below a directory: what it is, its mode, and its bytes or where it leads.
std::map<std::string, std::string> Tree(const std::string &directory) {
  std::map<std::string, std::string> tree;
  for (const auto &entry : std::filesystem::recursive_directory_iterator(directory)) {
    struct stat st = {};
    std::string text, path = entry.path().string();
    if (lstat(path.c_str(), &st) != 0) continue;
    if (S_ISREG(st.st_mode)) text = StringOf(Contents(path));
    if (S_ISLNK(st.st_mode)) text = std::filesystem::read_symlink(path).string();
    tree[path] = std::to_string(st.st_mode) + " " + std::to_string(st.st_ino) + " " + text;
  }
  return tree;
}

// Three files of one transaction in two directories of the root "r", and a directory outside it.
class RecordTest : public FileTest {
protected:
  struct Part {
    std::string name, path;
    uint64_t salt, inode, birth;
    JournalBytes journal;
    bool listed = true;
  };

  void SetUp() override {
    FileTest::SetUp();
    mm_record_start_anew();
    directory_ = directory;
    for (const char *name : {"r", "r/d", "out"}) std::filesystem::create_directory(Path(name));
    mm_root_init(&root);
    mm_error err;
    ASSERT_EQ(mm_root_set(&root, Path("r").c_str(), &err), MM_OK) << err.text;
    settings.root = &root;
    settings.synchronous = MM_SYNC_FULL;
    parts = {Make("f"), Make("d/g"), Make("h")};
    record_path = Path("r/" + RecordName(kSalt));
    record.salt = kSalt;
  }
  void TearDown() override {
    mm_os = *mm_sys_default();
    mm_root_clear(&root);
    directory = directory_;
    FileTest::TearDown();
  }

  Part Make(const std::string &name, const std::string &where = "r/") {
    std::string path = Put(where + name, Text(kOld));
    Part part = {name, path, 0, 0, 0, {}};
    int fd = OpenForCore(path, MM_OPEN_READ);
    mm_stat stat = {};
    EXPECT_EQ(mm_os.status(fd, &stat), 0);
    part.inode = stat.inode;
    part.birth = static_cast<uint64_t>(mm_os.birth(fd));
    CloseForCore(fd);
    part.salt = std::hash<std::string>()(name) | 1;
    part.journal.salt = part.salt;
    part.journal.inode = part.inode;
    part.journal.birth = part.birth;
    part.journal.old_size = part.journal.new_size = kOld.size();
    part.journal.Data(1, "NEW");
    part.journal.InDoubt((name[0] == 'd' ? "../" : "") + RecordName(kSalt), kSalt);
    return part;
  }

  std::string JournalOf(const Part &part) const { return part.path + MM_JOURNAL_SUFFIX; }
  void PutAt(const std::string &path, const std::string &bytes) {
    std::error_code ignored;
    std::filesystem::remove_all(path, ignored);
    std::ofstream(path, std::ios::binary) << bytes;
  }
  // What a writer leaves that dies right after the commit point.
  void Lay() {
    record.files.clear();
    record.made = 0;
    for (const Part &part : parts) {
      std::string journal = part.journal.Finish();
      PutAt(JournalOf(part), journal);
      if (part.listed) record.File(part.salt, journal.size(), part.inode, part.birth, part.name);
    }
    LayRecord(record.Finish());
  }
  void LayRecord(const std::string &bytes) {
    PutAt(record_path, bytes);
    chmod(record_path.c_str(), 0600);
  }
  void LayFiles() {
    for (const Part &part : parts) {
      std::ofstream(part.path, std::ios::binary | std::ios::in) << kOld;
    }
  }

  // What a new object shows; an error begins with "!".
  std::string Look(const Part &part, bool read_only = false) {
    mm_object *object;
    mm_settings with = settings;
    with.read_only = read_only;
    int rc = TryOpen(part.path, MM_OBJECT_FILE, &with, &object, &err);
    code = rc;
    if (rc != MM_OK) return std::string("!") + err.text;
    std::string bytes(reinterpret_cast<const char *>(object->data), object->size);
    mm_object_close(object);
    return bytes;
  }

  // Nothing was opened, asked for, removed or listed there.
  static void NoneBelow(const FaultSys &sys, const std::string &directory) {
    for (const CallRecord &call : sys.Records()) {
      for (const std::string &path : {call.path, call.to}) {
        EXPECT_TRUE(path != directory && path.rfind(directory + "/", 0) != 0)
            << NameOf(call.call) << " " << path;
      }
    }
  }

  // Each use of the file is an error that says why, and nothing changes.
  void ExpectRefused(const Part &part, const std::string &why, int as = MM_CORRUPT) {
    for (bool read_only : {true, false}) {
      SCOPED_TRACE(read_only ? "by a reader" : "by a writer");
      auto before = Tree(directory);
      FaultSys sys;
      std::string text = Look(part, read_only);
      EXPECT_EQ(text[0], '!') << text;
      EXPECT_EQ(code, as) << text;
      EXPECT_NE(text.find(why), std::string::npos) << text;
      EXPECT_EQ(Tree(directory), before);
      NoneBelow(sys, Path("out"));
      NoneBelow(sys, "/etc");
    }
  }
  // Never committed: each file is as it was, and what is ours is gone.
  void ExpectUndone() {
    for (const Part &part : parts) {
      EXPECT_EQ(Look(part, true), kOld);
      EXPECT_EQ(Look(part), kOld);
      EXPECT_FALSE(HasJournal(part.path));
    }
    ExpectNoLitter();
  }
  void ExpectDone() {
    for (const Part &part : parts) EXPECT_EQ(Look(part, true), kNew);
    for (const Part &part : parts) {
      EXPECT_EQ(Look(part), kNew);
      EXPECT_FALSE(HasJournal(part.path));
    }
    ExpectNoLitter();
  }
  void ExpectNoLitter() {
    for (const auto &[path, text] : Tree(directory)) {
      EXPECT_EQ(path.find("mmap-"), std::string::npos) << path;
    }
  }
  bool HasRecord() const { return Exists(record_path); }
  static bool Exists(const std::string &path) {
    return std::filesystem::exists(std::filesystem::symlink_status(path));
  }

  mm_root root;
  std::vector<Part> parts;
  RecordBytes record;
  std::string record_path;
  mm_error err{};
  int code = 0;

private:
  std::string directory_;
};

// ---- names

TEST_F(RecordTest, LiesBesideAFileAndIsNamedAfterItsSalt) {
  char *path = mm_record_path("/x/y.bin", 0xab);
  EXPECT_STREQ(path, "/x/mmap-commit-00000000000000ab");
  mm_free(path);
  path = mm_record_path("/y", UINT64_MAX);
  EXPECT_STREQ(path, "/mmap-commit-ffffffffffffffff");
  mm_free(path);
}

TEST_F(RecordTest, PathsLeadFromOneDirectoryToAnother) {
  std::mt19937 random(1);
  auto name = [&] { return std::string(1 + random() % 2, static_cast<char>('a' + random() % 2)); };
  for (int i = 0; i < 20000; i++) {
    std::string from, to;
    for (unsigned n = random() % 5; n > 0; n--) from += "/" + name();
    to = random() % 2 ? from : "";
    for (unsigned n = random() % 5; n > 0; n--) to += "/" + name();
    std::filesystem::path base = from.empty() ? "/" : from;
    from += "/" + name();
    to += "/" + name();
    if (from.rfind(to + "/", 0) == 0) continue; // a file is no directory
    char *path = mm_record_relate(from.c_str(), to.c_str());
    ASSERT_EQ(path, std::filesystem::path(to).lexically_relative(base).generic_string())
        << from << " to " << to;
    mm_free(path);
  }
}

// ---- write

TEST_F(RecordTest, IsWrittenAsTheFormatSays) {
  const mm_record_file files[] = {
      {parts[0].path.c_str(), 11, 12, 13, 14, false, 0640, 7, nullptr},
      {parts[1].path.c_str(), 21, 0, 23, 24, true, 0604, 7, nullptr},
      {"/elsewhere", UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, false, 0777, 7, nullptr},
  };
  std::string up;
  for (char c : record_path) up += c == '/' ? "../" : "";
  ASSERT_EQ(mm_record_write(record_path.c_str(), kSalt, files, 3, true, &err), MM_OK) << err.text;
  record.File(13, 14, 11, 12, "f").File(23, 24, 21, 0, "d/g", 1);
  record.File(UINT64_MAX, UINT64_MAX, UINT64_MAX, UINT64_MAX, up.substr(3) + "elsewhere");
  EXPECT_EQ(StringOf(Contents(record_path)), record.Finish());
  struct stat st = {};
  ASSERT_EQ(stat(record_path.c_str(), &st), 0);
  EXPECT_EQ(st.st_mode & 07777, 0644u);
}

TEST_F(RecordTest, IsWholeUnderItsName) {
  const mm_record_file files[] = {
      {parts[0].path.c_str(), 1, 2, 3, 4, false, 0600, getegid(), nullptr},
      {parts[1].path.c_str(), 1, 2, 3, 4, false, 0600, getegid(), nullptr}};
  FaultSys sys;
  ASSERT_EQ(mm_record_write(record_path.c_str(), kSalt, files, 2, true, &err), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "open set_owner set_mode write sync close rename open sync close");
  EXPECT_EQ(sys.Records()[0].path, record_path + ".new");
  EXPECT_EQ(sys.Records()[8].path, Path("r"));
  sys.Reset();
  ASSERT_EQ(mm_record_remove(record_path.c_str(), false, true, &err), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "remove open sync close");
  sys.Reset();
  ASSERT_EQ(mm_record_write(record_path.c_str(), kSalt, files, 2, false, &err), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "open set_owner set_mode write close rename");
}

TEST_F(RecordTest, WhoMayReadTheFilesMayReadIt) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file to any group";
  struct {
    uint32_t modes[2], groups[2], mode, group;
  } const cases[] = {
      {{0640, 0600}, {7, 7}, 0640, 7},
      {{0640, 0640}, {7, 8}, 0600, getegid()}, // neither group is to read the other's
      {{0644, 0640}, {7, 8}, 0644, getegid()},
      {{0600, 0200}, {7, 7}, 0600, 7},
      {{0777, 0666}, {7, 7}, 0644, 7},
  };
  for (const auto &c : cases) {
    const mm_record_file files[] = {
        {parts[0].path.c_str(), 1, 2, 3, 4, false, c.modes[0], c.groups[0], nullptr},
        {parts[1].path.c_str(), 1, 2, 3, 4, false, c.modes[1], c.groups[1], nullptr}};
    ASSERT_EQ(mm_record_write(record_path.c_str(), kSalt, files, 2, false, &err), MM_OK);
    struct stat st = {};
    ASSERT_EQ(stat(record_path.c_str(), &st), 0);
    EXPECT_EQ(st.st_mode & 07777, c.mode);
    EXPECT_EQ(st.st_gid, c.group);
    unlink(record_path.c_str());
  }
}

// Whatever fails, nothing is left under its name, or the error says so.
TEST_F(RecordTest, AFailedWriteLeavesNothing) {
  const mm_record_file files[] = {
      {parts[0].path.c_str(), 1, 2, 3, 4, false, 0600, getegid(), nullptr},
      {parts[1].path.c_str(), 1, 2, 3, 4, false, 0600, getegid(), nullptr}};
  auto before = Tree(directory);
  for (int n = 0;; n++) {
    FaultSys sys;
    sys.FailAt(n, EIO);
    int rc = mm_record_write(record_path.c_str(), kSalt, files, 2, true, &err);
    bool fired = sys.Fired();
    if (!fired) EXPECT_EQ(rc, MM_OK) << err.text;
    if (!fired) break;
    if (rc == MM_OK) { // its group was not given: fewer may read it
      EXPECT_EQ(n, 1);
      unlink(record_path.c_str());
      continue;
    }
    EXPECT_EQ(rc == MM_CANTOPEN || rc == MM_IOERR, true) << n << " " << rc;
    EXPECT_EQ(Tree(directory), before) << n;
  }
  PutAt(record_path + ".new", "somebody's");
  unlink(record_path.c_str());
  EXPECT_EQ(mm_record_write(record_path.c_str(), kSalt, files, 2, true, &err), MM_CORRUPT);
  EXPECT_EQ(StringOf(Contents(record_path + ".new")), "somebody's");
}

// ---- read

TEST_F(RecordTest, OneMadeByHandCommitsAll) {
  Lay();
  ExpectDone();
}

TEST_F(RecordTest, WithoutOneNothingWasCommitted) {
  Lay();
  unlink(record_path.c_str());
  ExpectUndone();
}

TEST_F(RecordTest, AnEmptyOneIsUndone) {
  Lay();
  LayRecord("");
  ExpectUndone();
}

TEST_F(RecordTest, WhatIsLeftOfItsMakingGoes) {
  Lay();
  std::string bytes = record.Finish();
  for (size_t size : {size_t{0}, size_t{24}, size_t{50}, bytes.size()}) {
    Lay();
    unlink(record_path.c_str());
    PutAt(record_path + ".new", bytes.substr(0, size));
    ExpectUndone();
  }
}

TEST_F(RecordTest, WhatOnlyHasTheNameOfWhatIsLeftStays) {
  RecordBytes other;
  other.salt = kSalt + 1;
  std::string fresh = record_path + ".new";
  auto stays = [&](const char *what, const std::function<void()> &put) {
    SCOPED_TRACE(what);
    LayFiles();
    Lay();
    unlink(record_path.c_str());
    unlink(fresh.c_str());
    put();
    EXPECT_EQ(Look(parts[0]), kOld) << err.text;
    EXPECT_TRUE(Exists(fresh));
  };
  stays("somebody's", [&] { PutAt(fresh, "somebody's, longer than a salt is"); });
  stays("short", [&] { PutAt(fresh, "short"); });
  stays("another's salt", [&] { PutAt(fresh, other.Finish()); });
  other.salt = kSalt;
  other.magic = "mmapjrnl";
  stays("another's magic", [&] { PutAt(fresh, other.Finish()); });
  stays("a link", [&] { EXPECT_EQ(symlink(parts[2].path.c_str(), fresh.c_str()), 0); });
  PutAt(Path("r/two"), "");
  stays("two names", [&] { EXPECT_EQ(link(Path("r/two").c_str(), fresh.c_str()), 0); });
}

// The journals go only after that: else a record that a loss of power brings back finds one gone.
TEST_F(RecordTest, OneThatIsNotThereIsMadeSureOfBeforeTheJournalGoes) {
  Lay();
  unlink(record_path.c_str());
  FaultSys sys;
  EXPECT_EQ(Look(parts[1]), kOld);
  size_t synced = 0, removed = 0, i = 0;
  for (const CallRecord &call : sys.Records()) {
    i++;
    if (call.call == Call::kSync && call.path == Path("r")) synced = i;
    if (call.call == Call::kRemove && call.path == JournalOf(parts[1])) removed = i;
  }
  EXPECT_GT(synced, 0u);
  EXPECT_GT(removed, synced);
}

TEST_F(RecordTest, WithAnyBitFlippedItIsDamaged) {
  Lay();
  std::string good = record.Finish();
  const int stride = std::max(1, 100 / Rounds(100));
  for (size_t i = 0; i < good.size(); i += static_cast<size_t>(stride)) {
    for (int bit = 0; bit < 8; bit += i < 48 ? 1 : 7) {
      std::string bytes = good;
      bytes[i] = static_cast<char>(bytes[i] ^ 1 << bit);
      LayRecord(bytes);
      ASSERT_EQ(Look(parts[0], true)[0], '!') << i << " " << bit;
      ASSERT_EQ(code, MM_CORRUPT);
    }
  }
  LayRecord(good);
  ExpectDone();
}

TEST_F(RecordTest, CutOrLongerItIsDamaged) {
  Lay();
  std::string good = record.Finish();
  for (size_t size = 1; size < good.size(); size++) {
    LayRecord(good.substr(0, size));
    ASSERT_EQ(Look(parts[0], true)[0], '!') << size;
    ASSERT_EQ(code, MM_CORRUPT) << size;
  }
  LayRecord(good + "x");
  ExpectRefused(parts[0], "is damaged");
  LayRecord(good + std::string(100, '\0'));
  ExpectRefused(parts[0], "is damaged");
}

TEST_F(RecordTest, ThatBreaksARuleIsDamagedThoughItsChecksumsAreRight) {
  auto spoil = [&](const char *what, const std::function<void(RecordBytes &)> &how) {
    SCOPED_TRACE(what);
    Lay();
    RecordBytes bad = record;
    how(bad);
    LayRecord(bad.Finish());
    ExpectRefused(parts[0], "is damaged");
  };
  spoil("magic", [](RecordBytes &b) { b.magic = "mmapcmiT"; });
  spoil("version", [](RecordBytes &b) { b.version = 2; });
  spoil("reserved", [](RecordBytes &b) { b.zero = 1; });
  spoil("salt", [](RecordBytes &b) { b.salt++; });
  spoil("count, more", [](RecordBytes &b) { b.count = b.made + 1; });
  spoil("count, fewer", [](RecordBytes &b) { b.count = b.made - 1; });
  spoil("count, many", [](RecordBytes &b) { b.count = UINT64_MAX - 1; });
  spoil("length, more", [](RecordBytes &b) { b.length = 49 + b.files.size(); });
  spoil("length, none", [](RecordBytes &b) { b.length = 0; });
  spoil("no files", [](RecordBytes &b) { b.files.clear(), b.made = 0; });
  spoil("half a file", [](RecordBytes &b) { b.files += std::string(20, 0); });
  spoil("flags", [](RecordBytes &b) { b.File(1, 1, 1, 1, "x", 2); });
  spoil("flags, high", [](RecordBytes &b) { b.File(1, 1, 1, 1, "x", uint64_t{1} << 32); });
  spoil("no name", [](RecordBytes &b) { b.File(1, 1, 1, 1, ""); });
  spoil("NUL", [](RecordBytes &b) { b.File(1, 1, 1, 1, std::string("x\0y", 3)); });
  spoil("a long name", [](RecordBytes &b) { b.File(1, 1, 1, 1, std::string(12289, 'x')); });
  spoil("a name past the end", [](RecordBytes &b) { b.Raw(1, 1, 1, 1, 0, 2, "x"); });
  spoil("an endless name", [](RecordBytes &b) { b.Raw(1, 1, 1, 1, 0, UINT64_MAX, "x"); });
}

TEST_F(RecordTest, OfOneFileIsNone) {
  parts[1].listed = parts[2].listed = false;
  Lay();
  ExpectRefused(parts[0], "is damaged");
}

TEST_F(RecordTest, OfASizeThatNoneHasIsDamagedAndNotRead) {
  Lay();
  ASSERT_EQ(truncate(record_path.c_str(), off_t{1} << 40), 0);
  FaultSys sys;
  EXPECT_NE(Look(parts[0]).find("is damaged"), std::string::npos) << err.text;
  for (const CallRecord &call : sys.RecordsOf(Call::kRead)) EXPECT_NE(call.path, record_path);
}

TEST_F(RecordTest, ThatDoesNotNameTheJournalIsRefused) {
  parts[0].listed = false;
  Lay();
  ExpectRefused(parts[0], "does not name a journal that names it");
}

TEST_F(RecordTest, LinksFifosAndDirectoriesAreRefused) {
  Lay();
  std::string good = record.Finish();
  PutAt(Path("out/record"), good);
  unlink(record_path.c_str());
  ASSERT_EQ(symlink(Path("out/record").c_str(), record_path.c_str()), 0);
  ExpectRefused(parts[0], "is a link");
  unlink(record_path.c_str());
  ASSERT_EQ(symlink("nowhere", record_path.c_str()), 0);
  ExpectRefused(parts[0], "is a link");
  unlink(record_path.c_str());
  ASSERT_EQ(mkfifo(record_path.c_str(), 0600), 0);
  ExpectRefused(parts[0], "not a regular file");
  unlink(record_path.c_str());
  ASSERT_EQ(mkdir(record_path.c_str(), 0700), 0);
  ExpectRefused(parts[0], "not a regular file");
  LayRecord(good);
  ASSERT_EQ(link(record_path.c_str(), Path("out/linked").c_str()), 0);
  ExpectRefused(parts[0], "hard link");
}

TEST_F(RecordTest, BehindALinkItIsRefused) {
  parts = {Make("f"), Make("h")};
  for (Part &part : parts) part.journal.InDoubt("l/" + RecordName(kSalt), kSalt);
  record_path = Path("out/" + RecordName(kSalt));
  ASSERT_EQ(symlink("../out", Path("r/l").c_str()), 0);
  Lay();
  std::string good = record.Finish(), fresh = record_path + ".new";
  ExpectRefused(parts[0], "behind a link");
  LayRecord(""); // nor is anything removed there
  ExpectRefused(parts[0], "behind a link");
  PutAt(fresh, good);
  unlink(record_path.c_str());
  ExpectRefused(parts[0], "behind a link");
  EXPECT_TRUE(Exists(fresh));
}

TEST_F(RecordTest, OfAStrangerItIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  Lay();
  ASSERT_EQ(chown(record_path.c_str(), 54321, 0), 0);
  ExpectRefused(parts[0], "belongs to neither");
  ASSERT_EQ(chown(parts[0].path.c_str(), 54321, static_cast<gid_t>(-1)), 0);
  EXPECT_EQ(Look(parts[0]), kNew); // the file's owner may
}

// Who is root may give the journals to the owner of the files, and dies before anybody else comes.
TEST_F(RecordTest, OfRootItIsBelievedByAnybody) {
  if (geteuid() != 0) GTEST_SKIP() << "only root is root";
  Lay();
  ASSERT_EQ(chmod(record_path.c_str(), 0644), 0);
  ASSERT_EQ(chmod(directory.c_str(), 0755), 0);
  for (const Part &part : parts) {
    ASSERT_EQ(chown(part.path.c_str(), 12345, 12345), 0);
    ASSERT_EQ(chown(JournalOf(part).c_str(), 12345, 12345), 0);
  }
  for (const char *name : {"r", "r/d"}) ASSERT_EQ(chown(Path(name).c_str(), 12345, 12345), 0);
  int failed = InChild([&] {
    if (setgid(12345) || setuid(12345)) return 99;
    for (const Part &part : parts) {
      if (Look(part) != kNew) fprintf(stderr, "%s\n", err.text);
      if (code != MM_OK) return 1;
    }
    return 0;
  });
  EXPECT_EQ(failed, 0);
  ExpectNoLitter();
}

TEST_F(RecordTest, ThatOthersMayWriteIsRefused) {
  Lay();
  for (mode_t mode : {0620, 0602, 0666}) {
    ASSERT_EQ(chmod(record_path.c_str(), mode), 0);
    ASSERT_EQ(chmod(parts[0].path.c_str(), 0666), 0); // though they may write the file
    ExpectRefused(parts[0], "can be written by");
  }
  ASSERT_EQ(chmod(record_path.c_str(), 0644), 0);
  EXPECT_EQ(Look(parts[0]), kNew);
}

// ---- what a journal may say of it

TEST_F(RecordTest, AJournalThatNamesNoRecordIsRefused) {
  std::string name = RecordName(kSalt), big(MM_PATH_MAX, 'x');
  for (const std::string &bad : std::vector<std::string>{
           "/etc/passwd", "/" + name, "passwd", name + "x", name.substr(0, name.size() - 1),
           RecordName(kSalt + 1), "mmap-commit-FEDCBA9876543210", "./" + name, "d/./" + name,
           "d//" + name, name + "/", name + "/..", "d/" + name + "/.", "..", ".", "/", "../",
           std::string(3 * 500, '.') + name, big + "/" + name}) {
    SCOPED_TRACE(bad.substr(0, 60));
    parts[0].journal.InDoubt(bad, kSalt);
    Lay();
    ExpectRefused(parts[0], "names no common record");
  }
  std::string above;
  for (int i = 0; i < 40; i++) above += "../";
  parts[0].journal.InDoubt(above + name, kSalt);
  Lay();
  ExpectRefused(parts[0], "names no common record");
}

// As long as any that mm_record_relate gives, and longer.
TEST_F(RecordTest, AJournalWhoseNameOfItBreaksARuleIsTorn) {
  std::string name = RecordName(kSalt);
  auto torn = [&](const char *what, const std::string &bytes) {
    SCOPED_TRACE(what);
    unlink(record_path.c_str());
    PutAt(JournalOf(parts[0]), bytes);
    EXPECT_EQ(Look(parts[0], true), kOld);
    EXPECT_EQ(Look(parts[0]), kOld);
    EXPECT_FALSE(HasJournal(parts[0].path));
  };
  JournalBytes &journal = parts[0].journal;
  torn("none", journal.InDoubt("", kSalt).Finish());
  torn("NUL", journal.InDoubt(name + std::string("\0x", 2), kSalt).Finish());
  torn("shorter", journal.InDoubt(name, kSalt, name.size() - 1).Finish());
  torn("longer", journal.InDoubt(name, kSalt, name.size() + 1).Finish());
  torn("endless", journal.InDoubt(name, kSalt, UINT64_MAX).Finish());
  torn("past the end", journal.InDoubt(name, kSalt, 10000).Finish());
  torn("too long", journal.InDoubt(std::string(12289, 'x'), kSalt).Finish());
  journal.InDoubt(name, kSalt);
  journal.version = 1;
  torn("of a version without it", journal.Finish());
  journal.version = 2;
  journal.flags = 0;
  torn("without its flag", journal.Finish());
  journal.flags = 5;
  torn("with a flag that is none", journal.Finish());
  journal.flags = 0;
  journal.InDoubt(name + std::string("\0x", 2), kSalt); // nor is it the name up to there
  Lay();
  ExpectRefused(parts[0], "was committed and is damaged");
}

TEST_F(RecordTest, InAJournalThatMayBeLongerItIsFound) {
  for (Part &part : parts) part.journal.Longer("left over from before");
  Lay();
  ExpectDone();
  for (Part &part : parts) part.journal.length = 80; // and not so
  LayFiles();
  Lay();
  unlink(record_path.c_str());
  ExpectUndone();
}

TEST_F(RecordTest, OutsideTheRootItIsNotLookedAt) {
  Lay();
  std::string good = record.Finish();
  for (const char *way : {"../", "../out/", "../r2/", "d/../../out/"}) {
    SCOPED_TRACE(way);
    parts[0].journal.InDoubt(way + RecordName(kSalt), kSalt);
    Lay();
    for (const char *name : {"", "out/"}) PutAt(Path(name + RecordName(kSalt)), good);
    ExpectRefused(parts[0], "is outside the root", MM_PERM);
    FaultSys sys;
    Look(parts[0]);
    for (const CallRecord &call : sys.Records()) {
      EXPECT_NE(call.path, Path(RecordName(kSalt)));
    }
  }
}

// Whether a torn journal was committed cannot be told then.
TEST_F(RecordTest, OutsideTheRootItLeavesATornJournalThere) {
  parts[0].journal.InDoubt("../" + RecordName(kSalt), kSalt);
  Lay();
  std::string journal = parts[0].journal.Finish();
  PutAt(JournalOf(parts[0]), journal.substr(0, journal.size() - 1) + "?");
  ExpectRefused(parts[0], "is outside the root", MM_PERM);
}

// One that stayed from before has bytes behind its end.
// Without a record a journal is undone: only if that is known, and not where another file system lies
// over the directory now, or the file was moved away.
TEST_F(RecordTest, NoRecordInAnotherDirectoryThanItsOwnIsAnError) {
  mm_beside_place here;
  ASSERT_EQ(mm_beside_place_of(record_path.c_str(), &here), 0);
  std::string name = RecordName(kSalt);
  parts[0].journal.InDoubt(name, kSalt, UINT64_MAX, here.inode + 1, here.birth);
  Lay();
  unlink(record_path.c_str());
  ExpectRefused(parts[0], "whose directory is not there");
  if (here.birth) {
    parts[0].journal.InDoubt(name, kSalt, UINT64_MAX, here.inode, here.birth + 1);
    Lay();
    unlink(record_path.c_str());
    ExpectRefused(parts[0], "whose directory is not there");
  }
  parts[0].journal.InDoubt(name, kSalt, UINT64_MAX, here.inode, here.birth);
  Lay();
  unlink(record_path.c_str());
  EXPECT_EQ(Look(parts[0]), kOld);
}

TEST_F(RecordTest, ADamagedJournalThatMayBeLongerIsAnError) {
  parts[1].journal.Longer("left over from before");
  Lay();
  std::string bad = StringOf(Contents(JournalOf(parts[1])));
  for (size_t i : {0, 9, 17, 33, 65, 75, 81, 110, 165}) {
    bad[i] = static_cast<char>(bad[i] ^ 64);
    PutAt(JournalOf(parts[1]), bad);
    ExpectRefused(parts[1], "was committed and is damaged");
    bad[i] = static_cast<char>(bad[i] ^ 64);
  }
}

TEST_F(RecordTest, AFileOfAnotherSizeIsRefused) {
  Lay();
  ASSERT_EQ(truncate(parts[0].path.c_str(), 7), 0);
  ExpectRefused(parts[0], "was made when the file had another size");
  unlink(record_path.c_str()); // it is nobody's business then
  EXPECT_EQ(Look(parts[0]), kOld.substr(0, 7));
}

// Their writer may have been killed before its own fsyncs, or have made none.
TEST_F(RecordTest, BeforeAByteIsReplayedItAndAllJournalsAreSynced) {
  Lay();
  FaultSys sys;
  EXPECT_EQ(Look(parts[0]), kNew);
  std::vector<std::string> synced;
  for (const CallRecord &call : sys.Records()) {
    if (call.call == Call::kWrite && call.path.find("/f") != std::string::npos) break;
    if (call.call == Call::kSync) synced.push_back(call.path);
  }
  std::vector<std::string> order = {JournalOf(parts[1]), Path("r/d"), JournalOf(parts[2]),
                                    Path("r"),           record_path, Path("r")};
  auto at = synced.begin();
  for (const std::string &path : order) {
    at = std::find(at, synced.end(), path);
    EXPECT_NE(at, synced.end()) << path;
    if (at != synced.end()) at++;
  }
}

// Two processes replay the last two at once: each sees the other's journal before its own goes.
TEST_F(RecordTest, GoesWithTheLastOfTwoThatAreReplayedAtOnce) {
  static std::function<void()> other;
  Lay();
  EXPECT_EQ(Look(parts[2]), kNew);
  other = [&] {
    other = nullptr;
    EXPECT_EQ(Look(parts[1]), kNew);
    EXPECT_TRUE(HasRecord());
  };
  mm_os.remove = [](const char *path) {
    if (auto once = other) once();
    return mm_sys_default()->remove(path);
  };
  EXPECT_EQ(Look(parts[0]), kNew);
  EXPECT_FALSE(other);
  ExpectNoLitter();
}

// ---- the other files

// One of them is not where it was: the others do not wait for it, and the record does.
class Away : public RecordTest {
protected:
  void ExpectKept() {
    EXPECT_EQ(Look(parts[0]), kNew) << err.text;
    EXPECT_EQ(Look(parts[2]), kNew) << err.text;
    EXPECT_FALSE(HasJournal(parts[0].path));
    EXPECT_FALSE(HasJournal(parts[2].path));
    EXPECT_TRUE(HasRecord());
  }
  void Move(const std::string &from, const std::string &to) {
    ASSERT_EQ(rename(from.c_str(), to.c_str()), 0) << from;
  }
};

TEST_F(Away, AFileThatIsGoneKeepsTheRecord) {
  Lay();
  unlink(parts[1].path.c_str());
  ExpectKept();
  EXPECT_TRUE(HasJournal(parts[1].path));
}

TEST_F(Away, AFileThatWasMovedKeepsItAndFindsItLater) {
  Lay();
  std::string to = Path("r/d/moved");
  Move(parts[1].path, to);
  Move(JournalOf(parts[1]), to + MM_JOURNAL_SUFFIX);
  ExpectKept();
  parts[1].path = to;
  EXPECT_EQ(Look(parts[1]), kNew);
  EXPECT_FALSE(HasJournal(to));
}

TEST_F(Away, AFileThatIsAnotherOneKeepsIt) {
  Lay();
  Move(parts[1].path, Path("out/g"));
  Put("r/d/g", Text("another one"));
  ExpectKept();
  EXPECT_EQ(Look(parts[1])[0], '!');
  EXPECT_EQ(code, MM_CORRUPT);
}

TEST_F(Away, AFileThatOnlyHasItsInodeKeepsIt) {
  if (parts[1].birth == 0) GTEST_SKIP() << "no file system with birth times";
  parts[1].birth++;
  Lay();
  unlink(JournalOf(parts[1]).c_str()); // it went with the file
  ExpectKept();
}

TEST_F(Away, AnotherInodeKeepsItWhereNoBirthTimeIsKnown) {
  parts[1].inode++;
  parts[1].birth = 0;
  Lay();
  unlink(JournalOf(parts[1]).c_str());
  ExpectKept();
}

TEST_F(Away, AnotherFileWithoutAJournalKeepsItToo) {
  Lay();
  Move(parts[1].path, Path("out/g"));
  Move(JournalOf(parts[1]), Path("out/g" MM_JOURNAL_SUFFIX));
  Put("r/d/g", Text("another one"));
  ExpectKept();
}

TEST_F(Away, WhatLiesOutsideTheRootKeepsItAndIsNotLookedAt) {
  parts[1] = Make("g", "out/");
  parts[1].name = "../out/g";
  Lay();
  auto before = Tree(Path("out"));
  FaultSys sys;
  ExpectKept();
  NoneBelow(sys, Path("out"));
  EXPECT_EQ(Tree(Path("out")), before);
}

TEST_F(Away, WhatLiesBehindALinkKeepsItAndIsNotRead) {
  parts[1] = Make("g", "out/");
  parts[1].name = "l/g";
  ASSERT_EQ(symlink("../out", Path("r/l").c_str()), 0);
  Lay();
  auto before = Tree(Path("out"));
  FaultSys sys;
  ExpectKept();
  for (const CallRecord &call : sys.Records()) {
    if (call.path.rfind(Path("r/l/"), 0) != 0) continue;
    EXPECT_TRUE(call.call != Call::kRead && call.call != Call::kSync && call.call != Call::kWrite)
        << NameOf(call.call);
  }
  EXPECT_EQ(Tree(Path("out")), before);
}

TEST_F(Away, NamesThatLeadNowhereKeepIt) {
  for (const std::string &bad : std::vector<std::string>{
           "/etc/passwd", "../../../../../../../../../etc/passwd", ".", "..", "d/./g", "d//g",
           "d/g/", "./d/g", "d/../..", "d/g/..", std::string(5000, 'x'), std::string(300, 'x')}) {
    SCOPED_TRACE(bad.substr(0, 60));
    LayFiles();
    parts[1].name = bad;
    Lay();
    FaultSys sys;
    ExpectKept();
    NoneBelow(sys, "/etc");
    EXPECT_EQ(StringOf(Contents(parts[1].path)), kOld);
    EXPECT_TRUE(HasJournal(parts[1].path));
  }
}

// Shared memory that is gone with the machine: nobody waits for it. What only says that it is keeps
// the record as everything outside the root does.
TEST_F(Away, SharedMemoryMayBeGone) {
  Lay();
  std::string up;
  for (char c : record_path) up += c == '/' ? "../" : "";
  record.File(1, 96, 1, 1, up.substr(3) + "etc/passwd", 1);
  LayRecord(record.Finish());
  {
    FaultSys sys;
    EXPECT_EQ(Look(parts[1]), kNew);
    ExpectKept();
    NoneBelow(sys, "/etc");
  }
  for (Part &part : parts) part.listed = true;
  LayFiles();
  Lay();
  std::string tag = "dev/shm/sqlite-mmap-" + std::to_string(geteuid()) + "-gone";
  record.File(1, 96, 1, 1, up.substr(3) + tag, 1);
  LayRecord(record.Finish());
  ExpectDone();
}

// What stands where the journal of another file was.
TEST_F(RecordTest, WhatIsNoJournalOfTheTransactionIsLeftAlone) {
  Lay();
  std::string journal = JournalOf(parts[1]), other = parts[1].path + "-other";
  auto others = [&](const char *what, bool waits) {
    SCOPED_TRACE(what);
    auto before = Tree(Path("r/d"));
    EXPECT_EQ(Look(parts[0]), kNew) << err.text;
    EXPECT_EQ(Look(parts[2]), kNew) << err.text;
    EXPECT_EQ(HasRecord(), waits);
    auto after = Tree(Path("r/d"));
    EXPECT_EQ(after, before);
    LayFiles();
    Lay();
  };
  unlink(journal.c_str());
  others("none", false);
  PutAt(journal, "");
  others("an empty one", false);
  JournalBytes bytes = parts[1].journal;
  bytes.salt++;
  PutAt(journal, bytes.Finish());
  others("another transaction's", false);
  bytes = parts[1].journal;
  std::string blank = bytes.Finish();
  blank.replace(0, 8, 8, '\0');
  PutAt(journal, blank);
  others("a blank one", false);
  blank.replace(4, 4, "jrnl");
  PutAt(journal, blank);
  others("a half blanked one", false);
  unlink(journal.c_str());
  ASSERT_EQ(mkfifo(journal.c_str(), 0600), 0);
  others("a FIFO", false);
  PutAt(other, parts[1].journal.Finish());
  unlink(journal.c_str());
  ASSERT_EQ(symlink(other.c_str(), journal.c_str()), 0);
  others("a link", false);
}

// It may be the transaction's, and damaged: whoever comes to it is to be told.
TEST_F(RecordTest, ADamagedJournalOfAnotherFileKeepsIt) {
  Lay();
  std::string good = StringOf(Contents(JournalOf(parts[1])));
  for (size_t i = 0; i < 80; i++) {
    SCOPED_TRACE(i);
    LayFiles();
    Lay();
    std::string bad = good;
    bad[i] = static_cast<char>(bad[i] ^ 4);
    PutAt(JournalOf(parts[1]), bad);
    EXPECT_EQ(Look(parts[0]), kNew) << err.text;
    EXPECT_EQ(Look(parts[2]), kNew) << err.text;
    EXPECT_TRUE(HasRecord());
    EXPECT_EQ(Look(parts[1])[0], '!');
    EXPECT_EQ(code, MM_CORRUPT);
  }
}

// In the record's directory and in another, by a reader and a writer, whichever byte it is.
TEST_F(RecordTest, ADamagedJournalBesideItIsAnError) {
  for (Part &part : parts) {
    Lay();
    std::string good = StringOf(Contents(JournalOf(part)));
    size_t named = 80 + part.journal.doubt.size();
    for (size_t i = 0; i < good.size(); i++) {
      // Where the name of a record in another directory is itself damaged, nothing leads to it.
      if (part.name == "d/g" && i >= 88 && i < named) continue;
      SCOPED_TRACE(part.name + " " + std::to_string(i));
      std::string bad = good;
      bad[i] = static_cast<char>(bad[i] ^ 16);
      PutAt(JournalOf(part), bad);
      ASSERT_EQ(Look(part, true)[0], '!');
      ASSERT_EQ(code, MM_CORRUPT);
      ASSERT_EQ(Look(part)[0], '!');
      ASSERT_EQ(code, MM_CORRUPT);
      ASSERT_TRUE(HasRecord());
      ASSERT_TRUE(HasJournal(part.path));
    }
    for (size_t size = part.name == "d/g" ? named : 96; size < good.size(); size++) {
      PutAt(JournalOf(part), good.substr(0, size));
      ASSERT_EQ(Look(part)[0], '!') << size;
      ASSERT_EQ(code, MM_CORRUPT);
    }
  }
}

// ---- with the objects of a transaction (together.h)

// The record is lost durably before the first journal, whatever comes first in the transaction: of
// shared memory nothing has to be durable, of files all.
TEST_F(RecordTest, IsTakenBackDurablyThoughSharedMemoryComesFirst) {
  std::string tag = "record test " + std::to_string(getpid());
  mm_object *memory = nullptr;
  ASSERT_EQ(mm_object_open_tag(tag.c_str(), 100, &settings, &memory, &err), MM_OK) << err.text;
  for (bool roll_back : {false, true}) {
    std::vector<Object> objects;
    objects.emplace_back(memory);
    for (int i : {0, 1}) objects.push_back(Open(parts[i].path));
    std::vector<mm_object *> all;
    for (Object &object : objects) {
      object.Begin();
      object.Write(1, "NEW");
      all.push_back(object);
    }
    ASSERT_EQ(mm_objects_prepare(all.data(), all.size(), &err), MM_OK) << err.text;
    FaultSys sys;
    if (roll_back) ASSERT_EQ(mm_objects_rollback(all.data(), all.size(), &err), MM_OK);
    if (!roll_back) ASSERT_EQ(mm_objects_unprepare(all.data(), all.size(), &err), MM_OK);
    bool emptied = false, removed = false, journal = false;
    for (const CallRecord &call : sys.Records()) {
      journal |= call.path == JournalOf(parts[0]) || call.path == JournalOf(parts[1]);
      bool sync = call.call == Call::kSync && !journal;
      emptied |= sync && call.path.find(MM_RECORD_PREFIX) != std::string::npos;
      removed |= sync && emptied && call.path == Path("r");
    }
    EXPECT_TRUE(journal);
    EXPECT_TRUE(emptied);
    EXPECT_TRUE(removed);
    if (!roll_back) EXPECT_EQ(mm_objects_rollback(all.data(), all.size(), &err), MM_OK);
    ASSERT_EQ(mm_object_open_tag(tag.c_str(), 100, &settings, &memory, &err), MM_OK) << err.text;
  }
  mm_object_close(memory);
}

// What survives a loss of power must not hang on what does not.
TEST_F(RecordTest, TheStrictestLevelOfAnyFileIsThatOfAll) {
  mm_settings levels[] = {settings, settings, settings};
  levels[0].synchronous = levels[2].synchronous = MM_SYNC_NORMAL;
  std::vector<Object> objects;
  std::vector<mm_object *> all;
  for (int i = 0; i < 3; i++) {
    objects.push_back(Open(parts[i].path, MM_OBJECT_FILE, levels[i]));
    objects.back().Begin();
    objects.back().Write(1, "NEW");
    all.push_back(objects.back());
  }
  FaultSys sys;
  ASSERT_EQ(mm_objects_prepare(all.data(), all.size(), &err), MM_OK) << err.text;
  std::set<std::string> synced;
  for (const CallRecord &call : sys.RecordsOf(Call::kSync)) synced.insert(call.path);
  for (const Part &part : parts) EXPECT_EQ(synced.count(JournalOf(part)), 1u) << part.name;
  ASSERT_EQ(mm_objects_commit(all.data(), all.size(), &err), MM_OK) << err.text;
  ExpectNoLitter();
}

// One cannot be prepared: what was made for the others goes at once, not with ROLLBACK only.
TEST_F(RecordTest, APrepareThatFailsLeavesNothing) {
  for (int bad = 0; bad < 3; bad++) {
    LayFiles();
    std::vector<Object> objects;
    std::vector<mm_object *> all;
    for (const Part &part : parts) {
      objects.push_back(Open(part.path));
      objects.back().Begin();
      objects.back().Write(1, "NEW");
      all.push_back(objects.back());
    }
    OutsideResize(parts[bad].path, 11);
    EXPECT_EQ(mm_objects_prepare(all.data(), all.size(), &err), MM_CHANGED);
    ExpectNoLitter();
    EXPECT_EQ(mm_objects_rollback(all.data(), all.size(), &err), MM_OK) << err.text;
    objects.clear();
    OutsideResize(parts[bad].path, 10);
  }
}

// A commit of n files: calls, fsyncs and descriptors grow as n does.
TEST_F(RecordTest, OfManyFilesIsMadeInTimeLinearInThem) {
  std::vector<double> calls, syncs, descriptors;
  for (unsigned n : {50u, 100u, 200u}) {
    std::vector<Object> objects;
    std::vector<mm_object *> all;
    for (unsigned i = 0; i < n; i++) {
      objects.push_back(Open(Put("r/n" + std::to_string(i), Text(kOld))));
      objects.back().Begin();
      objects.back().Write(1, "NEW");
      all.push_back(objects.back());
    }
    int before = OpenDescriptors();
    FaultSys sys;
    ASSERT_EQ(mm_objects_prepare(all.data(), all.size(), &err), MM_OK) << err.text;
    descriptors.push_back(OpenDescriptors() - before);
    ASSERT_EQ(mm_objects_commit(all.data(), all.size(), &err), MM_OK) << err.text;
    calls.push_back(static_cast<double>(sys.Records().size()) / n);
    syncs.push_back(static_cast<double>(sys.RecordsOf(Call::kSync).size()) / n);
    for (Object &object : objects) EXPECT_EQ(StringOf(object.Seen()), kNew);
    ExpectNoLitter();
  }
  EXPECT_LE(calls[2], calls[0]);
  EXPECT_LE(syncs[2], syncs[0]);
  EXPECT_LE(descriptors, (std::vector<double>{50, 100, 200})); // each journal
}

// Of n files, whichever order they are opened in, by one process: calls grow as n does, and so do
// fsyncs, which are what takes long.
TEST_F(RecordTest, OfManyFilesCostsEachLittle) {
  for (int order = 0; order < 3; order++) {
    std::vector<double> calls, syncs;
    for (unsigned n : {40u, 80u, 160u}) {
      parts.clear();
      for (unsigned i = 0; i < n; i++) parts.push_back(Make("n" + std::to_string(i)));
      Lay();
      if (order == 1) std::reverse(parts.begin(), parts.end());
      if (order == 2) std::shuffle(parts.begin(), parts.end(), std::mt19937(7));
      FaultSys sys;
      for (const Part &part : parts) ASSERT_EQ(Look(part), kNew) << err.text;
      calls.push_back(static_cast<double>(sys.Records().size()) / n);
      syncs.push_back(static_cast<double>(sys.RecordsOf(Call::kSync).size()) / n);
      ExpectNoLitter();
    }
    EXPECT_LT(calls[2], calls[0] * 1.6) << order << ": " << calls[0] << " " << calls[1];
    EXPECT_LT(syncs[2], syncs[0] * 1.3) << order << ": " << syncs[0] << " " << syncs[1];
  }
}

} // namespace
