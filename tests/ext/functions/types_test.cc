// Types beside integers, floats, blobs and texts: mmap_get, mmap_set and tables of them, held
// against SQLite's own JSON and the formats' definitions.
#include <random>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

using Random = std::mt19937_64;

class Types : public SqlTest {
protected:
  // What `type` reads at the start of these bytes.
  std::string Read(const std::string &type, const std::string &bytes) {
    Put("a", bytes);
    return One("SELECT mmap_get('a', 0, " + Quote(type) + ")");
  }
  std::string Refused(const std::string &type, const std::string &bytes) {
    Put("a", bytes);
    return Error("SELECT mmap_get('a', 0, " + Quote(type) + ")");
  }
  // The bytes that are stored, or the error.
  std::string Store(const std::string &type, const std::string &value, size_t size) {
    Put("a", std::string(size, '.'));
    std::string error = Error("SELECT mmap_set('a', 0, " + value + ", " + Quote(type) + ")");
    return error == "ok" ? Get("a") : error;
  }
};

std::string AnyBytes(Random &random, size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; i++) bytes += static_cast<char>(random());
  return bytes;
}

TEST_F(Types, IntegersOfEveryWidth) {
  for (int bits = 8; bits <= 64; bits += 8) {
    for (const std::string order : {"le", "be"}) {
      std::string type = std::to_string(bits) + (bits > 8 ? order : "");
      std::string bytes;
      for (int i = 0; i < bits / 8; i++) bytes += static_cast<char>(0x81 + i);
      Put("a", bytes);
      // The same from its single bytes.
      std::string sum = "0";
      for (int i = 0; i < bits / 8; i++) {
        int at = order == "be" ? i : bits / 8 - 1 - i;
        sum = "(" + sum + " << 8 | mmap_get('a', " + std::to_string(at) + "))";
      }
      std::string sign = bits == 64 ? "0" : "(1 << " + std::to_string(bits) + ")";
      EXPECT_EQ(One("SELECT mmap_get('a', 0, 'u" + type + "') = " + sum), "1") << type;
      EXPECT_EQ(One("SELECT mmap_get('a', 0, 'i" + type + "') = " + sum + " - iif(" + sum + " >> " +
                    std::to_string(bits - 1) + " & 1, " + sign + ", 0)"),
                "1")
          << type;
      EXPECT_EQ(One("SELECT mmap_set('a', 0, mmap_get('a', 0, 'i" + type + "'), 'i" + type + "')"),
                std::to_string(bits / 8));
      EXPECT_EQ(Get("a"), bytes);
    }
  }
  EXPECT_EQ(Store("u40le", "1 << 40", 5), "CONSTRAINT mmap_set: 1099511627776 does not fit u40le");
}

TEST_F(Types, FloatsOf16Bits) {
  EXPECT_EQ(Read("f16be", "\x3e\x01"), "1.5009765625");
  EXPECT_EQ(Read("bf16le", "\xc0\x3f"), "1.5");
  EXPECT_EQ(Read("f16le", std::string("\0\x7e", 2)), "NULL");
  EXPECT_EQ(Store("f16le", "1.5", 2), std::string("\0\x3e", 2));
  EXPECT_EQ(Store("bf16be", "-9e999", 2), "\xff\x80");
  EXPECT_EQ(Store("f16le", "65520", 2), "CONSTRAINT mmap_set: 65520 does not fit f16le");
}

