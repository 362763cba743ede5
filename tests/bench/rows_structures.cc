// Structures: chained records beside generate_series; beside WITH RECURSIVE, which is how SQL walks a file
// without them; and beside those who read them elsewhere: Python's struct, what Kaitai Struct compiles, fq.
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

// A tenth of the file, as they take so long.
void BesideOthers(World &world, const std::string &path) {
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
  Side python = world.Python("struct", "chain('" + path + "', " + end + ")");
  Side kaitai = world.Kaitai("Kaitai Struct", "[\"chain\", \"" + path + "\", " + end + "]");
  world.Add(Race("chained records, count(*) and sum(n)", ours,
                 {{peer, 10}, {python, 1}, {kaitai, 1}}, world.sizes.rounds));
}

std::string PngChunk(const std::string &type, const std::string &data) {
  std::string length(4, 0);
  for (size_t i = 0; i < 4; i++) length[i] = static_cast<char>(data.size() >> (24 - 8 * i));
  return length + type + data + std::string(4, 0); // nobody asks for the checksum
}

// A PNG with many texts, of which fq knows the format.
void BesideFq(World &world) {
  uint64_t texts = world.sizes.rows / 2000;
  std::string png =
      "\x89PNG\r\n\x1a\n" + PngChunk("IHDR", std::string("\0\0\0\1\0\0\0\1\b\0\0\0\0", 13));
  for (uint64_t i = 0; i < texts; i++)
    png += PngChunk("tEXt", std::string("k\0", 2) + std::string(i % 50, 'x'));
  png += PngChunk("IEND", "");
  std::string path =
      world.File("many.png", png.size(), [&](uint64_t at, uint8_t *piece, size_t size) {
        memcpy(piece, png.data() + at, size);
      });
  world.sql->Ask(
      "CREATE VIRTUAL TABLE temp.png USING mmap(*, length u32be, type text(4), data blob(length), "
      "crc u32be, until=(type = 'IEND'))");
  Side ours = world.InProcess("ours", {"mmap"},
                              "SELECT count(*), sum(length) FROM png(" + Quote(path) + ", 8)");
  world.Add(
      Race("chunks of a PNG, count(*) and sum(length)", ours,
           {{world.Fq("fq", "[.chunks[].length | tovalue] | \"\\(length)|\\(add)\"", path), 1}},
           world.sizes.rounds));
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
  BesideOthers(world, path);
  BesideFq(world);
}

} // namespace mm_bench
