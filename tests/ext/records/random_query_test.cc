// Random queries over the tables of the library and over ordinary tables with the same rows: joins
// of all kinds, subqueries, compounds, CTEs, window functions, IN, OR, CASE, statements that are run
// again with other parameters and after writes. Both give the same rows, or ours says why it cannot.
//
// A table with arguments stands beside an ordinary one that has the rows of all files, and the
// arguments as columns, NUMERIC as SQLite takes a column that is HIDDEN. (No rowid of an ordinary table takes part: SQLite 3.40 loses rows of LEFT JOIN
// … ON rowid LIKE 'a%'.) A failure prints what makes the tables and the query, to be pasted into the
// shell. MMAP_TEST_SEEDS=100 runs a hundred times as long.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <random>

namespace mm_test {
namespace {

using Random = std::mt19937_64;

// SQLite before 3.38 looks up the values of an IN one by one, and compares numbers with texts then
// as if they were texts.
const bool kListsAreOurs = sqlite3_libversion_number() >= 3038000;

struct Source {
  std::string name;                 // ours; the ordinary one has "_o" behind
  std::vector<std::string> columns; // the first is what it is sorted by, if anything
  std::vector<std::string> arguments;
  bool writes;
  bool text; // sorted by texts
};

std::string Bytes(uint64_t value, size_t size, bool big) {
  std::string bytes(size, 0);
  for (size_t i = 0; i < size; i++) {
    bytes[big ? size - 1 - i : i] = static_cast<char>(value >> 8 * i);
  }
  return bytes;
}

// The tables of one seed, ours and the ordinary ones.
class Tables {
public:
  Tables(Random &random, Db *db) : random_(random), db_(*db) {
    Run("SELECT mmap_config('synchronous', 'off')");
    Records("r");
    Texts();
    Lines();
    Fields();
    Functions();
    Run("CREATE TABLE plain(n INTEGER, t TEXT, x, f TEXT)");
    for (int i = 0; i < 6; i++) {
      std::string n = Value();
      Run("INSERT INTO plain VALUES(" + n + ", " + n + ", " + n + ", " + (i % 3 ? "'fa'" : "'fb'") +
          ")");
    }
    sources_.push_back({"plain", {"n", "t", "x", "f"}, {}, false, false});
  }

  const std::vector<Source> &sources() const { return sources_; }
  const std::string &schema() const { return schema_; }

  std::string Value() {
    static const char *const values[] = {"0",
                                         "1",
                                         "2",
                                         "7",
                                         "-1",
                                         "2.5",
                                         "'7'",
                                         "'7.0'",
                                         "'a'",
                                         "'ab'",
                                         "'b'",
                                         "''",
                                         "NULL",
                                         "x'61'",
                                         "255",
                                         "'10'",
                                         "1e300",
                                         "3.0",
                                         "'1'",
                                         "' 1'",
                                         "4",
                                         "9",
                                         "'fa'",
                                         "x'",
                                         "97",
                                         "98",
                                         "'A'",
                                         "'b '",
                                         "12",
                                         "16",
                                         "-3",
                                         "200",
                                         "'/'",
                                         "9223372036854775807",
                                         "-9223372036854775808",
                                         "9223372036854775808.0",
                                         "256",
                                         "'x'"};
    std::string value = values[random_() % (sizeof values / sizeof *values)];
    return value == "x'" ? "x''" : value;
  }

private:
  void Run(const std::string &sql) {
    schema_ += sql + ";\n";
    db_.Run(sql);
  }
  void File(const std::string &name, const std::string &bytes) {
    Run("SELECT mmap_resize(mmap_open('" + name + "', 'create'), 0)");
    Run("SELECT mmap_insert(mmap_open('" + name + "', 'write'), 0, " + Blob(bytes) + ")");
  }
  void Ordinary(const Source &source, const std::string &declaration, const std::string &rows) {
    Run("CREATE TABLE temp." + source.name + "_o(" + declaration + ")");
    Run("INSERT INTO " + source.name + "_o " + rows);
    sources_.push_back(source);
  }

