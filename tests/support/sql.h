// SQL on a real connection that loads the real library, in a directory of its own.
//
//     TEST_F(GetTest, ReadsAByte) {
//       Put("a.bin", "hello");
//       EXPECT_EQ(One("SELECT mmap_get('a.bin', 1)"), "101");
//       EXPECT_EQ(Error("SELECT mmap_get('a.bin', 5)"), "ERROR mmap_get: offset 5 is outside …");
//     }
//
// The library is $MMAP_LIBRARY, else ext/mmap0.so below Bazel's runfiles or the working directory.
// tests/faults runs the same tests with faults in every statement, through `harness` below.
#ifndef MM_TESTS_SUPPORT_SQL_H
#define MM_TESTS_SUPPORT_SQL_H

#include <gtest/gtest.h>
#include <sqlite3.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace mm_test {

// The absolute path of the library under test.
const std::string &Library();

// What one statement came to.
struct Outcome {
  int rc = SQLITE_OK;  // extended
  std::string message; // sqlite3_errmsg, unless it is SQLITE_OK
  std::vector<std::vector<std::string>> rows;
  int steps = 0; // of SQLite's virtual machine
};

// Stands between Db and SQLite.
class Harness {
public:
  virtual ~Harness() = default;
  // As sqlite3_load_extension does.
  virtual int Load(sqlite3 *db, const char *entry, char **message) = 0;
  // Run one statement by `once`, which may be called again, and give what it came to.
  virtual Outcome Run(sqlite3 *db, const std::string &sql,
                      const std::function<Outcome()> &once) = 0;
  // As sqlite3_close does.
  virtual int Close(sqlite3 *db) = 0;
};
extern Harness *harness; // NULL: none

// A connection. What must succeed reports a failure of the test if it does not.
class Db {
public:
  // Opens `file`; loads the library by `entry`, NULL: as SQLite itself derives it. `load` false:
  // without.
  explicit Db(const std::string &file = ":memory:", const char *entry = nullptr, bool load = true,
              int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_URI);
  ~Db();
  Db(const Db &) = delete;
  Db &operator=(const Db &) = delete;

  // Run all statements of `sql`. The rows as text: columns joined by '|', rows by a newline. NULL
  // is "NULL", a blob x'0a'. A failure appends what Error() would give.
  std::string Rows(const std::string &sql);
  // The same for a statement that gives one value; "" if it gives no row.
  std::string One(const std::string &sql) { return Rows(sql); }
  // The one value as an integer, or as the bytes of a blob or text.
  int64_t Int(const std::string &sql);
  std::string Bytes(const std::string &sql);
  // Run what must succeed, and drop its rows.
  void Run(const std::string &sql);
  // Run what must fail: "ERROR the message", with SQLite's extended result code by name; "ok" if it
  // does not fail.
  std::string Error(const std::string &sql);
  // Run it: its rows, or the error as Error() gives it.
  std::string Says(const std::string &sql);
  // Run it; whether it succeeded.
  bool Succeeds(const std::string &sql) { return Error(sql) == "ok"; }
  // Steps of SQLite's virtual machine that `sql` takes: a measure of work without a clock.
  int Steps(const std::string &sql);
  // The detail column of EXPLAIN QUERY PLAN, a line a row.
  std::string Plan(const std::string &sql);

  void Close(); // sqlite3_close, which must succeed: nothing of ours keeps the connection
  operator sqlite3 *() const { return db_; }

private:
  // All that is run passes through here. The statements of `sql` up to the first that fails; the
  // rows are those of all. `raw`: as bytes, and no more than the first one.
  Outcome Each(const std::string &sql, bool raw = false);
  sqlite3 *db_ = nullptr;
};

// A blob literal of these bytes, and a text literal.
std::string Blob(const std::string &bytes);
std::string Quote(const std::string &text);

// Each test runs in an empty directory, with a connection `db` to a database in memory.
class SqlTest : public testing::Test {
protected:
  void SetUp() override;
  void TearDown() override;

  // The calls of `db`, for short.
  std::string Rows(const std::string &sql) { return db->Rows(sql); }
  std::string One(const std::string &sql) { return db->One(sql); }
  int64_t Int(const std::string &sql) { return db->Int(sql); }
  std::string Bytes(const std::string &sql) { return db->Bytes(sql); }
  void Run(const std::string &sql) { db->Run(sql); }
  std::string Error(const std::string &sql) { return db->Error(sql); }

  // Files in the test's directory.
  static void Put(const std::string &name, const std::string &bytes);
  static std::string Get(const std::string &name); // "(no file)" if there is none
  static bool Exists(const std::string &name);
  static bool HasJournal(const std::string &name);

  std::unique_ptr<Db> db;
  std::string directory; // absolute, without symbolic links

private:
  std::string before_;
};

} // namespace mm_test

#endif
