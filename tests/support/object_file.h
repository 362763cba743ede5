// Files and objects for tests of core/file/object.h: a directory of its own for each test, and an object
// whose failures are the test's.
#ifndef MM_TESTS_OBJECT_FILE_H
#define MM_TESTS_OBJECT_FILE_H

extern "C" {
#include "core/file/journal.h"
#include "core/file/object.h"
}

#include "tests/support/whole_file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <string>
#include <vector>

namespace mm_test {

using Bytes = std::vector<uint8_t>;

inline Bytes Text(const std::string &text) {
  return Bytes(text.begin(), text.end());
}

inline uint64_t Page() {
  return static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Bytes that differ from page to page and from their neighbours.
inline Bytes Pattern(uint64_t size, unsigned seed = 1) {
  Bytes bytes(size);
  uint32_t state = seed * 2654435761u + 1;
  for (uint8_t &byte : bytes) {
    state = state * 1664525u + 1013904223u;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return bytes;
}

inline Bytes Contents(const std::string &path) {
  std::ifstream in(path, std::ios::binary);
  return Bytes(std::istreambuf_iterator<char>(in), {});
}

// Change a file as a program does that knows nothing of us.
inline void Outside(const std::string &path, uint64_t offset, const Bytes &data) {
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  ASSERT_GE(fd, 0) << path;
  ASSERT_EQ(pwrite(fd, data.data(), data.size(), static_cast<off_t>(offset)),
            static_cast<ssize_t>(data.size()));
  close(fd);
}

inline void OutsideResize(const std::string &path, uint64_t size) {
  ASSERT_EQ(truncate(path.c_str(), static_cast<off_t>(size)), 0) << path;
}

inline int OpenDescriptors() {
#ifdef _WIN32
  return mm_tests_open_files();
#endif
  int count = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    (void)entry;
    count++;
  }
  return count;
}

// Runs `body` in a child and gives what it returns, 0 to 99; 100 + n: killed by signal n. The child
// leaves without cleaning up: to the file it is a crash.
inline int InChild(const std::function<int()> &body) {
  fflush(nullptr);
  pid_t pid = fork();
  if (pid == 0) _exit(body());
  int status = 0;
  if (waitpid(pid, &status, 0) != pid) return -1;
  return WIFSIGNALED(status) ? 100 + WTERMSIG(status) : WEXITSTATUS(status);
}

inline mm_settings Settings(int synchronous = MM_SYNC_NORMAL) {
  mm_settings settings = {};
  settings.synchronous = synchronous;
  return settings;
}

// An object, closed at the end. Calls of object.h that must succeed are methods; for others take
// the object itself and `err`.
class Object {
public:
  explicit Object(mm_object *opened, const mm_error &error = {}) : err(error), object_(opened) {}
  ~Object() { Close(); }
  Object(const Object &) = delete;
  Object(Object &&other) noexcept : err(other.err), object_(other.object_) {
    other.object_ = nullptr;
  }

  operator mm_object *() const { return object_; }
  mm_object *operator->() const { return object_; }
  void Close() {
    mm_object_close(object_);
    object_ = nullptr;
  }

  Bytes Seen() const {
    return object_->size ? Bytes(object_->data, object_->data + object_->size) : Bytes();
  }
  void Refresh() { Good(mm_object_refresh(object_, &err)); }
  void Begin() { Good(mm_object_begin(object_, &err)); }
  void Write(uint64_t offset, const Bytes &data) {
    Good(mm_object_write(object_, offset, data.data(), data.size(), &err));
  }
  void Write(uint64_t offset, const std::string &text) { Write(offset, Text(text)); }
  void WriteUnseen(uint64_t offset, const Bytes &data) {
    Good(mm_object_write_unseen(object_, offset, data.data(), data.size(), &err));
  }
  void Insert(uint64_t offset, const Bytes &data) {
    Good(mm_object_insert(object_, offset, data.data(), data.size(), &err));
  }
  void Erase(uint64_t offset, uint64_t size) { Good(mm_object_erase(object_, offset, size, &err)); }
  void Move(uint64_t to, uint64_t from, uint64_t size) {
    Good(mm_object_move(object_, to, from, size, &err));
  }
  void Resize(uint64_t size) { Good(mm_object_resize(object_, size, &err)); }
  void RollbackTo(size_t mark) { Good(mm_object_rollback_to(object_, mark, &err)); }
  void RollbackTo(const mm_log_mark &mark) { RollbackTo(mark.count); }
  void Prepare() { Good(mm_object_prepare(object_, &err)); }
  void Unprepare() { Good(mm_object_unprepare(object_, &err)); }
  void Commit() { Good(mm_object_commit(object_, &err)); }
  void Rollback() { Good(mm_object_rollback(object_, &err)); }

  mm_error err;

private:
  void Good(int rc) { EXPECT_EQ(rc, MM_OK) << err.text; }
  mm_object *object_;
};

// A directory for the files of one test.
class FileTest : public testing::Test {
protected:
  void SetUp() override {
    // Not in TEST_TMPDIR: a test that becomes another user may not get there.
    std::string name = (std::filesystem::temp_directory_path() / "mmXXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    directory = std::filesystem::canonical(name).generic_string();
    descriptors_ = OpenDescriptors();
  }
  void TearDown() override {
    EXPECT_EQ(OpenDescriptors(), descriptors_) << "descriptors leaked";
    std::error_code ignored;
    std::filesystem::remove_all(directory, ignored);
  }

  std::string Path(const std::string &name) const { return directory + "/" + name; }
  std::string Put(const std::string &name, const Bytes &bytes) const {
    WriteWholeFile(Path(name), std::string(bytes.begin(), bytes.end()));
    return Path(name);
  }
  // A process that dies with a whole journal of `writes`. Where there is no fork, the transaction is taken back, and
  // its journal is there again.
  void DiePrepared(const std::string &path, const mm_settings &with,
                   const std::function<void(Object &)> &writes) {
#ifdef _WIN32
    std::string journal = path + MM_JOURNAL_SUFFIX;
    Object object = Open(path, MM_OBJECT_FILE, with);
    object.Begin();
    writes(object);
    object.Prepare();
    Bytes whole = Contents(journal);
    object.Rollback();
    WriteWholeFile(journal, std::string(whole.begin(), whole.end()));
#else
    EXPECT_EQ(InChild([&]() -> int {
                Object object = Open(path, MM_OBJECT_FILE, with);
                object.Begin();
                writes(object);
                object.Prepare();
                _exit(HasFailure() ? 1 : 0); // without the destructor
              }),
              0);
#endif
    ASSERT_TRUE(HasJournal(path));
  }
  static bool HasJournal(const std::string &path) {
    return std::filesystem::exists(std::filesystem::symlink_status(path + MM_JOURNAL_SUFFIX));
  }

  // The result of mm_object_open; *out is NULL unless it is MM_OK.
  static int TryOpen(const std::string &path, int kind, const mm_settings *with, mm_object **out,
                     mm_error *err) {
    mm_root root;
    mm_path resolved;
    *out = nullptr;
    mm_root_init(&root);
    int rc = kind == MM_OBJECT_DEVICE ? mm_path_resolve_device(&root, path.c_str(), &resolved, err)
                                      : mm_path_resolve(&root, path.c_str(), false, &resolved, err);
    if (rc == MM_OK) rc = mm_object_open(&resolved, path.c_str(), kind, with, out, err);
    mm_path_clear(&resolved);
    return rc;
  }
  Object Open(const std::string &path, int kind = MM_OBJECT_FILE) {
    return Open(path, kind, settings);
  }
  Object Open(const std::string &path, int kind, const mm_settings &with) {
    mm_object *object;
    mm_error err;
    EXPECT_EQ(TryOpen(path, kind, &with, &object, &err), MM_OK) << err.text;
    if (!object) throw std::runtime_error(err.text); // the test cannot go on
    return Object(object);
  }
  Object OpenMemory(uint64_t size) {
    mm_object *object = nullptr;
    mm_error err;
    EXPECT_EQ(mm_object_open_memory(size, &settings, &object, &err), MM_OK) << err.text;
    if (!object) throw std::runtime_error(err.text);
    return Object(object);
  }

  std::string directory;
  mm_settings settings = Settings();

private:
  int descriptors_ = 0;
};

} // namespace mm_test

#endif
