// A file that is cut, replaced or unreadable while it is mapped: the statement fails with
// SQLITE_IOERR, the process and the connection go on, and the file can be used again.
#include "tests/support/sql.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <functional>
#include <thread>

namespace mm_test {
namespace {

constexpr int64_t kSize = 512 << 10; // more than is copied by mmap_slice

// What happens to a file, and whether a reader of all of it must notice: a file that was replaced
// is still there for who has it open.
struct Harm {
  const char *name;
  std::function<void(const std::string &)> befall;
  bool noticed;
};

void Cut(const std::string &name, int64_t size) {
  EXPECT_EQ(truncate(name.c_str(), size), 0);
}

void Replace(const std::string &name) {
  std::string fresh(100, 'r');
  int fd = open((name + ".new").c_str(), O_WRONLY | O_CREAT, 0644);
  EXPECT_EQ(write(fd, fresh.data(), fresh.size()), 100);
  close(fd);
  std::filesystem::rename(name + ".new", name);
}

const Harm kHarms[] = {
    {"cut to nothing", [](const std::string &f) { Cut(f, 0); }, true},
    {"cut at a page", [](const std::string &f) { Cut(f, kSize / 2); }, true},
    {"cut inside a page", [](const std::string &f) { Cut(f, kSize / 2 + 1234); }, true},
    {"replaced", Replace, false},
    {"removed", [](const std::string &f) { std::filesystem::remove(f); }, false},
};

class Sigbus : public SqlTest {
public:
  std::function<void()> harm_ = [] {};

protected:
  void SetUp() override {
    SqlTest::SetUp();
    Fresh();
    Prepare(*db);
  }

  // SELECT harm() does what `harm_` says, in the middle of a statement.
  void Prepare(sqlite3 *connection) {
    auto harm = [](sqlite3_context *context, int argc, sqlite3_value **argv) {
      static_cast<Sigbus *>(sqlite3_user_data(context))->harm_();
      if (argc) sqlite3_result_value(context, argv[0]);
    };
    sqlite3_create_function(connection, "harm", 0, SQLITE_UTF8, this, harm, nullptr, nullptr);
    sqlite3_create_function(connection, "harm", 1, SQLITE_UTF8, this, harm, nullptr, nullptr);
  }

  // "f", full of "a", with an inode of its own.
  static void Fresh() {
    std::filesystem::remove("f");
    Put("f", std::string(kSize, 'a'));
  }

  // Does the file work again, once it is whole?
  void ExpectUsable() {
    Fresh();
    EXPECT_EQ(One("SELECT mmap_count('f', 'a'), mmap_length('f')"), "524288|524288");
    EXPECT_EQ(One("SELECT sum(byte) / count(*) FROM mmap('f')"), "97");
    Run("SELECT mmap_patch('f', 400000, 'new')");
    EXPECT_EQ(Get("f").substr(399999, 5), "anewa");
  }

