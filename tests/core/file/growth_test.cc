// What a transaction takes follows what is different, not what was done: memory, by counting what
// core allocates, and work, by counting all that it has allocated on the way.
#include "tests/support/counting.h"
#include "tests/support/object_file.h"

#include <algorithm>
#include <numeric>
#include <random>

namespace {

using namespace mm_test;

class GrowthTest : public FileTest {
protected:
  // What the log may leave loose, in place of its 16 MB, so that little is much.
  static constexpr uint64_t kSpare = 1 << 20;

  void SetUp() override {
    Counting::Use();
    FileTest::SetUp();
  }
  void TearDown() override {
    FileTest::TearDown();
    EXPECT_EQ(Counting::live, 0u) << "leaked";
    mm_mem_use(nullptr);
  }

  Object Begun(uint64_t size) {
    Object object = Open(Put("a", Pattern(size)));
    object.Begin();
    object->log.spare = kSpare;
    return object;
  }
  // The contract in small: 64 MB are four times what is loose, and there is a chunk begun.
  static uint64_t Allowed(uint64_t different) { return 4 * kSpare + (8 << 20) + 2 * different; }

  // Runs `body(n)`, 2n and 4n, each in a transaction of its own on a file of `size` bytes: the
  // memory stays below what is allowed, the work is linear.
  template <typename Body> void Grow(uint64_t size, uint64_t n, Body body) {
    uint64_t before = 0;
    for (int round = 0; round < 3; round++, n *= 2) {
      SCOPED_TRACE(n);
      Object object = Begun(size);
      Counting::peak = Counting::total = Counting::live;
      uint64_t different = body(object, n);
      EXPECT_LE(Counting::peak, Allowed(different));
      if (round > 0) {
        EXPECT_LE(Counting::total, before * 3 + 4 * kSpare) << "bytes allocated in all";
      }
      before = Counting::total;
      Bytes wanted = object.Seen();
      object.Commit();
      EXPECT_TRUE(Contents(Path("a")) == wanted);
    }
  }

  std::mt19937 random_{7};
  uint64_t Below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(random_); }
};

TEST_F(GrowthTest, OverwritingTheSameBytes) {
  Grow(100000, 500, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) object.Write(100, Pattern(50000, static_cast<unsigned>(i)));
    return 50000;
  });
}

TEST_F(GrowthTest, OverwritingBytesThatOverlap) {
  Grow(100000, 500, [this](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      object.Write(Below(50000), Pattern(50000, static_cast<unsigned>(i)));
    }
    return 100000;
  });
}

TEST_F(GrowthTest, SmallWritesAllOver) {
  Grow(100000, 40000, [this](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) object.Write(Below(99990), Pattern(1 + Below(10)));
    return 100000;
  });
}

TEST_F(GrowthTest, InsertingAndDeleting) {
  Grow(167000, 200, [this](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      object.Erase(Below(1000), 10);
      object.Insert(Below(1000), Pattern(10, static_cast<unsigned>(i)));
    }
    return 167000;
  });
}

TEST_F(GrowthTest, InsertingAndDeletingInPieces) {
  Grow(9 << 20, 3, [this](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      object.Erase(Below(1000), 10);
      object.Insert(Below(1000), Pattern(10, static_cast<unsigned>(i)));
    }
    return 9 << 20;
  });
}

TEST_F(GrowthTest, MovingToAndFro) {
  Grow(300000, 200, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) object.Move(i % 2 * 1000, (i + 1) % 2 * 1000, 299000);
    return 300000;
  });
}

// As INSERT does it: a change of size and a write for each column, as one step.
TEST_F(GrowthTest, AppendedRecordsAreAFewEntries) {
  Grow(64, 100000, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      mm_log_mark mark = mm_object_mark(object);
      uint64_t at = object->size;
      object.Resize(at + 16);
      object.Write(at, Bytes(8, static_cast<uint8_t>(i)));
      object.Write(at + 8, Bytes(8, 7));
      mm_object_release(object, &mark);
    }
    EXPECT_LE(object->log.count, 20u);
    return n * 16;
  });
}

