// The journal: what is written, what is believed, what is replayed.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>
#include <functional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

extern "C" {
#include "core/file/journal.h"
#include "core/common/mem.h"
#include "core/os/path.h"
}
#include "tests/support/core_file.h"
#include "tests/support/fault_sys.h"
#include "tests/support/journal_bytes.h"
#include "tests/support/scratch.h"

namespace {

using mm_test::Call;
using mm_test::CallRecord;
using mm_test::CloseForCore;
using mm_test::Exists;
using mm_test::FaultSys;
using mm_test::Get;
using mm_test::JournalBytes;
using mm_test::OpenForCore;
using mm_test::Put;
using mm_test::WriteAt;

constexpr uint64_t kSalt = 0x0123456789abcdef;
void FixedRandom(void *data, size_t size) {
  memcpy(data, &kSalt, size < 8 ? size : 8);
}
uint64_t TinyLimit() {
  return 150;
}
uint32_t SomebodyElse() {
  return 12345;
}
int NotAllowed(int, uint32_t, uint32_t) {
  return -EPERM;
}

// An allocator that fails at the nth call.
int allocations_left = INT_MAX;
void *FailingAlloc(uint64_t size) {
  return allocations_left-- > 0 ? malloc(size) : nullptr;
}
void *FailingRealloc(void *p, uint64_t size) {
  return allocations_left-- > 0 ? realloc(p, size) : nullptr;
}

std::string Noise(size_t size, uint32_t seed = 1) {
  std::string text(size, 0);
  for (char &c : text) c = static_cast<char>((seed = seed * 1664525 + 1013904223) >> 24);
  return text;
}

struct Piece {
  uint64_t offset;
  std::string data; // empty: `zeros` zeros
  uint64_t zeros = 0;
};

class JournalTest : public testing::Test {
protected:
  void SetUp() override {
    Make("0123456789");
    Plan(10, {{1, "x"}});
  }
  void TearDown() override {
    mm_os = *mm_sys_default();
    mm_mem_use(nullptr);
    mm_journal_close(&found);
    CloseForCore(fd);
  }

  void Make(const std::string &bytes) {
    CloseForCore(fd);
    Put(path, bytes);
    fd = OpenForCore(path);
    Look();
  }
  void Look() { ASSERT_EQ(mm_os.status(fd, &stat), 0); }

  void Plan(uint64_t new_size, std::vector<Piece> given) {
    pieces = std::move(given);
    change = {};
    change.old_size = Get(path).size();
    change.new_size = new_size;
    extents.clear();
    for (const Piece &piece : pieces) {
      const uint8_t *data = reinterpret_cast<const uint8_t *>(piece.data.data());
      extents.push_back({piece.offset, piece.zeros ? piece.zeros : piece.data.size(),
                         piece.zeros ? nullptr : data, 0});
    }
    change.extents = extents.data();
    change.count = extents.size();
  }
  // What the plan makes of a file.
  std::string Planned(std::string file) const {
    if (file.size() < change.new_size) file.resize(change.new_size);
    for (const Piece &piece : pieces) {
      uint64_t size = piece.zeros ? piece.zeros : piece.data.size();
      file.replace(piece.offset, size, piece.zeros ? std::string(size, 0) : piece.data);
    }
    file.resize(change.new_size);
    return file;
  }

  int Write(bool durable = false) { return WriteTo(name, durable); }
  int WriteTo(const std::string &where, bool durable) {
    mm_journal_plan plan = {};
    plan.path = where.c_str();
    plan.kept = &kept;
    plan.durable = plan.name_too = durable;
    plan.birth = mm_os.birth(fd);
    mm_os.random(&plan.salt, sizeof plan.salt);
    int rc = mm_journal_write(&plan, &stat, &change, &made, &err);
    CloseForCore(made.fd);
    return rc;
  }
  int Remove(bool roll_back, bool durable = true) {
    return mm_journal_remove(name.c_str(), roll_back, durable, &err);
  }
  int Open() {
    mm_journal_close(&found);
    return mm_journal_open(name.c_str(), fd, &stat, &found, &state, &err);
  }
  int Replay(bool durable = false) { return mm_journal_replay(&found, fd, durable, "a.bin", &err); }
  // A journal of this file, good until something in it is spoiled.
  JournalBytes Bytes(uint64_t new_size = 10) const {
    JournalBytes bytes;
    bytes.inode = stat.inode;
    bytes.birth = static_cast<uint64_t>(mm_os.birth(fd));
    bytes.old_size = stat.size;
    bytes.new_size = new_size;
    return bytes;
  }
  int State(const std::string &bytes) {
    unlink(name.c_str());
    Put(name, bytes);
    return Open() == MM_OK ? state : -1;
  }
  void ExpectRefused(const char *why, int as = MM_JOURNAL_NONE) {
    EXPECT_EQ(Open(), MM_CORRUPT) << "state " << state;
    EXPECT_EQ(found.fd, -1);
    EXPECT_EQ(state, as);
    EXPECT_NE(std::string(err.text).find(name), std::string::npos) << err.text;
    EXPECT_NE(std::string(err.text).find(why), std::string::npos) << err.text;
  }
  mode_t Mode() const {
    struct stat st;
    return lstat(name.c_str(), &st) == 0 ? st.st_mode & 07777 : 0;
  }

