// Every crash there can be in a model of a disk: after each operation of a transaction, with every
// part of what was not durable lost (support/model_os.h), and in each recovery from it again. The
// next use of the file must find it as it was before or after, and after if COMMIT had returned.
//
// Where the parts that may be lost are too many for all their combinations, it is a seeded sample
// of them, with the extremes and their neighbours always among it. MM_CRASH_SAMPLES=1000 takes
// more.
#include "tests/support/model_os.h"
#include "tests/support/object_file.h"

extern "C" {
#include "core/file/record.h"
#include "core/file/together.h"
}

#include <map>
#include <random>
#include <set>
#include <unordered_set>

namespace {

using namespace mm_test;

using Allowed = std::map<std::string, std::set<std::string>>; // what each file may hold
using Together =
    std::vector<std::map<std::string, std::string>>; // what all of them may, if not empty

// From operation number `from` on.
struct Promise {
  size_t from;
  Allowed files;
  Together together;
};

struct Recording {
  Disk before;
  std::vector<DiskOp> ops;
  std::vector<Promise> promises; // by `from`

  const Promise &At(size_t count) const {
    const Promise *last = &promises.front();
    for (const Promise &promise : promises)
      if (promise.from <= count) last = &promise;
    return *last;
  }
  std::string Trace(size_t count) const {
    std::string text;
    for (size_t i = 0; i < count; i++) text += "\n    " + Describe(ops[i]);
    return text;
  }
};

std::string Quote(const std::string &bytes) {
  uint64_t sum = 0;
  for (unsigned char c : bytes) sum = sum * 31 + c;
  return std::to_string(bytes.size()) + " bytes, sum " + std::to_string(sum % 100000);
}

// What Look has seen.
std::string Show(const std::string &bytes) {
  return bytes[0] == '!' ? bytes : Quote(bytes);
}

// One use of a disk by programs that do not crash, and what they were promised.
class Machine {
public:
  explicit Machine(const Disk &disk, int synchronous = MM_SYNC_FULL, bool read_only = false)
      : os_(disk), before_(disk), settings_(Settings(synchronous)) {
    settings_.read_only = read_only;
    mm_record_start_anew(); // another process
  }

  int TryOpen(const std::string &name, mm_object **out, mm_error *err, int kind = MM_OBJECT_FILE) {
    mm_root root;
    mm_path path;
    mm_root_init(&root);
    int rc = mm_path_resolve(&root, ModelOs::PathOf(name).c_str(), false, &path, err);
    if (rc == MM_OK) rc = mm_object_open(&path, name.c_str(), kind, &settings_, out, err);
    mm_path_clear(&path);
    return rc;
  }
  Object Open(const std::string &name, int kind = MM_OBJECT_FILE) {
    mm_object *object = nullptr;
    mm_error err;
    if (TryOpen(name, &object, &err, kind) != MM_OK) throw std::runtime_error(err.text);
    return Object(object);
  }
  // What a fresh object shows; if it cannot be, an error begins with "!".
  std::string Look(const std::string &name) {
    mm_object *object = nullptr;
    mm_error err;
    if (TryOpen(name, &object, &err) != MM_OK) return std::string("!") + err.text;
    std::string bytes(reinterpret_cast<const char *>(object->data), object->size);
    mm_object_close(object);
    return bytes;
  }

  void Promised(const Allowed &files) { promises_.push_back({os_.ops().size(), files, {}}); }
  // All of the files have what one of these says.
  void PromisedTogether(const Together &together) {
    Allowed files;
    for (const auto &one : together)
      for (const auto &[name, bytes] : one) files[name].insert(bytes);
    promises_.push_back({os_.ops().size(), files, together});
  }
  void Follow(const Promise &promise) {
    promises_.push_back(promise);
    promises_.back().from = os_.ops().size();
  }
  Recording Done() const { return {before_, os_.ops(), promises_}; }
  ModelOs &os() { return os_; }

private:
  ModelOs os_;
  Disk before_;
  mm_settings settings_;
  std::vector<Promise> promises_;
};

size_t Samples(size_t usual) {
  const char *text = getenv("MM_CRASH_SAMPLES");
  return text ? std::max(usual, static_cast<size_t>(atol(text))) : usual;
}

// Crashes recordings, and counts.
class Explorer {
public:
  bool power = true; // else processes are only killed
  int depth = 2;     // crashes in a row: 2 crashes the recovery, too
  int recoverer = MM_SYNC_FULL;
  bool keeps = false, litter = false; // journals stay; records may
  size_t samples = 400;               // of one moment's power losses; of a recovery's a tenth

  uint64_t crashes = 0, states = 0, bad = 0; // states: that differ
  std::string first;                         // what was bad about the first

  void Explore(const Recording &recording) { Explore(recording, 1); }

private:
  void Explore(const Recording &recording, int level) {
    Disk disk = recording.before;
    for (size_t count = 0;; count++) {
      history_.push_back(level == 1 ? recording.Trace(count) : "\n  then" + recording.Trace(count));
      Crash(disk, recording, count, level);
      history_.pop_back();
      if (count == recording.ops.size()) break;
      disk.Apply(recording.ops[count]);
    }
  }

  void Crash(const Disk &disk, const Recording &recording, size_t count, int level) {
    const Promise &allowed = recording.At(count);
    Recover(disk, allowed, level);
    if (power) PowerLoss(disk, allowed, level);
    if (count == recording.ops.size()) return;
    const DiskOp &next = recording.ops[count];
    if (next.kind != DiskOp::kWrite) return;
    for (size_t size : {size_t{1}, next.data.size() / 2, next.data.size() / 512 * 512}) {
      DiskOp torn = next;
      torn.data.resize(std::min(size, next.data.size()));
      Disk half = disk;
      half.Apply(torn);
      Recover(half, allowed, level);
    }
  }

