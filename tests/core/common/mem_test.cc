// Bytes in memory, beside std::string.
extern "C" {
#include "core/common/mem.h"
}

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace {

int64_t Place(const std::string &in, const void *at) {
  return at ? static_cast<const char *>(at) - in.data() : -1;
}

int64_t Place(size_t at) {
  return at == std::string::npos ? -1 : static_cast<int64_t>(at);
}

TEST(Mem, FindsTheFirstPlaceAndTheLast) {
  std::mt19937 random(1);
  auto text = [&](size_t most) {
    std::string made(random() % (most + 1), 'a');
    for (char &c : made) c = "ab\0"[random() % 3];
    return made;
  };
  int found = 0;
  for (int i = 0; i < 20000; i++) {
    std::string in = text(20), what = text(4);
    int64_t place = Place(in.find(what));
    ASSERT_EQ(Place(in, mm_mem_find(in.data(), in.size(), what.data(), what.size())), place)
        << testing::PrintToString(what) << " in " << testing::PrintToString(in);
    ASSERT_EQ(Place(in, mm_mem_find_last(in.data(), in.size(), 'b')), Place(in.rfind('b')));
    found += place > 0;
  }
  EXPECT_GT(found, 1000);
}

} // namespace
