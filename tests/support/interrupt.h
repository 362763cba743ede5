// Interrupting a statement from another thread.
#ifndef MM_TESTS_SUPPORT_INTERRUPT_H
#define MM_TESTS_SUPPORT_INTERRUPT_H

#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "tests/support/sql.h"

namespace mm_test {

// Runs `sql`, and interrupts it 60 ms later: how many ms it took to end then, -1 if it had ended before.
// *error: as Db::Error says it.
inline double StopSoon(Db &db, const std::string &sql, std::string *error) {
  using Clock = std::chrono::steady_clock;
  std::mutex mutex;
  std::condition_variable ready;
  bool ended = false;
  Clock::time_point asked = {};
  std::thread thread([&] {
    std::unique_lock<std::mutex> lock(mutex);
    if (ready.wait_for(lock, std::chrono::milliseconds(60), [&] { return ended; })) return;
    asked = Clock::now();
    sqlite3_interrupt(db);
  });
  *error = db.Error(sql);
  Clock::time_point end = Clock::now();
  {
    std::lock_guard<std::mutex> lock(mutex);
    ended = true;
  }
  ready.notify_one();
  thread.join();
  if (asked == Clock::time_point()) return -1;
  return std::chrono::duration<double, std::milli>(end - asked).count();
}

} // namespace mm_test

#endif
