#include "tests/support/model_os.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <utility>

namespace mm_test {

namespace {

constexpr uint64_t kSector = 512, kPage = 4096, kBlock = 4096;
constexpr uint32_t kUser = 1000;
const std::string kDirectory = "/model";

uint64_t Mix(uint64_t hash, uint64_t value) { // splitmix64's finish
  hash += value + 0x9e3779b97f4a7c15u;
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
  return hash ^ (hash >> 31);
}

uint64_t Mix(uint64_t hash, const std::string &text) {
  return Mix(Mix(hash, text.size()), std::hash<std::string>()(text));
}

// Put `data` at `offset`, with zeros before it if it lies past the end.
void Store(std::string *bytes, uint64_t offset, const std::string &data) {
  if (bytes->size() < offset + data.size()) bytes->resize(offset + data.size());
  bytes->replace(offset, data.size(), data);
}

// The directory that a name is in; "": the top.
std::string DirectoryOf(const std::string &name) {
  size_t slash = name.rfind('/');
  return slash == std::string::npos ? "" : name.substr(0, slash);
}

[[noreturn]] void Unknown(const std::string &what) {
  fprintf(stderr, "the model does not know: %s\n", what.c_str());
  abort();
}

} // namespace

std::string Describe(const DiskOp &op) {
  static const char *const names[] = {"create", "remove", "rename", "write",         "zero",
                                      "resize", "mode",   "sync",   "sync-directory"};
  std::string text = std::string(names[op.kind]) + " " + op.name;
  if (op.kind == DiskOp::kWrite || op.kind == DiskOp::kZero) {
    uint64_t size = op.kind == DiskOp::kWrite ? op.data.size() : op.size;
    text += " " + std::to_string(op.offset) + "+" + std::to_string(size);
  }
  if (op.kind == DiskOp::kRename) text += " to " + op.data;
  if (op.kind == DiskOp::kResize) text += " " + std::to_string(op.size);
  return text;
}

// ---- the disk

void Disk::Put(const std::string &name, const std::string &bytes) {
  uint64_t inode = next_inode_++;
  Node &node = nodes_[inode];
  node.bytes = node.durable = bytes;
  for (uint64_t at = 0; at * kBlock < bytes.size(); at++) {
    if (bytes.find_first_not_of('\0', at * kBlock) / kBlock == at) node.data.insert(at);
  }
  node.room = node.data;
  node.changed = clock++;
  names_[name].inode = names_[name].durable = inode;
}

void Disk::Reserve(uint64_t inode, uint64_t offset, uint64_t size) {
  Node &node = nodes_[inode];
  for (uint64_t at = offset / kBlock; at * kBlock < offset + size; at++) node.room.insert(at);
  node.changed = clock++;
}

// What an operation does to the blocks of a file.
static void TakeRoom(Disk::Node *node, const DiskOp &op) {
  uint64_t first = op.offset / kBlock,
           past = op.kind == DiskOp::kResize ? (op.size + kBlock - 1) / kBlock
                                             : (op.offset + op.data.size() + kBlock - 1) / kBlock;
  if (op.kind == DiskOp::kWrite) {
    for (uint64_t at = first; at < past; at++) {
      node->room.insert(at);
      node->data.insert(at);
    }
  } else if (op.kind == DiskOp::kResize) {
    node->room.erase(node->room.lower_bound(past), node->room.end());
    node->data.erase(node->data.lower_bound(past), node->data.end());
  } else if (op.kind == DiskOp::kZero) {
    for (uint64_t at = (op.offset + kBlock - 1) / kBlock; (at + 1) * kBlock <= op.offset + op.size;
         at++) {
      node->room.erase(at);
      node->data.erase(at);
    }
  }
}

bool Disk::Has(const std::string &name) const {
  return InodeOf(name) != 0;
}

uint64_t Disk::InodeOf(const std::string &name) const {
  auto found = names_.find(name);
  return found == names_.end() ? 0 : found->second.inode;
}

std::vector<std::string> Disk::Names() const {
  std::vector<std::string> names;
  for (const auto &[name, entry] : names_)
    if (entry.inode) names.push_back(name);
  return names;
}

const Disk::Node *Disk::Find(uint64_t inode) const {
  auto found = nodes_.find(inode);
  return found == nodes_.end() ? nullptr : &found->second;
}

const std::string &Disk::Contents(const std::string &name) const {
  static const std::string none;
  const Node *node = Find(InodeOf(name));
  return node ? node->bytes : none;
}

void Disk::Record(const std::string &name, uint64_t inode) {
  names_[name].inode = inode;
  names_[name].pending.push_back(inode);
}

namespace {

using Pending = Disk::Node::Pending;

void ChangeMeta(Disk::Node *node, uint64_t size, bool shrink) {
  Pending meta;
  meta.meta = true;
  meta.shrink = shrink;
  meta.offset = size;
  meta.mode = node->mode;
  node->pending.push_back(meta);
}

// A write that makes a file longer does so page by page.
void Grow(Disk::Node *node, uint64_t size) {
  for (uint64_t at = node->bytes.size(); at < size;) {
    at = std::min(size, (at / kPage + 1) * kPage);
    ChangeMeta(node, at, false);
  }
}

void Write(Disk::Node *node, uint64_t offset, const std::string &data) {
  for (uint64_t done = 0; done < data.size();) {
    Pending part;
    part.offset = offset + done;
    uint64_t size = std::min<uint64_t>(data.size() - done, kSector - part.offset % kSector);
    part.data = data.substr(done, size);
    node->pending.push_back(part);
    done += size;
  }
  if (offset + data.size() > node->bytes.size()) Grow(node, offset + data.size());
  Store(&node->bytes, offset, data);
}

} // namespace

void Disk::Apply(const DiskOp &op) {
  auto found = nodes_.find(op.inode);
  Node *node = found == nodes_.end() ? nullptr : &found->second;
  if (node) TakeRoom(node, op);
  switch (op.kind) {
    case DiskOp::kCreate:
      next_inode_ = std::max(next_inode_, op.inode + 1);
      node = &nodes_[op.inode];
      node->mode = node->durable_mode = static_cast<uint32_t>(op.size);
      node->ghost = names_[op.name].ghost;
      Record(op.name, op.inode);
      break;
    case DiskOp::kRemove:
      names_[op.name].ghost = node->bytes;
      Record(op.name, 0);
      break;
    case DiskOp::kRename:
      Record(op.data, op.inode);
      Record(op.name, 0);
      break;
    case DiskOp::kWrite:
      Write(node, op.offset, op.data);
      break;
    case DiskOp::kZero:
      if (op.offset < node->bytes.size()) {
        Write(node, op.offset,
              std::string(std::min(op.size, node->bytes.size() - op.offset), '\0'));
      }
      break;
    case DiskOp::kResize:
      ChangeMeta(node, op.size, op.size < node->bytes.size());
      node->bytes.resize(op.size);
      break;
    case DiskOp::kMode:
      node->mode = static_cast<uint32_t>(op.size);
      ChangeMeta(node, node->bytes.size(), false);
      break;
    case DiskOp::kSync:
      node->durable = node->bytes;
      node->durable_mode = node->mode;
      node->pending.clear();
      for (auto &[name, entry] : names_) {
        if (!op.size || entry.inode != op.inode) continue;
        entry.durable = entry.inode;
        entry.pending.clear();
      }
      break;
    case DiskOp::kSyncDirectory:
      for (auto &[name, entry] : names_) {
        if (DirectoryOf(name) != op.name) continue;
        entry.durable = entry.inode;
        entry.pending.clear();
      }
      break;
  }
  if (node && op.kind != DiskOp::kSync) node->changed = clock;
  clock++;
}

// The outcomes of a sector: lost; lost, and something else in its place; kept. The second only
// where the disk has nothing durable of the file.
static unsigned OutcomesOf(const Disk::Node &node, const Pending &part) {
  return part.offset >= node.durable.size() ? 3 : 2;
}

std::vector<unsigned> Disk::Choices() const {
  std::vector<unsigned> choices;
  for (const auto &[name, entry] : names_) {
    choices.push_back(static_cast<unsigned>(entry.pending.size()) + 1);
  }
  for (const auto &[inode, node] : nodes_) {
    unsigned metas = 1;
    for (const Pending &pending : node.pending) metas += pending.meta;
    choices.push_back(metas);
    for (const Pending &pending : node.pending) {
      if (!pending.meta) choices.push_back(OutcomesOf(node, pending));
    }
  }
  return choices;
}

// The bytes of a lost sector that hold what was on the disk before.
static std::string Garbage(const Disk::Node &node, const Pending &part) {
  std::string bytes(part.data.size(), '\xee');
  for (size_t i = 0; i < bytes.size() && part.offset + i < node.ghost.size(); i++) {
    bytes[i] = node.ghost[part.offset + i];
  }
  return bytes;
}

// Moves *choice past the node's.
static Disk::Node NodeAfter(const Disk::Node &node, const unsigned **choice) {
  Disk::Node after;
  std::string blocks = node.durable; // may be longer than the file: its size was lost
  uint64_t size = blocks.size();
  after.mode = node.durable_mode;
  unsigned metas = *(*choice)++;
  for (const Pending &pending : node.pending) {
    if (pending.meta) {
      if (metas == 0) continue;
      metas--;
      size = pending.offset;
      after.mode = pending.mode;
      if (pending.shrink && blocks.size() > size) blocks.resize(size);
    } else {
      unsigned outcome = *(*choice)++;
      if (outcome + 1 == OutcomesOf(node, pending)) {
        Store(&blocks, pending.offset, pending.data);
      } else if (outcome == 1) {
        Store(&blocks, pending.offset, Garbage(node, pending));
      }
    }
  }
  blocks.resize(size);
  after.bytes = after.durable = blocks;
  after.durable_mode = after.mode;
  after.changed = node.changed;
  after.room = node.room;
  after.data = node.data;
  return after;
}

Disk Disk::After(const std::vector<unsigned> &choice) const {
  Disk after;
  const unsigned *next = choice.data();
  after.clock = clock + 1;
  after.next_inode_ = next_inode_;
  for (const auto &[name, entry] : names_) {
    unsigned kept = *next++;
    uint64_t inode = kept ? entry.pending[kept - 1] : entry.durable;
    Name &now = after.names_[name];
    now.inode = now.durable = inode;
    now.ghost = entry.ghost;
  }
  for (const auto &[inode, node] : nodes_) {
    Node survivor = NodeAfter(node, &next);
    bool named = false;
    for (const auto &[name, entry] : after.names_) named |= entry.inode == inode;
    if (named) after.nodes_[inode] = std::move(survivor);
  }
  return after;
}

uint64_t Disk::Hash() const {
  uint64_t hash = 0;
  for (const auto &[name, entry] : names_) {
    hash = Mix(Mix(Mix(hash, name), entry.inode), entry.durable);
    hash = Mix(hash, entry.ghost);
    for (uint64_t inode : entry.pending) hash = Mix(hash, inode + 1);
  }
  for (const auto &[inode, node] : nodes_) {
    hash = Mix(Mix(Mix(hash, inode), node.bytes), node.durable);
    hash = Mix(Mix(Mix(hash, node.mode), node.durable_mode), node.ghost);
    for (const Pending &pending : node.pending) {
      hash = Mix(Mix(Mix(hash, pending.offset), pending.data), pending.meta + 2u * pending.shrink);
      hash = Mix(hash, pending.mode);
    }
  }
  return hash;
}

// ---- the system calls

namespace {

constexpr uint64_t kDirectoryInode = UINT64_MAX;
constexpr int kFirst = 1000; // descriptors of the model, so that no other is taken for one

struct Descriptor {
  uint64_t inode = 0; // 0: closed
  std::string name;
  int flags = 0;
  std::map<uint64_t, int> locks; // of bytes
};

struct Model {
  Disk disk;
  std::vector<DiskOp> ops;
  std::function<bool(const DiskOp &)> lose, fail;
  std::vector<Descriptor> descriptors;
  std::map<uint64_t, int> shown; // inode to a file in memory that has the same bytes, once mapped
  std::map<void *, uint64_t> mapped; // a rigid system's mappings, to the inode
  const mm_sys *real = mm_sys_default();
  mm_sys below;
  uint64_t left = UINT64_MAX; // blocks that may be reserved
};

Model *model;

void ShowAgain(uint64_t inode) {
  auto shown = model->shown.find(inode);
  const Disk::Node *node = model->disk.Find(inode);
  if (shown == model->shown.end() || !node) return;
  const std::string &bytes = node->bytes;
  int failed = model->real->resize(shown->second, bytes.size());
  if (!failed && !bytes.empty()) {
    failed = model->real->write(shown->second, bytes.data(), bytes.size(), 0) !=
             static_cast<int64_t>(bytes.size());
  }
  if (failed) Unknown("memory is full");
}

int Do(DiskOp op) {
  if (model->fail && model->fail(op)) return -EIO;
  if (model->lose && model->lose(op)) return 0;
  model->disk.Apply(op);
  bool bytes = op.kind == DiskOp::kWrite || op.kind == DiskOp::kZero || op.kind == DiskOp::kResize;
  if (bytes) ShowAgain(op.inode);
  model->ops.push_back(std::move(op));
  return 0;
}

Descriptor *Get(int fd) {
  size_t index = static_cast<size_t>(fd - kFirst);
  if (fd < kFirst || index >= model->descriptors.size()) return nullptr;
  return model->descriptors[index].inode ? &model->descriptors[index] : nullptr;
}

int Add(uint64_t inode, std::string name, int flags) {
  auto &all = model->descriptors;
  size_t i = 0;
  while (i < all.size() && all[i].inode) i++;
  if (i == all.size()) all.emplace_back();
  all[i].inode = inode;
  all[i].name = std::move(name);
  all[i].flags = flags;
  all[i].locks.clear();
  return kFirst + static_cast<int>(i);
}

DiskOp Of(DiskOp::Kind kind, const Descriptor &of) {
  DiskOp op;
  op.kind = kind;
  op.inode = of.inode;
  op.name = of.name;
  return op;
}

bool NameIn(const std::string &path, std::string *name) {
  if (path.compare(0, kDirectory.size() + 1, kDirectory + "/") != 0) return false;
  *name = path.substr(kDirectory.size() + 1);
  return true;
}

int Open(int directory, const char *path, int flags, uint32_t mode) {
  std::string name;
  if (directory != -1) Unknown("open in a directory");
  if (path == kDirectory) return Add(kDirectoryInode, "", flags);
  if (!NameIn(path, &name)) return -ENOENT;
  if (flags & MM_OPEN_DIRECTORY) return Add(kDirectoryInode, name, flags);
  uint64_t inode = model->disk.InodeOf(name);
  if (inode && (flags & MM_OPEN_EXCLUSIVE)) return -EEXIST;
  if (!inode && !(flags & MM_OPEN_CREATE)) return -ENOENT;
  if (!inode) {
    DiskOp op;
    op.kind = DiskOp::kCreate;
    op.inode = inode = model->disk.clock + 1000; // as new as any
    op.name = name;
    op.size = mode;
    if (Do(op)) return -EIO;
  }
  return Add(inode, name, flags);
}

int Reopen(int fd, int flags) {
  Descriptor *of = Get(fd);
  return of ? Add(of->inode, of->name, flags) : -EBADF;
}

int Close(int fd) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  of->inode = 0;
  return 0;
}

void StatusOf(uint64_t inode, mm_stat *stat) {
  const Disk::Node *node = model->disk.Find(inode);
  *stat = {};
  stat->device = 77;
  stat->inode = inode;
  stat->user = stat->group = kUser;
  stat->kind = node ? MM_KIND_FILE : MM_KIND_DIRECTORY;
  stat->mode = node ? node->mode : 0755;
  stat->size = node ? node->bytes.size() : 0;
  stat->room = node ? node->room.size() * kBlock : 0;
  stat->mtime = stat->ctime = node ? static_cast<int64_t>(node->changed) : 0;
  stat->links = 1;
}

int Status(int fd, mm_stat *stat) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  StatusOf(of->inode, stat);
  if (model->disk.InodeOf(of->name) != of->inode) stat->links = 0;
  return 0;
}

