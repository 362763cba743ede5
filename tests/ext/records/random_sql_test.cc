// Random SQL programs over two files, by path, handle and table, beside plain strings with a stack
// of copies. After each step the bytes and sizes that SQL shows are the model's; the files
// themselves are as of the last COMMIT, always.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <algorithm>
#include <random>

namespace mm_test {
namespace {

struct State {
  std::string bytes[2];
  int64_t rows = 0; // of the ordinary table `noted`
};

class Program {
public:
  Program(unsigned seed, const std::string &database) : random_(seed), db_(database) {
    static const char *const kSynchronous[] = {"off", "normal", "normal", "full"};
    trace_ = "seed " + std::to_string(seed) + "\n";
    // Fsync is slow and changes nothing that is looked at here: seldom.
    Sql("SELECT mmap_config('synchronous', '" +
        std::string(kSynchronous[Below(100) ? Below(3) : 3]) + "')");
    Sql("CREATE TABLE noted(n)");
    for (int f = 0; f < 2; f++) Prepare(f);
  }

  // The names of the files, their first bytes.
  static std::string Name(int f) { return f ? "b.bin" : "a.bin"; }

  bool Run(int steps) {
    for (int i = 0; i < steps && !testing::Test::HasFailure(); i++) {
      Step();
      Check();
    }
    Finish();
    if (testing::Test::HasFailure()) ADD_FAILURE() << trace_;
    return !testing::Test::HasFailure();
  }

private:
  // ---- making things up

  uint64_t Below(uint64_t n) { return n ? random_() % n : 0; }
  bool OneIn(int n) { return Below(static_cast<uint64_t>(n)) == 0; }

  // Mostly small; about pages at times.
  size_t Length(size_t most) {
    static const size_t kEdges[] = {1, 2, 4095, 4096, 4097, 8192};
    size_t n = OneIn(8) ? kEdges[Below(6)] : Below(24);
    return std::min(n, most);
  }
  // A place in 0..most, near an edge at times.
  size_t Place(size_t most) {
    if (OneIn(6)) return most;
    if (OneIn(4)) return std::min<size_t>(most, 4090 + Below(12));
    return Below(most + 1);
  }
  std::string Some(size_t n) {
    std::string bytes(n, 0);
    for (char &c : bytes) c = static_cast<char>('a' + Below(26));
    return bytes;
  }

  // ---- running it

  void Sql(const std::string &sql) {
    trace_ += sql.size() > 300 ? sql.substr(0, 300) + "…;\n" : sql + ";\n";
    std::string error = db_.Error(sql);
    EXPECT_EQ(error, "ok") << trace_;
  }
  void Gives(const std::string &expression, const std::string &expected) {
    trace_ += (expression.size() > 300 ? expression.substr(0, 300) + "…" : expression) + "\n";
    EXPECT_EQ(db_.One("SELECT " + expression), expected) << trace_;
  }
  void Fails(const std::string &sql) {
    trace_ += sql + "; -- fails\n";
    EXPECT_NE(db_.Error(sql), "ok") << trace_;
  }

  void Prepare(int f) {
    State &now = now_;
    now.bytes[f] = Some(OneIn(3) ? Below(30) : Below(9000));
    committed_.bytes[f] = now.bytes[f];
    FILE *file = fopen(Name(f).c_str(), "wb");
    fwrite(now.bytes[f].data(), 1, now.bytes[f].size(), file);
    fclose(file);
    handle_[f] = db_.Int("SELECT mmap_open('" + Name(f) + "', 'write')");
    window_at_[f] = Below(now.bytes[f].size() + 1);
    window_size_[f] = now.bytes[f].size() - window_at_[f];
    window_[f] =
        db_.Int("SELECT mmap_open('" + Name(f) + "', 'write', " + std::to_string(window_size_[f]) +
                ", " + std::to_string(window_at_[f]) + ")");
    std::string t = std::to_string(f);
    Sql("CREATE VIRTUAL TABLE temp.byte" + t + " USING mmap('" + Name(f) + "', delete=yes)");
    Sql("CREATE VIRTUAL TABLE temp.rec" + t + " USING mmap('" + Name(f) +
        "', n u16be, c u8 @2, record=4, delete=yes)");
  }

  // How the file is named this time.
  std::string File(int f) { return OneIn(2) ? "'" + Name(f) + "'" : std::to_string(handle_[f]); }

