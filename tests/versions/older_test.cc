// What the library does itself in an older SQLite, where newer ones do it.
//
// The SQLite of this process is made older here: its table of routines gives an older version, and
// what that version did not do does nothing. tests/versions/run.sh runs the tests of SQL in real
// ones.
#include <dlfcn.h>
#include <gtest/gtest.h>
#define SQLITE_CORE // the routines by their own names: this is a program, no extension
#include <sqlite3ext.h>

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <memory>
#include <string>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

sqlite3_api_routines older; // the process's own, but for what Older::SetUp changes

int Keep(sqlite3 *, char **, const sqlite3_api_routines *routines) {
  older = *routines;
  return SQLITE_OK;
}

// Triggers may write all tables then.
int ConfigureNothing(sqlite3 *, int, ...) {
  return SQLITE_OK;
}

// A connection that has loaded the library so, in a directory with a file "a".
class Older : public testing::Test {
protected:
  void SetUp() override {
    // The table of one that is older than the header has fewer routines.
    if (sqlite3_libversion_number() < SQLITE_VERSION_NUMBER) GTEST_SKIP() << "it is older anyway";
    std::filesystem::create_directory(directory_);
    std::filesystem::current_path(directory_);
    std::ofstream("a") << "aaaaaaaaaa";
    auto keep = reinterpret_cast<void (*)()>(Keep);
    sqlite3_auto_extension(keep);
    db = std::make_unique<Db>(":memory:", nullptr, false);
    sqlite3_cancel_auto_extension(keep);
    older.libversion_number = [] { return 3037002; };
    older.vtab_config = ConfigureNothing;
    void *library = dlopen(Library().c_str(), RTLD_NOW);
    ASSERT_NE(library, nullptr) << dlerror();
    auto *init = reinterpret_cast<int (*)(sqlite3 *, char **, const sqlite3_api_routines *)>(
        dlsym(library, "sqlite3_mmap_init"));
    ASSERT_NE(init, nullptr);
    char *error = nullptr;
    ASSERT_EQ(init(*db, &error, &older), SQLITE_OK_LOAD_PERMANENTLY) << error;
  }
  void TearDown() override {
    db.reset();
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(directory_);
  }

  // All of the file.
  std::string Bytes() { return db->One("SELECT CAST(mmap_slice('a') AS TEXT)"); }

  std::unique_ptr<Db> db;

private:
  const std::string before_ = std::filesystem::current_path().string();
  const std::string directory_ = testing::TempDir() + "older" + std::to_string(getpid());
};

TEST_F(Older, StatementsThatNameATableWriteIt) {
  db->Run("CREATE VIRTUAL TABLE \"t\" USING mmap('a', delete=yes, n u8)");
  db->Run("UPDATE t SET n = 98 WHERE rowid = 0");
  db->Run("UPDATE OR IGNORE main.t SET n = 99 WHERE rowid = 1");
  db->Run("INSERT INTO \"T\" VALUES(100)");
  db->Run("INSERT OR FAIL INTO main . \"t\"(n) VALUES(101)");
  db->Run("DELETE FROM t WHERE rowid = 2");
  db->Run("DELETE FROM main.t WHERE rowid = 2");
  db->Run("UPDATE mmap SET byte = 33 WHERE file = 'a' AND offset = 3");
  EXPECT_EQ(Bytes(), "bca!aaaade");
}

TEST_F(Older, ATriggerWritesNoTable) {
  db->Run("CREATE VIRTUAL TABLE t USING mmap('a', delete=yes, n u8); CREATE TABLE o(n)");
  for (const char *write : {"INSERT INTO t VALUES(33)", "UPDATE t SET n = 33", "DELETE FROM t"}) {
    db->Run("CREATE TRIGGER tr AFTER INSERT ON o BEGIN " + std::string(write) + "; END");
    EXPECT_EQ(db->Error("INSERT INTO o VALUES(1)"), "ERROR unsafe use of virtual table \"t\"")
        << write;
    EXPECT_EQ(db->Error("INSERT INTO o SELECT n FROM t"),
              "ERROR unsafe use of virtual table \"t\"");
    db->Run("DROP TRIGGER tr");
  }
  EXPECT_EQ(Bytes(), "aaaaaaaaaa");
}

TEST_F(Older, AListIsSearchedAValueAtATime) {
  std::ofstream("k") << "abdfhj";
  db->Run("CREATE VIRTUAL TABLE t USING mmap('k', n u8, sorted=n)");
  EXPECT_EQ(db->Rows("SELECT n FROM t WHERE n IN (106, 97, 99, 102) ORDER BY n"), "97\n102\n106");
  EXPECT_EQ(db->Rows("SELECT n FROM t WHERE n = 98 OR n = 100"), "98\n100");
  EXPECT_EQ(db->Rows("SELECT offset FROM mmap_find_all('k', 'h') WHERE offset > 2"), "4");
}

} // namespace
} // namespace mm_test
