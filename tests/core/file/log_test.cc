// The log against a plain vector: whatever is written, resized and cut, the change that it merges
// into makes of the old bytes what doing the same to the vector made of them.
extern "C" {
#include "core/file/log.h"
#include "core/file/log_private.h"
#include "core/common/mem.h"
}

#include "tests/support/counting.h"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace {

using mm_test::Counting;
using Bytes = std::vector<uint8_t>;

Bytes Text(const std::string &text) {
  return Bytes(text.begin(), text.end());
}

// A log over `old` bytes, and beside it what the bytes have become.
class Logged {
public:
  explicit Logged(Bytes old) : base(old), now(std::move(old)) {}
  ~Logged() { mm_log_clear(&log); }
  Logged(const Logged &) = delete;

  void Write(uint64_t offset, const Bytes &data) {
    ASSERT_EQ(mm_log_write(&log, offset, data.data(), data.size(), &err), MM_OK) << err.text;
    std::copy(data.begin(), data.end(), now.begin() + static_cast<ptrdiff_t>(offset));
  }
  void Resize(uint64_t size) {
    ASSERT_EQ(mm_log_size(&log, now.size(), size, &err), MM_OK) << err.text;
    now.resize(size);
  }

  // Merge, check the rules of a change, apply it.
  Bytes Merged() {
    mm_change change = {};
    EXPECT_EQ(mm_log_merge(&log, base.size(), &change, &err), MM_OK) << err.text;
    Bytes result = base;
    EXPECT_EQ(change.old_size, base.size());
    result.resize(change.new_size);
    uint64_t end = 0;
    mm_change_walk walk = {};
    walk.change = &change;
    mm_extent extent;
    for (pieces = 0; mm_change_next(&walk, &extent); pieces++) {
      EXPECT_GE(extent.offset, end);
      EXPECT_GE(extent.size, 1u);
      end = extent.offset + extent.size;
      EXPECT_LE(end, change.new_size);
      if (testing::Test::HasFailure()) break;
      if (extent.data) {
        memcpy(&result[extent.offset], extent.data, extent.size);
      } else {
        memset(&result[extent.offset], 0, extent.size);
      }
    }
    extents = change.count;
    mm_change_clear(&change);
    return result;
  }

  mm_log log = {};
  mm_error err = {};
  Bytes base, now;
  size_t extents = 0, pieces = 0; // of the last merge; those of packs one by one
};

TEST(Log, MergesNothingIntoNothing) {
  Logged log(Text("abc"));
  EXPECT_EQ(log.Merged(), Text("abc"));
  EXPECT_EQ(log.extents, 0u);
}

TEST(Log, KeepsItsOwnCopyOfTheBytes) {
  Logged log(Text("abcdef"));
  Bytes data = Text("XY");
  log.Write(2, data);
  data.assign(2, 'z');
  EXPECT_EQ(log.Merged(), Text("abXYef"));
}

TEST(Log, TheLastWriteOfAByteWins) {
  Logged log(Text(".........."));
  log.Write(0, Text("aaaaaa"));
  log.Write(3, Text("bbbbb"));
  log.Write(4, Text("c"));
  EXPECT_EQ(log.Merged(), Text("aaabcbbb.."));
}

TEST(Log, AnOlderWriteShowsOnBothSidesOfANewerOne) {
  Logged log(Bytes(300000, '.'));
  log.Write(1000, Bytes(200000, 'a'));
  log.Write(100000, Text("b"));
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.extents, 3u) << "large parts are pointed to, not copied";
}

TEST(Log, SmallNeighboursBecomeOneExtent) {
  Logged log(Bytes(1000, '.'));
  for (size_t i = 0; i < 1000; i++) log.Write(i, Bytes(1, static_cast<uint8_t>(i)));
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.extents, 1u);
}

TEST(Log, WritesOnlyBytesThatWereWritten) {
  Logged log(Bytes(10000, '.'));
  log.Write(5000, Text("a"));
  log.Write(5002, Text("b"));
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.pieces, 2u) << "the byte between them may be somebody else's";
}

TEST(Log, WhatWasCutOffComesBackAsZeros) {
  Logged log(Text("abcdefgh"));
  log.Write(4, Text("XYZ"));
  log.Resize(3);
  log.Resize(6);
  EXPECT_EQ(log.Merged(), Bytes({'a', 'b', 'c', 0, 0, 0}));
}

