// A file system in memory behind mm_os, and everything that a crash can leave of it.
//
// A Disk is a directory of files, and of directories of files ("d/f"): what programs see, what has become durable, and what was done
// since and may be lost. A ModelOs puts a disk behind mm_os and writes down all that is done to it.
// Any prefix of these operations is a moment to crash at:
//
//     killed    the disk as it is: the system lives on. The operation after it may be half done
//     power     only what is durable, and of the rest any part, as After() chooses:
//               - of the 512-byte sectors of each write any set; a lost one past the file's durable
//                 end may also hold what the last file of that name held there
//               - a file's size and mode as after any prefix of their changes
//               - of each name, what any prefix of its making and removing gives: a file that was
//                 synced itself is lost if its name was not. A file that is renamed may be lost
//                 under either name, or have both
//
// A block of a file that was never written, or was made a hole, is one; it may have room all the same,
// that was reserved. Which blocks have room is no matter of crashes here.
//
// What the model knows of a system is what core uses for files with the names "/model/<name>" and
// "/model/<directory>/<name>"; a call that it does not know ends the test.
#ifndef MM_TESTS_SUPPORT_MODEL_OS_H
#define MM_TESTS_SUPPORT_MODEL_OS_H

#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

extern "C" {
#include "core/os/sys.h"
}

namespace mm_test {

// One thing that was done to a disk.
struct DiskOp {
  enum Kind { kCreate, kRemove, kRename, kWrite, kZero, kResize, kMode, kSync, kSyncDirectory };
  Kind kind;
  uint64_t inode = 0;
  std::string name; // that the inode has or had
  uint64_t offset = 0;
  uint64_t size = 0; // kZero: bytes; kResize: the new size; kMode: the mode
  std::string data;  // kWrite; kRename: the new name
};

std::string Describe(const DiskOp &op); // "write f 100+20"

class Disk {
public:
  struct Node {
    // Something that is not durable yet: a sector's bytes, or (`meta`) the size and mode.
    struct Pending {
      bool meta = false, shrink = false;
      uint64_t offset = 0; // sector: of its first byte; meta: the size
      std::string data;
      uint32_t mode = 0;
    };
    std::string bytes, durable;
    uint32_t mode = 0644, durable_mode = 0644;
    uint64_t changed = 0; // Disk::clock at the last change
    std::vector<Pending> pending;
    std::string ghost;             // what the disk held before where this file's new bytes go
    std::set<uint64_t> room, data; // blocks; those with data have room
  };

  void Put(const std::string &name, const std::string &bytes); // a durable file, zeros are holes
  void Apply(const DiskOp &op);
  void Reserve(uint64_t inode, uint64_t offset, uint64_t size);

  bool Has(const std::string &name) const;
  uint64_t InodeOf(const std::string &name) const; // 0: none
  std::vector<std::string> Names() const;
  const std::string &Contents(const std::string &name) const;
  const Node *Find(uint64_t inode) const;

  // What may be lost, thing by thing, each with the number of its outcomes. The last outcome of
  // each is that nothing of it is lost.
  std::vector<unsigned> Choices() const;
  Disk After(const std::vector<unsigned> &choice) const;

  uint64_t Hash() const; // of what was, is and may be in it, times excepted
  uint64_t clock = 1;    // counts operations; a file's times are of it

private:
  struct Name {
    uint64_t inode = 0, durable = 0; // 0: none
    std::vector<uint64_t> pending;   // what it has meant since it was durable
    std::string ghost;               // the bytes of the last file that was removed under it
  };

  void Record(const std::string &name, uint64_t inode);

  std::map<uint64_t, Node> nodes_;
  std::map<std::string, Name> names_;
  uint64_t next_inode_ = 1;
};

// One at a time: leads mm_os to the disk while it lives. Nothing that was opened may be used later.
class ModelOs {
public:
  explicit ModelOs(Disk disk);
  ~ModelOs();
  ModelOs(const ModelOs &) = delete;
  ModelOs &operator=(const ModelOs &) = delete;

  static std::string PathOf(const std::string &name); // "/model/<name>"
  const Disk &disk() const;
  const std::vector<DiskOp> &ops() const; // all that was done since it lives

  // As on Windows: what is mapped is not cut, directories are not synced; a file that is synced, and
  // one that is renamed, has its name. MM_MODEL_OS=windows sets it.
  static bool windows;

  // So many blocks may still be reserved.
  void Left(uint64_t blocks);

  // Operations that this says yes to are reported as done, and are not.
  void Lose(std::function<bool(const DiskOp &)> lose);
  // Operations that this says yes to are not done, and fail with EIO.
  void Fail(std::function<bool(const DiskOp &)> fail);

  // As a program does that knows nothing of us.
  void Outside(const std::string &name, uint64_t offset, const std::string &data, bool sync);
};

} // namespace mm_test

#endif
