// What CPython's own tests of mmap do, in SQL, with the same outcome. tests/clients/python_twin.py
// runs both beside each other.
#include "tests/support/sql.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>

namespace mm_test {
namespace {

class PythonTwin : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
  }
  std::string Page(double n) {
    return std::to_string(static_cast<int64_t>(n * static_cast<double>(page)));
  }
  // Open as handle 1.
  void Open(const std::string &bytes, const std::string &access = "write") {
    Put("foo", bytes);
    Run("SELECT mmap_open('foo', '" + access + "')");
  }
  void Raises(const std::string &call) { EXPECT_NE(Error("SELECT " + call), "ok") << call; }
  size_t page;
};

TEST_F(PythonTwin, Basic) {
  Open(std::string(page, '\0') + "foo" + std::string(page - 3, '\0'));
  EXPECT_EQ(One("SELECT mmap_find(1, 'foo'), mmap_length(1)"), Page(1) + "|" + Page(2));
  EXPECT_EQ(One("SELECT mmap_get(1, 0), hex(mmap_slice(1, 0, 3))"), "0|000000");
  Raises("mmap_get(1, " + Page(2) + ")");
  Run("SELECT mmap_set(1, 0, unicode('3')), mmap_patch(1, " + Page(1) + " + 3, 'bar')");
  EXPECT_EQ(One("SELECT mmap_get(1, 0)"), "51");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1, " + Page(1) + ", " + Page(1) + " + 7)"),
            std::string("foobar\0", 7));
  EXPECT_EQ(One("SELECT mmap_seek(1, 0), mmap_tell(1), mmap_seek(1, 42, 1), mmap_tell(1), "
                "mmap_seek(1, 0, 2)"),
            "0|0|42|42|" + Page(2));
  Raises("mmap_seek(1, -1)");
  Raises("mmap_seek(1, 1, 2)");
  Raises("mmap_seek(1, " + Page(-2) + " - 1, 2)");
  EXPECT_EQ(One("SELECT mmap_resize(1, 512), mmap_length(1)"), "512|512");
  EXPECT_EQ(Get("foo").size(), size_t{512});
}

TEST_F(PythonTwin, AccessParameter) {
  Open(std::string(10, 'a'), "read");
  EXPECT_EQ(Bytes("SELECT mmap_slice(1)"), std::string(10, 'a'));
  for (const char *call :
       {"mmap_patch(1, 0, 'bbbbbbbbbb')", "mmap_set(1, 0, 98)", "mmap_write(1, 'abc')",
        "mmap_write_byte(1, 100)", "mmap_resize(1, 20)", "mmap_move(1, 0, 1, 1)"}) {
    EXPECT_EQ(Error("SELECT " + std::string(call)).substr(0, 8), "READONLY") << call;
  }
  EXPECT_EQ(Get("foo"), std::string(10, 'a'));
  Run("SELECT mmap_open('foo', 'write'); SELECT mmap_patch(2, 0, 'bbbbbbbbbb'), mmap_flush(2)");
  EXPECT_EQ(Get("foo"), std::string(10, 'b'));
  Run("SELECT mmap_open('foo', 'copy'); SELECT mmap_patch(3, 0, 'cccccccccc'), mmap_flush(3)");
  EXPECT_EQ(Bytes("SELECT mmap_slice(3)"), std::string(10, 'c'));
  EXPECT_EQ(Get("foo"), std::string(10, 'b'));
  Raises("mmap_resize(3, 20)");
  Raises("mmap_open('foo', 'four')");
}

TEST_F(PythonTwin, TooBigMaps) {
  Put("foo", "x");
  Raises("mmap_open('foo', 'read', 2)");
  Raises("mmap_open('foo', 'write', 9223372036854775807)");
  Raises("mmap_open('foo', 'read', -1)");
}

TEST_F(PythonTwin, FindEnd) {
  Open("one two ones");
  EXPECT_EQ(
      One("SELECT mmap_find(1, 'one'), mmap_find(1, 'ones'), mmap_find(1, 'one', 0, -1), "
          "mmap_find(1, 'one', 1),"
          " mmap_find(1, 'one', 1, -1), mmap_find(1, 'one', 1, -2), mmap_find(1, 'one ', 0, 3)"),
      "0|8|0|8|8|-1|-1");
}

