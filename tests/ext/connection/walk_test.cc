// Random walks over the states of transactions, beside a model of plain strings.
//
// Two connections, each with a database file of its own and a reader of it, write the same two
// files by paths, handles, windows and tables, while other programs interfere. After each event all
// views of both files are compared with the model: by path, handle and table on both connections,
// and the file itself by read(2).
//
// The states (rows) and events (columns), and what is right in each:
//
//                    write          savepoint,      COMMIT         ROLLBACK,     DROP, RENAME
//                                   ROLLBACK TO                    close
//   nothing          by itself      begins one      error          error, none   done
//   begun            seen by this   exact: bytes,   all files,     as before     DROP of a table
//    by a function,  connection     size, windows,  the database   BEGIN         that has pending
//    a table, a      alone; other   copies, tables                               writes: refused;
//    table made      writer: BUSY                                                after their
//    in it                                                                       ROLLBACK TO: done
//   savepoints       as begun       to each level,  of the         of all        undone with the
//                                   again and again outermost, by  levels        level
//                                                   RELEASE, too
//   rows deleted     by others: no  rows are back   closes up      rows are back refused
//                    change of size
//   xSync done,      makes the      makes the       tried again:   undone        as begun
//    COMMIT failed   journals       journals        BUSY or done
//    (a reader)      invalid first  invalid first
//   COMMIT failed    all is undone, bytes and database alike, if SQLite has ended the transaction;
//    (limit, full,   else all is still there
//    interrupt)
//   statement        undone, and no more than it, unless SQLite has ended the transaction
//    failed
//   copies           this copy      exact           kept           undone        ROLLBACK brings the
//                    alone                                                       copy back
//   windows          inside         length, too     kept           length, too   -
//   dead writer's    the first to use the file finds it before or after, whole; then all do
//    journal
//
//                    other program     second writer   kill -9              fork           DETACH,
//                    changes the file                                                      VACUUM
//   nothing          seen at once      done            nothing changed      new ones read, done
//   begun            COMMIT fails      BUSY            before               and inherited  error
//    savepoints      (BUSY_SNAPSHOT),                                       ones refuse
//    rows deleted    all is undone;
//                    undone before:
//                    as if never
//                    begun
//   xSync done,      COMMIT tried      BUSY            before, or the files error          error
//    COMMIT failed   again fails so                    after; before alone
//                    (also without                     once the
//                    a journal)                        transaction was
//                                                      touched
//   in COMMIT        -                 BUSY            each file before or
//                                                      after; the database
//                                                      after its files
//   copies           unwritten bytes   seen            gone                 refuse         DETACH
//                    are the file's                                                        forgets
//                                                                                          them
//
// A walk is given by its seed; each step draws from a seed of its own, so that a walk that fails can
// be made shorter by leaving steps out. What fails is printed so shortened, as lines for the sqlite3
// shell. MMAP_TEST_SEEDS=20 makes twenty times as many walks, MMAP_TEST_FIRST_SEED=7 begins there.
#include "tests/support/rounds.h"
#include "tests/support/sql.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <set>

namespace mm_test {
namespace {

constexpr int kFiles = 2, kSides = 2;
// A file, its journal and those of other files are not one: a crash may take one and leave another.
constexpr bool kTogether = true;

std::string FileName(int f) {
  return f ? "b" : "a";
}

std::string N(int64_t n) {
  return std::to_string(n);
}

// ---- SQL and files, without a word to googletest

struct Answer {
  std::string error; // "": none
  std::string bytes; // the first column of the first row
  std::vector<std::vector<std::string>> rows;
  bool ok() const { return error.empty(); }
};

std::string ColumnBytes(sqlite3_stmt *stmt, int i) {
  const void *data = sqlite3_column_blob(stmt, i);
  auto size = static_cast<size_t>(sqlite3_column_bytes(stmt, i));
  return data ? std::string(static_cast<const char *>(data), size) : std::string();
}

Answer Ask(sqlite3 *db, const std::string &sql) {
  Answer answer;
  sqlite3_stmt *stmt = nullptr;
  int rc = sqlite3_prepare_v2(db, sql.c_str(), -1, &stmt, nullptr);
  while (rc == SQLITE_OK && (rc = sqlite3_step(stmt)) == SQLITE_ROW) {
    std::vector<std::string> row;
    for (int i = 0; i < sqlite3_column_count(stmt); i++) {
      bool null = sqlite3_column_type(stmt, i) == SQLITE_NULL;
      row.push_back(null ? "NULL" : ColumnBytes(stmt, i));
    }
    answer.rows.push_back(row);
    rc = SQLITE_OK;
  }
  if (rc != SQLITE_OK && rc != SQLITE_DONE) {
    answer.error = N(sqlite3_extended_errcode(db)) + " " + sqlite3_errmsg(db);
  }
  sqlite3_finalize(stmt);
  if (!answer.rows.empty()) answer.bytes = answer.rows[0].at(0);
  return answer;
}

std::string ReadFile(const std::string &name) {
  std::string bytes;
  char buffer[65536];
  int fd = open(name.c_str(), O_RDONLY | O_CLOEXEC);
  for (ssize_t n; fd >= 0 && (n = read(fd, buffer, sizeof buffer)) > 0;)
    bytes.append(buffer, static_cast<size_t>(n));
  if (fd >= 0) close(fd);
  return bytes;
}

bool HasFile(const std::string &name) {
  return access(name.c_str(), F_OK) == 0;
}

// What an outside program does.
void WriteAt(const std::string &name, size_t offset, const std::string &bytes) {
  int fd = open(name.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  if (pwrite(fd, bytes.data(), bytes.size(), static_cast<off_t>(offset)) < 0) abort();
  close(fd);
}

std::string Pattern(size_t size) {
  std::string bytes;
  for (size_t i = 0; i < size; i++) bytes += static_cast<char>('0' + i % 10);
  return bytes;
}

// Enough of a long string to tell what is wrong with it.
std::string Show(const std::string &bytes) {
  std::string text;
  for (char c : bytes.size() > 80 ? bytes.substr(0, 80) : bytes) {
    char code[8];
    snprintf(code, sizeof code, c >= ' ' && c <= '~' ? "%c" : "\\x%02x", c & 255);
    text += code;
  }
  return "'" + text + "' (" + N(static_cast<int64_t>(bytes.size())) + " bytes)";
}

// Where the second differs from the first, when they are long.
std::string Differ(const std::string &is, const std::string &wanted) {
  size_t at = 0;
  while (at < is.size() && at < wanted.size() && is[at] == wanted[at]) at++;
  return "is " + Show(is) + ", not " + Show(wanted) + ", from " + N(static_cast<int64_t>(at)) +
         " on: " + Show(is.substr(at)) + ", not " + Show(wanted.substr(at));
}

// ---- the model

enum Sure { kNo, kMaybe, kYes };

// Which rows a table has.
struct Shape {
  size_t offset = 0, length = 0; // length 0: to the end
  size_t record = 1;             // 1: bytes
  bool records() const { return record > 1; }
  bool SameRows(const Shape &o) const { return offset == o.offset && record == o.record; }
  size_t Rows(size_t size) const {
    size_t n = size > offset ? size - offset : 0;
    return (length && length < n ? length : n) / record;
  }
  size_t At(size_t row) const { return offset + row * record; }
  // SQL's rowid of row 0.
  size_t First(size_t size) const { return records() ? 0 : std::min(offset, size); }
};

using Overlay = std::map<size_t, char>;

std::string Laid(std::string bytes, const Overlay &overlay) {
  for (auto [at, c] : overlay)
    if (at < bytes.size()) bytes[at] = c;
  return bytes;
}

struct Table {
  std::string schema, name;
  int file = 0;
  Shape shape;
  int copy = 0;     // access=copy: which; 0: none
  Sure wrote = kNo; // has pending writes
  std::string Full() const { return schema + "." + name; }
  std::string Column() const { return shape.records() ? "v" : "byte"; }
};

// What ROLLBACK TO brings back.
struct State {
  std::optional<std::string> now[kFiles]; // written in this transaction
  std::set<size_t> deleted[kFiles];       // rows of …
  Shape deleted_by[kFiles];               // … this shape
  std::map<int, Overlay> copies;
  std::map<int64_t, size_t> lengths; // of windows, by handle
  std::map<std::string, Table> tables;
  int64_t noted = 0; // rows of an ordinary table
  Sure dirty = kNo;  // is there something for the main database to commit?

  std::string Closed(int f) const {
    std::string bytes = *now[f];
    for (auto row = deleted[f].rbegin(); row != deleted[f].rend(); ++row) {
      bytes.erase(std::min(bytes.size(), deleted_by[f].At(*row)), deleted_by[f].record);
    }
    return bytes;
  }
};

struct Handle {
  int64_t id;
  int file;
  int copy;              // 0: none
  size_t offset, length; // length 0: to the end
};

// A connection.
struct Side {
  int number = 0;
  std::unique_ptr<Db> db, reader;
  bool reading = false;
  bool open = false; // a transaction is
  State state, before;
  std::vector<State> stack;   // at savepoints s0, s1 …
  std::string base[kFiles];   // the file when it was first written in this transaction
  bool touched[kFiles] = {};  // perhaps its writer, though nothing of it is pending
  bool replaced[kFiles] = {}; // its name leads to another file now
  bool doomed[kFiles] = {};   // changed by another program while it was its writer
  std::optional<std::string> prepared[kFiles]; // COMMIT has failed; a crash may apply this
  bool overwritten[kFiles] = {};               // … to a file that was changed since
  std::set<std::string> tried; // tables that have been written in this transaction, well or not
  std::vector<Handle> handles;
  int64_t noted = 0;                      // committed
  int attached = 0;                       // x1 or x2
  std::map<std::string, Table> stored[3]; // what x1 and x2 hold while they are not attached
};

// All that a crash may leave.
struct Whole {
  std::string files[kFiles];
  int64_t noted[kSides];
  bool any[kFiles] = {}; // nobody can tell
};

// Where a walk that is going to be killed puts down what it does.
struct Board {
  char history[1 << 20];
  char allowed[1 << 20];
  size_t allowed_size;
  char failure[1 << 16];
};

// ---- ending processes

bool IsWritingCall(pid_t pid) {
  struct __ptrace_syscall_info info;
  if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info) <= 0) return false;
  if (info.op != PTRACE_SYSCALL_INFO_ENTRY) return false;
  switch (info.entry.nr) {
    case SYS_pwrite64:
    case SYS_write:
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_fsync:
    case SYS_fdatasync:
    case SYS_unlinkat:
#ifdef SYS_unlink
    case SYS_unlink:
#endif
      return true;
    default:
      return false;
  }
}

// In the child: from here on its calls count.
void Arm() {
  raise(SIGSTOP);
}

// The child has asked to be traced. It is killed at its `fatal`-th call that writes, counted from
// Arm() on. Its wait status.
int KillAtCall(pid_t pid, int fatal) {
  bool armed = false;
  for (int count = 0, status;;) {
    if (waitpid(pid, &status, 0) != pid) return -1;
    if (!WIFSTOPPED(status)) return status;
    int stop = WSTOPSIG(status);
    if (stop == SIGSTOP) {
      armed = true;
      ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
      stop = 0;
    } else if (stop == (SIGTRAP | 0x80)) {
      if (IsWritingCall(pid) && ++count == fatal) kill(pid, SIGKILL);
      stop = 0;
    }
    ptrace(armed ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, static_cast<long>(stop));
  }
}

template <class F> pid_t Fork(bool traced, F child) {
  fflush(nullptr);
  pid_t pid = fork();
  if (pid) return pid;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (traced) ptrace(PTRACE_TRACEME, 0, nullptr, nullptr);
  _exit(child());
}

// ---- a walk

class Walk {
public:
  // `board`: it will be killed. In an empty directory of its own.
  Walk(unsigned seed, Board *board) : seed_(seed), board_(board) {}

