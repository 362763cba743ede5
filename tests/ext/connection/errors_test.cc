// Every function with every wrong argument: NULL gives NULL, all else one sentence of the form
// "name: …", and nothing is changed.
#include "tests/support/sql.h"

#include <sys/stat.h>
#include <unistd.h>

namespace mm_test {
namespace {

// A function, and arguments that are right; file arguments are %.
struct Function {
  const char *name;
  std::vector<std::string> good;
  size_t required;
  bool position; // takes a handle alone
  bool writes;
};

const Function kFunctions[] = {
    {"mmap_length", {"%"}, 1, false, false},
    {"mmap_size", {"%"}, 1, false, false},
    {"mmap_get", {"%", "0", "'u8'"}, 2, false, false},
    {"mmap_set", {"%", "0", "65", "'u8'"}, 3, false, true},
    {"mmap_slice", {"%", "0", "1", "1"}, 1, false, false},
    {"mmap_patch", {"%", "0", "'x'"}, 3, false, true},
    {"mmap_find", {"%", "'x'", "0", "1"}, 2, false, false},
    {"mmap_rfind", {"%", "'x'", "0", "1"}, 2, false, false},
    {"mmap_count", {"%", "'x'", "0", "1"}, 2, false, false},
    {"mmap_move", {"%", "0", "1", "1"}, 4, false, true},
    {"mmap_resize", {"%", "5"}, 2, false, true},
    {"mmap_insert", {"%", "0", "'x'"}, 3, false, true},
    {"mmap_delete", {"%", "0", "1"}, 3, false, true},
    {"mmap_flush", {"%", "0", "1"}, 1, false, false},
    {"mmap_madvise", {"%", "'normal'", "0", "1"}, 2, false, false},
    {"mmap_read", {"%", "1"}, 1, true, false},
    {"mmap_read_byte", {"%"}, 1, true, false},
    {"mmap_readline", {"%"}, 1, true, false},
    {"mmap_write", {"%", "'x'"}, 2, true, true},
    {"mmap_write_byte", {"%", "65"}, 2, true, true},
    {"mmap_seek", {"%", "0", "0"}, 2, true, false},
    {"mmap_tell", {"%"}, 1, true, false},
};

class Errors : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789");
    Run("SELECT mmap_open('a', 'write'), mmap_open('a', 'write'), mmap_open('a'); SELECT "
        "mmap_close(2)");
  }
  void TearDown() override {
    EXPECT_EQ(Get("a"), "0123456789");
    EXPECT_EQ(One("SELECT mmap_tell(1)"), "0");
    SqlTest::TearDown();
  }
  static std::string Call(const Function &f, const std::string &file, size_t at = 99,
                          const std::string &argument = "") {
    std::string sql = "SELECT " + std::string(f.name) + "(";
    for (size_t i = 0; i < f.good.size(); i++) {
      sql += (i ? ", " : "") + (i == at ? argument : f.good[i] == "%" ? file : f.good[i]);
    }
    return sql + ")";
  }
  // One line that starts with the code and the function's name, without a full stop.
  void Fails(const Function &f, const std::string &sql, const std::string &code) {
    std::string error = Error(sql), start = code + " " + f.name + ": ";
    EXPECT_EQ(error.substr(0, start.size()), start) << sql << "\n" << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_NE(error.back(), '.') << error;
  }
};

TEST_F(Errors, NullInARequiredArgumentIsNull) {
  for (const Function &f : kFunctions) {
    for (size_t i = 0; i < f.required; i++) {
      EXPECT_EQ(One(Call(f, "1", i, "NULL")), "NULL") << Call(f, "1", i, "NULL");
    }
  }
  EXPECT_EQ(One("SELECT mmap_close(NULL), mmap_config(NULL), mmap_config(NULL, 1)"),
            "NULL|NULL|NULL");
}

// Also where another argument makes no sense.
TEST_F(Errors, NullDoesNothingWhateverElseIsThere) {
  EXPECT_EQ(One("SELECT mmap_get('missing', NULL), mmap_set(NULL, 'x', 300), mmap_find(NULL, 5),"
                " mmap_resize('missing', NULL), mmap_patch(99, 0, NULL), mmap_seek(NULL, 99)"),
            "NULL|NULL|NULL|NULL|NULL|NULL");
}

TEST_F(Errors, NullInAnOptionalArgumentIsAsIfLeftOut) {
  for (const Function &f : kFunctions) {
    if (f.writes) continue;
    for (size_t i = f.required; i < f.good.size(); i++) {
      EXPECT_EQ(Error(Call(f, "1", i, "NULL")), "ok") << Call(f, "1", i, "NULL");
      Run("SELECT mmap_seek(1, 0)");
    }
  }
}

TEST_F(Errors, AFileThatIsNeitherPathNorHandle) {
  for (const Function &f : kFunctions) {
    for (const char *file : {"x'61'", "1.5"}) Fails(f, Call(f, file), "ERROR");
  }
}

