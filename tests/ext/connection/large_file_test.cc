// Offsets past 2^31 and 2^32: everything that takes or gives an offset, on a sparse file, near the
// places where a narrower number would break. What lies at the same offset modulo 2^32 is
// different.
#include "tests/support/sql.h"
#include "tests/support/wide.h"

#include <filesystem>

namespace mm_test {
namespace {

constexpr int64_t k2G = INT64_C(1) << 31, k4G = INT64_C(1) << 32;
constexpr int64_t kSize = 5 * (INT64_C(1) << 30) + 12345;

std::string N(int64_t number) {
  return std::to_string(number);
}

class LargeFile : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    MM_NEEDS_64_BITS();
    Put("s", "");
    std::filesystem::resize_file("s", kSize);
    Run("BEGIN");
    Patch(k2G - 3, "needle one");
    Patch(k4G - 3, "needle two");
    Patch(k4G + 5000, "needle 333\n");
    Patch(k4G + 200000, "\n");
    Patch(kSize - 21, "\nlast line\r\nnot quite");
    Run("COMMIT");
  }
  void Patch(int64_t at, const std::string &bytes) {
    Run("SELECT mmap_patch('s', " + N(at) + ", " + Blob(bytes) + ")");
  }
};

TEST_F(LargeFile, FindSeesWhatLiesAcrossAndBeyond) {
  EXPECT_EQ(Int("SELECT mmap_find('s', 'needle', " + N(k2G - 100) + ")"), k2G - 3);
  EXPECT_EQ(Int("SELECT mmap_find('s', 'needle', " + N(k4G - 100000) + ")"), k4G - 3);
  EXPECT_EQ(Int("SELECT mmap_find('s', 'needle', " + N(k4G - 2) + ")"), k4G + 5000);
  EXPECT_EQ(Int("SELECT mmap_find('s', 'needle', " + N(k4G - 3) + ", " + N(k4G + 2) + ")"), -1);
  EXPECT_EQ(Int("SELECT mmap_find('s', '3', " + N(k4G) + ")"), k4G + 5007);
  EXPECT_EQ(Int("SELECT mmap_find('s', 'quite', -20)"), kSize - 5);
  EXPECT_EQ(Int("SELECT mmap_find('s', '', " + N(k4G + 1) + ")"), k4G + 1);
}

TEST_F(LargeFile, RfindSeesWhatLiesAcrossAndBeyond) {
  std::string from = ", 'needle', " + N(k4G - 100000);
  EXPECT_EQ(Int("SELECT mmap_rfind('s'" + from + ", " + N(k4G + 6000) + ")"), k4G + 5000);
  EXPECT_EQ(Int("SELECT mmap_rfind('s'" + from + ", " + N(k4G + 5005) + ")"), k4G - 3);
  EXPECT_EQ(Int("SELECT mmap_rfind('s'" + from + ", " + N(k4G + 2) + ")"), -1);
  EXPECT_EQ(Int("SELECT mmap_rfind('s', 'n', " + N(k4G + 5001) + ")"), kSize - 9);
  EXPECT_EQ(Int("SELECT mmap_rfind('s', '')"), kSize);
}

TEST_F(LargeFile, CountsAcross) {
  std::string around = N(k4G - 100000) + ", " + N(k4G + 100000) + ")";
  EXPECT_EQ(One("SELECT mmap_count('s', 'needle', " + around), "2");
  EXPECT_EQ(One("SELECT mmap_count('s', '3', " + around), "3");
  EXPECT_EQ(One("SELECT mmap_count('s', x'00', " + around), N(200000 - 21));
  EXPECT_EQ(One("SELECT count, byte FROM mmap_histogram('s', " + around + " WHERE byte = 51"),
            "3|51");
  EXPECT_EQ(One("SELECT sum(count) FROM mmap_histogram('s', " + around), "200000");
}

