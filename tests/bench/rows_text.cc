// Text tables: a column of a CSV beside other readers of it, lookups in a sorted one beside Python's
// bisect and look(1), and how much of a file a lookup reads.
#include "tests/bench/world.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

namespace mm_bench {
namespace {

// Lines of 32 bytes: a key that ascends, a number, a name. Doubles can sum the numbers.
constexpr size_t kTextLine = 32;

void FillLine(uint64_t number, char line[kTextLine + 1]) {
  snprintf(line, kTextLine + 1, "%012llu,%08llu,nm%07llu\n",
           static_cast<unsigned long long>(number * 7 % 1000000000000),
           static_cast<unsigned long long>(number * 2654435761 % 100000000),
           static_cast<unsigned long long>(number % 1000000));
}

std::string CsvFile(World &world) {
  uint64_t size = world.sizes.text / kTextLine * kTextLine;
  return world.File("sorted.csv", size, [](uint64_t at, uint8_t *piece, size_t bytes) {
    char line[kTextLine + 1];
    for (size_t i = 0; i < bytes; i++) {
      if (i == 0 || (at + i) % kTextLine == 0) FillLine((at + i) / kTextLine, line);
      piece[i] = static_cast<uint8_t>(line[(at + i) % kTextLine]);
    }
  });
}

Side Program(const std::string &name, const std::vector<std::string> &command,
             const std::function<std::string(const std::string &)> &answer) {
  if (!Installed(command[0])) return {name + ": apt-get install " + command[0], nullptr, nullptr};
  return {name, [=] { return answer(RunProgram(command)); }, ProgramsCpuTime};
}

std::string FirstLine(const std::string &text) {
  return text.substr(0, text.find('\n'));
}

std::string Create(const std::string &name, const std::string &path, const std::string &more = "") {
  return "CREATE VIRTUAL TABLE temp." + name + " USING mmap_lines(" + Quote(path) +
         ", separator=',', key integer, n integer, name" + more + ")";
}

std::string KeyOf(uint64_t number) {
  char line[kTextLine + 1];
  FillLine(number, line);
  return std::string(line, 12);
}

/* ---- SQLite's own csv ------------------------------------------------------------------------ */

// Where tests/versions/csv.sh leaves it.
std::string CsvExtension() {
  const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
  std::string base = cache && *cache ? cache : std::string(home ? home : "") + "/.cache";
  return base + "/sqlite-mmap/csv/csv.so";
}

// A connection with it, made once; NULL: it is not there.
std::shared_ptr<Sql> WithCsv(const std::string &path) {
  std::string extension = CsvExtension();
  if (access(extension.c_str(), R_OK) != 0) return nullptr;
  auto sql = std::make_shared<Sql>(":memory:", false);
  sqlite3_enable_load_extension(sql->db, 1);
  char *error = nullptr;
  if (sqlite3_load_extension(sql->db, extension.c_str(), nullptr, &error) != SQLITE_OK) Die(error);
  sql->Ask("CREATE VIRTUAL TABLE temp.csv USING csv(filename=" + Quote(path) + ", columns=3)");
  return sql;
}

Side SqliteCsv(const std::shared_ptr<Sql> &sql, const std::string &query) {
  if (!sql) return {"SQLite's csv: tests/versions/csv.sh", nullptr, nullptr};
  return {"SQLite's csv", [=] { return sql->Ask(query); }, OwnCpuTime};
}

/* ---- scans ----------------------------------------------------------------------------------- */

void ScanRows(World &world, const std::string &path, const std::shared_ptr<Sql> &csv) {
  world.Add(Race(
      "CSV, sum of a column",
      world.InProcess("ours", {"mmap_lines"}, "SELECT sum(n) FROM temp.csv"),
      {{Program("mawk", {"mawk", "-F,", "{s += $2} END {printf \"%.0f\\n\", s}", path}, FirstLine),
        0.5},
       {SqliteCsv(csv, "SELECT sum(CAST(c1 AS INTEGER)) FROM csv"), 1},
       {world.Python("csv", "csv_sum('" + path + "')"), 2}},
      world.sizes.rounds));
  // Text, and few lines have it: ripgrep need not divide any, and SQLite looks at each row.
  world.Add(Race("CSV, rows by a text",
                 world.InProcess("ours", {"mmap_lines"},
                                 "SELECT count(*) FROM temp.csv WHERE name = 'nm0000042'"),
                 {{Program("mawk", {"mawk", "-F,", "$3 == \"nm0000042\" {n++} END {print n}", path},
                           FirstLine),
                   0.5},
                  {SqliteCsv(csv, "SELECT count(*) FROM csv WHERE c2 = 'nm0000042'"), 1},
                  {world.Ripgrep("ripgrep", {"-c", ",nm0000042$", path}, FirstLine), 0.02}},
                 world.sizes.rounds));
}

/* ---- lookups --------------------------------------------------------------------------------- */

// As many statements as keys, all of which are there, in no order.
std::string PreparedLookups(sqlite3 *db, uint64_t count, uint64_t lines) {
  sqlite3_stmt *stmt = nullptr;
  uint64_t sum = 0;
  if (sqlite3_prepare_v2(db, "SELECT n FROM temp.sorted_csv WHERE key = ?", -1, &stmt, nullptr)) {
    Die(sqlite3_errmsg(db));
  }
  for (uint64_t i = 0; i < count; i++) {
    sqlite3_bind_int64(stmt, 1, static_cast<sqlite3_int64>(i * 7919 % lines * 7));
    if (sqlite3_step(stmt) != SQLITE_ROW) Die("a key is not there");
    sum += static_cast<uint64_t>(sqlite3_column_int64(stmt, 0));
    sqlite3_reset(stmt);
  }
  sqlite3_finalize(stmt);
  return std::to_string(sum);
}

// csv_lookups of peers.py.
Side Bisect(const World &world, const std::string &path, uint64_t count, uint64_t lines,
            bool absent) {
  return world.Python("bisect over mmap", "csv_lookups('" + path + "', " + std::to_string(count) +
                                              ", " + std::to_string(lines) + ", " +
                                              (absent ? "2)" : "1)"));
}

void LookupRows(World &world, const std::string &path, uint64_t lines) {
  uint64_t count = world.sizes.keys / 10;
  sqlite3 *db = world.sql->db;
  world.Add(
      Race("sorted CSV, a statement a lookup",
           world.Ours("ours", {"mmap_lines"}, [=] { return PreparedLookups(db, count, lines); }),
           {{Bisect(world, path, count, lines, false), 5}}, world.sizes.rounds));
  std::string keys = "(WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < " +
                     std::to_string(count - 1) + ") SELECT i * 7919 % " + std::to_string(lines) +
                     " * 7 + i % 2 AS wanted FROM k)";
  world.Add(Race(
      "sorted CSV, a join",
      world.InProcess("ours", {"mmap_lines"},
                      "SELECT sum(n) FROM " + keys + " CROSS JOIN temp.sorted_csv ON key = wanted"),
      {{Bisect(world, path, count, lines, true), 5}}, world.sizes.rounds));
}

// One lookup, to those who read all of the file for it; and look(1), which does not.
void OneLookupRows(World &world, const std::string &path, uint64_t lines,
                   const std::shared_ptr<Sql> &csv) {
  std::string key = KeyOf(lines / 3);
  world.Add(Race(
      "sorted CSV, one lookup",
      world.InProcess("ours", {"mmap_lines"},
                      "SELECT name FROM temp.sorted_csv WHERE key = " +
                          std::to_string(lines / 3 * 7)),
      {{Program("mawk", {"mawk", "-F,", "$1 == \"" + key + "\" {print $3; exit}", path}, FirstLine),
        100},
       {SqliteCsv(csv, "SELECT c2 FROM csv WHERE c0 = " + Quote(key) + " LIMIT 1"), 100}},
      world.sizes.rounds));
  world.Add(Race("a lookup by a process of its own",
                 world.WholeShell("sqlite3", {"mmap_lines"},
                                  "CREATE VIRTUAL TABLE temp.w USING mmap_lines(" + Quote(path) +
                                      ", sorted=yes); SELECT text FROM w WHERE text >= '" + key +
                                      "' LIMIT 1"),
                 {{Program("look", {"look", key, path}, FirstLine), 1}}, 8 * world.sizes.rounds));
}

/* ---- pages ----------------------------------------------------------------------------------- */

int HalvingsOf(uint64_t count) {
  int halvings = 0;
  for (; count > 1; count /= 2) halvings++;
  return halvings;
}

long Faults() {
  rusage usage;
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_minflt + usage.ru_majflt;
}

// Faults of one lookup by a connection of its own, in a file that it has not mapped before. What else
// faults does so in the first one, in another file.
long LookupFaults(const std::string &path, const std::string &other, uint64_t key) {
  Sql sql;
  std::string answer;
  long before = 0;
  for (const std::string &file : {other, path}) {
    sql.Ask("DROP TABLE IF EXISTS temp.f; " + Create("f", file, ", sorted=key"));
    before = Faults();
    answer = sql.Ask("SELECT key FROM temp.f WHERE key = " + std::to_string(key));
  }
  long faults = Faults() - before;
  if (answer != std::to_string(key)) Die("a key is not there: " + answer);
  return faults;
}

void FaultRow(World &world, const std::string &work, const std::string &path, uint64_t lines,
              long most) {
  if (!world.sql->Has("mmap_lines")) return;
  std::string other = world.File("small.csv", kTextLine, [](uint64_t, uint8_t *piece, size_t size) {
    char line[kTextLine + 1];
    FillLine(0, line);
    for (size_t i = 0; i < size; i++) piece[i] = static_cast<uint8_t>(line[i]);
  });
  long faults = 0;
  for (uint64_t part = 1; part < 8; part++) {
    faults = std::max(faults, LookupFaults(path, other, lines * part / 8 * 7));
  }
  world.Add({Bound(work, "ours, of 7 lookups the worst", std::to_string(faults) + " faults",
                   "<= " + std::to_string(most), faults <= most)});
}

// Lines of 64 KiB that are holes but for the pages in which one ends and the next begins.
constexpr uint64_t kSparseLine = 65536, kSparseStart = 100;

std::string SparseCsv(World &world, uint64_t lines) {
  std::string path = world.directory + "/sparse.csv";
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0) Die("cannot make " + path);
  for (uint64_t i = 0; i <= lines; i++) {
    std::string text = (i ? "\n" : "") + (i < lines ? KeyOf(i) + ",1," : "");
    // The first line begins with the file, and is as much longer.
    uint64_t at = i ? i * kSparseLine + kSparseStart - 1 : 0;
    if (pwrite(fd, text.data(), text.size(), static_cast<off_t>(at)) !=
        static_cast<ssize_t>(text.size())) {
      Die("cannot write " + path);
    }
  }
  close(fd);
  return path;
}

} // namespace

void TextTableRows(World &world) {
  std::string path = CsvFile(world);
  uint64_t lines = Mapped(path).size / kTextLine;
  if (world.sql->Has("mmap_lines")) {
    world.sql->Ask(Create("csv", path) + "; " + Create("sorted_csv", path, ", sorted=key"));
  }
  std::shared_ptr<Sql> csv = WithCsv(path);
  ScanRows(world, path, csv);
  LookupRows(world, path, lines);
  OneLookupRows(world, path, lines, csv);
  FaultRow(world, "sorted CSV, pages of a lookup", path, lines, HalvingsOf(lines));
  uint64_t sparse = 10 * world.sizes.text / kSparseLine;
  // Of each line all is read: 16 pages, of a hole.
  FaultRow(world, "sorted CSV, 10 times as large and sparse, pages of a lookup",
           SparseCsv(world, sparse), sparse, 16 * HalvingsOf(sparse));
}

} // namespace mm_bench