  // Run these steps; what went wrong, or "". `arm`: before this one the calls begin to count.
  std::string Run(const std::vector<int> &steps, int arm = -1) {
    random_.seed(seed_ * 7919u);
    Begin();
    for (int step : steps) {
      if (arm >= 0 && step >= arm) Arm(), arm = -1;
      random_.seed(seed_ * 1000003u + static_cast<unsigned>(step));
      Step();
      if (failed()) return failure_;
      Check();
      if (failed()) return failure_;
    }
    if (!board_) Finish();
    return failure_;
  }

  const std::string &history() const { return history_; }

private:
  // ---- making things up

  uint64_t Below(uint64_t n) { return n ? random_() % n : 0; }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  int SomeFile() { return static_cast<int>(Below(kFiles)); }
  std::string Letters(size_t n) {
    std::string text;
    for (size_t i = 0; i < n; i++) text += static_cast<char>((OneIn(2) ? 'a' : 'A') + Below(26));
    return text;
  }
  template <class C> typename C::value_type *Any(C &all) {
    return all.empty() ? nullptr : &all[Below(all.size())];
  }

  // ---- telling what happens

  bool failed() const { return !failure_.empty(); }
  void Fail(const std::string &what) {
    if (failed()) return;
    failure_ = what;
    if (board_) snprintf(board_->failure, sizeof board_->failure, "%s", what.c_str());
  }
  void Say(const std::string &line) {
    history_ += line + "\n";
    if (board_ && history_.size() < sizeof board_->history) {
      size_t n = line.size() + 1;
      memcpy(board_->history + history_.size() - n, history_.data() + history_.size() - n, n);
    }
  }
  void SayFor(int connection, const std::string &sql) {
    if (connection != said_for_) Say(".connection " + N(connection));
    said_for_ = connection;
    Say(sql);
  }
  void SayResult(const Answer &answer) {
    if (!answer.ok()) Say("-- " + answer.error);
  }

  // ---- the beginning and the end

  void Begin() {
    for (int f = 0; f < kFiles; f++) {
      size_t size = OneIn(8) ? 4086 + Below(20) : OneIn(10) ? 0 : Below(40);
      disk_[f] = Pattern(size);
      WriteAt(FileName(f), 0, disk_[f]);
      Say(".shell printf %" + N(static_cast<int64_t>(size)) +
          "s | sed 's/.\\{1,10\\}/0123456789/g' | head -c " + N(static_cast<int64_t>(size)) +
          " > " + FileName(f));
    }
    for (int i = 0; i < kSides; i++) {
      sides_[i].number = i;
      Open(sides_[i], true);
      sides_[i].reader = std::make_unique<Db>(Database(i), nullptr, false);
      SayFor(2 + i, ".open " + Database(i));
    }
    for (Side &s : sides_) Furnish(s);
  }

  static std::string Database(int side) { return "w" + N(side) + ".db"; }
  std::string Attachment(const Side &s, int which) {
    return "x" + N(which) + "-" + N(s.number) + ".db";
  }

  void Open(Side &s, bool anew) {
    s.db = std::make_unique<Db>(Database(s.number));
    SayFor(s.number, ".open " + Database(s.number) + "\n.load mmap0");
    Quiet(s, "PRAGMA synchronous = off");
    Quiet(s, "SELECT mmap_config('busy_timeout', 0)");
    if (anew) Quiet(s, "CREATE TABLE noted(n CHECK(n >= 0), b)");
    Configure(s);
  }

  // Tables and handles to begin with.
  void Furnish(Side &s) {
    for (int which = 1; which <= 2; which++) {
      Quiet(s, "ATTACH '" + Attachment(s, which) + "' AS x");
      Quiet(s, "PRAGMA x.synchronous = off");
      Table copy{"x", "c", 0, {}, 0, kNo};
      Quiet(s, "CREATE VIRTUAL TABLE x.c USING mmap('a', access=copy)");
      copy.copy = ++last_copy_;
      s.stored[which]["x.c"] = copy;
      Quiet(s, "DETACH x");
    }
    for (int i = 0; i < 3; i++) CreateTable(s);
    for (int i = 0; i < 2; i++) OpenHandle(s);
  }

  // A query. SQLite undoes the whole transaction when it fails as the disk does (SQLITE_IOERR).
  Answer Look(Side &s, const std::string &sql) {
    Answer answer = Ask(*s.db, sql);
    if (s.open && sqlite3_get_autocommit(*s.db)) Undo(s);
    return answer;
  }
  // What must succeed and changes nothing in the model.
  Answer Quiet(Side &s, const std::string &sql) {
    SayFor(s.number, sql + ";");
    Answer answer = Ask(*s.db, sql);
    SayResult(answer);
    if (!answer.ok()) Fail("fails: " + sql + ": " + answer.error);
    return answer;
  }

  void Finish() {
    for (Side &s : sides_) {
      StopReading(s);
      if (s.open && OneIn(2)) Commit(s);
      if (s.open && OneIn(2)) Rollback(s);
      s.db.reset();
      s.reader.reset();
      if (s.open) Undo(s);
      if (failed()) return;
    }
    CheckFiles();
    Db fresh;
    for (int f = 0; f < kFiles && !failed(); f++) {
      Answer seen = Ask(fresh, "SELECT mmap_slice('" + FileName(f) + "')");
      if (seen.bytes != disk_[f])
        Fail("at the end " + FileName(f) + " " + Differ(seen.bytes, disk_[f]));
      if (HasFile(FileName(f) + "-mmap-journal")) Fail("a journal stays of " + FileName(f));
    }
  }

  // ---- what is true

  std::string View(const Side &s, int f) const {
    return s.state.now[f] ? *s.state.now[f] : disk_[f];
  }
  std::string CopyView(const Side &s, int copy, int f) const { return CopyOf(s, copy, disk_[f]); }
  std::string CopyOf(const Side &s, int copy, const std::string &file) const {
    auto frozen = frozen_.find(copy);
    auto overlay = s.state.copies.find(copy);
    return Laid(frozen == frozen_.end() ? file : frozen->second,
                overlay == s.state.copies.end() ? Overlay() : overlay->second);
  }
  Side &Other(const Side &s) { return sides_[1 - s.number]; }

  // Is it the file's writer?
  static Sure Owns(const Side &s, int f) {
    if (s.state.now[f]) return kYes;
    return s.open && s.touched[f] ? kMaybe : kNo;
  }
  // Is a write of the file BUSY?
  Sure Blocked(Side &s, int f) {
    const Side &other = Other(s);
    return other.replaced[f] ? kNo : Owns(other, f);
  }
  // Others cannot tell a COMMIT that has failed from one that is under way.
  Sure ReadRisk(Side &s, int f, bool copy = false) {
    return Other(s).prepared[f] || (copy && s.prepared[f]) ? kMaybe : kNo;
  }
  // Does this connection see a file that another program has changed behind its back?
  static bool IsSpoilt(const Side &s, int f) { return s.doomed[f] && s.state.now[f]; }

  size_t Length(const Side &s, const Handle &h) const {
    auto own = s.state.lengths.find(h.id);
    return own == s.state.lengths.end() ? h.length : own->second;
  }

  // ---- changing it

  void EndTransaction(Side &s) {
    s.open = false;
    s.stack.clear();
    s.tried.clear();
    for (int f = 0; f < kFiles; f++) {
      s.touched[f] = s.doomed[f] = s.replaced[f] = s.overwritten[f] = false;
      s.prepared[f].reset();
    }
  }
  void Undo(Side &s) {
    s.state = s.before;
    EndTransaction(s);
  }
  // COMMIT has succeeded.
  void Settle(Side &s) {
    for (int f = 0; f < kFiles; f++) {
      if (!s.state.now[f]) continue;
      if (!s.doomed[f]) disk_[f] = s.state.Closed(f);
      s.state.now[f].reset();
      s.state.deleted[f].clear();
    }
    for (auto &[name, table] : s.state.tables) table.wrote = kNo;
    s.state.dirty = kNo;
    s.noted = s.state.noted;
    EndTransaction(s);
  }
  // The transaction goes on after a COMMIT that failed.
  static void Touch(Side &s) {
    for (auto &prepared : s.prepared) prepared.reset();
  }

