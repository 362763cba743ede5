// Many threads, each with connections of its own, and many processes, which are killed at any
// moment, on the same files: money moves between accounts, and none is made or lost; what was
// acknowledged stays; nobody sees what was not committed. Each test takes a second or two;
// MM_HAMMER_SECONDS=600 makes it longer.
#include "tests/support/sql.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstring>
#include <mutex>
#include <random>
#include <shared_mutex>
#include <thread>

namespace mm_test {
namespace {

constexpr int kSlots = 8; // of those who count their commits in the file
constexpr int kAccounts = 60;
constexpr int64_t kEach = 1000, kTotal = kAccounts * kEach;
constexpr int64_t kNever = -123456789; // a balance that no commit makes
constexpr int kPatience = 60000;       // milliseconds, of what must not fail

double Seconds() {
  const char *text = getenv("MM_HAMMER_SECONDS");
  return text ? atof(text) : 1.5;
}

// A file with a counter for each slot, and then the accounts, 8 bytes each.
std::string NewBank() {
  std::string bytes(kSlots * 8, 0);
  for (int i = 0; i < kAccounts; i++) {
    for (int shift = 0; shift < 64; shift += 8) bytes += static_cast<char>(kEach >> shift & 255);
  }
  return bytes;
}

// Who forks waits until nobody is inside SQLite: a child could not use what another thread has
// locked.
class Gate {
public:
  std::shared_lock<std::shared_mutex> Enter() {
    while (closing_) std::this_thread::yield();
    return std::shared_lock<std::shared_mutex>(inside_);
  }
  std::unique_lock<std::shared_mutex> Close() {
    closing_ = true;
    std::unique_lock<std::shared_mutex> alone(inside_);
    closing_ = false;
    return alone;
  }

private:
  std::shared_mutex inside_;
  std::atomic<bool> closing_{false};
};

// What all threads of a test share.
struct Team {
  std::vector<std::string> banks = {"bank"};
  int busy_timeout = 1000;
  Gate gate;
  std::atomic<bool> over{false};
  std::atomic<int> commits{0}, busy{0}, looks{0}, torn{0};

  bool Over() const { return over || testing::Test::HasFailure(); }
  int64_t Money() const { return kTotal * static_cast<int64_t>(banks.size()); }
};

// Somebody with one connection after another.
class Client {
public:
  Client(Team *team, unsigned seed) : team_(team), random_(seed) { Open(); }
  ~Client() { Close(); }
  Client(const Client &) = delete;

  void Reopen() {
    Close();
    Open();
  }

  // As Db's, but not in the moment of a fork.
  void Run(const std::string &sql) {
    auto inside = team_->gate.Enter();
    db_->Run(sql);
  }
  int64_t Int(const std::string &sql) {
    auto inside = team_->gate.Enter();
    return db_->Int(sql);
  }
  std::string Error(const std::string &sql) {
    auto inside = team_->gate.Enter();
    return db_->Error(sql);
  }

  // Begin a transaction as the one writer of all banks; false if others were faster.
  bool Begin() {
    size_t first = Random(team_->banks.size());
    SetTimeout(team_->busy_timeout);
    Run("BEGIN");
    for (size_t i = 0; i < team_->banks.size(); i++) {
      const std::string &bank = team_->banks[(first + i) % team_->banks.size()];
      std::string error = Error("SELECT mmap_patch('" + bank + "', 0, '')");
      if (error == "ok") continue;
      EXPECT_EQ(error.substr(0, 4), "BUSY") << error;
      team_->busy++;
      Run("ROLLBACK");
      SetTimeout(kPatience);
      return false;
    }
    SetTimeout(kPatience);
    EXPECT_EQ(Sum(), team_->Money());
    return true;
  }

  int64_t Sum() {
    int64_t sum = 0;
    for (size_t i = 0; i < team_->banks.size(); i++) {
      sum += Int("SELECT sum(balance) FROM " + Table(i));
    }
    return sum;
  }

