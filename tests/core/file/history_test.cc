// What becomes of several files of one transaction whose writer is killed: real files in several
// directories and on two file systems, the writer killed at each call of its COMMIT that changes
// anything; then other hands move, replace, delete and damage what there is; then several processes
// at once, some of which may not write, use the files in any order. All of them have changed, or none,
// or there is the error that says what is wrong; and nothing is left behind where nothing was moved.
//
// MM_HISTORIES=10000 takes more of them.
#include <random>

#include "tests/support/fault_sys.h"
#include "tests/support/object_file.h"

extern "C" {
#include "core/common/mem.h"
#include "core/file/record.h"
#include "core/file/together.h"
}

namespace {

using namespace mm_test;
namespace fs = std::filesystem;

std::string StringOf(const Bytes &bytes) {
  return std::string(bytes.begin(), bytes.end());
}

struct Player {
  std::string path, journal;
  std::string before, after;
  bool exact = true;    // it shows what the transaction says
  bool may_fail = true; // … or an error
  bool gone = false;
};

class HistoryTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    // Another file system, where there is one.
    memory_ = "/dev/shm/mmXXXXXX";
    if (!mkdtemp(memory_.data())) memory_ = Path("m"), fs::create_directory(memory_);
    settings.busy_timeout = 20000;
    settings.synchronous = MM_SYNC_NORMAL;
  }
  void TearDown() override {
    std::error_code ignored;
    fs::remove_all(memory_, ignored);
    FileTest::TearDown();
  }

  void Lay(unsigned count, unsigned seed) {
    for (const std::string &where : {directory, memory_})
      for (const auto &entry : fs::directory_iterator(where)) fs::remove_all(entry.path());
    tree = Path("t");
    fs::create_directories(tree + "/d/e");
    fs::create_directories(tree + "/k");
    fs::create_directories(Path("away"));
    const std::string places[] = {tree + "/f", tree + "/d/g", tree + "/h", tree + "/d/e/i",
                                  memory_ + "/j"};
    players.clear();
    std::vector<std::string> chosen(places, places + 5);
    std::mt19937 random(seed);
    std::shuffle(chosen.begin(), chosen.end(), random);
    for (unsigned i = 0; i < count; i++) {
      Player p;
      p.path = chosen[i];
      p.journal = p.path + MM_JOURNAL_SUFFIX;
      p.before = StringOf(Pattern(200 + 50 * i, i));
      std::ofstream(p.path, std::ios::binary) << p.before;
      p.after = p.before;
      p.after.replace(10, 5, "after");
      if (i % 2) p.after += "and longer";
      p.may_fail = false;
      players.push_back(p);
    }
    record.clear();
  }

  // Writes and commits all, killed at call n of those that change anything. False: it had fewer.
  bool Write(int n, bool persist) {
    mm_settings with = settings;
    with.keep_journal = persist;
    int status = InChild([&] {
      std::vector<Object> objects;
      std::vector<mm_object *> all;
      for (const Player &p : players) objects.push_back(Open(p.path, MM_OBJECT_FILE, with));
      FaultSys sys;
      sys.CountOnly(kWriting);
      if (n >= 0) sys.CrashAt(n);
      for (size_t i = 0; i < objects.size(); i++) {
        objects[i].Begin();
        objects[i].Write(10, "after");
        if (i % 2) objects[i].Insert(objects[i]->size, Text("and longer"));
        all.push_back(objects[i]);
      }
      mm_error error;
      int rc = mm_objects_prepare(all.data(), all.size(), &error);
      if (rc == MM_OK) rc = mm_objects_commit(all.data(), all.size(), &error);
      _exit(sys.Fired() ? 1 : rc == MM_OK ? 0 : 2); // nothing is tidied up
      return 0;
    });
    EXPECT_LT(status, 2);
    committed = status == 0;
    for (const Player &p : players) {
      for (const auto &entry : fs::directory_iterator(fs::path(p.path).parent_path())) {
        std::string name = entry.path().filename().string();
        if (name.rfind(MM_RECORD_PREFIX, 0) == 0 && name.find(".new") == std::string::npos) {
          record = entry.path().string();
        }
      }
    }
    if (!record.empty()) committed = true;
    if (status == 1 && record.empty()) {
      committed = StringOf(Contents(players.back().path)) == players.back().after;
    }
    return status == 1;
  }

  // What one use shows: 0: as it is to be, or an error that may be.
  int Use(const Player &p, bool read_only) {
    mm_settings with = settings;
    with.read_only = read_only;
    mm_object *object;
    mm_error error;
    if (p.gone) return 0;
    int rc = TryOpen(p.path, MM_OBJECT_FILE, &with, &object, &error);
    if (rc == MM_OK) rc = mm_object_refresh(object, &error);
    if (rc != MM_OK) {
      mm_object_close(object);
      if (!p.may_fail || rc != MM_CORRUPT) fprintf(stderr, "%s: %s\n", p.path.c_str(), error.text);
      return p.may_fail && rc == MM_CORRUPT ? 0 : 3;
    }
    std::string seen(reinterpret_cast<const char *>(object->data), object->size);
    mm_object_close(object);
    if (!p.exact) return 0;
    if (seen != (committed ? p.after : p.before)) {
      fprintf(stderr, "%s shows '%s'\n", p.path.c_str(), seen.substr(0, 20).c_str());
    }
    return seen == (committed ? p.after : p.before) ? 0 : 4;
  }

  // Several processes at once, each in an order of its own.
  void UseAtOnce(std::mt19937 &random, unsigned processes) {
    std::vector<pid_t> children;
    fflush(nullptr);
    for (unsigned i = 0; i < processes; i++) {
      unsigned seed = static_cast<unsigned>(random());
      pid_t pid = fork();
      if (pid == 0) {
        std::mt19937 own(seed);
        std::vector<Player> order = players;
        std::shuffle(order.begin(), order.end(), own);
        int failed = 0;
        for (const Player &p : order)
          if (int rc = Use(p, own() % 3 == 0)) failed = rc;
        _exit(failed);
      }
      children.push_back(pid);
    }
    for (pid_t pid : children) {
      int status = 0;
      ASSERT_EQ(waitpid(pid, &status, 0), pid);
      EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
    }
  }
  void UseAll() {
    for (const Player &p : players) EXPECT_EQ(Use(p, false), 0);
  }
  void ExpectNoLitter(bool persist) {
    for (const std::string &where : {directory, memory_}) {
      for (const auto &entry : fs::recursive_directory_iterator(where)) {
        std::string name = entry.path().filename().string();
        bool blank = name.find(MM_JOURNAL_SUFFIX) != std::string::npos &&
                     Contents(entry.path().string())[0] == 0;
        if (persist && blank) continue;
        EXPECT_EQ(name.find("mmap-"), std::string::npos) << entry.path();
      }
    }
  }

  static void Flip(const std::string &path, size_t at) {
    Bytes bytes = Contents(path);
    bytes[at] = static_cast<uint8_t>(bytes[at] ^ 32);
    Outside(path, 0, bytes);
  }
  bool BesideTheRecord(const Player &p) const {
    return !record.empty() && fs::path(p.path).parent_path() == fs::path(record).parent_path();
  }

  // What other hands do. True: all is still at its place, and good.
  bool Meddle(std::mt19937 &random, std::string *what) {
    Player &p = players[random() % players.size()];
    bool journal = HasJournal(p.path), has_record = !record.empty();
    std::string other = (random() % 2 ? Path("away/") : tree + "/k/") + "moved";
    switch (random() % 10) {
      case 0:
        *what = "deleted";
        fs::remove(p.path);
        p.gone = true;
        return false;
      case 1:
        *what = "moved without its journal";
        if (p.path.rfind(memory_, 0) == 0) return true;
        fs::rename(p.path, other);
        p.path = other;
        p.exact = !journal;
        return false;
      case 2:
        *what = "moved with its journal";
        if (p.path.rfind(memory_, 0) == 0) return true;
        fs::rename(p.path, other);
        if (journal) fs::rename(p.journal, other + MM_JOURNAL_SUFFIX);
        p.path = other;
        p.exact = !journal; // from there nothing leads to the record any more, or above the top
        p.may_fail = journal;
        return false;
      case 3:
        *what = "renamed with its journal";
        fs::rename(p.path, p.path + "2");
        if (journal) fs::rename(p.journal, p.path + "2" MM_JOURNAL_SUFFIX);
        p.path += "2";
        return false;
      case 4:
        *what = "replaced";
        fs::rename(p.path, p.path + "-old");
        std::ofstream(p.path) << "another file";
        p.exact = false;
        p.may_fail = true;
        return false;
      case 5: {
        *what = "the tree was moved";
        for (const Player &each : players)
          if (each.path.rfind(memory_, 0) == 0) return true;
        fs::rename(tree, Path("u"));
        for (Player &each : players) each.path = Path("u") + each.path.substr(tree.size());
        return true;
      }
      case 6: {
        *what = "its journal was damaged";
        if (!journal) return true;
        size_t size = Contents(p.journal).size(), at = random() % size;
        // What leads to a record elsewhere is not to be guessed.
        if (size < 105 || (!BesideTheRecord(p) && at >= 88 && at < 250)) return true;
        Flip(p.journal, at);
        p.may_fail = committed;
        return !committed;
      }
      case 7:
        *what = "the record was damaged";
        if (!has_record) return true;
        Flip(record, random() % Contents(record).size());
        for (Player &each : players) each.may_fail = true;
        return false;
      case 8:
        *what = "the record was cut";
        if (!has_record) return true;
        OutsideResize(record, 1 + random() % (Contents(record).size() - 1));
        for (Player &each : players) each.may_fail = true;
        return false;
      default:
        *what = "nothing";
        return true;
    }
  }

  std::string tree, record;
  std::vector<Player> players;
  bool committed = false;

