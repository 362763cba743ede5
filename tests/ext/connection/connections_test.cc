// Two connections to one file: they see each other's commits in the next statement, and one writes
// at a time.
#include "tests/support/sql.h"

#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <thread>

namespace mm_test {
namespace {

class Connections : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaaaaaaaa");
    other = std::make_unique<Db>();
    for (Db *connection : {db.get(), other.get()}) {
      connection->Run("SELECT mmap_config('busy_timeout', 20)");
    }
  }
  void TearDown() override {
    other.reset();
    SqlTest::TearDown();
  }
  std::unique_ptr<Db> other;
};

TEST_F(Connections, SeeEachOthersCommitsInTheNextStatement) {
  for (int i = 0; i < 5; i++) {
    Db *writer = i % 2 ? db.get() : other.get(), *reader = i % 2 ? other.get() : db.get();
    std::string text(static_cast<size_t>(10 + i * 2000), static_cast<char>('b' + i));
    writer->Run("BEGIN; SELECT mmap_resize('a', " + std::to_string(text.size()) +
                "), mmap_patch('a', 0, '" + text + "')");
    EXPECT_EQ(reader->Int("SELECT mmap_get('a', 0)"), 'a' + i);
    writer->Run("COMMIT");
    EXPECT_TRUE(reader->Bytes("SELECT mmap_slice('a')") == text) << i;
    EXPECT_EQ(reader->Int("SELECT count(*) FROM mmap('a')"), static_cast<int64_t>(text.size()));
  }
}

TEST_F(Connections, SeeNothingOfARollback) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'xyz')");
  EXPECT_EQ(other->Bytes("SELECT mmap_slice('a')"), "aaaaaaaaaa");
  Run("ROLLBACK");
  EXPECT_EQ(other->Bytes("SELECT mmap_slice('a')"), "aaaaaaaaaa");
}

TEST_F(Connections, TheSecondWriterIsBusy) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  EXPECT_EQ(other->Error("SELECT mmap_patch('a', 0, 'two')").substr(0, 17), "BUSY mmap_patch: ");
  EXPECT_EQ(other->Error("UPDATE mmap SET byte = 0 WHERE file = 'a'").substr(0, 11), "BUSY mmap: ");
  EXPECT_EQ(other->Int("SELECT mmap_get('a', 0)"), 'a'); // reads go on
  Run("COMMIT");
  EXPECT_EQ(other->One("SELECT mmap_patch('a', 0, 'two')"), "3");
  EXPECT_EQ(Get("a"), "twoaaaaaaa");
}

TEST_F(Connections, BusyLeavesTheTransactionAsItWas) {
  Put("b", "bbb");
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  other->Run("BEGIN; SELECT mmap_patch('b', 0, 'B')");
  EXPECT_EQ(other->Error("SELECT mmap_patch('a', 0, 'two')").substr(0, 4), "BUSY");
  other->Run("SELECT mmap_patch('b', 1, 'B'); COMMIT");
  EXPECT_EQ(Get("b"), "BBb");
  Run("ROLLBACK");
  other->Run("SELECT mmap_patch('a', 0, 'two')");
  EXPECT_EQ(Get("a"), "twoaaaaaaa");
}

TEST_F(Connections, AfterBusyTheOtherBytesAreSeen) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  other->Run("BEGIN");
  EXPECT_EQ(other->Error("SELECT mmap_insert('a', 0, 'two')").substr(0, 4), "BUSY");
  Run("COMMIT");
  other->Run("SELECT mmap_insert('a', 0, 'two'); COMMIT");
  EXPECT_EQ(Get("a"), "twooneaaaaaaa");
}

TEST_F(Connections, WritersOfDifferentFilesDoNotMeet) {
  Put("b", "bbb");
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  other->Run("BEGIN; SELECT mmap_patch('b', 0, 'two')");
  Run("COMMIT");
  other->Run("COMMIT");
  EXPECT_EQ(Get("a") + Get("b"), "oneaaaaaaatwo");
}

