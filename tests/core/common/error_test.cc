// A code and a sentence.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

extern "C" {
#include "core/common/error.h"
}

namespace {

TEST(Error, HasACodeAndASentence) {
  mm_error err;
  EXPECT_EQ(mm_fail(&err, MM_PERM, "'%s' is no %s", "x", "y"), MM_PERM);
  EXPECT_EQ(err.code, MM_PERM);
  EXPECT_STREQ(err.text, "'x' is no y");
  EXPECT_EQ(mm_fail_nomem(&err), MM_NOMEM);
  EXPECT_STREQ(err.text, "out of memory");
}

TEST(Error, OfACallSaysWhatTheSystemSays) {
  mm_error err;
  EXPECT_EQ(mm_fail_errno(&err, MM_CANTOPEN, ENOENT, "cannot open '%s'", "x"), MM_CANTOPEN);
  EXPECT_STREQ(err.text, "cannot open 'x': No such file or directory");
  EXPECT_EQ(mm_fail_errno(&err, MM_CANTOPEN, ENOSPC, "no"), MM_FULL);
  EXPECT_EQ(mm_fail_errno(&err, MM_CANTOPEN, EIO, "no"), MM_IOERR);
  EXPECT_EQ(mm_fail_errno(&err, MM_CANTOPEN, EROFS, "no"), MM_READONLY);
  EXPECT_EQ(mm_fail_errno(&err, MM_READONLY, EMFILE, "no"), MM_CANTOPEN);
  EXPECT_EQ(mm_fail_errno(&err, MM_IOERR, ENFILE, "no"), MM_CANTOPEN);
}

TEST(Error, IsOneLineWhateverItQuotes) {
  mm_error err;
  mm_fail(&err, MM_ERROR, "'%s'", "a\nb\r\t\x1b[2J\x7f grün");
  EXPECT_STREQ(err.text, "'a?b???[2J? grün'");
  mm_fail_errno(&err, MM_ERROR, ENOENT, "'%s'", "a\nb");
  EXPECT_STREQ(err.text, "'a?b': No such file or directory");
}

TEST(Error, IsCutWhereItHasNoRoom) {
  mm_error err;
  std::string text(2 * MM_ERROR_TEXT, 'x');
  mm_fail(&err, MM_ERROR, "%s", text.c_str());
  EXPECT_EQ(std::string(err.text), std::string(MM_ERROR_TEXT - 1, 'x'));
  mm_fail_errno(&err, MM_ERROR, ENOENT, "%s", text.c_str());
  EXPECT_EQ(std::string(err.text), std::string(MM_ERROR_TEXT - 1, 'x'));
}

} // namespace
