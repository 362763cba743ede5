// What happens to a process that reads a mapped file which is no longer there. What ends in death
// runs in a forked child, which reports by how it ends.
extern "C" {
#include "core/os/guard.h"
}

#include <errno.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <set>
#include <string>
#include <thread>
#include <vector>

namespace {

size_t Page() {
  return static_cast<size_t>(sysconf(_SC_PAGESIZE));
}

// A file of `pages` pages, all bytes 0x11, and a read-only mapping of it.
class Mapped {
public:
  explicit Mapped(size_t pages) : size(pages * Page()), path_(testing::TempDir() + "guardXXXXXX") {
    fd = mkstemp(path_.data());
    Fill();
    base = static_cast<const volatile uint8_t *>(
        mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, fd, 0));
  }
  ~Mapped() {
    munmap(Base(), size);
    close(fd);
    unlink(path_.c_str());
  }
  Mapped(const Mapped &) = delete;

  void *Base() const { return const_cast<uint8_t *>(base); }
  void Fill() {
    std::vector<char> bytes(size, 0x11);
    ASSERT_EQ(pwrite(fd, bytes.data(), size, 0), static_cast<ssize_t>(size));
  }
  void Truncate(size_t to) { ASSERT_EQ(ftruncate(fd, static_cast<off_t>(to)), 0); }
  uint64_t Sum(size_t from, size_t to) const {
    uint64_t sum = 0;
    for (size_t i = from; i < to; i++) sum += base[i];
    return sum;
  }
  uint64_t Sum() const { return Sum(0, size); }
  const std::string &Path() const { return path_; }

  const size_t size;
  int fd;
  const volatile uint8_t *base;

private:
  std::string path_;
};

// A Mapped that is watched.
class Guarded : public Mapped {
public:
  explicit Guarded(size_t pages, void (*notify)(void *) = nullptr, void *context = nullptr)
      : Mapped(pages), guard(mm_guard_add(Base(), size, notify, context)) {}
  ~Guarded() { mm_guard_remove(guard); }
  bool Hit() const { return mm_guard_hit(guard); }

  mm_guard *guard;
};

void Install() {
  mm_error err;
  if (mm_guard_install(&err) != MM_OK) {
    fprintf(stderr, "%s\n", err.text);
    abort();
  }
}

// How a child that runs `body` ends: waitpid's status. It dies of SIGALRM if it hangs.
int StatusOf(const std::function<void()> &body) {
  pid_t child = fork();
  if (child == 0) {
    alarm(20);
    body();
    _exit(0);
  }
  int status = -1;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return status;
}

testing::AssertionResult DiesOfSigbus(const std::function<void()> &body) {
  int status = StatusOf(body);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "ends with status " << status;
}

testing::AssertionResult Survives(const std::function<void()> &body) {
  int status = StatusOf(body);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return testing::AssertionSuccess();
  return testing::AssertionFailure() << "ends with status " << status;
}

void Require(bool condition) {
  if (!condition) _exit(1);
}

// A SIGBUS that is nobody's region.
void FaultElsewhere() {
  Mapped file(1);
  file.Truncate(0);
  unlink(file.Path().c_str()); // nobody will come to do it later
  (void)file.base[0];
}

// Memory that parent and children share.
struct Shared {
  std::atomic<int> calls;
  std::atomic<uintptr_t> address;
  std::atomic<bool> has_context;
};

