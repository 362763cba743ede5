// libFuzzer: the input drives a program of SQL over three files and a piece of memory, by path,
// handle, window and table, beside plain strings with a stack of copies. Every answer, whether each
// statement fails, and the bytes after each step are the model's; the files themselves are as of
// the last COMMIT.
#include <array>
#include <cstring>
#include <map>
#include <set>

#include "tests/fuzz/connection.h"

namespace {

using mm_fuzz::Connection;
using mm_fuzz::Reader;

constexpr size_t kFiles = 2; // a.bin and b.bin, which have tables; then c.bin as a copy, and memory
constexpr size_t kCopy = 2, kMemory = 3, kObjects = 4;
constexpr size_t kMost = 12000; // bytes in an object
constexpr size_t kRecord = 4;   // of the tables rec0 and rec1

struct Object {
  std::string bytes;
  std::set<size_t> gone; // rows that COMMIT will close up …
  size_t shape = 1;      // … of a table with so many bytes a row
};

using State = std::array<Object, kObjects>;

// A way to name an object, or a part of it. Positions are no part of transactions.
struct View {
  std::string name; // as SQL has it
  size_t object, start;
  bool fixed;
  size_t length; // of a window that is fixed
  size_t position;
};

std::string Text(long long n) {
  return std::to_string(n);
}

std::string Blob(const std::string &bytes) {
  static const char digits[] = "0123456789abcdef";
  std::string text(2 * bytes.size() + 3, '\'');
  text[0] = 'x';
  for (size_t i = 0; i < bytes.size(); i++) {
    text[2 + 2 * i] = digits[static_cast<uint8_t>(bytes[i]) >> 4];
    text[3 + 2 * i] = digits[bytes[i] & 15];
  }
  return text;
}

// As Python clamps the bounds of a slice with a step of 1, but a start past the end stays there.
struct Range {
  long long from, to;
  Range(long long start, long long stop, size_t size) : from(start), to(stop) {
    long long n = static_cast<long long>(size);
    to = to > n ? n : to < 0 ? std::max(to + n, 0LL) : to;
    from = from < 0 ? std::max(from + n, 0LL) : from;
  }
  size_t size() const { return from < to ? static_cast<size_t>(to - from) : 0; }
};

uint32_t Crc32(const std::string &bytes) {
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes) {
    crc ^= byte;
    for (int i = 0; i < 8; i++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
  }
  return ~crc;
}

// An integer type.
struct Type {
  const char *name;
  size_t size;
  bool big, is_signed;

  long long Read(const std::string &bytes) const {
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) {
      value = value << 8 | static_cast<uint8_t>(bytes[big ? i : size - 1 - i]);
    }
    unsigned spare = static_cast<unsigned>(64 - 8 * size);
    if (is_signed) return static_cast<long long>(value << spare) >> spare;
    return static_cast<long long>(value);
  }
  std::string Write(long long value) const {
    std::string bytes(size, 0);
    for (size_t i = 0; i < size; i++) {
      bytes[big ? size - 1 - i : i] = static_cast<char>(static_cast<uint64_t>(value) >> 8 * i);
    }
    return bytes;
  }
  bool Takes(long long value) const { return size == 8 || Read(Write(value)) == value; }
};

const Type kTypes[] = {
    {"u8", 1, false, false},    {"i8", 1, false, true},     {"u16le", 2, false, false},
    {"i16be", 2, true, true},   {"u24be", 3, true, false},  {"i24le", 3, false, true},
    {"u32le", 4, false, false}, {"i32be", 4, true, true},   {"i64le", 8, false, true},
    {"u64be", 8, true, false},  {"u40le", 5, false, false}, {"i56be", 7, true, true},
};

class Program {
public:
  Program(const uint8_t *data, size_t size) : in_(data, size) {
    static const char *const kSynchronous[] = {"off", "normal"};
    Gives("mmap_config('synchronous', '" + std::string(kSynchronous[in_.Below(2)]) + "')", nullptr);
    for (size_t i = 0; i < kObjects; i++) {
      now_[i].bytes = i == kMemory ? std::string(1 + in_.Below(40), '\0') : Some(Length());
      if (i != kMemory) mm_fuzz::Put(Name(i), now_[i].bytes);
    }
    for (size_t i = 0; i < kFiles; i++) OpenFile(i);
    Open(kCopy, "'c.bin', 'copy'", 0, false, 0);
    Open(kMemory, "NULL, 'write', " + Text(static_cast<long long>(now_[kMemory].bytes.size())), 0,
         false, 0);
    committed_ = now_;
  }

