// Processes that write one file, read it, and are killed at any moment, for some seconds: what was
// acknowledged stays, and no commit is ever half there. MM_HAMMER_SECONDS=600 hammers longer.
#include "tests/support/object_file.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include <atomic>
#include <chrono>
#include <random>

namespace {

using namespace mm_test;

constexpr int kWriters = 3;

double Seconds(double usual) {
  const char *text = getenv("MM_HAMMER_SECONDS");
  return text ? atof(text) : usual;
}

class Clock {
public:
  double Passed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
  }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
};

// ---- the file: blocks with a checksum and a number each, and a first one with the sum of all

constexpr uint64_t kBlock = 1000; // so that they lie across pages and sectors

uint64_t Sum(const uint8_t *bytes, uint64_t size, uint64_t sum) { // FNV-1a
  for (uint64_t i = 0; i < size; i++) sum = (sum ^ bytes[i]) * 0x100000001b3u;
  return sum;
}

struct Head {
  uint64_t sum; // of the rest of the block
  uint64_t commits, blocks;
  uint64_t all; // the sums of all blocks after this one, added
};

Bytes Block(uint64_t number, uint64_t seed) {
  Bytes block = Pattern(kBlock, static_cast<unsigned>(seed));
  memcpy(block.data() + 8, &number, 8);
  uint64_t sum = Sum(block.data() + 8, kBlock - 8, 1);
  memcpy(block.data(), &sum, 8);
  return block;
}

Bytes HeadBlock(Head head) {
  Bytes block(kBlock);
  memcpy(block.data(), &head, sizeof head);
  head.sum = Sum(block.data() + 8, kBlock - 8, 2);
  memcpy(block.data(), &head, sizeof head);
  return block;
}

uint64_t SumAt(const uint8_t *block) {
  uint64_t sum;
  memcpy(&sum, block, 8);
  return sum;
}

// "" if everything fits together.
std::string Fault(const uint8_t *bytes, uint64_t size, Head *head) {
  uint64_t all = 0, number;
  if (size < kBlock || size % kBlock) return "its size is " + std::to_string(size);
  memcpy(head, bytes, sizeof *head);
  if (head->sum != Sum(bytes + 8, kBlock - 8, 2)) return "the head is torn";
  if (head->blocks * kBlock != size) return "it has another number of blocks";
  for (uint64_t i = 1; i < head->blocks; i++) {
    const uint8_t *block = bytes + i * kBlock;
    memcpy(&number, block + 8, 8);
    if (SumAt(block) != Sum(block + 8, kBlock - 8, 1)) return "a block is torn";
    if (number != i) return "a block is another's";
    all += SumAt(block);
  }
  return all == head->all ? "" : "blocks of different commits";
}

Bytes Whole(uint64_t blocks) {
  Head head = {0, 0, blocks, 0};
  Bytes bytes(kBlock);
  for (uint64_t i = 1; i < blocks; i++) {
    Bytes block = Block(i, i);
    head.all += SumAt(block.data());
    bytes.insert(bytes.end(), block.begin(), block.end());
  }
  Bytes first = HeadBlock(head);
  std::copy(first.begin(), first.end(), bytes.begin());
  return bytes;
}

// ---- the processes

// What all of them share.
struct Board {
  std::atomic<uint64_t> acknowledged; // the largest `commits` of a COMMIT that returned
  std::atomic<uint64_t> commits, looks, torn_looks, failures;
  std::atomic<int> gate;
  char failure[400]; // the first
};