  void Records(const std::string &name) {
    static const struct {
      const char *type, *affinity;
      size_t size;
      bool is_signed, big, real;
    } types[] = {
        {"u8", "INTEGER", 1, false, false, false},    {"i16be", "INTEGER", 2, true, true, false},
        {"u32le", "INTEGER", 4, false, false, false}, {"i64be", "INTEGER", 8, true, true, false},
        {"u64le", "INTEGER", 8, false, false, false}, {"f32le", "REAL", 4, true, false, true},
        {"f64be", "REAL", 8, true, true, true},       {"blob(2)", "BLOB", 2, false, true, false}};
    const auto &type = types[random_() % (sizeof types / sizeof *types)];
    std::vector<int64_t> keys;
    for (size_t n = random_() % 14; n > 0; n--) {
      int64_t key = static_cast<int64_t>(random_() % 14) - (type.is_signed ? 4 : 0);
      if (type.size == 8 && random_() % 6 == 0)
        key = INT64_MAX - static_cast<int64_t>(random_() % 3);
      keys.push_back(key);
    }
    std::sort(keys.begin(), keys.end());
    if (!type.is_signed && type.size == 8) {
      for (size_t n = random_() % 4; n > 0; n--) keys.push_back(-static_cast<int64_t>(n) - 1);
    }
    std::string bytes;
    for (int64_t key : keys) {
      uint64_t bits = static_cast<uint64_t>(key);
      if (type.real) {
        double real = static_cast<double>(key) / 2;
        auto single = static_cast<float>(real);
        uint32_t low = 0;
        memcpy(&bits, &real, 8);
        memcpy(&low, &single, 4);
        if (type.size == 4) bits = low;
      }
      bytes += Bytes(bits, type.size, type.big) + static_cast<char>(random_() % 5) +
               "ab c"[random_() % 4];
    }
    File(name + ".bin", "hd" + bytes);
    Run("CREATE VIRTUAL TABLE temp." + name + " USING mmap('" + name + ".bin', offset=2, k " +
        type.type + ", v u8, t text(1), sorted=k, delete=yes)");
    Ordinary({name, {"k", "v", "t", "offset", "rowid"}, {}, true, false},
             std::string("rowid INTEGER, k ") + type.affinity +
                 ", v INTEGER, t TEXT, offset INTEGER",
             "SELECT rowid, k, v, t, offset FROM " + name);
  }

  std::vector<std::string> Words(size_t most) {
    static const char *const words[] = {"",  "1",  "1.0", "7",  "7.0", "10", "a",  "ab",
                                        "b", "b ", "A",   "-1", "2.5", "/",  "~z", "\xc3\xa9"};
    std::vector<std::string> list;
    for (size_t n = random_() % most; n > 0; n--) list.push_back(words[random_() % 16]);
    std::sort(list.begin(), list.end());
    return list;
  }

  void Texts() {
    std::string bytes;
    for (std::string word : Words(14)) {
      word.resize(4);
      bytes += word + static_cast<char>(random_() % 5);
    }
    File("t.bin", bytes);
    Run("CREATE VIRTUAL TABLE temp.w USING mmap('t.bin', k text(4), v u8, sorted=k, delete=yes)");
    Ordinary({"w", {"k", "v", "offset", "rowid"}, {}, true, true},
             "rowid INTEGER, k TEXT, v INTEGER, offset INTEGER",
             "SELECT rowid, k, v, offset FROM w");
  }

  void Lines() {
    std::string bytes;
    for (const std::string &word : Words(12)) bytes += word + "\n";
    File("l.txt", "#\n" + bytes);
    Run("CREATE VIRTUAL TABLE temp.l USING mmap_lines('l.txt', sorted=yes, offset=2)");
    Ordinary({"l", {"text", "number", "offset"}, {}, false, true},
             "number INTEGER, offset INTEGER, text TEXT", "SELECT * FROM l");
    Run("CREATE VIRTUAL TABLE temp.y USING mmap('l.txt')");
    Ordinary({"y", {"offset", "byte", "rowid"}, {}, false, false},
             "offset INTEGER, byte INTEGER, rowid INTEGER", "SELECT offset, byte, rowid FROM y");
  }

