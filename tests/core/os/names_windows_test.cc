// Paths on Windows, on any system: which names a file may have, what core calls it and what the system
// is told.
#include <gtest/gtest.h>

#include <cerrno>
#include <string>

extern "C" {
#include "core/os/names_windows.h"
}

namespace {

constexpr char kHere[] = "C:/here/now";

// What a user's path is to core; a negated errno as a number.
std::string Normal(const std::string &path, const char *here = kHere) {
  char out[200];
  int rc = names_normalise(path.c_str(), here, out, sizeof out);
  return rc ? std::to_string(rc) : out;
}

std::string Absolute(const std::string &path, const char *here = kHere) {
  char out[200];
  int rc = names_absolute(path.c_str(), here, out, sizeof out);
  return rc ? std::to_string(rc) : out;
}

std::string Narrow(const uint16_t *text) {
  char out[300];
  int rc = names_to_utf8(text, out, sizeof out);
  return rc ? std::to_string(rc) : out;
}

std::string Native(const std::string &path) {
  uint16_t out[200];
  int rc = names_native(path.c_str(), out, 200);
  return rc ? std::to_string(rc) : Narrow(out);
}

std::string FromNative(const std::string &native) {
  uint16_t wide[200];
  char out[200];
  EXPECT_EQ(names_to_utf16(native.c_str(), wide, 200), 0);
  int rc = names_from_native(wide, out, sizeof out);
  return rc ? std::to_string(rc) : out;
}

const std::string kInvalid = std::to_string(-EINVAL), kDevice = std::to_string(-ENODEV);

TEST(WindowsNames, HaveOneKindOfSeparator) {
  EXPECT_EQ(Normal("C:\\a\\b.bin"), "C:/a/b.bin");
  EXPECT_EQ(Normal("c:/a\\b"), "c:/a/b");
  EXPECT_EQ(Normal("a\\..\\b"), "a/../b");
  EXPECT_EQ(Normal("\\\\server\\share\\a b"), "//server/share/a b");
  EXPECT_EQ(Normal("//server/share/x"), "//server/share/x");
  EXPECT_EQ(Normal(""), "");
}

TEST(WindowsNames, AreOnTheDriveOfTheWorkingDirectory) {
  EXPECT_EQ(Normal("\\a"), "C:/a");
  EXPECT_EQ(Normal("/a/b"), "C:/a/b");
  EXPECT_EQ(Normal("\\a", "//server/share/deep"), "//server/share/a");
  EXPECT_EQ(Normal("/"), "C:/");
}

TEST(WindowsNames, LoseTheSystemsPrefix) {
  EXPECT_EQ(Normal("\\\\?\\C:\\a"), "C:/a");
  EXPECT_EQ(Normal("\\\\?\\UNC\\server\\share\\a"), "//server/share/a");
  EXPECT_EQ(Normal("\\\\?\\unc\\server\\share\\a"), "//server/share/a");
}

TEST(WindowsNames, ThatLeadToNoFileAreRefused) {
  for (const char *path :
       {"\\\\.\\pipe\\x", "\\\\.\\C:", "//./PhysicalDrive0", "\\\\?\\GLOBALROOT\\Device\\x",
        "\\\\?\\Volume{b75e2c83-0000-0000-0000-602f00000000}\\x", "\\\\?\\pipe\\x"}) {
    EXPECT_EQ(Normal(path), kDevice) << path;
  }
  for (const char *path :
       {"C:a", "C:", "a:b", "a.bin:stream", "C:/a.bin:stream", "C:/a.bin::$DATA", "\\\\server",
        "\\\\server\\", "///a", "a?", "a*b", "a|b", "a<b", "a\"b", "a\nb", "\x01"}) {
    EXPECT_EQ(Normal(path), kInvalid) << path;
  }
}

TEST(WindowsNames, OfDevicesAreRefusedWhateverTheirEnding) {
  for (const char *path :
       {"NUL", "nul", "C:/a/NUL", "nul.txt", "Aux.tar.gz", "con", "PRN", "com1", "COM9.log", "lpt3",
        "COM\xc2\xb9", "lpt\xc2\xb2.x", "CONIN$", "conout$", "nul /x", "NUL .txt", "d/aux/x"}) {
    std::string got = Normal(path);
    EXPECT_TRUE(got == kDevice || got == kInvalid) << path << ": " << got;
  }
  for (const char *path : {"null", "com0", "com10", "com", "lpt", "console", "xnul", "a.nul",
                           "com\xc2\xb4", "nul_", "$nul"}) {
    EXPECT_EQ(Normal(path), path);
  }
}

TEST(WindowsNames, ThatTheSystemWouldShortenAreRefused) {
  for (const char *path : {"a.", "a ", "a..", "C:/d./x", "C:/d /x", "...", " ", ". /x"}) {
    EXPECT_EQ(Normal(path), kInvalid) << path;
  }
  for (const char *path : {".", "..", "./a", "../a", ".a", " a", "a b", "a.b"}) {
    EXPECT_EQ(Normal(path), path);
  }
}

TEST(WindowsNames, BeginAtATop) {
  EXPECT_EQ(names_top("C:/"), 3u);
  EXPECT_EQ(names_top("z:/a/b"), 3u);
  EXPECT_EQ(names_top("//server/share/a"), 15u);
  EXPECT_EQ(names_top("//server/share"), 14u);
  for (const char *path :
       {"", "a", "C:", "C:a", "1:/a", "/a", "//", "//server", "//server/", "///a"})
    EXPECT_EQ(names_top(path), 0u) << path;
}

TEST(WindowsNames, BecomeAbsolute) {
  EXPECT_EQ(Absolute("a"), "C:/here/now/a");
  EXPECT_EQ(Absolute("./a//b/."), "C:/here/now/a/b");
  EXPECT_EQ(Absolute("../a"), "C:/here/a");
  EXPECT_EQ(Absolute("../../../../a"), "C:/a");
  EXPECT_EQ(Absolute("D:/x/../y"), "D:/y");
  EXPECT_EQ(Absolute("D:/.."), "D:/");
  EXPECT_EQ(Absolute(""), "C:/here/now");
  EXPECT_EQ(Absolute("//server/share/../../a"), "//server/share/a");
  EXPECT_EQ(Absolute("../..", "//server/share/deep"), "//server/share/");
  EXPECT_EQ(Absolute("a", "//server/share"), "//server/share/a");
  EXPECT_EQ(Absolute("a", "C:/"), "C:/a");
  EXPECT_EQ(Absolute("a", "nowhere"), kInvalid);
}

TEST(WindowsNames, GoToTheSystemWhole) {
  EXPECT_EQ(Native("C:/a/b"), "\\\\?\\C:\\a\\b");
  EXPECT_EQ(Native("//server/share/a"), "\\\\?\\UNC\\server\\share\\a");
  EXPECT_EQ(Native("C:/\xc3\xa4\xf0\x9f\x98\x80"), "\\\\?\\C:\\\xc3\xa4\xf0\x9f\x98\x80");
  EXPECT_EQ(Native("C:/\xff"), kInvalid);
}

TEST(WindowsNames, ComeBackAsTheyWere) {
  for (const char *path : {"C:/", "C:/a/b", "//server/share/a", "C:/\xe2\x82\xac"}) {
    EXPECT_EQ(FromNative(Native(path)), path);
  }
  EXPECT_EQ(FromNative("\\?\?\\C:\\a"), "C:/a") << "of a junction";
  EXPECT_EQ(FromNative("a\\b"), "a/b") << "of a relative link";
}

TEST(WindowsNames, AreCutNowhere) {
  const std::string name(300, 'x');
  char out[200];
  uint16_t wide[200];
  EXPECT_EQ(names_normalise(name.c_str(), kHere, out, sizeof out), -ENAMETOOLONG);
  EXPECT_EQ(names_absolute(name.c_str(), kHere, out, sizeof out), -ENAMETOOLONG);
  EXPECT_EQ(names_native(("C:/" + name).c_str(), wide, 200), -ENAMETOOLONG);
  for (size_t size = 1; size < 12; size++) {
    bool fits = size > strlen("C:/a");
    EXPECT_EQ(names_absolute("C:/a", kHere, out, size), fits ? 0 : -ENAMETOOLONG) << size;
    EXPECT_EQ(names_normalise("C:\\a", kHere, out, size), fits ? 0 : -ENAMETOOLONG) << size;
    EXPECT_EQ(names_native("C:/a", wide, size), size > 8 ? 0 : -ENAMETOOLONG) << size;
  }
}

TEST(WindowsNames, AreWellFormedUtf) {
  uint16_t wide[20];
  for (const char *text : {"\x80", "\xc0\x80", "\xc3", "\xed\xa0\x80", "\xf4\x90\x80\x80",
                           "\xe0\x80\x80", "\xf0\x80\x80\x80", "a\xe2\x82"}) {
    EXPECT_EQ(names_to_utf16(text, wide, 20), -EILSEQ) << text;
  }
  char out[20];
  for (const uint16_t unit : {0xd800, 0xdbff, 0xdc00, 0xdfff}) {
    const uint16_t text[] = {'a', unit, 0};
    EXPECT_EQ(names_to_utf8(text, out, sizeof out), -EILSEQ) << unit;
  }
}

// Every code point there is, there and back.
TEST(WindowsNames, KeepEachCharacter) {
  for (uint32_t c = 1; c < 0x110000; c++) {
    if (c >= 0xd800 && c < 0xe000) continue;
    uint16_t wide[3] = {static_cast<uint16_t>(c), 0, 0}, back[3];
    if (c >= 0x10000) {
      wide[0] = static_cast<uint16_t>(0xd800 + ((c - 0x10000) >> 10));
      wide[1] = static_cast<uint16_t>(0xdc00 + (c & 0x3ff));
    }
    char text[5];
    ASSERT_EQ(names_to_utf8(wide, text, sizeof text), 0) << c;
    ASSERT_EQ(names_to_utf16(text, back, 3), 0) << c;
    ASSERT_TRUE(back[0] == wide[0] && (c < 0x10000 || back[1] == wide[1])) << c;
  }
}

} // namespace
