// Commits in a row: what each costs beside SQLite's, by journal, by level, of one file and of two, on a
// disk and in memory, where a sync costs nothing and only the calls count.
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <utility>

#include "tests/bench/world.h"

namespace mm_bench {

namespace {

const int kInARow = 20; // commits of one turn
const int64_t kPages = 256;

// One that commits again and again, as a program does: its statements are prepared once.
class Committer {
public:
  Committer(const std::string &name, const std::string &database, bool load)
      : name_(name), sql_(database, load) {}
  ~Committer() {
    for (sqlite3_stmt *statement : statements_) sqlite3_finalize(statement);
  }
  Committer(const Committer &) = delete;
  Committer &operator=(const Committer &) = delete;

  Sql &sql() { return sql_; }
  // In the statement ?1 is a place, 0 to kPages - 1, and ?2 a value, another each time.
  void Prepare(const std::string &text) {
    statements_.push_back(nullptr);
    if (sqlite3_prepare_v2(sql_.db, text.c_str(), -1, &statements_.back(), nullptr) != SQLITE_OK) {
      Die(text + ": " + sqlite3_errmsg(sql_.db));
    }
  }
  Side AsSide() {
    return {name_, [this] { return Run(); }, nullptr};
  }

private:
  std::string Run() {
    for (int i = 0; i < kInARow; i++, turn_++) {
      for (sqlite3_stmt *statement : statements_) Step(statement);
    }
    return std::to_string(kInARow);
  }
  void Step(sqlite3_stmt *statement) {
    if (sqlite3_bind_parameter_count(statement) == 2) {
      sqlite3_bind_int64(statement, 1, turn_ * 7919 % kPages);
      sqlite3_bind_int64(statement, 2, turn_ % 250 + 1);
    }
    int rc = sqlite3_step(statement);
    if (rc != SQLITE_ROW && rc != SQLITE_DONE) Die(sqlite3_errmsg(sql_.db));
    sqlite3_reset(statement);
  }

  std::string name_;
  Sql sql_;
  std::vector<sqlite3_stmt *> statements_;
  int64_t turn_ = 0;
};

using Owned = std::unique_ptr<Committer>;

void Each(Committer *who, std::vector<std::string> statements) {
  if (statements.size() > 1) {
    statements.insert(statements.begin(), "BEGIN");
    statements.push_back("COMMIT");
  }
  for (const std::string &statement : statements) who->Prepare(statement);
}

// A byte of each file.
Owned Ours(const std::string &directory, unsigned files, const std::string &journal,
           const std::string &level) {
  auto who = std::make_unique<Committer>(
      "ours, " + journal + (level == "full" ? "" : ", synchronous=" + level), ":memory:", true);
  who->sql().Ask("SELECT mmap_config('journal', '" + journal + "')");
  who->sql().Ask("SELECT mmap_config('synchronous', '" + level + "')");
  std::vector<std::string> statements;
  for (unsigned i = 0; i < files; i++) {
    std::string path = directory + "/" + journal + level + std::to_string(files * 10 + i);
    std::ofstream(path, std::ios::binary) << std::string(kPages * 4096, '\7');
    statements.push_back("SELECT mmap_set(" + Quote(path) + ", ?1 * 4096 + 5, ?2)");
  }
  Each(who.get(), statements);
  return who;
}

// A row of each database, each on a page of its own. The first is the main one: beside one in memory
// SQLite would make no super-journal.
Owned Theirs(const std::string &directory, unsigned files, const std::string &journal) {
  auto path = [&](unsigned i) {
    return directory + "/" + journal + std::to_string(files * 10 + i) + ".db";
  };
  auto who = std::make_unique<Committer>("SQLite, " + journal, path(0), false);
  std::vector<std::string> statements;
  for (unsigned i = 0; i < files; i++) {
    std::string schema = i == 0 ? "main" : "d" + std::to_string(i);
    if (i > 0) who->sql().Ask("ATTACH " + Quote(path(i)) + " AS " + schema);
    who->sql().Ask("PRAGMA " + schema + ".journal_mode = " + journal);
    who->sql().Ask("PRAGMA " + schema + ".synchronous = FULL");
    who->sql().Ask("CREATE TABLE " + schema + ".pages(id INTEGER PRIMARY KEY, n, filler BLOB)");
    who->sql().Ask("WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < " +
                   std::to_string(kPages - 1) + ") INSERT INTO " + schema +
                   ".pages SELECT i, 0, zeroblob(3000) FROM c");
    statements.push_back("UPDATE " + schema + ".pages SET n = ?2 WHERE id = ?1");
  }
  Each(who.get(), statements);
  return who;
}

// Beside SQLite in the same journal mode, in the others, and beside our own other one.
void Beside(World &world, const std::string &directory, const std::string &where, unsigned files) {
  std::string what = std::to_string(kInARow) + " COMMITs of " +
                     (files == 1 ? "1 byte, " : std::to_string(files) + " files, ") + where;
  int rounds = world.sizes.rounds > 1 ? 6 * world.sizes.rounds + 1 : 1;
  Owned removed = Ours(directory, files, "delete", "full");
  Owned kept = Ours(directory, files, "persist", "full");
  Owned normal = Ours(directory, files, "persist", "normal");
  Owned with_delete = Theirs(directory, files, "DELETE");
  Owned with_persist = Theirs(directory, files, "PERSIST");
  Owned with_wal = Theirs(directory, files, "WAL");
  world.Add(Race(what, removed->AsSide(), {{with_delete->AsSide(), 1}}, rounds));
  std::vector<Peer> peers = {{with_persist->AsSide(), 1}};
  if (files == 1 && where == "on disk") peers.push_back({removed->AsSide(), 1.5});
  world.Add(Race(what, kept->AsSide(), peers, rounds));
  world.Add(Race(what, normal->AsSide(), {{with_wal->AsSide(), 0}}, rounds));
}

} // namespace

void CommitLoopRows(World &world) {
  std::string memory = "/dev/shm/mmap-bench-" + std::to_string(getpid());
  for (unsigned files : {1u, 2u}) Beside(world, world.directory, "on disk", files);
  if (mkdir(memory.c_str(), 0700) != 0) return;
  for (unsigned files : {1u, 2u}) Beside(world, memory, "in memory", files);
  RunProgram({"rm", "-r", memory});
}

} // namespace mm_bench
