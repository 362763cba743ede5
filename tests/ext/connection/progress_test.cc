// A progress handler is served in the middle of one long call, and what it stops leaves nothing
// behind.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <condition_variable>
#include <filesystem>
#include <fstream>
#include <mutex>
#include <thread>

namespace mm_test {
namespace {

constexpr uint64_t kMega = 1 << 20;

class Progress : public SqlTest {
protected:
  // A file that has bytes but no blocks.
  static void PutSparse(const std::string &name, uint64_t size) {
    Put(name, "");
    std::filesystem::resize_file(name, size);
  }

  // Runs `sql` with a handler that is called every `steps` steps of SQLite's machine and says stop
  // from its `stop`th call on, 0: never. How it ended, as Error() says.
  std::string Watch(const std::string &sql, int steps, int stop = 0) {
    calls_ = 0;
    stop_ = stop;
    sqlite3_progress_handler(*db, steps, Tick, this);
    std::string error = Error(sql);
    sqlite3_progress_handler(*db, 0, nullptr, nullptr);
    return error;
  }

  static std::string Code(const std::string &error) { return error.substr(0, error.find(' ')); }

  // The handler is called at least `least` times in the course of `sql`, and ends it in the midst.
  void ExpectServed(const std::string &sql, int least) {
    EXPECT_EQ(Watch(sql, 50), "ok") << sql;
    int all = calls_;
    EXPECT_GE(all, least) << sql;
    int stop = all / 2 + 1;
    EXPECT_EQ(Code(Watch(sql, 50, stop)), "INTERRUPT") << sql;
    EXPECT_LE(calls_, stop + 2) << sql << ": it went on";
    EXPECT_EQ(One("SELECT mmap_length('small')"), "3") << sql << ": the connection is of no use";
  }

