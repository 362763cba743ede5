// JSON arrays of scalars: the grammar of RFC 8259.

#include <cstdint>
#include <cstring>
#include <memory>
#include <string>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/json.h"
}

namespace {

using std::string;

// The items, a letter for the kind and the text of each: "n1 s'a' N T F"; or where it goes wrong.
string Read(const string &text) {
  std::unique_ptr<uint8_t[]> exact(new uint8_t[text.size()]);
  if (!text.empty()) memcpy(exact.get(), text.data(), text.size());
  mm_json json = {exact.get(), exact.get() + text.size(), 0, false};
  mm_json_item item;
  string items;
  while (mm_json_next(&json, &item)) {
    if (!items.empty()) items += ' ';
    items += "NFTns"[item.kind];
    string part(reinterpret_cast<const char *>(item.text), item.size);
    if (item.kind == MM_JSON_NUMBER) items += part;
    if (item.kind != MM_JSON_STRING) continue;
    string plain(item.size, '?');
    plain.resize(mm_json_unescape(&item, reinterpret_cast<uint8_t *>(&plain[0])));
    EXPECT_EQ(item.escaped, part.find('\\') != string::npos);
    items += "'" + plain + "'";
  }
  return json.bad ? "bad at " + std::to_string(json.at - exact.get()) : items;
}

TEST(Json, ReadsArraysOfScalars) {
  EXPECT_EQ(Read("[]"), "");
  EXPECT_EQ(Read(" [ ] \n"), "");
  EXPECT_EQ(Read("[1]"), "n1");
  EXPECT_EQ(Read("\t[ 1 ,\r\n\"a\" , null,true,false ] "), "n1 s'a' N T F");
  EXPECT_EQ(Read("[0,-0,10,-1.5,0.0e0,1E+9,1e-09,123456789012345678901234567890]"),
            "n0 n-0 n10 n-1.5 n0.0e0 n1E+9 n1e-09 n123456789012345678901234567890");
  EXPECT_EQ(Read("[\"\",\"h\xc3\xa9\",\"]\",\",\"]"), "s'' s'h\xc3\xa9' s']' s','");
}

TEST(Json, ReadsEveryEscape) {
  EXPECT_EQ(Read(R"(["\"\\\/\b\f\n\r\t"])"), "s'\"\\/\b\f\n\r\t'");
  EXPECT_EQ(Read(R"(["\u0041\u00e9\u20AC\uD83D\ude00"])"), "s'Aé€😀'");
  EXPECT_EQ(Read(R"(["\u0000"])"), string("s'\0'", 4));
  // Unpaired surrogates.
  EXPECT_EQ(Read(R"(["\ud83d"])"), "s'\xef\xbf\xbd'");
  EXPECT_EQ(Read(R"(["\ude00\ud83dx"])"), "s'\xef\xbf\xbd\xef\xbf\xbdx'");
  EXPECT_EQ(Read(R"(["\ud83d\u0041"])"), "s'\xef\xbf\xbd"
                                         "A'");
  EXPECT_EQ(Read(R"(["\ud83d\\ude00"])"), "s'\xef\xbf\xbd\\ude00'");
}

TEST(Json, RefusesAllElse) {
  for (const string text : {"",
                            " ",
                            "1",
                            "\"a\"",
                            "{}",
                            "[",
                            "[1",
                            "[1,",
                            "[1,]",
                            "[,1]",
                            "[,]",
                            "[1 2]",
                            "[1]]",
                            "[1] x",
                            "[1],",
                            "[[1]]",
                            "[{}]",
                            "[01]",
                            "[-]",
                            "[+1]",
                            "[1.]",
                            "[.5]",
                            "[1e]",
                            "[1e+]",
                            "[0x1]",
                            "[NaN]",
                            "[Infinity]",
                            "[nul]",
                            "[nulls]",
                            "[True]",
                            "[\"]",
                            "['a']",
                            "[\"a]",
                            "[\"\\\"]",
                            "[\"\\x\"]",
                            "[\"\\u12\"]",
                            "[\"\\u123g\"]",
                            "[\"\n\"]",
                            "[\"\x1f\"]",
                            "[1;2]",
                            "]",
                            "[-a]",
                            "[1//\n]",
                            "[\"\\u",
                            "[\"\\"}) {
    EXPECT_EQ(Read(text).substr(0, 3), "bad") << text;
  }
  EXPECT_EQ(Read(string("[1\0]", 4)).substr(0, 3), "bad");
  EXPECT_EQ(Read(string("[\"\0\"]", 5)).substr(0, 3), "bad");
}

TEST(Json, SaysWhere) {
  EXPECT_EQ(Read("[1,]"), "bad at 3");
  EXPECT_EQ(Read("[1,2"), "bad at 4");
  EXPECT_EQ(Read("[1] x"), "bad at 4");
}

} // namespace
