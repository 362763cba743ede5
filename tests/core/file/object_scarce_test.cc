// Objects without memory, and on a system each of whose calls fails once: what cannot be done is
// said to be so, nothing leaks, and the next try sees what the first would have seen.
#include "tests/support/object_file.h"

#include "tests/support/fault_sys.h"

extern "C" {
#include "core/common/mem.h"
}

#include <sys/mman.h>

namespace {

using namespace mm_test;

class ObjectScarceTest : public FileTest {
protected:
  void TearDown() override {
    mm_mem_use(nullptr);
    FileTest::TearDown();
  }

  // Run `body` once for each allocation that it makes, which fails, and once for each call of the
  // system; body gives its result code.
  void EachFails(const std::function<int()> &body) {
    static const mm_allocator scarce = {Allocate, Reallocate, free};
    mm_mem_use(&scarce);
    for (int n = 0, more = 1; more && !HasFailure(); n++) {
      SCOPED_TRACE("allocation " + std::to_string(n));
      left_ = n;
      int rc = body();
      more = left_ < 0;
      left_ = -1;
      EXPECT_TRUE(rc == MM_OK || (more && rc == MM_NOMEM)) << rc;
    }
    for (int n = 0, more = 1; more && !HasFailure(); n++) {
      SCOPED_TRACE("call " + std::to_string(n));
      FaultSys sys;
      sys.FailAt(n, EIO);
      int rc = body();
      more = sys.Fired();
      EXPECT_TRUE(rc == MM_OK || more) << rc;
    }
  }

  // A process that dies with a whole journal of these writes.
  void Crash(const std::string &path, const std::function<void(Object &)> &writes) {
    DiePrepared(path, Settings(), writes);
  }

  static void Writes(Object &object) {
    object.Write(5, "journalled");
    object.Resize(3 * Page());
    object.Resize(40 * Page());
    object.Write(8 * Page(), "far");
  }