  void PowerLoss(const Disk &disk, const Promise &allowed, int level) {
    std::vector<unsigned> outcomes = disk.Choices();
    size_t limit = Samples(level == 1 ? samples : samples / 10), product = 1;
    for (unsigned n : outcomes) product = product > limit ? product : product * n;
    if (product <= limit) {
      std::vector<unsigned> choice(outcomes.size());
      do Recover(disk.After(choice), allowed, level);
      while (Next(outcomes, &choice));
    } else {
      for (const auto &choice : Sample(outcomes, limit)) {
        Recover(disk.After(choice), allowed, level);
      }
    }
  }

  static bool Next(const std::vector<unsigned> &outcomes, std::vector<unsigned> *choice) {
    for (size_t i = 0; i < outcomes.size(); i++) {
      if (++(*choice)[i] < outcomes[i]) return true;
      (*choice)[i] = 0;
    }
    return false;
  }

  // All lost, all kept, each thing alone lost or kept; then by chance, few and many lost.
  std::vector<std::vector<unsigned>> Sample(const std::vector<unsigned> &outcomes, size_t limit) {
    std::vector<unsigned> none(outcomes.size()), all;
    for (unsigned n : outcomes) all.push_back(n - 1);
    std::vector<std::vector<unsigned>> samples = {none, all};
    for (size_t i = 0; i < outcomes.size() && samples.size() < limit / 2; i++) {
      for (unsigned outcome = 0; outcome < outcomes[i]; outcome++) {
        samples.push_back(none);
        samples.back()[i] = outcome;
        samples.push_back(all);
        samples.back()[i] = outcome;
      }
    }
    while (samples.size() < limit) {
      samples.push_back(all);
      uint64_t kept = 1 + random_() % 15; // of 16
      for (size_t i = 0; i < outcomes.size(); i++) {
        if (random_() % 16 >= kept) samples.back()[i] = random_() % outcomes[i];
      }
    }
    return samples;
  }

  // Has this state been looked at, with the same promise?
  bool Seen(const Disk &disk, const Promise &allowed, int level) {
    uint64_t key = disk.Hash() * 31 + static_cast<uint64_t>(level);
    for (const auto &[name, contents] : allowed.files)
      for (const std::string &bytes : contents) key = key * 31 + std::hash<std::string>()(bytes);
    for (const auto &one : allowed.together)
      for (const auto &[name, bytes] : one) key = key * 31 + std::hash<std::string>()(bytes);
    return !seen_.insert(key).second;
  }

  void Recover(const Disk &disk, const Promise &allowed, int level) {
    crashes++;
    if (Seen(disk, allowed, level)) return;
    states++;
    Recording recording = LookAt(disk, allowed);
    if (level < depth) Explore(recording, level + 1);
  }

  // The next use of the files, in one order or the other, first by one that may not write, then by one
  // that may.
  Recording LookAt(const Disk &disk, const Promise &allowed) {
    std::vector<std::string> order;
    for (const auto &[name, contents] : allowed.files) order.push_back(name);
    if (states % 2) std::reverse(order.begin(), order.end());
    std::map<std::string, std::string> reader, writer;
    {
      Machine machine(disk, recoverer, true);
      for (const std::string &name : order) reader[name] = machine.Look(name);
      if (!machine.os().ops().empty()) Bad("a reader writes");
    }
    Machine machine(disk, recoverer);
    machine.Follow(allowed);
    for (const std::string &name : order) {
      std::string bytes = machine.Look(name);
      const Disk &now = machine.os().disk();
      Judge(name, bytes, allowed.files.at(name));
      if (now.Contents(name) != bytes) Bad(name + " shows what is not in it");
      if (now.Has(name + MM_JOURNAL_SUFFIX) && !keeps) Bad("the journal of " + name + " stays");
      writer[name] = bytes;
    }
    for (const auto &[name, bytes] : writer) {
      if (reader[name] == bytes) continue;
      Bad("a reader sees something else in " + name + ": " + Show(reader[name]) + ", not " +
          Show(bytes));
    }
    JudgeTogether(writer, allowed.together);
    LookForRecords(machine.os().disk());
    machine.PromisedTogether({writer});
    return machine.Done();
  }

  void JudgeTogether(const std::map<std::string, std::string> &files, const Together &allowed) {
    if (allowed.empty()) return;
    for (const auto &good : allowed)
      if (good == files) return;
    Bad("not all of the files have changed, or not none");
  }

  void LookForRecords(const Disk &disk) {
    if (litter || ModelOs::windows) return; // an emptied record may be there again
    for (const std::string &name : disk.Names()) {
      if (name.find(MM_RECORD_PREFIX) == std::string::npos) continue;
      // One that was not even named, of which its sectors were lost, is not known for what it is.
      if (name.find(".new") == std::string::npos) Bad("the common record stays: " + name);
    }
  }

  void Judge(const std::string &name, const std::string &bytes,
             const std::set<std::string> &allowed) {
    if (allowed.count(bytes)) return;
    std::string text = name + " has " + Show(bytes);
    for (const std::string &good : allowed) text += "; good: " + Quote(good);
    Bad(text);
  }

  void Bad(const std::string &what) {
    if (bad++ > 0) return;
    first = what + ", after:";
    for (const std::string &part : history_) first += part;
  }

