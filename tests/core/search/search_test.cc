extern "C" {
#include "core/search/literal.h"
#include "core/common/mem.h"
#include "core/search/search.h"
}

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

namespace {

using std::string_literals::operator""s;
using Text = std::string;

const uint8_t *Bytes(const Text &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

struct Free {
  void operator()(mm_pattern *pattern) const { mm_pattern_free(pattern); }
};
using Pattern = std::unique_ptr<mm_pattern, Free>;

Pattern Compile(const Text &regex) {
  mm_pattern *pattern = nullptr;
  mm_error err;
  EXPECT_EQ(mm_pattern_compile(Bytes(regex), regex.size(), &pattern, &err), MM_OK)
      << regex << ": " << err.text;
  return Pattern(pattern);
}

Text CompileError(const Text &regex) {
  mm_pattern *pattern = nullptr;
  mm_error err;
  if (mm_pattern_compile(Bytes(regex), regex.size(), &pattern, &err) == MM_OK) {
    mm_pattern_free(pattern);
    return "ok";
  }
  EXPECT_EQ(pattern, nullptr);
  return err.text;
}

// "start-end", "none", or the error.
Text Search(mm_pattern *pattern, const uint8_t *data, uint64_t size, uint64_t from = 0,
            bool advance = false, const mm_watch *watch = nullptr, uint64_t last = UINT64_MAX) {
  mm_error err;
  mm_span match;
  bool found;
  int rc = mm_pattern_search(pattern, data, size, from, last, advance, watch, &found, &match, &err);
  if (rc) return err.text;
  return found ? std::to_string(match.start) + "-" + std::to_string(match.end) : "none";
}

Text Search(const Text &regex, const Text &text, uint64_t from = 0, bool advance = false) {
  return Search(Compile(regex).get(), Bytes(text), text.size(), from, advance);
}

// All matches, as the table goes from one to the next.
Text SearchAll(const Text &regex, const Text &text) {
  Pattern pattern = Compile(regex);
  Text all;
  mm_error err;
  mm_span match = {0, 0};
  bool found = true, advance = false;
  while (true) {
    int rc = mm_pattern_search(pattern.get(), Bytes(text), text.size(), match.end, UINT64_MAX,
                               advance, nullptr, &found, &match, &err);
    if (rc) return err.text;
    if (!found) return all;
    all += (all.empty() ? "" : " ") + std::to_string(match.start) + "-" + std::to_string(match.end);
    advance = match.start == match.end;
  }
}

TEST(Search, FindsTheFirstMatch) {
  EXPECT_EQ(Search("w\\w+", "hello world"), "6-11");
  EXPECT_EQ(Search("o", "hello world", 5), "7-8");
  EXPECT_EQ(Search("x", "hello world"), "none");
}

TEST(Search, BoundsWhereAMatchStartsNotWhereItEnds) {
  const Text text = "..aab aab";
  for (const Text regex : {"a+b", "(?i)aab", "aab", "[a]+b", "a.*b", "\\w+b", "(a)ab"}) {
    Text whole = regex == "a.*b" ? "2-9" : "2-5";
    auto search = [&](uint64_t from, uint64_t last) {
      return Search(Compile(regex).get(), Bytes(text), text.size(), from, false, nullptr, last);
    };
    EXPECT_EQ(search(0, 1), "none") << regex;
    EXPECT_EQ(search(0, 2), whole) << regex;
    EXPECT_EQ(search(0, 90), whole) << regex;
    EXPECT_EQ(search(5, 5), "none") << regex;
    EXPECT_EQ(search(5, 6), "6-9") << regex;
    EXPECT_EQ(search(7, 6), "none") << regex;
  }
  EXPECT_EQ(Search(Compile("").get(), Bytes(text), text.size(), 9, false, nullptr, 9), "9-9");
}

TEST(Search, WorksOnBytes) {
  EXPECT_EQ(Search("\\xff\\x00", "a\xff\0"s), "1-3");
  EXPECT_EQ(Search("\xc3.", "a\xc3\x28"), "1-3"); // not UTF-8
  EXPECT_EQ(Search("[\\x80-\\xff]+", "a\xff\xfe\x80z"), "1-4");
  EXPECT_EQ(Search("a\0b"s, "xa\0b"s), "1-4");
  EXPECT_EQ(Search("\\w", "\xe9"), "none"); // no locale's letter
}

TEST(Search, CircumflexIsTheStartOfTheObject) {
  EXPECT_EQ(Search("^b", "ab", 1), "none");
  EXPECT_EQ(Search("^a", "ab", 0), "0-1");
  EXPECT_EQ(Search("\\Ab", "ab", 1), "none");
  EXPECT_EQ(Search("(?m)^b", "a\nb", 1), "2-3");
  EXPECT_EQ(SearchAll("(?m)^", "a\nb\n"), "0-0 2-2 4-4");
}

TEST(Search, LookbehindSeesWhatLiesBeforeFrom) {
  EXPECT_EQ(Search("(?<=a)b", "ab", 1), "1-2");
  EXPECT_EQ(Search("\\bb", "ab b", 1), "3-4");
}

TEST(Search, EmptyEverything) {
  EXPECT_EQ(Search("", ""), "0-0");
  EXPECT_EQ(Search("a", ""), "none");
  EXPECT_EQ(Search("^$", ""), "0-0");
  EXPECT_EQ(Search("", "", 0, true), "none");
  EXPECT_EQ(Search(Compile("x*").get(), nullptr, 0), "0-0");
  EXPECT_EQ(Search("", "abc", 3), "3-3");
  EXPECT_EQ(Search("a*", "baac", 4), "4-4");
}

TEST(Search, GoesOnAsReFinditerDoes) {
  EXPECT_EQ(SearchAll("a*", "baac"), "0-0 1-3 3-3 4-4");
  EXPECT_EQ(SearchAll("|a", "a"), "0-0 0-1 1-1");
  EXPECT_EQ(SearchAll("aa", "aaaaa"), "0-2 2-4");
  EXPECT_EQ(SearchAll("(?=a)", "aba"), "0-0 2-2");
  EXPECT_EQ(SearchAll("$", "a\n"), "1-1 2-2");
}

TEST(Search, GivesTheGroups) {
  Pattern pattern = Compile("(a)(x)?(b*)");
  mm_span group;
  EXPECT_EQ(Search(pattern.get(), Bytes("zab"), 3), "1-3");
  ASSERT_TRUE(mm_pattern_group(pattern.get(), 1, &group));
  EXPECT_EQ(group.start, 1u);
  EXPECT_EQ(group.end, 2u);
  EXPECT_FALSE(mm_pattern_group(pattern.get(), 2, &group));
  EXPECT_TRUE(mm_pattern_group(pattern.get(), 3, &group));
  EXPECT_FALSE(mm_pattern_group(pattern.get(), 4, &group));
  EXPECT_EQ(mm_pattern_groups(pattern.get()), 3u);
  EXPECT_EQ(Search(pattern.get(), Bytes("zzz"), 3), "none");
  EXPECT_FALSE(mm_pattern_group(pattern.get(), 1, &group));
}

TEST(Search, ABadPatternIsAnErrorWithItsPosition) {
  EXPECT_EQ(CompileError("ab(c"), "bad pattern at 4: missing closing parenthesis");
  EXPECT_EQ(CompileError("*"), "bad pattern at 0: quantifier does not follow a repeatable item");
  EXPECT_EQ(CompileError("a[b"), "bad pattern at 3: missing terminating ] for character class");
  EXPECT_NE(CompileError("(*UTF)a"), "ok");
}

TEST(Search, KnowsWhatItWasCompiledFrom) {
  Pattern pattern = Compile("a\0b"s);
  EXPECT_TRUE(mm_pattern_is(pattern.get(), Bytes("a\0b"s), 3));
  EXPECT_FALSE(mm_pattern_is(pattern.get(), Bytes("a\0c"s), 3));
  EXPECT_FALSE(mm_pattern_is(pattern.get(), Bytes("a"), 1));
}

// A search goes in pieces of about 64 KiB: around each border, and in what is larger than several.
TEST(Search, FindsMatchesAcrossPieces) {
  for (uint64_t border : {4096u, 8192u, 65536u, 131072u, 1048576u}) {
    for (int shift = -9; shift <= 9; shift++) {
      Text text(border + 5000, '.');
      uint64_t at = border + static_cast<uint64_t>(shift + 20) - 20;
      text.replace(at, 8, "<a1b2c3>");
      Text want = std::to_string(at) + "-" + std::to_string(at + 8);
      EXPECT_EQ(Search("<(\\w\\d)+>", text), want);
      EXPECT_EQ(Search("[<](?:[a-c]\\d){3}[>]", text), want);
      EXPECT_EQ(Search("\\W(?:[a-c]\\d){3}\\W", text), want);
    }
  }
}

TEST(Search, FindsMatchesLongerThanAnyPiece) {
  Text text = "xx<" + Text(5000000, 'a') + ">yy<b>";
  EXPECT_EQ(Search("<[a]*>", text), "2-5000004");
  EXPECT_EQ(Search("(?s)<.*>", text), "2-5000009");
  EXPECT_EQ(Search("(?s)<.*?>", text), "2-5000004");
  EXPECT_EQ(Search("a{60000}a{60000}", text), "3-120003");
  EXPECT_EQ(Search("<(?:aa)*>", text), "2-5000004");
  EXPECT_EQ(Search("\\w+$", Text(3000000, 'q')), "0-3000000");
}

TEST(Search, AssertionsSeeBeyondAPiece) {
  Text text = Text(200, 'a') + "b" + Text(300000, 'c') + "d";
  EXPECT_EQ(Search("b(?=c+d)", text), "200-201");
  EXPECT_EQ(Search("a(?!a*bc+d)", text), "none");
  EXPECT_EQ(Search("c\\z", text), "none");
  EXPECT_EQ(Search("(?<=b)c+\\b", text), "none");
  EXPECT_EQ(Search("(?<=b)c+d\\b", text), "201-300202");
}

TEST(Search, NothingBeforeTheFirstMatchIsLost) {
  // A literal that is everywhere, one that is nowhere near, one inside an optional part.
  EXPECT_EQ(Search("\\d+e", Text(200000, 'e') + "7e"), "200000-200002");
  EXPECT_EQ(Search("a.{900}end", "aa" + Text(899, 'x') + "end"), "0-904");
  EXPECT_EQ(Search("ab?c", "xxabac"), "4-6");
  EXPECT_EQ(Search("a(?:bc)*d", "abcbcad"), "5-7");
  EXPECT_EQ(Search("(?:foo|ba)r", "bar foor"), "0-3");
  EXPECT_EQ(Search("x{0}abc", "abc"), "0-3");
  EXPECT_EQ(Search("(?i)sTRasse", "STRASSE"), "0-7");
  EXPECT_EQ(Search("[^a]bc", "abcxbc"), "3-6");
}

TEST(Search, ALookaheadMayAskForWhatFollows) {
  EXPECT_EQ(Search("(?=a)0*?a", "xa"), "1-2");
  EXPECT_EQ(Search("(?i)(?=A)\\d*a", "xa"), "1-2");
  for (const char *ahead : {"(?*a)", "(*pla:a)", "(*positive_lookahead:a)", "(*napla:a)",
                            "(*non_atomic_positive_lookahead:a)"}) {
    EXPECT_EQ(Search(std::string(ahead) + "0*a", "xa"), "1-2") << ahead;
  }
}

TEST(Search, ARepetitionThatIsKeptShortIsNoPrefix) {
  EXPECT_EQ(Search("(?>a+?)a(?!a)", Text(20, 'a')), "18-20");
  EXPECT_EQ(Search("(?>a+?)\\W?aa(?!a)", Text(600, 'a')), "597-600");
}

TEST(Search, AnAtomicGroupKeepsWhatItChose) {
  EXPECT_EQ(Search("(?>\\w{1,}?)[ab]aa", "aabaa"), "1-5");
  EXPECT_EQ(Search("(?>b{1,}?)ba(?!a)", "bbba"), "1-4");
  EXPECT_EQ(Search("(?U)(?>.+)a(?!a)", "aba"), "1-3");
  EXPECT_EQ(Search("(?>[ab]*+|a)a", "baa"), "none");
  EXPECT_EQ(Search("(?>.+|.{1,2}){2,}?", "aaaa"), "none");
  EXPECT_EQ(Search("(?:.*?)++(?!a)", "a"), "1-1");
}

TEST(Search, AnEmptyAlternativeOfAnAtomicGroupLeavesWhatStandsBeforeIt) {
  for (const char *group :
       {"(?>|b)", "(?>b|c|b)?+", "(?:|b)?+", "(?:|b){1,2}+", "(?>b?|c)", "(?:(?>b||c))",
        "(?>(?:|b))", "(*atomic:|b)", "(?x)(?: |b) ? +", "(?>(?=x)|b)"}) {
    EXPECT_EQ(Search("x?" + Text(group) + "x", "x"), "0-1") << group;
    EXPECT_EQ(Search("[xy]{1,2}" + Text(group) + "(?=x)", "xyx"), "0-2") << group;
  }
  EXPECT_EQ(Search("(*atomic:a+?)a(?!a)", Text(20, 'a')), "18-20");
}

TEST(Search, AQuantifierMayBeInParts) {
  for (const char *regex : {"(?x)(?>\\w{1,} ?)[ab]aa", "(?i-s)(?sx:(?>\\w{1,} ?)[ab]aa)",
                            "(?>\\w{1,}(?#as few)?)[ab]aa", "(?>\\w{1,}\\E?)[ab]aa",
                            "(?x)(?:\\w{1,}?){1} + [ab]aa", "(?:\\w{1,}?){1}\\Q\\E+[ab]aa"}) {
    EXPECT_EQ(Search(regex, "aabaa"), "1-5") << regex;
  }
}

TEST(Search, AnEmptyAlternativeLeavesWhatFollowsInItsPlace) {
  for (const char *group : {"(a|)", "(?:a|)", "(a|\\b)", "(a|b{0})", "((?:a)|())"}) {
    EXPECT_EQ(Search(Text(group) + "(.{1,}?)b(?!b)", "ab"), "0-2") << group;
    EXPECT_EQ(Search("." + Text(group) + "(.{1,}?)b(?!b)", "\n,ab"), "1-4") << group;
  }
}

TEST(Search, AShorterAlternativeIsTriedAfterALongerOne) {
  EXPECT_EQ(Search("(?:\\wab|\\w)[ab]*(?=b)", "aab"), "0-2");
  EXPECT_EQ(Search("(?:\\w(?:ab)|\\w)[ab]*(?=b)", "aab"), "0-2");
  EXPECT_EQ(Search("(?|(?:ab)|(a))[ab]+a", "abab"), "0-3");
}

TEST(Search, AClassThatOnlyLooksLikeANameEndsAtItsBracket) {
  EXPECT_EQ(Search("[[.q:]x]zk", "..qx]zk"), "2-7");
  EXPECT_EQ(Search("[[=q:]x]zk", "..qx]zk"), "2-7");
  EXPECT_EQ(Search("[[\0:]x]zk"s, "..:x]zk"), "2-7");
}

TEST(Search, VerbsAndAnchorsToTheStartOfASearchWork) {
  EXPECT_EQ(Search("a+(*COMMIT)b", Text(100000, 'a') + "cab"), "none");
  EXPECT_EQ(Search("aaa(*SKIP)b|.", "aaac"), "3-4");
  EXPECT_EQ(Search("\\Gb", "ab", 1), "1-2");
  EXPECT_EQ(Search("\\Gb", Text(200000, 'a') + "b"), "none");
  EXPECT_EQ(Search("(*ACCEPT)a", "b"), "0-0");
}

// Differs from what a search without pieces and literals would find only if that is broken.
TEST(Search, AgreesWithItselfWithoutALiteral) {
  std::mt19937 random(7);
  const char *const regexes[] = {"ab+c",     "a.c",       "[ab]c",  "(?i)aB",
                                 "b.{2,5}c", "(?:ab|c)a", "c\\d?a", "a$"};
  for (int round = 0; round < 200; round++) {
    Text text;
    for (int i = 0; i < 300; i++) text += "abcABC \n1"[random() % 9];
    for (const char *regex : regexes) {
      // A pattern that the reader of literals does not know.
      EXPECT_EQ(SearchAll(regex, text), SearchAll(Text("(?|") + regex + ")", text))
          << regex << " in " << text;
    }
  }
}

TEST(Search, APatternThatNeedsTooMuchWorkIsAnError) {
  Text text = Text(40, 'a') + "!\n";
  for (const char *regex : {"(a+)+$", "(a*a*)*\\W\\z", "(*COMMIT)(a+)+$"}) {
    auto begin = std::chrono::steady_clock::now();
    EXPECT_EQ(Search(regex, text), "the pattern needs too much work at offset 0") << regex;
    EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(60));
  }
}

// Stops when it is asked for the n-th time.
struct Stopper {
  int left;
  int asked = 0;
  static int Stop(void *context, uint64_t) {
    auto *self = static_cast<Stopper *>(context);
    return ++self->asked > self->left;
  }
};

TEST(Search, AsksWhetherToStop) {
  Text text(64 << 20, 'a');
  for (const char *regex :
       {"(?:a|b)*?c[xy]", "nowhere", "[ab]*\\d", "(a+)+\\d", "\\d\\d", "(*COMMIT)(?:a|b)*\\d"}) {
    Stopper stopper{0};
    mm_watch watch = {Stopper::Stop, &stopper};
    EXPECT_EQ(Search(Compile(regex).get(), Bytes(text), text.size(), 0, false, &watch),
              "interrupted")
        << regex;
    EXPECT_EQ(stopper.asked, 1) << regex;
  }
}

// Each start is given up at once, but there are many.
TEST(Search, AsksWhetherToStopWhereEachStartIsEasy) {
  Text text(16 << 20, 'a');
  for (const char *regex : {"a(*PRUNE)b", "\\Gb|ac|[abc]\\Gd"}) {
    Stopper stopper{0};
    mm_watch watch = {Stopper::Stop, &stopper};
    EXPECT_EQ(Search(Compile(regex).get(), Bytes(text), text.size(), 0, false, &watch),
              "interrupted")
        << regex;
  }
}

// Memory that ends where the page after it cannot be read.
class Guarded {
public:
  explicit Guarded(const Text &text) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_ = (text.size() + page - 1) / page * page + page;
    base_ = static_cast<char *>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_ + size_ - page, page, PROT_NONE);
    data_ = base_ + size_ - page - text.size();
    memcpy(data_, text.data(), text.size());
  }
  ~Guarded() { munmap(base_, size_); }
  const uint8_t *data() const { return reinterpret_cast<const uint8_t *>(data_); }