TEST_F(Types, UuidsAndLatin1) {
  std::string bytes;
  for (int i = 0; i < 16; i++) bytes += static_cast<char>(i * 17);
  EXPECT_EQ(Read("uuid", bytes), "00112233-4455-6677-8899-aabbccddeeff");
  EXPECT_EQ(Read("guid", bytes), "33221100-5544-7766-8899-aabbccddeeff");
  EXPECT_EQ(Store("uuid", "'{00112233-4455-6677-8899-AABBCCDDEEFF}'", 16), bytes);
  EXPECT_EQ(Store("guid", "x'00112233445566778899aabbccddeeff'", 16), bytes);
  EXPECT_EQ(Store("uuid", "'x'", 16), "CONSTRAINT mmap_set: 'x' does not fit uuid");
  EXPECT_EQ(Read("latin1(5)", std::string("h\xe9\0!!", 5)), "h\xc3\xa9");
  EXPECT_EQ(Store("latin1(3)", "'h\xc3\xa9'", 3), std::string("h\xe9\0", 3));
  EXPECT_EQ(Store("latin1(3)", "'\xe2\x82\xac'", 3),
            "CONSTRAINT mmap_set: '\xe2\x82\xac' (not all of it in latin1) does not fit latin1(3)");
}

TEST_F(Types, ArraysAreJson) {
  EXPECT_EQ(Read("u16be[3]", std::string("\0\1\0\2\xff\xff", 6)), "[1,2,65535]");
  EXPECT_EQ(
      One("SELECT sum(value), group_concat(type) FROM json_each(mmap_get('a', 0, 'u16be[3]'))"),
      "65538|integer,integer,integer");
  EXPECT_EQ(Store("u8[3]", "json_array(1, 2, 3)", 3), "\1\2\3");
  EXPECT_EQ(Store("u8[3]", "'[1,2]'", 3), "CONSTRAINT mmap_set: 2 items do not fit u8[3]");
  EXPECT_EQ(Store("u8[3]", "'[1,2,300]'", 3), "CONSTRAINT mmap_set: $[2]: 300 does not fit u8");
  EXPECT_EQ(Store("u8[3]", "x'010203'", 3), "CONSTRAINT mmap_set: a blob does not fit u8[3]");
  // Longer than what is made on the stack.
  EXPECT_EQ(Read("blob(1)[300]", std::string(300, '\xab')).size(), 300u * 5 + 1);
}

// Each item as mmap_get gives it alone, by SQLite's own reader of JSON.
TEST_F(Types, ArraysAreWhatTheirItemsAre) {
  const std::vector<std::pair<std::string, size_t>> items = {
      {"u8", 1},         {"i8", 1},        {"u16le", 2},     {"i24be", 3}, {"u40le", 5},
      {"i48be", 6},      {"u56le", 7},     {"u64be", 8},     {"i64le", 8}, {"f16le", 2},
      {"bf16be", 2},     {"f32le", 4},     {"latin1(5)", 5}, {"uuid", 16}, {"guid", 16},
      {"utf16be(6)", 6}, {"utf16le(3)", 3}};
  Random random(1);
  for (const auto &[item, size] : items) {
    for (size_t count : {1, 3, 60}) {
      Put("a", AnyBytes(random, count * size));
      std::string array = "mmap_get('a', 0, '" + item + "[" + std::to_string(count) + "]')";
      std::string alone = "mmap_get('a', j.key * " + std::to_string(size) + ", '" + item + "')";
      ASSERT_EQ(
          Rows("SELECT count(*) FROM json_each(" + array + ") AS j WHERE j.value IS " + alone),
          std::to_string(count))
          << One("SELECT " + array);
    }
  }
}

