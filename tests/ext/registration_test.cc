// What each entry point registers, and from where it may be used.
#include "tests/support/sql.h"

#include <algorithm>

namespace mm_test {
namespace {

class Registration : public SqlTest {
protected:
  // What a connection has that a plain one has not, a line each.
  static std::string Added(const char *entry, const std::string &list) {
    Db plain(":memory:", nullptr, false), loaded(":memory:", entry);
    std::string query = "SELECT group_concat(x, char(10)) FROM (" + list + ")";
    std::string before = "\n" + plain.One(query) + "\n", added;
    std::string all = loaded.One(query) + "\n";
    for (size_t at = 0; at < all.size();) {
      size_t end = all.find('\n', at);
      std::string line = all.substr(at, end - at);
      if (before.find("\n" + line + "\n") == std::string::npos) added += line + "\n";
      at = end + 1;
    }
    return added;
  }
  static std::string Functions(const char *entry) {
    return Added(entry, "SELECT name || ' ' || narg AS x FROM pragma_function_list"
                        " GROUP BY name, narg ORDER BY name, narg");
  }
  static std::string Modules(const char *entry) {
    return Added(entry, "SELECT name AS x FROM pragma_module_list WHERE name NOT LIKE 'pragma%'"
                        " ORDER BY name");
  }
};

const char kReading[] = "mmap_close 1\n"
                        "mmap_config 1\n"
                        "mmap_config 2\n"
                        "mmap_count 2\n"
                        "mmap_count 3\n"
                        "mmap_count 4\n"
                        "mmap_debug 0\n"
                        "mmap_find 2\n"
                        "mmap_find 3\n"
                        "mmap_find 4\n"
                        "mmap_flush 1\n"
                        "mmap_flush 2\n"
                        "mmap_flush 3\n"
                        "mmap_get 2\n"
                        "mmap_get 3\n"
                        "mmap_length 1\n"
                        "mmap_madvise 2\n"
                        "mmap_madvise 3\n"
                        "mmap_madvise 4\n"
                        "mmap_open 1\n"
                        "mmap_open 2\n"
                        "mmap_open 3\n"
                        "mmap_open 4\n"
                        "mmap_open 5\n"
                        "mmap_read 1\n"
                        "mmap_read 2\n"
                        "mmap_read_byte 1\n"
                        "mmap_readline 1\n"
                        "mmap_rfind 2\n"
                        "mmap_rfind 3\n"
                        "mmap_rfind 4\n"
                        "mmap_seek 2\n"
                        "mmap_seek 3\n"
                        "mmap_size 1\n"
                        "mmap_slice 1\n"
                        "mmap_slice 2\n"
                        "mmap_slice 3\n"
                        "mmap_slice 4\n"
                        "mmap_tell 1\n"
                        "mmap_version 0\n";

const char kWriting[] = "mmap_delete 3\n"
                        "mmap_insert 3\n"
                        "mmap_move 4\n"
                        "mmap_patch 3\n"
                        "mmap_resize 2\n"
                        "mmap_set 3\n"
                        "mmap_set 4\n"
                        "mmap_write 2\n"
                        "mmap_write_byte 2\n";

std::vector<std::string> Lines(const std::string &text) {
  std::vector<std::string> lines;
  for (size_t at = 0; at < text.size();) {
    size_t end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

TEST_F(Registration, TheDefaultEntryPointsRegisterEveryFunction) {
  EXPECT_EQ(Lines(Functions("sqlite3_mmap_init")), Lines(std::string(kReading) + kWriting));
  EXPECT_EQ(Functions("sqlite3_mmap0_init"), Functions("sqlite3_mmap_init"));
  EXPECT_EQ(Functions(nullptr), Functions("sqlite3_mmap_init"));
}

TEST_F(Registration, TheReadonlyEntryPointRegistersNoWay) {
  EXPECT_EQ(Lines(Functions("sqlite3_mmap_readonly_init")), Lines(kReading));
}

TEST_F(Registration, TheDefaultEntryPointsRegisterEveryTable) {
  Put("a", "x");
  EXPECT_EQ(Modules("sqlite3_mmap_init"), Modules("sqlite3_mmap0_init"));
  for (const char *name : {"mmap", "mmap_list", "mmap_changes", "mmap_writer"}) {
    EXPECT_NE(("\n" + Modules(nullptr)).find("\n" + std::string(name) + "\n"), std::string::npos)
        << name;
  }
  EXPECT_EQ(Modules("sqlite3_mmap_readonly_init").find("writer"), std::string::npos);
}

} // namespace
} // namespace mm_test
