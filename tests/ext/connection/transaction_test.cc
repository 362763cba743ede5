// Every write belongs to SQLite's current transaction, and nothing is seen of it outside till
// COMMIT.
#include "tests/support/sql.h"

#include <filesystem>

namespace mm_test {
namespace {

class Transaction : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaaaaaaaa");
    Put("b", "bbbbbbbbbb");
  }
  // What the connection sees of a file.
  std::string Seen(const std::string &name) { return Bytes("SELECT mmap_slice('" + name + "')"); }
};

// ---- without BEGIN

TEST_F(Transaction, AStatementOutsideBeginCommitsByItself) {
  Run("SELECT mmap_patch('a', 0, 'XY')");
  EXPECT_EQ(Get("a"), "XYaaaaaaaa");
  Run("UPDATE mmap SET byte = 90 WHERE file = 'a' AND offset > 7");
  EXPECT_EQ(Get("a"), "XYaaaaaaZZ");
  EXPECT_FALSE(HasJournal("a"));
}

TEST_F(Transaction, ASelectOutsideBeginCommitsCallByCall) {
  EXPECT_EQ(Error("SELECT mmap_set('a', value, 65) FROM (SELECT 0 AS value UNION ALL SELECT 1 UNION"
                  " ALL SELECT 99)"),
            "ERROR mmap_set: offset 99 is outside 'a' (10 bytes)");
  EXPECT_EQ(Get("a"), "AAaaaaaaaa");
}

TEST_F(Transaction, AnInsertThatFailsInTheMiddleUndoesWhatItsFunctionsWrote) {
  Run("CREATE TABLE t(x CHECK(x < 2))");
  for (const char *begin : {"", "BEGIN"}) {
    Run(begin);
    EXPECT_EQ(Error("INSERT INTO t SELECT mmap_set('a', value, 65) + value FROM (SELECT 0 AS value"
                    " UNION ALL SELECT 1 UNION ALL SELECT 2)")
                  .substr(0, 8),
              "code 275"); // SQLITE_CONSTRAINT_CHECK
    EXPECT_EQ(Seen("a"), "aaaaaaaaaa") << begin;
    EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
  }
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

TEST_F(Transaction, AnUpdateThatFailsInTheMiddleLeavesNoRowChanged) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a')");
  for (const char *begin : {"", "BEGIN", "SAVEPOINT s"}) {
    Run(begin);
    EXPECT_NE(Error("UPDATE mmap SET byte = 60 * offset WHERE file = 'a'"), "ok");
    EXPECT_NE(Error("UPDATE t SET byte = 60 * offset"), "ok");
    EXPECT_EQ(Seen("a"), "aaaaaaaaaa") << begin;
    if (*begin) Run("ROLLBACK");
  }
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

// SQLite makes no savepoint for it, if the table is virtual.
TEST_F(Transaction, AnUpdateFromThatFailsInTheMiddleLeavesNoRowChanged) {
  if (sqlite3_libversion_number() < 3033000) GTEST_SKIP() << "it came with SQLite 3.33";
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', x u8)");
  Run("CREATE VIRTUAL TABLE temp.c USING mmap('b', n u8, s text(n % 2), m u8)");
  Run("CREATE TABLE p(path, at, value); INSERT INTO p VALUES('b', 0, 65), ('a', 0, 65), ('a', 1, "
      "66), ('a', "
      "2, 300)");
  Run("BEGIN");
  for (const char *level : {"", "SAVEPOINT s", "SELECT mmap_set('b', 9, 67)", "SAVEPOINT s"}) {
    Run(level);
    for (const char *sql :
         {"UPDATE t SET x = p.value FROM p WHERE path = 'a' AND t.rowid = at",
          "UPDATE mmap SET byte = p.value FROM p WHERE file = path AND offset = at",
          "UPDATE OR REPLACE t SET x = p.value FROM p WHERE path = 'a' AND t.rowid = at",
          "UPDATE c SET m = value FROM p WHERE path = 'a' AND c.rowid = at"}) {
      std::string before = Seen("a") + Seen("b");
      EXPECT_EQ(Error(sql).substr(0, 10), "CONSTRAINT") << sql;
      EXPECT_EQ(Seen("a") + Seen("b"), before) << level << " " << sql;
    }
    Run("UPDATE t SET x = x + 1 FROM p WHERE path = 'a' AND t.rowid = at; UPDATE t SET x = 70 "
        "WHERE "
        "rowid = 9");
  }
  EXPECT_EQ(Seen("a"), "eeeaaaaaaF");
  EXPECT_EQ(Seen("b"), "bbbbbbbbbC");
  Run("ROLLBACK TO s");
  EXPECT_EQ(Seen("a"), "dddaaaaaaF");
  EXPECT_EQ(Error("UPDATE OR FAIL t SET x = p.value FROM p WHERE path = 'a' AND t.rowid = at")
                .substr(0, 10),
            "CONSTRAINT");
  EXPECT_EQ(Seen("a"), "ABdaaaaaaF");
  Run("UPDATE OR IGNORE t SET x = p.value + 1 FROM p WHERE path = 'a' AND t.rowid = at");
  EXPECT_EQ(Seen("a"), "BCdaaaaaaF");
  Run("RELEASE s; ROLLBACK TO s; COMMIT");
  EXPECT_EQ(Get("a"), "bbbaaaaaaF");
}

TEST_F(Transaction, AFailedStatementKeepsWhatCameBeforeIt) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'first')");
  EXPECT_NE(Error("UPDATE mmap SET byte = 60 * offset WHERE file = 'a'"), "ok");
  EXPECT_NE(Error("SELECT mmap_patch('a', 8, 'last')"), "ok");
  Run("SELECT mmap_patch('a', 7, 'end'); COMMIT");
  EXPECT_EQ(Get("a"), "firstaaend");
}