  // Sorted by a column of some type; its texts are no numbers in a column of numbers.
  void Fields() {
    static const struct {
      const char *type, *affinity;
      std::vector<const char *> keys; // ascending
    } types[] = {{"integer", "INTEGER", {"-3", "0", "1", "2.5", "7", "7", "10", "97", "a", "b"}},
                 {"real", "REAL", {"-1", "0.5", "1", "2.5", "7", "9.0", "16", "1e300", "x"}},
                 {"text", "TEXT", {"/", "1", "10", "7", "7.0", "A", "a", "ab", "b", "fa"}},
                 {"ipv4", "TEXT COLLATE mmap_ipv4", {"/", "7", "a", "1.2.3.4", "10.0.0.1"}}};
    const auto &type = types[random_() % 4];
    bool descending = random_() % 3 == 0;
    std::string bytes;
    for (const char *key : type.keys) {
      std::string line = std::to_string(random_() % 5) + "," + key + ",\"a" +
                         std::to_string(random_() % 3) + "\"\n";
      if (random_() % 3) bytes = descending ? line + bytes : bytes + line;
    }
    File("c.csv", "v,k,t\n" + bytes);
    Run(std::string("CREATE VIRTUAL TABLE temp.c USING mmap_lines('c.csv', separator=',', "
                    "header=yes, v integer, k ") +
        type.type + ", t, sorted=k" + (descending ? " desc)" : ")"));
    bool text = type.type[0] == 't' || type.type[1] == 'p';
    Ordinary({"c", {"k", "v", "t", "number", "offset"}, {}, false, text},
             std::string("k ") + type.affinity +
                 ", v INTEGER, t TEXT, number INTEGER, offset INTEGER",
             "SELECT k, v, t, number, offset FROM c");
  }

  void Functions() {
    for (const char *name : {"fa", "fb"}) {
      std::string bytes;
      for (size_t n = random_() % 40; n > 0; n--) bytes += "ab1\n a"[random_() % 6];
      File(name, bytes);
    }
    std::string files = " FROM (SELECT 'fa' AS p UNION ALL SELECT 'fb') ";
    Ordinary({"mmap", {"offset", "byte", "file"}, {"file"}, false, false},
             "offset INTEGER, byte INTEGER, file NUMERIC",
             "SELECT m.offset, m.byte, p" + files + "JOIN mmap m ON m.file = p");
    Ordinary({"mmap_lines", {"text", "number", "offset", "file"}, {"file"}, false, false},
             "number INTEGER, offset INTEGER, text TEXT, file NUMERIC",
             "SELECT m.number, m.offset, m.text, p" + files + "JOIN mmap_lines m ON m.file = p");
    Ordinary({"mmap_find_all", {"offset", "file", "needle"}, {"file", "needle"}, false, false},
             "offset INTEGER, file NUMERIC, needle NUMERIC",
             "SELECT m.offset, p, q" + files +
                 "JOIN (SELECT 'a' AS q UNION ALL SELECT 'b' UNION ALL SELECT x'61') "
                 "JOIN mmap_find_all m ON m.file = p AND m.needle = q");
    Ordinary({"mmap_strings",
              {"offset", "length", "text", "file", "min"},
              {"file", "min"},
              false,
              false},
             "offset INTEGER, length INTEGER, text TEXT, file NUMERIC, min NUMERIC",
             "SELECT m.offset, m.length, m.text, p, q" + files +
                 "JOIN (SELECT 1 AS q UNION ALL SELECT 2) JOIN mmap_strings m ON m.file = p AND "
                 "m.min = q");
    Ordinary({"mmap_hexdump", {"offset", "hex", "file"}, {"file"}, false, false},
             "offset INTEGER, hex TEXT, file NUMERIC",
             "SELECT m.offset, m.hex, p" + files + "JOIN mmap_hexdump m ON m.file = p");
    Ordinary(
        {"mmap_search_all", {"offset", "length", "file", "regex"}, {"file", "regex"}, false, false},
        "offset INTEGER, length INTEGER, file NUMERIC, regex NUMERIC",
        "SELECT m.offset, m.length, p, q" + files +
            "JOIN (SELECT 'a+' AS q UNION ALL SELECT '[0-9]') JOIN mmap_search_all m ON "
            "m.file = p AND m.regex = q");
  }

