// Reading at one commit: others' commits wait for it, our own do not.
#include "tests/support/fault_sys.h"
#include "tests/support/object_file.h"

extern "C" {
#include "core/file/reading.h"
#include "core/file/share.h"
#include "core/file/together.h"
}

#include <atomic>
#include <thread>

namespace {

using namespace mm_test;

class ReadingTest : public FileTest {
protected:
  static int Read(Object &object, bool started = false) {
    return mm_object_read_at_commit(object, started, &object.err);
  }
  static void WriteOne(Object &object, const std::string &text) {
    object.Begin();
    object.Write(0, text);
  }
  // A process that dies when all that a commit needs is in the journal.
  void DieCommitting(const std::string &path, const std::string &text) {
    DiePrepared(path, settings, [&](Object &object) { WriteOne(object, text); });
  }
};

TEST_F(ReadingTest, MakesAnothersCommitWait) {
  std::string path = Put("f", Text("old"));
  Object reader = Open(path), writer = Open(path);
  ASSERT_EQ(Read(reader), MM_OK);
  WriteOne(writer, "new");
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_BUSY);
  EXPECT_EQ(writer.err.text, "'" + path + "' is being read by another connection or process");
  EXPECT_FALSE(HasJournal(path));
  EXPECT_EQ(reader.Seen(), Text("old"));
  mm_object_read_done(reader);
  writer.Prepare();
  writer.Commit();
  EXPECT_EQ(Contents(path), Text("new"));
}

TEST_F(ReadingTest, LetsOthersWriteUntilTheyCommit) {
  std::string path = Put("f", Text("old"));
  Object reader = Open(path), writer = Open(path);
  ASSERT_EQ(Read(reader), MM_OK);
  WriteOne(writer, "new");
  writer.Rollback();
  WriteOne(writer, "old");
  writer.RollbackTo(0);
  writer.Prepare(); // there is nothing to write
  writer.Commit();
}

TEST_F(ReadingTest, WaitsForACommit) {
  std::string path = Put("f", Text("old"));
  Object reader = Open(path), writer = Open(path);
  WriteOne(writer, "new");
  writer.Prepare();
  EXPECT_EQ(Read(reader), MM_BUSY);
  EXPECT_EQ(reader.err.text, "'" + path + "' is being committed by another connection or process");
  settings.busy_timeout = 60000;
  std::thread commits([&] {
    usleep(20000);
    writer.Commit();
  });
  EXPECT_EQ(Read(reader), MM_OK);
  EXPECT_EQ(reader.Seen(), Text("new"));
  commits.join();
}

TEST_F(ReadingTest, ComesAgainWhenACommitIsPutOff) {
  std::string path = Put("f", Text("old"));
  Object reader = Open(path), writer = Open(path);
  WriteOne(writer, "new");
  writer.Prepare();
  writer.Unprepare();
  EXPECT_EQ(Read(reader), MM_OK);
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_BUSY);
  mm_object_read_done(reader);
  writer.Prepare();
  writer.Commit();
}

TEST_F(ReadingTest, IsNotInTheWayOfOnesOwnCommitAndGoesOn) {
  std::string path = Put("f", Text("old"));
  Object both = Open(path), other = Open(path);
  ASSERT_EQ(Read(both), MM_OK);
  for (const char *text : {"one", "two"}) {
    WriteOne(both, text);
    both.Prepare();
    both.Commit();
    EXPECT_EQ(both.Seen(), Text(text));
    WriteOne(other, "xyz");
    EXPECT_EQ(mm_object_prepare(other, &other.err), MM_BUSY);
    other.Rollback();
  }
  mm_object_read_done(both);
  WriteOne(other, "xyz");
  other.Commit();
}

TEST_F(ReadingTest, OfTheWriterGoesOnWhenItRollsBack) {
  std::string path = Put("f", Text("old"));
  Object both = Open(path), other = Open(path);
  WriteOne(both, "new");
  ASSERT_EQ(Read(both), MM_OK);
  EXPECT_FALSE(both->shares) << "it needs no lock yet";
  both.Rollback();
  EXPECT_TRUE(both->shares);
  WriteOne(other, "xyz");
  EXPECT_EQ(mm_object_prepare(other, &other.err), MM_BUSY);
}

