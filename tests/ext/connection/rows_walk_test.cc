// What connections remember of a file's rows (numbers of lines, records of a chain, whether it ends inside of quotes)
// is what somebody who remembers nothing finds, whatever has become of the file: random walks of two connections of one
// process and of other programs. After each step a new connection is asked the same of a copy of the bytes.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

namespace mm_test {
namespace {

constexpr char kTables[] =
    "CREATE VIRTUAL TABLE temp.l USING mmap_lines('t', sorted=no);"
    "CREATE VIRTUAL TABLE temp.l2 USING mmap_lines('./t', sorted=no);"
    "CREATE VIRTUAL TABLE temp.q USING mmap_lines('t', separator=',', x, y);"
    "CREATE VIRTUAL TABLE temp.q2 USING mmap_lines('t', separator=',', offset=3, x, y);"
    "CREATE VIRTUAL TABLE temp.r USING mmap('c', n u8, while=(n), d text(n), delete=yes);"
    "CREATE VIRTUAL TABLE temp.r2 USING mmap('c', n u8, d text(n), partial=yes)";

// A connection, and what it is in the middle of.
struct RowsSide {
  explicit RowsSide(const char *file) : db(file) {
    db.Run("CREATE TABLE IF NOT EXISTS n(i); SELECT mmap_config('busy_timeout', 0), "
           "mmap_config('synchronous', 'normal');" +
           std::string(kTables));
  }
  Db db;
  bool open = false, deletes = false;
  int savepoints = 0;
};

class RowsWalk : public SqlTest {
protected:
  size_t Below(size_t n) { return random_() % n; }
  static std::string N(size_t n) { return std::to_string(n); }

  // ---- the files

  std::string Line() {
    static const char *const lines[] = {"a,b\n",        "c\n",      "\n",
                                        "x,\"y\nz\"\n", "de,fgh\n", "\"\"\"\",k\n"};
    return lines[Below(6)];
  }
  std::string Record() {
    size_t n = 1 + Below(3);
    return std::string(1, static_cast<char>(n)) +
           std::string(n, static_cast<char>('a' + Below(26)));
  }
  std::string Rows(bool chain, size_t count) {
    std::string bytes;
    for (; count > 0; count--) bytes += chain ? Record() : Line();
    return bytes;
  }
  // What makes rows of what were none, or none of what were.
  std::string Bytes(bool chain) {
    static const char *const text[] = {"\"", "\n", "a", "\"\n", ",", "\"\""};
    static const char *const records[] = {"\1", "\2", "a", "\1b", "\7", "\1\1"};
    if (Below(8) == 0) return std::string(1, '\0');
    return (chain ? records : text)[Below(6)];
  }

  // ---- what it is to be

  // All that is asked: the last, all together, and some by number, rowid and offset.
  std::string Questions() {
    std::string sql;
    for (const char *t : {"l", "l2", "q", "q2"}) {
      std::string from = std::string(" FROM ") + t;
      sql += "SELECT count(*), max(number), max(rowid)" + from + ";";
      for (size_t number : {Below(4000), 1000 + Below(1500), Below(30)}) {
        sql += "SELECT number, offset, rowid" + from + " WHERE number = " + N(number) + ";";
        sql += "SELECT number, rowid" + from + " WHERE rowid >= " + N(number * 4) + " LIMIT 1;";
        sql += "SELECT number, offset" + from + " WHERE offset = " + N(number * 3) + ";";
      }
    }
    for (const char *t : {"r", "r2"}) {
      std::string from = std::string(" FROM ") + t;
      for (size_t number : {Below(4000), 1000 + Below(1500), Below(30)}) {
        sql += "SELECT rowid, offset, n, d" + from + " WHERE rowid = " + N(number) + ";";
        sql += "SELECT rowid, offset" + from + " WHERE offset >= " + N(number * 3) + " LIMIT 1;";
      }
      sql += "SELECT count(*), max(rowid), max(next)" + from + ";";
    }
    return sql;
  }
  static std::string Answers(Db *db, const std::string &questions) {
    std::string all;
    for (size_t at = 0, end; (end = questions.find(';', at)) != std::string::npos; at = end + 1) {
      std::string one = questions.substr(at, end - at);
      all += one + ": " + db->Says(one) + "\n";
    }
    return all;
  }
  // In a directory of its own, by a connection of its own.
  static std::string Fresh(const std::string &text, const std::string &chain,
                           const std::string &sql) {
    std::filesystem::current_path("fresh");
    Put("t", text);
    Put("c", chain);
    std::string answers;
    {
      Db db;
      std::string error = db.Error(kTables); // q2 begins behind the end of a small file
      answers = Answers(&db, sql);
    }
    std::filesystem::current_path("..");
    return answers;
  }
  void Compare(RowsSide &s) {
    if (s.deletes) return; // gone for the table, and there for all others
    std::string questions = Questions();
    if (CannotRead(s)) return;
    std::string mine = Answers(&s.db, questions);
    std::string text = s.db.Bytes("SELECT mmap_slice('t')"),
                chain = s.db.Bytes("SELECT mmap_slice('c')");
    if (!s.open) {
      EXPECT_TRUE(text == Get("t") && chain == Get("c")) << said_;
    }
    std::string wanted = Fresh(text, chain, questions);
    if (mine == wanted) return;
    size_t at = 0;
    while (mine[at] == wanted[at]) at++;
    at = mine.rfind('\n', at) + 1;
    ADD_FAILURE() << said_ << "\n"
                  << mine.substr(at, 200) << "\nbut of " << text.size() << " and " << chain.size()
                  << " bytes\n"
                  << wanted.substr(at, 200);
  }