  mm_test::Scratch scratch;
  std::string path = scratch / "a.bin", name = path + MM_JOURNAL_SUFFIX;
  int fd = -1;
  mm_stat stat{};
  mm_change change{};
  mm_journal_made made = {};
  mm_journal_kept kept = {-1, 0, 0, false};
  mm_journal found = Closed();
  int state = -1;
  mm_error err{};

private:
  static mm_journal Closed() {
    mm_journal journal{};
    journal.fd = -1;
    return journal;
  }
  std::vector<Piece> pieces;
  std::vector<mm_extent> extents;
};

// Names

TEST_F(JournalTest, LiesBesideTheFile) {
  char *composed = mm_journal_path("/x/a.bin");
  EXPECT_STREQ(composed, "/x/a.bin-mmap-journal");
  mm_free(composed);
}

TEST_F(JournalTest, ExistsWhateverItIs) {
  EXPECT_FALSE(mm_journal_exists(name.c_str()));
  ASSERT_EQ(symlink("nowhere", name.c_str()), 0);
  EXPECT_TRUE(mm_journal_exists(name.c_str()));
}

TEST_F(JournalTest, ExistsWhenThatCannotBeTold) {
  FaultSys sys;
  sys.FailAt(0, EACCES);
  EXPECT_TRUE(mm_journal_exists(name.c_str()));
  EXPECT_EQ(sys.Trace(), "status_link");
}

TEST_F(JournalTest, ANameTooLongForTheFileSystemNamesNone) {
  std::string lengthy = scratch / std::string(250, 'n') + MM_JOURNAL_SUFFIX;
  EXPECT_FALSE(mm_journal_exists(lengthy.c_str()));
  EXPECT_EQ(mm_journal_open(lengthy.c_str(), fd, &stat, &found, &state, &err), MM_OK);
  EXPECT_EQ(state, MM_JOURNAL_NONE);
  EXPECT_EQ(WriteTo(lengthy, false), MM_CANTOPEN);
}

// Format

TEST_F(JournalTest, TheTestsOwnChecksumIsXxh64) {
  std::string ascending;
  for (int i = 0; i < 101; i++) ascending += static_cast<char>(i);
  EXPECT_EQ(mm_test::Xxh64(0, ""), 0xef46db3751d8e999u);
  EXPECT_EQ(mm_test::Xxh64(0, "abc"), 0x44bc2cf5ad770999u);
  EXPECT_EQ(mm_test::Xxh64(0, "Nobody inspects the spammish repetition"), 0xfbcea83c8a378bf1u);
  EXPECT_EQ(mm_test::Xxh64(2654435761u, ascending), 0xa1c6d4174c37136du);
}

TEST_F(JournalTest, IsWrittenAsTheFormatSays) {
  mm_os.random = FixedRandom;
  for (size_t size : {1, 3, 4, 7, 8, 9, 31, 32, 33, 1000}) {
    Plan(5000, {{1, Noise(size)}, {2000, "", 7}, {3000, "z"}});
    ASSERT_EQ(Write(), MM_OK) << err.text;
    EXPECT_EQ(Get(name), Bytes(5000).Data(1, Noise(size)).Zeros(2000, 7).Data(3000, "z").Finish());
    ASSERT_EQ(Remove(false, false), MM_OK);
  }
}

TEST_F(JournalTest, SplitsALongExtentIntoRecords) {
  mm_os.random = FixedRandom;
  std::string data = Noise((512 << 10) + 5);
  Plan(1 << 20, {{9, data}});
  ASSERT_EQ(Write(), MM_OK) << err.text;
  EXPECT_EQ(Get(name), Bytes(1 << 20)
                           .Data(9, data.substr(0, 256 << 10))
                           .Data(9 + (256 << 10), data.substr(256 << 10, 256 << 10))
                           .Data(9 + (512 << 10), data.substr(512 << 10))
                           .Finish());
}

TEST_F(JournalTest, SaltsDiffer) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK);
  uint64_t salt = found.salt;
  ASSERT_EQ(Remove(false), MM_OK);
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK);
  EXPECT_NE(found.salt, salt);
}

// Write

TEST_F(JournalTest, ASmallOneIsAFewCalls) {
  Plan(10, {{1, "x"}});
  FaultSys sys;
  ASSERT_EQ(Write(true), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "birth open status write sync open sync close");
  EXPECT_EQ(sys.Records()[4].path, name);
  EXPECT_EQ(sys.Records()[6].path, scratch.path());
}

TEST_F(JournalTest, IsNotSyncedWhenNotAsked) {
  Plan(10, {{1, "x"}});
  FaultSys sys;
  ASSERT_EQ(Write(false), MM_OK) << err.text;
  ASSERT_EQ(Remove(false, false), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "birth open status write remove");
}

TEST_F(JournalTest, TakesTheFilesModeWithoutExecuteBits) {
  for (auto [mode, expected] :
       {std::pair(0755u, 0644u), {0600, 0600}, {0666, 0666}, {0444, 0444}}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    Look();
    ASSERT_EQ(Write(), MM_OK) << err.text;
    EXPECT_EQ(Mode(), expected);
    ASSERT_EQ(Remove(false), MM_OK);
  }
}

TEST_F(JournalTest, IsMadeUnreadableToOthers) {
  mode_t mode = umask(0);
  FaultSys sys;
  sys.CountOnly({Call::kSetMode});
  sys.FailAt(0, EPERM);
  ASSERT_EQ(chmod(path.c_str(), 0640), 0);
  Look();
  EXPECT_EQ(Write(), MM_OK);
  EXPECT_EQ(Mode(), 0600u);
  umask(mode);
}

// What somebody may do with the file by its mode: r 4, w 2.
unsigned Right(const struct stat &st, uid_t user, gid_t group) {
  unsigned shift = user == uid_t(st.st_uid) ? 6 : group == gid_t(st.st_gid) ? 3 : 0;
  return st.st_mode >> shift & 06;
}

std::string watched; // a journal's name
struct stat of_file;

// Nobody may do more with the journal than with the file, whose owner may do as he likes: nobody of the
// file's group or of ours, and no other.
void NobodyMayDoMore() {
  struct stat st;
  if (lstat(watched.c_str(), &st) != 0) return;
  for (gid_t group : {gid_t(of_file.st_gid), getegid(), gid_t(4321)}) {
    EXPECT_EQ(Right(st, 4321, group) & ~Right(of_file, 4321, group), 0u)
        << std::oct << of_file.st_mode << " " << st.st_mode << std::dec << " " << group;
  }
}

// At each call, for each mode, whoever the file belongs to.
TEST_F(JournalTest, IsAtNoTimeOpenToMoreThanTheFile) {
  bool root = geteuid() == 0;
  mode_t before = umask(0);
  watched = name;
  for (mode_t mask : {0, 022, 077}) {
    for (auto [user, group] :
         {std::pair(geteuid(), getegid()), {1234, getegid()}, {geteuid(), 1234}, {1234, 5678}}) {
      if (!root && (user != geteuid() || group != getegid())) continue;
      ASSERT_EQ(chown(path.c_str(), user, group), 0);
      for (unsigned bits = 0; bits < 64; bits++) {
        mode_t mode = (bits & 060) << 3 | (bits & 014) << 2 | (bits & 03) << 1;
        ASSERT_EQ(chmod(path.c_str(), mode), 0);
        ASSERT_EQ(fstat(fd, &of_file), 0);
        Look();
        umask(mask);
        FaultSys sys;
        sys.OnCall(NobodyMayDoMore);
        ASSERT_EQ(Write(), MM_OK) << err.text;
        struct stat st;
        ASSERT_EQ(lstat(name.c_str(), &st), 0);
        EXPECT_EQ(st.st_mode & 0777u, mode);
        EXPECT_EQ(st.st_uid, user);
        EXPECT_EQ(st.st_gid, group);
        ASSERT_EQ(Remove(false), MM_OK);
        umask(0);
      }
    }
  }
  umask(before);
}

