// Values that say themselves how long they are, against a second implementation of each.

#include <cstdint>
#include <cstring>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/varlen.h"
}

namespace {

using std::string;

const char *const kNames[] = {"uleb128", "sleb128", "varint", "vlq", "vlq1"};

mm_type Type(const string &name) {
  mm_type type = {};
  mm_error err;
  EXPECT_EQ(mm_type_parse(name.data(), name.size(), MM_ALLOW_VARIABLE, &type, &err), MM_OK) << name;
  return type;
}

mm_value Integer(int64_t value) {
  return {MM_VALUE_INTEGER, value, 0, nullptr, 0};
}
mm_value Text(const string &text) {
  return {MM_VALUE_TEXT, 0, 0, reinterpret_cast<const uint8_t *>(text.data()), text.size()};
}

// Exactly the bytes, so that a sanitizer sees one too many.
class Bytes {
public:
  explicit Bytes(const string &bytes) : memory_(new uint8_t[bytes.size()]) {
    if (!bytes.empty()) memcpy(memory_.get(), bytes.data(), bytes.size());
  }
  uint8_t *data() { return memory_.get(); }

private:
  std::unique_ptr<uint8_t[]> memory_;
};

// The size, or the sentence.
string Extent(const string &name, const string &bytes) {
  Bytes exact(bytes);
  mm_error err = {};
  uint64_t size = 0;
  int rc = mm_type_extent(Type(name), exact.data(), bytes.size(), nullptr, &size, &err);
  if (rc == MM_OK) return std::to_string(size);
  EXPECT_EQ(rc, MM_DAMAGED);
  return err.text;
}

int64_t Decode(const string &name, const string &bytes) {
  EXPECT_EQ(Extent(name, bytes), std::to_string(bytes.size())) << name;
  Bytes exact(bytes);
  mm_value value = mm_varlen_decode(Type(name), exact.data(), bytes.size());
  EXPECT_EQ(value.kind, MM_VALUE_INTEGER);
  return value.integer;
}

string DecodeText(const string &name, const string &bytes) {
  Bytes exact(bytes);
  mm_value value = mm_varlen_decode(Type(name), exact.data(), bytes.size());
  EXPECT_EQ(value.kind, MM_VALUE_TEXT);
  return string(reinterpret_cast<const char *>(value.data), value.size);
}

// The bytes, or the sentence. Size 0: as many as the value takes.
string Encode(const string &name, const mm_value &value, uint64_t size = 0) {
  mm_error err = {};
  int rc = size ? MM_OK : mm_varlen_measure(Type(name), &value, &size, &err);
  string before(size, '\x5a');
  Bytes out(before);
  if (rc == MM_OK) rc = mm_varlen_encode(Type(name), &value, size, out.data(), &err);
  string after(reinterpret_cast<char *>(out.data()), before.size());
  if (rc == MM_OK) return after;
  EXPECT_EQ(rc, MM_CONSTRAINT);
  EXPECT_EQ(after, before) << err.text;
  return err.text;
}

// ---- second implementations ------------------------------------------------------------------

string Ends(string groups) { // all but the last go on
  for (size_t i = 0; i + 1 < groups.size(); i++) groups[i] = static_cast<char>(groups[i] | 0x80);
  return groups;
}

// DWARF 5, appendix C, figures C.1 and C.2.
string Uleb128(uint64_t value) {
  string groups;
  do {
    groups += static_cast<char>(value & 0x7f);
    value >>= 7;
  } while (value != 0);
  return Ends(groups);
}
string Sleb128(int64_t value) {
  string groups;
  for (bool more = true; more;) {
    int group = static_cast<int>(value & 0x7f);
    value >>= 7;
    more = !((value == 0 && !(group & 0x40)) || (value == -1 && (group & 0x40)));
    groups += static_cast<char>(group);
  }
  return Ends(groups);
}

string Vlq(uint64_t value) {
  string groups;
  do {
    groups.insert(groups.begin(), static_cast<char>(value & 0x7f));
    value >>= 7;
  } while (value != 0);
  return Ends(groups);
}

// SQLite's Database File Format, 1.6: "a huffman encoding of 64-bit twos-complement integers"; big-
// endian, up to eight bytes of seven bits with the high bit set and one without it, or eight with it
// and a ninth of eight bits.
string Varint(uint64_t value) {
  if (value < (uint64_t{1} << 56)) return Vlq(value);
  string bytes;
  for (int i = 0; i < 8; i++) {
    bytes += static_cast<char>(0x80 | (value >> (8 + 7 * (7 - i)) & 0x7f));
  }
  return bytes + static_cast<char>(value & 0xff);
}

// As git tells it: "n bytes with MSB set in all but the last one. The offset is then the number
// constructed by concatenating the lower 7 bit of each byte, and for n >= 2 adding 2^7 + 2^14 + ...
// + 2^(7*(n-1)) to the result" (gitformat-pack).
string Vlq1(uint64_t value) {
  uint64_t below = 0; // values of fewer bytes
  unsigned n = 1;
  for (; n < 10 && value - below >= (uint64_t{1} << 7 * n); n++) below += uint64_t{1} << 7 * n;
  string groups;
  for (unsigned i = 0; i < n; i++) {
    uint64_t group = 7 * i < 64 ? (value - below) >> 7 * i : 0;
    groups.insert(groups.begin(), static_cast<char>(group & 0x7f));
  }
  return Ends(groups);
}

string Expected(const string &name, int64_t value) {
  uint64_t bits = static_cast<uint64_t>(value);
  if (name == "uleb128") return Uleb128(bits);
  if (name == "sleb128") return Sleb128(value);
  if (name == "varint") return Varint(bits);
  return name == "vlq" ? Vlq(bits) : Vlq1(bits);
}

std::vector<int64_t> Values() {
  std::vector<int64_t> values = {0, 1, -1, INT64_MAX, INT64_MIN};
  for (int bit = 1; bit < 64; bit++) {
    for (int64_t off : {-2, -1, 0, 1}) {
      uint64_t value = (uint64_t{1} << bit) + static_cast<uint64_t>(off);
      values.push_back(static_cast<int64_t>(value));
      values.push_back(static_cast<int64_t>(0 - value));
    }
  }
  // Where vlq1 becomes a byte longer.
  uint64_t below = 0;
  for (int n = 1; n < 10; n++) {
    below += uint64_t{1} << (7 * n);
    for (int64_t off : {-1, 0, 1}) values.push_back(static_cast<int64_t>(below) + off);
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; i++) {
    values.push_back(static_cast<int64_t>(random() >> random() % 64));
    values.push_back(-values.back());
  }
  return values;
}

// ---- integers --------------------------------------------------------------------------------

TEST(Varlen, HasTheBytesOfItsDefinition) {
  for (const string name : kNames) {
    for (int64_t value : Values()) {
      string bytes = Expected(name, value);
      ASSERT_EQ(Encode(name, Integer(value)), bytes) << name << " " << value;
      ASSERT_EQ(Decode(name, bytes), value) << name;
      ASSERT_EQ(Extent(name, bytes + "more"), std::to_string(bytes.size())) << name << " " << value;
    }
  }
}

TEST(Varlen, OfKnownBytes) {
  EXPECT_EQ(Encode("uleb128", Integer(624485)), "\xe5\x8e\x26");
  EXPECT_EQ(Encode("sleb128", Integer(-123456)), "\xc0\xbb\x78");
  EXPECT_EQ(Encode("sleb128", Integer(-129)), "\xff\x7e");
  EXPECT_EQ(Encode("vlq", Integer(0x0fffffff)), "\xff\xff\xff\x7f");
  EXPECT_EQ(Encode("vlq", Integer(0x4000)), string("\x81\x80\x00", 3));
  EXPECT_EQ(Decode("vlq1", string("\x80\x00", 2)), 128);
  EXPECT_EQ(Decode("varint", string(9, '\xff')), -1);
}

TEST(Varlen, IsCutOffWhereTheBytesEnd) {
  for (const string name : kNames) {
    string bytes = Expected(name, int64_t{1} << 40);
    for (size_t n = 0; n < bytes.size(); n++) {
      EXPECT_EQ(Extent(name, bytes.substr(0, n)),
                "is cut off after " + std::to_string(n) + (n == 1 ? " byte" : " bytes"));
    }
  }
}

TEST(Varlen, IsDamageBeyond64Bits) {
  const string nine(9, '\xff');
  EXPECT_EQ(Extent("uleb128", nine + "\x01"), "10");
  EXPECT_EQ(Extent("uleb128", nine + "\x02"), "is past 64 bits");
  EXPECT_EQ(Extent("uleb128", nine + "\x80" + string(1, '\0')), "is past 64 bits");
  EXPECT_EQ(Extent("sleb128", nine + "\x7f"), "10");
  EXPECT_EQ(Extent("sleb128", nine + string(1, '\0')), "10");
  EXPECT_EQ(Extent("sleb128", nine + "\x01"), "is past 64 bits");
  EXPECT_EQ(Extent("sleb128", nine + "\x7e"), "is past 64 bits");
  EXPECT_EQ(Extent("vlq", "\x81" + string(8, '\xff') + "\x7f"), "10");
  EXPECT_EQ(Extent("vlq", "\x82" + string(8, '\xff') + "\x7f"), "is past 64 bits");
  EXPECT_EQ(Extent("vlq", string(10, '\x80') + "\x01"), "is past 64 bits");
  const string most = Vlq1(~uint64_t{0});
  EXPECT_EQ(Extent("vlq1", most), "10");
  EXPECT_EQ(Extent("vlq1", most.substr(0, 9) + static_cast<char>(most[9] + 1)), "is past 64 bits");
  EXPECT_EQ(Extent("vlq1", string(9, '\xff') + "\x7f"), "is past 64 bits");
  EXPECT_EQ(Extent("varint", string(20, '\xff')), "9");
}

// A number that may come to be past 64 bits.
struct Counted {
  uint64_t value = 0;
  bool past = false;
  void Add(uint64_t n) {
    past = past || value + n < value;
    value += n;
  }
  void Shift(unsigned bits) {
    past = past || (bits >= 64 ? value != 0 : bits > 0 && value >> (64 - bits) != 0);
    value = bits >= 64 ? 0 : value << bits;
  }
};

// Any bytes at all: what is read is what the definition says.
TEST(Varlen, ReadsRandomBytesAsDefined) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 200000; i++) {
    string bytes;
    for (size_t n = random() % 12; n > 0; n--) {
      static const char likely[] = "\x80\xff\x81\xc0\xbf\xfe";
      bytes += random() % 3 ? likely[random() % 6] : static_cast<char>(random());
    }
    bytes += static_cast<char>(random() & 0x7f);
    size_t size = 1;
    while (bytes[size - 1] & 0x80) size++;
    if (size > 10) continue;
    Counted vlq, vlq1, leb;
    for (size_t n = 0; n < size; n++) {
      Counted group;
      group.Add(static_cast<uint8_t>(bytes[n]) & 0x7f);
      vlq.Shift(7);
      vlq.Add(group.value);
      vlq1.Add(n > 0);
      vlq1.Shift(7);
      vlq1.Add(group.value);
      group.Shift(static_cast<unsigned>(7 * n));
      leb.Add(group.value);
      leb.past = leb.past || group.past;
    }
    for (auto [name, number] : {std::pair("uleb128", leb), {"vlq", vlq}, {"vlq1", vlq1}}) {
      if (number.past) {
        ASSERT_EQ(Extent(name, bytes), "is past 64 bits");
      } else {
        ASSERT_EQ(Decode(name, bytes.substr(0, size)), static_cast<int64_t>(number.value)) << name;
      }
    }
  }
}

