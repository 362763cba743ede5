// The expressions of structures: by examples, and random ones beside SQLite's over the same columns.
// The random ones are more with MMAP_TEST_SEEDS=20 in the environment.

#include <cstdint>
#include <cstdlib>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "tests/support/counting.h"
#include "tests/support/expr_oracle.h"
#include "tests/support/rounds.h"

namespace {

using mm_test::Answer;
using mm_test::CompiledExpr;
using mm_test::ExprOracle;
using mm_test::ExprRow;
using mm_test::kExprColumns;
using mm_test::kExprSlots;
using mm_test::Owned;
using std::string;
using std::string_literals::operator""s;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

// i = 7, j = NULL, s = 'IEND', u = '12', b = x'0001', c = x'', n = 5
ExprRow Row() {
  return {
      Owned::Of(7),    {},          Owned::Text("IEND"), Owned::Text("12"), Owned::Blob("\0\1"s),
      Owned::Blob(""), Owned::Of(5)};
}

// What an expression gives, or the sentence that says why it gives nothing.
string Of(const string &text, const ExprRow &row = Row()) {
  CompiledExpr expr(text);
  if (expr.rc()) return expr.error();
  Answer answer = expr.Evaluate(row);
  return answer.rc ? answer.error : answer.value.Show();
}

// The columns that an evaluation asks for.
string Reads(const string &text) {
  CompiledExpr expr(text);
  EXPECT_EQ(expr.rc(), MM_OK) << text << ": " << expr.error();
  if (expr.rc()) return "";
  expr.Evaluate(Row());
  return expr.reads();
}

TEST(Expr, ReadsLiterals) {
  EXPECT_EQ(Of("12"), "12");
  EXPECT_EQ(Of("007"), "7");
  EXPECT_EQ(Of("9223372036854775807"), std::to_string(kMax));
  EXPECT_EQ(Of("- 9223372036854775808"), std::to_string(kMin));
  EXPECT_EQ(Of("0x1F"), "31");
  EXPECT_EQ(Of("0xffffffffffffffff"), "-1");
  EXPECT_EQ(Of("0x0000000000000000010"), "16");
  EXPECT_EQ(Of("'it''s'"), "text x'69742773'");
  EXPECT_EQ(Of("''"), "text x''");
  EXPECT_EQ(Of("X'00fF'"), "x'00ff'");
  EXPECT_EQ(Of("x''"), "x''");
  EXPECT_EQ(Of("NULL"), "NULL");
  EXPECT_EQ(Of("true + TRUE + False"), "2");
}

TEST(Expr, RefusesWhatIsNoLiteral) {
  EXPECT_EQ(Of("1.5"), "1.5 is a real number, and there are none in '1.5'");
  EXPECT_EQ(Of("1 + 2e3"), "2e3 is a real number, and there are none in '1 + 2e3'");
  EXPECT_EQ(Of(".5"), ".5 is a real number, and there are none in '.5'");
  EXPECT_EQ(Of("12abc"), "12abc is no number in '12abc'");
  EXPECT_EQ(Of("0x"), "0x is no number in '0x'");
  EXPECT_EQ(Of("9223372036854775808"), "9223372036854775808 is too large in '9223372036854775808'");
  EXPECT_EQ(Of("19223372036854775807"),
            "19223372036854775807 is too large in '19223372036854775807'");
  EXPECT_EQ(Of("0x10000000000000000"), "0x10000000000000000 is too large in '0x10000000000000000'");
  EXPECT_EQ(Of("'abc"), "'abc has no closing quote in ''abc'");
  EXPECT_EQ(Of("x'0'"), "x'0' has not pairs of hexadecimal digits in 'x'0''");
  EXPECT_EQ(Of("x'0g'"), "x'0g' has not pairs of hexadecimal digits in 'x'0g''");
}

TEST(Expr, ReadsNamesInQuotesOfAnyKind) {
  EXPECT_EQ(Of("i"), "7");
  EXPECT_EQ(Of("I"), "7");
  EXPECT_EQ(Of("\"i\" + `i` + [i]"), "21");
  EXPECT_EQ(Of("\"none\""), "there is no column 'none'");
  EXPECT_EQ(Of("end + 1"), "there is no column 'end'");
  EXPECT_EQ(Of("\"a\"\"b\""), "there is no column 'a\"b'");
  EXPECT_EQ(Of("length"), "there is no column 'length'");
  EXPECT_EQ(Of(string(300, 'x')).substr(0, 12), "the name xxx");
}

TEST(Expr, SkipsSpacesAndComments) {
  EXPECT_EQ(Of(" 1 --1\n+/* ( */\t2\r\n"), "3");
  EXPECT_EQ(Of("1--1"), "1");
  EXPECT_EQ(Of("1 /* 2"), "a comment does not end in '1 /* 2'");
}

TEST(Expr, BindsAsSQLiteDoes) {
  EXPECT_EQ(Of("1 + 2 * 3"), "7");
  EXPECT_EQ(Of("2 * 3 || 4"), "68");
  EXPECT_EQ(Of("-1 || 2"), "text x'2d3132'");
  EXPECT_EQ(Of("1 | 2 & 2"), "2");
  EXPECT_EQ(Of("1 << 2 + 1"), "8");
  EXPECT_EQ(Of("3 = 3 < 2"), "0");
  EXPECT_EQ(Of("NOT 1 = 2"), "1");
  EXPECT_EQ(Of("1 + NOT 2 = 3"), "2");
  EXPECT_EQ(Of("1 OR 0 AND 0"), "1");
  EXPECT_EQ(Of("2 BETWEEN 1 AND 3 AND 0"), "0");
  EXPECT_EQ(Of("1 - 2 - 3"), "-4");
  EXPECT_EQ(Of("~1 + 1"), "-1");
  EXPECT_EQ(Of("5 NOT NULL = 1"), "1");
}

TEST(Expr, ComparesColumnsByTheirAffinity) {
  EXPECT_EQ(Of("s = 'IEND'"), "1");
  EXPECT_EQ(Of("i = '7'"), "1");
  EXPECT_EQ(Of("i = ' 7.0 '"), "1");
  EXPECT_EQ(Of("i < '7.5'"), "1");
  EXPECT_EQ(Of("7 = '7'"), "0");
  EXPECT_EQ(Of("+i = '7'"), "0");
  EXPECT_EQ(Of("u = 12"), "1");
  EXPECT_EQ(Of("i + 5 = u"), "1");
  EXPECT_EQ(Of("u + 0 = 12"), "1");
  EXPECT_EQ(Of("n = '5'"), "0");
  EXPECT_EQ(Of("x'4945' = 'IE'"), "0");
  EXPECT_EQ(Of("u IN (12)"), "1");
  EXPECT_EQ(Of("12 IN (u)"), "0");
}

TEST(Expr, KnowsNulls) {
  EXPECT_EQ(Of("j + 1"), "NULL");
  EXPECT_EQ(Of("j = j"), "NULL");
  EXPECT_EQ(Of("j IS j"), "1");
  EXPECT_EQ(Of("j IS NOT DISTINCT FROM NULL"), "1");
  EXPECT_EQ(Of("i IS DISTINCT FROM NULL"), "1");
  EXPECT_EQ(Of("j AND 0"), "0");
  EXPECT_EQ(Of("j OR 1"), "1");
  EXPECT_EQ(Of("j IS NOT TRUE"), "1");
  EXPECT_EQ(Of("i IS TRUE"), "1");
  EXPECT_EQ(Of("j IN ()"), "0");
  EXPECT_EQ(Of("i IN (1, NULL)"), "NULL");
  EXPECT_EQ(Of("(j ISNULL) + (i NOTNULL)"), "2");
  EXPECT_EQ(Of("1 / (i - 7)"), "NULL");
  EXPECT_EQ(Of("max(i, j)"), "NULL");
}

TEST(Expr, CountsCharactersOfATextAndBytesOfABlob) {
  EXPECT_EQ(Of("length('a\xe2\x82\xac\xf0\x9f\x98\x80')"), "3");
  EXPECT_EQ(Of("length('\x80\x80\xff')"), "3");
  EXPECT_EQ(Of("length(x'610062')"), "3");
  EXPECT_EQ(Of("length(x'610062' || '')"), "1");
  EXPECT_EQ(Of("length(-120)"), "4");
  EXPECT_EQ(Of("length(j)"), "NULL");
}

TEST(Expr, HasItsOwnFunctions) {
  EXPECT_EQ(Of("align(i, 4)"), "8");
  EXPECT_EQ(Of("align(8, 4)"), "8");
  EXPECT_EQ(Of("align(-i, 4)"), "-4");
  EXPECT_EQ(Of("align(j, 4)"), "NULL");
  EXPECT_EQ(Of("align(i, i - 7)"), "an alignment of 0");
  EXPECT_EQ(Of("align(9223372036854775800 + i, 16)"), "align(9223372036854775807, 16) overflows");
  EXPECT_EQ(Of("oct('  0000644 ')"), "420");
  EXPECT_EQ(Of("oct(x'2030303037353500')"), "493");
  EXPECT_EQ(Of("oct('')"), "0");
  EXPECT_EQ(Of("oct('8')"), "NULL");
  EXPECT_EQ(Of("oct('1 1')"), "NULL");
  EXPECT_EQ(Of("oct('777777777777777777777')"), std::to_string(kMax));
  EXPECT_EQ(Of("oct('1000000000000000000000')"),
            "a number in base 8 of more than 63 bits in 'oct('1000000000000000000000')'");
  EXPECT_EQ(Of("oct(s)"), "NULL");
  EXPECT_EQ(Of("oct('1' || '000000000000000000000' || s)"), "NULL");
}

TEST(Expr, ReadsNumbersInAnyBase) {
  EXPECT_EQ(Of("int('000081A4', 16)"), "33188");
  EXPECT_EQ(Of("int(' ff' || x'00', 16)"), "255");
  EXPECT_EQ(Of("int(u, 10)"), "12");
  EXPECT_EQ(Of("int(12, i)"), "9");
  EXPECT_EQ(Of("int('zZ', 36)"), "1295");
  EXPECT_EQ(Of("int('1z', 35)"), "NULL");
  EXPECT_EQ(Of("int('102', 2)"), "NULL");
  EXPECT_EQ(Of("int('@', 36)"), "NULL");
  EXPECT_EQ(Of("int('[', 36)"), "NULL");
  EXPECT_EQ(Of("int('-1', 10)"), "NULL");
  EXPECT_EQ(Of("int('0x10', 16)"), "NULL");
  EXPECT_EQ(Of("int('1Ã©', 16)"), "NULL");
  EXPECT_EQ(Of("int('', 16)"), "0");
  EXPECT_EQ(Of("int(j, 16)"), "NULL");
  EXPECT_EQ(Of("int('1', j)"), "NULL");
  EXPECT_EQ(Of("int('7fffffffffffffff', 16)"), std::to_string(kMax));
  EXPECT_EQ(Of("int('7fffffffffffffff' || i, 16)"), "a number in base 16 of more than 63 bits");
  EXPECT_EQ(Of("int('8000000000000000' || s, 16)"), "NULL");
  EXPECT_EQ(Of("int('1', i - 6)"), "a number in base 1");
  EXPECT_EQ(Of("int('1', i + 30)"), "a number in base 37");
  EXPECT_EQ(Of("int('1', u || '.5')"), "'12.5' is no integer");
}

TEST(Expr, DamageNamesTheValues) {
  EXPECT_EQ(Of("9223372036854775807 + i"), "9223372036854775807 + 7 overflows");
  EXPECT_EQ(Of("-9223372036854775807 - i"), "-9223372036854775807 - 7 overflows");
  EXPECT_EQ(Of("4611686018427387904 * i"), "4611686018427387904 * 7 overflows");
  EXPECT_EQ(Of("-9223372036854775808 / (i - 8)"), "-9223372036854775808 / -1 overflows");
  EXPECT_EQ(Of("-(-9223372036854775801 - i)"), "-(-9223372036854775808) overflows");
  EXPECT_EQ(Of("(u || '.5') + 1"), "'12.5' is no integer");
  EXPECT_EQ(Of("abs(s)"), "'IEND' is no integer");
  EXPECT_EQ(Of("(u || ' bytes') + 1"), "13");
}

TEST(Expr, RefusesAtOnceWhatIsDamageEachTime) {
  EXPECT_EQ(Of("i / 0"), "division by zero in 'i / 0'");
  EXPECT_EQ(Of("i % (1 - 1)"), "division by zero in 'i % (1 - 1)'");
  EXPECT_EQ(Of("align(i, 0)"), "an alignment below 1 in 'align(i, 0)'");
  EXPECT_EQ(Of("int(s, 1)"), "a base that is not 2 to 36 in 'int(s, 1)'");
  EXPECT_EQ(Of("int(s, 37)"), "a base that is not 2 to 36 in 'int(s, 37)'");
  EXPECT_EQ(Of("i + 9223372036854775807 * 2"),
            "9223372036854775807 * 2 overflows in 'i + 9223372036854775807 * 2'");
  EXPECT_EQ(Of("'1.5' + 1"), "'1.5' is no integer in ''1.5' + 1'");
}

TEST(Expr, NamesThePartAtFault) {
  EXPECT_EQ(Of(""), "something is missing at the end in ''");
  EXPECT_EQ(Of("i -"), "something is missing at the end in 'i -'");
  EXPECT_EQ(Of("(i + 1"), "')' is missing in '(i + 1'");
  EXPECT_EQ(Of("i + 1)"), ") is unexpected in 'i + 1)'");
  EXPECT_EQ(Of("i i"), "i is unexpected in 'i i'");
  EXPECT_EQ(Of("i + * 2"), "* is unexpected in 'i + * 2'");
  EXPECT_EQ(Of("i ; 2"), "; is unexpected in 'i ; 2'");
  EXPECT_EQ(Of("i LIKE 'a'"), "LIKE is unexpected in 'i LIKE 'a''");
  EXPECT_EQ(Of("substr(s, 1)"), "there is no function substr() in 'substr(s, 1)'");
  EXPECT_EQ(Of("max(i)"), "max() takes 2 arguments or more in 'max(i)'");
  EXPECT_EQ(Of("length(s, u)"), "length() takes 1 argument in 'length(s, u)'");
  EXPECT_EQ(Of("length()"), "length() takes 1 argument in 'length()'");
  EXPECT_EQ(Of("int(i)"), "int() takes 2 arguments in 'int(i)'");
  EXPECT_EQ(Of("iif(i, 1)"), "iif() takes 3 arguments in 'iif(i, 1)'");
  EXPECT_EQ(Of("ifnull(i, 1, 2)"), "ifnull() takes 2 arguments in 'ifnull(i, 1, 2)'");
  EXPECT_EQ(Of("CASE i WHEN 1 THEN 2"), "END behind CASE is missing in 'CASE i WHEN 1 THEN 2'");
  EXPECT_EQ(Of("CASE i END"), "WHEN behind CASE is missing in 'CASE i END'");
  EXPECT_EQ(Of("i IN 3"), "'(' behind IN is missing in 'i IN 3'");
  EXPECT_EQ(Of("i BETWEEN 1 OR 2"), "AND behind BETWEEN is missing in 'i BETWEEN 1 OR 2'");
  EXPECT_EQ(Of("i NOT 3"), "IN, BETWEEN or NULL behind NOT is missing in 'i NOT 3'");
  EXPECT_EQ(Of("i + 1\0"s), "a NUL in an expression");
}

TEST(Expr, BoundsItsNesting) {
  auto nested = [](int n, const string &open, const string &close) {
    string before, behind;
    for (int i = 0; i < n; i++) before += open, behind += close;
    return before + "1" + behind;
  };
  const string deep = "more than 100 levels are nested";
  EXPECT_EQ(Of(nested(99, "(", ")")), "1");
  EXPECT_EQ(Of(nested(100, "(", ")")).substr(0, deep.size()), deep);
  EXPECT_EQ(Of(nested(100000, "(", ")")).substr(0, deep.size()), deep);
  EXPECT_EQ(Of(nested(100000, "~", "")).substr(0, deep.size()), deep);
  EXPECT_EQ(Of(nested(100000, "NOT ", "")).substr(0, deep.size()), deep);
  EXPECT_EQ(Of(nested(30000, "CASE ", "")).substr(0, deep.size()), deep);
  EXPECT_EQ(Of(nested(90, "i - (", ")")), "1");
  EXPECT_EQ(Of(nested(90, "i OR i AND i = i < i & i + i * i || (", ")")).substr(0, 18),
            "too much is nested");
  EXPECT_EQ(Of(nested(100000, "i + ", "")), "700001");
  EXPECT_EQ(Of(string(2000000, ' ')), "an expression is too long");
}

// However texts are put together, it takes memory for the result, not for each step towards it.
TEST(Expr, JoinsManyTextsInPlace) {
  for (const char *part : {"||'ab'", "||('a'||'b')", "||iif('x'||'y' = 'z', 1, 'ab')", "||(u||'')",
                           "||iif(s||'y' = 'z', 1, u)"}) {
    string text = "'ab'";
    for (int i = 0; i < 20000; i++) text += part;
    mm_test::Counting::Use();
    {
      CompiledExpr expr("length(" + text + ")");
      ASSERT_EQ(expr.rc(), MM_OK) << expr.error();
      EXPECT_EQ(expr.Evaluate(Row()).value.Show(), "40002") << part;
      EXPECT_LT(mm_test::Counting::peak, 12u << 20) << part;
    }
    mm_mem_use(nullptr);
  }
}

// What earlier evaluations of a record have made stays as it was, also where it is joined again.
TEST(Expr, LeavesAloneWhatEarlierEvaluationsMade) {
  mm_expr *make = nullptr, *join = nullptr;
  mm_error err;
  std::vector<mm_value> made = {Owned::Text("").Value()};
  mm_expr_frame frame = {};
  frame.context = &made;
  frame.get = [](void *context, int slot, mm_value *value, mm_error *) {
    auto *all = static_cast<std::vector<mm_value> *>(context);
    *value = slot == 0 ? (*all)[1 + (all->size() - 1) / 2] : (*all)[0];
    return static_cast<int>(MM_OK);
  };
  ASSERT_EQ(mm_expr_compile("j || 'xy'", 9, mm_test::BindExprColumn, nullptr, &make, &err), MM_OK);
  ASSERT_EQ(mm_expr_compile("i || 'z' || i", 13, mm_test::BindExprColumn, nullptr, &join, &err),
            MM_OK);
  std::vector<string> wanted = {""};
  for (int i = 0; i < 100; i++) {
    mm_value value;
    bool joins = i >= 10 && i % 2;
    string half = joins ? wanted[1 + (wanted.size() - 1) / 2] : "";
    ASSERT_EQ(mm_expr_eval(joins ? join : make, &frame, &value, &err), MM_OK);
    made.push_back(value);
    wanted.push_back(joins ? half + "z" + half : "xy");
  }
  for (size_t i = 0; i < made.size(); i++) EXPECT_EQ(Owned::From(made[i]).bytes, wanted[i]) << i;
  mm_expr_frame_free(&frame);
  mm_expr_free(make);
  mm_expr_free(join);
}

// A column that is itself an expression is evaluated when it is first asked for, and then kept.
TEST(Expr, MayBeginOthersInTheSameFrame) {
  struct Lazy {
    mm_expr_frame frame = {};
    mm_expr *inner = nullptr;
    mm_value kept = {};
    bool known = false;
    string text;
  } lazy;
  mm_expr *outer = nullptr;
  mm_error err;
  ASSERT_EQ(mm_expr_compile("s || s", 6, mm_test::BindExprColumn, nullptr, &lazy.inner, &err),
            MM_OK);
  const string text = "max(u, s || 'w', u || 'v', u || s) || u";
  ASSERT_EQ(
      mm_expr_compile(text.data(), text.size(), mm_test::BindExprColumn, nullptr, &outer, &err),
      MM_OK);
  lazy.frame.context = &lazy;
  lazy.frame.get = [](void *context, int slot, mm_value *value, mm_error *get_err) {
    auto *self = static_cast<Lazy *>(context);
    int rc = MM_OK;
    *value = Owned::Text(self->text).Value();
    value->data = reinterpret_cast<const uint8_t *>(self->text.data());
    if (slot == 2) return rc;
    if (!self->known) rc = mm_expr_eval(self->inner, &self->frame, &self->kept, get_err);
    self->known = true;
    *value = self->kept;
    return rc;
  };
  // From less than a block to more.
  for (size_t size = 1; size < 5000; size += 97) {
    mm_value value;
    lazy.text = string(size, 'a');
    lazy.known = false;
    mm_expr_frame_reset(&lazy.frame);
    ASSERT_EQ(mm_expr_eval(outer, &lazy.frame, &value, &err), MM_OK);
    EXPECT_EQ(Owned::From(value).bytes, lazy.text + "w" + lazy.text + lazy.text);
    EXPECT_EQ(Owned::From(lazy.kept).bytes, lazy.text + lazy.text);
  }
  mm_expr_frame_free(&lazy.frame);
  mm_expr_free(lazy.inner);
  mm_expr_free(outer);
}

TEST(Expr, AsksOnlyForWhatItNeeds) {
  EXPECT_EQ(Reads("i + j + i"), "iji");
  EXPECT_EQ(Reads("i = 7 OR s"), "i");
  EXPECT_EQ(Reads("i = 8 AND s"), "i");
  EXPECT_EQ(Reads("j AND i"), "ji");
  EXPECT_EQ(Reads("CASE i WHEN 7 THEN n ELSE s END"), "in");
  EXPECT_EQ(Reads("CASE WHEN j THEN n WHEN i THEN s ELSE u END"), "jis");
  EXPECT_EQ(Reads("iif(i, n, s)"), "in");
  EXPECT_EQ(Reads("coalesce(j, i, s)"), "ji");
  EXPECT_EQ(Reads("ifnull(i, s)"), "i");
  EXPECT_EQ(Reads("i IN (1, 7, n)"), "i");
  EXPECT_EQ(Reads("j IN (i, n)"), "ji");
  EXPECT_EQ(Reads("i BETWEEN 8 AND n"), "i");
  EXPECT_EQ(Reads("i BETWEEN n AND j"), "inj");
  EXPECT_EQ(Reads("i IN ()"), "");
}

TEST(Expr, KnowsWhatIsConstant) {
  auto constant = [](const string &text) {
    CompiledExpr expr(text);
    mm_value value;
    if (expr.rc()) return expr.error();
    return mm_expr_constant(expr.get(), &value) ? Owned::From(value).Show() : "no";
  };
  EXPECT_EQ(constant("4"), "4");
  EXPECT_EQ(constant("align(3 * 5, 4) + iif(1 > 2, 0, length('abc'))"), "19");
  EXPECT_EQ(constant("CASE 'a' WHEN 'b' THEN 1 WHEN 'a' THEN 'x' || 'y' END"), "text x'7879'");
  EXPECT_EQ(constant("coalesce(NULL, NULL, 3 BETWEEN 1 AND 5) AND 2 IN (1, 2)"), "1");
  EXPECT_EQ(constant("NULL + 1"), "NULL");
  EXPECT_EQ(constant("i * 0"), "no");
  EXPECT_EQ(constant("i"), "no");
}

TEST(Expr, KnowsWhatItGives) {
  auto kind = [](const string &text) {
    CompiledExpr expr(text);
    EXPECT_EQ(expr.rc(), MM_OK) << expr.error();
    return expr.rc() ? -2 : mm_expr_kind(expr.get());
  };
  EXPECT_EQ(kind("i"), MM_VALUE_INTEGER);
  EXPECT_EQ(kind("s"), MM_VALUE_TEXT);
  EXPECT_EQ(kind("b"), MM_VALUE_BLOB);
  EXPECT_EQ(kind("n"), MM_EXPR_UNKNOWN);
  EXPECT_EQ(kind("NULL"), MM_VALUE_NULL);
  EXPECT_EQ(kind("s + 1"), MM_VALUE_INTEGER);
  EXPECT_EQ(kind("i || 1"), MM_VALUE_TEXT);
  EXPECT_EQ(kind("CASE i WHEN 1 THEN s END"), MM_VALUE_TEXT);
  EXPECT_EQ(kind("CASE i WHEN 1 THEN s ELSE b END"), MM_EXPR_UNKNOWN);
  EXPECT_EQ(kind("iif(i, NULL, b)"), MM_VALUE_BLOB);
  EXPECT_EQ(kind("coalesce(s, u, 'x')"), MM_VALUE_TEXT);
  EXPECT_EQ(kind("coalesce(s, i)"), MM_EXPR_UNKNOWN);
  EXPECT_EQ(kind("min(i, 1)"), MM_VALUE_INTEGER);
  EXPECT_EQ(kind("'x'"), MM_VALUE_TEXT);
}

TEST(Expr, KnowsABareNameAndAllNames) {
  auto bare = [](const string &text) { return mm_expr_bare(CompiledExpr(text).get()); };
  EXPECT_EQ(bare("i"), 0);
  EXPECT_EQ(bare("(u)"), 3);
  EXPECT_EQ(bare("i + 0"), -1);
  EXPECT_EQ(bare("12"), -1);
  auto slots = [](const string &text) {
    CompiledExpr expr(text);
    size_t count;
    const int *list = mm_expr_slots(expr.get(), &count);
    return std::vector<int>(list, list + count);
  };
  EXPECT_EQ(slots("12"), std::vector<int>());
  EXPECT_EQ(slots("u + i + n + u + i"), (std::vector<int>{0, 3, 6}));
}

TEST(Expr, PassesOnWhatBindAndGetSay) {
  auto later = [](void *, const char *name, mm_expr_name *, mm_error *err) {
    return mm_fail(err, MM_CONSTRAINT, "'%s' comes later", name);
  };
  mm_expr *expr = nullptr;
  mm_error err;
  EXPECT_EQ(mm_expr_compile("a + b", 5, later, nullptr, &expr, &err), MM_CONSTRAINT);
  EXPECT_STREQ(err.text, "'a' comes later");
  EXPECT_EQ(expr, nullptr);
  EXPECT_EQ(mm_expr_compile("a + b", 5, nullptr, nullptr, &expr, &err), MM_ERROR);
  auto bind = [](void *, const char *, mm_expr_name *out, mm_error *) {
    *out = {3, MM_VALUE_INTEGER};
    return static_cast<int>(MM_OK);
  };
  auto get = [](void *, int slot, mm_value *, mm_error *get_err) {
    return mm_fail(get_err, MM_IOERR, "no slot %d", slot);
  };
  for (const char *text : {"a", "a + 1", "a * a"}) {
    ASSERT_EQ(mm_expr_compile(text, strlen(text), bind, nullptr, &expr, &err), MM_OK);
    mm_expr_frame frame = {};
    frame.get = get;
    mm_value value;
    EXPECT_EQ(mm_expr_eval(expr, &frame, &value, &err), MM_IOERR);
    EXPECT_STREQ(err.text, "no slot 3");
    mm_expr_free(expr);
  }
}

// Values stay until the frame is reset, and then nothing more is allocated.
TEST(Expr, KeepsWhatItMadeUntilTheReset) {
  mm_test::Counting::Use();
  {
    ExprRow row = Row();
    row[2] = Owned::Text(string(3000, 's'));
    mm_expr *expr = nullptr;
    mm_error err;
    string text = "s || i || s || u";
    ASSERT_EQ(
        mm_expr_compile(text.data(), text.size(), mm_test::BindExprColumn, nullptr, &expr, &err),
        MM_OK);
    mm_expr_frame frame = {};
    frame.context = &row;
    frame.get = [](void *context, int slot, mm_value *value, mm_error *) {
      *value = (*static_cast<ExprRow *>(context))[static_cast<size_t>(slot)].Value();
      return static_cast<int>(MM_OK);
    };
    string wanted = string(3000, 's') + "7" + string(3000, 's') + "12";
    uint64_t calls = 0;
    for (int record = 0; record < 3; record++) {
      mm_expr_frame_reset(&frame);
      std::vector<mm_value> values(5);
      for (mm_value &value : values) ASSERT_EQ(mm_expr_eval(expr, &frame, &value, &err), MM_OK);
      for (mm_value &value : values) EXPECT_EQ(Owned::From(value).bytes, wanted);
      if (record == 0) calls = mm_test::Counting::calls;
    }
    EXPECT_EQ(mm_test::Counting::calls, calls);
    mm_expr_frame_free(&frame);
    mm_expr_free(expr);
  }
  EXPECT_EQ(mm_test::Counting::live, 0u);
  mm_mem_use(nullptr);
}

TEST(Expr, SurvivesEveryAllocationThatFails) {
  const string text = "CASE s || 'x' WHEN 'a' || 'b' THEN i IN (1, 2, 'abc', x'00') "
                      "ELSE max(i, j, n, 12) || b || c END || coalesce(u, s, 5) || 'z'";
  mm_test::Counting::Use();
  bool done = false;
  for (uint64_t at = 1; !done && at < 100; at++) {
    mm_test::Counting::calls = 0;
    mm_test::Counting::fail_at = at;
    {
      CompiledExpr expr(text);
      Answer answer;
      if (!expr.rc()) answer = expr.Evaluate(Row());
      int rc = expr.rc() ? expr.rc() : answer.rc;
      EXPECT_TRUE(rc == MM_OK || rc == MM_NOMEM) << rc;
      done = mm_test::Counting::calls < at;
      EXPECT_EQ(done, rc == MM_OK);
    }
    EXPECT_EQ(mm_test::Counting::live, 0u);
  }
  EXPECT_TRUE(done);
  mm_mem_use(nullptr);
}

TEST(Expr, KnowsSQLsTruth) {
  auto is_true = [](const Owned &owned) {
    mm_value value = owned.Value();
    return mm_expr_true(&value);
  };
  EXPECT_FALSE(is_true({}));
  EXPECT_FALSE(is_true(Owned::Of(0)));
  EXPECT_TRUE(is_true(Owned::Of(-1)));
  EXPECT_TRUE(is_true(Owned::Text("0.5")));
  EXPECT_TRUE(is_true(Owned::Text("1e999")));
  EXPECT_FALSE(is_true(Owned::Text("abc")));
  EXPECT_FALSE(is_true(Owned::Text("0e5")));
  EXPECT_TRUE(is_true(Owned::Blob(" 3x")));
  mm_value real = {MM_VALUE_REAL, 0, 0.5, nullptr, 0};
  EXPECT_TRUE(mm_expr_true(&real));
}

/*
** Beside SQLite
*/

// Random expressions and rows. With `whole` each part stands in brackets and is noted, so that it can
// be asked for by itself.
class Generator {
public:
  explicit Generator(unsigned seed) : random_(seed) {}

