// libFuzzer: the readers of patches over fuzzed bytes: BPS beside a reader that goes byte by byte, as
// the format's author tells it. And what the writers make of a change is read back, and makes it.
//
// The first byte says what is done with the rest, the second how many bytes the old file has; these,
// and the patch or the change.
#include <libdeflate.h>

#include <memory>
#include <optional>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" {
#include "core/bytes/patch.h"
#include "core/common/mem.h"
}

namespace {

using std::string;

constexpr size_t kMost = 1 << 16;

const char *const kPieces[] = {"0",  "1",  "7", "0x", "a", "ff", "00", "-",  " ",   " ",
                               "\n", "\n", "#", "\t", "6", "-1", "g",  "\r", "61 ", " - "};

const uint8_t *Bytes(const string &bytes) {
  return reinterpret_cast<const uint8_t *>(bytes.data());
}

// Bytes of exactly this size: ASAN sees what lies beyond them.
class Exact {
public:
  explicit Exact(const string &bytes) : data_(new uint8_t[bytes.size()]), size_(bytes.size()) {
    std::copy(bytes.begin(), bytes.end(), data_.get());
  }
  const uint8_t *data() const { return data_.get(); }
  size_t size() const { return size_; }

private:
  std::unique_ptr<uint8_t[]> data_;
  size_t size_;
};

// Stops what makes many bytes of few.
struct Pace {
  mm_pace pace = {
      {[](void *asked, uint64_t) { return int{++*static_cast<int *>(asked) > 2}; }, &asked}, 0};
  int asked = 0;
};

string Number(uint64_t number, int size, bool big) {
  string bytes;
  for (int i = 0; i < size; i++) bytes += static_cast<char>(number >> 8 * (big ? size - 1 - i : i));
  return bytes;
}

uint32_t Crc(const string &bytes) {
  return libdeflate_crc32(0, bytes.data(), bytes.size());
}

// ---- text

// The file that the runs make of the old one; nothing: they are not for it, or not readable.
std::optional<string> ApplyText(const string &old, const string &patch) {
  mm_patch_runs runs = {};
  mm_error err;
  Pace pace;
  Exact exact(patch);
  int rc = mm_patch_read_text(exact.data(), exact.size(), &pace.pace, &runs, &err);
  CHECK(rc == MM_OK || rc == MM_ERROR);
  string now;
  uint64_t at = 0;
  bool fits = rc == MM_OK;
  for (size_t i = 0; i < runs.count && rc == MM_OK; i++) {
    const mm_patch_run &run = runs.runs[i];
    CHECK(i == 0 || run.offset >= runs.runs[i - 1].offset + runs.runs[i - 1].old_size);
    string before(run.old, run.old + run.old_size), after(run.data, run.data + run.size);
    fits = fits && run.offset <= old.size() && old.compare(run.offset, before.size(), before) == 0;
    if (!fits) continue;
    now += old.substr(at, run.offset - at) + after;
    at = run.offset + before.size();
  }
  mm_patch_clear(&runs);
  return fits ? std::optional<string>(now + old.substr(at)) : std::nullopt;
}

// ---- IPS

std::optional<string> ApplyIps(string file, const string &patch) {
  mm_ips ips = {};
  mm_ips_record record;
  mm_error err;
  Exact exact(patch);
  bool more = true;
  while (more) {
    int rc = mm_ips_next(&ips, exact.data(), exact.size(), &more, &record, &err);
    CHECK(rc == MM_OK || rc == MM_ERROR);
    if (rc) return std::nullopt;
    if (!more) break;
    CHECK(record.offset < 1 << 24 && record.size <= 0xffff);
    string bytes(record.size, static_cast<char>(record.fill));
    if (record.data) bytes.assign(record.data, record.data + record.size);
    if (bytes.empty()) continue;
    if (file.size() < record.offset + record.size) file.resize(record.offset + record.size);
    file.replace(record.offset, bytes.size(), bytes);
  }
  CHECK(ips.ended);
  if (ips.cuts && ips.cut < file.size()) file.resize(ips.cut);
  return file;
}

// ---- BPS

class BpsReader {
public:
  BpsReader(const string &old, const string &patch) : old_(old), patch_(patch) {}

