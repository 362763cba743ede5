// libFuzzer: mmap_hex's patterns over fuzzed bytes, beside a matcher of YARA's hex strings that
// tries everything at each place. Both must take the same patterns, and find the same first match:
// of those that begin first, the one of the first alternatives and the shortest jumps.
//
// The first byte says how the rest is read, the second how long the pattern is; then the pattern
// and the bytes to search.
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include "tests/fuzz/fuzz.h"

extern "C" {
#include "core/search/hex.h"
#include "core/common/mem.h"
#include "core/search/search.h"
}

namespace {

constexpr uint64_t kNoEnd = UINT64_MAX;
constexpr unsigned kDeepest = 100;
constexpr uint64_t kLongest = 1 << 24;

struct Node;
using Sequence = std::vector<Node>;

struct Node {
  enum Kind { kByte, kJump, kGroup } kind;
  uint8_t value = 0, mask = 0;
  bool negated = false;
  uint64_t least = 0, most = 0;
  std::vector<Sequence> alternatives;
};

// The reader of patterns. `bad` once something is wrong.
class Parser {
public:
  explicit Parser(const std::string &text) : text_(text) {}

  bool Parse(Sequence *all) {
    bool braces = Take('{');
    *all = Elements(0);
    if (braces && !Take('}')) bad_ = true;
    if (Peek() || at_ < text_.size()) bad_ = true;
    return !bad_;
  }

private:
  void Skip() {
    for (;;) {
      size_t before = at_;
      while (at_ < text_.size() && text_[at_] && strchr(" \t\n\v\f\r", text_[at_])) at_++;
      if (text_.compare(at_, 2, "//") == 0) {
        at_ = text_.find('\n', at_ + 2);
        at_ = at_ == std::string::npos ? text_.size() : at_ + 1;
      } else if (text_.compare(at_, 2, "/*") == 0) {
        at_ = text_.find("*/", at_ + 2);
        bad_ |= at_ == std::string::npos;
        at_ = bad_ ? text_.size() : at_ + 2;
      }
      if (at_ == before) return;
    }
  }
  char Peek() {
    Skip();
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool Take(char c) {
    bool there = Peek() == c;
    if (there) at_++;
    return there;
  }

  // A digit's value and which bits count.
  void Digit(uint8_t *value, uint8_t *mask) {
    char c = at_ < text_.size() ? text_[at_] : '\0';
    const char *digits = "0123456789abcdef", *place = c ? strchr(digits, tolower(c)) : nullptr;
    *value = place ? static_cast<uint8_t>(place - digits) : 0;
    *mask = place ? 15 : 0;
    bad_ |= !place && c != '?';
    if (at_ < text_.size()) at_++;
  }

  Node Byte() {
    Node node{Node::kByte, 0, 0, false, 0, 0, {}};
    uint8_t high, low, high_mask, low_mask;
    node.negated = Take('~');
    Skip();
    Digit(&high, &high_mask);
    Digit(&low, &low_mask);
    node.value = static_cast<uint8_t>(high << 4 | low);
    node.mask = static_cast<uint8_t>(high_mask << 4 | low_mask);
    bad_ |= node.negated && node.mask == 0;
    return node;
  }

  bool Number(uint64_t *n) {
    *n = 0;
    Skip();
    size_t from = at_;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; at_++) {
      *n = std::min(*n * 10 + static_cast<uint64_t>(text_[at_] - '0'), kLongest + 1);
    }
    bad_ |= *n > kLongest;
    return at_ > from;
  }

  Node Jump(unsigned depth) {
    Node node{Node::kJump, 0, 0, false, 0, 0, {}};
    bool least = Number(&node.least), range = Take('-'), most = range && Number(&node.most);
    bad_ |= !least && !range;
    if (!range) node.most = node.least;
    if (range && !most) {
      node.most = kNoEnd;
      bad_ |= depth > 0;
    }
    bad_ |= node.most < node.least;
    bad_ |= !Take(']');
    return node;
  }

  Node Group(unsigned depth) {
    Node node{Node::kGroup, 0, 0, false, 0, 0, {}};
    bad_ |= depth > kDeepest;
    do {
      if (bad_) return node;
      node.alternatives.push_back(Elements(depth));
    } while (Take('|'));
    bad_ |= !Take(')');
    return node;
  }

