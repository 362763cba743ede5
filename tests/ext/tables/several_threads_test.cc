// mmap_config('threads', n): what is said of a whole file by several threads is what one says, to the
// last bit and in the same order, also where the file is cut or the statement interrupted.
#include "tests/support/interrupt.h"
#include "tests/support/sql.h"

#include <cstring>
#include <filesystem>
#include <functional>
#include <random>
#include <thread>

namespace mm_test {
namespace {

constexpr int64_t kMega = 1 << 20;

class SeveralThreads : public SqlTest {
protected:
  void Threads(unsigned n) { Run("SELECT mmap_config('threads', " + std::to_string(n) + ")"); }

  // With any number of threads it says what it says with one, which is given.
  std::string Same(const std::string &sql) {
    Threads(1);
    std::string expected = db->Says(sql);
    for (unsigned n : {2U, 3U, 8U}) {
      Threads(n);
      EXPECT_EQ(db->Says(sql), expected) << n << " threads: " << sql;
    }
    return expected;
  }

  std::string Random(size_t size) {
    std::string bytes(size, 0);
    for (size_t i = 0; i + 8 <= size; i += 8) {
      uint64_t word = random_();
      memcpy(&bytes[i], &word, 8);
    }
    return bytes;
  }
  int64_t Below(int64_t n) { return static_cast<int64_t>(random_() % static_cast<uint64_t>(n)); }
  std::string Number(int64_t low, int64_t high) { return std::to_string(low + Below(high - low)); }

