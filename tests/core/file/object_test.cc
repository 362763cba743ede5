// What object.h promises, a sentence a test. What happens when its system calls fail is at the end;
// what random programs do is in object_random_test.cc, and the pins are in view_test.cc.
#include "tests/support/core_file.h"
#include "tests/support/object_file.h"
#include "tests/support/wide.h"

#include "tests/support/fault_sys.h"

extern "C" {
#include "core/common/mem.h"
#include "core/file/reading.h"
#include "core/os/park.h"
}

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

namespace {

using namespace mm_test;

class ObjectTest : public FileTest {};

// ---- reading ------------------------------------------------------------------------------------

TEST_F(ObjectTest, ShowsTheBytesOfItsFile) {
  Bytes bytes = Pattern(3 * Page() + 17);
  Object object = Open(Put("a", bytes));
  EXPECT_EQ(object.Seen(), bytes);
  EXPECT_EQ(object->size, bytes.size());
}

TEST_F(ObjectTest, MayBeEmpty) {
  Object object = Open(Put("a", {}));
  EXPECT_EQ(object->size, 0u);
  object.Begin();
  object.Insert(0, Text("first"));
  object.Commit();
  EXPECT_EQ(Contents(Path("a")), Text("first"));
  object.Begin();
  object.Erase(0, 5);
  object.Commit();
  EXPECT_EQ(Contents(Path("a")), Bytes());
  EXPECT_EQ(object->size, 0u);
}

TEST_F(ObjectTest, SeesWhatOthersWroteAfterARefresh) {
  std::string path = Put("a", Pattern(Page()));
  Object object = Open(path);
  Outside(path, 10, Text("others"));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
}

TEST_F(ObjectTest, SeesTheFileGrowAndShrink) {
  std::string path = Put("a", Pattern(100));
  Object object = Open(path);
  for (uint64_t size : {uint64_t{5000}, uint64_t{10}, uint64_t{0}, 300 * Page(), uint64_t{77}}) {
    OutsideResize(path, size);
    object.Refresh();
    EXPECT_EQ(object.Seen(), Contents(path)) << size;
  }
}

TEST_F(ObjectTest, SeesAFileGrowAfterARolledBackResize) {
  std::string path = Put("a", Pattern(100));
  Object object = Open(path);
  object.Begin();
  object.Resize(3 * Page());
  object.Rollback();
  Outside(path, 100, Pattern(5 * Page(), 9));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
}

// The bytes that others have added are shown in the same mapping, and are none of a cut and growth.
TEST_F(ObjectTest, GrowsWithZerosWhereOthersHaveGrownTheFileAndItWasCut) {
  for (bool written : {false, true}) {
    SCOPED_TRACE(written);
    std::string path = Put("a", Pattern(100));
    Object object = Open(path);
    object.Begin();
    if (written) object.Write(0, "ours");
    object.Commit();
    Outside(path, 100, Pattern(5 * Page(), 9));
    object.Refresh();
    object.Begin();
    object.Resize(3 * Page() + 10);
    Bytes wanted = object.Seen();
    object.Resize(4 * Page());
    wanted.resize(4 * Page());
    EXPECT_TRUE(object.Seen() == wanted);
    object.Commit();
    EXPECT_TRUE(Contents(path) == wanted);
  }
}

TEST_F(ObjectTest, SeesOthersWritesBesideItsOwnAfterCommit) {
  std::string path = Put("a", Pattern(Page()));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "ours");
  object.Commit();
  Outside(path, 8, Text("theirs"));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path)) << "the page must not stay a copy";
}

TEST_F(ObjectTest, SeesOthersWritesBesideItsOwnAfterRollback) {
  std::string path = Put("a", Pattern(Page()));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "ours");
  object.Rollback();
  Outside(path, 8, Text("theirs"));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
}

TEST_F(ObjectTest, ReadsTheFileWithoutWhatIsPending) {
  Object object = Open(Put("a", Text("abcdef")));
  object.Begin();
  object.Write(1, "XX");
  Bytes got(10);
  uint64_t count = 0;
  ASSERT_EQ(mm_object_read_file(object, 1, got.data(), 10, &count, &object.err), MM_OK);
  EXPECT_EQ(count, 5u);
  EXPECT_EQ(memcmp(got.data(), "bcdef", 5), 0);
}

// ---- writing ------------------------------------------------------------------------------------

TEST_F(ObjectTest, ShowsItsWritesToItselfAloneUntilCommit) {
  std::string path = Put("a", Text("abcdefgh"));
  Object writer = Open(path), reader = Open(path);
  writer.Begin();
  writer.Write(2, "XY");
  writer.Insert(8, Text("tail"));
  EXPECT_EQ(writer.Seen(), Text("abXYefghtail"));
  reader.Refresh();
  EXPECT_EQ(reader.Seen(), Text("abcdefgh"));
  EXPECT_EQ(Contents(path), Text("abcdefgh"));
  writer.Commit();
  reader.Refresh();
  EXPECT_EQ(reader.Seen(), Text("abXYefghtail"));
  EXPECT_EQ(Contents(path), Text("abXYefghtail"));
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectTest, MovesInsertsAndErases) {
  std::string path = Put("a", Text("0123456789"));
  Object object = Open(path);
  object.Begin();
  object.Move(2, 0, 5);
  EXPECT_EQ(object.Seen(), Text("0101234789"));
  object.Move(0, 3, 7);
  EXPECT_EQ(object.Seen(), Text("1234789789"));
  object.Erase(4, 3);
  EXPECT_EQ(object.Seen(), Text("1234789"));
  object.Insert(4, Text("--"));
  EXPECT_EQ(object.Seen(), Text("1234--789"));
  object.Erase(0, 9);
  EXPECT_EQ(object.Seen(), Bytes());
  object.Insert(0, Text("x"));
  object.Commit();
  EXPECT_EQ(Contents(path), Text("x"));
}

TEST_F(ObjectTest, WritesBytesThatLieInItself) {
  Bytes bytes = Pattern(4 * Page());
  Object object = Open(Put("a", bytes));
  object.Begin();
  ASSERT_EQ(mm_object_write(object, 5, object->data, 3 * Page(), &object.err), MM_OK);
  std::copy_backward(bytes.begin(), bytes.begin() + static_cast<ptrdiff_t>(3 * Page()),
                     bytes.begin() + static_cast<ptrdiff_t>(3 * Page() + 5));
  EXPECT_EQ(object.Seen(), bytes);
  ASSERT_EQ(mm_object_insert(object, 7, object->data + 100, 100, &object.err), MM_OK);
  bytes.insert(bytes.begin() + 7, bytes.begin() + 100, bytes.begin() + 200);
  EXPECT_EQ(object.Seen(), bytes);
}

// In pieces, each of which is shown before the next is read.
TEST_F(ObjectTest, WritesManyBytesThatLieInItself) {
  const int64_t mib = 1 << 20, size = 9 * mib;
  Bytes bytes = Pattern(20 * mib);
  for (auto [to, from] : {std::pair(mib, 3 * mib), {3 * mib, mib}, {0 * mib, 11 * mib}}) {
    Object object = Open(Put("a", bytes));
    object.Begin();
    const uint8_t *data = object->data + from;
    ASSERT_EQ(mm_object_write(object, to, data, size, &object.err), MM_OK);
    Bytes wanted = bytes;
    std::copy_n(bytes.begin() + from, size, wanted.begin() + to);
    EXPECT_TRUE(object.Seen() == wanted) << from << " to " << to;
    object.Rollback();
    object.Begin();
    ASSERT_EQ(mm_object_insert(object, to, object->data + from, size, &object.err), MM_OK);
    wanted = bytes;
    wanted.insert(wanted.begin() + to, bytes.begin() + from, bytes.begin() + from + size);
    EXPECT_TRUE(object.Seen() == wanted) << from << " before " << to;
  }
}

TEST_F(ObjectTest, AWriteOfNothingIsNoPendingWrite) {
  Object object = Open(Put("a", Text("abc")));
  object.Begin();
  object.Write(3, "");
  object.Insert(1, {});
  object.Erase(3, 0);
  object.Move(0, 1, 0);
  object.Resize(3);
  EXPECT_FALSE(mm_object_pending(object));
  object.Prepare();
  EXPECT_FALSE(HasJournal(Path("a")));
  object.Commit();
}

TEST_F(ObjectTest, BytesThatWereCutOffComeBackAsZeros) {
  std::string path = Put("a", Pattern(5 * Page()));
  Object object = Open(path);
  object.Begin();
  object.Write(3 * Page(), Pattern(Page(), 5));
  object.Resize(Page() + 10);
  object.Resize(5 * Page());
  Bytes wanted = Pattern(5 * Page());
  std::fill(wanted.begin() + static_cast<ptrdiff_t>(Page() + 10), wanted.end(), 0);
  EXPECT_EQ(object.Seen(), wanted);
  object.Commit();
  EXPECT_EQ(Contents(path), wanted);
  EXPECT_EQ(object.Seen(), wanted);
}

TEST_F(ObjectTest, ALargeRangeThatWasCutOffComesBackAsZeros) {
  const uint64_t size = 3 << 20;
  std::string path = Put("a", Pattern(size));
  Object object = Open(path);
  object.Begin();
  object.Resize(100);
  object.Resize(size);
  Bytes wanted = Pattern(size);
  std::fill(wanted.begin() + 100, wanted.end(), 0);
  EXPECT_EQ(object.Seen(), wanted);
  mm_log_mark mark = mm_object_mark(object);
  object.Resize(50);
  object.RollbackTo(mark);
  EXPECT_EQ(object.Seen(), wanted);
  object.Rollback();
  EXPECT_EQ(object.Seen(), Pattern(size));
  object.Begin();
  object.Resize(100);
  object.Resize(size);
  object.Commit();
  EXPECT_EQ(Contents(path), wanted);
  Outside(path, 2 << 20, Text("theirs"));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path)) << "zeros of its own hide what comes after";
}

