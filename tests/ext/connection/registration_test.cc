// What each entry point registers, and from where it may be used.
#include "tests/support/sql.h"

#include <algorithm>

namespace mm_test {
namespace {

class Registration : public SqlTest {
protected:
  // What a connection has that a plain one has not, a line each.
  static std::string Added(const char *entry, const std::string &list) {
    Db plain(":memory:", nullptr, false), loaded(":memory:", entry);
    std::string query = "SELECT group_concat(x, char(10)) FROM (" + list + ")";
    std::string before = "\n" + plain.One(query) + "\n", added;
    std::string all = loaded.One(query) + "\n";
    for (size_t at = 0; at < all.size();) {
      size_t end = all.find('\n', at);
      std::string line = all.substr(at, end - at);
      if (before.find("\n" + line + "\n") == std::string::npos) added += line + "\n";
      at = end + 1;
    }
    return added;
  }
  static std::string Functions(const char *entry) {
    return Added(entry, "SELECT name || ' ' || narg AS x FROM pragma_function_list"
                        " GROUP BY name, narg ORDER BY name, narg");
  }
  static std::string Modules(const char *entry) {
    return Added(entry, "SELECT name AS x FROM pragma_module_list WHERE name NOT LIKE 'pragma%'"
                        " ORDER BY name");
  }
};

const char kReading[] = "mmap_check 1\nmmap_check 2\nmmap_check 3\nmmap_check 4\nmmap_check 5\n"
                        "mmap_checksum 2\nmmap_checksum 3\nmmap_checksum 4\n"
                        "mmap_close 1\n"
                        "mmap_config 1\n"
                        "mmap_config 2\n"
                        "mmap_count 2\n"
                        "mmap_count 3\n"
                        "mmap_count 4\n"
                        "mmap_crc32 1\n"
                        "mmap_crc32 2\n"
                        "mmap_crc32 3\n"
                        "mmap_debug 0\n"
                        "mmap_entropy 1\n"
                        "mmap_entropy 2\n"
                        "mmap_entropy 3\n"
                        "mmap_export 2\n"
                        "mmap_find 2\n"
                        "mmap_find 3\n"
                        "mmap_find 4\n"
                        "mmap_flush 1\n"
                        "mmap_flush 2\n"
                        "mmap_flush 3\n"
                        "mmap_get 2\n"
                        "mmap_get 3\n"
                        "mmap_hex 1\n"
                        "mmap_length 1\n"
                        "mmap_madvise 2\n"
                        "mmap_madvise 3\n"
                        "mmap_madvise 4\n"
                        "mmap_needles 1\n"
                        "mmap_needles 2\n"
                        "mmap_open 1\n"
                        "mmap_open 2\n"
                        "mmap_open 3\n"
                        "mmap_open 4\n"
                        "mmap_open 5\n"
                        "mmap_read 1\n"
                        "mmap_read 2\n"
                        "mmap_read_byte 1\n"
                        "mmap_readline 1\n"
                        "mmap_rfind 2\n"
                        "mmap_rfind 3\n"
                        "mmap_rfind 4\n"
                        "mmap_search 2\n"
                        "mmap_search 3\n"
                        "mmap_search 4\n"
                        "mmap_seek 2\n"
                        "mmap_seek 3\n"
                        "mmap_size 1\n"
                        "mmap_slice 1\n"
                        "mmap_slice 2\n"
                        "mmap_slice 3\n"
                        "mmap_slice 4\n"
                        "mmap_tell 1\n"
                        "mmap_version 0\n";

const char kWriting[] = "mmap_apply 2\n"
                        "mmap_delete 3\n"
                        "mmap_insert 3\n"
                        "mmap_move 4\n"
                        "mmap_patch 3\n"
                        "mmap_replace 3\n"
                        "mmap_replace 4\n"
                        "mmap_replace 5\n"
                        "mmap_replace 6\n"
                        "mmap_resize 2\n"
                        "mmap_search_replace 3\n"
                        "mmap_search_replace 4\n"
                        "mmap_search_replace 5\n"
                        "mmap_search_replace 6\n"
                        "mmap_set 3\n"
                        "mmap_set 4\n"
                        "mmap_write 2\n"
                        "mmap_write_byte 2\n";

std::vector<std::string> Lines(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST_F(Registration, TheDefaultEntryPointsRegisterEveryFunction) {
  EXPECT_EQ(Lines(Functions("sqlite3_mmap_init")), Lines(std::string(kReading) + kWriting));
  EXPECT_EQ(Functions("sqlite3_mmap0_init"), Functions("sqlite3_mmap_init"));
  EXPECT_EQ(Functions(nullptr), Functions("sqlite3_mmap_init"));
}

TEST_F(Registration, TheReadonlyEntryPointRegistersNoWay) {
  EXPECT_EQ(Lines(Functions("sqlite3_mmap_readonly_init")), Lines(kReading));
  EXPECT_EQ(Functions("sqlite3_mmapro_init"), Functions("sqlite3_mmap_readonly_init"));
}

const char kTables[] = "mmap\n"
                       "mmap_blocks\nmmap_changes\n"
                       "mmap_diff\nmmap_edits\n"
                       "mmap_find_all\nmmap_find_many\n"
                       "mmap_glob\n"
                       "mmap_hexdump\n"
                       "mmap_histogram\n"
                       "mmap_lines\n"
                       "mmap_list\n"
                       "mmap_search_all\n"
                       "mmap_strings\n"
                       "mmap_transaction\n";

TEST_F(Registration, TheEntryPointsRegisterEveryTable) {
  EXPECT_EQ(Lines(Modules("sqlite3_mmap_init")), Lines(std::string(kTables) + "mmap_writer\n"));
  EXPECT_EQ(Modules("sqlite3_mmap0_init"), Modules("sqlite3_mmap_init"));
  EXPECT_EQ(Lines(Modules("sqlite3_mmap_readonly_init")), Lines(kTables));
  EXPECT_EQ(Modules("sqlite3_mmapro_init"), Modules("sqlite3_mmap_readonly_init"));
}

// 2048 deterministic, 2097152 innocuous, 524288 for direct use only.
TEST_F(Registration, WhatTouchesFilesIsForDirectUseOnly) {
  EXPECT_EQ(
      Rows("SELECT DISTINCT name FROM pragma_function_list WHERE name LIKE 'mmap~_%' ESCAPE '~'"
           " AND NOT flags & 524288 ORDER BY name"),
      "mmap_debug\nmmap_hex\nmmap_needles\nmmap_version");
}

// ---- from where they may be used: SQL of the user's own, and the temp schema

class DirectOnly : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaa");
  }
};

const char *const kCalls[] = {"mmap_get('a', 0)",
                              "mmap_set('a', 0, 66)",
                              "mmap_slice('a')",
                              "mmap_open('a')",
                              "mmap_config('synchronous', 'off')",
                              "mmap_resize('a', 0)",
                              "mmap_find('a', 'a')",
                              "mmap_patch('a', 0, 'x')",
                              "mmap_length('a')",
                              "mmap_flush('a')"};

TEST_F(DirectOnly, AViewOfTheDatabaseCallsNoFunction) {
  for (const char *call : kCalls) {
    std::string name = std::string(call).substr(0, std::string(call).find('('));
    Run("CREATE VIEW v AS SELECT " + std::string(call) + " AS x");
    EXPECT_EQ(Error("SELECT * FROM v"), "ERROR unsafe use of " + name + "()");
    Run("DROP VIEW v");
  }
  EXPECT_EQ(Get("a"), "aaaa");
}

TEST_F(DirectOnly, ATriggerOfTheDatabaseCallsNoFunction) {
  Run("CREATE TABLE t(n)");
  for (const char *call : kCalls) {
    std::string name = std::string(call).substr(0, std::string(call).find('('));
    Run("CREATE TRIGGER tr AFTER INSERT ON t BEGIN SELECT " + std::string(call) + "; END");
    EXPECT_EQ(Error("INSERT INTO t VALUES(1)"), "ERROR unsafe use of " + name + "()");
    Run("DROP TRIGGER tr");
  }
  EXPECT_EQ(Get("a"), "aaaa");
}

TEST_F(DirectOnly, AViewOfTheDatabaseReadsNoTable) {
  for (const char *table : {"mmap('a')", "mmap_list", "mmap_changes"}) {
    Run("CREATE VIEW v AS SELECT * FROM " + std::string(table));
    EXPECT_EQ(Error("SELECT * FROM v").substr(0, 33), "ERROR unsafe use of virtual table") << table;
    Run("DROP VIEW v");
  }
}

TEST_F(DirectOnly, ATempViewAndATempTriggerMay) {
  Run("CREATE TEMP VIEW v AS SELECT mmap_get('a', 0) AS x, (SELECT count(*) FROM mmap('a')) AS n;"
      "CREATE TABLE t(n); CREATE TEMP TRIGGER tr AFTER INSERT ON t BEGIN SELECT mmap_set('a', "
      "new.n, 66); END");
  EXPECT_EQ(One("SELECT * FROM v"), "97|4");
  Run("INSERT INTO t VALUES(2)");
  EXPECT_EQ(Get("a"), "aaBa");
}

// A database that comes from somebody else, with a schema that means harm. SQLite before 3.53 lets
// a CHECK call functions that are for direct use only, so they look themselves who calls.
class HostileDatabase : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "aaaa");
  }
  // A database made where functions of these names are harmless, then opened by `db`.
  void Open(const std::string &schema) {
    remove("evil.db");
    {
      Db maker("evil.db", nullptr, false);
      for (const char *name :
           {"mmap_set", "mmap_get", "mmap_open", "mmap_config", "mmap_write", "mmap_close"}) {
        sqlite3_create_function(maker, name, -1, SQLITE_UTF8 | SQLITE_DETERMINISTIC, nullptr,
                                Harmless, nullptr, nullptr);
      }
      maker.Run(schema);
    }
    db = std::make_unique<Db>("evil.db");
  }
  static void Harmless(sqlite3_context *context, int, sqlite3_value **) {
    sqlite3_result_int(context, 1);
  }
};