  // ---- what is done

  std::string Insert() {
    static const char *const inserts[] = {
        "INSERT INTO l(text) VALUES('one')", "INSERT INTO l(text) VALUES('\"')",
        "INSERT INTO q VALUES('a', 'b')",    "INSERT INTO q VALUES('c', 'd' || char(10))",
        "INSERT INTO q2 VALUES('a', 'b')",   "INSERT INTO l2(text) VALUES('z')",
        "INSERT INTO r(d) VALUES('x')",      "INSERT INTO r(d) VALUES('xyz'), ('w')",
        "INSERT INTO r2(d) VALUES('u')"};
    return inserts[Below(9)];
  }
  // The other's COMMIT is at work; or others have cut its file, an error at which SQLite undoes all.
  static bool CannotRead(RowsSide &s) {
    bool open = s.open;
    std::string said =
        s.db.Says("SELECT * FROM l WHERE offset = 0; SELECT * FROM r WHERE rowid = 0");
    Settle(s);
    return s.open != open || said.find("BUSY") != std::string::npos;
  }
  // It is refused exactly where somebody new is refused, and leaves the same bytes.
  void DoInsert(RowsSide &s) {
    std::string sql = Insert(), text, chain;
    bool looks = s.open || Below(2);
    if (s.deletes || (looks && CannotRead(s))) return;
    text = looks ? s.db.Bytes("SELECT mmap_slice('t')") : Get("t");
    chain = looks ? s.db.Bytes("SELECT mmap_slice('c')") : Get("c");
    std::string mine = Say(s, sql);
    Settle(s);
    if (mine.rfind("BUSY", 0) == 0) return;
    if (mine.find("has been deleted") != std::string::npos)
      return; // a transaction stays at its file
    std::string wanted = Fresh(text, chain, sql + ";");
    EXPECT_EQ(sql + ": " + mine + "\n", wanted) << said_;
    if (s.open) return;
    std::filesystem::current_path("fresh");
    std::string new_text = Get("t"), new_chain = Get("c");
    std::filesystem::current_path("..");
    EXPECT_TRUE(Get("t") == new_text && Get("c") == new_chain) << said_;
  }
  std::string Write() {
    bool chain = Below(3) == 0;
    std::string f = chain ? "'c'" : "'t'", at = N(Below(5000)), bytes = Blob(Bytes(chain));
    switch (Below(8)) {
      case 0:
        return "SELECT mmap_insert(" + f + ", min(" + at + ", mmap_size(" + f + ")), " + bytes +
               ")";
      case 1:
        return "SELECT mmap_delete(" + f + ", " + at + ", " + N(1 + Below(4)) + ")";
      case 2:
        return "SELECT mmap_resize(" + f + ", max(0, mmap_size(" + f + ") - " + N(Below(4)) + "))";
      case 3:
        return "SELECT mmap_insert(" + f + ", mmap_size(" + f + "), " + bytes + ")";
      default:
        return "SELECT mmap_patch(" + f + ", " + at + ", " + bytes + ")";
    }
  }
  void Delete(RowsSide &s) {
    std::string result =
        Say(s, "DELETE FROM r WHERE rowid % 7 = " + N(Below(7)) + " AND rowid < " + N(Below(2000)));
    s.deletes = s.open && (s.deletes || result.empty());
  }
  void End(RowsSide &s, const char *how) {
    if (!s.open) return;
    Say(s, how);
    Settle(s);
  }
  // A COMMIT that was refused leaves the transaction open.
  static void Settle(RowsSide &s) {
    s.open = !sqlite3_get_autocommit(s.db);
    if (s.open) return;
    s.deletes = false;
    s.savepoints = 0;
  }
  // The database is read: the files are prepared, and the transaction goes on.
  void RefusedCommit(RowsSide &s, const char *file) {
    if (!s.open || s.deletes) return;
    Db reader(file, nullptr, false);
    if (Say(s, "INSERT INTO n VALUES(1)") != "") return;
    (void)reader.Says("BEGIN; SELECT * FROM n"); // it may not get in once one was refused
    Say(s, "COMMIT");
    Settle(s);
    if (s.open && Below(2)) Outside();
    if (s.open && Below(2)) Say(s, Write());
  }
  void Mark(RowsSide &s) {
    if (!s.open) {
      Say(s, "BEGIN");
    } else if (s.savepoints == 0 || Below(2)) {
      Say(s, "SAVEPOINT s" + N(static_cast<size_t>(s.savepoints++)));
    } else {
      size_t to = Below(static_cast<size_t>(s.savepoints));
      bool back = Below(2) == 0;
      Say(s, (back ? "ROLLBACK TO s" : "RELEASE s") + N(to));
      s.savepoints = static_cast<int>(to) + back;
    }
    Settle(s);
  }
  // Another program, which takes no lock. Who has begun to write stays at the file that was there.
  void Outside() {
    bool chain = Below(3) == 0;
    const char *f = chain ? "c" : "t";
    std::string bytes = Bytes(chain), old = Get(f);
    size_t what = Below(two_[0]->open || two_[1]->open ? 4 : 6), at = Below(old.size() + 1);
    said_ += "\n-- outside " + N(what) + " " + f + " at " + N(at);
    usleep(5000); // times of files go by ticks of the kernel's clock
    if (what < 3) {
      int fd = open(f, O_WRONLY);
      EXPECT_EQ(pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(what ? at : old.size())),
                static_cast<ssize_t>(bytes.size()));
      close(fd);
    } else if (what == 3) {
      EXPECT_EQ(
          truncate(f, static_cast<off_t>(old.size() - std::min<size_t>(old.size(), Below(5)))), 0);
    } else {
      Put("new", what == 4 ? Rows(chain, 3 + Below(4000)) : old);
      EXPECT_EQ(rename("new", f), 0);
    }
    usleep(5000);
  }
  std::string Say(RowsSide &s, const std::string &sql) {
    std::string result = s.db.Says(sql);
    said_ += "\n" + N(&s == two_[1].get()) + ": " + sql + "; -- " + result.substr(0, 60);
    return result;
  }
  void Step(RowsSide &s, const char *file) {
    static const char *const levels[] = {"off", "normal", "off", "normal", "full"};
    switch (Below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return DoInsert(s);
      case 5:
      case 6:
      case 7:
        Say(s, Write());
        return Settle(s);
      case 8:
        return Outside();
      case 9:
      case 10:
        return Mark(s);
      case 11:
        return End(s, "ROLLBACK");
      case 12:
        return End(s, "COMMIT");
      case 13:
        return RefusedCommit(s, file);
      case 14:
        Delete(s);
        return Settle(s);
      default:
        Say(s, std::string("SELECT mmap_config('synchronous', '") + levels[Below(5)] + "')");
    }
  }
  void Walk(unsigned seed) {
    random_.seed(seed);
    said_ = "seed " + N(seed);
    Put("t", Rows(false, 2000 + Below(2000)) + "a,b\n");
    Put("c", Rows(true, 2000 + Below(2000)));
    static const char *const files[] = {"one.db", "two.db"};
    for (int i = 0; i < 2; i++) two_[i] = std::make_unique<RowsSide>(files[i]);
    for (int step = 0; step < 60 && !HasFailure(); step++) {
      size_t who = Below(3) == 0;
      Step(*two_[who], files[who]);
      if (Below(3)) Compare(*two_[who]);
      if (Below(6) == 0) Compare(*two_[1 - who]);
    }
    for (auto &side : two_) side.reset();
  }

private:
  std::mt19937 random_;
  std::string said_;
  std::unique_ptr<RowsSide> two_[2];
};

TEST_F(RowsWalk, KnowsWhatSomebodyNewFinds) {
  std::filesystem::create_directory("fresh");
  for (unsigned seed = 1; seed <= Rounds(8u) && !HasFailure(); seed++) Walk(seed);
}

} // namespace
} // namespace mm_test
