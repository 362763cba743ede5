// Typed values: names, bytes, what fits and what does not, and order.

#include <clocale>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "gtest/gtest.h"

extern "C" {
#include "core/bytes/type.h"
}

namespace {

using std::string;

__extension__ typedef __int128 Wide;

constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
constexpr int64_t kMax = std::numeric_limits<int64_t>::max();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();

const char *const kIntegers[] = {
    "u8",    "i8",    "u16le", "u16be", "i16le", "i16be", "u24le", "u24be", "i24le", "i24be",
    "u32le", "u32be", "i32le", "i32be", "u40le", "u40be", "i40le", "i40be", "u48le", "u48be",
    "i48le", "i48be", "u56le", "u56be", "i56le", "i56be", "u64le", "u64be", "i64le", "i64be"};
const char *const kFloats[] = {"f32le", "f32be", "f64le", "f64be"};

// Exactly `size` bytes at an odd address, with nothing behind them: a sanitizer sees one too many.
class Bytes {
public:
  explicit Bytes(const string &bytes) : memory_(new uint8_t[bytes.size() + 1]) {
    if (!bytes.empty()) memcpy(memory_.get() + 1, bytes.data(), bytes.size());
  }
  uint8_t *data() { return memory_.get() + 1; }

private:
  std::unique_ptr<uint8_t[]> memory_;
};

mm_type Type(const string &name) {
  mm_type type = {};
  mm_error err = {};
  EXPECT_EQ(mm_type_parse(name.data(), name.size(), 0, &type, &err), MM_OK) << name;
  return type;
}

mm_value Null() {
  return {MM_VALUE_NULL, 0, 0, nullptr, 0};
}
mm_value Integer(int64_t value) {
  return {MM_VALUE_INTEGER, value, 0, nullptr, 0};
}
mm_value Real(double value) {
  return {MM_VALUE_REAL, 0, value, nullptr, 0};
}

// Text and blobs borrow: the string must outlive the value.
mm_value Borrow(int kind, const string &bytes) {
  return {kind, 0, 0, reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()};
}
mm_value Text(const string &text) {
  return Borrow(MM_VALUE_TEXT, text);
}
mm_value Blob(const string &bytes) {
  return Borrow(MM_VALUE_BLOB, bytes);
}

// The bytes, or the sentence of the error.
string Encode(const string &name, mm_value value) {
  mm_type type = Type(name);
  Bytes in(string(value.data, value.data + value.size));
  if (value.data) value.data = in.data();
  const string before(type.size, '\x5a');
  Bytes out(before);
  mm_error err = {};
  int code = mm_type_encode(type, &value, out.data(), &err);
  string after(reinterpret_cast<char *>(out.data()), type.size);
  if (code == MM_OK) return after;
  EXPECT_EQ(code, MM_CONSTRAINT) << err.text;
  EXPECT_EQ(err.code, MM_CONSTRAINT) << err.text;
  EXPECT_EQ(after, before) << "written in spite of: " << err.text;
  return err.text;
}

bool Fits(const string &name, const mm_value &value) {
  return Encode(name, value).find("not fit ") == string::npos;
}

// What is decoded, its bytes owned.
struct Decoded {
  mm_value value;
  string bytes;
};

Decoded Decode(const string &name, const string &bytes) {
  mm_type type = Type(name);
  EXPECT_EQ(bytes.size(), type.size);
  Bytes in(bytes);
  Bytes buffer(string(mm_type_buffer(type), '?'));
  Decoded result;
  result.value = mm_type_decode(type, in.data(), mm_type_buffer(type) ? buffer.data() : nullptr);
  bool borrowed = result.value.kind == MM_VALUE_BLOB || result.value.kind == MM_VALUE_TEXT;
  if (borrowed) {
    result.bytes.assign(reinterpret_cast<const char *>(result.value.data), result.value.size);
  }
  return result;
}

int64_t DecodeInteger(const string &name, const string &bytes) {
  Decoded decoded = Decode(name, bytes);
  EXPECT_EQ(decoded.value.kind, MM_VALUE_INTEGER);
  return decoded.value.integer;
}

double DecodeReal(const string &name, const string &bytes) {
  Decoded decoded = Decode(name, bytes);
  EXPECT_EQ(decoded.value.kind, MM_VALUE_REAL);
  return decoded.value.real;
}

string DecodeText(const string &name, const string &bytes) {
  Decoded decoded = Decode(name, bytes);
  EXPECT_EQ(decoded.value.kind, MM_VALUE_TEXT);
  return decoded.bytes;
}

int Compare(const string &name, const string &a, const string &b) {
  Bytes x(a), y(b);
  int order = mm_type_compare(Type(name), x.data(), y.data());
  return (order > 0) - (order < 0);
}

int Sign(bool less, bool greater) {
  return greater - less;
}

// The low bytes of a number, in the order that the name asks for, without any code of core.
string ExpectedBytes(const string &name, Wide number) {
  mm_type type = Type(name);
  string bytes;
  for (uint32_t i = 0; i < type.size; i++) {
    bytes += static_cast<char>(static_cast<unsigned char>(number >> (8 * i)));
  }
  bool big = name.size() > 2 && name.substr(name.size() - 2) == "be";
  return big ? string(bytes.rbegin(), bytes.rend()) : bytes;
}

bool IsSigned(const string &name) {
  return name[0] == 'i';
}
unsigned Bits(const string &name) {
  return static_cast<unsigned>(std::stoi(name.substr(1)));
}
Wide Lowest(const string &name) {
  return IsSigned(name) ? -(Wide(1) << (Bits(name) - 1)) : Wide(0);
}
Wide Highest(const string &name) {
  return (Wide(1) << (IsSigned(name) ? Bits(name) - 1 : Bits(name))) - 1;
}

string Decimal(Wide number) {
  string digits;
  Wide rest = number < 0 ? -number : number;
  do {
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(rest % 10)));
    rest /= 10;
  } while (rest > 0);
  return (number < 0 ? "-" : "") + digits;
}

string ParseError(const string &name) {
  mm_type type = {};
  mm_error err = {};
  Bytes exact(name);
  int code = mm_type_parse(reinterpret_cast<char *>(exact.data()), name.size(), 0, &type, &err);
  EXPECT_EQ(code, MM_ERROR) << name;
  EXPECT_EQ(type.size, 0u) << name;
  return err.text;
}

string CanonicalName(const string &name) {
  char canonical[MM_TYPE_NAME];
  mm_type_name(Type(name), canonical);
  return canonical;
}

// Names

TEST(TypeName, ComesBackAsItWasRead) {
  std::vector<string> names(std::begin(kIntegers), std::end(kIntegers));
  names.insert(names.end(), std::begin(kFloats), std::end(kFloats));
  for (const char *sized :
       {"blob(1)", "blob(2147483647)", "text(20)", "utf16le(3)", "utf16be(2147483647)", "latin1(9)",
        "f16le", "f16be", "bf16le", "bf16be", "uuid", "guid", "u8[1]"}) {
    names.push_back(sized);
  }
  for (const string &name : names) EXPECT_EQ(CanonicalName(name), name);
}

TEST(TypeName, SaysKindOrderAndSize) {
  mm_type type = Type("i24be");
  EXPECT_EQ(type.kind, MM_SIGNED);
  EXPECT_TRUE(type.big_endian);
  EXPECT_EQ(type.size, 3u);
  type = Type("utf16be(7)");
  EXPECT_EQ(type.kind, MM_UTF16);
  EXPECT_TRUE(type.big_endian);
  EXPECT_EQ(type.size, 7u);
  for (const char *name : kIntegers) {
    EXPECT_EQ(Type(name).kind, IsSigned(name) ? MM_SIGNED : MM_UNSIGNED) << name;
    EXPECT_EQ(Type(name).size * 8, Bits(name)) << name;
  }
}