  int Below(int n) { return static_cast<int>(random_() % static_cast<unsigned>(n)); }
  bool OneIn(int n) { return Below(n) == 0; }

  string Expression(bool whole) {
    whole_ = whole;
    parts.clear();
    return Part(Below(5) + 1);
  }
  std::vector<string> parts;

  ExprRow NewRow() {
    ExprRow row;
    for (const auto &column : kExprColumns) {
      row.push_back(OneIn(6) ? Owned() : Value(column.kind));
    }
    return row;
  }

private:
  template <size_t N> const char *Pick(const char *const (&list)[N]) {
    return list[Below(static_cast<int>(N))];
  }

  int64_t Integer() {
    static const int64_t odd[] = {kMin, kMin + 1, kMax, kMax - 1, int64_t{1} << 53, 0x7fffffff};
    if (OneIn(5)) return odd[Below(6)];
    if (OneIn(8)) return static_cast<int64_t>(random_()) >> Below(64);
    return Below(30) - 10;
  }

  string Bytes() {
    static const char *const texts[] = {"",      "0",
                                        "5",     " 5 ",
                                        "5abc",  "1.5",
                                        "0.5",   "1e1",
                                        "abc",   "-7",
                                        "+3",    "IEND",
                                        "5.0",   ".",
                                        "-",     "1e",
                                        "5.",    ".5",
                                        "e5",    "007",
                                        "10",    "\xc3\xa9\xe2\x82\xac",
                                        "a\xff", "\x80z",
                                        "0x10",  "1e9",
                                        "-0",    "\v7",
                                        "-0.0",  "7\t ",
                                        "5.e1",  "9e-1"};
    static const char *const long_texts[] = {"9223372036854775807",
                                             "9223372036854775808",
                                             "-9223372036854775808",
                                             "0000000000000000012",
                                             "-9223372036854775809",
                                             "99999999999999999999",
                                             "1e999",
                                             "-1e999",
                                             "0e999",
                                             "12345678901",
                                             "9223372036854775808x",
                                             "-9223372036854775808x",
                                             "0.00000000000000000000001",
                                             "1e-999",
                                             "9007199254740993",
                                             "9007199254740992.0"};
    if (OneIn(12))
      return "5\0"
             "6"s;
    return OneIn(5) ? Pick(long_texts) : Pick(texts);
  }