TEST_F(ObjectTest, RollsBackToASavepointAndOn) {
  Object object = Open(Put("a", Pattern(2 * Page())));
  object.Begin();
  object.Write(0, "one");
  Bytes one = object.Seen();
  mm_log_mark mark = mm_object_mark(object);
  object.Write(1, Pattern(Page(), 3));
  object.Resize(10);
  object.Resize(9 * Page());
  object.RollbackTo(mark);
  EXPECT_EQ(object.Seen(), one);
  object.RollbackTo(mark);
  EXPECT_EQ(object.Seen(), one);
  object.RollbackTo(0);
  EXPECT_EQ(object.Seen(), Pattern(2 * Page()));
  object.Commit();
  EXPECT_EQ(Contents(Path("a")), Pattern(2 * Page()));
}

TEST_F(ObjectTest, RollbackLeavesTheFileAsItWas) {
  std::string path = Put("a", Pattern(2 * Page()));
  Object object = Open(path);
  int64_t before = StatusOf(path).mtime;
  object.Begin();
  object.Write(0, "x");
  object.Resize(100);
  object.Rollback();
  EXPECT_EQ(Contents(path), Pattern(2 * Page()));
  EXPECT_EQ(object.Seen(), Pattern(2 * Page()));
  EXPECT_EQ(StatusOf(path).mtime, before) << "it was not even written";
}

TEST_F(ObjectTest, RollbackAfterPrepareLeavesNoJournal) {
  for (int synchronous : {MM_SYNC_OFF, MM_SYNC_NORMAL, MM_SYNC_FULL}) {
    settings.synchronous = synchronous;
    std::string path = Put("a", Pattern(Page()));
    Object object = Open(path);
    object.Begin();
    object.Write(Page() - 1, "x");
    object.Resize(5 * Page());
    object.Prepare();
    EXPECT_EQ(HasJournal(path), synchronous != MM_SYNC_OFF);
    object.Rollback();
    EXPECT_FALSE(HasJournal(path));
    EXPECT_EQ(Contents(path), Pattern(Page()));
    object.Begin();
    object.Write(0, "again");
    object.Commit();
    EXPECT_EQ(object.Seen(), Contents(path));
    EXPECT_EQ(object.Seen()[0], 'a');
  }
}

TEST_F(ObjectTest, PreparesAgainAfterFurtherWrites) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "1");
  object.Prepare();
  object.Write(1, "2");
  object.Prepare();
  object.Prepare();
  object.Insert(6, Text("3"));
  object.Commit();
  EXPECT_EQ(Contents(path), Text("12cdef3"));
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectTest, CommitsWhatTookThePlaceOfARolledBackWriteAfterPrepare) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "1");
  mm_log_mark mark = mm_object_mark(object);
  object.Write(1, "2");
  object.Prepare();
  object.RollbackTo(mark);
  object.Write(4, "5");
  object.Commit();
  EXPECT_EQ(Contents(path), Text("1bcd5f"));
}

TEST_F(ObjectTest, StaysTheWriterWhenItRollsBackToItsBeginningAfterPrepare) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "1");
  object.Prepare();
  object.RollbackTo(0);
  object.Refresh();
  object.Write(4, "5");
  object.Commit();
  EXPECT_EQ(Contents(path), Text("abcd5f"));
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectTest, CommitsNothingWhenAllWasRolledBackAfterPrepare) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "1");
  object.Prepare();
  object.RollbackTo(0);
  object.Commit();
  EXPECT_FALSE(HasJournal(path));
  object.Refresh();
  EXPECT_EQ(Contents(path), Text("abcdef"));
  Object other = Open(path);
  other.Begin();
}

TEST_F(ObjectTest, TellsWhatCommitWouldWrite) {
  Object object = Open(Put("a", Text("abcdef")));
  object.Begin();
  object.Write(1, "X");
  object.Write(4, "Y");
  object.Resize(9);
  mm_change change = {};
  ASSERT_EQ(mm_object_change(object, &change, &object.err), MM_OK);
  EXPECT_EQ(change.old_size, 6u);
  EXPECT_EQ(change.new_size, 9u);
  mm_change_walk walk = {};
  walk.change = &change;
  mm_extent extent;
  ASSERT_TRUE(mm_change_next(&walk, &extent));
  EXPECT_EQ(extent.offset, 1u);
  ASSERT_TRUE(mm_change_next(&walk, &extent));
  EXPECT_EQ(extent.offset, 4u);
  EXPECT_EQ(extent.data[0], 'Y');
  EXPECT_FALSE(mm_change_next(&walk, &extent));
  mm_change_clear(&change);
}

TEST_F(ObjectTest, ClosingRollsBack) {
  std::string path = Put("a", Text("abc"));
  {
    Object object = Open(path);
    object.Begin();
    object.Write(0, "X");
    object.Prepare();
  }
  EXPECT_EQ(Contents(path), Text("abc"));
  EXPECT_FALSE(HasJournal(path));
  Object next = Open(path);
  next.Begin();
}

TEST_F(ObjectTest, MakesNoHugeFile) {
  Object object = Open(Put("a", Text("abc")));
  object.Begin();
  EXPECT_EQ(mm_object_resize(object, MM_OBJECT_MAX + 1, &object.err), MM_TOOBIG);
  EXPECT_EQ(mm_object_insert(object, 0, nullptr, MM_OBJECT_MAX, &object.err), MM_TOOBIG);
  EXPECT_EQ(mm_object_insert(object, 0, nullptr, UINT64_MAX, &object.err), MM_TOOBIG);
  EXPECT_EQ(object.Seen(), Text("abc"));
  EXPECT_FALSE(mm_object_pending(object));
}

// ---- large --------------------------------------------------------------------------------------

