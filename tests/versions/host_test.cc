// The SQLite that loads the library: which ones it refuses, and that it says so.
//
// The hosts that are refused are made here: tables of SQLite's routines with hardly any in them, so
// that a call of another one would crash. tests/versions/run.sh runs this, and all tests of SQL, in
// real ones.
#include <dlfcn.h>
#include <gtest/gtest.h>
#define SQLITE_CORE // the routines by their own names: this is a program, no extension
#include <sqlite3ext.h>

#include <cstdlib>
#include <string>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

using Entry = int(sqlite3 *, char **, const sqlite3_api_routines *);

constexpr int kOldest = 3031000;

// A SQLite of another version than this process has.
sqlite3_api_routines Routines(int (*number)(), const char *(*version)()) {
  sqlite3_api_routines host = {};
  host.libversion_number = number;
  host.libversion = version;
  host.mprintf = sqlite3_mprintf;
  return host;
}

// As SQLite 3.30.1 would load the library.
const sqlite3_api_routines *OldHost() {
  static const sqlite3_api_routines host =
      Routines([] { return 3030001; }, [] { return "3.30.1"; });
  return &host;
}

const sqlite3_api_routines *OtherHost() {
  static const sqlite3_api_routines host =
      Routines([] { return 3099000; }, [] { return "3.99.0"; });
  return &host;
}

// What the entry point answers: "ok", or the error's code and text.
std::string Load(const char *entry, const sqlite3_api_routines *host) {
  void *library = dlopen(Library().c_str(), RTLD_NOW);
  EXPECT_NE(library, nullptr) << dlerror();
  auto *init = library ? reinterpret_cast<Entry *>(dlsym(library, entry)) : nullptr;
  EXPECT_NE(init, nullptr) << entry;
  if (!init) return "no entry";
  char *error = nullptr;
  int rc = init(nullptr, &error, host);
  std::string text = error ? error : "";
  sqlite3_free(error);
  return rc == SQLITE_OK || rc == SQLITE_OK_LOAD_PERMANENTLY ? "ok"
                                                             : std::to_string(rc) + " " + text;
}

class Host : public testing::TestWithParam<const char *> {};

INSTANTIATE_TEST_SUITE_P(Entries, Host,
                         testing::Values("sqlite3_mmap_init", "sqlite3_mmap0_init",
                                         "sqlite3_mmap_readonly_init", "sqlite3_mmapro_init"));

TEST_P(Host, ThatIsTooOldIsToldWhichVersionIsNeeded) {
  EXPECT_EQ(Load(GetParam(), OldHost()),
            "1 mmap: SQLite 3.30.1 is too old: 3.31 or newer is needed");
}

TEST_P(Host, ThatIsTooOldDoesNotDisturbTheOneThatHasLoadedIt) {
  if (sqlite3_libversion_number() < kOldest) GTEST_SKIP() << "this one is too old itself";
  Db db;
  Load(GetParam(), OldHost());
  EXPECT_EQ(db.One("SELECT mmap_length(mmap_open(NULL, 'write', 100))"), "100");
}

// Its memory and statements must not meet the first one's.
TEST_P(Host, IsTheOnlyOneOfItsProcess) {
  if (sqlite3_libversion_number() < kOldest) GTEST_SKIP() << "this one is too old itself";
  Db db;
  EXPECT_EQ(Load(GetParam(), OtherHost()), "1 mmap: another SQLite of this process, " +
                                               std::string(sqlite3_libversion()) +
                                               ", has loaded it already");
  EXPECT_EQ(db.One("SELECT mmap_length(mmap_open(NULL, 'write', 100))"), "100");
}

// In a process whose SQLite is one of run.sh's old ones; else this one is new enough, and it loads.
TEST(ThisHost, LoadsItIfItIsNotTooOld) {
  Db db(":memory:", nullptr, false);
  char *error = nullptr;
  sqlite3_enable_load_extension(db, 1);
  int rc = sqlite3_load_extension(db, Library().c_str(), nullptr, &error);
  if (sqlite3_libversion_number() < kOldest) {
    EXPECT_EQ(rc, SQLITE_ERROR);
    EXPECT_EQ(std::string(error ? error : ""),
              std::string("error during initialization: mmap: SQLite ") + sqlite3_libversion() +
                  " is too old: 3.31 or newer is needed");
  } else {
    EXPECT_EQ(rc, SQLITE_OK) << error;
  }
  sqlite3_free(error);
}

// run.sh says which it means to run, lest it tests the system's again.
TEST(ThisHost, IsTheOneAskedFor) {
  const char *asked = getenv("MM_SQLITE");
  if (!asked) GTEST_SKIP() << "none was";
  EXPECT_EQ(std::string(sqlite3_libversion()), asked);
}

} // namespace
} // namespace mm_test