TEST(TypeName, IsReadInAnyCaseAndWithSpaces) {
  EXPECT_EQ(CanonicalName("U32LE"), "u32le");
  EXPECT_EQ(CanonicalName("  f64be\t"), "f64be");
  EXPECT_EQ(CanonicalName(" Blob ( 20 ) "), "blob(20)");
  EXPECT_EQ(CanonicalName("text(\n20)"), "text(20)");
  EXPECT_EQ(CanonicalName("BLOB(0X1f)"), "blob(31)");
  EXPECT_EQ(CanonicalName("utf16LE(0x7FFFFFFF)"), "utf16le(2147483647)");
  EXPECT_EQ(CanonicalName("blob(0020)"), "blob(20)");
}

const string kTypes =
    "there are u8 to u64 and i8 to i64 in steps of 8, f16, bf16, f32, f64, with le or be behind "
    "what has more than a byte; with a size blob(n), text(n), latin1(n), utf16le(n), utf16be(n); "
    "uuid, guid; uleb128, sleb128, varint, vlq, vlq1, cstr; and TYPE[n]";

TEST(TypeName, OfOthersIsUnderstoodButNotTaken) {
  for (auto [name, hint] : std::initializer_list<std::pair<const char *, const char *>>{
           {"u32", "u32le or u32be"},
           {"uint32", "u32le or u32be"},
           {"uint32_t", "u32le or u32be"},
           {"DWORD", "u32le or u32be"},
           {"int", "i32le or i32be"},
           {"i64", "i64le or i64be"},
           {"uint16le", "u16le"},
           {"int32_be", "i32be"},
           {"float", "f32le or f32be"},
           {"double", "f64le or f64be"},
           {"doublebe", "f64be"},
           {"byte", "u8"},
           {"u8le", "u8"},
           {"i8be", "i8"},
           {"char(12)", "text(12)"},
           {"string", "text(n)"},
           {"VARCHAR(255)", "text(255)"},
           {"text", "text(n)"},
           {"text(-1)", "text(n)"},
           {"binary(20)", "blob(20)"},
           {"utf16(8)", "utf16le(8) or utf16be(8)"},
           {"utf16le", "utf16le(n)"},
           {"u40", "u40le or u40be"},
           {"int56", "i56le or i56be"},
           {"half", "f16le or f16be"},
           {"float16_t", "f16le or f16be"},
           {"bfloat16le", "bf16le"},
           {"f16[3]", "f16le or f16be"},
           {"leb128", "uleb128 or sleb128"},
           {"cstring", "cstr"},
           {"asciz", "cstr"},
           {"latin1", "latin1(n)"},
           {"uniqueidentifier", "guid"},
           {"uuidle", "uuid"},
           {"u32le(4)", "u32le"}}) {
    EXPECT_EQ(ParseError(name), "'" + string(name) + "' is no type: say " + hint);
  }
  for (const char *name :
       {"x", "_t", "le", "_le", "be", "ale", "u128", "uint32_t_le_and_more", "u"}) {
    EXPECT_EQ(ParseError(name), "'" + string(name) + "' is no type: " + kTypes);
  }
}

TEST(TypeName, IsRefusedWhenThereIsNoneSuch) {
  EXPECT_EQ(ParseError("u17"), "'u17' is no type: " + kTypes);
  EXPECT_EQ(ParseError(""), "'' is no type: " + kTypes);
  EXPECT_EQ(ParseError(string("u8\0", 3)), "'u8?' is no type: say u8");
  for (const char *name :
       {" ",         "u",         "u32",      "u8le",         "i8be",     "f128le",
        "u32lee",    "u32 le",    "u32le(4)", "u8 u8",        "blob",     "blob()",
        "blob(",     "blob(3",    "blob 3",   "blob(-1)",     "blob(+1)", "blob(1.0)",
        "blob(1 2)", "blob(3) x", "blob(3))", "blob(0x)",     "blob(x3)", "blob(0xg)",
        "text",      "utf16(4)",  "utf16le",  "utf16lele(4)", "integer",  "u8\xc3\xa9",
        "(3)",       "\xff"}) {
    EXPECT_NE(ParseError(name).find("' is no type"), string::npos) << name;
  }
}

TEST(TypeName, MayLeaveItsOrderOpenWhereThatIsAllowed) {
  mm_error err = {};
  for (const string name :
       {"u16", "i24", "u64", "f16", "bf16", "f32", "f64", "utf16(8)", "u32[4]", "utf16(4)[2]"}) {
    mm_type type = {};
    ASSERT_EQ(mm_type_parse(name.data(), name.size(), MM_ALLOW_OPEN, &type, &err), MM_OK) << name;
    EXPECT_TRUE(type.open && !type.big_endian) << name;
    char canonical[MM_TYPE_NAME];
    mm_type_name(type, canonical);
    EXPECT_EQ(canonical, name);
    for (bool big : {false, true}) {
      mm_type closed = type;
      mm_type_close(&closed, big);
      EXPECT_EQ(closed.big_endian, big);
      EXPECT_FALSE(closed.open);
      mm_type_name(closed, canonical);
      string expected = name;
      expected.insert(expected.find_first_of("([") == string::npos ? expected.size()
                                                                   : expected.find_first_of("(["),
                      big ? "be" : "le");
      EXPECT_EQ(canonical, expected);
    }
    EXPECT_EQ(mm_type_parse(name.data(), name.size(), 0, &type, &err), MM_ERROR) << name;
  }
  // These have none.
  for (const string name :
       {"u8", "i8", "blob(4)", "text(4)", "latin1(4)", "uuid", "u16le", "u8[2]"}) {
    mm_type type = {}, closed;
    ASSERT_EQ(mm_type_parse(name.data(), name.size(), MM_ALLOW_OPEN, &type, &err), MM_OK) << name;
    EXPECT_FALSE(type.open) << name;
    closed = type;
    mm_type_close(&closed, true);
    EXPECT_EQ(closed.big_endian, type.big_endian) << name;
  }
}

TEST(TypeName, OfBitsAndOfNoFixedSizeIsForThoseWhoAllowIt) {
  EXPECT_EQ(ParseError("b3"), "b3 is a part of some byte: read an integer, and use >> and & on it");
  EXPECT_EQ(ParseError("ULEB128"), "uleb128 has no fixed size");
  EXPECT_EQ(ParseError("cstr( x'0A', 20 )"), "cstr(x'0a', 20) has no fixed size");
  mm_type type = {};
  mm_error err = {};
  for (auto [name, canonical] : std::initializer_list<std::pair<const char *, const char *>>{
           {"b1", "b1"},
           {"B64LE", "b64le"},
           {"uleb128", "uleb128"},
           {"sleb128", "sleb128"},
           {"varint", "varint"},
           {"vlq", "vlq"},
           {"vlq1", "vlq1"},
           {"cstr", "cstr"},
           {"cstr(20)", "cstr(20)"},
           {"cstr ( 0x14 )", "cstr(20)"},
           {"cstr(x'00')", "cstr"},
           {"cstr(X'0D0a')", "cstr(x'0d0a')"},
           {"cstr(x'00000000',2147483647)", "cstr(x'00000000', 2147483647)"},
           {"cstr(20, x'0000')", "cstr(x'0000', 20)"}}) {
    unsigned allow = MM_ALLOW_BITS | MM_ALLOW_VARIABLE;
    char out[MM_TYPE_NAME];
    ASSERT_EQ(mm_type_parse(name, strlen(name), allow, &type, &err), MM_OK) << name << err.text;
    mm_type_name(type, out);
    EXPECT_STREQ(out, canonical);
    EXPECT_FALSE(mm_type_is_fixed(type) || mm_type_is_ordered(type)) << name;
  }
  for (const string name : {"b0",
                            "b65",
                            "b01",
                            "b1be",
                            "b3[2]",
                            "uleb128[2]",
                            "uleb128le",
                            "cstr()",
                            "cstr(x'')",
                            "cstr(x'0')",
                            "cstr(x'0g')",
                            "cstr(x'0a)",
                            "cstr(x'0102030405')",
                            "cstr(x'01020304055)",
                            "cstr(x'0a'5)",
                            "cstr(1,2)",
                            "cstr(x'0a',x'0d')",
                            "cstr(20,)",
                            "cstr(,20)",
                            "cstr(20",
                            "cstr[2]",
                            "varint(9)"}) {
    EXPECT_EQ(mm_type_parse(name.data(), name.size(), 7, &type, &err), MM_ERROR) << name;
  }
  EXPECT_EQ(mm_type_parse("cstr(1, x'0d0a')", 16, 7, &type, &err), MM_ERROR);
  EXPECT_STREQ(err.text, "'cstr(1, x'0d0a')' is no type: its size must be 2 to 2147483647");
}