  void Step() {
    int f = static_cast<int>(Below(2));
    switch (Below(25)) {
      case 0:
      case 1:
        return Set(f);
      case 2:
      case 3:
        return Patch(f);
      case 4:
        return Slice(f);
      case 5:
        return Move(f);
      case 6:
      case 7:
        return Insert(f);
      case 8:
        return Delete(f);
      case 9:
      case 10:
        return Resize(f);
      case 11:
      case 12:
        return UpdateFunction(f);
      case 13:
        return UpdateTable(f);
      case 14:
        return InsertRows(f);
      case 15:
        return InsertRecords(f);
      case 16:
        return UpdateBoth();
      case 17:
        return FailInUpdate(f);
      case 18:
        return FailInSelect(f);
      case 19:
        return Window(f);
      case 20:
        return Note(f);
      default:
        return Transaction();
    }
  }

  // ---- what writes

  void Set(int f) {
    std::string &b = now_.bytes[f];
    if (b.size() < 4) return;
    size_t at = Place(b.size() - 4);
    uint32_t value = static_cast<uint32_t>(random_());
    long long given =
        static_cast<long long>(at) - (OneIn(3) ? static_cast<long long>(b.size()) : 0);
    if (given >= 0 && given != static_cast<long long>(at)) given = static_cast<long long>(at);
    Gives("mmap_set(" + File(f) + ", " + std::to_string(given) + ", " + std::to_string(value) +
              ", 'u32le')",
          "4");
    for (int i = 0; i < 4; i++) b[at + static_cast<size_t>(i)] = static_cast<char>(value >> 8 * i);
  }

  void Patch(int f) {
    std::string &b = now_.bytes[f];
    size_t at = Place(b.size());
    std::string data = Some(Length(b.size() - at));
    Gives("mmap_patch(" + File(f) + ", " + std::to_string(at) + ", " + Blob(data) + ")",
          std::to_string(data.size()));
    b.replace(at, data.size(), data);
    std::string past = Some(b.size() - at + 1);
    Fails("SELECT mmap_patch(" + File(f) + ", " + std::to_string(at) + ", " + Blob(past) + ")");
  }

  void Slice(int f) {
    const std::string &b = now_.bytes[f];
    size_t from = Place(b.size()), to = Place(b.size());
    std::string expected = from < to ? b.substr(from, to - from) : "";
    Gives("mmap_slice(" + File(f) + ", " + std::to_string(from) + ", " + std::to_string(to) + ")",
          Blob(expected));
  }

  void Move(int f) {
    std::string &b = now_.bytes[f];
    size_t from = Place(b.size()), to = Place(b.size());
    size_t n = Length(b.size() - std::max(from, to));
    Gives("mmap_move(" + File(f) + ", " + std::to_string(to) + ", " + std::to_string(from) + ", " +
              std::to_string(n) + ")",
          std::to_string(n));
    b.replace(to, n, b.substr(from, n));
  }

  void Insert(int f) {
    std::string &b = now_.bytes[f];
    if (b.size() > 30000) return;
    size_t at = Place(b.size());
    std::string data = Some(Length(5000));
    b.insert(at, data);
    Gives("mmap_insert(" + File(f) + ", " + std::to_string(at) + ", " + Blob(data) + ")",
          std::to_string(b.size()));
  }

  void Delete(int f) {
    std::string &b = now_.bytes[f];
    size_t from = Place(b.size()), n = Length(b.size() - from);
    b.erase(from, n);
    Gives("mmap_delete(" + File(f) + ", " + std::to_string(from) + ", " + std::to_string(from + n) +
              ")",
          std::to_string(b.size()));
  }

  void Resize(int f) {
    std::string &b = now_.bytes[f];
    size_t size = OneIn(4) ? 4095 + Below(3) : OneIn(3) ? Below(20000) : Place(b.size());
    b.resize(size);
    Gives("mmap_resize(" + File(f) + ", " + std::to_string(size) + ")", std::to_string(size));
  }

  void UpdateFunction(int f) {
    std::string &b = now_.bytes[f];
    size_t from = Place(b.size()), to = from + Length(40);
    int add = static_cast<int>(Below(256));
    Sql("UPDATE mmap SET byte = (byte + " + std::to_string(add) + ") % 256 WHERE file = " +
        File(f) + " AND offset >= " + std::to_string(from) + " AND offset < " + std::to_string(to));
    for (size_t i = from; i < std::min(to, b.size()); i++) b[i] = static_cast<char>(b[i] + add);
  }

