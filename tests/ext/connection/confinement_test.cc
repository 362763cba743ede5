// What the library refuses to touch: what lies outside the root, what is no regular file, what is
// open as a database, and whatever a schema asks for that somebody else has written.
#include "tests/support/sql.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <filesystem>

namespace mm_test {
namespace {

namespace fs = std::filesystem;

bool Has(const std::string &text, const std::string &part) {
  return text.find(part) != text.npos;
}

// ---- the root

class Root : public SqlTest {
protected:
  // inside/ with a file and a directory below, outside/ with a secret.
  void SetUp() override {
    SqlTest::SetUp();
    fs::create_directories("inside/deep");
    fs::create_directories("outside");
    Put("inside/a", "inside a");
    Put("inside/deep/b", "deep b");
    Put("outside/secret", "secret");
    Put("secret", "secret");
  }
  void TearDown() override {
    unsetenv("SQLITE_MMAP_ROOT");
    SqlTest::TearDown();
  }
  std::string Length(const std::string &path) { return "SELECT mmap_length(" + Quote(path) + ")"; }
  void ExpectOutside(const std::string &path) {
    std::string error = Error(Length(path));
    EXPECT_TRUE(error == "PERM mmap_length: '" + path + "' is outside the root '" + directory +
                             "/inside'" ||
                error.substr(0, 9) == "CANTOPEN ")
        << path << ": " << error;
    EXPECT_NE(Error("SELECT mmap_open(" + Quote(path) + ", 'create')"), "ok") << path;
    EXPECT_NE(Error("SELECT count(*) FROM mmap(" + Quote(path) + ")"), "ok") << path;
    EXPECT_NE(Error("CREATE VIRTUAL TABLE temp.t USING mmap(" + Quote(path) + ")"), "ok") << path;
  }
};

TEST_F(Root, IsSetNarrowedAndNeverWidened) {
  EXPECT_EQ(One("SELECT mmap_config('root')"), "NULL");
  EXPECT_EQ(One("SELECT mmap_config('root', '.')"), directory);
  EXPECT_EQ(One("SELECT mmap_config('root', 'inside')"), directory + "/inside");
  EXPECT_EQ(One("SELECT mmap_config('root', 'inside')"), directory + "/inside");
  for (std::string wider : {std::string("."), directory, directory + "/outside", std::string("/"),
                            std::string("inside/.."), std::string("/proc/self/cwd")}) {
    EXPECT_EQ(Error("SELECT mmap_config('root', " + Quote(wider) + ")").substr(0, 5), "PERM ")
        << wider;
    EXPECT_EQ(One("SELECT mmap_config('root')"), directory + "/inside");
  }
  EXPECT_NE(Error("SELECT mmap_config('root', '')"), "ok");
  EXPECT_EQ(One("SELECT mmap_config('root', NULL)"), directory + "/inside");
  EXPECT_EQ(One("SELECT mmap_config('root', 'inside/deep')"), directory + "/inside/deep");
  EXPECT_NE(Error(Length("inside/a")), "ok");
  EXPECT_EQ(One(Length("inside/deep/b")), "6");
}

TEST_F(Root, ComesFromTheEnvironmentFirst) {
  setenv("SQLITE_MMAP_ROOT", "inside", 1);
  db = std::make_unique<Db>();
  EXPECT_EQ(One("SELECT mmap_config('root')"), directory + "/inside");
  EXPECT_EQ(One(Length("inside/a")), "8");
  ExpectOutside("secret");
  EXPECT_NE(Error("SELECT mmap_config('root', '.')"), "ok");
  EXPECT_EQ(One("SELECT mmap_config('root', 'inside/deep')"), directory + "/inside/deep");
}

TEST_F(Root, ThatDoesNotExistMakesTheLibraryRefuseToLoad) {
  setenv("SQLITE_MMAP_ROOT", "nowhere", 1);
  Db plain(":memory:", nullptr, false);
  sqlite3_db_config(plain, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  char *message = nullptr;
  EXPECT_NE(sqlite3_load_extension(plain, Library().c_str(), nullptr, &message), SQLITE_OK);
  EXPECT_TRUE(Has(message ? message : "", "nowhere")) << message;
  sqlite3_free(message);
  EXPECT_NE(plain.Error("SELECT mmap_length('secret')"), "ok");
}

TEST_F(Root, KeepsPathsBelowIt) {
  fs::create_symlink("../outside/secret", "inside/link");
  fs::create_symlink(directory + "/outside", "inside/directory");
  fs::create_symlink("/", "inside/everything");
  fs::create_symlink("deep/b", "inside/good");
  fs::create_symlink("/proc/self/cwd", "inside/proc");
  int fd = open("outside/secret", O_RDONLY);
  Run("SELECT mmap_config('root', 'inside')");
  for (std::string path :
       {std::string("secret"), std::string("outside/secret"), std::string("inside/../secret"),
        std::string("inside/deep/../../outside/secret"), directory + "/outside/secret",
        std::string("inside/link"), std::string("inside/directory/secret"),
        "inside/everything" + directory + "/secret", std::string("inside/proc/secret"),
        "/proc/self/fd/" + std::to_string(fd), "/dev/fd/" + std::to_string(fd),
        "/proc/self/root" + directory + "/secret", std::string("/proc/self/cwd/secret"),
        std::string("/etc/passwd"), std::string("/proc/self/mem"), std::string("new"),
        std::string("inside/../new"), std::string("outside/new"),
        std::string("inside/directory/new")}) {
    ExpectOutside(path);
  }
  close(fd);
  EXPECT_FALSE(Exists("new") || Exists("outside/new"));
  EXPECT_EQ(One(Length("inside/good")), "6");
  EXPECT_EQ(One(Length(directory + "/inside/deep/../a")), "8");
}

TEST_F(Root, HoldsForWhatWasOpenedBefore) {
  EXPECT_EQ(One(Length("secret")), "6");
  Run("CREATE VIRTUAL TABLE temp.early USING mmap('outside/secret')");
  Run("SELECT mmap_config('root', 'inside')");
  ExpectOutside("secret");
  EXPECT_NE(Error("SELECT count(*) FROM mmap('secret')"), "ok");
}

TEST_F(Root, HoldsInTheMiddleOfAStatementAndForTagsAndMemoryItDoesNotMatter) {
  EXPECT_NE(Error("SELECT mmap_config('root', 'inside'), mmap_length('secret')"), "ok");
  EXPECT_EQ(One("SELECT mmap_length(mmap_open(NULL, 'write', 5))"), "5");
}

TEST_F(Root, AJournalOutsideIsNotReachedThroughALinkInside) {
  // The journal lies beside the real file, and what lies there is whatever somebody planted.
  fs::create_symlink("../outside/secret", "inside/a-mmap-journal");
  Run("SELECT mmap_config('root', 'inside')");
  (void)Error("SELECT mmap_patch('inside/a', 0, 'X')");
  EXPECT_EQ(Get("outside/secret"), "secret");
}

TEST_F(Root, NothingIsListedOutside) {
  if (!db->Succeeds("SELECT * FROM mmap_glob('inside/*')")) {
    GTEST_SKIP() << "this library has no mmap_glob";
  }
  fs::create_directory_symlink("../outside", "inside/link");
  Run("SELECT mmap_config('root', 'inside')");
  EXPECT_EQ(Rows("SELECT path FROM mmap_glob('inside/**') ORDER BY 1"), "inside/a\ninside/deep/b");
  for (const char *pattern :
       {"*", "outside/*", "inside/../*", "inside/link/*", "/etc/*", "**/secret"}) {
    std::string sql = "SELECT path FROM mmap_glob(" + Quote(pattern) +
                      ") WHERE path LIKE '%secret%'"
                      " OR path LIKE '/etc/%'";
    std::string error = Error(sql);
    EXPECT_TRUE(error != "ok" || Rows(sql) == "") << pattern;
  }
}

// ---- no regular files

class Kinds : public SqlTest {};

TEST_F(Kinds, WhatIsNoRegularFileIsRefusedBeforeItIsOpened) {
  ASSERT_EQ(mkfifo("fifo", 0600), 0);
  fs::create_directory("directory");
  fs::create_symlink("fifo", "link");
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  strcpy(address.sun_path, "socket");
  int fd = socket(AF_UNIX, SOCK_STREAM, 0);
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), sizeof address), 0);
  for (const char *path : {"fifo", "link", "socket", "/dev/null", "/dev/zero", "/dev/tty",
                           "/dev/loop0", "/proc/self/fd/0"}) {
    if (!Exists(path)) continue;
    if (strcmp(path, "/proc/self/fd/0") == 0 && fs::is_regular_file(path)) continue;
    for (const char *call : {"SELECT mmap_length(%)", "SELECT mmap_open(%, 'create')",
                             "SELECT count(*) FROM mmap(%)", "SELECT mmap_patch(%, 0, 'x')"}) {
      std::string sql = call;
      sql.replace(sql.find('%'), 1, Quote(path));
      std::string error = Error(sql);
      EXPECT_EQ(error.substr(0, 9), "CANTOPEN ") << error;
      EXPECT_TRUE(Has(error, "is not a regular file")) << error;
    }
  }
  close(fd);
  EXPECT_EQ(Error("SELECT mmap_length('directory')"),
            "CANTOPEN mmap_length: 'directory' is a directory");
  EXPECT_EQ(Error("SELECT mmap_length('')"), "CANTOPEN mmap_length: a path must not be empty");
}