  void Run() {
    for (int i = 0; i < 40 && !in_.Empty(); i++) {
      Step();
      Check();
    }
    if (InTransaction()) {
      bool keeps = in_.OneIn(2);
      Do(keeps ? "COMMIT" : "ROLLBACK", true);
      keeps ? Commit() : Rollback();
    }
    Check();
    for (size_t i = 0; i < kFiles; i++) CHECK(!std::filesystem::exists(Name(i) + "-mmap-journal"));
  }

private:
  static std::string Name(size_t object) { return std::string(1, "abc"[object]) + ".bin"; }

  void OpenFile(size_t i) {
    size_t size = now_[i].bytes.size();
    views_.push_back({"'" + Name(i) + "'", i, 0, false, 0, 0});
    Open(i, "'" + Name(i) + "', 'write'", 0, false, 0);
    size_t start = in_.Below(size + 1), length = in_.Below(size - start + 1);
    std::string open = "'" + Name(i) + "', 'write', ";
    Open(i, open + "0, " + Text(static_cast<long long>(start)), start, false, 0);
    if (length > 0) {
      Open(i,
           open + Text(static_cast<long long>(length)) + ", " + Text(static_cast<long long>(start)),
           start, true, length);
    }
    std::string n = Text(static_cast<long long>(i));
    Do("CREATE VIRTUAL TABLE temp.byte" + n + " USING mmap('" + Name(i) + "', delete=yes)", true);
    Do("CREATE VIRTUAL TABLE temp.rec" + n + " USING mmap('" + Name(i) +
           "', n u16be, c u8 @2, record=4, delete=yes)",
       true);
  }

  void Open(size_t object, const std::string &arguments, size_t start, bool fixed, size_t length) {
    std::string id = db_.Ask("SELECT mmap_open(" + arguments + ")");
    CHECK(id != "error");
    views_.push_back({id, object, start, fixed, length, 0});
  }

  // ---- what the input says

  size_t Length() {
    static const size_t kEdges[] = {0, 1, 2, 4095, 4096, 4097, 8192, 16, 64};
    return in_.OneIn(10) ? kEdges[in_.Below(9)] : in_.Below(40);
  }
  std::string Some(size_t n) {
    std::string piece = in_.Bytes(in_.Below(12)), bytes;
    if (piece.empty()) piece = "ab";
    while (bytes.size() < n) bytes += piece;
    bytes.resize(n);
    return bytes;
  }
  // A place in 0 .. size, and at times one outside; from the end at times.
  long long Place(size_t size) {
    size_t how = in_.Below(16);
    long long n = static_cast<long long>(size);
    if (how == 15) return n + 1 + static_cast<long long>(in_.Below(9));
    if (how == 14) return -n - 1 - static_cast<long long>(in_.Below(9));
    if (how == 13) return n;
    long long at = static_cast<long long>(in_.Below(size + 1));
    return how > 10 && at < n ? at - n : at;
  }

  // ---- asking

  // The value of an expression; nullptr: only that it does not fail.
  void Gives(const std::string &expression, const char *expected) {
    std::string got = db_.Ask("SELECT " + expression);
    if (expected ? got != expected : got == "error") {
      fprintf(stderr, "%s\n  gave %s, not %s (%s)\n", expression.c_str(), got.c_str(),
              expected ? expected : "a value", db_.failure().c_str());
      abort();
    }
  }
  void Gives(const std::string &expression, const std::string &expected) {
    std::string got = db_.Ask("SELECT " + expression);
    if (got == expected) return;
    fprintf(stderr, "%s\n  gave %s, not %s (%s)\n", expression.c_str(), Blob(got).c_str(),
            Blob(expected).c_str(), db_.failure().c_str());
    abort();
  }
  void Gives(const std::string &expression, long long expected) {
    Gives(expression, Text(expected).c_str());
  }
  void Fails(const std::string &expression) { Gives(expression, "error"); }
  void Do(const std::string &sql, bool works) {
    if ((db_.Ask(sql) != "error") == works) return;
    fprintf(stderr, "%s\n  %s: %s\n", sql.c_str(), works ? "failed" : "did not fail",
            db_.failure().c_str());
    abort();
  }