// What it leaves over: "the type count".
string Counted(const string &name) {
  mm_type type = {};
  mm_error err = {};
  const char *count;
  size_t size;
  if (mm_type_parse_counted(name.data(), name.size(), MM_ALLOW_OPEN, &type, &count, &size, &err)) {
    EXPECT_EQ(size, 0u);
    return "none";
  }
  char canonical[MM_TYPE_NAME];
  mm_type_name(type, canonical);
  if (size) EXPECT_EQ(type.size, 0u) << name;
  return canonical + (size ? " " + string(count, size) : "");
}

TEST(TypeName, MayHaveACountThatIsNoNumberYet) {
  EXPECT_EQ(Counted("blob(20)"), "blob(20)");
  EXPECT_EQ(Counted("blob( length - 4 )"), "blob(0) length - 4");
  EXPECT_EQ(Counted("blob(4 + n)"), "blob(0) 4 + n");
  EXPECT_EQ(Counted("text((a) + (b))"), "text(0) (a) + (b)");
  EXPECT_EQ(Counted("utf16(n)"), "utf16(0) n");
  EXPECT_EQ(Counted("latin1(n)"), "latin1(0) n");
  EXPECT_EQ(Counted("u32le[count]"), "u32le[0] count");
  EXPECT_EQ(Counted("u32[ a[1] ]"), "u32[0] a[1]");
  EXPECT_EQ(Counted("text(4)[n * 2]"), "text(4)[0] n * 2");
  EXPECT_EQ(Counted("u16le[7]"), "u16le[7]");
  for (const char *wrong : {"blob()", "blob(  )", "blob(n", "blob(n)[4]", "blob(n)[m]", "u8(n)",
                            "u32[]", "u32[n", "u32[n)", "uuid(n)", "blob(n) x", "blob(0)"}) {
    EXPECT_EQ(Counted(wrong), "none") << wrong;
  }
}

// Whatever is taken has a name, and that is read as the same type.
TEST(TypeName, OfRandomPartsComesBackOrIsRefused) {
  std::mt19937_64 random(7);
  const char *const parts[] = {"u",     "i",           "b",    "f",      "8",    "16",     "24",
                               "64",    "le",          "be",   "bf16",   "blob", "text",   "latin1",
                               "utf16", "uuid",        "guid", "cstr",   "vlq",  "varint", "leb128",
                               "(",     ")",           "[",    "]",      "(4)",  "[3]",    "x'0a'",
                               "x'",    "'",           ",",    " ",      "0",    "1",      "0x",
                               "-",     "99999999999", "(n)",  "[n + 1]"};
  int taken = 0;
  for (int i = 0; i < 300000; i++) {
    string name;
    for (size_t n = 1 + random() % 5; n > 0; n--) name += parts[random() % std::size(parts)];
    mm_type type = {}, again = {};
    mm_error err = {};
    char canonical[MM_TYPE_NAME], twice[MM_TYPE_NAME];
    Bytes exact(name);
    const char *text = reinterpret_cast<const char *>(exact.data()), *count;
    size_t count_size;
    (void)mm_type_parse_counted(text, name.size(), 7, &type, &count, &count_size, &err);
    if (mm_type_parse(text, name.size(), 7, &type, &err)) continue;
    taken++;
    mm_type_name(type, canonical);
    ASSERT_EQ(mm_type_parse(canonical, strlen(canonical), 7, &again, &err), MM_OK) << canonical;
    mm_type_name(again, twice);
    ASSERT_STREQ(canonical, twice);
    ASSERT_EQ(again.kind, type.kind) << name;
    ASSERT_EQ(again.size, type.size) << name;
    ASSERT_EQ(again.item_size, type.item_size) << name;
  }
  EXPECT_GT(taken, 3000);
}

TEST(TypeName, OfAnArrayIsOfItemsOfOneSize) {
  EXPECT_EQ(CanonicalName("U16BE [ 0x10 ]"), "u16be[16]");
  mm_type type = Type("text(4)[3]");
  EXPECT_EQ(type.kind, MM_ARRAY);
  EXPECT_EQ(type.item, MM_TEXT);
  EXPECT_EQ(type.item_size, 4u);
  EXPECT_EQ(type.size, 12u);
  for (const char *name :
       {"u8[]", "u8[n]", "u8[2][3]", "u8[2", "u8 2]", "[2]", "blob[2]", "u8[-1]"}) {
    EXPECT_NE(ParseError(name).find("' is no type"), string::npos) << name;
  }
  EXPECT_NE(ParseError("u8[0]").find("its size must be"), string::npos);
  EXPECT_NE(ParseError("blob(0)[3]").find("its size must be"), string::npos);
  EXPECT_NE(ParseError("blob(0)[0]").find("its size must be"), string::npos);
  EXPECT_NE(ParseError("blob(9999999999)[3]").find("its size must be"), string::npos);
  EXPECT_NE(ParseError("u16le[1073741824]").find("its size must be"), string::npos);
}

TEST(TypeName, IsRefusedWithASizeOutOfRange) {
  EXPECT_EQ(ParseError("blob(0)"), "'blob(0)' is no type: its size must be 1 to 2147483647");
  for (const char *name :
       {"text(0x0)", "text(2147483648)", "text(4294967297)", "text(18446744073709551617)",
        "blob(0x80000000)", "blob(99999999999999999999999999999999999)"}) {
    EXPECT_NE(ParseError(name).find("is no type: its size must be"), string::npos) << name;
  }
}

TEST(TypeName, IsShortenedInTheSentence) {
  EXPECT_EQ(ParseError(string(40, 'x')), "'" + string(40, 'x') + "' is no type: " + kTypes);
  EXPECT_EQ(ParseError(string(41, 'x')), "'" + string(40, 'x') + "…' is no type: " + kTypes);
  EXPECT_EQ(ParseError("a\nb"), "'a?b' is no type: " + kTypes);
}

// Integers

TEST(TypeInteger, StoresItsEndsAndRefusesWhatLiesBeyond) {
  for (const string name : kIntegers) {
    if (Bits(name) == 64) continue;
    Wide low = Lowest(name), high = Highest(name);
    for (Wide number : {low, low + 1, Wide(0), Wide(1), high - 1, high}) {
      string bytes = Encode(name, Integer(static_cast<int64_t>(number)));
      EXPECT_EQ(bytes, ExpectedBytes(name, number)) << name << " " << Decimal(number);
      EXPECT_EQ(DecodeInteger(name, bytes), static_cast<int64_t>(number)) << name;
    }
    for (Wide number : {low - 1, high + 1, Wide(kMin), Wide(kMax)}) {
      EXPECT_EQ(Encode(name, Integer(static_cast<int64_t>(number))),
                Decimal(number) + " does not fit " + name);
    }
  }
}

TEST(TypeInteger, Of64BitsTakesEveryInteger) {
  for (const char *name : {"u64le", "u64be", "i64le", "i64be"}) {
    for (int64_t number : {kMin, kMin + 1, int64_t{-1}, int64_t{0}, int64_t{1}, kMax - 1, kMax}) {
      string bytes = Encode(name, Integer(number));
      EXPECT_EQ(bytes, ExpectedBytes(name, number)) << name;
      EXPECT_EQ(DecodeInteger(name, bytes), number) << name;
    }
  }
}

