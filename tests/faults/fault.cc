#include "tests/faults/fault.h"

#include <cstdlib>
#include <execinfo.h>
#include <link.h>
#include <sqlite3.h>
#include <unwind.h>

#include <memory>

#include "tests/support/fault_sys.h"

extern "C" char __executable_start, etext; // the linker's

namespace mm_test {

namespace {

sqlite3_mem_methods below;

struct State {
  bool armed = false, sticky = false, fired = false, keep_sites = false;
  int at = -1, count = 0;
  uintptr_t stack = 0; // where that of Arm's caller ends
  std::vector<uint64_t> sites;
};

State state;
thread_local bool here; // the thread that faults are for
std::unique_ptr<FaultSys> sys;

constexpr int kFrames = 96;

// Is it of this program, with the library in it, and not of SQLite's?
bool IsOwn(const void *frame) {
  return frame >= static_cast<const void *>(&__executable_start) &&
         frame < static_cast<const void *>(&etext);
}

// The program and the libraries in this process, wherever the system has put them this time.
struct Module {
  uintptr_t base, start, end;
};
std::vector<Module> modules;

int AddModule(dl_phdr_info *info, size_t, void *) {
  for (int i = 0; i < info->dlpi_phnum; i++) {
    const ElfW(Phdr) &segment = info->dlpi_phdr[i];
    if (segment.p_type != PT_LOAD || !(segment.p_flags & PF_X)) continue;
    uintptr_t start = info->dlpi_addr + segment.p_vaddr;
    modules.push_back({info->dlpi_addr, start, start + segment.p_memsz});
  }
  return 0;
}

// The same number for the same place in each run of the same program.
uint64_t PlaceOf(const void *frame) {
  auto address = reinterpret_cast<uintptr_t>(frame);
  for (size_t i = 0; i < modules.size(); i++) {
    const Module &module = modules[i];
    if (address >= module.start && address < module.end)
      return address - module.base + (uint64_t{i} << 48);
  }
  return 0; // of a library that came later
}

constexpr int kNear = 8; // from here to SQLite's allocator and who called it

struct Way {
  void *frames[kFrames];
  int depth = 0;
};

// It ends at Arm's caller: to go through googletest, too, at each call takes as long again.
_Unwind_Reason_Code AddFrame(_Unwind_Context *context, void *to) {
  Way *way = static_cast<Way *>(to);
  if (way->depth == kFrames || _Unwind_GetCFA(context) >= state.stack) return _URC_END_OF_STACK;
  way->frames[way->depth++] = reinterpret_cast<void *>(_Unwind_GetIP(context));
  return _URC_NO_REASON;
}

// The way from Arm's caller to this call, as one number. Its last two bits tell how near our own
// code is: 0 to 2, Fault::Nearness.
uint64_t Site() {
  Way way;
  _Unwind_Backtrace(AddFrame, &way);
  uint64_t hash = 14695981039346656037u, nearness = 2;
  for (int i = 0; i < way.depth; i++) {
    hash = (hash ^ PlaceOf(way.frames[i])) * 1099511628211u;
    // The first are this file's.
    if (i > 3 && nearness == 2 && IsOwn(way.frames[i])) nearness = i < kNear ? 0 : 1;
  }
  return (hash & ~uint64_t{3}) | nearness;
}

// For --fault: where it was.
void ShowStack() {
  void *frames[kFrames];
  if (getenv("MM_FAULTS_STACK")) backtrace_symbols_fd(frames, backtrace(frames, kFrames), 2);
}

void NoteSite() {
  if (!state.keep_sites || !here) return;
  here = false; // what backtrace itself allocates is no call of the program's
  if (state.sites.size() < Fault::kSitesMost) state.sites.push_back(Site());
  here = true;
}

// At each system call.
void Observe() {
  if (here && state.count++ == state.at) ShowStack();
  NoteSite();
}

bool Fails() {
  if (!state.armed || !here) return false;
  int n = state.count++;
  NoteSite();
  bool hit = state.at >= 0 && (n == state.at || (state.sticky && n > state.at));
  if (hit && !state.fired) ShowStack();
  state.fired |= hit;
  return hit;
}

std::vector<Call> AllBut(Call left_out) {
  std::vector<Call> calls;
  for (int i = 0; i <= static_cast<int>(Call::kMoveMap); i++)
    if (static_cast<Call>(i) != left_out) calls.push_back(static_cast<Call>(i));
  return calls;
}

// What is asked of the process's descriptors, one after the other: whether one of them is of a
// database.
bool AsksOfDescriptors(const CallRecord &record) {
  return record.call == Call::kStatus || record.call == Call::kPathOf ||
         record.call == Call::kRead || record.path == "/proc/locks";
}

int CountDoubts(const std::vector<CallRecord> &records) {
  int doubts = 0;
  bool asking = false;
  for (const CallRecord &record : records) {
    bool begins = record.call == Call::kList && record.path == "/proc/self/fd";
    asking = begins || (asking && AsksOfDescriptors(record));
    if (!asking || !record.injected) continue;
    doubts++;
    asking = false;
  }
  return doubts;
}

void *Allocate(int size) {
  return Fails() ? nullptr : below.xMalloc(size);
}

void *Reallocate(void *memory, int size) {
  return Fails() ? nullptr : below.xRealloc(memory, size);
}

} // namespace

void PrepareMemory() {
  sqlite3_config(SQLITE_CONFIG_GETMALLOC, &below);
  sqlite3_mem_methods methods = below;
  methods.xMalloc = Allocate;
  methods.xRealloc = Reallocate;
  sqlite3_config(SQLITE_CONFIG_MALLOC, &methods);
  sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0);
}

Fault::Fault(const Mode &mode) : mode_(mode) {
  if (mode_.kind == Kind::kSystem) sys = std::make_unique<FaultSys>();
}

Fault::~Fault() {
  sys.reset();
}

void Fault::Arm(int n) {
  fired_ = false;
  doubts_ = 0;
  state = State();
  state.sticky = mode_.sticky;
  state.at = n;
  state.stack = reinterpret_cast<uintptr_t>(__builtin_dwarf_cfa());
  state.keep_sites = n < 0;
  if (state.keep_sites && modules.empty()) dl_iterate_phdr(AddModule, nullptr);
  here = true;
  if (mode_.kind == Kind::kMemory) {
    state.armed = true;
    return;
  }
  sys->Reset();
  // Unmapping what was mapped does not fail, and would leak if it did.
  sys->CountOnly(AllBut(Call::kUnmap));
  sys->OnCall(Observe);
  if (n >= 0) sys->FailAt(n, 0, mode_.sticky);
}

int Fault::Disarm() {
  here = false;
  if (mode_.kind == Kind::kMemory) {
    state.armed = false;
    fired_ = state.fired;
    return state.count;
  }
  fired_ = sys->Fired();
  int count = sys->Counted();
  doubts_ = CountDoubts(sys->Records());
  sys->Reset();
  sys->OnCall(nullptr);
  return count;
}

const std::vector<uint64_t> &Fault::Sites() const {
  return state.sites;
}

} // namespace mm_test