TEST_F(JournalTest, TakesTheFilesOwner) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(chown(path.c_str(), 1234, 5678), 0);
  Look();
  ASSERT_EQ(Write(), MM_OK) << err.text;
  struct stat st;
  ASSERT_EQ(lstat(name.c_str(), &st), 0);
  EXPECT_EQ(st.st_uid, 1234u);
  EXPECT_EQ(st.st_gid, 5678u);
  ASSERT_EQ(Open(), MM_OK) << err.text;
  EXPECT_EQ(state, MM_JOURNAL_WHOLE);
}

// The journal's group is then one that the file may grant nothing to.
TEST_F(JournalTest, GrantsNobodyMoreWhenTheOwnerCannotBeGiven) {
  mm_os.set_owner = NotAllowed;
  mm_os.user = SomebodyElse;
  for (auto [mode, expected] :
       {std::pair(0640u, 0600u), {0664, 0644}, {0604, 0600}, {0060, 0600}}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    Look();
    stat.user++;
    ASSERT_EQ(Write(), MM_OK) << err.text;
    EXPECT_EQ(Mode(), expected) << std::oct << mode;
    ASSERT_EQ(Remove(false), MM_OK);
  }
}

TEST_F(JournalTest, WhatIsInTheWayStays) {
  Plan(10, {{1, "x"}});
  Put(name, "somebody's");
  EXPECT_EQ(Write(true), MM_CORRUPT);
  EXPECT_NE(std::string(err.text).find(name), std::string::npos);
  EXPECT_EQ(Get(name), "somebody's");
}

TEST_F(JournalTest, IsNotWrittenThroughALink) {
  ASSERT_EQ(symlink((scratch / "target").c_str(), name.c_str()), 0);
  EXPECT_EQ(Write(), MM_CORRUPT);
  EXPECT_FALSE(Exists(scratch / "target"));
}

TEST_F(JournalTest, PastTheLimitOfTheProcessNoneIsMade) {
  mm_os.file_size_limit = TinyLimit;
  Plan(100, {{1, std::string(80, 'x')}});
  EXPECT_EQ(Write(), MM_FULL);
  EXPECT_FALSE(Exists(name));
}

TEST_F(JournalTest, AFileSystemThatKnowsNoSyncOfDirectoriesIsNoError) {
  for (int error : {EINVAL, EOPNOTSUPP}) {
    FaultSys sys;
    sys.CountOnly({Call::kSync});
    sys.FailAt(1, error);
    EXPECT_EQ(Write(true), MM_OK) << err.text;
    sys.Reset();
    sys.CountOnly({Call::kSync});
    sys.FailAt(0, error);
    EXPECT_EQ(Remove(false), MM_OK) << err.text;
    EXPECT_TRUE(sys.Fired());
  }
}

TEST_F(JournalTest, DirectoriesOfAllPathsAreFound) {
  FaultSys sys;
  EXPECT_EQ(mm_beside_make_name_durable("/x", &err), MM_OK) << err.text;
  EXPECT_EQ(mm_beside_make_name_durable("x", &err), MM_OK) << err.text;
  EXPECT_EQ(mm_beside_make_name_durable((scratch / "x").c_str(), &err), MM_OK) << err.text;
  std::vector<CallRecord> opened = sys.RecordsOf(Call::kOpen);
  ASSERT_EQ(opened.size(), 3u);
  EXPECT_EQ(opened[0].path, "/");
  EXPECT_EQ(opened[1].path, ".");
  EXPECT_EQ(opened[2].path, scratch.path());
  EXPECT_EQ(mm_beside_make_name_durable((scratch / "none/x").c_str(), &err), MM_IOERR);
  EXPECT_EQ(mm_beside_make_name_durable(("/" + std::string(9000, 'x') + "/x").c_str(), &err),
            MM_IOERR);
}

TEST_F(JournalTest, AFailedWriteLeavesNothingUnderTheName) {
  Plan(20, {{1, "x"}, {5, "", 3}, {15, "yz"}});
  for (int error : {EIO, ENOSPC}) {
    for (int n = 0;; n++) {
      ASSERT_EQ(Remove(false), MM_OK);
      FaultSys sys;
      sys.FailAt(n, error);
      int rc = Write(true);
      if (!sys.Fired()) break;
      if (rc != MM_OK) {
        EXPECT_FALSE(Exists(name)) << sys.Trace();
      } else {
        ASSERT_EQ(Open(), MM_OK);
        EXPECT_EQ(state, MM_JOURNAL_WHOLE) << sys.Trace();
      }
    }
  }
}

TEST_F(JournalTest, AWriteThatKeepsFailingLeavesNothingThatCouldBeReplayed) {
  Plan(20, {{1, "x"}, {15, "yz"}});
  for (int n = 0;; n++) {
    FaultSys sys;
    sys.CountOnly({Call::kWrite, Call::kSync, Call::kResize, Call::kSetMode});
    sys.FailAt(n, EIO, true);
    int rc = Write(true);
    if (!sys.Fired()) break;
    EXPECT_NE(rc, MM_OK);
    EXPECT_FALSE(Exists(name)) << sys.Trace();
  }
}

TEST_F(JournalTest, AFailedSyncEmptiesItDurablyBeforeTheNameGoes) {
  Plan(10, {{1, "x"}});
  FaultSys sys;
  sys.CountOnly({Call::kSync});
  sys.FailAt(0, EIO);
  EXPECT_EQ(Write(true), MM_IOERR);
  EXPECT_EQ(sys.Trace(), "birth open status write sync resize sync remove open sync "
                         "close close");
}

TEST_F(JournalTest, WhatCanNeitherBeEmptiedNorRemovedIsSaidSo) {
  Plan(10, {{1, "x"}});
  FaultSys sys;
  sys.CountOnly({Call::kSync, Call::kRemove, Call::kResize});
  sys.FailAt(0, EIO, true);
  EXPECT_EQ(Write(true), MM_IOERR);
  EXPECT_NE(std::string(err.text).find("may be replayed"), std::string::npos) << err.text;
}