TEST_F(ReadingTest, OfTheWriterGoesOnWhenItCannotCommit) {
  std::string path = Put("f", Text("old"));
  Object both = Open(path), reader = Open(path), other = Open(path);
  ASSERT_EQ(Read(both), MM_OK);
  ASSERT_EQ(Read(reader), MM_OK);
  WriteOne(both, "new");
  EXPECT_EQ(mm_object_prepare(both, &both.err), MM_BUSY);
  both.Rollback();
  mm_object_read_done(reader);
  WriteOne(other, "xyz");
  EXPECT_EQ(mm_object_prepare(other, &other.err), MM_BUSY) << "of the first alone";
  mm_object_read_done(both);
  other.Commit();
}

TEST_F(ReadingTest, EndsWithTheObject) {
  std::string path = Put("f", Text("old"));
  Object reader = Open(path), writer = Open(path);
  ASSERT_EQ(Read(reader), MM_OK);
  reader.Close();
  WriteOne(writer, "new");
  writer.Prepare();
  writer.Commit();
}

TEST_F(ReadingTest, ACopyReadsTheFile) {
  std::string path = Put("f", Text("old"));
  Object copy = Open(path, MM_OBJECT_PRIVATE), writer = Open(path);
  ASSERT_EQ(Read(copy), MM_OK);
  WriteOne(copy, "own");
  copy.Prepare();
  copy.Commit();
  WriteOne(writer, "new");
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_BUSY);
  mm_object_read_done(copy);
  writer.Prepare();
  writer.Commit();
}

// A copy of the same connection lends its share, and has it back before anybody else can commit; where it
// cannot, it tells nothing more.
TEST_F(ReadingTest, ACopyIsNotInTheWayOfItsConnectionsCommitAndGoesOn) {
  std::string path = Put("f", Text("old"));
  Object copy = Open(path, MM_OBJECT_PRIVATE), writer = Open(path), other = Open(path);
  mm_object *all[] = {writer};
  ASSERT_EQ(Read(copy), MM_OK);
  for (bool refused : {false, true}) {
    WriteOne(writer, "new");
    mm_object_lend(copy, all, 1);
    writer.Prepare();
    FaultSys sys;
    sys.CountOnly({Call::kLock});
    if (refused) sys.FailAt(0, EIO, true);
    writer.Commit();
    sys.NoFault();
    EXPECT_EQ(mm_object_faulted(copy, &copy.err), refused ? MM_IOERR : MM_OK);
    WriteOne(other, "xyz");
    EXPECT_EQ(mm_object_prepare(other, &other.err), refused ? MM_OK : MM_BUSY);
    other.Rollback();
  }
}

TEST_F(ReadingTest, MemoryNeedsNoLock) {
  Object memory = OpenMemory(10);
  ASSERT_EQ(Read(memory), MM_OK);
  EXPECT_FALSE(memory->shares);
  WriteOne(memory, "new");
  memory.Prepare();
  memory.Commit();
  EXPECT_FALSE(memory->shares);
  mm_object_read_done(memory);
}

// Its one descriptor reads and writes.
TEST_F(ReadingTest, ATagIsAFileLikeAnyOther) {
  std::string tag = "reading-" + std::to_string(getpid());
  mm_object *opened[2] = {};
  mm_error err;
  for (mm_object *&object : opened) {
    ASSERT_EQ(mm_object_open_tag(tag.c_str(), 3, &settings, &object, &err), MM_OK) << err.text;
  }
  Object both(opened[0]), other(opened[1]);
  ASSERT_EQ(Read(both), MM_OK);
  for (int i = 0; i < 2; i++) {
    WriteOne(both, "new");
    both.Prepare();
    both.Commit();
    WriteOne(other, "xyz");
    EXPECT_EQ(mm_object_prepare(other, &other.err), MM_BUSY);
    other.Rollback();
  }
  mm_object_read_done(both);
  WriteOne(other, "xyz");
  other.Prepare();
  other.Commit();
  ASSERT_EQ(Read(both), MM_OK);
  EXPECT_EQ(both.Seen(), Text("xyz"));
}