  // ---- a view: its bytes now

  std::string &Bytes(const View &v) { return now_[v.object].bytes; }
  size_t From(const View &v) { return std::min(v.start, Bytes(v).size()); }
  size_t Size(const View &v) {
    size_t rest = Bytes(v).size() - From(v);
    return v.fixed ? std::min(v.length, rest) : rest;
  }
  std::string Shown(const View &v) { return Bytes(v).substr(From(v), Size(v)); }
  void Store(const View &v, size_t at, const std::string &data) {
    Bytes(v).replace(From(v) + at, data.size(), data);
  }

  void Step() {
    View &v = views_[in_.Below(views_.size())];
    switch (in_.Below(30)) {
      case 0:
        return Get(v);
      case 1:
      case 2:
        return Set(v);
      case 3:
        return Slice(v);
      case 4:
      case 5:
        return Patch(v);
      case 6:
        return Move(v);
      case 7:
        return Resize(v);
      case 8:
      case 9:
        return Insert(v);
      case 10:
        return Delete(v);
      case 11:
      case 12:
        return Search(v);
      case 13:
        return Lines(v);
      case 14:
        return Diff(v, views_[in_.Below(views_.size())]);
      case 15:
      case 16:
        return Position(v);
      case 17:
        return UpdateFunction(v);
      case 18:
        return UpdateTable(in_.Below(kFiles));
      case 19:
        return InsertRows(in_.Below(kFiles));
      case 20:
      case 21:
        return DeleteRows(in_.Below(kFiles));
      case 22:
        return Rows(in_.Below(kFiles));
      case 23:
        return FailLate(v);
      default:
        return Transaction();
    }
  }

  // ---- functions that read

  void Get(const View &v) {
    const Type &type = kTypes[in_.Below(12)];
    long long size = static_cast<long long>(Size(v)), at = Place(Size(v));
    long long from = at < 0 ? at + size : at;
    std::string call = "mmap_get(" + v.name + ", " + Text(at) + ", '" + type.name + "')";
    if (from < 0 || from + static_cast<long long>(type.size) > size) return Fails(call);
    Gives(call, type.Read(Shown(v).substr(static_cast<size_t>(from), type.size)));
  }

  void Slice(const View &v) {
    std::string bytes = Shown(v), expected;
    long long start = Place(bytes.size()), stop = Place(bytes.size());
    long long step = static_cast<long long>(in_.Below(7)) - 3, n = static_cast<long long>(Size(v));
    std::string call = "mmap_slice(" + v.name + ", " + Text(start) + ", " + Text(stop) + ", ";
    if (step == 0) return Fails(call + "0)");
    // CPython's PySlice_AdjustIndices.
    auto clamp = [&](long long at) {
      at = at < 0 ? at + n : at;
      if (at < 0) return step < 0 ? -1LL : 0LL;
      return at < n ? at : step < 0 ? n - 1 : n;
    };
    long long to = clamp(stop);
    for (long long at = clamp(start); step > 0 ? at < to : at > to; at += step) {
      expected += bytes[static_cast<size_t>(at)];
    }
    Gives(call + Text(step) + ")", expected);
  }