TEST_F(Transaction, AFailingFunctionInsideAnUpdateUndoesTheOthers) {
  Run("CREATE TABLE t(n); INSERT INTO t VALUES(0), (5), (10)");
  EXPECT_NE(Error("UPDATE t SET n = mmap_set('a', n, 33)"), "ok");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(One("SELECT group_concat(n) FROM t"), "0,5,10");
}

// ---- BEGIN, COMMIT, ROLLBACK

TEST_F(Transaction, NothingIsInTheFileBeforeCommit) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'new'); SELECT mmap_resize('b', 3)");
  EXPECT_EQ(Seen("a"), "newaaaaaaa");
  EXPECT_EQ(Seen("b"), "bbb");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(Get("b"), "bbbbbbbbbb");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "newaaaaaaa");
  EXPECT_EQ(Get("b"), "bbb");
}

TEST_F(Transaction, RollbackUndoesBytesAndSizes) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'new'); SELECT mmap_resize('a', 20000);"
      "SELECT mmap_insert('b', 2, 'xyz'); SELECT mmap_delete('b', 0, 1); ROLLBACK");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  EXPECT_EQ(Seen("b"), "bbbbbbbbbb");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(Get("b"), "bbbbbbbbbb");
}

TEST_F(Transaction, ATransactionThatOnlyReadsLeavesNoTrace) {
  Run("BEGIN; SELECT mmap_get('a', 0); COMMIT");
  Run("BEGIN; SELECT mmap_patch('a', 0, ''); COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_FALSE(HasJournal("a"));
}

TEST_F(Transaction, AWriteOfTheSameBytesAndAnEmptyOneAreWrites) {
  Run("BEGIN; SELECT mmap_patch('a', 0, 'aa'); SELECT mmap_resize('a', 10); COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

TEST_F(Transaction, EveryNameOfAFileSeesWhatIsNotCommitted) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a')");
  Run("BEGIN; SELECT mmap_open('./a'), mmap_open('" + directory + "/a', 'write', 3, 1)");
  Run("UPDATE t SET byte = 65 WHERE offset = 0");
  Run("SELECT mmap_patch(2, 0, 'BC')");
  Run("UPDATE mmap SET byte = 68 WHERE file = 'a' AND offset = 3");
  for (const char *file : {"'a'", "1", "'./a'"}) {
    EXPECT_EQ(Bytes("SELECT mmap_slice(" + std::string(file) + ", 0, 5)"), "ABCDa") << file;
  }
  EXPECT_EQ(One("SELECT group_concat(char(byte), '') FROM t WHERE offset < 5"), "ABCDa");
  EXPECT_EQ(One("SELECT group_concat(char(byte), '') FROM mmap(2)"), "BCD");
  Run("ROLLBACK");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "aaaaaaaaaa");
}

// A write that nobody looks at before COMMIT is not put into the pages that are read.
TEST_F(Transaction, EveryWayToReadSeesTheWriteBefore) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', x u8)");
  const std::pair<std::string, std::string> reads[] = {
      {"SELECT mmap_get('a', 3)", "66"},
      {"SELECT mmap_slice('a') = CAST('aaaBaaaaaa' AS BLOB)", "1"},
      {"SELECT mmap_find('a', 'B')", "3"},
      {"SELECT mmap_count('a', 'a')", "9"},
      {"SELECT mmap_search('a', '[A-Z]')", "3"},
      {"SELECT byte FROM mmap('a') WHERE offset = 3", "66"},
      {"SELECT x FROM t WHERE rowid = 3", "66"},
      {"SELECT mmap_get(mmap_open('a'), 3)", "66"},
      {"SELECT text = 'aaaBaaaaaa' FROM mmap_lines('a')", "1"},
      {"SELECT offset FROM mmap_find_all('a', 'B')", "3"},
      {"SELECT new = CAST('B' AS BLOB) FROM mmap_changes", "1"},
  };
  for (const auto &[query, answer] : reads) {
    Run("BEGIN");
    Run("SELECT mmap_set('a', 3, 66)");
    EXPECT_EQ(One(query), answer) << query;
    Run("ROLLBACK");
    EXPECT_EQ(Seen("a"), "aaaaaaaaaa") << query;
  }
}

TEST_F(Transaction, EveryWayToWriteSeesTheWriteBefore) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', x u8, delete=yes)");
  const std::pair<std::string, std::string> writes[] = {
      {"SELECT mmap_move('a', 0, 3, 1)", "BaaBaaaaaa"},
      {"SELECT mmap_insert('a', 0, 'x')", "xaaaBaaaaaa"},
      {"SELECT mmap_delete('a', 0, 2)", "aBaaaaaa"},
      {"SELECT mmap_patch('a', 0, mmap_slice('a', 3, 5))", "BaaBaaaaaa"},
      {"UPDATE mmap SET byte = byte + 1 WHERE file = 'a' AND offset > 2", "aaaCbbbbbb"},
      {"UPDATE t SET x = x + 1 WHERE rowid < 4", "bbbCaaaaaa"},
      {"DELETE FROM t WHERE rowid < 2", "aBaaaaaa"},
      {"INSERT INTO t VALUES (67)", "aaaBaaaaaaC"},
  };
  for (const auto &[write, answer] : writes) {
    Run("BEGIN");
    Run("SELECT mmap_set('a', 3, 66)");
    Run(write);
    Run("COMMIT");
    EXPECT_EQ(Get("a"), answer) << write;
    EXPECT_EQ(Seen("a"), answer) << write;
    Put("a", "aaaaaaaaaa");
  }
}

