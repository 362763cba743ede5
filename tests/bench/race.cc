#include "tests/bench/race.h"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <numeric>
#include <stdexcept>

namespace mm_bench {

bool use_cpu_time = false;
volatile std::sig_atomic_t stop_racing = 0;

namespace {

double Now(const Side &side) {
  if (use_cpu_time && side.cpu) return side.cpu();
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

double Seconds(const Side &side, std::string *answer) {
  double start = Now(side);
  *answer = side.run();
  return Now(side) - start;
}

double Median(std::vector<double> times) {
  std::sort(times.begin(), times.end());
  size_t half = times.size() / 2;
  return times.size() % 2 ? times[half] : (times[half - 1] + times[half]) / 2;
}

// A side that has run for so many seconds need not run again.
const double kEnough = 3;

double Total(const std::vector<double> &times) {
  return std::accumulate(times.begin(), times.end(), 0.0);
}

std::string Format(const char *format, double number) {
  char text[64];
  snprintf(text, sizeof text, format, number);
  return text;
}

// Three digits of a number, or all of its whole part.
std::string Digits(double number) {
  return Format(number < 9.995 ? "%.2f" : number < 99.95 ? "%.1f" : "%.0f", number);
}

void Progress(const Line &line) {
  fprintf(stderr, "%-11s %s: %s beside %s: %s of %s\n", MetText(line.met), line.work.c_str(),
          line.ours.c_str(), line.peer.c_str(), RatioText(line).c_str(), TargetText(line).c_str());
}

// How far a line is from its target: the smaller, the worse.
double Distance(const Line &line) {
  double relative = line.target > 0 ? line.ratio / line.target : 1;
  return relative - 1e6 * static_cast<double>(line.met == Met::kNo) -
         1e9 * static_cast<double>(line.met >= Met::kMissing) +
         1e3 * static_cast<double>(line.met == Met::kLimit);
}

struct Runner {
  const Side *side;
  std::string answer;
  std::vector<double> times;
};

// The first round warms up, and its answer is the one that counts: the others must repeat it.
void RunOnce(Runner *runner, bool first) {
  if (stop_racing) throw std::runtime_error("stopped");
  if (!runner->side->run || Total(runner->times) > kEnough) return;
  std::string answer;
  double seconds = Seconds(*runner->side, &answer);
  if (!first) runner->times.push_back(seconds);
  if (first || answer != runner->answer) runner->answer += answer;
}

void Complain(const std::string &work, const Runner &a, const Runner &b) {
  fprintf(stderr, "%s: %s says '%s', %s says '%s'\n", work.c_str(), a.side->name.c_str(),
          a.answer.substr(0, 200).c_str(), b.side->name.c_str(), b.answer.substr(0, 200).c_str());
}

// "memmem 12.3 ms", or the name that says why there is no time.
std::string RunnerText(const Runner &runner) {
  const std::string &name = runner.side->name;
  return runner.side->run ? name + " " + TimeText(Median(runner.times)) : name;
}

Line Compared(const std::string &work, const Runner &ours, const Runner &peer, double target) {
  Line line;
  line.work = work;
  line.target = target;
  line.ours = RunnerText(ours);
  line.peer = RunnerText(peer);
  if (!ours.side->run || !peer.side->run) return line;
  line.seconds = Median(ours.times);
  line.peer_seconds = Median(peer.times);
  line.ratio = line.peer_seconds / line.seconds;
  line.met = line.ratio >= target ? Met::kYes : Met::kNo;
  if (ours.answer != peer.answer) {
    line.met = Met::kWrong;
    Complain(work, ours, peer);
  }
  return line;
}

} // namespace

std::vector<Line> Race(const std::string &work, const Side &ours, const std::vector<Peer> &peers,
                       int rounds) {
  std::vector<Runner> runners = {{&ours, {}, {}}};
  for (const Peer &peer : peers) runners.push_back({&peer.side, {}, {}});
  for (int round = 0; round <= rounds; round++) {
    for (Runner &runner : runners) RunOnce(&runner, round == 0);
  }
  std::vector<Line> lines;
  for (size_t i = 0; i < peers.size(); i++) {
    lines.push_back(Compared(work, runners[0], runners[i + 1], peers[i].target));
    Progress(lines.back());
  }
  return lines;
}

Line Bound(const std::string &work, const std::string &ours, const std::string &value,
           const std::string &limit, bool met) {
  Line line;
  line.work = work;
  line.ours = ours;
  line.value = value;
  line.limit = limit;
  line.met = met ? Met::kYes : Met::kNo;
  Progress(line);
  return line;
}

void AllowMemorySpeed(std::vector<Line> *lines, const Line &memory) {
  for (Line &line : *lines) {
    if (line.met == Met::kNo && memory.met == Met::kYes) line.met = Met::kLimit;
  }
}

Line Worst(const std::vector<Line> &lines) {
  return *std::min_element(lines.begin(), lines.end(),
                           [](const Line &a, const Line &b) { return Distance(a) < Distance(b); });
}

std::string TimeText(double seconds) {
  if (seconds >= 1) return Digits(seconds) + " s";
  if (seconds >= 1e-3) return Digits(seconds * 1e3) + " ms";
  return Digits(seconds * 1e6) + " µs";
}

std::string SizeText(double bytes) {
  return bytes < 1048576 ? Digits(bytes / 1024) + " KiB" : Digits(bytes / 1048576) + " MiB";
}

std::string RatioText(const Line &line) {
  if (!line.value.empty()) return line.value;
  return line.ratio > 0 ? Digits(line.ratio) + " x" : "-";
}

std::string TargetText(const Line &line) {
  return line.limit.empty() ? Digits(line.target) + " x" : line.limit;
}

const char *MetText(Met met) {
  switch (met) {
    case Met::kYes:
      return "yes";
    case Met::kLimit:
      return "memory";
    case Met::kNo:
      return "NO";
    case Met::kMissing:
      return "missing";
    default:
      return "WRONG";
  }
}

} // namespace mm_bench