  Owned Value(int kind) {
    if (kind == MM_EXPR_UNKNOWN) {
      static const int kinds[] = {MM_VALUE_INTEGER, MM_VALUE_TEXT, MM_VALUE_BLOB};
      kind = kinds[Below(3)];
    }
    if (kind == MM_VALUE_INTEGER) return Owned::Of(Integer());
    return kind == MM_VALUE_TEXT ? Owned::Text(Bytes()) : Owned::Blob(Bytes());
  }

  string Literal() {
    Owned value = Value(MM_EXPR_UNKNOWN);
    if (OneIn(12)) return Pick({"NULL", "TRUE", "FALSE", "0x1f", "0XffffffffffffffF0"});
    if (value.kind == MM_VALUE_INTEGER) return std::to_string(value.integer);
    if (value.kind == MM_VALUE_BLOB) return value.Show();
    if (value.bytes.find('\0') != string::npos) return "''''";
    return "'" + value.bytes + "'";
  }

  string Leaf() {
    if (OneIn(3)) return Literal();
    string name = kExprColumns[Below(static_cast<int>(kExprSlots))].name;
    return OneIn(20) ? "\"" + name + "\"" : name;
  }

  string List(int least, int depth) {
    string list;
    for (int n = least + Below(3), i = 0; i < n; i++) list += (i ? ", " : "") + Part(depth);
    return list;
  }

