// mmap_config('isolation', …): what a statement, or a transaction, sees of a file is one commit.
#include "tests/support/sql.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>

namespace mm_test {
namespace {

// probe(file): what another connection comes to that writes to the file and commits, in one word.
void Probe(sqlite3_context *context, int, sqlite3_value **argv) {
  Db *other = static_cast<Db *>(sqlite3_user_data(context));
  const char *file = reinterpret_cast<const char *>(sqlite3_value_text(argv[0]));
  std::string result = other->Error("SELECT mmap_patch(" + Quote(file) + ", 0, 'Z')");
  result = result.substr(0, result.find(' '));
  sqlite3_result_text(context, result.c_str(), -1, SQLITE_TRANSIENT);
}

class Isolation : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaa\nbbbb\ncccc\n");
    Put("b", "dddd\neeee\nffff\n");
    other = std::make_unique<Db>();
    other->Run("SELECT mmap_config('busy_timeout', 0)");
    Use("statement");
  }
  void TearDown() override {
    db.reset();
    other.reset();
    SqlTest::TearDown();
  }
  void Use(const std::string &isolation,
           const std::string &file = ":memory:", const char *entry = nullptr,
           int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) {
    db = std::make_unique<Db>(file, entry, true, flags);
    Run("SELECT mmap_config('busy_timeout', 0), mmap_config('isolation', '" + isolation + "')");
    sqlite3_create_function(*db, "probe", 1, SQLITE_UTF8, other.get(), Probe, nullptr, nullptr);
  }
  std::string Write(const std::string &file) {
    std::string result = other->Error("SELECT mmap_patch('" + file + "', 0, 'Z')");
    return result.substr(0, result.find(' '));
  }
  std::unique_ptr<Db> other;
};

// ---------------------------------------------------------------------------- the setting

TEST_F(Isolation, IsNoneByDefault) {
  EXPECT_EQ(other->One("SELECT mmap_config('isolation')"), "none");
  EXPECT_EQ(other->One("SELECT mmap_config('isolation', 'STATEMENT')"), "statement");
  EXPECT_EQ(other->Error("SELECT mmap_config('isolation', 'snapshot')"),
            "ERROR mmap_config: isolation 'snapshot' is none of none, statement, transaction");
  EXPECT_EQ(other->One("SELECT mmap_config('isolation')"), "statement");
}

TEST_F(Isolation, NoneLetsOthersCommit) {
  Use("none");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), probe('a'), mmap_get('a', 0)"), "97|ok|90");
}

// ---------------------------------------------------------------------------- a statement

struct Form {
  const char *before; // what is there already
  const char *sql;    // has the place for probe() as %
  std::string Probes(const std::string &file) const {
    std::string text = sql;
    return text.replace(text.find('%'), 1, "probe('" + file + "')");
  }
};

