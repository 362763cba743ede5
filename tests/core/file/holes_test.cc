// Files with holes, on a file system in memory: there a page fault in a hole takes room, which a file
// that is only read must not do; and what fills a hole is seen all the same.
#include "tests/support/object_file.h"

#include "tests/support/fault_sys.h"

#include <sys/mman.h>
#include <sys/vfs.h>

#include <random>

namespace {

using namespace mm_test;

constexpr uint64_t kSize = 4 << 20;

class Holes : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    int fd = open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    ASSERT_GE(fd, 0);
    ASSERT_EQ(pwrite(fd, "first", 5, 0), 5);
    ASSERT_EQ(pwrite(fd, "second", 6, 1 << 20), 6);
    ASSERT_EQ(ftruncate(fd, kSize), 0);
    close(fd);
  }
  void TearDown() override {
    unlink(path_.c_str());
    unlink((path_ + "-mmap-journal").c_str());
    FileTest::TearDown();
  }

  int64_t Blocks() const {
    struct stat st;
    return stat(path_.c_str(), &st) == 0 ? static_cast<int64_t>(st.st_blocks) : -1;
  }
  static uint64_t Sum(const Object &object) {
    uint64_t sum = 0;
    for (uint64_t i = 0; i < object->size; i++) sum += object->data[i];
    return sum;
  }

  std::string path_ = "/dev/shm/holes_test." + std::to_string(getpid());
};

TEST_F(Holes, ReadingThemTakesNoRoom) {
  int64_t before = Blocks();
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  EXPECT_EQ(Sum(object),
            static_cast<uint64_t>('f' + 'i' + 'r' + 's' + 't' + 's' + 'e' + 'c' + 'o' + 'n' + 'd'));
  EXPECT_EQ(object.Seen(), Contents(path_));
  EXPECT_EQ(Blocks(), before);
  Object copy = Open(path_, MM_OBJECT_PRIVATE, settings);
  copy.Refresh();
  copy.Begin();
  copy.Write(2 << 20, Text("own"));
  (void)Sum(copy);
  EXPECT_EQ(Blocks(), before);
}

