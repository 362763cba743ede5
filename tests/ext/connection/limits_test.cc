// Limits of the process: descriptors, mappings, memory; and of patience: what takes long can be
// stopped.
#include "tests/support/interrupt.h"
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <future>
#include <thread>
#include <vector>

namespace mm_test {
namespace {

namespace fs = std::filesystem;
using Clock = std::chrono::steady_clock;

double Milliseconds(Clock::time_point since) {
  return std::chrono::duration<double, std::milli>(Clock::now() - since).count();
}

size_t Descriptors() {
  size_t count = 0;
  for (auto &entry : fs::directory_iterator("/proc/self/fd")) (void)entry, count++;
  return count;
}

size_t Mappings() {
  std::ifstream maps("/proc/self/maps");
  size_t count = 0;
  for (std::string line; std::getline(maps, line);) count++;
  return count;
}

// ---- descriptors, mappings, memory

class Limits : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    getrlimit(RLIMIT_NOFILE, &before_);
  }
  void TearDown() override {
    setrlimit(RLIMIT_NOFILE, &before_);
    SqlTest::TearDown();
  }
  void AllowDescriptors(rlim_t count) {
    rlimit limit = before_;
    limit.rlim_cur = count;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
  }

private:
  rlimit before_;
};

// Each file is open, and the journals of some.
TEST_F(Limits, FewJournalsThatStayAreKeptOpen) {
  Run("SELECT mmap_config('journal', 'persist')");
  for (int i = 0; i < 200; i++) Put("f" + std::to_string(i), "bytes");
  size_t before = Descriptors();
  for (int round = 0; round < 2; round++) {
    for (int i = 0; i < 200; i++) {
      Run("SELECT mmap_set('f" + std::to_string(i) + "', 0, " + std::to_string(65 + round) + ")");
    }
    EXPECT_LE(Descriptors(), before + 200 + 64);
  }
  for (int i : {0, 100, 199}) EXPECT_EQ(Get("f" + std::to_string(i)), "Bytes");
}

// What is empty may be a database that is about to be made, of which the descriptors tell.
TEST_F(Limits, WithoutADescriptorAWriteSaysSo) {
  Put("f", std::string(100, 'a'));
  Put("g", "");
  EXPECT_EQ(One("SELECT mmap_size('f') + mmap_size('g')"), "100");
  AllowDescriptors(256);
  std::vector<int> taken;
  for (int fd; (fd = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0;) taken.push_back(fd);
  EXPECT_EQ(Error("SELECT mmap_set('f', 0, 65)"),
            "CANTOPEN mmap_set: cannot write 'f': Too many open files");
  EXPECT_EQ(
      Error("SELECT mmap_insert('g', 0, 'x')"),
      "CANTOPEN mmap_insert: cannot tell whether 'g' is open as a database: Too many open files");
  for (int fd : taken) close(fd);
  Run("SELECT mmap_insert('g', 0, 'x')");
  EXPECT_EQ(Get("g"), "x");
}

// Also those of files that the statement has written before.
TEST_F(Limits, FilesThatAreKeptForTheirNextUseMakeRoomForAWriter) {
  std::string numbers =
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 149)";
  for (int i = 0; i < 150; i++) Put("f" + std::to_string(i), "bytes");
  AllowDescriptors(static_cast<rlim_t>(Descriptors()) + 100);
  for (const char *journal : {"delete", "persist"}) {
    Run("SELECT mmap_config('journal', '" + std::string(journal) + "')");
    EXPECT_EQ(One(numbers + " SELECT sum(mmap_size('f' || i)) FROM n"), "750") << journal;
    EXPECT_EQ(One(numbers + " SELECT sum(mmap_patch('f' || i, 0, 'B')) FROM n"), "150") << journal;
    EXPECT_EQ(One("SELECT sum(mmap_patch('f' || value, 0, 'M')) FROM json_each('[7, 8, 9]')"), "3");
    Run("BEGIN");
    for (int i = 0; i < 20; i++) Run("SELECT mmap_patch('f" + std::to_string(i) + "', 0, 'C')");
    EXPECT_EQ(Error("COMMIT"), "ok") << journal;
    EXPECT_EQ(Get("f19") + Get("f20"), "CytesBytes");
  }
}

