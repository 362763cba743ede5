// Walks over records that say how large they are: each rule by an example, and random layouts over
// random bytes beside a second implementation that is as plain as can be. The random ones are more
// with MMAP_TEST_SEEDS=20 in the environment.

#include <cstdlib>
#include <optional>
#include <random>

#include "gtest/gtest.h"
#include "tests/support/counting.h"
#include "tests/support/rounds.h"
#include "tests/support/structure.h"

namespace {

using mm_test::Parts;
using mm_test::Records;
using mm_test::Structure;
using mm_test::Walk;
using std::string;
using std::string_literals::operator""s;

const Parts kChain = {{"n", "u8"}, {"d", "text(n)"}};

// ---- sizes and places -----------------------------------------------------------------------

TEST(Walk, GoesFromRecordToRecord) {
  EXPECT_EQ(Records(kChain, "\1a\0\3bcd"s), "1|a 0| 3|bcd");
  EXPECT_EQ(Records(kChain, ""), "");
  EXPECT_EQ(Records(kChain, "xx\1a\1byy", 2, 6), "1|a 1|b");
}

TEST(Walk, TellsWhereEachRecordIs) {
  Structure s(kChain);
  Walk w(s, "\1a\0\3bcd"s);
  const uint64_t places[] = {0, 2, 3, 7};
  for (int i = 0; i < 3; i++) {
    ASSERT_EQ(w.Step(), MM_OK);
    EXPECT_EQ(w.walk.rowid, i);
    EXPECT_EQ(w.walk.offset, places[i]);
    EXPECT_EQ(w.walk.next, places[i + 1]);
  }
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_TRUE(w.walk.done);
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_TRUE(w.walk.done);
}

TEST(Walk, JumpsToARecord) {
  Structure s(kChain);
  Walk w(s, "\1a\0\3bcd"s);
  mm_walk_jump(&w.walk, 2, 3);
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.Record(), "3|bcd");
  EXPECT_EQ(w.walk.rowid, 2);
}

TEST(Walk, SizesAreExpressions) {
  EXPECT_EQ(Records({{"n", "u8"}, {"d", "text(n - 1)"}}, "\2a\1\3bc"s), "2|a 1| 3|bc");
  EXPECT_EQ(Records({{"n", "u8"}, {"a", "u16be[n]"}}, "\2\0\1\0\2\0"s), "2|[1,2] 0|[]");
  EXPECT_EQ(Records({{"n", "u8"}, {"u", "utf16le(n)"}, {"l", "latin1(1)"}}, "\2A\0\xe9"s), "2|A|é");
  EXPECT_EQ(Records({{"k", "text(1)"}, {"d", "text(CASE k WHEN 'a' THEN 1 ELSE 2 END)"}}, "a1b23"),
            "a|1 b|23");
  EXPECT_EQ(Records({{"o", "text(3)"}, {"d", "text(oct(o))"}}, "002xy000"s), "002|xy 000|");
  EXPECT_EQ(Records({{"n", "text(1)"}, {"d", "text(n + 0)"}}, "2xy1z"), "2|xy 1|z");
  EXPECT_EQ(Records({{"d", "text(stop - pos)"}}, "abc"), "abc");
}

TEST(Walk, PlacesAreInTheRecordOrTheFile) {
  EXPECT_EQ(Records({{"a", "u8"}, {"b", "text(1) @3"}, {"c", "text(1)"}}, "\1..bc\2..de"),
            "1|b|c 2|d|e");
  EXPECT_EQ(Records({{"n", "u8"}, {"b", "text(1) at(n)"}}, "\2.x\1y"), "2|x 1|y");
  EXPECT_EQ(Records({{"n", "u8"}, {"b", "text(1) at_file(n)"}, {"count=", "(2)"}}, "\3\2xy"),
            "3|y 2|x");
  EXPECT_EQ(Records({{"n", "u8"}, {"b", "text(1) at_file(n)"}}, "\5\4..xy", 0, 2), "5|y 4|x")
      << "also behind stop";
  EXPECT_EQ(Records({{"a", "u16be"}, {"hi", "u8 @0"}, {"lo", "u8"}}, "\1\2"), "258|1|2");
}

TEST(Walk, AColumnThatIsNotThereHasNoBytes) {
  Parts parts = {{"k", "u8"}, {"x", "text(1) if(k = 1)"}, {"y", "text(1)"}};
  EXPECT_EQ(Records(parts, "\1ab\2c"), "1|a|b 2|NULL|c");
  EXPECT_EQ(Records({{"k", "u8"}, {"x", "u8 if(NULL)"}}, "\1\2"), "1|NULL 2|NULL");
  EXPECT_EQ(Records({{"k", "u8"}, {"x", "u8 if(k)"}, {"d", "text(ifnull(x, 2))"}}, "\0ab\1\1c"s),
            "0|NULL|ab 1|1|c");
  EXPECT_EQ(Records({{"k", "u8"}, {"x", "u8 if(0)"}, {"d", "text(x)"}}, "\1"),
            "! record 0 at offset 0: column 'd': its size is NULL");
  EXPECT_EQ(Records({{"k", "u8"}, {"x", "text(9) at(99) if(k = 7)"}}, "\1"), "1|NULL");
}

TEST(Walk, ComputedColumnsHaveNoBytes) {
  EXPECT_EQ(Records({{"n", "u8"}, {"m", "AS (n * 2)"}, {"d", "text(m)"}, {"e", "AS (d || '!')"}},
                    "\1ab\0"s),
            "1|2|ab|ab! 0|0||!");
  EXPECT_EQ(
      Records({{"n", "u8"}, {"p", "AS (pos)"}, {"q", "u8"}, {"o", "AS (offset)"}}, "\1\2\3\4"),
      "1|1|2|0 3|3|4|2");
  EXPECT_EQ(
      Records({{"a", "u8"}, {"r", "AS (rowid || '/' || size || '/' || start || '/' || stop)"}},
              ".\1\2.", 1, 3),
      "1|0/4/1/3 2|1/4/1/3");
}