  // ---- what a crash may leave

  // One side's part: nothing of it, or some or all of its files, or all and its database.
  void AddOptions(const Side &s, const std::optional<std::string> (&files)[kFiles],
                  std::optional<int64_t> noted, std::vector<Whole> *all) const {
    std::vector<Whole> more;
    for (const Whole &whole : *all) {
      for (int some = 0; some < 1 << kFiles; some++) {
        Whole w = whole;
        bool every = true;
        for (int f = 0; f < kFiles; f++) {
          if (!files[f]) continue;
          if (some >> f & 1) w.files[f] = *files[f];
          every = every && (some >> f & 1);
        }
        if (some && (every || !kTogether)) more.push_back(w);
        if (noted && every) w.noted[s.number] = *noted, more.push_back(w);
      }
    }
    all->insert(all->end(), more.begin(), more.end());
  }

  void Publish(const Side *commits, const State *next) {
    if (!board_) return;
    Whole now;
    for (int f = 0; f < kFiles; f++) now.files[f] = disk_[f];
    for (const Side &s : sides_) now.noted[s.number] = s.noted;
    std::vector<Whole> all{now};
    for (const Side &s : sides_) {
      AddOptions(s, s.prepared, std::nullopt, &all);
      if (&s != commits) continue;
      std::optional<std::string> files[kFiles];
      for (int f = 0; f < kFiles; f++)
        if (next->now[f]) files[f] = next->Closed(f);
      AddOptions(s, files, next->noted, &all);
    }
    for (const Side &s : sides_) {
      for (int f = 0; f < kFiles; f++)
        if (s.prepared[f] && s.overwritten[f])
          for (Whole &w : all) w.any[f] = true;
    }
    Write(all);
  }
  void Write(const std::vector<Whole> &all) {
    std::string text;
    for (const Whole &w : all) {
      for (int f = 0; f < kFiles; f++)
        text += N(static_cast<int64_t>(w.files[f].size())) + " " + (w.any[f] ? "1 " : "0 ") +
                w.files[f];
      for (int64_t n : w.noted) text += N(n) + " ";
    }
    if (text.size() >= sizeof board_->allowed) return;
    memcpy(board_->allowed, text.data(), text.size());
    board_->allowed_size = text.size();
  }

  // ---- running it

  // A statement; if it succeeds, this is the state. `f`: the file that it writes.
  bool Do(Side &s, const std::string &sql, const State &next, Sure fails, int f = -1) {
    if (!s.open) {
      s.before = s.state;
      if (s.reading && next.dirty) fails = std::max(fails, next.dirty);
    }
    std::string old = f >= 0 ? View(s, f) : "";
    bool first = f >= 0 && !s.state.now[f] && next.now[f];
    Publish(s.open ? nullptr : &s, &next);
    SayFor(s.number, sql + ";");
    Answer answer = Ask(*s.db, sql);
    SayResult(answer);
    if (fails == kNo && !answer.ok()) Fail("fails: " + answer.error);
    if (fails == kYes && answer.ok()) Fail("does not fail");
    if (answer.ok()) {
      if (first) s.base[f] = disk_[f];
      s.state = next;
      if (!s.open) Settle(s);
      if (s.open && f >= 0 && next.now[f]) Touch(s), s.touched[f] = true;
    } else {
      AfterFailure(s, f);
    }
    Publish(nullptr, nullptr);
    return answer.ok();
  }
  void AfterFailure(Side &s, int f) {
    if (!s.open) return;
    if (sqlite3_get_autocommit(*s.db)) return Undo(s);
    if (f >= 0) s.touched[f] = true;
    if (s.state.dirty == kNo) s.state.dirty = kMaybe;
  }

  // ---- the events

  void Step() {
    static const struct {
      unsigned weight;
      bool (Walk::*event)(Side &);
      bool kills; // also in walks that are killed
    } kEvents[] = {
        {8, &Walk::Patch, true},
        {4, &Walk::Resize, true},
        {3, &Walk::Insert, true},
        {3, &Walk::Delete, true},
        {2, &Walk::Move, true},
        {2, &Walk::PatchOutside, true},
        {4, &Walk::UpdateFunction, true},
        {2, &Walk::UpdateFails, true},
        {9, &Walk::UpdateTable, true},
        {8, &Walk::InsertRows, true},
        {7, &Walk::DeleteRows, true},
        {5, &Walk::PatchCopy, true},
        {6, &Walk::UpdateCopy, true},
        {2, &Walk::ResizeCopy, false},
        {5, &Walk::Note, true},
        {3, &Walk::NoteByFunction, true},
        {2, &Walk::NoteFails, true},
        {2, &Walk::Fill, false},
        {10, &Walk::BeginOne, true},
        {10, &Walk::Savepoint, true},
        {8, &Walk::RollbackTo, true},
        {4, &Walk::Release, true},
        {8, &Walk::Commit, true},
        {3, &Walk::Rollback, true},
        {2, &Walk::CommitLimited, false},
        {2, &Walk::CommitInterrupted, false},
        {8, &Walk::CommitBusy, true},
        {4, &Walk::Reader, true},
        {6, &Walk::CreateTable, true},
        {6, &Walk::WriteByNewTable, true},
        {4, &Walk::CopyMeetsCrash, false},
        {5, &Walk::DropTable, true},
        {4, &Walk::RenameTable, true},
        {4, &Walk::AttachOrDetach, true},
        {1, &Walk::Vacuum, true},
        {4, &Walk::OutsideChange, true},
        {2, &Walk::Replace, true},
        {4, &Walk::DeadWriter, false},
        {1, &Walk::ForkChild, false},
        {1, &Walk::Reconnect, true},
        {3, &Walk::OpenHandle, true},
        {2, &Walk::CloseHandle, true},
        {3, &Walk::Changes, true},
        {1, &Walk::Configure, true},
    };
    uint64_t sum = 0;
    for (const auto &e : kEvents) sum += e.weight;
    for (int tries = 0; tries < 20; tries++) {
      Side &s = sides_[OneIn(4)];
      uint64_t at = Below(sum);
      const auto *e = kEvents;
      while (at >= e->weight) at -= e++->weight;
      if ((e->kills || !board_) && (this->*e->event)(s)) return;
    }
  }

  // How a file is named, and what of it is meant.
  struct Name {
    std::string sql;
    size_t start, length;
    size_t offset = 0;  // of the handle
    int64_t handle = 0; // 0: by path
    bool fixed = false;
    bool is_tail = true; // it ends where its file does
    size_t given = 0;    // if `fixed`: its length, of which a file that was cut shows less
  };
  Name ByPath(const Side &s, int f) { return {Quote(FileName(f)), 0, View(s, f).size()}; }
  Name ByHandle(const Side &s, const Handle &h) {
    size_t size = h.copy ? CopyView(s, h.copy, h.file).size() : View(s, h.file).size();
    size_t start = std::min(h.offset, size), length = size - start, own = Length(s, h);
    if (h.length) length = std::min(length, own);
    return {N(h.id),
            start,
            length,
            h.offset,
            h.id,
            h.length != 0,
            h.offset <= size && start + length == size,
            own};
  }
  Name SomeName(const Side &s, int f) {
    std::vector<const Handle *> all;
    for (const Handle &h : s.handles)
      if (h.file == f && !h.copy) all.push_back(&h);
    const Handle **h = OneIn(2) ? Any(all) : nullptr;
    return h ? ByHandle(s, **h) : ByPath(s, f);
  }

  // Is there a journal of the file that had the name before? Then the one that has it now cannot be
  // used, and the SQLITE_CORRUPT that says so keeps SQLite from committing anything.
  bool IsBarred(int f) const {
    for (const Side &s : sides_)
      if (s.prepared[f] && s.replaced[f]) return true;
    return false;
  }
  // A file that can be written: not spoilt by others.
  bool CanWrite(const Side &s, int f) const { return !s.doomed[f] && !IsBarred(f); }
  bool Choose(const Side &s, int *f) {
    *f = SomeFile();
    return CanWrite(s, *f);
  }
  // By a function or the table `mmap`: those belong to SQLite's main database, and their writes
  // lock it.
  State Changed(const Side &s, int f, const std::string &bytes) {
    State next = s.state;
    next.now[f] = bytes;
    next.dirty = kYes;
    return next;
  }
  // By a table of its own, perhaps of no row.
  State ChangedBy(const Side &s, const Table &t, bool any, const std::string &bytes) {
    State next = s.state;
    if (any) next.now[t.file] = bytes;
    Dirty(&next, t, false);
    return next;
  }

  // ---- writes by function

  bool Patch(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    if (!name.length) return false;
    size_t at = Below(name.length), n = 1 + Below(std::min<size_t>(8, name.length - at));
    std::string data = Letters(n), bytes = View(s, f);
    bytes.replace(name.start + at, n, data);
    Do(s, "SELECT mmap_patch(" + name.sql + ", " + N(at) + ", '" + data + "')",
       Changed(s, f, bytes), std::max(Blocked(s, f), ReadRisk(s, f)), f);
    return true;
  }

  bool PatchOutside(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    Do(s, "SELECT mmap_patch(" + name.sql + ", " + N(name.length) + ", 'xy')", s.state, kYes, f);
    return true;
  }

  bool HasDeleted(const Side &s, int f) { return !s.state.deleted[f].empty(); }