TEST(TypeInteger, ReadsTheBytesInTheOrderOfItsName) {
  EXPECT_EQ(DecodeInteger("u16le", "\x01\x02"), 0x0201);
  EXPECT_EQ(DecodeInteger("u16be", "\x01\x02"), 0x0102);
  EXPECT_EQ(DecodeInteger("u24le", "\x01\x02\x83"), 0x830201);
  EXPECT_EQ(DecodeInteger("u24be", "\x81\x02\x03"), 0x810203);
  EXPECT_EQ(DecodeInteger("i24le", "\x01\x02\x83"), 0x830201 - 0x1000000);
  EXPECT_EQ(DecodeInteger("i24be", "\x81\x02\x03"), 0x810203 - 0x1000000);
  EXPECT_EQ(DecodeInteger("u32be", "\xff\x02\x03\x01"), 0xff020301);
  EXPECT_EQ(DecodeInteger("u64be", "\xff\xff\xff\xff\xff\xff\xff\xfe"), -2);
}

TEST(TypeInteger, ComesBackFromRandomBytes) {
  std::mt19937_64 random(1);
  for (const string name : kIntegers) {
    for (int i = 0; i < 500; i++) {
      // All of its values, and mostly small ones of either sign.
      Wide span = Highest(name) - Lowest(name) + 1;
      Wide number = Lowest(name) + Wide(random() >> random() % 64) % span;
      string bytes = ExpectedBytes(name, number);
      int64_t integer = static_cast<int64_t>(static_cast<uint64_t>(number));
      ASSERT_EQ(DecodeInteger(name, bytes), integer) << name;
      ASSERT_EQ(Encode(name, Integer(integer)), bytes) << name;
      ASSERT_EQ(Encode(name, Text(Decimal(number))), bytes) << name << " " << Decimal(number);
    }
  }
}

TEST(TypeInteger, TakesRealsThatAreExactlyOne) {
  EXPECT_EQ(Encode("u8", Real(3.0)), "\x03");
  EXPECT_EQ(Encode("u8", Real(255.0)), "\xff");
  EXPECT_EQ(Encode("u8", Real(-0.0)), string(1, '\0'));
  EXPECT_EQ(Encode("i8", Real(-128.0)), "\x80");
  EXPECT_EQ(Encode("i64be", Real(-0x1p63)), ExpectedBytes("i64be", kMin));
  EXPECT_EQ(Encode("i64be", Real(0x1p53)), ExpectedBytes("i64be", Wide(1) << 53));
  EXPECT_EQ(Encode("u64be", Real(0x1p63)), ExpectedBytes("u64be", Wide(1) << 63));
  EXPECT_EQ(Encode("u64be", Real(0x1.fffffffffffffp63)),
            string("\xff\xff\xff\xff\xff\xff\xf8\0", 8));
  EXPECT_EQ(Encode("u64be", Real(-1.0)), string(8, '\xff'));
}

TEST(TypeInteger, RefusesOtherReals) {
  EXPECT_EQ(Encode("i32le", Real(1.5)), "1.5 does not fit i32le");
  EXPECT_EQ(Encode("u8", Real(256.0)), "256.0 does not fit u8");
  EXPECT_EQ(Encode("u8", Real(-1.0)), "-1.0 does not fit u8");
  EXPECT_EQ(Encode("i8", Real(128.0)), "128.0 does not fit i8");
  EXPECT_EQ(Encode("u8", Real(1.0000000000000002)), "1.0000000000000002 does not fit u8");
  EXPECT_EQ(Encode("u8", Real(1e-300)), "1.0e-300 does not fit u8");
  EXPECT_EQ(Encode("i64le", Real(kInf)), "Inf does not fit i64le");
  EXPECT_EQ(Encode("i64le", Real(-kInf)), "-Inf does not fit i64le");
  EXPECT_EQ(Encode("i64le", Real(kNaN)), "NaN does not fit i64le");
  EXPECT_FALSE(Fits("i64le", Real(0x1p63)));
  EXPECT_FALSE(Fits("u64le", Real(0x1p64)));
  EXPECT_FALSE(Fits("u64le", Real(-0x1.0000000000001p63)));
  EXPECT_FALSE(Fits("i64le", Real(1e300)));
}

TEST(TypeInteger, TakesTextThatIsExactlyOne) {
  for (const string text : {"7", "+7", "007", "7.0", "7.", "7.000", "7e0", "7E+0", "0.7e1", ".7e1",
                            "70e-1", "7000000000000000000000000000e-27", "0.007e3", "+7.0e-0"}) {
    EXPECT_EQ(Encode("u8", Text(text)), "\x07") << text;
  }
  for (const string text : {"0", "-0", "+0", "0.0", ".0", "0.", "0e99999999999999999999", "-0.0e-5",
                            "000e-999999999999999999999999"}) {
    EXPECT_EQ(Encode("u8", Text(text)), string(1, '\0')) << text;
  }
  EXPECT_EQ(Encode("i8", Text("-128")), "\x80");
  EXPECT_EQ(Encode("u16be", Text("1e3")), "\x03\xe8");
}

TEST(TypeInteger, RefusesOtherText) {
  EXPECT_EQ(Encode("u8", Text("abc")), "'abc' does not fit u8");
  EXPECT_EQ(Encode("u8", Text("")), "'' does not fit u8");
  for (const string text : {" 7",
                            "7 ",
                            "7\n",
                            "+",
                            "-",
                            ".",
                            "e",
                            "e5",
                            ".e5",
                            "7e",
                            "7e+",
                            "7e1.0",
                            "7..",
                            "7.0.0",
                            "--7",
                            "+-7",
                            "7-",
                            "0x7",
                            "0x",
                            "7_0",
                            "7,0",
                            "1.5",
                            "7e-1",
                            "75e-1",
                            "1e-400",
                            "inf",
                            "nan",
                            "infinity",
                            "Inf",
                            "1e1000",
                            "1e99999999999999999999",
                            "1e-99999999999999999999",
                            "256",
                            "-1",
                            "2.56e2",
                            "\xef\xbc\x97",
                            "seven"}) {
    EXPECT_FALSE(Fits("u8", Text(text))) << text;
  }
  EXPECT_FALSE(Fits("u8", Text(string("7\0", 2))));
  EXPECT_FALSE(Fits("u8", Text(string("\0"
                                      "7",
                                      2))));
}

TEST(TypeInteger, ReadsTextOf64BitsWithoutRounding) {
  EXPECT_EQ(Encode("i64be", Text("9223372036854775807")), ExpectedBytes("i64be", kMax));
  EXPECT_EQ(Encode("i64be", Text("9223372036854775807.000")), ExpectedBytes("i64be", kMax));
  EXPECT_EQ(Encode("i64be", Text("-9223372036854775808")), ExpectedBytes("i64be", kMin));
  EXPECT_EQ(Encode("i64be", Text("9007199254740993")), ExpectedBytes("i64be", 9007199254740993));
  EXPECT_EQ(Encode("i64be", Text("900719925474099.3e1")), ExpectedBytes("i64be", 9007199254740993));
  EXPECT_EQ(Encode("u64be", Text("18446744073709551615")), string(8, '\xff'));
  EXPECT_EQ(Encode("u64be", Text("-9223372036854775808")), ExpectedBytes("u64be", kMin));
  for (const string text :
       {"9223372036854775808", "-9223372036854775809", "1e19", "1e20", "18446744073709551616",
        "9223372036854775807.1", "9223372036854775806.9999999999999999999999999"}) {
    EXPECT_FALSE(Fits("i64le", Text(text))) << text;
  }
  for (const string text : {"18446744073709551616", "-9223372036854775809", "2e19",
                            "36893488147419103232", "184467440737095516150"}) {
    EXPECT_FALSE(Fits("u64le", Text(text))) << text;
  }
}

