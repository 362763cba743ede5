// What a COMMIT does to a file, against a real file system, and with each of its calls failing.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <vector>

extern "C" {
#include "core/file/change.h"
#include "core/common/mem.h"
#include "core/os/sys.h"
}
#include "tests/support/core_file.h"
#include "tests/support/fault_sys.h"
#include "tests/support/scratch.h"

namespace {

using mm_test::Call;
using mm_test::CallRecord;
using mm_test::CloseForCore;
using mm_test::FaultSys;
using mm_test::Get;
using mm_test::OpenForCore;
using mm_test::Put;
using mm_test::WriteAt;

constexpr uint64_t kHole = 128 << 10; // zeros that are worth a hole

struct Piece {
  uint64_t offset;
  std::string data; // empty: `zeros` zeros
  uint64_t zeros = 0;
};

// A change over pieces that it keeps.
class Change {
public:
  Change(uint64_t old_size, uint64_t new_size, std::vector<Piece> given)
      : pieces(std::move(given)) {
    change.old_size = old_size;
    change.new_size = new_size;
    for (const Piece &piece : pieces) {
      const uint8_t *data = reinterpret_cast<const uint8_t *>(piece.data.data());
      extents.push_back({piece.offset, piece.zeros ? piece.zeros : piece.data.size(),
                         piece.zeros ? nullptr : data, 0});
    }
    change.extents = extents.data();
    change.count = extents.size();
  }

  // What the change makes of a file.
  std::string Of(std::string file) const {
    if (file.size() < change.new_size) file.resize(change.new_size);
    for (const Piece &piece : pieces) {
      uint64_t size = piece.zeros ? piece.zeros : piece.data.size();
      file.replace(piece.offset, size, piece.zeros ? std::string(size, 0) : piece.data);
    }
    file.resize(change.new_size);
    return file;
  }

  ~Change() {
    change.extents = nullptr; // the vector's
    mm_change_clear(&change);
  }
  Change(const Change &) = delete;
  Change &operator=(const Change &) = delete;

  mm_change change{};

private:
  std::vector<Piece> pieces;
  std::vector<mm_extent> extents;
};

class ChangeTest : public testing::Test {
protected:
  void SetUp() override { Open(old_bytes); }
  void TearDown() override {
    mm_os = *mm_sys_default();
    CloseForCore(fd);
  }

  void Open(const std::string &bytes) {
    CloseForCore(fd);
    Put(path, bytes);
    fd = OpenForCore(path);
  }
  int Apply(const Change &change, bool durable = true) {
    return mm_change_apply(&change.change, fd, durable, "a.bin", &err);
  }
  int Reserve(Change &&change) { return Reserve(change); }
  int Reserve(Change &change) { return mm_change_reserve(&change.change, fd, "a.bin", &err); }
  int64_t Blocks() const {
    mm_stat st;
    return mm_sys_default()->status(fd, &st) == 0 ? static_cast<int64_t>(st.room / 512) : -1;
  }

