// libFuzzer: the needles of mmap_find_many. Lists that mmap_needles makes are found where looking for
// each of them finds them; lists of any bytes, and any JSON, are refused, or all that is found stands
// there.
//
// The first byte says which, the second how many bytes the file has; these, and the needles.
#include "tests/fuzz/connection.h"

namespace {

using mm_fuzz::Connection;
using std::string;

string Hex(const string &bytes) {
  static const char digits[] = "0123456789abcdef";
  string hex = "x'";
  for (unsigned char byte : bytes) {
    hex += digits[byte >> 4];
    hex += digits[byte & 15];
  }
  return hex + "'";
}

// Every needle at every place, as the table gives them.
string Looked(const string &file, const std::vector<string> &needles) {
  string rows;
  for (size_t at = 0; at < file.size(); at++) {
    std::vector<std::pair<size_t, size_t>> here; // length, order
    for (size_t i = 0; i < needles.size(); i++) {
      if (file.compare(at, needles[i].size(), needles[i]) == 0) {
        here.emplace_back(needles[i].size(), i);
      }
    }
    std::sort(here.begin(), here.end());
    for (auto [length, i] : here) {
      rows += (rows.empty() ? "" : "|") + std::to_string(at) + "|" + std::to_string(length) + "|" +
              std::to_string(i + 1);
    }
  }
  return rows;
}

// The rest of the input: a byte says how long each is.
void Made(Connection *connection, const string &file, mm_fuzz::Reader *in) {
  std::vector<string> needles;
  string values;
  while (!in->Empty() && needles.size() < 60) {
    string needle = in->Bytes(1 + in->Byte() % 12);
    if (needle.empty()) break;
    needles.push_back(needle);
    values += (values.empty() ? "VALUES (" : "), (") + Hex(needle);
  }
  if (needles.empty()) return;
  string rows = connection->Ask("SELECT offset, length, id FROM mmap_find_many('a',"
                                " (SELECT mmap_needles(column1) FROM (" +
                                values + "))))");
  CHECK(rows == Looked(file, needles) || connection->failure() == "interrupted");
}

// What is found is there; of a list without escapes, as often as SQLite's JSON has it.
void Given(Connection *connection, const string &list, bool json) {
  string wrong = connection->Ask("SELECT count(*) FROM mmap_find_many('a', " + list +
                                 ") WHERE needle IS NOT mmap_slice('a', offset, offset + length)");
  CHECK(wrong == "0" || wrong == "error");
  if (wrong == "error" || !json) return;
  string found = connection->Ask("SELECT count(*) FROM mmap_find_many('a', " + list + ")");
  string each = connection->Ask("SELECT count(*) FROM json_each(" + list +
                                ") AS j, mmap_find_all('a', CAST(j.value AS BLOB))");
  CHECK(found == each || found == "error" || each == "error");
}

const char *const kPieces[] = {"[",    "]",      "\"",      "\",\"", "[\"",     "\"]", "a",
                               "b",    "ab",     "\\u0061", "\\n",   "\\ud800", ",",   "1",
                               "null", "[\"a\"", " ",       "\\\"",  "\\",      "{"};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Settle();
  mm_fuzz::Clear();
  mm_fuzz::Reader in(data, size);
  unsigned how = in.Byte();
  string file = in.Bytes(in.Byte());
  if (how & 4) {
    for (char &c : file) c = "ab"[c & 1];
  }
  mm_fuzz::Put("a", file);
  Connection connection;
  if (how % 4 == 0) {
    Made(&connection, file, &in);
  } else if (how % 4 == 1) {
    Given(&connection, Hex("mmneedl1" + in.Rest()), false);
  } else {
    string text = in.Rest();
    if (how % 4 == 2) text = mm_fuzz::Spell(kPieces, text);
    bool plain = text.find('\\') == string::npos && text.find('\0') == string::npos;
    Given(&connection, "CAST(" + Hex(text) + " AS TEXT)", plain);
  }
  return 0;
}
