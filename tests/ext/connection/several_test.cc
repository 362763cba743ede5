// Several files in one transaction, by SQL: all of them change, or none, whatever has written them,
// however far COMMIT came, and whoever is killed in between.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

class Several : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    std::filesystem::create_directory("d");
    for (const char *name : {"a", "b", "d/c"}) Put(name, std::string(10, 'o'));
    file = std::make_unique<Db>("t.db");
    other = std::make_unique<Db>("t.db", nullptr, false);
    file->Run("CREATE TABLE t(n); INSERT INTO t VALUES(1)");
  }
  void TearDown() override {
    other.reset();
    file.reset();
    SqlTest::TearDown();
  }

  void RefuseCommit(const std::string &writes) {
    file->Run("BEGIN; INSERT INTO t VALUES(2);" + writes);
    other->Run("BEGIN; SELECT * FROM t");
    EXPECT_EQ(file->Error("COMMIT"), "BUSY database is locked");
  }
  // What the files begin with, on one line. A file is read as whoever comes next reads it.
  static std::string Next() {
    Db db;
    std::string all;
    for (const char *name : {"a", "b", "d/c"}) {
      all += db.Bytes("SELECT mmap_slice('" + std::string(name) + "', 0, 3)") + " ";
    }
    return all;
  }
  // Before anything is closed; after this COMMIT.
  static void Die(const std::string &refused) {
    if (refused != "BUSY database is locked") _exit(1);
    (void)kill(getpid(), SIGKILL);
  }
  // Runs in a copy of this process, which is then killed.
  static void Killed(const std::function<void()> &child) {
    pid_t pid = fork();
    if (pid == 0) {
      child();
      (void)kill(getpid(), SIGKILL);
    }
    int status = 0;
    EXPECT_EQ(waitpid(pid, &status, 0), pid);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << status;
  }
  // What lies about that transactions have made, blank journals not counted.
  static std::string Litter() {
    std::string found;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(".")) {
      std::string name = entry.path().string();
      if (name.find("mmap-") == std::string::npos) continue;
      if (Get(name).substr(0, 8) != std::string(8, '\0')) found += name + " ";
    }
    return found;
  }
  static int Records() {
    int count = 0;
    for (const auto &entry : std::filesystem::recursive_directory_iterator(".")) {
      count += entry.path().filename().string().rfind("mmap-commit-", 0) == 0;
    }
    return count;
  }
  std::unique_ptr<Db> file, other;
};

const char kThree[] =
    "SELECT mmap_patch('a', 0, 'new'), mmap_patch('b', 0, 'new'), mmap_patch('d/c', 0, 'new');";

TEST_F(Several, ByFunctionsTablesAndHandlesAreOneTransaction) {
  Put("l", "one\ntwo\n");
  file->Run("CREATE VIRTUAL TABLE temp.v USING mmap('a');"
            "CREATE VIRTUAL TABLE temp.l USING mmap('l', word blob(4))");
  std::string writes = "UPDATE v SET byte = 110 WHERE offset = 0;"
                       "INSERT INTO l VALUES('more');"
                       "SELECT mmap_patch(mmap_open('d/c', 'write'), 0, 'new');"
                       "SELECT mmap_insert('b', 0, 'new')";
  for (const char *undo : {"ROLLBACK", "ROLLBACK TO s; COMMIT"}) {
    file->Run("BEGIN; INSERT INTO t VALUES(9); SAVEPOINT s; " + writes + "; " + undo);
    EXPECT_EQ(Next(), "ooo ooo ooo ");
    EXPECT_EQ(Get("l"), "one\ntwo\n");
    EXPECT_EQ(Litter(), "");
  }
  file->Run("BEGIN;" + writes + "; COMMIT");
  EXPECT_EQ(Next(), "noo new new ");
  EXPECT_EQ(Get("l"), "one\ntwo\nmore");
  EXPECT_EQ(Litter(), "");
}

TEST_F(Several, ACopyBesideThemIsNotTheirs) {
  int64_t copy = file->Int("SELECT mmap_open('a', 'copy')");
  std::string write = "SELECT mmap_patch(" + std::to_string(copy) + ", 0, 'own');";
  file->Run("BEGIN;" + write + "SELECT mmap_patch('b', 0, 'new'), mmap_patch('d/c', 0, 'new')");
  file->Run("COMMIT");
  EXPECT_EQ(Next(), "ooo new new ");
  EXPECT_EQ(file->Bytes("SELECT mmap_slice(" + std::to_string(copy) + ", 0, 3)"), "own");
}

TEST_F(Several, MemoryUnderATagIsOneOfThem) {
  std::string open = "mmap_open(NULL, 'write', 10, 0, 'several " + std::to_string(getpid()) + "')";
  int64_t tag = file->Int("SELECT " + open), here = Int("SELECT " + open);
  std::string patch = "SELECT mmap_patch(" + std::to_string(tag) + ", 0, 'tag');";
  std::string seen = "SELECT mmap_slice(" + std::to_string(here) + ", 0, 3)";
  RefuseCommit(patch + kThree);
  EXPECT_EQ(Records(), 1);
  file->Run("ROLLBACK");
  EXPECT_EQ(Next() + Litter(), "ooo ooo ooo ");
  EXPECT_EQ(Bytes(seen), std::string(3, '\0'));
  other->Run("COMMIT");
  file->Run("BEGIN;" + patch + kThree + "COMMIT");
  EXPECT_EQ(Next() + Litter(), "new new new ");
  EXPECT_EQ(Bytes(seen), "tag");
}

