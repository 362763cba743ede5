#include "tests/support/sql.h"

#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace mm_test {

namespace {

std::string FindLibrary() {
  const char *given = getenv("MMAP_LIBRARY");
  const char *runfiles = getenv("TEST_SRCDIR"), *workspace = getenv("TEST_WORKSPACE");
  std::string path = given ? given : "ext/mmap0.so";
  if (!given && runfiles && workspace) {
    path = std::string(runfiles) + "/" + workspace + "/ext/mmap0.so";
  }
  return std::filesystem::absolute(path).string();
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

void Collect(sqlite3_stmt *stmt, std::vector<std::vector<std::string>> *rows) {
  std::vector<std::string> row;
  for (int i = 0; i < sqlite3_column_count(stmt); i++) row.push_back(Column(stmt, i));
  rows->push_back(std::move(row));
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

Db::Db(const std::string &file, const char *entry, bool load, int flags) {
  int rc = sqlite3_open_v2(file.c_str(), &db_, flags, nullptr);
  EXPECT_EQ(rc, SQLITE_OK) << file << ": " << sqlite3_errmsg(db_);
  if (rc != SQLITE_OK || !load) return;
  char *message = nullptr;
  sqlite3_db_config(db_, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 1, nullptr);
  rc = sqlite3_load_extension(db_, Library().c_str(), entry, &message);
  EXPECT_EQ(rc, SQLITE_OK) << (message ? message : "");
  sqlite3_free(message);
}

Db::~Db() {
  if (db_) EXPECT_EQ(sqlite3_close(db_), SQLITE_OK) << sqlite3_errmsg(db_);
}

void Db::Close() {
  ASSERT_EQ(sqlite3_close(db_), SQLITE_OK) << sqlite3_errmsg(db_);
  db_ = nullptr;
}

int Db::Each(const std::string &sql, std::vector<std::vector<std::string>> *rows) {
  const char *text = sql.c_str(), *end = text + sql.size();
  int rc = SQLITE_OK;
  while (rc == SQLITE_OK && text < end) {
    sqlite3_stmt *stmt = nullptr;
    rc = sqlite3_prepare_v2(db_, text, static_cast<int>(end - text), &stmt, &text);
    if (rc != SQLITE_OK || !stmt) continue;
    while ((rc = sqlite3_step(stmt)) == SQLITE_ROW) Collect(stmt, rows);
    rc = sqlite3_finalize(stmt);
  }
  return rc == SQLITE_OK ? SQLITE_OK : sqlite3_extended_errcode(db_);
}

std::string Db::Failure(int rc) {
  const char *name = CodeName(rc);
  return (name ? name : "code " + std::to_string(rc)) + " " + sqlite3_errmsg(db_);
}

std::string Db::Rows(const std::string &sql) {
  std::vector<std::vector<std::string>> rows;
  int rc = Each(sql, &rows);
  std::string text = Join(rows);
  if (rc == SQLITE_OK) return text;
  std::string failure = Failure(rc);
  ADD_FAILURE() << sql << "\n" << failure;
  return text.empty() ? failure : text + "\n" + failure;
}

void Db::Run(const std::string &sql) {
  (void)Rows(sql);
}

std::string Db::Error(const std::string &sql) {
  std::vector<std::vector<std::string>> rows;
  int rc = Each(sql, &rows);
  return rc == SQLITE_OK ? "ok" : Failure(rc);
}

int64_t Db::Int(const std::string &sql) {
  std::string text = One(sql);
  char *end = nullptr;
  int64_t value = strtoll(text.c_str(), &end, 10);
  EXPECT_TRUE(!text.empty() && *end == 0) << sql << " gave '" << text << "'";
  return value;
}

std::string Db::Bytes(const std::string &sql) {
  sqlite3_stmt *stmt = nullptr;
  std::string bytes;
  int rc = sqlite3_prepare_v2(db_, sql.c_str(), -1, &stmt, nullptr);
  if (rc == SQLITE_OK && sqlite3_step(stmt) == SQLITE_ROW) bytes = ColumnBytes(stmt, 0);
  rc = sqlite3_finalize(stmt);
  EXPECT_EQ(sqlite3_errcode(db_), SQLITE_OK) << sql << "\n" << sqlite3_errmsg(db_);
  return bytes;
}

int Db::Steps(const std::string &sql) {
  sqlite3_stmt *stmt = nullptr;
  EXPECT_EQ(sqlite3_prepare_v2(db_, sql.c_str(), -1, &stmt, nullptr), SQLITE_OK)
      << sql << "\n"
      << sqlite3_errmsg(db_);
  if (!stmt) return -1;
  while (sqlite3_step(stmt) == SQLITE_ROW) continue;
  int steps = sqlite3_stmt_status(stmt, SQLITE_STMTSTATUS_VM_STEP, 0);
  EXPECT_EQ(sqlite3_finalize(stmt), SQLITE_OK) << sql << "\n" << sqlite3_errmsg(db_);
  return steps;
}

std::string Db::Plan(const std::string &sql) {
  std::vector<std::vector<std::string>> rows;
  EXPECT_EQ(Each("EXPLAIN QUERY PLAN " + sql, &rows), SQLITE_OK) << sqlite3_errmsg(db_);
  std::string text;
  for (const auto &row : rows) text += (text.empty() ? "" : "\n") + row.at(3);
  return text;
}

/* ---- SqlTest -------------------------------------------------------------------------------- */

void SqlTest::SetUp() {
  const char *base = getenv("TEST_TMPDIR");
  std::string name = std::string(base ? base : "/tmp") + "/sql.XXXXXX";
  ASSERT_NE(mkdtemp(name.data()), nullptr);
  directory = std::filesystem::canonical(name).string();
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
  std::ofstream(name, std::ios::binary | std::ios::trunc) << bytes;
}

std::string SqlTest::Get(const std::string &name) {
  std::ifstream file(name, std::ios::binary);
  if (!file) return "(no file)";
  return std::string(std::istreambuf_iterator<char>(file), {});
}

bool SqlTest::Exists(const std::string &name) {
  return std::filesystem::symlink_status(name).type() != std::filesystem::file_type::not_found;
}

bool SqlTest::HasJournal(const std::string &name) {
  return Exists(name + "-mmap-journal");
}

} // namespace mm_test