TEST(Log, ZerosPastTheOldEndAreNotWritten) {
  Logged log(Text("ab"));
  log.Resize(100);
  log.Write(50, Text("x"));
  log.Resize(10);
  log.Resize(1000);
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.extents, 0u);
}

TEST(Log, AppendsAfterACutReachTheFile) {
  Logged log(Text("abcdef"));
  log.Resize(2);
  log.Resize(4);
  log.Write(2, Text("XY"));
  EXPECT_EQ(log.Merged(), Text("abXY"));
}

TEST(Log, KnowsItsSizeAtEachOfItsLengths) {
  Logged log(Bytes(10, 0));
  log.Resize(20);
  log.Write(15, Text("x"));
  log.Resize(5);
  EXPECT_EQ(mm_log_size_at(&log.log, 0, 10), 10u);
  EXPECT_EQ(mm_log_size_at(&log.log, 1, 10), 20u);
  EXPECT_EQ(mm_log_size_at(&log.log, 2, 10), 20u);
  EXPECT_EQ(mm_log_size_at(&log.log, 3, 10), 5u);
}

TEST(Log, HoldsOffsetsNearTheLargest) {
  mm_log log = {};
  mm_error err;
  mm_change change = {};
  const uint64_t far = (uint64_t)1 << 46;
  uint8_t bytes[2] = {1, 2};
  ASSERT_EQ(mm_log_size(&log, 0, far, &err), MM_OK);
  ASSERT_EQ(mm_log_write(&log, far - 2, bytes, 2, &err), MM_OK);
  ASSERT_EQ(mm_log_merge(&log, 0, &change, &err), MM_OK);
  EXPECT_EQ(change.new_size, far);
  ASSERT_EQ(change.count, 1u);
  EXPECT_EQ(change.extents[0].offset, far - 2);
  mm_change_clear(&change);
  mm_log_clear(&log);
}

TEST(Log, CountsTheBytesOfItsWrites) {
  Logged log(Bytes(100, 0));
  log.Write(0, Bytes(10, 1));
  log.Resize(50);
  log.Write(5, Bytes(7, 2));
  EXPECT_EQ(log.log.bytes, 17u);
  mm_log_cut(&log.log, 2);
  EXPECT_EQ(log.log.bytes, 10u);
  mm_log_cut(&log.log, 0);
  EXPECT_EQ(log.log.bytes, 0u);
}

TEST(Log, ACutToItsLengthOrMoreChangesNothing) {
  Logged log(Text("abc"));
  log.Write(0, Text("X"));
  mm_log_cut(&log.log, 1);
  mm_log_cut(&log.log, 100);
  EXPECT_EQ(log.log.count, 1u);
  EXPECT_EQ(log.Merged(), Text("Xbc"));
}

TEST(Log, ALargeWriteBesideSmallOnesSurvivesCuts) {
  Logged log(Bytes(3 << 20, '.'));
  log.Write(0, Text("one"));
  log.Write(100, Bytes(1 << 20, 'L'));
  log.Write(50, Text("two"));
  Bytes at_three = log.now;
  log.Write(2 << 20, Bytes(1 << 20, 'M'));
  mm_log_cut(&log.log, 3);
  log.now = at_three;
  log.Write(60, Text("three"));
  EXPECT_EQ(log.Merged(), log.now);
}

// ---- memory -------------------------------------------------------------------------------------

class LogMemory : public testing::Test {
protected:
  void SetUp() override { Counting::Use(); }
  void TearDown() override {
    EXPECT_EQ(Counting::live, 0u) << "leaked";
    mm_mem_use(nullptr);
  }
};

TEST_F(LogMemory, GrowsWithWhatIsWritten) {
  Logged log(Bytes(100, 0));
  for (int i = 0; i < 100000; i++) log.Write(0, Bytes(10, 1));
  uint64_t entries =
      log.log.capacity * sizeof(mm_log_entry) + log.log.run_capacity * sizeof(size_t);
  EXPECT_LT(Counting::live, entries + 3 * 1000000 + 65536);
}