  std::mt19937 random_{12345};
  std::unordered_set<uint64_t> seen_;
  std::vector<std::string> history_;
};

std::string BytesOf(const Object &object) {
  return std::string(reinterpret_cast<const char *>(object->data), object->size);
}

std::string Old(uint64_t size) {
  Bytes bytes = Pattern(size, 7);
  return std::string(bytes.begin(), bytes.end());
}

std::string Sparse(uint64_t size) {
  return Old(512) + std::string(size - 512, '\0');
}

// ---- what a transaction may do

struct Edit {
  const char *name;
  uint64_t size; // of the file before
  void (*make)(Object &object);
  bool sparse = false; // the file has bytes in its first sector only
};

void PrintTo(const Edit &edit, std::ostream *out) {
  *out << edit.name;
}

const Edit kEdits[] = {
    {"Patch", 2000, [](Object &o) { o.Write(700, "patched"); }},
    {"PatchesFarApart", 20000,
     [](Object &o) {
       for (uint64_t at = 100; at < 20000; at += 2777) o.Write(at, "far apart");
     }},
    {"PatchAcrossSectors", 3000, [](Object &o) { o.Write(400, Pattern(1500)); }},
    {"Append", 1000, [](Object &o) { o.Insert(1000, Pattern(900, 2)); }},
    {"AppendToNothing", 0, [](Object &o) { o.Insert(0, Pattern(1300, 3)); }},
    {"Grow", 600, [](Object &o) { o.Resize(9000); }},
    {"GrowAndWriteFarOut", 600,
     [](Object &o) {
       o.Resize(9000);
       o.Write(5000, "far out");
       o.Write(10, "and near");
     }},
    {"Shrink", 9000, [](Object &o) { o.Resize(700); }},
    {"ShrinkAndPatch", 9000,
     [](Object &o) {
       o.Write(8000, "gone");
       o.Resize(5000);
       o.Write(4990, "last bytes");
       o.Write(1, "first bytes");
     }},
    {"ShrinkToNothing", 1200, [](Object &o) { o.Resize(0); }},
    {"ShrinkAndGrowAgain", 6000,
     [](Object &o) {
       o.Resize(100);
       o.Resize(6000);
     }},
    {"Insert", 3000, [](Object &o) { o.Insert(1000, Pattern(50, 4)); }},
    {"Erase", 3000, [](Object &o) { o.Erase(1000, 700); }},
    {"EraseAllAndWriteAnew", 3000,
     [](Object &o) {
       o.Resize(0);
       o.Insert(0, Pattern(2500, 5));
     }},
    {"FillHoles", 30000,
     [](Object &o) {
       o.Write(5000, "in a hole");
       o.Write(12280, "in two of its pages");
       o.Write(29990, "at the end");
     },
     true},
};

class EveryCrash : public testing::TestWithParam<Edit> {
protected:
  void TearDown() override {
    EXPECT_EQ(explorer.bad, 0u) << explorer.first;
    RecordProperty("crashes", std::to_string(explorer.crashes));
    RecordProperty("states", std::to_string(explorer.states));
    EXPECT_GT(explorer.states, 10u);
  }
  Disk Before() const {
    Disk disk;
    disk.Put("f", GetParam().sparse ? Sparse(GetParam().size) : Old(GetParam().size));
    return disk;
  }
  Explorer explorer;
};

INSTANTIATE_TEST_SUITE_P(Of, EveryCrash, testing::ValuesIn(kEdits),
                         [](const auto &info) { return std::string(info.param.name); });

// A transaction that commits: until then old or new, from then on new.
Recording Commit(const Disk &before, void (*make)(Object &), int synchronous,
                 std::function<bool(const DiskOp &)> lose = nullptr) {
  Machine machine(before, synchronous);
  machine.os().Lose(lose);
  {
    Object object = machine.Open("f");
    std::string old = BytesOf(object);
    object.Begin();
    make(object);
    std::string now = BytesOf(object);
    EXPECT_NE(old, now);
    machine.Promised({{"f", {old, now}}});
    object.Prepare();
    object.Commit();
    machine.Promised({{"f", {now}}});
  }
  return machine.Done();
}

TEST_P(EveryCrash, OfACommitLeavesTheOldOrTheNew) {
  explorer.Explore(Commit(Before(), GetParam().make, MM_SYNC_FULL));
}

// Its journal stays, blanked, and was written over one that was longer, or of another COMMIT.
TEST_P(EveryCrash, OfACommitWhoseJournalStaysLeavesTheOldOrTheNew) {
  for (bool longer : {false, true}) {
    Recording recording;
    {
      Machine machine(Before());
      Object object = machine.Open("f");
      mm_settings keeps = *object->settings;
      keeps.keep_journal = true;
      object->settings = &keeps;
      std::string old = BytesOf(object);
      std::set<std::string> first = {old};
      object.Begin();
      object.Insert(0, Pattern(longer ? 2500 : 40, 8));
      first.insert(BytesOf(object));
      machine.Promised({{"f", first}});
      object.Commit();
      old = BytesOf(object);
      machine.Promised({{"f", {old}}});
      object.Begin();
      GetParam().make(object);
      std::string now = BytesOf(object);
      machine.Promised({{"f", {old, now}}});
      object.Prepare();
      object.Commit();
      machine.Promised({{"f", {now}}});
      object.Close();
      recording = machine.Done();
    }
    explorer.keeps = true;
    explorer.samples = 100;
    explorer.Explore(recording);
  }
}

TEST_P(EveryCrash, OfAProcessLeavesTheOldOrTheNewWithoutFsync) {
  explorer.power = false;
  explorer.recoverer = MM_SYNC_NORMAL;
  explorer.Explore(Commit(Before(), GetParam().make, MM_SYNC_NORMAL));
}

TEST_P(EveryCrash, OfARollbackAfterPrepareLeavesTheOld) {
  Recording recording;
  {
    Machine machine(Before());
    Object object = machine.Open("f");
    std::string old = BytesOf(object);
    object.Begin();
    GetParam().make(object);
    machine.Promised({{"f", {old, BytesOf(object)}}});
    object.Prepare();
    object.Rollback();
    machine.Promised({{"f", {old}}});
    recording = machine.Done();
  }
  explorer.Explore(recording);
}

// COMMIT was refused after it was prepared, and the transaction goes on: what was prepared must not
// happen by itself any more, whether it was written over, undone or left as it was.
TEST_P(EveryCrash, OfATransactionThatGoesOnAfterPrepareLeavesTheOld) {
  explorer.depth = 1; // what a recovery meets is no other than above
  for (bool undone : {false, true}) {
    Recording recording;
    {
      Machine machine(Before());
      Object object = machine.Open("f");
      std::string old = BytesOf(object);
      object.Begin();
      mm_log_mark mark = mm_object_mark(object);
      GetParam().make(object);
      machine.Promised({{"f", {old, BytesOf(object)}}});
      object.Prepare();
      object.Unprepare();
      machine.Promised({{"f", {old}}});
      if (undone) object.RollbackTo(mark);
      object.Insert(object->size / 2, Pattern(30, 9));
      std::string now = BytesOf(object);
      machine.Promised({{"f", {old, now}}});
      object.Prepare();
      object.Commit();
      machine.Promised({{"f", {now}}});
      object.Close();
      recording = machine.Done();
    }
    explorer.Explore(recording);
  }
}

void SmallPatch(Object &object) {
  object.Write(600, Pattern(1100));
}

// ---- more than one transaction

class CrashModel : public testing::Test {
protected:
  void TearDown() override {
    if (IsSkipped()) return;
    RecordProperty("crashes", std::to_string(explorer.crashes));
    RecordProperty("states", std::to_string(explorer.states));
    EXPECT_GT(explorer.states, 10u);
  }
  void Good() { EXPECT_EQ(explorer.bad, 0u) << explorer.first; }
  static Disk One() {
    Disk disk;
    disk.Put("f", Old(3000));
    return disk;
  }
  Explorer explorer;
};

// The second journal may lie where the first lay on the disk: what is lost of it are sectors of a
// journal that was whole.
TEST_F(CrashModel, ASecondJournalIsNotTakenForTheFirst) {
  Recording recording;
  {
    Machine machine(One());
    Object object = machine.Open("f");
    std::string was = BytesOf(object);
    for (unsigned i = 0; i < 3; i++) {
      object.Begin();
      object.Write(600, Pattern(1100, i));
      std::string now = BytesOf(object);
      machine.Promised({{"f", {was, now}}});
      object.Commit();
      machine.Promised({{"f", {now}}});
      was = now;
    }
    object.Close();
    recording = machine.Done();
  }
  explorer.Explore(recording);
  Good();
}

// One that stays is written again in its place: of what is lost there are sectors of the one before,
// which was longer, or shorter, and of its blanking.
TEST_F(CrashModel, AJournalThatStaysIsNotTakenForTheNext) {
  Recording recording;
  explorer.keeps = true;
  {
    Machine machine(One());
    Object object = machine.Open("f");
    mm_settings settings = *object->settings;
    settings.keep_journal = true;
    object->settings = &settings;
    std::string was = BytesOf(object);
    unsigned seed = 0;
    for (unsigned size : {1100, 1100, 300, 1700}) {
      object.Begin();
      object.Write(600, Pattern(size, seed++));
      std::string now = BytesOf(object);
      machine.Promised({{"f", {was, now}}});
      object.Commit();
      machine.Promised({{"f", {now}}});
      was = now;
    }
    object.Close();
    recording = machine.Done();
  }
  explorer.Explore(recording);
  Good();
}

// One that only tries again leaves its journal where it is, or another of the same.
TEST_F(CrashModel, PreparingAgainIsTheSameTransaction) {
  Recording recording;
  {
    Machine machine(One());
    Object object = machine.Open("f");
    std::string old = BytesOf(object);
    object.Begin();
    SmallPatch(object);
    machine.Promised({{"f", {old, BytesOf(object)}}});
    object.Prepare();
    size_t before = machine.os().ops().size();
    object.Prepare();
    EXPECT_EQ(machine.os().ops().size(), before);
    object.Commit();
    machine.Promised({{"f", {BytesOf(object)}}});
    object.Close();
    recording = machine.Done();
  }
  explorer.Explore(recording);
  Good();
}

// Between the two another program, which takes no lock, has written the file: that stays.
TEST_F(CrashModel, TryingAgainAfterAnotherProgramLeavesWhatItWrote) {
  Recording recording;
  {
    Machine machine(One());
    Object object = machine.Open("f");
    object.Begin();
    object.Write(5, "ours");
    std::string ours = BytesOf(object), theirs = Old(3000), both = ours;
    theirs.replace(705, 1, "!");
    both.replace(705, 1, "!");
    machine.Promised({{"f", {Old(3000), ours}}});
    object.Prepare();
    machine.Promised({{"f", {Old(3000), ours, theirs, both}}});
    machine.os().Outside("f", 705, "!", true);
    machine.Promised({{"f", {theirs, both}}}); // COMMIT had been asked for
    EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
    object.Rollback();
    machine.Promised({{"f", {theirs}}});
    object.Close();
    recording = machine.Done();
  }
  explorer.Explore(recording);
  Good();
}

// A disk that fails while the journal is made invalid: it may still be there, and then what was
// prepared may happen; the next try makes it invalid.
Recording GoOnOnABadDisk(int n, bool *failed) {
  Disk disk;
  disk.Put("f", Old(3000));
  Machine machine(disk);
  Object object = machine.Open("f");
  object.Begin();
  SmallPatch(object);
  machine.Promised({{"f", {Old(3000), BytesOf(object)}}});
  object.Prepare();
  int count = 0;
  *failed = false;
  machine.os().Fail([&](const DiskOp &) { return *failed |= count++ >= n; });
  bool invalid = mm_object_unprepare(object, &object.err) == MM_OK;
  machine.os().Fail(nullptr);
  if (!invalid) object.Unprepare();
  machine.Promised({{"f", {Old(3000)}}});
  object.Write(10, "more");
  object.Rollback();
  object.Close();
  return machine.Done();
}

TEST_F(CrashModel, GoingOnOnAFailingDiskIsTriedAgain) {
  bool failed = true;
  for (int n = 0; failed; n++) {
    SCOPED_TRACE(n);
    explorer = Explorer();
    explorer.Explore(GoOnOnABadDisk(n, &failed));
    Good();
  }
}

// A copy that was written is the file's everywhere else: also while, and after, another's commit
// ends in the middle.
class CopyModel : public testing::TestWithParam<bool> {
protected:
  // What the writer has, before and after.
  static std::set<std::string> CommitThatFailsFrom(int n, Machine *machine, bool *failed) {
    mm_settings settings = Settings(MM_SYNC_FULL);
    Object object = machine->Open("f");
    object->settings = &settings;
    std::set<std::string> states = {BytesOf(object)};
    object.Begin();
    object.Write(0, "first");
    object.Write(2000, "last");
    states.insert(BytesOf(object));
    int count = 0;
    machine->os().Fail([&](const DiskOp &) { return *failed |= count++ >= n; });
    if (mm_object_prepare(object, &object.err) == MM_OK) {
      (void)mm_object_commit(object, &object.err);
    }
    object.Close();
    machine->os().Fail(nullptr);
    return states;
  }
  // The bytes of the file that a copy shows around its own.
  static std::string Around(const Object &copy) {
    return BytesOf(copy).replace(2900, 60, Old(3000), 2900, 60);
  }
};

// Where the copy's reader may write, it replays the journal; else it shows it.
INSTANTIATE_TEST_SUITE_P(Reader, CopyModel, testing::Bool());

TEST_P(CopyModel, ACopyThatWasWrittenNeverSeesHalfACommit) {
  Disk disk;
  disk.Put("f", Old(3000));
  bool failed = true;
  for (int n = 0; failed; n++) {
    SCOPED_TRACE(n);
    failed = false;
    Machine machine(disk, MM_SYNC_FULL, GetParam());
    Object copy = machine.Open("f", MM_OBJECT_PRIVATE);
    copy.Begin();
    copy.Write(2900, "mine");
    mm_log_mark mark = mm_object_mark(copy);
    copy.Write(2950, "more");
    std::set<std::string> states = CommitThatFailsFrom(n, &machine, &failed);
    copy.Refresh();
    EXPECT_EQ(BytesOf(copy).substr(2900, 4) + BytesOf(copy).substr(2950, 4), "minemore");
    EXPECT_EQ(states.count(Around(copy)), 1u);
    copy.RollbackTo(mark);
    mm_object_release(copy, &mark);
    EXPECT_EQ(BytesOf(copy).substr(2900, 60), "mine" + Old(3000).substr(2904, 56));
    EXPECT_EQ(states.count(Around(copy)), 1u);
    copy.Rollback();
    EXPECT_EQ(states.count(BytesOf(copy)), 1u);
  }
}

// A disk that is full, and one each of whose operations fails: what a commit has reserved in holes
// and past the end is given back when it comes to nothing. (But where that itself fails.)
TEST_F(CrashModel, ACommitThatComesToNothingTakesNoRoom) {
  explorer.depth = 1;
  Disk before;
  before.Put("f", Sparse(50000));
  auto edit = [](Object &o) {
    o.Resize(60000);
    o.Write(500, "in the first block, which has room");
    o.Write(5000, "in a hole");
    o.Write(20470, "in two of its pages");
    o.Write(49998, "over the end");
    o.Write(59000, "past it");
  };
  uint64_t taken = before.Find(before.InodeOf("f"))->room.size();
  ASSERT_EQ(taken, 1u);
  unsigned tries = 0;
  for (int n = 0, more = 1; more; n++) {
    for (uint64_t left : {UINT64_MAX, UINT64_C(0), UINT64_C(1), UINT64_C(2), UINT64_C(3)}) {
      SCOPED_TRACE(std::to_string(n) + " of " + std::to_string(left));
      Machine machine(before);
      Object object = machine.Open("f");
      object.Begin();
      edit(object);
      int count = 0;
      bool failed = false, spoilt = false;
      machine.os().Left(left);
      machine.os().Fail([&](const DiskOp &op) {
        bool fails = count++ == n;
        failed |= fails;
        spoilt |= fails && (op.kind == DiskOp::kZero || op.kind == DiskOp::kResize);
        return fails;
      });
      int rc = mm_object_prepare(object, &object.err);
      EXPECT_TRUE(rc == MM_OK || failed || left < 6) << object.err.text;
      (void)mm_object_rollback(object, &object.err);
      const Disk &disk = machine.os().disk();
      if (!spoilt) EXPECT_EQ(disk.Find(disk.InodeOf("f"))->room.size(), taken);
      EXPECT_EQ(disk.Contents("f"), Sparse(50000));
      more = left == UINT64_MAX ? failed : more;
      tries++;
    }
  }
  EXPECT_GT(tries, 20u);
  explorer.Explore(Commit(before, edit, MM_SYNC_FULL));
  Good();
}

TEST_F(CrashModel, PreparingAgainAfterFurtherWritesIsOneTransaction) {
  Recording recording;
  {
    Machine machine(One());
    Object object = machine.Open("f");
    std::string old = BytesOf(object);
    object.Begin();
    object.Write(5, "first");
    std::string half = BytesOf(object);
    machine.Promised({{"f", {old, half}}}); // a crash in between may be a COMMIT of the first half
    object.Prepare();
    object.Resize(4000);
    object.Write(3500, "second");
    std::string all = BytesOf(object);
    machine.Promised({{"f", {old, half, all}}}); // who goes on without unprepare
    object.Prepare();
    machine.Promised({{"f", {all, old}}});
    object.Commit();
    machine.Promised({{"f", {all}}});
    object.Close();
    recording = machine.Done();
  }
  explorer.Explore(recording);
  Good();
}

// ---- several files

// Up to three files of one transaction, in two directories.
class Several : public testing::TestWithParam<unsigned> {
protected:
  struct Part {
    const char *name;
    uint64_t size;
    void (*make)(Object &object);
  };
  static const std::vector<Part> &Parts() {
    static const std::vector<Part> parts = {
        {"f", 3000, [](Object &o) { o.Write(600, Pattern(700)); }},
        {"d/g", 700,
         [](Object &o) {
           o.Resize(1500);
           o.Write(300, "more");
         }},
        {"d/h", 1200, [](Object &o) { o.Resize(400); }},
    };
    return parts;
  }
  static Disk Before(unsigned count) {
    Disk disk;
    for (unsigned i = 0; i < count; i++) disk.Put(Parts()[i].name, Old(Parts()[i].size));
    return disk;
  }