private:
  char *base_, *data_;
  size_t size_;
};

TEST(Search, ReadsNothingBeyondTheEnd) {
  for (size_t size = 0; size < 200; size++) {
    Guarded memory(Text(size, 'a'));
    for (const char *regex :
         {"ab", "a.b", "a[0-9]b", "(?i)ab", "a+b", "a+$", "[ab]{3}\\z", "aaa"}) {
      Text found = Search(Compile(regex).get(), memory.data(), size);
      EXPECT_TRUE(found == "none" || found.size() >= 3) << found;
    }
  }
}

// A file of whole pages is followed by one that cannot be read; PCRE2's JIT for arm64 looks there.
TEST(Search, ReadsNothingBeyondAPage) {
  for (const char *text : {"ab", "a", "b", "xa"}) {
    Guarded memory(Text(4096, '\0').replace(4096 - strlen(text), strlen(text), text));
    for (const char *regex : {"ab\\N(*ACCEPT)?[[:^lower:]c]*?", "ab\\N", "[ab]{2}c", "a.b",
                              "a(?!b)", "(?i)ab\\d", "b$", "(?:a|b)c", "[a-f](?=\\d)"}) {
      for (uint64_t from : {0, 4080, 4090, 4094, 4095, 4096}) {
        Text found = Search(Compile(regex).get(), memory.data(), 4096, from);
        EXPECT_TRUE(found == "none" || found.size() >= 3) << found;
      }
    }
  }
}

