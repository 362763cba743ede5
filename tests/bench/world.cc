#include "tests/bench/world.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <random>
#include <stdexcept>

extern char **environ;

namespace mm_bench {

void Die(const std::string &why) {
  throw std::runtime_error(why);
}

/* ---- SQL ------------------------------------------------------------------------------------ */

namespace {

void Check(sqlite3 *db, int rc, const std::string &sql) {
  if (rc != SQLITE_OK) Die(std::string(sqlite3_errmsg(db)) + " in: " + sql.substr(0, 300));
}

} // namespace

std::string Sql::library;

Sql::Sql(const std::string &database, bool load) {
  if (sqlite3_open(database.c_str(), &db) != SQLITE_OK) Die("cannot open " + database);
  if (!load) return;
  sqlite3_enable_load_extension(db, 1);
  char *error = nullptr;
  if (sqlite3_load_extension(db, library.c_str(), nullptr, &error) != SQLITE_OK) {
    Die(error ? error : "cannot load " + library);
  }
}

Sql::~Sql() {
  sqlite3_close(db);
}

std::string Sql::Ask(const std::string &sql, const std::string &bytes) {
  std::string answer;
  const char *rest = sql.c_str();
  while (*rest) {
    sqlite3_stmt *stmt = nullptr;
    Check(db, sqlite3_prepare_v2(db, rest, -1, &stmt, &rest), sql);
    if (!stmt) continue;
    if (sqlite3_bind_parameter_count(stmt) > 0) {
      sqlite3_bind_blob64(stmt, 1, bytes.data(), bytes.size(), SQLITE_STATIC);
    }
    if (sqlite3_step(stmt) == SQLITE_ROW) {
      answer.clear();
      for (int i = 0; i < sqlite3_column_count(stmt); i++) {
        const void *value = sqlite3_column_blob(stmt, i);
        auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, i));
        if (i) answer += '|';
        if (value) answer.append(static_cast<const char *>(value), size);
      }
      while (sqlite3_step(stmt) == SQLITE_ROW) continue;
    }
    Check(db, sqlite3_finalize(stmt), sql);
  }
  return answer;
}

int Sql::Try(const std::string &sql) {
  return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr);
}

bool Sql::Has(const std::string &name) {
  return Ask("SELECT EXISTS (SELECT 1 FROM pragma_module_list WHERE name = " + Quote(name) +
             ") OR EXISTS (SELECT 1 FROM pragma_function_list WHERE name = " + Quote(name) + ")") ==
         "1";
}

std::string Quote(const std::string &text) {
  std::string quoted = "'";
  for (char c : text) quoted += c == '\'' ? "''" : std::string(1, c);
  return quoted + "'";
}

std::string Blob(const std::string &bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string blob = "x'";
  for (unsigned char byte : bytes) blob += {digits[byte / 16], digits[byte % 16]};
  return blob + "'";
}

/* ---- other programs ------------------------------------------------------------------------- */

namespace {

// Start a program whose standard output, and input if `to` is wanted, are pipes.
pid_t Start(const std::vector<std::string> &command, FILE **to, FILE **from) {
  int input[2] = {-1, -1}, output[2];
  if ((to && pipe2(input, O_CLOEXEC) != 0) || pipe2(output, O_CLOEXEC) != 0) Die("no pipe");
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (to) posix_spawn_file_actions_adddup2(&actions, input[0], 0);
  posix_spawn_file_actions_adddup2(&actions, output[1], 1);
  std::vector<char *> argv;
  for (const std::string &word : command) argv.push_back(const_cast<char *>(word.c_str()));
  argv.push_back(nullptr);
  pid_t pid = 0;
  int rc = posix_spawnp(&pid, argv[0], &actions, nullptr, argv.data(), environ);
  if (rc != 0) Die("cannot start " + command[0] + ": " + strerror(rc));
  posix_spawn_file_actions_destroy(&actions);
  close(output[1]);
  *from = fdopen(output[0], "r");
  if (to) {
    close(input[0]);
    *to = fdopen(input[1], "w");
  }
  return pid;
}

} // namespace

Coprocess::Coprocess(const std::vector<std::string> &command) {
  pid_ = Start(command, &to_, &from_);
}

Coprocess::~Coprocess() {
  fclose(to_);
  fclose(from_);
  waitpid(pid_, nullptr, 0);
}