bool HasAddressSpace(uint64_t size) {
  void *at = mmap(nullptr, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return false;
  munmap(at, size);
  return true;
}

TEST_F(ObjectTest, WritesASparseFileOfMoreThan4GiB) {
  MM_NEEDS_64_BITS();
  const uint64_t far = ((uint64_t)5 << 30) + 123;
  std::string path = Put("a", Text("start"));
  OutsideResize(path, (uint64_t)6 << 30);
  Object object = Open(path);
  object.Begin();
  object.Write(far, "far");
  object.Write(((uint64_t)1 << 32) - 1, "over");
  object.Commit();
  EXPECT_EQ(memcmp(object->data + far, "far", 3), 0);
  EXPECT_EQ(memcmp(object->data + ((uint64_t)1 << 32) - 1, "over", 4), 0);
  EXPECT_LT(StatusOf(path).room, 512000u) << "it stays sparse";
  Object other = Open(path);
  EXPECT_EQ(memcmp(other->data + far, "far", 3), 0);
}

TEST_F(ObjectTest, GrowsToATebibyteAndBackAtOnce) {
  const uint64_t size = (uint64_t)1 << 40;
  if (!HasAddressSpace(3 * size)) GTEST_SKIP() << "no address space";
  std::string path = Put("a", {});
  Object object = Open(path);
  object.Begin();
  for (int i = 0; i < 20; i++) {
    object.Resize(size);
    object.Write(size - 1, "x");
    EXPECT_EQ(object->data[size - 1], 'x');
    EXPECT_EQ(object->data[size - 2], 0);
    object.Resize(3);
    object.Resize(size);
    EXPECT_EQ(object->data[size - 1], 0);
    object.RollbackTo(0);
    EXPECT_EQ(object->size, 0u);
  }
  object.Resize(size);
  object.Write(size / 2, "middle");
  object.Commit();
  EXPECT_EQ(StatusOf(path).size, size);
  EXPECT_LT(StatusOf(path).room, 512000u);
  EXPECT_EQ(memcmp(object->data + size / 2, "middle", 6), 0);
}

TEST_F(ObjectTest, HoldsTheLargestSizeThereIs) {
  const uint64_t size = MM_OBJECT_MAX;
  if (!HasAddressSpace(size + size / 4)) GTEST_SKIP() << "no address space";
  Object object = OpenMemory(3);
  object.Begin();
  object.Resize(size);
  object.Write(size - 3, "end");
  EXPECT_EQ(memcmp(object->data + size - 3, "end", 3), 0);
  EXPECT_EQ(mm_object_insert(object, 0, object->data, 1, &object.err), MM_TOOBIG);
  object.Rollback();
  EXPECT_EQ(object.Seen(), Bytes(3, 0));
}

// ---- one writer ---------------------------------------------------------------------------------

TEST_F(ObjectTest, HasOneWriterAtATime) {
  std::string path = Put("a", Text("abc"));
  Object one = Open(path), two = Open(path);
  one.Begin();
  one.Begin();
  EXPECT_EQ(mm_object_begin(two, &two.err), MM_BUSY);
  one.Write(0, "1");
  one.Commit();
  two.Begin();
  EXPECT_EQ(two.Seen(), Text("1bc")) << "it begins with what the one before committed";
  EXPECT_EQ(mm_object_begin(one, &one.err), MM_BUSY);
  two.Rollback();
  one.Begin();
}

TEST_F(ObjectTest, HasOneWriterAmongProcesses) {
  std::string path = Put("a", Text("abc"));
  Object object = Open(path);
  object.Begin();
  EXPECT_EQ(InChild([&] {
              Object own = Open(path);
              return mm_object_begin(own, &own.err);
            }),
            MM_BUSY);
}

TEST_F(ObjectTest, GivesUpWaitingWhenItIsInterrupted) {
  std::string path = Put("a", Text("abc"));
  Object one = Open(path);
  mm_settings patient = settings;
  patient.busy_timeout = 3600 * 1000;
  patient.watch = [](void *context) { return ++*static_cast<int *>(context) > 2 ? 1 : 0; };
  int asked = 0;
  patient.watch_context = &asked;
  Object two = Open(path, MM_OBJECT_FILE, patient);
  one.Begin();
  EXPECT_EQ(mm_object_begin(two, &two.err), MM_INTERRUPT);
}

TEST_F(ObjectTest, RefusesHardLinksUnlessItNeedsNoJournal) {
  std::string path = Put("a", Text("abc"));
  ASSERT_EQ(link(path.c_str(), Path("b").c_str()), 0);
  Object object = Open(path);
  EXPECT_EQ(mm_object_begin(object, &object.err), MM_READONLY);
  EXPECT_NE(strstr(object.err.text, "hard links"), nullptr) << object.err.text;
  EXPECT_FALSE(object->begun);
  settings.synchronous = MM_SYNC_OFF;
  object.Begin();
  object.Write(0, "X");
  object.Commit();
  EXPECT_EQ(Contents(Path("b")), Text("Xbc"));
}

TEST_F(ObjectTest, RefusesADeletedFile) {
  std::string path = Put("a", Text("abc"));
  Object object = Open(path);
  unlink(path.c_str());
  EXPECT_EQ(mm_object_begin(object, &object.err), MM_READONLY);
  EXPECT_EQ(object.Seen(), Text("abc"));
}

// Says stop from the `calls`th call on.
int StopLater(void *calls) {
  return --*static_cast<int *>(calls) <= 0;
}

TEST_F(ObjectTest, APrepareThatIsStoppedLeavesNoJournalAndCanBeMadeAgain) {
  const Bytes before(10 << 20, 'a'), after(10 << 20, 'b');
  std::string path = Put("a", before);
  int calls = 100; // a large write asks, too
  settings.watch = StopLater;
  settings.watch_context = &calls;
  Object object = Open(path);
  object.Begin();
  object.Write(0, after);
  for (int stop : {1, 2}) {
    calls = stop;
    EXPECT_EQ(mm_object_prepare(object, &object.err), MM_INTERRUPT) << stop;
    EXPECT_EQ(calls, 0) << "it went on";
    EXPECT_FALSE(HasJournal(path));
    EXPECT_TRUE(Contents(path) == before);
  }
  calls = 100;
  object.Prepare();
  EXPECT_LT(calls, 100);
  EXPECT_TRUE(HasJournal(path));
  calls = 1;
  object.Commit();
  EXPECT_EQ(calls, 1) << "a commit asks nobody";
  EXPECT_TRUE(Contents(path) == after);
}

TEST_F(ObjectTest, NothingStopsACommitThatWasNotPrepared) {
  std::string path = Put("a", Bytes(10 << 20, 'a'));
  int calls = 100;
  settings.watch = StopLater;
  settings.watch_context = &calls;
  Object object = Open(path);
  object.Begin();
  object.Write(0, Bytes(10 << 20, 'b'));
  calls = 1;
  object.Commit();
  EXPECT_EQ(calls, 1) << "a commit asks nobody";
  EXPECT_TRUE(Contents(path) == Bytes(10 << 20, 'b'));
}

// Runs `body` in a child that is a user who owns nothing here.
int AsNobody(const std::function<int()> &body) {
  return InChild([&] {
    if (setegid(65534) || seteuid(65534)) return 98;
    return body();
  });
}

#define NEEDS_ROOT()                                                                               \
  if (geteuid() != 0) GTEST_SKIP() << "only root can be somebody else"

TEST_F(ObjectTest, RefusesToWriteAFileThatIsOnlyReadable) {
  NEEDS_ROOT();
  std::string path = Put("a", Text("abc"));
  chmod(directory.c_str(), 0777);
  chmod(path.c_str(), 0644);
  EXPECT_EQ(AsNobody([&] {
              Object object = Open(path);
              int rc = mm_object_begin(object, &object.err);
              return object.Seen() == Text("abc") && !object->begun ? rc : 97;
            }),
            MM_READONLY);
}

TEST_F(ObjectTest, RefusesToPrepareInADirectoryThatCannotBeWritten) {
  NEEDS_ROOT();
  std::string path = Put("a", Text("abc"));
  chmod(directory.c_str(), 0755);
  chmod(path.c_str(), 0666);
  EXPECT_EQ(AsNobody([&] {
              Object object = Open(path);
              object.Begin();
              object.Write(0, "X");
              int rc = mm_object_prepare(object, &object.err);
              object.Rollback();
              return object.Seen() == Text("abc") ? rc : 97;
            }),
            MM_CANTOPEN);
  EXPECT_EQ(Contents(path), Text("abc"));
  EXPECT_EQ(AsNobody([&] {
              settings.synchronous = MM_SYNC_OFF;
              Object object = Open(path);
              object.Begin();
              object.Write(0, "X");
              return mm_object_commit(object, &object.err);
            }),
            MM_OK);
  EXPECT_EQ(Contents(path), Text("Xbc"));
}

TEST_F(ObjectTest, NeverWritesOnAConnectionThatOnlyReads) {
  settings.read_only = true;
  Object object = Open(Put("a", Text("abc")));
  EXPECT_EQ(mm_object_begin(object, &object.err), MM_READONLY);
  EXPECT_EQ(mm_object_check_writable(object, &object.err), MM_READONLY);
}

// ---- programs that take no lock -----------------------------------------------------------------

TEST_F(ObjectTest, DoesNotOverwriteWhatOthersWroteMeanwhile) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "XX");
  Outside(path, 1, Text("??"));
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  EXPECT_NE(strstr(object.err.text, "changed by another program"), nullptr) << object.err.text;
  EXPECT_EQ(mm_object_commit(object, &object.err), MM_CHANGED);
  object.Rollback();
  object.Refresh();
  EXPECT_EQ(object.Seen(), Text("a??def"));
  EXPECT_EQ(Contents(path), Text("a??def"));
  EXPECT_FALSE(HasJournal(path));
  object.Begin();
  object.Write(0, "X");
  object.Commit();
  EXPECT_EQ(Contents(path), Text("X??def"));
}

// Giving room back changes the file's times, too.
TEST_F(ObjectTest, DoesNotOverwriteWhatOthersWroteAfterAPrepareThatWasTakenBack) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Resize(100000);
  object.Write(0, "XX");
  object.Prepare();
  usleep(20000); // the kernel's clock, by which a change shows, ticks
  Outside(path, 1, Text("??"));
  object.Unprepare();
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  object.Rollback();
  EXPECT_EQ(Contents(path), Text("a??def"));
}

TEST_F(ObjectTest, RemembersAChangeThatARefreshHasSeen) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "XX");
  Outside(path, 4, Text("????"));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Text("XXcd????"));
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  object.Rollback();
  object.Refresh();
  EXPECT_EQ(object.Seen(), Text("abcd????"));
}

TEST_F(ObjectTest, AcceptsAChangeFromBeforeItsFirstWrite) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  Outside(path, 4, Text("????"));
  object.Refresh();
  object.Write(0, "XX");
  object.Commit();
  EXPECT_EQ(Contents(path), Text("XXcd????"));
}

TEST_F(ObjectTest, NoticesThatTheFileWasReplaced) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "X");
  Put("b", Text("other"));
  ASSERT_EQ(rename(Path("b").c_str(), path.c_str()), 0);
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  object.Rollback();
  EXPECT_EQ(Contents(path), Text("other"));
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectTest, NoticesThatItsNameLeadsElsewhere) {
  ASSERT_EQ(mkdir(Path("d").c_str(), 0755), 0);
  std::string path = Put("d/a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "X");
  ASSERT_EQ(rename(Path("d").c_str(), Path("e").c_str()),
            0); // of which the file itself shows nothing
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  ASSERT_EQ(mkdir(Path("d").c_str(), 0755), 0);
  Put("d/a", Text("other!"));
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  ASSERT_EQ(rename(Path("d").c_str(), Path("f").c_str()), 0);
  Put("d", Text("no directory"));
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  object.Rollback();
  EXPECT_EQ(Contents(Path("e/a")), Text("abcdef"));
  EXPECT_EQ(Contents(Path("f/a")), Text("other!"));
}

// A file with the same inode in another file system.
int StatusElsewhere(const char *path, mm_stat *stat) {
  int rc = mm_sys_default()->status_path(path, stat);
  stat->device++;
  return rc;
}

TEST_F(ObjectTest, NoticesThatItsNameLeadsToAnotherFileSystem) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "X");
  mm_os.status_path = StatusElsewhere;
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  mm_os.status_path = mm_sys_default()->status_path;
  object.Commit();
  EXPECT_EQ(Contents(path), Text("Xbcdef"));
}

TEST_F(ObjectTest, WhatLiesUnderTheNameOfItsJournalStays) {
  std::string path = Put("a", Text("abcdef")), journal = path + MM_JOURNAL_SUFFIX;
  Object object = Open(path);
  object.Begin();
  object.Write(0, "X");
  Outside(journal, 0, Text("somebody's"));
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CORRUPT);
  EXPECT_NE(strstr(object.err.text, journal.c_str()), nullptr) << object.err.text;
  object.Rollback();
  EXPECT_EQ(Contents(journal), Text("somebody's"));
  EXPECT_EQ(Contents(path), Text("abcdef"));
}

TEST_F(ObjectTest, SurvivesACutWhileItIsRead) {
  std::string path = Put("a", Pattern(20 * Page()));
  Object object = Open(path);
  OutsideResize(path, 3 * Page() + 5);
  volatile uint8_t sink = 0;
  for (uint64_t i = 0; i < object->size; i++) sink = object->data[i];
  (void)sink;
  EXPECT_TRUE(mm_object_hit(object));
  EXPECT_EQ(mm_object_faulted(object, &object.err), MM_IOERR);
  object.Refresh();
  EXPECT_EQ(mm_object_faulted(object, &object.err), MM_OK);
  EXPECT_EQ(object.Seen(), Contents(path));
  Outside(path, 3 * Page() + 5, Pattern(7 * Page(), 4));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
  EXPECT_FALSE(mm_object_hit(object));
}