int StatusPath(const char *path, mm_stat *stat) {
  std::string name;
  uint64_t inode = NameIn(path, &name) ? model->disk.InodeOf(name) : 0;
  if (!inode) return -ENOENT;
  StatusOf(inode, stat);
  return 0;
}

int64_t Birth(int fd) {
  Descriptor *of = Get(fd);
  return of ? static_cast<int64_t>(of->inode) * 1000 : 0;
}

int PathOfDescriptor(int fd, char *path, size_t size) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  std::string text = of->name.empty() ? kDirectory : kDirectory + "/" + of->name;
  if (text.size() >= size) return -ENAMETOOLONG;
  memcpy(path, text.c_str(), text.size() + 1);
  return 0;
}

int64_t Read(int fd, void *data, size_t size, uint64_t offset) {
  Descriptor *of = Get(fd);
  const Disk::Node *node = of ? model->disk.Find(of->inode) : nullptr;
  if (!node || !(of->flags & MM_OPEN_READ)) return -EBADF;
  if (offset >= node->bytes.size()) return 0;
  size = std::min<size_t>(size, node->bytes.size() - offset);
  memcpy(data, node->bytes.data() + offset, size);
  return static_cast<int64_t>(size);
}

Descriptor *ForWriting(int fd) {
  Descriptor *of = Get(fd);
  return of && (of->flags & MM_OPEN_WRITE) ? of : nullptr;
}