TEST(TypeInteger, ReadsVeryLongText) {
  string zeros(100000, '0');
  EXPECT_EQ(Encode("u8", Text(zeros + "7." + zeros)), "\x07");
  EXPECT_EQ(Encode("u8", Text("7" + zeros + "e-100000")), "\x07");
  EXPECT_EQ(Encode("u8", Text("0." + zeros + "7e100001")), "\x07");
  EXPECT_FALSE(Fits("u8", Text("7." + zeros + "1")));
  EXPECT_FALSE(Fits("u8", Text("7" + zeros)));
  EXPECT_FALSE(Fits("u8", Text(string(2000, '7') + "e-1999")));
}

TEST(TypeInteger, RefusesBlobAndNull) {
  EXPECT_EQ(Encode("u8", Blob("7")), "a blob does not fit u8");
  EXPECT_EQ(Encode("u8", Null()), "NULL does not fit u8");
}

TEST(ValueInteger, IsTakenFromWhateverIsExactlyOne) {
  int64_t integer = 0;
  auto read = [&](const mm_value &value) { return mm_value_integer(&value, &integer); };
  EXPECT_TRUE(read(Integer(kMin)) && integer == kMin);
  EXPECT_TRUE(read(Integer(kMax)) && integer == kMax);
  EXPECT_TRUE(read(Real(3.0)) && integer == 3);
  EXPECT_TRUE(read(Real(-0x1p63)) && integer == kMin);
  EXPECT_TRUE(read(Text("7")) && integer == 7);
  EXPECT_TRUE(read(Text("-9223372036854775808")) && integer == kMin);
  EXPECT_TRUE(read(Text("1e3")) && integer == 1000);
  integer = 42;
  EXPECT_FALSE(read(Null()));
  EXPECT_FALSE(read(Blob("7")));
  for (double real : {1.5, 0x1p63, kInf, kNaN}) EXPECT_FALSE(read(Real(real))) << real;
  for (const string text : {"", "x", "1.5", " 7 ", "9223372036854775808"}) {
    EXPECT_FALSE(read(Text(text))) << text;
  }
  EXPECT_EQ(integer, 42);
}

// Floats

TEST(TypeFloat, HasTheBytesOfIeee754) {
  EXPECT_EQ(Encode("f32be", Real(1.0)), string("\x3f\x80\x00\x00", 4));
  EXPECT_EQ(Encode("f32le", Real(-2.5)), string("\x00\x00\x20\xc0", 4));
  EXPECT_EQ(Encode("f64be", Real(1.0)), string("\x3f\xf0\0\0\0\0\0\0", 8));
  EXPECT_EQ(Encode("f64le", Real(-0.0)), string("\0\0\0\0\0\0\0\x80", 8));
  EXPECT_EQ(DecodeReal("f64be", string("\x3f\xb9\x99\x99\x99\x99\x99\x9a", 8)), 0.1);
  EXPECT_EQ(DecodeReal("f32be", string("\x3d\xcc\xcc\xcd", 4)), static_cast<double>(0.1f));
  EXPECT_EQ(Encode("f64be", Integer(3)), Encode("f64be", Real(3.0)));
}

TEST(TypeFloat, ComesBackFromRandomBytes) {
  std::mt19937_64 random(2);
  for (const string name : kFloats) {
    for (int i = 0; i < 2000; i++) {
      string bytes = ExpectedBytes("u64le", random()).substr(0, Type(name).size);
      Decoded decoded = Decode(name, bytes);
      if (decoded.value.kind == MM_VALUE_NULL || std::isinf(decoded.value.real)) continue;
      ASSERT_EQ(Encode(name, decoded.value), bytes);
      char text[40];
      snprintf(text, sizeof text, "%.17g", decoded.value.real);
      ASSERT_EQ(Encode(name, Text(text)), bytes) << text;
    }
  }
}

TEST(TypeFloat, DecodesNanAsNull) {
  EXPECT_EQ(Decode("f32be", string("\x7f\xc0\0\0", 4)).value.kind, MM_VALUE_NULL);
  EXPECT_EQ(Decode("f32be", string("\xff\x80\0\1", 4)).value.kind, MM_VALUE_NULL);
  EXPECT_EQ(Decode("f64le", string("\1\0\0\0\0\0\xf0\x7f", 8)).value.kind, MM_VALUE_NULL);
  EXPECT_EQ(DecodeReal("f64le", string("\0\0\0\0\0\0\xf0\x7f", 8)), kInf);
  EXPECT_EQ(DecodeReal("f32be", string("\xff\x80\0\0", 4)), -kInf);
}

TEST(TypeFloat, StoresInfinityButNotNan) {
  for (const string name : kFloats) {
    EXPECT_EQ(DecodeReal(name, Encode(name, Real(kInf))), kInf);
    EXPECT_EQ(DecodeReal(name, Encode(name, Real(-kInf))), -kInf);
    EXPECT_EQ(Encode(name, Real(kNaN)), "NaN does not fit " + name);
  }
}

TEST(TypeFloat, Of32BitsRefusesWhatIsBeyondItsRange) {
  const double largest = 0x1.fffffep127, halfway = 0x1.ffffffp127;
  for (double sign : {1.0, -1.0}) {
    EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Real(sign * largest))), sign * largest);
    EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Real(sign * std::nextafter(halfway, 0)))),
              sign * largest);
    EXPECT_FALSE(Fits("f32le", Real(sign * halfway)));
    EXPECT_TRUE(Fits("f64le", Real(sign * halfway)));
  }
  EXPECT_EQ(Encode("f32le", Real(1e300)), "1.0e+300 does not fit f32le");
  EXPECT_EQ(Encode("f32be", Text("1e39")), "'1e39' does not fit f32be");
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Text("3.4028235e38"))), largest);
}

TEST(TypeFloat, Of32BitsIsRoundedOnce) {
  const double above_one = 0x1.000002p0;
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Real(0.1))), static_cast<double>(0.1f));
  // Just above the middle between two floats, by less than a double can tell.
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Text("1.000000059604644775390625"))), 1.0);
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Text("1.000000059604644775390626"))), above_one);
  int64_t middle = (int64_t{1} << 60) + (int64_t{1} << 36);
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Integer(middle))), 0x1p60);
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Integer(middle + 1))), 0x1.000002p60);
  EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Real(1e-300))), 0.0);
}

TEST(TypeFloat, ReadsTextToTheNearest) {
  const string zeros(1000, '0');
  auto read = [](const string &text) { return DecodeReal("f64le", Encode("f64le", Text(text))); };
  EXPECT_EQ(read("0.1"), 0.1);
  EXPECT_EQ(read("-1.5e3"), -1500.0);
  EXPECT_EQ(read("+.5"), 0.5);
  EXPECT_EQ(read("5."), 5.0);
  EXPECT_TRUE(std::signbit(read("-0")));
  EXPECT_EQ(read("1.7976931348623157e308"), std::numeric_limits<double>::max());
  EXPECT_EQ(read("4.9406564584124654e-324"), std::numeric_limits<double>::denorm_min());
  EXPECT_EQ(read("1e-400"), 0.0);
  EXPECT_EQ(read("9007199254740993"), 9007199254740992.0);
  EXPECT_EQ(read("9007199254740993." + zeros), 9007199254740992.0);
  EXPECT_EQ(read("9007199254740993." + zeros + "1"), 9007199254740994.0);
  EXPECT_EQ(read("9007199254740993" + zeros + "1e-1001"), 9007199254740994.0);
  EXPECT_EQ(read("0." + zeros + "15e1001"), 1.5);
  EXPECT_EQ(read("15" + zeros + "e-1001"), 1.5);
}

