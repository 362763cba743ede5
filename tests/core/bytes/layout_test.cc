// What a layout is made of, and each way in which one is refused.

#include "gtest/gtest.h"
#include "tests/support/counting.h"
#include "tests/support/structure.h"

namespace {

using mm_test::Parts;
using mm_test::Refused;
using mm_test::Structure;
using std::string;

// Of a column 'd' behind 'n u8' and 't text(2)'.
string Column(const string &definition) {
  return Refused({{"n", "u8"}, {"t", "text(2)"}, {"d", definition}, {"z", "u8"}});
}

TEST(Layout, TakesEveryForm) {
  for (const char *good : {"u8",
                           "u24be",
                           "i56le",
                           "f32le",
                           "bf16be",
                           "blob(4)",
                           "blob(n)",
                           "blob( n - 1 )",
                           "text(n)",
                           "utf16le(n)",
                           "latin1(n)",
                           "uuid",
                           "guid",
                           "u16le[4]",
                           "u16le[n]",
                           "text(2)[n]",
                           "b1",
                           "b64",
                           "b7le",
                           "uleb128",
                           "sleb128",
                           "varint",
                           "vlq",
                           "vlq1",
                           "cstr",
                           "cstr(9)",
                           "cstr(x'0d0a')",
                           "cstr(x'0a', 80)",
                           "u8 @4",
                           "u8 @ 0x10",
                           "u8 at(n)",
                           "u8 at_file(n)",
                           "u8 if(n)",
                           "u8 if(n > 1) at(n)",
                           "u8 @4 if(n)",
                           "blob(n) at(n) if(t = 'ab')",
                           "AS (n)",
                           "as(n + 1)",
                           "AS (t || 'x')",
                           "u8 AT (n)",
                           "blob(length(t))",
                           "blob(iif(n, 1, 2))",
                           "AS (')')",
                           "blob(\"n\")",
                           "blob([n])",
                           "blob(pos + offset + start + stop + size + rowid)"}) {
    EXPECT_EQ(Column(good), "ok") << good;
  }
}

TEST(Layout, NamesTheColumnThatIsWrong) {
  EXPECT_EQ(Column("blob(m)"), "column 'd': there is no column 'm'");
  EXPECT_EQ(Column("blob(z)"), "column 'd': 'z' comes later");
  EXPECT_EQ(Column("blob(d)"), "column 'd': 'd' comes later");
  EXPECT_EQ(Column("blob('4')"), "column 'd': its size is a text, not a number");
  EXPECT_EQ(Column("blob(x'04')"), "column 'd': its size is a text, not a number");
  EXPECT_EQ(Column("blob(t)"), "column 'd': its size is a text, not a number");
  EXPECT_EQ(Column("u8 at(t)"), "column 'd': its place is a text, not a number");
  EXPECT_EQ(Column("u8 at_file('x')"), "column 'd': its place is a text, not a number");
  EXPECT_EQ(Column("blob(2 - 3)"), "column 'd': its size is not in 1..2147483647");
  EXPECT_EQ(Column("blob(NULL)"), "column 'd': its size is not in 1..2147483647");
  EXPECT_EQ(Column("u64le[0x10000000]"),
            "column 'd': 'u64le[0x10000000]' is no type: its size must be 1 to 2147483647");
  EXPECT_EQ(Column("blob(n / 0)"), "column 'd': division by zero in 'n / 0'");
  EXPECT_EQ(Column("blob(n"), "column 'd': a bracket is missing");
  EXPECT_EQ(Column("u8 at(n"), "column 'd': ')' is missing in 'at(n'");
  EXPECT_EQ(Column("AS (n"), "column 'd': AS is followed by an expression in brackets");
  EXPECT_EQ(Column("AS n"), "column 'd': AS is followed by an expression in brackets");
  EXPECT_EQ(Column("AS (n) @4"), "column 'd': AS is followed by an expression in brackets");
  EXPECT_EQ(Column("u8 near(n)"), "column 'd': 'near(n)' is no at(…), at_file(…), @N or if(…)");
  EXPECT_EQ(Column("u8 at"), "column 'd': 'at' is no at(…), at_file(…), @N or if(…)");
  EXPECT_EQ(Column("u8 @4 @5"), "column 'd' has two places");
  EXPECT_EQ(Column("u8 at(4) @5"), "column 'd' has two places");
  EXPECT_EQ(Column("u8 @4 at_file(5)"), "column 'd' has two places");
  EXPECT_EQ(Column("u8 if(n) if(n)"), "column 'd' has two conditions");
  EXPECT_EQ(Column("u8 @"), "column 'd': '@' is no place in a record");
  EXPECT_EQ(Column("u8 @x"), "column 'd': '@x' is no place in a record");
  EXPECT_EQ(Column("u8 @-1"), "column 'd': '@-1' is no place in a record");
  EXPECT_EQ(Column("blob(f + )").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("blob(1.5)").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("blob(nonsense(1))").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("u9").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("b65").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("u8[]").substr(0, 11), "column 'd':");
  EXPECT_EQ(Column("cstr[n]").substr(0, 11), "column 'd':");
}

TEST(Layout, RealsAndArraysTakeNoPart) {
  Parts before = {{"f", "f32le"}, {"a", "u8[2]"}};
  auto with = [&](const string &definition) {
    Parts parts = before;
    parts.push_back({"d", definition});
    return Refused(parts);
  };
  EXPECT_EQ(with("blob(f)"), "column 'd': 'f' is a real, which takes no part in expressions");
  EXPECT_EQ(with("AS (a)"), "column 'd': 'a' is an array, which takes no part in expressions");
}

TEST(Layout, NamesTheOptionThatIsWrong) {
  auto with = [](const string &option, const string &text) {
    return Refused({{"n", "u8"}, {"d", "blob(n)"}, {option, text}});
  };
  EXPECT_EQ(with("until=", "(m = 1)"), "until: there is no column 'm'");
  EXPECT_EQ(with("while=", "(n"), "while: ')' is missing in '(n'");
  EXPECT_EQ(with("check=", "(1 / 0)").substr(0, 6), "check:");
  EXPECT_EQ(with("record=", "('x')"), "record is a text, not a number");
  EXPECT_EQ(with("count=", "('3')"), "count is a text, not a number");
  EXPECT_EQ(with("count=", "(n)"), "count: 'n' is a column, and no record is read yet");
  EXPECT_EQ(with("count=", "(start + size)"), "ok");
  EXPECT_EQ(with("record=", "(n + 1)"), "ok");
  EXPECT_EQ(with("check=", "n"), "ok");
  EXPECT_EQ(Refused({{"n", "u32le"}, {"record=", "3"}}),
            "record 3 is less than the 4 bytes of its columns");
  EXPECT_EQ(Refused({{"n", "u32le"}, {"record=", "(NULL)"}}).substr(0, 6), "record");
}

TEST(Layout, AColumnWinsOverANameOfEveryRecord) {
  EXPECT_EQ(mm_test::Records({{"size", "u8"}, {"d", "blob(size)"}}, string("\2ab\1c", 5)),
            "2|x'6162' 1|x'63'");
  EXPECT_EQ(Refused({{"d", "blob(size)"}, {"size", "u8"}}), "column 'd': 'size' comes later");
}

TEST(Layout, KnowsWhatIsOfOneSize) {
  auto one = [](const Parts &parts) {
    Structure structure(parts);
    EXPECT_EQ(structure.error(), "ok");
    return structure.get()->record;
  };
  EXPECT_EQ(one({{"a", "u8"}, {"b", "u32le"}}), 5u);
  EXPECT_EQ(one({{"a", "u8"}, {"b", "u32le @8"}, {"c", "u8 @2"}}), 12u);
  EXPECT_EQ(one({{"a", "u8"}, {"record=", "16"}}), 16u);
  EXPECT_EQ(one({{"a", "u8"}, {"record=", "(4 * 4)"}}), 16u);
  EXPECT_EQ(one({{"a", "u8"}, {"b", "blob(1 + 2)"}}), 4u);
  EXPECT_EQ(one({{"a", "u8"}, {"b", "u16le"}, {"align=", "4"}}), 4u);
  EXPECT_EQ(one({{"a", "u8"}, {"b", "blob(a)"}}), 0u);
  EXPECT_EQ(one({{"a", "cstr"}}), 0u);
  EXPECT_EQ(one({{"a", "u8 if(1)"}}), 0u);
  EXPECT_EQ(one({{"a", "u8"}, {"record=", "(a)"}}), 0u);
}

TEST(Layout, KnowsWhetherItSaysMoreThanATableOfColumns) {
  auto more = [](const Parts &parts) { return Structure(parts).get()->expressions; };
  EXPECT_FALSE(more({{"a", "u8"}, {"b", "text(4) @8"}}));
  EXPECT_FALSE(more({{"a", "u8"}, {"record=", "16"}}));
  EXPECT_FALSE(more({{"a", "u8"}, {"b", "u16"}, {"endian=", "le"}}));
  EXPECT_TRUE(more({{"a", "u8"}, {"b", "u16"}}));
  EXPECT_TRUE(more({{"a", "u8"}, {"b", "AS (a)"}}));
  EXPECT_TRUE(more({{"a", "u8"}, {"b", "blob(a)"}}));
  EXPECT_TRUE(more({{"a", "b4"}}));
  EXPECT_TRUE(more({{"a", "cstr"}}));
  EXPECT_TRUE(more({{"a", "u8"}, {"check=", "(a)"}}));
  EXPECT_TRUE(more({{"a", "u8"}, {"align=", "4"}}));
}

TEST(Layout, ClosesItsOrderOfBytes) {
  EXPECT_TRUE(Structure(Parts{{"a", "u16"}}).get()->open);
  EXPECT_FALSE(Structure({{"a", "u16"}, {"endian=", "be"}}).get()->open);
  EXPECT_FALSE(Structure({{"a", "u8"}, {"b", "u16le"}}).get()->open);
  EXPECT_EQ(mm_test::Records({{"a", "u16"}, {"b", "u16le"}, {"endian=", "be"}}, "\1\2\1\2"),
            "258|513");
  for (bool big : {false, true}) {
    EXPECT_EQ(mm_test::Records({{"a", "u16"}, {"b", "utf16(2)"}}, string("\1\2\0A", 4), 0,
                               UINT64_MAX, big),
              big ? "258|A" : "513|\xE4\x84\x80");
  }
}

TEST(Layout, KnowsWhatItsRecordsHangOn) {
  Structure s({{"n", "u8"}, {"m", "AS (n)"}, {"k", "u8"}, {"d", "blob(m)"}, {"check=", "(k)"}});
  EXPECT_TRUE(s.get()->columns[0].rules);
  EXPECT_TRUE(s.get()->columns[1].rules);
  EXPECT_FALSE(s.get()->columns[2].rules);
  EXPECT_TRUE(s.get()->columns[2].needed);
  EXPECT_FALSE(s.get()->columns[3].needed);
}

TEST(Layout, AllOfItFreesWhatItHas) {
  Parts parts = {{"n", "u8"}, {"d", "blob(n) if(n)"}, {"c", "AS (n || d)"}, {"until=", "(n = 1)"}};
  using mm_test::Counting;
  int rc = MM_NOMEM;
  for (uint64_t fail_at = 1; rc == MM_NOMEM; fail_at++) {
    Counting::Use();
    Counting::fail_at = fail_at;
    {
      Structure structure(parts);
      rc = structure.rc();
      if (rc == MM_OK) rc = mm_test::Walk(structure, string("\2ab\1c", 5)).rc;
    }
    EXPECT_EQ(Counting::live, 0u) << fail_at;
    mm_mem_use(nullptr);
    ASSERT_TRUE(rc == MM_OK || rc == MM_NOMEM);
    ASSERT_LT(fail_at, 1000u);
  }
}

} // namespace