// Each has looked at 'a' when it comes to the probe.
const Form kForms[] = {
    {"", "SELECT mmap_get('a', 0) IS NULL, %"},
    {"", "SELECT mmap_slice('a') IS NULL, %"},
    {"", "SELECT mmap_length('a') = 0, %"},
    {"", "SELECT mmap_size('a') = 0, %"},
    {"", "SELECT mmap_find('a', 'zz') = 0, %"},
    {"", "SELECT mmap_rfind('a', 'zz') = 0, %"},
    {"", "SELECT mmap_count('a', 'zz') = 1, %"},
    {"", "SELECT mmap_search('a', 'z+') = 0, %"},
    {"", "SELECT mmap_crc32('a') = 0, %"},
    {"SELECT mmap_open('a')", "SELECT mmap_get(1, 0) IS NULL, %"},
    {"SELECT mmap_open('a')", "SELECT mmap_readline(1) IS NULL, %"},
    {"SELECT mmap_open('a')", "SELECT 0, % FROM mmap(1)"},
    {"", "SELECT mmap_open('a') = 0, %"},
    {"", "SELECT mmap_open('a', 'copy') = 0, %"},
    {"SELECT mmap_open('a', 'copy')", "SELECT mmap_get(1, 0) IS NULL, %"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap('a', access=copy)", "SELECT 0, % FROM t"},
    {"", "SELECT 0, % FROM mmap('a')"},
    {"", "SELECT 0, % FROM mmap('a') WHERE byte = 10"},
    {"", "SELECT 0, max(%) FROM mmap('a')"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap('a')", "SELECT 0, % FROM t"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap('a', c text(5))", "SELECT 0, % FROM t"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap('a', c text(5), sorted=c)",
     "SELECT 0, % FROM t WHERE c = 'bbbb' || char(10)"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap('a', c text(5), sorted=c)",
     "SELECT mmap_check('t') IS NULL, %"},
    {"", "SELECT 0, % FROM mmap_lines('a')"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap_lines('a', sorted=yes)",
     "SELECT 0, % FROM t WHERE text = 'bbbb'"},
    {"CREATE VIRTUAL TABLE temp.t USING mmap_lines('a', sorted=yes)",
     "SELECT mmap_check('t') IS NULL, %"},
    {"", "SELECT 0, % FROM mmap_find_all('a', 'bb')"},
    {"", "SELECT 0, % FROM mmap_search_all('a', 'b+')"},
    {"", "SELECT 0, % FROM mmap_strings('a')"},
    {"", "SELECT 0, % FROM mmap_hexdump('a')"},
    {"", "SELECT 0, % FROM mmap_histogram('a')"},
    {"", "SELECT 0, % FROM mmap_diff('a', 'b')"},
    {"", "SELECT 0, % FROM mmap_diff('b', 'a')"},
    {"", "SELECT 0, % FROM mmap('a') x JOIN mmap('b') y ON x.offset = y.offset"},
    {"", "SELECT 0, % FROM mmap('b') y JOIN mmap('a') x ON x.offset = y.offset"},
    {"", "SELECT (SELECT count(*) FROM mmap('a')) = 0, %"},
    {"", "SELECT (SELECT count(*) FROM mmap('a') WHERE offset > v.column1) = 0, % "
         "FROM (VALUES(0), (1), (2)) v"},
    {"", "WITH c AS MATERIALIZED (SELECT sum(byte) s FROM mmap('a')) SELECT s = 0, % FROM c"},
    {"", "SELECT byte = 0, 'BUSY' FROM mmap('a') UNION ALL SELECT 0, %"},
    {"", "SELECT 0, % WHERE EXISTS (SELECT 1 FROM mmap('a') WHERE byte = 99)"},
};

TEST_F(Isolation, AStatementSeesOneCommitToItsEnd) {
  for (const Form &form : kForms) {
    Use("statement");
    Run(form.before);
    std::string rows = Rows(form.Probes("a"));
    EXPECT_NE(rows, "") << form.sql;
    for (size_t at = 0; at < rows.size(); at = rows.find('\n', at)) {
      if (rows[at] == '\n') at++;
      EXPECT_EQ(rows.substr(at, 6), "0|BUSY") << form.sql << "\n" << rows;
    }
    EXPECT_EQ(Write("a"), "ok") << "after " << form.sql;
    Put("a", "aaaa\nbbbb\ncccc\n");
  }
}

TEST_F(Isolation, WhatAStatementDoesNotUseOthersCommit) {
  EXPECT_EQ(One("SELECT mmap_get('a', 0), probe('b')"), "97|ok");
}

TEST_F(Isolation, AStatementThatHasNotEndedHoldsIt) {
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap('a')", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(Write("a"), "BUSY");
  EXPECT_EQ(One("SELECT mmap_get('a', 0)"), "97");
  EXPECT_EQ(Write("a"), "BUSY") << "another statement has ended, this has not";
  sqlite3_reset(stmt);
  EXPECT_EQ(Write("a"), "ok");
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(sqlite3_column_int(stmt, 0), 'Z');
  sqlite3_finalize(stmt);
}

// More files than a statement's functions remember.
TEST_F(Isolation, ManyFilesAreHeldFromTheFirstToTheLast) {
  std::string values;
  for (int i = 0; i < 20; i++) {
    std::string name = "f" + std::to_string(i);
    Put(name, "x");
    values += (i ? ",('" : "('") + name + "')";
  }
  EXPECT_EQ(One("SELECT sum(mmap_get(column1, 0)), probe('f0'), probe('f19') FROM (VALUES " +
                values + ")"),
            "2400|BUSY|BUSY");
  EXPECT_EQ(Write("f0"), "ok");
}

TEST_F(Isolation, ACursorHoldsTheFilesThatItHasLeft) {
  for (const char *table :
       {"mmap(v.column1)", "mmap_lines(v.column1)", "mmap_hexdump(v.column1)"}) {
    EXPECT_EQ(Rows(std::string("SELECT v.column1, probe('a'), probe('b') FROM (VALUES('a'), ('b'), "
                               "(NULL)) v JOIN ") +
                   table + " t ON t.offset = 0"),
              "a|BUSY|ok\nb|BUSY|BUSY")
        << table;
    Put("b", "dddd\n");
  }
}

TEST_F(Isolation, WhatAWriteReadsIsHeld) {
  Run("CREATE TABLE t(x)");
  Run("INSERT INTO t SELECT probe('a') FROM mmap('a') LIMIT 1");
  EXPECT_EQ(One("SELECT x FROM t"), "BUSY");
  Run("UPDATE t SET x = (SELECT probe('b') FROM mmap('b') LIMIT 1)");
  EXPECT_EQ(One("SELECT x FROM t"), "BUSY");
  Run("UPDATE t SET x = mmap_get('b', 0) || probe('b')");
  EXPECT_EQ(One("SELECT x FROM t"), "100BUSY");
  Run("BEGIN; DELETE FROM t WHERE mmap_get('b', 0) AND probe('b') = 'BUSY'");
  EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
  EXPECT_EQ(Write("b"), "ok") << "the statement has ended, its transaction has not";
  Run("COMMIT");
}

// SQLite closes the cursor of a row by rowid before it writes the row.
TEST_F(Isolation, AnUpdateIsTheWriterBeforeItReads) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', c u8)");
  for (const char *sql :
       {"UPDATE t SET c = c + (probe('a') = 'BUSY') WHERE rowid = 0",
        "UPDATE t SET c = c + (probe('a') = 'BUSY') WHERE rowid < 1",
        "UPDATE mmap SET byte = byte + (probe('a') = 'BUSY') WHERE file = 'a' AND offset = 0"}) {
    Put("a", "a");
    Run(sql);
    EXPECT_EQ(Get("a"), "b") << sql;
    EXPECT_EQ(Write("a"), "ok");
  }
}