  static std::string Table(size_t bank) { return "temp.account" + std::to_string(bank); }
  size_t Random(size_t limit) { return random_() % limit; }

  // Look as the one writer, and as anybody.
  void Look() {
    team_->looks++;
    if (Random(4) == 0 && Begin()) Run("ROLLBACK");
    LookAsItIs();
    if (Random(16) == 0) Reopen();
  }

private:
  void SetTimeout(int milliseconds) {
    Run("SELECT mmap_config('busy_timeout', " + std::to_string(milliseconds) + ")");
  }

  void Open() {
    auto inside = team_->gate.Enter();
    db_ = std::make_unique<Db>();
    db_->Run("SELECT mmap_config('busy_timeout', " + std::to_string(kPatience) + ")");
    const char *safe[] = {"full", "normal"};
    db_->Run("SELECT mmap_config('synchronous', '" + std::string(safe[Random(2)]) + "')");
    for (size_t i = 0; i < team_->banks.size(); i++) {
      db_->Run("CREATE VIRTUAL TABLE " + Table(i) + " USING mmap('" + team_->banks[i] +
               "', offset=" + std::to_string(kSlots * 8) + ", delete=yes, balance i64le)");
    }
  }
  void Close() {
    auto inside = team_->gate.Enter();
    db_.reset();
  }

  // This may fall into a commit; it never sees what is not committed.
  void LookAsItIs() {
    auto inside = team_->gate.Enter();
    sqlite3_stmt *stmt = nullptr;
    std::string sql = "SELECT sum(balance), sum(balance = " + std::to_string(kNever) + ") FROM " +
                      Table(Random(team_->banks.size()));
    ASSERT_EQ(sqlite3_prepare_v2(*db_, sql.c_str(), -1, &stmt, nullptr), SQLITE_OK);
    int rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW) {
      // Of several banks none keeps its sum.
      team_->torn += team_->banks.size() == 1 && sqlite3_column_int64(stmt, 0) != kTotal;
      EXPECT_EQ(sqlite3_column_int64(stmt, 1), 0) << "a balance that was never committed";
    } else {
      // A commit that makes the file shorter may do so under the reader.
      EXPECT_EQ(rc, SQLITE_IOERR) << sqlite3_errmsg(*db_);
    }
    sqlite3_finalize(stmt);
  }

  Team *team_;
  std::mt19937 random_;
  std::unique_ptr<Db> db_;
};

// Somebody who moves money, and counts in a slot of the first bank how often.
class Banker : public Client {
public:
  Banker(Team *team, int slot, unsigned seed)
      : Client(team, seed), team_(team), slot_(slot), done_(Counted()) {}

  int64_t done() const { return done_; }

  // One transaction.
  void Work() {
    if (Random(16) == 0) Reopen();
    if (!Begin()) return;
    EXPECT_EQ(Counted(), done_) << "a commit is lost, or came back";
    for (size_t steps = 1 + Random(3); steps > 0; steps--) Step();
    if (Random(4) == 0) Shrink(Random(team_->banks.size()));
    EXPECT_EQ(Sum(), team_->Money());
    Run("SELECT mmap_set('" + team_->banks[0] + "', " + std::to_string(slot_ * 8) + ", " +
        std::to_string(done_ + 1) + ", 'i64le')");
    if (Random(8) == 0) {
      Run("ROLLBACK");
      return;
    }
    std::string error = Error("COMMIT");
    EXPECT_EQ(error, "ok");
    if (error != "ok") return;
    done_++;
    team_->commits++;
  }

private:
  int64_t Counted() {
    return Int("SELECT mmap_get('" + team_->banks[0] + "', " + std::to_string(slot_ * 8) +
               ", 'i64le')");
  }

  // Any account, as a condition.
  std::string Account(size_t bank) {
    auto count = static_cast<size_t>(Int("SELECT count(*) FROM " + Table(bank)));
    return " WHERE rowid = " + std::to_string(Random(count));
  }