TEST_F(ObjectTest, SurvivesACutDuringItsTransaction) {
  std::string path = Put("a", Pattern(20 * Page()));
  Object object = Open(path);
  object.Begin();
  object.Write(10 * Page() + 3, "pending");
  OutsideResize(path, Page());
  EXPECT_EQ(mm_object_refresh(object, &object.err), MM_IOERR);
  (void)mm_object_write(object, 15 * Page(), object->data, 100, &object.err);
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  (void)mm_object_rollback(object, &object.err);
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
  object.Begin();
  object.Write(0, "works");
  object.Commit();
  EXPECT_EQ(object.Seen(), Contents(path));
}

TEST_F(ObjectTest, CommitsAndShowsItsFileAgainAfterMemoryThatFails) {
  Bytes wanted = Pattern(4 * Page());
  std::string path = Put("a", wanted);
  Object object = Open(path);
  object.Begin();
  object.Write(0, "X");
  siginfo_t info = {}; // as the kernel does to who reads a page whose memory fails
  info.si_signo = SIGBUS;
  info.si_code = BUS_MCEERR_AR;
  info.si_addr = const_cast<uint8_t *>(object->data + 2 * Page());
  ASSERT_EQ(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info), 0);
  EXPECT_EQ(mm_object_faulted(object, &object.err), MM_IOERR);
  EXPECT_NE(object.Seen(), wanted);
  object.Commit();
  wanted[0] = 'X';
  EXPECT_EQ(mm_object_faulted(object, &object.err), MM_OK) << object.err.text;
  EXPECT_EQ(object.Seen(), wanted);
  EXPECT_EQ(Contents(path), wanted);
}

TEST_F(ObjectTest, AWriteThatReadsACutFileFails) {
  std::string path = Put("a", Pattern(20 * Page()));
  Object object = Open(path);
  object.Begin();
  OutsideResize(path, Page());
  EXPECT_EQ(mm_object_move(object, 0, 10 * Page(), Page(), &object.err), MM_IOERR);
  EXPECT_FALSE(mm_object_pending(object));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
  object.Insert(0, Text("works"));
  object.Commit();
  EXPECT_EQ(object.Seen(), Contents(path));
}

// ---- writes that nobody looks at ----------------------------------------------------------------

TEST_F(ObjectTest, AnUnseenWriteIsShownToWhoeverLooks) {
  Bytes wanted = Pattern(3 * Page());
  Object object = Open(Put("a", wanted));
  wanted[Page()] ^= 1;
  object.Begin();
  object.WriteUnseen(Page(), {wanted[Page()]});
  mm_object_see(object);
  EXPECT_EQ(object.Seen(), wanted);
  wanted[7] ^= 1;
  object.WriteUnseen(7, {wanted[7]});
  object.Refresh();
  EXPECT_EQ(object.Seen(), wanted);
  wanted[8] = wanted[9] = wanted[7] ^= 1;
  object.WriteUnseen(7, {wanted[7]});
  object.Move(8, 7, 1);
  object.Move(9, 8, 1);
  EXPECT_EQ(object.Seen(), wanted);
  object.Commit();
  EXPECT_EQ(object.Seen(), wanted);
  EXPECT_EQ(Contents(Path("a")), wanted);
}

TEST_F(ObjectTest, AnUnseenWriteIsCommittedAndRolledBackAsAnyOther) {
  std::string path = Put("a", Pattern(2 * Page()));
  Object object = Open(path);
  Bytes wanted = object.Seen();
  for (bool seen : {false, true}) {
    object.Begin();
    object.Write(5, "first");
    mm_log_mark mark = mm_object_savepoint(object);
    object.WriteUnseen(Page(), Text("gone"));
    if (seen) mm_object_see(object);
    object.RollbackTo(mark);
    mm_object_release(object, &mark);
    object.WriteUnseen(Page() + 8, Text(seen ? "last" : "more"));
    object.Commit();
    Outside(path, 100, Text(seen ? "others" : "theirs")); // what the view has is the file's
    object.Refresh();
    EXPECT_EQ(object.Seen(), Contents(path));
  }
  wanted = object.Seen();
  EXPECT_EQ(std::string(wanted.begin() + 5, wanted.begin() + 10), "first");
  EXPECT_EQ(memcmp(&wanted[Page() + 8], "last", 4), 0);
  object.Begin();
  object.WriteUnseen(0, Text("never"));
  object.Rollback();
  EXPECT_EQ(object.Seen(), wanted);
}

TEST_F(ObjectTest, AnUnseenWriteOfBytesThatWereCutOffFails) {
  std::string path = Put("a", Pattern(20 * Page()));
  Object object = Open(path);
  object.Begin();
  OutsideResize(path, Page());
  const uint8_t *cut = object->data + 10 * Page();
  EXPECT_EQ(mm_object_write_unseen(object, 0, cut, 10, &object.err), MM_IOERR);
  EXPECT_FALSE(mm_object_pending(object));
}

// What a commit of a few bytes costs where nothing waits for a disk. No page of the view is touched.
TEST_F(ObjectTest, ACommitOfFewBytesIsAFewCalls) {
  settings.synchronous = MM_SYNC_FULL;
  Object object = Open(Put("a", Pattern(3 * Page())));
  object.Begin(); // the first draws a salt, and makes the view writable
  object.WriteUnseen(7, Text("x"));
  object.Commit();
  FaultSys sys;
  object.Begin();
  object.WriteUnseen(7, Text("y"));
  EXPECT_EQ(sys.Trace(), "reopen lock status_link status");
  sys.Reset();
  object.Commit();
  EXPECT_EQ(sys.Trace(),
            "lock status_path read next_data open status write sync open "
            "sync close write sync_data write sync_data remove close status lock read close");
}

// ---- private ------------------------------------------------------------------------------------

TEST_F(ObjectTest, APrivateObjectKeepsItsCommitsToItself) {
  std::string path = Put("a", Pattern(2 * Page()));
  Object object = Open(path, MM_OBJECT_PRIVATE);
  object.Begin();
  object.Write(10, "mine");
  object.Prepare();
  object.Commit();
  object.Begin();
  object.Write(12, "xx");
  object.Rollback();
  Bytes wanted = Pattern(2 * Page());
  std::copy_n("mine", 4, wanted.begin() + 10);
  EXPECT_EQ(object.Seen(), wanted);
  EXPECT_EQ(Contents(path), Pattern(2 * Page()));
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectTest, APrivateObjectShowsOthersBytesBesideItsOwn) {
  std::string path = Put("a", Pattern(2 * Page()));
  Object object = Open(path, MM_OBJECT_PRIVATE);
  object.Begin();
  object.Write(10, "mine");
  object.Commit();
  Outside(path, 0, Text("theirs and more"));
  object.Refresh();
  Bytes wanted = Contents(path);
  std::copy_n("mine", 4, wanted.begin() + 10);
  EXPECT_EQ(object.Seen(), wanted);
}

TEST_F(ObjectTest, APrivateObjectCanBeWrittenWhoeverMayNotWriteItsFile) {
  std::string path = Put("a", Text("abcdef"));
  settings.read_only = true;
  Object file = Open(path), own = Open(path, MM_OBJECT_PRIVATE);
  EXPECT_EQ(mm_object_check_writable(file, &file.err), MM_READONLY);
  EXPECT_EQ(mm_object_check_writable(own, &own.err), MM_OK) << own.err.text;
}

TEST_F(ObjectTest, APrivateObjectCannotBeResized) {
  Object object = Open(Put("a", Text("abc")), MM_OBJECT_PRIVATE);
  object.Begin();
  EXPECT_EQ(mm_object_resize(object, 10, &object.err), MM_READONLY);
  EXPECT_EQ(mm_object_insert(object, 0, object->data, 1, &object.err), MM_READONLY);
  EXPECT_EQ(mm_object_erase(object, 0, 1, &object.err), MM_READONLY);
  EXPECT_EQ(object.Seen(), Text("abc"));
}

TEST_F(ObjectTest, APrivateObjectDoesNotGrowWithItsCommits) {
  Object object = Open(Put("a", Pattern(Page())), MM_OBJECT_PRIVATE);
  for (int i = 0; i < 1000; i++) {
    object.Begin();
    object.Write(static_cast<uint64_t>(i % 7), Text("abc"));
    object.Commit();
  }
  EXPECT_LE(object->log.count, 600u);
}

TEST_F(ObjectTest, APrivateObjectSurvivesItsFileBeingCut) {
  std::string path = Put("a", Pattern(9 * Page()));
  Object object = Open(path, MM_OBJECT_PRIVATE);
  object.Begin();
  object.Write(5 * Page(), "mine");
  object.Write(1, "too");
  object.Commit();
  OutsideResize(path, 100);
  object.Refresh();
  Bytes wanted = Contents(path);
  std::copy_n("too", 3, wanted.begin() + 1);
  EXPECT_EQ(object.Seen(), wanted);
}

// ---- devices -----------------------------------------------------------------------------------

// A block device, as the system tells of one: its size is known once it is open.
class Device : public ObjectTest {
protected:
  void SetUp() override {
    ObjectTest::SetUp();
    size = 0;
    mm_os.status = [](int fd, mm_stat *stat) {
      int rc = mm_sys_default()->status(fd, stat);
      stat->kind = MM_KIND_DEVICE;
      stat->size = (fcntl(fd, F_GETFL) & O_PATH) ? 0 : size;
      return rc;
    };
  }
  void TearDown() override {
    mm_os = *mm_sys_default();
    ObjectTest::TearDown();
  }
  static uint64_t size;
};
uint64_t Device::size;

TEST_F(Device, IsReadAndKeepsNothingBesideIt) {
  std::string path = Put("a", Pattern(3 * Page()));
  Put("a" MM_JOURNAL_SUFFIX, Text("another's"));
  size = 2 * Page();
  Object object = Open(path, MM_OBJECT_DEVICE);
  Bytes wanted = Pattern(3 * Page());
  wanted.resize(2 * Page());
  EXPECT_EQ(object.Seen(), wanted);
  EXPECT_EQ(object->journal, nullptr);
  Outside(path, 5, Text("others' bytes"));
  std::copy_n("others' bytes", 13, wanted.begin() + 5);
  object.Refresh();
  EXPECT_EQ(object.Seen(), wanted);
  EXPECT_EQ(Contents(path + MM_JOURNAL_SUFFIX), Text("another's"));
}