  Random &random_;
  Db &db_;
  std::string schema_;
  std::vector<Source> sources_;
};

// A source in FROM: what it is called there, and what it has.
struct Alias {
  std::string name;
  std::vector<std::string> columns;
  bool text = false;
};

// In a query a name of ours is written @name, a parameter ?1 to ?3.
class Generator {
public:
  Generator(Random &random, Tables &tables) : random_(random), tables_(tables) {}

  // A query, and whether its rows have one order.
  std::string Query(bool *ordered) {
    depth_ = 0;
    aliases_ = 0;
    scope_.clear();
    std::string with;
    cte_.clear();
    if (OneIn(5)) {
      with = "WITH c1(a, b) AS (" + Two() + ") ";
      cte_ = "c1";
    }
    size_t columns = 1 + Below(3);
    std::string query = Select(columns);
    if (OneIn(5))
      query += Pick({" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT "}) + Select(columns);
    *ordered = OneIn(2);
    if (*ordered) {
      query = "SELECT * FROM (" + query + ") ORDER BY 1" + Pick({"", " DESC"});
      for (size_t i = 2; i <= columns; i++) query += ", " + std::to_string(i) + Pick({"", " DESC"});
      if (OneIn(2)) query += " LIMIT " + std::to_string(Below(6));
      if (query.find(" LIMIT ", query.rfind("ORDER BY")) != std::string::npos && OneIn(2)) {
        query += " OFFSET " + std::to_string(Below(3));
      }
    }
    return with + query;
  }