TEST_F(Isolation, AnUpdateOfWhatCannotBeWrittenReadsIt) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', c u8)");
  ASSERT_EQ(link("a", "linked"), 0);
  Run("UPDATE t SET c = 1 WHERE c = 0");
  EXPECT_EQ(Error("UPDATE t SET c = 1").substr(0, 8), "READONLY");
  EXPECT_EQ(One("SELECT c FROM t WHERE rowid = 0"), "97");
  unlink("linked");
  EXPECT_EQ(Write("a"), "ok");
}

// Functions that write commit by themselves outside BEGIN; the statement goes on with its own.
TEST_F(Isolation, AFunctionThatWritesGoesOnToHoldTheFile) {
  EXPECT_EQ(One("SELECT mmap_set('a', 0, 66), probe('a'), mmap_get('a', 0), probe('b')"),
            "1|BUSY|66|ok");
  EXPECT_EQ(One("SELECT mmap_get('a', 1), mmap_set('a', 1, 66), probe('a'), mmap_get('a', 1)"),
            "97|1|BUSY|66");
  EXPECT_EQ(Get("a").substr(0, 2), "BB");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, ATemporaryTriggersProgramIsHeldToItsEnd) {
  Run("CREATE TABLE t(x); CREATE TABLE seen(x);"
      "CREATE TEMP TRIGGER g AFTER INSERT ON t BEGIN INSERT INTO seen SELECT probe('a') FROM "
      "mmap('a')"
      " LIMIT 1; END");
  Run("INSERT INTO t VALUES(1), (2)");
  EXPECT_EQ(Rows("SELECT x FROM seen"), "BUSY\nBUSY");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, AStatementThatFailsHoldsNothing) {
  EXPECT_EQ(Error("SELECT mmap_get('a', 0), mmap_get('a', 1000)").substr(0, 5), "ERROR");
  EXPECT_EQ(Error("SELECT abs(-9223372036854775808) FROM mmap('a')").substr(0, 5), "ERROR");
  EXPECT_EQ(Write("a"), "ok");
}