  int calls_ = 0; // of the handler, in the last Watch

private:
  static int Tick(void *self) {
    auto *test = static_cast<Progress *>(self);
    return ++test->calls_ >= test->stop_ && test->stop_ > 0;
  }
  int stop_ = 0;
};

// 64 MiB are 16 times what is searched between two looks.
class LongScan : public Progress {
protected:
  void SetUp() override {
    Progress::SetUp();
    Put("small", "abc");
    PutSparse("big", 64 * kMega);
  }
};

TEST_F(LongScan, OfEveryFunctionServesAHandler) {
  Run("SELECT mmap_open('big')");
  for (const char *call : {
           "mmap_find('big', 'absent')", "mmap_find('big', 'a')", "mmap_rfind('big', 'absent')",
           "mmap_rfind('big', 'a')", "mmap_count('big', 'ab')", "mmap_count('big', x'00')",
           "mmap_search('big', 'absent')", "mmap_search('big', '[a-f]+x')",
           "mmap_search('big', '[a-z]')", "mmap_search('big', mmap_hex('41 ?? 42'))",
           "mmap_crc32('big')", "mmap_checksum('big', 'crc-16/modbus')",
           "mmap_checksum('big', 'sha1')", "mmap_entropy('big')",
           "length(mmap_export('big', 'bps'))", "length(mmap_slice('big', 0, NULL, 2))",
           "length(mmap_slice('big', NULL, NULL, -1))",
           "length(mmap_readline(1)) + mmap_seek(1, 0)", // which does not move if it fails
       }) {
    ExpectServed(std::string("SELECT ") + call, 30);
  }
}

TEST_F(LongScan, OfEveryTableServesAHandler) {
  PutSparse("other", 64 * kMega);
  Run("CREATE VIRTUAL TABLE temp.bytes USING mmap('big');"
      "CREATE VIRTUAL TABLE temp.sorted USING mmap_lines('big', sorted=yes)");
  for (const char *query : {
           "offset FROM mmap_find_all('big', 'ab')",
           "offset FROM mmap_search_all('big', 'ab+c')",
           "offset FROM mmap_search_all('big', '[a-f]x')",
           "offset FROM mmap_strings('big')",
           "offset FROM mmap_diff('big', 'other')",
           "count(hex) FROM mmap_hexdump('big', 0, 10000000)",
           "count(*) FROM mmap_histogram('big')",
           "count(*) FROM mmap_lines('big')",
           "length(text) FROM mmap_lines('big')",
           "number FROM mmap_lines('big') WHERE offset > 0",
           "text FROM sorted WHERE text > 'x'",
           "offset FROM mmap('big') WHERE byte = 65",
           "offset FROM mmap('big') WHERE byte BETWEEN 65 AND 66",
           "offset FROM mmap('big') WHERE byte = 65 ORDER BY offset DESC",
           "count(*) FROM mmap('big') WHERE byte > 0",
           "offset FROM bytes WHERE byte = 65",
           "sum(byte) FROM mmap('big') WHERE offset < 1000000",
           "entropy FROM mmap_blocks('big', 67108864)",
           "run FROM mmap_blocks('big', 67108864)",
           "count(*) FROM mmap_edits('big', 'other')",
           "offset FROM mmap_find_many('big', '[\"absent\", \"nowhere\"]')",
       }) {
    ExpectServed(std::string("SELECT ") + query, 30);
  }
}

// It is soon looked for by itself, and that is asked for, too.
TEST_F(LongScan, ForALongNeedleThatIsNearlyThereServesAHandler) {
  Put("hard", std::string(64 * kMega, 'a'));
  ExpectServed("SELECT offset FROM mmap_find_many('hard',"
               " (SELECT mmap_needles(mmap_slice('hard', 0, 10000) || 'b')))",
               30);
}

TEST_F(LongScan, OfNeedlesThatAreMadeReadyServesAHandler) {
  Put("list", Bytes("WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000)"
                    "SELECT mmap_needles(CAST(i AS TEXT)) FROM n"));
  ExpectServed("SELECT count(*) FROM mmap_find_many('small', mmap_slice('list'))", 20);
}

// What has few bytes differs anywhere, and runs are long everywhere.
TEST_F(LongScan, OfRunsThatAreComparedBackwardServesAHandler) {
  std::string runs(32 * kMega, 'a');
  runs += 'b';
  runs.append(32 * kMega, 'a');
  Put("runs", runs);
  ExpectServed("SELECT run FROM mmap_blocks('runs', 100000000)", 20);
}

// Bytes that a transaction has changed, as a patch.
TEST_F(LongScan, OfAnExportServesAHandler) {
  Put("changed", std::string(16 * kMega, 'a'));
  Run("BEGIN; SELECT mmap_patch('changed', 0, zeroblob(16777216))");
  for (const char *format : {"text", "bps"}) {
    ExpectServed(std::string("SELECT length(mmap_export('changed', '") + format + "'))", 10);
  }
  Run("ROLLBACK");
}

TEST_F(LongScan, OfADirectoryTreeServesAHandler) {
  for (int i = 0; i < 4500; i++) {
    std::string parent = "d" + std::to_string(i / 1500);
    if (i % 1500 == 0) std::filesystem::create_directory(parent);
    Put(parent + "/" + std::to_string(i), "");
  }
  ExpectServed("SELECT path FROM mmap_glob('**/absent')", 2);
}

TEST_F(LongScan, OfACheckServesAHandler) {
  Run("CREATE VIRTUAL TABLE temp.narrow USING mmap('big', k u64le, sorted=k);"
      "CREATE VIRTUAL TABLE temp.wide USING mmap('big', k u64le, record=4096, sorted=k)");
  ExpectServed("SELECT mmap_check('narrow')", 30);
  ExpectServed("SELECT mmap_check('wide')", 30);
}

TEST_F(LongScan, OfOneLineInACheckServesAHandler) {
  Run("CREATE VIRTUAL TABLE temp.sorted USING mmap_lines('big', sorted=yes)");
  ExpectServed("SELECT mmap_check('sorted')", 30);
}

// Every line is shorter than what is read between two looks.
TEST_F(LongScan, OfLongLinesServesAHandler) {
  Put("lines", "");
  std::string line(kMega, 'a');
  line.back() = '\n';
  std::string lines;
  for (int i = 0; i < 64; i++) lines += line;
  Put("lines", lines);
  Run("CREATE VIRTUAL TABLE temp.sorted USING mmap_lines('lines', sorted=yes)");
  ExpectServed("SELECT mmap_check('sorted')", 10);
  ExpectServed("SELECT offset FROM mmap_lines('lines') WHERE number = 60", 10);
}

// A check that was stopped in the first line, of which it has read nothing else, is not in order.
TEST_F(LongScan, OfAFirstLineIsNotTakenForTheWholeFile) {
  Run("CREATE VIRTUAL TABLE temp.sorted USING mmap_lines('big', sorted=yes);"
      "SELECT mmap_check('sorted')");
  for (int stop = 2; stop < 40; stop++) {
    EXPECT_EQ(Code(Watch("SELECT mmap_check('sorted')", 50, stop)), "INTERRUPT") << stop;
  }
}

// Runs of printable characters everywhere, and none that is long enough.
TEST_F(LongScan, OfShortStringsServesAHandler) {
  std::string words;
  for (uint64_t i = 0; i < 4 * kMega; i++) words += "abcdefghijklmn\n\n";
  Put("words", words);
  ExpectServed("SELECT offset FROM mmap_strings('words', 100)", 10);
}

// Nearly two hundred steps for 4 MiB, whatever the number of steps between two calls.
TEST_F(LongScan, CountsAsSoManySteps) {
  for (const char *call : {"mmap_find('big', 'absent')", "mmap_crc32('big')"}) {
    Run(std::string("SELECT ") + call);
    for (int steps : {10, 100, 1000}) {
      EXPECT_EQ(Watch(std::string("SELECT ") + call, steps), "ok");
      EXPECT_GE(calls_, 15 * 100 / steps) << call << " " << steps;
      EXPECT_LE(calls_, 16 * 250 / steps + 2) << call << " " << steps;
    }
  }
}

// A host may lower SQLite's limits for the SQL of others.
TEST_F(LongScan, ServesAHandlerWithinTheLimitsOfAHost) {
  static const int limits[][2] = {{SQLITE_LIMIT_VARIABLE_NUMBER, 0},
                                  {SQLITE_LIMIT_SQL_LENGTH, 200},
                                  {SQLITE_LIMIT_EXPR_DEPTH, 3},
                                  {SQLITE_LIMIT_VDBE_OP, 100}};
  for (const auto &limit : limits) {
    SCOPED_TRACE(limit[0]);
    db = std::make_unique<Db>();
    sqlite3_limit(*db, limit[0], limit[1]);
    ExpectServed("SELECT mmap_count('big', 'ab')", 4);
    EXPECT_EQ(sqlite3_limit(*db, limit[0], -1), limit[1]);
  }
}

// Nothing is looked for behind what WHERE leaves.
TEST_F(LongScan, EndsAtABoundOfItsOffset) {
  for (const char *regex : {"absent", "[a-f]+x", "ab+c", "(?i)absent", "a[^b]*c", "[a-f]"}) {
    std::string all = std::string("SELECT offset FROM mmap_search_all('big', '") + regex + "')";
    EXPECT_EQ(Watch(all, 50), "ok") << regex;
    EXPECT_GE(calls_, 30) << regex;
    for (const char *bound : {" WHERE offset < 1000", " WHERE offset = 500", " WHERE offset < 0"}) {
      EXPECT_EQ(Watch(all + bound, 50), "ok") << regex;
      EXPECT_LE(calls_, 1) << regex << bound;
    }
  }
}

// A slice that cannot be handed over as it lies: bytes of it are pending.
TEST_F(LongScan, OfACopiedSliceServesAHandler) {
  Run("BEGIN; SELECT mmap_patch('big', 5, 'x')");
  ExpectServed("SELECT length(mmap_slice('big'))", 30);
  Run("ROLLBACK");
}

// ---- writing

// Large enough that it is asked on the way whether to go on.
TEST_F(Progress, ACommitOfTwoFilesIsWhole) {
  Put("one", std::string(5 << 20, '1'));
  Put("two", "2");
  Run("BEGIN; SELECT mmap_move('one', 0, 1, 5242879), mmap_set('one', 5242879, 0),"
      " mmap_patch('two', 0, 'x')");
  EXPECT_TRUE(db->Succeeds("COMMIT"));
  EXPECT_EQ(One("SELECT mmap_get('one', 5242879), mmap_get('two', 0)"), "0|120");
}

// The gap that a DELETE leaves is closed in the COMMIT; nothing but that asks whether to go on.
TEST_F(Progress, ACommitThatClosesUpIsWhole) {
  Put("one", std::string(4300000, '1'));
  Run("SELECT mmap_config('synchronous', 'off');"
      "CREATE VIRTUAL TABLE temp.bytes USING mmap('one', delete=yes, a u8);"
      "BEGIN; DELETE FROM bytes WHERE rowid = 5");
  EXPECT_TRUE(db->Succeeds("COMMIT"));
  EXPECT_EQ(Get("one").size(), 4299999u);
}

class LongWrite : public Progress {
protected:
  void SetUp() override {
    Progress::SetUp();
    Put("small", "abc");
    for (uint32_t i = 0; i < 4 * kMega; i++) {
      before_.append(reinterpret_cast<const char *>(&i), sizeof i);
    }
    Put("file", before_);
  }
  static std::string OnDisk() {
    std::string bytes(std::filesystem::file_size("file"), 0);
    std::ifstream("file", std::ios::binary).read(bytes.data(), std::streamsize(bytes.size()));
    return bytes;
  }
  // As nobody had touched it, on disk and for this connection.
  void ExpectUntouched(const std::string &what) {
    EXPECT_NE(sqlite3_get_autocommit(*db), 0) << what << ": a transaction is open";
    EXPECT_TRUE(OnDisk() == before_) << what;
    EXPECT_FALSE(HasJournal("file")) << what;
    EXPECT_TRUE(Bytes("SELECT mmap_slice('file')") == before_) << what;
    EXPECT_EQ(One("SELECT count(*) FROM mmap_changes"), "0") << what;
    EXPECT_TRUE(Db().Succeeds("SELECT mmap_patch('file', 0, x'00')")) << what << ": it is locked";
  }
  std::string before_; // 16 MiB; its first byte is 0
};

const char *const kWrites[] = {
    "SELECT mmap_move('file', 0, 3, 12000000)",
    "SELECT mmap_move('file', 3, 0, 12000000)",
    "SELECT mmap_insert('file', 1, 'xyz')",
    "SELECT mmap_insert('file', 16777216, mmap_slice('file', 0, 12000000))",
    "SELECT mmap_delete('file', 1, 4)",
    "SELECT mmap_patch('file', 1, mmap_slice('file', 0, 12000000))",
    "SELECT mmap_write(mmap_open('file', 'write'), mmap_slice('file', 4, 12000004))",
};

TEST_F(LongWrite, ServesAHandlerAndIsUndoneIfItSaysStop) {
  for (std::string sql : kWrites) {
    EXPECT_EQ(Watch("BEGIN;" + sql + "; ROLLBACK", 10), "ok") << sql;
    int all = calls_;
    EXPECT_GE(all, 20) << sql;
    for (const char *begin : {"", "BEGIN; SELECT mmap_patch('file', 9, 'mine');"}) {
      EXPECT_EQ(Code(Watch(begin + sql, 10, all / 2)), "INTERRUPT") << begin << sql;
      EXPECT_LE(calls_, all / 2 + 2) << sql << ": it went on";
      // What is stopped as it reads ends the statement alone, what is stopped as it writes all of
      // it.
      if (*begin && !sqlite3_get_autocommit(*db)) Run("ROLLBACK");
      ExpectUntouched(begin + sql);
    }
  }
}

// The patch is of 16 MiB in one word, of many lines, or a few bytes that stand for many.
TEST_F(LongWrite, OfAPatchServesAHandlerAndIsUndoneIfItSaysStop) {
  std::string lines;
  for (int i = 0; i < 4000000; i += 4) lines += std::to_string(i + 3) + " 00 01\n";
  Put("lines", lines);
  Run("BEGIN; SELECT mmap_patch('file', 0, mmap_slice('file', 1, 12000000))");
  std::string bps = Bytes("SELECT mmap_export('file', 'bps')");
  Run("ROLLBACK");
  Put("bps", bps);
  for (const char *patch : {"lines", "bps"}) {
    std::string sql = std::string("SELECT mmap_apply('file', mmap_slice('") + patch + "'))";
    EXPECT_EQ(Watch("BEGIN;" + sql + "; ROLLBACK", 10), "ok") << sql;
    int all = calls_;
    EXPECT_GE(all, 20) << sql;
    for (int stop : {all / 4, all / 2, all - all / 4}) {
      EXPECT_EQ(Code(Watch("BEGIN;" + sql, 10, stop)), "INTERRUPT") << sql;
      EXPECT_LE(calls_, stop + 2) << sql << ": it went on";
      if (!sqlite3_get_autocommit(*db)) Run("ROLLBACK");
      ExpectUntouched(sql);
    }
  }
}

// What is done in pieces is the same as what is done at once.
TEST_F(LongWrite, DoesWhatAShortOneDoes) {
  const std::string head = before_.substr(0, 12000000), xyz = "xyz";
  const std::string expected[] = {
      before_.substr(3, 12000000) + before_.substr(12000000),
      before_.substr(0, 3) + head + before_.substr(12000003),
      before_.substr(0, 1) + xyz + before_.substr(1),
      before_ + head,
      before_.substr(0, 1) + before_.substr(4),
      before_.substr(0, 1) + head + before_.substr(12000001),
      before_.substr(4, 12000000) + before_.substr(12000000),
  };
  for (size_t i = 0; i < std::size(kWrites); i++) {
    Run("BEGIN");
    Run(kWrites[i]);
    EXPECT_TRUE(Bytes("SELECT mmap_slice('file')") == expected[i]) << kWrites[i];
    Run("ROLLBACK");
    EXPECT_TRUE(Bytes("SELECT mmap_slice('file')") == before_) << kWrites[i];
    Run(kWrites[i]);
    EXPECT_TRUE(OnDisk() == expected[i]) << kWrites[i];
    Put("file", before_);
  }
}

TEST_F(LongWrite, ThatFailsAtItsEndLeavesNothing) {
  Run("SELECT mmap_open('file', 'copy')");
  for (const char *call : {"mmap_insert(1, 0, 'x')", "mmap_delete(1, 0, 1)"}) {
    EXPECT_EQ(Code(Error(std::string("SELECT ") + call)), "READONLY") << call;
  }
  EXPECT_TRUE(Bytes("SELECT mmap_slice(1)") == before_);
}

TEST_F(LongWrite, OfRowsIsUndone) {
  Run("CREATE VIRTUAL TABLE temp.records USING mmap('file', delete=yes, k u32le);"
      "CREATE VIRTUAL TABLE temp.bytes USING mmap('file');");
  for (const char *sql : {
           "UPDATE mmap SET byte = 255 - byte WHERE file = 'file' AND offset < 100000",
           "UPDATE records SET k = k + 1 WHERE rowid < 100000",
           "DELETE FROM records WHERE rowid < 100000",
           "INSERT INTO records SELECT k FROM records LIMIT 100000",
           "INSERT INTO bytes(byte) SELECT byte FROM mmap('file') LIMIT 100000",
           "SELECT sum(mmap_patch('file', offset, x'0102')) FROM mmap('file') LIMIT 100000",
       }) {
    for (const char *begin : {"", "BEGIN; SELECT mmap_patch('file', 9, 'mine');"}) {
      bool function = sql[0] == 'S';
      if (function && !*begin) continue; // each call commits by itself
      EXPECT_EQ(Code(Watch(std::string(begin) + sql, 1000, 40)), "INTERRUPT") << begin << sql;
      EXPECT_LE(calls_, 42) << sql;
      if (!sqlite3_get_autocommit(*db)) Run("ROLLBACK"); // as after any SELECT
      ExpectUntouched(std::string(begin) + sql);
    }
  }
}

// What is put off until COMMIT looks up there. Stopped, it undoes the whole transaction.
class LongCommit : public LongWrite {
protected:
  void ExpectServedAndUndone(const std::string &sql, int least) {
    std::string begin = "BEGIN; SELECT mmap_patch('small', 1, 'B');" + sql;
    Run(begin);
    EXPECT_EQ(Watch("COMMIT", 10), "ok") << sql;
    int all = calls_;
    EXPECT_GE(all, least) << sql;
    Put("file", before_);
    Put("small", "abc");
    for (int stop : {all / 8 + 1, all - all / 8}) {
      Run(begin);
      EXPECT_EQ(Code(Watch("COMMIT", 10, stop)), "INTERRUPT") << sql;
      EXPECT_LE(calls_, stop + 2) << sql << ": it went on";
      ExpectUntouched(sql);
      EXPECT_EQ(Get("small"), "abc") << sql;
      EXPECT_FALSE(HasJournal("small")) << sql;
    }
  }
};

TEST_F(LongCommit, OfLargeWritesServesAHandler) {
  for (const char *synchronous : {"full", "normal"}) {
    Run(std::string("SELECT mmap_config('synchronous', '") + synchronous + "')");
    ExpectServedAndUndone("SELECT mmap_move('file', 0, 3, 16000000)", 40);
    ExpectServedAndUndone("SELECT mmap_insert('file', 5, 'x')", 40);
  }
}

TEST_F(LongCommit, OfManySmallWritesServesAHandler) {
  Run("CREATE VIRTUAL TABLE temp.records USING mmap('file', delete=yes, k u32le)");
  // Neighbours would be one write.
  ExpectServedAndUndone("UPDATE records SET k = k + 1 WHERE rowid % 2 = 0 AND rowid < 600000", 15);
  // Out of order, which is to be sorted.
  ExpectServedAndUndone("SELECT sum(mmap_set('file', i * 7919 % 4000000, 1)) FROM (WITH RECURSIVE "
                        "c(i) AS (VALUES(1) UNION ALL SELECT i + 1 FROM c WHERE i < 250000)"
                        " SELECT i FROM c)",
                        80);
}

TEST_F(LongCommit, ThatClosesUpAfterADeleteServesAHandler) {
  Run("CREATE VIRTUAL TABLE temp.records USING mmap('file', delete=yes, k u32le)");
  ExpectServedAndUndone("DELETE FROM records WHERE rowid = 1", 100);
  ExpectServedAndUndone("DELETE FROM records WHERE rowid % 3 = 1 AND rowid < 1000000", 80);
}

// Once the journals are written nothing stops a COMMIT. SQLite may say of one that it was
// interrupted after it was done: then no transaction is open, and the file tells which it was.
TEST_F(LongWrite, IsCommittedWholeOrNotAtAll) {
  std::string after = before_.substr(3) + before_.substr(before_.size() - 3);
  bool committed = false;
  for (int stop = 1; !committed; stop += 1 + stop / Rounds(8)) {
    Run("BEGIN; SELECT mmap_move('file', 0, 3, mmap_length('file') - 3)");
    std::string error = Watch("COMMIT", 1, stop);
    EXPECT_TRUE(error == "ok" || Code(error) == "INTERRUPT") << error;
    if (!sqlite3_get_autocommit(*db)) Run("ROLLBACK");
    committed = OnDisk() == after;
    if (!committed) ExpectUntouched("COMMIT stopped at call " + std::to_string(stop));
    ASSERT_TRUE(committed || error != "ok");
  }
}

// ---- rows that are appended, one by one

// Rows that are there are passed for the first that is appended. What follows begins where they end, in this
// transaction and in later ones, behind savepoints too, unless somebody else has written.
class LongAppend : public Progress {
protected:
  // How often the handler is called in the course of `sql`.
  int CallsOf(const std::string &sql) {
    EXPECT_EQ(Watch(sql, 50), "ok") << sql;
    return calls_;
  }

