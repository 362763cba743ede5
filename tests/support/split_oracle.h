// Lines and fields as Python's csv reads them, a character at a time: what core/search/split.h is
// compared with.
#ifndef MM_TESTS_SUPPORT_SPLIT_ORACLE_H
#define MM_TESTS_SUPPORT_SPLIT_ORACLE_H

#include <string>
#include <vector>

extern "C" {
#include "core/search/split.h"
}

namespace mm_test {

struct OracleRow {
  size_t start, next;
  bool open;
  std::vector<std::string> fields;
  std::vector<size_t> begins; // where each field begins
};

class SplitOracle {
public:
  SplitOracle(const mm_split &split, const std::string &text) : split_(split), text_(text) {}

  OracleRow Row(size_t start) const {
    OracleRow row{start, start, false, {}, {}};
    enum { kStart, kPlain, kQuoted, kAfterQuote } state = kStart;
    std::string field;
    size_t begin = start, i = start;
    auto save = [&] {
      row.fields.push_back(field);
      row.begins.push_back(begin);
      field.clear();
      state = kStart;
    };
    for (; i < text_.size(); i++) {
      char c = text_[i];
      bool ends = c == '\n' || (c == '\r' && i + 1 < text_.size() && text_[i + 1] == '\n');
      if (state == kQuoted) {
        if (IsQuote(c)) {
          state = kAfterQuote;
        } else {
          field += c;
        }
        continue;
      }
      if (ends) break;
      if (state == kAfterQuote && IsQuote(c)) {
        field += c;
        state = kQuoted;
      } else if (IsSeparator(c)) {
        if (state != kStart || split_.kind != MM_SPLIT_BLANKS) save();
        begin = i + 1;
      } else if (state == kStart && IsQuote(c)) {
        begin = i;
        state = kQuoted;
      } else {
        if (state == kStart) begin = i;
        field += c;
        state = kPlain;
      }
    }
    row.open = state == kQuoted;
    if (state != kStart || split_.kind != MM_SPLIT_BLANKS || row.fields.empty()) save();
    while (i < text_.size() && text_[i] != '\n') i++;
    row.next = i < text_.size() ? i + 1 : i;
    return row;
  }

private:
  bool IsQuote(char c) const { return split_.quotes && c == static_cast<char>(split_.quote); }
  bool IsSeparator(char c) const {
    if (split_.kind == MM_SPLIT_BLANKS) return c == ' ' || c == '\t';
    return split_.kind == MM_SPLIT_AT && c == static_cast<char>(split_.separator);
  }
  const mm_split split_;
  const std::string text_;
};

// The same rows by split.h, `step` fields at a time. "" if they are the oracle's, else what is wrong.
inline std::string SplitDiffers(const mm_split &split, const std::string &text, const uint8_t *data,
                                unsigned step) {
  SplitOracle oracle(split, text);
  for (uint64_t start = 0; start < text.size();) {
    OracleRow row = oracle.Row(start);
    bool open = !row.open;
    uint64_t next = mm_split_row(&split, data, text.size(), start, nullptr, &open), end = next;
    if (next != row.next || open != row.open) return "a row's end at " + std::to_string(start);
    if (!open && data[end - 1] == '\n') end--;
    if (end < next && end > start && data[end - 1] == '\r') end--;
    std::vector<mm_field> fields(row.fields.size() + 2);
    mm_splitting s = mm_split_begin(start, end);
    for (unsigned wanted = step; !s.ended && wanted <= fields.size(); wanted += step) {
      mm_split_on(&split, data, text.size(), &s, fields.data(), wanted);
      uint64_t rest = 0;
      bool more = s.count < row.fields.size();
      if (mm_split_rest(&split, data, &s, &rest) != more)
        return "the rest at " + std::to_string(start);
      if (more && rest != row.begins[s.count] && split.kind != MM_SPLIT_BLANKS) {
        return "where the rest begins at " + std::to_string(start);
      }
    }
    if (s.count < row.fields.size() && !s.ended) {
      mm_split_on(&split, data, text.size(), &s, fields.data(),
                  static_cast<unsigned>(fields.size()));
    }
    if (s.count != row.fields.size()) return "the number of fields at " + std::to_string(start);
    for (unsigned i = 0; i < s.count; i++) {
      const uint8_t *piece = nullptr;
      uint64_t length = 0;
      std::string room(fields[i].end - fields[i].start + 1, '\0');
      auto *bytes = reinterpret_cast<uint8_t *>(&room[0]);
      length = mm_field_join(&split, data, &fields[i], bytes);
      if (room.substr(0, length) != row.fields[i]) return "a field at " + std::to_string(start);
      if (mm_field_piece(&split, data, &fields[i], &piece, &length) &&
          std::string(reinterpret_cast<const char *>(piece), length) != row.fields[i]) {
        return "a field in one piece at " + std::to_string(start);
      }
      uint64_t from = length / 2;
      length = mm_field_part(&split, data, &fields[i], from, bytes, 3);
      if (room.substr(0, length) != row.fields[i].substr(from, 3)) {
        return "a part of a field at " + std::to_string(start);
      }
      if (i == 0) continue;
      int order = mm_field_compare(&split, data + fields[i - 1].start,
                                   fields[i - 1].end - fields[i - 1].start, data + fields[i].start,
                                   fields[i].end - fields[i].start);
      const std::string &text = row.fields[i];
      int again = mm_field_compare_text(
          &split, data + fields[i - 1].start, fields[i - 1].end - fields[i - 1].start,
          reinterpret_cast<const uint8_t *>(text.data()), text.size());
      if ((again > 0) != (order > 0) || (again < 0) != (order < 0)) {
        return "the order of a field and a text at " + std::to_string(start);
      }
      int expected = row.fields[i - 1].compare(row.fields[i]);
      if ((order > 0) != (expected > 0) || (order < 0) != (expected < 0)) {
        return "the order of fields at " + std::to_string(start);
      }
    }
    start = next;
  }
  return "";
}

} // namespace mm_test

#endif