  Sequence Elements(unsigned depth) {
    Sequence all;
    for (char c; !bad_ && (c = Peek()) != 0 && c != ')' && c != '}' && c != '|';) {
      if (Take('(')) {
        all.push_back(Group(depth + 1));
      } else if (Take('[')) {
        bad_ |= all.empty();
        all.push_back(Jump(depth));
      } else {
        all.push_back(Byte());
      }
    }
    bad_ |= all.empty() || all.back().kind == Node::kJump;
    return all;
  }

  const std::string &text_;
  size_t at_ = 0;
  bool bad_ = false;
};

class Matcher {
public:
  explicit Matcher(const std::string &text) : text_(text) {}

  // The end of the match at `at`; npos.
  size_t At(const Sequence &all, size_t at) {
    size_t end = std::string::npos;
    Try(all, 0, at, [&](size_t found) {
      end = found;
      return true;
    });
    return end;
  }
  bool tired() const { return steps_ > 20000; }

private:
  using Then = std::function<bool(size_t)>;

  bool Try(const Sequence &all, size_t i, size_t at, const Then &then) {
    if (++steps_, tired()) return true;
    if (i == all.size()) return then(at);
    const Node &node = all[i];
    auto rest = [&](size_t next) { return Try(all, i + 1, next, then); };
    if (node.kind == Node::kByte) {
      if (at >= text_.size()) return false;
      bool same = (static_cast<uint8_t>(text_[at]) & node.mask) == node.value;
      return same != node.negated && rest(at + 1);
    }
    if (node.kind == Node::kGroup) {
      for (const Sequence &one : node.alternatives) {
        if (Try(one, 0, at, rest)) return true;
      }
      return false;
    }
    for (uint64_t n = node.least; n <= node.most && n <= text_.size() - at; n++) {
      if (rest(at + n)) return true;
    }
    return false;
  }

  const std::string &text_;
  unsigned steps_ = 0;
};

const char *const kPieces[] = {"0", "1", "A",  "b",  "f",   "?",     "??",  "[",   "]",  "-",
                               "(", ")", "|",  "~",  " ",   "/*",    "*/",  "//",  "\n", "{",
                               "}", "2", "00", "11", "[1]", "[0-2]", "[-]", " | ", "( ", "~0?"};

void Run(const std::string &pattern, const std::string &text) {
  mm_error err;
  char *regex = nullptr;
  Sequence all;
  bool good = Parser(pattern).Parse(&all);
  int rc = mm_hex_regex(pattern.data(), pattern.size(), &regex, &err);
  CHECK(rc == MM_OK || rc == MM_ERROR);
  CHECK((rc == MM_OK) == good);
  CHECK((rc == MM_OK) == (regex != nullptr));
  if (rc) return;
  mm_pattern *compiled = nullptr;
  rc = mm_pattern_compile(reinterpret_cast<const uint8_t *>(regex), strlen(regex), &compiled, &err);
  mm_free(regex);
  if (rc) {
    CHECK(strstr(err.text, "too large")); // long jumps
    return;
  }
  Matcher matcher(text);
  size_t start = 0, end = std::string::npos;
  for (; start <= text.size(); start++) {
    if ((end = matcher.At(all, start)) != std::string::npos || matcher.tired()) break;
  }
  bool found = false;
  mm_span match;
  // A copy of exactly this size: ASAN sees what lies beyond it.
  std::unique_ptr<uint8_t[]> copy(new uint8_t[text.size()]);
  std::copy(text.begin(), text.end(), copy.get());
  rc = mm_pattern_search(compiled, copy.get(), text.size(), 0, UINT64_MAX, false, nullptr, &found,
                         &match, &err);
  mm_pattern_free(compiled);
  if (matcher.tired()) return;
  if (rc) {
    CHECK(strstr(err.text, "too much work"));
    return;
  }
  CHECK(found == (end != std::string::npos));
  if (found) CHECK(match.start == start && match.end == end);
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  std::string pattern = in.Bytes(in.Byte());
  std::string text = in.Rest();
  if (how & 1) pattern = mm_fuzz::Spell(kPieces, pattern);
  if (how & 2) {
    for (char &c : text) c = "\0\1\x10\x11\xa1\xab\x0b\xff"[c & 7];
  }
  Run(pattern, text);
  return 0;
}