  static std::string Code(const std::string &error) { return error.substr(0, error.find(' ')); }
};

TEST_F(Sigbus, TheErrorSaysWhichFile) {
  harm_ = [] { Cut("f", 0); };
  EXPECT_EQ(Error("SELECT mmap_length('f'), harm(), mmap_get('f', 0)"),
            "IOERR mmap_get: 'f' was cut, or cannot be read from its disk");
  EXPECT_EQ(One("SELECT mmap_length('f')"), "0");
}

TEST_F(Sigbus, EveryFunctionThatReadsPastACutFails) {
  for (const char *call :
       {"mmap_get('f', -1)", "mmap_get('f', -100000, 'blob(100000)')", "mmap_slice('f', -9)",
        "mmap_slice('f', 0, NULL, 4097)", "mmap_find('f', 'b')", "mmap_rfind('f', 'ab')",
        "mmap_rfind('f', 'b')", "mmap_count('f', 'aa')", "mmap_find('f', 'aaaaaaaaaaaaaaaaaaab')",
        "mmap_readline(#)", "mmap_seek(#, -1, 2) + mmap_read_byte(#)",
        "mmap_seek(#, -100, 2) || mmap_read(#)", "mmap_search('f', 'b')", "mmap_crc32('f')",
        "mmap_slice('f', 0, 500000)", "mmap_find('f', x'00')", "mmap_rfind('f', x'00')"}) {
    for (const Harm &harm : kHarms) {
      if (!harm.noticed) continue;
      Fresh();
      std::string handle = One("SELECT mmap_open('f', 'write')");
      std::string text = call;
      for (size_t at; (at = text.find('#')) != std::string::npos;) text.replace(at, 1, handle);
      harm_ = [&] { harm.befall("f"); };
      std::string sql = "SELECT mmap_length('f'), mmap_length(" + handle + "), harm(), " + text;
      EXPECT_EQ(Code(Error(sql)), "IOERR") << sql << ": " << harm.name;
      Run("SELECT mmap_close(" + handle + ")");
    }
  }
  ExpectUsable();
}

// Nor is a fault of its own overlooked behind another's.
TEST_F(Sigbus, ARowDoesNotFailForAnotherFilesFault) {
  Run("CREATE VIRTUAL TABLE temp.bytes USING mmap('f');"
      "CREATE VIRTUAL TABLE temp.records USING mmap('f', n u8);"
      "CREATE VIRTUAL TABLE temp.chained USING mmap('f', n u8, d blob(n - 96))");
  for (const char *table : {"bytes", "records", "chained"}) {
    for (bool both : {false, true}) {
      Fresh();
      Put("g", std::string(kSize, 'b'));
      Db other;
      sqlite3_stmt *reads = nullptr;
      sqlite3_prepare_v2(other, "SELECT byte FROM mmap('g')", -1, &reads, nullptr);
      ASSERT_EQ(sqlite3_step(reads), SQLITE_ROW);
      int calls = 0;
      harm_ = [&] {
        if (calls++ == 0) {
          Cut("g", 0);
          EXPECT_EQ(sqlite3_step(reads), SQLITE_IOERR);
          sqlite3_finalize(reads);
        } else if (both) {
          Cut("f", 0);
        }
      };
      std::string sql = std::string("SELECT count(*) > 100000 FROM ") + table +
                        " WHERE iif(offset IN (10, 100000), harm(1), 1)";
      std::string column = table == std::string("bytes") ? "byte" : "n";
      EXPECT_EQ(Code(Error(sql + " AND " + column + " = 97")), both ? "IOERR" : "ok") << table;
      EXPECT_EQ(calls, 2) << table;
    }
  }
  ExpectUsable();
}

// It makes no fault: the rest of the page reads as zeros.
TEST_F(Sigbus, ACutInsideTheLastPageIsNoticedByWhatReadsMuch) {
  harm_ = [] { Cut("f", kSize - 10); };
  for (const char *call :
       {"mmap_find('f', x'00')", "mmap_rfind('f', 'b')", "mmap_count('f', 'a')",
        "mmap_search('f', '\\x00')", "mmap_crc32('f')", "length(mmap_slice('f'))",
        "length(mmap_slice('f', 1, NULL, 2))", "length(mmap_slice('f', -100000))"}) {
    Fresh();
    std::string error = Error("SELECT mmap_length('f'), harm(), " + std::string(call));
    EXPECT_NE(error.find("'f' was cut to 524278 bytes while it was read"), std::string::npos)
        << error;
    EXPECT_EQ(Code(error), "IOERR") << call;
  }
  ExpectUsable();
}

// A write looks at the file anew before it begins.
TEST_F(Sigbus, AWriteAfterACutSeesTheFileAsItIs) {
  harm_ = [] { Cut("f", 3); };
  EXPECT_EQ(Error("SELECT mmap_length('f'), harm(), mmap_move('f', 0, 400000, 10)"),
            "ERROR mmap_move: dest 0 and 10 bytes are outside 'f' (3 bytes)");
  for (const char *call : {"mmap_insert('f', 1, 'xy')", "mmap_delete('f', 0, 1)"}) {
    Fresh();
    Run("SELECT mmap_length('f'), harm(), " + std::string(call));
    EXPECT_TRUE(Get("f") == "axyaa" || Get("f") == "aa") << Get("f");
  }
  ExpectUsable();
}

// A progress handler is served in the middle of a find, which is when the harm is done.
TEST_F(Sigbus, InTheMiddleOfAFind) {
  for (const char *call : {"mmap_find('f', 'b')", "mmap_find('f', 'bcdefghijk')",
                           "mmap_rfind('f', 'b')", "mmap_count('f', 'b')"}) {
    for (const Harm &harm : kHarms) {
      Fresh();
      std::filesystem::resize_file("f", 32 << 20);
      std::string sql = std::string("SELECT ") + call;
      EXPECT_EQ(One("SELECT mmap_length('f')"), "33554432");
      int calls = 0;
      harm_ = [&] {
        if (++calls == 20) harm.befall("f");
      };
      auto progress = [](void *test) {
        static_cast<Sigbus *>(test)->harm_();
        return 0;
      };
      sqlite3_progress_handler(*db, 20, progress, this);
      std::string error = Error(sql);
      sqlite3_progress_handler(*db, 0, nullptr, nullptr);
      EXPECT_GE(calls, 20) << sql;
      EXPECT_EQ(Code(error), harm.noticed ? "IOERR" : "ok") << sql << ": " << harm.name;
    }
  }
  ExpectUsable();
}

// Queries of tables, with some rows before the harm and some after.
const char *const kScans[] = {
    "SELECT offset, byte FROM mmap('f')",
    "SELECT offset FROM mmap('f') WHERE byte = 97 ORDER BY offset DESC",
    "SELECT offset FROM temp.bytes WHERE byte BETWEEN 90 AND 100",
    "SELECT x FROM temp.records",
    "SELECT offset FROM mmap_find_all('f', 'aa')",
    "SELECT offset, match FROM mmap_search_all('f', 'a')",
    "SELECT hex FROM mmap_hexdump('f')",
};

TEST_F(Sigbus, InAnOpenCursor) {
  for (const char *sql : kScans) {
    for (const Harm &harm : kHarms) {
      Fresh();
      Run("DROP TABLE IF EXISTS temp.bytes; CREATE VIRTUAL TABLE temp.bytes USING mmap('f')");
      if (Error("DROP TABLE IF EXISTS temp.records;"
                "CREATE VIRTUAL TABLE temp.records USING mmap('f', x u32le)") != "ok") {
        if (strstr(sql, "records")) continue;
      }
      sqlite3_stmt *stmt = nullptr;
      if (sqlite3_prepare_v2(*db, sql, -1, &stmt, nullptr) != SQLITE_OK) {
        printf("left out, as this library has no such table: %s\n", sql);
        break;
      }
      for (int i = 0; i < 10; i++) EXPECT_EQ(sqlite3_step(stmt), SQLITE_ROW) << sql;
      harm.befall("f");
      int rc;
      while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) continue;
      EXPECT_EQ(rc, harm.noticed ? SQLITE_IOERR : SQLITE_DONE) << sql << ": " << harm.name;
      sqlite3_finalize(stmt);
    }
  }
  ExpectUsable();
}

TEST_F(Sigbus, InALinesCursorAndOthersThatTakeTheFileWhole) {
  for (const char *table :
       {"mmap_lines('f')", "mmap_strings('f')", "mmap_histogram('f')", "mmap_diff('f', 'g')"}) {
    Put("g", std::string(kSize, 'a') + "b");
    for (const Harm &harm : kHarms) {
      if (!harm.noticed) continue;
      Fresh();
      std::string sql = "SELECT * FROM (SELECT mmap_length('f'), harm()), " + std::string(table);
      harm_ = [&] { harm.befall("f"); };
      std::string error =
          Error("SELECT mmap_length('f') + harm(count(*)) FROM " + std::string(table));
      if (error.find("no such table") != std::string::npos) {
        printf("left out, as this library has no such table: %s\n", table);
        break;
      }
      EXPECT_EQ(error, "ok") << table << ": " << harm.name;
      Fresh();
      harm_ = [&] { harm.befall("f"); };
      error = Error("SELECT sum(x) FROM (SELECT 1 AS x, mmap_length('f') AS y, harm() AS z) AS a"
                    " CROSS JOIN " +
                    std::string(table) + " WHERE a.y + coalesce(a.z, 0)");
      EXPECT_TRUE(Code(error) == "IOERR" || error == "ok") << table << ": " << error;
    }
  }
  ExpectUsable();
}

TEST_F(Sigbus, InsideATransactionNothingOfItIsKept) {
  for (const Harm &harm : kHarms) {
    if (!harm.noticed) continue;
    for (const char *read : {"", "SELECT mmap_slice('f')", "SELECT sum(byte) FROM mmap('f')",
                             "SELECT mmap_get('f', 0)"}) {
      Fresh();
      Put("g", "gggg");
      Run("BEGIN; SELECT mmap_patch('f', 100, 'mine'); SELECT mmap_patch('g', 0, 'mine')");
      harm.befall("f");
      std::string left = Get("f");
      if (*read) EXPECT_EQ(Code(Error(read)), "IOERR") << harm.name << ": " << read;
      // SQLite itself ends the transaction if a statement that reads tables gives SQLITE_IOERR.
      if (!sqlite3_get_autocommit(*db)) EXPECT_NE(Error("COMMIT"), "ok") << harm.name;
      if (!sqlite3_get_autocommit(*db)) Run("ROLLBACK");
      EXPECT_TRUE(Get("f") == left) << harm.name;
      EXPECT_EQ(Get("g"), "gggg");
      EXPECT_FALSE(HasJournal("f"));
      EXPECT_EQ(Int("SELECT mmap_length('f')"), static_cast<int64_t>(left.size()));
    }
  }
  ExpectUsable();
}

TEST_F(Sigbus, InTheMiddleOfAWritingStatement) {
  for (const Harm &harm : kHarms) {
    if (!harm.noticed) continue;
    Fresh();
    Run("BEGIN; SELECT mmap_patch('f', 100, 'mine')");
    harm_ = [&] { harm.befall("f"); };
    EXPECT_EQ(Code(Error("SELECT mmap_length('f'), harm(), mmap_find('f', 'b')")), "IOERR");
    Run("ROLLBACK");
    std::string left = Get("f");
    harm_ = [] {};
    EXPECT_EQ(Int("SELECT mmap_length('f')"), static_cast<int64_t>(left.size()));
  }
  ExpectUsable();
}

TEST_F(Sigbus, InTheChangesOfATransaction) {
  for (const Harm &harm : kHarms) {
    if (!harm.noticed) continue;
    for (const char *more : {"", "DELETE FROM temp.one WHERE rowid = 5000"}) {
      Fresh();
      Run("CREATE VIRTUAL TABLE IF NOT EXISTS temp.one USING mmap('f', delete=yes, a u8)");
      Run("BEGIN; SELECT mmap_patch('f', 100, 'mine')");
      Run(more);
      harm_ = [&] { harm.befall("f"); };
      EXPECT_EQ(
          Code(Error("SELECT h, new FROM (SELECT harm() AS h LIMIT 1) CROSS JOIN mmap_changes")),
          "IOERR")
          << harm.name << more;
      EXPECT_NE(sqlite3_get_autocommit(*db), 0) << "SQLite rolls back where a table fails so";
      harm_ = [] {};
    }
  }
  ExpectUsable();
}

// ---- a slice that SQLite holds

// Others read the slice, so SQLite learns of the fault by the interrupt alone.
TEST_F(Sigbus, ASliceThatAnotherFunctionReads) {
  for (const Harm &harm : kHarms) {
    if (!harm.noticed) continue;
    harm_ = [&] { harm.befall("f"); };
    for (
        const char *sql :
        {"SELECT instr(mmap_slice('f'), harm(x'62'))", // a row, and no more of the statement after it
         "SELECT max(instr(mmap_slice('f'), harm(x'62'))) FROM (SELECT 1 UNION ALL SELECT 2)",
         "SELECT quote(harm(mmap_slice('f'))) || 'x' FROM (SELECT 1 UNION SELECT 2) ORDER BY 1"}) {
      Fresh();
      EXPECT_EQ(Code(Error(sql)), "INTERRUPT") << sql << ": " << harm.name;
      EXPECT_EQ(One("SELECT 1"), "1");
      EXPECT_TRUE(db->Succeeds("SELECT mmap_length('f')"));
    }
  }
  ExpectUsable();
}

// There is no later moment to notice it than the end of the statement: zeros must not stay in a
// table.
TEST_F(Sigbus, ASliceThatIsStored) {
  Run("CREATE TABLE t(x)");
  for (const Harm &harm : kHarms) {
    if (!harm.noticed) continue;
    harm_ = [&] { harm.befall("f"); };
    for (const char *sql : {"INSERT INTO t VALUES (harm(mmap_slice('f')))",
                            "INSERT INTO t SELECT mmap_slice('f') FROM (SELECT mmap_length('f') + "
                            "coalesce(harm(), 0))",
                            "INSERT INTO t SELECT instr(mmap_slice('f'), harm(x'62'))",
                            "INSERT INTO t SELECT hex(substr(mmap_slice('f'), harm(400000), 9))"}) {
      Fresh();
      std::string error = Error(sql);
      if (error == "ok") {
        EXPECT_EQ(One("SELECT count(*) FROM t WHERE x IN (0, '616161616161616161')"
                      " OR (typeof(x) = 'blob' AND length(x) = 524288 AND instr(x, x'00') = 0)"),
                  "1")
            << sql << ": " << harm.name << ": what was stored is not what was in the file";
      } else {
        EXPECT_TRUE(Code(error) == "IOERR" || Code(error) == "INTERRUPT") << sql << ": " << error;
        EXPECT_EQ(One("SELECT count(*) FROM t"), "0");
      }
      Run("DELETE FROM t");
    }
  }
  ExpectUsable();
}

TEST_F(Sigbus, ASliceThatIsWrittenIntoAnotherFile) {
  std::string before(kSize, 'g');
  for (const Harm &harm : kHarms) {
    if (!harm.noticed) continue;
    harm_ = [&] { harm.befall("f"); };
    for (const char *begin : {"", "BEGIN"}) {
      Fresh();
      Put("g", before);
      Run(begin);
      EXPECT_EQ(Code(Error("SELECT mmap_set('g', 0, mmap_slice('f'), harm('blob(524288)'))")),
                "IOERR");
      Fresh();
      EXPECT_EQ(Code(Error("SELECT mmap_patch('g', 0, harm(mmap_slice('f')))")), "INTERRUPT");
      EXPECT_EQ(One("SELECT mmap_count('g', 'g')"), "524288");
      if (!sqlite3_get_autocommit(*db)) Run("COMMIT");
      EXPECT_TRUE(Get("g") == before) << harm.name << " " << begin;
    }
  }
  ExpectUsable();
}

TEST_F(Sigbus, ASliceThatTheHostReads) {
  sqlite3_stmt *stmt = nullptr;
  ASSERT_EQ(
      sqlite3_prepare_v2(*db, "SELECT mmap_slice('f') UNION ALL SELECT NULL", -1, &stmt, nullptr),
      SQLITE_OK);
  ASSERT_EQ(sqlite3_step(stmt), SQLITE_ROW);
  auto bytes = static_cast<const char *>(sqlite3_column_blob(stmt, 0));
  EXPECT_EQ(bytes[kSize - 1], 'a');
  Cut("f", 0);
  EXPECT_EQ(bytes[kSize - 1], 0);
  EXPECT_EQ(sqlite3_step(stmt), SQLITE_INTERRUPT);
  sqlite3_finalize(stmt);
  ExpectUsable();
}

// ---- threads, handlers

TEST_F(Sigbus, InASecondThreadThatBlocksIt) {
  std::string error;
  std::thread thread([&] {
    sigset_t set;
    sigfillset(&set);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    Db own;
    Prepare(own);
    harm_ = [] { Cut("f", 0); };
    error = own.Error("SELECT mmap_length('f'), harm(), mmap_count('f', 'b')");
    EXPECT_EQ(own.One("SELECT mmap_length('f')"), "0");
  });
  thread.join();
  EXPECT_EQ(Code(error), "IOERR");
  ExpectUsable();
}

TEST_F(Sigbus, OfTwoThreadsThatReadOneFileBothNotice) {
  std::vector<std::thread> threads;
  std::string errors[2];
  pthread_barrier_t barrier;
  pthread_barrier_init(&barrier, nullptr, 2);
  for (int i = 0; i < 2; i++) {
    threads.emplace_back([&, i] {
      Db own;
      auto meet = [](sqlite3_context *context, int, sqlite3_value **) {
        auto b = static_cast<pthread_barrier_t *>(sqlite3_user_data(context));
        if (pthread_barrier_wait(b) == PTHREAD_BARRIER_SERIAL_THREAD) Cut("f", 0);
        pthread_barrier_wait(b);
      };
      sqlite3_create_function(own, "meet", 0, SQLITE_UTF8, &barrier, meet, nullptr, nullptr);
      errors[i] = own.Error("SELECT mmap_length('f'), meet(), mmap_count('f', 'b')");
    });
  }
  for (std::thread &thread : threads) thread.join();
  pthread_barrier_destroy(&barrier);
  EXPECT_EQ(Code(errors[0]), "IOERR");
  EXPECT_EQ(Code(errors[1]), "IOERR");
  ExpectUsable();
}

sigjmp_buf jump;
void OtherHandler(int) {
  siglongjmp(jump, 1);
}

// The address of a page past the end of a file that nobody guards.
char *Unguarded() {
  int fd = open("other", O_RDWR | O_CREAT, 0644);
  char *page = static_cast<char *>(mmap(nullptr, 4096, PROT_READ, MAP_SHARED, fd, 0));
  close(fd);
  return page;
}

TEST_F(Sigbus, AHandlerThatTookThePlaceOfOursGetsItsOwnFaultsAndWeOurs) {
  EXPECT_EQ(One("SELECT mmap_get('f', 0)"), "97");
  struct sigaction other = {}, before;
  other.sa_handler = OtherHandler;
  other.sa_flags = SA_NODEFER;
  ASSERT_EQ(sigaction(SIGBUS, &other, &before), 0);
  harm_ = [] { Cut("f", 0); };
  EXPECT_EQ(Code(Error("SELECT mmap_length('f'), harm(), mmap_get('f', 0)")), "IOERR");
  volatile char *page = Unguarded();
  volatile bool caught = false;
  if (sigsetjmp(jump, 1) == 0) {
    (void)page[0];
  } else {
    caught = true;
  }
  EXPECT_TRUE(caught);
  munmap(const_cast<char *>(page), 4096);
  ExpectUsable();
  sigaction(SIGBUS, &before, nullptr);
}

TEST_F(Sigbus, AFaultOfSomebodyElseStillKills) {
  EXPECT_EQ(One("SELECT mmap_get('f', 0)"), "97");
  volatile char *page = Unguarded();
  EXPECT_DEATH((void)page[0], "");
  munmap(const_cast<char *>(page), 4096);
}

// ---- a disk that fails

// A small file system on a file, in a mount namespace that goes with this process.
class BadDisk : public Sigbus {
protected:
  void SetUp() override {
    Sigbus::SetUp();
    std::string why = Mount();
    if (!why.empty()) GTEST_SKIP() << "no disk that fails: " << why;
  }
  void TearDown() override {
    db.reset();
    if (mounted_) umount2("disk", MNT_DETACH);
    Sigbus::TearDown();
  }