// Each is twice the one before: computed anew each time it would take 2^60 steps.
TEST(Walk, ComputesEachColumnOnce) {
  Parts parts = {{"c0", "u8"}};
  for (int i = 1; i <= 60; i++) {
    string before = "c" + std::to_string(i - 1);
    parts.push_back({"c" + std::to_string(i), "AS (" + before + " | " + before + ")"});
  }
  Structure s(parts);
  Walk w(s, "\7");
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.Value(60), "7");
}

// ---- types ----------------------------------------------------------------------------------

TEST(Walk, BitsRunOnInTheirByte) {
  EXPECT_EQ(Records({{"a", "b4"}, {"b", "b12"}, {"c", "u8"}}, "\x45\xe2\7"), "4|1506|7");
  EXPECT_EQ(Records({{"a", "b4le"}, {"b", "b12le"}}, "\x45\xe2"), "5|3620");
  EXPECT_EQ(Records({{"a", "b3"}, {"c", "u8"}, {"b", "b8"}}, "\xff\7\x80"), "7|7|128")
      << "what is of another kind starts at a whole byte";
  EXPECT_EQ(Records({{"a", "b4"}, {"b", "b4le"}}, "\x12\x34"), "1|4") << "as does another order";
  EXPECT_EQ(Records({{"a", "b4"}, {"b", "b4 @0"}, {"c", "b4"}}, "\x12"), "1|1|2");
  EXPECT_EQ(Records({{"a", "b4"}, {"x", "AS (a + 1)"}, {"b", "b4"}}, "\x12"), "1|2|2")
      << "a column without bytes does not part them";
  EXPECT_EQ(Records({{"a", "b4"}, {"x", "b4 if(a = 2)"}, {"b", "b4"}}, "\x12\x23\x40"),
            "1|NULL|2 2|3|4");
  EXPECT_EQ(Records({{"a", "b64"}}, string(8, '\xff')), "-1");
  EXPECT_EQ(Records({{"a", "b1"}, {"b", "b64"}}, string(9, '\xff')), "1|-1");
  EXPECT_EQ(Records({{"n", "b4"}, {"m", "b4"}, {"d", "text(n + m)"}}, "\x12"s + "abc"), "1|2|abc");
}

TEST(Walk, NumbersSayTheirSize) {
  EXPECT_EQ(Records({{"a", "uleb128"}, {"b", "sleb128"}}, "\x80\1\x7f"), "128|-1");
  EXPECT_EQ(Records({{"a", "varint"}, {"b", "vlq"}, {"c", "vlq1"}}, "\x81\0\x81\0\x80\0"s),
            "128|128|128");
  EXPECT_EQ(Records({{"n", "uleb128"}, {"d", "text(n)"}}, "\x02xy\x81\x80\0z"s), "2|xy 1|z");
}

TEST(Walk, TextsSayTheirSize) {
  EXPECT_EQ(Records({{"a", "cstr"}, {"b", "cstr(x'0d0a')"}}, "ab\0c\r\n\0\r\n"s), "ab|c |");
  EXPECT_EQ(Records({{"a", "cstr(3)"}}, "ab\0cd\0"s), "ab cd");
  EXPECT_EQ(Records({{"a", "cstr"}}, "ab\0cd"s),
            "ab ! record 1 at offset 3: column 'a': has no end in the last 2 bytes");
}

TEST(Walk, FloatsArraysAndUuids) {
  EXPECT_EQ(
      Records({{"n", "u8"}, {"f", "f32le if(n)"}, {"a", "i8[2]"}}, "\0\xff\1\1\0\0\xc0\x3f\2\3"s),
      "0|NULL|[-1,1] 1|1.5|[2,3]");
  EXPECT_EQ(Records({{"n", "u8"}, {"g", "uuid if(n)"}}, "\1" + string(16, '\x11')),
            "1|11111111-1111-1111-1111-111111111111");
}

// ---- what ends a record, and the rows ---------------------------------------------------------

TEST(Walk, RecordSaysWhereTheNextOneIs) {
  EXPECT_EQ(Records({{"n", "u8"}, {"k", "text(1)"}, {"record=", "(n)"}}, "\3a.\2b\4c.."),
            "3|a 2|b 4|c");
  EXPECT_EQ(Records({{"n", "u8"}, {"k", "text(1)"}, {"record=", "(n)"}}, "\1a"),
            "! record 0 at offset 0: its size is 1, and its columns take 2 bytes");
  EXPECT_EQ(Records({{"n", "i8"}, {"record=", "(n)"}}, "\xff"),
            "! record 0 at offset 0: its size is -1, and its columns take 1 bytes");
  EXPECT_EQ(Records({{"n", "u8"}, {"record=", "(n)"}}, "\1\5"),
            "1 ! record 1 at offset 1: its 5 bytes end past 2");
  EXPECT_EQ(Records({{"n", "u8"}, {"record=", "(nullif(n, 1))"}}, "\1").substr(0, 7), "record:");
  EXPECT_EQ(Records({{"n", "u8"}, {"record=", "(CASE WHEN n > 1 THEN 1 END)"}}, "\2\1"),
            "2 ! record 1 at offset 1: its size is NULL");
  EXPECT_EQ(Records({{"n", "u8 at_file(0)"}, {"record=", "(n)"}}, "\2.\2."), "2 2")
      << "what is elsewhere in the file takes none of it";
  EXPECT_EQ(Records({{"n", "u8 at_file(0)"}}, "\1"), "! record 0 at offset 0: it takes no bytes");
  EXPECT_EQ(Records({{"n", "u8"}, {"x", "text(1) at(n)"}}, "\2.x\1y"), "2|x 1|y")
      << "the furthest end of a column";
}