int64_t WriteCall(int fd, const void *data, size_t size, uint64_t offset) {
  Descriptor *of = ForWriting(fd);
  if (!of) return -EBADF;
  DiskOp op = Of(DiskOp::kWrite, *of);
  op.offset = offset;
  op.data.assign(static_cast<const char *>(data), size);
  if (size && Do(op)) return -EIO;
  return static_cast<int64_t>(size);
}

int Resize(int fd, uint64_t size) {
  Descriptor *of = ForWriting(fd);
  if (!of) return -EBADF;
  bool cut = size < model->disk.Find(of->inode)->bytes.size();
  for (const auto &[address, inode] : model->mapped)
    if (cut && inode == of->inode) return -EBUSY;
  DiskOp op = Of(DiskOp::kResize, *of);
  op.size = size;
  return Do(op);
}

int CanHold(int fd, uint64_t) {
  return ForWriting(fd) ? 0 : -EBADF;
}

int Reserve(int fd, uint64_t offset, uint64_t size) {
  Descriptor *of = ForWriting(fd);
  if (!of) return -EBADF;
  const std::set<uint64_t> &room = model->disk.Find(of->inode)->room;
  uint64_t needed = 0;
  for (uint64_t at = offset / kBlock; at * kBlock < offset + size; at++) needed += !room.count(at);
  if (needed > model->left) return -ENOSPC;
  model->left -= needed;
  model->disk.Reserve(of->inode, offset, size);
  return 0;
}

