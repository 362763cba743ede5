// Random programs on objects against a plain vector: after every step the object shows the vector's
// bytes; the file shows those of the last commit.
#include "tests/support/object_file.h"
#include "tests/support/rounds.h"

#include <random>

extern "C" {
#include "core/file/splice.h"
}

namespace {

using namespace mm_test;

class Chance {
public:
  explicit Chance(unsigned seed) : engine_(seed) {}
  uint64_t Below(uint64_t n) { return std::uniform_int_distribution<uint64_t>(0, n - 1)(engine_); }
  bool OneIn(uint64_t n) { return Below(n) == 0; }
  // 0..most, with a liking for small numbers and for page boundaries.
  uint64_t Upto(uint64_t most) {
    if (most == 0) return 0;
    uint64_t value = Below(most + 1);
    if (OneIn(3)) value = Below(std::min<uint64_t>(most, 20) + 1);
    if (OneIn(3)) value = value / Page() * Page() + Below(3) - 1;
    return std::min(value, most); // below 0 is far above
  }
  Bytes Data(uint64_t size) { return Pattern(size, static_cast<unsigned>(engine_())); }

private:
  std::mt19937 engine_;
};

// One object and what it should be.
class Program {
public:
  Program(FileTest &test, Object &object, const std::string &path, Chance &chance, uint64_t most)
      : test_(test), object_(object), path_(path), chance_(chance), most_(most),
        committed_(object.Seen()), now_(committed_), file_(path.empty() ? Bytes() : committed_) {
    if (chance.OneIn(2)) object_->log.spare = 1 + chance.Upto(2000); // to be compacted often
  }

  void Run(uint64_t steps) {
    for (uint64_t i = 0; i < steps && !test_.HasFailure(); i++) {
      Step();
      Check();
    }
    Unpin(pins_.size());
  }

private:
  struct Pin {
    const uint8_t *address;
    Bytes bytes;
  };

  bool Fixed() const { return object_->kind == MM_OBJECT_PRIVATE; }

  void Step() {
    switch (chance_.Below(18)) {
      case 0:
        return Begin();
      case 1:
      case 2:
      case 3:
        return Write();
      case 4:
        return Move();
      case 5:
        return Insert();
      case 6:
        return Erase();
      case 7:
        return Resize();
      case 8:
        return Mark();
      case 9:
        return RollbackTo();
      case 10:
        return Commit();
      case 11:
        return Rollback();
      case 12:
        return object_.Refresh();
      case 13:
        return AddPin();
      case 14:
        return Unpin(chance_.Upto(pins_.size()));
      case 15:
        return Prepare();
      case 16:
        return Release(chance_.Upto(marks_.size()));
      case 17:
        return Splice();
    }
  }