TEST(Walk, AlignRoundsUp) {
  Parts parts = {{"n", "u8"}, {"d", "text(n)"}, {"align=", "4"}};
  EXPECT_EQ(Records(parts, "\1a..\3bcd\1e"), "1|a 3|bcd 1|e") << "padding that the end cuts off";
  EXPECT_EQ(Records(parts, "\1a..\1b."), "1|a 1|b");
  EXPECT_EQ(Records(parts, ".\1a..\1b..", 1), "1|a 1|b") << "counted from the record's start";
  EXPECT_EQ(Records({{"a", "u8"}, {"align=", "2"}}, "\1.\2.\3"), "1 2 3");
}

TEST(Walk, CountEndsTheRows) {
  Parts parts = kChain;
  parts.push_back({"count=", "(2)"});
  EXPECT_EQ(Records(parts, "\0\1a\xff"s), "0| 1|a") << "what is behind is not read";
  EXPECT_EQ(Records({{"a", "u8"}, {"count=", "(size / 2)"}}, "\1\2\3\4"), "1 2");
  EXPECT_EQ(Records({{"a", "u8"}, {"count=", "(0)"}}, "\1"), "");
  EXPECT_EQ(Records({{"a", "u8"}, {"count=", "(NULL)"}}, "\1"), "1");
}

TEST(Walk, WhileIsJudgedAsSoonAsItsColumnsAreRead) {
  Parts parts = {{"n", "u8"}, {"d", "text(n)"}, {"e", "u32le"}, {"while=", "(n > 0)"}};
  EXPECT_EQ(Records(parts, "\1a\1\0\0\0\0"s), "1|a|1") << "a terminator at the very end";
  EXPECT_EQ(Records(parts, "\0anything at all"s), "");
  EXPECT_EQ(Records({{"a", "u8"}, {"while=", "(rowid < 2)"}}, "\1\2\3"), "1 2");
  EXPECT_EQ(Records({{"a", "u8"}, {"while=", "(offset < 2)"}, {"b", "u8"}}, "\1\2\3"), "1|2");
  EXPECT_EQ(Records({{"a", "u16le"}, {"while=", "(a)"}}, "\1\0\1"s),
            "1 ! record 1 at offset 2: column 'a': 2 bytes at 2 end past 3");
  EXPECT_EQ(
      Records({{"a", "u8"}, {"m", "AS (a + 1)"}, {"b", "u8"}, {"while=", "(m > 1)"}}, "\1\2\0"s),
      "1|2|2");
}

TEST(Walk, UntilSaysWhichIsTheLast) {
  Parts parts = {{"n", "u8"}, {"t", "text(1)"}, {"d", "text(n)"}, {"until=", "(t = 'E')"}};
  EXPECT_EQ(Records(parts, "\1ab\0Ewhatever follows"s), "1|a|b 0|E|");
  EXPECT_EQ(Records(parts, "\1ab"s), "1|a|b");
  Structure s(parts);
  Walk w(s, "\0Exx"s);
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_TRUE(w.walk.ended);
  EXPECT_FALSE(w.walk.done);
}

TEST(Walk, CheckIsDamageWhereItIsFalse) {
  Parts parts = {{"a", "u8"}, {"b", "u8"}, {"check=", "(a < b)"}};
  EXPECT_EQ(Records(parts, "\1\2\2\1"), "1|2 ! record 1 at offset 2: its check fails");
  EXPECT_EQ(Records({{"a", "u8"}, {"check=", "(NULL)"}}, "\1"), "1") << "as SQL's CHECK";
}

// ---- damage ---------------------------------------------------------------------------------