TEST_F(Holes, WhatFillsThemIsSeen) {
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  EXPECT_EQ(object->data[2 << 20], 0);
  Outside(path_, 2 << 20, Text("new"));
  object.Refresh();
  EXPECT_EQ(object->data[2 << 20], 'n');
  // Through a mapping, which changes no time.
  int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(fd, 0);
  void *map = mmap(nullptr, kSize, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  ASSERT_NE(map, MAP_FAILED);
  static_cast<char *>(map)[3 << 20] = 'm';
  object.Refresh();
  EXPECT_EQ(object->data[3 << 20], 'm');
  munmap(map, kSize);
  close(fd);
}

TEST_F(Holes, OfAFileThatGetsSomeLaterAreCovered) {
  Outside(path_, 0, Bytes(kSize, 'x'));
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  EXPECT_EQ(Sum(object), 'x' * kSize);
  OutsideResize(path_, 4 * kSize);
  int64_t before = Blocks();
  object.Refresh();
  EXPECT_EQ(Sum(object), 'x' * kSize);
  EXPECT_EQ(Blocks(), before);
}

TEST_F(Holes, GrowthIsOne) {
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  int64_t before = Blocks();
  object.Begin();
  object.Resize(64 * kSize);
  object.Prepare();
  object.Commit();
  (void)Sum(object);
  object.Refresh();
  (void)Sum(object);
  EXPECT_EQ(Blocks(), before);
}

TEST_F(Holes, AFailedCommitLeavesThem) {
  int64_t before = Blocks();
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  for (int n = 0, more = 1; more; n++) {
    FaultSys sys;
    sys.CountOnly({Call::kReserve, Call::kWrite});
    object.Begin();
    object.Write(2 << 20, Pattern(300000));
    object.Write(3 << 20, Text("x"));
    object.Write(kSize - 3, Text("end"));
    sys.FailAt(n, ENOSPC);
    int rc = mm_object_prepare(object, &object.err);
    more = sys.Fired();
    EXPECT_EQ(rc, more ? MM_FULL : MM_OK);
    sys.NoFault();
    object.Rollback();
    EXPECT_EQ(Blocks(), before) << n;
  }
  Bytes expected = Contents(path_);
  EXPECT_EQ(object.Seen(), expected);
}

TEST_F(Holes, ACommitThatIsTriedAgainGivesBackWhatItNeedsNoMore) {
  int64_t before = Blocks();
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  object.Begin();
  object.Write(3 << 20, Text("x"));
  mm_log_mark mark = mm_object_mark(object);
  object.Write(2 << 20, Pattern(300000));
  object.Prepare();
  EXPECT_GT(Blocks(), before + 500);
  ASSERT_EQ(mm_object_rollback_to(object, mark.count, &object.err), MM_OK);
  object.Write(7, Text("y"));
  object.Prepare();
  object.Commit();
  EXPECT_EQ(Blocks(), before + 8) << "one page";
  EXPECT_EQ(Contents(path_), object.Seen());
}

// Where no more can be mapped it is as it was without.
TEST_F(Holes, ThatCannotBeCoveredAreReadAll) {
  for (int n = 0, more = 1; more; n++) {
    FaultSys sys;
    sys.CountOnly({Call::kMap, Call::kNextHole, Call::kNextData});
    sys.FailAt(n, ENOMEM);
    mm_object *opened = nullptr;
    mm_error err;
    int rc = TryOpen(path_, MM_OBJECT_FILE, &settings, &opened, &err);
    if (rc == MM_OK) rc = mm_object_refresh(opened, &err);
    more = sys.Fired();
    if (rc == MM_OK) {
      EXPECT_EQ(Bytes(opened->data, opened->data + opened->size), Contents(path_)) << n;
    }
    EXPECT_TRUE(rc == MM_OK || n == 0) << n << err.text;
    mm_object_close(opened);
  }
}

TEST_F(Holes, OnlyTheFirstThousandAreCovered) {
  uint64_t page = Page(), count = 1500;
  OutsideResize(path_, 0);
  OutsideResize(path_, 2 * count * page);
  for (uint64_t i = 0; i < count; i++) Outside(path_, 2 * i * page, Text("x"));
  int64_t before = Blocks();
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  for (uint64_t i = 0; i < 1000; i++) EXPECT_EQ(object->data[(2 * i + 1) * page], 0);
  EXPECT_EQ(Blocks(), before);
  EXPECT_EQ(Sum(object), 'x' * count);
}

// Programs at random, of ours and of one that knows nothing of us.
TEST_F(Holes, ShowWhatIsInTheFile) {
  std::minstd_rand random(5);
  auto pick = [&](uint64_t n) { return random() / 7 % n; };
  uint64_t page = Page();
  Object object = Open(path_, MM_OBJECT_FILE, settings);
  object.Refresh();
  Bytes model = Contents(path_);
  for (int round = 0; round < 400; round++) {
    uint64_t size = pick(3 * page) + 1, at = pick(pick(2) ? 40 * page : model.size());
    if (at + size > model.size()) at = 0;
    Bytes data = pick(3) ? Pattern(size, static_cast<unsigned>(round)) : Bytes(size, 0);
    switch (pick(5)) {
      case 0: // another program writes
        Outside(path_, at, data);
        std::copy(data.begin(), data.end(), model.begin() + static_cast<ptrdiff_t>(at));
        break;
      case 1: { // … or makes a hole
        int fd = open(path_.c_str(), O_RDWR | O_CLOEXEC);
        ASSERT_EQ(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(at),
                            static_cast<off_t>(size)),
                  0);
        close(fd);
        std::fill_n(model.begin() + static_cast<ptrdiff_t>(at), size, 0);
        break;
      }
      case 2: { // it resizes
        uint64_t to = kSize - pick(20) * page + pick(page);
        OutsideResize(path_, to);
        model.resize(to);
        break;
      }
      default: { // we write, and commit or not
        object.Refresh();
        object.Begin();
        object.Write(at, data);
        mm_log_mark mark = mm_object_mark(object);
        object.Write(pick(model.size() - size), data);
        ASSERT_EQ(mm_object_rollback_to(object, mark.count, &object.err), MM_OK);
        bool commits = pick(2);
        if (commits) {
          std::copy(data.begin(), data.end(), model.begin() + static_cast<ptrdiff_t>(at));
          object.Prepare();
          object.Commit();
        } else {
          if (pick(2)) object.Prepare();
          object.Rollback();
        }
        ASSERT_EQ(object.Seen(), model) << round;
      }
    }
    if (pick(2)) {
      object.Refresh();
      ASSERT_EQ(object.Seen(), model) << round;
    }
  }
  EXPECT_EQ(Contents(path_), model);
}

// Files in memory are asked for once, files elsewhere, too, and only if they have holes.
TEST_F(Holes, CostNothingElsewhere) {
  std::string full = Path("full"), sparse = Path("sparse");
  Outside(full, 0, Bytes(100000, 'x'));
  Outside(sparse, 0, Bytes(1, 'x'));
  OutsideResize(sparse, 1 << 20);
  struct statfs fs;
  ASSERT_EQ(statfs(full.c_str(), &fs), 0);
  bool memory = fs.f_type == 0x01021994;
  for (const std::string &path : {full, sparse}) {
    FaultSys sys;
    Object object = Open(path, MM_OBJECT_FILE, settings);
    object.Refresh();
    Outside(path, 5, Text("y"));
    object.Refresh();
    EXPECT_EQ(sys.RecordsOf(Call::kHolesTakeRoom).size(), path == full ? 0u : 1u);
    if (!memory) EXPECT_EQ(sys.RecordsOf(Call::kMap).size(), 1u);
    if (!memory) EXPECT_EQ(sys.RecordsOf(Call::kNextHole).size(), 0u);
  }
}

} // namespace