  // The objects of a transaction, begun and written.
  struct Transaction {
    explicit Transaction(Machine *machine, unsigned count, bool keep = false) {
      for (unsigned i = 0; i < count; i++) {
        objects.push_back(machine->Open(Parts()[i].name));
        Object &object = objects.back();
        settings = *object->settings;
        settings.keep_journal = keep;
        object->settings = &settings;
        old[Parts()[i].name] = BytesOf(object);
        object.Begin();
        Parts()[i].make(object);
        now[Parts()[i].name] = BytesOf(object);
      }
      for (Object &object : objects) all.push_back(object);
    }
    int Prepare() { return mm_objects_prepare(all.data(), all.size(), &err); }
    int Unprepare() { return mm_objects_unprepare(all.data(), all.size(), &err); }
    int Commit() { return mm_objects_commit(all.data(), all.size(), &err); }
    int Rollback() { return mm_objects_rollback(all.data(), all.size(), &err); }

    mm_settings settings;
    std::vector<Object> objects;
    std::vector<mm_object *> all;
    std::map<std::string, std::string> old, now;
    mm_error err;
  };

  static Recording CommitAll(unsigned count, bool keep,
                             std::function<bool(const DiskOp &)> lose = nullptr,
                             int synchronous = MM_SYNC_FULL) {
    Machine machine(Before(count), synchronous);
    Transaction t(&machine, count, keep);
    machine.os().Lose(lose);
    machine.PromisedTogether({t.old, t.now});
    EXPECT_EQ(t.Prepare(), MM_OK) << t.err.text;
    machine.PromisedTogether({t.now}); // it has been committed by this
    EXPECT_EQ(t.Commit(), MM_OK) << t.err.text;
    machine.PromisedTogether({t.now});
    t.objects.clear();
    return machine.Done();
  }

