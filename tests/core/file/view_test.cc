// A file's bytes in memory and the promise of a pin: a pinned byte keeps its value and its address,
// whatever this process does to the file.
#include "tests/support/object_file.h"

#include "tests/support/core_file.h"
#include "tests/support/fault_sys.h"

#include <sys/mman.h>
#ifdef __linux__
#include <sys/resource.h>
#endif

#include <atomic>
#include <memory>
#include <thread>

namespace {

using namespace mm_test;

bool IsMapped(const void *address) {
  auto page = reinterpret_cast<uintptr_t>(address) & ~(Page() - 1);
  unsigned char resident;
  return mincore(reinterpret_cast<void *>(page), Page(), &resident) == 0;
}

// A change of `size` bytes at `offset`, or of the file's size alone.
struct Change {
  Change(uint64_t old_size, uint64_t new_size, uint64_t offset = 0, uint64_t size = 0) {
    change.old_size = old_size;
    change.new_size = new_size;
    extent = {offset, size, nullptr, 0};
    change.extents = &extent;
    change.count = size ? 1 : 0;
  }
  mm_extent extent;
  mm_change change = {};
};

class ViewTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    mm_error err;
    ASSERT_EQ(mm_guard_install(&err), MM_OK);
  }
  void TearDown() override {
    for (int fd : files_) CloseForCore(fd);
    FileTest::TearDown();
  }
  mm_view *View(const std::string &path, uint64_t size, mm_view_watch watch = {}) {
    int fd = OpenForCore(path, MM_OPEN_READ);
    files_.push_back(fd);
    mm_view *view = nullptr;
    EXPECT_EQ(mm_view_open(fd, nullptr, size, 0, 1, 2, watch, &view, &err), MM_OK) << err.text;
    return view;
  }
  Bytes Seen(const mm_view *view, uint64_t offset, uint64_t size) {
    return Bytes(view->base + offset, view->base + offset + size);
  }
  Bytes Part(const Bytes &bytes, uint64_t offset, uint64_t size) {
    auto from = bytes.begin() + static_cast<ptrdiff_t>(offset);
    return Bytes(from, from + static_cast<ptrdiff_t>(size));
  }

  Bytes old = Pattern(9 * Page() + 50);
  mm_error err;

private:
  std::vector<int> files_; // open as long as their views
};

TEST_F(ViewTest, ShowsAFileThatGrowsWithoutBeingMappedAnew) {
  std::string path = Put("a", old);
  mm_view *view = View(path, old.size());
  EXPECT_GT(view->reserved, old.size());
  EXPECT_EQ(Seen(view, 0, old.size()), old);
  Outside(path, old.size(), Pattern(2 * Page(), 7));
  EXPECT_EQ(Seen(view, old.size(), 2 * Page()), Pattern(2 * Page(), 7));
  mm_view_close(view);
}

TEST_F(ViewTest, StoresReachNobodyAndAreForgottenWhenItIsCleaned) {
  std::string path = Put("a", old);
  mm_view *view = View(path, old.size());
  ASSERT_EQ(mm_view_make_writable(view, &err), MM_OK);
  ASSERT_EQ(mm_view_make_writable(view, &err), MM_OK);
  mm_view_store(view, Page() - 2, Text("abcd").data(), 4);
  EXPECT_EQ(Seen(view, Page() - 2, 4), Text("abcd"));
  EXPECT_EQ(Contents(path), old);
  ASSERT_EQ(mm_view_clean(view, Page() + 1, 1, &err), MM_OK);
  EXPECT_EQ(Seen(view, Page() - 2, 2), Text("ab")) << "another page";
  EXPECT_EQ(Seen(view, Page(), 2), Part(old, Page(), 2));
  ASSERT_EQ(mm_view_clean(view, 0, UINT64_MAX / 2, &err), MM_OK);
  EXPECT_EQ(Seen(view, 0, old.size()), old);
  mm_view_close(view);
}