TEST_F(Device, ChangesItsSize) {
  std::string path = Put("a", Pattern(9 * Page()));
  size = Page();
  Object object = Open(path, MM_OBJECT_DEVICE);
  size = 9 * Page();
  object.Refresh();
  EXPECT_EQ(object.Seen(), Pattern(9 * Page()));
  size = 1;
  EXPECT_EQ(mm_object_whole(object, &object.err), MM_IOERR);
  object.Refresh();
  EXPECT_EQ(object->size, 1u);
}

TEST_F(Device, IsReadWithoutALock) {
  Object object = Open(Put("a", Text("abc")), MM_OBJECT_DEVICE);
  mm_os.lock = [](int, int, uint64_t, uint64_t) { return -EIO; };
  EXPECT_EQ(mm_object_read_at_commit(object, false, &object.err), MM_OK) << object.err.text;
  mm_object_read_done(object);
}

// ---- memory -------------------------------------------------------------------------------------

TEST_F(ObjectTest, MemoryBeginsAsZerosAndTakesTransactions) {
  Object object = OpenMemory(10);
  EXPECT_EQ(object.Seen(), Bytes(10, 0));
  object.Begin();
  object.Write(2, "abc");
  object.Commit();
  object.Begin();
  object.Resize(2 * Page());
  object.Write(0, "zz");
  object.Rollback();
  Bytes wanted(10, 0);
  std::copy_n("abc", 3, wanted.begin() + 2);
  EXPECT_EQ(object.Seen(), wanted);
  object.Begin();
  object.Resize(100000);
  object.Commit();
  wanted.resize(100000);
  EXPECT_EQ(object.Seen(), wanted);
}

TEST_F(ObjectTest, MemoryThatCannotBeIsRefused) {
  mm_object *object = nullptr;
  mm_error err;
  EXPECT_NE(mm_object_open_memory(UINT64_MAX, &settings, &object, &err), MM_OK);
  EXPECT_NE(mm_object_open_memory((uint64_t)1 << 62, &settings, &object, &err), MM_OK);
}

// ---- advice -------------------------------------------------------------------------------------

TEST_F(ObjectTest, TakesAdviceAndLosesNoWrite) {
  Object object = Open(Put("a", Pattern(5 * Page())));
  for (int advice : {MM_ADVICE_NORMAL, MM_ADVICE_RANDOM, MM_ADVICE_SEQUENTIAL, MM_ADVICE_WILLNEED,
                     MM_ADVICE_DONTNEED}) {
    EXPECT_EQ(mm_object_advise(object, advice, 100, UINT64_MAX, &object.err), MM_OK);
    EXPECT_EQ(mm_object_advise(object, advice, 0, 5 * Page(), &object.err), MM_OK);
    EXPECT_EQ(mm_object_advise(object, advice, 5 * Page(), 1, &object.err), MM_OK);
  }
  object.Begin();
  object.Write(Page(), "pending");
  Bytes wanted = object.Seen();
  EXPECT_EQ(mm_object_advise(object, MM_ADVICE_DONTNEED, 0, 5 * Page(), &object.err), MM_OK);
  EXPECT_EQ(object.Seen(), wanted);
}

// ---- fork ---------------------------------------------------------------------------------------

TEST_F(ObjectTest, AForkedChildIsRefusedAndDoesNotDisturbItsParent) {
  std::string path = Put("a", Text("abcdef"));
  Object object = Open(path);
  object.Begin();
  object.Write(0, "X");
  object.Prepare();
  EXPECT_EQ(InChild([&] {
              mm_error err;
              if (mm_object_refresh(object, &err) != MM_ERROR) return 1;
              if (mm_object_begin(object, &err) != MM_ERROR) return 2;
              if (mm_object_prepare(object, &err) != MM_ERROR) return 3;
              if (mm_object_commit(object, &err) != MM_ERROR) return 4;
              if (mm_object_rollback(object, &err) != MM_ERROR) return 5;
              mm_object_close(object);
              return 0;
            }),
            0);
  EXPECT_EQ(Contents(path), Text("abcdef"));
  EXPECT_TRUE(HasJournal(path));
  mm_object *reader;
  mm_error err;
  EXPECT_EQ(TryOpen(path, MM_OBJECT_FILE, &settings, &reader, &err), MM_BUSY)
      << "the parent must have its lock still";
  object.Commit();
  EXPECT_EQ(Contents(path), Text("Xbcdef"));
}

// ---- recovery -----------------------------------------------------------------------------------

using Edits = std::function<void(Object &)>;

class RecoveryTest : public FileTest {
protected:
  // A process that dies in the middle of a transaction: before the first byte of the file changes,
  // or with so many of its extents written.
  void Crash(const std::string &path, const Edits &edits, size_t applied = 0) {
    ASSERT_EQ(InChild([&] {
                Object object = Open(path);
                object.Begin();
                edits(object);
                object.Prepare();
                const mm_change &change = object->change;
                mm_error err;
                if (applied && mm_change_begin(object->writer, change.new_size, "a", &err))
                  return 1;
                mm_change_walk walk = {};
                walk.change = &change;
                mm_extent extent;
                for (size_t i = 0; i < applied && mm_change_next(&walk, &extent); i++) {
                  if (mm_sys_write_all(object->writer, extent.data, extent.size, extent.offset))
                    return 1;
                }
                _exit(HasFailure() ? 2 : 0);
              }),
              0);
    ASSERT_TRUE(HasJournal(path));
  }

  Bytes old = Pattern(3 * Page() + 100);
  Bytes After(const Edits &edits) {
    Object object = Open(Put("model", old));
    object.Begin();
    edits(object);
    object.Commit();
    return Contents(Path("model"));
  }
  const Edits patches = [](Object &o) {
    o.Write(10, "first");
    o.Write(2 * Page(), "second");
  };
  const Edits growth = [](Object &o) {
    o.Write(10, "first");
    o.Insert(Page(), Pattern(5 * Page(), 3));
    o.Resize(20 * Page());
  };
  const Edits cut = [](Object &o) {
    o.Write(10, "first");
    o.Resize(Page() + 7);
    o.Write(Page(), "last");
  };
};

TEST_F(RecoveryTest, TheNextUseFinishesWhatACrashLeft) {
  for (const Edits &edits : {patches, growth, cut}) {
    for (size_t applied : {0, 1, 2}) {
      std::string path = Put("a", old);
      Crash(path, edits, applied);
      Object object = Open(path);
      EXPECT_EQ(object.Seen(), After(edits));
      EXPECT_EQ(Contents(path), After(edits));
      EXPECT_FALSE(HasJournal(path));
    }
  }
}

TEST_F(RecoveryTest, AlsoForAnObjectThatHadItMapped) {
  for (int kind : {MM_OBJECT_FILE, MM_OBJECT_PRIVATE}) {
    std::string path = Put("a", old);
    Object object = Open(path, kind);
    Crash(path, growth, 1);
    object.Refresh();
    EXPECT_EQ(object.Seen(), After(growth));
    EXPECT_EQ(Contents(path), After(growth));
    EXPECT_FALSE(HasJournal(path));
  }
}

TEST_F(RecoveryTest, AlsoForAWriterThatDidNotRefresh) {
  std::string path = Put("a", old);
  Object object = Open(path);
  Crash(path, patches, 1);
  object.Begin();
  EXPECT_EQ(object.Seen(), After(patches));
  object.Write(0, "X");
  object.Commit();
  Bytes wanted = After(patches);
  wanted[0] = 'X';
  EXPECT_EQ(Contents(path), wanted);
}

TEST_F(RecoveryTest, IsDoneOnce) {
  std::string path = Put("a", old);
  Crash(path, patches);
  Object object = Open(path);
  FaultSys sys;
  object.Refresh();
  object.Refresh();
  EXPECT_EQ(sys.Trace(), "status_link status status_link status");
}

// Who has just asked for the file by its name looks for a journal, and asks no more.
TEST_F(RecoveryTest, AFileThatWasAskedForIsNotAskedAgain) {
  std::string path = Put("a", old);
  Object object = Open(path);
  mm_stat stat;
  OutsideResize(path, 2 * Page());
  ASSERT_EQ(mm_os.status_path(path.c_str(), &stat), 0);
  FaultSys sys;
  ASSERT_EQ(mm_object_look_on(object, &stat, &object.err), MM_OK) << object.err.text;
  EXPECT_EQ(sys.Trace(), "status_link");
  EXPECT_EQ(object->size, 2 * Page());
}

// … but where a journal has come between: the answer is of a file that was not recovered.
TEST_F(RecoveryTest, AFileThatWasAskedForBeforeItsWriterDiedIsAskedAgain) {
  const Edits growth = [](Object &object) {
    object.Resize(9 * Page());
    object.Write(8 * Page(), "new");
  };
  Bytes wanted = After(growth);
  std::string path = Put("a", old);
  Object object = Open(path);
  mm_stat stat;
  ASSERT_EQ(mm_os.status_path(path.c_str(), &stat), 0);
  Crash(path, growth, 1);
  ASSERT_EQ(mm_object_look_on(object, &stat, &object.err), MM_OK) << object.err.text;
  EXPECT_EQ(object.Seen(), wanted);
}

// A commit that comes and goes between the question and the look for a journal is in the next look.
TEST_F(RecoveryTest, ACommitBehindTheQuestionShowsInTheNextLook) {
  for (uint64_t size : {9 * Page(), Page() + 7}) {
    std::string path = Put("a", old);
    Object object = Open(path), other = Open(path);
    mm_stat stat;
    ASSERT_EQ(mm_os.status_path(path.c_str(), &stat), 0);
    other.Begin();
    other.Resize(size);
    other.Write(5, "new");
    other.Commit();
    ASSERT_EQ(mm_object_look_on(object, &stat, &object.err), MM_OK) << object.err.text;
    EXPECT_EQ(object->size, old.size());
    EXPECT_EQ(object->data[5], 'n');
    ASSERT_EQ(mm_os.status_path(path.c_str(), &stat), 0);
    ASSERT_EQ(mm_object_look_on(object, &stat, &object.err), MM_OK) << object.err.text;
    EXPECT_EQ(object.Seen(), Contents(path));
  }
}

