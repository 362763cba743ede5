// Slices, commits, files larger than memory, and interrupts.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "tests/bench/world.h"

namespace mm_bench {

namespace {

double OwnMemory() {
  return AnonymousMemory() + ProcessStatus("VmPTE"); // with page tables
}

/* ---- slices --------------------------------------------------------------------------------- */

void SmallSlices(World &world) {
  std::string path = world.RandomFile();
  // SQLite's own limit for a blob.
  uint64_t size = std::min<uint64_t>(world.sizes.text, 512u << 20);
  std::ifstream file(path, std::ios::binary);
  std::string bytes(static_cast<size_t>(size), 0);
  file.read(bytes.data(), static_cast<std::streamsize>(size));
  world.sql->Ask("CREATE TEMP TABLE places(n INTEGER)");
  world.sql->Ask("WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " +
                 std::to_string(world.sizes.keys) +
                 ") INSERT INTO places SELECT (random() & "
                 "0x7fffffffffffffff) % " +
                 std::to_string(size - 16) + " FROM c");
  std::string slice = "mmap_slice(" + Quote(path) + ", n, n + 16)";
  auto sql = world.sql.get();
  world.Add(Race("mmap_slice of 16 B, " + std::to_string(world.sizes.keys) + " times",
                 world.InProcess("ours", {"mmap_slice"},
                                 "SELECT hex(max(" + slice + ")), count(*) FROM places"),
                 {{{"substr of a bound blob",
                    [sql, &bytes] {
                      return sql->Ask(
                          "SELECT hex(max(substr(?1, n + 1, 16))), count(*) FROM places", bytes);
                    },
                    OwnCpuTime},
                   0.5}},
                 world.sizes.rounds));
}

// The function that is given the slice: memory of the process while it has it, and its bytes' ends.
void Given(sqlite3_context *context, int, sqlite3_value **argv) {
  auto *data = static_cast<const uint8_t *>(sqlite3_value_blob(argv[0]));
  int size = sqlite3_value_bytes(argv[0]);
  *static_cast<double *>(sqlite3_user_data(context)) = AnonymousMemory();
  sqlite3_result_int64(context, size > 0 ? data[0] * 256 + data[size - 1] : -1);
}

void LargeSlice(World &world) {
  const std::string work =
      "a slice of " + SizeText(static_cast<double>(world.sizes.slice)) + " given to a function";
  std::string path =
      world.File("slice", world.sizes.slice, [](uint64_t at, uint8_t *piece, size_t size) {
        std::memset(piece, static_cast<int>(at >> 24 & 255), size);
      });
  Sql sql;
  double during = 0;
  sqlite3_create_function(sql.db, "given", 1, SQLITE_UTF8, &during, Given, nullptr, nullptr);
  sql.Ask("SELECT mmap_get(" + Quote(path) + ", 0), given(x'00')");
  sqlite3_memory_highwater(1);
  double before = AnonymousMemory();
  auto heap = static_cast<double>(sqlite3_memory_used());
  std::string answer = sql.Ask("SELECT given(mmap_slice(" + Quote(path) + "))");
  double grown = std::max(during - before, static_cast<double>(sqlite3_memory_highwater(0)) - heap);
  uint64_t last = (world.sizes.slice - 1) >> 24 & 255;
  bool right = answer == std::to_string(last);
  Line line = Bound(work, "ours: memory grows by", SizeText(std::max(grown, 0.0)), "< 16 MiB",
                    grown < 16 * 1048576);
  if (!right) line.met = Met::kWrong;
  line.peer = "a copy: " + SizeText(static_cast<double>(world.sizes.slice));
  world.Add({line});
}

/* ---- commits -------------------------------------------------------------------------------- */

const uint64_t kPage = 4096;

// SQLite's own table: a row of some 3,000 bytes on each page, so that n rows are n pages.
void MakePages(Sql *sql, uint64_t pages) {
  sql->Ask("PRAGMA page_size = 4096; PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
           "CREATE TABLE pages(id INTEGER PRIMARY KEY, n INTEGER, filler BLOB);"
           "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < " +
           std::to_string(pages - 1) + ") INSERT INTO pages SELECT i, 0, zeroblob(3000) FROM c");
}

// One transaction that changes a byte on each of `count` pages, scattered over the file, by us and
// by SQLite. Each round takes other values, so that no write is in vain.
void CommitRow(World &world, const std::string &what, uint64_t count) {
  const uint64_t pages = std::max<uint64_t>(10 * count, 100);
  std::string path =
      world.File("pages" + std::to_string(count), pages * kPage,
                 [](uint64_t, uint8_t *piece, size_t size) { std::memset(piece, 0, size); });
  Sql peer(world.directory + "/pages" + std::to_string(count) + ".db", false);
  MakePages(&peer, pages);
  Sql ours;
  std::string ids = "WITH RECURSIVE c(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM c WHERE i < " +
                    std::to_string(count - 1) + ") ";
  // 7919 is prime, and no divisor of the number of pages: each i has a page of its own.
  std::string page = "i * 7919 % " + std::to_string(pages);
  int value = 0, other = 0;
  Side patches = {"ours",
                  [&] {
                    std::string byte = std::to_string(++value % 250 + 1);
                    return ours.Ask("BEGIN; " + ids + "SELECT sum(mmap_set(" + Quote(path) + ", " +
                                    page + " * 4096 + i % 4096, " + byte + ")) FROM c; COMMIT");
                  },
                  nullptr};
  Side updates = {"SQLite UPDATE",
                  [&] {
                    peer.Ask("BEGIN; " + ids + "UPDATE pages SET n = " + std::to_string(++other) +
                             " WHERE id IN (SELECT " + page + " FROM c); COMMIT");
                    return std::to_string(sqlite3_changes(peer.db));
                  },
                  nullptr};
  int rounds = world.sizes.rounds > 1 ? 4 * world.sizes.rounds + 1 : 1;
  std::vector<Line> lines = Race("COMMIT of " + what, patches, {{updates, 1}}, rounds);
  // What was committed is in the file.
  Mapped file(path);
  for (uint64_t i = 0; i < count; i++) {
    if (file.data[i * 7919 % pages * kPage + i % kPage] != value % 250 + 1) {
      lines[0].met = Met::kWrong;
    }
  }
  world.Add(lines);
}

/* ---- many rows in one transaction ----------------------------------------------------------- */

// As many records, inserted into a file and into a table of SQLite's own, and then all changed: each in
// one transaction.
void ManyRows(World &world) {
  const uint64_t rows = world.sizes.rows;
  std::string path = world.directory + "/inserted", count = std::to_string(rows);
  std::ofstream(path).close();
  Sql ours, peer(path + ".db", false);
  ours.Ask("CREATE VIRTUAL TABLE temp.t USING mmap(" + Quote(path) + ", a i64le, b i64le)");
  peer.Ask("PRAGMA journal_mode = DELETE; PRAGMA synchronous = FULL;"
           "CREATE TABLE t(a INTEGER, b INTEGER)");
  std::string insert = "WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < " +
                       count + ") INSERT INTO t(a, b) SELECT i, i FROM c; SELECT count(*) FROM t";
  std::string update = "UPDATE t SET b = b + 1; SELECT count(*) FROM t";
  std::string empty = "SELECT mmap_resize(" + Quote(path) + ", 0);";
  double heap = 0;
  Side inserts = {"ours",
                  [&] {
                    auto before = static_cast<double>(sqlite3_memory_used());
                    sqlite3_memory_highwater(1);
                    std::string answer = ours.Ask(empty + insert);
                    heap =
                        std::max(heap, static_cast<double>(sqlite3_memory_highwater(0)) - before);
                    return answer;
                  },
                  OwnCpuTime};
  Side updates = {"ours", [&] { return ours.Ask(update); }, OwnCpuTime};
  Side own = {"SQLite's own table", [&] { return peer.Ask("DELETE FROM t;" + insert); },
              OwnCpuTime};
  Side others = {"SQLite's own table", [&] { return peer.Ask(update); }, OwnCpuTime};
  world.Add(Race("INSERT of " + count + " records", inserts, {{own, 0.25}}, world.sizes.rounds));
  double most = 2 * 16 * static_cast<double>(rows) + (64 << 20);
  world.Add({Bound("INSERT of " + count + " records: memory", "ours", SizeText(heap),
                   "< " + SizeText(most), heap < most)});
  heap = 0;
  world.Add(Race("UPDATE of " + count + " records", updates, {{others, 0}}, world.sizes.rounds));
}

/* ---- a file larger than memory -------------------------------------------------------------- */

// Zeros, and the number 77 in the last 8 bytes: a sorted table of u64be.
std::string SparseFile(World &world, const std::string &name, uint64_t size) {
  std::string path = world.directory + "/" + name;
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (fd < 0 || ftruncate(fd, static_cast<off_t>(size)) != 0 ||
      pwrite(fd, "M", 1, static_cast<off_t>(size - 1)) != 1) {
    Die("cannot make " + path);
  }
  close(fd);
  return path;
}

// Open it, get a byte, find near the end, look up in the sorted table, on a connection of its own.
std::string VisitFile(const std::string &path, uint64_t size, double *grown) {
  Sql sql;
  double before = OwnMemory();
  std::string file = Quote(path), near = std::to_string(size - 65536);
  std::string answer = sql.Ask("CREATE VIRTUAL TABLE temp.big USING mmap(" + file +
                               ", key u64be, sorted=key);"
                               "SELECT mmap_length(h) - " +
                               near + ", mmap_get(h, -1), mmap_find(h, 'M', " + near + ") - " +
                               near + ", (SELECT offset FROM big WHERE key = 77) - " + near +
                               " FROM (SELECT mmap_open(" + file + ") AS h)");
  *grown = OwnMemory() - before;
  return answer;
}

/* ---- interrupts ----------------------------------------------------------------------------- */

// How long the statement goes on after sqlite3_interrupt; negative: it did not end so.
double Latency(Sql *sql, const std::string &query) {
  using Clock = std::chrono::steady_clock;
  Clock::time_point called;
  std::thread other([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(30));
    called = Clock::now();
    sqlite3_interrupt(sql->db);
  });
  int rc = sql->Try(query);
  Clock::time_point ended = Clock::now();
  other.join();
  return rc == SQLITE_INTERRUPT ? std::chrono::duration<double>(ended - called).count() : -1;
}

} // namespace