// The journals that were made have all descriptors when the next one finds none.
TEST_F(Limits, ACommitWithoutDescriptorsForItsJournalsLeavesNone) {
  for (int i = 0; i < 60; i++) Put("f" + std::to_string(i), "bytes");
  Run("SELECT mmap_config('journal', 'persist')");
  AllowDescriptors(static_cast<rlim_t>(Descriptors()) + 150);
  Run("BEGIN");
  for (int i = 0; i < 60; i++) Run("SELECT mmap_patch('f" + std::to_string(i) + "', 0, 'B')");
  EXPECT_NE(Error("COMMIT").find("Too many open files"), std::string::npos);
  EXPECT_EQ(One("SELECT count(*) FROM mmap_glob('*-mmap-journal')"), "0");
  Db other(":memory:");
  EXPECT_EQ(other.One("SELECT CAST(mmap_slice('f0') AS TEXT)"), "bytes");
}

TEST_F(Limits, TenThousandFilesAreTouchedByPath) {
  for (int i = 0; i < 10000; i++) Put("f" + std::to_string(i), std::to_string(i % 10));
  AllowDescriptors(512);
  size_t mappings = Mappings();
  const std::string numbers =
      "WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 9999)";
  EXPECT_EQ(One(numbers + " SELECT sum(mmap_get('f' || i, 0) - 48) FROM n"), "45000");
  EXPECT_LE(Descriptors(), 512u);
  EXPECT_LT(Mappings(), mappings + 1000);
  EXPECT_EQ(One(numbers + " SELECT sum(m.byte - 48) FROM n, mmap('f' || i) AS m WHERE i % 10 = 3"),
            "3000");
  for (int i = 0; i < 10000; i += 7) {
    ASSERT_EQ(Int("SELECT mmap_get('f" + std::to_string(i) + "', 0)"), 48 + i % 10);
  }
  EXPECT_LE(Descriptors(), 512u);
  EXPECT_LT(Mappings(), mappings + 1000);
}

TEST_F(Limits, WhatHasWritesPendingStaysWhateverElseIsTouched) {
  for (int i = 0; i < 1000; i++) Put("f" + std::to_string(i), "x");
  AllowDescriptors(512);
  Run("BEGIN; SELECT mmap_patch('f0', 0, 'a'), mmap_patch('f1', 0, 'b')");
  for (int i = 2; i < 1000; i++) Run("SELECT mmap_get('f" + std::to_string(i) + "', 0)");
  EXPECT_EQ(One("SELECT char(mmap_get('f0', 0), mmap_get('f1', 0))"), "ab");
  Run("COMMIT");
  EXPECT_EQ(Get("f0") + Get("f1"), "ab");
}

TEST_F(Limits, FewDescriptorsAreSharedByAllFiles) {
  for (int i = 0; i < 300; i++) Put("f" + std::to_string(i), "x");
  AllowDescriptors(64);
  for (int i = 0; i < 300; i++) Run("SELECT mmap_get('f" + std::to_string(i) + "', 0)");
  for (int i = 0; i < 300; i++) Run("SELECT count(*) FROM mmap('f" + std::to_string(i) + "')");
}

TEST_F(Limits, TooManyHandlesAreAnErrorAndNoMore) {
  for (int i = 0; i < 300; i++) Put("f" + std::to_string(i), "x");
  AllowDescriptors(128);
  std::string error = "ok";
  int opened = 0;
  for (; opened < 300 && error == "ok"; opened++) {
    error = Error("SELECT mmap_open('f" + std::to_string(opened) + "')");
  }
  EXPECT_NE(error.find("CANTOPEN"), std::string::npos) << error;
  for (int i = 1; i < opened; i++) Run("SELECT mmap_close(" + std::to_string(i) + ")");
  Run("SELECT mmap_get('f0', 0), mmap_get('f299', 0)");
}

