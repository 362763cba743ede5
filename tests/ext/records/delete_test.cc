// DELETE from tables on files: rows go at once, the file closes up at COMMIT; and every mixture of
// writes, savepoints and queries gives what an ordinary table gives.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <cstdlib>
#include <random>

namespace mm_test {
namespace {

class DeleteTest : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("r.bin", "a0b1c2d3e4");
    Run("CREATE VIRTUAL TABLE temp.t USING mmap('r.bin', delete=yes, c text(1), n text(1))");
  }
  std::string All() { return One("SELECT group_concat(rowid || c || n, ' ') FROM t"); }
};

TEST_F(DeleteTest, ClosesUpAndRenumbersByItself) {
  Run("DELETE FROM t WHERE c IN ('b', 'd')");
  EXPECT_EQ(Get("r.bin"), "a0c2e4");
  EXPECT_EQ(All(), "0a0 1c2 2e4");
}

TEST_F(DeleteTest, KeepsRowidsAndBytesUntilCommit) {
  Run("BEGIN; DELETE FROM t WHERE rowid IN (0, 2)");
  EXPECT_EQ(All(), "1b1 3d3 4e4");
  EXPECT_EQ(Bytes("SELECT mmap_slice('r.bin')"), "a0b1c2d3e4");
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3e4");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "3");
  EXPECT_EQ(One("SELECT max(rowid) FROM t"), "4");
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE rowid = 2"), "0");
  EXPECT_EQ(Rows("SELECT rowid FROM t WHERE rowid <= 2 ORDER BY rowid DESC"), "1");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "b1d3e4");
  EXPECT_EQ(All(), "0b1 1d3 2e4");
}

TEST_F(DeleteTest, UsesNoRowidTwice) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 4; INSERT INTO t VALUES('f', '5')");
  EXPECT_EQ(All(), "0a0 1b1 2c2 3d3 5f5");
  EXPECT_EQ(Error("INSERT INTO t(rowid, c) VALUES(4, 'x')"),
            "CONSTRAINT t: rowid 4 was deleted in this transaction: the next one is 6");
  EXPECT_EQ(Error("INSERT OR REPLACE INTO t(rowid, c) VALUES(4, 'x')").substr(0, 10), "CONSTRAINT");
  Run("DELETE FROM t WHERE rowid = 5; INSERT INTO t VALUES('g', '6')");
  EXPECT_EQ(All(), "0a0 1b1 2c2 3d3 6g6");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3g6");
}

TEST_F(DeleteTest, ShowsTheClosingUpBeforehand) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 3; UPDATE t SET n = '9' WHERE rowid = 0");
  EXPECT_EQ(Rows("SELECT offset, length, CAST(old AS TEXT), CAST(new AS TEXT) FROM mmap_changes"),
            "1|1|0|9\n6|2|d3|e4\n8|2|e4|NULL");
  EXPECT_EQ(Bytes("SELECT mmap_slice('r.bin')"), "a9b1c2d3e4");
  EXPECT_EQ(All(), "0a9 1b1 2c2 4e4");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "a9b1c2e4");
}

// Which rows those are, nobody can tell any more.
TEST_F(DeleteTest, DoesNotCloseUpWhatAnotherProgramHasWritten) {
  for (bool looks : {false, true}) {
    Run("BEGIN; DELETE FROM t WHERE c = 'b'");
    Put("r.bin", "x9a0b1c2d3e4");
    if (looks) EXPECT_EQ(One("SELECT count(*) FROM t"), "5");
    EXPECT_EQ(Error("COMMIT"), "BUSY_SNAPSHOT mmap: 'r.bin' was changed by another program during "
                               "this transaction");
    EXPECT_EQ(Get("r.bin"), "x9a0b1c2d3e4");
    EXPECT_EQ(All(), "0x9 1a0 2b1 3c2 4d3 5e4");
    Put("r.bin", "a0b1c2d3e4");
  }
}

TEST_F(DeleteTest, UndoneItHangsOnNothing) {
  Run("BEGIN; SAVEPOINT s; DELETE FROM t WHERE c = 'b'; ROLLBACK TO s");
  Put("r.bin", "x9a0b1c2d3e4");
  EXPECT_EQ(All(), "0x9 1a0 2b1 3c2 4d3 5e4");
  Run("DELETE FROM t WHERE c = 'b'; COMMIT");
  EXPECT_EQ(Get("r.bin"), "x9a0c2d3e4");
}

