#include "tests/support/fault_sys.h"

#include <algorithm>
#include <cerrno>
#include <map>
#include <mutex>
#include <utility>

namespace mm_test {

const std::vector<Call> kWriting = {
    Call::kOpen, Call::kOpenBeneath, Call::kWrite,  Call::kResize, Call::kReserve, Call::kZero,
    Call::kSync, Call::kSyncData,    Call::kRemove, Call::kRename, Call::kSetMode, Call::kSetOwner};

namespace {

enum class Fault { kNone, kOnce, kSticky, kCrash };

struct State {
  std::mutex mutex;
  mm_sys below;
  std::vector<CallRecord> records;
  std::map<int, std::string> paths; // of open descriptors
  std::vector<Call> only;
  bool only_some = false, keep_data = false, fired = false;
  Fault fault = Fault::kNone;
  int at = 0, counted = 0, error = 0;
  size_t torn = 0, max_write = 0, max_read = 0;
  void (*observer)() = nullptr;
};

State *state;

// An open that makes nothing changes nothing: when writing calls are counted, it is passed over.
bool Counts(const CallRecord &record) {
  if (record.call == Call::kClose) return false;
  if (!state->only_some) return true;
  if (std::find(state->only.begin(), state->only.end(), record.call) == state->only.end())
    return false;
  bool opens = record.call == Call::kOpen || record.call == Call::kOpenBeneath;
  return !opens || state->only != kWriting || (record.flags & MM_OPEN_CREATE);
}

// What the fault in force makes of a call: 0, or the error it ends with.
int Verdict(const CallRecord &record) {
  if (record.call == Call::kClose) return 0;
  if (state->fired && state->fault == Fault::kCrash) return EIO;
  if (!Counts(record)) return 0;
  int n = state->counted++;
  if (state->observer) state->observer();
  bool hit = n == state->at || (n > state->at && state->fault != Fault::kOnce);
  if (state->fault == Fault::kNone || !hit) return 0;
  state->fired = true;
  if (state->fault == Fault::kCrash) return EIO;
  if (state->error) return state->error;
  bool maps = record.call == Call::kMap || record.call == Call::kProtect ||
              record.call == Call::kMoveMap || record.call == Call::kMemory;
  return maps ? ENOMEM : EIO;
}

size_t Note(CallRecord record, int *error, bool *first) {
  std::lock_guard<std::mutex> guard(state->mutex);
  bool before = state->fired;
  *error = Verdict(record);
  *first = !before && state->fired;
  if (record.fd >= 0 && record.path.empty()) {
    auto found = state->paths.find(record.fd);
    if (found != state->paths.end()) record.path = found->second;
  }
  record.injected = *error != 0;
  record.result = -*error;
  state->records.push_back(std::move(record));
  return state->records.size() - 1;
}

void Finish(size_t index, int64_t result) {
  std::lock_guard<std::mutex> guard(state->mutex);
  if (index >= state->records.size()) return;
  CallRecord &record = state->records[index];
  record.result = result;
  if (record.call == Call::kClose) state->paths.erase(record.fd);
  if (result < 0) return;
  bool opens = record.call == Call::kOpen || record.call == Call::kOpenBeneath ||
               record.call == Call::kReopen || record.call == Call::kMemory;
  if (opens) state->paths[static_cast<int>(result)] = record.path;
}

template <typename Real> int64_t Run(CallRecord record, Real real) {
  int error;
  bool first;
  size_t index = Note(std::move(record), &error, &first);
  if (error) return -error;
  int64_t result = real();
  Finish(index, result);
  return result;
}

template <typename Real> int RunInt(CallRecord record, Real real) {
  return static_cast<int>(Run(std::move(record), [&] { return static_cast<int64_t>(real()); }));
}

CallRecord Of(Call call) {
  CallRecord record;
  record.call = call;
  return record;
}

CallRecord OfFd(Call call, int fd, uint64_t offset = 0, uint64_t size = 0) {
  CallRecord record = Of(call);
  record.fd = fd;
  record.offset = offset;
  record.size = size;
  return record;
}

CallRecord OfPath(Call call, const char *path, int flags = 0) {
  CallRecord record = Of(call);
  record.path = path ? path : "";
  record.flags = flags;
  return record;
}

size_t Cut(size_t size, size_t most) {
  return most && size > most ? most : size;
}

int Open(int directory, const char *path, int flags, uint32_t mode) {
  return RunInt(OfPath(Call::kOpen, path, flags),
                [&] { return state->below.open(directory, path, flags, mode); });
}

int OpenBeneath(int directory, const char *path, int flags, uint32_t mode) {
  return RunInt(OfPath(Call::kOpenBeneath, path, flags),
                [&] { return state->below.open_beneath(directory, path, flags, mode); });
}

int Reopen(int fd, int flags) {
  CallRecord record = OfFd(Call::kReopen, fd);
  record.flags = flags;
  return RunInt(record, [&] { return state->below.reopen(fd, flags); });
}

int Close(int fd) {
  return RunInt(OfFd(Call::kClose, fd), [&] { return state->below.close(fd); });
}

int Status(int fd, mm_stat *stat) {
  return RunInt(OfFd(Call::kStatus, fd), [&] { return state->below.status(fd, stat); });
}

int StatusPath(const char *path, mm_stat *stat) {
  return RunInt(OfPath(Call::kStatusPath, path),
                [&] { return state->below.status_path(path, stat); });
}

int StatusLink(const char *path, mm_stat *stat) {
  return RunInt(OfPath(Call::kStatusLink, path),
                [&] { return state->below.status_link(path, stat); });
}

// It has no errors: a failure is a birth time that is not known.
int64_t Birth(int fd) {
  int64_t birth = Run(OfFd(Call::kBirth, fd), [&] { return state->below.birth(fd); });
  return birth < 0 ? 0 : birth;
}

int PathOf(int fd, char *path, size_t size) {
  return RunInt(OfFd(Call::kPathOf, fd), [&] { return state->below.path_of(fd, path, size); });
}

int ReadLink(int fd, char *target, size_t size) {
  return RunInt(OfFd(Call::kReadLink, fd),
                [&] { return state->below.read_link(fd, target, size); });
}

int WorkingDirectory(char *path, size_t size) {
  return RunInt(Of(Call::kWorkingDirectory),
                [&] { return state->below.working_directory(path, size); });
}

int64_t Read(int fd, void *data, size_t size, uint64_t offset) {
  size_t most = Cut(size, state->max_read);
  return Run(OfFd(Call::kRead, fd, offset, size),
             [&] { return state->below.read(fd, data, most, offset); });
}

int64_t Write(int fd, const void *data, size_t size, uint64_t offset) {
  CallRecord record = OfFd(Call::kWrite, fd, offset, size);
  if (state->keep_data) record.data.assign(static_cast<const char *>(data), size);
  int error;
  bool first;
  size_t index = Note(std::move(record), &error, &first);
  if (error) {
    if (first && state->torn) (void)state->below.write(fd, data, Cut(size, state->torn), offset);
    return -error;
  }
  int64_t result = state->below.write(fd, data, Cut(size, state->max_write), offset);
  Finish(index, result);
  return result;
}

int Resize(int fd, uint64_t size) {
  return RunInt(OfFd(Call::kResize, fd, 0, size), [&] { return state->below.resize(fd, size); });
}

int CanHold(int fd, uint64_t size) {
  return RunInt(OfFd(Call::kCanHold, fd, 0, size), [&] { return state->below.can_hold(fd, size); });
}

int Reserve(int fd, uint64_t offset, uint64_t size) {
  return RunInt(OfFd(Call::kReserve, fd, offset, size),
                [&] { return state->below.reserve(fd, offset, size); });
}

int Zero(int fd, uint64_t offset, uint64_t size) {
  return RunInt(OfFd(Call::kZero, fd, offset, size),
                [&] { return state->below.zero(fd, offset, size); });
}

int64_t NextHole(int fd, uint64_t offset) {
  return Run(OfFd(Call::kNextHole, fd, offset), [&] { return state->below.next_hole(fd, offset); });
}

int64_t NextData(int fd, uint64_t offset) {
  return Run(OfFd(Call::kNextData, fd, offset), [&] { return state->below.next_data(fd, offset); });
}

int HolesTakeRoom(int fd) {
  return RunInt(OfFd(Call::kHolesTakeRoom, fd), [&] { return state->below.holes_take_room(fd); });
}

int Sync(int fd) {
  return RunInt(OfFd(Call::kSync, fd), [&] { return state->below.sync(fd); });
}

int SyncData(int fd) {
  return RunInt(OfFd(Call::kSyncData, fd), [&] { return state->below.sync_data(fd); });
}

int Remove(const char *path) {
  return RunInt(OfPath(Call::kRemove, path), [&] { return state->below.remove(path); });
}

int Rename(const char *from, const char *to) {
  CallRecord record = OfPath(Call::kRename, from);
  record.to = to;
  return RunInt(record, [&] { return state->below.rename(from, to); });
}

int SetMode(int fd, uint32_t mode) {
  CallRecord record = OfFd(Call::kSetMode, fd);
  record.flags = static_cast<int>(mode);
  return RunInt(record, [&] { return state->below.set_mode(fd, mode); });
}

int SetOwner(int fd, uint32_t user, uint32_t group) {
  return RunInt(OfFd(Call::kSetOwner, fd, user, group),
                [&] { return state->below.set_owner(fd, user, group); });
}

int List(int directory, const char *path, mm_sys_entry *entry, void *context) {
  return RunInt(OfPath(Call::kList, path),
                [&] { return state->below.list(directory, path, entry, context); });
}

int Memory(const char *name) {
  return RunInt(OfPath(Call::kMemory, name), [&] { return state->below.memory(name); });
}

int Lock(int fd, int kind, uint64_t offset, uint64_t size) {
  CallRecord record = OfFd(Call::kLock, fd, offset, size);
  record.flags = kind;
  return RunInt(record, [&] { return state->below.lock(fd, kind, offset, size); });
}

int Locked(int fd, int kind, uint64_t offset, uint64_t size) {
  CallRecord record = OfFd(Call::kLocked, fd, offset, size);
  record.flags = kind;
  return RunInt(record, [&] { return state->below.locked(fd, kind, offset, size); });
}

int Map(void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed) {
  return RunInt(OfFd(Call::kMap, fd, offset, size),
                [&] { return state->below.map(address, size, protection, fd, offset, fixed); });
}

int MapGrown(void **address, size_t size, int fd, size_t shared) {
  return RunInt(OfFd(Call::kMap, fd, 0, size),
                [&] { return state->below.map_grown(address, size, fd, shared); });
}

// What fails is unmapped all the same: a file that stays mapped can on Windows not be cut.
int Unmap(void *address, size_t size) {
  int real = state->below.unmap(address, size);
  return RunInt(OfFd(Call::kUnmap, -1, 0, size), [&] { return real; });
}

int Protect(void *address, size_t size, int protection) {
  return RunInt(OfFd(Call::kProtect, -1, 0, size),
                [&] { return state->below.protect(address, size, protection); });
}

int Advise(void *address, size_t size, int advice) {
  return RunInt(OfFd(Call::kAdvise, -1, 0, size),
                [&] { return state->below.advise(address, size, advice); });
}

int MoveMap(void *from, size_t size, void *to) {
  return RunInt(OfFd(Call::kMoveMap, -1, 0, size),
                [&] { return state->below.move_map(from, size, to); });
}

int StartThread(mm_thread *thread) {
  return RunInt(Of(Call::kStartThread), [&] { return state->below.start_thread(thread); });
}

} // namespace

const char *NameOf(Call call) {
  static const char *const names[] = {"open",
                                      "open_beneath",
                                      "reopen",
                                      "close",
                                      "status",
                                      "status_path",
                                      "status_link",
                                      "birth",
                                      "path_of",
                                      "read_link",
                                      "working_directory",
                                      "read",
                                      "write",
                                      "resize",
                                      "can_hold",
                                      "reserve",
                                      "zero",
                                      "next_hole",
                                      "next_data",
                                      "holes_take_room",
                                      "sync",
                                      "sync_data",
                                      "remove",
                                      "rename",
                                      "set_mode",
                                      "set_owner",
                                      "list",
                                      "memory",
                                      "lock",
                                      "locked",
                                      "map",
                                      "unmap",
                                      "protect",
                                      "advise",
                                      "move_map",
                                      "start_thread"};
  return names[static_cast<size_t>(call)];
}

FaultSys::FaultSys() {
  state = new State;
  state->below = mm_os;
  mm_os.open = Open;
  mm_os.open_beneath = OpenBeneath;
  mm_os.reopen = Reopen;
  mm_os.close = Close;
  mm_os.status = Status;
  mm_os.status_path = StatusPath;
  mm_os.status_link = StatusLink;
  mm_os.birth = Birth;
  mm_os.path_of = PathOf;
  mm_os.read_link = ReadLink;
  mm_os.working_directory = WorkingDirectory;
  mm_os.read = Read;
  mm_os.write = Write;
  mm_os.resize = Resize;
  mm_os.can_hold = CanHold;
  mm_os.reserve = Reserve;
  mm_os.zero = Zero;
  mm_os.next_hole = NextHole;
  mm_os.next_data = NextData;
  mm_os.holes_take_room = HolesTakeRoom;
  mm_os.sync = Sync;
  mm_os.sync_data = SyncData;
  mm_os.remove = Remove;
  mm_os.rename = Rename;
  mm_os.set_mode = SetMode;
  mm_os.set_owner = SetOwner;
  mm_os.list = List;
  mm_os.memory = Memory;
  mm_os.lock = Lock;
  mm_os.locked = Locked;
  mm_os.map = Map;
  mm_os.map_grown = MapGrown;
  mm_os.unmap = Unmap;
  mm_os.protect = Protect;
  mm_os.advise = Advise;
  mm_os.move_map = MoveMap;
  mm_os.start_thread = StartThread;
}

FaultSys::~FaultSys() {
  mm_os = state->below;
  delete state;
  state = nullptr;
}

void FaultSys::CountOnly(std::vector<Call> calls) {
  state->only = std::move(calls);
  state->only_some = true;
}

void FaultSys::FailAt(int n, int error, bool sticky) {
  state->fault = sticky ? Fault::kSticky : Fault::kOnce;
  state->at = n;
  state->error = error;
  state->torn = 0;
}

void FaultSys::CrashAt(int n, size_t torn) {
  state->fault = Fault::kCrash;
  state->at = n;
  state->torn = torn;
}

void FaultSys::NoFault() {
  state->fault = Fault::kNone;
}
void FaultSys::OnCall(void (*observer)()) {
  state->observer = observer;
}
bool FaultSys::Fired() const {
  return state->fired;
}
void FaultSys::MaxWrite(size_t size) {
  state->max_write = size;
}
void FaultSys::MaxRead(size_t size) {
  state->max_read = size;
}
void FaultSys::KeepData() {
  state->keep_data = true;
}

void FaultSys::Reset() {
  std::lock_guard<std::mutex> guard(state->mutex);
  state->records.clear();
  state->only.clear();
  state->only_some = state->keep_data = state->fired = false;
  state->fault = Fault::kNone;
  state->at = state->counted = state->error = 0;
  state->torn = state->max_write = state->max_read = 0;
}

int FaultSys::Counted() const {
  return state->counted;
}
const std::vector<CallRecord> &FaultSys::Records() const {
  return state->records;
}

std::vector<CallRecord> FaultSys::RecordsOf(Call call) const {
  std::vector<CallRecord> found;
  for (const CallRecord &record : state->records)
    if (record.call == call) found.push_back(record);
  return found;
}

std::string FaultSys::Trace() const {
  std::string trace;
  for (const CallRecord &record : state->records) {
    if (!trace.empty()) trace += ' ';
    trace += NameOf(record.call);
  }
  return trace;
}

} // namespace mm_test