  void Search(const View &v) {
    std::string bytes = Shown(v);
    std::string needle = in_.OneIn(2) && !bytes.empty()
                             ? bytes.substr(in_.Below(bytes.size()), 1 + in_.Below(6))
                             : Some(in_.Below(4));
    long long start = Place(bytes.size()), stop = Place(bytes.size());
    Range range(start, stop, bytes.size());
    std::string all;
    long long first = -1, last = -1, count = 0;
    for (long long at = range.from; at + static_cast<long long>(needle.size()) <= range.to; at++) {
      if (bytes.compare(static_cast<size_t>(at), needle.size(), needle)) continue;
      first = first < 0 ? at : first;
      last = at;
      count++;
      all += (all.empty() ? "" : "|") + Text(at);
    }
    std::string rest = v.name + ", " + Blob(needle) + ", " + Text(start) + ", " + Text(stop) + ")";
    Gives("mmap_find(" + rest, first);
    Gives("mmap_rfind(" + rest, last);
    if (needle.empty()) return Fails("mmap_count(" + rest);
    Gives("mmap_count(" + rest, count);
    Gives("offset FROM mmap_find_all(" + rest, all);
    std::string part =
        bytes.substr(std::min(static_cast<size_t>(range.from), bytes.size()), range.size());
    Gives("mmap_crc32(" + v.name + ", " + Text(start) + ", " + Text(stop) + ")", Crc32(part));
    long long sum = 0;
    for (char c : part) sum += static_cast<uint8_t>(c);
    Gives("sum(byte * count) FROM mmap_histogram(" + v.name + ", " + Text(start) + ", " +
              Text(stop) + ")",
          sum);
  }

  void Lines(const View &v) {
    std::string bytes = Shown(v), all;
    for (size_t at = 0, n = 1; at < bytes.size(); n++) {
      size_t end = std::min(bytes.find('\n', at), bytes.size()), next = end + 1;
      if (end > at && end < bytes.size() && bytes[end - 1] == '\r') end--;
      all += (n > 1 ? "|" : "") + Text(static_cast<long long>(n)) + "|" +
             Text(static_cast<long long>(at)) + "|" + bytes.substr(at, end - at);
      at = next;
    }
    Gives("number, offset, text FROM mmap_lines(" + v.name + ")", all);
  }

  void Diff(const View &v, const View &w) {
    std::string a = Shown(v), b = Shown(w), all;
    size_t common = std::min(a.size(), b.size()), most = std::max(a.size(), b.size());
    auto add = [&](size_t at, size_t end, const std::string &left, const std::string &right) {
      all += (all.empty() ? "" : "|") + Text(static_cast<long long>(at)) + "|" +
             Text(static_cast<long long>(end - at)) + "|" + left + "|" + right;
    };
    for (size_t at = 0, end; at < common; at = end) {
      for (end = at; end < common && a[end] != b[end];) end++;
      if (end > at) add(at, end, a.substr(at, end - at), b.substr(at, end - at));
      if (end == at) end++;
    }
    if (most > common) {
      add(common, most, a.size() > common ? a.substr(common) : "",
          b.size() > common ? b.substr(common) : "");
    }
    Gives("* FROM mmap_diff(" + v.name + ", " + w.name + ")", all);
  }

  // ---- functions that write

  void Set(const View &v) {
    const Type &type = kTypes[in_.Below(12)];
    long long size = static_cast<long long>(Size(v)), at = Place(Size(v));
    long long from = at < 0 ? at + size : at;
    long long value = static_cast<long long>(in_.Below(65536)) - 300;
    if (in_.OneIn(4)) value *= 1000003LL * 65537;
    std::string call =
        "mmap_set(" + v.name + ", " + Text(at) + ", " + Text(value) + ", '" + type.name + "')";
    if (from < 0 || from + static_cast<long long>(type.size) > size || !type.Takes(value)) {
      return Fails(call);
    }
    Gives(call, static_cast<long long>(type.size));
    Store(v, static_cast<size_t>(from), type.Write(value));
  }

  void Patch(const View &v) {
    long long size = static_cast<long long>(Size(v)), at = Place(Size(v));
    std::string data = Some(Length());
    long long from = at < 0 ? at + size : at, n = static_cast<long long>(data.size());
    std::string call = "mmap_patch(" + v.name + ", " + Text(at) + ", " + Blob(data) + ")";
    if (from < 0 || from + n > size) return Fails(call);
    Gives(call, n);
    Store(v, static_cast<size_t>(from), data);
  }