TEST_F(DeleteTest, RollbackBringsRowsBack) {
  Run("BEGIN; DELETE FROM t; ROLLBACK");
  EXPECT_EQ(All(), "0a0 1b1 2c2 3d3 4e4");
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3e4");
}

TEST_F(DeleteTest, RollbackToBringsBackWhatCameAfter) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 1; SAVEPOINT s; DELETE FROM t WHERE rowid > 2;"
      "INSERT INTO t VALUES('z', '9'); DELETE FROM t WHERE rowid = 0");
  EXPECT_EQ(All(), "2c2 5z9");
  Run("ROLLBACK TO s");
  EXPECT_EQ(All(), "0a0 2c2 3d3 4e4");
  Run("DELETE FROM t WHERE rowid = 3; RELEASE s");
  EXPECT_EQ(All(), "0a0 2c2 4e4");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0c2e4");
}

TEST_F(DeleteTest, AFailedStatementDeletesNothing) {
  Run("CREATE TEMP TABLE log(x CHECK (x < 3))");
  EXPECT_NE(Error("BEGIN; WITH d AS (SELECT 1) DELETE FROM t WHERE"
                  " CASE WHEN rowid = 3 THEN abs(-9223372036854775808) ELSE 1 END"),
            "ok");
  EXPECT_EQ(All(), "0a0 1b1 2c2 3d3 4e4");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3e4");
}

TEST_F(DeleteTest, EmptiesAFile) {
  Run("DELETE FROM t");
  EXPECT_EQ(Get("r.bin"), "");
  Run("INSERT INTO t VALUES('n', 'w')");
  EXPECT_EQ(Get("r.bin"), "nw");
}

TEST_F(DeleteTest, TakesSingleBytes) {
  Run("CREATE VIRTUAL TABLE temp.b USING mmap('r.bin', delete=yes, offset=2)");
  Run("BEGIN; DELETE FROM b WHERE byte BETWEEN 48 AND 57");
  EXPECT_EQ(One("SELECT group_concat(offset || char(byte), ' ') FROM b"), "2b 4c 6d 8e");
  EXPECT_EQ(Rows("SELECT offset FROM b WHERE byte > 98 ORDER BY offset DESC"), "8\n6\n4");
  EXPECT_EQ(One("SELECT count(*) FROM b WHERE byte = 49"), "0");
  Run("INSERT INTO b(byte) VALUES(33); COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0bcde!");
}

TEST_F(DeleteTest, KeepsWhatLiesBeforeTheTable) {
  Run("CREATE VIRTUAL TABLE temp.u USING mmap('r.bin', delete=yes, offset=4, c text(1), n "
      "text(1))");
  Run("DELETE FROM u WHERE rowid = 0");
  EXPECT_EQ(Get("r.bin"), "a0b1d3e4");
}

TEST_F(DeleteTest, TablesOfOneShapeShareIt) {
  Run("CREATE VIRTUAL TABLE temp.u USING mmap('r.bin', delete=yes, x text(2))");
  Run("CREATE VIRTUAL TABLE temp.w USING mmap('r.bin', delete=yes, x text(5))");
  Run("BEGIN; DELETE FROM t WHERE rowid < 2; DELETE FROM u WHERE rowid = 4");
  EXPECT_EQ(All(), "2c2 3d3");
  EXPECT_EQ(Error("DELETE FROM w WHERE rowid = 0"),
            "ERROR w: another table has deleted rows of 'r.bin': COMMIT closes them up first");
  EXPECT_EQ(One("SELECT count(*) FROM w"), "2");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "c2d3");
}

TEST_F(DeleteTest, MixesWithFunctionsThatWrite) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 1; SELECT mmap_patch('r.bin', 4, 'XY')");
  Run("UPDATE t SET n = '7' WHERE rowid = 2; COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0X7d3e4");
}

