// mmap_find, mmap_rfind, mmap_count through SQL.
#include "tests/support/sql.h"

#include <random>

namespace mm_test {
namespace {

class FindSql : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    Put("a", "one two one two one");
  }
};

TEST_F(FindSql, GivesTheFirstAndTheLast) {
  EXPECT_EQ(One("SELECT mmap_find('a', 'one'), mmap_rfind('a', 'one'), mmap_count('a', 'one')"),
            "0|16|3");
  EXPECT_EQ(One("SELECT mmap_find('a', 'nine'), mmap_rfind('a', 'nine'), mmap_count('a', 'nine')"),
            "-1|-1|0");
}

TEST_F(FindSql, ANeedleIsABlobOrTheBytesOfAText) {
  Put("a", "na\xc3\xafve\0x");
  EXPECT_EQ(One("SELECT mmap_find('a', 'ï'), mmap_find('a', x'c3af'), mmap_find('a', x'af')"),
            "2|2|3");
  EXPECT_EQ(Error("SELECT mmap_find('a', 7)"),
            "ERROR mmap_find: needle 7 is neither a blob nor text");
  EXPECT_EQ(Error("SELECT mmap_count('a', 1.5)"),
            "ERROR mmap_count: needle 1.5 is neither a blob nor text");
}

TEST_F(FindSql, OnlyWhatLiesWhollyInside) {
  EXPECT_EQ(One("SELECT mmap_find('a', 'one', 1), mmap_find('a', 'one', 1, 10), mmap_find('a', "
                "'one', 1, 11)"),
            "8|-1|8");
  EXPECT_EQ(One("SELECT mmap_rfind('a', 'one', 0, 18), mmap_rfind('a', 'one', 9), mmap_rfind('a', "
                "'one', 17)"),
            "8|16|-1");
  EXPECT_EQ(One("SELECT mmap_count('a', 'one', 1), mmap_count('a', 'one', 0, 10), mmap_count('a', "
                "'one', 9, 2)"),
            "2|1|0");
}

TEST_F(FindSql, BoundsAreThoseOfASlice) {
  EXPECT_EQ(One("SELECT mmap_find('a', 'one', -3), mmap_find('a', 'one', -99, -1), mmap_find('a', "
                "'o', NULL, NULL)"),
            "16|0|0");
  EXPECT_EQ(One("SELECT mmap_rfind('a', 'one', -99, 99), mmap_find('a', 'one', 99), mmap_find('a', "
                "'one', 5, 2)"),
            "16|-1|-1");
}

TEST_F(FindSql, AnEmptyNeedleIsFoundAtStart) {
  EXPECT_EQ(One("SELECT mmap_find('a', ''), mmap_find('a', x'', 5), mmap_find('a', '', 19),"
                " mmap_find('a', '', 20), mmap_find('a', '', 5, 4), mmap_find('a', '', -1)"),
            "0|5|19|-1|-1|18");
  EXPECT_EQ(One("SELECT mmap_rfind('a', ''), mmap_rfind('a', '', 2, 7), mmap_rfind('a', '', 20)"),
            "19|7|-1");
  EXPECT_EQ(Error("SELECT mmap_count('a', '')"), "ERROR mmap_count: the needle is empty");
}

TEST_F(FindSql, CountIncludesOverlappingOnes) {
  Put("a", "aaaaa");
  EXPECT_EQ(
      One("SELECT mmap_count('a', 'aa'), mmap_count('a', 'aaaaa'), mmap_count('a', 'aaaaaa')"),
      "4|1|0");
}

TEST_F(FindSql, NothingIsFoundInAnEmptyFile) {
  Put("a", "");
  EXPECT_EQ(One("SELECT mmap_find('a', 'x'), mmap_rfind('a', 'x'), mmap_count('a', 'x'), "
                "mmap_find('a', '')"),
            "-1|-1|0|0");
}

TEST_F(FindSql, InAWindowOffsetsCountFromItsStart) {
  Run("SELECT mmap_open('a', 'read', 9, 4)"); // "two one t"
  EXPECT_EQ(One("SELECT mmap_find(1, 'one'), mmap_rfind(1, 't'), mmap_count(1, 'two'), "
                "mmap_find(1, 'two', 1)"),
            "4|8|1|-1");
}

TEST_F(FindSql, SeesWhatIsNotCommitted) {
  Run("BEGIN; SELECT mmap_patch('a', 4, 'NEW')");
  EXPECT_EQ(One("SELECT mmap_find('a', 'NEW'), mmap_count('a', 'two')"), "4|1");
  Run("ROLLBACK");
  EXPECT_EQ(One("SELECT mmap_find('a', 'NEW'), mmap_count('a', 'two')"), "-1|2");
}

TEST_F(FindSql, RandomSearchesAreThoseOfAString) {
  std::mt19937 random(3);
  std::string text;
  for (int i = 0; i < 9000; i++) text += static_cast<char>('a' + random() % 3);
  Put("a", text);
  for (int i = 0; i < 1500; i++) {
    size_t from = random() % (text.size() + 1), to = from + random() % (text.size() + 1 - from);
    std::string needle = text.substr(random() % 8000, 1 + random() % 9);
    std::string part = text.substr(from, to - from);
    size_t first = part.find(needle), last = part.rfind(needle), count = 0;
    for (size_t at = first; at != std::string::npos; at = part.find(needle, at + 1)) count++;
    auto place = [&](size_t at) {
      return at == std::string::npos ? std::string("-1") : std::to_string(from + at);
    };
    std::string arguments =
        "('a', '" + needle + "', " + std::to_string(from) + ", " + std::to_string(to) + ")";
    ASSERT_EQ(One("SELECT mmap_find" + arguments + ", mmap_rfind" + arguments + ", mmap_count" +
                  arguments),
              place(first) + "|" + place(last) + "|" + std::to_string(count))
        << arguments;
  }
}

int CountDown(void *left) {
  return --*static_cast<int *>(left) <= 0;
}

TEST_F(FindSql, ALongSearchCanBeInterrupted) {
  Run("SELECT mmap_open(NULL, 'write', 4000000000)"); // zeros that no memory stands behind
  int left = 3;
  sqlite3_progress_handler(*db, 20, CountDown, &left);
  EXPECT_EQ(Error("SELECT mmap_find(1, x'01')"), "INTERRUPT mmap_find: interrupted");
  left = 3;
  EXPECT_EQ(Error("SELECT mmap_count(1, x'01')"), "INTERRUPT mmap_count: interrupted");
  left = 3;
  EXPECT_EQ(Error("SELECT mmap_readline(1)"), "INTERRUPT mmap_readline: interrupted");
  sqlite3_progress_handler(*db, 0, nullptr, nullptr);
}

TEST_F(FindSql, AConnectionThatDidNothingElseClosesAfterALongSearch) {
  Put("big", std::string(64 << 20, 'x'));
  Db other;
  EXPECT_EQ(other.One("SELECT mmap_find('big', 'y')"), "-1");
  other.Close();
}

} // namespace
} // namespace mm_test