// A slice that SQLite holds without a copy is the file's pages.
TEST_F(Isolation, ASliceWithoutACopyStaysAsItIs) {
  Put("a", std::string(1 << 20, 'x'));
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT mmap_slice('a') FROM (VALUES(1), (2))", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  const void *slice = sqlite3_column_blob(stmt, 0);
  EXPECT_EQ(Write("a"), "BUSY");
  EXPECT_EQ(static_cast<const char *>(slice)[0], 'x');
  sqlite3_finalize(stmt);
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, TagsAreHeldAndMemoryIsNobodyElses) {
  std::string tag = "isolation-" + std::to_string(getpid());
  std::string open = "SELECT mmap_open(NULL, 'write', 10, 0, '" + tag + "')";
  Run(open);
  other->Run(open);
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap(1)", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(other->Error("SELECT mmap_set(1, 0, 5)").substr(0, 4), "BUSY");
  sqlite3_finalize(stmt);
  EXPECT_EQ(other->Error("SELECT mmap_set(1, 0, 5)"), "ok");
  EXPECT_EQ(One("SELECT mmap_set(1, 1, 6), mmap_get(1, 0), mmap_get(1, 1)"), "1|5|6");
  EXPECT_EQ(other->Error("SELECT mmap_set(1, 0, 5)"), "ok");
  EXPECT_EQ(One("SELECT mmap_open(NULL, 'write', 10)"), "2");
  EXPECT_EQ(One("SELECT mmap_set(2, 0, 5), mmap_get(2, 0)"), "1|5");
}

// ---------------------------------------------------------------------------- commits

TEST_F(Isolation, ACommitThatWasRefusedCanBeTriedAgain) {
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap('a')", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  other->Run("BEGIN; SELECT mmap_patch('b', 0, 'Y'), mmap_patch('a', 0, 'Y')");
  EXPECT_EQ(other->Error("COMMIT"),
            "BUSY mmap: 'a' is being read by another connection or process");
  EXPECT_EQ(One("SELECT mmap_get('b', 0)"), "100") << "nothing of it is there";
  EXPECT_EQ(other->Error("COMMIT").substr(0, 4), "BUSY");
  sqlite3_finalize(stmt);
  other->Run("COMMIT");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), mmap_get('b', 0)"), "89|89");
}

TEST_F(Isolation, AStatementByItselfThatCannotCommitIsUndone) {
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap('a')", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  EXPECT_EQ(other->Error("UPDATE mmap SET byte = 1 WHERE file = 'a'").substr(0, 4), "BUSY");
  EXPECT_EQ(other->One("SELECT mmap_get('a', 0)"), "97");
  sqlite3_finalize(stmt);
  EXPECT_EQ(One("SELECT mmap_get('a', 0)"), "97");
}

// SQLite finds that it cannot commit when the files are ready: readers wait for what comes of it.
TEST_F(Isolation, ACommitThatTheDatabaseRefusesKeepsReadersOutUntilTheTransactionGoesOn) {
  Db writer("t.db"), reader("t.db", nullptr, false);
  writer.Run("SELECT mmap_config('busy_timeout', 0); CREATE TABLE t(x)");
  writer.Run("BEGIN; INSERT INTO t VALUES(1); SELECT mmap_patch('a', 0, 'Y')");
  reader.Run("BEGIN; SELECT * FROM t");
  EXPECT_EQ(writer.Error("COMMIT"), "BUSY database is locked");
  EXPECT_EQ(Error("SELECT mmap_get('a', 0)"),
            "BUSY mmap_get: 'a' is being committed by another connection or process");
  writer.Run("SELECT mmap_patch('a', 1, 'Y')");
  EXPECT_EQ(One("SELECT mmap_get('a', 0)"), "97");
  EXPECT_EQ(writer.Error("COMMIT"), "BUSY database is locked");
  reader.Run("COMMIT");
  writer.Run("COMMIT");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), mmap_get('a', 1)"), "89|89");
}

TEST_F(Isolation, ACommitWaitsForItsBusyTimeout) {
  other->Run("SELECT mmap_config('busy_timeout', 60000)");
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap('a')", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  std::thread commits([&] { EXPECT_EQ(Write("a"), "ok"); });
  std::this_thread::sleep_for(std::chrono::milliseconds(30));
  EXPECT_EQ(Get("a").substr(0, 1), "a");
  sqlite3_finalize(stmt);
  commits.join();
  EXPECT_EQ(Get("a").substr(0, 1), "Z");
}