int Zero(int fd, uint64_t offset, uint64_t size) {
  Descriptor *of = ForWriting(fd);
  if (!of) return -EBADF;
  DiskOp op = Of(DiskOp::kZero, *of);
  op.offset = offset;
  op.size = size;
  return Do(op);
}

// The first place from `offset` on whose block has data, or has none; the file's size: none.
uint64_t NextPlace(const Disk::Node &node, uint64_t offset, bool data) {
  uint64_t size = node.bytes.size();
  while (offset < size && node.data.count(offset / kBlock) != data) {
    offset = (offset / kBlock + 1) * kBlock;
  }
  return std::min(offset, size);
}

int64_t NextHole(int fd, uint64_t offset) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  const Disk::Node &node = *model->disk.Find(of->inode);
  return static_cast<int64_t>(offset < node.bytes.size() ? NextPlace(node, offset, false)
                                                         : node.bytes.size());
}

int64_t NextData(int fd, uint64_t offset) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  const Disk::Node &node = *model->disk.Find(of->inode);
  uint64_t at = NextPlace(node, offset, true);
  return at < node.bytes.size() ? static_cast<int64_t>(at) : -ENXIO;
}

int HolesTakeRoom(int) {
  return 0;
}

int Sync(int fd) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  bool directory = of->inode == kDirectoryInode;
  if (directory && ModelOs::windows) return -EOPNOTSUPP;
  DiskOp op = Of(directory ? DiskOp::kSyncDirectory : DiskOp::kSync, *of);
  op.size = ModelOs::windows;
  return Do(op);
}