TEST_F(ViewTest, HasZerosPastTheFileOnceThereIsRoom) {
  std::string path = Put("a", old);
  mm_view *view = View(path, 20 * Page());
  ASSERT_EQ(mm_view_make_writable(view, &err), MM_OK);
  ASSERT_EQ(mm_view_make_room(view, old.size(), &err), MM_OK);
  ASSERT_EQ(mm_view_make_room(view, old.size(), &err), MM_OK);
  EXPECT_EQ(view->anonymous, 10 * Page());
  EXPECT_EQ(Seen(view, 10 * Page(), 10 * Page()), Bytes(10 * Page(), 0));
  EXPECT_FALSE(mm_guard_hit(view->guard));
  mm_view_close(view);
}

TEST_F(ViewTest, ZeroesAFewBytesOrMany) {
  Bytes large = Pattern(3 << 20);
  mm_view *view = View(Put("a", large), large.size());
  ASSERT_EQ(mm_view_make_writable(view, &err), MM_OK);
  ASSERT_EQ(mm_view_zero(view, 5, 3, &err), MM_OK);
  EXPECT_FALSE(view->patched);
  ASSERT_EQ(mm_view_zero(view, 100001, 2 << 20, &err), MM_OK);
  EXPECT_TRUE(view->patched);
  std::fill_n(large.begin() + 5, 3, 0);
  std::fill_n(large.begin() + 100001, 2 << 20, 0);
  EXPECT_TRUE(Seen(view, 0, large.size()) == large);
  mm_view_close(view);
}

// A system that promises no memory, and has taken away what it was to replace by then, as Linux
// before 6.12.
class NoMemoryPromised {
public:
  NoMemoryPromised() : before_(mm_os) {
    real = before_.map;
    mm_os.map = [](void **address, size_t size, int protection, int fd, uint64_t offset,
                   bool fixed) {
      if (!(protection & MM_PROT_WRITE)) return real(address, size, protection, fd, offset, fixed);
      if (fixed) munmap(*address, size);
      return -ENOMEM;
    };
    mm_os.protect = [](void *, size_t, int) { return -ENOMEM; };
  }
  ~NoMemoryPromised() { mm_os = before_; }

private:
  static inline decltype(mm_sys::map) real;
  mm_sys before_;
};

TEST_F(ViewTest, HasNoGapWhereThereIsNoMemoryForZeros) {
  Bytes large = Pattern(3 << 20);
  mm_view *view = View(Put("a", large), large.size());
  ASSERT_EQ(mm_view_make_writable(view, &err), MM_OK);
  {
    NoMemoryPromised none;
    EXPECT_EQ(mm_view_zero(view, 100001, 2 << 20, &err), MM_NOMEM);
  }
  EXPECT_TRUE(view->patched) << "it is not cleaned, but mapped anew";
  EXPECT_TRUE(view->absent) << "and not stored into";
  for (uint64_t at = 0; at < large.size(); at += Page()) {
    ASSERT_TRUE(IsMapped(view->base + at)) << at;
  }
  mm_view_close(view);
}

TEST_F(ViewTest, KeepsTheAddressesThatItCannotGrowInto) {
  int fd = OpenForCore(Put("a", old), MM_OPEN_READ);
  mm_view *view = nullptr;
  ASSERT_EQ(mm_view_open(fd, nullptr, old.size(), 1 << 20, 1, 2, {}, &view, &err), MM_OK);
  ASSERT_EQ(view->room, 1u << 20);
  const uint64_t before = view->reserved;
  {
    NoMemoryPromised none;
    EXPECT_FALSE(mm_view_extend(view, before + 1));
  }
  EXPECT_FALSE(mm_view_extend(view, view->room + 1));
  EXPECT_EQ(view->reserved, before);
  for (uint64_t at = 0; at < view->room; at += Page()) {
    ASSERT_TRUE(IsMapped(view->base + at)) << "another thread would be given " << at;
  }
  ASSERT_TRUE(mm_view_extend(view, before + 1));
  EXPECT_GT(view->reserved, before);
  EXPECT_EQ(Seen(view, before, view->reserved - before), Bytes(view->reserved - before, 0));
  EXPECT_EQ(Seen(view, 0, old.size()), old);
  mm_view_close(view);
  CloseForCore(fd);
}

#ifdef __linux__