TEST(Search, FailsCleanlyWithoutMemory) {
  static uint64_t left;
  mm_allocator scarce = {
      [](uint64_t size) { return left ? left--, malloc(size) : nullptr; },
      [](void *memory, uint64_t size) { return left ? left--, realloc(memory, size) : nullptr; },
      free};
  Text many = "word00";
  for (int i = 1; i <= MM_HEADS_MOST; i++) many += "|word" + std::to_string(i);
  mm_mem_use(&scarce);
  for (const Text &regex : {Text("a(b)c"), many}) {
    bool compiled = false;
    for (uint64_t n = 0; n < 100 && !compiled; n++) {
      mm_pattern *pattern = nullptr;
      mm_error err;
      left = n;
      int rc = mm_pattern_compile(Bytes(regex), regex.size(), &pattern, &err);
      if (rc) EXPECT_EQ(rc, MM_NOMEM) << err.text;
      compiled = rc == MM_OK;
      mm_pattern_free(pattern);
    }
    EXPECT_TRUE(compiled) << regex;
  }
  mm_mem_use(nullptr);
}

/* ---- literals ------------------------------------------------------------------------------- */

// "exact@least..most" of the best literal of whole bytes.
Text Exact(const Text &regex) {
  mm_literals known;
  mm_literals_read(Bytes(regex), regex.size(), &known);
  mm_literals_clear(&known);
  const mm_literal &l = known.exact;
  if (l.size == 0) return "";
  Text most = l.most == MM_LITERAL_FAR ? "" : std::to_string(l.most);
  return Text(reinterpret_cast<const char *>(l.value), l.size) + "@" + std::to_string(l.least) +
         ".." + most;
}

