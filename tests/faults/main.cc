// Every SQL test with faults: the tests of ext/*_test.cc, as they stand, and in each of their statements
// each allocation, or each system call, fails in turn.
//
//     ./bazelw test //tests:faults/oom           a sample: ways to a call that it has not seen
//     ./bazelw run //tests:faults/oom -- --full  every call: also oom-sticky, io, io-sticky
//     … -- --full --only='Open.*:GetSet.*'       of some tests
//     … -- --full --only=Open.Reads --fault=3:17 in statement 3 alone, call 17; shows what the child said
//                                                 (MM_FAULTS_STACK=1: and where an allocation failed)
//
// For each test a first child process runs it without faults, and notes what its statements give and
// how many calls each makes. Each further child runs it with a fault in one call of every statement (at
// most one in each), until all have had their turn. A statement whose fault was met must give the same
// rows as without it or a proper error, and leave nothing behind; then it is run again without the
// fault, and the test goes on: its own expectations, which hold without faults, must hold still. Where
// a test cannot go on (SQLite rolls a transaction back when memory runs out; a handle was opened before
// the statement failed) it ends there, and later statements have their turn in other children. At the
// end of a child no memory, descriptor or mapping is left.
//
// The library is linked into this program, so that core's table of system calls can be reached.
#include <poll.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <iostream>

#include "tests/faults/child.h"
#include "tests/faults/exempt.h"

