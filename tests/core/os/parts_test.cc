// Work that is divided among threads: each part is somebody's and nobody else's, whatever ends it
// early or keeps a thread from being there.
extern "C" {
#include "core/os/guard.h"
#include "core/os/parts.h"
#include "core/os/sys.h"
}

#include "tests/support/fault_sys.h"

#include <gtest/gtest.h>
#ifndef _WIN32
#include <pthread.h>
#include <signal.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <functional>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace mm_test {
namespace {

constexpr uint64_t kMega = 1 << 20;

// Does a work in parts, and knows what each thread was given.
class Work {
public:
  explicit Work(uint64_t count, unsigned threads, uint64_t unit = 1)
      : parts_{count, unit, threads, nullptr} {}

  int Run(const mm_watch *watch = nullptr) {
    parts_.watch = watch;
    return mm_parts_run(&parts_, Share, this);
  }

  // Called for each part, in its thread; true ends the work.
  std::function<bool(uint64_t from, uint64_t to)> each = [](uint64_t, uint64_t) { return false; };

  std::vector<std::pair<uint64_t, uint64_t>> taken; // in order
  std::set<std::thread::id> threads;
  int own = 0; // shares of the caller's thread

  // All parts up to the furthest that was taken are, without gaps.
  void ExpectWithoutGaps(uint64_t least) {
    std::sort(taken.begin(), taken.end());
    uint64_t at = 0;
    for (auto [from, to] : taken) {
      ASSERT_EQ(from, at);
      ASSERT_LT(from, to);
      at = to;
    }
    EXPECT_GE(at, least);
    EXPECT_LE(at, parts_.count);
    EXPECT_EQ(own, 1);
  }

private:
  static void Share(void *context, mm_share *share) {
    auto *work = static_cast<Work *>(context);
    std::vector<std::pair<uint64_t, uint64_t>> mine;
    uint64_t from, to, last = 0;
    while (mm_share_next(share, &from, &to)) {
      EXPECT_GE(from, last);
      last = to;
      mine.push_back({from, to});
      if (work->each(from, to)) mm_share_end(share);
    }
    mm_share_lock(share);
    work->taken.insert(work->taken.end(), mine.begin(), mine.end());
    work->threads.insert(std::this_thread::get_id());
    work->own += mm_share_is_own(share);
    mm_share_unlock(share);
  }