TEST(Literal, IsWhatEveryMatchContains) {
  EXPECT_EQ(Exact("foo"), "foo@0..0");
  EXPECT_EQ(Exact("\\d{3}foo"), "foo@3..3");
  EXPECT_EQ(Exact("a?foo"), "foo@0..1");
  EXPECT_EQ(Exact("\\w+foo"), "foo@1..");
  EXPECT_EQ(Exact("(?:a|bc)foo"), "foo@1..2");
  EXPECT_EQ(Exact("(fo)o+bar"), "foo@0..0");
  EXPECT_EQ(Exact("x(?:barbar)+"), "barbar@1..1");
  EXPECT_EQ(Exact("a{3}b"), "aaab@0..0");
  EXPECT_EQ(Exact("\\x41\\.\\x{42}\\n"), "A.B\n@0..0");
  EXPECT_EQ(Exact("(?=foo)bar(?<!x)"), "bar@0..0");
  EXPECT_EQ(Exact("[ab]]c"), "]c@1..1");
  EXPECT_EQ(Exact("[]x]yz"), "yz@1..1");
}

TEST(Literal, IsNothingWhereAnythingElseMayMatch) {
  EXPECT_EQ(Exact("foo|bar"), "");
  EXPECT_EQ(Exact("(?:foo)?"), "");
  EXPECT_EQ(Exact("(?:foo)*|x"), "");
  EXPECT_EQ(Exact("(?x)f o o"), "");
  EXPECT_EQ(Exact("(?#foo)"), "");
  EXPECT_EQ(Exact("(?|foo)"), "");
  EXPECT_EQ(Exact("\\Qfoo\\E"), "");
  EXPECT_EQ(Exact("(?(?=a)b)foo"), "");
  EXPECT_EQ(Exact("(?i)foo"), "");
  EXPECT_EQ(Exact("foo{,3}"), "");
  EXPECT_EQ(Exact("[[:<:]]foo"), "");
  EXPECT_EQ(Exact("(*ACCEPT)foo"), "");
  EXPECT_EQ(Exact("(?!foo)"), "");
}

