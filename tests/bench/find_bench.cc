// How fast core/search/find.h is, beside what else could be done with the same bytes.
//
//   find_bench [--benchmark_filter=REGEX]      MM_BENCH_MIB: size of the texts (1024);
//                                              MM_BENCH_ROUNDS: how often each is run (5)
//
// Each line is one search of a whole text that lies in the page cache. Its counters compare it with
// its peers, run in turn with it (the best time of each): x_read is the speed relative to a plain
// vector read (load and xor) of the same memory, x_libc that relative to glibc's memmem (memchr,
// memrchr for one byte; both forward from the start, and where a needle is counted only up to its
// 64th occurrence), x_loop that relative to a plain loop in C++. Above 1 is faster than the peer.
extern "C" {
#include "core/search/find.h"
}

#include <benchmark/benchmark.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <map>
#include <random>
#include <string>

namespace {

size_t TextSize() {
  const char *mib = std::getenv("MM_BENCH_MIB");
  return static_cast<size_t>(mib ? std::max(1, std::atoi(mib)) : 1024) << 20;
}

// A file in the page cache, mapped; its content changes with what is to be searched.
class Text {
public:
  Text() : size(TextSize()) {
    FILE *file = std::tmpfile();
    if (!file || ftruncate(fileno(file), static_cast<off_t>(size)) != 0) std::abort();
    void *memory =
        mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fileno(file), 0);
    if (memory == MAP_FAILED) std::abort();
    data = static_cast<uint8_t *>(memory);
  }

  void Fill(const std::string &kind) {
    if (kind == kind_) return;
    kind_ = kind;
    if (kind == "random") return FillRandom(256);
    if (kind == "two_letters") return FillRandom(2);
    if (kind == "english") return FillEnglish();
    FillPeriodic(kind);
  }

  // The bytes were changed by other means.
  void Forget() { kind_.clear(); }

  uint8_t *data;
  const size_t size;

private:
  void FillRandom(unsigned letters) {
    std::mt19937_64 random(1);
    for (size_t i = 0; i < size; i += 8) {
      uint64_t word = random();
      if (letters == 2) word = (word & 0x0101010101010101) + 0x6161616161616161;
      std::memcpy(data + i, &word, 8);
    }
  }

  // The commonest words of English, the commoner ones more often, in lines of about 80 characters.
  void FillEnglish() {
    static const char *const words[] = {
        "the",   "of",     "and",  "to",    "a",      "in",    "is",    "that",  "it",     "was",
        "for",   "on",     "are",  "as",    "with",   "his",   "they",  "at",    "be",     "this",
        "have",  "from",   "or",   "one",   "had",    "by",    "word",  "but",   "not",    "what",
        "all",   "were",   "we",   "when",  "your",   "can",   "said",  "there", "use",    "an",
        "each",  "which",  "she",  "do",    "how",    "their", "if",    "will",  "up",     "other",
        "about", "out",    "many", "then",  "them",   "these", "so",    "some",  "her",    "would",
        "make",  "like",   "him",  "into",  "time",   "has",   "look",  "two",   "more",   "write",
        "see",   "number", "way",  "could", "people", "than",  "first", "water", "been",   "call",
        "who",   "oil",    "now",  "find",  "long",   "down",  "day",   "did",   "get",    "come",
        "made",  "may",    "part", "quick", "over",   "zero",  "just",  "very",  "before", "king"};
    std::mt19937 random(2);
    size_t at = 0, line = 0;
    while (at < size) {
      unsigned pick = static_cast<unsigned>(random() % 100 * (random() % 100) / 100);
      std::string word = words[pick];
      word += (line += word.size() + 1) > 80 ? '\n' : random() % 12 ? ' ' : ',';
      if (line > 80) line = 0;
      size_t room = std::min(word.size(), size - at);
      std::memcpy(data + at, word.data(), room);
      at += room;
    }
  }

  void FillPeriodic(const std::string &part) {
    for (size_t i = 0; i < size; i++) data[i] = static_cast<uint8_t>(part[i % part.size()]);
  }

  std::string kind_;
};

Text &TheText() {
  static Text text;
  return text;
}

#if defined(__x86_64__)
#define READ_TARGET __attribute__((target("avx2")))
#else
#define READ_TARGET
#endif

READ_TARGET void PlainRead() {
  typedef uint64_t Vector __attribute__((vector_size(32), aligned(32)));
  const Text &text = TheText();
  const auto *p = reinterpret_cast<const Vector *>(text.data);
  Vector a = {}, b = {}, c = {}, d = {};
  for (const Vector *end = p + text.size / 32; p < end; p += 4) {
    a ^= p[0];
    b ^= p[1];
    c ^= p[2];
    d ^= p[3];
  }
  a ^= b ^ c ^ d;
  uint64_t sum = a[0] ^ a[1] ^ a[2] ^ a[3];
  benchmark::DoNotOptimize(sum);
}

