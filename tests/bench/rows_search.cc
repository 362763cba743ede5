// Search: needles that are absent, hard inputs, whole processes, patterns; and the loops of find for each
// instruction set that the machine has.
extern "C" {
#include "core/search/find.h"
}

#include <random>

#include "tests/bench/loops.h"
#include "tests/bench/world.h"

namespace mm_bench {

namespace {

std::string Repeated(const std::string &part, size_t size) {
  std::string text;
  while (text.size() < size) text += part;
  return text.substr(0, size);
}

// How Python writes the bytes.
std::string PythonBytes(const std::string &bytes) {
  return "bytes.fromhex('" + Blob(bytes).substr(2, 2 * bytes.size()) + "')";
}

// Absent from the random file: long ones are random too, short ones have the byte that it has not.
std::string AbsentNeedle(size_t size) {
  std::mt19937 random(static_cast<unsigned>(size));
  std::string needle;
  for (size_t i = 0; i < size; i++) needle += static_cast<char>(random() % 255);
  if (size < 8) needle[size / 2] = '\xff';
  return needle;
}

struct Searching {
  const char *function, *python;
  bool counts;
};

const Searching kFind = {"mmap_find", "find", false};
const Searching kRfind = {"mmap_rfind", "rfind", false};
const Searching kCount = {"mmap_count", "count", true};

std::string Query(const Searching &how, const std::string &path, const std::string &needle) {
  return std::string("SELECT ") + how.function + "(" + Quote(path) + ", " + Blob(needle) + ")";
}

Side Memmem(const Searching &how, const Mapped &file, const std::string &needle) {
  return {"memmem",
          [=, &file] {
            return std::to_string(how.counts ? LibcCount(file.data, file.size, needle)
                                             : LibcFind(file.data, file.size, needle));
          },
          OwnCpuTime};
}

// The absent needle's answer is known: the plain read stands for it.
Side Read(const Mapped &file, const std::string &answer) {
  return {"plain read",
          [=, &file] {
            volatile uint64_t sum = PlainRead(file.data, file.size);
            (void)sum;
            return answer;
          },
          OwnCpuTime};
}

// One function beside all of its peers, over needles of several lengths; of each peer the line that
// is furthest from its target.
std::vector<Line> AbsentLines(World &world, const std::string &path, const Mapped &file,
                              const Searching &how) {
  std::vector<std::vector<Line>> of_peer(3);
  for (size_t size : {1, 2, 4, 8, 16, 32, 64}) {
    std::string needle = AbsentNeedle(size);
    std::string work = std::string(how.function) + ", absent, " + std::to_string(size) + " B";
    std::vector<Line> lines =
        Race(work, world.InProcess("ours", {how.function}, Query(how, path, needle)),
             {{Read(file, how.counts ? "0" : "-1"), 0.9},
              {Memmem(how, file, needle), 3},
              {world.Python("mmap.find", std::string(how.python) + "('" + path + "', " +
                                             PythonBytes(needle) + ")"),
               4}},
             world.sizes.rounds);
    AllowMemorySpeed(&lines, lines[0]);
    for (size_t i = 0; i < lines.size(); i++) of_peer[i].push_back(lines[i]);
  }
  return {Worst(of_peer[0]), Worst(of_peer[1]), Worst(of_peer[2])};
}

Line HardLine(World &world, const Searching &how, const std::string &what, const std::string &path,
              const Mapped &file, const std::string &needle) {
  std::string work = std::string(how.function) + ", " + what;
  return Race(work, world.InProcess("ours", {how.function}, Query(how, path, needle)),
              {{Memmem(how, file, needle), 0.5}}, world.sizes.rounds)[0];
}

// All needles in one file; the worst line.
void AddHard(World &world, const std::string &what, const std::string &path,
             const std::vector<std::pair<std::string, std::string>> &needles) {
  Mapped file(path);
  std::vector<Line> lines;
  for (const auto &needle : needles) {
    for (const Searching &how : {kFind, kRfind, kCount}) {
      lines.push_back(HardLine(world, how, what + ", " + needle.first, path, file, needle.second));
    }
  }
  world.Add({Worst(lines)});
}

void HardRows(World &world) {
  const std::string a(1000, 'a'), phrase = "the period of this text. ";
  AddHard(world, "a file of a", world.RepeatedFile("a", "a"),
          {{"aaa...b of 8", a.substr(0, 7) + "b"},
           {"aaa...b of 32", a.substr(0, 31) + "b"},
           {"aaa...b of 1000", a + "b"},
           {"baaa... of 1000", "b" + a}});
  AddHard(world, "English", world.EnglishFile(),
          {{"absent word", "whether"},
           {"absent letters", " thx "},
           {"absent phrase", "the time of the day is not the"},
           {"absent line", Repeated("there is not one other way to see that the people ", 90)}});
  AddHard(world, "a file of ab", world.RepeatedFile("ab", "ab"),
          {{"nearly its period, 21", Repeated("ab", 10) + "a" + Repeated("ab", 10)},
           {"nearly its period, 1001", Repeated("ab", 500) + "a" + Repeated("ab", 500)}});
  AddHard(world, "a periodic text", world.RepeatedFile("period", phrase),
          {{"nearly its period, 101", Repeated(phrase, 50) + "-" + Repeated(phrase, 50)},
           {"nearly its period, 2001", Repeated(phrase, 1000) + "-" + Repeated(phrase, 1000)}});
}

// "mmap_find" by the sqlite3 shell beside ripgrep: from the start of the process to its end.
void ProcessRow(World &world, const std::string &what, const std::string &path) {
  const std::string needle = "no such line as this";
  world.Add(
      Race("sqlite3 ... mmap_find, " + what,
           world.WholeShell("ours", {"mmap_find"}, Query(kFind, path, needle)),
           {{world.Ripgrep("rg -c -a -F", {"-c", "-a", "-F", needle, path},
                           [](const std::string &count) { return count.empty() ? "-1" : count; }),
             1}},
           world.sizes.rounds));
}

struct Pattern {
  const char *name, *regex; // over bytes, as all three understand it
  const char *hex;          // the same for mmap_hex; NULL: it is none
};

// A match is near the end of the English file, and there is no other.
const Pattern kPatterns[] = {
    {"literal first", "sqlite-mmap [0-9]+", nullptr},
    {"literal last", "[a-z]+-mmap 4", nullptr},
    {"literal in the middle", "[a-z]+-mmap [0-9]+", nullptr},
    {"hex ??", "(?s)sq.ite.mm.p", "73 71 ?? 69 74 65 ?? 6d 6d ?? 70"},
    {"hex [2-6]", "(?s)sql.{2,6}mmap .2", "73 71 6c [2-6] 6d 6d 61 70 20 ?? 32"},
    {"hex A?", "(?s)sqli[p-\\x7f]e.[\\x0d\\x1d\\x2d\\x3d\\x4d\\x5d\\x6dm]map",
     "73 71 6c 69 7? 65 ?? ?d 6d 61 70"}};

std::string FirstNumber(const std::string &output) {
  return output.substr(0, output.find(':'));
}

void PatternRow(World &world, const Pattern &pattern, const std::string &path) {
  std::string regex = Quote(pattern.regex);
  if (pattern.hex) regex = std::string("mmap_hex('") + pattern.hex + "')";
  std::string query = "SELECT mmap_search(" + Quote(path) + ", " + regex + ")";
  std::vector<std::string> needs = {"mmap_search"};
  if (pattern.hex) needs.push_back("mmap_hex");
  world.Add(Race(std::string("mmap_search, ") + pattern.name, world.InProcess("ours", needs, query),
                 {{world.Python("re", "search('" + path + "', rb'" + pattern.regex + "')"), 5}},
                 world.sizes.rounds));
  std::string bytes = std::string("(?-u)") + pattern.regex;
  world.Add(
      Race(std::string("sqlite3 ... mmap_search, ") + pattern.name,
           world.WholeShell("ours", needs, query),
           {{world.Ripgrep("rg -U -o -b", {"-a", "-U", "-o", "-b", "-N", bytes, path}, FirstNumber),
             0.5}},
           world.sizes.rounds));
}

// All matches, counted: alternatives and runs, beside ripgrep's own count.
struct Counted {
  std::string name, regex;
};

const char kWords[] =
    "absolute|abstract|academic|accident|activity|bachelor|backward|balanced|bankrupt|calendar|"
    "campaign|capacity|daughter|database|deadline|economic|election|electric|facility|failures|"
    "familiar|gathered|generate|gigantic|handling|hardware|historic|identity|improved|incident|"
    "judgment|keyboard|language|magnetic|majority|national|negative|obtained|official|painting|"
    "particle|quantity|reaction|sampling|tactical|ultimate|validity|warranty|yourself|warning";

// So many that begin with any letters, none of them there.
std::string ManyWords(size_t count) {
  std::mt19937 random(7);
  std::string words;
  for (size_t i = 0; i < count; i++) {
    if (i > 0) words += '|';
    for (size_t n = 6 + random() % 6; n > 0; n--) words += static_cast<char>('a' + random() % 26);
  }
  return words;
}

const Counted kCounted[] = {{"three words", "error|warning|fatal"},
                            {"50 words", kWords},
                            {"1,000 words", ManyWords(1000)},
                            {"three words, (?i)", "(?i)error|warning|fatal"},
                            {"three words, in a context", "\\b(?:error|number|first),"},
                            {"[\\x20-\\x7e]{200,}", "[\\x20-\\x7e]{200,}"},
                            {"\\b[0-9a-f]{32}\\b", "\\b[0-9a-f]{32}\\b"}};

void CountedRow(World &world, const Counted &counted, const std::string &what,
                const std::string &path) {
  std::string query =
      "SELECT count(*) FROM mmap_search_all(" + Quote(path) + ", " + Quote(counted.regex) + ")";
  std::string bytes = std::string("(?-u)") + counted.regex;
  world.Add(Race("sqlite3 ... mmap_search_all, " + counted.name + ", " + what,
                 world.WholeShell("ours", {"mmap_search_all"}, query),
                 {{world.Ripgrep("rg --count-matches", {"-a", "--count-matches", bytes, path},
                                 [](const std::string &n) { return n.empty() ? "0" : n; }),
                   0.5}},
                 world.sizes.rounds));
}

// Ours in this process without SQL, by the loops called `kernel`. Only the best must be fast.
void KernelRow(World &world, const std::string &kernel, const Mapped &file) {
  std::string bytes = AbsentNeedle(8), best = mm_find_path();
  auto by = [&](const std::function<int64_t()> &search) {
    return Side{"ours",
                [=] {
                  mm_find_use(kernel.c_str());
                  std::string answer = std::to_string(search());
                  mm_find_use(nullptr);
                  return answer;
                },
                OwnCpuTime};
  };
  mm_needle needle;
  mm_needle_prepare(&needle, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
  const uint8_t set[32] = {0, 4};
  double target = kernel == best ? 0.9 : 0;
  std::string work = "loops for " + kernel + (kernel == best ? ", in use, " : ", ");
  auto add = [&](const std::string &what, const Side &ours, const Peer &peer) {
    world.Add(Race(work + what, ours, {peer}, world.sizes.rounds));
  };
  auto find = [&] { return mm_find(&needle, file.data, file.size, nullptr); };
  auto rfind = [&] { return mm_rfind(&needle, file.data, file.size, nullptr); };
  auto count = [&] { return mm_count(&needle, file.data, file.size, nullptr); };
  auto bytes_of = [&] { return mm_count_set(set, file.data, file.size, nullptr); };
  add("find, absent, 8 B", by(find), {Read(file, "-1"), target});
  add("rfind, absent, 8 B", by(rfind), {Read(file, "-1"), target});
  add("count, absent, 8 B", by(count), {Read(file, "0"), target});
  add("count of a byte", by(bytes_of),
      {{"C loop", [&] { return std::to_string(LoopCount(file.data, file.size, 10)); }, OwnCpuTime},
       0.5});
}

} // namespace

void KernelRows(World &world) {
  Mapped file(world.RandomFile());
  for (const char *kernel : {"avx512+avx2", "avx512", "avx2", "neon", "portable"}) {
    bool usable = mm_find_use(kernel);
    mm_find_use(nullptr);
    if (usable) KernelRow(world, kernel, file);
  }
}

std::string KernelNames() {
  std::string names, best;
  mm_find_use(nullptr);
  best = mm_find_path();
  for (const char *kernel : {"avx512+avx2", "avx512", "avx2", "neon", "portable"}) {
    if (kernel != best && mm_find_use(kernel)) names += std::string(", ") + kernel;
  }
  mm_find_use(nullptr);
  return best + " in use" + names;
}

void SearchRows(World &world) {
  std::string path = world.RandomFile();
  {
    Mapped file(path);
    for (const Searching &how : {kFind, kRfind, kCount}) {
      world.Add(AbsentLines(world, path, file, how));
    }
  }
  HardRows(world);
  ProcessRow(world, "random bytes", path);
  ProcessRow(world, "English", world.EnglishFile());
}

void PatternRows(World &world) {
  std::string path = world.EnglishFile();
  for (const Pattern &pattern : kPatterns) PatternRow(world, pattern, path);
  for (const Counted &counted : kCounted) CountedRow(world, counted, "English", path);
  for (const Counted &counted : kCounted) {
    if (&counted < kCounted + 4) CountedRow(world, counted, "random bytes", world.RandomFile());
  }
}

} // namespace mm_bench