  void Add(size_t bank, const std::string &account, int64_t amount) {
    Run("UPDATE " + Table(bank) + " SET balance = balance + " + std::to_string(amount) + account);
  }

  void Step() {
    size_t bank = Random(team_->banks.size());
    switch (Random(5)) {
      case 0:
        UndoASavepoint(bank);
        break;
      case 1:
        FailHalfway(bank);
        break;
      case 2:
        Grow(bank);
        break;
      default:
        Transfer(bank, Random(team_->banks.size()));
    }
  }

  void Transfer(size_t from, size_t to) {
    auto amount = static_cast<int64_t>(Random(500));
    Add(from, Account(from), -amount);
    Add(to, Account(to), amount);
  }

  void UndoASavepoint(size_t bank) {
    Run("SAVEPOINT s");
    Run("UPDATE " + Table(bank) + " SET balance = " + std::to_string(kNever));
    if (Random(2)) Run("SELECT mmap_resize('" + team_->banks[bank] + "', 100)");
    Run("ROLLBACK TO s");
    Run("RELEASE s");
  }

  void FailHalfway(size_t bank) {
    std::string error = Error("UPDATE " + Table(bank) + " SET balance = iif(rowid < 5, " +
                              std::to_string(kNever) + ", 1.5)");
    EXPECT_NE(error, "ok");
  }

  void Grow(size_t bank) {
    Add(bank, " WHERE rowid = 0", -7);
    Run("INSERT INTO " + Table(bank) + " VALUES (7)");
  }

  // By its last account, or by its second one: then the others move.
  void Shrink(size_t bank) {
    std::string count = "(SELECT count(*) FROM " + Table(bank) + ")";
    if (Int("SELECT " + count) < kAccounts / 2) return;
    std::string which = Random(2) ? "1" : count + " - 1";
    int64_t balance = Int("SELECT balance FROM " + Table(bank) + " WHERE rowid = " + which);
    Run("UPDATE " + Table(bank) + " SET balance = balance + " + std::to_string(balance) +
        " WHERE rowid = 0");
    Run("DELETE FROM " + Table(bank) + " WHERE rowid = " + which);
  }

  Team *team_;
  int slot_;
  int64_t done_;
};

class Threads : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    if (harness) GTEST_SKIP() << "faults are for one thread";
    if (!sqlite3_threadsafe()) GTEST_SKIP() << "SQLite was built without threads";
  }

  // Do it again and again in a thread, until time is over.
  void Start(std::function<void()> once) {
    threads_.emplace_back([this, once = std::move(once)] {
      while (!team.Over()) once();
    });
  }

  void StartBankers(int count) {
    for (const std::string &bank : team.banks) Put(bank, NewBank());
    for (int i = 0; i < count; i++) {
      bankers.push_back(std::make_unique<Banker>(&team, i, seed_++));
      Start([banker = bankers.back().get()] { banker->Work(); });
    }
  }

  void StartClient(std::function<void(Client &)> once) {
    clients_.push_back(std::make_unique<Client>(&team, seed_++));
    Start([client = clients_.back().get(), once = std::move(once)] { once(*client); });
  }

  void WaitUntilTimeIsOver() {
    auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(Seconds());
    while (!team.Over() && std::chrono::steady_clock::now() < end) usleep(10000);
    Join();
  }

  void Join() {
    team.over = true;
    for (std::thread &thread : threads_) thread.join();
    threads_.clear();
    clients_.clear();
  }

  void ExpectAllIsThere() {
    Client last(&team, 0);
    EXPECT_TRUE(last.Begin());
    for (size_t i = 0; i < bankers.size(); i++) {
      EXPECT_EQ(last.Int("SELECT mmap_get('" + team.banks[0] + "', " + std::to_string(i * 8) +
                         ", 'i64le')"),
                bankers[i]->done());
    }
    last.Run("ROLLBACK");
    EXPECT_GT(team.commits, 0);
    for (const std::string &bank : team.banks) EXPECT_FALSE(HasJournal(bank));
    printf("%d commits, %d times busy, %d looks, of which %d fell into a commit\n",
           team.commits.load(), team.busy.load(), team.looks.load(), team.torn.load());
  }

  void TearDown() override {
    Join();
    bankers.clear();
    SqlTest::TearDown();
  }

  Team team;
  std::vector<std::unique_ptr<Banker>> bankers;