  void Move(const View &v) {
    long long size = static_cast<long long>(Size(v));
    long long to = Place(Size(v)), from = Place(Size(v)), n = static_cast<long long>(Length());
    std::string call =
        "mmap_move(" + v.name + ", " + Text(to) + ", " + Text(from) + ", " + Text(n) + ")";
    if (to < 0 || from < 0 || to + n > size || from + n > size) return Fails(call);
    Gives(call, n);
    Store(v, static_cast<size_t>(to),
          Shown(v).substr(static_cast<size_t>(from), static_cast<size_t>(n)));
  }

  // A window of fixed length would change its length for good: left out.
  bool Grows(const View &v) {
    return !v.fixed && v.start <= Bytes(v).size() && Bytes(v).size() < kMost;
  }

  void Resize(const View &v) {
    size_t size = in_.OneIn(3) ? in_.Below(Size(v) + 1) : Length();
    std::string call = "mmap_resize(" + v.name + ", " + Text(static_cast<long long>(size)) + ")";
    if (v.object == kCopy) return Fails(call);
    if (!Grows(v)) return;
    bool same = v.start + size == Bytes(v).size();
    if (!same && !now_[v.object].gone.empty()) return Fails(call);
    Gives(call, static_cast<long long>(size));
    Bytes(v).resize(v.start + size);
  }

  void Insert(const View &v) {
    long long size = static_cast<long long>(Size(v)), at = Place(Size(v));
    long long from = at < 0 ? at + size : at;
    std::string data = Some(Length());
    std::string call = "mmap_insert(" + v.name + ", " + Text(at) + ", " + Blob(data) + ")";
    if (v.object == kCopy && !data.empty()) return Fails(call);
    if (!Grows(v)) return;
    if (from < 0 || from > size || !now_[v.object].gone.empty()) return Fails(call);
    Bytes(v).insert(v.start + static_cast<size_t>(from), data);
    Gives(call, static_cast<long long>(Size(v)));
  }

  void Delete(const View &v) {
    long long start = Place(Size(v)), stop = Place(Size(v));
    Range range(start, stop, Size(v));
    std::string call = "mmap_delete(" + v.name + ", " + Text(start) + ", " + Text(stop) + ")";
    if (v.object == kCopy && range.size()) return Fails(call);
    if (!Grows(v)) return;
    if (!now_[v.object].gone.empty()) return Fails(call);
    if (range.size()) Bytes(v).erase(v.start + static_cast<size_t>(range.from), range.size());
    Gives(call, static_cast<long long>(Size(v)));
  }

  // A statement whose last row fails: all of it is undone.
  void FailLate(const View &v) {
    std::string size = Text(static_cast<long long>(Size(v)));
    Do("CREATE TEMP TABLE IF NOT EXISTS noted(n)", true);
    Do("INSERT INTO noted SELECT mmap_set(" + v.name +
           ", value, 64) FROM (SELECT 0 AS value UNION ALL SELECT " + size +
           " / 2 UNION ALL SELECT " + size + ")",
       false);
  }

  // ---- positions

  void Position(View &v) {
    if (v.name[0] == '\'') return;
    std::string bytes = Shown(v);
    size_t at = v.position, n;
    if (at > bytes.size()) return Seek(v, 0, 0);
    switch (in_.Below(7)) {
      case 0:
        n = in_.Below(20);
        Gives("mmap_read(" + v.name + ", " + Text(static_cast<long long>(n)) + ")",
              bytes.substr(at, n));
        v.position += std::min(n, bytes.size() - at);
        return;
      case 1:
        if (at == bytes.size()) return Fails("mmap_read_byte(" + v.name + ")");
        Gives("mmap_read_byte(" + v.name + ")", static_cast<uint8_t>(bytes[v.position++]));
        return;
      case 2:
        n = std::min(bytes.find('\n', at), bytes.size() - 1);
        n = at == bytes.size() ? 0 : n + 1 - at;
        Gives("mmap_readline(" + v.name + ")", bytes.substr(at, n));
        v.position += n;
        return;
      case 3:
        return Write(v, Some(in_.Below(10)));
      case 4:
        Gives("mmap_tell(" + v.name + ")", static_cast<long long>(at));
        return;
      default:
        return Seek(v, Place(bytes.size()), static_cast<long long>(in_.Below(3)));
    }
  }

