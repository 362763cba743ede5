// Rows and fields of delimited text, beside a reader that takes a character at a time.
#include "tests/support/rounds.h"
#include "tests/support/split_oracle.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <random>

namespace mm_test {
namespace {

const mm_split kCsv = {MM_SPLIT_AT, ',', true, '"'};
const mm_split kTsv = {MM_SPLIT_AT, '\t', false, 0};
const mm_split kBlanks = {MM_SPLIT_BLANKS, 0, false, 0};
const mm_split kWhole = {MM_SPLIT_WHOLE, 0, false, 0};

const uint8_t *Data(const std::string &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

// Rows as [a][b] (each field in brackets), one behind the other.
std::string Split(const mm_split &split, const std::string &text) {
  std::string out;
  for (uint64_t start = 0; start < text.size();) {
    bool open;
    uint64_t next = mm_split_row(&split, Data(text), text.size(), start, nullptr, &open);
    uint64_t end = next;
    if (!open && text[end - 1] == '\n') end--;
    if (end < next && end > start && text[end - 1] == '\r') end--;
    mm_field fields[20];
    mm_splitting s = mm_split_begin(start, end);
    mm_split_on(&split, Data(text), text.size(), &s, fields, 20);
    for (unsigned i = 0; i < s.count; i++) {
      std::string room(text.size() + 1, '\0');
      uint64_t length =
          mm_field_join(&split, Data(text), &fields[i], reinterpret_cast<uint8_t *>(&room[0]));
      out += "[" + room.substr(0, length) + "]";
    }
    out += open ? "…" : ";";
    start = next;
  }
  return out;
}

TEST(Split, DividesAtEachSeparator) {
  EXPECT_EQ(Split(kTsv, "a\tb\t\tc\n\n\t\nlast"), "[a][b][][c];[];[][];[last];");
  EXPECT_EQ(Split(kWhole, "a,b\nc\r\n\rd\n"), "[a,b];[c];[\rd];");
}

TEST(Split, BlanksAtTheEndsBelongToNoField) {
  EXPECT_EQ(Split(kBlanks, "  a \t b  \n \t \n\nc"), "[a][b];[];[];[c];");
}

TEST(Split, QuotesHoldSeparatorsAndLineEnds) {
  EXPECT_EQ(Split(kCsv, "\"a,b\",\"c\nd\"\n\"x\"\"y\",\"\"\r\n"), "[a,b][c\nd];[x\"y][];");
}

TEST(Split, OddQuotesAreReadAsPythonReadsThem) {
  EXPECT_EQ(Split(kCsv, "\"ab\"cd,e\"f,\"g\"\"h\"i\"j\n"), "[abcd][e\"f][g\"hi\"j];");
  EXPECT_EQ(Split(kCsv, "a,\"open\nto the end"), "[a][open\nto the end]…");
  EXPECT_EQ(Split(kCsv, "\"\"\"\"\n\""), "[\"];[]…");
}

TEST(Split, GoesOnWhereItStopped) {
  std::string text = "a,\"b,b\",c,d";
  mm_field fields[9];
  mm_splitting s = mm_split_begin(0, text.size());
  uint64_t rest;
  mm_split_on(&kCsv, Data(text), text.size(), &s, fields, 1);
  EXPECT_EQ(s.count, 1u);
  EXPECT_TRUE(mm_split_rest(&kCsv, Data(text), &s, &rest));
  EXPECT_EQ(rest, 2u);
  mm_split_on(&kCsv, Data(text), text.size(), &s, fields, 3);
  EXPECT_EQ(s.count, 3u);
  EXPECT_TRUE(fields[1].quoted);
  EXPECT_EQ(fields[2].start, 8u);
  mm_split_on(&kCsv, Data(text), text.size(), &s, fields, 9);
  EXPECT_EQ(s.count, 4u);
  EXPECT_FALSE(mm_split_rest(&kCsv, Data(text), &s, &rest));
}

TEST(Split, AWatchStopsALongRow) {
  std::string text(3 * MM_PIECE, 'x');
  mm_watch watch = {[](void *, uint64_t) { return 1; }, nullptr};
  bool open;
  EXPECT_EQ(mm_split_row(&kCsv, Data(text), text.size(), 0, &watch, &open), UINT64_MAX);
}

TEST(Split, MatchesAReaderOfCharacters) {
  std::mt19937_64 random(1);
  for (int i = 0; i < mm_test::Rounds(20000) && !HasFailure(); i++) {
    mm_split split = {static_cast<int>(random() % 3), static_cast<uint8_t>(",;"[random() % 2]),
                      random() % 3 > 0, '"'};
    std::string text;
    size_t size = random() % (random() % 8 ? 40 : 400);
    const char *bytes = random() % 2 ? ",;\"\n\r \tab" : "abcdefgh,\"\n";
    for (size_t k = 0; k < size; k++) text += bytes[random() % strlen(bytes)];
    // A copy of exactly this size: ASAN sees what lies beyond it.
    std::unique_ptr<uint8_t[]> copy(new uint8_t[text.size()]);
    std::copy(text.begin(), text.end(), copy.get());
    EXPECT_EQ(SplitDiffers(split, text, copy.get(), 1 + static_cast<unsigned>(random() % 3)), "")
        << split.kind << split.quotes << " " << text;
  }
}

} // namespace
} // namespace mm_test
