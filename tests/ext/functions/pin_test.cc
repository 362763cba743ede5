// A blob in SQLite's hands never changes and never goes away, and a large slice is handed over
// without a copy.
#include "tests/support/sql.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>
#include <fstream>

namespace mm_test {
namespace {

constexpr int64_t kBig = int64_t{512} << 20;

// A line of /proc/self/status, in KiB.
int64_t Status(const std::string &key) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, key.size() + 1, key + ":") == 0)
      return std::stoll(line.substr(key.size() + 1));
  }
  return -1;
}

class Pin : public SqlTest {
protected:
  // A sparse file with "head" and "tail" at its ends.
  static void Sparse(const std::string &name, int64_t size) {
    Put(name, "head");
    std::filesystem::resize_file(name, static_cast<uintmax_t>(size));
    int fd = open(name.c_str(), O_WRONLY);
    EXPECT_EQ(pwrite(fd, "tail", 4, size - 4), 4);
    close(fd);
  }

  // The function ends(blob): its size, first and last four bytes, and whether what is between is
  // zero wherever it looks, read when it is called.
  void SetUp() override {
    SqlTest::SetUp();
    auto ends = [](sqlite3_context *context, int, sqlite3_value **argv) {
      std::string text = Ends(sqlite3_value_blob(argv[0]), sqlite3_value_bytes(argv[0]));
      sqlite3_result_text(context, text.c_str(), -1, SQLITE_TRANSIENT);
    };
    sqlite3_create_function(*db, "ends", 1, SQLITE_UTF8, nullptr, ends, nullptr, nullptr);
    sqlite3_create_function(*db, "ends", 2, SQLITE_UTF8, nullptr, ends, nullptr, nullptr);
  }
  static std::string Ends(const void *blob, int size) {
    auto bytes = static_cast<const char *>(blob);
    if (!blob) return "nothing"; // of a value that there was no memory for
    std::string text =
        std::to_string(size) + " " + std::string(bytes, 4) + " " + std::string(bytes + size - 4, 4);
    for (int i = 4096; i < size - 4; i += 257 * 4096) {
      if (bytes[i]) return text + " changed at " + std::to_string(i);
    }
    return text;
  }
};

const char kWhole[] = "536870912 head tail";

TEST_F(Pin, ASliceKeepsItsBytesWhateverIsWrittenInTheSameRow) {
  for (int64_t size : {int64_t{4}, int64_t{70000}, int64_t{1} << 20}) {
    for (const char *write :
         {"mmap_patch('f', 0, 'HEAD')", "mmap_resize('f', 0)", "mmap_resize('f', 5)",
          "mmap_insert('f', 0, 'front')", "mmap_delete('f', 0, 3)", "mmap_move('f', 0, 4, 4)",
          "mmap_set('f', 2, 7)", "mmap_resize('f', 0) + mmap_resize('f', 2000000)"}) {
      for (const char *begin : {"", "BEGIN"}) {
        std::string before(static_cast<size_t>(size), 'a');
        Put("f", before + "more bytes");
        std::string sql = "SELECT mmap_slice('f', 0, " + std::to_string(size) + "), " + write;
        Run(begin);
        EXPECT_TRUE(Bytes(sql) == before) << sql << begin;
        if (*begin) Run("ROLLBACK");
      }
    }
  }
}

// As a user would write it: the row is read by the host, after all of it has been computed.
TEST_F(Pin, AHalfGigabyteKeepsItsBytesWhateverIsWrittenInTheSameRow) {
  for (const char *rest : {"mmap_patch('f', 0, 'HEAD'), mmap_patch('f', 536870908, 'TAIL')",
                           "mmap_patch(#, 0, 'HEAD'), mmap_resize(#, 10), mmap_close(#)"}) {
    Sparse("f", kBig);
    std::string handle = One("SELECT mmap_open('f', 'write')");
    std::string calls = rest;
    for (size_t at; (at = calls.find('#')) != std::string::npos;) calls.replace(at, 1, handle);
    std::string sql = "SELECT mmap_slice('f', 0, 536870912), " + calls;
    sqlite3_stmt *stmt = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(*db, sql.c_str(), -1, &stmt, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW) << sqlite3_errmsg(*db);
    EXPECT_EQ(Ends(sqlite3_column_blob(stmt, 0), sqlite3_column_bytes(stmt, 0)), kWhole) << sql;
    EXPECT_EQ(sqlite3_finalize(stmt), SQLITE_OK);
    Run("SELECT mmap_close(" + handle + ")");
  }
}