TEST(Walk, DamageNamesRecordOffsetColumnAndValue) {
  EXPECT_EQ(Records(kChain, "\1a\5b"),
            "1|a ! record 1 at offset 2: column 'd': 5 bytes at 3 end past 4");
  EXPECT_EQ(Records({{"n", "i8"}, {"d", "text(n)"}}, "\xfb"),
            "! record 0 at offset 0: column 'd': its size is -5");
  EXPECT_EQ(Records({{"n", "u8"}, {"d", "text(n - 4)"}}, "\3"),
            "! record 0 at offset 0: column 'd': its size is -1");
  EXPECT_EQ(Records({{"n", "u8"}, {"d", "u8 at(n - 4)"}}, "\3"),
            "! record 0 at offset 0: column 'd': its place is -1");
  EXPECT_EQ(Records({{"n", "u8"}, {"d", "u8 at_file(CASE n WHEN 1 THEN 0 END)"}}, "\1\2"),
            "1|1 ! record 1 at offset 1: column 'd': its place is NULL");
  EXPECT_EQ(Records({{"n", "u8"}, {"d", "u8 at(n)"}}, "\x63"),
            "! record 0 at offset 0: column 'd': its place, 99, is past the end at 1");
  EXPECT_EQ(Records({{"n", "u64le"}, {"d", "blob(n)"}}, "\xff\xff\xff\xff\xff\xff\xff\x7f"),
            "! record 0 at offset 0: column 'd': 9223372036854775807 bytes at 8 end past 8");
  EXPECT_EQ(Records({{"n", "u64le"}, {"d", "u64le[n]"}}, "\xff\xff\xff\xff\xff\xff\xff\x7f"),
            "! record 0 at offset 0: column 'd': its size is 9223372036854775807");
  EXPECT_EQ(Records({{"n", "u64le"}, {"d", "blob(n + 1)"}}, "\xff\xff\xff\xff\xff\xff\xff\x7f"),
            "! record 0 at offset 0: column 'd': 9223372036854775807 + 1 overflows");
  EXPECT_EQ(Records({{"n", "u64le"}, {"d", "u8 at(n)"}}, "\xff\xff\xff\xff\xff\xff\xff\x7f")
                .substr(0, 46),
            "! record 0 at offset 0: column 'd': its place,");
  EXPECT_EQ(Records({{"n", "u8"}, {"d", "text(8 / n)"}}, "\0"s),
            "! record 0 at offset 0: column 'd': its size is NULL")
      << "as SQLite divides";
  EXPECT_EQ(Records({{"n", "text(1)"}, {"d", "text(CASE WHEN 1 THEN n END)"}}, "x").substr(0, 12),
            "column 'd': ");
  EXPECT_EQ(Records({{"a", "u32le"}, {"b", "u8"}, {"record=", "(8)"}}, string(13, 0)),
            "0|0 ! record 1 at offset 8: its 8 bytes end past 13");
  EXPECT_EQ(Records({{"a", "u32le"}, {"x", "u8 if(a)"}}, "\0\0\0\0\0\0"s),
            "0|NULL ! record 1 at offset 4: column 'a': 4 bytes at 4 end past 6")
      << "bytes at the end";
  EXPECT_EQ(Records({{"a", "uleb128"}}, string(11, '\xff')).substr(0, 36),
            "! record 0 at offset 0: column 'a': ");
  EXPECT_EQ(Records({{"a", "uleb128"}}, "\xff").substr(0, 36),
            "! record 0 at offset 0: column 'a': ");
  EXPECT_EQ(Records({{"n", "u64le"}, {"check=", "(n + 1)"}}, "\xff\xff\xff\xff\xff\xff\xff\x7f"),
            "! record 0 at offset 0: check: 9223372036854775807 + 1 overflows");
  EXPECT_EQ(Records(kChain, "\1a", 3), "! start 3 is past the end (2 bytes)");
}

TEST(Walk, DamageInAComputedColumnIsSaidWhereItIsRead) {
  Parts parts = {{"n", "u64le"}, {"m", "AS (n + 1)"}};
  string bytes = "\xff\xff\xff\xff\xff\xff\xff\x7f";
  Structure lazy(parts);
  Walk w(lazy, bytes);
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.Value(1), "record 0 at offset 0: column 'm': 9223372036854775807 + 1 overflows");
  parts.push_back({"eager=", ""});
  EXPECT_EQ(Records(parts, bytes),
            "! record 0 at offset 0: column 'm': 9223372036854775807 + 1 overflows");
}

TEST(Walk, OfADamagedRecordTheFirstColumnsCanBeRead) {
  Structure s({{"n", "u8"}, {"k", "text(1)"}, {"d", "text(n)"}, {"e", "u8"}});
  Walk w(s, "\5kab");
  EXPECT_EQ(w.Step(), MM_DAMAGED);
  EXPECT_EQ(w.walk.found, 2u);
  EXPECT_EQ(w.Record(), "5|k|NULL|NULL");
  EXPECT_EQ(w.walk.offset, 0u);
  EXPECT_EQ(w.Step(), MM_OK);
  EXPECT_TRUE(w.walk.done) << "there is no way on";
}

// ---- memory that moves ------------------------------------------------------------------------

TEST(Walk, FollowsTheFileWhereItMoves) {
  Structure s({{"n", "u8"}, {"d", "text(n)"}, {"c", "AS (d)"}, {"m", "AS (length(c))"}});
  Walk w(s, "\3abc");
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.Value(2), "abc");
  mm_test::Exact moved("\3xyz");
  w.walk.data = moved.data();
  EXPECT_EQ(w.Value(1), "xyz");
  EXPECT_EQ(w.Value(2), "xyz");
  mm_test::Exact cut("\3x");
  w.walk.data = cut.data();
  w.walk.size = cut.size();
  EXPECT_EQ(w.Record(), "3|NULL|NULL|NULL") << "what is cut off is no more";
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_TRUE(w.walk.done);
}

// Another program may write between the step to a record and the look at it.
TEST(Walk, WhatChangesUnderARecordIsNotReadPastTheEnd) {
  Structure s({{"n", "u8"}, {"d", "text(n)"}});
  mm_test::Exact before("\1a\1b\1c\1d"), after("\1a\7b\1c\1d");
  Walk w(s, "");
  w.walk.data = before.data();
  w.walk.size = w.walk.stop = before.size();
  for (int i = 0; i < 2; i++) ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.walk.next, 4u);
  w.walk.data = after.data();
  EXPECT_EQ(w.Record(), "7|NULL");
  w.walk.data = before.data();
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.Record(), "1|c");
}

TEST(Walk, WhatIsComputedLateReadsNothingThatIsCutOff) {
  Structure s({{"a", "u8"}, {"d", "text(3)"}, {"u", "utf16le(2)"}, {"c", "AS (d || u)"}});
  Walk w(s, "\1abcA\0"s);
  ASSERT_EQ(w.Step(), MM_OK);
  EXPECT_EQ(w.Value(3), "abcA");
  mm_test::Exact cut("\1a");
  w.walk.data = cut.data();
  w.walk.size = cut.size();
  EXPECT_EQ(w.Value(3), "NULL");
}