  string Case(int depth) {
    string text = OneIn(2) ? "CASE" : "CASE " + Part(depth);
    for (int n = 1 + Below(2); n > 0; n--) {
      text += " WHEN " + Part(depth);
      text += " THEN " + Part(depth);
    }
    return text + (OneIn(2) ? "" : " ELSE " + Part(depth)) + " END";
  }

  string Call(int depth) {
    switch (Below(10)) {
      case 0:
        return "iif(" + Part(depth) + ", " + Part(depth) + ", " + Part(depth) + ")";
      case 1:
        return "ifnull(" + Part(depth) + ", " + Part(depth) + ")";
      case 2:
        return "coalesce(" + List(2, depth) + ")";
      case 3:
        return "min(" + List(2, depth) + ")";
      case 4:
        return "max(" + List(2, depth) + ")";
      case 5:
        return "abs(" + Part(depth) + ")";
      case 6:
        return "align(" + Part(depth) + ", " + Part(depth) + ")";
      case 7:
        return "oct(" + Part(depth) + ")";
      case 8:
        return "int(" + Part(depth) + ", " + (OneIn(2) ? Pick({"2", "16", "36"}) : Part(depth)) +
               ")";
      default:
        return "length(" + Part(depth) + ")";
    }
  }

  string Postfix(int depth) {
    string a = Part(depth);
    switch (Below(4)) {
      case 0:
        return a + Pick({" ISNULL", " NOTNULL", " NOT NULL", " IS NULL", " IS NOT NULL"});
      case 1:
        return a + Pick({" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS NOT FALSE"});
      case 2:
        return a + Pick({" IN (", " NOT IN ("}) + List(0, depth) + ")";
      default:
        a += Pick({" BETWEEN ", " NOT BETWEEN "}) + Part(depth);
        return a + " AND " + Part(depth);
    }
  }

