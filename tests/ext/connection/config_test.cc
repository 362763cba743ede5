// mmap_config, mmap_version, mmap_debug; the root that paths must stay below.
#include "tests/support/sql.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

namespace mm_test {
namespace {

class Config : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    mkdir("in", 0755);
    mkdir("in/deeper", 0755);
    mkdir("innocent", 0755);
    Put("out.bin", "outside");
    Put("in/a.bin", "inside");
    Put("in/deeper/b.bin", "deeper");
    Put("innocent/c.bin", "beside");
  }
};

TEST_F(Config, DefaultsAreSafe) {
  EXPECT_EQ(
      One("SELECT mmap_config('synchronous'), mmap_config('busy_timeout'), mmap_config('root')"),
      "full|1000|NULL");
}

TEST_F(Config, GivesTheValueInForce) {
  EXPECT_EQ(One("SELECT mmap_config('synchronous', 'normal'), mmap_config('SYNCHRONOUS', 'OFF'),"
                " mmap_config('synchronous'), mmap_config('synchronous', NULL), "
                "mmap_config('synchronous', 'full')"),
            "normal|off|off|off|full");
  EXPECT_EQ(One("SELECT mmap_config('busy_timeout', 5), mmap_config('busy_timeout', '0'), "
                "mmap_config('busy_timeout')"),
            "5|0|0");
  EXPECT_EQ(
      One("SELECT mmap_config('threads'), mmap_config('threads', 2), mmap_config('Threads', '64'),"
          " mmap_config('threads', NULL), mmap_config('threads', 1.0)"),
      "1|2|64|64|1");
}

TEST_F(Config, IsEachConnectionsOwn) {
  Db other;
  Run("SELECT mmap_config('synchronous', 'off'), mmap_config('root', 'in')");
  EXPECT_EQ(other.One("SELECT mmap_config('synchronous'), mmap_config('root')"), "full|NULL");
}

TEST_F(Config, RefusesWhatItDoesNotKnow) {
  EXPECT_EQ(Error("SELECT mmap_config('colour')"),
            "ERROR mmap_config: 'colour' is none of synchronous, busy_timeout, journal, root, "
            "isolation, threads");
  EXPECT_EQ(Error("SELECT mmap_config('synchronous', 'maybe')"),
            "ERROR mmap_config: synchronous 'maybe' is none of off, normal, full");
  EXPECT_EQ(Error("SELECT mmap_config('synchronous', 2)"),
            "ERROR mmap_config: synchronous 2 is not text");
  EXPECT_EQ(Error("SELECT mmap_config('busy_timeout', -1)"),
            "ERROR mmap_config: busy_timeout -1 is not in 0..2147483647");
  EXPECT_EQ(Error("SELECT mmap_config('busy_timeout', 'soon')"),
            "ERROR mmap_config: busy_timeout 'soon' is not an integer");
  for (const char *threads : {"0", "-1", "65", "9223372036854775807"}) {
    EXPECT_EQ(Error("SELECT mmap_config('threads', " + std::string(threads) + ")"),
              "ERROR mmap_config: threads " + std::string(threads) + " is not in 1..64");
  }
  for (const char *threads : {"'all'", "1.5", "x'02'"}) {
    EXPECT_EQ(Error("SELECT mmap_config('threads', " + std::string(threads) + ")").substr(0, 27),
              "ERROR mmap_config: threads ");
  }
  EXPECT_EQ(One("SELECT mmap_config('synchronous'), mmap_config('busy_timeout'), "
                "mmap_config('threads')"),
            "full|1000|1");
}

TEST_F(Config, EverySynchronousCommits) {
  for (const char *synchronous : {"off", "normal", "full"}) {
    Run("SELECT mmap_config('synchronous', '" + std::string(synchronous) + "')");
    Put("in/a.bin", "inside");
    Run("BEGIN; SELECT mmap_insert('in/a.bin', 0, '" + std::string(synchronous) + "'); COMMIT");
    EXPECT_EQ(Get("in/a.bin"), std::string(synchronous) + "inside");
    EXPECT_FALSE(HasJournal("in/a.bin"));
  }
}

TEST_F(Config, ATableCanHaveASynchronousOfItsOwn) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('in/a.bin', synchronous=off); UPDATE t SET byte = "
      "65");
  EXPECT_EQ(Get("in/a.bin"), "AAAAAA");
  EXPECT_NE(Error("CREATE VIRTUAL TABLE temp.u USING mmap('in/a.bin', synchronous=maybe)"), "ok");
}

// ---- the root

