// The picture for those who see it for the first time: bars, as long as each is fast.
#include <algorithm>
#include <cstdio>

#include "tests/bench/race.h"

namespace mm_bench {

namespace {

const double kBarLeft = 210, kBarRight = 640, kBarHeight = 22, kBarStep = 32, kBarTop = 40;

// "ripgrep 80.0 ms" without its time.
std::string NameOf(const std::string &text) {
  return text.substr(0, text.rfind(' ', text.rfind(' ') - 1));
}

struct Speed {
  std::string name;
  double speed; // bytes in a second
};

std::vector<Speed> Speeds(const std::vector<Line> &lines, uint64_t bytes) {
  std::vector<Speed> speeds;
  for (const Line &line : lines) {
    if (line.ratio <= 0) continue;
    double size = static_cast<double>(bytes);
    if (speeds.empty()) speeds.push_back({NameOf(line.ours), size / line.seconds});
    speeds.push_back({NameOf(line.peer), size / line.peer_seconds});
  }
  return speeds;
}

std::string BarOf(const Speed &bar, double fastest, size_t index) {
  double y = kBarTop + static_cast<double>(index) * kBarStep;
  double width = bar.speed / fastest * (kBarRight - kBarLeft);
  char text[600];
  snprintf(text, sizeof text,
           "<text x='%.0f' y='%.0f' text-anchor='end'>%s</text>\n"
           "<rect class='%s' x='%.0f' y='%.0f' width='%.1f' height='%.0f'/>\n"
           "<text x='%.1f' y='%.0f'>%.*f GB/s</text>\n",
           kBarLeft - 8, y + 16, bar.name.c_str(), index == 0 ? "ours" : "other", kBarLeft, y,
           width, kBarHeight, kBarLeft + width + 6, y + 16, bar.speed < 1e9 ? 2 : 1,
           bar.speed / 1e9);
  return text;
}

} // namespace

std::string Bars(const std::vector<Line> &lines, uint64_t bytes) {
  std::vector<Speed> speeds = Speeds(lines, bytes);
  if (speeds.empty()) return "";
  double fastest = 0;
  for (const Speed &bar : speeds) fastest = std::max(fastest, bar.speed);
  int height = static_cast<int>(kBarTop + kBarStep * static_cast<double>(speeds.size()));
  std::string text =
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 740 " + std::to_string(height) +
      "' width='740' height='" + std::to_string(height) +
      "'>\n<style>text{font:14px sans-serif;fill:#333}.ours{fill:#2a8}.other{fill:#9ab}"
      "@media(prefers-color-scheme:dark){text{fill:#ccc}}</style>\n"
      "<text x='8' y='22'>To find a text that is not there, in " +
      SizeText(static_cast<double>(bytes)) +
      " that lie in memory, from the program's start to its end</text>\n";
  for (size_t i = 0; i < speeds.size(); i++) text += BarOf(speeds[i], fastest, i);
  return text + "</svg>\n";
}

} // namespace mm_bench