  mm_parts parts_;
};

TEST(Parts, AreEachTakenOnce) {
  for (uint64_t unit : {uint64_t{1}, uint64_t{1000}, 3 * kMega}) {
    for (uint64_t count : {uint64_t{0}, uint64_t{1}, uint64_t{77}, 3 * kMega + 1, 40 * kMega}) {
      if (count * unit > uint64_t{1} << 40) continue;
      for (unsigned threads : {0U, 1U, 2U, 3U, 8U, 64U, 1000U}) {
        Work work(count, threads, unit);
        EXPECT_EQ(work.Run(), 0);
        work.ExpectWithoutGaps(count);
        EXPECT_LE(work.threads.size(), std::max(1U, std::min(threads, 64U)));
      }
    }
  }
}

TEST(Parts, BeginAtEvenPlaces) {
  Work work(9 * kMega + 3, 4);
  work.each = [](uint64_t from, uint64_t) {
    EXPECT_EQ(from % 2, 0u);
    return false;
  };
  work.Run();
}

// Each waits for the other, so two there are.
TEST(Parts, AreTakenByAsManyThreadsAsWereAskedFor) {
  std::atomic<int> here{0};
  Work work(64 * kMega, 3);
  work.each = [&](uint64_t, uint64_t) {
    thread_local bool came = false;
    if (!came) here++;
    came = true;
    while (here < 3) std::this_thread::yield();
    return false;
  };
  work.Run();
  EXPECT_EQ(work.threads.size(), 3u);
  work.ExpectWithoutGaps(64 * kMega);
}

TEST(Parts, WhatIsLittleIsDoneByOneThread) {
  FaultSys sys;
  sys.CountOnly({Call::kStartThread});
  Work little(2 * MM_PARTS_PAY - 1, 8);
  little.Run();
  EXPECT_EQ(sys.Counted(), 0);
  Work blocks(2, 8, MM_PARTS_PAY - 1);
  blocks.Run();
  EXPECT_LE(sys.Counted(), 1);
}

// Where the system gives no more threads, those that there are do it.
TEST(Parts, AreDoneByThoseThatTheSystemGives) {
  for (bool sticky : {false, true}) {
    for (int at = 0; at < 4; at++) {
      FaultSys sys;
      sys.CountOnly({Call::kStartThread});
      sys.FailAt(at, EAGAIN, sticky);
      Work work(64 * kMega, 4);
      work.each = [](uint64_t, uint64_t) {
        std::this_thread::sleep_for(std::chrono::microseconds(100));
        return false;
      };
      EXPECT_EQ(work.Run(), 0);
      work.ExpectWithoutGaps(64 * kMega);
      EXPECT_LE(work.threads.size(), static_cast<size_t>(at) + 1);
    }
  }
}

// What lies before the part that ended it was taken, and is done when the call returns.
TEST(Parts, BeforeTheFirstThatEndsItAreAllDone) {
  for (unsigned threads : {1U, 2U, 8U}) {
    for (uint64_t place = 0; place < 32 * kMega; place += 2 * kMega + 12345) {
      Work work(32 * kMega, threads);
      work.each = [&](uint64_t from, uint64_t to) { return from <= place && place < to; };
      EXPECT_EQ(work.Run(), 0);
      work.ExpectWithoutGaps(place + 1);
    }
  }
}

struct Asked {
  std::thread::id self = std::this_thread::get_id();
  int questions = 0, allowed = 1 << 30;
  uint64_t last = 0;
  mm_watch watch{Ask, this};
  static int Ask(void *context, uint64_t done) {
    auto *asked = static_cast<Asked *>(context);
    EXPECT_EQ(std::this_thread::get_id(), asked->self);
    EXPECT_GT(done, asked->last);
    asked->last = done;
    return ++asked->questions > asked->allowed ? 7 : 0;
  }
};

TEST(Parts, TheWatchIsAskedInTheCallersThreadAlone) {
  for (unsigned threads : {1U, 2U, 8U}) {
    Asked asked;
    Work work(64 * kMega, threads);
    EXPECT_EQ(work.Run(&asked.watch), 0);
    EXPECT_LE(asked.questions, 15);
    if (threads == 1) EXPECT_EQ(asked.questions, 15);
  }
}

TEST(Parts, AreNoMoreOnceTheWatchSaysStop) {
  for (unsigned threads : {1U, 2U, 8U}) {
    Asked asked;
    asked.allowed = 1;
    Work work(uint64_t{1} << 40, threads);
    EXPECT_EQ(work.Run(&asked.watch), 7);
    EXPECT_EQ(asked.questions, 2);
    work.ExpectWithoutGaps(0);
  }
}

#ifndef _WIN32

TEST(Parts, OtherThreadsAreLeftOutOfSignals) {
  std::mutex mutex;
  std::set<int> open;
  std::thread::id self = std::this_thread::get_id();
  std::atomic<bool> other{false};
  Work work(64 * kMega, 2);
  work.each = [&](uint64_t, uint64_t) {
    while (!other && std::this_thread::get_id() == self) std::this_thread::yield();
    if (std::this_thread::get_id() == self || other.exchange(true)) return false;
    sigset_t blocked;
    pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    std::lock_guard<std::mutex> lock(mutex);
    for (int signal = 1; signal < 32; signal++) {
      if (!sigismember(&blocked, signal)) open.insert(signal);
    }
    return false;
  };
  sigset_t before, after;
  pthread_sigmask(SIG_BLOCK, nullptr, &before);
  work.Run();
  pthread_sigmask(SIG_BLOCK, nullptr, &after);
  std::set<int> faults = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGKILL, SIGSTOP};
  EXPECT_EQ(open, faults);
  for (int signal = 1; signal < 32; signal++) {
    EXPECT_EQ(sigismember(&before, signal), sigismember(&after, signal)) << signal;
  }
}

#endif

} // namespace
} // namespace mm_test
