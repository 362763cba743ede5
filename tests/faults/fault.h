// The faults that tests/faults puts into statements: the nth allocation of SQLite's allocator
// fails, or the nth system call of core/os/sys.h's table; once, or from then on.
#ifndef MM_TESTS_FAULT_H
#define MM_TESTS_FAULT_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

namespace mm_test {

enum class Kind { kMemory, kSystem };

struct Mode {
  Kind kind = Kind::kMemory;
  bool sticky = false;
};

// Before SQLite is initialized: allocations go through a wrapper of its own allocator, and no
// connection has a pool of its own beside it (lookaside).
void PrepareMemory();

// One at a time, in the thread that Arm was called in. Allocations of other threads never fail.
class Fault {
public:
  explicit Fault(const Mode &mode);
  ~Fault();
  Fault(const Fault &) = delete;
  Fault &operator=(const Fault &) = delete;

  void Arm(int n); // call n fails, from 0; -1: none, but they are counted
  int Disarm();    // how many calls there were since Arm
  bool Fired() const { return fired_; }
  // How often it could not be told whether a file is a database that the host has open. A
  // descriptor of it stays open then: closing it would drop the host's locks.
  int Doubts() const { return doubts_; }
  enum Nearness { kOurs, kBelowOurs, kSqlite };
  // After Arm(-1) and Disarm: for each call, a number for the way that led to it: the functions of
  // the program under test from Arm on. At most kSitesMost.
  const std::vector<uint64_t> &Sites() const;
  static constexpr size_t kSitesMost = 20000;

private:
  Mode mode_;
  bool fired_ = false;
  int doubts_ = 0;
};

} // namespace mm_test

#endif
