// How many system calls and how many bytes statements take: counted, not timed. The library is linked
// into this program, so that core's table of system calls can be reached.
#include "tests/support/fault_sys.h"
#include "tests/support/sql.h"

#include <filesystem>
#include <map>

extern "C" int sqlite3_mmap_init(sqlite3 *db, char **error, const void *api);

namespace mm_test {
namespace {

class Linked : public Harness {
public:
  int Load(sqlite3 *db, const char *, char **message) override {
    return sqlite3_mmap_init(db, message, nullptr);
  }
  Outcome Run(sqlite3 *, const std::string &, const std::function<Outcome()> &once) override {
    return once();
  }
  int Close(sqlite3 *db) override { return sqlite3_close(db); }
};

class Calls : public SqlTest {
protected:
  void SetUp() override {
    harness = &linked_;
    SqlTest::SetUp();
  }
  void TearDown() override {
    SqlTest::TearDown();
    harness = nullptr;
  }
  // What a statement calls that has been run before: "status_path status_link".
  std::string Trace(const std::string &sql) {
    Run(sql);
    Run(sql);
    FaultSys sys;
    Run(sql);
    return sys.Trace();
  }
  // All that `sql` calls.
  uint64_t Count(const std::string &sql) {
    FaultSys sys;
    Run(sql);
    return sys.Records().size();
  }
  // … and the bytes that it reads and writes.
  uint64_t Moved(const std::string &sql) {
    FaultSys sys;
    Run(sql);
    uint64_t bytes = 0;
    for (const CallRecord &record : sys.Records()) {
      if (record.call == Call::kRead || record.call == Call::kWrite) bytes += record.size;
    }
    return bytes;
  }

private:
  Linked linked_;
};

// ---- a statement a lookup

// What a statement asks of the system before it reads: is it still the file that the path names, and
// what is it like; and is there a journal of it. Where there is no path, the file is asked itself.
constexpr char kByPath[] = "status_path status_link";
constexpr char kByHandle[] = "status_link status";

// A file of some bytes is none of SQLite's; one that is empty may be.
class Lookup : public Calls {
protected:
  void SetUp() override {
    Calls::SetUp();
    Put("a", "aabbccddee");
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', k blob(2), sorted=k)");
    Run("SELECT mmap_open('a')");
  }
};

TEST_F(Lookup, IsTwoQuestions) {
  EXPECT_EQ(Trace("SELECT mmap_get('a', 3)"), kByPath);
  EXPECT_EQ(Trace("SELECT mmap_get(1, 3)"), kByHandle);
  EXPECT_EQ(Trace("SELECT mmap_slice('a', 1, 3), mmap_get('a', 1), mmap_length('a')"), kByPath);
  EXPECT_EQ(Trace("SELECT rowid FROM t WHERE k = 'cc'"), kByPath);
  EXPECT_EQ(Trace("SELECT k FROM t WHERE rowid = 3"), kByPath);
  EXPECT_EQ(Trace("SELECT byte FROM mmap('a') WHERE offset = 3"), kByPath);
  EXPECT_EQ(Trace("SELECT byte FROM mmap(1) WHERE offset = 3"), kByHandle);
}

// Which of the connection's databases the file is not does not change.
TEST_F(Lookup, IsNoMoreWhereTheConnectionHasDatabases) {
  db = std::make_unique<Db>("main.db");
  Run("CREATE TABLE main.x(y); ATTACH 'other.db' AS other; CREATE TABLE other.x(y)");
  EXPECT_EQ(Trace("SELECT mmap_get('a', 3)"), kByPath);
  Run("DETACH other");
  EXPECT_EQ(Trace("SELECT mmap_get('a', 3)"), kByPath);
}

// … but may be another one's by now, also one that was such before.
TEST_F(Lookup, AFileThatIsAttachedLaterIsRefused) {
  db = std::make_unique<Db>("main.db");
  Run("CREATE TABLE main.x(y)");
  Db("other.db").Run("PRAGMA journal_mode = persist; CREATE TABLE x(y)");
  for (std::string name : {"other.db", "other.db-journal"}) {
    std::string sql = "SELECT mmap_length(" + Quote(name) + ")";
    std::string write = "SELECT mmap_patch(" + Quote(name) + ", 0, '')";
    for (int round = 0; round < 2; round++) {
      Run(sql);
      Run(sql);
      Run("ATTACH 'other.db' AS other");
      EXPECT_NE(Error(sql).find("is open as a database"), std::string::npos) << name;
      EXPECT_NE(Error(write).find("is open as a database"), std::string::npos) << name;
      Run("DETACH other");
    }
    EXPECT_EQ(Error(sql), "ok") << name;
  }
}

// Under isolation the file is asked behind the lock: what the path said before may be older.
TEST_F(Lookup, IsAskedBehindTheLock) {
  Run("SELECT mmap_config('isolation', 'statement')");
  EXPECT_EQ(Trace("SELECT mmap_get('a', 3)"), "status_path lock lock status_link status lock");
}

} // namespace
} // namespace mm_test