  // Without what the test itself wrote.
  static Bytes Rest(const Object &object) {
    Bytes seen = object.Seen();
    return Bytes(seen.begin() + 3, seen.end());
  }

private:
  static bool Gone() { return left_ >= 0 && left_-- == 0; }
  static void *Allocate(uint64_t size) { return Gone() ? nullptr : malloc(size); }
  static void *Reallocate(void *memory, uint64_t size) {
    return Gone() ? nullptr : realloc(memory, size);
  }
  static inline int left_ = -1; // allocations before one fails
};

// Before Linux 6.12 what was to be replaced is gone where no memory is promised. Nobody falls into
// the gap, and what was undone is there again at once.
TEST_F(ObjectScarceTest, AGrowthWithoutMemoryForItsZerosIsUndone) {
  static decltype(mm_sys::map) real;
  Bytes old = Pattern(3 << 20);
  Object object = Open(Put("a", old));
  object.Begin();
  mm_log_mark mark = mm_object_mark(object);
  object.Resize(old.size() + 1); // from now on there are zeros behind the file
  object.RollbackTo(mark);
  mm_object_release(object, &mark);
  object.Resize(100);
  mm_sys before = mm_os;
  real = before.map;
  mm_os.map = [](void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed) {
    bool refused = fixed && fd < 0 && (protection & MM_PROT_WRITE);
    if (!refused) return real(address, size, protection, fd, offset, fixed);
    munmap(*address, size);
    return -ENOMEM;
  };
  mm_error err;
  EXPECT_EQ(mm_object_resize(object, old.size(), &err), MM_NOMEM);
  mm_os = before;
  EXPECT_EQ(object.Seen(), Bytes(old.begin(), old.begin() + 100));
  EXPECT_EQ(mm_object_faulted(object, &err), MM_OK);
  object.Rollback();
  EXPECT_TRUE(object.Seen() == old);
}

TEST_F(ObjectScarceTest, AJournalIsShownByWhoMayNotWrite) {
  // So many that zeros over the file take memory of their own.
  Bytes old = Pattern(40 * Page()), after = old;
  std::string path = Put("a", old);
  Crash(path, Writes);
  std::copy_n("journalled", 10, after.begin() + 5);
  after.resize(3 * Page());
  after.resize(40 * Page());
  std::copy_n("far", 3, after.begin() + static_cast<ptrdiff_t>(8 * Page()));
  settings.read_only = true;
  EachFails([&] {
    mm_object *opened;
    mm_error err;
    int rc = TryOpen(path, MM_OBJECT_FILE, &settings, &opened, &err);
    if (rc == MM_OK) EXPECT_EQ(Object(opened).Seen(), after);
    return rc;
  });
  EXPECT_EQ(Contents(path), old);
}

TEST_F(ObjectScarceTest, AJournalThatComesAndGoesUnderAReader) {
  Bytes old = Pattern(5 * Page());
  std::string path = Put("a", old);
  Crash(path, Writes);
  settings.read_only = true;
  Bytes journal = Contents(path + MM_JOURNAL_SUFFIX);
  Object first = Open(path);
  Bytes after = first.Seen();
  first.Close();
  std::filesystem::remove(path + MM_JOURNAL_SUFFIX);
  EachFails([&] {
    mm_object *opened;
    mm_error err;
    int rc = TryOpen(path, MM_OBJECT_PRIVATE, &settings, &opened, &err);
    if (rc) return rc;
    Object object(opened);
    rc = mm_object_begin(object, &err);
    if (rc == MM_OK) rc = mm_object_write(object, 0, Text("own").data(), 3, &err);
    if (rc == MM_OK) rc = mm_object_commit(object, &err);
    if (rc) return rc;
    Outside(path + MM_JOURNAL_SUFFIX, 0, journal);
    rc = mm_object_refresh(object, &err);
    if (rc == MM_OK) EXPECT_EQ(Rest(object), Bytes(after.begin() + 3, after.end()));
    std::filesystem::remove(path + MM_JOURNAL_SUFFIX);
    int second = mm_object_refresh(object, &err);
    if (second == MM_OK) EXPECT_EQ(Rest(object), Bytes(old.begin() + 3, old.end()));
    return rc ? rc : second;
  });
}

TEST_F(ObjectScarceTest, APrivateObjectKeepsItsCommits) {
  Bytes old = Pattern(6000);
  std::string path = Put("a", old);
  EachFails([&] {
    mm_object *opened;
    mm_error err;
    int rc = TryOpen(path, MM_OBJECT_PRIVATE, &settings, &opened, &err);
    if (rc) return rc;
    Object object(opened);
    Bytes wanted = old;
    for (unsigned i = 0; i < 12 && rc == MM_OK; i++) { // merged several times on the way
      Bytes data = Pattern(5000, i);
      rc = mm_object_begin(object, &object.err);
      if (rc == MM_OK) rc = mm_object_write(object, i, data.data(), data.size(), &object.err);
      if (rc == MM_OK) std::copy(data.begin(), data.end(), wanted.begin() + i);
      if (rc == MM_OK) rc = mm_object_write(object, 5900, data.data(), 9, &object.err);
      if (rc == MM_OK) std::copy_n(data.begin(), 9, wanted.begin() + 5900);
      if (rc == MM_OK) rc = mm_object_commit(object, &object.err);
    }
    if (mm_object_faulted(object, &object.err) == MM_OK) EXPECT_EQ(object.Seen(), wanted);
    return rc;
  });
  EXPECT_EQ(Contents(path), old);
}

TEST_F(ObjectScarceTest, APrivateObjectKeepsItsCommitsOverAJournal) {
  Bytes old = Pattern(5 * Page());
  std::string path = Put("a", old);
  Crash(path, Writes);
  settings.read_only = true;
  EachFails([&] {
    mm_object *opened;
    mm_error err;
    int rc = TryOpen(path, MM_OBJECT_PRIVATE, &settings, &opened, &err);
    if (rc) return rc;
    Object object(opened);
    Bytes wanted = object.Seen();
    // Merged: two extents, and what the journal says.
    for (unsigned i = 0; i < 60 && rc == MM_OK; i++) {
      rc = mm_object_begin(object, &object.err);
      for (uint64_t at : {uint64_t{i % 2}, 20 * Page()}) {
        Bytes data = Pattern(700, i);
        if (rc == MM_OK) rc = mm_object_write(object, at, data.data(), data.size(), &object.err);
        if (rc == MM_OK)
          std::copy(data.begin(), data.end(), wanted.begin() + static_cast<ptrdiff_t>(at));
      }
      if (rc == MM_OK) rc = mm_object_commit(object, &object.err);
    }
    if (mm_object_faulted(object, &object.err) == MM_OK) EXPECT_EQ(object.Seen(), wanted);
    return rc;
  });
  EXPECT_EQ(Contents(path), old);
}

TEST_F(ObjectScarceTest, MemoryAndTagsAreMadeOrNot) {
  std::string tag = "scarce" + std::to_string(getpid());
  EachFails([&] {
    mm_object *object = nullptr;
    mm_error err;
    int rc = mm_object_open_memory(10000, &settings, &object, &err);
    mm_object_close(object);
    if (rc) return rc;
    object = nullptr;
    rc = mm_object_open_tag(tag.c_str(), 10000, &settings, &object, &err);
    mm_object_close(object);
    return rc;
  });
}

TEST_F(ObjectScarceTest, WhatIsAskedOfTheSystemMayBeRefused) {
  std::string path = Put("a", Pattern(2 * Page()));
  Object object = Open(path);
  FaultSys sys;
  sys.CountOnly({Call::kAdvise, Call::kSyncData, Call::kSync, Call::kRead});
  sys.FailAt(0, EIO, true);
  EXPECT_NE(mm_object_advise(object, MM_ADVICE_RANDOM, 0, 100, &object.err), MM_OK);
  EXPECT_EQ(mm_object_advise(object, MM_ADVICE_RANDOM, 0, 0, &object.err), MM_OK);
  EXPECT_EQ(mm_object_advise(object, MM_ADVICE_RANDOM, 1 << 30, 9, &object.err), MM_OK);
  EXPECT_EQ(mm_object_sync(object, &object.err), MM_IOERR);
  uint8_t byte;
  uint64_t got;
  EXPECT_EQ(mm_object_read_file(object, 0, &byte, 1, &got, &object.err), MM_IOERR);
}

TEST_F(ObjectScarceTest, DontneedLeavesPinnedAndPendingBytesAlone) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  mm_object_pin(object, 0, 6);
  EXPECT_EQ(mm_object_advise(object, MM_ADVICE_DONTNEED, 0, 6, &object.err), MM_OK);
  mm_view_unpin(object->data);
  EXPECT_EQ(mm_object_advise(object, MM_ADVICE_DONTNEED, 0, 6, &object.err), MM_OK);
  object.Begin();
  object.Write(1, "XY");
  EXPECT_EQ(mm_object_advise(object, MM_ADVICE_DONTNEED, 0, 6, &object.err), MM_OK);
  EXPECT_EQ(object.Seen(), Text("aXYdef"));
}

} // namespace
