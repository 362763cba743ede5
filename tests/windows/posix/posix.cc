#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>
#include <windows.h>

// Behind <windows.h>, which it is a part of.
#include <psapi.h>

#include <cstdio>
#include <cstring>
#include <string>

long sysconf(int) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  return static_cast<long>(info.dwPageSize);
}

ssize_t pread(int fd, void *data, size_t size, long long offset) {
  if (_lseeki64(fd, offset, SEEK_SET) < 0) return -1;
  return read(fd, data, static_cast<unsigned>(size));
}

ssize_t pwrite(int fd, const void *data, size_t size, long long offset) {
  if (_lseeki64(fd, offset, SEEK_SET) < 0) return -1;
  return write(fd, data, static_cast<unsigned>(size));
}

// In the place of mingw's, of which truncate and the standard library are made: that asks how full the volume is first,
// which takes a service that does not run under wine.
extern "C" int ftruncate64(int fd, _off64_t size) {
  FILE_END_OF_FILE_INFO end;
  end.EndOfFile.QuadPart = size;
  auto file = reinterpret_cast<HANDLE>(_get_osfhandle(fd));
  if (SetFileInformationByHandle(file, FileEndOfFileInfo, &end, sizeof end)) return 0;
  errno = EIO;
  return -1;
}

int link(const char *from, const char *to) {
  return CreateHardLinkA(to, from, nullptr) ? 0 : -1;
}

int mm_tests_open_files() {
  DWORD count = 0;
  GetProcessHandleCount(GetCurrentProcess(), &count);
  return static_cast<int>(count);
}

int getrusage(int, struct rusage *usage) {
  PROCESS_MEMORY_COUNTERS memory = {};
  if (!K32GetProcessMemoryInfo(GetCurrentProcess(), &memory, sizeof memory)) return -1;
  *usage = {static_cast<long>(memory.PeakWorkingSetSize >> 10),
            static_cast<long>(memory.PageFaultCount), 0};
  return 0;
}

char *mkdtemp(char *name) {
  static unsigned next;
  char *end = name + strlen(name) - 6;
  for (unsigned tries = 0; tries < 1000; tries++) {
    snprintf(end, 7, "%06x", (GetCurrentProcessId() * 7919 + next++) & 0xffffff);
    if (mkdir(name) == 0) return name;
    if (errno != EEXIST) break;
  }
  return nullptr;
}

int setenv(const char *name, const char *value, int) {
  return putenv((std::string(name) + "=" + value).c_str());
}

int unsetenv(const char *name) {
  return setenv(name, "", 1);
}

static DWORD ProtectionOf(int protection) {
  if (protection & PROT_WRITE) return PAGE_READWRITE;
  return protection & PROT_READ ? PAGE_READONLY : PAGE_NOACCESS;
}

void *mmap(void *, size_t size, int protection, int, int, long long) {
  void *memory = VirtualAlloc(nullptr, size, MEM_RESERVE | MEM_COMMIT, ProtectionOf(protection));
  return memory ? memory : MAP_FAILED;
}

int mprotect(void *address, size_t size, int protection) {
  DWORD before;
  return VirtualProtect(address, size, ProtectionOf(protection), &before) ? 0 : -1;
}

int munmap(void *address, size_t) {
  return VirtualFree(address, 0, MEM_RELEASE) ? 0 : -1;
}