TEST_F(Pin, ACloseOfTheHandleInTheSameRow) {
  Sparse("f", 1 << 20);
  for (const char *access : {"read", "write", "copy"}) {
    std::string h = One("SELECT mmap_open('f', '" + std::string(access) + "')");
    EXPECT_EQ(One("SELECT ends(s, c) || c FROM (SELECT mmap_slice(" + h + ") AS s, mmap_close(" +
                  h + ") AS c)"),
              "1048576 head tail1");
    // SQLite looks at nothing after the handle is closed.
    EXPECT_EQ(Error("SELECT mmap_slice(" + h + ")"),
              "ERROR mmap_slice: handle " + h + " is closed");
  }
  std::string h = One("SELECT mmap_open(NULL, 'write', 1048576)");
  Run("SELECT mmap_patch(" + h + ", 0, 'head'), mmap_patch(" + h + ", -4, 'tail')");
  EXPECT_EQ(
      One("SELECT ends(s, c) FROM (SELECT mmap_slice(" + h + ") AS s, mmap_close(" + h + ") AS c)"),
      "1048576 head tail");
}

// ---- others write

TEST_F(Pin, AnotherConnectionOfThisProcessCommits) {
  Sparse("f", 4 << 20);
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(
      sqlite3_prepare_v2(*db, "SELECT mmap_slice('f') UNION ALL SELECT NULL", -1, &stmt, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  const void *blob = sqlite3_column_blob(stmt, 0);
  Db other;
  other.Run("SELECT mmap_patch('f', 0, 'HEAD'); SELECT mmap_patch('f', 4096, 'xxxx')");
  EXPECT_EQ(Ends(blob, 4 << 20), "4194304 head tail");
  other.Run("SELECT mmap_resize('f', 100000)");
  EXPECT_EQ(Ends(blob, 4 << 20), "4194304 head tail");
  other.Run("SELECT mmap_resize('f', 8000000); SELECT mmap_patch('f', 4194300, 'TAIL')");
  EXPECT_EQ(Ends(blob, 4 << 20), "4194304 head tail");
  EXPECT_EQ(One("SELECT mmap_get('f', 4194300, 'text(4)') || mmap_get('f', 0, 'text(4)')"),
            "TAILHEAD");
  EXPECT_EQ(Ends(blob, 4 << 20), "4194304 head tail");
  EXPECT_EQ(sqlite3_finalize(stmt), SQLITE_OK);
}

TEST_F(Pin, OurOwnCommitWhileAStatementIsOpen) {
  Sparse("f", 4 << 20);
  Run("BEGIN; SELECT mmap_patch('f', 5000, 'mine')");
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(
      sqlite3_prepare_v2(*db, "SELECT mmap_slice('f') UNION ALL SELECT NULL", -1, &stmt, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  auto blob = static_cast<const char *>(sqlite3_column_blob(stmt, 0));
  EXPECT_EQ(std::string(blob + 5000, 4), "mine");
  Run("SELECT mmap_patch('f', 0, 'HEAD'); COMMIT; SELECT mmap_patch('f', 5000, 'next')");
  EXPECT_EQ(Ends(blob, 4 << 20), "4194304 head tail");
  EXPECT_EQ(std::string(blob + 5000, 4), "mine");
  EXPECT_EQ(sqlite3_finalize(stmt), SQLITE_OK);
}

// ---- places where SQLite keeps values

TEST_F(Pin, InABoundParameter) {
  Sparse("f", 1 << 20);
  sqlite3_stmt *from = nullptr, *to = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT mmap_slice('f')", -1, &from, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT ends(?1)", -1, &to, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(from), SQLITE_ROW);
  sqlite3_value *kept = sqlite3_value_dup(sqlite3_column_value(from, 0));
  ASSERT_EQ(sqlite3_bind_value(to, 1, sqlite3_column_value(from, 0)), SQLITE_OK);
  Run("SELECT mmap_patch('f', 0, 'HEAD')");
  EXPECT_EQ(sqlite3_finalize(from), SQLITE_OK);
  Run("SELECT mmap_resize('f', 0)");
  ASSERT_EQ(sqlite3_step(to), SQLITE_ROW);
  EXPECT_STREQ(reinterpret_cast<const char *>(sqlite3_column_text(to, 0)), "1048576 head tail");
  EXPECT_EQ(sqlite3_finalize(to), SQLITE_OK);
  EXPECT_EQ(Ends(sqlite3_value_blob(kept), sqlite3_value_bytes(kept)), "1048576 head tail");
  db.reset(); // nothing of it needs the connection
  EXPECT_EQ(Ends(sqlite3_value_blob(kept), sqlite3_value_bytes(kept)), "1048576 head tail");
  sqlite3_value_free(kept);
}

TEST_F(Pin, InAggregatesSortersAndTemporaryTables) {
  Sparse("f", 1 << 20);
  EXPECT_EQ(One("SELECT length(CAST(group_concat(s, '') AS BLOB)) > 3, max(w) FROM"
                " (SELECT mmap_slice('f') AS s, mmap_patch('f', 0, 'HEAD') AS w)"),
            "1|4");
  Sparse("f", 1 << 20);
  EXPECT_EQ(Rows("SELECT ends(max(s)) FROM (SELECT mmap_slice('f') AS s, mmap_patch('f', 0, 'HEAD')"
                 " UNION ALL SELECT mmap_slice('f'), mmap_resize('f', 0))"),
            "1048576 head tail");
  Sparse("f", 1 << 20);
  EXPECT_EQ(Rows("SELECT ends(s) FROM (SELECT mmap_slice('f') AS s, 2 AS n UNION ALL"
                 " SELECT mmap_slice('f'), mmap_patch('f', 0, 'HEAD') - 3 ORDER BY n)"),
            "1048576 head tail\n1048576 head tail");
  Sparse("f", 1 << 20);
  Run("CREATE TEMP TABLE t AS SELECT mmap_slice('f') AS s; SELECT mmap_resize('f', 0)");
  EXPECT_EQ(One("SELECT ends(s) FROM t"), "1048576 head tail");
  Sparse("f", 1 << 20);
  Run("INSERT INTO t SELECT mmap_slice('f') FROM (SELECT 1 UNION SELECT 2)");
  EXPECT_EQ(One("SELECT count(DISTINCT s), count(*) FROM t"), "1|3");
}

TEST_F(Pin, ManyAtOnceOfDifferentStates) {
  Sparse("f", 1 << 20);
  std::vector<sqlite3_stmt *> held;
  for (int i = 0; i < 50; i++) {
    sqlite3_stmt *stmt = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT mmap_slice('f')", -1, &stmt, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW) << sqlite3_errmsg(*db);
    held.push_back(stmt);
    Run("SELECT mmap_set('f', 8192, " + std::to_string(i + 1) + ")");
  }
  for (size_t i = 0; i < held.size(); i++) {
    auto bytes = static_cast<const char *>(sqlite3_column_blob(held[i], 0));
    EXPECT_EQ(bytes[8192], static_cast<char>(i));
    sqlite3_finalize(held[i]);
  }
}

// ---- memory

TEST_F(Pin, ALargeSliceIsHandedToAnotherFunctionWithoutACopy) {
  Sparse("f", kBig);
  EXPECT_EQ(One("SELECT length(mmap_slice('f', 0, 10))"), "10");
  // Pages of the file that are in memory count as the process's too, so only RssAnon tells; but it
  // has no peak. The peak of all, with a reader that looks at no page, has one.
  Put("/proc/self/clear_refs", "5");
  int64_t peak = Status("VmHWM");
  if (peak - Status("VmRSS") > 8 << 10)
    GTEST_SKIP() << "the system does not forget a peak of memory";
  EXPECT_EQ(One("SELECT length(mmap_slice('f')), typeof(mmap_slice('f')), "
                "length(substr(mmap_slice('f'), 9, 9))"),
            "536870912|blob|9");
  int64_t grown = Status("VmHWM") - peak;
  printf("peak memory grew by %lld KiB\n", static_cast<long long>(grown));
  EXPECT_LT(grown, 16 << 10);

  int64_t anonymous = 0;
  auto look = [](sqlite3_context *context, int, sqlite3_value **argv) {
    auto bytes = static_cast<const volatile char *>(sqlite3_value_blob(argv[0]));
    for (int i = 0; i < sqlite3_value_bytes(argv[0]); i += 4096) (void)bytes[i];
    *static_cast<int64_t *>(sqlite3_user_data(context)) = Status("RssAnon");
  };
  sqlite3_create_function(*db, "look", 1, SQLITE_UTF8, &anonymous, look, nullptr, nullptr);
  int64_t before = Status("RssAnon");
  Run("SELECT look(mmap_slice('f'))");
  printf("memory of its own grew by %lld KiB\n", static_cast<long long>(anonymous - before));
  EXPECT_LT(anonymous - before, 16 << 10);
}

TEST_F(Pin, AWriteUnderAHeldSliceCopiesOnlyWhatItTouches) {
  Sparse("f", kBig);
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT mmap_slice('f')", -1, &stmt, nullptr), SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  int64_t before = Status("RssAnon");
  Run("SELECT mmap_patch('f', 0, 'HEAD'); SELECT mmap_patch('f', 100000000, 'more')");
  EXPECT_LT(Status("RssAnon") - before, 16 << 10);
  EXPECT_EQ(Ends(sqlite3_column_blob(stmt, 0), sqlite3_column_bytes(stmt, 0)), kWhole);
  sqlite3_finalize(stmt);
}

} // namespace
} // namespace mm_test