TEST_F(Limits, AThousandOpensAndClosesLeakNothing) {
  Put("f", std::string(5000, 'x'));
  auto cycle = [this] {
    std::string h = One("SELECT mmap_open('f', 'write')"), c = One("SELECT mmap_open('f', 'copy')");
    std::string m = One("SELECT mmap_open(NULL, 'write', 5000)");
    Run("SELECT mmap_get(" + h + ", 0), mmap_patch(" + c + ", 0, 'y'), mmap_patch(" + m +
        ", 0, 'y')");
    Run("SELECT mmap_close(" + h + "), mmap_close(" + c + "), mmap_close(" + m + ")");
  };
  for (int i = 0; i < 50; i++) cycle();
  size_t descriptors = Descriptors(), mappings = Mappings();
  sqlite3_int64 memory = sqlite3_memory_used();
  for (int i = 0; i < 1000; i++) cycle();
  EXPECT_EQ(Descriptors(), descriptors);
  EXPECT_LE(Mappings(), mappings + 4); // malloc's own
  // A handle's number is never given out again, and what it was is remembered.
  EXPECT_LT((sqlite3_memory_used() - memory) / 3000, 200);
}

TEST_F(Limits, AThousandConnectionsLeakNothing) {
  Put("f", std::string(5000, 'x'));
  auto cycle = [] {
    Db own;
    own.Run("SELECT mmap_open('f'), mmap_get('f', 0), mmap_slice('f'); BEGIN;"
            "SELECT mmap_patch('f', 0, 'yy'); CREATE VIRTUAL TABLE temp.t USING mmap('f');"
            "UPDATE t SET byte = 7 WHERE offset = 3");
  };
  for (int i = 0; i < 5; i++) cycle();
  size_t descriptors = Descriptors(), mappings = Mappings();
  sqlite3_int64 memory = sqlite3_memory_used();
  for (int i = 0; i < 200; i++) cycle();
  EXPECT_EQ(Descriptors(), descriptors);
  EXPECT_LE(Mappings(), mappings + 4);
  EXPECT_EQ(sqlite3_memory_used(), memory);
  EXPECT_EQ(Get("f"), std::string(5000, 'x'));
}

// ---- interruption

class Interrupt : public SqlTest {
protected:
  void ExpectStops(const std::string &sql) {
    std::string error;
    double ms = StopSoon(*db, sql, &error);
    if (error.find("no such") != std::string::npos) {
      printf("left out, as this library has no such thing: %s\n", sql.c_str());
      return;
    }
    printf("%7.1f ms  %s\n", ms, sql.c_str());
    EXPECT_EQ(error.substr(0, 10), "INTERRUPT ") << sql << ": " << error;
    EXPECT_LT(ms, 500) << sql;
    EXPECT_EQ(One("SELECT mmap_length('small')"), "3");
  }
};

TEST_F(Interrupt, StopsEveryLongScan) {
  MM_NEEDS_64_BITS();
  Put("small", "abc");
  Put("big", "");
  fs::resize_file("big", uint64_t{1} << 40);
  Put("lines", "");
  fs::resize_file("lines", uint64_t{1} << 40);
  Run("SELECT mmap_open('lines')");
  for (const char *sql : {"SELECT mmap_find('big', 'absent')",
                          "SELECT mmap_find('big', 'a')",
                          "SELECT mmap_rfind('big', 'absent')",
                          "SELECT mmap_count('big', 'ab')",
                          "SELECT mmap_count('big', x'00')",
                          "SELECT mmap_readline(1)",
                          "SELECT mmap_crc32('big')",
                          "SELECT mmap_search('big', 'absent')",
                          "SELECT mmap_search('big', '[a-f]+x')",
                          "SELECT count(byte) FROM mmap('big') WHERE byte = 65",
                          "SELECT sum(byte) FROM mmap('big')",
                          "SELECT count(*) FROM mmap('big') WHERE byte + 0 = 0",
                          "SELECT offset FROM mmap('big') WHERE byte = 65 ORDER BY offset DESC",
                          "SELECT count(*) FROM mmap_find_all('big', 'ab')",
                          "SELECT count(offset) FROM mmap_find_all('big', x'0000')",
                          "SELECT count(*) FROM mmap_search_all('big', 'ab+c')",
                          "SELECT count(*) FROM mmap_lines('big')",
                          "SELECT text FROM mmap_lines('big')",
                          "SELECT count(*) FROM mmap_strings('big')",
                          "SELECT count(hex) FROM mmap_hexdump('big')",
                          "SELECT count(*) FROM mmap_histogram('big')",
                          "SELECT count(*) FROM mmap_diff('big', 'lines')"}) {
    ExpectStops(sql);
  }
}