TEST(TypeFloat, RefusesTextThatIsNotWhollyANumber) {
  EXPECT_EQ(Encode("f64le", Text("1.5x")), "'1.5x' does not fit f64le");
  for (const string text : {"",         " ",    " 1",  "1 ",     "abc",   "inf",    "-inf", "Inf",
                            "infinity", "nan",  "NaN", "nan(1)", "0x1p3", "0x10",   "1e",   "1e+",
                            "1,5",      "1.5.", ".",   "e1",     "1e400", "-1e400", "1d3",  "1f"}) {
    EXPECT_FALSE(Fits("f64le", Text(text))) << text;
    EXPECT_FALSE(Fits("f32be", Text(text))) << text;
  }
  EXPECT_FALSE(Fits("f64le", Text(string("1\0", 2))));
  EXPECT_EQ(Encode("f64le", Blob("1")), "a blob does not fit f64le");
  EXPECT_EQ(Encode("f32le", Null()), "NULL does not fit f32le");
}

// Blobs and text

TEST(TypeBlob, IsPaddedWithZeros) {
  EXPECT_EQ(Encode("blob(4)", Blob("ab")), string("ab\0\0", 4));
  EXPECT_EQ(Encode("blob(4)", Blob("")), string(4, '\0'));
  EXPECT_EQ(Encode("blob(4)", {MM_VALUE_BLOB, 0, 0, nullptr, 0}), string(4, '\0'));
  EXPECT_EQ(Encode("blob(4)", Blob("abcd")), "abcd");
  EXPECT_EQ(Encode("blob(4)", Text("abcd")), "abcd");
  EXPECT_EQ(Encode("blob(4)", Blob(string("a\0b", 3))), string("a\0b\0", 4));
}

TEST(TypeBlob, RefusesLongerOnesAndNumbers) {
  EXPECT_EQ(Encode("blob(20)", Blob(string(21, 'x'))), "21 bytes do not fit blob(20)");
  EXPECT_EQ(Encode("blob(1)", Text("ab")), "2 bytes do not fit blob(1)");
  EXPECT_EQ(Encode("blob(20)", Integer(7)), "7 does not fit blob(20)");
  EXPECT_EQ(Encode("blob(20)", Real(7.5)), "7.5 does not fit blob(20)");
  EXPECT_EQ(Encode("blob(20)", Null()), "NULL does not fit blob(20)");
}

TEST(TypeBlob, DecodesWhole) {
  const string bytes("a\0b\0", 4);
  Decoded decoded = Decode("blob(4)", bytes);
  EXPECT_EQ(decoded.value.kind, MM_VALUE_BLOB);
  EXPECT_EQ(decoded.bytes, bytes);
  EXPECT_EQ(mm_type_buffer(Type("blob(4)")), 0u);
}

TEST(TypeText, EndsAtTheFirstNul) {
  EXPECT_EQ(DecodeText("text(5)", string("ab\0cd", 5)), "ab");
  EXPECT_EQ(DecodeText("text(5)", "abcde"), "abcde");
  EXPECT_EQ(DecodeText("text(5)", string(5, '\0')), "");
  EXPECT_EQ(DecodeText("text(2)", "\xff\xc3"), "\xff\xc3");
}

TEST(TypeText, IsPaddedWithZeros) {
  EXPECT_EQ(Encode("text(4)", Text("ab")), string("ab\0\0", 4));
  EXPECT_EQ(Encode("text(4)", Text("")), string(4, '\0'));
  EXPECT_EQ(Encode("text(4)", {MM_VALUE_TEXT, 0, 0, nullptr, 0}), string(4, '\0'));
  EXPECT_EQ(Encode("text(6)", Text("héllo")), "héllo");
  EXPECT_EQ(Encode("text(2)", Text("\xff\xc3")), "\xff\xc3");
}

TEST(TypeText, RefusesWhatWouldNotBeReadBack) {
  EXPECT_EQ(Encode("text(4)", Text("héllo")), "'héllo' (6 bytes) does not fit text(4)");
  EXPECT_EQ(Encode("text(4)", Text(string("a\0b", 3))),
            "'a?b' (with a NUL inside) does not fit text(4)");
  EXPECT_FALSE(Fits("text(4)", Text(string("a\0", 2))));
  EXPECT_EQ(Encode("text(4)", Blob("a")), "a blob does not fit text(4)");
  EXPECT_EQ(Encode("text(4)", Null()), "NULL does not fit text(4)");
  EXPECT_EQ(Encode("text(4)", Integer(-1234)), "-1234 (5 bytes) does not fit text(4)");
}

TEST(TypeText, TakesNumbersAsSqlitePrintsThem) {
  auto print = [](const mm_value &value) {
    return DecodeText("text(40)", Encode("text(40)", value));
  };
  EXPECT_EQ(print(Integer(0)), "0");
  EXPECT_EQ(print(Integer(kMin)), "-9223372036854775808");
  const std::vector<std::pair<double, string>> reals = {
      {2.0, "2.0"},
      {0.0, "0.0"},
      {-0.0, "0.0"},
      {-1.5, "-1.5"},
      {0.1, "0.1"},
      {100.0, "100.0"},
      {123456.789, "123456.789"},
      {1.0 / 3, "0.333333333333333"},
      {2.0 / 3, "0.666666666666667"},
      {0.0001, "0.0001"},
      {0.00001, "1.0e-05"},
      {-1.25e-5, "-1.25e-05"},
      {1e14, "100000000000000.0"},
      {123456789012345.0, "123456789012345.0"},
      {1e15, "1.0e+15"},
      {1.5e300, "1.5e+300"},
      {1e-300, "1.0e-300"},
      {999999999999999.9, "1.0e+15"},
      {-123.456e10, "-1234560000000.0"},
      {kInf, "Inf"},
      {-kInf, "-Inf"},
  };
  for (const auto &[real, text] : reals) EXPECT_EQ(print(Real(real)), text);
  EXPECT_FALSE(Fits("text(40)", Real(kNaN)));
}

TEST(TypeText, IsShortenedBetweenCharactersInTheSentence) {
  EXPECT_EQ(Encode("u8", Text(string(40, 'x'))), "'" + string(40, 'x') + "' does not fit u8");
  EXPECT_EQ(Encode("u8", Text(string(41, 'x'))), "'" + string(40, 'x') + "…' does not fit u8");
  EXPECT_EQ(Encode("u8", Text(string(39, 'x') + "é")),
            "'" + string(39, 'x') + "…' does not fit u8");
  EXPECT_EQ(Encode("u8", Text("a\nb\xff\x7f\xc2\x85 ")), "'a?b?\?\? ' does not fit u8");
}

// UTF-16

TEST(TypeUtf16, HasUnitsInTheOrderOfItsName) {
  EXPECT_EQ(Encode("utf16le(6)", Text("hé")), string("h\0\xe9\0\0\0", 6));
  EXPECT_EQ(Encode("utf16be(6)", Text("hé")), string("\0h\0\xe9\0\0", 6));
  EXPECT_EQ(Encode("utf16be(2)", Text("€")), "\x20\xac");
  EXPECT_EQ(Encode("utf16be(4)", Text("😀")), string("\xd8\x3d\xde\x00", 4));
  EXPECT_EQ(DecodeText("utf16le(6)", string("h\0\xe9\0\0\0", 6)), "hé");
  EXPECT_EQ(DecodeText("utf16be(4)", string("\0h\0\xe9", 4)), "hé");
}

TEST(TypeUtf16, HoldsEveryCodePoint) {
  for (uint32_t point = 1; point <= 0x10ffff; point++) {
    if (point >= 0xd800 && point <= 0xdfff) continue;
    uint8_t out[4], buffer[6], utf8[4];
    size_t length = 0;
    if (point < 0x80) {
      utf8[length++] = static_cast<uint8_t>(point);
    } else if (point < 0x800) {
      utf8[length++] = static_cast<uint8_t>(0xc0 | point >> 6);
    } else if (point < 0x10000) {
      utf8[length++] = static_cast<uint8_t>(0xe0 | point >> 12);
      utf8[length++] = static_cast<uint8_t>(0x80 | (point >> 6 & 0x3f));
    } else {
      utf8[length++] = static_cast<uint8_t>(0xf0 | point >> 18);
      utf8[length++] = static_cast<uint8_t>(0x80 | (point >> 12 & 0x3f));
      utf8[length++] = static_cast<uint8_t>(0x80 | (point >> 6 & 0x3f));
    }
    if (point >= 0x80) utf8[length++] = static_cast<uint8_t>(0x80 | (point & 0x3f));
    mm_type type = Type(point & 1 ? "utf16be(4)" : "utf16le(4)");
    mm_value value = {MM_VALUE_TEXT, 0, 0, utf8, length};
    mm_error err;
    ASSERT_EQ(mm_type_encode(type, &value, out, &err), MM_OK) << point;
    mm_value back = mm_type_decode(type, out, buffer);
    ASSERT_EQ(back.size, length) << point;
    ASSERT_EQ(memcmp(back.data, utf8, length), 0) << point;
  }
}