TEST_F(JournalTest, ShortWritesAndReadsAreGoneOnWith) {
  Plan(5000, {{1, Noise(3000)}, {4000, "", 9}});
  FaultSys sys;
  sys.MaxWrite(13);
  sys.MaxRead(11);
  ASSERT_EQ(Write(), MM_OK) << err.text;
  ASSERT_EQ(Open(), MM_OK) << err.text;
  ASSERT_EQ(state, MM_JOURNAL_WHOLE);
  ASSERT_EQ(Replay(), MM_OK) << err.text;
  EXPECT_EQ(Get(path), Planned("0123456789"));
}

// What was asked says why to give up.
TEST_F(JournalTest, IsGivenUpAsTheWatchSays) {
  for (int answer : {1, static_cast<int>(MM_NOMEM)}) {
    mm_pace pace = {{[](void *say, uint64_t) { return *static_cast<int *>(say); }, &answer}, 0};
    Plan(16 << 20, {{1, Noise(12 << 20)}});
    change.pace = &pace;
    EXPECT_EQ(Write(true), answer == 1 ? MM_INTERRUPT : MM_NOMEM);
    EXPECT_EQ(std::string(err.text), answer == 1 ? "interrupted" : "out of memory");
    EXPECT_FALSE(Exists(name));
  }
}

TEST_F(JournalTest, NoMemoryIsNoHarm) {
  mm_allocator failing = {FailingAlloc, FailingRealloc, free};
  mm_mem_use(&failing);
  Plan(20, {{1, "x"}});
  allocations_left = 0;
  EXPECT_EQ(mm_journal_path("x"), nullptr);
  EXPECT_EQ(Write(true), MM_NOMEM);
  EXPECT_FALSE(Exists(name));
  allocations_left = INT_MAX;
  ASSERT_EQ(Write(true), MM_OK);
  allocations_left = 0;
  EXPECT_EQ(Open(), MM_NOMEM);
  EXPECT_EQ(found.fd, -1);
  allocations_left = INT_MAX;
  ASSERT_EQ(Open(), MM_OK);
  allocations_left = 0;
  EXPECT_EQ(Replay(), MM_NOMEM);
  allocations_left = INT_MAX;
}

// Open: what is whole and what is not

TEST_F(JournalTest, NoneIsNone) {
  EXPECT_EQ(Open(), MM_OK);
  EXPECT_EQ(state, MM_JOURNAL_NONE);
  EXPECT_EQ(found.fd, -1);
}

TEST_F(JournalTest, AWholeOneIsOpenAndSaysWhatItIs) {
  Plan(20, {{1, "x"}, {5, "", 3}});
  ASSERT_EQ(Write(true), MM_OK);
  ASSERT_EQ(Open(), MM_OK) << err.text;
  EXPECT_EQ(state, MM_JOURNAL_WHOLE);
  EXPECT_GE(found.fd, 0);
  EXPECT_EQ(found.old_size, 10u);
  EXPECT_EQ(found.new_size, 20u);
  EXPECT_EQ(found.count, 2u);
  EXPECT_EQ(found.size, Get(name).size());
  mm_journal_close(&found);
  mm_journal_close(&found);
  EXPECT_EQ(found.fd, -1);
}

TEST_F(JournalTest, OneThatIsTruncatedAnywhereIsTorn) {
  Plan(200, {{1, "x"}, {5, "", 3}, {50, Noise(100)}});
  ASSERT_EQ(Write(), MM_OK);
  std::string whole = Get(name);
  for (size_t size = 0; size < whole.size(); size++) {
    EXPECT_EQ(State(whole.substr(0, size)), MM_JOURNAL_TORN) << size;
    EXPECT_EQ(found.fd, -1);
  }
}

TEST_F(JournalTest, OneWithAnyBitFlippedIsNotWhole) {
  Plan(200, {{1, "x"}, {5, "", 3}, {50, Noise(60)}});
  ASSERT_EQ(Write(), MM_OK);
  std::string whole = Get(name);
  for (size_t bit = 0; bit < whole.size() * 8; bit++) {
    std::string flipped = whole;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    EXPECT_EQ(State(flipped), MM_JOURNAL_TORN) << bit;
  }
  EXPECT_EQ(State(whole), MM_JOURNAL_WHOLE);
}

TEST_F(JournalTest, OneWithASectorThatWasNeverWrittenIsTorn) {
  Plan(20000, {{1, Noise(10000)}});
  ASSERT_EQ(Write(), MM_OK);
  std::string whole = Get(name);
  for (size_t at = 0; at < whole.size(); at += 512) {
    for (char filler : {'\0', '\xff'}) {
      std::string torn = whole;
      std::fill(torn.begin() + at, torn.begin() + std::min(at + 512, torn.size()), filler);
      EXPECT_EQ(State(torn), MM_JOURNAL_TORN) << at;
    }
  }
}

TEST_F(JournalTest, OneMixedFromTwoIsTorn) {
  Plan(20000, {{1, Noise(300)}, {1000, Noise(300)}, {2000, Noise(300)}});
  ASSERT_EQ(Write(), MM_OK);
  std::string one = Get(name);
  ASSERT_EQ(Remove(false, false), MM_OK);
  ASSERT_EQ(Write(), MM_OK);
  std::string two = Get(name);
  ASSERT_EQ(one.size(), two.size());
  for (size_t at = 512; at < one.size(); at += 512) {
    EXPECT_EQ(State(one.substr(0, at) + two.substr(at)), MM_JOURNAL_TORN) << at;
  }
}

TEST_F(JournalTest, OneWithBytesBehindItIsNotWhole) {
  std::string good = Bytes().Data(1, "x").Finish();
  EXPECT_EQ(State(good + '\0'), MM_JOURNAL_TORN);
  EXPECT_EQ(State(good + good), MM_JOURNAL_TORN);
  JournalBytes bytes = Bytes().Data(1, "x");
  bytes.length = good.size() + 5; // the header knows of them
  EXPECT_EQ(State(bytes.Finish() + "extra"), MM_JOURNAL_TORN);
}

