// How many system calls and how many bytes statements take: counted, not timed. The library is linked
// into this program, so that core's table of system calls can be reached.
#include "tests/support/fault_sys.h"
#include "tests/support/sql.h"

#include <sys/resource.h>

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
long PageFaults() {
  rusage used;
  getrusage(RUSAGE_SELF, &used);
  return used.ru_minflt;
}

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

// ---- growth

class CallGrowth : public Calls {
protected:
  static std::string Number(uint64_t n) { return std::to_string(n); }
  // Rows i from 0 to n - 1.
  static std::string Rows(uint64_t n) {
    return "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < " +
           Number(n - 1) + ") ";
  }
  static void PutMany(uint64_t n, const std::string &bytes) {
    for (uint64_t i = 0; i < n; i++) Put("f" + Number(i), bytes);
  }
  // What `take(n)` gives for n, 2n and 4n grows no faster than n does. A hundred more are no matter.
  static void ExpectLinear(uint64_t n, const std::function<uint64_t(uint64_t)> &take) {
    uint64_t least = take(n);
    EXPECT_LE(take(2 * n), 2 * least + 100) << n;
    EXPECT_LE(take(4 * n), 4 * least + 100) << n;
  }
};

TEST_F(CallGrowth, Handles) {
  PutMany(700, "some bytes, more than a few");
  uint64_t next = 0;
  ExpectLinear(100, [&](uint64_t n) {
    uint64_t count =
        Count(Rows(n) + "SELECT mmap_open('f' || (i + " + Number(next) + "), 'write') FROM c");
    next += n;
    return count;
  });
  EXPECT_EQ(One("SELECT count(*) FROM mmap_list"), "700");
  EXPECT_EQ(Count("SELECT mmap_get(650, 3)"), 2u);
  EXPECT_LE(Count("SELECT mmap_set(650, 3, 4)"), Count("SELECT mmap_set(3, 3, 4)"));
}

TEST_F(CallGrowth, PathsOfATransaction) {
  PutMany(700, "some bytes, more than a few");
  uint64_t next = 0;
  Run("BEGIN");
  ExpectLinear(100, [&](uint64_t n) {
    uint64_t count =
        Count(Rows(n) + "SELECT mmap_set('f' || (i + " + Number(next) + "), 3, 65) FROM c");
    next += n;
    return count;
  });
  Run("ROLLBACK");
}

TEST_F(CallGrowth, Savepoints) {
  Put("f", std::string(1 << 20, '.'));
  Run("BEGIN");
  ExpectLinear(100, [&](uint64_t n) {
    std::string sql;
    for (uint64_t i = 0; i < n; i++) {
      sql += "SAVEPOINT s; SELECT mmap_patch('f', " + Number(i * 4096 % 900000) +
             ", 'xyz'); ROLLBACK TO s; RELEASE s; ";
    }
    return Count(sql);
  });
  Run("COMMIT");
  EXPECT_EQ(Get("f"), std::string(1 << 20, '.'));
}

// Many at once, each with what the one before has written.
TEST_F(CallGrowth, NestedSavepoints) {
  Put("f", std::string(1 << 20, '.'));
  ExpectLinear(50, [&](uint64_t n) {
    std::string sql = "BEGIN; ";
    for (uint64_t i = 0; i < n; i++) {
      sql +=
          "SAVEPOINT s" + Number(i) + "; SELECT mmap_patch('f', " + Number(i * 4096) + ", 'x'); ";
    }
    for (uint64_t i = n; i-- > 0;) sql += "ROLLBACK TO s" + Number(i) + "; ";
    return Count(sql + "ROLLBACK");
  });
}

// All savepoints write the same pages, which ROLLBACK gives back, and fills from no level below.
TEST_F(CallGrowth, RollbackOfNestedSavepoints) {
  Put("f", std::string(4 << 20, '.'));
  for (uint64_t levels : {1, 2, 4, 8}) {
    std::string sql = "BEGIN; ";
    for (uint64_t i = 0; i < levels; i++) {
      sql += "SAVEPOINT s; WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i "
             "< 499)"
             " SELECT sum(mmap_patch('f', i * 8192, char(65 + " +
             Number(i) + "))) FROM n; ";
    }
    Run(sql);
    long before = PageFaults();
    Run("ROLLBACK");
    EXPECT_LT(PageFaults() - before, 100) << levels;
    EXPECT_EQ(Get("f"), std::string(4 << 20, '.'));
    EXPECT_EQ(One("SELECT mmap_count('f', '.')"), std::to_string(4 << 20));
  }
}