namespace mm_test {

namespace {

struct Options {
  Mode mode;
  std::string name = "oom"; // of the mode
  bool full = false;
  std::string only = "*";
  int k = -1, n = -1;
};

struct Totals {
  long tests = 0, statements = 0, calls = 0, children = 0, tried = 0, fired = 0, survived = 0,
       stopped = 0, cut = 0;
  std::set<std::string> errors, diverged, slow;
  std::map<std::string, int> exempt;
  int violations = 0;
};

constexpr int kEachFull = 160; // the full run: of a statement's calls so many …
constexpr int kSampled = 60;   // … and about so many of the rest
constexpr int kLong = 300;     // of a test with more statements than this, as in the suite
constexpr double kSecondsSuite = 0.05, kSecondsFull = 120; // of CPU, the most for one test
constexpr double kSlow = 0.08;   // a test that takes longer without faults is not for the suite
constexpr int kHangSeconds = 60; // a child that says nothing for so long hangs

double Now() {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Of all children so far.
double ChildrenCpu() {
  rusage used;
  getrusage(RUSAGE_CHILDREN, &used);
  auto seconds = [](const timeval &t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

class Runner {
public:
  explicit Runner(const Options &options) : options_(options) {}

  void Test(const std::string &name) {
    if (const char *reason = Exempt(name, options_.name)) {
      printf("exempt: %s: %s\n", name.c_str(), reason);
      totals.exempt[reason]++;
      return;
    }
    name_ = name;
    totals.tests++;
    Task first;
    double before = ChildrenCpu();
    Report known = Child(first);
    if (!known.violations.empty()) return;
    Task task;
    double slow = ChildrenCpu() - before;
    if (!options_.full && slow > kSlow) {
      totals.slow.insert(name);
      return;
    }
    task.known = &known.statements;
    task.descriptors = known.descriptors;
    Pending pending = Plan(known.statements);
    double start = ChildrenCpu(), end = start + (options_.full ? kSecondsFull : kSecondsSuite);
    while (!pending.empty() && ChildrenCpu() < end) {
      task.faults.clear();
      for (auto &entry : pending) task.faults[entry.first] = entry.second.front();
      Report report = Child(task);
      // A test whose way depends on time, or that ends at a fault each time: no progress is no progress.
      if (report.tried.empty()) break;
      for (auto &tried : report.tried) {
        auto entry = pending.find(tried.first);
        entry->second.erase(entry->second.begin());
        if (entry->second.empty()) pending.erase(entry);
      }
    }
    if (ChildrenCpu() > start + 1) printf("%s: %.1f s\n", name.c_str(), ChildrenCpu() - start);
    for (auto &entry : pending) totals.cut += static_cast<long>(entry.second.size());
  }

  Totals totals;

private:
  using Pending = std::map<int, std::vector<int>>;

  // ---- which calls fail

  // A call that was not reached this way before. Of those deep inside SQLite there are many, and not all
  // are tried: what follows is mostly the same.
  bool IsNew(uint64_t site) {
    static const uint64_t kOneIn[] = {1, 8, 32, 1}; // by Fault::Nearness
    return (site >> 8) % kOneIn[site & 3] == 0 && seen_.insert(site).second;
  }

  std::vector<int> Calls(const Statement &statement, bool all) {
    std::vector<int> calls;
    int count = statement.calls;
    for (int n = 0; n < count; n++) {
      size_t i = static_cast<size_t>(n);
      bool sampled = count <= kEachFull + kSampled || n % ((count - kEachFull) / kSampled + 1) == 0;
      bool fails = i < statement.sites.size() && IsNew(statement.sites[i]);
      if (fails || (all && (n < kEachFull || sampled))) calls.push_back(n);
    }
    return calls;
  }

  Pending Plan(const std::vector<Statement> &statements) {
    Pending pending;
    bool all = options_.full && statements.size() <= kLong;
    for (size_t k = 0; k < statements.size(); k++) {
      std::vector<int> calls = Calls(statements[k], all);
      totals.statements++;
      totals.calls += statements[k].calls;
      if (options_.k >= 0) calls.clear();
      if (options_.k == static_cast<int>(k)) calls.push_back(options_.n);
      if (!calls.empty()) pending[static_cast<int>(k)] = calls;
    }
    return pending;
  }

  // ---- a child

  Report Child(const Task &task) {
    int report = memfd_create("report", 0), output = memfd_create("output", 0);
    int ask[2], answer[2];
    if (pipe(ask) || pipe(answer)) abort();
    fflush(nullptr);
    pid_t pid = fork();
    if (pid == 0) {
      setpgid(0, 0);
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      dup2(output, 1);
      dup2(output, 2);
      RunChild(name_, options_.mode, task, report, ask[1], answer[0]);
    }
    close(ask[1]);
    close(answer[0]);
    int status = Serve(pid, ask[0], answer[1]);
    close(ask[0]);
    close(answer[1]);
    Report found = ReadReport(report);
    if (status != 0) found.violations.push_back(Describe(status));
    Count(found);
    if (!found.violations.empty() || options_.k >= 0) Show(found, output);
    close(report);
    close(output);
    return found;
  }

  // Answers the child's questions until it ends: how it ended.
  static int Serve(pid_t pid, int ask, int answer) {
    std::string directory = "/proc/" + std::to_string(pid) + "/cwd";
    pollfd wait = {ask, POLLIN, 0};
    for (double since = Now();;) {
      char byte;
      int ready = poll(&wait, 1, 1000);
      int status;
      // Grandchildren may hold the pipe open for longer than the child lives.
      if (ready == 0 && waitpid(pid, &status, WNOHANG) == pid) return status;
      if (ready == 0 && Now() - since > kHangSeconds) kill(-pid, SIGKILL);
      if (ready <= 0) continue;
      if (read(ask, &byte, 1) != 1) break;
      since = Now();
      Answer(directory, answer);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return status;
  }

  static void Answer(const std::string &link, int answer) {
    char target[PATH_MAX];
    ssize_t n = readlink(link.c_str(), target, sizeof target);
    std::string directory(target, n > 0 ? static_cast<size_t>(n) : 0);
    // A test without a directory of its own writes no file.
    std::string text = directory.find("/sql.") == std::string::npos ? "" : ListFiles(directory);
    uint64_t size = text.size();
    std::string message(reinterpret_cast<char *>(&size), sizeof size);
    message += text;
    for (size_t done = 0; done < message.size();) {
      ssize_t written = write(answer, message.data() + done, message.size() - done);
      if (written <= 0) return;
      done += static_cast<size_t>(written);
    }
  }

  static std::string Describe(int status) {
    if (WIFSIGNALED(status)) {
      int signal = WTERMSIG(status);
      return std::string(signal == SIGKILL ? "it hung, and was ended by " : "it was ended by ") +
             strsignal(signal);
    }
    return "it ended with status " + std::to_string(WEXITSTATUS(status));
  }

  void Count(const Report &report) {
    totals.children++;
    totals.tried += static_cast<long>(report.tried.size());
    totals.fired += static_cast<long>(report.fired.size());
    totals.survived += static_cast<long>(report.survived.size());
    totals.stopped += report.stopped;
    totals.errors.insert(report.errors.begin(), report.errors.end());
    if (report.diverged) totals.diverged.insert(name_);
    totals.violations += static_cast<int>(report.violations.size());
  }

  void Show(const Report &report, int output) {
    for (const std::string &violation : report.violations)
      printf("FAILED %s %s: %s\n", options_.name.c_str(), name_.c_str(), violation.c_str());
    printf("  faults fired:");
    for (auto &fired : report.fired) printf(" %d:%d", fired.first, fired.second);
    printf("\n");
    static int shown;
    if (options_.k < 0 && shown++ > 40) return;
    char buffer[4000];
    lseek(output, 0, SEEK_SET);
    ssize_t n = read(output, buffer, sizeof buffer - 1);
    buffer[n > 0 ? n : 0] = 0;
    printf("%s\n", buffer);
    fflush(stdout);
  }

  const Options &options_;
  std::string name_;
  std::set<uint64_t> seen_;
};

std::vector<std::string> Tests() {
  std::vector<std::string> names;
  const testing::UnitTest *unit = testing::UnitTest::GetInstance();
  for (int i = 0; i < unit->total_test_suite_count(); i++) {
    const testing::TestSuite *suite = unit->GetTestSuite(i);
    for (int j = 0; j < suite->total_test_count(); j++)
      names.push_back(std::string(suite->name()) + "." + suite->GetTestInfo(j)->name());
  }
  return names;
}

// gtest's own patterns: '*' and '?', several with a colon between.
bool Fits(const char *name, const char *pattern) {
  if (*pattern == 0 || *pattern == ':') return *name == 0;
  if (*pattern == '*') return Fits(name, pattern + 1) || (*name && Fits(name + 1, pattern));
  return *name && (*pattern == '?' || *pattern == *name) && Fits(name + 1, pattern + 1);
}

bool FitsAny(const std::string &name, const std::string &patterns) {
  for (size_t at = 0; at != std::string::npos; at = patterns.find(':', at)) {
    at += at > 0;
    if (Fits(name.c_str(), patterns.c_str() + at)) return true;
  }
  return false;
}

bool Parse(int argc, char **argv, Options *options) {
  const char *mode = getenv("MM_FAULTS");
  if (mode) options->name = mode;
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (arg == "--full") options->full = true;
    if (arg.rfind("--only=", 0) == 0) options->only = arg.substr(7);
    if (arg.rfind("--mode=", 0) == 0) options->name = arg.substr(7);
    if (arg.rfind("--fault=", 0) == 0)
      sscanf(arg.c_str(), "--fault=%d:%d", &options->k, &options->n);
  }
  options->mode.kind = options->name.rfind("io", 0) == 0 ? Kind::kSystem : Kind::kMemory;
  options->mode.sticky = options->name.find("sticky") != std::string::npos;
  return options->name == "oom" || options->name == "oom-sticky" || options->name == "io" ||
         options->name == "io-sticky";
}

void Print(const Options &options, const Totals &totals) {
  printf("%s%s: %ld tests, %ld statements, %ld calls in them; %ld faults tried in %ld processes:\n"
         "%ld met, of these %ld made no difference and %ld ended their test; %ld were left out for "
         "want of time\n",
         options.name.c_str(), options.full ? " (full)" : "", totals.tests, totals.statements,
         totals.calls, totals.tried, totals.children, totals.fired, totals.survived, totals.stopped,
         totals.cut);
  printf("took another way than without faults:");
  for (const std::string &name : totals.diverged) printf(" %s", name.c_str());
  printf("\nlong without faults, and so left to the full run:");
  for (const std::string &name : totals.slow) printf(" %s", name.c_str());
  printf("\n%d violations, %.1f s of CPU\n", totals.violations, ChildrenCpu());
  const char *file = getenv("MM_FAULTS_ERRORS"); // to read what the messages are like
  if (!file) return;
  std::ofstream out(file);
  for (const std::string &error : totals.errors) out << error << "\n";
}

} // namespace

int Main(int argc, char **argv) {
  Options options;
  PrepareMemory();
  testing::InitGoogleTest(&argc, argv);
  if (!Parse(argc, argv, &options)) {
    fprintf(stderr, "mode is oom, oom-sticky, io or io-sticky, not %s\n", options.name.c_str());
    return 2;
  }
  sqlite3_initialize();
  signal(SIGPIPE, SIG_IGN);
  Runner runner(options);
  for (const std::string &name : Tests())
    if (FitsAny(name, options.only)) runner.Test(name);
  Print(options, runner.totals);
  return runner.totals.violations || runner.totals.tests == 0;
}

} // namespace mm_test

int main(int argc, char **argv) {
  return mm_test::Main(argc, argv);
}