// A process that may have only so many addresses needs them for more than one view.
TEST_F(ViewTest, LeavesAsManyAddressesToOthersAsItTakesToGrowInto) {
  constexpr uint64_t kRoom = uint64_t{1} << 30;
  if (sizeof(void *) < 8) GTEST_SKIP();
  int fd = OpenForCore(Put("a", old), MM_OPEN_READ);
  for (uint64_t more : {kRoom / 4 * 5, 4 * kRoom}) {
    int rooms = InChild([&] {
      uint64_t pages = 0;
      std::ifstream("/proc/self/statm") >> pages;
      const rlimit limit = {pages * Page() + more, RLIM_INFINITY};
      if (setrlimit(RLIMIT_AS, &limit)) return 99;
      mm_view *view = nullptr;
      if (mm_view_open(fd, nullptr, old.size(), kRoom, 1, 2, {}, &view, &err)) return 98;
      void *others = mmap(nullptr, kRoom, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (others == MAP_FAILED) return 97;
      return view->room == kRoom ? 1 : 0;
    });
    EXPECT_EQ(rooms, more > 2 * kRoom ? 1 : 0);
  }
  CloseForCore(fd);
}

#endif

TEST_F(ViewTest, ThatCannotBeIsRefused) {
  int fd = OpenForCore(Put("a", old), MM_OPEN_READ);
  mm_view *view = nullptr;
  EXPECT_EQ(mm_view_open(fd, nullptr, UINT64_MAX, 0, 1, 2, {}, &view, &err), MM_TOOBIG);
  EXPECT_NE(mm_view_open(fd, nullptr, (uint64_t)1 << 61, 0, 1, 2, {}, &view, &err), MM_OK);
  EXPECT_EQ(mm_view_open(-1, nullptr, 0, 0, 1, 2, {}, &view, &err), MM_OK) << "no file: zeros";
  mm_view_close(view);
  mm_view_close(nullptr);
  CloseForCore(fd);
}

// ---- faults -------------------------------------------------------------------------------------

TEST_F(ViewTest, TellsOfAFaultIfItHasPins) {
  std::string path = Put("a", old);
  static std::atomic<int> told;
  told = 0;
  const mm_view_watch watch = {
      [](void *context) { *static_cast<std::atomic<int> *>(context) += 1; }, &told};
  for (bool pinned : {false, true}) {
    mm_view *view = View(path, old.size(), watch);
    if (pinned) mm_view_pin(view, Page(), 10);
    OutsideResize(path, 1);
    EXPECT_EQ(*static_cast<volatile uint8_t *>(view->base + 5 * Page()), 0);
    EXPECT_TRUE(mm_guard_hit(view->guard));
    EXPECT_EQ(told, pinned ? 1 : 0);
    if (pinned) mm_view_unpin(view->base + Page());
    mm_view_close(view);
    Put("a", old);
  }
}

// ---- pins: the view by itself -------------------------------------------------------------------

TEST_F(ViewTest, OutlivesItsCloseUntilTheLastPinGoes) {
  mm_view *view = View(Put("a", old), old.size());
  const uint8_t *base = view->base;
  EXPECT_FALSE(mm_view_pinned(view));
  mm_view_pin(view, 10, 10);
  mm_view_pin(view, 3 * Page(), Page());
  mm_view_pin(view, 10, 1);
  EXPECT_TRUE(mm_view_pinned(view));
  mm_view_close(view);
  mm_view_unpin(base + 3 * Page() + 77);
  mm_view_unpin(base + 10);
  EXPECT_EQ(memcmp(base, old.data(), old.size()), 0);
  mm_view_unpin(base + 19);
  EXPECT_FALSE(IsMapped(base));
}

TEST_F(ViewTest, LivesOnWithoutPins) {
  mm_view *view = View(Put("a", old), old.size());
  mm_view_pin(view, 0, 1);
  mm_view_unpin(view->base);
  EXPECT_FALSE(mm_view_pinned(view));
  EXPECT_EQ(view->base[0], old[0]);
  mm_view_close(view);
}

TEST_F(ViewTest, IgnoresAnUnpinOfWhatIsNotPinned) {
  mm_view *view = View(Put("a", old), old.size()), *other = View(Path("a"), old.size());
  mm_view_pin(view, 0, 1);
  mm_view_unpin(other->base);
  mm_view_unpin(&old[0]);
  mm_view_unpin(nullptr);
  EXPECT_TRUE(mm_view_pinned(view));
  mm_view_unpin(view->base);
  mm_view_close(view);
  mm_view_close(other);
}

TEST_F(ViewTest, TakesPinsAndUnpinsFromManyThreads) {
  std::vector<mm_view *> views;
  for (int i = 0; i < 4; i++) views.push_back(View(Put("a", old), old.size()));
  std::vector<std::thread> threads;
  for (mm_view *view : views) {
    threads.emplace_back([view] {
      for (uint64_t i = 0; i < 2000; i++) {
        mm_view_pin(view, i, 1);
        std::thread([] {}).join(); // give way
        mm_view_unpin(view->base + i);
      }
    });
  }
  for (auto &thread : threads) thread.join();
  for (mm_view *view : views) {
    EXPECT_FALSE(mm_view_pinned(view));
    mm_view_close(view);
  }
}

TEST_F(ViewTest, IsFrozenOnlyForItsOwnFile) {
  mm_view *view = View(Put("a", old), old.size());
  mm_view_pin(view, 0, 10);
  Change change(old.size(), old.size(), 0, 10);
  ASSERT_EQ(mm_view_freeze(2, 2, &change.change, &err), MM_OK);
  EXPECT_FALSE(mm_view_frozen(view));
  ASSERT_EQ(mm_view_freeze(1, 2, &change.change, &err), MM_OK);
  EXPECT_TRUE(mm_view_frozen(view));
  mm_view_unpin(view->base);
  mm_view_close(view);
}

// Every way that a cut can lie to a pinned range and to the pages.
TEST_F(ViewTest, FrozenPinsKeepTheirBytesWhereverTheFileIsCut) {
  const uint64_t lows[] = {0, 1, 2 * Page() - 1, 2 * Page(), 2 * Page() + 100, 9 * Page() + 7};
  const uint64_t sizes[] = {1, 10, Page(), 3 * Page() + 5};
  const uint64_t cuts[] = {0, 1, Page(), Page() + 5, 2 * Page() + 50, 2 * Page() + 105, 3 * Page()};
  for (uint64_t low : lows) {
    for (uint64_t size : sizes) {
      for (uint64_t cut : cuts) {
        if (low + size > old.size()) continue;
        SCOPED_TRACE(testing::Message() << low << "+" << size << " cut to " << cut);
        std::string path = Put("a", old);
        mm_view *view = View(path, old.size());
        mm_view_pin(view, low, size);
        Change change(old.size(), cut);
        ASSERT_EQ(mm_view_freeze(1, 2, &change.change, &err), MM_OK) << err.text;
        ASSERT_EQ(mm_view_freeze(1, 2, &change.change, &err), MM_OK) << "again, as commit does";
        OutsideResize(path, cut);
        OutsideResize(path, old.size());
        EXPECT_EQ(Seen(view, low, size), Part(old, low, size));
        EXPECT_FALSE(mm_guard_hit(view->guard));
        mm_view_unpin(view->base + low);
        mm_view_close(view);
      }
    }
  }
}

TEST_F(ViewTest, FrozenPinsKeepTheirBytesWhenTheFileIsPatched) {
  for (uint64_t offset : {uint64_t{0}, Page() - 1, Page(), 3 * Page() + 9, 8 * Page()}) {
    std::string path = Put("a", old);
    mm_view *view = View(path, old.size());
    mm_view_pin(view, Page() + 3, 4 * Page());
    Change change(old.size(), old.size(), offset, Page() + 1);
    ASSERT_EQ(mm_view_freeze(1, 2, &change.change, &err), MM_OK) << err.text;
    Outside(path, offset, Bytes(Page() + 1, '!'));
    EXPECT_EQ(Seen(view, Page() + 3, 4 * Page()), Part(old, Page() + 3, 4 * Page()));
    mm_view_unpin(view->base + Page() + 3);
    mm_view_close(view);
  }
}

TEST_F(ViewTest, AFreezeThatFailsSaysSo) {
  for (Call call : {Call::kProtect, Call::kMap, Call::kMoveMap}) {
    mm_view *view = View(Put("a", old), old.size());
    mm_view_pin(view, 5 * Page(), 10);
    {
      FaultSys sys;
      sys.CountOnly({call});
      sys.FailAt(0, ENOMEM);
      Change change(old.size(), 0);
      EXPECT_EQ(mm_view_freeze(1, 2, &change.change, &err), MM_NOMEM) << NameOf(call);
    }
    EXPECT_EQ(Seen(view, 5 * Page(), 10), Part(old, 5 * Page(), 10));
    mm_view_unpin(view->base + 5 * Page());
    mm_view_close(view);
  }
}

// ---- pins: of objects ---------------------------------------------------------------------------

// A pinned range of an object, and what was in it.
class Pinned {
public:
  Pinned(Object &object, uint64_t offset, uint64_t size)
      : address_(object->data + offset), bytes_(address_, address_ + size) {
    EXPECT_TRUE(mm_object_can_pin(object));
    EXPECT_TRUE(mm_object_pin(object, offset, size));
  }
  ~Pinned() { mm_view_unpin(address_); }
  Pinned(const Pinned &) = delete;
  bool Holds() const { return !memcmp(address_, bytes_.data(), bytes_.size()); }
  const uint8_t *address() const { return address_; }

private:
  const uint8_t *address_;
  Bytes bytes_;
};

class PinTest : public ViewTest {};

TEST_F(PinTest, SurviveWhateverTheirObjectDoes) {
  std::string path = Put("a", old);
  Object object = Open(path);
  Pinned pin(object, 10, 8 * Page());
  object.Begin();
  object.Write(0, Bytes(9 * Page(), 'x'));
  EXPECT_EQ(object.Seen()[20], 'x');
  EXPECT_TRUE(pin.Holds());
  object.RollbackTo(0);
  EXPECT_TRUE(pin.Holds());
  object.Write(0, Bytes(9 * Page(), 'y'));
  object.Commit();
  EXPECT_TRUE(pin.Holds());
  EXPECT_EQ(object.Seen(), Contents(path));
  object.Begin();
  object.Resize(0);
  object.Commit();
  EXPECT_TRUE(pin.Holds());
  object.Begin();
  object.Resize(20 * Page());
  object.Rollback();
  EXPECT_EQ(object->size, 0u);
  object.Refresh();
  EXPECT_TRUE(pin.Holds());
  object.Close();
  EXPECT_TRUE(pin.Holds());
}

TEST_F(PinTest, SurviveWhateverAnotherObjectOfTheFileDoes) {
  for (uint64_t size : {uint64_t{0}, Page(), 2 * Page() + 1, old.size(), 30 * Page()}) {
    std::string path = Put("a", old);
    Object reader = Open(path), writer = Open(path);
    Pinned low(reader, 0, 10), middle(reader, 2 * Page() + 5, Page()),
        high(reader, old.size() - 1, 1);
    writer.Begin();
    writer.Write(0, Bytes(old.size(), 'x'));
    writer.Resize(size);
    writer.Commit();
    EXPECT_TRUE(low.Holds() && middle.Holds() && high.Holds());
    EXPECT_FALSE(mm_object_can_pin(reader)) << "it shows what was";
    reader.Refresh();
    EXPECT_TRUE(mm_object_can_pin(reader));
    EXPECT_EQ(reader.Seen(), Contents(path));
    EXPECT_TRUE(low.Holds() && middle.Holds() && high.Holds());
  }
}

TEST_F(PinTest, AreHeldWhenTheyWereTakenBetweenPrepareAndCommit) {
  std::string path = Put("a", old);
  Object reader = Open(path), writer = Open(path);
  writer.Begin();
  writer.Write(Page(), Bytes(Page(), 'x'));
  writer.Resize(5 * Page());
  writer.Prepare();
  Pinned pin(reader, Page() + 10, 6 * Page());
  writer.Commit();
  EXPECT_TRUE(pin.Holds());
}

// By another thread, which is what the write itself stands for here.
TEST_F(PinTest, AreNotGivenWhileTheFileIsWritten) {
  std::string path = Put("a", old);
  Object reader = Open(path), other = Open(Put("b", old)), writer = Open(path);
  static mm_object *same, *another;
  static bool given, given_on_another;
  same = reader, another = other;
  static const auto write = mm_os.write;
  writer.Begin();
  writer.Write(0, "x");
  writer.Prepare();
  mm_os.write = [](int fd, const void *data, size_t size, uint64_t offset) {
    given = mm_object_pin(same, 0, 10);
    given_on_another = mm_object_pin(another, 0, 10);
    return write(fd, data, size, offset);
  };
  writer.Commit();
  mm_os.write = write;
  EXPECT_FALSE(given);
  EXPECT_TRUE(given_on_another);
  mm_view_unpin(other->data);
  reader.Refresh();
  Pinned pin(reader, 0, 10);
  EXPECT_EQ(*pin.address(), 'x');
}

TEST_F(PinTest, AreNotGivenOnBytesThatAreNotTheFiles) {
  Object object = Open(Put("a", old));
  EXPECT_TRUE(mm_object_can_pin(object));
  object.Begin();
  EXPECT_TRUE(mm_object_can_pin(object));
  object.Write(0, "x");
  EXPECT_FALSE(mm_object_can_pin(object));
  object.Rollback();
  EXPECT_TRUE(mm_object_can_pin(object));
}

TEST_F(PinTest, OnOneObjectMayBeLetGoInAnyOrder) {
  std::string path = Put("a", old);
  Object object = Open(path);
  auto first = std::make_unique<Pinned>(object, 0, 10);
  object.Begin();
  object.Write(0, "one");
  object.Commit();
  auto second = std::make_unique<Pinned>(object, 0, 10);
  EXPECT_NE(first->address(), second->address());
  object.Begin();
  object.Write(0, "two");
  object.Commit();
  auto third = std::make_unique<Pinned>(object, 0, 10);
  const uint8_t *freed = second->address();
  second.reset();
  EXPECT_FALSE(IsMapped(freed)) << "nobody's any more";
  EXPECT_TRUE(first->Holds() && third->Holds());
  object.Close();
  third.reset();
  EXPECT_TRUE(first->Holds());
  first.reset();
}

TEST_F(PinTest, ArePartOfNoFailureToFreeze) {
  for (Call call : {Call::kProtect, Call::kMap, Call::kMoveMap}) {
    std::string path = Put("a", old);
    Object reader = Open(path), writer = Open(path);
    Pinned pin(reader, 5 * Page(), 100);
    writer.Begin();
    writer.Resize(Page());
    {
      FaultSys sys;
      sys.CountOnly({call});
      sys.FailAt(0, ENOMEM, true);
      EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_NOMEM) << NameOf(call);
    }
    writer.Rollback();
    EXPECT_FALSE(HasJournal(path));
    EXPECT_EQ(Contents(path), old);
    EXPECT_TRUE(pin.Holds());
  }
}