std::string Coprocess::Ask(const std::string &line) {
  fprintf(to_, "%s\n", line.c_str());
  fflush(to_);
  std::string answer;
  int c;
  while ((c = getc(from_)) != EOF && c != '\n') answer += static_cast<char>(c);
  if (c == EOF) Die("no answer to: " + line.substr(0, 300));
  return answer;
}

namespace {

double ClockTime(clockid_t clock) {
  timespec time = {};
  clock_gettime(clock, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

} // namespace

double Coprocess::CpuTime() const {
  clockid_t clock;
  return clock_getcpuclockid(pid_, &clock) == 0 ? ClockTime(clock) : 0;
}

double OwnCpuTime() {
  return ClockTime(CLOCK_PROCESS_CPUTIME_ID);
}

double ProgramsCpuTime() {
  rusage usage;
  getrusage(RUSAGE_CHILDREN, &usage);
  return static_cast<double>(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
         1e-6 * static_cast<double>(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

bool Installed(const std::string &program) {
  std::string path = getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin";
  for (size_t at = 0; at <= path.size();) {
    size_t end = std::min(path.find(':', at), path.size());
    if (access((path.substr(at, end - at) + "/" + program).c_str(), X_OK) == 0) return true;
    at = end + 1;
  }
  return false;
}

std::string RunProgram(const std::vector<std::string> &command) {
  FILE *from;
  pid_t pid = Start(command, nullptr, &from);
  std::string output;
  char piece[4096];
  size_t size;
  while ((size = fread(piece, 1, sizeof piece, from)) > 0) output.append(piece, size);
  fclose(from);
  waitpid(pid, nullptr, 0);
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output;
}

double ProcessStatus(const std::string &name) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.compare(0, name.size() + 1, name + ":") == 0) {
      return 1024 * atof(line.c_str() + name.size() + 1);
    }
  }
  return 0;
}

double AnonymousMemory() {
  return ProcessStatus("RssAnon");
}

/* ---- files ---------------------------------------------------------------------------------- */

Mapped::Mapped(const std::string &path) {
  int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) != 0) Die("cannot open " + path);
  size = static_cast<size_t>(status.st_size);
  void *memory = mmap(nullptr, size, PROT_READ, MAP_SHARED | MAP_POPULATE, fd, 0);
  if (memory == MAP_FAILED) Die("cannot map " + path);
  close(fd);
  data = static_cast<const uint8_t *>(memory);
}

Mapped::~Mapped() {
  munmap(const_cast<uint8_t *>(data), size);
}

std::string World::File(const std::string &name, uint64_t size,
                        const std::function<void(uint64_t, uint8_t *, size_t)> &fill) {
  std::string path = directory + "/" + name;
  int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0 && errno == EEXIST) return path;
  if (fd < 0) Die("cannot make " + path);
  fprintf(stderr, "making %s (%s)\n", name.c_str(), SizeText(static_cast<double>(size)).c_str());
  std::vector<uint8_t> piece(static_cast<size_t>(std::min<uint64_t>(size, 1 << 24)));
  for (uint64_t at = 0; at < size; at += piece.size()) {
    piece.resize(static_cast<size_t>(std::min<uint64_t>(piece.size(), size - at)));
    fill(at, piece.data(), piece.size());
    if (write(fd, piece.data(), piece.size()) != static_cast<ssize_t>(piece.size())) {
      Die("cannot write " + path);
    }
  }
  // What the kernel would still write to the disk later would disturb the measurements.
  fdatasync(fd);
  close(fd);
  return path;
}

std::string World::RandomFile() {
  std::mt19937_64 random(1);
  return File("random", sizes.text, [&](uint64_t, uint8_t *piece, size_t size) {
    for (size_t i = 0; i < size; i++) {
      if (i % 8 == 0) {
        uint64_t word = random();
        std::memcpy(piece + i, &word, std::min<size_t>(8, size - i));
      }
      piece[i] = static_cast<uint8_t>(piece[i] - (piece[i] == 255));
    }
  });
}

