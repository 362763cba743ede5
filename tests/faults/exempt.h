// Tests whose own expectations cannot hold while something fails, each with its reason. What is left out
// is here and nowhere else, and the program prints it.
#ifndef MM_TESTS_EXEMPT_H
#define MM_TESTS_EXEMPT_H

#include <cstring>
#include <string>

namespace mm_test {

constexpr char kByTime[] =
    "a thread interrupts or cuts after a time, which a second run does not meet";
constexpr char kMany[] =
    "hundreds of files and more, all of which would be read again after each of as many statements";
constexpr char kAsksForErrors[] = "the error is the value that it asks for";
constexpr char kByCalls[] =
    "it counts the calls of a progress handler, and a second run doubles them";

// Why the test is not run in this mode; NULL: it is. A name that ends with '*' is all that begin so; a
// mode is the start of its name.
inline const char *Exempt(const std::string &test, const std::string &mode) {
  struct {
    const char *test, *mode, *reason;
  } static const list[] = {
      {"FindSql.ALongSearchCanBeInterrupted", "", kByTime},
      {"Interrupt.*", "", kByTime},
      {"Elsewhere.*", "", kByTime},
      {"LinesTest.AVeryLongLineCanBeInterrupted", "", kByTime},
      {"LongScan.*", "", kByCalls},
      {"LongWrite.*", "", kByCalls},
      {"LongCommit.*", "", kByCalls},
      {"Sigbus.*", "", "what cuts its file does so once: a second run finds it cut"},
      {"Scans.GlobTellsWhichFilesCannotBeOpened", "io", kAsksForErrors},
      {"Scans.GlobOpensNothingUnlessErrorIsAskedFor", "io", kAsksForErrors},
      {"Limits.*", "", kMany},
      {"EveryStep.*", "",
       "it stops at each call of a progress handler in turn, as this at each fault"},
  };
  for (const auto &entry : list) {
    size_t size = strlen(entry.test);
    bool many = entry.test[size - 1] == '*';
    bool fits = many ? test.compare(0, size - 1, entry.test, size - 1) == 0 : test == entry.test;
    if (fits && mode.rfind(entry.mode, 0) == 0) return entry.reason;
  }
  return nullptr;
}

} // namespace mm_test

#endif