TEST_F(LogMemory, ACutGivesChunksBackAndTheirRoomIsUsedAgain) {
  Logged log(Bytes(100000, 0));
  log.Write(0, Bytes(10, 1));
  log.Write(0, Bytes(10, 2));
  uint64_t before = Counting::live;
  for (int round = 0; round < 1000; round++) {
    log.Write(0, Bytes(60000, 3));
    log.Write(0, Bytes(70000, 4));
    mm_log_cut(&log.log, 2);
  }
  EXPECT_LE(Counting::live, before);
  uint64_t calls = Counting::calls;
  for (int round = 0; round < 1000; round++) {
    log.Write(0, Bytes(1000, 3));
    mm_log_cut(&log.log, 2);
  }
  EXPECT_EQ(Counting::calls, calls);
}

TEST_F(LogMemory, ClearFreesAllAndLeavesAnEmptyLog) {
  Logged log(Bytes(100000, 0));
  for (int i = 0; i < 100; i++) log.Write(0, Bytes(50000, 1));
  mm_log_clear(&log.log);
  EXPECT_EQ(Counting::live, 0u);
  EXPECT_EQ(log.log.count, 0u);
  EXPECT_EQ(log.log.bytes, 0u);
  log.Write(3, Text("again"));
  EXPECT_EQ(log.Merged().at(3), 'a');
}

// Runs `work` with each allocation failing in turn, until it needs no more than there are.
template <typename Work> void WithEachFailure(Work work) {
  for (uint64_t at = 1;; at++) {
    Counting::calls = 0;
    Counting::fail_at = at;
    work();
    bool reached = Counting::calls >= at;
    Counting::fail_at = 0;
    if (!reached || testing::Test::HasFailure()) return;
    ASSERT_LT(at, 10000u);
  }
}

TEST_F(LogMemory, AFailedAppendChangesNothing) {
  WithEachFailure([] {
    mm_log log = {};
    mm_error err;
    Bytes data(30000, 7);
    for (int i = 0; i < 20; i++) {
      size_t count = log.count;
      uint64_t bytes = log.bytes;
      bool size = i % 3 == 2;
      int rc = size ? mm_log_size(&log, 5, 6, &err)
                    : mm_log_write(&log, 0, data.data(), data.size(), &err);
      if (rc == MM_OK) continue;
      EXPECT_EQ(rc, MM_NOMEM);
      EXPECT_EQ(log.count, count);
      EXPECT_EQ(log.bytes, bytes);
      mm_log_cut(&log, count / 2);
      EXPECT_EQ(mm_log_write(&log, 0, data.data(), data.size(), &err), MM_OK);
    }
    mm_log_clear(&log);
  });
}

TEST_F(LogMemory, AFailedMergeLeavesAnEmptyChange) {
  WithEachFailure([] {
    uint64_t fail_at = Counting::fail_at;
    Counting::fail_at = 0;
    Logged log(Bytes(1000, '.'));
    for (uint8_t i = 0; i < 100; i++) log.Write(i * 7u % 100 * 9, Bytes(i % 40 + 1u, i));
    Counting::calls = 0;
    Counting::fail_at = fail_at;
    mm_change change = {};
    int rc = mm_log_merge(&log.log, 1000, &change, &log.err);
    if (rc) {
      EXPECT_EQ(rc, MM_NOMEM);
      EXPECT_EQ(change.count, 0u);
      EXPECT_EQ(change.extents, nullptr);
    }
    mm_change_clear(&change);
  });
}

// ---- at random ----------------------------------------------------------------------------------

class Chance {
public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  uint64_t Below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(engine_); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  Bytes Data(uint64_t size) {
    Bytes bytes(size);
    for (uint8_t &byte : bytes) byte = static_cast<uint8_t>(Below(256));
    return bytes;
  }

private:
  std::mt19937 engine_;
};

// A size with a liking for small ones, and now and then more than what is joined.
uint64_t SomeSize(Chance &chance, uint64_t most) {
  uint64_t size =
      chance.OneIn(20) ? 1 + chance.Below(most) : 1 + chance.Below(std::min<uint64_t>(most, 20));
  return std::min(size, most);
}

// What a view shows that is given the entries one after the other.
Bytes Replayed(const mm_log &log, Bytes bytes) {
  for (size_t i = 0; i < log.count; i++) {
    const mm_log_entry &entry = log.entries[i];
    if (entry.data) {
      EXPECT_LE(entry.offset + entry.size, bytes.size());
      mm_extent extent = mm_log_extent(&entry), piece;
      mm_pieces pieces = mm_extent_pieces(&extent);
      uint64_t end = entry.offset;
      while (!testing::Test::HasFailure() && mm_pieces_next(&pieces, &piece)) {
        EXPECT_GE(piece.offset, end);
        end = piece.offset + piece.size;
        EXPECT_LE(end, entry.offset + entry.size);
        memcpy(&bytes[piece.offset], piece.data, piece.size);
      }
      EXPECT_EQ(end, entry.offset + entry.size);
    } else {
      EXPECT_EQ(entry.offset, bytes.size());
      bytes.resize(entry.size);
    }
  }
  return bytes;
}