TEST_F(DeleteTest, IsRefusedWhereTheFileCannotShrinkByRecords) {
  Put("odd.bin", "a0b1c");
  Run("CREATE VIRTUAL TABLE temp.odd USING mmap('odd.bin', delete=yes, c text(1), n text(1))");
  EXPECT_EQ(Error("DELETE FROM odd"),
            "ERROR odd: 'odd.bin' has 1 bytes past its last whole record");
  EXPECT_EQ(Error("INSERT INTO odd VALUES('x', 'y')"),
            "ERROR odd: 'odd.bin' has 1 bytes past its last whole record");
  Run("CREATE VIRTUAL TABLE temp.cut USING mmap('r.bin', delete=yes, length=4, c text(1), n "
      "text(1))");
  EXPECT_EQ(Error("DELETE FROM cut"),
            "ERROR cut: a table of fixed length neither grows nor shrinks");
  Run("CREATE VIRTUAL TABLE temp.copy USING mmap('r.bin', access=copy, c text(1), n text(1))");
  EXPECT_EQ(Error("DELETE FROM copy"),
            "READONLY copy: 'r.bin' is open with access=copy: its size stays");
  Run("CREATE VIRTUAL TABLE temp.ro USING mmap('r.bin', access=read, c text(1), n text(1))");
  EXPECT_EQ(Error("DELETE FROM ro"), "READONLY ro: the table has access=read");
  EXPECT_EQ(Error("DELETE FROM mmap WHERE file = 'r.bin'").substr(0, 5), "ERROR");
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3e4");
}

// Rowids renumber, and a program that keeps them would write to the wrong record.
TEST_F(DeleteTest, IsRefusedByATableThatWasNotMadeForIt) {
  const char *refused = ": DELETE renumbers the rows behind:"
                        " delete=yes in CREATE VIRTUAL TABLE allows it";
  Run("CREATE VIRTUAL TABLE temp.records USING mmap('r.bin', c text(1), n text(1))");
  Run("CREATE VIRTUAL TABLE temp.bytes USING mmap('r.bin')");
  Run("CREATE VIRTUAL TABLE temp.none USING mmap('r.bin', delete=no, access=write, x text(5))");
  for (std::string table : {"records", "bytes", "none"}) {
    EXPECT_EQ(Error("DELETE FROM " + table + " WHERE rowid = 1"), "READONLY " + table + refused);
    EXPECT_EQ(Error("DELETE FROM " + table), "READONLY " + table + refused);
    EXPECT_EQ(Error("DELETE FROM " + table + " WHERE rowid = 100"), "ok");
  }
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3e4");
  Run("BEGIN; UPDATE records SET n = 'X' WHERE rowid = 1");
  EXPECT_EQ(Error("DELETE FROM records WHERE rowid = 0"),
            std::string("READONLY records") + refused);
  Run("INSERT INTO records VALUES('f', '5');"
      "INSERT OR REPLACE INTO records(rowid, c) VALUES(0, 'A'); COMMIT");
  EXPECT_EQ(Get("r.bin"), std::string("A\0bXc2d3e4f5", 12));
}

// Its writer is whoever deletes: nobody else is kept waiting by a DELETE that is refused.
TEST_F(DeleteTest, ThatIsRefusedTakesNoLock) {
  Run("CREATE VIRTUAL TABLE temp.u USING mmap('r.bin', x text(2))");
  EXPECT_NE(Error("BEGIN; DELETE FROM u"), "ok");
  Db other;
  EXPECT_EQ(other.Error("SELECT mmap_set('r.bin', 0, 65)"), "ok");
}

TEST_F(DeleteTest, TheOptionIsYesOrNo) {
  auto create = [this](const std::string &option) {
    return Error("CREATE VIRTUAL TABLE temp.x USING mmap('r.bin', " + option + ", c u8)");
  };
  EXPECT_EQ(create("delete=maybe"), "ERROR mmap: delete 'maybe' is neither yes nor no");
  EXPECT_EQ(create("delete="), "ERROR mmap: delete '' is neither yes nor no");
  EXPECT_EQ(create("delete=1"), "ERROR mmap: delete '1' is neither yes nor no");
  EXPECT_EQ(create("delete=yes, Delete=yes"), "ERROR mmap: option 'Delete' is given twice");
  EXPECT_EQ(create("DELETE = 'Yes'"), "ok");
  Run("DELETE FROM x WHERE rowid = 0");
  EXPECT_EQ(Get("r.bin"), "0b1c2d3e4");
}

TEST_F(DeleteTest, ATableOfAFileThatWasSavedKeepsTheOption) {
  {
    Db first("kept.db");
    first.Run("CREATE VIRTUAL TABLE k USING mmap('r.bin', delete=yes, x text(2))");
    first.Run("CREATE VIRTUAL TABLE n USING mmap('r.bin', x text(2))");
  }
  Db second("kept.db");
  EXPECT_EQ(second.Error("DELETE FROM n").substr(0, 8), "READONLY");
  EXPECT_EQ(second.Error("DELETE FROM k WHERE rowid = 0"), "ok");
  EXPECT_EQ(Get("r.bin"), "b1c2d3e4");
}

