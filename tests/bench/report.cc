// How fast the library is, beside others that do the same work, in one run:
//
//     bazelw run //tests/bench:report [-- [--write DIR] [--quick] [--only WORD] [--dir DIR]]
//
//     --write DIR   leave the table (speed.md), a chart of it (speed.svg) and five bars (bars.svg) there
//     --quick       small sizes and one round: for the answers, not for the times
//     --only WORD   only the parts named by WORD: search kernels patterns tables join diff structures
//                   text verbs threads slices commit commits sparse interrupt bars
//     --rounds N    rounds in turn, whose median counts (5)
//     --cpu         count processor time, not the clock's (except of commits): where much else runs
//     --dir DIR     where the files are made, some 5 GB ($TMPDIR, else /var/tmp)
//
// Peers that are not installed are left out, and the table says how to get them: nothing is downloaded.
//
// A ratio above 1 means faster than the peer. Exits with 1 if two sides disagree about the answer.
#include <sys/utsname.h>
#include <unistd.h>

#include <cstdlib>
#include <exception>
#include <filesystem>
#include <fstream>
#include <thread>

#include "tests/bench/world.h"

namespace mm_bench {

namespace {

const Sizes kFull = {1u << 30, 1u << 28, 1u << 26, 10000000, 40000000, 100000, 512u << 20, 1000, 5};
const Sizes kQuick = {1u << 20, 1u << 18, 1u << 18, 10000, 20000, 1000, 64u << 20, 50, 1};

struct Options {
  Sizes sizes = kFull;
  std::string write, only, directory;
};

// Relative to where the user is, not to where Bazel started us.
std::string UserPath(const std::string &path) {
  for (const char *name : {"BAZELW_DIRECTORY", "BUILD_WORKING_DIRECTORY"}) {
    if (const char *base = getenv(name)) return std::filesystem::path(base) / path;
  }
  return std::filesystem::absolute(path);
}

Options Parse(int argc, char **argv) {
  Options options;
  int rounds = 0;
  for (const char *name : {"TMPDIR", "TEST_TMPDIR"}) {
    if (const char *value = getenv(name)) options.directory = value;
  }
  if (options.directory.empty()) options.directory = "/var/tmp";
  for (int i = 1; i < argc; i++) {
    std::string option = argv[i], value = i + 1 < argc ? argv[i + 1] : "";
    if (option == "--quick" || option == "--cpu") {
      if (option == "--cpu")
        use_cpu_time = true;
      else
        options.sizes = kQuick;
      continue;
    }
    if (option == "--write")
      options.write = UserPath(value);
    else if (option == "--dir")
      options.directory = UserPath(value);
    else if (option == "--only")
      options.only = value;
    else if (option == "--rounds")
      rounds = atoi(value.c_str());
    else
      Die("unknown option " + option);
    if (value.empty()) Die(option + " needs a value");
    i++;
  }
  if (rounds > 0) options.sizes.rounds = rounds;
  return options;
}

// Beside the program in Bazel's runfiles, or below the working directory.
std::string DataFile(const char *variable, const std::string &path) {
  const char *given = getenv(variable);
  std::string found = std::filesystem::absolute(given ? given : path);
  if (access(found.c_str(), R_OK) != 0) Die("there is no " + found);
  return found;
}

struct Part {
  const char *name;
  void (*measure)(World &);
};

const Part kParts[] = {
    {"search", SearchRows},        {"kernels", KernelRows}, {"patterns", PatternRows},
    {"tables", TableRows},         {"join", JoinRows},      {"diff", DiffRows},
    {"structures", StructureRows}, {"text", TextTableRows}, {"verbs", VerbRows},
    {"threads", ThreadRows},       {"slices", SliceRows},   {"commit", CommitRows},
    {"commits", CommitLoopRows},   {"calls", CallRows},     {"sparse", SparseRows},
    {"interrupt", InterruptRows},  {"bars", BarRows}};

void Start(World *world, const Options &options) {
  world->sizes = options.sizes;
  std::string directory = options.directory + "/mmap-bench.XXXXXX";
  if (!mkdtemp(directory.data())) Die("cannot make " + directory);
  world->directory = std::filesystem::canonical(directory);
  Sql::library = DataFile("MMAP_LIBRARY", "ext/mmap0.so");
  world->sql.reset(new Sql);
  world->ripgrep = Installed("rg");
  if (Installed("python3")) {
    world->python.reset(new Coprocess({"python3", DataFile("MMAP_PEERS", "tests/bench/peers.py")}));
  }
  // Neither package is Debian's, and nothing is downloaded here.
  const std::string needs = "try { for (const name of ['kaitai-struct', 'kaitai-struct-compiler']) "
                            "require.resolve(name); console.log('all'); } catch {}";
  if (Installed("node") && RunProgram({"node", "-e", needs}) == "all") {
    world->node.reset(new Coprocess({"node", DataFile("MMAP_PEERS_JS", "tests/bench/peers.js")}));
  }
  if (Installed("sqlite3")) {
    world->shell.reset(
        new Coprocess({"stdbuf", "-oL", "sqlite3", "-init", "/dev/null", "-batch", ":memory:"}));
    world->shell->Ask(".load " + Quote(Sql::library) + "\n.print loaded");
  }
}

// The first value that /proc/cpuinfo has for the key.
std::string CpuInfo(const std::string &key) {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    size_t colon = line.find(": ");
    if (line.compare(0, key.size(), key) != 0 || colon == std::string::npos) continue;
    if (line.find_first_not_of("\t ", key.size()) + 1 == colon + 1) return line.substr(colon + 2);
  }
  return "?";
}

// What the figures belong to.
std::string Machine() {
  utsname system;
  if (uname(&system) != 0) Die("uname");
  return CpuInfo("model name") + " (family " + CpuInfo("cpu family") + ", model " +
         CpuInfo("model") + "), " + std::to_string(std::thread::hardware_concurrency()) +
         " processors, " + system.sysname + " " + system.release + " " + system.machine +
         ", SQLite " + sqlite3_libversion() + "; loops of find: " + KernelNames();
}

// Only what was measured: `--only bars` leaves the table of another run as it is.
void Write(const std::string &directory, const Options &options, const World &world) {
  std::filesystem::create_directories(directory);
  if (!world.bars.empty()) std::ofstream(directory + "/bars.svg") << world.bars;
  if (options.only == "bars") return;
  std::ofstream(directory + "/speed.md") << Machine() << "\n\n" << MarkdownTable(world.lines);
  std::ofstream(directory + "/speed.svg") << Chart(world.lines);
}

int Main(int argc, char **argv) {
  Options options = Parse(argc, argv);
  for (int signal : {SIGINT, SIGTERM}) std::signal(signal, [](int) { stop_racing = 1; });
  std::signal(SIGPIPE, SIG_IGN); // a peer that died shows by its silence
  World world;
  Start(&world, options);
  for (const Part &part : kParts) {
    if (options.only.empty() || options.only == part.name) part.measure(world);
  }
  printf("%s\n%s", Machine().c_str(), PlainTable(world.lines).c_str());
  if (!options.write.empty()) Write(options.write, options, world);
  for (const Line &line : world.lines) {
    if (line.met == Met::kWrong) return 1;
  }
  return 0;
}

} // namespace
} // namespace mm_bench

int main(int argc, char **argv) {
  try {
    return mm_bench::Main(argc, argv);
  } catch (const std::exception &failure) {
    fprintf(stderr, "report: %s\n", failure.what());
    return 1;
  }
}