// What log.h says of a log at any time.
// A cut frees the chunks from an entry on: none of them may have bytes of an entry below.
void CheckChunks(const mm_log &log, const struct mm_log_chunk *chunk) {
  for (; chunk; chunk = chunk->before) {
    for (size_t i = 0; i < log.count; i++) {
      auto data = reinterpret_cast<uintptr_t>(log.entries[i].data);
      auto bytes = reinterpret_cast<uintptr_t>(chunk->bytes);
      if (!data || data < bytes || data - bytes >= chunk->size) continue;
      ASSERT_LE(chunk->first, i) << chunk->number;
      break;
    }
  }
}

void CheckRules(const mm_log &log) {
  CheckChunks(log, log.shared);
  CheckChunks(log, log.large);
  uint64_t bytes = 0;
  size_t run = 0, sized = 0;
  for (size_t i = 0; i < log.count; i++) {
    const mm_log_entry *entry = &log.entries[i], *last = entry - 1;
    bool begins =
        i == 0 || !entry->data || !last->data || entry->offset < last->offset + last->size;
    if (begins) {
      ASSERT_LT(run, log.run_count);
      ASSERT_EQ(log.runs[run].held, bytes);
      ASSERT_EQ(log.runs[run++].first, i);
    }
    bytes += log_held(entry);
    if (!entry->data) sized = i + 1;
  }
  ASSERT_EQ(run, log.run_count);
  ASSERT_EQ(bytes, log.bytes);
  ASSERT_LE(bytes, log.held);
  ASSERT_EQ(sized, log.sized);
  ASSERT_LE(log.top.fixed, log.count);
}

// Random things done to a log, with savepoints, and what it should be.
class LogProgram {
public:
  explicit LogProgram(unsigned seed)
      : chance_(seed), most_(chance_.OneIn(4) ? 200000 : 60),
        log_(chance_.Data(chance_.Below(most_))) {
    if (!chance_.OneIn(3)) log_.log.spare = 1 + chance_.Below(3000);
  }

  void Run() {
    for (uint64_t step = chance_.Below(80); step > 0 && !testing::Test::HasFailure(); step--) {
      Step();
      CheckRules(log_.log);
      bool look = most_ < 1000 || chance_.OneIn(8);
      if (look) ASSERT_TRUE(Replayed(log_.log, log_.base) == log_.now);
      ASSERT_EQ(mm_log_size_at(&log_.log, log_.log.count, log_.base.size()), log_.now.size());
    }
    Counting::fail_at = 0;
    if (!testing::Test::HasFailure()) ASSERT_TRUE(log_.Merged() == log_.now);
  }

  bool failing = false;

private:
  struct Mark {
    mm_log_mark mark;
    Bytes bytes;
  };

  // The allocations of what may fail without harm.
  void Fail() {
    if (failing) Counting::fail_at = Counting::calls + 1 + chance_.Below(8);
  }

  void Step() {
    Counting::fail_at = 0;
    switch (chance_.Below(15)) {
      case 0:
        Fail();
        return mm_log_tidy(&log_.log);
      case 1:
        return marks_.push_back({mm_log_set_mark(&log_.log), log_.now});
      case 2:
        return RollBack();
      case 3:
        return Release(chance_.Below(marks_.size() + 1));
      case 4:
        Fail();
        return mm_log_settle(&log_.log);
      case 5:
        Fail();
        return (void)mm_log_compact(&log_.log, log_.log.top.fixed);
      case 6:
      case 7:
        return log_.Resize(chance_.Below(most_));
      case 8:
        return chance_.OneIn(2) ? Append() : Grow();
      case 9:
        return FailedEdit();
      case 10:
        return Scatter();
      default:
        return Write();
    }
  }