  bool Resize(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    std::string bytes = View(s, f);
    size_t n = OneIn(8) ? 4090 + Below(20) : OneIn(8) ? 0 : OneIn(3) ? name.length : Below(40);
    bool changes = name.offset + n != bytes.size();
    bytes.resize(name.offset + n);
    State next = Changed(s, f, bytes);
    if (name.fixed) next.lengths[name.handle] = n;
    Sure fails = std::max(Blocked(s, f), ReadRisk(s, f));
    if (changes && HasDeleted(s, f)) fails = kYes;
    Do(s, "SELECT mmap_resize(" + name.sql + ", " + N(n) + ")", next, fails, f);
    return true;
  }

  bool Insert(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    size_t at = Below(name.length + 1);
    std::string data = Letters(1 + Below(6)), bytes = View(s, f);
    if (bytes.size() > 9000) return false;
    bytes.insert(std::min(name.start + at, bytes.size()), data);
    State next = Changed(s, f, bytes);
    if (name.fixed) next.lengths[name.handle] = name.given + data.size();
    Sure fails = std::max(Blocked(s, f), ReadRisk(s, f));
    if (HasDeleted(s, f) || !name.is_tail) fails = kYes;
    Do(s, "SELECT mmap_insert(" + name.sql + ", " + N(at) + ", '" + data + "')", next, fails, f);
    return true;
  }

  bool Delete(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    size_t from = Below(name.length + 1), n = Below(std::min<size_t>(name.length - from, 6) + 1);
    std::string bytes = View(s, f);
    bytes.erase(std::min(name.start + from, bytes.size()), n);
    State next = Changed(s, f, bytes);
    if (name.fixed) next.lengths[name.handle] = name.given - n;
    Sure fails = std::max(Blocked(s, f), ReadRisk(s, f));
    if (HasDeleted(s, f) || !name.is_tail) fails = kYes;
    Do(s, "SELECT mmap_delete(" + name.sql + ", " + N(from) + ", " + N(from + n) + ")", next, fails,
       f);
    return true;
  }

  bool Move(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    if (name.length < 2) return false;
    size_t from = Below(name.length), to = Below(name.length);
    size_t n = 1 + Below(name.length - std::max(from, to));
    std::string bytes = View(s, f);
    bytes.replace(name.start + to, n, bytes.substr(name.start + from, n));
    Do(s, "SELECT mmap_move(" + name.sql + ", " + N(to) + ", " + N(from) + ", " + N(n) + ")",
       Changed(s, f, bytes), std::max(Blocked(s, f), ReadRisk(s, f)), f);
    return true;
  }

  // `UPDATE mmap`: one byte, or some.
  bool UpdateFunction(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    Name name = SomeName(s, f);
    if (!name.length) return false;
    size_t from = Below(name.length), to = OneIn(2) ? from : from + Below(10);
    int add = static_cast<int>(Below(4) ? 1 + Below(255) : 0);
    std::string bytes = View(s, f);
    for (size_t i = from; i <= to && i < name.length; i++)
      bytes[name.start + i] = static_cast<char>(bytes[name.start + i] + add);
    std::string where =
        from == to ? "offset = " + N(from) : "offset BETWEEN " + N(from) + " AND " + N(to);
    Do(s,
       "UPDATE mmap SET byte = (byte + " + N(add) + ") & 255 WHERE file = " + name.sql + " AND " +
           where,
       Changed(s, f, bytes), std::max(Blocked(s, f), ReadRisk(s, f)), f);
    return true;
  }

  // One that fails at its last row.
  bool UpdateFails(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    size_t size = View(s, f).size();
    if (!size) return false;
    Do(s,
       "UPDATE mmap SET byte = CASE offset WHEN " + N(size - 1) +
           " THEN 300 ELSE 64 END WHERE file = '" + FileName(f) + "'",
       s.state, kYes, f);
    return true;
  }

  // ---- writes by table

  Table *SomeTable(Side &s, bool copy) {
    std::vector<Table *> all;
    for (auto &[name, table] : s.state.tables)
      if ((table.copy != 0) == copy) all.push_back(&table);
    Table **t = Any(all);
    return t ? *t : nullptr;
  }
  std::string TableView(const Side &s, const Table &t) {
    return t.copy ? CopyView(s, t.copy, t.file) : View(s, t.file);
  }
  bool IsDeleted(const Side &s, const Table &t, size_t row) {
    return !t.copy && s.state.deleted_by[t.file].SameRows(t.shape) &&
           s.state.deleted[t.file].count(row);
  }

  // Some rows of a table: which, and how to say it.
  struct Rows {
    std::vector<size_t> rows;
    std::string where;
  };
  Rows SomeRows(const Side &s, const Table &t) {
    std::string bytes = TableView(s, t);
    size_t count = t.shape.Rows(bytes.size()), first = t.shape.First(bytes.size());
    size_t from = Below(count + 1), to = OneIn(2) ? from : from + Below(8);
    if (OneIn(10)) from = 0, to = count;
    Rows rows;
    for (size_t i = from; i <= to && i < count; i++)
      if (!IsDeleted(s, t, i)) rows.rows.push_back(i);
    rows.where = from == to ? "rowid = " + N(first + from)
                            : "rowid BETWEEN " + N(first + from) + " AND " + N(first + to);
    if (from == 0 && to == count) rows.where = "true";
    return rows;
  }

  static uint32_t Value(const std::string &bytes, size_t at, size_t size) {
    uint32_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
    return value;
  }
  static std::string Encoded(uint32_t value, size_t size) {
    std::string bytes;
    for (size_t i = size; i-- > 0;) bytes += static_cast<char>(value >> 8 * i);
    return bytes;
  }

  // Has it pending writes? Of one that has written once it is its file that counts.
  Sure IsPending(const Side &s, const Table &t) {
    bool others = t.copy ? s.state.copies != s.before.copies : s.state.now[t.file].has_value();
    return std::max(t.wrote, s.open && s.tried.count(t.Full()) && others ? kMaybe : kNo);
  }
  void MarkWritten(State *next, const Table &t, bool changed) {
    Sure &wrote = next->tables[t.Full()].wrote;
    wrote = changed ? kYes : std::max(wrote, kMaybe);
  }

  bool UpdateTable(Side &s) { return UpdateTable(s, SomeTable(s, false)); }
  bool UpdateTable(Side &s, Table *t) {
    if (!t || !CanWrite(s, t->file)) return false;
    s.tried.insert(t->Full());
    int f = t->file;
    Rows rows = SomeRows(s, *t);
    uint32_t add = static_cast<uint32_t>(OneIn(4) ? 0 : 1 + Below(254)),
             mask = t->shape.records() ? 0xffffff : 255;
    std::string bytes = View(s, f), old = bytes;
    for (size_t row : rows.rows) {
      size_t at = t->shape.At(row), n = t->shape.record;
      bytes.replace(at, n, Encoded((Value(bytes, at, n) + add) & mask, n));
    }
    bool any = !rows.rows.empty();
    State next = ChangedBy(s, *t, any, bytes);
    if (any) MarkWritten(&next, *t, bytes != old);
    Do(s,
       "UPDATE " + t->Full() + " SET " + t->Column() + " = (" + t->Column() + " + " + N(add) +
           ") & " + N(mask) + " WHERE " + rows.where,
       next, std::max(Blocked(s, f), ReadRisk(s, f)), any ? f : -1);
    Lock(s, f);
    return true;
  }
  // An UPDATE or DELETE has become the file's writer before it looked for rows.
  static void Lock(Side &s, int f) { s.touched[f] |= s.open; }

  // Can a table's file grow and shrink by its rows?
  bool IsWhole(const Table &t, size_t size) {
    return !t.shape.length && t.shape.offset <= size &&
           (size - t.shape.offset) % t.shape.record == 0;
  }

  bool InsertRows(Side &s) { return InsertRows(s, SomeTable(s, false)); }
  bool InsertRows(Side &s, Table *t) {
    if (!t || !CanWrite(s, t->file)) return false;
    s.tried.insert(t->Full());
    int f = t->file;
    std::string bytes = View(s, f), values;
    bool whole = IsWhole(*t, bytes.size());
    if (bytes.size() > 9000) return false;
    for (uint64_t i = 0, n = OneIn(2) ? 1 : 1 + Below(4); i < n; i++) {
      uint32_t value = static_cast<uint32_t>(65 + Below(26));
      values += (i ? ", (" : "(") + N(value) + ")";
      bytes += Encoded(value, t->shape.record);
    }
    State next = ChangedBy(s, *t, true, bytes);
    MarkWritten(&next, *t, true);
    Sure fails = std::max(Blocked(s, f), ReadRisk(s, f));
    if (HasDeleted(s, f) && !s.state.deleted_by[f].SameRows(t->shape))
      fails = std::max(fails, kMaybe);
    Do(s, "INSERT INTO " + t->Full() + "(" + t->Column() + ") VALUES" + values, next,
       whole ? fails : kYes, f);
    return true;
  }

  bool DeleteRows(Side &s) { return DeleteRows(s, SomeTable(s, false)); }
  bool DeleteRows(Side &s, Table *t) {
    if (!t || !CanWrite(s, t->file)) return false;
    s.tried.insert(t->Full());
    int f = t->file;
    Rows rows = SomeRows(s, *t);
    bool any = !rows.rows.empty();
    State next = ChangedBy(s, *t, any, View(s, f));
    Sure fails = std::max(Blocked(s, f), ReadRisk(s, f));
    if (any && (!IsWhole(*t, View(s, f).size()) ||
                (HasDeleted(s, f) && !s.state.deleted_by[f].SameRows(t->shape)))) {
      fails = kYes;
    }
    if (any) {
      next.deleted_by[f] = t->shape;
      next.deleted[f].insert(rows.rows.begin(), rows.rows.end());
      MarkWritten(&next, *t, true);
    }
    Do(s, "DELETE FROM " + t->Full() + " WHERE " + rows.where, next, fails, any ? f : -1);
    Lock(s, f);
    return true;
  }

  // ---- copies