// A writer is told of whoever changes the file without a lock, by this question as by the other.
TEST_F(RecoveryTest, AWriterIsToldByTheQuestionOfWhoeverCutTheFile) {
  std::string path = Put("a", old);
  Object object = Open(path);
  mm_stat stat;
  object.Begin();
  object.Write(0, "X");
  OutsideResize(path, Page());
  ASSERT_EQ(mm_os.status_path(path.c_str(), &stat), 0);
  EXPECT_EQ(mm_object_look_on(object, &stat, &object.err), MM_IOERR);
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  (void)mm_object_rollback(object, &object.err);
}

TEST_F(RecoveryTest, ATornJournalIsRemovedAndTheTransactionNeverWas) {
  std::string path = Put("a", old), journal = path + MM_JOURNAL_SUFFIX;
  Crash(path, patches);
  uint64_t whole = Contents(journal).size();
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{79}, whole / 2, whole - 1}) {
    if (!HasJournal(path)) Crash(path, patches);
    OutsideResize(journal, size);
    Object object = Open(path);
    EXPECT_EQ(object.Seen(), old) << size;
    EXPECT_EQ(Contents(path), old);
    EXPECT_FALSE(HasJournal(path));
  }
}

TEST_F(RecoveryTest, AJournalOfAnotherFileIsNotApplied) {
  std::string path = Put("a", old);
  Crash(path, patches);
  Put("b", Pattern(old.size(), 8));
  ASSERT_EQ(rename(Path("b").c_str(), path.c_str()), 0);
  mm_object *object;
  mm_error err;
  EXPECT_EQ(TryOpen(path, MM_OBJECT_FILE, &settings, &object, &err), MM_CORRUPT);
  EXPECT_NE(strstr(err.text, MM_JOURNAL_SUFFIX), nullptr) << err.text;
  EXPECT_EQ(Contents(path), Pattern(old.size(), 8));
  EXPECT_TRUE(HasJournal(path));
}

TEST_F(RecoveryTest, AFileThatHasLostItsNameLeavesTheOthersJournalAlone) {
  for (int kind : {MM_OBJECT_FILE, MM_OBJECT_PRIVATE}) {
    for (uint64_t missing : {0, 1, 100}) { // of the journal: its writer is just at it
      std::string path = Put("a", old), journal = path + MM_JOURNAL_SUFFIX;
      Object object = Open(path, kind);
      Put("b", Pattern(old.size(), 8));
      ASSERT_EQ(rename(Path("b").c_str(), path.c_str()), 0);
      Object writer = Open(path);
      writer.Begin();
      patches(writer);
      writer.Prepare();
      uint64_t size = Contents(journal).size() - missing;
      OutsideResize(journal, size);
      object.Refresh();
      EXPECT_EQ(object.Seen(), old);
      EXPECT_EQ(Contents(journal).size(), size);
      writer.Rollback();
      EXPECT_EQ(Contents(path), Pattern(old.size(), 8));
    }
  }
}

TEST_F(RecoveryTest, AFileThatHasLostItsNameFinishesItsOwn) {
  std::string path = Put("a", old);
  Object object = Open(path);
  Crash(path, patches, 1);
  Put("b", Pattern(old.size(), 8));
  ASSERT_EQ(rename(Path("b").c_str(), path.c_str()), 0);
  object.Refresh();
  EXPECT_EQ(object.Seen(), After(patches));
  EXPECT_FALSE(HasJournal(path));
  EXPECT_EQ(Open(path).Seen(), Pattern(old.size(), 8));
}

TEST_F(RecoveryTest, AConnectionThatOnlyReadsSeesTheStateAfterAndWritesNothing) {
  settings.read_only = true;
  for (int kind : {MM_OBJECT_FILE, MM_OBJECT_PRIVATE}) {
    for (const Edits &edits : {patches, growth, cut}) {
      settings.read_only = false;
      std::string path = Put("a", old);
      unlink((path + MM_JOURNAL_SUFFIX).c_str());
      Crash(path, edits, 1);
      Bytes after = After(edits), half = Contents(path);
      settings.read_only = true;
      Object object = Open(path, kind);
      EXPECT_EQ(object.Seen(), after);
      object.Refresh();
      EXPECT_EQ(object.Seen(), after);
      EXPECT_EQ(Contents(path), half);
      EXPECT_TRUE(HasJournal(path));
      mm_settings writing = Settings();
      Object writer = Open(path, MM_OBJECT_FILE, writing);
      EXPECT_EQ(Contents(path), after);
      EXPECT_FALSE(HasJournal(path));
      object.Refresh();
      EXPECT_EQ(object.Seen(), after);
      EXPECT_EQ(object->log.count, 0u) << "what it showed over the file is forgotten";
    }
  }
}

TEST_F(RecoveryTest, ShowsTheNextCrashInPlaceOfTheOneBefore) {
  std::string path = Put("a", old);
  mm_settings reading = Settings();
  reading.read_only = true;
  Crash(path, growth);
  Object object = Open(path, MM_OBJECT_FILE, reading);
  EXPECT_EQ(object.Seen(), After(growth));
  Crash(path, patches); // which first finishes what the other began
  object.Refresh();
  Bytes wanted = After(growth);
  std::copy_n("first", 5, wanted.begin() + 10);
  std::copy_n("second", 6, wanted.begin() + static_cast<ptrdiff_t>(2 * Page()));
  EXPECT_EQ(object.Seen(), wanted);
}

std::function<void()> after_asking; // once, after the next question whether a file is being written

int LockedThen(int fd, int kind, uint64_t offset, uint64_t size) {
  int answer = mm_sys_default()->locked(fd, kind, offset, size);
  std::function<void()> then;
  then.swap(after_asking);
  if (then) then();
  return answer;
}

TEST_F(RecoveryTest, DoesNotShowTheJournalOfAWriterThatHasJustComeForOneThatIsDead) {
  std::string path = Put("a", old);
  mm_settings reading = Settings();
  reading.read_only = true;
  Object writer = Open(path), reader = Open(path, MM_OBJECT_FILE, reading);
  Crash(path, patches);
  mm_os.locked = LockedThen;
  after_asking = [&] {
    writer.Begin();
    writer.Write(0, "X");
    writer.Prepare();
  };
  EXPECT_EQ(mm_object_refresh(reader, &reader.err), MM_BUSY);
  mm_os.locked = mm_sys_default()->locked;
  EXPECT_FALSE(after_asking);
  writer.Commit();
  reader.Refresh();
  Bytes wanted = After(patches);
  wanted[0] = 'X';
  EXPECT_EQ(reader.Seen(), wanted);
}

TEST_F(RecoveryTest, ForgetsWhatItShowedOnceItMayReplayIt) {
  std::string path = Put("a", old);
  Crash(path, growth, 1);
  settings.read_only = true;
  Object object = Open(path);
  EXPECT_GT(object->log.count, 0u);
  settings.read_only = false;
  object.Refresh();
  EXPECT_EQ(object->log.count, 0u);
  EXPECT_EQ(object.Seen(), After(growth));
  EXPECT_EQ(Contents(path), After(growth));
}

TEST_F(RecoveryTest, WhoMayNotWriteTheFileSeesTheStateAfter) {
  NEEDS_ROOT();
  std::string path = Put("a", old);
  chmod(directory.c_str(), 0755);
  chmod(path.c_str(), 0644);
  Crash(path, growth, 1);
  Bytes after = After(growth);
  EXPECT_EQ(AsNobody([&] {
              Object object = Open(path), other = Open(path, MM_OBJECT_PRIVATE);
              return object.Seen() == after && other.Seen() == after ? 0 : 1;
            }),
            0);
  EXPECT_TRUE(HasJournal(path));
}

