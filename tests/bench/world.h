// What the benchmark works with: files in the page cache, SQL, and the programs of its peers.
#ifndef MM_TESTS_BENCH_WORLD_H
#define MM_TESTS_BENCH_WORLD_H

#include <sqlite3.h>
#include <sys/types.h>

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "tests/bench/race.h"

namespace mm_bench {

// The program cannot go on: throws a std::runtime_error.
[[noreturn]] void Die(const std::string &why);

// A connection, by default with the library.
class Sql {
public:
  explicit Sql(const std::string &database = ":memory:", bool load = true);
  ~Sql();
  Sql(const Sql &) = delete;
  Sql &operator=(const Sql &) = delete;

  // Run the statements. The values of the last one's first row, with | between them. ?1 is a blob
  // of `bytes`, if there are any.
  std::string Ask(const std::string &sql, const std::string &bytes = "");
  // The same, but a failure's code is what matters.
  int Try(const std::string &sql);
  // Is there such a function or table?
  bool Has(const std::string &name);

  sqlite3 *db = nullptr;
  static std::string library; // the path that is loaded
};

// A text or a blob as SQL writes it.
std::string Quote(const std::string &text);
std::string Blob(const std::string &bytes);

// A program that runs along, is sent a line and answers with one.
class Coprocess {
public:
  explicit Coprocess(const std::vector<std::string> &command);
  ~Coprocess();
  Coprocess(const Coprocess &) = delete;
  Coprocess &operator=(const Coprocess &) = delete;
  std::string Ask(const std::string &line);
  double CpuTime() const;

private:
  pid_t pid_;
  FILE *to_, *from_;
};

// Is the program somewhere in PATH?
bool Installed(const std::string &program);

// What a program prints, from its start to its end.
std::string RunProgram(const std::vector<std::string> &command);

// Processor time, in seconds: of this process; of the programs that it has run.
double OwnCpuTime();
double ProgramsCpuTime();

// A number of /proc/self/status, in bytes; and the memory that is this process's own, without pages of
// files.
double ProcessStatus(const std::string &name);
double AnonymousMemory();

// A file mapped to be read, all of its pages at hand.
class Mapped {
public:
  explicit Mapped(const std::string &path);
  ~Mapped();
  Mapped(const Mapped &) = delete;
  Mapped &operator=(const Mapped &) = delete;

  const uint8_t *data;
  size_t size;
};

// Sizes: of the files in bytes, and how many rows, keys, ... there are.
struct Sizes {
  uint64_t text;    // searched for needles that are absent
  uint64_t english; // patterns, lines
  uint64_t hard;    // hard inputs
  uint64_t rows;
  uint64_t records; // of the sorted table
  uint64_t keys;
  uint64_t slice;
  uint64_t patches;
  int rounds;
};

struct World {
  World() = default;
  ~World();
  World(const World &) = delete;
  World &operator=(const World &) = delete;

  Sizes sizes;
  std::string directory; // scratch; removed at the end
  std::unique_ptr<Sql> sql;
  std::unique_ptr<Coprocess> shell;  // the sqlite3 shell with the library; NULL: not installed
  std::unique_ptr<Coprocess> python; // peers.py; NULL: not installed
  std::unique_ptr<Coprocess> node;   // peers.js; NULL: node or what it needs is not installed
  bool ripgrep;
  std::vector<Line> lines; // the table so far
  std::string bars;        // the picture of it for README; "": not measured

  void Add(const std::vector<Line> &more);

  // Ours, where what it needs is registered, else missing.
  Side Ours(const std::string &name, const std::vector<std::string> &needs,
            const std::function<std::string()> &run) const;
  // SQL on the connection above; in the sqlite3 shell; in a shell that is started for it.
  Side InProcess(const std::string &name, const std::vector<std::string> &needs,
                 const std::string &query, const std::string &bytes = "") const;
  Side InShell(const std::string &name, const std::vector<std::string> &needs,
               const std::string &query) const;
  Side WholeShell(const std::string &name, const std::vector<std::string> &needs,
                  const std::string &query) const;
  Side Python(const std::string &name, const std::string &expression) const;
  Side Fq(const std::string &name, const std::string &expression, const std::string &path) const;
  Side Kaitai(const std::string &name, const std::string &call) const; // peers.js
  Side Ripgrep(const std::string &name, const std::vector<std::string> &arguments,
               const std::function<std::string(const std::string &)> &answer) const;

  // The path of a file of this name, made at its first use: `fill` is called for one piece after
  // the other with its place in the file.
  std::string File(const std::string &name, uint64_t size,
                   const std::function<void(uint64_t at, uint8_t *piece, size_t size)> &fill);
  std::string RandomFile();  // sizes.text bytes 0..254
  std::string EnglishFile(); // sizes.english bytes in lines, "sqlite-mmap 42" near the end
  std::string RepeatedFile(const std::string &name, const std::string &part); // sizes.hard bytes
};

// The rows of the table, by where they are measured.
void SearchRows(World &world);     // rows_search.cc
void KernelRows(World &world);     // likewise
void PatternRows(World &world);    // likewise
void TableRows(World &world);      // rows_tables.cc
void JoinRows(World &world);       // likewise
void DiffRows(World &world);       // likewise
void TextTableRows(World &world);  // rows_text.cc
void StructureRows(World &world);  // rows_structures.cc
void VerbRows(World &world);       // rows_verbs.cc
void ThreadRows(World &world);     // rows_threads.cc
void SliceRows(World &world);      // rows_files.cc
void CommitRows(World &world);     // likewise
void CommitLoopRows(World &world); // rows_commits.cc
void CallRows(World &world);       // rows_calls.cc
void SparseRows(World &world);     // rows_files.cc
void InterruptRows(World &world);  // likewise
void BarRows(World &world);        // rows_bars.cc: also world.bars

// The loops of find that the machine has: "avx2 in use, avx512, portable".
std::string KernelNames();

} // namespace mm_bench

#endif
