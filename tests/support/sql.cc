#include "tests/support/sql.h"

#include "tests/support/whole_file.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#ifdef __SANITIZE_THREAD__
// To find out whether a file is open as a database, the library looks at all descriptors of the
// process. Others may close theirs meanwhile: it is told so by the system, and ThreadSanitizer
// calls it a race.
extern "C" const char *__tsan_default_suppressions() {
  return "race:mm_path_is_host_database\n";
}
#endif

namespace mm_test {

namespace {

// A process that the test starts (again.h) may be elsewhere.
std::string FindLibrary() {
  const char *given = getenv("MMAP_LIBRARY");
  const char *runfiles = getenv("TEST_SRCDIR"), *workspace = getenv("TEST_WORKSPACE");
  std::string path = given ? given : "ext/mmap0.so";
  if (!given && runfiles && workspace) {
    path = std::string(runfiles) + "/" + workspace + "/ext/mmap0.so";
  }
  path = std::filesystem::absolute(path).string();
  if (given) setenv("MMAP_LIBRARY", path.c_str(), 1);
  return path;
}

const char *CodeName(int rc) {
  switch (rc) {
    case SQLITE_ERROR:
      return "ERROR";
    case SQLITE_PERM:
      return "PERM";
    case SQLITE_ABORT:
      return "ABORT";
    case SQLITE_BUSY:
      return "BUSY";
    case SQLITE_BUSY_SNAPSHOT:
      return "BUSY_SNAPSHOT";
    case SQLITE_LOCKED:
      return "LOCKED";
    case SQLITE_NOMEM:
      return "NOMEM";
    case SQLITE_READONLY:
      return "READONLY";
    case SQLITE_INTERRUPT:
      return "INTERRUPT";
    case SQLITE_IOERR:
      return "IOERR";
    case SQLITE_CORRUPT:
      return "CORRUPT";
    case SQLITE_CORRUPT_VTAB:
      return "DAMAGED";
    case SQLITE_FULL:
      return "FULL";
    case SQLITE_CANTOPEN:
      return "CANTOPEN";
    case SQLITE_TOOBIG:
      return "TOOBIG";
    case SQLITE_CONSTRAINT:
      return "CONSTRAINT";
    case SQLITE_MISMATCH:
      return "MISMATCH";
    default:
      return nullptr;
  }
}

std::string Hex(const std::string &bytes) {
  std::string text;
  char digits[3];
  for (unsigned char byte : bytes) {
    snprintf(digits, sizeof digits, "%02x", byte);
    text += digits;
  }
  return text;
}

std::string ColumnBytes(sqlite3_stmt *stmt, int i) {
  const void *data = sqlite3_column_blob(stmt, i);
  auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, i));
  return data ? std::string(static_cast<const char *>(data), size) : std::string();
}

std::string Column(sqlite3_stmt *stmt, int i) {
  switch (sqlite3_column_type(stmt, i)) {
    case SQLITE_NULL:
      return "NULL";
    case SQLITE_BLOB:
      return Blob(ColumnBytes(stmt, i));
    default:
      sqlite3_column_text(stmt, i); // as UTF-8, whatever the database's encoding
      return ColumnBytes(stmt, i);
  }
}

std::vector<std::string> Row(sqlite3_stmt *stmt, bool raw) {
  std::vector<std::string> row;
  for (int i = 0; i < sqlite3_column_count(stmt); i++)
    row.push_back(raw ? ColumnBytes(stmt, i) : Column(stmt, i));
  return row;
}

// One statement, from `text` to where the next one begins.
Outcome Once(sqlite3 *db, const char *text, bool raw) {
  Outcome outcome;
  sqlite3_stmt *stmt = nullptr;
  outcome.rc = sqlite3_prepare_v2(db, text, -1, &stmt, nullptr);
  while (stmt && (outcome.rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    outcome.rows.push_back(Row(stmt, raw));
    if (raw) break;
  }
  if (stmt) {
    outcome.steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
    outcome.rc = sqlite3_finalize(stmt);
  }
  if (outcome.rc == SQLITE_OK) return outcome;
  outcome.rc = sqlite3_extended_errcode(db);
  outcome.message = sqlite3_errmsg(db);
  return outcome;
}

// Where the statement at `text` ends: SQLite's own parser may fail before it gets there.
const char *EndOf(const char *text) {
  std::string sql;
  while (*text) {
    const char *semicolon = strchr(text, ';');
    const char *end = semicolon ? semicolon + 1 : text + strlen(text);
    sql.append(text, end);
    text = end;
    if (sqlite3_complete(sql.c_str())) break;
  }
  return text;
}

bool IsBlank(const std::string &text) {
  return text.find_first_not_of(" \t\r\n;") == std::string::npos;
}

std::string Failure(const Outcome &outcome) {
  const char *name = CodeName(outcome.rc);
  return (name ? name : "code " + std::to_string(outcome.rc)) + " " + outcome.message;
}

std::string Join(const std::vector<std::vector<std::string>> &rows) {
  std::string text;
  for (size_t r = 0; r < rows.size(); r++) {
    if (r) text += '\n';
    for (size_t i = 0; i < rows[r].size(); i++) text += (i ? "|" : "") + rows[r][i];
  }
  return text;
}

} // namespace

