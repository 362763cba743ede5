// The verbs: replacing, many needles, checksums, entropy and blocks, edits, and the size of patches.
#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <random>
#include <thread>

#include "tests/bench/loops.h"
#include "tests/bench/world.h"

namespace mm_bench {

namespace {

/* ---- replacing ------------------------------------------------------------------------------ */

// Hits 40 bytes apart. Nothing is committed, so that each round finds them again.
void ReplaceRow(World &world) {
  const uint64_t hits = world.sizes.keys / 2, step = 40;
  std::string path = world.File("hits", hits * step, [](uint64_t at, uint8_t *piece, size_t size) {
    for (size_t i = 0; i < size; i++) piece[i] = "needle"[(at + i) % step % 6];
    for (size_t i = 0; i < size; i++) {
      if ((at + i) % step >= 6) piece[i] = '.';
    }
  });
  std::string query = "SELECT mmap_replace(" + Quote(path) + ", 'needle', 'another one')";
  double best = 1e9;
  bool right = true;
  for (int i = 0; i < world.sizes.rounds; i++) {
    world.sql->Ask("BEGIN");
    double before = OwnCpuTime();
    right = world.sql->Ask(query) == std::to_string(hits) && right;
    best = std::min(best, OwnCpuTime() - before);
    world.sql->Ask("ROLLBACK");
  }
  Line line = Bound("mmap_replace of " + std::to_string(hits) + " hits in " +
                        SizeText(static_cast<double>(hits * step)),
                    "ours", TimeText(best), "< 50 ms", best < 0.05);
  if (!right) line.met = Met::kWrong;
  world.Add({line});
}

void AbsentReplaceRow(World &world) {
  std::string path = world.RandomFile(), needle = "\xff no needle";
  Mapped file(path);
  std::string query =
      "SELECT mmap_replace(" + Quote(path) + ", " + Blob(needle) + ", 'something else') - 1";
  world.Add(
      Race("mmap_replace, absent", world.InProcess("ours", {"mmap_replace"}, query),
           {{{"memmem", [&] { return std::to_string(LibcFind(file.data, file.size, needle)); },
              OwnCpuTime},
             0.5}},
           world.sizes.rounds));
}

/* ---- many needles --------------------------------------------------------------------------- */

// A thousand words that are not there, a line each, and one that is there once.
std::string NeedlesFile(World &world) {
  std::mt19937 random(5);
  std::string path = world.directory + "/needles";
  std::ofstream out(path);
  for (int i = 0; i < 999; i++) {
    for (unsigned n = 8 + random() % 8; n > 0; n--) out << static_cast<char>('a' + random() % 26);
    out << "\n";
  }
  out << "sqlite-mmap 4\n";
  return path;
}

void NeedlesRow(World &world) {
  std::string path = world.EnglishFile(), needles = NeedlesFile(world);
  std::string query = "SELECT count(*) FROM mmap_find_many(" + Quote(path) +
                      ", (SELECT mmap_needles(text) FROM mmap_lines(" + Quote(needles) + ")))";
  world.Add(Race("sqlite3 ... mmap_find_many, 1,000 needles",
                 world.WholeShell("ours", {"mmap_find_many"}, query),
                 {{world.Ripgrep("rg --count-matches -F -f",
                                 {"--count-matches", "-a", "-F", "-f", needles, path},
                                 [](const std::string &count) { return count; }),
                   0.5}},
                 world.sizes.rounds));
}

/* ---- checksums, and what blocks hold --------------------------------------------------------- */

// Beside the libraries that compute them, by Python's modules of them.
void ChecksumRows(World &world, const std::string &path) {
  Mapped file(path);
  world.Add(
      Race("mmap_checksum, blake2b",
           world.InProcess("ours", {"mmap_checksum"},
                           "SELECT lower(hex(mmap_checksum(" + Quote(path) + ", 'blake2b')))"),
           {{{"libb2", [&] { return LibraryBlake2b(file.data, file.size); }, OwnCpuTime}, 0.9}},
           world.sizes.rounds));
  const std::pair<const char *, const char *> digests[] = {{"md5", "hashlib.md5"},
                                                           {"sha1", "hashlib.sha1"},
                                                           {"sha256", "hashlib.sha256"},
                                                           {"sha512", "hashlib.sha512"}};
  for (const auto &digest : digests) {
    std::string query =
        "SELECT lower(hex(mmap_checksum(" + Quote(path) + ", '" + digest.first + "')))";
    world.Add(Race(std::string("mmap_checksum, ") + digest.first,
                   world.InProcess("ours", {"mmap_checksum"}, query),
                   {{world.Python(digest.second, std::string(digest.second) + "(mapped('" + path +
                                                     "')).hexdigest()"),
                     0.9}},
                   world.sizes.rounds));
  }
  const std::pair<const char *, const char *> sums[] = {{"adler32", "zlib.adler32"},
                                                        {"crc-32/iso-hdlc", "zlib.crc32"},
                                                        {"crc-16/xmodem", "binascii_crc_hqx"}};
  for (const auto &sum : sums) {
    std::string query = "SELECT mmap_checksum(" + Quote(path) + ", '" + sum.first + "')";
    world.Add(Race(
        std::string("mmap_checksum, ") + sum.first,
        world.InProcess("ours", {"mmap_checksum"}, query),
        {{world.Python(sum.second, std::string(sum.second) + "(mapped('" + path + "'))"), 0.9}},
        world.sizes.rounds));
  }
}

// Beside mmap_histogram, which looks at the same bytes: how many there are is the answer.
void BlockRows(World &world, const std::string &path) {
  std::string file = Quote(path);
  Side histogram = world.InProcess("mmap_histogram", {"mmap_histogram"},
                                   "SELECT sum(count) FROM mmap_histogram(" + file + ")");
  world.Add(Race(
      "mmap_entropy",
      world.InProcess("ours", {"mmap_entropy"},
                      "SELECT iif(mmap_entropy(" + file + ") > 0, mmap_length(" + file + "), 0)"),
      {{histogram, 0.5}}, world.sizes.rounds));
  world.Add(Race("mmap_blocks, all columns",
                 world.InProcess("ours", {"mmap_blocks"},
                                 "SELECT iif(sum(entropy + zeros + printable + high + run) > 0, "
                                 "sum(length), 0) FROM mmap_blocks(" +
                                     file + ")"),
                 {{histogram, 0.5}}, world.sizes.rounds));
}

/* ---- edits ---------------------------------------------------------------------------------- */

// A copy with so many edits: bytes inserted, deleted and replaced in turn.
std::string EditedFile(World &world, const Mapped &old, uint64_t edits) {
  std::string path = world.directory + "/edited";
  std::ofstream out(path, std::ios::binary);
  const char *data = reinterpret_cast<const char *>(old.data);
  uint64_t step = old.size / edits, at = 0;
  for (uint64_t i = 0; i < edits; i++) {
    uint64_t next = i * step + step / 2;
    out.write(data + at, static_cast<std::streamsize>(next - at));
    if (i % 3 < 2) out << "\xff\xff\xff\xff\xff\xff";
    at = next + (i % 3 > 0 ? 6 : 0);
  }
  out.write(data + at, static_cast<std::streamsize>(old.size - at));
  return path;
}

// The most memory of our own that the process has while `run` runs, beyond what it had before.
double MemoryOf(const std::function<void()> &run) {
  double before = AnonymousMemory(), most = before;
  bool done = false;
  std::thread watcher([&] {
    while (!__atomic_load_n(&done, __ATOMIC_ACQUIRE)) {
      most = std::max(most, AnonymousMemory());
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
  });
  run();
  __atomic_store_n(&done, true, __ATOMIC_RELEASE);
  watcher.join();
  return most - before;
}

void EditsRows(World &world) {
  std::string path = world.RandomFile();
  const uint64_t edits = world.sizes.patches;
  std::string edited;
  {
    Mapped old(path);
    edited = EditedFile(world, old, edits);
  }
  Mapped copy(edited); // its pages are at hand
  std::string query = "SELECT count(*) FROM mmap_edits(" + Quote(path) + ", " + Quote(edited) +
                      ") WHERE kind <> 'equal'";
  std::string answer;
  double time = 0;
  double memory = MemoryOf([&] {
    double before = OwnCpuTime();
    answer = world.sql->Ask(query);
    time = OwnCpuTime() - before;
  });
  std::string work = "mmap_edits of " + SizeText(static_cast<double>(copy.size)) + ", " +
                     std::to_string(edits) + " edits";
  Line seconds = Bound(work, "ours", TimeText(time), "< 10 s", time < 10);
  if (answer != std::to_string(edits)) seconds.met = Met::kWrong;
  world.Add({seconds, Bound(work + ": memory", "ours", SizeText(memory), "< 64 MiB",
                            memory < 64 * 1048576)});
}

} // namespace

void VerbRows(World &world) {
  ReplaceRow(world);
  AbsentReplaceRow(world);
  NeedlesRow(world);
  ChecksumRows(world, world.EnglishFile());
  BlockRows(world, world.EnglishFile());
  EditsRows(world);
}

} // namespace mm_bench
