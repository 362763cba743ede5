// Searches beside PCRE2 asked plainly about all of the data, on random patterns and random data;
// and what the searches leave out, beside the same done byte by byte.
extern "C" {
#include "core/search/lead.h"
#include "core/search/literal.h"
#include "core/search/masked.h"
#include "core/common/mem.h"
#include "core/search/search.h"
}

#define PCRE2_CODE_UNIT_WIDTH 8
#include <gtest/gtest.h>
#include <pcre2.h>
#include <sys/mman.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "tests/support/rounds.h"

namespace {

using mm_test::Rounds;
using std::string_literals::operator""s;
using Text = std::string;

const uint8_t *Bytes(const Text &text) {
  return reinterpret_cast<const uint8_t *>(text.data());
}

// Memory between two pages that cannot be read: right at the one after it, or `shift` bytes before.
class Guarded {
public:
  explicit Guarded(const Text &text, size_t shift = 0) {
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    size_t inner = (text.size() + shift + page - 1) / page * page;
    size_ = inner + 2 * page;
    base_ = static_cast<char *>(
        mmap(nullptr, size_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
    mprotect(base_, page, PROT_NONE);
    mprotect(base_ + page + inner, page, PROT_NONE);
    data_ = base_ + page + inner - text.size() - shift;
    memcpy(data_, text.data(), text.size());
  }
  ~Guarded() { munmap(base_, size_); }
  Guarded(const Guarded &) = delete;
  const uint8_t *data() const { return reinterpret_cast<const uint8_t *>(data_); }

private:
  char *base_, *data_;
  size_t size_;
};

/* ---- all matches, by us and by PCRE2 ------------------------------------------------------- */

std::string Span(uint64_t start, uint64_t end) {
  return std::to_string(start) + "-" + std::to_string(end);
}

// Some patterns are slow on some data, here as with plain PCRE2: time is short.
struct Deadline {
  std::chrono::steady_clock::time_point end =
      std::chrono::steady_clock::now() + std::chrono::milliseconds(500);
  bool Over() const { return std::chrono::steady_clock::now() > end; }
  static int Stop(void *self, uint64_t) { return static_cast<Deadline *>(self)->Over(); }
};

// All matches from `from` on, up to one that starts after `last`, with their groups; "error" in
// front of a text that says why not.
Text Ours(const Text &regex, const uint8_t *data, uint64_t size, uint64_t from,
          uint64_t last = UINT64_MAX) {
  mm_pattern *pattern = nullptr;
  mm_error err;
  if (mm_pattern_compile(Bytes(regex), regex.size(), &pattern, &err)) return "error: "s + err.text;
  Text all;
  mm_span match = {from, from};
  bool advance = false, found = true;
  Deadline deadline;
  mm_watch watch = {Deadline::Stop, &deadline};
  while (found && match.end >= from) {
    if (mm_pattern_search(pattern, data, size, match.end, last, advance, &watch, &found, &match,
                          &err)) {
      all = "error: "s + err.text;
      break;
    }
    if (!found || match.start > last) break;
    all += Span(match.start, match.end);
    for (unsigned i = 1; i <= mm_pattern_groups(pattern); i++) {
      mm_span group;
      all += mm_pattern_group(pattern, i, &group) ? "," + Span(group.start, group.end) : ",";
    }
    all += " ";
    advance = match.start == match.end;
    if (match.start > match.end || all.size() > 3000) break;
  }
  mm_pattern_free(pattern);
  return all;
}

// Those of `all` before the first that starts after `last`.
Text Until(const Text &all, uint64_t last) {
  size_t end = 0;
  while (end < all.size() && std::stoull(all.substr(end)) <= last) end = all.find(' ', end) + 1;
  return all.substr(0, end);
}

struct Plain {
  pcre2_code *code = nullptr;
  pcre2_match_data *data = nullptr;
  pcre2_match_context *context = nullptr;
  pcre2_compile_context *compile = nullptr;

  Plain(const Text &regex, bool jit, uint32_t more) {
    uint32_t options = PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_ALT_CIRCUMFLEX | more;
    int error;
    PCRE2_SIZE offset;
    compile = pcre2_compile_context_create(nullptr);
    pcre2_set_newline(compile, PCRE2_NEWLINE_LF);
    code = pcre2_compile(Bytes(regex), regex.size(), options, &error, &offset, compile);
    context = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(context, 100000);
    if (code && jit) pcre2_jit_compile(code, PCRE2_JIT_COMPLETE);
    if (code) data = pcre2_match_data_create_from_pattern(code, nullptr);
  }
  ~Plain() {
    pcre2_match_data_free(data);
    pcre2_match_context_free(context);
    pcre2_code_free(code);
    pcre2_compile_context_free(compile);
  }
  Plain(const Plain &) = delete;
};

// The same from PCRE2; "skip": it is too much work for it.
Text AllOf(const Plain &plain, const uint8_t *text, uint64_t size, uint64_t from) {
  if (!plain.code) return "error";
  Text all;
  uint32_t options = 0;
  Deadline deadline;
  for (uint64_t at = from;;) {
    if (deadline.Over()) return "skip";
    int code = pcre2_match(plain.code, text, size, at, options, plain.data, plain.context);
    if (code == PCRE2_ERROR_NOMATCH) return all;
    if (code < 0) return "skip";
    const PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(plain.data);
    all += Span(ovector[0], ovector[1]);
    for (uint32_t i = 1; i < pcre2_get_ovector_count(plain.data); i++) {
      all += ovector[2 * i] == PCRE2_UNSET ? "," : "," + Span(ovector[2 * i], ovector[2 * i + 1]);
    }
    all += " ";
    if (ovector[0] > ovector[1] || all.size() > 3000) return all;
    options = ovector[0] == ovector[1] ? PCRE2_NOTEMPTY_ATSTART : 0;
    at = ovector[1];
    if (at < from) return all;
  }
}

// Does PCRE2 say the same without JIT and not optimizing, or with callouts? 10.42 does not always
// (after a recursion, say); then there is nothing to compare with. With verbs the optimizing is
// part of what they do.
bool Agrees(const Text &regex, const uint8_t *text, uint64_t size, uint64_t from,
            const Text &plain) {
  bool verbs = regex.find("(*") != Text::npos;
  uint32_t options = verbs ? 0 : PCRE2_NO_START_OPTIMIZE;
  return AllOf(Plain(regex, false, options), text, size, from) == plain &&
         AllOf(Plain(regex, true, PCRE2_AUTO_CALLOUT), text, size, from) == plain;
}

void Compare(const Text &regex, const Text &text, uint64_t from, size_t shift, int *compared) {
  Guarded memory(text, shift);
  Text theirs = AllOf(Plain(regex, true, 0), memory.data(), text.size(), from);
  if (theirs == "skip") return;
  Text ours = Ours(regex, memory.data(), text.size(), from);
  for (const char *given_up : {"too much work", "nested recursion", "interrupted"}) {
    if (ours.find(given_up) != Text::npos) return;
  }
  if (theirs == "error") ours = ours.substr(0, 5);
  if (ours != theirs && !Agrees(regex, memory.data(), text.size(), from, theirs)) return;
  ++*compared;
  EXPECT_EQ(ours, theirs) << regex << "\nin " << testing::PrintToString(text) << " from " << from;
  for (uint64_t share : {2, 7}) {
    uint64_t last = from + (text.size() - from) / share;
    Text some = theirs == "error" ? "error" : Ours(regex, memory.data(), text.size(), from, last);
    if (some.find("error") != Text::npos) continue;
    EXPECT_EQ(some, Until(theirs, last))
        << regex << "\nin " << testing::PrintToString(text) << " from " << from << " to " << last;
  }
}

/* ---- random patterns ----------------------------------------------------------------------- */

class Generator {
public:
  explicit Generator(unsigned seed) : random_(seed) {}

  size_t Below(size_t n) { return random_() % n; }
  bool Chance(size_t percent) { return Below(100) < percent; }

  template <size_t N> Text Pick(const char *const (&texts)[N]) { return texts[Below(N)]; }

  // What may hold no bytes comes rarely, and literals of two bytes and more often.
  Text Piece(int depth) {
    static const char *const literals[] = {"ab", "ba", "bca", "cc", "aab", "a", "b", "c", "\\x61b"};
    static const char *const sets[] = {
        "[ab]", "[^a]",  ".",      "\\w",   "[bc]",        "\\N",          "[a-c]",  "[^\\n]",
        "\\C",  "\\s",   "\\W",    "[^bc]", "[[:alpha:]]", "\\h",          "[\\w-]", "[^\\s]",
        "[]a]", "[^]a]", "[a-b-]", "\\R",   "[\\Wa]",      "[[:^lower:]c]"};
    static const char *const zero[] = {
        "\\b", "\\B", "^",   "$",    "(?=a)", "(?!b)", "(?<=a)", "(?<!ab)",  "(?=.*b)",
        "\\A", "\\Z", "\\z", "(?!)", "(?i)",  "(?s)",  "(?m-s)", "(?<=a|bc)"};
    static const char *const rare[] = {
        "(?(1)a|b)", "\\1",  "(?R)?", "(?(?=a)ab|c)", "\\Qab\\E", "(?#ab)",    "(?|(a)|(b))",
        "\\K",       "(?1)", "\\G",   "(?x) ",        "(?-i)",    "(?P<n>ab)", "(?i:ab)"};
    static const char *const verbs[] = {"(*ACCEPT)", "(*COMMIT)", "(*SKIP)",
                                        "(*PRUNE)",  "(*THEN)",   "(*FAIL)"};
    size_t kind = Below(100);
    if (kind < 45) return Pick(literals);
    if (kind < 70) return Pick(sets);
    if (kind < 77) return Pick(zero);
    if (kind < 80) return Pick(rare);
    if (kind < 81) return Pick(verbs);
    if (depth >= 3) return "a";
    static const char *const open[] = {"(", "(?:", "(?:", "(?>", "(?s:", "(?=", "(?<n>"};
    return Pick(open) + Expression(depth + 1) + ")";
  }

  Text Sequence(int depth) {
    static const char *const repeats[] = {"*",  "+",   "?",     "*?",   "+?",  "??", "++",
                                          "*+", "{2}", "{1,3}", "{2,}", "{0}", "?+", "{0,2}?"};
    Text text;
    for (size_t n = 1 + Below(4); n > 0; n--) {
      text += Piece(depth);
      if (Chance(35)) text += Pick(repeats);
    }
    return text;
  }

  Text Expression(int depth = 0) {
    Text text;
    if (depth == 0 && Chance(15)) text = Chance(50) ? "(?i)" : "(?s)";
    text += Sequence(depth);
    while (Chance(depth ? 30 : 12)) text += "|" + Sequence(depth);
    return text;
  }

  // A run before or after a literal, where what is left out matters most.
  Text AroundALiteral() {
    static const char *const runs[] = {
        "[ab]+",   "[a-c]*",  "\\w+?",    "[^\\n]*", ".*",      "[^c]++",  "a*",     "a{2,}",
        "b+[ac]*", "[ab]+c?", "(?:ab)+",  "(b|c)+",  "[ab]{3}", ".{0,5}",  "\\W?",   "(a+)",
        ".+?",     "a?b?c?",  "[bc]*\\K", "\\b\\w+", "(?>a+)",  "(?>a+?)", "[A-C]+", "a+|b"};
    static const char *const literals[] = {"bc", "cab", "a",     "\\n",
                                           "aa", "c.b", "[ab]c", "b(?:ca)+"};
    static const char *const ends[] = {"", "", "a", "[^a]", "$", "(?!a)", "\\w+", "(?<=aa)", "\\b"};
    Text text = Chance(15) ? "(?i)" : Chance(15) ? "(?s)" : "";
    text += Pick(runs);
    if (Chance(30)) text += Pick(runs);
    return text + Pick(literals) + Pick(ends);
  }

  // Alternatives, alone or between other things: what a match contains one of.
  Text OneOfSeveral() {
    static const char *const words[] = {"ab",     "abc",     "bca",   "cab",    "a",    "ac c",
                                        "aab",    "b\\nc",   "a.c",   "c[ab]c", "cc+b", "bab",
                                        "(?:bc)", "ab|ba",   "b?ca",  "\\Aab",  "ab$",  "\\bab",
                                        "caa",    "(bb|cc)", "\\x61b"};
    static const char *const before[] = {"",   "",       "",     "\\b",    "^",           "(?<=a)",
                                         "a+", "[a-c]*", "\\w?", "(?!ab)", "[^\\n]{0,3}", "\\K",
                                         ".*", "(a)?"};
    static const char *const behind[] = {"",       "",    "",    "\\b",    "$",    "(?=c)",
                                         "\\w+",   "\\1", "\\K", "(?<!a)", "[ab]", "(?:a|)",
                                         "(b|ca)", "+",   "{2}", "?"};
    Text text = Chance(25) ? "(?i)" : "";
    bool plain = Chance(40);
    if (!plain) text += Pick(before) + (Chance(50) ? "(" : "(?:");
    for (size_t n = 2 + Below(Chance(10) ? 70 : 6); n > 0; n--) {
      text += plain || Chance(80) ? Pick(words) : Sequence(1);
      if (n > 1) text += "|";
    }
    return plain ? text : text + ")" + Pick(behind) + (Chance(20) ? Sequence(0) : "");
  }

  // More words than vectors look for at once, of which many begin alike, or are in others.
  Text OneOfMany() {
    static const char *const before[] = {"", "", "", "\\b", "a+", "[a-c]?", "(a)?", "(?!ab)", "x|"};
    static const char *const behind[] = {"", "", "\\b", "(?=c)", "\\w+", "\\1", "+", "(?:a|)", "$"};
    Text text = Chance(10) ? "(?i)" : "", word;
    bool plain = Chance(50);
    size_t shortest = 1 + Below(5);
    if (!plain) text += Pick(before) + (Chance(50) ? "(" : "(?:");
    for (size_t n = 65 + Below(Chance(10) ? 1000 : 100); n > 0; n--) {
      if (Chance(70)) word.clear();
      size_t size = word.size() + shortest + Below(Chance(5) ? 60 : 6);
      while (word.size() < size) word += "aabbcc \n"[Below(Chance(90) ? 6 : 8)];
      text += Chance(1) ? "(?:" + word + "|ab+a)" : word;
      if (n > 1) text += "|";
    }
    return plain ? text : text + ")" + Pick(behind);
  }

  // Many of one set in a row, with which a match begins.
  Text ARun() {
    static const char *const sets[] = {"[ab]",   "a", "[a-c]", "\\w",
                                       "[^\\n]", ".", "[^b]",  "[[:alpha:]]"};
    static const char *const repeats[] = {"{12,}",  "{13}",  "{6,}",        "{20,30}",
                                          "{12,}?", "{7,}+", "+a{12}",      "{40,}",
                                          "{3,}",   "{64}",  "{12,}[ab]{2}"};
    static const char *const before[] = {"",       "",      "",   "\\b", "(?m)^",
                                         "(?<!a)", "(?=a)", "a?", "\\B"};
    static const char *const behind[] = {"",  "",      "",    "\\b",   "$",  "b",
                                         "c", "(?!a)", "\\n", "[ab]c", "|ab"};
    Text text = Chance(15) ? "(?i)" : "";
    bool group = Chance(25);
    text += Pick(before) + (group ? "(" : "") + Pick(sets) + Pick(repeats) + (group ? ")" : "");
    return text + Pick(behind);
  }

  Text Data() {
    static const char *const alphabets[] = {"ab",           "abc",       "abc\n",
                                            "aabbcc \nABC", "aaaaaaaab", "ac"};
    static const size_t sizes[] = {0, 1, 2, 3, 10, 40, 64, 90, 300, 700};
    Text alphabet = Pick(alphabets), text;
    size_t size = sizes[Below(10)];
    while (text.size() < size) {
      text.append(Chance(5) ? 1 + Below(300) : 1, alphabet[Below(alphabet.size())]);
    }
    return text;
  }

private:
  std::mt19937 random_;
};

unsigned Seed() {
  const char *seed = std::getenv("MM_SEED");
  return seed ? static_cast<unsigned>(atoi(seed)) : 1;
}

TEST(SearchRandom, FindsWhatPlainPcreFinds) {
  Generator g(Seed());
  int compared = 0;
  unsigned rounds = Rounds(4000u);
  for (unsigned i = 0; i < rounds && !HasFailure(); i++) {
    Text regex = g.Expression();
    for (int j = 0; j < 3; j++) {
      Text text = g.Data();
      Compare(regex, text, g.Below(text.size() + 1), g.Below(3), &compared);
    }
  }
  EXPECT_GT(compared, static_cast<int>(2 * rounds));
}

TEST(SearchRandom, LeavesOutNoStartBeforeALiteral) {
  Generator g(Seed() + 1);
  int compared = 0;
  unsigned rounds = Rounds(4000u);
  for (unsigned i = 0; i < rounds && !HasFailure(); i++) {
    Text regex = g.AroundALiteral();
    for (int j = 0; j < 3; j++) {
      Text text = g.Data();
      Compare(regex, text, g.Chance(50) ? 0 : g.Below(text.size() + 1), g.Below(3), &compared);
    }
  }
  EXPECT_GT(compared, static_cast<int>(2 * rounds));
}

// Under each set of loops that the machine has: one of them finds the literals.
template <typename Make> void CompareEverywhere(unsigned seed, unsigned rounds, Make make) {
  int compared = 0;
  for (const char *path : {"portable", "avx2", "avx512", "avx512+avx2", "neon"}) {
    if (!mm_find_use(path)) continue;
    Generator g(seed);
    for (unsigned i = 0; i < rounds && !testing::Test::HasFailure(); i++) {
      Text regex = make(g);
      for (int j = 0; j < 3; j++) {
        Text text = g.Data();
        Compare(regex, text, g.Chance(50) ? 0 : g.Below(text.size() + 1), g.Below(3), &compared);
      }
    }
    EXPECT_FALSE(testing::Test::HasFailure()) << path;
  }
  mm_find_use(nullptr);
  EXPECT_GT(compared, static_cast<int>(2 * rounds));
}

TEST(SearchRandom, LeavesOutNoAlternative) {
  CompareEverywhere(Seed() + 3, Rounds(1000u), [](Generator &g) { return g.OneOfSeveral(); });
}

TEST(SearchRandom, LeavesOutNoneOfManyAlternatives) {
  Generator g(Seed() + 5);
  int compared = 0;
  unsigned rounds = Rounds(150);
  for (unsigned i = 0; i < rounds && !HasFailure(); i++) {
    Text regex = g.OneOfMany();
    for (int j = 0; j < 3; j++) {
      Text text = g.Data() + g.Data();
      Compare(regex, text, g.Chance(50) ? 0 : g.Below(text.size() + 1), g.Below(9), &compared);
    }
  }
  EXPECT_GT(compared, static_cast<int>(2 * rounds));
}

TEST(SearchRandom, LeavesOutNoRun) {
  CompareEverywhere(Seed() + 4, Rounds(700u), [](Generator &g) { return g.ARun(); });
}

// Windows, pieces and runs that are longer than what one call sees, and than it tries.
TEST(SearchRandom, IsRightInLongData) {
  Generator g(Seed() + 2);
  int compared = 0;
  unsigned rounds = Rounds(200u);
  for (unsigned i = 0; i < rounds && !HasFailure(); i++) {
    Text regex = g.Chance(40)   ? g.AroundALiteral()
                 : g.Chance(30) ? g.OneOfSeveral()
                 : g.Chance(50) ? g.ARun()
                                : g.Expression();
    Text text;
    while (text.size() < 12000) {
      text += g.Data();
      if (g.Chance(20)) text.append(g.Below(5000), "ac\n"[g.Below(3)]);
    }
    Compare(regex, text, g.Below(2000), g.Below(3), &compared);
  }
  EXPECT_GT(compared, static_cast<int>(rounds / 2));
}

// Each kind of set is taken for just the bytes that it has: before a literal, and as the literal.
TEST(SearchRandom, KnowsTheBytesOfEachSet) {
  int compared = 0;
  for (const char *set : {"a",
                          "\\d",
                          "\\D",
                          "\\w",
                          "\\W",
                          "\\s",
                          "\\S",
                          "\\h",
                          "\\H",
                          "\\v",
                          "\\V",
                          "\\N",
                          "\\C",
                          "\\R",
                          ".",
                          "(?s).",
                          "(?i)k",
                          "(?i)[k-m]",
                          "(?i)[^k]",
                          "[k-m_]",
                          "[^k-m]",
                          "[]-a]",
                          "[a\\]]",
                          "[\\x80-\\xff]",
                          "[\\b]",
                          "[\\w-]",
                          "[-\\w]",
                          "[+--]",
                          "[\\d\\s]",
                          "[^\\W_]",
                          "[[:alpha:]]",
                          "[[:^alpha:]]",
                          "(?i)[[:upper:]]",
                          "[\\n-\\r]",
                          "[a-c-e]",
                          "[\\0-\\x1f]",
                          "(?i:k)",
                          "(?s:.)",
                          "(?s)(?-s).",
                          "\\t",
                          "\\.",
                          "\\e",
                          "\\x{41}",
                          "[[]",
                          "[[:x]",
                          "(?i)\\xe9",
                          "(?i)[\\xe0-\\xe9]",
                          "[\\x40-\\x5f]"}) {
    Text all;
    for (int b = 0; b < 256; b++)
      all += Text(2, static_cast<char>(b)) + "zq" + static_cast<char>(b);
    for (const char *around : {"%zq", "%+zq", "%*?zq", "q%+zq", "%{2}zq", "%%", "z(?:q%)+", "%"}) {
      Text regex;
      for (const char *p = around; *p; p++) regex += *p == '%' ? Text(set) : Text(1, *p);
      Compare(regex, all, 0, 0, &compared);
    }
  }
  EXPECT_GT(compared, 300);
}

/* ---- leads and masks ----------------------------------------------------------------------- */

// The first start by trying all: can bytes from..place-1 be told apart into the lead's stretches?
bool CanLead(const mm_lead &lead, unsigned stretch, const Text &text, uint64_t from,
             uint64_t place) {
  if (stretch == lead.count) return from == place;
  uint64_t n = 0;
  while (true) {
    if (CanLead(lead, stretch + 1, text, from + n, place)) return true;
    bool more = from + n < place && n < lead.at[stretch].most &&
                mm_charset_has(&lead.at[stretch].set, static_cast<uint8_t>(text[from + n]));
    if (!more) return false;
    n++;
  }
}

TEST(Lead, BoundsTheStartOfAMatchAndNeverFalls) {
  Generator g(Seed());
  for (unsigned round = 0; round < Rounds(3000u); round++) {
    mm_lead lead = {};
    for (size_t n = g.Below(4); n > 0; n--) {
      mm_charset set = {};
      mm_charset_add(&set, 'a', 'a' + static_cast<unsigned>(g.Below(3)));
      if (g.Chance(30)) mm_charset_invert(&set);
      mm_lead_add(&lead, &set, g.Chance(50) ? MM_LEAD_ENDLESS : g.Below(4));
    }
    Text text;
    for (size_t n = g.Below(80); n > 0; n--) text += "aaaabc"[g.Below(6)];
    Guarded memory(text);
    uint64_t from = g.Below(text.size() + 1), before = from;
    for (uint64_t place = from; place <= text.size(); place++) {
      int64_t first = mm_lead_first(&lead, memory.data(), from, place, nullptr);
      ASSERT_GE(first, static_cast<int64_t>(before)) << "it fell at " << place << " in " << text;
      ASSERT_LE(first, static_cast<int64_t>(place));
      before = static_cast<uint64_t>(first);
      for (uint64_t start = from; start < before; start++) {
        ASSERT_FALSE(CanLead(lead, 0, text, start, place)) << start << " to " << place << text;
      }
    }
  }
}

TEST(Lead, UnitesWhatItHasNoRoomFor) {
  mm_lead lead = {};
  for (unsigned i = 0; i < 6; i++) {
    mm_charset set = {};
    mm_charset_add(&set, 'a' + i, 'a' + i);
    mm_lead_add(&lead, &set, 1);
  }
  Text text = "abcdef", other = "zzabcdef", wrong = "abcdeg";
  EXPECT_EQ(lead.count, static_cast<unsigned>(MM_LEAD_MAX));
  EXPECT_EQ(mm_lead_first(&lead, Bytes(text), 0, 6, nullptr), 0);
  EXPECT_EQ(mm_lead_first(&lead, Bytes(other), 0, 8, nullptr), 2);
  EXPECT_EQ(mm_lead_first(&lead, Bytes(wrong), 0, 6, nullptr), 6);
}

TEST(Masked, FindsWhatALoopFinds) {
  Generator g(Seed());
  for (unsigned round = 0; round < Rounds(2000u); round++) {
    mm_literal literal = {};
    literal.size = 1 + static_cast<unsigned>(g.Below(g.Chance(20) ? MM_LITERAL_MAX : 12));
    for (unsigned i = 0; i < literal.size; i++) {
      static const uint8_t masks[] = {0xff, 0xff, 0, 0xf0, 0x0f, 0xdf, 0x01};
      literal.mask[i] = i ? masks[g.Below(7)] : 0xff;
      literal.value[i] = "ab"[g.Below(2)] & literal.mask[i];
    }
    Text text;
    size_t size = g.Chance(20) ? 30000 : g.Below(300);
    while (text.size() < size) text += g.Chance(90) ? 'a' : "ab\0A"[g.Below(4)];
    Guarded memory(text, g.Below(2));
    mm_masked masked;
    mm_masked_prepare(&masked, &literal);
    int64_t want = MM_FIND_NONE;
    for (size_t i = 0; i + literal.size <= text.size() && want < 0; i++) {
      bool fits = true;
      for (unsigned k = 0; k < literal.size; k++) {
        fits = fits && (static_cast<uint8_t>(text[i + k]) & literal.mask[k]) == literal.value[k];
      }
      if (fits) want = static_cast<int64_t>(i);
    }
    ASSERT_EQ(mm_masked_find(&masked, memory.data(), text.size(), nullptr), want) << round;
    ASSERT_EQ(mm_masked_find(&masked, memory.data(), text.size(), nullptr), want) << "once more";
  }
}

TEST(Masked, ChoosesAnewWhereItsBytesAreEverywhere) {
  mm_literal literal = {};
  literal.size = 3;
  memcpy(literal.value, "xya", 3);
  memset(literal.mask, 0xff, 3);
  Text text;
  for (int i = 0; i < 100000; i++) text += "xy";
  text += "xya";
  mm_masked masked;
  mm_masked_prepare(&masked, &literal);
  ASSERT_EQ(masked.at[1], 1u);
  EXPECT_EQ(mm_masked_find(&masked, Bytes(text), text.size(), nullptr), 200000);
  EXPECT_EQ(masked.at[1], 2u);
}

} // namespace