TEST_F(Interrupt, StopsTheFirstScanOfAConnectionThatWasInterruptedBeforeIt) {
  MM_NEEDS_64_BITS();
  Put("big", "");
  fs::resize_file("big", uint64_t{1} << 38);
  auto interrupt = [](sqlite3_context *context, int, sqlite3_value **) {
    sqlite3_interrupt(sqlite3_context_db_handle(context));
  };
  for (const char *call : {"mmap_find('big', 'absent')", "mmap_crc32('big')"}) {
    db = std::make_unique<Db>();
    sqlite3_create_function(*db, "interrupt", 0, SQLITE_UTF8, nullptr, interrupt, nullptr, nullptr);
    Clock::time_point start = Clock::now();
    EXPECT_EQ(Error("SELECT interrupt(), " + std::string(call)).substr(0, 9), "INTERRUPT") << call;
    EXPECT_LT(Milliseconds(start), 2000) << call;
  }
}

// Inputs that are hard for a search: much of the needle is there, everywhere.
TEST_F(Interrupt, StopsASearchOnHardInput) {
  Put("small", "abc");
  std::string periodic;
  for (int i = 0; i < (48 << 20) / 8; i++) periodic += "aaaaaaab";
  Put("hard", std::string(48 << 20, 'a') + periodic);
  std::string needle = std::string(2000, 'a') + "b" + std::string(2000, 'a');
  Put("needle", needle);
  for (const char *call : {"SELECT sum(mmap_find('hard', mmap_slice('needle')) + i) FROM n",
                           "SELECT sum(mmap_count('hard', mmap_slice('needle', 0, 64)) + i) FROM n",
                           "SELECT sum(mmap_rfind('hard', mmap_slice('needle', 1990)) + i) FROM n",
                           "SELECT sum(mmap_search('hard', '(a|aa)*$c') + i) FROM n"}) {
    ExpectStops("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 100) " +
                std::string(call));
  }
}

TEST_F(Interrupt, StopsAWaitForALock) {
  Put("small", "abc");
  Db other;
  other.Run("BEGIN; SELECT mmap_patch('small', 0, 'x')");
  Run("SELECT mmap_config('busy_timeout', 60000)");
  std::string error;
  double ms = StopSoon(*db, "SELECT mmap_patch('small', 0, 'y')", &error);
  printf("%7.1f ms  a wait for a lock\n", ms);
  EXPECT_NE(error, "ok");
  EXPECT_GE(ms, 0);
  EXPECT_LT(ms, 500);
  other.Run("ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_patch('small', 0, 'y')"), "1");
}

// ---- two writers

class Busy : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("f", "file");
  }
};

TEST_F(Busy, NamesTheFileAfterTheTimeout) {
  Db other;
  other.Run("BEGIN; SELECT mmap_patch('f', 0, 'X')");
  Run("SELECT mmap_config('busy_timeout', 150)");
  Clock::time_point start = Clock::now();
  std::string error = Error("SELECT mmap_patch('f', 0, 'Y')");
  EXPECT_GE(Milliseconds(start), 150);
  EXPECT_LT(Milliseconds(start), 1500);
  EXPECT_EQ(error.substr(0, 16), "BUSY mmap_patch:") << error;
  EXPECT_NE(error.find("'f'"), std::string::npos) << error;
  EXPECT_EQ(Bytes("SELECT mmap_slice('f')"), "file");
  EXPECT_NE(Error("UPDATE mmap SET byte = 1 WHERE file = 'f' AND offset = 0").find("'f'"),
            std::string::npos);
  other.Run("COMMIT");
  EXPECT_EQ(One("SELECT mmap_patch('f', 1, 'Y')"), "1");
  EXPECT_EQ(Get("f"), "XYle");
}