  void ExpectLookedAtOnce(const std::string &insert, const std::string &row) {
    int first = CallsOf(insert);
    EXPECT_GE(first, 8) << insert;
    for (const char *before : {"", "", "BEGIN; SAVEPOINT a", "RELEASE a; SAVEPOINT a",
                               "SAVEPOINT b", "COMMIT", "", "BEGIN"}) {
      if (*before) Run(before);
      EXPECT_LE(CallsOf(insert), first / 4) << insert << " after '" << before << "'";
    }
    Run("ROLLBACK; " + insert); // what is undone may be passed again
    EXPECT_LE(CallsOf(insert), first / 4);
    std::ofstream("big", std::ios::app | std::ios::binary) << row;
    EXPECT_GE(CallsOf(insert), first - 1) << insert << " behind what others have written";
  }

  static void PutRows(const std::string &row, uint64_t size) {
    std::string rows;
    while (rows.size() < kMega) rows += row;
    std::ofstream file("big", std::ios::binary);
    for (uint64_t done = 0; done < size; done += rows.size()) file << rows;
  }
};

TEST_F(LongAppend, OfLinesPassesThemOnce) {
  PutRows("\"12345678901234567890123456789012345678901234567890\nmore of it\",abc\n", 40 * kMega);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines('big', separator=',', a, b)");
  ExpectLookedAtOnce("INSERT INTO t(a, b) VALUES ('new', 1)", "x,y\n");
}

TEST_F(LongAppend, OfChainedRecordsPassesThemOnce) {
  PutRows("\377" + std::string(255, '.'), 4 * kMega);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('big', n u8, d blob(n))");
  ExpectLookedAtOnce("INSERT INTO t(d) VALUES (x'616263')", "\1x");
}

// ---- small work, stopped at each of its steps

class EveryStep : public Progress {
protected:
  // From one stop to the next: one step, or more where rounds are to be few.
  const int stride_ = std::max(1, 100 / Rounds(100));
  // The file after `sql` was stopped is one of these.
  void ExpectOneOf(const std::string &sql, const std::vector<std::string> &states) {
    bool ended = false;
    int stop = 1;
    for (; !ended && stop < 100000; stop += stride_) {
      Put("f", "0123456789");
      db = std::make_unique<Db>();
      Run("CREATE VIRTUAL TABLE temp.t USING mmap('f', delete=yes, c text(1));"
          "SELECT mmap_config('synchronous', 'normal')");
      std::string error = Watch(sql, 1, stop);
      ended = error == "ok" && calls_ < stop;
      EXPECT_TRUE(error == "ok" || Code(error) == "INTERRUPT") << sql << stop << error;
      if (!sqlite3_get_autocommit(*db)) Run("ROLLBACK");
      bool found = false;
      for (const std::string &state : states) found = found || Get("f") == state;
      EXPECT_TRUE(found) << sql << " stopped at " << stop << ": " << Get("f");
      EXPECT_EQ(Bytes("SELECT mmap_slice('f')"), Get("f")) << sql << " stopped at " << stop;
      EXPECT_FALSE(HasJournal("f")) << sql << " stopped at " << stop;
      EXPECT_TRUE(db->Succeeds("SELECT mmap_patch('f', 0, 'z')")) << sql << " at " << stop;
      db->Close();
      if (HasFailure()) return;
    }
    EXPECT_TRUE(ended) << sql;
    EXPECT_GT(stop, 5) << sql;
  }
};

TEST_F(EveryStep, LeavesTheFileAsItWasOrAsItIsToBe) {
  const std::string before = "0123456789";
  ExpectOneOf("SELECT mmap_patch('f', 2, 'ab')", {before, "01ab456789"});
  ExpectOneOf("SELECT mmap_insert('f', 2, 'ab')", {before, "01ab23456789"});
  ExpectOneOf("SELECT mmap_delete('f', 2, 4)", {before, "01456789"});
  ExpectOneOf("UPDATE mmap SET byte = 65 WHERE file = 'f' AND offset > 6", {before, "0123456AAA"});
  ExpectOneOf("UPDATE t SET c = 'x' WHERE c > '6'", {before, "0123456xxx"});
  ExpectOneOf("DELETE FROM t WHERE c > '6'", {before, "0123456"});
  ExpectOneOf("INSERT INTO t SELECT c FROM t", {before, before + before});
  ExpectOneOf("BEGIN; SELECT mmap_patch('f', 2, 'ab'); SELECT mmap_resize('f', 5);"
              "SAVEPOINT s; SELECT mmap_insert('f', 0, 'x'); ROLLBACK TO s; RELEASE s;"
              "UPDATE mmap SET byte = 65 WHERE file = 'f' AND offset = 0; COMMIT",
              {before, "A1ab4"});
  ExpectOneOf("SELECT sum(mmap_patch('f', rowid, 'q')) FROM t WHERE rowid < 2",
              {before, "q123456789", "qq23456789"}); // as many writes as calls
}

// A question of our own that is cut short is not taken for a no.
TEST_F(EveryStep, IsNoWayAroundARefusal) {
  Put("host.db", "");
  Db("host.db").Run("CREATE TABLE x(y)");
  const struct {
    const char *setup, *sql, *code;
  } refusals[] = {{"PRAGMA query_only = 1", "SELECT mmap_open('new', 'create')", "READONLY"},
                  {"PRAGMA query_only = 1", "SELECT mmap_patch('f', 0, 'x')", "READONLY"},
                  {"ATTACH 'host.db' AS host", "SELECT mmap_length('host.db')", "CANTOPEN"}};
  for (const auto &refusal : refusals) {
    std::string code = "INTERRUPT";
    for (int stop = 1; code == "INTERRUPT" && stop < 1000; stop += stride_) {
      Put("f", "0123456789");
      db = std::make_unique<Db>();
      Run(refusal.setup);
      code = Code(Watch(refusal.sql, 1, stop));
      EXPECT_FALSE(Exists("new")) << "stopped at " << stop;
      EXPECT_EQ(Get("f"), "0123456789") << "stopped at " << stop;
    }
    EXPECT_EQ(code, refusal.code) << refusal.sql;
  }
}

// ---- sqlite3_interrupt from another thread

class Elsewhere : public LongWrite {
protected:
  // Runs `sql`, and has another thread interrupt it at the handler's `at`th call.
  std::string Interrupted(const std::string &sql, int at) {
    calls_ = 0;
    at_ = at;
    asked_ = done_ = false;
    std::thread thread([this] {
      std::unique_lock<std::mutex> lock(mutex_);
      changed_.wait(lock, [this] { return asked_; });
      sqlite3_interrupt(*db);
      done_ = true;
      changed_.notify_all();
    });
    sqlite3_progress_handler(*db, 50, Ask, this);
    std::string error = Error(sql);
    sqlite3_progress_handler(*db, 0, nullptr, nullptr);
    Set(&asked_);
    thread.join();
    return error;
  }

private:
  void Set(bool *what) {
    std::lock_guard<std::mutex> lock(mutex_);
    *what = true;
    changed_.notify_all();
  }
  static int Ask(void *self) {
    auto *test = static_cast<Elsewhere *>(self);
    if (++test->calls_ == test->at_) {
      test->Set(&test->asked_);
      std::unique_lock<std::mutex> lock(test->mutex_);
      test->changed_.wait(lock, [test] { return test->done_; });
    }
    return 0;
  }
  std::mutex mutex_;
  std::condition_variable changed_;
  bool asked_ = false, done_ = false;
  int at_ = 0;
};

TEST_F(Elsewhere, AnInterruptEndsALongCallAtItsNextLook) {
  PutSparse("big", 64 * kMega);
  for (const char *sql :
       {"SELECT mmap_find('big', 'absent')", "SELECT mmap_search('big', '[a-f]+x')",
        "SELECT mmap_crc32('big')", "SELECT count(*) FROM mmap_histogram('big')",
        "SELECT count(*) FROM mmap_lines('big')", "SELECT length(mmap_slice('big', 0, NULL, 2))"}) {
    EXPECT_EQ(Code(Interrupted(sql, 20)), "INTERRUPT") << sql;
    EXPECT_LE(calls_, 24) << sql << ": it went on";
  }
  for (std::string sql : kWrites) {
    EXPECT_EQ(Code(Interrupted(sql, 5)), "INTERRUPT") << sql;
    EXPECT_LE(calls_, 9) << sql << ": it went on";
    ExpectUntouched(sql);
  }
}

} // namespace
} // namespace mm_test
