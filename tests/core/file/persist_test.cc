// Journals that stay after a COMMIT, blanked (journal=persist): what is written again and what is not,
// what a half blanked one means, and what they cost those who only read.
#include "tests/support/fault_sys.h"
#include "tests/support/journal_bytes.h"
#include "tests/support/object_file.h"

namespace {

using namespace mm_test;

std::string StringOf(const Bytes &bytes) {
  return std::string(bytes.begin(), bytes.end());
}

class PersistTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    settings.keep_journal = true;
    settings.synchronous = MM_SYNC_FULL;
    path = Put("f", Pattern(3000));
    journal = path + MM_JOURNAL_SUFFIX;
  }
  void Commit(const std::string &text, uint64_t offset = 10) {
    Object object = Open(path);
    object.Begin();
    object.Write(offset, text);
    object.Commit();
    EXPECT_EQ(StringOf(Contents(path)).substr(offset, text.size()), text);
  }
  std::string Journal() const { return StringOf(Contents(journal)); }
  bool IsBlank() const { return Journal().substr(0, 8) == std::string(8, '\0'); }
  bool Waits() const {
    mm_journal_kept none = {-1, 0, 0, false};
    return mm_journal_waits(journal.c_str(), &none);
  }
  struct stat Stat() const {
    struct stat st = {};
    EXPECT_EQ(lstat(journal.c_str(), &st), 0);
    return st;
  }
  // What a writer leaves that dies after the commit point; the journal is whole.
  std::string Die(const std::string &text) {
    DiePrepared(path, settings, [&](Object &object) { object.Write(10, text); });
    return Journal();
  }
  std::string Look() { return StringOf(Open(path).Seen()).substr(10, 5); }

  std::string path, journal;
};

TEST_F(PersistTest, ABlankOneHasZerosForItsMagicAndIsLeftAlone) {
  Commit("first");
  std::string blank = Journal();
  EXPECT_TRUE(IsBlank());
  EXPECT_EQ(blank[8], 2); // its version stays
  EXPECT_TRUE(mm_journal_exists(journal.c_str()));
  EXPECT_FALSE(Waits());
  EXPECT_EQ(Look(), "first");
  EXPECT_EQ(Journal(), blank);
}

TEST_F(PersistTest, IsWrittenAsTheFormatSaysOverTheOneBefore) {
  std::string last;
  for (const std::string &text :
       {std::string(500, 'x'), std::string("short"), std::string("again")}) {
    ino_t inode = last.empty() ? 0 : Stat().st_ino;
    std::string whole = Die(text);
    if (inode) EXPECT_EQ(Stat().st_ino, inode) << "it was made anew";
    JournalBytes bytes;
    bytes.salt = FromLe(whole, 16);
    bytes.inode = FromLe(whole, 24);
    bytes.birth = FromLe(whole, 32);
    bytes.old_size = bytes.new_size = 3000;
    bytes.Data(10, text);
    size_t size = bytes.Longer("").Finish().size();
    if (last.size() > size) bytes.Longer(last.substr(size)); // of the one before
    EXPECT_EQ(whole, bytes.Finish());
    EXPECT_EQ(Look(), text.substr(0, 5)) << "it is not replayed";
    Commit("other"); // whatever recovery does with it
    last = Journal();
    EXPECT_TRUE(IsBlank());
  }
}

// Its header is blanked from the front: what says so is done.
TEST_F(PersistTest, AHalfBlankedOneIsDone) {
  for (size_t blanked = 1; blanked <= 8; blanked++) {
    std::string whole = Die("never");
    whole.replace(0, blanked, blanked, '\0');
    Outside(journal, 0, Text(whole));
    std::string before = StringOf(Contents(path));
    mm_settings reads = settings;
    reads.read_only = true;
    EXPECT_EQ(StringOf(Open(path, MM_OBJECT_FILE, reads).Seen()), before);
    EXPECT_NE(Look(), "never");
    EXPECT_EQ(StringOf(Contents(path)), before);
    EXPECT_EQ(HasJournal(path), blanked == 8);
    Commit("after");
    EXPECT_EQ(Look(), "after");
  }
}

