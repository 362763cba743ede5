extern "C" {
#include "core/os/glob.h"
}

#include <fnmatch.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <random>
#include <string>
#include <vector>

#include "tests/support/scratch.h"

namespace {

namespace fs = std::filesystem;
using mm_test::Put;

TEST(GlobMatch, KnowsWildcards) {
  EXPECT_TRUE(mm_glob_match("*.c", "a.c"));
  EXPECT_FALSE(mm_glob_match("*.c", "a.cc"));
  EXPECT_TRUE(mm_glob_match("a*b*c", "axxbxbc"));
  EXPECT_FALSE(mm_glob_match("a*b*c", "axxbxb"));
  EXPECT_TRUE(mm_glob_match("?b", "ab"));
  EXPECT_FALSE(mm_glob_match("?", ""));
  EXPECT_TRUE(mm_glob_match("*", ""));
  EXPECT_TRUE(mm_glob_match("[a-c]x", "bx"));
  EXPECT_FALSE(mm_glob_match("[!a-c]x", "bx"));
  EXPECT_TRUE(mm_glob_match("[^a-c]x", "dx"));
  EXPECT_TRUE(mm_glob_match("[]a]", "]"));
  EXPECT_TRUE(mm_glob_match("[a-]", "-"));
  EXPECT_TRUE(mm_glob_match("\\*", "*"));
  EXPECT_FALSE(mm_glob_match("\\*", "a"));
  EXPECT_TRUE(mm_glob_match("[\\]]", "]"));
  EXPECT_TRUE(mm_glob_match("a[b", "a[b"));
}

TEST(GlobMatch, KnowsTheClassesOfPosix) {
  EXPECT_TRUE(mm_glob_match("[[:alpha:]]*.bin", "ab.bin"));
  EXPECT_FALSE(mm_glob_match("[[:alpha:]]*.bin", "1b.bin"));
  EXPECT_TRUE(mm_glob_match("[![:alpha:]]*.bin", "1b.bin"));
  EXPECT_TRUE(mm_glob_match("[_[:digit:]-]", "_"));
  EXPECT_TRUE(mm_glob_match("[_[:digit:]-]", "7"));
  EXPECT_TRUE(mm_glob_match("[_[:digit:]-]", "-"));
  EXPECT_FALSE(mm_glob_match("[[:alpha:]]", "\xc3\xa4")) << "of ASCII, whatever the locale";
  EXPECT_TRUE(mm_glob_match("[[]1]", "[1]"));
  EXPECT_TRUE(mm_glob_match("[[:alpha]", ":")) << "no class: five characters and two";
  EXPECT_TRUE(mm_glob_match("[[.].]]", "]"));
  EXPECT_TRUE(mm_glob_match("[[.a.]-c]", "b"));
  EXPECT_TRUE(mm_glob_match("[[=a=]b]", "a"));
  EXPECT_TRUE(mm_glob_match("[\\[:alpha:]]", "a]"));
}

// Each class and each character of it, and patterns at random that keep to what POSIX defines.
TEST(GlobMatch, IsWhatFnmatchSays) {
  for (const char *name : {"alnum", "alpha", "blank", "cntrl", "digit", "graph", "lower", "print",
                           "punct", "space", "upper", "xdigit"}) {
    std::string pattern = "[[:" + std::string(name) + ":]]";
    for (char c = 1; c > 0 && c < 127; c++) {
      std::string text(1, c);
      if (c == '.' || c == '/') continue;
      EXPECT_EQ(mm_glob_match(pattern.c_str(), text.c_str()),
                fnmatch(pattern.c_str(), text.c_str(), 0) == 0)
          << pattern << " " << static_cast<int>(c);
    }
  }
  // A "[" before one of ".:=" begins a name, says POSIX, and where that has no end, nothing more.
  const std::vector<std::string> members = {"[.a.]-[.c.]", "a",   "b",         "-z",        "0-9",
                                            "[:alpha:]",   "\\]", "[:digit:]", "[:punct:]", "[.-.]",
                                            "a-c",         "\\-", "[=b=]",     "_",         ".",
                                            "[:xdigit:]",  ":",   "\\["};
  const std::vector<std::string> others = {"*", "?", "a", "b", ".", "]", "-", "\\*", "\\["};
  const std::string alphabet = "ab-]1[.:_z*";
  std::minstd_rand random(7);
  auto pick = [&](size_t n) { return random() / 7 % n; };
  int matched = 0;
  for (int round = 0; round < 200000; round++) {
    std::string pattern, name;
    for (size_t i = pick(4) + 1; i > 0; i--) {
      if (pick(2)) {
        pattern += others[pick(others.size())];
        continue;
      }
      pattern += pick(3) ? "[" : "[!";
      if (pick(6) == 0) pattern += "]";
      for (size_t k = pick(3) + 1; k > 0; k--) pattern += members[pick(members.size())];
      pattern += pick(8) ? "]" : "[]";
    }
    for (size_t i = pick(5); i > 0; i--) name += alphabet[pick(alphabet.size())];
    if (name[0] == '.') continue; // glibc takes it for a leading one after "*?", too
    bool expected = fnmatch(pattern.c_str(), name.c_str(), 0) == 0;
    ASSERT_EQ(mm_glob_match(pattern.c_str(), name.c_str()), expected) << pattern << " " << name;
    matched += expected;
  }
  EXPECT_GT(matched, 5000);
}

TEST(GlobMatch, AWildcardMatchesNoLeadingDot) {
  EXPECT_FALSE(mm_glob_match("*", ".a"));
  EXPECT_FALSE(mm_glob_match("?a", ".a"));
  EXPECT_FALSE(mm_glob_match("[.]a", ".a"));
  EXPECT_TRUE(mm_glob_match(".*", ".a"));
  EXPECT_TRUE(mm_glob_match("\\.a", ".a"));
}

TEST(GlobMatch, ACharacterMayBeSeveralBytes) {
  EXPECT_TRUE(mm_glob_match("?", "\xc3\xa4"));
  EXPECT_TRUE(mm_glob_match("[\xc3\xa0-\xc3\xbf]", "\xc3\xa4"));
  EXPECT_FALSE(mm_glob_match("?", "\xff\xfe"));
  EXPECT_TRUE(mm_glob_match("??", "\xff\xfe"));
  EXPECT_TRUE(mm_glob_match("?", "\xe2\x82\xac"));
  EXPECT_TRUE(mm_glob_match("??", "\xe2\x82"));
}

TEST(GlobMatch, ManyStarsTakeNoLongTime) {
  std::string pattern, name(255, 'a');
  for (int i = 0; i < 100; i++) pattern += "*a";
  EXPECT_FALSE(mm_glob_match((pattern + "b").c_str(), name.c_str()));
  EXPECT_TRUE(mm_glob_match(pattern.c_str(), name.c_str()));
}

// A tree of files, in which a test works.
class Glob : public testing::Test {
protected:
  Glob() : before_(fs::current_path()) {
    fs::current_path(scratch_.path());
    for (const char *name : {"a.c", "b.c", "b.h", "d/x.c", "d/e/y.c", "d/e/f/z.c", "d2/x.c",
                             ".hidden/h.c", "d/.dot.c"}) {
      fs::create_directories(fs::path(name).parent_path().empty() ? "."
                                                                  : fs::path(name).parent_path());
      Put(name, std::string(name).substr(0, 3));
    }
    mm_root_init(&root_);
  }
  ~Glob() override {
    mm_root_clear(&root_);
    fs::current_path(before_);
  }