// Blanks, numbers, escapes and lengths of all kinds: what is stored is what json_each reads.
TEST_F(Types, ArraysAreStoredAsJsonEachReadsThem) {
  Random random(2);
  const std::vector<std::string> numbers = {"0",      "-0",   "7",     "255",    "3.0",    "2e1",
                                            "2.5E+1", "true", "false", "\"12\"", "1.20e2", "0.5e1"};
  const std::vector<std::string> texts = {R"("")",
                                          R"("a")",
                                          R"("\u0041\u00e9")",
                                          "\"\xc3\xa9\"",
                                          R"("\ud83d\ude00")",
                                          R"("\"\\\/\b")",
                                          R"("\n\t\r\f")",
                                          "1",
                                          "-2.5",
                                          "1e3"};
  const std::vector<std::string> blanks = {"", "", " ", "\n", "\t ", "\r\n"};
  Run("SELECT mmap_config('synchronous', 'off')");
  for (int i = 0; i < 100; i++) {
    bool text = random() % 2;
    const std::vector<std::string> &items = text ? texts : numbers;
    size_t count = random() % 5 + 1;
    auto blank = [&] { return blanks[random() % blanks.size()]; };
    std::string json = blank() + "[" + blank();
    for (size_t n = 0; n < count; n++) {
      json += (n ? blank() + "," + blank() : "") + items[random() % items.size()];
    }
    json += blank() + "]" + blank();
    std::string item = text ? "text(8)" : "i16be", size = text ? "8" : "2";
    std::string array = item + "[" + std::to_string(count) + "]";
    Put("a", std::string(count * 8, '.'));
    ASSERT_EQ(Error("SELECT mmap_set('a', 0, " + Quote(json) + ", '" + array + "')"), "ok") << json;
    std::string same = text ? "CAST(j.value AS TEXT)" : "CAST(j.value AS INTEGER)";
    ASSERT_EQ(Rows("SELECT count(*) FROM json_each(" + Quote(json) + ") AS j WHERE " + same +
                   " IS mmap_get('a', j.key * " + size + ", '" + item + "')"),
              std::to_string(count))
        << json;
  }
}

TEST_F(Types, WhatSaysItselfHowLongItIsIsRead) {
  EXPECT_EQ(Read("uleb128", "\xe5\x8e\x26!"), "624485");
  EXPECT_EQ(Read("sleb128", "\xc0\xbb\x78!"), "-123456");
  EXPECT_EQ(Read("varint", std::string(9, '\xff') + "!"), "-1");
  EXPECT_EQ(Read("vlq", "\xff\x7f!"), "16383");
  EXPECT_EQ(Read("vlq1", std::string("\x80\0!", 3)), "128");
  EXPECT_EQ(Read("cstr", std::string("hello\0world", 11)), "hello");
  EXPECT_EQ(Read("cstr(x'0d0a')", "one\rline\r\nanother"), "one\rline");
  EXPECT_EQ(Read("cstr(6)", std::string("hello\0", 6)), "hello");
  EXPECT_EQ(Refused("cstr", "hello"),
            "DAMAGED mmap_get: cstr at offset 0 of 'a' has no end in the last 5 bytes");
  EXPECT_EQ(Refused("cstr(3)", std::string("hello\0", 6)),
            "DAMAGED mmap_get: cstr(3) at offset 0 of 'a' has no end in 3 bytes");
  EXPECT_EQ(Refused("uleb128", "\x80\x80"),
            "DAMAGED mmap_get: uleb128 at offset 0 of 'a' is cut off after 2 bytes");
  EXPECT_EQ(Refused("uleb128", std::string(20, '\xff')),
            "DAMAGED mmap_get: uleb128 at offset 0 of 'a' is past 64 bits");
  EXPECT_EQ(Error("SELECT mmap_get('a', 20, 'cstr')"),
            "ERROR mmap_get: offset 20 is outside 'a' (20 bytes)");
}

TEST_F(Types, AWindowEndsWhatIsRead) {
  Put("a", std::string("ab\0cd\x80\x01", 7));
  EXPECT_EQ(One("SELECT mmap_get(mmap_open('a', 'read', 3, 0), -3, 'cstr')"), "ab");
  EXPECT_EQ(Error("SELECT mmap_get(mmap_open('a', 'read', 2, 0), 0, 'cstr')"),
            "DAMAGED mmap_get: cstr at offset 0 of 'a' has no end in the last 2 bytes");
  EXPECT_EQ(One("SELECT mmap_get('a', -2, 'uleb128')"), "128");
  EXPECT_EQ(Error("SELECT mmap_get(mmap_open('a', 'read', 4, 2), 3, 'uleb128')"),
            "DAMAGED mmap_get: uleb128 at offset 3 of 'a' is cut off after 1 byte");
}