TEST_F(Transaction, AWriteIsSeenInItsOwnStatement) {
  EXPECT_EQ(One("SELECT mmap_set('a', 0, 66) + mmap_get('a', 0)"), "67");
  for (const char *begin : {"", "BEGIN"}) {
    Put("a", "abaaaaaaaa");
    Run(begin);
    EXPECT_EQ(One("SELECT sum(byte * mmap_set('a', offset + 1, byte + 1)) FROM mmap('a')"
                  " WHERE offset < 4"),
              std::to_string('a' + 'b' + 'c' + 'd'));
    EXPECT_EQ(Seen("a"), "abcdeaaaaa") << begin;
    if (*begin) Run("COMMIT");
    EXPECT_EQ(Get("a"), "abcdeaaaaa") << begin;
  }
}

// Behind an SQLITE_CORRUPT SQLite refuses all writes, and makes a ROLLBACK of COMMIT.
TEST_F(Transaction, DamageThatIsReadIsNoEndOfIt) {
  Run("CREATE TABLE kept(x)");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap(*, length u8, value text(length))");
  Run("CREATE VIRTUAL TABLE temp.sorted USING mmap('b', x u8, sorted=x)");
  Put("a", std::string("\1A\5a", 4));
  Put("b", "bcba");
  Run("BEGIN");
  for (const char *damage : {"SELECT count(*) FROM t('a')", "SELECT mmap_get('a', 1, 'cstr')",
                             "SELECT count(*) FROM sorted WHERE x = 98"}) {
    EXPECT_EQ(Error(damage).substr(0, 8), "DAMAGED ") << damage;
    Run("INSERT INTO kept VALUES (1)");
    Run("SELECT mmap_set('a', 1, mmap_get('a', 1) + 1)");
  }
  Run("UPDATE t SET value = lower(value) WHERE file = 'a' AND rowid = 0");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), std::string("\1d\5a", 4));
  EXPECT_EQ(One("SELECT count(*) FROM kept"), "3");
}

TEST_F(Transaction, AJournalInTheWayBarsItsWrites) {
  Run("CREATE TABLE kept(x)");
  Put("c", "cccccccccc");
  Run("BEGIN; SELECT mmap_set('b', 0, 65); INSERT INTO kept VALUES (1)");
  std::filesystem::create_symlink("b", "c-mmap-journal");
  EXPECT_EQ(Error("SELECT mmap_get('c', 0)").substr(0, 8), "CORRUPT ");
  EXPECT_EQ(Error("COMMIT").substr(0, 8), "CORRUPT ");
  if (!sqlite3_get_autocommit(*db)) Run("ROLLBACK");
  EXPECT_EQ(Get("b"), "bbbbbbbbbb");
  EXPECT_EQ(One("SELECT count(*) FROM kept"), "0");
}

TEST_F(Transaction, AHandleThatIsClosedBeforeCommitHasStillWritten) {
  Run("SELECT mmap_open('a', 'write'); BEGIN; SELECT mmap_patch(1, 0, 'kept'); SELECT "
      "mmap_close(1);"
      "COMMIT");
  EXPECT_EQ(Get("a"), "keptaaaaaa");
}

TEST_F(Transaction, RollbackGivesAWindowItsLengthBack) {
  Run("SELECT mmap_open('a', 'write', 5, 5); BEGIN; SELECT mmap_insert(1, 0, 'xy')");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "7");
  Run("SAVEPOINT s; SELECT mmap_resize(1, 2)");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "2");
  Run("ROLLBACK TO s");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "7");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "5");
}

TEST_F(Transaction, APositionIsNoPartOfIt) {
  Run("SELECT mmap_open('a', 'write'); BEGIN; SELECT mmap_write(1, 'xyz'); ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_tell(1)"), "3");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

TEST_F(Transaction, MemoryIsRolledBackLikeAFile) {
  Run("SELECT mmap_open(NULL, 'write', 4); BEGIN; SELECT mmap_patch(1, 0, 'wxyz')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "wxyz");
  Run("ROLLBACK");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), std::string(4, '\0'));
  Run("BEGIN; SELECT mmap_patch(1, 0, 'wxyz'); COMMIT");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "wxyz");
}

TEST_F(Transaction, ACopyIsRolledBackLikeAFile) {
  Run("SELECT mmap_open('a', 'copy'); SELECT mmap_patch(1, 0, 'one');"
      "BEGIN; SELECT mmap_patch(1, 1, 'two')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 5)"), "otwoa");
  Run("SAVEPOINT s; SELECT mmap_patch(1, 2, 'three'); ROLLBACK TO s");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 5)"), "otwoa");
  Run("ROLLBACK");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, 0, 5)"), "oneaa");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

// ---- savepoints

