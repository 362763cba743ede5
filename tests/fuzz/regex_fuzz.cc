// libFuzzer: core/search/search.h over fuzzed bytes, beside PCRE2 on the whole subject, which shares none
// of its pieces, literals and retries: the same matches and groups, one after the other as
// mmap_search_all goes. Where PCRE2 needs too much work, or its engines disagree, nothing is
// compared.
//
// The first byte says how the rest is read, the second how long the pattern is; then the pattern
// and the bytes to search.
#include <cstring>
#include <memory>
#include <optional>
#include <vector>

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "tests/fuzz/fuzz.h"

extern "C" {
#include "core/search/search.h"
}

namespace {

// Start and end of the match and of each group; UINT64_MAX: took no part. Empty: none.
using Match = std::vector<uint64_t>;

// One way to run PCRE2.
class Plain {
public:
  Plain(const std::string &pattern, uint32_t options, bool jit) {
    int error;
    PCRE2_SIZE offset;
    compile_ = pcre2_compile_context_create(nullptr);
    pcre2_set_newline(compile_, PCRE2_NEWLINE_LF);
    options |= PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_ALT_CIRCUMFLEX;
    code_ = pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options,
                          &error, &offset, compile_);
    context_ = pcre2_match_context_create(nullptr);
    pcre2_set_match_limit(context_, 20000);
    pcre2_set_heap_limit(context_, 10000);
    if (!code_) return;
    data_ = pcre2_match_data_create_from_pattern(code_, nullptr);
    if (jit) pcre2_jit_compile(code_, PCRE2_JIT_COMPLETE);
  }
  Plain(const Plain &) = delete;
  Plain &operator=(const Plain &) = delete;
  ~Plain() {
    pcre2_match_data_free(data_);
    pcre2_match_context_free(context_);
    pcre2_code_free(code_);
    pcre2_compile_context_free(compile_);
  }
  bool good() const { return code_ != nullptr; }

  // Nothing: it cannot say.
  std::optional<Match> Search(const std::string &text, uint64_t from, bool advance) {
    int rc = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), from,
                         advance ? PCRE2_NOTEMPTY_ATSTART : 0, data_, context_);
    if (rc == PCRE2_ERROR_NOMATCH) return Match();
    if (rc < 0) return std::nullopt;
    PCRE2_SIZE *ovector = pcre2_get_ovector_pointer(data_);
    return Match(ovector, ovector + 2 * pcre2_get_ovector_count(data_));
  }

private:
  pcre2_compile_context *compile_ = nullptr;
  pcre2_code *code_ = nullptr;
  pcre2_match_context *context_ = nullptr;
  pcre2_match_data *data_ = nullptr;
};

// All of them, as one. They disagree where PCRE2 has a bug, or says that they may: (*COMMIT)a is
// found in "ba" only by who first looks for an a.
class Plains {
public:
  explicit Plains(const std::string &pattern)
      : plain_(pattern, 0, true), slow_(pattern, 0, false),
        thorough_(pattern, PCRE2_NO_START_OPTIMIZE, false) {}
  bool good() const { return plain_.good(); }
  std::optional<Match> Search(const std::string &text, uint64_t from, bool advance) {
    auto match = plain_.Search(text, from, advance);
    if (match != slow_.Search(text, from, advance)) return std::nullopt;
    return match == thorough_.Search(text, from, advance) ? match : std::nullopt;
  }

private:
  Plain plain_, slow_, thorough_;
};

Match Ours(const mm_pattern *pattern, mm_span match) {
  Match all = {match.start, match.end};
  for (unsigned n = 1; n <= mm_pattern_groups(pattern); n++) {
    mm_span group = {UINT64_MAX, UINT64_MAX};
    bool there = mm_pattern_group(pattern, n, &group);
    CHECK(there == (group.start != UINT64_MAX));
    all.push_back(group.start);
    all.push_back(group.end);
  }
  return all;
}

const char *const kPieces[] = {
    "a",     "b",        "c",     "A",      "\n",    "ab",          "abc",       "(",        ")",
    "|",     "*",        "+",     "?",      ".",     "[ab]",        "[^a]",      "^",        "$",
    "\\b",   "\\B",      "\\d",   "\\w",    "(?:",   "(?=",         "(?!",       "(?<=",     "(?<!",
    "(?>",   "{2}",      "{0,2}", "{1,}",   "\\1",   "\\x61",       "(?i)",      "(?s)",     "(?m)",
    "\\z",   "\\Z",      "\\A",   "\\G",    "\\K",   "[a-c]",       "??",        "*?",       "+?",
    "*+",    "(?|",      "\\R",   "\\N",    "\\Qa+", "\\E",         "1",         " ",        "(?x)",
    "(?#",   "[",        "]",     "-",      "\\",    "(*SKIP)",     "(*COMMIT)", "(*PRUNE)", "(*F)",
    "(?(1)", "(?1)",     "(?R)",  "\\g{1}", "(?<n>", "[[:alpha:]]", "a{3}",      "b?",       "(a)",
    "(b)?",  "(?:a|b)*",
};

// Stops a search that is no longer worth its time.
int Stop(void *context, uint64_t) {
  return ++*static_cast<int *>(context) > 20;
}

void Compare(Plains *plain, mm_pattern *pattern, const std::string &text) {
  // A copy of exactly this size: ASAN sees what lies beyond it.
  std::unique_ptr<uint8_t[]> copy(new uint8_t[text.size()]);
  std::copy(text.begin(), text.end(), copy.get());
  mm_span match = {0, 0};
  bool found = true, advance = false;
  for (int round = 0; round < 50; round++) {
    mm_error err;
    int asked = 0;
    mm_watch watch = {Stop, &asked};
    uint64_t from = match.end;
    auto expected = plain->Search(text, from, advance);
    int rc = mm_pattern_search(pattern, copy.get(), text.size(), from, UINT64_MAX, advance, &watch,
                               &found, &match, &err);
    CHECK(rc == MM_OK || rc == MM_ERROR || rc == MM_INTERRUPT || rc == MM_NOMEM);
    if (rc || !expected) return;
    CHECK(found == !expected->empty());
    if (!found) return;
    CHECK(Ours(pattern, match) == *expected);
    // \K and lookarounds can put a match's start behind its end, or its end before `from`.
    if (match.end < from || match.start > match.end) return;
    advance = match.start == match.end;
  }
}

void Run(const std::string &regex, const std::string &text) {
  mm_pattern *pattern = nullptr;
  mm_error err;
  int rc = mm_pattern_compile(reinterpret_cast<const uint8_t *>(regex.data()), regex.size(),
                              &pattern, &err);
  Plains plain(regex);
  CHECK((rc == MM_OK) == plain.good());
  if (rc == MM_OK) Compare(&plain, pattern, text);
  mm_pattern_free(pattern);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  std::string regex = in.Bytes(in.Byte());
  std::string text = in.Rest();
  if (how & 1) regex = mm_fuzz::Spell(kPieces, regex);
  if (how & 2) {
    for (char &c : text) c = "abcAB1 \n"[c & 7];
  }
  Run(regex, text);
  return 0;
}