// All of these have the right checksums.
TEST_F(JournalTest, OneThatBreaksARuleIsNotWholeThoughItsChecksumsAreRight) {
  constexpr uint64_t kMax = UINT64_MAX;
  ASSERT_EQ(State(Bytes(20).Data(1, "x").Zeros(2, 18).Finish()), MM_JOURNAL_WHOLE) << err.text;
  ASSERT_EQ(State(Bytes(20).Finish()), MM_JOURNAL_WHOLE) << "of a change of size alone";
  std::string large(256 << 10, 'x');
  ASSERT_EQ(State(Bytes(1 << 20).Data(0, large).Finish()), MM_JOURNAL_WHOLE);

  std::vector<std::pair<const char *, JournalBytes>> bad = {
      {"past the end", Bytes(10).Data(10, "x")},
      {"over the end", Bytes(10).Data(9, "xy")},
      {"zeros over the end", Bytes(10).Zeros(0, 11)},
      {"overflowing", Bytes(10).Zeros(kMax, 2)},
      {"overflowing to zero", Bytes(10).Zeros(5, kMax - 4)},
      {"far away", Bytes(10).Data(kMax - 3, "x")},
      {"not ascending", Bytes(10).Data(5, "x").Data(1, "y")},
      {"overlapping", Bytes(10).Data(1, "xyz").Data(3, "y")},
      {"the same twice", Bytes(10).Data(1, "x").Data(1, "x")},
      {"empty", Bytes(10).Data(1, "")},
      {"empty zeros", Bytes(10).Zeros(1, 0)},
      {"an unknown flag", Bytes(10).Raw(1, 1, 2, "x")},
      {"flags both known and unknown", Bytes(10).Raw(1, 1, 3, "x")},
      {"a high flag", Bytes(10).Raw(1, 1, uint64_t{1} << 63, "x")},
      {"more data than there is", Bytes(200).Raw(1, 100, 0, "x")},
      {"data into the commit record", Bytes(200).Raw(1, 17, 0, "x")},
      {"a record too long", Bytes(1 << 20).Data(0, large + "x")},
      {"a huge length", Bytes(1 << 20).Raw(0, kMax, 0, "x")}};
  for (auto &[what, bytes] : bad) EXPECT_EQ(State(bytes.Finish()), MM_JOURNAL_TORN) << what;

  auto spoil = [&](const char *what, auto change_it) {
    JournalBytes bytes = Bytes(10).Data(1, "x").Data(5, "y");
    change_it(bytes);
    EXPECT_EQ(State(bytes.Finish()), MM_JOURNAL_TORN) << what;
  };
  spoil("magic", [](JournalBytes &b) { b.magic = "mmapjrnk"; });
  spoil("commit magic", [](JournalBytes &b) { b.done = "mmapdonf"; });
  spoil("reserved", [](JournalBytes &b) { b.flags = 1; });
  spoil("too few", [](JournalBytes &b) { b.count = 1; });
  spoil("too many", [](JournalBytes &b) { b.count = 3; });
  spoil("far too many", [](JournalBytes &b) { b.count = uint64_t{1} << 62; });
  spoil("none", [](JournalBytes &b) { b.count = 0; });
  spoil("length short", [](JournalBytes &b) { b.length = 96; });
  spoil("length long", [](JournalBytes &b) { b.length = uint64_t{1} << 63; });
  spoil("size negative", [](JournalBytes &b) { b.new_size = uint64_t{1} << 63; });
  spoil("old size negative", [](JournalBytes &b) { b.old_size = kMax; });
}

TEST_F(JournalTest, OneOfALaterVersionIsRefused) {
  JournalBytes bytes = Bytes().Data(1, "x");
  bytes.version = 3;
  bytes.count = uint64_t{1} << 62; // may mean anything to that version
  Put(name, bytes.Finish());
  ExpectRefused("version");
}

TEST_F(JournalTest, OneOfAnotherFileIsRefused) {
  JournalBytes bytes = Bytes().Data(1, "x");
  bytes.inode++;
  Put(name, bytes.Finish());
  ExpectRefused("another file", MM_JOURNAL_OTHERS);
}

TEST_F(JournalTest, OneOfTheFileThatHadTheInodeBeforeIsRefused) {
  JournalBytes bytes = Bytes().Data(1, "x");
  if (!bytes.birth) GTEST_SKIP() << "the file system knows no birth times";
  bytes.birth++;
  Put(name, bytes.Finish());
  ExpectRefused("another file", MM_JOURNAL_OTHERS);
  bytes.birth = 0; // made where it was not known
  EXPECT_EQ(State(bytes.Finish()), MM_JOURNAL_WHOLE);
}

TEST_F(JournalTest, OneThatWasLeftBehindWhenTheFileWasReplacedIsRefused) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(true), MM_OK);
  Put(scratch / "new", "0123456789");
  ASSERT_EQ(rename((scratch / "new").c_str(), path.c_str()), 0);
  CloseForCore(fd);
  fd = OpenForCore(path);
  Look();
  ExpectRefused("another file", MM_JOURNAL_OTHERS);
}

TEST_F(JournalTest, OneForAnotherSizeIsRefused) {
  Plan(20, {{1, "x"}});
  ASSERT_EQ(Write(true), MM_OK);
  for (off_t size : {0, 9, 11, 19, 21}) {
    ASSERT_EQ(truncate(path.c_str(), size), 0);
    Look();
    ExpectRefused("another size");
  }
  for (off_t size : {10, 20}) {
    ASSERT_EQ(truncate(path.c_str(), size), 0);
    Look();
    EXPECT_EQ(Open(), MM_OK) << err.text;
    EXPECT_EQ(state, MM_JOURNAL_WHOLE);
  }
}

// One that is torn never was, whosever it is.
TEST_F(JournalTest, OneOfAnotherFileThatIsTornIsTorn) {
  JournalBytes bytes = Bytes().Data(1, "x");
  bytes.inode++;
  std::string torn = bytes.Finish();
  torn.back() ^= 1;
  EXPECT_EQ(State(torn), MM_JOURNAL_TORN);
}

TEST_F(JournalTest, LinksFifosAndDirectoriesAreRefused) {
  Put(scratch / "good", Bytes().Data(1, "x").Finish());
  ASSERT_EQ(symlink((scratch / "good").c_str(), name.c_str()), 0);
  ExpectRefused("link");
  unlink(name.c_str());
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  ExpectRefused("not a regular file");
  unlink(name.c_str());
  ASSERT_EQ(mkdir(name.c_str(), 0700), 0);
  ExpectRefused("not a regular file");
  rmdir(name.c_str());
  ASSERT_EQ(link((scratch / "good").c_str(), name.c_str()), 0);
  ExpectRefused("hard link");
  ASSERT_EQ(unlink((scratch / "good").c_str()), 0);
  EXPECT_EQ(Open(), MM_OK);
  EXPECT_EQ(state, MM_JOURNAL_WHOLE);
}