Shared *NewShared() {
  return new (mmap(nullptr, sizeof(Shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
                   0)) Shared();
}

Shared *shared = NewShared();

void SetHandler(void (*handler)(int, siginfo_t *, void *), int flags, struct sigaction *old) {
  struct sigaction action = {};
  action.sa_sigaction = handler;
  action.sa_flags = SA_SIGINFO | flags;
  sigaction(SIGBUS, &action, old);
}

class Guard : public testing::Test {
protected:
  void SetUp() override {
    shared->calls = 0;
    shared->address = 0;
    shared->has_context = false;
    Install();
  }
};

// ---------------------------------------------------------------------------- regions

TEST_F(Guard, ReadsZerosWhereTheFileWasTruncatedToNothing) {
  Guarded file(4);
  EXPECT_EQ(file.Sum(), file.size * 0x11);
  EXPECT_FALSE(file.Hit());
  file.Truncate(0);
  EXPECT_EQ(file.Sum(), 0u);
  EXPECT_TRUE(file.Hit());
}

// So that who looks at the count alone sees each.
TEST_F(Guard, CountsFaultsOfAllRegions) {
  Guarded one(2), other(2);
  uint32_t count = mm_guard_count();
  EXPECT_NE(count, 0u);
  EXPECT_EQ(one.Sum(), one.size * 0x11);
  EXPECT_EQ(mm_guard_count(), count);
  one.Truncate(0);
  EXPECT_EQ(one.Sum(), 0u);
  EXPECT_EQ(mm_guard_count(), count + 1);
  EXPECT_FALSE(other.Hit());
  other.Truncate(Page());
  EXPECT_EQ(other.Sum(), Page() * 0x11);
  EXPECT_EQ(mm_guard_count(), count + 2);
}

TEST_F(Guard, KeepsThePagesBeforeTheCut) {
  Guarded file(4);
  file.Truncate(Page() + 100);
  EXPECT_EQ(file.Sum(), (Page() + 100) * 0x11);
  EXPECT_TRUE(file.Hit());
  EXPECT_EQ(file.Sum(0, Page() + 100), (Page() + 100) * 0x11);
}

TEST_F(Guard, IsNotHitByACutInsideTheLastPage) {
  Guarded file(2);
  file.Truncate(Page() + 1);
  EXPECT_EQ(file.Sum(), (Page() + 1) * 0x11);
  EXPECT_FALSE(file.Hit());
}

TEST_F(Guard, IsNotHitWhenTheFileIsReplacedByAnother) {
  Guarded file(2);
  Mapped other(1);
  ASSERT_EQ(rename(other.Path().c_str(), file.Path().c_str()), 0);
  EXPECT_EQ(file.Sum(), file.size * 0x11);
  EXPECT_FALSE(file.Hit());
}

TEST_F(Guard, KeepsTheZerosAndTheMarkWhenTheFileGrowsAgain) {
  Guarded file(2);
  file.Truncate(0);
  EXPECT_EQ(file.Sum(), 0u);
  file.Fill();
  EXPECT_EQ(file.Sum(), 0u);
  EXPECT_TRUE(file.Hit());
}

TEST_F(Guard, ShowsTheFileAgainOnceItIsMappedAnew) {
  Guarded file(2);
  file.Truncate(0);
  EXPECT_EQ(file.Sum(), 0u);
  file.Fill();
  mm_guard_remove(file.guard);
  ASSERT_EQ(mmap(file.Base(), file.size, PROT_READ, MAP_PRIVATE | MAP_FIXED, file.fd, 0),
            file.Base());
  file.guard = mm_guard_add(file.Base(), file.size, nullptr, nullptr);
  EXPECT_EQ(file.Sum(), file.size * 0x11);
  EXPECT_FALSE(file.Hit());
}

void Count(void *context) {
  ++*static_cast<std::atomic<int> *>(context);
}

TEST_F(Guard, FaultsOnceForTheWholeRest) {
  std::atomic<int> faults{0};
  Guarded file(256, Count, &faults);
  file.Truncate(0);
  EXPECT_EQ(file.Sum(), 0u);
  EXPECT_EQ(faults, 1);
}

TEST_F(Guard, FaultsAgainForPagesBeforeTheFirstFault) {
  std::atomic<int> faults{0};
  Guarded file(4, Count, &faults);
  file.Truncate(0);
  EXPECT_EQ(file.Sum(2 * Page(), 4 * Page()), 0u);
  EXPECT_EQ(file.Sum(0, 2 * Page()), 0u);
  EXPECT_EQ(faults, 2);
}

TEST_F(Guard, ServesARegionLargerThanMemory) {
  const size_t size = size_t{64} << 30;
  Mapped file(1);
  file.Truncate(size);
  auto *base = static_cast<volatile uint8_t *>(
      mmap(nullptr, size, PROT_READ, MAP_PRIVATE | MAP_NORESERVE, file.fd, 0));
  if (base == MAP_FAILED) GTEST_SKIP() << "no room for 64 GiB of addresses, as under valgrind";
  mm_guard *guard = mm_guard_add(const_cast<uint8_t *>(base), size, nullptr, nullptr);
  file.Truncate(0);
  EXPECT_EQ(base[Page()], 0);
  EXPECT_EQ(base[size - 1], 0);
  EXPECT_TRUE(mm_guard_hit(guard));
  mm_guard_remove(guard);
  munmap(const_cast<uint8_t *>(base), size);
}

TEST_F(Guard, LeavesOtherRegionsAlone) {
  Guarded before(2), file(2), after(2);
  file.Truncate(0);
  EXPECT_EQ(file.Sum(), 0u);
  EXPECT_EQ(before.Sum(), before.size * 0x11);
  EXPECT_EQ(after.Sum(), after.size * 0x11);
  EXPECT_FALSE(before.Hit());
  EXPECT_FALSE(after.Hit());
}

TEST_F(Guard, EndsAtTheRegionsEnd) {
  Mapped file(4); // pages 2 and 3 are mapped, but in no region
  mm_guard *guard = mm_guard_add(file.Base(), 2 * Page(), nullptr, nullptr);
  file.Truncate(0);
  EXPECT_EQ(file.Sum(0, 2 * Page()), 0u);
  EXPECT_TRUE(DiesOfSigbus([&] {
    signal(SIGBUS, SIG_DFL);
    Install();
    (void)file.base[2 * Page()];
  }));
  mm_guard_remove(guard);
}

void SpoilErrno(void *) {
  errno = 5;
}

TEST_F(Guard, KeepsErrno) {
  Guarded file(1, SpoilErrno);
  file.Truncate(0);
  errno = 77;
  std::atomic_signal_fence(std::memory_order_seq_cst); // a load is no reason to look again
  uint8_t byte = file.base[0];
  std::atomic_signal_fence(std::memory_order_seq_cst);
  int error = errno;
  EXPECT_EQ(error, 77);
  EXPECT_EQ(byte, 0);
}

TEST_F(Guard, WorksInAForkedChild) {
  Guarded file(2);
  file.Truncate(0);
  EXPECT_TRUE(Survives([&] {
    Require(file.Sum() == 0);
    Require(file.Hit());
  }));
  EXPECT_FALSE(file.Hit());
}

TEST_F(Guard, NoLongerServesWhatWasRemoved) {
  Guarded file(1);
  mm_guard_remove(file.guard);
  file.guard = nullptr;
  file.Truncate(0);
  EXPECT_TRUE(DiesOfSigbus([&] {
    signal(SIGBUS, SIG_DFL);
    Install();
    (void)file.base[0];
  }));
}

// ---------------------------------------------------------------------------- slots

TEST(GuardSlots, RefusesWhatIsNoRange) {
  char byte;
  EXPECT_EQ(mm_guard_add(nullptr, 4096, nullptr, nullptr), nullptr);
  EXPECT_EQ(mm_guard_add(&byte, 0, nullptr, nullptr), nullptr);
  EXPECT_EQ(mm_guard_add(&byte, SIZE_MAX, nullptr, nullptr), nullptr);
  mm_guard_remove(nullptr);
}

// Addresses that nothing is mapped at: slots do not care.
void *Somewhere(size_t n) {
  return reinterpret_cast<void *>((n + 1) << 16);
}

TEST(GuardSlots, AreAllUsableAndThenRunOut) {
  for (int round = 0; round < 2; round++) {
    std::set<mm_guard *> guards;
    for (size_t i = 0; i < MM_GUARD_SLOTS; i++) {
      guards.insert(mm_guard_add(Somewhere(i), 4096, nullptr, nullptr));
    }
    EXPECT_EQ(guards.size(), size_t{MM_GUARD_SLOTS});
    EXPECT_EQ(guards.count(nullptr), 0u);
    EXPECT_EQ(mm_guard_add(Somewhere(0), 4096, nullptr, nullptr), nullptr);
    for (mm_guard *guard : guards) mm_guard_remove(guard);
  }
}

TEST(GuardSlots, AreUsedAgain) {
  std::set<mm_guard *> guards;
  for (size_t i = 0; i < MM_GUARD_SLOTS + 1000; i++) {
    mm_guard *guard = mm_guard_add(Somewhere(i), 4096, nullptr, nullptr);
    ASSERT_NE(guard, nullptr);
    guards.insert(guard);
    mm_guard_remove(guard);
  }
  EXPECT_EQ(guards.size(), 1u);
}

TEST_F(Guard, FreesTheMarkWithTheSlot) {
  {
    Guarded file(1);
    file.Truncate(0);
    EXPECT_EQ(file.Sum(), 0u);
    EXPECT_TRUE(file.Hit());
  }
  Guarded next(1);
  EXPECT_FALSE(next.Hit());
}

// ---------------------------------------------------------------------------- threads

TEST_F(Guard, ServesAThreadThatBlockedTheSignal) {
  Guarded file(2);
  file.Truncate(0);
  std::thread([&] {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGBUS);
    pthread_sigmask(SIG_BLOCK, &set, nullptr);
    Install();
    EXPECT_EQ(file.Sum(), 0u);
  }).join();
  EXPECT_TRUE(file.Hit());
}

