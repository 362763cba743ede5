// Arrays as JSON, and back.

#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/array.h"
#include "core/bytes/type.h"
}

namespace {

using std::string;

mm_type Type(const string &name) {
  mm_type type = {};
  mm_error err;
  EXPECT_EQ(mm_type_parse(name.data(), name.size(), 0, &type, &err), MM_OK) << name;
  return type;
}

// Exactly the bytes, at an odd address: a sanitizer sees one too many.
class Bytes {
public:
  explicit Bytes(const string &bytes) : memory_(new uint8_t[bytes.size() + 1]) {
    if (!bytes.empty()) memcpy(memory_.get() + 1, bytes.data(), bytes.size());
  }
  uint8_t *data() { return memory_.get() + 1; }

private:
  std::unique_ptr<uint8_t[]> memory_;
};

string Decode(const mm_type &type, const string &bytes) {
  Bytes in(bytes), room(string(mm_type_buffer(type), '?'));
  mm_value value = mm_type_decode(type, in.data(), room.data());
  EXPECT_EQ(value.kind, MM_VALUE_TEXT);
  EXPECT_LE(value.size, mm_type_buffer(type));
  return string(reinterpret_cast<const char *>(value.data), value.size);
}
string Decode(const string &name, const string &bytes) {
  EXPECT_EQ(bytes.size(), Type(name).size) << name;
  return Decode(Type(name), bytes);
}

// The bytes, or the sentence.
string Encode(const string &name, const string &json) {
  mm_type type = Type(name);
  Bytes in(json), out(string(type.size, '\x5a'));
  mm_value value = {MM_VALUE_TEXT, 0, 0, in.data(), json.size()};
  mm_error err = {};
  int rc = mm_type_encode(type, &value, out.data(), &err);
  string after(reinterpret_cast<char *>(out.data()), type.size);
  if (rc == MM_OK) return after;
  EXPECT_EQ(rc, MM_CONSTRAINT);
  EXPECT_EQ(after, string(type.size, '\x5a')) << "written in spite of: " << err.text;
  return err.text;
}

TEST(Array, OfIntegersIsTheirValues) {
  EXPECT_EQ(Decode("u8[3]", string("\0\x7f\xff", 3)), "[0,127,255]");
  EXPECT_EQ(Decode("i8[2]", "\x80\x7f"), "[-128,127]");
  EXPECT_EQ(Decode("u16be[2]", "\x01\x02\x03\x04"), "[258,772]");
  EXPECT_EQ(Decode("u64be[1]", string(8, '\xff')), "[-1]");
  EXPECT_EQ(Decode("i64be[1]", string("\x80\0\0\0\0\0\0\0", 8)), "[-9223372036854775808]");
  EXPECT_EQ(Encode("u8[3]", "[0,127,255]"), string("\0\x7f\xff", 3));
  EXPECT_EQ(Encode("u64be[2]", "[18446744073709551615,-1]"), string(16, '\xff'));
  EXPECT_EQ(Encode("i64be[1]", "[9223372036854775807]"), "\x7f" + string(7, '\xff'));
  EXPECT_EQ(Encode("u8[4]", "[true,false,2.0,\"3\"]"), string("\1\0\2\3", 4));
}

TEST(Array, OfFloatsReadsBackTheSame) {
  EXPECT_EQ(Decode("f32be[2]", string("\x3d\xcc\xcc\xcd\x3f\x80\0\0", 8)),
            "[0.10000000149011612,1.0]");
  EXPECT_EQ(Decode("f16le[5]", string("\0\x7c\0\xfc\0\x7e\0\x80\0\x3c", 10)),
            "[1e999,-1e999,null,-0.0,1.0]");
  EXPECT_EQ(Encode("f16le[5]", "[1e999,-1e999,null,-0.0,1.0]"),
            string("\0\x7c\0\xfc\0\x7e\0\x80\0\x3c", 10));
  EXPECT_EQ(Encode("f64be[2]", "[null,1e-400]"), string("\x7f\xf8\0\0\0\0\0\0", 8) + string(8, 0));
  EXPECT_EQ(Encode("f32le[1]", "[null]"), string("\0\0\xc0\x7f", 4));
  EXPECT_EQ(Encode("bf16be[1]", "[null]"), "\x7f\xc0");
  EXPECT_EQ(Encode("f32le[1]", "[1e300]"), "$[0]: '1e300' does not fit f32le");
}

TEST(Array, OfTextIsEscaped) {
  EXPECT_EQ(Decode("text(4)[2]", string("ab\0\0cdef", 8)), R"(["ab","cdef"])");
  EXPECT_EQ(Decode("text(8)[1]", "\"\\\b\f\n\r\t\x01"), R"(["\"\\\b\f\n\r\t\u0001"])");
  EXPECT_EQ(Decode("text(3)[2]", "\x1f\x7f/\xff\xc3\xa9"), "[\"\\u001f\x7f/\",\"\xef\xbf\xbdé\"]");
  EXPECT_EQ(Decode("text(2)[1]", "\xed\xa0"), "[\"\xef\xbf\xbd\xef\xbf\xbd\"]");
  EXPECT_EQ(Decode("latin1(3)[2]", string("h\xe9\n\x80\0\xff", 6)),
            "[\"h\xc3\xa9\\n\",\"\xc2\x80\"]");
  EXPECT_EQ(Decode("utf16be(4)[2]", string("\0\"\xd8\x3d\xd8\x3d\xde\x00", 8)),
            "[\"\\\"\xef\xbf\xbd\",\"😀\"]");
  EXPECT_EQ(Encode("text(3)[3]", R"(["\u00e9","a\n",""])"), string("\xc3\xa9\0a\n\0\0\0\0", 9));
  EXPECT_EQ(Encode("text(3)[2]", "[1,2.5]"), string("1\0\0002.5", 6));
  EXPECT_EQ(Encode("latin1(2)[1]", R"(["\u00e9"])"), string("\xe9\0", 2));
  EXPECT_EQ(Encode("text(3)[1]", R"(["a\u0000"])"),
            "$[0]: 'a?' (with a NUL inside) does not fit text(3)");
  EXPECT_EQ(Encode("text(3)[2]", R"(["abc","abcd"])"),
            "$[1]: 'abcd' (4 bytes) does not fit text(3)");
}