TEST_F(JournalTest, OneOfAStrangerIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  Put(name, Bytes().Data(1, "x").Finish());
  ASSERT_EQ(chown(name.c_str(), 1234, 0), 0);
  ExpectRefused("owner");
  ASSERT_EQ(chown(path.c_str(), 1234, 0), 0); // the file's owner
  Look();
  EXPECT_EQ(Open(), MM_OK) << err.text;
  ASSERT_EQ(chown(name.c_str(), 0, 0), 0); // ourselves
  EXPECT_EQ(Open(), MM_OK) << err.text;
  mm_os.user = SomebodyElse;
  ExpectRefused("owner");
}

TEST_F(JournalTest, OneThatMoreMayWriteThanTheFileIsRefused) {
  ASSERT_EQ(State(Bytes().Data(1, "x").Finish()), MM_JOURNAL_WHOLE);
  for (auto [file, journal, good] : {std::tuple(0600u, 0644u, true),
                                     {0600, 0620, false},
                                     {0600, 0602, false},
                                     {0620, 0602, false},
                                     {0620, 0620, true},
                                     {0666, 0666, true},
                                     {0602, 0620, false}}) {
    ASSERT_EQ(chmod(path.c_str(), file), 0);
    ASSERT_EQ(chmod(name.c_str(), journal), 0);
    Look();
    if (good) {
      EXPECT_EQ(Open(), MM_OK) << err.text;
    } else {
      ExpectRefused("more users");
    }
  }
}

TEST_F(JournalTest, AnotherGroupThatMayWriteItIsRefused) {
  if (geteuid() != 0) GTEST_SKIP() << "only root can give a file away";
  ASSERT_EQ(State(Bytes().Data(1, "x").Finish()), MM_JOURNAL_WHOLE);
  ASSERT_EQ(chmod(name.c_str(), 0620), 0);
  ASSERT_EQ(chmod(path.c_str(), 0620), 0);
  ASSERT_EQ(chown(path.c_str(), static_cast<uid_t>(-1), 4321), 0);
  Look();
  ExpectRefused("more users");
}

// Its maker died between making it and giving it away.
TEST_F(JournalTest, AnEmptyOneIsTornWhoeverOwnsIt) {
  Put(name, "");
  if (geteuid() == 0) {
    ASSERT_EQ(chown(name.c_str(), 1234, 0), 0);
  }
  EXPECT_EQ(Open(), MM_OK) << err.text;
  EXPECT_EQ(state, MM_JOURNAL_TORN);
}

TEST_F(JournalTest, EveryFailureToReadItIsReported) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK);
  for (int n = 0;; n++) {
    FaultSys sys;
    sys.FailAt(n, EIO);
    int rc = Open();
    if (!sys.Fired()) break;
    bool birth = sys.RecordsOf(Call::kBirth).size() && sys.RecordsOf(Call::kBirth)[0].injected;
    if (birth) continue; // is then not known
    EXPECT_TRUE(rc == MM_IOERR || rc == MM_CANTOPEN) << sys.Trace();
    EXPECT_EQ(found.fd, -1);
  }
}

// Replay

class Replays : public JournalTest {
protected:
  // Writes the plan's journal, replays it, twice, and expects the plan's file.
  void ExpectReplayed(const std::string &before) {
    Make(before);
    change.old_size = before.size();
    ASSERT_EQ(Write(), MM_OK) << err.text;
    for (int i = 0; i < 2; i++) {
      Look();
      ASSERT_EQ(Open(), MM_OK) << err.text;
      ASSERT_EQ(state, MM_JOURNAL_WHOLE);
      ASSERT_EQ(Replay(), MM_OK) << err.text;
      EXPECT_TRUE(Get(path) == Planned(before));
    }
    ASSERT_EQ(Remove(false, false), MM_OK);
  }
};

TEST_F(Replays, BytesInPlace) {
  Plan(10, {{0, "a"}, {4, "bc"}, {9, "d"}});
  ExpectReplayed("0123456789");
}

TEST_F(Replays, Growth) {
  Plan(100, {{8, "over the end"}, {99, "!"}});
  ExpectReplayed("0123456789");
}

TEST_F(Replays, AChangeOfSizeAlone) {
  Plan(100, {});
  ExpectReplayed("0123456789");
  Plan(3, {});
  ExpectReplayed("0123456789");
  Plan(0, {});
  ExpectReplayed("0123456789");
  Plan(3, {});
  ExpectReplayed("");
}

TEST_F(Replays, Zeros) {
  Plan(1 << 20, {{3, "", 4}, {1000, "", 500000}, {600000, "x"}, {600001, "", 448575}});
  ExpectReplayed(std::string(1 << 20, 'o'));
}

TEST_F(Replays, FiveThousandExtents) {
  std::vector<Piece> pieces;
  for (uint64_t i = 0; i < 5000; i++) pieces.push_back({i * 300, Noise(1 + i % 299, i)});
  Plan(1500000, pieces);
  ExpectReplayed(std::string(1000000, 'o'));
}

TEST_F(Replays, MoreThanTheBuffersHold) {
  Plan(6 << 20,
       {{1, Noise((3 << 20) + 77)}, {4 << 20, Noise(256 << 10)}, {5 << 20, Noise(1 << 20)}});
  ExpectReplayed("0123456789");
}

TEST_F(Replays, AfterACrashAtAnyPointOfTheApplication) {
  for (uint64_t new_size : {5000u, 1200u}) {
    std::string before(3000, 'o');
    Make(before);
    Plan(new_size, {{1, Noise(100)}, {200, "", 20}, {999, Noise(33)}});
    ASSERT_EQ(Write(), MM_OK) << err.text;
    for (size_t torn : {0, 1, 50}) {
      for (int n = 0;; n++) {
        ASSERT_EQ(truncate(path.c_str(), 0), 0);
        WriteAt(path, 0, before);
        FaultSys sys;
        sys.CountOnly(mm_test::kWriting);
        sys.CrashAt(n, torn);
        (void)mm_change_apply(&change, fd, true, "a.bin", &err);
        if (!sys.Fired()) break;
        sys.Reset();
        Look();
        ASSERT_EQ(Open(), MM_OK) << err.text;
        ASSERT_EQ(state, MM_JOURNAL_WHOLE);
        ASSERT_EQ(Replay(), MM_OK) << err.text;
        EXPECT_EQ(Get(path), Planned(before));
      }
    }
    ASSERT_EQ(Remove(false, false), MM_OK);
  }
}

TEST_F(Replays, AndMakesItDurableWhenAsked) {
  Plan(20, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK);
  FaultSys sys;
  ASSERT_EQ(Replay(true), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "status resize read write status sync_data");
}

