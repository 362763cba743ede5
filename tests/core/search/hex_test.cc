extern "C" {
#include "core/search/hex.h"
#include "core/common/mem.h"
}

#include <gtest/gtest.h>

#include <string>

namespace {

// The regular expression, or the error.
std::string Regex(const std::string &pattern) {
  char *text = nullptr;
  mm_error err;
  if (mm_hex_regex(pattern.data(), pattern.size(), &text, &err)) return err.text;
  std::string regex = text;
  mm_free(text);
  return regex;
}

TEST(Hex, TakesBytesInEitherCaseWithAnySpace) {
  EXPECT_EQ(Regex("7f 45"), "(?s)\\x7F\\x45");
  EXPECT_EQ(Regex(" 7F45\n4c\t46 "), "(?s)\\x7F\\x45\\x4C\\x46");
  EXPECT_EQ(Regex("{ 7F 45 }"), "(?s)\\x7F\\x45");
}

TEST(Hex, KnowsWildcards) {
  EXPECT_EQ(Regex("?? 00"), "(?s).\\x00");
  EXPECT_EQ(Regex("A?"), "(?s)[\\xA0-\\xAF]");
  EXPECT_EQ(
      Regex("?A"),
      "(?s)[\\x0A\\x1A\\x2A\\x3A\\x4A\\x5A\\x6A\\x7A\\x8A\\x9A\\xAA\\xBA\\xCA\\xDA\\xEA\\xFA]");
}

TEST(Hex, KnowsNot) {
  EXPECT_EQ(Regex("~00"), "(?s)[^\\x00]");
  EXPECT_EQ(Regex("~A?"), "(?s)[^\\xA0-\\xAF]");
  EXPECT_EQ(
      Regex("~?0"),
      "(?s)[^\\x00\\x10\\x20\\x30\\x40\\x50\\x60\\x70\\x80\\x90\\xA0\\xB0\\xC0\\xD0\\xE0\\xF0]");
  EXPECT_EQ(Regex("~??"), "bad hex pattern at 1: no byte is other than ??");
}

TEST(Hex, KnowsJumps) {
  EXPECT_EQ(Regex("00 [4] 00"), "(?s)\\x00.{4}\\x00");
  EXPECT_EQ(Regex("00 [4-6] 00"), "(?s)\\x00.{4,6}?\\x00");
  EXPECT_EQ(Regex("00[ 4 - 6 ]00"), "(?s)\\x00.{4,6}?\\x00");
  EXPECT_EQ(Regex("00 [4-] 00"), "(?s)\\x00.{4}.*?\\x00");
  EXPECT_EQ(Regex("00 [-] 00"), "(?s)\\x00.*?\\x00");
  EXPECT_EQ(Regex("00 [100000] 00"), "(?s)\\x00.{65535}.{34465}\\x00");
  EXPECT_EQ(Regex("00 [0] 00"), "(?s)\\x00\\x00");
}

TEST(Hex, KnowsAlternativesInsideBrackets) {
  EXPECT_EQ(Regex("(62 B4 | 56)"), "(?s)(?:\\x62\\xB4|\\x56)");
  EXPECT_EQ(Regex("(62 (AA | ?? [1-2] BB) | 56) 00"),
            "(?s)(?:\\x62(?:\\xAA|..{1,2}?\\xBB)|\\x56)\\x00");
}

TEST(Hex, SkipsComments) {
  EXPECT_EQ(Regex("7F // magic\n 45 /* the\nrest */ 4C"), "(?s)\\x7F\\x45\\x4C");
  EXPECT_EQ(Regex("7F // to the end"), "(?s)\\x7F");
}

TEST(Hex, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(Regex(""), "bad hex pattern at 0: a byte is missing");
  EXPECT_EQ(Regex("7"), "bad hex pattern at 1: a hexadecimal digit or ? is missing");
  EXPECT_EQ(Regex("7 F"), "bad hex pattern at 1: a hexadecimal digit or ? is missing");
  EXPECT_EQ(Regex("7F G0"), "bad hex pattern at 3: a hexadecimal digit or ? is missing");
  EXPECT_EQ(Regex("7F | 45"), "bad hex pattern at 3: | outside brackets");
  EXPECT_EQ(Regex("(7F | 45"), "bad hex pattern at 0: missing )");
  EXPECT_EQ(Regex("(7F | )"), "bad hex pattern at 6: a byte is missing");
  EXPECT_EQ(Regex("()"), "bad hex pattern at 1: a byte is missing");
  EXPECT_EQ(Regex("7F)"), "bad hex pattern at 2: unexpected character");
  EXPECT_EQ(Regex("{7F"), "bad hex pattern at 3: missing }");
  EXPECT_EQ(Regex("7F}"), "bad hex pattern at 2: unexpected character");
  EXPECT_EQ(Regex("[4] 7F"), "bad hex pattern at 0: a jump needs a byte before it");
  EXPECT_EQ(Regex("7F [4]"), "bad hex pattern at 6: a jump needs a byte after it");
  EXPECT_EQ(Regex("7F [6-4] 7F"), "bad hex pattern at 3: a jump to less than it starts with");
  EXPECT_EQ(Regex("7F [] 7F"), "bad hex pattern at 3: a jump needs a number");
  EXPECT_EQ(Regex("7F [4 7F"), "bad hex pattern at 6: missing ]");
  EXPECT_EQ(Regex("7F [99999999999999999999] 7F"),
            "bad hex pattern at 4: a jump is longer than 16777216 bytes");
  EXPECT_EQ(Regex("(7F [4-] 7F)"), "bad hex pattern at 4: a jump inside brackets needs an end");
  EXPECT_EQ(Regex("7F /* 45"), "bad hex pattern at 3: the comment does not end");
  EXPECT_EQ(Regex(std::string(200, '(') + "7F" + std::string(200, ')')),
            "bad hex pattern at 100: brackets are too deep");
  EXPECT_EQ(Regex(std::string("7F\0", 3)), "bad hex pattern at 2: unexpected character");
}

} // namespace