private:
  unsigned seed_ = 1;
  std::vector<std::thread> threads_;
  std::vector<std::unique_ptr<Client>> clients_;
};

TEST_F(Threads, TransferBetweenTheAccountsOfAFile) {
  StartBankers(4);
  for (int i = 0; i < 2; i++) StartClient([](Client &client) { client.Look(); });
  WaitUntilTimeIsOver();
  ExpectAllIsThere();
}

// Each becomes the writer of both, in either order: who meets another gives way.
TEST_F(Threads, TransferBetweenFiles) {
  team.banks = {"bank", "other bank"};
  team.busy_timeout = 5;
  StartBankers(3);
  for (int i = 0; i < 2; i++) StartClient([](Client &client) { client.Look(); });
  WaitUntilTimeIsOver();
  ExpectAllIsThere();
}

TEST_F(Threads, CountTogetherInMemoryThatATagNames) {
  Put("bank", NewBank());
  const std::string open = "SELECT mmap_open(NULL, 'write', 8192, 0, 'counter')";
  Client owner(&team, 100);
  const std::string mine = std::to_string(owner.Int(open));
  std::atomic<int> counted{0};
  for (int i = 0; i < 4; i++) {
    StartClient([&](Client &client) {
      if (client.Random(4) == 0) client.Reopen();
      const std::string h = std::to_string(client.Int(open));
      client.Run("BEGIN");
      bool writes = client.Error("SELECT mmap_patch(" + h + ", 0, '')") == "ok";
      if (writes) {
        client.Run("SELECT mmap_set(" + h + ", 4090, mmap_get(" + h +
                   ", 4090, 'i64le') + 1, 'i64le')");
        client.Run("SAVEPOINT s; SELECT mmap_set(" + h + ", 4090, -1, 'i64le'); ROLLBACK TO s");
      }
      client.Run("COMMIT");
      counted += writes;
      client.Run("SELECT mmap_close(" + h + ")");
    });
  }
  WaitUntilTimeIsOver();
  EXPECT_GT(counted, 0);
  EXPECT_EQ(owner.Int("SELECT mmap_get(" + mine + ", 4090, 'i64le')"), counted);
}

// A slice that SQLite holds stays what it was, whatever is committed meanwhile.
TEST_F(Threads, HoldSlicesWhileOthersCommit) {
  constexpr size_t kBig = 1 << 20;
  Put("bank", NewBank());
  Put("big", std::string(kBig, 'a'));
  std::atomic<int> held{0};
  for (int i = 0; i < 2; i++) {
    StartClient([](Client &client) {
      std::string at = std::to_string(client.Random(kBig / 2)),
                  byte = std::to_string(client.Random(256));
      std::string size = std::to_string(kBig / 2 + client.Random(kBig));
      client.Run("BEGIN");
      bool writes = client.Error("SELECT mmap_patch('big', 0, '')") == "ok";
      if (writes) {
        client.Run("SELECT mmap_patch('big', " + at + ", zeroblob(1000)), mmap_set('big', 5, " +
                   byte + "), mmap_resize('big', " + size + ")");
      }
      client.Run("COMMIT");
    });
  }
  for (int i = 0; i < 2; i++) {
    Start([&] {
      Db own;
      for (int n = 0; n < 20; n++) {
        sqlite3_stmt *stmt = nullptr;
        sqlite3_prepare_v2(own, "SELECT mmap_slice('big')", -1, &stmt, nullptr);
        int rc = sqlite3_step(stmt);
        if (rc == SQLITE_ROW) {
          auto bytes = static_cast<const char *>(sqlite3_column_blob(stmt, 0));
          auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, 0));
          std::string before(bytes, size);
          usleep(2000);
          EXPECT_EQ(memcmp(before.data(), bytes, size), 0);
          held++;
        } else {
          // In the moment of a commit that cuts it.
          EXPECT_TRUE(rc == SQLITE_IOERR || rc == SQLITE_INTERRUPT || rc == SQLITE_BUSY)
              << rc << ": " << sqlite3_errmsg(own);
        }
        sqlite3_finalize(stmt);
      }
    });
  }
  WaitUntilTimeIsOver();
  EXPECT_GT(held, 0);
}