  bool PatchCopy(Side &s) {
    std::vector<const Handle *> all;
    for (const Handle &h : s.handles)
      if (h.copy) all.push_back(&h);
    const Handle **h = Any(all);
    return h && PatchCopy(s, **h);
  }
  bool PatchCopy(Side &s, const Handle &h) {
    if (IsBarred(h.file)) return false;
    Name name = ByHandle(s, h);
    if (!name.length) return false;
    size_t at = Below(name.length), n = 1 + Below(std::min<size_t>(8, name.length - at));
    std::string data = Letters(n);
    State next = s.state;
    for (size_t i = 0; i < n; i++) next.copies[h.copy][name.start + at + i] = data[i];
    next.dirty = kYes;
    Do(s, "SELECT mmap_patch(" + name.sql + ", " + N(at) + ", '" + data + "')", next,
       ReadRisk(s, h.file, true));
    return true;
  }

  bool UpdateCopy(Side &s) {
    Table *t = SomeTable(s, true);
    if (!t || IsBarred(t->file)) return false;
    s.tried.insert(t->Full());
    Rows rows = SomeRows(s, *t);
    uint32_t add = static_cast<uint32_t>(1 + Below(254)),
             mask = t->shape.records() ? 0xffffff : 255;
    std::string bytes = TableView(s, *t);
    State next = s.state;
    for (size_t row : rows.rows) {
      size_t at = t->shape.At(row), n = t->shape.record;
      std::string value = Encoded((Value(bytes, at, n) + add) & mask, n);
      for (size_t i = 0; i < n; i++) next.copies[t->copy][at + i] = value[i];
    }
    if (!rows.rows.empty()) MarkWritten(&next, *t, true);
    Dirty(&next, *t, false);
    Do(s,
       "UPDATE " + t->Full() + " SET " + t->Column() + " = (" + t->Column() + " + " + N(add) +
           ") & " + N(mask) + " WHERE " + rows.where,
       next, ReadRisk(s, t->file, true));
    return true;
  }

  bool ResizeCopy(Side &s) {
    Table *t = SomeTable(s, true);
    if (!t || IsBarred(t->file)) return false;
    Do(s, "INSERT INTO " + t->Full() + "(" + t->Column() + ") VALUES(1)", s.state, kYes);
    return true;
  }

  // ---- the database

  bool Note(Side &s) {
    State next = s.state;
    next.noted++;
    next.dirty = kYes;
    Do(s, "INSERT INTO noted(n) VALUES(1)", next, kNo);
    return true;
  }

  bool NoteByFunction(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    std::string bytes = View(s, f);
    if (bytes.size() < 3) return false;
    bytes.replace(0, 3, "012");
    State next = Changed(s, f, bytes);
    next.noted += 3;
    Do(s,
       "INSERT INTO noted(n) SELECT mmap_patch('" + FileName(f) +
           "', i, i || '') FROM (SELECT 0 AS i UNION ALL SELECT 1 UNION ALL SELECT 2)",
       next, std::max(Blocked(s, f), ReadRisk(s, f)), f);
    return true;
  }

  // Fails when functions have written.
  bool NoteFails(Side &s) {
    int f;
    // Inside BEGIN, SQLite before 3.40 keeps what such a statement did, to its own tables too.
    if (sqlite3_libversion_number() < 3040000 || !Choose(s, &f)) return false;
    if (View(s, f).size() < 3) return false;
    Do(s,
       std::string("INSERT ") + (OneIn(4) ? "OR ROLLBACK " : "") +
           "INTO noted(n) SELECT mmap_patch('" + FileName(f) +
           "', i, 'x') - i FROM (SELECT 0 AS i UNION ALL SELECT 1 UNION ALL SELECT 2)",
       s.state, kYes, f);
    return true;
  }

  // The database is full.
  bool Fill(Side &s) {
    int f;
    if (!Choose(s, &f)) return false;
    if (View(s, f).size() < 1) return false;
    Quiet(s, "PRAGMA max_page_count = 1");
    Do(s,
       "INSERT INTO noted(n, b) SELECT mmap_patch('" + FileName(f) + "', 0, 'f'), zeroblob(300000)",
       s.state, kYes, f);
    Quiet(s, "PRAGMA max_page_count = 100000");
    return true;
  }

  // ---- transactions

  bool BeginOne(Side &s) {
    if (s.open) return false;
    s.before = s.state;
    s.tried.clear();
    Quiet(s, "BEGIN");
    s.open = true;
    return true;
  }

  bool Savepoint(Side &s) {
    if (s.stack.size() >= 4) return false;
    if (!s.open) s.before = s.state, s.tried.clear();
    Quiet(s, "SAVEPOINT s" + N(s.stack.size()));
    s.open = true;
    s.stack.push_back(s.state);
    Touch(s);
    Publish(nullptr, nullptr);
    return true;
  }

  bool RollbackTo(Side &s) {
    if (s.stack.empty()) return false;
    size_t level = Below(s.stack.size());
    Publish(nullptr, nullptr);
    Quiet(s, "ROLLBACK TO s" + N(level));
    Sure dirty = s.state.dirty;
    s.state = s.stack[level];
    if (dirty) s.state.dirty = kMaybe;
    s.stack.resize(level + 1);
    Touch(s);
    Publish(nullptr, nullptr);
    return true;
  }

  // Of all levels of a transaction that a savepoint has begun it is a COMMIT.
  bool Release(Side &s) {
    if (s.stack.empty()) return false;
    size_t level = Below(s.stack.size());
    return End(s, "RELEASE s" + N(level), level) != kNever;
  }

  enum Ended { kNever, kEnded, kStays };

  bool Commit(Side &s) { return s.open && End(s, "COMMIT", 0) != kNever; }

  // Is there a file that another program has changed, and we, too?
  Sure Conflict(const Side &s) {
    Sure sure = kNo;
    for (int f = 0; f < kFiles; f++) {
      if (!IsSpoilt(s, f)) continue;
      sure = std::max(sure, s.state.Closed(f) == s.base[f] ? kMaybe : kYes);
    }
    return sure;
  }

  Ended End(Side &s, const std::string &sql, size_t level) {
    Sure conflict = Conflict(s), busy = s.reading ? s.state.dirty : kNo;
    Publish(&s, &s.state);
    SayFor(s.number, sql + ";");
    Answer answer = Ask(*s.db, sql);
    SayResult(answer);
    bool ended = sqlite3_get_autocommit(*s.db);
    if (answer.ok() && !ended) { // RELEASE of an inner one
      s.stack.resize(level);
      Touch(s);
    } else if (answer.ok()) {
      if (conflict == kYes) Fail("a COMMIT over what another program wrote succeeds");
      if (conflict != kYes && busy == kYes) Fail("COMMIT succeeds though there is a reader");
      Settle(s);
    } else if (ended || (sql != "COMMIT" && answer.error.rfind("5 ", 0) != 0)) {
      if (!limited_ && conflict == kNo) Fail("COMMIT fails: " + answer.error);
      if (!limited_ && conflict != kNo) ExpectSnapshot(s, answer);
      Undo(s);
      if (!ended) Reopen(s, level);
    } else {
      if (!limited_ && (conflict == kYes || busy == kNo)) Fail("COMMIT fails: " + answer.error);
      for (int f = 0; f < kFiles; f++)
        if (s.state.now[f]) s.prepared[f] = s.state.Closed(f);
    }
    Publish(nullptr, nullptr);
    return ended ? kEnded : kStays;
  }
  // SQLite has undone all, and left the transaction open with its outermost savepoint.
  void Reopen(Side &s, size_t level) {
    s.open = true;
    s.stack = {s.state};
    if (level || OneIn(2)) Rollback(s);
  }
  void ExpectSnapshot(const Side &s, const Answer &answer) {
    bool deleted = false; // the closing up may find first that bytes are gone
    for (int f = 0; f < kFiles; f++) deleted = deleted || !s.state.deleted[f].empty();
    if (answer.error.rfind(N(SQLITE_BUSY_SNAPSHOT), 0) != 0 && !deleted)
      Fail("COMMIT fails otherwise: " + answer.error);
  }

  bool Rollback(Side &s) {
    if (!s.open) return false;
    Publish(nullptr, nullptr);
    Quiet(s, "ROLLBACK");
    Undo(s);
    Publish(nullptr, nullptr);
    return true;
  }

  // No file may become longer than some bytes, the database neither.
  bool CommitLimited(Side &s) {
    if (!s.open) return false;
    struct rlimit old, low;
    getrlimit(RLIMIT_FSIZE, &old);
    low = old;
    low.rlim_cur = Below(OneIn(2) ? 200 : 12000);
    signal(SIGXFSZ, SIG_IGN);
    Say("-- ulimit -f, of " + N(static_cast<int64_t>(low.rlim_cur)) + " bytes");
    limited_ = true;
    setrlimit(RLIMIT_FSIZE, &low);
    End(s, "COMMIT", 0);
    setrlimit(RLIMIT_FSIZE, &old);
    limited_ = false;
    Say("-- no limit");
    return true;
  }

  static int CountDown(void *left) { return --*static_cast<int *>(left) == 0; }

  bool CommitInterrupted(Side &s) {
    if (!s.open) return false;
    int left = static_cast<int>(1 + Below(40));
    Say("-- .progress, interrupts at its call " + N(left));
    limited_ = true;
    sqlite3_progress_handler(*s.db, 5, CountDown, &left);
    End(s, "COMMIT", 0);
    sqlite3_progress_handler(*s.db, 0, nullptr, nullptr);
    limited_ = false;
    return true;
  }