  void Begin() {
    object_.Refresh();
    object_.Begin();
    begun_ = true;
  }
  void NeedsBegin() {
    if (!begun_) Begin();
  }
  void Write() {
    NeedsBegin();
    uint64_t offset = chance_.Upto(now_.size());
    Bytes data = chance_.Data(chance_.Upto(now_.size() - offset));
    if (chance_.OneIn(2)) {
      object_.Write(offset, data);
    } else {
      object_.WriteUnseen(offset, data);
    }
    std::copy(data.begin(), data.end(), now_.begin() + static_cast<ptrdiff_t>(offset));
  }
  void Move() {
    NeedsBegin();
    uint64_t size = chance_.Upto(now_.size());
    uint64_t to = chance_.Upto(now_.size() - size), from = chance_.Upto(now_.size() - size);
    object_.Move(to, from, size);
    if (size) memmove(&now_[to], &now_[from], size);
  }
  void Insert() {
    NeedsBegin();
    if (Fixed() || now_.size() >= most_) return;
    uint64_t offset = chance_.Upto(now_.size());
    Bytes data = chance_.Data(chance_.Upto(most_ - now_.size()));
    object_.Insert(offset, data);
    now_.insert(now_.begin() + static_cast<ptrdiff_t>(offset), data.begin(), data.end());
  }
  void Erase() {
    NeedsBegin();
    if (Fixed()) return;
    uint64_t offset = chance_.Upto(now_.size()), size = chance_.Upto(now_.size() - offset);
    object_.Erase(offset, size);
    auto at = now_.begin() + static_cast<ptrdiff_t>(offset);
    now_.erase(at, at + static_cast<ptrdiff_t>(size));
  }
  void Resize() {
    NeedsBegin();
    if (Fixed()) return;
    uint64_t size = chance_.Upto(most_);
    object_.Resize(size);
    now_.resize(size);
  }
  // A few places at once, ascending; of a private object each keeps its length.
  void Splice() {
    NeedsBegin();
    std::vector<mm_splice> splices;
    std::vector<Bytes> data;
    Bytes next;
    uint64_t at = 0, room = most_ > now_.size() ? most_ - now_.size() : 0;
    for (uint64_t left = chance_.Below(6); left > 0 && at <= now_.size(); left--) {
      uint64_t offset = at + chance_.Upto(now_.size() - at);
      uint64_t size = chance_.Upto(now_.size() - offset);
      bool same = Fixed() || chance_.OneIn(3);
      data.push_back(chance_.Data(same ? size : chance_.Upto(size + room / 6)));
      splices.push_back({offset, size, nullptr, data.back().size()});
      next.insert(next.end(), now_.begin() + static_cast<ptrdiff_t>(at),
                  now_.begin() + static_cast<ptrdiff_t>(offset));
      next.insert(next.end(), data.back().begin(), data.back().end());
      at = offset + size;
    }
    for (size_t i = 0; i < data.size(); i++) splices[i].data = data[i].data();
    next.insert(next.end(), now_.begin() + static_cast<ptrdiff_t>(at), now_.end());
    ASSERT_EQ(mm_object_splice(object_, splices.data(), splices.size(), &object_.err), MM_OK)
        << object_.err.text;
    now_ = next;
  }
  void Mark() {
    NeedsBegin();
    marks_.push_back(
        {chance_.OneIn(2) ? mm_object_savepoint(object_) : mm_object_mark(object_), now_});
  }
  void RollbackTo() {
    if (marks_.empty()) return;
    size_t to = chance_.Below(marks_.size());
    Release(to + 1);
    object_.RollbackTo(marks_[to].first);
    now_ = marks_[to].second;
  }
  // The newest marks, down to so many.
  void Release(size_t left) {
    for (; marks_.size() > left; marks_.pop_back()) {
      mm_object_release(object_, &marks_.back().first);
    }
  }
  void CheckChange() {
    mm_change change = {};
    ASSERT_EQ(mm_object_change(object_, &change, &object_.err), MM_OK);
    Bytes bytes = committed_;
    EXPECT_EQ(change.old_size, bytes.size());
    bytes.resize(change.new_size);
    mm_change_walk walk = {};
    walk.change = &change;
    mm_extent extent;
    while (mm_change_next(&walk, &extent)) {
      if (extent.data) {
        memcpy(&bytes[extent.offset], extent.data, extent.size);
      } else {
        memset(&bytes[extent.offset], 0, extent.size);
      }
    }
    mm_change_clear(&change);
    EXPECT_TRUE(bytes == now_) << "the change is not what was written";
  }
  void Prepare() {
    if (begun_) object_.Prepare();
  }
  void Commit() {
    if (begun_) CheckChange();
    object_.Commit();
    End();
    committed_ = now_;
    if (!Fixed()) file_ = now_;
    CheckFile();
  }
  void Rollback() {
    object_.Rollback();
    End();
    now_ = committed_;
    CheckFile();
  }
  void End() {
    begun_ = false;
    marks_.clear();
  }

  void AddPin() {
    if (!mm_object_can_pin(object_) || now_.empty()) return;
    uint64_t offset = chance_.Below(now_.size());
    uint64_t size = 1 + chance_.Upto(now_.size() - offset - 1);
    mm_object_pin(object_, offset, size);
    auto from = now_.begin() + static_cast<ptrdiff_t>(offset);
    pins_.push_back({object_->data + offset, Bytes(from, from + static_cast<ptrdiff_t>(size))});
  }
  void Unpin(size_t count) {
    for (; count > 0; count--) {
      size_t at = chance_.Below(pins_.size());
      mm_view_unpin(pins_[at].address);
      pins_.erase(pins_.begin() + static_cast<ptrdiff_t>(at));
    }
  }

  void Check() {
    ASSERT_EQ(object_->size, now_.size());
    if (chance_.OneIn(3)) return; // nobody looks
    mm_object_see(object_);
    ASSERT_TRUE(now_.empty() || !memcmp(object_->data, now_.data(), now_.size()));
    ASSERT_EQ(mm_object_faulted(object_, &object_.err), MM_OK) << object_.err.text;
    for (const Pin &pin : pins_) {
      ASSERT_TRUE(!memcmp(pin.address, pin.bytes.data(), pin.bytes.size())) << "a pin changed";
    }
  }
  void CheckFile() {
    if (path_.empty()) return;
    ASSERT_TRUE(Contents(path_) == file_) << "the file is not what was committed";
  }