// Somebody who knows nothing of locks cuts a file and makes it longer, again and again, under those
// who read and write it; the others notice nothing.
TEST_F(Threads, AreNotDisturbedByAFileThatIsCut) {
  constexpr off_t kSize = 600 << 10;
  StartBankers(2);
  Put("cut", std::string(kSize, 'a'));
  Start([] {
    for (off_t size : {off_t{0}, kSize, kSize / 2, kSize, off_t{5000}, kSize}) {
      EXPECT_EQ(truncate("cut", size), 0);
      usleep(300);
    }
  });
  std::atomic<int> good{0}, bad{0};
  for (int i = 0; i < 3; i++) {
    StartClient([&](Client &client) {
      const char *const all[] = {
          "SELECT mmap_find('cut', 'xyz')",    "SELECT sum(byte) FROM mmap('cut', NULL)",
          "SELECT sum(byte) FROM mmap('cut')", "SELECT instr(mmap_slice('cut'), x'ff')",
          "SELECT mmap_get('cut', 300000)",    "SELECT count(*) FROM mmap_lines('cut')",
          "SELECT mmap_crc32('cut')",          "SELECT mmap_patch('cut', 100, 'mine')",
      };
      std::string error = client.Error(all[client.Random(sizeof all / sizeof *all)]);
      std::string code = error.substr(0, error.find(' '));
      // ERROR: what it wanted is outside, now.
      EXPECT_TRUE(code == "ok" || code == "IOERR" || code == "INTERRUPT" || code == "ERROR" ||
                  code == "BUSY" || code == "BUSY_SNAPSHOT")
          << error;
      (code == "ok" ? good : bad)++;
      if (client.Random(50) == 0) client.Reopen();
    });
  }
  WaitUntilTimeIsOver();
  EXPECT_GT(good, 0);
  EXPECT_GT(bad, 0);
  ExpectAllIsThere();
  EXPECT_EQ(db->Error("SELECT mmap_find('cut', 'xyz')"), "ok");
}

// Forks happen between statements, in the middle of transactions. The child has a connection of its
// own.
TEST_F(Threads, ForkedChildrenJoinTheTransfers) {
  StartBankers(3);
  int64_t forks = 0;
  auto child = [&] {
    alarm(60);
    Team own;
    {
      Banker banker(&own, kSlots - 1, static_cast<unsigned>(forks));
      while (banker.done() == forks && !own.Over()) banker.Work();
    }
    fflush(nullptr);
    _exit(testing::Test::HasFailure());
  };
  Start([&] {
    pid_t pid;
    {
      auto alone = team.gate.Close();
      fflush(nullptr);
      pid = fork();
      if (pid == 0) child();
    }
    int status = -1;
    waitpid(pid, &status, 0);
    EXPECT_EQ(status, 0);
    forks++;
  });
  WaitUntilTimeIsOver();
  ExpectAllIsThere();
  EXPECT_GT(forks, 0);
  EXPECT_EQ(Int("SELECT mmap_get('bank', " + std::to_string((kSlots - 1) * 8) + ", 'i64le')"),
            forks);
}

// ---- processes

// Each of these is this program again, with some threads, in the same directory. What it has
// acknowledged is in a file beside, which needs no more than to outlive the process.
class Processes : public Threads {
protected:
  static constexpr int kThreads = 2, kProcesses = 3;

  static std::string Acknowledged(int slot) { return "acknowledged." + std::to_string(slot); }