TEST_F(DeleteTest, ABusyCommitLeavesRowsAsTheyWere) {
  Db setup("d.db");
  setup.Run("CREATE TABLE x(a)");
  Run("ATTACH 'd.db' AS d; PRAGMA d.journal_mode = delete; PRAGMA busy_timeout = 0");
  setup.Run("BEGIN; SELECT * FROM x"); // holds a shared lock, so no commit of d
  Run("BEGIN; INSERT INTO d.x VALUES(1); DELETE FROM t WHERE rowid = 1");
  EXPECT_EQ(Error("COMMIT").substr(0, 4), "BUSY");
  EXPECT_EQ(All(), "0a0 2c2 3d3 4e4");
  EXPECT_EQ(Bytes("SELECT mmap_slice('r.bin')"), "a0b1c2d3e4");
  Run("DELETE FROM t WHERE rowid = 3; UPDATE t SET n = '8' WHERE rowid = 4");
  EXPECT_EQ(Error("COMMIT").substr(0, 4), "BUSY");
  EXPECT_EQ(All(), "0a0 2c2 4e8");
  setup.Run("COMMIT");
  Run("COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0c2e8");
  EXPECT_EQ(All(), "0a0 1c2 2e8");
}

TEST_F(DeleteTest, LastsThroughASchemaChangeThatIsRolledBack) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 0; SAVEPOINT s; CREATE TEMP TABLE x(a); ROLLBACK TO s");
  EXPECT_EQ(All(), "1b1 2c2 3d3 4e4");
  Run("DELETE FROM t WHERE rowid = 4; COMMIT");
  EXPECT_EQ(Get("r.bin"), "b1c2d3");
}

TEST_F(DeleteTest, ATableWithPendingWritesIsNotDropped) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 0");
  EXPECT_EQ(Error("DROP TABLE t"), "LOCKED database table is locked");
  Run("COMMIT; DROP TABLE t");
  EXPECT_EQ(Get("r.bin"), "b1c2d3e4");
}

TEST_F(DeleteTest, NothingPendingIsNoReasonNotToDrop) {
  Run("BEGIN; SAVEPOINT a; DELETE FROM t WHERE rowid = 0; UPDATE t SET n = 'x'; ROLLBACK TO a;"
      "DROP TABLE t; COMMIT");
  EXPECT_EQ(Get("r.bin"), "a0b1c2d3e4");
}

// What COMMIT closes up is counted from the start: a cut and a growth in between would take bytes
// with it that were written since.
TEST_F(DeleteTest, NoResizeWhileRowsAreDeleted) {
  Run("BEGIN; DELETE FROM t WHERE rowid = 1");
  for (const char *size : {"2", "3", "9", "11", "0"}) {
    EXPECT_EQ(Error("SELECT mmap_resize('r.bin', " + std::string(size) + ")"),
              "ERROR mmap_resize: rows of 'r.bin' were deleted: COMMIT closes them up first")
        << size;
  }
  Run("SELECT mmap_resize('r.bin', 10); SELECT mmap_open('r.bin', 'write', 4)");
  EXPECT_NE(Error("SELECT mmap_resize(1, 2)"), "ok");
  EXPECT_EQ(All(), "0a0 2c2 3d3 4e4");
  Run("SELECT mmap_patch('r.bin', 4, 'C9'); COMMIT; SELECT mmap_resize('r.bin', 4)");
  EXPECT_EQ(Get("r.bin"), "a0C9");
}

TEST_F(DeleteTest, ScansThatAreUnderWaySkipRowsThatGo) {
  sqlite3_stmt *scan = nullptr;
  Run("BEGIN");
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT c FROM t", -1, &scan, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(scan), SQLITE_ROW);
  Run("DELETE FROM t WHERE c IN ('b', 'c')");
  ASSERT_EQ(sqlite3_step(scan), SQLITE_ROW);
  EXPECT_STREQ(reinterpret_cast<const char *>(sqlite3_column_text(scan, 0)), "d");
  Run("COMMIT");
  while (sqlite3_step(scan) == SQLITE_ROW) {}
  EXPECT_EQ(sqlite3_finalize(scan), SQLITE_OK);
  EXPECT_EQ(Get("r.bin"), "a0d3e4");
}