TEST(TypeUtf16, EndsAtTheFirstNulUnit) {
  EXPECT_EQ(DecodeText("utf16le(6)", string("a\0\0\0b\0", 6)), "a");
  EXPECT_EQ(DecodeText("utf16be(6)", string("\0a\0\0\0b", 6)), "a");
  // A zero byte in the middle of units is none.
  EXPECT_EQ(DecodeText("utf16be(4)", string("\x01\x00\x00\x61", 4)), "Āa");
}

TEST(TypeUtf16, NeverUsesTheLastByteOfAnOddLength) {
  EXPECT_EQ(DecodeText("utf16le(5)", string("a\0b\0c", 5)), "ab");
  EXPECT_EQ(Encode("utf16le(5)", Text("ab")), string("a\0b\0\0", 5));
  EXPECT_FALSE(Fits("utf16le(5)", Text("abc")));
  EXPECT_EQ(DecodeText("utf16be(1)", "a"), "");
  EXPECT_EQ(Encode("utf16be(1)", Text("")), string(1, '\0'));
  EXPECT_EQ(Encode("utf16be(1)", Text("a")), "'a' (2 bytes) does not fit utf16be(1)");
  EXPECT_EQ(Compare("utf16le(3)", string("a\0x", 3), string("a\0y", 3)), 0);
}

TEST(TypeUtf16, DecodesUnpairedSurrogatesAsReplacements) {
  EXPECT_EQ(DecodeText("utf16be(2)", "\xd8\x3d"), "\xef\xbf\xbd");
  EXPECT_EQ(DecodeText("utf16be(2)", string("\xde\x00", 2)), "\xef\xbf\xbd");
  EXPECT_EQ(DecodeText("utf16be(4)", string("\xd8\x3d\0a", 4)), "\xef\xbf\xbd"
                                                                "a");
  EXPECT_EQ(DecodeText("utf16be(6)", string("\xd8\x3d\xd8\x3d\xde\x00", 6)), "\xef\xbf\xbd😀");
  EXPECT_EQ(DecodeText("utf16be(4)", string("\xde\x00\xd8\x3d", 4)), "\xef\xbf\xbd\xef\xbf\xbd");
  EXPECT_EQ(DecodeText("utf16be(5)", string("\0a\xd8\x3d\xde", 5)), "a\xef\xbf\xbd");
}

TEST(TypeUtf16, BufferHoldsTheLongestText) {
  for (uint32_t size = 1; size <= 9; size++) {
    string name = "utf16be(" + std::to_string(size) + ")";
    EXPECT_EQ(DecodeText(name, string(size, '\xff')).size(), mm_type_buffer(Type(name)));
  }
  EXPECT_EQ(mm_type_buffer(Type("utf16le(2147483647)")), 3221225469u);
}

TEST(TypeUtf16, RefusesTextThatIsNotUtf8) {
  EXPECT_EQ(Encode("utf16le(9)", Text("h\xff")), "'h?' (not UTF-8) does not fit utf16le(9)");
  for (const string text : {"\x80",
                            "\xbf",
                            "\xc0\x80",
                            "\xc1\xbf",
                            "\xc3",
                            "\xc3\x28",
                            "\xe0\x80\x80",
                            "\xe0\x9f\xbf",
                            "\xe2\x82",
                            "\xe2\x28\xa1",
                            "\xed\xa0\x80",
                            "\xed\xbf\xbf",
                            "\xf0\x80\x80\x80",
                            "\xf0\x8f\xbf\xbf",
                            "\xf0\x9f\x98",
                            "\xf4\x90\x80\x80",
                            "\xf5\x80\x80\x80",
                            "\xf8\x88\x80\x80\x80",
                            "\xfe",
                            "\xff"}) {
    EXPECT_FALSE(Fits("utf16le(40)", Text(text))) << testing::PrintToString(text);
    EXPECT_FALSE(Fits("utf16be(40)", Text("a" + text + "b"))) << testing::PrintToString(text);
  }
}

TEST(TypeUtf16, RefusesWhatWouldNotBeReadBack) {
  EXPECT_EQ(Encode("utf16le(4)", Text("héllo")), "'héllo' (10 bytes) does not fit utf16le(4)");
  EXPECT_EQ(Encode("utf16le(2)", Text("😀")), "'😀' (4 bytes) does not fit utf16le(2)");
  EXPECT_EQ(Encode("utf16le(8)", Text(string("a\0b", 3))),
            "'a?b' (with a NUL inside) does not fit utf16le(8)");
  EXPECT_EQ(Encode("utf16be(4)", Blob("a")), "a blob does not fit utf16be(4)");
  EXPECT_EQ(Encode("utf16be(4)", Null()), "NULL does not fit utf16be(4)");
  EXPECT_EQ(DecodeText("utf16be(8)", Encode("utf16be(8)", Real(2.5))), "2.5");
  EXPECT_EQ(DecodeText("utf16be(8)", Encode("utf16be(8)", Integer(-7))), "-7");
}

// latin1

TEST(TypeLatin1, IsIso88591UpToItsNul) {
  EXPECT_EQ(Encode("latin1(4)", Text("h\xc3\xa9")), string("h\xe9\0\0", 4));
  EXPECT_EQ(DecodeText("latin1(4)", string("h\xe9\0x", 4)), "h\xc3\xa9");
  for (int c = 1; c < 256; c++) {
    string byte(1, static_cast<char>(c)), utf8 = byte;
    if (c >= 0x80) utf8 = {static_cast<char>(0xc0 | c >> 6), static_cast<char>(0x80 | (c & 0x3f))};
    EXPECT_EQ(DecodeText("latin1(1)", byte), utf8);
    EXPECT_EQ(Encode("latin1(1)", Text(utf8)), byte);
  }
  EXPECT_EQ(DecodeText("latin1(3)", string(3, '\xff')).size(), mm_type_buffer(Type("latin1(3)")));
}

TEST(TypeLatin1, RefusesWhatWouldNotBeReadBack) {
  EXPECT_EQ(Encode("latin1(9)", Text("\xe2\x82\xac")),
            "'\xe2\x82\xac' (not all of it in latin1) does not fit latin1(9)");
  EXPECT_EQ(Encode("latin1(9)", Text("\xc4\x80")),
            "'\xc4\x80' (not all of it in latin1) does not fit latin1(9)");
  EXPECT_EQ(Encode("latin1(9)", Text("a\xff")),
            "'a?' (not all of it in latin1) does not fit latin1(9)");
  EXPECT_EQ(Encode("latin1(2)", Text("abc")), "'abc' (3 bytes) does not fit latin1(2)");
  EXPECT_EQ(Encode("latin1(4)", Text(string("a\0b", 3))),
            "'a?b' (with a NUL inside) does not fit latin1(4)");
  EXPECT_EQ(Encode("latin1(4)", Blob("a")), "a blob does not fit latin1(4)");
  EXPECT_EQ(Encode("latin1(4)", Integer(-12)), string("-12\0", 4));
}

// uuid and guid

