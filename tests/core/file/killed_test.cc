// A process that commits files, or recovers what another left, is killed at each call to the system that changes
// something, or at each; the next process to look finds all of the transaction or nothing of it, and leaves
// nothing behind. The other process is this program again: what the system itself does at the end of a process
// is part of it.
#include "tests/support/again.h"
#include "tests/support/fault_sys.h"
#include "tests/support/object_file.h"

extern "C" {
#include "core/file/record.h"
#include "core/file/together.h"
}

namespace {

using namespace mm_test;

// What becomes of each file.
enum Edit { kSame, kGrow, kCut, kEmpty };

struct Way {
  const char *name;
  int files;
  Edit edit;
  bool persist;
  bool each; // in COMMIT it is killed at each call, not only at those that change something
};

const Way kWays[] = {
    {"OneFile", 1, kSame, false, true},      {"OneGrows", 1, kGrow, false, false},
    {"OneIsCut", 1, kCut, false, false},     {"OneIsEmptied", 1, kEmpty, false, false},
    {"TwoFiles", 2, kGrow, false, false},    {"TwoAreCut", 2, kCut, false, true},
    {"AKeptJournal", 1, kGrow, true, false},
};

const uint64_t kSize = 20000;

int kill_at, calls;

void DieAtLast() {
  if (calls++ == kill_at) Again::Die();
}

class Killed : public FileTest, public testing::WithParamInterface<int> {
protected:
  const Way &way() const { return kWays[GetParam()]; }
  std::string PathOf(int i) const { return Path("f" + std::to_string(i)); }

  Bytes Before(int i) const { return Pattern(kSize, static_cast<unsigned>(i)); }
  Bytes After(int i, Edit edit) const {
    Bytes bytes = Before(i), extra = Text("and more");
    std::copy_n("after", 5, bytes.begin() + 5000);
    if (edit == kCut) bytes.resize(6000);
    if (edit == kEmpty) bytes.clear();
    if (edit == kGrow) bytes.insert(bytes.begin() + 100, extra.begin(), extra.end());
    return bytes;
  }

  // The files as they were, and nothing beside them.
  void Lay() const {
    for (const auto &entry : std::filesystem::directory_iterator(directory))
      std::filesystem::remove(entry.path());
    for (int i = 0; i < way().files; i++) Put("f" + std::to_string(i), Before(i));
  }

  // Another process does `what`, killed at call n; -1: after COMMIT has been prepared.
  int Other(const std::string &what, int n) const {
    return Again("Killer.DISABLED_" + what, {{"DIRECTORY", directory},
                                             {"WAY", std::to_string(GetParam())},
                                             {"AT", std::to_string(n)}})
        .Wait();
  }

  // All of it, or nothing, whoever looks.
  void Look(const std::string &when) {
    int changed = 0;
    for (int i = 0; i < way().files; i++) {
      Object object = Open(PathOf(i));
      ASSERT_EQ(mm_object_refresh(object, &object.err), MM_OK) << when << ": " << object.err.text;
      Bytes seen(object->data, object->data + object->size);
      bool after = seen == After(i, way().edit);
      EXPECT_TRUE(after || seen == Before(i)) << when << ": file " << i << ", " << seen.size();
      changed += after;
    }
    EXPECT_TRUE(changed == 0 || changed == way().files) << when << ": " << changed;
    Tidy(when);
  }

  void Tidy(const std::string &when) const {
    for (const auto &entry : std::filesystem::directory_iterator(directory)) {
      std::string name = entry.path().filename().string();
      bool kept = way().persist && name == std::string("f0") + MM_JOURNAL_SUFFIX;
      EXPECT_TRUE(kept || name == "f0" || name == "f1") << when << " left " << name;
    }
  }
};

TEST_P(Killed, InACommitItLeavesAllOrNothing) {
  int n = 0;
  for (int status = Again::kKilled; status == Again::kKilled && !HasFailure(); n++) {
    Lay();
    status = Other("Commits", n);
    ASSERT_TRUE(status == 0 || status == Again::kKilled) << "call " << n << ": " << status;
    Look("killed at call " + std::to_string(n));
  }
  EXPECT_GT(n, 4);
}

TEST_P(Killed, InARecoveryItIsDoneByTheNext) {
  int n = 0;
  for (int status = Again::kKilled; status == Again::kKilled && !HasFailure(); n++) {
    Lay();
    ASSERT_EQ(Other("Commits", -1), Again::kKilled);
    ASSERT_TRUE(HasJournal(PathOf(0)));
    status = Other("Recovers", n);
    ASSERT_TRUE(status == 0 || status == Again::kKilled) << "call " << n << ": " << status;
    Look("a recovery killed at call " + std::to_string(n));
    EXPECT_EQ(Contents(PathOf(0)), After(0, way().edit)) << "call " << n;
  }
  EXPECT_GT(n, 2);
}

INSTANTIATE_TEST_SUITE_P(Ways, Killed, testing::Range(0, static_cast<int>(std::size(kWays))),
                         [](const auto &info) { return kWays[info.param].name; });

/* ---- the other process ---------------------------------------------------------------------- */

class Killer : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    way = kWays[std::stoi(Again::Told("WAY"))];
    kill_at = std::stoi(Again::Told("AT"));
    settings.keep_journal = way.persist;
  }
  void OpenAll() {
    for (int i = 0; i < way.files; i++)
      objects.push_back(Open(Again::Told("DIRECTORY") + "/f" + std::to_string(i)));
    for (Object &object : objects) all.push_back(object);
  }
  void TearDown() override {
    objects.clear();
    FileTest::TearDown();
  }

  Way way;
  std::vector<Object> objects;
  std::vector<mm_object *> all;
  mm_error err;
};

TEST_F(Killer, DISABLED_Commits) {
  OpenAll();
  FaultSys sys;
  if (!way.each) sys.CountOnly(kWriting);
  sys.OnCall(DieAtLast);
  for (Object &object : objects) {
    object.Begin();
    object.Write(5000, "after");
    if (way.edit == kCut) object.Resize(6000);
    if (way.edit == kEmpty) object.Resize(0);
    if (way.edit == kGrow) object.Insert(100, Text("and more"));
  }
  ASSERT_EQ(mm_objects_prepare(all.data(), all.size(), &err), MM_OK) << err.text;
  if (kill_at < 0) Again::Die();
  ASSERT_EQ(mm_objects_commit(all.data(), all.size(), &err), MM_OK) << err.text;
}

TEST_F(Killer, DISABLED_Recovers) {
  FaultSys sys;
  sys.CountOnly(kWriting);
  sys.OnCall(DieAtLast);
  OpenAll();
  for (Object &object : objects) {
    ASSERT_EQ(mm_object_refresh(object, &err), MM_OK) << err.text;
  }
}

} // namespace