TEST_F(Guard, ServesThreadsThatFaultAtOnce) {
  for (int round = 0; round < 50; round++) {
    Guarded file(8);
    file.Truncate(Page());
    std::atomic<int> ready{0};
    auto read = [&](size_t page) {
      ready++;
      while (ready < 2) {}
      EXPECT_EQ(file.Sum(page * Page(), file.size), 0u);
    };
    std::thread one(read, 1), two(read, 2);
    one.join();
    two.join();
    EXPECT_TRUE(file.Hit());
    EXPECT_EQ(file.Sum(0, Page()), Page() * 0x11);
  }
}

TEST_F(Guard, ServesAFaultWhileSlotsComeAndGo) {
  std::atomic<bool> stop{false};
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 2; t++) {
    threads.emplace_back([&stop, t] {
      std::vector<mm_guard *> guards(50);
      while (!stop) {
        for (size_t i = 0; i < guards.size(); i++) {
          guards[i] = mm_guard_add(Somewhere(t * 100 + i), 4096, nullptr, nullptr);
          EXPECT_NE(guards[i], nullptr);
        }
        for (mm_guard *guard : guards) {
          EXPECT_FALSE(mm_guard_hit(guard));
          mm_guard_remove(guard);
        }
      }
    });
  }
  for (int round = 0; round < 100; round++) {
    Guarded file(2), other(1);
    file.Truncate(0);
    EXPECT_EQ(file.Sum(), 0u);
    EXPECT_TRUE(file.Hit());
    EXPECT_FALSE(other.Hit());
  }
  stop = true;
  for (std::thread &thread : threads) thread.join();
}