TEST_F(RecoveryTest, WhoMayNotWriteTheDirectorySeesTheStateAfter) {
  NEEDS_ROOT();
  std::string path = Put("a", old);
  chmod(directory.c_str(), 0755);
  chmod(path.c_str(), 0666);
  Crash(path, patches, 1);
  Bytes after = After(patches);
  EXPECT_EQ(AsNobody([&] {
              Object object = Open(path);
              object.Refresh();
              return object.Seen() == after ? 0 : 1;
            }),
            0);
  Object object = Open(path);
  EXPECT_EQ(object.Seen(), after);
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(RecoveryTest, APrivateObjectKeepsItsOwnWritesOverAJournal) {
  std::string path = Put("a", old);
  Crash(path, growth, 1);
  Bytes after = After(growth), wanted = after;
  settings.read_only = true;
  Object object = Open(path, MM_OBJECT_PRIVATE);
  for (int i = 0; i < 100; i++) { // enough to be merged
    object.Begin();
    object.Write(12, Pattern(1000));
    object.Write(15 * Page(), "tail");
    object.Commit();
  }
  std::copy_n(Pattern(1000).begin(), 1000, wanted.begin() + 12);
  std::copy_n("tail", 4, wanted.begin() + static_cast<ptrdiff_t>(15 * Page()));
  EXPECT_EQ(object.Seen(), wanted);
  object.Begin();
  object.Write(0, "gone");
  object.Rollback();
  EXPECT_EQ(object.Seen(), wanted);
  Outside(path, 2, Text("!")); // so that all of it is shown anew
  wanted[2] = '!';
  object.Refresh();
  EXPECT_EQ(object.Seen(), wanted);
  {
    mm_settings writing = Settings();
    Open(path, MM_OBJECT_FILE, writing);
  }
  Outside(path, 5, Text("new"));
  std::copy_n("new", 3, wanted.begin() + 5);
  object.Refresh();
  EXPECT_EQ(object.Seen(), wanted);
}

TEST_F(RecoveryTest, WaitsForeverIfToldSo) {
  std::string path = Put("a", old);
  Object writer = Open(path);
  mm_settings patient = settings;
  patient.busy_timeout = INT64_MAX;
  int asked = 0;
  patient.watch = [](void *context) { return ++*static_cast<int *>(context) > 2 ? 1 : 0; };
  patient.watch_context = &asked;
  Object reader = Open(path, MM_OBJECT_FILE, patient);
  writer.Begin();
  writer.Write(0, "X");
  writer.Prepare();
  for (bool read_only : {false, true}) {
    asked = 0;
    patient.read_only = read_only;
    EXPECT_EQ(mm_object_refresh(reader, &reader.err), MM_INTERRUPT);
    EXPECT_EQ(asked, 3);
  }
}

TEST_F(RecoveryTest, ReadersWaitForALivingWriter) {
  std::string path = Put("a", old);
  Object writer = Open(path), reader = Open(path);
  writer.Begin();
  writer.Write(0, "X");
  writer.Prepare();
  EXPECT_EQ(mm_object_refresh(reader, &reader.err), MM_BUSY);
  writer.Commit();
  reader.Refresh();
  EXPECT_EQ(reader.Seen()[0], 'X');
}

// ---- every call that fails ----------------------------------------------------------------------

class ObjectFaultTest : public RecoveryTest {
protected:
  // One transaction, to its first failure. *reached: 0 begin, 1 writes, 2 prepare, 3 commit, 4 all.
  int Transaction(Object &object, const std::function<int(Object &)> &writes, int *reached) {
    *reached = 0;
    int rc = mm_object_begin(object, &object.err);
    if (rc == MM_OK) *reached = 1;
    if (rc == MM_OK) rc = writes(object);
    if (rc == MM_OK) *reached = 2;
    if (rc == MM_OK) rc = mm_object_prepare(object, &object.err);
    if (rc == MM_OK) *reached = 3;
    if (rc == MM_OK) rc = mm_object_commit(object, &object.err);
    if (rc == MM_OK) *reached = 4;
    return rc;
  }

  // With call `n` failing. False: there are not so many.
  bool Try(int n, int error, bool sticky, const std::function<int(Object &)> &writes) {
    std::string path = Put("a", old);
    Object object = Open(path);
    SCOPED_TRACE("call " + std::to_string(n) + (sticky ? " and all after it: " : ": ") +
                 strerror(error));
    int reached, rc;
    bool fired;
    {
      FaultSys sys;
      sys.FailAt(n, error, sticky);
      rc = Transaction(object, writes, &reached);
      if (rc != MM_OK && reached < 3) {
        size_t mark = object->log.count;
        (void)mm_object_rollback(object, &object.err);
        EXPECT_LE(object->log.count, mark);
      }
      fired = sys.Fired();
    }
    if (!fired) {
      EXPECT_EQ(rc, MM_OK) << object.err.text;
      EXPECT_EQ(Contents(path), after);
      return false;
    }
    Check(object, path, rc, reached);
    return true;
  }

  // The state before or the state after, and an object that works.
  void Check(Object &object, const std::string &path, int rc, int reached) {
    object.Refresh();
    EXPECT_EQ(object.Seen(), Contents(path));
    if (reached == 4) {
      EXPECT_EQ(rc, MM_OK);
    }
    EXPECT_EQ(object.Seen(), reached >= 3 ? after : old);
    EXPECT_FALSE(HasJournal(path));
    EXPECT_FALSE(object->failed);
    EXPECT_FALSE(object->prepared);
    object.Begin();
    object.Write(5, "works");
    object.Commit();
    EXPECT_EQ(object.Seen(), Contents(path));
    EXPECT_EQ(memcmp(object->data + 5, "works", 5), 0);
  }

  void EachCall(const std::function<int(Object &)> &writes) {
    for (int synchronous : {MM_SYNC_NORMAL, MM_SYNC_FULL}) {
      settings.synchronous = synchronous;
      after = old;
      {
        Object object = Open(Put("model", old));
        int reached;
        ASSERT_EQ(Transaction(object, writes, &reached), MM_OK) << object.err.text;
        after = Contents(Path("model"));
      }
      const struct {
        int error;
        bool sticky;
      } faults[] = {{EIO, false}, {EIO, true}, {ENOSPC, false}};
      for (auto fault : faults) {
        int n = 0;
        while (Try(n, fault.error, fault.sticky, writes) && !HasFailure()) ASSERT_LT(++n, 1000);
        if (HasFailure()) return;
        EXPECT_GT(n, 15) << "calls of a transaction";
      }
    }
  }

  Bytes after;
};

// Its descriptors are parked: the one to read by is taken over, the other goes with the next sweep.
TEST_F(ObjectTest, WhatStaysOpenIsNotClosed) {
  std::string real = Put("a.bin", Text("bytes"));
  Object object = Open(real);
  object.Begin();
  int fd = object->fd, writer = object->writer;
  ASSERT_NE(fd, writer);
  mm_object_stay_open(object);
  mm_stat stat = object->seen;
  object.Close();
  EXPECT_EQ(mm_os.status(writer, &stat), 0);
  EXPECT_EQ(mm_park_take(&stat), fd);
  EXPECT_EQ(mm_park_take(&stat), -1) << "open for writing";
  mm_parked *place = mm_parked_new();
  ASSERT_NE(place, nullptr);
  mm_parked_put(place, fd, false);
  char *name = mm_strdup(real.c_str());
  mm_park(place, &name, &stat);
  EXPECT_EQ(name, nullptr);
  mm_park_sweep();
  EXPECT_EQ(mm_os.status(fd, &stat), -EBADF);
  EXPECT_EQ(mm_os.status(writer, &stat), -EBADF);
}

TEST_F(ObjectFaultTest, PatchesAreMadeWholeOrNotAtAll) {
  EachCall([](Object &o) {
    int rc = mm_object_write(o, 10, reinterpret_cast<const uint8_t *>("first"), 5, &o.err);
    if (rc == MM_OK) rc = mm_object_move(o, 2 * Page(), 7, 100, &o.err);
    return rc;
  });
}

TEST_F(ObjectFaultTest, GrowthIsMadeWholeOrNotAtAll) {
  EachCall([](Object &o) {
    int rc = mm_object_insert(o, 10, reinterpret_cast<const uint8_t *>("first"), 5, &o.err);
    if (rc == MM_OK) rc = mm_object_resize(o, 300 * Page(), &o.err);
    if (rc == MM_OK) rc = mm_object_write(o, 299 * Page(), o->data, 100, &o.err);
    return rc;
  });
}

TEST_F(ObjectFaultTest, ACutIsMadeWholeOrNotAtAll) {
  EachCall([](Object &o) {
    int rc = mm_object_erase(o, 10, Page(), &o.err);
    if (rc == MM_OK) rc = mm_object_resize(o, 100, &o.err);
    if (rc == MM_OK) rc = mm_object_resize(o, Page(), &o.err);
    return rc;
  });
}

TEST_F(ObjectFaultTest, ACrashAtAnyCallLeavesTheStateBeforeOrAfter) {
  for (const Edits &edits : {patches, growth, cut}) {
    after = After(edits);
    bool was_after = false;
    for (int n = 0, more = 1; more && !HasFailure(); n++) {
      std::string path = Put("a", old);
      int result = InChild([&] {
        Object object = Open(path);
        FaultSys sys;
        sys.CountOnly(kWriting);
        sys.CrashAt(n, 3);
        mm_error err;
        if (mm_object_begin(object, &err) == MM_OK) {
          edits(object);
          (void)mm_object_commit(object, &err);
        }
        _exit(sys.Fired() ? 1 : 0);
        return 0;
      });
      ASSERT_LE(result, 1);
      more = result;
      Object object = Open(path);
      bool is_after = object.Seen() == after;
      EXPECT_TRUE(is_after || object.Seen() == old) << n;
      EXPECT_TRUE(is_after || !was_after) << "a commit got lost: " << n;
      EXPECT_EQ(object.Seen(), Contents(path));
      EXPECT_FALSE(HasJournal(path));
      was_after = is_after;
    }
    EXPECT_TRUE(was_after);
  }
}

TEST_F(ObjectFaultTest, AFailingRollbackKeepsTheFilesWriterUntilItsJournalIsGone) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  object.Write(0, "never");
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kRemove, Call::kOpen, Call::kResize, Call::kWrite});
    sys.FailAt(0, EIO, true);
    EXPECT_NE(mm_object_rollback(object, &object.err), MM_OK);
    EXPECT_NE(mm_object_refresh(object, &object.err), MM_OK);
  }
  EXPECT_TRUE(HasJournal(path));
  EXPECT_NE(InChild([&] {
              mm_object *other;
              mm_error err;
              return TryOpen(path, MM_OBJECT_FILE, &settings, &other, &err);
            }),
            MM_OK)
      << "nobody may replay it";
  EXPECT_EQ(Contents(path), old);
  object.Begin();
  EXPECT_FALSE(HasJournal(path));
  object.Refresh();
  object.Write(1, "this");
  object.Commit();
  Bytes wanted = old;
  std::copy_n("this", 4, wanted.begin() + 1);
  EXPECT_EQ(Contents(path), wanted);
}

TEST_F(ObjectFaultTest, ClosingAfterAFailingRollbackLeavesTheFileToOthers) {
  std::string path = Put("a", old);
  Object object = Open(path), other = Open(path);
  object.Begin();
  object.Write(0, "never");
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kRemove, Call::kOpen, Call::kResize, Call::kWrite});
    sys.FailAt(0, EIO, true);
    EXPECT_NE(mm_object_rollback(object, &object.err), MM_OK);
    object.Close();
  }
  other.Begin();
}