  void Write() {
    if (log_.now.empty()) return;
    last_ = chance_.OneIn(3) && last_ < log_.now.size() ? last_ : chance_.Below(log_.now.size());
    Bytes data = chance_.Data(SomeSize(chance_, log_.now.size() - last_));
    log_.Write(last_, data);
    if (chance_.OneIn(2)) last_ += data.size();
  }
  void Append() {
    for (uint64_t n = 1 + chance_.Below(3); n > 0; n--) {
      uint64_t old = log_.now.size(), size = 1 + chance_.Below(9);
      log_.Resize(old + size);
      log_.Write(old, chance_.Data(size));
      if (chance_.OneIn(2)) mm_log_tidy(&log_.log);
    }
  }
  // Small writes that ascend, as an UPDATE makes them: they are packed, until a pack is full, a gap too
  // large, or one too large for it. Some write again what was written last, or go on from there.
  void Scatter() {
    uint64_t at = 0, gap = 1 + chance_.Below(chance_.OneIn(4) ? 6000 : 40);
    uint64_t most = chance_.OneIn(4) ? 400 : 8, n = chance_.Below(chance_.OneIn(4) ? 3000 : 200);
    for (; n > 0 && at < log_.now.size(); n--) {
      log_.Write(at, chance_.Data(1 + chance_.Below(std::min(most, log_.now.size() - at))));
      if (!chance_.OneIn(3)) at += chance_.Below(gap);
      if (!chance_.OneIn(9)) mm_log_tidy(&log_.log);
    }
  }
  // As INSERT appends: the last entry grows, or is left as it was.
  void Grow() {
    uint64_t size = 1 + chance_.Below(9), old = log_.now.size();
    mm_log_tidy(&log_.log);
    uint8_t *room = mm_log_more_room(&log_.log, old, size);
    if (!room) return Append();
    Bytes data = chance_.Data(size);
    memcpy(room, data.data(), size);
    if (chance_.OneIn(4)) return;
    mm_log_grow(&log_.log, size);
    log_.now.insert(log_.now.end(), data.begin(), data.end());
  }
  // As an edit that cannot be shown: cut to where it began.
  void FailedEdit() {
    mm_log_tidy(&log_.log);
    size_t count = log_.log.count;
    Bytes before = log_.now;
    Write();
    log_.Resize(log_.now.size() + 1);
    mm_log_cut(&log_.log, count);
    log_.now = before;
  }
  void RollBack() {
    if (marks_.empty()) return;
    size_t to = chance_.Below(marks_.size());
    Release(to + 1);
    mm_log_cut(&log_.log, marks_[to].mark.count);
    log_.now = marks_[to].bytes;
  }
  void Release(size_t left) {
    for (; marks_.size() > left; marks_.pop_back()) mm_log_release(&log_.log, &marks_.back().mark);
  }

  Chance chance_;
  uint64_t most_;
  Logged log_;
  std::vector<Mark> marks_;
  uint64_t last_ = 0;
};

TEST(Log, DoesRandomProgramsAsAVectorDoes) {
  for (unsigned seed = 0; seed < 3000; seed++) {
    SCOPED_TRACE(seed);
    LogProgram(seed).Run();
    if (HasFailure()) return;
  }
}

// Without memory now and then, at any place.
TEST_F(LogMemory, DoesRandomProgramsWhoseCompactionsFail) {
  for (unsigned seed = 0; seed < 600; seed++) {
    SCOPED_TRACE(seed);
    LogProgram program(seed);
    program.failing = true;
    program.Run();
    if (HasFailure()) return;
  }
}

TEST(Log, PacksSmallWritesThatAscend) {
  Logged log(Bytes(1 << 20, '.'));
  for (size_t i = 0; i < 10000; i++) {
    log.Write(i * 100, Bytes(1, static_cast<uint8_t>(i)));
    mm_log_tidy(&log.log);
  }
  EXPECT_LE(log.log.count, 20u);
  EXPECT_LE(log.log.bytes, 31000u) << "a gap, a size, a byte";
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_LE(log.extents, 20u);
  EXPECT_EQ(log.pieces, 10000u);
  CheckRules(log.log);
}

TEST(Log, PacksThemWhateverTheirOrderOnceItIsCompacted) {
  Logged log(Bytes(1 << 20, '.'));
  for (size_t i = 0; i < 10000; i++) log.Write(i * 7919 % 10000 * 100, Bytes(2, 'a'));
  ASSERT_EQ(mm_log_compact(&log.log, 0), MM_OK);
  EXPECT_LE(log.log.count, 12u);
  EXPECT_LE(log.log.bytes, 41000u);
  EXPECT_LE(log.log.held, 60000u) << "what was copied is freed";
  EXPECT_EQ(log.Merged(), log.now);
  CheckRules(log.log);
}