TEST_F(DeleteTest, ClosesUpManyScatteredRows) {
  std::string bytes, expected;
  for (int i = 0; i < 100000; i++) {
    std::string record(7, static_cast<char>('a' + i % 23));
    bytes += record;
    if (i % 3 && i % 1000 > 100) expected += record;
  }
  Put("m.bin", bytes);
  Run("CREATE VIRTUAL TABLE temp.m USING mmap('m.bin', delete=yes, x text(7))");
  Run("DELETE FROM m WHERE rowid % 3 = 0 OR rowid % 1000 <= 100");
  EXPECT_TRUE(Get("m.bin") == expected);
}

/* ---- random programs, beside an ordinary table ----------------------------------------------- */

class Twins {
public:
  Twins(unsigned seed, Db *db, bool sorted) : random_(seed), db_(*db), sorted_(sorted) {
    std::string columns = "k i16be, v u24le, s text(3)";
    FILE *file = fopen("w.bin", "wb");
    fwrite("head", 1, 4, file);
    fclose(file);
    db_.Run("DROP TABLE IF EXISTS t; DROP TABLE IF EXISTS o;"
            "SELECT mmap_config('synchronous', 'off');"
            "CREATE VIRTUAL TABLE temp.t USING mmap('w.bin', offset=4, delete=yes, " +
            columns + (sorted ? ", sorted=k);" : ");") +
            "CREATE TEMP TABLE o(id INTEGER PRIMARY KEY, k INTEGER, v INTEGER, s TEXT)");
    about_ = "seed " + std::to_string(seed) + (sorted ? ", sorted\n" : "\n");
    for (int i = 0; i < 30; i++) Insert();
  }

  void Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); i++) {
      Step();
      Compare();
    }
    if (in_transaction_) End(true);
    Compare();
    if (testing::Test::HasFailure()) ADD_FAILURE() << about_;
  }