TEST(TypeUuid, IsInTheOrderOfItsName) {
  // As Python's uuid.UUID(bytes=…) and UUID(bytes_le=…) have it.
  string bytes;
  for (int i = 0; i < 16; i++) bytes += static_cast<char>(17 * i);
  EXPECT_EQ(DecodeText("uuid", bytes), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(DecodeText("guid", bytes), "33221100-5544-7766-8899-aabbccddeeff");
  for (const string text :
       {"00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-AaBbCcDdEeFf",
        "{00112233-4455-6677-8899-AABBCCDDEEFF}"}) {
    EXPECT_EQ(Encode("uuid", Text(text)), bytes);
    EXPECT_EQ(DecodeText("guid", Encode("guid", Text(text))),
              "00112233-4455-6677-8899-aabbccddeeff");
  }
  EXPECT_EQ(Encode("uuid", Blob(bytes)), bytes);
  EXPECT_EQ(Encode("guid", Blob(bytes)), bytes);
}

TEST(TypeUuid, RefusesAllElse) {
  for (const string text :
       {"", "00112233445566778899aabbccddeeff", "00112233-4455-6677-8899-aabbccddeef",
        "00112233-4455-6677-8899-aabbccddeefff", "00112233-4455-6677-8899-aabbccddeefg",
        "0011223-34455-6677-8899-aabbccddeeff", "00112233_4455-6677-8899-aabbccddeeff",
        "{00112233-4455-6677-8899-aabbccddeeff", "00112233-4455-6677-8899-aabbccddeeff}",
        "(00112233-4455-6677-8899-aabbccddeeff)", "{00112233-4455-6677-8899-aabbccddeeff]"}) {
    EXPECT_FALSE(Fits("uuid", Text(text))) << text;
    EXPECT_FALSE(Fits("guid", Text(text))) << text;
  }
  EXPECT_EQ(Encode("uuid", Blob("abc")), "a blob (3 bytes) does not fit uuid");
  EXPECT_EQ(Encode("guid", Integer(7)), "7 does not fit guid");
  EXPECT_EQ(Encode("uuid", Null()), "NULL does not fit uuid");
}

// Order

TEST(TypeOrder, OfIntegersIsThatOfTheirValues) {
  std::mt19937_64 random(3);
  for (const string name : kIntegers) {
    std::vector<Wide> numbers = {
        Lowest(name),      Lowest(name) + 1, 0, 1, Highest(name) / 2, Highest(name) / 2 + 1,
        Highest(name) - 1, Highest(name)};
    for (int i = 0; i < 20; i++) {
      numbers.push_back(Lowest(name) + Wide(random()) % (Highest(name) - Lowest(name) + 1));
    }
    for (Wide a : numbers) {
      for (Wide b : numbers) {
        ASSERT_EQ(Compare(name, ExpectedBytes(name, a), ExpectedBytes(name, b)), Sign(a<b, a> b))
            << name << " " << Decimal(a) << " " << Decimal(b);
      }
    }
  }
}

TEST(TypeOrder, OfFloatsIsThatOfTheirValuesWithNanFirst) {
  const double ascending[] = {-kInf,    -0x1p127, -1.5, -1.0,    -0x1p-149, 0.0,
                              0x1p-149, 1.0,      1.5,  0x1p127, kInf};
  for (const string name : kFloats) {
    std::vector<string> encoded = {Type(name).big_endian ? string("\x7f\xf8\0\0\0\0\0\1", 8)
                                                         : string("\1\0\0\0\0\0\xf8\x7f", 8)};
    if (Type(name).size == 4) {
      encoded = {Type(name).big_endian ? string("\x7f\xc0\0\1", 4) : string("\1\0\xc0\x7f", 4)};
    }
    for (double real : ascending) encoded.push_back(Encode(name, Real(real)));
    for (size_t a = 0; a < encoded.size(); a++) {
      for (size_t b = 0; b < encoded.size(); b++) {
        ASSERT_EQ(Compare(name, encoded[a], encoded[b]), Sign(a<b, a> b)) << a << " " << b;
      }
    }
    EXPECT_EQ(Compare(name, Encode(name, Real(0.0)), Encode(name, Real(-0.0))), 0);
    string negative_nan(Type(name).size, '\xff');
    EXPECT_EQ(Compare(name, negative_nan, encoded[0]), 0);
    EXPECT_EQ(Compare(name, negative_nan, encoded[1]), -1);
  }
}

TEST(TypeOrder, OfBlobsIsThatOfAllTheirBytes) {
  EXPECT_EQ(Compare("blob(3)", string("a\0b", 3), string("a\0c", 3)), -1);
  EXPECT_EQ(Compare("blob(3)", "\x80zz", "\x7fzz"), 1);
  EXPECT_EQ(Compare("blob(3)", "abc", "abc"), 0);
}

TEST(TypeOrder, OfTextEndsAtTheNul) {
  EXPECT_EQ(Compare("text(3)", string("a\0b", 3), string("a\0c", 3)), 0);
  EXPECT_EQ(Compare("text(3)", string("a\0b", 3), string("aa\0", 3)), -1);
  EXPECT_EQ(Compare("text(3)", "\x80zz", "\x7fzz"), 1);
  EXPECT_EQ(Compare("text(3)", "abc", string("ab\0", 3)), 1);
}

TEST(TypeOrder, OfUtf16IsThatOfCodePoints) {
  // U+FFFF comes before U+1F600, though its unit is above the surrogates.
  EXPECT_EQ(Compare("utf16be(4)", string("\xff\xff\0\0", 4), string("\xd8\x3d\xde\x00", 4)), -1);
  EXPECT_EQ(Compare("utf16le(4)", string("\xff\xff\0\0", 4), string("\x3d\xd8\x00\xde", 4)), -1);
  EXPECT_EQ(Compare("utf16be(4)", string("\0a\0\0", 4), string("\0a\0b", 4)), -1);
  EXPECT_EQ(Compare("utf16be(6)", string("\0a\0\0\0b", 6), string("\0a\0\0\0c", 6)), 0);
}

TEST(TypeOrder, AgreesWithWhatIsDecoded) {
  std::mt19937_64 random(4);
  const string alphabet("\0\0ab\x7f\x80\xd8\xdc\xff\xfd", 10);
  for (const string name :
       {"text(1)", "text(3)", "utf16le(4)", "utf16be(5)", "utf16be(8)", "blob(2)", "u16le", "i16be",
        "i24le", "u32be", "i64le", "u40be", "i56le", "latin1(3)", "uuid", "guid"}) {
    for (int i = 0; i < 5000; i++) {
      string a, b;
      for (uint32_t n = 0; n < Type(name).size; n++) {
        a += alphabet[random() % alphabet.size()];
        b += random() % 4 ? a.back() : alphabet[random() % alphabet.size()];
      }
      Decoded x = Decode(name, a), y = Decode(name, b);
      bool integers = x.value.kind == MM_VALUE_INTEGER;
      int expected = integers
                         ? Sign(x.value.integer<y.value.integer, x.value.integer> y.value.integer)
                         : Sign(x.bytes<y.bytes, x.bytes> y.bytes);
      ASSERT_EQ(Compare(name, a, b), expected)
          << name << testing::PrintToString(a) << testing::PrintToString(b);
    }
  }
}

// The locale of the host

TEST(TypeLocale, DoesNotChangeHowNumbersAreReadAndPrinted) {
  const string before = setlocale(LC_ALL, nullptr);
  for (const char *locale : {"de_DE.UTF-8", "fr_FR.UTF-8", "ps_AF.UTF-8", "de_DE", "C"}) {
    if (!setlocale(LC_ALL, locale)) continue;
    EXPECT_EQ(DecodeReal("f64le", Encode("f64le", Text("1.5"))), 1.5) << locale;
    EXPECT_EQ(DecodeReal("f32le", Encode("f32le", Text("1.5"))), 1.5) << locale;
    EXPECT_FALSE(Fits("f64le", Text("1,5"))) << locale;
    EXPECT_EQ(DecodeText("text(9)", Encode("text(9)", Real(1234.5))), "1234.5") << locale;
    EXPECT_EQ(Encode("u8", Real(1.5)), "1.5 does not fit u8") << locale;
  }
  setlocale(LC_ALL, before.c_str());
}

} // namespace