  void StopReading(Side &s) {
    if (!s.reading) return;
    SayFor(2 + s.number, "COMMIT;");
    Answer answer = Ask(*s.reader, "COMMIT");
    if (!answer.ok()) Fail("the reader fails: " + answer.error);
    s.reading = false;
  }
  void StartReading(Side &s) {
    if (s.reading) return;
    SayFor(2 + s.number, "BEGIN; SELECT count(*) FROM noted;");
    Ask(*s.reader, "BEGIN");
    s.reading = Ask(*s.reader, "SELECT count(*) FROM noted").ok();
    if (s.reading) return;
    SayFor(2 + s.number, "ROLLBACK; -- the database is locked");
    Ask(*s.reader, "ROLLBACK");
  }
  bool Reader(Side &s) {
    s.reading ? StopReading(s) : StartReading(s);
    return true;
  }

  // A COMMIT that comes past xSync and no further.
  bool CommitBusy(Side &s) {
    if (!s.open || s.reading) return false;
    StartReading(s);
    if (s.state.dirty != kYes) Note(s);
    if (!failed() && s.open) End(s, "COMMIT", 0);
    return true;
  }

  // ---- tables

  static std::string Options(const Table &t) {
    std::string text = "'" + FileName(t.file) + "'";
    if (t.copy) text += ", access=copy";
    if (t.shape.offset) text += ", offset=" + N(t.shape.offset);
    if (t.shape.length) text += ", length=" + N(t.shape.length);
    if (t.shape.records()) text += ", v u24be";
    return text;
  }

  bool CreateTable(Side &s) {
    Table t;
    static const char *const kSchemas[] = {"temp", "temp", "main", "x"};
    t.schema = kSchemas[Below(s.attached ? 4 : 3)];
    t.name = "t" + N(Below(3));
    t.file = SomeFile();
    if (s.state.tables.count(t.Full()) || !CanWrite(s, t.file)) return false;
    if (OneIn(4)) t.shape.offset = Below(8);
    if (OneIn(6)) t.shape.length = 1 + Below(6);
    if (OneIn(2)) t.shape.record = 3;
    if (OneIn(3)) t.copy = ++last_copy_;
    size_t size = TableView(s, t).size();
    bool fits = t.shape.offset + t.shape.length <= size;
    std::string access = !t.copy && OneIn(2) ? ", access=write" : "";
    std::string sql = "CREATE VIRTUAL TABLE " + t.Full() + " USING mmap(" + Options(t) + access;
    if (!t.copy) sql += ", delete=yes";
    State next = s.state;
    next.tables[t.Full()] = t;
    Dirty(&next, t);
    Do(s, sql + ")", next, fits ? ReadRisk(s, t.file, t.copy != 0) : kYes);
    return true;
  }

  // The first write of a table that was made under a savepoint, when perhaps no other has written.
  bool WriteByNewTable(Side &s) {
    if (s.stack.empty() && !Savepoint(s)) return false;
    std::map<std::string, Table> before = s.state.tables;
    if (!CreateTable(s) || failed()) return true;
    for (auto &[name, t] : s.state.tables) {
      if (before.count(name) || t.copy) continue;
      uint64_t how = Below(3);
      (void)(how == 0 ? UpdateTable(s, &t) : how == 1 ? InsertRows(s, &t) : DeleteRows(s, &t));
      break;
    }
    if (!failed() && OneIn(3)) RollbackTo(s);
    return true;
  }

  Table *AnyTable(Side &s) { return SomeTable(s, OneIn(2)); }

  // What makes or drops a table may enlist as a function does, in the main database.
  static void Dirty(State *next, const Table &t, bool schema = true) {
    if (t.schema == "main") next->dirty = kYes;
    if (schema) next->dirty = std::max(next->dirty, kMaybe);
  }

  bool DropTable(Side &s) {
    Table *found = AnyTable(s);
    if (!found) return false;
    Table t = *found;
    State next = s.state;
    next.tables.erase(t.Full());
    Dirty(&next, t);
    Do(s, "DROP TABLE " + t.Full(), next, IsPending(s, t));
    return true;
  }

  bool RenameTable(Side &s) {
    Table *found = AnyTable(s);
    if (!found) return false;
    Table t = *found, to = t;
    to.name = "t" + N(Below(3));
    if (s.state.tables.count(to.Full())) return false;
    if (s.tried.count(t.Full())) s.tried.insert(to.Full());
    State next = s.state;
    next.tables.erase(t.Full());
    next.tables[to.Full()] = to;
    Dirty(&next, t);
    Do(s, "ALTER TABLE " + t.Full() + " RENAME TO " + to.name, next, kNo);
    return true;
  }

  // Neither is part of a transaction; SQLite refuses the DETACH of what the transaction has used.
  bool AttachOrDetach(Side &s) {
    int which = static_cast<int>(1 + Below(2));
    for (int f = 0; f < kFiles; f++)
      if (IsBarred(f) || !doubt_[f].empty() || ReadRisk(s, f, true)) return false;
    std::string sql = s.attached ? "DETACH x" : "ATTACH '" + Attachment(s, which) + "' AS x";
    if (!Do(s, sql, s.state, s.open ? kMaybe : kNo)) return true;
    if (!s.attached && !s.open) Quiet(s, "PRAGMA x.synchronous = off");
    s.attached ? Unlist(s) : List(s, which);
    return true;
  }
  // In all that ROLLBACK can bring back.
  static void EachState(Side &s, const std::function<void(State &)> &each) {
    each(s.state);
    each(s.before);
    for (State &state : s.stack) each(state);
  }
  // What was written to a copy is gone with the DETACH; but of a table that was not connected at the
  // time nobody has told the library.
  void FindCopy(Side &s, Table *t) {
    Table old = *t;
    t->copy = ++last_copy_;
    Answer seen = Look(s, Summary(old));
    if (seen.bytes != Summed(s, *t) && seen.bytes == Summed(s, old)) *t = old;
  }
  void List(Side &s, int which) {
    s.attached = which;
    for (auto &[name, table] : s.stored[which]) {
      if (table.copy) FindCopy(s, &table);
      EachState(s, [&](State &state) { state.tables[name] = table; });
    }
  }
  static bool IsAttached(const std::pair<const std::string, Table> &t) {
    return t.second.schema == "x";
  }
  void Unlist(Side &s) {
    if (!s.attached) return;
    auto &stored = s.stored[s.attached];
    stored.clear();
    for (auto &t : s.state.tables)
      if (IsAttached(t)) stored.insert(t);
    EachState(s, [&](State &state) {
      for (auto it = state.tables.begin(); it != state.tables.end();)
        it = IsAttached(*it) ? state.tables.erase(it) : std::next(it);
    });
    s.attached = 0;
  }

  bool Vacuum(Side &s) {
    Do(s, "VACUUM", s.state, s.open ? kYes : s.reading ? kMaybe : kNo);
    return true;
  }

  // ---- others

  void Outside(int f, const std::string &command) {
    Say(".shell " + command);
    for (Side &s : sides_) {
      if (s.state.now[f]) s.doomed[f] = true;
      if (s.prepared[f]) s.overwritten[f] = true;
    }
    Publish(nullptr, nullptr);
  }

  // Times of files go by ticks of the kernel's clock.
  static void NextTick() { usleep(5000); }

  bool OutsideChange(Side &) {
    int f = SomeFile();
    std::string name = FileName(f), data = Letters(1 + Below(5));
    size_t size = disk_[f].size();
    NextTick();
    switch (Below(3)) {
      case 0:
        WriteAt(name, size, data);
        disk_[f] += data;
        Outside(f, "printf " + data + " >> " + name);
        break;
      case 1:
        if (!size) return false;
        disk_[f].resize(Below(size));
        if (truncate(name.c_str(), static_cast<off_t>(disk_[f].size())) != 0) abort();
        Outside(f, "truncate -s " + N(disk_[f].size()) + " " + name);
        break;
      default:
        if (size < data.size()) return false;
        size_t at = Below(size - data.size() + 1);
        WriteAt(name, at, data);
        disk_[f].replace(at, data.size(), data);
        Outside(f, "printf " + data + " | dd of=" + name +
                       " bs=1 conv=notrunc status=none seek=" + N(at));
    }
    NextTick();
    return true;
  }

  // By another one, by rename. Handles would stay with the file that was there, as copies do.
  bool Replace(Side &) {
    int f = SomeFile();
    for (Side &s : sides_)
      if (HasLostCopy(s, f) || IsBarred(f)) return false;
    for (Side &s : sides_) {
      for (size_t i = s.handles.size(); i-- > 0;)
        if (s.handles[i].file == f) Close(s, i);
      for (auto &[name, t] : s.state.tables) {
        if (!t.copy || t.file != f || frozen_.count(t.copy)) continue;
        // It is opened at its first use: now at the latest.
        SayFor(s.number, "SELECT count(*) FROM " + name + ";");
        if (!Ask(*s.db, "SELECT count(*) FROM " + name).ok()) return true;
        frozen_[t.copy] = disk_[f];
      }
    }
    std::string name = FileName(f);
    disk_[f] = Letters(Below(20));
    WriteAt("new", 0, disk_[f]);
    rename("new", name.c_str());
    // Whoever was the writer of the one that was there stays it.
    for (Side &s : sides_)
      if (Owns(s, f)) s.replaced[f] = s.doomed[f] = true;
    Outside(f, "printf '" + disk_[f] + "' > new; mv new " + name);
    return true;
  }
  static bool HasCopy(const State &state, const std::string &table, int copy) {
    auto found = state.tables.find(table);
    return found != state.tables.end() && found->second.copy == copy;
  }
  // Is there a copy that ROLLBACK may bring back, and of which we do not know whether it is open?
  bool HasLostCopy(const Side &s, int f) {
    if (!s.open) return false;
    auto lost = [&](const State &state) {
      for (auto &[name, t] : state.tables)
        if (t.copy && t.file == f && !HasCopy(s.state, name, t.copy)) return true;
      return false;
    };
    for (const State &state : s.stack)
      if (lost(state)) return true;
    return lost(s.before);
  }