TEST(Log, WhatIsFarOrLargeIsNotPacked) {
  Logged log(Bytes(1 << 20, '.'));
  std::pair<size_t, size_t> writes[] = {{0, 1},      {4096, 1},   {8193, 1},
                                        {8300, 255}, {8600, 256}, {8900, 3}};
  for (auto [at, size] : writes) {
    log.Write(at, Bytes(size, 'x'));
    mm_log_tidy(&log.log);
  }
  ASSERT_EQ(log.log.count, 4u);
  EXPECT_EQ(log.log.entries[0].size, 4097u) << "4,095 bytes between them";
  EXPECT_EQ(log.log.entries[1].size, 362u) << "4,096 bytes before it";
  EXPECT_EQ(log.log.entries[2].size, 256u);
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.pieces, 6u);
}

TEST(Log, ALastPieceOfAPackIsWrittenAgainAndGoesOn) {
  Logged log(Bytes(1000, '.'));
  log.Write(10, Text("a"));
  log.Write(20, Text("bcd"));
  mm_log_tidy(&log.log);
  for (size_t at : {22, 20, 23, 24}) {
    log.Write(at, Text("X"));
    mm_log_tidy(&log.log);
    EXPECT_EQ(log.log.count, 1u) << at;
  }
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.pieces, 2u);
  log.Write(10, Text("Y")); // not the last
  mm_log_tidy(&log.log);
  EXPECT_EQ(log.log.count, 2u);
  EXPECT_EQ(log.Merged(), log.now);
}

TEST(Log, MergesManyEntriesInLittleTime) {
  // 300,000 entries that all begin before and end after each other: quadratic work would show.
  Logged log(Bytes(700000, 0));
  for (size_t i = 0; i < 300000; i++) {
    uint8_t byte = static_cast<uint8_t>(i);
    size_t offset = i * 7919 % 699990;
    ASSERT_EQ(mm_log_write(&log.log, offset, &byte, 1, &log.err), MM_OK);
    log.now[offset] = byte;
  }
  EXPECT_TRUE(log.Merged() == log.now);
}

TEST(Log, NeighboursMakeExtentsOfAMegabyte) {
  constexpr size_t kPiece = 50000, kPieces = 50;
  Logged log(Bytes(kPiece * kPieces, '.'));
  for (size_t i = 0; i < kPieces; i++) {
    log.Write(i * kPiece, Bytes(kPiece, static_cast<uint8_t>('a' + i % 26)));
  }
  EXPECT_EQ(log.Merged(), log.now);
  EXPECT_EQ(log.extents, 3u);
}

TEST(Log, HasNoRoomForWhatNoMemoryHolds) {
  mm_log log = {};
  mm_error err;
  uint8_t *room;
  EXPECT_EQ(mm_log_write_room(&log, 0, UINT64_MAX, &room, &err), MM_NOMEM);
  EXPECT_EQ(log.count, 0u);
  mm_log_clear(&log);
}

TEST(Log, AMergeThatIsStoppedLeavesAnEmptyChange) {
  const size_t count = 100000;
  Logged log(Bytes(2 * count, '.'));
  for (size_t i = count; i-- > 0;) log.Write(2 * i, Text("x")); // to be sorted, swept and built
  bool stopped = true;
  for (int asks = 0; stopped && !HasFailure(); asks++) {
    int left = asks; // before it is told to stop
    mm_pace pace = {
        {[](void *n, uint64_t) { return (*static_cast<int *>(n))-- == 0 ? 1 : 0; }, &left}, 0};
    mm_change change = {};
    change.pace = &pace;
    int rc = mm_log_merge(&log.log, log.base.size(), &change, &log.err);
    stopped = left < 0;
    EXPECT_EQ(rc, stopped ? MM_INTERRUPT : MM_OK);
    mm_change_walk walk = {};
    walk.change = &change;
    mm_extent extent;
    size_t pieces = 0;
    while (mm_change_next(&walk, &extent)) pieces++;
    EXPECT_EQ(pieces, stopped ? 0 : count);
    mm_change_clear(&change);
    ASSERT_LT(asks, 1000);
    if (!stopped) EXPECT_GT(asks, 20) << "asked that often";
  }
}