// ---- in as many bytes as there are ------------------------------------------------------------

TEST(Varlen, OfLeb128IsFilledUp) {
  for (const string name : {"uleb128", "sleb128"}) {
    for (int64_t value : Values()) {
      size_t least = Expected(name, value).size();
      for (size_t size = 1; size <= 10; size++) {
        string bytes = Encode(name, Integer(value), size);
        if (size < least) {
          ASSERT_NE(bytes.find(" needs "), string::npos);
        } else {
          ASSERT_EQ(Decode(name, bytes), value) << name << " in " << size;
        }
      }
    }
  }
  EXPECT_EQ(Encode("uleb128", Integer(1), 3), string("\x81\x80\x00", 3));
  EXPECT_EQ(Encode("sleb128", Integer(-1), 3), "\xff\xff\x7f");
  EXPECT_EQ(Encode("uleb128", Integer(300), 1), "300 needs 2 bytes, and has 1");
}

TEST(Varlen, OfTheOthersHasOneForm) {
  for (const string name : {"varint", "vlq", "vlq1"}) {
    EXPECT_EQ(Encode(name, Integer(300), 2), Expected(name, 300));
    EXPECT_EQ(Encode(name, Integer(300), 1), "300 needs 2 bytes, and has 1");
    EXPECT_EQ(Encode(name, Integer(1), 2), "1 needs 1 byte, and has 2");
  }
}