private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  std::string N(uint64_t n) { return std::to_string(n); }
  std::string Row() { return N(Below(60)); }

  std::string Where() {
    switch (Below(6)) {
      case 0:
        return "rowid = " + Row();
      case 1:
        return "rowid BETWEEN " + Row() + " AND " + Row();
      case 2:
        return "k > " + N(Below(300));
      case 3:
        return "k BETWEEN " + N(Below(300)) + " AND " + N(Below(300));
      case 4:
        return "s = 'a" + N(Below(9)) + "'";
      default:
        return "v % 5 = " + N(Below(5));
    }
  }

  std::string Both(const std::string &sql, bool *worked) {
    std::string o = sql, t = sql;
    for (size_t at; (at = t.find('%')) != std::string::npos && t[at + 1] == '%';)
      t.replace(at, 2, "t");
    for (size_t at; (at = o.find('%')) != std::string::npos && o[at + 1] == '%';)
      o.replace(at, 2, "o");
    std::string error = db_.Error(t);
    about_ += t + "; -- " + error + "\n";
    *worked = error == "ok";
    return o;
  }

  // On the file first; what it refuses, for the order of its keys alone, the twin would not keep
  // either.
  void Do(const std::string &sql) {
    bool worked;
    std::string twin = Both(sql, &worked);
    if (worked) {
      db_.Run(twin);
      EXPECT_TRUE(IsOrdered()) << about_;
    } else {
      EXPECT_TRUE(sorted_) << about_;
      db_.Run("SAVEPOINT trial; " + twin);
      // A statement of many rows may break the order on its way: only one row tells.
      if (sql.find("rowid = ") != std::string::npos || sql[0] == 'I') {
        EXPECT_FALSE(IsOrdered()) << about_;
      }
      db_.Run("ROLLBACK TO trial; RELEASE trial");
    }
  }

  bool IsOrdered() {
    if (!sorted_) return true;
    return db_.One("SELECT count(*) FROM (SELECT k, lag(k) OVER (ORDER BY id) AS p FROM o)"
                   " WHERE p > k") == "0";
  }

  void Insert() {
    std::string id = next_ >= 0 ? N(static_cast<uint64_t>(next_)) : "0";
    uint64_t k = sorted_ ? last_key_ + Below(4) : Below(300);
    if (sorted_ && Below(10) == 0) k = Below(300);
    std::string values = N(k) + ", " + N(Below(1000)) + ", 'a" + N(Below(9)) + "'";
    bool worked;
    (void)Both("INSERT INTO %%(k, v, s) VALUES(" + values + ")", &worked);
    if (worked) {
      db_.Run("INSERT INTO o(id, k, v, s) VALUES(" + id + ", " + values + ")");
      next_++;
      last_key_ = k;
    }
    if (!in_transaction_) Renumber();
  }

  // What COMMIT does to rowids.
  void Renumber() {
    db_.Run(
        "CREATE TEMP TABLE n AS SELECT row_number() OVER (ORDER BY id) - 1 AS id, k, v, s FROM o;"
        "DELETE FROM o; INSERT INTO o SELECT * FROM n; DROP TABLE n");
    next_ = db_.Int("SELECT count(*) FROM o");
    if (next_)
      last_key_ = static_cast<uint64_t>(db_.Int("SELECT k FROM o ORDER BY id DESC LIMIT 1"));
  }

  void Begin() {
    db_.Run("BEGIN");
    about_ += "BEGIN\n";
    in_transaction_ = true;
    levels_.clear();
    levels_.push_back(next_);
  }

  // The twin is in the temp database, so that it is rolled back along with the file.
  void End(bool commit) {
    about_ += commit ? "COMMIT\n" : "ROLLBACK\n";
    db_.Run(commit ? "COMMIT" : "ROLLBACK");
    if (!commit) next_ = levels_[0];
    in_transaction_ = false;
    Renumber();
  }

  void Savepoint() {
    levels_.push_back(next_);
    db_.Run("SAVEPOINT s" + N(levels_.size()));
    about_ += "SAVEPOINT\n";
  }

  void RollbackTo() {
    if (levels_.size() < 2) return;
    size_t level = 2 + Below(levels_.size() - 1);
    db_.Run("ROLLBACK TO s" + N(level));
    about_ += "ROLLBACK TO " + N(level) + "\n";
    next_ = levels_[level - 1];
    levels_.resize(level);
  }

  void Step() {
    switch (Below(12)) {
      case 0:
      case 1:
      case 2:
        Insert();
        break;
      case 3:
      case 4:
        Do("DELETE FROM %% WHERE " + Where());
        if (!in_transaction_) Renumber();
        break;
      case 5:
        Do("UPDATE %% SET k = " + N(Below(300)) + " WHERE rowid = " + Row());
        break;
      case 6:
        Do("UPDATE %% SET v = (v + " + N(Below(99)) + ") & 1023, s = 'a" + N(Below(9)) +
           "' WHERE " + Where());
        break;
      case 7:
      case 8:
        if (!in_transaction_) {
          Begin();
        } else if (Below(3) == 0) {
          End(Below(4) != 0);
        }
        break;
      case 9:
        if (in_transaction_) Savepoint();
        break;
      default:
        if (in_transaction_ && Below(2)) RollbackTo();
    }
  }

  void Compare() {
    static const char *const queries[] = {
        "SELECT rowid, k, v, s FROM %% ORDER BY rowid",
        "SELECT rowid FROM %% ORDER BY rowid DESC",
        "SELECT k, rowid FROM %% ORDER BY k DESC, rowid DESC LIMIT 5",
        "SELECT count(*), sum(v), min(k), max(k), max(rowid) FROM %%",
    };
    std::string query = queries[Below(4)];
    if (Below(2)) query = "SELECT k, rowid FROM %% WHERE " + Where() + " ORDER BY k, rowid";
    std::string mine = query, ordinary = query;
    mine.replace(mine.find("%%"), 2, "t");
    ordinary.replace(ordinary.find("%%"), 2, "o");
    EXPECT_EQ(db_.Rows(mine), db_.Rows(ordinary)) << mine << "\n" << about_;
  }

  std::mt19937_64 random_;
  Db &db_;
  bool sorted_;
  bool in_transaction_ = false;
  int64_t next_ = 0; // the next rowid
  uint64_t last_key_ = 0;
  std::vector<int64_t> levels_; // next_ at BEGIN and at each savepoint
  std::string about_;
};

TEST_F(DeleteTest, RandomProgramsMatchAnOrdinaryTable) {
  for (unsigned seed = 1; seed <= Rounds(12u) && !HasFailure(); seed++) {
    Twins twins(seed, db.get(), seed % 2 == 0);
    twins.Run(150);
  }
}

} // namespace
} // namespace mm_test
