// libFuzzer: any SQL text, statement by statement, on a connection with the library, for reading
// only or for writing too. Nothing crashes, leaks, reads or changes a file outside the root, keeps
// the connection from closing, or, where the library only reads, changes a file at all.
//
// The first byte says which entry point, and how the rest is read.
#include <cstring>

#include "tests/fuzz/connection.h"

namespace {

using mm_fuzz::Connection;

const char *const kPieces[] = {
    "SELECT ",
    "UPDATE mmap SET byte = ",
    "INSERT INTO t",
    "DELETE FROM t",
    "; ",
    ";",
    ", ",
    "(",
    ")",
    " WHERE ",
    " AND ",
    "file = 'a.bin'",
    "offset",
    "byte",
    " = ",
    " < ",
    " IN ",
    "1",
    "0",
    "-1",
    "7",
    "'a.bin'",
    "'b.txt'",
    "'../secret'",
    "'out'",
    "'up/secret'",
    "'up/../secret'",
    "'*'",
    "'**'",
    "NULL",
    "x'00'",
    "x'6162'",
    "'u32le'",
    "'text(4)'",
    "'write'",
    "'copy'",
    "'create'",
    "'b+'",
    "'a'",
    "mmap_open(",
    "mmap_close(",
    "mmap_get(",
    "mmap_set(",
    "mmap_slice(",
    "mmap_patch(",
    "mmap_move(",
    "mmap_resize(",
    "mmap_insert(",
    "mmap_delete(",
    "mmap_find(",
    "mmap_rfind(",
    "mmap_count(",
    "mmap_search(",
    "mmap_hex(",
    "mmap_crc32(",
    "mmap_read(",
    "mmap_readline(",
    "mmap_write(",
    "mmap_seek(",
    "mmap_tell(",
    "mmap_flush(",
    "mmap_madvise(",
    "mmap_config(",
    "mmap_length(",
    "mmap_size(",
    "mmap_check(",
    "* FROM ",
    "mmap(",
    "mmap_lines(",
    "mmap_find_all(",
    "mmap_search_all(",
    "mmap_strings(",
    "mmap_hexdump(",
    "mmap_histogram(",
    "mmap_diff(",
    "mmap_glob(",
    "mmap_list",
    "mmap_changes",
    "BEGIN; ",
    "COMMIT; ",
    "ROLLBACK; ",
    "SAVEPOINT s; ",
    "ROLLBACK TO s; ",
    "RELEASE s; ",
    "CREATE VIRTUAL TABLE t USING mmap(",
    "CREATE TABLE u(a, b); ",
    "CREATE TEMP VIEW v AS ",
    "DROP TABLE t; ",
    "k u8",
    "sorted=k",
    "DROP TABLE u; ",
    "INSERT INTO u ",
    "PRAGMA query_only = 1; ",
    "PRAGMA query_only = 0; ",
    " LIMIT 3",
    " ORDER BY ",
    " DESC",
    "group_concat(",
    "hex(",
    "1000000",
    "'root'",
    "'.'",
    "'synchronous'",
    "'off'",
    " FROM ",
    ", delete=yes",
};

// SQLite itself must not leave the directory either.
int Authorize(void *, int action, const char *name, const char *, const char *, const char *) {
  if (action == SQLITE_ATTACH || action == SQLITE_DETACH) return SQLITE_DENY;
  if (action != SQLITE_PRAGMA) return SQLITE_OK;
  bool known = sqlite3_stricmp(name, "query_only") == 0 || sqlite3_stricmp(name, "table_info") == 0;
  return known ? SQLITE_OK : SQLITE_DENY;
}

void Fill() {
  std::string bytes(5000, '.');
  for (size_t i = 0; i < 256; i++) bytes[i] = static_cast<char>(i);
  mm_fuzz::Put("a.bin", bytes);
  mm_fuzz::Put("b.txt", "alpha\nbeta 42\r\ngamma beta\n");
  CHECK(symlink("../secret", "out") == 0);
  CHECK(symlink("..", "up") == 0);
  CHECK(mkfifo("fifo", 0600) == 0);
}

void Look(sqlite3_stmt *stmt, int i) {
  const void *data = sqlite3_column_blob(stmt, i);
  auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, i));
  if (size) CHECK(!memmem(data, size, mm_fuzz::kSecret + 1, strlen(mm_fuzz::kSecret) - 2));
}

void Run(bool read_only, const std::string &sql) {
  Connection db(read_only);
  const char *at = sql.c_str(), *end = at + sql.size();
  sqlite3_set_authorizer(db, Authorize, nullptr);
  for (int n = 0; n < 40 && at < end; n++) {
    const char *from = at;
    std::string text(at, end);
    const char *rest = nullptr;
    (void)db.Each(text, Look, &rest);
    if (!rest) return;
    at += rest - text.c_str();
    if (at == from) return;
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Settle();
  mm_fuzz::Clear();
  Fill();
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  std::string sql = in.Rest();
  if (how & 1) sql = mm_fuzz::Spell(kPieces, sql);
  std::string a = mm_fuzz::Get("a.bin"), b = mm_fuzz::Get("b.txt");
  bool read_only = how & 2;
  Run(read_only, sql);
  if (read_only) {
    CHECK(mm_fuzz::Get("a.bin") == a && mm_fuzz::Get("b.txt") == b);
    namespace fs = std::filesystem;
    CHECK(std::distance(fs::directory_iterator("."), fs::directory_iterator()) == 5);
  }
  mm_fuzz::Clear();
  return 0;
}