// ---------------------------------------------------------------------------- other handlers

TEST_F(Guard, LetsTheDefaultKill) {
  EXPECT_TRUE(DiesOfSigbus([] {
    signal(SIGBUS, SIG_DFL);
    Install();
    FaultElsewhere();
  }));
}

TEST_F(Guard, LetsASignalThatWasSentKill) {
  EXPECT_TRUE(DiesOfSigbus([] {
    signal(SIGBUS, SIG_DFL);
    Install();
    raise(SIGBUS);
  }));
}

TEST_F(Guard, IgnoresNoFault) {
  EXPECT_TRUE(DiesOfSigbus([] {
    signal(SIGBUS, SIG_IGN);
    Install();
    FaultElsewhere();
  }));
}

TEST_F(Guard, IgnoresASignalThatWasSentIfTheHostDid) {
  EXPECT_TRUE(Survives([] {
    signal(SIGBUS, SIG_IGN);
    Install();
    raise(SIGBUS);
  }));
}

sigjmp_buf jump;

void JumpOut(int number, siginfo_t *info, void *context) {
  shared->calls++;
  shared->address = reinterpret_cast<uintptr_t>(info->si_addr);
  shared->has_context = context != nullptr;
  if (number == SIGBUS && info->si_code == BUS_ADRERR) siglongjmp(jump, 1);
}

TEST_F(Guard, PassesForeignFaultsToTheHandlerBefore) {
  Mapped foreign(1);
  Guarded file(1);
  foreign.Truncate(0);
  file.Truncate(0);
  EXPECT_TRUE(Survives([&] {
    SetHandler(JumpOut, 0, nullptr);
    Install();
    for (volatile int i = 0; i < 5; i = i + 1) {
      if (sigsetjmp(jump, 1) == 0) {
        (void)foreign.base[10];
        _exit(1);
      }
    }
    Require(file.Sum() == 0); // ours: not its business
  }));
  EXPECT_EQ(shared->calls, 5);
  EXPECT_EQ(shared->address & ~(Page() - 1), reinterpret_cast<uintptr_t>(foreign.Base()));
  EXPECT_TRUE(shared->has_context);
}