TEST_F(Transaction, SavepointsNest) {
  Run("BEGIN; SELECT mmap_patch('a', 0, '1');"
      "SAVEPOINT x; SELECT mmap_patch('a', 1, '2');"
      "SAVEPOINT y; SELECT mmap_patch('a', 2, '3'); SELECT mmap_patch('b', 2, '3')");
  EXPECT_EQ(Seen("a"), "123aaaaaaa");
  Run("ROLLBACK TO y");
  EXPECT_EQ(Seen("a"), "12aaaaaaaa");
  EXPECT_EQ(Seen("b"), "bbbbbbbbbb");
  Run("SELECT mmap_patch('a', 3, '4'); ROLLBACK TO x");
  EXPECT_EQ(Seen("a"), "1aaaaaaaaa");
  Run("SELECT mmap_patch('a', 9, '9'); RELEASE x; COMMIT");
  EXPECT_EQ(Get("a"), "1aaaaaaaa9");
  EXPECT_EQ(Get("b"), "bbbbbbbbbb");
}

TEST_F(Transaction, AnOutermostSavepointIsATransaction) {
  Run("SAVEPOINT x; SELECT mmap_patch('a', 0, '1'); SAVEPOINT y; SELECT mmap_patch('a', 1, '2')");
  Run("RELEASE y");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  Run("RELEASE x");
  EXPECT_EQ(Get("a"), "12aaaaaaaa");
  Run("SAVEPOINT x; SELECT mmap_patch('a', 0, '9'); ROLLBACK TO x; RELEASE x");
  EXPECT_EQ(Get("a"), "12aaaaaaaa");
}

TEST_F(Transaction, RollbackToIsRepeatable) {
  Run("BEGIN; SAVEPOINT x");
  for (int i = 0; i < 3; i++) {
    Run("SELECT mmap_resize('a', 5000); SELECT mmap_patch('a', 4094, 'edge'); ROLLBACK TO x");
    EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  }
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

TEST_F(Transaction, AReleasedSavepointIsUndoneWithTheOneAroundIt) {
  Run("BEGIN; SAVEPOINT x; SAVEPOINT y; SELECT mmap_patch('a', 0, '1'); RELEASE y;"
      "SAVEPOINT z; SELECT mmap_patch('a', 1, '2'); RELEASE z; ROLLBACK TO x");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  Run("COMMIT");
}

TEST_F(Transaction, WhoJoinsLateUnderSavepointsIsUndoneToEach) {
  Run("BEGIN; SAVEPOINT x; SAVEPOINT y; SAVEPOINT z; SELECT mmap_patch('a', 0, '1')");
  Run("ROLLBACK TO y");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  Run("SELECT mmap_patch('a', 1, '2'); ROLLBACK TO x");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  Run("SELECT mmap_patch('a', 2, '3'); COMMIT");
  EXPECT_EQ(Get("a"), "aa3aaaaaaa");
}

TEST_F(Transaction, ASecondTableThatJoinsLateIsUndoneWithTheFirst) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a'); CREATE VIRTUAL TABLE temp.u USING mmap('b')");
  Run("BEGIN; UPDATE t SET byte = 49 WHERE offset = 0; SAVEPOINT x;"
      "UPDATE t SET byte = 50 WHERE offset = 1; SAVEPOINT y; UPDATE u SET byte = 51;"
      "SELECT mmap_patch('a', 2, '3'); ROLLBACK TO x");
  EXPECT_EQ(Seen("a"), "1aaaaaaaaa");
  EXPECT_EQ(Seen("b"), "bbbbbbbbbb");
  Run("UPDATE u SET byte = 52 WHERE offset = 0; ROLLBACK TO x; COMMIT");
  EXPECT_EQ(Get("a"), "1aaaaaaaaa");
  EXPECT_EQ(Get("b"), "bbbbbbbbbb");
}

TEST_F(Transaction, SavepointsMadeBeforeTheFirstWriteInLaterTransactionsCountAnew) {
  for (int i = 0; i < 3; i++) {
    Run("BEGIN; SAVEPOINT x; SELECT mmap_patch('a', 0, '1'); SAVEPOINT y; SELECT mmap_patch('a', "
        "1, '2');"
        "ROLLBACK TO y; SELECT mmap_patch('a', 2, '3'); COMMIT");
    EXPECT_EQ(Get("a"), "1a3aaaaaaa");
    Run("SELECT mmap_patch('a', 0, 'aaa')");
  }
}

// ---- triggers

TEST_F(Transaction, ATriggersWritesBelongToItsStatement) {
  Run("CREATE TABLE t(n CHECK(n < 3)); CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN"
      "  SELECT mmap_set('a', new.n, 65); END");
  Run("INSERT INTO t VALUES(0), (1)");
  EXPECT_EQ(Get("a"), "AAaaaaaaaa");
  EXPECT_NE(Error("INSERT INTO t VALUES(2), (3)"), "ok");
  EXPECT_EQ(Get("a"), "AAaaaaaaaa");
  Run("BEGIN");
  EXPECT_NE(Error("INSERT INTO t VALUES(2), (3)"), "ok");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "AAaaaaaaaa");
}

TEST_F(Transaction, ATriggerThatRaisesUndoesTheWrites) {
  Run("CREATE TABLE t(n); CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN"
      "  SELECT mmap_set('a', new.n, 33);"
      "  SELECT RAISE(ABORT, 'no') WHERE new.n = 2; END");
  EXPECT_NE(Error("INSERT INTO t VALUES(1), (2)"), "ok");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
  Run("INSERT INTO t VALUES(1)");
  EXPECT_EQ(Get("a"), "a!aaaaaaaa");
}

