// Journals made by hand, good ones and hostile ones: a second implementation of the format that
// core/file/journal.c describes, which shares no code with the first.
#ifndef MM_TESTS_SUPPORT_JOURNAL_BYTES_H
#define MM_TESTS_SUPPORT_JOURNAL_BYTES_H

#include <cstdint>
#include <cstring>
#include <string>

namespace mm_test {

// XXH64, after https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
inline uint64_t Xxh64(uint64_t seed, const std::string &text) {
  constexpr uint64_t kP[] = {0,
                             0x9e3779b185ebca87u,
                             0xc2b2ae3d27d4eb4fu,
                             0x165667b19e3779f9u,
                             0x85ebca77c2b2ae63u,
                             0x27d4eb2f165667c5u};
  auto at = [&](size_t i, int n) {
    uint64_t v = 0;
    for (int k = n - 1; k >= 0; k--) v = v * 256 + static_cast<uint8_t>(text[i + k]);
    return v;
  };
  auto rol = [](uint64_t v, int n) { return (v << n) | (v >> (64 - n)); };
  auto round = [&](uint64_t acc, uint64_t lane) { return rol(acc + lane * kP[2], 31) * kP[1]; };
  size_t i = 0, size = text.size();
  uint64_t acc = seed + kP[5];
  if (size >= 32) {
    uint64_t lanes[4] = {seed + kP[1] + kP[2], seed + kP[2], seed, seed - kP[1]};
    for (; i + 32 <= size; i += 32)
      for (int k = 0; k < 4; k++) lanes[k] = round(lanes[k], at(i + 8 * k, 8));
    acc = rol(lanes[0], 1) + rol(lanes[1], 7) + rol(lanes[2], 12) + rol(lanes[3], 18);
    for (uint64_t lane : lanes) acc = (acc ^ round(0, lane)) * kP[1] + kP[4];
  }
  acc += size;
  for (; i + 8 <= size; i += 8) acc = rol(acc ^ round(0, at(i, 8)), 27) * kP[1] + kP[4];
  for (; i + 4 <= size; i += 4) acc = rol(acc ^ at(i, 4) * kP[1], 23) * kP[2] + kP[3];
  for (; i < size; i++) acc = rol(acc ^ at(i, 1) * kP[5], 11) * kP[1];
  acc = (acc ^ (acc >> 33)) * kP[2];
  acc = (acc ^ (acc >> 29)) * kP[3];
  return acc ^ (acc >> 32);
}

inline std::string Le(uint64_t value, int bytes = 8) {
  std::string text;
  for (int i = 0; i < bytes; i++) text += static_cast<char>(value >> (8 * i));
  return text;
}

inline uint64_t FromLe(const std::string &text, size_t at) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; i--) value = value << 8 | static_cast<uint8_t>(text[at + i]);
  return value;
}

// What a header says. `length` and `count` are filled in by Finish unless they were set.
struct JournalBytes {
  std::string magic = "mmapjrnl", done = "mmapdone";
  uint32_t version = 1, flags = 0; // flags 1: in doubt; 2: `behind` may follow
  std::string doubt;               // unsealed: 8 bytes for the check, then the rest
  std::string behind;
  uint64_t salt = 0x0123456789abcdef, inode = 0, birth = 0, old_size = 0, new_size = 0;
  uint64_t count = UINT64_MAX, length = UINT64_MAX;
  std::string records; // unsealed: 8 bytes for the check, then the rest
  uint64_t made = 0;

  // A record as it stands, true or not.
  JournalBytes &Raw(uint64_t offset, uint64_t size, uint64_t flags, const std::string &data) {
    records += Le(0) + Le(offset) + Le(size) + Le(flags) + data;
    made++;
    return *this;
  }
  JournalBytes &Data(uint64_t offset, const std::string &data) {
    return Raw(offset, data.size(), 0, data);
  }
  JournalBytes &Zeros(uint64_t offset, uint64_t size) { return Raw(offset, size, 1, ""); }
  // A common record decides, of this name, which is taken to be so long.
  // `inode` and `birth` are of its directory.
  JournalBytes &InDoubt(const std::string &name, uint64_t record, uint64_t size = UINT64_MAX,
                        uint64_t inode = 0, uint64_t birth = 0) {
    version = 2;
    flags |= 1;
    doubt = Le(0) + Le(record) + Le(size == UINT64_MAX ? name.size() : size) + Le(inode) +
            Le(birth) + name;
    return *this;
  }
  JournalBytes &Longer(const std::string &bytes) {
    version = 2;
    flags |= 2;
    behind = bytes;
    return *this;
  }

  std::string Finish() const;
};

// Put right every checksum that can be: of the header, of what names a common record, of each record
// as far as their lengths can be followed, and of the commit record, taken to be the last 16 bytes
// of the journal's length, or of what there is.
inline void SealJournal(std::string &journal) {
  auto put = [&](size_t at, uint64_t value) { journal.replace(at, 8, Le(value)); };
  if (journal.size() < 96) return;
  bool in_doubt = journal[8] == 2 && journal[12] & 1, longer = journal[8] == 2 && journal[12] & 2;
  uint64_t check = Xxh64(FromLe(journal, 16), journal.substr(0, 72)), length = FromLe(journal, 64);
  put(72, check);
  size_t at = 80, end = journal.size() - 16;
  if (longer && length >= 96 && length <= journal.size()) end = length - 16;
  if (in_doubt && at + 40 <= end && FromLe(journal, at + 16) <= end - at - 40) {
    size_t bytes = 40 + FromLe(journal, at + 16);
    check = Xxh64(check, journal.substr(at + 8, bytes - 8));
    put(at, check);
    at += bytes;
  }
  while (at + 32 <= end) {
    uint64_t size = FromLe(journal, at + 16);
    size_t bytes = 32;
    if (FromLe(journal, at + 24) != 1) {
      if (size > end - at - 32) break;
      bytes += size;
    }
    check = Xxh64(check, journal.substr(at + 8, bytes - 8));
    put(at, check);
    at += bytes;
  }
  put(end, Xxh64(check, journal.substr(end + 8, 8)));
}

inline std::string JournalBytes::Finish() const {
  uint64_t real = 80 + doubt.size() + records.size() + 16;
  std::string journal = magic + Le(version, 4) + Le(flags, 4) + Le(salt) + Le(inode) + Le(birth) +
                        Le(old_size) + Le(new_size) + Le(count == UINT64_MAX ? made : count) +
                        Le(length == UINT64_MAX ? real : length) + Le(0) + doubt + records + Le(0) +
                        done + behind;
  SealJournal(journal);
  return journal;
}

} // namespace mm_test

#endif
