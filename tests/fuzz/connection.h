// SQLite with the library in the program itself, in a directory of its own that is the root.
//
//     $TMPDIR/fuzz.XXXXXX/in/       the working directory and the root: empty before each input
//     $TMPDIR/fuzz.XXXXXX/secret    outside it: nothing may read or change it
//
// All memory is asked for with its exact size, so that ASAN sees each byte too far.
#ifndef MM_TESTS_FUZZ_CONNECTION_H
#define MM_TESTS_FUZZ_CONNECTION_H

#include <malloc.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" {
int sqlite3_mmap_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);
int sqlite3_mmap_readonly_init(sqlite3 *db, char **error, const sqlite3_api_routines *api);
}

namespace mm_fuzz {

constexpr char kSecret[] = "nobody below the root may read these words";

inline void Put(const std::string &path, const std::string &bytes) {
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

inline std::string Get(const std::string &path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  std::string bytes(file ? static_cast<size_t>(file.tellg()) : 0, 0);
  file.seekg(0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  return bytes;
}

inline void UseExactMemory() {
  static sqlite3_mem_methods methods;
  CHECK(sqlite3_config(SQLITE_CONFIG_GETMALLOC, &methods) == SQLITE_OK);
  methods.xMalloc = [](int size) { return malloc(static_cast<size_t>(size)); };
  methods.xRealloc = [](void *memory, int size) {
    return realloc(memory, static_cast<size_t>(size));
  };
  methods.xFree = free;
  methods.xSize = [](void *memory) { return static_cast<int>(malloc_usable_size(memory)); };
  methods.xRoundup = [](int size) { return size; };
  CHECK(sqlite3_config(SQLITE_CONFIG_MALLOC, &methods) == SQLITE_OK);
  CHECK(sqlite3_config(SQLITE_CONFIG_LOOKASIDE, 0, 0) == SQLITE_OK);
}

// Once in the process.
inline void Settle() {
  static bool done = false;
  if (done) return;
  done = true;
  const char *base = getenv("TMPDIR");
  std::string path = std::string(base ? base : "/tmp") + "/fuzz.XXXXXX";
  CHECK(mkdtemp(path.data()));
  path = std::filesystem::canonical(path).string();
  Put(path + "/secret", kSecret);
  CHECK(mkdir((path + "/in").c_str(), 0700) == 0);
  CHECK(chdir((path + "/in").c_str()) == 0);
  CHECK(setenv("SQLITE_MMAP_ROOT", (path + "/in").c_str(), 1) == 0);
  // No file grows past this, sparse or not.
  rlimit limit = {64 << 20, 64 << 20};
  CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
  UseExactMemory();
  CHECK(sqlite3_initialize() == SQLITE_OK);
  sqlite3_hard_heap_limit64(256 << 20);
}

// Empty the working directory, and see that nothing was done outside.
inline void Clear() {
  namespace fs = std::filesystem;
  for (const auto &entry : fs::directory_iterator(".")) fs::remove_all(entry.path());
  CHECK(Get("../secret") == kSecret);
  CHECK(std::distance(fs::directory_iterator(".."), fs::directory_iterator()) == 2);
}

class Connection {
public:
  explicit Connection(bool read_only = false) {
    char *error = nullptr;
    CHECK(sqlite3_open(":memory:", &db_) == SQLITE_OK);
    int rc = (read_only ? sqlite3_mmap_readonly_init : sqlite3_mmap_init)(db_, &error, nullptr);
    CHECK(rc == SQLITE_OK || rc == SQLITE_OK_LOAD_PERMANENTLY);
    sqlite3_limit(db_, SQLITE_LIMIT_LENGTH, 1 << 20);
    sqlite3_limit(db_, SQLITE_LIMIT_ATTACHED, 0);
    sqlite3_progress_handler(
        db_, 1000, [](void *left) { return static_cast<int>(--*static_cast<int *>(left) < 0); },
        &left_);
  }
  // Nothing of the library keeps the connection from closing.
  ~Connection() { CHECK(sqlite3_close(db_) == SQLITE_OK); }
  Connection(const Connection &) = delete;
  Connection &operator=(const Connection &) = delete;

  operator sqlite3 *() const { return db_; }

  // Run the first statement of `sql`: a call for each value of each row; SQLite's code at the end.
  int Each(const std::string &sql, const std::function<void(sqlite3_stmt *, int)> &value,
           const char **rest = nullptr) {
    sqlite3_stmt *stmt = nullptr;
    left_ = 2000;
    int rc = sqlite3_prepare_v2(db_, sql.c_str(), static_cast<int>(sql.size()), &stmt, rest);
    if (rc != SQLITE_OK || !stmt) return rc;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) {
      for (int i = 0; i < sqlite3_column_count(stmt); i++) value(stmt, i);
    }
    return sqlite3_finalize(stmt);
  }

  // The same, with all values read as bytes, joined by '|'. "error" if it fails: then failure()
  // says why.
  std::string Ask(const std::string &sql) {
    std::string text;
    bool first = true;
    int rc = Each(sql, [&](sqlite3_stmt *stmt, int i) {
      const void *data = sqlite3_column_blob(stmt, i);
      auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, i));
      if (!first) text += '|';
      first = false;
      if (size) text.append(static_cast<const char *>(data), size);
    });
    return rc == SQLITE_OK ? text : "error";
  }
  std::string failure() const { return sqlite3_errmsg(db_); }

private:
  sqlite3 *db_ = nullptr;
  int left_ = 0; // calls of the progress handler before it stops a statement
};

} // namespace mm_fuzz

#endif