// ---------------------------------------------------------------------------- crashes

TEST_F(ReadingTest, RecoversFirst) {
  std::string path = Put("f", Text("old"));
  Object one = Open(path), two = Open(path);
  DieCommitting(path, "new");
  EXPECT_EQ(Read(one), MM_OK);
  EXPECT_EQ(Read(two), MM_OK);
  EXPECT_EQ(one.Seen(), Text("new"));
  EXPECT_EQ(two.Seen(), Text("new"));
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(ReadingTest, ShowsAJournalThatItMayNotReplay) {
  std::string path = Put("f", Text("old"));
  mm_settings only = Settings();
  only.read_only = true;
  Object reader = Open(path, MM_OBJECT_FILE, only);
  DieCommitting(path, "new");
  EXPECT_EQ(Read(reader), MM_OK);
  EXPECT_EQ(reader.Seen(), Text("new"));
  EXPECT_TRUE(HasJournal(path));
  Object writer = Open(path); // replays it
  EXPECT_FALSE(HasJournal(path));
  WriteOne(writer, "xyz");
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_BUSY);
  EXPECT_EQ(Read(reader), MM_OK);
  EXPECT_EQ(reader.Seen(), Text("new"));
  mm_object_read_done(reader);
  writer.Commit();
}

TEST_F(ReadingTest, EndsWithTheProcess) {
  std::string path = Put("f", Text("old"));
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    Object reader = Open(path);
    char ok = Read(reader) == MM_OK;
    if (write(ready[1], &ok, 1) == 1) pause();
    _exit(1);
  }
  char ok = 0;
  ASSERT_EQ(read(ready[0], &ok, 1), 1);
  Object writer = Open(path);
  WriteOne(writer, "new");
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_BUSY);
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  writer.Prepare();
  writer.Commit();
  close(ready[0]);
  close(ready[1]);
}

TEST_F(ReadingTest, IsNotAChildsToEnd) {
  std::string path = Put("f", Text("old"));
  Object reader = Open(path), writer = Open(path);
  ASSERT_EQ(Read(reader), MM_OK);
  EXPECT_EQ(InChild([&] {
              mm_object_read_done(reader);
              return Read(reader) == MM_ERROR ? 0 : 1;
            }),
            0);
  WriteOne(writer, "new");
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_BUSY);
}

// ---------------------------------------------------------------------------- several files

TEST_F(ReadingTest, OneWhoHasStartedIsWaitedForNotWaiting) {
  std::string a = Put("a", Text("old")), b = Put("b", Text("old"));
  Object read_a = Open(a), read_b = Open(b), late = Open(b), write_a = Open(a), write_b = Open(b);
  mm_settings patient = Settings();
  patient.busy_timeout = 60000;
  ASSERT_EQ(Read(read_a), MM_OK);
  WriteOne(write_a, "new");
  WriteOne(write_b, "new");
  write_a->settings = write_b->settings = &patient;
  std::thread commits([&] {
    mm_object *both[] = {write_b, write_a};
    EXPECT_EQ(mm_objects_keep_out(both, 2, &write_a.err), MM_OK);
    write_b.Prepare();
    write_a.Prepare();
    write_b.Commit();
    write_a.Commit();
  });
  while (!mm_object_awaited(read_a)) usleep(100);
  usleep(3000);
  EXPECT_EQ(Read(late), MM_BUSY);
  read_b->settings = &patient;
  EXPECT_EQ(Read(read_b, true), MM_OK);
  EXPECT_EQ(read_a.Seen(), Text("old"));
  EXPECT_EQ(read_b.Seen(), Text("old"));
  mm_object_read_done(read_a);
  mm_object_read_done(read_b);
  commits.join();
  EXPECT_EQ(Read(late), MM_OK);
  EXPECT_EQ(late.Seen(), Text("new"));
}

