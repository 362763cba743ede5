// Every SQL test with faults: the tests of ext/*/*_test.cc, as they stand, and in each of their
// statements each allocation, or each system call, fails in turn.
//
//     ./bazelw test //tests:faults/oom           a sample: ways to a call that it has not seen
//     ./bazelw run //tests:faults/oom -- --full  all of them: also oom-sticky, io, io-sticky
//     … -- --full=1                              … each way to a call once in a test, not thrice
//     … -- --full --only='Open.*:GetSet.*'       of some tests
//     … -- --full --only=Open.Reads --fault=3:17 in statement 3 alone, call 17, with what the
//                                                 child said (MM_FAULTS_STACK=1: and where an
//                                                 allocation failed)
//
// For each test a first child process runs it without faults, and notes what its statements give
// and how many calls each makes. Each further child runs it with a fault in one call of every
// statement (at most one in each), until all have had their turn. A statement whose fault was met
// must give the same rows as without it or a proper error, and leave nothing behind; then it is run
// again without the fault, and the test goes on: its own expectations, which hold without faults,
// must hold still. Where a test cannot go on (SQLite rolls a transaction back when memory runs out;
// a handle was opened before the statement failed) it ends there, and later statements have their
// turn in other children. At the end of a child no memory, descriptor or mapping is left.
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
#include <deque>
#include <fstream>
#include <iostream>
#include <unordered_map>

#include "tests/faults/child.h"
#include "tests/faults/exempt.h"

namespace mm_test {

namespace {

struct Options {
  Mode mode;
  std::string name = "oom"; // of the mode
  int full = 0;             // so often each way to a call in one test; 0: the suite's sample
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

// Which calls fail depends on the calls alone, not on time or on where the system puts the program.
constexpr int kTimesFull = 3;    // the full run: so often each way to a call in one test
constexpr size_t kMostLong = 24; // … and of a long test so many processes, and calls of a statement
constexpr int kTimesSuite = 5;   // the suite: so often in all tests together
constexpr size_t kMostSuite = 10; // … and in the suite
constexpr int kHangSeconds = 200; // a child that says nothing for so long hangs

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

// Where googletest is about to start a test, this forks the children for it, one after the other: each
// goes on from here and runs the test, and the parent passes over it. (Each could select its test among
// all, but googletest writes to all of them then, and a child has pages of its own from the first byte
// that it writes.)
class Runner : public testing::EmptyTestEventListener {
public:
  explicit Runner(const Options &options) : options_(options) {}

  void OnTestStart(const testing::TestInfo &test) override {
    name_ = test.test_suite_name() + ("." + std::string(test.name()));
    used_ = sqlite3_memory_used();
    if (!IsLeftOut()) Test();
    if (!is_child_) PassOver();
  }
  void OnTestPartResult(const testing::TestPartResult &result) override {
    if (!is_child_ || !result.failed()) return;
    printf("%s:%d: %s\n", result.file_name() ? result.file_name() : "?", result.line_number(),
           result.message());
  }
  void OnTestEnd(const testing::TestInfo &test) override {
    if (is_child_) EndChild(test);
    if (sqlite3_memory_used() == used_) return;
    printf("FAILED %s: it does something before its SetUp\n", name_.c_str());
    totals.violations++;
  }

  Totals totals;

private:
  using Pending = std::map<int, std::deque<int>>;

  static void PassOver() { GTEST_SKIP(); }

  bool IsLeftOut() {
    if (const char *reason = Exempt(name_, options_.name)) {
      printf("exempt: %s: %s\n", name_.c_str(), reason);
      totals.exempt[reason]++;
      return true;
    }
    if (options_.full || !IsLong(name_)) return false;
    totals.slow.insert(name_);
    return true;
  }

  // Ends early in a child.
  void Test() {
    totals.tests++;
    double start = ChildrenCpu();
    task_ = Task();
    known_ = Child();
    if (is_child_ || !known_.violations.empty()) return;
    task_.known = &known_.statements;
    task_.descriptors = known_.descriptors;
    task_.ends = EndsAtFault(name_);
    task_.changes_files = ChangesFiles(name_);
    task_.cuts_files = CutsFiles(name_);
    size_t most = !options_.full ? kMostSuite : IsLong(name_) ? kMostLong : SIZE_MAX;
    Pending pending = Plan(known_.statements, most);
    for (size_t children = 0; !pending.empty() && children < most; children++) {
      Choose(pending, &task_);
      Report report = Child();
      // A test whose way depends on time, or that ends at a fault each time: no progress is no
      // progress.
      if (is_child_ || report.tried.empty()) break;
      for (auto &tried : report.tried) {
        auto entry = pending.find(tried.first);
        entry->second.pop_front();
        if (entry->second.empty()) pending.erase(entry);
      }
    }
    if (is_child_) return;
    if (ChildrenCpu() > start + 5) printf("%s: %.1f s\n", name_.c_str(), ChildrenCpu() - start);
    for (auto &entry : pending) totals.cut += static_cast<long>(entry.second.size());
  }