TEST(Varlen, TakesWhatIsExactlyAnInteger) {
  EXPECT_EQ(Encode("uleb128", {MM_VALUE_REAL, 0, 3.0, nullptr, 0}), "\x03");
  EXPECT_EQ(Encode("vlq", Text("18446744073709551615")), Vlq(~uint64_t{0}));
  EXPECT_EQ(Encode("varint", Text("18446744073709551615")),
            "'18446744073709551615' does not fit varint");
  EXPECT_EQ(Encode("sleb128", Text("1.5")), "'1.5' does not fit sleb128");
  EXPECT_EQ(Encode("uleb128", {MM_VALUE_NULL, 0, 0, nullptr, 0}), "NULL does not fit uleb128");
}

// ---- texts -----------------------------------------------------------------------------------

TEST(VarlenText, GoesUpToItsEnd) {
  EXPECT_EQ(Extent("cstr", string("ab\0cd\0", 6)), "3");
  EXPECT_EQ(DecodeText("cstr", string("ab\0", 3)), "ab");
  EXPECT_EQ(Extent("cstr", string("\0", 1)), "1");
  EXPECT_EQ(Extent("cstr(x'0a')", string("a\0b\ncd", 6)), "4");
  EXPECT_EQ(DecodeText("cstr(x'0a')", string("a\0b\n", 4)), string("a\0b", 3));
  EXPECT_EQ(Extent("cstr(x'0d0a')", "a\rb\r\r\ncd"), "6");
  EXPECT_EQ(DecodeText("cstr(x'0d0a')", "a\rb\r\r\n"), "a\rb\r");
}