  mm_test::Scratch scratch;
  std::string path = scratch / "a.bin";
  std::string old_bytes = std::string(512 << 10, 'o');
  int fd = -1;
  mm_error err{};
};

uint64_t limit_for_test = UINT64_MAX;
uint64_t Limit() {
  return limit_for_test;
}

TEST_F(ChangeTest, WritesExtentsAndNothingElse) {
  Change change(old_bytes.size(), old_bytes.size(), {{0, "abc"}, {5000, "d"}, {5001, "touches"}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), change.Of(old_bytes));
}

TEST_F(ChangeTest, GrowsWithZeros) {
  Change change(old_bytes.size(), old_bytes.size() + 9000, {{old_bytes.size() + 100, "new"}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), change.Of(old_bytes));
}

TEST_F(ChangeTest, Shrinks) {
  Change change(old_bytes.size(), 10, {{3, "xy"}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), "oooxyooooo");
}

TEST_F(ChangeTest, ShrinksToNothingAndGrowsFromIt) {
  Change none(old_bytes.size(), 0, {});
  ASSERT_EQ(Apply(none), MM_OK) << err.text;
  EXPECT_EQ(Get(path), "");
  Change some(0, 4, {{1, "b"}});
  ASSERT_EQ(Apply(some), MM_OK) << err.text;
  EXPECT_EQ(Get(path), std::string("\0b\0\0", 4));
}

TEST_F(ChangeTest, MakesALargeExtentOfZerosAHole) {
  int64_t before = Blocks();
  Change change(old_bytes.size(), old_bytes.size(), {{10, "", kHole}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), change.Of(old_bytes));
  EXPECT_LT(Blocks(), before);
}

TEST_F(ChangeTest, AHoleAtTheEndLeavesTheSize) {
  Change change(old_bytes.size(), old_bytes.size(), {{old_bytes.size() - kHole, "", kHole}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), change.Of(old_bytes));
}

TEST_F(ChangeTest, WritesFewZerosRatherThanMakeAHole) {
  FaultSys sys;
  Change change(old_bytes.size(), old_bytes.size(), {{10, "", 100}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), change.Of(old_bytes));
  EXPECT_TRUE(sys.RecordsOf(Call::kZero).empty());
}

TEST_F(ChangeTest, WritesZerosWhereNoHoleCanBeMade) {
  for (int error : {EOPNOTSUPP, EIO, ENOSPC}) {
    Open(old_bytes);
    FaultSys sys;
    sys.CountOnly({Call::kZero});
    sys.FailAt(0, error, true);
    Change change(old_bytes.size(), old_bytes.size(), {{7, "", kHole + 3}});
    ASSERT_EQ(Apply(change), MM_OK) << err.text;
    EXPECT_TRUE(sys.Fired());
    EXPECT_EQ(Get(path), change.Of(old_bytes));
  }
}

TEST_F(ChangeTest, GrowsThenWritesThenMakesItDurable) {
  FaultSys sys;
  Change change(old_bytes.size(), old_bytes.size() + 1, {{1, "a"}, {9, "b"}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "status resize write write status sync_data");
}

TEST_F(ChangeTest, ShrinksAfterWritingAndBeforeMakingItDurable) {
  FaultSys sys;
  Change change(old_bytes.size(), 100, {{1, "a"}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(sys.Trace(), "status write status resize sync_data");
}

TEST_F(ChangeTest, DoesNotSyncWhenNotAsked) {
  FaultSys sys;
  ASSERT_EQ(Apply(Change(old_bytes.size(), 100, {{1, "a"}}), false), MM_OK) << err.text;
  EXPECT_TRUE(sys.RecordsOf(Call::kSyncData).empty());
  EXPECT_TRUE(sys.RecordsOf(Call::kSync).empty());
}

TEST_F(ChangeTest, ShortWritesAreGoneOnWith) {
  FaultSys sys;
  sys.MaxWrite(7);
  Change change(old_bytes.size(), old_bytes.size() + 500,
                {{3, std::string(1000, 'x')}, {old_bytes.size() - 20, "", 300}});
  ASSERT_EQ(Apply(change), MM_OK) << err.text;
  EXPECT_EQ(Get(path), change.Of(old_bytes));
}

TEST_F(ChangeTest, EveryFailureOfACallIsReported) {
  for (uint64_t new_size : {old_bytes.size() + 100, old_bytes.size() / 2}) {
    Change change(old_bytes.size(), new_size, {{1, "a"}, {9, "", 20}, {99, "b"}});
    for (int n = 0;; n++) {
      Open(old_bytes);
      FaultSys sys;
      sys.FailAt(n, EIO);
      int rc = Apply(change);
      if (!sys.Fired()) break;
      EXPECT_EQ(rc, MM_IOERR) << sys.Trace();
      EXPECT_NE(std::string(err.text).find("'a.bin'"), std::string::npos) << err.text;
    }
  }
}

// What a replay relies on.
TEST_F(ChangeTest, ApplyingAgainAfterAnyCrashGivesTheSame) {
  for (uint64_t new_size : {old_bytes.size() + 100, old_bytes.size() / 2}) {
    Change change(old_bytes.size(), new_size,
                  {{1, std::string(100, 'a')}, {200, "", 20}, {999, "b"}, {4096, "", kHole}});
    for (size_t torn : {0, 1, 50}) {
      for (int n = 0;; n++) {
        Open(old_bytes);
        FaultSys sys;
        sys.CountOnly(mm_test::kWriting);
        sys.CrashAt(n, torn);
        (void)Apply(change, false);
        if (!sys.Fired()) break;
        sys.Reset();
        ASSERT_EQ(Apply(change, false), MM_OK) << err.text;
        EXPECT_EQ(Get(path), change.Of(old_bytes)) << "crash at " << n;
      }
    }
  }
}

TEST_F(ChangeTest, AFullDiskIsSaidSo) {
  FaultSys sys;
  sys.CountOnly({Call::kWrite});
  sys.FailAt(0, ENOSPC);
  EXPECT_EQ(Apply(Change(old_bytes.size(), old_bytes.size(), {{1, "a"}})), MM_FULL);
  EXPECT_STREQ(err.text, "cannot write 1 bytes at 1 of 'a.bin': No space left on device");
}

TEST_F(ChangeTest, NothingIsWrittenOrGrownPastTheLimitOfTheProcess) {
  mm_os.file_size_limit = Limit;
  limit_for_test = old_bytes.size() - 1;
  uint64_t size = old_bytes.size();
  EXPECT_EQ(Apply(Change(size, size + 1, {})), MM_FULL);
  EXPECT_EQ(Apply(Change(size, size, {{size - 1, "x"}})), MM_FULL);
  EXPECT_EQ(Apply(Change(size, size, {{size - kHole, "", kHole}})), MM_FULL);
  EXPECT_EQ(Reserve(Change(size, size + 1, {})), MM_FULL);
  EXPECT_EQ(Reserve(Change(size, size, {{size - 1, "x"}})), MM_FULL);
  EXPECT_EQ(Get(path), old_bytes);
  EXPECT_EQ(Reserve(Change(size, size - 1, {{size - 2, "x"}})), MM_OK);
  EXPECT_EQ(Apply(Change(size, size - 1, {{size - 2, "x"}})), MM_OK);
}

TEST_F(ChangeTest, GrowthThatTheFileSystemCannotHoldIsRefusedThoughItIsAHole) {
  static uint64_t asked;
  auto below = mm_os.can_hold;
  mm_os.can_hold = [](int, uint64_t to) { return asked = to, to > 600000 ? -EFBIG : 0; };
  uint64_t size = old_bytes.size();
  EXPECT_EQ(Reserve(Change(size, 600001, {})), MM_FULL);
  EXPECT_STREQ(err.text, "cannot resize 'a.bin' to 600001 bytes: File too large");
  EXPECT_EQ(Reserve(Change(size, 600001, {{size, "x"}})), MM_FULL);
  EXPECT_EQ(Reserve(Change(size, 600000, {})), MM_OK);
  EXPECT_EQ(asked, 600000u);
  EXPECT_EQ(Reserve(Change(size, size, {{size - 1, "x"}})), MM_OK);
  EXPECT_EQ(asked, 600000u) << "nothing grows";
  mm_os.can_hold = below;
  EXPECT_EQ(Get(path), old_bytes);
}

TEST_F(ChangeTest, ReservesNothingWhereThereIsNoHole) {
  FaultSys sys;
  ASSERT_EQ(Reserve(Change(old_bytes.size(), old_bytes.size(), {{1, "a"}, {5000, "b"}})), MM_OK);
  EXPECT_EQ(sys.Trace(), "next_data next_data");
  sys.Reset();
  ASSERT_EQ(Reserve(Change(old_bytes.size(), old_bytes.size(),
                           {{1, "a"}, {50, "b"}, {90, "c"}, {100, "d"}, {5000, "e"}})),
            MM_OK);
  EXPECT_EQ(sys.Trace(), "next_hole") << "of many, once";
}

TEST_F(ChangeTest, OfAnAppendItReservesNothingElse) {
  FaultSys sys;
  uint64_t size = old_bytes.size();
  ASSERT_EQ(Reserve(Change(size, size + 2, {{size, "ab"}})), MM_OK);
  EXPECT_EQ(sys.Trace(), "can_hold reserve");
}

TEST_F(ChangeTest, ReservesWhatIsWrittenPastTheEnd) {
  uint64_t size = old_bytes.size();
  int64_t before = Blocks();
  Change change(size, size + (3 << 20), {{size, std::string(1 << 20, 'n')}});
  ASSERT_EQ(Reserve(change), MM_OK) << err.text;
  EXPECT_GE(Blocks(), before + 2048);
  EXPECT_LT(Blocks(), before + 2 * 2048) << "what nobody writes is not reserved";
  EXPECT_EQ(Get(path).size(), size);
}

TEST_F(ChangeTest, ReservesHolesInsideTheFile) {
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  ASSERT_EQ(truncate(path.c_str(), 16 << 20), 0);
  Change change(16 << 20, 16 << 20, {{1 << 20, std::string(1 << 20, 'n')}});
  ASSERT_EQ(Reserve(change), MM_OK) << err.text;
  EXPECT_GE(Blocks(), 2048);
  EXPECT_LT(Blocks(), 4096);
  EXPECT_EQ(Get(path), std::string(16 << 20, 0));
}

TEST_F(ChangeTest, ReservesFromTheFirstHoleOn) {
  ASSERT_EQ(truncate(path.c_str(), 16 << 20), 0);
  FaultSys sys;
  ASSERT_EQ(Reserve(Change(16 << 20, 16 << 20,
                           {{1, "a"}, {5 << 20, "b"}, {6 << 20, "", 9}, {7 << 20, "", kHole}})),
            MM_OK);
  std::vector<CallRecord> reserved = sys.RecordsOf(Call::kReserve);
  ASSERT_EQ(reserved.size(), 2u) << "few zeros are written, too";
  EXPECT_EQ(reserved[0].offset, 5u << 20);
  EXPECT_EQ(reserved[1].offset, 6u << 20);
}

// On a file system in memory the way to the next hole leads from page to page.
TEST_F(ChangeTest, LooksForTheNextHoleOnceInAStretchOfData) {
  constexpr uint64_t kFile = 1 << 20;
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  ASSERT_EQ(truncate(path.c_str(), kFile), 0);
  for (uint64_t at : {kFile / 4, 3 * kFile / 4}) WriteAt(path, at, std::string(kFile / 8, 'd'));
  std::vector<Piece> pieces = {{5, "hole"}};
  for (uint64_t i = 0; i < 1000; i++) pieces.push_back({kFile / 4 + 100 * i, "data"});
  pieces.push_back({kFile / 2, "hole"});
  for (uint64_t i = 0; i < 1000; i++) pieces.push_back({3 * kFile / 4 + 100 * i, "data"});
  Change change(kFile, kFile, pieces);
  FaultSys sys;
  ASSERT_EQ(Reserve(change), MM_OK) << err.text;
  EXPECT_EQ(sys.RecordsOf(Call::kReserve).size(), 2u);
  EXPECT_LE(sys.RecordsOf(Call::kNextHole).size(), 10u);
}

TEST_F(ChangeTest, CanBeStoppedWhileItReserves) {
  ASSERT_EQ(truncate(path.c_str(), 0), 0);
  ASSERT_EQ(truncate(path.c_str(), 64 << 20), 0);
  int64_t before = Blocks();
  std::vector<Piece> pieces;
  for (uint64_t i = 0; i < 2000; i++) pieces.push_back({i * 10000, "x"});
  Change change(64 << 20, 64 << 20, pieces);
  int left = 1;
  mm_pace pace = {
      {[](void *n, uint64_t) { return (*static_cast<int *>(n))-- == 0 ? 1 : 0; }, &left}, 0};
  change.change.pace = &pace;
  EXPECT_EQ(Reserve(change), MM_INTERRUPT);
  EXPECT_EQ(left, -1);
  EXPECT_LE(Blocks(), before + 16) << "nothing stays reserved";
  EXPECT_EQ(Get(path), std::string(64 << 20, 0));
}

TEST_F(ChangeTest, ReservesAllWhereTheSystemCannotTellHoles) {
  for (int error : {EINVAL, ENXIO, EIO}) {
    FaultSys sys;
    sys.CountOnly({Call::kNextHole, Call::kNextData});
    sys.FailAt(0, error, true);
    ASSERT_EQ(Reserve(Change(old_bytes.size(), old_bytes.size(), {{1, "a"}, {5, "b"}})), MM_OK);
    EXPECT_EQ(sys.RecordsOf(Call::kReserve).size(), 2u);
  }
}

TEST_F(ChangeTest, AFileSystemThatCannotReserveIsNoError) {
  FaultSys sys;
  sys.CountOnly({Call::kReserve});
  sys.FailAt(0, EOPNOTSUPP, true);
  uint64_t size = old_bytes.size();
  EXPECT_EQ(Reserve(Change(size, size + 2, {{size, "ab"}})), MM_OK);
  EXPECT_TRUE(sys.Fired());
}

TEST_F(ChangeTest, WhatCannotBeReservedIsReportedAndGivenBack) {
  uint64_t size = old_bytes.size();
  int64_t before = Blocks();
  Change change(size, size + (4 << 20),
                {{size, std::string(1 << 20, 'n')}, {size + (3 << 20), "x"}});
  for (auto [error, code] : {std::pair(ENOSPC, MM_FULL), {EDQUOT, MM_FULL}, {EIO, MM_IOERR}}) {
    FaultSys sys;
    sys.CountOnly({Call::kReserve});
    sys.FailAt(1, error);
    EXPECT_EQ(Reserve(change), code);
    EXPECT_EQ(Blocks(), before);
    EXPECT_EQ(Get(path), old_bytes);
  }
}

TEST_F(ChangeTest, UnreserveGivesBackWhatNobodyWrote) {
  uint64_t size = old_bytes.size();
  int64_t before = Blocks();
  Change change(size, size + (1 << 20), {{size, std::string(1 << 20, 'n')}});
  ASSERT_EQ(Reserve(change), MM_OK) << err.text;
  ASSERT_GT(Blocks(), before);
  mm_change_unreserve(&change.change, fd);
  EXPECT_EQ(Blocks(), before);
  EXPECT_EQ(Get(path), old_bytes);
}

// Holes inside the file and room past its end, on a disk that becomes full at the last extent.
TEST_F(ChangeTest, WhatCannotBeReservedInHolesIsGivenBack) {
  constexpr uint64_t kSize = 16 << 20;
  std::string disk = path, memory = "/dev/shm/change_test." + std::to_string(getpid());
  for (const std::string &place : {disk, memory}) {
    for (bool read : {false, true}) { // pages that were read are in the cache, as data
      SCOPED_TRACE(place + (read ? " read" : ""));
      int64_t tree = place == disk ? 16 : 0; // ext4 keeps what its tree has grown by
      path = place;
      Open(old_bytes);
      ASSERT_EQ(truncate(path.c_str(), kSize), 0);
      int64_t before = Blocks();
      std::string bytes = read ? Get(path) : "";
      Change change(kSize, kSize + (2 << 20),
                    {{old_bytes.size() - 10, std::string(20, 'e')},
                     {1 << 20, std::string(1 << 20, 'n')},
                     {(3 << 20) + 5, "x"},
                     {(3 << 20) + 4090, std::string(100, 'y')},
                     {kSize - 3, "over the end"},
                     {kSize + (1 << 20), "z"}});
      for (int failing = 1; failing < 6; failing++) {
        FaultSys sys;
        sys.CountOnly({Call::kReserve});
        sys.FailAt(failing, ENOSPC);
        EXPECT_EQ(Reserve(change), MM_FULL) << failing;
        EXPECT_LE(Blocks(), before + tree) << failing;
      }
      ASSERT_EQ(Reserve(change), MM_OK) << err.text;
      EXPECT_GT(Blocks(), before + 2048);
      mm_change_unreserve(&change.change, fd);
      EXPECT_LE(Blocks(), before + tree);
      std::string expected = old_bytes;
      expected.resize(kSize);
      EXPECT_EQ(Get(path), expected);
    }
  }
  unlink(memory.c_str());
}

TEST_F(ChangeTest, UnreserveLeavesWhatIsSomebodyElses) {
  ASSERT_EQ(truncate(path.c_str(), 16 << 20), 0);
  ASSERT_EQ(mm_os.reserve(fd, 4 << 20, 1 << 20), 0); // room of his own
  int64_t before = Blocks();
  Change change(16 << 20, 16 << 20, {{2 << 20, "a"}, {4 << 20, "b"}, {8 << 20, "c"}});
  ASSERT_EQ(Reserve(change), MM_OK) << err.text;
  ASSERT_GT(Blocks(), before);
  WriteAt(path, (8 << 20) + 100, "his"); // bytes of his own
  mm_change_unreserve(&change.change, fd);
  EXPECT_EQ(Blocks(), before + 8) << "one page";
  EXPECT_EQ(Get(path).substr((8 << 20) + 100, 3), "his");
  mm_change_unreserve(&change.change, fd);
  EXPECT_EQ(Blocks(), before + 8) << "once";
}

TEST_F(ChangeTest, UnreserveLeavesAFileThatSomebodyResized) {
  uint64_t size = old_bytes.size();
  Change change(size, size + 5, {{size, "12345"}});
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(size) + 3), 0);
  mm_change_unreserve(&change.change, fd);
  EXPECT_EQ(Get(path).size(), size + 3);
}

TEST_F(ChangeTest, ClearFreesWhatItOwns) { // and the leak checker sees if it does not
  mm_change change{};
  mm_change_clear(&change);
  ASSERT_EQ(mm_grow(reinterpret_cast<void **>(&change.extents), 0, &change.capacity,
                    sizeof *change.extents),
            0);
  ASSERT_EQ(mm_grow(reinterpret_cast<void **>(&change.buffers), 0, &change.buffer_capacity,
                    sizeof *change.buffers),
            0);
  change.buffers[change.buffer_count++] = static_cast<uint8_t *>(mm_alloc(10));
  change.count = 1;
  mm_change_clear(&change);
  EXPECT_EQ(change.count + change.capacity + change.buffer_count + change.buffer_capacity, 0u);
  EXPECT_EQ(change.extents, nullptr);
}

} // namespace