TEST_F(Several, AfterARefusedCommitAreUndone) {
  RefuseCommit(kThree);
  EXPECT_EQ(Records(), 1);
  Killed([] {}); // of this process nothing happens to what its parent has locked
  file->Run("ROLLBACK");
  EXPECT_EQ(Next(), "ooo ooo ooo ");
  EXPECT_EQ(Litter(), "");
}

TEST_F(Several, AfterARefusedCommitAreCommittedWhenItIsTriedAgain) {
  RefuseCommit(kThree);
  EXPECT_EQ(file->Error("COMMIT"), "BUSY database is locked");
  other->Run("COMMIT");
  file->Run("COMMIT");
  EXPECT_EQ(Next(), "new new new ");
  EXPECT_EQ(file->One("SELECT count(*) FROM t"), "2");
  EXPECT_EQ(Litter(), "");
}

TEST_F(Several, WhatTouchesTheTransactionMakesTheRecordInvalidFirst) {
  file->Run("CREATE VIRTUAL TABLE temp.v USING mmap('a')");
  struct {
    const char *what, *then;
  } const cases[] = {{"SELECT mmap_patch('b', 5, 'more')", "new new new "},
                     {"UPDATE v SET byte = 78 WHERE offset = 0", "New new new "},
                     {"SAVEPOINT later", "new new new "},
                     {"ROLLBACK TO s", "new ooo ooo "},
                     {"ROLLBACK TO r", "new new ooo "}};
  for (const auto &c : cases) {
    SCOPED_TRACE(c.what);
    for (const char *name : {"a", "b", "d/c"}) Put(name, std::string(10, 'o'));
    RefuseCommit("SELECT mmap_patch('a', 0, 'new'); SAVEPOINT s;"
                 "SELECT mmap_patch('b', 0, 'new'); SAVEPOINT r;"
                 "SELECT mmap_patch('d/c', 0, 'new')");
    EXPECT_EQ(Records(), 1);
    file->Run(c.what);
    EXPECT_EQ(Records(), 0);
    EXPECT_EQ(Litter(), "");
    other->Run("COMMIT");
    file->Run("COMMIT");
    EXPECT_EQ(Next(), c.then);
    EXPECT_EQ(Litter(), "");
  }
}

// Killed while COMMIT was refused, when the commit point was passed: all have changed.
TEST_F(Several, AreAllThereIfTheProcessIsKilledAfterTheCommitPoint) {
  for (const char *journal : {"delete", "persist"}) {
    SCOPED_TRACE(journal);
    for (const char *name : {"a", "b", "d/c"}) Put(name, std::string(10, 'o'));
    file.reset();
    other.reset();
    Killed([&] {
      Db mine("t.db"), reads("t.db", nullptr, false);
      mine.Run(std::string("SELECT mmap_config('journal', '") + journal + "')");
      mine.Run("BEGIN; INSERT INTO t VALUES(2);" + std::string(kThree));
      reads.Run("BEGIN; SELECT * FROM t");
      Die(mine.Error("COMMIT"));
    });
    EXPECT_EQ(Records(), 1);
    EXPECT_EQ(Next(), "new new new ");
    EXPECT_EQ(Litter(), "");
  }
}

TEST_F(Several, AreNotThereIfItHadGoneOn) {
  file.reset();
  other.reset();
  Killed([&] {
    Db mine("t.db"), reads("t.db", nullptr, false);
    mine.Run("BEGIN; INSERT INTO t VALUES(2);" + std::string(kThree));
    reads.Run("BEGIN; SELECT * FROM t");
    std::string refused = mine.Error("COMMIT");
    mine.Run("SELECT mmap_patch('a', 5, 'more')");
    Die(refused);
  });
  EXPECT_EQ(Next(), "ooo ooo ooo ");
  EXPECT_EQ(Litter(), "");
}

// The strictest level of any of them holds for all; what is off has no part in it.
TEST_F(Several, LevelsMayDiffer) {
  file->Run("SELECT mmap_config('synchronous', 'off'), mmap_patch('a', 0, 'off')");
  for (const char *levels : {"full,normal,off", "normal,full,full", "off,normal,full",
                             "off,off,off", "normal,normal,off"}) {
    SCOPED_TRACE(levels);
    for (const char *name : {"a", "b", "d/c"}) Put(name, std::string(10, 'o'));
    std::string list = levels, sql = "BEGIN;";
    for (const char *name : {"a", "b", "d/c"}) {
      std::string level = list.substr(0, list.find(','));
      list = list.substr(std::min(list.size(), list.find(',') + 1));
      sql += "SELECT mmap_config('synchronous', '" + level + "'); SELECT mmap_patch('" + name +
             "', 0, 'new');";
    }
    file->Run(sql + "COMMIT");
    EXPECT_EQ(Next(), "new new new ");
    EXPECT_EQ(Litter(), "");
  }
}

