// Files open as core has them, by descriptors of the system's own table, which need not be the C library's.
#ifndef MM_TESTS_CORE_FILE_H
#define MM_TESTS_CORE_FILE_H

extern "C" {
#include "core/os/sys.h"
}

#include <gtest/gtest.h>

#include <string>

namespace mm_test {

inline int OpenForCore(const std::string &path, int flags = MM_OPEN_READ | MM_OPEN_WRITE) {
  int fd = mm_sys_default()->open(-1, path.c_str(), flags, 0644);
  EXPECT_GE(fd, 0) << path;
  return fd;
}

inline void CloseForCore(int fd) {
  if (fd >= 0) EXPECT_EQ(mm_sys_default()->close(fd), 0);
}

inline mm_stat StatusOf(const std::string &path) {
  mm_stat stat = {};
  EXPECT_EQ(mm_sys_default()->status_path(path.c_str(), &stat), 0) << path;
  return stat;
}

// Over what is there, the file being as long as before or longer.
inline void WriteAt(const std::string &path, uint64_t offset, const std::string &bytes) {
  int fd = OpenForCore(path, MM_OPEN_WRITE);
  int64_t written = mm_sys_default()->write(fd, bytes.data(), bytes.size(), offset);
  EXPECT_EQ(written, static_cast<int64_t>(bytes.size())) << path;
  CloseForCore(fd);
}

} // namespace mm_test

#endif