TEST_F(LargeFile, ScansGiveTrueOffsets) {
  std::string beyond = " WHERE offset >= " + N(k4G - 3) + " AND offset < " + N(k4G + 100000);
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_all('s', 'needle', " + N(k4G - 9) + ", " +
                 N(k4G + 9000) + ")"),
            N(k4G - 3) + "\n" + N(k4G + 5000));
  EXPECT_EQ(Rows("SELECT offset FROM mmap_find_all('s', 'needle')" + beyond),
            N(k4G - 3) + "\n" + N(k4G + 5000));
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_search_all('s', 'needle \\w+', " + N(k4G - 9) +
                 ", " + N(k4G + 9000) + ")"),
            N(k4G - 3) + "|10\n" + N(k4G + 5000) + "|10");
  EXPECT_EQ(Int("SELECT mmap_search('s', 'needle [3-9]+', " + N(k4G - 9) + ")"), k4G + 5000);
  EXPECT_EQ(Int("SELECT mmap_search('s', '(?<=n)eedle', " + N(k4G - 2) + ")"), k4G - 2)
      << "lookbehind sees what lies before start";
  EXPECT_EQ(Rows("SELECT offset, text FROM mmap_strings('s', 10)" + beyond),
            N(k4G - 3) + "|needle two\n" + N(k4G + 5000) + "|needle 333");
  EXPECT_EQ(
      Rows("SELECT offset, ascii FROM mmap_hexdump('s', " + N(k4G - 8) + ", " + N(k4G + 8) + ")"),
      N(k4G - 8) + "|.....needle two.");
}

TEST_F(LargeFile, DiffGivesTrueOffsets) {
  Put("t", "");
  std::filesystem::resize_file("t", kSize);
  EXPECT_EQ(Rows("SELECT offset, length FROM mmap_diff('s', 't') WHERE offset >= " + N(k4G - 9) +
                 " AND offset < " + N(k4G + 100000)),
            N(k4G - 3) + "|10\n" + N(k4G + 5000) + "|11");
  std::filesystem::resize_file("t", k4G + 2);
  EXPECT_EQ(Rows("SELECT offset, length, b FROM mmap_diff('s', 't') WHERE offset >= " + N(k4G - 9) +
                 " AND offset < " + N(k4G)),
            N(k4G - 3) + "|5|x'0000000000'");
}

TEST_F(LargeFile, LinesBeginBeyond) {
  std::string beyond = " FROM mmap_lines('s') WHERE offset > " + N(kSize - 21);
  EXPECT_EQ(Rows("SELECT offset, text" + beyond),
            N(kSize - 20) + "|last line\n" + N(kSize - 9) + "|not quite");
  EXPECT_EQ(Rows("SELECT offset, text" + beyond + " ORDER BY offset DESC"),
            N(kSize - 9) + "|not quite\n" + N(kSize - 20) + "|last line");
  EXPECT_EQ(Int("SELECT offset FROM mmap_lines('s') WHERE offset > " + N(k4G) + " LIMIT 1"),
            k4G + 5011);
}

TEST_F(LargeFile, BytesAndSlices) {
  EXPECT_EQ(One("SELECT mmap_length('s') || ' ' || mmap_size('s')"), N(kSize) + " " + N(kSize));
  EXPECT_EQ(Bytes("SELECT mmap_slice('s', " + N(k4G - 3) + ", " + N(k4G + 7) + ")"), "needle two");
  EXPECT_EQ(Bytes("SELECT mmap_slice('s', " + N(k4G + 6) + ", " + N(k4G - 4) + ", -1)"),
            "owt eldeen");
  EXPECT_EQ(One("SELECT mmap_get('s', " + N(k4G) + ") || ' ' || mmap_get('s', 0)"), "100 0");
  EXPECT_EQ(One("SELECT mmap_get('s', " + N(k4G - 3) + ", 'text(6)')"), "needle");
  EXPECT_EQ(One("SELECT byte FROM mmap('s') WHERE offset = " + N(k4G)), "100");
  EXPECT_EQ(Int("SELECT offset FROM mmap('s') WHERE byte = 51 AND offset > " + N(k4G) + " LIMIT 1"),
            k4G + 5007);
  EXPECT_EQ(Error("SELECT mmap_get('s', " + N(kSize) + ")"),
            "ERROR mmap_get: offset " + N(kSize) + " is outside 's' (" + N(kSize) + " bytes)");
}

