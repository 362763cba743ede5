// Scans of a file that is changed while they are open: by the connection itself, by another one, by a
// program that knows nothing of this library. What is found ahead of its row is told only if it is
// still true.
#include <cstdio>
#include <functional>
#include <memory>
#include <random>
#include <set>
#include <vector>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

enum Writer { kSelf, kOther, kProgram };

class Meanwhile : public SqlTest {
protected:
  void SetUp() override {
    SqlTest::SetUp();
    other = std::make_unique<Db>();
    for (Db *one : {db.get(), other.get()}) one->Run("SELECT mmap_config('synchronous', 'off')");
  }

  void TearDown() override {
    other.reset();
    SqlTest::TearDown();
  }

  void Make(const std::string &text) {
    bytes = text;
    Put("f", bytes);
  }

  // Overwrites bytes of the file, in the model, too.
  void Write(Writer writer, size_t at, const std::string &data) {
    bytes.replace(at, data.size(), data);
    std::string sql = "SELECT mmap_patch('f', " + std::to_string(at) + ", " + Blob(data) + ")";
    if (writer == kSelf) Run(sql);
    if (writer == kOther) other->Run(sql);
    if (writer != kProgram) return;
    FILE *file = fopen("f", "r+b");
    ASSERT_NE(file, nullptr);
    fseek(file, static_cast<long>(at), SEEK_SET);
    fwrite(data.data(), 1, data.size(), file);
    fclose(file);
  }

  // Each row is handed to `row`, as soon as it is there.
  void Scan(const std::string &sql, const std::function<void(sqlite3_stmt *)> &row) {
    sqlite3_stmt *statement = nullptr;
    ASSERT_EQ(sqlite3_prepare_v2(*db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK)
        << sqlite3_errmsg(*db);
    while (sqlite3_step(statement) == SQLITE_ROW && !HasFatalFailure()) row(statement);
    EXPECT_EQ(sqlite3_finalize(statement), SQLITE_OK) << sqlite3_errmsg(*db);
  }

  bool IsAt(size_t at, const std::string &needle) const {
    return bytes.compare(at, needle.size(), needle) == 0;
  }

  std::string bytes;
  std::unique_ptr<Db> other;
};

std::string TextOf(sqlite3_stmt *statement, int column) {
  const void *data = sqlite3_column_blob(statement, column);
  auto size = static_cast<size_t>(sqlite3_column_bytes(statement, column));
  return data ? std::string(static_cast<const char *>(data), size) : "";
}

size_t PlaceOf(sqlite3_stmt *statement) {
  return static_cast<size_t>(sqlite3_column_int64(statement, 0));
}

// Bytes of `letters`, at random.
std::string Random(std::mt19937 &random, size_t size, const std::string &letters) {
  std::string text;
  while (text.size() < size) text += letters[random() % letters.size()];
  return text;
}

// Now and then a change, mostly a little ahead of the row at `at`.
template <class Test>
void MayChange(Test *test, std::mt19937 &random, const std::vector<Writer> &writers, size_t at,
               const std::string &letters) {
  if (random() % 12) return;
  size_t size = test->bytes.size(), length = 1 + random() % 12;
  size_t place = at + random() % (random() % 4 ? 100 : 5000);
  if (random() % 8 == 0) place = random() % size;
  if (place + length > size) return;
  test->Write(writers[random() % writers.size()], place, Random(random, length, letters));
}

class MeanwhileEach : public Meanwhile {
public:
  using Meanwhile::bytes;
  using Meanwhile::Write;
};

constexpr unsigned kRounds = 8;

// ---- places of bytes

// The occurrences that nobody touches are all told, those that are gone are not.
TEST_F(MeanwhileEach, FindAllTellsWhatIsThere) {
  const std::string needles[] = {"a", "ab", "aba", "abb\n"};
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    std::string needle = needles[seed % 4];
    Make(Random(random, 6000, "aabb\n"));
    std::string before = bytes, ever(bytes.size(), 0);
    std::set<size_t> told;
    Scan("SELECT offset FROM mmap_find_all('f', " + Blob(needle) + ")", [&](sqlite3_stmt *row) {
      size_t at = PlaceOf(row);
      EXPECT_TRUE(IsAt(at, needle)) << needle << " is told at " << at << ", seed " << seed;
      EXPECT_TRUE(told.empty() || *told.rbegin() < at);
      told.insert(at);
      std::string was = bytes;
      MayChange(this, random, {kSelf, kOther, kProgram}, at, "ab");
      for (size_t i = 0; i < was.size(); i++) ever[i] |= was[i] != bytes[i];
    });
    for (size_t at = 0; at + needle.size() <= before.size(); at++) {
      bool touched = ever.find('\1', at) < at + needle.size();
      if (!touched && before.compare(at, needle.size(), needle) == 0) {
        EXPECT_TRUE(told.count(at)) << needle << " is missed at " << at << ", seed " << seed;
      }
    }
  }
}

