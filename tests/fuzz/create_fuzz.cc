// libFuzzer: the arguments of CREATE VIRTUAL TABLE … USING mmap(…) and mmap_lines(…). A table or a
// layout that is accepted is read and written in every way; a ROLLBACK takes all of it back.
//
// The first byte says which module, and how the rest, the arguments, is read.
#include "tests/fuzz/connection.h"

namespace {

using mm_fuzz::Connection;

const char *const kPieces[] = {
    "'a.bin'",
    "'lines.txt'",
    "'new.bin'",
    "a.bin",
    "'sub/x'",
    "'../secret'",
    "\"a.bin\"",
    ",",
    ", ",
    ",",
    "access=",
    "offset=",
    "length=",
    "record=",
    "sorted=",
    "synchronous=",
    "read",
    "write",
    "copy",
    "create",
    "off",
    "normal",
    "full",
    "yes",
    "no",
    "k",
    "v",
    " ",
    "=",
    "k u8",
    "k u16be",
    "v u32le",
    "v i64be",
    "w f64le",
    "t text(3)",
    "b blob(2)",
    "u utf16le(4)",
    "w f32be",
    "i i24le",
    "h f16be",
    "a u16le[2]",
    "l latin1(3)",
    "g guid",
    "c cstr",
    "n u40",
    "@",
    "@0",
    "@2",
    "@-1",
    "0",
    "1",
    "2",
    "3",
    "7",
    "16",
    "64",
    "0x10",
    "18446744073709551615",
    "70368744177664",
    "(",
    ")",
    "'",
    "\"",
    "[",
    "]",
    "`",
    "--",
    "/*",
    "*/",
    "\"odd name\" u8",
    "offset u8",
    "rowid u8",
    "file u8",
    "byte u8",
    "é i8",
    "k text(8) @0",
    "blob(",
    "text(1000000000)",
    "sorted=k",
    "sorted=yes",
    "access=create",
    "delete=",
    "delete=yes",
    "*",
    "n u8",
    "d blob(n)",
    "d text(n - 1)",
    "d u16[n]",
    "l u16[k % 3]",
    "v AS (",
    "e u8 if(",
    "e u8 at(",
    "e u8 at_file(",
    "c cstr(x'0a', 9)",
    "x uleb128",
    "x vlq1",
    "y varint",
    "p b3",
    "q b5",
    "q b13le",
    "p",
    "n",
    "pos",
    "start",
    "stop",
    "size",
    "rowid",
    "offset",
    "n < 9",
    "n & 3",
    "n * 9223372036854775807",
    "int(d, 16)",
    "CASE n WHEN ",
    " THEN ",
    " ELSE ",
    " END",
    "length(d)",
    "iif(",
    " IS NULL",
    "-",
    "+",
    "/",
    "<<",
    "until=(",
    "while=(",
    "count=(",
    "check=(",
    "record=(",
    "align=",
    "align=4",
    "endian=",
    "endian=be",
    "partial=",
    "partial=yes",
    "separator=','",
    "separator=tab",
    "separator=blanks",
    "quote=",
    "'\"'",
    "none",
    "header=yes",
    "skip=2",
    "comment='#'",
    "null=''",
    "match='(.)(x)?'",
    "match='(?<k>b+)|(?<v>c)'",
    "k integer",
    "v real",
    "w text",
    "i ipv4",
    "sorted=k desc",
};

void Fill() {
  std::string bytes, lines;
  for (int i = 0; i < 64; i++) bytes += static_cast<char>(4 * i);
  for (char c = 'a'; c < 'm'; c++) {
    lines += std::string(1 + c % 4u, c) + (c % 5 ? "," : ",\"x\ny\"\t") + std::to_string(c) +
             (c % 3 ? "\n" : "\r\n");
  }
  mm_fuzz::Put("a.bin", bytes);
  mm_fuzz::Put("lines.txt", lines);
}

// An error is one sentence; "error" is what Ask makes of it.
bool Works(Connection *db, const std::string &sql) {
  bool works = db->Ask(sql) != "error";
  if (!works) CHECK(!db->failure().empty());
  return works;
}

std::string Quoted(const std::string &name) {
  std::string text = "\"";
  for (char c : name) text += c == '"' ? std::string("\"\"") : std::string(1, c);
  return text + "\"";
}

std::vector<std::string> Columns(Connection *db) {
  std::vector<std::string> names;
  (void)db->Each("SELECT name FROM pragma_table_info('t')", [&](sqlite3_stmt *stmt, int) {
    names.push_back(Quoted(reinterpret_cast<const char *>(sqlite3_column_text(stmt, 0))));
  });
  return names;
}

// Rows by each way to reach them are equally many.
void Read(Connection *db, const std::vector<std::string> &names) {
  std::string count = db->Ask("SELECT count(*) FROM t");
  int64_t rows = 0;
  int rc = db->Each("SELECT rowid FROM t ORDER BY rowid DESC LIMIT 1000",
                    [&](sqlite3_stmt *, int) { rows++; });
  if (rc == SQLITE_OK && count != "error") CHECK(std::min(atoll(count.c_str()), 1000LL) == rows);
  (void)db->Ask("SELECT * FROM t LIMIT 300");
  (void)db->Ask("SELECT mmap_check('t')");
  (void)db->Ask("SELECT * FROM t WHERE rowid IN (0, 3, 5, 1000000)");
  for (const std::string &name : names) {
    for (const char *test : {" = 12", " >= 8 AND t.k < 99", " < 'c'", " = x'1014'", " IS NULL"}) {
      (void)db->Ask("SELECT rowid, " + name + " FROM t WHERE " + name + test + " LIMIT 20");
    }
    (void)db->Ask("SELECT max(" + name + "), min(" + name + ") FROM t");
    (void)db->Ask("SELECT " + name + " FROM t ORDER BY " + name + " DESC LIMIT 3");
  }
}

void Write(Connection *db, const std::vector<std::string> &names) {
  for (const std::string &name : names) {
    (void)Works(db, "UPDATE t SET " + name + " = " + name);
    for (const char *value :
         {"7", "-1", "'q'", "x'00ff'", "1.5", "NULL", "1e300", "'longer text'"}) {
      (void)Works(db, "UPDATE t SET " + name + " = " + value + " WHERE rowid < 3");
      (void)Works(db, "INSERT INTO t(" + name + ") VALUES(" + value + ")");
    }
  }
  (void)Works(db, "INSERT INTO t DEFAULT VALUES");
  (void)Works(db, "INSERT OR REPLACE INTO t(rowid) VALUES(0)");
  (void)Works(db, "INSERT OR IGNORE INTO t SELECT * FROM t");
  (void)Works(db, "SAVEPOINT s");
  (void)Works(db, "DELETE FROM t WHERE rowid % 2");
  (void)Works(db, "ROLLBACK TO s");
  (void)Works(db, "DELETE FROM t WHERE rowid IN (0, 2)");
  (void)Works(db, "INSERT INTO t DEFAULT VALUES");
}

void Use(Connection *db, bool commit) {
  std::string bytes = mm_fuzz::Get("a.bin"), lines = mm_fuzz::Get("lines.txt");
  std::vector<std::string> names = Columns(db);
  Read(db, names);
  CHECK(Works(db, "BEGIN"));
  Write(db, names);
  Read(db, names);
  CHECK(mm_fuzz::Get("a.bin") == bytes && mm_fuzz::Get("lines.txt") == lines);
  if (!commit || !Works(db, "COMMIT")) {
    // Behind an SQLITE_CORRUPT SQLite makes of a COMMIT a ROLLBACK that fails.
    CHECK((commit && sqlite3_get_autocommit(*db)) || Works(db, "ROLLBACK"));
    CHECK(mm_fuzz::Get("a.bin") == bytes && mm_fuzz::Get("lines.txt") == lines);
  }
  Read(db, names);
  (void)Works(db, "ALTER TABLE t RENAME TO u");
  (void)Works(db, "ALTER TABLE u RENAME TO t");
  CHECK(Works(db, "DROP TABLE t"));
  CHECK(!std::filesystem::exists("a.bin-mmap-journal"));
}

// A layout in any file, from anywhere. Rows by each way to reach them are the same.
void ReadLayout(Connection *db, const std::string &call) {
  std::string count = db->Ask("SELECT count(*) FROM " + call);
  std::vector<int64_t> places;
  int rc = db->Each("SELECT *, next, error, offset FROM " + call + " LIMIT 500",
                    [&](sqlite3_stmt *stmt, int i) {
                      if (i == sqlite3_column_count(stmt) - 1) {
                        places.push_back(sqlite3_column_int64(stmt, i));
                      }
                    });
  if (rc == SQLITE_OK && count != "error") {
    CHECK(std::min(atoll(count.c_str()), 500LL) == static_cast<int64_t>(places.size()));
  }
  for (size_t row = 0; row < places.size(); row += 7) {
    std::string found = std::to_string(row) + "|" + std::to_string(places[row]);
    CHECK(db->Ask("SELECT _rowid_, offset FROM " + call +
                  " WHERE _rowid_ = " + std::to_string(row)) == found);
    CHECK(db->Ask("SELECT _rowid_, offset FROM " + call + " WHERE _rowid_ <= " +
                  std::to_string(row) + " ORDER BY _rowid_ DESC LIMIT 1") == found);
  }
  (void)db->Ask("SELECT * FROM " + call + " WHERE offset > 9 AND rowid < 20");
}

void UseLayout(Connection *db, bool commit) {
  std::string bytes = mm_fuzz::Get("a.bin"), lines = mm_fuzz::Get("lines.txt");
  std::vector<std::string> names = Columns(db);
  auto read = [&] {
    for (const char *call : {"t('a.bin', 0, 64, 'le')", "t('a.bin', 3, 1000, 'be')",
                             "t('a.bin', -20)", "t('lines.txt', 1, 30, 'be')", "t('a.bin', 64)"}) {
      ReadLayout(db, call);
    }
    (void)db->Ask("SELECT mmap_check('t', 'a.bin', 1, -1, 'be')");
    (void)db->Ask(
        "SELECT a.offset, b.* FROM t('a.bin') AS a, t('a.bin', a.offset, a.next) AS b LIMIT 99");
  };
  read();
  CHECK(Works(db, "BEGIN"));
  for (const std::string &name : names) {
    std::string set = "UPDATE t SET " + name + " = ", where = " WHERE file = 'a.bin'";
    (void)Works(db, set + name + where);
    for (const char *value :
         {"7", "-1", "'q'", "x'00ff'", "1.5", "NULL", "'longer text'", "'[1,2]'"}) {
      (void)Works(db, set + value + where + " AND rowid < 3");
      (void)Works(db, set + value + where + " AND start = 5 AND stop = 60 AND endian = 'be'");
    }
  }
  (void)Works(db, "INSERT INTO t DEFAULT VALUES");
  (void)Works(db, "DELETE FROM t WHERE file = 'a.bin'");
  read();
  CHECK(mm_fuzz::Get("a.bin") == bytes);
  if (!commit || !Works(db, "COMMIT")) {
    CHECK((commit && sqlite3_get_autocommit(*db)) || Works(db, "ROLLBACK"));
    CHECK(mm_fuzz::Get("a.bin") == bytes);
  }
  CHECK(mm_fuzz::Get("a.bin").size() == bytes.size() && mm_fuzz::Get("lines.txt") == lines);
  read();
  CHECK(Works(db, "DROP TABLE t"));
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Settle();
  mm_fuzz::Clear();
  Fill();
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  std::string arguments = in.Rest();
  if (how & 1) arguments = mm_fuzz::Spell(kPieces, arguments);
  {
    Connection db;
    CHECK(Works(&db, "SELECT mmap_config('synchronous', 'off')"));
    std::string module = how & 2 ? "mmap_lines(" : "mmap(";
    if (Works(&db, std::string("CREATE VIRTUAL TABLE ") + (how & 4 ? "t" : "temp.t") + " USING " +
                       module + arguments + ")")) {
      bool layout = db.Ask("SELECT count(*) FROM pragma_table_xinfo('t') WHERE name = 'endian' "
                           "AND hidden") != "0";
      layout ? UseLayout(&db, how & 8) : Use(&db, how & 8);
    }
  }
  mm_fuzz::Clear();
  return 0;
}