// Before any test changes the working directory.
static const std::string library = FindLibrary();

const std::string &Library() {
  return library;
}

std::string Blob(const std::string &bytes) {
  return "x'" + Hex(bytes) + "'";
}

std::string Quote(const std::string &text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? std::string("''") : std::string(1, c);
  return quoted + "'";
}

/* ---- Db ------------------------------------------------------------------------------------- */

Harness *harness;

static int Load(sqlite3 *db, const char *entry, char **message) {
  if (harness) return harness->Load(db, entry, message);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  return sqlite3_load_extension(db, Library().c_str(), entry, message);
}

static int CloseDatabase(sqlite3 *db) {
  return harness ? harness->Close(db) : sqlite3_close(db);
}

Db::Db(const std::string &file, const char *entry, bool load, int flags) {
  int rc = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr);
  EXPECT_EQ(rc, SQLITE_OK) << file << ": " << sqlite3_errmsg(db_);
  if (rc != SQLITE_OK || !load) return;
  char *message = nullptr;
  rc = Load(db_, entry, &message);
  EXPECT_EQ(rc, SQLITE_OK) << (message ? message : "");
  sqlite3_free(message);
}

Db::~Db() {
  if (db_) EXPECT_EQ(CloseDatabase(db_), SQLITE_OK) << sqlite3_errmsg(db_);
}

void Db::Close() {
  ASSERT_EQ(CloseDatabase(db_), SQLITE_OK) << sqlite3_errmsg(db_);
  db_ = nullptr;
}

Outcome Db::Each(const std::string &sql, bool raw) {
  Outcome all;
  for (const char *text = sql.c_str(), *end; *text && all.rc == SQLITE_OK; text = end) {
    end = EndOf(text);
    std::string statement(text, end);
    if (IsBlank(statement)) continue;
    auto once = [&] { return Once(db_, statement.c_str(), raw); };
    Outcome one = harness ? harness->Run(db_, statement, once) : once();
    all.rc = one.rc;
    all.message = one.message;
    all.steps += one.steps;
    for (auto &row : one.rows) all.rows.push_back(std::move(row));
  }
  return all;
}

std::string Db::Rows(const std::string &sql) {
  Outcome outcome = Each(sql);
  std::string text = Join(outcome.rows);
  if (outcome.rc == SQLITE_OK) return text;
  std::string failure = Failure(outcome);
  ADD_FAILURE() << sql << "\n" << failure;
  return text.empty() ? failure : text + "\n" + failure;
}

void Db::Run(const std::string &sql) {
  (void)Rows(sql);
}

std::string Db::Error(const std::string &sql) {
  Outcome outcome = Each(sql);
  return outcome.rc == SQLITE_OK ? "ok" : Failure(outcome);
}

std::string Db::Says(const std::string &sql) {
  Outcome outcome = Each(sql);
  return outcome.rc == SQLITE_OK ? Join(outcome.rows) : Failure(outcome);
}

int64_t Db::Int(const std::string &sql) {
  std::string text = One(sql);
  char *end = nullptr;
  int64_t value = strtoll(text.c_str(), &end, 10);
  EXPECT_TRUE(!text.empty() && *end == 0) << sql << " gave '" << text << "'";
  return value;
}

std::string Db::Bytes(const std::string &sql) {
  Outcome outcome = Each(sql, true);
  EXPECT_EQ(outcome.rc, SQLITE_OK) << sql << "\n" << outcome.message;
  return outcome.rows.empty() ? std::string() : outcome.rows[0].at(0);
}

int Db::Steps(const std::string &sql) {
  Outcome outcome = Each(sql);
  EXPECT_EQ(outcome.rc, SQLITE_OK) << sql << "\n" << outcome.message;
  return outcome.steps;
}

std::string Db::Plan(const std::string &sql) {
  Outcome outcome = Each("EXPLAIN QUERY PLAN " + sql);
  EXPECT_EQ(outcome.rc, SQLITE_OK) << outcome.message;
  std::string text;
  for (const auto &row : outcome.rows) text += (text.empty() ? "" : "\n") + row.at(3);
  return text;
}

/* ---- SqlTest -------------------------------------------------------------------------------- */

void SqlTest::SetUp() {
  const char *base = getenv("TEST_TMPDIR");
  std::string name = std::string(base ? base : "/tmp") + "/sql.XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  directory = std::filesystem::canonical(name).generic_string();
  before_ = std::filesystem::current_path().string();
  std::filesystem::current_path(directory);
  db = std::make_unique<Db>();
}

void SqlTest::TearDown() {
  db.reset();
  std::error_code ignored;
  std::filesystem::current_path(before_);
  std::filesystem::remove_all(directory, ignored);
}

void SqlTest::Put(const std::string &name, const std::string &bytes) {
  WriteWholeFile(name, bytes);
}

std::string SqlTest::Get(const std::string &name) {
  std::ifstream file(std::filesystem::u8path(name), std::ios::binary);
  if (!file) return "(no file)";
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool SqlTest::Exists(const std::string &name) {
  std::filesystem::path path = std::filesystem::u8path(name);
  return std::filesystem::symlink_status(path).type() != std::filesystem::file_type::not_found;
}

bool SqlTest::HasJournal(const std::string &name) {
  return Exists(name + "-mmap-journal");
}

} // namespace mm_test