  // ---- which calls fail

  // Shall this call fail, which was reached by the way `site`? Of the ways deep inside SQLite, of
  // which there are many, the suite tries only some: what follows is mostly the same.
  bool IsToFail(uint64_t site) {
    static const int kOneIn[] = {1, 4, 16, 1}; // by Fault::Nearness
    int times = times_[site]++;
    if (options_.full) return times < options_.full;
    return times < kTimesSuite && ways_[site & 3]++ % kOneIn[site & 3] == 0;
  }

  // No more than `most`, from the first to the last.
  void Thin(std::deque<int> *calls, size_t most) {
    if (calls->size() <= most) return;
    std::deque<int> kept;
    for (size_t i = 0; i < most; i++) kept.push_back((*calls)[i * calls->size() / most]);
    totals.cut += static_cast<long>(calls->size() - most);
    calls->swap(kept);
  }

  Pending Plan(const std::vector<Statement> &statements, size_t most) {
    Pending pending;
    if (options_.full) times_.clear();
    for (size_t k = 0; k < statements.size(); k++) {
      const std::vector<uint64_t> &sites = statements[k].sites;
      std::deque<int> calls;
      for (size_t n = 0; n < sites.size(); n++)
        if (IsToFail(sites[n])) calls.push_back(static_cast<int>(n));
      Thin(&calls, most);
      totals.statements++;
      totals.calls += statements[k].calls;
      if (options_.k >= 0) calls.clear();
      if (options_.k == static_cast<int>(k)) calls.push_back(options_.n);
      if (!calls.empty()) pending[static_cast<int>(k)] = calls;
    }
    return pending;
  }

  // The next call of each statement. Of a test that ends at its first fault, of one statement after
  // the other.
  static void Choose(const Pending &pending, Task *task) {
    auto next =
        task->faults.empty() ? pending.begin() : pending.upper_bound(task->faults.begin()->first);
    if (next == pending.end()) next = pending.begin();
    task->faults.clear();
    if (task->ends) {
      task->faults[next->first] = next->second.front();
      return;
    }
    for (auto &entry : pending) task->faults[entry.first] = entry.second.front();
  }

  // ---- a child

  // Forks one with task_: what it reported; in the child itself, nothing.
  Report Child() {
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
      is_child_ = true;
      BeginChild(options_.mode, task_, report, ask[1], answer[0]);
      return Report();
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
  std::string name_; // of the test
  bool is_child_ = false;
  sqlite3_int64 used_ = 0;                  // bytes of memory before the test
  Task task_;                               // of the children of the test
  Report known_;                            // what the first of them reported
  std::unordered_map<uint64_t, int> times_; // that a way was met: in this test, or in all
  int ways_[4] = {};                        // by Fault::Nearness
};

bool Parse(int argc, char **argv, Options *options) {
  const char *mode = getenv("MM_FAULTS");
  if (mode) options->name = mode;
  for (int i = 1; i < argc; i++) {
    std::string arg = argv[i];
    if (arg == "--full") options->full = kTimesFull;
    if (arg.rfind("--full=", 0) == 0) options->full = atoi(arg.c_str() + 7);
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
         "%ld met, of these %ld made no difference and %ld ended their test; %ld were left out, as "
         "their tests had their share\n",
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

// A test that starts its program anew, for another process, names in googletest's own words what to
// run there: without faults, of which only this process knows.
bool IsStartedByATest(int argc, char **argv) {
  return argc > 1 && std::string(argv[1]).rfind("--gtest_filter=", 0) == 0;
}

int Main(int argc, char **argv) {
  Options options;
  bool started_by_test = IsStartedByATest(argc, argv);
  PrepareMemory();
  testing::InitGoogleTest(&argc, argv);
  if (started_by_test) return RUN_ALL_TESTS();
  if (!Parse(argc, argv, &options)) {
    fprintf(stderr, "mode is oom, oom-sticky, io or io-sticky, not %s\n", options.name.c_str());
    return 2;
  }
  sqlite3_initialize();
  signal(SIGPIPE, SIG_IGN);
  testing::GTEST_FLAG(filter) = options.only;
  testing::GTEST_FLAG(catch_exceptions) = true;
  testing::TestEventListeners &listeners = testing::UnitTest::GetInstance()->listeners();
  delete listeners.Release(listeners.default_result_printer());
  delete listeners.Release(listeners.default_xml_generator());
  auto *runner = new Runner(options); // googletest deletes it
  listeners.Append(runner);
  bool failed = RUN_ALL_TESTS() != 0;
  Print(options, runner->totals);
  return failed || runner->totals.violations || runner->totals.tests == 0;
}

} // namespace mm_test

int main(int argc, char **argv) {
  return mm_test::Main(argc, argv);
}