TEST_F(CallGrowth, AppendedRows) {
  Put("f", "");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', a i64le, b i64le)");
  auto append = [&](uint64_t n) { return Rows(n) + "INSERT INTO t SELECT i, -i FROM c"; };
  Run(append(100));
  ExpectLinear(1000, [&](uint64_t n) { return Count(append(n)); });
  // The journal and the file: twice the bytes, and what is written once.
  for (uint64_t n : {1000, 2000, 4000}) EXPECT_LE(Moved(append(n)), 2 * 16 * n + 4096) << n;
  EXPECT_EQ(One("SELECT count(*) FROM t"), "14100");
}

TEST_F(CallGrowth, RowsOfATransactionThatAreInsertedOneByOne) {
  Put("f", "");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', a i64le, b i64le)");
  ExpectLinear(100, [&](uint64_t n) {
    std::string sql = "BEGIN; ";
    for (uint64_t i = 0; i < n; i++) sql += "INSERT INTO t VALUES(" + Number(i) + ", 1); ";
    return Count(sql + "COMMIT");
  });
}

TEST_F(CallGrowth, PendingWritesThatAreRead) {
  Put("f", std::string(4 << 20, '.'));
  ExpectLinear(200, [&](uint64_t n) {
    Run("BEGIN");
    uint64_t count = Count(Rows(n) + "SELECT mmap_patch('f', i * 4096, 'xyz') + "
                                     "mmap_get('f', i * 4096 + 1) FROM c");
    Run("ROLLBACK");
    return count;
  });
}

TEST_F(CallGrowth, JournalsOfManyExtents) {
  Put("f", std::string(4 << 20, '.'));
  auto patch = [](uint64_t n) {
    return Rows(n) + "SELECT mmap_patch('f', i * 4096, 'xyz') FROM c";
  };
  Run(patch(1));
  auto commit = [&](uint64_t n) {
    Run("BEGIN");
    Run(patch(n));
    return Count("COMMIT");
  };
  ExpectLinear(200, commit);
  EXPECT_LE(commit(800), commit(1) + 2 * 799 + 20)
      << "an extent is written, and not shown any more";
  for (uint64_t n : {200, 400, 800}) {
    Run("BEGIN");
    Run(patch(n));
    EXPECT_LE(Moved("COMMIT"), n * (3 + 3 + 32) + 4096) << n;
  }
}

TEST_F(CallGrowth, Changes) {
  Put("f", std::string(4 << 20, '.'));
  ExpectLinear(200, [&](uint64_t n) {
    Run("BEGIN");
    Run(Rows(n) + "SELECT mmap_patch('f', i * 4096, 'xyz') FROM c");
    uint64_t count = Count("SELECT count(*), sum(length(old)), sum(length(new)) FROM mmap_changes");
    uint64_t bytes = Moved("SELECT count(*), sum(length(old)), sum(length(new)) FROM mmap_changes");
    EXPECT_LE(bytes, n * 64 + 4096);
    Run("ROLLBACK");
    return count;
  });
}

// A file is asked for once; below a root it is found as it would be opened.
TEST_F(CallGrowth, Glob) {
  const std::string all = "SELECT count(*), sum(size) FROM mmap_glob('f*')";
  for (uint64_t n : {100, 200, 400}) {
    PutMany(n, "x");
    EXPECT_EQ(One(all), Number(n) + "|" + Number(n));
    EXPECT_LE(Count(all), n + 10);
  }
  Run("SELECT mmap_config('root', '.')");
  EXPECT_LE(Count("SELECT count(*) FROM mmap_glob(" + Quote(directory + "/f*") + ")"),
            4 * 400u + 10);
}

} // namespace
} // namespace mm_test
