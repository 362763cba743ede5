// libFuzzer: any bytes as the journal of a small file, in a system of its own that has nothing but
// these two files. A second reader of the format says what must happen: a journal that is whole is
// replayed exactly, and no other changes the file.
//
// Three bytes of the input say what is done to the rest first: put right what a journal must have
// to get anywhere (otherwise no input would pass the checksums), and which byte of it changes
// between opening and replaying.
#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

extern "C" {
#include "core/file/journal.h"
}
#include "tests/fuzz/fuzz.h"
#include "tests/support/journal_bytes.h"

namespace {

using mm_test::FromLe;
using mm_test::Le;
using mm_test::Xxh64;

constexpr uint64_t kInode = 77, kBirth = 1234567;
constexpr uint64_t kMost = 1 << 20; // replayed into files of up to this size

enum Flag { kSeal = 1, kHeader = 2, kLength = 4, kChange = 8, kBuild = 16 };

// The system: descriptor 3 is the file, 4 and 5 are the journal.
std::string file, journal;
int open_journals;

std::string &Of(int fd) {
  return fd == 3 ? file : journal;
}

int Open(int, const char *, int, uint32_t) {
  open_journals++;
  return 4;
}
int Reopen(int, int) {
  open_journals++;
  return 5;
}
int Close(int) {
  open_journals--;
  return 0;
}
int Status(int fd, mm_stat *stat) {
  *stat = mm_stat{};
  stat->inode = kInode + static_cast<uint64_t>(fd != 3);
  stat->size = Of(fd).size();
  stat->mode = 0600;
  stat->links = 1;
  stat->kind = MM_KIND_FILE;
  return 0;
}
int64_t Birth(int) {
  return kBirth;
}
int64_t Read(int fd, void *data, size_t size, uint64_t offset) {
  const std::string &from = Of(fd);
  if (offset >= from.size()) return 0;
  size = std::min<size_t>(size, from.size() - offset);
  memcpy(data, from.data() + offset, size);
  return static_cast<int64_t>(size);
}
int64_t Write(int fd, const void *data, size_t size, uint64_t offset) {
  CHECK(fd == 3);
  CHECK(offset <= file.size() && size <= file.size() - offset);
  memcpy(file.data() + offset, data, size);
  return static_cast<int64_t>(size);
}
int Resize(int fd, uint64_t size) {
  CHECK(fd == 3);
  CHECK(size <= kMost);
  file.resize(size);
  return 0;
}
int Zero(int, uint64_t offset, uint64_t size) {
  CHECK(offset <= file.size() && size <= file.size() - offset);
  std::fill_n(file.begin() + static_cast<ptrdiff_t>(offset), size, 0);
  return 0;
}
int Sync(int) {
  return 0;
}
uint64_t Limit() {
  return UINT64_MAX;
}
uint32_t User() {
  return 0;
}

void Install() {
  mm_os.open = Open;
  mm_os.reopen = Reopen;
  mm_os.close = Close;
  mm_os.status = Status;
  mm_os.birth = Birth;
  mm_os.read = Read;
  mm_os.write = Write;
  mm_os.resize = Resize;
  mm_os.zero = Zero;
  mm_os.sync = mm_os.sync_data = Sync;
  mm_os.file_size_limit = Limit;
  mm_os.user = User;
}

// The second reader: is it whole, whosever it is?
bool IsWhole(const std::string &bytes) {
  if (bytes.size() < 96 || bytes.compare(0, 8, "mmapjrnl") || FromLe(bytes, 8) != 1) return false;
  uint64_t check = Xxh64(FromLe(bytes, 16), bytes.substr(0, 72));
  uint64_t old_size = FromLe(bytes, 40), new_size = FromLe(bytes, 48), count = FromLe(bytes, 56);
  if (check != FromLe(bytes, 72) || FromLe(bytes, 64) != bytes.size()) return false;
  if (old_size >> 63 || new_size >> 63) return false;
  size_t at = 80, end = bytes.size() - 16;
  uint64_t floor = 0;
  for (; count > 0; count--) {
    if (end - at < 32) return false;
    uint64_t offset = FromLe(bytes, at + 8), size = FromLe(bytes, at + 16);
    uint64_t flags = FromLe(bytes, at + 24), data = flags ? 0 : size;
    if (flags > 1 || size == 0 || offset < floor || offset > new_size) return false;
    if (size > new_size - offset || data > 256 * 1024 || data > end - at - 32) return false;
    check = Xxh64(check, bytes.substr(at + 8, 24 + data));
    if (check != FromLe(bytes, at)) return false;
    floor = offset + size;
    at += 32 + data;
  }
  return at == end && FromLe(bytes, end) == Xxh64(check, bytes.substr(end + 8)) &&
         !bytes.compare(end + 8, 8, "mmapdone");
}

bool IsOurs(const std::string &bytes) {
  uint64_t birth = FromLe(bytes, 32);
  return FromLe(bytes, 24) == kInode && (birth == kBirth || !birth) &&
         (FromLe(bytes, 40) == file.size() || FromLe(bytes, 48) == file.size());
}

std::string Expected(const std::string &bytes) {
  std::string result = file;
  uint64_t new_size = FromLe(bytes, 48);
  if (result.size() < new_size) result.resize(new_size);
  for (size_t at = 80; at < bytes.size() - 16;) {
    uint64_t offset = FromLe(bytes, at + 8), size = FromLe(bytes, at + 16);
    bool zeros = FromLe(bytes, at + 24) == 1;
    result.replace(offset, size, zeros ? std::string(size, 0) : bytes.substr(at + 32, size));
    at += 32 + (zeros ? 0 : size);
  }
  result.resize(new_size);
  return result;
}

// Take the bytes as a list of extents, three bytes each, good ones and bad ones.
std::string Build(const std::string &plan) {
  mm_test::JournalBytes bytes;
  uint64_t offset = 0;
  bytes.inode = kInode;
  bytes.birth = kBirth;
  bytes.old_size = file.size();
  bytes.new_size = plan.empty() ? 0 : 8u * static_cast<uint8_t>(plan[0]);
  for (size_t i = 1; i + 3 <= plan.size(); i += 3) {
    offset += static_cast<uint64_t>(static_cast<int8_t>(plan[i])); // backwards, too
    uint64_t size = static_cast<uint8_t>(plan[i + 1]) % 100u;
    if (plan[i + 2] & 1) {
      bytes.Zeros(offset, size);
    } else {
      bytes.Data(offset, std::string(size, plan[i + 2]));
    }
    offset += size;
  }
  return bytes.Finish();
}

void Prepare(unsigned flags) {
  if (flags & kBuild) journal = Build(journal);
  auto put = [](size_t at, const std::string &text) { journal.replace(at, text.size(), text); };
  if (journal.size() < 96) return;
  if (flags & kHeader) {
    put(0, "mmapjrnl" + Le(1, 4) + Le(0, 4));
    put(24, Le(kInode) + Le(kBirth) + Le(file.size()));
    put(48, Le(FromLe(journal, 48) % (2 * kMost)) + Le(FromLe(journal, 56) % 64));
    put(journal.size() - 8, "mmapdone");
  }
  if (flags & kLength) put(64, Le(journal.size()));
  if (flags & kSeal) mm_test::SealJournal(journal);
}

struct Bounds {
  uint64_t floor, end;
};

int InBounds(void *context, uint64_t offset, const uint8_t *data, uint64_t size, mm_error *) {
  Bounds *bounds = static_cast<Bounds *>(context);
  CHECK(offset >= bounds->floor && offset <= bounds->end && size <= bounds->end - offset);
  CHECK(size > 0 && (!data || size <= (1 << 20)));
  bounds->floor = offset + size;
  static volatile uint8_t sink; // all of it must be readable
  for (uint64_t i = 0; data && i < size; i++) sink = data[i];
  (void)sink;
  return MM_OK;
}

// `changed`: the journal is no longer what was opened.
void Apply(mm_journal *found, const std::string &opened, bool changed) {
  mm_error err;
  Bounds bounds = {0, found->new_size};
  int rc = mm_journal_each(found, InBounds, &bounds, &err);
  CHECK(rc == (changed ? MM_CORRUPT : MM_OK));
  if (found->new_size > kMost) return;
  std::string before = file, expected = Expected(opened);
  rc = mm_journal_replay(found, 3, true, "file", &err);
  CHECK(rc == (changed ? MM_CORRUPT : MM_OK));
  if (!changed) CHECK(file == expected);
}

void Run(unsigned flags, size_t at) {
  mm_journal found;
  mm_error err;
  mm_stat stat;
  int state;
  Status(3, &stat);
  std::string before = file, opened = journal;
  bool whole = IsWhole(journal), ours = whole && IsOurs(journal);
  int rc = mm_journal_open("journal", 3, &stat, &found, &state, &err);
  CHECK(file == before);
  CHECK((rc == MM_OK && state == MM_JOURNAL_WHOLE) == ours);
  CHECK(rc == MM_OK || rc == MM_CORRUPT);
  CHECK(!whole || ours || rc == MM_CORRUPT);
  if (rc != MM_OK || state != MM_JOURNAL_WHOLE) {
    CHECK(found.fd == -1 && open_journals == 0);
    mm_journal_close(&found); // it may name a record
    return;
  }
  bool change = (flags & kChange) && at >= 80 && at < journal.size();
  if (change) journal[at] = static_cast<char>(journal[at] ^ 0x55);
  Apply(&found, opened, change);
  mm_journal_close(&found);
  CHECK(open_journals == 0);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  Install();
  if (size < 3) return 0;
  file = "0123456789abcdefghijklmnopqrstuvwxyz";
  journal.assign(reinterpret_cast<const char *>(data + 3), size - 3);
  Prepare(data[0]);
  Run(data[0], data[1] + 256u * data[2]);
  return 0;
}