  void UpdateTable(int f) {
    std::string &b = now_.bytes[f];
    char from = static_cast<char>('a' + Below(26)), to = static_cast<char>('a' + Below(26));
    Sql("UPDATE byte" + std::to_string(f) + " SET byte = " + std::to_string(to) +
        " WHERE byte = " + std::to_string(from));
    std::replace(b.begin(), b.end(), from, to);
  }

  void InsertRows(int f) {
    std::string &b = now_.bytes[f];
    if (b.size() > 30000) return;
    size_t n = Below(30);
    Sql("INSERT INTO byte" + std::to_string(f) +
        "(byte) WITH RECURSIVE k(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM k LIMIT " +
        std::to_string(n) + ") SELECT 65 + i FROM k");
    for (size_t i = 0; i < n; i++) b += static_cast<char>('A' + i);
  }

  void InsertRecords(int f) {
    std::string &b = now_.bytes[f];
    std::string insert =
        "INSERT INTO rec" + std::to_string(f) + "(n, c) VALUES(16706, 67), (17219, 68)";
    if (b.size() % 4) return Fails(insert);
    Sql(insert);
    b += std::string("ABC\0CCD\0", 8);
  }

  // One statement over both files.
  void UpdateBoth() {
    Sql("UPDATE mmap SET byte = 33 WHERE file IN ('a.bin', 'b.bin') AND offset IN (0, 3, 4096)");
    for (std::string &b : now_.bytes) {
      for (size_t at : {size_t{0}, size_t{3}, size_t{4096}}) {
        if (at < b.size()) b[at] = '!';
      }
    }
  }

  // The files and the database in one statement.
  void Note(int f) {
    std::string &b = now_.bytes[f];
    if (b.size() < 3) return;
    Sql("INSERT INTO noted SELECT mmap_set(" + File(f) +
        ", value, 48 + value) FROM"
        " (SELECT 0 AS value UNION ALL SELECT 1 UNION ALL SELECT 2)");
    b.replace(0, 3, "012");
    now_.rows += 3;
  }

  // ---- what fails, and then has done nothing

  void FailInUpdate(int f) {
    std::string at = std::to_string(Below(now_.bytes[f].size()));
    if (now_.bytes[f].empty()) return;
    std::string set = " SET byte = CASE offset WHEN " + at + " THEN 300 ELSE 64 END";
    if (OneIn(2)) {
      Fails("UPDATE byte" + std::to_string(f) + set);
    } else {
      Fails("UPDATE mmap" + set + " WHERE file = " + File(f));
    }
  }

  void FailInSelect(int f) {
    // Inside BEGIN, SQLite before 3.40 keeps what such a statement did, to its own tables too.
    if (sqlite3_libversion_number() < 3040000) return;
    size_t size = now_.bytes[f].size();
    Fails("INSERT INTO noted SELECT mmap_set(" + File(f) +
          ", value, 64) FROM (SELECT 0 AS value"
          " UNION ALL SELECT 1 UNION ALL SELECT " +
          std::to_string(size) + ")");
  }

  // A window of fixed length, of whatever is there of it.
  void Window(int f) {
    std::string &b = now_.bytes[f];
    size_t start = std::min(window_at_[f], b.size());
    size_t length = std::min(window_size_[f] ? window_size_[f] : b.size(), b.size() - start);
    Gives("mmap_length(" + std::to_string(window_[f]) + ")", std::to_string(length));
    size_t at = Place(length);
    std::string data = Some(Length(length - at));
    Gives("mmap_patch(" + std::to_string(window_[f]) + ", " + std::to_string(at) + ", " +
              Blob(data) + ")",
          std::to_string(data.size()));
    b.replace(start + at, data.size(), data);
  }

  // ---- transactions

  bool InTransaction() const { return begun_ || !stack_.empty(); }

  void Commit() {
    committed_ = now_;
    stack_.clear();
    begun_ = false;
  }