// "literals@least..most" of the best choice, "whole" if the pattern is nothing else.
Text Choice(const Text &regex) {
  mm_literals known;
  mm_literals_read(Bytes(regex), regex.size(), &known);
  std::unique_ptr<mm_literals, decltype(&mm_literals_clear)> clear(&known, mm_literals_clear);
  const mm_choice &c = known.choice;
  if (mm_choice_worth(&c) == 0) return "";
  Text all;
  for (unsigned i = 0; i < c.count; i++) {
    const mm_head &l = c.literals[i];
    all += (i ? " " : "") + Text(reinterpret_cast<const char *>(l.value), l.size);
  }
  Text most = c.common.most == MM_LITERAL_FAR ? "" : std::to_string(c.common.most);
  return all + "@" + std::to_string(c.common.least) + ".." + most + (c.whole ? " whole" : "");
}

TEST(Literal, IsOneOfSeveralWhereThereAreAlternatives) {
  EXPECT_EQ(Choice("error|warning|fatal"), "error warning fatal@0..0 whole");
  EXPECT_EQ(Choice("(?i)error|fatal"), "ERROR FATAL@0..0 whole");
  EXPECT_EQ(Choice("(?:error|fatal)"), "error fatal@0..0 whole");
  EXPECT_EQ(Choice("(?:error|fatal)|(?>warning)"), "error fatal warning@0..0 whole");
  EXPECT_EQ(Choice("(error|fatal)"), "error fatal@0..0") << "a group is told";
  EXPECT_EQ(Choice("(?:error|fatal)s"), "error fatal@0..0");
  EXPECT_EQ(Choice("\\b(?:error|fatal)\\b"), "error fatal@0..0");
  EXPECT_EQ(Choice("\\b(?:error|fatal)\\b|\\d+xyz"), "error fatal xyz@0..");
  EXPECT_EQ(Choice("[a-z]+(?:error|fatal)"), "error fatal@1..");
  EXPECT_EQ(Choice("(?:error|fatal)+"), "error fatal@0..0");
  EXPECT_EQ(Choice("error|.{3}fatal"), "error fatal@0..3");
  EXPECT_EQ(Choice("(?:in|out)(?:error|fatal)"), "error fatal@2..3") << "the better one";
  EXPECT_EQ(Choice("error\\K|fatal"), "error fatal@0..0");
  EXPECT_EQ(Choice("^error|fatal$"), "error fatal@0..0");
}