TEST_F(ObjectFaultTest, AJournalThatStaysStopsTheNextPrepareToo) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  object.Write(0, "one");
  object.Prepare();
  object.Write(3, "two");
  {
    FaultSys sys;
    sys.CountOnly({Call::kRemove, Call::kOpen, Call::kResize, Call::kWrite});
    sys.FailAt(0, EIO, true);
    EXPECT_EQ(mm_object_prepare(object, &object.err), MM_IOERR);
  }
  object.Prepare();
  object.Commit();
  Bytes wanted = old;
  std::copy_n("onetwo", 6, wanted.begin());
  EXPECT_EQ(Contents(path), wanted);
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectFaultTest, AnEmptiedJournalThatKeptItsNameIsNotInTheWayOfTheNext) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  object.Write(0, "one");
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kRemove});
    sys.FailAt(0, EIO, true);
    object.Unprepare();
    EXPECT_EQ(Contents(path + MM_JOURNAL_SUFFIX), Bytes());
    object.Write(3, "two");
    EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CORRUPT) << "it is in the way";
  }
  object.Prepare();
  object.Commit();
  Bytes wanted = old;
  std::copy_n("onetwo", 6, wanted.begin());
  EXPECT_EQ(Contents(path), wanted);
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectFaultTest, ARollbackRemovesWhatItsTransactionCouldOnlyEmpty) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  object.Write(0, "one");
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kRemove});
    sys.FailAt(0, EIO, true);
    object.Unprepare();
  }
  EXPECT_TRUE(HasJournal(path));
  object.Rollback();
  EXPECT_FALSE(HasJournal(path));
  EXPECT_EQ(Contents(path), old);
}

TEST_F(ObjectFaultTest, ACommitThatCannotKeepWhatIsPinnedIsFinishedLater) {
  std::string path = Put("a", old);
  Object object = Open(path), reader = Open(path);
  const uint64_t at = 2 * Page();
  ASSERT_TRUE(mm_object_pin(reader, at, 50));
  const uint8_t *pinned = reader->data + at;
  object.Begin();
  object.Resize(100);
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kMap});
    sys.FailAt(0, ENOMEM, true);
    EXPECT_EQ(mm_object_commit(object, &object.err), MM_NOMEM);
  }
  EXPECT_EQ(Contents(path), old);
  EXPECT_TRUE(HasJournal(path));
  object.Refresh();
  EXPECT_EQ(object.Seen(), Bytes(old.begin(), old.begin() + 100));
  EXPECT_EQ(Bytes(pinned, pinned + 50), Bytes(old.begin() + static_cast<ptrdiff_t>(at),
                                              old.begin() + static_cast<ptrdiff_t>(at) + 50));
  mm_view_unpin(pinned);
}

TEST_F(ObjectFaultTest, AFailedCommitGivesErrorsAndThenTheNewBytes) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  patches(object);
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kWrite});
    sys.FailAt(1, EIO, true);
    EXPECT_EQ(mm_object_commit(object, &object.err), MM_IOERR);
    EXPECT_EQ(mm_object_faulted(object, &object.err), MM_IOERR);
    EXPECT_TRUE(mm_object_hit(object));
    EXPECT_EQ(mm_object_refresh(object, &object.err), MM_IOERR);
    EXPECT_EQ(mm_object_begin(object, &object.err), MM_IOERR);
  }
  object.Refresh();
  EXPECT_EQ(object.Seen(), After(patches));
}

TEST_F(ObjectFaultTest, AHalfWrittenCommitWithoutAJournalIsReportedOnce) {
  settings.synchronous = MM_SYNC_OFF;
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  patches(object);
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kWrite});
    sys.FailAt(1, EIO);
    EXPECT_EQ(mm_object_commit(object, &object.err), MM_IOERR);
  }
  EXPECT_EQ(mm_object_refresh(object, &object.err), MM_IOERR);
  EXPECT_NE(strstr(object.err.text, "partly"), nullptr) << object.err.text;
  object.Refresh();
  EXPECT_EQ(object.Seen(), Contents(path));
}

TEST_F(ObjectFaultTest, AFailedRemapLosesNeitherTheTransactionNorTheBytes) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  object.Write(3, "kept");
  Bytes wanted = object.Seen();
  {
    FaultSys sys;
    sys.CountOnly({Call::kMap});
    sys.FailAt(0, ENOMEM, true);
    EXPECT_EQ(mm_object_resize(object, 1 << 20, &object.err), MM_NOMEM);
    EXPECT_EQ(object.Seen(), wanted);
  }
  EXPECT_EQ(object->log.count, 1u);
  object.Commit();
  EXPECT_EQ(Contents(path), wanted);
}

TEST_F(ObjectFaultTest, ARefreshThatFailedIsMadeGoodByTheNext) {
  std::string path = Put("a", old);
  Object object = Open(path, MM_OBJECT_PRIVATE);
  object.Begin();
  object.Write(3, "mine");
  object.Commit();
  Outside(path, 10, Text("theirs"));
  {
    FaultSys sys;
    sys.CountOnly({Call::kMap});
    sys.FailAt(0, ENOMEM);
    EXPECT_EQ(mm_object_refresh(object, &object.err), MM_NOMEM);
    EXPECT_TRUE(mm_object_hit(object));
    // A scan that stands on it may look once more: what it finds is refused, but it is memory.
    EXPECT_EQ(object->data[object->size - 1], Contents(path).back());
  }
  object.Refresh();
  Bytes wanted = Contents(path);
  std::copy_n("mine", 4, wanted.begin() + 3);
  EXPECT_EQ(object.Seen(), wanted);
}

// The n-th allocation fails.
struct Scarce {
  static inline int left = -1; // before it
  static bool Gone() { return left >= 0 && left-- == 0; }
  static void *Allocate(uint64_t size) { return Gone() ? nullptr : malloc(size); }
  static void *Reallocate(void *memory, uint64_t size) {
    return Gone() ? nullptr : realloc(memory, size);
  }
};

TEST_F(ObjectFaultTest, NoMemoryLeavesTheStateBeforeOrAfter) {
  after = After(growth);
  const mm_allocator scarce = {Scarce::Allocate, Scarce::Reallocate, free};
  mm_mem_use(&scarce);
  for (int n = 0, more = 1; more && !HasFailure(); n++) {
    SCOPED_TRACE("allocation " + std::to_string(n));
    std::string path = Put("a", old);
    Object object = Open(path);
    int reached;
    Scarce::left = n;
    int rc = Transaction(
        object,
        [this](Object &o) {
          int result =
              mm_object_write(o, 10, reinterpret_cast<const uint8_t *>("first"), 5, &o.err);
          Bytes data = Pattern(5 * Page(), 3);
          if (result == MM_OK)
            result = mm_object_insert(o, Page(), data.data(), data.size(), &o.err);
          if (result == MM_OK) result = mm_object_resize(o, 20 * Page(), &o.err);
          return result;
        },
        &reached);
    if (rc != MM_OK && reached < 3) (void)mm_object_rollback(object, &object.err);
    more = Scarce::left < 0;
    Scarce::left = -1;
    Check(object, path, rc, reached);
  }
  mm_mem_use(nullptr);
}

TEST_F(ObjectFaultTest, AFullDiskIsMetBeforeTheCommitPoint) {
  std::string path = Put("a", old);
  Object object = Open(path);
  object.Begin();
  object.Insert(old.size(), Pattern(Page()));
  {
    FaultSys sys;
    sys.CountOnly({Call::kReserve});
    sys.FailAt(0, ENOSPC);
    EXPECT_EQ(mm_object_prepare(object, &object.err), MM_FULL);
  }
  object.Rollback();
  EXPECT_EQ(Contents(path), old);
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ObjectFaultTest, RollbackAfterPrepareGivesReservedRoomBack) {
  std::string path = Put("a", old);
  uint64_t before = StatusOf(path).room;
  Object object = Open(path);
  object.Begin();
  object.Insert(old.size(), Bytes(4 << 20, 'x'));
  object.Prepare();
  object.Rollback();
  EXPECT_EQ(StatusOf(path).room, before);
}

TEST_F(ObjectFaultTest, ReservedRoomIsGivenBackThoughTheFileCannotBeLookedAt) {
  std::string path = Put("a", old);
  uint64_t before = StatusOf(path).room;
  Object object = Open(path);
  object.Begin();
  object.Insert(old.size(), Bytes(4 << 20, 'x'));
  object.Prepare();
  {
    FaultSys sys;
    sys.CountOnly({Call::kStatus});
    sys.FailAt(0, EIO);
    EXPECT_EQ(mm_object_unprepare(object, &object.err), MM_IOERR);
  }
  EXPECT_FALSE(HasJournal(path));
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED) << "that could not be told";
  object.Rollback();
  EXPECT_EQ(StatusOf(path).room, before);
}

TEST_F(ObjectFaultTest, OpeningFailsCleanly) {
  std::string path = Put("a", old);
  Crash(path, patches, 1);
  Bytes journal = Contents(path + MM_JOURNAL_SUFFIX), half = Contents(path);
  for (int n = 0;; n++) {
    FaultSys sys;
    sys.FailAt(n, EIO);
    mm_object *object;
    mm_error err;
    int rc = TryOpen(path, MM_OBJECT_FILE, &settings, &object, &err);
    bool fired = sys.Fired();
    mm_object_close(object);
    if (!fired) {
      EXPECT_EQ(rc, MM_OK);
      break;
    }
    sys.NoFault();
    if (!HasJournal(path)) {
      EXPECT_EQ(Contents(path), After(patches));
      Outside(path, 0, half);
      Outside(path + MM_JOURNAL_SUFFIX, 0, journal);
    }
    ASSERT_LT(n, 1000);
  }
}

TEST_F(ObjectFaultTest, MemoryFailsCleanly) {
  for (int n = 0;; n++) {
    FaultSys sys;
    sys.FailAt(n, ENOMEM);
    mm_object *object = nullptr;
    mm_error err;
    int rc = mm_object_open_memory(100000, &settings, &object, &err);
    EXPECT_EQ(rc == MM_OK, object != nullptr);
    EXPECT_TRUE(rc == MM_OK || sys.Fired());
    mm_object_close(object);
    if (!sys.Fired()) break;
    ASSERT_LT(n, 100);
  }
}

} // namespace