std::string World::EnglishFile() {
  // The commonest words, the commoner ones more often.
  static const char *const words[] = {
      "the",   "of",     "and",  "to",    "a",      "in",    "is",   "that",  "it",   "was",
      "for",   "on",     "are",  "as",    "with",   "his",   "they", "at",    "be",   "this",
      "have",  "from",   "or",   "one",   "had",    "by",    "word", "but",   "not",  "what",
      "all",   "were",   "we",   "when",  "your",   "can",   "said", "there", "use",  "an",
      "each",  "which",  "she",  "do",    "how",    "their", "if",   "will",  "up",   "other",
      "about", "out",    "many", "then",  "them",   "these", "so",   "some",  "her",  "would",
      "make",  "like",   "him",  "into",  "time",   "has",   "look", "two",   "more", "write",
      "see",   "number", "way",  "could", "people", "than",  "first"};
  std::mt19937 random(2);
  size_t column = 0;
  const std::string planted = "sqlite-mmap 42\n";
  return File("english", sizes.english, [&](uint64_t at, uint8_t *piece, size_t size) {
    for (size_t i = 0; i < size;) {
      std::string word = words[random() % 77 * (random() % 77) / 77];
      column += word.size() + 1;
      word += column > 80 ? '\n' : random() % 12 ? ' ' : ',';
      if (column > 80) column = 0;
      word.resize(std::min(word.size(), size - i));
      std::memcpy(piece + i, word.data(), word.size());
      i += word.size();
    }
    if (at + size == sizes.english) {
      std::memcpy(piece + size - planted.size(), planted.data(), planted.size());
    }
  });
}

std::string World::RepeatedFile(const std::string &name, const std::string &part) {
  return File(name, sizes.hard, [&](uint64_t at, uint8_t *piece, size_t size) {
    for (size_t i = 0; i < size; i++) {
      piece[i] = static_cast<uint8_t>(part[static_cast<size_t>((at + i) % part.size())]);
    }
  });
}

/* ---- sides ---------------------------------------------------------------------------------- */

World::~World() {
  if (!directory.empty()) std::filesystem::remove_all(directory);
}

void World::Add(const std::vector<Line> &more) {
  lines.insert(lines.end(), more.begin(), more.end());
}

Side World::Ours(const std::string &name, const std::vector<std::string> &needs,
                 const std::function<std::string()> &run) const {
  for (const std::string &need : needs) {
    if (!sql->Has(need)) return {need + " is not there", nullptr, nullptr};
  }
  return {name, run, OwnCpuTime};
}

Side World::InProcess(const std::string &name, const std::vector<std::string> &needs,
                      const std::string &query, const std::string &bytes) const {
  return Ours(name, needs, [=] { return sql->Ask(query, bytes); });
}

Side World::InShell(const std::string &name, const std::vector<std::string> &needs,
                    const std::string &query) const {
  if (!shell) return {"sqlite3: apt-get install sqlite3", nullptr, nullptr};
  Side side = Ours(name, needs, [=] { return shell->Ask(query + ";"); });
  side.cpu = [=] { return shell->CpuTime(); };
  return side;
}

Side World::WholeShell(const std::string &name, const std::vector<std::string> &needs,
                       const std::string &query) const {
  if (!shell) return {"sqlite3: apt-get install sqlite3", nullptr, nullptr};
  Side side = Ours(name, needs, [=] {
    return RunProgram({"sqlite3", "-init", "/dev/null", "-batch", "-cmd",
                       ".load " + Quote(Sql::library), ":memory:", query});
  });
  side.cpu = ProgramsCpuTime;
  return side;
}

Side World::Python(const std::string &name, const std::string &expression) const {
  if (!python) return {name + ": apt-get install python3", nullptr, nullptr};
  return {"Python " + name, [=] { return python->Ask(expression); },
          [=] { return python->CpuTime(); }};
}

Side World::Kaitai(const std::string &name, const std::string &call) const {
  if (!node) {
    return {name + ": npm install kaitai-struct kaitai-struct-compiler, in NODE_PATH", nullptr,
            nullptr};
  }
  return {name, [=] { return node->Ask(call); }, [=] { return node->CpuTime(); }};
}

Side World::Fq(const std::string &name, const std::string &expression,
               const std::string &path) const {
  if (!Installed("fq")) return {name + ": apt-get install fq", nullptr, nullptr};
  // It looks for its settings at home, and where there is none it does not start.
  std::vector<std::string> command = {"env", "HOME=/nonexistent", "fq", "-r", expression, path};
  return {name, [=] { return RunProgram(command); }, ProgramsCpuTime};
}

Side World::Ripgrep(const std::string &name, const std::vector<std::string> &arguments,
                    const std::function<std::string(const std::string &)> &answer) const {
  if (!ripgrep) return {name + ": apt-get install ripgrep", nullptr, nullptr};
  std::vector<std::string> command = {"rg"};
  command.insert(command.end(), arguments.begin(), arguments.end());
  return {name, [=] { return answer(RunProgram(command)); }, ProgramsCpuTime};
}

} // namespace mm_bench