TEST_F(Errors, HandlesThatAreClosedOrNeverWere) {
  for (const Function &f : kFunctions) {
    EXPECT_EQ(Error(Call(f, "2")), "ERROR " + std::string(f.name) + ": handle 2 is closed");
    for (const char *handle : {"0", "4", "-1", "9223372036854775807"}) {
      EXPECT_EQ(Error(Call(f, handle)),
                "ERROR " + std::string(f.name) + ": " + handle + " is no handle");
    }
  }
}

TEST_F(Errors, FilesThatAreNotThere) {
  mkdir("dir", 0755);
  for (const Function &f : kFunctions) {
    if (f.position) continue;
    EXPECT_EQ(Error(Call(f, "'missing'")),
              "CANTOPEN " + std::string(f.name) +
                  ": cannot open 'missing': No such file or directory");
    Fails(f, Call(f, "'dir'"), "CANTOPEN");
    Fails(f, Call(f, "''"), "CANTOPEN");
    Fails(f, Call(f, "'a' || char(0)"), "ERROR");
    Fails(f, Call(f, "printf('%.*c', 5000, 'x')"), "CANTOPEN");
    EXPECT_FALSE(Exists("missing"));
  }
}

TEST_F(Errors, ArgumentsOfTheWrongType) {
  for (const Function &f : kFunctions) {
    for (size_t i = 1; i < f.good.size(); i++) {
      bool bytes = std::string(f.name) == "mmap_write" || f.good[i] == "'x'";
      for (const char *wrong : {"1.5", "x'ff'", "'word'", "'1.5'", "''"}) {
        bool is_bytes = bytes && wrong[0] != '1';
        if (is_bytes) continue;
        bool value = std::string(f.name) == "mmap_set" && i == 2;
        Fails(f, Call(f, "1", i, wrong), value ? "CONSTRAINT" : "ERROR");
      }
    }
  }
}

TEST_F(Errors, NumbersOutOfAllRange) {
  const char *const kFar[] = {"9000000000000000000", "-9000000000000000000", "9223372036854775807",
                              "-9223372036854775807 - 1"};
  for (const char *far : kFar) {
    std::string n = far;
    for (const std::string &call :
         {"mmap_get(1, " + n + ")", "mmap_get('a', " + n + ", 'u64le')",
          "mmap_set(1, " + n + ", 1)", "mmap_patch(1, " + n + ", 'x')",
          "mmap_patch('a', " + n + ", '')", "mmap_move(1, " + n + ", 0, 1)",
          "mmap_move(1, 0, " + n + ", 1)", "mmap_move(1, 0, 0, " + n + ")",
          "mmap_resize(1, " + n + ")", "mmap_insert(1, " + n + ", 'x')", "mmap_flush(1, " + n + ")",
          "mmap_seek(1, " + n + ")", "mmap_seek(1, " + n + ", 1)", "mmap_seek(1, " + n + ", 2)",
          "mmap_write_byte(1, " + n + ")", "mmap_madvise(1, 'normal', " + n + ")",
          "mmap_open('a', 'read', " + n + ")", "mmap_open('a', 'read', 0, " + n + ")",
          "mmap_get(" + n + ", 0)"}) {
      std::string error = Error("SELECT " + call);
      EXPECT_NE(error, "ok") << call;
      EXPECT_NE(error.find(call.substr(0, call.find('(')) + ": "), std::string::npos)
          << call << error;
    }
    EXPECT_EQ(Error("SELECT mmap_slice(1, " + n + "), mmap_slice(1, 0, " + n +
                    "), mmap_slice(1, 9, 0, " + n + "), mmap_find(1, 'x', " + n +
                    "), mmap_rfind(1, 'x', 0, " + n + "), mmap_count('a', 'x', " + n + ", " + n +
                    "), mmap_delete(1, " + n + ", " + n + ")"),
              "ok");
  }
}

// As in Python: first the handle, whatever else is wrong, …
TEST_F(Errors, TheHandleIsJudgedFirst) {
  for (const Function &f : kFunctions) {
    for (size_t i = 1; i < f.good.size(); i++) {
      std::string closed = Call(f, "2", i, "1.5"), reads = Call(f, "3", i, "1.5");
      EXPECT_EQ(Error(closed), std::string("ERROR ") + f.name + ": handle 2 is closed") << closed;
      if (!f.writes) continue;
      EXPECT_EQ(Error(reads),
                std::string("READONLY ") + f.name + ": handle 3 is open for reading only")
          << reads;
    }
  }
  EXPECT_EQ(Error("UPDATE mmap SET byte = 300 WHERE file = 3"),
            "READONLY mmap: handle 3 is open for reading only");
}