  // A condition on one table, for UPDATE and DELETE.
  std::string Only(const Source &source) {
    depth_ = 2;
    scope_ = {{"", source.columns, source.text}};
    return Condition();
  }

private:
  uint64_t Below(uint64_t n) { return random_() % n; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  std::string Pick(std::initializer_list<const char *> list) {
    return *(list.begin() + Below(list.size()));
  }

  const Alias &Any() { return scope_[OneIn(3) ? Below(scope_.size()) : scope_.size() - 1]; }
  static std::string Of(const Alias &alias, const std::string &column) {
    return alias.name.empty() ? column : alias.name + "." + column;
  }
  std::string Column() {
    const Alias &alias = Any();
    return Of(alias, alias.columns[OneIn(2) ? 0 : Below(alias.columns.size())]);
  }
  std::string Value() { return OneIn(6) ? "?" + std::to_string(1 + Below(3)) : tables_.Value(); }

  std::string Expression() {
    switch (Below(12)) {
      case 0:
        return Value();
      case 1:
        return "(" + Column() + Pick({" + 1)", " || 'a')", " || '')", " + 0)", " * 1.0)"});
      case 2:
        return "CASE WHEN " + Simple() + " THEN " + Column() + " ELSE " + Value() + " END";
      case 3:
        return "CAST(" + Column() + Pick({" AS TEXT)", " AS INTEGER)", " AS BLOB)"});
      case 4:
        return "coalesce(" + Column() + ", " + Value() + ")";
      case 5:
        if (depth_ < 2) return "(SELECT " + Pick({"max(", "min(", "count("}) + Inner("") + ")";
        return Column();
      default:
        return Column();
    }
  }

  // Below a SELECT of one column: the column, an unbalanced ")" behind it if an aggregate is open,
  // and all that follows.
  std::string Inner(const std::string &close) {
    std::vector<Alias> outer = scope_;
    depth_++;
    std::string from = From(1 + Below(2));
    // An aggregate of another SELECT's column would be that one's.
    const Alias &last = scope_.back();
    std::string column =
        close.empty() ? Of(last, last.columns[Below(last.columns.size())]) : Column();
    std::string sql = column + (close.empty() ? ")" : close == " " ? "" : close) + from + Where();
    depth_--;
    scope_ = outer;
    return sql;
  }

  std::string Comparison() {
    return Pick({" = ", " = ", " < ", " <= ", " > ", " >= ", " IS ", " <> "});
  }

  std::string Simple() {
    switch (Below(5)) {
      case 0:
        return Column() + Comparison() + Column();
      default:
        return Column() + Comparison() + Value();
    }
  }

  std::string RowValue() {
    const Alias &alias = Any();
    if (alias.columns.size() < 2) return Simple();
    std::string a = Of(alias, alias.columns[0]);
    std::string b = Of(alias, alias.columns[1 + Below(alias.columns.size() - 1)]);
    std::string row = "(" + a + ", " + b + ")";
    if (OneIn(2))
      return row + Pick({" = ", " < ", " >= ", " > "}) + "(" + Value() + ", " + Value() + ")";
    if (OneIn(2))
      return row + " IN (VALUES (" + Value() + ", " + Value() + "), (" + Value() + ", " + Value() +
             "))";
    return row + " IN (" + Two() + ")";
  }

  // A subquery of two columns.
  std::string Two() {
    std::vector<Alias> outer = scope_;
    scope_.clear();
    depth_++;
    std::string from = From(1);
    std::string first = Column(), second = Column();
    std::string sql = "SELECT " + first + ", " + second + from + Where();
    depth_--;
    scope_ = outer;
    return sql;
  }

  std::string Condition() {
    switch (Below(depth_ < 2 ? 18 : 12)) {
      case 0:
        return Column() + " BETWEEN " + Value() + " AND " + Value();
      case 1:
        return Column() + Pick({" IN (", " IN (", " NOT IN ("}) + Value() + ", " + Value() + ", " +
               Value() + ")";
      case 2:
        return Column() + Pick({" IS NULL", " IS NOT NULL", " LIKE 'A%'", " GLOB 'a*'",
                                " LIKE '1%'", " GLOB '7*'"});
      case 3:
        return "(" + Condition() + " OR " + Condition() + ")";
      case 4:
        return "(" + Condition() + " OR " + Condition() + " AND " + Condition() + ")";
      case 5:
        return "NOT (" + Condition() + ")";
      case 6:
        return "CASE WHEN " + Simple() + " THEN " + Simple() + " ELSE " + Simple() + " END";
      case 7:
        return Condition() + " AND " + Condition();
      case 12:
        return Column() + Pick({" IN (SELECT ", " IN (SELECT ", " NOT IN (SELECT "}) + Inner(" ") +
               ")";
      case 13:
        return Pick({"EXISTS(SELECT ", "NOT EXISTS(SELECT "}) + Inner(" ") + ")";
      case 14:
        return Column() + Comparison() + "(SELECT " + Pick({"max(", "min(", "count("}) + Inner("") +
               ")";
      case 15:
        return RowValue();
      case 16:
        return Column() + Comparison() + Expression();
      default:
        return Simple();
    }
  }

  std::string Where() { return OneIn(3) ? "" : " WHERE " + Condition(); }

  // The arguments of a table that has them, as one can write them.
  std::string Given(const Source &source, const std::string &alias) {
    std::string given;
    for (const std::string &argument : source.arguments) {
      std::string value = argument == "needle"  ? Pick({"'a'", "'b'", "x'61'"})
                          : argument == "min"   ? Pick({"1", "2"})
                          : argument == "regex" ? Pick({"'a+'", "'[0-9]'"})
                                                : Pick({"'fa'", "'fb'"});
      std::string equals = " = " + value;
      if (argument == "file") {
        if (OneIn(3)) equals = " IN ('fa', 'fb')";
        for (const Alias &other : scope_) {
          if (std::count(other.columns.begin(), other.columns.end(), "f") && OneIn(2)) {
            equals = " = " + Of(other, "f");
          }
        }
      }
      given += (given.empty() ? "" : " AND ") + alias + "." + argument + equals;
    }
    return given;
  }

  // Puts a source into the scope; *on: what must hold for it.
  std::string Table(std::string *on) {
    std::string name = "s" + std::to_string(aliases_++);
    on->clear();
    if (!cte_.empty() && OneIn(4)) {
      scope_.push_back({name, {"a", "b"}, false});
      return "c1 " + name;
    }
    if (depth_ < 2 && OneIn(6)) {
      std::string sub = Two();
      if (OneIn(2)) sub += Pick({" UNION ALL ", " UNION "}) + (OneIn(3) ? "SELECT ?1, ?2" : Two());
      scope_.push_back({name, {"c", "d"}, false});
      return "(SELECT a AS c, b AS d FROM (SELECT NULL AS a, NULL AS b WHERE 0 UNION ALL " + sub +
             ")) " + name;
    }
    const Source &source = tables_.sources()[Below(tables_.sources().size())];
    *on = Given(source, name);
    scope_.push_back({name, source.columns, source.text});
    return (source.name == "plain" ? "plain " : "@" + source.name + " ") + name;
  }

  std::string From(size_t count) {
    std::string on, sql = " FROM " + Table(&on), where;
    if (!on.empty()) {
      // What a first table is given stands in WHERE, which follows: a subquery does the same.
      const Alias &alias = scope_.back();
      std::string columns;
      for (const std::string &column : alias.columns)
        columns += (columns.empty() ? "" : ", ") + column;
      std::string table = sql.substr(6, sql.rfind(' ') - 6);
      sql = " FROM (SELECT " + columns + " FROM " + table + " " + alias.name + " WHERE " + on +
            ") " + alias.name;
    }
    for (size_t i = 1; i < count; i++) {
      std::string join = Pick({" JOIN ", " JOIN ", " LEFT JOIN ", " LEFT JOIN ", " CROSS JOIN "});
      std::string table = Table(&on);
      if (on.empty() || OneIn(2)) on += (on.empty() ? "" : " AND ") + Condition();
      sql += join + table + " ON " + on;
    }
    return sql;
  }

  std::string Select(size_t columns) {
    std::vector<Alias> outer = scope_;
    std::string from = From(1 + Below(3));
    std::string list, group;
    uint64_t kind = Below(6);
    for (size_t i = 0; i < columns; i++) {
      std::string column;
      if (kind == 0 && i > 0) {
        column = Pick({"count(*)", "count(", "max(", "min(", "count(DISTINCT "});
        if (column != "count(*)") column += Column() + ")";
      } else if (kind == 1 && i > 0) {
        column = Pick({"count(*) OVER (ORDER BY ", "rank() OVER (ORDER BY ",
                       "count(*) OVER (PARTITION BY "}) +
                 Column() + ")";
      } else {
        column = Expression();
        if (kind == 0) group = " GROUP BY 1";
      }
      list += (list.empty() ? "" : ", ") + column;
    }
    if (kind == 2 && columns == 1) list = Pick({"count(*)", "max(", "min("});
    if (list == "max(" || list == "min(") list += Column() + ")";
    std::string where = Where();
    scope_ = outer;
    return "SELECT " + std::string(kind == 3 ? "DISTINCT " : "") + list + from + where + group;
  }

  Random &random_;
  Tables &tables_;
  int depth_ = 0, aliases_ = 0;
  std::string cte_;
  std::vector<Alias> scope_;
};

// Ours, or the ordinary ones.
std::string On(std::string sql, bool ours) {
  for (size_t at; (at = sql.find('@')) != std::string::npos;) {
    size_t end = at + 1;
    while (isalnum(static_cast<unsigned char>(sql[end])) || sql[end] == '_') end++;
    sql.replace(at, end - at, sql.substr(at + 1, end - at - 1) + (ours ? "" : "_o"));
  }
  return sql;
}

// What may not be done with our tables, and is said.
bool IsExcused(const std::string &error) {
  for (const char *text :
       {"OR joins conditions", "the file is missing", "takes at least",
        "a row value with a text key", "a path must not", "interrupted", "no query solution",
        "is no handle", "is closed", "cannot open", "is not an integer", "the needle is empty",
        "is neither", "is a directory", "is less than 1", "regex"}) {
    if (error.find(text) != std::string::npos) return true;
  }
  return false;
}

constexpr size_t kRows = 3000; // with more a query is not compared

// A prepared statement, run several times.
class Statement {
public:
  Statement(sqlite3 *db, const std::string &sql) : db_(db) {
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &stmt_, nullptr)) error_ = sqlite3_errmsg(db);
  }
  ~Statement() { sqlite3_finalize(stmt_); }
  Statement(const Statement &) = delete;
  Statement &operator=(const Statement &) = delete;