TEST(Walk, AllocatesNothingFromRecordToRecord) {
  mm_test::Counting::Use();
  {
    Structure s({{"n", "u8"}, {"u", "utf16le(2)"}, {"c", "AS (u || n)"}, {"check=", "(c <> '')"}});
    string bytes;
    for (int i = 0; i < 1000; i++) bytes += "\1A\0"s;
    Walk w(s, bytes);
    ASSERT_EQ(w.Step(), MM_OK);
    EXPECT_EQ(w.Record(), "1|A|A1");
    uint64_t calls = mm_test::Counting::calls;
    while (!w.walk.done) {
      ASSERT_EQ(w.Step(), MM_OK);
      mm_value value;
      for (size_t i = 0; i < 3; i++) EXPECT_EQ(mm_walk_value(&w.walk, i, &value, &w.err), MM_OK);
    }
    EXPECT_EQ(mm_test::Counting::calls, calls);
  }
  mm_mem_use(nullptr);
}

// ---- a record that is not there yet -------------------------------------------------------------

TEST(Walk, SaysWhereANewRecordGoes) {
  Structure s({{"n", "u8"},
               {"v", "uleb128"},
               {"a", "b4"},
               {"b", "b4"},
               {"d", "text(n)"},
               {"x", "u8 if(n = 9)"},
               {"m", "AS (n)"},
               {"e", "u8 at(n + 9)"}});
  Walk w(s, "....\2");
  mm_walk_jump(&w.walk, 7, 4);
  mm_walk_build(&w.walk);
  const mm_walk_place places[] = {{4, 1, 0, true},  {5, 3, 0, true}, {8, 1, 0, true},
                                  {8, 1, 4, true},  {9, 2, 0, true}, {11, 0, 0, false},
                                  {11, 0, 0, true}, {15, 1, 0, true}};
  for (size_t i = 0; i < 8; i++) {
    ASSERT_EQ(mm_walk_build_column(&w.walk, 3, &w.err), MM_OK) << w.err.text;
    EXPECT_EQ(w.walk.places[i].at, places[i].at) << i;
    EXPECT_EQ(w.walk.places[i].size, places[i].size) << i;
    EXPECT_EQ(w.walk.places[i].bit, places[i].bit) << i;
    EXPECT_EQ(w.walk.places[i].present, places[i].present) << i;
  }
  uint64_t size;
  ASSERT_EQ(mm_walk_build_end(&w.walk, &size, &w.err), MM_OK);
  EXPECT_EQ(size, 12u);
  EXPECT_EQ(w.walk.rowid, 7);
}

// ---- beside a second implementation -------------------------------------------------------------

struct Damage {};
using Number = std::optional<int64_t>; // NULL

// Expressions over numbers.
struct Expr {
  enum Op { CONSTANT, SLOT, ADD, SUB, MUL, DIV, AND, SHIFT, LESS, EQUAL, IF, NEGATE, OPS };
  Op op = CONSTANT;
  int64_t number = 0;
  size_t slot = 0; // column, or column count + name
  std::vector<Expr> args;
};

struct Column {
  enum Type {
    U8,
    I8,
    U16,
    U24,
    B3,
    B5,
    B4LE,
    ULEB,
    VARINT,
    CSTR,
    CSTR4,
    BLOB,
    TEXT,
    ARRAY,
    AS,
    TYPES
  };
  Type type = U8;
  int place = 0; // 1: @N, 2: at, 3: at_file
  int64_t at = 0;
  std::optional<Expr> size, where, present;
  Expr value;
};

const char *const kNames[] = {"offset", "pos", "start", "stop", "size", "rowid"};

struct Definition {
  std::vector<Column> columns;
  std::optional<Expr> record, count, while_, until, check;
  uint64_t align = 0;

  string Name(size_t slot) const {
    return slot < columns.size() ? "c" + std::to_string(slot) : kNames[slot - columns.size()];
  }
  string Text(const Expr &e) const {
    auto arg = [&](size_t i) { return Text(e.args[i]); };
    static const char *const ops[] = {"",    "",    " + ",  " - ", " * ",
                                      " / ", " & ", " >> ", " < ", " = "};
    switch (e.op) {
      case Expr::CONSTANT:
        return std::to_string(e.number);
      case Expr::SLOT:
        return Name(e.slot);
      case Expr::IF:
        return "iif(" + arg(0) + ", " + arg(1) + ", " + arg(2) + ")";
      case Expr::NEGATE:
        return "(- " + arg(0) + ")";
      default:
        return "(" + arg(0) + ops[e.op] + arg(1) + ")";
    }
  }
  Parts Definitions() const {
    static const char *const types[] = {"u8",      "i8",    "u16be",   "u24le",  "b3",
                                        "b5",      "b4le",  "uleb128", "varint", "cstr",
                                        "cstr(4)", "blob(", "text(",   "u16le["};
    Parts parts;
    for (size_t i = 0; i < columns.size(); i++) {
      const Column &c = columns[i];
      string text = c.type == Column::AS ? "AS (" + Text(c.value) + ")" : types[c.type];
      if (c.size) text += Text(*c.size) + (c.type == Column::ARRAY ? "]" : ")");
      if (c.place == 1) text += " @" + std::to_string(c.at);
      if (c.place > 1) text += (c.place == 2 ? " at(" : " at_file(") + Text(*c.where) + ")";
      if (c.present) text += " if(" + Text(*c.present) + ")";
      parts.push_back({Name(i), text});
    }
    auto option = [&](const char *name, const std::optional<Expr> &e) {
      if (e) parts.push_back({name, "(" + Text(*e) + ")"});
    };
    option("record=", record);
    option("count=", count);
    option("while=", while_);
    option("until=", until);
    option("check=", check);
    if (align) parts.push_back({"align=", std::to_string(align)});
    return parts;
  }
};

// All of it anew for each record, by the letter of the definition.
class Model {
public:
  Model(const Definition &d, const string &bytes, int64_t start, int64_t stop)
      : d_(d), bytes_(bytes), start_(start), stop_(std::min<int64_t>(stop, (int64_t)bytes.size())) {
  }

