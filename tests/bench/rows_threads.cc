// A whole file by two threads, beside one: by the clock, so on a machine where nothing else runs.
#include <unistd.h>

#include <cstring>

#include "tests/bench/world.h"

namespace mm_bench {

namespace {

// Ours by so many threads, by the clock: processor time is what it does not save.
Side ByThreads(const World &world, int threads, const std::vector<std::string> &needs,
               const std::string &query) {
  std::string count = std::to_string(threads);
  if (threads > static_cast<int>(sysconf(_SC_NPROCESSORS_ONLN))) {
    return {count + " threads: more than processors", nullptr, nullptr};
  }
  std::string sql = "SELECT mmap_config('threads', " + count + "); " + query;
  std::string alone = "SELECT mmap_config('threads', 1)";
  Side side =
      world.Ours("ours, " + count + (threads > 1 ? " threads" : " thread"), needs, [=, &world] {
        std::string answer = world.sql->Ask(sql);
        world.sql->Ask(alone);
        return answer;
      });
  side.cpu = nullptr;
  return side;
}

} // namespace

void ThreadRows(World &world) {
  std::string path = world.EnglishFile();
  Mapped original(path);
  std::string file = Quote(path);
  std::string twin =
      Quote(world.File("twin", original.size, [&](uint64_t at, uint8_t *piece, size_t size) {
        std::memcpy(piece, original.data + at, size);
      }));
  const struct {
    const char *needs;
    std::string query;
    double target;
  } rows[] = {
      {"mmap_histogram", "SELECT sum(byte * count) FROM mmap_histogram(" + file + ")", 1.7},
      {"mmap_crc32", "SELECT mmap_crc32(" + file + ")", 1.7},
      {"mmap_checksum", "SELECT mmap_checksum(" + file + ", 'crc-16/xmodem')", 1.7},
      {"mmap_blocks", "SELECT sum(entropy + zeros + run) FROM mmap_blocks(" + file + ")", 1.5},
      {"mmap_diff", "SELECT count(*) FROM mmap_diff(" + file + ", " + twin + ")", 1.1}};
  for (const auto &row : rows) {
    world.Add(Race(
        std::string(row.needs) + ", 2 threads", ByThreads(world, 2, {row.needs}, row.query),
        {{ByThreads(world, 1, {row.needs}, row.query), row.target}}, 2 * world.sizes.rounds + 1));
  }
}

} // namespace mm_bench