TEST_F(Isolation, AReaderWaitsForItsBusyTimeout) {
  Db writer("t.db"), blocks("t.db", nullptr, false);
  writer.Run("CREATE TABLE t(x); BEGIN; INSERT INTO t VALUES(1); SELECT mmap_patch('a', 0, 'Y')");
  blocks.Run("BEGIN; SELECT * FROM t");
  EXPECT_EQ(writer.Error("COMMIT"), "BUSY database is locked");
  blocks.Run("COMMIT");
  Run("SELECT mmap_config('busy_timeout', 60000)");
  std::thread commits([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    writer.Run("COMMIT");
  });
  EXPECT_EQ(One("SELECT mmap_get('a', 0)"), "89");
  commits.join();
}

TEST_F(Isolation, NoNewReaderStartsWhileACommitWaits) {
  other->Run("SELECT mmap_config('busy_timeout', 60000)");
  Db late;
  late.Run("SELECT mmap_config('busy_timeout', 0), mmap_config('isolation', 'statement')");
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap('a')", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  std::thread commits([&] { EXPECT_EQ(Write("a"), "ok"); });
  while (late.Succeeds("SELECT mmap_get('a', 0)")) usleep(200);
  EXPECT_EQ(One("SELECT mmap_get('a', 0)"), "97") << "this one has started";
  sqlite3_finalize(stmt);
  commits.join();
  EXPECT_EQ(late.One("SELECT mmap_get('a', 0)"), "90");
}

TEST_F(Isolation, AKilledReaderHoldsNothing) {
  int ready[2];
  ASSERT_EQ(pipe(ready), 0);
  pid_t child = fork();
  if (child == 0) {
    Db reader;
    reader.Run("SELECT mmap_config('isolation', 'transaction'); BEGIN; SELECT mmap_get('a', 0)");
    if (write(ready[1], "x", 1) == 1) pause();
    _exit(1);
  }
  char byte;
  ASSERT_EQ(read(ready[0], &byte, 1), 1);
  EXPECT_EQ(Write("a"), "BUSY");
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
  EXPECT_EQ(Write("a"), "ok");
  close(ready[0]);
  close(ready[1]);
}