TEST(Array, OfBlobsIsHexadecimal) {
  EXPECT_EQ(Decode("blob(2)[2]", string("\0\xab\xff\x01", 4)), R"(["00ab","ff01"])");
  EXPECT_EQ(Encode("blob(2)[3]", R"(["00aB","f\u0066",""])"), string("\0\xab\xff\0\0\0", 6));
  EXPECT_EQ(Encode("blob(2)[1]", R"(["abc"])"),
            "$[0]: 'abc' (not hexadecimal) does not fit blob(2)");
  EXPECT_EQ(Encode("blob(2)[1]", R"(["xx"])"), "$[0]: 'xx' (not hexadecimal) does not fit blob(2)");
  EXPECT_EQ(Encode("blob(2)[1]", R"(["010203"])"), "$[0]: '010203' (3 bytes) does not fit blob(2)");
  EXPECT_EQ(Encode("blob(2)[1]", "[12]"), "$[0]: 12 does not fit blob(2)");
}

TEST(Array, OfUuids) {
  const string text = R"(["00112233-4455-6677-8899-aabbccddeeff"])";
  const string bytes("\x00\x11\x22\x33\x44\x55\x66\x77\x88\x99\xaa\xbb\xcc\xdd\xee\xff", 16);
  EXPECT_EQ(Decode("uuid[1]", bytes), text);
  EXPECT_EQ(Encode("uuid[1]", text), bytes);
}

TEST(Array, TakesExactlySoManyItems) {
  EXPECT_EQ(Encode("u8[3]", "[1,2]"), "2 items do not fit u8[3]");
  EXPECT_EQ(Encode("u8[3]", "[1]"), "1 item does not fit u8[3]");
  EXPECT_EQ(Encode("u8[3]", "[]"), "0 items do not fit u8[3]");
  EXPECT_EQ(Encode("u8[3]", "[1,2,3,4,300]"), "5 items do not fit u8[3]");
  EXPECT_EQ(Encode("u8[3]", "[1,2,300]"), "$[2]: 300 does not fit u8");
  EXPECT_EQ(Encode("u8[2]", "[1,null]"), "$[1]: NULL does not fit u8");
  EXPECT_EQ(Encode("u8[2]", "[1,]"),
            "'[1,]' (no JSON array of scalars from byte 3 on) does not fit u8[2]");
  EXPECT_EQ(Encode("u8[2]", "[1,2"),
            "'[1,2' (no JSON array of scalars from byte 4 on) does not fit u8[2]");
  mm_value blob = {MM_VALUE_BLOB, 0, 0, reinterpret_cast<const uint8_t *>("ab"), 2};
  mm_error err;
  uint8_t out[2];
  EXPECT_EQ(mm_type_encode(Type("u8[2]"), &blob, out, &err), MM_CONSTRAINT);
  EXPECT_STREQ(err.text, "a blob does not fit u8[2]");
}

