// What is mostly system calls: a statement a lookup, many files that are open, and the files that a
// pattern names.
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/bench/world.h"

namespace mm_bench {

namespace {

// Runs a statement again and again, with another number each time.
class Repeated {
public:
  Repeated(const Sql &sql, const std::string &text) {
    if (sqlite3_prepare_v2(sql.db, text.c_str(), -1, &statement_, nullptr) != SQLITE_OK) {
      Die(text + ": " + sqlite3_errmsg(sql.db));
    }
  }
  ~Repeated() { sqlite3_finalize(statement_); }
  Repeated(const Repeated &) = delete;
  Repeated &operator=(const Repeated &) = delete;

  std::string Run(int64_t times, int64_t below) {
    int64_t sum = 0;
    for (int64_t i = 0; i < times; i++) {
      sqlite3_bind_int64(statement_, 1, i * 7919 % below);
      if (sqlite3_step(statement_) == SQLITE_ROW) sum += sqlite3_column_int64(statement_, 0);
      sqlite3_reset(statement_);
    }
    return std::to_string(sum);
  }

private:
  sqlite3_stmt *statement_ = nullptr;
};

const int64_t kLookups = 20000, kRows = 100000;

// Beside a row of SQLite's by its rowid. Both have a database in a file, as programs do.
void Lookups(World &world) {
  std::string path = world.directory + "/lookups";
  std::ofstream out(path, std::ios::binary);
  for (uint32_t i = 0; i < kRows; i++) {
    out.write(reinterpret_cast<const char *>(&i), sizeof i); // NOLINT: its bytes
  }
  out.close();
  Sql ours(world.directory + "/lookups.db"), theirs(world.directory + "/rows.db", false);
  ours.Ask("CREATE TABLE other(x); CREATE VIRTUAL TABLE temp.keys USING mmap(" + Quote(path) +
           ", k u32le, sorted=k)");
  theirs.Ask("CREATE TABLE rows(id INTEGER PRIMARY KEY, n INTEGER); WITH RECURSIVE c(i) AS (SELECT "
             "0 UNION ALL SELECT i + 1 FROM c WHERE i < " +
             std::to_string(kRows - 1) + ") INSERT INTO rows SELECT i, i FROM c");
  Repeated row(theirs, "SELECT n FROM rows WHERE id = ?1");
  Peer peer = {{"SQLite's row", [&] { return row.Run(kLookups, kRows); }, OwnCpuTime}, 1};
  for (auto [name, text] :
       {std::pair("mmap_get", "SELECT mmap_get(" + Quote(path) + ", ?1 * 4, 'u32le')"),
        {"sorted =", "SELECT k FROM temp.keys WHERE k = ?1"}}) {
    Repeated lookup(ours, text);
    Side side = {std::string("ours, ") + name, [&] { return lookup.Run(kLookups, kRows); },
                 OwnCpuTime};
    world.Add(Race(std::to_string(kLookups) + " statements, a lookup each", side, {peer},
                   world.sizes.rounds));
  }
}

std::string MakeFiles(const World &world, int count) {
  std::string directory = world.directory + "/many";
  std::filesystem::create_directory(directory);
  for (int i = 0; i < count; i++) {
    std::ofstream(directory + "/f" + std::to_string(i)) << "more bytes than a header has";
  }
  return directory;
}

// What each of the last handles costs beside each of the first.
void Handles(World &world, const std::string &directory, int count) {
  const int part = count / 8;
  Sql sql;
  auto open = [&](int from) {
    double start = OwnCpuTime();
    sql.Ask("WITH RECURSIVE c(i) AS (SELECT " + std::to_string(from) +
            " UNION ALL SELECT i + 1 FROM c WHERE i < " + std::to_string(from + part - 1) +
            ") SELECT count(mmap_open(" + Quote(directory + "/f") + " || i)) FROM c");
    return (OwnCpuTime() - start) / part;
  };
  sql.Ask("SELECT mmap_get(" + Quote(directory + "/f" + std::to_string(count)) + ", 0)");
  double first = open(0), last = first;
  for (int i = 1; i < 8; i++) last = open(i * part);
  char value[32];
  snprintf(value, sizeof value, "%.2f x", last / first);
  Line line = Bound("the last of " + std::to_string(8 * part) + " handles",
                    "ours, " + TimeText(last), value, "< 1.5 x the first", last < 1.5 * first);
  line.peer = "the first, " + TimeText(first);
  world.Add({line});
}

void Glob(World &world, const std::string &directory, int count) {
  Side find =
      Installed("find")
          ? Side{"find",
                 [=] {
                   std::string all = RunProgram(
                       {"find", directory, "-name", "f*", "-type", "f", "-printf", "%s\\n"});
                   return std::to_string(std::count(all.begin(), all.end(), '\n') + 1); // lines
                 },
                 ProgramsCpuTime}
          : Side{"find is not installed", nullptr, nullptr};
  world.Add(
      Race("mmap_glob of " + std::to_string(count) + " files",
           world.InProcess("ours", {"mmap_glob"},
                           "SELECT count(size) FROM mmap_glob(" + Quote(directory + "/f*") + ")"),
           {{find, 0.8}}, world.sizes.rounds));
}

} // namespace

void CallRows(World &world) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
  Lookups(world);
  int open = static_cast<int>(std::min<rlim_t>(6000, limit.rlim_max / 2));
  const int count = 20000;
  std::string directory = MakeFiles(world, count);
  Handles(world, directory, open);
  Glob(world, directory, count);
}

} // namespace mm_bench
