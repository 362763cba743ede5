// Databases of UTF-8 and UTF-16: functions and tables are the same in all of them. TEXT goes to
// files as UTF-8, whatever the database makes of it.
#include "tests/support/sql.h"

namespace mm_test {
namespace {

class Encoding : public SqlTest, public testing::WithParamInterface<const char *> {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Run("PRAGMA encoding = '" + std::string(GetParam()) + "'; CREATE TABLE t(x)");
    ASSERT_EQ(One("PRAGMA encoding"), GetParam());
    Put("grün.bin", "für 🌳 und Wald\n");
  }
};

INSTANTIATE_TEST_SUITE_P(All, Encoding, testing::Values("UTF-8", "UTF-16le", "UTF-16be"),
                         [](const auto &info) {
                           std::string name = info.param;
                           return "Utf" + name.substr(4, name[4] == '8' ? 1 : 2) +
                                  name.substr(name[4] == '8' ? 5 : 6);
                         });

TEST_P(Encoding, PathsAndMessagesAreText) {
  EXPECT_EQ(One("SELECT mmap_length('grün.bin'), mmap_size('grün.bin')"), "19|19");
  EXPECT_EQ(One("SELECT mmap_open('grün.bin', 'WRITE', '5', 3.0), mmap_length(1.0)"), "1|5");
  EXPECT_EQ(Error("SELECT mmap_size('ängstlich')"),
            "CANTOPEN mmap_size: cannot open 'ängstlich': No such file or directory");
  EXPECT_EQ(Error("SELECT mmap_get('grün.bin', 'drölf')"),
            "ERROR mmap_get: offset 'drölf' is not an integer");
  EXPECT_EQ(
      Error("SELECT mmap_get('grün.bin', 0, 'ü8')"),
      "ERROR mmap_get: 'ü8' is no type: there are u8 to u64 and i8 to i64 in steps of 8, f16, "
      "bf16, "
      "f32, f64, with le or be behind what has more than a byte; with a size blob(n), text(n), "
      "latin1(n), utf16le(n), utf16be(n); uuid, guid; uleb128, sleb128, varint, vlq, vlq1, cstr; "
      "and TYPE[n]");
  EXPECT_EQ(Error("SELECT mmap_size('grün.bin' || char(0) || 'x')"),
            "ERROR mmap_size: path 'grün.bin' goes on after a NUL");
  EXPECT_EQ(One("SELECT mmap_config('synchronous', 'normal'), mmap_config('busy_timeout', '70')"),
            "normal|70");
  EXPECT_EQ(One("SELECT path, size FROM mmap_glob('gr?n*')"), "grün.bin|19");
  EXPECT_EQ(One("SELECT path FROM mmap_list WHERE handle = 1"), directory + "/grün.bin");
}

TEST_P(Encoding, TextIsWrittenAndFoundAsUtf8) {
  EXPECT_EQ(One("SELECT mmap_find('grün.bin', '🌳'), mmap_rfind('grün.bin', 'ü'),"
                " mmap_count('grün.bin', x'c3bc'), mmap_find('grün.bin', '')"),
            "5|1|1|0");
  EXPECT_EQ(One("SELECT mmap_search('grün.bin', '[\\x{f0}-\\xf7].{3} und'),"
                " mmap_search('grün.bin', 'ü(?=r)'), mmap_search('grün.bin', mmap_hex('C3 B?'))"),
            "5|1|1");
  EXPECT_EQ(One("SELECT mmap_patch('grün.bin', 5, '🌲'), mmap_patch('grün.bin', -1, char(0)),"
                " mmap_insert('grün.bin', 0, 'ä' || char(0) || 'z')"),
            "4|1|23");
  EXPECT_EQ(Get("grün.bin"), std::string("ä\0zfür 🌲 und Wald\0", 23));
  EXPECT_EQ(One("SELECT mmap_find('grün.bin', 'ä' || char(0)), hex(mmap_slice('grün.bin', 0, 4))"),
            "0|C3A4007A");
  EXPECT_EQ(One("SELECT mmap_open('grün.bin', 'write'), mmap_write(1, 'Ö'), mmap_tell(1)"),
            "1|2|2");
  EXPECT_EQ(Get("grün.bin").substr(0, 2), "Ö");
}

TEST_P(Encoding, ValuesOfATypeAreTextOfTheDatabase) {
  Put("v", std::string(40, '\0'));
  EXPECT_EQ(One("SELECT mmap_set('v', 0, 'Wäld', 'text(8)'), mmap_set('v', 8, '🌳a', 'utf16le(8)'),"
                " mmap_set('v', 16, '🌳a', 'UTF16BE(8)'), mmap_set('v', 24, '-7', 'i16le'),"
                " mmap_set('v', 26, '2.5', 'f32be')"),
            "8|8|8|2|4");
  EXPECT_EQ(Get("v").substr(0, 30),
            std::string("W\xc3\xa4ld\0\0\0\x3c\xd8\x33\xdf"
                        "a\0\0\0\xd8\x3c\xdf\x33\0a\0\0\xf9\xff\x40\x20\0\0",
                        30));
  EXPECT_EQ(One("SELECT mmap_get('v', 0, 'text(8)'), mmap_get('v', 8, 'utf16le(8)'),"
                " mmap_get('v', 16, 'utf16be(8)'), mmap_get('v', 24, 'i16le'),"
                " mmap_get('v', 26, 'f32be'), typeof(mmap_get('v', 0, 'text(8)')),"
                " length(mmap_get('v', 8, 'utf16le(8)'))"),
            "Wäld|🌳a|🌳a|-7|2.5|text|2");
  EXPECT_EQ(Error("SELECT mmap_set('v', 0, 'Wälder', 'text(6)')"),
            "CONSTRAINT mmap_set: 'Wälder' (7 bytes) does not fit text(6)");
  EXPECT_EQ(Error("SELECT mmap_set('v', 0, 'a' || char(0) || 'b', 'text(6)')"),
            "CONSTRAINT mmap_set: 'a?b' (with a NUL inside) does not fit text(6)");
}

TEST_P(Encoding, TablesOfBytesAndRecords) {
  EXPECT_EQ(One("SELECT group_concat(offset) FROM mmap('grün.bin') WHERE byte = '195'"), "1");
  Run("UPDATE mmap SET byte = '70' WHERE file = 'grün.bin' AND offset = '0'");
  Run("CREATE TEMP TABLE new(b); INSERT INTO new VALUES(33);"
      "UPDATE mmap SET byte = b FROM new WHERE file = 'grün.bin' AND offset = 18");
  EXPECT_EQ(Get("grün.bin"), "Für 🌳 und Wald!");
  Run("CREATE VIRTUAL TABLE r USING mmap('wörter.bin', access=create, \"größe\" u8, wort text(8),"
      " weit utf16le(8), sorted=wort)");
  Run("INSERT INTO r VALUES (1, 'Baum', '🌳'), (2, 'Wald', 'ö'), (3, 'Äste', 'x');"
      "UPDATE r SET weit = 'üü', \"größe\" = '9' WHERE wort = 'Wald'");
  EXPECT_EQ(Rows("SELECT \"größe\", wort, weit FROM r ORDER BY wort"),
            "1|Baum|🌳\n9|Wald|üü\n3|Äste|x");
  EXPECT_EQ(One("SELECT count(*) FROM r WHERE wort >= 'W' AND wort < 'Ä'"), "1");
  EXPECT_EQ(One("SELECT wort FROM r WHERE wort = 'Äste'"), "Äste");
  EXPECT_EQ(One("SELECT group_concat(wort) FROM r WHERE wort IN ('Äste', 'nichts', 'Baum')"),
            "Baum,Äste");
  EXPECT_EQ(Error("INSERT INTO r VALUES (4, 'Ab', 'x')"),
            "CONSTRAINT r: 'wort' 'Ab' would break the order: it is less than 'Äste' of record 2");
  EXPECT_EQ(One("SELECT mmap_check('r')"), "ok");
  EXPECT_EQ(One("SELECT min(wort) || max(wort) FROM r"), "BaumÄste");
}

TEST_P(Encoding, Scans) {
  Put("zeilen", "alt\nbräunlich\r\nzäh");
  EXPECT_EQ(Rows("SELECT number, text FROM mmap_lines('zeilen') WHERE text LIKE '%ä%'"),
            "2|bräunlich\n3|zäh");
  Run("CREATE VIRTUAL TABLE l USING mmap_lines('zeilen', sorted=yes)");
  EXPECT_EQ(One("SELECT text FROM l WHERE text >= 'b' AND text < 'c'"), "bräunlich");
  EXPECT_EQ(One("SELECT text FROM l WHERE text = 'zäh'"), "zäh");
  EXPECT_EQ(One("SELECT text FROM l WHERE text > 'alt' ORDER BY text DESC LIMIT 1"), "zäh");
  EXPECT_EQ(One("SELECT group_concat(offset) FROM mmap_find_all('zeilen', 'ä')"), "6,17");
  EXPECT_EQ(One("SELECT match, g1 FROM mmap_search_all('zeilen', 'b(r)ä')"), "x'6272c3a4'|x'72'");
  EXPECT_EQ(One("SELECT text FROM mmap_strings('zeilen', '6')"), "unlich");
  EXPECT_EQ(One("SELECT hex, ascii FROM mmap_hexdump('zeilen', 4, 8)"), "62 72 c3 a4|br..");
  EXPECT_EQ(One("SELECT count FROM mmap_histogram('zeilen') WHERE byte = 195"), "2");
  EXPECT_EQ(One("SELECT offset, length FROM mmap_diff('zeilen', 'grün.bin') LIMIT 1"), "0|19");
  Run("BEGIN; SELECT mmap_patch('grün.bin', 0, 'F')");
  EXPECT_EQ(One("SELECT path, offset, old, new FROM mmap_changes"),
            directory + "/grün.bin|0|x'66'|x'46'");
  Run("ROLLBACK");
}

// What is no UTF-8 cannot be TEXT of a database of UTF-16: it has U+FFFD instead. Blobs stay as
// they are.
TEST_P(Encoding, BytesThatAreNoUtf8) {
  Put("raw", "a\xff"
             "b\n");
  std::string text = std::string(GetParam()) == "UTF-8" ? "a\xff"
                                                          "b"
                                                        : "a\xef\xbf\xbd"
                                                          "b";
  EXPECT_EQ(One("SELECT text FROM mmap_lines('raw')"), text);
  EXPECT_EQ(One("SELECT mmap_get('raw', 0, 'text(3)')"), text);
  EXPECT_EQ(Bytes("SELECT mmap_slice('raw', 0, 3)"), "a\xff"
                                                     "b");
  EXPECT_EQ(One("SELECT mmap_find('raw', x'ff')"), "1");
}

TEST_P(Encoding, TheTableValuedFormUpdatesByAMark) {
  Put("zwölf", "aaaa");
  Put("b", "bbbb");
  Run("UPDATE mmap SET byte = 65 + offset WHERE file IN ('zwölf', 'b') AND offset < 2");
  EXPECT_EQ(Get("zwölf") + Get("b"), "ABaaABbb");
  EXPECT_EQ(One("SELECT mmap_open('zwölf', 'write', 2, 1, NULL)"), "1");
  Run("UPDATE mmap SET byte = 33 WHERE file = 1");
  EXPECT_EQ(Get("zwölf"), "A!!a");
}

} // namespace
} // namespace mm_test
