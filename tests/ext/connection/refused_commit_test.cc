// SQLite calls xSync, and then finds that it cannot commit, as another connection reads the database:
// the transaction stays open, with journals that a crash would replay.
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

// SQLite calls xSync, then finds its database locked; COMMIT may be tried again, after more writes.
class RefusedCommit : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaaaaaaaa");
    Put("b", "bbbbbbbbbb");
    file = std::make_unique<Db>("t.db");
    other = std::make_unique<Db>("t.db", nullptr, false);
    file->Run(
        "CREATE TABLE t(n); INSERT INTO t VALUES(1);"
        "CREATE VIRTUAL TABLE temp.v USING mmap('a'); CREATE VIRTUAL TABLE temp.w USING mmap('b')");
  }
  // Begins with a write of everything, and comes to a COMMIT that is refused.
  void RefuseCommit(const std::string &writes) {
    file->Run("BEGIN; INSERT INTO t VALUES(2);" + writes);
    other->Run("BEGIN; SELECT * FROM t");
    EXPECT_EQ(file->Error("COMMIT"), "BUSY database is locked");
    EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  }
  void TearDown() override {
    other.reset();
    file.reset();
    SqlTest::TearDown();
  }
  // What is in the file after this process had been killed: `child` runs in a copy of it.
  static std::string Killed(const std::string &name, const std::function<void()> &child) {
    pid_t pid = fork();
    if (pid == 0) {
      child();
      (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
    return Db().Bytes("SELECT mmap_slice('" + name + "')");
  }
  // Another program's doing.
  static void Overwrite(const std::string &name, const std::string &bytes, int flags) {
    int fd = open(name.c_str(), O_WRONLY | flags);
    ASSERT_GE(fd, 0);
    EXPECT_EQ(write(fd, bytes.data(), bytes.size()), (ssize_t)bytes.size());
    close(fd);
  }
  // A COMMIT that is tried again after another program did this to 'a' is refused.
  void LookAnewAfter(const std::function<void()> &outsider);
  // What a crash would replay: an emptied journal is none.
  static bool HasFullJournal(const std::string &name) {
    std::error_code none;
    auto size = std::filesystem::file_size(name + "-mmap-journal", none);
    return !none && size > 0;
  }
  std::unique_ptr<Db> file, other;
};

TEST_F(RefusedCommit, CanBeTriedAgain) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one')");
  EXPECT_EQ(file->Error("COMMIT"), "BUSY database is locked");
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("a"), "oneaaaaaaa");
  EXPECT_EQ(file->One("SELECT count(*) FROM t"), "2");
  EXPECT_FALSE(HasJournal("a"));
}

TEST_F(RefusedCommit, CanBeRolledBack) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one')");
  file->Run("ROLLBACK");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_FALSE(HasJournal("a"));
  EXPECT_EQ(file->Bytes("SELECT mmap_slice('a')"), "aaaaaaaaaa");
}

TEST_F(RefusedCommit, TakesMoreWritesByFunction) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one')");
  file->Run("SELECT mmap_patch('a', 1, 'two'); SELECT mmap_insert('b', 0, 'more')");
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("a"), "otwoaaaaaa");
  EXPECT_EQ(Get("b"), "morebbbbbbbbbb");
}

TEST_F(RefusedCommit, TakesMoreWritesByTable) {
  RefuseCommit("INSERT INTO v(byte) VALUES(65); UPDATE w SET byte = 66 WHERE offset = 0");
  file->Run("INSERT INTO v(byte) VALUES(67); UPDATE w SET byte = 68 WHERE offset = 1;"
            "INSERT INTO v(byte) VALUES(69)");
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaaACE");
  EXPECT_EQ(Get("b"), "BDbbbbbbbb");
}

TEST_F(RefusedCommit, TakesRollbackTo) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one'); SAVEPOINT s; SELECT mmap_patch('a', 3, 'two')");
  file->Run("ROLLBACK TO s");
  EXPECT_EQ(file->Bytes("SELECT mmap_slice('a')"), "oneaaaaaaa");
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("a"), "oneaaaaaaa");
}

TEST_F(RefusedCommit, TakesARollbackToTheVeryBeginning) {
  RefuseCommit("SAVEPOINT s; SELECT mmap_patch('a', 3, 'two'); INSERT INTO v(byte) VALUES(65)");
  file->Run("ROLLBACK TO s");
  EXPECT_EQ(file->Bytes("SELECT mmap_slice('a')"), "aaaaaaaaaa");
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_FALSE(HasJournal("a"));
}

// ---- a crash