void MapSomething(int, siginfo_t *info, void *) {
  shared->calls++;
  void *page = reinterpret_cast<void *>(reinterpret_cast<uintptr_t>(info->si_addr) & ~(Page() - 1));
  mmap(page, Page(), PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

TEST_F(Guard, ReturnsWhereTheHandlerBeforeReturns) {
  EXPECT_TRUE(Survives([] {
    SetHandler(MapSomething, 0, nullptr);
    Install();
    for (int i = 0; i < 5; i++) FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 5);
}

void JustCount(int, siginfo_t *, void *) {
  shared->calls++;
}

TEST_F(Guard, CallsAOneShotHandlerOnce) {
  EXPECT_TRUE(DiesOfSigbus([] {
    SetHandler(JustCount, static_cast<int>(SA_RESETHAND), nullptr);
    Install();
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

void PlainCount(int) {
  shared->calls++;
}

TEST_F(Guard, CallsAHandlerOfTheOldKind) {
  EXPECT_TRUE(Survives([] {
    signal(SIGBUS, PlainCount);
    Install();
    raise(SIGBUS);
  }));
  EXPECT_EQ(shared->calls, 1);
}

// Handlers that take our place and know us as the one before them.
struct sigaction displaced;

void RestoreAndRaise(int, siginfo_t *, void *) { // as Python's faulthandler
  shared->calls++;
  sigaction(SIGBUS, &displaced, nullptr);
  raise(SIGBUS);
}

void RestoreAndReturn(int, siginfo_t *, void *) {
  shared->calls++;
  sigaction(SIGBUS, &displaced, nullptr);
}

void CallTheOneBefore(int number, siginfo_t *info, void *context) {
  shared->calls++;
  displaced.sa_sigaction(number, info, context);
}

class Displaced : public testing::TestWithParam<void (*)(int, siginfo_t *, void *)> {
protected:
  void SetUp() override { shared->calls = 0; }

  // A child's state: the default, then ours, then the displacer, then ours again.
  static void Displace() {
    signal(SIGBUS, SIG_DFL);
    Install();
    SetHandler(GetParam(), SA_NODEFER, &displaced);
    Install();
  }
};

TEST_P(Displaced, OursIsOnTopAgainAfterInstall) {
  Guarded file(1);
  file.Truncate(0);
  EXPECT_TRUE(Survives([&] {
    Displace();
    Require(file.Sum() == 0);
  }));
  EXPECT_EQ(shared->calls, 0);
}

TEST_P(Displaced, AForeignFaultMeetsTheDisplacerOnceAndKills) {
  EXPECT_TRUE(DiesOfSigbus([] {
    Displace();
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

TEST_P(Displaced, AForeignFaultKillsHoweverOftenOursWasDisplaced) {
  EXPECT_TRUE(DiesOfSigbus([] {
    for (int i = 0; i < 20; i++) Displace();
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

TEST_P(Displaced, AForeignFaultKillsIfTheDisplacerCameTwice) {
  EXPECT_TRUE(DiesOfSigbus([] {
    Displace();
    for (int i = 0; i < 20; i++) {
      SetHandler(GetParam(), SA_NODEFER, &displaced);
      Install();
    }
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

TEST_P(Displaced, OursServesAsWellWhenTheDisplacerHasGoneAgain) {
  Guarded file(1);
  file.Truncate(0);
  EXPECT_TRUE(Survives([&] {
    signal(SIGBUS, SIG_DFL);
    Install();
    for (int i = 0; i < 20; i++) {
      SetHandler(GetParam(), SA_NODEFER, &displaced);
      Install();
      sigaction(SIGBUS, &displaced, nullptr);
      Install();
    }
    Require(file.Sum() == 0);
  }));
  EXPECT_EQ(shared->calls, 0);
}

std::string NameOf(const testing::TestParamInfo<void (*)(int, siginfo_t *, void *)> &param) {
  static const char *const names[] = {"OneThatRestoresAndRaises", "OneThatRestoresAndReturns",
                                      "OneThatCallsTheOneBefore"};
  return names[param.index];
}

INSTANTIATE_TEST_SUITE_P(By, Displaced,
                         testing::Values(RestoreAndRaise, RestoreAndReturn, CallTheOneBefore),
                         NameOf);

TEST_F(Guard, ReachesTheHandlerUnderADisplacerThatCameTwice) {
  Mapped foreign(1);
  foreign.Truncate(0);
  EXPECT_TRUE(Survives([&] {
    SetHandler(JumpOut, 0, nullptr);
    Install();
    for (int i = 0; i < 2; i++) {
      SetHandler(RestoreAndReturn, 0, &displaced);
      Install();
    }
    if (sigsetjmp(jump, 1) == 0) {
      (void)foreign.base[0];
      _exit(1);
    }
  }));
  EXPECT_EQ(shared->calls, 2);
}

TEST_F(Guard, WhatWasThereFirstMayComeAgain) {
  EXPECT_TRUE(DiesOfSigbus([] {
    const unsigned long first[16] = {}; // by libc it would have a flag more
    Require(syscall(SYS_rt_sigaction, SIGBUS, first, nullptr, 8) == 0);
    Install();
    SetHandler(CallTheOneBefore, 0, &displaced);
    Install();
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

void CallTheOneBeforeAndLookAtTheMask(int number, siginfo_t *info, void *context) {
  sigset_t before, after;
  pthread_sigmask(SIG_SETMASK, nullptr, &before);
  displaced.sa_sigaction(number, info, context);
  pthread_sigmask(SIG_SETMASK, nullptr, &after);
  Require(sigismember(&before, SIGBUS) == sigismember(&after, SIGBUS));
}

TEST_F(Guard, GivesTheMaskBackToAHandlerThatCallsOurs) {
  EXPECT_TRUE(Survives([] {
    SetHandler(MapSomething, 0, nullptr);
    Install();
    SetHandler(CallTheOneBeforeAndLookAtTheMask, SA_NODEFER, &displaced);
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

TEST_F(Guard, LetsTwoThatDisplaceInTurnHaveAForeignFaultOnceEach) {
  EXPECT_TRUE(DiesOfSigbus([] {
    static struct sigaction second;
    auto second_handler = [](int, siginfo_t *, void *) {
      shared->calls += 100;
      sigaction(SIGBUS, &second, nullptr);
    };
    signal(SIGBUS, SIG_DFL);
    Install();
    for (int i = 0; i < 20; i++) {
      SetHandler(RestoreAndReturn, 0, &displaced);
      Install();
      SetHandler(second_handler, 0, &second);
      Install();
    }
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 101);
}

void CallEntryOnTop(int number, siginfo_t *info, void *context) {
  shared->calls++;
  struct sigaction now;
  sigaction(SIGBUS, nullptr, &now);
  now.sa_sigaction(number, info, context);
}

TEST_F(Guard, BreaksACircleOfHandlers) {
  EXPECT_TRUE(DiesOfSigbus([] {
    signal(SIGBUS, SIG_DFL);
    Install();
    SetHandler(CallEntryOnTop, 0, nullptr);
    Install();
    FaultElsewhere();
  }));
  EXPECT_EQ(shared->calls, 1);
}

template <int N> void Another(int, siginfo_t *, void *) {
  shared->calls += N;
}

template <int... N> void InstallOver(std::integer_sequence<int, N...>, int *codes) {
  mm_error err;
  ((SetHandler(Another<N>, 0, nullptr), codes[N] = mm_guard_install(&err)), ...);
}

TEST_F(Guard, GivesUpAtTheThirtyThirdHandler) {
  EXPECT_TRUE(Survives([] {
    int codes[40];
    InstallOver(std::make_integer_sequence<int, 40>(), codes);
    for (int i = 0; i < 30; i++) Require(codes[i] == MM_OK);
    Require(codes[39] == MM_ERROR);
  }));
}

// Called in a fork while nobody else can install: what is registered first comes after the guard's
// own.
std::function<void()> in_fork;
const int in_fork_registered = pthread_atfork(
    [] {
      if (in_fork) in_fork();
    },
    nullptr, nullptr);

TEST_F(Guard, FindsThatAnotherThreadHasInstalledMeanwhile) {
  ASSERT_EQ(in_fork_registered, 0);
  shared->calls = 0;
  EXPECT_TRUE(Survives([] {
    SetHandler(JustCount, 0, &displaced);
    std::atomic<bool> go{false}, done{false};
    std::thread second([&] {
      while (!go) {}
      Install();
      done = true;
    });
    in_fork = [&] {
      go = true;
      usleep(100000); // it has seen the other handler, and waits
      Require(!done);
      sigaction(SIGBUS, &displaced, nullptr);
    };
    pid_t child = fork();
    in_fork = nullptr;
    if (child == 0) _exit(0);
    waitpid(child, nullptr, 0);
    second.join();
    struct sigaction now;
    sigaction(SIGBUS, nullptr, &now);
    Require(now.sa_sigaction == displaced.sa_sigaction);
    Guarded file(1);
    file.Truncate(0);
    Require(file.Sum() == 0);
  }));
  EXPECT_EQ(shared->calls, 0);
}

TEST_F(Guard, InstallsFromManyThreadsAtOnce) {
  EXPECT_TRUE(Survives([] {
    for (int round = 0; round < 20; round++) {
      signal(SIGBUS, SIG_DFL);
      std::vector<std::thread> threads;
      for (int t = 0; t < 4; t++) threads.emplace_back(Install);
      for (std::thread &thread : threads) thread.join();
    }
  }));
}

// ------------------------------------------------------------------- a system that refuses

#ifdef SYS_mmap2
constexpr uint32_t kMmap = SYS_mmap2;
#else
constexpr uint32_t kMmap = SYS_mmap;
#endif

// From here on the system refuses, in this process, this call when its argument of that index is
// from `least` to `most` (its low half, which is all of it here).
void Refuse(uint32_t number, uint32_t argument, size_t least, size_t most) {
  uint32_t at = offsetof(seccomp_data, args) + 8 * argument;
  if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__) at += 4;
  sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 4),
                          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at),
                          BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, static_cast<uint32_t>(least), 0, 2),
                          BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, static_cast<uint32_t>(most), 1, 0),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program = {sizeof filter / sizeof *filter, filter};
  Require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  Require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

// Does that have any effect? A sanitizer or valgrind may answer in the system's place.
class Refused : public Guard {
protected:
  void SetUp() override {
    Guard::SetUp();
    int status = StatusOf([] {
      struct sigaction now;
      Refuse(SYS_rt_sigaction, 0, 0, UINT32_MAX);
      Require(sigaction(SIGBUS, nullptr, &now) != 0);
    });
    if (status != 0) GTEST_SKIP() << "no call can be refused here";
  }
};

TEST_F(Refused, TheZerosBeginWithTheRegionIfTheyCannotBeginWithTheFault) {
  Guarded file(4);
  file.Truncate(Page());
  EXPECT_TRUE(Survives([&] {
    Refuse(kMmap, 1, 3 * Page(), 3 * Page());
    Require(file.base[0] == 0x11);
    Require(file.base[Page()] == 0);
    Require(file.Hit());
    Require(file.Sum() == 0);
  }));
}

TEST_F(Refused, OnePageIsMadeZeroAtATimeIfNoMoreIsGranted) {
  Guarded file(4, [](void *) { shared->calls++; });
  file.Truncate(Page());
  EXPECT_TRUE(Survives([&] {
    Refuse(kMmap, 1, 2 * Page(), 4 * Page());
    Require(file.base[Page()] == 0);
    Require(file.Hit());
    Require(file.Sum() == Page() * 0x11);
  }));
  EXPECT_EQ(shared->calls, 3);
}

TEST_F(Refused, ItEndsTheProcessIfNotEvenOnePageIsGranted) {
  Guarded file(4, [](void *) { shared->calls++; });
  file.Truncate(Page());
  EXPECT_TRUE(DiesOfSigbus([&] {
    signal(SIGBUS, SIG_DFL);
    Install();
    Refuse(kMmap, 1, Page(), 4 * Page());
    (void)file.base[Page()];
  }));
  EXPECT_EQ(shared->calls, 0);
}

#if defined(__x86_64__) || defined(__aarch64__)

// As Linux before 6.12 answers where it promises no memory: no mapping that could be written, and
// what it was to replace is gone.
void TakeAway(int, siginfo_t *, void *context) {
  auto *registers = &static_cast<ucontext_t *>(context)->uc_mcontext;
#ifdef __x86_64__
  auto *answer = &registers->gregs[REG_RAX];
  auto address = static_cast<uintptr_t>(registers->gregs[REG_RDI]);
  auto size = static_cast<size_t>(registers->gregs[REG_RSI]);
#else
  auto *answer = &registers->regs[0];
  auto address = static_cast<uintptr_t>(registers->regs[0]);
  auto size = static_cast<size_t>(registers->regs[1]);
#endif
  munmap(reinterpret_cast<void *>(address), size);
  *answer = static_cast<std::remove_reference_t<decltype(*answer)>>(-ENOMEM);
}

void PromiseNoMemory() {
  uint32_t protection = offsetof(seccomp_data, args) + 8 * 2;
  sock_filter filter[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
                          BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, kMmap, 0, 3),
                          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, protection),
                          BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_WRITE, 0, 1),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
                          BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  sock_fprog program = {sizeof filter / sizeof *filter, filter};
  struct sigaction action = {};
  action.sa_sigaction = TakeAway;
  action.sa_flags = SA_SIGINFO;
  Require(sigaction(SIGSYS, &action, nullptr) == 0);
  Require(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0);
  Require(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

TEST_F(Refused, WhereNoMemoryIsPromisedTheZerosCannotBeWritten) {
  Guarded file(4, [](void *) { shared->calls++; });
  file.Truncate(Page());
  EXPECT_TRUE(Survives([&] {
    PromiseNoMemory();
    Require(file.base[0] == 0x11);
    Require(file.base[2 * Page()] == 0);
    Require(file.Hit());
    Require(file.Sum() == 0);
  }));
  EXPECT_EQ(shared->calls, 1);
}

#endif

// What mm_guard_install says in a child that may no longer make this call.
void RequireFailure(const char *text) {
  mm_error err;
  Require(mm_guard_install(&err) == MM_ERROR);
  Require(strncmp(err.text, text, strlen(text)) == 0);
}

TEST_F(Refused, AnInstallationThatCannotAskWhoHandlesTheSignalFails) {
  EXPECT_TRUE(Survives([] {
    Refuse(SYS_rt_sigaction, 0, SIGBUS, SIGBUS);
    RequireFailure("cannot handle SIGBUS");
  }));
}

TEST_F(Refused, AnInstallationThatMayNotHandleTheSignalFails) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "ThreadSanitizer calls the handler all the same";
#endif
  EXPECT_TRUE(Survives([] {
    signal(SIGBUS, PlainCount);
    Refuse(SYS_rt_sigaction, 1, 1, UINT32_MAX); // but asking is allowed
    for (int i = 0; i < 2; i++) RequireFailure("cannot handle SIGBUS");
    raise(SIGBUS);
  }));
  EXPECT_EQ(shared->calls, 1); // who was there before is there still
}

TEST_F(Refused, AnInstallationThatCannotUnblockTheSignalFails) {
  EXPECT_TRUE(Survives([] {
    Refuse(SYS_rt_sigprocmask, 0, SIG_UNBLOCK, SIG_UNBLOCK);
    RequireFailure("cannot unblock SIGBUS");
  }));
}

// ---------------------------------------------------------------------------- failing memory

// As the kernel does when memory fails that lies at `address`.
void SendMemoryError(int code, const volatile void *address) {
  siginfo_t info = {};
  info.si_signo = SIGBUS;
  info.si_code = code;
  info.si_addr = const_cast<void *>(address);
  info.si_addr_lsb = 12;
  Require(syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), SIGBUS, &info) == 0);
}

TEST_F(Guard, AnswersForMemoryThatFailsUnderAReader) {
  Guarded file(4);
  SendMemoryError(BUS_MCEERR_AR, file.base + Page() + 10);
  EXPECT_TRUE(file.Hit());
  EXPECT_EQ(file.Sum(), Page() * 0x11);
}

TEST_F(Guard, TakesNoMemoryThatFailsElsewhereForAFault) {
  Guarded file(1);
  EXPECT_TRUE(Survives([&] { // nobody has read it yet: there is no fault to come back
    signal(SIGBUS, SIG_IGN);
    Install();
    SendMemoryError(BUS_MCEERR_AO, file.base);
    Require(!file.Hit());
    Require(file.Sum() == file.size * 0x11);
  }));
  EXPECT_TRUE(DiesOfSigbus([&] {
    signal(SIGBUS, SIG_DFL);
    Install();
    SendMemoryError(BUS_MCEERR_AO, file.base);
  }));
}

} // namespace
