// A file written anew, as another program does it.
#ifndef MM_TESTS_WHOLE_FILE_H
#define MM_TESTS_WHOLE_FILE_H

#include <filesystem>
#include <fstream>
#include <string>

namespace mm_test {

// The path is UTF-8, as core has it. Windows refuses to empty a file that anybody has mapped: there its bytes are
// replaced, and it is cut only if it has to be.
inline void WriteWholeFile(const std::string &path, const std::string &bytes) {
  auto mode = std::ios::binary | std::ios::out;
#ifdef _WIN32
  std::error_code none;
  uintmax_t before = std::filesystem::file_size(std::filesystem::u8path(path), none);
  if (!none && before <= bytes.size()) mode |= std::ios::in;
#endif
  std::ofstream(std::filesystem::u8path(path), mode)
      .write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

} // namespace mm_test

#endif