TEST_F(HostileDatabase, ACheckWritesNothing) {
  Open("CREATE TABLE t(n CHECK(mmap_set('a', 0, 66)))");
  EXPECT_NE(Error("INSERT INTO t VALUES(1)"), "ok");
  EXPECT_EQ(Get("a"), "aaaa");
  EXPECT_NE(Error("SELECT 1; UPDATE t SET n = 2; INSERT INTO t SELECT 5"), "ok");
  EXPECT_EQ(Get("a"), "aaaa");
}

TEST_F(HostileDatabase, ACheckReadsAndOpensNothing) {
  Open("CREATE TABLE t(n CHECK(mmap_get('a', 0) = 97)); CREATE TABLE u(n CHECK(mmap_open('a')));"
       "CREATE TABLE v(n CHECK(mmap_config('busy_timeout', 7)))");
  EXPECT_NE(Error("INSERT INTO t VALUES(1)"), "ok");
  EXPECT_NE(Error("INSERT INTO u VALUES(1)"), "ok");
  EXPECT_NE(Error("INSERT INTO v VALUES(1)"), "ok");
  EXPECT_EQ(One("SELECT count(*), mmap_config('busy_timeout') FROM mmap_list"), "0|1000");
}

TEST_F(HostileDatabase, ADefaultWritesNothing) {
  Open("CREATE TABLE t(x, n DEFAULT(mmap_set('a', 0, 66)))");
  EXPECT_NE(Error("INSERT INTO t(x) VALUES(1)"), "ok");
  EXPECT_EQ(Get("a"), "aaaa");
}