  // The sectors of all files are gone from now on, and no page of "disk/f" is in memory any more.
  static void Fail() {
    int fd = open("disk/f", O_RDONLY);
    fsync(fd);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
    std::filesystem::resize_file("image", 64 << 10);
    fd = open("image", O_RDONLY);
    posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
    close(fd);
  }

private:
  std::string Mount() {
    if (unshare(CLONE_NEWNS) != 0) return std::string("unshare: ") + strerror(errno);
    if (mount("none", "/", "", MS_REC | MS_PRIVATE, nullptr) != 0) {
      return std::string("mount: ") + strerror(errno);
    }
    std::filesystem::create_directory("disk");
    Put("image", "");
    std::filesystem::resize_file("image", 16 << 20);
    if (system("PATH=$PATH:/usr/sbin:/sbin; mkfs.ext2 -q -F image >/dev/null 2>&1") != 0) {
      return "no mkfs.ext2";
    }
    if (system("PATH=$PATH:/usr/sbin:/sbin; mount -o loop image disk >/dev/null 2>&1") != 0) {
      return "no loop device";
    }
    mounted_ = true;
    return "";
  }
  bool mounted_ = false;
};

TEST_F(BadDisk, IsAnErrorOfTheStatement) {
  Put("disk/f", std::string(kSize, 'a'));
  EXPECT_EQ(One("SELECT mmap_length('disk/f')"), "524288");
  sync();
  Fail();
  EXPECT_EQ(Error("SELECT mmap_find('disk/f', 'b')"),
            "IOERR mmap_find: 'disk/f' was cut, or cannot be read from its disk");
  EXPECT_EQ(Code(Error("SELECT sum(byte) FROM mmap('disk/f')")), "IOERR");
  EXPECT_EQ(Code(Error("SELECT mmap_slice('disk/f', 1000, 2000)")), "IOERR");
  ExpectUsable();
  std::filesystem::resize_file("image", 16 << 20); // the sectors are back, with other bytes in them
  EXPECT_EQ(One("SELECT mmap_find('disk/f', 'b')"), "-1");
}

TEST_F(BadDisk, InTheMiddleOfAQuery) {
  Put("disk/f", std::string(kSize, 'a'));
  sync();
  harm_ = [] { Fail(); };
  EXPECT_EQ(Code(Error("SELECT mmap_length('disk/f'), harm(), mmap_rfind('disk/f', 'b')")),
            "IOERR");
  ExpectUsable();
}

// What is cut inside a page makes no fault, only zeros: a scan that has gone over many of them
// looks at the size when it comes to its end.
TEST_F(Sigbus, ACutInsideAPageIsNoticedAtTheEndOfAScan) {
  harm_ = [] { Cut("f", 100); };
  for (const char *scan :
       {"offset FROM mmap_find_all('f', 'aaab')", "offset FROM mmap_find_all('f', 'ab')",
        "offset FROM mmap_search_all('f', 'a[b]')", "offset FROM mmap_strings('f')",
        "offset FROM mmap_diff('f', 'g')", "offset FROM mmap('f') WHERE byte = 98"}) {
    Put("f", std::string(4000, 'a') + "aab");
    Put("g", std::string(4003, 'a'));
    std::string text = scan, name = text.substr(text.find("mmap"));
    name = name.substr(0, name.find('('));
    EXPECT_EQ(Error("SELECT harm(), " + text),
              "IOERR " + name + ": 'f' was cut to 100 bytes while it was read")
        << scan;
    EXPECT_EQ(One("SELECT mmap_length('f')"), "100");
  }
}

// The same for rows that are read one by one.
TEST_F(Sigbus, ACutInsideAPageIsNoticedByAScanOfRows) {
  harm_ = [] { Cut("f", 100); };
  std::string lines;
  for (int i = 0; i < 100; i++) lines += "line " + std::to_string(1000 + i) + "\n";
  Put("f", lines);
  Run("CREATE VIRTUAL TABLE temp.records USING mmap('f', k u32be, sorted=k, record=10);"
      "CREATE VIRTUAL TABLE temp.bytes USING mmap('f');"
      "CREATE VIRTUAL TABLE temp.plain USING mmap_lines('f');"
      "CREATE VIRTUAL TABLE temp.words USING mmap_lines('f', sorted=yes)");
  for (const char *scan :
       {"byte FROM mmap('f')", "byte FROM mmap('f') WHERE offset < 500",
        "byte FROM mmap('f') ORDER BY offset DESC", "text FROM mmap_lines('f')",
        "text FROM mmap_lines('f') ORDER BY offset DESC", "hex FROM mmap_hexdump('f')",
        "ascii FROM mmap_hexdump('f', 0, 300)", "k FROM records", "k FROM records WHERE rowid > 3",
        "k FROM records ORDER BY k", "byte FROM bytes", "text FROM plain", "text FROM words",
        "text FROM words WHERE text > 'line 1001'",
        "text FROM words WHERE text IN ('line 1001', 'line 1050')"}) {
    Put("f", lines);
    std::string text = scan, name = text.substr(text.find("FROM ") + 5);
    name = name.substr(0, name.find_first_of("( "));
    EXPECT_EQ(Error("SELECT harm(), " + text),
              "IOERR " + name + ": 'f' was cut to 100 bytes while it was read")
        << scan;
  }
  // A row alone is not worth a system call.
  Put("f", lines);
  EXPECT_EQ(Error("SELECT harm(), byte FROM mmap('f') WHERE offset = 3"), "ok");
}

} // namespace
} // namespace mm_test