TEST_F(PythonTwin, Rfind) {
  Open("one two ones");
  EXPECT_EQ(One("SELECT mmap_rfind(1, 'one'), mmap_rfind(1, 'one '), mmap_rfind(1, 'one', 0, -1), "
                "mmap_rfind(1, 'one', 0, -2),"
                " mmap_rfind(1, 'one', 1, -1), mmap_rfind(1, 'one', 1, -2)"),
            "8|0|8|0|8|-1");
}

TEST_F(PythonTwin, FindDoesNotAccessBeyondTheBuffer) {
  Put("foo", std::string(page, 'A'));
  Run("SELECT mmap_open('foo')");
  EXPECT_EQ(One("SELECT mmap_find(1, 'B'), mmap_rfind(1, 'B'), mmap_find(1, 'AB'), mmap_find(1, "
                "'A', -1), mmap_find(1, 'AA', -1)"),
            "-1|-1|-1|" + std::to_string(page - 1) + "|-1");
}

TEST_F(PythonTwin, EmptyFile) {
  Open("");
  EXPECT_EQ(One("SELECT mmap_read(1), mmap_length(1), mmap_slice(1)"), "x''|0|x''");
}

TEST_F(PythonTwin, Offset) {
  Open(std::string(page, 'm') + std::string(page, 'o'));
  Run("SELECT mmap_open('foo', 'read', " + Page(1) + ", " + Page(1) + ")");
  EXPECT_EQ(One("SELECT mmap_get(2, 0), mmap_size(2), mmap_length(2)"),
            "111|" + Page(2) + "|" + Page(1));
  Run("SELECT mmap_open('foo', 'write', 0, " + Page(1) + ")");
  Raises("mmap_open('foo', 'read', 1, " + Page(2) + ")");
  Raises("mmap_open('foo', 'read', 0, " + Page(2) + " + 1)");
  Raises("mmap_open('foo', 'read', 0, -1)");
}

TEST_F(PythonTwin, Move) {
  const std::string data = "0123456789";
  for (size_t size = 0; size <= data.size(); size++) {
    for (size_t from = 0; from + size <= data.size(); from++) {
      for (size_t to = 0; to + size <= data.size(); to += 3) {
        std::string expected = data;
        expected.replace(to, size, data.substr(from, size));
        Put("foo", data);
        Run("SELECT mmap_move('foo', " + std::to_string(to) + ", " + std::to_string(from) + ", " +
            std::to_string(size) + ")");
        ASSERT_EQ(Get("foo"), expected) << to << " " << from << " " << size;
      }
    }
  }
  Put("foo", data);
  for (const char *arguments :
       {"-1, -1, -1", "-1, -1, 0", "-1, 0, -1", "0, -1, -1", "-1, 0, 0", "0, -1, 0", "0, 0, -1",
        "10, 0, 1", "0, 10, 1", "0, 1, 10", "-100, 1, 1", "100, 100, 0"}) {
    Raises("mmap_move('foo', " + std::string(arguments) + ")");
  }
  EXPECT_EQ(Get("foo"), data);
}

TEST_F(PythonTwin, Anonymous) {
  Run("SELECT mmap_open(NULL, 'write', " + Page(1) + ")");
  EXPECT_EQ(One("SELECT mmap_length(1), mmap_count(1, x'00')"), Page(1) + "|" + Page(1));
  Run("SELECT mmap_set(1, value, value % 256) FROM (WITH RECURSIVE k(value) AS (SELECT 0 UNION ALL "
      "SELECT value + 1 FROM k LIMIT 600)"
      " SELECT value FROM k)");
  EXPECT_EQ(One("SELECT min(byte = offset % 256) FROM mmap(1) WHERE offset < 600"), "1");
}

TEST_F(PythonTwin, ReadAll) {
  Open("ABCDEABCDE");
  EXPECT_EQ(Bytes("SELECT mmap_read(1)"), "ABCDEABCDE");
  EXPECT_EQ(One("SELECT mmap_read(1), mmap_seek(1, 3)"), "x''|3");
  EXPECT_EQ(Bytes("SELECT mmap_read(1, NULL)"), "DEABCDE");
  Run("SELECT mmap_seek(1, 9)");
  EXPECT_EQ(Bytes("SELECT mmap_read(1, -42)"), "E");
  Raises("mmap_read(1, 5.5)");
  Raises("mmap_read(1, 'foo')");
}