void SliceRows(World &world) {
  LargeSlice(world);
  SmallSlices(world);
}

void CommitRows(World &world) {
  CommitRow(world, "1 byte", 1);
  CommitRow(world, std::to_string(world.sizes.patches) + " scattered patches", world.sizes.patches);
  ManyRows(world);
}

void SparseRows(World &world) {
  const uint64_t large_size = UINT64_C(1) << 40, small_size = 1 << 20;
  std::string large = SparseFile(world, "large", large_size);
  std::string small = SparseFile(world, "small", small_size);
  double of_large = 0, of_small = 0;
  VisitFile(small, small_size, &of_small);
  VisitFile(large, large_size, &of_large);
  world.Add(
      Race("1 TiB sparse: open, get, find, look up",
           {"ours", [&] { return VisitFile(large, large_size, &of_large); }, OwnCpuTime},
           {{{"ours on 1 MiB", [&] { return VisitFile(small, small_size, &of_small); }, OwnCpuTime},
             0.5}},
           4 * world.sizes.rounds + 1));
  double more = std::max(of_large - of_small, 0.0);
  world.Add({Bound("1 TiB sparse: memory beyond that for 1 MiB", "ours", SizeText(more), "< 1 MiB",
                   more < 1048576)});
}

void InterruptRows(World &world) {
  std::string file = Quote(SparseFile(world, "large", UINT64_C(1) << 40));
  const std::pair<const char *, std::string> scans[] = {
      {"mmap", "SELECT count(*) FROM mmap(" + file + ")"},
      {"mmap", "SELECT count(*) FROM mmap(" + file + ") WHERE byte = 10"},
      {"mmap_find", "SELECT mmap_find(" + file + ", 'needle')"},
      {"mmap_rfind", "SELECT mmap_rfind(" + file + ", 'needle', 0, -100)"},
      {"mmap_count", "SELECT mmap_count(" + file + ", 'needle')"},
      {"mmap_find_all", "SELECT count(*) FROM mmap_find_all(" + file + ", 'needle')"},
      {"mmap_search", "SELECT mmap_search(" + file + ", 'needle[0-9]')"},
      {"mmap_search", "SELECT mmap_search(" + file + ", '[a-f]+[0-9]')"},
      {"mmap_search_all", "SELECT count(*) FROM mmap_search_all(" + file + ", '[a-f]+[0-9]')"},
      {"mmap_lines", "SELECT count(*) FROM mmap_lines(" + file + ")"},
      {"mmap_strings", "SELECT count(*) FROM mmap_strings(" + file + ")"},
      {"mmap_histogram", "SELECT sum(count) FROM mmap_histogram(" + file + ")"},
      {"mmap_hexdump", "SELECT count(hex) FROM mmap_hexdump(" + file + ")"},
      {"mmap_crc32", "SELECT mmap_crc32(" + file + ")"}};
  double longest = 0;
  std::string slowest = "no scan";
  bool all_ended = true;
  for (const auto &scan : scans) {
    if (!world.sql->Has(scan.first)) continue;
    Sql sql; // with pages of its own
    double latency = Latency(&sql, scan.second);
    if (latency < 0) fprintf(stderr, "not interrupted: %s\n", scan.second.c_str());
    all_ended = all_ended && latency >= 0;
    if (latency < longest) continue;
    longest = latency;
    slowest = scan.first;
  }
  Line line = Bound("a long scan, interrupted", "the slowest: " + slowest, TimeText(longest),
                    "< 50 ms", longest < 0.05);
  if (!all_ended) line.met = Met::kWrong;
  world.Add({line});
}

} // namespace mm_bench
