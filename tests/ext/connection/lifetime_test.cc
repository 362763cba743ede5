// The library's life in a process: loaded twice, in two copies, by connections that are closed
// while they are in use, beside a SQLite that is shut down and started again.
#include "tests/support/sql.h"

#include <dlfcn.h>
#include <unistd.h>

#define SQLITE_CORE // the type of SQLite's routines, and not every call through them
#include <sqlite3ext.h>

#include <filesystem>

namespace mm_test {
namespace {

class Lifetime : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    if (harness) GTEST_SKIP() << "the library itself is loaded";
    Put("a", "aaaa");
  }
  // As SQLite's load_extension(): "" or the message.
  static std::string Load(sqlite3 *to, const std::string &library, const char *entry) {
    char *message = nullptr;
    sqlite3_db_config(to, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
    int rc = sqlite3_load_extension(to, library.c_str(), entry, &message);
    std::string text = message ? message : rc ? "no message" : "";
    sqlite3_free(message);
    return text;
  }
  // Another file with the same library in it.
  std::string Copy(const std::string &where) {
    std::filesystem::create_directory(directory + "/" + where);
    std::string copy = directory + "/" + where + "/mmap0.so";
    std::filesystem::copy_file(Library(), copy);
    return copy;
  }
};

TEST_F(Lifetime, ASecondLoadOnAConnectionDoesNothing) {
  Run("BEGIN; SELECT mmap_open('a', 'write'), mmap_patch('a', 0, 'b')");
  for (const char *entry :
       {"sqlite3_mmap_init", "sqlite3_mmap0_init", static_cast<const char *>(nullptr)}) {
    EXPECT_EQ(Load(*db, Library(), entry), "");
    EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "baaa");
    EXPECT_EQ(One("SELECT count(*) FROM mmap_list"), "1");
  }
  EXPECT_EQ(Load(*db, Library(), "sqlite3_mmap_readonly_init"),
            "error during initialization: mmap: is loaded already, for writing too");
  Run("ROLLBACK");
  EXPECT_EQ(Get("a"), "aaaa");
  Db reader(":memory:", "sqlite3_mmap_readonly_init");
  EXPECT_EQ(Load(reader, Library(), "sqlite3_mmap_readonly_init"), "");
  EXPECT_EQ(Load(reader, Library(), "sqlite3_mmap_init"),
            "error during initialization: mmap: is loaded already, for reading only");
  EXPECT_EQ(reader.Error("SELECT mmap_patch('a', 0, 'b')"), "ERROR no such function: mmap_patch");
}

TEST_F(Lifetime, ASecondCopyOnAConnectionDoesNothing) {
  Run("SELECT mmap_open('a', 'write')");
  EXPECT_EQ(Load(*db, Copy("second"), nullptr), "");
  EXPECT_EQ(One("SELECT mmap_patch(1, 0, 'b'), count(*) FROM mmap_list"), "1|1");
  EXPECT_EQ(Get("a"), "baaa");
}

TEST_F(Lifetime, TwoCopiesOnTwoConnectionsShareAFileAsTwoProcessesDo) {
  Db other(":memory:", nullptr, false);
  ASSERT_EQ(Load(other, Copy("second"), nullptr), "");
  Run("SELECT mmap_config('busy_timeout', 0)");
  other.Run("BEGIN; SELECT mmap_patch('a', 0, 'o')");
  EXPECT_EQ(Error("SELECT mmap_patch('a', 1, 'x')").substr(0, 16), "BUSY mmap_patch:");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), "aaaa");
  other.Run("COMMIT");
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), "oaaa");
  Run("SELECT mmap_patch('a', 1, 'x')");
  EXPECT_EQ(other.Bytes("SELECT mmap_slice('a')"), "oxaa");
  ASSERT_EQ(truncate("a", 0), 0);
  EXPECT_EQ(other.One("SELECT mmap_length('a')"), "0");
}

// What SQLite hands to the entry points, kept for good as they keep it.
sqlite3_api_routines *another_sqlite;

int KeepRoutines(sqlite3 *, char **, const sqlite3_api_routines *api) {
  another_sqlite = new sqlite3_api_routines(*api);
  return SQLITE_OK;
}

// A library knows the SQLite that it works for, so a copy that is asked by another one must not
// answer with what the first copy knows.
TEST_F(Lifetime, ACopyRunsItsOwnCode) {
  auto keep = reinterpret_cast<void (*)()>(KeepRoutines);
  sqlite3_auto_extension(keep);
  Db plain(":memory:", nullptr, false);
  sqlite3_cancel_auto_extension(keep);
  ASSERT_NE(another_sqlite, nullptr);
  using Entry = int (*)(sqlite3 *, char **, const sqlite3_api_routines *);
  for (const char *name : {"sqlite3_mmap_init", "sqlite3_mmap0_init", "sqlite3_mmap_readonly_init",
                           "sqlite3_mmapro_init"}) {
    Db loads(":memory:", nullptr, false);
    void *copy = dlopen(Copy(name).c_str(), RTLD_NOW | RTLD_GLOBAL);
    ASSERT_NE(copy, nullptr) << dlerror();
    auto entry = reinterpret_cast<Entry>(dlsym(copy, name));
    ASSERT_NE(entry, nullptr) << name;
    char *message = nullptr;
    EXPECT_EQ(entry(loads, &message, another_sqlite), SQLITE_OK_LOAD_PERMANENTLY)
        << name << ": " << (message ? message : "");
    sqlite3_free(message);
    EXPECT_EQ(loads.One("SELECT mmap_length('a')"), "4");
  }
}