// What the connection itself writes is seen at once, that which comes to be found, too.
TEST_F(MeanwhileEach, FindAllSeesAllThatItsOwnConnectionWrites) {
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    Make(Random(random, 6000, "aabb\n"));
    size_t next = 0;
    Scan("SELECT offset FROM mmap_find_all('f', 'ab')", [&](sqlite3_stmt *row) {
      size_t at = PlaceOf(row);
      ASSERT_EQ(at, bytes.find("ab", next)) << seed;
      next = at + 1;
      MayChange(this, random, {kSelf}, at, "ab");
    });
    EXPECT_EQ(bytes.find("ab", next), std::string::npos) << seed;
  }
}

// The same where it is the statement itself.
TEST_F(Meanwhile, FindAllSeesWhatItsOwnStatementWrites) {
  Make(std::string(301, 'a'));
  EXPECT_EQ(Rows("SELECT group_concat(offset) FROM mmap_find_all('f', 'a') "
                 "WHERE mmap_patch('f', offset + 1, zeroblob(min(99, 300 - offset))) >= 0"),
            "0,100,200,300");
}

TEST_F(MeanwhileEach, FindManyTellsWhatIsThere) {
  std::string far(300, 'b');
  far += "ba";
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    Make(Random(random, 6000, "aabb\n"));
    for (size_t at = 500; at < 6000; at += 700) bytes.replace(at, far.size(), far);
    Make(bytes);
    Scan(
        "SELECT offset, CAST(needle AS BLOB) FROM mmap_find_many('f', json_array('a', 'ab', 'abb', "
        "'bab', " +
            Quote(far) + "))",
        [&](sqlite3_stmt *row) {
          size_t at = PlaceOf(row);
          std::string needle = TextOf(row, 1);
          EXPECT_TRUE(IsAt(at, needle)) << needle << " is told at " << at << ", seed " << seed;
          MayChange(this, random, {kSelf, kOther, kProgram}, at + random() % 2 * 280, "ab");
          if (random() % 8 == 0) Write(kProgram, at, "\n");
        });
  }
}

// A run is told with all of its bytes, to where both are alike again.
TEST_F(MeanwhileEach, RunsThatDifferDo) {
  const size_t size = 6000;
  Put("g", std::string(size, 'b'));
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    Make(Random(random, size, seed % 2 ? "ab" : "aabb"));
    size_t end = 0;
    Scan("SELECT offset, length FROM mmap_diff('f', 'g')", [&](sqlite3_stmt *row) {
      size_t at = PlaceOf(row), length = static_cast<size_t>(sqlite3_column_int64(row, 1));
      EXPECT_EQ(bytes.substr(at, length), std::string(length, 'a')) << at << ", seed " << seed;
      EXPECT_TRUE(at + length == size || bytes[at + length] == 'b') << at << ", seed " << seed;
      EXPECT_TRUE(end <= at) << at << " after " << end << ", seed " << seed;
      end = at + length;
      MayChange(this, random, {kSelf, kOther, kProgram}, at, "ab");
    });
  }
}