// SQLite lets no trigger write to a table that is for direct use only, a TEMP one neither.
TEST_F(Transaction, ATriggerWritesByFunctionNotByTable) {
  Run("CREATE TABLE t(n); CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN"
      "  UPDATE mmap SET byte = 33 WHERE file = 'a' AND offset = new.n; END");
  EXPECT_EQ(Error("INSERT INTO t VALUES(1)"), "ERROR unsafe use of virtual table \"mmap\"");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

TEST_F(Transaction, InsertOrRollbackEndsTheTransactionOfTheFilesToo) {
  Run("CREATE TABLE t(n UNIQUE); INSERT INTO t VALUES(1); BEGIN; SELECT mmap_patch('a', 0, 'new')");
  EXPECT_NE(Error("INSERT OR ROLLBACK INTO t VALUES(1)"), "ok");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  Run("SELECT mmap_patch('a', 0, 'one')"); // commits by itself again
  EXPECT_EQ(Get("a"), "oneaaaaaaa");
}

// ---- a ROLLBACK in the middle of a statement

// run(sql): what a function does that runs SQL by itself, as eval of SQLite's ext/misc/eval.c.
void RunHere(sqlite3_context *context, int, sqlite3_value **argv) {
  const char *sql = reinterpret_cast<const char *>(sqlite3_value_text(argv[0]));
  sqlite3_exec(sqlite3_context_db_handle(context), sql, nullptr, nullptr, nullptr);
  sqlite3_result_int(context, 1);
}

// SQLite goes on with the rows, and no COMMIT would be heard of for what they write.
TEST_F(Transaction, AStatementWhoseFunctionRollsBackEndsAsOneOfAnOrdinaryTable) {
  sqlite3_create_function(*db, "run", 1, SQLITE_UTF8, nullptr, RunHere, nullptr, nullptr);
  Put("c", std::string(4, '\0'));
  Run("CREATE TABLE ordinary(x); CREATE VIRTUAL TABLE bytes USING mmap('a', delete=yes);"
      "CREATE VIRTUAL TABLE own USING mmap('a', access=copy);"
      "CREATE VIRTUAL TABLE chain USING mmap('c', n u8, x blob(n));"
      "CREATE VIRTUAL TABLE layout USING mmap(*, n u8);"
      "CREATE VIRTUAL TABLE lines USING mmap_lines('a')");
  for (const char *statement :
       {"INSERT INTO ordinary VALUES(1), (run('ROLLBACK')), (3)",
        "INSERT INTO bytes(byte) VALUES(1), (run('ROLLBACK')), (3)",
        "UPDATE bytes SET byte = run('ROLLBACK')", "DELETE FROM bytes WHERE run('ROLLBACK')",
        "UPDATE own SET byte = run('ROLLBACK')",
        "INSERT INTO chain(n) VALUES(run('ROLLBACK')), (0)",
        "UPDATE layout SET n = run('ROLLBACK') WHERE file = 'a' AND start = 0",
        "UPDATE mmap SET byte = run('ROLLBACK') WHERE file = 'a'",
        "INSERT INTO lines(text) VALUES('x'), (run('ROLLBACK')), ('y')"}) {
    Run("BEGIN; SELECT mmap_set('a', 0, 65)");
    EXPECT_EQ(Error(statement), "code 516 abort due to ROLLBACK") << statement;
    EXPECT_EQ(One("SELECT sum(pending) FROM mmap_list"), "0") << statement;
    EXPECT_EQ(Seen("a"), "aaaaaaaaaa") << statement;
    EXPECT_EQ(Get("a"), "aaaaaaaaaa") << statement;
    EXPECT_EQ(Get("c"), std::string(4, '\0')) << statement;
    EXPECT_EQ(Db().Error("SELECT mmap_patch('a', 0, 'a'), mmap_patch('c', 0, x'00')"), "ok");
  }
}

// They take part in the transaction without having been told of its beginning.
TEST_F(Transaction, TablesThatWereMadeInTheTransactionAreWrittenInIt) {
  Run("BEGIN; CREATE VIRTUAL TABLE temp.bytes USING mmap('a');"
      "CREATE VIRTUAL TABLE IF NOT EXISTS temp.\"a layout\" USING mmap(*, n u8);"
      "/* of lines */ CREATE VIRTUAL TABLE temp.[lines] USING mmap_lines('b')");
  Run("INSERT INTO bytes(byte) VALUES(33); UPDATE bytes SET byte = 66 WHERE offset = 0;"
      "UPDATE \"a layout\" SET n = 67 WHERE file = 'a' AND start = 1 AND rowid = 0;"
      "INSERT INTO lines(text) VALUES('line'); COMMIT");
  EXPECT_EQ(Get("a"), "BCaaaaaaaa!");
  EXPECT_EQ(Get("b"), "bbbbbbbbbb\nline\n");
}

// ---- several files, and the database

TEST_F(Transaction, SeveralFilesCommitTogether) {
  Run("BEGIN; SELECT mmap_patch('a', 0, '1'), mmap_patch('b', 0, '2'); COMMIT");
  EXPECT_EQ(Get("a"), "1aaaaaaaaa");
  EXPECT_EQ(Get("b"), "2bbbbbbbbb");
}

TEST_F(Transaction, WhenOneFileCannotBeCommittedNoneIs) {
  Run("CREATE TABLE t(n); BEGIN; INSERT INTO t VALUES(1);"
      "SELECT mmap_patch('a', 0, '1'), mmap_patch('b', 0, '2')");
  Put("b", "other stuff of another length");
  EXPECT_EQ(Error("COMMIT"),
            "BUSY_SNAPSHOT mmap: 'b' was changed by another program during this transaction");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(Get("b"), "other stuff of another length");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
  EXPECT_FALSE(HasJournal("a"));
  EXPECT_FALSE(HasJournal("b"));
  Run("SELECT mmap_patch('a', 0, '3'), mmap_patch('b', 0, '4')");
  EXPECT_EQ(Get("a"), "3aaaaaaaaa");
  EXPECT_EQ(Get("b"), "4ther stuff of another length");
}

TEST_F(Transaction, TheDatabaseAndTheFilesCommitOrRollBackTogether) {
  Db file("t.db");
  file.Run("CREATE TABLE t(n); BEGIN; INSERT INTO t SELECT mmap_patch('a', 0, 'xx'); ROLLBACK");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  file.Run("BEGIN; INSERT INTO t SELECT mmap_patch('a', 0, 'xx'); COMMIT");
  EXPECT_EQ(Get("a"), "xxaaaaaaaa");
  EXPECT_EQ(file.One("SELECT n FROM t"), "2");
}

TEST_F(Transaction, ACommitThatADeferredForeignKeyForbidsCanBeMended) {
  Run("PRAGMA foreign_keys = 1; CREATE TABLE p(id PRIMARY KEY);"
      "CREATE TABLE c(p REFERENCES p DEFERRABLE INITIALLY DEFERRED)");
  Run("BEGIN; INSERT INTO c VALUES(1); SELECT mmap_patch('a', 0, 'fk')");
  EXPECT_NE(Error("COMMIT"), "ok");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(Seen("a"), "fkaaaaaaaa");
  Run("INSERT INTO p VALUES(1); SELECT mmap_patch('a', 5, 'more'); COMMIT");
  EXPECT_EQ(Get("a"), "fkaaamorea");
}

int Refuse(void *) {
  return 1;
}

TEST_F(Transaction, ACommitHookThatRefusesRollsTheFilesBack) {
  Run("CREATE TABLE t(n)");
  sqlite3_commit_hook(*db, Refuse, nullptr);
  EXPECT_NE(Error("INSERT INTO t SELECT mmap_patch('a', 0, 'xx')"), "ok");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_FALSE(HasJournal("a"));
  sqlite3_commit_hook(*db, nullptr, nullptr);
  Run("INSERT INTO t SELECT mmap_patch('a', 0, 'xx')");
  EXPECT_EQ(Get("a"), "xxaaaaaaaa");
}

// ---- CREATE and DROP

TEST_F(Transaction, ATableCreatedInsideATransactionWritesInIt) {
  Run("BEGIN; CREATE VIRTUAL TABLE v USING mmap('a'); UPDATE v SET byte = 65 WHERE offset = 0");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "Aaaaaaaaaa");
  EXPECT_EQ(One("SELECT byte FROM v LIMIT 1"), "65");
}

