// mmap_checksum, mmap_crc32, mmap_entropy and mmap_blocks through SQL.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class ChecksumSql : public SqlTest {};

TEST_F(ChecksumSql, SumsUpAFileOrAPartOfIt) {
  Put("a", "..123456789..");
  EXPECT_EQ(One("SELECT mmap_checksum('a', 'crc-16/modbus', 2, -2), "
                "mmap_checksum('a', 'CRC-32/ISO-HDLC', 2, 11) = mmap_crc32('a', 2, 11), "
                "lower(hex(mmap_checksum('a', 'md5', 2, 11)))"),
            "19255|1|25f9e794323b453885f5181f1b624d0b");
  EXPECT_EQ(
      One("SELECT typeof(mmap_checksum('a', 'sha256')), length(mmap_checksum('a', 'sha256')), "
          "typeof(mmap_checksum('a', 'xxh3'))"),
      "blob|32|integer");
  EXPECT_EQ(One("SELECT mmap_checksum('a', 'crc-64/xz', 2, 11)"), "-7395533204333446662")
      << "64 bits as the same bits signed";
}

TEST_F(ChecksumSql, OfNothing) {
  Put("a", "");
  EXPECT_EQ(One("SELECT mmap_checksum('a', 'adler32'), mmap_checksum('a', 'crc-32/iscsi'), "
                "lower(hex(mmap_checksum('a', 'sha1', 5, 2))), mmap_entropy('a')"),
            "1|0|da39a3ee5e6b4b0d3255bfef95601890afd80709|NULL");
}

TEST_F(ChecksumSql, NullsAndErrors) {
  Put("a", "x");
  EXPECT_EQ(One("SELECT mmap_checksum(NULL, 'md5'), mmap_checksum('a', NULL), mmap_entropy(NULL)"),
            "NULL|NULL|NULL");
  EXPECT_EQ(Error("SELECT mmap_checksum('a', 'md4')").substr(0, 58),
            "ERROR mmap_checksum: algorithm 'md4' is none of adler32, f");
  EXPECT_EQ(Error("SELECT mmap_checksum('a', x'6d64')"),
            "ERROR mmap_checksum: algorithm (a blob of 2 bytes) is not text");
  EXPECT_EQ(Error("SELECT mmap_checksum('no', 'md5')"),
            "CANTOPEN mmap_checksum: cannot open 'no': No such file or directory");
  EXPECT_EQ(Error("SELECT mmap_entropy('a', 1.5)"),
            "ERROR mmap_entropy: start 1.5 is not an integer");
}

// A constant name is looked up once in a statement; a name of each row is its own.
TEST_F(ChecksumSql, NamesOfEachRow) {
  Put("a", "123456789");
  EXPECT_EQ(Rows("SELECT mmap_checksum('a', value), mmap_checksum('a', 'crc-16/usb') "
                 "FROM json_each('[\"crc-16/modbus\", \"crc-8/smbus\", \"adler32\", null]')"),
            "19255|46280\n244|46280\n152961502|46280\nNULL|46280");
  EXPECT_EQ(Error("SELECT mmap_checksum('a', value) FROM json_each('[\"crc-8/smbus\", \"no\"]')")
                .substr(0, 40),
            "ERROR mmap_checksum: algorithm 'no' is n");
}

TEST_F(ChecksumSql, SeesWhatIsNotCommitted) {
  Put("a", "abc");
  Run("BEGIN");
  Run("SELECT mmap_patch('a', 0, 'ABC')");
  EXPECT_EQ(One("SELECT hex(mmap_checksum('a', 'md5'))"), "902FBDD2B1DF0C4F70B4A5D23525E932");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT hex(mmap_checksum('a', 'md5'))"), "900150983CD24FB0D6963F7D28E17F72");
}

TEST_F(ChecksumSql, EntropyIsOfTheRange) {
  Put("a", "aaaaabcd");
  EXPECT_EQ(One("SELECT mmap_entropy('a', 4), mmap_entropy('a', 0, 5), mmap_entropy('a', 4, 6)"),
            "2.0|0.0|1.0");
}

TEST_F(ChecksumSql, BlocksTellWhatTheyHold) {
  Put("a", std::string("\0\0\0ab\tz\xff\x80", 9) + "xxxx");
  EXPECT_EQ(Rows("SELECT offset, length, entropy, zeros, printable, high, run "
                 "FROM mmap_blocks('a', 4)"),
            "0|4|0.811278124459133|3|1|0|3\n"
            "4|4|2.0|0|3|1|1\n"
            "8|4|0.811278124459133|0|3|1|3\n"
            "12|1|0.0|0|1|0|1");
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_blocks('a', 5, 1, -1)"), "1|5\n6|5\n11|1");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_blocks('a', 4) WHERE offset > 3 AND offset < 12"),
            "4\n8");
  EXPECT_EQ(Rows("SELECT offset FROM mmap_blocks('a', 4, 1) WHERE offset >= 6"), "9");
  EXPECT_EQ(One("SELECT count(*), max(length) FROM mmap_blocks('a')"), "1|13");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_blocks('a', NULL, 99)"), "0");
  EXPECT_EQ(One("SELECT count(*), max(length) FROM mmap_blocks('a', 9223372036854775807)"), "1|13");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_blocks(NULL)"), "0");
}

TEST_F(ChecksumSql, BlocksOfNoSize) {
  Put("a", "x");
  EXPECT_EQ(Error("SELECT * FROM mmap_blocks('a', 0)"), "ERROR mmap_blocks: size 0 is less than 1");
  EXPECT_EQ(Error("SELECT * FROM mmap_blocks('a', -4)"),
            "ERROR mmap_blocks: size -4 is less than 1");
}

TEST_F(ChecksumSql, BlocksOfAFileThatTheStatementCuts) {
  Put("a", std::string(100, 'x'));
  Run("BEGIN");
  EXPECT_EQ(Rows("SELECT offset, length, mmap_resize('a', 25), zeros FROM mmap_blocks('a', 20)"),
            "0|20|25|0\n20|5|25|0");
  Run("ROLLBACK");
}

} // namespace
} // namespace mm_test