  // The paths, with a space between, or the error.
  std::string Files(const std::string &pattern, const mm_watch *watch = nullptr) {
    mm_glob *glob = nullptr;
    mm_error err;
    std::string all;
    if (mm_glob_open(&root_, pattern.c_str(), &glob, &err)) return err.text;
    const char *path = nullptr;
    mm_stat stat;
    int rc;
    while ((rc = mm_glob_next(glob, watch, &path, &stat, &err)) == MM_OK && path) {
      all += (all.empty() ? "" : " ") + std::string(path);
      EXPECT_EQ(stat.size, fs::file_size(path));
    }
    mm_glob_close(glob);
    return rc ? err.text : all;
  }

  void SetRoot(const std::string &path) {
    mm_error err;
    ASSERT_EQ(mm_root_set(&root_, path.c_str(), &err), MM_OK) << err.text;
  }

  mm_test::Scratch scratch_;
  mm_root root_;

private:
  fs::path before_;
};

TEST_F(Glob, NamesFilesInTheirOrder) {
  EXPECT_EQ(Files("*.c"), "a.c b.c");
  EXPECT_EQ(Files("[b]*"), "b.c b.h");
  EXPECT_EQ(Files("d*/*.c"), "d/x.c d2/x.c");
  EXPECT_EQ(Files("*/e/*"), "d/e/y.c");
  EXPECT_EQ(Files("nothing*"), "");
}

TEST_F(Glob, APatternMayBeAPath) {
  EXPECT_EQ(Files("a.c"), "a.c");
  EXPECT_EQ(Files("./d/x.c"), "./d/x.c");
  EXPECT_EQ(Files("d/../a.c"), "d/../a.c");
  EXPECT_EQ(Files("d//x.c"), "d/x.c");
  EXPECT_EQ(Files("no.c"), "");
  EXPECT_EQ(Files(scratch_ / "a.c"), scratch_ / "a.c");
  EXPECT_EQ(Files(scratch_ / "*.h"), scratch_ / "b.h");
  std::string top = scratch_.path().substr(scratch_.path().find('/')); // Windows: on the same drive
  EXPECT_EQ(Files(top + "/a.c"), scratch_ / "a.c");
  EXPECT_EQ(Files(top + "/*.h"), scratch_ / "b.h");
  EXPECT_EQ(Files(""), "");
  EXPECT_EQ(Files("/"), "");
}

TEST_F(Glob, TwoStarsAreAnyNumberOfDirectories) {
  EXPECT_EQ(Files("**/x.c"), "d/x.c d2/x.c");
  EXPECT_EQ(Files("**/*.c"), "a.c b.c d/e/f/z.c d/e/y.c d/x.c d2/x.c");
  EXPECT_EQ(Files("d/**/*.c"), "d/e/f/z.c d/e/y.c d/x.c");
  EXPECT_EQ(Files("d/**"), "d/e/f/z.c d/e/y.c d/x.c");
  EXPECT_EQ(Files("**/e/**/*.c"), "d/e/f/z.c d/e/y.c");
  EXPECT_EQ(Files("**/**/z.c"), "d/e/f/z.c");
}

TEST_F(Glob, ReportsAFileOnce) {
  fs::create_directories("r/a/a/a");
  Put("r/a/a/a/f", "1");
  EXPECT_EQ(Files("r/**/a/**/f"), "r/a/a/a/f");
  EXPECT_EQ(Files("**/**/**/f"), "r/a/a/a/f");
}

TEST_F(Glob, HiddenNamesAreOnlyNamedByADot) {
  EXPECT_EQ(Files(".hidden/*"), ".hidden/h.c");
  EXPECT_EQ(Files(".*/*.c"), ".hidden/h.c");
  EXPECT_EQ(Files("d/.*"), "d/.dot.c");
  EXPECT_EQ(Files("**/.dot.c"), "d/.dot.c");
  EXPECT_EQ(Files("**/h.c"), "");
}

TEST_F(Glob, OnlyRegularFiles) {
  ASSERT_EQ(mkfifo("fifo.c", 0600), 0);
  fs::create_directory("dir.c");
  fs::create_symlink("a.c", "link.c");
  fs::create_symlink("nowhere", "broken.c");
  EXPECT_EQ(Files("*.c"), "a.c b.c link.c");
  EXPECT_EQ(Files("*/"), "");
}

TEST_F(Glob, TwoStarsFollowNoLinks) {
  fs::create_directory_symlink("..", "d/up");
  fs::create_directory_symlink("d", "to_d");
  EXPECT_EQ(Files("**/x.c"), "d/x.c d2/x.c");
  EXPECT_EQ(Files("to*/x.c"), "to_d/x.c");
  EXPECT_EQ(Files("d/up/a.c"), "d/up/a.c");
}

TEST_F(Glob, StaysBelowTheRoot) {
  Put("secret", "s");
  fs::create_symlink(scratch_ / "secret", "d/link");
  fs::create_directory_symlink("../d2", "d/out");
  SetRoot("d");
  fs::current_path("d");
  EXPECT_EQ(Files("*"), "x.c");
  EXPECT_EQ(Files("*/x.c"), "");
  EXPECT_EQ(Files("../*").substr(0, 5), "'../'");
  EXPECT_EQ(Files("../secret").substr(0, 11), "'../secret'");
  EXPECT_EQ(Files("/*").substr(0, 3), "'/'");
  EXPECT_EQ(Files("**/y.c"), "e/y.c");
}

TEST_F(Glob, WhatCannotBeReadIsPassedOver) {
  EXPECT_EQ(Files("a.c/*"), "");
  EXPECT_EQ(Files("no/**/x"), "");
  EXPECT_EQ(Files(std::string(3000, 'x') + "/*"), "");
  EXPECT_EQ(Files(std::string(5000, 'x') + "/*"), "");
}

TEST_F(Glob, APatternHasItsLimit) {
  std::string deep;
  for (int i = 0; i < 61; i++) deep += "a/";
  EXPECT_EQ(Files(deep + "b"), "a pattern must not have more than 60 components");
}

TEST_F(Glob, ANameOfNoClassIsAnError) {
  EXPECT_EQ(Files("[[:alpha:]][.]c"), "a.c b.c");
  EXPECT_EQ(Files("[[:ALPHA:]]*"),
            "'[:ALPHA:]' in a pattern is none of alnum, alpha, blank, cntrl, digit, graph, lower, "
            "print, punct, space, upper, xdigit");
  EXPECT_EQ(Files("*/[[:letter:]].c"),
            "'[:letter:]' in a pattern is none of alnum, alpha, blank, cntrl, digit, graph, lower, "
            "print, punct, space, upper, xdigit");
}

TEST_F(Glob, CanBeStopped) {
  for (int i = 0; i < 5000; i++) Put("many" + std::to_string(i), "");
  mm_watch watch = {[](void *, uint64_t) { return 1; }, nullptr};
  EXPECT_EQ(Files("many*", &watch), "interrupted");
}

} // namespace