TEST_F(Transaction, ATableCreatedInsideATransactionGoesWithIt) {
  Run("BEGIN; CREATE VIRTUAL TABLE v USING mmap('a'); UPDATE v SET byte = 65 WHERE offset = 0; "
      "ROLLBACK");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_EQ(Error("SELECT * FROM v"), "ERROR no such table: v");
}

TEST_F(Transaction, ATableCreatedUnderASavepointGoesWithIt) {
  Run("BEGIN; SELECT mmap_patch('a', 9, 'Z'); SAVEPOINT s; CREATE VIRTUAL TABLE v USING mmap('a');"
      "UPDATE v SET byte = 65 WHERE offset = 0; ROLLBACK TO s");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaZ");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaZ");
}

// SQLite tells a table that is made in the transaction of no savepoint before the next one, and opens
// none for a statement of one row.
TEST_F(Transaction, ATableCreatedUnderASavepointIsUndoneToIt) {
  const char *create = "BEGIN; SAVEPOINT a; CREATE VIRTUAL TABLE n USING mmap('a', access=write);";
  for (const char *writes :
       {"INSERT INTO n(byte) VALUES(65)", "UPDATE n SET byte = 65 WHERE offset = 3",
        "INSERT INTO n(byte) VALUES(65); SAVEPOINT b; INSERT INTO n(byte) VALUES(66)",
        "INSERT INTO n(byte) VALUES(65); SAVEPOINT b; INSERT INTO n(byte) VALUES(66); RELEASE b",
        "INSERT INTO n(byte) VALUES(65); SAVEPOINT b; SELECT mmap_patch('a', 0, 'x'); ROLLBACK TO "
        "b",
        "INSERT INTO n(byte) VALUES(65); SELECT mmap_patch('a', 0, 'x')",
        "SELECT mmap_patch('a', 0, 'x'); INSERT INTO n(byte) VALUES(65)",
        "SAVEPOINT b; INSERT INTO n(byte) VALUES(65)"}) {
    Run(create);
    Run(writes);
    EXPECT_NE(Seen("a"), "aaaaaaaaaa") << writes;
    Run("ROLLBACK TO a");
    EXPECT_EQ(Seen("a"), "aaaaaaaaaa") << writes;
    Run("COMMIT");
    EXPECT_EQ(Get("a"), "aaaaaaaaaa") << writes;
    EXPECT_TRUE(Db().Succeeds("SELECT mmap_patch('a', 0, 'a')")) << "still locked: " << writes;
  }
}