  string Binary(int depth) {
    static const char *const operators[] = {"||",
                                            "*",
                                            "/",
                                            "%",
                                            "+",
                                            "-",
                                            "&",
                                            "|",
                                            "<<",
                                            ">>",
                                            "<",
                                            "<=",
                                            ">",
                                            ">=",
                                            "=",
                                            "==",
                                            "<>",
                                            "!=",
                                            "IS",
                                            "OR",
                                            "IS NOT",
                                            "AND",
                                            "=",
                                            "IS DISTINCT FROM",
                                            "IS NOT DISTINCT FROM"};
    string a = Part(depth), operation = Pick(operators);
    return a + " " + operation + " " + Part(depth);
  }

  string Any(int depth) {
    switch (Below(8)) {
      case 0:
        return Case(depth);
      case 1:
        return Call(depth);
      case 2:
        return Postfix(depth);
      case 3:
        return Pick({"-", "+", "~", "NOT ", "- ", "NOT NOT "}) + Part(depth);
      default:
        return Binary(depth);
    }
  }

  string Part(int depth) {
    string text = depth == 0 || OneIn(8) ? Leaf() : Any(depth - 1);
    if (text[0] == '-') text = " " + text; // no comments
    if (whole_ || OneIn(4)) text = "(" + text + ")";
    parts.push_back(text);
    return text;
  }