// Zeros alone, where the magic was never written: it was never committed, and is no blank one.
TEST_F(PersistTest, ZerosWithoutAVersionAreTorn) {
  Put("f" MM_JOURNAL_SUFFIX, Bytes(300, 0));
  EXPECT_TRUE(Waits());
  std::string before = StringOf(Contents(path));
  EXPECT_EQ(StringOf(Open(path).Seen()), before);
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(PersistTest, OneThatIsToGoFindsABlankOne) {
  Commit("stays");
  settings.keep_journal = false;
  Commit("goes.");
  EXPECT_FALSE(HasJournal(path));
}

TEST_F(PersistTest, FollowsTheFilesMode) {
  for (mode_t mode : {0644, 0600, 0660, 0644, 0666, 0604, 0755}) {
    ASSERT_EQ(chmod(path.c_str(), mode), 0);
    Commit("moded");
    EXPECT_TRUE(IsBlank());
    EXPECT_EQ(Stat().st_mode & 07777, mode & 0666);
  }
}

// What another owns, or has another name for, is not written into: a new one takes its name.
TEST_F(PersistTest, OneOfAnotherIsNotWrittenInto) {
  Commit("first");
  std::string blank = Journal();
  ASSERT_EQ(link(journal.c_str(), Path("linked").c_str()), 0);
  Commit("other");
  EXPECT_EQ(StringOf(Contents(Path("linked"))), blank);
  EXPECT_EQ(Stat().st_nlink, 1u);
  if (geteuid() != 0) return;
  int fd = open(journal.c_str(), O_RDONLY | O_CLOEXEC);
  ASSERT_EQ(fchown(fd, 54321, 54321), 0);
  blank = Journal();
  Commit("third");
  std::string now(blank.size(), 0);
  EXPECT_EQ(pread(fd, now.data(), now.size(), 0), static_cast<ssize_t>(now.size()));
  close(fd);
  EXPECT_EQ(now, blank);
  EXPECT_EQ(Stat().st_uid, geteuid());
}

TEST_F(PersistTest, ALinkToABlankOneIsInTheWay) {
  Commit("first");
  ASSERT_EQ(rename(journal.c_str(), Path("real").c_str()), 0);
  std::string blank = StringOf(Contents(Path("real")));
  ASSERT_EQ(symlink("real", journal.c_str()), 0);
  mm_object *object;
  mm_error err;
  EXPECT_EQ(TryOpen(path, MM_OBJECT_FILE, &settings, &object, &err), MM_CORRUPT);
  EXPECT_EQ(StringOf(Contents(Path("real"))), blank);
}

TEST_F(PersistTest, SavesTheSyncsOfTheDirectory) {
  Commit("first");
  Object object = Open(path);
  for (const char *text : {"name", "then"}) { // the first may not know that the name is durable
    object.Begin();
    object.Write(10, text);
    FaultSys sys;
    object.Commit();
    bool synced = sys.RecordsOf(Call::kSync).size() > 0;
    EXPECT_EQ(synced, !strcmp(text, "name"));
  }
  object.Begin();
  object.Write(10, "again");
  FaultSys sys;
  object.Commit();
  for (const CallRecord &call : sys.Records()) {
    EXPECT_TRUE(call.call != Call::kRemove && call.path != directory) << NameOf(call.call);
  }
  EXPECT_EQ(sys.RecordsOf(Call::kSync).size() + sys.RecordsOf(Call::kSyncData).size(), 3u);
}

TEST_F(PersistTest, ABlankOneCostsAReaderLittle) {
  auto calls = [&] {
    Object object = Open(path);
    object.Refresh();
    FaultSys sys;
    for (int i = 0; i < 10; i++) object.Refresh();
    return sys.Records().size();
  };
  size_t without = calls();
  Commit("first");
  EXPECT_TRUE(IsBlank());
  EXPECT_LE(calls(), without + 30) << without; // open, read, close
}

// Whatever fails: it is blank, or gone, or is replayed to what is there already.
TEST_F(PersistTest, WhateverFailsWhenItIsBlankedTheCommitHolds) {
  for (int n = 0;; n++) {
    std::string text = "n" + std::to_string(1000 + n);
    Object object = Open(path);
    object.Begin();
    object.Write(10, text);
    object.Prepare();
    bool fired;
    {
      FaultSys sys;
      sys.FailAt(n, EIO);
      (void)mm_object_commit(object, &object.err);
      fired = sys.Fired();
    }
    object.Close();
    EXPECT_EQ(Look(), text) << n;
    EXPECT_EQ(StringOf(Contents(path)).substr(10, 5), text);
    if (!fired) break;
  }
}

} // namespace
