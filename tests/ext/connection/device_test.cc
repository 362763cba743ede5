// Handles of access 'device': block devices, by a loop device where one can be had.
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <string>

#include "tests/support/sql.h"

namespace mm_test {
namespace {

class DeviceSql : public SqlTest {
protected:
  void TearDown() override {
    db.reset();
    close(device_);
    SqlTest::TearDown();
  }

  // A device of these bytes, that goes when nobody has it open any more; "": none can be had.
  std::string Attach(const std::string &bytes) {
    Put("image", bytes);
    int image = open("image", O_RDWR), control = open("/dev/loop-control", O_RDWR);
    int number = control < 0 ? -1 : ioctl(control, LOOP_CTL_GET_FREE);
    std::string name = "/dev/loop" + std::to_string(number);
    if (number >= 0) device_ = open(name.c_str(), O_RDWR);
    loop_info64 info = {};
    info.lo_flags = LO_FLAGS_AUTOCLEAR;
    bool attached = device_ >= 0 && ioctl(device_, LOOP_SET_FD, image) == 0 &&
                    ioctl(device_, LOOP_SET_STATUS64, &info) == 0;
    close(image);
    close(control);
    return attached ? name : "";
  }

private:
  int device_ = -1;
};

TEST_F(DeviceSql, NothingElseIsOpenedSo) {
  Put("a", "x");
  EXPECT_EQ(Error("SELECT mmap_open('a', 'device')"),
            "CANTOPEN mmap_open: 'a' is not a block device");
  EXPECT_EQ(Error("SELECT mmap_open('/dev/null', 'device')"),
            "CANTOPEN mmap_open: '/dev/null' is not a block device");
  EXPECT_EQ(Error("SELECT mmap_open('.', 'device')"),
            "CANTOPEN mmap_open: '.' is not a block device");
  EXPECT_EQ(Error("SELECT mmap_open(NULL, 'device', 10)"),
            "ERROR mmap_open: access 'device' needs a path");
  EXPECT_EQ(Error("SELECT mmap_open(NULL, 'device', 10, 0, 'tag')"),
            "ERROR mmap_open: access 'device' needs a path");
  EXPECT_EQ(Error("CREATE VIRTUAL TABLE temp.t USING mmap('a', access=device)"),
            "ERROR mmap: access 'device' is none of read, write, copy, create");
  EXPECT_EQ(One("SELECT count(*) FROM mmap_list WHERE handle IS NOT NULL"), "0");
}

TEST_F(DeviceSql, IsReadByItsHandleAlone) {
  std::string bytes(1 << 20, '.');
  bytes.replace(510, 2, "\x55\xaa");
  bytes.replace(99999, 6, "needle");
  std::string name = Attach(bytes);
  if (name.empty()) GTEST_SKIP() << "no loop device";
  EXPECT_EQ(Int("SELECT mmap_open('" + name + "', 'device')"), 1);
  EXPECT_EQ(One("SELECT mmap_length(1), mmap_size(1), hex(mmap_slice(1, 510, 512)), "
                "mmap_find(1, 'needle'), mmap_count(1, '.'), access, path FROM mmap_list"),
            "1048576|1048576|55AA|99999|1048568|device|" + name);
  EXPECT_EQ(Error("SELECT mmap_length('" + name + "')"),
            "CANTOPEN mmap_length: '" + name + "' is not a regular file");
  EXPECT_EQ(Error("SELECT mmap_open('" + name + "')"),
            "CANTOPEN mmap_open: '" + name + "' is not a regular file");
  for (const char *write : {"mmap_patch(1, 0, 'x')", "mmap_resize(1, 5)", "mmap_write(1, 'x')",
                            "mmap_replace(1, 'n', 'm')", "mmap_apply(1, '# mmap patch 1')"}) {
    EXPECT_NE(Error(std::string("SELECT ") + write).find("handle 1 is open for reading only"),
              std::string::npos)
        << write;
  }
  EXPECT_EQ(Error("UPDATE mmap SET byte = 1 WHERE file = 1 AND offset = 0"),
            "READONLY mmap: handle 1 is open for reading only");
  EXPECT_EQ(One("SELECT mmap_flush(1), mmap_madvise(1, 'random'), count(*) FROM mmap(1)"),
            "0|0|1048576");
  EXPECT_EQ(Int("SELECT mmap_open('" + name + "', 'device', 2, 510)"), 2);
  EXPECT_EQ(One("SELECT hex(mmap_read(2)), mmap_close(2), mmap_close(1)"), "55AA|1|1");
}

TEST_F(DeviceSql, ShowsWhatOthersWriteToIt) {
  std::string name = Attach(std::string(1 << 16, '.'));
  if (name.empty()) GTEST_SKIP() << "no loop device";
  Run("SELECT mmap_open('" + name + "', 'device')");
  Run("SELECT mmap_config('isolation', 'transaction')");
  EXPECT_EQ(One("SELECT mmap_find(1, 'x')"), "-1");
  int fd = open(name.c_str(), O_RDWR);
  EXPECT_EQ(pwrite(fd, "x", 1, 4097), 1);
  close(fd);
  EXPECT_EQ(One("SELECT mmap_find(1, 'x')"), "4097");
}

TEST_F(DeviceSql, LiesBelowTheRoot) {
  std::string name = Attach(std::string(1 << 16, '.'));
  if (name.empty()) GTEST_SKIP() << "no loop device";
  Run("SELECT mmap_config('root', '.')");
  EXPECT_EQ(Error("SELECT mmap_open('" + name + "', 'device')").substr(0, 5), "PERM ");
}

// It ends before the bytes that it was mapped with.
TEST_F(DeviceSql, ThatIsCutIsAnErrorOfTheStatement) {
  std::string name = Attach(std::string(1 << 20, '.'));
  if (name.empty()) GTEST_SKIP() << "no loop device";
  Run("SELECT mmap_open('" + name + "', 'device')");
  EXPECT_EQ(One("SELECT mmap_length(1)"), "1048576");
  ASSERT_EQ(truncate("image", 4096), 0);
  int fd = open(name.c_str(), O_RDWR);
  ASSERT_EQ(ioctl(fd, LOOP_SET_CAPACITY), 0);
  close(fd);
  EXPECT_EQ(One("SELECT mmap_length(1), mmap_find(1, 'x')"), "4096|-1");
}

} // namespace
} // namespace mm_test
