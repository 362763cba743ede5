// What a newcomer asks first, as one picture: how fast is a text found in a large file, from the start
// of the program to its end, beside what he has?
#include "tests/bench/world.h"

namespace mm_bench {

namespace {

const char kAbsent[] = "a needle in the haystack"; // no word of the English file begins so

Side Program(const std::string &name, const std::string &program,
             const std::vector<std::string> &command) {
  if (!Installed(program)) return {name + ": not installed", nullptr, nullptr};
  // grep and rg end with 1, and say nothing or 0, where nothing is found.
  return {name, [=] { return RunProgram(command) == "1" ? "found" : "absent"; }, ProgramsCpuTime};
}

} // namespace

void BarRows(World &world) {
  std::string path = world.EnglishFile();
  std::string find = "SELECT mmap_find(" + Quote(path) + ", " + Quote(kAbsent) + ") >= 0";
  Side ours = world.WholeShell("sqlite-mmap", {"mmap_find"}, find);
  if (ours.run) {
    auto run = ours.run;
    ours.run = [=] { return run() == "1" ? "found" : "absent"; };
  }
  std::string python = "import mmap, sys; f = open(sys.argv[1], 'rb'); "
                       "m = mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ); "
                       "print(int(m.find(sys.argv[2].encode()) >= 0))";
  std::string instr = "SELECT instr(readfile(" + Quote(path) + "), " + Quote(kAbsent) + ") > 0";
  std::vector<Line> lines = Race(
      "find a text in " + SizeText(static_cast<double>(world.sizes.english)) + ", a whole program",
      ours,
      {{Program("ripgrep", "rg", {"rg", "-c", "-a", "-F", kAbsent, path}), 1},
       {Program("grep", "grep", {"env", "LC_ALL=C", "grep", "-c", "-a", "-F", kAbsent, path}), 1},
       {Program("Python's mmap", "python3", {"python3", "-c", python, path, kAbsent}), 1},
       {Program("SQLite's instr(readfile())", "sqlite3",
                {"sqlite3", "-init", "/dev/null", "-batch", ":memory:", instr}),
        1}},
      world.sizes.rounds);
  world.bars = Bars(lines, world.sizes.english);
  world.Add(lines);
}

} // namespace mm_bench