  std::mt19937_64 random_{11};
};

const char *const kQueries[] = {
    "SELECT group_concat(count) FROM mmap_histogram('f')",
    "SELECT mmap_crc32('f'), mmap_crc32('f', 3, -5), mmap_entropy('f')",
    "SELECT mmap_checksum('f', 'adler32'), mmap_checksum('f', 'fletcher16'), "
    "mmap_checksum('f', 'fletcher32', 1)",
    "SELECT mmap_checksum('f', 'crc-32/iscsi'), mmap_checksum('f', 'crc-64/xz'), "
    "mmap_checksum('f', 'crc-16/xmodem')",
    "SELECT hex(mmap_checksum('f', 'sha1')), mmap_checksum('f', 'xxh3')",
    "SELECT offset, length, hex(substr(a, 1, 9)), length(b) FROM mmap_diff('f', 'g')",
    "SELECT * FROM mmap_blocks('f')",
    "SELECT offset, zeros FROM mmap_blocks('f', 5000)",
    "SELECT offset, run, entropy FROM mmap_blocks('f', 100000) WHERE entropy > 1 OR run > 9",
};

TEST_F(SeveralThreads, SayWhatOneSays) {
  std::string f = Random(6 * kMega + 13), g;
  memset(&f[kMega], 'x', 700000);
  g = f;
  for (int64_t at : {int64_t{5}, 2 * kMega + 3, 2 * kMega + 5, 5 * kMega}) g[at] ^= 1;
  for (int64_t at = 3 * kMega; at < 6 * kMega - 999; at++) g[at] ^= 1;
  Put("f", f);
  Put("g", g + "longer");
  for (const char *sql : kQueries) EXPECT_GT(Same(sql).size(), 10u) << sql;
}

TEST_F(SeveralThreads, SayWhatOneSaysOfATransaction) {
  Put("f", std::string(7 * kMega, 'f'));
  Put("g", std::string(7 * kMega, 'f'));
  Run("BEGIN; SELECT mmap_patch('f', 5000000, zeroblob(300000)), mmap_insert('f', 77, 'pending'), "
      "mmap_resize('f', 8000000), mmap_patch('g', 4000000, 'pending')");
  for (const char *sql : kQueries) EXPECT_GT(Same(sql).size(), 10u) << sql;
  Run("ROLLBACK");
}

TEST_F(SeveralThreads, SayWhatOneSaysOfARandomPart) {
  std::string f = Random(9 * kMega);
  for (int i = 0; i < 40; i++) {
    int64_t at = Below(8 * kMega);
    memset(&f[at], static_cast<int>(Below(256)), static_cast<size_t>(Below(400000)));
  }
  std::string g = f;
  for (int i = 0; i < 30; i++) {
    int64_t at = Below(8 * kMega), size = Below(4) ? Below(9) : Below(3 * kMega / 2);
    for (int64_t j = at; j < std::min<int64_t>(at + size, 9 * kMega); j++) g[j] ^= 0x55;
  }
  Put("f", f);
  Put("g", g);
  for (int i = 0; i < 40; i++) {
    std::string part = ", " + Number(-1000, 5 * kMega) + ", " + Number(4 * kMega, 10 * kMega);
    std::string size = Number(300, 9000);
    std::string high = Number(0, 9 * kMega), low = Number(0, 4 * kMega);
    switch (i % 5) {
      case 0:
        Same("SELECT group_concat(count) FROM mmap_histogram('f'" + part + ")");
        break;
      case 1:
        Same("SELECT mmap_crc32('f'" + part + "), mmap_checksum('f', 'crc-24/openpgp'" + part +
             "), mmap_checksum('f', 'fletcher32'" + part + ")");
        break;
      case 2:
        Same("SELECT offset, length FROM mmap_diff('f', 'g') WHERE offset BETWEEN " + low +
             " AND " + high);
        break;
      case 3:
        Same("SELECT * FROM mmap_blocks('f', " + size + part + ") WHERE offset BETWEEN " + low +
             " AND " + high);
        break;
      case 4: // columns that are asked for now and then
        Same("SELECT offset, high, CASE WHEN high % 3 = 0 THEN entropy END, CASE WHEN offset > " +
             low + " THEN run END FROM mmap_blocks('f', " + size + part + ") LIMIT " +
             Number(1, 5000));
        break;
    }
  }
}

// What a row's own statement writes shows in the rows behind it.
TEST_F(SeveralThreads, SeeWhatTheStatementItselfWrites) {
  auto expect_same = [&](const std::string &sql) {
    std::string expected;
    for (bool inside : {true, false}) {
      for (unsigned n : {1U, 2U, 8U}) {
        Put("f", std::string(9 * kMega, 'f'));
        Put("g", std::string(9 * kMega, 'f') + "g");
        if (inside) Run("BEGIN");
        Threads(n);
        std::string says = db->Says(sql);
        if (inside) Run("ROLLBACK");
        if (n == 1) expected = says;
        EXPECT_EQ(says, expected) << n << " threads: " << sql;
      }
    }
    EXPECT_GT(expected.size(), 10u) << expected;
  };
  expect_same("SELECT offset, zeros, run, CASE WHEN offset % 1310720 = 0 THEN "
              "mmap_patch('f', offset + 100000, zeroblob(200000)) END FROM mmap_blocks('f')");
  expect_same("SELECT offset, zeros, CASE WHEN offset = 65536 * 70 THEN mmap_resize('f', 6000000) "
              "END FROM mmap_blocks('f')");
  expect_same("SELECT offset, length, CASE WHEN offset < 8000000 THEN "
              "mmap_patch('f', offset + 3000000, zeroblob(20)) END FROM mmap_diff('f', 'g')"
              " UNION ALL SELECT mmap_patch('f', 100, 'x'), 1, 1 FROM mmap_diff('f', 'g')");
}

#ifdef __linux__

// Not one stays.
TEST_F(SeveralThreads, EndWithTheStatement) {
  auto tasks = [] {
    auto all = std::filesystem::directory_iterator("/proc/self/task");
    return std::distance(begin(all), end(all));
  };
  Put("f", std::string(8 * kMega, 'f'));
  Put("g", std::string(8 * kMega, 'f'));
  auto before = tasks();
  Threads(8);
  for (const char *sql : kQueries) {
    sqlite3_stmt *stmt = nullptr;
    if (sqlite3_prepare_v2(*db, sql, -1, &stmt, nullptr) != SQLITE_OK) continue; // a fault
    while (sqlite3_step(stmt) == SQLITE_ROW) EXPECT_EQ(tasks(), before) << sql;
    sqlite3_finalize(stmt);
    EXPECT_EQ(tasks(), before) << sql;
  }
}

#endif

// ---- what befalls them

class SigbusOfSeveral : public SeveralThreads {
protected:
  // Runs `sql` with `harm` called once, as SQLite has made some steps.
  std::string Says(const std::string &sql, int steps, std::function<void()> harm) {
    harm_ = harm;
    left_ = steps;
    auto tick = [](void *self) {
      auto *test = static_cast<SigbusOfSeveral *>(self);
      if (--test->left_ == 0) test->harm_();
      return 0;
    };
    sqlite3_progress_handler(*db, 20, tick, this);
    std::string error = Error(sql);
    sqlite3_progress_handler(*db, 0, nullptr, nullptr);
    return error.substr(0, error.find(' '));
  }

