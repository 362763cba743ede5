// A wrapper of mm_os that records every call, and fails, cuts short or stops the world at one of
// them.
//
//     for (int n = 0;; n++) {                       // every call of f() fails once
//       FaultSys sys;
//       sys.FailAt(n, EIO);
//       int rc = f();
//       if (!sys.Fired()) break;
//       EXPECT_NE(rc, MM_OK);
//     }
//
// While one lives, mm_os leads to it; its destructor puts back the table that it found. One at a
// time. Threads may call through it.
#ifndef MM_TESTS_SUPPORT_FAULT_SYS_H
#define MM_TESTS_SUPPORT_FAULT_SYS_H

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

extern "C" {
#include "core/os/sys.h"
}

namespace mm_test {

enum class Call {
  kOpen,
  kOpenBeneath,
  kReopen,
  kClose,
  kStatus,
  kStatusPath,
  kStatusLink,
  kBirth,
  kPathOf,
  kReadLink,
  kWorkingDirectory,
  kRead,
  kWrite,
  kResize,
  kCanHold,
  kReserve,
  kZero,
  kNextHole,
  kNextData,
  kHolesTakeRoom,
  kSync,
  kSyncData,
  kRemove,
  kRename,
  kSetMode,
  kSetOwner,
  kList,
  kMemory,
  kLock,
  kLocked,
  kMap,
  kUnmap,
  kProtect,
  kAdvise,
  kMoveMap,
  kStartThread
};

const char *NameOf(Call call); // "write"

// The calls that change what is on the disk, or make it stay: a crash is worth trying at each of
// them. An open with MM_OPEN_CREATE is one, too, and is counted when kOpen is.
extern const std::vector<Call> kWriting;

struct CallRecord {
  Call call;
  int fd = -1;      // the descriptor it was given; -1: none
  std::string path; // the path it was given, else the one that `fd` was opened under
  std::string to;   // rename: the new name
  uint64_t offset = 0;
  uint64_t size = 0; // bytes, or the new size
  int flags = 0;     // open
  std::string data;  // write: the bytes it was given, after KeepData()
  int64_t result = 0;
  bool injected = false; // it never reached the system, or only in part
};

class FaultSys {
public:
  FaultSys();
  ~FaultSys();
  FaultSys(const FaultSys &) = delete;
  FaultSys &operator=(const FaultSys &) = delete;

  // Which calls are counted by the functions below; all but close if never called. close is never
  // failed, so that no descriptor leaks; what unmap fails to unmap is unmapped. map_grown is a kMap.
  void CountOnly(std::vector<Call> calls);

  // Calls are counted from 0, from the last Reset on. Each of these replaces the one before.
  // sticky: and every counted call after it. error 0: EIO, but ENOMEM of the calls that map memory.
  void FailAt(int n, int error, bool sticky = false);
  void CrashAt(int n, size_t torn = 0); // as if the process had died before it: neither it nor any
                                        // call after it has any effect. `torn`: so many bytes of
                                        // it, if it is a write, are written still
  void NoFault();
  void OnCall(void (*observer)()); // called at each counted call; NULL: none. Reset leaves it
  bool Fired() const;

  void MaxWrite(size_t size); // no write writes more at once; 0: no limit
  void MaxRead(size_t size);

  void KeepData();
  void Reset(); // forgets faults, limits, records and the count
  int Counted() const;
  const std::vector<CallRecord> &Records() const; // of all calls, counted or not, close included
  std::vector<CallRecord> RecordsOf(Call call) const;
  std::string Trace() const; // "open sync close": the names of the calls, one space between
};

} // namespace mm_test

#endif