// Without isolation each might add to what the other has overwritten since.
TEST_F(Isolation, UpdatesWaitForEachOtherAndNoneIsLost) {
  Put("n", std::string(4, '\0'));
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; t++) {
    threads.emplace_back([] {
      Db adds;
      adds.Run("SELECT mmap_config('busy_timeout', 60000), mmap_config('isolation', 'statement'),"
               " mmap_config('synchronous', 'off');"
               "CREATE VIRTUAL TABLE temp.t USING mmap('n', v u32le)");
      for (int i = 0; i < 40; i++) adds.Run("UPDATE t SET v = v + 1 WHERE rowid = 0");
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(One("SELECT mmap_get('n', 0, 'u32le')"), "120");
}

// begins(file): the same of one that writes to the file and does not commit.
void Begins(sqlite3_context *context, int, sqlite3_value **argv) {
  Db *other = static_cast<Db *>(sqlite3_user_data(context));
  const char *file = reinterpret_cast<const char *>(sqlite3_value_text(argv[0]));
  if (!sqlite3_get_autocommit(*other)) other->Run("ROLLBACK"); // SQLite may call it twice
  std::string result = other->Error("BEGIN; SELECT mmap_patch(" + Quote(file) + ", 0, 'Z')");
  result = result.substr(0, result.find(' '));
  sqlite3_result_text(context, result.c_str(), -1, SQLITE_TRANSIENT);
}

TEST_F(Isolation, AnInsertFromItsOwnTableIsTheWriterBeforeItReads) {
  sqlite3_create_function(*db, "begins", 1, SQLITE_UTF8, other.get(), Begins, nullptr, nullptr);
  const std::pair<const char *, std::string> forms[] = {
      {"mmap_lines('n', separator=',', v integer, w)", "7\n"},
      {"mmap_lines('n', separator=',', v integer, w, sorted=v)", "7\n"},
      {"mmap('n', v u32le)", "abcd"},
      {"mmap('n', size u8, v text(size))", "\1a"}};
  for (const auto &form : forms) {
    Put("n", form.second);
    Run("CREATE VIRTUAL TABLE temp.t USING " + std::string(form.first));
    Run("INSERT INTO t(v) SELECT 100 + n FROM (SELECT count(*) AS n, begins('n') AS other FROM t) "
        "WHERE other IS NOT NULL");
    EXPECT_EQ(One("SELECT v FROM t WHERE offset > 0"), "101") << form.first;
    other->Run("ROLLBACK");
    Run("DROP TABLE temp.t");
  }
  // Who only reads, or is refused, is no writer.
  Put("n", "7\n");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines('n', separator=',', v integer, w)");
  EXPECT_EQ(One("SELECT begins('n') FROM t"), "ok");
  EXPECT_EQ(Error("UPDATE t SET v = 1").substr(0, 8), "READONLY");
  other->Run("ROLLBACK");
}

// ---------------------------------------------------------------------------- a transaction

TEST_F(Isolation, ATransactionHoldsWhatItHasReadToItsEnd) {
  Use("transaction");
  for (const char *end : {"COMMIT", "ROLLBACK"}) {
    Run("BEGIN; SELECT mmap_get('a', 0)");
    EXPECT_EQ(Write("a"), "BUSY");
    EXPECT_EQ(Write("b"), "ok");
    Run("SELECT count(*) FROM mmap('b')");
    EXPECT_EQ(Write("b"), "BUSY");
    Run(end);
    EXPECT_EQ(Write("a"), "ok");
    EXPECT_EQ(Write("b"), "ok");
  }
}

TEST_F(Isolation, OutsideATransactionItIsTheStatements) {
  Use("transaction");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), probe('a')"), "97|BUSY");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, RollbackToLetsGoOfNothing) {
  Use("transaction");
  Run("SAVEPOINT one; SAVEPOINT two; SELECT mmap_get('a', 0); ROLLBACK TO two; RELEASE two");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("ROLLBACK TO one");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("RELEASE one");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, TransactionsOfOneDatabaseReadTogether) {
  Db("t.db").Run("PRAGMA journal_mode = WAL; CREATE TABLE t(x)");
  Use("transaction", "t.db");
  Db second("t.db"), third("t.db");
  second.Run("SELECT mmap_config('isolation', 'transaction'); BEGIN; SELECT mmap_get('a', 0)");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  third.Run("INSERT INTO t VALUES(1)"); // and do not take main's lock
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "BUSY");
  second.Run("COMMIT");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, OfTwoThatReadAndThenWriteOneIsRefused) {
  Use("transaction");
  other->Run("SELECT mmap_config('isolation', 'transaction')");
  for (Db *one : {db.get(), other.get()}) one->Run("BEGIN; SELECT mmap_get('a', 0)");
  Run("SELECT mmap_set('a', 0, mmap_get('a', 0) + 1)");
  EXPECT_EQ(other->Error("SELECT mmap_set('a', 0, mmap_get('a', 0) + 1)").substr(0, 4), "BUSY");
  EXPECT_EQ(Error("COMMIT").substr(0, 4), "BUSY");
  other->Run("ROLLBACK");
  Run("COMMIT");
  other->Run("BEGIN; SELECT mmap_set('a', 0, mmap_get('a', 0) + 1); COMMIT");
  EXPECT_EQ(Get("a").substr(0, 1), "c");
}

// Both wait, and neither could go on: the one that sees it gives up.
TEST_F(Isolation, AndNotOnlyWhenItsTimeIsOver) {
  Use("transaction");
  for (Db *one : {db.get(), other.get()}) {
    one->Run("SELECT mmap_config('isolation', 'transaction'), mmap_config('busy_timeout', 600000);"
             "BEGIN; SELECT mmap_get('a', 0)");
  }
  Run("SELECT mmap_set('a', 0, 66)");
  std::thread commits([&] { Run("COMMIT"); });
  EXPECT_EQ(other->Error("SELECT mmap_set('a', 0, 67)").substr(0, 4), "BUSY");
  other->Run("ROLLBACK");
  commits.join();
  EXPECT_EQ(Get("a").substr(0, 1), "B");
}