TEST_F(Types, OnlyAFixedSizeIsStored) {
  Put("a", "....");
  EXPECT_EQ(Error("SELECT mmap_set('a', 0, 1, 'uleb128')"),
            "ERROR mmap_set: uleb128 has no fixed size");
  for (const char *name : {"mmap_get('a', 0, 'b3')", "mmap_set('a', 0, 1, 'b3')"}) {
    EXPECT_EQ(Error(std::string("SELECT ") + name),
              "ERROR " + std::string(name, 8) +
                  ": b3 is a part of some byte: read an integer, and use >> and & on it");
  }
}

TEST_F(Types, AreColumnsOfTables) {
  Put("a", "");
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', id uuid, n u40be, weight bf16le, point "
      "f32be[3], "
      "name latin1(4))");
  Run("INSERT INTO t VALUES('00112233-4455-6677-8899-aabbccddeeff', 1 << 39, 1.5, '[1,2.5,-3]', "
      "'h\xc3\xa9')");
  const std::string row =
      "00112233-4455-6677-8899-aabbccddeeff|549755813888|1.5|[1.0,2.5,-3.0]|h\xc3\xa9";
  EXPECT_EQ(Rows("SELECT * FROM t"), row);
  EXPECT_EQ(Get("a").size(), 16u + 5 + 2 + 12 + 4);
  EXPECT_EQ(One("SELECT count(*) FROM t WHERE id = '00112233-4455-6677-8899-aabbccddeeff'"), "1");
  Run("UPDATE t SET point = json_set(point, '$[1]', 9), n = n - 1");
  EXPECT_EQ(Rows("SELECT point, n FROM t"), "[1.0,9.0,-3.0]|549755813887");
  EXPECT_EQ(Error("UPDATE t SET point = '[1]'"),
            "CONSTRAINT t: column 'point': 1 item does not fit f32be[3]");
  EXPECT_EQ(Error("UPDATE t SET id = 'x'"), "CONSTRAINT t: column 'id': 'x' does not fit uuid");
  // A column left out is zero.
  Run("INSERT INTO t(n) VALUES(7)");
  EXPECT_EQ(Rows("SELECT * FROM t WHERE rowid = 1"),
            "00000000-0000-0000-0000-000000000000|7|0.0|[0.0,0.0,0.0]|");
}

// What an UPDATE does not change stays as it is, NaNs and what follows a NUL too.
TEST_F(Types, KeepTheBytesThatAnUpdateDoesNotChange) {
  const std::string bytes("\x01\x7c\x02\xfe\0\x3c"
                          "a\0bc"
                          "x",
                          11);
  Put("a", bytes);
  Run("CREATE VIRTUAL TABLE temp.t USING mmap('a', h f16le[3], l latin1(4), end u8)");
  EXPECT_EQ(Rows("SELECT * FROM t"), "[null,null,1.0]|a|120");
  Run("UPDATE t SET h = '[null,null,1.0]', l = 'a', end = end + 1");
  EXPECT_EQ(Get("a"), bytes.substr(0, 10) + "y");
}

TEST_F(Types, ATableNeedsWhatHasASizeAndAnOrder) {
  Put("a", "");
  auto create = [&](const std::string &columns) {
    std::string error = Error("CREATE VIRTUAL TABLE temp.t USING mmap('a', " + columns + ")");
    if (error == "ok") Run("DROP TABLE t");
    return error;
  };
  EXPECT_EQ(create("n u40"), "ERROR mmap: the order of bytes is open: endian= says le or be");
  EXPECT_EQ(create("n varint"), "ok");
  EXPECT_EQ(create("n varint, sorted=n"), "ERROR mmap: option 'sorted' needs records of one size");
  EXPECT_EQ(create("n u8[4], sorted=n"), "ERROR mmap: sorted 'n' is u8[4], which has no order");
  EXPECT_EQ(create("n uuid, sorted=n"), "ok");
  EXPECT_EQ(create("n u16le[4] @3, m bf16be, sorted=m"), "ok");
}

} // namespace
} // namespace mm_test