  // "1|2 3|4 !": a '!' for damage, behind the columns that could be found.
  string All() {
    string text;
    if (start_ > (int64_t)bytes_.size()) return "!";
    for (offset_ = start_, rowid_ = 0; offset_ < stop_; rowid_++) {
      if (rowid_ > 1000) return "endless";
      values_.clear();
      shown_.clear();
      bool last = false, there = true;
      int64_t next = 0;
      string end;
      try {
        there = Record(&next, &last);
      } catch (Damage) {
        end = "!";
      }
      if (!there) break;
      text += std::to_string(offset_) + ":";
      for (const string &s : shown_) text += s + "|";
      if (!end.empty()) return text + "!";
      text += "> ";
      offset_ = next;
      if (last) break;
    }
    return text;
  }

private:
  Number Evaluate(const Expr &e) {
    auto arg = [&](size_t i) { return Evaluate(e.args[i]); };
    int64_t result;
    switch (e.op) {
      case Expr::CONSTANT:
        return e.number;
      case Expr::SLOT: {
        const int64_t names[] = {offset_, pos_, start_, stop_, (int64_t)bytes_.size(), rowid_};
        return e.slot < d_.columns.size() ? values_[e.slot] : names[e.slot - d_.columns.size()];
      }
      case Expr::IF: {
        Number c = arg(0);
        return c && *c ? arg(1) : arg(2);
      }
      case Expr::NEGATE: {
        Number a = arg(0);
        if (!a) return a;
        if (__builtin_sub_overflow((int64_t)0, *a, &result)) throw Damage();
        return result;
      }
      default:
        break;
    }
    Number a = arg(0), b = arg(1);
    if (!a || !b) return {};
    switch (e.op) {
      case Expr::ADD:
        if (__builtin_add_overflow(*a, *b, &result)) throw Damage();
        return result;
      case Expr::SUB:
        if (__builtin_sub_overflow(*a, *b, &result)) throw Damage();
        return result;
      case Expr::MUL:
        if (__builtin_mul_overflow(*a, *b, &result)) throw Damage();
        return result;
      case Expr::DIV:
        if (*b == 0) return {};
        if (*a == INT64_MIN && *b == -1) throw Damage();
        return *a / *b;
      case Expr::AND:
        return *a & *b;
      case Expr::SHIFT: {
        int64_t n = *b;
        if (n < 0) return n <= -64 ? 0 : (int64_t)((uint64_t)*a << -n);
        return n >= 64 ? (*a < 0 ? -1 : 0) : *a >> n;
      }
      case Expr::LESS:
        return *a < *b;
      default:
        return *a == *b;
    }
  }
  bool True(const Expr &e) {
    Number n = Evaluate(e);
    return n && *n;
  }
  int64_t Size(const Expr &e) {
    Number n = Evaluate(e);
    if (!n || *n < 0) throw Damage();
    return *n;
  }
  uint64_t Byte(int64_t at) const { return (uint8_t)bytes_[(size_t)at]; }
  string Part(int64_t at, int64_t size) const { return bytes_.substr((size_t)at, (size_t)size); }

  bool Record(int64_t *next, bool *last) {
    pos_ = offset_;
    if (d_.count) {
      Number n = Evaluate(*d_.count);
      if (n && rowid_ >= *n) return false;
    }
    int64_t used = 0;
    bits_ = -1;
    size_t judged = d_.while_ ? Last(*d_.while_) : SIZE_MAX;
    if (judged == 0 && !True(*d_.while_)) return false;
    for (size_t i = 0; i < d_.columns.size(); i++) {
      Find(d_.columns[i], &used);
      if (judged == i + 1 && !True(*d_.while_)) return false;
    }
    int64_t size = used;
    if (d_.record) {
      Number n = Evaluate(*d_.record);
      if (!n || *n < used) throw Damage();
      size = *n;
    }
    if (size == 0 || size > stop_ - offset_) throw Damage();
    *next = offset_ + size;
    while (d_.align && (*next - offset_) % (int64_t)d_.align && *next < stop_) ++*next;
    if (d_.check) {
      Number n = Evaluate(*d_.check);
      if (n && !*n) throw Damage();
    }
    if (d_.until) *last = True(*d_.until);
    return true;
  }
  // The highest column of an expression, from 1.
  size_t Last(const Expr &e) const {
    size_t last = e.op == Expr::SLOT && e.slot < d_.columns.size() ? e.slot + 1 : 0;
    for (const Expr &a : e.args) last = std::max(last, Last(a));
    return last;
  }
  void Give(Number n, const string &shown) {
    values_.push_back(n);
    shown_.push_back(shown);
  }
  void Give(Number n) { Give(n, n ? std::to_string(*n) : "NULL"); }