TEST_F(Config, PathsMustStayBelowTheRoot) {
  EXPECT_EQ(One("SELECT mmap_config('root', 'in')"), directory + "/in");
  EXPECT_EQ(Bytes("SELECT mmap_slice('in/a.bin')"), "inside");
  EXPECT_EQ(Bytes("SELECT mmap_slice('" + directory + "/in/deeper/b.bin')"), "deeper");
  EXPECT_EQ(Bytes("SELECT mmap_slice('in/deeper/../a.bin')"), "inside");
  for (const char *path :
       {"out.bin", "innocent/c.bin", "in/../out.bin", "in/../innocent/c.bin", "/etc/passwd",
        "/proc/self/maps", "no such file", "in/../no such file"}) {
    for (const char *call : {"mmap_open(", "mmap_get(", "mmap_size("}) {
      std::string sql = "SELECT " + std::string(call) + Quote(path) +
                        (std::string(call) == "mmap_get(" ? ", 0)" : ")");
      EXPECT_EQ(Error(sql).substr(0, 4), "PERM") << sql << Error(sql);
    }
    EXPECT_EQ(Error("SELECT * FROM mmap(" + Quote(path) + ")").substr(0, 4), "PERM");
    EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.t USING mmap(" + Quote(path) + ")").substr(0, 4),
              "PERM");
    EXPECT_EQ(Error("SELECT mmap_open(" + Quote(path) + ", 'create')").substr(0, 4), "PERM");
    EXPECT_EQ(Error("SELECT mmap_open(" + Quote(path) + ", 'copy')").substr(0, 4), "PERM");
  }
  EXPECT_FALSE(Exists("no such file"));
}

TEST_F(Config, ALinkOutOfTheRootIsOutside) {
  ASSERT_EQ(symlink("../out.bin", "in/link"), 0);
  ASSERT_EQ(symlink("..", "in/up"), 0);
  ASSERT_EQ(symlink("deeper/b.bin", "in/good"), 0);
  Run("SELECT mmap_config('root', 'in')");
  EXPECT_EQ(Error("SELECT mmap_size('in/link')").substr(0, 4), "PERM");
  EXPECT_EQ(Error("SELECT mmap_size('in/up/out.bin')").substr(0, 4), "PERM");
  EXPECT_EQ(Bytes("SELECT mmap_slice('in/good')"), "deeper");
}

TEST_F(Config, WhatWasOpenBeforeMustStayBelowFromThenOn) {
  EXPECT_EQ(Bytes("SELECT mmap_slice('out.bin')"), "outside");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('out.bin'); SELECT * FROM t; SELECT "
      "mmap_config('root', 'in')");
  EXPECT_EQ(Error("SELECT mmap_slice('out.bin')").substr(0, 4), "PERM");
  EXPECT_EQ(Error("SELECT count(*) FROM t").substr(0, 4), "PERM");
}

TEST_F(Config, TheRootCanBeNarrowedNotWidened) {
  Run("SELECT mmap_config('root', 'in')");
  for (const char *wider : {".", "/", "innocent", "in/.."}) {
    EXPECT_NE(Error("SELECT mmap_config('root', '" + std::string(wider) + "')"), "ok") << wider;
  }
  EXPECT_EQ(One("SELECT mmap_config('root', 'in')"), directory + "/in");
  EXPECT_EQ(One("SELECT mmap_config('root', 'in/deeper')"), directory + "/in/deeper");
  EXPECT_EQ(Error("SELECT mmap_size('in/a.bin')").substr(0, 4), "PERM");
  EXPECT_NE(Error("SELECT mmap_config('root', 'in')"), "ok");
  EXPECT_NE(Error("SELECT mmap_config('root', '')"), "ok");
  EXPECT_EQ(One("SELECT mmap_config('root')"), directory + "/in/deeper");
}

TEST_F(Config, ARootIsADirectory) {
  EXPECT_NE(Error("SELECT mmap_config('root', 'out.bin')"), "ok");
  EXPECT_NE(Error("SELECT mmap_config('root', 'nowhere')"), "ok");
  EXPECT_EQ(One("SELECT mmap_config('root')"), "NULL");
}

TEST_F(Config, TheEnvironmentSetsTheFirstRoot) {
  setenv("SQLITE_MMAP_ROOT", "in", 1);
  {
    Db rooted;
    EXPECT_EQ(rooted.One("SELECT mmap_config('root')"), directory + "/in");
    EXPECT_EQ(rooted.Error("SELECT mmap_size('out.bin')").substr(0, 4), "PERM");
    EXPECT_NE(rooted.Error("SELECT mmap_config('root', '.')"), "ok");
  }
  unsetenv("SQLITE_MMAP_ROOT");
}

TEST_F(Config, ABadRootInTheEnvironmentKeepsTheLibraryFromLoading) {
  setenv("SQLITE_MMAP_ROOT", "nowhere", 1);
  Db plain(":memory:", nullptr, false);
  sqlite3_db_config(plain, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  char *message = nullptr;
  EXPECT_EQ(sqlite3_load_extension(plain, Library().c_str(), nullptr, &message), SQLITE_ERROR);
  EXPECT_NE(std::string(message ? message : "").find("nowhere"), std::string::npos) << message;
  sqlite3_free(message);
  unsetenv("SQLITE_MMAP_ROOT");
}

// ---- what the library says of itself

TEST_F(Config, VersionAndDebug) {
  EXPECT_EQ(One("SELECT typeof(mmap_version()), mmap_version() GLOB '[0-9]*.[0-9]*.[0-9]*'"),
            "text|1");
  std::string debug = One("SELECT mmap_debug()");
  EXPECT_NE(debug.find(One("SELECT mmap_version()")), std::string::npos) << debug;
  EXPECT_NE(debug.find(SQLITE_VERSION), std::string::npos) << debug;
}

} // namespace
} // namespace mm_test