TEST(VarlenText, HasAnEndOrIsDamage) {
  EXPECT_EQ(Extent("cstr", "abc"), "has no end in the last 3 bytes");
  EXPECT_EQ(Extent("cstr", ""), "has no end in the last 0 bytes");
  EXPECT_EQ(Extent("cstr(x'0d0a')", "a\n\r"), "has no end in the last 3 bytes");
  EXPECT_EQ(Extent("cstr(3)", string("abc\0", 4)), "has no end in 3 bytes");
  EXPECT_EQ(Extent("cstr(4)", string("abc\0", 4)), "4");
  EXPECT_EQ(Extent("cstr(9)", "abc"), "has no end in the last 3 bytes");
  EXPECT_EQ(Extent("cstr(4, x'0d0a')", "abc\r\n"), "has no end in 4 bytes");
}

// Longer than what is looked through between two questions.
TEST(VarlenText, MayBeLong) {
  const mm_type type = Type("cstr(x'0d0a0d')");
  for (size_t at : {MM_PIECE - 4, MM_PIECE - 3, MM_PIECE - 2, MM_PIECE - 1, MM_PIECE, MM_PIECE + 1,
                    2 * MM_PIECE - 5, 2 * MM_PIECE - 4, 2 * MM_PIECE - 2, 2 * MM_PIECE}) {
    EXPECT_EQ(Extent("cstr(x'0d0a0d')", string(at, '\r') + "\r\n\rx"), std::to_string(at + 3));
  }
  const string none(3 * MM_PIECE, '\n');
  uint64_t size, asked = 0;
  mm_error err;
  mm_watch watch = {[](void *context, uint64_t done) {
                      *static_cast<uint64_t *>(context) = done;
                      return 1;
                    },
                    &asked};
  auto bytes = reinterpret_cast<const uint8_t *>(none.data());
  EXPECT_EQ(mm_type_extent(type, bytes, none.size(), &watch, &size, &err), MM_INTERRUPT);
  EXPECT_EQ(asked, MM_PIECE - 2);
  watch.stop = nullptr;
  EXPECT_EQ(mm_type_extent(type, bytes, none.size(), &watch, &size, &err), MM_DAMAGED);
}