TEST_F(Connections, AClosedConnectionIsNoWriter) {
  other->Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  other.reset();
  Run("SELECT mmap_patch('a', 0, 'two')");
  EXPECT_EQ(Get("a"), "twoaaaaaaa");
}

TEST_F(Connections, ACopyAndAReaderAreNeverBusy) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  other->Run("SELECT mmap_open('a', 'copy'); SELECT mmap_patch(1, 5, 'mine')");
  EXPECT_EQ(other->Bytes("SELECT mmap_slice(1)"), "aaaaaminea");
  Run("COMMIT");
  EXPECT_EQ(other->Bytes("SELECT mmap_slice(1)"), "oneaaminea");
}

TEST_F(Connections, AnotherProcessIsBusyToo) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sqlite3 shell cannot load a library with a sanitizer";
#endif
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  // The shell runs with its own SQLite, whatever this process has been given.
  std::string command = "env -u LD_LIBRARY_PATH sqlite3 :memory: -cmd '.load " + Library() +
                        "' \"SELECT mmap_config('busy_timeout', 10)\""
                        " \"SELECT mmap_patch('a', 0, 'two')\" 2>&1";
  FILE *pipe = popen(command.c_str(), "r");
  char buffer[4096];
  size_t n = fread(buffer, 1, sizeof buffer, pipe);
  std::string output(buffer, n);
  int status = pclose(pipe);
  if (WEXITSTATUS(status) == 127) GTEST_SKIP() << "no sqlite3 shell";
  EXPECT_NE(output.find("mmap_patch: "), std::string::npos) << output;
  EXPECT_NE(status, 0);
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "oneaaaaaaa");
}

// An empty file, and one that begins as a database does, could be the host's own; but another
// connection of this library is not.
TEST_F(Connections, ShareAFileThatLooksLikeADatabase) {
  Run("SELECT mmap_open('empty', 'create')");
  EXPECT_EQ(other->Error("SELECT mmap_length('empty')"), "ok");
  Run("SELECT mmap_insert('empty', 0, 'SQLite format 3' || char(0))");
  EXPECT_EQ(other->Error("SELECT mmap_length('empty')"), "ok");
}

// Does another process find the database x.db locked?
bool IsLockedForOthers() {
  fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    execlp("sqlite3", "sqlite3", "x.db", "INSERT INTO t VALUES(1)", nullptr);
    _exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  return WEXITSTATUS(status) != 0;
}

