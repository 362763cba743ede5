// What SQLite makes of an expression over columns of an ordinary table, beside core/bytes/expr.h.
#ifndef MM_TESTS_EXPR_ORACLE_H
#define MM_TESTS_EXPR_ORACLE_H

extern "C" {
#include "core/bytes/expr.h"
}

#include <sqlite3.h>

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace mm_test {

// A value that owns its bytes.
struct Owned {
  int kind = MM_VALUE_NULL;
  int64_t integer = 0;
  std::string bytes;

  static Owned Of(int64_t integer) { return {MM_VALUE_INTEGER, integer, ""}; }
  static Owned Text(const std::string &text) { return {MM_VALUE_TEXT, 0, text}; }
  static Owned Blob(const std::string &bytes) { return {MM_VALUE_BLOB, 0, bytes}; }
  static Owned From(const mm_value &value) {
    Owned owned;
    owned.kind = value.kind;
    if (value.kind == MM_VALUE_INTEGER) owned.integer = value.integer;
    if (value.kind == MM_VALUE_TEXT || value.kind == MM_VALUE_BLOB) {
      owned.bytes.assign(reinterpret_cast<const char *>(value.data), value.size);
    }
    return owned;
  }
  // Borrowed from this.
  mm_value Value() const {
    return {kind, integer, 0, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
  }
  bool operator==(const Owned &other) const {
    return kind == other.kind && integer == other.integer && bytes == other.bytes;
  }
  std::string Show() const {
    if (kind == MM_VALUE_NULL) return "NULL";
    if (kind == MM_VALUE_INTEGER) return std::to_string(integer);
    if (kind == MM_VALUE_REAL) return "a real";
    std::string shown = kind == MM_VALUE_BLOB ? "x'" : "text x'";
    for (unsigned char c : bytes) {
      static const char digits[] = "0123456789abcdef";
      shown += digits[c >> 4];
      shown += digits[c & 15];
    }
    return shown + "'";
  }
};

// The columns, by slot. The last has no type.
struct ExprColumn {
  const char *name;
  const char *type;
  int kind;
};
constexpr ExprColumn kExprColumns[] = {
    {"i", "INTEGER", MM_VALUE_INTEGER}, {"j", "INTEGER", MM_VALUE_INTEGER},
    {"s", "TEXT", MM_VALUE_TEXT},       {"u", "TEXT", MM_VALUE_TEXT},
    {"b", "BLOB", MM_VALUE_BLOB},       {"c", "BLOB", MM_VALUE_BLOB},
    {"n", "", MM_EXPR_UNKNOWN},
};
constexpr size_t kExprSlots = sizeof kExprColumns / sizeof kExprColumns[0];
using ExprRow = std::vector<Owned>; // a value for each column

inline int BindExprColumn(void *, const char *name, mm_expr_name *out, mm_error *err) {
  for (size_t i = 0; i < kExprSlots; i++) {
    if (sqlite3_stricmp(name, kExprColumns[i].name) != 0) continue;
    *out = {static_cast<int>(i), kExprColumns[i].kind};
    return MM_OK;
  }
  return mm_fail(err, MM_ERROR, "there is no column '%s'", name);
}

// What came of it: a value, or no answer and why.
struct Answer {
  int rc = 0; // MM_…, or SQLite's
  Owned value;
  std::string error;
};

class ExprOracle {
public:
  ExprOracle() {
    if (sqlite3_open(":memory:", &db_) != SQLITE_OK) abort();
    sqlite3_create_function(db_, "align", 2, SQLITE_UTF8, nullptr, Align, nullptr, nullptr);
    sqlite3_create_function(db_, "int", 2, SQLITE_UTF8, nullptr, Int, nullptr, nullptr);
    sqlite3_create_function(db_, "oct", 1, SQLITE_UTF8, nullptr, Oct, nullptr, nullptr);
    std::string sql = "CREATE TABLE t(";
    for (const auto &column : kExprColumns) {
      sql += std::string(&column == kExprColumns ? "" : ", ") + column.name + " " + column.type;
    }
    Run(sql + ")");
  }
  ExprOracle(const ExprOracle &) = delete;
  ExprOracle &operator=(const ExprOracle &) = delete;
  ~ExprOracle() { sqlite3_close(db_); }

  void SetRows(const std::vector<ExprRow> &rows) {
    Run("DELETE FROM t");
    sqlite3_stmt *stmt = nullptr;
    if (sqlite3_prepare_v2(db_, "INSERT INTO t VALUES(?,?,?,?,?,?,?)", -1, &stmt, nullptr)) abort();
    for (const ExprRow &row : rows) {
      for (size_t i = 0; i < kExprSlots; i++) Bind(stmt, static_cast<int>(i) + 1, row[i]);
      if (sqlite3_step(stmt) != SQLITE_DONE) abort();
      sqlite3_reset(stmt);
    }
    sqlite3_finalize(stmt);
  }

  // For each row, or one answer without a value: it is no expression, or fails somewhere.
  std::vector<Answer> Ask(const std::string &text) {
    std::vector<Answer> answers;
    sqlite3_stmt *stmt = nullptr;
    std::string sql = "SELECT (" + text + "\n) FROM t ORDER BY rowid";
    int rc = sqlite3_prepare_v2(db_, sql.data(), static_cast<int>(sql.size()), &stmt, nullptr);
    while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
      answers.push_back({SQLITE_OK, Result(stmt), ""});
      rc = SQLITE_OK;
    }
    if (rc != SQLITE_OK && rc != SQLITE_DONE) answers = {{rc, {}, sqlite3_errmsg(db_)}};
    sqlite3_finalize(stmt);
    return answers;
  }

private:
  void Run(const std::string &sql) {
    if (sqlite3_exec(db_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) abort();
  }

  static void Bind(sqlite3_stmt *stmt, int at, const Owned &value) {
    int size = static_cast<int>(value.bytes.size());
    if (value.kind == MM_VALUE_NULL) sqlite3_bind_null(stmt, at);
    if (value.kind == MM_VALUE_INTEGER) sqlite3_bind_int64(stmt, at, value.integer);
    if (value.kind == MM_VALUE_TEXT) {
      sqlite3_bind_text(stmt, at, value.bytes.data(), size, SQLITE_TRANSIENT);
    }
    if (value.kind == MM_VALUE_BLOB) {
      sqlite3_bind_blob(stmt, at, value.bytes.data(), size, SQLITE_TRANSIENT);
    }
  }

  static Owned Result(sqlite3_stmt *stmt) {
    auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, 0));
    const void *data = sqlite3_column_blob(stmt, 0);
    std::string bytes = size ? std::string(static_cast<const char *>(data), size) : "";
    switch (sqlite3_column_type(stmt, 0)) {
      case SQLITE_NULL:
        return {};
      case SQLITE_INTEGER:
        return Owned::Of(sqlite3_column_int64(stmt, 0));
      case SQLITE_TEXT:
        return Owned::Text(bytes);
      case SQLITE_BLOB:
        return Owned::Blob(bytes);
      default:
        return {MM_VALUE_REAL, 0, ""};
    }
  }

  // What arithmetic makes of it; false where that is a real.
  static bool Number(sqlite3_context *context, sqlite3_value *value, sqlite3_int64 *number) {
    sqlite3_stmt *stmt = nullptr;
    sqlite3_prepare_v2(sqlite3_context_db_handle(context), "SELECT ?1 + 0", -1, &stmt, nullptr);
    sqlite3_bind_value(stmt, 1, value);
    sqlite3_step(stmt);
    bool good = sqlite3_column_type(stmt, 0) == SQLITE_INTEGER;
    *number = sqlite3_column_int64(stmt, 0);
    sqlite3_finalize(stmt);
    return good;
  }

  static void Align(sqlite3_context *context, int, sqlite3_value **argv) {
    sqlite3_int64 x, n;
    for (int i = 0; i < 2; i++) {
      if (sqlite3_value_type(argv[i]) == SQLITE_NULL) return;
    }
    if (!Number(context, argv[0], &x) || !Number(context, argv[1], &n) || n < 1) {
      return sqlite3_result_error(context, "damage", -1);
    }
    __extension__ typedef __int128 Wide;
    Wide wide = x, up = wide >= 0 ? (wide + n - 1) / n * n : -(-wide / n * n);
    if (up > INT64_MAX) return sqlite3_result_error(context, "damage", -1);
    sqlite3_result_int64(context, static_cast<sqlite3_int64>(up));
  }

  static void Int(sqlite3_context *context, int, sqlite3_value **argv) {
    sqlite3_int64 base;
    for (int i = 0; i < 2; i++) {
      if (sqlite3_value_type(argv[i]) == SQLITE_NULL) return;
    }
    if (!Number(context, argv[1], &base) || base < 2 || base > 36) {
      return sqlite3_result_error(context, "damage", -1);
    }
    Digits(context, argv[0], static_cast<int>(base));
  }

  static void Oct(sqlite3_context *context, int, sqlite3_value **argv) {
    if (sqlite3_value_type(argv[0]) != SQLITE_NULL) Digits(context, argv[0], 8);
  }

  static void Digits(sqlite3_context *context, sqlite3_value *value, int base) {
    const char *data = reinterpret_cast<const char *>(sqlite3_value_text(value));
    auto size = static_cast<size_t>(sqlite3_value_bytes(value));
    std::string text(data ? data : "", size), padding(" \0", 2);
    size_t first = text.find_first_not_of(padding), last = text.find_last_not_of(padding);
    if (first == std::string::npos) return sqlite3_result_int(context, 0);
    text = text.substr(first, last - first + 1);
    std::string digits = std::string("0123456789").substr(0, static_cast<size_t>(base));
    for (int letter = 0; letter < base - 10; letter++) {
      digits += static_cast<char>('a' + letter);
      digits += static_cast<char>('A' + letter);
    }
    if (text.find_first_not_of(digits) != std::string::npos) return;
    errno = 0;
    sqlite3_int64 number = strtoll(text.c_str(), nullptr, base);
    if (errno) return sqlite3_result_error(context, "damage", -1);
    sqlite3_result_int64(context, number);
  }

  sqlite3 *db_ = nullptr;
};