int Remove(const char *path) {
  DiskOp op;
  op.kind = DiskOp::kRemove;
  if (!NameIn(path, &op.name) || !model->disk.Has(op.name)) return -ENOENT;
  op.inode = model->disk.InodeOf(op.name);
  return Do(op);
}

int SetMode(int fd, uint32_t mode) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  DiskOp op = Of(DiskOp::kMode, *of);
  op.size = mode;
  return Do(op);
}

int SetOwner(int fd, uint32_t, uint32_t) {
  return Get(fd) ? 0 : -EBADF;
}

// The mode says all.
int HasAccess(int file) {
  return Get(file) ? 0 : -EBADF;
}

int SameAccess(int fd, int file) {
  return Get(fd) && Get(file) ? 1 : -EBADF;
}

bool HeldByAnother(const Descriptor *of, int kind, uint64_t offset, uint64_t size) {
  for (const Descriptor &other : model->descriptors) {
    if (&other == of || other.inode != of->inode) continue;
    for (const auto &[at, held] : other.locks) {
      if (at < offset || at - offset >= size) continue;
      if (held == MM_LOCK_EXCLUSIVE || kind == MM_LOCK_EXCLUSIVE) return true;
    }
  }
  return false;
}

int Lock(int fd, int kind, uint64_t offset, uint64_t size) {
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  if (kind != MM_LOCK_NONE && HeldByAnother(of, kind, offset, size)) return -EAGAIN;
  for (uint64_t at = offset; at - offset < size; at++) {
    of->locks.erase(at);
    if (kind != MM_LOCK_NONE) of->locks[at] = kind;
  }
  return 0;
}

