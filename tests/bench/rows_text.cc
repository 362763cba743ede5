// Text tables: a column of a CSV beside other readers of it, lookups in a sorted one beside Python's
// bisect and look(1).
#include "tests/bench/world.h"

#include <cstdio>

namespace mm_bench {
namespace {

// Lines of 32 bytes: a key that ascends, a number, a name.
constexpr size_t kTextLine = 32;

void FillLine(uint64_t number, char line[kTextLine + 1]) {
  snprintf(line, kTextLine + 1, "%012llu,%09llu,nm%06llu\n",
           static_cast<unsigned long long>(number * 7 % 1000000000000),
           static_cast<unsigned long long>(number * 2654435761 % 1000000000),
           static_cast<unsigned long long>(number % 1000000));
}

// As large as the text of lines.
std::string CsvFile(World &world) {
  uint64_t size = world.sizes.english / kTextLine * kTextLine;
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

std::string Declaration(const std::string &path) {
  return "USING mmap_lines(" + Quote(path) +
         ", separator=',', key integer, n integer, name, sorted=key)";
}

std::string KeyOf(uint64_t number) {
  char line[kTextLine + 1];
  FillLine(number, line);
  return std::string(line, 12);
}

} // namespace

void TextTableRows(World &world) {
  std::string path = CsvFile(world);
  uint64_t lines = Mapped(path).size / kTextLine;
  if (world.sql->Has("mmap_lines")) {
    world.sql->Ask("CREATE VIRTUAL TABLE temp.csv USING mmap_lines(" + Quote(path) +
                   ", separator=',', key integer, n integer, name); "
                   "CREATE VIRTUAL TABLE temp.sorted_csv " +
                   Declaration(path));
  }
  world.Add(Race(
      "CSV, sum of a column",
      world.InProcess("ours", {"mmap_lines"}, "SELECT sum(n) FROM temp.csv"),
      {{Program("mawk", {"mawk", "-F,", "{s += $2} END {printf \"%.0f\\n\", s}", path}, FirstLine),
        0.5},
       {world.Python("csv", "csv_sum('" + path + "')"), 2}},
      world.sizes.rounds));
  // Keys all over the file, one in two of them there.
  std::string keys = "(WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k WHERE i < " +
                     std::to_string(world.sizes.keys / 10) + ") SELECT i * 7919 % " +
                     std::to_string(lines) + " * 7 + i % 2 AS wanted FROM k)";
  world.Add(Race(
      "lookups in a sorted CSV",
      world.InProcess("ours", {"mmap_lines"},
                      "SELECT sum(n) FROM " + keys + " CROSS JOIN temp.sorted_csv ON key = wanted"),
      {{world.Python("bisect over mmap", "csv_lookups('" + path + "', " +
                                             std::to_string(world.sizes.keys / 10) + ", " +
                                             std::to_string(lines) + ")"),
        5}},
      world.sizes.rounds));
  std::string key = KeyOf(lines / 3);
  world.Add(Race("a lookup by a process of its own",
                 world.WholeShell("sqlite3", {"mmap_lines"},
                                  "CREATE VIRTUAL TABLE temp.w USING mmap_lines(" + Quote(path) +
                                      ", sorted=yes); SELECT text FROM w WHERE text >= '" + key +
                                      "' LIMIT 1"),
                 {{Program("look", {"look", key, path}, FirstLine), 1}}, world.sizes.rounds));
}

} // namespace mm_bench
