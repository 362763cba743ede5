// Structures: chained records beside generate_series, and beside WITH RECURSIVE, which is how SQL walks a
// file without them.
#include <cstring>

#include "tests/bench/world.h"

namespace mm_bench {

namespace {

// Records of a size and as many bytes: 0 to 7 in turn.
constexpr uint64_t kTurn = 8, kTurnBytes = 36, kTurnSum = 28;

std::string ChainFile(World &world) {
  std::string turn;
  for (uint64_t n = 0; n < kTurn; n++) turn += static_cast<char>(n) + std::string(n, 'x');
  return world.File("chain", world.sizes.rows / kTurn * kTurnBytes,
                    [&](uint64_t at, uint8_t *piece, size_t size) {
                      for (size_t i = 0; i < size; i++) {
                        piece[i] = static_cast<uint8_t>(turn[(at + i) % kTurnBytes]);
                      }
                    });
}

// Each side has rows of its own: that its result is right is the answer.
Side Right(const Side &side, uint64_t expected) {
  if (!side.run) return side;
  auto run = side.run;
  std::string text = std::to_string(expected);
  return {side.name,
          [=] {
            std::string answer = run();
            return answer == text ? "right" : answer + ", not " + text;
          },
          side.cpu};
}

void BesideSeries(World &world, const std::string &what, uint64_t expected,
                  const std::string &series, uint64_t total) {
  std::string rows = std::to_string(world.sizes.rows - 1);
  Side ours = world.InShell("ours", {"mmap"}, "SELECT " + what + " FROM chain");
  Side peer = world.InShell("generate_series", {},
                            "SELECT " + series + " FROM generate_series(0, " + rows + ")");
  world.Add(Race("chained records, " + what, Right(ours, expected), {{Right(peer, total), 1 / 1.3}},
                 world.sizes.rounds));
}

// A tenth of the file, as it takes so long.
void BesideRecursion(World &world, const std::string &path) {
  std::string file = Quote(path);
  std::string end = std::to_string(world.sizes.rows / 10 / kTurn * kTurnBytes);
  std::string next = "at + 1 + n";
  world.sql->Ask("CREATE VIRTUAL TABLE temp.chains USING mmap(*, n u8, d blob(n))");
  Side ours = world.InProcess("ours", {"mmap"},
                              "SELECT count(*), sum(n) FROM chains(" + file + ", 0, " + end + ")");
  Side peer = world.InProcess("WITH RECURSIVE", {"mmap_get"},
                              "WITH RECURSIVE r(at, n) AS (SELECT 0, mmap_get(" + file +
                                  ", 0, 'u8') UNION ALL SELECT " + next + ", mmap_get(" + file +
                                  ", " + next + ", 'u8') FROM r WHERE " + next + " < " + end +
                                  ") SELECT count(*), sum(n) FROM r");
  world.Add(Race("chained records, count(*) and sum(n)", ours, {{peer, 10}}, world.sizes.rounds));
}

} // namespace

void StructureRows(World &world) {
  std::string path = ChainFile(world);
  Mapped file(path); // its pages are at hand
  const uint64_t n = world.sizes.rows;
  if (world.shell) {
    world.shell->Ask("CREATE VIRTUAL TABLE temp.chain USING mmap(" + Quote(path) +
                     ", n u8, d blob(n));\n.print made");
  }
  BesideSeries(world, "count(*)", n, "count(*)", n);
  BesideSeries(world, "sum(n)", n / kTurn * kTurnSum, "sum(value)", n * (n - 1) / 2);
  BesideRecursion(world, path);
}

} // namespace mm_bench