// A process of its own: it comes to a COMMIT that is refused, goes on by `then`, and is killed.
static void CommitRefusedAndGoOn(const std::string &writes, const std::string &then) {
  Db db("k.db"), reader("k.db", nullptr, false);
  db.Run("BEGIN; INSERT INTO t VALUES(2);" + writes);
  reader.Run("BEGIN; SELECT * FROM t");
  if (db.Error("COMMIT") != "BUSY database is locked") _exit(1);
  db.Run(then);
  (void)kill(getpid(), SIGKILL);
}

TEST_F(RefusedCommit, LeavesNothingToReplayOnceTheTransactionGoesOn) {
  Db("k.db").Run("CREATE TABLE t(n)");
  const char *writes = "SAVEPOINT s; SELECT mmap_patch('a', 0, 'NEW'); SAVEPOINT inner";
  for (const char *then :
       {"ROLLBACK TO s", "SELECT mmap_patch('a', 5, 'MORE')", "SELECT mmap_patch('b', 5, 'MORE')",
        "SAVEPOINT u", "RELEASE inner", "ROLLBACK TO inner", "RELEASE s",
        "UPDATE mmap SET byte = 1 WHERE file = 'b'", "SELECT mmap_resize('a', 3)",
        "CREATE VIRTUAL TABLE temp.v USING mmap('b'); INSERT INTO v(byte) VALUES(1)"}) {
    EXPECT_EQ(Killed("a", [&] { CommitRefusedAndGoOn(writes, then); }), "aaaaaaaaaa") << then;
    EXPECT_EQ(Get("b"), "bbbbbbbbbb") << then;
  }
}

// All of it, never a part: COMMIT had been asked for.
TEST_F(RefusedCommit, MayBeReplayedWhole) {
  Db("k.db").Run("CREATE TABLE t(n)");
  const char *writes = "SELECT mmap_patch('a', 0, 'NEW'), mmap_patch('a', 7, 'END')";
  EXPECT_EQ(Killed("a", [&] { CommitRefusedAndGoOn(writes, "SELECT 1"); }), "NEWaaaaEND");
}

TEST_F(RefusedCommit, InvalidatesTheJournalsOfAllFiles) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one'); SELECT mmap_patch('b', 0, 'one')");
  EXPECT_TRUE(HasFullJournal("a") && HasFullJournal("b"));
  file->Run("SELECT mmap_patch('b', 3, 'two')");
  EXPECT_FALSE(HasFullJournal("a") || HasFullJournal("b"));
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("a") + Get("b"), "oneaaaaaaaonetwobbbb");
}

TEST_F(RefusedCommit, KeepsItsJournalWhileItIsOnlyRead) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one')");
  EXPECT_EQ(file->Bytes("SELECT mmap_slice('a')"), "oneaaaaaaa");
  EXPECT_TRUE(HasJournal("a"));
}

// It has the file as others see it, and would wait for its own connection as they do.
TEST_F(RefusedCommit, GoesOnWhereACopyIsReadWrittenOrOpened) {
  file->Run("SELECT mmap_config('busy_timeout', 0), mmap_open('a', 'copy');"
            "CREATE VIRTUAL TABLE temp.c USING mmap('a', access=copy, x u8)");
  for (const char *isolation : {"none", "statement", "transaction"}) {
    for (const char *sql :
         {"SELECT mmap_get(1, 0) = 97", "SELECT mmap_patch(1, 0, 'a')",
          "SELECT mmap_get(mmap_open('a', 'copy'), 0) = 97", "SELECT max(x) = 97 FROM c"}) {
      file->Run("SELECT mmap_config('isolation', '" + std::string(isolation) + "')");
      RefuseCommit("SELECT mmap_patch('a', 0, 'one'), mmap_patch('b', 0, 'two')");
      EXPECT_EQ(file->One(sql), "1") << isolation << " " << sql;
      EXPECT_FALSE(HasFullJournal("a"));
      other->Run("COMMIT");
      file->Run("COMMIT");
      EXPECT_EQ(Get("a") + Get("b"), "oneaaaaaaatwobbbbbbb");
      file->Run("SELECT mmap_patch('a', 0, 'aaa')");
    }
  }
}

// ---- other programs