  // Of what stands before the checksums. Nothing: it leads outside, or is too much.
  std::optional<string> Read() {
    size_t source = 0, target = 0;
    uint64_t old_size = Number(), size = Number(), metadata = Number();
    if (bad_ || old_size != old_.size() || metadata > Left() || size > kMost) return std::nullopt;
    at_ += metadata;
    while (!bad_ && Left() > 0) {
      uint64_t action = Number(), length = (action >> 2) + 1;
      if (bad_ || length > size - now_.size()) return std::nullopt;
      if (action & 2) Move(action & 1 ? &target : &source);
      for (; length > 0 && !bad_; length--) {
        switch (action & 3) {
          case 0:
            Put(old_, now_.size());
            break;
          case 1:
            Put(patch_, at_++);
            break;
          case 2:
            Put(old_, source++);
            break;
          default:
            Put(now_, target++);
            break;
        }
      }
    }
    if (bad_ || now_.size() != size) return std::nullopt;
    return now_;
  }

private:
  size_t Left() const { return patch_.size() - at_; }
  void Put(const string &from, size_t at) {
    bad_ = bad_ || at >= from.size();
    if (!bad_) now_.push_back(from[at]);
  }
  void Move(size_t *place) {
    uint64_t number = Number();
    *place += number & 1 ? 0 - (number >> 1) : number >> 1;
  }
  uint64_t Number() {
    uint64_t number = 0, shift = 1;
    while (!bad_) {
      bad_ = Left() == 0 || shift > uint64_t{1} << 40;
      unsigned byte = bad_ ? 0x80 : static_cast<uint8_t>(patch_[at_++]);
      number += (byte & 0x7f) * shift;
      if (byte & 0x80) break;
      shift <<= 7;
      number += shift;
    }
    return number;
  }

  const string &old_, &patch_;
  string now_;
  size_t at_ = 4;
  bool bad_ = false;
};

std::optional<string> ApplyBps(const string &old, const string &patch) {
  mm_buffer out = {};
  uint64_t actions;
  mm_error err;
  Pace pace;
  Exact exact(patch), file(old);
  int rc = mm_bps_apply(exact.data(), exact.size(), file.data(), file.size(), &pace.pace, &out,
                        &actions, &err);
  CHECK(rc == MM_OK || rc == MM_ERROR || rc == MM_INTERRUPT || rc == MM_TOOBIG);
  string now(out.data, out.data + out.size);
  mm_free(out.data);
  return rc == MM_OK ? std::optional<string>(now) : std::nullopt;
}

void CompareBps(const string &old, string patch) {
  std::optional<string> expected = BpsReader(old, patch).Read();
  patch += Number(Crc(old), 4, false) + Number(Crc(expected.value_or("")), 4, false);
  patch += Number(Crc(patch), 4, false);
  std::optional<string> now = ApplyBps(old, patch);
  if (expected) CHECK(now == expected);
}

// ---- there and back

string Written(mm_patch_writer *write, const mm_patch_change &change) {
  mm_buffer out = {};
  mm_error err;
  CHECK(write(&change, nullptr, &out, &err) == MM_OK);
  string patch(out.data, out.data + out.size);
  mm_free(out.data);
  return patch;
}

void GoThereAndBack(const string &old, const string &now) {
  std::vector<mm_patch_run> runs;
  size_t common = std::min(old.size(), now.size());
  for (size_t at = 0, end; at < common; at = end) {
    for (end = at; end < common && old[end] != now[end];) end++;
    if (end > at) runs.push_back({at, end - at, end - at, Bytes(old) + at, Bytes(now) + at});
    if (end == at) end++;
  }
  if (old.size() != now.size()) {
    runs.push_back({common, old.size() - common, now.size() - common, Bytes(old) + common,
                    Bytes(now) + common});
  }
  mm_patch_change change = {runs.data(), runs.size(), old.size(), Bytes(now), now.size()};
  CHECK(ApplyText(old, Written(mm_patch_write_text, change)) == now);
  CHECK(ApplyIps(old, Written(mm_patch_write_ips, change)) == now);
  CHECK(ApplyBps(old, Written(mm_patch_write_bps, change)) == now);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  string old = in.Bytes(in.Byte()), rest = in.Rest();
  switch (how % 5) {
    case 0:
      ApplyText(old, how & 8 ? mm_fuzz::Spell(kPieces, rest) : rest);
      break;
    case 1:
      ApplyIps(old, "PATCH" + rest);
      break;
    case 2:
      ApplyBps(old, "BPS1" + rest);
      break;
    case 3:
      CompareBps(old, "BPS1" + string(1, static_cast<char>(0x80 | (old.size() & 0x7f))) + rest);
      break;
    default:
      GoThereAndBack(old, rest);
      break;
  }
  return 0;
}