TEST_F(LargeFile, WritesAreCommittedAndTakenBack) {
  Run("BEGIN; SELECT mmap_move('s', " + N(k4G + 2) + ", " + N(k4G - 3) + ", 10)");
  EXPECT_EQ(Bytes("SELECT mmap_slice('s', " + N(k4G - 3) + ", " + N(k4G + 12) + ")"),
            "needlneedle two");
  Run("ROLLBACK");
  EXPECT_EQ(Bytes("SELECT mmap_slice('s', " + N(k4G - 3) + ", " + N(k4G + 7) + ")"), "needle two");
  Run("UPDATE mmap SET byte = 33 WHERE file = 's' AND offset BETWEEN " + N(k4G - 1) + " AND " +
      N(k4G));
  Db other;
  EXPECT_EQ(other.Bytes("SELECT mmap_slice('s', " + N(k4G - 3) + ", " + N(k4G + 7) + ")"),
            "ne!!le two");
  EXPECT_EQ(One("SELECT mmap_get('s', 0)"), "0");
  EXPECT_EQ(Int("SELECT mmap_insert('s', " + N(kSize - 9) + ", 'by far ')"), kSize + 7);
  EXPECT_EQ(Bytes("SELECT mmap_slice('s', -16)"), "by far not quite");
  EXPECT_EQ(Int("SELECT mmap_delete('s', " + N(k4G + 100) + ", " + N(2 * kSize) + ")"), k4G + 100);
  EXPECT_EQ(Int("SELECT mmap_resize('s', " + N(k4G + 5) + ")"), k4G + 5);
  EXPECT_EQ(std::filesystem::file_size("s"), static_cast<uintmax_t>(k4G + 5));
}

TEST_F(LargeFile, PositionsAndWindows) {
  Run("SELECT mmap_open('s'), mmap_open('s', 'read', 100, " + N(k4G - 3) + ")");
  EXPECT_EQ(Int("SELECT mmap_seek(1, " + N(k4G + 5000) + ")"), k4G + 5000);
  EXPECT_EQ(Bytes("SELECT mmap_readline(1)"), "needle 333\n");
  EXPECT_EQ(Int("SELECT mmap_tell(1)"), k4G + 5011);
  EXPECT_EQ(Bytes("SELECT mmap_read(2, 10)"), "needle two");
  EXPECT_EQ(One("SELECT mmap_find(2, 'two'), mmap_count(2, 'e'), mmap_length(2)"), "7|3|100");
}

TEST_F(LargeFile, RecordsBeyond) {
  Run("CREATE VIRTUAL TABLE temp.r USING mmap('s', record=8, a u8, b text(3) @1)");
  std::string row = N(k4G / 8);
  EXPECT_EQ(One("SELECT rowid, offset, a, b FROM r WHERE rowid = " + row),
            row + "|" + N(k4G) + "|100|le ");
  EXPECT_EQ(Int("SELECT rowid FROM r ORDER BY rowid DESC LIMIT 1"), kSize / 8 - 1);
  Run("CREATE VIRTUAL TABLE temp.z USING mmap('s', length=" + N(k4G + 8) +
      ", key u64be @0, sorted=key)");
  Patch(k2G - 3, std::string(10, '\0'));
  Patch(k4G - 3, std::string(10, '\0'));
  Patch(k4G, std::string(7, '\0') + "M");
  EXPECT_EQ(One("SELECT rowid, offset FROM z WHERE key = 77"), row + "|" + N(k4G));
  EXPECT_EQ(One("SELECT max(rowid) FROM z WHERE key < 77"), N(k4G / 8 - 1));
}

} // namespace
} // namespace mm_test