  void Bind(const std::vector<std::string> &values) {
    for (int i = 1; stmt_ && i <= sqlite3_bind_parameter_count(stmt_); i++) {
      const std::string &value = values[static_cast<size_t>(i - 1)];
      if (value[0] == '\'') {
        sqlite3_bind_text(stmt_, i, value.c_str() + 1, static_cast<int>(value.size()) - 2,
                          SQLITE_TRANSIENT);
      } else if (value == "NULL" || value[0] == 'x') {
        sqlite3_bind_null(stmt_, i);
      } else if (value.find_first_of(".e") != std::string::npos) {
        sqlite3_bind_double(stmt_, i, atof(value.c_str()));
      } else {
        sqlite3_bind_int64(stmt_, i, atoll(value.c_str()));
      }
    }
  }

  // The rows as texts with their types; *error: what it failed with.
  std::vector<std::string> Rows(std::string *error) {
    std::vector<std::string> rows;
    int rc = SQLITE_DONE;
    while (stmt_ && rows.size() < kRows && (rc = sqlite3_step(stmt_)) == SQLITE_ROW) {
      std::string row;
      for (int i = 0; i < sqlite3_column_count(stmt_); i++) {
        row += "|" + std::to_string(sqlite3_column_type(stmt_, i)) + ":";
        int size = sqlite3_column_bytes(stmt_, i);
        const void *data = sqlite3_column_blob(stmt_, i);
        if (size) row.append(static_cast<const char *>(data), static_cast<size_t>(size));
      }
      rows.push_back(row);
    }
    *error = rc == SQLITE_DONE ? error_ : rc == SQLITE_ROW ? "too many" : sqlite3_errmsg(db_);
    sqlite3_reset(stmt_);
    return rows;
  }

private:
  sqlite3 *db_;
  sqlite3_stmt *stmt_ = nullptr;
  std::string error_; // of preparing it
};

class RandomQuery : public SqlTest {
protected:
  // One seed: its tables, and queries about them with writes in between.
  void Seed(unsigned seed, int queries) {
    Random random(seed);
    Db fresh;
    Tables tables(random, &fresh);
    Generator generator(random, tables);
    int budget = 0;
    sqlite3_progress_handler(
        fresh, 1000, [](void *left) { return int{--*static_cast<int *>(left) < 0}; }, &budget);
    for (int i = 0; i < queries && !HasFailure(); i++) {
      bool ordered;
      std::string query = generator.Query(&ordered);
      if (!kListsAreOurs && query.find(" IN (") != std::string::npos) continue;
      writes_.clear();
      budget = 1000;
      Statement mine(fresh, On(query, true)), ordinary(fresh, On(query, false));
      for (int run = 0; run < 3 && !HasFailure(); run++) {
        std::vector<std::string> values = {tables.Value(), tables.Value(), tables.Value()};
        mine.Bind(values);
        ordinary.Bind(values);
        Compare(&mine, &ordinary, ordered, &budget, query, values, tables.schema(), seed);
        if (run < 2 && random() % 2) Write(fresh, tables, &generator, &random, &budget);
      }
      budget = 1000;
      if (!writes_.empty()) fresh.Run("ROLLBACK");
    }
    sqlite3_progress_handler(fresh, 0, nullptr, nullptr);
  }

