// What a process does once.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

// core/os/once.h is C's: its atomic_int is laid out as this.
extern "C" void mm_once(std::atomic<int> *flag, void (*what)(void));

namespace {

std::atomic<int> calls, finished;

void Slowly() {
  calls++;
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  finished++;
}

TEST(Once, IsOnceAndDoneForEachThreadThatComesBack) {
  std::atomic<int> flag{0}, early{0};
  calls = finished = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; i++) {
    threads.emplace_back([&] {
      mm_once(&flag, Slowly);
      if (finished != 1) early++;
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(calls, 1);
  EXPECT_EQ(early, 0);
  mm_once(&flag, Slowly);
  EXPECT_EQ(calls, 1);
}

TEST(Once, IsForEachFlag) {
  std::atomic<int> one{0}, other{0};
  calls = 0;
  mm_once(&one, Slowly);
  mm_once(&other, Slowly);
  EXPECT_EQ(calls, 2);
}

// The thread that was at it is not in the child, which would wait for it for ever.
TEST(Once, IsDoneAnewByAChildThatWasForkedInTheMiddle) {
  std::atomic<int> flag{0};
  calls = finished = 0;
  std::thread thread([&] { mm_once(&flag, Slowly); });
  while (calls == 0) std::this_thread::yield();
  pid_t child = fork();
  if (child == 0) {
    alarm(10);
    mm_once(&flag, Slowly);
    _exit(finished == 1 || finished == 2 ? 0 : 1);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  thread.join();
  EXPECT_EQ(calls, 1); // here
}

} // namespace
