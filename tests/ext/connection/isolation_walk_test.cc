// Random walks: three connections with settings of their own read and write two files, by statements
// that end and by such that are left open, in transactions and outside. A model knows who holds what:
// it says of each write and each COMMIT whether it may come to pass, and what every read gives.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <cstdlib>
#include <map>
#include <random>
#include <set>

namespace mm_test {
namespace {

constexpr int kConnections = 3, kFiles = 2;

std::string Name(int file) {
  return std::string(1, static_cast<char>('a' + file));
}

struct Connection {
  std::unique_ptr<Db> db;
  std::string isolation = "none";
  bool begun = false;
  std::set<int> read;         // in the transaction, under 'transaction'
  std::map<int, int> written; // and what it has written there
  sqlite3_stmt *open = nullptr;
  int open_file = -1; // that the open statement holds; -1: none

  bool Holds(int file) const { return open_file == file || read.count(file); }
};

class IsolationWalk : public SqlTest {
protected:
  void Walk(unsigned seed, int steps) {
    random_.seed(seed);
    for (int f = 0; f < kFiles; f++) {
      Put(Name(f), std::string(1, '\0'));
      committed_[f] = 0;
    }
    for (Connection &c : all_) {
      c = Connection();
      c.db = std::make_unique<Db>();
      c.db->Run("SELECT mmap_config('busy_timeout', 0), mmap_config('synchronous', 'off')");
      for (int f = 0; f < kFiles; f++) {
        c.db->Run("CREATE VIRTUAL TABLE temp." + Name(f) + " USING mmap('" + Name(f) + "', n u8)");
      }
    }
    for (int i = 0; i < steps && !HasFailure(); i++) {
      SCOPED_TRACE("seed " + std::to_string(seed) + ", step " + std::to_string(i));
      Step();
    }
    for (Connection &c : all_) {
      sqlite3_finalize(c.open);
      c.db.reset();
    }
  }

  void Step() {
    Connection &c = all_[random_() % kConnections];
    int file = static_cast<int>(random_() % kFiles);
    switch (random_() % 12) {
      case 0:
        return Configure(&c);
      case 1:
        if (c.begun) return;
        c.begun = true;
        return c.db->Run("BEGIN");
      case 2:
      case 3:
        return Read(&c, file);
      case 4:
        return Open(&c, file);
      case 5:
        sqlite3_finalize(c.open);
        c.open = nullptr;
        c.open_file = -1;
        return;
      case 6:
      case 7:
      case 8:
        return Write(&c, file);
      case 9:
        if (c.begun) c.db->Run("SAVEPOINT s; ROLLBACK TO s; RELEASE s");
        return;
      case 10:
        return Commit(&c);
      default:
        if (c.begun) c.db->Run("ROLLBACK");
        End(&c);
    }
  }

  void Configure(Connection *c) {
    static const char *const names[] = {"none", "statement", "transaction"};
    if (c->begun || c->open) return;
    c->isolation = names[random_() % 3];
    c->db->Run("SELECT mmap_config('isolation', '" + c->isolation + "')");
  }

  int Value(const Connection &c, int file) {
    auto own = c.written.find(file);
    return own == c.written.end() ? committed_[file] : own->second;
  }

  void NoteRead(Connection *c, int file) {
    if (c->begun && c->isolation == "transaction") c->read.insert(file);
  }

  void Read(Connection *c, int file) {
    static const char *const forms[] = {"SELECT mmap_get('%', 0)", "SELECT n FROM %",
                                        "SELECT byte FROM mmap('%')"};
    std::string sql = forms[random_() % 3];
    sql.replace(sql.find('%'), 1, Name(file));
    EXPECT_EQ(c->db->One(sql), std::to_string(Value(*c, file))) << sql;
    NoteRead(c, file);
  }

  // A statement that stands on its first row.
  void Open(Connection *c, int file) {
    static const char *const forms[] = {"SELECT mmap_get('%', 0)", "SELECT n FROM %"};
    if (c->open) return;
    std::string sql = forms[random_() % 2];
    sql.replace(sql.find('%'), 1, Name(file));
    ASSERT_EQ(sqlite3_prepare_v2(*c->db, sql.c_str(), -1, &c->open, nullptr), SQLITE_OK);
    ASSERT_EQ(sqlite3_step(c->open), SQLITE_ROW) << sqlite3_errmsg(*c->db);
    EXPECT_EQ(sqlite3_column_int(c->open, 0), Value(*c, file));
    if (c->isolation != "none") c->open_file = file;
    NoteRead(c, file);
  }

  bool IsHeldByAnother(const Connection *c, int file) const {
    for (const Connection &other : all_) {
      if (&other != c && other.Holds(file)) return true;
    }
    return false;
  }

  bool IsWrittenByAnother(const Connection *c, int file) const {
    for (const Connection &other : all_) {
      if (&other != c && other.written.count(file)) return true;
    }
    return false;
  }

  void Write(Connection *c, int file) {
    static const char *const forms[] = {"SELECT mmap_set('%', 0, ?)", "UPDATE % SET n = ?",
                                        "UPDATE % SET n = ? WHERE rowid = 0",
                                        "UPDATE mmap SET byte = ? WHERE file = '%' AND offset = 0"};
    // What is there already would be nothing to write.
    int value = Value(*c, file);
    while (value == Value(*c, file) || value == committed_[file]) {
      value = static_cast<int>(random_() % 256);
    }
    std::string sql = forms[random_() % 4];
    sql.replace(sql.find('%'), 1, Name(file));
    sql.replace(sql.find('?'), 1, std::to_string(value));
    bool may = !IsWrittenByAnother(c, file) && (c->begun || !IsHeldByAnother(c, file));
    EXPECT_EQ(c->db->Succeeds(sql), may) << sql;
    if (!may) {
      // What it has looked at before it was refused may be held; only the functions do not look.
      if (c->begun && sql[0] == 'S') return;
      return Resolve(c, file);
    }
    if (c->begun) {
      c->written[file] = value;
      NoteRead(c, file);
    } else {
      committed_[file] = value;
    }
  }

  // Read it, so that it is certain what the transaction holds.
  void Resolve(Connection *c, int file) {
    EXPECT_EQ(c->db->Int("SELECT mmap_get('" + Name(file) + "', 0)"), Value(*c, file));
    NoteRead(c, file);
  }

  void Commit(Connection *c) {
    bool may = true;
    if (!c->begun) return;
    for (const auto &[file, value] : c->written) may &= !IsHeldByAnother(c, file);
    EXPECT_EQ(c->db->Succeeds("COMMIT"), may);
    if (!may) return;
    for (const auto &[file, value] : c->written) committed_[file] = value;
    End(c);
  }

  static void End(Connection *c) {
    c->begun = false;
    c->read.clear();
    c->written.clear();
  }

  std::mt19937 random_;
  Connection all_[kConnections];
  int committed_[kFiles];
};

TEST_F(IsolationWalk, GoesAsTheModelSays) {
  for (int seed = 1; seed <= Rounds(10) && !HasFailure(); seed++) {
    Walk(static_cast<unsigned>(seed), 600);
  }
}

} // namespace
} // namespace mm_test