  void Find(const Column &c, int64_t *used) {
    if (c.type == Column::AS) return Give(Evaluate(c.value));
    bool bits = c.type == Column::B3 || c.type == Column::B5 || c.type == Column::B4LE;
    if (c.present && !True(*c.present)) {
      if (!bits) bits_ = -1;
      return Give({});
    }
    int64_t at = pos_, limit = c.place == 3 ? (int64_t)bytes_.size() : stop_;
    if (c.place == 1) at = offset_ + c.at;
    if (c.place > 1) {
      int64_t n = Size(*c.where);
      if (n > INT64_MAX / 2) throw Damage();
      at = (c.place == 2 ? offset_ : 0) + n;
    }
    pos_ = at;
    if (c.place || !bits) bits_ = -1;
    int64_t end = bits ? Bits(c, at, limit) : Bytes(c, at, limit);
    pos_ = end;
    if (c.place != 3) *used = std::max(*used, end - offset_);
  }
  // bits_ is the bit, counted from the file's start, where the run goes on.
  int64_t Bits(const Column &c, int64_t at, int64_t limit) {
    int width = c.type == Column::B3 ? 3 : c.type == Column::B5 ? 5 : 4;
    bool low = c.type == Column::B4LE;
    bool goes_on = bits_ >= 0 && low == low_;
    if (!goes_on && at > limit) throw Damage();
    int64_t bit = goes_on ? bits_ : at * 8;
    int64_t end = (bit + width + 7) / 8;
    if (bit / 8 > limit || end > limit) throw Damage();
    int64_t value = 0;
    for (int i = 0; i < width; i++) {
      int64_t b = bit + i;
      uint64_t one = Byte(b / 8) >> (low ? b % 8 : 7 - b % 8) & 1;
      value |= (int64_t)(low ? one << i : one << (width - 1 - i));
    }
    bits_ = bit + width;
    low_ = low;
    Give(value);
    return end;
  }
  int64_t Bytes(const Column &c, int64_t at, int64_t limit) {
    if (at > limit) throw Damage();
    int64_t left = limit - at, size = 0, value = 0;
    static const int64_t fixed[] = {1, 1, 2, 3};
    if (c.size) {
      size = Size(*c.size);
      if (c.type != Column::BLOB && size > (c.type == Column::ARRAY ? 0x3fffffff : 0x7fffffff)) {
        throw Damage();
      }
      if (c.type == Column::ARRAY) size *= 2;
    } else if (c.type <= Column::U24) {
      size = fixed[c.type];
    } else {
      size = Extent(c.type, at, left);
    }
    if (size > left) throw Damage();
    string part = Part(at, size);
    switch (c.type) {
      case Column::U8:
        Give(Byte(at));
        break;
      case Column::I8:
        Give((int8_t)Byte(at));
        break;
      case Column::U16:
        Give(Byte(at) << 8 | Byte(at + 1));
        break;
      case Column::U24:
        Give(Byte(at) | Byte(at + 1) << 8 | Byte(at + 2) << 16);
        break;
      case Column::ULEB:
        for (int64_t i = size; i-- > 0;) value = value << 7 | (int64_t)(Byte(at + i) & 127);
        Give(value);
        break;
      case Column::VARINT:
        for (int64_t i = 0; i < size; i++) {
          value = i == 8 ? (int64_t)((uint64_t)value << 8 | Byte(at + i))
                         : (int64_t)((uint64_t)value << 7 | (Byte(at + i) & 127));
        }
        Give(value);
        break;
      case Column::CSTR:
      case Column::CSTR4:
        Give({}, part.substr(0, part.size() - 1));
        break;
      case Column::TEXT:
        Give({}, part.c_str());
        break;
      case Column::BLOB: {
        mm_value blob = {MM_VALUE_BLOB, 0, 0, reinterpret_cast<const uint8_t *>(part.data()),
                         part.size()};
        Give({}, mm_test::Show(blob));
        break;
      }
      default: {
        string text = "[";
        for (int64_t i = 0; i < size; i += 2) {
          text += (i ? "," : "") + std::to_string(Byte(at + i) | Byte(at + i + 1) << 8);
        }
        Give({}, text + "]");
      }
    }
    return at + size;
  }
  int64_t Extent(Column::Type type, int64_t at, int64_t left) const {
    int64_t most = type == Column::CSTR4 ? 4 : type == Column::CSTR ? INT64_MAX : 10;
    for (int64_t i = 0; i < left && i < most; i++) {
      uint64_t byte = Byte(at + i);
      if (type == Column::VARINT && i == 8) return 9;
      if (type == Column::CSTR || type == Column::CSTR4 ? byte == 0 : byte < 128) {
        if (type == Column::ULEB && i == 9 && byte > 1) throw Damage();
        return i + 1;
      }
    }
    throw Damage();
  }

  const Definition &d_;
  const string &bytes_;
  int64_t start_, stop_, offset_ = 0, pos_ = 0, rowid_ = 0, bits_ = -1;
  bool low_ = false;
  std::vector<Number> values_;
  std::vector<string> shown_;
};

class Random {
public:
  explicit Random(uint64_t seed) : engine_(seed) {}
  uint64_t operator()(uint64_t n) { return engine_() % n; }
  bool OneIn(uint64_t n) { return (*this)(n) == 0; }

  string Bytes() {
    static const char likely[] = {0, 1, 2, 3, 4, 5, 8, 'a', (char)0x80, (char)0x81, (char)0xff};
    string bytes((*this)(40), 0);
    for (char &c : bytes) c = OneIn(4) ? (char)(*this)(256) : likely[(*this)(sizeof likely)];
    return bytes;
  }
  // Over columns that give numbers, of the first `seen`.
  Expr Expression(const Definition &d, size_t seen, size_t count, int depth) {
    Expr e;
    if (depth == 0 || OneIn(3)) {
      std::vector<size_t> slots;
      for (size_t i = 0; i < seen; i++) {
        Column::Type t = d.columns[i].type;
        if (t < Column::CSTR || t == Column::AS) slots.push_back(i);
      }
      if (OneIn(5)) slots.push_back(count + (*this)(6));
      e.number = (int64_t)(*this)(6);
      if (slots.empty() || OneIn(3)) return e;
      e.op = Expr::SLOT;
      e.slot = slots[(*this)(slots.size())];
      return e;
    }
    e.op = (Expr::Op)(Expr::ADD + (*this)(Expr::OPS - Expr::ADD));
    size_t args = e.op == Expr::IF ? 3 : e.op == Expr::NEGATE ? 1 : 2;
    for (size_t i = 0; i < args; i++) e.args.push_back(Expression(d, seen, count, depth - 1));
    return e;
  }
  Definition Layout() {
    Definition d;
    size_t count = 1 + (*this)(6);
    for (size_t i = 0; i < count; i++) {
      auto some = [&] { return Expression(d, i, count, OneIn(2) ? 0 : 2); };
      Column c;
      c.type = (Column::Type)(OneIn(3) ? 0 : (*this)(Column::TYPES));
      bool sized = c.type >= Column::BLOB && c.type <= Column::ARRAY;
      if (sized) c.size = some();
      if (c.type == Column::AS) {
        c.value = some();
      } else {
        if (OneIn(8)) c.place = 1 + (int)(*this)(3);
        c.at = (int64_t)(*this)(6);
        if (c.place > 1) c.where = some();
        if (OneIn(6)) c.present = some();
      }
      d.columns.push_back(c);
    }
    auto maybe = [&](std::optional<Expr> *e, size_t seen) {
      if (OneIn(6)) *e = Expression(d, seen, count, 2);
    };
    maybe(&d.record, count);
    maybe(&d.count, 0);
    maybe(&d.while_, count);
    maybe(&d.until, count);
    maybe(&d.check, count);
    if (OneIn(6)) d.align = 1 + (*this)(5);
    return d;
  }

private:
  std::mt19937_64 engine_;
};