// … then the place, then the value.
TEST_F(Errors, ThePlaceIsJudgedBeforeTheValue) {
  const char *const kCalls[][2] = {
      {"mmap_set(1, 10, x'00')", "offset 10 is outside 'a' (10 bytes)"},
      {"mmap_set(1, 10, 300)", "offset 10 is outside 'a' (10 bytes)"},
      {"mmap_set('a', 9, 1.5, 'u16le')", "offset 9 and 2 bytes are outside 'a' (10 bytes)"},
      {"mmap_set(1, 'x', 300)", "offset 'x' is not an integer"},
      {"mmap_patch(1, 11, 5)", "offset 11 is outside 'a' (10 bytes)"},
      {"mmap_insert(1, -11, 5)", "offset -11 is outside 'a' (10 bytes)"},
  };
  for (const auto &call : kCalls) {
    std::string name = std::string(call[0]).substr(0, std::string(call[0]).find('('));
    EXPECT_EQ(Error("SELECT " + std::string(call[0])), "ERROR " + name + ": " + call[1]);
  }
  EXPECT_EQ(Error("SELECT mmap_seek(1, 0, 2), mmap_write_byte(1, 300)"),
            "ERROR mmap_write_byte: 1 bytes do not fit between position 10 and the end of 'a'"
            " (10 bytes)");
  Run("SELECT mmap_seek(1, 0)");
}

// A call that was refused has changed nothing, so the transaction goes on without it.
TEST_F(Errors, AValueThatIsRefusedLeavesTheTransactionAsItWas) {
  Run("BEGIN; SELECT mmap_set(1, 0, 65)");
  EXPECT_EQ(Error("SELECT mmap_set(1, 1, 300)"), "CONSTRAINT mmap_set: 300 does not fit u8");
  EXPECT_EQ(Error("SELECT mmap_patch(1, 1, 5)").substr(0, 5), "ERROR");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), "A123456789");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_changes"), "0|1");
  Run("ROLLBACK");
}

TEST_F(Errors, WritesThatAreNotAllowed) {
  for (const Function &f : kFunctions) {
    if (f.writes) {
      EXPECT_EQ(Error(Call(f, "3")),
                "READONLY " + std::string(f.name) + ": handle 3 is open for reading only");
    }
  }
}

TEST_F(Errors, AFileThatMayNotBeWritten) {
  if (geteuid() == 0) GTEST_SKIP() << "root may write everything";
  Put("ro", "0123456789");
  chmod("ro", 0444);
  EXPECT_EQ(Error("SELECT mmap_open('ro', 'write')"),
            "READONLY mmap_open: cannot write 'ro': Permission denied");
  for (const Function &f : kFunctions) {
    if (f.writes && !f.position) Fails(f, Call(f, "'ro'"), "READONLY");
  }
}

// An authorizer's no is told as it is.
TEST_F(Errors, AWriteThatIsNotAuthorized) {
  auto deny = [](void *, int action, const char *table, const char *, const char *, const char *) {
    bool writer = table && std::string(table) == "mmap_writer";
    return writer && (action == SQLITE_READ || action == SQLITE_INSERT) ? SQLITE_DENY : SQLITE_OK;
  };
  Put("w", "0123456789");
  sqlite3_set_authorizer(*db, deny, nullptr);
  std::string set = Error("SELECT mmap_set('w', 0, 65)");
  std::string create = Error("BEGIN; CREATE VIRTUAL TABLE temp.t USING mmap('w')");
  sqlite3_set_authorizer(*db, nullptr, nullptr);
  EXPECT_TRUE(set.find("not authorized") != set.npos || set.find("prohibited") != set.npos) << set;
  EXPECT_EQ(create.find("stands in the way"), create.npos) << create;
  EXPECT_TRUE(create.find("not authorized") != create.npos ||
              create.find("prohibited") != create.npos)
      << create;
  Run("ROLLBACK");
  EXPECT_EQ(Get("w"), "0123456789");
}

TEST_F(Errors, TheConnectionGoesOnAfterEach) {
  Put("w", "0123456789");
  Run("BEGIN");
  for (const Function &f : kFunctions) {
    EXPECT_NE(Error(Call(f, "99")), "ok");
    Run("SELECT mmap_patch('w', 0, 'x')");
  }
  Run("COMMIT");
  EXPECT_EQ(Get("w"), "x123456789");
}

TEST_F(Errors, ASchemaErrorIsSqlites) {
  EXPECT_EQ(Error("SELECT mmap_get('a')"),
            "ERROR wrong number of arguments to function mmap_get()");
  EXPECT_EQ(Error("SELECT mmap_slice('a', 1, 2, 3, 4)"),
            "ERROR wrong number of arguments to function mmap_slice()");
}

TEST_F(Errors, AFileThatIsCutUnderAStatementIsAnIoError) {
  Put("w", std::string(1 << 20, 'w'));
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(sqlite3_prepare_v2(*db, "SELECT byte FROM mmap('w') WHERE offset % 4096 = 0", -1, &stmt,
                               nullptr),
            SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  ASSERT_EQ(truncate("w", 10), 0);
  int rc;
  while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) continue;
  EXPECT_EQ(rc, SQLITE_IOERR) << sqlite3_errmsg(*db);
  sqlite3_finalize(stmt);
  EXPECT_EQ(One("SELECT mmap_length('w'), mmap_get('w', 9)"), "10|119");
}

} // namespace
} // namespace mm_test
