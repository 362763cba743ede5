// This program once more, as a process of its own that runs one of its tests: for what needs a second
// process on a system without fork, too.
//
//     TEST(Killed, DISABLED_Writer) { ...Again::Told("DIRECTORY")...; Again::Die(); }   // the other process
//
//     Again writer("Killed.DISABLED_Writer", {{"DIRECTORY", directory}});
//     EXPECT_EQ(writer.Wait(), Again::kKilled);
//
// Such a test is DISABLED_, so that nothing else runs it.
#ifndef MM_TESTS_SUPPORT_AGAIN_H
#define MM_TESTS_SUPPORT_AGAIN_H

#include <cstdint>
#include <map>
#include <string>

namespace mm_test {

class Again {
public:
  static constexpr int kKilled = 99;

  Again(const std::string &test, const std::map<std::string, std::string> &told);
  ~Again(); // waits, if nobody has
  Again(const Again &) = delete;
  Again &operator=(const Again &) = delete;

  // Until it ends: 0: its test passed, kKilled, or another status.
  int Wait();

  // In the other process: what it was told, "" if nothing.
  static std::string Told(const std::string &name);
  // It ends here and now, as by kill -9: nothing is tidied up, nothing is written out.
  [[noreturn]] static void Die();

private:
  intptr_t process_;
};

} // namespace mm_test

#endif