TEST_F(Replays, AndReportsEveryFailure) {
  Plan(20, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK);
  for (int n = 0;; n++) {
    ASSERT_EQ(truncate(path.c_str(), 10), 0);
    Look();
    ASSERT_EQ(Open(), MM_OK) << err.text;
    FaultSys sys;
    sys.FailAt(n, EIO);
    int rc = Replay(true);
    if (!sys.Fired()) break;
    EXPECT_EQ(rc, MM_IOERR) << sys.Trace();
  }
}

TEST_F(Replays, NothingOfARecordThatChangedSinceItWasOpened) {
  Plan(10, {{0, "a"}, {4, "bc"}, {9, "d"}});
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK);
  std::string changed = Get(name);
  size_t at = changed.find("bc");
  WriteAt(name, at, "!");
  EXPECT_EQ(Replay(), MM_CORRUPT);
  EXPECT_EQ(Get(path), "a123456789");
}

TEST_F(Replays, NothingOfOneThatWasCutSinceItWasOpened) {
  Plan(10, {{4, "bc"}});
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK);
  ASSERT_EQ(truncate(name.c_str(), 0), 0);
  EXPECT_EQ(Replay(), MM_CORRUPT);
  EXPECT_EQ(Get(path), "0123456789");
}

TEST_F(Replays, AndNoticesOneThatWasReplacedByAnotherGoodOne) {
  mm_os.random = FixedRandom;
  Plan(10, {{4, "bc"}});
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK);
  std::string other = Bytes().Data(4, "BC").Finish(); // the same header and salt
  WriteAt(name, 0, other);
  EXPECT_EQ(Replay(), MM_CORRUPT);
}

struct Seen {
  std::vector<std::tuple<uint64_t, uint64_t, bool>> extents;
  size_t stop_after = SIZE_MAX;
};

int See(void *context, uint64_t offset, const uint8_t *data, uint64_t size, mm_error *err) {
  Seen *seen = static_cast<Seen *>(context);
  seen->extents.emplace_back(offset, size, data != nullptr);
  if (seen->extents.size() < seen->stop_after) return MM_OK;
  return mm_fail(err, MM_INTERRUPT, "enough");
}

TEST_F(Replays, EachExtentInOrderUntilToldToStop) {
  Plan(1 << 30, {{1, "x"}, {100, "", 900 << 20}, {1000 << 20, Noise(300 << 10)}});
  ASSERT_EQ(Write(), MM_OK);
  ASSERT_EQ(Open(), MM_OK) << err.text;
  Seen all;
  ASSERT_EQ(mm_journal_each(&found, See, &all, &err), MM_OK);
  std::vector<std::tuple<uint64_t, uint64_t, bool>> expected = {
      {1, 1, true},
      {100, 900 << 20, false},
      {1000 << 20, 256 << 10, true},
      {(1000 << 20) + (256 << 10), 44 << 10, true}};
  EXPECT_EQ(all.extents, expected);
  Seen some;
  some.stop_after = 2;
  EXPECT_EQ(mm_journal_each(&found, See, &some, &err), MM_INTERRUPT);
  EXPECT_EQ(some.extents.size(), 2u);
}

// A crash while it is written

TEST_F(JournalTest, AfterACrashWhileItIsWrittenItIsWholeOrTornOrNone) {
  for (size_t torn : {0, 1, 79, 80, 81, 100, 112, 113, 128}) {
    for (int n = 0;; n++) {
      Plan(20, {{1, "x"}, {15, "yz"}});
      FaultSys sys;
      sys.CountOnly(mm_test::kWriting);
      sys.CrashAt(n, torn);
      int rc = Write(true);
      if (!sys.Fired()) break;
      EXPECT_NE(rc == MM_OK && n < 5, true);
      bool written = n > 1; // open, write
      sys.Reset();
      ASSERT_EQ(Open(), MM_OK) << err.text;
      EXPECT_EQ(state, n == 0    ? MM_JOURNAL_NONE
                       : written ? MM_JOURNAL_WHOLE
                                 : MM_JOURNAL_TORN)
          << n << " " << torn;
      ASSERT_EQ(Remove(false, false), MM_OK);
    }
    ASSERT_EQ(Remove(false, false), MM_OK);
  }
}

// Remove

TEST_F(JournalTest, RemovingNoneIsNoError) {
  EXPECT_EQ(Remove(false), MM_OK) << err.text;
  EXPECT_EQ(Remove(true), MM_OK) << err.text;
  EXPECT_EQ(Remove(true, false), MM_OK) << err.text;
  EXPECT_EQ(mm_journal_remove((scratch / "none/x").c_str(), true, true, &err), MM_OK) << err.text;
}

TEST_F(JournalTest, AfterACommitTheNameGoesDurably) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(true), MM_OK);
  FaultSys sys;
  ASSERT_EQ(Remove(false), MM_OK);
  EXPECT_EQ(sys.Trace(), "remove open sync close");
  EXPECT_EQ(sys.Records()[2].path, scratch.path());
}

TEST_F(JournalTest, ARollBackEmptiesItDurablyFirst) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(true), MM_OK);
  FaultSys sys;
  ASSERT_EQ(Remove(true), MM_OK);
  EXPECT_EQ(sys.Trace(), "open status reopen read resize sync close close remove open sync close");
  EXPECT_FALSE(Exists(name));
}

TEST_F(JournalTest, ARollBackThatSucceedsLeavesNothingToReplayWhateverFails) {
  Plan(10, {{1, "x"}});
  for (bool roll_back : {true, false}) {
    for (bool sticky : {false, true}) {
      for (int n = 0;; n++) {
        ASSERT_EQ(Write(), MM_OK) << err.text;
        FaultSys sys;
        sys.FailAt(n, EIO, sticky);
        int rc = Remove(roll_back);
        bool fired = sys.Fired();
        std::string trace = sys.Trace();
        sys.Reset();
        ASSERT_EQ(Open(), MM_OK) << err.text;
        if (rc == MM_OK || (roll_back && !sticky)) {
          EXPECT_NE(state, MM_JOURNAL_WHOLE) << trace;
        }
        if (roll_back && !sticky) {
          EXPECT_EQ(rc, MM_OK) << trace << err.text;
        }
        ASSERT_EQ(Remove(false, false), MM_OK);
        if (!fired) break;
      }
    }
  }
}