int copies_left;

TEST(Log, IsCopiedWithItsSizesOrNotAtAll) {
  Logged log(Text("abcdef"));
  log.Write(1, Text("XY"));
  log.Resize(3);
  log.Write(0, Text("z"));
  const mm_allocator few = {
      [](uint64_t size) { return copies_left-- > 0 ? malloc(size) : nullptr; },
      [](void *p, uint64_t size) { return copies_left-- > 0 ? realloc(p, size) : nullptr; }, free};
  mm_mem_use(&few);
  for (int n = 0, rc = MM_NOMEM; rc != MM_OK; n++) {
    mm_log copy = {};
    copies_left = n;
    rc = mm_log_copy(&copy, &log.log, 0, log.log.count, &log.err);
    copies_left = 1000;
    if (rc == MM_OK) {
      EXPECT_EQ(copy.count, log.log.count);
      EXPECT_EQ(mm_log_size_at(&copy, copy.count, 6), 3u);
    } else {
      EXPECT_EQ(rc, MM_NOMEM);
    }
    mm_log_clear(&copy);
    ASSERT_LT(n, 100);
  }
  mm_mem_use(nullptr);
}

// Gives large pieces each below the one before.
alignas(16) uint8_t arena[8 << 20];
size_t arena_left;

void *FromAbove(uint64_t size) {
  if (size < 1000) return malloc(size);
  arena_left -= (size + 15) & ~uint64_t{15};
  return arena + arena_left;
}
void Return(void *memory) {
  auto *at = static_cast<uint8_t *>(memory);
  if (at < arena || at >= arena + sizeof arena) free(memory);
}

// A large write has memory of its own. Of one that was partly overwritten, and then released into the
// savepoint before, a part may become a part of an entry there: the rest stays.
TEST(Log, APartOfALargeWriteThatBecomesAPartOfAnotherTakesNothingFromTheRest) {
  constexpr size_t kMegabyte = 1 << 20;
  Logged log(Bytes(8 * kMegabyte, '.'));
  log.Write(0, Bytes(5 * kMegabyte, 'a'));
  mm_log_mark mark = mm_log_set_mark(&log.log);
  log.Write(3 * kMegabyte, Bytes(4 * kMegabyte, 'b'));
  log.Write(5 * kMegabyte, Bytes(100, 'c'));
  ASSERT_EQ(mm_log_compact(&log.log, mark.count), MM_OK);
  ASSERT_EQ(log.log.count, 4u);
  mm_log_release(&log.log, &mark);
  mm_log_tidy(&log.log);
  EXPECT_EQ(log.log.count, 3u) << "the first part lies in the write before";
  EXPECT_EQ(log.Merged(), log.now);
}

// What is joined lies in a chunk above those of before, which have entries further down by now.
TEST(Log, WhatIsJoinedHidesNoChunkFromACut) {
  mm_error err;
  mm_log log = {};
  std::vector<uint8_t> data(1200000, 'x');
  mm_log_fix(&log);
  for (uint64_t i = 1; i <= 20000; i++) {
    ASSERT_EQ(mm_log_write(&log, 2000000 - 56 * i, data.data(), 56, &err), MM_OK);
  }
  ASSERT_EQ(mm_log_write(&log, 10000000, data.data(), data.size(), &err), MM_OK);
  ASSERT_EQ(mm_log_write(&log, 3000000, data.data(), 60, &err), MM_OK);
  ASSERT_EQ(mm_log_compact(&log, 0), MM_OK);
  ASSERT_LT(log.count, 20u);
  CheckRules(log);
  mm_log_clear(&log);
}

TEST(Log, IsCutWhereverItsMemoryLies) {
  const mm_allocator descending = {FromAbove, realloc, Return};
  arena_left = sizeof arena;
  mm_mem_use(&descending);
  {
    Logged log(Bytes(2 << 20, '.'));
    log.Write(0, Text("first"));
    Bytes before = log.now;
    log.Write(9, Bytes(1 << 20, 'x')); // in memory of its own, below the first
    mm_log_cut(&log.log, 1);
    log.now = before;
    log.Write(7, Text("second"));
    EXPECT_EQ(log.Merged(), log.now);
  }
  mm_mem_use(nullptr);
}

} // namespace