TEST_F(Busy, WaitsNoLongerThanTheLockIsHeld) {
  Run("SELECT mmap_config('busy_timeout', 30000)");
  std::promise<void> locked;
  std::thread thread([&] {
    Db other;
    other.Run("BEGIN; SELECT mmap_patch('f', 0, 'X')");
    locked.set_value();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    other.Run("COMMIT");
  });
  locked.get_future().wait();
  Clock::time_point start = Clock::now();
  EXPECT_EQ(One("SELECT mmap_patch('f', 1, 'Y')"), "1");
  EXPECT_LT(Milliseconds(start), 5000);
  thread.join();
  EXPECT_EQ(Get("f"), "XYle");
}

TEST_F(Busy, ThreadsThatCountInOneFileLoseNothing) {
  Put("f", std::string(8, 0));
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; i++) {
    threads.emplace_back([] {
      Db own;
      own.Run("SELECT mmap_config('busy_timeout', 60000), mmap_config('synchronous', 'off')");
      for (int n = 0; n < 50; n++) {
        // The first write takes the file; what is read after it stays so until COMMIT.
        own.Run("BEGIN; SELECT mmap_patch('f', 0, ''); SELECT mmap_set('f', 4, 1);"
                "SELECT mmap_set('f', 0, mmap_get('f', 0, 'u32le') + 1, 'u32le'); COMMIT");
      }
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(Int("SELECT mmap_get('f', 0, 'u32le')"), 150);
}

// ---- fork

TEST_F(Busy, AForkedChildIsRefusedAndTheParentGoesOn) {
  Run("SELECT mmap_open('f', 'write'); BEGIN; SELECT mmap_patch('f', 0, 'X')");
  int pipes[2];
  ASSERT_EQ(pipe(pipes), 0);
  pid_t child = fork();
  if (child == 0) {
    std::string text = Error("SELECT mmap_get('f', 0)") + "\n" +
                       Error("SELECT mmap_patch(1, 1, 'Y')") + "\n" +
                       Error("SELECT sum(byte) FROM mmap('f')") + "\n" + Error("COMMIT") + "\n";
    (void)Error("ROLLBACK");
    sqlite3_close(*db);
    // A connection of its own works.
    Db own;
    text += own.Error("SELECT mmap_get('f', 0)") + "\n";
    own.Run("SELECT mmap_config('busy_timeout', 0)");
    text += own.Error("SELECT mmap_patch('f', 0, 'Z')").substr(0, 4);
    ssize_t written = write(pipes[1], text.data(), text.size());
    _exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
  }
  close(pipes[1]);
  std::string text(4000, 0);
  size_t size = 0;
  for (ssize_t n; (n = read(pipes[0], &text[size], text.size() - size)) > 0;)
    size += static_cast<size_t>(n);
  text.resize(size);
  close(pipes[0]);
  int status = 0;
  waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(text, "ERROR mmap_get: 'f' was opened before a fork: open a new connection\n"
                  "ERROR mmap_patch: 'f' was opened before a fork: open a new connection\n"
                  "ERROR mmap: 'f' was opened before a fork: open a new connection\n"
                  "ERROR mmap: 'f' was opened before a fork: open a new connection\n"
                  "ok\n"
                  "BUSY"); // the parent's lock is held all the while
  Run("SELECT mmap_patch(1, 1, 'Y'); COMMIT");
  EXPECT_EQ(Get("f"), "XYle");
}

} // namespace
} // namespace mm_test
