// Tests whose own expectations cannot hold while something fails, each with its reason. What is
// left out is here and nowhere else, and the program prints it.
#ifndef MM_TESTS_EXEMPT_H
#define MM_TESTS_EXEMPT_H

#include <string>

namespace mm_test {

// A pattern of gtest's, with '*' and '?', that ends with the text or with a colon.
inline bool Fits(const char *test, const char *pattern) {
  if (*pattern == 0 || *pattern == ':') return *test == 0;
  if (*pattern == '*') return Fits(test, pattern + 1) || (*test && Fits(test + 1, pattern));
  return *test && (*pattern == '?' || *pattern == *test) && Fits(test + 1, pattern + 1);
}

// Several, with a colon between.
inline bool FitsAny(const std::string &test, const std::string &patterns) {
  for (size_t at = 0; at != std::string::npos; at = patterns.find(':', at)) {
    at += at > 0;
    if (Fits(test.c_str(), patterns.c_str() + at)) return true;
  }
  return false;
}

template <size_t N> bool FitsOne(const std::string &test, const char *const (&patterns)[N]) {
  for (const char *pattern : patterns)
    if (Fits(test.c_str(), pattern)) return true;
  return false;
}

constexpr char kByTime[] =
    "another thread takes part by the clock, and cannot be left in the middle";
constexpr char kMany[] = "many files, all of which would be read after each fault";
constexpr char kUnseen[] =
    "its disk is mounted where the parent, which compares the files, sees it not";
constexpr char kRandom[] = "the file that sfdisk makes it is another each time";
constexpr char kHolds[] =
    "it holds a value of SQLite's, which is lost when it is left in the middle";
constexpr char kKept[] =
    "a file that may be a database of the host's, as nobody can tell, stays open: it "
    "has few descriptors";
constexpr char kWalks[] =
    "its model is told by each statement whether it came to pass, and others interfere: a fault "
    "is one more, which it does not know";
constexpr char kStays[] = "a lock that the system never takes back lasts as long as its descriptor";
constexpr char kFinishes[] =
    "what asks after a fault uses the other files, too, and finishes what was left undone of them";
constexpr char kGoes[] =
    "a journal that cannot be blanked is removed instead: one goes that would stay";
constexpr char kLitter[] = "what the system never removes stays, and it looks for litter";
constexpr char kUnread[] = "a file that cannot be read, in a process whose descriptors cannot be "
                           "listed, is closed at the end "
                           "of its transaction: its lock might not be given back otherwise";
constexpr char kUnseenByUs[] =
    "a file that cannot be looked at while a refused COMMIT is taken back counts as "
    "changed by others";
constexpr char kTimes[] = "it asks for the time of a file, which is another each time";
constexpr char kProbes[] = "its statements ask what another connection's come to";
constexpr char kAsksForErrors[] = "the error is the value that it asks for";

// Why the test is not run in this mode; NULL: it is. A mode is the start of its name.
inline const char *Exempt(const std::string &test, const std::string &mode) {
  struct {
    const char *test, *mode, *reason;
  } static const list[] = {
      {"FindSql.ALongSearchCanBeInterrupted", "", kByTime},
      {"LinesTest.AVeryLongLineCanBeInterrupted", "", kByTime},
      {"Interrupt.StopsEveryLongScan", "", kByTime},
      {"Sparse.EveryScanCanBeInterrupted", "", kByTime},
      {"Interrupt.StopsASearchOnHardInput", "", kByTime},
      {"Interrupt.StopsAWaitForALock", "", kByTime},
      {"InterruptOfSeveral.StopsThemAll", "", kByTime},
      {"Elsewhere.*", "", kByTime},
      {"Busy.WaitsNoLongerThanTheLockIsHeld", "", kByTime},
      {"Limits.TenThousandFilesAreTouchedByPath", "", kMany},
      {"Limits.FilesThatAreKeptForTheirNextUseMakeRoomForAWriter", "", kMany},
      {"Limits.ACommitWithoutDescriptorsForItsJournalsLeavesNone", "", kMany},
      {"BadDisk.*", "", kUnseen},
      {"Pin.InABoundParameter", "oom", kHolds},
      {"WalkTest.*", "", kWalks},
      {"RowsWalk.*", "", kWalks},
      {"IsolationWalk.*", "", kWalks},
      {"Meanwhile*.*", "", kWalks},
      {"Connections.EndATransactionOnA*", "io-sticky", kUnread},
      {"RecordsTest.ReadsPartitionsThatSfdiskMade", "", kRandom},
      {"Limits.FewDescriptorsAreSharedByAllFiles", "io", kKept},
      {"Limits.TooManyHandlesAreAnErrorAndNoMore", "io", kKept},
      {"Scans.GlobTellsThatAFileHasGone", "io", kAsksForErrors},
      {"Scans.GlobTellsWhichFilesCannotBeOpened", "io", kAsksForErrors},
      {"Scans.GlobOpensNothingUnlessErrorIsAskedFor", "io", kAsksForErrors},
      {"Several.AreAllThereIfTheProcessIsKilledAfterTheCommitPoint", "", kFinishes},
      {"Several.HundredsOfFilesAreRecovered", "", kFinishes},
      {"Several.JournalsThatStayAndSuchThatGoMayBeMixed", "io", kGoes},
      {"Isolation.ACommitWaitsForItsBusyTimeout", "", kByTime},
      {"Isolation.AReaderWaitsForItsBusyTimeout", "", kByTime},
      {"Isolation.NoNewReaderStartsWhileACommitWaits", "", kByTime},
      {"Isolation.UpdatesWaitForEachOtherAndNoneIsLost", "", kByTime},
      {"Isolation.AndNotOnlyWhenItsTimeIsOver", "", kByTime},
      {"Isolation.AndTwoThatWriteWhatTheOtherHasRead", "", kByTime},
      {"IsolationHammer.*", "", kByTime},
      {"Isolation.*", "io-sticky", kStays},
      {"ChainTest.IsolationHoldsForItsReadersAndWriters", "io-sticky", kStays},
      {"Several.AfterARefusedCommitAreUndone", "io-sticky", kLitter},
      {"Isolation.AStatementSeesOneCommitToItsEnd", "", kProbes},
      {"Isolation.ACommitThatTheDatabaseRefusesKeepsReadersOutUntilTheTransactionGoesOn", "io",
       kProbes},
      {"Isolation.ACopyThatIsReadGoesOnBehindItsConnectionsCommit", "io", kProbes},
      {"RefusedCommit.GoesOnWhereACopyIsReadWrittenOrOpened", "io", kUnseenByUs},
      {"Scans.GlobAndListTellWhetherAFileIsStillTheSame", "", kTimes},
      {"Isolation.NoneLetsOthersCommit", "", kProbes},
      {"Isolation.WhatAStatementDoesNotUseOthersCommit", "", kProbes},
      {"Isolation.ManyFilesAreHeldFromTheFirstToTheLast", "", kProbes},
      {"Isolation.ACursorHoldsTheFilesThatItHasLeft", "", kProbes},
      {"Isolation.WhatAWriteReadsIsHeld", "", kProbes},
      {"Isolation.AnUpdateIsTheWriterBeforeItReads", "", kProbes},
      {"Isolation.AnInsertFromItsOwnTableIsTheWriterBeforeItReads", "", kProbes},
      {"Isolation.AFunctionThatWritesGoesOnToHoldTheFile", "", kProbes},
      {"Isolation.ATemporaryTriggersProgramIsHeldToItsEnd", "", kProbes},
      {"Isolation.OutsideATransactionItIsTheStatements", "", kProbes},
      {"Isolation.IsGivenUpWithTheSetting", "", kProbes},
  };
  for (const auto &entry : list)
    if (Fits(test.c_str(), entry.test) && mode.rfind(entry.mode, 0) == 0) return entry.reason;
  return nullptr;
}

// Tests whose statements meet something else when they are run a second time: a handler that counts
// its calls, a file that is cut in the middle, a schema that SQLite has dropped from memory as a
// CREATE failed (mmap_list has what is connected). They end at the first fault.
inline bool EndsAtFault(const std::string &test) {
  static const char *const list[] = {
      "LongScan.*",
      "LongWrite.*",
      "LongCommit.*",
      "LongAppend.*",
      "EveryStep.*",
      "Sigbus.*",
      "SigbusOfSeveral.*",
      "InterruptOfSeveral.*",
      "Scans.GlobTellsThatAFileHasGone",
      "ListChanges.ListForgetsTablesThatAreRenamedOrDroppedInATransaction"};
  return FitsOne(test, list);
}

// In their statements the file is cut, replaced or removed on purpose.
inline bool ChangesFiles(const std::string &test) {
  static const char *const list[] = {"Sigbus.*", "SigbusOfSeveral.*",
                                     "Scans.GlobTellsThatAFileHasGone"};
  return FitsOne(test, list);
}

// Between their statements a file with pending writes is cut on purpose: what has changed in it is
// not asked then.
inline bool CutsFiles(const std::string &test) {
  static const char *const list[] = {"RefusedCommit.LooksAnewAtAFileThatWasCut",
                                     "ChainTest.DoesNotCloseUpWhatAnotherProgramHasWritten"};
  return FitsOne(test, list);
}

// Tests that take long even without faults: the full run alone has them.
inline bool IsLong(const std::string &test) {
  static const char *const list[] = {
      "RandomSql.*",
      "RandomQuery.*",
      "ReplaceSql.ManyOfTheSameLength",
      "ReplaceSql.ALongNeedleThatLiesOverItself",
      "SortedTest.LooksAtFewRowsForWhatIsNotThere",
      "SortedLinesTest.LooksAtFewLinesForWhatIsNotThere",
      "LongScan.*",
      "LongWrite.*",
      "LongCommit.*",
      "LongAppend.*",
      "EveryStep.*",
      "SortedTest.AnswersAsAnOrdinaryTableForEveryType",
      "SortedLinesTest.MatchesAnOrdinaryTable",
      "Pin.AHalfGigabyteKeepsItsBytesWhateverIsWrittenInTheSameRow",
      "Pin.ALargeSliceIsHandedToAnotherFunctionWithoutACopy",
      "Sparse.WhatLiesBeyond4GiBIsFound",
      "Limits.*",
      "Growth.*",
      "Open.ManyFilesOneAfterTheOther",
      "Schemas.NoFunctionRunsFromASchemaOfSomebodyElse",
      "DeleteTest.RandomProgramsMatchAnOrdinaryTable",
      "Sigbus.InAnOpenCursor",
      "Sigbus.InTheMiddleOfAFind",
      "Slice.RandomSlicesArePythons",
      "SeveralThreads.*",
      "SigbusOfSeveral.*",
      "Adversarial.*",
      "AdversarialLines.*",
      "RecordsTest.WritesOfEveryTypeMatchAnOrdinaryTable",
      "RecordsTest.ExportsManyRows",
      "TableBytes.ConstraintsAnswerAsAnOrdinaryTable",
      "LinesTest.ALineOf100MegabytesIsOne",
      "SearchSql.ABadPatternEndsWithAnError",
      "SortedTest.AnswersForTextInAnUtf16DatabaseToo",
      "LinesTest.MatchesASplitForEveryLength",
      "FindSql.RandomSearchesAreThoseOfAString",
      "FindSql.AConnectionThatDidNothingElseClosesAfterALongSearch",
      "LinesTest.NumbersAreCountedOnce",
      "SortedFieldsTest.MatchesAnOrdinaryTable",
      "ChainTest.AnEndlessChainIsInterrupted",
      "ChainTest.WorkGrowsWithTheRows",
  };
  return FitsOne(test, list);
}

} // namespace mm_test

#endif