using Work = std::function<void()>;

// Of this thread's own time: other programs take turns with it.
double Seconds(const Work &work) {
  auto now = [] {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
  };
  double start = now();
  work();
  return now() - start;
}

// Run `work` and its peers in turn, and compare the best that each did.
void Race(benchmark::State &state, const Work &work, const std::map<std::string, Work> &peers) {
  double best = 1e9;
  std::map<std::string, double> bests;
  for (auto _ : state) {
    double seconds = Seconds(work);
    state.SetIterationTime(seconds);
    best = std::min(best, seconds);
    for (const auto &peer : peers) {
      double &shortest = bests.emplace(peer.first, 1e9).first->second;
      shortest = std::min(shortest, Seconds(peer.second));
    }
  }
  state.counters["GB/s"] = static_cast<double>(TheText().size) / best / 1e9;
  for (const auto &peer : bests) state.counters["x_" + peer.first] = peer.second / best;
}

// The libc way: count goes on from one past each occurrence, at most for the first 64.
void Libc(const std::string &what, const std::string &needle) {
  const Text &text = TheText();
  const uint8_t *p = text.data, *end = text.data + text.size;
  if (what == "rfind" && needle.size() == 1) {
    benchmark::DoNotOptimize(memrchr(p, needle[0], text.size));
    return;
  }
  for (int i = 0; i < 64 && p; i++) {
    size_t left = static_cast<size_t>(end - p);
    p = static_cast<const uint8_t *>(needle.size() == 1
                                         ? memchr(p, needle[0], left)
                                         : memmem(p, left, needle.data(), needle.size()));
    benchmark::DoNotOptimize(p);
    if (what != "count" || !p) return;
    p++;
  }
}

void Search(benchmark::State &state, const std::string &what, const std::string &kind,
            const std::string &needle) {
  Text &text = TheText();
  text.Fill(kind);
  mm_needle ready;
  mm_needle_prepare(&ready, reinterpret_cast<const uint8_t *>(needle.data()), needle.size());
  auto *search = what == "find" ? mm_find : what == "rfind" ? mm_rfind : mm_count;
  int64_t found = 0;
  Race(state, [&] { found = search(&ready, text.data, text.size, nullptr); },
       {{"read", PlainRead}, {"libc", [&] { Libc(what, needle); }}});
  state.counters["found"] = static_cast<double>(found);
}

void Set(benchmark::State &state, const std::string &what, const std::string &members) {
  Text &text = TheText();
  text.Fill("english");
  uint8_t set[32] = {};
  for (char c : members) {
    auto byte = static_cast<uint8_t>(c);
    set[byte / 8] = static_cast<uint8_t>(set[byte / 8] | 1 << byte % 8);
  }
  auto *search = what == "find" ? mm_find_set : what == "rfind" ? mm_rfind_set : mm_count_set;
  auto loop = [&] {
    uint64_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += set[text.data[i] / 8] >> text.data[i] % 8 & 1;
    benchmark::DoNotOptimize(count);
  };
  Race(state, [&] { benchmark::DoNotOptimize(search(set, text.data, text.size, nullptr)); },
       {{"read", PlainRead}, {"loop", loop}});
}

void CountByte(benchmark::State &state) {
  Text &text = TheText();
  text.Fill("english");
  uint8_t set[32] = {0, 4};
  auto loop = [&] {
    uint64_t count = 0;
    for (size_t i = 0; i < text.size; i++) count += text.data[i] == 10;
    benchmark::DoNotOptimize(count);
  };
  Race(state, [&] { benchmark::DoNotOptimize(mm_count_set(set, text.data, text.size, nullptr)); },
       {{"read", PlainRead}, {"loop", loop}});
}

void Histogram(benchmark::State &state, const std::string &kind) {
  Text &text = TheText();
  text.Fill(kind);
  uint64_t counts[256] = {}, slow[256] = {};
  auto loop = [&] {
    for (size_t i = 0; i < text.size; i++) slow[text.data[i]]++;
    benchmark::DoNotOptimize(slow[0]);
  };
  Race(state, [&] { mm_histogram(text.data, text.size, counts, 1, nullptr); },
       {{"read", PlainRead}, {"loop", loop}});
}