// The walk as Model::All tells it; and its steps.
string Walked(const Structure &s, const string &bytes, uint64_t start, uint64_t stop,
              uint64_t *steps) {
  Walk w(s, bytes, start, stop);
  if (w.rc) return "!";
  string text;
  for (;;) {
    int rc = w.Step();
    ++*steps;
    if (rc != MM_OK && rc != MM_DAMAGED) return w.err.text;
    if (w.walk.done) return text;
    text += std::to_string(w.walk.offset) + ":";
    for (size_t i = 0; i < w.walk.found; i++) text += w.Value(i) + "|";
    if (rc) return text + "!";
    text += "> ";
    if (w.walk.rowid > 1000) return "endless";
  }
}

string Told(const Parts &parts) {
  string text;
  for (const auto &[name, definition] : parts) text += name + " " + definition + ", ";
  return text;
}

// Computed columns are found eagerly here, as the model does.
TEST(WalkRandom, GivesWhatAPlainReadingGives) {
  uint64_t layouts = mm_test::Rounds(uint64_t{20000}), good = 0, steps = 0;
  Random random(1);
  for (uint64_t i = 0; i < layouts; i++) {
    Definition d = random.Layout();
    Parts parts = d.Definitions();
    parts.push_back({"eager=", ""});
    Structure s(parts);
    if (s.rc()) continue; // a constant that can be no size, say
    good++;
    for (int k = 0; k < 20; k++) {
      string bytes = random.Bytes();
      int64_t start = random.OneIn(4) ? (int64_t)random(12) : 0;
      int64_t stop = random.OneIn(4) ? start + (int64_t)random(30) : INT64_MAX;
      string walked = Walked(s, bytes, (uint64_t)start, (uint64_t)stop, &steps);
      ASSERT_EQ(walked, Model(d, bytes, start, stop).All())
          << Told(parts)
          << mm_test::Show({MM_VALUE_BLOB, 0, 0, reinterpret_cast<const uint8_t *>(bytes.data()),
                            bytes.size()})
          << " from " << start << " to " << stop;
    }
  }
  EXPECT_GT(good, layouts / 2);
  EXPECT_GT(steps, layouts * 20);
}

// Text that is no definition, or nearly one.
TEST(WalkRandom, HostileDefinitionsDoNoHarm) {
  static const char *const words[] = {"u8",
                                      "u64le",
                                      "u16",
                                      "b64",
                                      "b3le",
                                      "cstr",
                                      "cstr(",
                                      "x'0a'",
                                      "blob(",
                                      "text(",
                                      "utf16le(",
                                      "latin1(",
                                      "[",
                                      "]",
                                      "(",
                                      ")",
                                      "at(",
                                      "at_file(",
                                      "if(",
                                      "AS (",
                                      "@",
                                      "0x7fffffffffffffff",
                                      "9223372036854775807",
                                      "-1",
                                      "c0",
                                      "c1",
                                      "c2",
                                      "||",
                                      "+",
                                      "*",
                                      "<<",
                                      "pos",
                                      "stop",
                                      "'",
                                      "\"",
                                      "varint",
                                      "uleb128",
                                      "f32le",
                                      "CASE",
                                      "END",
                                      ",",
                                      "NULL",
                                      "length(",
                                      "align(",
                                      "oct(",
                                      "- "};
  Random random(2);
  uint64_t steps = 0, good = 0;
  for (int i = 0; i < 60000; i++) {
    Parts parts;
    for (size_t c = 0; c < 3; c++) {
      string text = random.OneIn(3) ? "u64le" : "";
      for (uint64_t n = random(6); n-- > 0;) {
        text += (random.OneIn(3) ? " " : "") + string(words[random(sizeof words / sizeof *words)]);
      }
      parts.push_back({"c" + std::to_string(c), text});
      if (random.OneIn(2)) parts.back().second = random.OneIn(2) ? "i8" : "blob(c0 * 1000000007)";
    }
    static const char *const options[] = {"record=", "count=", "while=", "until=", "check="};
    if (random.OneIn(3))
      parts.push_back({options[random(5)], random.OneIn(2) ? "(c0)" : "(c1 << c0)"});
    if (random.OneIn(9)) parts.push_back({"align=", "0xffffffffffffffff"});
    Structure s(parts);
    if (s.rc()) continue;
    good++;
    for (int k = 0; k < 3; k++) {
      string bytes = random.Bytes();
      EXPECT_NE(Walked(s, bytes, random(3), UINT64_MAX, &steps), "endless");
    }
  }
  EXPECT_GT(good, 1000u);
}

} // namespace
