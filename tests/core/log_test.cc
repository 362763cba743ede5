// The log against a plain vector: whatever is written, resized and cut, the change that it merges
// into makes of the old bytes what doing the same to the vector made of them.
extern "C" {
#include "core/log.h"
#include "core/mem.h"
}

#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>

#include <random>
#include <string>
#include <vector>

namespace {

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
    for (size_t i = 0; i < change.count; i++) {
      const mm_extent &extent = change.extents[i];
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
  size_t extents = 0; // of the last merge
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
  EXPECT_EQ(log.extents, 2u) << "the byte between them may be somebody else's";
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

// An allocator that counts, and fails when told to.
struct Counting {
  static inline uint64_t live = 0, calls = 0, fail_at = 0;
  static bool Fails() { return ++calls == fail_at; }
  static void *Allocate(uint64_t size) {
    if (Fails()) return nullptr;
    auto *memory = static_cast<uint64_t *>(malloc(size + 16));
    memory[0] = size;
    live += size;
    return memory + 2;
  }
  static void Release(void *memory) {
    if (!memory) return;
    auto *block = static_cast<uint64_t *>(memory) - 2;
    live -= block[0];
    free(block);
  }
  static void *Reallocate(void *memory, uint64_t size) {
    if (!memory) return Allocate(size);
    if (Fails()) return nullptr;
    auto *block = static_cast<uint64_t *>(memory) - 2;
    live += size - block[0];
    block = static_cast<uint64_t *>(realloc(block, size + 16));
    block[0] = size;
    return block + 2;
  }
};

class LogMemory : public testing::Test {
protected:
  void SetUp() override {
    static const mm_allocator counting = {Counting::Allocate, Counting::Reallocate,
                                          Counting::Release};
    Counting::live = Counting::calls = Counting::fail_at = 0;
    mm_mem_use(&counting);
  }
  void TearDown() override {
    EXPECT_EQ(Counting::live, 0u) << "leaked";
    mm_mem_use(nullptr);
  }
};

TEST_F(LogMemory, GrowsWithWhatIsWritten) {
  Logged log(Bytes(100, 0));
  for (int i = 0; i < 100000; i++) log.Write(0, Bytes(10, 1));
  uint64_t entries = log.log.capacity * sizeof(mm_log_entry);
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

void RandomProgram(unsigned seed) {
  Chance chance(seed);
  uint64_t most = chance.OneIn(4) ? 200000 : 60;
  Logged log(chance.Data(chance.Below(most)));
  std::vector<Bytes> states = {log.now}; // after each length of the log
  for (uint64_t step = chance.Below(60); step > 0; step--) {
    if (chance.OneIn(10)) {
      uint64_t to = chance.Below(states.size());
      mm_log_cut(&log.log, to);
      states.resize(to + 1);
      log.now = states.back();
    } else if (chance.OneIn(5) || log.now.empty()) {
      log.Resize(chance.Below(most));
      states.push_back(log.now);
    } else {
      uint64_t offset = chance.Below(log.now.size());
      log.Write(offset, chance.Data(SomeSize(chance, log.now.size() - offset)));
      states.push_back(log.now);
    }
    ASSERT_EQ(log.log.count + 1, states.size());
  }
  ASSERT_TRUE(log.Merged() == log.now);
}

TEST(Log, MergesRandomProgramsAsAVectorDoes) {
  for (unsigned seed = 0; seed < 3000; seed++) {
    SCOPED_TRACE(seed);
    RandomProgram(seed);
    if (HasFailure()) return;
  }
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
    mm_change_watch watch = {[](void *n) { return (*static_cast<int *>(n))-- == 0 ? 1 : 0; }, &left,
                             0};
    mm_change change = {};
    change.watch = &watch;
    int rc = mm_log_merge(&log.log, log.base.size(), &change, &log.err);
    stopped = left < 0;
    EXPECT_EQ(rc, stopped ? MM_INTERRUPT : MM_OK);
    EXPECT_EQ(change.count, stopped ? 0 : count);
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