TEST_F(MeanwhileEach, RowsOfAByteHaveIt) {
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    Make(Random(random, 20000, "aabb\n"));
    Scan("SELECT offset, byte FROM mmap('f') WHERE byte = 98", [&](sqlite3_stmt *row) {
      EXPECT_EQ(sqlite3_column_int(row, 1), 98) << seed;
      MayChange(this, random, {kSelf, kOther, kProgram}, PlaceOf(row), "ab");
    });
  }
}

// ---- lines

// A row goes on where the one before has ended, to the next end of a line that is there now.
TEST_F(MeanwhileEach, LinesAreDividedAsTheyAre) {
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    Make(Random(random, 20000, "aaabbbccc\n"));
    size_t next = 0;
    Scan("SELECT offset, text FROM mmap_lines('f')", [&](sqlite3_stmt *row) {
      size_t at = PlaceOf(row), end = bytes.find('\n', at);
      ASSERT_EQ(at, next) << seed;
      next = end == std::string::npos ? bytes.size() : end + 1;
      ASSERT_EQ(TextOf(row, 1), bytes.substr(at, end - at)) << "offset " << at << ", seed " << seed;
      MayChange(this, random, {kSelf, kOther, kProgram}, at, "abc\n");
    });
    EXPECT_EQ(next, bytes.size()) << seed;
  }
}

// Where the row that begins at `at` ends: behind the first end of a line that is not inside of quotes.
size_t RowEnd(const std::string &bytes, size_t at, bool *open_at_end) {
  bool &open = *open_at_end = false;
  for (size_t i = at; i < bytes.size(); i++) {
    bool begins = i == at || bytes[i - 1] == ',';
    if (bytes[i] == '\n' && !open) return i + 1;
    if (bytes[i] != '"') continue;
    if (!open) {
      open = begins;
    } else if (i + 1 < bytes.size() && bytes[i + 1] == '"') {
      i++;
    } else {
      open = false;
    }
  }
  return bytes.size();
}

// Quotes that come or go, too.
TEST_F(MeanwhileEach, FieldsAreThoseOfTheRowAsItIs) {
  Run("CREATE VIRTUAL TABLE temp.t USING mmap_lines(*, separator=',', a, b, c)");
  for (unsigned seed = 0; seed < 2 * kRounds; seed++) {
    std::mt19937 random(seed);
    const std::string letters = seed % 2 ? "aaabb,,\n" : "aaabbb,,,c\n\"";
    Make(Random(random, 20000, "aaabb,\n"));
    size_t next = 0;
    Scan("SELECT offset, line, a FROM t('f')", [&](sqlite3_stmt *row) {
      bool open;
      size_t at = PlaceOf(row), end = RowEnd(bytes, at, &open);
      ASSERT_EQ(at, next) << seed;
      std::string line = bytes.substr(at, end - at);
      if (!open && line.back() == '\n') line.pop_back();
      next = end;
      ASSERT_EQ(TextOf(row, 1), line) << "offset " << at << ", seed " << seed;
      if (line.find('"') == std::string::npos) {
        ASSERT_EQ(TextOf(row, 2), line.substr(0, line.find(',')));
      }
      MayChange(this, random, {kSelf, kOther, kProgram}, at, letters);
    });
    EXPECT_EQ(next, bytes.size()) << seed;
  }
}

// Where nobody asks for its text a row begins at least where one has ended, and none is there twice.
TEST_F(MeanwhileEach, OffsetsAreThoseOfLines) {
  for (unsigned seed = 0; seed < kRounds; seed++) {
    std::mt19937 random(seed);
    Make(Random(random, 20000, "aaabbbccc\n"));
    size_t last = 0;
    std::string now = bytes;
    Scan("SELECT offset FROM mmap_lines('f')", [&](sqlite3_stmt *row) {
      size_t at = PlaceOf(row);
      if (at) {
        EXPECT_LT(last, at);
        EXPECT_EQ(now[at - 1], '\n') << "offset " << at << ", seed " << seed;
      }
      last = at;
      now = bytes; // the end of this row was looked for before the change
      MayChange(this, random, {kSelf, kOther, kProgram}, at, "abc\n");
    });
  }
}

} // namespace
} // namespace mm_test
