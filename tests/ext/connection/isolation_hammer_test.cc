// Processes that move money between accounts of two files, or of one, each in a transaction that reads
// and then writes what it has computed from that; others add all up in one statement. Some are killed
// at any moment. Under isolation no sum is ever wrong, nobody starves and no transfer is lost.
// MM_HAMMER_SECONDS=600 makes it longer.
#include "tests/support/sql.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <random>

namespace mm_test {
namespace {

constexpr int kAccounts = 8; // of each table
constexpr int64_t kEach = 1000, kTotal = 2 * kAccounts * kEach;

double Seconds() {
  const char *text = getenv("MM_HAMMER_SECONDS");
  return text ? atof(text) : 2;
}

std::string NewBank(int accounts) {
  std::string bytes;
  for (int i = 0; i < accounts; i++) {
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(kEach >> shift & 255);
  }
  return bytes;
}

// What all processes share.
struct Counts {
  std::atomic<int> transfers, busy, looks, wrong, failed;
  std::atomic<bool> over;
};

class IsolationHammer : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    db.reset(); // a child has no use for it
    void *shared =
        mmap(nullptr, sizeof(Counts), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(shared, MAP_FAILED);
    counts = new (shared) Counts();
  }
  void TearDown() override {
    munmap(static_cast<void *>(counts), sizeof(Counts));
    SqlTest::TearDown();
  }

  std::unique_ptr<Db> Connect(const std::string &isolation, int busy_timeout) const {
    auto client = std::make_unique<Db>();
    client->Run("SELECT mmap_config('isolation', '" + isolation +
                "'), mmap_config('busy_timeout', " + std::to_string(busy_timeout) +
                "), mmap_config('synchronous', 'normal')");
    client->Run("CREATE VIRTUAL TABLE temp.x USING mmap(" + x +
                ", n i64le);"
                "CREATE VIRTUAL TABLE temp.y USING mmap(" +
                y + ", n i64le)");
    return client;
  }

  // False: it was BUSY.
  bool Try(Db &client, const std::string &sql) {
    std::string error = client.Error(sql);
    if (error != "ok" && error.substr(0, 4) != "BUSY") {
      fprintf(stderr, "%s: %s\n", sql.c_str(), error.c_str());
      counts->failed++;
    }
    return error == "ok";
  }

  // What is written was computed from what was read: another's transfer in between would be lost.
  bool Transfer(Db &client, std::mt19937 *random) {
    std::string from = "x", to = "y";
    if ((*random)() % 2) std::swap(from, to);
    std::string i = " WHERE rowid = " + std::to_string((*random)() % kAccounts);
    std::string j = " WHERE rowid = " + std::to_string((*random)() % kAccounts);
    int64_t a = 0, b = 0, amount = static_cast<int64_t>((*random)() % 100);
    return Try(client, "BEGIN") && Look(client, "SELECT n FROM " + from + i, &a) &&
           Look(client, "SELECT n FROM " + to + j, &b) &&
           Try(client, "UPDATE " + from + " SET n = " + std::to_string(a - amount) + i) &&
           Try(client, "UPDATE " + to + " SET n = " + std::to_string(b + amount) + j) &&
           Try(client, "COMMIT");
  }

  // A query that may be BUSY, without a failure of the test.
  bool Look(Db &client, const std::string &sql, int64_t *value) {
    sqlite3_stmt *stmt = nullptr;
    int rc = sqlite3_prepare_v2(client, sql.c_str(), -1, &stmt, nullptr);
    if (rc == SQLITE_OK) rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) *value = sqlite3_column_int64(stmt, 0);
    if (rc != SQLITE_ROW && rc != SQLITE_BUSY) {
      fprintf(stderr, "%s: %s\n", sql.c_str(), sqlite3_errmsg(client));
      counts->failed++;
    }
    sqlite3_finalize(stmt);
    return rc == SQLITE_ROW;
  }

  void Move(unsigned seed) {
    std::mt19937 random(seed);
    auto client = Connect("transaction", 200);
    while (!counts->over) {
      if (Transfer(*client, &random)) {
        counts->transfers++;
      } else {
        counts->busy++;
        if (!sqlite3_get_autocommit(*client)) client->Run("ROLLBACK");
      }
    }
  }

  void Add(unsigned seed) {
    static const char *const sums[] = {
        "SELECT (SELECT sum(n) FROM x) + (SELECT sum(n) FROM y)",
        "SELECT (SELECT sum(n) FROM y) + (SELECT sum(n) FROM x)",
        "SELECT sum(x.n + y.n) FROM x JOIN y ON x.rowid = y.rowid",
        "SELECT sum(n) FROM (SELECT n FROM y UNION ALL SELECT n FROM x)"};
    auto client = Connect(seed % 2 ? "statement" : "transaction", 20000);
    for (unsigned i = seed; !counts->over; i++) {
      int64_t sum = 0;
      if (!Look(*client, sums[i % 4], &sum)) {
        counts->busy++;
        continue;
      }
      counts->looks++;
      if (sum != kTotal) counts->wrong++;
    }
  }

  pid_t Start(const std::function<void()> &body) {
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    body();
    _exit(0);
  }

  void Hammer() {
    constexpr int kMovers = 2, kAll = 4;
    std::vector<pid_t> pids(kAll);
    unsigned seed = 0;
    auto start = [&](int i) {
      unsigned mine = ++seed;
      pids[static_cast<size_t>(i)] = Start([&] { i < kMovers ? Move(mine) : Add(mine); });
    };
    for (int i = 0; i < kAll; i++) start(i);
    std::mt19937 random(7);
    auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(Seconds());
    while (std::chrono::steady_clock::now() < end && !counts->wrong && !counts->failed) {
      usleep(static_cast<useconds_t>(20000 + random() % 60000));
      int victim = static_cast<int>(random() % kAll);
      kill(pids[static_cast<size_t>(victim)], SIGKILL);
      waitpid(pids[static_cast<size_t>(victim)], nullptr, 0);
      start(victim);
    }
    counts->over = true;
    for (pid_t pid : pids) waitpid(pid, nullptr, 0);
    EXPECT_EQ(counts->wrong, 0);
    EXPECT_EQ(counts->failed, 0);
    EXPECT_GT(counts->transfers, 0);
    EXPECT_GT(counts->looks, 0);
    auto last = Connect("statement", 1000);
    EXPECT_EQ(last->Int("SELECT (SELECT sum(n) FROM x) + (SELECT sum(n) FROM y)"), kTotal);
    printf("%d transfers, %d looks, %d busy\n", counts->transfers.load(), counts->looks.load(),
           counts->busy.load());
  }

  std::string x, y; // the arguments of the tables
  Counts *counts = nullptr;
};

TEST_F(IsolationHammer, OfTwoFiles) {
  Put("a", NewBank(kAccounts));
  Put("b", NewBank(kAccounts));
  x = "'a'";
  y = "'b'";
  Hammer();
}

TEST_F(IsolationHammer, OfOneFile) {
  Put("a", NewBank(2 * kAccounts));
  x = "'a', length=" + std::to_string(8 * kAccounts);
  y = "'a', offset=" + std::to_string(8 * kAccounts);
  Hammer();
}

} // namespace
} // namespace mm_test