TEST_F(Lifetime, AConnectionThatIsClosedWhileAStatementRunsServesItToItsEnd) {
  Put("big", std::string(1 << 20, 'x'));
  sqlite3 *zombie = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &zombie), SQLITE_OK);
  ASSERT_EQ(Load(zombie, Library(), nullptr), "");
  sqlite3_stmt *stmt = nullptr;
  const char *sql = "SELECT mmap_slice('big'), mmap_find('big', 'absent'), offset,"
                    " mmap_length('a') FROM mmap('a')";
  ASSERT_EQ(sqlite3_prepare_v2(zombie, sql, -1, &stmt, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  ASSERT_EQ(sqlite3_close_v2(zombie), SQLITE_OK);
  for (int i = 0; i < 4; i++) {
    EXPECT_EQ(sqlite3_column_int(stmt, 2), i);
    EXPECT_EQ(sqlite3_column_int(stmt, 1), -1);
    EXPECT_EQ(sqlite3_column_bytes(stmt, 0), 1 << 20);
    EXPECT_EQ(static_cast<const char *>(sqlite3_column_blob(stmt, 0))[i], 'x');
    EXPECT_EQ(sqlite3_step(stmt), i < 3 ? SQLITE_ROW : SQLITE_DONE);
  }
  EXPECT_EQ(sqlite3_finalize(stmt), SQLITE_OK);
  Run("SELECT mmap_patch('a', 0, 'b')");
  EXPECT_EQ(Get("a"), "baaa");
}

// Its transaction has no COMMIT any more.
TEST_F(Lifetime, AConnectionThatIsClosedInATransactionLeavesNothingOfIt) {
  sqlite3 *zombie = nullptr;
  ASSERT_EQ(sqlite3_open(":memory:", &zombie), SQLITE_OK);
  ASSERT_EQ(Load(zombie, Library(), nullptr), "");
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(
      sqlite3_exec(zombie, "BEGIN; SELECT mmap_patch('a', 0, 'b')", nullptr, nullptr, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_prepare_v2(zombie, "SELECT mmap_slice('a')", -1, &stmt, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  ASSERT_EQ(sqlite3_close_v2(zombie), SQLITE_OK);
  EXPECT_EQ(sqlite3_finalize(stmt), SQLITE_OK);
  EXPECT_EQ(Get("a"), "aaaa");
  Run("SELECT mmap_config('busy_timeout', 0), mmap_patch('a', 0, 'c')");
  EXPECT_EQ(Get("a"), "caaa");
}

TEST_F(Lifetime, SqliteIsShutDownAndStartedAgain) {
  Run("SELECT mmap_patch('a', 0, 'b'), mmap_open(NULL, 'write', 10)");
  db.reset();
  ASSERT_EQ(sqlite3_shutdown(), SQLITE_OK);
  EXPECT_EQ(sqlite3_memory_used(), 0);
  ASSERT_EQ(sqlite3_initialize(), SQLITE_OK);
  db = std::make_unique<Db>();
  EXPECT_EQ(Bytes("SELECT mmap_slice('a')"), "baaa");
  Run("SELECT mmap_patch('a', 1, 'b')");
  EXPECT_EQ(Get("a"), "bbaa");
  ASSERT_EQ(truncate("a", 0), 0);
  EXPECT_EQ(One("SELECT mmap_length('a')"), "0");
}

// A host that loads by itself and lets go again: the handler of SIGBUS is still there, and its code
// too.
TEST_F(Lifetime, TheLibraryStaysWhenItsHostLetsGo) {
  std::string copy = Copy("second");
  {
    Db user(":memory:", nullptr, false);
    ASSERT_EQ(Load(user, copy, nullptr), "");
    EXPECT_EQ(user.One("SELECT mmap_length('a')"), "4");
  }
  void *handle = dlopen(copy.c_str(), RTLD_NOW);
  ASSERT_NE(handle, nullptr);
  for (int i = 0; i < 3; i++) EXPECT_EQ(dlclose(handle), 0);
  handle = dlopen(copy.c_str(), RTLD_NOW | RTLD_NOLOAD);
  ASSERT_NE(handle, nullptr) << "it is gone";
  dlclose(handle);
}

} // namespace
} // namespace mm_test