TEST_F(HostileDatabase, AGeneratedColumnAndAnIndexReadNothing) {
  Open("CREATE TABLE t(x, n AS (mmap_get('a', 0))); CREATE INDEX i ON t(mmap_get('a', x));"
       "INSERT INTO t(x) VALUES(1)");
  EXPECT_NE(Error("INSERT INTO t(x) VALUES(1)"), "ok");
  EXPECT_NE(Error("SELECT n FROM t"), "ok");
}

TEST_F(HostileDatabase, AVirtualTableInItTouchesNoFileBeforeItIsUsed) {
  Put("evil.sql", "");
  {
    Db maker("evil.db");
    maker.Run("CREATE VIRTUAL TABLE t USING mmap('a', access=write); CREATE TABLE plain(n)");
  }
  rename("a", "moved");
  Db opened("evil.db");
  EXPECT_EQ(opened.One("SELECT count(*) FROM plain"), "0");
  EXPECT_EQ(opened.Error("SELECT count(*) FROM t"),
            "CANTOPEN t: cannot open 'a': No such file or directory");
  rename("moved", "a");
  EXPECT_EQ(opened.One("SELECT count(*) FROM t"), "4");
}

TEST_F(HostileDatabase, ATableNamedLikeOurWriterDoesNotStandInTheWay) {
  Open("CREATE TABLE mmap_writer(write)");
  Run("SELECT mmap_set('a', 0, 66)");
  EXPECT_EQ(Get("a"), "Baaa");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_writer"), "0");
}