  std::mt19937_64 random_;
  bool whole_ = false;
};

class Differential {
public:
  explicit Differential(unsigned seed) : make_(seed) {}

  void Round() {
    rows_.clear();
    for (int i = 0; i < 6; i++) rows_.push_back(make_.NewRow());
    oracle_.SetRows(rows_);
    for (int i = 0; i < 50 && !::testing::Test::HasFailure(); i++) One();
  }

  int compared = 0, damaged = 0, refused = 0;

private:
  void One() {
    bool whole = make_.OneIn(2);
    string text = make_.Expression(whole);
    std::vector<string> parts = make_.parts;
    CompiledExpr expr(text);
    if (expr.rc()) return Refused(text, expr.error(), whole ? parts : std::vector<string>());
    std::vector<Answer> answers = oracle_.Ask(text);
    if (!answers.empty() && answers[0].rc) {
      // What fails for some row, or in a constant that SQLite evaluates beforehand.
      EXPECT_TRUE(answers[0].error == "damage" || answers[0].error == "integer overflow")
          << text << ": " << answers[0].error;
      return;
    }
    ASSERT_EQ(answers.size(), rows_.size()) << text;
    for (size_t i = 0; i < rows_.size(); i++) {
      Answer mine = expr.Evaluate(rows_[i]);
      if (mine.rc) {
        Damaged(text, mine, i, whole ? parts : std::vector<string>());
      } else {
        compared++;
        ASSERT_EQ(mine.value.Show(), answers[i].value.Show()) << text << "\n" << Show(rows_[i]);
        CheckKind(text, expr, mine.value);
      }
    }
  }

