// Tables: rows beside generate_series, filters and histograms beside loops, lines, and joins.
#include <sys/stat.h>

#include <cstring>
#include <random>

#include "tests/bench/loops.h"
#include "tests/bench/world.h"

namespace mm_bench {

namespace {

// Records of two little-endian numbers of 4 bytes: keys that ascend by random steps, and a value.
struct Record {
  uint32_t key, value;
};

std::string RecordsFile(World &world) {
  std::mt19937 random(3);
  uint32_t key = 0;
  return world.File("records", world.sizes.records * sizeof(Record),
                    [&](uint64_t, uint8_t *piece, size_t size) {
                      for (size_t i = 0; i < size; i += sizeof(Record)) {
                        key += 1 + static_cast<uint32_t>(random() % 100);
                        Record record = {key, static_cast<uint32_t>(random() >> 1)};
                        std::memcpy(piece + i, &record, sizeof record);
                      }
                    });
}

/* ---- rows beside generate_series ------------------------------------------------------------ */

// generate_series comes with the sqlite3 shell: both sides run there, in the same process.
struct Rows {
  std::string work;
  std::vector<std::string> needs;
  std::string query, expected; // ours, and what it must come to
  std::string series;          // count(*) or sum(value)
};

// Each side has rows of its own: that its sum is right is the answer.
Side Expecting(const Side &side, const std::string &expected) {
  if (!side.run) return side;
  auto run = side.run;
  return {side.name,
          [=] {
            std::string answer = run();
            return answer == expected ? "right" : answer + ", not " + expected;
          },
          side.cpu};
}

void RowsRow(World &world, const Rows &rows) {
  uint64_t n = world.sizes.rows;
  std::string total = std::to_string(rows.series == "count(*)" ? n : n * (n - 1) / 2);
  std::string series =
      "SELECT " + rows.series + " FROM generate_series(0, " + std::to_string(n - 1) + ")";
  Side peer = world.InShell("generate_series", {}, series);
  world.Add(Race(rows.work, Expecting(world.InShell("ours", rows.needs, rows.query), rows.expected),
                 {{Expecting(peer, total), 1 / 1.1}}, world.sizes.rounds));
}

void SeriesRows(World &world) {
  const uint64_t n = world.sizes.rows;
  const std::string number = std::to_string(n);
  std::string bytes = world.RandomFile(), a = world.RepeatedFile("a", "a");
  std::string records = RecordsFile(world);
  Mapped file(bytes), of_records(records);
  uint64_t byte_sum = 0, value_sum = 0;
  for (uint64_t i = 0; i < n; i++) {
    Record record;
    std::memcpy(&record, of_records.data + i * sizeof record, sizeof record);
    byte_sum += file.data[i];
    value_sum += record.value;
  }
  // The file's first bytes and records: as many as the series has rows.
  if (world.shell) {
    world.shell->Ask("CREATE VIRTUAL TABLE temp.bytes USING mmap(" + Quote(bytes) +
                     ", length=" + number + "); CREATE VIRTUAL TABLE temp.records USING mmap(" +
                     Quote(records) + ", length=" + std::to_string(n * sizeof(Record)) +
                     ", key u32le, value u32le);\n.print made");
  }
  std::string hits = " FROM mmap_find_all(" + Quote(a) + ", 'a', 0, " + number + ")";
  std::string span = " FROM mmap(" + Quote(bytes) + ") WHERE offset < " + number;
  const Rows all[] = {
      {"mmap(file), count(*)", {"mmap"}, "SELECT count(*)" + span, number, "count(*)"},
      {"mmap(file), sum(byte)",
       {"mmap"},
       "SELECT sum(byte)" + span,
       std::to_string(byte_sum),
       "sum(value)"},
      {"records, count(*)", {"mmap"}, "SELECT count(*) FROM records", number, "count(*)"},
      {"records, sum(value)",
       {"mmap"},
       "SELECT sum(value) FROM records",
       std::to_string(value_sum),
       "sum(value)"},
      {"mmap_find_all, count(*)", {"mmap_find_all"}, "SELECT count(*)" + hits, number, "count(*)"},
      {"mmap_find_all, sum(offset)",
       {"mmap_find_all"},
       "SELECT sum(offset)" + hits,
       std::to_string(n * (n - 1) / 2),
       "sum(value)"}};
  for (const Rows &rows : all) RowsRow(world, rows);
}

/* ---- beside loops --------------------------------------------------------------------------- */

void LoopRows(World &world, const std::string &what, const std::string &path) {
  Mapped file(path);
  Side loop = {"C loop", [&] { return std::to_string(LoopCount(file.data, file.size, 10)); },
               OwnCpuTime};
  Side histogram = {"C loop",
                    [&] {
                      uint64_t counts[256] = {};
                      LoopHistogram(file.data, file.size, counts);
                      std::string answer;
                      for (uint64_t count : counts) answer += std::to_string(count) + ",";
                      return answer;
                    },
                    OwnCpuTime};
  std::string quoted = Quote(path);
  int rounds = world.sizes.rounds;
  world.Add(Race("count(*) WHERE byte = 10, " + what,
                 world.InProcess("ours", {"mmap"},
                                 "SELECT count(*) FROM mmap(" + quoted + ") WHERE byte = 10"),
                 {{loop, 0.62}}, rounds));
  world.Add(
      Race("mmap_count of one byte, " + what,
           world.InProcess("ours", {"mmap_count"}, "SELECT mmap_count(" + quoted + ", x'0a')"),
           {{loop, 0.5}}, rounds));
  world.Add(Race("mmap_histogram, " + what,
                 world.InProcess("ours", {"mmap_histogram"},
                                 "SELECT group_concat(count, ',') || ',' FROM (SELECT count FROM "
                                 "mmap_histogram(" +
                                     quoted + ") ORDER BY byte)"),
                 {{histogram, 0.5}}, rounds));
}

/* ---- lines ---------------------------------------------------------------------------------- */

// The size of a text in bytes: SQLite's own length() counts characters, one by one.
void Size(sqlite3_context *context, int, sqlite3_value **argv) {
  sqlite3_result_int(context, sqlite3_value_bytes(argv[0]));
}

// A virtual table that does nothing: so many texts, which have so many bytes together; and every other
// offset, with the length 1.
struct Nothing {
  int64_t rows, bytes;
  std::string text; // the longer of its two lengths
};

struct NothingTable {
  sqlite3_vtab base;
  const Nothing *nothing;
};

struct NothingCursor {
  sqlite3_vtab_cursor base;
  int64_t row;
};

const Nothing &Of(sqlite3_vtab_cursor *cursor) {
  return *reinterpret_cast<NothingTable *>(cursor->pVtab)->nothing;
}

int64_t &RowOf(sqlite3_vtab_cursor *cursor) {
  return reinterpret_cast<NothingCursor *>(cursor)->row;
}

int NothingColumn(sqlite3_vtab_cursor *cursor, sqlite3_context *context, int column) {
  const Nothing &nothing = Of(cursor);
  if (column > 0) {
    sqlite3_result_int64(context, column == 1 ? 2 * RowOf(cursor) + 1 : 1);
    return SQLITE_OK;
  }
  int64_t longer = RowOf(cursor) < nothing.bytes % nothing.rows;
  sqlite3_result_text(context, nothing.text.data(),
                      static_cast<int>(nothing.bytes / nothing.rows + longer), SQLITE_TRANSIENT);
  return SQLITE_OK;
}

sqlite3_module NothingModule() {
  sqlite3_module module = {};
  module.xConnect = [](sqlite3 *db, void *nothing, int, const char *const *, sqlite3_vtab **out,
                       char **) {
    *out = &(new NothingTable{{}, static_cast<const Nothing *>(nothing)})->base;
    return sqlite3_declare_vtab(db, "CREATE TABLE x(text, offset INTEGER, length INTEGER)");
  };
  module.xDisconnect = [](sqlite3_vtab *table) {
    delete reinterpret_cast<NothingTable *>(table);
    return SQLITE_OK;
  };
  module.xBestIndex = [](sqlite3_vtab *, sqlite3_index_info *) { return SQLITE_OK; };
  module.xOpen = [](sqlite3_vtab *, sqlite3_vtab_cursor **out) {
    *out = &(new NothingCursor{{}, 0})->base;
    return SQLITE_OK;
  };
  module.xClose = [](sqlite3_vtab_cursor *cursor) {
    delete reinterpret_cast<NothingCursor *>(cursor);
    return SQLITE_OK;
  };
  module.xFilter = [](sqlite3_vtab_cursor *cursor, int, const char *, int, sqlite3_value **) {
    RowOf(cursor) = 0;
    return SQLITE_OK;
  };
  module.xNext = [](sqlite3_vtab_cursor *cursor) {
    RowOf(cursor)++;
    return SQLITE_OK;
  };
  module.xEof = [](sqlite3_vtab_cursor *c) { return static_cast<int>(RowOf(c) >= Of(c).rows); };
  module.xColumn = NothingColumn;
  module.xRowid = [](sqlite3_vtab_cursor *cursor, sqlite3_int64 *rowid) {
    *rowid = RowOf(cursor);
    return SQLITE_OK;
  };
  return module;
}

// It shows in the connection of `world` under this name.
void MakeNothing(World &world, const std::string &name, Nothing *nothing) {
  static const sqlite3_module module = NothingModule();
  sqlite3_create_module(world.sql->db, name.c_str(), &module, nothing);
}

// All text of the lines, in ways that cost SQLite little: its length() counts characters, one by one.
void TextRows(World &world, const std::string &path, const Mapped &file) {
  static Nothing nothing;
  auto lines = static_cast<int64_t>(LibcLines(file.data, file.size));
  auto bytes = static_cast<int64_t>(file.size) - lines; // each has its end
  nothing = {lines, bytes, std::string(static_cast<size_t>(bytes / lines + 1), 'x')};
  MakeNothing(world, "does_nothing", &nothing);
  std::string from = " FROM mmap_lines(" + Quote(path) + ")";
  world.Add(Race("mmap_lines, count(text)",
                 world.InProcess("ours", {"mmap_lines"}, "SELECT count(text)" + from),
                 {{world.Python("len(readline())", "line_count('" + path + "')"), 1.2}},
                 world.sizes.rounds));
  std::string sum = "SELECT sum(length(CAST(text AS BLOB)))";
  world.Add(
      Race("mmap_lines, sum(length(CAST(text AS BLOB)))",
           world.InProcess("ours", {"mmap_lines"}, sum + from),
           {{world.InProcess("a table that does nothing", {}, sum + " FROM does_nothing"), 0.7}},
           world.sizes.rounds));
}

void LineRows(World &world) {
  std::string path = world.EnglishFile();
  sqlite3_create_function(world.sql->db, "size", 1, SQLITE_UTF8, nullptr, Size, nullptr, nullptr);
  Mapped file(path);
  world.Add(Race(
      "mmap_lines, count(*)",
      world.InProcess("ours", {"mmap_lines"},
                      "SELECT count(*) FROM mmap_lines(" + Quote(path) + ")"),
      {{{"memchr", [&] { return std::to_string(LibcLines(file.data, file.size)); }, OwnCpuTime},
        0.5}},
      world.sizes.rounds));
  world.Add(
      Race("mmap_lines, all text",
           world.InProcess("ours", {"mmap_lines"},
                           "SELECT count(*), sum(size(text)) FROM mmap_lines(" + Quote(path) + ")"),
           {{world.Python("readline", "lines('" + path + "')"), 2}}, world.sizes.rounds));
  TextRows(world, path, file);
}

/* ---- the join ------------------------------------------------------------------------------- */

// SQLite's own table of the same records, the key its rowid; and its file.
std::string MakeDatabase(World &world, const Mapped &records) {
  std::string path = world.directory + "/records.db";
  fprintf(stderr, "making records.db\n");
  Sql sql(path, false);
  sql.Ask("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
          "CREATE TABLE records(key INTEGER PRIMARY KEY, value INTEGER); BEGIN");
  sqlite3_stmt *insert;
  sqlite3_prepare_v2(sql.db, "INSERT INTO records VALUES(?, ?)", -1, &insert, nullptr);
  for (uint64_t i = 0; i < records.size / sizeof(Record); i++) {
    Record record;
    std::memcpy(&record, records.data + i * sizeof record, sizeof record);
    sqlite3_bind_int64(insert, 1, record.key);
    sqlite3_bind_int64(insert, 2, record.value);
    sqlite3_step(insert);
    sqlite3_reset(insert);
  }
  sqlite3_finalize(insert);
  sql.Ask("COMMIT");
  return path;
}

// Random keys, one in two of them in the table.
std::string KeysFile(World &world, const Mapped &records) {
  std::mt19937_64 random(4);
  return world.File("keys", world.sizes.keys * 4, [&](uint64_t, uint8_t *piece, size_t size) {
    for (size_t i = 0; i < size; i += 4) {
      uint64_t pick = random() % (records.size / sizeof(Record));
      uint32_t key;
      std::memcpy(&key, records.data + pick * sizeof(Record), sizeof key);
      key += i / 4 % 2;
      std::memcpy(piece + i, &key, sizeof key);
    }
  });
}

} // namespace

void JoinRows(World &world) {
  std::string path = RecordsFile(world);
  Mapped records(path);
  std::string keys = KeysFile(world, records), database = MakeDatabase(world, records);
  // All on one connection, which reads its database through a mapping too.
  Sql sql(database);
  sql.Ask("PRAGMA mmap_size = 4000000000;"
          "CREATE VIRTUAL TABLE temp.keys_file USING mmap(" +
          Quote(keys) +
          ", key u32le);"
          "CREATE TEMP TABLE keys AS SELECT key FROM keys_file;"
          "CREATE VIRTUAL TABLE temp.sorted USING mmap(" +
          Quote(path) + ", key u32le, value u32le, sorted=key)");
  auto join = [&](const std::string &table) {
    return [&sql, table] {
      return sql.Ask("SELECT sum(r.value) FROM temp.keys k CROSS JOIN " + table +
                     " r WHERE r.key = k.key");
    };
  };
  std::string many = std::to_string(world.sizes.keys) + " keys, " +
                     std::to_string(world.sizes.records) + " records";
  world.Add(Race("join, " + many, {"ours", join("temp.sorted"), OwnCpuTime},
                 {{{"SQLite rowid", join("main.records"), OwnCpuTime}, 1 / 1.5},
                  {world.Python("bisect", "join('" + path + "', '" + keys + "')"), 5}},
                 world.sizes.rounds));
}

// Of two files every other byte differs: as many rows as there can be.
void DiffRows(World &world) {
  static Nothing nothing;
  nothing = {static_cast<int64_t>(world.sizes.rows), 0, {}};
  MakeNothing(world, "no_differences", &nothing);
  auto file = [&](const std::string &name, unsigned odd) {
    return world.File(name, 2 * world.sizes.rows, [=](uint64_t, uint8_t *piece, size_t size) {
      for (size_t i = 0; i < size; i++) piece[i] = static_cast<uint8_t>(odd * (i & 1));
    });
  };
  std::string both = Quote(file("zeros", 0)) + ", " + Quote(file("alternating", 1));
  for (const char *what : {"count(*)", "sum(offset)", "sum(length)", "sum(offset), sum(length)"}) {
    std::string select = std::string("SELECT ") + what + " FROM ";
    world.Add(
        Race(std::string("mmap_diff, every other byte, ") + what,
             world.InProcess("ours", {"mmap_diff"}, select + "mmap_diff(" + both + ")"),
             {{world.InProcess("a table that does nothing", {}, select + "no_differences"), 0.91}},
             world.sizes.rounds));
  }
}

void TableRows(World &world) {
  SeriesRows(world);
  LoopRows(world, "random bytes", world.RandomFile());
  LoopRows(world, "English", world.EnglishFile());
  LineRows(world);
}

} // namespace mm_bench