// One's own TEMP table of that name is met first: then nothing is written, here or there.
TEST_F(DirectOnly, ATempTableNamedLikeOurWriterStopsWritesNotMore) {
  Put("w", "aaaa");
  Run("CREATE TEMP TABLE mmap_writer(write)");
  EXPECT_EQ(Error("SELECT mmap_set('w', 0, 66)").substr(0, 15), "ERROR mmap_set:");
  EXPECT_EQ(Get("w"), "aaaa");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_writer"), "0");
}

TEST_F(HostileDatabase, ATableNamedLikeOurListDoesNotKeepTheConnectionOpen) {
  Open("CREATE TABLE mmap_list(n)");
  Run("SELECT mmap_set('a', 0, 66)");
  EXPECT_EQ(Get("a"), "Baaa");
  db->Close();
  db = std::make_unique<Db>();
}

TEST_F(DirectOnly, TheWriterTakesNothingFromSql) {
  EXPECT_NE(Error("INSERT INTO mmap_writer(write) VALUES('x')"), "ok");
  EXPECT_NE(Error("INSERT INTO mmap_writer VALUES(NULL)"), "ok");
  EXPECT_NE(Error("DELETE FROM mmap_writer"), "not an error");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_writer"), "0");
}

// CREATE VIRTUAL TABLE may make a file, and that of somebody's schema must not be taken for the
// user's.
TEST_F(HostileDatabase, ATableThatMakesItsFileDoesNotMakeItWhenItIsRead) {
  std::string name = "CREATE VIRTUAL TABLE t USING mmap";
  {
    Db maker("evil.db");
    maker.Run("CREATE VIRTUAL TABLE \"" + name +
              "\" USING mmap('made', access=create, n u8);"
              "CREATE VIRTUAL TABLE CREATE_VIRTUAL USING mmap('made', access=create);"
              "CREATE VIRTUAL TABLE l USING mmap_lines('made');"
              "CREATE TABLE \"create virtual table\"(n)");
  }
  remove("made");
  db = std::make_unique<Db>("evil.db");
  const std::string queries[] = {
      "SELECT * FROM \"" + name + "\"",
      "SELECT (SELECT count(*) FROM \"create virtual table\") FROM CREATE_VIRTUAL",
      "/* CREATE VIRTUAL TABLE t */ SELECT * FROM CREATE_VIRTUAL",
      "-- CREATE VIRTUAL TABLE t\nSELECT * FROM l",
      "CREATE TABLE copy AS SELECT * FROM CREATE_VIRTUAL",
      "CREATE TEMP TABLE virtual AS SELECT * FROM \"" + name + "\"",
      "INSERT INTO \"" + name + "\" VALUES(1)",
      "WITH c AS (SELECT 'CREATE VIRTUAL TABLE') SELECT * FROM c, CREATE_VIRTUAL",
      "ANALYZE; SELECT count(*) FROM \"" + name + "\""};
  for (const std::string &sql : queries) {
    EXPECT_EQ(Error(sql).substr(0, 8), "CANTOPEN") << sql;
    EXPECT_FALSE(Exists("made")) << sql;
  }
  Run("CREATE VIRTUAL TABLE temp.mine USING mmap('a')");
  EXPECT_FALSE(Exists("made"));
  db.reset();
  db = std::make_unique<Db>();
}

// Who was interrupted has not learnt whether the call is one of his own.
TEST_F(DirectOnly, AnInterruptedCallIsInterruptedAndNotRefused) {
  auto interrupt = [](sqlite3_context *context, int, sqlite3_value **) {
    sqlite3_interrupt(sqlite3_context_db_handle(context));
  };
  sqlite3_create_function(*db, "interrupt", 0, SQLITE_UTF8, nullptr, interrupt, nullptr, nullptr);
  Run("CREATE TEMP TABLE one(x); INSERT INTO one VALUES(1);"
      "CREATE TEMP VIEW v AS SELECT mmap_length('a') AS n FROM one");
  EXPECT_EQ(Error("SELECT interrupt(), n FROM v").substr(0, 9), "INTERRUPT");
  EXPECT_EQ(One("SELECT n FROM v"), "4");
}

} // namespace
} // namespace mm_test