TEST_F(PinTest, DoNotMakeAFailedWriteWorse) {
  Object object = Open(Put("a", old));
  Pinned pin(object, 0, 10);
  object.Begin();
  {
    FaultSys sys;
    sys.CountOnly({Call::kMap});
    sys.FailAt(0, ENOMEM, true);
    EXPECT_EQ(mm_object_write(object, 0, old.data() + 5, 5, &object.err), MM_NOMEM);
  }
  EXPECT_FALSE(mm_object_pending(object));
  EXPECT_FALSE(object->failed);
  EXPECT_EQ(object.Seen(), old);
}

TEST_F(PinTest, AreZerosAndSaidSoWhenOthersCutTheFile) {
  static std::atomic<int> told;
  told = 0;
  settings.on_fault = {[](void *context) { *static_cast<std::atomic<int> *>(context) += 1; },
                       &told};
  std::string path = Put("a", old);
  Object object = Open(path);
  mm_object_pin(object, 3 * Page(), Page());
  const volatile uint8_t *address = object->data + 3 * Page();
  OutsideResize(path, 10);
  EXPECT_EQ(*address, 0);
  EXPECT_EQ(told, 1);
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
  mm_view_unpin(const_cast<uint8_t *>(address));
}

TEST_F(PinTest, OfAForkedChildAreItsOwn) {
  std::string path = Put("a", old);
  Object object = Open(path);
  Pinned pin(object, 0, Page());
  EXPECT_EQ(InChild([&] {
              mm_object_close(object);
              if (!pin.Holds()) return 1;
              mm_view_unpin(pin.address());
              return IsMapped(pin.address()) ? 2 : 0;
            }),
            0);
  EXPECT_TRUE(pin.Holds());
  object.Begin();
  object.Write(0, "x");
  object.Commit();
  EXPECT_TRUE(pin.Holds());
}

} // namespace