// An expression compiled by core, evaluated over rows.
class CompiledExpr {
public:
  explicit CompiledExpr(const std::string &text) {
    // A copy of exactly this size: ASAN sees what lies beyond it.
    std::vector<char> copy(text.begin(), text.end());
    rc_ = mm_expr_compile(copy.data(), copy.size(), BindExprColumn, nullptr, &expr_, &err_);
    frame_.get = Get;
    frame_.context = this;
  }
  CompiledExpr(const CompiledExpr &) = delete;
  CompiledExpr &operator=(const CompiledExpr &) = delete;
  ~CompiledExpr() {
    mm_expr_frame_free(&frame_);
    mm_expr_free(expr_);
  }

  int rc() const { return rc_; }
  const mm_expr *get() const { return expr_; }
  std::string error() const { return rc_ ? err_.text : ""; }

  Answer Evaluate(const ExprRow &row) {
    mm_value value;
    row_ = &row;
    reads_.clear();
    mm_expr_frame_reset(&frame_);
    int rc = mm_expr_eval(expr_, &frame_, &value, &err_);
    if (rc) return {rc, {}, err_.text};
    return {MM_OK, Owned::From(value), ""};
  }
  // The names of the columns that the last evaluation asked for, in order.
  const std::string &reads() const { return reads_; }

private:
  static int Get(void *context, int slot, mm_value *value, mm_error *) {
    auto *self = static_cast<CompiledExpr *>(context);
    self->reads_ += kExprColumns[slot].name;
    *value = (*self->row_)[static_cast<size_t>(slot)].Value();
    return MM_OK;
  }

  mm_expr *expr_ = nullptr;
  mm_expr_frame frame_ = {};
  mm_error err_;
  int rc_;
  const ExprRow *row_ = nullptr;
  std::string reads_;
};

} // namespace mm_test

#endif