int Locked(int fd, int kind, uint64_t offset, uint64_t size) {
  Descriptor *of = Get(fd);
  return of ? HeldByAnother(of, kind, offset, size) : -EBADF;
}

int Map(void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed) {
  if (fd == -1) return model->real->map(address, size, protection, -1, offset, fixed);
  Descriptor *of = Get(fd);
  if (!of) return -EBADF;
  if (!model->shown.count(of->inode)) {
    int memory = model->real->memory("model");
    if (memory < 0) return memory;
    model->shown[of->inode] = memory;
    ShowAgain(of->inode);
  }
  return model->real->map(address, size, protection, model->shown[of->inode], offset, fixed);
}

int MapNoted(void **address, size_t size, int protection, int fd, uint64_t offset, bool fixed) {
  Descriptor *of = fd == -1 ? nullptr : Get(fd);
  if (fixed || (of && offset + size > model->disk.Find(of->inode)->bytes.size())) return -EINVAL;
  int rc = Map(address, size, protection, fd, offset, fixed);
  if (rc == 0 && of) model->mapped[*address] = of->inode;
  return rc;
}

int MapGrown(void **address, size_t size, int fd, size_t shared) {
  const int both = MM_PROT_READ | MM_PROT_WRITE;
  if (shared % MM_MAP_GRANULE) return -EINVAL;
  int rc = model->real->map(address, size, both, -1, 0, false);
  if (rc == 0 && shared) rc = Map(address, shared, both, fd, 0, true);
  if (rc == 0 && shared) model->mapped[*address] = Get(fd)->inode;
  return rc;
}

int Unmap(void *address, size_t size) {
  model->mapped.erase(address);
  return model->real->unmap(address, size);
}

uint32_t User() {
  return kUser;
}

// Never the same twice on one disk, and the same in each run.
void Random(void *data, size_t size) {
  for (size_t i = 0; i < size; i++) {
    static_cast<uint8_t *>(data)[i] = static_cast<uint8_t>(Mix(model->disk.clock, i));
  }
}