  // What $MM_BANKER says: the directory, the first slot and the seed.
  static void BeOne(const char *text) {
    char where[4096];
    int slot = 0;
    unsigned seed = 0;
    ASSERT_EQ(sscanf(text, "%d %u %4095[^\n]", &slot, &seed, where), 3);
    ASSERT_EQ(chdir(where), 0);
    Team own;
    std::vector<std::thread> threads;
    for (int i = 0; i < kThreads; i++) {
      threads.emplace_back(WorkForever, &own, slot + i, seed * kThreads + static_cast<unsigned>(i));
    }
    for (std::thread &thread : threads) thread.join();
  }

  static void WorkForever(Team *team, int slot, unsigned seed) {
    int fd = open(Acknowledged(slot).c_str(), O_RDWR | O_CREAT, 0644);
    int64_t known = 0;
    EXPECT_GE(pread(fd, &known, sizeof known, 0), 0);
    Banker banker(team, slot, seed);
    EXPECT_GE(banker.done(), known) << "a commit is lost";
    for (; !team->Over(); banker.Work()) {
      int64_t done = banker.done();
      EXPECT_EQ(pwrite(fd, &done, sizeof done, 0), 8);
    }
    close(fd);
  }

  pid_t StartOne(int slot, unsigned seed) {
    std::string what = std::to_string(slot) + " " + std::to_string(seed) + " " + directory;
    std::string filter = std::string("--gtest_filter=Processes.") +
                         testing::UnitTest::GetInstance()->current_test_info()->name();
    fflush(nullptr);
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setenv("MM_BANKER", what.c_str(), 1);
    setenv("MMAP_LIBRARY", Library().c_str(), 1);
    unsetenv("XML_OUTPUT_FILE");
    execl("/proc/self/exe", "banker", filter.c_str(), "--gtest_brief=1", nullptr);
    _exit(127);
  }

  static void End(pid_t pid) {
    int status = 0;
    kill(pid, SIGKILL);
    waitpid(pid, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status)) << "one ended by itself";
  }
};

TEST_F(Processes, KilledAtAnyMomentLoseNothing) {
  if (const char *text = getenv("MM_BANKER")) {
    BeOne(text);
    return;
  }
  Put("bank", NewBank());
  StartClient([](Client &client) { client.Look(); });
  std::mt19937 random(1);
  std::vector<pid_t> all;
  unsigned seed = 1, kills = 0;
  for (int i = 0; i < kProcesses; i++) all.push_back(StartOne(i * kThreads, seed++));
  double seconds = 2 * Seconds();
  auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (std::chrono::steady_clock::now() < end && !team.Over()) {
    usleep(static_cast<useconds_t>(random() % 200000));
    size_t which = random() % kProcesses;
    End(all[which]);
    all[which] = StartOne(static_cast<int>(which) * kThreads, seed++);
    kills++;
  }
  for (pid_t pid : all) End(pid);
  Join();
  Client last(&team, 0);
  EXPECT_TRUE(last.Begin());
  int64_t commits = 0;
  for (int slot = 0; slot < kThreads * kProcesses; slot++) {
    int64_t done = last.Int("SELECT mmap_get('bank', " + std::to_string(slot * 8) + ", 'i64le')");
    std::string known = Get(Acknowledged(slot));
    int64_t acknowledged = 0;
    if (known.size() == 8) memcpy(&acknowledged, known.data(), 8);
    // At most one was not acknowledged when the last one died.
    EXPECT_TRUE(done == acknowledged || done == acknowledged + 1) << done << " " << acknowledged;
    commits += done;
  }
  last.Run("ROLLBACK");
  EXPECT_FALSE(HasJournal("bank"));
  EXPECT_GT(commits, 0);
  printf("%u kills, %lld commits, %d looks, of which %d fell into a commit\n", kills,
         static_cast<long long>(commits), team.looks.load(), team.torn.load());
}

} // namespace
} // namespace mm_test