// ---- databases

class Databases : public SqlTest {
protected:
  // A connection to "main.db" that has a table, in WAL or rollback mode.
  void Open(const char *mode) {
    db = std::make_unique<Db>("main.db");
    Run(std::string("PRAGMA journal_mode = ") + mode + "; CREATE TABLE IF NOT EXISTS t(x)");
  }
  // Can another process lock the whole of the file's lock bytes of SQLite?
  static bool AnotherCanLock(const std::string &name) {
    return AnotherCanLockAt(name, 0x40000000, 512);
  }
  static bool AnotherCanLockAt(const std::string &name, off_t offset, off_t size = 1) {
    pid_t child = fork();
    if (child == 0) {
      struct flock lock = {};
      lock.l_type = F_WRLCK;
      lock.l_start = offset;
      lock.l_len = size;
      int fd = open(name.c_str(), O_RDWR);
      _exit(fd >= 0 && fcntl(fd, F_SETLK, &lock) == 0 ? 0 : 1);
    }
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  void ExpectRefused(Db *who, const std::string &path) {
    // A name is used once: SQLite before 3.38 keeps that of a table it could not make inside BEGIN.
    static int made;
    std::string create = "CREATE VIRTUAL TABLE temp.q" + std::to_string(++made) + " USING mmap(%)";
    for (const char *call :
         {"SELECT mmap_length(%)", "SELECT mmap_open(%)", "SELECT mmap_open(%, 'copy')",
          "SELECT mmap_open(%, 'create')", "SELECT * FROM mmap(%)", "SELECT mmap_patch(%, 0, 'x')",
          create.c_str()}) {
      std::string sql = call;
      sql.replace(sql.find('%'), 1, Quote(path));
      std::string error = who->Error(sql);
      EXPECT_TRUE(Has(error, "'" + path + "' is open as a database")) << sql << ": " << error;
      EXPECT_TRUE(Has(error, "CANTOPEN") || Has(call, "CREATE")) << error;
    }
  }
};

TEST_F(Databases, TheConnectionsOwnIsRefusedAndItsLocksStay) {
  Open("DELETE");
  fs::create_symlink("main.db", "link");
  fs::create_hard_link("main.db", "hard");
  Run("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
  ASSERT_FALSE(AnotherCanLock("main.db"));
  for (std::string path : {std::string("main.db"), std::string("link"), std::string("hard"),
                           directory + "/main.db", std::string("main.db-journal")}) {
    ExpectRefused(db.get(), path);
    EXPECT_FALSE(AnotherCanLock("main.db")) << path;
  }
  Run("COMMIT");
  EXPECT_TRUE(AnotherCanLock("main.db"));
}

TEST_F(Databases, ItsWalAndSharedMemoryAreRefused) {
  Open("WAL");
  Run("BEGIN; INSERT INTO t VALUES(1)");
  ASSERT_FALSE(AnotherCanLock("main.db"));
  for (const char *path : {"main.db", "main.db-wal", "main.db-shm"}) {
    ASSERT_TRUE(Exists(path));
    ExpectRefused(db.get(), path);
    EXPECT_FALSE(AnotherCanLock("main.db")) << path;
  }
  Run("COMMIT");
}

TEST_F(Databases, AttachedOnesAreRefused) {
  Run("ATTACH 'other.db' AS other; CREATE TABLE other.t(x); BEGIN; INSERT INTO other.t VALUES(1)");
  ASSERT_FALSE(AnotherCanLock("other.db"));
  ExpectRefused(db.get(), "other.db");
  ExpectRefused(db.get(), "other.db-journal");
  EXPECT_FALSE(AnotherCanLock("other.db"));
  Run("COMMIT; DETACH other");
  EXPECT_EQ(One("SELECT mmap_slice('other.db', 0, 6) = CAST('SQLite' AS BLOB)"), "1");
}

TEST_F(Databases, ThoseOfOtherConnectionsOfTheProcessAreRefused) {
  for (const char *mode : {"DELETE", "WAL"}) {
    Db other("other.db", nullptr, false);
    other.Run(std::string("PRAGMA journal_mode = ") + mode + "; CREATE TABLE IF NOT EXISTS t(x)");
    fs::remove("hard");
    fs::create_hard_link("other.db", "hard");
    other.Run("BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
    ASSERT_FALSE(AnotherCanLock("other.db")) << mode;
    for (const char *path : {"other.db", "hard"}) {
      ExpectRefused(db.get(), path);
      EXPECT_FALSE(AnotherCanLock("other.db")) << path << " " << mode;
    }
    if (Exists("other.db-wal")) {
      ExpectRefused(db.get(), "other.db-shm");
      EXPECT_FALSE(AnotherCanLock("other.db"));
    }
    other.Run("COMMIT");
  }
  // The other connection is closed: now it is a file like others.
  EXPECT_EQ(One("SELECT mmap_slice('other.db', 0, 6) = CAST('SQLite' AS BLOB)"), "1");
}

size_t Descriptors() {
  return static_cast<size_t>(std::distance(fs::directory_iterator("/proc/self/fd"), {}));
}

// To see what begins as a database does it is opened. It stays open then, once, however many ask, until
// it is no database any more.
TEST_F(Databases, OneThatIsRefusedIsOpenOnceAndItsLocksStay) {
  for (const char *mode : {"DELETE", "WAL"}) {
    SCOPED_TRACE(mode);
    size_t before = Descriptors();
    {
      Db host("host.db", nullptr, false);
      host.Run(std::string("PRAGMA journal_mode = ") + mode +
               "; CREATE TABLE t(x); BEGIN IMMEDIATE; INSERT INTO t VALUES(1)");
      size_t open = Descriptors();
      for (int i = 0; i < 5; i++) {
        Db other;
        for (const char *access : {"read", "write", "copy"}) {
          std::string sql = "SELECT mmap_open('host.db', '" + std::string(access) + "')";
          EXPECT_TRUE(Has(other.Error(sql), "is open as a database")) << access;
        }
        if (Exists("host.db-shm")) {
          EXPECT_TRUE(Has(other.Error("SELECT mmap_open('host.db-shm')"), "is open as a database"));
          EXPECT_FALSE(AnotherCanLockAt("host.db-shm", 120));
        }
      }
      EXPECT_FALSE(AnotherCanLock("host.db"));
      EXPECT_LE(Descriptors(), open + (Exists("host.db-shm") ? 2 : 1));
    }
    Db("x.db"); // whose end is the next to look
    EXPECT_EQ(Descriptors(), before);
    EXPECT_EQ(One("SELECT mmap_get('host.db', 0)"), "83");
    db = std::make_unique<Db>();
    fs::remove("host.db");
  }
}

// What was mapped first, and is the memory of a database by now, does not show it.
TEST_F(Databases, TheirMemoryIsKnownByItsName) {
  Put("host.db-shm", std::string(32768, 'x'));
  EXPECT_EQ(One("SELECT mmap_get('host.db-shm', 0)"), "120");
  Db host("host.db", nullptr, false);
  host.Run("PRAGMA journal_mode = WAL; CREATE TABLE t(x); BEGIN; INSERT INTO t VALUES(1)");
  EXPECT_FALSE(AnotherCanLockAt("host.db-shm", 120));
  EXPECT_TRUE(Has(Error("SELECT mmap_get('host.db-shm', 0)"), "is open as a database"));
  db = std::make_unique<Db>();
  EXPECT_FALSE(AnotherCanLockAt("host.db-shm", 120));
}

// What is in memory is not the file by now: its locks stay all the same.
TEST_F(Databases, OneThatTookTheFilesPlaceInItKeepsItsLocks) {
  { Db("model.db", nullptr, false).Run("CREATE TABLE t(x)"); }
  Put("host.db", Get("model.db"));
  Run("SELECT mmap_patch(mmap_open('host.db', 'copy'), 0, 'something else of 16 and more')");
  Db host("host.db", nullptr, false);
  host.Run("BEGIN EXCLUSIVE");
  db = std::make_unique<Db>();
  EXPECT_FALSE(AnotherCanLock("host.db"));
}

TEST_F(Databases, ANewOneInAFileThatWasEmptiedKeepsItsLocks) {
  Put("host.db", std::string(100, 'x'));
  EXPECT_EQ(One("SELECT mmap_get('host.db', 0)"), "120");
  fs::resize_file("host.db", 0);
  Db host("host.db", nullptr, false);
  host.Run("BEGIN IMMEDIATE");
  ASSERT_FALSE(AnotherCanLock("host.db"));
  db = std::make_unique<Db>();
  EXPECT_FALSE(AnotherCanLock("host.db"));
}

TEST_F(Databases, AnEmptyOneThatIsAboutToBeMadeIsRefused) {
  db = std::make_unique<Db>("main.db");
  Run("PRAGMA user_version; SELECT 1 FROM sqlite_master");
  ASSERT_TRUE(Exists("main.db"));
  EXPECT_TRUE(Has(Error("SELECT mmap_length('main.db')"), "is open as a database"));
}

// ---- the entry point that only reads

TEST_F(Databases, TheReadingLibraryHasNoWayToWrite) {
  db = std::make_unique<Db>(":memory:", "sqlite3_mmap_readonly_init");
  Put("f", "file");
  for (const char *name :
       {"set", "patch", "move", "resize", "insert", "delete", "write", "write_byte"}) {
    EXPECT_TRUE(Has(Error("SELECT mmap_" + std::string(name) + "(1, 2, 3)"), "no such function"))
        << name;
  }
  for (const char *sql :
       {"UPDATE mmap SET byte = 1 WHERE file = 'f'", "SELECT mmap_open('new', 'create')",
        "CREATE VIRTUAL TABLE temp.t USING mmap('new', access=create)",
        "CREATE VIRTUAL TABLE temp.t USING mmap('f', delete=yes); INSERT INTO t(byte) VALUES(1)",
        "DELETE FROM t", "UPDATE t SET byte = 7", "INSERT INTO mmap_writer VALUES(1)",
        "SELECT mmap_open('f', 'write')"}) {
    EXPECT_NE(Error(sql), "ok") << sql;
  }
  EXPECT_EQ(Get("f"), "file");
  EXPECT_FALSE(Exists("new"));
  EXPECT_EQ(One("SELECT mmap_length('f')"), "4");
}

// ---- schemas that somebody else wrote

const char *const kCalls[] = {
    "mmap_set('victim', 0, 65)",
    "mmap_patch('victim', 0, 'evil')",
    "mmap_resize('victim', 1)",
    "mmap_insert('victim', 0, 'evil')",
    "mmap_delete('victim', 0, 3)",
    "mmap_move('victim', 0, 3, 3)",
    "mmap_open('created', 'create')",
    "mmap_open('victim')",
    "mmap_get('victim', 0)",
    "mmap_slice('victim')",
    "mmap_find('victim', 'v')",
    "mmap_rfind('victim', 'v')",
    "mmap_count('victim', 'v')",
    "mmap_search('victim', 'v')",
    "mmap_crc32('victim')",
    "mmap_length('victim')",
    "mmap_size('victim')",
    "mmap_flush('victim')",
    "mmap_madvise('victim', 'willneed')",
    "mmap_read(1)",
    "mmap_readline(1)",
    "mmap_read_byte(1)",
    "mmap_write(1, 'evil')",
    "mmap_write_byte(1, 65)",
    "mmap_seek(1, 3)",
    "mmap_tell(1)",
    "mmap_close(1)",
    "mmap_config('synchronous', 'off')",
    "mmap_check('t')",
};

// A construct of a schema with % for a call, and what a user does that does not name the function.
struct Trap {
  const char *schema;
  const char *use;
};

const Trap kTraps[] = {
    {"CREATE TABLE t(x CHECK (% IS NOT 'x'))", "INSERT INTO t VALUES(1)"},
    {"CREATE TABLE t(x, CHECK ((%) IS NOT x)); INSERT INTO t VALUES(0)", "UPDATE t SET x = 2"},
    {"CREATE TABLE t(x, y DEFAULT (%))", "INSERT INTO t(x) VALUES(1)"},
    {"CREATE TABLE t(x, y AS (%)); INSERT INTO t(x) VALUES(1)", "SELECT * FROM t"},
    {"CREATE TABLE t(x, y AS (%) STORED)", "INSERT INTO t(x) VALUES(1)"},
    {"CREATE TABLE t(x); CREATE INDEX i ON t(%)", "INSERT INTO t VALUES(1)"},
    {"CREATE TABLE t(x); CREATE INDEX i ON t(x) WHERE %", "INSERT INTO t VALUES(1)"},
    {"CREATE TABLE t(x); CREATE INDEX i ON t(x) WHERE % > 0; INSERT INTO t VALUES(1)", "REINDEX"},
    {"CREATE TABLE t(x); CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT %; END",
     "INSERT INTO t VALUES(1)"},
    {"CREATE TABLE t(x); CREATE TRIGGER r BEFORE INSERT ON t WHEN % IS NOT 'x' BEGIN SELECT 1; END",
     "INSERT INTO t VALUES(1)"},
    {"CREATE VIEW t AS SELECT % AS x", "SELECT * FROM t"},
    {"CREATE VIEW t AS SELECT 1 AS x; CREATE TRIGGER r INSTEAD OF INSERT ON t BEGIN SELECT %; END",
     "INSERT INTO t VALUES(1)"},
};

// Names that get into a user's own SQL, chosen by who wrote the schema.
const Trap kNamed[] = {
    {"CREATE TABLE \"@\"(x CHECK (% IS NOT 'x'))", "INSERT INTO \"@\" VALUES(1)"},
    {"CREATE TABLE \"@\"(x CHECK (% IS NOT 'x'))", "INSERT INTO \"@\"(x) VALUES(1)"},
    {"CREATE TABLE @(x CHECK (% IS NOT 'x'))", "INSERT INTO main.@ (x) VALUES(1)"},
    {"CREATE TABLE t(\"@\" CHECK (% IS NOT 'x'))", "INSERT INTO t(\"@\") VALUES(1)"},
    {"CREATE TABLE t(\"@(\" CHECK (% IS NOT 'x'))", "INSERT INTO t(\"@(\") VALUES(1)"},
    {"CREATE TABLE t([@] CHECK (% IS NOT 'x'), \"y\"\"@(1)\")",
     "INSERT INTO t([@], \"y\"\"@(1)\") VALUES(1, 2)"},
    {"CREATE TABLE t(x CHECK (% IS NOT 'x'), '@()')", "INSERT INTO t(x, '@()') VALUES(1, '@()')"},
    {"CREATE TABLE t(x CHECK (% IS NOT 'x'))", "INSERT INTO t /* @() */ VALUES(1) -- @()"},
};

class Schemas : public SqlTest {
protected:
  static std::string Fill(std::string text, const std::string &call) {
    std::string name = call.substr(0, call.find('('));
    for (size_t at; (at = text.find('%')) != std::string::npos;) text.replace(at, 1, call);
    for (size_t at; (at = text.find('@')) != std::string::npos;) text.replace(at, 1, name);
    return text;
  }

  // A database that somebody made with functions of those names that do no harm.
  static void Make(const std::string &schema) {
    fs::remove("hostile.db");
    Db plain("hostile.db", nullptr, false);
    auto nothing = [](sqlite3_context *context, int, sqlite3_value **) {
      sqlite3_result_int(context, 7);
    };
    for (const char *call : kCalls) {
      std::string name = std::string(call).substr(0, strcspn(call, "("));
      sqlite3_create_function(plain, name.c_str(), -1,
                              SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS, nullptr,
                              nothing, nullptr, nullptr);
    }
    plain.Run("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF");
    plain.Run(schema);
  }

  // What a function without a file could have changed. SQLite finds some of the schemas malformed.
  static std::string State(Db *user) {
    const char *sql = "SELECT mmap_config('synchronous'), handle, position, access FROM mmap_list";
    return user->Succeeds(sql) ? user->Rows(sql) : user->Error(sql);
  }

  void ExpectHarmless(const Trap &trap, const std::string &call) {
    Put("victim", "victim\n");
    Make(Fill(trap.schema, call));
    for (const char *trusted : {"ON", "OFF"}) {
      Db user("hostile.db");
      user.Run(std::string("PRAGMA trusted_schema = ") + trusted +
               "; SELECT mmap_open('victim', 'write')");
      std::string before = State(&user);
      std::string use = Fill(trap.use, call);
      EXPECT_NE(user.Error(use), "ok") << Fill(trap.schema, call) << "\n"
                                       << use << "\ntrusted " << trusted;
      EXPECT_EQ(Get("victim"), "victim\n") << call;
      EXPECT_FALSE(Exists("created")) << call;
      EXPECT_EQ(State(&user), before) << call;
    }
  }
};

TEST_F(Schemas, NoFunctionRunsFromASchemaOfSomebodyElse) {
  for (const char *call : kCalls) {
    for (const Trap &trap : kTraps) ExpectHarmless(trap, call);
  }
}

TEST_F(Schemas, NorIfANameOfTheSchemaIsTheFunctions) {
  for (const char *call : {"mmap_set('victim', 0, 65)", "mmap_open('created', 'create')"}) {
    for (const Trap &trap : kNamed) ExpectHarmless(trap, call);
  }
}

TEST_F(Schemas, IntegrityChecksRunNothing) {
  Put("victim", "victim\n");
  Make("CREATE TABLE t(x CHECK (mmap_set('victim', 0, 65))); INSERT INTO t VALUES(1)");
  for (const char *sql : {"PRAGMA quick_check", "PRAGMA integrity_check", "VACUUM",
                          "ALTER TABLE t ADD COLUMN y", "ANALYZE"}) {
    Db user("hostile.db");
    (void)user.Error(sql);
    EXPECT_EQ(Get("victim"), "victim\n") << sql;
  }
}

TEST_F(Schemas, NoTableOfOursIsReachedFromAViewOrATrigger) {
  Put("victim", "victim\n");
  for (const Trap &trap : {
           Trap{"CREATE VIEW t AS SELECT byte FROM mmap('victim')", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap WHERE file = 'victim'", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap_list", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap_changes", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap_lines('victim')", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap_glob('*')", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap_find_all('victim', 'v')", "SELECT * FROM t"},
           Trap{"CREATE VIEW t AS SELECT * FROM mmap_diff('victim', 'victim')", "SELECT * FROM t"},
           Trap{"CREATE TABLE t(x); CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE mmap SET byte "
                "= 65"
                " WHERE file = 'victim'; END",
                "INSERT INTO t VALUES(1)"},
           Trap{"CREATE TABLE t(x); CREATE TABLE u(x);"
                "CREATE TRIGGER r AFTER INSERT ON t BEGIN"
                "  INSERT INTO u SELECT byte FROM mmap('victim'); END",
                "INSERT INTO t VALUES(1)"},
           Trap{
               "CREATE TABLE t(x); CREATE TRIGGER r AFTER INSERT ON t BEGIN INSERT INTO mmap_writer"
               " VALUES(1); END",
               "INSERT INTO t VALUES(1)"},
       }) {
    Make(trap.schema);
    for (const char *trusted : {"ON", "OFF"}) {
      Db user("hostile.db");
      user.Run(std::string("PRAGMA trusted_schema = ") + trusted);
      EXPECT_NE(user.Error(trap.use), "ok") << trap.schema;
      EXPECT_EQ(Get("victim"), "victim\n") << trap.schema;
    }
  }
}

// Nor a table over a file that the database itself declares. What the user's statement reads is no
// leave to write it.
TEST_F(Schemas, NoTriggerWritesATableOfItsDatabase) {
  for (const std::string body : {"UPDATE v SET byte = 65", "UPDATE OR IGNORE v SET byte = 65",
                                 "DELETE FROM v", "INSERT INTO v(byte) VALUES(65)"}) {
    Put("victim", "victim\n");
    fs::remove("hostile.db");
    Db("hostile.db")
        .Run("CREATE TABLE t(x); CREATE VIRTUAL TABLE v USING mmap('victim');"
             "CREATE TRIGGER r AFTER INSERT ON t BEGIN " +
             body + "; END");
    for (const char *sql : {"INSERT INTO t VALUES(1)", "INSERT INTO t SELECT 1 FROM v",
                            "/* UPDATE v */ REPLACE INTO t VALUES('DELETE FROM v')"}) {
      Db user("hostile.db");
      EXPECT_NE(user.Error(sql), "ok") << body << "\n" << sql;
      EXPECT_EQ(Get("victim"), "victim\n") << body << "\n" << sql;
    }
  }
}

// SQLite before 3.40 leaves that to us, and we read the statement for the name of the table.
TEST_F(Schemas, ATableIsWrittenByAnyStatementThatNamesIt) {
  Put("mine", "mine");
  Run("CREATE VIRTUAL TABLE temp.\"my table\" USING mmap('mine', delete=yes)");
  for (const char *sql :
       {"UPDATE \"my table\" SET byte = 65", "update or rollback temp . [my table] set byte = 66",
        "INSERT INTO `my table`(byte) VALUES(67)", "REPLACE INTO \"my table\" VALUES(4, 68)",
        "INSERT OR IGNORE/**/INTO temp.\"MY TABLE\"(byte) SELECT 69",
        "WITH two(n) AS (VALUES(1), (2)) DELETE FROM temp.\"my table\" WHERE offset IN two",
        "UPDATE mmap AS m SET byte = 70 WHERE m.file = 'mine' AND offset = 0",
        "EXPLAIN UPDATE mmap SET byte = 0 WHERE file = 'mine'",
        "UPDATE main.mmap SET byte = 71 WHERE file = 'mine' AND offset = 1"}) {
    EXPECT_EQ(Error(sql), "ok") << sql;
  }
  EXPECT_EQ(Get("mine"), "FGDE");
}

TEST_F(Schemas, TemporaryViewsAndTriggersOfOnesOwnWork) {
  Put("mine", "mine");
  Run("CREATE TABLE t(x); CREATE TABLE log(x)");
  Run("CREATE TEMP VIEW v AS SELECT mmap_get('mine', 0) AS first, byte FROM mmap('mine')");
  Run("CREATE TEMP TRIGGER r AFTER INSERT ON t BEGIN"
      "  INSERT INTO log SELECT mmap_patch('mine', 0, new.x); END");
  EXPECT_EQ(One("SELECT group_concat(first || ' ' || byte) FROM v"),
            "109 109,109 105,109 110,109 101");
  Run("INSERT INTO t VALUES('FI'), ('LI')");
  EXPECT_EQ(Get("mine"), "LIne");
  EXPECT_EQ(One("SELECT group_concat(x) FROM log"), "2,2");
  Run("CREATE TEMP TABLE c(x CHECK (mmap_length('mine') = 4)); INSERT INTO c VALUES(1)");
  EXPECT_TRUE(Has(Error("INSERT INTO c SELECT mmap_resize('mine', 3)"), "CHECK constraint failed"));
  EXPECT_EQ(Get("mine"), "LIne");
}

// What a user types in any way that SQLite takes for a call is one.
TEST_F(Schemas, ACallIsOneHoweverItIsWritten) {
  Put("mine", "mine");
  Run("CREATE TABLE t(x)");
  for (const char *sql :
       {"SELECT MMAP_LENGTH('mine')", "SELECT mmap_length ('mine')",
        "SELECT \"mmap_length\"('mine')", "SELECT [mmap_length]('mine')",
        "SELECT `mmap_length` ('mine')", "SELECT mmap_length/*,*/('mine')",
        "SELECT mmap_length -- (\n ('mine')", "SELECT(mmap_length('mine'))",
        "SELECT 1*mmap_length('mine')/1", "SELECT\tmmap_length\n('mine')",
        "WITH c AS (SELECT mmap_length('mine') AS n) SELECT n FROM c",
        "SELECT 4 WHERE 4 IN (mmap_length('mine'))",
        "SELECT '''' IS NULL OR mmap_length('mine') = 4 OR 4",
        "SELECT mmap_length('mine') FROM (SELECT 1) ORDER BY mmap_length('mine')"}) {
    EXPECT_TRUE(db->Succeeds(sql)) << sql << ": " << Error(sql);
  }
  Run("INSERT INTO t(x) SELECT mmap_length('mine')");
  Run("INSERT INTO t VALUES(mmap_length('mine'))");
  EXPECT_EQ(One("SELECT sum(x) FROM t"), "8");
}

} // namespace
} // namespace mm_test
