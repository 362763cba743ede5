// mmap_get and mmap_set: every type, there and back.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class GetSet : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "0123456789");
    Put("wide", std::string(32, '.'));
  }
  // Store by type at offset 3, and look at the bytes of the file and the value read back.
  void RoundTrip(const std::string &type, const std::string &value, const std::string &bytes,
                 const std::string &read) {
    Put("wide", std::string(32, '.'));
    EXPECT_EQ(One("SELECT mmap_set('wide', 3, " + value + ", '" + type + "')"),
              std::to_string(bytes.size()))
        << type << " " << value;
    EXPECT_EQ(Get("wide"), "..." + bytes + std::string(29 - bytes.size(), '.'))
        << type << " " << value;
    EXPECT_EQ(One("SELECT mmap_get('wide', 3, '" + type + "')"), read) << type << " " << value;
  }
  void DoesNotFit(const std::string &type, const std::string &value) {
    Put("wide", std::string(32, '.'));
    std::string error = Error("SELECT mmap_set('wide', 3, " + value + ", '" + type + "')");
    EXPECT_EQ(error.substr(0, 21), "CONSTRAINT mmap_set: ")
        << type << " " << value << ": " << error;
    EXPECT_EQ(Get("wide"), std::string(32, '.')) << type << " " << value;
  }
};

std::string B(std::initializer_list<int> bytes) {
  std::string text;
  for (int b : bytes) text += static_cast<char>(b);
  return text;
}

TEST_F(GetSet, TheTypeIsU8WhenLeftOutOrNull) {
  EXPECT_EQ(One("SELECT mmap_get('a', 0), mmap_get('a', 9, NULL), typeof(mmap_get('a', 0))"),
            "48|57|integer");
  EXPECT_EQ(One("SELECT mmap_set('a', 0, 255), mmap_set('a', 1, 0, NULL)"), "1|1");
  EXPECT_EQ(Get("a"), B({255, 0}) + "23456789");
}

TEST_F(GetSet, ANegativeOffsetCountsFromTheEnd) {
  EXPECT_EQ(One("SELECT mmap_get('a', -1), mmap_get('a', -10), mmap_get('a', -2, 'u16be')"),
            "57|48|14393");
  Run("SELECT mmap_set('a', -1, 65), mmap_set('a', -3, 0x4243, 'u16be')");
  EXPECT_EQ(Get("a"), "0123456BCA");
}

TEST_F(GetSet, Integers) {
  RoundTrip("u8", "200", B({200}), "200");
  RoundTrip("i8", "-1", B({255}), "-1");
  RoundTrip("i8", "-128", B({128}), "-128");
  RoundTrip("u16le", "0x1234", B({0x34, 0x12}), "4660");
  RoundTrip("u16be", "0x1234", B({0x12, 0x34}), "4660");
  RoundTrip("i16le", "-2", B({0xfe, 0xff}), "-2");
  RoundTrip("i16be", "-32768", B({0x80, 0}), "-32768");
  RoundTrip("u24le", "0x123456", B({0x56, 0x34, 0x12}), "1193046");
  RoundTrip("u24be", "0xffffff", B({255, 255, 255}), "16777215");
  RoundTrip("i24le", "-1", B({255, 255, 255}), "-1");
  RoundTrip("i24be", "-8388608", B({0x80, 0, 0}), "-8388608");
  RoundTrip("u32le", "4294967295", B({255, 255, 255, 255}), "4294967295");
  RoundTrip("u32be", "1", B({0, 0, 0, 1}), "1");
  RoundTrip("i32le", "-2147483648", B({0, 0, 0, 0x80}), "-2147483648");
  RoundTrip("i32be", "2147483647", B({0x7f, 255, 255, 255}), "2147483647");
  RoundTrip("i64le", "-9223372036854775808", B({0, 0, 0, 0, 0, 0, 0, 0x80}),
            "-9223372036854775808");
  RoundTrip("i64be", "9223372036854775807", B({0x7f, 255, 255, 255, 255, 255, 255, 255}),
            "9223372036854775807");
  RoundTrip("u64le", "5", B({5, 0, 0, 0, 0, 0, 0, 0}), "5");
}

TEST_F(GetSet, AU64AboveTheSignedRangeIsNegative) {
  RoundTrip("u64be", "-1", std::string(8, '\xff'), "-1");
  RoundTrip("u64le", "-9223372036854775808", B({0, 0, 0, 0, 0, 0, 0, 0x80}),
            "-9223372036854775808");
}

