// A view that had to go, as the file was to be cut, and cannot be mapped again: what is read then, before anybody
// asks, is zeros, and who asks is told.
#include "tests/support/fault_sys.h"
#include "tests/support/object_file.h"

namespace {

using namespace mm_test;

TEST_F(FileTest, WhatCannotBeMappedAgainIsZerosAndAnError) {
  Object object = Open(Put("a", Pattern(3 * Page())));
  object.Begin();
  object.Resize(2 * Page());
  {
    FaultSys sys;
    sys.CountOnly({Call::kMap});
    sys.FailAt(0, ENOMEM);
    EXPECT_NE(mm_object_prepare(object, &object.err), MM_OK);
    EXPECT_TRUE(sys.Fired());
  }
  ASSERT_NE(object->data, nullptr);
  EXPECT_EQ(object.Seen(), Bytes(2 * Page(), 0));
  EXPECT_EQ(mm_object_faulted(object, &object.err), MM_IOERR);
  object.Refresh();
  Bytes cut = Pattern(3 * Page());
  cut.resize(2 * Page());
  EXPECT_EQ(object.Seen(), cut);
  object.Commit();
  EXPECT_EQ(Contents(Path("a")), cut);
}

} // namespace