// A file that was mapped first, and opened as a database since: to write it, or to close it, would
// drop the locks that SQLite has on it.
TEST_F(Connections, LeaveAFileAloneThatBecameADatabase) {
  sqlite3 *database = nullptr;
  ASSERT_EQ(sqlite3_open("x.db", &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "CREATE TABLE t(a)", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  Run("SELECT mmap_open('x.db')");
  ASSERT_EQ(sqlite3_open("x.db", &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  const std::string refused = "'x.db' is open as a database";
  for (const char *sql : {"SELECT mmap_size('x.db')", "SELECT mmap_patch('x.db', 100, '')",
                          "SELECT mmap_open('x.db', 'write')"}) {
    std::string error = Error(sql);
    EXPECT_NE(error.find(refused), std::string::npos) << sql << ": " << error;
  }
  db->Close();
  db = std::make_unique<Db>();
  EXPECT_TRUE(IsLockedForOthers());
  sqlite3_close(database);
}

// The same where it became one during a transaction: nothing is written into it, and the descriptor to
// write by stays open, too, whatever ends the transaction.
TEST_F(Connections, EndATransactionOnAFileThatBecameADatabase) {
  for (const char *data : {"", "written"}) {
    for (const char *ending : {"COMMIT", "ROLLBACK", "close"}) {
      remove("x.db");
      Db().Run("ATTACH 'x.db' AS x; CREATE TABLE x.t(a)");
      std::string before = Get("x.db");
      Run("BEGIN; SELECT mmap_patch('x.db', 100, " + Quote(data) + ")");
      Db host(":memory:", nullptr, false);
      host.Run("ATTACH 'x.db' AS x; BEGIN EXCLUSIVE; INSERT INTO x.t VALUES(1)");
      if (std::string(ending) == "COMMIT" && *data) {
        EXPECT_EQ(Error("COMMIT"),
                  "BUSY_SNAPSHOT mmap: 'x.db' was opened as a database during this transaction");
      } else if (std::string(ending) != "close") {
        Run(ending);
      }
      EXPECT_TRUE(IsLockedForOthers()) << data << ending;
      db = std::make_unique<Db>();
      EXPECT_TRUE(IsLockedForOthers()) << data << ending;
      EXPECT_EQ(Get("x.db"), before);
      host.Run("COMMIT");
      EXPECT_FALSE(IsLockedForOthers()) << data << ending;
    }
  }
}

// An empty file may become one, too.
TEST_F(Connections, EndATransactionOnAnEmptyFileThatBecameADatabase) {
  Put("x.db", "");
  Run("BEGIN; SELECT mmap_patch('x.db', 0, '')");
  Db host(":memory:", nullptr, false);
  host.Run("ATTACH 'x.db' AS x; BEGIN IMMEDIATE; CREATE TABLE x.t(a)");
  Run("COMMIT");
  EXPECT_TRUE(IsLockedForOthers());
  host.Run("COMMIT");
}

// Rows that are deleted and not closed up stay where they are, so nothing may be inserted before
// them.
TEST_F(Connections, InsertNothingBesideDeletedRows) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', delete=yes)");
  Run("BEGIN; DELETE FROM t WHERE rowid = 0");
  EXPECT_NE(Error("SELECT mmap_insert('a', 0, 'z')").find("rows of 'a' were deleted"),
            std::string::npos);
  EXPECT_EQ(One("SELECT count(*) FROM mmap('a')"), "10");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaa");
}

// A forked child refuses what it inherited, and its end changes nothing.
TEST_F(Connections, AForkedChildUsesNothingOfItsParents) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'one')");
  fflush(nullptr);
  pid_t child = fork();
  if (child == 0) {
    bool refused = db->Error("SELECT mmap_patch('a', 0, 'two')") != "ok" &&
                   db->Error("SELECT mmap_get('a', 0)") != "ok";
    (void)db->Error("COMMIT");
    _exit(refused ? 0 : 1);
  }
  int status = -1;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(other->Error("SELECT mmap_patch('a', 0, 'xxx')").substr(0, 4), "BUSY");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "oneaaaaaaa");
}

// A writer that commits without a pause has a journal there nearly always; a reader comes in
// between.
TEST_F(Connections, ABusyWriterDoesNotStarveAReader) {
  if (harness) GTEST_SKIP() << "faults are for one thread";
  other->Run("SELECT mmap_config('synchronous', 'normal'), mmap_config('busy_timeout', 5000)");
  Run("SELECT mmap_config('busy_timeout', 5000)");
  Db reading(":memory:", "sqlite3_mmap_readonly_init");
  reading.Run("SELECT mmap_config('busy_timeout', 5000)");
  std::atomic<bool> stop{false};
  std::atomic<int> commits{0};
  std::thread writer([&] {
    for (; !stop; commits++) other->Run("SELECT mmap_patch('a', 0, 'xxxxx')");
  });
  for (int i = 0; i < 300; i++) {
    ASSERT_EQ(One("SELECT mmap_length('a')"), "10") << i;
    ASSERT_EQ(reading.One("SELECT mmap_length('a')"), "10") << i;
  }
  int before = commits;
  while (commits < before + 3) std::this_thread::yield();
  stop = true;
  writer.join();
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), "xxxxxaaaaa");
}

} // namespace
} // namespace mm_test
