#include "tests/faults/child.h"

#include <dirent.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <regex>
#include <sstream>
#include <thread>

extern "C" {
#include "core/os/sys.h"
int sqlite3_mmap_init(sqlite3 *db, char **error, const void *api);
int sqlite3_mmap_readonly_init(sqlite3 *db, char **error, const void *api);
}

namespace mm_test {

namespace {

// ---- the report, as lines of words with lengths

void Say(int fd, const std::vector<std::string> &words) {
  std::string line;
  for (const std::string &word : words) line += std::to_string(word.size()) + ":" + word;
  line += "\n";
  for (size_t done = 0; done < line.size();) {
    ssize_t n = write(fd, line.data() + done, line.size() - done);
    if (n <= 0) abort();
    done += static_cast<size_t>(n);
  }
}

std::string Text(const std::vector<std::vector<std::string>> &rows) {
  std::string text;
  for (const auto &row : rows) {
    for (const auto &value : row) text += value + "|";
    text += "\n";
  }
  return text;
}

std::string Numbers(const std::vector<uint64_t> &numbers) {
  return std::string(reinterpret_cast<const char *>(numbers.data()),
                     numbers.size() * sizeof numbers[0]);
}

// ---- what a statement may do beside its transaction

bool Has(const std::string &sql, const char *pattern) {
  return std::regex_search(sql, std::regex(pattern, std::regex::icase));
}

constexpr char kWriters[] = "mmap_(set|patch|move|resize|insert|delete|replace|search_replace|"
                            "apply|write|write_byte)\\s*\\(";
constexpr char kMovers[] =
    "mmap_(open|close|read|read_byte|readline|write|write_byte|seek|config|flush)\\s*\\(";
constexpr char kMakers[] = "create";
constexpr char kReaders[] = "^\\s*select\\b";
constexpr char kRelease[] = "^\\s*release\\b";

bool EndsWith(const std::string &text, const std::string &end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

const std::string kRecord = "mmap-commit-mmap-journal";

// Is it an error that says what failed?
bool IsProper(const Mode &mode, const Outcome &outcome) {
  int code = outcome.rc & 0xff;
  bool nomem = code == SQLITE_NOMEM || outcome.rc == SQLITE_IOERR_NOMEM;
  // A COMMIT that SQLite was done with when memory ran out: what follows in the statement reads
  // nothing.
  if (outcome.message.find("was not finished") != std::string::npos) return code == SQLITE_IOERR;
  if (mode.kind == Kind::kMemory || nomem) return nomem;
  // An emptied journal of our own that could not be removed is in the way of the next.
  if (code == SQLITE_CORRUPT) return outcome.message.find("is in the way") != std::string::npos;
  // BUSY: whether somebody is committing cannot be told, and then nothing is read.
  return code == SQLITE_IOERR || code == SQLITE_FULL || code == SQLITE_CANTOPEN ||
         outcome.rc == SQLITE_BUSY;
}

// A listing without its journals; `bytes`: without those that are so long.
std::string WithoutJournals(const std::string &files, const std::string &bytes = "") {
  std::istringstream lines(files);
  std::string rest;
  for (std::string line; std::getline(lines, line);)
    if (line.find("-mmap-journal\t" + bytes) == std::string::npos) rest += line + "\n";
  return rest;
}

int Descriptors() {
  int count = 0;
  for (const auto &entry : std::filesystem::directory_iterator("/proc/self/fd"))
    (void)entry, count++;
  return count;
}

// Mappings of files in the tests' own directories.
std::string Mappings() {
  std::ifstream maps("/proc/self/maps");
  std::string found;
  for (std::string line; std::getline(maps, line);)
    if (line.find("/sql.") != std::string::npos) found += line + "\n";
  return found;
}

// In the names of a listing, which is made of lines and tabs.
constexpr char kNewline = 1, kTab = 2;

struct Stopped {}; // leaves a test in which nothing more can be told

constexpr char kLoad[] = "(load)"; // in the place of a statement: loading the library
constexpr int kAfter = 300;        // statements that are run after the last fault, and no more

// ---- the child

class Child : public Harness {
public:
  Child(const Mode &mode, const Task &task, int report, int ask, int answer)
      : fault_(mode), mode_(mode), task_(task), report_(report), ask_(ask), answer_(answer),
        process_(getpid()), thread_(std::this_thread::get_id()) {}

  int Load(sqlite3 *db, const char *entry, char **message) override {
    bool read_only = entry && (strcmp(entry, "sqlite3_mmap_readonly_init") == 0 ||
                               strcmp(entry, "sqlite3_mmapro_init") == 0);
    auto once = [&] {
      char *text = nullptr;
      Outcome outcome;
      auto init = read_only ? sqlite3_mmap_readonly_init : sqlite3_mmap_init;
      outcome.rc = init(db, &text, nullptr);
      if (outcome.rc == SQLITE_OK_LOAD_PERMANENTLY) outcome.rc = SQLITE_OK;
      if (outcome.rc != SQLITE_OK) outcome.message = text ? text : sqlite3_errstr(outcome.rc);
      sqlite3_free(text);
      return outcome;
    };
    Outcome outcome = Run(db, kLoad, once);
    if (outcome.rc != SQLITE_OK) *message = sqlite3_mprintf("%s", outcome.message.c_str());
    return outcome.rc;
  }

  Outcome Run(sqlite3 *db, const std::string &sql, const std::function<Outcome()> &once) override {
    // What forked children, other threads and callbacks run is a part of what their parent runs.
    if (inside_ || getpid() != process_ || std::this_thread::get_id() != thread_ || stopped_)
      return once();
    // What follows the last fault is long in some tests, and none of it is new in the end.
    if (task_.known && sql != kLoad && k_ > task_.faults.rbegin()->first + kAfter) Stop();
    inside_ = true;
    Outcome outcome;
    if (task_.known) {
      outcome = Faulted(db, sql, once);
    } else {
      outcome = First(db, sql, once);
    }
    inside_ = false;
    k_++;
    return outcome;
  }

  int Close(sqlite3 *db) override {
    int rc = sqlite3_close(db);
    if (rc == SQLITE_OK || !stopped_) return rc;
    // Statements of a test that was left in the middle. The library's own are gone by now.
    while (sqlite3_stmt *stmt = sqlite3_next_stmt(db, nullptr)) sqlite3_finalize(stmt);
    rc = sqlite3_close(db);
    if (rc != SQLITE_OK) Violation("a connection cannot be closed");
    return rc;
  }

  bool stopped() const { return stopped_; }
  int doubts() const { return doubts_; }
  int report() const { return report_; }
  const Task &task() const { return task_; }
  bool failed_before_stop() const { return failed_; }

  void Violation(const std::string &text) { Say(report_, {"violation", text}); }

private:
  // What the connection can tell of its state.
  struct Before {
    std::string files, handles, changes;
    bool autocommit;
    int first, last; // sqlite3_txn_state, before and after the questions, which read
  };

  // ---- asking

  std::string Files() {
    char byte = 0;
    uint64_t size = 0;
    if (write(ask_, &byte, 1) != 1) abort();
    if (read(answer_, &size, sizeof size) != sizeof size) abort();
    std::string text(size, 0);
    for (size_t done = 0; done < size;) {
      ssize_t n = read(answer_, text.data() + done, size - done);
      if (n <= 0) abort();
      done += static_cast<size_t>(n);
    }
    return text;
  }

  static std::string Look(sqlite3 *db, const char *sql) {
    sqlite3_stmt *stmt = nullptr;
    std::string text;
    if (sqlite3_prepare_v2(db, sql, -1, &stmt, nullptr) == SQLITE_OK) {
      while (sqlite3_step(stmt) == SQLITE_ROW) {
        for (int i = 0; i < sqlite3_column_count(stmt); i++) {
          const unsigned char *value = sqlite3_column_text(stmt, i);
          text += (value ? reinterpret_cast<const char *>(value) : "NULL") + std::string("|");
        }
        text += "\n";
      }
    }
    if (sqlite3_finalize(stmt) != SQLITE_OK) text += sqlite3_errmsg(db);
    return text;
  }

  Before Now(sqlite3 *db) {
    Before now;
    now.autocommit = sqlite3_get_autocommit(db);
    now.first = sqlite3_txn_state(db, nullptr);
    now.files = Files();
    now.handles = Look(db, "SELECT handle, name, access, offset, position FROM temp.mmap_list"
                           " WHERE handle IS NOT NULL");
    // Where the file has been cut that is an error, at which SQLite ends the transaction.
    if (!task_.changes_files && !task_.cuts_files) {
      now.changes =
          Look(db, "SELECT path, offset, length, hex(substr(old, 1, 64)), hex(substr(new, 1, 64))"
                   " FROM temp.mmap_changes");
    }
    now.last = sqlite3_txn_state(db, nullptr);
    return now;
  }

  // In texts that are compared the directory, whose name is never the same, has a fixed one.
  static std::string Plain(std::string text) {
    static const std::regex kDirectory("sql\\.[A-Za-z0-9]{6}");
    return text.find("sql.") == std::string::npos ? text
                                                  : std::regex_replace(text, kDirectory, "sql");
  }

  // ---- the first child

  Outcome First(sqlite3 *db, const std::string &sql, const std::function<Outcome()> &once) {
    fault_.Arm(-1);
    Outcome outcome = once();
    int calls = fault_.Disarm();
    Say(report_, {"statement", Plain(sql), std::to_string(outcome.rc), Plain(outcome.message),
                  Plain(Text(outcome.rows)), Files(), std::to_string(calls),
                  Numbers(fault_.Sites()), std::to_string(sqlite3_get_autocommit(db))});
    return outcome;
  }

  // ---- the others

  Outcome Faulted(sqlite3 *db, const std::string &sql, const std::function<Outcome()> &once) {
    if (!diverged_ && (static_cast<size_t>(k_) >= task_.known->size() ||
                       (*task_.known)[static_cast<size_t>(k_)].sql != Plain(sql))) {
      diverged_ = true;
      Say(report_, {"diverged", std::to_string(k_), Plain(sql)});
    }
    auto found = task_.faults.find(k_);
    if (diverged_ || found == task_.faults.end()) return Next(db, once);
    known_ = &(*task_.known)[static_cast<size_t>(k_)];
    n_ = found->second;
    Say(report_, {"try", std::to_string(k_), std::to_string(n_)});
    Before before = Now(db);
    fault_.Arm(n_);
    Outcome outcome = Next(db, once);
    fault_.Disarm();
    doubts_ += fault_.Doubts();
    if (!fault_.Fired()) return outcome;
    Say(report_, {"fired", std::to_string(k_), std::to_string(n_)});
    met_ = mode_.kind == Kind::kSystem;
    // A handler that the test has set counts the calls of its own statements, and would stop our
    // questions. Without it the test cannot go on.
    if (task_.ends) sqlite3_progress_handler(db, 0, nullptr, nullptr);
    // Without memory for an error's text SQLite gives that of its code.
    bool same = outcome.rc == known_->rc && Plain(Text(outcome.rows)) == known_->rows &&
                (outcome.rc == SQLITE_OK || Plain(outcome.message) == known_->message ||
                 (mode_.kind == Kind::kMemory && outcome.message == sqlite3_errstr(outcome.rc)));
    if (same) {
      CheckSurvived(db);
      if (task_.ends) Leave(db);
      if (outcome.rc == SQLITE_OK || Plain(outcome.message) == known_->message) return outcome;
      // Where nothing has room SQLite undoes the transaction: there is none for a second time.
      if (sqlite3_get_autocommit(db) != before.autocommit) Leave(db);
      if (Has(sql, kMovers)) Leave(db); // a second time it may have another handle
      return Next(db, once);            // for its own words
    }
    CheckFailed(db, outcome, before);
    return Next(db, once);
  }

  // What a commit without a journal has not written is said to be so where it is read first.
  Outcome Next(sqlite3 *db, const std::function<Outcome()> &once) {
    Outcome outcome = once();
    if (met_ && Mentions(outcome.message, "was only partly written")) {
      fault_.Disarm();
      Leave(db);
    }
    return outcome;
  }

  void Broken(const std::string &what) {
    Violation("statement " + std::to_string(k_) + ", call " + std::to_string(n_) + ": " +
              known_->sql + "\n  " + what);
  }

  // The statement did what it does without a fault: is it done?
  void CheckSurvived(sqlite3 *db) {
    Say(report_, {"survived", std::to_string(k_), std::to_string(n_)});
    if (sqlite3_get_autocommit(db) != known_->autocommit) {
      // SQLite undoes all where it has no memory to undo the statement that failed, with its error.
      if (known_->rc != SQLITE_OK) Leave(db);
      Broken("it did what it does without the fault, but SQLite has rolled the transaction back");
    }
    std::string files = Files();
    if (files == known_->files) return;
    // A COMMIT that SQLite had said OK to, and whose journal is applied by the next use.
    bool refused = Use(db, files, known_->files);
    std::string now = Files();
    // A transaction that goes on after a refused COMMIT empties its journals, which is enough: one
    // that could not be removed is so by the next COMMIT, or after the end.
    if (!known_->autocommit) now = WithoutJournals(now, "0 bytes");
    if (now == known_->files) return;
    if (!refused || Mentions(now, "-mmap-journal"))
      Broken("it succeeded, but the files are\n" + now + "  and should be\n" + known_->files);
    Leave(db); // without a journal (synchronous=off) what was read first was an error
  }

  static bool Mentions(const std::string &files, const std::string &part) {
    return files.find(part) != std::string::npos;
  }

  // Use every file, which finishes what was left undone. Did the first of those that are not as
  // they should be say so?
  static bool Use(sqlite3 *db, const std::string &files, const std::string &wanted = "") {
    std::istringstream lines(files);
    bool refused = false;
    for (std::string line; std::getline(lines, line);) {
      std::string name = line.substr(0, line.find('\t'));
      if (EndsWith(name, kRecord)) continue;
      name = name.substr(0, name.find("-mmap-journal"));
      std::replace(name.begin(), name.end(), kNewline, '\n');
      std::replace(name.begin(), name.end(), kTab, '\t');
      char *sql = sqlite3_mprintf("SELECT mmap_length(%Q)", name.c_str());
      Look(db, sql);
      refused |= sqlite3_errcode(db) != SQLITE_OK && !Mentions(wanted, line);
      sqlite3_free(sql);
    }
    return refused;
  }

  void CheckFailed(sqlite3 *db, const Outcome &outcome, const Before &before) {
    Say(report_, {"error", std::to_string(outcome.rc) + " " + Plain(outcome.message)});
    // One that fails without the fault, too: with no memory to undo it SQLite undoes the
    // transaction, and runs it again after that.
    bool rolled_back = !before.autocommit && sqlite3_get_autocommit(db) && outcome.rc == known_->rc;
    // A file that is cut in the middle of a statement may be seen as it was before or as it is
    // after.
    bool either = task_.changes_files;
    if (outcome.rc == SQLITE_OK && !either) {
      Broken("it succeeded with other rows:\n" + Text(outcome.rows) + "  instead of\n" +
             known_->rows);
    } else if (!IsProper(mode_, outcome) && !rolled_back && !either) {
      Broken("a wrong error: " + std::to_string(outcome.rc) + " " + outcome.message);
    }
    if (outcome.rc != SQLITE_OK && (outcome.message.empty() || outcome.message == "not an error" ||
                                    outcome.message == "unknown error"))
      Broken("no message: " + std::to_string(outcome.rc) + " " + outcome.message);
    Before after = Now(db);
    const std::string &sql = known_->sql;
    // SQLite has rolled the transaction back. After a RELEASE that should have committed it, or
    // that is refused without the fault, too, there is still one, but an empty one.
    bool emptied = after.first == SQLITE_TXN_NONE && before.last != SQLITE_TXN_NONE;
    bool ended = !before.autocommit && (after.autocommit || (Has(sql, kRelease) && emptied));
    bool stop = ended || (task_.ends && sql != kLoad);
    // A journal may go, and one that could not be removed is so by the next use.
    if (after.autocommit && Mentions(after.files, "-mmap-journal") && after.files != before.files) {
      Use(db, after.files);
      after.files = Files();
      if (Mentions(after.files, "-mmap-journal") && !Mentions(before.files, "-mmap-journal"))
        Broken("it failed (" + outcome.message + ") and left a journal:\n" + after.files);
    }
    if (!task_.changes_files && WithoutJournals(after.files) != WithoutJournals(before.files)) {
      // Outside a transaction each call of a function that writes commits by itself, and a file
      // that is made is made. What reads finishes what a crash has left, and fails then, or it is
      // finished by the questions.
      bool finished = Mentions(before.files, "-mmap-journal") && after.files == known_->files &&
                      Has(sql, kReaders) && !Has(sql, kWriters);
      bool may = finished || Has(sql, kMakers) || (Has(sql, kWriters) && before.autocommit);
      if (!may) {
        Broken("it failed (" + outcome.message + ") and left\n" + after.files +
               "  where there was\n" + before.files);
      }
      stop = true;
    }
    // What was asked before may have been stopped by the test's own handler.
    bool told = !Mentions(before.handles + before.changes, "interrupted");
    if (told && after.handles != before.handles) {
      if (!Has(sql, kMovers))
        Broken("it failed (" + outcome.message + ") and left the handles\n" + after.handles +
               "  where there were\n" + before.handles);
      stop = true;
    }
    if (ended ? !after.changes.empty() : told && after.changes != before.changes) {
      if (ended || !Has(sql, kWriters))
        Broken("it failed (" + outcome.message + ") and left the changes\n" + after.changes +
               "  where there were\n" + (ended ? "to be none\n" : before.changes));
      stop = true;
    }
    if (stop) Leave(db);
  }

  // What can still be told of a connection with which the test cannot go on: it works.
  [[noreturn]] void Leave(sqlite3 *db) {
    if (!sqlite3_get_autocommit(db)) Look(db, "ROLLBACK");
    Use(db, Files());
    std::string changes = Look(db, "SELECT * FROM temp.mmap_changes");
    if (!changes.empty()) Broken("after all was rolled back there are changes left:\n" + changes);
    Say(report_, {"stop"});
    Stop();
  }

  [[noreturn]] void Stop() {
    failed_ = testing::Test::HasFailure();
    stopped_ = true;
    inside_ = false;
    throw Stopped();
  }

  Fault fault_;
  Mode mode_;
  const Task &task_;
  int report_, ask_, answer_;
  pid_t process_;
  std::thread::id thread_;
  bool inside_ = false, stopped_ = false, diverged_ = false;
  bool failed_ = false, met_ = false; // met_: some system call has failed
  int k_ = 0, n_ = 0, doubts_ = 0;
  const Statement *known_ = nullptr;
};

// No machine is lost here, and fsync takes longer than all the rest.
int SyncNothing(int fd) {
  (void)fd;
  return 0;
}

Child *child;       // this process's
int descriptors;    // open before its test
sqlite3_int64 used; // bytes of memory, likewise

} // namespace

void BeginChild(const Mode &mode, const Task &task, int report, int ask, int answer) {
  descriptors = Descriptors();
  used = sqlite3_memory_used();
  mm_os.sync = mm_os.sync_data = SyncNothing;
  harness = child = new Child(mode, task, report, ask, answer);
}

// It goes without the destructors of what it has in common with all others: they would touch, and so
// copy, hundreds of pages.
void EndChild(const testing::TestInfo &test) {
  harness = nullptr;
  bool failed = test.result()->Failed();
  // Leaving by an exception is a failure, and what the test wants to be so at its end is not.
  if (child->stopped()) failed = child->failed_before_stop();
  if (failed) child->Violation("the test's own expectations");
  int doubts = child->doubts(), report = child->report();
  const Task &task = child->task();
  delete child;
  auto end = [&](const std::string &text) { Say(report, {"violation", text}); };
  int open = Descriptors() - descriptors;
  Say(report, {"descriptors", std::to_string(open)});
  if (task.known && open > task.descriptors + doubts)
    end("open descriptors: " + std::to_string(open - task.descriptors));
  if (sqlite3_memory_used() != used)
    end("memory: " + std::to_string(sqlite3_memory_used() - used) + " bytes are not freed");
  if (!Mappings().empty()) end("still mapped:\n" + Mappings());
  Say(report, {"end"});
  fflush(nullptr);
  _exit(0);
}

// ---- the parent's side of it

namespace {

std::vector<std::vector<std::string>> Lines(const std::string &text) {
  std::vector<std::vector<std::string>> lines(1);
  for (size_t at = 0; at < text.size();) {
    if (text[at] == '\n') {
      lines.emplace_back();
      at++;
      continue;
    }
    size_t colon = text.find(':', at);
    size_t size = std::stoul(text.substr(at, colon - at));
    lines.back().push_back(text.substr(colon + 1, size));
    at = colon + 1 + size;
  }
  return lines;
}

Statement ReadStatement(const std::vector<std::string> &line) {
  Statement statement;
  statement.sql = line.at(1);
  statement.rc = std::stoi(line.at(2));
  statement.message = line.at(3);
  statement.rows = line.at(4);
  statement.files = line.at(5);
  statement.calls = std::stoi(line.at(6));
  statement.sites.resize(line.at(7).size() / sizeof(uint64_t));
  memcpy(statement.sites.data(), line.at(7).data(), line.at(7).size());
  statement.autocommit = line.at(8) == "1";
  return statement;
}

void ReadLine(const std::vector<std::string> &line, Report *report) {
  if (line.empty()) return;
  const std::string &what = line[0];
  auto pair = [&] { return std::make_pair(std::stoi(line.at(1)), std::stoi(line.at(2))); };
  if (what == "statement") report->statements.push_back(ReadStatement(line));
  if (what == "try") report->tried.push_back(pair());
  if (what == "fired") report->fired.insert(pair());
  if (what == "survived") report->survived.insert(pair());
  if (what == "violation") report->violations.push_back(line.at(1));
  if (what == "error") report->errors.insert(line.at(1));
  if (what == "descriptors") report->descriptors = std::stoi(line.at(1));
  if (what == "stop") report->stopped = true;
  if (what == "diverged") report->diverged = true;
}

} // namespace

Report ReadReport(int fd) {
  Report report;
  std::string text;
  char buffer[65536];
  lseek(fd, 0, SEEK_SET);
  for (ssize_t n; (n = read(fd, buffer, sizeof buffer)) > 0;)
    text.append(buffer, static_cast<size_t>(n));
  for (const auto &line : Lines(text)) ReadLine(line, &report);
  return report;
}

// ---- files

namespace {

constexpr size_t kLooked = 1 << 20; // of a large file, so much of its start and of its end

std::string LineOf(const std::filesystem::path &path, const std::string &name) {
  if (std::filesystem::is_symlink(path))
    return name + "\t-> " + std::filesystem::read_symlink(path).filename().string() + "\n";
  if (!std::filesystem::is_regular_file(path)) return name + "\tno file\n";
  uint64_t size = std::filesystem::file_size(path);
  std::ifstream file(path, std::ios::binary);
  std::string bytes(std::min<uint64_t>(size, kLooked), 0);
  file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  // Journals have a random number in them, and so has a copy that a test has made of one.
  if (EndsWith(name, "-mmap-journal") || bytes.compare(0, 8, "mmapjrnl") == 0)
    return name + "\t" + std::to_string(size) + " bytes\n";
  if (bytes.compare(0, 15, "SQLite format 3") == 0) return "";
  if (size > kLooked) {
    std::string end(std::min<uint64_t>(size - kLooked, kLooked), 0);
    file.seekg(-static_cast<std::streamoff>(end.size()), std::ios::end);
    file.read(end.data(), static_cast<std::streamsize>(end.size()));
    bytes += end;
  }
  std::string start;
  for (size_t i = 0; i < std::min<size_t>(bytes.size(), 16); i++)
    start += bytes[i] >= ' ' && bytes[i] <= '~' ? bytes[i] : '.';
  return name + "\t" + std::to_string(size) + " bytes, " +
         std::to_string(std::hash<std::string>()(bytes)) + " " + start + "\n";
}

// A record that was emptied, or has not got its name, and that the system never lets go of: it is
// litter, and no more.
bool SaysNothing(const std::filesystem::path &path) {
  const char *mode = getenv("MM_FAULTS");
  std::error_code ignored;
  bool sticky = mode && EndsWith(mode, "sticky");
  return sticky &&
         (EndsWith(path.string(), ".new") || std::filesystem::file_size(path, ignored) == 0);
}

} // namespace

std::string ListFiles(const std::string &directory) {
  std::vector<std::string> lines;
  std::error_code ignored;
  for (std::filesystem::recursive_directory_iterator at(directory, ignored), end; at != end;
       at.increment(ignored)) {
    std::string name = at->path().lexically_relative(directory).string();
    if (EndsWith(name, "-wal") || EndsWith(name, "-shm") || EndsWith(name, ".db")) continue;
    if (EndsWith(name, "-journal") && !EndsWith(name, "-mmap-journal")) continue;
    std::replace(name.begin(), name.end(), '\n', kNewline);
    std::replace(name.begin(), name.end(), '\t', kTab);
    // The same is asked of a common record as of journals, and its name, too, has a random number.
    size_t record = name.find("mmap-commit-");
    if (record != std::string::npos && SaysNothing(at->path())) continue;
    if (record != std::string::npos) name = name.substr(0, record) + kRecord;
    try {
      lines.push_back(LineOf(at->path(), name));
    } catch (const std::filesystem::filesystem_error &) {
      lines.push_back(name + "\tgone\n");
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const std::string &line : lines) text += line;
  return text;
}

} // namespace mm_test
