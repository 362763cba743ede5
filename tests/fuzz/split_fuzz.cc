// libFuzzer: rows and fields of fuzzed text (core/search/split.h), beside a reader that takes a
// character at a time.
//
// The first byte says what stands between fields and how the rest is read.
#include <memory>

#include "tests/fuzz/fuzz.h"
#include "tests/support/split_oracle.h"

namespace {

const char *const kPieces[] = {
    ",", ";",  "\"", "\"\"", "\n",  "\r\n", "\r",
    " ", "\t", "a",  "\",",  ",\"", "0",    "long enough to fill some of a vector "};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  mm_split split = {static_cast<int>(how % 3), how & 16 ? uint8_t{';'} : uint8_t{','},
                    (how & 4) != 0, how & 32 ? uint8_t{'\''} : uint8_t{'"'}};
  std::string text = in.Rest();
  if (how & 8) text = mm_fuzz::Spell(kPieces, text);
  // A copy of exactly this size: ASAN sees what lies beyond it.
  std::unique_ptr<uint8_t[]> copy(new uint8_t[text.size()]);
  std::copy(text.begin(), text.end(), copy.get());
  CHECK(mm_test::SplitDiffers(split, text, copy.get(), 1 + (how >> 6)).empty());
  return 0;
}
