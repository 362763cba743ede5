// What another program does between two of our system calls.
#include "tests/support/object_file.h"

namespace {

using namespace mm_test;

std::function<void()> meanwhile; // once, before the next `reserve`

int ReserveLater(int fd, uint64_t offset, uint64_t size) {
  if (meanwhile) meanwhile();
  meanwhile = nullptr;
  return mm_sys_default()->reserve(fd, offset, size);
}

class ObjectRaceTest : public FileTest {
protected:
  void SetUp() override {
    FileTest::SetUp();
    mm_os.reserve = ReserveLater;
  }
  void TearDown() override {
    mm_os.reserve = mm_sys_default()->reserve;
    FileTest::TearDown();
  }
};

TEST_F(ObjectRaceTest, AFileThatIsCutWhileRoomIsReservedIsLeftAsItIs) {
  std::string path = Put("f", Pattern(5000));
  Object object = Open(path);
  object.Begin();
  object.Insert(5000, Pattern(3000));
  meanwhile = [&] { OutsideResize(path, 100); };
  EXPECT_EQ(mm_object_prepare(object, &object.err), MM_CHANGED);
  EXPECT_EQ(mm_object_rollback(object, &object.err), MM_OK) << object.err.text;
  Bytes cut = Pattern(5000);
  cut.resize(100);
  EXPECT_EQ(Contents(path), cut);
  EXPECT_FALSE(HasJournal(path));
}

} // namespace