TEST_F(GrowthTest, StatementsThatAppendARecordEachAreAFewEntries) {
  Grow(64, 20000, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      mm_log_mark mark = mm_object_savepoint(object);
      uint64_t at = object->size;
      object.Resize(at + 16);
      object.Write(at, Bytes(16, static_cast<uint8_t>(i)));
      mm_object_release(object, &mark);
    }
    EXPECT_LE(object->log.count, 20u + n * 16 / 4096);
    return n * 16;
  });
}

TEST_F(GrowthTest, AByteAtATimeUpwardsIsAFewEntries) {
  Grow(400000, 100000, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) object.Write(i, Bytes(1, static_cast<uint8_t>(i)));
    EXPECT_LE(object->log.count, 20u);
    return n;
  });
}

TEST_F(GrowthTest, AByteAgainAndAgainIsOneEntry) {
  Grow(10, 100000, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) object.Write(3, Bytes(1, static_cast<uint8_t>(i)));
    EXPECT_LE(object->log.count, 2u);
    return 1;
  });
}

// Before there are neighbours to join it with, a record takes more than its bytes.
TEST_F(GrowthTest, RecordsInAnyOrderAreJoined) {
  Grow(16 * 400000, 100000, [this](Object &object, uint64_t n) {
    std::vector<uint64_t> rows(n);
    std::iota(rows.begin(), rows.end(), 0);
    std::shuffle(rows.begin(), rows.end(), random_);
    for (uint64_t row : rows) object.Write(row * 16, Bytes(16, 9));
    return n * 20;
  });
}

TEST_F(GrowthTest, AByteAtATimeDownwardsIsJoined) {
  Grow(400000, 100000, [](Object &object, uint64_t n) {
    for (uint64_t i = n; i-- > 0;) object.Write(i, Bytes(1, 9));
    return n;
  });
}

// Bytes far from one another: a few for each, to the end of COMMIT, in whatever order they come.
TEST_F(GrowthTest, ScatteredBytesTakeLessThanSixteenEach) {
  for (int order = 0; order < 3; order++) {
    uint64_t before = 0;
    for (uint64_t n : {50000u, 100000u, 200000u}) {
      SCOPED_TRACE(std::to_string(n) + " in order " + std::to_string(order));
      std::vector<uint64_t> places(n);
      std::iota(places.begin(), places.end(), 0);
      if (order == 1) std::reverse(places.begin(), places.end());
      if (order == 2) std::shuffle(places.begin(), places.end(), random_);
      Object object = Begun(n * 10);
      Counting::peak = Counting::total = Counting::live;
      uint8_t byte = 0xa5;
      for (uint64_t place : places) mm_object_write(object, place * 10, &byte, 1, &object.err);
      Bytes wanted = object.Seen();
      object.Commit();
      EXPECT_LE(Counting::peak, 3 * kSpare + 16 * n);
      if (order == 0) EXPECT_LE(Counting::peak, 3 * kSpare + 8 * n) << "as UPDATE goes";
      if (before) EXPECT_LE(Counting::total, before * 3 + 4 * kSpare) << "bytes allocated in all";
      before = Counting::total;
      EXPECT_TRUE(Contents(Path("a")) == wanted);
    }
  }
}

TEST_F(GrowthTest, SizesToAndFro) {
  Grow(100000, 20000, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      object.Resize(100 + i % 7);
      object.Resize(20000);
      object.Write(i % 20000, Bytes(1, 5));
    }
    return 100000;
  });
}

// ---- savepoints ---------------------------------------------------------------------------------