  void Transaction() {
    uint64_t what = Below(8);
    if (!InTransaction()) {
      if (what < 2) return;
      if (what < 6) {
        Sql("BEGIN");
        before_ = now_;
        begun_ = true;
        return;
      }
    }
    if (what < 3) {
      before_ = InTransaction() ? before_ : now_;
      Sql("SAVEPOINT s" + std::to_string(stack_.size()));
      stack_.push_back(now_);
    } else if (what < 5 && !stack_.empty()) {
      size_t level = Below(stack_.size());
      Sql("ROLLBACK TO s" + std::to_string(level));
      now_ = stack_[level];
      stack_.resize(level + 1);
    } else if (what == 5 && !stack_.empty()) {
      size_t level = Below(stack_.size());
      Sql("RELEASE s" + std::to_string(level));
      stack_.resize(level);
      if (!InTransaction()) Commit();
    } else if (what == 6 && InTransaction()) {
      Sql("ROLLBACK");
      now_ = before_;
      stack_.clear();
      begun_ = false;
    } else if (what == 7 && InTransaction()) {
      Sql("COMMIT");
      Commit();
    }
  }

  // ---- looking

  static std::string Contents(const std::string &name) {
    std::string bytes;
    char buffer[65536];
    FILE *file = fopen(name.c_str(), "rb");
    if (!file) return "(no file)";
    for (size_t n; (n = fread(buffer, 1, sizeof buffer, file)) > 0;) bytes.append(buffer, n);
    fclose(file);
    return bytes;
  }

  void Check() {
    if (!InTransaction()) committed_ = now_;
    for (int f = 0; f < 2; f++) {
      EXPECT_TRUE(db_.Bytes("SELECT mmap_slice(" + File(f) + ")") == now_.bytes[f])
          << Name(f) << " differs\n"
          << trace_;
      EXPECT_EQ(db_.Int("SELECT mmap_size(" + File(f) + ")"),
                static_cast<int64_t>(now_.bytes[f].size()))
          << trace_;
      EXPECT_TRUE(Contents(Name(f)) == committed_.bytes[f]) << Name(f) << " itself differs\n"
                                                            << trace_;
    }
    if (OneIn(4)) CheckByTable(static_cast<int>(Below(2)));
    EXPECT_EQ(db_.Int("SELECT count(*) FROM noted"), now_.rows) << trace_;
  }

  void CheckByTable(int f) {
    const std::string &b = now_.bytes[f];
    int64_t sum = 0;
    for (size_t i = 0; i < b.size(); i++)
      sum += static_cast<unsigned char>(b[i]) * (1 + int64_t(i) % 7);
    std::string query = "SELECT coalesce(sum(byte * (1 + offset % 7)), 0) FROM ";
    EXPECT_EQ(db_.Int(query + "mmap(" + File(f) + ")"), sum) << trace_;
    EXPECT_EQ(db_.Int(query + "byte" + std::to_string(f)), sum) << trace_;
    EXPECT_EQ(db_.Int("SELECT count(*) FROM rec" + std::to_string(f)),
              static_cast<int64_t>((b.size() + 1) / 4)) // the last needs its columns alone: 3 bytes
        << trace_;
  }

  void Finish() {
    if (InTransaction()) {
      Sql(OneIn(2) ? "COMMIT" : "ROLLBACK");
      bool kept = trace_.substr(trace_.size() - 8) == "COMMIT;\n";
      now_ = kept ? now_ : before_;
      stack_.clear();
      begun_ = false;
    }
    Check();
  }

  std::mt19937_64 random_;
  Db db_;
  std::string trace_;
  State now_, before_, committed_;
  bool begun_ = false;
  std::vector<State> stack_;
  int64_t handle_[2], window_[2];
  size_t window_at_[2], window_size_[2];
};

class RandomSql : public SqlTest {
protected:
  void RunAll(unsigned from, unsigned count, int steps) {
    for (unsigned seed = from; seed < from + Rounds(count); seed++) {
      std::string file = "p" + std::to_string(seed) + ".db";
      if (!Program(seed, seed % 4 ? ":memory:" : file).Run(steps)) return;
      remove(file.c_str());
    }
  }
};

TEST_F(RandomSql, ShortProgramsDoWhatPlainStringsDo) {
  RunAll(1, 499, 12);
}

TEST_F(RandomSql, LongProgramsDoWhatPlainStringsDo) {
  RunAll(100000, 20, 300);
}

} // namespace
} // namespace mm_test
