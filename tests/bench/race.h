// Ours beside its peers: run in turn, several rounds, compared by their medians; and the lines that
// come out of it.
#ifndef MM_TESTS_BENCH_RACE_H
#define MM_TESTS_BENCH_RACE_H

#include <csignal>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace mm_bench {

// Work that somebody does, and the answer it comes to: that of all sides must be the same.
struct Side {
  std::string name;
  std::function<std::string()> run; // empty: it is missing, and `name` says how to get it
  std::function<double()> cpu; // seconds of processor time it has taken so far; empty: of no use
};

// Count processor time instead of the clock's, where a side has one: where much else runs.
extern bool use_cpu_time;

// Set by a signal: the next race throws, so that what was made is removed.
extern volatile std::sig_atomic_t stop_racing;

// Somebody to be compared with, and how many times as fast as he we must be.
struct Peer {
  Side side;
  double target;
};

// Of one line of the table: is its target met?
enum class Met {
  kYes,
  kLimit, // no, but we are at the speed of memory, past which nobody gets
  kNo,
  kMissing, // ours or the peer is not there
  kWrong    // the answers differ
};

struct Line {
  std::string work, ours, peer;         // the two with their times
  double ratio = 0;                     // how many times as fast as the peer; 0: not a ratio
  double target = 0;                    // the least ratio; 0: `limit` says what
  double seconds = 0, peer_seconds = 0; // of a ratio: how long each took
  std::string value, limit;             // of what is no ratio
  Met met = Met::kMissing;
};

// Run `ours` and the peers once for their answers, then `rounds` times in turn; a line for each
// peer. A side that has run for some seconds in all is left out of the rounds that remain.
std::vector<Line> Race(const std::string &work, const Side &ours, const std::vector<Peer> &peers,
                       int rounds);

// A line for something that must only be small enough.
Line Bound(const std::string &work, const std::string &ours, const std::string &value,
           const std::string &limit, bool met);

// Nobody is faster than memory: where `memory`, the line beside a plain read, has met its target,
// the others that missed theirs are at that limit.
void AllowMemorySpeed(std::vector<Line> *lines, const Line &memory);

// Of lines that differ in one particular (the needle), the one furthest from its target.
Line Worst(const std::vector<Line> &lines);

// "12.3 ms".
std::string TimeText(double seconds);
// "1.2 MiB".
std::string SizeText(double bytes);

// What the table shows of a line: "3.1" and "3".
std::string RatioText(const Line &line);
std::string TargetText(const Line &line);
const char *MetText(Met met);

// All lines, as a table for a terminal or for README, and as a chart.
std::string PlainTable(const std::vector<Line> &lines);
std::string MarkdownTable(const std::vector<Line> &lines);
std::string Chart(const std::vector<Line> &lines);
// One work, done by several to so many bytes, for those who see it for the first time: a bar each, as
// long as its speed in GB/s. Lines whose peer is missing have none; no line at all: "".
std::string Bars(const std::vector<Line> &lines, uint64_t bytes);

} // namespace mm_bench

#endif