TEST_F(Isolation, AndTwoThatWriteWhatTheOtherHasRead) {
  Use("transaction");
  for (Db *one : {db.get(), other.get()}) {
    one->Run("SELECT mmap_config('isolation', 'transaction'), mmap_config('busy_timeout', 600000);"
             "BEGIN; SELECT mmap_get('a', 0), mmap_get('b', 0)");
  }
  Run("SELECT mmap_set('a', 0, 66)");
  other->Run("SELECT mmap_set('b', 0, 66)");
  std::atomic<int> busy{0};
  std::vector<std::thread> threads;
  for (Db *one : {db.get(), other.get()}) {
    threads.emplace_back([one, &busy] {
      if (one->Succeeds("COMMIT")) return;
      busy++;
      one->Run("ROLLBACK");
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_GE(busy, 1);
  EXPECT_EQ((Get("a")[0] == 'B') + (Get("b")[0] == 'B'), 2 - busy);
}

TEST_F(Isolation, AWriterOfTheTransactionReadsAsBefore) {
  Use("transaction");
  Run("BEGIN; SELECT mmap_get('a', 0), mmap_set('a', 0, 66), mmap_set('b', 0, 66)");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), mmap_get('b', 0)"), "66|66");
  EXPECT_EQ(other->One("SELECT mmap_get('a', 0)"), "97");
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "ok");
  Run("BEGIN; SELECT mmap_set('a', 0, 67); SELECT mmap_get('a', 0); ROLLBACK");
  EXPECT_EQ(Write("a"), "ok");
}

// Its share of the file's lock is its own, but it is the connection's that commits.
TEST_F(Isolation, ACopyIsNotInTheWayOfItsConnectionsCommit) {
  Use("transaction");
  Run("SELECT mmap_open('a', 'copy'), mmap_open('b', 'copy')");
  for (const char *sql : {"SELECT mmap_get(1, 0)", "SELECT mmap_set(1, 0, 67), mmap_get(1, 0)",
                          "SELECT mmap_get(1, 0), mmap_get(2, 0)"}) {
    for (const char *writes :
         {"SELECT mmap_set('a', 0, 66)", "SELECT mmap_set('a', 0, 66), mmap_set('b', 0, 66)"}) {
      Run("BEGIN; " + std::string(sql) + "; " + writes + "; " + sql);
      EXPECT_EQ(Write("a"), "BUSY");
      EXPECT_EQ(Error("COMMIT"), "ok") << sql << "; " << writes;
      EXPECT_EQ(Get("a").substr(0, 1), "B");
      EXPECT_EQ(Write("a"), "ok") << "nobody reads it any more";
    }
  }
}

TEST_F(Isolation, ACopyThatIsReadGoesOnBehindItsConnectionsCommit) {
  Run("SELECT mmap_open('a', 'copy')");
  sqlite3_stmt *stmt = nullptr;
  sqlite3_prepare_v2(*db, "SELECT byte FROM mmap(1)", -1, &stmt, nullptr);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  Run("UPDATE mmap SET byte = 66 + mmap_get(1, 1) - 97 WHERE file = 'a' AND offset = 0");
  EXPECT_EQ(Get("a").substr(0, 2), "Ba");
  EXPECT_EQ(Write("a"), "BUSY") << "it is still read";
  sqlite3_finalize(stmt);
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, ACopyThatIsClosedIsNotLent) {
  Use("transaction", "m.db");
  Db reader("m.db");
  Run("CREATE TABLE t(n); SELECT mmap_open('a', 'copy')");
  reader.Run("BEGIN; SELECT count(*) FROM t");
  Run("BEGIN; INSERT INTO t VALUES(1); SELECT mmap_get(1, 0), mmap_set('a', 0, 66)");
  EXPECT_EQ(Error("COMMIT").substr(0, 4), "BUSY");
  Run("SELECT mmap_close(1)");
  reader.Run("COMMIT");
  Run("COMMIT");
  EXPECT_EQ(Get("a").substr(0, 1), "B");
  EXPECT_EQ(Write("a"), "ok");
}

// ---------------------------------------------------------------------------- its table in TEMP

const char kTable[] = "SELECT name FROM sqlite_temp_master WHERE name = 'mmap_transaction'";

TEST_F(Isolation, ItsTableIsMadeOnlyForTransactions) {
  EXPECT_EQ(Rows(kTable), "");
  Run("SELECT mmap_config('isolation', 'transaction')");
  EXPECT_EQ(Rows(kTable), "mmap_transaction");
  EXPECT_EQ(Rows("SELECT * FROM temp.mmap_transaction"), "");
  EXPECT_EQ(Error("INSERT INTO temp.mmap_transaction(mmap_transaction_end) VALUES(1)").substr(0, 8),
            "READONLY");
}

TEST_F(Isolation, ItsTableIsMadeAgain) {
  Use("transaction");
  for (const char *before :
       {"DROP TABLE temp.mmap_transaction; BEGIN", "BEGIN; DROP TABLE temp.mmap_transaction",
        "DROP TABLE temp.mmap_transaction; BEGIN; SELECT mmap_config('isolation', 'none'), "
        "mmap_config('isolation', 'transaction')"}) {
    for (const char *end : {"ROLLBACK", "COMMIT"}) {
      if (Rows(kTable).empty()) Run("SELECT mmap_config('isolation', 'transaction')");
      Run(before);
      Run("SELECT mmap_get('a', 0)");
      EXPECT_EQ(Write("a"), "BUSY") << before;
      Run(end);
      EXPECT_EQ(Write("a"), "ok") << before << " " << end;
      Run("BEGIN; SELECT mmap_get('a', 0)");
      EXPECT_EQ(Write("a"), "BUSY") << before << " " << end;
      Run("COMMIT");
      EXPECT_EQ(Write("a"), "ok") << before << " " << end;
    }
  }
}

TEST_F(Isolation, ItsTableIsNotDroppedInTheMiddle) {
  Use("transaction");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  EXPECT_NE(Error("DROP TABLE temp.mmap_transaction"), "ok");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, ItsTableIsNobodyElsesToMake) {
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE t USING mmap_transaction"),
            "ERROR mmap_transaction: mmap_config('isolation', 'transaction') makes this table");
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.mmap_transaction USING mmap_transaction"),
            "ERROR mmap_transaction: mmap_config('isolation', 'transaction') makes this table");
  // What a hostile database would name.
  Run("PRAGMA writable_schema = ON; INSERT INTO sqlite_master VALUES('table', 't', 't', 0, "
      "'CREATE VIRTUAL TABLE t USING mmap_transaction'); PRAGMA writable_schema = RESET");
  EXPECT_EQ(Error("SELECT * FROM t"),
            "ERROR mmap_transaction: mmap_config('isolation', 'transaction') makes this table");
}

