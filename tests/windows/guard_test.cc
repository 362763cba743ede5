// A page of a view that cannot be had becomes zeros, and the view is marked. Anybody else's exception
// goes on.
#include <windows.h>

#include <gtest/gtest.h>

#include <atomic>
#include <csetjmp>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

extern "C" {
#include "core/os/guard.h"
#include "core/os/sys.h"
}

namespace {

namespace fs = std::filesystem;

constexpr size_t kSize = 1 << 20;

class Guard : public testing::Test {
protected:
  void SetUp() override {
    mm_error err;
    ASSERT_EQ(mm_guard_install(&err), MM_OK) << err.text;
    path = (fs::temp_directory_path() / ("mmg" + std::to_string(GetCurrentProcessId()))).string();
    std::ofstream(path, std::ios::binary) << std::string(kSize, 'x');
    fd = mm_os.open(-1, path.c_str(), MM_OPEN_READ, 0);
    ASSERT_GE(fd, 0);
    void *address = nullptr;
    ASSERT_EQ(mm_os.map(&address, kSize, MM_PROT_READ, fd, 0, false), 0);
    view = static_cast<volatile unsigned char *>(address);
    guard = mm_guard_add(address, kSize, Count, &faults);
    ASSERT_NE(guard, nullptr);
  }
  void TearDown() override {
    mm_guard_remove(guard);
    EXPECT_EQ(mm_os.unmap(const_cast<unsigned char *>(view), kSize), 0);
    mm_os.close(fd);
    fs::remove(path);
  }
  static void Count(void *context) { ++*static_cast<std::atomic<int> *>(context); }
  // As the system does where a disk fails.
  void Fault(const volatile void *address) {
    const ULONG_PTR what[] = {0, reinterpret_cast<ULONG_PTR>(address), 0xC000009C};
    RaiseException(EXCEPTION_IN_PAGE_ERROR, 0, 3, what);
  }
  std::string path;
  int fd = -1;
  std::atomic<int> faults{0};
  volatile unsigned char *view = nullptr;
  mm_guard *guard = nullptr;
};

TEST_F(Guard, GivesZerosForWhatADiskCannotRead) {
  EXPECT_EQ(view[5000], 'x');
  EXPECT_FALSE(mm_guard_hit(guard));
  SetLastError(1234);
  Fault(view + 5000);
  EXPECT_EQ(GetLastError(), 1234u);
  EXPECT_TRUE(mm_guard_hit(guard));
  EXPECT_EQ(faults, 1);
  for (size_t i = 0; i < kSize; i += 4096) ASSERT_EQ(view[i], 0) << i;
  view[kSize - 1] = 7; // as in a copy
}

// All of them read on, whoever was first.
TEST_F(Guard, GivesZerosToAllThreadsThatReadIt) {
  std::vector<std::thread> threads;
  std::atomic<int> failed{0};
  for (int n = 0; n < 4; n++) {
    threads.emplace_back([&, n] {
      for (size_t i = 0; i < kSize; i += 512) {
        if (n < 2 && i == kSize / 2) Fault(view + i);
        failed += view[i] != 'x' && view[i] != 0;
      }
      failed += n < 2 && view[kSize - 1] != 0;
    });
  }
  for (std::thread &thread : threads) thread.join();
  EXPECT_EQ(failed, 0);
  EXPECT_TRUE(mm_guard_hit(guard));
}

TEST_F(Guard, KeepsWhatLiesBehindTheFilesPages) {
  const size_t shared = 3 * MM_MAP_GRANULE, size = 10 * MM_MAP_GRANULE;
  void *address = nullptr;
  ASSERT_EQ(mm_os.map_grown(&address, size, fd, shared), 0);
  auto *bytes = static_cast<volatile unsigned char *>(address);
  mm_guard *grown = mm_guard_add(address, size, nullptr, nullptr);
  bytes[shared] = 9;
  Fault(bytes + 1);
  EXPECT_TRUE(mm_guard_hit(grown));
  EXPECT_FALSE(mm_guard_hit(guard));
  EXPECT_EQ(bytes[shared - 1], 0);
  EXPECT_EQ(bytes[shared], 9);
  mm_guard_remove(grown);
  EXPECT_EQ(mm_os.unmap(address, size), 0);
}

const void *passed;
LONG CALLBACK Pass(EXCEPTION_POINTERS *pointers) {
  passed = reinterpret_cast<const void *>(pointers->ExceptionRecord->ExceptionInformation[1]);
  return EXCEPTION_CONTINUE_EXECUTION;
}

TEST_F(Guard, LeavesOtherAddressesToOthers) {
  PVOID after = AddVectoredExceptionHandler(0, Pass);
  int elsewhere = 0;
  Fault(&elsewhere);
  EXPECT_EQ(passed, &elsewhere);
  mm_guard_remove(guard);
  Fault(view + 1);
  EXPECT_EQ(passed, const_cast<const unsigned char *>(view + 1)) << "nobody watches it any more";
  guard = nullptr;
  EXPECT_EQ(view[1], 'x');
  RemoveVectoredExceptionHandler(after);
}

bool IsWine() {
  return GetProcAddress(GetModuleHandleA("ntdll.dll"), "wine_get_version") != nullptr;
}

// Windows refuses to; under wine a program of the host can.
TEST_F(Guard, SurvivesACutFromOutside) {
  if (!IsWine()) GTEST_SKIP() << "a mapped file is not cut";
  char host[1024];
  mm_stat stat;
  ASSERT_EQ(mm_os.path_of(fd, host, sizeof host), 0);
  // Of the drive that is the host's root, whichever letter it has.
  std::string command = "cmd /c start /wait /unix /usr/bin/truncate -s 5000 ";
  using GetUnixName = char *(CDECL *)(LPCWSTR);
  auto unix_name = reinterpret_cast<GetUnixName>(reinterpret_cast<void *>(
      GetProcAddress(GetModuleHandleA("kernel32.dll"), "wine_get_unix_file_name")));
  ASSERT_NE(unix_name, nullptr);
  char *name = unix_name(fs::path(host).c_str());
  ASSERT_NE(name, nullptr);
  ASSERT_EQ(system((command + name).c_str()), 0);
  HeapFree(GetProcessHeap(), 0, name);
  for (int i = 0; i < 100 && mm_os.status(fd, &stat) == 0 && stat.size != 5000; i++) Sleep(50);
  ASSERT_EQ(stat.size, 5000u);
  EXPECT_EQ(view[4999], 'x');
  EXPECT_FALSE(mm_guard_hit(guard));
  EXPECT_EQ(view[kSize / 2], 0);
  EXPECT_TRUE(mm_guard_hit(guard));
  EXPECT_EQ(faults, 1);
  EXPECT_EQ(view[kSize - 1], 0);
  EXPECT_EQ(faults, 1) << "one fault is enough";
}

} // namespace
