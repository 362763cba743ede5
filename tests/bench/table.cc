// How the lines are shown.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tests/bench/race.h"

namespace mm_bench {

namespace {

using Row = std::vector<std::string>;

std::vector<Row> Rows(const std::vector<Line> &lines) {
  std::vector<Row> rows = {{"work", "ours", "peer", "ratio", "target", "met"}};
  for (const Line &line : lines) {
    rows.push_back(
        {line.work, line.ours, line.peer, RatioText(line), TargetText(line), MetText(line.met)});
  }
  return rows;
}

// Characters, not bytes: the µ of µs is two.
size_t Width(const std::string &text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string Escaped(const std::string &text) {
  std::string escaped;
  for (char c : text) {
    escaped += c == '&' ? "&amp;" : c == '<' ? "&lt;" : c == '>' ? "&gt;" : std::string(1, c);
  }
  return escaped;
}

// Printf into a string.
template <typename... T> std::string Format(const char *format, T... arguments) {
  char text[1000];
  snprintf(text, sizeof text, format, arguments...);
  return text;
}

// The chart: a bar a line, to the right of the middle line where we are faster and to the left where we are
// slower, from 1/10 to 100 times as fast, on a logarithmic scale.
const double kLeft = 500, kRight = 960, kStep = 18, kTop = 46;

double X(double ratio) {
  double part = (std::log10(std::min(std::max(ratio, 0.1), 100.0)) + 1) / 3;
  return kLeft + part * (kRight - kLeft);
}

std::string Bar(const Line &line, double y) {
  const char *kind = line.met == Met::kNo ? "missed" : line.met == Met::kLimit ? "limit" : "met";
  std::string label = line.work + ": " + line.peer.substr(0, line.peer.find_last_of(' '));
  label = label.substr(0, label.find_last_of(' '));
  double from = std::min(X(1), X(line.ratio)), to = std::max(X(1), X(line.ratio));
  return Format("<text x='%.0f' y='%.1f' text-anchor='end'>%s</text>\n", kLeft - 8, y + 12,
                Escaped(label).c_str()) +
         Format("<rect class='%s' x='%.1f' y='%.1f' width='%.1f' height='12'/>\n", kind, from,
                y + 2, std::max(to - from, 1.0)) +
         Format("<text x='%.1f' y='%.1f'>%s</text>\n", to + 4, y + 12, RatioText(line).c_str());
}

const char kStyle[] = "<style>text{font:12px sans-serif;fill:#333}.met{fill:#4a9}.limit{fill:#7bd}"
                      ".missed{fill:#d65}line{stroke:#999}@media(prefers-color-scheme:dark){text{"
                      "fill:#ccc}}</style>\n";

} // namespace

std::string PlainTable(const std::vector<Line> &lines) {
  std::vector<Row> rows = Rows(lines);
  Row::size_type columns = rows[0].size();
  std::vector<size_t> widths(columns);
  for (const Row &row : rows) {
    for (size_t i = 0; i < columns; i++) widths[i] = std::max(widths[i], Width(row[i]));
  }
  std::string text;
  for (const Row &row : rows) {
    for (size_t i = 0; i < columns; i++) {
      std::string pad(widths[i] - Width(row[i]), ' ');
      text += i == 3 || i == 4 ? pad + row[i] : i + 1 < columns ? row[i] + pad : row[i];
      text += i + 1 < columns ? "  " : "\n";
    }
  }
  return text;
}

std::string MarkdownTable(const std::vector<Line> &lines) {
  std::string text;
  for (const Row &row : Rows(lines)) {
    for (const std::string &cell : row) {
      text += "| ";
      for (char c : cell) text += c == '|' ? "\\|" : std::string(1, c);
      text += " ";
    }
    text += text.find('\n') == std::string::npos ? "|\n|---|---|---|--:|--:|---|\n" : "|\n";
  }
  return text;
}

std::string Chart(const std::vector<Line> &lines) {
  std::string bars;
  double y = kTop;
  for (const Line &line : lines) {
    if (line.ratio <= 0 || line.target <= 0) continue;
    bars += Bar(line, y);
    y += kStep;
  }
  std::string text = Format("<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 1040 %.0f' "
                            "width='1040' height='%.0f'>\n",
                            y + 10, y + 10);
  text += kStyle;
  text += "<text x='8' y='18'>How many times as fast as the other, logarithmic. Green: the target "
          "that we "
          "set ourselves is met; red: it is not; blue: at the speed of memory</text>\n";
  const std::pair<double, const char *> marks[] = {
      {0.1, "1/10"}, {1, "as fast"}, {10, "10 times"}, {100, "100 times"}};
  for (const auto &mark : marks) {
    text += Format("<line x1='%.1f' x2='%.1f' y1='%.0f' y2='%.1f'/>\n", X(mark.first),
                   X(mark.first), kTop - 4, y);
    text += Format("<text x='%.1f' y='%.0f' text-anchor='middle'>%s</text>\n", X(mark.first),
                   kTop - 8, mark.second);
  }
  return text + bars + "</svg>\n";
}

} // namespace mm_bench