  // A process that is killed in its COMMIT.
  bool DeadWriter(Side &) { return DeadWriter(SomeFile()); }
  // A copy that is being written sees its file whole, too.
  bool CopyMeetsCrash(Side &s) {
    std::vector<Handle> all;
    for (const Handle &h : s.handles)
      if (h.copy) all.push_back(h);
    const Handle *h = Any(all);
    if (!h) return false;
    if (!s.open && OneIn(2)) BeginOne(s);
    return PatchCopy(s, *h) && !failed() && DeadWriter(h->file);
  }
  bool DeadWriter(int f) {
    int fatal = static_cast<int>(1 + Below(8));
    std::string fresh = disk_[f], data = Letters(1 + Below(5));
    if (fresh.size() < data.size() || IsBarred(f)) return false;
    size_t at = Below(fresh.size() - data.size() + 1);
    fresh.replace(at, data.size(), data);
    std::string sql = "SELECT mmap_patch('" + FileName(f) + "', " + N(at) + ", '" + data + "')";
    if (OneIn(2)) {
      fresh.resize(Below(60));
      sql += ", mmap_resize('" + FileName(f) + "', " + N(fresh.size()) + ")";
    } else if (OneIn(2) && fresh.size() > 0) {
      fresh[fresh.size() - 1] = '!';
      sql += ", mmap_patch('" + FileName(f) + "', " + N(fresh.size() - 1) + ", '!')";
    }
    Sure blocked = kNo;
    for (Side &s : sides_) blocked = std::max(blocked, std::max(Blocked(s, f), ReadRisk(s, f)));
    int status = KillAtCall(Fork(true, [&] { return WriteAndDie(sql); }), fatal);
    Say("-- another process: BEGIN; " + sql + "; COMMIT; killed at call " + N(fatal) +
        " that writes: status " + N(status));
    if (status == 0 && blocked == kYes) Fail("there are two writers");
    if (status == 3 << 8 && blocked == kNo) Fail("another process cannot write");
    if (status == 0) disk_[f] = fresh;
    if (WIFSIGNALED(status)) doubt_[f] = {disk_[f], fresh};
    return true;
  }
  static int WriteAndDie(const std::string &sql) {
    auto *db = new Db();
    bool begun = Ask(*db, "SELECT mmap_config('busy_timeout', 0), mmap_config('synchronous',"
                          " 'normal')")
                     .ok() &&
                 Ask(*db, "BEGIN").ok() && Ask(*db, sql).ok();
    if (!begun) return 3;
    Arm();
    return Ask(*db, "COMMIT").ok() ? 0 : 3;
  }

  // What a fork inherits refuses; a new connection reads what is committed.
  bool ForkChild(Side &s) {
    int f = SomeFile();
    if (AnyDoubt() || IsBarred(f)) return false;
    Say("-- a forked child reads");
    pid_t pid = Fork(false, [&] {
      // What is not open yet may be opened.
      Answer inherited = Ask(*s.db, "SELECT mmap_slice('" + FileName(f) + "')");
      if (inherited.ok() && (s.state.now[f] || inherited.bytes != disk_[f])) return 1;
      auto *fresh = new Db();
      Ask(*fresh, "SELECT mmap_config('busy_timeout', 0)");
      Answer seen = Ask(*fresh, "SELECT mmap_slice('" + FileName(f) + "')");
      bool prepared = sides_[0].prepared[f] || sides_[1].prepared[f];
      if (!seen.ok()) return prepared ? 0 : 2;
      return seen.bytes == disk_[f] ? 0 : 3;
    });
    int status = -1;
    waitpid(pid, &status, 0);
    if (status) Fail("the child ends with " + N(status));
    return true;
  }

  bool Reconnect(Side &s) {
    Publish(nullptr, nullptr);
    s.db.reset();
    SayFor(s.number, ".open :memory:");
    Undo(s.open ? s : (s.before = s.state, s));
    Unlist(s);
    s.handles.clear();
    s.state.lengths.clear(); // the next handle is number 1 again
    for (auto it = s.state.tables.begin(); it != s.state.tables.end();) {
      bool gone = it->second.schema == "temp";
      if (it->second.copy) it->second.copy = ++last_copy_;
      it = gone ? s.state.tables.erase(it) : std::next(it);
    }
    Open(s, false);
    return true;
  }

  bool OpenHandle(Side &s) {
    int f = SomeFile();
    if (s.handles.size() >= 5 || !CanWrite(s, f) || ReadRisk(s, f) || s.prepared[f]) return false;
    Handle h{0, f, 0, 0, 0};
    std::string sql = "SELECT mmap_open('" + FileName(f) + "', ";
    size_t size = View(s, f).size();
    if (OneIn(3)) {
      h.copy = ++last_copy_;
      sql += "'copy'";
    } else {
      if (OneIn(2)) h.offset = Below(size + 1);
      if (OneIn(2) && h.offset < size) h.length = 1 + Below(size - h.offset);
      sql += "'write', " + N(h.length) + ", " + N(h.offset);
    }
    h.id = atoll(Quiet(s, sql + ")").bytes.c_str());
    s.handles.push_back(h);
    return true;
  }
  void Close(Side &s, size_t i) {
    Quiet(s, "SELECT mmap_close(" + N(s.handles[i].id) + ")");
    s.handles.erase(s.handles.begin() + static_cast<long>(i));
  }
  bool CloseHandle(Side &s) {
    if (s.handles.empty()) return false;
    Close(s, Below(s.handles.size()));
    return true;
  }

  // Fsync is slow and changes nothing that is looked at here: seldom. Without a journal a crash may
  // leave anything.
  bool Configure(Side &s) {
    const char *how = OneIn(20) ? "full" : OneIn(2) && !board_ ? "off" : "normal";
    Quiet(s, std::string("SELECT mmap_config('synchronous', '") + how + "')");
    return true;
  }

  // What COMMIT is about to write, laid over the file, is what it will be.
  bool Changes(Side &s) {
    if (!s.open) return false;
    std::string sql = "SELECT path, offset, length, old, new FROM mmap_changes";
    SayFor(s.number, sql + ";");
    bool risk = false;
    for (int f = 0; f < kFiles; f++) risk = risk || s.doomed[f] || ReadRisk(s, f);
    Answer answer = Look(s, sql);
    SayResult(answer);
    if (!answer.ok() && !risk) Fail("fails: " + answer.error);
    for (int f = 0; f < kFiles && answer.ok(); f++) {
      std::string bytes = disk_[f], wanted = s.state.now[f] ? s.state.Closed(f) : disk_[f];
      if (IsSpoilt(s, f)) continue;
      for (const auto &row : answer.rows) {
        if (row[0].substr(row[0].rfind('/') + 1) == FileName(f)) Apply(row, &bytes);
      }
      if (bytes != wanted) Fail("mmap_changes of " + FileName(f) + " " + Differ(bytes, wanted));
    }
    return true;
  }
  static void Apply(const std::vector<std::string> &row, std::string *bytes) {
    size_t at = strtoull(row[1].c_str(), nullptr, 10), n = strtoull(row[2].c_str(), nullptr, 10);
    if (row[4] == "NULL") return bytes->resize(std::min(bytes->size(), at));
    if (bytes->size() < at + n) bytes->resize(at + n);
    bytes->replace(at, n, row[4]);
  }

  // ---- looking

  bool AnyDoubt() {
    for (auto &doubt : doubt_)
      if (!doubt.empty()) return true;
    return false;
  }

  void Check() {
    for (int f = 0; f < kFiles; f++)
      if (!doubt_[f].empty()) Resolve(f);
    CheckFiles();
    for (Side &s : sides_) {
      CheckSide(s);
      Answer noted = Ask(*s.db, "SELECT count(*) FROM noted");
      if (noted.bytes != N(s.state.noted)) {
        Fail("noted has " + noted.bytes + noted.error + " rows, not " + N(s.state.noted));
      }
    }
    CheckFiles();
  }

  void CheckFiles() {
    for (int f = 0; f < kFiles && !failed(); f++) {
      std::string bytes = ReadFile(FileName(f));
      if (bytes != disk_[f]) Fail("the file " + FileName(f) + " " + Differ(bytes, disk_[f]));
    }
  }

  // The first to look decides whether a dead writer has committed.
  void Resolve(int f) {
    bool by_copy = !OneIn(4);
    std::vector<std::pair<Side *, Handle *>> all;
    for (Side &s : sides_)
      for (Handle &h : s.handles)
        if (by_copy && h.copy && h.file == f) all.emplace_back(&s, &h);
    auto *found = Any(all);
    Side &s = found ? *found->first : sides_[OneIn(2)];
    Handle *copy = found ? found->second : nullptr;
    std::string sql = "SELECT mmap_slice(" + (copy ? N(copy->id) : Quote(FileName(f))) + ")";
    SayFor(s.number, sql + ";");
    Answer seen = Ask(*s.db, sql);
    SayResult(seen);
    std::vector<std::string> left;
    for (const std::string &bytes : doubt_[f])
      if (seen.ok() && seen.bytes == (copy ? CopyOf(s, copy->copy, bytes) : bytes))
        left.push_back(bytes);
    if (left.empty()) {
      Fail(FileName(f) + " is torn: " + seen.error + " " + Show(seen.bytes) + ", neither " +
           Show(doubt_[f][0]) + " nor " + Show(doubt_[f][1]));
      return;
    }
    doubt_[f] = left;
    if (left.size() > 1 && copy) return Resolve(f);
    disk_[f] = left[0];
    doubt_[f].clear();
  }

  // A value that a query gives; `risk`: it may fail.
  void Gives(Side &s, const std::string &sql, const std::string &wanted, Sure risk) {
    if (failed()) return;
    Answer answer = Ask(*s.db, sql);
    if (!answer.ok() && risk) return;
    if (answer.ok() && answer.bytes == wanted) return;
    SayFor(s.number, sql + ";");
    SayResult(answer);
    Fail(answer.ok() ? sql + " " + Differ(answer.bytes, wanted) : sql + ": " + answer.error);
  }