TEST(VarlenText, IsWrittenWithItsEnd) {
  EXPECT_EQ(Encode("cstr", Text("ab")), string("ab\0", 3));
  EXPECT_EQ(Encode("cstr", Text("")), string("\0", 1));
  EXPECT_EQ(Encode("cstr", Integer(-7)), string("-7\0", 3));
  EXPECT_EQ(Encode("cstr(x'0d0a')", Text("ab")), "ab\r\n");
  EXPECT_EQ(Encode("cstr", Text("ab"), 4), "'ab' needs 3 bytes, and has 4");
  EXPECT_EQ(Encode("cstr", Text("abc"), 3), "'abc' needs 4 bytes, and has 3");
  EXPECT_EQ(Encode("cstr(3)", Text("abc")), "'abc' (4 bytes) does not fit cstr(3)");
  EXPECT_EQ(Encode("cstr", Text(string("a\0b", 3))), "'a?b' (with a NUL inside) does not fit cstr");
  EXPECT_EQ(Encode("cstr(x'0a')", Text("a\nb")),
            "'a?b' (with its end inside) does not fit cstr(x'0a')");
  // Read back, it would end one byte too early.
  EXPECT_EQ(Encode("cstr(x'0a0a')", Text("a\n")),
            "'a?' (with its end inside) does not fit cstr(x'0a0a')");
  EXPECT_EQ(Encode("cstr(x'0d0a')", Text("a\r")), "a\r\r\n");
  EXPECT_EQ(Encode("cstr", {MM_VALUE_BLOB, 0, 0, reinterpret_cast<const uint8_t *>("a"), 1}),
            "a blob does not fit cstr");
}

TEST(VarlenText, ComesBackFromRandomText) {
  std::mt19937_64 random(4);
  for (const string name : {"cstr", "cstr(x'61')", "cstr(x'6162')", "cstr(x'616161')",
                            "cstr(x'61626162')", "cstr(8, x'6261')"}) {
    for (int i = 0; i < 20000; i++) {
      string text;
      for (size_t n = random() % 9; n > 0; n--) text += "aabbc"[random() % 5];
      string bytes = Encode(name, Text(text));
      if (bytes.find("not fit") != string::npos) continue;
      ASSERT_EQ(Extent(name, bytes + "ab"), std::to_string(bytes.size())) << name << " " << text;
      ASSERT_EQ(DecodeText(name, bytes), text) << name;
    }
  }
}

TEST(VarlenExtent, OfFixedTypesIsTheirSize) {
  EXPECT_EQ(Extent("u32le", "abcde"), "4");
  EXPECT_EQ(Extent("blob(3)", "abc"), "3");
  EXPECT_EQ(Extent("u16be[3]", "abcde"), "needs 6 bytes, and there are 5");
}

} // namespace