TEST_F(Several, JournalsThatStayAndSuchThatGoMayBeMixed) {
  for (const char *journal : {"persist", "delete", "persist", "persist", "delete"}) {
    SCOPED_TRACE(journal);
    for (const char *name : {"a", "b", "d/c"}) Put(name, std::string(10, 'o'));
    file->Run(std::string("SELECT mmap_config('journal', '") + journal + "')");
    EXPECT_EQ(file->One("SELECT mmap_config('journal')"), journal);
    file->Run("BEGIN; SELECT mmap_patch('b', 0, 'new'), mmap_patch('a', 0, 'new'); COMMIT");
    EXPECT_EQ(Next(), "new new ooo ");
    file->Run("SELECT mmap_patch('d/c', 0, 'one')"); // alone
    EXPECT_EQ(Next(), "new new one ");
    EXPECT_EQ(Litter(), "");
    EXPECT_EQ(Records(), 0);
    EXPECT_EQ(HasJournal("a"), !strcmp(journal, "persist"));
  }
  EXPECT_FALSE(HasJournal("b"));
}

TEST_F(Several, OneThatIsDeletedOrReplacedMeanwhileKeepsAllAsTheyWere) {
  file->Run("BEGIN; INSERT INTO t VALUES(2);" + std::string(kThree));
  unlink("b");
  EXPECT_EQ(file->Error("COMMIT"),
            "BUSY_SNAPSHOT mmap: 'b' was changed by another program during this transaction");
  EXPECT_EQ(Get("a") + Get("d/c"), std::string(20, 'o'));
  EXPECT_EQ(Litter(), "");
  EXPECT_EQ(file->One("SELECT count(*) FROM t"), "1");
}

TEST_F(Several, AreOneTransactionWithAttachedDatabases) {
  file->Run("ATTACH 'u.db' AS u; CREATE TABLE u.s(n)");
  file->Run("BEGIN; INSERT INTO t VALUES(2); INSERT INTO s VALUES(1);" + std::string(kThree) +
            "COMMIT");
  EXPECT_EQ(Next(), "new new new ");
  EXPECT_EQ(file->One("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM s)"), "3");
  file->Run("BEGIN; INSERT INTO t VALUES(3); INSERT INTO s VALUES(2);"
            "SELECT mmap_patch('a', 0, 'two'), mmap_patch('b', 0, 'two'); ROLLBACK");
  EXPECT_EQ(Next() + Litter(), "new new new ");
  EXPECT_EQ(file->One("SELECT (SELECT count(*) FROM t) + (SELECT count(*) FROM s)"), "3");
}

int OpenDescriptors() {
  int count = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    count++;
  }
  return count;
}

// Descriptors are twice as many as files at most, none left, and nothing grows faster than they do.
TEST_F(Several, HundredsOfFilesAreOneTransaction) {
  file->Run("SELECT mmap_config('synchronous', 'normal')");
  auto change = [&](int n, const std::string &text) {
    return "BEGIN; WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM i WHERE n < " +
           std::to_string(n) + ") SELECT sum(mmap_patch('m/' || n, 0, '" + text + "')) FROM i;";
  };
  std::filesystem::create_directory("m");
  for (int i = 1; i <= 300; i++) Put("m/" + std::to_string(i), "0123456789");
  int before = OpenDescriptors();
  file->Run(change(300, "new") + "COMMIT");
  EXPECT_LE(OpenDescriptors(), before + 300 * 2 + 10);
  for (int i = 1; i <= 300; i++) EXPECT_EQ(Get("m/" + std::to_string(i)), "new3456789");
  EXPECT_EQ(Litter(), "");
  file->Run(change(300, "old") + "ROLLBACK");
  EXPECT_EQ(Get("m/7"), "new3456789");
}

TEST_F(Several, HundredsOfFilesAreRecovered) {
  constexpr int kMany = 300;
  std::filesystem::create_directory("m");
  for (int i = 1; i <= kMany; i++) Put("m/" + std::to_string(i), "0123456789");
  file.reset();
  other.reset();
  Killed([&] {
    Db mine("t.db"), reads("t.db", nullptr, false);
    mine.Run("SELECT mmap_config('synchronous', 'normal');"
             "BEGIN; INSERT INTO t VALUES(2); WITH RECURSIVE i(n) AS (SELECT 1 UNION ALL SELECT "
             "n + 1 FROM i WHERE n < " +
             std::to_string(kMany) + ") SELECT sum(mmap_patch('m/' || n, 0, 'new')) FROM i");
    reads.Run("BEGIN; SELECT * FROM t");
    Die(mine.Error("COMMIT"));
  });
  EXPECT_EQ(Records(), 1);
  Db db;
  for (int i = kMany; i >= 1; i--) {
    EXPECT_EQ(db.Bytes("SELECT mmap_slice('m/" + std::to_string(i) + "')"), "new3456789");
  }
  EXPECT_EQ(Litter(), "");
}

} // namespace
} // namespace mm_test
