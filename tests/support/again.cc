#include "tests/support/again.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#ifdef _WIN32
#include <process.h>
#include <windows.h>
#else
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace mm_test {

#ifdef _WIN32

static intptr_t Start(const std::vector<const char *> &words) {
  std::vector<std::string> quoted;
  std::vector<const char *> arguments;
  for (const char *word : words) {
    if (word) quoted.push_back('"' + std::string(word) + '"');
  }
  for (const std::string &word : quoted) arguments.push_back(word.c_str());
  arguments.push_back(nullptr);
  // wine 8 starts none now and then, of some thousands.
  intptr_t process = -1;
  for (int tries = 0; process == -1 && tries < 5; tries++) {
    if (tries > 0) Sleep(100);
    process = _spawnv(_P_NOWAIT, words[0], arguments.data());
  }
  return process;
}

static int StatusOf(intptr_t process) {
  int status = -1;
  return _cwait(&status, process, 0) == process ? status : -1;
}

static std::string Self() {
  return _pgmptr;
}

// Why the last process could not be started: the system's own number, too.
static std::string WhyNot() {
  return std::string(strerror(errno)) + " (" + std::to_string(_doserrno) + ")";
}

void Again::Die() {
  TerminateProcess(GetCurrentProcess(), kKilled);
  abort();
}

#else

static intptr_t Start(const std::vector<const char *> &words) {
  pid_t pid = -1;
  int rc = posix_spawn(&pid, words[0], nullptr, nullptr, const_cast<char *const *>(words.data()),
                       environ);
  errno = rc;
  return rc == 0 ? pid : -1;
}

static int StatusOf(intptr_t process) {
  int status = 0;
  auto pid = static_cast<pid_t>(process);
  if (waitpid(pid, &status, 0) != pid) return -1;
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) return Again::kKilled;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static std::string Self() {
  return "/proc/self/exe";
}

static std::string WhyNot() {
  return strerror(errno);
}

void Again::Die() {
  kill(getpid(), SIGKILL);
  abort();
}

#endif

Again::Again(const std::string &test, const std::map<std::string, std::string> &told) {
  std::string self = Self(), filter = "--gtest_filter=" + test;
  for (const auto &[name, value] : told) setenv(("MM_TOLD_" + name).c_str(), value.c_str(), 1);
  process_ = Start({self.c_str(), filter.c_str(), "--gtest_also_run_disabled_tests",
                    "--gtest_brief=1", nullptr});
  EXPECT_NE(process_, -1) << "no process can be started: " << WhyNot();
}

Again::~Again() {
  if (process_ != -1) (void)Wait();
}

int Again::Wait() {
  int status = process_ == -1 ? -1 : StatusOf(process_);
  process_ = -1;
  return status;
}

std::string Again::Told(const std::string &name) {
  const char *value = getenv(("MM_TOLD_" + name).c_str());
  return value ? value : "";
}

} // namespace mm_test