TEST_F(GrowthTest, SavepointsThatStayOpenKeepAVersionEach) {
  Grow(20000, 300, [](Object &object, uint64_t n) {
    std::vector<mm_log_mark> marks;
    for (uint64_t i = 0; i < n; i++) {
      marks.push_back(mm_object_savepoint(object));
      for (unsigned k = 0; k < 20; k++) {
        object.Write(k % 2 * 100, Bytes(10000, static_cast<uint8_t>(i)));
      }
    }
    for (uint64_t i = n; i-- > n / 2;) {
      mm_object_release(object, &marks[i]);
      object.RollbackTo(marks[i]);
      EXPECT_EQ(object->data[50], static_cast<uint8_t>(i - 1));
      EXPECT_EQ(object->data[10090], static_cast<uint8_t>(i - 1));
    }
    return n * 10100;
  });
}

TEST_F(GrowthTest, SavepointsThatAreReleasedKeepNothing) {
  Grow(20000, 3000, [](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      mm_log_mark mark = mm_object_savepoint(object);
      object.Write(i % 2 * 100, Bytes(1000, static_cast<uint8_t>(i)));
      object.Write(5000, Bytes(100, static_cast<uint8_t>(i)));
      mm_object_release(object, &mark);
    }
    return 1200;
  });
}

TEST_F(GrowthTest, TenThousandOpenSavepointsAreReleasedOneByOne) {
  Grow(20000, 2500, [](Object &object, uint64_t n) {
    std::vector<mm_log_mark> marks;
    for (uint64_t i = 0; i < n; i++) {
      marks.push_back(mm_object_savepoint(object));
      object.Write(i % 20000, Bytes(1, 1));
    }
    for (; !marks.empty(); marks.pop_back()) {
      mm_object_release(object, &marks.back());
      object.Write(7, Bytes(1, 2));
    }
    return n * 100;
  });
}

// Each rollback shows again what lies under what it cuts: it searches each run of the log below.
TEST_F(GrowthTest, ARollbackSearchesALargeLogAndDoesNotWalkIt) {
  Grow(1 << 18, 1000, [this](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) object.Write(Below((1 << 18) - 4), Bytes(4, 1));
    Bytes before = object.Seen();
    for (uint64_t i = 0; i < n; i++) {
      mm_log_mark mark = mm_object_savepoint(object);
      EXPECT_LE(object->log.run_count, 100u) << "what a rollback searches";
      object.Write(Below((1 << 18) - 4), Bytes(4, 2));
      object.Write(Below((1 << 18) - 4), Bytes(4, 3));
      mm_object_release(object, &mark);
      object.RollbackTo(mark);
      if (testing::Test::HasFailure()) break;
    }
    EXPECT_TRUE(object.Seen() == before);
    return n * 100;
  });
}

TEST_F(GrowthTest, SoDoesOneBetweenWritesThatStay) {
  Grow(1 << 18, 1000, [this](Object &object, uint64_t n) {
    for (uint64_t i = 0; i < n; i++) {
      object.Write(Below((1 << 18) - 4), Bytes(4, 1));
      mm_log_mark mark = mm_object_savepoint(object);
      EXPECT_LE(object->log.run_count, 100u) << "what a rollback searches";
      object.Write(Below((1 << 18) - 4), Bytes(4, 2));
      mm_object_release(object, &mark);
      object.RollbackTo(mark);
      if (testing::Test::HasFailure()) break;
    }
    return n * 100;
  });
}

// ---- what is prepared ---------------------------------------------------------------------------

TEST_F(GrowthTest, WhatIsPreparedIsNotCompactedAway) {
  Object object = Begun(100000);
  for (unsigned i = 0; i < 100; i++) object.Write(i * 10, Pattern(40000, i));
  object.Prepare();
  size_t count = object->log.count;
  mm_log_mark mark = mm_object_savepoint(object);
  EXPECT_EQ(object->log.count, count);
  mm_object_release(object, &mark);
  Bytes wanted = object.Seen();
  object.Commit();
  EXPECT_TRUE(Contents(Path("a")) == wanted);
}

} // namespace