private:
  std::string memory_;
};

// At each call, and each file first, by a reader and by a writer.
TEST_F(HistoryTest, KilledAnywhereAllHaveChangedOrNone) {
  int old = 0, young = 0;
  for (bool persist : {false, true}) {
    bool more = true;
    for (int n = 0; more; n++) {
      for (unsigned first = 0; first < 3; first++) {
        SCOPED_TRACE("call " + std::to_string(n) + ", first " + std::to_string(first));
        Lay(3, 5);
        more = Write(n, persist);
        (committed ? young : old)++;
        for (unsigned i = 0; i < 3; i++) EXPECT_EQ(Use(players[(first + i) % 3], true), 0);
        for (unsigned i = 0; i < 3; i++) EXPECT_EQ(Use(players[(first + i) % 3], false), 0);
        ExpectNoLitter(persist);
      }
    }
  }
  EXPECT_GT(old, 20);
  EXPECT_GT(young, 20);
}

TEST_F(HistoryTest, WhateverIsDoneToThemMeanwhile) {
  const char *text = getenv("MM_HISTORIES");
  unsigned histories = text ? static_cast<unsigned>(atol(text)) : 200;
  unsigned meddled = 0, old = 0;
  for (unsigned seed = 0; seed < histories && !HasFailure(); seed++) {
    std::mt19937 random(seed);
    bool persist = random() % 3 == 0;
    settings.synchronous = random() % 4 ? MM_SYNC_NORMAL : MM_SYNC_FULL;
    Lay(2 + static_cast<unsigned>(random() % 4), static_cast<unsigned>(random()));
    int calls = static_cast<int>(random() % (14 * players.size()));
    Write(calls, persist);
    if (random() % 3 == 0 && players.size() > 2) { // somebody was there already
      EXPECT_EQ(Use(players[random() % players.size()], false), 0);
    }
    if (!fs::exists(record)) record.clear();
    std::string what;
    bool whole = Meddle(random, &what);
    SCOPED_TRACE("seed " + std::to_string(seed) + ", " + std::to_string(players.size()) +
                 " files, killed at call " + std::to_string(calls) + ": " + what +
                 (committed ? ", committed" : ""));
    meddled += !whole;
    old += !committed;
    UseAtOnce(random, 1 + static_cast<unsigned>(random() % 3));
    UseAll();
    if (whole) ExpectNoLitter(persist);
  }
  EXPECT_GT(meddled, histories / 4);
  EXPECT_GT(old, histories / 10);
  EXPECT_LT(old, histories);
}

} // namespace