  int compared = 0;

private:
  void Compare(Statement *mine, Statement *ordinary, bool ordered, int *budget,
               const std::string &query, const std::vector<std::string> &values,
               const std::string &schema, unsigned seed) {
    std::string error, expected_error;
    *budget = 200;
    std::vector<std::string> expected = ordinary->Rows(&expected_error);
    if (!expected_error.empty()) return;
    *budget = 1000;
    std::vector<std::string> rows = mine->Rows(&error);
    if (IsExcused(error)) return;
    compared++;
    if (!ordered) {
      std::sort(rows.begin(), rows.end());
      std::sort(expected.begin(), expected.end());
    }
    if (error.empty() && rows == expected) return;
    std::string difference = error;
    for (size_t i = 0; i < std::max(rows.size(), expected.size()) && difference.size() < 500; i++) {
      std::string got = i < rows.size() ? rows[i] : "(none)";
      std::string want = i < expected.size() ? expected[i] : "(none)";
      if (got != want) difference += "\n" + got + "  instead of  " + want;
    }
    std::string parameters;
    for (size_t i = 0; i < values.size(); i++) {
      parameters += ".parameter set ?" + std::to_string(i + 1) + " " + values[i] + "\n";
    }
    ADD_FAILURE() << "seed " << seed << ": " << rows.size() << " rows instead of "
                  << expected.size() << difference << "\n\n"
                  << schema << writes_ << parameters << On(query, true) << ";\n"
                  << On(query, false) << ";\n";
  }