TEST_F(ReadingTest, WhenOneIsReadNoneIsHeldAfterwards) {
  std::string a = Put("a", Text("old")), b = Put("b", Text("old"));
  Object read_b = Open(b), write_a = Open(a), write_b = Open(b), late = Open(a);
  ASSERT_EQ(Read(read_b), MM_OK);
  WriteOne(write_a, "new");
  WriteOne(write_b, "new");
  mm_object *both[] = {write_a, write_b};
  EXPECT_EQ(mm_objects_keep_out(both, 2, &write_a.err), MM_BUSY);
  EXPECT_EQ(write_a.err.text, "'" + b + "' is being read by another connection or process");
  EXPECT_EQ(Read(late), MM_OK);
}

int files_made;
int CountingOpen(int directory, const char *path, int flags, uint32_t mode) {
  files_made += (flags & MM_OPEN_CREATE) != 0;
  return mm_sys_default()->open(directory, path, flags, mode);
}

TEST_F(ReadingTest, NoFileHasAJournalBeforeAllAreHadAlone) {
  std::string a = Put("a", Text("old")), b = Put("b", Text("old"));
  Object read_b = Open(b), write_a = Open(a), write_b = Open(b), late = Open(a);
  ASSERT_EQ(Read(read_b), MM_OK);
  WriteOne(write_a, "new");
  WriteOne(write_b, "new");
  mm_object *both[] = {write_a, write_b};
  files_made = 0;
  mm_os.open = CountingOpen;
  EXPECT_EQ(mm_objects_prepare(both, 2, &write_a.err), MM_BUSY);
  mm_os.open = mm_sys_default()->open;
  EXPECT_EQ(files_made, 0);
  EXPECT_EQ(Read(late), MM_OK) << "and none is kept";
  mm_object_read_done(late);
  mm_object_read_done(read_b);
  EXPECT_EQ(mm_objects_prepare(both, 2, &write_a.err), MM_OK) << write_a.err.text;
  EXPECT_EQ(Read(read_b), MM_BUSY);
  EXPECT_EQ(mm_objects_unprepare(both, 2, &write_a.err), MM_OK) << write_a.err.text;
  EXPECT_EQ(Read(read_b), MM_OK);
  mm_object_read_done(read_b);
  EXPECT_EQ(mm_objects_prepare(both, 2, &write_a.err), MM_OK) << write_a.err.text;
  EXPECT_EQ(mm_objects_commit(both, 2, &write_a.err), MM_OK) << write_a.err.text;
  EXPECT_EQ(Read(read_b), MM_OK);
  EXPECT_EQ(read_b.Seen(), Text("new"));
}

// ---------------------------------------------------------------------------- giving up

mm_object *watched;
int WaitNoMore(void *) {
  return watched && mm_object_awaited(watched) ? MM_BUSY : MM_OK;
}
int Interrupt(void *) {
  return MM_INTERRUPT;
}

// Without it both would wait for each other until the time is over.
TEST_F(ReadingTest, WhoReadsAndIsWaitedForDoesNotWaitToWrite) {
  std::string path = Put("f", Text("old"));
  mm_settings patient = Settings();
  patient.busy_timeout = 60000;
  mm_settings watchful = patient;
  watchful.lock_watch = WaitNoMore;
  Object one = Open(path), two = Open(path);
  ASSERT_EQ(Read(one), MM_OK);
  ASSERT_EQ(Read(two), MM_OK);
  WriteOne(one, "one");
  one->settings = &patient;
  two->settings = &watchful;
  std::thread commits([&] { one.Commit(); });
  watched = two;
  EXPECT_EQ(mm_object_begin(two, &two.err), MM_BUSY);
  watched = nullptr;
  mm_object_read_done(two);
  commits.join();
  EXPECT_EQ(Contents(path), Text("one"));
}

TEST_F(ReadingTest, IsInterrupted) {
  std::string path = Put("f", Text("old"));
  settings.busy_timeout = 60000;
  settings.watch = Interrupt;
  Object reader = Open(path), writer = Open(path);
  ASSERT_EQ(Read(reader), MM_OK);
  WriteOne(writer, "new");
  EXPECT_EQ(mm_object_prepare(writer, &writer.err), MM_INTERRUPT);
  mm_object_read_done(reader);
  settings.watch = nullptr;
  writer.Prepare();
  settings.watch = Interrupt;
  EXPECT_EQ(Read(reader), MM_INTERRUPT);
}

} // namespace