  void Write(View &v, const std::string &data) {
    std::string call = "mmap_write(" + v.name + ", " + Blob(data) + ")";
    if (v.position + data.size() > Size(v)) return Fails(call);
    Gives(call, static_cast<long long>(data.size()));
    Store(v, v.position, data);
    v.position += data.size();
  }

  void Seek(View &v, long long to, long long whence) {
    long long size = static_cast<long long>(Size(v));
    long long base = whence == 0 ? 0 : whence == 1 ? static_cast<long long>(v.position) : size;
    std::string call = "mmap_seek(" + v.name + ", " + Text(to) + ", " + Text(whence) + ")";
    if (base + to < 0 || base + to > size) return Fails(call);
    Gives(call, base + to);
    v.position = static_cast<size_t>(base + to);
  }

  // ---- tables

  void UpdateFunction(const View &v) {
    size_t from = in_.Below(Size(v) + 2), to = from + in_.Below(40), add = in_.Below(256);
    std::string where = " WHERE file = " + v.name +
                        " AND offset >= " + Text(static_cast<long long>(from)) + " AND offset < " +
                        Text(static_cast<long long>(to));
    Do("UPDATE mmap SET byte = (byte + " + Text(static_cast<long long>(add)) + ") % 256" + where,
       true);
    std::string &bytes = Bytes(v);
    for (size_t i = from; i < to && i < Size(v); i++) {
      char &c = bytes[From(v) + i];
      c = static_cast<char>(c + static_cast<char>(add));
    }
  }

  std::string Table(size_t file, size_t shape) {
    return (shape == 1 ? "byte" : "rec") + Text(static_cast<long long>(file));
  }
  size_t Shape() { return in_.OneIn(2) ? kRecord : 1; }
  // The last record needs its columns alone: 3 bytes of the 4.
  size_t Count(size_t file, size_t shape) {
    return (now_[file].bytes.size() + (shape == kRecord)) / shape;
  }
  bool IsGone(size_t file, size_t shape, size_t row) {
    const Object &o = now_[file];
    return o.shape == shape && o.gone.count(row);
  }

  void UpdateTable(size_t file) {
    size_t shape = Shape(), row = in_.Below(Count(file, shape) + 1), value = in_.Below(256);
    std::string set = shape == 1 ? " SET byte = " : " SET c = ";
    Do("UPDATE " + Table(file, shape) + set + Text(static_cast<long long>(value)) +
           " WHERE rowid IN (" + Text(static_cast<long long>(row)) + ", 1)",
       true);
    for (size_t i : {row, size_t{1}}) {
      if (i >= Count(file, shape) || IsGone(file, shape, i)) continue;
      now_[file].bytes[i * shape + (shape == 1 ? 0 : 2)] = static_cast<char>(value);
    }
  }

  void InsertRows(size_t file) {
    size_t shape = Shape(), n = 1 + in_.Below(5), next = Count(file, shape);
    Object &o = now_[file];
    if (o.bytes.size() > kMost) return;
    std::string insert = "INSERT INTO " + Table(file, shape);
    insert += shape == 1 ? "(byte) VALUES(65)" : "(n, c) VALUES(16706, 67)";
    for (size_t i = 1; i < n; i++) insert += shape == 1 ? ", (66)" : ", (17219, 68)";
    bool works = o.bytes.size() % shape == 0;
    for (size_t i = 0; i < n; i++) works &= !IsGone(file, shape, next + i);
    Do(insert, works);
    for (size_t i = 0; works && i < n; i++) {
      o.bytes += shape == 1 ? std::string(1, i ? 'B' : 'A') : std::string(i ? "CCD\0" : "ABC\0", 4);
    }
  }

  void DeleteRows(size_t file) {
    size_t shape = Shape(), from = in_.Below(Count(file, shape) + 1), n = in_.Below(6);
    Object &o = now_[file];
    std::set<size_t> rows;
    for (size_t i = from; i < from + n && i < Count(file, shape); i++) {
      if (!IsGone(file, shape, i)) rows.insert(i);
    }
    bool works =
        rows.empty() || (o.bytes.size() % shape == 0 && (o.gone.empty() || o.shape == shape));
    Do("DELETE FROM " + Table(file, shape) +
           " WHERE rowid >= " + Text(static_cast<long long>(from)) + " AND rowid < " +
           Text(static_cast<long long>(from + n)),
       works);
    if (!works || rows.empty()) return;
    o.shape = shape;
    o.gone.insert(rows.begin(), rows.end());
  }