  void CheckSide(Side &s) {
    for (int f = 0; f < kFiles; f++) {
      if (IsBarred(f)) continue;
      if (IsSpoilt(s, f)) {
        Answer spoilt = Look(s, "SELECT mmap_slice('" + FileName(f) + "')");
        if (!spoilt.ok()) Say("-- " + spoilt.error);
        continue;
      }
      std::string path = Quote(FileName(f)), bytes = View(s, f);
      Gives(s, "SELECT mmap_slice(" + path + ")", bytes, ReadRisk(s, f));
      Gives(s, "SELECT mmap_size(" + path + ")", N(bytes.size()), ReadRisk(s, f));
    }
    for (const Handle &h : s.handles) CheckHandle(s, h);
    for (auto &[name, t] : s.state.tables)
      if (OneIn(2)) CheckTable(s, t);
  }

  void CheckHandle(Side &s, const Handle &h) {
    if (IsBarred(h.file) || (!h.copy && IsSpoilt(s, h.file))) return;
    Name name = ByHandle(s, h);
    std::string bytes = h.copy ? CopyView(s, h.copy, h.file) : View(s, h.file);
    Gives(s, "SELECT mmap_slice(" + name.sql + ")", bytes.substr(name.start, name.length),
          ReadRisk(s, h.file, h.copy != 0));
  }

  void CheckTable(Side &s, const Table &t) {
    if (IsBarred(t.file) || (!t.copy && IsSpoilt(s, t.file))) return;
    Gives(s, Summary(t), Summed(s, t), ReadRisk(s, t.file, t.copy != 0));
  }

  // All rows of a table in short.
  static std::string Summary(const Table &t) {
    return "SELECT count(*) || ' ' || coalesce(sum((rowid + 1) * " + t.Column() +
           "), 0) || ' ' || coalesce(max(rowid), -1) FROM " + t.Full();
  }
  std::string Summed(const Side &s, const Table &t) {
    std::string bytes = TableView(s, t);
    size_t count = t.shape.Rows(bytes.size()), first = t.shape.First(bytes.size());
    int64_t rows = 0, sum = 0, last = -1;
    for (size_t i = 0; i < count; i++) {
      if (IsDeleted(s, t, i)) continue;
      rows++;
      last = static_cast<int64_t>(first + i);
      sum += (last + 1) * Value(bytes, t.shape.At(i), t.shape.record);
    }
    return N(rows) + " " + N(sum) + " " + N(last);
  }

  unsigned seed_;
  Board *board_;
  std::mt19937_64 random_;
  std::string history_, failure_;
  int said_for_ = -1;
  bool limited_ = false; // something else may make COMMIT fail
  std::string disk_[kFiles];
  std::vector<std::string> doubt_[kFiles]; // a dead writer has left the file so or so
  std::map<int, std::string> frozen_;      // copies of files that have been replaced
  int last_copy_ = 0;
  Side sides_[kSides];
};

// ---- many of them

// A directory for a while.
class Room {
public:
  Room() {
    char name[] = "room.XXXXXX";
    if (!mkdtemp(name)) abort();
    std::filesystem::current_path(name_ = name);
  }
  ~Room() {
    std::error_code ignored;
    std::filesystem::current_path("..", ignored);
    std::filesystem::remove_all(name_, ignored);
  }

private:
  std::string name_;
};

struct Result {
  std::string failure, history;
};

using Steps = std::vector<int>;
using Runner = Result (*)(unsigned seed, const Steps &steps);

Result Walks(unsigned seed, const Steps &steps) {
  Room room;
  Walk walk(seed, nullptr);
  Result result;
  result.failure = walk.Run(steps);
  result.history = walk.history();
  return result;
}

std::vector<Whole> Allowed(const Board &board) {
  std::vector<Whole> all;
  const char *at = board.allowed, *end = at + board.allowed_size;
  while (at < end) {
    Whole w;
    char *next;
    for (int f = 0; f < kFiles; f++) {
      size_t size = strtoull(at, &next, 10);
      w.any[f] = next[1] == '1';
      w.files[f] = std::string(next + 3, size);
      at = next + 3 + size;
    }
    for (int64_t &n : w.noted) n = strtoll(at, &next, 10), at = next + 1;
    all.push_back(w);
  }
  return all;
}

// What the next use finds after a crash. How it looks is up to the seed.
Whole Recovered(unsigned seed, std::string *failure) {
  Whole found;
  Db db(":memory:", seed % 3 ? nullptr : "sqlite3_mmap_readonly_init");
  for (int f = 0; f < kFiles; f++) {
    std::string sql = "SELECT mmap_slice('" + FileName(f) + "')";
    if (seed % 3 == 1) sql = "SELECT mmap_slice(mmap_open('" + FileName(f) + "', 'copy'))";
    Answer answer = Ask(db, sql);
    if (!answer.ok()) *failure = "recovery fails: " + answer.error;
    found.files[f] = answer.bytes;
  }
  db.Close();
  Db later;
  for (int f = 0; f < kFiles; f++) {
    std::string bytes = Ask(later, "SELECT mmap_slice('" + FileName(f) + "')").bytes;
    if (bytes != found.files[f]) *failure = "the second look " + Differ(bytes, found.files[f]);
    if (ReadFile(FileName(f)) != bytes) *failure = "the file is not what is seen of it";
    if (HasFile(FileName(f) + "-mmap-journal")) *failure = "a journal stays";
  }
  for (int i = 0; i < kSides; i++) {
    Db database("w" + N(i) + ".db", nullptr, false);
    found.noted[i] = atoll(Ask(database, "SELECT count(*) FROM noted").bytes.c_str());
  }
  return found;
}

bool Fits(const Whole &found, const Whole &allowed) {
  for (int f = 0; f < kFiles; f++)
    if (!allowed.any[f] && found.files[f] != allowed.files[f]) return false;
  return std::equal(found.noted, found.noted + kSides, allowed.noted);
}

std::string Judge(const Board &board, unsigned seed) {
  std::string failure;
  std::vector<Whole> allowed = Allowed(board);
  Whole found = Recovered(seed, &failure);
  bool any = false;
  for (const Whole &w : allowed)
    for (bool a : w.any) any = any || a;
  if (!failure.empty() && !any) return failure;
  for (const Whole &w : allowed)
    if (Fits(found, w)) return "";
  auto show = [](const Whole &w) {
    return Show(w.files[0]) + " " + Show(w.files[1]) + " " + N(w.noted[0]) + " " + N(w.noted[1]);
  };
  failure = "after the kill: " + show(found) + ", not one of:";
  for (const Whole &w : allowed) failure += "\n  " + show(w);
  return failure;
}

// A walk in a process that is killed: at one of its calls that write, or between two statements.
Result KilledWalks(unsigned seed, const Steps &steps) {
  Room room;
  std::mt19937 random(seed);
  int fatal = random() % 2 ? static_cast<int>(1 + random() % 25) : 0;
  int arm = fatal ? static_cast<int>(random() % 30) : -1;
  auto *board = static_cast<Board *>(mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE,
                                          MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));
  pid_t pid = Fork(true, [&] {
    auto *walk = new Walk(seed, board);
    if (!walk->Run(steps, arm).empty()) return 9;
    raise(SIGKILL);
    return 8;
  });
  int status = KillAtCall(pid, fatal);
  Result result{board->failure, board->history};
  result.history += fatal ? "-- killed at call " + N(fatal) + " that writes from step " + N(arm) +
                                " on, or here\n"
                          : "-- killed here\n";
  if (result.failure.empty() && !(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
    result.failure = "the process ends with status " + N(status);
  if (result.failure.empty()) result.failure = Judge(*board, seed);
  munmap(board, sizeof(Board));
  return result;
}

// What kind of failure it is: without its numbers and names.
std::string KindOf(const std::string &failure) {
  std::string kind;
  bool quoted = false;
  for (char c : failure.substr(0, failure.find(" is '"))) {
    if (c == '\'') quoted = !quoted;
    if (!quoted && !isdigit(c)) kind += c;
  }
  return kind;
}

// Leave out what is not needed to make it fail.
Steps Shorten(Runner run, unsigned seed, Steps steps, const std::string &kind) {
  for (size_t piece = steps.size() / 2; piece > 0; piece /= 2) {
    for (size_t at = 0; at < steps.size();) {
      Steps fewer = steps;
      fewer.erase(fewer.begin() + static_cast<long>(at),
                  fewer.begin() + static_cast<long>(std::min(at + piece, steps.size())));
      if (KindOf(run(seed, fewer).failure) != kind) {
        at += piece;
      } else {
        steps = fewer;
      }
    }
  }
  return steps;
}

void Report(Runner run, unsigned seed, const Steps &steps, const std::string &failure) {
  Steps fewer = Shorten(run, seed, steps, KindOf(failure));
  Result result = run(seed, fewer);
  ADD_FAILURE() << "seed " << seed << ": " << failure << "\nshortened: " << result.failure << "\n"
                << result.history;
}

class WalkTest : public SqlTest {
protected:
  static void RunAll(Runner run, unsigned count, int length) {
    const char *from = getenv("MMAP_TEST_FIRST_SEED");
    unsigned first = from ? static_cast<unsigned>(atoi(from)) : 1;
    count = Rounds(count);
    Steps steps;
    for (int i = 0; i < length; i++) steps.push_back(i);
    for (unsigned seed = first; seed < first + count && !HasFailure(); seed++) {
      Result result = run(seed, steps);
      if (!result.failure.empty()) Report(run, seed, steps, result.failure);
    }
  }
};

TEST_F(WalkTest, EveryViewIsTheModels) {
  RunAll(Walks, 100, 60);
}

TEST_F(WalkTest, AKilledOneLeavesWhatWasCommitted) {
  RunAll(KilledWalks, 100, 40);
}

} // namespace
} // namespace mm_test