TEST(Literal, IsNoneOfSeveralWhereAnythingElseMayMatch) {
  EXPECT_EQ(Choice("error|fatal|"), "");
  EXPECT_EQ(Choice("error|\\w+"), "");
  EXPECT_EQ(Choice("(?:error|fatal)?"), "");
  EXPECT_EQ(Choice("(?:error|fatal){0,3}x"), "");
  EXPECT_EQ(Choice("(?!error|fatal)"), "");
  EXPECT_EQ(Choice("(?<=error|fatal)x"), "");
  EXPECT_EQ(Choice("(error|fatal)\\1"), "") << "references are not read";
  EXPECT_EQ(Choice("(?x)error|fatal"), "");
  EXPECT_EQ(Choice("error|fatal(*ACCEPT)"), "");
  EXPECT_EQ(Choice("\\Gerror|fatal"), "");
  EXPECT_EQ(Choice("(?|error|fatal)"), "");
  EXPECT_EQ(Choice("error|fatal\\Q|\\E"), "");
}

Text Words(int count) {
  Text regex = "word00";
  for (int i = 1; i < count; i++) regex += "|word" + std::to_string(i);
  return regex;
}

TEST(Literal, AreNotMoreThanThereIsRoomFor) {
  Text regex = Words(MM_HEADS_MOST);
  EXPECT_NE(Choice(regex), "");
  EXPECT_NE(Choice(regex + "|more"), "") << "by a hash";
  EXPECT_NE(Choice("(?:" + regex + ")(?:in|out|up)|x" + regex), "");
  EXPECT_NE(Choice("(?i)" + regex), "");
  EXPECT_EQ(Choice("(?i)" + regex + "|more"), "") << "it takes whole bytes alone";
  EXPECT_EQ(Choice(regex + "|m[op]re"), "");
  EXPECT_NE(Choice(Words(MM_CHOICE_MOST)), "");
  EXPECT_EQ(Choice(Words(MM_CHOICE_MOST + 1)), "");
  Text groups;
  for (int i = 0; i < 10; i++) groups += "(" + regex + ")";
  EXPECT_NE(Choice(groups), "");
  EXPECT_EQ(Choice(Text(40, 'a') + "|bcd"), Text(MM_HEADS_LENGTH, 'a') + " bcd@0..0");
}