// With and without journals, in both kinds of transaction.
void RefusedCommit::LookAnewAfter(const std::function<void()> &outsider) {
  for (const char *synchronous : {"full", "normal", "off"}) {
    for (const char *begin : {"BEGIN", "SAVEPOINT whole"}) {
      SCOPED_TRACE(std::string(synchronous) + " " + begin);
      Put("a", "aaaaaaaaaa");
      Put("b", "bbbbbbbbbb");
      bool savepoint = begin[0] == 'S';
      std::string commit = savepoint ? "RELEASE whole" : "COMMIT";
      file->Run("SELECT mmap_config('synchronous', '" + std::string(synchronous) + "')");
      file->Run(begin);
      file->Run("INSERT INTO t VALUES(9); SELECT mmap_patch('b', 0, 'own');"
                "SELECT mmap_patch('a', 0, 'own')");
      other->Run("BEGIN; SELECT * FROM t");
      EXPECT_EQ(file->Error(commit), "BUSY database is locked");
      other->Run("COMMIT");
      usleep(20000); // the kernel's clock, by which a change shows, ticks
      outsider();
      std::string theirs = Get("a");
      EXPECT_EQ(file->Error(commit).substr(0, 13), "BUSY_SNAPSHOT");
      EXPECT_EQ(Get("a"), theirs);
      EXPECT_EQ(Get("b"), "bbbbbbbbbb");
      EXPECT_EQ(file->One("SELECT count(*) FROM t WHERE n = 9"), "0");
      EXPECT_FALSE(HasJournal("a") || HasJournal("b"));
      // SQLite leaves a transaction that a savepoint has begun open, with nothing in it.
      EXPECT_EQ(file->Succeeds("ROLLBACK"), savepoint);
    }
  }
}

TEST_F(RefusedCommit, LooksAnewAtAFileThatWasWritten) {
  LookAnewAfter([] { Overwrite("a", "theirs", 0); });
}

TEST_F(RefusedCommit, LooksAnewAtAFileThatHasGrown) {
  LookAnewAfter([] { Overwrite("a", "more", O_APPEND); });
  LookAnewAfter([] { EXPECT_EQ(truncate("a", 40), 0); });
}

TEST_F(RefusedCommit, LooksAnewAtAFileThatWasCut) {
  LookAnewAfter([] { EXPECT_EQ(truncate("a", 4), 0); });
}

TEST_F(RefusedCommit, LooksAnewAtAFileThatWasReplacedOrRemoved) {
  LookAnewAfter([] {
    Put("new", "another");
    std::filesystem::rename("new", "a");
  });
  LookAnewAfter([] { std::filesystem::remove("a"); });
}

TEST_F(RefusedCommit, SeesWhatOthersDidBeforeTheTransactionWentOn) {
  RefuseCommit("SELECT mmap_patch('a', 8, 'xx'); SELECT mmap_resize('a', 40)");
  usleep(20000);
  Overwrite("a", "theirs", 0);
  EXPECT_TRUE(file->Succeeds("SAVEPOINT s"));
  other->Run("COMMIT");
  EXPECT_EQ(file->Error("COMMIT").substr(0, 13), "BUSY_SNAPSHOT");
  EXPECT_EQ(Get("a"), "theirsaaaa");
}

// What cannot be removed for now: a directory is in its place.
TEST_F(RefusedCommit, AJournalThatStayedIsInNobodysWayOnceItsFileIsReplaced) {
  RefuseCommit("SELECT mmap_patch('a', 0, 'one')");
  std::filesystem::rename("a-mmap-journal", "kept");
  std::filesystem::create_directory("a-mmap-journal");
  file->Run("ROLLBACK");
  Put("new", "another");
  std::filesystem::rename("new", "a");
  std::filesystem::remove("a-mmap-journal");
  std::filesystem::rename("kept", "a-mmap-journal");
  EXPECT_EQ(file->Bytes("SELECT mmap_slice('a')"), "another");
  EXPECT_FALSE(HasJournal("a"));
}

// ---- deletes

TEST_F(RefusedCommit, TakesBackTheClosingUpOfDeletes) {
  file->Run("CREATE VIRTUAL TABLE temp.r USING mmap('b', delete=yes, n text(2))");
  file->Run("UPDATE r SET n = rowid");
  RefuseCommit("DELETE FROM r WHERE rowid = 1; INSERT INTO r(n) VALUES('+')");
  EXPECT_EQ(file->Rows("SELECT group_concat(n) FROM r"), "0,2,3,4,+");
  file->Run("DELETE FROM r WHERE rowid = 2; SAVEPOINT s; DELETE FROM r WHERE rowid = 0");
  EXPECT_EQ(file->Error("COMMIT"), "BUSY database is locked");
  file->Run("ROLLBACK TO s");
  EXPECT_EQ(file->Rows("SELECT group_concat(n) FROM r"), "0,3,4,+");
  EXPECT_FALSE(HasFullJournal("b"));
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Get("b"), std::string("0\0"
                                  "3\0"
                                  "4\0"
                                  "+\0",
                                  8));
}

} // namespace
} // namespace mm_test
