// The child's side: one process that runs one test, with at most one fault in each of its
// statements. Before the statement is run as the test wants it, it is run with its fault; what that
// left behind is compared with what was there before, and then the test goes on, its own
// expectations and all.
#ifndef MM_TESTS_CHILD_H
#define MM_TESTS_CHILD_H

#include <gtest/gtest.h>
#include <sys/types.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "tests/faults/fault.h"
#include "tests/support/sql.h"

namespace mm_test {

// A statement as it runs without faults.
struct Statement {
  std::string sql;
  int rc = 0;
  std::string message, rows; // as text
  std::string files;         // what was in the directory afterwards
  bool autocommit = true;    // afterwards
  std::vector<uint64_t> sites;
  int calls = 0;
};

// What a child does, and later what it came to.
struct Task {
  const std::vector<Statement> *known = nullptr; // from the first child; NULL: this is the first
  std::map<int, int> faults;                     // of statement k, call n is to fail
  bool ends = false;                             // at the first fault: its statements run but once
  bool changes_files = false;                    // its own statements do, beside what they say
  bool cuts_files = false;                       // between them the test cuts a file
  int descriptors = 0; // that the first child left open: of a database, not to drop its locks
};

struct Report {
  std::vector<Statement> statements;      // of the first child
  std::vector<std::pair<int, int>> tried; // (k, n), in order
  std::set<std::pair<int, int>> fired, survived;
  std::vector<std::string> violations;
  std::set<std::string> errors; // what a fault made of a statement: code and message
  bool diverged = false;        // it took another way than the first
  int descriptors = 0;          // open at the end, and not at the start
  bool stopped = false;         // it ended at a fault after which the test cannot go on
};

// The test that is about to start in this process is the only one that is run in it, and meets the
// faults of `task`, which is borrowed. Its report is written to `report`; what is in its directory is
// asked for through `ask` and `answer`.
void BeginChild(const Mode &mode, const Task &task, int report, int ask, int answer);

// The test has ended, and so does the process.
[[noreturn]] void EndChild(const testing::TestInfo &test);

// Reads what a child wrote.
Report ReadReport(int fd);

// What is in a directory: a line for each file, with a number for its bytes. Databases and what
// SQLite keeps beside them are left out. Not in the process that has them open: closing drops its
// locks.
std::string ListFiles(const std::string &directory);

} // namespace mm_test

#endif