  // Two files, of which `f` is cut meanwhile: again, where other threads were through before it was.
  std::string SaysOfTheCut(const std::string &sql, int64_t size) {
    std::string says;
    for (int tries = 0; tries < 100; tries++) {
      Put("f", "");
      Put("g", "");
      std::filesystem::resize_file("f", 24 * kMega);
      std::filesystem::resize_file("g", 24 * kMega);
      EXPECT_EQ(One("SELECT mmap_length('f')"), std::to_string(24 * kMega));
      says = Says(sql, 3, [&] { std::filesystem::resize_file("f", static_cast<uintmax_t>(size)); });
      if (left_ <= 0) break;
      EXPECT_EQ(says, "ok") << sql;
    }
    return says;
  }

private:
  std::function<void()> harm_;
  int left_ = 0;
};

// As with one: the statement fails, and the connection goes on.
TEST_F(SigbusOfSeveral, AFileThatIsCutIsAnErrorOfTheStatement) {
  for (unsigned n : {1U, 3U}) {
    Threads(n);
    for (const char *sql :
         {"SELECT sum(count) FROM mmap_histogram('f')", "SELECT mmap_crc32('f')",
          "SELECT mmap_checksum('f', 'adler32')", "SELECT mmap_entropy('f')",
          "SELECT count(*) FROM mmap_diff('f', 'g')", "SELECT count(*) FROM mmap_diff('g', 'f')",
          "SELECT sum(entropy), sum(run) FROM mmap_blocks('f')"}) {
      for (int64_t size : {int64_t{0}, 14 * kMega + 1234, 20 * kMega}) {
        std::string says = SaysOfTheCut(sql, size);
        EXPECT_EQ(says, "IOERR") << n << ": " << sql << " cut to " << size;
        EXPECT_EQ(One("SELECT mmap_length('f')"), std::to_string(size));
        EXPECT_EQ(Says(sql, 0, [] {}), "ok") << n << ": " << sql;
      }
    }
  }
}

class InterruptOfSeveral : public SeveralThreads {};

TEST_F(InterruptOfSeveral, StopsThemAll) {
  if (sizeof(void *) < 8) GTEST_SKIP();
  // So much takes more than the 60 ms after which they are stopped, and little to map, wine's table of
  // pages too.
  for (const char *name : {"big", "other"}) {
    Put(name, "");
    std::filesystem::resize_file(name, uintmax_t{1} << 34);
  }
  for (unsigned n : {2U, 4U}) {
    Threads(n);
    for (const char *sql :
         {"SELECT count(*) FROM mmap_histogram('big')", "SELECT mmap_crc32('big')",
          "SELECT mmap_checksum('big', 'crc-32/iscsi')", "SELECT mmap_checksum('big', 'sha256')",
          "SELECT count(*) FROM mmap_diff('big', 'other')",
          "SELECT sum(run) FROM mmap_blocks('big', 1048576)",
          "SELECT sum(entropy) FROM mmap_blocks('big', 4096)",
          "SELECT entropy FROM mmap_blocks('big', 1000000000000)"}) {
      std::string error;
      double ms = StopSoon(*db, sql, &error);
      printf("%u threads: %7.1f ms  %s\n", n, ms, sql);
      EXPECT_EQ(error.substr(0, 10), "INTERRUPT ") << sql << ": " << error;
      EXPECT_LT(ms, 500) << sql;
    }
  }
  EXPECT_EQ(One("SELECT mmap_config('threads')"), "4");
}

// The handler is the connection's own, and is called in its thread alone. Where that has no processor
// for a while, the others may be done meanwhile: then it is tried again.
TEST_F(InterruptOfSeveral, AProgressHandlerIsCalledInTheConnectionsThread) {
  struct Calls {
    std::thread::id self = std::this_thread::get_id();
    int calls = 0, stop = 0;
    static int Tick(void *context) {
      auto *all = static_cast<Calls *>(context);
      EXPECT_EQ(std::this_thread::get_id(), all->self);
      return ++all->calls == all->stop;
    }
  };
  constexpr int kTries = 50;
  Put("f", "");
  std::filesystem::resize_file("f", 64 * kMega);
  Threads(4);
  for (const char *sql :
       {"SELECT count(*) FROM mmap_histogram('f')", "SELECT mmap_checksum('f', 'crc-16/modbus')",
        "SELECT sum(entropy) FROM mmap_blocks('f')"}) {
    Calls served, stops;
    std::string error;
    for (int i = 0; i < kTries && served.calls <= 5; i++) {
      served.calls = 0;
      sqlite3_progress_handler(*db, 20, Calls::Tick, &served);
      EXPECT_EQ(Error(sql), "ok");
    }
    EXPECT_GT(served.calls, 5) << sql;
    for (int i = 0; i < kTries && error.rfind("INTERRUPT ", 0) != 0; i++) {
      stops = {};
      stops.stop = 4;
      sqlite3_progress_handler(*db, 20, Calls::Tick, &stops);
      error = Error(sql);
    }
    EXPECT_EQ(error.substr(0, 10), "INTERRUPT ") << sql;
    sqlite3_progress_handler(*db, 0, nullptr, nullptr);
  }
}

// A statement that writes with each row makes what was found ahead worthless: it is not to look at
// the same bytes for each row anew. One question for every 4 MiB tells how many were looked at.
TEST_F(InterruptOfSeveral, WhoWritesWithEachRowLooksAtNothingTwice) {
  Put("f", "");
  std::filesystem::resize_file("f", 64 * kMega);
  auto questions = [&](unsigned threads) {
    int calls = 0;
    auto count = [](void *n) {
      ++*static_cast<int *>(n);
      return 0;
    };
    Threads(threads);
    sqlite3_progress_handler(*db, 20, count, &calls);
    EXPECT_EQ(Error("SELECT sum(zeros), sum(mmap_patch('f', offset, 'x')) FROM mmap_blocks('f')"),
              "ok");
    sqlite3_progress_handler(*db, 0, nullptr, nullptr);
    return calls;
  };
  int alone = questions(1), together = questions(2);
  printf("%d calls of a handler alone, %d together\n", alone, together);
  EXPECT_LT(together, alone + 100);
}

} // namespace
} // namespace mm_test