TEST_F(Transaction, ATableCreatedAfterASavepointIsUndoneToIt) {
  Run("BEGIN; SELECT mmap_patch('a', 9, 'Z'); SAVEPOINT a; SAVEPOINT b;"
      "CREATE VIRTUAL TABLE n USING mmap('a'); INSERT INTO n(byte) VALUES(65); SAVEPOINT c;"
      "INSERT INTO n(byte) VALUES(66); ROLLBACK TO c");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaZA");
  Run("ROLLBACK TO b");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaZ");
  Run("SELECT mmap_patch('a', 8, 'Y'); ROLLBACK TO a; COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaZ");
}

TEST_F(Transaction, ATableDroppedWithNothingPendingLeavesTheTransactionHeard) {
  Run("CREATE VIRTUAL TABLE v USING mmap('a')");
  Run("BEGIN; SAVEPOINT a; UPDATE v SET byte = 65; ROLLBACK TO a; DROP TABLE v");
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  Run("SELECT mmap_patch('a', 0, 'x'); ROLLBACK");
  EXPECT_TRUE(Db().Succeeds("SELECT mmap_patch('a', 0, 'a')"));
  Run("BEGIN; SAVEPOINT a; UPDATE v SET byte = 65; ROLLBACK TO a; DROP TABLE v; COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_TRUE(Db().Succeeds("SELECT mmap_patch('a', 0, 'a')")) << "still locked";
}

TEST_F(Transaction, CreateAloneIsNoWrite) {
  Run("CREATE VIRTUAL TABLE v USING mmap('a'); DROP TABLE v");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

TEST_F(Transaction, DropOfATableWithPendingWritesIsRefused) {
  Run("CREATE VIRTUAL TABLE temp.v USING mmap('a'); BEGIN; UPDATE v SET byte = 65 WHERE offset = "
      "0");
  EXPECT_NE(Error("DROP TABLE v"), "ok");
  Run("COMMIT; DROP TABLE v");
  EXPECT_EQ(Get("a"), "Aaaaaaaaaa");
}

// SQLite connects a table anew when it has read the schema again: another one than has written.
TEST_F(Transaction, DropOfATableWithPendingWritesIsRefusedWhateverHappenedToTheSchema) {
  Run("CREATE VIRTUAL TABLE v USING mmap('a'); CREATE VIRTUAL TABLE w USING mmap('a')");
  for (const char *before :
       {"CREATE VIRTUAL TABLE n USING mmap('a'); UPDATE n SET byte = 65; SAVEPOINT s; ROLLBACK TO "
        "s",
        "CREATE VIRTUAL TABLE n USING mmap('a'); UPDATE n SET byte = 65; SAVEPOINT s;"
        "CREATE TABLE t(x); ROLLBACK TO s",
        "ALTER TABLE v RENAME TO m; UPDATE m SET byte = 65; ALTER TABLE m RENAME TO n",
        "UPDATE v SET byte = 65; ALTER TABLE v RENAME TO m; ALTER TABLE m RENAME TO n",
        "UPDATE v SET byte = 65; ALTER TABLE v RENAME TO n; SAVEPOINT s;"
        "ALTER TABLE n RENAME TO m; ROLLBACK TO s"}) {
    Run("BEGIN; " + std::string(before));
    EXPECT_EQ(Error("DROP TABLE n"), "LOCKED database table is locked") << before;
    Run("DROP TABLE w; COMMIT");
    EXPECT_EQ(Get("a"), "AAAAAAAAAA") << before;
    Run("DROP TABLE n; DROP TABLE IF EXISTS v; CREATE VIRTUAL TABLE v USING mmap('a');"
        "CREATE VIRTUAL TABLE w USING mmap('a'); UPDATE v SET byte = 97");
  }
}

TEST_F(Transaction, DropGoesOnWhereWritesAndANewConnectionAreUndone) {
  Run("BEGIN; CREATE VIRTUAL TABLE v USING mmap('a'); SAVEPOINT s; UPDATE v SET byte = 65;"
      "ROLLBACK TO s; DROP TABLE v; COMMIT");
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  Run("CREATE VIRTUAL TABLE v USING mmap('a');"
      "BEGIN; SAVEPOINT s; UPDATE v SET byte = 65; ROLLBACK TO s; CREATE TABLE t(x);"
      "DROP TABLE v; SELECT mmap_patch('a', 0, 'Z');"
      "CREATE VIRTUAL TABLE v USING mmap('a'); DROP TABLE v; COMMIT");
  EXPECT_EQ(Get("a"), "Zaaaaaaaaa");
}

// ---- who may not write

TEST_F(Transaction, QueryOnlyRefusesEveryWrite) {
  Run("CREATE VIRTUAL TABLE temp.v USING mmap('a'); SELECT mmap_open('a', 'write'); PRAGMA "
      "query_only = 1");
  for (const char *sql :
       {"SELECT mmap_set('a', 0, 1)", "SELECT mmap_patch(1, 0, 'x')", "SELECT mmap_resize('a', 1)",
        "SELECT mmap_insert('a', 0, 'x')", "SELECT mmap_delete('a', 0, 1)",
        "SELECT mmap_move('a', 0, 1, 1)", "SELECT mmap_write(1, 'x')",
        "SELECT mmap_write_byte(1, 1)", "UPDATE mmap SET byte = 1 WHERE file = 'a'",
        "UPDATE v SET byte = 1", "INSERT INTO v(byte) VALUES(1)"}) {
    EXPECT_EQ(Error(sql).substr(0, 8), "READONLY") << sql;
  }
  EXPECT_EQ(Seen("a"), "aaaaaaaaaa");
  Run("PRAGMA query_only = 0; SELECT mmap_set('a', 0, 65)");
  EXPECT_EQ(Get("a"), "Aaaaaaaaaa");
}

// SQLite itself rolls a hot journal back then: what a crash left is no write of this connection.
TEST_F(Transaction, QueryOnlyFinishesWhatACrashLeft) {
  Db("t.db").Run("CREATE TABLE t(n)");
  Db writer("t.db"), reader("t.db", nullptr, false);
  reader.Run("BEGIN; SELECT * FROM t");
  writer.Run("BEGIN; INSERT INTO t VALUES(1); SELECT mmap_patch('a', 0, 'new')");
  EXPECT_EQ(writer.Error("COMMIT"), "BUSY database is locked");
  std::filesystem::copy_file("a-mmap-journal", "left");
  writer.Run("ROLLBACK");
  std::filesystem::rename("left", "a-mmap-journal");
  Run("PRAGMA query_only = 1");
  EXPECT_EQ(Seen("a"), "newaaaaaaa");
  EXPECT_EQ(Get("a"), "newaaaaaaa");
  EXPECT_FALSE(HasJournal("a"));
}

TEST_F(Transaction, QueryOnlyMakesNoFile) {
  Run("PRAGMA query_only = 1");
  EXPECT_EQ(Error("SELECT mmap_open('new', 'create')").substr(0, 8), "READONLY");
  EXPECT_FALSE(Exists("new"));
  EXPECT_EQ(Error("SELECT mmap_open('a', 'write')"),
            "READONLY mmap_open: PRAGMA query_only is set");
}

TEST_F(Transaction, AReadOnlyDatabaseRefusesEveryWrite) {
  Db("t.db", nullptr, false).Run("CREATE TABLE t(n)");
  Db file("t.db", nullptr, true, SQLITE_OPEN_READONLY);
  file.Run("CREATE VIRTUAL TABLE temp.v USING mmap('a')");
  for (const char *sql : {"SELECT mmap_set('a', 0, 1)", "SELECT mmap_open('a', 'write')",
                          "CREATE VIRTUAL TABLE temp.w USING mmap('new', access=create)",
                          "UPDATE mmap SET byte = 1 WHERE file = 'a'", "UPDATE v SET byte = 1",
                          "INSERT INTO v(byte) VALUES(1)", "SELECT mmap_open('new', 'create')"}) {
    EXPECT_EQ(file.Error(sql).substr(0, 8), "READONLY") << sql;
  }
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  EXPECT_FALSE(Exists("new"));
}

TEST_F(Transaction, AReadonlyLibraryReadsAndUpdatesNothing) {
  Db reader(":memory:", "sqlite3_mmap_readonly_init");
  EXPECT_EQ(reader.One("SELECT mmap_get('a', 0), (SELECT count(*) FROM mmap('a'))"), "97|10");
  EXPECT_NE(reader.Error("UPDATE mmap SET byte = 1 WHERE file = 'a'"), "ok");
  EXPECT_EQ(reader.Error("SELECT mmap_open('a', 'write')"),
            "READONLY mmap_open: this connection only reads");
  EXPECT_NE(reader.Error("CREATE VIRTUAL TABLE v USING mmap('new', access=create)"), "ok");
  EXPECT_NE(reader.Error("SELECT mmap_open('new', 'create')"), "ok");
  EXPECT_FALSE(Exists("new"));
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
}

// ---- what SQL sees of it

TEST_F(Transaction, AFunctionsWriteLeavesTheLastInsertRowid) {
  Run("CREATE TABLE t(n); INSERT INTO t VALUES(1), (2), (3); SELECT mmap_patch('a', 0, 'x')");
  EXPECT_EQ(One("SELECT last_insert_rowid()"), "3");
}

TEST_F(Transaction, ConnectionsCloseWithATransactionOpen) {
  Db second;
  second.Run("BEGIN; SELECT mmap_patch('a', 0, 'x')");
  second.Close();
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  Run("SELECT mmap_patch('a', 0, 'y')"); // nobody holds the lock
  EXPECT_EQ(Get("a"), "yaaaaaaaaa");
}

TEST_F(Transaction, ALongTransactionIsWhole) {
  Run("BEGIN");
  std::string expected = "aaaaaaaaaa";
  for (int i = 0; i < 300; i++) {
    Run("SELECT mmap_insert('a', " + std::to_string(i % 7) + ", 'k" + std::to_string(i) + "')");
    expected.insert(static_cast<size_t>(i % 7), "k" + std::to_string(i));
  }
  EXPECT_EQ(Get("a"), "aaaaaaaaaa");
  Run("COMMIT");
  EXPECT_EQ(Get("a"), expected);
}

} // namespace
} // namespace mm_test