TEST_F(PythonTwin, ReadAndWriteByte) {
  Open("abcde");
  EXPECT_EQ(Rows("SELECT char(mmap_read_byte(1)) FROM mmap('foo')"), "a\nb\nc\nd\ne");
  Raises("mmap_read_byte(1)");
  Raises("mmap_write_byte(1, 120)");
  EXPECT_EQ(One("SELECT mmap_seek(1, 0), mmap_write_byte(1, 0x78), mmap_write_byte(1, 0x79)"),
            "0|1|1");
  Raises("mmap_write_byte(1, 'z')");
  Raises("mmap_write(1, 'wxyz')");
  EXPECT_EQ(Get("foo"), "xycde");
}

TEST_F(PythonTwin, ExtendedSetGet) {
  std::string data;
  for (int i = 255; i >= 0; i--) data += static_cast<char>(i);
  Open(data);
  const char *const kIndices[] = {"NULL", "0", "1", "3", "19", "300", "-1", "-2", "-31", "-300"};
  auto index = [&](const char *text, int64_t otherwise) {
    return *text == 'N' ? otherwise : atoll(text);
  };
  for (const char *start : kIndices) {
    for (const char *stop : kIndices) {
      for (const char *step : {"1", "3", "19", "300", "-1", "-2", "-31", "-300"}) {
        int64_t by = atoll(step), n = 256, low = by > 0 ? 0 : -1, high = by > 0 ? n : n - 1;
        auto clamp = [&](int64_t i) { return std::min(std::max(i < 0 ? i + n : i, low), high); };
        int64_t from = *start == 'N' ? (by > 0 ? low : high) : clamp(index(start, 0));
        int64_t to = *stop == 'N' ? (by > 0 ? high : low) : clamp(index(stop, 0));
        std::string expected;
        for (int64_t i = from; by > 0 ? i < to : i > to; i += by)
          expected += data[static_cast<size_t>(i)];
        ASSERT_EQ(
            Bytes("SELECT mmap_slice(1, " + std::string(start) + ", " + stop + ", " + step + ")"),
            expected)
            << start << ":" << stop << ":" << step;
      }
    }
  }
}

TEST_F(PythonTwin, ResizePastTheWindow) {
  Open(std::string(3 * page, 'a'));
  Run("SELECT mmap_open('foo', 'write', 0, " + Page(1) + "); SELECT mmap_resize(2, " + Page(1) +
      ")");
  EXPECT_EQ(One("SELECT mmap_length(2), mmap_size(2)"), Page(1) + "|" + Page(2));
}

TEST_F(PythonTwin, Tagname) {
  std::string tag = "'twin" + std::to_string(getpid()) + "'";
  Run("SELECT mmap_open(NULL, 'write', 10, 0, " + tag + "), mmap_open(NULL, 'write', 10, 0, " +
      tag +
      ");"
      "SELECT mmap_patch(1, 0, '0123456789')");
  EXPECT_EQ(Bytes("SELECT mmap_slice(2)"), "0123456789");
  Run("SELECT mmap_close(1)");
  EXPECT_EQ(Bytes("SELECT mmap_slice(2, 0, 4)"), "0123");
  Run("SELECT mmap_close(2), mmap_open(NULL, 'write', 20, 0, " + tag + ")");
  EXPECT_EQ(One("SELECT mmap_length(3), mmap_get(3, 0)"), "20|0");
}

TEST_F(PythonTwin, Flush) {
  Open(std::string(2 * page, 'A'));
  EXPECT_EQ(One("SELECT mmap_flush(1), mmap_flush(1, " + Page(1) + "), mmap_flush(1, 0, " +
                Page(1) + "), mmap_flush(1, 0, " + Page(2) + ")"),
            "0|0|0|0");
  Raises("mmap_flush(1, 0, " + Page(2) + " + 1)");
  Raises("mmap_flush(1, -1)");
  Raises("mmap_flush(1, " + Page(1) + ", " + Page(1) + " + 1)");
}

TEST_F(PythonTwin, Madvise) {
  Open(std::string(2 * page, '.'));
  for (const char *arguments : {"'normal', ", "'willneed', "}) {
    Raises("mmap_madvise(1, " + std::string(arguments) + Page(2) + ")");
    Raises("mmap_madvise(1, " + std::string(arguments) + "-1)");
    Raises("mmap_madvise(1, " + std::string(arguments) + "0, -1)");
  }
  EXPECT_EQ(One("SELECT mmap_madvise(1, 'normal'), mmap_madvise(1, 'normal', " + Page(1) +
                "), mmap_madvise(1, 'normal', " + Page(1) + ", " + Page(2) +
                "), mmap_madvise(1, 'normal', 0, 2), mmap_madvise(1, 'normal', 0, " + Page(2) +
                ")"),
            "0|0|0|0|0");
}

} // namespace
} // namespace mm_test