  FileTest &test_;
  Object &object_;
  std::string path_;
  Chance &chance_;
  uint64_t most_;
  Bytes committed_, now_, file_;
  std::vector<std::pair<mm_log_mark, Bytes>> marks_;
  std::vector<Pin> pins_;
  bool begun_ = false;
};

class ObjectRandomTest : public FileTest {
protected:
  void RunPrograms(int kind, unsigned first, unsigned count) {
    for (unsigned seed = first; seed < first + Rounds(count) && !HasFailure(); seed++) {
      SCOPED_TRACE("seed " + std::to_string(seed));
      Chance chance(seed);
      uint64_t most = chance.OneIn(2) ? 100 : chance.OneIn(16) ? 3 << 20 : 6 * Page();
      uint64_t size = chance.Upto(most);
      settings.synchronous = chance.OneIn(2) ? MM_SYNC_OFF : MM_SYNC_NORMAL;
      if (kind == MM_OBJECT_MEMORY) {
        Object object = OpenMemory(size);
        Program(*this, object, "", chance, most).Run(chance.Below(60));
      } else {
        std::string path = Put("a", chance.Data(size));
        Object object = Open(path, kind);
        Program(*this, object, path, chance, most).Run(chance.Below(60));
        std::filesystem::remove(path); // cheaper than to be cut
      }
    }
  }
};

TEST_F(ObjectRandomTest, FilesDoAsAVectorDoes) {
  RunPrograms(MM_OBJECT_FILE, 0, 800);
}

TEST_F(ObjectRandomTest, PrivateObjectsDoAsAVectorDoesAndLeaveTheirFileAlone) {
  RunPrograms(MM_OBJECT_PRIVATE, 10000, 400);
}

TEST_F(ObjectRandomTest, MemoryDoesAsAVectorDoes) {
  RunPrograms(MM_OBJECT_MEMORY, 20000, 400);
}

// Two objects of one file in turns: each sees the other's commits, and nobody's pins change.
TEST_F(ObjectRandomTest, TwoObjectsOfOneFileTakeTurns) {
  for (unsigned seed = 0; seed < Rounds(100u) && !HasFailure(); seed++) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Chance chance(seed);
    std::string path = Put("a", chance.Data(chance.Upto(5 * Page())));
    Object one = Open(path), two = Open(path);
    struct Pin {
      const uint8_t *address;
      Bytes bytes;
    };
    std::vector<Pin> pins;
    for (int turn = 0; turn < 20; turn++) {
      Object &writer = chance.OneIn(2) ? one : two;
      bool pinned = chance.OneIn(2); // if not, the mapping stays
      for (Object *object : {&one, &two}) {
        object->Refresh();
        ASSERT_TRUE(object->Seen() == Contents(path));
        if (!pinned || !mm_object_can_pin(*object) || (*object)->size == 0) continue;
        uint64_t offset = chance.Below((*object)->size);
        uint64_t size = 1 + chance.Upto((*object)->size - offset - 1);
        mm_object_pin(*object, offset, size);
        const uint8_t *address = (*object)->data + offset;
        pins.push_back({address, Bytes(address, address + size)});
      }
      mm_object_rest(&writer == &one ? two : one);
      writer.Begin();
      for (int times = 0; times < 2; times++) { // cut and grown
        uint64_t size = chance.Upto(5 * Page());
        Bytes wanted = writer.Seen();
        wanted.resize(size);
        writer.Resize(size);
        ASSERT_TRUE(writer.Seen() == wanted);
      }
      uint64_t offset = chance.Upto(writer->size);
      writer.Write(offset, chance.Data(chance.Upto(writer->size - offset)));
      if (chance.OneIn(4)) {
        writer.Prepare();
        writer.Rollback();
      } else {
        writer.Commit();
      }
      for (const Pin &pin : pins) {
        ASSERT_TRUE(!memcmp(pin.address, pin.bytes.data(), pin.bytes.size())) << "a pin changed";
      }
      while (!pins.empty() && chance.OneIn(2)) {
        size_t at = chance.Below(pins.size());
        mm_view_unpin(pins[at].address);
        pins.erase(pins.begin() + static_cast<ptrdiff_t>(at));
      }
    }
    for (const Pin &pin : pins) mm_view_unpin(pin.address);
  }
}

} // namespace