TEST(Array, MayHaveAnySizeThatIsSetLater) {
  mm_type type = Type("u16le[1]");
  for (uint32_t count : {0u, 1u, 2u, 1000u}) {
    ASSERT_TRUE(mm_type_set_count(&type, count));
    EXPECT_EQ(type.size, 2 * count);
    string expected = "[";
    for (uint32_t i = 0; i < count; i++) expected += (i ? "," : "") + string("65535");
    EXPECT_EQ(Decode(type, string(type.size, '\xff')), expected + "]");
  }
  type.size = 5;
  EXPECT_EQ(Decode(type, string(5, '\xff')), "[65535,65535]");
  EXPECT_FALSE(mm_type_set_count(&type, 0x40000000));
  EXPECT_TRUE(mm_type_set_count(&type, 0x3fffffff));
  EXPECT_FALSE(mm_type_set_count(&type, ~uint64_t{0}));
}

TEST(Array, ComesBackFromRandomBytes) {
  std::mt19937_64 random(1);
  for (const string item :
       {"u8", "i16le", "u24be", "i40le", "u48be", "i56be", "u64le", "i64be", "f16le", "bf16be",
        "f32le", "f64be", "blob(3)", "uuid", "guid", "latin1(5)", "utf16le(6)"}) {
    for (int i = 0; i < 2000; i++) {
      string name = item + "[" + std::to_string(1 + random() % 5) + "]";
      string bytes;
      for (uint32_t n = Type(name).size; n > 0; n--) bytes += static_cast<char>(random());
      string json = Decode(name, bytes);
      string again = Encode(name, json);
      ASSERT_EQ(again.size(), bytes.size()) << again;
      // A NaN is another one, an unpaired surrogate U+FFFD, and what follows a NUL is gone.
      bool whole = json.find("null") == string::npos && item.find("latin1") && item.find("utf16");
      if (whole) ASSERT_EQ(again, bytes) << json;
      ASSERT_EQ(Decode(name, again), json);
    }
  }
}

TEST(Array, HasRoomForTheLongest) {
  for (const string item :
       {"u8", "i8", "u16le", "i16be", "u24le", "i24be", "u32le", "i32be", "u40le", "i40be", "u48le",
        "i48be", "u56le", "i56be", "u64be", "i64be"}) {
    mm_type type = Type(item + "[3]");
    bool big = item.back() == 'e' && item[item.size() - 2] == 'b';
    string least(type.item_size, '\0');
    (big ? least.front() : least.back()) = '\x80';
    for (const string &one : {least, string(type.item_size, '\xff')}) {
      EXPECT_LE(Decode(type, one + one + one).size(), mm_array_room(type)) << item;
    }
  }
  for (const char *name : {"text(4)[2]", "latin1(4)[2]"}) Decode(name, string(8, '\x01'));
  Decode("latin1(4)[2]", string(8, '\xff'));
  Decode("text(4)[2]", string(8, '\xff'));
  Decode("utf16le(4)[2]", string("\1\0\1\0\1\0\1\0", 8));
  Decode("utf16le(5)[1]", string(5, '\xd8'));
  for (double real :
       {-1.7976931348623157e308, -2.2250738585072014e-308, -4.9406564584124654e-324}) {
    string bytes(8, '\0');
    memcpy(&bytes[0], &real, 8);
    Decode(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? "f64le[1]" : "f64be[1]", bytes);
  }
}

TEST(Array, NamesItself) {
  for (const string name :
       {"u8[3]", "u40be[1]", "bf16le[7]", "blob(4)[2]", "text(1)[2147483647]",
        "utf16be(2147483647)[1]", "latin1(3)[4]", "uuid[2]", "guid[134217727]"}) {
    char canonical[MM_TYPE_NAME];
    mm_type_name(Type(name), canonical);
    EXPECT_EQ(canonical, name);
    EXPECT_FALSE(mm_type_is_ordered(Type(name)));
  }
}

TEST(Array, DoesNotDependOnTheLocale) {
  const string before = setlocale(LC_ALL, nullptr);
  for (const char *locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "C"}) {
    if (!setlocale(LC_ALL, locale)) continue;
    EXPECT_EQ(Decode("f64be[1]", string("\x3f\xf8\0\0\0\0\0\0", 8)), "[1.5]");
    EXPECT_EQ(Encode("f16be[1]", "[1.50048828125]"), string("\x3e\x00", 2));
    EXPECT_EQ(Encode("f16be[1]", "[1.500488281250001]"), "\x3e\x01");
  }
  setlocale(LC_ALL, before.c_str());
}

} // namespace