  void Rows(size_t file) {
    size_t shape = Shape(), count = 0, by_value = 0;
    const std::string &bytes = now_[file].bytes;
    std::string all;
    for (size_t i = 0; i < Count(file, shape); i++) {
      if (IsGone(file, shape, i)) continue;
      all += (count++ ? "|" : "") + Text(static_cast<long long>(i)) + "|" +
             Text(static_cast<uint8_t>(bytes[i * shape + (shape == 1 ? 0 : 2)]));
      by_value += bytes[i * shape + (shape == 1 ? 0 : 2)] == 'a';
    }
    std::string column = shape == 1 ? "byte" : "c", table = Table(file, shape);
    Gives("rowid, " + column + " FROM " + table, all);
    Gives("count(*) FROM " + table, static_cast<long long>(count));
    Gives("count(*) FROM " + table + " WHERE " + column + " = 97",
          static_cast<long long>(by_value));
  }

  // ---- transactions

  bool InTransaction() const { return begun_ || !stack_.empty(); }

  static void CloseUp(Object *o) {
    std::string kept;
    for (size_t i = 0; i < o->bytes.size(); i++) {
      if (!o->gone.count(i / o->shape)) kept += o->bytes[i];
    }
    o->bytes = kept;
    o->gone.clear();
  }
  void Commit() {
    for (Object &o : now_) CloseUp(&o);
    committed_ = now_;
    stack_.clear();
    begun_ = false;
  }
  void Rollback() {
    now_ = committed_;
    stack_.clear();
    begun_ = false;
  }

  void Transaction() {
    size_t what = in_.Below(8), level = stack_.empty() ? 0 : in_.Below(stack_.size());
    std::string name = "s" + Text(static_cast<long long>(level));
    if (!InTransaction() && what < 5) {
      Do("BEGIN", true);
      begun_ = true;
    } else if (what < 3) {
      Do("SAVEPOINT s" + Text(static_cast<long long>(stack_.size())), true);
      stack_.push_back(now_);
    } else if (what < 5 && !stack_.empty()) {
      Do("ROLLBACK TO " + name, true);
      now_ = stack_[level];
      stack_.resize(level + 1);
    } else if (what == 5 && !stack_.empty()) {
      Do("RELEASE " + name, true);
      stack_.resize(level);
    } else if (what == 6 && InTransaction()) {
      Do("ROLLBACK", true);
      Rollback();
    } else if (what == 7 && InTransaction()) {
      Do("COMMIT", true);
      Commit();
    }
  }

  // ---- looking

  void Check() {
    if (!InTransaction()) Commit();
    for (size_t i = 0; i < kFiles; i++) CHECK(mm_fuzz::Get(Name(i)) == committed_[i].bytes);
    std::string all, expected;
    auto ask = [&](const std::string &call, const std::string &value) {
      all += (all.empty() ? "" : ", ") + call;
      expected += (expected.empty() ? "" : "|") + value;
    };
    const View &some = views_[in_.Below(views_.size())];
    ask("mmap_length(" + some.name + ")", Text(static_cast<long long>(Size(some))));
    ask("mmap_slice(" + some.name + ")", Shown(some));
    for (const View &v : views_) {
      if (v.start || v.fixed || v.name[0] == '\'') continue;
      ask("mmap_slice(" + v.name + ")", Bytes(v));
      ask("mmap_size(" + v.name + ")", Text(static_cast<long long>(Bytes(v).size())));
    }
    Gives(all, expected);
  }

  Reader in_;
  Connection db_;
  std::vector<View> views_;
  State now_, committed_; // when no transaction runs, `committed_` is `now_`
  bool begun_ = false;
  std::vector<State> stack_;
};

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  mm_fuzz::Settle();
  mm_fuzz::Clear();
  Program(data, size).Run();
  mm_fuzz::Clear();
  return 0;
}