class Hammer : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    path = Put("f", Whole(40));
    void *memory =
        mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    ASSERT_NE(memory, MAP_FAILED);
    board = new (memory) Board();
    settings = Settings(MM_SYNC_NORMAL);
    settings.busy_timeout = 60000;
  }
  void TearDown() override {
    EXPECT_EQ(board->failures, 0u) << board->failure;
    munmap(board, sizeof(Board));
    FileTest::TearDown();
  }

  void Fail(const std::string &what) {
    if (board->failures++ == 0) snprintf(board->failure, sizeof board->failure, "%s", what.c_str());
  }
  bool Good(int rc, const char *what, const mm_error &err) {
    if (rc != MM_OK) Fail(std::string(what) + ": " + err.text);
    return rc == MM_OK;
  }

  // Look at the file as it is now; nobody may be in the middle of a commit.
  Head Check(mm_object *object, const std::string &who) {
    Head head = {};
    std::string fault = Fault(object->data, object->size, &head);
    if (!fault.empty()) Fail(who + " sees: " + fault);
    return head;
  }

  // A process, which does not outlive this one.
  static pid_t Start(const std::function<void()> &body) {
    fflush(nullptr);
    pid_t pid = fork();
    if (pid != 0) return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    body();
    _exit(0);
  }
  pid_t StartWriter(unsigned seed) {
    return Start([=] { Write(seed); });
  }

  // Replace a few blocks, and now and then make the file longer or shorter.
  void OneCommit(Object &object, std::mt19937 &random) {
    if (!Good(mm_object_refresh(object, &object.err), "refresh", object.err)) return;
    if (!Good(mm_object_begin(object, &object.err), "begin", object.err)) return;
    Head head = Check(object, "a writer");
    if (head.commits < board->acknowledged) Fail("a commit is lost");
    if (random() % 4 == 0) Resize(object, &head, 20 + random() % 60);
    for (unsigned i = random() % 6; i > 0; i--) {
      Replace(object, &head, 1 + random() % (head.blocks - 1), static_cast<unsigned>(random()));
    }
    head.commits++;
    object.Write(0, HeadBlock(head));
    if (random() % 8 == 0) {
      if (random() % 2) object.Prepare();
      Good(mm_object_rollback(object, &object.err), "rollback", object.err);
      return;
    }
    if (!Good(mm_object_commit(object, &object.err), "commit", object.err)) return;
    uint64_t known = board->acknowledged;
    while (known < head.commits &&
           !board->acknowledged.compare_exchange_weak(known, head.commits)) {}
    board->commits++;
  }

  void Replace(Object &object, Head *head, uint64_t number, unsigned seed) {
    Bytes block = Block(number, seed);
    head->all += SumAt(block.data()) - SumAt(object->data + number * kBlock);
    object.Write(number * kBlock, block);
  }

  void Resize(Object &object, Head *head, uint64_t blocks) {
    for (uint64_t i = blocks; i < head->blocks; i++) head->all -= SumAt(object->data + i * kBlock);
    object.Resize(blocks * kBlock);
    for (uint64_t i = head->blocks; i < blocks; i++) {
      Bytes block = Block(i, static_cast<unsigned>(i));
      head->all += SumAt(block.data());
      object.Write(i * kBlock, block);
    }
    head->blocks = blocks;
  }

  void Write(unsigned seed) {
    std::mt19937 random(seed);
    Object object = Open(path);
    while (!board->failures) OneCommit(object, random);
  }

  // Half of the looks as the writer, so that the file stands still; the others as they come: those
  // may fall into a commit, and are only counted.
  void Read() {
    Object object = Open(path);
    while (!board->failures) {
      board->looks++;
      if (!Good(mm_object_refresh(object, &object.err), "refresh", object.err)) return;
      Head head;
      Bytes seen = object.Seen();
      if (!Fault(seen.data(), seen.size(), &head).empty()) board->torn_looks++;
      if (!Good(mm_object_begin(object, &object.err), "begin", object.err)) return;
      head = Check(object, "a reader");
      if (head.commits < board->acknowledged) Fail("a commit is lost to a reader");
      Good(mm_object_rollback(object, &object.err), "rollback", object.err);
    }
  }

  static void End(pid_t pid) {
    kill(pid, SIGKILL);
    waitpid(pid, nullptr, 0);
  }

  std::string path;
  Board *board = nullptr;
};

TEST_F(Hammer, KilledWritersLoseNothingAndTearNothing) {
  std::mt19937 random(1);
  std::vector<pid_t> writers;
  unsigned seed = 1, kills = 0, journals = 0;
  for (int i = 0; i < kWriters; i++) writers.push_back(StartWriter(seed++));
  pid_t reader = Start([&] { Read(); });
  double seconds = Seconds(8);
  for (Clock clock; clock.Passed() < seconds && !board->failures; kills++) {
    usleep(static_cast<useconds_t>(random() % 20000));
    pid_t &writer = writers[random() % kWriters];
    End(writer);
    journals += HasJournal(path);
    writer = StartWriter(seed++);
  }
  for (pid_t writer : writers) End(writer);
  End(reader);
  Object object = Open(path);
  Head head = Check(object, "the last");
  EXPECT_GE(head.commits, board->acknowledged);
  EXPECT_FALSE(HasJournal(path));
  EXPECT_GT(board->commits, 10u);
  printf("%u kills (a journal was there after %u), %llu commits, %llu looks, of which %llu fell "
         "into a commit\n",
         kills, journals, static_cast<unsigned long long>(board->commits),
         static_cast<unsigned long long>(board->looks),
         static_cast<unsigned long long>(board->torn_looks));
}

// Several processes find one dead writer's journal in the same moment: all see what it says.
TEST_F(Hammer, ProcessesThatRecoverAtOnceAllSeeTheCommit) {
  double seconds = Seconds(4) / 4;
  unsigned rounds = 0;
  for (Clock clock; rounds < 20 || clock.Passed() < seconds; rounds++) {
    pid_t dying = Start([&] {
      Object object = Open(path);
      std::mt19937 random(rounds);
      object.Begin();
      Head head = Check(object, "the dying");
      for (uint64_t i = 1; i < head.blocks; i += 3) {
        Replace(object, &head, i, static_cast<unsigned>(random()));
      }
      if (rounds % 2) Resize(object, &head, 30 + rounds % 30);
      head.commits = rounds + 1;
      object.Write(0, HeadBlock(head));
      object.Prepare();
      _exit(0); // the journal is there, and its writer is not
    });
    waitpid(dying, nullptr, 0);
    ASSERT_TRUE(HasJournal(path));
    board->gate = 0;
    std::vector<pid_t> all;
    for (int i = 0; i < 3; i++) {
      all.push_back(Start([&] {
        ++board->gate;
        while (board->gate < 3) sched_yield();
        Object object = Open(path);
        if (Check(object, "a recoverer").commits != rounds + 1) Fail("a recoverer sees the old");
      }));
    }
    for (pid_t pid : all) {
      int status = 0;
      waitpid(pid, &status, 0);
      EXPECT_EQ(status, 0);
    }
    EXPECT_FALSE(HasJournal(path));
  }
  printf("%u rounds\n", rounds);
}

} // namespace