// "bytes*least" of what a match begins with, "first" if the first start of a run decides.
Text First(const Text &regex) {
  mm_literals known;
  mm_literals_read(Bytes(regex), regex.size(), &known);
  mm_literals_clear(&known);
  if (known.first_least == 0) return "";
  return std::to_string(mm_charset_count(&known.first)) + "*" + std::to_string(known.first_least) +
         (known.first_run ? " first" : "");
}

TEST(Literal, KnowsTheRunThatAMatchBeginsWith) {
  EXPECT_EQ(First("[a-f]{20,}"), "6*20 first");
  EXPECT_EQ(First("[a-f]{20,30}"), "6*20");
  EXPECT_EQ(First("\\b[a-f]{20}\\b"), "6*20");
  EXPECT_EQ(First("(?i)[a-f]{20}"), "12*20");
  EXPECT_EQ(First("([a-f]{20,})x"), "6*20");
  EXPECT_EQ(First("[a-f]+[a-f]{3}x"), "6*4 first");
  EXPECT_EQ(First("[a-f]{20}|[g-h]{7}"), "8*7");
  EXPECT_EQ(First("a{20}b{20}"), "1*20");
  EXPECT_EQ(First("(?=x)[a-f]{20}"), "6*20");
  EXPECT_EQ(First("(?:[a-f]{20})+"), "6*20");
  EXPECT_EQ(First("(?:[a-f]{20})?x"), "");
  EXPECT_EQ(First("x?[a-f]{20}"), "");
  EXPECT_EQ(First("[a-f]*[a-f]{20}"), "");
  EXPECT_EQ(First("[a-f]{20}|"), "");
  EXPECT_EQ(First("\\R[a-f]{20}"), "");
  EXPECT_EQ(First("(?R)[a-f]{20}"), "");
  EXPECT_EQ(First("[a-f]{20}\\1"), "");
}

TEST(Literal, KnowsBitsOfABytesThatVary) {
  mm_literals known;
  Text regex = "\\xf4.[\\xa0-\\xaf](?i)z\\d";
  mm_literals_read(Bytes(regex), regex.size(), &known);
  mm_literals_clear(&known);
  const mm_literal &l = known.masked;
  ASSERT_EQ(l.size, 5u) << "an option takes no byte";
  EXPECT_EQ(l.value[0], 0xf4);
  EXPECT_EQ(l.mask[1], 0);
  EXPECT_EQ(l.value[2], 0xa0);
  EXPECT_EQ(l.mask[2], 0xf0);
  EXPECT_EQ(l.value[3], 'Z');
  EXPECT_EQ(l.mask[3], 0xdf);
}

} // namespace