TEST_F(JournalTest, OneThatCannotBeUnlinkedIsEmptied) {
  Plan(10, {{1, "x"}});
  for (bool roll_back : {true, false}) {
    ASSERT_EQ(Write(), MM_OK) << err.text;
    FaultSys sys;
    sys.CountOnly({Call::kRemove});
    sys.FailAt(0, EPERM, true);
    EXPECT_EQ(Remove(roll_back), MM_OK) << err.text;
    EXPECT_EQ(Get(name), "");
    sys.Reset();
    ASSERT_EQ(Remove(false, false), MM_OK);
  }
}

TEST_F(JournalTest, OneThatCanNeitherBeUnlinkedNorCutIsOverwritten) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK) << err.text;
  FaultSys sys;
  sys.CountOnly({Call::kRemove, Call::kResize});
  sys.FailAt(0, EPERM, true);
  EXPECT_EQ(Remove(true), MM_OK) << err.text;
  ASSERT_EQ(Open(), MM_OK);
  EXPECT_EQ(state, MM_JOURNAL_TORN);
}

TEST_F(JournalTest, OneThatCouldStillBeReplayedIsReported) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK) << err.text;
  FaultSys sys;
  sys.CountOnly({Call::kRemove, Call::kReopen});
  sys.FailAt(0, EPERM, true);
  EXPECT_EQ(Remove(true), MM_IOERR);
  EXPECT_NE(std::string(err.text).find("may be replayed"), std::string::npos) << err.text;
  EXPECT_EQ(Remove(false), MM_IOERR);
}

TEST_F(JournalTest, AnUnlinkThatMayComeBackAfterACrashIsReported) {
  Plan(10, {{1, "x"}});
  ASSERT_EQ(Write(), MM_OK) << err.text;
  FaultSys sys;
  sys.CountOnly({Call::kSync});
  sys.FailAt(0, EIO);
  EXPECT_EQ(Remove(false), MM_IOERR);
  sys.Reset();
  EXPECT_EQ(Remove(false), MM_OK) << "the next try makes it durable";
  EXPECT_EQ(sys.Trace(), "remove open sync close");
}

// In a directory that others can write, the name may be anything.
TEST_F(JournalTest, EmptiesNothingThatIsNoJournalOrHasAnotherName) {
  FaultSys sys;
  sys.CountOnly({Call::kRemove});
  sys.FailAt(0, EPERM, true);
  Put(name, "somebody's");
  (void)Remove(true);
  EXPECT_EQ(Get(name), "somebody's");
  ASSERT_EQ(unlink(name.c_str()), 0);
  std::string good = Bytes().Data(1, "x").Finish();
  Put(scratch / "other", good);
  ASSERT_EQ(link((scratch / "other").c_str(), name.c_str()), 0);
  (void)Remove(true);
  EXPECT_EQ(Get(scratch / "other"), good);
  ASSERT_EQ(unlink(name.c_str()), 0);
  ASSERT_EQ(symlink((scratch / "other").c_str(), name.c_str()), 0);
  (void)Remove(true);
  EXPECT_EQ(Get(scratch / "other"), good);
  ASSERT_EQ(unlink(name.c_str()), 0);
  ASSERT_EQ(mkfifo(name.c_str(), 0600), 0);
  (void)Remove(true); // and does not wait for its other end
}

TEST_F(JournalTest, BelowAFileIsNone) {
  EXPECT_FALSE(mm_journal_exists((path + "/x-mmap-journal").c_str()));
}

TEST_F(JournalTest, WhereTheDirectoryIsGoneNothingIsLeftToRemove) {
  EXPECT_EQ(mm_journal_remove((path + "-gone/x-mmap-journal").c_str(), false, true, &err), MM_OK);
}

TEST_F(JournalTest, WhatIsNoJournalIsRemovedWithoutAnFsyncIfNoneIsAsked) {
  Put(name, "no journal, but a file of that name");
  FaultSys sys;
  EXPECT_EQ(Remove(true, false), MM_OK);
  EXPECT_FALSE(Exists(name));
  EXPECT_TRUE(sys.RecordsOf(Call::kSync).empty());
}

TEST_F(JournalTest, AfterAFailedWriteNoOtherIsTried) {
  Plan(10, {{0, Noise(2 << 20)}, {3 << 20, Noise(2 << 20)}});
  FaultSys sys;
  sys.CountOnly({Call::kWrite});
  sys.FailAt(0, EIO);
  EXPECT_EQ(Write(), MM_IOERR);
  EXPECT_EQ(sys.Counted(), 1);
}

// Long enough for several reads, each of which fails once. The reader's buffer, a mebibyte, ends
// where the records do, so that the commit record is a read of its own.
TEST_F(JournalTest, EveryFailureToReadALongOneIsReported) {
  constexpr size_t kRecord = 32, kMost = 256 << 10, kBuffer = 1 << 20;
  JournalBytes bytes = Bytes(4 << 20);
  for (size_t i = 0; i < 3; i++) bytes.Data(i * kMost, Noise(kMost));
  bytes.Data(3 * kMost, Noise(kBuffer - 3 * (kRecord + kMost) - kRecord));
  ASSERT_EQ(State(bytes.Finish()), MM_JOURNAL_WHOLE);
  int reads = 0;
  for (bool more = true; more; reads++) {
    FaultSys sys;
    sys.CountOnly({Call::kRead});
    sys.FailAt(reads, EIO);
    int rc = Open();
    more = sys.Fired();
    EXPECT_EQ(rc, more ? MM_IOERR : MM_OK) << reads;
  }
  EXPECT_EQ(reads, 4) << "the header, the records, the commit record, and none";
}

TEST_F(JournalTest, OneThatIsCutWhileItIsOpenedIsTorn) {
  ASSERT_EQ(State(Bytes().Data(1, "x").Finish()), MM_JOURNAL_WHOLE);
  FaultSys sys;
  sys.CountOnly({Call::kRead});
  sys.FailAt(0, ENODATA);
  EXPECT_EQ(Open(), MM_OK);
  EXPECT_EQ(state, MM_JOURNAL_TORN);
}

TEST_F(JournalTest, AnotherGroupMayWriteItWhereEverybodyMayWriteTheFile) {
  ASSERT_EQ(State(Bytes().Data(1, "x").Finish()), MM_JOURNAL_WHOLE);
  ASSERT_EQ(chmod(name.c_str(), 0620), 0);
  stat.group++; // the file's, as the journal's is another
  for (auto [mode, rc] :
       {std::pair{0600u, MM_CORRUPT}, {0620u, MM_CORRUPT}, {0602u, MM_CORRUPT}, {0622u, MM_OK}}) {
    stat.mode = mode;
    EXPECT_EQ(Open(), rc) << std::oct << mode;
  }
}

} // namespace