  // The same to one of ours and its ordinary one, in a transaction that will be rolled back.
  void Write(sqlite3 *db, Tables &tables, Generator *generator, Random *random, int *budget) {
    std::vector<const Source *> writable;
    for (const Source &source : tables.sources()) {
      if (source.writes) writable.push_back(&source);
    }
    const Source &source = *writable[(*random)() % writable.size()];
    std::string name = "@" + source.name;
    std::string where =
        (*random)() % 2 ? generator->Only(source) : "rowid = " + std::to_string((*random)() % 9);
    if (where.find('?') != std::string::npos) return;
    std::string sql = (*random)() % 2 ? "UPDATE " + name + " SET v = (v + 1) % 7 WHERE " + where
                                      : "DELETE FROM " + name + " WHERE " + where;
    *budget = 3000;
    if (writes_.empty()) Step(db, "BEGIN");
    if (!kListsAreOurs && sql.find(" IN (") != std::string::npos) return;
    Step(db, On(sql, true));
    Step(db, On(sql, false));
  }

  void Step(sqlite3 *db, const std::string &sql) {
    writes_ += sql + ";\n";
    char *message = nullptr;
    EXPECT_EQ(sqlite3_exec(db, sql.c_str(), nullptr, nullptr, &message), SQLITE_OK)
        << (message ? message : "") << "\n"
        << writes_;
    sqlite3_free(message);
  }

  std::string writes_;
};

TEST_F(RandomQuery, GivesTheRowsOfOrdinaryTables) {
  const char *first = getenv("MMAP_TEST_FIRST_SEED");
  unsigned seed = first ? static_cast<unsigned>(atoi(first)) : 1;
  for (unsigned i = 0; i < Rounds(30u) && !HasFailure(); i++) Seed(seed + i, 100);
  EXPECT_TRUE(HasFailure() || compared > Rounds(1000)) << compared;
}

} // namespace
} // namespace mm_test
