// Common records made by hand, good ones and hostile ones: a second implementation of the format that
// core/file/record.c describes, which shares no code with the first.
#ifndef MM_TESTS_SUPPORT_RECORD_BYTES_H
#define MM_TESTS_SUPPORT_RECORD_BYTES_H

#include "tests/support/journal_bytes.h"

namespace mm_test {

// Put right both checksums, which are one.
inline void SealRecord(std::string &record) {
  if (record.size() < 48) return;
  uint64_t check = Xxh64(FromLe(record, 16), record.substr(0, 40));
  record.replace(40, 8, Le(Xxh64(check, record.substr(48))));
}

// `length` and `count` are filled in by Finish unless they were set.
struct RecordBytes {
  std::string magic = "mmapcmit";
  uint32_t version = 1, zero = 0;
  uint64_t salt = 0, count = UINT64_MAX, length = UINT64_MAX;
  std::string files;
  uint64_t made = 0;

  RecordBytes &Raw(uint64_t file_salt, uint64_t size, uint64_t inode, uint64_t birth,
                   uint64_t flags, uint64_t name_size, const std::string &name) {
    files += Le(file_salt) + Le(size) + Le(inode) + Le(birth) + Le(flags) + Le(name_size) + name;
    made++;
    return *this;
  }
  RecordBytes &File(uint64_t file_salt, uint64_t size, uint64_t inode, uint64_t birth,
                    const std::string &name, uint64_t flags = 0) {
    return Raw(file_salt, size, inode, birth, flags, name.size(), name);
  }
  std::string Finish() const {
    std::string record = magic + Le(version, 4) + Le(zero, 4) + Le(salt) +
                         Le(count == UINT64_MAX ? made : count) +
                         Le(length == UINT64_MAX ? 48 + files.size() : length) + Le(0) + files;
    SealRecord(record);
    return record;
  }
};

// "mmap-commit-0123456789abcdef"
inline std::string RecordName(uint64_t salt) {
  std::string name = "mmap-commit-";
  for (int i = 15; i >= 0; i--) name += "0123456789abcdef"[salt >> (4 * i) & 15];
  return name;
}

} // namespace mm_test

#endif
