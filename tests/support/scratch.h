// A directory for one test, removed afterwards, and short ways to make and read files in it.
#ifndef MM_TESTS_SUPPORT_SCRATCH_H
#define MM_TESTS_SUPPORT_SCRATCH_H

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "tests/support/whole_file.h"

namespace mm_test {

class Scratch {
public:
  Scratch() {
    const char *base = getenv("TEST_TMPDIR");
    path_ = std::string(base ? base : "/tmp") + "/scratch.XXXXXX";
    if (!mkdtemp(path_.data())) abort();
    path_ = std::filesystem::absolute(path_).generic_string();
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch &) = delete;
  Scratch &operator=(const Scratch &) = delete;

  const std::string &path() const { return path_; }
  std::string operator/(const std::string &name) const { return path_ + "/" + name; }

private:
  std::string path_;
};

inline void Put(const std::string &path, const std::string &bytes) {
  WriteWholeFile(path, bytes);
}

inline std::string Get(const std::string &path) {
  std::ifstream file(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(file), {});
}

inline bool Exists(const std::string &path) {
  return std::filesystem::symlink_status(path).type() != std::filesystem::file_type::not_found;
}

} // namespace mm_test

#endif