TEST_F(GetSet, AnIntegerMayBeRealOrTextThatIsExactlyOne) {
  RoundTrip("u8", "7.0", B({7}), "7");
  RoundTrip("u16be", "'258'", B({1, 2}), "258");
  RoundTrip("i8", "'-5'", B({251}), "-5");
  EXPECT_EQ(One("SELECT mmap_get('a', 3.0), mmap_get('a', '4')"), "51|52");
}

TEST_F(GetSet, Floats) {
  RoundTrip("f64be", "1.5", B({0x3f, 0xf8, 0, 0, 0, 0, 0, 0}), "1.5");
  RoundTrip("f64le", "-2", B({0, 0, 0, 0, 0, 0, 0, 0xc0}), "-2.0");
  RoundTrip("f32be", "0.5", B({0x3f, 0, 0, 0}), "0.5");
  RoundTrip("f32le", "3", B({0, 0, 0x40, 0x40}), "3.0");
  EXPECT_EQ(One("SELECT typeof(mmap_get('wide', 0, 'f32le'))"), "real");
}

TEST_F(GetSet, AFloatThatIsNotANumberReadsAsNull) {
  Put("wide", B({0x7f, 0xf8, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(One("SELECT mmap_get('wide', 0, 'f64be')"), "NULL");
}

TEST_F(GetSet, BlobsAndTextsArePaddedWithZeros) {
  RoundTrip("blob(4)", "x'0102'", B({1, 2, 0, 0}), "x'01020000'");
  RoundTrip("blob(2)", "x'0102'", B({1, 2}), "x'0102'");
  RoundTrip("blob(3)", "x''", B({0, 0, 0}), "x'000000'");
  RoundTrip("text(6)", "'hé'", "h\xc3\xa9" + B({0, 0, 0}), "hé");
  RoundTrip("text(2)", "'ab'", "ab", "ab");
  RoundTrip("text(2)", "''", B({0, 0}), "");
  EXPECT_EQ(
      One("SELECT typeof(mmap_get('wide', 3, 'text(2)')), length(mmap_get('a', 1, 'blob(9)'))"),
      "text|9");
}

TEST_F(GetSet, TextEndsAtTheFirstNul) {
  Put("wide", B({'a', 'b', 0, 'c'}));
  EXPECT_EQ(One("SELECT mmap_get('wide', 0, 'text(4)')"), "ab");
}

TEST_F(GetSet, Utf16) {
  RoundTrip("utf16le(8)", "'hé'", B({'h', 0, 0xe9, 0, 0, 0, 0, 0}), "hé");
  RoundTrip("utf16be(4)", "'hé'", B({0, 'h', 0, 0xe9}), "hé");
  RoundTrip("utf16be(4)", "'😀'", B({0xd8, 0x3d, 0xde, 0x00}), "😀");
}

TEST_F(GetSet, WhatDoesNotFitIsNotStored) {
  for (const char *value : {"256", "-1", "1.5", "x'01'", "'a'", "''", "'1.5'", "1e300", "'0x10'"}) {
    DoesNotFit("u8", value);
  }
  DoesNotFit("i8", "128");
  DoesNotFit("i8", "-129");
  DoesNotFit("u16le", "65536");
  DoesNotFit("i16be", "-32769");
  DoesNotFit("u24le", "0x1000000");
  DoesNotFit("i24be", "8388608");
  DoesNotFit("u32be", "4294967296");
  DoesNotFit("u32be", "-1");
  DoesNotFit("i32le", "2147483648");
  DoesNotFit("i64le", "9223372036854775808");
  DoesNotFit("i64le", "'9223372036854775808'");
  DoesNotFit("f32le", "1e300");
  DoesNotFit("f64le", "x'00'");
  DoesNotFit("f64le", "'abc'");
  DoesNotFit("blob(2)", "x'010203'");
  DoesNotFit("text(2)", "'abc'");
  DoesNotFit("text(2)", "'éa'");
  DoesNotFit("utf16le(2)", "'ab'");
}

TEST_F(GetSet, AnUnknownTypeIsAnError) {
  for (const char *type :
       {"", "u7", "u16", "u8le8", "blob", "blob(0)", "blob(-1)", "text()", "text(x)",
        "blob(99999999999999999999)", "f16", "U 8", "utf16(4)", "blob(4"}) {
    std::string error = Error("SELECT mmap_get('a', 0, " + Quote(type) + ")");
    EXPECT_EQ(error.substr(0, 16), "ERROR mmap_get: ") << type << ": " << error;
    error = Error("SELECT mmap_set('a', 0, 1, " + Quote(type) + ")");
    EXPECT_EQ(error.substr(0, 16), "ERROR mmap_set: ") << type << ": " << error;
  }
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(GetSet, OnlyWhatIsWhollyInside) {
  EXPECT_EQ(Error("SELECT mmap_get('a', 10)"),
            "ERROR mmap_get: offset 10 is outside 'a' (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_get('a', -11)"),
            "ERROR mmap_get: offset -11 is outside 'a' (10 bytes)");
  EXPECT_EQ(Error("SELECT mmap_get('a', 9, 'u16le')"),
            "ERROR mmap_get: offset 9 and 2 bytes are outside 'a' (10 bytes)");
  EXPECT_NE(Error("SELECT mmap_get('a', -1, 'u16le')"), "ok");
  EXPECT_NE(Error("SELECT mmap_get('a', 0, 'blob(11)')"), "ok");
  EXPECT_NE(Error("SELECT mmap_get('a', 0, 'blob(9223372036854775807)')"), "ok");
  EXPECT_NE(Error("SELECT mmap_set('a', 7, 1, 'u32be')"), "ok");
  EXPECT_EQ(One("SELECT mmap_get('a', 8, 'u16be')"), "14393");
  EXPECT_EQ(Get("a"), "0123456789");
}

TEST_F(GetSet, AValueAcrossAPage) {
  Put("a", std::string(4095, 0) + "\x01\x02" + std::string(4000, 0));
  EXPECT_EQ(One("SELECT mmap_get('a', 4095, 'u16be')"), "258");
  Run("SELECT mmap_set('a', 4093, -2, 'i64be')");
  EXPECT_EQ(Get("a").substr(4092, 10), B({0, 255, 255, 255, 255, 255, 255, 255, 254, 0}));
}

TEST_F(GetSet, InAWindowOffsetsCountFromItsStart) {
  Run("SELECT mmap_open('a', 'write', 4, 3)");
  EXPECT_EQ(One("SELECT mmap_get(1, 0), mmap_get(1, -1), mmap_get(1, 2, 'u16be')"), "51|54|13622");
  EXPECT_EQ(Error("SELECT mmap_get(1, 4)"), "ERROR mmap_get: offset 4 is outside 'a' (4 bytes)");
  EXPECT_EQ(Error("SELECT mmap_get(1, -5)"), "ERROR mmap_get: offset -5 is outside 'a' (4 bytes)");
  Run("SELECT mmap_set(1, 0, 65), mmap_set(1, -1, 66)");
  EXPECT_EQ(Get("a"), "012A45B789");
}

TEST_F(GetSet, AnEmptyFileHasNothing) {
  Put("a", "");
  EXPECT_EQ(Error("SELECT mmap_get('a', 0)"), "ERROR mmap_get: offset 0 is outside 'a' (0 bytes)");
  EXPECT_EQ(Error("SELECT mmap_get('a', -1)"),
            "ERROR mmap_get: offset -1 is outside 'a' (0 bytes)");
  EXPECT_EQ(Error("SELECT mmap_set('a', 0, 1)"),
            "ERROR mmap_set: offset 0 is outside 'a' (0 bytes)");
}

TEST_F(GetSet, WhatOtherProgramsWriteShowsInTheNextStatement) {
  EXPECT_EQ(One("SELECT mmap_get('a', 0)"), "48");
  Put("a", "x");
  EXPECT_EQ(One("SELECT mmap_get('a', 0), mmap_length('a')"), "120|1");
  Put("a", std::string(9000, 'y'));
  EXPECT_EQ(One("SELECT mmap_get('a', 8999), mmap_length('a')"), "121|9000");
}

TEST_F(GetSet, AFileThatIsReplacedIsTheNewOneByPathAndTheOldOneByHandle) {
  Run("SELECT mmap_open('a')");
  Put("new", "NEW");
  rename("new", "a");
  EXPECT_EQ(One("SELECT mmap_length('a'), mmap_length(1)"), "3|10");
}

TEST_F(GetSet, AGetSeesASetOfTheSameStatement) {
  EXPECT_EQ(
      One("SELECT mmap_set('a', 0, 65), mmap_get('a', 0), mmap_set('a', 0, 66), mmap_get('a', 0)"),
      "1|65|1|66");
}

} // namespace
} // namespace mm_test