// Half of the text against the other half, so that the plain read has as many bytes to read.
void Compare(benchmark::State &state, bool agreeing) {
  Text &text = TheText();
  text.Fill("random");
  size_t half = text.size / 2;
  std::memcpy(text.data + half, text.data, half);
  if (!agreeing) {
    for (size_t i = half; i < text.size; i++) text.data[i] = static_cast<uint8_t>(~text.data[i]);
  }
  auto *compare = agreeing ? mm_mismatch : mm_match;
  Race(state, [&] { benchmark::DoNotOptimize(compare(text.data, text.data + half, half)); },
       {{"read", PlainRead}});
  text.Forget();
}

int Rounds() {
  const char *rounds = std::getenv("MM_BENCH_ROUNDS");
  return rounds ? std::max(1, std::atoi(rounds)) : 5;
}

void Add(const std::string &name, const std::function<void(benchmark::State &)> &function) {
  benchmark::RegisterBenchmark(name.c_str(), function)
      ->UseManualTime()
      ->Unit(benchmark::kMillisecond)
      ->Iterations(Rounds());
}

void AddSearch(const std::string &name, const std::string &kind, const std::string &needle) {
  for (const char *what : {"find", "rfind", "count"}) {
    Add(name + "/" + what, [=](auto &state) { Search(state, what, kind, needle); });
  }
}

std::string Repeated(const std::string &part, size_t size) {
  std::string text;
  while (text.size() < size) text += part;
  return text.substr(0, size);
}

void AddAll() {
  const std::string a(1000, 'a');
  const std::string period = "the period of this text. ";
  for (size_t size : {1, 2, 3, 4, 8, 16, 32, 64}) {
    // In random bytes a short needle would not be absent.
    std::string needle = Repeated("{|}~`^\\$#@<>[]_%", static_cast<size_t>(size));
    AddSearch("english/absent/" + std::to_string(size), "english", needle);
    if (size > 4) AddSearch("random/absent/" + std::to_string(size), "random", needle);
  }
  AddSearch("a/aaa_b_8", "a", a.substr(0, 7) + "b");
  AddSearch("a/aaa_b_32", "a", a.substr(0, 31) + "b");
  AddSearch("a/aaa_b_1000", "a", a + "b");
  AddSearch("a/b_aaa_1000", "a", "b" + a);
  AddSearch("aaab/aaa_1000", Repeated("a", 31) + "b", a);
  AddSearch("aaab/aaa_32", Repeated("a", 31) + "b", Repeated("a", 32));
  AddSearch("aaab/aaa_16", Repeated("a", 15) + "b", Repeated("a", 16));
  AddSearch("aaab/aaa_9", Repeated("a", 8) + "b", Repeated("a", 9));
  AddSearch("aaab/nearly_200", Repeated("a", 31) + "b",
            Repeated(Repeated("a", 31) + "b", 100) + "aa" + Repeated(Repeated("a", 31) + "b", 100));
  AddSearch("ab/nearly_20", "ab", "ababababaabababababa");
  AddSearch("ab/nearly_60", "ab", Repeated("ab", 30) + "a" + Repeated("ab", 30));
  AddSearch("ab/nearly_1000", "ab", Repeated("ab", 500) + "a" + Repeated("ab", 500));
  AddSearch("period/nearly_100", period, Repeated(period, 50) + " " + Repeated(period, 50));
  AddSearch("period/nearly_2000", period, Repeated(period, 1000) + " " + Repeated(period, 1000));
  AddSearch("two_letters/24", "two_letters", "abbaabbabaaaabababbbaabz");
  AddSearch("two_letters/40", "two_letters", "abbaabbabaaaabababbbaababbabaabbabababab");
  AddSearch("two_letters/400", "two_letters",
            Repeated("abbaabbabaaaabababbbaababbabaabbabababababbbbaaaabbaba", 400));
  AddSearch("english/the", "english", " the ");
  AddSearch("english/absent_word", "english", "whether");
  AddSearch("english/absent_phrase", "english", "the time of the day is not the");
  AddSearch("english/absent_long", "english",
            "there is not one other way to see that the people of the water have been there and");
  for (size_t size : {2, 16, 32, 1000}) {
    AddSearch("a/aaa_" + std::to_string(size), "a", a.substr(0, size));
  }
  Add("set/newline/count", CountByte);
  for (const char *what : {"find", "rfind"}) {
    Add(std::string("set/range/") + what, [=](auto &state) { Set(state, what, "0123456789"); });
  }
  Add("set/vowels/count", [](auto &state) { Set(state, "count", "aeiou"); });
  for (const char *kind : {"random", "english", "a"}) {
    Add(std::string("histogram/") + kind, [=](auto &state) { Histogram(state, kind); });
  }
  Add("mismatch", [](auto &state) { Compare(state, true); });
  Add("match", [](auto &state) { Compare(state, false); });
}

} // namespace

int main(int argc, char **argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  benchmark::AddCustomContext("path", mm_find_path());
  AddAll();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