  void CheckKind(const string &text, const CompiledExpr &expr, const Owned &value) {
    int kind = mm_expr_kind(expr.get());
    EXPECT_TRUE(value.kind == MM_VALUE_NULL || kind == MM_EXPR_UNKNOWN || kind == value.kind)
        << text;
  }

  // Some part is a real to SQLite, or to its arithmetic, where 0 * '1e999' becomes NULL.
  bool HasReal(std::vector<string> parts, size_t row) {
    for (size_t i = 0, n = parts.size(); i < n; i++) parts.push_back(parts[i] + " + 0");
    for (const string &part : parts) {
      std::vector<Answer> answers = oracle_.Ask(part);
      if (answers.empty() || answers[0].rc) return true;
      if (answers[row].value.kind == MM_VALUE_REAL) return true;
    }
    return parts.empty();
  }

  void Damaged(const string &text, const Answer &mine, size_t row,
               const std::vector<string> &parts) {
    damaged++;
    EXPECT_EQ(mine.rc, MM_DAMAGED) << text;
    EXPECT_TRUE(HasReal(parts, row)) << text << ": " << mine.error << "\n" << Show(rows_[row]);
  }

  void Refused(const string &text, const string &error, const std::vector<string> &parts) {
    refused++;
    // NULL / 0 would be NULL.
    for (const char *part : {"division by zero", "an alignment below 1", "a base that is not"}) {
      if (error.find(part) == 0) return;
    }
    bool constant =
        error.find("overflows") != string::npos || error.find("is no integer") != string::npos ||
        error.find("alignment") != string::npos || error.find("in base") != string::npos;
    if (constant) {
      EXPECT_TRUE(HasReal(parts, 0)) << text << ": " << error;
    } else { // x BETWEEN 1 OR 2 AND 3
      std::vector<Answer> answers = oracle_.Ask(text);
      EXPECT_TRUE(answers.size() == 1 && answers[0].rc) << text << ": " << error;
    }
  }

  static string Show(const ExprRow &row) {
    string shown;
    for (size_t i = 0; i < row.size(); i++) {
      shown += string(kExprColumns[i].name) + " = " + row[i].Show() + "; ";
    }
    return shown;
  }

  Generator make_;
  ExprOracle oracle_;
  std::vector<ExprRow> rows_;
};

TEST(Expr, RandomOnesGiveWhatSQLiteGives) {
  Differential differential(1);
  for (int i = 0; i < mm_test::Rounds(2000) && !HasFailure(); i++) differential.Round();
  // Most are compared.
  EXPECT_GT(differential.compared, differential.damaged);
  RecordProperty("compared", differential.compared);
  RecordProperty("damaged", differential.damaged);
  RecordProperty("refused", differential.refused);
}

} // namespace