  static Recording CommitOnABadDisk(unsigned files, int n, bool sticky, bool keep, bool *failed) {
    Machine machine(Before(files));
    Transaction t(&machine, files, keep);
    machine.PromisedTogether({t.old, t.now});
    int count = 0;
    *failed = false;
    machine.os().Fail([&](const DiskOp &) {
      bool fails = sticky ? count >= n : count == n;
      count++;
      *failed |= fails;
      return fails;
    });
    bool prepared = t.Prepare() == MM_OK;
    if (prepared) {
      machine.PromisedTogether({t.now});
      (void)t.Commit();
    } else if (t.Rollback() == MM_OK) {
      machine.PromisedTogether({t.old});
    }
    machine.os().Fail(nullptr); // it is well again, and the same objects are used
    for (Object &object : t.objects) object.Refresh();
    std::map<std::string, std::string> after;
    for (unsigned i = 0; i < files; i++) after[Parts()[i].name] = BytesOf(t.objects[i]);
    EXPECT_EQ(after, prepared ? t.now : t.old);
    machine.PromisedTogether({after});
    t.objects.clear();
    return machine.Done();
  }

  void TearDown() override {
    if (IsSkipped()) return;
    RecordProperty("crashes", std::to_string(explorer.crashes));
    RecordProperty("states", std::to_string(explorer.states));
    EXPECT_GT(explorer.states, 10u);
  }
  void Good() { EXPECT_EQ(explorer.bad, 0u) << explorer.first; }
  Explorer explorer;
};

INSTANTIATE_TEST_SUITE_P(Files, Several, testing::Values(2u, 3u));

TEST_P(Several, ChangeAllOrNone) {
  explorer.samples = 200;
  explorer.Explore(CommitAll(GetParam(), false));
  Good();
}

TEST_P(Several, ChangeAllOrNoneWhereJournalsStay) {
  explorer.samples = 200;
  explorer.keeps = true;
  explorer.Explore(CommitAll(GetParam(), true));
  Good();
}

TEST_P(Several, ChangeAllOrNoneWithoutFsyncIfAProcessIsKilled) {
  explorer.power = false;
  explorer.recoverer = MM_SYNC_NORMAL;
  explorer.Explore(CommitAll(GetParam(), false, nullptr, MM_SYNC_NORMAL));
  Good();
}

TEST_P(Several, ARecovererWithoutFsyncTearsNothing) {
  explorer.recoverer = MM_SYNC_OFF;
  explorer.samples = 100;
  explorer.Explore(CommitAll(GetParam(), false));
  Good();
}

// After COMMIT was refused by others: undone, or gone on with and committed after all.
TEST_P(Several, StayAsTheyWereAfterARollback) {
  for (bool goes_on : {false, true}) {
    Recording recording;
    {
      Machine machine(Before(GetParam()));
      Transaction t(&machine, GetParam());
      machine.PromisedTogether({t.old, t.now});
      ASSERT_EQ(t.Prepare(), MM_OK) << t.err.text;
      if (goes_on) {
        ASSERT_EQ(t.Unprepare(), MM_OK) << t.err.text;
        machine.PromisedTogether({t.old});
        t.objects[0].Write(5, "and more");
        t.now[Parts()[0].name] = BytesOf(t.objects[0]);
        machine.PromisedTogether({t.old, t.now});
        ASSERT_EQ(t.Prepare(), MM_OK) << t.err.text;
        ASSERT_EQ(t.Commit(), MM_OK) << t.err.text;
        machine.PromisedTogether({t.now});
      } else {
        ASSERT_EQ(t.Rollback(), MM_OK) << t.err.text;
        machine.PromisedTogether({t.old});
      }
      t.objects.clear();
      recording = machine.Done();
    }
    explorer = Explorer();
    explorer.samples = 200;
    explorer.Explore(recording);
    Good();
  }
}

// The n-th operation of a commit fails, or all from it on. Whatever it says, the files are one or the
// other, now and after a crash; and once it was prepared, it happens.
TEST_P(Several, OnAFailingDiskHappenIfTheyWerePrepared) {
  for (bool sticky : {false, true}) {
    for (bool keep : {false, true}) {
      bool failed = true;
      for (int n = 0; failed; n++) {
        SCOPED_TRACE(std::to_string(n) + (sticky ? " and on" : "") + (keep ? ", kept" : ""));
        explorer = Explorer();
        explorer.samples = 20;
        explorer.keeps = keep;
        explorer.litter = true; // what could not be removed
        explorer.depth = GetParam() == 2 ? 2 : 1;
        explorer.Explore(CommitOnABadDisk(GetParam(), n, sticky, keep, &failed));
        Good();
      }
    }
  }
}

// ---- and the model sees what the protocol without one of its parts loses

std::function<bool(const DiskOp &)> SyncOf(const std::string &part) {
  return [=](const DiskOp &op) {
    return op.kind == DiskOp::kSync && op.name.find(part) != std::string::npos;
  };
}

std::function<bool(const DiskOp &)> SyncOfDirectory(const std::string &directory, int n) {
  auto count = std::make_shared<int>(0);
  return [=](const DiskOp &op) {
    return op.kind == DiskOp::kSyncDirectory && op.name == directory && (*count)++ == n;
  };
}

TEST_P(Several, TheModelSeesEachSyncThatIsLost) {
  if (ModelOs::windows) GTEST_SKIP() << "no directory is synced";
  struct {
    const char *what;
    std::function<bool(const DiskOp &)> lose;
  } const losses[] = {
      {"of the first journal", SyncOf("f-mmap-journal")},
      {"of the second journal", SyncOf("g-mmap-journal")},
      {"of the record", SyncOf(MM_RECORD_PREFIX)},
      {"of the name of the first journal", SyncOfDirectory("", 0)},
      {"of the name of the second journal", SyncOfDirectory("d", 0)},
      {"of the name of the record", SyncOfDirectory("", 1)},
  };
  for (const auto &loss : losses) {
    SCOPED_TRACE(loss.what);
    explorer = Explorer();
    explorer.samples = 200;
    explorer.Explore(CommitAll(GetParam(), false, loss.lose));
    EXPECT_GT(explorer.bad, 0u);
  }
}

// A journal that came back after its COMMIT would undo what other programs have written since.
Recording CommitAndOutside(std::function<bool(const DiskOp &)> lose = nullptr) {
  Disk disk;
  disk.Put("f", Old(3000));
  Machine machine(disk);
  Object object = machine.Open("f");
  object.Begin();
  object.Write(700, "ours, and committed");
  std::string ours = BytesOf(object);
  machine.os().Lose(lose);
  machine.Promised({{"f", {Old(3000), ours}}});
  object.Commit();
  object.Close();
  std::string theirs = ours;
  theirs.replace(705, 1, "!"); // one byte: it is whole, whatever happens
  machine.Promised({{"f", {ours, theirs}}});
  machine.os().Outside("f", 705, "!", true);
  machine.Promised({{"f", {theirs}}});
  return machine.Done();
}

TEST_F(CrashModel, ACommittedJournalDoesNotComeBack) {
  explorer.depth = 1; // what the other program has not synced is not ours to keep
  explorer.Explore(CommitAndOutside());
  Good();
}

// A disk that fails: nothing is promised by a call that reports it, but a commit that was prepared
// happens, sooner or later, and one that was not does not.
Recording CommitOnABadDisk(int n, bool sticky, bool *failed) {
  Disk disk;
  disk.Put("f", Old(3000));
  Machine machine(disk);
  Object object = machine.Open("f");
  std::string old = BytesOf(object);
  object.Begin();
  object.Resize(3500);
  SmallPatch(object);
  std::string now = BytesOf(object);
  machine.Promised({{"f", {old, now}}});
  int count = 0;
  *failed = false;
  machine.os().Fail([&](const DiskOp &) {
    bool fails = sticky ? count >= n : count == n;
    count++;
    *failed |= fails;
    return fails;
  });
  bool prepared = mm_object_prepare(object, &object.err) == MM_OK;
  if (prepared) {
    if (mm_object_commit(object, &object.err) != MM_OK) *failed = true;
    machine.Promised({{"f", {now}}});
  } else if (mm_object_rollback(object, &object.err) == MM_OK) {
    machine.Promised({{"f", {old}}});
  }
  machine.os().Fail(nullptr); // it is well again, and the same object is used
  if (mm_object_refresh(object, &object.err) != MM_OK) ADD_FAILURE() << object.err.text;
  std::string after = BytesOf(object);
  EXPECT_EQ(after, prepared ? now : old);
  machine.Promised({{"f", {after}}});
  object.Close();
  return machine.Done();
}

TEST_F(CrashModel, ACommitOnAFailingDiskHappensIfItWasPrepared) {
  for (bool sticky : {false, true}) {
    bool failed = true;
    for (int n = 0; failed; n++) {
      SCOPED_TRACE(n);
      explorer = Explorer();
      explorer.Explore(CommitOnABadDisk(n, sticky, &failed));
      Good();
    }
  }
}

// The writer was promised durability; whoever finishes its work keeps the promise.
TEST_F(CrashModel, ARecovererWithoutFsyncTearsNothingOfOneWithIt) {
  Recording recording = Commit(One(), SmallPatch, MM_SYNC_FULL);
  for (int synchronous : {MM_SYNC_NORMAL, MM_SYNC_OFF}) {
    explorer = Explorer();
    explorer.recoverer = synchronous;
    explorer.Explore(recording);
    Good();
  }
}

// Nothing was promised before it; then neither bytes nor journals of before come back.
Recording TwoCommitsAndFlush(std::function<bool(const DiskOp &)> lose = nullptr) {
  Disk disk;
  disk.Put("f", Old(3000));
  Machine machine(disk, MM_SYNC_NORMAL);
  Object object = machine.Open("f");
  machine.Promised({});
  for (unsigned i = 0; i < 2; i++) {
    object.Begin();
    object.Write(600, Pattern(1100, i));
    object.Commit();
  }
  machine.os().Lose(lose);
  EXPECT_EQ(mm_object_sync(object, &object.err), MM_OK);
  machine.Promised({{"f", {BytesOf(object)}}});
  object.Close();
  return machine.Done();
}

TEST_F(CrashModel, AFlushMakesCommitsWithoutFsyncDurable) {
  if (ModelOs::windows) GTEST_SKIP() << "it is the order of the file system's own log that does it";
  explorer.Explore(TwoCommitsAndFlush());
  Good();
}

// Zeros by a hole, and a journal of several writes: large, so only a sample of one crash.
TEST_F(CrashModel, ALargeChangeIsWholeOrNot) {
  Disk disk;
  disk.Put("f", Old(300000));
  explorer.depth = 1;
  explorer.samples = 6;
  explorer.Explore(Commit(
      disk,
      [](Object &o) {
        o.Resize(1000);
        o.Resize(300000);
        o.Write(100000, Pattern(70000));
        o.Insert(300000, Pattern(1100000));
      },
      MM_SYNC_FULL));
  Good();
}

// ---- the model sees what a protocol without one of its parts loses

bool IsJournal(const DiskOp &op) {
  std::string suffix = MM_JOURNAL_SUFFIX;
  return op.name.size() > suffix.size() &&
         op.name.compare(op.name.size() - suffix.size(), suffix.size(), suffix) == 0;
}

// Loses the n-th (from 0) of the operations that `is` says yes to; -1: all.
std::function<bool(const DiskOp &)> LoseThe(int n, std::function<bool(const DiskOp &)> is) {
  auto count = std::make_shared<int>(0);
  return [=](const DiskOp &op) { return is(op) && (n < 0 || (*count)++ == n); };
}

bool IsDirectorySync(const DiskOp &op) {
  return op.kind == DiskOp::kSyncDirectory;
}
bool IsJournalSync(const DiskOp &op) {
  return op.kind == DiskOp::kSync && IsJournal(op);
}
bool IsFileSync(const DiskOp &op) {
  return op.kind == DiskOp::kSync && !IsJournal(op);
}

TEST_F(CrashModel, SeesAJournalThatIsNotSynced) {
  explorer.Explore(Commit(One(), SmallPatch, MM_SYNC_FULL, LoseThe(-1, IsJournalSync)));
  EXPECT_GT(explorer.bad, 0u);
}

TEST_F(CrashModel, SeesAJournalWhoseNameIsNotSynced) {
  if (ModelOs::windows) GTEST_SKIP() << "no directory is synced";
  explorer.Explore(Commit(One(), SmallPatch, MM_SYNC_FULL, LoseThe(0, IsDirectorySync)));
  EXPECT_GT(explorer.bad, 0u);
}

TEST_F(CrashModel, SeesAFileThatIsNotSynced) {
  explorer.Explore(Commit(One(), SmallPatch, MM_SYNC_FULL, LoseThe(-1, IsFileSync)));
  EXPECT_GT(explorer.bad, 0u);
}

TEST_F(CrashModel, SeesARemovalThatIsNotSynced) {
  explorer.depth = 1;
  explorer.Explore(CommitAndOutside(LoseThe(1, IsJournalSync)));
  EXPECT_GT(explorer.bad, 0u);
}

TEST_F(CrashModel, SeesAFlushThatForgetsTheDirectory) {
  if (ModelOs::windows) GTEST_SKIP() << "no directory is synced";
  explorer.Explore(TwoCommitsAndFlush(IsDirectorySync));
  EXPECT_GT(explorer.bad, 0u);
}

TEST_F(CrashModel, SeesAJournalThatIsNotEmptiedBeforeARollback) {
  Recording recording;
  {
    Machine machine(One());
    Object object = machine.Open("f");
    object.Begin();
    SmallPatch(object);
    machine.Promised({{"f", {Old(3000), BytesOf(object)}}});
    object.Prepare();
    machine.os().Lose([](const DiskOp &op) {
      return (IsJournal(op) && op.kind != DiskOp::kRemove) || IsDirectorySync(op);
    });
    object.Rollback();
    machine.Promised({{"f", {Old(3000)}}});
    object.Close();
    recording = machine.Done();
  }
  explorer.Explore(recording);
  EXPECT_GT(explorer.bad, 0u);
}

} // namespace