TEST_F(Isolation, AUsersTableOfItsNameIsLeftAlone) {
  Run("CREATE TEMP TABLE mmap_transaction(mmap_transaction_end);"
      "INSERT INTO mmap_transaction VALUES(NULL), (1)");
  Run("SELECT mmap_config('isolation', 'transaction')");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("COMMIT");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_transaction"), "2");
  EXPECT_EQ(Write("a"), "BUSY") << "that the transaction has ended is not heard";
  Run("SELECT mmap_get('b', 0)");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, UnderQueryOnlyTheEndIsSeenAtTheNextUse) {
  Use("transaction");
  Run("PRAGMA query_only = ON");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("SELECT mmap_get('b', 0)");
  EXPECT_EQ(Write("a"), "ok");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  db.reset();
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, ItWorksFromAReadOnlyDatabase) {
  Db("t.db").Run("CREATE TABLE t(x)");
  Use("transaction", "t.db", nullptr, SQLITE_OPEN_READONLY);
  Run("BEGIN; SELECT * FROM t; SELECT mmap_get('a', 0)");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, ItWorksWhereNothingCanBeWritten) {
  Use("transaction", ":memory:", "sqlite3_mmap_readonly_init");
  Run("BEGIN; SELECT mmap_get('a', 0)");
  EXPECT_EQ(Write("a"), "BUSY");
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "ok");
}

TEST_F(Isolation, NothingKeepsTheConnectionFromClosing) {
  Use("transaction", "t.db");
  Run("BEGIN; SELECT mmap_get('a', 0); COMMIT");
  Run("BEGIN; SELECT mmap_get('a', 0), mmap_open('b'), mmap_get(mmap_open('b', 'copy'), 0)");
  db->Close();
  EXPECT_EQ(Write("a"), "ok");
  EXPECT_EQ(Write("b"), "ok");
}

TEST_F(Isolation, IsGivenUpWithTheSetting) {
  Use("transaction");
  Run("BEGIN; SELECT mmap_get('a', 0); SELECT mmap_config('isolation', 'none')");
  EXPECT_EQ(Write("a"), "BUSY") << "what it has promised";
  EXPECT_EQ(One("SELECT mmap_get('b', 0), probe('b')"), "100|ok");
  Run("COMMIT");
  EXPECT_EQ(Write("a"), "ok");
}

} // namespace
} // namespace mm_test