int OpenBeneath(int, const char *, int, uint32_t) {
  Unknown("open_beneath");
}
int ReadLink(int, char *, size_t) {
  Unknown("read_link");
}
int WorkingDirectory(char *, size_t) {
  Unknown("working_directory");
}
int Rename(const char *from, const char *to) {
  DiskOp op;
  op.kind = DiskOp::kRename;
  if (!NameIn(from, &op.name) || !model->disk.Has(op.name)) return -ENOENT;
  if (!NameIn(to, &op.data)) return -ENOENT;
  op.inode = model->disk.InodeOf(op.name);
  int rc = Do(op);
  if (rc || !ModelOs::windows) return rc;
  op.kind = DiskOp::kSync; // its names, as it is written through
  op.name = op.data;
  op.data.clear();
  op.size = 1;
  return Do(op);
}

int List(int, const char *path, mm_sys_entry *entry, void *context) {
  std::string directory;
  if (!strcmp(path, "/proc/self/fd")) return 0; // nobody else has any
  if (path != kDirectory && !NameIn(path, &directory)) return -ENOENT;
  for (const std::string &name : model->disk.Names()) {
    if (DirectoryOf(name) != directory) continue;
    size_t start = directory.empty() ? 0 : directory.size() + 1;
    if (!entry(context, name.c_str() + start, MM_KIND_FILE)) break;
  }
  return 0;
}

int Memory(const char *) {
  Unknown("memory");
}

} // namespace

ModelOs::ModelOs(Disk disk) {
  model = new Model;
  model->disk = std::move(disk);
  model->below = mm_os;
  mm_os.open = Open;
  mm_os.open_beneath = OpenBeneath;
  mm_os.reopen = Reopen;
  mm_os.close = Close;
  mm_os.status = Status;
  mm_os.status_path = mm_os.status_link = StatusPath;
  mm_os.birth = Birth;
  mm_os.path_of = PathOfDescriptor;
  mm_os.read_link = ReadLink;
  mm_os.working_directory = WorkingDirectory;
  mm_os.read = Read;
  mm_os.write = WriteCall;
  mm_os.resize = Resize;
  mm_os.can_hold = CanHold;
  mm_os.reserve = Reserve;
  mm_os.zero = Zero;
  mm_os.next_hole = NextHole;
  mm_os.next_data = NextData;
  mm_os.holes_take_room = HolesTakeRoom;
  mm_os.sync = mm_os.sync_data = Sync;
  mm_os.remove = Remove;
  mm_os.rename = Rename;
  mm_os.set_mode = SetMode;
  mm_os.set_owner = SetOwner;
  mm_os.has_access = HasAccess;
  mm_os.same_access = SameAccess;
  mm_os.list = List;
  mm_os.memory = Memory;
  mm_os.lock = Lock;
  mm_os.locked = Locked;
  mm_os.map = Map;
  mm_os.user = User;
  mm_os.random = Random;
  if (!windows) return;
  mm_os.traits = MM_TRAIT_RIGID_MAPS | MM_TRAIT_NAMES_RETURN;
  mm_os.map = MapNoted;
  mm_os.map_grown = MapGrown;
  mm_os.unmap = Unmap;
}

bool ModelOs::windows = [] {
  const char *system = getenv("MM_MODEL_OS");
  return system && std::string(system) == "windows";
}();

ModelOs::~ModelOs() {
  for (const auto &[inode, memory] : model->shown) model->real->close(memory);
  mm_os = model->below;
  delete model;
  model = nullptr;
}

std::string ModelOs::PathOf(const std::string &name) {
  return kDirectory + "/" + name;
}
const Disk &ModelOs::disk() const {
  return model->disk;
}
const std::vector<DiskOp> &ModelOs::ops() const {
  return model->ops;
}
void ModelOs::Fail(std::function<bool(const DiskOp &)> fail) {
  model->fail = std::move(fail);
}
void ModelOs::Left(uint64_t blocks) {
  model->left = blocks;
}

void ModelOs::Lose(std::function<bool(const DiskOp &)> lose) {
  model->lose = std::move(lose);
}

void ModelOs::Outside(const std::string &name, uint64_t offset, const std::string &data,
                      bool sync) {
  int fd = Open(-1, PathOf(name).c_str(), MM_OPEN_READ | MM_OPEN_WRITE, 0);
  WriteCall(fd, data.data(), data.size(), offset);
  if (sync) Sync(fd);
  Close(fd);
}

} // namespace mm_test
